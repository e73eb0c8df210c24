"""Frozen declarations of the files: where the numbers come from and what their columns mean."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from equity_screen.reaches import REACH_KEYS, KernelWord, ReachWord, missing_keys, unused_keys
from equity_screen.recipe import Declaration, Ledger

YEAR_DIGITS = 4


class NeighbourhoodsFile(Declaration):
    """Where the neighbourhoods are and what their columns mean.

    Examples
    --------
    >>> NeighbourhoodsFile(file="tracts.gpkg", id="GEOID", population="pop").population_missing
    'refuse'
    """

    file: str = Field(description="polygon file (GeoPackage, GeoParquet, GeoJSON, Shapefile)")
    layer: str | None = Field(None, description="layer of the file, where it has several")
    crs: str | None = Field(None, description="CRS, where the file does not say it")
    id: str = Field(description="column with the neighbourhood's id, read as text")
    name: str | None = Field(None, description="column with the name")
    id_digits: int | None = Field(
        None, ge=1, le=32, description="length of ids that are numbers; lost leading zeros are put back"
    )
    population: str | None = Field(None, description="column with the number of people [people]; none: no people")
    population_margin: str | None = Field(None, description="column with its 90 % margin of error [people]")
    households: str | None = Field(None, description="column with the number of households")
    table: str | None = Field(None, description="CSV or Parquet file with the columns, joined by id")
    table_layer: str | None = Field(None, description="sheet or layer of that table, where it has several")
    table_id: str | None = Field(None, description="id column of that table; the same as id unless given")
    unmatched: Literal["refuse", "exclude"] = Field(
        "refuse", description="ids on one side of the join only: refuse them, or leave them out and name them"
    )
    population_missing: Literal["refuse", "unpopulated", "exclude"] = Field(
        "refuse", description="a neighbourhood without a population"
    )
    unpopulated_where: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="column → values that mark a neighbourhood where nobody lives"
    )


class BlocksFile(Declaration):
    """Population points: where within a neighbourhood its people live.

    Examples
    --------
    >>> BlocksFile(file="blocks.csv", people="people", x="x", y="y", crs="EPSG:25832").layer is None
    True
    """

    file: str = Field(description="point file, or a CSV with x and y")
    layer: str | None = Field(None, description="layer of the file, where it has several")
    crs: str | None = Field(None, description="CRS of x and y, or of a file that does not say it")
    people: str = Field(description="column with the number of people [people]")
    x: str | None = Field(None, description="column with the easting or longitude")
    y: str | None = Field(None, description="column with the northing or latitude")


class OuterFile(Declaration):
    """Data around the study area: who lives in the part of a reach that leaves it.

    Examples
    --------
    >>> OuterFile(file="county.gpkg", population="pop").crs is None
    True
    """

    file: str = Field(description="polygons or points around the neighbourhoods, or a CSV with x and y")
    layer: str | None = Field(None, description="layer of the file, where it has several")
    crs: str | None = Field(None, description="CRS of x and y, or of a file that does not say it")
    population: str = Field(description="column with the number of people [people]")
    x: str | None = Field(None, description="column with the easting or longitude")
    y: str | None = Field(None, description="column with the northing or latitude")


class ActionsFile(Declaration):
    """Where proposed actions are and what their columns mean.

    Examples
    --------
    >>> ActionsFile(file="sites.csv", x="x", y="y", crs="EPSG:4326", id_prefix="site-").id is None
    True
    """

    file: str = Field(description="vector file, or a CSV with x and y")
    layer: str | None = Field(None, description="layer of the file, where it has several")
    crs: str | None = Field(None, description="CRS of x and y, or of a file that does not say it")
    other_crs: tuple[str, ...] = Field(
        (), description="CRSs to convert those rows from that cannot be in the first one"
    )
    id: str | None = Field(None, description="column with a unique id; without it rows are numbered")
    id_prefix: str = Field("", description="text before each id, so that several files do not collide")
    name: str | None = Field(None, description="column with the name")
    sector: str | None = Field(None, description="column with the sector, or a sector for all")
    where: str | None = Field(None, description="column with citywide, unknown, zones:ID;ID or BOUNDARY:ID;ID")
    x: str | None = Field(None, description="column with the easting or longitude")
    y: str | None = Field(None, description="column with the northing or latitude")
    status: str | None = Field(None, description="column with the status")
    active: tuple[str, ...] = Field((), description="statuses that count as active")
    start: tuple[str, ...] = Field(
        (), description="columns with the year it starts: a year, a date, or text with a year; the first that has one"
    )
    end: tuple[str, ...] = Field((), description="columns with the last year, likewise")
    only_where: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="column → values of the rows that are read; the others are set aside"
    )
    only_inside: bool = Field(
        default=False, description="rows outside every neighbourhood, or without a place, are set aside"
    )
    cost: str | None = Field(None, description="column with the cost [currency]")
    cost_low: str | None = Field(None, description="column with the low cost [currency]")
    cost_high: str | None = Field(None, description="column with the high cost [currency]")
    tco2e: str | None = Field(None, description="column with the emissions avoided [tCO2e/year]")
    tco2e_low: str | None = Field(None, description="column with the low emissions avoided [tCO2e/year]")
    tco2e_high: str | None = Field(None, description="column with the high emissions avoided [tCO2e/year]")
    tco2e_in: dict[str, str] = Field(
        default_factory=dict, description="year → column with the emissions avoided in that year [tCO2e/year]"
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> ActionsFile:
        bad = [year for year in self.tco2e_in if not (year.isdecimal() and len(year) == YEAR_DIGITS)]
        faults = [f"tco2e_in: {bad[0]!r} is no year, such as 2030"] if bad else []
        if self.only_inside and self.other_crs:
            faults.append("only_inside and other_crs do not go together: rows of another CRS would seem outside")
        if faults:
            raise ValueError("; ".join(faults))
        return self


class BoundaryFile(Declaration):
    """A layer of named areas, such as districts or wards: results are given by it, actions placed in it.

    Examples
    --------
    >>> BoundaryFile(label="Districts", file="districts.geojson", id="nr").column is None
    True
    """

    label: str = Field(description="name in maps and reports, in the city's own words")
    file: str | None = Field(None, description="polygon file")
    layer: str | None = Field(None, description="layer of the file, where it has several")
    crs: str | None = Field(None, description="CRS, where the file does not say it")
    id: str | None = Field(None, description="column of the file with the area's id")
    name: str | None = Field(None, description="column of the file with the area's name")
    column: str | None = Field(
        None, description="instead of a file: column of the neighbourhoods that says in which area each lies"
    )

    @model_validator(mode="after")
    def _one_source(self) -> BoundaryFile:
        if (self.file is None) == (self.column is None) or (self.file is None) != (self.id is None):
            msg = "give file and id, or column"
            raise ValueError(msg)
        return self


class EarlierTable(Declaration):
    """A table on other zones, such as those of the last census, brought over by a crosswalk.

    Counts move with the people, rates are averaged by a count.

    Examples
    --------
    >>> EarlierTable(file="census_2015.csv", id="zone", crosswalk="crosswalk.csv", source_id="old", target_id="new",
    ...              share="share", counts=("people",)).rates
    {}
    """

    file: str = Field(description="table on the other zones")
    id: str = Field(description="its column with the zone's id")
    crosswalk: str = Field(description="table of pairs (other zone, neighbourhood)")
    source_id: str = Field(description="column of the crosswalk with the other zone's id")
    target_id: str = Field(description="column of the crosswalk with the neighbourhood's id")
    share: str = Field(description="column with the share of the other zone's people in the neighbourhood [0–1]")
    counts: tuple[str, ...] = Field((), description="columns of the table that are counts")
    rates: dict[str, str] = Field(
        default_factory=dict, description="column with a rate → column with the count that it is averaged by"
    )
    missing: tuple[float, ...] = Field((), description="documented codes for a missing value")

    @model_validator(mode="after")
    def _brings_something(self) -> EarlierTable:
        both = sorted(set(self.counts) & set(self.rates))
        if both:
            msg = f"{', '.join(both)}: either a count or a rate"
            raise ValueError(msg)
        if len(set(self.counts)) < len(self.counts):
            msg = "counts: a column stands twice"
            raise ValueError(msg)
        if not self.counts and not self.rates:
            msg = "give counts or rates: the columns to bring over"
            raise ValueError(msg)
        return self


class EffectRule(Declaration):
    """One benefit or burden that each of many actions brings.

    Examples
    --------
    >>> EffectRule(ledger="benefit", effect="shade", unit="people", reach="within", distance_m=800).amount
    1.0
    """

    actions: tuple[str, ...] = Field((), description="ids of the actions; none means all")
    sectors: tuple[str, ...] = Field((), description="sectors of the actions; none means all")
    ledger: Ledger = Field(description="benefit or burden")
    effect: str = Field(min_length=1, description="name of the effect")
    amount: float | None = Field(1.0, ge=0, description="central amount; the ledger gives its sign")
    amount_low: float | None = Field(None, ge=0, description="low amount")
    amount_high: float | None = Field(None, ge=0, description="high amount")
    unit: str = Field(description="unit of the amount")
    per: Literal["person", "household", "km2", "total"] = Field("person", description="what the amount is for")
    kind: str = Field("", description="kind of action in the catalogue, whose usual reach is taken where none is given")
    reach: ReachWord | None = Field(None, description="where the effect lands; the footprint unless kind or this says")
    distance_m: float | None = Field(
        None, gt=0, description="reach within: how far; ring: its outer edge; decay: the cut-off [m]"
    )
    inner_m: float | None = Field(None, gt=0, description="reach ring: its inner edge [m]")
    kernel: KernelWord = Field("", description="reach decay: how the effect fades with distance")
    scale_m: float | None = Field(
        None, gt=0, description="exponential: where 1/e of the effect is left; gaussian: its standard deviation [m]"
    )
    floor_m: float | None = Field(None, gt=0, description="inverse: nothing counts as nearer than this [m]")
    layer: str = Field("", description="reach area: polygons; raster: a GeoTIFF; travel: a table of minutes")
    band: int | str | None = Field(None, description="reach raster: band by number or name, where it has several")
    nodata: tuple[float, ...] = Field((), description="reach raster: values that mean no data, besides the tagged one")
    layer_id: str = Field("", description="reach area: column of the layer with the action's id; action unless given")
    minutes: float | None = Field(
        None, gt=0, description="travel: people so near are in reach [minutes]; area: likewise"
    )
    uptake: dict[str, float] = Field(
        default_factory=dict, description="group → share of its people who take it up [0–1]; others: everyone else"
    )
    driver: str = Field("", description="column that the amount is multiplied by")
    indicator: str = Field("", description="baseline indicator that the effect changes")
    evidence: str = Field("", description="source of the amount")
    page: str = Field("", description="page of the source")
    grade: Literal["", "measured", "modelled", "assumed"] = Field("", description="grade of the evidence")

    @model_validator(mode="after")
    def _keys_belong_to_reach(self) -> EffectRule:
        given = {key for key in REACH_KEYS if getattr(self, key) not in (None, "", ())}
        reach = self.reach or ("" if self.kind else "footprint")
        faults = [f"reach {reach} needs {key}" for key in missing_keys(reach, self.kernel, given=given)]
        faults += [f"{key} does not go with reach {reach}" for key in unused_keys(reach, self.kernel, given=given)]
        faults += [
            f"uptake of {name}: {share} is not from 0 to 1"
            for name, share in self.uptake.items()
            if not 0 <= share <= 1
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

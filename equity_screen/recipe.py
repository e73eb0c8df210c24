"""Frozen declarations: what is measured, for whom, against what. Read from TOML, never changed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Ledger = Literal["benefit", "burden"]
LEDGERS: tuple[Ledger, Ledger] = ("benefit", "burden")
Apportionment = Literal["points", "area"]

PEOPLE = "people_"
UNIVERSE = "universe_"
MARGIN = "moe_"
COVERAGE = "coverage_"
# Columns that this package makes; no indicator, and no column of a file, may bear their names.
RESERVED = frozenset(
    {"name", "population", "households", "geometry", "neighbourhood", "priority", "bbox", "fid"}
    | {"burden_score", "burden_percentile", "benefit_reached_share", "burden_reached_share"}
)


def is_reserved(name: str) -> bool:
    """Tell whether a column's name is one that this package makes, whatever its letters' case.

    Parameters
    ----------
    name : str
        Name of a column.

    Returns
    -------
    bool
        True for the names and prefixes of the tables by neighbourhood.

    Examples
    --------
    >>> is_reserved("Population"), is_reserved("people_low_income"), is_reserved("median_income")
    (True, True, False)
    """
    lower = name.casefold()
    return lower in RESERVED or lower.startswith((PEOPLE, UNIVERSE, MARGIN, COVERAGE))


class Declaration(BaseModel):
    """Base of all declarations: frozen, and a key that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


class Group(Declaration):
    """A set of people counted in each neighbourhood.

    One of ``count``, ``share`` and ``layer`` says where the numbers come from; ``count`` and ``share``
    together give the group's own universe as well (count ÷ share).

    Examples
    --------
    >>> Group(label="People with low incomes", count="n_poverty").universe is None
    True
    """

    label: str = Field(description="name in maps and reports, in the city's own words")
    count: str | None = Field(None, description="column with the number of people [people]")
    share: str | None = Field(None, description="column with the percentage of the universe [%]")
    layer: str | None = Field(None, description="polygon file; people inside it are the group")
    share_is: Literal["percent", "fraction"] | None = Field(
        None,
        description="percent (0–100) or fraction (0–1); percent unless stated, refused where it looks like fractions",
    )
    universe: str | None = Field(None, description="column with the people the group was counted among")
    margin: str | None = Field(None, description="column with the 90 % margin of error of the count [people]")
    dimension: str = Field("", description="groups of one dimension (income, origin…) partition the people")
    missing: Literal["refuse", "exclude"] = Field(
        "refuse",
        description="people but no count: refuse the row, or leave it out of this group",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Group:
        sources = [s for s in (self.count, self.layer) if s] or [s for s in (self.share,) if s]
        if len(sources) != 1:
            msg = "give one of count, share or layer (count and share together give the universe)"
            raise ValueError(msg)
        return self


class Indicator(Declaration):
    """A number per neighbourhood with a unit and a direction.

    Examples
    --------
    >>> Indicator(label="Surface temperature", unit="°C", higher_is="worse", raster="heat.tif").column is None
    True
    """

    label: str = Field(description="name in maps and reports")
    unit: str = Field(description="unit, for instance µg/m³")
    higher_is: Literal["worse", "better"] = Field(description="direction for the people who live there")
    column: str | None = Field(None, description="column of the neighbourhoods file")
    raster: str | None = Field(None, description="GeoTIFF whose mean over each neighbourhood is taken")
    band: int = Field(1, ge=1, description="band of the raster")
    nodata: tuple[float, ...] = Field((), description="raster values that mean no data, besides the tagged one")
    polygons: str | None = Field(None, description="polygon file whose rate is averaged by area")
    rate: str | None = Field(None, description="column of the polygon file with the rate")
    burden: bool = Field(True, description="part of the burden index")
    weight: float = Field(1.0, gt=0, description="weight in the burden index")
    domain: str = Field("burden", description="indicators of one domain are averaged before domains are")
    missing: tuple[float, ...] = Field((), description="documented codes for a missing value")
    source: str = Field("", description="where the numbers come from, with their year")

    @model_validator(mode="after")
    def _one_source(self) -> Indicator:
        if sum(s is not None for s in (self.column, self.raster, self.polygons)) != 1:
            msg = "give exactly one of column, raster or polygons"
            raise ValueError(msg)
        if (self.polygons is None) != (self.rate is None):
            msg = "polygons and rate belong together"
            raise ValueError(msg)
        return self


class Ranking(Declaration):
    """A column that orders neighbourhoods from least to most advantaged.

    Examples
    --------
    >>> Ranking(column="median_income", higher_is="advantaged", label="income").label
    'income'
    """

    column: str = Field(description="column that orders the neighbourhoods")
    higher_is: Literal["advantaged", "disadvantaged"] = Field(description="what a large value means")
    label: str = Field("", description="name in tables and sentences")
    missing: tuple[float, ...] = Field((), description="documented codes for a missing value")


class Policy(Declaration):
    """A share of benefits that a policy asks for. There is no default: it names its source.

    Examples
    --------
    >>> Policy(share=0.35, source="State climate law, section 39713", status="in force").basis
    'benefit'
    """

    share: float = Field(gt=0, le=1, description="share asked for [0–1]")
    source: str = Field(min_length=1, description="law, order or plan, with its page")
    status: str = Field(min_length=1, description="in force, rescinded, proposed, own target …")
    basis: Literal["benefit", "spending"] = Field("benefit", description="what the share is a share of")


class Priority(Declaration):
    """The rule that picks the priority neighbourhoods, and the people who count in person.

    Examples
    --------
    >>> Priority(column="HVI_RANK", at_least=4, label="Heat Vulnerability 4–5").at_most is None
    True
    """

    column: str = Field("burden_percentile", description="column that the rule reads")
    at_least: float | None = Field(None, description="picked from this value up")
    at_most: float | None = Field(None, description="picked from this value down")
    one_of: tuple[str | int | float, ...] = Field((), description="picked where the column is one of these")
    label: str = Field("priority neighbourhoods", description="name in maps and reports")
    people: str | None = Field(None, description="group for the person-based share")
    policy: Policy | None = Field(None, description="share that a policy asks for")

    @model_validator(mode="after")
    def _one_rule(self) -> Priority:
        bounds = self.at_least is not None or self.at_most is not None
        if bounds == bool(self.one_of):
            msg = "give either one_of, or at_least and/or at_most"
            raise ValueError(msg)
        return self


class IndexRecipe(Declaration):
    """How indicators become one burden score.

    Examples
    --------
    >>> IndexRecipe(name="own", title="Own index", source="this city").percentile
    'percent_rank'
    """

    name: str = Field(description="short name")
    title: str = Field(description="name in reports")
    source: str = Field(description="who published the method, where")
    percentile: str = Field("percent_rank", description="percentile convention, by name")
    minimum_share: float = Field(
        0.5, gt=0, le=1, description="share of the indicators that a neighbourhood needs for a score"
    )
    digits: int | None = Field(None, ge=0, description="decimals to which percentiles are rounded half up")


class IndexChoice(Declaration):
    """Which burden index the project uses.

    Examples
    --------
    >>> IndexChoice().recipe
    'neutral'
    """

    recipe: str = Field("neutral", description="name of a shipped index recipe")


class Question(Declaration):
    """What a screening asks: everything that is not data.

    Examples
    --------
    >>> Question(title="Demo").epsilons
    (0.5, 1.0, 2.0)
    """

    title: str = Field("Equity screening", description="title of maps and reports")
    place: str = Field("", description="city or region")
    groups: dict[str, Group] = Field(default_factory=dict, description="groups by name")
    indicators: dict[str, Indicator] = Field(default_factory=dict, description="indicators by name")
    index: IndexChoice = Field(default_factory=IndexChoice, description="burden index")
    rankings: dict[str, Ranking] = Field(default_factory=dict, description="rankings by name")
    priority: Priority | None = Field(None, description="which neighbourhoods are priority")
    apportion: Apportionment = Field(
        "area", description="how a partly reached neighbourhood is counted: population points, or area"
    )
    currency: str = Field("", description="currency of the costs")
    epsilons: tuple[float, ...] = Field(
        (0.5, 1.0, 2.0), min_length=1, description="inequality aversion of the Kolm–Pollak EDE"
    )
    illustrative: bool = Field(default=False, description="the numbers are made up: every output says so")

    @model_validator(mode="after")
    def _names_apart(self) -> Question:
        faults = [
            f"indicator {name!r} has a name that this package makes" for name in self.indicators if is_reserved(name)
        ]
        faults += ["a group may not be called 'everyone'"] if "everyone" in {g.casefold() for g in self.groups} else []
        for kind, names in (("group", list(self.groups)), ("indicator", list(self.indicators))):
            lower = [name.casefold() for name in names]
            faults += [
                f"{kind} {name!r} stands twice but for case" for name in names if lower.count(name.casefold()) > 1
            ]
        if len(set(self.epsilons)) < len(self.epsilons) or min(self.epsilons) <= 0:
            faults.append("epsilons are above 0, each once")
        if faults:
            raise ValueError("; ".join(faults))
        return self


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
    population: str = Field(description="column with the number of people [people]")
    population_margin: str | None = Field(None, description="column with its 90 % margin of error [people]")
    households: str | None = Field(None, description="column with the number of households")
    table: str | None = Field(None, description="CSV or Parquet file with the columns, joined by id")
    table_id: str | None = Field(None, description="id column of that table; the same as id unless given")
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
    where: str | None = Field(None, description="column with citywide, unknown or zones:ID;ID")
    x: str | None = Field(None, description="column with the easting or longitude")
    y: str | None = Field(None, description="column with the northing or latitude")
    status: str | None = Field(None, description="column with the status")
    active: tuple[str, ...] = Field((), description="statuses that count as active")
    cost: str | None = Field(None, description="column with the cost [currency]")
    cost_low: str | None = Field(None, description="column with the low cost [currency]")
    cost_high: str | None = Field(None, description="column with the high cost [currency]")
    tco2e: str | None = Field(None, description="column with the emissions avoided [tCO2e/year]")
    tco2e_low: str | None = Field(None, description="column with the low emissions avoided [tCO2e/year]")
    tco2e_high: str | None = Field(None, description="column with the high emissions avoided [tCO2e/year]")


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
    reach: Literal["footprint", "within", "citywide"] = Field("footprint", description="where the effect lands")
    distance_m: float | None = Field(None, gt=0, description="distance for reach within [m]")
    driver: str = Field("", description="column that the amount is multiplied by")
    indicator: str = Field("", description="baseline indicator that the effect changes")
    evidence: str = Field("", description="source of the amount")
    page: str = Field("", description="page of the source")
    grade: Literal["", "measured", "modelled", "assumed"] = Field("", description="grade of the evidence")

    @model_validator(mode="after")
    def _distance_belongs_to_within(self) -> EffectRule:
        if (self.reach == "within") != (self.distance_m is not None):
            msg = 'distance_m goes with reach = "within", and only with it'
            raise ValueError(msg)
        return self

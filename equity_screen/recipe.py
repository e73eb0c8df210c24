"""Frozen declarations: what is asked, for whom, against what. Read from TOML, never changed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Ledger = Literal["benefit", "burden"]
LEDGERS: tuple[Ledger, Ledger] = ("benefit", "burden")
Apportionment = Literal["points", "area"]

PEOPLE = "people_"
UNIVERSE = "universe_"
MARGIN = "moe_"
COVERAGE = "coverage_"
# Columns that this package makes; no indicator, and no column of a file, may bear their names.
RESERVED = frozenset(
    {"name", "population", "households", "geometry", "neighbourhood", "priority", "priority_share", "bbox", "fid"}
    | {"burden_score", "burden_percentile", "priority_probability", "benefit_reached_share", "burden_reached_share"}
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
    confidential: bool = Field(
        default=False, description="the counts are no public ones: small numbers are suppressed in every output"
    )
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
    band: int | str | None = Field(None, description="band of the raster, by its number or its description")
    nodata: tuple[float, ...] = Field((), description="raster values that mean no data, besides the tagged one")
    polygons: str | None = Field(None, description="polygon file whose rate is averaged by area")
    rate: str | None = Field(None, description="column of the polygon file with the rate")
    covered_by: str | None = Field(None, description="polygon file; the share of the people inside it [%]")
    points: str | None = Field(None, description="file of points, or a CSV with x and y; how many are near [number]")
    distance_m: float | None = Field(None, gt=0, description="how near the points are [m]")
    x: str | None = Field(None, description="column of the points with the easting or longitude")
    y: str | None = Field(None, description="column of the points with the northing or latitude")
    crs: str | None = Field(None, description="CRS of x and y, or of a layer that does not say it")
    burden: bool = Field(True, description="part of the burden index")
    weight: float = Field(1.0, gt=0, description="weight in the burden index")
    domain: str = Field("burden", description="indicators of one domain are averaged before domains are")
    missing: tuple[float, ...] = Field((), description="documented codes for a missing value")
    margin: str | None = Field(None, description="column with the 90 % margin of error of the column's values")
    source: str = Field("", description="where the numbers come from, with their year")

    @field_validator("band", mode="before")
    @classmethod
    def _number_or_name(cls, band: object) -> object:
        if band is None or isinstance(band, str) or (type(band) is int and band >= 1):
            return band
        msg = "a band is a whole number greater than or equal to 1, or a description"
        raise ValueError(msg)

    @model_validator(mode="after")
    def _one_source(self) -> Indicator:
        if sum(s is not None for s in (self.column, self.raster, self.polygons, self.covered_by, self.points)) != 1:
            msg = "give exactly one of column, raster, polygons, covered_by or points"
            raise ValueError(msg)
        pairs = (("polygons", "rate"), ("points", "distance_m"), ("x", "y"))
        if self.margin is not None and self.column is None:
            msg = "margin is that of a column: give column, or leave it out"
            raise ValueError(msg)
        apart = [f"{a} and {b}" for a, b in pairs if (getattr(self, a) is None) != (getattr(self, b) is None)]
        if apart:
            msg = f"{', '.join(apart)} belong together"
            raise ValueError(msg)
        return self

    @property
    def layer(self) -> str | None:
        """File of the indicator; none for a column of the neighbourhoods."""
        return self.raster or self.polygons or self.covered_by or self.points


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
    income: bool = Field(default=False, description="the column is an income, per person or household [currency]")


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
    """The rule that picks the priority neighbourhoods or areas, and the people who count in person.

    Examples
    --------
    >>> Priority(column="HVI_RANK", at_least=4, label="Heat Vulnerability 4–5").at_most is None
    True
    """

    column: str = Field("burden_percentile", description="column that the rule reads")
    layer: str | None = Field(None, description="polygon file of priority areas, instead of a rule on a column")
    at_least: float | None = Field(None, description="picked from this value up")
    at_most: float | None = Field(None, description="picked from this value down")
    one_of: tuple[str | int | float, ...] = Field((), description="picked where the column is one of these")
    label: str = Field("priority neighbourhoods", description="name in maps and reports")
    people: str | None = Field(None, description="group for the person-based share")
    policy: Policy | None = Field(None, description="share that a policy asks for")

    @model_validator(mode="after")
    def _one_rule(self) -> Priority:
        bounds = self.at_least is not None or self.at_most is not None
        if bounds + bool(self.one_of) + (self.layer is not None) != 1:
            msg = "give one of layer, one_of, or at_least and/or at_most"
            raise ValueError(msg)
        return self


class Reference(Declaration):
    """Whom groups are compared with, beside everyone else: one of four kinds.

    Examples
    --------
    >>> Reference(group="homeowners").label
    ''
    """

    label: str = Field("", description="name in tables and sentences")
    whole_city: bool = Field(default=False, description="everyone, the group among them")
    group: str | None = Field(None, description="another group")
    neighbourhoods: tuple[str, ...] = Field((), description="ids of the neighbourhoods whose people are the reference")
    similar_footprints: bool = Field(
        default=False, description="the same group, on average over all places where the same footprint could be"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Reference:
        if self.whole_city + self.similar_footprints + bool(self.neighbourhoods) + (self.group is not None) != 1:
            msg = "give one of whole_city, group, neighbourhoods or similar_footprints"
            raise ValueError(msg)
        return self


class Uncertainty(Declaration):
    """How margins of error are carried, and when a number is called reliable.

    Examples
    --------
    >>> Uncertainty().reliable_below, Uncertainty().unreliable_above
    (0.12, 0.4)
    """

    reliable_below: float = Field(0.12, gt=0, description="coefficient of variation up to which a number is reliable")
    unreliable_above: float = Field(0.40, gt=0, description="coefficient of variation above which it is not")
    draws: int = Field(1000, ge=100, le=100_000, description="draws where a closed form is not enough")
    draw_above: float = Field(0.30, gt=0, description="coefficient of variation of a count above which it is drawn")
    seed: int = Field(2030, ge=0, description="seed of every draw")

    @model_validator(mode="after")
    def _in_order(self) -> Uncertainty:
        if self.reliable_below >= self.unreliable_above:
            msg = "reliable_below must be less than unreliable_above"
            raise ValueError(msg)
        return self


class Siting(Declaration):
    """The question whether an effect's incidence could be chance: the same footprint elsewhere.

    Examples
    --------
    >>> Siting().placements
    499
    """

    placements: int = Field(499, ge=0, le=100_000, description="places where each footprint is tried; 0: not asked")
    within: str | None = Field(
        None, description="column with a class, such as land use or zoning: placed within the action's own class only"
    )
    false_discoveries: float = Field(0.05, gt=0, lt=1, description="share of false ones among what is called unusual")
    seed: int = Field(2030, ge=0, description="seed of the places")


class Stability(Declaration):
    """How firmly actions are ranked: what is varied, and by what they are ranked.

    Examples
    --------
    >>> Stability(distances=(0.8, 1.25)).rank_by
    'priority_place_share'
    """

    rank_by: str = Field(
        "priority_place_share",
        description="column of by_effect or, as parity:GROUP or mean:GROUP, of by_group that ranks actions",
    )
    draws: int = Field(200, ge=0, le=100_000, description="draws; 0: not asked")
    seed: int = Field(2030, ge=0, description="seed of the draws")
    thresholds: float = Field(
        10.0, ge=0, description="how far the priority rule's threshold is moved up and down [its unit]"
    )
    weights: float = Field(0.5, ge=0, le=1, description="how far each indicator's weight is moved, as a share of it")
    distances: tuple[float, ...] = Field((), description="factors by which every distance of a reach is multiplied")
    recipes: tuple[str, ...] = Field((), description="index recipes tried beside the project's own")


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
    near_m: tuple[float, ...] = Field(
        (400.0, 800.0, 1600.0), description="distances to the nearest action, within which people are counted [m]"
    )
    compare_overlays: bool = Field(
        default=False, description="count the plan by several apportionments, and say where they disagree"
    )
    currency: str = Field("", description="currency of the costs")
    epsilons: tuple[float, ...] = Field(
        (0.5, 1.0, 2.0), min_length=1, description="inequality aversion of the Kolm–Pollak EDE"
    )
    measures: tuple[str, ...] = Field((), description="more measures of inequality by name, beside the default ones")
    net: bool = Field(
        default=False, description="benefits less burdens of one unit, in measures that allow signs, for each action"
    )
    appraisal: tuple[Literal["tag", "green_book"], ...] = Field(
        (), description="grades of UK TAG unit A4.2; money weighted by income as in the UK Green Book"
    )
    references: dict[str, Reference] = Field(
        default_factory=dict, description="whom groups are compared with, beside everyone else"
    )
    uncertainty: Uncertainty = Field(default_factory=Uncertainty, description="margins of error and reliability")
    siting: Siting = Field(default_factory=Siting, description="could it be chance: the same footprint elsewhere")
    stability: Stability | None = Field(None, description="how firmly actions are ranked")
    compare_zonings: bool = Field(
        default=False, description="count the plan on other zonings of the same people, and give the range"
    )
    small_numbers: str | None = Field(
        None, description="profile by which small numbers of confidential groups are suppressed"
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
        closed = [name for name, group in self.groups.items() if group.confidential]
        if closed and self.small_numbers is None:
            faults.append(f"group {closed[0]!r} is confidential: name the profile of small_numbers to hide by")
        if len(set(self.epsilons)) < len(self.epsilons) or min(self.epsilons) <= 0:
            faults.append("epsilons are above 0, each once")
        if faults:
            raise ValueError("; ".join(faults))
        return self

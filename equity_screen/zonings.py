"""The same people in other zones: whether a figure hangs on where the lines are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from equity_screen.actions import Plan
from equity_screen.boundaries import Boundary
from equity_screen.effects import completed
from equity_screen.equity import by_group
from equity_screen.errors import UsageError
from equity_screen.overlay import Ground, overlay
from equity_screen.parts import Parts, cut_by
from equity_screen.people import people_of, quotient
from equity_screen.recipe import PEOPLE, UNIVERSE, Group
from equity_screen.relation import Relation, carried
from equity_screen.text import number_text, percent_text

OWN = "neighbourhoods"
LEAST_SEEN = 0.99
PARITY_ROUNDING = 1e-6
# Fewer people are what digitising leaves of a zone along a border.
SOMEBODY = 0.5
KEYS = ["action", "ledger", "effect", "group"]
FIGURES = ["mean", "gap", "ratio", "parity"]
COLUMNS = [*KEYS, "unit", "label", "zoning", "zones", "people_seen_share", *FIGURES, "undefined"]
BY_TRAVEL = "travel times are known by neighbourhood: they are not carried to other zones"
ONE_ZONE = "fewer than two zones with people"
SIDES = {1.0: "more than", 0.0: "as much as", -1.0: "less than"}
# What a driver of each basis is averaged by; that of a total is itself shared out, and added up.
WEIGHTS: Mapping[str, str] = MappingProxyType({"person": "population", "household": "households", "km2": "area"})
NO_BOUNDARIES: Mapping[str, Boundary] = MappingProxyType({})
NO_GROUPS: Mapping[str, Group] = MappingProxyType({})


class _Zoning(NamedTuple):
    """A table by zone with the plan as it reads there, and the share of the people whom it holds."""

    zones: gpd.GeoDataFrame
    plan: Plan
    blocks: gpd.GeoDataFrame | None
    seen: float


def compare_zonings(
    neighbourhoods: gpd.GeoDataFrame,
    plan: Plan,
    *,
    blocks: gpd.GeoDataFrame | None = None,
    boundaries: Mapping[str, Boundary] = NO_BOUNDARIES,
    groups: Mapping[str, Group] = NO_GROUPS,
) -> pd.DataFrame:
    r"""Count a plan by group on several zonings of the same people.

    The zonings are the neighbourhoods; each boundary layer that holds 99 % of the people or more; and squares and
    hexagons of the neighbourhoods' mean area, from the south-west corner of their box. People and groups go with the
    population points, each of which has the shares of its neighbourhood, or else with the area:

    .. math:: P_{jg} = \sum_i s_{ij} P_{ig}, \qquad s_{ij} \text{ the share of neighbourhood i in zone j}

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood with population and groups; households and drivers where an effect needs them.
    plan : Plan
        Actions and effects.
    blocks : GeoDataFrame, optional
        Population points from :func:`equity_screen.align.check_blocks`.
    boundaries : mapping of str to Boundary
        Layers of named areas.
    groups : mapping of str to Group
        Groups, with their labels; all ``people_`` columns unless given.

    Returns
    -------
    DataFrame
        A row for each zoning, effect and group: action, ledger, effect, group, unit, label, zoning, zones (with
        people), people_seen_share [0–1], mean, gap [unit], ratio, parity (as of :func:`equity_screen.equity.by_group`)
        and undefined (reasons).

    Raises
    ------
    UsageError
        No population.

    Notes
    -----
    Drivers of an effect per person, household or km² are averaged by people, households or area; that of a total is
    added up. Neighbourhoods in which an action is listed are taken as their area. Travel times are not carried. Zones
    that are much larger than neighbourhoods bring every parity closer to 1.

    References
    ----------
    Openshaw, S. (1984). The modifiable areal unit problem. Concepts and Techniques in Modern Geography 38.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> table = compare_zonings(four_zones(), four_actions())
    >>> table.loc[table["effect"] == "dividend", ["zoning", "parity"]].round(9).values.tolist()
    [['neighbourhoods', 1.0], ['square grid', 1.0], ['hexagon grid', 1.0]]
    """
    names = list(groups) or None
    if not people_of(neighbourhoods, names).known:
        msg = "neighbourhoods: no population: there is nobody to be counted in other zones"
        raise UsageError(msg)
    effects = completed(plan.effects)
    ground = overlay(neighbourhoods, plan, blocks=blocks).ground
    given = {OWN: _Zoning(neighbourhoods, plan, blocks, 1.0)}
    for name, areas in _layers(ground, boundaries).items():
        given[name] = _rezoned(neighbourhoods, Plan(plan.actions, effects), ground=ground, areas=areas)
    tables = [_figures(name, zoning, effects, names=names, groups=groups) for name, zoning in given.items()]
    return pd.concat(tables, ignore_index=True)


def zoning_range(table: pd.DataFrame) -> pd.DataFrame:
    """Give the range of every figure over the zonings, and whether the side of parity hangs on them.

    Parameters
    ----------
    table : DataFrame
        As of :func:`compare_zonings`.

    Returns
    -------
    DataFrame
        A row for each effect and group: action, ledger, effect, group, label; zonings (on which parity is defined);
        parity and gap of the neighbourhoods, each with low and high over all zonings; straddles_parity (True where
        some zonings have the group above its share and others not) and words ("" with fewer than two zonings).

    Examples
    --------
    >>> rows = {"action": "X", "ledger": "benefit", "effect": "shade", "group": "renters", "label": "Renters"}
    >>> table = pd.DataFrame({"zoning": ["neighbourhoods", "wards"], "parity": [1.2, 0.9], "gap": [0.1, -0.1]})
    >>> found = zoning_range(table.assign(**rows)).iloc[0]
    >>> bool(found["straddles_parity"]), found["words"]
    (True, 'the side depends on the zones: 0.900 to 1.20 on 2 zonings')
    """
    own = table[table["zoning"] == OWN].reset_index(drop=True)
    every = table.groupby(KEYS, sort=False)
    spread = every[["parity", "gap"]].agg(["min", "max"])
    columns = {
        "zonings": every["parity"].count().to_numpy(),
        **{name: own[name].to_numpy() for name in ("parity", "gap")},
        **{f"{f}_{end}": spread[f, side].to_numpy() for f in ("parity", "gap") for end, side in _ENDS.items()},
    }
    found = own[[*KEYS, "label"]].assign(**columns)[[*KEYS, "label", "zonings", *_RANGE]]
    low, high = (_side(found[f"parity_{end}"].to_numpy(dtype=np.float64)) for end in _ENDS)
    straddles = (low != high) & (found["zonings"] > 1).to_numpy()
    words = [
        _words(row, side, depends=d) for row, side, d in zip(found.to_dict("records"), low, straddles, strict=True)
    ]
    return found.assign(straddles_parity=straddles, words=words)


_ENDS = {"low": "min", "high": "max"}
_RANGE = ["parity", "parity_low", "parity_high", "gap", "gap_low", "gap_high"]


def _side(parity: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(parity - 1.0) <= PARITY_ROUNDING, 0.0, np.sign(parity - 1.0))


def _words(row: Mapping[str, float], side: float, *, depends: bool) -> str:
    if row["zonings"] < 2:  # noqa: PLR2004 - one zoning is no range
        return ""
    if depends:
        ends = f"{number_text(row['parity_low'])} to {number_text(row['parity_high'])}"
        return f"the side depends on the zones: {ends} on {row['zonings']} zonings"
    return f"the same side of parity on all {row['zonings']} zonings: {SIDES[side]} its share of the people"


def _layers(ground: Ground, boundaries: Mapping[str, Boundary]) -> dict[str, gpd.GeoSeries]:
    """Areas of every zoning but the neighbourhoods, cut to where these are."""
    crs, shapes = ground.zones.crs, ground.zones.array.to_numpy()
    city = shapely.union_all(shapes)
    mean_m2 = float(shapely.area(shapes).mean())
    grids = {name: make(ground.zones.total_bounds, mean_m2) for name, make in GRIDS.items()}
    taken = {OWN, *grids}
    layers = {f"{n} (layer)" if n in taken else n: b.areas.geometry.to_crs(crs) for n, b in boundaries.items()}
    layers |= {name: gpd.GeoSeries(cells, crs=crs) for name, cells in grids.items()}
    return {name: _clipped(layer, city) for name, layer in layers.items()}


def _clipped(areas: gpd.GeoSeries, city: shapely.Geometry) -> gpd.GeoSeries:
    shapes = areas.array.to_numpy()
    shapes = np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes))
    cut = [_polygons(shape) for shape in shapely.intersection(shapes, city)]
    found = gpd.GeoSeries(cut, index=pd.Index(areas.index.astype("str"), name="zone"), crs=areas.crs)
    return found[shapely.area(found.array) > 0]


def _polygons(shape: shapely.Geometry) -> shapely.Geometry:
    """Keep the polygons of what two layers have in common; along a border that may be points and lines as well."""
    parts = shapely.get_parts(shape)
    parts = np.concatenate([shapely.get_parts(part) for part in parts]) if len(parts) else parts
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON.value])


def _squares(box: NDArray[np.float64], mean_m2: float) -> NDArray[np.object_]:
    """Squares over a box, from its south-west corner."""
    side = np.sqrt(mean_m2)
    column, row = _places(box, side, side)
    x, y = box[0] + column * side, box[1] + row * side
    return np.asarray(shapely.box(x, y, x + side, y + side))


def _hexagons(box: NDArray[np.float64], mean_m2: float) -> NDArray[np.object_]:
    """Hexagons with a corner in the north over a box, the first around its south-west corner."""
    side = np.sqrt(2.0 * mean_m2 / (3.0 * np.sqrt(3.0)))
    width, rise = np.sqrt(3.0) * side, 1.5 * side
    column, row = _places(box, width, rise)
    centre = np.column_stack([box[0] + (column + row % 2 / 2) * width, box[1] + row * rise])
    turns = np.radians(30.0 + 60.0 * np.arange(6))
    corners = side * np.column_stack([np.cos(turns), np.sin(turns)])
    return np.asarray(shapely.polygons(centre[:, None, :] + corners[None, :, :]))


def _places(box: NDArray[np.float64], width: float, height: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns and rows of a grid that covers a box."""
    # A box of so many whole cells needs no more of them for what rounding leaves.
    columns, rows = (
        int(np.ceil(length - PARITY_ROUNDING)) + 1 for length in ((box[2] - box[0]) / width, (box[3] - box[1]) / height)
    )
    row, column = np.divmod(np.arange(columns * rows), columns)
    return column.astype(np.float64), row.astype(np.float64)


GRIDS: Mapping[str, Callable[[NDArray[np.float64], float], NDArray[np.object_]]] = MappingProxyType(
    {"square grid": _squares, "hexagon grid": _hexagons}
)


def _rezoned(neighbourhoods: gpd.GeoDataFrame, plan: Plan, *, ground: Ground, areas: gpd.GeoSeries) -> _Zoning:
    """Bring people, groups, households and drivers to other zones, and the plan with them."""
    parts = cut_by(ground, areas)
    effects = _with_own_drivers(plan.effects)
    table = _carried(neighbourhoods, plan.effects, parts=parts, areas=areas, ground=ground)
    people = neighbourhoods["population"].sum()
    zones = gpd.GeoDataFrame(table, geometry=areas)
    listed = Plan(_with_areas_of_listed(plan.actions, neighbourhoods), effects)
    return _Zoning(zones, listed, _points(parts, ground, neighbourhoods), float(table["population"].sum() / people))


def _with_own_drivers(effects: pd.DataFrame) -> pd.DataFrame:
    """Name drivers by what they are averaged by: one column may drive effects of several bases."""
    named = effects["driver"] != ""
    return effects.assign(driver=effects["driver"].where(~named, effects["driver"] + " by " + effects["per"]))


def _carried(
    neighbourhoods: gpd.GeoDataFrame, effects: pd.DataFrame, *, parts: Parts, areas: gpd.GeoSeries, ground: Ground
) -> pd.DataFrame:
    known = neighbourhoods["population"].notna()
    counts = [str(c) for c in neighbourhoods.columns if str(c).startswith((PEOPLE, UNIVERSE))]
    table = neighbourhoods[counts].where(known, 0.0, axis=0).assign(population=neighbourhoods["population"].fillna(0.0))
    homes = neighbourhoods["households"] if "households" in neighbourhoods.columns else table["population"] * 0.0
    table = table.assign(households=homes.fillna(0.0), area=shapely.area(ground.zones.array))
    drivers = sorted({pair for pair in zip(effects["driver"], effects["per"], strict=True) if pair[0]})
    given = {f"{driver} by {per}": pd.to_numeric(neighbourhoods[driver]).fillna(0.0) for driver, per in drivers}
    rates = {f"{driver} by {per}": WEIGHTS[per] for driver, per in drivers if per in WEIGHTS}
    table, groups = table.assign(**given), counts
    counts = [*groups, "population", "households", *(name for name in given if name not in rates)]
    inside = parts.area < parts.areas
    shares = csr_array((parts.share[inside], (parts.zone[inside], parts.area[inside])), shape=(len(table), parts.areas))
    relation = Relation(shares, table.index.rename("neighbourhood"), areas.index)
    found = carried(relation, table, counts=counts, rates=rates)
    # A zone without a part of a neighbourhood has nobody; a group that is not counted in a part is not counted there.
    bare = np.bincount(shares.indices, weights=shares.data, minlength=parts.areas) == 0
    return found.assign(
        **found.drop(columns=groups).fillna(0.0), **found[groups].apply(lambda count: count.mask(bare, 0.0))
    )


def _points(parts: Parts, ground: Ground, neighbourhoods: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Put population points into their new zones, as many people at those of a neighbourhood as it has."""
    if ground.blocks is None:
        return None
    blocks, zone = ground.blocks, ground.blocks["zone"].to_numpy(dtype=np.intp)
    at_points = np.bincount(zone, weights=blocks["people"], minlength=len(neighbourhoods)).astype(np.float64)
    each = quotient(neighbourhoods["population"].fillna(0.0).to_numpy(dtype=np.float64), at_points)[zone]
    area = parts.area[parts.block]
    moved = blocks.assign(zone=area, people=blocks["people"] * np.nan_to_num(each))[area < parts.areas]
    return moved.sort_values("zone", kind="stable", ignore_index=True)


def _with_areas_of_listed(actions: gpd.GeoDataFrame, neighbourhoods: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give actions that list neighbourhoods the area of these: in other zones the list names nothing."""
    listed = np.flatnonzero((actions["where"] == "zones").to_numpy())
    if not len(listed):
        return actions
    crs = neighbourhoods.crs if actions.crs is None else actions.crs
    own, shapes = neighbourhoods.geometry.to_crs(crs), actions.geometry.to_numpy().copy()
    for row in listed:
        rows = own.index.get_indexer(pd.Index(str(actions["zones"].iloc[row]).split(";")))
        shapes[row] = shapely.union_all(own.array.to_numpy()[rows[rows >= 0]])
    where = actions["where"].mask(actions["where"] == "zones", "geometry")
    return gpd.GeoDataFrame(actions.drop(columns=actions.geometry.name).assign(where=where), geometry=shapes, crs=crs)


def _figures(
    name: str, zoning: _Zoning, effects: pd.DataFrame, *, names: list[str] | None, groups: Mapping[str, Group]
) -> pd.DataFrame:
    """Figures by group on one zoning; none where it is no zoning of these people."""
    laid = overlay(zoning.zones, zoning.plan, blocks=zoning.blocks)
    table = by_group(laid, effects, people=people_of(zoning.zones, names), groups=groups)
    peopled = int((zoning.zones["population"] >= SOMEBODY).sum())
    seen = min(zoning.seen, 1.0)
    table = table.assign(zoning=name, zones=peopled, people_seen_share=seen)
    by_travel = table["action"].isna() if name == OWN else _by_travel(effects, table)
    why = f"the layer holds {percent_text(seen)} of the people" if seen < LEAST_SEEN else ONE_ZONE
    apart = pd.Series(name != OWN and (seen < LEAST_SEEN or peopled < 2), index=table.index)  # noqa: PLR2004
    undefined = table["undefined"].mask(by_travel, BY_TRAVEL).mask(apart, why)
    figures = table[FIGURES].mask(by_travel | apart)
    return table.assign(**figures, undefined=undefined)[COLUMNS]


def _by_travel(effects: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    times = len(table) // max(len(effects), 1)
    return pd.Series(np.repeat((effects["reach"] == "travel").to_numpy(), times), index=table.index)

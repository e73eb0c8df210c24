"""Effects laid over neighbourhoods: who is in reach, and what each person there receives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.actions import Plan
from equity_screen.align import with_area_fallback
from equity_screen.crosswalk import SLIVER, Relation, area_shares, point_shares, union_shares
from equity_screen.crs import WGS84, Measure, measure_of, to_space
from equity_screen.effects import nothing_expected
from equity_screen.errors import Finding, InputError, finding
from equity_screen.reach import Hits, discs, points_within
from equity_screen.recipe import LEDGERS
from equity_screen.text import did_you_mean

SQUARE_METRES_PER_KM2 = 1e6
Floats = NDArray[np.float64]


class Reach(NamedTuple):
    """Where columns land: a polygon each, and the pairs (population point, column) in reach, where points are used."""

    footprints: gpd.GeoSeries
    hits: Hits | None


class Ground(NamedTuple):
    """What was laid over what, in the equal-area space: for results by other areas than neighbourhoods."""

    zones: gpd.GeoSeries
    blocks: gpd.GeoDataFrame | None
    effects: Reach
    once: Reach


class Overlay(NamedTuple):
    """Effects over neighbourhoods.

    ``shares``: neighbourhoods × effects, share of the people in reach [0–1]. ``per_person``: the same
    pairs, effect per person of the neighbourhood [unit]; ``per_unit``: for an amount of 1. ``reach``:
    polygons of the located effects (WGS 84). ``outside``: by effect, share of the reach's area in no
    neighbourhood. ``unlocated``: which effects have no known place. ``members``: positions of the located
    effects by (scope, ledger). ``once``: neighbourhoods × (scope, ledger), share of the people in reach
    of at least one of them. ``ground``: the geometry that all of it stands on.
    """

    shares: Relation
    per_person: Relation
    per_unit: Relation
    reach: gpd.GeoDataFrame
    outside: pd.Series
    unlocated: NDArray[np.bool_]
    members: Mapping[tuple[str, str], NDArray[np.intp]]
    once: Relation
    ground: Ground


class _Space(NamedTuple):
    """Neighbourhoods and population points in the layer's equal-area space."""

    study: Measure
    zones: gpd.GeoSeries
    blocks: gpd.GeoDataFrame | None


def overlay(neighbourhoods: gpd.GeoDataFrame, plan: Plan, *, blocks: gpd.GeoDataFrame | None = None) -> Overlay:
    """Lay every effect over the neighbourhoods.

    A neighbourhood's share in reach is the share of its population points (where ``blocks`` are given
    and it has any) or of its area. Areas are measured in an equal-area space centred on the
    neighbourhoods, distances in equidistant spaces centred on groups of actions.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood with population; households and drivers where an effect needs them.
    plan : Plan
        Actions and effects.
    blocks : GeoDataFrame, optional
        Population points from :func:`equity_screen.align.check_blocks`.

    Returns
    -------
    Overlay
        Shares, effect per person, reach polygons, coverage, and people counted once.

    Raises
    ------
    InputError
        A driver that is no column or is missing where people live; an effect per household
        without households.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> laid = overlay(four_zones(), four_actions())
    >>> laid.per_person.columns[-1], laid.per_person.matrix.toarray()[:, -1].tolist()
    (('WEST', 'benefit', 'shade'), [0.5, 0.0, 0.5, 0.0])
    """
    actions, effects = plan
    require_drivers(neighbourhoods, effects)
    study = measure_of(neighbourhoods)
    space = _Space(study, to_space(neighbourhoods.geometry, study.areas), blocks)
    labels = pd.MultiIndex.from_frame(effects[["action", "ledger", "effect"]])
    kinds = _kinds(actions, effects)
    footprints = _footprints(actions, effects, kinds, study)
    by_area = _with_whole(area_shares(space.zones, footprints), actions, effects, kinds=kinds)
    hits = None if blocks is None else _block_hits(space, actions, effects, kinds=kinds, footprints=footprints)
    shares = by_area if hits is None else _with_whole(_by_points(space, hits, by_area), actions, effects, kinds=kinds)
    per_unit = _per_unit(neighbourhoods, effects, shares, by_area, areas=shapely.area(space.zones.array))
    amounts = np.repeat(effects["amount"].to_numpy(dtype=np.float64), np.diff(per_unit.indptr))
    per_person = csc_array((per_unit.data * amounts, per_unit.indices, per_unit.indptr), shape=per_unit.shape)
    drawn = (kinds.isin(["footprint", "within"]) & ~footprints.is_empty).to_numpy()
    # A list of neighbourhoods is a place, too, where nobody drew their union.
    listed = (kinds == "footprint").to_numpy() & (np.diff(shares.matrix.indptr) > 0)
    members = _scopes(actions, effects, drawn | listed)
    reach = gpd.GeoDataFrame(
        effects.loc[drawn, ["action", "ledger", "effect"]],
        geometry=footprints[drawn].to_numpy(),
        crs=study.areas,
    )
    together = _together(members, footprints, hits)
    return Overlay(
        Relation(shares.matrix, shares.rows, labels),
        Relation(per_person, shares.rows, labels),
        Relation(per_unit, shares.rows, labels),
        reach.to_crs(WGS84).reset_index(drop=True),
        _outside(footprints, by_area, space.zones).where(drawn).set_axis(labels),
        (kinds == "nowhere").to_numpy(),
        members,
        _once(space, members, together, shares=shares),
        Ground(space.zones, blocks, Reach(footprints.set_axis(labels), hits), together),
    )


def require_drivers(neighbourhoods: pd.DataFrame, effects: pd.DataFrame) -> None:
    """Refuse effects whose driver, or households, are missing or no number of 0 or more where people live.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Table by neighbourhood with population.
    effects : DataFrame
        Effects with driver and per.

    Raises
    ------
    InputError
        Every fault at once.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> require_drivers(four_zones(), four_actions().effects)
    """
    wanted = [("driver", d) for d in sorted(set(effects["driver"]) - {""})]
    wanted += [("per", "households")] if (effects["per"] == "household").any() else []
    known = neighbourhoods.columns.drop("geometry")
    faults = [
        finding("ES-EFFECT-COLUMN", "effects", column=column, value=name, hint=did_you_mean(name, known))
        for column, name in wanted
        if name not in known
    ]
    faults += [f for _, name in wanted if name in known for f in _no_drivers(neighbourhoods, name)]
    if faults:
        raise InputError(faults)


def _no_drivers(neighbourhoods: pd.DataFrame, name: str) -> list[Finding]:
    raw = neighbourhoods[name]
    numbers = pd.to_numeric(raw, errors="coerce")
    bad = raw.notna() & (numbers.isna() | (numbers < 0) | np.isinf(numbers))
    gaps = raw.isna() & (neighbourhoods["population"] > 0)
    codes = (("ES-DRIVER-NUMBER", bad), ("ES-EFFECT-COLUMN-MISSING", gaps))
    return [
        finding(
            code,
            "neighbourhoods",
            id=str(one),
            column=name,
            value="" if pd.isna(raw[one]) else str(raw[one]),
            name=name,
        )
        for code, rows in codes
        for one in neighbourhoods.index[rows]
    ]


def _kinds(actions: pd.DataFrame, effects: pd.DataFrame) -> pd.Series:
    """How each effect lands: footprint, within, citywide, or nowhere."""
    where = effects["action"].map(actions["where"])
    kinds = effects["reach"].mask(where == "citywide", "citywide")
    return kinds.mask(where == "unlocated", "nowhere")


def _footprints(actions: gpd.GeoDataFrame, effects: pd.DataFrame, kinds: pd.Series, study: Measure) -> gpd.GeoSeries:
    """Reach polygon of each effect in the equal-area space; empty where it has none."""
    shapes = actions.geometry.reindex(effects["action"]).set_axis(effects.index)
    located = kinds.isin(["footprint", "within"]) & ~(shapes.isna() | shapes.is_empty)
    placed = gpd.GeoSeries(shapes.where(located), crs=actions.crs)
    reach = to_space(placed, study.areas).array.to_numpy().copy()
    within = np.flatnonzero(kinds == "within")
    distances = effects["distance_m"].to_numpy(dtype=np.float64)
    reach[within] = discs(placed.iloc[within], distances[within], study=study).array.to_numpy()
    missing = shapely.is_missing(reach)
    reach[missing] = shapely.from_wkt("POLYGON EMPTY")
    return gpd.GeoSeries(reach, index=effects.index, crs=study.areas)


def _with_whole(shares: Relation, actions: pd.DataFrame, effects: pd.DataFrame, *, kinds: pd.Series) -> Relation:
    """Set the share to exactly 1 where a reach is all of a neighbourhood by declaration."""
    positions = {name: i for i, name in enumerate(shares.rows)}
    columns: dict[int, list[int]] = {}
    for column in np.flatnonzero(kinds == "citywide"):
        columns[int(column)] = list(range(len(shares.rows)))
    listed = (kinds == "footprint").to_numpy() & (effects["action"].map(actions["where"]) == "zones").to_numpy()
    for column in np.flatnonzero(listed):
        names = str(actions.loc[effects["action"].iloc[column], "zones"]).split(";")
        columns[int(column)] = [positions[name] for name in names if name in positions]
    if not columns:
        return Relation(shares.matrix.tocsc(), shares.rows, shares.columns)
    kept = np.ones(shares.matrix.shape[1])
    kept[list(columns)] = 0.0
    row = np.concatenate([np.asarray(rows, dtype=np.intp) for rows in columns.values()])
    owner = np.repeat(list(columns), [len(rows) for rows in columns.values()])
    ones = csc_array((np.ones(len(row)), (row, owner)), shape=shares.matrix.shape)
    matrix = (shares.matrix.multiply(kept[None, :]) + ones).tocsc()
    matrix.eliminate_zeros()
    return Relation(matrix, shares.rows, shares.columns)


def _by_points(space: _Space, hits: Hits, by_area: Relation) -> Relation:
    by_points = point_shares(hits, space.blocks, labels=(by_area.rows, by_area.columns))
    return with_area_fallback(by_points, by_area, blocks=space.blocks)


def _block_hits(
    space: _Space, actions: gpd.GeoDataFrame, effects: pd.DataFrame, *, kinds: pd.Series, footprints: gpd.GeoSeries
) -> Hits:
    """Pairs (population point, effect) in reach: inside the footprint, or within the exact distance."""
    points = gpd.GeoSeries() if space.blocks is None else space.blocks.geometry
    inside = shapely.STRtree(points.to_crs(space.study.areas).array.to_numpy())
    bounded = np.flatnonzero(kinds == "footprint")
    which, block = inside.query(footprints.array.to_numpy()[bounded], predicate="intersects")
    within = np.flatnonzero(kinds == "within")
    shapes = gpd.GeoSeries(actions.geometry.reindex(effects["action"].iloc[within]), crs=actions.crs)
    distances = effects["distance_m"].to_numpy(dtype=np.float64)[within]
    near, shape = points_within(points, shapes.reset_index(drop=True), distances=distances, study=space.study)
    return np.concatenate([block, near]), np.concatenate([bounded[which], within[shape]])


class _Pairs(NamedTuple):
    """The stored pairs of the shares, and what an amount is spread by."""

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    share: Floats
    population: Floats
    households: Floats
    km2: Floats


def _of_person(pairs: _Pairs, driver: Floats) -> Floats:
    return pairs.share * driver


def _of_household(pairs: _Pairs, driver: Floats) -> Floats:
    return _per_head(pairs.share * pairs.households * driver, pairs)


def _of_km2(pairs: _Pairs, driver: Floats) -> Floats:
    return _per_head(pairs.km2 * driver, pairs)


def _of_total(pairs: _Pairs, driver: Floats) -> Floats:
    """Share a total out over the people in reach by the driver, which is people themselves unless named."""
    mass = np.where(pairs.population > 0, pairs.share * driver, 0.0)
    whole = np.bincount(pairs.column, weights=mass, minlength=int(pairs.column.max(initial=-1)) + 1)[pairs.column]
    return _per_head(np.divide(mass, whole, out=np.zeros(len(whole)), where=whole > 0), pairs)


def _per_head(amount: Floats, pairs: _Pairs) -> Floats:
    return np.divide(amount, pairs.population, out=np.zeros(len(amount)), where=pairs.population > 0)


SPREAD: Mapping[str, Callable[[_Pairs, Floats], Floats]] = MappingProxyType(
    {"person": _of_person, "household": _of_household, "km2": _of_km2, "total": _of_total}
)


def _per_unit(
    neighbourhoods: pd.DataFrame, effects: pd.DataFrame, shares: Relation, by_area: Relation, *, areas: Floats
) -> csc_array:
    """Effect per person, for an amount of 1, on the pairs of the shares: what its basis spreads it by.

    A driver multiplies an amount per person, household or km²; it is what a total is shared out by.
    """
    pairs = _pairs(neighbourhoods, shares, by_area, areas=areas)
    basis = effects["per"].to_numpy()[pairs.column]
    driver = np.where(basis == "total", pairs.population, 1.0)
    for name in sorted(set(effects["driver"]) - {""}):
        mine = (effects["driver"] == name).to_numpy()[pairs.column]
        driver[mine] = neighbourhoods[name].fillna(0.0).to_numpy(dtype=np.float64)[pairs.row[mine]]
    data = np.zeros(len(pairs.row))
    for per, spread in SPREAD.items():
        mine = basis == per
        data[mine] = spread(_Pairs(*(part[mine] for part in pairs)), driver[mine])
    matrix = shares.matrix
    return csc_array((data, matrix.indices.copy(), matrix.indptr.copy()), shape=matrix.shape)


def _pairs(neighbourhoods: pd.DataFrame, shares: Relation, by_area: Relation, *, areas: Floats) -> _Pairs:
    matrix = shares.matrix
    row = matrix.indices.astype(np.intp)
    column = np.repeat(np.arange(matrix.shape[1], dtype=np.intp), np.diff(matrix.indptr))
    population = neighbourhoods["population"].to_numpy(dtype=np.float64)[row]
    homes = (
        neighbourhoods["households"]
        if "households" in neighbourhoods.columns
        else neighbourhoods["population"] * np.nan
    )
    covered = np.asarray(by_area.matrix[row, column]).ravel() if len(row) else np.empty(0)
    return _Pairs(
        row,
        column,
        matrix.data,
        population,
        homes.fillna(0.0).to_numpy(dtype=np.float64)[row],
        covered * areas[row] / SQUARE_METRES_PER_KM2,
    )


def _outside(footprints: gpd.GeoSeries, by_area: Relation, zones: gpd.GeoSeries) -> pd.Series:
    inside = by_area.matrix.T @ shapely.area(zones.array)
    whole = shapely.area(footprints.array)
    share = np.divide(inside, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    outside = 1.0 - np.minimum(share, 1.0)
    return pd.Series(np.where(outside < SLIVER, 0.0, outside), index=footprints.index)


def _scopes(
    actions: pd.DataFrame, effects: pd.DataFrame, located: NDArray[np.bool_]
) -> dict[tuple[str, str], NDArray[np.intp]]:
    """Positions of the located effects by (scope, ledger); one stated to be none reaches nobody."""
    located = located & ~nothing_expected(effects)
    active = effects["action"].map(actions["active"]).eq(other=True).to_numpy(dtype=bool)
    scopes = {"active actions": located & active, "all actions": located}
    return {
        (scope, ledger): np.flatnonzero(mask & (effects["ledger"] == ledger).to_numpy())
        for scope, mask in scopes.items()
        for ledger in LEDGERS
    }


def _together(
    scopes: Mapping[tuple[str, str], NDArray[np.intp]], footprints: gpd.GeoSeries, hits: Hits | None
) -> Reach:
    """Union of the footprints, and of the points in reach, of each (scope, ledger)."""
    labels = pd.MultiIndex.from_tuples(list(scopes), names=["scope", "ledger"])
    unions = [shapely.union_all(footprints.array.to_numpy()[members]) for members in scopes.values()]
    reach = gpd.GeoSeries(unions, index=labels, crs=footprints.crs)
    if hits is None:
        return Reach(reach, None)
    pairs = [_any_hit(hits, members, i) for i, members in enumerate(scopes.values())]
    block, column = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return Reach(reach, (block, column))


def _once(
    space: _Space, scopes: Mapping[tuple[str, str], NDArray[np.intp]], together: Reach, *, shares: Relation
) -> Relation:
    """Share of each neighbourhood's people in reach of at least one located effect, each once."""
    labels = together.footprints.index
    once = union_shares(space.zones, together.footprints)
    if together.hits is not None:
        by_points = point_shares(together.hits, space.blocks, labels=(shares.rows, labels))
        once = with_area_fallback(by_points, once, blocks=space.blocks)
    # The union holds each member, also where noding shaved a hair off a shared border.
    largest = csc_array(np.column_stack([_row_maxima(shares.matrix, m) for m in scopes.values()]))
    return Relation(once.matrix.tocsc().maximum(largest), shares.rows, labels)


def _any_hit(hits: Hits, members: NDArray[np.intp], position: int) -> Hits:
    blocks = np.unique(hits[0][np.isin(hits[1], members)])
    return blocks, np.full(len(blocks), position, dtype=np.intp)


def _row_maxima(matrix: csc_array, columns: NDArray[np.intp]) -> Floats:
    if not len(columns):
        return np.zeros(matrix.shape[0])
    return np.asarray(matrix[:, columns].max(axis=1).toarray(), dtype=np.float64).ravel()

"""Where each effect lands: its polygon, the people in reach of it, and how strongly it reaches them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from equity_screen.align import with_area_fallback
from equity_screen.areas import SLIVER, area_shares, point_shares
from equity_screen.catchments import raster_keys
from equity_screen.crs import WGS84, Measure, to_space
from equity_screen.kernels import Kernel
from equity_screen.rasters import raster_values, raster_where
from equity_screen.reach import Hits, disc_shares_by_radius, discs, points_and_distances, points_within
from equity_screen.reaches import FROM_THE_ACTION, OWN_PLACE
from equity_screen.relation import Relation
from equity_screen.zonal import raster_means

Floats = NDArray[np.float64]
EMPTY = shapely.from_wkt("POLYGON EMPTY")
# Where nobody's home is known a decay is summed over this many rings, narrow where it falls fast.
RINGS = 64
FINE_STEPS = 1 << 14
# Places within each ring where the kernel is looked at.
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(8)
# A place farther from the city reaches nobody there; no reach is as long.
FARTHEST_M = 5_000_000.0
BOUNDED = frozenset({"footprint", "area", "raster"})
NONE: Floats = np.empty(0)
FADING = frozenset({"decay", "raster"})


class Space(NamedTuple):
    """Neighbourhoods and population points in the layer's equal-area space."""

    study: Measure
    zones: gpd.GeoSeries
    blocks: gpd.GeoDataFrame | None


class Landing(NamedTuple):
    """Effects over neighbourhoods, whoever takes them up.

    ``kinds``: how each effect lands; ``footprints``: its polygon, empty where it has none; ``hits``: pairs
    (population point, effect) in reach, None without points; ``by_area``: share of each neighbourhood's area;
    ``shares``: share of its people in reach; ``strength``: on the pairs of ``shares``, what an amount of 1 is on
    average to those in reach: 1 unless it fades.
    """

    kinds: pd.Series
    footprints: gpd.GeoSeries
    hits: Hits | None
    by_area: Relation
    shares: Relation
    strength: Floats


def land(space: Space, actions: gpd.GeoDataFrame, *, effects: pd.DataFrame) -> Landing:
    """Lay effects over neighbourhoods.

    Parameters
    ----------
    space : Space
        Where it is measured.
    actions : GeoDataFrame
        Actions.
    effects : DataFrame
        Effects with all of their columns (:func:`equity_screen.effects.completed`).

    Returns
    -------
    Landing
        What lands where.

    Examples
    --------
    >>> from equity_screen.crs import measure_of
    >>> from equity_screen.effects import completed
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, (actions, effects) = four_zones(), four_actions()
    >>> study = measure_of(city)
    >>> space = Space(study, to_space(city.geometry, study.areas), None)
    >>> land(space, actions, effects=completed(effects)).shares.matrix.toarray()[:, -1].tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    kinds = _kinds(actions, effects)
    shapes = _shapes(actions, effects, kinds, study=space.study)
    footprints = _footprints(space, shapes, effects, kinds=kinds)
    by_area = _with_whole(_by_area(space, shapes, footprints, effects, kinds=kinds), actions, effects, kinds=kinds)
    if space.blocks is None:
        shares, hits, weights = by_area, None, None
    else:
        hits, weights = _hits(space, shapes, effects, kinds=kinds, footprints=footprints)
        by_points = point_shares(hits, space.blocks, labels=(by_area.rows, by_area.columns))
        both = with_area_fallback(by_points, by_area, blocks=space.blocks)
        shares = _with_whole(both, actions, effects, kinds=kinds)
    landed = Landing(
        kinds, footprints, hits, by_area, Relation(shares.matrix.tocsc(), shares.rows, shares.columns), NONE
    )
    return landed._replace(strength=_strength(space, landed, shapes, effects, weights=weights))


def _kinds(actions: pd.DataFrame, effects: pd.DataFrame) -> pd.Series:
    """How each effect lands: by its reach, citywide, or nowhere. Some reaches bring a place of their own."""
    where, own = effects["action"].map(actions["where"]), effects["reach"].isin(OWN_PLACE)
    kinds = effects["reach"].mask((where == "citywide") & ~own, "citywide")
    return kinds.mask((where == "unlocated") & ~own, "nowhere")


def _shapes(actions: gpd.GeoDataFrame, effects: pd.DataFrame, kinds: pd.Series, *, study: Measure) -> gpd.GeoSeries:
    """Place that each effect is measured from, in the CRS of the actions, or WGS 84; None where it has none."""
    shapes = actions.geometry.reindex(effects["action"]).set_axis(effects.index)
    located = kinds.isin([*FROM_THE_ACTION, "footprint"]) & ~(shapes.isna() | shapes.is_empty)
    own = (kinds == "area").to_numpy()
    placed = shapes.where(located, None).to_numpy().copy()
    placed[own] = effects["shape"].to_numpy()[own]
    found = gpd.GeoSeries(placed, index=effects.index, crs=WGS84 if actions.crs is None else actions.crs)
    return found.mask(_other_side(found, study), None)


def _other_side(shapes: gpd.GeoSeries, study: Measure) -> NDArray[np.bool_]:
    """Tell the shapes on the other side of the Earth, of which the equal-area space of the city knows nothing."""
    corners = shapely.bounds(shapes.array.to_numpy())[:, :2]
    there = ~np.isnan(corners).any(axis=1)
    far = np.zeros(len(shapes), dtype=bool)
    places = gpd.GeoSeries.from_xy(*corners[there].T, crs=shapes.crs).to_crs(study.areas)
    with np.errstate(invalid="ignore"):
        far[there] = ~(np.hypot(places.x, places.y) <= FARTHEST_M).to_numpy()
    return far


def _footprints(space: Space, shapes: gpd.GeoSeries, effects: pd.DataFrame, *, kinds: pd.Series) -> gpd.GeoSeries:
    """Reach polygon of each effect in the equal-area space; empty where it has none."""
    reach = to_space(shapes, space.study.areas).array.to_numpy().copy()
    around = np.flatnonzero(kinds.isin(FROM_THE_ACTION))
    reach[around] = _within(shapes, effects["distance_m"], around, space.study)
    ring = np.flatnonzero(kinds == "ring")
    reach[ring] = shapely.difference(reach[ring], _within(shapes, effects["inner_m"], ring, space.study))
    for (path, *asked), rows in _rasters(effects, kinds):
        cells = raster_where(path, **raster_keys(*asked))
        reach[rows] = shapely.union_all(to_space(cells, space.study.areas).array) if len(cells) else EMPTY
    reach[shapely.is_missing(reach)] = EMPTY
    return gpd.GeoSeries(reach, index=effects.index, crs=space.study.areas)


def _rasters(effects: pd.DataFrame, kinds: pd.Series) -> Iterator[tuple[tuple[str, str, str], NDArray[np.intp]]]:
    """Give the rasters (path, band, nodata), each of which is read once, and the positions of the effects of each."""
    mine = np.flatnonzero(kinds == "raster")
    for source, rows in effects.iloc[mine].groupby(["raster", "band", "nodata"], sort=True).indices.items():
        yield source, mine[rows]


def _within(shapes: gpd.GeoSeries, distances: pd.Series, rows: NDArray[np.intp], study: Measure) -> NDArray[np.object_]:
    metres = distances.to_numpy(dtype=np.float64)[rows]
    return np.asarray(discs(shapes.iloc[rows], metres, study=study).array.to_numpy())


def _by_area(
    space: Space, shapes: gpd.GeoSeries, footprints: gpd.GeoSeries, effects: pd.DataFrame, *, kinds: pd.Series
) -> Relation:
    """Share of each neighbourhood's area in each reach: exact around points, by the polygon elsewhere."""
    round_ = np.flatnonzero(kinds.isin(FROM_THE_ACTION).to_numpy() & (shapes.geom_type == "Point").to_numpy())
    if not len(round_):
        return area_shares(space.zones, footprints)
    drawn = footprints.copy()
    drawn.iloc[round_] = EMPTY
    radii = effects[["distance_m", "inner_m"]].to_numpy(dtype=np.float64)[round_]
    radii[(kinds != "ring").to_numpy()[round_], 1] = 0.0
    outer, inner = disc_shares_by_radius(space.zones, shapes.iloc[round_], radii_m=radii, study=space.study)
    exact = csr_array(outer - inner)
    exact.data[exact.data < SLIVER] = 0.0
    exact.eliminate_zeros()
    others = area_shares(space.zones, drawn)
    return Relation(csr_array(others.matrix + exact @ _columns(round_, len(kinds))), others.rows, others.columns)


def _columns(rows: NDArray[np.intp], count: int) -> csr_array:
    """Put the columns of some effects where they belong among all of them."""
    return csr_array((np.ones(len(rows)), (np.arange(len(rows)), rows)), shape=(len(rows), count))


def _with_whole(shares: Relation, actions: pd.DataFrame, effects: pd.DataFrame, *, kinds: pd.Series) -> Relation:
    """Set the share to exactly 1 where a reach is all of a neighbourhood by declaration."""
    columns = dict(_declared(shares.rows, actions, effects, kinds))
    if not columns:
        return Relation(shares.matrix.tocsc(), shares.rows, shares.columns)
    kept = np.ones(shares.matrix.shape[1])
    kept[list(columns)] = 0.0
    row = np.concatenate(list(columns.values()))
    owner = np.repeat(list(columns), [len(rows) for rows in columns.values()])
    ones = csc_array((np.ones(len(row)), (row, owner)), shape=shares.matrix.shape)
    matrix = (shares.matrix.multiply(kept[None, :]) + ones).tocsc()
    matrix.eliminate_zeros()
    return Relation(matrix, shares.rows, shares.columns)


def _declared(
    ids: pd.Index, actions: pd.DataFrame, effects: pd.DataFrame, kinds: pd.Series
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Give the columns that hold whole neighbourhoods, and the positions of these."""
    listed = effects["action"].map(actions["zones"]).where(effects["action"].map(actions["where"]) == "zones", "")
    names = listed.where(kinds == "footprint", "").where(kinds != "travel", effects["zones"]).fillna("")
    for column in np.flatnonzero((kinds == "citywide") | (kinds == "travel") | (names != "")):
        if kinds.iloc[column] == "citywide":
            yield int(column), np.arange(len(ids), dtype=np.intp)
            continue
        rows = ids.get_indexer(pd.Index(str(names.iloc[column]).split(";")))
        yield int(column), np.unique(rows[rows >= 0])


_Weighed = tuple[NDArray[np.intp], NDArray[np.intp], Floats]


def _hits(
    space: Space, shapes: gpd.GeoSeries, effects: pd.DataFrame, *, kinds: pd.Series, footprints: gpd.GeoSeries
) -> tuple[Hits, Floats]:
    """Pairs (population point, effect) in reach, inside a polygon or by the exact distance; and their weights."""
    points = gpd.GeoSeries() if space.blocks is None else space.blocks.geometry
    pairs = [_inside(points, effects, np.flatnonzero(kinds.isin(BOUNDED)), footprints=footprints)]
    for kind, weigh in _AROUND.items():
        rows = np.flatnonzero(kinds == kind)
        pairs.append(weigh(points, shapes.iloc[rows], effects.iloc[rows], rows, space.study))
    block, column, weight = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return (block, column), weight


def _inside(
    points: gpd.GeoSeries, effects: pd.DataFrame, rows: NDArray[np.intp], *, footprints: gpd.GeoSeries
) -> _Weighed:
    homes = points.to_crs(footprints.crs)
    reach = footprints.array.to_numpy()[rows]
    which, block = shapely.STRtree(homes.array.to_numpy()).query(reach, predicate="intersects")
    column, weight = rows[which], np.ones(len(block))
    for (path, *asked), own in _rasters(effects, effects["reach"].where(effects.index.isin(effects.index[rows]), "")):
        mine = np.isin(column, own)
        weight[mine] = raster_values(path, homes.iloc[block[mine]], **raster_keys(*asked)).fillna(0.0)
    return block, column, weight


def _near(
    points: gpd.GeoSeries, shapes: gpd.GeoSeries, effects: pd.DataFrame, rows: NDArray[np.intp], study: Measure
) -> _Weighed:
    far = effects["distance_m"].to_numpy(dtype=np.float64)
    block, shape = points_within(points, shapes, distances=far, study=study)
    return block, rows[shape], np.ones(len(block))


def _ringed(
    points: gpd.GeoSeries, shapes: gpd.GeoSeries, effects: pd.DataFrame, rows: NDArray[np.intp], study: Measure
) -> _Weighed:
    near, far = (effects[column].to_numpy(dtype=np.float64) for column in ("inner_m", "distance_m"))
    (block, shape), apart = points_and_distances(points, shapes, distances=far, study=study)
    outer = apart > near[shape]
    return block[outer], rows[shape[outer]], np.ones(int(outer.sum()))


def _fading(
    points: gpd.GeoSeries, shapes: gpd.GeoSeries, effects: pd.DataFrame, rows: NDArray[np.intp], study: Measure
) -> _Weighed:
    far = effects["distance_m"].to_numpy(dtype=np.float64)
    (block, shape), apart = points_and_distances(points, shapes, distances=far, study=study)
    weight = np.zeros(len(apart))
    for kernel, members in kernels_of(effects):
        mine = np.isin(shape, members)
        weight[mine] = kernel.weights(apart[mine])
    return block, rows[shape], weight


_Around = Callable[[gpd.GeoSeries, gpd.GeoSeries, pd.DataFrame, NDArray[np.intp], Measure], _Weighed]
_AROUND: Mapping[str, _Around] = MappingProxyType({"within": _near, "ring": _ringed, "decay": _fading})


def kernels_of(effects: pd.DataFrame) -> Iterator[tuple[Kernel, NDArray[np.intp]]]:
    """Give the kernels that effects fade by, and the positions of the effects of each.

    Parameters
    ----------
    effects : DataFrame
        Effects of reach decay.

    Yields
    ------
    tuple of (Kernel, ndarray of int)
        In a fixed order.

    Examples
    --------
    >>> row = {"kernel": "exponential", "scale_m": 100.0, "floor_m": np.nan, "distance_m": 500.0}
    >>> [(kernel.kind, rows.tolist()) for kernel, rows in kernels_of(pd.DataFrame([row, row]))]
    [('exponential', [0, 1])]
    """
    keys = effects[["kernel", "scale_m", "floor_m", "distance_m"]].reset_index(drop=True)
    for (kind, scale, floor, far), rows in keys.groupby(list(keys.columns), dropna=False).indices.items():
        lengths = {"scale_m": scale, "floor_m": floor, "cut_off_m": far}
        given = {name: float(length) for name, length in lengths.items() if not np.isnan(length)}
        yield Kernel(kind=kind, **given), np.asarray(rows, dtype=np.intp)


def seen_of_rasters(
    zones: gpd.GeoSeries, effects: pd.DataFrame, *, blocks: gpd.GeoDataFrame | None
) -> list[tuple[str, pd.Series]]:
    """Tell for each effect on a raster how much of each neighbourhood lies on cells with data.

    Parameters
    ----------
    zones : GeoSeries
        Neighbourhoods.
    effects : DataFrame
        Effects with all of their columns.
    blocks : GeoDataFrame or None
        Population points with zone (position) and people.

    Returns
    -------
    list of tuple of (str, Series)
        Action, effect and raster in words; share by neighbourhood [0–1]: of the people at its population points, of
        its area where it has none.

    Examples
    --------
    >>> from equity_screen.effects import completed
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> seen_of_rasters(four_zones().geometry, completed(four_actions().effects), blocks=None)
    []
    """
    found: dict[int, tuple[str, pd.Series]] = {}
    for (path, *asked), rows in _rasters(effects, effects["reach"]):
        seen = raster_means(path, zones, **raster_keys(*asked))["coverage"]
        if blocks is not None:
            known = raster_values(path, blocks.geometry, **raster_keys(*asked)).notna().to_numpy()
            people = blocks["people"].to_numpy(dtype=np.float64)
            whole, part = (np.bincount(blocks["zone"], p, minlength=len(zones)) for p in (people, people * known))
            seen = seen.where(whole == 0, np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0))
        found |= dict.fromkeys(rows, (Path(path).name, seen))
    names = effects["action"].astype(str) + " / " + effects["effect"].astype(str)
    return [(f"effect {names.iloc[row]}: raster {found[row][0]}", found[row][1]) for row in sorted(found)]


def _strength(
    space: Space, landed: Landing, shapes: gpd.GeoSeries, effects: pd.DataFrame, *, weights: Floats | None
) -> Floats:
    """Mean weight of the people in reach, on the pairs of the shares: at their points, else over the area."""
    shares = landed.shares.matrix.tocsc()
    strength = np.ones(shares.nnz)
    fading = landed.kinds.isin(FADING).to_numpy()
    if not fading.any():
        return strength
    column = np.repeat(np.arange(shares.shape[1]), np.diff(shares.indptr))
    mine = fading[column]
    rows, columns = shares.indices[mine], column[mine]
    found = _quotient_on(_where_nobody_is_seen(space, landed, shapes, effects), landed.by_area.matrix, rows, columns)
    if landed.hits is not None and weights is not None and space.blocks is not None:
        people = space.blocks["people"].to_numpy(dtype=np.float64)[landed.hits[0]]
        zone = space.blocks["zone"].to_numpy(dtype=np.intp)[landed.hits[0]]
        pairs = (zone, landed.hits[1])
        heavy, all_of_them = (
            csr_array((people * w, pairs), shape=shares.shape) for w in (weights, np.ones_like(weights))
        )
        at_points = _quotient_on(heavy, all_of_them, rows, columns)
        found = np.where(np.isnan(at_points), found, at_points)
    strength[mine] = found
    return strength


def _quotient_on(top: csr_array, bottom: csr_array, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """Divide two sparse matrices on some pairs; NaN where the bottom is 0."""
    if not len(rows):
        return np.empty(0)
    over, under = (np.asarray(csr_array(m)[rows, columns], dtype=np.float64).ravel() for m in (top, bottom))
    return np.asarray(np.divide(over, under, out=np.full(len(rows), np.nan), where=under > 0))


def _where_nobody_is_seen(space: Space, landed: Landing, shapes: gpd.GeoSeries, effects: pd.DataFrame) -> csr_array:
    """Weights over the area of the neighbourhoods without people at population points; the others count by these."""
    count = len(space.zones)
    seen: Floats = np.zeros(count)
    if space.blocks is not None:
        seen = np.bincount(space.blocks["zone"], weights=space.blocks["people"], minlength=count).astype(np.float64)
    bare = np.flatnonzero(seen == 0)
    if not len(bare):
        return csr_array(landed.by_area.matrix.shape)
    some = landed._replace(
        by_area=Relation(csr_array(landed.by_area.matrix)[bare], space.zones.index[bare], landed.by_area.columns)
    )
    over = _over_area(space._replace(zones=space.zones.iloc[bare]), some, shapes, effects)
    return csr_array(_columns(bare, count).T @ over)


def _over_area(space: Space, landed: Landing, shapes: gpd.GeoSeries, effects: pd.DataFrame) -> csr_array:
    """Weights summed over the area of each neighbourhood, as shares of it; columns of effects that fade only."""
    decays = np.flatnonzero(landed.kinds == "decay")
    total = csr_array(landed.by_area.matrix.shape)
    if len(decays):
        total = total + _over_rings(space, shapes, effects, rows=decays)
    for (path, *asked), columns in _rasters(effects, landed.kinds):
        seen = raster_means(path, space.zones, **raster_keys(*asked))
        values = csr_array((seen["mean"] * seen["coverage"]).fillna(0.0).to_numpy()[:, None])
        total = total + values @ csr_array(np.ones((1, len(columns)))) @ _columns(columns, total.shape[1])
    return csr_array(total)


def _over_rings(space: Space, shapes: gpd.GeoSeries, effects: pd.DataFrame, *, rows: NDArray[np.intp]) -> csr_array:
    """Sum the weight of each ring by its area, the ring's own weight being the kernel's mean over it.

    With A the share of a neighbourhood within the outer edge of ring k and w its weight, the sum over rings of
    w (A of this one − A of the one before) is the sum of A times (w of this one − w of the next).
    """
    places = shapes.iloc[rows]
    points = (places.geom_type == "Point").to_numpy()
    weights, edges = np.zeros((RINGS + 2, len(rows))), np.zeros((len(rows), RINGS + 1))
    for kernel, members in kernels_of(effects.iloc[rows]):
        edge = ring_edges(kernel)
        edges[members] = edge
        weights[0, members] = kernel.weights(0.0)
        around_points, around_others = (_ring_means(kernel, edge, round_=one)[:, None] for one in (True, False))
        weights[1:-1, members] = np.where(points[members], around_points, around_others)
    steps = weights[:-1] - weights[1:]
    shares = _shares_within(space, places, edges)
    total = sum((share.multiply(step[None, :]) for share, step in zip(shares, steps, strict=True)), 0 * shares[0])
    return csr_array(csr_array(total) @ _columns(rows, len(effects)))


def ring_edges(kernel: Kernel) -> Floats:
    """Cut what a kernel reaches into rings over each of which it changes little.

    Parameters
    ----------
    kernel : Kernel
        With a cut-off.

    Returns
    -------
    ndarray
        Edges from 0 to the cut-off [m].

    Examples
    --------
    >>> edges = ring_edges(Kernel(kind="exponential", scale_m=100, cut_off_m=1000))
    >>> edges[[0, -1]].tolist(), bool(np.diff(edges)[0] < 10)
    ([0.0, 1000.0], True)
    """
    places = np.linspace(0.0, kernel.reach_m, FINE_STEPS + 1)
    weight = kernel.weights(places)
    # Equal steps of the distance and of the root of a root of the weight, which falls more evenly than it does itself.
    along = places / kernel.reach_m + 1.0 - (weight / weight[0]) ** 0.25
    return np.asarray(np.interp(np.linspace(0.0, along[-1], RINGS + 1), along, places))


def _ring_means(kernel: Kernel, edges: Floats, *, round_: bool) -> Floats:
    """Mean of a kernel over each ring around a point; around anything else over its width."""
    middle, half = (edges[1:] + edges[:-1]) / 2.0, np.diff(edges) / 2.0
    places = middle + NODES[:, None] * half
    area = NODE_WEIGHTS[:, None] * (places if round_ else np.ones_like(places))
    return np.asarray((area * kernel.weights(places)).sum(axis=0) / area.sum(axis=0))


def _shares_within(space: Space, shapes: gpd.GeoSeries, edges: Floats) -> list[csr_array]:
    """Share of each neighbourhood in each place itself, and within the outer edge of each ring around it."""
    points = (shapes.geom_type == "Point").to_numpy()
    exact = disc_shares_by_radius(space.zones, shapes.where(points, None), radii_m=edges, study=space.study)
    if points.all():
        return exact
    others = shapes.where(~points, None)
    own = to_space(others, space.study.areas)
    drawn = [own.where(shapely.area(own.array) > 0, EMPTY)]
    drawn += [discs(others, edge, study=space.study) for edge in edges.T[1:]]
    return [
        csr_array(some + area_shares(space.zones, around).matrix) for some, around in zip(exact, drawn, strict=True)
    ]

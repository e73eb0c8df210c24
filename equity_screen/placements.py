"""The same footprint at other places: where it can be, and whose homes it would reach there.

Distances and polygons are those of the equal-area space of the city, for the place where an action is and for
every other alike. Footprints are moved, never turned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize
from scipy.sparse import csr_array, vstack

from equity_screen.actions import Plan
from equity_screen.crs import to_space
from equity_screen.kernels import Kernel
from equity_screen.landing import kernels_of
from equity_screen.overlay import Overlay
from equity_screen.reaches import FROM_THE_ACTION

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
# The plastic number: steps by its powers fill a square as evenly as any.
PLASTIC = 1.324717957244746
MASK_CELLS = 1024
# Places looked at for each that is wanted, and most of them where a class is scattered thinly.
TRIES, MOST_TRIES = 16, 200_000
# A placement may leave the city by this much more of the footprint than it does where it is.
LEAVES_MORE = 0.05
MOST_PAIRS = 4_000_000
SLACK_M = 0.01
GAP_M = 1.0


class Footprint(NamedTuple):
    """What is placed, seen from its anchor.

    ``key``: the same for two footprints that differ by their place only; ``shape``: polygon around (0, 0) [m];
    ``strength``: what an amount of 1 is to people at some offsets (k, 2) from the anchor [m], 0 out of reach.
    """

    key: tuple[object, ...]
    shape: shapely.Geometry
    strength: Callable[[Floats], Floats]


def round_footprint(outer_m: float, inner_m: float = 0.0, *, kernel: Kernel | None = None) -> Footprint:
    """Footprint around a point: a disc or a ring, even or fading with distance.

    Parameters
    ----------
    outer_m, inner_m : float
        Distances within which people are in reach, and up to which they are not [m].
    kernel : Kernel, optional
        How the effect fades; it does not unless given.

    Returns
    -------
    Footprint
        With its anchor at the point.

    Examples
    --------
    >>> ring = round_footprint(200.0, 100.0)
    >>> ring.strength(np.array([[100.0, 0.0], [0.0, 101.0], [-200.0, 0.0]])).tolist()
    [0.0, 1.0, 1.0]
    """
    middle = shapely.Point(0.0, 0.0)
    shape = shapely.difference(middle.buffer(outer_m, quad_segs=64), middle.buffer(inner_m, quad_segs=64))
    key = ("round", outer_m, inner_m, "" if kernel is None else kernel.model_dump_json())
    return Footprint(key, shape, partial(_around, outer_m=outer_m, inner_m=inner_m, kernel=kernel))


def _around(offsets: Floats, *, outer_m: float, inner_m: float, kernel: Kernel | None) -> Floats:
    apart = np.hypot(offsets[:, 0], offsets[:, 1])
    reached = (apart <= outer_m) & ((apart > inner_m) | (inner_m == 0.0))
    return np.asarray(reached * (1.0 if kernel is None else kernel.weights(apart)), dtype=np.float64)


def drawn_footprint(
    shape: shapely.Geometry, *, source: shapely.Geometry | None = None, kernel: Kernel | None = None
) -> tuple[Footprint, Floats]:
    """Footprint of any shape, even or fading with the distance from a source; and where its anchor is.

    Parameters
    ----------
    shape : Polygon or MultiPolygon
        All that is in reach, in a space of metres.
    source : geometry, optional
        What the effect fades from.
    kernel : Kernel, optional
        How it fades; it does not unless both are given.

    Returns
    -------
    tuple of (Footprint, ndarray of shape (2,))
        The anchor is the centroid of the shape.

    Examples
    --------
    >>> square, anchor = drawn_footprint(shapely.box(10, 10, 30, 30))
    >>> anchor.tolist(), square.strength(np.array([[10.0, 0.0], [11.0, 0.0]])).tolist()
    ([20.0, 20.0], [1.0, 0.0])
    """
    anchor = shapely.get_coordinates(shapely.centroid(shape))[0]
    here = shapely.transform(shape, partial(_less, anchor=anchor))
    key: tuple[object, ...] = ("drawn", _written(here))
    strength = partial(_inside, shape=here)
    if source is not None and kernel is not None:
        from_there = shapely.transform(source, partial(_less, anchor=anchor))
        key = (*key, _written(from_there), kernel.model_dump_json())
        strength = partial(_from_source, source=from_there, kernel=kernel)
    shapely.prepare(here)
    return Footprint(key, here, strength), anchor


def _less(xy: Floats, *, anchor: Floats) -> Floats:
    return xy - anchor


def _written(shape: shapely.Geometry) -> bytes:
    """Bytes of a shape to the millimetre, for which a hair of rounding is no difference."""
    return bytes(shapely.to_wkb(shapely.transform(shape, _rounded)))


def _rounded(xy: Floats) -> Floats:
    return np.round(xy, 3) + 0.0


def _inside(offsets: Floats, *, shape: shapely.Geometry) -> Floats:
    return np.asarray(shapely.intersects_xy(shape, offsets[:, 0], offsets[:, 1]), dtype=np.float64)


def _from_source(offsets: Floats, *, source: shapely.Geometry, kernel: Kernel) -> Floats:
    return kernel.weights(shapely.distance(shapely.points(offsets), source))


class Homes(NamedTuple):
    """Where people live, band by band from south to north and each from west to east.

    ``xy``: positions (m, 2) [m]; ``corner``: south-west corner of all; ``along``: how far along a walk through the
    bands each home is (m,), of which every band is ``width_m`` long and ``height_m`` high; ``spread``: share of each
    zone's people at each home (m, zones).
    """

    xy: Floats
    corner: Floats
    along: Floats
    width_m: float
    height_m: float
    spread: csr_array


def homes_at(places: gpd.GeoDataFrame, zones: int) -> Homes:
    """Put homes in order, so that those within a box are a few runs of them.

    Parameters
    ----------
    places : GeoDataFrame
        Points with zone (position) and share of the zone's people, as of :func:`equity_screen.distances.homes_of`.
    zones : int
        Number of zones.

    Returns
    -------
    Homes
        The same places.

    Examples
    --------
    >>> points = gpd.points_from_xy([10, 0], [0, 0])
    >>> places = gpd.GeoDataFrame({"zone": [0, 0], "share": [0.75, 0.25]}, geometry=points, crs=3035)
    >>> homes = homes_at(places, 1)
    >>> homes.xy.tolist(), homes.spread.toarray().tolist()
    ([[0.0, 0.0], [10.0, 0.0]], [[0.25], [0.75]])
    """
    xy = shapely.get_coordinates(places.geometry.array)
    corner, extent = xy.min(axis=0), np.ptp(xy, axis=0)
    # The gap of a metre between two bands tells what lies west of all homes from what lies east of them.
    width, height = float(extent[0]) + GAP_M, float(extent[1]) / np.sqrt(len(xy)) + GAP_M
    along = (xy[:, 1] - corner[1]) // height * width + xy[:, 0] - corner[0]
    order = np.lexsort((places["zone"], xy[:, 1], along))
    share, zone = (places[name].to_numpy()[order] for name in ("share", "zone"))
    spread = csr_array((share, zone, np.arange(len(xy) + 1)), shape=(len(xy), zones))
    return Homes(xy[order], corner, along[order], width, height, spread)


def placed(footprint: Footprint, sites: Floats, *, homes: Homes) -> csr_array:
    r"""Share of each zone's people in reach of a footprint at each site, weighed by how strongly it reaches them.

    .. math:: K_{si} = \sum_{h \in i} \pi_h\, k(\mathbf{x}_h - \mathbf{x}_s)

    with :math:`\pi_h` the share of zone i's people at home h, and k the footprint's strength.

    Parameters
    ----------
    footprint : Footprint
        What is placed.
    sites : ndarray, shape (sites, 2)
        Where its anchor is [m].
    homes : Homes
        Where people live.

    Returns
    -------
    csr_array, shape (sites, zones)
        Shares [0–1] where the footprint does not fade.

    Examples
    --------
    >>> points = gpd.points_from_xy([0, 10], [0, 0])
    >>> places = gpd.GeoDataFrame({"zone": [0, 0], "share": [0.25, 0.75]}, geometry=points, crs=3035)
    >>> sites = np.array([[0.0, 0.0], [5.0, 0.0], [14.0, 0.0]])
    >>> placed(round_footprint(5.0), sites, homes=homes_at(places, 1)).toarray().ravel().tolist()
    [0.25, 1.0, 0.75]
    """
    start, length, site = _runs(shapely.bounds(footprint.shape), sites, homes)
    part = np.cumsum(np.bincount(site, weights=length, minlength=len(sites))) // MOST_PAIRS
    cuts = [0, *(np.flatnonzero(np.diff(part)) + 1), len(sites)]
    parts = []
    for low, high in pairwise(cuts):
        mine = slice(*np.searchsorted(site, [low, high]))
        parts.append(_placed(footprint, sites[low:high], homes, runs=(start[mine], length[mine], site[mine] - low)))
    return csr_array(vstack(parts))


_Runs = tuple[Integers, Integers, Integers]


def _runs(bounds: Floats, sites: Floats, homes: Homes) -> _Runs:
    """Give the runs of homes in the box of a footprint at each site: first home, how many, and the site."""
    west, south, east, north = bounds + SLACK_M * np.array([-1.0, -1.0, 1.0, 1.0])
    x, y = (sites - homes.corner).T
    top = homes.along[-1] // homes.width_m
    low, high = (np.clip((y + edge) // homes.height_m, 0.0, top).astype(np.intp) for edge in (south, north))
    count = high - low + 1
    site = np.repeat(np.arange(len(sites)), count)
    band = low[site] + _counted(count)
    extent = homes.width_m - GAP_M
    start, end = (
        np.searchsorted(homes.along, band * homes.width_m + np.clip(x[site] + edge, -GAP_M / 2, extent + GAP_M / 2))
        for edge in (west, east)
    )
    return start, end - start, site


def _counted(counts: Integers) -> Integers:
    """Count 0, 1, 2 … anew for each run."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _placed(footprint: Footprint, sites: Floats, homes: Homes, *, runs: _Runs) -> csr_array:
    start, length, of_site = runs
    home, site = np.repeat(start, length) + _counted(length), np.repeat(of_site, length)
    strength = footprint.strength(homes.xy[home] - sites[site])
    reached = strength > 0.0
    first = np.concatenate([[0], np.cumsum(np.bincount(site[reached], minlength=len(sites)))])
    found = csr_array((strength[reached], home[reached], first), shape=(len(sites), len(homes.xy)))
    return csr_array(found @ homes.spread)


class Mask(NamedTuple):
    """Which cells of a square grid lie in the city, with a rim of cells that do not."""

    cells: NDArray[np.bool_]
    west: float
    north: float
    side_m: float


def city_mask(zones: NDArray[np.object_]) -> Mask:
    """Draw the city on a grid of about a thousand cells a side.

    Parameters
    ----------
    zones : ndarray of Polygon
        Neighbourhoods, in a space of metres.

    Returns
    -------
    Mask
        A cell is in the city where its middle is.

    Examples
    --------
    >>> mask = city_mask(np.array([shapely.box(0, 0, 1024, 512)]))
    >>> mask.side_m, int(mask.cells.sum())
    (1.0, 524288)
    """
    west, south, east, north = shapely.total_bounds(zones)
    side = float(max(east - west, north - south)) / MASK_CELLS
    rows, columns = (int(np.ceil(length / side)) for length in (north - south, east - west))
    grid = Affine(side, 0.0, west, 0.0, -side, north)
    cells = rasterize(zones, out_shape=(rows, columns), transform=grid, fill=0, default_value=1, dtype="uint8")
    return Mask(np.pad(cells.astype(bool), 1), float(west), float(north), side)


def share_inside(offsets: Floats, sites: Floats, *, mask: Mask) -> Floats:
    """Share of a footprint that lies in the city, at each site.

    Parameters
    ----------
    offsets : ndarray, shape (k, 2)
        Places spread evenly over the footprint, from its anchor [m].
    sites : ndarray, shape (sites, 2)
        Where the anchor is [m].
    mask : Mask
        The city.

    Returns
    -------
    ndarray, shape (sites,)
        Shares [0–1].

    Examples
    --------
    >>> mask = city_mask(np.array([shapely.box(0, 0, 1024, 512)]))
    >>> pair = np.array([[-10.0, 0.0], [10.0, 0.0]])
    >>> share_inside(pair, np.array([[100.0, 100.0], [1020.0, 100.0], [2000.0, 0.0]]), mask=mask).tolist()
    [1.0, 0.5, 0.0]
    """
    columns = (sites[:, :1] + offsets[:, 0] - mask.west) / mask.side_m
    rows = (mask.north - sites[:, 1:] - offsets[:, 1]) / mask.side_m
    row, column = (
        np.clip(np.floor(cells) + 1, 0, count - 1).astype(np.intp)
        for cells, count in zip((rows, columns), mask.cells.shape, strict=True)
    )
    return np.asarray(mask.cells[row, column].mean(axis=1), dtype=np.float64)


def spread_sites(zones: NDArray[np.object_], *, number: int, seed: int) -> Floats:
    """Sites spread evenly over some zones, in an order of which every beginning is spread evenly, too.

    They are the points of an additive recurrence in the zones' box, by the powers of the plastic number, that lie in
    a zone; the seed says where it starts.

    Parameters
    ----------
    zones : ndarray of Polygon
        Where sites may be, in a space of metres.
    number : int
        Placements that are wanted; sixteen times as many sites are given, fewer where zones are scattered thinly.
    seed : int
        Seed.

    Returns
    -------
    ndarray, shape (sites, 2)
        Positions [m].

    Examples
    --------
    >>> sites = spread_sites(np.array([shapely.box(0, 0, 100, 100)]), number=10, seed=1)
    >>> len(sites), [int((sites[:40, 0] < x).sum()) for x in (25, 50, 75)]
    (160, [10, 20, 30])
    """
    bounds, area = shapely.total_bounds(zones), float(shapely.area(zones).sum())
    if not area > 0:
        return np.empty((0, 2))
    low, side = bounds[:2], bounds[2:] - bounds[:2]
    count = min(int(np.ceil(TRIES * number * side.prod() / area)), MOST_TRIES)
    start = np.random.default_rng([seed]).random(2)
    steps = np.arange(count)[:, None] * np.array([1.0 / PLASTIC, 1.0 / PLASTIC**2])
    sites = low + (start + steps) % 1.0 * side
    inside = np.unique(shapely.STRtree(zones).query(shapely.points(sites), predicate="intersects")[0])
    return np.asarray(sites[inside[: TRIES * number]], dtype=np.float64)


def eligible(shares: Floats, own_share: float, *, number: int) -> Integers:
    """Positions of the first sites at which a footprint lies in the city about as much as it does where it is.

    Parameters
    ----------
    shares : ndarray, shape (sites,)
        Share of the footprint in the city at each site [0–1].
    own_share : float
        Share of it in the city where it is [0–1].
    number : int
        How many are wanted.

    Returns
    -------
    ndarray of int
        As many as are wanted, or as there are: those with a share of at least the own less 0.05.

    Examples
    --------
    >>> eligible(np.array([1.0, 0.5, 0.96, 0.97]), 1.0, number=2).tolist()
    [0, 2]
    """
    return np.flatnonzero(shares >= own_share - LEAVES_MORE - 1e-12)[:number]


class Placeable(NamedTuple):
    """Effects that can be placed: their positions, footprints, and where the anchors of these are."""

    rows: NDArray[np.intp]
    footprints: list[Footprint]
    anchors: Floats


def placeable_footprints(laid: Overlay, plan: Plan, *, effects: pd.DataFrame) -> Placeable:
    """Footprint and anchor of each effect; of a disc the point, and of anything else the centroid of its reach.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    plan : Plan
        Actions and effects of that overlay.
    effects : DataFrame
        Those of its effects that have a place, with all of their columns and their positions as index.

    Returns
    -------
    Placeable
        In the order of the effects; of neighbourhoods that are listed the shape is their union.

    Examples
    --------
    >>> from equity_screen.effects import completed
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> plan = four_actions()
    >>> west = completed(plan.effects).loc[[5]]
    >>> found = placeable_footprints(overlay(four_zones(), plan), plan, effects=west)
    >>> found.rows.tolist(), round(found.footprints[0].shape.area / 1e6, 3)
    ([5], 2.0)
    """
    rows = effects.index.to_numpy(dtype=np.intp)
    own = plan.actions.geometry.reindex(effects["action"]).set_axis(effects.index)
    sources = to_space(gpd.GeoSeries(own, crs=plan.actions.crs), laid.ground.zones.crs).array.to_numpy()
    shapes = _drawn(laid, rows)
    kernels = {int(row): kernel for kernel, mine in _kernels(effects) for row in mine}
    around = effects["reach"].isin(FROM_THE_ACTION).to_numpy() & (shapely.get_type_id(sources) == 0)
    lengths = effects[["distance_m", "inner_m"]].fillna(0.0).to_numpy(dtype=np.float64)
    found: list[tuple[Footprint, Floats]] = []
    for i, (row, (far, near)) in enumerate(zip(rows, lengths, strict=True)):
        kernel = kernels.get(int(row))
        if around[i]:
            inner = near if effects["reach"].iloc[i] == "ring" else 0.0
            found.append((round_footprint(far, inner, kernel=kernel), shapely.get_coordinates(sources[i])[0]))
        else:
            found.append(drawn_footprint(shapes[i], source=sources[i], kernel=kernel))
    return Placeable(rows, [footprint for footprint, _ in found], np.array([anchor for _, anchor in found]))


def _kernels(effects: pd.DataFrame) -> Iterator[tuple[Kernel, NDArray[np.intp]]]:
    """Kernels, and the labels of the effects that fade by each."""
    fading = effects[effects["reach"] == "decay"]
    for kernel, rows in kernels_of(fading):
        yield kernel, fading.index.to_numpy(dtype=np.intp)[rows]


def _drawn(laid: Overlay, rows: NDArray[np.intp]) -> NDArray[np.object_]:
    """Reach of each effect in the equal-area space; of listed neighbourhoods their union."""
    shapes = laid.ground.effects.footprints.array.to_numpy()[rows].copy()
    landed, zones = laid.landed, laid.ground.zones.array.to_numpy()
    for i in np.flatnonzero(shapely.is_empty(shapes)):
        start, end = landed.indptr[rows[i]], landed.indptr[rows[i] + 1]
        shapes[i] = shapely.union_all(zones[landed.indices[start:end]])
    return np.asarray(shapes)

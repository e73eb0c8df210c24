"""What lies near many places: sums over millions of points, each point also counted once, and the nearest place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from equity_screen.ellipsoid import (
    GEOD,
    LEAST_RADIUS_M,
    Floats,
    Places,
    Positions,
    Truths,
    along_ground,
    chord,
    earth_radius,
    in_space,
    lonlat,
    meridian,
    on_ground,
)
from equity_screen.errors import UsageError
from equity_screen.stored_points import BAND, STRIDE, PointStore, band_of

Kernel = Callable[[Floats], Floats]

FARTHEST_M = 100_000.0
# A point exactly as far as asked is within, whatever the rounding of its coordinates.
TOLERANCE, TOLERANCE_M = 1e-6, 1e-6
_TURN = 2.0 * np.pi
_SLACK = 1e-9
# Candidates looked at in one go; a place with more of them is cut where its own number says, not its neighbours'.
_CHUNK, _PIECE = 1 << 15, 1 << 17
_STRIPS = 1 << 20


class Within(NamedTuple):
    """What lies within some distances of each site, and of any site.

    Parameters
    ----------
    sums : DataFrame
        Rows by distance_m and site, a column for each value of the points.
    points : pandas.Series of int
        Number of points, on the same rows.
    once : DataFrame
        Rows by distance_m: sums over all points near any site, each point once and whole.
    """

    sums: pd.DataFrame
    points: pd.Series
    once: pd.DataFrame


class Pairs(NamedTuple):
    """Sites and points near one another: positions of both in the caller's order, and the distance [m]."""

    site: Positions
    point: Positions
    distance_m: Floats


class Nearest(NamedTuple):
    """Position of the nearest place in the caller's order, and its distance [m]; −1 and NaN without a place."""

    place: Positions
    distance_m: Floats


class _Asked(NamedTuple):
    """Sites in the order of the points, and how far from each is within: straight through the Earth [m]."""

    row: Positions
    lon: Floats
    lat: Floats
    xyz: Floats
    radius: Floats
    limit: Floats


class _Ranges(NamedTuple):
    """Runs of points that may be near: one of the sites, and the run's start and stop in the store."""

    site: Positions
    start: Positions
    stop: Positions


class _Hits(NamedTuple):
    """Points that are near: the site of each piece, and for each hit its piece, point and squared chord [m²]."""

    site: Positions
    piece: Positions
    point: Positions
    square: Floats


# The search


def _asked(sites: Floats, distances: Floats) -> _Asked:
    """Put sites (longitude, latitude) in the order of the points; distances by site, ascending [m]."""
    order = np.lexsort((sites[:, 0], band_of(sites[:, 1])))
    lon, lat = sites[order].T
    radius = earth_radius(lat)
    limit = chord(distances[order], radius[:, None]) * (1.0 + TOLERANCE) + TOLERANCE_M
    return _Asked(order, lon, lat, in_space(lon, lat), radius, limit)


def _steps(counts: Positions) -> Positions:
    """Count 0, 1, 2 … anew for each number of a list."""
    return np.asarray(np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts))


def _strips(asked: _Asked, most: Floats) -> tuple[Positions, NDArray[np.int64]]:
    """Give the bands that the circle around each site may touch: the site and the band."""
    reach = most / LEAST_RADIUS_M * 1.001 + _SLACK
    first, last = (band_of(np.clip(asked.lat + side * reach, -np.pi / 2, np.pi / 2)) for side in (-1.0, 1.0))
    counts = last - first + 1
    site = np.repeat(np.arange(len(counts)), counts)
    return site, first[site] + _steps(counts)


def _half_widths(asked: _Asked, most: Floats, *, site: Positions, band: NDArray[np.int64]) -> Floats:
    """Half of the longitudes of a band that the circle may touch [rad], rather too many than too few.

    The chord c between two points with distances p, q from the Earth's axis, a chord m apart along a meridian and
    λ apart in longitude, has c² = m² + 4 p q sin²(λ/2).
    """
    south, north = (np.clip((band + side) * BAND, -np.pi / 2, np.pi / 2) for side in (0, 1))
    axial, height = (part[site] for part in meridian(asked.lat))
    nearest = meridian(np.clip(asked.lat[site], south, north))
    over = most[site] ** 2 - (nearest[0] - axial) ** 2 - (nearest[1] - height) ** 2
    least = np.minimum(meridian(south)[0], meridian(north)[0])
    share = over / np.maximum(4.0 * axial * least, np.finfo(np.float64).tiny)
    return np.asarray(2.0 * np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0))) + _SLACK)


def _ranges(key: Floats, asked: _Asked) -> _Ranges:
    """Find the runs of points that may be near, site by site; none is longer than a piece."""
    most = asked.limit[:, -1]
    site, band = _strips(asked, most)
    half = _half_widths(asked, most, site=site, band=band)
    middle = np.where(half < np.pi, asked.lon[site] + np.pi, np.pi)
    west, east = middle - np.minimum(half, np.pi), middle + np.minimum(half, np.pi)
    # A circle over the antimeridian goes on at the other end of its band.
    parts = (np.arange(len(site)), np.flatnonzero(west < 0.0), np.flatnonzero(east > _TURN))
    run, turn = np.concatenate(parts), np.repeat([0.0, _TURN, -_TURN], [len(part) for part in parts])
    start = np.searchsorted(key, band[run] * STRIDE + np.maximum(west[run] + turn, 0.0))
    stop = np.searchsorted(key, band[run] * STRIDE + np.minimum(east[run] + turn, STRIDE - 1.0), side="right")
    order = np.argsort(site[run], kind="stable")
    return _cut(_Ranges(site[run][order], start[order], stop[order]))


def _cut(ranges: _Ranges) -> _Ranges:
    """Drop empty runs and cut long ones."""
    counts = -(-(ranges.stop - ranges.start) // _PIECE)
    run = np.repeat(np.arange(len(counts)), counts)
    start = ranges.start[run] + _steps(counts) * _PIECE
    return _Ranges(ranges.site[run], start, np.minimum(start + _PIECE, ranges.stop[run]))


def _chunks(ranges: _Ranges) -> Iterator[tuple[slice, Positions]]:
    """Cut runs into chunks of bounded size: the runs of each, and where in them its pieces start.

    A piece is the runs of one site, or where they hold very many points a part of them that depends on this site
    alone: what a site sums to does not depend on what else was asked.
    """
    size = ranges.stop - ranges.start
    if not len(size):
        return
    before = np.cumsum(size) - size
    opens = np.flatnonzero(np.diff(ranges.site, prepend=-1))
    own = before - np.repeat(before[opens], np.diff(opens, append=len(size)))
    pieces = np.flatnonzero((np.diff(ranges.site, prepend=-1) != 0) | (np.diff(own // _PIECE, prepend=-1) != 0))
    first = np.flatnonzero(np.diff(before[pieces] // _CHUNK, prepend=-1))
    for one, end in zip(first, np.append(first[1:], len(pieces)), strict=True):
        stop = pieces[end] if end < len(pieces) else len(size)
        yield slice(pieces[one], stop), pieces[one:end] - pieces[one]


def _some(asked: _Asked, rows: slice) -> _Asked:
    row, lon, lat, xyz, radius, limit = asked
    return _Asked(row[rows], lon[rows], lat[rows], xyz[rows], radius[rows], limit[rows])


def _search(store: PointStore, asked: _Asked) -> Iterator[tuple[_Asked, _Hits]]:
    """Give all hits chunk by chunk, with the sites that they speak of."""
    bands = 2.0 * asked.limit[:, -1].max(initial=0.0) / (LEAST_RADIUS_M * BAND) + 3.0
    batch = max(1, int(_STRIPS / bands))
    for at in range(0, len(asked.row), batch):
        some = _some(asked, slice(at, at + batch))
        ranges = _ranges(store.key, some)
        for runs, pieces in _chunks(ranges):
            yield some, _hits(store, some, ranges=_Ranges(*(part[runs] for part in ranges)), pieces=pieces)


def _hits(store: PointStore, asked: _Asked, *, ranges: _Ranges, pieces: Positions) -> _Hits:
    """Measure all candidates and keep those that are near."""
    size = ranges.stop - ranges.start
    counts, site = np.add.reduceat(size, pieces), ranges.site[pieces]
    point = np.repeat(ranges.start, size) + _steps(size)
    apart = store.xyz.take(point, axis=0)
    apart -= np.repeat(asked.xyz[site], counts, axis=0)
    square = np.einsum("ij,ij->i", apart, apart)
    near = square <= np.repeat(asked.limit[site, -1] ** 2, counts)
    return _Hits(site, np.repeat(np.arange(len(site)), counts)[near], point[near], square[near])


# What is asked of it


def _distances(distances_m: ArrayLike) -> Floats:
    """Check the distances [m]."""
    distances = np.atleast_1d(np.asarray(distances_m, dtype=np.float64))
    if not (distances.size and ((distances >= 0) & (distances <= FARTHEST_M)).all()):
        msg = f"distances of {distances.tolist()[:9]} m; give numbers from 0 to {FARTHEST_M:.0f}"
        raise UsageError(msg)
    return distances


def sums_within(store: PointStore, sites: Places, *, distances_m: ArrayLike, kernel: Kernel | None = None) -> Within:
    """Sum what lies within some distances of each site, and what lies within them of any site, in one pass.

    Parameters
    ----------
    store : PointStore
        Points.
    sites : GeoSeries or ndarray of float64, shape (n, 2)
        Points with a CRS; or longitude and latitude [°, WGS 84].
    distances_m : float or sequence of float
        Distances [m], ascending, at most 100 km.
    kernel : callable, optional
        Weights for an array of distances [m], each by its own distance; without it every point within counts whole.

    Returns
    -------
    Within
        Sums and numbers of points by distance and site; sums over the points near any site, each once and whole.

    Raises
    ------
    InputError
        A site without a place, or with one that cannot be.
    UsageError
        Distances that do not ascend, are negative or above 100 km; a kernel without a finite weight for each.

    Notes
    -----
    A point is within d where its distance is at most d (1 + 1e-6) + 1e-6 m. Sums are taken in float64, in the order
    of the store: counts are exact, and no order of points or sites changes a bit. What lies in a ring is the
    difference between two distances.

    Examples
    --------
    >>> from equity_screen.stored_points import point_store
    >>> homes = point_store(np.array([[12.5, 55.7], [12.52, 55.7]]), pd.DataFrame({"people": [30, 5]}))
    >>> found = sums_within(homes, np.array([[12.5, 55.7], [12.51, 55.7]]), distances_m=[100, 1000])
    >>> found.sums["people"].unstack("site").to_numpy().tolist()
    [[30.0, 0.0], [30.0, 35.0]]
    >>> found.once["people"].tolist()
    [30.0, 35.0]
    """
    distances = _distances(distances_m)
    if (np.diff(distances) <= 0).any():
        msg = f"distances of {distances.tolist()[:9]} m do not ascend; give each once, the nearest first"
        raise UsageError(msg)
    place = lonlat(sites, "sites")
    asked = _asked(place, np.broadcast_to(distances, (len(place), len(distances))))
    sums = np.zeros((len(place), len(distances), len(store.columns)))
    points = np.zeros((len(place), len(distances)), dtype=np.int64)
    reached = np.zeros((len(distances), len(store)), dtype=bool)
    for some, hits in _search(store, asked):
        ring = _ring(some, hits)
        reached[ring, hits.point] = True
        row, rows = hits.piece * len(distances) + ring, some.row[hits.site]
        gather = _gather(row, _weights(some, hits, kernel), rows=len(rows) * len(distances))
        np.add.at(sums, rows, _product(gather, store, hits.point).reshape(len(rows), *sums.shape[1:]))
        np.add.at(points, rows, np.diff(gather.indptr).reshape(len(rows), -1))
    return _within(store, sites, distances=distances, rings=(sums, points, reached))


def _ring(asked: _Asked, hits: _Hits) -> Positions:
    """Position of the least distance that each hit is within."""
    ring = np.zeros(len(hits.point), dtype=np.intp)
    for limit in asked.limit[:, :-1].T:
        ring += hits.square > (limit[hits.site] ** 2)[hits.piece]
    return ring


def _weights(asked: _Asked, hits: _Hits, kernel: Kernel | None) -> Floats:
    if kernel is None:
        return np.ones(len(hits.point))
    weights = np.asarray(kernel(_measured(asked, hits)), dtype=np.float64)
    if weights.shape != hits.point.shape or not np.isfinite(weights).all():
        msg = "a kernel that does not give a finite weight for each distance, one array for another"
        raise UsageError(msg)
    return weights


def _measured(asked: _Asked, hits: _Hits) -> Floats:
    return along_ground(np.sqrt(hits.square), asked.radius[hits.site[hits.piece]])


def _gather(row: Positions, weights: Floats, *, rows: int) -> csr_array:
    """Weights of the hits: their rows, and a column for each hit."""
    order = np.argsort(row, kind="stable")
    ends = np.cumsum(np.bincount(row, minlength=rows))
    return csr_array((weights[order], order, np.append(0, ends)), shape=(rows, len(row)))


def _product(gather: csr_array, store: PointStore, point: Positions) -> Floats:
    """Add up in float64, row by row in the order of the store."""
    return np.asarray(gather @ store.table.take(point, axis=0).astype(np.float64, copy=False))


def _within(
    store: PointStore, sites: Places, *, distances: Floats, rings: tuple[Floats, NDArray[np.int64], Truths]
) -> Within:
    """Add up rings to distances and label them."""
    index = sites.index if isinstance(sites, gpd.GeoSeries) else pd.RangeIndex(len(sites))
    columns, each = list(store.columns), pd.Index(distances, name="distance_m")
    rows = pd.MultiIndex.from_product([each, index], names=["distance_m", index.name or "site"])
    sums, points = (np.cumsum(part, axis=1).swapaxes(0, 1) for part in rings[:2])
    return Within(
        pd.DataFrame(sums.reshape(len(rows), len(columns)), index=rows, columns=columns),
        pd.Series(points.reshape(-1), index=rows, name="points"),
        pd.DataFrame(_once(store, rings[2]), index=each, columns=columns),
    )


def _once(store: PointStore, reached: Truths) -> Floats:
    """Sum the points that any site reaches, by distance; in blocks, so that memory stays bounded."""
    sums = np.zeros((len(reached), len(store.columns)))
    for at in range(0, len(store), _CHUNK):
        point = np.flatnonzero(reached[:, at : at + _CHUNK].any(axis=0)) + at
        level = reached[:, point].argmax(axis=0)
        sums += _product(_gather(level, np.ones(len(point)), rows=len(sums)), store, point)
    return np.cumsum(sums, axis=0)


def pairs_within(store: PointStore, sites: Places, *, distance_m: ArrayLike) -> Pairs:
    """List the pairs of a site and a point that are at most a distance apart.

    Parameters
    ----------
    store : PointStore
        Points.
    sites : GeoSeries or ndarray of float64, shape (n, 2)
        Points with a CRS; or longitude and latitude [°, WGS 84].
    distance_m : float or sequence of float
        Distance [m], one for all sites or one for each; at most 100 km.

    Returns
    -------
    Pairs
        Positions of site and point in the order in which they were given, and their distance [m]; by site, then point.

    Raises
    ------
    InputError
        A site without a place, or with one that cannot be.
    UsageError
        A distance that is negative or above 100 km, or not one for each site.

    Examples
    --------
    >>> from equity_screen.stored_points import point_store
    >>> homes = point_store(np.array([[12.52, 55.7], [12.5, 55.7]]), pd.DataFrame({"people": [5, 30]}))
    >>> near = pairs_within(homes, np.array([[12.51, 55.7]]), distance_m=1000)
    >>> near.site.tolist(), near.point.tolist(), near.distance_m.round(1).tolist()
    ([0, 0], [0, 1], [628.7, 628.7])
    """
    place, distances = lonlat(sites, "sites"), _distances(distance_m)
    if len(distances) not in {1, len(place)}:
        msg = f"{len(distances)} distances for {len(place)} sites; give one for all, or one for each"
        raise UsageError(msg)
    asked = _asked(place, np.broadcast_to(distances.reshape(-1, 1), (len(place), 1)))
    parts = [
        (some.row[hits.site[hits.piece]], store.row[hits.point], _measured(some, hits))
        for some, hits in _search(store, asked)
    ]
    empty = (np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))
    site, point, distance = (np.concatenate(part) for part in zip(empty, *parts, strict=True))
    order = np.argsort(site * max(len(store), 1) + point)
    return Pairs(site[order], point[order], distance[order])


def nearest(store: PointStore, points: Places) -> Nearest:
    """Find the nearest place of a store for each point, however far.

    Parameters
    ----------
    store : PointStore
        Places, such as actions.
    points : GeoSeries or ndarray of float64, shape (n, 2)
        Points with a CRS; or longitude and latitude [°, WGS 84].

    Returns
    -------
    Nearest
        Position of the place in the order in which places were given, and its distance [m]; of several at one spot the
        first. Without any place −1 and NaN.

    Raises
    ------
    InputError
        A point without a place, or with one that cannot be.

    Notes
    -----
    Nearest is what is nearest straight through the Earth. That is another place than the nearest along the ground only
    where the two distances differ by less than two parts in ten million (up to 100 km) or 0.02 % (up to 3,000 km).

    Examples
    --------
    >>> from equity_screen.stored_points import point_store
    >>> stops = point_store(np.array([[12.6, 55.7], [12.5, 55.7]]), pd.DataFrame(index=range(2)))
    >>> found = nearest(stops, np.array([[12.51, 55.7]]))
    >>> found.place.tolist(), found.distance_m.round(1).tolist()
    ([1], [628.7])
    """
    lon, lat = lonlat(points, "points").T
    if not len(store):
        return Nearest(np.full(len(lon), -1, dtype=np.intp), np.full(len(lon), np.nan))
    starts = np.flatnonzero(np.append(True, (np.diff(store.xyz, axis=0) != 0).any(axis=1)))
    spots = store.xyz[starts]
    line, spot = cKDTree(spots).query(in_space(lon, lat))
    far = np.flatnonzero(line > FARTHEST_M)
    distance = along_ground(line, earth_radius(lat))
    distance[far] = GEOD.inv(lon[far], lat[far], *on_ground(spots[spot[far]]), radians=True)[2]
    return Nearest(np.minimum.reduceat(store.row, starts)[spot], distance)

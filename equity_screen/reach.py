"""What lies within a distance: discs around places, and points by their exact distance."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from scipy.sparse import csr_array

from equity_screen.circles import disc_shares
from equity_screen.crs import Measure, clusters, to_space

# Discs around points are drawn as 256-gons of the disc's own area, so that drawn and exact ones agree on average;
# population points are compared by exact distance.
QUADRANT_SEGMENTS = 64
EQUAL_AREA = float(np.sqrt(np.pi / (2 * QUADRANT_SEGMENTS) / np.sin(np.pi / (2 * QUADRANT_SEGMENTS))))
# Distances in the equal-area space of a city or large state are within this of the true ones.
SLACK = 1.01
# A longer shape is measured piece by piece: one equidistant space does not hold 0.1 % over a large state.
LONGEST_SHAPE_M, PIECE_M = 150_000.0, 100_000.0
Hits = tuple[NDArray[np.intp], NDArray[np.intp]]


def discs(shapes: gpd.GeoSeries, distances: NDArray[np.float64], *, study: Measure) -> gpd.GeoSeries:
    """Draw all that lies within a distance of each shape.

    Distances are measured in azimuthal equidistant spaces of cells of 100 km. A disc around a point has the area of
    the circle: its 256 corners lie 0.005 % outside it, the middles of its sides half as much within.

    Parameters
    ----------
    shapes : GeoSeries
        Geometry of any kind with a CRS; rows may be without.
    distances : ndarray of float64, shape (n,)
        Distance from each shape [m].
    study : Measure
        Measuring space of the neighbourhoods.

    Returns
    -------
    GeoSeries
        Polygons in the equal-area space ``study.areas``; empty where there is no shape.

    Examples
    --------
    >>> place = gpd.GeoSeries([shapely.Point(12.5, 55.7), None], crs=4326)
    >>> study = Measure(12.5, 55.7, 9000.0)
    >>> (discs(place, np.array([1000.0, 1000.0]), study=study).area / 1e6).round(2).tolist()
    [3.14, 0.0]
    """
    drawn = np.full(len(shapes), shapely.from_wkt("POLYGON EMPTY"), dtype=object)
    for crs, rows, here in _local(shapes, study):
        drawn_at = distances[rows] * np.where(shapely.get_dimensions(here) == 0, EQUAL_AREA, 1.0)
        around = shapely.buffer(here, drawn_at, quad_segs=QUADRANT_SEGMENTS)
        parts = gpd.GeoSeries(around, crs=crs).to_crs(study.areas).array.to_numpy()
        once = np.bincount(rows)[rows] == 1
        drawn[rows[once]] = shapely.union(drawn[rows[once]], parts[once]) if len(parts) else parts
        for row in np.unique(rows[~once]):
            drawn[row] = shapely.union_all([drawn[row], *parts[rows == row]])
    return gpd.GeoSeries(drawn, index=shapes.index, crs=study.areas)


def _local(shapes: gpd.GeoSeries, study: Measure) -> Iterator[tuple[CRS, NDArray[np.intp], NDArray[np.object_]]]:
    """Give shapes group by group in an equidistant space of their own; those too long for one come in pieces."""
    extended = np.flatnonzero(~shapes.geom_type.isin(["Point"]) & ~(shapes.is_empty | shapes.isna()))
    bounds = shapely.bounds(to_space(shapes.iloc[extended], study.areas).array.to_numpy())
    long = extended[(bounds[:, 2:] - bounds[:, :2]).max(axis=1, initial=0.0) > LONGEST_SHAPE_M]
    short = shapes.copy()
    short.iloc[long] = None
    for crs, rows in clusters(short, study):
        yield crs, rows, to_space(short.iloc[rows], crs).array.to_numpy()
    pieces, owner = _in_pieces(to_space(shapes.iloc[long], study.areas).array.to_numpy())
    cut = gpd.GeoSeries(pieces, crs=study.areas)
    for crs, rows in clusters(cut, study):
        yield crs, long[owner[rows]], to_space(cut.iloc[rows], crs).array.to_numpy()


def _in_pieces(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Cut shapes along lines 100 km apart; the pieces, and the shape that each is of."""
    pieces: list[shapely.Geometry] = []
    owner: list[int] = []
    for position, shape in enumerate(shapes):
        west, south, east, north = np.floor(np.asarray(shape.bounds) / PIECE_M)
        corners = np.mgrid[west : east + 1, south : north + 1].reshape(2, -1) * PIECE_M
        parts = shapely.intersection(shape, shapely.box(*corners, *(corners + PIECE_M)))
        kept = parts[~shapely.is_empty(parts)]
        pieces.extend(kept)
        owner.extend([position] * len(kept))
    return np.array(pieces, dtype=object), np.array(owner, dtype=np.intp)


def points_within(
    points: gpd.GeoSeries, shapes: gpd.GeoSeries, *, distances: NDArray[np.float64], study: Measure
) -> Hits:
    """Find the pairs of a point and a shape that are at most a distance apart.

    Parameters
    ----------
    points : GeoSeries
        Points with a CRS.
    shapes : GeoSeries
        Geometry of any kind with a CRS; rows may be without.
    distances : ndarray of float64, shape (n,)
        Distance from each shape [m]; one that is exactly as far is within.
    study : Measure
        Measuring space of the neighbourhoods.

    Returns
    -------
    tuple of ndarray of int
        Positions of the point and of the shape, each pair once.

    Examples
    --------
    >>> homes = gpd.GeoSeries.from_xy([12.5, 12.6], [55.7, 55.7], crs=4326)
    >>> place = gpd.GeoSeries([shapely.Point(12.51, 55.7)], crs=4326)
    >>> near = points_within(homes, place, distances=np.array([1000.0]), study=Measure(12.5, 55.7, 9000.0))
    >>> near[0].tolist(), near[1].tolist()
    ([0], [0])
    """
    pairs = [(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))]
    pairs += [hits for hits, _, _ in _near(points, shapes, distances=distances, study=study)]
    point, shape = (np.concatenate(part) for part in zip(*pairs, strict=True))
    first = _first_of_each(point, shape, np.zeros(len(point)))
    return point[first], shape[first]


def points_and_distances(
    points: gpd.GeoSeries, shapes: gpd.GeoSeries, *, distances: NDArray[np.float64], study: Measure
) -> tuple[Hits, NDArray[np.float64]]:
    """Find the pairs of a point and a shape that are at most a distance apart, and how far apart they are.

    Parameters
    ----------
    points, shapes, distances, study
        As of :func:`points_within`.

    Returns
    -------
    tuple of (tuple of ndarray of int, ndarray of float64)
        Positions of the point and of the shape; their distance [m], 0 inside a polygon.

    Examples
    --------
    >>> homes = gpd.GeoSeries.from_xy([12.5, 12.6], [55.7, 55.7], crs=4326)
    >>> place = gpd.GeoSeries([shapely.Point(12.51, 55.7)], crs=4326)
    >>> study = Measure(12.5, 55.7, 9000.0)
    >>> points_and_distances(homes, place, distances=np.array([1000.0]), study=study)[1].round(1).tolist()
    [628.8]
    """
    pairs = [(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))]
    for (point, shape), homes, places in _near(points, shapes, distances=distances, study=study):
        pairs.append((point, shape, shapely.distance(homes, places)))
    point, shape, apart = (np.concatenate(part) for part in zip(*pairs, strict=True))
    first = _first_of_each(point, shape, apart)
    return (point[first], shape[first]), apart[first]


def _first_of_each(point: NDArray[np.intp], shape: NDArray[np.intp], apart: NDArray[np.float64]) -> NDArray[np.intp]:
    """Positions of the pairs, each once and by its least distance: a point may be near several pieces of a shape."""
    order = np.lexsort((apart, point, shape))
    new = (np.diff(point[order], prepend=-1) != 0) | (np.diff(shape[order], prepend=-1) != 0)
    return np.asarray(order[new], dtype=np.intp)


def _near(
    points: gpd.GeoSeries, shapes: gpd.GeoSeries, *, distances: NDArray[np.float64], study: Measure
) -> Iterator[tuple[Hits, NDArray[np.object_], NDArray[np.object_]]]:
    """Give, group by group, the positions of the pairs and both of their geometries in the group's space."""
    for crs, rows, here in _local(shapes, study):
        homes = points.to_crs(crs).array.to_numpy()
        which, point = shapely.STRtree(homes).query(here, predicate="dwithin", distance=distances[rows])
        yield (point, rows[which]), homes[point], here[which]


def disc_shares_by_radius(
    zones: gpd.GeoSeries, places: gpd.GeoSeries, *, radii_m: NDArray[np.float64], study: Measure
) -> list[csr_array]:
    """Share of each zone within each of several distances of points, exactly, in equidistant spaces of the points.

    Parameters
    ----------
    zones : GeoSeries
        Polygons in the equal-area space ``study.areas``.
    places : GeoSeries
        Points with a CRS; rows may be without.
    radii_m : ndarray of float64, shape (n, k)
        Distances from each point [m].
    study : Measure
        Measuring space of the neighbourhoods.

    Returns
    -------
    list of csr_array, shape (zones, n)
        Shares [0–1], one for each of the k radii.

    Examples
    --------
    >>> study = Measure(12.5, 55.7, 9000.0)
    >>> zones = gpd.GeoSeries([shapely.box(0, -5000, 5000, 5000)], crs=study.areas)
    >>> place = gpd.GeoSeries([shapely.Point(12.5, 55.7)], crs=4326)
    >>> shares = disc_shares_by_radius(zones, place, radii_m=np.array([[1000.0, 2000.0]]), study=study)
    >>> [round(float(share[0, 0]) * 50 / np.pi, 4) for share in shares]
    [0.5, 2.0]
    """
    shape = (len(zones), len(places))
    found = [csr_array(shape) for _ in range(radii_m.shape[1])]
    far = radii_m.max(axis=1, initial=0.0) * SLACK
    for crs, rows in clusters(places, study):
        here = to_space(places.iloc[rows], study.areas).array.to_numpy()
        near = np.unique(
            shapely.STRtree(zones.array.to_numpy()).query(here, predicate="dwithin", distance=far[rows])[1]
        )
        if not len(near):
            continue
        local = to_space(zones.iloc[near], crs)
        shares = disc_shares(local, to_space(places.iloc[rows], crs), radii_m=radii_m[rows])
        for i, relation in enumerate(shares):
            pairs = relation.matrix.tocoo()
            found[i] = found[i] + csr_array((pairs.data, (near[pairs.row], rows[pairs.col])), shape=shape)
    return found

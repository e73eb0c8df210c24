"""What lies within a distance: discs around places, and points by their exact distance."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from equity_screen.crs import Measure, clusters, to_space

# A 256-gon loses 0.01 % of a disc's area; population points are compared by exact distance.
QUADRANT_SEGMENTS = 64
Hits = tuple[NDArray[np.intp], NDArray[np.intp]]


def discs(shapes: gpd.GeoSeries, distances: NDArray[np.float64], *, study: Measure) -> gpd.GeoSeries:
    """Draw all that lies within a distance of each shape.

    Distances are measured in azimuthal equidistant spaces of cells of 100 km.

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
    for crs, rows in clusters(shapes, study):
        here = to_space(shapes.iloc[rows], crs).array.to_numpy()
        around = shapely.buffer(here, distances[rows], quad_segs=QUADRANT_SEGMENTS)
        drawn[rows] = gpd.GeoSeries(around, crs=crs).to_crs(study.areas).array.to_numpy()
    return gpd.GeoSeries(drawn, index=shapes.index, crs=study.areas)


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
    for crs, rows in clusters(shapes, study):
        tree = shapely.STRtree(points.to_crs(crs).array.to_numpy())
        here = to_space(shapes.iloc[rows], crs).array.to_numpy()
        which, point = tree.query(here, predicate="dwithin", distance=distances[rows])
        pairs.append((point, rows[which]))
    return np.concatenate([point for point, _ in pairs]), np.concatenate([shape for _, shape in pairs])

"""Positions on the WGS 84 ellipsoid in space, and the distance along the ground that a straight line stands for.

Two places are as far apart as the straight line through the Earth between them, turned into metres along the ground
with the Earth's radius at one of them. Up to 100 km this is the geodesic to one part in ten million, at any latitude,
over the antimeridian and at the poles, without a projection.
"""

from __future__ import annotations

from typing import TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from equity_screen.crs import FARTHEST_EAST, FARTHEST_NORTH, WGS84, crs_name, impossible
from equity_screen.errors import InputError, UsageError, finding

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Positions = NDArray[np.intp]
Places: TypeAlias = gpd.GeoSeries | Floats

GEOD = Geod(ellps="WGS84")
# No degree of latitude is shorter than with this radius [m], the curvature of a meridian at the equator.
LEAST_RADIUS_M = GEOD.a * (1.0 - GEOD.es)


def lonlat(places: Places, source: str) -> Floats:
    """Give longitude and latitude of places; refuse all that is no place on Earth.

    Parameters
    ----------
    places : GeoSeries or ndarray of float64, shape (n, 2)
        Points with a CRS; or longitude and latitude [°, WGS 84].
    source : str
        What they are called in a message.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Longitude and latitude [rad].

    Raises
    ------
    InputError
        Places that are missing, or that cannot be.
    UsageError
        Points without a CRS, or an array of another shape.

    Examples
    --------
    >>> lonlat(np.array([[180.0, -90.0]]), "sites").round(4).tolist()
    [[3.1416, -1.5708]]
    """
    if isinstance(places, gpd.GeoSeries):
        return np.radians(_of_geometry(places, source))
    xy = np.asarray(places, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2:  # noqa: PLR2004 - longitude and latitude
        msg = f"{source} of shape {xy.shape}; give points, or an array of longitudes and latitudes of shape (n, 2)"
        raise UsageError(msg)
    with np.errstate(invalid="ignore"):
        astray = np.asarray((np.abs(xy) > (FARTHEST_EAST, FARTHEST_NORTH)).any(axis=1))
    _refuse(xy, _lost(xy), astray, source=source, crs="longitude and latitude")
    return np.radians(xy)


def _of_geometry(places: gpd.GeoSeries, source: str) -> Floats:
    if places.crs is None:
        msg = f"{source} without a CRS cannot be measured; set the one that they are in"
        raise UsageError(msg)
    xy = _coordinates(places)
    _refuse(xy, _lost(xy), impossible(xy, places.crs), source=source, crs=crs_name(places.crs))
    return _coordinates(places.to_crs(WGS84))


def _coordinates(places: gpd.GeoSeries) -> Floats:
    """Give x and y; NaN for what is missing, empty or no point."""
    shapes = places.array.to_numpy()
    point = (shapely.get_type_id(shapes) == shapely.GeometryType.POINT) & ~shapely.is_empty(shapes)
    xy = np.full((len(shapes), 2), np.nan)
    xy[point] = shapely.get_coordinates(shapes[point])
    return xy


def _lost(xy: Floats) -> Truths:
    return np.asarray(np.isnan(xy).any(axis=1))


def _refuse(xy: Floats, lost: Truths, astray: Truths, *, source: str, crs: str) -> None:
    """Raise one fault for all rows without a place, and one for all that cannot be where they say."""
    faults = {"ES-POINT-PLACE": np.flatnonzero(lost), "ES-GEOM-COORDINATES": np.flatnonzero(astray & ~lost)}
    found = [
        finding(code, source, row=_named(rows), value=str(tuple(xy[rows[0]].tolist())), crs=crs)
        for code, rows in faults.items()
        if len(rows)
    ]
    if found:
        raise InputError(found)


def _named(rows: Positions) -> str:
    more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    return f"position {rows[0]}{more}"


def meridian(lat: Floats) -> tuple[Floats, Floats]:
    """Place a latitude in the plane of its meridian.

    Parameters
    ----------
    lat : ndarray of float64
        Latitude [rad].

    Returns
    -------
    tuple of ndarray
        Distance from the Earth's axis, and height above the plane of the equator [m].

    Examples
    --------
    >>> [round(float(part)) for part in meridian(np.float64(0.0))]
    [6378137, 0]
    """
    sine = np.sin(lat)
    normal = GEOD.a / np.sqrt(1.0 - GEOD.es * sine**2)
    return normal * np.cos(lat), normal * (1.0 - GEOD.es) * sine


def in_space(lon: Floats, lat: Floats) -> Floats:
    """Place positions in space.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (n,)
        Longitude and latitude [rad].

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Earth-centred coordinates [m].

    Examples
    --------
    >>> in_space(np.array([0.0]), np.array([np.pi / 2])).round().tolist()
    [[0.0, 0.0, 6356752.0]]
    """
    axial, height = meridian(lat)
    return np.column_stack([axial * np.cos(lon), axial * np.sin(lon), height])


def on_ground(xyz: Floats) -> tuple[Floats, Floats]:
    """Give longitude and latitude of positions on the ellipsoid.

    Parameters
    ----------
    xyz : ndarray of float64, shape (n, 3)
        Earth-centred coordinates [m].

    Returns
    -------
    tuple of ndarray
        Longitude and latitude [rad].

    Examples
    --------
    >>> [part.round(9).tolist() for part in on_ground(in_space(np.array([-3.0]), np.array([0.5])))]
    [[-3.0], [0.5]]
    """
    x, y, z = xyz.T
    return np.arctan2(y, x), np.arctan2(z, (1.0 - GEOD.es) * np.hypot(x, y))


def earth_radius(lat: Floats) -> Floats:
    """Give the Gaussian radius of curvature: its error moves a distance of 100 km by less than 1 cm.

    Parameters
    ----------
    lat : ndarray of float64
        Latitude [rad].

    Returns
    -------
    ndarray of float64
        Radius [m].

    Examples
    --------
    >>> earth_radius(np.array([0.0, np.pi / 2])).round().tolist()
    [6356752.0, 6399594.0]
    """
    return np.asarray(GEOD.a * np.sqrt(1.0 - GEOD.es) / (1.0 - GEOD.es * np.sin(lat) ** 2))


def chord(distance: Floats, radius: Floats) -> Floats:
    """Give the straight line through the Earth that a distance along the ground stands for.

    Parameters
    ----------
    distance, radius : ndarray of float64
        Distance along the ground and radius of the Earth there [m].

    Returns
    -------
    ndarray of float64
        Length of the line [m].

    Examples
    --------
    >>> chord(np.array([100_000.0]), np.array([6_371_000.0])).round(1).tolist()
    [99999.0]
    """
    return np.asarray(2.0 * radius * np.sin(distance / (2.0 * radius)))


def along_ground(line: Floats, radius: Floats) -> Floats:
    """Give the distance along the ground that a straight line through the Earth stands for.

    Parameters
    ----------
    line, radius : ndarray of float64
        Length of the line and radius of the Earth there [m].

    Returns
    -------
    ndarray of float64
        Distance [m].

    Examples
    --------
    >>> along_ground(np.array([99_999.0]), np.array([6_371_000.0])).round().tolist()
    [100000.0]
    """
    return np.asarray(2.0 * radius * np.arcsin(np.minimum(line / (2.0 * radius), 1.0)))

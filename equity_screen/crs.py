"""CRS guard, and the measuring space of a layer: nothing is measured in degrees or Web Mercator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError

from equity_screen.errors import InputError, UsageError, finding
from equity_screen.seam import Seam, continuous, seam_of, split

WGS84 = CRS.from_epsg(4326)
FARTHEST_EAST, FARTHEST_NORTH = 180.0, 90.0
# A tenth of a millimetre: so far a projection may miss 180° by rounding.
HAIR = 1e-9
CLUSTER_SIDE_M = 100_000.0
LONGEST_LINE_M = 1_000.0
# No line becomes more pieces than a layer across a continent needs: far from home a projection stretches without end.
MOST_PIECES = 20_000
EARTH_RADIUS_M = 6_371_009.0
_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class Measure:
    """Where a layer is measured: its centre, and how far it reaches.

    Parameters
    ----------
    longitude, latitude : float
        Centre [°, WGS 84].
    radius_m : float
        Distance from the centre to the farthest vertex [m].

    Examples
    --------
    >>> Measure(12.5, 55.7, 9000.0).areas.coordinate_operation.method_name
    'Lambert Azimuthal Equal Area'
    """

    longitude: float
    latitude: float
    radius_m: float

    @property
    def areas(self) -> CRS:
        """Lambert azimuthal equal-area CRS centred on the layer: areas are measured here."""
        return _azimuthal("laea", self.longitude, self.latitude)


def parse_crs(name: str, *, source: str = "project") -> CRS:
    """Read a CRS name.

    Parameters
    ----------
    name : str
        For instance ``"EPSG:2263"`` or WKT.
    source : str
        File that the name is for, for the message.

    Returns
    -------
    pyproj.CRS
        The CRS.

    Raises
    ------
    InputError
        Where the name is not known.

    Examples
    --------
    >>> parse_crs("EPSG:2263").axis_info[0].unit_name
    'US survey foot'
    """
    try:
        return CRS.from_user_input(name)
    except CRSError as error:
        fault = finding("ES-CRS-UNKNOWN", source, value=name)
        raise InputError([fault]) from error


def require_crs(frame: gpd.GeoDataFrame, source: str, *, declared: str | None = None) -> gpd.GeoDataFrame:
    """Give a layer its CRS: its own, or the one declared where it has none.

    Parameters
    ----------
    frame : GeoDataFrame
        Layer as read.
    source : str
        File name, for the message.
    declared : str, optional
        CRS from the project file; it may not contradict the file's own.

    Returns
    -------
    GeoDataFrame
        The layer with a geographic or projected CRS.

    Raises
    ------
    InputError
        No CRS, a contradicting one, or one that is not tied to the Earth (engineering).

    Examples
    --------
    >>> point = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)])
    >>> require_crs(point, "sites.csv", declared="EPSG:4326").crs.to_epsg()
    4326
    """
    own = frame.crs
    given = parse_crs(declared, source=source) if declared else None
    crs = own if own is not None else given
    if crs is None:
        raise InputError([finding("ES-CRS-MISSING", source, column="CRS")])
    if given is not None and not crs.equals(given, ignore_axis_order=True):
        words = {"own": crs_name(crs), "declared": crs_name(given)}
        raise InputError([finding("ES-CRS-CONTRADICTED", source, column="CRS", **words)])
    if not (crs.is_geographic or crs.is_projected):
        raise InputError([finding("ES-CRS-LOCAL", source, column="CRS")])
    return frame if own is not None else frame.set_crs(crs)


def crs_name(crs: CRS) -> str:
    """Short name of a CRS: its authority code where it has one.

    Parameters
    ----------
    crs : CRS
        Any CRS.

    Returns
    -------
    str
        For instance ``EPSG:2263``.

    Examples
    --------
    >>> crs_name(CRS.from_epsg(2263))
    'EPSG:2263'
    """
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.name)


def measure_of(layer: gpd.GeoDataFrame | gpd.GeoSeries) -> Measure:
    """Find where a layer is measured; independent of the order of its rows.

    The centre is the middle of the box around all vertices as points of the unit sphere, so that
    layers across the antimeridian or around a pole have their true middle.

    Parameters
    ----------
    layer : GeoDataFrame or GeoSeries
        Layer with a CRS and at least one vertex.

    Returns
    -------
    Measure
        Centre [°] and radius [m].

    Examples
    --------
    >>> fiji = gpd.GeoSeries([shapely.Point(179.5, -17), shapely.Point(-179.5, -17)], crs=4326)
    >>> abs(measure_of(fiji).longitude)
    180.0
    """
    if layer.crs is None:
        msg = "a layer without a CRS cannot be measured; use require_crs first"
        raise UsageError(msg)
    xy = shapely.get_coordinates(layer.geometry.array)
    if not len(xy):
        msg = "a layer without a vertex has no measuring space"
        raise UsageError(msg)
    lon, lat = _transformer(layer.crs, WGS84).transform(xy[:, 0], xy[:, 1])
    sphere = _unit_vectors(lon, lat)
    middle = (sphere.min(axis=0) + sphere.max(axis=0)) / 2
    # Rounded so that equal layers written in two CRSs share one measuring space.
    longitude = round(float(np.degrees(np.arctan2(middle[1], middle[0]))), 4)
    latitude = round(float(np.degrees(np.arctan2(middle[2], np.hypot(middle[0], middle[1])))), 4)
    return Measure(longitude, latitude, float(_distance_to(longitude, latitude, lon, lat).max()))


def _unit_vectors(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    lam, phi = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def _distance_to(
    longitude: float, latitude: float, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.float64]:
    here = np.full(len(lon), longitude), np.full(len(lon), latitude)
    return np.asarray(_GEOD.inv(*here, lon, lat)[2], dtype=np.float64)


@lru_cache(maxsize=256)
def _azimuthal(kind: str, longitude: float, latitude: float) -> CRS:
    return CRS.from_dict({"proj": kind, "lon_0": longitude, "lat_0": latitude, "datum": "WGS84", "units": "m"})


@lru_cache(maxsize=256)
def _transformer(source: CRS, target: CRS) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def to_space(layer: gpd.GeoSeries, crs: CRS) -> gpd.GeoSeries:
    """Bring a layer into a measuring space; its straight lines stay straight in its own CRS.

    Lines longer than a kilometre get vertices first: a long border that is straight in degrees is an
    arc in metres, and its two sides must stay one line. What crosses the antimeridian, split there or not, comes in
    one piece.

    Parameters
    ----------
    layer : GeoSeries
        Geometry with a CRS.
    crs : CRS
        Measuring space.

    Returns
    -------
    GeoSeries
        The geometry there.

    Examples
    --------
    >>> line = gpd.GeoSeries([shapely.LineString([(0, 0), (2000, 0)])], crs=25832)
    >>> len(to_space(line, Measure(9.0, 0.0, 1.0).areas)[0].coords)
    3
    """
    shapes, seam = layer.array.to_numpy(), seam_of(layer.crs)
    shapes = shapes if seam is None else continuous(shapes, seam)
    longest = max(_longest_line(layer.crs), _longer_side(shapes) / MOST_PIECES)
    fine = shapely.segmentize(shapes, longest)
    return recast(gpd.GeoSeries(fine, index=layer.index, crs=layer.crs), crs)


def _longest_line(crs: CRS) -> float:
    """Give a kilometre in the unit of a CRS."""
    unit = crs.axis_info[0].unit_conversion_factor
    return float(LONGEST_LINE_M / unit / (EARTH_RADIUS_M if crs.is_geographic else 1.0))


def _longer_side(shapes: NDArray[np.object_]) -> float:
    """Longer side of the box around all shapes; 0 around none."""
    bounds = shapely.bounds(shapes)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    return float((bounds[:, 2:].max(axis=0) - bounds[:, :2].min(axis=0)).max()) if len(bounds) else 0.0


def recast(layer: gpd.GeoSeries, crs: CRS) -> gpd.GeoSeries:
    """Bring a layer into a CRS to keep or draw it there; what crosses the seam of the CRS is cut at it.

    Parameters
    ----------
    layer : GeoSeries
        Geometry with a CRS.
    crs : CRS
        CRS to bring it into.

    Returns
    -------
    GeoSeries
        The geometry there; across 180° in two parts, not around the globe.

    Examples
    --------
    >>> square = gpd.GeoSeries([shapely.box(-1000, -1000, 1000, 1000)], crs=Measure(180.0, -17.0, 1.0).areas)
    >>> recast(square, WGS84)[0].geom_type, square.to_crs(WGS84)[0].geom_type
    ('MultiPolygon', 'Polygon')
    """
    there, seam = gpd.GeoSeries(layer.to_crs(crs)), seam_of(crs)
    if seam is None:
        return there
    return gpd.GeoSeries(split(there.array.to_numpy(), seam), index=there.index, crs=crs)


def lies_across(layer: gpd.GeoSeries) -> bool:
    """Tell whether a layer lies on both sides of the antimeridian, and not around the globe.

    Parameters
    ----------
    layer : GeoSeries
        Geometry with a CRS.

    Returns
    -------
    bool
        True where it is less than half the globe wide when longitudes run on over 180°, and more when they do not.

    Examples
    --------
    >>> fiji = gpd.GeoSeries.from_xy([179.5, -179.5], [-17.0, -17.0], crs=4326)
    >>> lies_across(fiji), lies_across(fiji.iloc[:1])
    (True, False)
    """
    xy = shapely.get_coordinates(layer.array)
    lon = np.asarray(_transformer(layer.crs, WGS84).transform(xy[:, 0], xy[:, 1])[0])
    return bool(len(lon)) and bool(np.ptp(lon) > FARTHEST_EAST > np.ptp(lon % (2 * FARTHEST_EAST)))


def run_on(layer: gpd.GeoSeries) -> gpd.GeoSeries:
    """Bring a layer into degrees whose longitudes run on over 180°, to draw what lies across in one piece.

    Parameters
    ----------
    layer : GeoSeries
        Geometry with a CRS; rows may be without.

    Returns
    -------
    GeoSeries
        The geometry with longitudes from 0° to 360° and beyond.

    Examples
    --------
    >>> run_on(gpd.GeoSeries.from_xy([179.5, -179.5], [-17.0, -17.0], crs=4326)).x.tolist()
    [179.5, 180.5]
    """
    degrees, world = recast(layer, WGS84), 2 * FARTHEST_EAST
    shapes = continuous(degrees.array.to_numpy(), Seam(-FARTHEST_EAST, FARTHEST_EAST))
    bounds = shapely.bounds(shapes)
    west = bounds[:, 0] + bounds[:, 2] < 0.0
    shapes[west] = shapely.transform(shapes[west], lambda xy: xy + np.array([world, 0.0]))
    return gpd.GeoSeries(shapes, index=degrees.index, crs=WGS84)


def middles(layer: gpd.GeoSeries) -> NDArray[np.float64]:
    """Middle of each geometry's box, in its own CRS, also where the geometry crosses the seam of that.

    Parameters
    ----------
    layer : GeoSeries
        Geometry with a CRS.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Middles; NaN where there is no geometry.

    Examples
    --------
    >>> halves = shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -178, 1)])
    >>> middles(gpd.GeoSeries([halves, None], crs=4326)).tolist()
    [[-179.5, 0.5], [nan, nan]]
    """
    shapes, seam = layer.array.to_numpy(), seam_of(layer.crs)
    bounds = shapely.bounds(shapes if seam is None else continuous(shapes, seam))
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    if seam is not None:
        # Only what was put together lies beyond: coordinates that cannot be stay as they are, to be found.
        together = np.isfinite(bounds[:, 2]) & (bounds[:, 2] != shapely.bounds(shapes)[:, 2])
        middle[together & (middle[:, 0] > seam.east), 0] -= seam.width
    return np.asarray(middle, dtype=np.float64)


def fits(xy: NDArray[np.float64], crs: CRS, *, study: Measure) -> NDArray[np.bool_]:
    """Tell which positions, read in a CRS, lie in or near the study area.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Coordinates as written.
    crs : CRS
        CRS to read them in.
    study : Measure
        Measuring space of the neighbourhoods; near means within three times its radius.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where the position is on the Earth and near the study area.

    Examples
    --------
    >>> study = Measure(-73.95, 40.7, 30_000)
    >>> fits(np.array([[-73.9, 40.7], [989406.7, 201692.2]]), WGS84, study=study).tolist()
    [True, False]
    """
    lon, lat = _transformer(crs, WGS84).transform(xy[:, 0], xy[:, 1])
    on_earth = _on_earth(lon, lat)
    near = np.zeros(len(xy), dtype=bool)
    if on_earth.any():
        distance = _distance_to(study.longitude, study.latitude, lon[on_earth], lat[on_earth])
        near[on_earth] = distance <= 3 * study.radius_m
    return near


def likely_crs(
    xy: NDArray[np.float64], declared: CRS, *, candidates: Sequence[CRS], study: Measure
) -> list[CRS | None]:
    """Name, for each position that cannot be meant in the declared CRS, the candidate it fits.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Coordinates as written.
    declared : CRS
        CRS of the file.
    candidates : sequence of CRS
        CRSs to try, first come first served.
    study : Measure
        Measuring space of the neighbourhoods.

    Returns
    -------
    list of CRS or None
        None where the declared CRS fits, or where no candidate does.

    Examples
    --------
    >>> study = Measure(-73.95, 40.7, 30_000)
    >>> written = np.array([[-73.9, 40.7], [989406.7, 201692.2]])
    >>> found = likely_crs(written, WGS84, candidates=[CRS.from_epsg(2263)], study=study)
    >>> [crs and crs_name(crs) for crs in found]
    [None, 'EPSG:2263']
    """
    open_rows = ~fits(xy, declared, study=study)
    found: list[CRS | None] = [None] * len(xy)
    for candidate in candidates:
        for i in np.flatnonzero(open_rows & fits(xy, candidate, study=study)):
            found[i] = candidate
            open_rows[i] = False
    return found


def impossible(xy: NDArray[np.float64], crs: CRS) -> NDArray[np.bool_]:
    """Tell which positions cannot exist in a CRS: not finite, out of range, or beyond its projection.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Coordinates as written.
    crs : CRS
        CRS to read them in.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where there is no such place.

    Examples
    --------
    >>> impossible(np.array([[12.5, 55.7], [720000.0, 6170000.0], [np.nan, 0.0]]), WGS84).tolist()
    [False, True, True]
    """
    there = _transformer(crs, WGS84)
    lon, lat = there.transform(xy[:, 0], xy[:, 1])
    possible = _on_earth(lon, lat)
    if crs.is_projected:
        # A conic projection takes any number to some place; only those that come back are of it.
        back = np.column_stack(there.transform(lon, lat, direction="INVERSE"))
        with np.errstate(invalid="ignore"):
            possible &= np.abs(back - xy).max(axis=1) <= LONGEST_LINE_M
    return ~possible


def _on_earth(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        inside = (np.abs(lon) <= FARTHEST_EAST + HAIR) & (np.abs(lat) <= FARTHEST_NORTH + HAIR)
    return np.asarray(np.isfinite(lon) & np.isfinite(lat) & inside, dtype=bool)


def clusters(places: gpd.GeoSeries, study: Measure) -> list[tuple[CRS, NDArray[np.intp]]]:
    """Group places so that each group has an azimuthal equidistant CRS of its own.

    Groups lie in cells of 100 km, so they are at most 141 km across and a distance of some
    kilometres is within 0.01 % of the ellipsoidal one anywhere in the group.

    Parameters
    ----------
    places : GeoSeries
        Places in any CRS; rows without a geometry belong to no group.
    study : Measure
        Measuring space of the neighbourhoods.

    Returns
    -------
    list of (CRS, ndarray of int)
        Equidistant CRS in metres and the positions of its rows, in a fixed order.

    Examples
    --------
    >>> places = gpd.GeoSeries([shapely.Point(12.5, 55.7), shapely.Point(12.6, 55.7)], crs=4326)
    >>> [(crs.is_projected, rows.tolist()) for crs, rows in clusters(places, measure_of(places))]
    [(True, [0, 1])]
    """
    rows = np.flatnonzero(~(places.is_empty | places.isna()).to_numpy())
    if not len(rows):
        return []
    middles = shapely.centroid(shapely.envelope(places.iloc[rows].to_crs(study.areas).array))
    cells = np.floor(shapely.get_coordinates(middles) / CLUSTER_SIDE_M + 0.5).astype(np.int64)
    return [_cluster(study, cell, rows[(cells == cell).all(axis=1)]) for cell in np.unique(cells, axis=0)]


def _cluster(study: Measure, cell: NDArray[np.int64], rows: NDArray[np.intp]) -> tuple[CRS, NDArray[np.intp]]:
    easting, northing = cell * CLUSTER_SIDE_M
    lon, lat = _transformer(study.areas, WGS84).transform(easting, northing)
    return _azimuthal("aeqd", round(float(lon), 4), round(float(lat), 4)), rows

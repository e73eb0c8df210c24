"""The seam of a CRS, such as 180°: shapes that cross it are cut there to be kept, and put together to be measured."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely import GeometryType

Shapes = NDArray[np.object_]
Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Positions = NDArray[np.intp]

CYLINDRICAL = (
    "Equidistant Cylindrical",
    "Mercator (variant A)",
    "Mercator (variant B)",
    "Popular Visualisation Pseudo Mercator",
)
LINES = (GeometryType.LINESTRING, GeometryType.MULTILINESTRING)
AREAS = (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)
HAIR = 1e-12  # of the world's width: nearer than this to the seam is on it
LEEWAY = 1e-9  # of the world's width: how far beyond its ends a projection may put what lies on them
FAR = 1e12  # beyond the northing of any place, however a projection stretches it


class Seam(NamedTuple):
    """Western and eastern end of the world in a CRS, in its coordinates: one line on the ground.

    Examples
    --------
    >>> Seam(-180.0, 180.0).width
    360.0
    """

    west: float
    east: float

    @property
    def width(self) -> float:
        """Width of the world."""
        return self.east - self.west


@lru_cache(maxsize=256)
def seam_of(crs: CRS) -> Seam | None:
    """Find the seam of a CRS whose world is a strip: degrees, Mercator and equidistant cylindrical projections.

    Parameters
    ----------
    crs : CRS
        Any CRS.

    Returns
    -------
    Seam or None
        None where no line is drawn twice, at least not near anything that the CRS is meant for.

    Examples
    --------
    >>> seam_of(CRS.from_epsg(4326)), seam_of(CRS.from_epsg(32660))
    (Seam(west=-180.0, east=180.0), None)
    """
    if crs.is_geographic:
        half = float(np.pi / crs.axis_info[0].unit_conversion_factor)
        return Seam(-half, half)
    operation = crs.coordinate_operation
    if operation is None or operation.method_name not in CYLINDRICAL or crs.geodetic_crs is None:
        return None
    middle = next((float(p.value) for p in operation.params if p.name.startswith("Longitude of")), 0.0)
    there = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    (at_middle, quarter), _ = there.transform([middle, middle + 90.0], [0.0, 0.0])
    return Seam(3 * at_middle - 2 * quarter, 2 * quarter - at_middle)


def crosses(shapes: Shapes, seam: Seam) -> Truths:
    """Tell which lines and polygons cross a seam unsplit: from one vertex to the next over half the world or more.

    Parameters
    ----------
    shapes : ndarray of Geometry
        Shapes in the seam's CRS.
    seam : Seam
        Its seam.

    Returns
    -------
    ndarray of bool
        True where all such steps are meant the other way round: the shape is then less than half the world wide.

    Examples
    --------
    >>> both = np.array([shapely.box(-179, 0, 179, 1), shapely.box(178, 0, 179, 1)])
    >>> crosses(both, Seam(-180.0, 180.0)).tolist()
    [True, False]
    """
    found = np.zeros(len(shapes), dtype=bool)
    wide = np.flatnonzero(wraps(shapes, seam))
    if len(wide):
        runs = _runs(shapes[wide])
        west, east = _extent(_unwrapped(runs, seam), runs)
        # A ring around a pole ends a world's width from where it began.
        fits = east - west < seam.width / 2
        found[wide] = np.bincount(runs.shape, weights=~fits, minlength=len(wide)) == 0
    return found


def wraps(shapes: Shapes, seam: Seam) -> Truths:
    """Tell which lines and polygons have a part over half the world wide: it crosses the seam, or spans the globe.

    Parameters
    ----------
    shapes : ndarray of Geometry
        Shapes in the seam's CRS.
    seam : Seam
        Its seam.

    Returns
    -------
    ndarray of bool
        True where a part is so wide.

    Examples
    --------
    >>> halves = shapely.union(shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1))
    >>> wraps(np.array([halves, shapely.box(-179, 0, 179, 1)]), Seam(-180.0, 180.0)).tolist()
    [False, True]
    """
    found = np.zeros(len(shapes), dtype=bool)
    wide = np.flatnonzero(_on_both_sides(shapes, seam))
    parts, owner = shapely.get_parts(shapes[wide], return_index=True)
    bounds = shapely.bounds(parts)
    found[wide[owner[bounds[:, 2] - bounds[:, 0] > seam.width / 2]]] = True
    return found


def _on_both_sides(shapes: Shapes, seam: Seam) -> Truths:
    bounds = shapely.bounds(shapes)
    # Coordinates out of this world are a fault of their own: they are left to be found.
    hair = LEEWAY * seam.width
    with np.errstate(invalid="ignore"):
        wide = bounds[:, 2] - bounds[:, 0] > seam.width / 2
        wide &= (bounds[:, 0] >= seam.west - hair) & (bounds[:, 2] <= seam.east + hair)
    return np.asarray(wide & np.isin(shapely.get_type_id(shapes), (*LINES, *AREAS)))


def continuous(shapes: Shapes, seam: Seam) -> Shapes:
    """Put shapes together over a seam, whether or not they are split there; they then reach beyond its east.

    Parameters
    ----------
    shapes : ndarray of Geometry
        Shapes in the seam's CRS.
    seam : Seam
        Its seam.

    Returns
    -------
    ndarray of Geometry
        The same shapes; those on both sides in one piece where they meet. What spans the globe stays as it is.

    Examples
    --------
    >>> halves = shapely.union(shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1))
    >>> both = np.array([halves, shapely.box(-179, 0, 179, 1)])
    >>> [shape.bounds for shape in continuous(both, Seam(-180.0, 180.0))]
    [(179.0, 0.0, 181.0, 1.0), (179.0, 0.0, 181.0, 1.0)]
    """
    whole = shapes.copy()
    rows = np.flatnonzero(_on_both_sides(shapes, seam) & (~wraps(shapes, seam) | crosses(shapes, seam)))
    if len(rows):
        whole[rows] = _together(_shifted(shapes[rows], seam), shapes[rows], seam)
    return whole


def split(shapes: Shapes, seam: Seam) -> Shapes:
    """Cut those shapes at a seam that cross it unsplit.

    Parameters
    ----------
    shapes : ndarray of Geometry
        Shapes in the seam's CRS.
    seam : Seam
        Its seam.

    Returns
    -------
    ndarray of Geometry
        The same shapes within the world's width.

    Examples
    --------
    >>> split(np.array([shapely.box(-179, 0, 178, 1)]), Seam(-180.0, 180.0))[0].bounds
    (-180.0, 0.0, 180.0, 1.0)
    >>> split(np.array([shapely.box(-179, 0, 178, 1)]), Seam(-180.0, 180.0))[0].area
    3.0
    """
    kept = shapes.copy()
    rows = np.flatnonzero(crosses(shapes, seam))
    if len(rows):
        kept[rows] = _cut(continuous(shapes[rows], seam), seam)
    return kept


def framed(shapes: Shapes, seam: Seam, *, middle: float) -> Shapes:
    """Bring shapes into a world that is laid out around another middle, such as that of a raster from 0° to 360°.

    Parameters
    ----------
    shapes : ndarray of Geometry
        Points, lines and polygons in the seam's CRS, split or not.
    seam : Seam
        Its seam.
    middle : float
        Middle of the other world, in the same coordinates.

    Returns
    -------
    ndarray of Geometry
        The same shapes within half a world's width of the middle, cut where that world ends.

    Examples
    --------
    >>> shapes = np.array([shapely.box(-76, 40, -74, 41), shapely.box(-1, 51, 2, 52)])
    >>> [shape.bounds for shape in framed(shapes, Seam(-180.0, 180.0), middle=180.0)]
    [(284.0, 40.0, 286.0, 41.0), (0.0, 51.0, 360.0, 52.0)]
    """
    world = Seam(middle - seam.width / 2, middle + seam.width / 2)
    placed = continuous(shapes, seam)
    bounds = shapely.bounds(placed)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((bounds[:, 0] < world.west) | (bounds[:, 2] > world.east))
        points = rows[shapely.get_dimensions(placed[rows]) == 0]
    others = np.setdiff1d(rows, points)
    placed[points] = shapely.transform(placed[points], lambda xy: xy - _rounds(xy, world))
    placed[others] = _cut(placed[others], world)
    return placed


def _rounds(xy: Floats, world: Seam) -> Floats:
    return np.column_stack([np.floor((xy[:, 0] - world.west) / world.width) * world.width, np.zeros(len(xy))])


class _Runs(NamedTuple):
    """Rings and lines of shapes, run by run: vertices, where each run begins, and whose it is."""

    lines: Shapes
    xy: Floats
    run: Positions
    part: Positions
    shape: Positions


def _runs(shapes: Shapes) -> _Runs:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    areal = np.isin(shapely.get_type_id(parts), AREAS)
    rings, of = shapely.get_rings(parts[areal], return_index=True)
    lines = np.concatenate([rings, parts[~areal]])
    part = np.concatenate([np.flatnonzero(areal)[of], np.flatnonzero(~areal)])
    xy, run = shapely.get_coordinates(lines, return_index=True)
    return _Runs(lines, xy, run, part, owner[part])


def _unwrapped(runs: _Runs, seam: Seam) -> Floats:
    """Take every step the short way round."""
    x, first = runs.xy[:, 0], np.searchsorted(runs.run, np.arange(len(runs.lines)))
    turns = np.concatenate([[0.0], -np.round(np.diff(x) / seam.width)])
    turns[first] = 0.0
    total = np.cumsum(turns)
    total -= total[first][runs.run]
    return np.asarray(x + total * seam.width)


def _extent(x: Floats, runs: _Runs) -> tuple[Floats, Floats]:
    first = np.searchsorted(runs.run, np.arange(len(runs.lines)))
    return np.minimum.reduceat(x, first), np.maximum.reduceat(x, first)


def _shifted(shapes: Shapes, seam: Seam) -> tuple[Shapes, Positions]:
    """Parts of shapes, each in one piece and all around the seam's east; and whose they are."""
    runs = _runs(shapes)
    x = _unwrapped(runs, seam)
    west, east = _extent(x, runs)
    middle, lead = (west + east) / 2, _shells(runs)
    # A part belongs where its middle is east of the world's, at most half a world beyond its east; its holes with it.
    rounds = np.floor((middle[lead] - (seam.west + seam.east) / 2) / seam.width)
    rounds += np.round((middle - middle[lead]) / seam.width)
    moved = np.column_stack([x - rounds[runs.run] * seam.width, runs.xy[:, 1]])
    return _parts(shapely.set_coordinates(runs.lines.copy(), moved), runs)


def _shells(runs: _Runs) -> Positions:
    """Position of the first ring of each run's part: its shell."""
    _, first, inverse = np.unique(runs.part, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.intp)


def _parts(lines: Shapes, runs: _Runs) -> tuple[Shapes, Positions]:
    ring = shapely.get_type_id(lines) == GeometryType.LINEARRING
    parts, inverse = np.unique(runs.part[ring], return_inverse=True)
    areas = shapely.polygons(lines[ring], indices=inverse) if len(parts) else np.empty(0, dtype=object)
    first = np.searchsorted(runs.part[ring], parts)
    return np.concatenate([areas, lines[~ring]]), np.concatenate([runs.shape[ring][first], runs.shape[~ring]])


def _together(parts: tuple[Shapes, Positions], shapes: Shapes, seam: Seam) -> Shapes:
    """Unite those pieces of an area that meet at the seam; gather the others."""
    pieces, owner = parts
    areal = np.isin(shapely.get_type_id(shapes), AREAS)
    bounds, hair = shapely.bounds(pieces), HAIR * seam.width
    meets = (bounds[:, 0] <= seam.east + hair) & (bounds[:, 2] >= seam.east - hair) & areal[owner]
    united = np.empty(len(shapes), dtype=object)
    for i in range(len(shapes)):
        met, lone = pieces[(owner == i) & meets], pieces[(owner == i) & ~meets]
        one = shapely.get_parts(shapely.union_all(shapely.make_valid(met)))
        united[i] = _many(np.concatenate([one, lone]))
    return united


def _many(parts: Shapes) -> shapely.Geometry:
    """Gather lines, or polygons, into one shape."""
    if len(parts) == 1:
        one: shapely.Geometry = parts[0]
        return one
    return (
        shapely.multilinestrings(parts) if (shapely.get_dimensions(parts) == 1).all() else shapely.multipolygons(parts)
    )


def _cut(shapes: Shapes, world: Seam) -> Shapes:
    """Keep what lies in the world, and bring back by its width what lies beyond either end."""
    rounds = np.array([-1.0, 0.0, 1.0])
    boxes = shapely.box(world.west + rounds * world.width, -FAR, world.east + rounds * world.width, FAR)
    pieces = shapely.intersection(shapes[:, None], boxes)
    for i, turn in enumerate(rounds):
        pieces[:, i] = shapely.transform(pieces[:, i], lambda xy, turn=turn: xy - np.array([turn * world.width, 0.0]))
    parts, owner = shapely.get_parts(pieces.ravel(), return_index=True)
    # What only touches an end leaves a point or a line there.
    kept = (shapely.get_dimensions(parts) == shapely.get_dimensions(shapes)[owner // len(rounds)]) & ~shapely.is_empty(
        parts
    )
    parts, owner = parts[kept], owner[kept] // len(rounds)
    cut = np.empty(len(shapes), dtype=object)
    for i in range(len(shapes)):
        cut[i] = _many(parts[owner == i])
    return cut

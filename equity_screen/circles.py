"""Exact areas of discs over zones, by Green's theorem along the zones' borders."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from equity_screen.areas import SLIVER
from equity_screen.borders import blocks, borders_of, spread
from equity_screen.errors import UsageError
from equity_screen.relation import Relation, relation_of

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Shapes = NDArray[np.object_]

TURN = 2.0 * np.pi
TINY = np.finfo(np.float64).tiny


class DiscAreas(NamedTuple):
    """Areas of zones inside discs of one or more radii; pairs in the order of discs, then zones.

    Parameters
    ----------
    zone, disc : ndarray of int, shape (p,)
        Positions of the pairs that may meet; any other pair has no area in common.
    area_m2 : ndarray of float64, shape (p, k)
        Area of the zone inside the disc of each radius [m²].

    Examples
    --------
    >>> DiscAreas(np.array([0]), np.array([0]), np.array([[1.0, 4.0]])).area_m2.shape
    (1, 2)
    """

    zone: Positions
    disc: Positions
    area_m2: Floats


class _Seen(NamedTuple):
    """Edges as seen from the centre of a disc: a row for each vertex of each pair, idle where a ring ends."""

    pair: Positions
    begins: Positions
    start: Floats
    step: Floats
    turn: Floats
    cross: Floats
    angle: Floats
    nearest2: Floats
    farthest2: Floats


def disc_shares(zones: gpd.GeoSeries, centres: gpd.GeoSeries, *, radii_m: Floats) -> tuple[Relation, ...]:
    """Share of each zone's area that lies within a distance of each centre, exactly.

    A zone in the disc whole has exactly 1, one touched only (a share below 1e-10) exactly 0.

    Parameters
    ----------
    zones : GeoSeries
        Polygons in an equal-area CRS, valid.
    centres : GeoSeries
        Points in the same CRS; empty or missing ones reach nothing.
    radii_m : ndarray of float64, shape (n,) or (n, k)
        Radius around each centre [m], or k radii; one that is not above 0 reaches nothing.

    Returns
    -------
    tuple of Relation
        Zones × centres, shares [0–1]: a relation for each of the k radii, one where ``radii_m`` is flat.

    Raises
    ------
    UsageError
        Where the two CRSs differ, or the radii are not one row for each centre.

    See Also
    --------
    disc_areas : the same as areas of pairs.

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, 0, 4, 4), shapely.box(0, -1, 1, 0)], index=["A", "B"], crs=3035)
    >>> place = gpd.GeoSeries([shapely.Point(0, 0)], index=["x"], crs=3035)
    >>> near, far = disc_shares(zones, place, radii_m=np.array([[1.0, 2.0]]))  # a quarter of a disc is in each
    >>> [(4 / np.pi * within.matrix.toarray().ravel()).round(9).tolist() for within in (near, far)]
    [[0.0625, 1.0], [0.25, 1.273239545]]
    >>> far.matrix.toarray()[1].tolist()
    [1.0]
    """
    found = disc_areas(zones, centres, radii_m=radii_m)
    shares = found.area_m2 / shapely.area(zones.array.to_numpy()[found.zone])[:, None]
    shares[shares < SLIVER] = 0.0
    labels = (zones.index, centres.index)
    return tuple(relation_of((found.zone, found.disc), share, labels=labels) for share in shares.T)


def disc_areas(zones: gpd.GeoSeries, centres: gpd.GeoSeries, *, radii_m: Floats) -> DiscAreas:
    """Area of each zone within each of several distances of each centre, exactly.

    Several radii cost little more than one: what the border of a zone looks like from a centre is found once.
    Rings are differences of columns, a kernel of decay a sum of such rings.

    Parameters
    ----------
    zones : GeoSeries
        Polygons in an equal-area CRS, valid.
    centres : GeoSeries
        Points in the same CRS; empty or missing ones reach nothing.
    radii_m : ndarray of float64, shape (n,) or (n, k)
        Radius around each centre [m], or k radii; one that is not above 0 reaches nothing.

    Returns
    -------
    DiscAreas
        Pairs of a zone and a disc, and their areas by radius; a zone in a disc whole has its own area.

    Raises
    ------
    UsageError
        Where the two CRSs differ, or the radii are not one row for each centre.

    Notes
    -----
    The area is the sum over the border's edges of the signed area that the triangle of the edge and the centre
    shares with the disc: half the cross product where the edge lies inside the disc, half the squared radius times
    the angle where it lies outside. Angles of edges outside add up along the border, so only those where it
    leaves or meets the disc are computed. Errors are of the order of 1e-15 of the disc's area; edges a million
    times as long as the radius lose digits in proportion.

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, -9, 9, 9)], crs=3035)
    >>> place = gpd.GeoSeries([shapely.Point(0, 0)], crs=3035)
    >>> (disc_areas(zones, place, radii_m=np.array([[1.0, 2.0]])).area_m2 / np.pi).round(6).tolist()
    [[0.5, 2.0]]
    """
    radii, middle, shapes = (
        _checked(zones, centres, radii_m),
        np.full((len(centres), 2), np.nan),
        zones.array.to_numpy(),
    )
    middle[~(centres.isna() | centres.is_empty)] = shapely.get_coordinates(centres.array.to_numpy())
    zone, disc, farthest2 = _candidates(zones, middle, radii.max(axis=1, initial=0.0))
    own, radius2 = shapely.area(shapes[zone]), radii[disc] ** 2
    areas = np.where(farthest2[:, None] <= radius2, own[:, None], 0.0)
    cut = np.flatnonzero((farthest2[:, None] > radius2).any(axis=1))
    for block in blocks(shapely.get_num_coordinates(shapes[zone[cut]])):
        pairs = cut[block]
        seen = _seen(shapes, zone[pairs], middle[disc[pairs]])
        areas[pairs] = np.column_stack([_area_inside(seen, r2, own[pairs]) for r2 in radius2[pairs].T])
    return DiscAreas(zone, disc, areas)


def _checked(zones: gpd.GeoSeries, centres: gpd.GeoSeries, radii_m: Floats) -> Floats:
    """Give the radii as a table, a row for each centre."""
    if zones.crs != centres.crs:
        msg = f"zones are in {zones.crs}, centres in {centres.crs}: bring both into one equal-area CRS"
        raise UsageError(msg)
    kinds = shapely.get_type_id(centres.array.to_numpy())
    if not np.isin(kinds, (shapely.GeometryType.POINT, shapely.GeometryType.MISSING)).all():
        msg = "a centre is no point: discs are drawn around points"
        raise UsageError(msg)
    radii = np.asarray(radii_m, dtype=np.float64)
    if radii.ndim not in {1, 2} or len(radii) != len(centres) or not (radii >= 0).all() or np.isinf(radii).any():
        msg = f"radii of shape {radii.shape} for {len(centres)} centres: give each a row of distances of 0 m or more"
        raise UsageError(msg)
    return radii if radii.ndim > 1 else radii[:, None]


def _candidates(zones: gpd.GeoSeries, middle: Floats, radius: Floats) -> tuple[Positions, Positions, Floats]:
    """Pairs of a zone whose box a disc reaches, and the disc; squared distance of the box's farthest corner."""
    placed = np.flatnonzero(np.isfinite(middle).all(axis=1) & (radius > 0))
    (x, y), r = middle[placed].T, radius[placed]
    which, zone = zones.sindex.query(shapely.box(x - r, y - r, x + r, y + r))
    order = np.lexsort((zone, which))
    zone, disc = zone[order], placed[which[order]]
    bounds, centre = shapely.bounds(zones.array.to_numpy()[zone]), middle[disc]
    low, high = bounds[:, :2] - centre, centre - bounds[:, 2:]
    near2 = (np.maximum(np.maximum(low, high), 0.0) ** 2).sum(axis=1)
    far2 = (np.minimum(low, high) ** 2).sum(axis=1)
    near = near2 < radius[disc] ** 2
    return zone[near], disc[near], far2[near]


def _seen(shapes: Shapes, zone: Positions, middle: Floats) -> _Seen:
    """See the edges of each pair's zone from its centre."""
    used, place = np.unique(zone, return_inverse=True)
    borders = borders_of(shapes[used])
    counts = np.diff(borders.offsets)[place]
    pair, vertex = spread(borders.offsets[place], counts)
    x, y = borders.x[vertex] - np.repeat(middle[:, 0], counts), borders.y[vertex] - np.repeat(middle[:, 1], counts)
    turn = borders.turn[vertex].astype(np.float64)
    start, step = np.array([x, y]), np.array([np.diff(x, append=x[-1:]), np.diff(y, append=y[-1:])])
    cross, along = x * step[1] - y * step[0], -(x * step[0] + y * step[1])
    away, length2 = x * x + y * y, step[0] ** 2 + step[1] ** 2
    angle = np.arctan2(cross, away - along)
    nearest = np.clip(along / np.maximum(length2, TINY), 0.0, 1.0)
    nearest2 = (x + nearest * step[0]) ** 2 + (y + nearest * step[1]) ** 2
    farthest2 = np.maximum(away, np.append(away[1:], 0.0))
    idle = np.flatnonzero(turn == 0.0)  # where a ring ends: on either side of any circle, and nothing there
    nearest2[idle], farthest2[idle] = np.inf, 0.0
    begins = np.cumsum(counts) - counts
    return _Seen(pair, begins, start, step, turn, cross * turn, angle * turn, nearest2, farthest2)


def _area_inside(seen: _Seen, radius2: Floats, own: Floats) -> Floats:
    """Area of each pair for one squared radius each."""
    limit = radius2[seen.pair]
    inside, outside = seen.farthest2 <= limit, seen.nearest2 >= limit
    total = np.add.reduceat(np.where(inside, seen.cross, 0.0), seen.begins)
    turned = np.add.reduceat(np.where(outside, seen.angle, 0.0), seen.begins)
    clear = np.logical_and.reduceat(outside, seen.begins)
    turned[clear] = TURN * np.rint(turned[clear] / TURN)
    crossing = np.flatnonzero(~(inside | outside))
    chords = _twice_at_chords(seen.start[:, crossing], seen.step[:, crossing], limit[crossing]) * seen.turn[crossing]
    total += turned * radius2 + np.bincount(seen.pair[crossing], weights=chords, minlength=len(total))
    return np.where(np.logical_and.reduceat(inside, seen.begins), own, np.clip(total / 2.0, 0.0, own))


def _twice_at_chords(start: Floats, step: Floats, radius2: Floats) -> Floats:
    """Twice the signed area between the centre and edges that enter or leave the disc.

    Along each edge, positions count from the foot of the perpendicular: from one to the other end of what lies
    inside it is a triangle, beyond them it is two sectors.
    """
    length, end = np.hypot(*step), start + step
    (dx, dy), back = step / length, (end**2).sum(axis=0) < (start**2).sum(axis=0)
    x, y = np.where(back, end, start)  # the nearer end loses the fewest digits
    offset = x * dy - y * dx
    here, there = start[0] * dx + start[1] * dy, end[0] * dx + end[1] * dy
    half = np.sqrt(np.maximum(radius2 - offset**2, 0.0))
    enter, leave = np.clip((here, there), -half, half)
    height = np.abs(offset)
    swept = [np.arctan2(along, height) for along in (enter, here, there, leave)]
    sectors = np.copysign(swept[0] - swept[1] + swept[2] - swept[3], offset)
    areas: Floats = offset * (leave - enter) + radius2 * sectors
    return areas

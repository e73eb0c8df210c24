"""Borders of polygons as arrays of edges, and the areas that pairs of polygons have in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Shapes = NDArray[np.object_]

# Pairs are measured in blocks of about so many edges, which stay in the cache of a core.
EDGES_AT_ONCE = 1 << 15
# Places along the common width of a pair are ordered as whole numbers: pairs never mix, whatever else is measured.
PLACES = 1 << 40
# A narrower edge stands upright: it has no slope, and nothing below it [m].
UPRIGHT_M = 1e-200


class Borders(NamedTuple):
    """Vertices of polygons, ring by ring; each ring ends where it began.

    Parameters
    ----------
    x, y : ndarray of float64
        Coordinates.
    turn : ndarray of int8
        Of the edge from each vertex to the next one: 1 where the polygon lies to its left, -1 where to its right,
        0 where a ring ends and there is no edge.
    offsets : ndarray of int, shape (n + 1,)
        The vertices of polygon ``i`` are those from ``offsets[i]`` to before ``offsets[i + 1]``.

    Examples
    --------
    >>> Borders(np.zeros(4), np.zeros(4), np.array([1, 1, 1, 0]), np.array([0, 4])).offsets.tolist()
    [0, 4]
    """

    x: Floats
    y: Floats
    turn: NDArray[np.int8]
    offsets: Positions


class _Edges(NamedTuple):
    """Edges that matter to their pairs, ordered by pair, then place: from left to right, by slope and sign."""

    pair: Positions
    left: Floats
    right: Floats
    y: Floats
    slope: Floats
    sign: NDArray[np.int8]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]


def borders_of(shapes: Shapes) -> Borders:
    """Take polygons apart into their edges.

    Parameters
    ----------
    shapes : ndarray of object
        Valid polygons and multipolygons; anything else has no border.

    Returns
    -------
    Borders
        Their edges.

    Examples
    --------
    >>> square = borders_of(np.array([shapely.box(0, 0, 2, 1)]))
    >>> square.x.tolist(), square.turn.tolist()
    ([2.0, 2.0, 0.0, 0.0, 2.0], [1, 1, 1, 1, 0])
    """
    rings, owner, is_shell = _rings(shapes)
    size = shapely.get_num_coordinates(rings)
    turn = np.repeat(np.where(shapely.is_ccw(rings) == is_shell, 1, -1).astype(np.int8), size)
    turn[np.cumsum(size) - 1] = 0
    vertices = np.bincount(owner, weights=size, minlength=len(shapes)).astype(np.intp)
    x, y = np.ascontiguousarray(shapely.get_coordinates(rings).T)
    return Borders(x, y, turn, np.append(0, np.cumsum(vertices)))


def _rings(shapes: Shapes) -> tuple[Shapes, Positions, NDArray[np.bool_]]:
    """Rings of polygons, the polygon of each, and whether it is a shell."""
    parts, owner = shapes, np.arange(len(shapes))
    if not (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all():
        parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, owner[part], np.diff(part, prepend=-1) > 0


def spread(begins: Positions, counts: Positions) -> tuple[Positions, Positions]:
    """List the members of ranges, range by range.

    Parameters
    ----------
    begins, counts : ndarray of int
        First member and number of members of each range.

    Returns
    -------
    tuple of ndarray of int
        Position of the range, and the member.

    Examples
    --------
    >>> owner, member = spread(np.array([5, 9, 2]), np.array([2, 0, 1]))
    >>> owner.tolist(), member.tolist()
    ([0, 0, 2], [5, 6, 2])
    """
    before = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + np.repeat(begins - before, counts)


def blocks(sizes: Positions) -> list[Positions]:
    """Split positions into runs that together hold about ``EDGES_AT_ONCE`` edges.

    Parameters
    ----------
    sizes : ndarray of int
        Number of edges of each.

    Returns
    -------
    list of ndarray of int
        Positions, in order; a single one may hold more.

    Examples
    --------
    >>> [block.tolist() for block in blocks(np.array([20_000, 10_000, 50_000, 1]))]
    [[0, 1], [2, 3]]
    """
    turn = np.flatnonzero(np.diff(np.cumsum(sizes) // EDGES_AT_ONCE)) + 1
    return np.split(np.arange(len(sizes)), turn) if len(sizes) else []


def common_shares(one: Shapes, other: Shapes, *, pairs: tuple[Positions, Positions]) -> Floats:
    r"""Share of a polygon's area that lies in another one, for each pair.

    Parameters
    ----------
    one, other : ndarray of object
        Valid polygons and multipolygons in one plane.
    pairs : tuple of ndarray of int, shape (p,)
        Positions in ``one`` and in ``other``.

    Returns
    -------
    ndarray of float64, shape (p,)
        Areas in common over areas of the first; they do not depend on what other pairs there are. Errors are about
        1e-13 of the box that both have in common, so that a share may miss 0 or 1 by that.

    Notes
    -----
    A polygon is the sum of what lies below its edges, those of its lower sides taken off. What lies below both of
    two edges is the integral of the lower one over their common width, so the area in common is the sum over pairs
    of edges, those of one polygon with those of the other, of

    .. math:: s_e s_f \int \min(y_e, y_f) \, dx.

    No crossing is constructed: touching and overlapping edges need no care, and no input can fail. Only edges of
    equal width somewhere meet; they are found by ordering the edges of each pair from left to right.

    Examples
    --------
    >>> squares = np.array([shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)])
    >>> common_shares(squares, squares, pairs=(np.array([0, 0]), np.array([1, 0]))).tolist()
    [0.25, 1.0]
    """
    vertices = [shapely.get_num_coordinates(shapes[rows]) for shapes, rows in zip((one, other), pairs, strict=True)]
    shares = np.zeros(len(pairs[0]))
    for block in blocks(vertices[0] + vertices[1]):
        areas = _common((one, pairs[0][block]), (other, pairs[1][block]))
        shares[block] = areas / shapely.area(one[pairs[0][block]])
    return shares


def _common(one: tuple[Shapes, Positions], other: tuple[Shapes, Positions]) -> Floats:
    """Areas in common of pairs that are measured at once."""
    box, box_other = (shapely.bounds(shapes[rows]) for shapes, rows in (one, other))
    west, floor = np.maximum(box, box_other)[:, :2].T
    frame = np.array([west, np.minimum(box, box_other)[:, 2], floor])
    lower, upper = _edges(one, frame, above=box_other[:, 1]), _edges(other, frame, above=box[:, 1])
    e, f = _meeting(lower, upper)
    below = _below_both(lower, upper, (e, f))
    return np.bincount(lower.pair[e], weights=below, minlength=len(box)).astype(np.float64, copy=False)


def _edges(polygons: tuple[Shapes, Positions], frame: Floats, *, above: Floats) -> _Edges:
    """Edges within the common width of their pair that are not all below the other polygon."""
    (west, east, floor), (used, place) = frame, np.unique(polygons[1], return_inverse=True)
    borders = borders_of(polygons[0][used])
    counts = np.diff(borders.offsets)[place]
    pair, vertex = spread(borders.offsets[place], counts)
    x, y, turn = borders.x[vertex], borders.y[vertex], borders.turn[vertex]
    limits = (np.repeat(limit, counts) for limit in (west, east, above))
    sides = (x > next(limits), x < next(limits), y > next(limits))
    far_enough, near_enough, high_enough = (side[:-1] | side[1:] for side in sides)
    kept = np.flatnonzero(far_enough & near_enough & high_enough & (turn[:-1] != 0))
    opens = _places(np.minimum(x[kept], x[kept + 1]), pair[kept], frame)
    order = np.argsort(opens, kind="stable")
    kept = kept[order]
    pair, x1, x2, y1, y2 = pair[kept], x[kept], x[kept + 1], y[kept], y[kept + 1]
    left, right, upper = np.minimum(x1, x2), np.maximum(x1, x2), x1 > x2  # a shell's upper edges run to the left
    width, rise = right - left, np.where(upper, y1 - y2, y2 - y1)
    slope = np.divide(rise, width, out=np.zeros(len(kept)), where=width > UPRIGHT_M)
    start = np.where(upper, y2, y1) - floor[pair]
    sign = np.where(upper, turn[kept], -turn[kept])
    return _Edges(pair, left, right, start, slope, sign, opens[order], _places(right, pair, frame))


def _places(x: Floats, pair: Positions, frame: Floats) -> NDArray[np.int64]:
    """Place along the common width of its pair, as a whole number that grows from pair to pair."""
    west, east, _ = frame
    scale = PLACES / np.where(east > west, east - west, 1.0)
    along = (np.clip(x, west[pair], east[pair]) - west[pair]) * scale[pair]
    places: NDArray[np.int64] = along.astype(np.int64) + pair * (2 * PLACES)
    return places


def _meeting(lower: _Edges, upper: _Edges) -> tuple[Positions, Positions]:
    """Pairs of edges with some width in common, each once: one of the two opens while the other is open."""
    begins = np.searchsorted(upper.opens, lower.opens, "left")
    e, f = spread(begins, np.searchsorted(upper.opens, lower.closes, "left") - begins)
    begins = np.searchsorted(lower.opens, upper.opens, "right")
    g, d = spread(begins, np.maximum(np.searchsorted(lower.opens, upper.closes, "left") - begins, 0))
    return np.concatenate([e, d]), np.concatenate([f, g])


def _below_both(lower: _Edges, upper: _Edges, met: tuple[Positions, Positions]) -> Floats:
    """Signed area below both edges of each pair of edges, over their common width."""
    e, f = met
    left, left_other, slope, slope_other = lower.left[e], upper.left[f], lower.slope[e], upper.slope[f]
    west = np.maximum(left, left_other)
    width = np.maximum(np.minimum(lower.right[e], upper.right[f]) - west, 0.0)
    height = upper.y[f] + slope_other * (west - left_other)
    gap = lower.y[e] + slope * (west - left) - height
    gap_after = gap + (slope - slope_other) * width
    under = np.minimum(gap, 0.0) + np.minimum(gap_after, 0.0)
    crossing = gap * gap_after < 0.0
    share = np.where(crossing, -under / np.where(crossing, np.abs(gap - gap_after), 1.0), 1.0)
    mean: Floats = height + 0.5 * (slope_other * width + under * share)
    areas: Floats = lower.sign[e] * upper.sign[f] * width * mean
    return areas

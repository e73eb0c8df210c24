"""Borders as edges, and areas in common: squares in the head, then GEOS."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from equity_screen import borders
from equity_screen.borders import blocks, borders_of, common_shares, spread

FRAME = [(0, 0), (4, 0), (4, 4), (0, 4)]
HOLE = [(1, 1), (3, 1), (3, 3), (1, 3)]


def array(*shapes):
    return np.array(shapes, dtype=object)


def share(one, other):
    return common_shares(array(one), array(other), pairs=(np.array([0]), np.array([0]))).tolist()[0]


def area_by_edges(shape):
    x, y, turn, _ = borders_of(array(shape))
    return float((turn[:-1] * (x[:-1] * y[1:] - x[1:] * y[:-1])).sum() / 2)


@pytest.mark.parametrize("hole", [HOLE, HOLE[::-1]])
@pytest.mark.parametrize("frame", [FRAME, FRAME[::-1]])
def test_a_polygon_lies_left_of_its_edges_whichever_way_its_rings_run(frame, hole):
    assert area_by_edges(Polygon(frame, [hole])) == 12.0
    assert area_by_edges(MultiPolygon([Polygon(frame, [hole]), box(1.5, 1.5, 2.5, 2.5)])) == 13.0


def test_each_polygon_has_its_own_vertices():
    found = borders_of(array(Polygon(FRAME, [HOLE]), MultiPolygon([box(5, 5, 6, 6)]), LineString([(0, 0), (1, 1)])))
    assert found.offsets.tolist() == [0, 10, 15, 15]
    assert found.turn.tolist()[:10] == [1, 1, 1, 1, 0, -1, -1, -1, -1, 0]


def test_no_polygons_have_no_borders():
    assert borders_of(array()).offsets.tolist() == [0]


def test_ranges_are_spread_in_order():
    owner, member = spread(np.array([3, 0]), np.array([1, 3]))
    assert (owner.tolist(), member.tolist()) == ([0, 1, 1, 1], [3, 0, 1, 2])


def test_nothing_falls_into_no_block():
    assert blocks(np.array([], dtype=np.intp)) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (box(0, 0, 2, 2), box(1, 1, 3, 3), 0.25),
        (box(0, 0, 2, 2), box(0, 0, 2, 2), 1.0),
        (box(0, 0, 2, 2), box(-1, -1, 3, 3), 1.0),
        (box(0, 0, 2, 2), box(0.5, 0.5, 1.5, 1.5), 0.25),
        (box(0, 0, 2, 2), box(2, 0, 4, 2), 0.0),  # a border in common
        (box(0, 0, 2, 2), box(2, 2, 4, 4), 0.0),  # a corner in common
        (box(0, 0, 2, 2), box(5, 5, 6, 6), 0.0),
        (box(0, 0, 2, 2), box(0, 5, 2, 6), 0.0),  # one above the other
        (box(0, 0, 2, 2), Polygon([(0, 0), (2, 0), (0, 2)]), 0.5),
        (Polygon([(0, 0), (2, 0), (0, 2)]), Polygon([(2, 2), (0, 2), (2, 0)]), 0.0),
        (Polygon([(0, 0), (2, 0), (0, 2)]), Polygon([(0, 0), (2, 0), (2, 2)]), 0.5),
        (box(0, 0, 4, 4), Polygon(FRAME, [HOLE]), 0.75),
        (Polygon(FRAME, [HOLE]), box(1, 1, 3, 3), 0.0),
        (Polygon(FRAME, [HOLE]), box(0, 0, 2, 4), 0.5),
        (box(0, 0, 4, 4), MultiPolygon([box(0, 0, 1, 1), box(2, 2, 4, 3)]), 3 / 16),
        (box(0, 0, 4, 4), LineString([(0, 0), (4, 4)]), 0.0),
        (box(1e6, 5e6, 1e6 + 1, 5e6 + 1), box(1e6 + 0.5, 5e6, 1e6 + 9, 5e6 + 9), 0.5),
    ],
)
def test_areas_done_in_the_head(one, other, expected):
    assert share(one, other) == expected


def test_edges_that_stand_almost_upright_lose_nothing():
    leaning = Polygon([(0, 0), (2, 0), (2 + 1e-12, 2), (0, 2), (1e-300, 1)])
    assert share(box(0, 0, 4, 2), leaning) == pytest.approx(0.5, abs=1e-11)
    assert share(leaning, box(0, 0, 1, 4)) == pytest.approx(0.5, abs=1e-11)


def stars(count, rng):
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    radius = rng.uniform(20, 250, (count, 1)) * (0.5 + 0.5 * rng.random((count, 30)))
    corners = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return shapely.polygons(4e6 + 1000 * rng.random((count, 1, 2)) + corners)


def by_geos(one, other, pairs):
    pieces = shapely.intersection(one[pairs[0]], other[pairs[1]])
    return shapely.area(pieces) / shapely.area(one[pairs[0]])


def test_shares_are_those_of_geos():
    rng = np.random.default_rng(4)
    one, other = stars(120, rng), stars(60, rng)
    other[0] = shapely.union_all(stars(9, rng))
    other[1] = shapely.difference(Point(4e6 + 500, 4e6 + 500).buffer(400), Point(4e6 + 500, 4e6 + 500).buffer(300))
    pairs = np.divmod(np.arange(120 * 60), 60)
    expected = by_geos(one, other, pairs)
    assert (expected > 0).sum() > 500
    shares = common_shares(one, other, pairs=pairs)
    np.testing.assert_allclose(shares, expected, rtol=0, atol=1e-11)  # GEOS rounds the corners that it finds


def test_no_share_depends_on_the_other_pairs(monkeypatch):
    rng = np.random.default_rng(5)
    one, other = stars(40, rng), stars(40, rng)
    pairs = np.divmod(np.arange(1600), 40)
    together = common_shares(one, other, pairs=pairs)
    monkeypatch.setattr(borders, "EDGES_AT_ONCE", 1_000)
    assert common_shares(one, other, pairs=pairs).tobytes() == together.tobytes()
    some = rng.permutation(1600)[:200]
    assert (common_shares(one, other, pairs=(pairs[0][some], pairs[1][some])) == together[some]).all()


numbers = st.integers(-6, 6)


@st.composite
def polygons(draw):
    """Hulls and frames on a coarse grid, where edges and corners of two coincide often."""
    hull = shapely.MultiPoint(draw(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8))).convex_hull
    shape = hull if hull.area > 0 else box(0, 0, 1, 1)
    return shapely.difference(shape, box(*draw(st.sampled_from([(9, 9, 10, 10), (-1, -1, 1, 1), (0, 0, 2, 1)]))))


@settings(max_examples=300, deadline=None)
@given(polygons(), polygons())
def test_shares_are_those_of_geos_where_edges_coincide(one, other):
    if one.area == 0 or other.area == 0:
        return
    assert share(one, other) == pytest.approx(one.intersection(other).area / one.area, abs=1e-12)
    assert share(one, other) * one.area == pytest.approx(share(other, one) * other.area, abs=1e-12)


def test_shares_of_a_partition_add_up():
    grid = gpd.GeoSeries([box(x, y, x + 1, y + 1) for x in range(20) for y in range(20)]).rotate(30, origin=(0, 0))
    star = shapely.buffer(Point(3, 12), 5.0)
    pairs = np.arange(400), np.zeros(400, dtype=np.intp)
    inside = common_shares(grid.array.to_numpy(), array(star), pairs=pairs).sum()
    whole = shapely.intersection(star, shapely.union_all(grid.array)).area
    assert inside == pytest.approx(whole, rel=1e-11)

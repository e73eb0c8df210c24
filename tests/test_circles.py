"""Discs over zones: closed forms, then polygons of many corners, then what must add up."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from equity_screen import borders
from equity_screen.circles import disc_areas, disc_shares
from equity_screen.errors import UsageError

LAEA = "EPSG:3035"
PI = np.pi
FRAME = [(-4, -4), (4, -4), (4, 4), (-4, 4)]
HOLE = [(-1, -1), (1, -1), (1, 1), (-1, 1)]


def layer(*shapes):
    return gpd.GeoSeries(list(shapes), index=[f"s{i}" for i in range(len(shapes))], crs=LAEA)


def area(shape, radius, *, centre=(0.0, 0.0)):
    found = disc_areas(layer(shape), layer(Point(centre)), radii_m=np.array([radius]))
    return float(found.area_m2.sum())


def segment(radius, offset):
    """Area of a disc beyond a line at a distance from its middle."""
    return radius**2 * np.arccos(offset / radius) - offset * np.sqrt(radius**2 - offset**2)


def around_corner(radius, x, y):
    """Area of a disc around 0 that lies right of x and above y, the corner (x, y) being inside it."""
    far_x, far_y = np.sqrt(radius**2 - y**2), np.sqrt(radius**2 - x**2)
    angle = np.arctan2(far_y, x) - np.arctan2(y, far_x)
    return radius**2 * angle / 2 - x * (far_y - y) / 2 - y * (far_x - x) / 2


CLOSED_FORMS = {
    "disc inside": (box(-9, -9, 9, 9), 2.0, 4 * PI),
    "half disc": (box(-9, 0, 9, 9), 2.0, 2 * PI),
    "quarter disc, centre on a vertex": (box(0, 0, 9, 9), 2.0, PI),
    "three quarters": (Polygon([(0, 0), (0, -9), (9, -9), (9, 9), (-9, 9), (-9, 0)]), 2.0, 3 * PI),
    "zone inside": (box(-1, -1, 1, 1), 2.0, 4.0),
    "zone inside, corners on the circle": (box(-3, -4, 3, 4), 5.0, 48.0),
    "segment": (box(1, -9, 9, 9), 2.0, segment(2.0, 1.0)),
    "all but a segment": (box(-9, -9, 1, 9), 2.0, 4 * PI - segment(2.0, 1.0)),
    "between two lines": (box(-1, -9, 1, 9), 2.0, 4 * PI - 2 * segment(2.0, 1.0)),
    "around a corner": (box(1, 0.5, 9, 9), 3.0, around_corner(3.0, 1.0, 0.5)),
    "tangent outside": (box(2, -9, 9, 9), 2.0, 0.0),
    "tangent inside": (box(-2, -2, 2, 2), 2.0, 4 * PI),
    "corner on the circle": (box(3, 4, 9, 9), 5.0, 0.0),
    "box near, corner apart": (Polygon([(1.9, 1.9), (9, 1.9), (9, 9)]), 2.0, 0.0),
    "centre in a hole that holds the disc": (Polygon(FRAME, [HOLE]), 0.9, 0.0),
    "hole inside": (Polygon(FRAME, [HOLE]), 3.0, 9 * PI - 4),
    "island in the hole": (MultiPolygon([Polygon(FRAME, [HOLE]), box(-0.5, -0.5, 0.5, 0.5)]), 3.0, 9 * PI - 3),
    "two parts": (MultiPolygon([box(0, 0, 9, 9), box(-9, -9, 0, 0)]), 2.0, 2 * PI),
    "a needle through the disc": (box(-9, 0, 9, 1e-9), 1.0, 2e-9),
    "a vertex thrice over": (Polygon([(0, 0), (0, 0), (9, 0), (9, 9), (9, 9), (0, 9)]), 2.0, PI),
    "far from the disc": (box(100, 100, 101, 101), 1.0, 0.0),
}


class TestAreas:
    @pytest.mark.parametrize("name", CLOSED_FORMS)
    def test_closed_forms(self, name):
        shape, radius, expected = CLOSED_FORMS[name]
        assert abs(area(shape, radius) - expected) < 1e-14 * PI * radius**2

    @pytest.mark.parametrize("name", CLOSED_FORMS)
    def test_closed_forms_turned_reversed_and_far_from_the_origin(self, name):
        shape, radius, expected = CLOSED_FORMS[name]
        there = shapely.affinity.scale(shapely.affinity.rotate(shape, 33.0, origin=(0, 0)), 1, 1)
        for orientation in (True, False):
            turned = shapely.orient_polygons(there, exterior_cw=orientation)
            assert abs(area(turned, radius) - expected) < 1e-13 * PI * radius**2
        moved = shapely.affinity.translate(shape, 2.0**22, 2.0**22)
        assert abs(area(moved, radius, centre=(2.0**22, 2.0**22)) - expected) < 1e-8

    def test_the_unit_square_from_its_middle_edge_and_corner(self):
        unit = box(0, 0, 1, 1)
        for centre, share in (((0.5, 0.5), 1.0), ((0.5, 0.0), 0.5), ((0.0, 0.0), 0.25), ((1.0, 1.0), 0.25)):
            assert area(unit, 0.25, centre=centre) == pytest.approx(share * PI / 16, rel=1e-14)

    def test_a_long_edge_loses_no_digits(self):
        assert area(box(-5e5, 0.5, 5e5, 1e6), 1.0) == pytest.approx(segment(1.0, 0.5), rel=1e-13)
        for turn in (17.0, 40.0, 130.0, 220.0):
            slanted = shapely.affinity.rotate(box(-100.0, 0.5, 1e6, 1e6), turn, origin=(0, 0))
            assert area(slanted, 1.0) == pytest.approx(segment(1.0, 0.5), rel=1e-12)

    def test_nothing_and_the_whole_disc_are_exact_whatever_the_border(self):
        wavy = shapely.difference(Point(0, 0).buffer(40.0, quad_segs=50), Point(0, 0).buffer(9.0, quad_segs=30))
        radii = np.random.default_rng(3).uniform(1.0, 8.9, 60)
        empty = disc_areas(layer(wavy), layer(*[Point(0.01, 0.02)] * 60), radii_m=radii)
        assert (empty.area_m2 == 0.0).all()
        full = disc_areas(layer(shapely.convex_hull(wavy)), layer(*[Point(7, 3)] * 60), radii_m=radii)
        assert (full.area_m2[:, 0] == 2.0 * PI * radii**2 / 2.0).all()

    def test_a_polygon_of_many_corners_comes_as_close_as_it_can(self):
        rng = np.random.default_rng(6)
        angle = np.linspace(0, 2 * PI, 60, endpoint=False)
        reach = rng.uniform(1, 8, (50, 60))
        stars = shapely.polygons(
            np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=-1) + np.array([3.0, 1.0])
        )
        errors = []
        for corners in (1024, 4096):
            disc = shapely.buffer(Point(0, 0), 5.0, quad_segs=corners // 4)
            drawn = shapely.area(shapely.intersection(stars, disc))
            exact = disc_areas(layer(*stars), layer(Point(0, 0)), radii_m=np.array([5.0])).area_m2[:, 0]
            errors.append(exact - drawn)
        assert np.abs(errors[1]).max() < 4e-7 * 25 * PI
        assert (errors[1] > 0).all()  # a drawn disc lies inside the disc
        extrapolated = drawn + (errors[0] - errors[1]) / 15
        np.testing.assert_allclose(exact, extrapolated, rtol=0, atol=2e-8 * 25 * PI)


class TestPairs:
    def test_pairs_come_by_disc_then_zone(self):
        zones = layer(*(box(x, 0, x + 1, 1) for x in (2, 0, 1)))
        found = disc_areas(zones, layer(Point(1.5, 0.5), Point(0.5, 0.5)), radii_m=np.array([1.1, 0.9]))
        assert found.disc.tolist() == [0, 0, 0, 1, 1]
        assert found.zone.tolist() == [0, 1, 2, 1, 2]

    def test_several_radii_are_the_same_as_one_by_one(self):
        zones, centres, radii = tessellation(), places(), np.outer(np.linspace(100, 900, 30), [0.0, 0.5, 1.0, 3.0])
        together = disc_shares(zones, centres, radii_m=radii)
        for column, share in enumerate(together):
            (alone,) = disc_shares(zones, centres, radii_m=radii[:, column])
            assert (share.matrix != alone.matrix).nnz == 0

    def test_no_share_depends_on_the_other_pairs(self, monkeypatch):
        zones, centres, radii = tessellation(), places(), np.linspace(100, 1_500, 30)
        together = disc_shares(zones, centres, radii_m=radii)[0].matrix
        monkeypatch.setattr(borders, "EDGES_AT_ONCE", 100)
        assert disc_shares(zones, centres, radii_m=radii)[0].matrix.toarray().tobytes() == together.toarray().tobytes()
        back = disc_shares(zones[::-1], centres[::-1], radii_m=radii[::-1])[0].matrix.toarray()[::-1, ::-1]
        assert np.ascontiguousarray(back).tobytes() == together.toarray().tobytes()


class TestShares:
    def test_a_zone_in_the_disc_is_exactly_one_also_where_its_box_is_not(self):
        zones = layer(Point(0, 0).buffer(0.999999), box(-0.3, -0.7, 0.1, 0.7))
        (shares,) = disc_shares(zones, layer(Point(0, 0)), radii_m=np.array([1.0]))
        assert shares.matrix.toarray().ravel().tolist() == [1.0, 1.0]

    def test_touching_is_not_reaching(self):
        zones = layer(box(1, -1, 2, 1), box(-2, -1, -1, 1), box(-1, 1, 1, 2))
        (shares,) = disc_shares(zones, layer(Point(0, 0)), radii_m=np.array([1.0]))
        assert shares.matrix.nnz == 0

    def test_labels_and_columns_without_a_place_are_kept(self):
        zones, centres = layer(box(0, 0, 1, 1)), layer(None, Point(), Point(0, 0))
        near, far = disc_shares(zones, centres, radii_m=np.array([[1.0, 2.0]] * 3))
        assert near.rows.tolist() == ["s0"]
        assert near.columns.tolist() == ["s0", "s1", "s2"]
        np.testing.assert_allclose(near.matrix.toarray(), [[0, 0, PI / 4]], rtol=1e-14)
        assert far.matrix.toarray().tolist() == [[0.0, 0.0, 1.0]]

    @pytest.mark.parametrize("radii", [np.zeros(1), np.zeros((1, 3))])
    def test_a_radius_of_0_reaches_nothing(self, radii):
        shares = disc_shares(layer(box(-1, -1, 1, 1)), layer(Point(0, 0)), radii_m=radii)
        assert [share.matrix.nnz for share in shares] == [0] * (radii.size)

    @pytest.mark.parametrize(("zones", "centres"), [(0, 1), (1, 0), (0, 0)])
    def test_nothing(self, zones, centres):
        shapes, points = layer(*[box(0, 0, 1, 1)] * zones), layer(*[Point(0, 0)] * centres)
        (shares,) = disc_shares(shapes, points, radii_m=np.ones(centres))
        assert shares.matrix.shape == (zones, centres)
        assert shares.matrix.nnz == 0


class TestRefused:
    def test_two_coordinate_systems(self):
        there = layer(Point(0, 0)).set_crs("EPSG:25832", allow_override=True)
        with pytest.raises(UsageError, match="zones are in EPSG:3035, centres in EPSG:25832"):
            disc_shares(layer(box(0, 0, 1, 1)), there, radii_m=np.ones(1))

    def test_what_is_no_point(self):
        with pytest.raises(UsageError, match="a centre is no point"):
            disc_shares(layer(box(0, 0, 1, 1)), layer(box(0, 0, 1, 1)), radii_m=np.ones(1))

    @pytest.mark.parametrize(
        "radii", [np.ones(2), np.array([-1.0]), np.array([np.nan]), np.array([np.inf]), np.ones((1, 1, 1))]
    )
    def test_radii_that_are_none(self, radii):
        with pytest.raises(UsageError, match="give each a row of distances of 0 m or more"):
            disc_shares(layer(box(0, 0, 1, 1)), layer(Point(0, 0)), radii_m=radii)


def tessellation():
    """Cells that tile a square of 4 km and share bent borders."""
    seeds = shapely.MultiPoint(4_000 * np.random.default_rng(7).random((150, 2)))
    frame = box(0, 0, 4_000, 4_000)
    cells = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=frame)), frame)
    fine = shapely.segmentize(cells, 60.0)
    return layer(*shapely.transform(fine, lambda xy: xy + 9.0 * np.sin(xy[:, ::-1] / 70.0)))


def places():
    return gpd.GeoSeries.from_xy(*(4_000 * np.random.default_rng(8).random((2, 30))), crs=LAEA)


class TestLaws:
    def test_the_parts_of_a_disc_within_a_partition_are_the_disc(self):
        zones = tessellation()
        inner = gpd.GeoSeries.from_xy(*np.random.default_rng(9).uniform(1_000, 3_000, (2, 200)), crs=LAEA)
        radii = np.random.default_rng(9).uniform(10, 900, 200)
        (shares,) = disc_shares(zones, inner, radii_m=radii)
        inside = shares.matrix.T @ zones.area.to_numpy()
        np.testing.assert_allclose(inside, PI * radii**2, rtol=1e-12)

    def test_a_disc_over_the_city_holds_each_zone_exactly(self):
        (shares,) = disc_shares(tessellation(), layer(Point(2_000, 2_000)), radii_m=np.array([3_000.0]))
        assert (shares.matrix.toarray() == 1.0).all()

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.lists(st.floats(0, 3_000), min_size=2, max_size=5))
    def test_shares_lie_between_0_and_1_and_grow_with_the_radius(self, seed, radii):
        rng = np.random.default_rng(seed)
        corners = rng.uniform(0, 1_000, (6, 2))
        zone = layer(shapely.MultiPoint(corners).convex_hull)
        shares = disc_shares(zone, layer(Point(corners[0])), radii_m=np.array([sorted(radii)]))
        grown = np.array([share.matrix.toarray()[0, 0] for share in shares])
        assert grown.min() >= 0.0
        assert grown.max() <= 1.0
        assert (np.diff(grown) >= -1e-12).all()

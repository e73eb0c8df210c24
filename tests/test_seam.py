"""The line where longitudes begin again: shapes cut there, and put together."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, strategies as st
from pyproj import CRS

from equity_screen.seam import Seam, continuous, crosses, framed, seam_of, split, wraps

DEGREES = Seam(-180.0, 180.0)
HALVES = shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -178, 1)])
UNSPLIT = shapely.Polygon([(179, 0), (-178, 0), (-178, 1), (179, 1)])


def array(*shapes):
    return np.array([shapely.from_wkt(s) if isinstance(s, str) else s for s in shapes], dtype=object)


def round_the_world(shape):
    """The same shape with every longitude brought within ±180, as a file in degrees would have it."""
    return shapely.transform(shape, lambda xy: np.column_stack([(xy[:, 0] + 180) % 360 - 180, xy[:, 1]]))


class TestSeamOf:
    @pytest.mark.parametrize("crs", [4326, 4269, 4167])
    def test_degrees(self, crs):
        assert seam_of(CRS.from_epsg(crs)) == DEGREES

    def test_grads(self):
        assert seam_of(CRS.from_epsg(4807)) == pytest.approx(Seam(-200.0, 200.0))

    @pytest.mark.parametrize(("crs", "middle"), [(3857, 0.0), (3395, 0.0), (4087, 0.0), (3832, 0.0)])
    def test_a_strip_is_as_wide_as_the_equator_is_long(self, crs, middle):
        found = seam_of(CRS.from_epsg(crs))
        assert found == pytest.approx(Seam(middle - np.pi * 6378137, middle + np.pi * 6378137))

    @pytest.mark.parametrize("crs", [32660, 3413, 3031, 3460, 2263, 3035, 27700])
    def test_no_strip(self, crs):
        assert seam_of(CRS.from_epsg(crs)) is None


class TestCrosses:
    @pytest.mark.parametrize(
        ("shape", "across", "wide"),
        [
            (UNSPLIT, True, True),
            ("LINESTRING (179 0, -179 1)", True, True),
            ("MULTILINESTRING ((0 0, 1 1), (179 0, -179 1))", True, True),
            (shapely.MultiPolygon([UNSPLIT, shapely.box(10, 0, 11, 1)]), True, True),
            (HALVES, False, False),
            (shapely.box(178, 0, 180, 1), False, False),
            (shapely.box(-180, 0, -179, 1), False, False),
            ("LINESTRING (-100 0, 0 0, 100 0)", False, True),
            ("POLYGON ((-180 80, -90 80, 0 80, 90 80, 180 80, 180 90, -180 90, -180 80))", False, True),
            ("POLYGON ((720000 6170000, 720500 6170000, 720500 6170500, 720000 6170000))", False, False),
            ("LINESTRING (-inf 0, inf 0)", False, False),
            ("POINT (180 0)", False, False),
            ("MULTIPOINT (179 0, -179 0)", False, False),
            ("POLYGON EMPTY", False, False),
            (None, False, False),
        ],
        ids=str,
    )
    def test_each(self, shape, across, wide):
        assert crosses(array(shape), DEGREES).tolist() == [across]
        assert wraps(array(shape), DEGREES).tolist() == [wide]


class TestContinuous:
    @pytest.mark.parametrize("shape", [HALVES, UNSPLIT], ids=["split", "unsplit"])
    def test_one_piece_beyond_the_east(self, shape):
        (found,) = continuous(array(shape), DEGREES)
        assert found.geom_type == "Polygon"
        assert found.equals(shapely.box(179, 0, 182, 1))

    def test_a_hole_across(self):
        with_hole = shapely.box(178, 0, 182, 4).difference(shapely.box(179, 1, 181, 2))
        (found,) = continuous(array(round_the_world(with_hole)), DEGREES)
        assert found.equals(with_hole)

    def test_islands_near_and_far_stay_apart(self):
        islands = shapely.MultiPolygon([shapely.box(170, 0, 171, 1), shapely.box(-170, 0, -169, 1)])
        (found,) = continuous(array(islands), DEGREES)
        assert sorted(part.bounds[0] for part in found.geoms) == [170.0, 190.0]

    def test_a_hole_goes_with_its_shell_also_opposite_the_seam(self):
        shell = shapely.box(-1, 0, 0.5, 1).difference(shapely.box(0.1, 0.2, 0.4, 0.8))
        (found,) = continuous(array(shapely.MultiPolygon([shell, shapely.box(179, 0, 180, 1)])), DEGREES)
        assert found.is_valid
        assert found.area == pytest.approx(shell.area + 1)

    def test_a_line(self):
        (found,) = continuous(array("LINESTRING (179 0, -179 1, 178 2)"), DEGREES)
        assert found.wkt == "LINESTRING (179 0, 181 1, 178 2)"

    @pytest.mark.parametrize(
        "wkt", ["POINT (1 1)", "LINESTRING (-100 0, 0 0, 100 0)", "POLYGON ((0 0, 0 1, 1 1, 0 0))"]
    )
    def test_others_stay_as_they_are(self, wkt):
        shapes = array(wkt, None)
        found = continuous(shapes, DEGREES)
        assert found[0] is shapes[0]
        assert found[1] is None


class TestSplit:
    def test_in_two(self):
        (found,) = split(array(UNSPLIT), DEGREES)
        assert found.is_valid
        assert found.equals(HALVES)

    def test_a_line(self):
        (found,) = split(array("LINESTRING (179 0, -179 1)"), DEGREES)
        assert found.equals(shapely.from_wkt("MULTILINESTRING ((179 0, 180 0.5), (-180 0.5, -179 1))"))

    def test_one_that_only_touches_comes_back_in_one(self):
        # A projection may give 180° for either sign.
        (found,) = split(array("POLYGON ((180 0, -179 0, -179 1, 180 1, 180 0))"), DEGREES)
        assert found.geom_type == "Polygon"
        assert found.equals(shapely.box(-180, 0, -179, 1))

    def test_what_is_split_stays_as_it_is(self):
        shapes = array(HALVES, "POINT (180 0)", None)
        assert all(a is b for a, b in zip(split(shapes, DEGREES), shapes, strict=True))


class TestFramed:
    """Worlds laid out otherwise, as of rasters from 0° to 360°."""

    def test_what_fits_stays_as_it_is(self):
        shapes = array(shapely.box(10, 0, 11, 1), "POINT (170 0)", None, "POLYGON EMPTY")
        assert all(a is b for a, b in zip(framed(shapes, DEGREES, middle=12.0), shapes, strict=True))

    @pytest.mark.parametrize("shape", [HALVES, UNSPLIT], ids=["split", "unsplit"])
    @pytest.mark.parametrize("middle", [180.0, 181.0, -179.0])
    def test_in_one_piece_where_the_world_ends_elsewhere(self, shape, middle):
        (found,) = framed(array(shape), DEGREES, middle=middle)
        assert found.geom_type == "Polygon"
        assert found.bounds[0] % 360 == 179.0
        assert found.area == pytest.approx(3.0)

    def test_cut_where_the_world_ends(self):
        (found,) = framed(array(shapely.box(-1, 51, 2, 52)), DEGREES, middle=180.0)
        assert found.equals(shapely.MultiPolygon([shapely.box(0, 51, 2, 52), shapely.box(359, 51, 360, 52)]))

    def test_points_and_lines(self):
        found = framed(
            array("POINT (-75 40)", "MULTIPOINT (-75 40, 20 0)", "LINESTRING (-75 40, -70 41)"), DEGREES, middle=180.0
        )
        assert [shape.wkt for shape in found[:2]] == ["POINT (285 40)", "MULTIPOINT ((285 40), (20 0))"]
        assert found[2].equals(shapely.from_wkt("LINESTRING (285 40, 290 41)"))


@given(west=st.floats(-180, 179), wide=st.floats(0.01, 100), south=st.floats(-80, 79), hole=st.floats(0.1, 0.9))
def test_area_and_place_are_kept(west, wide, south, hole):
    """Anywhere on the globe, split and put together again: the same polygon, to rounding."""
    shape = shapely.box(west, south, west + wide, south + 1)
    inner = shapely.box(west + hole * wide * 0.5, south + 0.2, west + hole * wide, south + 0.8)
    shape = shape.difference(inner)
    written = array(round_the_world(shape))
    cut = split(written, DEGREES)
    west_end, _, east_end, _ = cut[0].bounds
    assert -180 - 1e-9 <= west_end < east_end <= 180 + 1e-9
    assert cut[0].is_valid
    assert cut[0].area == pytest.approx(shape.area, rel=1e-6)
    again = continuous(cut, DEGREES)[0]
    offset = 360 * np.round((again.bounds[0] - shape.bounds[0]) / 360)
    moved = shapely.transform(shape, lambda xy: xy + np.array([offset, 0]))
    assert shapely.symmetric_difference(moved, again).area < 1e-6 * wide

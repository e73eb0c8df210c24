"""Polygons checked and repaired: bow ties, holes, heights, wrong kinds, impossible places, overlaps."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.polygons import OVERLAP_TOLERANCE, area_zero, check_polygons
from equity_screen.schema import Origin

EAST, NORTH = 560_000, 6_200_000
BOW_TIE = "POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"


def moved(wkt):
    """Geometry from text in metres, moved to where EPSG:25832 is at home."""
    shape = shapely.from_wkt(wkt) if isinstance(wkt, str) else wkt
    return None if shape is None else shapely.transform(shape, lambda xy: xy + np.array([EAST, NORTH]))


def check(*shapes, crs=25832, **options):
    geometry = gpd.GeoSeries([moved(s) if crs == 25832 else shapely.from_wkt(s) for s in shapes], crs=crs)
    ids = pd.Series([f"Z{i + 1}" for i in range(len(shapes))])
    return check_polygons(geometry, Origin("zones.gpkg"), ids=ids, **options)


def codes(findings):
    return [(f.status, f.code, f.row, f.id) for f in findings]


class TestRepairs:
    def test_both_lobes_of_a_bow_tie_are_kept_and_the_areas_told(self):
        mended, (found,) = check(BOW_TIE)
        assert mended.area[0] == pytest.approx(2.0)
        assert (found.status, found.code, found.row, found.id) == ("repaired", "ES-GEOM-INVALID", "feature 1", "Z1")
        assert found.reason == ("the polygon was invalid (self-intersection); made valid, area 0 → 2 in file units")

    def test_a_ring_that_touches_itself(self):
        mended, findings = check("POLYGON ((0 0, 4 0, 4 4, 2 0, 0 4, 0 0))")
        assert [f.code for f in findings] == ["ES-GEOM-INVALID"]
        assert mended.area[0] == pytest.approx(8.0)

    def test_lines_that_a_repair_leaves_are_dropped(self):
        mended, _ = check("POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0, -5 0, 0 0))")
        assert mended.geom_type[0] == "Polygon"
        assert mended.area[0] == pytest.approx(4.0)

    def test_valid_polygons_stay_as_they_are(self):
        square = "POLYGON ((0 0, 0 1, 1 1, 1 0, 0 0))"
        mended, findings = check(square)
        assert mended[0].wkb == moved(square).wkb
        assert findings == []

    @pytest.mark.parametrize(
        "wkt", ["POLYGON Z ((0 0 9, 0 1 9, 1 1 9, 0 0 9))", "POLYGON M ((0 0 9, 0 1 9, 1 1 9, 0 0 9))"]
    )
    def test_heights_and_measures_are_dropped(self, wkt):
        mended, findings = check(wkt)
        assert not mended.has_z.any()
        assert not shapely.has_m(mended.array).any()
        assert findings == []

    def test_a_multipolygon_with_a_hole(self):
        ring = "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1)), ((20 0, 21 0, 21 1, 20 0)))"
        mended, findings = check(ring)
        assert mended.area[0] == pytest.approx(81 - 1 + 0.5)
        assert findings == []


class TestRefusals:
    @pytest.mark.parametrize("nothing", [None, "POLYGON EMPTY", "MULTIPOLYGON EMPTY", "POINT EMPTY"])
    def test_no_geometry(self, nothing):
        mended, findings = check("POLYGON ((0 0, 0 1, 1 1, 0 0))", nothing)
        assert codes(findings) == [("refused", "ES-GEOM-MISSING", "feature 2", "Z2")]
        assert mended.is_empty.tolist() == [False, True]

    @pytest.mark.parametrize(
        ("wkt", "kind"),
        [
            ("POINT (0 0)", "Point"),
            ("LINESTRING (0 0, 1 1)", "LineString"),
            ("MULTIPOINT (0 0, 1 1)", "MultiPoint"),
            ("GEOMETRYCOLLECTION (POLYGON ((0 0, 0 1, 1 1, 0 0)))", "GeometryCollection"),
        ],
    )
    def test_wrong_kinds(self, wkt, kind):
        _, (found,) = check(wkt)
        assert (found.code, found.reason) == ("ES-GEOM-KIND", f"a {kind} where a polygon is needed")

    def test_all_of_them_at_once(self):
        _, findings = check("POINT (0 0)", None, "LINESTRING (0 0, 1 1)", "POINT (1 1)", BOW_TIE)
        assert sorted(f.row for f in findings) == [f"feature {i}" for i in range(1, 6)]

    @pytest.mark.parametrize(
        "wkt",
        [
            "POLYGON ((545000 4170000, 545000 4171000, 546000 4171000, 545000 4170000))",
            "POLYGON ((0 0, 0 91, 1 91, 0 0))",
            "POLYGON ((0 0, 0 1, Infinity 1, 0 0))",
        ],
    )
    def test_coordinates_that_cannot_exist(self, wkt):
        mended, (found,) = check(wkt, crs=4326)
        assert (found.code, found.reason) == ("ES-GEOM-COORDINATES", "coordinates that cannot exist in EPSG:4326")
        assert mended.is_empty.all()

    def test_one_vertex_is_enough(self):
        _, findings = check("POLYGON ((0 0, 0 1, 1 1, 1e20 0, 0 0))")
        assert [f.code for f in findings] == ["ES-GEOM-COORDINATES"]


class TestOverlaps:
    SQUARE = "POLYGON ((0 0, 100 0, 100 100, 0 100, 0 0))"

    def test_a_fifth_of_the_smaller_one_is_told_with_both_rows(self):
        half_as_wide = "POLYGON ((90 0, 140 0, 140 100, 90 100, 90 0))"
        _, (found,) = check(self.SQUARE, half_as_wide)
        assert (found.status, found.code, found.row, found.id) == ("refused", "ES-GEOM-OVERLAP", "feature 1", "Z1")
        assert found.reason == "overlaps Z2 (feature 2) by 20 % of the smaller one"

    @pytest.mark.parametrize(("wide", "found"), [(0.9, 1), (0.4, 0), (0.0, 0)])
    def test_digitising_noise_is_let_pass(self, wide, found):
        beside = f"POLYGON (({100 - wide} 0, 200 0, 200 100, {100 - wide} 100, {100 - wide} 0))"
        _, findings = check(self.SQUARE, beside)
        assert len(findings) == found
        assert OVERLAP_TOLERANCE == 0.005

    def test_neighbours_that_touch_do_not_overlap(self):
        _, findings = check(
            self.SQUARE,
            "POLYGON ((100 0, 200 0, 200 100, 100 100, 100 0))",
            "POLYGON ((100 100, 200 100, 200 200, 100 100))",
        )
        assert findings == []

    def test_one_inside_another_and_one_twice(self):
        _, findings = check(self.SQUARE, self.SQUARE, "POLYGON ((10 10, 20 10, 20 20, 10 10))")
        assert [(f.id, f.reason.split()[1]) for f in findings] == [("Z1", "Z2"), ("Z1", "Z3"), ("Z2", "Z3")]

    def test_are_found_in_degrees_too(self):
        a, b = "POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))", "POLYGON ((0.8 0, 1.8 0, 1.8 1, 0.8 1, 0.8 0))"
        _, (found,) = check(a, b, crs=4326)
        assert "by 20 %" in found.reason

    def test_may_be_allowed(self):
        assert check(self.SQUARE, self.SQUARE, overlaps=False)[1] == []

    def test_refused_polygons_overlap_nothing(self):
        _, findings = check(None, "POLYGON EMPTY")
        assert {f.code for f in findings} == {"ES-GEOM-MISSING"}


def test_area_zero_is_a_polygon_without_area():
    shapes = gpd.GeoSeries.from_wkt(
        ["POLYGON ((0 0, 1 1, 2 2, 0 0))", "POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON EMPTY"]
    )
    assert area_zero(shapes).tolist() == [True, False, False]


HALVES = shapely.MultiPolygon([shapely.box(179.9, -17.1, 180, -17.0), shapely.box(-180, -17.1, -179.9, -17.0)])
RING_OF_A_POLE = "POLYGON ((-180 80, -90 80, 0 80, 90 80, 180 80, 180 90, -180 90, -180 80))"
BELT = "POLYGON ((-170 0, -90 0, 0 0, 90 0, 170 0, 170 1, 90 1, 0 1, -90 1, -170 1, -170 0))"


@pytest.mark.parametrize("crs", [4326, 3857, 4269])
def test_a_polygon_across_the_antimeridian_is_split_there(crs):
    unsplit = gpd.GeoSeries([shapely.box(-179.9, -17.1, 179.9, -17.0)], crs=4326).to_crs(crs)
    mended, findings = check_polygons(unsplit, Origin("fiji.geojson"), ids=pd.Series(["A"]))
    assert [(f.status, f.code, f.row, f.id) for f in findings] == [("repaired", "ES-GEOM-SPLIT", "feature 1", "A")]
    expected = gpd.GeoSeries([HALVES], crs=4326).to_crs(crs)[0]
    assert shapely.symmetric_difference(mended[0], expected).area < 1e-9 * expected.area


@pytest.mark.parametrize("crs", [4326, 3857, 3460, 32701])
def test_a_polygon_that_is_split_there_is_left_as_it_is(crs):
    layer = gpd.GeoSeries([HALVES], crs=4326).to_crs(crs)
    mended, findings = check_polygons(layer, Origin("fiji.geojson"), ids=pd.Series(["A"]))
    assert findings == []
    assert mended[0].wkb == layer[0].wkb


@pytest.mark.parametrize("wkt", [RING_OF_A_POLE, BELT], ids=["pole", "belt"])
def test_what_spans_half_the_globe_is_refused(wkt):
    layer = gpd.GeoSeries([shapely.from_wkt(wkt), HALVES], crs=4326)
    mended, findings = check_polygons(layer, Origin("fiji.geojson"), ids=pd.Series(["A", "B"]))
    assert [(f.code, f.row, f.id) for f in findings] == [("ES-GEOM-ANTIMERIDIAN", "feature 1", "A")]
    assert mended.is_empty.tolist() == [True, False]


def test_neighbours_on_both_sides_and_across_share_borders_and_do_not_overlap():
    strips = [
        shapely.box(179.7, -17, 179.9, -16.9),
        shapely.box(-179.9, -17, 179.9, -16.9),
        shapely.box(-179.9, -17, -179.7, -16.9),
    ]
    layer = gpd.GeoSeries(strips, crs=4326)
    _, findings = check_polygons(layer, Origin("fiji.geojson"), ids=pd.Series(["A", "B", "C"]))
    assert [f.code for f in findings] == ["ES-GEOM-SPLIT"]


def test_an_overlap_across_the_antimeridian_is_seen():
    both = gpd.GeoSeries([shapely.box(179.9, -17, 180, -16.9), shapely.box(-179.9, -17, 179.95, -16.9)], crs=4326)
    _, findings = check_polygons(both, Origin("fiji.geojson"), ids=pd.Series(["A", "B"]))
    assert [f.code for f in findings] == ["ES-GEOM-SPLIT", "ES-GEOM-OVERLAP"]

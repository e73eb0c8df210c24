"""The CRS guard and the measuring space, against geodesics on the ellipsoid."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod

from equity_screen.crs import (
    WGS84,
    Measure,
    clusters,
    crs_name,
    fits,
    impossible,
    lies_across,
    likely_crs,
    measure_of,
    middles,
    parse_crs,
    recast,
    require_crs,
    run_on,
    to_space,
)
from equity_screen.errors import InputError, UsageError

GEOD = Geod(ellps="WGS84")
LOCAL = 'ENGCRS["site grid",EDATUM["site"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'


def layer(*places, crs=4326):
    return gpd.GeoDataFrame(geometry=[shapely.Point(p) for p in places], crs=crs)


class TestGuard:
    @pytest.mark.parametrize("name", ["EPSG:99", "", "no such thing", "EPSG:"])
    def test_a_name_that_nothing_bears(self, name):
        with pytest.raises(InputError, match="not a CRS that PROJ knows") as caught:
            parse_crs(name, source="sites.csv")
        assert [(f.source, f.value) for f in caught.value.findings] == [("sites.csv", name)]

    def test_a_missing_crs_is_never_guessed(self):
        with pytest.raises(InputError, match=r"zones.gpkg, column CRS: the file has no CRS. Mend: declare it"):
            require_crs(layer((12.5, 55.7), crs=None), "zones.gpkg")

    def test_a_declared_crs_fills_a_missing_one(self):
        assert require_crs(layer((0, 0), crs=None), "a.csv", declared="EPSG:2263").crs == 2263

    def test_a_declared_crs_may_not_contradict_the_file(self):
        with pytest.raises(InputError, match="the file says EPSG:4326, the project EPSG:2263") as caught:
            require_crs(layer((0, 0)), "a.gpkg", declared="EPSG:2263")
        assert [f.code for f in caught.value.findings] == ["ES-CRS-CONTRADICTED"]

    @pytest.mark.parametrize("same", ["EPSG:4326", "OGC:CRS84", "WGS 84"])
    def test_the_order_of_the_axes_is_no_contradiction(self, same):
        frame = layer((12.5, 55.7))
        assert require_crs(frame, "a.gpkg", declared=same) is frame

    def test_an_engineering_crs_has_no_place_on_the_earth(self):
        with pytest.raises(InputError, match=r"site.gpkg, column CRS: an engineering CRS is not tied to the Earth"):
            require_crs(layer((0, 0), crs=LOCAL), "site.gpkg")

    def test_a_declared_engineering_crs_is_refused_too(self):
        with pytest.raises(InputError, match="ES-CRS-LOCAL"):
            require_crs(layer((0, 0), crs=None), "site.csv", declared=LOCAL)

    def test_a_crs_without_a_code_has_its_name(self):
        assert crs_name(CRS.from_wkt(LOCAL)) == "site grid"


class TestMeasure:
    def test_centre_of_a_box(self):
        measure = measure_of(layer((12.4, 55.6), (12.6, 55.6), (12.4, 55.8), (12.6, 55.8)))
        assert (measure.longitude, measure.latitude) == (pytest.approx(12.5, abs=1e-3), pytest.approx(55.7, abs=1e-3))
        assert measure.radius_m == pytest.approx(GEOD.inv(12.5, measure.latitude, 12.4, 55.6)[2], rel=1e-2)

    def test_the_same_city_in_feet_metres_and_degrees_has_one_space(self):
        city = layer((-74.02, 40.70), (-73.90, 40.80))
        spaces = {measure_of(city.to_crs(code)).areas.to_wkt() for code in (4326, 2263, 32618, 3857)}
        assert len(spaces) == 1

    def test_the_order_of_rows_is_nothing(self):
        city = layer((12.4, 55.6), (12.6, 55.7), (12.5, 55.8))
        assert measure_of(city) == measure_of(city.iloc[::-1])

    @pytest.mark.parametrize(
        ("places", "middle"),
        [
            ([(179.0, -17.0), (-179.0, -17.0)], (180.0, -17.0)),
            ([(178.0, 65.0), (-176.0, 65.0)], (-179.0, 65.0)),
        ],
        ids=["Fiji", "Chukotka"],
    )
    def test_across_the_antimeridian(self, places, middle):
        measure = measure_of(layer(*places))
        assert (measure.longitude - middle[0]) % 360 == pytest.approx(0.0, abs=1e-6)
        assert measure.latitude == pytest.approx(middle[1], abs=0.1)
        assert measure.radius_m < 150_000

    def test_around_a_pole(self):
        measure = measure_of(layer(*[(lon, 89.0) for lon in (0, 90, 180, -90)]))
        assert measure.latitude == 90.0
        assert measure.radius_m == pytest.approx(GEOD.inv(0, 90, 0, 89)[2])

    @pytest.mark.parametrize(
        ("longitude", "latitude"), [(12.5, 55.7), (179.9, -17.0), (15.6, 78.2), (-70.0, -54.9), (0.0, 89.5)]
    )
    def test_areas_are_those_on_the_ellipsoid(self, longitude, latitude):
        wide = 0.05 / np.cos(np.radians(latitude))
        ring = [(longitude + dx * wide, latitude + dy * 0.05) for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        cell = gpd.GeoSeries([shapely.Polygon(ring)], crs=4326)
        # Measured as a part of a state: the layer reaches 8 degrees of latitude towards the equator.
        other_end = shapely.Point(longitude, latitude - np.sign(latitude) * 8)
        around = gpd.GeoSeries([shapely.Point(longitude, latitude), other_end], crs=4326)
        # In a measuring space, straight lines of the layer's own CRS; on the ellipsoid, geodesics between them.
        fine = shapely.segmentize(cell[0], wide / 200)
        expected = abs(GEOD.geometry_area_perimeter(fine)[0])
        assert to_space(cell, measure_of(around).areas).area[0] == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize(
        ("frame", "message"),
        [(layer((0, 0), crs=None), "without a CRS"), (layer(), "without a vertex")],
        ids=["no CRS", "empty"],
    )
    def test_nothing_to_measure(self, frame, message):
        with pytest.raises(UsageError, match=message):
            measure_of(frame)


class TestSpace:
    @pytest.mark.parametrize("shapes", [[], [None], [shapely.Point()]], ids=["no row", "no geometry", "empty"])
    def test_nothing_stays_nothing(self, shapes):
        there = to_space(gpd.GeoSeries(shapes, crs=4326), Measure(11.0, 51.0, 1e5).areas)
        assert len(there) == len(shapes)
        assert (there.isna() | there.is_empty).all()

    def test_a_shared_border_stays_one_line(self):
        west = shapely.Polygon([(10, 50), (11, 50), (11, 52), (10, 52)])
        east = shapely.Polygon([(11, 50), (12, 50), (12, 51), (12, 52), (11, 52), (11, 51)])
        both = to_space(gpd.GeoSeries([west, east], crs=4326), Measure(11.0, 51.0, 1e5).areas)
        gap_or_overlap = both[0].intersection(both[1]).area
        assert gap_or_overlap < 1e-6 * both.area.sum()
        assert shapely.union_all(both).area == pytest.approx(both.area.sum(), rel=1e-9)

    @pytest.mark.parametrize(("crs", "unit"), [(32618, 1.0), (2263, 1200 / 3937)])
    def test_lines_get_a_vertex_each_kilometre(self, crs, unit):
        line = gpd.GeoSeries([shapely.LineString([(3e5 / unit, 1e5 / unit), (3.099e5 / unit, 1e5 / unit)])], crs=crs)
        assert len(to_space(line, Measure(-74.0, 40.7, 1e4).areas)[0].coords) == 11


def geodesic_error(places, reach_m, study):
    """Largest relative error of `reach_m` around each place, in its cluster's CRS, in twelve directions."""
    errors = []
    for crs, rows in clusters(places, study):
        for place in places.iloc[rows]:
            lon, lat, _ = GEOD.fwd([place.x] * 12, [place.y] * 12, np.arange(0, 360, 30), [reach_m] * 12)
            rim = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326).to_crs(crs)
            middle = gpd.GeoSeries([place], crs=4326).to_crs(crs)[0]
            errors.append(np.abs(rim.distance(middle) / reach_m - 1).max())
    return max(errors)


HALVES = shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -178, 1)])


class TestAcross:
    """Layers across the antimeridian."""

    def test_halves_are_measured_in_one_piece(self):
        unsplit = shapely.Polygon([(179, 0), (-178, 0), (-178, 1), (179, 1)])
        both = to_space(gpd.GeoSeries([HALVES, unsplit], crs=4326), Measure(180.0, 0.0, 1e5).areas)
        assert both.geom_type.tolist() == ["Polygon", "Polygon"]
        assert both.is_valid.all()
        expected = abs(GEOD.geometry_area_perimeter(shapely.segmentize(shapely.box(0, 0, 3, 1), 0.01))[0])
        assert both.area.tolist() == pytest.approx([expected] * 2, rel=1e-6)

    def test_and_split_again_where_degrees_are_wanted(self):
        there = to_space(gpd.GeoSeries([HALVES], crs=4326).to_crs(3832), WGS84)
        assert shapely.symmetric_difference(there[0], HALVES).area < 1e-9

    @pytest.mark.parametrize("crs", [4326, 3857, 32660, 3832])
    def test_recast(self, crs):
        layer = gpd.GeoSeries([HALVES, None, shapely.Point(-179.5, 0.5)], crs=4326)
        back = recast(recast(layer, CRS.from_epsg(crs)), WGS84)
        assert shapely.symmetric_difference(shapely.make_valid(back[0]), HALVES).area < 1e-4
        assert back[1] is None
        assert back[2].x == pytest.approx(-179.5)

    @pytest.mark.parametrize("crs", [4326, 3857, 3832])
    def test_drawn_in_one_piece(self, crs):
        layer = recast(gpd.GeoSeries([HALVES, None, shapely.Point(-179.5, 0.5)], crs=4326), CRS.from_epsg(crs))
        drawn = run_on(layer)
        assert drawn[0].bounds == pytest.approx((179.0, 0.0, 182.0, 1.0))
        assert drawn[1] is None
        assert drawn[2].x == pytest.approx(180.5)
        assert lies_across(layer)

    @pytest.mark.parametrize(
        "places",
        [
            [(-0.1, 51.5), (0.1, 51.5)],
            [(170.0, 0.0), (179.9, 0.0)],
            [(-170.0, 0.0), (-179.9, 0.0)],
            [(x, 0) for x in range(-180, 180)],
            [],
        ],
        ids=["Greenwich", "west of it", "east of it", "the globe", "nothing"],
    )
    def test_others_do_not_lie_across(self, places):
        assert not lies_across(layer(*places).geometry)

    def test_middles_across_and_elsewhere(self):
        found = middles(gpd.GeoSeries([HALVES, shapely.box(0, 0, 2, 2), shapely.Point(181, 0)], crs=4326))
        # What cannot be stays as it is written, to be found by its check.
        assert found.tolist() == [[-179.5, 0.5], [1.0, 1.0], [181.0, 0.0]]
        assert middles(gpd.GeoSeries([shapely.box(0, 0, 2, 2)], crs=32660)).tolist() == [[1.0, 1.0]]

    def test_a_vertex_on_the_antimeridian_is_a_place_in_the_first_utm_zone(self):
        corner = gpd.GeoSeries([shapely.Point(180.0, -17.0)], crs=4326).to_crs(32701)
        assert impossible(shapely.get_coordinates(corner.array), corner.crs).tolist() == [False]

    def test_a_projection_that_stretches_without_end_does_not_fill_the_memory(self):
        north = gpd.GeoSeries([shapely.box(10, 89.88, 12, 89.9)], crs=4326).to_crs(3031)
        fine = to_space(north, measure_of(north).areas)
        assert len(fine[0].exterior.coords) < 100_000


class TestClusters:
    @pytest.mark.parametrize(
        ("west", "south", "spread"),
        [(12.4, 55.6, 0.3), (-124.4, 32.5, 9.0), (177.0, -19.0, 5.0), (15.0, 77.0, 8.0), (-80.5, -1.5, 3.0)],
        ids=["city", "state", "antimeridian", "Svalbard", "equator"],
    )
    def test_distances_are_geodesics_within_a_thousandth(self, west, south, spread):
        grid = np.array([(x, y) for x in np.linspace(0, 1, 7) for y in np.linspace(0, 1, 7)]) * spread
        lon, lat = west + grid[:, 0], south + grid[:, 1]
        places = gpd.GeoSeries(gpd.points_from_xy((lon + 180) % 360 - 180, lat), crs=4326)
        study = measure_of(places)
        assert geodesic_error(places, 800.0, study) < 1e-3
        assert geodesic_error(places, 10_000.0, study) < 1e-3

    def test_every_place_is_in_one_cluster(self):
        lon = np.linspace(-120.0, -116.0, 40)
        places = gpd.GeoSeries([*gpd.points_from_xy(lon, 34 + 0 * lon), None, shapely.Point()], crs=4326)
        found = clusters(places, measure_of(places.iloc[:40]))
        assert len(found) > 3
        assert sorted(np.concatenate([rows for _, rows in found])) == list(range(40))

    def test_nowhere(self):
        assert clusters(gpd.GeoSeries([None], crs=4326), Measure(0.0, 0.0, 1.0)) == []


NEW_YORK = Measure(-73.95, 40.7, 30_000.0)
DEGREES, FEET = (-73.9, 40.7), (989406.7, 201692.2)


class TestMixed:
    def test_near_is_within_three_radii(self):
        lon, lat, _ = GEOD.fwd([-73.95] * 2, [40.7] * 2, [90, 90], [89_900, 90_100])
        assert fits(np.column_stack([lon, lat]), WGS84, study=NEW_YORK).tolist() == [True, False]

    def test_the_first_candidate_that_fits_is_named(self):
        candidates = [CRS.from_epsg(code) for code in (3857, 2263, 32118)]
        xy = np.array([DEGREES, FEET, (5.0, 5.0)])
        found = likely_crs(xy, WGS84, candidates=candidates, study=NEW_YORK)
        assert [crs and crs_name(crs) for crs in found] == [None, "EPSG:2263", None]

    @pytest.mark.parametrize(
        ("xy", "crs", "answer"),
        [
            (DEGREES, 4326, False),
            ((-181.0, 40.0), 4326, True),
            ((40.0, -91.0), 4326, True),
            ((np.nan, 40.0), 4326, True),
            ((np.inf, 40.0), 4326, True),
            (FEET, 4326, True),
            (FEET, 2263, False),
            ((1e20, 1e20), 2263, True),
        ],
        ids=str,
    )
    def test_places_that_cannot_be(self, xy, crs, answer):
        assert impossible(np.array([xy]), CRS.from_epsg(crs)).tolist() == [answer]

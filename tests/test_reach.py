"""Discs and distances: against the geodesic on the ellipsoid, at the edge, and without a place."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod

from equity_screen.crs import Measure, measure_of
from equity_screen.reach import QUADRANT_SEGMENTS, discs, points_and_distances, points_within

GEOD = Geod(ellps="WGS84")
COPENHAGEN = Measure(12.5, 55.7, 20_000.0)


def place(longitude, latitude):
    return gpd.GeoSeries([shapely.Point(longitude, latitude)], crs=4326)


def radii_of(disc, longitude, latitude):
    """Geodesic distance from the middle to each vertex [m]."""
    lon, lat = shapely.get_coordinates(disc.to_crs(4326).array).T
    return GEOD.inv(np.full(len(lon), longitude), np.full(len(lon), latitude), lon, lat)[2]


class TestDiscs:
    def test_around_a_point(self):
        disc = discs(place(12.5, 55.7), np.array([1000.0]), study=COPENHAGEN)
        assert disc.crs == COPENHAGEN.areas
        assert disc.area[0] == pytest.approx(np.pi * 1e6, rel=2e-4)
        assert len(disc[0].exterior.coords) == 4 * QUADRANT_SEGMENTS + 1

    @pytest.mark.parametrize(("longitude", "latitude"), [(12.6, 55.6), (15.3, 55.7), (12.5, 59.0), (-70.0, -33.0)])
    def test_the_edge_is_as_far_as_stated_wherever_the_place_is(self, longitude, latitude):
        disc = discs(place(longitude, latitude), np.array([5000.0]), study=COPENHAGEN)
        assert radii_of(disc, longitude, latitude) == pytest.approx(np.full(257, 5000.0), rel=1e-3)

    def test_a_drawn_disc_has_the_area_of_the_circle(self):
        disc = discs(place(12.5, 55.7), np.array([1000.0]), study=COPENHAGEN)
        assert disc.area[0] == pytest.approx(np.pi * 1e6, rel=1e-8)

    def test_around_a_line_and_an_area(self):
        shapes = gpd.GeoSeries(
            [shapely.LineString([(0, 0), (1000, 0)]), shapely.box(0, 0, 1000, 1000)],
            crs=COPENHAGEN.areas,
        )
        area = discs(shapes, np.array([100.0, 100.0]), study=COPENHAGEN).area
        cap = np.pi * 100.0**2
        assert area.tolist() == pytest.approx([200_000.0 + cap, 1_400_000.0 + cap], rel=1e-3)

    def test_each_has_its_own_distance_and_keeps_its_label(self):
        places = gpd.GeoSeries(
            [shapely.Point(12.5, 55.7), None, shapely.Point(16.5, 55.7)], index=list("abc"), crs=4326
        )
        found = discs(places, np.array([100.0, 100.0, 200.0]), study=COPENHAGEN)
        assert found.area.to_dict() == pytest.approx({"a": 31_416.0, "b": 0.0, "c": 125_664.0}, rel=1e-3)
        assert found["b"].is_empty

    def test_nothing(self):
        assert discs(gpd.GeoSeries([], crs=4326), np.empty(0), study=COPENHAGEN).empty


class TestPointsWithin:
    def test_one_that_is_exactly_as_far_is_within(self):
        here = gpd.GeoSeries([shapely.Point(0, 0)], crs=COPENHAGEN.areas)
        there = gpd.GeoSeries.from_xy([0, 0, 0], [0, 300, 400], crs=COPENHAGEN.areas)
        exact = float(GEOD.inv(*shapely.get_coordinates(there.iloc[[0, 1]].to_crs(4326).array).ravel())[2])
        for distance, found in ((exact + 1e-6, [0, 1]), (exact - 1e-3, [0])):
            near = points_within(there, here, distances=np.array([distance]), study=COPENHAGEN)
            assert sorted(near[0].tolist()) == found

    def test_against_the_geodesic_over_several_cells(self):
        rng = np.random.default_rng(3)
        lon, lat = rng.uniform(-123, -116, 400), rng.uniform(34, 41, 400)
        points, shapes = gpd.GeoSeries.from_xy(lon, lat, crs=4326), gpd.GeoSeries.from_xy(lon[:60], lat[:60], crs=4326)
        distances = rng.uniform(5_000, 60_000, 60)
        point, shape = points_within(points, shapes, distances=distances, study=measure_of(points))
        away = np.array([[GEOD.inv(lon[p], lat[p], lon[s], lat[s])[2] for s in range(60)] for p in range(400)])
        wanted = away <= distances
        clear = np.abs(away / distances - 1) > 1e-3
        found = np.zeros_like(wanted)
        found[point, shape] = True
        assert len(point) == found.sum()
        assert (found == wanted)[clear].all()
        assert wanted.sum() == 240

    def test_a_row_without_a_place_is_near_nothing(self):
        places = gpd.GeoSeries([None, shapely.Point(12.5, 55.7)], crs=4326)
        near = points_within(place(12.5, 55.7), places, distances=np.array([9.0, 9.0]), study=COPENHAGEN)
        assert [part.tolist() for part in near] == [[0], [1]]

    def test_nothing(self):
        near = points_within(place(12.5, 55.7), gpd.GeoSeries([], crs=4326), distances=np.empty(0), study=COPENHAGEN)
        assert [len(part) for part in near] == [0, 0]


class TestLongShapes:
    """A line as long as California: measured in one space from its middle it would be 0.14 % off at its ends."""

    LINE = gpd.GeoSeries([shapely.LineString([(-124, 42), (-114.6, 32.7)])], crs=4326)

    def beside(self, metres: float) -> tuple[np.ndarray, np.ndarray]:
        """Places so far to the side of the line, all along it."""
        lon, lat = shapely.get_coordinates(shapely.segmentize(self.LINE.array[0], 0.4)).T
        ahead = GEOD.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[0]
        return GEOD.fwd(lon[:-1], lat[:-1], ahead + 90, np.full(len(ahead), metres))[:2]

    def test_distances_are_those_on_the_ellipsoid(self):
        lon, lat = self.beside(5000.0)
        homes = gpd.GeoSeries.from_xy(lon, lat, crs=4326)
        study = measure_of(self.LINE)
        (point, _), apart = points_and_distances(homes, self.LINE, distances=np.array([6000.0]), study=study)
        assert sorted(point) == list(range(len(homes)))
        fine = shapely.get_coordinates(shapely.segmentize(self.LINE.array[0], 2e-4))
        for place, found in zip(point, apart, strict=True):
            near = fine[np.abs(fine[:, 1] - lat[place]) < 0.1]
            here = np.full(len(near), lon[place]), np.full(len(near), lat[place])
            assert found == pytest.approx(GEOD.inv(*here, near[:, 0], near[:, 1])[2].min(), rel=1e-3)

    def test_each_pair_stands_once_and_the_drawing_is_one(self):
        homes = gpd.GeoSeries.from_xy(*self.beside(4900.0), crs=4326)
        study, reach = measure_of(self.LINE), np.array([5000.0])
        point, shape = points_within(homes, self.LINE, distances=reach, study=study)
        assert sorted(point) == list(range(len(homes)))
        assert not shape.any()
        drawn = discs(self.LINE, reach, study=study)
        assert drawn.geom_type.tolist() == ["Polygon"]
        assert drawn.contains(homes.to_crs(study.areas).union_all()).all()

"""How many points are near the people, which share of them polygons cover: the city of four squares first."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, strategies as st
from pyproj import Geod

from equity_screen.align import check_blocks, people_inside
from equity_screen.errors import InputError
from equity_screen.near import check_points, points_near, share_covered
from equity_screen.recipe import Indicator
from equity_screen.schema import Origin
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import four_zones

EAST, NORTH = 560_000, 6_200_000
GEOD = Geod(ellps="WGS84")


def moved(shapes):
    """Shapes drawn in km from the south-west corner of the city."""
    return gpd.GeoDataFrame(
        geometry=[shapely.transform(s, lambda xy: 1000 * xy + (EAST, NORTH)) for s in shapes], crs=25832
    )


def spots(*places):
    return moved([shapely.Point(place) for place in places])


def blocks_at(rows):
    """Checked population points: x, y in km, people."""
    table = pd.DataFrame(
        [(str(EAST + 1000 * x), str(NORTH + 1000 * y), str(people)) for x, y, people in rows],
        columns=["x", "y", "people"],
    )
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs="EPSG:25832")
    return check_blocks(table, declared, origin=Origin("b.csv", "row"), zones=four_zones().geometry).table


def near(points, distance_m, **options):
    found = points_near(points, four_zones(), distance_m=distance_m, **options)
    assert found["coverage"].tolist() == [1.0] * 4
    return found["mean"].tolist()


class TestPointsNear:
    def test_a_point_that_reaches_one_neighbourhood_whole(self):
        assert near(spots((0.5, 0.5)), 710)[0] == 1.0
        assert near(spots((0.5, 0.5)), 400) == [pytest.approx(np.pi * 0.16, rel=1e-3), 0.0, 0.0, 0.0]

    def test_a_point_on_the_middle_of_the_city_reaches_a_quarter_disc_of_each(self):
        assert near(spots((1, 1)), 500) == pytest.approx([np.pi / 16] * 4, rel=1e-3)

    def test_each_point_counts_also_two_at_one_address(self):
        assert near(spots((0.5, 0.5), (0.5, 0.5), (1.5, 0.5), (9, 9)), 400) == pytest.approx(
            [0.32 * np.pi, 0.16 * np.pi, 0.0, 0.0], rel=1e-3
        )

    def test_everyone_within_the_distance_of_three_points_has_exactly_three(self):
        assert near(spots((0.5, 0.5), (1, 1), (1.2, 0.4)), 9000) == [3.0] * 4

    def test_by_the_people_at_population_points_and_by_area_where_there_are_none(self):
        # In A 1 of 4 people lives near; in B everybody at the one point; D has no point with people.
        homes = blocks_at([(0.2, 0.5, 1), (0.9, 0.9, 3), (1.5, 0.5, 7), (1.5, 1.5, 0)])
        assert near(spots((0.3, 0.5), (1.5, 0.6), (1.5, 1.5)), 200, blocks=homes) == pytest.approx(
            [0.25, 1.0, 0.0, 0.04 * np.pi], rel=1e-3
        )
        assert near(spots((0.3, 0.5), (1.5, 0.6)), 200, blocks=homes)[:3] == [0.25, 1.0, 0.0]

    def test_thirds_of_the_people_add_up_to_whole_points(self):
        homes = blocks_at([(0.2, 0.5, 0.1), (0.4, 0.5, 0.2), (0.6, 0.5, 0.7)])
        assert near(spots(*[(0.4, 0.5)] * 7), 300, blocks=homes)[0] == 7.0

    def test_the_distance_to_an_area_is_0_inside_it(self):
        park = moved([shapely.box(0, 0, 1, 2)])
        assert near(park, 500) == pytest.approx([1.0, 0.5, 1.0, 0.5], rel=1e-3)
        assert near(park, 500, blocks=blocks_at([(0.5, 0.5, 1), (1.4, 0.5, 1), (1.6, 1.5, 1)]))[:2] == [1.0, 1.0]

    def test_points_in_another_crs(self):
        points = spots((0.3, 0.5), (1.7, 1.2))
        there = points.to_crs(4326)
        assert near(there, 600) == pytest.approx(near(points, 600), rel=1e-6)

    def test_no_point(self):
        assert near(spots(), 500) == [0.0] * 4
        assert near(spots(), 500, blocks=blocks_at([(0.2, 0.5, 1)])) == [0.0] * 4

    def test_no_neighbourhood(self):
        assert points_near(spots((0, 0)), four_zones().iloc[:0], distance_m=5).shape == (0, 2)

    @pytest.mark.parametrize("place", [(-167.0, -55.9), (0.0, 90.0), (-60.0, -30.0)])
    def test_a_point_at_the_other_end_of_the_world_reaches_nobody(self, place):
        far = gpd.GeoDataFrame(geometry=[shapely.Point(place)], crs=4326)
        assert near(far, 5000) == [0.0] * 4
        assert near(pd.concat([far, spots((0.5, 0.5)).to_crs(4326)]), 9000) == [1.0] * 4

    def test_a_far_point_within_a_long_distance_is_seen(self):
        assert near(spots((81.0, 1.0)), 82_500) == [1.0] * 4
        assert near(spots((81.0, 1.0)), 79_500)[0] == 0.0
        assert 0 < near(spots((81.0, 1.0)), 79_500)[1] < 1


def geodesic_disc(longitude, latitude, radius):
    turns = np.linspace(0, 360, 1440, endpoint=False)
    lon, lat, _ = GEOD.fwd(*(np.full(1440, c) for c in (longitude, latitude)), turns, np.full(1440, radius))
    return shapely.Polygon(np.column_stack([lon, lat]))


class TestByAnotherPath:
    """Pair by pair with shapely and the geodesic."""

    rng = np.random.default_rng(11)
    points = spots(*rng.uniform(-1, 3, (25, 2)))
    degrees = shapely.get_coordinates(points.to_crs(4326).geometry.array)

    def test_by_area(self):
        zones = four_zones()
        rings = gpd.GeoSeries([geodesic_disc(*place, 700.0) for place in self.degrees], crs=4326).to_crs(25832)
        wanted = [sum(zone.intersection(ring).area / zone.area for ring in rings) for zone in zones.geometry]
        assert near(self.points, 700) == pytest.approx(wanted, rel=3e-4)

    def test_by_population_points(self):
        homes = blocks_at([(x, y, n) for (x, y), n in zip(self.rng.uniform(0, 2, (300, 2)), range(300), strict=True)])
        where = shapely.get_coordinates(homes.to_crs(4326).geometry.array)
        count = np.array([sum(GEOD.inv(*home, *place)[2] <= 700 for place in self.degrees) for home in where])
        people, zone = homes["people"].to_numpy(), homes["zone"].to_numpy()
        wanted = [np.average(count[zone == z], weights=people[zone == z]) for z in range(4)]
        assert near(self.points, 700, blocks=homes) == pytest.approx(wanted, rel=1e-9)


def test_a_neighbourhood_without_area_is_not_measured():
    zones = four_zones()
    zones.loc["C", "geometry"] = shapely.Polygon()
    flood = moved([shapely.box(-1, -1, 3, 3)])
    for found, value in ((points_near(flood, zones, distance_m=500), 1.0), (share_covered(flood, zones), 100.0)):
        assert found["mean"].tolist() == [value, value, pytest.approx(np.nan, nan_ok=True), value]
        assert found["coverage"].tolist() == [1.0, 1.0, 0.0, 1.0]


PLACES = st.lists(st.tuples(*[st.floats(-1, 3).map(lambda x: round(x, 3))] * 2), min_size=1, max_size=8)
HOMES = blocks_at([(0.1 + 0.2 * (i % 10), 0.13 + 0.4 * (i // 10), 1 + i % 7) for i in range(45)])


class TestLaws:
    @given(PLACES, st.randoms(use_true_random=False), st.sampled_from([None, HOMES]))
    def test_the_order_of_rows_changes_no_bit(self, places, random, homes):
        other = list(places)
        random.shuffle(other)
        assert near(spots(*places), 650, blocks=homes) == near(spots(*other), 650, blocks=homes)

    @given(PLACES, st.floats(50, 2000), st.sampled_from([None, HOMES]))
    def test_a_longer_distance_is_never_less(self, places, distance, homes):
        short, long = (np.array(near(spots(*places), d, blocks=homes)) for d in (distance, 1.2 * distance))
        assert (long >= short - (1e-9 if homes is None else 0)).all()
        assert (long <= len(places)).all()

    @given(PLACES, PLACES)
    def test_two_files_together_are_the_sum_of_each(self, some, others):
        apart = np.add(near(spots(*some), 800), near(spots(*others), 800))
        assert near(spots(*some, *others), 800) == pytest.approx(apart.tolist(), abs=1e-12)

    def test_the_order_of_neighbourhoods_changes_no_bit(self):
        points = spots((0.3, 0.4), (1.1, 1.7), (0.9, 0.9))
        found = points_near(points, four_zones(), distance_m=700)
        turned = points_near(points, four_zones().iloc[::-1], distance_m=700)
        assert turned.sort_index().equals(found)


def clinics(**declared):
    words = {"label": "Clinics", "unit": "clinics", "higher_is": "better", "points": "c.csv", "distance_m": 800}
    return Indicator.model_validate(words | declared)


TABLE = clinics(x="x", y="y", crs="EPSG:25832")
CSV, LAYER = Origin("c.csv", "row"), Origin("c.gpkg")


def checked(frame, declared=TABLE, origin=CSV, zones=None):
    return check_points(frame, declared, origin=origin, zones=four_zones().geometry if zones is None else zones)


def csv(*rows):
    return pd.DataFrame(rows, columns=["x", "y"], dtype=object)


GOOD = (str(EAST + 500), str(NORTH + 500))


class TestCheckPoints:
    def test_a_table(self):
        found = checked(csv(GOOD, ("561500", "6201500")))
        assert [str(p) for p in found.table.geometry] == ["POINT (560500 6200500)", "POINT (561500 6201500)"]
        assert found.findings == ()
        assert found.status[["input", "row", "status"]].to_numpy().tolist() == [
            ["c.csv", "row 2", "used"],
            ["c.csv", "row 3", "used"],
        ]

    def test_a_layer_of_any_kind_and_crs(self):
        shapes = moved([shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)]), shapely.box(0, 0, 1, 1)])
        shapes.geometry = shapely.force_3d(shapes.geometry.array, 7.0)
        found = checked(shapes.to_crs(4326), clinics(), LAYER)
        assert found.table.geom_type.tolist() == ["Point", "LineString", "Polygon"]
        assert not found.table.has_z.any()
        assert found.findings == ()
        assert near(found.table, 9000) == [3.0] * 4

    @pytest.mark.parametrize(
        ("row", "code", "column", "value", "mend"),
        [
            (("", ""), "ES-POINT-PLACE", "", "", "supply its coordinates"),
            ((None, GOOD[1]), "ES-POINT-PLACE", "", "", "supply its coordinates"),
            (("east", GOOD[1]), "ES-NUMBER-TEXT", "x", "east", "write a plain number, or leave it blank"),
            ((GOOD[0], "-9999"), "ES-NUMBER-SENTINEL", "y", "-9999", "leave it blank, or declare it as missing"),
            (("1e30", GOOD[1]), "ES-GEOM-COORDINATES", "", "", "correct the coordinates or declare their CRS"),
        ],
    )
    def test_a_row_without_a_place_is_refused_once(self, row, code, column, value, mend):
        found = checked(csv(GOOD, row))
        assert [(f.code, f.status, f.source, f.row, f.column, f.value, f.mend) for f in found.findings] == [
            (code, "refused", "c.csv", "row 3", column, value, mend)
        ]
        assert len(found.table) == 1
        assert found.status["status"].tolist() == ["used", "refused"]

    def test_a_shape_without_a_place(self):
        shapes = gpd.GeoDataFrame(geometry=[*moved([shapely.Point(0, 0)]).geometry, None, shapely.Point()], crs=25832)
        found = checked(shapes, clinics(), LAYER)
        assert [(f.code, f.row) for f in found.findings] == [
            ("ES-POINT-PLACE", "feature 2"),
            ("ES-POINT-PLACE", "feature 3"),
        ]

    def test_an_invalid_area_is_mended(self):
        bow_tie = moved([shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])])
        found = checked(bow_tie, clinics(), LAYER)
        assert [(f.code, f.status, f.row, f.column) for f in found.findings] == [
            ("ES-POINT-INVALID", "repaired", "feature 1", "geometry")
        ]
        assert found.table.geometry.is_valid.all()
        assert found.table.area.tolist() == pytest.approx([500_000.0])

    def test_the_table_given_is_left_alone(self):
        bow_tie = moved([shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])])
        before = bow_tie.copy()
        checked(bow_tie, clinics(), LAYER)
        assert bow_tie.equals(before)

    def test_a_row_far_from_the_city_is_used(self):
        found = checked(csv(GOOD, ("700000", "6200500")))
        assert (len(found.table), found.findings) == (2, ())

    @pytest.mark.parametrize(
        ("frame", "crs"),
        [
            (csv((GOOD[1], GOOD[0])), "EPSG:25832"),
            (csv(("9.9", "55.9")), "EPSG:25832"),
            (csv(("55.9", "9.9")), "EPSG:4326"),
            (csv(GOOD), "EPSG:25833"),
        ],
    )
    def test_a_file_of_which_nothing_is_near_is_refused(self, frame, crs):
        with pytest.raises(InputError, match=rf"c\.csv: no row lies near the neighbourhoods in {crs}; every count"):
            checked(frame, clinics(x="x", y="y", crs=crs))

    def test_near_takes_the_distance_into_account(self):
        beyond = csv(("580000", "6201000"))
        with pytest.raises(InputError, match="no row lies near"):
            checked(beyond)
        assert len(checked(beyond, clinics(x="x", y="y", crs="EPSG:25832", distance_m=19_500)).table) == 1

    def test_an_area_around_the_whole_city_is_near(self):
        region = moved([shapely.box(-90, -90, 90, 90)])
        assert checked(region, clinics(), LAYER).findings == ()
        assert near(region, 100) == [1.0] * 4

    def test_without_neighbourhoods_the_rows_are_looked_at(self):
        found = checked(csv(GOOD, ("", "")), zones=four_zones().geometry.iloc[:0])
        assert [f.code for f in found.findings] == ["ES-POINT-PLACE"]

    def test_when_no_row_has_a_place_each_is_told(self):
        assert [f.row for f in checked(csv(("", ""), ("", ""))).findings] == ["row 2", "row 3"]

    def test_no_columns_for_the_place(self):
        with pytest.raises(InputError, match=r"c\.csv: a table without columns for the place .* declare x, y and crs"):
            checked(csv(GOOD), clinics())

    def test_no_crs(self):
        with pytest.raises(InputError, match=r"c\.csv, column CRS: the file has no CRS"):
            checked(csv(GOOD), clinics(x="x", y="y"))

    def test_no_such_column(self):
        with pytest.raises(InputError, match=r"c\.csv, column lon: no such column"):
            checked(csv(GOOD), clinics(x="lon", y="y", crs="EPSG:25832"))


def covered(shapes, **options):
    found = share_covered(shapes, four_zones(), **options)
    assert found["coverage"].tolist() == [1.0] * 4
    return found["mean"].tolist()


class TestShareCovered:
    def test_by_area(self):
        flood = moved([shapely.box(-1, -1, 1.5, 1)])
        assert covered(flood) == [100.0, pytest.approx(50.0, rel=1e-4), 0.0, 0.0]

    def test_polygons_that_overlap_cover_once(self):
        assert covered(moved([shapely.box(0, 0, 0.5, 1)] * 3)) == pytest.approx([50.0, 0.0, 0.0, 0.0], rel=1e-4)

    @pytest.mark.parametrize("crs", [25832, 4326, 3857, 3035])
    def test_polygons_that_meet_inside_a_neighbourhood_cover_it_exactly(self, crs):
        strips = moved([shapely.box(-1 + i / 7, -1, -1 + (i + 1) / 7, 3) for i in range(28)])
        assert covered(strips.to_crs(crs)) == [100.0] * 4

    @pytest.mark.parametrize("crs", [25832, 4326, 3857])
    def test_a_border_in_common_covers_nothing(self, crs):
        around = moved([shapely.box(-1, -1, 0, 3), shapely.box(-1, 2, 2, 3)])
        assert covered(around.segmentize(50).to_frame("geometry").to_crs(crs)) == [0.0] * 4

    def test_a_small_part_is_no_hair(self):
        assert covered(moved([shapely.box(0, 0, 0.01, 0.001), shapely.box(1, 0, 2, 0.999)])) == pytest.approx(
            [1e-3, 99.9, 0.0, 0.0], rel=1e-3
        )

    def test_one_person_among_millions_at_the_points_is_counted(self):
        homes = blocks_at([(0.2, 0.5, 1), (0.8, 0.5, 3_999_999)])
        assert covered(moved([shapely.box(0, 0, 0.5, 1)]), blocks=homes)[0] == pytest.approx(2.5e-5, rel=1e-12)
        assert covered(moved([shapely.box(0.5, 0, 1, 1)]), blocks=homes)[0] < 100.0

    def test_by_the_people_at_population_points_and_by_area_where_there_are_none(self):
        homes = blocks_at([(0.2, 0.5, 1), (0.8, 0.5, 3), (1.2, 0.5, 5), (1.2, 1.5, 0)])
        flood = moved([shapely.box(-1, -1, 0.5, 3), shapely.box(1, 0, 1.5, 2)])
        assert covered(flood, blocks=homes) == [
            25.0,
            100.0,
            pytest.approx(50.0, rel=1e-4),
            pytest.approx(50.0, rel=1e-4),
        ]

    def test_no_polygon(self):
        assert covered(moved([])) == [0.0] * 4

    def test_no_neighbourhood(self):
        assert share_covered(moved([shapely.box(0, 0, 1, 1)]), four_zones().iloc[:0]).shape == (0, 2)

    def test_is_the_share_of_the_people_inside(self):
        discs = gpd.GeoDataFrame(geometry=spots((0.3, 0.2), (0.5, 0.4), (1.1, 1.3)).buffer(450))
        inside = people_inside(four_zones(), discs.geometry) / four_zones()["population"]
        assert covered(discs) == pytest.approx((100 * inside).tolist(), rel=1e-12)

    @given(PLACES, st.randoms(use_true_random=False))
    def test_the_order_of_rows_changes_no_bit(self, places, random):
        other = list(places)
        random.shuffle(other)
        first, second = (gpd.GeoDataFrame(geometry=spots(*each).buffer(300)) for each in (places, other))
        assert covered(first) == covered(second)

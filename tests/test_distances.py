"""Distance to the nearest action: by hand, against the ellipsoid, by group, and where a finding holds."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from equity_screen.align import check_blocks
from equity_screen.distances import (
    ALIKE,
    Near,
    distance_curve,
    distances_by_group,
    distances_by_ledger,
    holds_between,
    homes_of,
    nearest_actions,
    nearest_by_ledger,
    places_of,
)
from equity_screen.overlay import Ground, Reach, overlay
from equity_screen.people import NO_PEOPLE, People, people_of
from equity_screen.recipe import Group
from equity_screen.schema import Origin
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, four_actions, four_zones
from tests.plans import effect, km, km_box, plan_of

CITY = four_zones()
PEOPLE = people_of(CITY)
KEY = ("all actions", "benefit")
GEOD = Geod(ellps="WGS84")
LOW = {"low": Group(label="People with low incomes", count="x")}


def ground_of(*shapes, blocks=None):
    zones = gpd.GeoSeries(list(shapes), crs=3035)
    return Ground(zones, blocks, Reach(zones, None), Reach(zones, None))


def near_of(zone, share, distance, sampled=0):
    table = pd.DataFrame({"zone": zone, "share": share, "sampled": sampled, "distance_m": distance})
    return {KEY: Near(table, "")}


def people(population, low):
    population, low = np.array(population, dtype=float), np.array(low, dtype=float)
    return People(population, low[:, None], population[:, None], ("low",))


class TestHomes:
    def test_a_lattice_fills_a_square_evenly(self):
        homes = homes_of(ground_of(shapely.box(0, 0, 3, 3)), lattice=9)
        assert sorted(zip(homes.geometry.x, homes.geometry.y, strict=True)) == [
            (x + 0.5, y + 0.5) for x in range(3) for y in range(3)
        ]
        assert homes["share"].tolist() == pytest.approx([1 / 9] * 9)
        assert set(homes["sampled"]) == {9}

    def test_a_long_rectangle(self):
        homes = homes_of(ground_of(shapely.box(0, 0, 8, 2)), lattice=16)
        assert (homes.geometry.x.nunique(), homes.geometry.y.nunique()) == (8, 2)

    def test_points_lie_inside(self):
        ring = shapely.box(0, 0, 9, 9).difference(shapely.box(1, 1, 8, 8))
        homes = homes_of(ground_of(ring), lattice=200)
        assert shapely.contains(ring, homes.geometry.array).all()
        assert homes["sampled"].iloc[0] == pytest.approx(200, rel=0.2)

    def test_a_shape_between_the_points_has_one_on_its_surface(self):
        cross = shapely.union(shapely.box(0, 4.9, 10, 5.1), shapely.box(4.9, 0, 5.1, 10))
        frame = shapely.box(0, 0, 10, 10).difference(shapely.box(0.01, 0.01, 9.99, 9.99))
        homes = homes_of(ground_of(frame, cross), lattice=1)
        assert homes.groupby("zone").size().loc[0] >= 1
        assert homes.groupby("zone")["share"].sum().tolist() == pytest.approx([1, 1])

    def test_population_points_where_there_are_any(self):
        table = pd.DataFrame({"x": [560_200, 560_700, 560_900], "y": 6_200_500, "people": [30, 10, 0]}).astype("str")
        declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
        blocks = check_blocks(table, declared, origin=Origin("b.csv", "row"), zones=CITY.geometry).table
        homes = homes_of(overlay(CITY, four_actions(), blocks=blocks).ground, lattice=4)
        assert homes.loc[homes["zone"] == 0, "share"].tolist() == [0.75, 0.25]
        assert homes.loc[homes["zone"] == 0, "sampled"].tolist() == [0, 0]
        assert homes.groupby("zone")["share"].sum().tolist() == pytest.approx([1, 1, 1, 1])
        assert homes.loc[homes["zone"] == 3, "sampled"].tolist() == [4, 4, 4, 4]

    def test_the_order_of_neighbourhoods_changes_nothing(self):
        shapes = [shapely.box(0, 0, 3, 3), shapely.Point(10, 0).buffer(2), shapely.box(20, 0, 29, 1)]
        one, other = homes_of(ground_of(*shapes)), homes_of(ground_of(*shapes[::-1]))
        for zone in range(3):
            mine, its = one[one["zone"] == zone], other[other["zone"] == 2 - zone]
            assert mine.geometry.to_wkt().tolist() == its.geometry.to_wkt().tolist()


class TestNearest:
    def test_points_lines_and_polygons(self):
        shapes = gpd.GeoSeries(
            [km(shapely.Point(0, 3)), km(shapely.LineString([(3, -1), (3, 1)])), km_box(-2, -1, -1, 1)],
            index=["point", "line", "area"],
            crs=CRS,
        )
        homes = gpd.GeoSeries([km(shapely.Point(x, y)) for x, y in [(0, 2), (2.5, 0), (-1.5, 0), (-0.75, 0)]], crs=CRS)
        near = nearest_actions(homes, shapes)
        assert near["action"].tolist() == ["point", "line", "area", "area"]
        assert near["distance_m"].tolist() == pytest.approx([1000, 500, 0, 250], rel=1e-3)

    def test_of_equally_near_ones_the_first_by_its_id(self):
        place = km_box(0, 0, 1, 1)
        shapes = gpd.GeoSeries([place, place], index=["Q", "P"], crs=CRS)
        homes = gpd.GeoSeries([km(shapely.Point(0.5, 0.5)), km(shapely.Point(5, 5))], crs=CRS)
        assert nearest_actions(homes, shapes)["action"].tolist() == ["P", "P"]

    def test_without_a_shape_there_is_no_distance(self):
        homes = gpd.GeoSeries([km(shapely.Point(0, 0))], crs=CRS)
        for shapes in ([], [None], [shapely.Point()]):
            near = nearest_actions(homes, gpd.GeoSeries(shapes, index=list("P"[: len(shapes)]), crs=CRS))
            assert near["distance_m"].isna().all()
            assert near["action"].tolist() == [""]

    def test_no_places(self):
        shapes = gpd.GeoSeries([km(shapely.Point(0, 0))], index=["P"], crs=CRS)
        assert nearest_actions(gpd.GeoSeries([], crs=CRS), shapes).empty

    def test_the_index_is_kept(self):
        homes = gpd.GeoSeries([km(shapely.Point(0, 0))], index=[7], crs=CRS)
        assert nearest_actions(homes, homes.set_axis(["P"])).index.tolist() == [7]

    @pytest.mark.parametrize(
        ("longitude", "latitude", "spread"),
        [(-120.0, 37.0, 5.0), (12.5, 55.7, 0.2), (180.0, -17.0, 1.0), (15.6, 78.2, 2.0), (0.0, 0.0, 3.0)],
        ids=["a large state", "a city", "the antimeridian", "far north", "the equator"],
    )
    def test_against_the_ellipsoid(self, longitude, latitude, spread):
        # Spread over many cells of 100 km, with few actions: the nearest often lies cells away.
        rng = np.random.default_rng(4)
        lon, lat = (middle + rng.uniform(-spread, spread, 400) for middle in (longitude, latitude))
        lon = (lon + 180) % 360 - 180
        homes = gpd.GeoSeries.from_xy(lon[:390], lat[:390], crs=4326)
        shapes = gpd.GeoSeries.from_xy(lon[390:], lat[390:], index=[f"P{i}" for i in range(10)], crs=4326)
        length = GEOD.inv(
            *(np.broadcast_to(v, (390, 10)) for v in (lon[:390, None], lat[:390, None], lon[390:], lat[390:]))
        )[2]
        near = nearest_actions(homes, shapes)
        best = length.min(axis=1)
        assert near["distance_m"].to_numpy() == pytest.approx(best, rel=1e-4)
        chosen = length[np.arange(390), shapes.index.get_indexer(near["action"])]
        assert chosen == pytest.approx(best, rel=1e-4)

    def test_near_the_pole(self):
        homes = gpd.GeoSeries.from_xy([0.0, 90.0, 180.0], [89.9, 89.9, 89.9], crs=4326)
        shapes = gpd.GeoSeries.from_xy([0.0], [89.95], index=["P"], crs=4326)
        best = [GEOD.inv(lon, 89.9, 0.0, 89.95)[2] for lon in (0.0, 90.0, 180.0)]
        assert nearest_actions(homes, shapes)["distance_m"].tolist() == pytest.approx(best, rel=1e-4)


class TestByLedger:
    PLAN = plan_of(
        {"P": km(shapely.Point(0.5, 0.5)), "Q": km(shapely.Point(1.5, 1.5)), "L": "unlocated"},
        effect("P"),
        effect("Q", ledger="burden"),
        effect("L"),
    )

    def test_each_ledger_has_its_actions(self):
        plan = self.PLAN._replace(effects=self.PLAN.effects.assign(reach="within", distance_m=100.0))
        found = distances_by_ledger(overlay(CITY, plan), plan.actions, people=PEOPLE, lattice=1)
        assert set(found[KEY].table["action"]) == {"P"}
        assert set(found["all actions", "burden"].table["action"]) == {"Q"}
        assert found[KEY].table["distance_m"].tolist() == pytest.approx([0, 1000, 1000, 2**0.5 * 1000], rel=1e-3, abs=5)
        assert found[KEY].table["people"].tolist() == [100, 200, 300, 400]

    def test_nothing_with_a_place_is_undefined(self):
        plan = plan_of({"P": "unlocated"})
        found = distances_by_ledger(overlay(CITY, plan), plan.actions, people=PEOPLE)
        assert found[KEY].undefined == "no benefit of all actions has a place"
        assert found["all actions", "burden"].undefined == "no burden was assessed"
        assert found[KEY].table["distance_m"].isna().all()

    def test_a_list_of_neighbourhoods_is_a_place(self):
        plan = plan_of({"W": "zones:A"})
        found = distances_by_ledger(overlay(CITY, plan), plan.actions, people=PEOPLE, lattice=1)
        assert found[KEY].table["distance_m"].tolist() == pytest.approx([0, 500, 500, 707.1], rel=1e-3)

    def test_neighbourhoods_from_border_to_border(self):
        plan = plan_of({"P": km_box(0, 0, 0.5, 0.5)})
        near = nearest_by_ledger(overlay(CITY, plan), plan.actions)[KEY]
        assert near["distance_m"].tolist() == pytest.approx([0, 500, 500, 500 * 2**0.5], rel=1e-3)
        assert near.index.tolist() == list("ABCD")

    def test_city_wide_actions_have_no_place(self):
        plan = four_actions()
        places = places_of(overlay(CITY, plan), plan.actions)
        assert places.isna().to_dict() == {"CITY": True, "EAST": False, "LOST": True, "WEST": False}


class TestByGroup:
    def test_in_the_head(self):
        # 10 people at 100 m, 20 at 200, 70 at 300; of the group 6, 2 and 2.
        table = distances_by_group(
            near_of([0, 1, 2], 1.0, [100.0, 200.0, 300.0]),
            people([10, 20, 70], [6, 2, 2]),
            groups=LOW,
            within=[100, 250],
        )
        everyone, low = table.iloc[0], table.iloc[1]
        assert (everyone["people"], low["people"]) == (100, 10)
        assert (everyone["mean_m"], low["mean_m"]) == pytest.approx((260, 160))
        assert [everyone[c] for c in ("p10_m", "p25_m", "median_m", "p75_m", "p90_m")] == [100, 200, 300, 300, 300]
        assert [low[c] for c in ("p10_m", "p25_m", "median_m", "p75_m", "p90_m")] == [100, 100, 100, 200, 300]
        assert (everyone["within_100_m"], low["within_100_m"]) == pytest.approx((0.1, 0.6))
        assert (everyone["within_250_m"], low["within_250_m"]) == pytest.approx((0.3, 0.8))
        assert low["label"] == "People with low incomes"

    def test_a_group_is_spread_over_its_neighbourhood_as_everyone_is(self):
        table = distances_by_group(
            near_of([0, 0, 1], [0.25, 0.75, 1.0], [100.0, 500.0, 900.0]), people([40, 10], [8, 2]), groups={}
        )
        assert table["mean_m"].tolist() == pytest.approx([500, 500])

    def test_the_lower_of_two_middle_distances_is_the_median(self):
        table = distances_by_group(near_of([0, 1], 1.0, [100.0, 300.0]), people([5, 5], [1, 1]), groups={})
        assert table["median_m"].tolist() == [100, 100]

    def test_quantiles_of_many_equal_weights(self):
        count = 10
        table = distances_by_group(
            near_of(np.zeros(count, dtype=int), 1 / count, np.arange(1.0, 11.0)), people([7], [3]), groups={}
        )
        assert table.loc[1, ["p10_m", "median_m", "p90_m"]].tolist() == [1, 5, 9]

    def test_how_much_stands_on_a_lattice(self):
        near = near_of([0, 1], 1.0, [100.0, 300.0], sampled=[0, 1])
        table = distances_by_group(near, people([30, 10], [1, 4]), groups={})
        assert table["sampled"].tolist() == [0.25, 0.8]

    def test_a_group_without_people(self):
        table = distances_by_group(near_of([0], 1.0, [100.0]), people([30], [0]), groups={})
        assert np.isnan(table.loc[1, ["mean_m", "median_m", "within_400_m"]].to_numpy(dtype=float)).all()
        assert table["undefined"].tolist() == ["", "the group has no people here"]

    def test_nobody_lives_here(self):
        table = distances_by_group(near_of([0], 1.0, [100.0]), people([0], [0]), groups={})
        assert table["mean_m"].isna().all()
        assert set(table["undefined"]) == {"the group has no people here"}

    def test_without_people(self):
        nobody = people_of(CITY.assign(population=np.nan))
        table = distances_by_group(near_of([0], 1.0, [100.0]), nobody, groups={})
        assert table["mean_m"].isna().all()
        assert set(table["undefined"]) == {NO_PEOPLE}

    def test_no_action_with_a_place(self):
        plan = plan_of({"P": "unlocated"})
        near = distances_by_ledger(overlay(CITY, plan), plan.actions, people=PEOPLE)
        table = distances_by_group(near, PEOPLE, groups={})
        assert table[["mean_m", "median_m", "within_800_m"]].isna().all(axis=None)
        assert (table["undefined"] != "").all()

    def test_columns(self):
        table = distances_by_group(near_of([0], 1.0, [1.0]), people([3], [1]), groups={}, within=[500.0, 1609.34])
        assert list(table) == [
            *("scope", "ledger", "group", "label", "people", "mean_m", "p10_m", "p25_m", "median_m", "p75_m", "p90_m"),
            *("within_500_m", "within_1609.34_m", "sampled", "undefined"),
        ]


class TestCurve:
    def test_exactly_as_far_is_within(self):
        near = near_of([0, 1], 1.0, [100.0, 300.0])
        table = distance_curve(near, people([10, 30], [4, 1]), groups={}, distances=[0, 99.9, 100, 299.9, 300, 1e6])
        shares = table.groupby("group", sort=False)["share"].apply(list)
        assert shares["everyone"] == pytest.approx([0, 0, 0.25, 0.25, 1, 1])
        assert shares["low"] == pytest.approx([0, 0, 0.8, 0.8, 1, 1])

    def test_undefined_stays_so(self):
        near = {KEY: Near(near_of([0], 1.0, [np.nan])[KEY].table, "no action has a place")}
        table = distance_curve(near, people([10], [4]), groups={}, distances=[100])
        assert table["share"].isna().all()
        assert set(table["undefined"]) == {"no action has a place"}

    def test_no_ledgers(self):
        assert distance_curve({}, people([10], [4]), groups={}, distances=[100]).empty


class TestHolds:
    # Shares of the group less those of everyone: 0 below 100 m, + from 100, − from 300, + from 600, 0 from 900.
    NEAR = near_of([0, 1, 2, 3], 1.0, [100.0, 300.0, 600.0, 900.0])
    PEOPLE = people([10, 30, 30, 30], [4, 1, 10, 5])

    @pytest.mark.parametrize(
        ("distance", "sign", "start", "stop", "words"),
        [
            (50, 0, 0, 100, "from 0 to 100 m"),
            (100, 1, 100, 300, "from 100 to 300 m"),
            (250, 1, 100, 300, "from 100 to 300 m"),
            (300, -1, 300, 600, "from 300 to 600 m"),
            (899.9, 1, 600, 900, "from 600 m on (farthest home 900 m)"),
            (900, 0, 900, np.nan, "from 900 m on"),
            (5000, 0, 900, np.nan, "from 900 m on"),
        ],
    )
    def test_in_the_head(self, distance, sign, start, stop, words):
        (row,) = holds_between(self.NEAR, self.PEOPLE, groups=LOW, distance_m=distance).itertuples()
        assert row.sign == sign
        assert (row.from_m, row.to_m) == pytest.approx((start, stop), nan_ok=True)
        assert row.holds == words
        assert row.group == "low"
        assert row.difference == pytest.approx(row.share - row.share_everyone)

    def test_against_trying_every_distance(self):
        rng = np.random.default_rng(2)
        near = near_of(np.arange(40), 1.0, rng.integers(1, 60, 40) * 10.0)
        town = people(rng.integers(1, 9, 40), rng.integers(0, 2, 40))
        tried = np.arange(0.0, 700.0, 5.0)
        curve = distance_curve(near, town, groups={}, distances=tried)
        shares = curve.groupby("group", sort=False)["share"].apply(np.array)
        difference = shares["low"] - shares["everyone"]
        signs = np.where(np.abs(difference) < ALIKE, 0, np.sign(difference))
        (row,) = holds_between(near, town, groups={}, distance_m=200.0).itertuples()
        holding = (tried >= row.from_m) & ~(tried >= row.to_m)
        assert set(signs[holding]) == {row.sign}
        for edge in (tried[tried < row.from_m].max(), row.to_m):
            assert signs[tried == edge].item() != row.sign

    def test_undefined(self):
        near = {KEY: Near(self.NEAR[KEY].table, "no benefit has a place")}
        (row,) = holds_between(near, self.PEOPLE, groups={}, distance_m=400.0).itertuples()
        assert np.isnan([row.sign, row.from_m, row.to_m, row.difference]).all()
        assert (row.holds, row.undefined) == ("", "no benefit has a place")

    def test_a_group_without_people(self):
        (row,) = holds_between(self.NEAR, people([1, 1, 1, 1], [0, 0, 0, 0]), groups={}, distance_m=400.0).itertuples()
        assert np.isnan(row.sign)
        assert row.undefined == "the group has no people here"

    def test_rounding_is_no_difference(self):
        town = people([3, 7, 11, 13], [0.3, 0.7, 1.1, 1.3])
        assert (np.cumsum([0.3, 0.7, 1.1, 1.3]) / 3.4 != np.cumsum([3, 7, 11, 13]) / 34).any()
        (row,) = holds_between(self.NEAR, town, groups={}, distance_m=400.0).itertuples()
        assert row.holds == "at every distance (farthest home 900 m)"

    @pytest.mark.parametrize(
        ("low", "distance", "sign", "words"),
        [
            ([4, 3, 2, 1], 100, 1, "at every distance (farthest home 900 m)"),
            ([1, 2, 3, 4], 800, -1, "at every distance (farthest home 900 m)"),
            ([1, 4, 3, 2], 100, -1, "from 100 to 300 m"),
            ([1, 4, 4, 1], 600, 1, "from 600 m on (farthest home 900 m)"),
        ],
    )
    def test_the_farthest_home_is_no_limit_of_a_finding(self, low, distance, sign, words):
        town = people([100, 100, 100, 100], [10 * part for part in low])
        (row,) = holds_between(self.NEAR, town, groups={}, distance_m=distance).itertuples()
        assert (row.sign, row.holds) == (sign, words)

    @pytest.mark.parametrize(
        ("everyone", "low", "words"),
        [
            ([400, 500, 92, 8], [200, 46, 0, 2], "at every distance (farthest home 900 m)"),  # 99.2 % of both
            ([400, 500, 85, 15], [200, 44.25, 0, 3.75], "from 100 to 600 m"),  # 98.5 %
            ([400, 500, 98, 2], [200, 46, 0, 2], "from 100 to 600 m"),  # 99.8 and 99.2 %: the other way round
        ],
    )
    def test_few_farthest_homes_with_like_shares_do_not_end_a_finding(self, everyone, low, words):
        (row,) = holds_between(self.NEAR, people(everyone, low), groups={}, distance_m=100.0).itertuples()
        assert (row.sign, row.holds) == (1, words)

    @pytest.mark.parametrize(("more", "sign"), [(0.9, 0), (1.1, 1)])
    def test_less_than_a_tenth_of_a_percentage_point_is_no_difference(self, more, sign):
        town = people([1000, 1000, 1000, 1000], [250 + more, 250, 250, 250 - more])
        (row,) = holds_between(self.NEAR, town, groups={}, distance_m=400.0).itertuples()
        assert row.difference == pytest.approx(more / 1000)
        assert (row.sign, row.holds) == (sign, "at every distance (farthest home 900 m)")

    def test_everybody_is_the_group(self):
        (row,) = holds_between(self.NEAR, people([1, 2, 3, 4], [1, 2, 3, 4]), groups={}, distance_m=400.0).itertuples()
        assert (row.sign, row.from_m) == (0, 0)
        assert row.holds == "at every distance (farthest home 900 m)"


def test_one_neighbourhood_one_action():
    city = CITY.loc[["A"]]
    plan = plan_of({"P": km_box(0, 0, 1, 1)})
    near = distances_by_ledger(overlay(city, plan), plan.actions, people=people_of(city))
    table = distances_by_group(near, people_of(city), groups={})
    mine = table[(table["ledger"] == "benefit") & (table["scope"] == "all actions")]
    assert mine["mean_m"].tolist() == [0, 0]
    assert mine["within_400_m"].tolist() == [1, 1]

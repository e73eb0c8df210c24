"""Counts and areas of the actions themselves: summed and dissolved, by class and by place."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.boundaries import Boundary
from equity_screen.footprints import footprint_table, footprints_of, priority_places, shares_of_actions
from equity_screen.synthetic import CRS, four_zones
from tests.plans import km, km_box, plan_of

NAN = float("nan")
# The squares of 1 km² in UTM, which stands in for an equal-area space: figures are those of the head.
ZONES = four_zones()
A = ZONES.geometry["A"]


def actions_of(places, **columns):
    return plan_of(places).actions.assign(**columns)


def table_of(places, priority=None, boundaries=None, zones=ZONES, **columns):
    found = footprints_of(actions_of(places, **columns), zones.geometry, priority=priority)
    return footprint_table(found, zones, boundaries=boundaries or {}).set_index(["breakdown", "class"])


def layer(*shapes):
    ids = list("XYZ"[: len(shapes)])
    return Boundary("Wards", gpd.GeoDataFrame({"name": ids}, index=ids, geometry=list(shapes), crs=CRS))


def inside(*shapes, priority=A):
    places = {f"P{i}": shape for i, shape in enumerate(shapes)}
    return footprints_of(actions_of(places), ZONES.geometry, priority=priority).inside.round(9).tolist()


class TestInside:
    def test_a_polygon_by_its_area(self):
        assert inside(km_box(0.5, 0, 1.5, 1), A, km_box(1, 1, 2, 2)) == [0.5, 1, 0]

    def test_a_line_by_its_length(self):
        assert inside(km(shapely.LineString([(0.5, 0.5), (2.5, 0.5)]))) == [0.25]

    def test_points_by_their_number(self):
        four = shapely.MultiPoint([(0.2, 0.2), (0.4, 0.4), (1.5, 0.5), (1.6, 0.5)])
        assert inside(km(shapely.Point(0.5, 0.5)), km(shapely.Point(5, 5)), km(four)) == [1, 0, 0.5]

    def test_no_place_has_no_share(self):
        assert np.isnan(inside("citywide", "unlocated", shapely.Polygon())).all()

    def test_of_nothing_asked_for_nothing_is_told(self):
        table = table_of({"P": A})
        columns = ["in_priority", "mostly_in_priority", "priority_share_summed", "priority_dissolved_km2"]
        assert table.loc[("all", ""), columns].isna().all()

    def test_of_places_that_are_nowhere_all_shares_are_0(self):
        row = table_of({"P": A}, priority=shapely.Polygon()).loc[("all", "")]
        assert row[["in_priority", "priority_share_summed", "priority_share_dissolved"]].tolist() == [0, 0, 0]


class TestAll:
    def test_two_actions_on_one_spot_are_one_distinct_place(self):
        half = km_box(0, 0, 1, 0.5)
        row = table_of({"P": half, "Q": half.reverse()}).loc[("all", "")]
        assert row[["actions", "distinct_places"]].tolist() == [2, 1]
        assert row[["area_summed_km2", "area_dissolved_km2"]].tolist() == pytest.approx([1.0, 0.5])

    def test_shares_summed_and_dissolved_differ_where_places_repeat(self):
        # Twice the left half of A, once all of B: 1.0 of 2.0 km² added up, 0.5 of 1.5 km² dissolved.
        left, right = km_box(0, 0, 0.5, 1), km_box(1, 0, 2, 1)
        row = table_of({"P": left, "Q": left, "R": right}, priority=A).loc[("all", "")]
        assert row["priority_share_summed"] == pytest.approx(1 / 2)
        assert row["priority_share_dissolved"] == pytest.approx(1 / 3)
        assert row[["in_priority", "mostly_in_priority"]].tolist() == [2, 2]

    def test_any_part_and_more_than_half(self):
        half, most, hair = km_box(0.5, 0, 1.5, 1), km_box(0.4, 0, 1.4, 1), km_box(0.99, 0, 1.99, 1)
        row = table_of({"P": half, "Q": most, "R": hair, "S": ZONES.geometry["D"]}, priority=A).loc[("all", "")]
        assert row[["in_priority", "mostly_in_priority"]].tolist() == [3, 1]

    def test_neighbours_that_share_a_border_are_not_inside(self):
        assert table_of({"P": ZONES.geometry["B"]}, priority=A).loc[("all", ""), "in_priority"] == 0

    def test_what_is_not_known_is_counted_not_added(self):
        row = table_of({"P": A, "Q": A, "R": "citywide"}, cost=[5.0, NAN, 7.0], tco2e=NAN).loc[("all", "")]
        assert row[["actions", "cost", "cost_missing"]].tolist() == [3, 12, 1]
        assert np.isnan(row["tco2e"])
        assert row["tco2e_missing"] == 3

    def test_points_and_lines_have_no_area_and_no_share_of_it(self):
        spot, line = km(shapely.Point(0.5, 0.5)), km(shapely.LineString([(0, 0), (1, 1)]))
        row = table_of({"P": spot, "Q": line}, priority=A).loc[("all", "")]
        assert row[["area_summed_km2", "area_dissolved_km2", "in_priority"]].tolist() == [0, 0, 2]
        assert np.isnan(row["priority_share_summed"])


class TestClasses:
    def test_by_sector_where_there_are_several(self):
        table = table_of({"P": A, "Q": A, "R": A}, sector=["tram", "", "homes"])
        assert table.loc["sector", "actions"].to_dict() == {"homes": 1, "tram": 1, "(not known)": 1}
        assert "sector" not in table_of({"P": A, "Q": A}).index.get_level_values(0)

    def test_by_decade(self):
        years = [1989.0, 1990.0, 1999.0, 2020.0, NAN]
        table = table_of(dict.fromkeys("PQRST", A), start=years)
        assert table.loc["decade", "actions"].to_dict() == {
            "1980s": 1,
            "1990s": 2,
            "2020s": 1,
            "(not known)": 1,
        }

    def test_by_status(self):
        table = table_of(dict.fromkeys("PQR", A), active=np.array([True, False, None], dtype=object))
        assert table.loc["status", "actions"].to_dict() == {"active": 1, "not active": 1, "(not known)": 1}

    def test_classes_add_up(self):
        table = table_of(dict.fromkeys("PQR", A), sector=["b", "a", "b"], cost=[1.0, 2.0, 4.0])
        assert table.loc["sector", "cost"].to_dict() == {"a": 2, "b": 5}
        assert table.loc["sector", "area_summed_km2"].sum() == pytest.approx(3)


class TestPlaces:
    def test_an_action_counts_where_most_of_it_is_and_is_cut_at_the_border(self):
        table = table_of({"P": km_box(0.4, 0, 1.2, 0.5)}, cost=100.0).loc["neighbourhood"]
        assert table["actions"].to_dict() == {"A": 1, "B": 0}
        assert table["cost"].to_dict() == {"A": 100, "B": pytest.approx(NAN, nan_ok=True)}
        assert table["area_summed_km2"].to_dict() == pytest.approx({"A": 0.3, "B": 0.1})

    def test_halves_count_in_neither_and_none_is_lost(self):
        table = table_of({"P": km_box(0.5, 0, 1.5, 0.5)}, cost=100.0).loc["neighbourhood"]
        assert table["actions"].to_dict() == {"A": 0, "B": 0, "(several)": 1}
        assert table["area_summed_km2"].to_dict() == pytest.approx({"A": 0.25, "B": 0.25, "(several)": 0})
        assert table.loc["(several)", "cost"] == 100

    def test_a_hair_more_than_half_is_most(self):
        table = table_of({"P": km_box(0.499, 0, 1.499, 0.5)}).loc["neighbourhood"]
        assert table["actions"].to_dict() == {"A": 1, "B": 0}

    def test_a_point_on_a_border_counts_once(self):
        assert table_of({"P": km(shapely.Point(1, 0.5))}).loc["neighbourhood", "actions"].to_dict() == {"A": 1, "B": 0}

    def test_neighbourhoods_without_any_have_no_row_areas_of_a_layer_do(self):
        table = table_of({"P": km_box(0.2, 0.2, 0.8, 0.8)}, boundaries={"ward": layer(A, ZONES.geometry["D"])})
        assert table.loc["neighbourhood"].index.tolist() == ["A"]
        assert table.loc["ward", "actions"].to_dict() == {"X": 1, "Y": 0}

    def test_outside_citywide_and_nowhere(self):
        places = {"P": km_box(-3, 0, -1, 1), "Q": "citywide", "R": "unlocated", "S": km_box(1.5, 0, 3.5, 0.5)}
        table = table_of(places).loc["neighbourhood"]
        assert table["actions"].to_dict() == {"B": 0, "(outside)": 2, "(city-wide)": 1, "(no place)": 1}
        # Most of S is outside as well: its 0.75 km² there, and all of P's 2 km².
        assert table.loc["(outside)", "area_summed_km2"] == pytest.approx(2.75)

    @pytest.mark.parametrize(("beyond_km", "rows"), [(1e-10, ["A"]), (1e-8, ["A", "(outside)"])])
    def test_a_border_drawn_a_hair_apart_leaves_nothing_outside(self, beyond_km, rows):
        places = {"P": km_box(-beyond_km, 0.1, 0.8, 0.9)}
        assert table_of(places).loc["neighbourhood"].index.tolist() == rows

    def test_an_area_of_the_priority_places_alone(self):
        table = table_of({"P": km_box(0, 0, 2, 1)}, priority=A, boundaries={"ward": layer(km_box(0.5, 0, 2, 1))})
        assert table.loc[("ward", "X"), "priority_dissolved_km2"] == pytest.approx(0.5)
        assert table.loc[("ward", "X"), "priority_share_dissolved"] == pytest.approx(0.5 / 1.5)

    def test_without_neighbourhoods_that_count_or_actions(self):
        table = table_of({})
        assert table.loc[("all", ""), ["actions", "area_summed_km2"]].tolist() == [0, 0]
        assert len(table) == 1

    def test_a_long_border_that_is_straight_in_degrees_is_an_arc_in_metres(self):
        # 1 degree of the 56th parallel sinks 430 m below its chord: a county above it must not lose that strip.
        county = gpd.GeoSeries([shapely.box(9.5, 56.0, 10.5, 56.2)], crs=4326)
        area = county.segmentize(0.001).to_crs(CRS).area[0] / 1e6
        wards = Boundary(
            "Counties", gpd.GeoDataFrame({"name": ["N"]}, index=["N"], geometry=county.to_numpy(), crs=4326)
        )
        table = table_of({"P": km_box(-100, -100, 100, 100)}, boundaries={"county": wards})
        assert table.loc[("county", "N"), "area_dissolved_km2"] == pytest.approx(area, rel=1e-5)
        assert abs(county.to_crs(CRS).area[0] / 1e6 - area) > 1e-5 * area

    def test_an_empty_layer(self):
        table = table_of({"P": A}, boundaries={"ward": layer()})
        assert table.loc["ward", "actions"].to_dict() == {"(outside)": 1}


class TestPriorityPlaces:
    def test_neighbourhoods_of_a_rule(self):
        picked = pd.Series([True, True, False, False], index=list("ABCD"))
        assert priority_places(ZONES.geometry, picked).equals(km_box(0, 0, 2, 1))

    def test_areas_that_overlap_count_once(self):
        areas = gpd.GeoDataFrame(geometry=[A, km_box(0.5, 0, 1.5, 1)], crs=CRS)
        assert priority_places(ZONES.geometry, pd.Series(dtype=bool), areas=areas).area == pytest.approx(1.5e6)

    def test_nothing_picked_is_empty(self):
        assert priority_places(ZONES.geometry, pd.Series(data=False, index=list("ABCD"))).is_empty


def test_the_share_of_each_action():
    found = footprints_of(
        actions_of({"P": km_box(0, 0, 2, 1), "Q": "citywide", "R": km(shapely.Point(0.5, 0.5))}),
        ZONES.geometry,
        priority=A,
    )
    shares = shares_of_actions(found)
    assert shares["footprint_km2"].tolist() == pytest.approx([2, NAN, 0], nan_ok=True)
    assert shares["footprint_priority_share"].tolist() == pytest.approx([0.5, NAN, 1], nan_ok=True)

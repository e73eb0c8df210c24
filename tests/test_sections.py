"""Sections of the report on places and years: what is shown, what is cut short, what is left out."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from equity_screen.boundaries import Boundary
from equity_screen.recipe import Indicator, Question
from equity_screen.screen import screen
from equity_screen.sections import LONGEST_TABLE, place_sections
from equity_screen.synthetic import CRS, four_actions, four_zones
from tests.plans import effect, km_box, plan_of
from tests.results import NAN, small_result, without_burdens

HEAT = Question(indicators={"heat": Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")})


def wards(*shapes):
    ids = [f"W{i:02d}" for i in range(len(shapes))]
    return {"ward": Boundary("Wards", gpd.GeoDataFrame({"name": ids}, index=ids, geometry=list(shapes), crs=CRS))}


def sections(plan=None, *, city=None, question=None, boundaries=None):
    plan = plan_of({"P": km_box(0, 0, 2, 0.5)}) if plan is None else plan
    city = four_zones() if city is None else city
    return place_sections(screen(city, plan, question=question, boundaries=boundaries or {}))


class TestBoundaries:
    def test_both_ledgers_of_an_area_stand_in_one_row(self):
        (table,) = place_sections(small_result())["boundaries"]
        assert (table["title"], table["rest"], table["ledgers"]) == ("Council wards", 0, ["benefit", "burden"])
        assert table["rows"][0] == {
            "name": "South ward",
            "people": 3000.0,
            "benefit_people_reached": 2400.0,
            "benefit_reached_share": 0.8,
            "burden_people_reached": 500.0,
            "burden_reached_share": pytest.approx(1 / 6),
        }

    def test_a_ledger_that_was_not_assessed_has_no_column(self):
        (table,) = place_sections(without_burdens())["boundaries"]
        assert table["ledgers"] == ["benefit"]
        assert "burden_people_reached" not in table["rows"][0]

    def test_a_long_table_is_cut_short_and_says_by_how_much(self):
        strips = [km_box(i / 50, 0, (i + 1) / 50, 1) for i in range(LONGEST_TABLE + 3)]
        (table,) = sections(boundaries=wards(*strips))["boundaries"]
        # The last row is what lies in no ward.
        assert (len(table["rows"]), table["rest"]) == (LONGEST_TABLE, 4)

    def test_areas_that_nobody_was_counted_in_are_no_table(self):
        city = four_zones()[["geometry"]].assign(population=NAN)
        assert sections(city=city, boundaries=wards(km_box(0, 0, 1, 1)))["boundaries"] == []

    def test_priority_areas_are_no_boundary(self):
        result = small_result()
        result.areas = pd.concat([result.areas, result.areas.assign(boundary="priority", label="Priority areas")])
        assert [table["title"] for table in place_sections(result)["boundaries"]] == ["Council wards"]


class TestFootprints:
    def titles(self, found):
        return [table["title"] for table in found["footprints"]]

    def test_a_table_for_each_breakdown(self):
        assert self.titles(place_sections(small_result())) == ["All actions", "By sector", "By neighbourhood"]
        assert self.titles(sections(boundaries=wards(km_box(0, 0, 1, 1)))) == [
            *("All actions", "By neighbourhood"),
            "By Wards",
        ]

    def test_columns_that_say_nothing_are_left_out(self):
        found = sections()["footprints"][0]["columns"]
        assert found == ["actions", "distinct_places", "area_summed_km2", "area_dissolved_km2"]
        (first, *_) = place_sections(small_result())["footprints"]
        assert {"cost", "tco2e", "in_priority"} <= {*first["columns"]}

    def test_that_nothing_lies_in_priority_places_is_said(self):
        nowhere = pd.Series([False, False, False, True], index=list("ABCD"))
        result = screen(four_zones(), plan_of({"P": km_box(0, 0, 1, 1)}), priority=nowhere)
        (table, *_) = place_sections(result)["footprints"]
        assert {"in_priority", "mostly_in_priority", "priority_share_dissolved"} <= {*table["columns"]}
        assert table["rows"][0]["priority_share_dissolved"] == 0

    def test_without_actions_there_are_none(self):
        assert sections(plan_of({}))["footprints"] == []


class TestBaseline:
    def test_shares_of_people_and_area_with_a_value(self):
        city = four_zones().assign(heat=[30.0, NAN, 28.0, 27.0])
        row = sections(city=city, question=HEAT)["baseline"][0]
        assert row["indicator_label"] == "Heat [°C]"
        assert row["people_share"] == 0.8
        assert row["area_share"] == pytest.approx(0.75, rel=1e-6)

    def test_without_people_their_share_is_not_defined(self):
        city = four_zones()[["geometry"]].assign(population=NAN, heat=28.0)
        found = sections(city=city, question=HEAT)
        assert not found["people"]
        assert np.isnan(found["baseline"][0]["people_share"])
        assert found["baseline"][0]["mean_area"] == 28

    def test_no_indicator_no_rows(self):
        assert sections()["baseline"] == []


class TestYears:
    def test_an_unknown_start_says_so(self):
        found = place_sections(small_result())
        assert [row["year"] for row in found["timeline"]] == ["2026", "2028", "not known"]
        assert (found["timeline_carbon"], found["timeline_cost"]) == (True, True)

    def test_columns_without_any_number_are_left_out(self):
        plan = plan_of({"P": "citywide"}, effect("P"))
        plan.actions["start"] = 2026.0
        found = sections(plan)
        assert [row["year"] for row in found["timeline"]] == ["2026"]
        assert (found["timeline_carbon"], found["timeline_cost"]) == (False, False)

    def test_a_plan_without_years_has_none(self):
        assert sections()["timeline"] == []


def test_notes_are_what_is_of_no_row():
    found = place_sections(small_result())
    assert [(note["input"], note["codes"]) for note in found["notes"]] == [("actions.csv", "ES-ACTION-SAME-PLACE")]
    assert sections()["notes"] == []


def test_a_hair_between_two_borders_is_no_row_of_the_report():
    result = screen(four_zones(), four_actions(), boundaries={"zone": Boundary("Zones", four_zones())})
    table = result.by_boundary
    hair = table[table["area"] == "A"].assign(area="", name="(in none of them)", people=1e-5, people_reached=1e-6)
    (part,) = place_sections(replace(result, by_boundary=pd.concat([table, hair])))["boundaries"]
    assert [row["name"] for row in part["rows"]] == ["South-west", "South-east", "North-west", "North-east"]
    some = hair.assign(people=0.6)
    (part,) = place_sections(replace(result, by_boundary=pd.concat([table, some])))["boundaries"]
    assert len(part["rows"]) == 5


def test_a_table_of_every_neighbourhood_stands_only_where_they_are_few():
    few = screen(four_zones(), four_actions())
    assert "By neighbourhood" in [part["title"] for part in place_sections(few)["footprints"]]
    many = replace(few, neighbourhoods=pd.concat([few.neighbourhoods] * 8))
    assert "By neighbourhood" not in [part["title"] for part in place_sections(many)["footprints"]]

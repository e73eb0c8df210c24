"""Lines proposed for the files of a plan: places, status, years, money, carbon, effects."""

from __future__ import annotations

import tomllib

import geopandas as gpd
import pytest

from equity_screen.plan_proposals import STATUSES, action_lines, effect_lines, point_crs
from equity_screen.plan_sheet import plan_columns
from equity_screen.project import parse_project
from equity_screen.survey import CityFiles, Piece
from tests.cities import NINE, UTM, table, zones

CITY = CityFiles(zones=Piece("z.gpkg", zones()))


def proposed(columns, *, city=CITY, layer=None, **options):
    plan = Piece("plan.csv", table(columns) if layer is None else layer, **options)
    return tomllib.loads("\n".join(action_lines(plan, city)))["actions"][0]


def text_of(columns, *, city=CITY):
    return "\n".join(action_lines(Piece("plan.csv", table(columns)), city))


class TestColumns:
    def test_all_of_them(self):
        columns = {
            "Kode": ["A", "B"],
            "Tiltag": ["Træer", "Varme"],
            "Sektor": ["land", "energi"],
            "Hvor": ["zones:001", "citywide"],
            "Stand": ["adopted", "dropped"],
            "Start": ["2026", "2027"],
            "Slut": ["2030", ""],
            "Omkostning": ["5", "7"],
            "Omkostning lav": ["4", ""],
            "Omkostning høj": ["6", ""],
            "CO2": ["9", ""],
            "CO2 2030": ["8", ""],
            "CO2 2040": ["7", ""],
        }
        found = proposed(columns)
        assert found == {
            "file": "plan.csv",
            "id": "Kode",
            "where": "Hvor",
            "name": "Tiltag",
            "sector": "Sektor",
            "status": "Stand",
            "active": ["proposed", "adopted", "under way", "done"],
            "start": ["Start"],
            "end": ["Slut"],
            "cost": "Omkostning",
            "cost_low": "Omkostning lav",
            "cost_high": "Omkostning høj",
            "tco2e": "CO2",
            "tco2e_in": {"2030": "CO2 2030", "2040": "CO2 2040"},
        }

    def test_carbon_of_years_alone_is_not_that_of_every_year(self):
        found = proposed({"id": ["A"], "where": ["citywide"], "tco2e_2030": ["8"], "tco2e_2040": ["7"]})
        assert "tco2e" not in found
        assert found["tco2e_in"] == {"2030": "tco2e_2030", "2040": "tco2e_2040"}

    def test_without_an_id_actions_are_numbered(self):
        columns = {"id": ["A", "A"], "where": ["citywide", "unknown"]}
        assert "id" not in proposed(columns)
        assert "the actions are numbered" in text_of(columns)

    def test_ids_of_two_files_do_not_collide(self):
        columns = {"id": ["A"], "where": ["citywide"]}
        plans = (Piece("plan.csv", table(columns)), Piece("more.csv", table(columns)))
        assert proposed(columns, city=CityFiles(plans=plans))["id_prefix"] == "plan-"

    def test_a_sheet_is_named_unless_it_is_the_first(self):
        columns = {"id": ["A"], "where": ["citywide"]}
        assert "layer" not in proposed(columns)
        plan = Piece("plan.xlsx", table(columns), "second", first=False)
        assert 'layer = "second"' in action_lines(plan, CITY)


class TestStatus:
    def test_words_of_others_are_listed_and_left_to_their_city(self):
        columns = {"id": ["A", "B"], "where": ["citywide"] * 2, "status": ["afvist", "vedtaget"]}
        assert "active" not in proposed(columns)
        assert '# active = ["vedtaget"]' in text_of(columns)

    def test_a_blank_column_is_not_proposed(self):
        """Blank is not active: proposed, it would take every action out of the totals."""
        assert "status" not in proposed({"id": ["A", "B"], "where": ["citywide"] * 2, "status": ["", ""]})

    def test_some_blanks_are_told(self):
        columns = {"id": ["A", "B"], "where": ["citywide"] * 2, "status": ["done", ""]}
        assert "1 without a status count as not active" in text_of(columns)

    def test_the_spreadsheet_offers_these(self):
        assert tuple(plan_columns()["actions"]["status"]["choices"]) == STATUSES


class TestPlaces:
    def points(self, crs, **more):
        middles = gpd.GeoSeries([s.centroid for s in NINE], crs=UTM).to_crs(crs)
        return {"id": [f"P{i}" for i in range(9)], "x": middles.x, "y": middles.y, "cost": [1] * 9} | more

    @pytest.mark.parametrize("crs", ["EPSG:4326", UTM])
    def test_the_crs_in_which_points_lie_among_the_neighbourhoods(self, crs):
        found = proposed(self.points(crs))
        assert (found["x"], found["y"], found["crs"]) == ("x", "y", crs)

    def test_a_crs_that_does_not_fit_is_off(self):
        columns = self.points("EPSG:2263")
        assert "crs" not in proposed(columns)
        assert "# crs = " in text_of(columns)

    def test_some_rows_in_another_crs(self):
        columns = self.points("EPSG:4326")
        for axis, value in (("x", NINE[0].centroid.x), ("y", NINE[0].centroid.y)):
            columns[axis] = [value, *columns[axis][1:]]
        assert proposed(columns)["crs"] == "EPSG:4326"
        assert f'# other_crs = ["{UTM}"]' in text_of(columns)

    def test_a_layer_says_its_crs_itself(self):
        layer = gpd.GeoDataFrame({"id": ["A"]}, geometry=[NINE[0].centroid], crs=UTM)
        assert "crs" not in proposed({}, layer=layer)
        bare = layer.set_crs(None, allow_override=True)
        assert any(text.startswith("# crs") for text in action_lines(Piece("a.gpkg", bare), CITY))

    def test_no_place_at_all(self):
        assert "# where = " in text_of({"id": ["A"], "cost": ["7"]})

    def test_a_city_without_a_crs_cannot_help(self):
        bare = CityFiles(zones=Piece("z.gpkg", zones().set_crs(None, allow_override=True)))
        assert point_crs(Piece("p.csv", table(self.points(UTM))), bare) is None


class TestEffects:
    @pytest.mark.parametrize(
        ("columns", "reach"),
        [
            ({"id": ["A"], "where": ["citywide"]}, "footprint"),
            ({"id": ["A"], "x": ["1"], "y": ["2"], "cost": ["7"]}, "within"),
        ],
    )
    def test_a_rule_that_only_counts_until_there_is_a_file(self, columns, reach):
        lines = effect_lines(CityFiles(plans=(Piece("plan.csv", table(columns)),)))
        head = '[neighbourhoods]\nfile = "z"\nid = "i"\npopulation = "p"\n[[actions]]\nfile = "plan.csv"\n'
        (rule,) = parse_project(head + "\n".join(lines)).effects
        assert (rule.reach, rule.ledger, rule.distance_m) == (reach, "benefit", 500 if reach == "within" else None)
        assert "it is no benefit measured" in "\n".join(lines)

    def test_no_rule_beside_a_file(self):
        city = CityFiles(plans=(Piece("plan.csv", table({})),), effects=(Piece("e.csv", table({})),))
        assert [text[:1] for text in effect_lines(city)] == ["#"]

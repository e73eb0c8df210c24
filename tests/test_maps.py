"""The map: figures of the tables, hostile texts that stay texts, one offline accessible file."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen import maps
from equity_screen.text import safe_text
from tests.browser import broken_rules, visit
from tests.results import UTM, hostile_result, small_result

HOSTILE = [
    "{{ 7*191 }}",
    "{% for x in y %}",
    "{# half",
    '<img src=x onerror="window.ran=1">',
    "${window.ran=7*191}",
    "`+(window.ran=1)+`",
    "</script><script>window.ran=1</script>",
    "';window.ran=1;//\\",
]


def rendered(result):
    return maps.map_screen(result).get_root().render()


def drawn(page_text, kind):
    """Payloads handed to one function of map.js."""
    found = re.findall(rf"equityScreen\.{kind}\(map_1, (.*?)\)(?:\.addTo\(map_1\))?;$", page_text, re.MULTILINE)
    return [json.loads(payload) for payload in found]


def without(result, rows):
    """The result with other actions: none of the tables speaks of any that is not listed."""
    result.actions, result.scores = result.actions.loc[rows], result.scores.loc[rows]
    for name in ("reach", "by_group", "before_after"):
        table = getattr(result, name)
        setattr(result, name, table[table["action"].isin(rows)])
    return result


class TestClasses:
    def test_five_values_make_five_classes(self):
        assert maps.quantile_limits(np.array([3.0, 1, 2, 5, 4])).tolist() == [1, 2, 3, 4, 5]

    def test_ties_make_fewer_classes_and_none_is_empty(self):
        values = np.array([0.0, 0, 0, 0, 7])
        limits = maps.quantile_limits(values)
        assert limits.tolist() == [0, 7]
        assert maps.classify(values, limits).tolist() == [0, 0, 0, 0, 1]

    def test_nothing_known_makes_no_class(self):
        limits = maps.quantile_limits(np.array([np.nan]))
        assert limits.size == 0
        assert maps.classify(np.array([np.nan]), limits).tolist() == [-1]

    def test_one_value_is_its_own_class(self):
        legend = maps.burden_theme(pd.DataFrame({"burden_score": [2.0, 2.0]})).legend
        assert [(words, count) for _, words, count in legend] == [("2.00", 2)]

    def test_counts_of_the_legend_are_the_neighbourhoods(self):
        theme = maps.burden_theme(small_result().neighbourhoods)
        assert [count for _, _, count in theme.legend] == [1, 1, 1]
        assert theme.classes == (2, 1, 0, -1)

    def test_reached_share_keeps_nobody_apart(self):
        theme = maps.reached_theme(small_result().neighbourhoods, "benefit")
        assert theme.classes == (4, 2, 0, -1)
        assert [words for _, words, _ in theme.legend][:2] == ["0 %", "over 0 % to 25 %"]


class TestShapes:
    def test_neighbours_keep_one_common_border(self):
        shapes = maps.light_shapes(small_result().neighbourhoods)
        assert shapely.coverage_is_valid(shapes)

    def test_coordinates_have_five_decimals(self):
        shapes = maps.light_shapes(small_result().neighbourhoods)
        places = shapely.get_coordinates(shapes)
        assert (places == places.round(5)).all()

    def test_place_moves_by_less_than_two_metres(self):
        hoods = small_result().neighbourhoods
        back = gpd.GeoSeries(maps.light_shapes(hoods), crs=4326).to_crs(UTM)
        assert back.hausdorff_distance(hoods.geometry.reset_index(drop=True)).max() < 2

    def test_overlapping_areas_are_drawn_as_they_are(self):
        overlapping = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)], crs=4326)
        assert [shape.area for shape in maps.light_shapes(overlapping)] == pytest.approx([4, 4])


class TestSectors:
    def test_rare_sectors_are_drawn_together(self):
        names = pd.Series([f"s{i}" for i in range(8)] + ["s0"])
        sectors = maps.group_sectors(names)
        assert [sector.name for sector in sectors][-1] == "other sectors"
        assert sectors[0].members == (0, 8)
        assert sorted(m for sector in sectors for m in sector.members) == list(range(9))

    def test_missing_sector_is_said(self):
        assert maps.group_sectors(pd.Series([None], dtype=object))[0].name == "no sector stated"


class TestFigures:
    def test_neighbourhood_shows_its_row(self):
        (city,) = drawn(rendered(small_result()), "city")
        values = dict(zip(city["neighbourhoods"]["labels"], city["neighbourhoods"]["values"][1], strict=True))
        assert city["neighbourhoods"]["names"][1] == "Brook"
        assert values == {
            "People": "2,000",
            "People with low incomes": "400 (20.0 %)",
            "Communities of colour": "1,000 (50.0 %)",
            "Burden score": "4.00",
            "Burden percentile": "50.0",
            "In most burdened quarter": "no",
            "People reached by a benefit": "50.0 %",
            "People reached by a burden": "25.0 %",
        }

    def test_group_share_is_of_its_own_universe(self):
        result = small_result()
        result.neighbourhoods["universe_colour"] = 1000.0
        (city,) = drawn(rendered(result), "city")
        assert city["neighbourhoods"]["values"][0][2] == "600 (60.0 %)"

    def test_action_shows_both_ledgers(self):
        (city,) = drawn(rendered(small_result()), "city")
        hub, tram = city["actions"][0], city["actions"][-1]
        assert hub["benefit"] == ["cooling", "2,000", "50.0 %"]
        assert hub["burden"] == ["not assessed", "–", "–"]
        assert tram["burden"] == ["noise", "500", "0.0 %"]
        assert hub["about"] == "Buildings · active"

    def test_every_located_action_is_drawn_once(self):
        layers = drawn(rendered(small_result()), "actions")
        (city,) = drawn(rendered(small_result()), "city")
        names = [city["actions"][member]["name"] for layer in layers for member in layer["members"]]
        assert sorted(names) == ["Cooling hub", "Pocket park", "Tram line"]

    def test_other_actions_are_listed(self):
        page = rendered(small_result())
        assert "City-wide actions (1)" in page
        assert "Actions without a place (1)" in page
        assert "<li>Food plan" in page

    def test_reach_is_one_shape_a_ledger(self):
        reaches = drawn(rendered(small_result()), "reach")
        assert [reach["ledger"] for reach in reaches] == ["benefit", "burden"]
        benefit = gpd.GeoSeries([shapely.geometry.shape(reaches[0]["shape"])], crs=4326).to_crs(UTM)
        reach = small_result().reach
        expected = gpd.GeoSeries([reach[reach["ledger"] == "benefit"].union_all()], crs=4326).to_crs(UTM)
        assert benefit.area[0] == pytest.approx(expected.area[0], rel=0.01)

    def test_many_reaches_start_hidden(self):
        result = small_result()
        result.reach = pd.concat([result.reach] * 10, ignore_index=True)
        assert re.search(r"equityScreen\.reach\(map_1, .*\)\.addTo", rendered(result)) is None

    def test_priority_outline_is_the_priority_area(self):
        (outline,) = drawn(rendered(small_result()), "priority")
        area = gpd.GeoSeries([shapely.geometry.shape(outline)], crs=4326).to_crs(UTM).area[0]
        assert area == pytest.approx(1e6, rel=0.01)

    def test_illustrative_numbers_are_named(self):
        result = small_result()
        assert "Illustrative numbers" in rendered(result)
        result.question = result.question.model_copy(update={"illustrative": False})
        assert "Illustrative numbers" not in rendered(result)


class TestOddCities:
    def test_no_action(self):
        page = rendered(without(small_result(), []))
        assert len(drawn(page, "theme")) == 1
        assert drawn(page, "actions") == drawn(page, "reach") == []

    def test_one_neighbourhood(self):
        result = small_result()
        result.neighbourhoods = result.neighbourhoods.loc[["A"]]
        (theme, *_) = drawn(rendered(result), "theme")
        assert theme["classes"] == [0]

    @pytest.mark.parametrize("keep_column", [True, False])
    def test_no_index_score(self, keep_column):
        result = small_result()
        result.neighbourhoods["burden_score"] = np.nan
        if not keep_column:
            result.neighbourhoods = result.neighbourhoods.drop(columns=["burden_score", "burden_percentile"])
        page = rendered(result)
        assert drawn(page, "theme")[-1]["classes"] == [-1] * 4
        assert "no score (4)" in page

    def test_no_priority_rule(self):
        result = small_result()
        result.question = result.question.model_copy(update={"priority": None})
        result.neighbourhoods["priority"] = False
        assert drawn(rendered(result), "priority") == []


class TestFile:
    def test_same_result_gives_same_bytes(self, tmp_path):
        paths = [tmp_path / "a.html", tmp_path / "b.html"]
        for path in paths:
            maps.write_map(small_result(), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert b"\r" not in paths[0].read_bytes()

    def test_one_map_renders_equal_twice(self):
        root = maps.map_screen(small_result()).get_root()
        assert root.render() == root.render()

    def test_order_of_rows_changes_nothing(self):
        result = small_result()
        expected = rendered(result)
        for name in ("neighbourhoods", "actions", "scores", "reach"):
            setattr(result, name, getattr(result, name).iloc[::-1])
        assert rendered(result) == expected

    def test_no_address_outside_the_file(self):
        page = rendered(small_result())
        assert re.findall(r"""(?:src|href)=["'](?!data:|#)""", page) == []
        assert "default-src 'none'" in page

    def test_links_of_one_map_leave_others_alone(self):
        first = maps.OfflineMap()
        first.add_js_link("own", "data:text/javascript,1")
        assert "own" not in dict(maps.OfflineMap().default_js)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_never_evaluated(text):
    page = re.sub(r"data:[\w/]+;base64,[\w+/=]+", "", rendered(hostile_result(text)))
    assert "1337" not in page
    assert 'window.ran=1"' not in page
    assert "<script>window" not in page
    assert text not in page
    assert safe_text(text) in page


@pytest.mark.browser
class TestInBrowser:
    def test_accessible_quiet_and_offline(self, page, tmp_path):
        maps.write_map(small_result(), tmp_path / "map.html")
        faults = visit(page, tmp_path / "map.html")
        page.wait_for_selector(".leaflet-container path")
        assert broken_rules(page) == []
        assert faults == []
        assert page.title() == "Four-zone city"

    def test_look_up_tells_the_figures(self, page, tmp_path):
        maps.write_map(small_result(), tmp_path / "map.html")
        faults = visit(page, tmp_path / "map.html")
        page.select_option("#look-up", label="Brook")
        assert "2,000" in page.inner_text("#details")
        page.select_option("#look-up", label="Tram line")
        assert "noise" in page.inner_text("#details")
        page.select_option("#look-up", label="Food plan")
        assert "not counted" in page.inner_text("#details")
        assert faults == []

    def test_looked_up_place_is_outlined_until_the_next(self, page, tmp_path):
        maps.write_map(small_result(), tmp_path / "map.html")
        visit(page, tmp_path / "map.html")
        outlined = page.locator('path[stroke="#111111"]')
        for name in ("Brook", "Tram line", "Cooling hub"):
            page.select_option("#look-up", label=name)
            assert outlined.count() == 1

    def test_legend_follows_the_layer(self, page, tmp_path):
        maps.write_map(small_result(), tmp_path / "map.html")
        visit(page, tmp_path / "map.html")
        page.get_by_label("People reached by a benefit").check()
        shown = page.locator("[data-theme]:visible")
        assert shown.count() == 1
        assert "Share of people reached by a benefit" in shown.inner_text()

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_shows_as_it_is(self, page, tmp_path, text):
        maps.write_map(hostile_result(text), tmp_path / "map.html")
        faults = visit(page, tmp_path / "map.html")
        page.select_option("#look-up", index=1)
        page.hover(".leaflet-overlay-pane path >> nth=0", force=True)
        assert page.inner_text("h1") == text
        assert text in page.inner_text("#details")
        assert page.evaluate("window.ran") is None
        assert faults == []

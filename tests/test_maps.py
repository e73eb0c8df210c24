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
from equity_screen.boundaries import Boundary
from equity_screen.recipe import Priority, Question
from equity_screen.screen import screen
from equity_screen.synthetic import four_actions, four_zones
from equity_screen.text import safe_text
from tests.browser import broken_rules, visit
from tests.results import UTM, hostile_result, small_result, without_burdens

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
    return [json.loads(payload.replace("\\u00a0", " ").replace("\u00a0", " ")) for payload in found]


def layer_names(page_text):
    """Names in the layer control, as the reader sees them."""
    return re.findall(r'^\s*"([^"]+)" : screen_layer_', page_text, re.MULTILINE)


def brook(result):
    """What the map tells of Brook."""
    (city,) = drawn(rendered(result), "city")
    return dict(zip(city["neighbourhoods"]["labels"], city["neighbourhoods"]["values"][1], strict=True))


def many_dots(count):
    """The hub in many copies that all have its name, and the tram."""
    result = without(small_result(), ["hub", "tram"])
    for name in ("actions", "scores"):
        table = getattr(result, name)
        hubs = pd.concat([table.loc[["hub"]]] * count)
        hubs.index = pd.Index([f"hub{n:03d}" for n in range(count)], name="action")
        setattr(result, name, pd.concat([hubs, table.loc[["tram"]]]))
    result.reach["action"] = result.reach["action"].replace("hub", "hub000")
    return result


def without(result, rows):
    """The result with other actions: none of the tables speaks of any that is not listed."""
    result.actions, result.scores = result.actions.loc[rows], result.scores.loc[rows]
    for name in ("reach", "by_group", "before_after"):
        table = getattr(result, name)
        setattr(result, name, table[table["action"].isin(rows)])
    return result


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


class TestMissed:
    def missed(self):
        result = small_result()
        result.missed = result.missed.assign(ledger="benefit")
        return result

    def test_a_layer_of_its_own_with_its_legend(self):
        page = rendered(self.missed())
        assert "Hatched: priority neighbourhoods that no benefit reaches" in layer_names(page)
        (shape,) = drawn(page, "missed")
        ashfield = maps.light_shapes(small_result().neighbourhoods)[0]
        assert shapely.equals(shapely.from_geojson(json.dumps(shape)), ashfield)
        assert '<span class="swatch missed"></span>priority neighbourhoods that no benefit reaches (1)' in page

    def test_only_the_missed_name_their_nearest_action(self):
        (city,) = drawn(rendered(self.missed()), "city")
        place = city["neighbourhoods"]["labels"].index("Nearest action with a benefit")
        assert [values[place] for values in city["neighbourhoods"]["values"]] == ["Tram line, 320 m away", "", "", ""]

    def test_where_every_one_is_reached_there_is_neither(self):
        page = rendered(small_result())
        assert drawn(page, "missed") == []
        assert 'class="swatch missed"' not in page
        assert "Nearest action" not in page


class TestFigures:
    def test_neighbourhood_shows_its_row(self):
        (city,) = drawn(rendered(small_result()), "city")
        assert city["neighbourhoods"]["names"][1] == "Brook"
        assert brook(small_result()) == {
            "People": "2,000",
            "People with low incomes": "400 (20.0 %)",
            "Communities of colour": "1,000 (50.0 %)",
            "Summer heat [°C]": "32.0",
            "Burden score": "4.00",
            "Burden percentile": "50.0",
            "In most burdened quarter": "no",
            "In reach of a benefit of active actions": "50.0 %",
            "In reach of a burden of active actions": "25.0 %",
        }

    def test_group_share_is_of_its_own_universe(self):
        result = small_result()
        result.neighbourhoods["universe_colour"] = 1000.0
        (city,) = drawn(rendered(result), "city")
        assert city["neighbourhoods"]["values"][0][2] == "600 (60.0 % of those counted)"

    def test_percent_sign_stays_with_its_number(self):
        page = rendered(small_result())
        assert "20.0\\u00a0%" in page
        assert re.findall(r"\d %", re.sub(r"data:[\w/]+;base64,[\w+/=]+", "", page)) == []

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
        assert len(drawn(rendered(result), "reach")) == 2
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


class TestNotAssessed:
    def test_no_theme_layer_or_zero_stands_for_a_burden(self):
        page = rendered(without_burdens())
        assert len(drawn(page, "theme")) == 3
        assert [reach["ledger"] for reach in drawn(page, "reach")] == ["benefit"]
        assert not any("burden of" in name or "of a burden" in name for name in layer_names(page))
        assert "burdens of active actions: not assessed" in page
        assert brook(without_burdens())["In reach of a burden of active actions"] == "not assessed"

    def test_burden_of_no_active_action_is_not_a_zero(self):
        result = small_result()
        result.actions.loc["tram", "active"] = result.scores.loc["tram", "active"] = False
        page = rendered(result)
        assert len(drawn(page, "theme")) == 3
        assert "burdens of active actions: not assessed" in page
        assert "Area in reach of a burden (all actions)" in layer_names(page)
        assert "Area in reach of a burden (active actions)" not in layer_names(page)

    @pytest.mark.parametrize(
        ("state", "words"),
        [("assessed", "city-wide only"), ("unlocated", "not counted"), ("none expected", "none expected")],
    )
    def test_other_reasons_are_told_apart(self, state, words):
        result = without_burdens()
        result.scores["burden_assessed"] = state
        assert f"burdens of active actions: {words}" in rendered(result)

    def test_effect_that_is_none_has_no_area(self):
        result = small_result()
        result.scores.loc["tram", "burden_assessed"] = "none expected"
        assert [reach["ledger"] for reach in drawn(rendered(result), "reach")] == ["benefit"]


class TestStatus:
    def test_names_say_that_the_numbers_are_of_active_actions(self):
        assert layer_names(rendered(small_result()))[:8] == [
            "Burden score",
            *("People in reach of a benefit (active actions)", "People in reach of a burden (active actions)"),
            "Summer heat",
            *("Outline: most burdened quarter", "Outline: Council wards"),
            *("Area in reach of a benefit (active actions)", "Area in reach of a burden (active actions)"),
        ]

    def test_reach_of_what_is_not_active_is_a_layer_of_its_own(self):
        result = small_result()
        result.actions.loc["hub", "active"] = result.scores.loc["hub", "active"] = None
        page = rendered(result)
        active, every, _ = drawn(page, "reach")
        areas = [shapely.geometry.shape(reach["shape"]).area for reach in (active, every)]
        assert areas[0] < areas[1]
        assert "Area in reach of a benefit (all actions)" in layer_names(page)

    def test_marker_follows_the_status(self):
        result = small_result()
        result.actions.loc["hub", "active"] = None
        layers = drawn(rendered(result), "actions")
        (city,) = drawn(rendered(result), "city")
        markers = {
            city["actions"][member]["name"]: marker
            for layer in layers
            for member, marker in zip(layer["members"], layer["markers"], strict=True)
        }
        assert markers == {"Cooling hub": 2, "Tram line": 0, "Pocket park": 1}

    def test_legend_counts_what_is_on_the_map(self):
        page = rendered(small_result())
        assert "active (2)" in page
        assert "not active (1); a line or an edge is dashed" in page
        assert "status unknown" not in page.split("<h3>Actions by status</h3>")[1].split("</ul>")[0]


class TestPopulation:
    def test_nobody_is_said_to_live_nowhere(self):
        assert "no population (1)" in rendered(small_result())
        assert "nobody lives" not in rendered(small_result())

    @pytest.mark.parametrize("code", ["ES-POP-UNPOPULATED", "ES-X; ES-POP-EXCLUDED"])
    def test_declared_gap_is_not_an_empty_place(self, code):
        result = small_result()
        row = pd.DataFrame([["zones.gpkg", "feature 4", "D", "flagged", code, "", ""]], columns=result.status.columns)
        result.status = pd.concat([result.status, row], ignore_index=True)
        page = rendered(result)
        (city,) = drawn(page, "city")
        assert "no population published (1)" in page
        assert city["neighbourhoods"]["values"][3][:3] == ["no population published", "–", "–"]


class TestManyDots:
    def test_two_hundred_are_shown(self):
        page = rendered(many_dots(200))
        assert page.count("Off at first") == 0
        assert [layer["many"] for layer in drawn(page, "actions")] == [False, False]

    def test_of_more_the_sector_that_hides_the_colours_is_off_and_named(self):
        page = rendered(many_dots(201))
        assert "Off at first, because so many dots would hide the colours: Buildings." in page
        shown = re.findall(r"equityScreen\.actions\(map_1, .*?\)(\.addTo\(map_1\))?;$", page, re.MULTILINE)
        assert shown == ["", ".addTo(map_1)"]
        assert [layer["many"] for layer in drawn(page, "actions")] == [True, True]

    def test_repeated_names_bear_their_id(self):
        (city,) = drawn(rendered(many_dots(2)), "city")
        assert [action["name"] for action in city["actions"]] == [
            "Cooling hub (hub000)",
            "Cooling hub (hub001)",
            "Tram line",
        ]


class TestOutline:
    def test_sliver_between_neighbours_is_no_border(self):
        result = small_result()
        result.neighbourhoods["priority"] = [True, True, False, False]
        # A city 200 km wide is drawn to 50 m: A ends 60 m before B begins.
        edges = ((400_000, 499_940, 0), (500_000, 600_000, 0), (400_000, 500_000, 1), (500_000, 600_000, 1))
        squares = [shapely.box(w, 4_500_000 + n * 100_000, e, 4_600_000 + n * 100_000) for w, e, n in edges]
        result.neighbourhoods = result.neighbourhoods.set_geometry(squares, crs=UTM)
        (outline,) = drawn(rendered(result), "priority")
        assert outline["type"] == "Polygon"
        assert len(outline["coordinates"]) == 1


class TestOddCities:
    def test_no_action(self):
        page = rendered(without(small_result(), []))
        assert len(drawn(page, "theme")) == 2
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

    def test_missed_neighbourhoods_are_hatched_and_tell_the_nearest_action(self, page, tmp_path):
        result = small_result()
        result.missed = result.missed.assign(ledger="benefit")
        maps.write_map(result, tmp_path / "map.html")
        faults = visit(page, tmp_path / "map.html")
        assert page.locator('path[fill="url(#missed)"]').count() == 1
        page.select_option("#look-up", label="Ashfield")
        assert "Tram line, 320 m away" in page.inner_text("#details")
        page.select_option("#look-up", label="Brook")
        assert "Nearest action" not in page.inner_text("#details")
        assert broken_rules(page) == []
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
        page.get_by_label("People in reach of a benefit").check()
        shown = page.locator("[data-theme]:visible")
        assert shown.count() == 1
        assert "Share of people in reach of a benefit of active actions" in shown.inner_text()

    def test_markers_of_a_status_look_different(self, page, tmp_path):
        result = small_result()
        result.actions.loc["hub", "active"] = None
        maps.write_map(result, tmp_path / "map.html")
        visit(page, tmp_path / "map.html")
        hub = page.locator(".leaflet-points-pane path")
        assert (hub.get_attribute("fill"), hub.get_attribute("stroke-dasharray")) == ("#ffffff", "2 2.5")
        park = page.locator("path.action-area")
        assert (park.get_attribute("fill-opacity"), park.get_attribute("stroke-dasharray")) == ("0", "9 7")

    @pytest.mark.parametrize("size", [(1400, 900), (900, 1400)])
    def test_city_fills_the_window(self, page, tmp_path, size):
        maps.write_map(without(small_result(), []), tmp_path / "map.html")
        page.set_viewport_size({"width": size[0], "height": size[1]})
        visit(page, tmp_path / "map.html")
        drawn_city = page.locator(".leaflet-overlay-pane svg g").bounding_box()
        window = page.locator(".folium-map").bounding_box()
        used = max(drawn_city[side] / window[side] for side in ("width", "height"))
        assert 0.9 < used <= 1

    def test_dots_that_start_hidden_can_be_shown(self, page, tmp_path):
        maps.write_map(many_dots(201), tmp_path / "map.html")
        faults = visit(page, tmp_path / "map.html")
        dots = page.locator(".leaflet-points-pane path")
        assert dots.count() == 0
        page.get_by_label("Actions: Buildings").check()
        assert dots.count() == 201
        assert float(dots.first.get_attribute("fill-opacity")) < 1
        assert faults == []

    def test_map_without_a_burden_is_accessible(self, page, tmp_path):
        maps.write_map(without_burdens(), tmp_path / "map.html")
        assert visit(page, tmp_path / "map.html") == []
        assert broken_rules(page) == []

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


class TestWithoutPeople:
    """A run that knows no people: actions are counted, nothing is said of people."""

    @pytest.fixture
    def page(self):
        city, plan = four_zones().drop(columns="people_low_income").assign(population=np.nan), four_actions()
        actions = plan.actions.set_geometry([None, city.geometry["B"], None, city.geometry["A"]])
        return rendered(screen(city, plan._replace(actions=actions)))

    def test_neighbourhoods_are_coloured_by_their_actions(self, page):
        assert [theme["classes"] for theme in drawn(page, "theme")] == [[0, 0, 1, 1]]  # by name: D, C, B, A

    def test_nothing_is_said_of_people(self, page):
        (city,) = drawn(page, "city")
        assert city["neighbourhoods"]["labels"] == ["Burden score", "Burden percentile", "In priority neighbourhoods"]


class TestAreas:
    def test_borders_of_a_boundary_can_be_switched_on(self):
        banks = Boundary("Banks", gpd.GeoDataFrame({"name": ["S"]}, index=["s"], geometry=[south()], crs=25832))
        page = rendered(screen(four_zones(), four_actions(), boundaries={"bank": banks}))
        (shape,) = drawn(page, "boundary")
        assert shapely.geometry.shape(shape).geom_type in ("LineString", "MultiLineString")
        assert "Outline: Banks" in layer_names(page)
        assert drawn(page, "priority") == []

    def test_priority_areas_are_outlined_as_they_are(self):
        areas = gpd.GeoDataFrame(geometry=[south()], crs=25832)
        question = Question(priority=Priority(layer="old.geojson", label="old towns"))
        page = rendered(screen(four_zones(), four_actions(), question=question, priority=areas))
        (shape,) = drawn(page, "priority")
        exact = gpd.GeoSeries([south()], crs=25832).to_crs(4326).iloc[0]
        assert shapely.geometry.shape(shape).symmetric_difference(exact).area < 1e-3 * exact.area
        assert "old towns (1 area)" in page


def south() -> shapely.Polygon:
    return shapely.union_all(four_zones().geometry[["A", "B"]].array)


def test_actions_on_whole_neighbourhoods_are_outlined_only():
    layers = drawn(rendered(screen(four_zones(), four_actions())), "actions")
    assert sorted(flag for layer in layers for flag in layer["outlined"]) == [
        False,
        True,
    ]  # the trees, the tram's zones

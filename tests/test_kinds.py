"""The catalogue of kinds of action: how far each usually reaches, by whose word; what a project says instead.

``python -m tests.test_kinds`` writes the tables of docs/kinds.md again.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from equity_screen.errors import UsageError
from equity_screen.kinds import (
    NO_DISTANCE,
    Kind,
    OwnKind,
    find_kind,
    kind_words,
    kinds_with,
    load_kinds,
    reach_of,
)
from equity_screen.reaches import REACH_KEYS, missing_keys

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "equity_screen" / "kinds.toml"
PAGE = ROOT / "docs" / "kinds.md"
MARK = "<!-- made by python -m tests.test_kinds -->\n"
YEAR = re.compile(r"\b(19|20)\d\d\b")

RAW = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
KINDS = load_kinds()
CITY = {"source": "Transport plan 2024, p. 12"}

# What climate plans have; the catalogue may hold more.
WANTED = [
    "tree_planting",
    "park",
    "bus_stop",
    "bus_rapid_transit",
    "tram_stop",
    "rail_station",
    "cycle_path",
    "bike_share_station",
    "low_emission_zone",
    "congestion_charge",
    "road_closure",
    "district_heating",
    "geothermal_plant",
    "waste_to_energy_plant",
    "biogas_plant",
    "wind_turbine",
    "rooftop_solar",
    "community_solar",
    "battery_storage",
    "charging_point",
    "building_retrofit",
    "heat_pump_grant",
    "cooling_centre",
    "drinking_fountain",
    "green_roof",
    "flood_barrier",
    "sponge_park",
    "freight_depot",
    "construction_site",
    "recycling_centre",
    "highway_change",
    "community_energy_hub",
]


# The page


def distance_text(kind: Kind) -> str:
    ends = [kind.distance_low_m or kind.distance_m, kind.distance_high_m or kind.distance_m]
    spread = "" if ends[0] == ends[1] else f" ({ends[0]:,.0f} to {ends[1]:,.0f})"
    return "" if kind.distance_m is None else f"{kind.distance_m:,.0f}{spread}"


def catalogue_rows() -> list[str]:
    """Write the catalogue as a table; the source under the note, so that it stays readable."""
    rows = ["| kind | what | reach | distance [m] | measured | source | checked |", "|---|---|---|---|---|---|---|"]
    for name, kind in KINDS.items():
        reach = f"{kind.reach}, {kind.kernel}" if kind.kernel else kind.reach
        source = ". ".join(part[:1].upper() + part[1:] for part in (kind.source, kind.note) if part)
        cells = [f"`{name}`", kind.label, reach, distance_text(kind), kind.measured, source, kind.checked]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def written_page() -> str:
    """Give the page with its table made anew."""
    words = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    return words + MARK + "\n" + "\n".join(catalogue_rows()) + "\n"


def test_page_holds_what_the_catalogue_holds():
    assert PAGE.read_text(encoding="utf-8") == written_page(), "python -m tests.test_kinds writes it again"


# The catalogue


class TestCatalogue:
    def test_a_quarter_mile_to_the_bus_half_a_mile_to_the_train(self):
        assert [KINDS[name].distance_m for name in ("bus_stop", "rail_station")] == [400, 800]

    def test_holds_what_climate_plans_have(self):
        assert set(WANTED) - set(KINDS) == set()

    def test_names_are_sorted_and_plain(self):
        assert list(RAW) == sorted(RAW)
        assert [name for name in RAW if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []

    def test_labels_stand_once(self):
        labels = [kind.label.casefold() for kind in KINDS.values()]
        assert sorted(set(labels)) == sorted(labels)

    def test_no_amount_of_effect_and_no_ledger(self):
        lengths = {"distance_m", "distance_low_m", "distance_high_m", "kernel"}
        keys = {key for entry in RAW.values() for key in entry}
        assert keys <= lengths | {"label", "reach", "measured", "source", "checked", "note"}

    @pytest.mark.parametrize("name", RAW)
    def test_a_distance_has_a_source_with_its_year_and_says_how_it_is_measured(self, name):
        kind = KINDS[name]
        assert bool(kind.measured) == (kind.distance_m is not None)
        if kind.distance_m is not None:
            assert kind.checked in {"read", "secondary"}

    @pytest.mark.parametrize("name", RAW)
    def test_every_source_has_a_year_and_where_there_is_none_that_is_said(self, name):
        kind = KINDS[name]
        assert bool(YEAR.search(kind.source)) == (kind.checked != "none")
        assert kind.checked in {"read", "secondary", "none"}
        assert (NO_DISTANCE in kind.note) or kind.distance_m is not None

    @pytest.mark.parametrize("name", RAW)
    def test_a_note_says_what_the_distance_means(self, name):
        assert len(KINDS[name].note) >= 20

    def test_is_read_once_and_cannot_be_changed(self):
        assert load_kinds() is load_kinds()
        with pytest.raises(TypeError, match="does not support item assignment"):
            KINDS["bus_stop"] = KINDS["park"]
        with pytest.raises(ValidationError, match="frozen"):
            KINDS["bus_stop"].distance_m = 1.0

    @pytest.mark.parametrize("name", RAW)
    def test_lacks_at_most_what_only_the_project_can_know(self, name):
        reach = reach_of(KINDS[name])
        lacking = missing_keys(str(reach["reach"]), str(reach.get("kernel", "")), given=reach.keys())
        wanted = {"area": ["layer"], "decay": ["floor_m"]}.get(KINDS[name].reach, [])
        assert lacking == (
            wanted or (["distance_m"] if KINDS[name].reach == "within" and not distance_text(KINDS[name]) else [])
        )


# What a project says


class TestOwnKinds:
    def test_nothing_said_is_the_catalogue(self):
        assert dict(kinds_with({})) == dict(KINDS)

    def test_own_distance_drops_the_published_one_with_all_that_belongs_to_it(self):
        kind = kinds_with({"bus_stop": {"distance_m": 500, **CITY}})["bus_stop"]
        assert (kind.label, kind.reach, kind.distance_m, kind.source) == ("Bus stop", "within", 500, CITY["source"])
        assert (kind.distance_high_m, kind.measured, kind.note, kind.checked) == (None, "", "", "project")

    def test_own_reach_in_the_place_of_a_distance(self):
        kinds = kinds_with({"bus_stop": {"reach": "travel", "minutes": 5, **CITY}})
        assert reach_of(kinds["bus_stop"]) == {"reach": "travel", "minutes": 5.0}

    def test_added_kind_stands_in_its_place(self):
        kinds = kinds_with({"bench": {"label": "Bench", "reach": "within", "distance_m": 150, **CITY}})
        assert list(kinds) == sorted([*KINDS, "bench"])
        assert kinds["bench"].distance_m == 150

    def test_declarations_and_plain_mappings_say_the_same(self):
        said = {"distance_m": 500.0, **CITY}
        full = Kind(label="Bus stop", reach="within", **said)
        kinds = [kinds_with({"bus_stop": value})["bus_stop"] for value in (said, OwnKind(**said), full)]
        assert kinds[0] == kinds[1] == kinds[2]

    def test_no_claim_of_having_checked(self):
        mine = {"distance_m": 500, "checked": "read", **CITY}
        assert kinds_with({"bus_stop": mine})["bus_stop"].checked == "project"

    @pytest.mark.parametrize(
        ("name", "entry", "message"),
        [
            ("bus_stop", {"distance_m": 500}, r"kind 'bus_stop': source: name the publication"),
            ("bus_stop", {"distance_m": 500, "source": " "}, r"kind 'bus_stop': source: name the publication"),
            ("bus_stop", {"distnce_m": 500, **CITY}, r"unknown key 'distnce_m'; did you mean 'distance_m'\?"),
            ("bus_stop", {"amount": 5, **CITY}, r"unknown key 'amount'; one of: distance_high_m, "),
            ("bus_stop", {"distance_m": -5, **CITY}, r"distance_m: input should be greater than 0, not -5"),
            ("bus_stop", {"distance_m": "far", **CITY}, r"distance_m: input should be a valid number.*, not 'far'"),
            ("bus_stop", {"reach": "near", **CITY}, r"reach: input should be 'footprint', .*, not 'near'"),
            ("bus_stop", {"minutes": 5, **CITY}, r"kind 'bus_stop': minutes does not go with reach within"),
            ("bus_stop", {"distance_low_m": 5, **CITY}, r"distance_low_m and distance_high_m go with distance_m"),
            ("bus_stop", {"distance_m": 5, "distance_low_m": 9, **CITY}, r"run from distance_low_m over distance_m"),
            ("park", {"reach": "decay", "distance_m": 5, **CITY}, r"kind 'park': reach decay needs kernel"),
            (
                "bus_stpo",
                {"distance_m": 5, **CITY},
                r"'bus_stpo' is not in the catalogue \(did you mean 'bus_stop'\?\)",
            ),
            (
                "bench",
                {"label": "Bench", **CITY},
                r"'bench' is not in the catalogue: a new one needs label and reach$",
            ),
            ("Bus stop", {"distance_m": 5, **CITY}, r"kind 'Bus stop': a name is of small letters, digits and _"),
        ],
    )
    def test_fault_names_kind_key_value_and_mend(self, name, entry, message):
        with pytest.raises(UsageError, match=message):
            kinds_with({name: entry})

    def test_two_faults_are_said_at_once(self):
        with pytest.raises(UsageError, match=r"source: name .*; unknown key 'amount'; one of: ") as caught:
            kinds_with({"park": {"amount": 3}})
        assert str(caught.value).startswith("kind 'park': ")

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ({"distance_m": 5, "checked": "none"}, "distance_m without a source"),
            ({"source": "A 2020", "checked": "none"}, "source: name"),
            ({"checked": "read"}, "source: name"),
        ],
    )
    def test_catalogue_itself_cannot_hold_a_distance_without_source(self, entry, message):
        with pytest.raises(ValidationError, match=message):
            Kind(label="Bench", reach="within", **entry)


# Where an effect lands


class TestReach:
    def test_kind_not_known_names_the_nearest(self):
        with pytest.raises(UsageError, match=r"no kind of action 'cyclepath'; did you mean 'cycle_path'\?"):
            find_kind("cyclepath")

    def test_own_kinds_are_looked_up_where_given(self):
        kinds = kinds_with({"bench": {"label": "Bench", "reach": "footprint", **CITY}})
        assert find_kind("bench", kinds).label == "Bench"

    @pytest.mark.parametrize(
        ("stated", "wanted"),
        [
            ({}, {"reach": "within", "distance_m": 400}),
            ({"reach": "", "distance_m": None, "kernel": ""}, {"reach": "within", "distance_m": 400}),
            ({"distance_m": 250}, {"reach": "within", "distance_m": 250}),
            ({"reach": "footprint"}, {"reach": "footprint"}),
            ({"reach": "within", "distance_m": 90}, {"reach": "within", "distance_m": 90}),
            # An effect with a reach of its own takes no distance from its kind: what it lacks stays lacking.
            ({"reach": "within"}, {"reach": "within"}),
            ({"amount": 7, "unit": "h"}, {"reach": "within", "distance_m": 400}),
        ],
    )
    def test_what_the_effect_states_goes_before_its_kind(self, stated, wanted):
        assert reach_of(KINDS["bus_stop"], stated) == wanted

    def test_layer_of_the_effect_completes_an_area(self):
        assert reach_of(KINDS["district_heating"], {"layer": "heat.gpkg"}) == {"reach": "area", "layer": "heat.gpkg"}

    def test_kernel_comes_with_its_kind(self):
        reach = reach_of(KINDS["hazardous_facility_closure"], {"floor_m": 100.0})
        assert reach == {"reach": "decay", "distance_m": 5000, "kernel": "inverse", "floor_m": 100}
        assert missing_keys("decay", "inverse", given=reach.keys()) == []

    @given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(REACH_KEYS), st.floats(1, 1e4)))
    def test_all_that_is_stated_is_kept(self, name, stated):
        reach = reach_of(KINDS[name], stated)
        assert {key: reach[key] for key in stated} == stated
        assert reach["reach"] == KINDS[name].reach


class TestWords:
    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            ({"reach": "footprint"}, "its own footprint"),
            ({"reach": "within", "distance_m": 1500}, "within 1,500 m"),
            ({"reach": "within"}, "within a distance that the project states"),
            ({"reach": "ring", "inner_m": 100, "distance_m": 300}, "from 100 m to 300 m"),
            (
                {"reach": "decay", "kernel": "gaussian", "distance_m": 300},
                r"fading with distance (gaussian) up to 300 m",
            ),
            ({"reach": "area"}, "the areas of a layer"),
            ({"reach": "raster"}, "the cells of a raster"),
            ({"reach": "travel", "minutes": 7.5}, "within 7.5 minutes"),
            ({"reach": "travel"}, "within a time of travel"),
            ({"reach": "citywide"}, "the whole city"),
        ],
    )
    def test_each_reach_is_said(self, entry, words):
        assert kind_words(Kind(label="It", source="A 2020", **entry)) == f"It: {words} (the project states: A 2020)"

    def test_range_of_the_sources_and_second_hand_are_said(self):
        words = kind_words(KINDS["highway_change"])
        assert words.startswith(
            "Highway widened, capped or removed: within 500 m, from 300 m to 570 m in the sources ("
        )
        assert words.endswith(", as quoted by others)")

    @pytest.mark.parametrize("name", RAW)
    def test_every_kind_says_its_source_or_that_none_was_found(self, name):
        kind = KINDS[name]
        assert (kind.source or "no published distance was found") in kind_words(kind)


if __name__ == "__main__":
    PAGE.write_text(written_page(), encoding="utf-8")

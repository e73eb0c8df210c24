"""Several ways to apportion, over the city of four squares: 100, 200, 300 and 400 people in A and B, under C and D.

Of them 50, 50, 30 and 20 have low incomes: 15 % of everyone.
"""

from __future__ import annotations

import math
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString, Point

from equity_screen.compare import HOST_MISLEADS, METHODS, Comparison, compare_overlays, comparison_sentences
from equity_screen.crosswalk import ByMask, ByPoints
from equity_screen.equity import by_group
from equity_screen.errors import UsageError
from equity_screen.inputs import gather
from equity_screen.overlay import overlay
from equity_screen.people import people_of, with_everyone
from equity_screen.project import read_project
from equity_screen.recipe import Group
from equity_screen.synthetic import CRS, four_actions, four_zones
from equity_screen.words import compared
from tests.plans import effect, km, km_box, plan_of

LOW = {"low_income": Group(label="People with low incomes", count="low_income")}
# It covers 80 % of B and 20 % of D; B's centre is in it, D's is not.
BAND = km_box(1, 0.2, 2, 1.2)


def compare(places, *effects, **more) -> Comparison:
    return compare_overlays(four_zones(), plan_of(places, *effects), groups=LOW, **more)


def blocks(*rows: tuple[int, float, float, float]) -> gpd.GeoDataFrame:
    """Population points: position of the neighbourhood, kilometres from the corner, people."""
    at = [km(Point(x, y)) for _, x, y, _ in rows]
    columns = {"zone": [zone for zone, *_ in rows], "people": [people for *_, people in rows]}
    return gpd.GeoDataFrame(columns, geometry=at, crs=CRS)


def column(comparison: Comparison, name: str, group: str = "everyone") -> dict[str, object]:
    """A column of the first effect by method."""
    table = comparison.effects
    first = (table[["action", "effect"]] == table[["action", "effect"]].iloc[0]).all(axis=1)
    return table[first & (table["group"] == group)].set_index("method")[name].to_dict()


# In the head


def test_a_disc_that_touches_three_squares():
    """420 m around a point of A: 200 m from B, 400 m from C, and short of the corner of D."""
    found = compare({"X": km(Point(0.8, 0.6))}, effect("X", reach="within", distance_m=420.0))
    r = 0.42
    b, c = (r * r * math.acos(d / r) - d * math.sqrt(r * r - d * d) for d in (0.2, 0.4))
    a = math.pi * r * r - b - c
    people = column(found, "people_reached")
    # The grid and the ground differ by less than 0.1 %.
    assert people.pop("area") == pytest.approx(100 * a + 200 * b + 300 * c, rel=2e-3)
    assert people == {"centre": 100, "touch": 600, "host": 100}
    low = column(found, "people_reached", "low_income")
    assert low.pop("area") == pytest.approx(50 * a + 50 * b + 30 * c, rel=2e-3)
    assert low == {"centre": 50, "touch": 130, "host": 50}
    assert column(found, "share_of_effect", "low_income")["touch"] == pytest.approx(130 / 600)
    assert column(found, "parity", "low_income")["centre"] == pytest.approx(0.5 / 0.15)


def test_a_verdict_that_hangs_on_the_method():
    """By area 44 of 240 have low incomes, by centre 50 of 200, by touch 70 of 600."""
    found = compare({"X": BAND})
    people = {"area": 240, "centre": 200, "touch": 600, "host": 600}
    assert column(found, "people_reached") == pytest.approx(people, rel=1e-6)
    shares = {"area": 44 / 240, "centre": 0.25, "touch": 70 / 600, "host": 70 / 600}
    assert column(found, "share_of_effect", "low_income") == pytest.approx(shares, rel=1e-5)
    words = {"area": "more than", "centre": "more than", "touch": "less than", "host": "less than"}
    assert column(found, "direction", "low_income") == words
    row = found.summary.loc[("X", "benefit", "shade")]
    assert row[["used", "least_by", "most_by", "groups_changing", "nobody_by"]].tolist() == [
        "area",
        "centre",
        "touch",
        "People with low incomes",
        "",
    ]
    assert row[["people_reached", "least", "most", "host"]].tolist() == pytest.approx([240, 200, 600, 600], rel=1e-6)
    assert row["spread_percent"] == pytest.approx(100 * 400 / 240, rel=1e-6)
    assert (row["verdict_changes"], row["verdict_turns"], row["apportioned"]) == (True, True, True)


def test_what_it_says():
    lines = comparison_sentences(compare({"X": BAND}))
    assert lines[0] == (
        "People in reach are counted by area (share of a neighbourhood's area in reach), compared with centre and "
        "touch. Directions take those in reach to be like the residents of their neighbourhood on average."
    )
    assert lines[1] == (
        'X, benefit "shade": 240 people by area, from 200 by centre to 600 by touch, a spread of 166.7 %; 600 by host '
        "alone. People with low incomes: more than their share by area and centre; less than their share by touch."
    )
    assert lines[2] == HOST_MISLEADS
    assert str(compare({"X": BAND})) == "\n".join(lines)


def test_host_is_shown_and_counts_for_nothing():
    """720 m around a point of A: the centres of A, B and C are within, and no method but host says as few as 100."""
    found = compare({"X": km(Point(0.95, 0.95))}, effect("X", reach="within", distance_m=720.0))
    people = column(found, "people_reached")
    assert (people["centre"], people["touch"], people["host"]) == (600, 1000, 100)
    row = found.summary.iloc[0]
    assert (row["host"], row["least_by"], row["least"] > 250) == (100, "area", True)


def test_a_verdict_that_only_host_would_change_does_not_change():
    """Around a point of B, close to D: with 70 of 600 or so less than their share, of B alone more."""
    found = compare({"X": km(Point(1.6, 0.99))}, effect("X", reach="within", distance_m=530.0))
    expected = dict.fromkeys(["area", "centre", "touch"], "less than") | {"host": "more than"}
    assert column(found, "direction", "low_income") == expected
    assert found.summary[["verdict_changes", "verdict_turns"]].to_numpy().tolist() == [[False, False]]


def test_a_method_that_reaches_nobody_has_no_verdict():
    found = compare({"X": km(Point(0.1, 0.1))}, effect("X", reach="within", distance_m=50.0))
    row = found.summary.iloc[0]
    assert (row["verdict_changes"], row["nobody_by"]) == (False, "centre")
    assert column(found, "direction", "low_income")["centre"] == ""


def test_the_centre_of_a_neighbourhood_lies_in_it():
    """Two streets at a right angle: their centroid is in neither, so what lies around it does not reach them whole."""
    bent = shapely.union_all([km_box(0, 0, 4, 0.5), km_box(0, 0, 0.5, 4)])
    city = gpd.GeoDataFrame(
        {"population": [100.0]}, index=pd.Index(["L"], name="neighbourhood"), geometry=[bent], crs=CRS
    )
    assert not bent.contains(bent.centroid)
    around = bent.centroid.buffer(800)
    found = compare_overlays(city, plan_of({"X": around}))
    assert column(found, "people_reached")["area"] > 0
    assert column(found, "people_reached")["centre"] == 0


def test_points_are_used_where_there_are_any():
    homes = blocks((1, 1.5, 0.1, 150), (1, 1.5, 0.5, 50), (3, 1.5, 1.1, 400))
    found = compare({"X": BAND}, blocks=homes)
    assert list(found.methods) == ["points", "area", "centre", "touch", "host"]
    assert column(found, "people_reached")["points"] == pytest.approx(450)
    assert found.summary["used"].tolist() == ["points"]
    assert found.effects.loc[found.effects["used"], "method"].unique().tolist() == ["points"]
    assert column(found, "direction", "low_income")["points"] == "less than"


def test_land_and_other_points_come_in_by_their_names():
    """Land in the lowest fifth of B and all of D: nobody of B is in reach."""
    land = gpd.GeoSeries([km_box(1, 0, 2, 0.2), km_box(1, 1, 2, 2)], crs=CRS)
    homes = blocks((1, 1.5, 0.5, 1), (1, 1.5, 0.1, 3))
    found = compare({"X": BAND}, methods={"land": ByMask(land), "homes": ByPoints(homes)})
    people = column(found, "people_reached")
    assert people["land"] == pytest.approx(80, rel=1e-5)
    assert people["homes"] == pytest.approx(50 + 80, rel=1e-5)
    assert found.methods["land"].endswith("; by area in 2 of 4 neighbourhoods, where it has none")
    assert found.methods["homes"].endswith("; by area in 3 of 4 neighbourhoods, where it has none")
    assert found.summary["least_by"].tolist() == ["land"]


def test_points_as_a_further_method_agree_with_those_of_the_project():
    homes = blocks((0, 0.5, 0.5, 100), (1, 1.5, 0.1, 150), (1, 1.5, 0.5, 50), (2, 0.5, 1.5, 300), (3, 1.5, 1.1, 400))
    effects = [effect("X"), effect("X", effect="jobs", per="total"), effect("X", effect="works", per="km2")]
    found = compare({"X": BAND}, *effects, blocks=homes, methods={"again": ByPoints(homes)}).effects
    numbers = ["people_reached", "total", "parity", "parity_low", "parity_high"]
    first, again = (found.loc[found["method"] == name, numbers] for name in ("points", "again"))
    assert again.to_numpy() == pytest.approx(first.to_numpy(), rel=1e-9)


# What each person receives


def test_a_total_stays_whole_and_is_shared_out_anew():
    found = compare({"X": BAND}, effect("X", amount=120.0, per="total"))
    assert column(found, "total") == pytest.approx(dict.fromkeys(["area", "centre", "touch", "host"], 120.0))
    low = column(found, "total", "low_income")
    assert low == pytest.approx({"area": 22, "centre": 30, "touch": 14, "host": 14}, rel=1e-5)


def test_an_effect_per_square_kilometre_is_of_the_ground():
    """BAND is 1 km², B and D are 2 km²; people on land do not make it more."""
    land = gpd.GeoSeries([km_box(1, 0, 2, 0.6), km_box(1, 1, 2, 2)], crs=CRS)
    found = compare({"X": BAND}, effect("X", amount=3.0, per="km2"), methods={"land": ByMask(land)})
    expected = {"area": 3, "land": 3, "centre": 3, "touch": 6, "host": 6}
    assert column(found, "total") == pytest.approx(expected, rel=1e-3)


def test_who_takes_it_up_still_does():
    found = compare({"X": BAND}, effect("X", uptake="low_income=0.5"))
    assert column(found, "people_reached") == pytest.approx(
        {"area": 22, "centre": 25, "touch": 35, "host": 35}, rel=1e-5
    )


def test_what_fades_keeps_its_strength_in_what_it_reaches():
    fading = effect("X", reach="decay", kernel="exponential", scale_m=200.0, distance_m=420.0)
    found = compare({"X": km(Point(0.8, 0.6))}, fading)
    per_head = {way: column(found, "total")[way] / column(found, "people_reached")[way] for way in ("area", "centre")}
    assert 0 < per_head["centre"] < 1
    assert column(found, "people_reached")["touch"] == 600
    assert column(found, "total")["touch"] < column(found, "people_reached")["touch"]


def test_a_missing_amount_hides_no_people():
    found = compare({"X": BAND}, effect("X", amount=np.nan))
    assert column(found, "people_reached")["touch"] == 600
    assert np.isnan(column(found, "parity", "low_income")["touch"])
    assert set(column(found, "direction", "low_income").values()) == {""}


# What no method changes


def test_declared_reaches_are_the_same_by_all():
    found = compare_overlays(four_zones(), four_actions(), groups=LOW)
    assert found.summary["apportioned"].tolist() == [False] * 5 + [True]
    assert found.summary["spread_percent"].tolist()[:4] == [0, 0, 0, 0]
    assert np.isnan(found.summary["people_reached"].iloc[4])
    lines = comparison_sentences(found)
    assert lines[1] == 'CITY, benefit "dividend": 1,000 people by every method: no neighbourhood is apportioned for it.'
    assert lines[5] == 'LOST, benefit "biogas": its place is not known: nothing is spread over anybody.'
    assert lines[6].endswith("400 by host alone. No verdict on a group changes.")


def test_a_reach_along_a_border_does_not_touch_next_door():
    """A metre of B all along its border with A: nothing that a planner means; a small place of its own is."""
    edge, small = km_box(0, 0, 1.0005, 1), km_box(1.5, 0.5, 1.51, 0.51)
    assert column(compare({"X": edge}), "people_reached")["touch"] == 100
    assert column(compare({"X": edge}), "people_reached")["host"] == 100
    assert column(compare({"X": small}), "people_reached")["touch"] == 200
    assert column(compare({"X": small}), "people_reached")["host"] == 200


@pytest.mark.parametrize(
    ("shape", "hosts"),
    [
        (Point(1.0, 0.5), 100),  # on a border: the first
        (LineString([(0.5, 0.5), (1.5, 0.5)]), 300),
        (shapely.box(0.5, 0.5, 0.9, 0.9), 100),
        (shapely.MultiPoint([(0.5, 0.5), (1.5, 1.5)]), 500),
    ],
)
def test_a_neighbourhood_hosts_what_it_holds(shape, hosts):
    found = compare({"X": km(shape)}, effect("X", reach="within", distance_m=300.0))
    assert column(found, "people_reached")["host"] == hosts


def test_by_area_is_what_the_project_finds():
    city, plan = (
        four_zones(),
        plan_of({"X": BAND, "Y": km(Point(0.9, 0.9))}, effect("X"), effect("Y", distance_m=400.0, reach="within")),
    )
    found = compare_overlays(city, plan).effects
    people = with_everyone(people_of(city))
    expected = by_group(overlay(city, plan), plan.effects, people=people, groups={})
    mine = found[found["method"] == "area"]
    for name in ("people_reached", "total", "parity", "parity_low", "parity_high"):
        assert mine[name].tolist() == expected[name].tolist()


def test_a_city_without_groups():
    city = four_zones().drop(columns="people_low_income")
    found = compare_overlays(city, plan_of({"X": BAND}))
    assert found.summary[["verdict_changes", "groups_changing"]].to_numpy().tolist() == [[False, ""]]
    assert comparison_sentences(found)[1].endswith("600 by host alone.")


# Faults


def test_without_people_there_is_nothing_to_apportion():
    with pytest.raises(UsageError, match="no population"):
        compare_overlays(four_zones().assign(population=np.nan), plan_of({"X": BAND}))


def test_a_further_method_needs_a_name_of_its_own():
    with pytest.raises(UsageError, match="area, touch always compared"):
        compare({"X": BAND}, methods=dict.fromkeys(["touch", "area"], ByPoints(blocks((0, 0.5, 0.5, 1)))))


# The city that ships


def test_northhaven_within_seconds(root):
    file = read_project(root / "data" / "northhaven" / "northhaven.toml")
    inputs = gather(file)
    start = time.perf_counter()
    found = compare_overlays(inputs.neighbourhoods, inputs.plan, blocks=inputs.blocks)
    assert time.perf_counter() - start < 5
    table = found.effects.pivot_table("people_reached", ["action", "ledger", "effect", "group"], "method")
    assert (table["centre"] <= table["touch"]).all()
    # But for hairs along borders, which nobody is apportioned by who counts whole neighbourhoods.
    assert (table["area"] <= table["touch"] + 1e-3 * 300_000).all()
    uniform = found.effects[found.effects["action"] == "ACT-UNIFORM"]
    assert uniform["parity"].tolist() == pytest.approx([1.0] * len(uniform))
    assert found.summary.loc["ACT-HALF", "people_reached"].tolist() == [22_500, 22_500]
    people = people_of(inputs.neighbourhoods).population.sum()
    assert pd.Series(found.summary["most"]).dropna().le(people + 1e-6).all()
    assert set(found.methods) == set(METHODS)
    of_groups = found.effects[(found.effects["group"] != "everyone") & found.effects["parity"].notna()]
    words = [compared(*pair) for pair in of_groups[["share_of_effect", "share_of_people"]].itertuples(index=False)]
    assert of_groups["direction"].tolist() == words
    assert set(words) == {"more than", "less than", "in line with"}
    assert len(comparison_sentences(found)) == len(found.summary) + 2

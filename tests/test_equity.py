"""Who gets what in the city of four squares: 100, 200, 300 and 400 people, 150 of them with low incomes."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry.base import BaseGeometry

from equity_screen.actions import Plan
from equity_screen.equity import by_effect, by_group, counted_once, rank_of
from equity_screen.overlay import overlay
from equity_screen.people import people_of
from equity_screen.recipe import Group, Indicator, Ranking
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, km_box, plan_of

NAN = float("nan")
INCOME = Ranking(column="median_income", higher_is="advantaged")
HEAT = Indicator(label="Heat", unit="degC", higher_is="worse", column="heat")
STRAIGHT = 1e-5  # a straight side is not quite straight in the equal-area space


def groups_of(
    plan: Plan, city: gpd.GeoDataFrame | None = None, names: Mapping[str, Group] | None = None
) -> pd.DataFrame:
    """by_group, labelled by (action, ledger, effect, group)."""
    city = four_zones() if city is None else city
    table = by_group(overlay(city, plan), plan.effects, people=people_of(city), groups=names or {})
    return table.set_index(["action", "ledger", "effect", "group"])


def effects_of(plan: Plan, city: gpd.GeoDataFrame | None = None, **asked: object) -> pd.DataFrame:
    city = four_zones() if city is None else city
    return by_effect(overlay(city, plan), plan.effects, people=people_of(city), neighbourhoods=city, **asked)


def test_ranks_follow_the_declared_direction() -> None:
    assert rank_of(four_zones(), INCOME).tolist() == pytest.approx([0.05, 0.2, 0.45, 0.8])
    turned = INCOME.model_copy(update={"higher_is": "disadvantaged"})
    assert rank_of(four_zones(), turned).tolist() == pytest.approx([0.95, 0.8, 0.55, 0.2])


def test_ranks_leave_out_unknown_populations() -> None:
    city = four_zones()
    city.loc["D", "population"] = NAN
    assert rank_of(city, INCOME).tolist()[:3] == pytest.approx([50 / 600, 200 / 600, 450 / 600])


# ---------------------------------------------------------------- by group


def test_shade_for_a_and_c_by_group() -> None:
    row = groups_of(four_actions()).loc["WEST", "benefit", "shade", "low_income"]
    expected = {
        "people": 150,
        "people_reached": 80,  # 50 + 30
        "people_reached_low": 80,
        "people_reached_high": 80,
        "reached_share": 80 / 150,
        "total": 40,
        "mean": 40 / 150,
        "mean_rest": 160 / 850,  # 0.5 for 50 + 270 of the 850 others
        "gap": 40 / 150 - 160 / 850,
        "ratio": (40 / 150) / (160 / 850),
        "share_of_effect": 0.2,  # 40 of 200
        "share_of_people": 0.15,
        "parity": 4 / 3,
        "parity_low": 4 / 3,
        "parity_high": 4 / 3,
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert row["undefined"] == ""


def test_benefits_and_burdens_are_two_rows_and_never_a_difference() -> None:
    table = groups_of(four_actions())
    assert table.loc["EAST", "benefit", "trips", "low_income"]["total"] == pytest.approx(140)  # 2 each for 70
    assert table.loc["EAST", "burden", "noise", "low_income"]["total"] == pytest.approx(140)
    assert (table["total"].dropna() >= 0).all()


def test_a_uniform_effect_is_at_parity_for_everyone_exactly() -> None:
    row = groups_of(four_actions()).loc["CITY", "benefit", "dividend", "low_income"]
    assert [row[name] for name in ("parity", "parity_low", "parity_high", "ratio")] == [1, 1, 1, 1]
    assert row["gap"] == 0


@pytest.mark.parametrize(
    ("group", "low", "high"),
    [
        (50, 0, 50),  # 100 of 200 reached: all of the 50 or none
        (150, 50, 100),  # at most 50 others: at least 50 of the 150
        (100, 0, 100),
        (200, 100, 100),  # everyone is of the group
        (0, 0, 0),
    ],
)
def test_bounds_of_a_group_in_a_neighbourhood_that_is_half_reached(group: float, low: float, high: float) -> None:
    city = four_zones().assign(people_low_income=[0.0, group, 0.0, 0.0])
    row = groups_of(plan_of({"X": km_box(1, 0, 1.5, 1)}), city).iloc[0]
    bounds = [row["people_reached_low"], row["people_reached"], row["people_reached_high"]]
    assert bounds == pytest.approx([low, group / 2, high], abs=1e-3)


def test_bounds_of_parity_are_the_bounds_of_the_people_in_the_same_units() -> None:
    # Half of B: 50 of its 200 are of the group, and 15 % of the city.
    row = groups_of(plan_of({"X": km_box(1, 0, 1.5, 1)}, effect("X", amount=3.0))).iloc[0]
    assert row["parity"] == pytest.approx(0.25 / 0.15, rel=STRAIGHT)
    assert [row["parity_low"], row["parity_high"]] == pytest.approx([0, 0.5 / 0.15], rel=STRAIGHT)


def test_everyone_else_is_the_rest_of_the_groups_own_universe() -> None:
    # Adults 80 and 100 in A and B; the action reaches A alone.
    city = four_zones().assign(universe_low_income=[80.0, 100.0, 0.0, 0.0], people_low_income=[50.0, 50.0, 0.0, 0.0])
    row = groups_of(plan_of({"X": "zones:A"}), city).iloc[0]
    assert row["mean"] == 0.5
    assert row["mean_rest"] == 30 / 80
    assert row["share_of_effect"] == 50 / 80
    assert row["share_of_people"] == 100 / 180
    assert row["parity"] == pytest.approx((50 / 80) / (100 / 180))


def test_labels_and_dimensions_come_from_the_declarations() -> None:
    named = {"low_income": Group(label="People with low incomes", count="x", dimension="income")}
    row = groups_of(four_actions(), names=named).iloc[0]
    assert (row["label"], row["dimension"], row["unit"]) == ("People with low incomes", "income", "EUR")
    bare = groups_of(four_actions()).iloc[0]
    assert (bare["label"], bare["dimension"]) == ("low_income", "")


def test_rows_are_effects_by_groups_in_order() -> None:
    city = four_zones().assign(people_all=four_zones()["population"])
    table = groups_of(four_actions(), city)
    assert len(table) == 12
    assert table.index.get_level_values("group").tolist() == ["low_income", "all"] * 6


GROUP_REASONS = {
    "unlocated": ("unlocated", {}, "its place is not known: nothing is spread over anybody"),
    "nowhere": (km_box(5, 5, 6, 6), {}, "the effect reaches no neighbourhood"),
    "amount": ("zones:A", {"amount": NAN}, "the amount is missing"),
    "nothing": ("zones:A", {"amount": 0.0}, "parity: nobody of the group's universe receives anything"),
}


@pytest.mark.parametrize("case", GROUP_REASONS)
def test_relative_measures_without_a_meaning_are_undefined_with_a_reason(case: str) -> None:
    where, given, reason = GROUP_REASONS[case]
    row = groups_of(plan_of({"X": where}, effect("X", **given))).iloc[0]
    relative = ["ratio", "share_of_effect", "parity", "parity_low", "parity_high"]
    assert row[relative].isna().all()
    assert reason in row["undefined"]


def test_a_missing_amount_leaves_no_amount_and_still_says_who_is_reached() -> None:
    row = groups_of(plan_of({"X": "zones:A"}, effect("X", amount=NAN))).iloc[0]
    assert row[["total", "mean", "mean_rest", "gap"]].isna().all()
    assert row["people_reached"] == 50


def test_an_amount_of_zero_is_zero_in_total_mean_and_gap() -> None:
    row = groups_of(plan_of({"X": "zones:A"}, effect("X", amount=0.0))).iloc[0]
    assert row[["total", "mean", "mean_rest", "gap"]].tolist() == [0, 0, 0, 0]


def test_a_group_without_people_here_has_no_mean_and_says_so() -> None:
    row = groups_of(plan_of({"X": "zones:A"}), four_zones().assign(people_low_income=0.0)).iloc[0]
    assert row[["reached_share", "mean", "gap", "ratio", "parity"]].isna().all()
    assert row["people"] == row["people_reached"] == 0
    assert row["undefined"] == "the group has no people here"


def test_a_group_that_is_everyone_has_nobody_to_be_compared_with() -> None:
    city = four_zones().assign(people_low_income=four_zones()["population"])
    row = groups_of(plan_of({"X": "zones:A"}), city).iloc[0]
    assert row[["mean_rest", "gap", "ratio"]].isna().all()
    assert row["parity"] == 1
    assert row["undefined"] == "ratio: everyone else has a mean of 0, or there is nobody else"


def test_a_ratio_to_nothing_is_undefined_and_the_gap_is_not() -> None:
    city = four_zones().assign(people_low_income=[100.0, 50.0, 30.0, 20.0])
    row = groups_of(plan_of({"X": "zones:A"}), city).iloc[0]
    assert np.isnan(row["ratio"])
    assert row["gap"] == 0.5
    assert "ratio" in row["undefined"]


def test_a_ratio_to_rounding_is_a_ratio_to_nothing() -> None:
    """Of A all but 1e-14 of a person are of the group, and nobody else has anything."""
    city = four_zones().assign(people_low_income=[np.nextafter(100.0, 0.0), 50.0, 30.0, 20.0])
    row = groups_of(plan_of({"X": "zones:A"}), city).iloc[0]
    assert row["mean_rest"] == 0
    assert row["gap"] == row["mean"]
    assert np.isnan(row["ratio"])
    assert row["undefined"] == "ratio: everyone else has a mean of 0, or there is nobody else"


# ---------------------------------------------------------------- by effect


def test_the_four_actions_on_the_whole() -> None:
    priority = four_zones()["population"] < 250  # A and B, 300 people
    table = effects_of(four_actions(), priority=priority, rankings={"income": INCOME})
    shade, trips = table.loc[("WEST", "benefit", "shade")], table.loc[("EAST", "benefit", "trips")]
    numbers = ["people_reached", "total", "mean", "priority_place_share", "ci_income", "gci_income"]
    assert shade[numbers].tolist() == pytest.approx([400, 200, 0.2, 0.25, -0.3, -0.06])
    # (0.5/1000)(100 * -0.9 + 300 * -0.1) = -0.06; for trips (2/1000)(200 * -0.6 + 400 * 0.6) = 0.24.
    assert trips[numbers].tolist() == pytest.approx([600, 1200, 1.2, 1 / 3, 0.2, 0.24])
    assert table["unit"].tolist() == ["EUR", "EUR", "trips", "dB", "GWh", "degC"]


def test_low_and_high_amounts_scale_the_total() -> None:
    plan = plan_of({"X": "zones:A"}, effect("X", amount=2.0, amount_low=1.0, amount_high=5.0))
    assert effects_of(plan)[["total_low", "total", "total_high"]].to_numpy().tolist() == [[100, 200, 500]]


def test_without_a_range_or_a_rule_there_is_no_low_high_or_priority() -> None:
    row = effects_of(plan_of({"X": "zones:A"})).iloc[0]
    assert row[["total_low", "total_high", "priority_place_share"]].isna().all()


def test_a_ranking_with_a_gap_ranks_the_others() -> None:
    city = four_zones()
    city.loc["D", "median_income"] = NAN
    # A, B, C have ranks 1/12, 1/3, 3/4 of 600 people; D's 400 count for nothing.
    row = effects_of(plan_of({"X": "zones:A;D"}), city, rankings={"income": INCOME}).iloc[0]
    assert row["gci_income"] == pytest.approx(100 / 600 * (2 / 12 - 1))
    assert row["ci_income"] == pytest.approx(2 / 12 - 1)


EFFECT_REASONS = {
    "unlocated": ("unlocated", {}, "its place is not known: nothing is spread over anybody"),
    "nowhere": (
        km_box(5, 5, 6, 6),
        {},
        "it reaches no neighbourhood: shares and the concentration index are undefined",
    ),
    "amount": ("zones:B", {"amount": NAN}, "the amount is missing: amounts, shares and concentration are undefined"),
    "nobody": ("zones:A", {}, "nobody lives in reach: shares and the concentration index are undefined"),
    "nothing": ("zones:B", {"amount": 0.0}, "the total is 0: shares and the concentration index are undefined"),
}


@pytest.mark.parametrize("case", EFFECT_REASONS)
def test_shares_and_the_index_without_a_total_are_undefined_with_a_reason(case: str) -> None:
    where, given, reason = EFFECT_REASONS[case]
    city = four_zones().assign(population=[0.0, 200.0, 300.0, 400.0], people_low_income=[0.0, 50.0, 30.0, 20.0])
    asked = {"priority": city["population"] < 250, "rankings": {"income": INCOME}}
    row = effects_of(plan_of({"X": where}, effect("X", **given)), city, **asked).iloc[0]
    assert row[["priority_place_share", "ci_income"]].isna().all()
    assert row["undefined"] == reason


@pytest.mark.parametrize(
    ("where", "amount", "generalised"),
    [
        ("zones:A", 0.0, 0.0),
        (km_box(5, 5, 6, 6), 1.0, 0.0),  # far outside: nobody receives anything
        ("zones:A", NAN, NAN),
        ("unlocated", 1.0, NAN),
    ],
)
def test_the_generalised_index_of_nothing_is_zero_and_of_the_unknown_undefined(
    where: str | BaseGeometry, amount: float, generalised: float
) -> None:
    row = effects_of(plan_of({"X": where}, effect("X", amount=amount)), rankings={"income": INCOME}).iloc[0]
    assert row["gci_income"] == pytest.approx(generalised, nan_ok=True)
    assert np.isnan(row["ci_income"])


def test_an_effect_without_a_place_has_no_number_at_all() -> None:
    """Its reach is not known: a zero would be a claim."""
    plan, city = plan_of({"X": "unlocated"}), four_zones()
    asked = {"priority": city["population"] < 250, "rankings": {"income": INCOME}}
    said = ["unit", "per", "reach", "reach_source", "undefined"]
    assert effects_of(plan, **asked).iloc[0].drop(said).isna().all()
    row = groups_of(plan).iloc[0]
    known = ["unit", "label", "dimension", "own_universe", "people", "share_of_people", "undefined"]
    assert row.drop(known).isna().all()
    assert row["people"] == 150


def test_a_ranking_of_nobody_is_undefined_and_says_so() -> None:
    city = four_zones().assign(median_income=NAN)
    row = effects_of(plan_of({"X": "zones:A"}), city, rankings={"income": INCOME}).iloc[0]
    assert row[["ci_income", "gci_income"]].isna().all()
    assert row["undefined"] == "ci_income: nobody who receives anything is ranked"


# ---------------------------------------------------------------- people once


def test_people_of_two_overlapping_actions_are_counted_once_and_summed_twice() -> None:
    plan = plan_of({"X": km_box(0, 0, 1, 2), "Y": km_box(0, 0, 2, 1)})
    table = counted_once(overlay(four_zones(), plan), people_of(four_zones()), groups={})
    everyone, low_income = table.iloc[0], table.iloc[1]
    assert everyone[["people", "people_reached", "people_summed"]].tolist() == [1000, 600, 700]
    assert low_income[["people", "people_reached", "people_summed"]].tolist() == [150, 130, 180]
    assert everyone["reached_share"] == 0.6
    assert table["scope"].unique().tolist() == ["active actions", "all actions"]
    assert table["group"].tolist() == ["everyone", "low_income"] * 4


def test_the_bounds_of_people_once_are_those_of_the_union() -> None:
    plan = plan_of({"X": km_box(1, 0, 1.25, 1), "Y": km_box(1.25, 0, 1.5, 1)})
    table = counted_once(overlay(four_zones(), plan), people_of(four_zones()), groups={})
    bounds = ["people_reached_low", "people_reached", "people_reached_high"]
    assert table.loc[1, bounds].tolist() == pytest.approx([0, 25, 50], abs=1e-3)
    assert table.loc[0, bounds].tolist() == pytest.approx([float("nan"), 100, float("nan")], abs=1e-3, nan_ok=True)


def test_an_amount_of_zero_reaches_nobody_in_the_count_of_people_once() -> None:
    """None expected is not a burden on those who live there."""
    effects = [effect("X", ledger="burden", effect="noise", amount=0.0), effect("X", ledger="benefit", effect="shade")]
    plan = plan_of({"X": "zones:A"}, *effects)
    table = counted_once(overlay(four_zones(), plan), people_of(four_zones()), groups={})
    everyone = table[(table["group"] == "everyone") & (table["scope"] == "all actions")].set_index("ledger")
    assert everyone.loc["benefit", "people_reached"] == 100
    assert np.isnan(everyone.loc["burden", "people_reached"])
    assert everyone.loc["burden", "undefined"] == "no burden of all actions has a place"


def test_a_ledger_that_nobody_assessed_has_no_number() -> None:
    plan = plan_of({"X": "zones:A"}, effect("X"))
    table = counted_once(overlay(four_zones(), plan), people_of(four_zones()), groups={})
    burden = table[table["ledger"] == "burden"]
    assert burden["people_reached"].isna().all()
    assert set(burden["undefined"]) == {"no burden was assessed"}
    assert burden["people"].notna().all()

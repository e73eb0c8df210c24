"""Before and after in the city of four squares: 30, 29, 28 and 27 degrees."""

from __future__ import annotations

import math
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.actions import Plan
from equity_screen.change import (
    ACTIVE,
    BEFORE_AFTER,
    THREE_QUESTIONS,
    Baseline,
    baselines,
    before_after,
    three_questions,
)
from equity_screen.equity import by_group
from equity_screen.errors import UsageError
from equity_screen.overlay import overlay
from equity_screen.people import People, people_of
from equity_screen.recipe import Indicator
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, plan_of

NAN = float("nan")
HEAT = Indicator(label="Heat", unit="degC", higher_is="worse", column="heat")
STRAIGHT = 1e-5  # a straight side is not quite straight in the equal-area space


def plain_ede(levels: list[float], people: list[float], kappa: float) -> float:
    mean = math.fsum(p * math.exp(-kappa * v) for v, p in zip(levels, people, strict=True)) / math.fsum(people)
    return -math.log(mean) / kappa


def table_of(
    plan: Plan, city: gpd.GeoDataFrame, indicator: Indicator = HEAT, *, active: Sequence[str] | None = None
) -> pd.DataFrame:
    laid = overlay(city, plan)
    found = baselines(laid, plan.effects, neighbourhoods=city, indicators={"heat": indicator}, active=active)
    tables = [before_after(one, people_of(city), groups={}, epsilons=(0.5, 2.0)) for one in found]
    return pd.concat(tables).set_index(["action", "group", "epsilon"])


def test_half_a_degree_of_shade_for_a_and_c() -> None:
    table = table_of(four_actions(), four_zones())
    everyone, low_income = table.loc[("WEST", "everyone", 0.5)], table.loc[("WEST", "low_income", 0.5)]
    assert everyone[["mean_before", "mean_after"]].tolist() == pytest.approx([28, 27.8])
    # (30 * 50 + 29 * 50 + 28 * 30 + 27 * 20)/150, less half a degree for 80 of the 150
    assert low_income[["mean_before", "mean_after"]].tolist() == pytest.approx([4330 / 150, 4290 / 150])
    kappa = -0.5 * 28_000 / (30**2 * 100 + 29**2 * 200 + 28**2 * 300 + 27**2 * 400)
    assert everyone["kappa"] == low_income["kappa"] == pytest.approx(kappa)
    before, after = [30.0, 29.0, 28.0, 27.0], [29.5, 29.0, 27.5, 27.0]
    for row, people in ((everyone, [100, 200, 300, 400]), (low_income, [50, 50, 30, 20])):
        expected = [plain_ede(levels, people, kappa) for levels in (before, after)]
        assert row[["ede_before", "ede_after"]].tolist() == pytest.approx(expected, rel=1e-12)
        assert row["ede_change"] == pytest.approx(expected[1] - expected[0], abs=1e-10)


def test_kappa_grows_with_the_aversion_and_rows_are_everyone_first() -> None:
    table = table_of(four_actions(), four_zones())
    assert table.index.tolist() == [("WEST", g, e) for g in ("everyone", "low_income") for e in (0.5, 2.0)]
    assert table["kappa"].iloc[1] == pytest.approx(4 * table["kappa"].iloc[0])


@pytest.mark.parametrize(
    ("ledger", "higher_is", "change"),
    [("benefit", "worse", -1), ("burden", "worse", 1), ("benefit", "better", 1), ("burden", "better", -1)],
)
def test_what_a_ledger_does_to_an_indicator(ledger: str, higher_is: str, change: float) -> None:
    plan = plan_of({"X": "citywide"}, effect("X", ledger=ledger, amount=2.0, indicator="heat"))
    row = table_of(plan, four_zones(), HEAT.model_copy(update={"higher_is": higher_is})).iloc[0]
    assert row["mean_after"] - row["mean_before"] == pytest.approx(2 * change)
    assert row["ede_change"] == pytest.approx(2 * change)
    assert (row["kappa"] > 0) == (higher_is == "better")


def test_a_benefit_and_a_burden_of_one_action_on_one_indicator_are_netted_here() -> None:
    plan = plan_of(
        {"X": "citywide"},
        effect("X", amount=3.0, indicator="heat"),
        effect("X", ledger="burden", effect="works", amount=1.0, indicator="heat"),
    )
    table = table_of(plan, four_zones())
    assert len(table) == 4
    assert table.iloc[0]["mean_after"] == pytest.approx(26)


def test_each_action_is_measured_from_the_same_baseline() -> None:
    plan = plan_of(
        {"X": "citywide", "Y": "zones:A"}, *(effect(name, amount=1.0, indicator="heat") for name in ("X", "Y"))
    )
    table = table_of(plan, four_zones())
    assert table.loc[("X", "everyone", 0.5), "mean_after"] == pytest.approx(27)
    assert table.loc[("Y", "everyone", 0.5), "mean_after"] == pytest.approx(27.9)


def test_who_has_no_baseline_is_counted_and_left_out() -> None:
    city = four_zones()
    city.loc["D", "heat"] = NAN
    row = table_of(four_actions(), city).iloc[0]
    assert row["people_without_baseline"] == 400
    assert row["mean_before"] == pytest.approx((3000 + 5800 + 8400) / 600)
    assert row["mean_after"] == pytest.approx((2950 + 5800 + 8250) / 600)
    assert row["undefined"] == ""


@pytest.mark.parametrize(
    ("heat", "amount", "missing", "reason"),
    [
        ([NAN] * 4, 0.5, ["mean_before", "mean_after", "ede_before", "ede_after"], "no people with a baseline"),
        ([30.0, 29.0, 28.0, 27.0], NAN, ["mean_after", "ede_after", "ede_change"], "the amount is missing"),
        ([0.0] * 4, 0.5, ["kappa", "ede_before", "ede_after"], "EDE: κ needs a baseline whose mean is above 0"),
        ([-4.0, -1.0, 2.0, 0.0], 0.5, ["kappa", "ede_after"], "EDE: κ needs a baseline whose mean is above 0"),
        ([-9.0, -9.0, -9.0, 1.0], 0.5, ["kappa", "ede_after"], "EDE: κ needs a baseline whose mean is above 0"),
    ],
)
def test_before_and_after_are_undefined_with_a_reason(
    heat: list[float], amount: float, missing: list[str], reason: str
) -> None:
    plan = plan_of({"X": "zones:A;C"}, effect("X", amount=amount, indicator="heat"))
    row = table_of(plan, four_zones().assign(heat=heat)).iloc[0]
    assert row[missing].isna().all()
    assert row["undefined"] == reason


def test_a_group_without_people_has_no_level_and_says_so() -> None:
    row = table_of(four_actions(), four_zones().assign(people_low_income=0.0)).loc[("WEST", "low_income", 0.5)]
    assert row[["mean_before", "ede_before", "ede_after"]].isna().all()
    assert row["undefined"] == "no people with a baseline"


def test_effects_on_no_indicator_have_no_baseline() -> None:
    plan = plan_of({"X": "citywide"})
    laid = overlay(four_zones(), plan)
    assert baselines(laid, plan.effects, neighbourhoods=four_zones(), indicators={"heat": HEAT}) == []


def test_no_action_is_a_table_without_rows() -> None:
    people = People(np.ones(2), np.empty((2, 0)), np.empty((2, 0)), ())
    empty = Baseline("heat", HEAT, np.array([1.0, 3.0]), csc_array((2, 0)), ())
    assert before_after(empty, people, groups={}, epsilons=(0.5,)).empty


# ---------------------------------------------------------------- the gap


def test_shade_for_a_and_c_narrows_the_gap_by_a_thirteenth() -> None:
    row = table_of(four_actions(), four_zones()).loc[("WEST", "low_income", 0.5)]
    assert row[["people", "people_without_baseline"]].tolist() == [150, 0]
    # The other 850: 28,000 less 4,330 degrees, and half a degree for 50 of A and 270 of C.
    assert row[["mean_rest_before", "mean_rest_after"]].tolist() == pytest.approx([23670 / 850, 23510 / 850])
    assert row["change_mean"] == pytest.approx(-40 / 150)
    assert row[["gap_before", "gap_after", "gap_change"]].tolist() == pytest.approx([52 / 51, 48 / 51, -4 / 51])
    assert row["gap_change_share"] == pytest.approx(-1 / 13)
    assert row["gap_words"] == "narrows the gap by 7.7 % of it"
    ratios = [(4330 / 150) / (23670 / 850), (4290 / 150) / (23510 / 850), (40 / 150) / (160 / 850)]
    assert row[["ratio_before", "ratio_after", "ratio_change"]].tolist() == pytest.approx(ratios)
    assert row[["note", "undefined"]].tolist() == ["", ""]


def test_everyone_is_compared_with_nobody() -> None:
    row = table_of(four_actions(), four_zones()).loc[("WEST", "everyone", 2.0)]
    assert row[["mean_rest_before", "gap_before", "gap_after", "gap_change_share", "ratio_before"]].isna().all()
    assert row[["people", "gap_words", "undefined"]].tolist() == [1000, "", ""]


def test_the_index_is_the_distance_of_the_equivalent_from_the_mean() -> None:
    table = table_of(four_actions(), four_zones())
    for when in ("before", "after"):
        expected = (table[f"ede_{when}"] - table[f"mean_{when}"]).to_numpy()
        assert (expected > 0).all()
        np.testing.assert_array_equal(table[f"kp_index_{when}"], expected)


HALVES = People(np.array([10.0, 10.0]), np.array([[0.0], [10.0]]), np.array([[10.0], [10.0]]), ("g",))


@pytest.mark.parametrize(
    ("before", "change", "words"),
    [
        ([1.0, 3.0], [0.0, -1.0], "narrows the gap by 50.0 % of it"),
        ([3.0, 1.0], [0.0, -1.0], "widens the gap by 50.0 % of it"),
        ([1.0, 3.0], [0.0, -2.0], "closes the gap"),
        ([1.0, 3.0], [0.0, -3.0], "turns the gap round, to 50.0 % of its size"),
        ([1.0, 3.0], [1.0, -5.0], "turns the gap round, to 200.0 % of its size"),
        ([2.0, 2.0], [0.0, -1.0], "no gap before; opens one"),
        ([2.0, 2.0], [-1.0, -1.0], "no gap before"),
        ([1.0, 3.0], [-0.3, -0.3], "leaves the gap as it is"),
        ([1.0, 3.0], [0.0, -0.0001], "narrows the gap by less than 0.1 % of it"),
        ([1.0, 3.0], [0.0, NAN], ""),
        ([1.0, NAN], [0.0, 1.0], ""),
    ],
)
def test_what_becomes_of_a_gap(before: list[float], change: list[float], words: str) -> None:
    baseline = Baseline("heat", HEAT, np.array(before), csc_array(np.array([change]).T), ("A",))
    row = before_after(baseline, HALVES, groups={}, epsilons=(1.0,)).iloc[1]
    assert row["gap_words"] == words
    if words.startswith(("leaves", "no gap")):
        assert row["gap_change"] == row["gap_after"] - row["gap_before"]


def test_a_gap_that_rounding_leaves_is_none() -> None:
    people = People(np.full(3, 30.0), np.array([[1.0], [7.0], [11.0]]), np.full((3, 1), 30.0), ("g",))
    baseline = Baseline("heat", HEAT, np.full(3, 0.1), csc_array(np.full((3, 1), -0.07)), ("A",))
    row = before_after(baseline, people, groups={}, epsilons=(1.0,)).iloc[1]
    assert row[["gap_before", "gap_after", "gap_change"]].tolist() == [0, 0, 0]
    assert np.isnan(row["gap_change_share"])
    assert row["gap_words"] == "no gap before"


def test_a_group_has_its_own_universe_to_be_compared_with() -> None:
    universes = np.array([[0.0], [10.0], [10.0]])
    people = People(np.full(3, 10.0), np.array([[0.0], [0.0], [10.0]]), universes, ("g",))
    baseline = Baseline("heat", HEAT, np.array([90.0, 1.0, 3.0]), csc_array([[9.0], [1.0], [0.0]]), ("A",))
    row = before_after(baseline, people, groups={}, epsilons=(1.0,)).iloc[1]
    assert row[["gap_before", "gap_after", "mean_rest_after"]].tolist() == [2, 1, 2]


def test_a_group_that_is_all_there_is_has_no_gap() -> None:
    people = People(np.array([10.0]), np.array([[10.0]]), np.array([[10.0]]), ("g",))
    baseline = Baseline("heat", HEAT, np.array([3.0]), csc_array([[-1.0]]), ("A",))
    row = before_after(baseline, people, groups={}, epsilons=(1.0,)).iloc[1]
    assert row["mean_after"] == 2
    assert np.isnan(row["gap_before"])
    assert (row["gap_words"], row["undefined"]) == ("", "gap: nobody else has a baseline")


@pytest.mark.parametrize(
    ("before", "change", "legal"),
    [
        ([1.0, 3.0], [-0.5, -1.0], [True, True, True]),
        ([1.0, 3.0], [0.5, -1.0], [True, True, False]),
        ([1.0, 3.0], [-2.0, -1.0], [True, False, True]),
        ([-1.0, 3.0], [2.0, 1.0], [False, False, True]),
        ([0.0, 3.0], [1.0, 1.0], [False, True, True]),
        ([1.0, 3.0], [0.0, 1.0], [True, True, False]),
    ],
)
def test_ratios_are_given_where_they_are_legal(before: list[float], change: list[float], legal: list[bool]) -> None:
    baseline = Baseline("heat", HEAT, np.array(before), csc_array(np.array([change]).T), ("A",))
    row = before_after(baseline, HALVES, groups={}, epsilons=(1.0,)).iloc[1]
    ratios = row[["ratio_before", "ratio_after", "ratio_change"]].astype(float)
    assert ratios.notna().tolist() == legal
    assert ("ratio: " in row["undefined"]) == (not legal[1])
    assert ("ratio of changes: " in row["undefined"]) == (not legal[2])


def test_a_neighbourhood_without_people_changes_no_figure() -> None:
    empty = People(*(np.vstack([part.reshape(2, -1), [[0.0]]]) for part in HALVES[:3]), ("g",))
    empty = empty._replace(population=empty.population.ravel())
    one = Baseline("heat", HEAT, np.array([1.0, 3.0]), csc_array([[0.0], [-1.0]]), ("A",))
    two = Baseline("heat", HEAT, np.array([1.0, 3.0, -7.0]), csc_array([[0.0], [-1.0], [5.0]]), ("A",))
    tables = [before_after(b, p, groups={}, epsilons=(1.0,)) for b, p in ((one, HALVES), (two, empty))]
    pd.testing.assert_frame_equal(*tables)


# ---------------------------------------------------------------- changes larger than what there is


def test_a_change_larger_than_the_level_is_noted() -> None:
    city = four_zones().assign(heat=[0.4, 0.0, 0.3, 27.0])
    table = table_of(four_actions(), city)
    assert set(table["note"]) == {"the change is larger than the level in 2 neighbourhoods"}
    city.loc["A", "population"] = city.loc["A", "people_low_income"] = 0.0
    assert set(table_of(four_actions(), city)["note"]) == {"the change is larger than the level in 1 neighbourhood"}


def test_levels_below_zero_need_no_note_where_there_were_some_before() -> None:
    city = four_zones().assign(heat=[0.4, -1.0, 0.3, 27.0])
    assert set(table_of(four_actions(), city)["note"]) == {""}


@pytest.mark.parametrize(("unit", "note"), [("%", "the level rises above 100 % in 1 neighbourhood"), ("trees", "")])
def test_a_percentage_above_a_hundred_is_noted(unit: str, note: str) -> None:
    canopy = HEAT.model_copy(update={"unit": unit, "higher_is": "better"})
    table = table_of(four_actions(), four_zones().assign(heat=[99.5, 100.0, 99.9, 1.0]), canopy)
    assert set(table["note"]) == {note}


# ---------------------------------------------------------------- all active actions


def together() -> pd.DataFrame:
    plan = plan_of(
        {"X": "citywide", "Y": "zones:A", "Z": "zones:A"},
        effect("X", amount=1.0, indicator="heat"),
        effect("X", ledger="burden", effect="works", amount=0.25, indicator="heat"),
        effect("Y", amount=2.0, indicator="heat"),
        effect("Z", amount=8.0, indicator="heat"),
        inactive=["Z"],
    )
    return table_of(plan, four_zones(), active=["X", "Y"])


def test_active_actions_together_add_up_where_both_reach() -> None:
    table = together()
    assert table.index.unique("action").tolist() == ["X", "Y", "Z", ACTIVE]
    rows = table["change_mean"].xs(0.5, level="epsilon").swaplevel()
    # 0.75 degrees for everyone, and two more for A: 100 of 1,000 people, 50 of the 150.
    assert rows.loc["everyone", ACTIVE] == pytest.approx(-0.75 - 0.2)
    assert rows.loc["low_income", ACTIVE] == pytest.approx(-0.75 - 2 / 3)
    # The equivalent is that of the sum: of all levels at once.
    row = table.loc[(ACTIVE, "everyone", 0.5)]
    levels = [30 - 2.75, 29 - 0.75, 28 - 0.75, 27 - 0.75]
    assert row["ede_after"] == pytest.approx(plain_ede(levels, [100, 200, 300, 400], row["kappa"]), rel=1e-12)


def test_no_active_action_on_an_indicator_has_no_row_of_all() -> None:
    assert ACTIVE not in table_of(four_actions(), four_zones(), active=["EAST"]).index.unique("action")


def test_an_action_may_not_be_called_as_all_of_them_are() -> None:
    plan = plan_of({ACTIVE: "citywide"}, effect(ACTIVE, indicator="heat"))
    with pytest.raises(UsageError, match="an action is called 'active actions', as all of them together are"):
        table_of(plan, four_zones(), active=[ACTIVE])


def test_what_an_action_without_a_place_changes_is_not_known() -> None:
    plan = plan_of(
        {"X": "citywide", "Y": "unlocated"}, *(effect(name, amount=1.0, indicator="heat") for name in ("X", "Y"))
    )
    table = table_of(plan, four_zones(), active=["X", "Y"])
    lost, all_of_them = table.loc[("Y", "low_income", 0.5)], table.loc[(ACTIVE, "low_income", 0.5)]
    assert lost[["mean_after", "change_mean", "ede_after", "kp_index_after", "gap_after"]].isna().all()
    assert lost["mean_before"] == pytest.approx(4330 / 150)
    assert lost["undefined"] == "its place is not known: nothing is spread over anybody"
    assert all_of_them["change_mean"] == pytest.approx(-1)
    assert (all_of_them["note"], all_of_them["undefined"]) == ("without 1 effect whose place is not known", "")


# ---------------------------------------------------------------- uptake


def test_a_group_that_an_uptake_names_has_its_own_change() -> None:
    plan = plan_of({"X": "citywide"}, effect("X", amount=2.0, indicator="heat", uptake="low_income=0.5"))
    table = table_of(plan, four_zones())
    row, everyone = table.loc[("X", "low_income", 0.5)], table.loc[("X", "everyone", 0.5)]
    assert row["change_mean"] == pytest.approx(-1)
    assert row["ede_change"] == pytest.approx(-1)
    assert row["mean_rest_after"] == row["mean_rest_before"]
    assert row["gap_change"] == pytest.approx(-1)
    assert everyone["change_mean"] == pytest.approx(-0.15)
    laid = overlay(four_zones(), plan)
    groups = by_group(laid, plan.effects, people=people_of(four_zones()), groups={}).iloc[0]
    assert groups[["mean", "mean_rest"]].tolist() == pytest.approx([1, 0])


def test_others_have_what_is_left_of_the_mean_around_them() -> None:
    plan = plan_of({"X": "citywide"}, effect("X", amount=2.0, indicator="heat", uptake="low_income=0.5; others=0.1"))
    row = table_of(plan, four_zones()).loc[("X", "low_income", 0.5)]
    assert row["mean_rest_after"] - row["mean_rest_before"] == pytest.approx(-0.2)
    assert row["change_mean"] == pytest.approx(-1)


# ---------------------------------------------------------------- three questions


def test_three_questions_of_the_city_in_one_table() -> None:
    table = three_questions(table_of(four_actions(), four_zones()).reset_index())
    assert table.columns.tolist() == list(THREE_QUESTIONS)
    assert table[["group", "question", "option"]].to_numpy().tolist() == [
        [group, question, option]
        for group in ("everyone", "low_income")
        for question, option in (("baseline", ""), ("with the option", "WEST"), ("change", "WEST"))
    ]
    mine = table[table["group"] == "low_income"]
    assert mine["mean"].tolist() == pytest.approx([4330 / 150, 4290 / 150, -40 / 150])
    assert mine["difference"].tolist() == pytest.approx([52 / 51, 48 / 51, -4 / 51])
    assert mine["mean_rest"].tolist() == pytest.approx([23670 / 850, 23510 / 850, -160 / 850])
    assert mine["words"].tolist() == [
        "28.87 degC; 1.02 degC above everyone else",
        "28.60 degC; 0.941 degC above everyone else",
        "−0.267 degC; narrows the gap by 7.7 % of it",
    ]
    assert table["words"].iloc[0] == "28.00 degC"


def test_three_questions_take_the_middle_aversion() -> None:
    table = before_after(
        Baseline("heat", HEAT, np.array([1.0, 3.0]), csc_array([[0.0], [-1.0]]), ("A",)),
        HALVES,
        groups={},
        epsilons=(2.0, 0.5, 1.0),
    )
    answers = three_questions(table)
    assert set(answers["epsilon"]) == {1.0}
    middle = table[(table["epsilon"] == 1.0) & (table["group"] == "g")].iloc[0]
    assert (
        answers[answers["group"] == "g"]["ede"].tolist() == middle[["ede_before", "ede_after", "ede_change"]].tolist()
    )


def test_three_questions_of_options_and_of_all_of_them() -> None:
    table = three_questions(together().reset_index())
    mine = table[table["group"] == "everyone"]
    options = ["X", "Y", "Z", ACTIVE]
    assert mine["option"].tolist() == ["", *options, *options]
    assert mine["question"].tolist() == ["baseline", *["with the option"] * 4, *["change"] * 4]


def test_three_questions_say_what_is_undefined_and_what_is_noted() -> None:
    table = three_questions(table_of(four_actions(), four_zones().assign(heat=[0.4, 0.0, 0.3, 0.0])).reset_index())
    noted = "the change is larger than the level in 2 neighbourhoods"
    assert [noted in words for words in table["words"]] == [False, True, True] * 2
    bare = three_questions(table_of(four_actions(), four_zones().assign(heat=NAN)).reset_index())
    assert set(bare["words"]) == {"undefined: no people with a baseline"}
    missing = plan_of({"X": "citywide"}, effect("X", amount=NAN, indicator="heat"))
    words = three_questions(table_of(missing, four_zones()).reset_index())["words"].tolist()
    assert words[:3] == ["28.00 degC", *["undefined: the amount is missing"] * 2]


def test_no_changes_are_no_questions() -> None:
    table = three_questions(pd.DataFrame(columns=list(BEFORE_AFTER)))
    assert table.empty
    assert table.columns.tolist() == list(THREE_QUESTIONS)

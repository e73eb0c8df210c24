"""One row an action: both ledgers side by side, against people and policy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point

from equity_screen.actions import Plan
from equity_screen.recipe import Policy, Priority, Question, Ranking
from equity_screen.scores import AT_LEAST, SEVERAL, Found, score_actions, shares_of_people
from equity_screen.screen import screen
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, km, km_box, plan_of

INCOME = {"income": Ranking(column="median_income", higher_is="advantaged", label="income")}
PLAN = Policy(share=0.4, source="City plan", status="own target")


def question(**rule: object) -> Question:
    """Ask about A and B, which are the hot ones: 300 of the 1000 people."""
    return Question(rankings=INCOME, priority=Priority.model_validate({"column": "heat", "at_least": 29} | rule))


def scores_of(plan: Plan | None = None, asked: Question | None = None) -> pd.DataFrame:
    return screen(four_zones(), plan or four_actions(), question=asked or question()).scores


# ---------------------------------------------------------------- the row


def test_there_is_one_row_an_action_with_what_the_plan_says_of_it() -> None:
    scores = scores_of()
    assert scores.index.tolist() == ["CITY", "EAST", "LOST", "WEST"]
    assert scores.index.name == "action"
    about = scores.loc["EAST", ["name", "sector", "where", "active", "cost", "tco2e", "outside_share"]]
    assert about.tolist() == ["Tram", "transport", "zones", True, 2000.0, 50.0, pytest.approx(0.0, abs=1e-9)]
    assert np.isnan(scores.loc["LOST", "cost"]), "a missing cost stays missing"


def test_both_ledgers_of_the_tram_stand_side_by_side() -> None:
    row = scores_of().loc["EAST"]
    benefit = row[["benefit_effect", "benefit_unit", "benefit_people_reached", "benefit_total", "benefit_mean"]]
    burden = row[["burden_effect", "burden_unit", "burden_people_reached", "burden_total", "burden_mean"]]
    assert benefit.tolist() == ["trips", "trips", 600, pytest.approx(1200), pytest.approx(1.2)]
    assert burden.tolist() == ["noise", "dB", 600, 1200, 1.2]
    assert row["benefit_priority_place_share"] == pytest.approx(1 / 3)  # 400 of 1200 for B
    assert row["benefit_ci_income"] == pytest.approx(0.2)
    assert row["benefit_direction_income"] == "goes more to neighbourhoods more advantaged by income"
    assert row["burden_direction_income"] == "falls more on neighbourhoods more advantaged by income"


@pytest.mark.parametrize(
    ("action", "benefit", "burden"),
    [
        ("CITY", "assessed", "assessed"),
        ("LOST", "unlocated", "not assessed"),
        ("WEST", "assessed", "not assessed"),
    ],
)
def test_a_blank_ledger_is_not_assessed_and_never_none(action: str, benefit: str, burden: str) -> None:
    row = scores_of().loc[action]
    assert (row["benefit_assessed"], row["burden_assessed"]) == (benefit, burden)


def test_a_ledger_that_was_not_assessed_has_no_number() -> None:
    row = scores_of().loc["WEST"]
    numbers = ["people_reached", "total", "mean", "priority_place_share", "ci_income", "gci_income", "policy_gap"]
    assert row[[f"burden_{name}" for name in numbers]].isna().all()
    assert row["burden_direction_income"] == "undefined"


def test_an_amount_of_zero_is_none_expected_and_its_share_undefined() -> None:
    plan = plan_of({"X": "zones:A"}, effect("X", ledger="burden", amount=0.0))
    row = scores_of(plan).loc["X"]
    assert row["burden_assessed"] == "none expected"
    assert row["burden_total"] == 0
    assert row[["burden_priority_place_share", "burden_ci_income"]].isna().all()
    assert row["undefined"] == "burden: the total is 0: shares and the concentration index are undefined"


def test_an_unlocated_action_reaches_an_unknown_number_of_people() -> None:
    row = scores_of().loc["LOST"]
    assert row[["benefit_people_reached", "benefit_total", "benefit_mean"]].isna().all()
    assert row["undefined"] == "benefit: its place is not known: nothing is spread over anybody"


def test_reasons_name_their_ledger() -> None:
    plan = plan_of({"X": "zones:A"}, effect("X", amount=np.nan), effect("X", ledger="burden", amount=0.0))
    said = scores_of(plan).loc["X", "undefined"]
    assert said == (
        "benefit: the amount is missing: amounts, shares and concentration are undefined; "
        "burden: the total is 0: shares and the concentration index are undefined"
    )


# ---------------------------------------------------------------- several effects


def test_amounts_in_different_units_are_never_added() -> None:
    plan = plan_of(
        {"X": km_box(0, 0, 1, 1)},
        effect("X", effect="cooling", unit="degC"),
        effect("X", effect="trips", unit="trips", reach="citywide"),
        effect("X", ledger="burden", effect="noise", unit="dB"),
    )
    row = scores_of(plan).loc["X"]
    assert (row["benefit_effect"], row["benefit_unit"]) == ("cooling; trips", "degC; trips")
    assert row["benefit_people_reached"] == 1000, "everyone, each once"
    measured = ["total", "mean", "priority_place_share", "ci_income", "gci_income", "policy_gap"]
    assert row[[f"benefit_{name}" for name in measured]].isna().all()
    assert row["undefined"] == f"benefit: {SEVERAL}"
    assert row["burden_total"] == 100


IN_A = {"reach": "within", "distance_m": 300.0, "effect": "near"}
AROUND = {"reach": "ring", "inner_m": 300.0, "distance_m": 400.0, "effect": "ring"}


def test_people_in_reach_of_several_effects_are_those_of_all_of_them_each_once() -> None:
    """A disc in A, a ring around it, and a disc that holds both: square metres of A, where 100 people live."""
    middle = km(Point(0.5, 0.5))
    effects = [
        effect("APART", **IN_A),
        effect("APART", **AROUND),
        effect("NESTED", **IN_A),
        effect("NESTED", **IN_A | {"distance_m": 400.0, "effect": "wider"}),
        effect("ONE", **IN_A),
        effect("NONE", **IN_A),
        effect("NONE", **AROUND, amount=0.0),
        effect("ALL", **IN_A),
        effect("ALL", effect="all", reach="citywide"),
    ]
    plan = plan_of(dict.fromkeys(["APART", "NESTED", "ONE", "NONE", "ALL"], middle), *effects)
    result = screen(four_zones(), plan)
    reached, alone = result.scores["benefit_people_reached"], result.by_effect["people_reached"]
    whole = 100 * np.pi * 0.4**2
    assert reached[["APART", "NESTED"]].tolist() == pytest.approx([whole, whole], rel=1e-3)
    assert reached["APART"] == pytest.approx(alone["APART"].sum(), rel=1e-9)
    assert reached["NESTED"] == pytest.approx(alone["NESTED"].max(), rel=1e-9)
    assert reached[["ONE", "NONE"]].tolist() == [alone["ONE", "benefit", "near"]] * 2
    assert reached["ALL"] == 1000
    assert set(result.scores.loc[["APART", "NESTED", "ALL"], "undefined"]) == {f"benefit: {SEVERAL}"}


def test_with_an_uptake_among_several_effects_the_people_are_at_least_so_many() -> None:
    some = {"uptake": "low_income=0.5; others=0.5"}
    places = dict.fromkeys(["SOME", "ALL", "ONE"], km(Point(0.5, 0.5)))
    effects = [
        effect("SOME", **IN_A, **some),
        effect("SOME", **AROUND),
        effect("ALL", effect="all", reach="citywide"),
        effect("ALL", **IN_A, **some),
        effect("ONE", **IN_A, **some),
    ]
    plan = plan_of(places, *effects)
    scores = screen(four_zones(), plan).scores
    ring, disc = 100 * np.pi * np.array([0.4**2 - 0.3**2, 0.3**2 / 2])
    expected = {"ALL": 1000, "ONE": disc, "SOME": max(ring, disc)}
    assert scores["benefit_people_reached"].to_dict() == pytest.approx(expected, rel=1e-3)
    assert scores["undefined"].tolist() == [f"benefit: {SEVERAL}", "", f"benefit: {SEVERAL}; {AT_LEAST}"]


def test_tables_without_that_by_action_give_the_widest_of_several_effects() -> None:
    city, asked = four_zones(), Question()
    plan = plan_of({"X": km(Point(0.5, 0.5))}, effect("X", **IN_A), effect("X", **AROUND))
    result = screen(city, plan)
    found = Found(result.by_effect, result.by_group)
    scores = score_actions(plan, found, question=asked, hoods=result.neighbourhoods)
    assert scores.loc["X", "benefit_people_reached"] == result.by_effect["people_reached"].max()


def test_effects_of_one_unit_name_it_once() -> None:
    plan = plan_of({"X": "citywide"}, effect("X", effect="a"), effect("X", effect="b"))
    assert scores_of(plan).loc["X", "benefit_unit"] == "degC"


# ---------------------------------------------------------------- people and policy


def test_shares_of_the_people_and_of_the_priority_people() -> None:
    city = four_zones().assign(priority=[True, True, False, False])
    shares = shares_of_people(city, question(people="low_income", policy=PLAN))
    assert shares == {"priority_population_share": 0.3, "priority_people_share": 0.15, "policy_share": 0.4}


def test_shares_that_were_not_asked_for_are_undefined() -> None:
    shares = shares_of_people(four_zones().assign(priority=False), Question())
    assert shares["priority_population_share"] == 0
    assert np.isnan([shares["priority_people_share"], shares["policy_share"]]).all()


def test_shares_of_nobody_are_undefined() -> None:
    empty = four_zones().assign(priority=True, population=0.0, people_low_income=0.0)
    shares = shares_of_people(empty, question(people="low_income"))
    assert np.isnan([shares["priority_population_share"], shares["priority_people_share"]]).all()


def test_the_person_based_share_follows_the_people_wherever_they_live() -> None:
    scores = scores_of(asked=question(people="low_income"))
    assert scores.loc["WEST", "benefit_priority_person_share"] == pytest.approx(0.2)  # 80 of 400
    assert scores.loc["WEST", "benefit_priority_place_share"] == pytest.approx(0.25)  # 100 of 400
    assert scores.loc["EAST", "burden_priority_person_share"] == pytest.approx(70 / 600)
    assert scores["priority_people_share"].tolist() == [0.15] * 4


def test_the_gap_to_a_policy_on_benefits_is_given_for_benefits_alone() -> None:
    scores = scores_of(asked=question(policy=PLAN))
    assert scores.loc["WEST", "benefit_policy_gap"] == pytest.approx(0.25 - 0.4)
    assert scores["burden_policy_gap"].isna().all()


def test_a_policy_on_spending_is_no_yardstick_for_benefits() -> None:
    scores = scores_of(asked=question(policy=PLAN.model_copy(update={"basis": "spending"})))
    assert scores["benefit_policy_gap"].isna().all()


@pytest.mark.parametrize("amount", [1e-13, 1.0, 3.3e7])
def test_the_direction_does_not_depend_on_the_unit(amount: float) -> None:
    plan = plan_of({"X": "zones:A;C", "Y": "citywide"}, *(effect(name, amount=amount) for name in ("X", "Y")))
    directions = scores_of(plan)["benefit_direction_income"].tolist()
    assert directions == ["goes more to neighbourhoods less advantaged by income", "no gradient by income"]

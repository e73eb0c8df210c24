"""How a plan is shared out: the tables of a run, on the city of four squares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import equity_screen as es
from equity_screen.recipe import Group, Indicator, Priority, Question, Ranking, Reference
from equity_screen.shared_out import SharedOut
from tests.plans import effect

INCOME = Ranking(column="median_income", higher_is="advantaged", income=True)
LOW = {"low_income": Group(label="People with low incomes", count="n", dimension="income")}
ON_REQUEST = ("measures", "net", "net_by_group", "grades", "weighted")


def found(hoods=None, plan=None, **asked):
    return es.screen(
        es.four_zones() if hoods is None else hoods,
        es.four_actions() if plan is None else plan,
        question=Question(groups=LOW, **asked),
    )


def test_what_is_not_asked_for_has_no_columns_and_the_rest_has_rows():
    result = found(rankings={"income": INCOME}, priority=Priority(column="population", at_most=200))
    for name in SharedOut._fields:
        table = getattr(result, name)
        assert table.columns.empty == (name in ON_REQUEST), name
    for name in ("dimensions", "gains", "policy", "redress"):
        assert len(getattr(result, name)), name


def test_without_people_or_effects_nothing_is_shared_out():
    nobody = es.four_zones().drop(columns="people_low_income").assign(population=np.nan)
    result = es.screen(nobody, es.four_actions())
    assert all(getattr(result, name).empty for name in SharedOut._fields)


def test_the_worst_off_group_of_an_effect_for_some():
    # Shade for those in A and C: 40 of 150 people with low incomes against 160 of 850 others, half of it each.
    row = found().dimensions.query("effect == 'shade'").iloc[0]
    assert (row["worst_off"], row["best_off"]) == ("others", "low_income")
    assert row["theil_between"] + row["theil_within"] == pytest.approx(row["theil_total"], rel=1e-12)


def test_measures_are_those_that_are_asked_for():
    result = found(measures=("gini", "suits"), rankings={"income": INCOME})
    assert set(result.measures["measure"]) == {"gini", "suits"}
    lost = result.measures[result.measures["action"] == "LOST"]
    assert lost["value"].isna().all()
    assert (lost["undefined"] != "").all()
    assert not lost["legal"].any()


def test_suits_asks_for_an_income():
    ranked = Ranking(column="heat", higher_is="disadvantaged")
    table = found(measures=("suits",), rankings={"heat": ranked}).measures
    assert table["value"].isna().all()


def test_a_net_is_made_only_where_it_is_asked_for():
    table = found(net=True).net
    assert table[["action", "unit", "mean"]].to_numpy().tolist() == [["CITY", "EUR", 0.0]]


def test_groups_beside_a_reference_of_ones_own():
    table = found(references={"east": Reference(neighbourhoods=("B", "D"))}).references
    shade = table[table["effect"] == "shade"].iloc[0]
    assert shade["mean_reference"] == 0
    assert shade["difference"] == shade["mean"]
    assert np.isnan(shade["ratio"])


def test_money_is_weighted_by_income_where_that_is_asked_for():
    table = found(appraisal=("green_book",), currency="EUR", rankings={"income": INCOME}).weighted
    assert table["income"].unique().tolist() == ["income"]
    assert table["benefits"].tolist() == [1000.0]


def test_without_a_currency_no_unit_is_money():
    assert found(appraisal=("green_book",), rankings={"income": INCOME}).weighted.empty


def test_grades_are_those_of_every_effect_by_fifth_and_group():
    table = found(appraisal=("tag",), rankings={"income": INCOME}).grades
    assert set(table["kind"]) == {"quintile", "group"}


def test_redress_needs_a_burden_score():
    heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    hoods = es.score_burden(es.four_zones(), Question(indicators={"heat": heat}))
    with_score, without = found(hoods, indicators={"heat": heat}).redress, found().redress
    assert with_score["words"].str.contains("burden").any()
    assert without["ci_burden"].isna().all()
    assert (without["undefined"] != "").all()


def test_an_action_without_effects_still_stands_in_the_spending_with_its_ground():
    plan = es.four_actions()
    plan = plan._replace(actions=plan.actions.assign(cost=10.0))
    row = effect("EAST", effect="shade")
    plan = plan._replace(effects=pd.DataFrame([row]))
    table = found(plan=plan, priority=Priority(column="population", at_most=200)).policy
    ground = table[(table["ledger"] == "spending") & (table["view"] == "ground") & (table["action"] == "WEST")]
    assert ground["share"].notna().all()
    assert len(ground) == 1

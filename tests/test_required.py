"""What tables made by hand must hold: all faults at once, each with its table and column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen.errors import InputError, UsageError
from equity_screen.recipe import Group, Indicator, Priority, Question, Ranking
from equity_screen.required import require_group, require_tables
from equity_screen.synthetic import four_actions, four_zones

LOW = {"low_income": Group(label="People with low incomes", count="n")}


def faults(hoods=None, plan=None, question=None):
    with pytest.raises(InputError, match="fault") as caught:
        require_tables(
            four_zones() if hoods is None else hoods, plan or four_actions(), question=question or Question()
        )
    return [(f.code, f.source, f.id or f.column) for f in caught.value.findings]


def test_a_good_city_passes():
    require_tables(four_zones(), four_actions(), question=Question(groups=LOW))


def test_every_missing_column_is_named_with_its_table():
    plan = four_actions()._replace(actions=four_actions().actions.drop(columns="zones"))
    asked = Question(
        indicators={"noise": Indicator(label="Noise", unit="dB", higher_is="worse", column="dB")},
        rankings={"wealth": Ranking(column="wealth", higher_is="advantaged")},
    )
    assert faults(four_zones().drop(columns="population"), plan, asked) == [
        ("ES-COLUMN-MISSING", "neighbourhoods", "population"),
        ("ES-COLUMN-MISSING", "neighbourhoods", "noise"),
        ("ES-COLUMN-MISSING", "actions", "zones"),
        ("ES-RANKING-COLUMN", "project", "rankings.wealth.column"),
    ]


def test_ids_stand_once():
    twice = pd.concat([four_zones(), four_zones().loc[["B"]]])
    assert faults(twice) == [("ES-ID-DUPLICATE", "neighbourhoods", "B")]


def test_an_effect_needs_its_action():
    plan = four_actions()
    plan = plan._replace(effects=plan.effects.assign(action=plan.effects["action"].replace("WEST", "WESTERN")))
    assert faults(plan=plan) == [("ES-EFFECT-ACTION", "effects", "action")]


def test_people_without_a_count_of_a_group_are_no_zero():
    city = four_zones()
    city.loc["C", "people_low_income"] = np.nan
    assert faults(city, question=Question(groups=LOW)) == [("ES-GROUP-MISSING", "neighbourhoods", "C")]


def test_priority_people_are_a_group():
    require_group(Question(groups=LOW, priority=Priority(at_least=75, people="low_income")))
    with pytest.raises(UsageError, match="'low_incomes' is no group; did you mean 'low_income'"):
        require_group(Question(groups=LOW, priority=Priority(at_least=75, people="low_incomes")))

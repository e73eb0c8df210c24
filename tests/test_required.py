"""What tables made by hand must hold: all faults at once, each with its table and column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen.errors import InputError, UsageError
from equity_screen.recipe import Group, Indicator, Priority, Question, Ranking, Reference, Siting, Stability
from equity_screen.required import require_asked, require_group, require_named, require_tables, require_taken_up
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


def test_an_uptake_by_groups_of_different_dimensions_counts_people_twice():
    city, plan = four_zones().assign(people_old=1.0), four_actions()
    groups = {
        "low_income": Group(label="Low", count="low", dimension="income"),
        "old": Group(label="Old", count="old", dimension="age"),
    }
    plan = plan._replace(effects=plan.effects.assign(uptake="low_income=0.9; old=0.9"))
    with pytest.raises(InputError, match="ES-UPTAKE-DIMENSIONS"):
        require_tables(city, plan, question=Question(groups=groups))


def test_priority_people_are_a_group():
    require_group(Question(groups=LOW, priority=Priority(at_least=75, people="low_income")))
    with pytest.raises(UsageError, match="'low_incomes' is no group; did you mean 'low_income'"):
        require_group(Question(groups=LOW, priority=Priority(at_least=75, people="low_incomes")))


class TestNamed:
    def faults(self, question, effects=None):
        with pytest.raises(InputError, match="fault") as caught:
            require_named(four_zones(), question, effects=effects)
        return [(f.code, f.column, f.value) for f in caught.value.findings]

    def test_columns_of_the_project(self):
        asked = Question(
            rankings={"wealth": Ranking(column="wealth", higher_is="advantaged")},
            priority=Priority(column="need", at_least=75),
        )
        assert self.faults(asked) == [
            ("ES-RANKING-COLUMN", "rankings.wealth.column", "wealth"),
            ("ES-PRIORITY-COLUMN", "priority.column", "need"),
        ]

    def test_indicators_of_the_effects(self):
        effects = pd.DataFrame({"indicator": ["noise", "", "heat"]})
        heat = Indicator(label="Heat", unit="K", higher_is="worse", column="dB")
        assert self.faults(Question(indicators={"heat": heat}), effects) == [
            ("ES-EFFECT-INDICATOR", "indicator", "noise")
        ]


class TestTakenUp:
    CITY = four_zones().assign(people_old=[100.0, 100.0, 270.0, 390.0])

    def faults(self, *uptakes, city=CITY, groups=None):
        effects = pd.DataFrame({"action": list("XYZ")[: len(uptakes)], "effect": "e", "uptake": uptakes})
        with pytest.raises(InputError, match="fault") as caught:
            require_taken_up(city, effects, question=Question(groups=groups or {}), source="effects.csv")
        return caught.value.findings

    def test_groups_that_overlap_are_one_fault_of_each_uptake(self):
        """Of 100, 200, 300, 400 people 50, 50, 30, 20 have low incomes: in A and D some are in both groups."""
        (found,) = self.faults("", "low_income=0.5; old=0.2", "low_income=0.5; old=0.2")
        assert (found.code, found.source, found.id, found.column, found.value) == (
            "ES-UPTAKE-OVERLAP",
            "effects.csv",
            "Y",
            "uptake",
            "low_income=0.5; old=0.2",
        )
        assert found.reason.endswith("in 2 neighbourhoods, A the first (effect 'e' of Y, and 1 more)")

    def test_people_without_a_count(self):
        city = self.CITY.assign(people_old=[1.0, np.nan, np.nan, np.nan])
        (found,) = self.faults("old=0.5", city=city)
        assert (found.code, found.value) == ("ES-GROUP-MISSING", "old=0.5")
        assert found.reason == "people, but no count of old, in 3 neighbourhoods, B the first (effect 'e' of X)"

    def test_a_group_that_is_not_counted(self):
        (found,) = self.faults("low_incmes=0.5")
        assert (found.code, found.value, found.mend) == (
            "ES-UPTAKE-GROUP",
            "low_incmes",
            "did you mean 'low_income'?",
        )
        assert found.reason == "no such group is counted here (effect 'e' of X)"

    def test_a_declared_group_whose_layer_could_not_be_read_is_told_elsewhere(self):
        effects = pd.DataFrame({"action": ["X"], "effect": "e", "uptake": "far"})
        far = Group(label="Far", layer="gone.gpkg")
        require_taken_up(self.CITY, effects, question=Question(groups={"far": far}), source="effects.csv")

    def test_no_effects(self):
        none = pd.DataFrame({"action": [], "effect": [], "uptake": []})
        require_taken_up(self.CITY, none, question=Question(), source="effects.csv")


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("population", -1.0, "ES-COUNT-NEGATIVE"),
        ("population", np.inf, "ES-NUMBER-INFINITE"),
        ("people_low_income", 900.0, "ES-GROUP-OVER-TOTAL"),
        ("moe_low_income", -555555555.0, "ES-COUNT-NEGATIVE"),
        ("moe_population", np.inf, "ES-NUMBER-INFINITE"),
    ],
)
def test_counts_and_margins_that_cannot_be_are_refused(column, value, code):
    city = four_zones().assign(moe_low_income=5.0, moe_population=9.0)
    city.loc["C", column] = value
    assert (code, "neighbourhoods", "C") in faults(city, question=Question(groups=LOW))


def test_what_the_question_names_and_nothing_has_is_refused_with_its_key():
    asked = Question(
        groups=LOW,
        measures=("ginny",),
        references={"them": Reference(group="renters"), "there": Reference(neighbourhoods=("A", "Z"))},
        siting=Siting(within="zoning"),
        stability=Stability(rank_by="parity:renters", recipes=("own",)),
        small_numbers="statscan",
    )
    with pytest.raises(InputError, match="7 faults") as caught:
        require_asked(four_zones(), asked)
    assert [(f.column, f.value) for f in caught.value.findings] == [
        ("measures", "ginny"),
        ("siting.within", "zoning"),
        ("small_numbers", "statscan"),
        ("stability.recipes", "own"),
        ("stability.rank_by", "renters"),
        ("references.them.group", "renters"),
        ("references.there.neighbourhoods", "Z"),
    ]

"""Sentences of a screening: on people where they are known, else on places; the baseline where nothing is planned."""

from __future__ import annotations

import numpy as np
import pandas as pd

from equity_screen.actions import Plan, no_actions
from equity_screen.effects import check_effects, effects_from_rules
from equity_screen.narrative import priority_label, with_baseline, with_reach
from equity_screen.recipe import Indicator, Priority, Question
from equity_screen.schema import Origin
from equity_screen.screen import screen
from equity_screen.synthetic import four_actions, four_zones
from equity_screen.words import WITHOUT_PEOPLE
from tests.plans import effect, km_box, plan_of

HEAT = {"heat": Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")}
COOL = Question(indicators=HEAT, priority=Priority(column="heat", at_least=29, label="hot places"))


def nobody():
    return four_zones().drop(columns="people_low_income").assign(population=np.nan)


def no_plan():
    actions = no_actions(four_zones().crs)
    return Plan(actions, check_effects(effects_from_rules((), actions), origin=Origin("none"), actions=[]).table)


class TestWithPeople:
    def test_the_summary_counts_each_person_once(self):
        summary = screen(four_zones(), four_actions()).sentences["summary"]
        assert summary[0].startswith(
            "Benefits of active actions that land in particular places reach 1,000 of 1,000 people (100.0 %)"
        )

    def test_groups_are_not_told_where_everyone_is_reached(self):
        summary = screen(four_zones(), four_actions()).sentences["summary"]
        assert [text.split()[0] for text in summary] == ["Benefits", "Burdens", "low"]  # burdens reach B and D only

    def test_every_action_has_sentences(self):
        assert set(screen(four_zones(), four_actions()).sentences) == {"summary", "CITY", "EAST", "LOST", "WEST"}


class TestWithoutPeople:
    def test_what_cannot_be_said_comes_first(self):
        told = screen(nobody(), four_actions(), question=COOL).sentences
        assert told["summary"][0] == WITHOUT_PEOPLE
        assert told["summary"][1].startswith("4 actions stand at 2 distinct places; their area is 4.00 km²")
        assert told["summary"][2].startswith(
            "50.0 % of the dissolved area lies in hot places, 50.0 % of the area added"
        )

    def test_an_action_is_told_by_its_place(self):
        told = screen(nobody(), four_actions(), question=COOL).sentences
        assert told["WEST"] == (
            "Its place covers 2.00 km²; 50.0 % of it lies in hot places.",
            "Its burdens were not assessed.",
        )
        assert told["CITY"] == ()
        assert told["LOST"][0].startswith("Its place is not known")


class TestBaseline:
    def test_over_the_people(self):
        told = screen(four_zones(), no_plan(), question=COOL).sentences
        # 100 × 30 + 200 × 29 + 300 × 28 + 400 × 27 over 1000; A and B against C and D.
        assert told["summary"] == (
            "Heat: 28.0 °C on average over the people; 29.3 °C in hot places, 27.4 °C elsewhere.",
        )

    def test_over_the_area_where_nobody_is_known(self):
        told = screen(nobody(), no_plan(), question=COOL).sentences["summary"]
        assert told == (
            WITHOUT_PEOPLE,
            "Heat: 28.5 °C on average over the area; 29.5 °C in hot places, 27.5 °C elsewhere.",
        )

    def test_without_indicators_nothing_is_added(self):
        empty = pd.DataFrame({"indicator": []})
        assert with_baseline({"summary": ("a",)}, empty, question=Question()) == {"summary": ("a",)}


class TestReach:
    def told(self, plan, **question):
        result = screen(four_zones(), plan, question=Question(**question))
        return with_reach({"summary": ("a",)}, result.times_reached, missed=result.missed, hoods=result.neighbourhoods)[
            "summary"
        ]

    def test_whom_no_benefit_reaches(self):
        # P holds the west half of A; C lies north of it and D to the north-east: both touch or nearly touch A.
        told = self.told(plan_of({"P": km_box(0, 0, 0.5, 0.5)}), priority=Priority(column="heat", at_most=28))
        assert told[0] == "a"
        assert told[1].startswith("No benefit of active actions reaches 2 of 2 priority neighbourhoods (700 people); ")
        assert len(told) == 2

    def test_whom_three_burdens_reach(self):
        places = {name: km_box(0, 0, 1, 1) for name in "PQR"}
        burdens = [effect(name, ledger="burden", effect="noise") for name in places]
        assert self.told(plan_of(places, *burdens))[1:] == (
            "Burdens of three or more active actions reach 100 of 1,000 people (10.0 %).",
        )

    def test_burdens_of_two_and_benefits_of_three_are_not_told(self):
        places = {name: km_box(0, 0, 1, 1) for name in "PQR"}
        burdens = [effect(name, ledger="burden", effect="noise") for name in "PQ"]
        assert self.told(plan_of(places, *burdens, *[effect(name) for name in places])) == ("a",)

    def test_those_of_actions_that_are_not_active_are_not_told(self):
        places = {name: km_box(0, 0, 1, 1) for name in "PQR"}
        burdens = [effect(name, ledger="burden", effect="noise") for name in places]
        assert self.told(plan_of(places, *burdens, inactive="R")) == ("a",)

    def test_without_people_only_neighbourhoods_are_counted(self):
        result = screen(nobody(), plan_of({"P": km_box(0, 0, 0.5, 0.5)}), question=COOL)
        told = with_reach({"summary": ()}, result.times_reached, missed=result.missed, hoods=result.neighbourhoods)
        assert told["summary"][0].startswith(
            "No benefit of active actions reaches 1 of 2 priority neighbourhoods; the nearest action is"
        )


def test_priority_places_bear_the_name_of_their_rule():
    assert priority_label(COOL) == "hot places"
    assert priority_label(Question()) == ""

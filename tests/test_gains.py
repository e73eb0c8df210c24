"""Who gains, loses, has both or neither in the city of four squares: 100, 200, 300 and 400 people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen.equity import counted_once
from equity_screen.gains import STATES, gains, taken_up_by_some
from equity_screen.overlay import overlay
from equity_screen.people import NO_PEOPLE, People, people_of
from equity_screen.recipe import Group
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, km_box, plan_of
from tests.test_atoms import points

CITY = four_zones()
PEOPLE = people_of(CITY)
LOW = {"low_income": Group(label="People with low incomes", count="x")}
WEST, MIDDLE = km_box(0, 0, 0.5, 1), km_box(0.25, 0, 0.75, 1)  # both in A, over each other by a quarter of it


def noise(action, **given):
    return effect(action, ledger="burden", effect="noise", unit="dB", **given)


def near(value):
    """Equal but for the hair that two projections leave."""
    return pytest.approx(value, abs=1e-3)


def table_of(plan, city=CITY, blocks=None, people=None):
    people = people_of(city) if people is None else people
    return gains(overlay(city, plan, blocks=blocks), plan, people=people, groups=LOW)


def row_of(table, action="", scope="all actions", group="everyone"):
    scope = "action" if action else scope
    found = table[(table["scope"] == scope) & (table["action"] == action) & (table["group"] == group)]
    assert len(found) == 1
    return found.iloc[0]


def parts_of(row):
    return [row[name] for name in STATES]


class TestOneAction:
    def test_the_same_place_has_both(self):
        row = row_of(table_of(four_actions()), "EAST")
        assert parts_of(row) == [400, 0, 0, 600]  # untouched, benefit only, burden only, both
        assert (row["people"], row["benefit"], row["burden"]) == (1000, 600, 600)
        assert [row[f"{name}_share"] for name in STATES] == [0.4, 0, 0, 0.6]
        assert row["undefined"] == ""

    def test_a_group(self):
        row = row_of(table_of(four_actions()), "EAST", group="low_income")
        assert parts_of(row) == [80, 0, 0, 70]
        assert (row["label"], row["people"]) == ("People with low incomes", 150)

    def test_city_wide_effects_reach_everyone(self):
        row = row_of(table_of(four_actions()), "CITY")
        assert parts_of(row) == [0, 0, 0, 1000]
        assert row["effects_citywide"] == 2

    def test_a_burden_that_was_not_assessed_is_not_none(self):
        row = row_of(table_of(four_actions()), "WEST")
        assert row["benefit"] == 400
        assert row[["burden", *STATES, *(f"{s}_share" for s in STATES)]].isna().all()
        assert (row["benefit_assessed"], row["burden_assessed"]) == ("assessed", "not assessed")
        assert row["undefined"] == "burden: not assessed, which does not mean that there is none"

    def test_a_burden_stated_to_be_none_is(self):
        plan = plan_of({"X": "zones:A"}, effect("X"), noise("X", amount=0.0))
        row = row_of(table_of(plan), "X")
        assert parts_of(row) == [900, 100, 0, 0]
        assert row["burden_assessed"] == "none expected"

    def test_a_place_that_is_not_known(self):
        row = row_of(table_of(four_actions()), "LOST")
        assert row[["benefit", "burden", *STATES]].isna().all()
        assert row["undefined"].startswith("benefit: its place is not known")
        assert row["effects_without_place"] == 1

    def test_benefit_and_burden_over_each_other(self):
        plan = plan_of({"X": WEST}, effect("X"), noise("X", reach="area", shape=MIDDLE))
        row = row_of(table_of(plan), "X")
        assert parts_of(row) == near([900 + 25, 25, 25, 25])

    def test_a_burden_around_a_benefit(self):
        # Noise in all of the city, shade in the south: a footprint and a city-wide effect of one action.
        plan = plan_of({"X": "citywide"}, effect("X", reach="area", shape=km_box(0, 0, 2, 1)), noise("X"))
        assert parts_of(row_of(table_of(plan), "X")) == near([0, 0, 700, 300])

    def test_two_benefits_of_one_action_count_once(self):
        plan = plan_of({"X": "zones:A;B"}, effect("X"), effect("X", effect="cooling"), noise("X"))
        assert parts_of(row_of(table_of(plan), "X")) == [700, 0, 0, 300]

    def test_by_population_points(self):
        # A: 30 people at its west end, 70 at its east end; 40 in B.
        blocks = points([[0.1, 0.5, 30], [0.9, 0.5, 70], [1.5, 0.5, 40]])
        plan = plan_of(
            {"X": "zones:B"}, effect("X", reach="area", shape=WEST), noise("X", reach="area", shape=km_box(0, 0, 1, 1))
        )
        assert parts_of(row_of(table_of(plan, blocks=blocks), "X")) == near([900, 0, 70, 30])


class TestBounds:
    def test_of_half_a_zone(self):
        # Half of A, 50 of 100 people in reach, 50 with low incomes: all of them, or none.
        plan = plan_of({"X": WEST}, effect("X"), noise("X", amount=0.0))
        row = row_of(table_of(plan), "X", group="low_income")
        assert parts_of(row) == near([125, 25, 0, 0])
        assert [row["benefit_only_low"], row["benefit_only_high"]] == near([0, 50])
        assert [row["untouched_low"], row["untouched_high"]] == near([100, 150])
        assert [row["both_low"], row["both_high"], row["burden_only_low"], row["burden_only_high"]] == [0, 0, 0, 0]

    def test_of_whole_zones_leave_no_room(self):
        row = row_of(table_of(four_actions()), "EAST", group="low_income")
        assert [row["both_low"], row["both"], row["both_high"]] == [70, 70, 70]

    def test_those_of_everyone_are_not_known(self):
        row = row_of(table_of(four_actions()), "EAST")
        assert np.isnan(row["both_low"])
        assert np.isnan(row["both_high"])

    def test_hold_the_number(self):
        plan = plan_of(
            {"X": WEST, "Y": MIDDLE}, effect("X"), noise("X", reach="area", shape=MIDDLE), effect("Y"), noise("Y")
        )
        table = table_of(plan)
        groups = table[table["group"] != "everyone"]
        for name in STATES:
            assert (groups[f"{name}_low"] <= groups[name] + 1e-9).all()
            assert (groups[name] <= groups[f"{name}_high"] + 1e-9).all()


class TestTogether:
    def test_everyone_has_both_where_an_action_is_city_wide(self):
        assert parts_of(row_of(table_of(four_actions()))) == [0, 0, 0, 1000]

    def test_without_city_wide_effects(self):
        row = row_of(table_of(four_actions()), scope="all actions without city-wide effects")
        assert parts_of(row) == [0, 400, 0, 600]  # shade for A and C, trips and noise for B and D
        assert row["benefit_assessed"] == "assessed"
        assert row["burden_assessed"] == "assessed for 2 of 4 actions"
        assert row["effects_without_place"] == 1

    def test_only_active_actions(self):
        plan = plan_of(
            {"X": "zones:A", "Y": "zones:B"}, effect("X"), noise("X"), effect("Y"), noise("Y"), inactive=["Y"]
        )
        table = table_of(plan)
        assert parts_of(row_of(table, scope="active actions")) == [900, 0, 0, 100]
        assert parts_of(row_of(table)) == [700, 0, 0, 300]

    def test_nothing_active(self):
        plan = plan_of({"X": "zones:A"}, effect("X"), noise("X"), inactive=["X"])
        row = row_of(table_of(plan), scope="active actions")
        assert np.isnan(row["benefit"])
        assert row["undefined"].startswith("benefit: not assessed")

    def test_one_gains_where_another_burdens(self):
        plan = plan_of({"X": "zones:A;B", "Y": "zones:B;C"}, effect("X"), noise("Y"))
        table = table_of(plan)
        assert parts_of(row_of(table)) == [400, 100, 300, 200]
        assert row_of(table, "X")["undefined"].startswith("burden: not assessed")

    def test_only_city_wide_burdens(self):
        plan = plan_of({"X": "citywide", "Y": "zones:A"}, effect("X"), noise("X"), effect("Y"))
        row = row_of(table_of(plan), scope="all actions without city-wide effects")
        assert row["benefit"] == 100
        assert row["undefined"] == "burden: all effects are city-wide"

    def test_only_burdens_without_a_place(self):
        plan = plan_of({"X": "unlocated", "Y": "zones:A"}, effect("Y"), noise("X"))
        row = row_of(table_of(plan))
        assert row["benefit"] == 100
        assert row[["burden", *STATES]].isna().all()
        assert row["undefined"].startswith("burden: its place is not known")

    def test_a_city_wide_burden_stated_to_be_none(self):
        plan = plan_of({"X": "citywide"}, effect("X"), noise("X", amount=0.0))
        row = row_of(table_of(plan))
        assert parts_of(row) == [0, 1000, 0, 0]
        assert row["effects_citywide"] == 1

    def test_agrees_with_people_counted_once(self):
        plan = plan_of({"X": WEST, "Y": MIDDLE, "Z": "zones:D"}, *(e(a) for a in "XYZ" for e in (effect, noise)))
        laid = overlay(CITY, plan)
        once = counted_once(laid, PEOPLE, groups=LOW).set_index(["scope", "ledger", "group"])["people_reached"]
        table = gains(laid, plan, people=PEOPLE, groups=LOW)
        for group in ("everyone", "low_income"):
            for ledger in ("benefit", "burden"):
                found = row_of(table, group=group)[ledger]
                assert found == pytest.approx(once["all actions", ledger, group], rel=1e-6)


class TestTakenUp:
    CITY = four_zones().assign(people_renters=[50.0, 50, 30, 20])

    def test_is_left_out(self):
        plan = plan_of({"X": "zones:A"}, effect("X", uptake="low_income=0.5"), effect("X", effect="air"), noise("X"))
        row = row_of(table_of(plan), "X")
        assert parts_of(row) == [900, 0, 0, 100]
        assert row["effects_left_out"] == 1

    def test_alone_is_not_known(self):
        plan = plan_of({"X": "citywide"}, effect("X", uptake="low_income=0.5"), noise("X"))
        laid = overlay(CITY, plan)
        row = row_of(gains(laid, plan, people=PEOPLE, groups=LOW), "X")
        assert row["burden"] == 1000
        assert row["undefined"] == "benefit: taken up by some: who they are is not known"
        assert taken_up_by_some(laid).tolist() == [True, False]


class TestEdges:
    def test_parts_add_up_to_the_group(self):
        plan = plan_of({"X": WEST, "Y": MIDDLE}, effect("X"), noise("X"), effect("Y"), noise("Y"))
        table = table_of(plan)
        assert table[list(STATES)].sum(axis=1).to_numpy() == pytest.approx(table["people"].to_numpy(), rel=1e-12)

    def test_nobody_in_the_group(self):
        row = row_of(table_of(four_actions(), CITY.assign(people_low_income=0.0)), "EAST", group="low_income")
        assert parts_of(row) == [0, 0, 0, 0]
        assert np.isnan(row["both_share"])
        assert row["undefined"] == "the group has no people here"

    def test_without_people(self):
        people = People(np.zeros(4), np.zeros((4, 1)), np.zeros((4, 1)), ("low_income",), known=False)
        table = table_of(four_actions(), people=people)
        assert set(table["undefined"]) == {NO_PEOPLE}
        assert table[["people", "benefit", *STATES]].isna().all(axis=None)

    def test_without_actions(self):
        plan = four_actions()
        empty = plan._replace(actions=plan.actions.iloc[:0], effects=plan.effects.iloc[:0])
        table = table_of(empty)
        assert table["scope"].unique().tolist()[:2] == ["active actions", "all actions"]
        assert table[list(STATES)].isna().all(axis=None)

    def test_an_empty_zone_changes_nothing(self):
        city = CITY.copy()
        city.loc["B", ["population", "people_low_income"]] = 0.0
        assert parts_of(row_of(table_of(four_actions(), city), "EAST")) == [400, 0, 0, 400]

    def test_a_footprint_outside_reaches_nobody(self):
        plan = plan_of({"X": km_box(5, 5, 6, 6)}, effect("X"), noise("X"))
        assert parts_of(row_of(table_of(plan), "X")) == [1000, 0, 0, 0]

    def test_a_universe_of_its_own_bounds_the_group(self):
        people = PEOPLE._replace(universes=np.array([[50.0], [200], [300], [400]]))
        plan = plan_of({"X": WEST}, effect("X"), noise("X", amount=0.0))
        # All of the universe of A has a low income: half of A is half of them.
        row = row_of(table_of(plan, people=people), "X", group="low_income")
        assert [row["benefit_only_low"], row["benefit_only_high"]] == near([25, 25])

    def test_rows_are_actions_then_scopes_by_group(self):
        table = table_of(four_actions())
        assert table["action"].tolist()[:4] == ["CITY", "CITY", "EAST", "EAST"]
        assert table["group"].tolist()[:2] == ["everyone", "low_income"]
        assert isinstance(table.index, pd.RangeIndex)
        assert len(table) == 2 * (4 + 4)

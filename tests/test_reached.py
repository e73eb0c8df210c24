"""People reached by none, one, two or more actions; by one alone; by pairs; who is missed; bounds of a union."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array, csr_array

from equity_screen.atoms import ActionAtoms, Atoms, atoms_by_ledger
from equity_screen.distances import nearest_by_ledger
from equity_screen.equity import counted_once
from equity_screen.overlay import overlay
from equity_screen.people import NO_PEOPLE, People, people_of
from equity_screen.reached import marginal_people, missed, overlap_pairs, times_reached, union_bounds
from equity_screen.recipe import Group
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, km_box, plan_of

CITY = four_zones()
PEOPLE = people_of(CITY)
KEY = ("all actions", "benefit")
LOW = {"low_income": Group(label="People with low incomes", count="x")}
# The west half of A; the middle half of A; all of A and half of B: 25 people of A are in all three.
PLAN = plan_of({"P": km_box(0, 0, 0.5, 1), "Q": km_box(0.25, 0, 0.75, 1), "R": km_box(0, 0, 1.5, 1)})
LAID = overlay(CITY, PLAN)
FOUND = atoms_by_ledger(LAID)


def near(value):
    """Equal but for the hair that two projections leave."""
    return pytest.approx(value, abs=1e-3)


def of(table, **picked):
    """Rows of all benefits and everyone, unless another group is named."""
    wanted = {"scope": KEY[0], "ledger": KEY[1], "group": "everyone"} | picked
    for name, value in wanted.items():
        if name in table:
            table = table[table[name] == value]
    return table


def atoms_by_hand(zone, share, inside, actions="PQ"):
    atoms = Atoms(np.array(zone, dtype=np.intp), np.array(share, dtype=float), csr_array(np.array(inside, dtype=float)))
    return {KEY: ActionAtoms(pd.Index(list(actions)), atoms, "")}


class TestTimes:
    def test_in_the_head(self):
        # A: 25 in P Q R, 25 in P R, 25 in Q R, 25 in R; B: 100 in R, 100 in none; C and D: none.
        table = of(times_reached(FOUND, PEOPLE, groups=LOW))
        assert dict(zip(table["times"], table["people"], strict=True)) == near({"0": 800, "1": 125, "2": 50, "3+": 25})
        assert table["share"].tolist() == near([0.8, 0.125, 0.05, 0.025])

    def test_a_group_is_spread_as_everyone_is(self):
        table = of(times_reached(FOUND, PEOPLE, groups=LOW), group="low_income")
        assert table["people"].tolist() == near([75, 37.5, 25, 12.5])
        assert set(table["label"]) == {"People with low incomes"}

    def test_groups_add_up_exactly(self):
        table = times_reached(FOUND, PEOPLE, groups=LOW)
        sums = table[table["ledger"] == "benefit"].groupby(["scope", "group"])["people"].sum()
        assert sums.to_numpy() == pytest.approx([1000, 150, 1000, 150], rel=1e-12)

    def test_reached_at_all_is_counted_once(self):
        table = of(times_reached(FOUND, PEOPLE, groups=LOW))
        once = of(counted_once(LAID, PEOPLE, groups=LOW))["people_reached"].item()
        assert 1000 - table["people"].iloc[0] == pytest.approx(once, rel=1e-9)

    def test_what_was_not_assessed_has_no_numbers(self):
        table = of(times_reached(FOUND, PEOPLE, groups=LOW), ledger="burden")
        assert table["people"].isna().all()
        assert set(table["undefined"]) == {"no burden was assessed"}

    def test_nothing_with_a_place(self):
        laid = overlay(CITY, plan_of({"P": "unlocated"}))
        table = of(times_reached(atoms_by_ledger(laid), PEOPLE, groups={}))
        assert table["share"].isna().all()
        assert set(table["undefined"]) == {"no benefit of all actions has a place"}

    def test_no_people_given(self):
        nobody = people_of(CITY.assign(population=np.nan))
        table = times_reached(FOUND, nobody, groups={})
        assert table["people"].isna().all()
        assert set(table["undefined"]) == {NO_PEOPLE}

    def test_a_group_without_people(self):
        table = times_reached(FOUND, people_of(CITY.assign(people_low_income=0.0)), groups={})
        mine = of(table, group="low_income")
        assert mine["people"].tolist() == [0, 0, 0, 0]
        assert mine["share"].isna().all()
        assert set(mine["undefined"]) == {"the group has no people here"}

    def test_columns(self):
        table = times_reached(FOUND, PEOPLE, groups={})
        assert list(table) == ["scope", "ledger", "group", "label", "times", "people", "share", "undefined"]
        assert len(table) == 4 * 2 * 4


class TestMarginal:
    def test_in_the_head(self):
        table = of(marginal_people(FOUND, PEOPLE, groups=LOW)).set_index("action")
        assert table["people_reached"].tolist() == near([50, 50, 200])
        assert table["people_only"].tolist() == near([0, 0, 125])
        assert table["only_share"].tolist() == near([0, 0, 0.625])

    def test_alone_and_together_are_the_union(self):
        alone = of(marginal_people(FOUND, PEOPLE, groups=LOW))["people_only"].sum()
        times = of(times_reached(FOUND, PEOPLE, groups=LOW)).set_index("times")["people"]
        once = of(counted_once(LAID, PEOPLE, groups=LOW))["people_reached"].item()
        assert alone == pytest.approx(times["1"], rel=1e-9)
        assert alone + times["2"] + times["3+"] == pytest.approx(once, rel=1e-9)

    def test_an_action_that_reaches_nobody(self):
        plan = plan_of({"P": km_box(5, 5, 6, 6), "Q": km_box(0, 0, 1, 1)})
        table = of(marginal_people(atoms_by_ledger(overlay(CITY, plan)), PEOPLE, groups={})).set_index("action")
        assert table.loc["P", "people_reached"] == 0
        assert np.isnan(table.loc["P", "only_share"])
        assert table["undefined"].tolist() == ["it reaches nobody of the group", ""]

    def test_an_action_that_reaches_only_those_who_take_it_up(self):
        effects = (
            effect("P"),
            effect("P", effect="grant", reach="within", distance_m=9e3, uptake="others=0.5"),
            effect("Q"),
        )
        plan = plan_of({"P": km_box(5, 5, 6, 6), "Q": km_box(0, 0, 1, 1)}, *effects)
        table = of(marginal_people(atoms_by_ledger(overlay(CITY, plan)), PEOPLE, groups={})).set_index("action")
        said = "it reaches nobody of the group but those who take some of its effects up: who they are is not known"
        assert table["undefined"].tolist() == [said, ""]

    def test_a_ledger_without_actions_has_no_rows(self):
        assert set(marginal_people(FOUND, PEOPLE, groups={})["ledger"]) == {"benefit"}

    def test_inactive_actions_do_not_overlap_with_active_ones(self):
        plan = plan_of({"P": km_box(0, 0, 1, 1), "Q": km_box(0, 0, 1, 1)}, inactive=["Q"])
        table = marginal_people(atoms_by_ledger(overlay(CITY, plan)), PEOPLE, groups={})
        assert of(table)["people_only"].tolist() == near([0, 0])
        assert of(table, scope="active actions")["people_only"].tolist() == near([100])


class TestPairs:
    def test_in_the_head(self):
        table = of(overlap_pairs(FOUND, PEOPLE, groups=LOW).table)
        assert list(zip(table["action"], table["other"], strict=True)) == [("P", "R"), ("Q", "R"), ("P", "Q")]
        assert table["people_both"].tolist() == near([50, 50, 25])
        assert table["share_of_smaller"].tolist() == near([1, 1, 0.5])

    def test_of_a_group(self):
        table = of(overlap_pairs(FOUND, PEOPLE, groups=LOW).table, group="low_income")
        assert table["people_both"].tolist() == near([25, 25, 12.5])

    def test_what_the_limit_leaves_out_is_counted(self):
        table, left_out = overlap_pairs(FOUND, PEOPLE, groups={}, limit=1)
        assert len(of(table)) == 1
        assert left_out[KEY] == 2
        assert left_out["all actions", "burden"] == 0

    def test_places_where_nobody_lives_are_shared_by_nobody(self):
        nobody = people_of(CITY.assign(population=[0.0, 200, 0, 400], people_low_income=0.0))
        assert overlap_pairs(FOUND, nobody, groups={}).table.empty

    def test_the_hair_between_two_borders_is_no_pair(self):
        laid = overlay(CITY, plan_of({"P": km_box(0, 0, 0.5, 1), "Q": km_box(0, 1, 1, 2)}))
        assert 0 < laid.shares.matrix[2, 0] < 1e-6
        assert overlap_pairs(atoms_by_ledger(laid), PEOPLE, groups={}).table.empty

    def test_no_pair(self):
        table, left_out = overlap_pairs(atoms_by_ledger(overlay(CITY, four_actions())), PEOPLE, groups={})
        assert table.empty
        assert list(table)[:4] == ["scope", "ledger", "action", "other"]
        assert set(left_out.values()) == {0}

    def test_most_people_first(self):
        found = atoms_by_hand([0, 1], [1, 1], [[1, 1, 0], [0, 1, 1]], actions="PQR")
        people = People(np.array([1.0, 5.0]), np.empty((2, 0)), np.empty((2, 0)), ())
        table = overlap_pairs(found, people, groups={}).table
        assert table[["action", "other", "people_both"]].to_numpy().tolist() == [["Q", "R", 5.0], ["P", "Q", 1.0]]


class TestMissed:
    HOODS = CITY.assign(priority=[True, True, True, False])

    def test_those_that_nothing_reaches(self):
        table = of(missed(FOUND, self.HOODS, people=PEOPLE, nearest=nearest_by_ledger(LAID, PLAN.actions)))
        assert table["neighbourhood"].tolist() == ["C"]
        row = table.iloc[0]
        assert (row["name"], row["people"], row["people_low_income"], row["people_unreached"]) == (
            "North-west",
            300,
            30,
            near(300),
        )
        assert row["nearest"] in {"P", "Q", "R"}
        assert row["distance_m"] == near(0)

    def test_nearest_action_and_its_distance(self):
        plan = plan_of({"P": km_box(0, 0, 0.5, 0.5), "Q": km_box(1.8, 0, 2, 0.2)})
        laid = overlay(CITY, plan)
        near_by = nearest_by_ledger(laid, plan.actions)
        table = of(missed(atoms_by_ledger(laid), CITY.assign(priority=True), people=PEOPLE, nearest=near_by))
        assert table["neighbourhood"].tolist() == ["D", "C"]
        assert table["nearest"].tolist() == ["P", "P"]
        # 9.6 km from the middle of its zone UTM 32 measures 0.04 % short.
        assert table["distance_m"].tolist() == pytest.approx([500 * 2**0.5, 500], rel=1e-3)

    def test_those_reached_in_part(self):
        table = of(missed(FOUND, self.HOODS, people=PEOPLE, least=0.6))
        assert table["neighbourhood"].tolist() == ["C"]
        table = of(missed(FOUND, self.HOODS, people=PEOPLE, least=0.4))
        assert table["neighbourhood"].tolist() == ["C", "B"]
        assert table["unreached_share"].tolist() == near([1, 0.5])

    def test_where_nobody_lives_nobody_is_missed(self):
        hoods = self.HOODS.assign(population=[100.0, 200, 0, 400], people_low_income=[50.0, 50, 0, 20])
        assert of(missed(FOUND, hoods, people=people_of(hoods))).empty

    def test_without_people_the_places_are_named(self):
        hoods = self.HOODS.assign(population=np.nan)
        table = of(missed(FOUND, hoods, people=people_of(hoods)))
        assert table["neighbourhood"].tolist() == ["C"]
        assert np.isnan(table["people_unreached"].item())

    def test_a_ledger_without_places_misses_nobody(self):
        table = missed(FOUND, self.HOODS, people=PEOPLE)
        assert set(table["ledger"]) == {"benefit"}
        assert table["nearest"].tolist() == ["", ""]

    def test_all_reached(self):
        table = missed(FOUND, CITY.assign(priority=[True, False, False, False]), people=PEOPLE)
        assert table.empty
        assert {"people_low_income", "distance_m"} < set(table)


class TestUnionBounds:
    def test_disjoint_and_nested_are_the_ends(self):
        low, high, independent = union_bounds(csc_array([[0.3, 0.4]]))
        assert (low.item(), high.item(), independent.item()) == pytest.approx((0.4, 0.7, 0.58))

    def test_no_more_than_everybody(self):
        assert union_bounds(csc_array([[0.9, 0.8]])).high.item() == 1

    def test_no_columns(self):
        assert [part.tolist() for part in union_bounds(csc_array((2, 0)))] == [[0, 0]] * 3

    def test_the_exact_union_lies_between(self):
        atoms = FOUND[KEY].atoms
        reached = 1 - times_share_of_none(atoms)
        low, high, _ = union_bounds(LAID.shares.matrix)
        assert (low <= reached + 1e-9).all()
        assert (reached <= high + 1e-9).all()

    @pytest.mark.shared
    def test_golden_portfolio(self, shared_data: Path):
        table = pd.read_csv(shared_data.parent / "golden" / "golden.csv")
        shares = csc_array((table[["x_trees", "x_ev", "x_freeway"]] != 0).to_numpy(dtype=float))
        people = table["pop"].to_numpy(dtype=float)
        low, high, independent = union_bounds(shares)
        assert [float(bound @ people) for bound in (low, high, independent)] == [1700, 1700, 1700]
        assert (shares.T @ people).sum() == 2400
        places = People(people, np.empty((12, 0)), np.empty((12, 0)), ())
        zone = np.flatnonzero(shares.toarray().any(axis=1))
        found = atoms_by_hand(zone, np.ones(len(zone)), shares.toarray()[zone], actions=["trees", "ev", "freeway"])
        times = times_reached(found, places, groups={}).set_index("times")["people"]
        assert times["1"] + times["2"] + times["3+"] == 1700
        assert times["2"] + 2 * times["3+"] == 700


def times_share_of_none(atoms):
    reached = np.bincount(atoms.zone, weights=atoms.share, minlength=4)
    return 1 - reached


def test_pairs_of_a_chain_are_those_next_to_each_other():
    plan = plan_of({name: km_box(0.2 * i, 0, 0.2 * i + 0.3, 1) for i, name in enumerate("PQRS")})
    table = of(overlap_pairs(atoms_by_ledger(overlay(CITY, plan)), PEOPLE, groups={}).table)
    assert sorted(zip(table["action"], table["other"], strict=True)) == list(pairwise("PQRS"))


def test_an_effect_more_of_an_action_changes_nothing():
    shapes = {"P": km_box(0, 0, 0.5, 1), "Q": km_box(0.25, 0, 0.75, 1)}
    twice = plan_of(shapes, effect("P"), effect("P", effect="seats"), effect("Q"))
    one, two = (atoms_by_ledger(overlay(CITY, plan)) for plan in (plan_of(shapes), twice))
    pd.testing.assert_frame_equal(*(times_reached(found, PEOPLE, groups={}) for found in (one, two)))

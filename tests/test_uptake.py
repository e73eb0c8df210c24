"""Who takes an effect up in the city of four squares: 50, 50, 30 and 20 of 100 to 400 people have low incomes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.sparse import csc_array

from equity_screen.equity import by_effect, by_group, counted_once
from equity_screen.errors import InputError
from equity_screen.overlay import overlay
from equity_screen.people import people_of
from equity_screen.recipe import Group
from equity_screen.synthetic import four_zones
from equity_screen.uptake import (
    of_group,
    require_uptake,
    summed_by_group,
    taken_up,
    uptake_rates,
)
from tests.plans import effect, km_box, plan_of

NAN = float("nan")
LOW = np.array([50.0, 50, 30, 20])
PEOPLE = np.array([100.0, 200, 300, 400])
CITY = four_zones().assign(people_others_here=PEOPLE - LOW)


def rates_of(*texts):
    return uptake_rates(pd.DataFrame({"uptake": list(texts)}))


def plan(where="citywide", **given):
    return plan_of({"X": where}, effect("X", **given))


def table(chosen, city=CITY):
    """Rows of by_group by group."""
    return by_group(overlay(city, chosen), chosen.effects, people=people_of(city), groups={}).set_index("group")


def whole(chosen, city=CITY):
    found = by_effect(overlay(city, chosen), chosen.effects, people=people_of(city), neighbourhoods=city)
    return found.iloc[0]


class TestRates:
    def test_by_effect_and_group(self):
        rates = rates_of("b=0.2; a=0.1", "", "others=0.3")
        assert rates.columns.tolist() == ["a", "b", "others"]
        assert rates.to_numpy() == pytest.approx(np.array([[0.1, 0.2, NAN], [NAN] * 3, [NAN, NAN, 0.3]]), nan_ok=True)

    def test_where_no_effect_asks(self):
        assert rates_of("", "").isna().all(axis=None)
        assert np.isnan(overlay(CITY, plan()).rates_of(["low_income"])).tolist() == [[True]]

    def test_a_group_that_is_called_others_is_not_everyone_else(self):
        laid = overlay(CITY.assign(people_others=PEOPLE), plan(uptake="low_income=0.1; others=0.3"))
        assert laid.rates_of(["others", "low_income"]) == pytest.approx(np.array([[NAN, 0.1]]), nan_ok=True)


class TestTakenUp:
    def taken(self, text, city=CITY):
        rows = np.arange(len(city))
        return taken_up(city, rates_of(text), rows=rows, columns=np.zeros(len(rows), dtype=int))

    def test_one_group_and_the_others(self):
        expected = (0.5 * LOW + 0.1 * (PEOPLE - LOW)) / PEOPLE
        assert self.taken("low_income=0.5; others=0.1") == pytest.approx(expected)

    def test_a_group_alone_is_eligible_and_nobody_else(self):
        assert self.taken("low_income") == pytest.approx(LOW / PEOPLE)

    def test_others_alone_are_everyone(self):
        assert self.taken("others=0.25").tolist() == [0.25] * 4

    def test_without_an_uptake_everyone(self):
        assert self.taken("").tolist() == [1.0] * 4

    def test_where_nobody_lives_nobody_takes_it_up(self):
        city = CITY.assign(population=[0.0, NAN, 300, 400], people_low_income=[0.0, NAN, 30, 20])
        assert self.taken("low_income=0.5; others=0.1", city)[:2].tolist() == [0.0, 0.0]

    def test_counts_that_exceed_the_people_by_rounding_are_all_of_them(self):
        city = CITY.assign(people_low_income=PEOPLE + 0.4)
        assert self.taken("low_income=1; others=1", city).tolist() == [1.0] * 4


class TestRequired:
    def test_a_group_that_is_not_counted(self):
        with pytest.raises(InputError, match=r"value low_incme: .*did you mean 'low_income'.*ES-UPTAKE-GROUP"):
            require_uptake(CITY, pd.DataFrame({"uptake": ["low_incme=0.5", ""]}))

    def test_groups_that_have_people_in_common(self):
        city = CITY.assign(people_old=PEOPLE - LOW + 0.6)
        with pytest.raises(InputError, match="4 faults") as caught:
            require_uptake(city, pd.DataFrame({"uptake": ["low_income=0.5; old=0.2"]}))
        assert {f.code for f in caught.value.findings} == {"ES-UPTAKE-OVERLAP"}
        assert [f.id for f in caught.value.findings] == list("ABCD")

    def test_groups_that_fill_the_city_but_for_rounding(self):
        city = CITY.assign(people_old=PEOPLE - LOW + 0.4)
        require_uptake(city, pd.DataFrame({"uptake": ["low_income=0.5; old=0.2", "others=1"]}))

    def test_groups_of_different_dimensions(self):
        """Few as they are, some may have low incomes and be immigrants: 0.9 of them twice are 1.8."""
        city = CITY.assign(people_old=LOW / 2)
        groups = {
            "low_income": Group(label="Low", count="low", dimension="income"),
            "old": Group(label="Old", count="old", dimension="age"),
        }
        both = pd.DataFrame({"uptake": ["low_income=0.9; old=0.9", "old=0.9; others=0.1"]})
        with pytest.raises(InputError, match=r"1 fault.*\n.*\(age, income\) overlap: .*ES-UPTAKE-DIMENSIONS"):
            require_uptake(city, both, groups=groups)
        alike = groups | {"old": Group(label="Old", count="old", dimension="income")}
        require_uptake(city, both, groups=alike)
        require_uptake(city, both, groups=groups | {"old": Group(label="Old", count="old")})
        require_uptake(city, both)

    def test_one_group_cannot_overlap(self):
        require_uptake(CITY.assign(people_old=PEOPLE + 3), pd.DataFrame({"uptake": ["old=0.5"]}))

    def test_a_count_that_is_missing_where_people_live_is_not_0(self):
        city = CITY.assign(people_low_income=[50.0, NAN, NAN, 20], population=[100.0, 200, 0, 400])
        with pytest.raises(InputError, match="1 fault") as caught:
            require_uptake(city, pd.DataFrame({"uptake": ["low_income=0.5"]}))
        assert [(f.code, f.id, f.column) for f in caught.value.findings] == [
            ("ES-GROUP-MISSING", "B", "people_low_income")
        ]

    def test_the_overlay_asks(self):
        with pytest.raises(InputError, match="ES-UPTAKE-GROUP"):
            overlay(CITY, plan(uptake="renters=0.5"))


class TestSums:
    def test_a_group_has_its_own_share_or_what_is_around_it(self):
        mean, own = csc_array([[0.2, 0.3], [0.4, 0.0]]), csc_array([[1.0, 1.0], [1.0, 0.0]])
        assert of_group(mean, own, rate=np.array([0.5, NAN])).toarray().tolist() == [[0.5, 0.3], [0.5, 0.0]]
        people = np.array([[10.0], [20.0]])
        assert summed_by_group(mean, own, rates=np.array([[0.5], [NAN]]), people=people).tolist() == [[15.0], [3.0]]

    def test_without_rates_the_mean(self):
        mean = csc_array([[0.2, 0.3]])
        assert summed_by_group(mean, mean, rates=np.full((2, 1), NAN), people=np.array([[10.0]])).tolist() == [
            [2.0],
            [3.0],
        ]


class TestOverlay:
    def test_half_of_those_with_low_incomes_and_a_tenth_of_the_others(self):
        laid = overlay(CITY, plan(amount=3.0, uptake="low_income=0.5; others=0.1"))
        taken = (0.5 * LOW + 0.1 * (PEOPLE - LOW)) / PEOPLE
        assert laid.shares.matrix.toarray().ravel() == pytest.approx(taken)
        assert laid.per_person.matrix.toarray().ravel() == pytest.approx(3 * taken)
        assert laid.landed.toarray().ravel().tolist() == [1.0] * 4
        assert laid.landed_doses.toarray().ravel() == pytest.approx([3.0] * 4)
        assert laid.taken == pytest.approx(taken)

    @pytest.mark.parametrize("percent", range(1, 101))
    def test_who_is_reached_whole_is_reached_exactly_whole_again(self, percent):
        """0.09 · (1 / 0.09) is less than 1."""
        laid = overlay(CITY, plan("zones:A;C", uptake=f"others={percent / 100}"))
        assert laid.landed.toarray().ravel().tolist() == [1, 0, 1, 0]

    def test_without_an_uptake_nothing_is_stored(self):
        laid = overlay(CITY, plan())
        assert (laid.taken, laid.rates) == (None, None)
        assert laid.landed is laid.shares.matrix
        assert laid.landed_doses is laid.per_person.matrix

    def test_an_effect_without_an_uptake_beside_one_with(self):
        both = plan_of(
            {"X": "citywide", "Y": "citywide"}, effect("X", uptake="low_income"), effect("Y", effect="cooling")
        )
        laid = overlay(CITY, both)
        assert laid.shares.matrix.toarray()[:, 1].tolist() == [1.0] * 4
        assert laid.rates.loc[1].isna().all()

    def test_only_the_half_in_reach_can_take_it_up(self):
        laid = overlay(CITY, plan(km_box(0, 0, 0.5, 1), uptake="low_income=0.4"))
        assert laid.shares.matrix.toarray().ravel() == pytest.approx([0.5 * 0.4 * 0.5, 0, 0, 0], abs=1e-6)
        assert laid.landed.toarray().ravel() == pytest.approx([0.5, 0, 0, 0], abs=1e-6)

    @pytest.mark.parametrize(("per", "total"), [("person", 75.0), ("household", 37.5), ("total", 1.0)])
    def test_per_person_household_or_in_total(self, per, total):
        """Half of 150 people; of households that are half as many; a total is shared out, whoever takes part."""
        city = CITY.assign(households=PEOPLE / 2)
        found = whole(plan(per=per, uptake="low_income=0.5"), city)
        assert found["total"] == pytest.approx(total)
        assert found["people_reached"] == pytest.approx(75)

    def test_a_total_goes_where_those_live_who_take_it_up(self):
        found = overlay(CITY, plan(per="total", amount=150.0, uptake="low_income=0.5"))
        assert found.per_person.matrix.toarray().ravel() * PEOPLE == pytest.approx(LOW)

    def test_of_an_area_that_people_take_up_in_part_only_that_part_counts(self):
        km2 = overlay(CITY, plan("zones:A;B", per="km2", uptake="others=0.25"))
        whole_km2 = overlay(CITY, plan("zones:A;B", per="km2"))
        quarter = 0.25 * whole_km2.per_person.matrix.toarray()
        assert km2.per_person.matrix.toarray() == pytest.approx(quarter)

    def test_zero_reaches_nobody_and_says_why(self):
        found = whole(plan(uptake="low_income=0"))
        assert (found["people_reached"], found["total"]) == (0, 0)
        assert found["undefined"] == "nobody in reach takes it up: shares and the concentration index are undefined"
        assert set(table(plan(uptake="low_income=0"))["undefined"]) == {"nobody in reach takes it up"}

    def test_a_place_where_none_of_the_group_lives_is_reached_by_nobody(self):
        city = CITY.assign(people_low_income=[0.0, 50, 30, 20])
        laid = overlay(city, plan("zones:A;B", uptake="low_income"))
        assert laid.shares.matrix.toarray().ravel() == pytest.approx([0, 0.25, 0, 0])
        assert laid.shares.matrix.nnz == 1

    def test_neighbourhoods_without_people(self):
        city = CITY.assign(population=[100.0, 0, 300, 400], people_low_income=[50.0, 0, 30, 20])
        found = whole(plan(uptake="low_income=0.5; others=0.1"), city)
        assert found["people_reached"] == pytest.approx(0.5 * 100 + 0.1 * 700)

    def test_is_left_out_of_people_counted_once(self):
        """Who takes it up is not known person by person."""
        both = plan_of({"X": "zones:A;B", "Y": "zones:A"}, effect("X", uptake="others=0.5"), effect("Y"))
        laid = overlay(CITY, both)
        assert {key: rows.tolist() for key, rows in laid.members.items() if len(rows)} == {
            ("active actions", "benefit"): [1],
            ("all actions", "benefit"): [1],
        }
        once = counted_once(laid, people_of(CITY), groups={})
        assert once[once["ledger"] == "benefit"]["people_reached"].iloc[0] == 100
        assert once.groupby("ledger")["effects_left_out"].unique().map(list).to_dict() == {
            "benefit": [1],
            "burden": [0],
        }

    def test_effects_that_are_all_taken_up_by_some_have_a_place(self):
        both = plan_of(
            {"X": "zones:A", "Y": "citywide"}, effect("X", uptake="others=0.5"), effect("Y", uptake="others")
        )
        once = counted_once(overlay(CITY, both), people_of(CITY), groups={})
        row = once[(once["scope"] == "all actions") & (once["ledger"] == "benefit")].iloc[0]
        reason = "the benefits of all actions that have a place are taken up by some: who they are is not known"
        assert (row["effects_left_out"], row["undefined"]) == (1, reason)
        assert np.isnan(row["people_reached"])

    def test_effects_left_out_of_inactive_actions_are_of_all_actions(self):
        idle = plan_of({"X": "zones:A"}, effect("X", uptake="others=0.5"), inactive="X")
        assert {key: rows.tolist() for key, rows in overlay(CITY, idle).left_out.items() if len(rows)} == {
            ("all actions", "benefit"): [0]
        }

    def test_a_missing_amount_stays_missing(self):
        row = table(plan(amount=NAN, uptake="low_income=0.5")).loc["low_income"]
        assert row["people_reached"] == pytest.approx(75)
        assert np.isnan(row["total"])
        assert "the amount is missing" in row["undefined"]


class TestByGroup:
    def test_named_groups_have_exactly_their_share(self):
        row = table(plan("zones:A;B", amount=2.0, uptake="low_income=0.5; others=0.1")).loc["low_income"]
        expected = {
            "people_reached": 50,  # half of 100
            "people_reached_low": 50,
            "people_reached_high": 50,
            "total": 100,
            "mean": 100 / 150,
            "mean_rest": 2 * 0.1 * 200 / 850,  # a tenth of the 200 others of A and B
            "share_of_effect": 100 / 140,
            "share_of_people": 0.15,
            "parity": 100 / 140 / 0.15,
            "parity_low": 100 / 140 / 0.15,
            "parity_high": 100 / 140 / 0.15,
        }
        assert {name: row[name] for name in expected} == pytest.approx(expected)

    def test_groups_that_are_not_named_have_what_is_around_them(self):
        row = table(plan("zones:A;B", uptake="low_income=0.5; others=0.1")).loc["others_here"]
        # In A 30 of 100, in B 40 of 200 take it up, of 50 and 150 people of the group.
        assert row["people_reached"] == pytest.approx(0.3 * 50 + 0.2 * 150)

    def test_a_partition_adds_up_to_everyone(self):
        chosen = plan(km_box(0, 0, 1.5, 0.5), amount=2.0, uptake="low_income=0.5; others_here=0.1")
        found = table(chosen)
        assert found["total"].sum() == pytest.approx(whole(chosen)["total"])
        assert found["people_reached"].sum() == pytest.approx(whole(chosen)["people_reached"])

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_bounds_contain_the_value(self, share):
        """Of those in reach, none to all may be of the group, as far as there are so many."""
        row = table(plan(km_box(0, 0, share, 1), amount=2.0, uptake="low_income=0.4; others=0.1")).loc["low_income"]
        assert row["people_reached"] == pytest.approx(0.4 * 50 * share, rel=1e-4)
        bounds = [0.4 * max(0, 100 * share - 50), 0.4 * min(100 * share, 50)]
        assert row[["people_reached_low", "people_reached_high"]].tolist() == pytest.approx(bounds, abs=1e-3)
        assert row["parity_low"] <= row["parity"] <= row["parity_high"]

    def test_the_rest_of_a_universe_of_its_own_has_what_is_around_the_group(self):
        """10 of 20 tenants rent cheaply, among 100 people; only they take it up."""
        city = four_zones().assign(people_cheap=[10.0, 0, 0, 0], universe_cheap=[20.0, 0, 0, 0])
        row = table(plan("zones:A", uptake="cheap; others=0.5"), city).loc["cheap"]
        assert (row["people_reached"], row["total"]) == (10, 10)
        assert row["mean_rest"] == pytest.approx(0.5)  # the 10 other tenants are like the 90 other people
        assert row["share_of_effect"] == pytest.approx(10 / 15)
        assert row["parity"] == pytest.approx(10 / 15 / 0.5)

    def test_bounds_of_a_share_bound_those_who_share_it(self):
        """Half of A is in reach: of its 50 people, none to all have low incomes, and the others are the rest."""
        row = table(plan(km_box(0, 0, 0.5, 1), uptake="low_income=0.4; others=0.1")).loc["low_income"]
        assert row["share_of_effect"] == pytest.approx(0.4 * 25 / (0.4 * 25 + 0.1 * 25), rel=1e-4)
        bounds = row["parity_low"] * row["share_of_people"], row["parity_high"] * row["share_of_people"]
        assert bounds == pytest.approx((0, 1), abs=1e-4)
        row = table(plan(km_box(0, 0, 0.8, 1), uptake="low_income=0.4; others=0.1")).loc["low_income"]
        # 30 to 50 of the 80 in reach have low incomes; 50 to 30 do not.
        bounds = row["parity_low"] * row["share_of_people"], row["parity_high"] * row["share_of_people"]
        assert bounds == pytest.approx((12 / (12 + 5), 20 / (20 + 3)), rel=1e-4)

    @pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
    @pytest.mark.parametrize("rate", ["low_income", "low_income=0.3; others=0"])
    def test_a_group_that_alone_takes_it_up_has_all_of_it(self, share, rate):
        row = table(plan(km_box(0, 0, share, 2), amount=0.7, uptake=rate)).loc["low_income"]
        assert row[["share_of_effect"]].tolist() == [1]
        assert row["parity_low"] == row["parity"] == row["parity_high"] == 1 / row["share_of_people"]
        assert row["people_reached_high"] <= 150

    def test_a_rest_that_has_rounding_has_nothing(self):
        """0.3 of a third of people, less the same, is 1e-17 and no mean to compare with."""
        city = four_zones().assign(people_low_income=PEOPLE / 3)
        for percent in range(1, 100):
            row = table(plan(amount=0.7, uptake=f"low_income={percent / 100}"), city).loc["low_income"]
            assert (row["mean_rest"], row["share_of_effect"], row["gap"]) == (0, 1, row["mean"])
            assert np.isnan(row["ratio"])
            assert row["undefined"] == "ratio: everyone else has a mean of 0, or there is nobody else"

    @given(
        counts=st.lists(st.integers(0, 100), min_size=4, max_size=4),
        rates=st.tuples(st.sampled_from([0, 0.1, 0.9, 1]), st.sampled_from([0, 0.1, 1])),
        share=st.sampled_from([0.1, 0.5, 0.9, 1.5, 2.0]),
    )
    @settings(max_examples=40, deadline=None)
    def test_bounds_hold_the_value_and_stay_within_everything(self, counts, rates, share):
        low = np.minimum(counts, PEOPLE)
        city = four_zones().assign(people_low_income=low, people_rest=PEOPLE - low, people_women=PEOPLE / 2)
        own, others = rates
        found = table(plan(km_box(0, 0, share, 1.5), uptake=f"low_income={own}; others={others}"), city)
        known = found[found["parity"].notna()]
        for column in ("parity", "people_reached"):
            assert (known[f"{column}_low"] <= known[column] * (1 + 1e-9) + 1e-12).all()
            assert (known[column] <= known[f"{column}_high"] * (1 + 1e-9) + 1e-12).all()
        assert (known["parity_high"] * known["share_of_people"] <= 1 + 1e-12).all()
        assert (found["people_reached_high"] <= found["people"] + 1e-9).all()

    def test_the_rest_never_has_less_than_nothing(self):
        city = four_zones().assign(people_cheap=[10.0, 0, 0, 0], universe_cheap=[20.0, 0, 0, 0])
        row = table(plan("zones:A", uptake="cheap"), city).loc["cheap"]
        assert (row["mean_rest"], row["share_of_effect"]) == (0, 1)

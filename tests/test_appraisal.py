"""Grades of TAG unit A4.2 and weights of the Green Book in the city of four squares."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.sparse import csc_array

from equity_screen.appraisal import fifths_of, grade_meaning, green_book_table, tag_grade, tag_grid
from equity_screen.errors import UsageError
from equity_screen.inequality import mid_rank
from equity_screen.overlay import overlay
from equity_screen.people import NO_PEOPLE, People, people_of
from equity_screen.recipe import Group
from equity_screen.relation import Relation
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, plan_of

NAN = float("nan")
CITY = four_zones()
PEOPLE = people_of(CITY)
LOW = {"low_income": Group(label="People with low incomes", count="x")}
RANK = {"income": np.array([0.05, 0.2, 0.45, 0.8])}
INCOME = CITY["median_income"].to_numpy()
MONEY = {"unit": "EUR", "effect": "rebate"}
NOBODY = People(np.zeros(4), np.zeros((4, 1)), np.zeros((4, 1)), ("low_income",), known=False)


class TestGrade:
    @pytest.mark.parametrize(
        ("effect_share", "people_share", "grade"),
        [
            (0.30, 0.20, "✓✓✓"),
            (0.25, 0.20, "✓✓"),  # 5 points are in line still, whatever rounding makes of them
            (0.35, 0.30, "✓✓"),
            (0.15, 0.20, "✓✓"),
            (0.2501, 0.20, "✓✓✓"),
            (0.10, 0.20, "✓"),
            (0.0, 0.20, "–"),
            (0.0, 0.02, "–"),
            (NAN, 0.20, ""),
            (0.1, NAN, ""),
        ],
    )
    def test_of_a_benefit(self, effect_share, people_share, grade):
        assert tag_grade(effect_share, people_share, ledger="benefit") == grade
        assert tag_grade(effect_share, people_share, ledger="burden") == grade.replace("✓", "✗")

    def test_the_points_are_the_users(self):
        assert tag_grade(0.25, 0.20, ledger="benefit", tolerance=0.02) == "✓✓✓"
        assert tag_grade(0.20, 0.20, ledger="benefit", tolerance=0.0) == "✓✓"

    def test_faults(self):
        with pytest.raises(UsageError, match="no ledger 'gain': one of benefit, burden"):
            tag_grade(0.1, 0.1, ledger="gain")
        with pytest.raises(UsageError, match=r"a tolerance of 5: give a difference of shares from 0 to 1"):
            tag_grade(0.1, 0.1, ledger="benefit", tolerance=5)

    def test_meanings(self):
        assert (
            grade_meaning("✓")
            == "a benefit; the group's share of it is more than 5 points below its share of the people"
        )
        assert grade_meaning("✗✗", tolerance=0.025).endswith("within 2.5 points of its share of the people")
        assert grade_meaning("–") == "the group has none of it"
        assert grade_meaning("") == ""


class TestFifths:
    def test_border_belongs_to_the_fifth_above(self):
        people = People(np.ones(6), np.empty((6, 0)), np.empty((6, 0)), ())
        found = fifths_of(np.array([0.0, 0.2, 0.6000000000000001, 0.6 - 1e-16, 1.0, NAN]), people)
        assert found.groups.argmax(axis=1).tolist()[:5] == [0, 1, 3, 3, 4]
        assert found.groups.sum(axis=1).tolist() == [1, 1, 1, 1, 1, 0]
        assert found.universes.sum(axis=0).tolist() == [5] * 5

    def test_neighbourhoods_of_equal_income_stay_together(self):
        rank = mid_rank(np.array([1.0, 1, 2, 3]), PEOPLE.population)
        assert fifths_of(rank, PEOPLE).groups.sum(axis=0).tolist() == [300, 0, 300, 0, 400]


class TestGrid:
    def grid(self, plan=None, city=CITY, people=None, **given):
        plan = four_actions() if plan is None else plan
        people = people_of(city) if people is None else people
        asked = {"people": people, "groups": LOW, "ranks": RANK} | given
        return tag_grid(overlay(city, plan), plan.effects, **asked)

    def test_fifths_in_the_head(self):
        grid = self.grid()
        shade = grid[(grid["effect"] == "shade") & (grid["kind"] == "quintile")].set_index("group")
        # A is in the first fifth, B in the second, C in the third, D in the fifth; 50 of 200 go to A, 150 to C.
        assert shade["people"].tolist() == [100, 200, 300, 0, 400]
        assert shade["grade"].tolist() == ["✓✓✓", "–", "✓✓✓", "", "–"]
        assert shade.loc["1", ["share_of_effect", "share_of_people", "difference"]].tolist() == pytest.approx(
            [0.25, 0.1, 0.15]
        )
        assert shade.loc["4", "undefined"] == "nobody lives here who belongs to it"
        assert shade.loc["1", "label"] == "income: fifth 1"
        assert shade.loc["1", "meaning"].startswith("a benefit; the group's share of it is more than 5 points above")

    def test_groups_in_the_head(self):
        grid = self.grid()
        noise = grid[(grid["effect"] == "noise") & (grid["kind"] == "group")].iloc[0]
        assert noise["share_of_effect"] == pytest.approx(70 / 600)
        assert noise["grade"] == "✗✗"  # 11.7 % of the noise, 15 % of the people
        assert noise["label"] == "People with low incomes"

    def test_rows_of_an_effect_stand_together(self):
        grid = self.grid(ranks=RANK | {"turned": 1 - RANK["income"]})
        assert grid["effect"].tolist()[:11] == ["dividend"] * 11
        assert grid["ranking"].tolist()[:11] == ["income"] * 5 + ["turned"] * 5 + [""]

    def test_an_effect_that_is_nothing(self):
        grid = self.grid(plan_of({"X": "zones:A"}, effect("X", amount=0.0)))
        assert set(grid["grade"][grid["people"] > 0]) == {"–"}

    def test_undefined(self):
        grid = self.grid()
        lost = grid[grid["effect"] == "biogas"]
        assert set(lost["grade"]) == {""}
        assert lost["undefined"].str.startswith("its place is not known").all()
        grid = self.grid(plan_of({"X": "zones:A"}, effect("X", amount=NAN)))
        assert set(grid["undefined"][grid["people"] > 0]) == {"the amount is missing"}

    def test_an_unranked_neighbourhood_is_in_no_fifth(self):
        grid = self.grid(ranks={"income": np.array([NAN, 0.2, 0.45, 0.8])})
        shade = grid[(grid["effect"] == "shade") & (grid["kind"] == "quintile")]
        assert shade["share_of_effect"].tolist() == pytest.approx([NAN, 0, 1, NAN, 0], nan_ok=True)
        assert shade["share_of_people"].tolist() == pytest.approx([0, 2 / 9, 3 / 9, 0, 4 / 9])

    def test_a_group_called_by_a_number_names_no_fifth(self):
        city = CITY.drop(columns="people_low_income").assign(people_1=CITY["people_low_income"])
        plan = plan_of({"X": "citywide"}, effect("X", uptake="1=0.5; others=0.1"))
        grid = self.grid(plan, city, groups={})
        fifth = grid[(grid["kind"] == "quintile") & (grid["group"] == "1")].iloc[0]
        assert fifth["share_of_effect"] == pytest.approx((25 + 5) / (75 + 85))  # all of A, not half of it

    def test_without_people(self):
        grid = self.grid(people=NOBODY)
        assert set(grid["undefined"]) == {NO_PEOPLE}
        assert set(grid["grade"]) == {""}

    def test_tolerance(self):
        with pytest.raises(UsageError, match="a tolerance of 1"):
            self.grid(tolerance=1)


class TestGreenBook:
    def table(self, plan, people=PEOPLE, income=INCOME, **given):
        asked = {"people": people, "income": income, "unit": "EUR"} | given
        return green_book_table(overlay(CITY, plan), plan.effects, **asked)

    def test_in_the_head(self):
        # Half of the 1,000 people have 40,000 or less: the median. A has half of that: its money counts 2^1.3-fold.
        plan = plan_of({"X": "zones:A;C"}, effect("X", **MONEY), effect("X", ledger="burden", amount=0.5, unit="EUR"))
        row = self.table(plan).iloc[0]
        assert row["median_income"] == 40_000
        assert row[["benefits", "burdens", "net"]].tolist() == [400, 200, 200]
        weighted = 100 * 2**1.3 + 300
        assert row[["benefits_weighted", "burdens_weighted"]].tolist() == pytest.approx([weighted, weighted / 2])
        assert row["net_weighted"] == pytest.approx(weighted / 2)
        assert row["covered_share"] == 1
        assert np.isnan(row["switching_value"])
        assert row["undefined"] == "switching value: the net keeps its sign up to an elasticity of 4"

    def test_switching_value(self):
        # A gains 100 × 3 EUR, C, at the median, pays 300 × 2: 300 · 2^η = 600 at η = 1.
        plan = plan_of(
            {"X": "citywide"},
            effect("X", amount=3.0, reach="area", shape=CITY.geometry["A"], **MONEY),
            effect("X", ledger="burden", amount=2.0, unit="EUR", reach="area", shape=CITY.geometry["C"]),
        )
        row = self.table(plan).iloc[0]
        assert row["net"] == pytest.approx(-300, abs=1e-2)
        assert row["switching_value"] == pytest.approx(1, abs=1e-4)
        assert row["undefined"] == ""

    def test_switching_value_of_a_net_that_is_zero_unweighted(self):
        plan = plan_of(
            {"X": "zones:A", "Y": "zones:D"},
            effect("X", amount=4.0, **MONEY),
            effect("X", ledger="burden", unit="EUR", reach="travel", zones="D", minutes=5.0),
        )
        row = self.table(plan).iloc[0]
        assert row[["net", "switching_value"]].tolist() == [0, 0]

    @pytest.mark.parametrize("seed", range(5))
    def test_switching_value_by_brute_force(self, seed):
        draw = np.random.default_rng([5, seed])
        doses = draw.uniform(0, 1, (4, 2)) * (draw.uniform(size=(4, 2)) < 0.8)
        plan = plan_of({"X": "citywide"}, effect("X", **MONEY), effect("X", ledger="burden", unit="EUR"))
        laid = overlay(CITY, plan)
        laid = laid._replace(per_person=Relation(csc_array(doses), laid.shares.rows, laid.shares.columns))
        row = green_book_table(laid, plan.effects, people=PEOPLE, income=INCOME, unit="EUR").iloc[0]

        def net(elasticity):
            return float(PEOPLE.population @ ((doses[:, 0] - doses[:, 1]) * (40_000 / INCOME) ** elasticity))

        steps = np.linspace(0, 4, 4001)
        values = [net(step) for step in steps]
        turns = [k for k in range(4000) if values[k] * values[k + 1] < 0]
        expected = brentq(net, steps[turns[0]], steps[turns[0] + 1]) if turns else NAN
        assert row["switching_value"] == pytest.approx(expected, abs=1e-9, nan_ok=True)

    def test_no_elasticity_counts_all_alike(self):
        plan = plan_of({"X": "zones:A;C"}, effect("X", **MONEY))
        row = self.table(plan, elasticity=0.0).iloc[0]
        assert row["benefits_weighted"] == row["benefits"] == 400

    def test_an_income_that_is_not_known(self):
        plan = plan_of({"X": "zones:A;C"}, effect("X", **MONEY))
        row = self.table(plan, income=np.array([NAN, 30_000, 40_000, 50_000])).iloc[0]
        assert row[["benefits", "covered_share"]].tolist() == [300, 0.75]
        row = self.table(plan, income=np.array([0.0, 30_000, 40_000, 50_000])).iloc[0]
        assert row[["benefits", "covered_share"]].tolist() == [300, 0.75]

    def test_no_income_at_all(self):
        row = self.table(plan_of({"X": "zones:A"}, effect("X", **MONEY)), income=np.full(4, NAN)).iloc[0]
        assert row[["benefits", "net_weighted", "switching_value"]].isna().all()
        assert row["undefined"] == "no income is known where people live"

    def test_no_income_where_the_money_is(self):
        plan = plan_of({"X": "zones:A", "Y": "zones:C"}, effect("X", **MONEY), effect("Y", **MONEY))
        rows = self.table(plan, income=np.array([NAN, 30_000, 40_000, 50_000])).set_index("action")
        numbers = [*(f"{n}{s}" for n in ("benefits", "burdens", "net") for s in ("", "_weighted")), "switching_value"]
        assert rows.loc["X", numbers].isna().all()
        assert rows.loc["X", "covered_share"] == 0
        assert rows.loc["X", "undefined"] == "no income is known of those who have it"
        assert rows.loc["Y", "benefits"] == 300

    @pytest.mark.parametrize("least", [1e-300, 5e-324])
    def test_an_income_of_next_to_nothing(self, least):
        plan = plan_of(
            {"X": "zones:A;C", "Y": "zones:C", "Z": "zones:A;C"},
            *[effect("X", **MONEY), effect("Y", **MONEY), effect("Z", **MONEY)],
            effect("Z", ledger="burden", unit="EUR"),
        )
        table = self.table(plan, income=np.array([least, 30_000, 40_000, 50_000])).set_index("action")
        assert table["benefits"].tolist() == [400, 300, 400]
        assert table.loc["X", ["benefits_weighted", "burdens_weighted", "net_weighted"]].isna().all()
        endless = "weighted: the weight of an income so far below the median is too large for a number"
        level = "switching value: the net keeps its sign up to an elasticity of 4"
        assert table.loc["X", "undefined"] == f"{endless}; {level}"
        assert table.loc["Y", "benefits_weighted"] == pytest.approx(300)
        assert table.loc["Y", "undefined"] == level
        nothing = "switching value: nothing is left of benefits less burdens"
        assert table.loc["Z", "undefined"] == f"{endless}; {nothing}"

    def test_a_sign_that_an_income_of_next_to_nothing_turns(self):
        # A, with next to no income, gains a little and C, at the median, pays more.
        plan = plan_of(
            {"X": "citywide"},
            effect("X", amount=3.0, reach="area", shape=CITY.geometry["A"], **MONEY),
            effect("X", ledger="burden", amount=2.0, unit="EUR", reach="area", shape=CITY.geometry["C"]),
        )
        row = self.table(plan, income=np.array([1e-300, 30_000, 40_000, 50_000])).iloc[0]
        # 300 · (4e304)^η = 600.
        assert row["switching_value"] == pytest.approx(np.log(2) / np.log(4e304), rel=1e-3)

    def test_a_sign_that_turns_where_no_weight_is_a_number(self):
        # Beside what A gains, 100 (1e-300)^-n, what C pays, 300e15 (1e-290)^-n, is less from n = log10(3e15) / 10 on.
        plan = plan_of(
            {"X": "citywide"},
            effect("X", amount=1.0, reach="area", shape=CITY.geometry["A"], **MONEY),
            effect("X", ledger="burden", amount=1e15, unit="EUR", reach="area", shape=CITY.geometry["C"]),
        )
        row = self.table(plan, income=np.array([1e-300, 30_000, 1e-290, 50_000])).iloc[0]
        assert row["switching_value"] == pytest.approx(np.log10(3e15) / 10, abs=1e-4)

    def test_other_units_are_left_out(self):
        assert self.table(four_actions())["action"].tolist() == ["CITY"]
        assert len(self.table(four_actions(), unit="DKK")) == 0

    def test_a_net_of_nothing(self):
        row = self.table(four_actions()).iloc[0]
        assert row["undefined"] == "switching value: nothing is left of benefits less burdens"

    def test_no_place_and_no_amount(self):
        plan = plan_of({"X": "unlocated", "Y": "zones:A"}, effect("X", **MONEY), effect("Y", amount=NAN, **MONEY))
        table = self.table(plan)
        assert table[["benefits", "net", "covered_share"]].isna().all(axis=None)
        assert table["undefined"].tolist()[0].startswith("its place is not known")
        assert table["undefined"].tolist()[1] == "an amount is missing"

    def test_without_people(self):
        table = self.table(four_actions(), people=NOBODY)
        assert set(table["undefined"]) == {NO_PEOPLE}

    def test_faults(self):
        with pytest.raises(UsageError, match="2 incomes for 4 neighbourhoods: give one for each"):
            self.table(four_actions(), income=np.ones(2))
        with pytest.raises(UsageError, match="an elasticity of -1"):
            self.table(four_actions(), elasticity=-1)

    @pytest.mark.shared
    def test_golden(self, shared_data: Path):
        folder = shared_data.parent / "golden"
        table = pd.read_csv(folder / "golden.csv", dtype={"id": "str"}).set_index("id")
        golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))["extra"]
        actions = ("ev", "freeway", "trees", "uniform", "zero")
        plan = plan_of(dict.fromkeys(actions, "citywide"), *[effect(name, **MONEY) for name in actions])
        laid = overlay(four_zones().iloc[[0] * len(table)].set_index(table.index), plan)
        doses = csc_array(table[[f"x_{name}" for name in actions]].to_numpy(dtype=np.float64))
        laid = laid._replace(per_person=Relation(doses, table.index, laid.per_person.columns))
        people = People(table["pop"].to_numpy(dtype=np.float64), np.empty((12, 0)), np.empty((12, 0)), ())
        income = table["income"].to_numpy(dtype=np.float64)
        asked = {"people": people, "income": income, "unit": "EUR", "elasticity": 1.4}
        found = green_book_table(laid, plan.effects, **asked)
        assert found["median_income"].tolist() == [47.0] * 5
        expected = [golden[name]["income_weighted_total[eps=1.4,median=47]"] for name in found["action"]]
        assert found["benefits_weighted"].to_numpy() == pytest.approx(expected, rel=1e-10)

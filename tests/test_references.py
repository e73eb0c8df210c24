"""Groups against references in the city of four squares: 50, 50, 30 and 20 of 100 to 400 have low incomes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.errors import UsageError
from equity_screen.overlay import overlay
from equity_screen.people import NO_PEOPLE, People, people_of
from equity_screen.recipe import Group, Reference
from equity_screen.references import by_reference, require_references
from equity_screen.relation import Relation
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, plan_of

CITY = four_zones().assign(people_renters=[40.0, 100, 60, 0])
LOW = {"low_income": Group(label="People with low incomes", count="x", dimension="income")}
ALL = Reference(whole_city=True)
NORTH = Reference(neighbourhoods=("C", "D"), label="the north")
RENTERS = Reference(group="renters")
SIMILAR = Reference(similar_footprints=True)
NUMBERS = ["mean", "mean_reference", "difference", "ratio"]


def table_of(plan=None, city=CITY, people=None, null=None, **references):
    plan = four_actions() if plan is None else plan
    people = people_of(city) if people is None else people
    asked = {"people": people, "groups": LOW, "references": references, "null": null}
    return by_reference(overlay(city, plan), plan.effects, **asked)


def row_of(table, group="low_income", effect_="shade"):
    found = table[(table["effect"] == effect_) & (table["group"] == group)]
    assert len(found) == 1
    return found.iloc[0]


def null_of(**given):
    row = {"action": "WEST", "ledger": "benefit", "effect": "shade", "group": "low_income", "null_mean": 0.1}
    return pd.DataFrame([row | given])


class TestKinds:
    def test_whole_city(self):
        row = row_of(table_of(all=ALL))
        assert row[NUMBERS].tolist() == pytest.approx([40 / 150, 0.2, 40 / 150 - 0.2, 4 / 3])
        assert row[["reference", "reference_label", "kind"]].tolist() == ["all", "everyone in the city", "whole_city"]

    def test_neighbourhoods(self):
        row = row_of(table_of(north=NORTH))
        assert row[NUMBERS].tolist() == pytest.approx([40 / 150, 150 / 700, 40 / 150 - 150 / 700, (4 / 15) / (15 / 70)])
        assert row["reference_label"] == "the north"

    def test_another_group(self):
        row = row_of(table_of(renters=RENTERS))
        assert row[NUMBERS].tolist() == pytest.approx([40 / 150, 50 / 200, 40 / 150 - 50 / 200, (4 / 15) / (1 / 4)])
        assert row["reference_label"] == "renters"

    def test_itself(self):
        row = row_of(table_of(renters=RENTERS), group="renters")
        assert row[NUMBERS].tolist() == [0.25, 0.25, 0, 1]

    def test_similar_footprints(self):
        row = row_of(table_of(similar=SIMILAR, null=null_of()))
        assert row[NUMBERS].tolist() == pytest.approx([40 / 150, 0.1, 40 / 150 - 0.1, 40 / 15])
        assert row["undefined"] == ""

    def test_similar_footprints_that_are_measured_another_way(self):
        # As measured among the places, the footprint here gives twice what the effect does: so does one elsewhere.
        row = row_of(table_of(similar=SIMILAR, null=null_of(mean=80 / 150)))
        assert row[NUMBERS].tolist() == pytest.approx([40 / 150, 0.05, 40 / 150 - 0.05, 80 / 15])
        for nothing in (0.0, np.nan):
            assert row_of(table_of(similar=SIMILAR, null=null_of(mean=nothing)))["mean_reference"] == 0.1
        row = row_of(
            table_of(
                four_actions(), CITY.assign(people_low_income=[0.0, 50, 0, 0]), similar=SIMILAR, null=null_of(mean=0.3)
            )
        )
        assert row[NUMBERS].tolist() == [0, 0.1, -0.1, 0]

    @pytest.mark.parametrize("null", [None, pd.DataFrame()])
    def test_similar_footprints_without_siting(self, null):
        row = row_of(table_of(similar=SIMILAR, null=null))
        assert row[NUMBERS[1:]].isna().all()
        assert row["undefined"] == "reference: siting was not asked: no other places are known"

    def test_similar_footprints_that_were_not_tried(self):
        row = row_of(table_of(similar=SIMILAR, null=null_of(action="EAST")))
        assert np.isnan(row["mean_reference"])
        assert row["undefined"] == "reference: the same footprint was tried nowhere else"
        given = null_of(null_mean=np.nan, undefined="fewer than 19 places")
        row = row_of(table_of(similar=SIMILAR, null=given))
        assert row["undefined"] == "reference: fewer than 19 places"

    def test_a_group_of_its_own_universe(self):
        # Low incomes were asked of 80, 100, 150 and 100 people: 80 and 150 of them in A and C, at 0.5 each.
        universes = np.column_stack([[80.0, 100, 150, 100], CITY["population"]])
        people = people_of(CITY)._replace(universes=universes)
        table = table_of(people=people, all=ALL, north=NORTH)
        rows = table[(table["effect"] == "shade") & (table["group"] == "low_income")]
        assert rows["mean_reference"].tolist() == pytest.approx([115 / 430, 75 / 250])
        assert rows["own_universe"].all()


class TestTakenUp:
    PLAN = plan_of({"X": "zones:A"}, effect("X", uptake="low_income=0.5; others=0.1"))

    def test_the_whole_city(self):
        row = row_of(table_of(self.PLAN, all=ALL))
        assert row["mean"] == pytest.approx(25 / 150)
        assert row["mean_reference"] == pytest.approx((25 + 5) / 1000)

    def test_another_group_has_the_mean_of_its_neighbourhood(self):
        row = row_of(table_of(self.PLAN, renters=RENTERS))
        assert row["mean_reference"] == pytest.approx(0.3 * 40 / 200)

    def test_neighbourhoods(self):
        row = row_of(table_of(self.PLAN, south=Reference(neighbourhoods=("A", "B"))))
        assert row["mean_reference"] == pytest.approx(30 / 300)

    def test_in_a_universe_of_its_own(self):
        # The universe of A: 60 people, 50 of them with low incomes; the other 10 take it up at 0.1.
        universes = np.column_stack([[60.0, 100, 150, 100], CITY["population"]])
        people = people_of(CITY)._replace(universes=universes)
        row = row_of(table_of(self.PLAN, people=people, all=ALL))
        assert row["mean_reference"] == pytest.approx((25 + 1) / 410)
        row = row_of(table_of(self.PLAN, people=people, a=Reference(neighbourhoods=("A",))))
        assert row["mean_reference"] == pytest.approx((25 + 1) / 60)


class TestUndefined:
    def test_a_reference_that_has_nothing(self):
        row = row_of(table_of(south=Reference(neighbourhoods=("B",))))
        assert row["difference"] == pytest.approx(40 / 150)
        assert np.isnan(row["ratio"])
        assert row["undefined"] == "ratio: the mean of the reference is 0"

    def test_nobody_in_the_neighbourhoods(self):
        city = CITY.copy()
        city.loc["B", ["population", "people_low_income", "people_renters"]] = 0.0
        row = row_of(table_of(city=city, b=Reference(neighbourhoods=("B",))))
        assert row["undefined"] == "reference: nobody lives in the neighbourhoods of the reference"

    def test_nobody_in_the_group_of_the_reference(self):
        row = row_of(table_of(city=CITY.assign(people_renters=0.0), renters=RENTERS))
        assert row["undefined"] == "reference: the group of the reference has no people here"

    def test_nobody_in_the_group(self):
        row = row_of(table_of(city=CITY.assign(people_low_income=0.0), all=ALL))
        assert row[["mean", "difference", "ratio"]].isna().all()
        assert row["mean_reference"] == pytest.approx(0.2)
        assert row["undefined"] == "the group has no people here"

    def test_no_place(self):
        row = row_of(table_of(all=ALL), effect_="biogas")
        assert row["undefined"].startswith("its place is not known")
        assert row[NUMBERS].isna().all()

    def test_a_missing_amount(self):
        row = row_of(table_of(plan_of({"X": "zones:A"}, effect("X", amount=np.nan)), all=ALL))
        assert row["undefined"] == "the amount is missing"
        assert row[NUMBERS].isna().all()

    def test_without_people(self):
        people = People(np.zeros(4), np.zeros((4, 2)), np.zeros((4, 2)), ("low_income", "renters"), known=False)
        table = table_of(people=people, all=ALL)
        assert set(table["undefined"]) == {NO_PEOPLE}
        assert table[NUMBERS].isna().all(axis=None)

    def test_no_references(self):
        table = table_of()
        assert len(table) == 0
        assert table.columns[-1] == "undefined"


class TestFaults:
    def test_an_unknown_group(self):
        with pytest.raises(UsageError, match=r"'r': no group 'renter': did you mean 'renters'\?"):
            table_of(r=Reference(group="renter"))

    def test_an_unknown_neighbourhood(self):
        with pytest.raises(UsageError, match="'n': no neighbourhood 'E7': ids look like 'A'"):
            table_of(n=Reference(neighbourhoods=("A", "E7")))

    def test_every_fault_at_once(self):
        asked = {"r": Reference(group="x"), "n": Reference(neighbourhoods=("Z01",))}
        with pytest.raises(UsageError, match=r"no group 'x'.*; .*no neighbourhood 'Z01': did you mean 'Z1'"):
            require_references(asked, people=people_of(CITY), neighbourhoods=pd.Index(["Z1"]))


def test_references_of_an_effect_and_group_stand_together():
    table = table_of(all=ALL, north=NORTH)
    assert table["reference"].tolist()[:4] == ["all", "north", "all", "north"]
    assert table["group"].tolist()[:4] == ["low_income", "low_income", "renters", "renters"]
    assert isinstance(table.index, pd.RangeIndex)


@pytest.mark.shared
def test_golden(shared_data: Path):
    folder = shared_data.parent / "golden"
    table = pd.read_csv(folder / "golden.csv", dtype={"id": "str"}).set_index("id")
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))["actions"]
    actions, groups = ("trees", "ev", "freeway", "uniform", "zero"), ("white", "black", "hisp", "other", "lowinc")
    plan = plan_of(dict.fromkeys(actions, "citywide"), *[effect(name) for name in actions])
    labels = pd.MultiIndex.from_frame(plan.effects[["action", "ledger", "effect"]])
    doses = csc_array(table[[f"x_{name}" for name in actions]].to_numpy(dtype=np.float64))
    laid = overlay(four_zones().iloc[[0] * len(table)].set_index(table.index), plan)
    reached = csc_array((np.ones(doses.nnz), doses.indices, doses.indptr), shape=doses.shape)
    both = {"shares": Relation(reached, table.index, labels), "per_person": Relation(doses, table.index, labels)}
    laid = laid._replace(**both)
    population = table["pop"].to_numpy(dtype=np.float64)
    counts = table[list(groups)].to_numpy(dtype=np.float64)
    people = People(population, counts, np.repeat(population[:, None], 5, axis=1), groups)
    references = {"white": Reference(group="white"), "all": ALL}
    found = by_reference(laid, plan.effects, people=people, groups={}, references=references)
    for row in found[found["reference"] == "white"].itertuples():
        expected = golden[row.action]
        assert row.difference == pytest.approx(expected[f"diff[{row.group}-white]"], abs=1e-10)
        ratio = expected.get(f"ratio[{row.group}/white]")
        assert row.ratio == pytest.approx(np.nan if ratio is None else ratio, rel=1e-10, nan_ok=True)
    whole = found[found["reference"] == "all"]
    means = [golden[action]["mean"] for action in whole["action"]]
    assert whole["mean_reference"].to_numpy() == pytest.approx(means, rel=1e-10)

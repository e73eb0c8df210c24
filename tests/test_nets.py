"""Benefits less burdens in the city of four squares, and of the published twelve neighbourhoods."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.equity import by_group
from equity_screen.inequality import mid_rank
from equity_screen.nets import net_by_group, net_effects, net_table
from equity_screen.overlay import Overlay, overlay
from equity_screen.people import NO_PEOPLE, People, people_of
from equity_screen.recipe import Group
from equity_screen.relation import Relation
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, plan_of

CITY = four_zones()
PEOPLE = people_of(CITY)
LOW = {"low_income": Group(label="People with low incomes", count="x", dimension="income")}
RANK = {"income": np.array([0.05, 0.2, 0.45, 0.8])}
SIGNS = ["people_gaining", "people_losing", "people_untouched"]
RACES = ("white", "black", "hisp", "other")


def cost(action, **given):
    return effect(action, **{"ledger": "burden", "effect": "levy"} | given)


def whole(plan, **given):
    net = net_effects(overlay(CITY, plan), plan.effects)
    return net_table(net, PEOPLE, **{"groups": LOW, "ranks": RANK} | given).iloc[0]


def groups(plan, city=CITY):
    laid, people = overlay(city, plan), people_of(city)
    table = by_group(laid, plan.effects, people=people, groups=LOW)
    return net_by_group(net_effects(laid, plan.effects), table, people=people).iloc[0]


# A gains 1 each and loses nothing, B gains 1 and loses 1, C loses 1: people 100, 200, 300.
SOME = plan_of(
    {"X": "citywide"},
    effect("X", reach="area", shape=CITY.geometry["A":"B"].union_all()),
    cost("X", reach="area", shape=CITY.geometry["B":"C"].union_all()),
)


class TestNet:
    def test_in_the_head(self):
        plan = plan_of({"X": "zones:A;B"}, effect("X", amount=3.0), cost("X", amount=1.0))
        net = net_effects(overlay(CITY, plan), plan.effects)
        assert net.labels.tolist() == [("X", "degC", "person")]
        assert net.labels.names == ["action", "unit", "per"]
        assert net.matrix.toarray().ravel().tolist() == [2, 2, 0, 0]
        assert net.about.loc[0, ["benefits", "burdens", "undefined"]].tolist() == ["shade", "levy", ""]

    def test_units_and_bases_are_never_mixed(self):
        plan = plan_of(
            {"X": "zones:A"}, effect("X"), cost("X", unit="EUR"), effect("X", effect="air", unit="EUR", per="total")
        )
        net = net_effects(overlay(CITY, plan), plan.effects)
        assert len(net.labels) == 0
        table = net_table(net, PEOPLE, groups=LOW, ranks=RANK)
        assert len(table) == 0
        assert "bgv_income" in table

    def test_a_blank_unit_is_no_unit(self):
        plan = plan_of({"X": "zones:A"}, effect("X", unit=""), cost("X", unit=""))
        assert len(net_effects(overlay(CITY, plan), plan.effects).labels) == 0

    def test_of_one_action_only(self):
        plan = plan_of({"X": "zones:A", "Y": "zones:A"}, effect("X"), cost("Y"))
        assert len(net_effects(overlay(CITY, plan), plan.effects).labels) == 0

    def test_several_of_each(self):
        rows = [effect("X", amount=0.3), cost("X", amount=0.1), cost("X", effect="noise", amount=0.2)]
        plan = plan_of({"X": "zones:A"}, *rows)
        net = net_effects(overlay(CITY, plan), plan.effects)
        assert net.matrix.nnz == 0  # what rounding leaves of 0.3 − 0.1 − 0.2 is nothing
        assert net.about.loc[0, "burdens"] == "levy; noise"

    def test_the_order_of_effects_changes_nothing(self):
        rows = [e(a, amount=k) for k, a in enumerate("YXZ", 1) for e in (cost, effect)]
        places = {"X": "zones:A", "Y": "zones:B;C", "Z": "zones:D"}
        plans = [plan_of(places, *rows), plan_of(places, *rows[::-1])]
        tables = [net_table(net_effects(overlay(CITY, p), p.effects), PEOPLE, groups=LOW, ranks=RANK) for p in plans]
        pd.testing.assert_frame_equal(*tables)


class TestWhole:
    def test_in_the_head(self):
        row = whole(SOME)
        assert row[SIGNS].tolist() == pytest.approx([100, 300, 600], abs=1e-3)
        assert [row["total"], row["total_gains"], row["total_losses"]] == pytest.approx([-200, 100, -300], abs=1e-3)
        assert row["mean"] == pytest.approx(-0.2, abs=1e-5)
        assert row["variance"] == pytest.approx(0.4 - 0.04, abs=1e-5)
        assert row["undefined"] == ""

    def test_between_groups_of_a_dimension(self):
        row = whole(SOME)
        means = [(50 - 30) / 150, (-200 - 20) / 850]
        expected = 0.15 * (means[0] + 0.2) ** 2 + 0.85 * (means[1] + 0.2) ** 2
        assert row["bgv_income"] == pytest.approx(expected, abs=1e-5)

    def test_a_dimension_that_does_not_share_out_the_people(self):
        twice = {name: Group(label=name, count="x", dimension="d") for name in ("a", "b")}
        people = PEOPLE._replace(
            groups=np.repeat(PEOPLE.population[:, None], 2, axis=1),
            universes=np.repeat(PEOPLE.population[:, None], 2, axis=1),
            names=("a", "b"),
        )
        net = net_effects(overlay(CITY, SOME), SOME.effects)
        row = net_table(net, people, groups=twice, ranks={}).iloc[0]
        assert np.isnan(row["bgv_d"])
        assert row["undefined"].startswith("bgv_d: ")

    def test_no_place(self):
        plan = plan_of({"X": "unlocated"}, effect("X"), cost("X"))
        row = whole(plan)
        assert row[[*SIGNS, "mean", "variance", "gci_income"]].isna().all()
        assert row["undefined"].startswith("its place is not known")

    def test_a_missing_amount(self):
        plan = plan_of({"X": "zones:A"}, effect("X"), cost("X", amount=np.nan))
        row = whole(plan)
        assert row[[*SIGNS, "mean", "total_gains"]].isna().all()
        assert row["undefined"] == "an amount is missing"

    def test_taken_up_by_some(self):
        plan = plan_of({"X": "zones:A"}, effect("X", uptake="low_income=0.5"), cost("X", amount=0.25))
        row = whole(plan)
        assert row["mean"] == 0  # a quarter of A's people have 1, and all of them pay 0.25
        assert row[SIGNS].isna().all()
        assert np.isnan(row["bgv_income"])
        assert "taken up by some" in row["undefined"]

    def test_without_people(self):
        nobody = People(np.zeros(4), np.zeros((4, 0)), np.zeros((4, 0)), (), known=False)
        net = net_effects(overlay(CITY, four_actions()), four_actions().effects)
        row = net_table(net, nobody, groups={}, ranks=RANK).iloc[0]
        assert row["undefined"] == NO_PEOPLE
        assert row[[*SIGNS, "mean"]].isna().all()


class TestByGroup:
    def test_in_the_head(self):
        row = groups(SOME)
        assert row[SIGNS].tolist() == pytest.approx([50, 30, 70], abs=1e-3)
        assert row["mean"] == pytest.approx(20 / 150, abs=1e-5)
        assert row["mean_rest"] == pytest.approx(-220 / 850, abs=1e-5)
        assert row["gap"] == pytest.approx(20 / 150 + 220 / 850, abs=1e-5)

    def test_of_a_group_that_takes_a_benefit_up(self):
        plan = plan_of({"X": "zones:A"}, effect("X", uptake="low_income=0.5"), cost("X", amount=0.25))
        row = groups(plan)
        # 25 of 50 have 1, all pay 0.25; the other 50 of A only pay.
        assert row["mean"] == pytest.approx((25 - 12.5) / 150)
        assert row["mean_rest"] == pytest.approx(-12.5 / 850)
        assert row[SIGNS].isna().all()

    def test_nobody_in_the_group(self):
        row = groups(SOME, CITY.assign(people_low_income=0.0))
        assert np.isnan(row["mean"])
        assert row["undefined"] == "the group has no people here"


@pytest.mark.shared
class TestGolden:
    @pytest.fixture
    def found(self, shared_data: Path):
        folder = shared_data.parent / "golden"
        table = pd.read_csv(folder / "golden.csv", dtype={"id": "str"}).set_index("id")
        golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
        plan = plan_of({"net": "citywide"}, effect("net"), cost("net"))
        values = table["x_net"].to_numpy()
        population = table["pop"].to_numpy(dtype=np.float64)
        counts = table[list(RACES)].to_numpy(dtype=np.float64)
        people = People(population, counts, np.repeat(population[:, None], 4, axis=1), RACES)
        laid = self.laid(plan, values, table)
        net = net_effects(laid, plan.effects)
        names = {race: Group(label=race, count="x", dimension="race") for race in RACES}
        rank = {"income": mid_rank(table["income"].to_numpy(dtype=np.float64), population)}
        return (
            net_table(net, people, groups=names, ranks=rank).iloc[0],
            net_by_group(net, by_group(laid, plan.effects, people=people, groups=names), people=people),
            golden["actions"]["net"],
            golden["extra"]["net"],
        )

    @staticmethod
    def laid(plan, values, table) -> Overlay:
        """Overlay whose benefit is the positive part of the published net, and whose burden the negative."""
        city = four_zones().iloc[[0] * len(table)].set_index(table.index)
        doses = csc_array(np.column_stack([np.maximum(values, 0.0), np.maximum(-values, 0.0)]))
        labels = pd.MultiIndex.from_frame(plan.effects[["action", "ledger", "effect"]])
        reached = csc_array((np.ones(doses.nnz), doses.indices, doses.indptr), shape=doses.shape)
        both = {"shares": Relation(reached, table.index, labels), "per_person": Relation(doses, table.index, labels)}
        return overlay(city, plan)._replace(**both)

    def test_on_the_whole(self, found):
        row, _, golden, extra = found
        keys = {"people_gaining": "people_gaining", "people_losing": "people_losing"}
        keys |= {"people_untouched": "people_unaffected", "total_gains": "positive_part_total"}
        keys |= {"total_losses": "negative_part_total", "bgv_race": "bgv[race]"}
        assert row[list(keys)].tolist() == pytest.approx([extra[key] for key in keys.values()], rel=1e-10)
        same = {"total": "total", "mean": "mean", "variance": "variance", "absolute_gini": "gini_abs"}
        same |= {"gci_income": "gci_income", "slope_income": "sii_income"}
        assert row[list(same)].tolist() == pytest.approx([golden[key] for key in same.values()], rel=1e-10)

    def test_by_group(self, found):
        _, table, golden, _ = found
        means = dict(zip(table["group"], table["mean"], strict=True))
        assert means == pytest.approx({race: golden[f"mean[{race}]"] for race in RACES}, rel=1e-10)

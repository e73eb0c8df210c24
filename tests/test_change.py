"""Before and after in the city of four squares: 30, 29, 28 and 27 degrees."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.actions import Plan
from equity_screen.change import Baseline, baselines, before_after
from equity_screen.overlay import overlay
from equity_screen.people import People, people_of
from equity_screen.recipe import Indicator
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, plan_of

NAN = float("nan")
HEAT = Indicator(label="Heat", unit="degC", higher_is="worse", column="heat")
STRAIGHT = 1e-5  # a straight side is not quite straight in the equal-area space


def plain_ede(levels: list[float], people: list[float], kappa: float) -> float:
    mean = math.fsum(p * math.exp(-kappa * v) for v, p in zip(levels, people, strict=True)) / math.fsum(people)
    return -math.log(mean) / kappa


def table_of(plan: Plan, city: gpd.GeoDataFrame, indicator: Indicator = HEAT) -> pd.DataFrame:
    laid = overlay(city, plan)
    found = baselines(laid, plan.effects, neighbourhoods=city, indicators={"heat": indicator})
    tables = [before_after(one, people_of(city), groups={}, epsilons=(0.5, 2.0)) for one in found]
    return pd.concat(tables).set_index(["action", "group", "epsilon"])


def test_half_a_degree_of_shade_for_a_and_c() -> None:
    table = table_of(four_actions(), four_zones())
    everyone, low_income = table.loc[("WEST", "everyone", 0.5)], table.loc[("WEST", "low_income", 0.5)]
    assert everyone[["mean_before", "mean_after"]].tolist() == pytest.approx([28, 27.8])
    # (30 * 50 + 29 * 50 + 28 * 30 + 27 * 20)/150, less half a degree for 80 of the 150
    assert low_income[["mean_before", "mean_after"]].tolist() == pytest.approx([4330 / 150, 4290 / 150])
    kappa = -0.5 * 28_000 / (30**2 * 100 + 29**2 * 200 + 28**2 * 300 + 27**2 * 400)
    assert everyone["kappa"] == low_income["kappa"] == pytest.approx(kappa)
    before, after = [30.0, 29.0, 28.0, 27.0], [29.5, 29.0, 27.5, 27.0]
    for row, people in ((everyone, [100, 200, 300, 400]), (low_income, [50, 50, 30, 20])):
        expected = [plain_ede(levels, people, kappa) for levels in (before, after)]
        assert row[["ede_before", "ede_after"]].tolist() == pytest.approx(expected, rel=1e-12)
        assert row["ede_change"] == pytest.approx(expected[1] - expected[0], abs=1e-10)


def test_kappa_grows_with_the_aversion_and_rows_are_everyone_first() -> None:
    table = table_of(four_actions(), four_zones())
    assert table.index.tolist() == [("WEST", g, e) for g in ("everyone", "low_income") for e in (0.5, 2.0)]
    assert table["kappa"].iloc[1] == pytest.approx(4 * table["kappa"].iloc[0])


@pytest.mark.parametrize(
    ("ledger", "higher_is", "change"),
    [("benefit", "worse", -1), ("burden", "worse", 1), ("benefit", "better", 1), ("burden", "better", -1)],
)
def test_what_a_ledger_does_to_an_indicator(ledger: str, higher_is: str, change: float) -> None:
    plan = plan_of({"X": "citywide"}, effect("X", ledger=ledger, amount=2.0, indicator="heat"))
    row = table_of(plan, four_zones(), HEAT.model_copy(update={"higher_is": higher_is})).iloc[0]
    assert row["mean_after"] - row["mean_before"] == pytest.approx(2 * change)
    assert row["ede_change"] == pytest.approx(2 * change)
    assert (row["kappa"] > 0) == (higher_is == "better")


def test_a_benefit_and_a_burden_of_one_action_on_one_indicator_are_netted_here() -> None:
    plan = plan_of(
        {"X": "citywide"},
        effect("X", amount=3.0, indicator="heat"),
        effect("X", ledger="burden", effect="works", amount=1.0, indicator="heat"),
    )
    table = table_of(plan, four_zones())
    assert len(table) == 4
    assert table.iloc[0]["mean_after"] == pytest.approx(26)


def test_each_action_is_measured_from_the_same_baseline() -> None:
    plan = plan_of(
        {"X": "citywide", "Y": "zones:A"}, *(effect(name, amount=1.0, indicator="heat") for name in ("X", "Y"))
    )
    table = table_of(plan, four_zones())
    assert table.loc[("X", "everyone", 0.5), "mean_after"] == pytest.approx(27)
    assert table.loc[("Y", "everyone", 0.5), "mean_after"] == pytest.approx(27.9)


def test_who_has_no_baseline_is_counted_and_left_out() -> None:
    city = four_zones()
    city.loc["D", "heat"] = NAN
    row = table_of(four_actions(), city).iloc[0]
    assert row["people_without_baseline"] == 400
    assert row["mean_before"] == pytest.approx((3000 + 5800 + 8400) / 600)
    assert row["mean_after"] == pytest.approx((2950 + 5800 + 8250) / 600)
    assert row["undefined"] == ""


@pytest.mark.parametrize(
    ("heat", "amount", "missing", "reason"),
    [
        ([NAN] * 4, 0.5, ["mean_before", "mean_after", "ede_before", "ede_after"], "no people with a baseline"),
        ([30.0, 29.0, 28.0, 27.0], NAN, ["mean_after", "ede_after", "ede_change"], "the amount is missing"),
        ([0.0] * 4, 0.5, ["kappa", "ede_before", "ede_after"], "EDE: κ needs a baseline whose mean is above 0"),
        ([-4.0, -1.0, 2.0, 0.0], 0.5, ["kappa", "ede_after"], "EDE: κ needs a baseline whose mean is above 0"),
        ([-9.0, -9.0, -9.0, 1.0], 0.5, ["kappa", "ede_after"], "EDE: κ needs a baseline whose mean is above 0"),
    ],
)
def test_before_and_after_are_undefined_with_a_reason(
    heat: list[float], amount: float, missing: list[str], reason: str
) -> None:
    plan = plan_of({"X": "zones:A;C"}, effect("X", amount=amount, indicator="heat"))
    row = table_of(plan, four_zones().assign(heat=heat)).iloc[0]
    assert row[missing].isna().all()
    assert row["undefined"] == reason


def test_a_group_without_people_has_no_level_and_says_so() -> None:
    row = table_of(four_actions(), four_zones().assign(people_low_income=0.0)).loc[("WEST", "low_income", 0.5)]
    assert row[["mean_before", "ede_before", "ede_after"]].isna().all()
    assert row["undefined"] == "no people with a baseline"


def test_effects_on_no_indicator_have_no_baseline() -> None:
    plan = plan_of({"X": "citywide"})
    laid = overlay(four_zones(), plan)
    assert baselines(laid, plan.effects, neighbourhoods=four_zones(), indicators={"heat": HEAT}) == []


def test_no_action_is_a_table_without_rows() -> None:
    people = People(np.ones(2), np.empty((2, 0)), np.empty((2, 0)), ())
    empty = Baseline("heat", HEAT, np.array([1.0, 3.0]), csc_array((2, 0)), ())
    assert before_after(empty, people, groups={}, epsilons=(0.5,)).empty

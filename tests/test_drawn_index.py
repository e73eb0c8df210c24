"""The priority rule under draws, over the city of four squares: heat 30, 29, 28 and 27 °C in A to D."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from equity_screen.drawn_index import IndexDraws, drawn_values, probability_of_priority, rule_reads, within_rule
from equity_screen.errors import UsageError
from equity_screen.index import CONVENTIONS, BurdenIndex, score_burden
from equity_screen.recipe import IndexRecipe, Indicator, Priority, Question
from equity_screen.synthetic import four_zones

HOT = Priority(column="heat", at_least=29)


def indicator(name: str, **given) -> Indicator:
    return Indicator(**({"label": name, "unit": "u", "higher_is": "worse", "column": name} | given))


def city(rows: int = 60) -> tuple[pd.DataFrame, Question]:
    """Indicators with ties and gaps in two domains, one better when higher; two places where nobody lives."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame({name: rng.integers(0, 15, rows).astype(float) for name in "pqrs"})
    table = table.mask(rng.random(table.shape) < 0.15).assign(population=rng.integers(1, 900, rows).astype(float))
    table.loc[[3, 9], "population"] = 0.0
    given = {name: indicator(name, domain="xxyy"[k], weight=1.0 + k) for k, name in enumerate("pqrs")}
    given["r"] = indicator("r", domain="y", higher_is="better")
    return table, Question(indicators=given, priority=Priority(at_least=75))


# In the head


def test_a_threshold_at_the_estimate_is_even_odds():
    """B has 29 °C and the rule asks for 29: one half. One standard error above or below: 84 and 16 %."""
    zones = four_zones().assign(moe_heat=1.645)
    found = probability_of_priority(zones, Question(priority=HOT), draws=20_000)
    assert found.tolist() == pytest.approx([norm.cdf(1), 0.5, norm.cdf(-1), norm.cdf(-2)], abs=0.01)


def test_without_a_margin_there_is_no_probability():
    assert probability_of_priority(four_zones(), Question(priority=HOT)).isna().all()
    some = four_zones().assign(moe_heat=[1.0, np.nan, 1.0, 0.0])
    found = probability_of_priority(some, Question(priority=HOT))
    assert found.isna().tolist() == [False, True, False, False]
    assert found["D"] == 0.0


def test_values_to_be_met_exactly_are_not_drawn():
    zones = four_zones().assign(moe_heat=1.0)
    assert probability_of_priority(zones, Question(priority=Priority(column="heat", one_of=(30,)))).isna().all()


def test_a_percentile_depends_on_all_others():
    """Only the neighbours of D are drawn; its own percentile moves all the same, and is not told: it has no margin."""
    zones = four_zones().assign(moe_heat=[9.0, 9.0, 9.0, np.nan])
    asked = Question(indicators={"heat": indicator("heat")}, priority=Priority(at_least=50))
    values = drawn_values(zones, asked, draws=IndexDraws(200, seed=1))
    assert len(np.unique(values[3])) > 1
    found = probability_of_priority(zones, asked, draws=200, seed=1)
    assert np.isnan(found["D"])
    assert found["A"] == (values[0] >= 50).mean()


def test_no_value_is_drawn_past_0_or_100_percent():
    zones = four_zones().assign(share=[0.0, 1.0, 99.0, 100.0], moe_share=50.0)
    asked = Question(indicators={"share": indicator("share", unit="%")}, priority=Priority(column="share", at_least=1))
    values = drawn_values(zones, asked, draws=IndexDraws(500, seed=1))
    assert (values.min(), values.max()) == (0.0, 100.0)
    other = asked.model_copy(update={"indicators": {"share": indicator("share", unit="EUR")}})
    assert drawn_values(zones, other, draws=IndexDraws(500, seed=1)).max() > 100
    below = drawn_values(zones.assign(share=[-1.0, 0.0, 1.0, 2.0]), other, draws=IndexDraws(500, seed=1))
    assert below.min() < -1


def test_a_rule_at_most_and_both_bounds_move_together():
    rule = Priority(column="heat", at_least=28, at_most=29)
    values = four_zones()["heat"].to_numpy()[:, None]
    assert within_rule(values, rule).ravel().tolist() == [False, True, True, False]
    assert within_rule(values, rule, shifts=np.array([1.0])).ravel().tolist() == [True, True, False, False]
    assert not within_rule(np.array([[np.nan]]), rule).any()


# As the index itself


def test_without_a_draw_it_is_the_index():
    table, asked = city()
    for column in ("burden_score", "burden_percentile", "p_percentile", "r_percentile"):
        question = asked.model_copy(update={"priority": Priority(column=column, at_least=1)})
        found = drawn_values(table, question, draws=IndexDraws(3))
        assert found.shape == (60, 1)
        expected = score_burden(table, asked)[column].to_numpy()
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-14, atol=0, equal_nan=True)


@pytest.mark.parametrize("convention", sorted(CONVENTIONS))
def test_every_convention_with_other_weights(convention, monkeypatch):
    table, asked = city()
    recipe = IndexRecipe(name="x", title="X", source="test", percentile=convention, digits=2, minimum_share=0.7)
    monkeypatch.setattr("equity_screen.drawn_index.load_recipe", lambda _: recipe)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, (4, 4))
    found = drawn_values(table, asked, draws=IndexDraws(4, weights=weights, recipes=("x",) * 4))
    for r, factors in enumerate(weights):
        given = {
            name: i.model_copy(update={"weight": i.weight * f})
            for (name, i), f in zip(asked.indicators.items(), factors, strict=True)
        }
        expected = BurdenIndex(recipe, indicators=given).fit_transform(table)["burden_percentile"]
        np.testing.assert_allclose(found[:, r], expected.to_numpy(), rtol=1e-12, equal_nan=True)


def test_people_unknown_everywhere_are_everywhere():
    table, asked = city()
    table = table.assign(population=np.nan)
    found = drawn_values(table, asked, draws=IndexDraws(1))[:, 0]
    np.testing.assert_allclose(found, score_burden(table, asked)["burden_percentile"], rtol=1e-12, equal_nan=True)


def test_an_indicator_that_is_no_burden_is_no_part():
    table, asked = city()
    other = asked.model_copy(update={"indicators": asked.indicators | {"s": indicator("s", burden=False)}})
    assert list(rule_reads(table.assign(moe_s=1.0), other).indicators) == ["p", "q", "r"]
    assert rule_reads(table.assign(moe_s=1.0), other).margins == ()


# Draws


def test_the_same_seed_gives_the_same_draws_and_another_does_not():
    table, asked = city()
    table = table.assign(moe_p=2.0, moe_q=1.0)
    first, again, other = (drawn_values(table, asked, draws=IndexDraws(20, seed=s)) for s in (1, 1, 2))
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)


def test_two_hundred_draws_of_five_hundred_neighbourhoods_are_no_wait():
    table, asked = city(500)
    table = table.assign(moe_p=2.0, moe_q=1.0)
    start = time.perf_counter()
    drawn_values(table, asked, draws=IndexDraws(200, seed=1))
    assert time.perf_counter() - start < 2.0


# Faults


@pytest.mark.parametrize("rule", [None, Priority(layer="areas.gpkg")])
def test_a_rule_on_a_column_is_needed(rule):
    with pytest.raises(UsageError, match="do not come from a rule on a column"):
        probability_of_priority(four_zones(), Question(priority=rule))


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="reads heta, which the neighbourhoods do not have"):
        rule_reads(four_zones(), Question(priority=Priority(column="heta", at_least=1)))


def test_no_draw_is_no_probability():
    with pytest.raises(UsageError, match="0 draws give no probability"):
        probability_of_priority(four_zones(), Question(priority=HOT), draws=0)

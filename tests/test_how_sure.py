"""How sure a screening is: the tables of a run, and what stands beside its figures."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import equity_screen as es
from equity_screen.how_sure import HowSure
from equity_screen.recipe import Indicator, Policy, Priority, Question, Siting, Stability

RULE = Priority(column="population", at_most=200, policy=Policy(share=0.4, source="charter", status="in force"))


def found(hoods=None, **asked):
    return es.screen(es.four_zones() if hoods is None else hoods, es.four_actions(), question=Question(**asked))


def test_chance_is_asked_by_default_and_not_with_no_placement():
    assert len(found().chance)
    assert found(siting=Siting(placements=0)).chance.columns.empty


def test_p_and_q_of_random_siting_stand_beside_the_figures_of_each_group():
    result = found()
    rows = result.by_group.set_index(["action", "ledger", "effect", "group"])
    for name in ("p", "q"):
        told = result.chance.set_index(["action", "ledger", "effect", "group"])[name].reindex(rows.index)
        pd.testing.assert_series_equal(rows[f"{name}_siting"], told, check_names=False)


def test_without_chance_p_and_q_are_not_known():
    table = found(siting=Siting(placements=0)).by_group
    assert table[["p_siting", "q_siting"]].isna().all(axis=None)


def test_what_was_not_asked_for_has_no_columns():
    result = found()
    for name in ("stability", "zonings", "zoning_range", "reliability"):
        assert getattr(result, name).columns.empty, name


def test_without_people_nothing_is_sure():
    nobody = es.four_zones().drop(columns="people_low_income").assign(population=np.nan)
    assert all(getattr(es.screen(nobody, es.four_actions()), name).empty for name in HowSure._fields)


def test_reliability_by_neighbourhood_by_layer_and_in_the_city():
    halves = es.four_zones().assign(half=["west", "east", "west", "east"]).dissolve("half")[["geometry"]]
    hoods = es.four_zones().assign(moe_low_income=[20.0, 20.0, 10.0, 15.0])
    result = es.screen(hoods, es.four_actions(), boundaries={"half": gpd.GeoDataFrame(halves)})
    levels = dict(zip(result.reliability["level"], result.reliability["areas"], strict=True))
    assert levels == {"neighbourhood": 4, "half": 2, "city": 1}
    # Margins of 20, 20, 10 and 15 people: √1125 over 150.
    assert result.reliability["median_cv"].iloc[-1] == pytest.approx(np.sqrt(1125) / 1.645 / 150, rel=1e-12)


def test_ranks_of_actions_under_other_data():
    hoods = es.four_zones().assign(moe_population=[5.0] * 4)
    table = found(hoods, priority=RULE, stability=Stability(draws=50, thresholds=0.0, weights=0.0)).stability
    assert set(table["varied"]) == {"data", "all"}


def test_the_range_over_zonings():
    result = found(compare_zonings=True)
    assert set(result.zonings["zoning"]) == {"neighbourhoods", "square grid", "hexagon grid"}
    assert len(result.zoning_range) == len(result.by_group)


def test_the_probability_that_a_policy_is_met_is_one_or_nothing_without_error():
    hoods = es.four_zones().assign(moe_population=[0.0] * 4)
    table = found(hoods, priority=RULE).by_effect
    shares, chances = table["priority_place_share"], table["policy_probability"]
    benefit = table.index.get_level_values("ledger") == "benefit"
    known = benefit & shares.notna()
    assert chances[known].tolist() == (shares[known] >= 0.4).astype(float).tolist()
    assert chances[~benefit].isna().all()


def test_a_policy_on_spending_is_not_asked_of_benefits():
    spent = RULE.model_copy(update={"policy": RULE.policy.model_copy(update={"basis": "spending"})})
    hoods = es.four_zones().assign(moe_population=[5.0] * 4)
    assert found(hoods, priority=spent).by_effect["policy_probability"].isna().all()


def test_the_margin_of_a_share_with_priority_areas_of_their_own():
    hoods = es.four_zones().assign(moe_population=[5.0] * 4)
    area = es.four_zones().iloc[[0]][["geometry"]]
    table = es.screen(hoods, es.four_actions(), priority=gpd.GeoDataFrame(area)).by_effect
    assert (table["priority_place_share_moe"].dropna() >= 0).all()
    assert table["priority_place_share_moe"].notna().any()


def test_the_probability_of_priority_of_each_neighbourhood_stands_in_the_table():
    heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat", margin="heat_moe")
    hoods = es.four_zones().assign(moe_heat=[1.0] * 4)
    asked = {"indicators": {"heat": heat}, "priority": Priority(column="heat", at_least=28.5)}
    table = found(hoods, **asked).neighbourhoods
    assert table["priority_probability"].between(0, 1).all()
    assert "priority_probability" not in found(**asked).neighbourhoods


def test_a_plan_of_many_effects_is_placed_elsewhere_only_where_that_is_asked_for(monkeypatch):
    monkeypatch.setattr("equity_screen.how_sure.MOST_PLACED", 3)
    by_itself, asked = found(), found(siting=Siting(placements=99))
    assert by_itself.chance.columns.empty
    assert by_itself.methods["could it be chance"] == (
        "not asked: more than 3 effects; give siting.placements to ask for it"
    )
    assert len(asked.chance)
    assert asked.methods["could it be chance"].startswith("the same footprint at 99 other places of the city; p is")


def test_what_was_asked_is_among_the_methods():
    hoods = es.four_zones().assign(moe_low_income=5.0)
    asked = {"net": True, "compare_zonings": True, "stability": Stability(draws=10), "priority": RULE}
    names = {"margins of error", "could it be chance", "rank stability", "zonings", "net"}
    assert names <= set(found(hoods, **asked).methods)
    assert not names & set(found().methods) - {"margins of error", "could it be chance"}
    assert found(siting=Siting(placements=0)).methods["could it be chance"] == "not asked: siting.placements is 0"


def test_places_that_are_given_stand_instead_of_the_rule_everywhere():
    """The rule would pick C and D; A and B are given: shares, ranks and probabilities are all of these."""
    rule = Priority(column="population", at_least=250)
    hoods = es.four_zones().assign(moe_population=5.0)
    chosen = pd.Series([True, True, False, False], index=hoods.index)
    asked = Question(priority=rule, stability=Stability(draws=100))
    result = es.screen(hoods, es.four_actions(), priority=chosen, question=asked)
    assert "priority_probability" not in result.neighbourhoods
    ranks = result.stability[result.stability["varied"] == "all"].set_index("action")["rank"].dropna()
    shares = result.by_effect["priority_place_share"].xs("benefit", level="ledger").droplevel("effect")
    assert ranks.tolist() == (-shares[ranks.index]).rank().tolist()
    assert "given with the call" in es.render_report(result)


def test_ranks_that_nothing_can_change_are_not_drawn_and_the_methods_say_so():
    result = found(priority=RULE, stability=Stability(draws=10, thresholds=0.0, weights=0.0))
    assert result.stability.empty
    assert result.methods["rank stability"] == "nothing that was to be varied can change a rank"

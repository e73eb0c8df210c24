"""Ranks of four small plans over the city of four squares: 100, 200, 300 and 400 people in A, B, C and D.

Of them 50, 50, 30 and 20 have low incomes; it is 30, 29, 28 and 27 °C.
"""

from __future__ import annotations

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from shapely import Point, box

from equity_screen import drawn_index, robustness
from equity_screen.drawn_index import probability_of_priority
from equity_screen.equity import by_effect, by_group
from equity_screen.errors import UsageError
from equity_screen.overlay import overlay
from equity_screen.people import people_of
from equity_screen.priority import mark_priority
from equity_screen.recipe import IndexRecipe, Indicator, Priority, Question, Stability
from equity_screen.robustness import COLUMNS, SCORES, stability
from equity_screen.synthetic import four_zones
from tests.plans import effect, km, km_box, plan_of

HOT = Priority(column="heat", at_least=29.5, people="low_income")
X, Y = "zones:A;B", "zones:A;B;C"


def run(plan=None, *, zones=None, question=None, priority=None, blocks=None, **asked) -> pd.DataFrame:
    zones = four_zones() if zones is None else zones
    plan = plan_of({"X": X, "Y": Y}) if plan is None else plan
    question = (question or Question(priority=HOT)).model_copy(update={"stability": Stability(**asked)})
    laid = overlay(zones, plan, blocks=blocks)
    return stability(zones, plan, laid=laid, people=people_of(zones), question=question, priority=priority)


def rows(table: pd.DataFrame, varied: str) -> pd.DataFrame:
    return table[table["varied"] == varied].set_index("action")


# In the head


def test_a_threshold_moved_by_up_to_1_degree():
    """At 28.5 to 30 °C (3 of 4 draws) A alone or A and B are priority.

    A: X 100 of 300 people, Y 100 of 600. A and B: all of X, 300 of 600 of Y: X is first. Above 30 °C there is no
    priority place, and nothing is ranked (1 of 4 draws).
    """
    table = run(draws=2000, thresholds=1.0)
    assert sorted(table["varied"].unique()) == ["all", "thresholds"]
    found = rows(table, "thresholds")
    assert found["rank"].tolist() == [1.0, 2.0]
    assert found.loc["X", "first_share"] == pytest.approx(0.75, abs=0.03)
    assert found["unranked_share"].tolist() == pytest.approx([0.25, 0.25], abs=0.03)
    assert found.loc["Y", "first_share"] == 0.0
    assert found["note"].unique().tolist() == ["threshold ± 1"]
    assert rows(table, "all")["note"].iloc[0] == "threshold ± 1; held: data, weights, distances, recipes"


def test_a_low_threshold_turns_the_order_round():
    """From 28 °C down, C is priority too; with all of A, B and C both have all of their benefit there: a tie."""
    found = rows(
        run(question=Question(priority=Priority(column="heat", at_least=28.5)), draws=2000, thresholds=1.0), "all"
    )
    assert found.loc["X", "first_share"] == pytest.approx(0.75 + 0.25 / 2, abs=0.02)
    assert found.loc["Y", "first_share"] == pytest.approx(0.25 / 2, abs=0.02)


def test_an_indicator_within_its_margin():
    """B is priority besides A with probability one half; A is out with that of 1.645 standard errors."""
    zones = four_zones().assign(moe_heat=[1.0, 1.0, 0.0, 0.0])
    places = {"A": "zones:A", "B": "zones:B"}
    asked = Question(priority=Priority(column="heat", at_least=29))
    found = rows(run(plan_of(places), zones=zones, question=asked, draws=5000, thresholds=0), "data")
    in_b, out_of_a = 0.5, norm.cdf(-1.645)
    # Where both or none are priority the two are a tie, or not ranked.
    expected = (1 - out_of_a) * in_b / 2 + (1 - out_of_a) * (1 - in_b)
    assert found.loc["A", "first_share"] == pytest.approx(expected, abs=0.02)
    assert found["note"].iloc[0] == "heat drawn within margins of error"
    p = probability_of_priority(zones, asked, draws=5000)
    assert p["A"] == pytest.approx(1 - out_of_a, abs=0.01)


def test_people_of_a_group_within_their_margin():
    """Means of low-income people: X in A 50 of 150, Y in B 50 of 150; one is as likely ahead as the other."""
    zones = four_zones().assign(moe_low_income=[20.0, 20.0, 0.0, 0.0])
    table = run(plan_of({"X": "zones:A", "Y": "zones:B"}), zones=zones, rank_by="mean:low_income", draws=3000)
    found = rows(table, "data")
    assert sorted(table["varied"].unique()) == ["all", "data"]
    assert found["rank"].tolist() == [1.5, 1.5]
    assert found["first_share"].tolist() == pytest.approx([0.5, 0.5], abs=0.03)
    assert found["note"].iloc[0] == "people drawn within margins of error"


def test_a_longer_reach_takes_in_others():
    """Around the middle of A 500 m stay in A, 1 km reaches 100 people there and 250 or so in B, C and D."""
    near = plan_of(
        {"P": km(Point(0.5, 0.5)), "Z": "zones:A;B"}, effect("P", reach="within", distance_m=500.0), effect("Z")
    )
    table = run(near, draws=400, distances=(2.0,), thresholds=0)
    found = rows(table, "distances")
    assert found["rank"].tolist() == [1.0, 2.0]
    # All of P is in A, or less of it than of Z, which is 100 of 300.
    assert found.loc["P", "first_share"] == pytest.approx(0.5, abs=0.08)
    assert found["note"].iloc[0].startswith("distances × 1, 2 in 1 of 2 effects; service areas")


def test_a_reach_that_is_no_distance_is_not_varied():
    assert run(draws=100, distances=(2.0,), thresholds=0).empty


def test_other_recipes(monkeypatch):
    """By another percentile B is at 75 of 100, and not at 67: priority, too; X is first by both."""
    flat = IndexRecipe(name="flat", title="Flat", source="test", percentile="cume_dist")
    own = drawn_index.load_recipe
    monkeypatch.setattr(drawn_index, "load_recipe", lambda name: flat if name == "flat" else own(name))
    heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    asked = Question(priority=Priority(column="burden_percentile", at_least=70), indicators={"heat": heat})
    found = rows(run(question=asked, draws=1000, recipes=("flat",), thresholds=0), "recipes")
    assert found["rank"].tolist() == [1.0, 2.0]
    assert found["first"].tolist() == ["always", "never"]
    assert found["note"].iloc[0] == "recipes neutral, flat"


def test_other_weights_turn_two_indicators():
    """Heat makes A the most burdened, noise D: whichever weighs more decides, one way as often as the other."""
    zones = four_zones().assign(noise=[50.0, 51.0, 52.0, 53.0])
    made = {n: Indicator(label=n, unit="u", higher_is="worse", column=n) for n in ("heat", "noise")}
    asked = Question(priority=Priority(column="burden_percentile", at_least=90), indicators=made)
    plan = plan_of({"A": "zones:A", "D": "zones:D"})
    table = run(plan, zones=zones, question=asked, draws=2000, thresholds=0)
    found = rows(table, "weights")
    assert found["first_share"].tolist() == pytest.approx([0.5, 0.5], abs=0.03)
    assert found["note"].iloc[0] == "weights of indicators × 0.5 to 1.5"


# As the tables of the run


def places_of_the_run(zones, plan, question, **more):
    laid, people = overlay(zones, plan), people_of(zones)
    groups = by_group(laid, plan.effects, people=people, groups={})
    hoods, inside = mark_priority(zones, laid, given=None, question=question, areas=more.get("areas"))
    effects = by_effect(laid, plan.effects, people=people, neighbourhoods=hoods, priority=inside.effects)
    return groups, effects


MANY = plan_of(
    {"P": km(Point(0.9, 0.9)), "Q": km_box(0.3, 0.4, 1.9, 1.2), "R": "citywide", "S": "zones:B;C", "L": "unlocated"},
    effect("P", reach="within", distance_m=700.0, amount=3.0),
    effect("Q", uptake="low_income=0.5; others=0.25", amount=2.0),
    effect("R", uptake="low_income"),
    effect("S", per="total", amount=100.0),
    effect("L"),
)


@pytest.mark.parametrize("by", ["priority_place_share", "priority_person_share", "parity:low_income"])
@pytest.mark.parametrize("zones", [four_zones(), four_zones().assign(universe_low_income=[80.0, 90.0, 250.0, 100.0])])
def test_the_reference_is_that_of_the_tables(by, zones):
    question = Question(priority=HOT)
    groups, effects = places_of_the_run(zones, MANY, question)
    groups = groups.set_index("action")
    column = {"priority_person_share": groups["share_of_effect"], "parity:low_income": groups["parity"]}.get(by)
    expected = effects["priority_place_share"].droplevel([1, 2]) if column is None else column
    zones = zones.assign(moe_low_income=5.0, moe_population=5.0, moe_heat=0.1)
    found = rows(run(MANY, zones=zones, question=question, rank_by=by, draws=100), "all")
    ranks = expected.round(12).rank(ascending=False)
    assert found["rank"].fillna(0).to_dict() == ranks.fillna(0).to_dict()
    assert found.loc["L", "unranked_share"] == 1.0


@pytest.mark.parametrize("by", ["mean:low_income", "mean", "total", "people_reached"])
def test_amounts_of_one_unit_are_ranked_as_in_the_tables(by):
    zones, question = four_zones(), Question(priority=HOT)
    groups, effects = places_of_the_run(zones, MANY, question)
    group = by.endswith("low_income")
    expected = groups.set_index("action")["mean"] if group else effects[by].droplevel([1, 2])
    found = rows(run(MANY, zones=zones.assign(moe_low_income=5.0, moe_population=5.0), rank_by=by, draws=100), "data")
    assert found["rank"].fillna(0).to_dict() == expected.round(12).rank(ascending=False).fillna(0).to_dict()


@pytest.mark.parametrize("by", list(SCORES))
def test_every_draw_is_the_table_of_its_people(by, monkeypatch):
    """With drawn people put into the table, the tables of the run say the same, draw by draw."""
    zones = four_zones().assign(moe_low_income=5.0, moe_population=[9.0, 8.0, 7.0, 6.0])
    name, seen = {"parity": "parity:low_income"}.get(by, by), {}
    plan = MANY._replace(effects=MANY.effects.assign(uptake=""))

    def kept(scores, **given):
        seen.setdefault("scores", scores)
        return real(scores, **given)

    real = robustness.rank_stability
    monkeypatch.setattr(robustness, "rank_stability", kept)
    question = Question(priority=HOT, stability=Stability(rank_by=name, draws=100, thresholds=0))
    run(plan, zones=zones, question=question, rank_by=name, draws=100, thresholds=0)
    group = "low_income" if by in ("priority_person_share", "parity") else ""
    drawn = robustness._drawn_people(zones, people_of(zones), group=group, asked=question.stability)
    laid = overlay(zones, plan)
    for r in (0, 99):
        now = people_of(zones)._replace(population=drawn.population[:, r])
        if group:
            now = now._replace(groups=drawn.group[:, [r]], universes=drawn.universe[:, [r]])
        groups = by_group(laid, plan.effects, people=now, groups={}).set_index("action")
        effects = by_effect(laid, plan.effects, people=now, neighbourhoods=zones, priority=zones["heat"] >= 29.5)
        column = {"priority_person_share": "share_of_effect", "parity": "parity"}.get(by)
        expected = groups[column] if column else effects[by]
        np.testing.assert_allclose(seen["scores"][r], expected.to_numpy(), rtol=1e-12, atol=1e-15, equal_nan=True)


def test_what_only_the_group_takes_up_is_the_groups_in_every_draw(monkeypatch):
    """R is taken up by low-income people alone, and Q by others at half their rate, however many of them are drawn."""
    scores = []
    real = robustness.rank_stability
    monkeypatch.setattr(robustness, "rank_stability", lambda s, **more: scores.append(s) or real(s, **more))
    run(MANY, zones=four_zones().assign(moe_low_income=9.0), rank_by="priority_person_share", draws=100)
    assert scores[0][:, 2] == pytest.approx(1.0)
    assert scores[0][:, 1].std() > 0


def test_priority_areas_of_their_own():
    """The west half of A: of X 50 of 300 people live there, of Y 50 of 600; a longer reach is cut anew."""
    zones = four_zones().assign(moe_population=10.0)
    areas = gpd.GeoDataFrame(geometry=[km_box(0, 0, 0.5, 1)], crs=zones.crs)
    question = Question(priority=Priority(layer="areas.gpkg"))
    found = rows(run(zones=zones, question=question, priority=areas, draws=100), "data")
    assert found["rank"].tolist() == [1.0, 2.0]
    assert found["first"].tolist() == ["always", "never"]
    longer = plan_of({"P": km(Point(0.4, 0.5)), "Z": X}, effect("P", reach="within", distance_m=300.0), effect("Z"))
    found = rows(run(longer, question=question, priority=areas, draws=200, distances=(5.0,)), "distances")
    assert found["rank"].tolist() == [1.0, 2.0]
    assert found.loc["P", "first"] == "sometimes"


def test_priority_neighbourhoods_given_by_hand():
    zones = four_zones().assign(moe_population=10.0)
    chosen = pd.Series({"D": False, "C": True, "B": False, "A": False})
    found = rows(run(zones=zones, question=Question(), priority=chosen, draws=100), "data")
    assert found["rank"].tolist() == [2.0, 1.0]


def test_a_rule_on_one_of_some_values_is_not_moved():
    question = Question(priority=Priority(column="heat", one_of=(30,)))
    assert run(question=question, draws=100).empty
    zones = four_zones().assign(moe_population=10.0, moe_heat=3.0)
    table = run(question=question, zones=zones, draws=100)
    assert rows(table, "data")["note"].iloc[0] == "people drawn within margins of error"
    assert rows(table, "data")["first"].tolist() == ["always", "never"]


# What is ranked


def test_benefits_of_active_actions_are_ranked():
    plan = plan_of(
        {"X": X, "Y": Y, "Z": "citywide"},
        effect("X"),
        effect("X", ledger="burden"),
        effect("Y"),
        effect("Z"),
        inactive=["Z"],
    )
    table = run(plan, draws=100)
    assert rows(table, "all")["ledger"].to_dict() == {"X": "benefit", "Y": "benefit"}
    assert list(table.columns) == COLUMNS


def test_a_plan_with_nothing_to_rank():
    assert run(plan_of({"X": X}, effect("X", ledger="burden")), draws=100).empty


def test_nothing_asked_is_nothing_varied():
    assert run(draws=0, distances=(2.0,)).empty
    assert run(draws=100, thresholds=0).empty
    assert list(run(draws=0).columns) == COLUMNS


def test_a_missing_amount_is_not_ranked():
    table = run(plan_of({"X": X, "Y": Y}, effect("X", amount=np.nan), effect("Y")), draws=100)
    assert rows(table, "all")["unranked_share"].iloc[0] == 1.0


# Determinism


def test_the_same_seed_the_same_table_and_one_source_moves_no_other():
    zones = four_zones().assign(moe_heat=1.0)
    table = run(zones=zones, draws=100)
    pd.testing.assert_frame_equal(table, run(zones=zones, draws=100))
    assert not table.equals(run(zones=zones, draws=100, seed=1))
    both = run(zones=zones.assign(moe_population=10.0), draws=100)
    pd.testing.assert_frame_equal(rows(table, "thresholds"), rows(both, "thresholds"))


def test_data_is_held_where_another_source_is_varied():
    bare, wide = run(draws=200), run(zones=four_zones().assign(moe_heat=5.0), draws=200)
    pd.testing.assert_frame_equal(rows(bare, "thresholds"), rows(wide, "thresholds"))
    assert not rows(wide, "all")["first_share"].equals(rows(bare, "all")["first_share"])


def test_five_hundred_neighbourhoods_are_no_wait():
    rng = np.random.default_rng(3)
    n = 500
    zones = four_zones().iloc[np.zeros(n, dtype=int)].set_axis([f"{i:03d}" for i in range(n)])
    zones = zones.set_geometry([km(box(i % 25, i // 25, i % 25 + 1, i // 25 + 1)) for i in range(n)], crs=zones.crs)
    made = {f"i{k}": Indicator(label="x", unit="u", higher_is="worse", column=f"i{k}") for k in range(6)}
    zones = zones.assign(**{name: rng.random(n) for name in made}, **{f"moe_{name}": 0.1 for name in made})
    asked = Question(priority=Priority(column="burden_percentile", at_least=75), indicators=made)
    plan = plan_of({f"Z{k:02d}": km_box(k, 0, k + 2, 10) for k in range(20)})
    start = time.perf_counter()
    table = run(plan, zones=zones, question=asked, draws=200)
    assert sorted(table["varied"].unique()) == ["all", "data", "thresholds", "weights"]
    assert time.perf_counter() - start < 6.0


# Faults


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rank_by": "parety:low_income"}, "'parety' is no ranking; did you mean 'parity'"),
        ({"rank_by": "parity:low_incme"}, "of group 'low_incme'; did you mean 'low_income'"),
        ({"rank_by": "parity"}, "of group ''; one of: low_income"),
        ({"rank_by": "total:low_income"}, "'total:low_income' of group 'low_income'"),
    ],
)
def test_rankings_that_are_none(asked, message):
    with pytest.raises(UsageError, match=message):
        run(**asked)


def test_units_are_not_mixed():
    plan = plan_of({"X": X, "Y": Y}, effect("X"), effect("Y", unit="trips"))
    with pytest.raises(UsageError, match="benefits in degC, trips are not ranked together"):
        run(plan, rank_by="total")
    assert len(run(plan, rank_by="priority_place_share", draws=100)) == 4


def test_priority_that_nobody_gave():
    with pytest.raises(UsageError, match="do not come from a rule on a column"):
        run(question=Question())


def test_persons_without_a_group_of_priority():
    with pytest.raises(UsageError, match="'priority_person_share' of group ''"):
        run(question=Question(priority=Priority(column="heat", at_least=29)), rank_by="priority_person_share")


def test_a_question_that_does_not_ask():
    zones, plan = four_zones(), plan_of({"X": X})
    with pytest.raises(UsageError, match="give the question a Stability"):
        stability(zones, plan, laid=overlay(zones, plan), people=people_of(zones), question=Question())


def test_a_plan_that_is_not_that_of_the_overlay():
    zones, plan = four_zones(), plan_of({"X": X, "Y": Y})
    turned = plan._replace(effects=plan.effects.iloc[::-1])
    asked = Question(priority=HOT, stability=Stability())
    with pytest.raises(UsageError, match="not those of the overlay, or in another order"):
        stability(zones, turned, laid=overlay(zones, plan), people=people_of(zones), question=asked)

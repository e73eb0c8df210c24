"""Shares to priority in the city of four squares, where A and B are priority: 300 of 1,000 people, 100 of the 150."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from equity_screen.equity import by_effect, by_group
from equity_screen.errors import UsageError
from equity_screen.footprints import footprints_of, priority_places, shares_of_actions
from equity_screen.overlay import overlay
from equity_screen.people import people_of
from equity_screen.policy import PRIORITY_ACCOUNT, _against, priority_account, redress_table, shares_of_reach
from equity_screen.priority import mark_priority
from equity_screen.recipe import Group, Policy, Priority, Question
from equity_screen.synthetic import CRS, four_actions, four_zones
from tests.plans import effect, km_box, plan_of

NAN = float("nan")
CITY = four_zones()
HEAT = CITY["heat"].to_numpy()
CHARTER = Policy(share=0.4, source="City charter", status="in force")
GROUPS = {"low_income": Group(label="People with low incomes", count="n")}


def asked(policy=CHARTER, **given):
    rule = {"column": "population", "at_most": 200, "people": "low_income", "policy": policy}
    return Question(groups=GROUPS, currency="EUR", priority=Priority(**rule | given))


def account(plan=None, question=None, *, city=CITY, areas=None, spending=True):
    plan, question = plan or four_actions(), question or asked()
    laid, people = overlay(city, plan), people_of(city)
    hoods, inside = mark_priority(city, laid, given=None, question=question, areas=areas)
    effects = by_effect(laid, plan.effects, people=people, neighbourhoods=city, priority=inside.effects)
    groups = by_group(laid, plan.effects, people=people, groups=question.groups)
    reach = None
    if spending:
        rule = question.priority
        group = rule.people if rule else None
        reach = shares_of_reach(laid, people, priority=inside.effects, group=group)
        places = priority_places(laid.ground.zones, hoods["priority"])
        found = shares_of_actions(footprints_of(plan.actions, laid.ground.zones, priority=places))
        ground = pd.Series(found["footprint_priority_share"], index=plan.actions.index)
        reach = reach.reindex(plan.actions.index).assign(ground=ground)
    return priority_account(effects, groups, actions=plan.actions, hoods=hoods, question=question, reach=reach)


def rows_of(*args, **given):
    return account(*args, **given).set_index(["ledger", "action", "unit", "view"]).sort_index()


SHADE = ("benefit", "WEST", "degC")


# ---------------------------------------------------------------- benefits and burdens


def test_a_quarter_of_the_shade_goes_to_priority_places_and_a_policy_asks_for_40_percent():
    row = rows_of().loc[(*SHADE, "place")]
    # Half a degree for the 400 of A and C; A alone is priority.
    assert row[["total", "to_priority", "share"]].tolist() == pytest.approx([200, 50, 0.25])
    assert row[["population_share", "gap_to_people"]].tolist() == pytest.approx([0.3, -0.05])
    assert row[["policy_share", "gap_to_policy"]].tolist() == pytest.approx([0.4, -0.15])
    # 30 of the 200 would have to move; or 50 be added: 100 of 250 are 40 %.
    assert row[["shortfall", "added_to_close"]].tolist() == pytest.approx([30, 50])
    assert row[["policy_basis", "policy_source", "policy_status"]].tolist() == ["benefit", "City charter", "in force"]
    assert row["undefined"] == ""
    assert row["words"] == (
        '25.0 % of the benefit "shade" goes to priority neighbourhoods, where 30.0 % of the people live: less than '
        "their share of the people; City charter (in force) asks for 40.0 % of benefits, and this is less than that; "
        "30.0 degC × people there instead of elsewhere would close it, or 50.0 degC × people added there alone."
    )


def test_by_person_it_is_those_with_low_incomes_wherever_they_live():
    row = rows_of().loc[(*SHADE, "person")]
    # Half a degree for 50 of A and 30 of C.
    assert row[["total", "to_priority", "share"]].tolist() == pytest.approx([200, 40, 0.2])
    assert row[["population_share", "gap_to_people", "gap_to_policy"]].tolist() == pytest.approx([0.15, 0.05, -0.2])
    assert row["words"].startswith(
        '20.0 % of the benefit "shade" goes to People with low incomes, wherever they live, who are 15.0 % of the '
        "people: more than their share of the people; City charter"
    )


@pytest.mark.parametrize(
    ("share", "shortfall", "added"), [(0.25, 0.0, 0.0), (0.2, 0.0, 0.0), (0.5, 50.0, 100.0), (1.0, 150.0, NAN)]
)
def test_what_would_close_a_shortfall(share, shortfall, added):
    plan = plan_of({"WEST": "zones:A;C"}, effect("WEST", amount=0.5))
    row = rows_of(plan, asked(CHARTER.model_copy(update={"share": share}))).loc[(*SHADE, "place")]
    assert row["shortfall"] == pytest.approx(shortfall, abs=1e-12)
    assert row["added_to_close"] == pytest.approx(added, abs=1e-12, nan_ok=True)
    assert ("nothing that is added makes a share of 100 %" in row["undefined"]) == np.isnan(added)
    assert ("would close it" in row["words"]) == (shortfall > 0)


def test_without_a_policy_nothing_is_compared_with_one():
    table = account(question=asked(None))
    figures = ["policy_share", "gap_to_policy", "shortfall", "added_to_close"]
    assert table[figures].isna().all(axis=None)
    assert (table[["policy_basis", "policy_source", "policy_status"]] == "").all(axis=None)
    assert table["undefined"].str.contains("no policy share is named").all()
    told = table[table["share"].notna()]
    assert told["words"].str.contains("no policy share is named", regex=False).all()
    assert told["gap_to_people"].notna().all()


def test_a_policy_on_benefits_says_nothing_of_burdens_or_spending():
    table = account()
    compared = table["policy_share"].notna()
    assert set(table.loc[compared, "ledger"]) == {"benefit"}
    assert (table.loc[~compared, "undefined"].str.endswith("policy: its share is one of benefits")).all()
    burden = table[table["effect"] == "noise"].iloc[0]
    assert burden["share"] == pytest.approx(1 / 3)
    assert burden["words"] == (
        '33.3 % of the burden "noise" falls on priority neighbourhoods, where 30.0 % of the people live: more than '
        "their share of the people; City charter (in force) asks for 40.0 % of benefits, which this is not."
    )


def test_a_policy_on_spending_is_compared_with_spending_only():
    table = account(question=asked(CHARTER.model_copy(update={"basis": "spending"})))
    assert set(table.loc[table["policy_share"].notna(), "ledger"]) == {"spending"}
    row = table[(table["ledger"] == "spending") & (table["action"] == "WEST")].iloc[0]
    # A quarter of the people in reach of the trees live in priority places: 100 of 400, and 60 short of 160.
    assert row[["total", "to_priority", "shortfall", "added_to_close"]].tolist() == pytest.approx([400, 100, 60, 100])
    assert "of spending, and this is less than that; 60.0 EUR there instead of elsewhere" in row["words"]


def test_nothing_asked_is_an_empty_account():
    table = account(question=Question(groups=GROUPS), spending=False)
    assert table.empty
    assert table.columns.tolist() == list(PRIORITY_ACCOUNT)


def test_without_priority_people_there_is_no_view_by_person():
    assert set(account(question=asked(people=None))["view"]) == {"place", "ground"}


def test_no_effects_are_an_empty_account():
    assert account(plan_of({}), spending=False).empty


def test_an_amount_of_nothing_has_no_share_and_says_so():
    row = rows_of(plan_of({"X": "citywide"}, effect("X", amount=0.0))).loc[("benefit", "X", "degC", "place")]
    assert row[["total", "to_priority"]].tolist() == [0, 0]
    assert row[["share", "gap_to_policy", "shortfall", "added_to_close"]].isna().all()
    assert row["undefined"] == "the total is 0"
    assert row["words"] == "Undefined: the total is 0."


def test_priority_areas_count_by_what_lies_in_them():
    areas = gpd.GeoDataFrame(geometry=[km_box(0, 0, 1, 0.5)], crs=CRS)
    row = rows_of(question=asked(), areas=areas).loc[(*SHADE, "place")]
    # The southern half of A: 50 of its 100 people.
    assert row[["to_priority", "population_share"]].tolist() == pytest.approx([25, 0.05], rel=1e-4)


def test_a_group_with_its_own_universe_is_compared_within_it():
    city = CITY.assign(universe_low_income=[50.0, 100.0, 60.0, 90.0])
    row = rows_of(city=city).loc[(*SHADE, "person")]
    # Half a degree for 50 + 60 of those counted, 50 + 30 of whom have low incomes.
    assert row[["total", "to_priority", "population_share"]].tolist() == pytest.approx([55, 40, 0.5])
    assert "who are 50.0 % of those among whom they were counted" in row["words"]


def test_a_group_without_people_has_a_share_of_nothing():
    row = rows_of(city=CITY.assign(people_low_income=0.0)).loc[(*SHADE, "person")]
    assert row[["total", "to_priority", "share", "population_share"]].tolist() == pytest.approx([200, 0, 0, 0])


def test_bounds_that_straddle_a_share_leave_it_untold():
    plan = plan_of({"X": km_box(0, 0, 0.5, 1)}, effect("X", amount=1.0))
    row = rows_of(plan, asked(CHARTER.model_copy(update={"share": 0.6}))).loc[("benefit", "X", "degC", "person")]
    # Half of A: of its 50 people with low incomes, 25 by area, but none or all 50 of those in reach may be them.
    assert row[["share", "share_low", "share_high"]].tolist() == pytest.approx([0.5, 0, 1], abs=1e-4)
    assert row["words"].count("so it cannot be told whether it is above or below") == 2


def test_ranges_of_amounts_are_carried():
    plan = plan_of({"X": "zones:A", "Y": "zones:C"}, effect("X", amount_low=0.5, amount_high=3.0), effect("Y"))
    rows = rows_of(plan)
    place, person = (rows.loc[("benefit", "X", "degC", view)] for view in ("place", "person"))
    assert place[["total", "total_low", "total_high"]].tolist() == pytest.approx([100, 50, 300])
    assert person[["total", "total_low", "total_high"]].tolist() == pytest.approx([100, 50, 300])
    assert rows.loc[("benefit", "Y", "degC", "place"), ["total_low", "total_high"]].isna().all()
    both = rows.loc[("benefit", "active actions", "degC", "place")]
    assert both[["total", "total_low", "total_high"]].tolist() == pytest.approx([400, 350, 600])


# ---------------------------------------------------------------- active actions together


def test_active_actions_are_summed_by_unit_and_what_is_left_out_is_counted():
    plan = plan_of(
        {"X": "zones:A", "Y": "zones:C", "Z": "zones:A", "L": "unlocated", "M": "zones:B"},
        *(effect(name, amount=1.0) for name in "XYZL"),
        effect("M", amount=NAN),
        effect("X", effect="trips", amount=7.0, unit="trips", per="total"),
        inactive=["Z"],
    )
    rows = rows_of(plan, spending=False)
    both = rows.loc[("benefit", "active actions", "degC", "place")]
    # 100 of X to A, 300 of Y to C; Z is not active; L has no place and M no amount.
    assert both[["total", "to_priority", "counted", "not_counted"]].tolist() == pytest.approx([400, 100, 2, 2])
    assert both["words"].startswith("25.0 % of the benefits of active actions in degC goes to")
    assert both["words"].endswith("Not counted: 2 effects without an amount or a place.")
    trips = rows.loc[("benefit", "active actions", "trips", "place")]
    assert trips[["total", "to_priority", "not_counted"]].tolist() == pytest.approx([7, 7, 0])
    lost = rows.loc[("benefit", "L", "degC", "place")]
    assert (lost["counted"], lost["not_counted"]) == (0, 1)
    assert lost["undefined"] == "its place is not known: nothing is spread over anybody"


def test_bounds_of_a_sum_are_the_sums_of_the_bounds():
    plan = plan_of({"X": km_box(0, 0, 0.5, 1), "Y": "zones:C"}, effect("X"), effect("Y"))
    row = rows_of(plan).loc[("benefit", "active actions", "degC", "person")]
    # 50 of A, none or all of whom are of the 50; and 30 of the 300 of C.
    assert row[["share_low", "share_high"]].tolist() == pytest.approx([30 / 350, 80 / 350], rel=1e-4)


def test_rows_come_by_ledger_then_effects_then_sums():
    table = account()
    assert table["ledger"].drop_duplicates().tolist() == ["benefit", "burden", "spending"]
    assert table["view"].head(2).tolist() == ["place", "person"]
    assert table.loc[table["ledger"] == "burden", "action"].tolist() == [
        *("CITY", "CITY", "EAST", "EAST"),
        *["active actions"] * 4,
    ]


# ---------------------------------------------------------------- spending


def test_costs_are_split_as_the_people_in_reach_and_by_the_ground():
    rows = rows_of(question=asked(None)).loc["spending"]
    place, ground = (rows.xs(view, level="view")["to_priority"].droplevel("unit") for view in ("place", "ground"))
    # The dividend reaches everyone, 300 of 1,000; the tram 200 of 600; the trees 100 of 400; the contract nobody.
    assert place[["CITY", "EAST", "WEST"]].tolist() == pytest.approx([300, 2000 / 3, 100])
    assert ground[["EAST", "WEST"]].tolist() == pytest.approx([1000, 200], rel=1e-4)
    assert np.isnan(ground["CITY"])
    undefined = rows["undefined"].droplevel("unit")
    assert undefined["CITY", "ground"].startswith("it has no footprint")
    assert undefined["LOST", "place"].startswith("its cost is not known; its place is not known")
    both = rows.xs("active actions").droplevel("unit")
    assert both.loc["place", ["total", "counted", "not_counted"]].tolist() == pytest.approx([3400, 3, 1])
    assert both.loc["ground", ["total", "counted", "not_counted"]].tolist() == pytest.approx([2400, 2, 2])
    assert both.loc["ground", "not_counted_cost"] == 1000
    assert both.loc["ground", "words"].endswith("Not counted: 2 actions without an amount or a place (1,000 EUR).")
    assert "split as the people in reach of its benefits" in both.loc["place", "words"]


def test_costs_by_person_follow_the_people_in_reach():
    rows = rows_of().loc["spending"].xs("person", level="view")["share"].droplevel("unit")
    assert rows[["CITY", "EAST", "WEST"]].tolist() == pytest.approx([0.15, 70 / 600, 80 / 400])


def test_ranges_of_costs_are_carried():
    plan = four_actions()
    priced = plan._replace(
        actions=plan.actions.assign(cost_low=[NAN, 1500.0, NAN, 300.0], cost_high=[NAN, 3000.0, NAN, 900.0])
    )
    rows = rows_of(priced).loc["spending"].xs("place", level="view").droplevel("unit")
    assert rows.loc["EAST", ["total_low", "total_high"]].tolist() == [1500, 3000]
    assert rows.loc["CITY", ["total_low", "total_high"]].isna().all()
    assert rows.loc["active actions", ["total_low", "total_high"]].tolist() == [2800, 4900]


def test_an_action_without_benefits_has_no_people_to_split_its_cost_by():
    plan = plan_of({"X": km_box(0, 0, 1, 2)}, effect("X", ledger="burden", amount=1.0))
    plan = plan._replace(actions=plan.actions.assign(cost=10.0))
    rows = rows_of(plan, asked(None)).loc["spending"].droplevel("unit").loc["X"]
    assert rows.loc["ground", "to_priority"] == pytest.approx(5, rel=1e-4)
    for view in ("place", "person"):
        assert np.isnan(rows.loc[view, "share"])
        assert rows.loc[view, "undefined"].startswith("none of its benefits reaches anybody")


def test_no_known_cost_is_no_ledger_of_spending():
    assert "spending" not in set(account(plan_of({"X": "citywide"}))["ledger"])


# ---------------------------------------------------------------- people in reach


def reach_of(plan, *, priority=CITY["population"] < 250, group="low_income", city=CITY):
    return shares_of_reach(overlay(city, plan), people_of(city), priority=priority, group=group)


def test_several_benefits_count_the_widest_in_each_neighbourhood():
    plan = plan_of(
        {"X": "zones:A"},
        effect("X"),
        effect("X", effect="jobs", reach="citywide"),
        effect("X", effect="none", amount=0.0, reach="citywide"),
        effect("X", effect="noise", ledger="burden", reach="citywide"),
    )
    assert reach_of(plan).loc["X"].tolist() == pytest.approx([1000, 0.3, 0.15])
    narrow = plan._replace(effects=plan.effects.drop(index=1).reset_index(drop=True))
    assert reach_of(narrow).loc["X"].tolist() == pytest.approx([100, 1, 0.5])


def test_who_is_in_reach_of_a_missing_amount_is_known():
    assert reach_of(plan_of({"X": "zones:C"}, effect("X", amount=NAN))).loc["X"].tolist() == pytest.approx(
        [300, 0, 0.1]
    )


def test_priority_people_who_take_it_up_are_counted_by_their_own_share():
    plan = plan_of({"X": "citywide"}, effect("X", uptake="low_income=0.5; others=0.1"))
    row = reach_of(plan).loc["X"]
    # 75 of the 150, and 85 of the 850.
    assert row[["people_reached", "person"]].tolist() == pytest.approx([160, 75 / 160])


def test_shares_that_were_not_asked_for_are_not_there():
    found = reach_of(four_actions(), priority=None, group=None)
    assert found.columns.tolist() == ["people_reached"]
    assert found.loc["LOST", "people_reached"] == 0


def test_priority_people_must_be_a_group():
    with pytest.raises(UsageError, match="the priority people 'low_incom' are no group; did you mean 'low_income'"):
        reach_of(four_actions(), group="low_incom")


def test_tables_of_two_runs_are_refused():
    plan = four_actions()
    laid, people = overlay(CITY, plan), people_of(CITY)
    effects = by_effect(laid, plan.effects, people=people, neighbourhoods=CITY)
    groups = by_group(laid, plan.effects, people=people, groups=GROUPS)
    hoods = CITY.assign(priority=CITY["population"] < 250)
    with pytest.raises(UsageError, match="by_group has 5 rows of 'low_income' for 6 effects"):
        priority_account(effects, groups.iloc[1:], actions=plan.actions, hoods=hoods, question=asked())


# ---------------------------------------------------------------- redress


def redress(plan, score=HEAT, *, city=CITY):
    return redress_table(overlay(city, plan), people_of(city), burden_score=score)


def test_shade_for_the_hottest_square_follows_the_burden():
    row = redress(plan_of({"X": "zones:A"}, effect("X", amount=2.0))).iloc[0]
    # The most burdened fifth is A (100) and half of B; the least is half of D. Mean 0.2; A has mid-rank 0.05.
    assert row[["mean_most", "mean_least", "gap", "share_most"]].tolist() == pytest.approx([1, 0, 1, 1])
    assert row[["ci_burden", "gci_burden"]].tolist() == pytest.approx([-0.9, -0.18])
    assert row["people_ranked"] == 1000
    assert row["words"] == "goes more to neighbourhoods with more burden: the benefit follows the burden"


@pytest.mark.parametrize(
    ("place", "ledger", "words"),
    [
        ("zones:D", "benefit", "goes more to neighbourhoods with less burden: the benefit does not follow the burden"),
        (
            "zones:A",
            "burden",
            "falls more on neighbourhoods with more burden: it adds to the burden where there is more of it",
        ),
        (
            "zones:D",
            "burden",
            "falls more on neighbourhoods with less burden: it adds to the burden where there is less of it",
        ),
        ("citywide", "benefit", "no gradient by burden"),
    ],
)
def test_where_an_effect_goes_along_the_burden_in_words(place, ledger, words):
    row = redress(plan_of({"X": place}, effect("X", ledger=ledger))).iloc[0]
    assert row["words"] == words
    assert row["undefined"] == ""


def test_hardly_any_gradient_is_no_direction():
    plan = plan_of({"X": "citywide"}, effect("X"), effect("X", effect="more", amount=0.001))
    laid = overlay(CITY, plan)
    matrix = laid.per_person.matrix.copy()
    matrix.data[:4] = [1.01, 1.0, 1.0, 1.0]
    tilted = laid._replace(per_person=type(laid.per_person)(matrix, laid.per_person.rows, laid.per_person.columns))
    assert redress_table(tilted, people_of(CITY), burden_score=HEAT)["words"].iloc[0] == "hardly any gradient by burden"


def test_ties_share_a_fifth():
    row = redress(plan_of({"X": "zones:A"}, effect("X", amount=1.0)), np.array([9.0, 9.0, 1.0, 1.0])).iloc[0]
    # A and B are tied: the fifth of 200 people has a third of A's 300 … 66.7 of A's 100.
    assert row[["mean_most", "share_most"]].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_a_neighbourhood_without_a_score_is_not_ranked():
    row = redress(plan_of({"X": "zones:A;D"}, effect("X")), np.array([NAN, 2.0, 1.0, 1.0])).iloc[0]
    assert row[["people_ranked", "share_most"]].tolist() == pytest.approx([900, 0])


@pytest.mark.parametrize(
    ("plan", "score", "undefined"),
    [
        (plan_of({"X": "citywide"}), None, "no burden score"),
        (plan_of({"X": "citywide"}), np.full(4, NAN), "no burden score"),
        (plan_of({"X": "unlocated"}), HEAT, "its place is not known: nothing is spread over anybody"),
        (plan_of({"X": "citywide"}, effect("X", amount=NAN)), HEAT, "the amount is missing"),
        (plan_of({"X": "citywide"}, effect("X", amount=0.0)), HEAT, "nobody who receives anything has a burden score"),
        (plan_of({"X": "zones:A"}), np.array([NAN, 1, 2, 3]), "nobody who receives anything has a burden score"),
    ],
)
def test_redress_is_undefined_with_a_reason(plan, score, undefined):
    row = redress(plan, score).iloc[0]
    assert np.isnan(row["ci_burden"])
    assert (row["words"], row["undefined"]) == ("undefined", undefined)


def test_redress_of_nothing_is_an_empty_table():
    assert redress(plan_of({})).empty


def test_a_neighbourhood_without_people_changes_no_redress():
    empty = CITY.assign(population=[100.0, 200.0, 300.0, 0.0])
    score = np.array([4.0, 3.0, 2.0, 99.0])
    rows = [redress(plan_of({"X": "citywide"}), s, city=empty) for s in (score, np.array([4.0, 3.0, 2.0, NAN]))]
    pd.testing.assert_frame_equal(*rows)


def test_bounds_that_rounding_parts_are_one_number():
    row = {"share": 0.15, "share_low": 0.15 - 1e-15, "share_high": 0.15 + 1e-15}
    assert _against(row, 0.15, "that") == "in line with that"

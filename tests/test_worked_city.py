"""Northhaven end to end, from its files to its tables: the answers that were planted are found again."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from equity_screen.screen import Result, screen_project
from equity_screen.synthetic import planted_concentration_index, planted_single_neighbourhood, synthetic_city

GROUPS = {
    "low_income",
    "indigenous",
    "communities_of_colour",
    "immigrants_refugees",
    "historically_marginalised",
}


@pytest.fixture(scope="module")
def result(root: Path) -> Result:
    return screen_project(root / "data" / "northhaven" / "northhaven.toml")


@pytest.fixture(scope="module")
def zones() -> gpd.GeoDataFrame:
    return synthetic_city().neighbourhoods.set_index("id", drop=False)


def test_act_one_reaches_exactly_one_neighbourhood_whole(result: Result, zones: gpd.GeoDataFrame) -> None:
    one = planted_single_neighbourhood(zones)
    people = zones.loc[one, "population"]
    for ledger in ("benefit", "burden"):
        rows = result.by_effect.xs("ACT-ONE").xs(ledger)
        assert rows["people_reached"].tolist() == [people]
    assert result.by_effect.loc[("ACT-ONE", "benefit", "lower heating bill"), "total"] == 100 * people
    mine = result.by_group[result.by_group["action"] == "ACT-ONE"].set_index("group")["people_reached"]
    assert (mine.loc["low_income"] == zones.loc[one, "low_income"]).all()


def test_act_uniform_has_every_parity_exactly_one_and_no_gradient(result: Result) -> None:
    rows = result.by_group[result.by_group["action"] == "ACT-UNIFORM"]
    assert set(rows["group"]) == GROUPS
    assert len(rows) == 2 * len(GROUPS)
    assert (rows[["parity", "parity_low", "parity_high"]] == 1.0).all(axis=None)
    assert (rows[["gap"]].abs() < 1e-15).all(axis=None)
    effects = result.by_effect.xs("ACT-UNIFORM")
    assert (effects[["ci_income", "gci_income", "ci_burden", "gci_burden"]].abs() < 1e-15).all(axis=None)
    assert (effects["mean"] == 1.0).all()
    assert result.scores.loc["ACT-UNIFORM", "benefit_direction_income"] == "no gradient by income"


def test_act_income_has_the_concentration_index_of_its_closed_form(result: Result, zones: gpd.GeoDataFrame) -> None:
    planted = planted_concentration_index(zones)
    found = result.by_effect.loc[("ACT-INCOME", "benefit", "tax credit"), "ci_income"]
    assert found == pytest.approx(planted, abs=1e-7)  # incomes are rounded to a cent
    assert result.scores.loc["ACT-INCOME", "benefit_direction_income"] == (
        "goes more to neighbourhoods more advantaged by income"
    )


def test_zone_ids_reach_the_twelve_lowest_incomes_whole(result: Result, zones: gpd.GeoDataFrame) -> None:
    lowest = zones.nsmallest(12, "median_income")
    assert result.by_effect.xs("ACT-04")["people_reached"].tolist() == [lowest["population"].sum()] * 2


@pytest.mark.parametrize("action", ["ACT-08", "ACT-09", "ACT-UNIFORM", "ACT-INCOME"])
def test_citywide_programmes_reach_everyone(result: Result, zones: gpd.GeoDataFrame, action: str) -> None:
    assert set(result.by_effect.xs(action)["people_reached"]) == {zones["population"].sum()}


def test_the_unlocated_action_stays_in_money_and_carbon_and_is_spread_over_nobody(result: Result) -> None:
    row = result.scores.loc["ACT-16"]
    assert (row["where"], row["cost"], row["tco2e"]) == ("unlocated", 9_900_000.0, 6_100.0)
    assert np.isnan(row["benefit_people_reached"])


def test_a_missing_cost_stays_missing(result: Result) -> None:
    assert np.isnan(result.scores.loc["ACT-17", "cost"])
    account = result.ledger.set_index("account").loc["actions.geojson: cost"]
    assert account["note"] == "missing in 1 of 20 rows, which is in no sum"
    assert account["total"] == result.scores["cost"].sum()


def test_street_tree_people_are_the_people_of_the_points_inside(result: Result) -> None:
    """An independent count: points in the polygon, one by one."""
    city = synthetic_city()
    places = gpd.GeoSeries.from_xy(city.blocks["x"], city.blocks["y"], crs=city.neighbourhoods.crs)
    trees = city.actions.set_index("id").geometry["ACT-05"]
    inside = places.to_crs(4326).within(trees)
    reached = result.by_effect.loc[("ACT-05", "benefit", "cooler summers"), "people_reached"]
    assert reached == city.blocks.loc[inside, "people"].sum()


def test_everyone_is_accounted_for(result: Result, zones: gpd.GeoDataFrame) -> None:
    ledger = result.ledger.set_index("account")
    whole = zones["population"].sum()
    assert ledger.loc["neighbourhoods.gpkg: people", "total"] == whole
    assert ledger.loc["blocks.csv: people", "total"] == whole
    assert result.neighbourhoods["population"].sum() == whole


def test_parks_have_no_people_no_score_and_no_share(result: Result, zones: gpd.GeoDataFrame) -> None:
    parks = result.neighbourhoods.loc[zones.index[zones["type"] == "park"]]
    assert (parks["population"] == 0).all()
    assert parks[["burden_score", "burden_percentile", "benefit_reached_share"]].isna().all(axis=None)
    assert not parks["priority"].any()


def test_every_number_that_is_missing_has_a_reason(result: Result) -> None:
    relative = ["ratio", "share_of_effect", "parity", "parity_low", "parity_high"]
    gaps = result.by_group[relative].isna().any(axis=1)
    assert gaps.any()
    assert (result.by_group.loc[gaps, "undefined"] != "").all()
    blank = result.by_effect[["priority_place_share", "ci_income", "ci_burden"]].isna().any(axis=1)
    assert blank.any()
    assert (result.by_effect.loc[blank, "undefined"] != "").all()
    assert (result.by_effect.loc[~blank, "undefined"] == "").all()


def test_shares_are_shares_and_bounds_hold_their_estimates(result: Result) -> None:
    table = result.by_group.dropna(subset="parity")
    assert table["reached_share"].between(0, 1).all()
    slack = 1e-9 * table["people"]
    assert (table["people_reached_low"] <= table["people_reached"] + slack).all()
    assert (table["people_reached"] <= table["people_reached_high"] + slack).all()
    once = result.together
    assert (once["people_reached"] <= once["people_summed"] * (1 + 1e-12)).all()
    assert (once["people_reached"] <= once["people"]).all()


def test_effects_with_a_baseline_have_a_before_and_after(result: Result) -> None:
    touched = {"ACT-03", "ACT-05", "ACT-07", "ACT-10", "ACT-14", "ACT-15", "ACT-17"}
    assert set(result.before_after["action"]) == touched
    everyone = result.before_after[result.before_after["group"] == "everyone"]
    assert (everyone["ede_before"] >= everyone["mean_before"]).all(), "heat and particles are bads"
    lower = everyone[everyone["action"] != "ACT-07"]
    assert (lower["ede_change"] < 0).all()
    assert pd.Index(result.before_after["epsilon"].unique()).tolist() == [0.5, 1.0, 2.0]

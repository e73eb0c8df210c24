"""Northhaven end to end, from its files to its tables: the answers that were planted are found again."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.city_land import by_hand
from equity_screen.result import Result
from equity_screen.screen import screen_project
from equity_screen.synthetic import (
    CRS,
    ENERGY_BURDEN,
    FACILITY_DISTANCE,
    HALF_DISTRICT,
    PLANTED,
    TOTALS,
    UNHEATED_NORTH,
    City,
    planted_concentration_index,
    planted_gas_saving,
    planted_most_and_least_burdened,
    planted_single_neighbourhood,
    synthetic_city,
)

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
def city() -> City:
    return synthetic_city()


@pytest.fixture(scope="module")
def zones(city: City) -> gpd.GeoDataFrame:
    return city.neighbourhoods.set_index("id", drop=False)


@pytest.fixture(scope="module")
def points(city: City) -> gpd.GeoSeries:
    """Population points."""
    return gpd.GeoSeries.from_xy(city.blocks["x"], city.blocks["y"], crs=CRS)


# ---------------------------------------------------------------- reading and aligning


def test_every_row_is_read(result: Result, city: City) -> None:
    rows = result.ledger.set_index("account")["total"]
    for name, table in (
        ("neighbourhoods.gpkg", city.neighbourhoods),
        ("blocks.csv", city.blocks),
        ("actions.geojson", city.actions),
        ("effects.csv", city.effects),
        ("air_quality.gpkg", city.air_quality),
        ("flood.geojson", city.flood),
        ("facilities.csv", city.facilities),
        ("districts.geojson", city.districts),
        ("wards.geojson", city.wards),
        ("census_2021.csv", city.census),
        ("crosswalk_2021_2026.csv", city.crosswalk),
    ):
        assert rows[f"{name}: rows"] == len(table), name


def test_people_and_groups_are_the_planted_totals(result: Result) -> None:
    table = result.neighbourhoods
    assert table["population"].sum() == TOTALS["population"]
    for group in GROUPS - {"historically_marginalised"}:
        assert table[f"people_{group}"].sum() == TOTALS[group], group
    assert table["households"].sum() == TOTALS["households"]


def test_layers_of_every_kind_bring_the_planted_burdens(result: Result, zones: gpd.GeoDataFrame) -> None:
    both = list(planted_most_and_least_burdened(zones))
    for name, planted in {**PLANTED, "energy_burden": ENERGY_BURDEN}.items():
        assert result.neighbourhoods.loc[both, name].tolist() == pytest.approx(planted, rel=1e-12), name


def test_the_air_of_every_neighbourhood_is_the_mean_of_its_cells(
    result: Result, city: City, zones: gpd.GeoDataFrame
) -> None:
    """Pair by pair, in the equal-area projection of the grid itself."""
    shapes = zones.geometry.to_crs(city.air_quality.crs)
    zone, cell = city.air_quality.sindex.query(shapes, predicate="intersects")
    area = shapely.area(shapely.intersection(shapes.to_numpy()[zone], city.air_quality.geometry.to_numpy()[cell]))
    weighted = np.bincount(zone, area * city.air_quality["pm25"].to_numpy()[cell]) / np.bincount(zone, area)
    np.testing.assert_allclose(result.neighbourhoods["pm25"], weighted, rtol=1e-6)


def test_the_flooded_are_the_points_in_the_plain(result: Result, city: City, points: gpd.GeoSeries) -> None:
    inside = points.to_crs(4326).within(city.flood.union_all())
    zone = city.blocks["block"].str[:5]
    people = city.blocks["people"]
    share = 100.0 * people.where(inside, 0).groupby(zone).sum() / people.groupby(zone).sum()
    found = result.neighbourhoods["flooded"]
    np.testing.assert_allclose(found[share.index], share, rtol=1e-12)
    assert 10_000 < (found * result.neighbourhoods["population"]).sum() / 100 < 40_000


def test_facilities_are_counted_from_every_point(result: Result, city: City, points: gpd.GeoSeries) -> None:
    """In the metres of the map, whose scale is within 0.04 %: no distance is so near the limit but one in 1000."""
    plants = gpd.points_from_xy(city.facilities["lon"], city.facilities["lat"], crs=4326).to_crs(CRS)
    distance = shapely.distance(points.to_numpy()[:, np.newaxis], np.asarray(plants))
    low, high = ((distance <= FACILITY_DISTANCE * scale).sum(axis=1) for scale in (0.999, 1.001))
    zone, people = city.blocks["block"].str[:5], city.blocks["people"]
    found = result.neighbourhoods["facilities"]
    for count, sign in ((low, 1.0), (high, -1.0)):
        mean = (people * count).groupby(zone).sum() / people.groupby(zone).sum()
        assert (sign * (found[mean.index] - mean) >= -1e-9).all()
    assert (low != high).mean() < 0.01


def test_the_last_census_arrives_whole(result: Result, zones: gpd.GeoDataFrame) -> None:
    table = result.neighbourhoods
    assert table["residents_2021"].sum() == pytest.approx(TOTALS["residents_2021"], rel=1e-12)
    assert table["homes_2021"].sum() == pytest.approx(TOTALS["homes_2021"], rel=1e-12)
    rate = table["unheated_homes"].dropna()
    north = zones.loc[rate.index, "bank"] == "north"
    np.testing.assert_allclose(rate[north], UNHEATED_NORTH, rtol=1e-12)
    assert rate[~north].gt(UNHEATED_NORTH + 0.9).all()
    assert set(table.index[table["unheated_homes"].isna()]) == set(zones.index[zones["type"] == "park"])


# ---------------------------------------------------------------- index and priority


def test_the_most_burdened_scores_100_and_the_least_0(result: Result, zones: gpd.GeoDataFrame) -> None:
    both = result.neighbourhoods.loc[list(planted_most_and_least_burdened(zones))]
    percentiles = [name for name in both.columns if name.endswith("_percentile")]
    assert len(percentiles) == 7
    assert (both[["burden_score", *percentiles]].iloc[0] == 100.0).all()
    assert (both[["burden_score", *percentiles]].iloc[1] == 0.0).all()
    assert both["priority"].tolist() == [True, False]


def test_a_quarter_is_priority(result: Result) -> None:
    """A percentile is the share of the others that score below; three quarters of 260 others are 195."""
    homes = result.neighbourhoods[result.neighbourhoods["population"] > 0]
    score = homes["burden_score"].to_numpy()
    below = (score[:, np.newaxis] > score).sum(axis=1)
    np.testing.assert_allclose(homes["burden_percentile"], 100.0 * below / 260, rtol=1e-12)
    assert homes["priority"].tolist() == (below >= 195).tolist()
    assert homes["priority"].sum() == 66


# ---------------------------------------------------------------- overlay and distribution


def test_act_one_reaches_exactly_one_neighbourhood_whole(result: Result, zones: gpd.GeoDataFrame) -> None:
    one = planted_single_neighbourhood(zones)
    people = zones.loc[one, "population"]
    for ledger in ("benefit", "burden"):
        rows = result.by_effect.xs("ACT-ONE").xs(ledger)
        assert rows["people_reached"].tolist() == [people]
    assert result.by_effect.loc[("ACT-ONE", "benefit", "lower heating bill"), "total"] == 100 * people
    mine = result.by_group[result.by_group["action"] == "ACT-ONE"].set_index("group")["people_reached"]
    assert (mine.loc["low_income"] == zones.loc[one, "low_income"]).all()


def test_act_half_reaches_half_of_its_district(result: Result) -> None:
    half = by_hand("districts").set_index("id").loc[HALF_DISTRICT, "people"] / 2
    assert result.by_effect.xs("ACT-HALF")["people_reached"].tolist() == [half, half]
    assert result.by_effect.loc[("ACT-HALF", "benefit", "lower heating bill"), "total"] == 200 * half
    areas = result.by_boundary_effect.query("action == 'ACT-HALF' and boundary == 'district'")
    assert set(areas["area"]) == {HALF_DISTRICT}


@pytest.mark.parametrize(
    ("action", "districts"),
    [("ACT-09", ["D4", "D5"]), ("ACT-18", ["D3"]), ("ACT-19", ["D6"]), ("ACT-25", ["D5"])],
)
def test_an_action_at_districts_reaches_exactly_their_people(
    result: Result, zones: gpd.GeoDataFrame, action: str, districts: list[str]
) -> None:
    people = by_hand("districts").set_index("id").loc[districts, "people"].sum()
    assert set(result.by_effect.xs(action)["people_reached"]) == {people}
    groups = result.by_group[result.by_group["action"] == action]
    mine = zones["district_id"].isin(districts)
    for group in GROUPS - {"historically_marginalised"}:
        found = groups.loc[groups["group"] == group, "people_reached"]
        assert found.tolist() == pytest.approx([zones.loc[mine, group].sum()] * len(found), rel=1e-12)
    rows = result.by_boundary_effect.query("boundary == 'district' and action == @action and group == 'everyone'")
    assert set(rows["area"]) == set(districts)


def test_an_action_in_wards_reaches_the_points_in_them(result: Result, city: City, points: gpd.GeoSeries) -> None:
    wards = city.wards.set_index("id").geometry[["W16", "W17", "W18"]].union_all()
    people = city.blocks.loc[points.to_crs(4326).within(wards), "people"].sum()
    assert set(result.by_effect.xs("ACT-21")["people_reached"]) == {people}


def test_gas_saved_is_split_by_tenure_as_the_formula_says(result: Result, zones: gpd.GeoDataFrame) -> None:
    homes = zones[zones["type"] == "residential"]
    saving = planted_gas_saving()
    assert saving["renters"] / sum(saving.values()) == pytest.approx(3 / 17, rel=1e-12)
    groups = result.by_group.query("action == 'ACT-08' and group == 'low_income'").set_index("effect")
    for tenure, amount in saving.items():
        effect = f"lower gas bill of {tenure}"
        assert result.by_effect.loc[("ACT-08", "benefit", effect), "total"] == amount
        gas = homes[f"gas_{tenure}"]
        share = (gas * homes["low_income"] / homes["population"]).sum() / gas.sum()
        assert groups.loc[effect, "share_of_effect"] == pytest.approx(share, rel=1e-12)
    # Renters live nearer to the harbour: their part reaches people with low incomes more.
    parity = groups["parity"]
    assert parity["lower gas bill of owners"] < 1 < parity["lower gas bill of renters"]


def test_half_a_degree_everywhere_leaves_every_gap_as_it_was(result: Result) -> None:
    rows = result.before_after[result.before_after["action"] == "ACT-COOL"]
    assert set(rows["group"]) == {"everyone", *GROUPS}
    np.testing.assert_allclose(rows["mean_after"] - rows["mean_before"], -0.5, rtol=1e-11)
    np.testing.assert_allclose(rows["ede_after"] - rows["ede_before"], -0.5, rtol=1e-11)
    everyone = rows[rows["group"] == "everyone"].set_index("epsilon")
    before, after = (rows[column] - rows["epsilon"].map(everyone[column]) for column in ("mean_before", "mean_after"))
    np.testing.assert_allclose(after, before, atol=1e-11)
    assert before.abs().max() > 0.3
    effects = result.by_group[result.by_group["action"] == "ACT-COOL"]
    assert (effects.query("ledger == 'benefit'")["parity"] == 1.0).all()


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
    people, low_income = lowest["population"].sum(), lowest["low_income"].sum()
    taken = 0.6 * low_income + 0.2 * (people - low_income)
    found = result.by_effect.xs("ACT-04")["people_reached"]
    assert found.tolist() == pytest.approx([taken, people], rel=1e-12)


def test_a_grant_is_taken_up_by_group(result: Result, zones: gpd.GeoDataFrame) -> None:
    lowest = zones.nsmallest(12, "median_income")
    rows = result.by_group.set_index(["action", "effect", "group"]).sort_index().loc[("ACT-04", "lower energy bill")]
    assert rows.loc["low_income", "people_reached"] == pytest.approx(0.6 * lowest["low_income"].sum(), rel=1e-12)


@pytest.mark.parametrize("action", ["ACT-08", "ACT-26", "ACT-COOL", "ACT-UNIFORM", "ACT-INCOME"])
def test_citywide_programmes_reach_everyone(result: Result, zones: gpd.GeoDataFrame, action: str) -> None:
    assert set(result.by_effect.xs(action)["people_reached"]) == {zones["population"].sum()}


def test_the_unlocated_action_stays_in_money_and_carbon_and_is_spread_over_nobody(result: Result) -> None:
    row = result.scores.loc["ACT-16"]
    assert (row["where"], row["cost"], row["tco2e"]) == ("unlocated", 9_900_000.0, 6_100.0)
    assert np.isnan(row["benefit_people_reached"])


def test_a_missing_cost_stays_missing(result: Result) -> None:
    assert result.scores.loc[["ACT-17", "ACT-20"], "cost"].isna().all()
    account = result.ledger.set_index("account").loc["actions.geojson: cost"]
    assert account["note"] == "missing in 2 of 44 rows, which is in no sum"
    assert account["total"] == result.scores["cost"].sum()


def test_money_and_carbon_of_the_active_actions_are_round_sums(result: Result) -> None:
    active = result.scores[result.scores["active"].eq(other=True)]
    assert set(result.scores.index) - set(active.index) == {"ACT-36", "ACT-39"}
    assert active[["cost", "tco2e"]].sum().tolist() == [500_000_000.0, 270_000.0]
    inactive = result.scores.drop(active.index)
    ledger = result.ledger.set_index("account")["total"]
    assert ledger["actions.geojson: cost"] == 500_000_000.0 + inactive["cost"].sum()
    assert ledger["actions.geojson: tco2e"] == 270_000.0 + inactive["tco2e"].sum()


def test_carbon_by_year_follows_from_the_plan(result: Result) -> None:
    """Half of an action's emissions in 2030, all in 2040, four fifths in 2050, while it is under way."""
    plan = by_hand("actions", words=("start", "end")).set_index("id")
    plan = plan[plan["status"].isin(["proposed", "adopted"]) & (plan["start"] != "")]
    start, end = plan["start"].astype(int), plan["end"].astype(int)
    years = result.timeline.set_index("year")
    for year, part in ((2030, 0.5), (2040, 1.0), (2050, 0.8)):
        runs = (start <= year) & (end >= year)
        assert years.loc[str(year), "tco2e"] == pytest.approx(part * plan.loc[runs, "tco2e_per_year"].sum(), rel=1e-12)
        assert years.loc[str(year), "actions_running"] == runs.sum()
    began = years["cost_starting"].sum()
    assert began == 500_000_000.0, "each action begins once"


# ---------------------------------------------------------------- boundaries


def test_people_of_districts_and_wards_add_up_to_the_city(result: Result) -> None:
    rows = result.by_boundary[(result.by_boundary["scope"] == "active actions")]
    for name, count in (("district", 7), ("ward", 18)):
        mine = rows[(rows["boundary"] == name) & (rows["ledger"] == "benefit")]
        people = mine.pivot_table(index="area", columns="group", values="people")
        assert len(people) == count
        for group in GROUPS - {"historically_marginalised"}:
            assert people[group].sum() == pytest.approx(TOTALS[group], rel=1e-12)
        assert people["everyone"].sum() == TOTALS["population"]
    declared = by_hand("districts").set_index("id")["people"]
    district = rows.query("boundary == 'district' and ledger == 'benefit' and group == 'everyone'").set_index("area")
    assert district["people"].to_dict() == declared.to_dict()


def test_reached_people_of_districts_and_wards_add_up_effect_by_effect(result: Result) -> None:
    rows = result.by_boundary_effect[result.by_boundary_effect["group"] == "everyone"]
    whole = result.by_effect["people_reached"].dropna()
    for name in ("district", "ward"):
        summed = rows[rows["boundary"] == name].groupby(["action", "ledger", "effect"])["people_reached"].sum()
        found = summed.reindex(whole.index, fill_value=0.0)
        here = found > 0
        assert here.sum() > 30
        np.testing.assert_allclose(found[here], whole[here], rtol=1e-12)


# ---------------------------------------------------------------- what else holds


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
    touched = {f"ACT-{number:02d}" for number in (3, 5, 7, 10, 14, 15, 17, 24, 25, 28, 36, 37)}
    touched |= {"ACT-COOL", "active actions"}
    assert set(result.before_after["action"]) == touched
    everyone = result.before_after[result.before_after["group"] == "everyone"]
    better = everyone["indicator"] == "canopy"
    assert (everyone.loc[~better, "ede_before"] >= everyone.loc[~better, "mean_before"]).all(), "of bads"
    assert (everyone.loc[better, "ede_before"] <= everyone.loc[better, "mean_before"]).all(), "of a good"
    worsens = everyone["action"].isin(["ACT-07", "ACT-36"])
    assert (everyone.loc[~better & ~worsens, "ede_change"] < 0).all()
    assert (everyone.loc[better | worsens, "ede_change"] > 0).all()
    assert pd.Index(result.before_after["epsilon"].unique()).tolist() == [0.5, 1.0, 2.0]


def test_each_effect_says_its_own_reach_and_the_source_of_a_usual_one(result: Result) -> None:
    said = result.by_effect.reset_index().set_index(["action", "effect"]).sort_index()
    assert said.loc[("ACT-02", "travel time saved"), "reach"] == "within 500 m"
    assert said.loc[("ACT-02", "traffic noise"), "reach"] == "within 50 m"
    assert said.loc[("ACT-13", "odour"), "reach"].startswith("fading with distance (exponential")
    assert said.loc[("ACT-22", "night trips"), "reach"] == "within 400 m"
    assert said.loc[("ACT-22", "night trips"), "reach_source"].startswith("Bus stop: within 400 m")
    assert said.loc[("ACT-02", "traffic noise"), "reach_source"] == ""

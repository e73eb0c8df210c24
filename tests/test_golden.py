"""Twelve neighbourhoods and 1,700 people whose measures were worked out person by person by others.

The published table and answers lie beside the project; every answer here goes through the same sparse
products that a run goes through.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import csc_array

from equity_screen.equity import by_effect, by_group, counted_once
from equity_screen.gradient import concentration_index, generalised_concentration_index
from equity_screen.index import percentile
from equity_screen.inequality import mid_rank
from equity_screen.overlay import Overlay, overlay
from equity_screen.people import People
from equity_screen.recipe import Ranking
from equity_screen.relation import Relation
from equity_screen.welfare import kolm_pollak_after, kolm_pollak_ede
from tests.plans import effect, plan_of

pytestmark = pytest.mark.shared

RACES = ("white", "black", "hisp", "other")
GROUPS = (*RACES, "lowinc")
BENEFITS = ("trees", "ev", "freeway", "uniform", "zero")  # `net` has losses: it is no benefit of a ledger
ACTIONS = ("trees", "ev", "freeway", "net", "uniform", "zero")
SIZE = 1e-10


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> dict[str, Any]:
    return json.loads((shared_data.parent / "golden" / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def table(shared_data: Path) -> pd.DataFrame:
    return pd.read_csv(shared_data.parent / "golden" / "golden.csv", dtype={"id": "str"}).set_index("id")


@pytest.fixture(scope="module")
def people(table: pd.DataFrame) -> People:
    groups = table[list(GROUPS)].to_numpy(dtype=np.float64)
    population = table["pop"].to_numpy(dtype=np.float64)
    return People(population, groups, np.repeat(population[:, None], len(GROUPS), axis=1), GROUPS)


@pytest.fixture(scope="module")
def effects() -> pd.DataFrame:
    return pd.DataFrame([effect(name, effect=name) for name in BENEFITS])


@pytest.fixture(scope="module")
def laid(table: pd.DataFrame, effects: pd.DataFrame) -> Overlay:
    """Overlay whose effect per person is the golden one, everyone with an effect in reach."""
    doses = table[[f"x_{name}" for name in BENEFITS]].to_numpy(dtype=np.float64)
    labels = pd.MultiIndex.from_frame(effects[["action", "ledger", "effect"]])
    reached = csc_array((doses != 0).astype(np.float64))
    per_person = csc_array(doses)
    plan = plan_of(dict.fromkeys(BENEFITS, "citywide"), *effects.to_dict("records"))
    whole = overlay(squares(table), plan)
    return whole._replace(
        shares=Relation(reached, table.index, labels), per_person=Relation(per_person, table.index, labels)
    )


def squares(table: pd.DataFrame) -> gpd.GeoDataFrame:
    """The neighbourhoods as squares of 1 km, where the table says that they lie."""
    corners = 1000.0 * table[["gx", "gy"]].to_numpy() + (560_000.0, 6_200_000.0)
    shapes = [shapely.box(x, y, x + 1000, y + 1000) for x, y in corners]
    columns = {"population": table["pop"].astype("float64"), "income": table["income"]}
    return gpd.GeoDataFrame(columns, index=table.index, geometry=shapes, crs="EPSG:25832")


def expected(golden: dict[str, Any], key: str) -> list[float]:
    values = [golden["actions"][name].get(key) for name in BENEFITS]
    return [np.nan if value is None else value for value in values]


# ---------------------------------------------------------------- by group and by effect


@pytest.fixture(scope="module")
def found_by_group(laid: Overlay, effects: pd.DataFrame, people: People) -> pd.DataFrame:
    return by_group(laid, effects, people=people, groups={}).set_index(["group", "effect"])


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    ("column", "key"),
    [("total", "total"), ("mean", "mean"), ("share_of_effect", "share_of_benefit"), ("parity", "parity")],
)
def test_totals_means_shares_and_parity_of_each_group(
    golden: dict[str, Any], found_by_group: pd.DataFrame, group: str, column: str, key: str
) -> None:
    found = found_by_group.loc[group].loc[list(BENEFITS), column]
    answers = expected(golden, f"{key}[{group}]")
    assert found.tolist() == pytest.approx(answers, rel=SIZE, abs=SIZE, nan_ok=True)


@pytest.mark.parametrize("group", [name for name in GROUPS if name != "white"])
def test_ratio_and_difference_of_two_groups(
    golden: dict[str, Any], laid: Overlay, effects: pd.DataFrame, people: People, group: str
) -> None:
    """The published reference group is white: where the universe is both groups, the rest is the other one."""
    at, ref = GROUPS.index(group), GROUPS.index("white")
    pair = People(
        people.population, people.groups[:, [at]], (people.groups[:, at] + people.groups[:, ref])[:, None], (group,)
    )
    found = by_group(laid, effects, people=pair, groups={}).set_index("effect").loc[list(BENEFITS)]
    ratio, gap = expected(golden, f"ratio[{group}/white]"), expected(golden, f"diff[{group}-white]")
    assert found["ratio"].tolist() == pytest.approx(ratio, rel=SIZE, nan_ok=True)
    assert found["gap"].tolist() == pytest.approx(gap, rel=SIZE, abs=SIZE)


def test_total_mean_and_concentration_of_each_action(
    golden: dict[str, Any], laid: Overlay, effects: pd.DataFrame, people: People, table: pd.DataFrame
) -> None:
    ranked = {"income": Ranking(column="income", higher_is="advantaged")}
    found = by_effect(laid, effects, people=people, neighbourhoods=squares(table), rankings=ranked)
    for column, key in {
        "total": "total",
        "mean": "mean",
        "ci_income": "ci_income",
        "gci_income": "gci_income",
    }.items():
        assert found[column].tolist() == pytest.approx(expected(golden, key), rel=SIZE, abs=SIZE, nan_ok=True), column


def test_share_to_priority_beside_the_share_of_the_people(
    golden: dict[str, Any], laid: Overlay, effects: pd.DataFrame, people: People, table: pd.DataFrame
) -> None:
    priority = table["income"] < 45
    found = by_effect(laid, effects, people=people, neighbourhoods=squares(table), priority=priority)
    shares = [golden["extra"][name]["share_to_priority(income<45)"] for name in BENEFITS]
    assert found["priority_place_share"].tolist() == pytest.approx(
        [np.nan if share is None else share for share in shares], rel=SIZE, abs=SIZE, nan_ok=True
    )
    living_there = table.loc[priority, "pop"].sum() / table["pop"].sum()
    assert living_there == pytest.approx(golden["extra"]["trees"]["pop_share_priority"], rel=SIZE)


def test_people_gaining_are_the_people_in_reach(
    golden: dict[str, Any], laid: Overlay, effects: pd.DataFrame, people: People, table: pd.DataFrame
) -> None:
    found = by_effect(laid, effects, people=people, neighbourhoods=squares(table))
    gaining = [golden["extra"][name]["people_gaining"] for name in BENEFITS]
    assert found["people_reached"].tolist() == gaining


# ---------------------------------------------------------------- measures of inequality, losses included


@pytest.mark.parametrize("name", ACTIONS)
def test_generalised_concentration_is_defined_for_losses_too(
    golden: dict[str, Any], table: pd.DataFrame, name: str
) -> None:
    weights = table["pop"].to_numpy(dtype=np.float64)
    rank = mid_rank(table["income"].to_numpy(), weights)
    x = table[f"x_{name}"].to_numpy(dtype=np.float64)
    answers = golden["actions"][name]
    generalised = generalised_concentration_index(x, weights, rank=rank)
    assert generalised == pytest.approx(answers["gci_income"], rel=SIZE, abs=SIZE)
    standard = concentration_index(x, weights, rank=rank)
    if name in ("net", "zero"):
        assert np.isnan(standard), "a relative index of signed or absent effects has no meaning"
    else:
        assert standard == pytest.approx(answers["ci_income"], rel=SIZE, abs=SIZE)


@pytest.mark.parametrize("kappa", [0.5, -0.5])
@pytest.mark.parametrize("group", ["", "[white]", "[black]"])
@pytest.mark.parametrize("name", ACTIONS)
def test_kolm_pollak_ede_of_everyone_and_of_groups(
    golden: dict[str, Any], table: pd.DataFrame, name: str, group: str, kappa: float
) -> None:
    weights = table[group.strip("[]") or "pop"].to_numpy(dtype=np.float64)
    ede = kolm_pollak_ede(table[f"x_{name}"].to_numpy(dtype=np.float64), weights, kappa=kappa)
    assert ede == pytest.approx(golden["actions"][name][f"kp_ede[kappa={kappa:g}]{group}"], rel=SIZE, abs=SIZE)


@pytest.mark.parametrize("kappa", [0.5, -0.5])
def test_kolm_pollak_ede_of_particles_after_each_action(
    golden: dict[str, Any], table: pd.DataFrame, kappa: float
) -> None:
    changes = csc_array(table[[f"x_{name}" for name in ACTIONS]].to_numpy(dtype=np.float64))
    weights = table[["pop"]].to_numpy(dtype=np.float64)
    after = kolm_pollak_after(table["pm25"].to_numpy(dtype=np.float64), changes, weights=weights, kappa=kappa)
    answers = [golden["actions"][name][f"kp_ede_post_pm25plus[kappa={kappa:g}]"] for name in ACTIONS]
    assert after[:, 0].tolist() == pytest.approx(answers, rel=SIZE)


# ---------------------------------------------------------------- people once


def test_the_portfolio_reaches_people_once_and_sums_them_often(
    golden: dict[str, Any], table: pd.DataFrame, people: People
) -> None:
    portfolio = {name: "zones:" + ";".join(table.index[table[f"x_{name}"] > 0]) for name in ("trees", "ev", "freeway")}
    city = squares(table)
    drawn = {name: city.loc[place.removeprefix("zones:").split(";")].union_all() for name, place in portfolio.items()}
    found = counted_once(overlay(city, plan_of(drawn)), people, groups={})
    everyone = found[(found["scope"] == "all actions") & (found["ledger"] == "benefit")].iloc[0]
    answers = golden["extra"]["portfolio(trees,ev,freeway)"]
    assert everyone["people_reached"] == pytest.approx(answers["people_reached_once"], rel=1e-9)
    assert everyone["people_summed"] == pytest.approx(answers["sum_of_action_reaches"], rel=1e-9)
    overlap = everyone["people_summed"] - everyone["people_reached"]
    assert overlap == pytest.approx(answers["overlap_people"], rel=1e-9)


# ---------------------------------------------------------------- percentile conventions


@pytest.mark.parametrize(
    ("method", "key", "scale", "printed_to"),
    [
        ("percent_rank", "svi_minrank_(r-1)/(n-1)_round4", 1, 5e-5),
        ("rank_pct_average", "cejst_rank_pct_avg", 1, 5e-7),
        ("floor_strictly_less", "ejscreen_floor_strict", 100, 0.0),
        ("mid_rank", "mid_rank_(r_avg-0.5)/n", 1, 5e-7),
    ],
)
def test_percentile_conventions_on_twelve_values_with_a_tie(
    golden: dict[str, Any], table: pd.DataFrame, *, method: str, key: str, scale: float, printed_to: float
) -> None:
    ranked = scale * percentile(table["pm25"], method=method)
    assert ranked.tolist() == pytest.approx(golden["normalisation_pm25"][key], abs=printed_to + 1e-9)


def test_zeros_are_left_out_as_calenviroscreen_does(golden: dict[str, Any], table: pd.DataFrame) -> None:
    ranked = 100 * percentile(table["x_trees"], method="nonzero_rank_max")
    answers = golden["normalisation_pm25"]["ces_like_trees_zero_excluded_maxrank"]
    assert ranked.tolist() == pytest.approx(answers, abs=5.01e-5)


def test_population_weighted_rank_is_the_rank_of_the_concentration_index(
    golden: dict[str, Any], table: pd.DataFrame
) -> None:
    ranked = mid_rank(table["pm25"].to_numpy(dtype=np.float64), table["pop"].to_numpy(dtype=np.float64))
    assert ranked.tolist() == pytest.approx(golden["normalisation_pm25"]["population_weighted_mid"], abs=5.01e-7)


# ---------------------------------------------------------------- published elsewhere


def test_under_five_mortality_in_india(golden: dict[str, Any]) -> None:
    published = golden["published"]["worldbank_india_u5mr"]
    births = np.array(published["births"], dtype=np.float64)
    rank = mid_rank(np.arange(5.0), births)
    index = concentration_index(np.array(published["u5mr"]), births, rank=rank)
    assert round(index, 4) == published["CI"]

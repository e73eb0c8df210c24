"""Twelve neighbourhoods and 1,700 people whose measures were worked out person by person by others.

The published table and answers lie beside the project; every answer here goes through the same sparse
products that a run goes through.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import csc_array

from equity_screen.chance import parity_contrast, permutation_z
from equity_screen.criteria import benefit_of_the_doubt, topsis
from equity_screen.dimensions import between_group_table, index_of_disparity
from equity_screen.distribution import Distribution, distribution
from equity_screen.entropy import (
    Parts,
    atkinson,
    generalised_entropy,
    mean_log_deviation,
    mld_between,
    theil,
    theil_between,
    variance_between,
)
from equity_screen.equity import by_effect, by_group, counted_once
from equity_screen.gradient import (
    concentration_index,
    extended_concentration_index,
    generalised_concentration_index,
    generalised_extended_concentration_index,
    kakwani_index,
    slope_index,
    suits_index,
)
from equity_screen.hot_spots import QUADRANTS, contiguity, getis_ord_star, hot_spots, local_moran, morans_i
from equity_screen.index import min_max, percentile, z_score
from equity_screen.inequality import (
    absolute_gini,
    bottom_share,
    generalised_lorenz_curve,
    gini,
    hoover,
    lorenz_curve,
    mid_rank,
    palma_ratio,
    signed_gini,
    top_share,
    variance,
    weighted_mean,
)
from equity_screen.margins import (
    margin_of_change,
    margin_of_product,
    margin_of_proportion,
    margin_of_ratio,
    margin_of_sum,
    margins_of_totals,
)
from equity_screen.nets import NetEffects, net_table
from equity_screen.overlay import Overlay, overlay
from equity_screen.people import People
from equity_screen.recipe import Group, Ranking
from equity_screen.relation import Relation
from equity_screen.segregation import (
    dissimilarity,
    interaction,
    isolation,
    multigroup_dissimilarity,
    multigroup_information,
    segregation_entropy,
    segregation_gini,
)
from equity_screen.sensitivity import sobol_shares
from equity_screen.welfare import kolm_pollak_after, kolm_pollak_ede, kolm_pollak_ede_by_group, weighted_total
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


@pytest.mark.parametrize(
    ("key", "standardised"),
    [("zscore_ddof1", lambda v: z_score(v, ddof=1)), ("zscore_ddof0", z_score), ("minmax", min_max)],
)
def test_standard_scores(
    golden: dict[str, Any], table: pd.DataFrame, *, key: str, standardised: Callable[[pd.Series], pd.Series]
) -> None:
    answers = golden["normalisation_pm25"][key]
    assert standardised(table["pm25"]).tolist() == pytest.approx(answers, abs=5.01e-7)


def test_zeros_are_left_out_as_calenviroscreen_does(golden: dict[str, Any], table: pd.DataFrame) -> None:
    ranked = 100 * percentile(table["x_trees"], method="nonzero_rank_max")
    answers = golden["normalisation_pm25"]["ces_like_trees_zero_excluded_maxrank"]
    assert ranked.tolist() == pytest.approx(answers, abs=5.01e-5)


def test_population_weighted_rank_is_the_rank_of_the_concentration_index(
    golden: dict[str, Any], table: pd.DataFrame
) -> None:
    ranked = mid_rank(table["pm25"].to_numpy(dtype=np.float64), table["pop"].to_numpy(dtype=np.float64))
    assert ranked.tolist() == pytest.approx(golden["normalisation_pm25"]["population_weighted_mid"], abs=5.01e-7)


# ---------------------------------------------------------------- every answer, by the functions that measure


class City(NamedTuple):
    """The published city as the measures take it: effects per person, people, rank and income."""

    x: csc_array
    people: People
    income: np.ndarray
    table: pd.DataFrame

    @property
    def w(self) -> np.ndarray:
        return self.people.population

    @property
    def races(self) -> np.ndarray:
        return self.people.groups[:, : len(RACES)]

    @property
    def rank(self) -> np.ndarray:
        return mid_rank(self.income, self.w)

    @property
    def found(self) -> Distribution:
        return distribution(self.x, self.people, ranks={}, partitions={})


Measure = Callable[[City], np.ndarray]
NET = ACTIONS.index("net")
DECILES = np.linspace(0.0, 1.0, 11)
KAPPAS = (0.5, -0.5, 1.0, -1.0)


@pytest.fixture(scope="module")
def city(table: pd.DataFrame, people: People) -> City:
    doses = csc_array(table[[f"x_{name}" for name in ACTIONS]].to_numpy(dtype=np.float64))
    return City(doses, people, table["income"].to_numpy(dtype=np.float64), table)


def beside_white(city: City) -> Distribution:
    """Each group among itself and the published reference group, which is then the rest."""
    white = city.people.groups[:, [GROUPS.index("white")]]
    return distribution(city.x, city.people._replace(universes=city.people.groups + white), ranks={}, partitions={})


def in_priority(city: City) -> Distribution:
    """Everyone in the places with incomes below 45, as a group."""
    there = (city.w * (city.income < 45))[:, None]
    return distribution(city.x, People(city.w, there, city.w[:, None], ("priority",)), ranks={}, partitions={})


def figure(column: str, group: str, found: Callable[[City], Distribution] = lambda city: city.found) -> Measure:
    return lambda city: getattr(found(city), column)[:, GROUPS.index(group)]


def over_income(measure: Callable[..., np.ndarray], **given: float) -> Measure:
    return lambda city: measure(city.x, city.w, rank=city.rank, **given)


def of_people(measure: Callable[..., np.ndarray], **given: object) -> Measure:
    return lambda city: measure(city.x, city.w, **given).T


def levels(kappa: float, group: str = "pop") -> Measure:
    return lambda city: kolm_pollak_ede_by_group(city.x, city.table[[group]].to_numpy(dtype=np.float64), kappa=kappa)[
        :, 0
    ]


def levels_after(kappa: float) -> Measure:
    return lambda city: kolm_pollak_after(
        city.table["pm25"].to_numpy(dtype=np.float64), city.x, weights=city.w[:, None], kappa=kappa
    )[:, 0]


def by_race(column: str) -> Measure:
    """A column of the table between the groups of a dimension."""

    def measure(city: City) -> np.ndarray:
        labels = pd.MultiIndex.from_product([ACTIONS, ["benefit"], ["x"]], names=["action", "ledger", "effect"])
        races = {name: Group(label=name, count=name, dimension="race") for name in RACES}
        table = between_group_table(city.x, city.people, groups=races, labels=labels)
        return table[column].to_numpy(dtype=np.float64)

    return measure


def against_the_best(city: City) -> np.ndarray:
    """Index of disparity against the group that has most; as in the table, for gains alone."""
    means, shares = city.found.means[:, : len(RACES)], city.races.sum(axis=0) / city.w.sum()
    found = index_of_disparity(means, shares, weighted=False, against="highest")
    return np.where(np.isnan(by_race("idisp")(city)), np.nan, found)


def left_over(parts: Callable[..., Parts]) -> Measure:
    def measure(city: City) -> np.ndarray:
        found = parts(city.x, city.races)
        return found.total - found.between - found.within

    return measure


def signs(column: str) -> Measure:
    """Totals and people of gains and losses, as the table of nets has them."""

    def measure(city: City) -> np.ndarray:
        each = np.arange(len(ACTIONS))
        labels = pd.MultiIndex.from_product([ACTIONS, [""], ["person"]], names=["action", "unit", "per"])
        about = pd.DataFrame({"benefits": "", "burdens": "", "undefined": ""}, index=each)
        net = NetEffects(labels, city.x, about, each, np.ones(len(each)), np.zeros(len(each), dtype=bool))
        return net_table(net, city.people, groups={}, ranks={})[column].to_numpy(dtype=np.float64)

    return measure


MEASURES: dict[str, Measure] = {
    "total": lambda city: city.found.total,
    "mean": of_people(weighted_mean),
    "variance": of_people(variance),
    "gini": of_people(gini),
    "gini_abs": of_people(absolute_gini),
    "hoover": of_people(hoover),
    "theil_T": of_people(theil),
    "ge2": of_people(generalised_entropy, alpha=2.0),
    "ge0.5": of_people(generalised_entropy, alpha=0.5),
    "mld": of_people(mean_log_deviation),
    **{f"atkinson[{e:g}]": of_people(atkinson, epsilon=e) for e in (0.25, 0.5, 0.75, 1.0, 2.0)},
    "palma_share": of_people(palma_ratio),
    "top10_share": of_people(top_share, share=0.1),
    "bottom40_share": of_people(bottom_share, share=0.4),
    "lorenz_deciles": of_people(lorenz_curve, at=DECILES),
    "generalised_lorenz_deciles": of_people(generalised_lorenz_curve, at=DECILES),
    "ci_income": over_income(concentration_index),
    "gci_income": over_income(generalised_concentration_index),
    "sii_income": over_income(slope_index),
    "suits_income": lambda city: suits_index(city.x, city.w, income=city.income),
    "kakwani_income": lambda city: kakwani_index(city.x, city.w, income=city.income),
    **{f"ext_ci_income[nu={nu},exact]": over_income(extended_concentration_index, nu=float(nu)) for nu in (2, 3, 4)},
    **{
        f"ext_gci_income[nu={nu},exact]": over_income(generalised_extended_concentration_index, nu=float(nu))
        for nu in (2, 3, 4)
    },
    **{f"total[{g}]": figure("totals", g) for g in GROUPS},
    **{f"mean[{g}]": figure("means", g) for g in GROUPS},
    **{f"share_of_benefit[{g}]": figure("shares", g) for g in GROUPS},
    **{f"parity[{g}]": figure("parity", g) for g in GROUPS},
    **{f"ratio[{g}/white]": figure("ratios", g, beside_white) for g in GROUPS},
    **{f"diff[{g}-white]": figure("gaps", g, beside_white) for g in GROUPS},
    **{f"kp_ede[kappa={k:g}]": levels(k) for k in KAPPAS},
    **{f"kp_ede[kappa={k:g}][{g}]": levels(k, g) for k in KAPPAS for g in ("white", "black")},
    **{f"kp_ede_post_pm25plus[kappa={k:g}]": levels_after(k) for k in KAPPAS},
}

EXTRA: dict[str, Measure] = {
    "bgv[race]": by_race("bgv"),
    "within_var[race]": lambda city: variance_between(city.x, city.races).within,
    "var_check": left_over(variance_between),
    "theil_between[race]": by_race("theil_between"),
    "theil_within[race]": by_race("theil_within"),
    "theil_check": left_over(theil_between),
    "theil_between_share": by_race("theil_between_share"),
    "mld_between[race]": lambda city: mld_between(city.x, city.races),
    "idisp_unweighted[race,total]": by_race("idisp"),
    "idisp_weighted[race,total]": by_race("idisp_weighted"),
    "idisp_vs_best(max)[race]": against_the_best,
    "gini_signed_RSV_large_n = gini_abs/mean|x|": of_people(signed_gini),
    "share_to_priority(income<45)": lambda city: in_priority(city).shares[:, 0],
    "pop_share_priority": lambda city: np.repeat(in_priority(city).people_shares, len(ACTIONS)),
    "mean_in_priority": lambda city: in_priority(city).means[:, 0],
    "mean_outside": lambda city: in_priority(city).means_rest[:, 0],
    "positive_part_total": signs("total_gains"),
    "negative_part_total": signs("total_losses"),
    "people_gaining": signs("people_gaining"),
    "people_losing": signs("people_losing"),
    "people_unaffected": signs("people_untouched"),
    "income_weighted_total[eps=1.4,median=47]": lambda city: weighted_total(
        city.x, city.w, income=city.income, elasticity=1.4
    ),
}


def net_mean(city: City) -> float:
    return float(city.found.mean[NET])


def over_the_mean(legal: Measure) -> Measure:
    """What a relative index of the net would be: the absolute one over a mean near zero."""
    return lambda city: legal(city)[NET] / net_mean(city)


def half_mean_deviation(city: City) -> np.ndarray:
    """Hoover times the mean does not change with a shift, and a shift makes all effects gains."""
    lifted = city.x.toarray() + 2.0
    return hoover(lifted, city.w) * weighted_mean(lifted, city.w)


def suits_of_parts(city: City) -> float:
    """The Suits index times the total is linear in the effect: that of the gains less that of the losses."""
    net = city.x.toarray()[:, NET]
    gains, losses = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    of = [suits_index(part, city.w, income=city.income) * weighted_mean(part, city.w) for part in (gains, losses)]
    return (of[0] - of[1]) / net_mean(city)


# No measure of ours gives these: the figures of others are checked as what they would be made of.
ILLEGAL_FOR_THE_NET: dict[str, Measure] = {
    "gini": over_the_mean(MEASURES["gini_abs"]),
    "hoover": over_the_mean(half_mean_deviation),
    "ci_income": over_the_mean(MEASURES["gci_income"]),
    "suits_income": suits_of_parts,
    "kakwani_income": lambda city: (
        MEASURES["gci_income"](city)[NET] / net_mean(city) - gini(np.nan_to_num(city.income), city.w)
    ),
    **{f"ext_ci_income[nu={nu},exact]": over_the_mean(MEASURES[f"ext_gci_income[nu={nu},exact]"]) for nu in (2, 3, 4)},
    **{
        f"share_of_benefit[{g}]": lambda city, g=g: MEASURES[f"total[{g}]"](city)[NET] / city.found.total[NET]
        for g in GROUPS
    },
    **{f"parity[{g}]": over_the_mean(MEASURES[f"mean[{g}]"]) for g in GROUPS},
    **{
        f"ratio[{g}/white]": lambda city, g=g: MEASURES[f"mean[{g}]"](city)[NET] / MEASURES["mean[white]"](city)[NET]
        for g in GROUPS
    },
    "share_to_priority(income<45)": lambda city: in_priority(city).totals[NET, 0] / city.found.total[NET],
}


@pytest.mark.parametrize("key", [*MEASURES, *EXTRA])
def test_every_measure_of_every_action(golden: dict[str, Any], city: City, key: str) -> None:
    """To 1e-10; where there is no answer ours is undefined, and never 0."""
    section, measure = ("actions", MEASURES[key]) if key in MEASURES else ("extra", EXTRA[key])
    found = np.asarray(measure(city), dtype=np.float64)
    for name, ours in zip(ACTIONS, found, strict=True):
        answer = golden[section][name].get(key)
        if name == "net" and key in ILLEGAL_FOR_THE_NET:
            assert np.isnan(ours)
            assert ILLEGAL_FOR_THE_NET[key](city) == pytest.approx(answer, rel=SIZE)
        elif answer is None:
            assert np.isnan(ours).all(), name
        else:
            assert ours == pytest.approx(answer, rel=SIZE, abs=1e-12), name


@pytest.mark.parametrize(
    ("section", "measure"),
    [
        ("parity_contrast_D", lambda city: parity_contrast(city.x, city.people)),
        ("permutation_z_exact", lambda city: permutation_z(city.x, city.people)),
        (
            "moe90_group_totals",
            lambda city: margins_of_totals(city.x, city.table[[f"moe_{g}" for g in GROUPS]].to_numpy(np.float64)),
        ),
    ],
)
def test_contrasts_chance_and_margins(golden: dict[str, Any], city: City, section: str, measure: Measure) -> None:
    answers = pd.DataFrame(golden[section], dtype=np.float64).T.loc[list(ACTIONS), list(GROUPS)]
    np.testing.assert_allclose(measure(city), answers.to_numpy(), rtol=SIZE, atol=SIZE)


# ---------------------------------------------------------------- in space


def black(measure: Callable[..., np.ndarray], *, populated: bool = False) -> Measure:
    def of(city: City) -> np.ndarray:
        kept = city.w > 0 if populated else np.ones(len(city.w), dtype=bool)
        return measure(city.people.groups[kept, GROUPS.index("black")], city.w[kept])

    return of


def pm25_of_neighbours(measure: Callable[..., Any]) -> Callable[[City], Any]:
    return lambda city: measure(
        city.table["pm25"].to_numpy(dtype=np.float64), contiguity=contiguity(squares(city.table), rule="queen")
    )


def quadrants(city: City) -> np.ndarray:
    near = contiguity(squares(city.table), rule="queen")
    named = hot_spots(city.table["pm25"], contiguity=near, permutations=99, seed=1)["quadrant"]
    return named.map({name: number for number, name in enumerate(QUADRANTS)}).to_numpy()


SINGLE = {
    "Dissim": dissimilarity,
    "Isolation": isolation,
    "Interaction": interaction,
    "Gini": segregation_gini,
    "Entropy": segregation_entropy,
}
SPATIAL: dict[str, Callable[[City], Any]] = {
    **{f"{name}[black;all12]": black(measure) for name, measure in SINGLE.items()},
    **{f"{name}[black;populated11]": black(measure, populated=True) for name, measure in SINGLE.items()},
    **{f"hand {name}": black(SINGLE[name]) for name in ("Dissim", "Isolation", "Interaction")},
    "MultiDissim": lambda city: multigroup_dissimilarity(city.races),
    "MultiInfoTheory": lambda city: multigroup_information(city.races),
    "Moran I pm25 queen row-std": lambda city: pm25_of_neighbours(morans_i)(city).value,
    "z_norm": lambda city: pm25_of_neighbours(morans_i)(city).z,
    "LISA Is": pm25_of_neighbours(local_moran),
    "LISA q": quadrants,
    "LISA hand (n-1 denom)": pm25_of_neighbours(local_moran),
    "LISA hand (n denom)": lambda city: pm25_of_neighbours(local_moran)(city) * len(city.w) / (len(city.w) - 1),
    "Gstar Zs": pm25_of_neighbours(getis_ord_star),
    "Gstar hand": pm25_of_neighbours(getis_ord_star),
}


@pytest.mark.parametrize("key", SPATIAL)
def test_segregation_and_hot_spots(golden: dict[str, Any], city: City, key: str) -> None:
    assert SPATIAL[key](city) == pytest.approx(np.array(golden["spatial"][key]), rel=SIZE)


# ---------------------------------------------------------------- published elsewhere


def as_printed(found: Any, printed: Any) -> None:
    """Compare to the digits that were printed."""
    for ours, theirs in zip(np.ravel(found), np.ravel(np.array(printed, dtype=object)), strict=True):
        digits = len(str(theirs).partition(".")[2])
        assert round(float(ours), digits) == float(theirs)


def two_margins(figure: Callable[[float, float], float], margin: Callable[..., np.ndarray]) -> Callable[[Any], None]:
    def check(published: Any) -> None:
        (a, of_a), (b, of_b) = published["in"]
        as_printed([figure(a, b), margin(a, b, margins=(of_a, of_b))], published["out"])

    return check


def sum_of_counts(published: Any) -> None:
    counts, margins = np.array(published["in"], dtype=np.float64).T
    as_printed([counts.sum(), margin_of_sum(counts, margins)], published["out"])


def incomes_of_ineq(published: Any) -> None:
    incomes = np.array(published["x"], dtype=np.float64)
    ones = np.ones(len(incomes))
    as_printed(gini(incomes, ones), published["gini"])
    as_printed(gini(incomes, ones) * len(incomes) / (len(incomes) - 1), published["gini_corrected"])
    as_printed(theil(incomes, ones), published["theil"])
    for epsilon in (0.5, 1.0):
        as_printed(atkinson(incomes, ones, epsilon=epsilon), published[f"atkinson_{epsilon:g}"])


def mortality_in_india(published: Any) -> None:
    births = np.array(published["births"], dtype=np.float64)
    rank = mid_rank(np.arange(5.0), births)
    as_printed(concentration_index(np.array(published["u5mr"]), births, rank=rank), published["CI"])


def ten_to_fifty(published: Any) -> None:
    for epsilon in (0.5, 1.0):
        as_printed(atkinson(np.arange(10.0, 51.0, 10.0), np.ones(5), epsilon=epsilon), published[f"eps{epsilon:g}"])


def mexican_states(published: Any) -> None:
    examples = pytest.importorskip("libpysal.examples", reason="libpysal is not installed")
    states = pd.read_csv(examples.get_path("mexico.csv"))
    incomes = states[[f"pcgdp{year}" for year in range(1940, 2001, 10)]].to_numpy(dtype=np.float64)
    as_printed(theil(incomes, np.ones(len(states))), published)


def closeness(published: Any) -> None:
    benefit = [sign > 0 for sign in published["types"]]
    as_printed(topsis(published["M"], weights=[1, 1, 1, 1], benefit=benefit), published["closeness"])


def ishigami(published: Any) -> None:
    """To what 8,192 draws can tell: two digits."""
    pytest.importorskip("SALib", reason="SALib is not installed")
    found = sobol_shares(
        lambda x: np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]),
        bounds=dict.fromkeys("abc", (-np.pi, np.pi)),
        base=8192,
        seed=1,
    )
    assert found["first_order"].tolist() == pytest.approx(published["S1"], abs=0.01)
    assert found["total"].tolist() == pytest.approx(published["ST"], abs=0.01)


def ranks_of_the_svi(published: str) -> None:
    """The rule as it is written down, and its table: tests/test_published.py."""
    assert published.startswith("EPL_x = round((rank_min-1)/(N-1),4)")
    ranks = percentile(pd.Series([5.0, 7.0, 7.0, 9.0]), method="percent_rank")
    assert ranks.round(4).tolist() == [0.0, 0.3333, 0.3333, 1.0]


PUBLISHED: dict[str, Callable[[Any], None]] = {
    "acs_handbook_sum": sum_of_counts,
    "acs_prop": two_margins(lambda a, b: a / b, margin_of_proportion),
    "acs_ratio": two_margins(lambda a, b: a / b, margin_of_ratio),
    "acs_product": two_margins(lambda a, b: a * b, margin_of_product),
    "acs_pct_change": two_margins(lambda a, b: 100 * (b / a - 1), margin_of_change),
    "cran_ineq_vector": incomes_of_ineq,
    "worldbank_india_u5mr": mortality_in_india,
    "pysal_atkinson_10..50": ten_to_fifty,
    "pysal_mexico_theil": mexican_states,
    "topsis_5x4_equal_weights": closeness,
    "ishigami": ishigami,
    "bod_5x3": lambda published: as_printed(benefit_of_the_doubt(published["Y"]), published["score"]),
    "cdc_svi": ranks_of_the_svi,
}


@pytest.mark.parametrize("key", PUBLISHED)
def test_published_numbers_to_the_digits_that_were_printed(golden: dict[str, Any], key: str) -> None:
    PUBLISHED[key](golden["published"][key])


# ---------------------------------------------------------------- nothing left out in silence

LEFT_OUT = {
    "LISA p_sim": "one-sided, of another generator's draws; ours is two-sided and tested in test_hot_spots.py",
    "mld_zero_floor": "a zero replaced by a tiny number, to show why it never is: the answer is the choice of it",
}
PORTFOLIO = "portfolio(trees,ev,freeway)"  # test_the_portfolio_reaches_people_once_and_sums_them_often
PERCENTILES = (  # the tests under "percentile conventions"
    "cejst_rank_pct_avg",
    "svi_minrank_(r-1)/(n-1)_round4",
    "ejscreen_floor_strict",
    "mid_rank_(r_avg-0.5)/n",
    "population_weighted_mid",
    "ces_like_trees_zero_excluded_maxrank",
    *("zscore_ddof1", "zscore_ddof0", "minmax"),
)


def test_every_answer_is_asserted_somewhere_above(golden: dict[str, Any]) -> None:
    asked = {
        "provenance": golden["provenance"],  # says where the answers are from
        "actions": MEASURES,
        "extra": EXTRA,
        "spatial": SPATIAL,
        "normalisation_pm25": PERCENTILES,
        "published": PUBLISHED,
        **dict.fromkeys(("parity_contrast_D", "permutation_z_exact", "moe90_group_totals"), GROUPS),
    }
    assert set(golden) == set(asked)
    nested = {"actions", "extra", "parity_contrast_D", "permutation_z_exact", "moe90_group_totals"}
    for section, answers in golden.items():
        given = set(answers)
        if section in nested:
            assert given - {PORTFOLIO} == set(ACTIONS), section
            given = {key for name in ACTIONS for key in answers[name]}
        assert {key for key in given if key.partition("[")[0] not in LEFT_OUT} == set(asked[section]), section
    assert set(golden["extra"][PORTFOLIO]) == {"people_reached_once", "sum_of_action_reaches", "overlap_people"}


def test_whatever_others_give_for_the_net_is_ours_or_is_said_to_be_illegal(golden: dict[str, Any], city: City) -> None:
    given = {*golden["actions"]["net"], *golden["extra"]["net"]} & {*MEASURES, *EXTRA}
    undefined = {key for key in given if np.isnan({**MEASURES, **EXTRA}[key](city)[NET]).any()}
    assert undefined == set(ILLEGAL_FOR_THE_NET)


@pytest.mark.parametrize("key", ILLEGAL_FOR_THE_NET)
def test_losses_are_illegal_beside_greater_gains_too(city: City, key: str) -> None:
    """The net with the other sign: its mean is above 0, and what is relative to it as absurd."""
    turned = city._replace(x=-city.x)
    assert net_mean(turned) > 0
    assert np.isnan({**MEASURES, **EXTRA}[key](turned)[NET])

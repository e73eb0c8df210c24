"""A hundred sites of a published tool, from its block groups: what nobody here wrote.

Output of EJAM 2.32 for 100 sites at 1 mile: which share of each block group's people lives near each site, the
numbers of the block groups, what was published for each site, and the national table of percentiles. One site
has nobody near, so 99 have numbers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from equity_screen.lookup import percentile_from_table
from equity_screen.relation import Relation, carried

pytestmark = pytest.mark.shared

# Percentages as ratios of sums, each with its own denominator.
RATIOS = {
    "pctlowinc": ("lowinc", "povknownratio"),
    "pctmin": ("mins", "pop"),
    "pctunder5": ("under5", "pop"),
    "pctover64": ("over64", "pop"),
    "pctlths": ("lths", "age25up"),
    "pctlingiso": ("lingiso", "hhlds"),
    "pctpre1960": ("pre1960", "builtunits"),
}
# Two percentages whose numerators and denominators the block groups do not have (what they have under those names
# gives 3 of 99 sites of the first): EJAM averages them, by these counts.
AVERAGED = {"pctunemployed": "unemployedbase", "pctdisability": "disab_universe"}
# Indicators as means over people.
MEANS = [
    *["pm", "o3", "no2", "dpm", "rsei", "traffic.score", "ust", "drinking", "lowlifex", "Demog.Index"],
    *["proximity.npl", "proximity.rmp", "proximity.tsdf", "proximity.npdes", "Demog.Index.Supp", "rateasthma"],
]
# Sites without a value besides the one without people: their block groups have none.
GAPS = {"pm": 2, "o3": 2, "dpm": 1, "lowlifex": 2, "proximity.npdes": 1}
# Of the 100 sites, how many plain interval search places where they were published, among the percentiles of
# many ties; the published rule (the lowest of tied percentiles) places all.
BY_INTERVAL = {
    "drinking": 26,
    "proximity.npl": 55,
    "ust": 77,
    "pctlingiso": 81,
    "proximity.rmp": 85,
    "proximity.npdes": 91,
    "proximity.tsdf": 92,
    "pctunemployed": 97,
    "traffic.score": 98,
    "pctover64": 99,
}
WITHOUT_TIES = [
    *["pctlowinc", "pctmin", "pctlths", "pctunder5", "pctdisability", "pctpre1960", "lowlifex"],
    *["pm", "o3", "no2", "dpm", "rsei", "Demog.Index", "Demog.Index.Supp"],
]


@pytest.fixture(scope="module")
def published(shared_data):
    """What was published for each site."""
    return pd.read_parquet(shared_data / "ejam_100_sites" / "results_bysite.parquet").set_index("ejam_uniq_id")


@pytest.fixture(scope="module")
def near(shared_data):
    """Block groups near each site: a row for each pair."""
    return pd.read_parquet(shared_data / "ejam_100_sites" / "results_bybg_people.parquet").reset_index(drop=True)


@pytest.fixture(scope="module")
def cut_points(shared_data):
    """National table of percentiles."""
    return pd.read_parquet(shared_data / "ejam_100_sites" / "usastats.parquet")


@pytest.fixture(scope="module")
def relation(near, published):
    """Share of each block group's people who live near each site."""
    site = published.index.get_indexer(near["ejam_uniq_id"])
    shares = csr_array((near["bgwt"].to_numpy(), (np.arange(len(near)), site)), shape=(len(near), len(published)))
    return Relation(shares, near.index, published.index)


def agreeing(found: pd.Series, expected: pd.Series, *, within: float | pd.Series) -> int:
    """Count the sites that agree, and hold the others to be missing on both sides."""
    assert (found.isna() == expected.isna()).all()
    return int(((found - expected).abs() <= within).sum())


def test_the_files_hold_what_the_tests_say(near, published, relation):
    assert (len(near), len(published), relation.matrix.shape) == (1317, 100, (1317, 100))
    assert published.index[published["pop"].isna()].tolist() in ([23], ["23"])


def test_people_near_each_site(near, published, relation):
    people = carried(relation, near, counts=["pop"])["pop"]
    assert agreeing(people, published["pop"], within=0.05 + 1e-9) == 99


@pytest.mark.parametrize("name", RATIOS)
def test_percentages_are_ratios_of_sums_with_their_own_denominators(name, near, published, relation):
    found = carried(relation, near.drop(columns=name), ratios={name: RATIOS[name]})[name]
    assert agreeing(found, published[name], within=1e-12) == 99


@pytest.mark.parametrize(("name", "count"), AVERAGED.items())
def test_two_percentages_are_means_by_their_universe(name, count, near, published, relation):
    found = carried(relation, near, rates={name: count})[name]
    assert agreeing(found, published[name], within=1e-12) == 99


def test_unemployment_is_no_ratio_of_the_counts_beside_it(near, published, relation):
    ratio = {"ratio": ("unemployed", "unemployedbase")}
    found = carried(relation, near, ratios=ratio)["ratio"]
    assert agreeing(found, published["pctunemployed"], within=1e-3) == 3


@pytest.mark.parametrize(("name", "sites"), {"pctlingiso": 56, "pctpre1960": 32}.items())
def test_a_mean_over_people_is_wrong_where_households_or_homes_are_counted(name, sites, near, published, relation):
    found = carried(relation, near, rates={name: "pop"})[name]
    assert agreeing(found, published[name], within=1e-3) == sites


@pytest.mark.parametrize("name", MEANS)
def test_indicators_are_means_over_people(name, near, published, relation):
    found = carried(relation, near, rates={name: "pop"})[name]
    expected = published[name]
    assert expected.isna().sum() == 1 + GAPS.get(name, 0)
    assert agreeing(found, expected, within=1e-12 * expected.abs()) == 99 - GAPS.get(name, 0)


@pytest.mark.parametrize("name", [*WITHOUT_TIES, *BY_INTERVAL])
def test_national_percentiles(name, published, cut_points):
    values, expected = published[name], published[f"pctile.{name}"]
    found = {
        ties: pd.Series(percentile_from_table(values, cut_points, column=name, ties=ties), published.index)
        for ties in ("lowest", "highest")
    }
    missing = 1 + GAPS.get(name, 0)
    assert agreeing(found["lowest"], expected, within=0) == 100 - missing
    assert agreeing(found["highest"], expected, within=0) + missing == BY_INTERVAL.get(name, 100)


def test_every_percentile_that_was_published_with_its_value_is_found_again(published, cut_points):
    names = [n for n in cut_points.columns[2:] if n in published and f"pctile.{n}" in published]
    found = pd.DataFrame({n: percentile_from_table(published[n], cut_points, column=n) for n in names})
    expected = published[[f"pctile.{n}" for n in names]].set_axis(names, axis=1).reset_index(drop=True)
    assert len(names) == 58
    assert found.equals(expected.astype("float64"))


def test_from_block_groups_to_percentiles_in_one_go(near, published, relation, cut_points):
    """Values found here, not the published ones: rounding may move a value off a tie, and does so nowhere."""
    tied = ["proximity.npl", "drinking", "ust", "pctlingiso"]
    means = carried(relation, near, rates=dict.fromkeys(tied[:3], "pop"))
    values = means.join(carried(relation, near.drop(columns="pctlingiso"), ratios={"pctlingiso": RATIOS["pctlingiso"]}))
    for name in tied:
        found = percentile_from_table(values[name], cut_points, column=name)
        assert agreeing(pd.Series(found, published.index), published[f"pctile.{name}"], within=0) == 99

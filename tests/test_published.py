"""Worked examples that others have published, each with its source, to the digits that were printed.

Typed in from the publication, apart from the answers of the golden city. Two that are often quoted cannot be
repeated: the inputs of the published Suits indices and of the signed Gini's examples are in neither paper.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from equity_screen.criteria import benefit_of_the_doubt, topsis
from equity_screen.entropy import atkinson, atkinson_ede, theil, theil_between
from equity_screen.gradient import concentration_index, kakwani_index, suits_index
from equity_screen.index import percentile
from equity_screen.inequality import gini, mid_rank
from equity_screen.margins import (
    margin_of_change,
    margin_of_product,
    margin_of_proportion,
    margin_of_ratio,
    margin_of_sum,
)

ONE_EACH = np.ones(10)
DECADES = [f"pcgdp{year}" for year in range(1940, 2001, 10)]
THEMES = (
    ("POV150", "UNEMP", "HBURD", "NOHSDP", "UNINSUR"),
    ("AGE65", "AGE17", "DISABL", "SNGPNT", "LIMENG"),
    ("MINRTY",),
    ("MUNIT", "MOBILE", "CROWD", "NOVEH", "GROUPQ"),
)
VARIABLES = [name for theme in THEMES for name in theme]


def printed(found, digits):
    return np.round(np.asarray(found, dtype=np.float64), digits).tolist()


# ---------------------------------------------------------------- inequality


def test_ten_incomes_of_the_r_package_ineq():
    """Example vector of CRAN's ineq (Zeileis): Gini with and without n / (n − 1), Theil, Atkinson."""
    incomes = np.array([541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261], dtype=np.float64)
    assert printed(gini(incomes, ONE_EACH), 7) == 0.4620911
    assert printed(gini(incomes, ONE_EACH) * 10 / 9, 7) == 0.5134346
    assert printed(theil(incomes, ONE_EACH), 7) == 0.3623412
    assert printed(atkinson(incomes, ONE_EACH, epsilon=0.5), 7) == 0.1796591
    assert printed(atkinson(incomes, ONE_EACH, epsilon=1.0), 7) == 0.3518251


def test_atkinson_of_ten_to_fifty():
    """Docstring of PySAL's inequality.atkinson: index and equally-distributed equivalent."""
    incomes, people = np.arange(10.0, 51.0, 10.0), np.ones(5)
    assert printed(atkinson(incomes, people, epsilon=0.5), 5) == 0.06315
    assert printed(atkinson(incomes, people, epsilon=1.0), 5) == 0.13161
    assert printed(atkinson_ede(incomes, people, epsilon=0.5), 4) == 28.1054
    assert printed(atkinson_ede(incomes, people, epsilon=1.0), 5) == 26.05171


def test_mexican_states_1940_to_2000():
    """Rey & Sastré Gutiérrez (2010), doi:10.1080/17421772.2010.493955; docstring of PySAL's inequality.theil."""
    examples = pytest.importorskip("libpysal.examples", reason='libpysal is not installed: pip install -e ".[oracles]"')
    states = pd.read_csv(examples.get_path("mexico.csv"))
    regions = pd.get_dummies(states["hanson98"]).to_numpy(dtype=np.float64)
    found = theil_between(states[DECADES].to_numpy(dtype=np.float64), regions)
    total = [0.20894344, 0.15222451, 0.10472941, 0.10194725, 0.09560113, 0.10511256, 0.10660832]
    between = [0.0345889, 0.02816853, 0.05260921, 0.05931219, 0.03205257, 0.02963731, 0.03635872]
    within = [0.17435454, 0.12405598, 0.0521202, 0.04263506, 0.06354856, 0.07547525, 0.0702496]
    assert [printed(part, 8) for part in found] == [total, between, within]


# ---------------------------------------------------------------- gradients


def test_mortality_of_children_in_india():
    """World Bank, O'Donnell et al. (2008), doi:10.1596/978-0-8213-6933-3, table 8.1: births and rates by fifth."""
    births = np.array([29939, 28776, 26528, 24689, 19739], dtype=np.float64)
    deaths = np.array([154.7, 152.9, 119.5, 86.9, 54.3])
    assert printed(concentration_index(deaths, births, rank=mid_rank(np.arange(5.0), births)), 4) == -0.1694


def test_a_poll_tax_is_as_regressive_as_incomes_are_unequal():
    """Suits (1977), American Economic Review 67: 747–752: a proportional tax has 0, a poll tax −Gini(income)."""
    people, income = np.array([40.0, 30.0, 20.0, 10.0]), np.array([10.0, 20.0, 40.0, 90.0])
    of_income = gini(income, people)
    assert suits_index(np.ones(4), people, income=income) == pytest.approx(-of_income, rel=1e-14)
    assert kakwani_index(np.ones(4), people, income=income) == pytest.approx(-of_income, rel=1e-14)
    assert suits_index(0.2 * income, people, income=income) == pytest.approx(0.0, abs=1e-15)
    assert kakwani_index(0.2 * income, people, income=income) == pytest.approx(0.0, abs=1e-15)


# ---------------------------------------------------------------- margins


def test_the_handbook_of_the_american_community_survey():
    """Census Bureau, ACS General Handbook (2018), chapter 8: the worked examples."""
    counts, margins = np.array([135173.0, 43104.0, 24842.0]), np.array([3860.0, 2642.0, 1957.0])
    assert counts.sum() == 203119
    assert printed(margin_of_sum(counts, margins), 0) == 5070
    assert printed(margin_of_proportion(203119, 630498, margins=(5070, 831)), 5) == 0.00803
    assert printed(margin_of_ratio(226840, 203119, margins=(5556, 5070)), 5) == 0.03905
    assert printed(margin_of_product(74506512, 0.824, margins=(228238, 0.001)), 0) == 202289
    assert printed(margin_of_change(135173, 139301, margins=(3860, 4047)), 3) == 4.198


def test_a_proportion_whose_radicand_is_negative():
    """Rule of the same chapter: then take the formula of a ratio; 95 ± 10 of 100 ± 12."""
    assert printed(margin_of_proportion(95, 100, margins=(10, 12)), 4) == 0.1516


def test_of_several_counts_of_zero_the_largest_margin_counts_once():
    """Rule of the same chapter on sums: 30 ± 4 with three counts of zero ± 3, 2 and 1 is √(16 + 9)."""
    assert float(margin_of_sum(np.array([30.0, 0.0, 0.0, 0.0]), np.array([4.0, 3.0, 2.0, 1.0]))) == 5.0


# ---------------------------------------------------------------- several criteria


def test_five_options_by_four_criteria():
    """Textbook table, by TOPSIS with vector normalisation (Hwang & Yoon 1981, doi:10.1007/978-3-642-48318-9)."""
    table = [[250, 16, 12, 5], [200, 16, 8, 3], [300, 32, 16, 4], [275, 32, 8, 4], [225, 16, 16, 2]]
    found = topsis(table, weights=[1, 1, 1, 1], benefit=[False, True, True, True])
    assert printed(found, 6) == [0.534277, 0.308368, 0.691632, 0.534737, 0.401046]


def test_one_unit_by_the_weights_that_suit_it_best():
    """Benefit of the doubt (Cherchye et al. 2007, doi:10.1007/s11205-006-9029-7), with and without floors."""
    table = [[0.8, 0.5, 0.2], [0.4, 0.5, 0.6], [0.9, 0.05, 0.7], [0.3, 0.3, 0.3], [0.6, 0.6, 0.6]]
    assert printed(benefit_of_the_doubt(table), 6) == [1.0, 0.974359, 1.0, 0.5, 1.0]
    assert printed(benefit_of_the_doubt(table, floors=[0.15] * 3), 3) == [0.828, 0.897, 0.417, 0.5, 1.0]


# ---------------------------------------------------------------- the Social Vulnerability Index of every county


def half_up(values):
    """Round to four digits, 5 away from 0, as the published ranks are."""
    return np.floor(values * 1e4 + 0.5 + 1e-9) / 1e4


def ranked(table):
    """(rank_min − 1) / (n − 1) of each column over those that have a value."""
    return table.apply(lambda column: half_up(percentile(column, method="percent_rank")))


def svi(counties):
    """Ranks of the variables, of the themes' sums of ranks, and of their sum over all themes."""
    ranks = ranked(counties[[f"EP_{v}" for v in VARIABLES]]).set_axis(VARIABLES, axis=1)
    sums = pd.DataFrame(
        {f"THEME{n}": ranks[list(theme)].sum(axis=1, skipna=False) for n, theme in enumerate(THEMES, start=1)}
    )
    sums = half_up(sums).assign(THEMES=half_up(sums.sum(axis=1, skipna=False)))
    return ranks, sums, ranked(sums)


def read_counties(shared_data: Path, year: int):
    path = shared_data / "cdc_svi" / f"SVI_{year}_US_county.csv.gz"
    return pd.read_csv(path, dtype={"FIPS": "str"}, encoding="utf-8").set_index("FIPS").replace(-999.0, np.nan)


@pytest.mark.shared
@pytest.mark.parametrize("year", [2020, 2022])
def test_ranks_of_every_county(shared_data: Path, year: int):
    """CDC/ATSDR SVI 2020 and 2022, documentation: every EPL_, SPL_ and RPL_ of the United States."""
    counties = read_counties(shared_data, year)
    ranks, sums, overall = svi(counties)
    pd.testing.assert_frame_equal(ranks.add_prefix("EPL_"), counties[[f"EPL_{v}" for v in VARIABLES]], check_exact=True)
    for name in overall:
        np.testing.assert_allclose(sums[name], counties[f"SPL_{name}"], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(overall[name], counties[f"RPL_{name}"])


@pytest.mark.shared
def test_ranks_of_adams_among_the_counties_of_pennsylvania(shared_data: Path):
    """The state's own SVI 2022: 13.7 % below 1.5 times the poverty line is .0606, and .2273 overall."""
    counties = read_counties(shared_data, 2022)
    pennsylvania = counties[counties["ST_ABBR"] == "PA"]
    adams = pennsylvania["COUNTY"].str.startswith("Adams")
    ranks, _, overall = svi(pennsylvania)
    assert len(pennsylvania) == 67
    assert pennsylvania.loc[adams, "EP_POV150"].tolist() == [13.7]
    assert [ranks.loc[adams, "POV150"].item(), overall.loc[adams, "THEMES"].item()] == [0.0606, 0.2273]

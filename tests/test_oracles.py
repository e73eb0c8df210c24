"""Other people's programs as judges of our measures; where one of them is wrong, the right answer stands beside it.

Each test skips where its oracle is not installed: ``pip install -e ".[oracles]"``.
"""

from __future__ import annotations

import importlib
import itertools
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import special, stats
from sklearn.preprocessing import minmax_scale

from equity_screen.chance import false_discovery
from equity_screen.entropy import atkinson, mean_log_deviation, theil, theil_between
from equity_screen.gradient import concentration_index, generalised_concentration_index, slope_index
from equity_screen.hot_spots import conditional_p, contiguity, getis_ord_star, local_moran, morans_i
from equity_screen.index import percentile
from equity_screen.inequality import absolute_gini, gini, hoover, mid_rank, palma_ratio, variance, weighted_mean
from equity_screen.segregation import (
    dissimilarity,
    interaction,
    isolation,
    multigroup_dissimilarity,
    multigroup_information,
    segregation_entropy,
    segregation_gini,
)
from equity_screen.welfare import kolm_pollak_ede

SEEDS = range(3)
# Two of four people have 2 and two have nothing: half of the mean difference is 1, the mean 1, half would move.
HALF_HAVE = np.array([2.0, 0.0])
TWO_EACH = np.array([2.0, 2.0])


def installed(name):
    """Import an oracle; its own warnings are no fault of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f'{name} is not installed: pip install -e ".[oracles]"')


def quietly(call, *given, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*given, **named)


def made_up(seed, *, units=40, zeros=True):
    """Effects with ties and, if asked for, zeros; whole people; an income with ties."""
    rng = np.random.default_rng([seed, 2030])
    effects = rng.integers(0 if zeros else 1, 9, units) * 0.5
    return effects, rng.integers(1, 60, units).astype(np.float64), rng.integers(20, 60, units).astype(np.float64)


def one_by_one(values, people):
    """Every person by themselves, for oracles that know no weights."""
    return np.repeat(values, people.astype(np.intp))


# ---------------------------------------------------------------- SciPy, NumPy and scikit-learn


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_and_variance_are_those_of_numpy(seed):
    effects, people, _ = made_up(seed)
    assert float(weighted_mean(effects, people)) == pytest.approx(np.average(effects, weights=people), rel=1e-14)
    assert float(variance(effects, people)) == pytest.approx(np.var(one_by_one(effects, people)), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_mid_rank_is_the_average_rank_of_scipy(seed):
    _, people, income = made_up(seed)
    each = one_by_one(income, people)
    rank = (stats.rankdata(each, method="average") - 0.5) / len(each)
    assert one_by_one(mid_rank(income, people), people).tolist() == pytest.approx(rank.tolist(), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_slope_is_the_regression_on_the_rank_of_every_person(seed):
    effects, people, income = made_up(seed)
    rank = mid_rank(income, people)
    line = stats.linregress(one_by_one(rank, people), one_by_one(effects, people))
    assert float(slope_index(effects, people, rank=rank)) == pytest.approx(line.slope, rel=1e-11)


@pytest.mark.parametrize("seed", SEEDS)
def test_concentration_is_twice_the_covariance_with_the_rank(seed):
    effects, people, income = made_up(seed)
    rank = mid_rank(income, people)
    twice = 2 * np.cov(one_by_one(effects, people), one_by_one(rank, people), ddof=0)[0, 1]
    assert float(generalised_concentration_index(effects, people, rank=rank)) == pytest.approx(twice, abs=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_log_deviation_is_the_log_of_two_means(seed):
    effects, people, _ = made_up(seed, zeros=False)
    each = one_by_one(effects, people)
    expected = np.log(each.mean() / stats.gmean(each))
    assert float(mean_log_deviation(effects, people)) == pytest.approx(expected, rel=1e-12)
    assert float(atkinson(effects, people, epsilon=1.0)) == pytest.approx(
        1 - stats.gmean(each) / each.mean(), rel=1e-12
    )
    assert float(atkinson(effects, people, epsilon=2.0)) == pytest.approx(
        1 - stats.hmean(each) / each.mean(), rel=1e-12
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_theil_is_the_relative_entropy_of_shares_against_people(seed):
    effects, people, _ = made_up(seed)
    expected = stats.entropy(effects * people, people)
    assert float(theil(effects, people)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kappa", [0.5, -0.5])
@pytest.mark.parametrize("seed", SEEDS)
def test_kolm_pollak_is_the_log_of_a_sum_of_powers(seed, kappa):
    effects, people, _ = made_up(seed)
    losses = effects - 2.0
    for values in (effects, losses):
        expected = -(special.logsumexp(-kappa * values, b=people) - np.log(people.sum())) / kappa
        assert float(kolm_pollak_ede(values, people, kappa=kappa)) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("level", [1e4, -1e4])
def test_kolm_pollak_as_it_is_written_down_overflows(level):
    """The formula in plain NumPy has no answer far from 0; a shift of all effects shifts the level."""
    effects = np.array([level, level + 2.0])
    with np.errstate(over="ignore", divide="ignore"):
        plain = -np.log(np.mean(np.exp(-effects)))
    near_zero = float(kolm_pollak_ede(np.array([0.0, 2.0]), np.ones(2), kappa=1.0))
    assert np.isinf(plain)
    assert float(kolm_pollak_ede(effects, np.ones(2), kappa=1.0)) == pytest.approx(level + near_zero, rel=1e-12)


@pytest.mark.parametrize("method", ["average", "max"])
def test_percentiles_are_ranks_of_pandas_and_scipy(method):
    values = pd.Series([3.0, 1.0, 3.0, np.nan, 7.0, 0.0])
    name = {"average": "rank_pct_average", "max": "cume_dist"}[method]
    assert percentile(values, method=name).tolist() == pytest.approx(
        values.rank(method=method, pct=True).tolist(), nan_ok=True
    )
    known = values.dropna()
    strictly = [stats.percentileofscore(known, v, kind="mean") / 100 for v in known]
    assert percentile(known, method="mid_rank").tolist() == pytest.approx(strictly)


def test_percent_rank_of_distinct_values_is_their_scaled_position():
    """scikit-learn's scaling of ranks from least to greatest."""
    values = pd.Series([9.0, 2.0, 4.0, 8.0])
    expected = minmax_scale(stats.rankdata(values))
    assert percentile(values, method="percent_rank").tolist() == pytest.approx(expected.tolist())


def test_false_discovery_is_that_of_scipy():
    p = np.random.default_rng([7]).uniform(size=(5, 4)) ** 2
    assert false_discovery(p).ravel().tolist() == pytest.approx(stats.false_discovery_control(p.ravel()).tolist())


# ---------------------------------------------------------------- PySAL inequality: no weights


@pytest.mark.parametrize("seed", SEEDS)
def test_pysal_inequality_of_every_person(seed):
    """It has no weights, so every person goes in by themselves."""
    installed("inequality")
    effects, people, income = made_up(seed, zeros=False)
    each = one_by_one(effects, people)
    assert float(gini(effects, people)) == pytest.approx(oracle("gini", "Gini")(each).g, rel=1e-12)
    assert float(theil(effects, people)) == pytest.approx(float(oracle("theil", "Theil")(each).T), rel=1e-10)
    for epsilon in (0.5, 1.0):
        theirs = float(oracle("atkinson", "Atkinson")(each, epsilon).A)
        assert float(atkinson(effects, people, epsilon=epsilon)) == pytest.approx(theirs, rel=1e-10)
    region = income < 40
    parts = theil_between(effects, np.column_stack([people * region, people * ~region]))
    theirs = oracle("theil", "TheilD")(each, one_by_one(region, people))
    assert [float(parts.between), float(parts.within)] == pytest.approx([*theirs.bg, *theirs.wg], rel=1e-9)


def oracle(module, name):
    found = getattr(importlib.import_module(f"inequality.{module}"), name)
    return lambda *given: quietly(found, *given)


def test_pysal_forgets_how_many_people_live_in_a_place():
    """Nine people with 1 and one with 11: the mean is 2, the Gini index 0.9 · 0.1 · 10 / 2; of two places 5/12."""
    installed("inequality")
    effects, people = np.array([1.0, 11.0]), np.array([9.0, 1.0])
    assert oracle("gini", "Gini")(effects).g == pytest.approx(5 / 12)
    assert float(gini(effects, people)) == pytest.approx(0.45)
    assert oracle("gini", "Gini")(one_by_one(effects, people)).g == pytest.approx(0.45)


def test_pysal_refuses_an_atkinson_index_of_who_has_nothing():
    """With ε = 1 one person who has nothing settles it: the index is 1, its limit."""
    installed("inequality")
    with pytest.raises(ValueError, match="must be positive"):
        oracle("atkinson", "Atkinson")(HALF_HAVE, 1.0)
    assert float(atkinson(HALF_HAVE, TWO_EACH, epsilon=1.0)) == 1.0
    assert float(atkinson(np.array([2.0, 1e-12]), TWO_EACH, epsilon=1.0)) == pytest.approx(1.0, abs=1e-5)


def test_pysal_gives_a_number_for_losses():
    """Of −1 and 2 it says that the Gini index is 3/2; who has a loss has no share of a gain."""
    installed("inequality")
    effects = np.array([-1.0, 2.0])
    assert oracle("gini", "Gini")(effects).g == pytest.approx(1.5)
    assert np.isnan(float(gini(effects, np.ones(2))))
    assert float(absolute_gini(effects, np.ones(2))) == pytest.approx(0.75)


# ---------------------------------------------------------------- moveq-core: weights, and results that say why not


@pytest.mark.parametrize("seed", SEEDS)
def test_moveq_on_gini_and_concentration(seed):
    moveq = installed("moveq_core")
    effects, people, income = made_up(seed)
    rank = mid_rank(income, people)
    assert float(gini(effects, people)) == pytest.approx(moveq.compute_gini(effects, people), rel=1e-12)
    theirs = moveq.compute_concentration_index(effects, income, people, rank_direction="higher_is_advantaged")
    assert float(concentration_index(effects, people, rank=rank)) == pytest.approx(theirs, abs=1e-13)


def test_moveq_says_that_nothing_is_shared_out_equally():
    """Of a plan that gives nobody anything it says 0; ours is undefined."""
    moveq = installed("moveq_core")
    assert moveq.compute_gini(np.zeros(2), TWO_EACH) == 0.0
    assert np.isnan(float(gini(np.zeros(2), TWO_EACH)))


def test_moveq_gives_a_palma_ratio_of_means():
    """Where all have the same its ratio is 1; Palma's, of the shares of a tenth and of four tenths, is ¼."""
    moveq = installed("moveq_core")
    assert moveq.compute_palma_ratio(np.ones(10), np.ones(10)) == pytest.approx(1.0)
    assert float(palma_ratio(np.ones(10), np.ones(10))) == pytest.approx(0.25)
    rising = np.arange(1.0, 11.0)
    assert float(palma_ratio(rising, np.ones(10))) == pytest.approx(moveq.compute_palma_ratio(rising, np.ones(10)) / 4)
    assert np.isinf(moveq.compute_palma_ratio(HALF_HAVE, TWO_EACH))
    assert np.isnan(float(palma_ratio(HALF_HAVE, TWO_EACH)))


def test_moveq_agrees_that_a_mean_of_zero_has_no_index():
    moveq = installed("moveq_core")
    effects, rank = np.array([-1.0, 1.0]), np.array([1.0, 2.0])
    with pytest.raises(moveq.UndefinedMetricError, match="mean"):
        moveq.compute_concentration_index(effects, rank, TWO_EACH, rank_direction="higher_is_advantaged")
    assert np.isnan(float(concentration_index(effects, TWO_EACH, rank=mid_rank(rank, TWO_EACH))))


# ---------------------------------------------------------------- segregation


def districts(seed, *, empty=False):
    """Twelve squares with three groups of people, the last of them without anybody where asked for."""
    rng = np.random.default_rng([seed, 11])
    counts = pd.DataFrame(rng.integers(1, 200, (12, 3)).astype(np.float64), columns=["a", "b", "c"])
    if empty:
        counts.iloc[-1] = 0.0
    cells = [shapely.box(x, y, x + 1, y + 1) for y, x in itertools.product(range(3), range(4))]
    return gpd.GeoDataFrame(counts.assign(all=counts.sum(axis=1)), geometry=cells, crs="EPSG:25832")


@pytest.mark.slow
@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_segregation_of_pysal(seed, empty):
    """A place without people changes nothing: for those of its indices that stumble there it is left out."""
    installed("segregation")
    single, multi = (importlib.import_module(f"segregation.{kind}") for kind in ("singlegroup", "multigroup"))
    city = districts(seed, empty=empty)
    lived_in = city[city["all"] > 0]
    pairs = {
        "Dissim": dissimilarity,
        "Gini": segregation_gini,
        "Entropy": segregation_entropy,
        "Isolation": isolation,
        "Interaction": interaction,
    }
    for name, ours in pairs.items():
        theirs = quietly(getattr(single, name), lived_in, "a", "all").statistic
        assert float(ours(city["a"].to_numpy(), city["all"].to_numpy())) == pytest.approx(theirs, rel=1e-9), name
    groups = city[["a", "b", "c"]].to_numpy()
    for name, ours in {"MultiDissim": multigroup_dissimilarity, "MultiInfoTheory": multigroup_information}.items():
        theirs = quietly(getattr(multi, name), lived_in, ["a", "b", "c"]).statistic
        assert float(ours(groups)) == pytest.approx(theirs, rel=1e-9), name


def test_dissimilarity_is_hoovers_index_of_a_group_among_the_rest():
    """Two of our own measures of two modules: shares of a group against shares of everyone else."""
    city = districts(5)
    group, rest = city["a"].to_numpy(), (city["all"] - city["a"]).to_numpy()
    assert float(hoover(group / rest, rest)) == pytest.approx(float(dissimilarity(group, group + rest)), rel=1e-12)


# ---------------------------------------------------------------- esda


@pytest.mark.parametrize("rule", ["queen", "rook"])
@pytest.mark.parametrize("seed", SEEDS)
def test_esda_on_where_values_lie_together(seed, rule):
    esda, weights = installed("esda"), installed("libpysal.weights")
    city = districts(seed)
    values = city["a"].to_numpy()
    near = contiguity(city, rule=rule)
    table = near.matrix.tocoo()
    neighbours = {i: table.col[table.row == i].tolist() for i in range(len(city))}
    theirs = quietly(weights.W, neighbours, silence_warnings=True)
    moran = quietly(esda.Moran, values, theirs, permutations=0)
    ours = morans_i(values, contiguity=near)
    assert [ours.value, ours.expected, ours.z, ours.p] == pytest.approx(
        [moran.I, moran.EI, moran.z_norm, moran.p_norm], rel=1e-9
    )
    local = quietly(esda.Moran_Local, values, theirs, permutations=0, n_jobs=1)
    assert local_moran(values, contiguity=near).tolist() == pytest.approx(local.Is.tolist(), rel=1e-9)
    star = quietly(weights.fill_diagonal, theirs, 1.0)
    high = quietly(esda.G_Local, values, star, transform="B", star=None, permutations=0, n_jobs=1)
    assert getis_ord_star(values, contiguity=near).tolist() == pytest.approx(high.Zs.tolist(), rel=1e-9)


@pytest.mark.slow
def test_esda_counts_one_side_only():
    """Its simulated p is one-sided, at most about ½; twice that is near ours, which is two-sided."""
    esda, weights = installed("esda"), installed("libpysal.weights")
    city = districts(1)
    values = city["a"].to_numpy()
    near = contiguity(city)
    table = near.matrix.tocoo()
    theirs = quietly(
        weights.W, {i: table.col[table.row == i].tolist() for i in range(len(city))}, silence_warnings=True
    )
    local = quietly(esda.Moran_Local, values, theirs, permutations=4999, n_jobs=1, seed=1)
    assert local.p_sim.max() <= 0.51
    ours = conditional_p(values, contiguity=near, permutations=4999, seed=1)
    assert ours.max() > 0.51
    assert ours.tolist() == pytest.approx(np.minimum(2 * local.p_sim, 1.0).tolist(), abs=0.12)

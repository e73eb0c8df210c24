"""Entropy, Theil's parts and Atkinson, each against numbers that can be had in the head."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.entropy import (
    atkinson,
    atkinson_ede,
    generalised_entropy,
    mean_log_deviation,
    mld_between,
    theil,
    theil_between,
    variance_between,
)
from equity_screen.errors import UsageError
from equity_screen.inequality import variance, weighted_mean

NAN = float("nan")
LOG2 = float(np.log(2))
APART = np.eye(2)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


# ---------------------------------------------------------------- entropy


@pytest.mark.parametrize("weights", [array(1, 1), array(0.05, 0.05), array(300, 300)])
def test_half_of_the_people_have_all_whatever_the_weights_are_counted_in(weights: np.ndarray) -> None:
    # r is 0 and 2: T = ½·2·ln 2; GE2 = ½(½·4 − 1); GE½ = (½√2 − 1)/(−¼).
    x = array(0, 4)
    assert float(theil(x, weights)) == pytest.approx(LOG2, rel=1e-14)
    assert float(generalised_entropy(x, weights, alpha=2)) == pytest.approx(0.5, rel=1e-14)
    assert float(generalised_entropy(x, weights, alpha=0.5)) == pytest.approx(4 - 2 * np.sqrt(2), rel=1e-14)


def test_mean_logarithmic_deviation_is_the_log_of_arithmetic_over_geometric_mean() -> None:
    assert float(mean_log_deviation(array(1, 4), array(1, 1))) == pytest.approx(np.log(2.5 / 2), rel=1e-14)


def test_entropy_of_minus_one_is_half_of_mean_over_harmonic_mean_less_one() -> None:
    # Means 2.5 and 1.6.
    found = generalised_entropy(array(1, 4), array(1, 1), alpha=-1)
    assert float(found) == pytest.approx((2.5 / 1.6 - 1) / 2, rel=1e-14)


def test_entropy_is_continuous_in_alpha() -> None:
    x, w = array(1, 2, 7), array(3, 2, 1)
    for alpha, exact in ((0, mean_log_deviation(x, w)), (1, theil(x, w))):
        for near in (alpha - 1e-6, alpha + 1e-6):
            assert float(generalised_entropy(x, w, alpha=near)) == pytest.approx(float(exact), rel=1e-5)


@pytest.mark.parametrize("alpha", [0, -1, -0.5])
def test_a_zero_is_never_replaced_by_a_small_number(alpha: float) -> None:
    assert np.isnan(generalised_entropy(array(0, 4), array(1, 1), alpha=alpha))
    assert np.isfinite(generalised_entropy(array(0, 4), array(0, 1), alpha=alpha)), "nobody lives where it is 0"


@pytest.mark.parametrize("alpha", [-1, 0, 0.5, 1, 2])
def test_losses_and_nothing_have_no_entropy_and_equality_has_none(alpha: float) -> None:
    w = array(3, 1)
    assert np.isnan(generalised_entropy(array(-1, 4), w, alpha=alpha))
    assert np.isnan(generalised_entropy(array(0, 0), w, alpha=alpha))
    assert np.isnan(generalised_entropy(array(1, NAN), w, alpha=alpha))
    assert np.isnan(generalised_entropy(array(1, 2), array(0, 0), alpha=alpha))
    assert float(generalised_entropy(array(0.3, 0.3), w, alpha=alpha)) == 0


def test_an_alpha_that_is_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match="alpha = nan is no number; 2 looks at those who have most"):
        generalised_entropy(array(1, 2), array(1, 1), alpha=NAN)


# ---------------------------------------------------------------- between and within groups


def test_groups_that_live_apart_have_all_of_the_inequality_between_them() -> None:
    parts = theil_between(array(0, 4), APART)
    assert [float(part) for part in parts] == [pytest.approx(LOG2), pytest.approx(LOG2), 0]
    assert [float(part) for part in variance_between(array(0, 4), APART)] == [4, 4, 0]


def test_groups_that_live_side_by_side_have_none_between_them() -> None:
    side_by_side = np.full((2, 2), 3.0)
    parts = theil_between(array(0, 4), side_by_side)
    assert [float(part) for part in parts] == [pytest.approx(LOG2), 0, pytest.approx(LOG2)]
    assert [float(part) for part in variance_between(array(0, 4), side_by_side)] == [4, 0, 4]


def test_three_parts_by_hand() -> None:
    # Group 1: two people with 0 and 2; group 2: two with 2 and 4. Means 1 and 3, overall 2.
    x, groups = array(0, 2, 4), np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    assert [float(part) for part in variance_between(x, groups)] == [2, 1, 1]
    parts = theil_between(x, groups)
    between = 0.5 * 0.5 * np.log(0.5) + 0.5 * 1.5 * np.log(1.5)
    of_first, of_second = LOG2, 0.5 * (2 / 3 * np.log(2 / 3) + 4 / 3 * np.log(4 / 3))
    assert float(parts.between) == pytest.approx(between, rel=1e-14)
    assert float(parts.within) == pytest.approx(0.25 * of_first + 0.75 * of_second, rel=1e-14)
    assert float(mld_between(x, groups)) == pytest.approx(-0.5 * (np.log(0.5) + np.log(1.5)), rel=1e-14)


def test_the_parts_add_up_to_the_whole(rng_effects) -> None:
    x, groups = rng_effects
    w = groups.sum(axis=1)
    for parts, whole in ((theil_between(x, groups), theil(x, w)), (variance_between(x, groups), variance(x, w))):
        np.testing.assert_array_equal(parts.total, parts.between + parts.within)
        np.testing.assert_allclose(parts.total, whole, rtol=1e-12)


def test_parts_of_people_one_by_one(rng_effects) -> None:
    x, groups = rng_effects
    column = x[:, [3]].toarray()[:, 0]
    share, mean = groups.sum(axis=0) / groups.sum(), weighted_mean(x, groups.sum(axis=1))[3]
    means = np.array([weighted_mean(column, group) for group in groups.T])
    theils = np.array([theil(column, group) for group in groups.T])
    variances = np.array([variance(column, group) for group in groups.T])
    assert theil_between(x, groups).within[3] == pytest.approx((share * means / mean * theils).sum(), rel=1e-12)
    assert variance_between(x, groups).within[3] == pytest.approx((share * variances).sum(), rel=1e-12)
    assert variance_between(x, groups).between[3] == pytest.approx((share * (means - mean) ** 2).sum(), rel=1e-12)


def test_a_group_without_people_adds_nothing() -> None:
    groups = np.array([[2.0, 0.0, 1.0], [1.0, 0.0, 3.0]])
    x = array(1, 5)
    for measure in (theil_between, variance_between):
        np.testing.assert_allclose(measure(x, groups), measure(x, groups[:, [0, 2]]), rtol=1e-15)
    assert float(mld_between(x, groups)) == float(mld_between(x, groups[:, [0, 2]]))


def test_a_group_that_has_nothing_leaves_theil_defined_and_the_log_deviation_not() -> None:
    assert float(theil_between(array(0, 4), APART).between) > 0
    assert np.isnan(mld_between(array(0, 4), APART))


def test_losses_have_a_between_group_variance_and_no_theil() -> None:
    assert [float(part) for part in variance_between(array(-1, 1), APART)] == [1, 1, 0]
    assert np.isnan(theil_between(array(-1, 3), APART)).all()
    assert np.isnan(mld_between(array(-1, 3), APART))


@pytest.mark.parametrize("measure", [theil_between, variance_between, mld_between])
def test_groups_that_are_no_counts_are_refused(measure) -> None:
    with pytest.raises(UsageError, match=r"groups of shape \(2,\) are no table; give the people of each group"):
        measure(array(1, 2), array(1, 1))
    with pytest.raises(UsageError, match=r"a group has -1\.0 people in a unit"):
        measure(array(1, 2), np.array([[2.0, -1.0], [1.0, 1.0]]))
    with pytest.raises(UsageError, match="weight nan of unit 1"):
        measure(array(1, 2), np.array([[2.0, 1.0], [1.0, NAN]]))


# ---------------------------------------------------------------- Atkinson


def test_half_of_the_people_have_four_is_as_good_as_one_for_all() -> None:
    assert float(atkinson_ede(array(0, 4), array(1, 1), epsilon=0.5)) == pytest.approx(1, rel=1e-15)
    assert float(atkinson(array(0, 4), array(1, 1), epsilon=0.5)) == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize(("epsilon", "level"), [(1, 2.0), (2, 1.6), (1 - 1e-9, 2.0), (1 + 1e-9, 2.0)])
def test_at_one_the_level_is_the_geometric_mean_and_at_two_the_harmonic(epsilon: float, level: float) -> None:
    assert float(atkinson_ede(array(1, 4), array(1, 1), epsilon=epsilon)) == pytest.approx(level, rel=1e-6)
    assert float(atkinson(array(1, 4), array(1, 1), epsilon=epsilon)) == pytest.approx(1 - level / 2.5, rel=1e-6)


@pytest.mark.parametrize("epsilon", [1, 1.5, 2])
def test_one_person_with_nothing_is_all_that_counts_from_one_on(epsilon: float) -> None:
    assert float(atkinson(array(0, 4), array(1, 999), epsilon=epsilon)) == 1
    assert float(atkinson_ede(array(0, 4), array(1, 999), epsilon=epsilon)) == 0


def test_the_level_nears_the_least_and_no_power_overflows() -> None:
    assert float(atkinson_ede(array(1, 1e6), array(1, 1), epsilon=100)) == pytest.approx(2 ** (1 / 99), rel=1e-12)
    assert float(atkinson_ede(array(1e-200, 1e6), array(1, 1), epsilon=3)) == pytest.approx(np.sqrt(2) * 1e-200)


@pytest.mark.parametrize("epsilon", [0.25, 0.5, 1, 2])
def test_equality_has_no_atkinson_index_and_losses_and_nothing_have_none(epsilon: float) -> None:
    w = array(3, 1)
    values = csc_array(np.array([[0.3, -1.0, 0.0, NAN], [0.3, 2.0, 0.0, 1.0]]))
    assert atkinson(values, w, epsilon=epsilon).tolist() == pytest.approx([0, NAN, NAN, NAN], abs=1e-15, nan_ok=True)
    assert atkinson_ede(values, w, epsilon=epsilon)[0] == pytest.approx(0.3, rel=1e-15)


@pytest.mark.parametrize("epsilon", [0, -1, NAN, np.inf])
def test_what_is_no_aversion_is_refused(epsilon: float) -> None:
    for measure in (atkinson, atkinson_ede):
        with pytest.raises(UsageError, match=r"epsilon = .* is no aversion to inequality; give a number above 0"):
            measure(array(1, 2), array(1, 1), epsilon=epsilon)


# ---------------------------------------------------------------- any order, any chunk


@pytest.fixture(scope="module")
def rng_effects() -> tuple[csc_array, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.gamma(1.0, 2.0, (60, 25)) * (rng.random((60, 25)) < 0.4)
    return csc_array(x), rng.random((60, 3)) * (rng.random((60, 1)) < 0.9)


@pytest.mark.parametrize(
    "measure",
    [
        lambda x, groups: theil(x, groups.sum(axis=1)),
        lambda x, groups: atkinson(x, groups.sum(axis=1), epsilon=0.5),
        lambda x, groups: atkinson(x, groups.sum(axis=1), epsilon=2),
        lambda x, groups: np.stack(theil_between(x, groups)),
        lambda x, groups: np.stack(variance_between(x, groups)),
        mld_between,
    ],
)
def test_a_column_has_the_same_bytes_in_any_chunk_and_any_order(rng_effects, measure) -> None:
    x, groups = rng_effects
    whole = measure(x, groups)
    chunks = [measure(x[:, a:b], groups) for a, b in itertools.pairwise([0, 1, 4, 25])]
    np.testing.assert_array_equal(np.concatenate(chunks, axis=-1), whole)
    np.testing.assert_array_equal(measure(csc_array(x[:, ::-1]), groups)[..., ::-1], whole)
    np.testing.assert_array_equal(measure(x.toarray(), groups), whole)


# ---------------------------------------------------------------- published


@pytest.mark.shared
def test_twelve_neighbourhoods(shared_data: Path) -> None:
    folder = shared_data.parent / "golden"
    answers = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    table = pd.read_csv(folder / "golden.csv")
    names = ["trees", "ev", "freeway", "uniform"]
    x = csc_array(table[[f"x_{name}" for name in names]].to_numpy(dtype=np.float64))
    w, groups = table["pop"].to_numpy(dtype=np.float64), table[["white", "black", "hisp", "other"]].to_numpy()
    parts, spread = theil_between(x, groups), variance_between(x, groups)
    found = {
        "theil_T": theil(x, w),
        "ge2": generalised_entropy(x, w, alpha=2),
        "ge0.5": generalised_entropy(x, w, alpha=0.5),
        **{f"atkinson[{e:g}]": atkinson(x, w, epsilon=e) for e in (0.25, 0.5, 0.75, 1, 2)},
        "theil_between[race]": parts.between,
        "theil_within[race]": parts.within,
        "bgv[race]": spread.between,
        "within_var[race]": spread.within,
        "mld_between[race]": mld_between(x, groups),
    }
    for key, figures in found.items():
        for name, figure in zip(names, figures, strict=True):
            known = answers["actions"][name] | answers["extra"][name]
            assert figure == pytest.approx(known[key], rel=1e-10, abs=1e-14), (name, key)


def test_incomes_of_the_package_ineq() -> None:
    """The example vector of the R package ineq (CRAN), with its Theil and Atkinson indexes."""
    incomes, ones = array(541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261), np.ones(10)
    assert round(float(theil(incomes, ones)), 7) == 0.3623412
    assert round(float(atkinson(incomes, ones, epsilon=0.5)), 7) == 0.1796591
    assert round(float(atkinson(incomes, ones, epsilon=1)), 7) == 0.3518251


def test_incomes_of_the_documentation_of_pysal() -> None:
    """10, 20 … 50 in the documentation of pysal's package inequality."""
    incomes, ones = array(10, 20, 30, 40, 50), np.ones(5)
    assert round(float(atkinson(incomes, ones, epsilon=0.5)), 5) == 0.06315
    assert round(float(atkinson(incomes, ones, epsilon=1)), 5) == 0.13161
    assert round(float(atkinson_ede(incomes, ones, epsilon=0.5)), 4) == 28.1054
    assert round(float(atkinson_ede(incomes, ones, epsilon=1)), 5) == 26.05171

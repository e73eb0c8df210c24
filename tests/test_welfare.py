"""Levels as good as a distribution, against numbers that can be had in the head."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csc_array
from scipy.special import logsumexp

from equity_screen.errors import UsageError
from equity_screen.welfare import (
    distributional_weights,
    kolm_pollak_after,
    kolm_pollak_ede,
    kolm_pollak_ede_by_group,
    kolm_pollak_index,
    kolm_pollak_kappa,
    weighted_median,
    weighted_total,
)

NAN = float("nan")
ONES = np.ones(4)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def plain_ede(values: np.ndarray, weights: np.ndarray, kappa: float) -> float:
    """The formula as it stands in the literature, person by person."""
    people = [value for value, count in zip(values, weights, strict=True) for _ in range(int(count))]
    return -math.log(math.fsum(math.exp(-kappa * value) for value in people) / len(people)) / kappa


# ---------------------------------------------------------------- Kolm-Pollak


def test_kappa_is_aversion_over_the_contraharmonic_mean_of_the_baseline() -> None:
    # (1 + 3) / (1 + 9) = 0.4; bads turn the sign.
    assert kolm_pollak_kappa(array(1, 3), array(1, 1), epsilon=0.5, bad=False) == 0.2
    assert kolm_pollak_kappa(array(1, 3), array(1, 1), epsilon=2.0, bad=True) == -0.8
    assert kolm_pollak_kappa(array(1, 3, 9), array(1, 1, 0), epsilon=0.5, bad=False) == 0.2


@pytest.mark.parametrize("values", [(0, 0), (-1, 1), (-3, 1)])
def test_a_baseline_without_a_mean_above_zero_gives_no_kappa(values: tuple[float, float]) -> None:
    assert math.isnan(kolm_pollak_kappa(array(*values), array(1, 1), epsilon=0.5, bad=True))


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e300])
def test_a_baseline_whose_squares_are_no_numbers_gives_no_kappa(size: float) -> None:
    assert math.isnan(kolm_pollak_kappa(size * ONES, ONES, epsilon=0.5, bad=False))


def test_what_is_missing_where_nobody_lives_counts_for_nothing() -> None:
    values, people = array(1, 3, NAN), array(1, 1, 0)
    assert kolm_pollak_kappa(values, people, epsilon=0.5, bad=False) == 0.2
    for kappa in (0.0, 1e-300, 1e-14):
        assert kolm_pollak_ede(values, people, kappa=kappa) == pytest.approx(2.0, rel=1e-13)
    assert math.isnan(kolm_pollak_kappa(values, ONES[:3], epsilon=0.5, bad=False))
    for kappa in (0.0, 1e-300, 1e-14, 0.5):
        assert math.isnan(kolm_pollak_ede(values, ONES[:3], kappa=kappa))


TINY = (5e-324, 1e-310, 1e-300, 1e-199, 1e-100, 1e-14, -5e-324, -1e-300, -1e-100, -1e-14)


@pytest.mark.parametrize("kappa", TINY)
def test_with_hardly_any_aversion_levels_are_means(kappa: float) -> None:
    values = array(1, 2, 4, 3)
    assert kolm_pollak_ede(values, ONES, kappa=kappa) == pytest.approx(2.5, rel=1e-13)
    by_group = kolm_pollak_ede_by_group(values[:, None], ONES[:, None], kappa=kappa)
    assert by_group == pytest.approx(np.array([[2.5]]), rel=1e-13)
    assert 0 <= kolm_pollak_index(values, ONES, kappa=kappa) < 1e-11
    # 10 before on average; 2.5 more, and 0.25 more of the second.
    changes = csc_array(np.column_stack([values, [0.0, 1, 0, 0]]))
    after = kolm_pollak_after(array(4, 16, 12, 8), changes, weights=ONES[:, None], kappa=kappa)
    assert after == pytest.approx(np.array([[12.5], [10.25]]), rel=1e-13)


@pytest.mark.parametrize("kappa", [1e-5, 1e-3, -1e-3])
def test_a_small_aversion_takes_half_the_variance_off(kappa: float) -> None:
    # Mean 2.5, variance 1.25, third cumulant 0, fourth 2.5625 - 3 * 1.5625 = -2.125.
    values = array(1, 2, 4, 3)
    expected = 2.5 - 1.25 * kappa / 2 + 2.125 * kappa**3 / 24
    assert kolm_pollak_ede(values, ONES, kappa=kappa) == pytest.approx(expected, rel=1e-14)
    after = kolm_pollak_after(np.zeros(4), values[:, None], weights=ONES[:, None], kappa=kappa)
    assert after.item() == pytest.approx(kolm_pollak_ede(values, ONES, kappa=kappa), rel=1e-14)


def test_small_exponents_and_large_ones_meet() -> None:
    # At an exponent range of 1 the sum is taken another way: the two must give the same.
    values, people = array(0, 0.3, 1), array(3, 1, 2)
    below, above = (kolm_pollak_ede(values, people, kappa=k) for k in (1 - 1e-13, 1 + 1e-13))
    assert below == pytest.approx(above, rel=1e-12)
    assert below == pytest.approx(plain_ede(values, people, 1.0), rel=1e-12)


def test_at_kappa_zero_the_last_digit_of_a_mean_hangs_on_nothing() -> None:
    rng = np.random.default_rng(6)
    baseline, people = rng.random(5000), rng.random((5000, 3))
    expected = (baseline[:, None] * people).sum(axis=0) / people.sum(axis=0)
    found = kolm_pollak_after(baseline, csc_array((5000, 1)), weights=people, kappa=0.0)
    assert found.tolist() == [expected.tolist()]


@pytest.mark.parametrize("kappa", [0.0, 0.02, -0.02])
def test_what_is_undefined_has_one_bit_pattern(kappa: float) -> None:
    doses, people = np.array([[0.0, 1.25, -0.0, 1.25]]), np.array([[1.0, 0.0, 0.0]])
    found = kolm_pollak_ede_by_group(doses, people, kappa=kappa)
    assert found[:, 1:].tobytes() == np.full((4, 2), np.nan).tobytes()


def test_ede_of_two_people_in_the_head() -> None:
    # e^0 = 1 and e^ln3 = 3: their mean is 2 as a bad; 1 and 1/3 have the mean 2/3 as a good.
    values = array(0, math.log(3))
    assert kolm_pollak_ede(values, array(1, 1), kappa=-1.0) == pytest.approx(math.log(2), rel=1e-15)
    assert kolm_pollak_ede(values, array(1, 1), kappa=1.0) == pytest.approx(math.log(1.5), rel=1e-15)


@pytest.mark.parametrize("kappa", [-2.0, -0.5, 0.5, 2.0])
def test_ede_is_the_plain_formula_over_all_persons(kappa: float) -> None:
    values, people = array(-1.5, 0, 0.25, 3), array(2, 5, 1, 4)
    expected = plain_ede(values, people, kappa)
    assert kolm_pollak_ede(values, people, kappa=kappa) == pytest.approx(expected, rel=1e-13)


def test_ede_at_kappa_zero_is_the_mean_and_near_it_the_mean_less_half_the_variance() -> None:
    values, people = array(1, 3), array(1, 3)  # mean 2.5, variance 0.75
    assert kolm_pollak_ede(values, people, kappa=0.0) == 2.5
    assert kolm_pollak_ede(values, people, kappa=1e-4) == pytest.approx(2.5 - 1e-4 * 0.75 / 2, abs=2e-9)


def test_ede_of_equal_levels_is_that_level() -> None:
    assert kolm_pollak_ede(7 * ONES, ONES, kappa=-0.3) == pytest.approx(7.0, rel=1e-14)


def test_ede_of_a_good_is_below_the_mean_and_of_a_bad_above_it() -> None:
    values = array(1, 2, 3, 6)
    assert kolm_pollak_ede(values, ONES, kappa=0.5) < 3.0 < kolm_pollak_ede(values, ONES, kappa=-0.5)


def test_ede_does_not_overflow() -> None:
    assert kolm_pollak_ede(array(0, 1e4), array(1, 1), kappa=-1.0) == pytest.approx(1e4 - math.log(2), rel=1e-15)


@pytest.mark.parametrize(("people", "kappa"), [((0, 0), 0.5), ((1, 1), NAN)])
def test_ede_without_people_or_kappa_is_undefined(people: tuple[float, float], kappa: float) -> None:
    assert math.isnan(kolm_pollak_ede(array(1, 2), array(*people), kappa=kappa))


def test_ede_of_where_nobody_lives_counts_for_nothing() -> None:
    assert kolm_pollak_ede(array(1, 1e9), array(5, 0), kappa=-1.0) == pytest.approx(1.0, rel=1e-15)


def test_after_an_action_that_levels_the_city_the_ede_is_the_level() -> None:
    changes = csc_array(np.array([[0.0, 2.0], [-2.0, 0.0]]))
    after = kolm_pollak_after(array(1, 3), changes, weights=np.ones((2, 1)), kappa=-0.7)
    assert after == pytest.approx(np.array([[1.0], [3.0]]), rel=1e-14)


def test_after_is_the_ede_of_the_sum_for_every_action_and_group() -> None:
    baseline = array(9.2, 7.1, 8.0, 10.4)
    changes = np.array([[0.0, -1.5], [0.3, 0.0], [0.0, -2.0], [0.0, 0.0]])
    people = np.array([[10.0, 0.0], [5.0, 5.0], [0.0, 20.0], [7.0, 1.0]])
    after = kolm_pollak_after(baseline, csc_array(changes), weights=people, kappa=-0.4)
    expected = [[kolm_pollak_ede(baseline + changes[:, a], people[:, g], kappa=-0.4) for g in (0, 1)] for a in (0, 1)]
    np.testing.assert_allclose(after, expected, rtol=1e-13)


def test_after_leaves_out_who_has_no_baseline() -> None:
    changes = csc_array(np.array([[0.0], [-50.0], [-2.0]]))
    after = kolm_pollak_after(array(1, NAN, 3), changes, weights=np.ones((3, 1)), kappa=-0.7)
    assert after == pytest.approx(np.array([[1.0]]), rel=1e-14)


def test_after_is_undefined_for_a_group_without_people_and_for_a_city_without_a_baseline() -> None:
    changes = csc_array(np.array([[1.0], [0.0]]))
    one_group = np.array([[1.0, 0.0], [1.0, 0.0]])
    after = kolm_pollak_after(array(1, 3), changes, weights=one_group, kappa=-0.2)
    assert np.isfinite(after[0, 0])
    assert np.isnan(after[0, 1])
    assert np.isnan(kolm_pollak_after(array(NAN, NAN), changes, weights=one_group, kappa=-0.2)).all()


def brute_after(baseline: np.ndarray, changes: np.ndarray, people: np.ndarray, kappa: float) -> np.ndarray:
    """Every neighbourhood of every action and group, none taken for what it was."""
    levels = np.full((changes.shape[1], people.shape[1]), np.nan)
    for a, g in np.ndindex(levels.shape):
        here = people[:, g] > 0
        if here.any():
            total = logsumexp(-kappa * (baseline + changes[:, a])[here], b=people[here, g])
            levels[a, g] = -(total - math.log(people[:, g].sum())) / kappa
    return levels


@pytest.mark.parametrize("kappa", [0.3, -0.3, 1.0, -1.0])
@pytest.mark.parametrize("scale", [1.0, 50.0, 1e3, 1e6])
@pytest.mark.parametrize("size", [0.0, 1.0, 30.0, 1e4])
def test_after_is_the_plain_sum_however_large_the_exponents(size: float, scale: float, kappa: float) -> None:
    rng = np.random.default_rng(3)
    changes = rng.normal(size=(60, 24)) * scale * (rng.random((60, 24)) < np.linspace(0, 1, 24))
    changes[:, 0], changes[1:, 1], changes[0, 1] = np.abs(changes[:, 0]), scale, 0.0
    people = rng.integers(0, 50, (60, 4)) * (rng.random((60, 4)) < [1.0, 0.5, 0.1, 0.0])
    baseline = size * np.abs(rng.normal(size=60))
    after = kolm_pollak_after(baseline, csc_array(changes), weights=people.astype(float), kappa=kappa)
    expected = brute_after(baseline, changes, people, kappa)
    np.testing.assert_allclose(after, expected, rtol=1e-11, atol=1e-12 * (1 + size + scale))


def test_who_alone_is_not_reached_is_not_lost_beside_a_million_who_are() -> None:
    # One of 1,000,001 has 0, the others e^-1000: the mean is that of the one.
    people = np.array([[1e6], [1.0]])
    level = kolm_pollak_ede_by_group(csc_array([[1000.0], [0.0]]), people, kappa=1.0)
    assert level == pytest.approx(np.array([[math.log(1_000_001)]]), rel=1e-12)
    # A hot spot that made up all of the sum is relieved: what is left is the others, as they were.
    after = kolm_pollak_after(array(100, 1), csc_array([[-100.0], [0.0]]), weights=np.ones((2, 1)), kappa=-1.0)
    assert after == pytest.approx(np.array([[math.log((1 + math.e) / 2)]]), rel=1e-12)


def test_a_group_that_has_little_is_not_lost_beside_one_that_has_much() -> None:
    people = np.array([[1.0, 0.0], [0.0, 1.0]])
    for kappa in (1.0, -1.0):
        levels = kolm_pollak_ede_by_group(csc_array([[1e6], [2.0]]), people, kappa=kappa)
        assert levels == pytest.approx(np.array([[1e6, 2.0]]), rel=1e-15)


def test_by_group_is_the_ede_of_each_group_zeros_included() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(9, 5)) * (rng.random((9, 5)) < 0.4)
    people = rng.integers(1, 9, (9, 3)).astype(float)
    found = kolm_pollak_ede_by_group(csc_array(values), people, kappa=-0.6)
    expected = [[kolm_pollak_ede(values[:, a], people[:, g], kappa=-0.6) for g in range(3)] for a in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert kolm_pollak_ede_by_group(csc_array(values[:, ::-1]), people, kappa=-0.6).tolist() == found[::-1].tolist()


def test_by_group_of_small_values_is_exact() -> None:
    # x = 1e-9 for half of the people: x/2 - kappa x²/8, of which the second part is 1e-19.
    level = kolm_pollak_ede_by_group(csc_array([[1e-9], [0.0]]), np.ones((2, 1)), kappa=1.0)
    assert level[0, 0] == pytest.approx(5e-10 - 1.25e-19, rel=1e-15, abs=0)


def test_at_kappa_zero_levels_are_means_before_and_after() -> None:
    people = np.array([[1.0, 0.0], [3.0, 0.0]])
    assert kolm_pollak_ede_by_group(csc_array([[0.0], [4.0]]), people, kappa=0.0)[0, 0] == 3.0
    after = kolm_pollak_after(array(1, 5), csc_array([[0.0], [-4.0]]), weights=people, kappa=0.0)
    assert after[0, 0] == 1.0
    assert np.isnan(after[0, 1])


def test_a_missing_change_leaves_its_action_undefined_but_not_where_nobody_lives() -> None:
    changes = csc_array(np.array([[NAN, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, NAN, NAN]]))
    after = kolm_pollak_after(array(1, 2, 3), changes, weights=np.array([[1.0], [1.0], [0.0]]), kappa=-0.5)
    assert np.isnan(after[:, 0]).tolist() == [True, False, False]
    assert np.isnan(kolm_pollak_ede_by_group(changes, np.ones((3, 1)), kappa=NAN)).all()


def test_index_is_the_distance_of_the_level_from_the_mean() -> None:
    # e^0 and e^ln3: mean ln3/2, level ln2 as a bad and ln1.5 as a good.
    values = array(0, math.log(3))
    assert kolm_pollak_index(values, array(1, 1), kappa=-1.0) == pytest.approx(math.log(2) - math.log(3) / 2)
    assert kolm_pollak_index(values, array(1, 1), kappa=1.0) == pytest.approx(math.log(3) / 2 - math.log(1.5))
    assert kolm_pollak_index(values + 7, array(1, 1), kappa=1.0) == pytest.approx(math.log(3) / 2 - math.log(1.5))


def test_index_of_equal_levels_is_zero_and_of_columns_one_each() -> None:
    for level in np.linspace(0.1, 3.0, 50):
        assert kolm_pollak_index(level * ONES, ONES, kappa=-0.3) == 0.0
    found = kolm_pollak_index(np.array([[1.0, 0.0, NAN], [1.0, 2.0, 1.0]]), array(1, 1), kappa=-0.5)
    assert found[:2] == pytest.approx([0.0, math.log(math.cosh(0.5)) / 0.5])
    assert math.isnan(found[2])
    assert math.isnan(kolm_pollak_index(array(1, 2), array(0, 0), kappa=0.5))


# ---------------------------------------------------------------- weights by income


def test_the_median_person_is_in_the_middle_or_between_two() -> None:
    assert weighted_median(array(30, 10, 20), array(1, 1, 1)) == 20.0
    assert weighted_median(array(10, 20), array(2, 1)) == 10.0
    assert weighted_median(array(10, 30, 20), array(2, 1, 1)) == 15.0
    assert weighted_median(array(7), array(3)) == 7.0


def test_the_median_is_that_of_the_people_one_by_one() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        values, people = rng.integers(0, 9, 7).astype(float), rng.integers(0, 5, 7)
        expected = np.median(np.repeat(values, people)) if people.any() else NAN
        assert weighted_median(values, people.astype(float)) == pytest.approx(expected, nan_ok=True)


def test_the_median_leaves_out_who_is_not_known_or_not_there() -> None:
    assert weighted_median(array(NAN, 10, 99), array(50, 1, 0)) == 10.0
    assert math.isnan(weighted_median(array(NAN, 10), array(5, 0)))


def test_weights_by_income_are_powers_of_it_over_the_reference() -> None:
    assert distributional_weights(array(20, 40, 160), reference=40.0, elasticity=0.5).tolist() == [
        pytest.approx(math.sqrt(2)),
        1.0,
        0.5,
    ]
    assert distributional_weights(array(20, 40), reference=40.0, elasticity=0.0).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("elasticity", [0.0, 1.4])
def test_weights_of_no_income_are_undefined(elasticity: float) -> None:
    assert np.isnan(distributional_weights(array(NAN, 0, -3), reference=40.0, elasticity=elasticity)).all()


@pytest.mark.parametrize("elasticity", [-0.1, NAN, math.inf])
def test_an_elasticity_that_is_none_is_refused(elasticity: float) -> None:
    with pytest.raises(UsageError, match="give a number of at least 0"):
        distributional_weights(array(1), reference=1.0, elasticity=elasticity)


@pytest.mark.parametrize("reference", [0.0, -1.0])
def test_a_reference_that_is_no_income_is_refused(reference: float) -> None:
    with pytest.raises(UsageError, match="give an income above 0, for instance the median"):
        weighted_total(array(1), array(1), income=array(1), elasticity=1.0, reference=reference)


def test_weighted_totals_of_columns_in_the_head() -> None:
    # Weights 2 and 1/2: 10 * 2 * 1 + 10 * 1/2 * 4 = 40; a loss of 1 for all: -25.
    people, income = array(10, 10), array(20, 80)
    values = csc_array(np.array([[1.0, -1.0, 0.0], [4.0, -1.0, 0.0]]))
    found = weighted_total(values, people, income=income, elasticity=1.0, reference=40.0)
    assert found.tolist() == [40.0, -25.0, 0.0]


def test_the_reference_is_the_median_unless_given_and_without_aversion_the_total_is_the_total() -> None:
    people, income = array(3, 1), array(20, 80)
    assert weighted_total(array(1, 4), people, income=income, elasticity=1.0) == 4.0  # 3 * 1 + 1 * 1/4 * 4
    assert weighted_total(array(1, 4), people, income=income, elasticity=0.0) == 7.0


def test_people_whose_income_is_not_known_count_for_nothing() -> None:
    people, income = array(3, 1, 9), array(20, 80, NAN)
    assert weighted_total(array(1, 4, 100), people, income=income, elasticity=1.0) == 4.0
    assert math.isnan(weighted_total(array(1), array(1), income=array(NAN), elasticity=1.0))


def test_a_weight_too_large_for_a_number_gives_no_total() -> None:
    income, people = array(1e-300, 40), array(1, 1)
    weights = distributional_weights(income, reference=40.0, elasticity=1.3)
    assert weights.tolist() == [math.inf, 1.0]
    both = np.array([[1.0, 0.0], [2.0, 2.0]])
    found = weighted_total(both, people, income=income, elasticity=1.3, reference=40.0)
    assert math.isnan(found[0])
    assert found[1] == 2.0

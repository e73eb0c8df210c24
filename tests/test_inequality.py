"""Weighted measures of distribution, each against numbers that can be had in the head."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csc_array

from equity_screen.inequality import (
    concentration_index,
    generalised_concentration_index,
    kolm_pollak_after,
    kolm_pollak_ede,
    kolm_pollak_kappa,
    mid_rank,
    rank_weights,
)

NAN = float("nan")
ONES = np.ones(4)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def plain_ede(values: np.ndarray, weights: np.ndarray, kappa: float) -> float:
    """The formula as it stands in the literature, person by person."""
    people = [value for value, count in zip(values, weights, strict=True) for _ in range(int(count))]
    return -math.log(math.fsum(math.exp(-kappa * value) for value in people) / len(people)) / kappa


# ---------------------------------------------------------------- ranks


def test_rank_is_the_mass_below_plus_half_of_ones_own() -> None:
    # 10 people below, 20 in the middle, 10 above: 5/40, 20/40, 35/40.
    assert mid_rank(array(1, 2, 3), array(10, 20, 10)).tolist() == [0.125, 0.5, 0.875]


def test_rank_follows_the_values_and_not_the_order_of_rows() -> None:
    assert mid_rank(array(3, 1, 2), array(10, 10, 20)).tolist() == [0.875, 0.125, 0.5]


def test_ties_share_the_middle_of_their_mass() -> None:
    assert mid_rank(array(7, 7, 7, 7), array(1, 2, 3, 4)).tolist() == [0.5] * 4
    assert mid_rank(array(1, 2, 2), array(2, 1, 1)).tolist() == [0.25, 0.75, 0.75]


def test_a_missing_value_has_no_rank_and_no_mass() -> None:
    ranks = mid_rank(array(1, NAN, 2), array(5, 1000, 5))
    assert ranks[[0, 2]].tolist() == [0.25, 0.75]
    assert np.isnan(ranks[1])


def test_a_neighbourhood_without_people_has_a_rank_and_moves_nobody_elses() -> None:
    assert mid_rank(array(1, 2, 3), array(5, 0, 5)).tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("weights", [array(0, 0), array(5, 5)])
def test_without_ranked_people_there_is_no_rank(weights: np.ndarray) -> None:
    values = array(1, 2) if weights.sum() == 0 else array(NAN, NAN)
    assert np.isnan(mid_rank(values, weights)).all()


def test_the_mean_rank_of_all_people_is_one_half() -> None:
    people = array(3, 5, 7, 11)
    assert (mid_rank(array(4, 1, 1, 9), people) * people).sum() / people.sum() == 0.5


def test_rank_weights_tilt_down_and_up_and_sum_to_nothing() -> None:
    tilted, total = rank_weights(array(0.125, 0.5, 0.875), array(10, 20, 10))
    assert tilted.tolist() == [-0.1875, 0.0, 0.1875]  # 10/40 * (2 * 0.125 - 1)
    assert total == 40.0


def test_rank_weights_leave_out_who_has_no_rank() -> None:
    tilted, total = rank_weights(array(0.25, NAN, 0.75), array(5, 99, 5))
    assert tilted.tolist() == [-0.25, 0.0, 0.25]
    assert total == 10.0


# ---------------------------------------------------------------- concentration


def test_all_to_the_lower_half_is_minus_one_half() -> None:
    rank = mid_rank(array(1, 2), array(5, 5))
    assert concentration_index(array(1, 0), array(5, 5), rank=rank) == -0.5
    assert concentration_index(array(0, 1), array(5, 5), rank=rank) == 0.5


def test_all_to_the_last_of_n_is_one_less_one_over_n() -> None:
    rank = mid_rank(array(1, 2, 3, 4), ONES)
    assert concentration_index(array(0, 0, 0, 8), ONES, rank=rank) == 0.75


def test_the_same_for_everyone_is_zero() -> None:
    rank = mid_rank(array(1, 2, 3, 4), ONES)
    assert concentration_index(5 * ONES, ONES, rank=rank) == 0.0
    assert generalised_concentration_index(5 * ONES, ONES, rank=rank) == 0.0


def test_an_effect_equal_to_the_rank_in_a_city_of_two() -> None:
    # ranks 1/4 and 3/4, mean 1/2: 2 cov/mean = 2 * (1/16) / (1/2).
    rank = mid_rank(array(1, 2), array(5, 5))
    assert concentration_index(rank, array(5, 5), rank=rank) == 0.25


def test_under_five_mortality_in_india_as_the_world_bank_published_it() -> None:
    # O'Donnell, van Doorslaer, Wagstaff & Lindelow (2008), table 8.1: -0.1694.
    births = array(29_939, 28_776, 26_528, 24_689, 19_739)
    deaths_per_1000 = array(154.7, 152.9, 119.5, 86.9, 54.3)
    rank = mid_rank(array(1, 2, 3, 4, 5), births)
    assert concentration_index(deaths_per_1000, births, rank=rank) == pytest.approx(-0.1694, abs=5e-5)


def test_the_generalised_index_is_the_mean_times_the_standard_one() -> None:
    effect, people = array(4, 1, 0, 3), array(1, 2, 3, 4)
    rank = mid_rank(array(2, 1, 4, 3), people)
    mean = (effect * people).sum() / people.sum()
    generalised = generalised_concentration_index(effect, people, rank=rank)
    assert generalised == pytest.approx(mean * concentration_index(effect, people, rank=rank), rel=1e-14)


def test_who_has_no_rank_is_in_neither_the_mean_nor_the_covariance() -> None:
    rank, people = array(0.25, NAN, 0.75), array(5, 99, 5)
    assert concentration_index(array(1, 1000, 0), people, rank=rank) == -0.5


@pytest.mark.parametrize(
    ("effect", "why"),
    [((1, -1), "a value below zero"), ((0, 0), "a mean of zero"), ((NAN, 1), "a missing value")],
)
def test_outside_its_domain_the_standard_index_is_undefined_and_never_zero(
    effect: tuple[float, float], why: str
) -> None:
    index = concentration_index(array(*effect), array(5, 5), rank=array(0.25, 0.75))
    assert math.isnan(index), why


def test_the_generalised_index_is_defined_for_losses_and_for_nothing() -> None:
    rank = array(0.25, 0.75)
    assert generalised_concentration_index(array(1, -1), array(5, 5), rank=rank) == -0.5
    assert generalised_concentration_index(array(0, 0), array(5, 5), rank=rank) == 0.0


@pytest.mark.parametrize("index", [concentration_index, generalised_concentration_index])
def test_without_a_ranking_both_indexes_are_undefined(index: object) -> None:
    assert math.isnan(index(array(1, 2), array(5, 5), rank=array(NAN, NAN)))


# ---------------------------------------------------------------- Kolm-Pollak


def test_kappa_is_aversion_over_the_contraharmonic_mean_of_the_baseline() -> None:
    # (1 + 3) / (1 + 9) = 0.4; bads turn the sign.
    assert kolm_pollak_kappa(array(1, 3), array(1, 1), epsilon=0.5, bad=False) == 0.2
    assert kolm_pollak_kappa(array(1, 3), array(1, 1), epsilon=2.0, bad=True) == -0.8
    assert kolm_pollak_kappa(array(1, 3, 9), array(1, 1, 0), epsilon=0.5, bad=False) == 0.2


@pytest.mark.parametrize("values", [(0, 0), (-1, 1), (-3, 1)])
def test_a_baseline_without_a_mean_above_zero_gives_no_kappa(values: tuple[float, float]) -> None:
    assert math.isnan(kolm_pollak_kappa(array(*values), array(1, 1), epsilon=0.5, bad=True))


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

"""Concentration over a ranking, against numbers that can be had in the head."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equity_screen.gradient import concentration_index, generalised_concentration_index, rank_weights
from equity_screen.inequality import mid_rank

NAN = float("nan")
ONES = np.ones(4)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


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

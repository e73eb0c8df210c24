"""Levels as good as a distribution, against numbers that can be had in the head."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csc_array

from equity_screen.welfare import kolm_pollak_after, kolm_pollak_ede, kolm_pollak_kappa

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

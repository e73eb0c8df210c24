"""Weighted measures of distribution, each against numbers that can be had in the head."""

from __future__ import annotations

import numpy as np
import pytest

from equity_screen.inequality import mid_rank

NAN = float("nan")
ONES = np.ones(4)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


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

"""Several criteria at once: two actions in the head, then the published tables, then faults."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from equity_screen.criteria import benefit_of_the_doubt, topsis
from equity_screen.errors import UsageError

HALF = [0.5, 0.5]
UP = [True, True]
TEXTBOOK = [[250, 16, 12, 5], [200, 16, 8, 3], [300, 32, 16, 4], [275, 32, 8, 4], [225, 16, 16, 2]]
FIVE = [[0.8, 0.5, 0.2], [0.4, 0.5, 0.6], [0.9, 0.05, 0.7], [0.3, 0.3, 0.3], [0.6, 0.6, 0.6]]


# ---------------------------------------------------------------- in the head


def test_the_best_in_everything_is_1_and_the_worst_0():
    assert topsis([[1.0, 1.0], [2.0, 2.0]], weights=HALF, benefit=UP).tolist() == [0.0, 1.0]
    assert topsis([[1.0, 1.0], [2.0, 2.0]], weights=HALF, benefit=[False, False]).tolist() == [1.0, 0.0]


def test_what_is_best_in_one_and_worst_in_the_other_is_half_way():
    assert topsis([[3.0, 4.0], [4.0, 3.0]], weights=HALF, benefit=UP).tolist() == pytest.approx([0.5, 0.5])


def test_a_criterion_without_weight_or_without_difference_says_nothing():
    alone = topsis([[1.0], [3.0], [2.0]], weights=[1.0], benefit=[True])
    assert alone.tolist() == pytest.approx([0.0, 1.0, 0.5])
    beside = topsis([[1.0, 9.0, 7.0], [3.0, 5.0, 7.0], [2.0, 1.0, 7.0]], weights=[2, 0, 5], benefit=[True] * 3)
    assert beside.tolist() == pytest.approx(alone.tolist())


def test_a_score_by_the_weights_that_suit_each_best():
    """The third has half of the first criterion's most and a quarter of the second's: weights 1 and 1 give ¾."""
    assert benefit_of_the_doubt([[1.0, 0.0], [0.0, 1.0], [0.5, 0.25]]).tolist() == pytest.approx([1.0, 1.0, 0.75])


def test_a_floor_asks_for_a_share_of_every_criterion():
    """With half of its score from each, what has nothing of one criterion scores nothing."""
    scores = benefit_of_the_doubt([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], floors=HALF)
    assert scores.tolist() == pytest.approx([0.0, 0.0, 1.0])


# ---------------------------------------------------------------- published


def test_topsis_of_the_textbook():
    """Hwang & Yoon's way with vector normalisation; METHODS table of five options by four criteria."""
    found = topsis(TEXTBOOK, weights=[1, 1, 1, 1], benefit=[False, True, True, True])
    assert found.tolist() == pytest.approx([0.534277, 0.308368, 0.691632, 0.534737, 0.401046], abs=5.01e-7)


def test_benefit_of_the_doubt_of_five_by_three():
    assert benefit_of_the_doubt(FIVE).tolist() == pytest.approx([1, 0.974359, 1, 0.5, 1], abs=5.01e-7)
    floors = benefit_of_the_doubt(FIVE, floors=[0.15] * 3)
    assert floors.tolist() == pytest.approx([0.828, 0.897, 0.417, 0.5, 1], abs=5.01e-4)


def test_benefit_of_the_doubt_is_the_best_corner_of_the_weights():
    """Brute force: the optimum lies where as many constraints bind as there are criteria."""
    table = np.array(FIVE)
    rows = np.vstack([table, np.eye(3)])
    right = np.concatenate([np.ones(5), np.zeros(3)])
    corners = []
    for chosen in itertools.combinations(range(8), 3):
        if abs(np.linalg.det(rows[list(chosen)])) > 1e-9:
            weights = np.linalg.solve(rows[list(chosen)], right[list(chosen)])
            if (weights >= -1e-9).all() and (table @ weights <= 1 + 1e-9).all():
                corners.append(weights)
    best = (table @ np.array(corners).T).max(axis=1)
    assert benefit_of_the_doubt(FIVE).tolist() == pytest.approx(best.tolist())


# ---------------------------------------------------------------- what to beware of, said in the docstrings


def test_ranks_turn_round_when_an_action_is_added():
    """Why neither is ever a verdict: a third action, last itself, exchanges the first two."""
    two = topsis([[5.0, 4.0], [4.0, 4.9]], weights=HALF, benefit=UP)
    three = topsis([[5.0, 4.0], [4.0, 4.9], [4.9, 1.0]], weights=HALF, benefit=UP)
    assert two[0] > two[1]
    assert three[0] < three[1]
    assert three[2] == three.min()


def test_units_do_not_matter():
    scaled = np.array(FIVE) * [1000.0, 1.0, 1e-6]
    assert benefit_of_the_doubt(scaled, floors=[0.1] * 3).tolist() == pytest.approx(
        benefit_of_the_doubt(FIVE, floors=[0.1] * 3).tolist()
    )
    assert topsis(scaled, weights=[1, 2, 3], benefit=[True] * 3).tolist() == pytest.approx(
        topsis(FIVE, weights=[1, 2, 3], benefit=[True] * 3).tolist()
    )


# ---------------------------------------------------------------- undefined, faults


def test_an_action_with_a_missing_value_is_left_out():
    found = topsis([[1.0, 1.0], [np.nan, 9.0], [2.0, 2.0]], weights=HALF, benefit=UP)
    assert found.tolist() == pytest.approx([0.0, np.nan, 1.0], nan_ok=True)
    scores = benefit_of_the_doubt([[1.0, 1.0], [np.nan, 9.0], [0.5, 0.5]])
    assert scores.tolist() == pytest.approx([1.0, np.nan, 0.5], nan_ok=True)


def test_actions_that_are_alike_or_none_are_undefined():
    assert np.isnan(topsis([[1.0, 1.0], [1.0, 1.0]], weights=HALF, benefit=UP)).all()
    assert np.isnan(topsis([[np.nan, 1.0]], weights=HALF, benefit=UP)).all()
    assert benefit_of_the_doubt([[0.0, 0.0]]).tolist() == [0.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: topsis([1.0], weights=[1], benefit=[True]), r"criteria of shape \(1,\); give a table"),
        (lambda: topsis([[np.inf]], weights=[1], benefit=[True]), "give a table of finite numbers"),
        (lambda: topsis([[1.0, 2.0]], weights=[1], benefit=UP), "1 weights and 2 directions for 2 criteria"),
        (lambda: topsis([[1.0, 2.0]], weights=[1, -1], benefit=UP), r"weights \[1.0, -1.0\]: give numbers of 0 or"),
        (lambda: benefit_of_the_doubt([[1.0, -2.0]]), r"criteria with values below 0 \(-2\)"),
        (lambda: benefit_of_the_doubt([[1.0, 2.0]], floors=[0.6, 0.6]), r"floors \[0.6, 0.6\] for 2 criteria"),
        (lambda: benefit_of_the_doubt([[1.0, 2.0]], floors=[0.6]), r"floors \[0.6\] for 2 criteria"),
    ],
)
def test_faults_of_calls(call, message):
    with pytest.raises(UsageError, match=message):
        call()

"""Ranks over draws: three draws of three actions are counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen.errors import UsageError
from equity_screen.ranks import mean_shift, rank_stability, who_could_be_first

NAN = float("nan")


def test_three_draws_in_the_head():
    scores = np.array([[3.0, 2.0, 1.0], [2.0, 3.0, 1.0], [3.0, 1.0, 2.0]])
    table = rank_stability(scores, names=["a", "b", "c"])
    assert table["rank"].tolist() == [1.0, 2.0, 3.0]
    assert table["median_rank"].tolist() == [1.0, 2.0, 3.0]
    assert table["first_share"].tolist() == pytest.approx([2 / 3, 1 / 3, 0.0])
    assert table["first"].tolist() == ["sometimes", "sometimes", "never"]
    assert table["mean_shift"].tolist() == pytest.approx([1 / 3, 2 / 3, 1 / 3])
    assert mean_shift(scores) == pytest.approx((0 + 2 / 3 + 2 / 3) / 3)


def test_the_band_holds_nine_tenths_of_the_draws():
    """An action that is 1st, 2nd, …, 21st of 21 in turn: 5 % of the way is 2, 95 % is 20."""
    scores = np.stack([np.roll(np.arange(21.0), r) for r in range(21)])
    table = rank_stability(scores, names=range(21))
    assert table["rank_low"].tolist() == [2.0] * 21
    assert table["rank_high"].tolist() == [20.0] * 21
    assert table["first_share"].tolist() == pytest.approx([1 / 21] * 21)


def test_ties_share_ranks_and_being_first():
    table = rank_stability(np.array([[1.0, 1.0, 0.0]]), names=["a", "b", "c"])
    assert table["rank"].tolist() == [1.5, 1.5, 3.0]
    assert table["first_share"].tolist() == [0.5, 0.5, 0.0]
    assert table["first"].tolist() == ["always", "always", "never"]


def test_last_bits_are_no_difference():
    third = np.array([[0.1 + 0.2, 0.3, 0.2]])
    assert third[0, 0] != third[0, 1]
    assert rank_stability(third, names=list("abc"))["rank"].tolist() == [1.5, 1.5, 3.0]


def test_scores_of_any_size_are_told_apart():
    assert rank_stability(np.array([[1e-15, 2e-15]]), names=list("ab"))["rank"].tolist() == [2.0, 1.0]
    assert rank_stability(np.array([[0.0, 0.0]]), names=list("ab"))["rank"].tolist() == [1.5, 1.5]


def test_lowest_first():
    assert rank_stability(np.array([[1.0, 2.0]]), names=list("ab"), higher_first=False)["rank"].tolist() == [1.0, 2.0]


def test_undefined_scores_have_no_rank_and_are_counted():
    table = rank_stability(np.array([[NAN, 2.0, 1.0], [3.0, 2.0, NAN]]), names=list("abc"))
    assert table["unranked_share"].tolist() == [0.5, 0.0, 0.5]
    assert table["rank"].fillna(0).tolist() == [0.0, 1.0, 2.0]
    assert table["first_share"].tolist() == [0.5, 0.5, 0.0]
    assert table["mean_shift"].fillna(-1).tolist() == [-1.0, 0.5, 0.0]


def test_what_is_never_ranked_says_nothing():
    table = rank_stability(np.array([[NAN, 2.0], [NAN, 3.0]]), names=list("ab"))
    assert table.loc["a", ["rank", "median_rank", "rank_low", "rank_high", "mean_shift"]].isna().all()
    assert table.loc["a", ["first", "unranked_share", "first_share"]].tolist() == ["", 1.0, 0.0]
    assert table.loc["b", "first"] == "always"
    assert np.isnan(mean_shift(np.array([[NAN, NAN]])))


def test_a_reference_of_its_own_is_no_draw():
    table = rank_stability(np.array([[1.0, 2.0]]), names=list("ab"), reference=np.array([5.0, 4.0]))
    assert table["rank"].tolist() == [1.0, 2.0]
    assert table["first_share"].tolist() == [0.0, 1.0]
    assert table["mean_shift"].tolist() == [1.0, 1.0]


def test_as_a_loop_over_draws():
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 4, (50, 6)).astype(float)
    table = rank_stability(scores, names=range(6))
    first = np.zeros(6)
    for row in scores:
        best = [a for a in range(6) if row[a] == row.max()]
        for a in best:
            first[a] += 1 / len(best) / 50
        assert pd.Series(row).rank(ascending=False).sum() == 21
    assert table["first_share"].to_numpy() == pytest.approx(first)
    assert table["first_share"].sum() == pytest.approx(1.0)
    ranks = pd.DataFrame(scores).rank(axis=1, ascending=False)
    assert table["median_rank"].tolist() == ranks.median().tolist()
    assert table["rank_high"].tolist() == ranks.quantile(0.95).tolist()


def test_the_order_of_actions_changes_nothing():
    scores = np.random.default_rng(1).random((20, 5))
    turned = rank_stability(scores[:, ::-1], names=list("edcba")).sort_index()
    pd.testing.assert_frame_equal(rank_stability(scores, names=list("abcde")), turned)


def test_no_actions():
    assert len(rank_stability(np.empty((3, 0)), names=[])) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scores": np.empty((0, 2)), "names": list("ab")}, "one draw or more"),
        ({"scores": np.ones(2), "names": list("ab")}, "give draws × actions"),
        ({"scores": np.ones((1, 2)), "names": list("abc")}, "3 names for 2 actions"),
        ({"scores": np.ones((1, 2)), "names": list("ab"), "reference": np.ones(3)}, "3 reference scores for 2 actions"),
    ],
)
def test_faults(given, message):
    with pytest.raises(UsageError, match=message):
        rank_stability(given.pop("scores"), **given)


def sentence(shares, sources=("data",)):
    rows = pd.DataFrame({"action": list(shares), "first_share": list(shares.values()), "draws": 1000})
    return who_could_be_first(pd.concat([rows.assign(varied=name) for name in (*sources, "all")]))


def test_sentence_on_one_that_is_always_first():
    assert sentence({"TRAM": 1.0, "BUS": 0.0}) == (
        "With data varied, TRAM is first in 100 % of 1,000 draws; no other action is first in any."
    )


def test_sentence_on_several():
    said = sentence({"A": 0.1, "B": 0.6, "C": 0.3}, ("data", "weights", "recipes"))
    first = "With data, weights and recipes varied, B is first in 60 % of 1,000 draws"
    assert said == f"{first}; C (30 %) and A (10 %) could be first."


def test_seldom_is_not_never():
    assert sentence({"A": 0.999, "B": 0.001}).endswith("; B (less than 1 %) could be first.")


def test_effects_of_one_action_are_first_together():
    rows = pd.DataFrame({"action": ["A", "A", "B"], "first_share": [0.4, 0.4, 0.2], "varied": "all", "draws": 10})
    assert "A is first in 80 % of 10 draws" in who_could_be_first(rows)


def test_no_sentence_where_nothing_is_ranked():
    assert sentence({"A": 0.0}) == ""
    assert who_could_be_first(pd.DataFrame(columns=["action", "varied", "first_share", "draws"])) == ""

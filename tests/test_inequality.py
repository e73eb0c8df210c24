"""Weighted measures of distribution, each against numbers that can be had in the head."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.errors import UsageError
from equity_screen.inequality import (
    absolute_gini,
    as_columns,
    bottom_share,
    generalised_lorenz_curve,
    gini,
    hoover,
    is_share_out,
    level_of,
    lorenz_curve,
    mid_rank,
    palma_ratio,
    signed_gini,
    spread_of,
    top_share,
    undefined_because,
    variance,
    weighted_mean,
)

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


# ---------------------------------------------------------------- columns


def test_columns_hold_what_is_not_zero_once_in_the_order_of_rows() -> None:
    twice = csc_array((array(2, 1, 1, 0), np.array([1, 0, 0, 2]), np.array([0, 4])), shape=(3, 1))
    columns = as_columns(twice)
    assert columns.indices.tolist() == [0, 1]
    assert columns.data.tolist() == [2, 2]
    assert twice.nnz == 4, "what was given is as it was"


def test_columns_that_are_so_already_are_not_copied_and_whole_numbers_become_floats() -> None:
    ready = csc_array(array(1, 0, 2)[:, None])
    assert np.shares_memory(as_columns(ready).data, ready.data)
    assert as_columns(np.array([[1, 0]])).dtype == np.float64


def test_a_vector_is_one_column_and_an_empty_one_too() -> None:
    assert as_columns(array(1, 2)).shape == (2, 1)
    assert as_columns(array()).shape == (0, 1)
    assert as_columns(np.zeros((3, 0))).shape == (3, 0)


def test_a_spread_leaves_out_units_where_nobody_lives_and_marks_what_is_missing() -> None:
    values = np.array([[1.0, NAN, 0.0], [NAN, 2.0, 0.0], [3.0, 4.0, 0.0]])
    spread = spread_of(values, array(5, 0, 5))
    assert spread.data.tolist() == [1, 3, 0, 4]
    assert spread.row.tolist() == [0, 2, 0, 2]
    assert spread.column.tolist() == [0, 0, 1, 1]
    assert spread.missing.tolist() == [False, True, False]
    assert spread.elsewhere.tolist() == [0, 0, 10]
    assert spread.without.tolist() == [0, 0, 1]


def test_who_has_nothing_is_nobody_where_every_unit_has_something() -> None:
    # 0.1 + 0.2 + 0.3 in another order is not 0.6: what is left of it would be people.
    assert spread_of(array(1, 1, 1), array(0.1, 0.2, 0.3)).elsewhere.tolist() == [0]


def test_a_mean_beside_which_the_sizes_are_huge_counts_as_zero() -> None:
    mean, size = level_of(spread_of(np.array([[1.0, 1.0], [-1.0 + 1e-10, -0.9]]), array(1, 1)))
    assert mean.tolist() == [0.0, pytest.approx(0.05)]
    assert size == pytest.approx([1.0, 0.95])


def test_only_amounts_without_losses_share_something_out() -> None:
    values = np.array([[1.0, 3.0, 0.0, 2.0], [0.0, -1.0, 0.0, -9.0]])
    assert is_share_out(spread_of(values, array(1, 1))).tolist() == [True, False, False, False]
    assert is_share_out(spread_of(values, array(1, 0))).tolist() == [True, True, False, True]
    assert is_share_out(spread_of(array(1, NAN), array(1, 1))).tolist() == [False]


@pytest.mark.parametrize("weights", [array(1, -1), array(1, NAN), array(1, np.inf)])
def test_weights_that_are_no_people_are_refused(weights: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"weight (-1\.0|nan|inf) of unit 1 is no number of people; give 0"):
        weighted_mean(array(1, 2), weights)


def test_weights_of_other_units_are_refused() -> None:
    with pytest.raises(UsageError, match=r"weights of shape \(3,\) for 2 units"):
        gini(array(1, 2), array(1, 2, 3))


# ---------------------------------------------------------------- measures, in the head


def test_mean_and_variance_of_three_people_with_nothing_and_one_with_four() -> None:
    assert float(weighted_mean(array(0, 4), array(3, 1))) == 1
    # (3 x 1 + 1 x 9) / 4
    assert float(variance(array(0, 4), array(3, 1))) == 3


def test_variance_of_values_far_from_zero_keeps_its_digits() -> None:
    assert float(variance(array(1e8, 1e8 + 2), array(1, 1))) == 1


@pytest.mark.parametrize("measure", [gini, hoover])
def test_one_of_four_has_all(measure) -> None:
    assert float(measure(array(0, 0, 0, 9), ONES)) == 0.75


def test_gini_of_two_people_is_half_of_the_difference_of_their_shares() -> None:
    assert float(gini(array(1, 3), array(1, 1))) == 0.25
    assert float(absolute_gini(array(1, 3), array(1, 1))) == 0.5


def test_gini_is_half_of_the_mean_difference_over_the_mean() -> None:
    x, w = array(5, 0, 2, 2, 7), array(1, 2, 3, 1, 4)
    people = np.repeat(x, w.astype(int))
    differences = np.abs(people[:, None] - people).mean()
    assert float(absolute_gini(x, w)) == pytest.approx(differences / 2, rel=1e-14)
    assert float(gini(x, w)) == pytest.approx(differences / 2 / people.mean(), rel=1e-14)


def test_losses_have_an_absolute_and_a_signed_gini_only() -> None:
    x, w = array(-1, 0, 3), array(1, 2, 1)
    people = np.repeat(x, w.astype(int))
    differences = np.abs(people[:, None] - people).mean()
    assert float(absolute_gini(x, w)) == differences / 2
    assert float(signed_gini(x, w)) == differences / 2 / np.abs(people).mean()
    assert np.isnan(gini(x, w))


def test_signed_gini_is_the_gini_of_gains_and_is_defined_where_gains_and_losses_are_equal() -> None:
    assert float(signed_gini(array(1, 3), array(1, 1))) == 0.25
    assert float(signed_gini(array(-1, 1), array(1, 1))) == 0.5


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1, 0.1, 1e12])
def test_where_all_have_the_same_every_measure_is_exactly_that_of_no_inequality(size: float) -> None:
    x, w = np.full(7, size), array(3, 1, 4, 1, 5, 9, 2.6)
    assert float(gini(x, w)) == 0
    assert float(absolute_gini(x, w)) == 0
    assert float(hoover(x, w)) == pytest.approx(0, abs=1e-15)


# ---------------------------------------------------------------- curves and shares


def test_curves_are_straight_within_a_unit() -> None:
    # 2 people with 1, 2 people with 3: the first quarter has 1 of 8.
    at = [0, 0.25, 0.5, 0.75, 1]
    assert generalised_lorenz_curve(array(3, 1), array(2, 2), at=at).tolist() == [0, 0.25, 0.5, 1.25, 2]
    assert lorenz_curve(array(3, 1), array(2, 2), at=at).tolist() == [0, 0.125, 0.25, 0.625, 1]


def test_curves_of_many_actions_have_a_row_for_each_share() -> None:
    curves = generalised_lorenz_curve(csc_array(np.array([[-1.0, 0.0], [3.0, 4.0]])), array(1, 1), at=[0.5, 1])
    assert curves.tolist() == [[-0.5, 0.0], [1.0, 2.0]]


def test_a_curve_ends_at_one_and_never_above_it() -> None:
    # Summed in order of the values, 0.32 is more than in order of the units by one rounding.
    assert lorenz_curve(array(0.3, 0.3, 0.1), array(0.7, 0.6, 0.5), at=[1.0]).tolist() == [1.0]


def test_losses_have_no_lorenz_curve() -> None:
    assert np.isnan(lorenz_curve(array(-1, 3), array(1, 1), at=[0.5])).all()


def test_top_and_bottom_shares_divide_a_unit_that_the_cut_goes_through() -> None:
    # 5 people with 1 and 5 with 3: 20 in all. The top 3 have 9, the bottom 7 have 5 + 6.
    x, w = array(3, 1), array(5, 5)
    assert float(top_share(x, w, share=0.3)) == pytest.approx(9 / 20, rel=1e-15)
    assert float(bottom_share(x, w, share=0.7)) == pytest.approx(11 / 20, rel=1e-15)


def test_palma_is_a_ratio_of_shares() -> None:
    # 10 people with 1, ..., 10 each: the top tenth has 10 of 55, the bottom four tenths 1 + 2 + 3 + 4.
    assert float(palma_ratio(np.arange(1.0, 11), np.ones(10))) == pytest.approx(1, rel=1e-14)


def test_palma_is_undefined_where_two_fifths_have_nothing_even_if_the_cut_is_on_their_edge() -> None:
    people = array(0.1, 0.5, 0.9)  # the first two are two fifths but for rounding, and fall short of them
    assert np.isnan(palma_ratio(array(0, 0, 1e9), people))
    assert float(palma_ratio(array(0, 1, 2), people)) == pytest.approx(0.15 * 2 / 0.5)


@pytest.mark.parametrize("share", [-0.1, 1.1, NAN])
def test_what_is_no_share_of_the_people_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"share = .* is no share of the people; give shares from 0 to 1"):
        top_share(array(1, 2), array(1, 1), share=share)
    with pytest.raises(UsageError, match=r"at = .* is no share"):
        lorenz_curve(array(1, 2), array(1, 1), at=[0.5, share])


# ---------------------------------------------------------------- laws that need no Hypothesis

MEASURES = {
    "mean": weighted_mean,
    "variance": variance,
    "gini": gini,
    "absolute gini": absolute_gini,
    "signed gini": signed_gini,
    "hoover": hoover,
    "palma": palma_ratio,
    "top": lambda x, w: top_share(x, w, share=0.1),
    "curve": lambda x, w: generalised_lorenz_curve(x, w, at=np.linspace(0, 1, 11)),
    "reason": lambda x, w: undefined_because(x, w, needs="positive"),
}


@pytest.fixture(scope="module")
def plan() -> tuple[csc_array, np.ndarray]:
    """Columns of 0 to 300 stored values, some of them with losses, over units some of which are empty."""
    rng = np.random.default_rng(7)
    counts = np.concatenate([rng.integers(0, 40, 120), [300, 299, 0]])
    rows = [np.sort(rng.choice(300, count, replace=False)) for count in counts]
    data = [rng.gamma(1.0, 2.0, count) * np.where(rng.random() < 0.2, -1, 1) for count in counts]
    bounds = np.concatenate([[0], np.cumsum(counts)])
    people = np.where(rng.random(300) < 0.1, 0.0, rng.random(300))
    return csc_array((np.concatenate(data), np.concatenate(rows), bounds), shape=(300, len(counts))), people


@pytest.mark.parametrize("name", MEASURES)
def test_a_column_has_the_same_bytes_alone_in_any_chunk_and_in_any_order(plan, name: str) -> None:
    columns, people = plan
    whole = MEASURES[name](columns, people)
    turned = MEASURES[name](csc_array(columns[:, ::-1]), people)[..., ::-1]
    chunks = [MEASURES[name](columns[:, a:b], people) for a, b in itertools.pairwise([0, 1, 2, 50, 121, 123])]
    alone = MEASURES[name](columns[:, [121]].toarray()[:, 0], people)
    for other in (turned, np.concatenate(chunks, axis=-1)):
        np.testing.assert_array_equal(other, whole)
    np.testing.assert_array_equal(alone, whole[..., 121])


@pytest.mark.parametrize("name", MEASURES)
def test_sparse_is_dense_and_units_without_people_change_nothing(plan, name: str) -> None:
    columns, people = plan
    whole = MEASURES[name](columns, people)
    np.testing.assert_array_equal(MEASURES[name](columns.toarray(), people), whole)
    noisy = columns.toarray()
    noisy[people == 0] = NAN
    np.testing.assert_array_equal(MEASURES[name](noisy, people), whole)


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "reason"])
def test_a_missing_value_makes_its_column_missing_and_no_other(name: str) -> None:
    values = np.array([[1.0, 1.0, 1.0], [2.0, NAN, 2.0], [3.0, 3.0, np.inf]])
    found = np.atleast_2d(MEASURES[name](values, array(1, 1, 1)))
    assert np.isnan(found[:, 1:]).all()
    assert np.isfinite(found[:, 0]).all()


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "reason"])
def test_without_people_nothing_is_defined(name: str) -> None:
    assert np.isnan(MEASURES[name](array(1, 2), array(0, 0))).all()
    assert np.isnan(MEASURES[name](array(), array())).all()


def test_where_all_have_nothing_absolute_measures_are_zero_and_relative_ones_undefined() -> None:
    x, w = np.zeros(3), array(1, 2, 3)
    assert [float(MEASURES[name](x, w)) for name in ("mean", "variance", "absolute gini")] == [0, 0, 0]
    assert all(np.isnan(MEASURES[name](x, w)) for name in ("gini", "signed gini", "hoover", "palma", "top"))


def test_a_plan_without_actions_has_no_figures() -> None:
    assert gini(np.zeros((3, 0)), array(1, 2, 3)).shape == (0,)


# ---------------------------------------------------------------- reasons


@pytest.mark.parametrize(
    ("values", "needs", "reason"),
    [
        (array(-1, 2), "any", ""),
        (array(-1, 1), "something", ""),
        (array(0, 0), "something", "every value is 0"),
        (array(-1, 1), "total", "the total is 0"),
        (array(-1, 2), "total", ""),
        (array(-1, 2), "non-negative", "some values are below 0"),
        (array(0, 0), "non-negative", "the total is 0"),
        (array(0, 1), "non-negative", ""),
        (array(0, 1), "positive", "some people receive nothing"),
        (array(1, 1), "positive", ""),
        (array(NAN, -1), "positive", "a value is missing"),
    ],
)
def test_each_reason_has_its_words(values: np.ndarray, needs: str, reason: str) -> None:
    assert undefined_because(values, array(1, 1), needs=needs).item() == reason


def test_nobody_comes_before_every_other_reason_and_an_unknown_need_is_refused() -> None:
    assert undefined_because(array(NAN, -1), array(0, 0), needs="any").item() == "nobody lives here"
    with pytest.raises(UsageError, match="needs = 'positiv' is not known; did you mean 'positive'"):
        undefined_because(array(1, 2), array(1, 1), needs="positiv")


# ---------------------------------------------------------------- published


@pytest.mark.shared
def test_twelve_neighbourhoods(shared_data: Path) -> None:
    folder = shared_data.parent / "golden"
    answers = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    table = pd.read_csv(folder / "golden.csv")
    names = ["trees", "ev", "freeway", "uniform"]
    x, w = (
        csc_array(table[[f"x_{name}" for name in names]].to_numpy(dtype=np.float64)),
        table["pop"].to_numpy(dtype=np.float64),
    )
    found = {
        "mean": weighted_mean(x, w),
        "variance": variance(x, w),
        "gini": gini(x, w),
        "gini_abs": absolute_gini(x, w),
        "hoover": hoover(x, w),
        "top10_share": top_share(x, w, share=0.1),
        "bottom40_share": bottom_share(x, w, share=0.4),
        "lorenz_deciles": lorenz_curve(x, w, at=np.linspace(0, 1, 11)).T,
    }
    for key, figures in found.items():
        for name, figure in zip(names, figures, strict=True):
            assert figure == pytest.approx(answers["actions"][name][key], rel=1e-10, abs=1e-14), (name, key)
    net = table["x_net"].to_numpy(dtype=np.float64)
    assert float(signed_gini(net, w)) == pytest.approx(
        answers["extra"]["net"]["gini_signed_RSV_large_n = gini_abs/mean|x|"], rel=1e-12
    )


def test_incomes_of_the_package_ineq() -> None:
    """The example vector of the R package ineq (CRAN) and its Gini index."""
    incomes = array(541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261)
    assert round(float(gini(incomes, np.ones(10))), 7) == 0.4620911

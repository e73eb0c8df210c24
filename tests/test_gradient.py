"""Concentration over a ranking, against numbers that can be had in the head."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csc_array

from equity_screen.errors import UsageError
from equity_screen.gradient import (
    concentration_curve,
    concentration_index,
    dominates,
    erreygers_index,
    extended_concentration_index,
    generalised_concentration_curve,
    generalised_concentration_index,
    generalised_extended_concentration_index,
    incidence,
    kakwani_index,
    rank_weights,
    relative_index,
    slope_index,
    suits_index,
    wagstaff_index,
)
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


OVER_RANK = {
    "weights": lambda _, w, rank: rank_weights(rank, w),
    "index": lambda x, w, rank: concentration_index(x, w, rank=rank),
    "generalised": lambda x, w, rank: generalised_concentration_index(x, w, rank=rank),
    "erreygers": lambda x, w, rank: erreygers_index(x, w, rank=rank, bounds=(0, 1)),
    "wagstaff": lambda x, w, rank: wagstaff_index(x, w, rank=rank, bounds=(0, 1)),
    "extended": lambda x, w, rank: extended_concentration_index(x, w, rank=rank, nu=3),
    "generalised extended": lambda x, w, rank: generalised_extended_concentration_index(x, w, rank=rank, nu=3),
    "slope": lambda x, w, rank: slope_index(x, w, rank=rank),
    "relative": lambda x, w, rank: relative_index(x, w, rank=rank),
    "kakwani": lambda x, w, rank: kakwani_index(x, w, income=ONES, rank=rank),
    "curve": lambda x, w, rank: concentration_curve(x, w, rank=rank, at=[0.5]),
    "generalised curve": lambda x, w, rank: generalised_concentration_curve(x, w, rank=rank, at=[0.5]),
}


@pytest.mark.parametrize("name", OVER_RANK)
def test_a_rank_that_is_none_is_refused(name: str) -> None:
    measure = OVER_RANK[name]
    with pytest.raises(UsageError, match="rank has 2 values for people of 4 units; give one for each"):
        measure(ONES, ONES, array(0.25, 0.75))
    with pytest.raises(UsageError, match=r"rank holds 3\.0; ranks lie between 0 and 1: use mid_rank or rank_of"):
        measure(ONES, ONES, array(0.5, NAN, 3, 4))
    with pytest.raises(UsageError, match=r"rank holds -0\.5; "):
        measure(ONES, ONES, array(0.5, NAN, -0.5, 1))
    measure(ONES, ONES, array(0, NAN, 0.5, 1))


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


# ---------------------------------------------------------------- all columns at once


def test_a_vector_gives_one_number_and_columns_one_each() -> None:
    rank, people = array(0.25, 0.75), array(5, 5)
    columns = csc_array(np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, -1.0]]))
    assert concentration_index(array(1, 0), people, rank=rank).shape == ()
    found = concentration_index(columns, people, rank=rank)
    assert found[:2].tolist() == [-0.5, 0.5]
    assert np.isnan(found[2:]).all()
    assert generalised_concentration_index(columns, people, rank=rank).tolist() == [-0.25, 0.25, 0.0, -0.5]


def city(seed: int, *, units: int = 40, actions: int = 30) -> tuple[csc_array, np.ndarray, np.ndarray]:
    """Sparse effects, people (some units have none) and incomes (with ties, some unknown)."""
    rng = np.random.default_rng(seed)
    effects = rng.gamma(1.0, size=(units, actions)) * (rng.random((units, actions)) < 0.3)
    people = rng.integers(0, 30, units) * (rng.random(units) < 0.9)
    income = np.where(rng.random(units) < 0.1, np.nan, rng.integers(1, 12, units))
    return csc_array(effects), people.astype(np.float64), income


MEASURES = {
    "ci": lambda x, w, income: concentration_index(x, w, rank=mid_rank(income, w)),
    "gci": lambda x, w, income: generalised_concentration_index(x, w, rank=mid_rank(income, w)),
    "ext": lambda x, w, income: extended_concentration_index(x, w, rank=mid_rank(income, w), nu=3.5),
    "gext": lambda x, w, income: generalised_extended_concentration_index(x, w, rank=mid_rank(income, w), nu=3.5),
    "erreygers": lambda x, w, income: erreygers_index(x, w, rank=mid_rank(income, w), bounds=(0, 50)),
    "wagstaff": lambda x, w, income: wagstaff_index(x, w, rank=mid_rank(income, w), bounds=(0, 50)),
    "sii": lambda x, w, income: slope_index(x, w, rank=mid_rank(income, w)),
    "rii": lambda x, w, income: relative_index(x, w, rank=mid_rank(income, w)),
    "suits": lambda x, w, income: suits_index(x, w, income=income),
    "kakwani": lambda x, w, income: kakwani_index(x, w, income=income),
    "curve": lambda x, w, income: concentration_curve(x, w, rank=mid_rank(income, w), at=[0.1, 0.5, 0.9]),
}


@pytest.mark.parametrize("name", MEASURES)
def test_neither_the_columns_beside_it_nor_their_order_nor_the_rows_change_a_figure(name: str) -> None:
    measure = MEASURES[name]
    effects, people, income = city(1)
    found = measure(effects, people, income)
    assert measure(effects[:, 10:], people, income).tobytes() == found[..., 10:].tobytes()
    assert measure(effects[:, ::-1], people, income).tobytes() == found[..., ::-1].tobytes()
    order = np.random.default_rng(0).permutation(len(people))
    np.testing.assert_allclose(measure(effects[order], people[order], income[order]), found, rtol=1e-11, atol=1e-13)
    one_by_one = [measure(effects[:, [a]].toarray().ravel(), people, income) for a in range(effects.shape[1])]
    np.testing.assert_allclose(np.stack(one_by_one, axis=-1), found, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", MEASURES)
def test_who_is_not_there_changes_nothing(name: str) -> None:
    """A unit without people may hold anything, a loss, nothing known, a rank of its own."""
    measure = MEASURES[name]
    effects, people, income = city(2)
    odd = np.vstack([effects.toarray(), np.full((2, effects.shape[1]), -7.0)])
    odd[-1, :3] = np.nan
    found = measure(csc_array(odd), np.append(people, [0, 0]), np.append(income, [4.0, -100.0]))
    np.testing.assert_allclose(found, measure(effects, people, income), rtol=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_a_missing_value_leaves_its_column_without_a_figure(name: str) -> None:
    effects, people, income = city(3)
    holed = effects.toarray()
    holed[np.flatnonzero((people > 0) & ~np.isnan(income))[0], 4] = np.nan
    found = MEASURES[name](holed, people, income)
    assert np.isnan(found[..., 4]).all()
    kept = np.arange(effects.shape[1]) != 4
    np.testing.assert_array_equal(found[..., kept], MEASURES[name](effects, people, income)[..., kept])


@pytest.mark.parametrize("name", [name for name in MEASURES if name not in ("suits", "kakwani", "rii")])
def test_figures_are_those_of_the_people_one_by_one(name: str) -> None:
    effects, people, income = city(4)
    each = np.repeat(np.arange(len(people)), people.astype(int))
    persons = effects.toarray()[each]
    found = MEASURES[name](effects, people, income)
    np.testing.assert_allclose(MEASURES[name](persons, np.ones(len(each)), income[each]), found, rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------- bounded values


def test_erreygers_and_wagstaff_of_two_people_of_whom_the_one_ranked_low_has_all() -> None:
    rank, people = array(0.25, 0.75), array(1, 1)
    # GC = -1/4; 4 GC / (2 - 0) = -1/2 where the one has 1 of the 2 that are possible.
    assert erreygers_index(array(1, 0), people, rank=rank, bounds=(0, 2)) == -0.5
    # mean 1/2: GC * 2 / ((2 - 1/2) * 1/2) = -1/2 / (3/4).
    assert wagstaff_index(array(1, 0), people, rank=rank, bounds=(0, 2)) == pytest.approx(-2 / 3)


@pytest.mark.parametrize("index", [erreygers_index, wagstaff_index])
def test_of_what_is_lacking_a_bounded_index_has_the_other_sign(index: object) -> None:
    rng = np.random.default_rng(5)
    x, people = rng.uniform(2, 9, (12, 6)), rng.integers(1, 9, 12).astype(float)
    rank = mid_rank(rng.integers(0, 5, 12).astype(float), people)
    found = index(x, people, rank=rank, bounds=(2, 9))
    np.testing.assert_allclose(index(11 - x, people, rank=rank, bounds=(2, 9)), -found, rtol=1e-10)


@pytest.mark.parametrize("index", [erreygers_index, wagstaff_index])
def test_outside_its_bounds_a_bounded_index_is_undefined(index: object) -> None:
    rank, people = array(0.25, 0.75), array(1, 1)
    assert math.isnan(index(array(1, 3), people, rank=rank, bounds=(0, 2)))
    assert math.isnan(index(array(2, 0), people, rank=rank, bounds=(1, 2))), "nothing is below the least"
    assert math.isfinite(index(array(2, 1), people, rank=rank, bounds=(1, 2.5)))


def test_wagstaff_is_undefined_where_all_are_at_a_bound_and_erreygers_is_zero() -> None:
    rank, people = array(0.25, 0.75), array(1, 1)
    for x in (array(0, 0), array(2, 2)):
        assert math.isnan(wagstaff_index(x, people, rank=rank, bounds=(0, 2)))
        assert erreygers_index(x, people, rank=rank, bounds=(0, 2)) == 0.0


@pytest.mark.parametrize("bounds", [(1, 1), (2, 1), (0, math.inf), (NAN, 1)])
def test_bounds_that_are_no_interval_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="the first must be less than the second"):
        erreygers_index(array(1, 0), array(1, 1), rank=array(0.25, 0.75), bounds=bounds)


# ---------------------------------------------------------------- extended


def test_extended_index_of_two_halves_in_the_head() -> None:
    # Lower half: 1/2 + (1/2)^3 - 1 = -3/8; mean 1/2: -3/4.
    rank, people = array(0.25, 0.75), array(5, 5)
    assert extended_concentration_index(array(1, 0), people, rank=rank, nu=3) == -0.75
    # Upper half: 1/2 + 0 - (1/2)^3 = 3/8.
    assert extended_concentration_index(array(0, 1), people, rank=rank, nu=3) == 0.75


def test_extended_index_at_two_is_the_standard_one_and_of_the_same_for_all_is_zero() -> None:
    effects, people, income = city(6)
    rank = mid_rank(income, people)
    found = extended_concentration_index(effects, people, rank=rank, nu=2)
    np.testing.assert_allclose(found, concentration_index(effects, people, rank=rank), rtol=1e-11, atol=1e-14)
    for nu in (1.5, 3, 4, 9):
        assert extended_concentration_index(np.full(len(people), 7.0), people, rank=rank, nu=nu) == 0.0


@pytest.mark.parametrize("nu", [1, 0, -2, NAN, math.inf])
def test_an_aversion_that_is_none_is_refused(nu: float) -> None:
    with pytest.raises(UsageError, match=r"nu = .*: aversion to inequality must be a number above 1"):
        extended_concentration_index(array(1, 0), array(1, 1), rank=array(0.25, 0.75), nu=nu)


# ---------------------------------------------------------------- slopes


def test_slope_of_two_halves_is_the_line_through_them() -> None:
    # 4 at rank 1/4, 6 at 3/4: 3 at rank 0 and 7 at rank 1.
    rank, people = array(0.25, 0.75), array(5, 5)
    assert slope_index(array(4, 6), people, rank=rank) == 4.0
    assert relative_index(array(4, 6), people, rank=rank) == pytest.approx(7 / 3, rel=1e-15)


def test_slope_is_that_of_a_weighted_regression() -> None:
    effects, people, income = city(7)
    rank = mid_rank(income, people)
    kept = ~np.isnan(rank) & (people > 0)
    lines = [
        np.polyfit(rank[kept], effects.toarray()[kept, a], 1, w=np.sqrt(people[kept])) for a in range(effects.shape[1])
    ]
    np.testing.assert_allclose(slope_index(effects, people, rank=rank), [slope for slope, _ in lines], atol=1e-10)
    ratio = np.array([(base + slope) / base for slope, base in lines])
    legal = np.array([base > 1e-9 and base + slope > 1e-9 for slope, base in lines])
    np.testing.assert_allclose(relative_index(effects, people, rank=rank), np.where(legal, ratio, NAN), rtol=1e-8)


def test_relative_index_is_undefined_where_a_prediction_is_not_above_zero_and_for_losses() -> None:
    rank, people = array(0.25, 0.75), array(5, 5)
    assert math.isnan(relative_index(array(1, 3), people, rank=rank))  # 0 at rank 0
    assert math.isnan(relative_index(array(-1, 9), people, rank=rank))


def test_slope_is_undefined_where_all_are_ranked_the_same_and_defined_for_losses() -> None:
    assert math.isnan(slope_index(array(1, 2), array(5, 5), rank=array(0.5, 0.5)))
    assert slope_index(array(1, -1), array(5, 5), rank=array(0.25, 0.75)) == -4.0


# ---------------------------------------------------------------- beside income


def test_in_proportion_to_income_suits_and_kakwani_are_zero() -> None:
    people, income = array(1, 2, 3, 4), array(2, 1, 5, 9)
    assert suits_index(3 * income, people, income=income) == 0.0
    assert kakwani_index(3 * income, people, income=income) == pytest.approx(0.0, abs=1e-15)


def test_a_poll_tax_has_minus_the_gini_of_income() -> None:
    # Suits (1977): the same for everyone. Incomes 1 and 3: Gini 1/4.
    people, income = array(5, 5), array(1, 3)
    assert suits_index(array(1, 1), people, income=income) == -0.25
    assert kakwani_index(array(1, 1), people, income=income) == -0.25


def test_all_of_it_on_one_end_in_the_head() -> None:
    # Incomes 1 and 3: the lower half is over after 1/4 of income, its middle at 1/8.
    people, income = array(5, 5), array(1, 3)
    assert suits_index(array(1, 0), people, income=income) == -0.75
    assert suits_index(array(0, 1), people, income=income) == 0.25


def test_suits_is_one_less_twice_the_area_under_the_curve() -> None:
    effects, people, income = city(8)
    order = np.argsort(income)
    kept = order[: np.count_nonzero(~np.isnan(income))]
    steps = effects.toarray()[kept] * people[kept, None]
    levels = np.unique(income[kept])
    heights = np.array([steps[income[kept] <= level].sum(axis=0) for level in [0, *levels]]) / steps.sum(axis=0)
    earned = np.array([(income * people)[kept][income[kept] <= level].sum() for level in [0, *levels]])
    expected = 1 - 2 * np.trapezoid(heights, earned / earned[-1], axis=0)
    np.testing.assert_allclose(suits_index(effects, people, income=income), expected, rtol=1e-12)


def test_kakwani_over_another_ranking_is_its_index_less_the_gini_of_income() -> None:
    people, income, rank = array(5, 5), array(1, 3), array(0.75, 0.25)
    assert kakwani_index(array(1, 0), people, income=income, rank=rank) == 0.25  # 1/2 - 1/4


@pytest.mark.parametrize("index", [suits_index, kakwani_index])
@pytest.mark.parametrize("income", [(NAN, NAN), (0, 0), (-1, 3), (-3, 1)])
def test_without_incomes_or_with_losses_for_incomes_there_is_no_index(index: object, income: tuple) -> None:
    assert math.isnan(index(array(1, 1), array(5, 5), income=array(*income)))


@pytest.mark.parametrize("index", [suits_index, kakwani_index])
@pytest.mark.parametrize("values", [(1, -1), (0, 0)])
def test_losses_and_nothing_have_no_index_beside_income(index: object, values: tuple) -> None:
    assert math.isnan(index(array(*values), array(5, 5), income=array(1, 3)))


def test_incidence_is_named_by_the_index_beside_the_gini_of_income() -> None:
    indexes = array(-0.2, 0.0, 0.2, 0.3, 0.4, NAN)
    benefit = ["absolutely progressive", "relatively progressive", "relatively progressive"]
    burden = ["absolutely regressive", "relatively regressive", "relatively regressive"]
    same = "in proportion to income"
    assert incidence(indexes, gini=0.3).tolist() == [*benefit, same, "regressive", ""]
    assert incidence(indexes, gini=0.3, ledger="burden").tolist() == [*burden, same, "progressive", ""]
    assert incidence(0.1, gini=NAN).item() == ""


def test_incidence_of_no_ledger_is_refused() -> None:
    with pytest.raises(UsageError, match="ledger = 'net': give 'benefit' or 'burden'"):
        incidence(0.1, gini=0.3, ledger="net")


# ---------------------------------------------------------------- curves


def test_curve_of_two_halves_goes_straight_within_each() -> None:
    rank, people = array(0.25, 0.75), array(5, 5)
    at = [0, 0.25, 0.5, 0.75, 1]
    assert concentration_curve(array(3, 1), people, rank=rank, at=at).tolist() == [0, 0.375, 0.75, 0.875, 1]
    assert generalised_concentration_curve(array(3, -1), people, rank=rank, at=at).tolist() == [0, 0.75, 1.5, 1.25, 1.0]


def test_curve_of_columns_has_a_row_a_share() -> None:
    curve = concentration_curve(np.eye(2), array(5, 5), rank=array(0.25, 0.75), at=[0.5, 1.0])
    assert curve.tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_those_who_tie_are_one_straight_line() -> None:
    rank = mid_rank(array(1, 1, 2), array(1, 1, 2))
    assert concentration_curve(array(4, 0, 2), array(1, 1, 2), rank=rank, at=[0.25, 0.5]).tolist() == [0.25, 0.5]


def test_the_curve_lies_over_the_diagonal_by_half_of_the_index() -> None:
    effects, people, income = city(9)
    rank = mid_rank(income, people)
    ends = np.cumsum(np.bincount(income[~np.isnan(income)].astype(int), weights=people[~np.isnan(income)]))
    at = np.append(0.0, ends / ends[-1])
    curve = concentration_curve(effects, people, rank=rank, at=at)
    area = np.trapezoid(curve, at, axis=0)
    np.testing.assert_allclose(1 - 2 * area, concentration_index(effects, people, rank=rank), rtol=1e-11, atol=1e-13)


def test_curve_is_undefined_for_losses_and_the_generalised_one_is_not() -> None:
    rank, people = array(0.25, 0.75), array(5, 5)
    assert np.isnan(concentration_curve(array(3, -1), people, rank=rank, at=[0.5, 1])).all()
    assert np.isnan(concentration_curve(array(0, 0), people, rank=rank, at=[0.5, 1])).all()
    assert generalised_concentration_curve(array(0, 0), people, rank=rank, at=[0.5, 1]).tolist() == [0, 0]


@pytest.mark.parametrize("at", [[-0.1], [1.5], [NAN]])
def test_a_share_of_the_people_that_is_none_is_refused(at: list[float]) -> None:
    with pytest.raises(UsageError, match="shares of the people lie between 0 and 1"):
        concentration_curve(array(1, 1), array(5, 5), rank=array(0.25, 0.75), at=at)


def test_dominance_asks_for_never_below_and_somewhere_above() -> None:
    above, below, crosses = array(0, 0.6, 1), array(0, 0.4, 1), array(0, 0.5, 0.9)
    assert dominates(above, below)
    assert not dominates(below, above)
    assert not dominates(above, above)
    assert not dominates(crosses, below)
    assert not dominates(array(0, NAN, 1), below)
    both = dominates(np.column_stack([above, below]), np.column_stack([below, above]))
    assert both.tolist() == [True, False]


def test_what_is_only_rounding_is_no_dominance() -> None:
    assert not dominates(array(0, 0.1 + 0.2, 1), array(0, 0.3, 1))
    assert dominates(array(0, 0.3, 2), array(0, 0.1 + 0.2, 1))

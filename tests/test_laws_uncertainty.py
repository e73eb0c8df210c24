"""Laws of margins, draws, chance and ranks, tried on numbers drawn at random; their numbers are those of the methods.

How often random siting and free permutation call a siting at random unusual, which is the other half of law 19, is
measured on whole cities in test_calibration.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy.sparse import csc_array
from scipy.stats import false_discovery_control

from equity_screen import draws as drawing_module
from equity_screen.chance import (
    contrast_weights,
    false_discovery,
    parity_contrast,
    permutation_p,
    permutation_z,
    siting_p,
)
from equity_screen.draws import (
    Drawing,
    cell_variation,
    draw_counts,
    draw_groups,
    drawn_group_figures,
    from_replicates,
    interval,
    percentile_draws,
    probability_at_least,
    with_draws,
)
from equity_screen.margins import (
    Z90,
    GroupMargins,
    Margins,
    coefficient_of_variation,
    group_margins,
    margin_of_change,
    margin_of_product,
    margin_of_proportion,
    margin_of_ratio,
    margin_of_sum,
    margins_of,
    margins_of_totals,
    reliability,
    replicate_margin,
    standard_error,
)
from equity_screen.people import People
from equity_screen.ranks import mean_shift, rank_stability, who_could_be_first
from equity_screen.recipe import Uncertainty

Floats = np.ndarray
LAW = settings(max_examples=200)
GROUPS = ("blue", "green", "red")
COUNTS = st.integers(0, 60).map(float)
MARGINS = st.integers(0, 120).map(lambda number: number / 4)
FACTORS = st.floats(1e-6, 1e6)
ALIKE = {"rel": 1e-9, "abs": 1e-9, "nan_ok": True}


class Survey(NamedTuple):
    """People of three groups that share them out, with margins; effects: with a place, for all, and of both signs."""

    people: People
    margins: Margins
    doses: Floats

    @property
    def columns(self) -> csc_array:
        return csc_array(self.doses)

    def units(self, rows: Any) -> Survey:
        """Give the survey of other rows: some of them, often, or in another order."""
        population, groups, universes, names, known = self.people
        people = People(population[rows], groups[rows], universes[rows], names, known)
        return Survey(people, Margins(*(margin[rows] for margin in self.margins)), self.doses[rows])


def array_of(draw: st.DrawFn, strategy: st.SearchStrategy[float], *shape: int) -> Floats:
    size = math.prod(shape)
    return np.array(draw(st.lists(strategy, min_size=size, max_size=size)), dtype=np.float64).reshape(shape)


@st.composite
def surveys(draw: st.DrawFn, *, known: bool = False, least: int = 1) -> Survey:
    """Everyone of some of the people is in a group; where the universe is known it has no margin of its own."""
    size = draw(st.integers(least, 5))
    # One draw of bytes, ten a neighbourhood: quick, and it shrinks to few people.
    byte = np.frombuffer(draw(st.binary(min_size=10 * size, max_size=10 * size)), dtype=np.uint8).reshape(10, size)
    groups = (byte[:3] % 31).T.astype(np.float64)
    assume((groups.sum(axis=0) > 0).all())
    people = groups.sum(axis=1)
    margins = byte[3:6].T / 8 * (people > 0)[:, None]
    universe = np.zeros(size) if known else byte[6] / 8 * (people > 0)
    steps = byte[7:].astype(int) // 4
    signed = (steps[2] + 1) // 2 * np.where(steps[2] % 2, 1, -1)
    doses = np.column_stack([np.maximum(steps[0] - 24, 0) / 4, steps[1] + 1.0, signed])
    everyone = np.repeat(people[:, None], 3, axis=1)
    return Survey(
        People(people, groups, everyone, GROUPS),
        Margins(universe, margins, np.repeat(universe[:, None], 3, axis=1)),
        doses,
    )


def bytes_of(numbers: Floats) -> bytes:
    """Bytes of numbers, with one NaN: its sign, which nothing prints, depends on how many are worked on at once."""
    return np.where(np.isnan(numbers), np.nan, numbers).tobytes()


def closed(survey: Survey) -> GroupMargins:
    return group_margins(survey.columns, survey.people, margins=survey.margins)


def assert_close(one: GroupMargins, other: GroupMargins, **scale: float) -> None:
    for name, table in one._asdict().items():
        expected = table * scale.get(name, 1.0)
        np.testing.assert_allclose(getattr(other, name), expected, rtol=1e-8, atol=1e-8, equal_nan=True, err_msg=name)


# ================================================================ 16: margins of sums, shares, ratios


@st.composite
def estimates(draw: st.DrawFn) -> tuple[Floats, Floats]:
    size = draw(st.integers(1, 7))
    return array_of(draw, st.one_of(st.just(0.0), COUNTS), size), array_of(draw, MARGINS, size)


@LAW
@given(estimates(), FACTORS)
def test_law_16_a_constant_scales_margins_and_no_coefficient(given_: tuple[Floats, Floats], factor: float) -> None:
    values, margins = given_
    whole = margin_of_sum(values * factor, margins * factor)
    assert whole == pytest.approx(factor * margin_of_sum(values, margins), rel=1e-12)
    assert standard_error(margins * factor) == pytest.approx(factor * margins / Z90, rel=1e-12)
    scaled = margin_of_product(factor, values, margins=(0.0, margins))
    assert scaled == pytest.approx(factor * margins, rel=1e-12)
    one, other = coefficient_of_variation(values, margins), coefficient_of_variation(values * factor, margins * factor)
    assert other == pytest.approx(one, rel=1e-12)
    assert (one[values == 0] == 1).all()
    assert coefficient_of_variation(-values, margins).tolist() == one.tolist()


@LAW
@given(estimates(), MARGINS)
def test_law_16_of_several_zero_estimates_the_largest_margin_counts_once(
    given_: tuple[Floats, Floats], more: float
) -> None:
    values, margins = given_
    nothing = margins[values == 0]
    largest = max([*nothing.tolist(), 0.0])
    expected = math.sqrt(math.fsum([*np.square(margins[values != 0]), largest**2]))
    assert margin_of_sum(values, margins) == pytest.approx(expected, rel=1e-12)
    assert margin_of_sum(values[::-1], margins[::-1]) == pytest.approx(expected, rel=1e-12)
    wider = float(margin_of_sum(np.append(values, 0.0), np.append(margins, more)))
    assert wider == pytest.approx(math.sqrt(max(expected**2 - largest**2 + max(largest, more) ** 2, 0.0)), rel=1e-9)
    assert float(margin_of_sum(values, margins)) <= math.sqrt((margins**2).sum()) * (1 + 1e-12)


@LAW
@given(st.integers(1, 80), st.integers(0, 80), MARGINS, MARGINS, FACTORS)
def test_law_16_the_margin_of_a_proportion_is_at_most_that_of_a_ratio(
    whole: int, part: int, of_part: float, of_whole: float, factor: float
) -> None:
    part = min(part, whole)
    margins = (of_part, of_whole)
    proportion = float(margin_of_proportion(part, whole, margins=margins))
    ratio = float(margin_of_ratio(part, whole, margins=margins))
    assert 0 <= proportion <= ratio * (1 + 1e-12)
    radicand = of_part**2 - (part / whole) ** 2 * of_whole**2
    assert proportion == pytest.approx(math.sqrt(radicand) / whole if radicand >= 0 else ratio, rel=1e-6, abs=1e-9)
    assert ratio == pytest.approx(math.hypot(of_part, part / whole * of_whole) / whole, rel=1e-12)
    scaled = margin_of_ratio(part * factor, whole * factor, margins=(of_part * factor, of_whole * factor))
    assert scaled == pytest.approx(ratio, rel=1e-9)
    change = margin_of_change(whole, part, margins=(of_whole, of_part))
    assert change == pytest.approx(100 * ratio, rel=1e-12)
    assert float(margin_of_proportion(part, whole, margins=(of_part, 0.0))) == pytest.approx(of_part / whole)


@LAW
@given(COUNTS, COUNTS, MARGINS, MARGINS)
def test_law_16_a_product_does_not_know_which_comes_first(a: float, b: float, of_a: float, of_b: float) -> None:
    one, other = margin_of_product(a, b, margins=(of_a, of_b)), margin_of_product(b, a, margins=(of_b, of_a))
    assert one == other == pytest.approx(math.hypot(a * of_b, b * of_a))
    assert margin_of_product(-a, b, margins=(of_a, of_b)) == one


@LAW
@given(st.lists(st.floats(0, 2), min_size=1, max_size=8), st.floats(0.01, 0.9), st.floats(0.01, 0.9))
def test_law_16_reliability_falls_as_the_coefficient_grows(cv: list[float], one: float, other: float) -> None:
    assume(one != other)
    low, high = sorted([one, other])
    grades = {"high": 0, "medium": 1, "low": 2}
    found = [grades[grade] for grade in reliability(sorted(cv), below=low, above=high)]
    assert found == sorted(found)
    assert found == [int(value > low) + int(value > high) for value in sorted(cv)]


@LAW
@given(estimates(), FACTORS, st.integers(-50, 50))
def test_law_16_replicates_know_neither_a_shift_nor_their_order(
    given_: tuple[Floats, Floats], factor: float, shift: int
) -> None:
    replicates, _ = given_
    margin = float(replicate_margin(3.0, replicates))
    assert replicate_margin(3.0 + shift, replicates + shift) == pytest.approx(margin, rel=1e-12)
    assert replicate_margin(3.0 * factor, replicates * factor) == pytest.approx(margin * factor, rel=1e-9)
    assert replicate_margin(3.0, replicates[::-1]) == pytest.approx(margin, rel=1e-12)
    assert replicate_margin(3.0, np.tile(replicates, 3)) == pytest.approx(margin, rel=1e-12)
    assert margin == pytest.approx(Z90 * math.sqrt(4 * np.mean((replicates - 3) ** 2)), rel=1e-12)


# ================================================================ margins of every figure, by closed form


def test_law_16_margins_of_one_neighbourhood_come_by_their_names() -> None:
    table = pd.DataFrame({"population": [10.0, 0.0], "moe_population": [2.0, np.nan], "moe_blue": [1.0, np.nan]})
    people = People(np.array([10.0, 0.0]), np.array([[4.0], [0.0]]), np.array([[10.0], [0.0]]), ("blue",))
    found = margins_of(table, people)
    assert [margin.ravel().tolist() for margin in found] == [[2.0, 0.0], [1.0, 0.0], [2.0, 0.0]]


@LAW
@given(surveys(), st.integers(2, 5))
def test_law_01_independent_copies_narrow_means_and_widen_totals_by_the_root(survey: Survey, times: int) -> None:
    copied = survey.units(np.tile(np.arange(len(survey.doses)), times))
    root = dict.fromkeys(GroupMargins._fields, times ** (-0.5)) | {"total": times**0.5}
    assert_close(closed(survey), closed(copied), **root)


@LAW
@given(surveys(), st.randoms(use_true_random=False))
def test_law_03_06_neither_order_nor_empty_places_nor_effects_on_nobody_matter(survey: Survey, random: Any) -> None:
    size = len(survey.doses)
    wider = Survey(
        People(
            np.append(survey.people.population, 0.0),
            *(np.vstack([counts, np.zeros(3)]) for counts in (survey.people.groups, survey.people.universes)),
            GROUPS,
        ),
        Margins(
            np.append(survey.margins.population, 0.0),
            *(np.vstack([margin, np.zeros(3)]) for margin in survey.margins[1:]),
        ),
        np.vstack([survey.doses, [3.0, 3.0, 3.0]]),
    )
    order = list(range(size + 1))
    random.shuffle(order)
    assert_close(closed(survey), closed(wider.units(order)))
    nobody = survey._replace(doses=np.column_stack([survey.doses, np.zeros(size)]))
    whole, one = closed(nobody), closed(survey)
    for name in GroupMargins._fields:
        assert bytes_of(getattr(whole, name)[:3]) == bytes_of(getattr(one, name)), name
    assert (whole.total[3] == 0).all()
    assert np.isnan([whole.ratio[3], whole.share_of_effect[3], whole.parity[3]]).all()


@LAW
@given(surveys(), FACTORS, st.integers(2, 9))
def test_law_04_margins_follow_the_unit_of_the_effect_and_relative_ones_do_not(
    survey: Survey, factor: float, times: int
) -> None:
    told = survey._replace(doses=survey.doses * factor)
    unit = dict.fromkeys(("total", "mean", "mean_rest", "gap"), factor)
    for name, table in closed(survey)._asdict().items():
        expected = table * unit.get(name, 1.0)
        np.testing.assert_allclose(getattr(closed(told), name), expected, rtol=1e-6, atol=1e-6 * unit.get(name, 1.0))
    groups, universes = (counts * times for counts in (survey.people.groups, survey.people.universes))
    people = People(survey.people.population * times, groups, universes, GROUPS)
    more = Survey(people, Margins(*(margin * times for margin in survey.margins)), survey.doses)
    assert_close(closed(survey), closed(more), total=times)


@LAW
@given(surveys(), st.integers(1, 40))
def test_law_07_what_is_the_same_for_all_has_no_margin_but_its_total_and_share(survey: Survey, amount: int) -> None:
    found = closed(survey._replace(doses=np.full((len(survey.doses), 1), amount / 4)))
    rest = survey.people.universes.sum(axis=0) > survey.people.groups.sum(axis=0)
    for name in ("mean", "mean_rest", "gap", "ratio", "parity"):
        assert getattr(found, name)[0, rest] == pytest.approx(0.0, abs=1e-6), name
    expected = amount / 4 * np.sqrt((survey.margins.groups**2).sum(axis=0))
    assert found.total[0] == pytest.approx(expected, rel=1e-12)


@LAW
@given(surveys(known=True))
def test_law_09_of_two_groups_that_share_out_a_known_total_margins_are_the_same(survey: Survey) -> None:
    """What the one has too many the other has too few."""
    first, rest = survey.people.groups[:, :1], survey.people.groups[:, 1:].sum(axis=1, keepdims=True)
    margin = survey.margins.groups[:, :1]
    two = survey.people._replace(
        groups=np.hstack([first, rest]), universes=survey.people.universes[:, :2], names=("a", "b")
    )
    margins = Margins(survey.margins.population, np.hstack([margin, margin]), survey.margins.universes[:, :2])
    found = group_margins(survey.columns, two, margins=margins)
    for name in ("gap", "share_of_effect", "total"):
        one, other = getattr(found, name).T
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(found.mean[:, 0], found.mean_rest[:, 1], rtol=1e-7, atol=1e-7)


def figures_of(groups: Floats, rest: Floats, doses: Floats) -> dict[str, Floats]:
    """Figures of one group from counts by neighbourhood, the last axis many cities at once."""
    count, others, mine, theirs = groups.sum(axis=0), rest.sum(axis=0), doses @ groups, doses @ rest
    share = mine / (mine + theirs)
    mean, mean_rest = mine / count, theirs / others
    parity = share / (count / (count + others))
    return {
        "total": mine,
        "mean": mean,
        "mean_rest": mean_rest,
        "gap": mean - mean_rest,
        "ratio": mean / mean_rest,
        "share_of_effect": share,
        "parity": parity,
    }


@LAW
@given(surveys())
def test_law_10_closed_forms_are_the_slopes_of_the_figures(survey: Survey) -> None:
    """Each count moved a little, one at a time; what the group has over the rest goes together as the notes say."""
    found, step = closed(survey), 1e-4
    for column, g in itertools.product((0, 1), range(3)):
        group, universe = survey.people.groups[:, g], survey.people.universes[:, g]
        moves = step * np.hstack([np.zeros((len(group), 1)), np.eye(len(group)), -np.eye(len(group))])
        fixed = np.zeros_like(moves)
        assume((universe - group).sum() > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            by_group, by_rest = (
                figures_of(group[:, None] + a, (universe - group)[:, None] + b, survey.doses[:, column])
                for a, b in ((moves, fixed), (fixed, moves))
            )
        of_group, of_universe = np.square(survey.margins.groups[:, g]), np.square(survey.margins.universes[:, g])
        apart = of_universe < of_group
        both = np.where(apart, -of_group, 0.0)
        of_rest = np.where(apart, of_universe + of_group, of_universe - of_group)
        for name in GroupMargins._fields:
            if not np.isfinite(by_group[name][0]):
                assert np.isnan(getattr(found, name)[column, g]), name
                continue
            on_group, on_rest = (np.subtract(*np.split(f[name][1:], 2)) / (2 * step) for f in (by_group, by_rest))
            square = (on_group**2 * of_group + 2 * on_group * on_rest * both + on_rest**2 * of_rest).sum()
            margin = getattr(found, name)[column, g]
            assert margin**2 == pytest.approx(square, rel=1e-4, abs=1e-5 * max(1.0, by_group[name][0] ** 2)), name


@LAW
@given(surveys())
def test_law_10_margins_of_totals_are_those_of_sums_and_sparse_is_dense(survey: Survey) -> None:
    found = margins_of_totals(survey.columns, survey.margins.groups)
    assert found.tobytes() == closed(survey).total.tobytes()
    for column, g in itertools.product(range(3), range(3)):
        terms = survey.doses[:, column] * survey.margins.groups[:, g]
        assert found[column, g] == pytest.approx(math.sqrt(math.fsum(terms**2)), rel=1e-12)
        # No estimate of 0: the rule for those is one for sums of equal weights.
        assert margin_of_sum(np.ones(len(terms)), terms) == pytest.approx(found[column, g], rel=1e-12)
    assert np.isnan(closed(survey).share_of_effect[2]).all() == (survey.doses[:, 2] < 0).any() or (
        survey.doses[:, 2].sum() == 0
    )


@LAW
@given(surveys())
def test_law_11_margins_do_not_know_gains_from_losses(survey: Survey) -> None:
    one, other = closed(survey), closed(survey._replace(doses=-survey.doses))
    for name in ("total", "mean", "mean_rest", "gap"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-12)
    assert np.isnan(other.ratio[1]).all()
    assert np.isnan(other.parity[1]).all()


@LAW
@given(surveys(), st.integers(1, 2), st.permutations(range(3)))
def test_law_20_margins_of_a_column_have_the_same_bytes_in_any_chunk(
    survey: Survey, cut: int, order: list[int]
) -> None:
    whole = closed(survey)
    parts = [closed(survey._replace(doses=survey.doses[:, chunk])) for chunk in (order[:cut], order[cut:])]
    for name in GroupMargins._fields:
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert bytes_of(joined) == bytes_of(getattr(whole, name)[order]), name


# ================================================================ draws


@LAW
@given(estimates(), st.integers(0, 2**32), st.sampled_from([0.125, 4.0, 1024.0]), st.sampled_from(["gamma", "normal"]))
def test_law_04_20_draws_scale_with_their_unit_and_come_from_their_seed(
    given_: tuple[Floats, Floats], seed: int, factor: float, shape: str
) -> None:
    values, margins = given_
    one, again, other = (
        draw_counts(values * by, margins * by, draws=8, rng=np.random.default_rng([seed]), shape=shape)
        for by in (1.0, 1.0, factor)
    )
    assert one.tobytes() == again.tobytes()
    assert other.ravel().tolist() == pytest.approx((one * factor).ravel().tolist(), rel=1e-12)
    assert (one[values > 0] >= 0).all()
    sure = margins == 0
    assert (one[sure] == values[sure, None]).all()


@LAW
@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 2**32))
def test_law_19_gamma_draws_have_the_mean_and_error_of_the_count(count: int, margin: int, seed: int) -> None:
    drawn = draw_counts(float(count), margin / 4, draws=2000, rng=np.random.default_rng([seed]))
    error = margin / 4 / Z90
    assert abs(drawn.mean() - count) <= 6 * error / math.sqrt(2000)
    # The kurtosis of a gamma is 3 + 6 CV².
    wide = error**2 * math.sqrt((2 + 6 * (error / count) ** 2) / 2000)
    assert abs(drawn.var() - error**2) <= 8 * wide + 0.2 * error**2


@LAW
@given(surveys(), st.integers(0, 2**32))
def test_law_09_groups_of_a_dimension_share_out_what_is_drawn(survey: Survey, seed: int) -> None:
    rng = np.random.default_rng([seed])
    drawn = draw_groups(survey.people, survey.margins, draws=6, rng=rng, dimensions={"colour": range(3)})
    sums, universe = drawn.groups.sum(axis=1), drawn.universes[:, 0]
    some = drawn.groups.any(axis=1)
    np.testing.assert_allclose(sums[some], universe[some], rtol=1e-9, atol=1e-9)
    known = survey.margins.universes[:, 0] == 0
    counted = np.broadcast_to(survey.people.population[:, None], universe.shape)
    assert (universe[known] == counted[known]).all()


def drawn_figures(survey: Survey, seed: int, draws: int = 12, **options: Any) -> dict[str, Any]:
    drawing = Drawing(draws=draws, seed=seed, **options)
    return drawn_group_figures(survey.columns, survey.people, margins=survey.margins, drawing=drawing)


@LAW
@given(surveys(), st.integers(0, 2**32), st.permutations(range(3)), st.sampled_from([1, 13, 40]))
def test_law_20_drawn_figures_have_the_same_bytes_in_any_chunk_and_piece(
    survey: Survey, seed: int, order: list[int], held: int
) -> None:
    whole = drawn_figures(survey, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing_module, "HELD", held)
        pieces = drawn_figures(survey._replace(doses=survey.doses[:, order]), seed)
    for name, spread in whole.items():
        for one, other in zip(spread, pieces[name], strict=True):
            assert bytes_of(one[order]) == bytes_of(other), name


@LAW
@given(surveys(), st.integers(0, 2**32), st.integers(1, 40))
def test_law_07_what_is_the_same_for_all_is_at_parity_in_every_draw(survey: Survey, seed: int, amount: int) -> None:
    same = survey._replace(doses=np.full((len(survey.doses), 1), amount / 4))
    found = drawn_figures(same, seed, dimensions={"colour": range(3)})
    for name, expected in {"parity": 1.0, "gap": 0.0, "mean": amount / 4}.items():
        for bound in found[name][:3]:
            assert bound[~np.isnan(bound)] == pytest.approx(expected, abs=1e-6), name
        assert found[name].sd[~np.isnan(found[name].sd)] == pytest.approx(0.0, abs=1e-6), name


@LAW
@given(surveys(), st.integers(0, 2**32))
def test_law_06_10_without_margins_every_draw_is_the_figure(survey: Survey, seed: int) -> None:
    nothing = Margins(*(np.zeros_like(margin) for margin in survey.margins))
    sure = survey._replace(margins=nothing)
    found = drawn_figures(sure, seed, draws=3)
    for g, column in itertools.product(range(3), (0, 1)):
        group = survey.people.groups[:, [g]]
        with np.errstate(divide="ignore", invalid="ignore"):
            plain = figures_of(group, survey.people.universes[:, [g]] - group, survey.doses[:, column])
        for name, value in plain.items():
            expected = float(value[0]) if np.isfinite(value[0]) else math.nan
            for bound in found[name][:3]:
                assert bound[column, g] == pytest.approx(expected, **ALIKE), name
    sizes = cell_variation(survey.people, nothing)
    assert (sizes == 0).all()
    assert_close(closed(sure), with_draws(sure.columns, sure.people, margins=nothing, uncertainty=Uncertainty()))


@LAW
@given(surveys(), st.integers(0, 2**32))
def test_law_10_16_replicates_of_one_count_are_its_margin(survey: Survey, seed: int) -> None:
    """A single count that goes up and down by as much gives that margin; the others stand still."""
    rng = np.random.default_rng([seed])
    at, g = rng.integers(len(survey.doses)), rng.integers(3)
    tables = np.repeat(survey.people.groups[:, :, None], 4, axis=2)
    step = 0.5
    tables[at, g] += [step, -step, step, -step]
    found = from_replicates(survey.columns, survey.people, replicates=tables)
    expected = np.zeros((3, 3))
    expected[:, g] = np.abs(survey.doses[at]) * Z90 * 2 * step
    np.testing.assert_allclose(found.total, expected, rtol=1e-9, atol=1e-9)
    turned = from_replicates(survey.columns, survey.people, replicates=tables[:, :, ::-1])
    assert_close(found, turned)
    still = np.repeat(survey.people.groups[:, :, None], 2, axis=2)
    for margin in from_replicates(survey.columns, survey.people, replicates=still):
        assert (margin[~np.isnan(margin)] == 0).all()


@LAW
@given(estimates(), st.integers(0, 2**32), st.integers(1, 4))
def test_law_20_draws_of_indicators_do_not_hang_on_how_many_are_made(
    given_: tuple[Floats, Floats], seed: int, more: int
) -> None:
    values, margins = (numbers[:, None] for numbers in given_)
    few, many = (
        percentile_draws(values, margins, draws=draws, seed=seed, score=lambda x: x[:, 0]) for draws in (3, 3 + more)
    )
    assert few.tobytes() == many[:, :3].tobytes()
    assert ((many >= 0) & (many <= 100)).all()
    assert (many[margins[:, 0] == 0] == values[margins[:, 0] == 0]).all()


@LAW
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=12), st.integers(-21, 21), st.integers(0, 5))
def test_law_17_probabilities_fall_as_the_threshold_rises_and_intervals_nest(
    numbers: list[int], threshold: int, more: int
) -> None:
    drawn = np.array(numbers, dtype=np.float64)
    one, other = (float(probability_at_least(drawn, level)) for level in (threshold, threshold + more))
    assert 0 <= other <= one <= 1
    assert one == pytest.approx(sum(number >= threshold for number in numbers) / len(numbers))
    (low, high), (lower, higher) = interval(drawn, level=0.5), interval(drawn, level=0.9)
    assert drawn.min() <= lower <= low <= high <= higher <= drawn.max()
    assert interval(drawn + threshold, level=0.5) == pytest.approx((low + threshold, high + threshold), abs=1e-9)
    assert np.isnan(probability_at_least(np.append(drawn, np.nan), threshold))


# ================================================================ chance


@LAW
@given(surveys(), st.integers(-8, 8), st.integers(-8, 8))
def test_law_08_09_11_contrasts_are_linear_and_add_up_to_nothing(survey: Survey, first: int, second: int) -> None:
    x, y = survey.doses[:, 0], survey.doses[:, 2]
    doses = np.column_stack([x, y, first * x + second * y, np.maximum(y, 0), np.maximum(-y, 0)])
    found = parity_contrast(doses, survey.people)
    np.testing.assert_allclose(found[2], first * found[0] + second * found[1], atol=1e-8)
    np.testing.assert_allclose(found[3] - found[4], found[1], atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 0.0, atol=1e-8)
    assert contrast_weights(survey.people).sum(axis=0) == pytest.approx(0.0, abs=1e-10)
    share = survey.people.groups.sum(axis=0) / survey.people.population.sum()
    totals = doses.T @ survey.people.groups
    np.testing.assert_allclose(found, totals - share * totals.sum(axis=1, keepdims=True), atol=1e-8)


@LAW
@given(surveys(least=2), st.sampled_from([1.0, 0.1, 1 / 3]), st.integers(1, 40))
def test_law_07_the_same_for_all_has_no_contrast_and_no_z(survey: Survey, unit: float, amount: int) -> None:
    uniform = np.full((len(survey.doses), 1), amount * unit)
    assert parity_contrast(uniform, survey.people) == pytest.approx(0.0, abs=1e-10)
    assert np.isnan(permutation_z(uniform, survey.people)).all()
    assert np.isnan(permutation_p(uniform, survey.people, permutations=3, seed=1)).all()
    assert np.isnan(permutation_z(np.zeros_like(uniform), survey.people)).all()


@LAW
@given(surveys(), st.randoms(use_true_random=False), FACTORS, st.integers(-40, 40))
def test_law_01_03_04_06_contrasts_and_z_know_neither_order_nor_unit_nor_a_gift(
    survey: Survey, random: Any, factor: float, gift: int
) -> None:
    order = list(range(len(survey.doses)))
    random.shuffle(order)
    other, people = survey.units(order), survey.people
    contrast, z = parity_contrast(survey.doses, people), permutation_z(survey.doses, people)
    np.testing.assert_allclose(parity_contrast(other.doses, other.people), contrast, atol=1e-9)
    np.testing.assert_allclose(permutation_z(other.doses, other.people), z, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(permutation_z(survey.doses * factor, people), z, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(permutation_z(survey.doses + gift, people), z, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(permutation_z(-survey.doses, people), -z, rtol=1e-12)
    twice = survey.units(np.tile(order, 2))
    np.testing.assert_allclose(parity_contrast(twice.doses, twice.people), 2 * contrast, atol=1e-8)
    zero = [np.zeros((1, 3))] * 2
    empty = People(
        np.append(people.population, 0.0),
        *(np.vstack([counts, nobody]) for counts, nobody in zip(people[1:3], zero, strict=True)),
        GROUPS,
    )
    np.testing.assert_allclose(parity_contrast(np.vstack([survey.doses, [9.0] * 3]), empty), contrast, atol=1e-9)


@LAW
@given(surveys(least=2))
def test_law_19_z_is_that_of_every_permutation(survey: Survey) -> None:
    """All orders of up to five neighbourhoods: the mean of the contrast is 0, its variance that of the closed form."""
    weights, z = contrast_weights(survey.people), permutation_z(survey.doses, survey.people)
    orders = np.array(list(itertools.permutations(range(len(weights)))))
    every = np.einsum("pna,ng->pag", survey.doses[orders], weights)
    np.testing.assert_allclose(every.mean(axis=0), 0.0, atol=1e-8)
    deviation, defined = every.std(axis=0), ~np.isnan(z)
    np.testing.assert_allclose(z[defined] * deviation[defined], every[0][defined], rtol=1e-8, atol=1e-7)
    assert deviation[~defined] == pytest.approx(0.0, abs=1e-4)


@LAW
@given(surveys(least=2), st.integers(0, 2**32))
def test_law_19_p_by_permutation_is_near_that_of_every_permutation(survey: Survey, seed: int) -> None:
    weights, dealt = contrast_weights(survey.people), 199
    orders = np.array(list(itertools.permutations(range(len(weights)))))
    every = np.abs(np.einsum("pna,ng->pag", survey.doses[orders], weights))
    exact = (every >= every[0] - 1e-9).mean(axis=0)
    found = permutation_p(survey.doses, survey.people, permutations=dealt, seed=seed)
    count = found * (1 + dealt) - 1
    away = np.abs(count - dealt * exact) - 6 * np.sqrt(dealt * exact * (1 - exact)) - 1e-6
    assert (away[~np.isnan(found)] <= 0).all()
    assert (np.isnan(found) == np.isnan(permutation_z(survey.doses, survey.people))).all()


@LAW
@given(surveys(least=2), st.integers(0, 2**32), st.permutations(range(3)), st.integers(1, 2))
def test_law_20_p_comes_from_its_seed_whatever_the_chunk(survey: Survey, seed: int, order: list[int], cut: int) -> None:
    whole = permutation_p(survey.doses, survey.people, permutations=19, seed=seed)
    parts = [
        permutation_p(csc_array(survey.doses[:, chunk]), survey.people, permutations=19, seed=seed)
        for chunk in (order[:cut], order[cut:])
    ]
    assert bytes_of(np.concatenate(parts)) == bytes_of(whole[order])
    for measure in (permutation_z, parity_contrast):
        chunks = [measure(survey.doses[:, chunk], survey.people) for chunk in (order[:cut], order[cut:])]
        assert bytes_of(np.concatenate(chunks)) == bytes_of(measure(survey.columns, survey.people)[order])


@st.composite
def contrasts(draw: st.DrawFn) -> Floats:
    """Contrasts of placements (rows) and groups, with ties and signs."""
    return array_of(draw, st.integers(-12, 12).map(float), draw(st.integers(2, 25)), 2)


@LAW
@given(contrasts(), st.sampled_from([0.05, 0.1, 0.5, 1.0]))
def test_law_19_of_placements_each_taken_for_the_real_one_no_more_than_alpha_are_unusual(
    every: Floats, alpha: float
) -> None:
    """If the real place is one of the possible ones at random, p is below alpha no more often than alpha."""
    p = np.vstack([siting_p(every[[at]], np.delete(every, at, axis=0)) for at in range(len(every))])
    assert ((p <= alpha + 1e-12).mean(axis=0) <= alpha + 1e-12).all()
    assert ((p > 0) & (p <= 1)).all()
    # The furthest from parity has the least p; those at parity have 1.
    far = np.abs(every)
    for group in range(2):
        order = np.argsort(far[:, group], kind="stable")
        assert (np.diff(p[order, group]) <= 1e-12).all()
    assert (p[far == 0] == 1).all()


@LAW
@given(contrasts(), st.randoms(use_true_random=False))
def test_law_03_04_p_of_a_siting_knows_neither_order_nor_sign_nor_unit(every: Floats, random: Any) -> None:
    observed, null = every[:1], every[1:]
    p = siting_p(observed, null)
    expected = (1 + (np.abs(null) >= np.abs(observed)).sum(axis=0)) / (1 + len(null))
    assert p[0] == pytest.approx(expected, rel=1e-15)
    order = list(range(len(null)))
    random.shuffle(order)
    assert siting_p(observed, null[order]).tobytes() == p.tobytes()
    assert siting_p(-observed, null).tobytes() == siting_p(observed, -null).tobytes() == p.tobytes()
    assert siting_p(observed * 1e6, null * 1e6, scale=1e6).tobytes() == p.tobytes()


@LAW
@given(
    st.lists(st.one_of(st.floats(1e-6, 1), st.sampled_from([0.01, 0.05, 1.0])), min_size=1, max_size=12),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_law_19_adjusted_p_are_those_of_benjamini_and_hochberg(p: list[float], gaps: int, random: Any) -> None:
    order = list(range(len(p) + gaps))
    random.shuffle(order)
    asked = np.array([*p, *[np.nan] * gaps])
    found = false_discovery(asked)
    assert found[: len(p)] == pytest.approx(false_discovery_control(p), rel=1e-12)
    assert false_discovery(asked[order]).tobytes() == found[order].tobytes()
    assert (found[: len(p)] >= np.array(p) * (1 - 1e-12)).all()
    assert np.isnan(found[len(p) :]).all()
    ranked = np.argsort(p, kind="stable")
    assert (np.diff(found[ranked]) >= 0).all()


# ================================================================ ranks


@st.composite
def scored(draw: st.DrawFn) -> Floats:
    """Scores of actions (columns) in draws, with ties, some undefined."""
    shape = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    return array_of(draw, st.sampled_from([0.0, 1.0, 2.0, 2.0, 3.5, -1.0, np.nan]), *shape)


def named(scores: Floats) -> list[str]:
    return [f"A{number}" for number in range(scores.shape[1])]


def plain_ranks(scores: list[float]) -> list[float]:
    known = [score for score in scores if not math.isnan(score)]
    return [
        math.nan
        if math.isnan(own)
        else sum(other > own for other in known) + (sum(other == own for other in known) + 1) / 2
        for own in scores
    ]


@LAW
@given(scored())
def test_law_10_rank_stability_is_a_count_over_draws(scores: Floats) -> None:
    table = rank_stability(scores, names=named(scores))
    ranks = np.array([plain_ranks(row) for row in scores.tolist()])
    assert table["rank"].tolist() == pytest.approx(ranks[0].tolist(), nan_ok=True)
    assert table["unranked_share"].to_numpy() == pytest.approx(np.isnan(ranks).mean(axis=0))
    for number, name in enumerate(named(scores)):
        mine = ranks[~np.isnan(ranks[:, number]), number]
        row = table.loc[name]
        if not len(mine):
            assert row[["median_rank", "rank_low", "rank_high"]].isna().all()
            assert (row["first"], row["first_share"]) == ("", 0.0)
            continue
        expected = [np.median(mine), *np.quantile(mine, [0.05, 0.95])]
        assert row[["median_rank", "rank_low", "rank_high"]].tolist() == pytest.approx(expected)
        assert row["rank_low"] <= row["median_rank"] <= row["rank_high"]
        assert (row["first"] == "never") == (row["first_share"] == 0)


@LAW
@given(scored())
def test_law_09_chances_of_being_first_add_up(scores: Floats) -> None:
    table = rank_stability(scores, names=named(scores))
    ranked = ~np.isnan(scores).all(axis=1)
    assert table["first_share"].sum() == pytest.approx(ranked.mean())
    full = scores[~np.isnan(scores).any(axis=1)]
    if len(full):
        count = scores.shape[1]
        found = rank_stability(full[:1], names=named(scores))
        assert found["rank"].sum() == pytest.approx(count * (count + 1) / 2)
        shifts = rank_stability(full, names=named(scores))["mean_shift"].mean()
        assert mean_shift(full) == pytest.approx(shifts)


@LAW
@given(scored(), st.integers(-30, 30), st.permutations(range(5)), st.randoms(use_true_random=False))
def test_law_03_04_12_ranks_know_neither_order_nor_unit(
    scores: Floats, power: int, order: list[int], random: Any
) -> None:
    names, reference = np.array(named(scores)), scores[0]
    table = rank_stability(scores, names=names, reference=reference)
    order = [number for number in order if number < scores.shape[1]]
    turned = rank_stability(scores[:, order], names=names[order], reference=reference[order])
    pd.testing.assert_frame_equal(turned.loc[names], table, check_exact=False, rtol=1e-12)
    rows = list(range(len(scores)))
    random.shuffle(rows)
    shuffled = rank_stability(scores[rows], names=names, reference=reference)
    pd.testing.assert_frame_equal(shuffled, table, check_exact=False, rtol=1e-12)
    unit = rank_stability(scores * 2.0**power, names=names, reference=reference * 2.0**power)
    pd.testing.assert_frame_equal(unit, table, check_exact=True)
    down = rank_stability(-scores, names=names, reference=-reference, higher_first=False)
    pd.testing.assert_frame_equal(down, table, check_exact=True)
    assert mean_shift(scores * 2.0**power) == pytest.approx(mean_shift(scores), nan_ok=True)


@LAW
@given(scored(), st.integers(2, 4))
def test_law_01_06_the_same_draws_again_and_actions_never_ranked_change_no_share(scores: Floats, times: int) -> None:
    names = named(scores)
    one = rank_stability(scores, names=names)
    many = rank_stability(np.tile(scores, (times, 1)), names=names)
    kept = ["rank", "median_rank", "first_share", "first", "mean_shift", "unranked_share"]
    pd.testing.assert_frame_equal(many[kept], one[kept], check_exact=False, rtol=1e-12)
    never = np.column_stack([scores, np.full(len(scores), np.nan)])
    pd.testing.assert_frame_equal(rank_stability(never, names=[*names, "Z"]).loc[names], one)
    still = np.tile(scores[:1], (times, 1))
    assert mean_shift(still) == pytest.approx(0.0 if (~np.isnan(scores[0])).any() else math.nan, nan_ok=True)


@LAW
@given(scored())
def test_law_09_the_sentence_names_everyone_who_could_be_first(scores: Floats) -> None:
    names = named(scores)
    table = rank_stability(scores, names=names).rename_axis("action").reset_index()
    told = table[["action", "first_share"]].assign(draws=len(scores))
    sentence = who_could_be_first(pd.concat([told.assign(varied="data"), told.assign(varied="all")]))
    could = set(table.loc[table["first_share"] > 0, "action"])
    assert {name for name in names if name in sentence} == could
    assert (sentence == "") == (not could)

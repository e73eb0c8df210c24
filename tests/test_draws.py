"""Draws within margins of error: their means, spreads and bounds, and closed forms held against them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen import draws as module
from equity_screen.draws import (
    Drawing,
    Drawn,
    Spread,
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
from equity_screen.errors import UsageError
from equity_screen.margins import Z90, GroupMargins, Margins, group_margins
from equity_screen.people import People
from equity_screen.recipe import Uncertainty

NAN = float("nan")
MANY = 40_000
RACES = ("white", "black", "hisp", "other")


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def rng(seed: int = 2030) -> np.random.Generator:
    return np.random.default_rng([seed])


def two_places(*, margin: float = 3.29, of_universe: float = 0.0) -> tuple[People, Margins]:
    population = array(100, 50)
    people = People(population, np.array([[40.0], [10.0]]), population[:, None], ("renters",))
    whole = np.full(2, of_universe)
    return people, Margins(whole, np.full((2, 1), margin), whole[:, None])


# ---------------------------------------------------------------- counts


def test_draws_have_the_mean_and_the_standard_error_of_the_count() -> None:
    drawn = draw_counts(array(100, 10), array(16.45, 8.225), draws=MANY, rng=rng())
    assert drawn.shape == (2, MANY)
    np.testing.assert_allclose(drawn.mean(axis=1), [100.0, 10.0], rtol=0.01)
    np.testing.assert_allclose(drawn.std(axis=1), [10.0, 5.0], rtol=0.02)
    assert drawn.min() > 0


def test_a_wide_margin_keeps_the_mean() -> None:
    drawn = draw_counts(2.0, 2 * 1.645 * 2.0, draws=MANY, rng=rng())  # CV 2
    assert drawn.shape == (MANY,)
    assert drawn.mean() == pytest.approx(2.0, rel=0.05)
    assert drawn.min() >= 0


def test_a_count_that_is_known_is_not_drawn() -> None:
    assert draw_counts(array(7, 0), array(0, 0), draws=3, rng=rng()).tolist() == [[7.0] * 3, [0.0] * 3]


def test_a_count_of_zero_is_drawn_around_zero() -> None:
    for shape in ("gamma", "normal"):
        drawn = draw_counts(0.0, 16.45, draws=MANY, rng=rng(), shape=shape)
        assert drawn.mean() == pytest.approx(0.0, abs=0.2)
        assert drawn.std() == pytest.approx(10.0, rel=0.02)


def test_what_is_missing_stays_missing() -> None:
    drawn = draw_counts(array(NAN, 5, 5), array(1, NAN, 1), draws=4, rng=rng())
    assert np.isnan(drawn).all(axis=1).tolist() == [True, True, False]


def test_a_truncated_normal_is_at_least_zero_and_drifts_up() -> None:
    drawn = draw_counts(array(100, 10), array(16.45, 16.45), draws=MANY, rng=rng(), shape="normal")
    assert drawn.min() >= 0
    assert drawn[0].mean() == pytest.approx(100.0, rel=0.01)
    # Mean of a normal (10, 10) above 0: 10 + 10 φ(1)/Φ(1).
    assert drawn[1].mean() == pytest.approx(10 + 10 * 0.24197 / 0.84134, rel=0.01)


def test_the_seed_decides() -> None:
    first, same, other = (draw_counts(9.0, 5.0, draws=9, rng=rng(seed)).tobytes() for seed in (1, 1, 2))
    assert first == same != other


def test_counts_below_zero_and_unknown_shapes_are_refused() -> None:
    with pytest.raises(UsageError, match=r"a count of -3.0 cannot be drawn: counts are 0 or more"):
        draw_counts(array(1, -3), array(1, 1), draws=2, rng=rng())
    with pytest.raises(UsageError, match=r"no shape 'poisson' to draw: write one of gamma, normal"):
        draw_counts(1.0, 1.0, draws=2, rng=rng(), shape="poisson")


# ---------------------------------------------------------------- groups and universes


def test_a_known_universe_stays_and_the_rest_gives_way() -> None:
    people, margins = two_places()
    drawn = draw_groups(people, margins, draws=500, rng=rng())
    assert drawn.groups.shape == drawn.universes.shape == (2, 1, 500)
    np.testing.assert_array_equal(drawn.universes, np.broadcast_to(people.universes[..., None], (2, 1, 500)))


def test_a_wider_universe_is_drawn_as_group_and_rest() -> None:
    people, margins = two_places(of_universe=2 * 3.29)
    drawn = draw_groups(people, margins, draws=MANY, rng=rng())
    np.testing.assert_allclose(drawn.universes.std(axis=-1).ravel(), [4.0, 4.0], rtol=0.02)
    both = np.corrcoef(drawn.groups[0, 0], drawn.universes[0, 0])[0, 1]
    assert both == pytest.approx(0.5, abs=0.02)  # the group is a quarter of the variance


def test_a_universe_without_a_margin_is_taken_as_it_is() -> None:
    people, margins = two_places(of_universe=NAN)
    drawn = draw_groups(people, margins, draws=5, rng=rng())
    assert drawn.universes[:, 0, 0].tolist() == [100.0, 50.0]


def test_groups_of_one_dimension_share_out_the_drawn_total() -> None:
    population = array(100, 0)
    counts = np.array([[60.0, 30.0, 10.0], [0.0, 0.0, 0.0]])
    people = People(population, counts, np.repeat(population[:, None], 3, axis=1), ("a", "b", "other"))
    margins = Margins(array(10, 5), np.full((2, 3), 8.0), np.array([[10.0] * 3, [5.0] * 3]))
    drawn = draw_groups(people, margins, draws=200, rng=rng(), dimensions={"kind": [0, 1]})
    # Both are nine tenths of the people, in every draw.
    np.testing.assert_allclose(drawn.groups[0, :2].sum(axis=0), 0.9 * drawn.universes[0, 0])
    np.testing.assert_array_equal(drawn.universes[0, 0], drawn.universes[0, 1])
    assert drawn.groups[1, :2].tolist() == np.zeros((2, 200)).tolist()
    assert drawn.groups[0, 2].std() > 0


def test_means_are_kept_when_groups_are_scaled() -> None:
    population = array(1000.0)
    people = People(population, np.array([[700.0, 300.0]]), np.full((1, 2), 1000.0), ("a", "b"))
    margins = Margins(array(0), np.array([[60.0, 60.0]]), np.zeros((1, 2)))
    drawn = draw_groups(people, margins, draws=MANY, rng=rng(), dimensions={"kind": [0, 1]})
    np.testing.assert_allclose(drawn.groups.mean(axis=-1), [[700.0, 300.0]], rtol=0.01)


# ---------------------------------------------------------------- figures


def test_without_margins_every_draw_is_the_figure() -> None:
    people, _ = two_places()
    margins = Margins(np.zeros(2), np.zeros((2, 1)), np.zeros((2, 1)))
    found = drawn_group_figures(csc_array([[2.0], [0.0]]), people, margins=margins, drawing=Drawing(draws=30))
    expected = {"total": 80.0, "mean": 1.6, "mean_rest": 1.2, "gap": 0.4, "ratio": 4 / 3, "share_of_effect": 0.4}
    for name, value in (expected | {"parity": 1.2}).items():
        assert found[name].low.item() == pytest.approx(value), name
        assert found[name].high.item() == pytest.approx(value), name
        assert found[name].sd.item() == pytest.approx(0.0, abs=1e-12), name


def test_drawn_figures_name_those_of_the_closed_forms() -> None:
    people, margins = two_places()
    found = drawn_group_figures(csc_array([[2.0], [0.0]]), people, margins=margins, drawing=Drawing(draws=30))
    assert tuple(found) == GroupMargins._fields
    assert Spread._fields == ("low", "middle", "high", "sd")


def test_relative_figures_of_what_is_negative_for_some_are_undefined() -> None:
    people, margins = two_places()
    effects = csc_array([[2.0, 1.0], [-1.0, 0.0]])
    found = drawn_group_figures(effects, people, margins=margins, drawing=Drawing(draws=30))
    for name in ("ratio", "share_of_effect", "parity"):
        assert np.isnan(found[name].middle).ravel().tolist() == [True, False], name
    assert np.isfinite(found["gap"].middle).all()


def test_a_missing_margin_is_a_missing_figure() -> None:
    people, margins = two_places(margin=NAN)
    found = drawn_group_figures(csc_array([[2.0], [0.0]]), people, margins=margins, drawing=Drawing(draws=30))
    assert all(np.isnan(part).all() for spread in found.values() for part in spread)


def test_neither_pieces_nor_columns_nor_more_groups_change_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    people, margins = two_places()
    effects = csc_array([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0]])
    drawing = Drawing(draws=50, seed=7)
    whole = drawn_group_figures(effects, people, margins=margins, drawing=drawing)
    monkeypatch.setattr(module, "HELD", 50)
    pieces = drawn_group_figures(effects, people, margins=margins, drawing=drawing)
    monkeypatch.undo()
    alone = drawn_group_figures(effects[:, [1]], people, margins=margins, drawing=drawing)
    twice = People(people.population, people.groups[:, [0, 0]], people.universes[:, [0, 0]], ("renters", "again"))
    both = Margins(margins.population, margins.groups[:, [0, 0]], margins.universes[:, [0, 0]])
    more = drawn_group_figures(effects, twice, margins=both, drawing=drawing)
    for name, spread in whole.items():
        for part, other in zip(spread, pieces[name], strict=True):
            assert part.tobytes() == other.tobytes()
        assert spread.sd[1].tobytes() == alone[name].sd[0].tobytes()
        assert spread.sd[:, 0].tobytes() == np.ascontiguousarray(more[name].sd[:, 0]).tobytes()
    # Equal counts, drawn apart.
    assert (more["total"].sd[:, 1] != more["total"].sd[:, 0]).all()


def test_first_draws_stay_as_they_were_when_more_are_made() -> None:
    people, margins = two_places()
    few, more = (
        module._drawn_figures([(csc_array([[1.0], [0.0]]),) * 2], people, [0], margins=margins, drawing=Drawing(draws))
        for draws in (30, 100)
    )
    assert few["total"].tobytes() == np.ascontiguousarray(more["total"][..., :30]).tobytes()


def test_scaled_groups_have_narrower_shares() -> None:
    population = array(100, 100)
    counts = np.array([[60.0, 40.0], [20.0, 80.0]])
    people = People(population, counts, np.repeat(population[:, None], 2, axis=1), ("a", "b"))
    margins = Margins(np.zeros(2), np.full((2, 2), 15.0), np.zeros((2, 2)))
    effects = csc_array([[1.0], [0.0]])
    free = drawn_group_figures(effects, people, margins=margins, drawing=Drawing(2000, 1))
    drawing = Drawing(2000, 1, {"kind": [0, 1]})
    held = drawn_group_figures(effects, people, margins=margins, drawing=drawing)
    assert (held["total"].sd < free["total"].sd).all()
    # What one has more, the other has less.
    assert held["total"].sd[0, 0] == pytest.approx(held["total"].sd[0, 1])


def test_own_doses_are_drawn_for_those_whom_an_uptake_names() -> None:
    people, margins = two_places()
    rates = np.array([[0.5]])
    effects = csc_array((array(0.8), array(0).astype(int), array(0, 1).astype(int)), shape=(2, 1))
    own = csc_array((array(2.0), effects.indices, effects.indptr), shape=(2, 1))
    found = drawn_group_figures(effects, people, margins=margins, drawing=Drawing(2000, 1), own=own, rates=rates)
    closed = group_margins(effects, people, margins=margins, own=own, rates=rates)
    assert found["total"].middle.item() == pytest.approx(40.0, rel=0.02)  # 40 people × 0.5 × 2
    for name in GroupMargins._fields:
        assert Z90 * found[name].sd.item() == pytest.approx(getattr(closed, name).item(), rel=0.06), name


# ---------------------------------------------------------------- closed forms and draws


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> tuple[csc_array, People, Margins]:
    table = pd.read_csv(shared_data.parent / "golden" / "golden.csv", dtype={"id": "str"})
    counts, of_counts = (table[[f"{p}{g}" for g in RACES]].to_numpy(dtype=np.float64) for p in ("", "moe_"))
    population, of_people = (table[c].to_numpy(dtype=np.float64) for c in ("pop", "moe_pop"))
    people = People(population, counts, np.repeat(population[:, None], len(RACES), axis=1), RACES)
    effects = csc_array(table[["x_trees", "x_ev", "x_freeway", "x_net"]].to_numpy(dtype=np.float64))
    return effects, people, Margins(of_people, of_counts, np.repeat(of_people[:, None], len(RACES), axis=1))


@pytest.mark.shared
@pytest.mark.slow
def test_closed_forms_are_those_of_twenty_thousand_draws(golden: tuple[csc_array, People, Margins]) -> None:
    """METHODS I §3: totals within 1 %, parity within 2 % where counts are moderate, 5–13 % low where they are few."""
    effects, people, margins = golden
    closed = group_margins(effects, people, margins=margins)
    drawn = drawn_group_figures(effects, people, margins=margins, drawing=Drawing(20_000, 2030))
    assert (np.abs(closed.total / (Z90 * drawn["total"].sd) - 1.0) < 0.015).all()
    for name in ("mean", "mean_rest", "gap", "share_of_effect", "parity"):
        ratio = getattr(closed, name) / (Z90 * drawn[name].sd)
        defined = ~np.isnan(ratio[:, :3])
        assert (np.abs(ratio[:, :3][defined] - 1.0) < 0.025).all(), name
    of_few = (closed.parity / (Z90 * drawn["parity"].sd))[0, 3]
    assert 0.87 <= of_few <= 0.95


@pytest.mark.shared
def test_only_groups_with_small_counts_are_drawn(golden: tuple[csc_array, People, Margins]) -> None:
    effects, people, margins = golden
    np.testing.assert_allclose(cell_variation(people, margins), [0.21, 0.26, 0.33, 0.70], atol=0.005)
    closed = group_margins(effects, people, margins=margins)
    found = with_draws(effects, people, margins=margins, uncertainty=Uncertainty(draws=400))
    for name in GroupMargins._fields:
        ours, theirs = getattr(found, name), getattr(closed, name)
        np.testing.assert_array_equal(ours[:, :2], theirs[:, :2])
        defined = ~np.isnan(ours[:, 2:])
        # A total is linear: its closed form is exact. Others are at least as wide as theirs, and some wider.
        assert (ours[:, 2:][defined] >= theirs[:, 2:][defined]).all(), name
        assert (ours[:, 2:][defined] != theirs[:, 2:][defined]).any() == (name != "total"), name
    np.testing.assert_allclose(found.total, closed.total, rtol=0.2)
    few = (people.groups[:, 3:], people.universes[:, 3:])
    other = People(people.population, *few, ("other",))
    theirs = Margins(margins.population, margins.groups[:, 3:], margins.universes[:, 3:])
    alone = with_draws(effects, other, margins=theirs, uncertainty=Uncertainty(draws=400))
    assert alone.total[:, 0].tolist() == found.total[:, 3].tolist()
    # Another generator, as it has another place: equal but for chance.
    np.testing.assert_allclose(alone.parity[:, 0], found.parity[:, 3], rtol=0.2)


def test_the_closed_form_stays_where_counts_are_large() -> None:
    people, margins = two_places()
    effects = csc_array([[2.0], [0.0]])
    found = with_draws(effects, people, margins=margins, uncertainty=Uncertainty(draw_above=0.5))
    assert found.total.tolist() == [[6.58]]


def test_counts_lost_in_their_margins_never_narrow_a_figure() -> None:
    # 50 ± 800 people among two million: nearly all draws of them are near 0.
    population = array(1e6, 1e6)
    people = People(population, np.array([[50.0], [0.0]]), population[:, None], ("few",))
    margins = Margins(np.zeros(2), np.array([[800.0], [0.0]]), np.zeros((2, 1)))
    effects = csc_array([[2.0], [1.0]])
    found = with_draws(effects, people, margins=margins, uncertainty=Uncertainty(draws=400))
    closed = group_margins(effects, people, margins=margins)
    assert found.total.tolist() == [[1600.0]]
    for name in GroupMargins._fields:
        assert getattr(found, name).item() >= getattr(closed, name).item(), name


@pytest.mark.parametrize("seed", range(4))
def test_a_total_is_never_drawn(seed: int) -> None:
    # 0 ± 3.29 people in each place: draws of their total are, by chance, wider apart or narrower.
    people, margins = two_places()
    people = people._replace(groups=np.array([[1.0], [0.0]]))
    effects = csc_array([[0.0], [2.0]])
    found = with_draws(effects, people, margins=margins, uncertainty=Uncertainty(draws=100, seed=seed))
    assert found.total.tolist() == [[6.58]]


def test_cell_variation_is_that_which_a_person_of_the_group_meets() -> None:
    people, margins = two_places()
    assert cell_variation(people, margins).tolist() == [0.08]  # (2 + 2) / (40 + 10)
    assert np.isnan(cell_variation(people, two_places(margin=NAN)[1])).all()


# ---------------------------------------------------------------- replicates


def test_replicates_that_go_together_widen_a_total_and_not_a_share() -> None:
    people, _ = two_places()
    up = np.array([1.1, 0.9] * 40)
    tables = people.groups[..., None] * up
    wholes = people.universes[..., None] * up
    found = from_replicates(csc_array([[2.0], [1.0]]), people, replicates=tables, universes=wholes)
    assert found.total.item() == pytest.approx(1.645 * 2 * 0.1 * 90.0)  # √4 × a tenth of 2 × 40 + 10
    for name in ("mean", "mean_rest", "gap", "ratio", "share_of_effect", "parity"):
        assert getattr(found, name).item() == pytest.approx(0.0, abs=1e-12), name


def test_replicates_of_independent_places_give_the_closed_form() -> None:
    """Four replicates that move one neighbourhood each: their variances add, as those of margins do."""
    people, _ = two_places()
    away = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]) * 1e-3
    found = from_replicates(csc_array([[2.0], [0.5]]), people, replicates=people.groups[..., None] + away[:, None])
    size = Z90 * 2.0**0.5 * 1e-3  # 4/4 × 2 × 0.001², of each place
    margins = Margins(np.zeros(2), np.full((2, 1), size), np.zeros((2, 1)))
    closed = group_margins(csc_array([[2.0], [0.5]]), people, margins=margins)
    for name in GroupMargins._fields:
        assert getattr(found, name).item() == pytest.approx(getattr(closed, name).item(), rel=1e-5), name


def test_replicates_of_other_people_are_refused() -> None:
    people, _ = two_places()
    with pytest.raises(UsageError, match=r"replicates of shape \(3, 1, 4\) for \(2, 1\) people: give one layer"):
        from_replicates(csc_array([[2.0], [1.0]]), people, replicates=np.ones((3, 1, 4)))
    with pytest.raises(UsageError, match=r"replicates of shape \(2, 1, 3\) for \(2, 1\) people: give one layer"):
        from_replicates(csc_array([[2.0], [1.0]]), people, replicates=np.ones((2, 1, 4)), universes=np.ones((2, 1, 3)))


# ---------------------------------------------------------------- indicators


def test_indicators_are_drawn_and_kept_within_their_range() -> None:
    estimates, margins = np.array([[50.0], [99.0]]), np.array([[16.45], [16.45]])
    drawn = percentile_draws(estimates, margins, draws=4000, seed=1, score=lambda x: x[:, 0])
    assert drawn.shape == (2, 4000)
    assert drawn[0].mean() == pytest.approx(50.0, abs=0.5)
    assert drawn[0].std() == pytest.approx(10.0, rel=0.04)
    assert drawn[1].max() == 100.0


def test_draws_of_indicators_do_not_hang_on_how_many_are_made() -> None:
    estimates, margins = np.array([[50.0, 20.0], [10.0, 5.0]]), np.ones((2, 2))
    few, more = (percentile_draws(estimates, margins, draws=n, seed=9, score=lambda x: x.sum(axis=1)) for n in (3, 8))
    assert few.tobytes() == np.ascontiguousarray(more[:, :3]).tobytes()


def test_an_indicator_without_a_margin_has_no_draws() -> None:
    drawn = percentile_draws(
        np.array([[5.0], [5.0]]), np.array([[NAN], [1.0]]), draws=3, seed=1, score=lambda x: x[:, 0]
    )
    assert np.isnan(drawn).all(axis=1).tolist() == [True, False]


def test_probabilities() -> None:
    drawn = np.array([[0.9, 0.8, 0.95, 0.9], [0.1, 0.2, 0.1, NAN]])
    np.testing.assert_array_equal(probability_at_least(drawn, 0.9), [0.75, NAN])
    np.testing.assert_array_equal(probability_at_least(drawn[:1].repeat(2, axis=0), array(0.9, 0.81)), [0.75, 0.75])
    assert probability_at_least(drawn[0], 0.0).tolist() == 1.0


def test_intervals() -> None:
    low, high = interval(np.stack([np.arange(101.0), np.full(101, NAN)]))
    np.testing.assert_allclose([low, high], [[5.0, NAN], [95.0, NAN]], rtol=1e-14)
    low, high = interval(np.arange(101.0), level=0.5)
    assert [low.tolist(), high.tolist()] == [25.0, 75.0]


def test_a_level_is_a_share() -> None:
    with pytest.raises(UsageError, match=r"level = 90 is no share of the draws: give one between 0 and 1"):
        interval(np.arange(3.0), level=90)


def test_drawn_counts_come_with_their_universes() -> None:
    assert Drawn._fields == ("groups", "universes")

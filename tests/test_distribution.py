"""All measures of all effects at once: by hand, and each against the function that measures it alone."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.sparse import csc_array

from equity_screen.distribution import Distribution, distribution
from equity_screen.entropy import atkinson, theil, theil_between
from equity_screen.equity import by_group
from equity_screen.errors import UsageError
from equity_screen.gradient import concentration_index, generalised_concentration_index
from equity_screen.inequality import absolute_gini, gini, mid_rank
from equity_screen.overlay import overlay
from equity_screen.people import People, people_of
from equity_screen.synthetic import four_actions, four_zones
from equity_screen.welfare import kolm_pollak_ede

NAN = float("nan")


def people(seed: int = 0, count: int = 30) -> People:
    """Three groups that share out the people, and one counted among only some of them."""
    rng = np.random.default_rng(seed)
    shared = np.floor(100 * rng.random((count, 3)))
    population = shared.sum(axis=1)
    universe = np.floor(population * rng.random(count))
    own = np.floor(universe * rng.random(count))
    universes = np.column_stack([*[population] * 3, universe])
    return People(population, np.column_stack([shared, own]), universes, ("a", "b", "c", "own"))


def effects(seed: int = 0, *, count: int = 30, actions: int = 7) -> csc_array:
    rng = np.random.default_rng(seed)
    dense = rng.random((count, actions)) * (rng.random((count, actions)) < 0.4)
    dense[:, -1] = 0.0
    dense[:, 0] = 2.0
    return csc_array(dense)


def measured(x: csc_array, who: People, **asked: object) -> Distribution:
    rank = mid_rank(np.arange(len(who.population), dtype=float), who.population)
    return distribution(x, who, **{"ranks": {"income": rank}, "partitions": {"race": [0, 1, 2]}, **asked})


# ---------------------------------------------------------------- by hand


def test_an_effect_of_2_for_ten_of_twenty_people_five_of_them_renters() -> None:
    who = People(np.array([10.0, 10.0]), np.array([[5.0], [0.0]]), np.array([[10.0], [10.0]]), ("renters",))
    ranks = {"income": np.array([0.25, 0.75])}
    found = distribution(csc_array([[2.0], [0.0]]), who, ranks=ranks, partitions={"tenure": [0]}, kappa=0.0)
    assert (found.totals.item(), found.means.item()) == (10.0, 2.0)
    assert found.means_rest.item() == pytest.approx(10 / 15)
    assert found.gaps.item() == pytest.approx(2 - 10 / 15)
    assert found.ratios.item() == pytest.approx(3.0)
    assert (found.shares.item(), found.people_shares.item(), found.parity.item()) == (0.5, 0.25, 2.0)
    assert (found.total.item(), found.mean.item(), found.gci.item(), found.ci.item()) == (20.0, 1.0, -0.5, -0.5)
    assert found.theil.item() == pytest.approx(np.log(2))
    assert found.ede.tolist() == [[1.0, 2.0]]


# ---------------------------------------------------------------- against each measure on its own


def test_every_measure_is_that_of_its_own_function() -> None:
    x, who = effects(), people()
    rank = mid_rank(np.arange(30.0), who.population)
    found = measured(x, who, kappa=-0.7)
    same = {
        "gini": gini(x, who.population),
        "absolute_gini": absolute_gini(x, who.population),
        "theil": theil(x, who.population),
        "atkinson": atkinson(x, who.population, epsilon=0.5),
    }
    for name, values in same.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-12, err_msg=name)
    ci = concentration_index(x, who.population, rank=rank)
    gci = generalised_concentration_index(x, who.population, rank=rank)
    np.testing.assert_allclose(found.ci[:, 0], ci, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.gci[:, 0], gci, rtol=1e-12, atol=1e-15)
    parts = theil_between(x, who.groups[:, :3])
    np.testing.assert_allclose(found.theil_between[:, 0], parts.between, rtol=1e-12)
    np.testing.assert_allclose(found.theil_within[:, 0], parts.within, rtol=1e-12)
    dense = x.toarray()
    for g in range(4):
        one = [float(kolm_pollak_ede(column, who.groups[:, g], kappa=-0.7)) for column in dense.T]
        np.testing.assert_allclose(found.ede[:, 1 + g], one, rtol=1e-11, atol=1e-13)


def test_figures_of_groups_are_those_of_the_table_by_group() -> None:
    city, plan = four_zones(), four_actions()
    laid, who = overlay(city, plan), people_of(four_zones())
    table = by_group(laid, plan.effects, people=who, groups={})
    found = distribution(laid.per_person.matrix, who, ranks={}, partitions={})
    known = table["total"].notna().to_numpy()
    columns = {"total": "totals", "mean": "means", "mean_rest": "means_rest", "gap": "gaps", "ratio": "ratios"}
    columns |= {"share_of_effect": "shares", "parity": "parity"}
    for column, field in columns.items():
        ours = getattr(found, field).ravel()
        np.testing.assert_allclose(ours[known], table.loc[known, column], rtol=1e-12, err_msg=column)


def test_any_chunk_of_the_effects_gives_the_same_bytes() -> None:
    x, who = effects(actions=9), people()
    whole = measured(x, who, kappa=0.4)
    for cut in (1, 4, 8):
        parts = [measured(csc_array(x[:, :cut]), who, kappa=0.4), measured(csc_array(x[:, cut:]), who, kappa=0.4)]
        for name, values in whole._asdict().items():
            if name != "people_shares":
                both = np.concatenate([getattr(part, name) for part in parts])
                assert both.tobytes() == values.tobytes(), (name, cut)


@pytest.mark.parametrize("together", [1, 4, 100])
def test_threads_that_measure_some_effects_each_give_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    x, who, kappa = effects(actions=9), people(), np.linspace(-1.0, 1.0, 9)
    whole = measured(x, who, kappa=kappa)
    monkeypatch.setattr(sys.modules[distribution.__module__], "_TOGETHER", together)
    for name, values in measured(x, who, kappa=kappa)._asdict().items():
        assert values.tobytes() == getattr(whole, name).tobytes(), name


# ---------------------------------------------------------------- the edges


def test_nothing_for_anybody_has_no_relative_measure_and_absolute_ones_of_0() -> None:
    found = measured(effects(), people())
    for name in ("gini", "theil", "atkinson"):
        assert np.isnan(getattr(found, name)[-1]), name
    assert found.absolute_gini[-1] == 0
    assert np.isnan(found.parity[-1]).all()
    assert (found.totals[-1] == 0).all()


def test_the_same_for_everyone_is_in_line_for_every_group_of_everyone() -> None:
    found = measured(effects(), people())
    np.testing.assert_allclose(found.parity[0], 1.0, rtol=1e-12)
    np.testing.assert_allclose([found.gini[0], found.theil[0]], 0.0, atol=1e-12)
    assert (found.ci[0, 0], found.gci[0, 0]) == (0.0, 0.0), "what a sum that cancels leaves has no direction"


def test_losses_have_differences_and_no_ratios() -> None:
    who = People(np.array([1.0, 1.0]), np.array([[1.0], [0.0]]), np.array([[1.0], [1.0]]), ("a",))
    found = distribution(csc_array([[2.0], [-1.0]]), who, ranks={"r": np.array([0.25, 0.75])}, partitions={"d": [0]})
    assert found.gaps.item() == 3.0
    assert found.gci.item() == -0.75
    for name in ("ratios", "shares", "parity", "ci", "gini", "theil", "theil_between", "atkinson"):
        assert np.isnan(getattr(found, name)).all(), name


def test_without_a_kappa_there_is_no_level_and_with_a_missing_one_no_number() -> None:
    x, who = effects(), people()
    assert measured(x, who).ede is None
    kappas = np.full(x.shape[1], 0.5)
    kappas[2] = NAN
    assert np.isnan(measured(x, who, kappa=kappas).ede[2]).all()
    assert not np.isnan(measured(x, who, kappa=kappas).ede[1]).any()


def test_a_mean_of_the_rest_that_cancels_is_0_and_no_ratio_is_taken_to_it() -> None:
    everyone = np.ones(4)
    who = People(everyone, np.array([[1.0], [0], [0], [0]]), everyone[:, None], ("a",))
    found = distribution(csc_array([[1.0], [0.1], [0.2], [-0.3]]), who, ranks={}, partitions={})
    assert (found.means_rest.item(), found.gaps.item()) == (0.0, 1.0)


def test_shares_that_add_up_to_the_people_but_for_rounding_leave_nobody_out() -> None:
    groups = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    who = People(np.array([0.6, 0.6]), groups, np.full((2, 3), 0.6), ("a", "b", "c"))
    found = distribution(csc_array([[1.0], [3.0]]), who, ranks={}, partitions={"d": [0, 1, 2]})
    parts = theil_between(np.array([1.0, 3.0]), groups)
    assert (found.theil_between.item(), found.theil_within.item()) == (float(parts.between), float(parts.within))


@pytest.mark.parametrize("members", [[0, 0, 1, 2], [3]])
def test_groups_that_overlap_or_have_their_own_universe_share_nothing_out(members: list[int]) -> None:
    found = measured(effects(), people(), partitions={"d": members})
    assert np.isnan(found.theil_between).all()


def test_no_effect_and_no_ranking_give_empty_arrays() -> None:
    found = distribution(csc_array((30, 0)), people(), ranks={}, partitions={})
    assert (found.totals.shape, found.ci.shape, found.theil_between.shape) == ((0, 4), (0, 0), (0, 0))


def test_effects_of_other_neighbourhoods_are_refused() -> None:
    with pytest.raises(UsageError, match="effects of 30 neighbourhoods for people of 5; give the same"):
        distribution(effects(), people(count=5), ranks={}, partitions={})


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="dimension 'race' names group 9; there are groups 0 to 3"):
        measured(effects(), people(), partitions={"race": [9]})

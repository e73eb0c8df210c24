"""Margins of error of all group totals in closed form, against a thousand redraws of all counts.

A redraw of everything for one thousand draws would take minutes, so fewer draws are timed and multiplied up; that
both give one standard deviation is asserted on 40,000 draws of the counts of a hundred neighbourhoods.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from benchmarks.harness import Goal, Workload, measure
from equity_screen.margins import margins_of_totals, standard_error

Floats = NDArray[np.float64]

SEED = 2030
ACTIONS, NEIGHBOURHOODS, GROUPS, REACHED = 1_000, 85_000, 20, 20
DRAWS, TIMED = 1_000, {True: 4, False: 20}
CHECKED = 40_000  # draws of the check: the error of a standard deviation is 0.35 % of it
SAME = 0.02
FASTER = 1_000.0


@dataclass(frozen=True, slots=True)
class Given:
    """Effects by neighbourhood, and counts of groups there with their margins."""

    effects: csc_array
    counts: Floats
    margins: Floats


def given(*, actions: int = ACTIONS, neighbourhoods: int = NEIGHBOURHOODS, groups: int = GROUPS) -> Given:
    """Make up counts with margins of a third of them, and for each action twenty neighbourhoods."""
    rng = np.random.default_rng(SEED)
    counts = np.rint(50.0 + 500.0 * rng.random((neighbourhoods, groups)))
    row = (rng.integers(0, neighbourhoods - REACHED, actions)[:, None] + np.arange(REACHED)).ravel()
    bounds = np.arange(0, len(row) + 1, REACHED)
    effects = csc_array((0.1 + rng.random(len(row)), row, bounds), shape=(neighbourhoods, actions))
    return Given(effects, counts, counts * (0.2 + 0.2 * rng.random(counts.shape)))


def closed(case: Given) -> Floats:
    """Give the standard errors of all totals in closed form."""
    return np.asarray(standard_error(margins_of_totals(case.effects, case.margins)))


def redrawn(case: Given, *, draws: int) -> Floats:
    """Draw all counts again and again, and give the standard deviation of the totals."""
    rng, spread = np.random.default_rng(SEED), np.asarray(standard_error(case.margins))
    first, second = np.zeros((2, case.effects.shape[1], case.counts.shape[1]))
    for _ in range(draws):
        totals = case.effects.T @ (spread * rng.standard_normal(spread.shape))
        first += totals
        second += totals**2
    return np.asarray(np.sqrt((second - first**2 / draws) / (draws - 1)))


def same_spread(ours: Floats, peer: Floats) -> None:
    """Raise AssertionError unless both standard deviations agree to 2 %."""
    np.testing.assert_allclose(ours, peer, rtol=SAME)


def goals(*, quick: bool) -> Iterator[Goal]:
    """Closed form against the redraw, timed on a few draws and multiplied up, once both are seen to be equal."""
    small = given(actions=5, neighbourhoods=100, groups=2)
    same_spread(closed(small), redrawn(small, draws=CHECKED))
    case, timed = given(), TIMED[quick]
    workload: Workload[Floats] = Workload(
        f"margins of the totals of {ACTIONS} actions × {NEIGHBOURHOODS} neighbourhoods × {GROUPS} groups",
        f"{DRAWS} redraws, extrapolated from {timed} × {DRAWS // timed}; standard deviations equal to 2 %",
        partial(closed, case),
        partial(redrawn, case, draws=timed),
        FASTER,
        lambda _, __: None,  # a few draws say nothing of a standard deviation: it was compared above
    )
    yield measure(workload, quick=quick, times=DRAWS / timed)

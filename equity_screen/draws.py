"""People and indicators drawn within their margins of error; figures of every draw, and of replicate tables.

Used where a closed form is not enough: where counts are small beside their margins, or where a figure is no smooth
function of them, as a rank or a threshold is. The same seed gives the same draws, in whatever pieces they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array
from scipy.special import ndtr, ndtri

from equity_screen.errors import UsageError
from equity_screen.inequality import as_columns
from equity_screen.margins import (
    GroupMargins,
    Margins,
    coefficient_of_variation,
    doses_of,
    group_margins,
    replicate_margin,
    standard_error,
)
from equity_screen.people import Floats, People, quotient
from equity_screen.recipe import Uncertainty

# Draws that have a generator of their own: the same number for every size of the work.
AT_ONCE = 20
# Numbers held at once for one figure of one group or dimension.
HELD = 20_000_000
# Figures that are no linear function of the counts.
DRAWN = tuple(name for name in GroupMargins._fields if name != "total")
NO_DIMENSIONS: Mapping[str, Sequence[int]] = MappingProxyType({})


class Drawn(NamedTuple):
    """Counts of groups and of their universes in every draw, each of shape (n, groups, draws) [people]."""

    groups: Floats
    universes: Floats


class Drawing(NamedTuple):
    """How often is drawn, with what seed, and which groups share out one total: dimension → their positions."""

    draws: int = 1000
    seed: int = 2030
    dimensions: Mapping[str, Sequence[int]] = NO_DIMENSIONS


class Spread(NamedTuple):
    """5 %, 50 % and 95 % quantiles of a figure over the draws, and its standard deviation: (effects, groups) each."""

    low: Floats
    middle: Floats
    high: Floats
    sd: Floats


def _gamma(estimate: Floats, error: Floats, rng: np.random.Generator) -> Floats:
    some = (estimate > 0) & (error > 0)
    shape = np.square(np.divide(estimate, error, out=np.ones_like(error), where=some))
    return rng.standard_gamma(shape) * np.divide(np.square(error), estimate, out=np.zeros_like(error), where=some)


def _truncated_normal(estimate: Floats, error: Floats, rng: np.random.Generator) -> Floats:
    some = error > 0
    lost = ndtr(-np.divide(estimate, error, out=np.zeros_like(error), where=some))
    return np.asarray(np.maximum(estimate + error * ndtri(lost + (1.0 - lost) * rng.random(estimate.shape)), 0.0))


SHAPES: Mapping[str, Callable[[Floats, Floats, np.random.Generator], Floats]] = MappingProxyType(
    {"gamma": _gamma, "normal": _truncated_normal}
)


def draw_counts(
    estimates: ArrayLike, margins: ArrayLike, *, draws: int, rng: np.random.Generator, shape: str = "gamma"
) -> Floats:
    r"""Draw counts within their margins of error.

    Parameters
    ----------
    estimates, margins : array_like
        Counts ≥ 0 and their 90 % margins [people].
    draws : int
        How many draws.
    rng : numpy.random.Generator
        Source of the draws.
    shape : {"gamma", "normal"}
        ``gamma`` has the mean and the standard error of the count; ``normal`` is cut off at 0, and its mean is above
        the count where the margin is wide.

    Returns
    -------
    ndarray, shape (…, draws)
        Counts drawn; the count itself where its margin is 0, NaN where one of both is.

    Raises
    ------
    UsageError
        A count below 0, or an unknown shape.

    Notes
    -----
    Gamma of shape :math:`(\hat\theta/SE)^2` and scale :math:`SE^2/\hat\theta`. No gamma has the mean 0: a count of 0
    with a margin is drawn from a normal distribution around 0, below 0 as often as above. A single draw below 0 is no
    number of people; but sums over many such neighbourhoods neither drift upward nor lose their margin.

    Examples
    --------
    >>> drawn = draw_counts([100.0, 7.0], [16.45, 0.0], draws=2000, rng=np.random.default_rng(2030))
    >>> drawn[1].min() == drawn[1].max() == 7.0, abs(drawn[0].mean() - 100.0) < 1.0, float(drawn[0].std().round())
    (np.True_, np.True_, 10.0)
    """
    if shape not in SHAPES:
        msg = f"no shape {shape!r} to draw: write one of {', '.join(SHAPES)}"
        raise UsageError(msg)
    counts, errors = np.broadcast_arrays(np.asarray(estimates, dtype=np.float64), standard_error(margins))
    if (counts < 0).any():
        msg = f"a count of {float(np.nanmin(counts))} cannot be drawn: counts are 0 or more"
        raise UsageError(msg)
    known = ~(np.isnan(counts) | np.isnan(errors))
    size = (*counts.shape, draws)
    count, error = (np.broadcast_to(np.where(known, numbers, 0.0)[..., None], size) for numbers in (counts, errors))
    drawn = SHAPES[shape](count, error, rng)
    drawn = np.where(count == 0, error * rng.standard_normal(size), np.where(error > 0, drawn, count))
    return np.where(known[..., None], drawn, np.nan)


def draw_groups(
    people: People,
    margins: Margins,
    *,
    draws: int,
    rng: np.random.Generator,
    dimensions: Mapping[str, Sequence[int]] = NO_DIMENSIONS,
) -> Drawn:
    """Draw the counts of groups and of their universes, neighbourhood by neighbourhood.

    Parameters
    ----------
    people : People
        People by neighbourhood.
    margins : Margins
        Their margins.
    draws : int
        How many draws.
    rng : numpy.random.Generator
        Source of the draws.
    dimensions : mapping of str to sequence of int, optional
        Positions of groups that share out one universe: in every draw they are scaled together, so that they are the
        same part of the drawn universe as they are of the counted one. Their own margins then become narrower.

    Returns
    -------
    Drawn
        Groups and universes.

    Notes
    -----
    As in :func:`equity_screen.margins.group_margins`: the rest of the universe is drawn beside the group where the
    universe's margin is the wider, else the universe is drawn by itself; one without a margin is taken as it is.
    A group may so exceed its universe in a draw: cut there, its mean would shift.

    Examples
    --------
    >>> people = People(np.array([10.0]), np.array([[4.0, 6.0]]), np.array([[10.0, 10.0]]), ("owners", "renters"))
    >>> margins = Margins(np.zeros(1), np.array([[2.0, 3.0]]), np.zeros((1, 2)))
    >>> drawn = draw_groups(people, margins, draws=5, rng=np.random.default_rng(1), dimensions={"tenure": [0, 1]})
    >>> drawn.groups.sum(axis=1).round(9).tolist()
    [[10.0, 10.0, 10.0, 10.0, 10.0]]
    """
    groups = draw_counts(people.groups, margins.groups, draws=draws, rng=rng)
    universes = np.empty_like(groups)
    together = sorted({g for members in dimensions.values() for g in members})
    alone = np.setdiff1d(np.arange(groups.shape[1]), together)
    universes[:, alone] = _universes(people, margins, groups, alone=alone, rng=rng)
    for members in dimensions.values():
        first = list(members)[:1]
        counted = people.universes[:, first]
        whole = draw_counts(counted, np.nan_to_num(margins.universes[:, first]), draws=draws, rng=rng)
        part = quotient(people.groups[:, list(members)].sum(axis=1, keepdims=True), counted)[..., None]
        summed = groups[:, list(members)].sum(axis=1, keepdims=True)
        scale = np.divide(np.nan_to_num(part) * whole, summed, out=np.zeros_like(whole), where=summed != 0)
        groups[:, list(members)] *= scale
        universes[:, list(members)] = whole
    return Drawn(groups, universes)


def _universes(
    people: People, margins: Margins, groups: Floats, *, alone: NDArray[np.intp], rng: np.random.Generator
) -> Floats:
    """Draw the universes of groups that stand alone: the rest beside the group, or the whole by itself."""
    group, universe = margins.groups[:, alone], np.nan_to_num(margins.universes[:, alone], nan=0.0)
    beside = universe >= group
    whole, mine = people.universes[:, alone], people.groups[:, alone]
    counted = np.where(beside, np.maximum(whole - mine, 0.0), whole)
    margin = np.where(beside, np.sqrt(np.maximum(universe**2 - group**2, 0.0)), universe)
    drawn = draw_counts(counted, margin, draws=groups.shape[-1], rng=rng)
    return drawn + np.where(beside[..., None], groups[:, alone], 0.0)


def drawn_group_figures(
    effects: csc_array,
    people: People,
    *,
    margins: Margins,
    drawing: Drawing,
    own: csc_array | None = None,
    rates: Floats | None = None,
) -> dict[str, Spread]:
    """Figures of every effect and group over draws of the people.

    Parameters
    ----------
    effects : csc_array, shape (n, effects)
        Effect per person.
    people : People
        People by neighbourhood.
    margins : Margins
        Their margins.
    drawing : Drawing
        Draws, seed, and groups that share out one total.
    own : csc_array, optional
        Effect per person who takes it up, on the same pairs.
    rates : ndarray, shape (effects, groups), optional
        Share of each group who take each effect up; NaN where an effect does not name the group.

    Returns
    -------
    dict of str to Spread
        By the figures of :class:`equity_screen.margins.GroupMargins`; NaN where a draw of the figure is undefined.

    Examples
    --------
    >>> people = People(np.array([10.0]), np.array([[4.0]]), np.array([[10.0]]), ("renters",))
    >>> known = Margins(np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1)))
    >>> found = drawn_group_figures(csc_array([[2.0]]), people, margins=known, drawing=Drawing(draws=5))
    >>> found["total"].low.tolist(), found["total"].high.tolist(), found["parity"].middle.tolist()
    ([[8.0]], [[8.0]], [[1.0]])
    """
    shape = (effects.shape[1], len(people.names))
    found = {name: Spread(*np.full((4, *shape), np.nan)) for name in GroupMargins._fields}
    for block in _blocks(len(people.names), drawing.dimensions):
        doses = [_doses(effects, people, g, own=own, rates=rates) for g in block]
        for columns in _pieces(shape[0], len(block) * drawing.draws):
            parts = [(x[:, columns], y[:, columns]) for x, y in doses]
            figures = _drawn_figures(parts, people, block, margins=margins, drawing=drawing)
            for name, values in figures.items():
                for table, part in zip(found[name], _spread(values), strict=True):
                    table[columns, block] = part
    return found


def _blocks(groups: int, dimensions: Mapping[str, Sequence[int]]) -> list[list[int]]:
    """List the groups that are drawn together: those of a dimension; each other one by itself."""
    members = [list(positions) for positions in dimensions.values()]
    together = {g for positions in members for g in positions}
    return members + [[g] for g in range(groups) if g not in together]


def _pieces(effects: int, each: int) -> Iterator[slice]:
    step = max(HELD // max(each, 1), 1)
    return (slice(start, min(start + step, effects)) for start in range(0, effects, step))


def _doses(
    effects: csc_array, people: People, group: int, *, own: csc_array | None, rates: Floats | None
) -> tuple[csc_array, csc_array]:
    """Effect per person of the group and of the rest."""
    if own is None or rates is None or np.isnan(rates[:, group]).all():
        doses = as_columns(effects)
        return doses, doses
    return doses_of(effects, _some(people, [group]), own=own, rate=rates[:, group])


def _some(people: People, groups: Sequence[int]) -> People:
    names = tuple(people.names[g] for g in groups)
    return People(people.population, people.groups[:, groups], people.universes[:, groups], names, people.known)


def _drawn_figures(
    doses: Sequence[tuple[csc_array, csc_array]],
    people: People,
    block: Sequence[int],
    *,
    margins: Margins,
    drawing: Drawing,
) -> dict[str, Floats]:
    """Figures of some effects for a block of groups in every draw: (effects, groups, draws)."""
    mine = _some(people, block)
    theirs = Margins(margins.population, margins.groups[:, block], margins.universes[:, block])
    dimensions = {"": range(len(block))} if len(block) > 1 else NO_DIMENSIONS
    pieces = []
    for piece in range(0, drawing.draws, AT_ONCE):
        rng = np.random.default_rng([drawing.seed, block[0], piece])
        drawn = draw_groups(mine, theirs, draws=AT_ONCE, rng=rng, dimensions=dimensions)
        pieces.append(_sums(doses, drawn))
    group, rest, count, others = (
        np.concatenate(part, axis=-1)[..., : drawing.draws] for part in zip(*pieces, strict=True)
    )
    return _figures(group, rest, (count, others), negative=_negative(doses))


def _sums(doses: Sequence[tuple[csc_array, csc_array]], drawn: Drawn) -> tuple[Floats, Floats, Floats, Floats]:
    """Sum over neighbourhoods: what group and rest have (effects, groups, draws), and how many they are."""
    others = drawn.universes - drawn.groups
    group = np.stack([x.T @ drawn.groups[:, g] for g, (x, _) in enumerate(doses)], axis=1)
    rest = np.stack([y.T @ others[:, g] for g, (_, y) in enumerate(doses)], axis=1)
    return group, rest, drawn.groups.sum(axis=0), others.sum(axis=0)


def _negative(doses: Sequence[tuple[csc_array, csc_array]]) -> NDArray[np.bool_]:
    lost = [x.minimum(0).sum(axis=0) < 0 for x, _ in doses]
    return np.stack(lost, axis=1)[..., None]


def _figures(
    group: Floats, rest: Floats, people: tuple[Floats, Floats], *, negative: NDArray[np.bool_]
) -> dict[str, Floats]:
    count, others = people
    mean, mean_rest = quotient(group, count), quotient(rest, others)
    share = np.where(negative, np.nan, quotient(group, group + rest))
    return {
        "total": group,
        "mean": mean,
        "mean_rest": mean_rest,
        "gap": mean - mean_rest,
        "ratio": np.where(negative, np.nan, quotient(mean, mean_rest)),
        "share_of_effect": share,
        "parity": quotient(share, quotient(count, count + others)),
    }


def _spread(values: Floats) -> Spread:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=-1)
    return Spread(low, middle, high, values.std(axis=-1, ddof=1))


def cell_variation(people: People, margins: Margins) -> Floats:
    r"""Coefficient of variation of a group's counts by neighbourhood, on average over its people.

    .. math:: CV_g = \sum_i \frac{P_{ig}}{P_g} \frac{SE_{ig}}{P_{ig}} = \frac{\sum_i SE_{ig}}{\sum_i P_{ig}}

    Parameters
    ----------
    people : People
        People by neighbourhood.
    margins : Margins
        Their margins.

    Returns
    -------
    ndarray, shape (groups,)
        Coefficients [share]; NaN where a margin is missing, 1 for a group without people.

    Examples
    --------
    >>> people = People(np.array([30.0, 20.0]), np.array([[10.0], [5.0]]), np.array([[30.0], [20.0]]), ("renters",))
    >>> cell_variation(people, Margins(np.zeros(2), np.array([[3.29], [1.645]]), np.zeros((2, 1)))).tolist()
    [0.2]
    """
    return coefficient_of_variation(people.groups.sum(axis=0), margins.groups.sum(axis=0))


def with_draws(
    effects: csc_array,
    people: People,
    *,
    margins: Margins,
    uncertainty: Uncertainty,
    own: csc_array | None = None,
    rates: Floats | None = None,
) -> GroupMargins:
    """Margins in closed form; drawn for the groups whose counts are too small beside their margins for that.

    Parameters
    ----------
    effects : csc_array, shape (n, effects)
        Effect per person.
    people : People
        People by neighbourhood.
    margins : Margins
        Their margins.
    uncertainty : Uncertainty
        Draws, seed, and ``draw_above``: the :func:`cell_variation` above which a group is drawn.
    own, rates : optional
        As of :func:`equity_screen.margins.group_margins`.

    Returns
    -------
    GroupMargins
        Of the groups that are drawn, half the width of the 90 % interval, but never less than the closed form. A total
        is linear in the counts: its closed form is exact, and kept.

    Notes
    -----
    Where a margin is wider than its count, nearly every draw of the count is near 0 and a few are large: what lies
    between two quantiles of such draws says little of their spread.

    Examples
    --------
    >>> people = People(np.array([10.0]), np.array([[4.0]]), np.array([[10.0]]), ("renters",))
    >>> margins = Margins(np.zeros(1), np.array([[1.645]]), np.zeros((1, 1)))
    >>> with_draws(csc_array([[2.0]]), people, margins=margins, uncertainty=Uncertainty()).total.tolist()  # CV 0.25
    [[3.29]]
    """
    closed = group_margins(effects, people, margins=margins, own=own, rates=rates)
    few = np.flatnonzero(cell_variation(people, margins) > uncertainty.draw_above).tolist()
    if not few:
        return closed
    theirs = Margins(margins.population, margins.groups[:, few], margins.universes[:, few])
    drawing = Drawing(uncertainty.draws, uncertainty.seed)
    rated = None if rates is None else rates[:, few]
    drawn = drawn_group_figures(effects, _some(people, few), margins=theirs, drawing=drawing, own=own, rates=rated)
    for name in DRAWN:
        table, spread = getattr(closed, name), drawn[name]
        table[:, few] = np.fmax(table[:, few], (spread.high - spread.low) / 2.0)
    return closed


def from_replicates(
    effects: csc_array,
    people: People,
    *,
    replicates: Floats,
    universes: Floats | None = None,
    own: csc_array | None = None,
    rates: Floats | None = None,
) -> GroupMargins:
    r"""Margins from variance-replicate tables, which alone know how the counts of neighbourhoods go together.

    .. math:: M_f = 1.645 \sqrt{\tfrac4R \sum_r (f_r - f)^2}

    Parameters
    ----------
    effects : csc_array, shape (n, effects)
        Effect per person.
    people : People
        People by neighbourhood, as estimated.
    replicates : ndarray, shape (n, groups, R)
        Counts of the groups in each replicate [people].
    universes : ndarray, shape (n, groups, R), optional
        Their universes; taken as estimated unless given.
    own, rates : optional
        As of :func:`equity_screen.margins.group_margins`.

    Returns
    -------
    GroupMargins
        Margins, 90 %.

    Raises
    ------
    UsageError
        Replicates of other neighbourhoods or groups than the people's, or universes of other replicates.

    Examples
    --------
    >>> people = People(np.array([10.0]), np.array([[4.0]]), np.array([[10.0]]), ("renters",))
    >>> tables = np.array([[[5.0, 3.0, 5.0, 3.0]]])
    >>> from_replicates(csc_array([[2.0]]), people, replicates=tables).total.tolist()  # 2 × 1.645 × 2
    [[6.58]]
    """
    for given in (replicates, replicates if universes is None else universes):
        if given.shape[:-1] != people.groups.shape or given.shape[-1] != replicates.shape[-1]:
            msg = f"replicates of shape {given.shape} for {people.groups.shape} people: give one layer a replicate"
            raise UsageError(msg)
    wholes = np.broadcast_to(people.universes[..., None], replicates.shape) if universes is None else universes
    margins = {name: np.empty((effects.shape[1], len(people.names))) for name in GroupMargins._fields}
    estimate = Drawn(people.groups[..., None], people.universes[..., None])
    for g in range(len(people.names)):
        doses = [_doses(effects, people, g, own=own, rates=rates)]
        counted, each = (
            _of_draws(doses, Drawn(part.groups[:, [g]], part.universes[:, [g]]))
            for part in (estimate, Drawn(replicates, wholes))
        )
        for name, table in margins.items():
            table[:, g] = replicate_margin(counted[name][..., 0], each[name])[:, 0]
    return GroupMargins(**margins)


def _of_draws(doses: Sequence[tuple[csc_array, csc_array]], drawn: Drawn) -> dict[str, Floats]:
    group, rest, count, others = _sums(doses, drawn)
    return _figures(group, rest, (count, others), negative=_negative(doses))


def percentile_draws(
    estimates: Floats,
    margins: Floats,
    *,
    draws: int,
    seed: int,
    score: Callable[[Floats], Floats],
    clip: tuple[float, float] = (0.0, 100.0),
) -> Floats:
    """Draw indicators within their margins, and score each draw of them.

    Parameters
    ----------
    estimates, margins : ndarray, shape (n, k)
        Indicators, such as percentages, and their 90 % margins; 0 where an indicator is known.
    draws : int
        How many draws.
    seed : int
        Seed; draw r has the generator of (seed, r), however many draws there are.
    score : callable
        From indicators (n, k) to scores (n,), such as percentile ranks.
    clip : (float, float)
        Least and greatest value that an indicator can have: normal draws beyond are set to it.

    Returns
    -------
    ndarray, shape (n, draws)
        Scores.

    Examples
    --------
    >>> exact = percentile_draws(np.array([[10.0], [30.0]]), np.zeros((2, 1)), draws=3, seed=1, score=lambda x: x[:, 0])
    >>> exact.tolist()
    [[10.0, 10.0, 10.0], [30.0, 30.0, 30.0]]
    """
    errors = standard_error(margins)
    scores = np.empty((len(estimates), draws))
    for r in range(draws):
        away = np.random.default_rng([seed, r]).standard_normal(estimates.shape)
        scores[:, r] = score(np.clip(estimates + errors * away, *clip))
    return scores


def probability_at_least(drawn: Floats, threshold: ArrayLike) -> Floats:
    """Share of the draws in which a number reaches a threshold.

    Parameters
    ----------
    drawn : ndarray, shape (…, draws)
        Numbers drawn.
    threshold : array_like
        Threshold, one for all or one for each number.

    Returns
    -------
    ndarray
        Shares [0–1]; NaN where a draw is.

    Examples
    --------
    >>> probability_at_least(np.array([[0.8, 0.9, 0.95, 1.0], [np.nan, 1.0, 1.0, 1.0]]), 0.9).tolist()
    [0.75, nan]
    """
    reached = drawn >= np.asarray(threshold, dtype=np.float64)[..., None]
    return np.where(np.isnan(drawn).any(axis=-1), np.nan, reached.mean(axis=-1))


def interval(drawn: Floats, *, level: float = 0.90) -> tuple[Floats, Floats]:
    """Bounds between which the middle of the draws lies.

    Parameters
    ----------
    drawn : ndarray, shape (…, draws)
        Numbers drawn.
    level : float
        Share of the draws inside, as many below as above left out.

    Returns
    -------
    tuple of ndarray
        Lower and upper bounds; NaN where a draw is.

    Raises
    ------
    UsageError
        A level that is no share between 0 and 1.

    Examples
    --------
    >>> low, high = interval(np.arange(101.0))
    >>> float(low), float(high)
    (5.0, 95.0)
    """
    if not 0 < level < 1:
        msg = f"level = {level} is no share of the draws: give one between 0 and 1, such as 0.9"
        raise UsageError(msg)
    out = (1.0 - level) / 2.0
    low, high = np.quantile(drawn, [out, 1.0 - out], axis=-1)
    return np.asarray(low), np.asarray(high)

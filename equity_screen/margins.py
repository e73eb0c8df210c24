"""Margins of error: of sums, shares and ratios, and of every figure of every group in closed form.

A margin is what surveys print beside an estimate: half the width of its 90 % interval, 1.645 standard errors.
Where no margin was given it is NaN, and so is the margin of whatever the estimate goes into.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array

from equity_screen.errors import UsageError
from equity_screen.inequality import as_columns
from equity_screen.people import Floats, People, quotient
from equity_screen.recipe import MARGIN
from equity_screen.uptake import of_group

Z90 = 1.645
ROUNDING = 1e-12


class Margins(NamedTuple):
    """Margins of the counts of a :class:`equity_screen.people.People`, in its order [people].

    ``population`` (n,), ``groups`` and ``universes`` (n, groups); NaN where none was given.
    """

    population: Floats
    groups: Floats
    universes: Floats


class GroupMargins(NamedTuple):
    """Margins of the figures of every effect and group, each of shape (effects, groups)."""

    total: Floats
    mean: Floats
    mean_rest: Floats
    gap: Floats
    ratio: Floats
    share_of_effect: Floats
    parity: Floats


def standard_error(margin: ArrayLike) -> Floats:
    r"""Turn 90 % margins into standard errors.

    .. math:: SE = M / 1.645

    Parameters
    ----------
    margin : array_like
        Margins of error, 90 %.

    Returns
    -------
    ndarray
        Standard errors, in the unit of the margins.

    Examples
    --------
    >>> float(standard_error(3.29))
    2.0
    """
    return np.asarray(margin, dtype=np.float64) / Z90


def coefficient_of_variation(estimate: ArrayLike, margin: ArrayLike) -> Floats:
    r"""Divide the standard error by the estimate.

    .. math:: CV = \frac{M / 1.645}{|\hat\theta|}

    Parameters
    ----------
    estimate, margin : array_like
        Estimates and their 90 % margins.

    Returns
    -------
    ndarray
        Coefficients [share, ≥ 0]; 1 for an estimate of 0, as the American Community Survey has it; NaN where the
        margin is.

    Examples
    --------
    >>> coefficient_of_variation([100.0, 0.0, 5.0], [32.9, 11.0, np.nan]).tolist()
    [0.2, 1.0, nan]
    """
    value, error = np.broadcast_arrays(np.abs(np.asarray(estimate, dtype=np.float64)), standard_error(margin))
    return np.where((value == 0) & ~np.isnan(error), 1.0, quotient(error, value))


def reliability(cv: ArrayLike, *, below: float = 0.12, above: float = 0.40) -> NDArray[np.object_]:
    """Grade coefficients of variation.

    Parameters
    ----------
    cv : array_like
        Coefficients of variation [share].
    below : float
        Up to here a number's reliability is high; the default is that of Esri's flags.
    above : float
        Above here it is low.

    Returns
    -------
    ndarray of str
        ``"high"``, ``"medium"``, ``"low"``; ``""`` where the coefficient is not known.

    Raises
    ------
    UsageError
        ``below`` is not less than ``above``.

    Examples
    --------
    >>> reliability([0.12, 0.3, 0.41, np.nan]).tolist()
    ['high', 'medium', 'low', '']
    """
    if not below < above:
        msg = f"below = {below} is not less than above = {above}: swap them, or move them apart"
        raise UsageError(msg)
    values = np.asarray(cv, dtype=np.float64)
    grades = np.array(["high", "medium", "low", ""], dtype=object)
    graded = (values > below).astype(np.intp) + (values > above)
    return np.asarray(grades[np.where(np.isnan(values), 3, graded)], dtype=object)


def margin_of_sum(estimates: ArrayLike, margins: ArrayLike, *, axis: int = 0) -> Floats:
    r"""Margin of a sum of estimates, of several that are 0 only the largest margin counted, and once.

    .. math:: M = \sqrt{\sum_{\hat\theta_j \ne 0} M_j^2 + \max_{\hat\theta_j = 0} M_j^2}

    Parameters
    ----------
    estimates, margins : array_like
        Estimates and their margins, of one shape.
    axis : int
        Axis that is summed over.

    Returns
    -------
    ndarray
        Margins of the sums.

    References
    ----------
    US Census Bureau (2018), Understanding and Using American Community Survey Data, chapter 8.

    Examples
    --------
    >>> float(margin_of_sum([50.0, 20.0], [3.0, 4.0])), float(margin_of_sum([50.0, 0.0, 0.0], [3.0, 2.0, 4.0]))
    (5.0, 5.0)
    """
    values = np.asarray(estimates, dtype=np.float64)
    squares = np.where(np.isnan(values), np.nan, np.square(np.asarray(margins, dtype=np.float64)))
    nothing = values == 0
    counted = np.where(nothing, 0.0, squares).sum(axis=axis)
    return np.asarray(np.sqrt(counted + np.where(nothing, squares, 0.0).max(axis=axis, initial=0.0)))


def margin_of_proportion(part: ArrayLike, whole: ArrayLike, *, margins: tuple[ArrayLike, ArrayLike]) -> Floats:
    r"""Margin of a proportion: of a number that is part of the other.

    .. math:: M_p = \frac{1}{Y}\sqrt{M_X^2 - p^2 M_Y^2}

    and that of a ratio (with +) where the radicand is below 0.

    Parameters
    ----------
    part, whole : array_like
        Estimates X and Y.
    margins : (array_like, array_like)
        Margins of the part and of the whole.

    Returns
    -------
    ndarray
        Margins [share]; NaN where the whole is 0.

    References
    ----------
    US Census Bureau (2018), Understanding and Using American Community Survey Data, chapter 8.

    Examples
    --------
    >>> float(margin_of_proportion(50.0, 100.0, margins=(5.0, 6.0)))  # 25 − 9 = 16
    0.04
    """
    share, of_part, of_whole = _squared(part, whole, margins)
    radicand = of_part - share * of_whole
    radicand = np.where(radicand < 0, of_part + share * of_whole, radicand)
    return quotient(np.sqrt(radicand), np.abs(np.asarray(whole, dtype=np.float64)))


def margin_of_ratio(numerator: ArrayLike, denominator: ArrayLike, *, margins: tuple[ArrayLike, ArrayLike]) -> Floats:
    r"""Margin of a ratio of two numbers of which neither is part of the other.

    .. math:: M_R = \frac{1}{Y}\sqrt{M_X^2 + R^2 M_Y^2}

    Parameters
    ----------
    numerator, denominator : array_like
        Estimates X and Y.
    margins : (array_like, array_like)
        Margins of numerator and denominator.

    Returns
    -------
    ndarray
        Margins; NaN where the denominator is 0.

    References
    ----------
    US Census Bureau (2018), Understanding and Using American Community Survey Data, chapter 8.

    Examples
    --------
    >>> float(margin_of_ratio(100.0, 100.0, margins=(3.0, 4.0)))
    0.05
    """
    ratio, above, below = _squared(numerator, denominator, margins)
    return quotient(np.sqrt(above + ratio * below), np.abs(np.asarray(denominator, dtype=np.float64)))


def _squared(top: ArrayLike, bottom: ArrayLike, margins: tuple[ArrayLike, ArrayLike]) -> tuple[Floats, Floats, Floats]:
    """Squares of the quotient and of both margins, of one shape."""
    above, below = (np.asarray(margin, dtype=np.float64) for margin in margins)
    numbers = (np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64), above, below)
    x, y, of_x, of_y = np.broadcast_arrays(*numbers)
    return np.square(quotient(x, y)), np.square(of_x), np.square(of_y)


def margin_of_product(first: ArrayLike, second: ArrayLike, *, margins: tuple[ArrayLike, ArrayLike]) -> Floats:
    r"""Margin of a product of two estimates.

    .. math:: M_{AB} = \sqrt{A^2 M_B^2 + B^2 M_A^2}

    Parameters
    ----------
    first, second : array_like
        Estimates A and B.
    margins : (array_like, array_like)
        Their margins.

    Returns
    -------
    ndarray
        Margins of the products.

    References
    ----------
    US Census Bureau (2018), Understanding and Using American Community Survey Data, chapter 8.

    Examples
    --------
    >>> float(margin_of_product(2.0, 10.0, margins=(0.3, 2.0)))  # 2 × 2 and 10 × 0.3
    5.0
    """
    a, b, of_a, of_b = (np.asarray(number, dtype=np.float64) for number in (first, second, *margins))
    return np.asarray(np.sqrt(np.square(a * of_b) + np.square(b * of_a)))


def margin_of_change(before: ArrayLike, after: ArrayLike, *, margins: tuple[ArrayLike, ArrayLike]) -> Floats:
    r"""Margin of a change in per cent of what there was before.

    .. math:: M = \frac{100}{X_0}\sqrt{M_1^2 + (X_1/X_0)^2 M_0^2}

    Parameters
    ----------
    before, after : array_like
        Estimates of two times.
    margins : (array_like, array_like)
        Margins of before and after.

    Returns
    -------
    ndarray
        Margins [%]; NaN where there was nothing before.

    References
    ----------
    US Census Bureau (2018), Understanding and Using American Community Survey Data, chapter 8.

    Examples
    --------
    >>> float(margin_of_change(100.0, 100.0, margins=(3.0, 4.0)))
    5.0
    """
    return 100.0 * margin_of_ratio(after, before, margins=(margins[1], margins[0]))


def replicate_margin(estimate: ArrayLike, replicates: ArrayLike, *, axis: int = -1) -> Floats:
    r"""Margin from a variance-replicate table (successive differences), which knows how numbers go together.

    .. math:: M = 1.645 \sqrt{\tfrac4R \sum_r (\hat\theta_r - \hat\theta)^2}

    Parameters
    ----------
    estimate : array_like
        Estimates.
    replicates : array_like
        The same from each of R replicates (80 in the American Community Survey).
    axis : int
        Axis of the replicates.

    Returns
    -------
    ndarray
        Margins, 90 %.

    Examples
    --------
    >>> float(replicate_margin(10.0, [11.0, 9.0, 11.0, 9.0]))  # 4/4 × 4
    3.29
    """
    drawn = np.asarray(replicates, dtype=np.float64)
    away = drawn - np.expand_dims(np.asarray(estimate, dtype=np.float64), axis)
    return np.asarray(Z90 * np.sqrt(4.0 * np.square(away).mean(axis=axis)))


def margins_of(neighbourhoods: pd.DataFrame, people: People) -> Margins:
    """Take the margins of people and groups out of a table by neighbourhood.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Columns population and, where they are known, moe_population and moe_<group> [people].
    people : People
        The people of the same table.

    Returns
    -------
    Margins
        NaN where there is none, but 0 where nobody lives. A group counted among everyone has the population's margin
        for its universe; another universe has none.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_zones
    >>> city = four_zones().assign(moe_low_income=[10.0, 12.0, 8.0, 9.0])
    >>> found = margins_of(city, people_of(city))
    >>> found.groups.ravel().tolist(), found.population.tolist()
    ([10.0, 12.0, 8.0, 9.0], [nan, nan, nan, nan])
    """
    known = neighbourhoods["population"].notna().to_numpy()
    population = _margin_column(neighbourhoods, "population", people, known=known)
    shape = people.groups.shape
    groups, universes = np.empty(shape), np.empty(shape)
    for g, name in enumerate(people.names):
        groups[:, g] = _margin_column(neighbourhoods, name, people, known=known)
        everyone = bool((people.universes[:, g] == people.population).all())
        universes[:, g] = population if everyone else np.where(people.population > 0, np.nan, 0.0)
    return Margins(population, groups, universes)


def _margin_column(neighbourhoods: pd.DataFrame, name: str, people: People, *, known: NDArray[np.bool_]) -> Floats:
    """Take one column; where nobody lives a margin that is missing is 0, and people who are in no sum have none."""
    column = MARGIN + name
    raw = neighbourhoods[column] if column in neighbourhoods.columns else np.nan
    margin = np.broadcast_to(np.asarray(raw, dtype=np.float64), people.population.shape)
    margin = np.where((people.population == 0) & np.isnan(margin), 0.0, margin)
    return np.where(known, margin, 0.0)


def margins_of_totals(effects: csc_array, margins: Floats) -> Floats:
    r"""Margins of what each group has of each effect in all, for all effects at once.

    .. math:: M(T) = \sqrt{(X \circ X)^\top M^2}

    Parameters
    ----------
    effects : csc_array, shape (n, effects)
        Effect per person, any sign.
    margins : ndarray, shape (n, groups)
        Margins of the counts [people]; neighbourhoods are taken for independent.

    Returns
    -------
    ndarray, shape (effects, groups)
        Margins [unit × people]; NaN where a neighbourhood with an effect has no margin.

    Notes
    -----
    Counts of 0 keep the margins that they were published with: the rule of :func:`margin_of_sum`, that of several
    only the largest counts, is one for sums of equal weights. Without it a margin is the wider of the two.

    Examples
    --------
    >>> margins_of_totals(csc_array([[1.0], [2.0]]), np.array([[3.0], [2.0]])).tolist()
    [[5.0]]
    """
    return np.asarray(np.sqrt(as_columns(effects).power(2).T @ np.square(margins)))


def group_margins(
    effects: csc_array,
    people: People,
    *,
    margins: Margins,
    own: csc_array | None = None,
    rates: Floats | None = None,
) -> GroupMargins:
    r"""Margins of the figures of every effect and group, to first order, for all effects at once.

    With P a group, R the rest of its universe U, each figure f has the margin

    .. math:: M_f^2 = \sum_i \dot f_{P_i}^2 A_i + 2 \dot f_{P_i} \dot f_{R_i} B_i + \dot f_{R_i}^2 C_i

    and the derivatives of all figures are linear in the effect, so that everything is a few sparse products:
    of parity with the universe held, :math:`(X \circ X)^\top M^2`, :math:`X^\top M^2` and :math:`X^\top P`.

    Parameters
    ----------
    effects : csc_array, shape (n, effects)
        Effect per person.
    people : People
        People by neighbourhood.
    margins : Margins
        Margins of their counts.
    own : csc_array, optional
        Effect per person who takes it up, on the same pairs.
    rates : ndarray, shape (effects, groups), optional
        Share of each group who take each effect up; NaN where an effect does not name the group.

    Returns
    -------
    GroupMargins
        NaN where the figure itself is undefined (ratio, share and parity of what is negative for some, too), and
        where a neighbourhood that goes into it has people and no margin.

    Notes
    -----
    Neighbourhoods are taken for independent. Within one, a group and the rest are independent where the universe's
    margin is the wider (:math:`A = M_P^2, B = 0, C = M_U^2 - M_P^2`). Where it is the narrower, that cannot be, and as
    for a proportion the sign turns: the group is independent of its universe
    (:math:`B = -M_P^2, C = M_U^2 + M_P^2`). A universe without a margin is taken for known: :math:`M_U = 0`.
    Covariances that only replicate tables know are left out: see :func:`equity_screen.draws.from_replicates`.

    Examples
    --------
    Two of ten people in the group, ± 1, who alone have an effect of 3; two of ten who have none:

    >>> people = People(np.array([10.0, 10.0]), np.array([[2.0], [2.0]]), np.array([[10.0], [10.0]]), ("low_income",))
    >>> known = Margins(np.zeros(2), np.array([[1.0], [1.0]]), np.zeros((2, 1)))
    >>> found = group_margins(csc_array([[3.0], [0.0]]), people, margins=known)
    >>> found.total.tolist(), found.share_of_effect.round(9).tolist()  # 3 × 1; 1 of 10
    ([[3.0]], [[0.1]])
    """
    spread = _spreads(margins)
    doses = as_columns(effects)
    sums = _sums((doses, doses), people, spread)
    if own is not None and rates is not None:
        # Those whom an uptake names, and the rest, have effects of their own: a pass for each such group.
        for g in np.flatnonzero(~np.isnan(rates).all(axis=0)):
            one = _only(people, g)
            theirs = _sums(doses_of(effects, one, own=own, rate=rates[:, g]), one, tuple(m[:, [g]] for m in spread))
            for table, values in zip(sums, theirs, strict=True):
                table[..., g] = values[..., 0]
    return _margins_of_figures(sums)


def _only(people: People, group: np.intp) -> People:
    columns = people.groups[:, [group]], people.universes[:, [group]]
    return People(people.population, *columns, (people.names[group],), people.known)


def doses_of(effects: csc_array, people: People, *, own: csc_array, rate: Floats) -> tuple[csc_array, csc_array]:
    """Effect per person of one group, and of the rest of its universe, where some effects are taken up by some.

    Parameters
    ----------
    effects, own : csc_array, shape (n, effects)
        Effect per person, and per person who takes it up, on the same pairs.
    people : People
        The people, with this one group.
    rate : ndarray, shape (effects,)
        Share of the group who take each effect up; NaN where it does not name the group.

    Returns
    -------
    tuple of csc_array
        Of the group, and of the rest: what the people around it have on average.

    Examples
    --------
    Of ten people, five in the group, half of whom take up 2 each; the mean of 0.5 is all theirs:

    >>> ten = People(np.array([10.0]), np.array([[5.0]]), np.array([[10.0]]), ("renters",))
    >>> mine, theirs = doses_of(csc_array([[0.5]]), ten, own=csc_array([[2.0]]), rate=np.array([0.5]))
    >>> mine.toarray().tolist(), theirs.toarray().tolist()
    ([[1.0]], [[0.0]])
    """
    row, column = effects.indices, np.repeat(np.arange(effects.shape[1]), np.diff(effects.indptr))
    everyone, mine = people.population[row], people.groups[row, 0]
    whole = effects.data * everyone
    around = whole - own.data * rate[column] * mine
    # What is left of a difference that cancels is rounding: nobody else takes it up.
    around = np.where(around <= ROUNDING * whole, 0.0, around)
    each = np.divide(around, everyone - mine, out=np.zeros(len(row)), where=everyone > mine)
    values = np.where(np.isnan(rate[column]), effects.data, each)
    rest = csc_array((values, effects.indices.copy(), effects.indptr.copy()), shape=effects.shape)
    return as_columns(of_group(effects, own, rate=rate)), as_columns(rest)


def _spreads(margins: Margins) -> tuple[Floats, Floats, Floats]:
    """Squared margins of group and rest, and what both have in common: A, C and B of the formula as (A, B, C)."""
    group, universe = np.square(margins.groups), np.square(np.nan_to_num(margins.universes, nan=0.0))
    apart = universe < group
    return group, np.where(apart, -group, 0.0 * group), np.where(apart, universe + group, universe - group)


class _Sums(NamedTuple):
    """Sums over neighbourhoods of effects x of the group and y of the rest, by their people and by A, B and C."""

    group: Floats
    rest: Floats
    people: Floats
    others: Floats
    xx_a: Floats
    x_a: Floats
    a: Floats
    xy_b: Floats
    x_b: Floats
    y_b: Floats
    b: Floats
    yy_c: Floats
    y_c: Floats
    c: Floats
    negative: NDArray[np.bool_]


def _sums(doses: tuple[csc_array, csc_array], people: People, spread: tuple[Floats, ...]) -> _Sums:
    x, y = doses
    a, b, c = spread
    others = people.universes - people.groups
    count, rest = people.groups.sum(axis=0), others.sum(axis=0)
    lost = np.bincount(np.repeat(np.arange(x.shape[1]), np.diff(x.indptr)), weights=x.data < 0, minlength=x.shape[1])
    return _Sums(
        *(x.T @ people.groups, y.T @ others, count, rest),
        *(x.power(2).T @ a, x.T @ a, a.sum(axis=0)),
        *(x.multiply(y).tocsc().T @ b, x.T @ b, y.T @ b, b.sum(axis=0)),
        *(y.power(2).T @ c, y.T @ c, c.sum(axis=0)),
        np.repeat(lost[:, None] > 0, people.groups.shape[1], axis=1),
    )


def _margins_of_figures(sums: _Sums) -> GroupMargins:
    """Put in the derivatives of each figure: (α, β) of αx + β by the group, (γ, δ) of γy + δ by the rest."""
    whole, all_people = sums.group + sums.rest, sums.people + sums.others
    each, each_rest = (quotient(np.ones_like(whole), count) for count in (sums.people, sums.others))
    mean, mean_rest = sums.group * each, sums.rest * each_rest
    mean_rest = np.where(np.abs(mean_rest) <= ROUNDING * np.abs(mean), 0.0, mean_rest)
    ratio, share = quotient(mean, mean_rest), quotient(sums.group, whole)
    part = quotient(sums.people, all_people)
    parity = quotient(share, part)
    none = np.zeros_like(whole)
    on_mean, on_rest = (each, -mean * each), (each_rest, -mean_rest * each_rest)
    on_ratio = (quotient(each, mean_rest), -ratio * each, -quotient(ratio, mean_rest) * each_rest, ratio * each_rest)
    on_share = (quotient(1.0 - share, whole), none, -quotient(share, whole), none)
    of_parity = quotient(1.0 - share, whole * part), -quotient(parity, whole)
    on_parity = (of_parity[0], -parity * (1.0 - part) * each, of_parity[1], quotient(parity, all_people))
    relative = (_margin(sums, on) for on in (on_ratio, on_share, on_parity))
    return GroupMargins(
        np.sqrt(sums.xx_a),
        _margin(sums, (*on_mean, none, none)),
        _margin(sums, (none, none, *on_rest)),
        _margin(sums, (*on_mean, -on_rest[0], -on_rest[1])),
        *(np.where(sums.negative, np.nan, margin) for margin in relative),
    )


def _margin(sums: _Sums, on: tuple[Floats, Floats, Floats, Floats]) -> Floats:
    """Root of the quadratic form of the derivatives; what cancels but for rounding is 0."""
    alpha, beta, gamma, delta = on
    size = _term(alpha * alpha, sums.xx_a) + _term(beta * beta, sums.a)
    size = size + _term(gamma * gamma, sums.yy_c) + _term(delta * delta, sums.c)
    both = _term(alpha * gamma, sums.xy_b) + _term(alpha * delta, sums.x_b)
    both = both + _term(beta * gamma, sums.y_b) + _term(beta * delta, sums.b)
    mixed = _term(alpha * beta, sums.x_a) + both + _term(gamma * delta, sums.y_c)
    square = size + 2.0 * mixed
    return np.sqrt(np.where(square <= ROUNDING * size, 0.0, square))


def _term(factor: Floats, total: Floats) -> Floats:
    """Multiply; where a figure does not ask for a sum, it does not matter that the sum is not known."""
    return np.where(factor == 0, 0.0, factor * total)

"""Levels that are as good as an unequal distribution, and weights of the people by their income.

The exponents of Kolm–Pollak levels run to a million: they are summed less the largest of an action and group, so that
nothing overflows and a group that has little is not lost beside one that has much.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array
from scipy.special import logsumexp

from equity_screen.errors import UsageError
from equity_screen.inequality import ROUNDING, Floats, Spread, Values, spread_of

# Beyond this exponents are summed group by group; what is left of a sum is added up anew where less than this is.
_FAR = 500.0
_LEFT = 1e-4
_CELLS = 1 << 20
# So little aversion is none: beside any level its product with it is lost to rounding, and would underflow.
_NO_AVERSION = 1e-200


def kolm_pollak_kappa(values: Floats, weights: Floats, *, epsilon: float, bad: bool) -> float:
    r"""Inequality parameter κ of the Kolm–Pollak EDE, frozen once on the baseline.

    .. math:: \kappa = \pm\,\epsilon\,\frac{\sum_i w_i v_i}{\sum_i w_i v_i^2}

    Parameters
    ----------
    values : ndarray, shape (n,)
        Baseline.
    weights : ndarray, shape (n,)
        People [people].
    epsilon : float
        Inequality aversion, > 0.
    bad : bool
        True where more is worse: κ is then negative.

    Returns
    -------
    float
        κ [1/unit]; NaN where the mean of the baseline is not above 0: κ would have no sign, or the wrong one; and where
        the squares are too small or too large for a number. What is where nobody lives counts for nothing.

    References
    ----------
    Sheriff & Maguire (2020), doi:10.1111/risa.13562

    Examples
    --------
    >>> kolm_pollak_kappa(np.array([1.0, 3.0]), np.array([1.0, 1.0]), epsilon=0.5, bad=True)
    -0.2
    """
    people, levels = weights[weights > 0], values[weights > 0]
    with np.errstate(over="ignore", under="ignore"):
        total, squares = float((people * levels).sum()), float((people * levels * levels).sum())
    if not (total > 0 and np.finfo(np.float64).tiny <= squares < np.inf):
        return float("nan")
    return (-1 if bad else 1) * epsilon * total / squares


def kolm_pollak_ede(values: Floats, weights: Floats, *, kappa: float) -> float:
    r"""Equally-distributed equivalent: the level that, had by all, would be as good as what there is.

    .. math:: \Xi = -\frac1\kappa \ln \sum_i \frac{w_i}{W} e^{-\kappa v_i}

    Goods (κ > 0) have Ξ ≤ mean, bads (κ < 0) Ξ ≥ mean. Where exponents are small they are taken from the mean, so that
    a small κ gives a level near the mean and not the rounding of a logarithm near 0.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Values, any sign.
    weights : ndarray, shape (n,)
        People [people].
    kappa : float
        Inequality parameter [1/unit]; 0 gives the mean.

    Returns
    -------
    float
        Level [unit of the values]; NaN without people.

    References
    ----------
    Kolm (1976), doi:10.1016/0022-0531(76)90037-5

    Examples
    --------
    >>> round(kolm_pollak_ede(np.array([0.0, 2.0]), np.array([1.0, 1.0]), kappa=-0.5), 4)
    1.2402
    """
    people, levels = weights[weights > 0], values[weights > 0]
    total = float(people.sum())
    if not total > 0 or np.isnan(kappa):
        return float("nan")
    mean = float((people * levels).sum()) / total
    if abs(kappa) < _NO_AVERSION:
        return mean
    if abs(kappa) * float(np.ptp(levels)) < 1:
        return mean - float(np.log1p((people * np.expm1(-kappa * (levels - mean))).sum() / total)) / kappa
    exponents = -kappa * levels
    top = float(exponents.max())
    return -(top + float(np.log((people * np.exp(exponents - top)).sum() / total))) / kappa


def kolm_pollak_after(baseline: Floats, changes: Values, *, weights: Floats, kappa: float) -> Floats:
    r"""EDE after each of many actions, at once: only the neighbourhoods that change are touched.

    .. math:: \Xi_a = -\frac1\kappa \ln\Bigl(S_0 + \sum_i \omega_i\,\mathrm{expm1}(-\kappa x_{ia})\Bigr),
              \quad \omega_i = \tfrac{w_i}{W} e^{-\kappa b_i}, \; S_0 = \sum_i \omega_i

    Parameters
    ----------
    baseline : ndarray, shape (n,)
        Level before [unit]; NaN has no mass.
    changes : csc_array or ndarray, shape (n, actions)
        Change of the level per person [unit], any sign.
    weights : ndarray, shape (n, groups)
        People of each group [people].
    kappa : float
        Inequality parameter [1/unit]; 0 gives the mean.

    Returns
    -------
    ndarray, shape (actions, groups)
        Levels [unit]; NaN for a group without people, and where a change is missing.

    Examples
    --------
    >>> baseline, people = np.array([1.0, 3.0]), np.array([[1.0], [1.0]])
    >>> after = kolm_pollak_after(baseline, csc_array([[0.0], [-2.0]]), weights=people, kappa=-0.2)
    >>> after.round(9).tolist()
    [[1.0]]
    """
    before = _before(baseline, weights, kappa)
    spread = spread_of(changes, before.people.sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        if abs(kappa) < _NO_AVERSION:
            levels = _mean_after(baseline, before, spread)
        else:
            start = np.asarray([kolm_pollak_ede(baseline, people, kappa=kappa) for people in before.people.T])
            levels = -_logs_after(before, spread, kappa=kappa, start=-kappa * start) / kappa
    # One bit pattern for what is undefined: the sign of a NaN hangs on how a processor came by it.
    return spread.given(np.where(np.isnan(levels), np.nan, levels).T).T


class _Before(NamedTuple):
    """People by group; exponents −κb; by group their top, and the people tilted by the exponents less the top."""

    people: Floats
    exponents: Floats
    tops: Floats
    tilted: Floats


def _before(baseline: Floats, weights: Floats, kappa: float) -> _Before:
    known = ~np.isnan(baseline)
    people = np.where(known[:, None], weights, 0.0)
    exponents = np.where(known, -kappa * np.where(known, baseline, 0.0), 0.0)
    counted = np.where(people > 0, exponents[:, None], -np.inf)
    tops = counted.max(axis=0, initial=-np.inf)
    tops = np.where(np.isneginf(tops), 0.0, tops)
    return _Before(people, exponents, tops, people * np.exp(counted - tops))


def _changed(spread: Spread, numbers: Floats, units: int) -> csc_array:
    return csc_array((numbers, spread.row, spread.bounds), shape=(units, len(spread.elsewhere)))


def _mean_after(baseline: Floats, before: _Before, spread: Spread) -> Floats:
    sums = _changed(spread, spread.data, len(baseline)).T @ before.people
    # Not left to a product of matrices, whose last digits hang on the number of threads.
    levels: Floats = (sums + (np.nan_to_num(baseline)[:, None] * before.people).sum(axis=0)) / before.people.sum(axis=0)
    return levels


def _logs_after(before: _Before, spread: Spread, *, kappa: float, start: Floats) -> Floats:
    """Logarithms of the mean exponentials of each action and group, shape (actions, groups); ``start``: before."""
    steps, sums = _changed(spread, -kappa * spread.data, len(before.people)), before.tilted.sum(axis=0)
    factor = _changed(spread, np.expm1(np.minimum(steps.data, _FAR)), len(before.people))
    moved = (factor.T @ before.tilted) / sums
    logs: Floats = start + np.log1p(moved)
    over = spread.summed((steps.data > _FAR).astype(np.float64)) > 0
    far = np.flatnonzero(over | (moved < _LEFT - 1).any(axis=1))
    if len(far):
        logs[far] = np.column_stack([_far_logs(before, steps[:, far], g) for g in range(len(sums))])
    return logs


def _far_logs(before: _Before, steps: csc_array, g: int) -> Floats:
    """Logarithms of the mean exponentials of one group, with a top of its own for each action."""
    people = before.people[steps.indices, g]
    exponents = np.where(people > 0, before.exponents[steps.indices] + steps.data, -np.inf)
    tops = _by_column(np.maximum, exponents, steps, empty=-np.inf)
    shift = np.where(np.isfinite(tops), tops, 0.0)
    parts = people * np.exp(exponents - np.repeat(shift, np.diff(steps.indptr)))
    changed = shift + np.log(_by_column(np.add, parts, steps, empty=0.0))
    logs: Floats = np.logaddexp(changed, _unchanged_logs(before, steps, g)) - np.log(before.people[:, g].sum())
    return logs


def _unchanged_logs(before: _Before, steps: csc_array, g: int) -> Floats:
    """Logarithms of the summed exponentials of those of a group whom an action does not change."""
    people, tilted = before.people[:, g], before.tilted[:, g]
    all_change = _by_column(np.add, np.sign(people[steps.indices]), steps, empty=0.0) == np.count_nonzero(people)
    left = tilted.sum() - _by_column(np.add, tilted[steps.indices], steps, empty=0.0)
    logs: Floats = before.tops[g] + np.log(np.where(all_change, 0.0, np.maximum(left, 0.0)))
    lost = np.flatnonzero(~all_change & (left < _LEFT * tilted.sum()))
    each = max(1, _CELLS // len(people))
    for chunk in (lost[start : start + each] for start in range(0, len(lost), each)):
        outside = np.repeat(people[:, None], len(chunk), axis=1)
        block = steps[:, chunk]
        outside[block.indices, np.repeat(np.arange(len(chunk)), np.diff(block.indptr))] = 0.0
        logs[chunk] = logsumexp(before.exponents[:, None], b=outside, axis=0)
    return logs


def _by_column(combine: np.ufunc, numbers: Floats, columns: csc_array, *, empty: float) -> Floats:
    found = np.full(columns.shape[1], empty)
    begun = np.flatnonzero(np.diff(columns.indptr))
    if len(begun):
        found[begun] = combine.reduceat(numbers, columns.indptr[begun])
    return found


def kolm_pollak_ede_by_group(values: Values, weights: Floats, *, kappa: float) -> Floats:
    r"""EDE of many effects for each group, at once: a pass over what is stored, zeros added as one number.

    .. math:: \Xi_{ga} = -\frac1\kappa \ln\Bigl(1 + \sum_i \tfrac{P_{ig}}{P_g}
              \mathrm{expm1}(-\kappa x_{ia})\Bigr)

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions)
        Effect per person, any sign.
    weights : ndarray, shape (n, groups)
        People of each group [people].
    kappa : float
        Inequality parameter [1/unit], frozen on a baseline; 0 gives the mean.

    Returns
    -------
    ndarray, shape (actions, groups)
        Levels [unit]; NaN for a group without people, and where a value is missing.

    References
    ----------
    Sheriff & Maguire (2020), doi:10.1111/risa.13562

    Examples
    --------
    >>> people = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> kolm_pollak_ede_by_group(csc_array([[0.0], [2.0]]), people, kappa=-0.5).round(4).tolist()
    [[1.2402, 2.0]]
    """
    return kolm_pollak_after(np.zeros(len(weights)), values, weights=weights, kappa=kappa)


def kolm_pollak_index(values: Values, weights: Floats, *, kappa: float) -> Floats:
    r"""Compute the Kolm–Pollak index: how far the equally-distributed equivalent is from the mean.

    .. math:: I = |\mu - \Xi|

    The same where everyone is given the same amount more.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign.
    weights : ndarray, shape (n,)
        People [people].
    kappa : float
        Inequality parameter [1/unit], frozen on a baseline.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [unit of the values], ≥ 0; NaN without people.

    References
    ----------
    Sheriff & Maguire (2020), doi:10.1111/risa.13562

    Examples
    --------
    >>> round(float(kolm_pollak_index(np.array([0.0, 2.0]), np.array([1.0, 1.0]), kappa=-0.5)), 4)
    0.2402
    """
    spread = spread_of(values, weights)
    levels = kolm_pollak_ede_by_group(values, weights[:, None], kappa=kappa).reshape(-1)
    apart = np.abs(spread.averaged(spread.data) - levels)
    # What is left of two levels that are the same is rounding.
    return spread.given(np.where(apart <= ROUNDING * spread.averaged(np.abs(spread.data)), 0.0, apart))


def weighted_median(values: Floats, weights: Floats) -> float:
    """Value in the middle of the people.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Values; NaN has no mass.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    float
        Median; midway between two values where the middle lies between them; NaN without people.

    Examples
    --------
    >>> weighted_median(np.array([10.0, 30.0, 20.0]), np.array([2.0, 1.0, 1.0]))
    15.0
    """
    counted = ~np.isnan(values) & (weights > 0)
    order = np.argsort(values[counted], kind="stable")
    ordered, up_to = values[counted][order], np.cumsum(weights[counted][order])
    if not len(ordered):
        return float("nan")
    below, above = (int(np.searchsorted(up_to, up_to[-1] / 2, side=side)) for side in ("left", "right"))
    return float((ordered[below] + ordered[above]) / 2)


def distributional_weights(income: Floats, *, reference: float, elasticity: float) -> Floats:
    r"""Weights of the people by their income: what one more unit is worth to them.

    .. math:: \omega_i = (y_i / y_{\text{ref}})^{-\varepsilon}

    Parameters
    ----------
    income : ndarray, shape (n,)
        Income per person, > 0 [currency].
    reference : float
        Income whose weight is 1, usually the median [currency].
    elasticity : float
        ε ≥ 0; 0 counts everyone alike. 1.4 in OMB Circular A-4 of 2023 (since rescinded), 1.3 in annex 3 of the
        Green Book of HM Treasury.

    Returns
    -------
    ndarray, shape (n,)
        Weights, > 0; NaN where the income is not known or not above 0, and without end where a weight is too large
        for a number.

    Raises
    ------
    UsageError
        Where ε is below 0, or the reference not above 0.

    References
    ----------
    HM Treasury, The Green Book, annex A3; Office of Management and Budget (2023), Circular A-4

    Examples
    --------
    >>> distributional_weights(np.array([20.0, 40.0, 80.0]), reference=40.0, elasticity=1.0).tolist()
    [2.0, 1.0, 0.5]
    """
    if not (np.isfinite(elasticity) and elasticity >= 0):
        msg = f"elasticity = {elasticity}: give a number of at least 0, for instance 1.3"
        raise UsageError(msg)
    if reference <= 0:
        msg = f"reference = {reference}: give an income above 0, for instance the median"
        raise UsageError(msg)
    # Not left to the power: any number to the power of 0 is 1, one that is missing too.
    with np.errstate(over="ignore", divide="ignore"):
        return np.where(income > 0, (np.where(income > 0, income, np.nan) / reference) ** -elasticity, np.nan)


def weighted_total(
    values: Values, weights: Floats, *, income: Floats, elasticity: float, reference: float | None = None
) -> Floats:
    r"""Total effect, that of each person weighted by income.

    .. math:: \sum_i w_i \omega_i x_i

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, any sign.
    weights : ndarray, shape (n,)
        People [people].
    income : ndarray, shape (n,)
        Income per person [currency]; people where it is not known, or not above 0, count for nothing.
    elasticity : float
        ε of :func:`distributional_weights`; 0 gives the total of those whose income is known.
    reference : float, optional
        Income whose weight is 1 [currency]; the median of the people unless given.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Totals [unit of the effect × people]; NaN where nobody's income is known, or a weight is too large for a number.

    Raises
    ------
    UsageError
        Where ε is below 0, or the reference not above 0.

    Examples
    --------
    >>> people, income = np.array([10.0, 10.0]), np.array([20.0, 80.0])
    >>> float(weighted_total(np.array([1.0, 4.0]), people, income=income, elasticity=1.0, reference=40.0))
    40.0
    """
    known = np.where(income > 0, weights, 0.0)
    spread = spread_of(values, known)
    middle = weighted_median(income, known) if reference is None else reference
    worth = distributional_weights(income, reference=middle, elasticity=elasticity)
    with np.errstate(over="ignore", invalid="ignore"):
        totals = spread.summed(spread.people * worth[spread.row] * spread.data)
    return spread.given(totals, where=np.isfinite(totals))

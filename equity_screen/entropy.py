"""Inequality that can be taken apart: generalised entropy, Theil between and within groups, Atkinson.

Values and weights as in :mod:`equity_screen.inequality`. All of these are relative: they ask for values ≥ 0 that are
not all 0. Those that ask for values above 0 are undefined where anybody has nothing; no zero is replaced by a small
number, for the answer would be that number's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array
from scipy.special import xlogy

from equity_screen.errors import UsageError
from equity_screen.inequality import Flags, Floats, Spread, Values, is_share_out, level_of, spread_of


class Parts(NamedTuple):
    """Inequality of everyone, taken apart: that between the groups, and that within them.

    Parameters
    ----------
    total, between, within : ndarray, shape (actions,) or ()
        The total is the sum of the two.
    """

    total: Floats
    between: Floats
    within: Floats


def _relative(given: Spread, legal: Flags) -> Floats:
    """Divide values by their mean; 1 in columns that are not legal."""
    mean = np.where(legal, level_of(given)[0], 1.0)[given.column]
    return np.where(legal[given.column], given.data / mean, 1.0)


def _term(relative: Floats, alpha: float) -> Floats:
    """Give what one person adds to the entropy, never negative; its terms in x − μ add up to 0."""
    if alpha == 0:
        return np.asarray(relative - 1.0 - np.log(relative))
    if alpha == 1:
        return np.asarray(xlogy(relative, relative) - (relative - 1.0))
    return np.asarray((relative**alpha - 1.0 - alpha * (relative - 1.0)) / (alpha * (alpha - 1.0)))


def generalised_entropy(values: Values, weights: Floats, *, alpha: float) -> Floats:
    r"""Generalised entropy: the larger α, the more it looks at those who have most.

    .. math:: GE_\alpha = \frac{1}{\alpha(\alpha-1)} \sum_i \frac{w_i}{W}
              \Bigl[\Bigl(\frac{x_i}{\mu}\Bigr)^\alpha - 1\Bigr], \quad
              GE_1 = \sum_i \frac{w_i}{W}\,\frac{x_i}{\mu}\ln\frac{x_i}{\mu}, \quad
              GE_0 = -\sum_i \frac{w_i}{W}\ln\frac{x_i}{\mu}

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0; > 0 where α ≤ 0.
    weights : ndarray, shape (n,)
        People [people].
    alpha : float
        α.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Entropy, ≥ 0; NaN outside its domain.

    Raises
    ------
    UsageError
        Where α is no number.

    References
    ----------
    Shorrocks (1980), doi:10.2307/1913126

    Examples
    --------
    >>> float(generalised_entropy(np.array([0.0, 4.0]), np.array([1.0, 1.0]), alpha=2))
    0.5
    """
    if not np.isfinite(alpha):
        msg = f"alpha = {alpha} is no number; 2 looks at those who have most, 0 at those who have least"
        raise UsageError(msg)
    given = spread_of(values, weights)
    legal = is_share_out(given) & ((given.elsewhere == 0) | (alpha > 0))
    entropy = given.averaged(_term(_relative(given, legal), alpha))
    if alpha > 0:
        entropy = entropy + given.without / alpha
    return given.given(np.maximum(entropy, 0.0), where=legal)


def theil(values: Values, weights: Floats) -> Floats:
    r"""Theil's T, the generalised entropy of α = 1.

    .. math:: T = \sum_i \frac{w_i}{W}\,\frac{x_i}{\mu}\ln\frac{x_i}{\mu}, \quad 0 \ln 0 = 0

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index, ≥ 0; NaN where a value is negative or the total is 0.

    References
    ----------
    Shorrocks (1980), doi:10.2307/1913126

    Examples
    --------
    Half of the people have all: the logarithm of 2.

    >>> round(float(theil(np.array([0.0, 4.0]), np.array([1.0, 1.0]))), 6)
    0.693147
    """
    return generalised_entropy(values, weights, alpha=1)


def mean_log_deviation(values: Values, weights: Floats) -> Floats:
    r"""Mean logarithmic deviation (Theil's L), the generalised entropy of α = 0.

    .. math:: L = -\sum_i \frac{w_i}{W}\ln\frac{x_i}{\mu}

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, > 0.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Deviation, ≥ 0; NaN where anybody has nothing, as with most actions that have a place.

    References
    ----------
    Shorrocks (1980), doi:10.2307/1913126

    Examples
    --------
    The mean is 2.5, the geometric mean 2.

    >>> float(np.exp(mean_log_deviation(np.array([1.0, 4.0]), np.array([1.0, 1.0]))).round(9))
    1.25
    """
    return generalised_entropy(values, weights, alpha=0)


# ---------------------------------------------------------------- between and within groups


class _Grouped(NamedTuple):
    """Columns over people who belong to one group each."""

    given: Spread
    groups: Floats
    share: Floats

    def averaged(self, numbers: Floats) -> Floats:
        """Average numbers that are 0 where nothing is stored over the people of each group: shape (actions, groups)."""
        shape = (len(self.groups), len(self.given.elsewhere))
        sums = csc_array((numbers, self.given.row, self.given.bounds), shape=shape).T @ self.groups
        people = self.share * self.given.total
        return np.asarray(np.divide(sums, people, out=np.zeros(sums.shape), where=people > 0))


def _grouped(values: Values, groups: Floats) -> _Grouped:
    groups = np.asarray(groups, dtype=np.float64)
    if groups.ndim != 2:  # noqa: PLR2004 - units and groups
        msg = f"groups of shape {groups.shape} are no table; give the people of each group as columns (units, groups)"
        raise UsageError(msg)
    if (groups < 0).any():
        msg = f"a group has {groups.min()} people in a unit; give counts of people, 0 where it has none"
        raise UsageError(msg)
    given = spread_of(values, groups.sum(axis=1))
    return _Grouped(given, groups, groups.sum(axis=0) / max(given.total, np.finfo(np.float64).tiny))


def theil_between(values: Values, groups: Floats) -> Parts:
    r"""Theil's T of everyone as inequality between the groups and within them.

    .. math:: T = \sum_g s_g \frac{m_g}{\mu} \ln\frac{m_g}{\mu} + \sum_g s_g \frac{m_g}{\mu} T_g

    with the groups' shares of the people s, their means m and Theil's T of each group on its own.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0.
    groups : ndarray, shape (n, groups)
        People of each group [people]; everyone is in one of them.

    Returns
    -------
    Parts
        Total, between and within, each of shape (actions,) or (); NaN where a value is negative or the total is 0.

    Raises
    ------
    UsageError
        Where the groups are not counts of people by unit.

    References
    ----------
    Shorrocks (1980), doi:10.2307/1913126

    Examples
    --------
    Two units of one person each who belong to different groups: all of the inequality is between these.

    >>> parts = theil_between(np.array([0.0, 4.0]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> [round(float(part), 6) for part in parts]
    [0.693147, 0.693147, 0.0]
    """
    by = _grouped(values, groups)
    given, legal = by.given, is_share_out(by.given)
    relative = _relative(given, legal)
    level = by.averaged(relative)
    between = (by.share * _term(level, 1)).sum(axis=1)
    within = (by.share * np.maximum(by.averaged(xlogy(relative, relative)) - xlogy(level, level), 0.0)).sum(axis=1)
    return Parts(*(given.given(part, where=legal) for part in (between + within, between, within)))


def variance_between(values: Values, groups: Floats) -> Parts:
    r"""Variance of everyone as variance between the groups and within them.

    .. math:: \sigma^2 = \sum_g s_g (m_g - \mu)^2 + \sum_g s_g \sigma_g^2

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign.
    groups : ndarray, shape (n, groups)
        People of each group [people]; everyone is in one of them.

    Returns
    -------
    Parts
        Total, between (the between-group variance, BGV) and within [unit of the values, squared].

    Raises
    ------
    UsageError
        Where the groups are not counts of people by unit.

    Examples
    --------
    >>> groups = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    >>> [float(part) for part in variance_between(np.array([0.0, 2.0, 4.0, 2.0]), groups)]
    [2.0, 1.0, 1.0]
    """
    by = _grouped(values, groups)
    given, mean = by.given, by.averaged(by.given.data)
    overall = given.averaged(given.data)
    between = (by.share * (mean - overall[:, None]) ** 2).sum(axis=1)
    within = np.zeros(len(between))
    stored = by.averaged(np.ones(len(given.data)))
    for g, share in enumerate(by.share):
        apart = (given.data - mean[given.column, g]) ** 2
        nothing = np.maximum(1.0 - stored[:, g], 0.0) * mean[:, g] ** 2
        within += share * (by._replace(groups=groups[:, [g]], share=by.share[[g]]).averaged(apart)[:, 0] + nothing)
    return Parts(*(given.given(part) for part in (between + within, between, within)))


def mld_between(values: Values, groups: Floats) -> Floats:
    r"""Mean logarithmic deviation between the groups: that of people who all have the mean of their group.

    .. math:: L_b = \sum_g s_g \ln\frac{\mu}{m_g}

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0; no group may have nothing.
    groups : ndarray, shape (n, groups)
        People of each group [people]; everyone is in one of them.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Deviation, ≥ 0.

    Raises
    ------
    UsageError
        Where the groups are not counts of people by unit.

    References
    ----------
    Shorrocks (1980), doi:10.2307/1913126

    Examples
    --------
    >>> found = mld_between(np.array([1.0, 4.0]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> float(np.exp(found).round(9))
    1.25
    """
    by = _grouped(values, groups)
    level, peopled = by.averaged(_relative(by.given, is_share_out(by.given))), by.share > 0
    legal = is_share_out(by.given) & (level[:, peopled] > 0).all(axis=1)
    term = _term(np.where((level > 0) & peopled, level, 1.0), 0)
    return by.given.given((by.share * term).sum(axis=1), where=legal)


# ---------------------------------------------------------------- Atkinson


def _refuse_epsilon(epsilon: float) -> None:
    if not (np.isfinite(epsilon) and epsilon > 0):
        msg = f"epsilon = {epsilon} is no aversion to inequality; give a number above 0, such as 0.5"
        raise UsageError(msg)


def _equivalent(given: Spread, legal: Flags, epsilon: float) -> Floats:
    """Level that, had by all, would be as good, over the mean."""
    relative = _relative(given, legal)
    if epsilon == 1:
        level = np.exp(given.averaged(np.log(relative)))
    else:
        # Over the least, so that no power leaves the range of numbers.
        least = np.ones(len(legal))
        if epsilon > 1:
            np.minimum.at(least, given.column, relative)
        power = given.averaged((relative / least[given.column]) ** (1 - epsilon))
        level = least * np.where(power > 0, power, 1.0) ** (1 / (1 - epsilon))
    return np.where((given.elsewhere > 0) & (epsilon >= 1), 0.0, level)


def atkinson(values: Values, weights: Floats, *, epsilon: float) -> Floats:
    r"""Atkinson's index: the share of the total that could be spared if all had the same, for things that are good.

    .. math:: A_\varepsilon = 1 - \frac1\mu \Bigl(\sum_i \frac{w_i}{W} x_i^{1-\varepsilon}\Bigr)^{1/(1-\varepsilon)},
              \quad A_1 = 1 - \frac1\mu \prod_i x_i^{w_i/W}

    Not for burdens: the same data told as what is spared would give another answer.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Amounts of something good, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].
    epsilon : float
        Aversion to inequality ε > 0.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [0–1]; 1 where ε ≥ 1 and anybody has nothing; NaN where a value is negative or the total is 0.

    Raises
    ------
    UsageError
        Where ε is not above 0.

    References
    ----------
    Atkinson (1970), doi:10.1016/0022-0531(70)90039-6

    Examples
    --------
    Half of the people have 4: had by all, (½·√4)² = 1 would be as good, where the mean is 2.

    >>> float(atkinson(np.array([0.0, 4.0]), np.array([1.0, 1.0]), epsilon=0.5))
    0.5
    """
    _refuse_epsilon(epsilon)
    given = spread_of(values, weights)
    legal = is_share_out(given)
    return given.given(np.clip(1.0 - _equivalent(given, legal, epsilon), 0.0, 1.0), where=legal)


def atkinson_ede(values: Values, weights: Floats, *, epsilon: float) -> Floats:
    r"""Level that, had by all, would be as good as what there is, by Atkinson's welfare function.

    .. math:: \Xi = \mu\,(1 - A_\varepsilon)

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Amounts of something good, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].
    epsilon : float
        Aversion to inequality ε > 0.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Level [unit of the values]; NaN where a value is negative or the total is 0.

    Raises
    ------
    UsageError
        Where ε is not above 0.

    References
    ----------
    Atkinson (1970), doi:10.1016/0022-0531(70)90039-6

    Examples
    --------
    >>> float(atkinson_ede(np.array([0.0, 4.0]), np.array([1.0, 1.0]), epsilon=0.5))
    1.0
    """
    _refuse_epsilon(epsilon)
    given = spread_of(values, weights)
    legal = is_share_out(given)
    return given.given(level_of(given)[0] * np.minimum(_equivalent(given, legal, epsilon), 1.0), where=legal)

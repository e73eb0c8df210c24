"""Levels that are as good as an unequal distribution, and weights of the people: Kolm–Pollak and its kin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

Floats = NDArray[np.float64]


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
        κ [1/unit]; NaN where the mean of the baseline is not above 0: κ would have no sign, or the wrong one.

    References
    ----------
    Sheriff & Maguire (2020), doi:10.1111/risa.13562

    Examples
    --------
    >>> kolm_pollak_kappa(np.array([1.0, 3.0]), np.array([1.0, 1.0]), epsilon=0.5, bad=True)
    -0.2
    """
    total = float((weights * values).sum())
    if not total > 0:
        return float("nan")
    return (-1 if bad else 1) * epsilon * total / float((weights * values * values).sum())


def kolm_pollak_ede(values: Floats, weights: Floats, *, kappa: float) -> float:
    r"""Equally-distributed equivalent: the level that, had by all, would be as good as what there is.

    .. math:: \Xi = -\frac1\kappa \ln \sum_i \frac{w_i}{W} e^{-\kappa v_i}

    Goods (κ > 0) have Ξ ≤ mean, bads (κ < 0) Ξ ≥ mean.

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
    total = float(weights.sum())
    if not total > 0 or np.isnan(kappa):
        return float("nan")
    if kappa == 0:
        return float((weights * values).sum() / total)
    exponents = -kappa * values[weights > 0]
    top = float(exponents.max())
    mean = float((weights[weights > 0] * np.exp(exponents - top)).sum()) / total
    return -(top + float(np.log(mean))) / kappa


def kolm_pollak_after(baseline: Floats, changes: csc_array, *, weights: Floats, kappa: float) -> Floats:
    r"""EDE after each of many actions, at once: only the neighbourhoods that change are touched.

    .. math:: \Xi_a = -\frac1\kappa \ln\Bigl(S_0 + \sum_i \omega_i\,\mathrm{expm1}(-\kappa x_{ia})\Bigr),
              \quad \omega_i = \tfrac{w_i}{W} e^{-\kappa b_i}, \; S_0 = \sum_i \omega_i

    Parameters
    ----------
    baseline : ndarray, shape (n,)
        Level before [unit]; NaN has no mass.
    changes : csc_array, shape (n, actions)
        Change of the level per person [unit], any sign.
    weights : ndarray, shape (n, groups)
        People of each group [people].
    kappa : float
        Inequality parameter [1/unit], not 0.

    Returns
    -------
    ndarray, shape (actions, groups)
        Levels [unit]; NaN for a group without people.

    Examples
    --------
    >>> baseline, people = np.array([1.0, 3.0]), np.array([[1.0], [1.0]])
    >>> after = kolm_pollak_after(baseline, csc_array([[0.0], [-2.0]]), weights=people, kappa=-0.2)
    >>> after.round(9).tolist()
    [[1.0]]
    """
    known = ~np.isnan(baseline)
    people = np.where(known[:, None], weights, 0.0)
    exponents = np.where(known, -kappa * np.where(known, baseline, 0.0), -np.inf)
    reached = people.sum(axis=1) > 0
    top = float(exponents[reached].max(initial=-np.inf))
    if not np.isfinite(top):
        return np.full((changes.shape[1], weights.shape[1]), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        tilted = people * np.exp(exponents - top)[:, None] / people.sum(axis=0)
        factor = csc_array((np.expm1(-kappa * changes.data), changes.indices, changes.indptr), shape=changes.shape)
        sums = tilted.sum(axis=0) + factor.T @ np.where(np.isfinite(tilted), tilted, 0.0)
        return np.asarray(-(top + np.log(sums)) / kappa)

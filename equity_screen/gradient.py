"""Who is ranked low and who high: concentration of an effect over a ranking of the people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rank_weights(rank: Floats, weights: Floats) -> tuple[Floats, float]:
    """Weights whose product with an effect is its generalised concentration index.

    Parameters
    ----------
    rank : ndarray, shape (n,)
        Fractional rank from :func:`equity_screen.inequality.mid_rank`.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    tilted : ndarray, shape (n,)
        w(2F−1)/W; 0 where there is no rank.
    total : float
        W, people with a rank [people].

    Examples
    --------
    >>> tilted, total = rank_weights(np.array([0.25, 0.75]), np.array([5.0, 5.0]))
    >>> tilted.tolist(), total
    ([-0.25, 0.25], 10.0)
    """
    ranked = np.where(np.isnan(rank), 0.0, weights)
    total = float(ranked.sum())
    tilt = np.where(np.isnan(rank), 0.0, 2 * rank - 1)
    return ranked * tilt / total if total > 0 else np.zeros(len(rank)), total


def concentration_index(effect: Floats, weights: Floats, *, rank: Floats) -> float:
    r"""Compute the standard concentration index of an effect over a ranking.

    .. math:: C = \frac{2\,\mathrm{cov}_w(x, F)}{\mu} = \frac{\sum_i w_i x_i (2F_i - 1)}{W\mu}

    Negative: the effect is concentrated among those ranked low. Bounds ±1 for x ≥ 0.

    Parameters
    ----------
    effect : ndarray, shape (n,)
        Effect per person, ≥ 0.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged.

    Returns
    -------
    float
        Index; NaN where the mean is 0 or a value is negative.

    References
    ----------
    Wagstaff, Paci & van Doorslaer (1991), doi:10.1016/0277-9536(91)90212-U

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> concentration_index(np.array([1.0, 0.0]), np.array([5.0, 5.0]), rank=rank)
    -0.5
    """
    if (effect < 0).any():
        return float("nan")
    tilted, total = rank_weights(rank, weights)
    ranked = np.where(np.isnan(rank), 0.0, weights)
    mean = float((ranked * effect).sum() / total) if total > 0 else 0.0
    return float((tilted * effect).sum() / mean) if mean > 0 else float("nan")


def generalised_concentration_index(effect: Floats, weights: Floats, *, rank: Floats) -> float:
    r"""Generalised (absolute) concentration index: the mean times the standard one.

    .. math:: GC = 2\,\mathrm{cov}_w(x, F)

    Parameters
    ----------
    effect : ndarray, shape (n,)
        Effect per person, any sign.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged.

    Returns
    -------
    float
        Index [unit of the effect].

    Examples
    --------
    >>> generalised_concentration_index(np.array([1.0, 0.0]), np.array([5.0, 5.0]), rank=np.array([0.25, 0.75]))
    -0.25
    """
    tilted, total = rank_weights(rank, weights)
    return float((tilted * effect).sum()) if total > 0 else float("nan")

"""Weighted measures of distribution: numbers and weights in, numbers out; no geography.

Each measure takes the weight of each unit (its people) beside its values, so that a unit with no
people changes nothing. Outside its domain a measure is NaN; the tables say why.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mid_rank(values: Floats, weights: Floats) -> Floats:
    r"""Weighted fractional rank: the mass below plus half of the mass tied.

    .. math:: F_i = \Bigl(\sum_{v_j < v_i} w_j + \tfrac12 \sum_{v_j = v_i} w_j\Bigr) \Big/ \sum_j w_j

    Parameters
    ----------
    values : ndarray, shape (n,)
        Ranking variable; NaN is not ranked and has no mass.
    weights : ndarray, shape (n,)
        People [people], ≥ 0.

    Returns
    -------
    ndarray, shape (n,)
        Fractional rank [0–1]; NaN where the value is.

    References
    ----------
    Kakwani, Wagstaff & van Doorslaer (1997), doi:10.1016/S0304-4076(96)01807-6

    Examples
    --------
    >>> mid_rank(np.array([1.0, 2.0, 2.0, 9.0]), np.array([1.0, 1.0, 1.0, 1.0])).tolist()
    [0.125, 0.5, 0.5, 0.875]
    """
    known = ~np.isnan(values)
    levels, level = np.unique(values[known], return_inverse=True)
    mass = np.bincount(level, weights=weights[known], minlength=len(levels))
    total = mass.sum()
    ranks = np.full(len(values), np.nan)
    if total > 0:
        ranks[known] = ((np.cumsum(mass) - mass / 2) / total)[level]
    return ranks

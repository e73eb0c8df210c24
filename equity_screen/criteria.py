"""Several criteria at once, for a portfolio that asks for them: TOPSIS and benefit of the doubt.

Optional, and never a verdict. One number for several criteria lets a gain in one make up for a loss in another,
which distribution between groups does not allow; and by both ways the order of two actions can turn round when a
third is added or taken away (rank reversal). Show the criteria beside the number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from equity_screen.errors import EquityScreenError, UsageError
from equity_screen.people import Floats, quotient

TABLE = 2


def topsis(matrix: ArrayLike, *, weights: Sequence[float], benefit: Sequence[bool]) -> Floats:
    r"""Measure how close each action is to the best that any has in each criterion, against the worst (TOPSIS).

    .. math:: v_{ij} = w_j \frac{x_{ij}}{\sqrt{\sum_k x_{kj}^2}}, \quad
              C_i = \frac{\lVert v_i - v^- \rVert}{\lVert v_i - v^+ \rVert + \lVert v_i - v^- \rVert}

    Optional only, never a verdict: criteria make up for one another, and ranks can turn round when an action is
    added or taken away, as the best and the worst are those of the table.

    Parameters
    ----------
    matrix : array_like, shape (actions, criteria)
        Values of the criteria, each in its own unit. An action with a missing one is left out.
    weights : sequence of float
        Weight of each criterion, ≥ 0; only their proportions count.
    benefit : sequence of bool
        Whether more is better, by criterion.

    Returns
    -------
    ndarray, shape (actions,)
        Closeness [0–1]; NaN for an action with a missing value, and where all are alike.

    Raises
    ------
    UsageError
        Weights or directions that do not belong to the criteria.

    References
    ----------
    Hwang & Yoon (1981), doi:10.1007/978-3-642-48318-9

    Examples
    --------
    >>> topsis([[1.0, 4.0], [2.0, 2.0]], weights=[1, 1], benefit=[True, False]).tolist()
    [0.0, 1.0]
    """
    table = _table(matrix)
    weighing, upward = np.asarray(weights, dtype=np.float64), np.asarray(benefit, dtype=bool)
    if weighing.shape != upward.shape or weighing.shape != table.shape[1:]:
        msg = f"{weighing.size} weights and {upward.size} directions for {table.shape[1]} criteria; give one for each"
        raise UsageError(msg)
    if not ((weighing >= 0).all() and 0 < weighing.sum() < np.inf):
        msg = f"weights {weighing.tolist()}: give numbers of 0 or more, one of them above 0"
        raise UsageError(msg)
    known = ~np.isnan(table).any(axis=1)
    seen = table[known]
    scaled = np.nan_to_num(quotient(seen, np.sqrt((seen**2).sum(axis=0)))) * (weighing / weighing.sum())
    toward = np.where(upward, 1.0, -1.0) * scaled
    if not known.any():
        return np.full(len(table), np.nan)
    from_best, from_worst = (
        np.sqrt(((toward - end) ** 2).sum(axis=1)) for end in (toward.max(axis=0), toward.min(axis=0))
    )
    closeness = np.full(len(table), np.nan)
    closeness[known] = quotient(from_worst, from_best + from_worst)
    return closeness


def benefit_of_the_doubt(matrix: ArrayLike, *, floors: Sequence[float] | None = None) -> Floats:
    r"""Score of each action by the weights that suit it best, so that none scores above 1 by them.

    .. math:: \text{score}_c = \max_{w \ge 0} \sum_q w_q y_{qc} \quad \text{s.t.} \quad
              \sum_q w_q y_{qj} \le 1 \; \forall j, \quad w_q y_{qc} \ge f_q \sum_r w_r y_{rc}

    Optional only, never a verdict: each action is seen at its best, by weights of its own, and scores depend on
    which others are in the table. Without floors an action may be judged by one criterion alone.

    Parameters
    ----------
    matrix : array_like, shape (actions, criteria)
        Values ≥ 0 of criteria in which more is better.
    floors : sequence of float, optional
        Least share that each criterion has in an action's own score [0–1]; they add to 1 at most.

    Returns
    -------
    ndarray, shape (actions,)
        Score [0–1]; NaN for an action with a missing value. With floors, an action that has nothing of a criterion
        with a floor scores 0.

    Raises
    ------
    UsageError
        Values below 0; floors that do not belong to the criteria or add to more than 1.
    EquityScreenError
        The linear programme of an action could not be solved.

    References
    ----------
    Cherchye, Moesen, Rogge & Van Puyenbroeck (2007), doi:10.1007/s11205-006-9029-7

    Examples
    --------
    >>> benefit_of_the_doubt([[1.0, 0.0], [0.0, 1.0], [0.5, 0.25]]).round(9).tolist()
    [1.0, 1.0, 0.75]
    """
    table = _table(matrix)
    if (table < 0).any():
        msg = f"criteria with values below 0 ({np.nanmin(table):g}); give criteria of which none is less than nothing"
        raise UsageError(msg)
    least = np.zeros(table.shape[1]) if floors is None else np.asarray(floors, dtype=np.float64)
    if least.shape != table.shape[1:] or not ((least >= 0).all() and least.sum() <= 1 + 1e-12):
        msg = f"floors {least.tolist()} for {table.shape[1]} criteria; give one for each, 0 or more, 1 at most together"
        raise UsageError(msg)
    known = ~np.isnan(table).any(axis=1)
    scores = np.full(len(table), np.nan)
    scores[known] = [_best(row, table[known], least) for row in table[known]]
    return scores


def _best(row: Floats, others: Floats, floors: Floats) -> float:
    """Solve the linear programme of one action, in the score's own parts so that units do not matter."""
    scale = others.max(axis=0)
    used = scale > 0
    own, limits = row[used] / scale[used], others[:, used] / scale[used]
    share = floors[used, None] * own - np.diag(own)
    if (floors[~used] > 0).any() or not used.any():
        return 0.0
    bounds = np.concatenate([np.ones(len(limits)), np.zeros(len(share))])
    solved = linprog(-own, A_ub=np.vstack([limits, share]), b_ub=bounds, bounds=(0, None), method="highs")
    if not solved.success:
        msg = f"benefit of the doubt: the linear programme was not solved ({solved.message})"
        raise EquityScreenError(msg)
    return float(np.clip(-solved.fun, 0.0, 1.0))


def _table(matrix: ArrayLike) -> Floats:
    table = np.asarray(matrix, dtype=np.float64)
    if table.ndim != TABLE or np.isinf(table).any():
        msg = f"criteria of shape {table.shape}; give a table of finite numbers, a row an action, a column a criterion"
        raise UsageError(msg)
    return table

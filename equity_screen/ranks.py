"""Ranks of actions over many draws: how firmly each holds its place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from equity_screen.errors import UsageError
from equity_screen.people import Floats, quotient
from equity_screen.text import number_text, percent_text

SOURCES = ("data", "weights", "thresholds", "distances", "recipes")
ALL = "all"
# Shares of the same people differ by what digitising leaves along a border: no difference.
SIGNIFICANT = 9
TABLE = 2
LEAST_SAID = 0.01


def rank_stability(
    scores: Floats, *, names: Sequence[object] | pd.Index, reference: Floats | None = None, higher_first: bool = True
) -> pd.DataFrame:
    r"""Rank actions in every draw, and say how firmly each holds its place.

    .. math:: \text{first}_a = \tfrac1R \sum_r \frac{[\,\text{rank}_{ra} = 1\,]}{\#\{b : \text{rank}_{rb} = 1\}}

    Actions with the same score share the mean of their ranks, and of being first.

    Parameters
    ----------
    scores : ndarray, shape (draws, actions)
        A score of each action in each draw; NaN where it is undefined there: the action has no rank in that draw.
    names : sequence or Index
        The actions, in order.
    reference : ndarray, shape (actions,), optional
        Scores without a draw; the first row of ``scores`` unless given.
    higher_first : bool
        Whether the highest score has rank 1.

    Returns
    -------
    DataFrame
        By action: rank (of the reference), median_rank, rank_low and rank_high (5th and 95th percentile of the
        draws), first_share [0–1], first ("always", "sometimes", "never"; "" where it is never ranked), mean_shift
        (mean of \|rank of the reference − rank\|), unranked_share of the draws [0–1].

    Raises
    ------
    UsageError
        No draw, or another number of names or of reference scores than of actions.

    References
    ----------
    OECD & JRC (2008). Handbook on constructing composite indicators: methodology and user guide.
    doi:10.1787/9789264043466-en

    Examples
    --------
    >>> scores = np.array([[3.0, 2.0, 1.0], [3.0, 3.0, 1.0], [1.0, 2.0, 3.0], [3.0, 2.0, np.nan]])
    >>> rank_stability(scores, names=["tram", "bus", "trees"])[["rank", "median_rank", "first_share", "first"]]
           rank  median_rank  first_share      first
    tram    1.0         1.25        0.625  sometimes
    bus     2.0         2.00        0.125  sometimes
    trees   3.0         3.00        0.250  sometimes
    """
    ranks, base = _ranks_and_base(scores, reference, higher_first=higher_first)
    if len(names) != ranks.shape[1]:
        msg = f"{len(names)} names for {ranks.shape[1]} actions: give one name for each column of the scores"
        raise UsageError(msg)
    known = ~np.isnan(ranks)
    best = ranks == np.fmin.reduce(ranks, axis=1, initial=np.inf)[:, None]
    first = (best / np.maximum(best.sum(axis=1), 1)[:, None]).mean(axis=0)
    always, ever = (best == known).all(axis=0), best.any(axis=0)
    words = np.where(ever & always, "always", np.where(ever, "sometimes", np.where(known.any(axis=0), "never", "")))
    return pd.DataFrame(
        {
            "rank": base,
            "median_rank": _quantile(ranks, 0.5),
            "rank_low": _quantile(ranks, 0.05),
            "rank_high": _quantile(ranks, 0.95),
            "first_share": first,
            "first": words,
            "mean_shift": _mean_of_known(np.abs(ranks - base)),
            "unranked_share": 1.0 - known.mean(axis=0),
        },
        index=pd.Index(names),
    )


def mean_shift(scores: Floats, *, reference: Floats | None = None, higher_first: bool = True) -> float:
    r"""Mean number of places by which actions move between the reference and the draws.

    .. math:: \bar R_S = \frac1R \sum_r \frac1n \sum_a \left| \text{rank}^{ref}_a - \text{rank}_{ra} \right|

    Parameters
    ----------
    scores : ndarray, shape (draws, actions)
        A score of each action in each draw; NaN where it is undefined.
    reference : ndarray, shape (actions,), optional
        Scores without a draw; the first row of ``scores`` unless given.
    higher_first : bool
        Whether the highest score has rank 1.

    Returns
    -------
    float
        Places, over the actions that are ranked both times; NaN where there are none.

    Raises
    ------
    UsageError
        No draw, or another number of reference scores than of actions.

    References
    ----------
    Saisana, M., Saltelli, A. & Tarantola, S. (2005). Uncertainty and sensitivity analysis techniques as tools for the
    quality assessment of composite indicators. Journal of the Royal Statistical Society A 168(2), 307–323.
    doi:10.1111/j.1467-985X.2005.00350.x

    Examples
    --------
    >>> mean_shift(np.array([[2.0, 1.0, 3.0]]), reference=np.array([1.0, 2.0, 3.0]))
    0.6666666666666666
    """
    ranks, base = _ranks_and_base(scores, reference, higher_first=higher_first)
    return float(_mean_of_known(_mean_of_known(np.abs(ranks - base).T)[:, None])[0])


def _ranks_and_base(scores: Floats, reference: Floats | None, *, higher_first: bool) -> tuple[Floats, Floats]:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != TABLE or not len(scores):
        msg = f"scores of shape {scores.shape}: give draws × actions, with one draw or more"
        raise UsageError(msg)
    given = scores[:1] if reference is None else np.atleast_2d(np.asarray(reference, dtype=np.float64))
    if given.shape != (1, scores.shape[1]):
        msg = f"{given.size} reference scores for {scores.shape[1]} actions: give one for each"
        raise UsageError(msg)
    return _ranks(scores, higher_first=higher_first), _ranks(given, higher_first=higher_first)[0]


def _ranks(scores: Floats, *, higher_first: bool) -> Floats:
    """Ranks in each row; sums in another order differ in the last bits, which are no difference."""
    if not scores.shape[1]:
        return scores
    scale = np.fmax.reduce(np.abs(scores), axis=1)[:, None]
    rounded = np.round(scores / np.where(scale > 0, scale, 1.0), SIGNIFICANT)
    return np.asarray(rankdata(-rounded if higher_first else rounded, axis=1, nan_policy="omit"), dtype=np.float64)


def _quantile(ranks: Floats, share: float) -> Floats:
    """Quantile of each column over the known."""
    found = np.full(ranks.shape[1], np.nan)
    some = ~np.isnan(ranks).all(axis=0)
    if some.any():
        found[some] = np.nanquantile(ranks[:, some], share, axis=0)
    return found


def _mean_of_known(values: Floats) -> Floats:
    known = ~np.isnan(values)
    return quotient(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))


def who_could_be_first(table: pd.DataFrame) -> str:
    """Say which action is first in most draws, and which others could be.

    Parameters
    ----------
    table : DataFrame
        As of :func:`stability`.

    Returns
    -------
    str
        One sentence; "" where nothing was varied or ranked.

    Examples
    --------
    >>> rows = pd.DataFrame({"action": ["TRAM", "BUS", "TREES"], "varied": "all", "first_share": [0.62, 0.38, 0.0]})
    >>> both = pd.concat([rows.assign(varied="data"), rows.assign(varied="weights"), rows])
    >>> who_could_be_first(both.assign(draws=200))
    'With data and weights varied, TRAM is first in 62 % of 200 draws; BUS (38 %) could be first.'
    """
    whole = table[table["varied"] == ALL]
    shares = whole.groupby("action")["first_share"].sum()
    shares = shares[shares > 0].sort_values(ascending=False, kind="stable")
    if shares.empty:
        return ""
    varied = _and([source for source in SOURCES if (table["varied"] == source).any()])
    said = [f"{action} ({_percent(share)})" for action, share in shares.iloc[1:].items()]
    others = f"{_and(said)} could be first" if said else "no other action is first in any"
    first, share, draws = shares.index[0], _percent(shares.iloc[0]), int(whole["draws"].iloc[0])
    return f"With {varied} varied, {first} is first in {share} of {number_text(draws)} draws; {others}."


def _percent(share: float) -> str:
    return percent_text(share, places=0) if share >= LEAST_SAID else "less than 1 %"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

"""Percentiles read from a published table of cut points."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from equity_screen.errors import UsageError

Ties = Literal["lowest", "highest"]
# Rows that published tables have below their percentiles.
BESIDE = ("mean", "std", "sd")
TOP = 100.0
Floats = NDArray[np.float64]


def percentile_from_table(
    values: ArrayLike,
    table: pd.DataFrame,
    *,
    column: str,
    percentile: str = "PCTILE",
    ties: Ties = "lowest",
    beside: Collection[str] = BESIDE,
) -> Floats:
    r"""Read the percentiles of values from a published table of cut points.

    .. math:: P(x) = p_k, \quad c_k \le x < c_{k+1}

    A value gets the percentile of the highest cut point that it reaches. Where several percentiles share a cut
    point, a value equal to it gets the lowest of them, and one above it the highest: a place that ties with
    the third of all places that have none of something is at percentile 0, not 33.

    Parameters
    ----------
    values : array-like of float, shape (n,)
        Values in the unit of the table; NaN where missing.
    table : DataFrame
        One row for each percentile, of one region.
    column : str
        Column with the cut points.
    percentile : str
        Column with the percentiles [0–100], as numbers or as text.
    ties : {"lowest", "highest"}
        What a value equal to a shared cut point gets; "highest" is plain interval search.
    beside : collection of str
        Texts in the column of percentiles whose rows are no cut points.

    Returns
    -------
    ndarray of float64, shape (n,)
        Percentiles; 0 below the first cut point; NaN where the value is, and everywhere if the table has no cut
        point at all in this column.

    Raises
    ------
    UsageError
        A table that is no table of cut points: no such column, percentiles that repeat or are no percentiles,
        cut points that are missing or fall; values above 1 for cut points up to 1.

    Notes
    -----
    With ``ties="lowest"`` this gives the national percentiles that EJAM 2.32 publishes for its sites, and with
    its table of national cut points, exactly: 100 of 100 sites for each of its indicators.

    Examples
    --------
    >>> table = pd.DataFrame({"PCTILE": ["0", "1", "2", "3", "mean"], "sites": [0, 0, 0, 5, 1.2]})
    >>> percentile_from_table([0, 0.1, 5, 7, np.nan], table, column="sites").tolist()
    [0.0, 2.0, 3.0, 3.0, nan]
    >>> percentile_from_table([0, 0.1], table, column="sites", ties="highest").tolist()
    [2.0, 2.0]
    """
    ranks, cuts = _cut_points(table, column, percentile, beside)
    known = np.asarray(values, dtype=np.float64)
    if np.isnan(cuts).all():
        return np.full(known.shape, np.nan)
    _one_unit(known, cuts, column)
    place = _PLACE[ties](cuts, known)
    found = np.where(place < 0, 0.0, ranks[np.maximum(place, 0)])
    return np.asarray(np.where(np.isnan(known), np.nan, found))


def _highest(cuts: Floats, values: Floats) -> NDArray[np.intp]:
    """Position of the last cut point that is reached; −1 below the first."""
    return np.asarray(np.searchsorted(cuts, values, side="right") - 1)


def _lowest(cuts: Floats, values: Floats) -> NDArray[np.intp]:
    return np.minimum(_highest(cuts, values), np.searchsorted(cuts, values, side="left"))


_PLACE: Mapping[Ties, Callable[[Floats, Floats], NDArray[np.intp]]] = MappingProxyType(
    {"lowest": _lowest, "highest": _highest}
)


def _cut_points(table: pd.DataFrame, column: str, percentile: str, beside: Collection[str]) -> tuple[Floats, Floats]:
    """Percentiles in order, and their cut points."""
    absent = [name for name in (percentile, column) if name not in table.columns]
    if absent:
        msg = f"the table of cut points has no column {', '.join(absent)}"
        raise UsageError(msg)
    rows = table[~table[percentile].isin(list(beside))]
    ranks = pd.to_numeric(rows[percentile], errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~((ranks >= 0) & (ranks <= TOP))
    if wrong.any() or not len(ranks):
        shown = "no row" if not len(ranks) else repr(rows[percentile].to_numpy()[wrong][0])
        msg = f"column {percentile}: {shown} is not a percentile from 0 to 100"
        raise UsageError(msg)
    order = np.argsort(ranks, kind="stable")
    ranks, cuts = ranks[order], rows[column].to_numpy(dtype=np.float64)[order]
    _rising(ranks, cuts, column, percentile)
    return ranks, cuts


def _rising(ranks: Floats, cuts: Floats, column: str, percentile: str) -> None:
    twice = ranks[1:][np.diff(ranks) == 0]
    if len(twice):
        msg = f"column {percentile}: percentile {twice[0]:g} stands twice; pick the rows of one region first"
        raise UsageError(msg)
    gaps = np.isnan(cuts)
    if gaps.any() and not gaps.all():
        msg = f"column {column}: no cut point at percentile {ranks[gaps][0]:g}"
        raise UsageError(msg)
    fall = ranks[1:][np.diff(cuts) < 0]
    if len(fall):
        msg = f"column {column}: the cut point of percentile {fall[0]:g} is below the one before it"
        raise UsageError(msg)


def _one_unit(values: Floats, cuts: Floats, column: str) -> None:
    """Refuse percentages where the table has fractions."""
    known = values[~np.isnan(values)]
    if len(known) and cuts[-1] <= 1 < np.median(known):
        msg = f"column {column}: most values are above 1 and all cut points below; divide percentages by 100"
        raise UsageError(msg)

"""How sure: margins of error beside every figure of a group, and what can be told of parity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.special import ndtr

from equity_screen.draws import cell_variation, with_draws
from equity_screen.margins import (
    Margins,
    coefficient_of_variation,
    margin_of_sum,
    margins_of,
    reliability,
    standard_error,
)
from equity_screen.overlay import Overlay
from equity_screen.people import Floats, People, quotient
from equity_screen.recipe import Uncertainty

FIGURES = ("total", "mean", "mean_rest", "gap", "ratio", "share_of_effect", "parity")
MARGIN_COLUMNS = (
    *("people_moe", "people_cv"),
    *(f"{name}_moe" for name in FIGURES),
    *("total_cv", "reliability", "by_draws", "parity_told"),
)
ABOVE, BELOW, IN_LINE = "above", "below", "in line"
BY_BOUNDS = "cannot be told: the counts by neighbourhood allow both"
BY_MARGINS = "cannot be told: it lies within the margin of error"
PRINTED = 0.0005  # a smaller difference from 1 would be printed as none


def with_margins(
    table: pd.DataFrame, laid: Overlay, *, hoods: pd.DataFrame, people: People, asked: Uncertainty
) -> pd.DataFrame:
    """Add margins of error to the figures of every effect and group, and say what can be told of parity.

    Margins are closed forms; for groups whose count has a coefficient of variation above ``draw_above`` by
    neighbourhood they are drawn, too, and the wider holds, but for totals, whose closed form is exact. Counts of
    different neighbourhoods and groups are taken as independent of one another. A margin says how far the counts of
    people may be off, and nothing of the amount.

    Parameters
    ----------
    table : DataFrame
        As of :func:`equity_screen.equity.by_group`.
    laid : Overlay
        Effects over neighbourhoods.
    hoods : DataFrame
        Table by neighbourhood, with moe_<group> and moe_population [people] where they are known.
    people : People
        People by neighbourhood.
    asked : Uncertainty
        Thresholds, draws and seed.

    Returns
    -------
    DataFrame
        The table with people_moe, people_cv, <figure>_moe (90 %), total_cv, reliability (high, medium, low),
        by_draws and parity_told.

    Examples
    --------
    >>> from equity_screen.equity import by_group
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones().assign(moe_low_income=6.0), four_actions()
    >>> laid, people = overlay(city, plan), people_of(city)
    >>> table = by_group(laid, plan.effects, people=people, groups={})
    >>> found = with_margins(table, laid, hoods=city, people=people, asked=Uncertainty())
    >>> found[["people", "people_moe", "reliability"]].head(1).values.tolist()
    [[150.0, 12.0, 'high']]
    """
    margins = margins_of(hoods, people)
    if not people.known or table.empty or np.isnan(margins.groups).all():
        return without_margins(table)
    figures = with_draws(
        laid.per_person.matrix,
        people,
        margins=margins,
        uncertainty=asked,
        own=laid.landed_doses,
        rates=laid.rates_of(people.names),
    )._asdict()
    drawn = np.nan_to_num(cell_variation(people, margins)) > asked.draw_above
    columns: dict[str, NDArray[Any]] = {
        f"{name}_moe": _where_known(table, name, figures[name].ravel()) for name in FIGURES
    }
    whole = _of_city(people, margins)
    columns["people_moe"] = np.tile(whole, len(table) // max(len(whole), 1))
    columns["people_cv"] = _variation(table["people"], columns["people_moe"])
    columns["total_cv"] = _variation(table["total"], columns["total_moe"])
    columns["reliability"] = reliability(columns["total_cv"], below=asked.reliable_below, above=asked.unreliable_above)
    columns["by_draws"] = np.tile(drawn, len(table) // max(len(drawn), 1))
    found = table.assign(**columns)
    return found.assign(parity_told=parity_told(found))


def without_margins(table: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of margins, all unknown.

    Parameters
    ----------
    table : DataFrame
        As of :func:`equity_screen.equity.by_group`.

    Returns
    -------
    DataFrame
        The table; parity_told goes by the ecological bounds alone.

    Examples
    --------
    >>> table = pd.DataFrame({"parity": [1.2], "parity_low": [1.1], "parity_high": [1.3]})
    >>> without_margins(table)["parity_told"].tolist()
    ['above']
    """
    blank = table.assign(**dict.fromkeys(MARGIN_COLUMNS, np.nan)).assign(reliability="", by_draws=False)
    return blank.assign(parity_told=parity_told(blank))


def parity_told(table: pd.DataFrame) -> NDArray[np.object_]:
    """Say on which side of parity each row is, or why that cannot be told.

    Parameters
    ----------
    table : DataFrame
        Columns parity, parity_low and parity_high (ecological bounds) and parity_moe (90 %; NaN where not known).

    Returns
    -------
    ndarray of str
        ``"above"``, ``"below"``, ``"in line"``, what stands in the way, or ``""`` where parity is undefined.

    Examples
    --------
    >>> rows = {"parity": [1.2, 1.2, 1.2], "parity_low": [1.1, 0.9, 1.1], "parity_high": [1.3, 1.4, 1.3],
    ...         "parity_moe": [0.1, 0.1, 0.3]}
    >>> [text.split(":")[0] for text in parity_told(pd.DataFrame(rows))]
    ['above', 'cannot be told', 'cannot be told']
    """
    parity, low, high, margin = (
        table[name].to_numpy(dtype=np.float64) for name in ("parity", "parity_low", "parity_high", "parity_moe")
    )
    # Where counts have margins and parity has none, these were too wide for one.
    unknown = np.isnan(margin) & table.get("people_moe", pd.Series(np.nan, index=table.index)).notna().to_numpy()
    margin = np.where(unknown, np.inf, np.where(np.isnan(margin), 0.0, margin))
    cases = [
        (np.isnan(parity), ""),
        ((low < 1 - PRINTED) & (high > 1 + PRINTED), BY_BOUNDS),
        ((np.abs(parity - 1) <= PRINTED) & (margin <= PRINTED), IN_LINE),
        (np.abs(parity - 1) <= margin, BY_MARGINS),
        (parity > 1, ABOVE),
    ]
    return np.select([rows for rows, _ in cases], [text for _, text in cases], default=BELOW).astype(object)


def _of_city(people: People, margins: Margins) -> Floats:
    return np.asarray(margin_of_sum(people.groups, margins.groups, axis=0), dtype=np.float64)


def _where_known(table: pd.DataFrame, name: str, margins: Floats) -> Floats:
    return np.where(table[name].isna().to_numpy(), np.nan, margins)


def _variation(estimates: pd.Series, margins: Floats) -> Floats:
    return np.asarray(coefficient_of_variation(estimates.to_numpy(dtype=np.float64), margins))


def share_probability(
    shares: Sequence[float] | Floats, margins: Sequence[float] | Floats, *, threshold: float
) -> Floats:
    r"""Probability that a share is at least a threshold, its error taken as normal.

    .. math:: P = \Phi\bigl((s - t) / \mathrm{SE}\bigr)

    Parameters
    ----------
    shares, margins : array-like
        Shares [0–1] and their 90 % margins.
    threshold : float
        Threshold [0–1].

    Returns
    -------
    ndarray
        Probabilities [0–1]; NaN where a share or its margin is not known.

    Examples
    --------
    >>> share_probability([0.4, 0.5], [0.1, 0.0], threshold=0.4).tolist()
    [0.5, 1.0]
    """
    difference = np.asarray(shares, dtype=np.float64) - threshold
    error = np.asarray(standard_error(np.asarray(margins, dtype=np.float64)), dtype=np.float64)
    certain = np.where(np.isnan(difference) | np.isnan(error), np.nan, (difference >= 0).astype(np.float64))
    z = np.divide(difference, error, out=np.zeros(difference.shape), where=error > 0)
    return np.where(error > 0, np.where(np.isnan(certain), np.nan, ndtr(z)), certain)


def priority_share_margin(doses: csc_array, margins: Floats, *, share: Floats, total: Floats, inside: Floats) -> Floats:
    r"""Margin of error of the share of each effect that goes to priority places.

    .. math:: M_{S} = \frac{1}{T} \sqrt{\sum_i x_i^2 (d_i - S)^2 M_i^2}

    with d the share of a neighbourhood that is priority: the share moves where people within are more or fewer than
    counted, and where those elsewhere are.

    Parameters
    ----------
    doses : csc_array, shape (neighbourhoods, effects)
        Effect per person.
    margins : ndarray, shape (neighbourhoods,)
        Margins of the population [people].
    share, total : ndarray, shape (effects,)
        Share to priority places [0–1], and the total of the effect.
    inside : ndarray, on the stored pairs
        Share of the people in reach who live in priority places [0–1].

    Returns
    -------
    ndarray, shape (effects,)
        Margins [0–1]; NaN where a margin that counts is not known.

    Examples
    --------
    >>> doses = csc_array([[1.0], [1.0]])
    >>> priority_share_margin(doses, np.array([3.0, 4.0]), share=np.array([0.5]), total=np.array([10.0]),
    ...                       inside=np.array([1.0, 0.0])).tolist()
    [0.25]
    """
    column = np.repeat(np.arange(doses.shape[1]), np.diff(doses.indptr))
    parts = doses.data * (inside - share[column]) * margins[doses.indices]
    # A neighbourhood without an effect, or without a say, needs no margin.
    parts = np.where((doses.data == 0) | (inside == share[column]), 0.0, parts)
    spread = np.sqrt(np.bincount(column, weights=parts**2, minlength=doses.shape[1]))
    return quotient(spread, np.where(total > 0, total, 0.0))

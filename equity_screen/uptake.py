"""Who takes an effect up: groups that are eligible, and the share of their people who do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.effects import OTHERS, uptake_of
from equity_screen.errors import Finding, InputError, finding
from equity_screen.recipe import PEOPLE, Group
from equity_screen.text import did_you_mean

Floats = NDArray[np.float64]
# Groups that fill a neighbourhood may exceed it by what rounding of their counts leaves.
ROUNDING_PEOPLE = 0.5


def uptake_rates(effects: pd.DataFrame) -> pd.DataFrame:
    """Share of the people of each group who take an effect up.

    Parameters
    ----------
    effects : DataFrame
        Column uptake.

    Returns
    -------
    DataFrame
        Effects × groups that any uptake names, and ``others``, shares [0–1]; NaN where an effect does not name the
        group. An effect without an uptake reaches everyone: all of its row is NaN.

    Examples
    --------
    >>> uptake_rates(pd.DataFrame({"uptake": ["renters=0.1", ""]}))["renters"].tolist()
    [0.1, nan]
    """
    named = [uptake_of(text) for text in effects["uptake"]]
    columns = sorted({group for rates in named for group in rates} - {OTHERS})
    return pd.DataFrame(named, index=effects.index, columns=[*columns, OTHERS], dtype="float64")


def require_uptake(
    neighbourhoods: pd.DataFrame, effects: pd.DataFrame, *, groups: Mapping[str, Group] | None = None
) -> None:
    """Refuse uptake by groups that are not counted, or that have people in common.

    Groups overlap where their declared dimensions differ, or where they hold more people together than live in a
    place: those in two of them would take the effect up twice.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Table by neighbourhood.
    effects : DataFrame
        Column uptake.
    groups : mapping of str to Group, optional
        Declarations, for their dimensions; only people are counted unless given.

    Raises
    ------
    InputError
        Every fault at once.

    Examples
    --------
    >>> hoods = pd.DataFrame({"population": [10.0], "people_renters": [4.0]}, index=["A"])
    >>> require_uptake(hoods, pd.DataFrame({"uptake": ["renters=0.1"]}))
    """
    known = [str(c).removeprefix(PEOPLE) for c in neighbourhoods.columns if str(c).startswith(PEOPLE)]
    faults: list[Finding] = []
    for text in sorted(set(effects["uptake"]) - {""}):
        named = sorted(set(uptake_of(text)) - {OTHERS})
        unknown = [group for group in named if group not in known]
        faults += [
            finding("ES-UPTAKE-GROUP", "effects", column="uptake", value=group, hint=did_you_mean(group, known))
            for group in unknown
        ]
        across = _across_dimensions(named, groups or {}, text)
        faults += across or ([] if unknown else _overlapping(neighbourhoods, named, text))
        faults += [f for group in named if group in known for f in _uncounted(neighbourhoods, group)]
    if faults:
        raise InputError(faults)


def _uncounted(neighbourhoods: pd.DataFrame, group: str) -> list[Finding]:
    """Find people without a count of the group: taken for 0, nobody of it would take anything up."""
    column = PEOPLE + group
    bare = neighbourhoods.index[(neighbourhoods["population"] > 0) & neighbourhoods[column].isna()]
    return [finding("ES-GROUP-MISSING", "neighbourhoods", id=str(one), column=column, group=group) for one in bare]


def _across_dimensions(named: list[str], groups: Mapping[str, Group], text: str) -> list[Finding]:
    """Find groups of different dimensions: however few they are, some people are in both."""
    dimensions = sorted({groups[name].dimension for name in named if name in groups} - {""})
    if len(dimensions) > 1:
        said = ", ".join(dimensions)
        return [finding("ES-UPTAKE-DIMENSIONS", "effects", column="uptake", value=text, dimensions=said)]
    return []


def _overlapping(neighbourhoods: pd.DataFrame, groups: list[str], text: str) -> list[Finding]:
    people = neighbourhoods[[PEOPLE + group for group in groups]].fillna(0.0).sum(axis=1)
    over = people > neighbourhoods["population"].fillna(0.0) + ROUNDING_PEOPLE
    return [
        finding("ES-UPTAKE-OVERLAP", "neighbourhoods", id=str(one), column="uptake", value=text)
        for one in neighbourhoods.index[over & (len(groups) > 1)]
    ]


def taken_up(
    neighbourhoods: pd.DataFrame, rates: pd.DataFrame, *, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> Floats:
    r"""Share of the people of a neighbourhood who take an effect up, on some pairs.

    .. math:: t_{ia} = \sum_g u_{ag} P_{ig} / P_i + u_{a,\text{others}} (1 - \sum_g P_{ig} / P_i)

    Parameters
    ----------
    neighbourhoods : DataFrame
        Columns population and people_<group> [people].
    rates : DataFrame
        As of :func:`uptake_rates`.
    rows, columns : ndarray of int
        Pairs (neighbourhood, effect).

    Returns
    -------
    ndarray
        Shares [0–1]; 1 for effects without an uptake, 0 where nobody lives.

    Examples
    --------
    >>> hoods = pd.DataFrame({"population": [10.0], "people_renters": [4.0]}, index=["A"])
    >>> rates = uptake_rates(pd.DataFrame({"uptake": ["renters=0.5; others=0.25", ""]}))
    >>> taken_up(hoods, rates, rows=np.array([0, 0]), columns=np.array([0, 1])).round(3).tolist()
    [0.35, 1.0]
    """
    named = rates.notna().any(axis=1).to_numpy()
    taken = np.ones(len(rows))
    mine = named[columns]
    if not mine.any():
        return taken
    people = neighbourhoods["population"].fillna(0.0).to_numpy(dtype=np.float64)[rows[mine]]
    share, left = np.zeros(len(people)), np.ones(len(people))
    for group in rates.columns.drop(OTHERS):
        count = neighbourhoods[PEOPLE + str(group)].fillna(0.0).to_numpy(dtype=np.float64)[rows[mine]]
        part = np.divide(count, people, out=np.zeros(len(people)), where=people > 0)
        rate = rates[group].to_numpy()[columns[mine]]
        share += np.where(np.isnan(rate), 0.0, rate * part)
        left -= np.where(np.isnan(rate), 0.0, part)
    rest = rates[OTHERS].fillna(0.0).to_numpy()[columns[mine]]
    taken[mine] = np.where(people > 0, np.clip(share + rest * np.maximum(left, 0.0), 0.0, 1.0), 0.0)
    return taken


def of_group(mean: csc_array, own: csc_array, *, rate: Floats) -> csc_array:
    """Give what a group has of effects: its own share of them where they name it, else what everyone around it has.

    Parameters
    ----------
    mean, own : csc_array, shape (neighbourhoods, effects)
        What a person has on average, and what one who takes it up has, on the same pairs.
    rate : ndarray, shape (effects,)
        Share of the group's people who take the effect up; NaN where it is not named.

    Returns
    -------
    csc_array
        Values on the same pairs.

    Examples
    --------
    >>> mean, own = csc_array([[0.2, 0.3]]), csc_array([[1.0, 1.0]])
    >>> of_group(mean, own, rate=np.array([0.5, np.nan])).toarray().tolist()
    [[0.5, 0.3]]
    """
    mine = np.repeat(rate, np.diff(mean.indptr))
    values = np.where(np.isnan(mine), mean.data, own.data * mine)
    return csc_array((values, mean.indices.copy(), mean.indptr.copy()), shape=mean.shape)


def summed_by_group(mean: csc_array, own: csc_array, *, rates: Floats, people: Floats) -> Floats:
    """Sum what each group has of each effect over the neighbourhoods.

    Parameters
    ----------
    mean, own : csc_array
        As of :func:`of_group`.
    rates : ndarray, shape (effects, groups)
        Share of the people of each group who take each effect up; NaN where an effect does not name the group.
    people : ndarray, shape (neighbourhoods, groups)
        People of each group.

    Returns
    -------
    ndarray, shape (effects, groups)
        Sums.

    Examples
    --------
    >>> mean, own, nobody = csc_array([[0.25]]), csc_array([[1.0]]), np.array([[np.nan, 0.5]])
    >>> summed_by_group(mean, own, rates=nobody, people=np.array([[8.0, 8.0]])).tolist()
    [[2.0, 4.0]]
    """
    if np.isnan(rates).all():
        return np.asarray(mean.T @ people)
    return np.column_stack(
        [of_group(mean, own, rate=rate).T @ count for rate, count in zip(rates.T, people.T, strict=True)]
    )

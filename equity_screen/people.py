"""People by neighbourhood as arrays, quotients that stay undefined, and reasons that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.recipe import PEOPLE, UNIVERSE

Floats = NDArray[np.float64]
EVERYONE = "everyone"
NO_PEOPLE = "no people were given"


class People(NamedTuple):
    """People by neighbourhood: all of them, and each group among its universe (columns by group).

    ``known`` is False where no neighbourhood has a population: then nothing can be said of people.
    """

    population: Floats
    groups: Floats
    universes: Floats
    names: tuple[str, ...]
    known: bool = True


def people_of(neighbourhoods: pd.DataFrame, names: Sequence[str] | None = None) -> People:
    """Take the people and groups out of a table by neighbourhood.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Columns population, people_<group> and, where it differs, universe_<group> [people].
    names : sequence of str, optional
        Groups; all ``people_`` columns unless given.

    Returns
    -------
    People
        Arrays of shape (neighbourhoods,) and (neighbourhoods, groups).

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> people_of(four_zones()).groups.sum(axis=0).tolist()
    [150.0]
    """
    if names is None:
        names = [str(c).removeprefix(PEOPLE) for c in neighbourhoods.columns if str(c).startswith(PEOPLE)]
    # People whose number is not known are in no sum: the ledger says so.
    known = neighbourhoods["population"].notna().to_numpy()
    population = np.where(known, neighbourhoods["population"].to_numpy(dtype=np.float64), 0.0)
    groups = np.empty((len(population), len(names)))
    universes = np.empty_like(groups)
    for position, name in enumerate(names):
        groups[:, position] = np.where(known, neighbourhoods[PEOPLE + name].to_numpy(dtype=np.float64), 0.0)
        column = UNIVERSE + name
        universe = neighbourhoods[column] if column in neighbourhoods.columns else population
        universes[:, position] = np.where(known, universe, 0.0)
    return People(population, groups, universes, tuple(names), bool(known.any()) or not len(known))


def with_everyone(people: People) -> People:
    """Put everyone before the groups, as a group of their own.

    Parameters
    ----------
    people : People
        People by neighbourhood.

    Returns
    -------
    People
        The same with one more column.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> with_everyone(people_of(four_zones())).groups.sum(axis=0).tolist()
    [1000.0, 150.0]
    """
    return People(
        people.population,
        np.column_stack([people.population, people.groups]),
        np.column_stack([people.population, people.universes]),
        (EVERYONE, *people.names),
        people.known,
    )


def quotient(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; NaN where the denominator is 0.

    Parameters
    ----------
    numerator, denominator : ndarray
        Numbers; the denominator is broadcast to the numerator's shape.

    Returns
    -------
    ndarray
        Quotients.

    Examples
    --------
    >>> quotient(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    shape = np.shape(numerator)
    whole = np.broadcast_to(np.asarray(denominator, dtype=np.float64), shape)
    quotient: Floats = np.divide(numerator, whole, out=np.full(shape, np.nan), where=whole != 0)
    return quotient


def reasons(cases: Sequence[tuple[NDArray[np.bool_], str]]) -> NDArray[np.object_]:
    """Join the texts of the cases that hold, row by row.

    Parameters
    ----------
    cases : sequence of (mask, text)
        One case each, masks of one length.

    Returns
    -------
    ndarray of str
        Reasons, ``""`` where no case holds.

    Examples
    --------
    >>> reasons([(np.array([True, False]), "nobody"), (np.array([True, False]), "nothing")]).tolist()
    ['nobody; nothing', '']
    """
    said = np.full(len(cases[0][0]) if cases else 0, "", dtype=object)
    for mask, text in cases:
        # Most cases hold nowhere; text is put together where there is any.
        first = mask & (said == "")
        later = mask & ~first
        said[first] = text
        said[later] += "; " + text
    return said

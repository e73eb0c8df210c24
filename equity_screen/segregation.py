"""How groups of a city live apart: context for every result, a property of the city and not of an action.

Each measure takes the people of a group beside the people among whom they live. A neighbourhood without people
changes nothing. Where a group is empty, or is everyone, nobody can live apart: the measure is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from equity_screen.people import Floats, People, quotient, reasons
from equity_screen.recipe import Group

# Published counts are rounded one by one: half a person is no contradiction.
ROUNDED = 0.5
TWO_GROUP = ("dissimilarity", "isolation", "interaction", "segregation_gini", "segregation_entropy")


class _Sides(NamedTuple):
    """A group and the rest of its universe by neighbourhood, each as columns, and their sums."""

    group: Floats
    rest: Floats
    universe: Floats
    total: Floats

    @property
    def share(self) -> Floats:
        """Share of the group in each neighbourhood; 0 where nobody lives."""
        return np.where(self.universe == 0, 0.0, quotient(self.group, self.universe))

    def legal(self, measure: Floats) -> Floats:
        """Leave out the columns of groups that are empty or everyone."""
        group, rest = self.group.sum(axis=0), self.rest.sum(axis=0)
        return np.where((group > 0) & (rest > 0), measure, np.nan)


def _sides(group: Floats, universe: Floats) -> _Sides:
    people = np.asarray(group, dtype=np.float64)
    around = np.asarray(universe, dtype=np.float64)
    whole = np.broadcast_to(around[:, None] if people.ndim > around.ndim else around, people.shape)
    within = np.minimum(people, whole)
    return _Sides(within, whole - within, whole, whole.sum(axis=0))


def dissimilarity(group: Floats, universe: Floats) -> Floats:
    r"""Share of a group who would have to move for it to live everywhere in the same proportion.

    .. math:: D = \frac12 \sum_i \left| \frac{b_i}{B} - \frac{t_i - b_i}{T - B} \right|

    Parameters
    ----------
    group : ndarray, shape (n,) or (n, groups)
        People of the group, b [people].
    universe : ndarray, shape (n,) or (n, groups)
        People among whom it was counted, t [people].

    Returns
    -------
    ndarray, shape () or (groups,)
        Index [0–1]: 0 is evenly mixed, 1 entirely apart; NaN for a group that is empty or everyone.

    References
    ----------
    Duncan & Duncan (1955), doi:10.2307/2088328

    Examples
    --------
    >>> float(dissimilarity(np.array([100.0, 0.0]), np.array([100.0, 100.0])))
    1.0
    >>> float(dissimilarity(np.array([75.0, 25.0]), np.array([100.0, 100.0])))
    0.5
    """
    sides = _sides(group, universe)
    apart = quotient(sides.group, sides.group.sum(axis=0)) - quotient(sides.rest, sides.rest.sum(axis=0))
    return sides.legal(np.abs(apart).sum(axis=0) / 2)


def isolation(group: Floats, universe: Floats) -> Floats:
    r"""Share of the group in the neighbourhood of the average person of the group.

    .. math:: {}_xP^*_x = \sum_i \frac{b_i}{B} \frac{b_i}{t_i}

    Parameters
    ----------
    group : ndarray, shape (n,) or (n, groups)
        People of the group, b [people].
    universe : ndarray, shape (n,) or (n, groups)
        People among whom it was counted, t [people].

    Returns
    -------
    ndarray, shape () or (groups,)
        Share [0–1]; with :func:`interaction` it adds to 1.

    References
    ----------
    Massey & Denton (1988), doi:10.1093/sf/67.2.281

    Examples
    --------
    >>> float(isolation(np.array([50.0, 50.0]), np.array([100.0, 100.0])))
    0.5
    """
    sides = _sides(group, universe)
    return sides.legal((quotient(sides.group, sides.group.sum(axis=0)) * sides.share).sum(axis=0))


def interaction(group: Floats, universe: Floats) -> Floats:
    r"""Share of everyone else in the neighbourhood of the average person of the group.

    .. math:: {}_xP^*_y = \sum_i \frac{b_i}{B} \frac{t_i - b_i}{t_i}

    Parameters
    ----------
    group : ndarray, shape (n,) or (n, groups)
        People of the group, b [people].
    universe : ndarray, shape (n,) or (n, groups)
        People among whom it was counted, t [people].

    Returns
    -------
    ndarray, shape () or (groups,)
        Share [0–1]; with :func:`isolation` it adds to 1.

    References
    ----------
    Massey & Denton (1988), doi:10.1093/sf/67.2.281

    Examples
    --------
    >>> float(interaction(np.array([100.0, 0.0]), np.array([100.0, 100.0])))
    0.0
    """
    sides = _sides(group, universe)
    return sides.legal((quotient(sides.group, sides.group.sum(axis=0)) * (1 - sides.share)).sum(axis=0))


def segregation_gini(group: Floats, universe: Floats) -> Floats:
    r"""Mean difference of the group's share between two people's neighbourhoods, of the most there can be.

    .. math:: G = \frac{\sum_i \sum_j t_i t_j |p_i - p_j|}{2 T^2 P (1 - P)}, \quad p_i = b_i / t_i, \; P = B / T

    Parameters
    ----------
    group : ndarray, shape (n,) or (n, groups)
        People of the group, b [people].
    universe : ndarray, shape (n,) or (n, groups)
        People among whom it was counted, t [people].

    Returns
    -------
    ndarray, shape () or (groups,)
        Index [0–1]; NaN for a group that is empty or everyone.

    References
    ----------
    Massey & Denton (1988), doi:10.1093/sf/67.2.281

    Examples
    --------
    >>> float(segregation_gini(np.array([100.0, 0.0]), np.array([100.0, 100.0])))
    1.0
    """
    sides = _sides(group, universe)
    order = np.argsort(sides.share, axis=0, kind="stable")
    share, mass = (np.take_along_axis(part, order, axis=0) for part in (sides.share, sides.universe))
    # Twice the mid-rank less 1; ties need no care, as those tied have the same share.
    tilt = quotient(2 * np.cumsum(mass, axis=0) - mass, sides.total) - 1
    overall = quotient(sides.group.sum(axis=0), sides.total)
    return sides.legal(quotient((mass * share * tilt).sum(axis=0), sides.total * overall * (1 - overall)))


def segregation_entropy(group: Floats, universe: Floats) -> Floats:
    r"""Information theory index of a group and the rest: how much less mixed neighbourhoods are than the city.

    .. math:: H = \sum_i \frac{t_i (E - E_i)}{T E}, \quad E_i = -p_i \ln p_i - (1 - p_i) \ln (1 - p_i)

    Parameters
    ----------
    group : ndarray, shape (n,) or (n, groups)
        People of the group, b [people].
    universe : ndarray, shape (n,) or (n, groups)
        People among whom it was counted, t [people].

    Returns
    -------
    ndarray, shape () or (groups,)
        Index [0–1]; NaN for a group that is empty or everyone.

    References
    ----------
    Massey & Denton (1988), doi:10.1093/sf/67.2.281

    Examples
    --------
    >>> float(segregation_entropy(np.array([100.0, 0.0]), np.array([100.0, 100.0])))
    1.0
    """
    sides = _sides(group, universe)
    overall = quotient(sides.group.sum(axis=0), sides.total)
    city = _entropy(overall) + _entropy(1 - overall)
    here = _entropy(sides.share) + _entropy(1 - sides.share)
    return sides.legal(quotient((sides.universe * (city - here)).sum(axis=0), sides.total * city))


def _entropy(share: Floats) -> Floats:
    """-p ln p, which is 0 where p is 0 or, by rounding, below."""
    positive = np.where(share > 0, share, 1.0)
    return np.where(np.isnan(share), np.nan, -positive * np.log(positive))


def multigroup_dissimilarity(groups: Floats) -> Floats:
    r"""Dissimilarity of several groups at once, which share out the people between them.

    .. math:: D = \frac{\sum_i \sum_k t_i |p_{ik} - P_k|}{2 T \sum_k P_k (1 - P_k)}

    Parameters
    ----------
    groups : ndarray, shape (n, groups)
        People of each group; nobody is in two [people].

    Returns
    -------
    ndarray, shape ()
        Index [0–1]; NaN where fewer than two groups have people.

    References
    ----------
    Sakoda, J. M. (1981). A generalized index of dissimilarity. Demography 18, 245–250.

    Examples
    --------
    >>> float(multigroup_dissimilarity(np.array([[100.0, 0.0], [0.0, 100.0]])))
    1.0
    """
    people, share, overall = _mixed(groups)
    apart = (people[:, None] * np.abs(share - overall)).sum()
    return quotient(apart, 2 * people.sum() * (overall * (1 - overall)).sum())


def multigroup_information(groups: Floats) -> Floats:
    r"""Theil's information theory index H of several groups, which share out the people between them.

    .. math:: H = \frac{1}{T E} \sum_i \sum_k t_i p_{ik} \ln \frac{p_{ik}}{P_k}, \quad E = -\sum_k P_k \ln P_k

    Parameters
    ----------
    groups : ndarray, shape (n, groups)
        People of each group; nobody is in two [people].

    Returns
    -------
    ndarray, shape ()
        Index [0–1]; NaN where fewer than two groups have people.

    References
    ----------
    Reardon & Firebaugh (2002), doi:10.1111/1467-9531.00110

    Examples
    --------
    >>> float(multigroup_information(np.array([[100.0, 0.0], [0.0, 100.0]])))
    1.0
    """
    people, share, overall = _mixed(groups)
    city = _entropy(overall).sum()
    here = (people[:, None] * _entropy(share)).sum()
    return quotient(people.sum() * city - here, people.sum() * city)


def _mixed(groups: Floats) -> tuple[Floats, Floats, Floats]:
    """People by neighbourhood, the share of each group among them, and in the city."""
    counts = np.asarray(groups, dtype=np.float64)
    people = counts.sum(axis=1)
    share = np.where(people[:, None] == 0, 0.0, quotient(counts, people[:, None]))
    return people, share, quotient(counts.sum(axis=0), people.sum())


MEASURES = (dissimilarity, isolation, interaction, segregation_gini, segregation_entropy)


def segregation_table(people: People, groups: Mapping[str, Group]) -> pd.DataFrame:
    """How far each group lives apart from the rest of its universe, and the groups of each dimension together.

    Parameters
    ----------
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for labels and dimensions; may be empty.

    Returns
    -------
    DataFrame
        One row a group, then one row a dimension with two groups or more (``group`` is then empty): group, label,
        dimension, people [people], share_of_people [0–1], dissimilarity, isolation, interaction, segregation_gini,
        segregation_entropy [0–1], undefined (reasons). Of a dimension, dissimilarity and entropy are those of several
        groups; people in none of its groups are one more.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_zones
    >>> table = segregation_table(people_of(four_zones()), {})
    >>> table[["group", "people", "dissimilarity", "isolation"]].round(4).to_dict("records")
    [{'group': 'low_income', 'people': 150.0, 'dissimilarity': 0.4314, 'isolation': 0.2767}]
    """
    dimensions = {name: groups[name].dimension if name in groups else "" for name in people.names}
    sizes = pd.Series(list(dimensions.values()), dtype=object).value_counts(sort=False)
    several = [name for name, size in sizes.items() if name and size > 1]
    rows = [_group_rows(people, groups)]
    rows += [_dimension_row(people, [g == name for g in dimensions.values()], name) for name in several]
    return pd.concat(rows, ignore_index=True)


def _group_rows(people: People, groups: Mapping[str, Group]) -> pd.DataFrame:
    count, universe = people.groups.sum(axis=0), people.universes.sum(axis=0)
    figures = {
        name: measure(people.groups, people.universes) for name, measure in zip(TWO_GROUP, MEASURES, strict=True)
    }
    named = [groups.get(name) for name in people.names]
    return pd.DataFrame(
        {
            "group": people.names,
            "label": [g.label if g else name for g, name in zip(named, people.names, strict=True)],
            "dimension": [g.dimension if g else "" for g in named],
            "people": count,
            "share_of_people": quotient(count, universe),
            **figures,
            "undefined": reasons(
                [
                    (count == 0, "the group is empty"),
                    ((count > 0) & (count >= universe), "the group is everyone: nobody lives apart from it"),
                ]
            ),
        }
    )


def _dimension_row(people: People, members: list[bool], dimension: str) -> pd.DataFrame:
    """Take the groups of one dimension together, with all who are in none of them."""
    columns, universes = people.groups[:, members], people.universes[:, members]
    universe = universes[:, 0]
    rest = universe - columns.sum(axis=1)
    apart = (universes != universe[:, None]).any()
    overlap = bool((rest < -ROUNDED * columns.shape[1]).any())
    why = "its groups were counted among different people" if apart else "its groups overlap" if overlap else ""
    partition = np.column_stack([columns, np.maximum(rest, 0.0)])
    return pd.DataFrame(
        {
            "group": [""],
            "label": [dimension],
            "dimension": [dimension],
            "people": [universe.sum()],
            "share_of_people": [1.0],
            "dissimilarity": [np.nan if why else float(multigroup_dissimilarity(partition))],
            "isolation": [np.nan],
            "interaction": [np.nan],
            "segregation_gini": [np.nan],
            "segregation_entropy": [np.nan if why else float(multigroup_information(partition))],
            "undefined": [why or "isolation, interaction and Gini are of one group"],
        }
    )

"""People reached by none, one, two or more actions; by one alone; by pairs of them; and who is missed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, triu

from equity_screen.atoms import ActionAtoms, Atoms, unreached
from equity_screen.people import EVERYONE, NO_PEOPLE, Floats, People, quotient, with_everyone
from equity_screen.recipe import PEOPLE, Group

TIMES = ("0", "1", "2", "3+")
NO_GROUP = "the group has no people here"
NOBODY = "it reaches nobody of the group"
SOME = f"{NOBODY} but those who take some of its effects up: who they are is not known"
# Along a border that two layers draw a hair apart, less than this share of a neighbourhood is in reach next door.
HAIR = 1e-6
Keys = Mapping[tuple[str, str], ActionAtoms]
KEYS = ("scope", "ledger")
MARGINAL = (*KEYS, "action", "group", "label", "people_reached", "people_only", "only_share", "undefined")
PAIRS = (*KEYS, "action", "other", "group", "label", "people_both", "share_of_smaller")
MISSED = (*KEYS, "neighbourhood", "name", "people", "people_unreached", "unreached_share", "nearest", "distance_m")


def times_reached(found: Keys, people: People, *, groups: Mapping[str, Group]) -> pd.DataFrame:
    r"""People in reach of no action of a ledger, of one, of two, and of three or more.

    With s the shares of the atoms a of neighbourhood i that n actions reach, and P the people of group g:

    .. math:: R_{g}(n) = \sum_i P_{ig} \sum_{a \in i,\, n_a = n} s_a

    A group is taken to be spread over a neighbourhood as everyone is.

    Parameters
    ----------
    found : mapping of (scope, ledger) to ActionAtoms
        From :func:`equity_screen.atoms.atoms_by_ledger`.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.

    Returns
    -------
    DataFrame
        One row for each scope, ledger, group (everyone first) and number of times: people, share of the group
        [0–1], undefined. The four numbers add up to the group.

    Examples
    --------
    >>> from equity_screen.atoms import atoms_by_ledger
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> laid = overlay(four_zones(), four_actions())
    >>> table = times_reached(atoms_by_ledger(laid), people_of(four_zones()), groups={})
    >>> table[(table["group"] == "everyone") & (table["ledger"] == "burden")][["times", "people"]].values[:2].tolist()
    [['0', 400.0], ['1', 600.0]]
    """
    whole = with_everyone(people)
    count = whole.groups.sum(axis=0)

    def table(one: ActionAtoms) -> pd.DataFrame:
        reached = _by_times(one.atoms, len(people.population)) @ whole.groups
        share = quotient(reached, count)
        rows = _crossed(TIMES, "times", people, groups).assign(people=reached.ravel(), share=share.ravel())
        return rows.assign(undefined=np.where(np.isnan(share.ravel()), NO_GROUP, ""))

    return _by_ledger(found, people, table)[[*KEYS, "group", "label", "times", "people", "share", "undefined"]]


def _by_times(atoms: Atoms, neighbourhoods: int) -> Floats:
    """Share of each neighbourhood reached 0, 1, 2, 3+ times, a row each; they add up to 1."""
    times = np.minimum(np.diff(atoms.inside.indptr), len(TIMES) - 1)
    size = len(TIMES) * neighbourhoods
    shares = np.bincount(times * neighbourhoods + atoms.zone, weights=atoms.share, minlength=size).astype(np.float64)
    found = shares.reshape(len(TIMES), neighbourhoods)
    found[0] = unreached(atoms, neighbourhoods)
    return found


def _crossed(
    values: pd.Index | tuple[str, ...], name: str, people: People, groups: Mapping[str, Group]
) -> pd.DataFrame:
    """Rows for each value and group, everyone first."""
    labels = ["Everyone", *(groups[n].label if n in groups else n for n in people.names)]
    of_groups = pd.DataFrame({"group": [EVERYONE, *people.names], "label": labels})
    return pd.DataFrame({name: pd.Index(values, dtype="object")}).merge(of_groups, how="cross")


def _by_ledger(found: Keys, people: People, table: Callable[[ActionAtoms], pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all scopes and ledgers below one another; where there is nothing to count they say why."""
    tables = []
    for (scope, ledger), one in found.items():
        said = one.undefined if people.known else NO_PEOPLE
        mine = table(one).assign(scope=scope, ledger=ledger)
        numbers = mine.select_dtypes("number").columns
        tables.append(mine.assign(**dict.fromkeys(numbers, np.nan), undefined=said) if said else mine)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def marginal_people(found: Keys, people: People, *, groups: Mapping[str, Group]) -> pd.DataFrame:
    """People whom an action reaches, and those of them whom no other action of the ledger reaches.

    Parameters
    ----------
    found : mapping of (scope, ledger) to ActionAtoms
        From :func:`equity_screen.atoms.atoms_by_ledger`.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.

    Returns
    -------
    DataFrame
        One row for each scope, ledger, action and group: people_reached, people_only [people], only_share of those
        reached [0–1], undefined. What the actions reach alone, and what two or more reach, add up to the people
        reached once.

    Examples
    --------
    >>> from equity_screen.atoms import atoms_by_ledger
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> laid = overlay(four_zones(), four_actions())
    >>> table = marginal_people(atoms_by_ledger(laid), people_of(four_zones()), groups={})
    >>> table[table["group"] == "everyone"][["ledger", "action", "people_only"]].head(2).values.tolist()
    [['benefit', 'EAST', 600.0], ['benefit', 'WEST', 400.0]]
    """
    whole = with_everyone(people)

    def table(one: ActionAtoms) -> pd.DataFrame:
        reached, only = (m @ whole.groups for m in _reached_and_only(one.atoms, len(people.population)))
        numbers = {"people_reached": reached, "people_only": only, "only_share": quotient(only, reached)}
        rows = _crossed(one.actions, "action", people, groups)
        rows = rows.assign(**{name: values.ravel() for name, values in numbers.items()})
        said = np.where(rows["action"].isin(one.taken_up), SOME, NOBODY)
        return rows.assign(undefined=np.where(reached.ravel() == 0, said, ""))

    return _by_ledger(found, people, table).reindex(columns=list(MARGINAL))


def _reached_and_only(atoms: Atoms, neighbourhoods: int) -> tuple[csr_array, csr_array]:
    """Share of each neighbourhood that an action reaches, and that it alone reaches: columns × neighbourhoods."""
    alone = np.diff(atoms.inside.indptr) == 1
    weights = [atoms.share, np.where(alone, atoms.share, 0.0)]
    rows = np.arange(len(atoms.zone))
    gathers = [csr_array((w, (rows, atoms.zone)), shape=(len(rows), neighbourhoods)) for w in weights]
    return csr_array(atoms.inside.T @ gathers[0]), csr_array(atoms.inside.T @ gathers[1])


class Pairs(NamedTuple):
    """Pairs of actions that reach the same people; ``left_out``: how many more there are, by (scope, ledger)."""

    table: pd.DataFrame
    left_out: dict[tuple[str, str], int]


def overlap_pairs(found: Keys, people: People, *, groups: Mapping[str, Group], limit: int | None = None) -> Pairs:
    """Pairs of actions of a ledger that reach the same people, those that share most people first.

    Parameters
    ----------
    found : mapping of (scope, ledger) to ActionAtoms
        From :func:`equity_screen.atoms.atoms_by_ledger`.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.
    limit : int, optional
        Most pairs of a scope and ledger; all unless given.

    Returns
    -------
    Pairs
        One row for each pair and group: people_both [people], share_of_smaller, their share of the people of the
        action that reaches fewer of the group [0–1]; and the number of pairs left out. Those that share no more
        than a millionth of the people of the smaller, the hair of a border, are no pair.

    Examples
    --------
    >>> from equity_screen.atoms import atoms_by_ledger
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> laid = overlay(four_zones(), four_actions())
    >>> pairs = overlap_pairs(atoms_by_ledger(laid), people_of(four_zones()), groups={})
    >>> len(pairs.table), pairs.left_out["active actions", "benefit"]
    (0, 0)
    """
    whole = with_everyone(people)
    tables, left_out = [pd.DataFrame(columns=list(PAIRS))], {}
    for key, one in found.items():
        homes = whole.groups[one.atoms.zone] * one.atoms.share[:, None]
        first, second = _pairs_by_people(one.atoms.inside, homes[:, 0])
        left_out[key] = 0 if limit is None else max(len(first) - limit, 0)
        both, smaller = _shared(one.atoms.inside, homes, first[:limit], second[:limit])
        rows = _crossed(one.actions[first[:limit]], "action", people, groups)
        others = one.actions[second[:limit]].repeat(len(whole.names))
        numbers = {"people_both": both.ravel(), "share_of_smaller": quotient(both, smaller).ravel()}
        tables.append(rows.assign(scope=key[0], ledger=key[1], other=others, **numbers))
    filled = [table for table in tables if len(table)] or tables[:1]
    return Pairs(pd.concat(filled, ignore_index=True)[list(PAIRS)], left_out)


def _pairs_by_people(inside: csr_array, people: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of columns that hold people together: those with most people first, then in the order of columns."""
    pairs = triu(inside.T @ inside.multiply(people[:, None]).tocsr(), k=1).tocoo()
    row, column, shared = pairs.row.astype(np.intp), pairs.col.astype(np.intp), pairs.data
    each = inside.T @ people
    kept = shared > HAIR * np.minimum(each[row], each[column])
    row, column, shared = row[kept], column[kept], shared[kept]
    # Rounded so that sums equal but for their last digits keep the order of the names.
    order = np.lexsort((column, row, -np.round(shared, 6)))
    return row[order], column[order]


def _shared(
    inside: csr_array, homes: Floats, first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """People of each group in both columns of a pair, and in the column with fewer."""
    columns = csc_array(inside)
    both = columns[:, first].multiply(columns[:, second]).T @ homes
    each = inside.T @ homes
    return np.asarray(both), np.minimum(each[first], each[second])


def missed(
    found: Keys,
    hoods: pd.DataFrame,
    *,
    people: People,
    nearest: Mapping[tuple[str, str], pd.DataFrame] | None = None,
    least: float = 1.0,
) -> pd.DataFrame:
    """Priority neighbourhoods that no action of a ledger reaches, with the nearest action and its distance.

    Parameters
    ----------
    found : mapping of (scope, ledger) to ActionAtoms
        From :func:`equity_screen.atoms.atoms_by_ledger`. A ledger in which nothing has a place misses nobody
        here: :func:`times_reached` says why.
    hoods : DataFrame
        Table by neighbourhood with name and priority (True or False).
    people : People
        People by neighbourhood.
    nearest : mapping of (scope, ledger) to DataFrame, optional
        Columns action and distance_m by neighbourhood, from :func:`equity_screen.distances.nearest_by_ledger`.
    least : float
        Least share of its people that nothing reaches [0–1]; 1, nobody there is reached, unless given.

    Returns
    -------
    DataFrame
        One row for each scope, ledger and such neighbourhood where people live: neighbourhood, name, people,
        people_<group>, people_unreached [people], unreached_share [0–1], nearest (action), distance_m. Those with
        most people unreached come first. A millionth of a neighbourhood may be reached by the hair of a border.

    Examples
    --------
    >>> from equity_screen.atoms import atoms_by_ledger
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones().assign(priority=True)
    >>> table = missed(atoms_by_ledger(overlay(city, four_actions())), city, people=people_of(city))
    >>> table[table["scope"] == "all actions"][["ledger", "neighbourhood", "people_unreached"]].values.tolist()
    [['burden', 'C', 300.0], ['burden', 'A', 100.0]]
    """
    names = [PEOPLE + name for name in people.names]
    columns = [*MISSED[:5], *names, *MISSED[5:]]
    tables = [
        _missed_of(one, hoods, people, least=least, nearest=None if nearest is None else nearest[key])
        .assign(scope=key[0], ledger=key[1])
        .reindex(columns=columns)
        for key, one in found.items()
        if not one.undefined
    ]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def _missed_of(
    one: ActionAtoms, hoods: pd.DataFrame, people: People, *, least: float, nearest: pd.DataFrame | None
) -> pd.DataFrame:
    share = unreached(one.atoms, len(hoods))
    counted = people.population if people.known else np.full(len(hoods), np.nan)
    table = pd.DataFrame(
        {
            "neighbourhood": hoods.index,
            "name": hoods["name"].to_numpy(),
            "people": counted,
            **{PEOPLE + name: people.groups[:, i] for i, name in enumerate(people.names)},
            "people_unreached": share * counted,
            "unreached_share": share,
            "nearest": "" if nearest is None else nearest["action"].to_numpy(),
            "distance_m": np.nan if nearest is None else nearest["distance_m"].to_numpy(),
        }
    )
    lived_in = (people.population > 0) | (not people.known)
    kept = hoods["priority"].to_numpy(dtype=bool) & (share > 0) & (share >= least - HAIR) & lived_in
    return table[kept].sort_values(["people_unreached", "neighbourhood"], ascending=[False, True])


class UnionBounds(NamedTuple):
    """Share of each neighbourhood in reach of at least one column: least, most, and what chance would give."""

    low: Floats
    high: Floats
    independent: Floats


def union_bounds(shares: csc_array) -> UnionBounds:
    r"""Bound the share reached at least once where only the share of each column is known.

    .. math:: \max_a c_a \le c_\cup \le \min\bigl(1, \sum_a c_a\bigr), \quad
              c_\perp = 1 - \prod_a (1 - c_a)

    Parameters
    ----------
    shares : csc_array, shape (neighbourhoods, columns)
        Shares in reach [0–1].

    Returns
    -------
    UnionBounds
        Arrays of shape (neighbourhoods,): the Fréchet bounds, and the share if columns fell independently.

    References
    ----------
    Fréchet (1935), Fundamenta Mathematicae 25, 379–387

    Examples
    --------
    >>> found = union_bounds(csc_array([[0.5, 0.25], [1.0, 0.5], [0.0, 0.0]]))
    >>> found.low.tolist(), found.high.tolist(), found.independent.tolist()
    ([0.5, 1.0, 0.0], [0.75, 1.0, 0.0], [0.625, 1.0, 0.0])
    """
    rows = csr_array(shares)
    if not rows.shape[1]:
        return UnionBounds(*np.zeros((3, rows.shape[0])))
    low = np.asarray(rows.max(axis=1).toarray(), dtype=np.float64).ravel()
    high = np.minimum(rows.sum(axis=1), 1.0)
    logs = rows.copy()
    with np.errstate(divide="ignore"):
        logs.data = np.log1p(-np.minimum(rows.data, 1.0))
    independent = -np.expm1(logs.sum(axis=1))
    # Rounding may not carry one of them past another.
    return UnionBounds(low, np.maximum(high, low), np.clip(independent, low, np.maximum(high, low)))

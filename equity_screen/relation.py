"""Sparse numbers over pairs with their two label indexes; counts and rates carried over shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from equity_screen.errors import EquityScreenError, UsageError

# Shares are published with a few decimals; those of one zone add to 1 within this.
TOLERANCE = 1e-6
BALANCE = 1e-9
ROUNDING = 1e-12
NAMED = 5
NOTHING: Mapping[str, str] = MappingProxyType({})
NO_RATIOS: Mapping[str, tuple[str, str]] = MappingProxyType({})
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Relation:
    """Sparse numbers over pairs (row, column), with the two label indexes.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array or csc_array of float64, shape (rows, columns)
        Pairs that are not stored are 0.
    rows, columns : pandas.Index
        Labels.

    Examples
    --------
    >>> relation = Relation(csr_array([[0.5, 0.0]]), pd.Index(["A"]), pd.Index(["x", "y"]))
    >>> relation.long("share")["share"].tolist()
    [0.5]
    """

    matrix: csr_array | csc_array
    rows: pd.Index
    columns: pd.Index

    def __post_init__(self) -> None:
        """Refuse labels that do not belong to the matrix."""
        if self.matrix.shape != (len(self.rows), len(self.columns)):
            msg = f"a matrix of shape {self.matrix.shape} for {len(self.rows)} rows and {len(self.columns)} columns"
            raise UsageError(msg)

    @property
    def T(self) -> Relation:  # noqa: N802 - the name that numpy and pandas give it
        """The same numbers with rows and columns exchanged."""
        return Relation(self.matrix.T, self.columns, self.rows)

    def long(self, value: str = "value") -> pd.DataFrame:
        """Give one row for each stored pair, in the order of rows, then columns.

        Parameters
        ----------
        value : str
            Name of the column with the numbers.

        Returns
        -------
        DataFrame
            Columns of the two labels and of the value.
        """
        pairs = self.matrix.tocoo()
        order = np.lexsort((pairs.col, pairs.row))
        return pd.DataFrame(
            {
                self.rows.name or "row": self.rows.take(pairs.row[order]),
                self.columns.name or "column": self.columns.take(pairs.col[order]),
                value: pairs.data[order],
            }
        )


def relation_of(
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    values: NDArray[np.float64],
    *,
    labels: tuple[pd.Index, pd.Index],
    zeros: bool = False,
) -> Relation:
    """Make a relation of pairs; of shares and amounts, pairs with the value 0 are not stored.

    Parameters
    ----------
    pairs : tuple of ndarray of int
        Positions of rows and columns, each pair once.
    values : ndarray of float64
        Their values.
    labels : tuple of pandas.Index
        Labels of rows and columns.
    zeros : bool
        Store pairs with the value 0 as well: a distance of 0 is a pair.

    Returns
    -------
    Relation
        The relation, its pairs in canonical order.

    Examples
    --------
    >>> pair, labels = (np.array([0]), np.array([1])), (pd.Index(["A"]), pd.Index(["x", "y"]))
    >>> relation_of(pair, np.array([0.25]), labels=labels).matrix.toarray().tolist()
    [[0.0, 0.25]]
    """
    kept = (values != 0) | zeros
    shape = (len(labels[0]), len(labels[1]))
    matrix = csr_array((values[kept], (pairs[0][kept], pairs[1][kept])), shape=shape, dtype=np.float64)
    matrix.sort_indices()
    return Relation(matrix, *labels)


def carried(
    relation: Relation,
    table: pd.DataFrame,
    *,
    counts: Iterable[str] = (),
    rates: Mapping[str, str] = NOTHING,
    ratios: Mapping[str, tuple[str, str]] = NO_RATIOS,
) -> pd.DataFrame:
    r"""Carry numbers from sources to targets: counts move, rates are averaged, ratios are ratios of sums.

    .. math:: n_j = \sum_i s_{ij} n_i, \qquad r_j = \sum_i s_{ij} w_i r_i \,/ \sum_i s_{ij} w_i, \qquad
              q_j = \sum_i s_{ij} a_i \,/ \sum_i s_{ij} b_i

    Nothing is guessed: each column is declared as what it is, a rate with the count that it is averaged by, a
    ratio with its own numerator and denominator. Sums are taken in the order of the relation's rows.

    Parameters
    ----------
    relation : Relation
        Rows are the sources, columns the targets, values the shares of the sources [0–1]. Targets may overlap.
    table : DataFrame
        Numbers by source; its index holds the relation's rows, each once, and no others.
    counts : iterable of str
        Columns of numbers of people or things.
    rates : mapping of str to str
        Column of a rate or mean, to the column of the count by which it is averaged.
    ratios : mapping of str to (str, str)
        Name of a new column, to the columns of its numerator and denominator.

    Returns
    -------
    DataFrame
        By target: counts, rates, ratios. A count and a ratio are missing where one of their parts is, or where there
        is no part; a rate is averaged over the known; a source where nobody is counted has no say in either.

    Raises
    ------
    UsageError
        Columns or sources that do not match, counts below 0 or infinite, values that are no shares.

    References
    ----------
    Goodchild, M. F. & Lam, N. S.-N. (1980). Areal interpolation: a variant of the traditional spatial problem.
    Geo-Processing 1, 297–312.

    Examples
    --------
    >>> zones, targets = pd.Index(["A", "B"]), pd.Index(["x", "y"])
    >>> relation = Relation(csr_array([[0.5, 0.5], [0.0, 1.0]]), zones, targets)
    >>> table = pd.DataFrame({"people": [100, 50], "heat": [30.0, 36.0], "renters": [20, 30]}, index=zones)
    >>> carried(relation, table, counts=["people"], rates={"heat": "people"}, ratios={"rent": ("renters", "people")})
       people  heat  rent
    x    50.0  30.0   0.2
    y   100.0  33.0   0.4
    """
    counts = list(counts)
    _named_once([*counts, *rates, *ratios])
    weighing = [*counts, *rates.values(), *(part for pair in ratios.values() for part in pair)]
    numbers = _numbers(relation, table, counts=weighing, others=list(rates))
    parts = _parts(relation)
    columns = {name: _count(parts, numbers[name]) for name in counts}
    columns |= {name: _rate(parts, numbers[name], numbers[weight]) for name, weight in rates.items()}
    columns |= {name: _ratio(parts, numbers[above], numbers[below]) for name, (above, below) in ratios.items()}
    return pd.DataFrame(columns, index=relation.columns)


def losses(relation: Relation, table: pd.DataFrame, *, counts: Iterable[str]) -> pd.DataFrame:
    r"""Tell what of each source reaches no target, as between the boundaries of two census years.

    .. math:: l_i = 1 - \sum_j s_{ij}

    Parameters
    ----------
    relation : Relation
        Rows are the sources, columns the targets, values the shares of the sources [0–1].
    table : DataFrame
        Numbers by source; its index holds the relation's rows, each once, and no others.
    counts : iterable of str
        Columns of numbers of people or things.

    Returns
    -------
    DataFrame
        By source: ``share`` that is lost, then of each count the number that is lost, missing where the count is.
        Published shares may add to a little more than 1: then a little below 0 is lost. What is lost and what
        :func:`carried` brings add to the table, or the call stops.

    Raises
    ------
    UsageError
        As in :func:`carried`; shares of a source that add to more than 1, since targets that overlap lose and
        double at once.
    EquityScreenError
        Where what is carried and what is lost do not add to the table within 1e-9.

    Examples
    --------
    >>> zones = pd.Index(["A", "B"])
    >>> relation = Relation(csr_array([[0.5, 0.25], [0.0, 1.0]]), zones, pd.Index(["x", "y"]))
    >>> losses(relation, pd.DataFrame({"people": [100, 50]}, index=zones), counts=["people"])
       share  people
    A   0.25    25.0
    B   0.00     0.0
    """
    counts = list(counts)
    _named_once(["share", *counts])
    numbers = _numbers(relation, table, counts=counts, others=[])
    parts = _parts(relation)
    share: Floats = 1.0 - np.bincount(parts.source, weights=parts.share, minlength=parts.sources).astype(np.float64)
    over = relation.rows[share < -TOLERANCE]
    if len(over):
        msg = (
            f"shares add to more than 1 in {_listed(over)}: targets that overlap count some twice; dissolve them first"
        )
        raise UsageError(msg)
    share[np.abs(share) < ROUNDING] = 0.0
    for name in counts:
        _balanced(parts, np.nan_to_num(numbers[name]), share, name=name)
    return pd.DataFrame({"share": share, **{name: share * numbers[name] for name in counts}}, index=relation.rows)


class _Parts(NamedTuple):
    """Pairs that carry something: positions of source and target, shares; how many sources and targets there are."""

    source: NDArray[np.intp]
    target: NDArray[np.intp]
    share: Floats
    sources: int
    targets: int

    def summed(self, values: Floats | NDArray[np.bool_]) -> Floats:
        """Add up values of the pairs for each target."""
        return np.bincount(self.target, weights=values, minlength=self.targets).astype(np.float64)


def _parts(relation: Relation) -> _Parts:
    pairs = relation.matrix.tocoo()
    wrong = ~((pairs.data >= 0) & (pairs.data <= 1 + TOLERANCE))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        pair = f"{relation.rows[pairs.row[first]]} → {relation.columns[pairs.col[first]]}"
        msg = f"{pair}: {pairs.data[first]:g} is not a share from 0 to 1"
        raise UsageError(msg)
    order = np.lexsort((pairs.row, pairs.col))
    order = order[pairs.data[order] > 0]
    return _Parts(pairs.row[order], pairs.col[order], pairs.data[order], *relation.matrix.shape)


def _named_once(names: list[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        msg = f"{_listed(twice)}: each column of the result is declared once, and not as another thing as well"
        raise UsageError(msg)


def _numbers(
    relation: Relation, table: pd.DataFrame, *, counts: Iterable[str], others: Iterable[str]
) -> dict[str, Floats]:
    """Read columns in the order of the relation's rows; counts are 0 or more."""
    counts, others = dict.fromkeys(counts), dict.fromkeys(others)
    absent = [name for name in {**counts, **others} if name not in table.columns]
    if absent:
        msg = f"the table has no column {_listed(absent)}"
        raise UsageError(msg)
    ordered = table.iloc[_places(relation.rows, table.index)]
    numbers = {name: ordered[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in {**counts, **others}}
    for name, values in numbers.items():
        wrong = relation.rows[np.isinf(values) | ((values < 0) & (name in counts))]
        if len(wrong):
            msg = (
                f"column {name}: {'a count below 0 or ' if name in counts else ''}an infinite value in {_listed(wrong)}"
            )
            raise UsageError(msg)
    return numbers


def _places(rows: pd.Index, index: pd.Index) -> NDArray[np.intp]:
    """Positions of the relation's sources in the table; both have the same, each once."""
    for name, labels in (("relation", rows), ("table", index)):
        if labels.has_duplicates:
            msg = f"the {name} has some sources twice: {_listed(labels[labels.duplicated()].unique())}"
            raise UsageError(msg)
    places, back = index.get_indexer(rows), rows.get_indexer(index)
    for here, there, lone in (("table", "relation", index[back < 0]), ("relation", "table", rows[places < 0])):
        if len(lone):
            count = len(index) if here == "table" else len(rows)
            msg = f"{len(lone)} of {count} sources of the {here} are not in the {there}: {_listed(lone)}"
            raise UsageError(msg)
    return np.asarray(places)


def _count(parts: _Parts, count: Floats) -> Floats:
    """Add up counts by target; a part of a sum is no sum."""
    values = count[parts.source]
    bad = (parts.summed(np.ones(len(values))) == 0) | (parts.summed(np.isnan(values)) > 0)
    return np.where(bad, np.nan, parts.summed(parts.share * np.nan_to_num(values)))


def _rate(parts: _Parts, rate: Floats, weight: Floats) -> Floats:
    """Rates by target, averaged over the known."""
    rates, weights = rate[parts.source], weight[parts.source]
    says = (weights > 0) & ~np.isnan(rates)
    mass = np.where(says, parts.share * weights, 0.0)
    whole = parts.summed(mass)
    mean = _quotient(parts.summed(mass * np.where(says, rates, 0.0)), whole)
    low, high = np.full(parts.targets, np.inf), np.full(parts.targets, -np.inf)
    np.minimum.at(low, parts.target[says], rates[says])
    np.maximum.at(high, parts.target[says], rates[says])
    # Rounding may not move a mean of equal rates off them.
    return np.where(whole > 0, np.clip(mean, low, high), np.nan)


def _ratio(parts: _Parts, above: Floats, below: Floats) -> Floats:
    """Ratios of sums by target; where one of the two sums is not known, neither is the ratio."""
    numerators, denominators = above[parts.source], below[parts.source]
    gap = np.isnan(denominators) | (np.isnan(numerators) & (denominators != 0))
    sums = [parts.summed(parts.share * np.nan_to_num(values)) for values in (numerators, denominators)]
    return np.where(parts.summed(gap) > 0, np.nan, _quotient(sums[0], sums[1]))


def _quotient(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))


def _balanced(parts: _Parts, count: Floats, share: Floats, *, name: str) -> None:
    brought = parts.summed(parts.share * count[parts.source]).sum()
    total, lost = count.sum(), (share * count).sum()
    if abs(total - brought - lost) > BALANCE * max(total, 1.0):
        msg = f"{name}: {brought:.15g} carried and {lost:.15g} lost are not the {total:.15g} of the table"
        raise EquityScreenError(msg)


def _listed(names: Iterable[object]) -> str:
    texts = [str(name) for name in names]
    return ", ".join([*texts[:NAMED], *(["…"] if len(texts) > NAMED else [])])

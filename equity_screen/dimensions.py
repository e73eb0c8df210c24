"""Groups that share out the people: which of them is worst off, how far apart they are, how much lies between them.

The groups of one dimension (income, origin, …) are taken for a partition: who is in none of them is in ``others``.
Where they overlap, or one was counted among other people, nothing is said of the dimension but why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array, vstack

from equity_screen.effects import OTHERS
from equity_screen.entropy import theil_between, variance_between
from equity_screen.errors import UsageError
from equity_screen.inequality import ROUNDING, Flags, Floats, undefined_because, weighted_mean
from equity_screen.people import People, quotient
from equity_screen.recipe import Group
from equity_screen.text import did_you_mean
from equity_screen.uptake import ROUNDING_PEOPLE

_FIGURES = (
    "worst_mean",
    "best_mean",
    "gap",
    "bgv",
    "variance_total",
    "variance_between_share",
    "theil_total",
    "theil_between",
    "theil_within",
    "theil_between_share",
    "idisp",
    "idisp_weighted",
)


class Partition(NamedTuple):
    """Everyone by the groups of a dimension: their names, their people (columns), or why there are none."""

    names: tuple[str, ...]
    columns: Floats
    undefined: str = ""


def dimensions_of(groups: Mapping[str, Group]) -> tuple[str, ...]:
    """Name the dimensions that groups declare, in their order.

    Parameters
    ----------
    groups : mapping of str to Group
        Declarations.

    Returns
    -------
    tuple of str
        Names.

    Examples
    --------
    >>> dimensions_of({"renters": Group(label="Renters", count="n", dimension="tenure")})
    ('tenure',)
    """
    return tuple(dict.fromkeys(group.dimension for group in groups.values() if group.dimension))


def partition_of(people: People, groups: Mapping[str, Group], *, dimension: str) -> Partition:
    """Share the people out among the groups of a dimension; who is in none of them is in ``others``.

    Parameters
    ----------
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations.
    dimension : str
        One of their dimensions.

    Returns
    -------
    Partition
        Names and columns (neighbourhoods × groups) [people]; none, and the reason, where a group was counted among
        others than everyone or with gaps, or where the groups hold more people than live in a neighbourhood.

    Raises
    ------
    UsageError
        Where no group is of the dimension.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_zones
    >>> income = Group(label="People with low incomes", count="n", dimension="income")
    >>> found = partition_of(people_of(four_zones()), {"low_income": income}, dimension="income")
    >>> found.names, found.columns.sum(axis=0).tolist()
    (('low_income', 'others'), [150.0, 850.0])
    """
    if dimension not in dimensions_of(groups):
        msg = f"dimension = {dimension!r}: no group is of it; {did_you_mean(dimension, dimensions_of(groups))}"
        raise UsageError(msg)
    mine = [at for at, name in enumerate(people.names) if name in groups and groups[name].dimension == dimension]
    names, columns = tuple(people.names[at] for at in mine), people.groups[:, mine]
    undefined = _no_partition(people, mine)
    if undefined:
        return Partition((), columns[:, :0], undefined)
    rest = np.maximum(people.population - columns.sum(axis=1), 0.0)
    # Counts that were rounded leave a little over: that is no group.
    if (rest <= ROUNDING_PEOPLE).all():
        return Partition(names, columns)
    return Partition((*names, OTHERS if OTHERS not in names else f"all {OTHERS}"), np.column_stack([columns, rest]))


def _no_partition(people: People, mine: Sequence[int]) -> str:
    """Say why groups share nobody out; ``""`` where they do."""
    counts = people.groups[:, mine]
    gaps = np.asarray(np.isnan(counts).any(axis=0))
    own = np.asarray((people.universes[:, mine] != people.population[:, None]).any(axis=0))
    over = counts.sum(axis=1) > people.population + ROUNDING_PEOPLE
    first = [people.names[at] for at in mine]
    cases = [
        (not people.known or not people.population.any(), "nobody lives here"),
        (not mine, "none of its groups is counted"),
        (gaps.any(), f"{_listed(first, gaps)}: the count is missing somewhere"),
        (own.any(), f"{_listed(first, own)}: counted among others than everyone"),
        (over.any(), f"the groups hold more people than live there, in {over.sum()} neighbourhoods"),
    ]
    return next((text for holds, text in cases if holds), "")


def _listed(names: Sequence[str], which: Iterable[np.bool_]) -> str:
    return ", ".join(name for name, named in zip(names, which, strict=True) if named)


_AGAINST = MappingProxyType({"everyone": None, "highest": np.max, "lowest": np.min})


def index_of_disparity(means: Floats, shares: Floats, *, weighted: bool, against: str = "everyone") -> Floats:
    r"""Compute the index of disparity: how far the groups' means are from a reference, on average, in per cent of it.

    .. math:: 100 \sum_g s_g \frac{|m_g - \mu|}{\mu}, \quad \mu = \sum_g s_g m_g

    Unweighted every group counts alike; against the highest or lowest mean, the group that has it is left out.

    Parameters
    ----------
    means : ndarray, shape (actions, groups) or (groups,)
        Mean of each group [unit]; NaN for a group without people, which is left out.
    shares : ndarray, shape (groups,)
        Shares of the people [0–1], of groups that partition them.
    weighted : bool
        Weight each group by its share of the people.
    against : {"everyone", "highest", "lowest"}
        Reference: the mean of everyone, or the highest or lowest of the groups.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [%], ≥ 0; NaN where the reference is not above 0.

    Raises
    ------
    UsageError
        Where there is no such reference.

    References
    ----------
    Pearcy & Keppel (2002), doi:10.1093/phr/117.3.273

    Examples
    --------
    The means 1 and 3 are each 1 from the mean 2 of everyone: 50 %.

    >>> float(index_of_disparity(np.array([1.0, 3.0]), np.array([0.5, 0.5]), weighted=False))
    50.0
    """
    if against not in _AGAINST:
        msg = f"against = {against!r}: {did_you_mean(against, _AGAINST)}"
        raise UsageError(msg)
    peopled = np.broadcast_to(shares > 0, np.shape(means))
    mean = np.where(peopled, means, 0.0)
    pick = _AGAINST[against]
    if pick is None:
        reference, compared = (mean * shares).sum(axis=-1, keepdims=True), peopled
    else:
        reference = pick(mean, axis=-1, keepdims=True, where=peopled, initial=-np.inf if pick is np.max else np.inf)
        compared = peopled & (np.arange(mean.shape[-1]) != _first(peopled & (mean == reference)))
    part = compared * (shares if weighted else 1.0)
    apart = (part * np.abs(mean - reference)).sum(axis=-1) / np.maximum(part.sum(axis=-1), np.finfo(np.float64).tiny)
    level = reference[..., 0]
    return 100 * quotient(apart, np.where(level > 0, level, 0.0))


def _first(flags: Flags) -> NDArray[np.intp]:
    return np.asarray(flags.argmax(axis=-1))[..., None]


def between_group_table(
    effects: csc_array,
    people: People,
    *,
    groups: Mapping[str, Group],
    labels: pd.MultiIndex,
    uptake: tuple[csc_array, Floats] | None = None,
    without: NDArray[np.object_] | None = None,
) -> pd.DataFrame:
    """Every effect by every dimension: who is worst off, how far groups are apart, how much of it lies between them.

    Parameters
    ----------
    effects : csc_array, shape (neighbourhoods, effects)
        Effect per person, on average over those who live there.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, with their dimensions.
    labels : MultiIndex
        Action, ledger and effect of each column.
    uptake : tuple of (csc_array, ndarray of shape (effects, groups)), optional
        Where only some take an effect up: on the pairs of the effects, what a person who does has, and the share
        of each group's people who do; NaN where an effect does not name the group. A group that is not named has
        what those who are leave.
    without : ndarray of str, optional
        Why an effect has no figures; ``""`` where it has.

    Returns
    -------
    DataFrame
        One row for each effect and dimension: action, ledger, effect, dimension, groups (how many have people),
        worst_off and best_off (the group of the least and greatest mean, for a burden the other way round; groups
        that tie together), worst_mean, best_mean and the gap between them, ≥ 0 [unit], bgv (between-group variance)
        and variance_total [unit²], variance_between_share [0–1], theil_total, theil_between, theil_within,
        theil_between_share [0–1], idisp and idisp_weighted [%], undefined (reasons). The shares are 0 where
        all have the same.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_zones
    >>> people = people_of(four_zones())
    >>> low = {"low_income": Group(label="People with low incomes", count="n", dimension="income")}
    >>> one = pd.MultiIndex.from_tuples([("SOUTH", "benefit", "shade")], names=["action", "ledger", "effect"])
    >>> shade = csc_array([[1.0], [1.0], [0.0], [0.0]])
    >>> row = between_group_table(shade, people, groups=low, labels=one).iloc[0]
    >>> row["worst_off"], row["best_off"], round(float(row["best_mean"]), 4)
    ('others', 'low_income', 0.6667)
    """
    named = [partition_of(people, groups, dimension=name) for name in dimensions_of(groups)]
    own = [None if uptake is None else _own(effects, people, uptake, partition=part) for part in named]
    parts = [
        _of_dimension(effects, part, labels=labels, own=mine).assign(dimension=name)
        for name, part, mine in zip(dimensions_of(groups), named, own, strict=True)
    ]
    table = _in_order(parts, labels)
    return table if without is None else _blanked(table, np.repeat(without, len(parts)))


def _in_order(parts: Sequence[pd.DataFrame], labels: pd.MultiIndex) -> pd.DataFrame:
    columns = [*labels.names, "dimension", "groups", "worst_off", "best_off", *_FIGURES, "undefined"]
    if not parts:
        return pd.DataFrame(columns=columns)
    keyed = [part.assign(**labels.to_frame(index=False)) for part in parts]
    return pd.concat(keyed).sort_index(kind="stable").reset_index(drop=True)[columns]


def _blanked(table: pd.DataFrame, without: NDArray[np.object_]) -> pd.DataFrame:
    blank = without != ""
    table.loc[blank, list(_FIGURES)] = np.nan
    table.loc[blank, ["worst_off", "best_off"]] = ""
    table.loc[blank, "undefined"] = without[blank]
    return table


class _Own(NamedTuple):
    """Effects that groups of a dimension take up each at its own rate: one row a group and neighbourhood."""

    asks: Flags
    values: csc_array
    counts: Floats


def _own(mean: csc_array, people: People, uptake: tuple[csc_array, Floats], *, partition: Partition) -> _Own:
    """Give what each group of a partition has of the effects that name any of them: the rest shares what is left."""
    own, rates = uptake
    rates = pd.DataFrame(rates, columns=list(people.names)).reindex(columns=list(partition.names)).to_numpy(dtype=float)
    asks = ~np.isnan(rates).all(axis=1)
    mean, own, rates = mean[:, asks], own[:, asks], rates[asks]
    row, rate = mean.indices, np.repeat(rates, np.diff(mean.indptr), axis=0)
    named, everyone = ~np.isnan(rate), people.population[mean.indices]
    mine = np.where(named, partition.columns[row], 0.0)
    taken = own.data * (np.where(named, rate, 0.0) * mine).sum(axis=1)
    left, others = mean.data * everyone - taken, everyone - mine.sum(axis=1)
    # What is left of a difference that cancels is rounding: nobody else takes it up.
    left = np.where(left <= ROUNDING * mean.data * everyone, 0.0, left)
    each = np.divide(left, others, out=np.zeros(len(row)), where=others > ROUNDING * everyone)
    data = np.where(named, own.data[:, None] * rate, each[:, None])
    values = [csc_array((column, mean.indices, mean.indptr), shape=mean.shape) for column in data.T]
    count, groups = partition.columns.shape
    counts = (partition.columns[:, :, None] * np.eye(groups)).transpose(1, 0, 2).reshape(count * groups, groups)
    return _Own(asks, vstack(values, format="csc"), counts)


def _of_dimension(effects: csc_array, partition: Partition, *, labels: pd.MultiIndex, own: _Own | None) -> pd.DataFrame:
    """Figures of every effect for one dimension, in the order of the effects."""
    burden = labels.get_level_values("ledger").to_numpy() == "burden"
    if partition.undefined:
        blank = dict.fromkeys(_FIGURES, np.nan)
        return pd.DataFrame(
            {"groups": 0, "worst_off": "", "best_off": "", **blank, "undefined": partition.undefined},
            index=range(len(labels)),
        )
    means, figures, said = _figures(effects, partition.columns)
    if own is not None and own.asks.any():
        means[own.asks], figures[own.asks], said[own.asks] = _figures(own.values, own.counts)
    worst, best = _extremes(means, burden)
    columns = {
        "groups": int((partition.columns.sum(axis=0) > 0).sum()),
        "worst_off": _tied(means, worst, partition.names),
        "best_off": _tied(means, best, partition.names),
        **dict(zip(_FIGURES, np.column_stack([worst, best, np.abs(best - worst), figures]).T, strict=True)),
        "undefined": said,
    }
    return pd.DataFrame(columns)


def _figures(values: csc_array, counts: Floats) -> tuple[Floats, Floats, NDArray[np.object_]]:
    """Means of the groups, shape (effects, groups); figures from bgv on, shape (effects, figures); reasons."""
    sizes = counts.sum(axis=0)
    refused = undefined_because(values, counts.sum(axis=1), needs="non-negative")
    missing = undefined_because(values, counts.sum(axis=1), needs="any")
    means = np.column_stack([weighted_mean(values, group) for group in counts.T])
    means[missing != ""] = np.nan
    variance, theil = variance_between(values, counts), theil_between(values, counts)
    level = np.nanmax(np.abs(means), axis=1, initial=0.0)
    idisp = [index_of_disparity(means, sizes / sizes.sum(), weighted=weighted) for weighted in (False, True)]
    figures = np.column_stack(
        [
            variance.between,
            variance.total,
            _share(variance.between, variance.total, least=(ROUNDING * level) ** 2),
            *(theil.total, theil.between, theil.within, _share(theil.between, theil.total, least=ROUNDING)),
            *(np.where(refused == "", index, np.nan) for index in idisp),
        ]
    )
    relative = [f"Theil and index of disparity: {text}" if text else "" for text in refused]
    return means, figures, np.where(missing != "", missing, np.array(relative, dtype=object))


def _share(part: Floats, whole: Floats, *, least: Floats | float) -> Floats:
    """Part of a whole; 0 where the whole is nothing but rounding."""
    return np.where(whole <= least, 0.0, quotient(part, whole))


def _extremes(means: Floats, burden: Flags) -> tuple[Floats, Floats]:
    """Mean of the group that is worst off, and of the one that is best off; NaN where no group has a mean."""
    known = ~np.isnan(means)
    least = np.min(means, axis=1, where=known, initial=np.inf)
    most = np.max(means, axis=1, where=known, initial=-np.inf)
    least, most = (np.where(known.any(axis=1), bound, np.nan) for bound in (least, most))
    return np.where(burden, most, least), np.where(burden, least, most)


def _tied(means: Floats, extreme: Floats, names: Sequence[str]) -> NDArray[np.object_]:
    """Name the groups whose mean is the extreme one; few patterns of ties are worded once each."""
    tied = np.abs(means - extreme[:, None]) <= ROUNDING * np.abs(extreme)[:, None]
    patterns, which = np.unique(tied, axis=0, return_inverse=True)
    return np.array([_listed(names, pattern) for pattern in patterns], dtype=object)[which.ravel()]

"""The measures of every report for all effects at once, as arrays: who has how much, over whom, how unequally.

What is a sum over people with fixed weights comes from one sparse product for everything; the rest are passes over the
stored pairs. Group figures are those of :func:`equity_screen.equity.by_group` for effects that nobody has to take up.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.entropy import Parts, atkinson, theil, theil_between
from equity_screen.errors import UsageError
from equity_screen.gradient import rank_weights
from equity_screen.inequality import ROUNDING, Flags, Floats, absolute_gini, as_columns
from equity_screen.people import People, quotient, with_everyone
from equity_screen.welfare import kolm_pollak_ede_by_group

_SAME_PEOPLE = 1e-9
_TOGETHER = 50_000  # effects that a thread measures at a time: fewer, and work on the people is done too often

_Number = TypeVar("_Number", np.float64, np.bool_)


class Distribution(NamedTuple):
    """Measures by effect (E), and by group (G), ranking (R) or dimension (D) in the order in which these were given.

    Parameters
    ----------
    totals : ndarray, shape (E, G)
        What each group has [unit × people].
    means, means_rest : ndarray, shape (E, G)
        Per person of the group, and of the rest of its universe [unit].
    gaps : ndarray, shape (E, G)
        Mean less mean of the rest [unit].
    ratios : ndarray, shape (E, G)
        Mean over mean of the rest.
    shares : ndarray, shape (E, G)
        Share of what the group's universe has [0–1].
    people_shares : ndarray, shape (G,)
        Share of the people of the group's universe [0–1].
    parity : ndarray, shape (E, G)
        Share of the effect over share of the people.
    total, mean : ndarray, shape (E,)
        Of everyone [unit × people; unit].
    ci, gci : ndarray, shape (E, R)
        Concentration index, standard and generalised [1; unit].
    gini, absolute_gini, theil, atkinson : ndarray, shape (E,)
        Inequality among everyone [1; unit; 1; 1].
    theil_between, theil_within : ndarray, shape (E, D)
        Theil's T between the groups of each dimension and within them.
    ede : ndarray, shape (E, 1 + G), or None
        Kolm–Pollak level of everyone and of each group [unit]; None unless κ was given.
    """

    totals: Floats
    means: Floats
    means_rest: Floats
    gaps: Floats
    ratios: Floats
    shares: Floats
    people_shares: Floats
    parity: Floats
    total: Floats
    mean: Floats
    ci: Floats
    gci: Floats
    gini: Floats
    absolute_gini: Floats
    theil: Floats
    theil_between: Floats
    theil_within: Floats
    atkinson: Floats
    ede: Floats | None


def distribution(
    effects: csc_array,
    people: People,
    *,
    ranks: Mapping[str, Floats],
    partitions: Mapping[str, Sequence[int]],
    atkinson_epsilon: float = 0.5,
    kappa: Floats | float | None = None,
) -> Distribution:
    """Measure all effects at once.

    Parameters
    ----------
    effects : csc_array, shape (n, E)
        Effects per person by neighbourhood.
    people : People
        People by neighbourhood, and groups.
    ranks : mapping of str to ndarray, shape (n,)
        Fractional rank of each neighbourhood by ranking, 1 = most advantaged; NaN where it has none.
    partitions : mapping of str to sequence of int
        Which groups (by their number) share out the people, by dimension; people in none of them count as one more.
    atkinson_epsilon : float, optional
        Aversion to inequality of Atkinson's index.
    kappa : ndarray, shape (E,), or float, optional
        Inequality parameter of the Kolm–Pollak level [1/unit], frozen on a baseline; none is made up here.

    Returns
    -------
    Distribution
        Undefined is NaN: relative measures where a value is below 0 or nobody has anything, a dimension whose groups
        overlap or were counted among others than everyone.

    Raises
    ------
    UsageError
        Where effects and people are not of the same neighbourhoods, or a partition names a group that is not there.

    Examples
    --------
    Ten people live in A and ten in B; 5 of the renters in A, where the effect is, and none elsewhere.

    >>> people = People(np.array([10.0, 10.0]), np.array([[5.0], [0.0]]), np.array([[10.0], [10.0]]), ("renters",))
    >>> ranks = {"income": np.array([0.25, 0.75])}
    >>> found = distribution(csc_array([[2.0], [0.0]]), people, ranks=ranks, partitions={"tenure": [0]})
    >>> float(found.totals[0, 0]), float(found.parity[0, 0]), float(found.ci[0, 0]), float(found.gini[0])
    (10.0, 2.0, -0.5, 0.5)
    """
    columns = as_columns(effects)
    _refuse(columns, people, partitions)
    given = _Given(people, _fixed(people, ranks), list(partitions.values()), atkinson_epsilon)
    kappas = None if kappa is None else np.broadcast_to(np.asarray(kappa, dtype=np.float64), columns.shape[1:])
    cuts = [slice(start, start + _TOGETHER) for start in range(0, max(columns.shape[1], 1), _TOGETHER)]
    with ThreadPoolExecutor(min(len(cuts), os.cpu_count() or 1)) as threads:
        # What an effect has does not depend on the effects beside it, so neither on the threads.
        parts = list(threads.map(lambda cut: given.of(columns[:, cut], None if kappas is None else kappas[cut]), cuts))
    count, everyone = people.groups.sum(axis=0), people.universes.sum(axis=0)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    ede = joined.pop("ede", None)
    return Distribution(**joined, people_shares=quotient(count, everyone), ede=ede)


def _refuse(columns: csc_array, people: People, partitions: Mapping[str, Sequence[int]]) -> None:
    if columns.shape[0] != len(people.population):
        msg = f"effects of {columns.shape[0]} neighbourhoods for people of {len(people.population)}; give the same"
        raise UsageError(msg)
    for name, members in partitions.items():
        unknown = [number for number in members if not 0 <= number < len(people.names)]
        if unknown:
            msg = f"dimension {name!r} names group {unknown[0]}; there are groups 0 to {len(people.names) - 1}"
            raise UsageError(msg)


def _side_by_side(columns: Sequence[Floats], effects: csc_array) -> Floats:
    return np.column_stack([np.empty((effects.shape[1], 0)), *columns])


class _Given(NamedTuple):
    """What is the same for every effect."""

    people: People
    fixed: _Fixed
    dimensions: Sequence[Sequence[int]]
    epsilon: float

    def of(self, columns: csc_array, kappa: Floats | None) -> dict[str, Floats]:
        """Measure some effects."""
        people = self.people.population
        parts = [_theil_parts(columns, self.people, members) for members in self.dimensions]
        found = _sums(columns, self.people, self.fixed)
        absolute, entropy = absolute_gini(columns, people), theil(columns, people)
        return {
            **found,
            "absolute_gini": absolute,
            # Legal where Theil's index is.
            "gini": np.where(np.isnan(entropy), np.nan, quotient(absolute, found["mean"])),
            "theil": entropy,
            "theil_between": _side_by_side([part.between for part in parts], columns),
            "theil_within": _side_by_side([part.within for part in parts], columns),
            "atkinson": atkinson(columns, people, epsilon=self.epsilon),
            **({} if kappa is None else {"ede": _ede(columns, with_everyone(self.people).groups, kappa)}),
        }


# ---------------------------------------------------------------- sums over fixed columns of people


class _Fixed(NamedTuple):
    """Columns of people side by side, where each block of them ends, and the people whom each ranking ranks."""

    table: Floats
    blocks: Mapping[str, slice]
    ranked: Floats
    universe: NDArray[np.intp]

    def split(self, sums: NDArray[_Number]) -> dict[str, NDArray[_Number]]:
        """Take products with the table apart by block."""
        return {name: sums[:, block] for name, block in self.blocks.items()}


def _fixed(people: People, ranks: Mapping[str, Floats]) -> _Fixed:
    leaning = [rank_weights(rank, people.population) for rank in ranks.values()]
    ranked = [np.where(np.isnan(rank), 0.0, people.population) for rank in ranks.values()]
    own = (people.universes != people.population[:, None]).any(axis=0)
    blocks = {
        "group": people.groups,
        "rest": people.universes - people.groups,
        "universe": np.column_stack([people.population, people.universes[:, own]]),
        "ranked": _columns_of(ranked, people),
        "leaning": _columns_of([tilted for tilted, _ in leaning], people),
    }
    ends = np.cumsum([block.shape[1] for block in blocks.values()])
    places = {name: slice(end - blocks[name].shape[1], end) for name, end in zip(blocks, ends, strict=True)}
    # Groups of everyone share the first universe; each other group has its own.
    which = np.where(own, np.cumsum(own), 0)
    return _Fixed(np.column_stack(list(blocks.values())), places, np.array([total for _, total in leaning]), which)


def _sums(columns: csc_array, people: People, fixed: _Fixed) -> dict[str, Floats]:
    """Everything that is a sum of the effects over fixed columns of people, by one product."""
    found, lost = fixed.split(columns.T @ fixed.table), fixed.split(_below_zero(columns, fixed.table))
    universe = fixed.universe
    return {
        **_of_groups(found, people, universe=found["universe"][:, universe], signed=lost["universe"][:, universe]),
        **_of_ranks(found, lost["ranked"], fixed.ranked),
        "total": found["universe"][:, 0],
        "mean": quotient(found["universe"][:, 0], people.population.sum()),
    }


def _columns_of(vectors: Sequence[Floats], people: People) -> Floats:
    return np.column_stack([np.empty((len(people.population), 0)), *vectors])


def _below_zero(columns: csc_array, people: Floats) -> Flags:
    """Tell which effects take something from any of the people of each column: shape (E, columns)."""
    below = columns.data < 0
    if not below.any():
        return np.zeros((columns.shape[1], people.shape[1]), dtype=bool)
    losses = csc_array((below.astype(np.float64), columns.indices, columns.indptr), shape=columns.shape)
    return np.asarray(losses.T @ (people > 0).astype(np.float64) > 0)


def _of_groups(found: Mapping[str, Floats], people: People, *, universe: Floats, signed: Flags) -> dict[str, Floats]:
    count, everyone = people.groups.sum(axis=0), people.universes.sum(axis=0)
    mean, mean_rest = quotient(found["group"], count), quotient(found["rest"], everyone - count)
    # What is left of a sum that cancels is rounding, and no mean to compare with.
    mean_rest = np.where(np.abs(mean_rest) <= ROUNDING * np.abs(mean), 0.0, mean_rest)
    share = np.where(signed, np.nan, quotient(found["group"], universe))
    return {
        "totals": found["group"],
        "means": mean,
        "means_rest": mean_rest,
        "gaps": mean - mean_rest,
        "ratios": np.where(signed, np.nan, quotient(mean, mean_rest)),
        "shares": share,
        "parity": quotient(share, quotient(count, everyone)),
    }


def _of_ranks(found: Mapping[str, Floats], signed: Flags, people: Floats) -> dict[str, Floats]:
    mean = quotient(found["ranked"], people)
    generalised = np.where(people > 0, found["leaning"], np.nan)
    # What is left of a sum that cancels is rounding, and says nothing of a direction.
    generalised = np.where(np.abs(generalised) <= ROUNDING * np.abs(mean), 0.0, generalised)
    return {"gci": generalised, "ci": np.where(signed, np.nan, quotient(generalised, mean))}


# ---------------------------------------------------------------- passes over the stored pairs


def _theil_parts(columns: csc_array, people: People, members: Sequence[int]) -> Parts:
    """Take Theil's T apart; undefined where the groups do not share out the people."""
    groups = people.groups[:, list(members)]
    left = people.population - groups.sum(axis=1)
    left[np.abs(left) <= _SAME_PEOPLE * people.population] = 0.0
    own = (people.universes[:, list(members)] != people.population[:, None]).any()
    if own or (left < 0).any():
        return Parts(*np.full((3, columns.shape[1]), np.nan))
    return theil_between(columns, np.column_stack([groups, left]) if left.any() else groups)


def _ede(columns: csc_array, groups: Floats, kappa: Floats) -> Floats:
    """Kolm–Pollak levels with a κ for each effect: that of κx at 1, over κ; the mean where κ is 0."""
    scaled = np.where(np.isfinite(kappa), kappa, 0.0)
    times = np.repeat(scaled, np.diff(columns.indptr))
    turned = csc_array((columns.data * times, columns.indices, columns.indptr), shape=columns.shape)
    level = quotient(kolm_pollak_ede_by_group(turned, groups, kappa=1.0), scaled[:, None])
    flat = np.flatnonzero(kappa == 0)
    level[flat] = quotient(columns[:, flat].T @ groups, groups.sum(axis=0))
    return level

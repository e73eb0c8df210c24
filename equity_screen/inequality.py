"""Weighted measures of distribution: numbers and weights in, numbers out; no geography.

Each measure takes the weight of each unit (its people) beside its values, one column of values an action, so that a
unit with no people changes nothing. Zeros are not stored: a measure is a pass over what is, and the people who have
nothing are added as one number. Outside its domain a measure is NaN; :func:`undefined_because` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array, issparse

from equity_screen.errors import UsageError
from equity_screen.text import did_you_mean

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Values: TypeAlias = csc_array | Floats

# A mean this small beside the mean of the sizes is what is left of numbers that cancel.
CANCELLED = 1e-9
ROUNDING = 1e-12

_BLOCK = 1 << 18  # numbers sorted together; what a block gives does not depend on it
_TOP, _BOTTOM = 0.1, 0.4


def as_columns(values: ArrayLike | csc_array) -> csc_array:
    """Sparse columns of numbers, one an action, that hold what is not 0 once and in the order of the rows.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Numbers; a vector is one column.

    Returns
    -------
    csc_array of float64, shape (n, actions)
        The same numbers: duplicates added up, zeros left out, NaN kept. What is so already is given back as it is.

    Examples
    --------
    >>> as_columns(np.array([0.0, 2.0, 0.0])).data.tolist()
    [2.0]
    >>> as_columns(csc_array(([1.0, 1.0, 0.0], ([0, 0, 1], [0, 0, 0])), shape=(2, 1))).data.tolist()
    [2.0]
    """
    if not issparse(values):
        dense = np.asarray(values, dtype=np.float64)
        return csc_array(dense[:, None] if dense.ndim == 1 else dense)
    columns = csc_array(values, dtype=np.float64)
    if columns.has_canonical_format and columns.data.all():
        return columns
    columns = columns.copy()
    columns.sum_duplicates()
    columns.eliminate_zeros()
    return columns


class Spread(NamedTuple):
    """Columns of values over people, ready for a pass: what is stored where anybody lives, and who has nothing.

    Parameters
    ----------
    shape : tuple of int
        Shape of what a measure gives: () for a vector of values, else (actions,).
    data : ndarray, shape (stored,)
        Values that are not 0, column after column; 0 in the place of one that is missing.
    row : ndarray of int, shape (stored,)
        Their units.
    people : ndarray, shape (stored,)
        People of their units [people].
    bounds : ndarray of int, shape (actions + 1,)
        Where each column begins and ends.
    total : float
        All people [people].
    elsewhere : ndarray, shape (actions,)
        People who have 0 [people].
    missing : ndarray of bool, shape (actions,)
        Columns with a value that is missing.
    """

    shape: tuple[int, ...]
    data: Floats
    row: NDArray[np.integer]
    people: Floats
    bounds: NDArray[np.integer]
    total: float
    elsewhere: Floats
    missing: Flags

    @property
    def column(self) -> NDArray[np.integer]:
        """Column of each stored value, shape (stored,)."""
        return np.repeat(np.arange(len(self.elsewhere)), np.diff(self.bounds))

    @property
    def without(self) -> Floats:
        """Share of the people who have 0 [0–1], shape (actions,); NaN without people."""
        return self.elsewhere / self.total if self.total > 0 else np.full(len(self.elsewhere), np.nan)

    def summed(self, numbers: Floats) -> Floats:
        """Add up numbers that belong to the stored values, column by column: shape (actions,).

        Parameters
        ----------
        numbers : ndarray, shape (stored,)
            One number for each stored value.

        Returns
        -------
        ndarray, shape (actions,)
            Sums; what a column has does not depend on the columns beside it.

        Examples
        --------
        >>> spread = spread_of(np.array([[1.0, 0.0], [2.0, 5.0]]), np.array([1.0, 1.0]))
        >>> spread.summed(spread.data).tolist()
        [3.0, 5.0]
        """
        sums = np.zeros(len(self.elsewhere))
        begun = np.flatnonzero(np.diff(self.bounds))
        if len(begun):
            sums[begun] = np.add.reduceat(numbers, self.bounds[begun])
        return sums

    def averaged(self, numbers: Floats) -> Floats:
        """Average over all people numbers that are 0 where nothing is stored: shape (actions,).

        Parameters
        ----------
        numbers : ndarray, shape (stored,)
            One number for each stored value.

        Returns
        -------
        ndarray, shape (actions,)
            Means; NaN without people.

        Examples
        --------
        >>> spread = spread_of(np.array([0.0, 2.0]), np.array([3.0, 1.0]))
        >>> spread.averaged(spread.data).tolist()
        [0.5]
        """
        sums = self.summed(self.people * numbers)
        return sums / self.total if self.total > 0 else np.full(len(sums), np.nan)

    def given(self, figures: Floats, *, where: Flags | bool = True) -> Floats:
        """Keep figures where they are legal and no value is missing, NaN elsewhere, in the shape asked for.

        Parameters
        ----------
        figures : ndarray, shape (actions,) or (k, actions)
            What a measure found.
        where : ndarray of bool, shape (actions,), optional
            Columns in its domain.

        Returns
        -------
        ndarray
            The figures; for a vector of values without its axis of actions.

        Examples
        --------
        >>> spread = spread_of(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
        >>> float(spread.given(np.array([7.0]))), float(spread.given(np.array([7.0]), where=False))
        (7.0, nan)
        """
        kept = np.where(where & ~self.missing & (self.total > 0), figures, np.nan)
        return kept.reshape((*kept.shape[:-1], *self.shape))


def spread_of(values: Values, weights: Floats) -> Spread:
    """Make columns ready for a pass: units where nobody lives are left out, missing values marked.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign.
    weights : ndarray, shape (n,)
        People [people], ≥ 0.

    Returns
    -------
    Spread
        What every measure of this module is a pass over.

    Raises
    ------
    UsageError
        Where the weights are not one number ≥ 0 for each unit.

    Examples
    --------
    >>> spread = spread_of(np.array([4.0, 0.0, 9.0]), np.array([2.0, 3.0, 0.0]))
    >>> spread.data.tolist(), spread.people.tolist(), spread.elsewhere.tolist(), spread.total
    ([4.0], [2.0], [3.0], 5.0)
    """
    columns, weights = as_columns(values), np.asarray(weights, dtype=np.float64)
    _refuse_weights(weights, units=columns.shape[0])
    data, row, bounds = columns.data, columns.indices, columns.indptr
    people = weights[row]
    if not people.all():
        lived = people > 0
        kept = np.concatenate([[0], np.cumsum(lived)])
        data, row, people, bounds = data[lived], row[lived], people[lived], kept[bounds]
    finite = np.isfinite(data)
    bare = Spread(
        () if np.ndim(values) == 1 else (columns.shape[1],),
        data=np.where(finite, data, 0.0),
        row=row,
        people=people,
        bounds=bounds,
        total=float(weights.sum()),
        elsewhere=np.zeros(columns.shape[1]),
        missing=np.zeros(columns.shape[1], dtype=bool),
    )
    # The first bound above a position is where its column ends.
    bare.missing[np.searchsorted(bounds, np.flatnonzero(~finite), side="right") - 1] = True
    everybody = np.diff(bounds) == np.count_nonzero(weights)
    return bare._replace(elsewhere=np.where(everybody, 0.0, np.maximum(bare.total - bare.summed(people), 0.0)))


def _refuse_weights(weights: Floats, *, units: int) -> None:
    if weights.shape != (units,):
        msg = f"weights of shape {weights.shape} for {units} units; give one number of people for each unit"
        raise UsageError(msg)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        msg = f"weight {weights[bad[0]]} of unit {bad[0]} is no number of people; give 0 where nobody lives"
        raise UsageError(msg)


def level_of(given: Spread) -> tuple[Floats, Floats]:
    """Mean of the values, and mean of their sizes.

    Parameters
    ----------
    given : Spread
        Columns of values.

    Returns
    -------
    mean, size : ndarray, shape (actions,)
        Mean, 0 where it is nothing beside the mean size (10⁻⁹ of it): what numbers that cancel leave; mean of |x|.

    Examples
    --------
    >>> mean, size = level_of(spread_of(np.array([0.1, 0.2, -0.3]), np.ones(3)))
    >>> mean.tolist(), size.round(3).tolist()
    ([0.0], [0.2])
    """
    mean, size = given.averaged(given.data), given.averaged(np.abs(given.data))
    return np.where(np.abs(mean) <= CANCELLED * size, 0.0, mean), size


def is_share_out(given: Spread) -> Flags:
    """Tell the columns that share something out: no value missing or below 0, and a total above 0.

    Parameters
    ----------
    given : Spread
        Columns of values.

    Returns
    -------
    ndarray of bool, shape (actions,)
        Where relative measures are legal.

    Examples
    --------
    >>> is_share_out(spread_of(np.array([[1.0, 0.0, 1.0], [0.0, 0.0, -1.0]]), np.ones(2))).tolist()
    [True, False, False]
    """
    mean, _ = level_of(given)
    below = given.summed((given.data < 0).astype(np.float64)) > 0
    legal: Flags = ~below & ~given.missing & (mean > 0)
    return legal


def _divided(numerator: Floats, denominator: Floats) -> Floats:
    out: Floats = np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0)
    return out


def mid_rank(values: Floats, weights: Floats) -> Floats:
    r"""Weighted fractional rank: the mass below plus half of the mass tied.

    .. math:: F_i = \Bigl(\sum_{v_j < v_i} w_j + \tfrac12 \sum_{v_j = v_i} w_j\Bigr) \Big/ \sum_j w_j

    Parameters
    ----------
    values : ndarray, shape (n,)
        Ranking variable; NaN is not ranked and has no mass.
    weights : ndarray, shape (n,)
        People [people], ≥ 0.

    Returns
    -------
    ndarray, shape (n,)
        Fractional rank [0–1]; NaN where the value is.

    References
    ----------
    Kakwani, Wagstaff & van Doorslaer (1997), doi:10.1016/S0304-4076(96)01807-6

    Examples
    --------
    >>> mid_rank(np.array([1.0, 2.0, 2.0, 9.0]), np.array([1.0, 1.0, 1.0, 1.0])).tolist()
    [0.125, 0.5, 0.5, 0.875]
    """
    known = ~np.isnan(values)
    levels, level = np.unique(values[known], return_inverse=True)
    mass = np.bincount(level, weights=weights[known], minlength=len(levels))
    total = mass.sum()
    ranks = np.full(len(values), np.nan)
    if total > 0:
        ranks[known] = ((np.cumsum(mass) - mass / 2) / total)[level]
    return ranks


def weighted_mean(values: Values, weights: Floats) -> Floats:
    r"""Mean over the people.

    .. math:: \mu = \sum_i w_i x_i / W

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Mean [unit of the values].

    Examples
    --------
    >>> float(weighted_mean(np.array([0.0, 4.0]), np.array([3.0, 1.0])))
    1.0
    """
    given = spread_of(values, weights)
    return given.given(given.averaged(given.data))


def variance(values: Values, weights: Floats) -> Floats:
    r"""Variance over the people.

    .. math:: \sigma^2 = \sum_i w_i (x_i - \mu)^2 / W

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Variance [unit of the values, squared].

    Examples
    --------
    >>> float(variance(np.array([0.0, 4.0]), np.array([1.0, 1.0])))
    4.0
    """
    given = spread_of(values, weights)
    mean = given.averaged(given.data)
    stored = given.averaged((given.data - mean[given.column]) ** 2)
    return given.given(stored + given.without * mean**2)


# ---------------------------------------------------------------- measures that need the values in order


class _Ordered(NamedTuple):
    """Some columns as rows of a table, values ascending: what is stored, all zeros as one, padding without people."""

    columns: NDArray[np.integer]
    values: Floats
    people: Floats

    def below(self) -> Floats:
        """People up to and with each value."""
        return np.cumsum(self.people, axis=1)

    def above(self) -> Floats:
        """People from each value on."""
        return np.cumsum(self.people[:, ::-1], axis=1)[:, ::-1]


def _widths(counts: NDArray[np.integer]) -> NDArray[np.integer]:
    """Round lengths of columns up to 1, 2, 3, 4, 6, 8, 12 …, so that few tables hold them all with little padding."""
    power = 2 ** np.ceil(np.log2(np.maximum(counts, 1))).astype(np.intp)
    width: NDArray[np.integer] = np.where(counts <= power - power // 4, power - power // 4, power)
    return width


def _in_order(given: Spread) -> Iterator[_Ordered]:
    counts = np.diff(given.bounds)
    width = _widths(counts)
    data, people = np.append(given.data, 0.0), np.append(given.people, 0.0)
    for size in np.unique(width):
        columns = np.flatnonzero(width == size)
        each = max(int(_BLOCK // size), 1)
        for start in range(0, len(columns), each):
            some, place = columns[start : start + each], np.arange(size)
            at = np.where(place < counts[some, None], given.bounds[some, None] + place, len(given.data))
            values = np.column_stack([np.zeros(len(some)), data[at]])
            sort = np.argsort(values, axis=1, kind="stable")
            weights = np.column_stack([given.elsewhere[some], people[at]])
            yield _Ordered(some, *(np.take_along_axis(table, sort, axis=1) for table in (values, weights)))


def _absolute_gini(given: Spread) -> Floats:
    """Add up step by step from one value to the next: people below × people above; no term is negative."""
    found = np.zeros(len(given.elsewhere))
    for rows in _in_order(given):
        apart = rows.below()[:, :-1] * rows.above()[:, 1:]
        found[rows.columns] = (np.diff(rows.values, axis=1) * apart).sum(axis=1)
    return found / given.total**2 if given.total > 0 else np.full(len(found), np.nan)


def absolute_gini(values: Values, weights: Floats) -> Floats:
    r"""Absolute Gini index: half of the mean difference between two people.

    .. math:: \mu G = 2\,\mathrm{cov}_w(x, F) = \int F (1 - F)\,dx

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [unit of the values], ≥ 0.

    Examples
    --------
    >>> float(absolute_gini(np.array([-2.0, 2.0]), np.array([1.0, 1.0])))
    1.0
    """
    given = spread_of(values, weights)
    return given.given(_absolute_gini(given))


def gini(values: Values, weights: Floats) -> Floats:
    r"""Gini index: half of the mean difference between two people, over the mean.

    .. math:: G = \frac{2\,\mathrm{cov}_w(x, F)}{\mu} = \frac{\sum_i w_i x_i (2F_i - 1)}{W\mu}

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [0–1], 0 where all have the same; NaN where a value is negative or the total is 0.

    References
    ----------
    Lerman & Yitzhaki (1984), doi:10.1016/0165-1765(84)90126-5

    Examples
    --------
    >>> float(gini(np.array([0.0, 4.0]), np.array([3.0, 1.0])))
    0.75
    """
    given = spread_of(values, weights)
    return given.given(_divided(_absolute_gini(given), level_of(given)[0]), where=is_share_out(given))


def signed_gini(values: Values, weights: Floats) -> Floats:
    r"""Gini index for values of both signs: the absolute Gini over the mean size.

    .. math:: G_{\pm} = \frac{\mu G}{\sum_i w_i |x_i| / W}

    It is the Gini index where no value is negative, and never above 1.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign, not all 0.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [0–1].

    References
    ----------
    Raffinetti, Siletti & Vernizzi (2015), in the form for large populations.

    Examples
    --------
    >>> float(signed_gini(np.array([-2.0, 2.0]), np.array([1.0, 1.0])))
    0.5
    """
    given = spread_of(values, weights)
    return given.given(_divided(_absolute_gini(given), level_of(given)[1]))


def hoover(values: Values, weights: Floats) -> Floats:
    r"""Hoover index: the share of the total that would have to change hands for all to have the same.

    .. math:: H = \tfrac12 \sum_i \Bigl|\frac{w_i x_i}{T} - \frac{w_i}{W}\Bigr|

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Share [0–1]; NaN where a value is negative or the total is 0.

    Examples
    --------
    >>> float(hoover(np.array([0.0, 4.0]), np.array([3.0, 1.0])))
    0.75
    """
    given = spread_of(values, weights)
    mean, legal = level_of(given)[0], is_share_out(given)
    apart = given.averaged(np.abs(given.data - mean[given.column]))
    return given.given(_divided(apart + given.without * mean, 2.0 * mean), where=legal)


# ---------------------------------------------------------------- what the first and the last people have


def _held(given: Spread, shares: Floats, *, from_top: bool = False) -> Floats:
    """Sum what the first (or last) shares of the people have, values ascending: shape (shares, actions)."""
    found = np.zeros((len(shares), len(given.elsewhere)))
    for rows in _in_order(given):
        before = (rows.above() if from_top else rows.below()) - rows.people
        for at, share in enumerate(shares):
            inside = np.clip(share * given.total - before, 0.0, rows.people)
            # A sliver of those whom the cut divides is rounding, and they may have much.
            inside[(inside < rows.people) & (inside <= ROUNDING * given.total)] = 0.0
            found[at, rows.columns] = (rows.values * inside).sum(axis=1)
    return found


def _shares(shares: float | Sequence[float] | Floats, name: str) -> Floats:
    found = np.atleast_1d(np.asarray(shares, dtype=np.float64))
    if not ((found >= 0) & (found <= 1)).all():
        msg = f"{name} = {shares!r} is no share of the people; give shares from 0 to 1"
        raise UsageError(msg)
    return found


def generalised_lorenz_curve(values: Values, weights: Floats, *, at: Sequence[float] | Floats) -> Floats:
    r"""Generalised Lorenz curve: what those who have least have together, per person of all.

    .. math:: GL(p) = \int_0^p x(q)\,dq, \quad GL(1) = \mu

    Straight between one unit and the next: within a unit all have the same.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign.
    weights : ndarray, shape (n,)
        People [people].
    at : sequence of float
        Shares of the people [0–1].

    Returns
    -------
    ndarray, shape (at, actions) or (at,)
        Heights [unit of the values].

    Raises
    ------
    UsageError
        Where ``at`` is no share.

    References
    ----------
    Shorrocks (1983), doi:10.2307/2554117

    Examples
    --------
    >>> generalised_lorenz_curve(np.array([0.0, 4.0]), np.array([1.0, 1.0]), at=[0.5, 0.75, 1.0]).tolist()
    [0.0, 1.0, 2.0]
    """
    given = spread_of(values, weights)
    held = _held(given, _shares(at, "at"))
    return given.given(_divided(held, np.full(held.shape, given.total)))


def lorenz_curve(values: Values, weights: Floats, *, at: Sequence[float] | Floats) -> Floats:
    r"""Lorenz curve: share of the total that those who have least have together.

    .. math:: L(p) = GL(p) / \mu

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].
    at : sequence of float
        Shares of the people [0–1].

    Returns
    -------
    ndarray, shape (at, actions) or (at,)
        Shares [0–1]; NaN where a value is negative or the total is 0.

    Raises
    ------
    UsageError
        Where ``at`` is no share.

    Examples
    --------
    >>> lorenz_curve(np.array([0.0, 4.0]), np.array([1.0, 1.0]), at=[0.5, 0.75, 1.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return _share_held(spread_of(values, weights), _shares(at, "at"))


def _share_held(given: Spread, shares: Floats, *, from_top: bool = False) -> Floats:
    held = _held(given, shares, from_top=from_top)
    whole = np.broadcast_to(given.summed(given.people * given.data), held.shape)
    return given.given(np.minimum(_divided(held, whole), 1.0), where=is_share_out(given))


def top_share(values: Values, weights: Floats, *, share: float) -> Floats:
    """Share of the total that goes to the share of the people who have most.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].
    share : float
        Share of the people [0–1].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Share [0–1]; NaN where a value is negative or the total is 0.

    Raises
    ------
    UsageError
        Where ``share`` is no share.

    Examples
    --------
    >>> float(top_share(np.array([1.0, 3.0]), np.array([1.0, 1.0]), share=0.5))
    0.75
    """
    return np.asarray(_share_held(spread_of(values, weights), _shares(share, "share"), from_top=True)[0])


def bottom_share(values: Values, weights: Floats, *, share: float) -> Floats:
    """Share of the total that goes to the share of the people who have least.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].
    share : float
        Share of the people [0–1].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Share [0–1]; NaN where a value is negative or the total is 0.

    Raises
    ------
    UsageError
        Where ``share`` is no share.

    Examples
    --------
    >>> float(bottom_share(np.array([1.0, 3.0]), np.array([1.0, 1.0]), share=0.5))
    0.25
    """
    return np.asarray(_share_held(spread_of(values, weights), _shares(share, "share"))[0])


def palma_ratio(values: Values, weights: Floats) -> Floats:
    """Palma ratio: share of the tenth of the people who have most over that of the two fifths who have least.

    A ratio of shares: where all have the same it is 0.1/0.4 = 0.25.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, ≥ 0 and not all 0.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Ratio; NaN where those who have least have nothing, as with most actions that have a place.

    References
    ----------
    Palma (2011), doi:10.1111/j.1467-7660.2011.01694.x

    Examples
    --------
    >>> float(palma_ratio(np.array([1.0, 1.0]), np.array([1.0, 1.0])))
    0.25
    """
    given = spread_of(values, weights)
    top, bottom = _held(given, np.array([_TOP]), from_top=True)[0], _held(given, np.array([_BOTTOM]))[0]
    return given.given(_divided(top, bottom), where=is_share_out(given))


# ---------------------------------------------------------------- reasons

MISSING, NOBODY = "a value is missing", "nobody lives here"
BELOW, NOTHING, TOTAL_0, SOME_NOTHING = (
    "some values are below 0",
    "every value is 0",
    "the total is 0",
    "some people receive nothing",
)
_NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "any": (),
        "something": (NOTHING,),
        "total": (TOTAL_0,),
        "non-negative": (BELOW, TOTAL_0),
        "positive": (BELOW, TOTAL_0, SOME_NOTHING),
    }
)


def undefined_because(values: Values, weights: Floats, *, needs: str) -> NDArray[np.object_]:
    """Say why a measure is not legal for each column.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Values, any sign.
    weights : ndarray, shape (n,)
        People [people].
    needs : {"any", "something", "total", "non-negative", "positive"}
        What the measure asks for: any values; one that is not 0; a total that is not 0; besides none below 0;
        besides none that is 0.

    Returns
    -------
    ndarray of str, shape (actions,) or ()
        The first reason that holds; ``""`` where the measure is legal.

    Raises
    ------
    UsageError
        Where ``needs`` is none of these.

    Examples
    --------
    >>> x = np.array([[1.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    >>> undefined_because(x, np.ones(2), needs="non-negative").tolist()
    ['', 'some values are below 0', 'the total is 0']
    """
    if needs not in _NEEDS:
        msg = f"needs = {needs!r} is not known; {did_you_mean(needs, _NEEDS)}"
        raise UsageError(msg)
    given = spread_of(values, weights)
    mean, size = level_of(given)
    holds = {
        BELOW: given.summed((given.data < 0).astype(np.float64)) > 0,
        NOTHING: size == 0,
        TOTAL_0: mean == 0,
        SOME_NOTHING: given.elsewhere > 0,
    }
    cases = [(np.full(len(mean), given.total == 0), NOBODY), (given.missing, MISSING)]
    cases += [(holds[reason], reason) for reason in _NEEDS[needs]]
    said = np.select([case for case, _ in cases], [reason for _, reason in cases], default="").astype(object)
    return said.reshape(given.shape)

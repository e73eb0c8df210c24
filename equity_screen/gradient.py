"""Who is ranked low and who high: concentration of an effect over a ranking of the people, or over their income.

Values are one column an action, weights the people of each neighbourhood. Who is not ranked has no mass. Outside its
domain a measure is NaN: relative ones where a value is below 0 or nobody has anything.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from equity_screen.errors import UsageError
from equity_screen.inequality import ROUNDING, Flags, Floats, Spread, Values, is_share_out, mid_rank, spread_of

_HALF = 0.5


def rank_weights(rank: Floats, weights: Floats) -> tuple[Floats, float]:
    """Weights whose product with an effect is its generalised concentration index.

    Parameters
    ----------
    rank : ndarray, shape (n,)
        Fractional rank from :func:`equity_screen.inequality.mid_rank`.
    weights : ndarray, shape (n,)
        People [people].

    Returns
    -------
    tilted : ndarray, shape (n,)
        w(2F−1)/W; 0 where there is no rank.
    total : float
        W, people with a rank [people].

    Raises
    ------
    UsageError
        Ranks of another number of units, or outside 0 to 1; so too where a measure takes a rank.

    Examples
    --------
    >>> tilted, total = rank_weights(np.array([0.25, 0.75]), np.array([5.0, 5.0]))
    >>> tilted.tolist(), total
    ([-0.25, 0.25], 10.0)
    """
    ranked = _with_rank(rank, weights)
    total = float(ranked.sum())
    tilt = np.where(np.isnan(rank), 0.0, 2 * rank - 1)
    return ranked * tilt / total if total > 0 else np.zeros(len(rank)), total


def _with_rank(rank: Floats, weights: Floats) -> Floats:
    """People of the units that have a rank, which must lie between 0 and 1; nobody of the others."""
    if np.shape(rank) != np.shape(weights):
        msg = f"rank has {np.size(rank)} values for people of {np.size(weights)} units; give one for each, NaN for none"
        raise UsageError(msg)
    outside = rank[(rank < -ROUNDING) | (rank > 1 + ROUNDING)]
    if len(outside):
        msg = f"rank holds {outside[0]}; ranks lie between 0 and 1: use mid_rank or rank_of"
        raise UsageError(msg)
    return _ranked(rank, weights)


class _Lean(NamedTuple):
    """What leans towards those ranked high, on average over the ranked; the mean; where a relative index is legal."""

    spread: Spread
    generalised: Floats
    mean: Floats
    legal: Flags

    @property
    def relative(self) -> Floats:
        """Generalised index over the mean, where that is legal."""
        return _over(self.generalised, self.mean, where=self.legal)


def _over(numerator: Floats, denominator: Floats, *, where: Flags) -> Floats:
    """Divide where it is legal; NaN elsewhere."""
    quotient: Floats = np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=where)
    return quotient


def _lean(values: Values, mass: Floats, tilt: Floats) -> _Lean:
    """Average values times the tilt of their units over the mass."""
    spread = spread_of(values, mass)
    leaning = spread.averaged(spread.data * tilt[spread.row])
    mean, size = spread.averaged(spread.data), spread.averaged(np.abs(spread.data))
    # What is left of a sum that cancels is rounding, and says nothing of a direction.
    generalised = np.where(np.abs(leaning) <= ROUNDING * size, 0.0, leaning)
    return _Lean(spread, generalised, mean, is_share_out(spread))


def _ranked(rank: Floats, weights: Floats) -> Floats:
    """People of the units that are ranked; nobody of the others."""
    return np.where(np.isnan(rank), 0.0, weights)


def _over_rank(values: Values, weights: Floats, rank: Floats) -> _Lean:
    return _lean(values, _with_rank(rank, weights), np.where(np.isnan(rank), 0.0, 2 * rank - 1))


def concentration_index(values: Values, weights: Floats, *, rank: Floats) -> Floats:
    r"""Compute the standard concentration index of effects over a ranking.

    .. math:: C = \frac{2\,\mathrm{cov}_w(x, F)}{\mu} = \frac{\sum_i w_i x_i (2F_i - 1)}{W\mu}

    Negative: the effect is concentrated among those ranked low. Bounds ±1 for x ≥ 0.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, ≥ 0.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index; NaN where the mean is 0 or a value is negative.

    References
    ----------
    Wagstaff, Paci & van Doorslaer (1991), doi:10.1016/0277-9536(91)90212-U

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> float(concentration_index(np.array([1.0, 0.0]), np.array([5.0, 5.0]), rank=rank))
    -0.5
    """
    lean = _over_rank(values, weights, rank)
    return lean.spread.given(lean.relative)


def generalised_concentration_index(values: Values, weights: Floats, *, rank: Floats) -> Floats:
    r"""Compute the generalised (absolute) concentration index: the mean times the standard one.

    .. math:: GC = 2\,\mathrm{cov}_w(x, F)

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, any sign.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [unit of the effect]; NaN where nobody is ranked.

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> float(generalised_concentration_index(np.array([1.0, 0.0]), np.array([5.0, 5.0]), rank=rank))
    -0.25
    """
    lean = _over_rank(values, weights, rank)
    return lean.spread.given(lean.generalised)


def erreygers_index(values: Values, weights: Floats, *, rank: Floats, bounds: tuple[float, float]) -> Floats:
    r"""Compute the concentration index by Erreygers, of values that lie between two bounds.

    .. math:: E = \frac{4\mu}{b - a} C = \frac{8}{b - a} \mathrm{cov}_w(x, F)

    Of what is lacking (a + b − x) it is the same with the other sign.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, within the bounds.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.
    bounds : tuple of float
        Least and most that a value can be (a, b) [unit of the effect].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [−1 to 1]; NaN where a value lies outside the bounds.

    Raises
    ------
    UsageError
        Where the bounds are no interval.

    References
    ----------
    Erreygers (2009), doi:10.1016/j.jhealeco.2008.02.003

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> float(erreygers_index(np.array([1.0, 0.0]), np.array([5.0, 5.0]), rank=rank, bounds=(0.0, 1.0)))
    -1.0
    """
    low, high = _interval(bounds)
    lean = _over_rank(values, weights, rank)
    return lean.spread.given(4 * lean.generalised / (high - low), where=_within(lean.spread, low, high))


def wagstaff_index(values: Values, weights: Floats, *, rank: Floats, bounds: tuple[float, float]) -> Floats:
    r"""Compute the concentration index as Wagstaff norms it, of values that lie between two bounds.

    .. math:: N = C \frac{\mu (b - a)}{(b - \mu)(\mu - a)}

    Of what is lacking (a + b − x) it is the same with the other sign; 1 where those ranked highest have all of it.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, within the bounds.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.
    bounds : tuple of float
        Least and most that a value can be (a, b) [unit of the effect].

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index; NaN where a value lies outside the bounds, or everyone is at one of them.

    Raises
    ------
    UsageError
        Where the bounds are no interval.

    References
    ----------
    Wagstaff (2005), doi:10.1002/hec.953

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> float(wagstaff_index(np.array([1.0, 0.0]), np.array([5.0, 5.0]), rank=rank, bounds=(0.0, 1.0)))
    -1.0
    """
    low, high = _interval(bounds)
    lean = _over_rank(values, weights, rank)
    room = (high - lean.mean) * (lean.mean - low)
    between = _within(lean.spread, low, high) & (room > ROUNDING * (high - low) ** 2)
    index = _over(lean.generalised * (high - low), room, where=between)
    return lean.spread.given(index)


def _interval(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        msg = f"bounds = {bounds}: the first must be less than the second: give the least and the most of the unit"
        raise UsageError(msg)
    return low, high


def _within(spread: Spread, low: float, high: float) -> Flags:
    """Tell which columns have no value outside the bounds, nor people with 0 where 0 is outside."""
    outside = (spread.data < low) | (spread.data > high)
    nothing_is_in = low <= 0 <= high
    within: Flags = (spread.summed(outside.astype(np.float64)) == 0) & ((spread.elsewhere == 0) | nothing_is_in)
    return within


def _blocks(rank: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Share of the people ranked below each unit's tied block, and share up to its end; 0 where there is no rank."""
    known = ~np.isnan(rank)
    levels, level = np.unique(rank[known], return_inverse=True)
    ends = np.concatenate([[0.0], np.cumsum(np.bincount(level, weights=weights[known], minlength=len(levels)))])
    below, up_to = np.zeros(len(rank)), np.zeros(len(rank))
    if ends[-1] > 0:
        below[known], up_to[known] = (ends / ends[-1])[level], (ends / ends[-1])[level + 1]
    return below, up_to


def _extended(values: Values, weights: Floats, rank: Floats, nu: float) -> _Lean:
    if not (np.isfinite(nu) and nu > 1):
        msg = f"nu = {nu}: aversion to inequality must be a number above 1: 2 gives the standard index"
        raise UsageError(msg)
    mass = _with_rank(rank, weights)
    below, up_to = _blocks(rank, weights)
    width = up_to - below
    # The weight of a tied block, spread over its people: exact for neighbourhoods, so that uniform effects give 0.
    block = width + (1 - up_to) ** nu - (1 - below) ** nu
    return _lean(values, mass, np.divide(block, width, out=np.zeros(len(width)), where=width > 0))


def extended_concentration_index(values: Values, weights: Floats, *, rank: Floats, nu: float) -> Floats:
    r"""Compute the concentration index with a chosen aversion to inequality.

    For each tied block of people, from F₀ to F₁ of the ranking:

    .. math:: C(\nu) = \frac1\mu \sum_k \bar x_k \bigl[ F_1 - F_0 + (1 - F_1)^\nu - (1 - F_0)^\nu \bigr]

    The larger ν, the more those ranked lowest count; ν = 2 is the standard index. Bounds 1 − ν and 1.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, ≥ 0.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.
    nu : float
        Aversion to inequality ν, > 1.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index; NaN where the mean is 0 or a value is negative.

    Raises
    ------
    UsageError
        Where ν is not above 1.

    References
    ----------
    Wagstaff (2002), doi:10.1016/S0167-6296(02)00006-1

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> float(extended_concentration_index(np.array([1.0, 0.0]), np.array([5.0, 5.0]), rank=rank, nu=3))
    -0.75
    """
    lean = _extended(values, weights, rank, nu)
    return lean.spread.given(lean.relative)


def generalised_extended_concentration_index(values: Values, weights: Floats, *, rank: Floats, nu: float) -> Floats:
    r"""Compute the generalised (absolute) extended concentration index: the mean times the relative one.

    .. math:: GC(\nu) = \mu\, C(\nu)

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, any sign.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.
    nu : float
        Aversion to inequality ν, > 1.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [unit of the effect]; NaN where nobody is ranked.

    Raises
    ------
    UsageError
        Where ν is not above 1.

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> float(generalised_extended_concentration_index(np.array([1.0, 0.0]), np.array([5.0, 5.0]), rank=rank, nu=3))
    -0.375
    """
    lean = _extended(values, weights, rank, nu)
    return lean.spread.given(lean.generalised)


def _slope(lean: _Lean, weights: Floats, rank: Floats) -> Floats:
    """Slope of the effect over the ranking; NaN where all are ranked the same."""
    mass = _ranked(rank, weights)
    away = np.where(np.isnan(rank), 0.0, rank - _HALF)
    spread = float((mass * away * away).sum()) / lean.spread.total if lean.spread.total > 0 else 0.0
    return lean.generalised / 2 / spread if spread > 0 else np.full(len(lean.mean), np.nan)


def slope_index(values: Values, weights: Floats, *, rank: Floats) -> Floats:
    r"""Compute the slope index of inequality: how much more those ranked highest have than those ranked lowest.

    .. math:: SII = \mathrm{cov}_w(x, F) / \mathrm{var}_w(F)

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, any sign.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Slope from rank 0 to rank 1 [unit of the effect]; NaN where all are ranked the same.

    References
    ----------
    Mackenbach & Kunst (1997), doi:10.1016/S0277-9536(96)00073-1

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> float(slope_index(np.array([3.0, 1.0]), np.array([5.0, 5.0]), rank=rank))
    -4.0
    """
    lean = _over_rank(values, weights, rank)
    return lean.spread.given(_slope(lean, weights, rank))


def relative_index(values: Values, weights: Floats, *, rank: Floats) -> Floats:
    r"""Compute the relative index of inequality: what the slope predicts at the top, over what at the bottom.

    .. math:: RII = \frac{\mu + SII / 2}{\mu - SII / 2}

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, ≥ 0.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Ratio, > 0; NaN where a value is negative, or either prediction is not above 0.

    References
    ----------
    Mackenbach & Kunst (1997), doi:10.1016/S0277-9536(96)00073-1

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> float(relative_index(np.array([4.0, 6.0]), np.array([5.0, 5.0]), rank=rank)) # 7 over 3
    2.3333333333333335
    """
    lean = _over_rank(values, weights, rank)
    half = _slope(lean, weights, rank) / 2
    # What is left of a prediction that cancels is rounding.
    legal = lean.legal & (lean.mean - np.abs(half) > ROUNDING * lean.mean)
    return lean.spread.given(_over(lean.mean + half, lean.mean - half, where=legal))


def suits_index(values: Values, weights: Floats, *, income: Floats) -> Floats:
    r"""Compute the Suits index, which asks whether the effect is shared out as income is.

    With T(y) the share of the effect that those with the lowest incomes have, up to a share y of all income:

    .. math:: S = 1 - 2 \int_0^1 T(y)\,dy = \frac{\sum_i w_i x_i (2 y_i - 1)}{\sum_i w_i x_i}

    0: in proportion to income. Negative: people with low incomes have more of it than of income. The same amount for
    everyone gives minus the Gini of income.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, ≥ 0.
    weights : ndarray, shape (n,)
        People [people].
    income : ndarray, shape (n,)
        Income per person, ≥ 0; NaN where it is not known: those people count for nothing.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [−1 to 1]; NaN where a value or an income is negative, or there is no income.

    References
    ----------
    Suits (1977), Measurement of tax progressivity, American Economic Review 67(4)

    Examples
    --------
    >>> people, income = np.array([5.0, 5.0]), np.array([1.0, 3.0])
    >>> suits_index(np.array([[1.0, 1.0], [3.0, 1.0]]), people, income=income).tolist()
    [0.0, -0.25]
    """
    mass = _ranked(income, weights)
    cumulative = mid_rank(income, np.where(np.isnan(income), 0.0, income) * mass)
    lean = _lean(values, mass, np.where(np.isnan(cumulative), 0.0, 2 * cumulative - 1))
    earned = bool((cumulative[mass > 0] >= 0).any()) and not bool((income[mass > 0] < 0).any())
    return lean.spread.given(lean.relative, where=earned)


def kakwani_index(values: Values, weights: Floats, *, income: Floats, rank: Floats | None = None) -> Floats:
    r"""Compute the Kakwani index: how much more concentrated the effect is than income.

    .. math:: K = C - G_{\text{income}}

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, ≥ 0.
    weights : ndarray, shape (n,)
        People [people].
    income : ndarray, shape (n,)
        Income per person, ≥ 0; NaN where it is not known: those people count for nothing.
    rank : ndarray, shape (n,), optional
        Fractional rank that the effect is concentrated over; that of income unless given.

    Returns
    -------
    ndarray, shape (actions,) or ()
        Index [−2 to 1]; NaN where a value or an income is negative, or there is no income.

    References
    ----------
    Kakwani (1977), doi:10.2307/2231833

    Examples
    --------
    >>> people, income = np.array([5.0, 5.0]), np.array([1.0, 3.0])
    >>> kakwani_index(np.array([[1.0, 1.0], [3.0, 1.0]]), people, income=income).tolist()
    [0.0, -0.25]
    """
    by_income = mid_rank(income, weights)
    own = concentration_index(np.where(np.isnan(income), 0.0, income), weights, rank=by_income)
    return concentration_index(values, weights, rank=by_income if rank is None else rank) - own


_INCIDENCE = MappingProxyType(
    {
        "benefit": ("absolutely progressive", "relatively progressive", "regressive"),
        "burden": ("absolutely regressive", "relatively regressive", "progressive"),
    }
)


def incidence(ci: ArrayLike, *, gini: ArrayLike, ledger: str = "benefit") -> NDArray[np.object_]:
    """Name the incidence of effects by their concentration index over income and the Gini of income.

    Parameters
    ----------
    ci : float or ndarray
        Concentration indexes over income.
    gini : float or ndarray
        Gini of income, ≥ 0.
    ledger : {"benefit", "burden"}
        What the effects are: of a burden the words are the mirror.

    Returns
    -------
    ndarray of str
        Of a benefit ``"absolutely progressive"`` (C < 0: those with low incomes receive more than those with high
        ones), ``"relatively progressive"`` (0 ≤ C < G: less, but more than their share of income),
        ``"in proportion to income"`` or ``"regressive"`` (C > G); of a burden ``"absolutely regressive"``,
        ``"relatively regressive"``, ``"in proportion to income"`` or ``"progressive"``; ``""`` where undefined.

    Raises
    ------
    UsageError
        Where there is no such ledger.

    References
    ----------
    O'Donnell, van Doorslaer, Wagstaff & Lindelow (2008), doi:10.1596/978-0-8213-6933-3

    Examples
    --------
    >>> incidence(np.array([-0.1, 0.1, 0.5]), gini=0.3).tolist()
    ['absolutely progressive', 'relatively progressive', 'regressive']
    >>> incidence(-0.1, gini=0.3, ledger="burden").item()
    'absolutely regressive'
    """
    if ledger not in _INCIDENCE:
        msg = f"ledger = {ledger!r}: give 'benefit' or 'burden'"
        raise UsageError(msg)
    index, income = np.broadcast_arrays(np.asarray(ci, dtype=np.float64), np.asarray(gini, dtype=np.float64))
    below, between, above = _INCIDENCE[ledger]
    same = np.abs(index - income) <= ROUNDING
    cases = [np.isnan(index + income), index < -ROUNDING, same, index < income]
    return np.select(cases, ["", below, "in proportion to income", between], default=above).astype(object)


def concentration_curve(values: Values, weights: Floats, *, rank: Floats, at: ArrayLike) -> Floats:
    r"""Compute the share of the effect that those ranked lowest have, up to shares of the people.

    .. math:: L_C(p) = \frac1{W\mu} \sum_{F_i \le p} w_i x_i

    A straight line within a block that is tied.

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, ≥ 0.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.
    at : array_like, shape (k,)
        Shares of the people, lowest rank first [0–1].

    Returns
    -------
    ndarray, shape (k, actions) or (k,)
        Shares of the effect [0–1]; NaN where the mean is 0 or a value is negative.

    Raises
    ------
    UsageError
        Where a share is not between 0 and 1.

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> concentration_curve(np.array([3.0, 1.0]), np.array([5.0, 5.0]), rank=rank, at=[0, 0.25, 0.5, 1]).tolist()
    [0.0, 0.375, 0.75, 1.0]
    """
    spread, heights, total = _curve(values, weights, rank, at)
    return spread.given(_over(heights, total, where=is_share_out(spread)))


def generalised_concentration_curve(values: Values, weights: Floats, *, rank: Floats, at: ArrayLike) -> Floats:
    r"""Compute the generalised concentration curve: the mean times the concentration curve.

    .. math:: GL_C(p) = \mu L_C(p)

    Parameters
    ----------
    values : csc_array or ndarray, shape (n, actions) or (n,)
        Effect per person, any sign.
    weights : ndarray, shape (n,)
        People [people].
    rank : ndarray, shape (n,)
        Fractional rank, 1 = most advantaged; NaN where there is none.
    at : array_like, shape (k,)
        Shares of the people, lowest rank first [0–1].

    Returns
    -------
    ndarray, shape (k, actions) or (k,)
        Heights [unit of the effect]; the last, at 1, is the mean.

    Raises
    ------
    UsageError
        Where a share is not between 0 and 1.

    References
    ----------
    Shorrocks (1983), doi:10.2307/2554117

    Examples
    --------
    >>> rank = np.array([0.25, 0.75])
    >>> generalised_concentration_curve(np.array([3.0, 1.0]), np.array([5.0, 5.0]), rank=rank, at=[0.5, 1]).tolist()
    [1.5, 2.0]
    """
    spread, heights, _ = _curve(values, weights, rank, at)
    return spread.given(heights)


def _curve(values: Values, weights: Floats, rank: Floats, at: ArrayLike) -> tuple[Spread, Floats, Floats]:
    """Cumulative means at shares of the people, shape (k, actions), and the means."""
    shares = np.atleast_1d(np.asarray(at, dtype=np.float64))
    if not ((shares >= 0) & (shares <= 1)).all():
        msg = f"at = {shares.tolist()}: shares of the people lie between 0 and 1"
        raise UsageError(msg)
    spread = spread_of(values, _with_rank(rank, weights))
    below, up_to = _blocks(rank, weights)
    low, width = below[spread.row], np.maximum(up_to - below, np.finfo(np.float64).tiny)[spread.row]
    parts = [np.clip((share - low) / width, 0.0, 1.0) for share in shares]
    heights = np.array([spread.averaged(spread.data * part) for part in parts]).reshape(len(shares), -1)
    return spread, heights, spread.averaged(spread.data)


def dominates(curve_a: Floats, curve_b: Floats) -> NDArray[np.bool_]:
    """Tell where one curve lies nowhere below another, and somewhere above it.

    Parameters
    ----------
    curve_a, curve_b : ndarray, shape (k, actions) or (k,)
        Curves at the same shares of the people.

    Returns
    -------
    ndarray of bool, shape (actions,) or ()
        True where the first dominates; False where they cross, are the same, or one is undefined.

    Examples
    --------
    >>> bool(dominates(np.array([0.0, 0.6, 1.0]), np.array([0.0, 0.4, 1.0])))
    True
    >>> bool(dominates(np.array([0.0, 0.6, 0.7, 1.0]), np.array([0.0, 0.4, 0.8, 1.0])))
    False
    """
    above = np.asarray(curve_a - curve_b)
    known = ~np.isnan(above).any(axis=0)
    least = ROUNDING * np.maximum(np.abs(curve_a), np.abs(curve_b))
    return np.asarray(known & (above >= -least).all(axis=0) & (above > least).any(axis=0))

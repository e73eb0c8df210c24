"""Where high values lie together and low ones do: Moran's I, city-wide and local, and Getis–Ord G*.

For a state of the neighbourhoods, such as their cumulative burden; not for single actions, whose effects lie
together because they are drawn so. What is called unusual here is a first look: neighbours share much else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import false_discovery_control, norm

from equity_screen.errors import UsageError
from equity_screen.people import Floats, quotient
from equity_screen.relation import Relation, relation_of
from equity_screen.text import did_you_mean

FEWEST = 3
# Sums of the same numbers in another order differ by less than this share of the largest.
ROUNDING = 1e-12
QUADRANTS = ("", "high among high", "low among high", "low among low", "high among low")
NO_VALUE, NO_NEIGHBOUR = "no value", "no neighbour with a value"
ALL_ALIKE = "all values are alike, or there are fewer than 3"
ALL_NEIGHBOURS = "every other neighbourhood is a neighbour: no G*"
Geometries = NDArray[np.object_]


def _share_a_side(first: Geometries, second: Geometries) -> NDArray[np.bool_]:
    lengths: Floats = shapely.length(shapely.intersection(first, second))
    return lengths > 0


def _share_a_point(first: Geometries, _: Geometries) -> NDArray[np.bool_]:
    return np.ones(len(first), dtype=bool)


RULES: Mapping[str, Callable[[Geometries, Geometries], NDArray[np.bool_]]] = MappingProxyType(
    {"queen": _share_a_point, "rook": _share_a_side}
)


def contiguity(neighbourhoods: gpd.GeoDataFrame, *, rule: str = "queen") -> Relation:
    r"""Which neighbourhoods touch, as weights that add to 1 for each neighbourhood.

    .. math:: w_{ij} = 1 / k_i \text{ for each of the } k_i \text{ neighbours } j \text{ of } i

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Polygons. Those that lie a hair's breadth apart do not touch.
    rule : {"queen", "rook"}
        Neighbours have a point of their borders in common, or a length of them.

    Returns
    -------
    Relation
        Rows and columns are the neighbourhoods; the row of one without neighbours is empty.

    Raises
    ------
    UsageError
        Unknown rule.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> contiguity(four_zones()).matrix.toarray()[0].round(2).tolist()
    [0.0, 0.33, 0.33, 0.33]
    >>> contiguity(four_zones(), rule="rook").matrix.toarray()[0].tolist()
    [0.0, 0.5, 0.5, 0.0]
    """
    if rule not in RULES:
        msg = f"unknown rule of contiguity {rule!r}; {did_you_mean(rule, RULES)}"
        raise UsageError(msg)
    shapes = neighbourhoods.geometry.to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    kept = one != other
    one, other = one[kept], other[kept]
    kept = RULES[rule](shapes[one], shapes[other])
    one, other = one[kept], other[kept]
    neighbours = np.bincount(one, minlength=len(shapes))
    return relation_of((one, other), 1.0 / neighbours[one], labels=(neighbourhoods.index, neighbourhoods.index))


class Moran(NamedTuple):
    """City-wide likeness of neighbours: the index, what it would be by chance, and how far it is from that."""

    value: float
    expected: float
    z: float
    p: float


def morans_i(values: Floats, *, contiguity: Relation) -> Moran:
    r"""Moran's I: whether neighbours are more alike than they would be if values were dealt out at random.

    .. math:: I = \frac{n}{S_0} \frac{\sum_i \sum_j w_{ij} z_i z_j}{\sum_i z_i^2}, \quad
              E[I] = \frac{-1}{n - 1}, \quad
              V[I] = \frac{n^2 S_1 - n S_2 + 3 S_0^2}{(n^2 - 1) S_0^2} - E[I]^2

    Parameters
    ----------
    values : ndarray, shape (n,)
        A number by neighbourhood; those without one are left out, and their neighbours weighed anew.
    contiguity : Relation
        From :func:`contiguity`.

    Returns
    -------
    Moran
        The index, its expectation, z under normality and the two-sided p of that z. NaN where all values are alike,
        there are fewer than 3, or none has a neighbour.

    References
    ----------
    Moran (1950), doi:10.1093/biomet/37.1-2.17

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> sides = contiguity(four_zones(), rule="rook")
    >>> round(morans_i(np.array([1.0, 0.0, 0.0, 1.0]), contiguity=sides).value, 9)
    -1.0
    """
    seen = _seen(values, contiguity)
    n, w, total = len(seen.z), seen.weights, float(seen.weights.data.sum())
    if not (seen.defined and total > 0):
        return Moran(*[np.nan] * 4)
    both = csr_array(w + w.T)
    s1 = float((both.data**2).sum()) / 2
    s2 = float(((np.asarray(w.sum(axis=0)) + np.asarray(w.sum(axis=1))) ** 2).sum())
    index = n / total * float((seen.z * (w @ seen.z)).sum()) / float((seen.z**2).sum())
    expected = -1 / (n - 1)
    variance = (n * n * s1 - n * s2 + 3 * total**2) / ((n * n - 1) * total**2) - expected**2
    z = float(quotient(np.array(index - expected), np.array(np.sqrt(max(variance, 0.0)))))
    return Moran(index, expected, z, float(2 * norm.sf(abs(z))))


class _Seen(NamedTuple):
    """Neighbourhoods that have a value: which, how far from the mean, and their weights among themselves."""

    known: NDArray[np.bool_]
    z: Floats
    weights: csr_array

    @property
    def defined(self) -> bool:
        """Whether there is a spread to speak of."""
        return len(self.z) >= FEWEST and bool((self.z != 0).any())

    @property
    def neighbours(self) -> NDArray[np.intp]:
        """How many neighbours each has."""
        count: NDArray[np.intp] = np.diff(self.weights.indptr)
        return count

    def spread(self, found: Floats) -> Floats:
        """Put results back where the values stood; NaN for one without a value or a neighbour."""
        everywhere = np.full(len(self.known), np.nan)
        everywhere[self.known] = np.where((self.neighbours > 0) & self.defined, found, np.nan)
        return everywhere


def _seen(values: Floats, contiguity: Relation) -> _Seen:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (len(contiguity.rows),):
        msg = f"values of shape {numbers.shape} for {len(contiguity.rows)} neighbourhoods; give one number for each"
        raise UsageError(msg)
    known = ~np.isnan(numbers)
    weights = csr_array(csr_array(contiguity.matrix)[known][:, known])
    weights.sort_indices()
    sums = np.asarray(weights.sum(axis=1)).ravel()
    weights.data = weights.data / np.repeat(sums, np.diff(weights.indptr))
    z = numbers[known] - (numbers[known].mean() if known.any() else 0.0)
    # What is left of a difference that cancels is rounding: then all are alike.
    z[np.abs(z) <= ROUNDING * np.abs(numbers[known]).max(initial=0.0)] = 0.0
    return _Seen(known, z, weights)


def local_moran(values: Floats, *, contiguity: Relation) -> Floats:
    r"""Local Moran's I: how much each neighbourhood is like those around it.

    .. math:: I_i = \frac{(n - 1) z_i \sum_j w_{ij} z_j}{\sum_j z_j^2}

    Parameters
    ----------
    values : ndarray, shape (n,)
        A number by neighbourhood; NaN is left out.
    contiguity : Relation
        From :func:`contiguity`.

    Returns
    -------
    ndarray, shape (n,)
        Above 0 among its like, below 0 among its unlike; NaN without a value or a neighbour.

    References
    ----------
    Anselin (1995), doi:10.1111/j.1538-4632.1995.tb00338.x

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> sides = contiguity(four_zones(), rule="rook")
    >>> local_moran(np.array([1.0, 0.0, 0.0, 1.0]), contiguity=sides).round(9).tolist()
    [-0.75, -0.75, -0.75, -0.75]
    """
    seen = _seen(values, contiguity)
    return seen.spread(quotient((len(seen.z) - 1) * seen.z * (seen.weights @ seen.z), (seen.z**2).sum()))


def getis_ord_star(values: Floats, *, contiguity: Relation) -> Floats:
    r"""Getis–Ord G*: how high the values of each neighbourhood and its neighbours are, in standard deviations.

    .. math:: G_i^* = \frac{\sum_j a_{ij} x_j - \bar x A_i}{s \sqrt{(n A_i - A_i^2) / (n - 1)}}

    with :math:`a_{ij} = 1` for the neighbourhood itself and each neighbour, :math:`A_i` their number and s the
    standard deviation of all n.

    Parameters
    ----------
    values : ndarray, shape (n,)
        A number by neighbourhood; NaN is left out.
    contiguity : Relation
        From :func:`contiguity`; only who touches whom is used.

    Returns
    -------
    ndarray, shape (n,)
        z; NaN without a value or a neighbour, and where every other neighbourhood is a neighbour.

    References
    ----------
    Ord & Getis (1995), doi:10.1111/j.1538-4632.1995.tb00912.x

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> sides = contiguity(four_zones(), rule="rook")
    >>> getis_ord_star(np.array([3.0, 1.0, 1.0, 1.0]), contiguity=sides).round(9).tolist()
    [0.577350269, 0.577350269, 0.577350269, -1.732050808]
    """
    seen = _seen(values, contiguity)
    n, count = len(seen.z), seen.neighbours + 1.0
    touching = csr_array((np.ones(seen.weights.nnz), seen.weights.indices, seen.weights.indptr), shape=(n, n))
    deviation = np.sqrt(quotient((seen.z**2).sum(), np.array(float(n))))
    room = np.sqrt(quotient(n * count - count**2, np.array(float(max(n - 1, 0)))))
    return seen.spread(quotient(touching @ seen.z + seen.z, deviation * room))


def conditional_p(values: Floats, *, contiguity: Relation, permutations: int = 999, seed: int) -> Floats:
    r"""Two-sided p of each neighbourhood's surroundings: its own value stays, all others are dealt out anew.

    .. math:: p_i = \min\Bigl(1,\; 2\,\frac{1 + \min(\#\{L_i^* \ge L_i\}, \#\{L_i^* \le L_i\})}{1 + R}\Bigr), \quad
              L_i = \sum_j w_{ij} z_j

    One p serves local Moran's I and G* alike: with a neighbourhood's own value held, both only move with the mean of
    its neighbours.

    Parameters
    ----------
    values : ndarray, shape (n,)
        A number by neighbourhood; NaN is left out.
    contiguity : Relation
        From :func:`contiguity`.
    permutations : int
        How often values are dealt out, R.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray, shape (n,)
        p, at least 2 / (1 + R); NaN without a value or a neighbour.

    Raises
    ------
    UsageError
        Fewer than 19 permutations, by which nothing can be unusual at 10 %.

    References
    ----------
    Anselin (1995), doi:10.1111/j.1538-4632.1995.tb00338.x

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> corners = contiguity(four_zones())
    >>> conditional_p(np.array([4.0, 3.0, 2.0, 1.0]), contiguity=corners, permutations=99, seed=1).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    if permutations < 19:  # noqa: PLR2004 - named in the message
        msg = f"{permutations} permutations: give 19 or more, 999 for a table that is kept"
        raise UsageError(msg)
    seen = _seen(values, contiguity)
    if not seen.defined:
        return np.full(len(seen.known), np.nan)
    above, below = _dealt_out(seen, permutations, np.random.default_rng([seed]))
    return seen.spread(np.minimum(1.0, 2 * (1 + np.minimum(above, below)) / (1 + permutations)))


def _dealt_out(seen: _Seen, permutations: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Count how often the mean of drawn neighbours is at least, and at most, that of the real ones."""
    n, most = len(seen.z), int(seen.neighbours.max())
    own = np.arange(n)[:, None]
    weights = np.zeros((n, most))
    weights[np.arange(most) < seen.neighbours[:, None]] = seen.weights.data
    lag, near = seen.weights @ seen.z, ROUNDING * np.abs(seen.z).max()
    above, below = np.zeros(n), np.zeros(n)
    for _ in range(permutations):
        # Positions among the others: those from one's own on are one further.
        others = rng.permutation(n - 1)[:most]
        drawn = (weights * seen.z[others + (others >= own)]).sum(axis=1)
        above += drawn >= lag - near
        below += drawn <= lag + near
    return above, below


def hot_spots(
    values: pd.Series,
    *,
    contiguity: Relation,
    permutations: int = 999,
    seed: int,
    false_discoveries: float = 0.05,
) -> pd.DataFrame:
    """Where high or low values lie together more than by chance, with false discoveries held down.

    Parameters
    ----------
    values : Series
        A number by neighbourhood, such as the cumulative burden.
    contiguity : Relation
        From :func:`contiguity`, of the same neighbourhoods in the same order.
    permutations : int
        How often values are dealt out.
    seed : int
        Seed of the draws.
    false_discoveries : float
        Share of false ones accepted among what is called unusual [0–1].

    Returns
    -------
    DataFrame
        By neighbourhood: value, local_moran, quadrant (its own value and that of its neighbours against the mean),
        getis_ord_star [z], p, q (p adjusted by Benjamini–Hochberg), unusual (q at most ``false_discoveries``),
        undefined (reasons).

    References
    ----------
    Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> city = four_zones()
    >>> burden = pd.Series([4.0, 3.0, 3.0, 0.0], index=city.index)
    >>> table = hot_spots(burden, contiguity=contiguity(city, rule="rook"), permutations=99, seed=1)
    >>> table["quadrant"].tolist()
    ['high among high', 'high among low', 'high among low', 'low among high']
    """
    numbers = values.to_numpy(dtype=np.float64)
    seen = _seen(numbers, contiguity)
    p = conditional_p(numbers, contiguity=contiguity, permutations=permutations, seed=seed)
    q = np.full(len(p), np.nan)
    q[~np.isnan(p)] = false_discovery_control(p[~np.isnan(p)]) if (~np.isnan(p)).any() else []
    return pd.DataFrame(
        {
            "value": numbers,
            "local_moran": local_moran(numbers, contiguity=contiguity),
            "quadrant": _quadrants(seen),
            "getis_ord_star": getis_ord_star(numbers, contiguity=contiguity),
            "p": p,
            "q": q,
            "unusual": q <= false_discoveries,
            "undefined": _reasons(seen),
        },
        index=values.index,
    )


def _quadrants(seen: _Seen) -> NDArray[np.object_]:
    """Name the quadrant of each: 1 high among high, 2 low among high, 3 low among low, 4 high among low."""
    around_high = seen.weights @ seen.z > ROUNDING * np.abs(seen.z).max(initial=0.0)
    high = seen.z > 0
    number = np.select([high & around_high, ~high & around_high, ~high & ~around_high], [1, 2, 3], 4)
    found = np.zeros(len(seen.known), dtype=np.intp)
    found[seen.known] = np.where((seen.neighbours > 0) & seen.defined, number, 0)
    return np.array(QUADRANTS, dtype=object)[found]


def _reasons(seen: _Seen) -> NDArray[np.object_]:
    lonely = np.zeros(len(seen.known), dtype=bool)
    lonely[seen.known] = seen.neighbours == 0
    surrounded = np.zeros(len(seen.known), dtype=bool)
    surrounded[seen.known] = seen.neighbours == len(seen.z) - 1
    flat = seen.known & (not seen.defined)
    cases = {NO_VALUE: ~seen.known, ALL_ALIKE: flat, NO_NEIGHBOUR: lonely, ALL_NEIGHBOURS: surrounded}
    return np.select(list(cases.values()), list(cases), "").astype(object)

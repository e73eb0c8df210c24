"""Nearness to services and hazards: floating catchments, proximity scores, tables of travel times."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array

from equity_screen.errors import EquityScreenError, Finding, InputError, UsageError, finding
from equity_screen.files import read_table
from equity_screen.kernels import METRES_PER_KM, Kernel
from equity_screen.relation import BALANCE, Relation, carried, relation_of
from equity_screen.schema import NAMED_ROWS, Origin, clean_ids, read_numbers, repeat, require_columns

# EJScreen looks for facilities within 5 km up to its version 2.2, within 10 km from 2.3.
EJSCREEN_CUT_OFF_M: Mapping[str, float] = MappingProxyType({"2.2": 5000.0, "2.3": 10000.0})
# Weights of the enhanced two-step catchment: up to 10, 20 and 30 minutes (Luo & Qi 2009, slow decay).
ENHANCED_STEPS: Mapping[float, float] = MappingProxyType({10.0: 1.0, 20.0: 0.68, 30.0: 0.22})
Floats = NDArray[np.float64]


class Catchment(NamedTuple):
    """Access by place of demand, and what each place of supply has for one of those who reach it.

    ``access``: supply for a unit of demand, 0 where nothing is in reach; ``ratio``: supply by demand in reach, NaN
    where no demand reaches the supply, so that all of it is used by nobody.
    """

    access: pd.Series
    ratio: pd.Series


def floating_catchment(
    supply: pd.Series,
    demand: pd.Series,
    *,
    cost: Relation,
    fading: Kernel | Mapping[float, float],
    choice: bool = False,
) -> Catchment:
    r"""Share the capacity of services among all who can reach them: two-step floating catchments, or three-step.

    .. math:: R_j = S_j \,/ \sum_k P_k \, g_{kj} f(d_{kj}), \qquad A_i = \sum_j R_j \, g_{ij} f(d_{ij})

    with :math:`g = 1` (2SFCA; with weights by zone of travel time, E2SFCA), or, where people choose among the
    services in their reach, :math:`g_{ij} = f(d_{ij}) / \sum_k f(d_{ik})` (3SFCA).

    Parameters
    ----------
    supply : Series
        Capacity by place of supply, such as doctors or m² of park.
    demand : Series
        People by place of demand.
    cost : Relation
        Distances or times; rows are the places of demand, columns those of supply. Only pairs that are stored are
        connected; a stored 0 is on the spot.
    fading : Kernel or mapping of float to float
        Weight by cost: a kernel in the unit of the costs, or upper limits with the weights up to and including
        them, such as ``{30: 1}`` (2SFCA) or :data:`ENHANCED_STEPS`.
    choice : bool
        People spread over the services in their reach by the weights (3SFCA).

    Returns
    -------
    Catchment
        Access by place of demand, in the order of the relation's rows, and the ratios of the places of supply.

    Raises
    ------
    UsageError
        Places that do not match, supply or demand that is missing, below 0 or infinite, costs below 0.
    EquityScreenError
        Where the demand times its access is not the supply in reach of any demand, within 1e-9.

    References
    ----------
    Luo, W. & Wang, F. (2003). https://doi.org/10.1068/b29120.
    Luo, W. & Qi, Y. (2009). https://doi.org/10.1016/j.healthplace.2009.06.002.
    Wan, N., Zou, B. & Sternberg, T. (2012). https://doi.org/10.1080/13658816.2011.624987.

    Examples
    --------
    Ten doctors for the 100 people of A and the 400 of B; B has one doctor of its own:

    >>> homes, doctors = pd.Series([100, 400], index=["A", "B"]), pd.Series([10, 1], index=["x", "y"])
    >>> pairs = np.array([0, 1, 1]), np.array([0, 0, 1])
    >>> times = relation_of(pairs, np.array([5.0, 20.0, 0.0]), labels=(homes.index, doctors.index), zeros=True)
    >>> floating_catchment(doctors, homes, cost=times, fading={30: 1}).access.tolist()
    [0.02, 0.0225]
    """
    offered = _amounts(supply, cost.columns, "supply")
    people = _amounts(demand, cost.rows, "demand")
    weights = _preferred(_faded(cost, fading), choice=choice)
    wanted = weights.T @ people
    reached = wanted > 0
    ratio = np.divide(offered, wanted, out=np.full(len(offered), np.nan), where=reached)
    access = weights @ np.nan_to_num(ratio)
    _conserved(float((people * access).sum()), float(offered[reached].sum()))
    return Catchment(pd.Series(access, index=cost.rows), pd.Series(ratio, index=cost.columns))


def _amounts(given: pd.Series, labels: pd.Index, name: str) -> Floats:
    """Read supply or demand in the order of the relation's labels."""
    if labels.has_duplicates or given.index.has_duplicates:
        msg = f"a place of {name} stands twice"
        raise UsageError(msg)
    apart = labels.symmetric_difference(given.index)
    if len(apart):
        where = "costs" if apart[0] in labels else name
        msg = f"{len(apart)} places of {name} and of the costs do not match: {apart[0]} stands in the {where} only"
        raise UsageError(msg)
    amounts = given.reindex(labels).to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = labels[~(np.isfinite(amounts) & (amounts >= 0))]
    if len(wrong):
        msg = f"{name} of {wrong[0]}: missing, below 0 or infinite ({len(wrong)} of {len(labels)} places)"
        raise UsageError(msg)
    return np.asarray(amounts)


def _faded(cost: Relation, fading: Kernel | Mapping[float, float]) -> coo_array:
    pairs = cost.matrix.tocoo()
    weights = fading.weights(pairs.data) if isinstance(fading, Kernel) else _stepped(pairs.data, fading)
    if np.isnan(weights).any():
        msg = "a cost is not a number; leave out the pairs that are not connected"
        raise UsageError(msg)
    return coo_array((weights, (pairs.row, pairs.col)), shape=pairs.shape)


def _stepped(costs: Floats, steps: Mapping[float, float]) -> Floats:
    """Weights of the first limit that a cost does not exceed; 0 beyond the last."""
    limits = np.array(sorted(steps), dtype=np.float64)
    weights = np.array([*(steps[limit] for limit in sorted(steps)), 0.0])
    if not len(limits) or not (limits >= 0).all() or not (np.isfinite(weights) & (weights >= 0)).all():
        msg = "steps are upper limits of cost, 0 or more, with weights of 0 or more"
        raise UsageError(msg)
    if (costs < 0).any():
        msg = f"a cost of {costs.min():g}: costs are 0 or more"
        raise UsageError(msg)
    return np.where(np.isnan(costs), np.nan, weights[np.searchsorted(limits, costs, side="left")])


def _preferred(weights: coo_array, *, choice: bool) -> coo_array:
    """Multiply each weight by its share of all weights of the place of demand, where people choose."""
    if not choice:
        return weights
    whole = np.bincount(weights.row, weights=weights.data, minlength=weights.shape[0])[weights.row]
    share = np.divide(weights.data, whole, out=np.zeros(len(whole)), where=whole > 0)
    return coo_array((weights.data * share, (weights.row, weights.col)), shape=weights.shape)


def _conserved(used: float, offered: float) -> None:
    if abs(used - offered) > BALANCE * max(offered, 1.0):
        msg = f"{used:.15g} of the supply is used, and {offered:.15g} is in reach"
        raise EquityScreenError(msg)


def block_floor_m(area_m2: ArrayLike) -> Floats:
    r"""Distance below which nothing counts as nearer to a block's people: 0.9 of the radius of its area.

    .. math:: f = 0.9 \sqrt{A / \pi}

    about the mean distance between two points of a disc, as EJScreen takes it.

    Parameters
    ----------
    area_m2 : array-like of float
        Areas of the blocks [m²].

    Returns
    -------
    ndarray of float64
        Floors [m].

    Raises
    ------
    UsageError
        An area of 0 or less, or missing.

    Examples
    --------
    >>> block_floor_m([np.pi * 1000**2]).round(6).tolist()
    [900.0]
    """
    areas = np.asarray(area_m2, dtype=np.float64)
    if not (areas > 0).all():
        msg = "areas of blocks are above 0"
        raise UsageError(msg)
    return np.asarray(0.9 * np.sqrt(areas / np.pi))


def proximity_scores(
    distances: Relation, *, floor_m: ArrayLike, cut_off_m: float, nearest_m: ArrayLike | None = None
) -> pd.Series:
    r"""Score how near places are to points, as EJScreen does: the sum of 1 / distance within the cut-off.

    .. math:: s_b = \sum_{j: d_{bj} \le c} 1 / \max(d_{bj}, f_b), \quad\text{else}\quad 1 / \max(\min_j d_{bj}, f_b)

    with distances in kilometres: a place at 500 m adds 2, and one beyond the cut-off counts only where there is
    none within.

    Parameters
    ----------
    distances : Relation
        Distances [m]; rows are the points where people live, columns the places. Pairs beyond the cut-off may be
        left out; a stored 0 is on the spot.
    floor_m : array-like of float, one for all or one a point
        Distance below which nothing counts as nearer [m], such as :func:`block_floor_m`.
    cut_off_m : float
        Distance within which places are summed [m], such as those of :data:`EJSCREEN_CUT_OFF_M`.
    nearest_m : array-like of float, one a point, optional
        Distance to the nearest place wherever it is [m]; the nearest of the stored pairs unless given.

    Returns
    -------
    Series
        Scores by point [per km]; NaN where no distance is known.

    Raises
    ------
    UsageError
        A floor that is not above 0 or beyond the cut-off, distances below 0, arrays of another length.

    References
    ----------
    US Environmental Protection Agency (2024). EJScreen Technical Documentation for Version 2.3.

    Examples
    --------
    >>> points, places = pd.Index(["p", "q", "r"]), pd.Index(["x", "y"])
    >>> pairs = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> near = relation_of(pairs, np.array([500.0, 0.0, 8000.0]), labels=(points, places), zeros=True)
    >>> proximity_scores(near, floor_m=100, cut_off_m=5000).tolist()
    [12.0, 0.125, nan]
    """
    count = len(distances.rows)
    pairs = distances.matrix.tocoo()
    floors = _by_point(floor_m, count, "floor_m")
    closest = _by_point(np.nan if nearest_m is None else nearest_m, count, "nearest_m")
    if not ((floors > 0).all() and cut_off_m > 0 and (pairs.data >= 0).all()) or (closest < 0).any():
        msg = "distances are 0 or more, floors and the cut-off above 0"
        raise UsageError(msg)
    order = np.lexsort((pairs.data, pairs.row))
    point, metres = pairs.row[order], pairs.data[order]
    within = metres <= cut_off_m
    nearness = METRES_PER_KM / np.maximum(metres, floors[point])
    summed = np.bincount(point[within], weights=nearness[within], minlength=count)
    closest = _nearest(point, metres, count) if nearest_m is None else closest
    alone = METRES_PER_KM / np.maximum(closest, floors)
    return pd.Series(np.where(np.bincount(point[within], minlength=count) > 0, summed, alone), index=distances.rows)


def _by_point(given: ArrayLike, count: int, name: str) -> Floats:
    values = np.asarray(given, dtype=np.float64)
    if values.shape not in {(), (count,)}:
        msg = f"{name} has shape {values.shape} for {count} points"
        raise UsageError(msg)
    return np.broadcast_to(values, (count,))


def _nearest(point: NDArray[np.intp], metres: Floats, count: int) -> Floats:
    nearest = np.full(count, np.inf)
    np.minimum.at(nearest, point, metres)
    return np.where(np.isinf(nearest), np.nan, nearest)


def mean_over_people(scores: pd.Series, points: pd.DataFrame, *, ids: pd.Index) -> pd.Series:
    """Average the scores of population points over the people of each neighbourhood.

    Parameters
    ----------
    scores : Series
        Scores by point; NaN where unknown.
    points : DataFrame
        Points on the same index, with ``zone`` (position of the neighbourhood) and ``people``.
    ids : Index
        Neighbourhoods.

    Returns
    -------
    Series
        Means over the people whose score is known, on ``ids``; NaN where there are none.

    Examples
    --------
    >>> points = pd.DataFrame({"zone": [0, 0, 1], "people": [10.0, 30.0, 0.0]})
    >>> mean_over_people(pd.Series([2.0, 4.0, 9.0]), points, ids=pd.Index(["A", "B"])).tolist()
    [3.5, nan]
    """
    places = (np.arange(len(points)), points["zone"].to_numpy())
    where = relation_of(places, np.ones(len(points)), labels=(points.index, ids))
    table = pd.DataFrame({"score": scores, "people": points["people"]})
    return pd.Series(carried(where, table, rates={"score": "people"})["score"])


class _Column(NamedTuple):
    """Ids of one column of a table of times, and their positions among the known; −1 where there is no such id."""

    ids: pd.Series
    position: NDArray[np.intp]
    known: pd.Index


def read_times(
    path: str | Path,
    *,
    places: tuple[pd.Index, pd.Index],
    columns: tuple[str, str, str] = ("origin", "destination", "minutes"),
    blank: Literal["refuse", "unconnected"] = "refuse",
    digits: int | None = None,
) -> Relation:
    """Read a table of travel times from origins to destinations, as routers write it.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet file, a row for each pair; any file that :func:`equity_screen.files.read_table` reads.
    places : tuple of Index of str
        Ids of the origins and of the destinations. Each stands in the table.
    columns : tuple of str
        Columns of the origin, the destination and the minutes.
    blank : {"refuse", "unconnected"}
        What a pair without minutes is: a fault, or a pair that nothing connects within the router's limit.
    digits : int, optional
        Length of ids that are numbers; leading zeros that were lost are put back.

    Returns
    -------
    Relation
        Minutes; rows are the origins, columns the destinations. A stored 0 is on the spot; a pair that is not
        stored is not connected.

    Raises
    ------
    InputError
        Missing columns or ids, minutes that are blank, below 0 or words, pairs that stand twice.
    UsageError
        The same, where there are ids that are not known or places without a row as well.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "times.csv"
    ...     table = pd.DataFrame({"origin": ["A", "B"], "destination": ["x", "x"], "minutes": [12, 0]})
    ...     table.to_csv(path, index=False)
    ...     read_times(path, places=(pd.Index(["A", "B"]), pd.Index(["x"]))).long("minutes")["minutes"].tolist()
    [12.0, 0.0]
    """
    table, origin = read_table(path)
    require_columns(table, columns, origin=origin)
    ends = [_ids(table[columns[k]], places[k], origin, digits) for k in (0, 1)]
    pairs = ends[0].ids + " → " + ends[1].ids
    minutes, findings = read_numbers(table[columns[2]], origin, ids=pairs)
    wordless = minutes.isna() & ~_told(findings, origin, len(table))
    faults = [f for f in findings if f.status == "refused"]
    for end, name in zip(ends, columns[:2], strict=True):
        faults += repeat(finding("ES-ID-MISSING", column=name), end.ids == "", origin=origin, ids=pairs)
    faults += _pairs_twice(ends, pairs, origin)
    timeless = (wordless & (blank == "refuse")) | (minutes < 0)
    template = finding("ES-TIMES-MINUTES", column=columns[2])
    faults += repeat(template, timeless, origin=origin, ids=pairs, values=table[columns[2]])
    others = _unmatched(ends, origin=origin, names=columns[:2])
    if others:
        raise UsageError("\n".join([*map(str, faults), *others]))
    if faults:
        raise InputError(faults)
    kept = minutes.notna().to_numpy()
    where = ends[0].position[kept], ends[1].position[kept]
    return relation_of(where, minutes.to_numpy()[kept], labels=places, zeros=True)


def _ids(raw: pd.Series, known: pd.Index, origin: Origin, digits: int | None) -> _Column:
    """Clean each id once, however many rows it stands in."""
    code, unique = pd.factorize(raw, use_na_sentinel=False)
    clean, _ = clean_ids(pd.Series(unique, name=raw.name), origin, digits=digits)
    ids = pd.Series(clean.to_numpy()[code], index=raw.index, name=raw.name)
    return _Column(ids, known.get_indexer(clean)[code], known)


def _told(findings: list[Finding], origin: Origin, count: int) -> NDArray[np.bool_]:
    refused = {f.row for f in findings if f.status == "refused"}
    return np.array([bool(refused) and origin.row(i) in refused for i in range(count)], dtype=bool)


def _pairs_twice(ends: list[_Column], pairs: pd.Series, origin: Origin) -> list[Finding]:
    known = (ends[0].ids != "") & (ends[1].ids != "")
    twice = known & pd.MultiIndex.from_arrays([end.ids for end in ends]).duplicated(keep=False)
    rows = pd.Series(np.flatnonzero(twice)).groupby(pairs[twice].to_numpy()).agg(list)
    return [
        finding(
            "ES-CROSSWALK-PAIR",
            origin.file,
            row=origin.row(at[0]),
            id=str(pair),
            count=len(at),
            rows=", ".join([*map(origin.row, at[:NAMED_ROWS]), *(["…"] if len(at) > NAMED_ROWS else [])]),
        )
        for pair, at in rows.items()
    ]


def _unmatched(ends: list[_Column], *, origin: Origin, names: tuple[str, str]) -> list[str]:
    """Ids that are not known, and places without a row, as lines of text."""
    lines = []
    for end, name in zip(ends, names, strict=True):
        unknown = (end.position < 0) & (end.ids != "").to_numpy()
        lines += [
            f"{origin.file}, {origin.row(int(i))}, column {name}, value {end.ids.iloc[i]}: no such place. "
            "Mend: give the table and the places the same ids"
            for i in np.flatnonzero(unknown)
        ]
        absent = end.known[~np.isin(np.arange(len(end.known)), end.position)]
        lines += [
            f"{origin.file}, id {place}, column {name}: the place stands in no row. "
            "Mend: add its pairs; where nothing is in reach, one with blank minutes"
            for place in absent
        ]
    return lines

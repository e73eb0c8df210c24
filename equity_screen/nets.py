"""The net of equal units: benefits less burdens of an action, in measures that allow signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from equity_screen.dimensions import dimensions_of, partition_of
from equity_screen.effects import completed
from equity_screen.entropy import variance_between
from equity_screen.equity import NO_PLACE
from equity_screen.gains import TAKEN_UP, taken_up_by_some
from equity_screen.gradient import generalised_concentration_index, slope_index
from equity_screen.inequality import absolute_gini, variance
from equity_screen.overlay import Overlay
from equity_screen.people import NO_PEOPLE, Floats, People, quotient, reasons
from equity_screen.recipe import LEDGERS, Group

ROUNDING = 1e-12
Integers = NDArray[np.intp]


class NetEffects(NamedTuple):
    """Benefits less burdens of one action, unit and basis, per person (neighbourhoods × nets), any sign.

    ``labels``: action, unit, per; ``about``: names of the benefits and burdens in each, and why it is undefined
    where it is. ``net_of``, ``sign``: by effect, the net that it belongs to (−1: none) and its sign there.
    ``taken_up``: nets with effects that only some of those in reach take up.
    """

    labels: pd.MultiIndex
    matrix: csc_array
    about: pd.DataFrame
    net_of: Integers
    sign: Floats
    taken_up: NDArray[np.bool_]


def net_effects(laid: Overlay, effects: pd.DataFrame) -> NetEffects:
    r"""Take the burdens of an action from its benefits, where both are in one unit on one basis.

    .. math:: n_i = \sum_{b} x_{ib} - \sum_{h} x_{ih}

    A net has signs: only measures that allow them are legal (:func:`net_table`).

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    effects : DataFrame
        The effects, in the overlay's order.

    Returns
    -------
    NetEffects
        One net for each action, unit and basis (``per``) that has a benefit and a burden.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> plan = four_actions()
    >>> net = net_effects(overlay(four_zones(), plan), plan.effects)
    >>> net.labels.tolist(), net.matrix.nnz  # 1 EUR each way
    ([('CITY', 'EUR', 'person')], 0)
    """
    table = completed(effects)[["action", "unit", "per", "ledger", "effect"]].reset_index(drop=True)
    keys = table.groupby(["action", "unit", "per"], sort=True)
    both = (keys["ledger"].transform("nunique") == len(LEDGERS)) & (table["unit"] != "")
    mine = np.flatnonzero(both)
    labels, net_of = pd.MultiIndex.from_arrays([[]] * 3), np.full(len(table), -1, dtype=np.intp)
    if len(mine):
        number = keys.ngroup().to_numpy()[mine]
        net_of[mine] = np.unique(number, return_inverse=True)[1]
        first = mine[np.unique(number, return_index=True)[1]]
        labels = pd.MultiIndex.from_frame(table.loc[first, ["action", "unit", "per"]])
    sign = np.where(table["ledger"] == LEDGERS[0], 1.0, -1.0)
    matrix = _summed(laid.per_person.matrix, net_of, sign, nets=len(labels))
    some = np.isin(np.arange(len(labels)), net_of[taken_up_by_some(laid)])
    about = _named(table.iloc[mine], net_of[mine], len(labels))
    unplaced = np.isin(np.arange(len(labels)), net_of[laid.unlocated])
    missing = np.isin(np.arange(len(labels)), net_of[_missing(laid)]) & ~unplaced
    why = reasons([(unplaced, NO_PLACE), (missing, "an amount is missing")])
    labels = labels.set_names(["action", "unit", "per"])
    return NetEffects(labels, matrix, about.assign(undefined=why), net_of, sign, some)


def _missing(laid: Overlay) -> NDArray[np.bool_]:
    """Tell which effects have an amount that is not known."""
    doses = laid.per_person.matrix
    column = np.repeat(np.arange(doses.shape[1]), np.diff(doses.indptr))
    return np.bincount(column, np.isnan(doses.data), minlength=doses.shape[1]) > 0


def _named(table: pd.DataFrame, net_of: Integers, nets: int) -> pd.DataFrame:
    named = table.assign(net=net_of).groupby(["ledger", "net"])["effect"].agg("; ".join)
    texts = {f"{k}s": [named.get((k, net), "") for net in range(nets)] for k in LEDGERS}
    return pd.DataFrame(texts, index=pd.RangeIndex(nets))


def _summed(doses: csc_array, net_of: Integers, sign: Floats, *, nets: int) -> csc_array:
    """Add up effects with their signs; what is left of a sum that cancels is rounding, and nothing."""
    size, column = doses.shape[0], np.repeat(np.arange(doses.shape[1]), np.diff(doses.indptr))
    kept = net_of[column] >= 0
    values, column, row = doses.data[kept], column[kept], doses.indices[kept].astype(np.intp)
    keys, pair = np.unique(net_of[column] * size + row, return_inverse=True)
    total = np.bincount(pair, sign[column] * values, minlength=len(keys))
    whole = np.bincount(pair, np.abs(values), minlength=len(keys))
    stays = ~(np.abs(total) <= ROUNDING * whole)
    pairs = (keys[stays] % max(size, 1), keys[stays] // max(size, 1))
    return csc_array((total[stays], pairs), shape=(size, nets))


def net_table(
    net: NetEffects, people: People, *, groups: Mapping[str, Group], ranks: Mapping[str, Floats]
) -> pd.DataFrame:
    r"""Nets on the whole, in measures that allow signs: no Gini, ratio, share or parity has a meaning here.

    Parameters
    ----------
    net : NetEffects
        From :func:`net_effects`.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations; groups of one dimension share out the people.
    ranks : mapping of str to ndarray, shape (neighbourhoods,)
        Fractional ranks, 1 = most advantaged, from :func:`equity_screen.equity.rank_of`.

    Returns
    -------
    DataFrame
        One row for each net: action, unit, per, benefits, burdens (names), people_gaining, people_losing,
        people_untouched [people] by the sign of the net of their neighbourhood, total, total_gains, total_losses
        [unit × people], mean [unit], variance [unit²], absolute_gini [unit], for each ranking gci_<r> and
        slope_<r> [unit], for each dimension bgv_<d>, the variance between its groups [unit²], undefined (reasons).

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> plan = four_actions()
    >>> net = net_effects(overlay(four_zones(), plan), plan.effects)
    >>> table = net_table(net, people_of(four_zones()), groups={}, ranks={})
    >>> table.loc[0, ["people_gaining", "people_untouched", "mean", "variance"]].tolist()
    [0.0, 1000.0, 0.0, 0.0]
    """
    values, weights = net.matrix, people.population
    gaining, losing = _signed(values)
    signs = _people_by_sign(values, weights[:, None])[..., 0]
    columns = {
        **dict(zip(("people_gaining", "people_losing", "people_untouched"), signs, strict=True)),
        "total": values.T @ weights,
        "total_gains": gaining.T @ weights,
        "total_losses": losing.T @ weights,
        "mean": quotient(values.T @ weights, weights.sum()),
        "variance": variance(values, weights),
        "absolute_gini": absolute_gini(values, weights),
    }
    for name, rank in ranks.items():
        columns[f"gci_{name}"] = generalised_concentration_index(values, weights, rank=rank)
        columns[f"slope_{name}"] = slope_index(values, weights, rank=rank)
    partitions = {name: partition_of(people, groups, dimension=name) for name in dimensions_of(groups)}
    for name, parts in partitions.items():
        columns[f"bgv_{name}"] = np.full(values.shape[1], np.nan) if parts.undefined else _between(net, parts.columns)
    table = net.labels.to_frame(index=False).assign(
        benefits=net.about["benefits"], burdens=net.about["burdens"], **columns
    )
    unknown = [
        (np.full(len(table), bool(parts.undefined)), f"bgv_{d}: {parts.undefined}") for d, parts in partitions.items()
    ]
    return _net_reasons(table, net, people, numbers=list(columns), more=unknown)


def _between(net: NetEffects, columns: Floats) -> Floats:
    # What only some take up is not spread over a group as its neighbourhoods have it.
    return np.where(net.taken_up, np.nan, variance_between(net.matrix, columns).between)


def _signed(values: csc_array) -> tuple[csc_array, csc_array]:
    """Split into gains and losses; a value that is missing is in both."""
    parts = (np.where(values.data < 0, 0.0, values.data), np.where(values.data > 0, 0.0, values.data))
    gains, losses = (csc_array((part, values.indices, values.indptr), shape=values.shape) for part in parts)
    return gains, losses


def _people_by_sign(values: csc_array, people: Floats) -> Floats:
    """People of each column who gain, lose, and are untouched by each net (3 × nets × columns)."""
    above, below = (
        csc_array((mask.astype(np.float64), values.indices, values.indptr), shape=values.shape)
        for mask in (values.data > 0, values.data < 0)
    )
    gaining, losing = above.T @ people, below.T @ people
    left = people.sum(axis=0) - gaining - losing
    return np.stack([gaining, losing, np.where(left <= ROUNDING * people.sum(axis=0), 0.0, left)])


def _net_reasons(
    table: pd.DataFrame,
    net: NetEffects,
    people: People,
    *,
    numbers: list[str],
    more: list[tuple[NDArray[np.bool_], str]],
) -> pd.DataFrame:
    """Blank what is not known of nets, and say why; rows are nets, or nets × groups."""
    each = len(table) // max(len(net.labels), 1)
    said, some = np.repeat(net.about["undefined"].to_numpy(), each), np.repeat(net.taken_up, each)
    table.loc[(said != "") | (not people.known), numbers] = np.nan
    table.loc[some, ["people_gaining", "people_losing", "people_untouched"]] = np.nan
    cases = [(said == text, text) for text in sorted(set(said) - {""})]
    cases += [(some & (said == ""), f"people gaining and losing: {TAKEN_UP}"), *more]
    return table.assign(undefined=reasons(cases) if people.known else NO_PEOPLE)


def net_by_group(net: NetEffects, table: pd.DataFrame, *, people: People) -> pd.DataFrame:
    """Nets by group: means and their gap, people whose neighbourhood gains or loses.

    Parameters
    ----------
    net : NetEffects
        From :func:`net_effects`.
    table : DataFrame
        The effects by group, from :func:`equity_screen.equity.by_group`: nets of their means.
    people : People
        People by neighbourhood, as of that table.

    Returns
    -------
    DataFrame
        One row for each net and group: action, unit, per, group, label, people, people_gaining, people_losing,
        people_untouched [people], total [unit × people], mean, mean_rest, gap [unit], undefined (reasons).

    Examples
    --------
    >>> from equity_screen.equity import by_group
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> plan, people = four_actions(), people_of(four_zones())
    >>> laid = overlay(four_zones(), plan)
    >>> table = by_group(laid, plan.effects, people=people, groups={})
    >>> net_by_group(net_effects(laid, plan.effects), table, people=people)[["people", "mean", "gap"]].values.tolist()
    [[150.0, 0.0, 0.0]]
    """
    nets, each = len(net.labels), len(people.names)
    count = np.tile(people.groups.sum(axis=0), nets)
    signs = _people_by_sign(net.matrix, people.groups).reshape(3, -1)
    columns = dict(zip(("people_gaining", "people_losing", "people_untouched"), signs, strict=True))
    for name in ("total", "mean", "mean_rest"):
        columns[name] = _net_of(net, table[name].to_numpy(dtype=np.float64).reshape(-1, each)).ravel()
    columns["gap"] = columns["mean"] - columns["mean_rest"]
    labels = net.labels.to_frame(index=False).loc[np.repeat(np.arange(nets), each)].reset_index(drop=True)
    names = {name: np.tile(table[name].to_numpy(dtype=object)[:each], nets) for name in ("group", "label")}
    found = labels.assign(**names, people=count if people.known else np.nan, **columns)
    return _net_reasons(found, net, people, numbers=list(columns), more=[(count == 0, "the group has no people here")])


def _net_of(net: NetEffects, values: Floats) -> Floats:
    """Add up numbers by effect (effects × groups) with the signs of their nets."""
    mine = np.flatnonzero(net.net_of >= 0)
    gather = csr_array((np.ones(len(mine)), (net.net_of[mine], mine)), shape=(len(net.labels), len(values)))
    total, whole = gather @ (net.sign[:, None] * values), gather @ np.abs(values)
    return np.asarray(np.where(np.abs(total) <= ROUNDING * whole, 0.0, total))

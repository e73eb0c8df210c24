"""Who gets what: groups, priority neighbourhoods and rankings, for all effects at once.

Every figure is a sparse product of the effects with fixed columns of people, or a pass over the
stored pairs; never a loop over actions. Undefined stays undefined and carries its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.atoms import nothing_placed
from equity_screen.effects import completed
from equity_screen.gradient import rank_weights
from equity_screen.inequality import mid_rank
from equity_screen.overlay import Overlay
from equity_screen.people import EVERYONE, NO_PEOPLE, Floats, People, quotient, reasons, with_everyone
from equity_screen.reaches import REACH_KEYS, reach_words
from equity_screen.recipe import Group, Ranking
from equity_screen.uptake import summed_by_group

ROUNDING = 1e-12
WORDS = ["unit", "per", "reach", "reach_source"]
NO_PLACE = "its place is not known: nothing is spread over anybody"
NOBODY_TAKES_IT = "nobody in reach takes it up"


def by_group(overlay: Overlay, effects: pd.DataFrame, *, people: People, groups: Mapping[str, Group]) -> pd.DataFrame:
    r"""Every effect by every group: people reached, means, gap, ratio and parity.

    For a group g of a universe u (everyone unless declared), with x the effect per person:

    .. math:: m_g = \frac{\sum_i P_{ig} x_i}{\sum_i P_{ig}}, \quad
              \text{parity}_g = \frac{T_g / T_u}{P_g / P_u}

    and the rest is the universe less the group. The count of a group reached in part of a
    neighbourhood lies in [max(0, R − (U − G)), min(R, G)].

    Parameters
    ----------
    overlay : Overlay
        Effects over neighbourhoods.
    effects : DataFrame
        The effects, in the overlay's order.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for labels and dimensions; may be empty.

    Returns
    -------
    DataFrame
        One row for each effect and group: own_universe (counted among others than everyone), people,
        people_reached with its bounds [people], reached_share [0–1], total [unit × people], mean,
        mean_rest, gap [unit], ratio, share_of_effect, share_of_people [0–1], parity with its bounds,
        undefined (reasons).

    References
    ----------
    Bounds: Duncan & Davis (1953), doi:10.2307/2088122

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> table = by_group(overlay(city, plan), plan.effects, people=people_of(city), groups={})
    >>> shade = table[table["effect"] == "shade"].iloc[0]
    >>> float(shade["people_reached"]), round(float(shade["mean"]), 4), round(float(shade["parity"]), 4)
    (80.0, 0.2667, 1.3333)
    """
    shares, doses = overlay.shares.matrix, overlay.per_person.matrix
    rest = people.universes - people.groups
    rates = overlay.rates_of(people.names)
    sums = {
        "people_reached": summed_by_group(shares, overlay.landed, rates=rates, people=people.groups),
        "total": summed_by_group(doses, overlay.landed_doses, rates=rates, people=people.groups),
        "rest": doses.T @ rest,
        "universe_total": doses.T @ people.universes,
    }
    low, high, total_low, total_high = _bounds_with_uptake(overlay, people)
    least, most = quotient(total_low, sums["universe_total"]), quotient(total_high, sums["universe_total"])
    if not np.isnan(rates).all():
        # What those whom an uptake names do not receive, the others around them do.
        unnamed, theirs = np.isnan(rates), _had_by_rest(overlay, rates, people)
        sums["rest"] = np.where(unnamed, sums["rest"], theirs.total)
        sums["universe_total"] = np.where(unnamed, sums["universe_total"], sums["total"] + theirs.total)
        share = quotient(sums["total"], sums["universe_total"])
        least = np.where(unnamed, least, _part(total_low, theirs.high, otherwise=share))
        most = np.where(unnamed, most, _part(total_high, theirs.low, otherwise=share))
    count, universe, others = (part.sum(axis=0) for part in (people.groups, people.universes, rest))
    mean, mean_rest = quotient(sums["total"], count), quotient(sums["rest"], others)
    # What is left of a sum that cancels is rounding, and no mean to compare with.
    mean_rest = np.where(np.abs(mean_rest) <= ROUNDING * np.abs(mean), 0.0, mean_rest)
    share_of_people = np.broadcast_to(quotient(count, universe), mean.shape)
    columns = {
        "people": np.broadcast_to(count, mean.shape),
        "people_reached": sums["people_reached"],
        "people_reached_low": low,
        "people_reached_high": high,
        "reached_share": quotient(sums["people_reached"], count),
        "total": sums["total"],
        "mean": mean,
        "mean_rest": mean_rest,
        "gap": mean - mean_rest,
        "ratio": quotient(mean, mean_rest),
        "share_of_effect": quotient(sums["total"], sums["universe_total"]),
        "share_of_people": share_of_people,
        "parity": quotient(quotient(sums["total"], sums["universe_total"]), share_of_people),
        "parity_low": quotient(np.clip(least, 0.0, 1.0), share_of_people),
        "parity_high": quotient(np.clip(most, 0.0, 1.0), share_of_people),
    }
    table = _pair_labels(effects, people, groups).assign(**{name: values.ravel() for name, values in columns.items()})
    unplaced = np.repeat(overlay.unlocated, len(people.names))
    table.loc[unplaced, [name for name in columns if name not in ("people", "share_of_people")]] = np.nan
    return table.assign(undefined=_group_reasons(table, overlay))


class _OfRest(NamedTuple):
    """What the rest of the universe of each group has of each effect that names the group, and its bounds."""

    total: Floats
    low: Floats
    high: Floats


def _had_by_rest(overlay: Overlay, rates: Floats, people: People) -> _OfRest:
    """Sum what the rest of the universe of each group has of each effect that names the group.

    The rest has what the people around the group have on average: all that the group itself does not have, where
    the universe is everyone. Where most of the group is in reach, the fewest of the rest are.
    """
    mean, own, landed = overlay.per_person.matrix, overlay.landed_doses.data, overlay.landed.data
    row, effects = mean.indices, mean.shape[1]
    column = np.repeat(np.arange(effects), np.diff(mean.indptr))
    sums = _OfRest(*np.full((3, *rates.shape), np.nan))
    for g in np.flatnonzero(~np.isnan(rates).all(axis=0)):
        everyone, mine, universe = people.population[row], people.groups[row, g], people.universes[row, g]
        all_of_it = mean.data * everyone
        around = all_of_it - own * rates[column, g] * mine
        # What is left of a difference that cancels is rounding: nobody else takes it up.
        around = np.where(around <= ROUNDING * all_of_it, 0.0, around)
        each = np.divide(around, everyone - mine, out=np.zeros(len(row)), where=everyone > mine)
        low, high = _group_in_reach(landed * universe, universe - mine, universe)
        per_reached = quotient(each, landed)
        for table, values in zip(sums, (each * (universe - mine), low * per_reached, high * per_reached), strict=True):
            table[:, g] = np.bincount(column, weights=values, minlength=effects)
    return sums


def _part(mine: Floats, others: Floats, *, otherwise: Floats) -> Floats:
    """Share of the one in both together, and what it is otherwise where at that bound neither has anything."""
    share = quotient(mine, mine + others)
    return np.where(np.isnan(share), otherwise, share)


def _pair_labels(effects: pd.DataFrame, people: People, groups: Mapping[str, Group]) -> pd.DataFrame:
    repeated = effects.loc[effects.index.repeat(len(people.names)), ["action", "ledger", "effect", "unit"]]
    labels = [groups[n].label if n in groups else n for n in people.names]
    dimensions = [groups[n].dimension if n in groups else "" for n in people.names]
    times = len(effects)
    own = (people.universes != people.population[:, None]).any(axis=0)
    return repeated.reset_index(drop=True).assign(
        group=list(people.names) * times,
        own_universe=list(own) * times,
        label=labels * times,
        dimension=dimensions * times,
    )


def _group_reasons(table: pd.DataFrame, overlay: Overlay) -> NDArray[np.object_]:
    times = len(table) // max(len(overlay.unlocated), 1)
    nowhere = np.repeat(np.diff(overlay.shares.matrix.indptr) == 0, times)
    asked = np.repeat(_asks(overlay), times)
    unplaced = np.repeat(overlay.unlocated, times)
    total, parity, ratio = (np.isnan(table[c].to_numpy()) for c in ("total", "parity", "ratio"))
    empty = (table["people"] == 0).to_numpy()
    known = ~total & ~empty & ~nowhere
    return reasons(
        [
            (unplaced, NO_PLACE),
            (nowhere & ~unplaced & ~asked, "the effect reaches no neighbourhood"),
            (nowhere & ~unplaced & asked, NOBODY_TAKES_IT),
            (total & ~nowhere, "the amount is missing"),
            (empty, "the group has no people here"),
            (known & parity, "parity: nobody of the group's universe receives anything"),
            (known & ratio, "ratio: everyone else has a mean of 0, or there is nobody else"),
        ]
    )


def _asks(overlay: Overlay) -> NDArray[np.bool_]:
    """Tell which effects only some of those in reach take up."""
    count = len(overlay.unlocated)
    return np.zeros(count, dtype=bool) if overlay.rates is None else overlay.rates.notna().any(axis=1).to_numpy()


def _bounds_with_uptake(overlay: Overlay, people: People) -> tuple[Floats, Floats, Floats, Floats]:
    bounds = _bounds(overlay.shares.matrix, overlay.per_person.matrix, people)
    rates = overlay.rates_of(people.names)
    if np.isnan(rates).all():
        return bounds
    own = _bounds(overlay.landed, overlay.landed_doses, people)
    low, high, total_low, total_high = (
        np.where(np.isnan(rates), of_all, mine * rates) for of_all, mine in zip(bounds, own, strict=True)
    )
    return low, high, total_low, total_high


def _bounds(shares: csc_array, doses: csc_array, people: People) -> tuple[Floats, Floats, Floats, Floats]:
    """Ecological bounds of the group reached, and of what it receives, summed over neighbourhoods."""
    row, effects = shares.indices, shares.shape[1]
    column = np.repeat(np.arange(effects), np.diff(shares.indptr))
    per_reached = quotient(doses.data, shares.data)
    bounds = [np.empty((effects, len(people.names))) for _ in range(4)]
    for g in range(len(people.names)):
        group, universe = people.groups[row, g], people.universes[row, g]
        low, high = _group_in_reach(shares.data * universe, group, universe)
        for table, values in zip(bounds, (low, high, low * per_reached, high * per_reached), strict=True):
            table[:, g] = np.bincount(column, weights=values, minlength=effects)
    return bounds[0], bounds[1], bounds[2], bounds[3]


def _group_in_reach(reached: Floats, group: Floats, universe: Floats) -> tuple[Floats, Floats]:
    """Fewest and most people of a group among those reached of its universe."""
    return np.maximum(0.0, reached - (universe - group)), np.minimum(reached, group)


def by_effect(
    overlay: Overlay,
    effects: pd.DataFrame,
    *,
    people: People,
    priority: pd.Series | csc_array | None = None,
    rankings: Mapping[str, Ranking] | None = None,
    neighbourhoods: pd.DataFrame,
) -> pd.DataFrame:
    """Every effect on the whole: people reached, total, mean, priority share, concentration.

    Parameters
    ----------
    overlay : Overlay
        Effects over neighbourhoods.
    effects : DataFrame
        The effects, in the overlay's order.
    people : People
        People by neighbourhood.
    priority : pandas.Series of bool or csc_array, optional
        Priority neighbourhoods; or of the people of a neighbourhood in reach of an effect, the share who live in
        priority places (neighbourhoods × effects).
    rankings : mapping of str to Ranking, optional
        Columns that order neighbourhoods from least to most advantaged.
    neighbourhoods : DataFrame
        Table with the rankings' columns.

    Returns
    -------
    DataFrame
        Index (action, ledger, effect): unit, per, reach and reach_source (in words), people_reached [people], total,
        total_low, total_high [unit × people], mean [unit], outside_share, priority_place_share [0–1], for each
        ranking ci_<r> and gci_<r>, undefined (reasons).

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> income = Ranking(column="median_income", higher_is="advantaged")
    >>> table = by_effect(overlay(city, plan), plan.effects, people=people_of(city), neighbourhoods=city,
    ...                   priority=city["population"] < 250, rankings={"income": income})
    >>> shade = table.loc[("WEST", "benefit", "shade")]
    >>> [round(float(shade[c]), 4) for c in ("people_reached", "mean", "priority_place_share", "ci_income")]
    [400.0, 0.2, 0.25, -0.3]
    """
    shares, doses = overlay.shares.matrix, overlay.per_person.matrix
    total = doses.T @ people.population
    per_unit = overlay.per_unit.matrix.T @ people.population
    low, high = (effects[column].to_numpy(dtype=np.float64) for column in ("amount_low", "amount_high"))
    columns: dict[str, object] = {
        "unit": effects["unit"].to_numpy(),
        "per": effects["per"].to_numpy(),
        **_said_of_reach(effects),
        "people_reached": shares.T @ people.population,
        "total": total,
        "total_low": per_unit * low,
        "total_high": per_unit * high,
        "mean": quotient(total, people.population.sum()),
        "outside_share": overlay.outside.to_numpy(),
        "priority_place_share": np.full(len(total), np.nan),
    }
    if priority is not None:
        columns["priority_place_share"] = quotient(_inside(doses, priority).T @ people.population, total)
    for name, ranking in (rankings or {}).items():
        columns |= _concentration(name, doses, rank_of(neighbourhoods, ranking), people.population)
    table = pd.DataFrame(columns, index=overlay.per_person.columns)
    table.loc[overlay.unlocated, table.columns.drop(WORDS)] = np.nan
    if not people.known:
        table[table.columns.drop([*WORDS, "outside_share"])] = np.nan
        return table.assign(undefined=np.where(overlay.unlocated, NO_PLACE, NO_PEOPLE))
    return table.assign(undefined=_effect_reasons(table, overlay))


def _said_of_reach(effects: pd.DataFrame) -> dict[str, object]:
    """Say how far each effect reaches, and by what source; many have one reach, which is worded once."""
    table = completed(effects)
    keys = table[["reach", *REACH_KEYS, "uptake"]]
    number = keys.groupby(list(keys.columns), dropna=False, sort=False).ngroup().to_numpy()
    worded = [reach_words(row) for row in keys[~pd.Series(number).duplicated().to_numpy()].to_dict("records")]
    said = np.array(worded, dtype=object)[number] if len(number) else np.empty(0, dtype=object)
    return {"reach": said, "reach_source": table["reach_source"].to_numpy()}


def _inside(values: csc_array, priority: pd.Series | csc_array) -> csc_array:
    """Keep of the values by neighbourhood what belongs to priority places."""
    if isinstance(priority, pd.Series):
        return csc_array(values.multiply(priority.to_numpy(dtype=np.float64)[:, None]))
    # Both have the pairs of one relation: multiplied pair by pair, so that a missing amount stays missing.
    return csc_array((values.data * priority.data, values.indices, values.indptr), shape=values.shape)


def _effect_reasons(table: pd.DataFrame, overlay: Overlay) -> NDArray[np.object_]:
    nowhere, asked = (np.diff(overlay.shares.matrix.indptr) == 0) & ~overlay.unlocated, _asks(overlay)
    placed = ~nowhere & ~overlay.unlocated
    unknown = placed & np.isnan(table["total"].to_numpy())
    nobody = placed & (table["people_reached"] == 0).to_numpy()
    nothing = placed & ~nobody & (table["total"] == 0).to_numpy()
    known = placed & ~unknown & ~nobody & ~nothing
    unranked = [
        (known & np.isnan(table[column].to_numpy()), f"{column}: nobody who receives anything is ranked")
        for column in table.columns
        if str(column).startswith("ci_")
    ]
    return reasons(
        [
            (overlay.unlocated, NO_PLACE),
            (nowhere & ~asked, "it reaches no neighbourhood: shares and the concentration index are undefined"),
            (nowhere & asked, f"{NOBODY_TAKES_IT}: shares and the concentration index are undefined"),
            (unknown, "the amount is missing: amounts, shares and concentration are undefined"),
            (nobody, "nobody lives in reach: shares and the concentration index are undefined"),
            (nothing, "the total is 0: shares and the concentration index are undefined"),
            *unranked,
        ]
    )


def rank_of(neighbourhoods: pd.DataFrame, ranking: Ranking) -> Floats:
    """Fractional rank of each neighbourhood, 1 = most advantaged; NaN where its column is missing.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Table with population and the ranking's column.
    ranking : Ranking
        Which column, and what a large value means.

    Returns
    -------
    ndarray, shape (neighbourhoods,)
        Weighted mid-ranks [0–1].

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> rank_of(four_zones(), Ranking(column="median_income", higher_is="advantaged")).round(3).tolist()
    [0.05, 0.2, 0.45, 0.8]
    """
    values = neighbourhoods[ranking.column].to_numpy(dtype=np.float64)
    turned = values if ranking.higher_is == "advantaged" else -values
    return mid_rank(turned, neighbourhoods["population"].fillna(0.0).to_numpy(dtype=np.float64))


def _concentration(name: str, doses: csc_array, rank: Floats, population: Floats) -> dict[str, Floats]:
    tilted, total = rank_weights(rank, population)
    ranked = np.where(np.isnan(rank), 0.0, population)
    generalised = doses.T @ tilted if total > 0 else np.full(doses.shape[1], np.nan)
    mean = quotient(doses.T @ ranked, np.asarray(total))
    # What is left of a sum that cancels is rounding, and says nothing of a direction.
    generalised = np.where(np.abs(generalised) <= ROUNDING * np.abs(mean), 0.0, generalised)
    return {f"ci_{name}": quotient(generalised, mean), f"gci_{name}": generalised}


def counted_once(
    overlay: Overlay, people: People, *, groups: Mapping[str, Group], priority: pd.Series | csc_array | None = None
) -> pd.DataFrame:
    """People in reach of at least one located effect of a ledger, each person once.

    Parameters
    ----------
    overlay : Overlay
        Effects over neighbourhoods.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.
    priority : pandas.Series of bool or csc_array, optional
        Priority neighbourhoods; or of the people of a neighbourhood in reach, the share who live in priority
        places (neighbourhoods × scopes and ledgers).

    Returns
    -------
    DataFrame
        One row for each scope (active or all actions), ledger and group, everyone first: people,
        people_reached [people] with a group's ecological bounds (those of everyone are not known),
        reached_share [0–1], people_summed, the plain sum over effects that counts some people often,
        priority_place_share, the share of those reached who live in priority neighbourhoods [0–1],
        effects_left_out, the number of located effects that only some take up, who are not counted, and
        undefined: a ledger in which nothing was assessed has no numbers.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> table = counted_once(overlay(four_zones(), four_actions()), people_of(four_zones()), groups={})
    >>> table[["ledger", "group", "people_reached"]].head(2).values.tolist()
    [['benefit', 'everyone', 1000.0], ['benefit', 'low_income', 150.0]]
    """
    whole = with_everyone(people)
    once, keys = overlay.once.matrix, overlay.once.columns
    low, high, _, _ = _bounds(once, once, whole)
    reached, summed = once.T @ whole.groups, _summed(overlay, whole)
    count = whole.groups.sum(axis=0)
    columns = {
        "people": np.broadcast_to(count, reached.shape),
        "people_reached": reached,
        "people_reached_low": low,
        "people_reached_high": high,
        "reached_share": quotient(reached, count),
        "people_summed": summed,
        "priority_place_share": _priority_share(once, whole, priority),
    }
    pairs = keys.repeat(len(whole.names)).to_frame(index=False)
    labels = ["Everyone", *(groups[n].label if n in groups else n for n in people.names)] * len(keys)
    values = {name: numbers.ravel() for name, numbers in columns.items()}
    table = pairs.assign(group=list(whole.names) * len(keys), label=labels, **values)
    table.loc[table["group"] == EVERYONE, ["people_reached_low", "people_reached_high"]] = np.nan
    each = len(whole.names)
    undefined = np.repeat(np.asarray(list(nothing_placed(overlay).values()), dtype=object), each)
    undefined = undefined if people.known else np.full(len(table), NO_PEOPLE, dtype=object)
    table.loc[undefined != "", [name for name in columns if name != "people"]] = np.nan
    left_out = [len(overlay.left_out.get(key, ())) for key in overlay.members]
    return table.assign(effects_left_out=np.repeat(left_out, each), undefined=undefined)


def _priority_share(once: csc_array, people: People, priority: pd.Series | csc_array | None) -> Floats:
    reached = once.T @ people.groups
    if priority is None:
        return np.full(reached.shape, np.nan)
    return quotient(_inside(once, priority).T @ people.groups, reached)


def _summed(overlay: Overlay, people: People) -> Floats:
    """People reached added over the effects that each (scope, ledger) counts once."""
    each = overlay.shares.matrix.T @ people.groups
    return np.vstack([each[members].sum(axis=0) for members in overlay.members.values()])

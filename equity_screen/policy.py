"""Shares of benefit and of spending to priority places and people, against a policy and their share of the people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.equity import NO_PLACE, ROUNDING
from equity_screen.errors import UsageError
from equity_screen.gradient import rank_weights
from equity_screen.inequality import mid_rank
from equity_screen.overlay import Overlay
from equity_screen.people import NO_PEOPLE, Floats, People, people_of, quotient, reasons
from equity_screen.recipe import LEDGERS, Policy, Question
from equity_screen.text import did_you_mean, number_text, percent_text
from equity_screen.uptake import of_group

ACTIVE = "active actions"
PLACE, PERSON, GROUND = "place", "person", "ground"
VIEWS = (PLACE, PERSON, GROUND)
BENEFIT, SPENDING = "benefit", "spending"
ORDER = (*LEDGERS, SPENDING)
FIFTH = 0.2
NO_GRADIENT = 1e-12
SLIGHT = 0.01
NO_POLICY = "no policy share is named"
PRIORITY_ACCOUNT = (
    *("ledger", "scope", "action", "effect", "unit", "view", "total", "total_low", "total_high", "to_priority"),
    *("share", "share_low", "share_high", "population_share", "policy_share", "policy_basis", "policy_source"),
    *("policy_status", "gap_to_policy", "gap_to_people", "shortfall", "added_to_close"),
    *("counted", "not_counted", "not_counted_cost", "words", "undefined"),
)
ROWS = ["ledger", "action", "effect", "unit", "view", "line", "undefined"]
SUMS = ["total", "total_low", "total_high", "to_priority", "low", "high"]


def shares_of_reach(
    laid: Overlay, people: People, *, priority: pd.Series | csc_array | None = None, group: str | None = None
) -> pd.DataFrame:
    """Share of the people in reach of each action's benefits who live in priority places, or are priority people.

    Where an action has several benefits, the widest in each neighbourhood counts: reaches around one place lie within
    each other. Benefits that are expected to be none reach nobody.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    people : People
        People by neighbourhood.
    priority : pandas.Series of bool or csc_array, optional
        Priority neighbourhoods; or of the people of a neighbourhood in reach of an effect, the share who live in
        priority places (neighbourhoods × effects).
    group : str, optional
        Priority people.

    Returns
    -------
    DataFrame
        Index action, of all that have effects: people_reached [people], and as far as they were asked for place and
        person [0–1]; NaN where nobody is in reach.

    Raises
    ------
    UsageError
        Priority people who are no group.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones()
    >>> laid, people = overlay(city, four_actions()), people_of(city)
    >>> found = shares_of_reach(laid, people, priority=city["population"] < 250, group="low_income")
    >>> found.loc["WEST"].round(3).tolist()
    [400.0, 0.25, 0.2]
    """
    shares, keys = laid.shares.matrix.tocsc(), laid.shares.columns
    actions, code = np.unique(keys.get_level_values("action").to_numpy(dtype=object).astype(str), return_inverse=True)
    column = np.repeat(np.arange(shares.shape[1]), np.diff(shares.indptr))
    something = np.bincount(column, weights=laid.per_person.matrix.data != 0, minlength=len(keys)) > 0
    kept = something & (keys.get_level_values("ledger") == BENEFIT)

    def reached(data: Floats, weight: Floats) -> Floats:
        mine = kept[column]
        pairs = pd.DataFrame({"action": code[column[mine]], "row": shares.indices[mine], "share": data[mine]})
        widest = pairs.groupby(["action", "row"])["share"].max()
        row, action = (widest.index.get_level_values(name).to_numpy(dtype=np.intp) for name in ("row", "action"))
        return np.bincount(action, weights=widest.to_numpy() * weight[row], minlength=len(actions)).astype(np.float64)

    everyone = reached(shares.data, people.population)
    found = {"people_reached": everyone}
    if priority is not None:
        by_place = isinstance(priority, pd.Series)
        inside = shares.data * (priority.to_numpy(dtype=np.float64)[shares.indices] if by_place else priority.data)
        found[PLACE] = np.minimum(quotient(reached(inside, people.population), everyone), 1.0)
    if group is not None:
        if group not in people.names:
            msg = f"the priority people {group!r} are no group; {did_you_mean(group, people.names)}"
            raise UsageError(msg)
        g = people.names.index(group)
        theirs = of_group(shares, laid.landed.tocsc(), rate=laid.rates_of([group])[:, 0]).data
        whole = reached(shares.data, people.universes[:, g])
        found[PERSON] = np.minimum(quotient(reached(theirs, people.groups[:, g]), whole), 1.0)
    return pd.DataFrame(found, index=pd.Index(actions.astype(object), name="action"))


class _Priority(NamedTuple):
    """Shares of the people by view, people of the priority people's universe who are none of them, and its name."""

    shares: Mapping[str, float]
    others: float
    among: str


def priority_account(
    by_effect: pd.DataFrame,
    by_group: pd.DataFrame,
    *,
    actions: pd.DataFrame,
    hoods: pd.DataFrame,
    question: Question,
    reach: pd.DataFrame | None = None,
) -> pd.DataFrame:
    r"""Account for what goes to priority places and to priority people: benefits, burdens and spending.

    With T the total [unit × people], D what of it goes to priority and p the share of a policy:

    .. math:: \text{shortfall} = \max(0, pT - D), \quad \text{added\_to\_close} = \max(0, pT - D) / (1 - p)

    The first would have to go to priority instead of elsewhere, the second to be added for priority alone. A policy on
    benefits is compared with benefits, one on spending with spending; there is none by default. A person who has
    something of two actions counts with both.

    Parameters
    ----------
    by_effect, by_group : DataFrame
        Tables of :mod:`equity_screen.equity`, in one order of the effects.
    actions : DataFrame
        Actions with active and cost, and where they have them cost_low and cost_high [currency].
    hoods : DataFrame
        Table by neighbourhood with population, and priority or priority_share.
    question : Question
        Priority rule with its people and policy; currency.
    reach : DataFrame, optional
        Index action: place and person of :func:`shares_of_reach`, and where known ground, the share of the footprint in
        priority places [0–1]. Costs are split by them; without them there are no rows of spending.

    Returns
    -------
    DataFrame
        For each ledger one row for each effect (for each action, of spending) and view, then one for all active
        actions in a unit and view. Views: by place, by person, and by the ground of the footprint. share_low and
        share_high are ecological bounds [0–1]; counted and not_counted the effects (actions) in the sum and those
        without an amount or a place, not_counted_cost what these cost; words name the share of the people and the
        policy; undefined (reasons).

    References
    ----------
    Bounds: Duncan & Davis (1953), doi:10.2307/2088122

    Examples
    --------
    >>> from equity_screen.equity import by_effect, by_group
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.recipe import Priority
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones().assign(priority=[True, True, False, False]), four_actions()
    >>> policy = Policy(share=0.4, source="City charter", status="in force")
    >>> asked = Question(priority=Priority(column="population", at_most=200, policy=policy))
    >>> laid, people = overlay(city, plan), people_of(city)
    >>> effects = by_effect(laid, plan.effects, people=people, priority=city["priority"], neighbourhoods=city)
    >>> groups = by_group(laid, plan.effects, people=people, groups={})
    >>> table = priority_account(effects, groups, actions=plan.actions, hoods=city, question=asked)
    >>> shade = table[table["effect"] == "shade"].iloc[0]
    >>> [round(float(shade[c]), 6) for c in ("total", "to_priority", "shortfall", "added_to_close")]
    [200.0, 50.0, 30.0, 50.0]
    """
    people = _priority_of(hoods, question)
    parts = _effect_rows(by_effect, by_group, question, others=people.others)
    parts += [] if reach is None else _spending_rows(actions, reach, question)
    if not parts:
        return pd.DataFrame(columns=list(PRIORITY_ACCOUNT))
    rows = pd.concat(parts, ignore_index=True).reindex(columns=[*ROWS, *SUMS])
    spent, known = rows["ledger"] == SPENDING, rows["to_priority"].notna()
    rows = rows.assign(
        scope=np.where(spent, "action", "effect"),
        counted=known.astype("int64"),
        not_counted=(~known).astype("int64"),
        not_counted_cost=rows["total"].where(~known & spent),
    )
    active = rows["action"].map(actions["active"]).eq(other=True).to_numpy(dtype=bool)
    table = _compared(pd.concat([rows, _summed(rows[active])], ignore_index=True), people, question)
    keys = [table["ledger"].map(ORDER.index), table["scope"] == ACTIVE, table["line"], table["view"].map(VIEWS.index)]
    return table.iloc[np.lexsort(keys[::-1])][list(PRIORITY_ACCOUNT)].reset_index(drop=True)


def _effect_rows(
    by_effect: pd.DataFrame, by_group: pd.DataFrame, question: Question, *, others: float
) -> list[pd.DataFrame]:
    """Rows of benefits and burdens, by place and by person, as far as these were asked for."""
    columns = ["unit", "total", "total_low", "total_high", "priority_place_share", "undefined"]
    rows = by_effect[columns].reset_index().assign(line=np.arange(len(by_effect)), view=PLACE)
    parts = []
    if question.priority is not None or rows["priority_place_share"].notna().any():
        # Of nothing, nothing goes anywhere; a missing amount stays missing.
        share = rows["priority_place_share"].mask(rows["total"] == 0, 0.0)
        parts.append(rows.assign(to_priority=share * rows["total"]))
    people = question.priority.people if question.priority else None
    if people is not None:
        mine = by_group[by_group["group"] == people].reset_index(drop=True)
        if len(mine) != len(rows):
            msg = f"by_group has {len(mine)} rows of {people!r} for {len(rows)} effects: give both tables of one run"
            raise UsageError(msg)
        whole = mine["total"] + (mine["mean_rest"] * others if others else 0.0)
        # Of nothing, nothing is at either bound.
        share = mine["share_of_people"] * whole
        bounds = {name: (mine[f"parity_{name}"] * share).mask(whole == 0, 0.0) for name in ("low", "high")}
        scale = quotient(whole.to_numpy(), rows["total"].to_numpy())
        ranges = {name: rows[name] * scale for name in ("total_low", "total_high")}
        parts.append(rows.assign(view=PERSON, total=whole, to_priority=mine["total"], **bounds, **ranges))
    return parts


def _spending_rows(actions: pd.DataFrame, reach: pd.DataFrame, question: Question) -> list[pd.DataFrame]:
    """Rows of spending: the cost of each action, split by the shares of its reach or ground."""
    costs = actions.reindex(columns=["cost", "cost_low", "cost_high"]).astype("float64").set_axis(SUMS[:3], axis=1)
    said = {"ledger": SPENDING, "action": actions.index, "effect": "", "unit": question.currency}
    rows = costs.assign(**said, line=np.arange(len(actions))).reset_index(drop=True)
    lost, unpriced = (actions["where"] == "unlocated").to_numpy(), rows["total"].isna().to_numpy()
    parts = []
    for view in () if unpriced.all() else [view for view in VIEWS if view in reach.columns]:
        share = reach[view].reindex(actions.index).to_numpy(dtype=np.float64)
        bare = "it has no footprint" if view == GROUND else "none of its benefits reaches anybody"
        cases = [(np.isnan(share) & lost, NO_PLACE), (np.isnan(share) & ~lost, bare)]
        undefined = reasons([(unpriced, "its cost is not known"), *cases])
        parts.append(rows.assign(view=view, to_priority=share * rows["total"], undefined=undefined))
    return parts


def _summed(rows: pd.DataFrame) -> pd.DataFrame:
    """Sum over the active actions, by ledger, unit and view, of what has an amount and a place."""
    given = rows.assign(**{name: rows[name].fillna(rows["total"]) for name in SUMS[1:3]})
    given[SUMS] = given[SUMS].where(rows["counted"] == 1)
    figures = [*SUMS, "counted", "not_counted", "not_counted_cost"]
    sums = given.groupby(["ledger", "unit", "view"], as_index=False)[figures].sum(min_count=1)
    # Where no range is stated there is none to carry.
    stated = (sums[SUMS[1:3]].sub(sums["total"], axis=0) != 0).any(axis=1)
    return sums.assign(
        **{name: sums[name].where(stated) for name in SUMS[1:3]},
        line=sums["unit"].factorize(sort=True)[0],
        scope=ACTIVE,
        action=ACTIVE,
        effect="",
        undefined=np.where(sums["counted"] == 0, "none of them has an amount and a place", ""),
    )


def _priority_of(hoods: pd.DataFrame, question: Question) -> _Priority:
    share = hoods["priority_share"] if "priority_share" in hoods.columns else hoods["priority"].astype("float64")
    group = question.priority.people if question.priority else None
    people = people_of(hoods, [group] if group else [])
    place = float(quotient((people.population * share.to_numpy()).sum(), people.population.sum()))
    mine, universe = float(people.groups.sum()), float(people.universes.sum())
    person = mine / universe if universe else float("nan")
    own = bool((people.universes != people.population[:, None]).any())
    among = "those among whom they were counted" if own else "the people"
    return _Priority({PLACE: place, PERSON: person, GROUND: place}, universe - mine, among)


def _compared(rows: pd.DataFrame, people: _Priority, question: Question) -> pd.DataFrame:
    """Compare the shares with those of the people and of the policy, where it speaks of that ledger."""
    policy = question.priority.policy if question.priority else None
    applies = (rows["ledger"] == (policy.basis if policy else "")).to_numpy(dtype=bool)
    asked = np.where(applies, policy.share if policy else np.nan, np.nan)
    whole, mine = rows["total"].to_numpy(), rows["to_priority"].to_numpy()
    share, low, high = (quotient(rows[name].to_numpy(), whole) for name in ("to_priority", "low", "high"))
    population = rows["view"].map(people.shares).to_numpy(dtype=np.float64)
    gap, to_people = (np.where(np.abs(share - other) <= ROUNDING, 0.0, share - other) for other in (asked, population))
    short = np.where(gap < 0, asked * whole - mine, 0.0 * gap)
    table = rows.assign(
        share=share,
        share_low=low,
        share_high=high,
        population_share=population,
        among=people.among,
        policy_share=asked,
        **{f"policy_{key}": np.where(applies, getattr(policy, key, ""), "") for key in ("basis", "source", "status")},
        gap_to_policy=gap,
        gap_to_people=to_people,
        shortfall=short,
        added_to_close=np.where(short == 0, 0.0, quotient(short, 1.0 - asked)),
        undefined=_reasons(rows, share, policy, short=short > 0),
    )
    return table.assign(words=[_words(row, question) for row in table.to_dict("records")])


def _reasons(
    rows: pd.DataFrame, share: Floats, policy: Policy | None, *, short: NDArray[np.bool_]
) -> NDArray[np.object_]:
    bare = np.isnan(share)
    why = np.where(rows["total"] == 0, "the total is 0", rows["undefined"].fillna(""))
    cases: list[tuple[NDArray[np.bool_], str]] = [(bare & (why == text), text) for text in sorted(set(why[bare]))]
    if policy is None:
        return reasons([*cases, (np.ones(len(rows), dtype=bool), NO_POLICY)])
    other = (rows["ledger"] != policy.basis).to_numpy(dtype=bool)
    never = "added_to_close: nothing that is added makes a share of 100 %"
    cases.append((other, f"policy: its share is one of {_basis_words(policy)}"))
    return reasons([*cases, (short & (policy.share == 1), never)])


def _basis_words(policy: Policy) -> str:
    return "benefits" if policy.basis == BENEFIT else SPENDING


def _words(row: Mapping[Any, Any], question: Question) -> str:
    """Compare a share with that of the people and with the policy's, always both."""
    if np.isnan(row["share"]):
        return f"Undefined: {row['undefined']}."
    start = f"{percent_text(row['share'])} of {_what(row)} {_whom(row, question)}"
    people = _against(row, row["population_share"], "their share of the people")
    return f"{start}: {people}; {_of_policy(row, question)}.{_left_out(row)}"


def _what(row: Mapping[Any, Any]) -> str:
    ledger, unit = row["ledger"], row["unit"]
    if ledger == SPENDING:
        costs = "the costs of active actions" if row["scope"] == ACTIVE else "its cost"
        how = "by the ground of its footprint" if row["view"] == GROUND else "as the people in reach of its benefits"
        return f"{costs}, split {how},"
    return f"the {ledger}s of active actions in {unit}" if row["scope"] == ACTIVE else f'the {ledger} "{row["effect"]}"'


def _whom(row: Mapping[Any, Any], question: Question) -> str:
    rule, share = question.priority, percent_text(row["population_share"])
    verb = "falls on" if row["ledger"] == "burden" else "goes to"
    if row["view"] == PERSON and rule is not None and rule.people is not None:
        group = question.groups.get(rule.people)
        return f"{verb} {group.label if group else rule.people}, wherever they live, who are {share} of {row['among']}"
    where = rule.label if rule else "priority neighbourhoods"
    return f"{verb} {where}, where {share} of the people live"


def _against(row: Mapping[Any, Any], reference: float, name: str) -> str:
    """Compare a share as it is printed; where its bounds straddle the other it cannot be told."""
    low, high, other = (percent_text(share) for share in (row["share_low"], row["share_high"], reference))
    if row["share_low"] < reference < row["share_high"] and low != high:
        return f"between {low} and {high}, so it cannot be told whether it is above or below {name}"
    if percent_text(row["share"]) == other:
        return f"in line with {name}"
    return f"{'more' if row['share'] > reference else 'less'} than {name}"


def _of_policy(row: Mapping[Any, Any], question: Question) -> str:
    policy = question.priority.policy if question.priority else None
    if policy is None:
        return NO_POLICY
    asks = f"{policy.source} ({policy.status}) asks for {percent_text(policy.share)} of {_basis_words(policy)}"
    if np.isnan(row["policy_share"]):
        return f"{asks}, which this is not"
    said = f"{asks}, and this is {_against(row, policy.share, 'that')}"
    if not row["shortfall"] > 0:
        return said
    unit = row["unit"] if row["ledger"] == SPENDING else f"{row['unit']} × people"
    closed = f"{said}; {number_text(row['shortfall'])} {unit} there instead of elsewhere would close it"
    added = row["added_to_close"]
    return closed if np.isnan(added) else f"{closed}, or {number_text(added)} {unit} added there alone"


def _left_out(row: Mapping[Any, Any]) -> str:
    number = row["not_counted"]
    if row["scope"] != ACTIVE or number == 0:
        return ""
    one = "action" if row["ledger"] == SPENDING else "effect"
    cost = row["not_counted_cost"]
    priced = f" ({number_text(cost)} {row['unit']})" if cost > 0 else ""
    return f" Not counted: {number:,} {one}{'' if number == 1 else 's'} without an amount or a place{priced}."


def redress_table(laid: Overlay, people: People, *, burden_score: Floats | None) -> pd.DataFrame:
    r"""Tell whether effects go where the burden is: concentration over the burden score, most and least burdened fifth.

    .. math:: GC = \frac{\sum_i w_i x_i (2F_i - 1)}{W}, \quad C = GC / \mu

    with F the mid-rank from the most burdened (0) to the least (1): below 0 where an effect goes to the most burdened.
    Fifths are of the people; a neighbourhood on the border of one is in it in part.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    people : People
        People by neighbourhood.
    burden_score : ndarray, shape (neighbourhoods,), or None
        Burden score; NaN is not ranked.

    Returns
    -------
    DataFrame
        Index (action, ledger, effect): people_ranked [people], ci_burden, gci_burden [unit], mean_most, mean_least and
        gap [unit] of the fifths, share_most [0–1] of the effect to the most burdened fifth, words, undefined.

    References
    ----------
    Wagstaff, Paci & van Doorslaer (1991), doi:10.1016/0277-9536(91)90212-U

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones()
    >>> found = redress_table(overlay(city, four_actions()), people_of(city), burden_score=city["heat"].to_numpy())
    >>> row = found.loc[("WEST", "benefit", "shade")]
    >>> [round(float(row[c]), 6) for c in ("ci_burden", "mean_most", "mean_least", "share_most")]
    [-0.3, 0.25, 0.0, 0.25]
    >>> row["words"]
    'goes more to neighbourhoods with more burden: the benefit follows the burden'
    """
    doses, keys = laid.per_person.matrix, laid.per_person.columns
    score = np.full(doses.shape[0], np.nan) if burden_score is None else np.asarray(burden_score, dtype=np.float64)
    tilted, total = rank_weights(mid_rank(-score, people.population), people.population)
    ranked = np.where(np.isnan(score), 0.0, people.population)
    most, least = (_fifth(turned, people.population) for turned in (-score, score))
    given, of_most, of_least = (np.asarray(doses.T @ weights) for weights in (ranked, most, least))
    mean = quotient(given, np.asarray(total))
    generalised = np.asarray(doses.T @ tilted) if total > 0 else np.full(len(keys), np.nan)
    # What is left of a sum that cancels is rounding, and says nothing of a direction.
    generalised = np.where(np.abs(generalised) <= ROUNDING * np.abs(mean), 0.0, generalised)
    means = [quotient(part, np.asarray(weights.sum())) for part, weights in ((of_most, most), (of_least, least))]
    table = pd.DataFrame(
        {
            "people_ranked": total,
            "ci_burden": quotient(generalised, mean),
            "gci_burden": generalised,
            "mean_most": means[0],
            "mean_least": means[1],
            "gap": means[0] - means[1],
            "share_most": quotient(of_most, given),
        },
        index=keys,
    )
    table.loc[laid.unlocated, table.columns.drop("people_ranked")] = np.nan
    table = table.assign(undefined=_redress_reasons(table, laid, people))
    indexes = zip(table["ci_burden"], keys.get_level_values("ledger"), strict=True)
    table.insert(len(table.columns) - 1, "words", [_redress_words(index, ledger) for index, ledger in indexes])
    return table


def _fifth(turned: Floats, weights: Floats) -> Floats:
    """People of each neighbourhood who are among the first fifth; ties share what is left of it."""
    known = ~np.isnan(turned)
    levels, level = np.unique(turned[known], return_inverse=True)
    mass = np.bincount(level, weights=weights[known], minlength=len(levels)).astype(np.float64)
    room = FIFTH * mass.sum() - (np.cumsum(mass) - mass)
    part = np.divide(room, mass, out=np.zeros(len(mass)), where=mass > 0)
    people = np.zeros(len(turned))
    people[known] = weights[known] * np.clip(part, 0.0, 1.0)[level]
    return people


def _redress_reasons(table: pd.DataFrame, laid: Overlay, people: People) -> NDArray[np.object_]:
    unranked = (table["people_ranked"] == 0).to_numpy()
    mean, index = (table[c].isna().to_numpy() & ~laid.unlocated & ~unranked for c in ("gci_burden", "ci_burden"))
    return reasons(
        [
            (laid.unlocated, NO_PLACE),
            (~laid.unlocated & unranked, "no burden score" if people.known else NO_PEOPLE),
            (mean, "the amount is missing"),
            (index & ~mean, "nobody who receives anything has a burden score"),
        ]
    )


def _redress_words(index: float, ledger: str) -> str:
    """Say where an effect goes along the burden, and what that means for its ledger."""
    if np.isnan(index):
        return "undefined"
    if abs(index) < SLIGHT:
        return "no gradient by burden" if abs(index) < NO_GRADIENT else "hardly any gradient by burden"
    more = "more" if index < 0 else "less"
    if ledger == BENEFIT:
        follows = "follows" if index < 0 else "does not follow"
        return f"goes more to neighbourhoods with {more} burden: the benefit {follows} the burden"
    return f"falls more on neighbourhoods with {more} burden: it adds to the burden where there is {more} of it"

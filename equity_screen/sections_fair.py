"""Sections of the report on how the plan is shared out, and how sure that is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from equity_screen.gains import PLACED
from equity_screen.listings import (
    Columns,
    Listing,
    cut_short,
    part_of,
    reasons_counted,
    with_names,
    with_placements,
)
from equity_screen.pages import ACTIVE_SCOPE, count_text, people_known, percent_words
from equity_screen.people import EVERYONE
from equity_screen.policy import GROUND, PERSON, PLACE, SPENDING
from equity_screen.recipe import LEDGERS, Question
from equity_screen.sections_asked import asked_for
from equity_screen.sections_sure import sure_parts
from equity_screen.text import number_text
from equity_screen.words import label_within
from equity_screen.words_fair import (
    policy_sentence,
    priority_words,
    probability_sentence,
    redress_sentence,
    siting_sentence,
)

if TYPE_CHECKING:
    from equity_screen.result import Result

DOUBT = 0.1
SECTIONS = {
    "shared": {
        "title": "How the plan is shared out",
        "lead": "Who gains and who carries burdens, what becomes of the gaps between groups, and what goes to priority "
        "places and people. Groups overlap; their shares are not added.",
    },
    "sure": {
        "title": "How sure that is",
        "lead": "What the counts, their margins of error, chance and other choices leave open. What cannot be told is "
        "said to be so.",
    },
}
GAINS = (
    "People counted once, by whether any benefit and any burden of the active actions reaches them. A range is what "
    "the counts by neighbourhood allow. Being reached says nothing of how much."
)
QUESTIONED = (
    "Each indicator as it is, with all active actions, and what changes: for each group, and beside the rest of the "
    "people. A gap is the mean of the group less that of the rest."
)
PRIORITY = (
    "Amounts in different units stand apart: they are never added. A share says where an effect lands, not whether "
    "the people there asked for it or how much they need; it is no verdict."
)
BURDENED = (
    "Whether benefits go where the burden is, and whether burdens add to it: the concentration of each effect over the "
    "burden index, below 0 where it goes more to neighbourhoods with more burden; and the means of the most and least "
    "burdened fifths of the people."
)
NO_CHANGE = "No active action changes an indicator of the baseline."
STATES = {"benefit_only": "Benefit only", "burden_only": "Burden only", "both": "Both", "untouched": "Neither"}
FIRST = {"benefit": "those that turn away from it first", "burden": "those that add most to it first"}
GO = {"benefit": "go to", "burden": "fall on"}
SPLITS = {
    PLACE: "As its benefits reach people, by where they live",
    PERSON: "As its benefits reach people, by who they are",
    GROUND: "By the ground of its footprint",
}
QUESTIONS: Columns = (
    *(
        ("label", "Group", "text"),
        ("mean_before", "Baseline: mean", "level"),
        ("gap_before", "Gap to the rest", "number"),
    ),
    *(("mean_after", "With the actions: mean", "level"), ("gap_after", "Gap to the rest", "number")),
    *(("change_mean", "Change of the mean", "number"), ("gap_words", "What becomes of the gap", "prose")),
)


def fair_sections(result: Result) -> list[dict[str, Any]]:
    """Gather what the report says of how the plan is shared out, and how sure that is.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    list of dict
        Sections, each with ``key``, ``title``, ``lead`` and ``parts``, which have a title, sentences and tables; none
        without people or effects.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> sections = fair_sections(screen(four_zones(), four_actions()))
    >>> [(section["key"], [part["key"] for part in section["parts"]]) for section in sections]
    [('shared', ['gains']), ('sure', ['told', 'chance'])]
    """
    if not people_known(result) or result.by_effect.empty:
        return []
    makers = (_gains, _questions, _priority, _redress, asked_for)
    shared = [part for part in (make(result) for make in makers) if part]
    given = {"shared": shared, "sure": sure_parts(result)}
    return [{"key": key, **SECTIONS[key], "parts": parts} for key, parts in given.items() if parts]


def lines_by_action(result: Result, actions: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Say of each action whether its findings could be chance, and whether its effects go where the burden is.

    Parameters
    ----------
    result : Result
        Finished screening.
    actions : collection of str
        Ids of the actions to speak of.

    Returns
    -------
    dict of str to tuple of str
        Sentences: on the group with the smallest q; on each effect along the burden.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> lines_by_action(screen(four_zones(), four_actions()), ["WEST"])["WEST"][0].split(" other ")[1][:47]
    'places for the footprint of the benefit "shade"'
    """
    said: dict[str, list[str]] = {str(action): [] for action in actions}
    if len(result.chance):
        mine = with_placements(result.by_group[result.by_group["action"].isin(said)], result.chance)
        asked = mine[mine["q_siting"].notna()].sort_values(["q_siting", "p_siting"], kind="stable")
        for row in asked.drop_duplicates("action").to_dict("records"):
            said[str(row["action"])].append(siting_sentence(row, unusual=result.question.siting.false_discoveries))
    for row in _along_burden(result, actions).to_dict("records"):
        said[str(row["action"])].append(redress_sentence(row))
    return {action: tuple(text for text in lines if text) for action, lines in said.items()}


def _gains(result: Result) -> dict[str, Any]:
    """Give people by what reaches them: without what is city-wide first, since that reaches everyone."""
    table = result.gains
    scopes = (
        {scope: table[table["scope"] == scope] for scope in (ACTIVE_SCOPE + PLACED, ACTIVE_SCOPE)} if len(table) else {}
    )
    scopes = {scope: rows for scope, rows in scopes.items() if len(rows)}
    everywhere = max((int(rows["effects_citywide"].iloc[0]) for rows in scopes.values()), default=0)
    if not everywhere:
        scopes.pop(ACTIVE_SCOPE + PLACED, None)
    tables = [
        _states(f"gains-{number}", scope, rows, folded=number > 0)
        for number, (scope, rows) in enumerate(scopes.items())
    ]
    told = _gains_words(next(iter(scopes.values())), everywhere) if scopes else ()
    return part_of("gains", "Who gains, who loses", told=told, tables=tables)


def _states(key: str, scope: str, rows: pd.DataFrame, *, folded: bool) -> Listing:
    cells = rows.assign(**{state: [_state(row, state) for row in rows.to_dict("records")] for state in STATES})
    columns = [
        ("label", "Group", "text"),
        ("people", "People", "count"),
        *((s, t, "phrase") for s, t in STATES.items()),
    ]
    caption = f"People by what reaches them: {scope}"
    return Listing(key, caption, columns, cells.to_dict("records"), 0, "gains.csv", reasons_counted(rows), folded)


def _state(row: Mapping[Any, Any], state: str) -> str:
    if np.isnan(row[state]):
        return count_text(None)
    said = f"{count_text(row[state])} ({percent_words(row[f'{state}_share'])})"
    low, high = (count_text(row[f"{state}_{end}"]) for end in ("low", "high"))
    return said if low == high else f"{said}, {low} to {high}"


def _gains_words(rows: pd.DataFrame, everywhere: int) -> Iterator[str]:
    first = rows.iloc[0]
    yield GAINS
    counts = {
        "city-wide effect{s}, in reach of everyone, left out of the first table": everywhere,
        "effect{s} left out, since only some of those in reach take them up and who they are is not known": first[
            "effects_left_out"
        ],
        "effect{s} without a place counted nowhere": first["effects_without_place"],
    }
    said = [f"{number_text(int(n))} {text.format(s='' if n == 1 else 's')}" for text, n in counts.items() if n]
    said += [
        f"{ledger}s {first[f'{ledger}_assessed']}" for ledger in LEDGERS if first[f"{ledger}_assessed"] != "assessed"
    ]
    if said:
        yield f"Not seen: {'; '.join(said)}."


def _questions(result: Result) -> dict[str, Any]:
    """Give for each indicator the baseline, the result and the change of all active actions together."""
    table = result.before_after
    mine = table[table["action"] == ACTIVE_SCOPE].drop_duplicates(["indicator", "group"])
    order = {name: place for place, name in enumerate((EVERYONE, *result.question.groups))}
    mine = mine.sort_values("group", kind="stable", key=lambda names: names.map(order))
    mine = mine.sort_values("indicator", kind="stable")
    tables = [
        Listing(
            f"questions-{number}",
            _indicator_words(str(name), result.question),
            QUESTIONS,
            rows.to_dict("records"),
            0,
            "three_questions.csv",
            tuple(_notes(rows)),
        )
        for number, (name, rows) in enumerate(mine.groupby("indicator", sort=False))
    ]
    if not result.question.indicators:
        return {}
    return part_of("questions", "The three questions", told=[QUESTIONED if tables else NO_CHANGE], tables=tables)


def _indicator_words(name: str, question: Question) -> str:
    indicator = question.indicators.get(name)
    if indicator is None:
        return name
    unit = f" [{indicator.unit}]" if indicator.unit else ""
    return f"{indicator.label}{unit}, higher is {indicator.higher_is}: baseline, with all active actions, change"


def _notes(rows: pd.DataFrame) -> Iterator[str]:
    # Ratios stand in the file alone, and so do the reasons why some are not defined.
    shown = rows["mean_before"].isna() | rows["mean_after"].isna()
    yield from reasons_counted(rows.assign(undefined=rows["undefined"].where(shown, "")))
    missing = float(rows["people_without_baseline"].max())
    if missing > 0:
        yield f"Up to {count_text(missing)} people of a group have no baseline and are left out."
    yield from (f"Note: {note}." for note in dict.fromkeys(rows["note"]) if note)


def _priority(result: Result) -> dict[str, Any]:
    """Give what goes to priority places and to priority people, beside the people and a policy's share."""
    rule = result.question.priority
    if rule is None or result.policy.empty:
        return {}
    mine = result.policy[result.policy["scope"] == ACTIVE_SCOPE]
    mine = mine.assign(said=[priority_words(row) for row in mine.to_dict("records")])
    group = result.question.groups.get(rule.people or "")
    whom = {PLACE: rule.label, PERSON: f"{label_within(group.label) if group else rule.people}, wherever they live"}
    tables = [
        _account(
            f"priority-{ledger}-{view}", f"{ledger.capitalize()}s of active actions that {GO[ledger]} {where}", rows
        )
        for ledger in LEDGERS
        for view, where in whom.items()
        if len(rows := mine[(mine["ledger"] == ledger) & (mine["view"] == view)])
    ]
    told = [policy_sentence(rule.policy), PRIORITY, _policy_chance(result)]
    told.append(probability_sentence(result.neighbourhoods, label=rule.label))
    return part_of("priority", "Priority places and people", told=told, tables=[*tables, _spending(mine)])


def _account(key: str, caption: str, rows: pd.DataFrame) -> Listing:
    columns = [
        ("unit", "Effect in", "text"),
        ("total", "Total [unit × people]", "count"),
        ("share", "Share", "percent"),
    ]
    if rows["share_low"].notna().any():
        columns += [("share_low", "At least", "percent"), ("share_high", "At most", "percent")]
    columns += [("population_share", "Their share of the people", "percent"), ("said", "In words", "prose")]
    listing = cut_short(key, rows, caption=caption, columns=[*columns, *_closing(rows)], file="policy.csv")
    left = int(rows["not_counted"].sum())
    note = f"Not counted: {number_text(left)} effect{'' if left == 1 else 's'} without an amount or a place."
    # What a policy does not ask for is no gap in the data.
    return replace(listing, notes=(note,) if left else ())


def _closing(rows: pd.DataFrame) -> Columns:
    """Columns on what would close a shortfall, where there is any."""
    if not (rows["shortfall"] > 0).any():
        return ()
    moved = ("shortfall", "Moved there from elsewhere, would close it [unit × people]", "count")
    return (moved, ("added_to_close", "Added there alone, would close it [unit × people]", "count"))


def _spending(mine: pd.DataFrame) -> Listing | None:
    rows = mine[mine["ledger"] == SPENDING]
    if rows.empty:
        return None
    rows = rows.assign(split=rows["view"].map(SPLITS), title=rows["unit"].astype(str).replace("", "money"))
    listing = _account("priority-spending", "Spending on active actions that goes to priority places or people", rows)
    columns = [("split", "Costs, split", "text"), ("title", "In", "text"), ("total", "Total", "count")]
    columns += [(name, title.replace(" [unit × people]", ""), form) for name, title, form in listing.columns[2:]]
    left, cost = int(rows["not_counted"].max()), float(rows["not_counted_cost"].max())
    priced = f" ({count_text(cost)} {rows['unit'].iloc[0]})" if cost > 0 else ""
    note = f"Not counted: up to {number_text(left)} action{'' if left == 1 else 's'} without a cost or a place{priced}."
    return replace(listing, columns=columns, notes=(note,) if left else ())


def _policy_chance(result: Result) -> str:
    """Say for how many benefits the margins of error leave open whether a policy's share is met."""
    probability = result.by_effect["policy_probability"].dropna()
    if probability.empty:
        return ""
    open_ = int(((probability > DOUBT) & (probability < 1 - DOUBT)).sum())
    counts = f"{number_text(open_)} of {number_text(len(probability))} benefits"
    start = (
        f"By the margins of error of the people alone, {counts} {'has' if open_ == 1 else 'have'} a probability between"
    )
    return f"{start} 10 and 90 % of reaching the share asked for; the others are clear of it on one side."


def _along_burden(result: Result, actions: Collection[str]) -> pd.DataFrame:
    """Effects of some actions along the burden index, with their units; none where nothing is ranked by burden."""
    table = result.redress
    if table.empty or not (table["people_ranked"] > 0).any():
        return pd.DataFrame()
    mine = table[table.index.get_level_values("action").isin(list(actions))]
    return mine.assign(unit=result.by_effect["unit"].reindex(mine.index)).reset_index()


def _redress(result: Result) -> dict[str, Any]:
    """Give the effects along the burden index: first those that turn away from it or add to it."""
    active = result.actions.index[result.actions["active"].eq(other=True)].astype(str)
    table = _along_burden(result, active)
    if table.empty:
        return {}
    tables = [_redress_of(result, table, ledger) for ledger in LEDGERS]
    title = "Redress: do benefits go where the burden is?"
    return part_of("redress", title, told=[BURDENED], tables=[_redress_counts(table), *tables])


def _redress_of(result: Result, table: pd.DataFrame, ledger: str) -> Listing:
    """Give the effects of a ledger: first benefits that turn away from the burden, or burdens that add to it."""
    rows = table[table["ledger"] == ledger].drop(columns="undefined")
    rows = with_names(result, rows.sort_values("ci_burden", ascending=ledger == "burden", kind="stable"))
    columns = (
        *(("name", "Action", "text"), ("effect", ledger.capitalize(), "text"), ("unit", "Unit", "text")),
        ("ci_burden", "Concentration over the burden index", "number"),
        *(("mean_most", "Mean: most burdened fifth", "number"), ("mean_least", "Mean: least burdened fifth", "number")),
        ("words", "In words", "prose"),
    )
    key, caption = f"redress-{ledger}", f"{ledger.capitalize()}s of active actions along the burden; {FIRST[ledger]}"
    return cut_short(key, rows, caption=caption, columns=columns, file="redress.csv")


def _redress_counts(table: pd.DataFrame) -> Listing:
    """Count the effects by what is said of them."""
    order = table.sort_values(["ledger", "words"])["words"].unique()
    order = sorted(order, key=lambda words: words == "undefined")
    counts = pd.crosstab(table["words"], table["ledger"]).reindex(index=order, columns=list(LEDGERS), fill_value=0)
    columns = [("words", "Along the burden", "text"), *((name, f"{name.capitalize()}s", "count") for name in LEDGERS)]
    caption = "Effects of active actions by where they go along the burden"
    rows = counts.reset_index().to_dict("records")
    return Listing("redress-counts", caption, columns, rows, 0, "redress.csv", reasons_counted(table))

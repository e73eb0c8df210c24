"""Sections of the report on how sure the findings are: what can be told, chance, other choices, other zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from equity_screen.listings import (
    EFFECT,
    OF_GROUP,
    Listing,
    cut_short,
    part_of,
    reasons_counted,
    with_names,
    with_placements,
)
from equity_screen.ranks import ALL, who_could_be_first
from equity_screen.recipe import LEDGERS, Question
from equity_screen.text import number_text
from equity_screen.uncertainty import ABOVE, BELOW, BY_BOUNDS, BY_MARGINS, IN_LINE
from equity_screen.words import label_within
from equity_screen.words_fair import (
    chance_text,
    null_sentence,
    reliability_sentence,
    told_sentence,
    unusual_sentence,
    zoning_sentence,
)

if TYPE_CHECKING:
    from equity_screen.result import Result

MOST_UNUSUAL = 20
CHANCE_NOTE = "could it be chance"
NO_CHANCE = "It was not asked whether findings could be chance."
RANKED_BY = {"priority_place_share": "the share of a benefit that goes to priority places"}
TOLD = {
    ABOVE: "Above parity",
    BELOW: "Below parity",
    IN_LINE: "In line with parity",
    BY_BOUNDS: "Cannot be told: the counts by neighbourhood allow both",
    BY_MARGINS: "Cannot be told: it lies within the margin of error",
    "": "Not defined",
}


def sure_parts(result: Result) -> list[dict[str, Any]]:
    """Gather what the report says of how sure the findings are.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    list of dict
        Parts with a title, sentences and tables each.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> [part["title"] for part in sure_parts(screen(four_zones(), four_actions()))]
    ['What can be told', 'Could it be chance?']
    """
    parts = (_told(result), _reliability(result), _chance(result), _stability(result), _zonings(result))
    return [part for part in parts if part]


def _told(result: Result) -> dict[str, Any]:
    """Count what can be told of parity."""
    found = result.by_group
    if found.empty:
        return {}
    counts = (
        pd.crosstab(found["parity_told"], found["ledger"]).reindex(index=list(TOLD), columns=list(LEDGERS)).fillna(0)
    )
    rows = [{"told": TOLD[str(told)], "all": row.sum()} | row.to_dict() for told, row in counts.iterrows() if row.sum()]
    columns = [("told", "Parity of a group", "text"), *((name, f"{name.capitalize()}s", "count") for name in LEDGERS)]
    caption = "Findings (an effect and a group each) by what can be told of them"
    listing = Listing("told-table", caption, [*columns, ("all", "All", "count")], rows, 0, "by_group.csv")
    return part_of("told", "What can be told", told=[told_sentence(found["parity_told"])], tables=[listing])


def _reliability(result: Result) -> dict[str, Any]:
    table = result.reliability
    if table.empty:
        return {}
    labels = {name: group.label for name, group in result.question.groups.items()}
    told = [
        reliability_sentence(rows.to_dict("records"), label=labels.get(str(name), str(name)))
        for name, rows in table.groupby("group", sort=False)
    ]
    known = table[table["areas"] > 0]
    known = known.assign(label=known["group"].map(labels), fine=np.where(known["enough"].astype(bool), "yes", "no"))
    columns = (
        *(("label", "Group", "text"), ("level", "Counted by", "text"), ("areas", "Areas", "count")),
        *(("median_cv", "Median coefficient of variation", "percent"), ("share_high", "Reliable", "percent")),
        *(("share_medium", "To be read with care", "percent"), ("share_low", "Not reliable", "percent")),
        ("fine", "Fine enough to print by", "text"),
    )
    caption = "Reliability of the counts of each group by level: share of the areas"
    listing = Listing(
        "reliability-table", caption, columns, known.to_dict("records"), 0, "reliability.csv", (), folded=True
    )
    return part_of("reliability", "Are the counts reliable?", told=told, tables=[listing])


def _chance(result: Result) -> dict[str, Any]:
    """Give the findings that are unusual among the same footprints elsewhere."""
    title, siting = "Could it be chance?", result.question.siting
    if result.chance.empty:
        return part_of("chance", title, told=[f"{NO_CHANCE} {_capital(result.methods.get(CHANCE_NOTE, ''))}"])
    found = with_placements(result.by_group, result.chance)
    few = found[found["q_siting"] <= siting.false_discoveries].sort_values(["q_siting", "p_siting"], kind="stable")
    few = with_names(result, few)
    few = few.assign(p=few["p_siting"].map(chance_text), q=few["q_siting"].map(chance_text)).drop(columns="undefined")
    columns = (*OF_GROUP, ("parity", "Parity", "number"), ("p", "p", "figure"), ("q", "q", "figure"))
    columns = (*columns, ("placements", "Other places", "count"))
    caption = "Findings that are unusual among the same footprints elsewhere"
    listing = cut_short("chance-table", few, caption=caption, columns=columns, file="chance.csv", most=MOST_UNUSUAL)
    told = [
        null_sentence(siting),
        unusual_sentence(found, siting),
        *reasons_counted(result.chance, start="It could not be asked in"),
    ]
    return part_of("chance", title, told=told, tables=[listing])


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _stability(result: Result) -> dict[str, Any]:
    """Give the ranks of actions with all varied at once."""
    table, asked = result.stability, result.question.stability
    if table.empty or asked is None:
        return {}
    named = with_names(result, table)
    every = named[named["varied"] == ALL].sort_values("rank", kind="stable")
    band = [f"{_rank(low)} to {_rank(high)}" for low, high in zip(every["rank_low"], every["rank_high"], strict=True)]
    every = every.assign(band=band, place=every["rank"].map(_rank), median=every["median_rank"].map(_rank))
    columns = (
        *(*EFFECT, ("place", "Rank", "figure"), ("median", "Median of the draws", "figure")),
        *(("band", "In nine of ten draws", "figure"), ("first_share", "First in", "percent")),
    )
    caption = f"Ranks by {_rank_words(asked.rank_by, result.question)}, with all varied at once"
    listing = cut_short("stability-table", every, caption=caption, columns=columns, file="stability.csv")
    told = [
        who_could_be_first(table.assign(action=named["name"])),
        *(f"Varied: {note}." for note in every["note"].unique()),
    ]
    return part_of("stability", "How firm are the ranks?", told=told, tables=[listing])


def _rank_words(rank_by: str, question: Question) -> str:
    figure, _, group = rank_by.partition(":")
    label = question.groups[group].label if group in question.groups else group
    words = RANKED_BY.get(figure, figure.replace("_", " "))
    return f"{words} of {label_within(label)}" if label else words


def _rank(rank: float) -> str:
    return number_text(None) if np.isnan(rank) else f"{rank:.1f}".removesuffix(".0")


def _zonings(result: Result) -> dict[str, Any]:
    """Give the findings whose side of parity hangs on how the zones are drawn."""
    table = result.zoning_range
    if table.empty:
        return {}
    width = (table["parity_high"] - table["parity_low"]).rename("width")
    changing = table.assign(width=width)[table["straddles_parity"].astype(bool)]
    changing = with_names(result, changing.sort_values("width", ascending=False, kind="stable"))
    columns = (
        *OF_GROUP,
        ("parity", "Parity", "number"),
        ("parity_low", "Least", "number"),
        ("parity_high", "Most", "number"),
    )
    caption = "Findings whose side of parity hangs on the zones, those with the widest range first"
    listing = cut_short("zonings-table", changing, caption=caption, columns=columns, file="zoning_range.csv")
    told = [zoning_sentence(table, zonings=[str(name) for name in result.zonings["zoning"].unique()])]
    return part_of("zonings", "Does it hang on the zones?", told=told, tables=[listing])

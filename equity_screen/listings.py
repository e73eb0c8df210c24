"""Tables of the report as data: what they are, which rows they show, how many more there are, what is not defined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from equity_screen.pages import action_names
from equity_screen.text import number_text

if TYPE_CHECKING:
    from equity_screen.result import Result

Columns = Sequence[tuple[str, str, str]]

MOST, MOST_REASONS = 15, 3
NOT_DEFINED = "Not defined, in all or in part, in"
KEYS = ["action", "ledger", "effect", "group"]
EFFECT: Columns = (("name", "Action", "text"), ("about", "Effect", "text"))
OF_GROUP: Columns = (*EFFECT, ("label", "Group", "text"))


@dataclass(frozen=True)
class Listing:
    """A table of the report, cut short where it is long.

    Parameters
    ----------
    key, caption : str
        Unique in the page; what it is.
    columns : sequence of (str, str, str)
        Field, title and form of each column.
    rows : list of dict
        Those shown.
    rest : int
        How many more there are.
    file : str
        Where all of them are.
    notes : tuple of str
        Sentences below it: what is not defined, and why.
    folded : bool
        Whether it is to be opened first.

    Examples
    --------
    >>> Listing("k", "Two of three", (("a", "A", "text"),), [{"a": 1}, {"a": 2}], 1, "a.csv").rest
    1
    """

    key: str
    caption: str
    columns: Columns
    rows: list[dict[str, Any]]
    rest: int = 0
    file: str = ""
    notes: tuple[str, ...] = ()
    folded: bool = False


def part_of(key: str, title: str, *, told: Iterable[str] = (), tables: Iterable[Listing | None] = ()) -> dict[str, Any]:
    """Put a part of a section together.

    Parameters
    ----------
    key, title : str
        Unique in the page; its heading.
    told : iterable of str
        Sentences; blank ones are left out.
    tables : iterable of Listing or None
        Tables; those without rows are left out.

    Returns
    -------
    dict
        ``key``, ``title``, ``told`` and ``tables``; empty where the part has nothing to say.

    Examples
    --------
    >>> part_of("k", "Title", told=["One.", ""])["told"], part_of("k", "Title", tables=[None])
    (['One.'], {})
    """
    kept = [table for table in tables if table is not None and table.rows]
    lines = [text for text in told if text]
    return {"key": key, "title": title, "told": lines, "tables": kept} if kept or lines else {}


def cut_short(key: str, table: pd.DataFrame, *, caption: str, columns: Columns, file: str, most: int = MOST) -> Listing:
    """List the first rows of a table, and say how many more there are and what is not defined.

    Parameters
    ----------
    key : str
        Unique in the page.
    table : DataFrame
        All rows, in their order.
    caption : str
        What the table is.
    columns : sequence of (str, str, str)
        Field, title and form of each column.
    file : str
        Where all of them are.
    most : int
        Number of rows shown.

    Returns
    -------
    Listing
        Ready for the template.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [1, 2, 3], "undefined": ["", "", "no people"]})
    >>> listed = cut_short("k", table, caption="A", columns=[("a", "A", "text")], file="a.csv", most=2)
    >>> listed.rest, listed.notes
    (1, ('Not defined, in all or in part, in 1 of 3 rows: no people (1).',))
    """
    shown = table.head(most)
    return Listing(
        key, caption, columns, shown.to_dict("records"), len(table) - len(shown), file, reasons_counted(table)
    )


def reasons_counted(table: pd.DataFrame, *, start: str = NOT_DEFINED) -> tuple[str, ...]:
    """Say in how many rows something is not defined, and the most frequent reasons.

    Parameters
    ----------
    table : DataFrame
        Table with a column ``undefined``, or without.
    start : str
        What is the matter, in words.

    Returns
    -------
    tuple of str
        A sentence; none where all is defined.

    Examples
    --------
    >>> reasons_counted(pd.DataFrame({"undefined": ["no people", "", "no people"]}))
    ('Not defined, in all or in part, in 2 of 3 rows: no people (2).',)
    """
    if "undefined" not in table.columns:
        return ()
    counts = table["undefined"][table["undefined"].astype(str) != ""].value_counts(sort=False)
    if counts.empty:
        return ()
    counts = counts.sort_values(ascending=False, kind="stable")
    told = [f"{reason} ({number_text(int(count))})" for reason, count in counts.head(MOST_REASONS).items()]
    more = int(counts.iloc[MOST_REASONS:].sum())
    told += [f"other reasons ({number_text(more)})"] if more else []
    rows = f"{number_text(int(counts.sum()))} of {number_text(len(table))} rows"
    return (f"{start} {rows}: {'; '.join(told)}.",)


def with_names(result: Result, table: pd.DataFrame) -> pd.DataFrame:
    """Add the name of the action, and the effect with its ledger.

    Parameters
    ----------
    result : Result
        Finished screening.
    table : DataFrame
        Columns action, ledger and effect.

    Returns
    -------
    DataFrame
        With name and about: texts from the data, not yet made safe.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> found = screen(four_zones(), four_actions())
    >>> with_names(found, found.by_group)[["name", "about"]].iloc[-1].tolist()
    ['Trees', 'benefit: shade']
    """
    about = table["ledger"].astype(str) + ": " + table["effect"].astype(str)
    return table.assign(name=action_names(result, table["action"]), about=about)


def of_active(result: Result, table: pd.DataFrame) -> pd.DataFrame:
    """Take the rows of active actions.

    Parameters
    ----------
    result : Result
        Finished screening.
    table : DataFrame
        Column action.

    Returns
    -------
    DataFrame
        Their rows; all where none of them is active.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> found = screen(four_zones(), four_actions())
    >>> len(of_active(found, pd.DataFrame({"action": ["WEST", "NOWHERE"]})))
    1
    """
    active = result.actions.index[result.actions["active"].eq(other=True)].astype(str)
    mine = table["action"].astype(str).isin(active)
    return table[mine] if mine.any() else table


def with_placements(found: pd.DataFrame, chance: pd.DataFrame) -> pd.DataFrame:
    """Put beside findings at how many other places their footprint was tried.

    Parameters
    ----------
    found : DataFrame
        Table by effect and group.
    chance : DataFrame
        Table of the result.

    Returns
    -------
    DataFrame
        With placements; NaN where nothing was asked.

    Examples
    --------
    >>> keys = {"action": ["A"], "ledger": ["benefit"], "effect": ["shade"], "group": ["x"]}
    >>> with_placements(pd.DataFrame(keys), pd.DataFrame({**keys, "placements": [99]}))["placements"].tolist()
    [99.0]
    """
    places = chance.set_index(KEYS)["placements"]
    return found.assign(placements=places.reindex(pd.MultiIndex.from_frame(found[KEYS])).to_numpy(dtype=np.float64))

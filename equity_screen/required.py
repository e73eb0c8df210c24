"""What tables made by hand must hold before they are screened: every fault at once."""

from __future__ import annotations

import pandas as pd

from equity_screen.actions import Plan
from equity_screen.errors import Finding, InputError, UsageError, finding
from equity_screen.recipe import PEOPLE, Question
from equity_screen.text import did_you_mean


def require_group(question: Question) -> None:
    """Refuse priority people who are none of the groups.

    Parameters
    ----------
    question : Question
        What is asked.

    Raises
    ------
    UsageError
        ``priority.people`` is no group.

    Examples
    --------
    >>> require_group(Question())
    """
    people = question.priority.people if question.priority else None
    if people is not None and people not in question.groups:
        msg = f"priority.people = {people!r} is no group; {did_you_mean(people, question.groups)}"
        raise UsageError(msg)


def require_tables(hoods: pd.DataFrame, plan: Plan, *, question: Question) -> None:
    """Refuse tables that lack what the question needs, all faults at once.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood.
    plan : Plan
        Actions and effects.
    question : Question
        What is asked.

    Raises
    ------
    InputError
        A missing column, an id that stands twice, an effect without its action, people without a count.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> require_tables(four_zones(), four_actions(), question=Question())
    """
    faults = _missing_columns(hoods, plan, question)
    faults += [*_doubles(hoods, "neighbourhoods"), *_doubles(plan.actions, "actions")]
    unknown = sorted(set(plan.effects["action"]) - set(plan.actions.index))
    faults += [finding("ES-EFFECT-ACTION", "effects", column="action", value=str(action)) for action in unknown]
    if not faults:
        faults = [f for group in question.groups for f in _uncounted(hoods, group)]
    if faults:
        raise InputError(faults)


def _missing_columns(hoods: pd.DataFrame, plan: Plan, question: Question) -> list[Finding]:
    asked = ["population", *(PEOPLE + g for g in question.groups), *question.indicators]
    tables = [(hoods, "neighbourhoods", asked), (plan.actions, "actions", ["where", "zones", "active", "sector"])]
    faults = [
        finding("ES-COLUMN-MISSING", name, column=column, hint=did_you_mean(column, table.columns))
        for table, name, columns in tables
        for column in columns
        if column not in table.columns
    ]
    hint = {
        r.column: did_you_mean(r.column, hoods.columns.drop("geometry", errors="ignore"))
        for r in question.rankings.values()
    }
    return faults + [
        finding("ES-RANKING-COLUMN", "project", column=f"rankings.{name}.column", value=r.column, hint=hint[r.column])
        for name, r in question.rankings.items()
        if r.column not in hoods.columns
    ]


def _doubles(table: pd.DataFrame, name: str) -> list[Finding]:
    twice = table.index[table.index.duplicated()].unique()
    counts = table.index.value_counts()
    return [
        finding("ES-ID-DUPLICATE", name, id=str(label), count=int(counts[label]), rows="in the index")
        for label in twice
    ]


def _uncounted(hoods: pd.DataFrame, group: str) -> list[Finding]:
    """Find people without a count of the group: taken for 0 they would lower every share of it."""
    column = PEOPLE + group
    bare = hoods.index[(hoods["population"] > 0) & hoods[column].isna()]
    return [finding("ES-GROUP-MISSING", "neighbourhoods", id=str(one), column=column, group=group) for one in bare]

"""What tables made by hand must hold before they are screened: every fault at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from equity_screen.actions import Plan
from equity_screen.disclosure import PROFILES
from equity_screen.effects import completed, effects_named, require_effects
from equity_screen.errors import Finding, InputError, UsageError, finding
from equity_screen.index import recipe_names
from equity_screen.measures import MEASURES
from equity_screen.recipe import MARGIN, PEOPLE, UNIVERSE, Question
from equity_screen.robustness import SCORES
from equity_screen.schema import Origin, check_counts
from equity_screen.text import did_you_mean
from equity_screen.uptake import require_uptake


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
        A missing column, an id that stands twice, an effect without its action, people without a count, an
        uptake by groups that overlap.

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
        faults = [*_impossible(hoods, question), *require_effects(completed(plan.effects))]
    if not faults:
        faults = [f for group in question.groups for f in _uncounted(hoods, group)]
    if faults:
        raise InputError(faults)
    require_uptake(hoods, completed(plan.effects), groups=question.groups)


def require_named(hoods: pd.DataFrame, question: Question, *, effects: pd.DataFrame | None) -> None:
    """Refuse columns and indicators that the question or the effects name and nothing has.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood.
    question : Question
        What is asked.
    effects : DataFrame or None
        Column indicator; None where the effects could not be read.

    Raises
    ------
    InputError
        Every fault at once.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> require_named(four_zones(), Question(), effects=None)
    """
    known = [*hoods.columns.drop("geometry"), "burden_score", "burden_percentile"]
    named = [("ES-RANKING-COLUMN", f"rankings.{name}.column", r.column) for name, r in question.rankings.items()]
    named += [("ES-PRIORITY-COLUMN", "priority.column", question.priority.column)] if question.priority else []
    faults = [
        finding(code, "project", column=key, value=column, hint=did_you_mean(column, known))
        for code, key, column in named
        if column not in known
    ]
    unknown = set() if effects is None else set(effects["indicator"]) - {"", *question.indicators}
    faults += [
        finding(
            "ES-EFFECT-INDICATOR", "effects", column="indicator", value=i, hint=did_you_mean(i, question.indicators)
        )
        for i in sorted(unknown)
    ]
    if faults:
        raise InputError(faults)


def require_asked(hoods: pd.DataFrame, question: Question) -> None:
    """Refuse measures, references, profiles, recipes and columns of certainty that there are not.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood, index of ids.
    question : Question
        What is asked.

    Raises
    ------
    InputError
        Every fault at once, with the key of the project file.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> require_asked(four_zones(), Question(measures=("ginny",)))
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      project, column measures, value ginny: none of the measures. Mend: did you mean 'gini'? [ES-ASKED-UNKNOWN]
    """
    faults = [
        finding("ES-ASKED-UNKNOWN", "project", column=key, what=what, value=name, hint=did_you_mean(name, known))
        for key, what, names, known in _asked_names(hoods, question)
        for name in names
        if name not in known
    ]
    if faults:
        raise InputError(faults)


def _asked_names(hoods: pd.DataFrame, question: Question) -> list[tuple[str, str, Sequence[str], Collection[str]]]:
    """Keys that name something, what it is, the names, and those that there are."""
    within, profile, stability = question.siting.within, question.small_numbers, question.stability
    asked: list[tuple[str, str, Sequence[str], Collection[str]]] = [
        ("measures", "the measures", question.measures, list(MEASURES)),
        ("siting.within", "the columns", () if within is None else (within,), [str(c) for c in hoods.columns]),
        ("small_numbers", "the profiles", () if profile is None else (profile,), list(PROFILES)),
        ("stability.recipes", "the recipes", () if stability is None else stability.recipes, recipe_names()),
    ]
    if stability is not None:
        by, _, group = stability.rank_by.partition(":")
        asked += [
            ("stability.rank_by", "the rankings of actions", (by,), list(SCORES)),
            ("stability.rank_by", "the groups", (group,) if group else (), list(question.groups)),
        ]
    for name, one in question.references.items():
        other = () if one.group is None else (one.group,)
        asked += [
            (f"references.{name}.group", "the groups", other, list(question.groups)),
            (f"references.{name}.neighbourhoods", "the neighbourhoods", one.neighbourhoods, list(hoods.index)),
        ]
    return asked


def require_taken_up(hoods: pd.DataFrame, effects: pd.DataFrame, *, question: Question, source: str) -> None:
    """Refuse what :func:`equity_screen.uptake.require_uptake` does, each fault of an uptake once, naming its effects.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood.
    effects : DataFrame
        Columns action, effect and uptake.
    question : Question
        Its groups; one of them without a column could not be read, which is told elsewhere.
    source : str
        File of the effects.

    Raises
    ------
    InputError
        Every fault at once.

    Examples
    --------
    >>> effects = pd.DataFrame({"action": ["A"], "effect": ["shade"], "uptake": ["renters=0.5"]})
    >>> hoods = pd.DataFrame({"population": [9.0], "people_renters": [3.0]})
    >>> require_taken_up(hoods, effects, question=Question(), source="effects.csv")
    """
    faults: list[Finding] = []
    for text, mine in effects[effects["uptake"] != ""].groupby("uptake", sort=True):
        try:
            require_uptake(hoods, mine, groups=question.groups)
        except InputError as error:
            named = effects_named(mine)
            here = [f for f in error.findings if f.code != "ES-UPTAKE-GROUP" or f.value not in question.groups]
            once = [replace(f, source=source, column="uptake", value=f.value or str(text)) for f in _told_once(here)]
            action = str(mine["action"].iloc[0])
            faults += [replace(f, id=action, reason=f"{f.reason} ({named})") for f in once]
    if faults:
        raise InputError(faults)


def _told_once(findings: list[Finding]) -> list[Finding]:
    """Make one of findings that differ in their neighbourhood only: how many there are, and the first."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for one in findings:
        alike.setdefault((one.code, one.column, one.value), []).append(one)
    return [
        replace(first, reason=f"{first.reason}, in {1 + len(more)} neighbourhoods, {first.id} the first")
        if first.id
        else first
        for first, *more in alike.values()
    ]


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


def _impossible(hoods: pd.DataFrame, question: Question) -> list[Finding]:
    """Find counts and margins below 0 or without end, and groups larger than those they are counted among."""
    counts = ["population", *(PEOPLE + group for group in question.groups)]
    names = [*counts, *(str(c) for c in hoods.columns if str(c).startswith(MARGIN))]
    origin, ids = Origin("neighbourhoods"), pd.Series(hoods.index.astype("str"), index=range(len(hoods)))
    faults: list[Finding] = []
    for name in names:
        values = pd.Series(hoods[name].to_numpy(dtype=np.float64), index=ids.index, name=name)
        group = name.removeprefix(PEOPLE)
        among = hoods[UNIVERSE + group] if UNIVERSE + group in hoods.columns else hoods["population"]
        total = pd.Series(among.to_numpy(dtype=np.float64), index=ids.index) if name.startswith(PEOPLE) else None
        faults += check_counts(values, origin, ids=ids, total=total)
        endless = [ids[i] for i in np.flatnonzero(np.isinf(values))]
        faults += [finding("ES-NUMBER-INFINITE", origin.file, id=one, column=name, value="inf") for one in endless]
    return [one for one in faults if one.status == "refused"]


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

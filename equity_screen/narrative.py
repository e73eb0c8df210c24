"""Sentences of a screening: its summary, and those on each action."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from equity_screen.people import EVERYONE
from equity_screen.reached import TIMES
from equity_screen.recipe import Question
from equity_screen.scores import Found, shares_of_people
from equity_screen.words import (
    NOBODY,
    WITHOUT_PEOPLE,
    Row,
    action_sentences,
    baseline_sentences,
    footprint_sentences,
    missed_sentence,
    often_sentence,
    place_sentences,
    together_sentences,
)

ACTIVE = "active actions"
Sentences = dict[str, tuple[str, ...]]


def sentences_on_people(
    actions: gpd.GeoDataFrame, found: Found, *, together: pd.DataFrame, hoods: pd.DataFrame, question: Question
) -> Sentences:
    """Say who is reached: in all, and by each action.

    Parameters
    ----------
    actions : GeoDataFrame
        Actions.
    found : Found
        Tables by effect and by group.
    together : DataFrame
        People counted once.
    hoods : DataFrame
        Table by neighbourhood with priority.
    question : Question
        What was asked.

    Returns
    -------
    dict of tuple of str
        ``"summary"``, and each action's id.

    Examples
    --------
    >>> import equity_screen as es
    >>> es.screen(es.four_zones(), es.four_actions()).sentences["LOST"][0].startswith("Its place is not known")
    True
    """
    population = float(hoods["population"].sum())
    share = shares_of_people(hoods, question)["priority_population_share"]
    effects_of = _by_action(found.by_effect.reset_index())
    groups_of = _by_action(found.by_group)
    sentences = {"summary": together_sentences(together) if population > 0 else (NOBODY,)}
    for action, where in actions["where"].items():
        effects, groups = effects_of.get(str(action), []), groups_of.get(str(action), [])
        sentences[str(action)] = action_sentences(
            effects, groups, where=where, question=question, population=population, priority_share=share
        )
    return sentences


def _by_action(table: pd.DataFrame) -> dict[str, list[Row]]:
    """Give the rows of each action; a table of each would take longer than all of the sentences."""
    rows: dict[str, list[Row]] = {}
    for row in table.to_dict("records"):
        rows.setdefault(str(row["action"]), []).append(row)
    return rows


def sentences_on_places(scores: pd.DataFrame, footprints: pd.DataFrame, *, question: Question) -> Sentences:
    """Say where the actions are, in a run that knows no people.

    Parameters
    ----------
    scores : DataFrame
        A row for each action.
    footprints : DataFrame
        Counts and areas of the actions.
    question : Question
        What was asked.

    Returns
    -------
    dict of tuple of str
        ``"summary"``, and each action's id.

    Examples
    --------
    >>> import equity_screen as es
    >>> nobody = es.four_zones().drop(columns="people_low_income").assign(population=float("nan"))
    >>> es.screen(nobody, es.four_actions()).sentences["WEST"]
    ('Its place covers 2.00 km².', 'Its burdens were not assessed.')
    """
    counted = footprint_sentences(footprints.iloc[0].to_dict(), label=priority_label(question)) if len(scores) else ()
    of_actions = {str(action): place_sentences(row.to_dict(), question) for action, row in scores.iterrows()}
    return {"summary": (WITHOUT_PEOPLE, *counted)} | of_actions


def with_baseline(sentences: Sentences, baseline: pd.DataFrame, *, question: Question) -> Sentences:
    """Add the indicators as they are to the summary, where no action is screened.

    Parameters
    ----------
    sentences : dict of tuple of str
        Sentences so far.
    baseline : DataFrame
        Mean of each indicator.
    question : Question
        What was asked.

    Returns
    -------
    dict of tuple of str
        The same with a longer summary.

    Examples
    --------
    >>> with_baseline({"summary": ()}, pd.DataFrame({"indicator": []}), question=Question())
    {'summary': ()}
    """
    told = baseline_sentences(baseline, label=priority_label(question))
    return sentences | {"summary": (*sentences["summary"], *told)}


def with_reach(
    sentences: Sentences, times_reached: pd.DataFrame, *, missed: pd.DataFrame, hoods: pd.DataFrame
) -> Sentences:
    """Add to the summary whom no benefit of the active actions reaches, and whom many of their burdens reach.

    Parameters
    ----------
    sentences : dict of tuple of str
        Sentences so far.
    times_reached, missed : DataFrame
        Tables of :func:`equity_screen.who_is_reached.who_is_reached`.
    hoods : DataFrame
        Table by neighbourhood with population and priority.

    Returns
    -------
    dict of tuple of str
        The same with at most one sentence more for each ledger.

    Examples
    --------
    >>> with_reach({"summary": ("a",)}, pd.DataFrame(), missed=pd.DataFrame(), hoods=pd.DataFrame())
    {'summary': ('a',)}
    """
    benefits = missed[(missed["scope"] == ACTIVE) & (missed["ledger"] == "benefit")] if len(missed) else missed
    told = [missed_sentence(benefits, priority=_lived_in(hoods))] if len(benefits) else []
    if len(times_reached):
        mine = times_reached[(times_reached["scope"] == ACTIVE) & (times_reached["ledger"] == "burden")]
        often = mine[(mine["group"] == EVERYONE) & (mine["times"] == TIMES[-1])].to_dict("records")
        told += [often_sentence(row, people=float(hoods["population"].sum())) for row in often]
    return sentences | {"summary": (*sentences["summary"], *(text for text in told if text))}


def _lived_in(hoods: pd.DataFrame) -> int:
    """Count the priority neighbourhoods where people live; all where nobody was counted."""
    people = hoods["population"]
    return int((hoods["priority"].astype(bool) & ((people > 0) | people.isna().all())).sum())


def priority_label(question: Question) -> str:
    """Name the priority places.

    Parameters
    ----------
    question : Question
        What was asked.

    Returns
    -------
    str
        Blank where none were asked for.

    Examples
    --------
    >>> priority_label(Question())
    ''
    """
    return question.priority.label if question.priority else ""

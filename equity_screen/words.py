"""Plain sentences made from the numbers; no sentence can say what its number does not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from equity_screen.recipe import LEDGERS, IndexRecipe, Policy, Question, Ranking
from equity_screen.text import number_text, percent_text

SCREENING = "Screening is a first look, not a determination: it points to where to ask further, with the people who live there."
UNLOCATED = (
    "Its place is not known: its cost and emissions are in the ledgers, its effects are spread over nobody."
)
ECOLOGICAL = (
    "Everyone in the reached part of a neighbourhood is taken to be like its residents on average; "
    "the bounds show how far the truth can be from that."
)


def compared(share: float, reference: float) -> str:
    """Compare two shares as they are printed: above, below, or the same to the printed digit.

    Parameters
    ----------
    share, reference : float
        Shares [0–1].

    Returns
    -------
    str
        ``"more than"``, ``"less than"`` or ``"the same as"``.

    Examples
    --------
    >>> compared(0.301, 0.25), compared(0.25004, 0.25)
    ('more than', 'the same as')
    """
    shown, against = round(100 * share, 1), round(100 * reference, 1)
    return "the same as" if shown == against else "more than" if shown > against else "less than"


def direction(index: float, *, ledger: str, ranking: Ranking, name: str) -> str:
    """Say where along a ranking an effect lies, from the sign of its generalised concentration index.

    Parameters
    ----------
    index : float
        Generalised concentration index, ranks rising with advantage.
    ledger : {"benefit", "burden"}
        Which ledger.
    ranking : Ranking
        The ranking, for its label.
    name : str
        Its name, where it has no label.

    Returns
    -------
    str
        Words without a verdict; ``"undefined"`` for NaN.

    Examples
    --------
    >>> income = Ranking(column="median_income", higher_is="advantaged", label="income")
    >>> direction(-0.2, ledger="burden", ranking=income, name="income")
    'falls more on neighbourhoods less advantaged by income'
    """
    if np.isnan(index):
        return "undefined"
    label = ranking.label or name
    if abs(index) < 1e-12:  # noqa: PLR2004 - rounding noise of a uniform effect
        return f"no gradient by {label}"
    verb = "goes more to" if ledger == "benefit" else "falls more on"
    return f"{verb} neighbourhoods {'less' if index < 0 else 'more'} advantaged by {label}"


def parity_sentence(row: Mapping[str, object], *, ledger: str) -> str:
    """Compare a group's share of an effect with its share of the people, bounds included.

    Parameters
    ----------
    row : mapping
        A row of ``by_group``.
    ledger : {"benefit", "burden"}
        Which ledger.

    Returns
    -------
    str
        A sentence; where the bounds straddle parity it says that it cannot be told.

    Examples
    --------
    >>> row = {"label": "People with low incomes", "share_of_effect": 0.4, "share_of_people": 0.25, "parity": 1.6,
    ...        "parity_low": 1.2, "parity_high": 1.9}
    >>> parity_sentence(row, ledger="benefit")
    'People with low incomes receive 40.0 % of the benefit and are 25.0 % of the people: more than their share.'
    """
    share, people, low, high = (
        float(row[k]) for k in ("share_of_effect", "share_of_people", "parity_low", "parity_high")
    )  # type: ignore[arg-type]
    label, verb = row["label"], "receive" if ledger == "benefit" else "carry"
    if np.isnan(share):
        return f"{label}: no share of the {ledger} can be given ({row.get('undefined') or 'undefined'})."
    start = (
        f"{label} {verb} {percent_text(share)} of the {ledger} and are {percent_text(people)} of the people"
    )
    if low < 1 < high and compared(low * people, high * people) != "the same as":
        between = f"between {percent_text(low * people)} and {percent_text(high * people)}"
        return f"{start}; the true share lies {between}, so it cannot be told whether it is above or below their share of the people."
    word = compared(share, people)
    return f"{start}: {'in line with' if word == 'the same as' else word} their share."


def reach_sentence(row: Mapping[str, object], *, ledger: str, effect: str, population: float) -> str:
    """Say how many people an effect reaches and what they receive in all.

    Parameters
    ----------
    row : mapping
        A row of ``by_effect``.
    ledger : {"benefit", "burden"}
        Which ledger.
    effect : str
        Name of the effect.
    population : float
        People of the place [people].

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> row = {"people_reached": 400.0, "mean": 0.2, "unit": "°C", "undefined": ""}
    >>> reach_sentence(row, ledger="benefit", effect="shade", population=1000.0)
    'The benefit "shade" reaches 400 people (40.0 % of everyone); its mean over everyone is 0.2 °C.'
    """
    people, mean = float(row["people_reached"]), float(row["mean"])  # type: ignore[arg-type]
    verb = "reaches" if ledger == "benefit" else "falls on"
    share = percent_text(people / population if population else None)
    start = f'The {ledger} "{effect}" {verb} {number_text(round(people))} people ({share} of everyone)'
    tail = (
        f"its mean over everyone is {number_text(mean)} {row['unit']}"
        if not np.isnan(mean)
        else str(row["undefined"])
    )
    return f"{start}; {tail}."


def priority_sentence(
    row: Mapping[str, object], *, ledger: str, label: str, population_share: float, policy: Policy | None
) -> str:
    """Compare the share to priority neighbourhoods with their people and with a policy's share.

    Parameters
    ----------
    row : mapping
        A row of ``by_effect``.
    ledger : {"benefit", "burden"}
        Which ledger.
    label : str
        Name of the priority neighbourhoods.
    population_share : float
        Share of the people who live there [0–1].
    policy : Policy or None
        Share that a policy asks for.

    Returns
    -------
    str
        A sentence; empty where the share is undefined.

    Examples
    --------
    >>> priority_sentence({"priority_place_share": 0.5}, ledger="benefit", label="priority neighbourhoods",
    ...                   population_share=0.3, policy=None)
    '50.0 % of the benefit goes to priority neighbourhoods, where 30.0 % of the people live: more than their share.'
    """
    share = float(row["priority_place_share"])  # type: ignore[arg-type]
    if np.isnan(share):
        return ""
    verb = "goes to" if ledger == "benefit" else "falls on"
    word = compared(share, population_share)
    against = "in line with" if word == "the same as" else word
    sentence = f"{percent_text(share)} of the {ledger} {verb} {label}, where {percent_text(population_share)} of the people live: {against} their share"
    if policy is not None and ledger == "benefit" and policy.basis == "benefit":
        sentence += f"; {policy.source} ({policy.status}) asks for {percent_text(policy.share)}, and this is {compared(share, policy.share)} that"
    return f"{sentence}."


def once_sentence(row: Mapping[str, object], *, everyone: Mapping[str, object]) -> str:
    """Compare the share of a group in reach of anything with that of everyone, people counted once.

    Parameters
    ----------
    row, everyone : mapping
        Rows of ``together`` for the group and for everyone.

    Returns
    -------
    str
        A sentence with the group's bounds.

    Examples
    --------
    >>> everyone = {"label": "Everyone", "reached_share": 0.5, "people_reached": 500.0}
    >>> row = {"label": "People with low incomes", "reached_share": 0.6, "people_reached": 60.0, "people": 100.0,
    ...        "people_reached_low": 40.0, "people_reached_high": 80.0}
    >>> once_sentence(row, everyone=everyone)
    'People with low incomes: 60 people (60.0 %; everyone 50.0 %), at least 40 and at most 80.'
    """
    share, whole = float(row["reached_share"]), float(everyone["reached_share"])  # type: ignore[arg-type]
    people, low, high = (
        number_text(round(float(row[k])))
        for k in ("people_reached", "people_reached_low", "people_reached_high")
    )  # type: ignore[arg-type]
    return f"{row['label']}: {people} people ({percent_text(share)}; everyone {percent_text(whole)}), at least {low} and at most {high}."


def together_sentences(together: pd.DataFrame) -> tuple[str, ...]:
    """Sentences on the people in reach of at least one located action, each counted once.

    Parameters
    ----------
    together : DataFrame
        Table of :func:`equity_screen.equity.counted_once`.

    Returns
    -------
    tuple of str
        For each scope and ledger with a reach: everyone, then each group. All actions are not
        repeated where every action is active.

    Examples
    --------
    >>> together_sentences(pd.DataFrame(columns=["scope", "ledger", "group", "people_reached", "people_summed"]))
    ()
    """
    sentences: list[str] = []
    numbers = ["ledger", "group", "people_reached", "people_summed"]
    for (scope, ledger), rows in together[~together.duplicated(numbers)].groupby(
        ["scope", "ledger"], sort=False
    ):
        everyone, *groups = rows.to_dict("records")
        if not everyone["people_reached"] > 0:
            continue
        sentences.append(
            f"{'Benefits' if ledger == 'benefit' else 'Burdens'} of {scope} that have a place reach "
            f"{number_text(round(everyone['people_reached']))} of {number_text(round(everyone['people']))} people "
            f"({percent_text(everyone['reached_share'])}), each counted once; added up action by action it would be "
            f"{number_text(round(everyone['people_summed']))}."
        )
        sentences += [once_sentence(row, everyone=everyone) for row in groups]
    return tuple(sentences)


def action_sentences(
    by_effect: pd.DataFrame,
    by_group: pd.DataFrame,
    *,
    where: str,
    question: Question,
    population: float,
    priority_share: float,
) -> tuple[str, ...]:
    """Sentences on one action: each effect, its groups, its priority share; what was not assessed.

    Parameters
    ----------
    by_effect, by_group : DataFrame
        The rows of this action.
    where : str
        Kind of place of the action.
    question : Question
        What was asked.
    population : float
        People of the place [people].
    priority_share : float
        Share of them in priority neighbourhoods [0–1].

    Returns
    -------
    tuple of str
        Finished sentences.

    Examples
    --------
    >>> index = pd.MultiIndex.from_arrays([[], [], []], names=["action", "ledger", "effect"])
    >>> action_sentences(pd.DataFrame(index=index), pd.DataFrame(), where="geometry", question=Question(),
    ...                  population=1.0, priority_share=0.0)
    ('Its benefits were not assessed.', 'Its burdens were not assessed.')
    """
    if where == "unlocated":
        return (UNLOCATED,)
    sentences: list[str] = []
    for (_, ledger, effect), row in by_effect.iterrows():
        record = row.to_dict()
        sentences.append(reach_sentence(record, ledger=ledger, effect=effect, population=population))
        if question.priority is not None:
            rule = {"label": question.priority.label, "policy": question.priority.policy}
            sentences.append(
                priority_sentence(record, ledger=ledger, population_share=priority_share, **rule)
            )
        if not record["undefined"]:
            mine = by_group[(by_group["ledger"] == ledger) & (by_group["effect"] == effect)]
            sentences += [parity_sentence(r, ledger=ledger) for r in mine.to_dict("records")]
    assessed = set(by_effect.index.get_level_values("ledger"))
    sentences += [f"Its {ledger}s were not assessed." for ledger in LEDGERS if ledger not in assessed]
    return tuple(sentence for sentence in sentences if sentence)


def method_notes(question: Question, *, by_points: bool, sides: int, recipe: IndexRecipe) -> dict[str, str]:
    """Methods and conventions of a run, each a sentence.

    Parameters
    ----------
    question : Question
        What was asked.
    by_points : bool
        Whether people in reach are counted by population points.
    sides : int
        Number of sides of a drawn disc.
    recipe : IndexRecipe
        Recipe of the burden index.

    Returns
    -------
    dict of str
        Name → sentence.

    Examples
    --------
    >>> recipe = IndexRecipe(name="own", title="Own", source="here")
    >>> "burden index" in method_notes(Question(), by_points=False, sides=256, recipe=recipe)
    False
    """
    methods = {
        "people in reach": (
            "by population points: the share of a neighbourhood's people whose point lies in reach; by area where it has no points"
            if by_points
            else "by area: the share of a neighbourhood's area in reach"
        ),
        "measuring space": "areas in a Lambert azimuthal equal-area projection centred on the neighbourhoods; distances in azimuthal "
        f"equidistant projections centred on groups of actions; discs drawn with {sides} sides (0.01 % of their area)",
        "ecological assumption": ECOLOGICAL,
        "everyone else": "a group is compared with the people of its own universe who are not in it",
        "parity": "share of the effect divided by the share of the people; 1 means in line",
        "ecological bounds": "a group reached lies in [max(0, R − (U − G)), min(R, G)] in each neighbourhood, summed (Duncan & Davis 1953)",
        "concentration index": "2 cov(x, F)/mean with F the population-weighted mid-rank, 1 = most advantaged; generalised: times the mean",
        "Kolm–Pollak EDE": "equally-distributed equivalent with κ frozen on the baseline of everyone; residents stay where they are",
        "ledgers": "benefits and burdens are never netted, except in before → after, whose measure allows signs",
        "people counted once": "in reach of at least one located effect; citywide effects reach everyone and are left out of this count",
    }
    if any(i.burden for i in question.indicators.values()):
        methods["burden index"] = (
            f"{recipe.title}; percentile convention {recipe.percentile}; no score with less than {recipe.minimum_share:.0%} of the indicators"
        )
    return methods

"""Plain sentences made from the numbers; no sentence can say what its number does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from equity_screen.effects import OTHERS, uptake_of
from equity_screen.landing import RINGS
from equity_screen.outside import BARELY_ENTERS, LIES_OUTSIDE
from equity_screen.reaches import TAKEN_UP
from equity_screen.recipe import LEDGERS, IndexRecipe, Question, Ranking
from equity_screen.text import number_text, percent_text

Row = Mapping[str, Any]

SCREENING = (
    "Screening is a first look, not a determination: it points to where to ask further, with the people who live there."
)
UNLOCATED = "Its place is not known: its cost and emissions are in the ledgers, its effects are spread over nobody."
ECOLOGICAL = (
    "Everyone in the reached part of a neighbourhood is taken to be like its residents on average; "
    "the bounds show how far the truth can be from that."
)
# Unit of an effect that is nothing but being in reach: its mean says nothing that the share does not.
REACH_UNIT = "people in reach"
# Rounding noise of a uniform effect: no gradient that a ranking could show is as small.
NO_GRADIENT = 1e-12
# A concentration index closer to 0 than this is no direction that a sentence should name.
SLIGHT = 0.01
# A smaller share would be printed as none.
PRINTED = 0.0005
# First words of labels that are no names: they are not capitals within a sentence.
COMMON = ("People ", "Communities ", "Households ", "Residents ", "Immigrants ", "Renters", "Owners")


def compared(share: float, reference: float) -> str:
    """Compare two shares as they are printed: above, below, or the same to the printed digit.

    Parameters
    ----------
    share, reference : float
        Shares [0–1].

    Returns
    -------
    str
        ``"more than"``, ``"less than"`` or ``"in line with"``.

    Examples
    --------
    >>> compared(0.301, 0.25), compared(0.25004, 0.25)
    ('more than', 'in line with')
    """
    if percent_text(share) == percent_text(reference):
        return "in line with"
    return "more than" if share > reference else "less than"


def direction(index: float, *, ledger: str, ranking: Ranking, name: str) -> str:
    """Say where along a ranking an effect lies, from its concentration index.

    Parameters
    ----------
    index : float
        Concentration index, ranks rising with advantage.
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
    if abs(index) < NO_GRADIENT:
        return f"no gradient by {label}"
    if abs(index) < SLIGHT:
        return f"hardly any gradient by {label}"
    verb = "goes more to" if ledger == "benefit" else "falls more on"
    if ranking.higher_is == "disadvantaged":
        return f"{verb} neighbourhoods with {'more' if index < 0 else 'less'} {label}"
    return f"{verb} neighbourhoods {'less' if index < 0 else 'more'} advantaged by {label}"


def parity_sentence(row: Row, *, ledger: str) -> str:
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
        A sentence; where the bounds straddle parity, or the margin of error does, it says that it cannot be told.

    Examples
    --------
    >>> row = {"label": "People with low incomes", "share_of_effect": 0.4, "share_of_people": 0.25,
    ...        "parity_low": 1.2, "parity_high": 1.9}
    >>> parity_sentence(row, ledger="benefit")
    'People with low incomes receive 40.0 % of the benefit and are 25.0 % of the people: more than their share.'
    """
    label, verb = row["label"], "receive" if ledger == "benefit" else "carry"
    share, people = row["share_of_effect"], row["share_of_people"]
    if np.isnan(share):
        return f"{label}: no share of the {ledger} can be given ({row.get('undefined') or 'undefined'})."
    among = "those among whom they were counted" if row.get("own_universe") else "the people"
    start = f"{label} {verb} {percent_text(share)} of the {ledger} and are {percent_text(people)} of {among}"
    low, high = row["parity_low"] * people, row["parity_high"] * people
    if low < people < high and percent_text(low) != percent_text(high):
        between = f"the true share lies between {percent_text(low)} and {percent_text(high)}"
        return f"{start}; {between}, so it cannot be told whether it is above or below their share of the people."
    # Of the ratio of both shares: the share of the people has an error of its own.
    margin = people * row.get("parity_moe", np.nan)
    if percent_text(share) != percent_text(people) and abs(share - people) <= margin:
        within = "the difference lies within the margin of error (90 %)"
        return f"{start}; {within}, so it cannot be told whether it is above or below their share of the people."
    return f"{start}: {compared(share, people)} their share."


def reach_sentence(row: Row, *, ledger: str, effect: str, population: float) -> str:
    """Say how many people an effect reaches and what they receive on average.

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
    'The benefit "shade" reaches 400 people (40.0 % of everyone); its mean over everyone is 0.200 °C.'
    """
    people, mean = row["people_reached"], row["mean"]
    if people > 0 and mean == 0:
        return f'No {ledger} "{effect}" is expected.'
    verb = "reaches" if ledger == "benefit" else "falls on"
    share = percent_text(people / population if population else None)
    start = f'The {ledger} "{effect}" {verb} {number_text(round(people))} people ({share} of everyone)'
    if row["undefined"]:
        return f"{start}; {row['undefined']}."
    if row["unit"] == REACH_UNIT:
        return f"{start}."
    return f"{start}; its mean over everyone is {number_text(mean)} {row['unit']}."


def priority_sentence(row: Row, *, ledger: str, question: Question, population_share: float) -> str:
    """Compare the share to priority neighbourhoods with their people and with a policy's share.

    Parameters
    ----------
    row : mapping
        A row of ``by_effect``.
    ledger : {"benefit", "burden"}
        Which ledger.
    question : Question
        Its priority rule, with the policy where there is one.
    population_share : float
        Share of the people who live there [0–1].

    Returns
    -------
    str
        A sentence; empty where nothing was asked or the share is undefined.

    Examples
    --------
    >>> from equity_screen.recipe import Priority
    >>> asked = Question(priority=Priority(at_least=75))
    >>> priority_sentence({"priority_place_share": 0.5}, ledger="benefit", question=asked, population_share=0.3)
    '50.0 % of the benefit goes to priority neighbourhoods, where 30.0 % of the people live: more than their share.'
    """
    rule, share = question.priority, row["priority_place_share"]
    if rule is None or np.isnan(share):
        return ""
    verb = "goes to" if ledger == "benefit" else "falls on"
    where = f"{rule.label}, where {percent_text(population_share)} of the people live"
    sentence = f"{percent_text(share)} of the {ledger} {verb} {where}: {compared(share, population_share)} their share"
    if rule.policy is None or ledger == "burden" or rule.policy.basis == "spending":
        return f"{sentence}."
    policy = rule.policy
    asks = f"{policy.source} ({policy.status}) asks for {percent_text(policy.share)}"
    return f"{sentence}; {asks}, and this is {compared(share, policy.share)} that."


def once_sentence(row: Row, *, everyone: Row) -> str:
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
    >>> row = {"label": "People with low incomes", "reached_share": 0.6, "people_reached": 60.0,
    ...        "people_reached_low": 40.0, "people_reached_high": 80.0}
    >>> once_sentence(row, everyone={"reached_share": 0.5})
    'People with low incomes: 60 people (60.0 %; everyone 50.0 %), at least 40 and at most 80.'
    """
    keys = ("people_reached", "people_reached_low", "people_reached_high")
    if np.isnan(row["people_reached"]):
        return f"{row['label']}: no number of people can be given ({row.get('undefined') or 'undefined'})."
    people, low, high = (number_text(round(row[key])) for key in keys)
    shares = f"{percent_text(row['reached_share'])}; everyone {percent_text(everyone['reached_share'])}"
    return f"{row['label']}: {people} people ({shares}), at least {low} and at most {high}."


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
        repeated where they reach the same people as the active ones.

    Examples
    --------
    >>> columns = ["scope", "ledger", "group", "people_reached", "people_summed"]
    >>> together_sentences(pd.DataFrame(columns=columns))
    ()
    """
    sentences: list[str] = []
    repeated = together.duplicated(["ledger", "group", "people_reached"])
    for (scope, ledger), rows in together[~repeated].groupby(["scope", "ledger"], sort=False):
        everyone, *groups = rows.to_dict("records")
        if everyone.get("group") == "everyone" and everyone["people_reached"] > 0:
            sentences.append(_everyone_sentence(everyone, scope=scope, ledger=ledger))
            # Where everyone is in reach, so is everyone of each group: the lines would say nothing.
            if percent_text(everyone["reached_share"]) != percent_text(1.0):
                sentences += [once_sentence(row, everyone=everyone) for row in groups]
    return tuple(sentences)


def often_sentence(row: Row, *, people: float) -> str:
    """Say how many people the burdens of three or more actions reach.

    Parameters
    ----------
    row : mapping
        The row of ``times_reached`` for everyone, three times or more.
    people : float
        People of the place [people].

    Returns
    -------
    str
        A sentence; empty where nobody is, or it is undefined.

    Examples
    --------
    >>> often_sentence({"people": 300.0, "share": 0.3, "scope": "active actions"}, people=1000.0)
    'Burdens of three or more active actions reach 300 of 1,000 people (30.0 %).'
    """
    if not row["people"] > 0:
        return ""
    counted = f"{number_text(round(row['people']))} of {number_text(round(people))} people"
    return f"Burdens of three or more {row['scope']} reach {counted} ({percent_text(row['share'])})."


def uptake_words(reach: str, labels: Mapping[str, str]) -> str:
    """Name the groups that take an effect up by their labels, with the share of each.

    Parameters
    ----------
    reach : str
        Words of :func:`equity_screen.reaches.reach_words`.
    labels : mapping of str to str
        Labels of the groups.

    Returns
    -------
    str
        The same with labels; as it is where nobody is named.

    Examples
    --------
    >>> uptake_words("within 300 m, taken up by renters=0.6; others=0.2", {"renters": "Renters"})
    'within 300 m, taken up by 60 % of renters and 20 % of all others'
    """
    where, taken_up, text = reach.rpartition(TAKEN_UP)
    try:
        rates = uptake_of(text) if taken_up else {}
    except ValueError:  # the name of a file may hold these words
        rates = {}
    said = [
        _taken(rate, "all others" if name == OTHERS else label_within(labels.get(name, name)))
        for name, rate in rates.items()
    ]
    return f"{where}{TAKEN_UP}{listed(said)}" if said else reach


def _taken(rate: float, whom: str) -> str:
    return f"all {whom.removeprefix('all ')}" if rate == 1.0 else f"{100 * rate:.10g} % of {whom}"


def label_within(label: str) -> str:
    """Write a label as it stands within a sentence: no capital where it is no name.

    Parameters
    ----------
    label : str
        Label of a group.

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> label_within("People with low incomes"), label_within("Indigenous Peoples")
    ('people with low incomes', 'Indigenous Peoples')
    """
    return label[0].lower() + label[1:] if label.startswith(COMMON) else label


def listed(parts: Sequence[str]) -> str:
    """Join words by commas and an "and".

    Parameters
    ----------
    parts : sequence of str
        Words.

    Returns
    -------
    str
        One text; empty where there are none.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def outside_sentence(row: Row, *, reach: str) -> str:
    """Say how much of a reach lies outside the neighbourhoods, and who lives there.

    Parameters
    ----------
    row : mapping
        A row of ``unseen``.
    reach : str
        Whose reach it is, in words.

    Returns
    -------
    str
        A sentence or two; empty where hardly anything lies outside.

    Examples
    --------
    >>> row = {"outside_area_share": 0.4, "residents_outside": 2055.2, "uncovered_area_share": 0.0, "note": ""}
    >>> outside_sentence(row, reach='the benefit "shade"')
    'Of the reach of the benefit "shade", 40.0 % of the area lies outside the neighbourhoods, where nobody is counted; \
about 2,055 people live there by the outer data.'
    """
    if not row["outside_area_share"] > PRINTED:
        return ""
    start = f"Of the reach of {reach}, {percent_text(row['outside_area_share'])} of the area lies outside the "
    start += f"neighbourhoods, where nobody is counted; {_residents(row)}."
    return f"{start} {NOTES_OUTSIDE[row['note']]}" if row["note"] in NOTES_OUTSIDE else start


def _residents(row: Row) -> str:
    people, bare = row["residents_outside"], row["uncovered_area_share"]
    if np.isnan(people):
        return "how many people live there is not known: no outer data were given"
    beyond = f", which do not cover {percent_text(bare)} of the area of the reach" if bare > PRINTED else ""
    return f"about {_things(round(people), 'person lives', 'people live')} there by the outer data{beyond}"


def missed_sentence(missed: pd.DataFrame, *, priority: int) -> str:
    """Say how many priority neighbourhoods no benefit of the active actions reaches, and how near the nearest is.

    Parameters
    ----------
    missed : DataFrame
        Rows of ``missed`` of one scope and ledger.
    priority : int
        Number of priority neighbourhoods where people live.

    Returns
    -------
    str
        A sentence; empty where every one is reached.

    Examples
    --------
    >>> table = pd.DataFrame({"scope": "active actions", "people": [100.0, 200.0], "distance_m": [250.0, 900.0]})
    >>> missed_sentence(table, priority=8)
    'No benefit of active actions reaches 2 of 8 priority neighbourhoods (300 people); the nearest action is 250 to \
900 m from their borders.'
    """
    if missed.empty:
        return ""
    people, distances = missed["people"].sum(min_count=1), missed["distance_m"].dropna()
    living = "" if np.isnan(people) else f" ({number_text(round(people))} people)"
    counted = f"{number_text(len(missed))} of {_things(priority, 'priority neighbourhood', 'priority neighbourhoods')}"
    sentence = f"No benefit of {missed['scope'].iloc[0]} reaches {counted}{living}"
    if distances.empty:
        return f"{sentence}."
    ends = dict.fromkeys(number_text(round(d)) for d in (distances.min(), distances.max()))
    return f"{sentence}; the nearest action is {' to '.join(ends)} m from their borders."


def footprint_sentences(row: Row, *, label: str) -> tuple[str, ...]:
    """Sentences on the actions' own places: how many, how large, what of them lies in priority places.

    Parameters
    ----------
    row : mapping
        The first row of ``footprints``: all actions.
    label : str
        Name of the priority places.

    Returns
    -------
    tuple of str
        Sums and dissolved areas side by side, both named.

    Examples
    --------
    >>> row = {"actions": 3, "distinct_places": 2, "in_priority": 1, "mostly_in_priority": 1, "area_summed_km2": 3.0,
    ...        "area_dissolved_km2": 2.0, "priority_share_summed": 0.3333, "priority_share_dissolved": 0.5}
    >>> counted, inside = footprint_sentences(row, label="old towns")
    >>> counted[:70]
    '3 actions stand at 2 distinct places; their area is 2.00 km² where eac'
    >>> inside[:79]
    '50.0 % of the dissolved area lies in old towns, 33.3 % of the area added up. Ac'
    """
    counted = f"{_things(row['actions'], 'action stands', 'actions stand')} at "
    counted += _things(row["distinct_places"], "distinct place", "distinct places")
    area, summed = (number_text(row[f"area_{kind}_km2"]) for kind in ("dissolved", "summed"))
    first = f"{counted}; their area is {area} km² where each place counts once (dissolved), and {summed} km² "
    sentences = [f"{first}added up action by action."]
    if not np.isnan(row["in_priority"]):
        dissolved, added = (percent_text(row[f"priority_share_{kind}"]) for kind in ("dissolved", "summed"))
        some, most = (number_text(round(row[f"{kind}in_priority"])) for kind in ("", "mostly_"))
        sentences.append(
            f"{dissolved} of the dissolved area lies in {label}, {added} of the area added up. "
            f"Actions with any part there: {some}; with more than half: {most}."
        )
    return tuple(sentences)


def _things(count: float, one: str, many: str) -> str:
    return f"{number_text(round(count))} {one if count == 1 else many}"


def place_sentences(row: Row, question: Question) -> tuple[str, ...]:
    """Sentences on one action in a run that knows no people: its place, and what was not assessed.

    Parameters
    ----------
    row : mapping
        Its row of ``scores``.
    question : Question
        What was asked.

    Returns
    -------
    tuple of str
        Finished sentences.

    Examples
    --------
    >>> row = {"where": "geometry", "footprint_km2": 0.5, "footprint_priority_share": 0.25,
    ...        "benefit_assessed": "assessed", "burden_assessed": "not assessed"}
    >>> place_sentences(row, Question())
    ('Its place covers 0.500 km².', 'Its burdens were not assessed.')
    """
    if row["where"] == "unlocated":
        return (UNLOCATED,)
    area, share, sentences = row["footprint_km2"], row["footprint_priority_share"], []
    if not np.isnan(area):
        covers = f"Its place covers {number_text(area)} km²" if area > 0 else "Its place has no area"
        asked = question.priority is not None and not np.isnan(share)
        inside = (
            f"; {percent_text(share)} of it lies in {question.priority.label}" if asked and question.priority else ""
        )
        sentences.append(f"{covers}{inside}.")
    bare = [ledger for ledger in LEDGERS if row[f"{ledger}_assessed"] == "not assessed"]
    return (*sentences, *(f"Its {ledger}s were not assessed." for ledger in bare))


def baseline_sentences(baseline: pd.DataFrame, *, label: str) -> tuple[str, ...]:
    """Sentences on the indicators as they are: everywhere, in priority places, elsewhere.

    Parameters
    ----------
    baseline : DataFrame
        Table of :func:`equity_screen.baseline.baseline_means`.
    label : str
        Name of the priority places.

    Returns
    -------
    tuple of str
        One for each indicator; over the people where they are known, else over the area.

    Examples
    --------
    >>> rows = [("everyone", 20.0), ("priority", 10.0), ("elsewhere", 25.0)]
    >>> table = pd.DataFrame(rows, columns=["who", "mean_area"]).assign(
    ...     indicator="trees", label="Tree canopy", unit="%", mean_people=np.nan)
    >>> baseline_sentences(table, label="old towns")
    ('Tree canopy: 20.0 % on average over the area; 10.0 % in old towns, 25.0 % elsewhere.',)
    """
    sentences = []
    for _, rows in baseline.groupby("indicator", sort=False):
        row, who = rows.iloc[0], rows.set_index("who")
        by = "people" if not np.isnan(row["mean_people"]) else "area"
        means = {name: f"{number_text(who.loc[name, f'mean_{by}'])} {row['unit']}" for name in who.index}
        sentence = f"{row['label']}: {means['everyone']} on average over the {by}"
        if "priority" in means:
            sentence += f"; {means['priority']} in {label}, {means['elsewhere']} elsewhere"
        sentences.append(f"{sentence}.")
    return tuple(sentences)


def _everyone_sentence(row: Row, *, scope: str, ledger: str) -> str:
    keys = ("people_reached", "people", "people_summed")
    reached, people, summed = (number_text(round(row[key])) for key in keys)
    return (
        f"{ledger.capitalize()}s of {scope} that land in particular places reach {reached} of {people} people "
        f"({percent_text(row['reached_share'])}), each counted once; added up effect by effect it would be {summed}."
    )


def action_sentences(
    effects: Sequence[Row],
    groups: Sequence[Row],
    *,
    where: str,
    question: Question,
    population: float,
    priority_share: float,
) -> tuple[str, ...]:
    """Sentences on one action: each effect, its groups, its priority share; what was not assessed.

    Parameters
    ----------
    effects, groups : sequence of mapping
        The rows of this action in ``by_effect`` and in ``by_group``, with ledger and effect.
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
    >>> action_sentences([], [], where="geometry", question=Question(), population=1.0, priority_share=0.0)
    ('Its benefits were not assessed.', 'Its burdens were not assessed.')
    """
    if where == "unlocated":
        return (UNLOCATED,)
    sentences: list[str] = []
    for row in effects:
        ledger, effect = row["ledger"], row["effect"]
        sentences += [
            reach_sentence(row, ledger=ledger, effect=effect, population=population),
            priority_sentence(row, ledger=ledger, question=question, population_share=priority_share),
        ]
        if not row["undefined"]:
            mine = [group for group in groups if (group["ledger"], group["effect"]) == (ledger, effect)]
            sentences += [parity_sentence(group, ledger=ledger) for group in mine]
    assessed = {row["ledger"] for row in effects}
    sentences += [f"Its {ledger}s were not assessed." for ledger in LEDGERS if ledger not in assessed]
    return tuple(sentence for sentence in sentences if sentence)


def method_notes(
    question: Question, *, by_points: bool, sides: int, recipe: IndexRecipe, people: bool = True
) -> dict[str, str]:
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
    people : bool
        Whether a population is known; without one the methods that count people were not used.

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
    notes = {"people in reach": BY_POINTS if by_points else BY_AREA, **NOTES}
    if not people:
        notes = {
            "people": WITHOUT_PEOPLE,
            **{name: NOTES[name] for name in ("measuring space", "summed and dissolved")},
        }
    if people:
        notes["measuring space"] += (
            f"; areas of discs around points are exact; where they are drawn or united they have {sides} sides"
        )
    if any(indicator.burden for indicator in question.indicators.values()):
        least = percent_text(recipe.minimum_share, places=0)
        convention = f"percentile convention {recipe.percentile}"
        notes["burden index"] = f"{recipe.title}; {convention}; no score with less than {least} of the indicators"
    return notes


NOTES_OUTSIDE = {
    BARELY_ENTERS: "It barely enters the neighbourhoods: who is counted hangs on how their border is drawn.",
    LIES_OUTSIDE: "None of it lies in the neighbourhoods.",
}
NOBODY = "Nobody lives here by these data: the population is 0 in every neighbourhood."
WITHOUT_PEOPLE = (
    "No population was given: this run counts actions and measures areas, and says nothing of people, of groups "
    "or of who receives what."
)
BY_POINTS = (
    "by population points: the share of a neighbourhood's people whose point lies in reach; "
    "by area where it has no points"
)
BY_AREA = "by area: the share of a neighbourhood's area in reach"
NOTES = {
    "measuring space": (
        "areas in a Lambert azimuthal equal-area projection centred on the neighbourhoods; distances in "
        "azimuthal equidistant projections centred on groups of actions"
    ),
    "summed and dissolved": (
        "areas of actions added up action by action, and united before they are measured, so that ground counts once"
    ),
    "ecological assumption": ECOLOGICAL,
    "everyone else": "a group is compared with the people of its own universe who are not in it",
    "parity": "share of the effect divided by the share of the people; 1 means in line",
    "ecological bounds": (
        "a group reached lies in [max(0, R − (U − G)), min(R, G)] in each neighbourhood, summed (Duncan & Davis 1953)"
    ),
    "concentration index": (
        "2 cov(x, F)/mean with F the population-weighted mid-rank, 1 = most advantaged; generalised: times the mean"
    ),
    "Kolm–Pollak EDE": (
        "equally-distributed equivalent with κ frozen on the baseline of everyone; residents stay where they are"
    ),
    "ledgers": (
        "benefits and burdens are not netted, except in measures that allow signs: before → after, and a net where it "
        "is asked for"
    ),
    "people counted once": (
        "in reach of at least one located effect; citywide effects reach everyone and are left out of this count"
    ),
    "people by number of actions": (
        "neighbourhoods are cut where a reach begins or ends; an action with several effects in a ledger counts once"
    ),
    "distances": (
        "in a straight line to the nearest place of an action, from population points, else from a lattice of points "
        "over the neighbourhood"
    ),
    "effects that fade": (
        "an effect that fades with distance is weighted by its kernel at each population point; where nobody's home "
        f"is known it is summed over {RINGS} rings"
    ),
    "uptake": (
        "an effect with an uptake counts a named group by its own share; those who live in its reach are not in the "
        "counts of people reached once"
    ),
}

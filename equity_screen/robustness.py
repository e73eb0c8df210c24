"""Ranks of actions under other data, weights, thresholds, distances and recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.actions import Plan
from equity_screen.drawn_index import SCORED, IndexDraws, RuleReads, drawn_values, rule_reads, within_rule
from equity_screen.draws import draw_counts, draw_groups
from equity_screen.effects import completed
from equity_screen.errors import UsageError
from equity_screen.index import pick_priority
from equity_screen.margins import Margins, doses_of, margins_of
from equity_screen.overlay import Overlay, overlay
from equity_screen.people import Floats, People, quotient
from equity_screen.priority import mark_priority
from equity_screen.ranks import ALL, SOURCES, rank_stability
from equity_screen.reaches import FROM_THE_ACTION
from equity_screen.recipe import Question, Stability
from equity_screen.text import did_you_mean

LABELS = ["action", "ledger", "effect"]
LENGTHS = ("distance_m", "inner_m", "scale_m")
PLACE_SHARE, PERSON_SHARE = "priority_place_share", "priority_person_share"
OF_ONE_UNIT = ("total", "mean")
OF_RANKS = ["rank", "median_rank", "rank_low", "rank_high", "first_share", "first", "mean_shift", "unranked_share"]
COLUMNS = [*LABELS, "varied", *OF_RANKS, "draws", "note"]


class _Draws(NamedTuple):
    """What is drawn: weights by indicator, shifts of the threshold, positions of recipes and of distance factors."""

    weights: Floats
    shifts: Floats
    recipes: NDArray[np.intp]
    factors: NDArray[np.intp]


class _Counts(NamedTuple):
    """People, and those of one group and its universe: a column for each draw, or one for all of them."""

    population: Floats
    group: Floats
    universe: Floats

    def of(self, draws: NDArray[np.intp]) -> _Counts:
        """Take the columns of some draws."""
        return _Counts(*(_columns(part, draws) for part in self))


class _Case(NamedTuple):
    """Everything that a ranking is made from; ``laid`` has an overlay for each distance factor, the plan's first."""

    hoods: gpd.GeoDataFrame
    question: Question
    asked: Stability
    group: str
    people: Mapping[bool, _Counts]
    laid: tuple[Overlay, ...]
    ranked: NDArray[np.intp]
    rule: RuleReads | None
    given: pd.Series | gpd.GeoDataFrame | None
    draws: _Draws
    notes: Mapping[str, str]


def stability(
    hoods: gpd.GeoDataFrame,
    plan: Plan,
    *,
    laid: Overlay,
    people: People,
    question: Question,
    priority: pd.Series | gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    r"""Rank the benefits of active actions under other data, weights, thresholds, distances and recipes.

    Each source is varied on its own, and then all together with the same draws. In draw r

    .. math:: s^{(r)}_a = \frac{\sum_i x_{ia} w^{(r)}_i D^{(r)}_i}{\sum_i x_{ia} w^{(r)}_i}

    for the share in priority places D; the other scores are such products as well.

    Parameters
    ----------
    hoods : GeoDataFrame
        Table by neighbourhood, in the overlay's order, with indicators and the column of the priority rule;
        ``moe_<name>`` where people, a group or an indicator have a 90 % margin of error.
    plan : Plan
        Actions and effects, in the overlay's order.
    laid : Overlay
        Effects over neighbourhoods.
    people : People
        People by neighbourhood.
    question : Question
        With ``stability``, which says what is varied and how far. ``rank_by`` is priority_place_share,
        priority_person_share, people_reached, total or mean; parity:GROUP or mean:GROUP.
    priority : pandas.Series of bool or GeoDataFrame, optional
        Priority neighbourhoods or areas, where they do not come from the question's rule on a column.

    Returns
    -------
    DataFrame
        A row for each benefit and each source that was varied, and "all" of them: action, ledger, effect, varied,
        rank, median_rank, rank_low, rank_high, first_share, first, mean_shift, unranked_share (as of
        :func:`rank_stability`), draws and note. Without rows where nothing that matters is varied.

    Raises
    ------
    UsageError
        A ranking that is not known or not asked for, a plan that is not that of the overlay.

    Notes
    -----
    Weights are multiplied by a uniform factor of 1 ± ``weights``; the threshold moves by up to ± ``thresholds``;
    recipes and distance factors are equally likely, the project's own among them. People are drawn as
    :func:`equity_screen.draws.draw_groups` does, indicators from the normal distribution of their margin, cut off at 0
    (percentages at 100, too) where no value is beyond it. In a draw in which the rule picks nobody, nothing is ranked
    by its share in priority places. Amounts in different units are never ranked together.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.recipe import Priority
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> rule = Priority(column="heat", at_least=29.5)
    >>> asked = Question(priority=rule, stability=Stability(draws=100, thresholds=0.25))
    >>> table = stability(city, plan, laid=overlay(city, plan), people=people_of(city), question=asked)
    >>> table.loc[table["varied"] == "all", ["action", "rank", "first_share"]].values.tolist()
    [['CITY', 2.0, 0.0], ['EAST', 3.0, 0.0], ['LOST', nan, 0.0], ['WEST', 1.0, 1.0]]
    """
    case = _case(hoods, plan, laid=laid, people=people, question=question, priority=priority)
    varied = [(source, frozenset({source})) for source in case.notes]
    if not varied:
        return pd.DataFrame(columns=COLUMNS)
    reference = _scored(case, frozenset())[0]
    every = [*varied, (ALL, frozenset(case.notes))]
    return pd.concat([_table(case, name, reference, _scored(case, some)) for name, some in every], ignore_index=True)


def _table(case: _Case, varied: str, reference: Floats, scores: Floats) -> pd.DataFrame:
    about = case.laid[0].per_person.columns[case.ranked].to_frame(index=False)
    found = rank_stability(scores, names=about.index, reference=reference)
    held = ", ".join(source for source in SOURCES if source not in case.notes)
    together = [*case.notes.values(), *([f"held: {held}"] if held else [])]
    note = "; ".join(together) if varied == ALL else case.notes[varied]
    return about.assign(varied=varied).join(found).assign(draws=len(scores), note=note)[COLUMNS]


def _case(
    hoods: gpd.GeoDataFrame,
    plan: Plan,
    *,
    laid: Overlay,
    people: People,
    question: Question,
    priority: pd.Series | gpd.GeoDataFrame | None,
) -> _Case:
    effects, asked = completed(plan.effects), _asked(question)
    _require(laid, effects, people, question)
    ranked = _ranked(plan, effects, asked)
    given = priority if asked.rank_by == PLACE_SHARE else None
    rule = rule_reads(hoods, question) if asked.rank_by == PLACE_SHARE and priority is None else None
    group = _group(question)
    counts = {False: _published(people, group), True: _drawn_people(hoods, people, group=group, asked=asked)}
    moved = int(effects["reach"].isin(FROM_THE_ACTION).to_numpy()[ranked].sum())
    notes = _notes(counts[True], question, rule=rule, moved=(moved, len(ranked))) if asked.draws else {}
    factors = asked.distances if "distances" in notes else ()
    overlays = [overlay(hoods, _longer(plan, factor), blocks=laid.ground.blocks) for factor in factors]
    draws = _drawn(asked, len(rule.indicators) if rule is not None else 0)
    return _Case(hoods, question, asked, group, counts, (laid, *overlays), ranked, rule, given, draws, notes)


def _ranked(plan: Plan, effects: pd.DataFrame, asked: Stability) -> NDArray[np.intp]:
    """Find the benefits of active actions, which are ranked."""
    active = effects["action"].map(plan.actions["active"]).eq(other=True).to_numpy(dtype=bool)
    ranked = np.flatnonzero(active & (effects["ledger"] == "benefit").to_numpy())
    units = effects["unit"].iloc[ranked].unique()
    if asked.rank_by.partition(":")[0] in OF_ONE_UNIT and len(units) > 1:
        said = ", ".join(sorted(map(str, units)))
        msg = f"rank_by {asked.rank_by!r}: benefits in {said} are not ranked together; rank by a share or by parity"
        raise UsageError(msg)
    return ranked


def _asked(question: Question) -> Stability:
    if question.stability is None:
        msg = "stability is not asked for: give the question a Stability"
        raise UsageError(msg)
    return question.stability


def _group(question: Question) -> str:
    """Group that the ranking is by; "" where it is by none."""
    by, _, group = _asked(question).rank_by.partition(":")
    person = question.priority.people if question.priority is not None else None
    return person or "" if by == PERSON_SHARE else group


def _require(laid: Overlay, effects: pd.DataFrame, people: People, question: Question) -> None:
    by, _, stated = _asked(question).rank_by.partition(":")
    group = _group(question)
    grouped = by in (PERSON_SHARE, "parity") or (by == "mean" and bool(stated))
    known = people.names if grouped else ("",)
    same = laid.per_person.columns.equals(pd.MultiIndex.from_frame(effects[LABELS]))
    faults = {
        f"rank_by {by!r} is no ranking; {did_you_mean(by, SCORES)}": by not in SCORES,
        f"rank_by {_asked(question).rank_by!r} of group {group!r}; {did_you_mean(group, known)}": group not in known,
        "the plan's effects are not those of the overlay, or in another order: lay it over again": not same,
    }
    for fault, there in faults.items():
        if there:
            raise UsageError(fault)


def _notes(drawn: _Counts, question: Question, *, rule: RuleReads | None, moved: tuple[int, int]) -> dict[str, str]:
    """Say of each source that is varied how it is; a source that can change no rank is left out."""
    asked = _asked(question)
    index = rule is not None and bool(rule.indicators)
    weighed = rule is not None and len(rule.indicators) > 1 and rule.rule.column in SCORED
    data = ["people"] if max(part.shape[1] for part in drawn) > 1 else []
    data += rule.margins if rule is not None else ()
    factors = ", ".join(f"{factor:g}" for factor in (1.0, *asked.distances))
    low, high = (f"{1 + sign * asked.weights:g}" for sign in (-1, 1))
    reached = f"in {moved[0]} of {moved[1]} effects; service areas, rasters and travel times held"
    cases = {
        "data": (bool(data), f"{', '.join(data)} drawn within margins of error"),
        "weights": (weighed and asked.weights > 0, f"weights of indicators × {low} to {high}"),
        "thresholds": (_bounded(rule) and asked.thresholds > 0, f"threshold ± {asked.thresholds:g}"),
        "distances": (bool(asked.distances) and moved[0] > 0, f"distances × {factors} {reached}"),
        "recipes": (index and bool(asked.recipes), f"recipes {', '.join([question.index.recipe, *asked.recipes])}"),
    }
    return {source: cases[source][1] for source in SOURCES if cases[source][0]}


def _bounded(rule: RuleReads | None) -> bool:
    return rule is not None and not rule.rule.one_of


def _longer(plan: Plan, factor: float) -> Plan:
    """Multiply every length of the reaches that are measured from their action."""
    effects = completed(plan.effects)
    mine = effects["reach"].isin(FROM_THE_ACTION)
    return Plan(plan.actions, effects.assign(**{n: effects[n].where(~mine, factor * effects[n]) for n in LENGTHS}))


def _drawn(asked: Stability, indicators: int) -> _Draws:
    """Draw each source from a stream of its own, so that asking for one changes no other."""
    weights, shifts, recipes, factors = (np.random.default_rng([asked.seed, k]) for k in range(1, 5))
    return _Draws(
        weights.uniform(1 - asked.weights, 1 + asked.weights, (asked.draws, indicators)),
        shifts.uniform(-asked.thresholds, asked.thresholds, asked.draws),
        recipes.integers(0, 1 + len(asked.recipes), asked.draws, dtype=np.intp),
        factors.integers(0, 1 + len(asked.distances), asked.draws, dtype=np.intp),
    )


def _published(people: People, group: str) -> _Counts:
    population = people.population[:, None]
    if not group:
        return _Counts(population, population, population)
    g = [people.names.index(group)]
    return _Counts(population, people.groups[:, g], people.universes[:, g])


def _drawn_people(hoods: pd.DataFrame, people: People, *, group: str, asked: Stability) -> _Counts:
    """Draw the people, or those of the group, within their margins; one column where they have none."""
    held, margins = _published(people, group), margins_of(hoods, people)
    rng, whole = np.random.default_rng([asked.seed, 0]), np.nan_to_num(margins.population)
    if not group:
        drawn = draw_counts(people.population, whole, draws=asked.draws, rng=rng)
        return held._replace(population=drawn) if whole.any() else held
    g = [people.names.index(group)]
    wide = Margins(whole, np.nan_to_num(margins.groups[:, g]), np.nan_to_num(margins.universes[:, g]))
    if not (wide.groups.any() or wide.universes.any()):
        return held
    alone = People(people.population, held.group, held.universe, (group,), people.known)
    found = draw_groups(alone, wide, draws=asked.draws, rng=rng)
    everyone = bool((held.universe == held.population).all())
    universe = found.universes[:, 0]
    return _Counts(universe if everyone else held.population, found.groups[:, 0], universe)


def _scored(case: _Case, varied: frozenset[str]) -> Floats:
    """Scores of the ranked effects in every draw (draws × effects); in one, where nothing is varied."""
    count = case.asked.draws if varied else 1
    factors = case.draws.factors if "distances" in varied else np.zeros(count, dtype=np.intp)
    people, inside = case.people["data" in varied], _inside(case, varied)
    score = SCORES[case.asked.rank_by.partition(":")[0]]
    scores = np.full((count, len(case.ranked)), np.nan)
    for factor in np.unique(factors):
        mine, laid = np.flatnonzero(factors == factor), case.laid[factor]
        view = _View(laid, people.of(mine), case.people[False], case.group, _places(case, laid, inside, mine))
        found = np.where(laid.unlocated[:, None], np.nan, score(view))
        scores[mine] = found[case.ranked].T
    return scores


def _columns(values: Floats, draws: NDArray[np.intp]) -> Floats:
    return values if values.shape[1] == 1 else np.asarray(values[:, draws])


def _places(case: _Case, laid: Overlay, inside: Floats | None, draws: NDArray[np.intp]) -> Floats | csc_array | None:
    """Priority places as they meet an overlay: neighbourhoods by draw; of areas, the share of each pair."""
    if isinstance(case.given, gpd.GeoDataFrame):
        found = mark_priority(case.hoods, laid, given=None, question=case.question, areas=case.given)[1].effects
        return found if isinstance(found, csc_array) else None
    return None if inside is None else _columns(inside, draws)


def _inside(case: _Case, varied: frozenset[str]) -> Floats | None:
    """Tell priority neighbourhoods in every draw, or in one where nothing moves them; None for areas."""
    if case.rule is None:
        given = case.given
        return _flags(given.reindex(case.hoods.index).fillna(value=False)) if isinstance(given, pd.Series) else None
    if case.rule.rule.one_of:
        return _flags(pick_priority(case.hoods, case.rule.rule))
    asked, recipes = case.asked, [case.question.index.recipe, *case.asked.recipes]
    draws = IndexDraws(
        asked.draws,
        asked.seed if "data" in varied else None,
        case.draws.weights if "weights" in varied else None,
        tuple(recipes[k] for k in case.draws.recipes) if "recipes" in varied else (),
    )
    values = drawn_values(case.hoods, case.question, draws=draws)
    shifts = case.draws.shifts if "thresholds" in varied else np.zeros(1)
    return np.asarray(within_rule(values, case.rule.rule, shifts=shifts), dtype=np.float64)


def _flags(chosen: pd.Series) -> Floats:
    return np.asarray(chosen, dtype=np.float64)[:, None]


class _View(NamedTuple):
    """One overlay with some of the draws, and the people as published."""

    laid: Overlay
    people: _Counts
    published: _Counts
    group: str
    inside: Floats | csc_array | None


def _of_place(view: _View) -> Floats:
    doses, population = view.laid.per_person.matrix, view.people.population
    if isinstance(view.inside, csc_array):
        part = csc_array((doses.data * view.inside.data, doses.indices, doses.indptr), shape=doses.shape)
        return quotient(part.T @ population, doses.T @ population)
    if view.inside is None:
        return np.full((doses.shape[1], 1), np.nan)
    chosen = population * view.inside
    share = quotient(doses.T @ chosen, doses.T @ population)
    return np.where((chosen > 0).any(axis=0), share, np.nan)


def _of_group(view: _View) -> tuple[Floats, Floats]:
    """Sum what the group has of each effect, and what its universe has; whom an uptake names has its own rate."""
    laid, (_, group, universe) = view.laid, view.people
    effects, rate = laid.per_person.matrix, laid.rates_of([view.group])[:, 0]
    if np.isnan(rate).all():
        return np.asarray(effects.T @ group), np.asarray(effects.T @ universe)
    published = People(view.published.population[:, 0], view.published.group, view.published.universe, (view.group,))
    mine, theirs = doses_of(effects, published, own=laid.landed_doses, rate=rate)
    total: Floats = mine.T @ group
    return total, total + theirs.T @ (universe - group)


def _of_person(view: _View) -> Floats:
    return quotient(*_of_group(view))


def _parity(view: _View) -> Floats:
    whole = quotient(view.people.group.sum(axis=0), view.people.universe.sum(axis=0))
    return quotient(_of_person(view), whole)


def _mean(view: _View) -> Floats:
    if not view.group:
        return quotient(_total(view), view.people.population.sum(axis=0))
    return quotient(_of_group(view)[0], view.people.group.sum(axis=0))


def _total(view: _View) -> Floats:
    return np.asarray(view.laid.per_person.matrix.T @ view.people.population)


def _reached(view: _View) -> Floats:
    return np.asarray(view.laid.shares.matrix.T @ view.people.population)


SCORES: Mapping[str, Callable[[_View], Floats]] = MappingProxyType(
    {
        PLACE_SHARE: _of_place,
        PERSON_SHARE: _of_person,
        "parity": _parity,
        "mean": _mean,
        "total": _total,
        "people_reached": _reached,
    }
)

"""The whole pipeline: the file to read first.

Inputs are read and checked (:mod:`equity_screen.inputs`), indicators become a burden score
(:mod:`equity_screen.index`), a rule picks the priority neighbourhoods, every effect is laid over the
neighbourhoods (:mod:`equity_screen.overlay`), and who gets what is one set of sparse products
(:mod:`equity_screen.equity`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from equity_screen.accounts import accounts, coverage_of
from equity_screen.actions import Plan
from equity_screen.atoms import atoms_by_ledger, once_of
from equity_screen.baseline import baseline_means, timeline
from equity_screen.boundaries import Boundary, as_boundary, named_areas
from equity_screen.change import BEFORE_AFTER, baselines, before_after
from equity_screen.compare import Comparison, compare_overlays, not_compared
from equity_screen.crs import require_crs
from equity_screen.effects import completed
from equity_screen.equity import by_effect, by_group, counted_once
from equity_screen.errors import InputError, finding
from equity_screen.footprints import (
    Footprints,
    footprint_table,
    footprints_of,
    priority_places,
    shares_of_actions,
)
from equity_screen.gathered import Progress
from equity_screen.how_sure import certainty_notes, found_with_margins, how_sure, with_probability
from equity_screen.index import load_recipe, pick_priority, score_burden
from equity_screen.inputs import Inputs, gather
from equity_screen.landing import seen_of_rasters
from equity_screen.narrative import sentences_on_people, sentences_on_places, with_baseline, with_reach
from equity_screen.outside import unseen
from equity_screen.overlay import Overlay, overlay
from equity_screen.parts import by_boundary
from equity_screen.people import People, people_of
from equity_screen.priority import GIVEN, mark_priority
from equity_screen.project import Project, ProjectFile, read_project
from equity_screen.protected import protected, protected_missed, protected_neighbourhoods
from equity_screen.reach import QUADRANT_SEGMENTS
from equity_screen.recipe import LEDGERS, PEOPLE, Group, Question
from equity_screen.required import require_asked, require_group, require_tables
from equity_screen.result import Result
from equity_screen.run import Run
from equity_screen.schema import Origin, row_status
from equity_screen.scores import Found, score_actions
from equity_screen.shared_out import groups_worse_off, shared_out, with_costs
from equity_screen.who_is_reached import WhoIsReached, who_is_reached
from equity_screen.words import method_notes

NO_INPUTS = row_status(Origin(), pd.Series(dtype="str"))


def screen_project(project: str | Path | ProjectFile, *, progress: Progress = lambda _: None) -> Result:
    """Screen a project: read, check, align, index, overlay, distribution.

    Parameters
    ----------
    project : str, Path or ProjectFile
        Project file, or one read by :func:`equity_screen.read_project`.
    progress : callable
        Told the name of each step.

    Returns
    -------
    Result
        All tables.

    Raises
    ------
    InputError
        Every refused place of every input at once; nothing has been computed then.

    Examples
    --------
    >>> screen_project("nowhere.toml")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.toml: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    file = project if isinstance(project, ProjectFile) else read_project(project)
    inputs = gather(file, progress=progress)
    progress("burden index")
    neighbourhoods, plan = ready(inputs, file.project)
    progress("overlay and distribution")
    by_points = file.project.apportion == "points"
    inputs = inputs if by_points else inputs._replace(blocks=None)
    return _screened(neighbourhoods, plan, question=file.project.question, inputs=inputs)


def ready(inputs: Inputs, project: Project) -> tuple[gpd.GeoDataFrame, Plan]:
    """Tables of checked inputs with the burden score, on which the priority rule picks somebody.

    Parameters
    ----------
    inputs : Inputs
        What was read.
    project : Project
        The project.

    Returns
    -------
    tuple of (GeoDataFrame, Plan)
        Neighbourhoods with burden_score and burden_percentile, and the plan.

    Raises
    ------
    InputError
        Where the run cannot go on; a project that gets this far runs.

    Examples
    --------
    >>> from equity_screen.project import parse_project
    >>> project = parse_project('''
    ... effects_file = "e.csv"
    ... [neighbourhoods]
    ... file = "z.gpkg"
    ... id = "id"
    ... population = "pop"
    ... [[actions]]
    ... file = "a.gpkg"
    ... ''')
    >>> ready(Inputs(None, None, None, (finding("ES-FILE-MISSING", "z.gpkg"),), pd.DataFrame(), (), True), project)
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      z.gpkg: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    neighbourhoods, plan = usable(inputs, on_bad_row=project.on_bad_row)
    neighbourhoods = score_burden(neighbourhoods, project.question)
    if project.priority is not None and project.priority.layer is None:
        pick_priority(neighbourhoods, project.priority)
    return neighbourhoods, plan


def usable(inputs: Inputs, *, on_bad_row: str) -> tuple[gpd.GeoDataFrame, Plan]:
    """Tables of checked inputs, or all of their faults at once.

    Parameters
    ----------
    inputs : Inputs
        What was read.
    on_bad_row : {"stop", "refuse"}
        Whether refused rows stop the run.

    Returns
    -------
    tuple of (GeoDataFrame, Plan)
        Neighbourhoods and plan.

    Raises
    ------
    InputError
        Where the run cannot go on.

    Examples
    --------
    >>> fault = finding("ES-FILE-MISSING", "zones.gpkg")
    >>> usable(Inputs(None, None, None, (fault,), pd.DataFrame(), (), True), on_bad_row="refuse")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      zones.gpkg: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    stopped = inputs.refused and (inputs.fatal or on_bad_row == "stop")
    if stopped or inputs.neighbourhoods is None or inputs.plan is None:
        raise InputError(inputs.refused)
    if inputs.neighbourhoods.empty:
        raise InputError(
            [
                *inputs.refused,
                finding("ES-FILE-UNUSABLE", "neighbourhoods"),
            ]
        )
    return inputs.neighbourhoods, inputs.plan


def screen(
    neighbourhoods: gpd.GeoDataFrame,
    plan: Plan,
    *,
    priority: pd.Series | gpd.GeoDataFrame | None = None,
    question: Question | None = None,
    blocks: gpd.GeoDataFrame | None = None,
    boundaries: Mapping[str, Boundary | gpd.GeoDataFrame] | None = None,
) -> Result:
    """Screen a plan: who gains, who carries the burden, in both ledgers, for every action.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood.
    plan : Plan
        Actions and effects.
    priority : pandas.Series of bool or GeoDataFrame, optional
        Priority neighbourhoods, on the neighbourhoods' index, or priority areas of their own; instead of the
        question's rule.
    question : Question, optional
        Groups, rankings, indicators, priority rule; groups default to all ``people_`` columns.
    blocks : GeoDataFrame, optional
        Population points.
    boundaries : mapping of str to Boundary or GeoDataFrame, optional
        Layers of named areas that the results are also given by; a GeoDataFrame has the areas' ids as its index,
        and their names in a column ``name`` where it has one.

    Returns
    -------
    Result
        All tables.

    Raises
    ------
    InputError
        A column that the question or an effect needs is missing, an id stands twice, an effect's action
        does not exist.
    UsageError
        Priority people who are no group, boundaries that are none, or a priority that does not speak of every
        neighbourhood.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones, four_actions
    >>> city = four_zones()
    >>> result = screen(city, four_actions(), priority=city["population"] < 250)
    >>> result.scores.loc[["EAST", "WEST"], "benefit_priority_place_share"].round(4).tolist()
    [0.3333, 0.25]
    """
    areas = require_crs(priority, "priority") if isinstance(priority, gpd.GeoDataFrame) else None
    layers = {name: as_boundary(layer, name) for name, layer in (boundaries or {}).items()}
    inputs = Inputs(None, blocks, None, (), NO_INPUTS, (), False, layers, areas)  # noqa: FBT003
    given = None if areas is not None else priority
    return _screened(neighbourhoods, plan, question=question or Question(), inputs=inputs, given=given)


def _screened(
    neighbourhoods: gpd.GeoDataFrame,
    plan: Plan,
    *,
    question: Question,
    inputs: Inputs,
    given: pd.Series | None = None,
) -> Result:
    return _result(_lay(neighbourhoods, plan, question=question, inputs=inputs, given=given))


def _lay(
    neighbourhoods: gpd.GeoDataFrame, plan: Plan, *, question: Question, inputs: Inputs, given: pd.Series | None
) -> Run:
    """Check the tables, put them in order, lay the effects over the neighbourhoods, mark priority."""
    question = _with_groups(question, neighbourhoods)
    require_group(question)
    require_tables(neighbourhoods, plan, question=question)
    require_asked(neighbourhoods, question)
    plan = Plan(plan.actions.sort_index(), _in_order(completed(plan.effects)))
    hoods = neighbourhoods.sort_index()
    blocks = _renumbered(inputs.blocks, neighbourhoods.index, hoods.index)
    people, laid = people_of(hoods, list(question.groups)), overlay(hoods, plan, blocks=blocks)
    atoms = atoms_by_ledger(laid)
    laid = laid._replace(once=once_of(atoms, laid))
    hoods, inside = mark_priority(hoods, laid, given=given, question=question, areas=inputs.priority_areas)
    question = _without_rule(question, given=given is not None or inputs.priority_areas is not None)
    hoods = hoods.assign(**_reached(laid, people))
    return Run(question, plan, hoods, people, laid, atoms, inside, inputs._replace(blocks=blocks))


def _result(run: Run) -> Result:
    question, plan, inputs = run.question, run.plan, run.inputs
    who = _who(run)
    sure = how_sure(run)
    found = _found(run, who, sure.chance)
    whole = _shown(
        run,
        together=counted_once(run.laid, run.people, groups=question.groups, priority=run.inside.once),
        baseline=_baseline(run),
        before_after=with_costs(_before_after(run), run),
    )
    before_after = whole["before_after"]
    sites = _sites(run)
    footprints = _footprints(run, sites)
    scores = score_actions(plan, found, question=question, hoods=run.hoods).assign(**shares_of_actions(sites))
    scores = scores.assign(groups_worse_off=groups_worse_off(before_after).reindex(scores.index))
    sentences = (
        _said_of_people(run, found, whole["together"], who=who)
        if run.people.known
        else sentences_on_places(scores, footprints, question=question)
    )
    ground = scores["footprint_priority_share"]
    shared = shared_out(run, found, before_after=before_after, chance=sure.chance, ground=ground)
    tables = {**_by_area(run), **_compared(run), **shared._asdict(), **sure._asdict()}
    return Result(
        question=question,
        neighbourhoods=protected_neighbourhoods(with_probability(run), question),
        actions=plan.actions,
        reach=run.laid.reach,
        areas=named_areas(inputs.boundaries, inputs.priority_areas),
        scores=scores,
        by_effect=found.by_effect,
        by_group=found.by_group,
        **whole,
        **who.tables,
        **protected(tables, question),
        unseen=unseen(run.laid, run.people, outer=inputs.outer),
        footprints=footprints,
        timeline=timeline(plan.actions),
        ledger=accounts(inputs.status, hoods=run.hoods, actions=plan.actions, currency=question.currency),
        status=inputs.status,
        coverage=_coverage(run),
        inputs=inputs.files,
        methods=_methods(run)
        | certainty_notes(run, sure)
        | ({"pairs of actions": who.pairs_note} if len(who.overlaps) else {}),
        sentences=with_baseline(sentences, whole["baseline"], question=question) if plan.actions.empty else sentences,
    )


def _shown(run: Run, **tables: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Keep small numbers of confidential groups out of tables, before sentences are made of them."""
    return protected(tables, run.question)


def _who(run: Run) -> WhoIsReached:
    who = who_is_reached(run.laid, run.plan, atoms=run.atoms, people=run.people, hoods=run.hoods, question=run.question)
    shown = _shown(run, **who.tables)
    return who._replace(**shown | {"missed": protected_missed(who.missed, run.question)})


def _by_area(run: Run) -> dict[str, pd.DataFrame]:
    effects, groups = run.plan.effects, run.question.groups
    found = by_boundary(run.laid, effects, people=run.people, groups=groups, boundaries=run.inputs.boundaries)
    return {"by_boundary": found.once, "by_boundary_effect": found.effects}


def _said_of_people(run: Run, found: Found, together: pd.DataFrame, *, who: WhoIsReached) -> dict[str, tuple[str, ...]]:
    said = sentences_on_people(run.plan.actions, found, together=together, hoods=run.hoods, question=run.question)
    return with_reach(said, who.times_reached, missed=who.missed, hoods=run.hoods)


def _found(run: Run, who: WhoIsReached, chance: pd.DataFrame) -> Found:
    effects, people = run.plan.effects, run.people
    found = Found(
        by_effect(
            run.laid,
            effects,
            people=people,
            neighbourhoods=run.hoods,
            rankings=run.question.rankings,
            priority=run.inside.effects,
        ),
        by_group(run.laid, effects, people=people, groups=run.question.groups),
        who.only_by,
    )
    found = found_with_margins(run, found, chance=chance)
    return found._replace(**_shown(run, by_group=found.by_group))


def _sites(run: Run) -> Footprints:
    zones = run.laid.ground.zones
    chosen = None
    if run.asked:
        chosen = priority_places(zones, run.hoods["priority"], areas=run.inputs.priority_areas)
    return footprints_of(run.plan.actions, zones, priority=chosen)


def _footprints(run: Run, sites: Footprints) -> pd.DataFrame:
    names = run.hoods["name"] if "name" in run.hoods.columns else run.hoods.index.astype("str")
    zones = gpd.GeoDataFrame({"name": names}, index=run.hoods.index, geometry=run.laid.ground.zones)
    return footprint_table(sites, zones, boundaries=run.inputs.boundaries)


def _baseline(run: Run) -> pd.DataFrame:
    return baseline_means(
        run.hoods,
        run.people,
        indicators=run.question.indicators,
        groups=run.question.groups,
        areas_km2=run.areas_km2,
        priority=run.hoods["priority_share"].to_numpy() if run.asked else None,
    )


def _before_after(run: Run) -> pd.DataFrame:
    question, people = run.question, run.people
    if not people.known:
        return pd.DataFrame(columns=list(BEFORE_AFTER))
    actions = run.plan.actions
    changed = baselines(
        run.laid,
        run.plan.effects,
        neighbourhoods=run.hoods,
        indicators=question.indicators,
        active=list(actions.index[actions["active"].eq(other=True)]),
    )
    tables = [
        before_after(baseline, people, groups=question.groups, epsilons=question.epsilons) for baseline in changed
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(BEFORE_AFTER))


def _compared(run: Run) -> dict[str, pd.DataFrame]:
    """Count the plan by several apportionments, where that is asked for."""
    found = not_compared()
    if run.question.compare_overlays and run.people.known and len(run.plan.effects):
        found = _comparison(run)
    return {"compared": found.summary, "compared_by_group": found.effects}


def _comparison(run: Run) -> Comparison:
    return compare_overlays(run.hoods, run.plan, blocks=run.inputs.blocks, groups=run.question.groups)


def _coverage(run: Run) -> pd.DataFrame:
    areas = None if run.people.known else run.areas_km2
    blocks, effects = run.inputs.blocks, run.plan.effects
    rasters = seen_of_rasters(run.laid.ground.zones, effects, blocks=blocks)
    return coverage_of(run.hoods, run.question, blocks=blocks, areas_km2=areas, rasters=rasters)


def _methods(run: Run) -> dict[str, str]:
    return method_notes(
        run.question,
        by_points=run.inputs.blocks is not None,
        sides=4 * QUADRANT_SEGMENTS,
        recipe=load_recipe(run.question.index.recipe),
        people=run.people.known,
    )


def _without_rule(question: Question, *, given: bool) -> Question:
    """Take the rule on a column out of a question whose priority places were given: nothing may go by it any more."""
    rule = question.priority
    if not given or rule is None or rule.layer is not None:
        return question
    none = {"column": "priority", "at_least": None, "at_most": None, "one_of": (), "layer": GIVEN}
    return question.model_copy(update={"priority": rule.model_copy(update=none)})


def _with_groups(question: Question, neighbourhoods: pd.DataFrame) -> Question:
    if question.groups:
        return question
    names = [str(c).removeprefix(PEOPLE) for c in neighbourhoods.columns if str(c).startswith(PEOPLE)]
    return question.model_copy(
        update={"groups": {n: Group(label=n.replace("_", " "), count=PEOPLE + n) for n in names}}
    )


def _renumbered(blocks: gpd.GeoDataFrame | None, given: pd.Index, ordered: pd.Index) -> gpd.GeoDataFrame | None:
    """Point the population points at the sorted neighbourhoods: they name theirs by position."""
    if blocks is None:
        return None
    zone = ordered.get_indexer(given)[blocks["zone"].to_numpy(dtype=np.intp)]
    return blocks.assign(zone=zone).sort_values("zone", kind="stable", ignore_index=True)


def _in_order(effects: pd.DataFrame) -> pd.DataFrame:
    return effects.sort_values(["action", "ledger", "effect"], kind="stable", ignore_index=True)


def _reached(laid: Overlay, people: People) -> dict[str, np.ndarray]:
    """Share of each neighbourhood's people in reach of an active action, by ledger.

    NaN where nobody lives, and in a ledger in which nothing that has a place was assessed.
    """
    once = pd.DataFrame(laid.once.matrix.toarray(), columns=laid.once.columns)["active actions"]
    counted = {ledger: len(laid.members["active actions", ledger]) > 0 for ledger in LEDGERS}
    return {
        f"{ledger}_reached_share": np.where((people.population > 0) & counted[ledger], once[ledger].to_numpy(), np.nan)
        for ledger in LEDGERS
    }

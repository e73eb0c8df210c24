"""The whole pipeline: the file to read first.

Inputs are read and checked (:mod:`equity_screen.inputs`), indicators become a burden score
(:mod:`equity_screen.index`), a rule picks the priority neighbourhoods, every effect is laid over the
neighbourhoods (:mod:`equity_screen.overlay`), and who gets what is one set of sparse products
(:mod:`equity_screen.equity`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from equity_screen.accounts import accounts, coverage_of
from equity_screen.actions import Plan
from equity_screen.baseline import baseline_means, timeline
from equity_screen.boundaries import Boundary, named_areas
from equity_screen.change import BEFORE_AFTER, baselines, before_after
from equity_screen.equity import by_effect, by_group, counted_once
from equity_screen.errors import Finding, InputError, UsageError, finding
from equity_screen.footprints import (
    Footprints,
    footprint_table,
    footprints_of,
    priority_places,
    shares_of_actions,
)
from equity_screen.gathered import Progress
from equity_screen.index import load_recipe, pick_priority, score_burden
from equity_screen.inputs import Inputs, gather
from equity_screen.overlay import SQUARE_METRES_PER_KM2, Overlay, overlay
from equity_screen.parts import by_boundary
from equity_screen.people import Floats, People, people_of
from equity_screen.priority import mark_priority
from equity_screen.project import Project, ProjectFile, read_project
from equity_screen.reach import QUADRANT_SEGMENTS
from equity_screen.recipe import LEDGERS, PEOPLE, Group, Question
from equity_screen.schema import Origin, row_status
from equity_screen.scores import Found, score_actions, shares_of_people
from equity_screen.text import did_you_mean
from equity_screen.words import (
    WITHOUT_PEOPLE,
    action_sentences,
    baseline_sentences,
    footprint_sentences,
    method_notes,
    place_sentences,
    together_sentences,
)

NO_INPUTS = row_status(Origin(), pd.Series(dtype="str"))


@dataclass(frozen=True, repr=False)
class Result:
    """All results of a screening, as plain tables.

    Attributes
    ----------
    question : Question
        What was asked.
    neighbourhoods : GeoDataFrame
        Table by neighbourhood with priority, priority_share, burden_score, burden_percentile,
        benefit_reached_share and burden_reached_share.
    actions, reach : GeoDataFrame
        Actions; reach polygons of the located effects (WGS 84).
    scores : DataFrame
        One row for each action, both ledgers side by side.
    areas : GeoDataFrame
        Areas of the boundary layers, and priority areas that are a layer of their own (WGS 84).
    by_effect, by_group, together, before_after : DataFrame
        One row for each effect; for each effect and group; for people counted once; for each action
        that changes a baseline indicator.
    by_boundary, by_boundary_effect : DataFrame
        People counted once, and each effect, by the areas of every boundary layer; both add up to the city.
    footprints : DataFrame
        Counts, money, carbon and areas of the actions by sector, decade, neighbourhood and boundary.
    baseline : DataFrame
        Mean of each indicator as it is, by group and by priority place.
    timeline : DataFrame
        The plan by year.
    ledger, status, coverage : DataFrame
        Accounts of rows, people, money and carbon; fate of each input row; what the data could see.
    inputs : tuple of dict
        Input files with their hashes.
    methods : dict of str
        Methods and conventions used, each a sentence.
    sentences : dict of tuple of str
        Plain sentences: ``"summary"`` and each action's id.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> screen(four_zones(), four_actions()).sentences["LOST"][0].startswith("Its place is not known")
    True
    """

    question: Question
    neighbourhoods: gpd.GeoDataFrame
    actions: gpd.GeoDataFrame
    reach: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    scores: pd.DataFrame
    by_effect: pd.DataFrame
    by_group: pd.DataFrame
    together: pd.DataFrame
    by_boundary: pd.DataFrame
    by_boundary_effect: pd.DataFrame
    footprints: pd.DataFrame
    baseline: pd.DataFrame
    before_after: pd.DataFrame
    timeline: pd.DataFrame
    ledger: pd.DataFrame
    status: pd.DataFrame
    coverage: pd.DataFrame
    inputs: tuple[dict[str, object], ...]
    methods: dict[str, str]
    sentences: dict[str, tuple[str, ...]]

    def __repr__(self) -> str:
        """Read as one line: what was screened, not the tables themselves."""
        return (
            f"Result({self.question.title!r}: {len(self.actions)} actions, {len(self.by_effect)} effects, "
            f"{len(self.neighbourhoods)} neighbourhoods, {len(self.question.groups)} groups)"
        )


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
    boundaries: Mapping[str, Boundary] | None = None,
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
    boundaries : mapping of str to Boundary, optional
        Layers of named areas that the results are also given by.

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
        Priority people who are no group, or a priority that does not speak of every neighbourhood.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones, four_actions
    >>> city = four_zones()
    >>> result = screen(city, four_actions(), priority=city["population"] < 250)
    >>> result.scores.loc[["EAST", "WEST"], "benefit_priority_place_share"].round(4).tolist()
    [0.3333, 0.25]
    """
    areas = priority if isinstance(priority, gpd.GeoDataFrame) else None
    inputs = Inputs(None, blocks, None, (), NO_INPUTS, (), False, boundaries or {}, areas)  # noqa: FBT003
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
    question = _with_groups(question, neighbourhoods)
    _require_group(question)
    _require_tables(neighbourhoods, plan, question)
    plan = Plan(plan.actions.sort_index(), _in_order(plan.effects))
    hoods = neighbourhoods.sort_index()
    blocks = _renumbered(inputs.blocks, neighbourhoods.index, hoods.index)
    people, laid = people_of(hoods, list(question.groups)), overlay(hoods, plan, blocks=blocks)
    hoods, inside = mark_priority(hoods, laid, given=given, question=question, areas=inputs.priority_areas)
    hoods = hoods.assign(**_reached(laid, people))
    found = Found(
        by_effect(
            laid,
            plan.effects,
            people=people,
            neighbourhoods=hoods,
            rankings=question.rankings,
            priority=inside.effects,
        ),
        by_group(laid, plan.effects, people=people, groups=question.groups),
    )
    together = counted_once(laid, people, groups=question.groups, priority=inside.once)
    by_area = by_boundary(laid, plan.effects, people=people, groups=question.groups, boundaries=inputs.boundaries)
    sites = _footprints(plan.actions, laid, hoods, asked=inside.effects is not None, areas=inputs.priority_areas)
    footprints = _footprint_table(sites, laid, hoods, inputs.boundaries)
    scores = score_actions(plan, found, question=question, hoods=hoods).assign(**shares_of_actions(sites))
    sentences = (
        _sentences(plan.actions, found, together, hoods=hoods, question=question)
        if people.known
        else _place_sentences(scores, footprints, question)
    )
    baseline = _baseline(hoods, people, laid, question, asked=inside.effects is not None)
    if plan.actions.empty:
        sentences["summary"] += baseline_sentences(baseline, label=_priority_label(question))
    return Result(
        question=question,
        neighbourhoods=hoods,
        actions=plan.actions,
        reach=laid.reach,
        areas=named_areas(inputs.boundaries, inputs.priority_areas),
        scores=scores,
        by_effect=found.by_effect,
        by_group=found.by_group,
        together=together,
        by_boundary=by_area.once,
        by_boundary_effect=by_area.effects,
        footprints=footprints,
        baseline=baseline,
        before_after=_before_after(laid, plan.effects, hoods, people, question),
        timeline=timeline(plan.actions),
        ledger=accounts(inputs.status, hoods=hoods, actions=plan.actions, currency=question.currency),
        status=inputs.status,
        coverage=coverage_of(hoods, question, blocks=blocks, areas_km2=None if people.known else _areas_km2(laid)),
        inputs=inputs.files,
        methods=method_notes(
            question,
            by_points=blocks is not None,
            sides=4 * QUADRANT_SEGMENTS,
            recipe=load_recipe(question.index.recipe),
            people=people.known,
        ),
        sentences=sentences,
    )


def _footprints(
    actions: gpd.GeoDataFrame, laid: Overlay, hoods: gpd.GeoDataFrame, *, asked: bool, areas: gpd.GeoDataFrame | None
) -> Footprints:
    zones = laid.ground.zones
    chosen = priority_places(zones, hoods["priority"], areas) if asked else None
    return footprints_of(actions, zones, priority=chosen)


def _footprint_table(
    sites: Footprints, laid: Overlay, hoods: gpd.GeoDataFrame, boundaries: Mapping[str, Boundary]
) -> pd.DataFrame:
    names = hoods["name"] if "name" in hoods.columns else hoods.index.astype("str")
    zones = gpd.GeoDataFrame({"name": names}, index=hoods.index, geometry=laid.ground.zones)
    return footprint_table(sites, zones, boundaries=boundaries)


def _baseline(hoods: pd.DataFrame, people: People, laid: Overlay, question: Question, *, asked: bool) -> pd.DataFrame:
    return baseline_means(
        hoods,
        people,
        indicators=question.indicators,
        groups=question.groups,
        areas_km2=_areas_km2(laid),
        priority=hoods["priority_share"].to_numpy() if asked else None,
    )


def _areas_km2(laid: Overlay) -> Floats:
    return np.asarray(shapely.area(laid.ground.zones.array) / SQUARE_METRES_PER_KM2)


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


def _require_group(question: Question) -> None:
    people = question.priority.people if question.priority else None
    if people is not None and people not in question.groups:
        msg = f"priority.people = {people!r} is no group; {did_you_mean(people, question.groups)}"
        raise UsageError(msg)


def _require_tables(hoods: pd.DataFrame, plan: Plan, question: Question) -> None:
    """Refuse tables made by hand that lack what the question needs, all faults at once."""
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


def _before_after(
    laid: Overlay, effects: pd.DataFrame, hoods: pd.DataFrame, people: People, question: Question
) -> pd.DataFrame:
    if not people.known:
        return pd.DataFrame(columns=list(BEFORE_AFTER))
    changed = baselines(laid, effects, neighbourhoods=hoods, indicators=question.indicators)
    tables = [
        before_after(baseline, people, groups=question.groups, epsilons=question.epsilons) for baseline in changed
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(BEFORE_AFTER))


def _sentences(
    actions: gpd.GeoDataFrame,
    found: Found,
    together: pd.DataFrame,
    *,
    hoods: pd.DataFrame,
    question: Question,
) -> dict[str, tuple[str, ...]]:
    population = float(hoods["population"].sum())
    share = shares_of_people(hoods, question)["priority_population_share"]
    effects_of = dict(tuple(found.by_effect.groupby(level="action")))
    groups_of = dict(tuple(found.by_group.groupby("action")))
    sentences = {"summary": together_sentences(together)}
    for action, where in actions["where"].items():
        effects = effects_of.get(action, found.by_effect.iloc[:0])
        groups = groups_of.get(action, found.by_group.iloc[:0])
        sentences[str(action)] = action_sentences(
            effects, groups, where=where, question=question, population=population, priority_share=share
        )
    return sentences


def _place_sentences(scores: pd.DataFrame, footprints: pd.DataFrame, question: Question) -> dict[str, tuple[str, ...]]:
    """Say where the actions are, in a run that knows no people."""
    counted = footprint_sentences(footprints.iloc[0].to_dict(), label=_priority_label(question)) if len(scores) else ()
    of_actions = {str(action): place_sentences(row.to_dict(), question) for action, row in scores.iterrows()}
    return {"summary": (WITHOUT_PEOPLE, *counted)} | of_actions


def _priority_label(question: Question) -> str:
    return question.priority.label if question.priority else ""

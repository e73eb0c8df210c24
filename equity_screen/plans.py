"""Actions and effects of a project: every file of them read, and what only shows between them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from equity_screen.actions import Plan, check_actions, no_actions
from equity_screen.aside import choose_rows
from equity_screen.boundaries import Boundary
from equity_screen.catchments import Reader, attach_layers
from equity_screen.effects import check_effects, effects_from_rules
from equity_screen.errors import Finding, finding
from equity_screen.gathered import Gathered, Progress
from equity_screen.kinds import kinds_with
from equity_screen.project import Project
from equity_screen.reaches import FROM_THE_ACTION, OWN_PLACE
from equity_screen.schema import Origin
from equity_screen.sources import ActionsFile


def gather_plan(
    gathered: Gathered,
    project: Project,
    *,
    zones: gpd.GeoDataFrame | None,
    boundaries: Mapping[str, Boundary],
    progress: Progress,
) -> Plan | None:
    """Read and check the actions and effects of a project.

    Parameters
    ----------
    gathered : Gathered
        What has been read so far; findings and fates are kept there.
    project : Project
        The project.
    zones : GeoDataFrame or None
        Neighbourhoods, where they could be read.
    boundaries : mapping of str to Boundary
        Layers of named areas.
    progress : callable
        Told the name of each file.

    Returns
    -------
    Plan or None
        None where a file could not be read; a project without actions has an empty plan.

    Examples
    --------
    >>> from equity_screen.project import parse_project
    >>> project = parse_project('''
    ... [neighbourhoods]
    ... file = "zones.gpkg"
    ... id = "id"
    ... [indicators.heat]
    ... label = "Heat"
    ... unit = "°C"
    ... higher_is = "worse"
    ... column = "heat"
    ... ''')
    >>> plan = gather_plan(Gathered(Path("nowhere")), project, zones=None, boundaries={}, progress=lambda _: None)
    >>> len(plan.actions), len(plan.effects)
    (0, 0)
    """
    actions = _actions(gathered, project, zones, boundaries=boundaries, progress=progress)
    effects = _effects(gathered, project, actions, progress=progress)
    if actions is None or effects is None:
        return None
    with gathered.step():
        places = None if zones is None else zones.index
        here = {"crs": actions.crs, "zones": places, "reader": _reader(gathered)}
        return Plan(actions, attach_layers(effects, actions=actions.index, **here))
    return None


def _reader(gathered: Gathered) -> Reader:
    """Open files of reaches as all others: their hashes, findings and fates are kept."""
    return Reader(gathered.layer, gathered.table, gathered.path, gathered.keep)


def _actions(
    gathered: Gathered,
    project: Project,
    zones: gpd.GeoDataFrame | None,
    *,
    boundaries: Mapping[str, Boundary],
    progress: Progress,
) -> gpd.GeoDataFrame | None:
    if not project.actions:
        return no_actions(None if zones is None else zones.crs)
    tables: list[pd.DataFrame] = []
    for declared in project.actions:
        progress(declared.file)
        with gathered.step():
            tables.append(_one_file(gathered, declared, zones, boundaries=boundaries))
    if len(tables) < len(project.actions):
        return None
    crs = next((t.crs for t in tables if t.crs is not None), None)
    actions = gpd.GeoDataFrame(pd.concat([t.to_crs(crs) if t.crs is not None else t.set_crs(crs) for t in tables]))
    twice = actions.index[actions.index.duplicated()].unique()
    if len(twice):
        gathered.fatal = True
        gathered.findings += [
            finding("ES-ID-TWO-FILES", ", ".join(sorted(set(actions.loc[id_, "source"]))), id=str(id_)) for id_ in twice
        ]
        return None
    return actions.sort_index()


def _one_file(
    gathered: Gathered, declared: ActionsFile, zones: gpd.GeoDataFrame | None, *, boundaries: Mapping[str, Boundary]
) -> pd.DataFrame:
    frame, origin = gathered.table(declared.file, declared.layer)
    places = None if zones is None else zones.geometry
    chosen = choose_rows(frame, declared, origin=origin, zones=places)
    gathered.findings += chosen.findings
    gathered.status.append(chosen.status)
    checked = check_actions(chosen.table, declared, origin=chosen.origin, zones=places, boundaries=boundaries)
    return gathered.keep(checked)


def _effects(
    gathered: Gathered, project: Project, actions: gpd.GeoDataFrame | None, *, progress: Progress
) -> pd.DataFrame | None:
    """Effects of the file and of the rules, in one order; none where the actions could not be read."""
    if not project.actions:
        return check_effects(effects_from_rules((), no_actions(None)), origin=Origin("project"), actions=[]).table
    kinds = kinds_with(project.kinds)
    tables: list[pd.DataFrame] = []
    source = Origin(Path(project.effects_file or "project").name, "row")
    if project.effects_file is not None:
        progress(project.effects_file)
        with gathered.step():
            sheet = "effects" if project.effects_file.lower().endswith(".xlsx") else None
            frame, source = gathered.table(project.effects_file, sheet)
            # Without actions every id is taken for known, so that the other faults are found.
            known = frame.get("action", pd.Series(dtype="str")) if actions is None else actions.index
            tables.append(gathered.keep(check_effects(frame, origin=source, actions=known, kinds=kinds)))
    if project.effects and actions is not None:
        with gathered.step():
            written = effects_from_rules(project.effects, actions)
            rules = check_effects(written, origin=Origin("project"), actions=actions.index, kinds=kinds)
            gathered.findings += rules.findings
            tables.append(rules.table)
    if actions is None or not tables:
        return None
    effects = pd.concat(tables, ignore_index=True)
    effects = effects.sort_values(["action", "ledger", "effect"], kind="stable", ignore_index=True)
    late = _effects_together(effects, actions, source)
    effects = _citywide(effects, actions)
    gathered.findings += late
    gathered.fatal |= any(f.status == "refused" for f in late)
    return effects


def _citywide(effects: pd.DataFrame, actions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Let effects of a citywide action that name a distance reach the whole city, and say so."""
    around = effects["action"].map(actions["where"]).eq("citywide") & effects["reach"].isin(FROM_THE_ACTION)
    lengths = {key: effects[key].mask(around) for key in ("distance_m", "inner_m", "scale_m", "floor_m")}
    words = {"reach": effects["reach"].mask(around, "citywide"), "kernel": effects["kernel"].mask(around, "")}
    return effects.assign(**lengths, **words)


def _effects_together(effects: pd.DataFrame, actions: gpd.GeoDataFrame, source: Origin) -> list[Finding]:
    """Find what only shows beside the actions: an effect given twice, a reach that its action cannot have."""
    shapes = actions.geometry.reindex(effects["action"]).array
    where = effects["action"].map(actions["where"]).to_numpy()
    reach = effects["reach"].to_numpy()
    placed = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    rows = [
        ("ES-EFFECT-TWICE", effects.duplicated(["action", "ledger", "effect"]).to_numpy()),
        ("ES-EFFECT-NO-AREA", placed & (shapely.area(shapes) == 0) & (reach == "footprint")),
        ("ES-EFFECT-NO-PLACE", (where == "unlocated") & ~np.isin(reach, ["footprint", *OWN_PLACE])),
        ("ES-EFFECT-CITYWIDE", (where == "citywide") & np.isin(reach, [*FROM_THE_ACTION])),
    ]
    places = effects[["action", "effect"]].astype("str").to_dict("records")
    return [
        finding(code, source.file, id=places[i]["action"], column="effect", value=places[i]["effect"])
        for code, bad in rows
        for i in np.flatnonzero(bad)
    ]

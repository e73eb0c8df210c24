"""From a project file to checked tables: every fault of every input is found in one pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import pandas as pd

from equity_screen.actions import Plan, check_actions
from equity_screen.align import add_layer_groups, align, check_blocks
from equity_screen.effects import check_effects, effects_from_rules
from equity_screen.errors import Finding, InputError, finding
from equity_screen.files import need_geometry, read_table
from equity_screen.layers import check_neighbourhoods, join_columns
from equity_screen.project import Project, ProjectFile
from equity_screen.recipe import ActionsFile
from equity_screen.schema import Checked, Origin, repeat, row_status, safe_path

Progress = Callable[[str], None]


class Inputs(NamedTuple):
    """Checked inputs of a run; tables are None, and ``fatal`` is True, where a fault is not one of rows."""

    neighbourhoods: gpd.GeoDataFrame | None
    blocks: gpd.GeoDataFrame | None
    plan: Plan | None
    findings: tuple[Finding, ...]
    status: pd.DataFrame
    files: tuple[dict[str, object], ...]
    fatal: bool

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Findings that stop a run unless bad rows are refused."""
        return tuple(f for f in self.findings if f.status == "refused")


class _Gathered:
    """What has been read so far; faults are kept so that the next input is still looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: list[Finding] = []
        self.fatal = False
        self.status: list[pd.DataFrame] = []
        self.files: list[dict[str, object]] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        """Keep the faults of one step instead of stopping at them; the step has no result then."""
        try:
            yield
        except InputError as error:
            self.findings += error.findings
            self.fatal = True

    def path(self, name: str) -> Path:
        """Path of an input, recorded with its hash."""
        path = Path(safe_path(self.folder, name))
        if path.is_file() and name not in {f["file"] for f in self.files}:
            self.files.append({"file": name, "sha256": _sha256(path), "bytes": path.stat().st_size})
        return path

    def table(self, name: str, layer: str | None = None) -> tuple[pd.DataFrame, Origin]:
        """Read one file as it is."""
        return read_table(self.path(name), layer=layer)

    def keep(self, checked: Checked) -> pd.DataFrame:
        """Keep the findings and fates of one input."""
        self.findings += checked.findings
        self.status.append(checked.status)
        return checked.table


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def gather(file: ProjectFile, *, progress: Progress = lambda _: None) -> Inputs:
    """Read and check every input of a project.

    Parameters
    ----------
    file : ProjectFile
        The project and its folder.
    progress : callable
        Told the name of each input before it is read.

    Returns
    -------
    Inputs
        Tables, findings and fates; nothing is raised for a fault in the data.

    Examples
    --------
    >>> from equity_screen.project import parse_project
    >>> project = parse_project('''
    ... effects_file = "effects.csv"
    ... [neighbourhoods]
    ... file = "zones.gpkg"
    ... id = "id"
    ... population = "pop"
    ... [[actions]]
    ... file = "actions.geojson"
    ... ''')
    >>> [f.source for f in gather(ProjectFile(Path("nowhere/project.toml"), project)).refused]
    ['zones.gpkg', 'actions.geojson', 'effects.csv']
    """
    gathered = _Gathered(file.folder)
    project = file.project
    zones = _neighbourhoods(gathered, project, progress)
    blocks = _blocks(gathered, project, zones, progress)
    zones = _layers(gathered, project, zones, blocks, progress)
    actions = _actions(gathered, project, zones, progress)
    effects = _effects(gathered, project, actions, progress)
    plan = None if actions is None or effects is None else Plan(actions, effects)
    status = (
        pd.concat(gathered.status, ignore_index=True)
        if gathered.status
        else row_status(Origin(), pd.Series(dtype="str"))
    )
    return Inputs(zones, blocks, plan, tuple(gathered.findings), status, tuple(gathered.files), gathered.fatal)


def _neighbourhoods(gathered: _Gathered, project: Project, progress: Progress) -> gpd.GeoDataFrame | None:
    declared = project.neighbourhoods
    progress(declared.file)
    with gathered.step():
        frame, origin = gathered.table(declared.file, declared.layer)
        frame = need_geometry(frame, Path(declared.file))
        if declared.table:
            people, people_origin = gathered.table(declared.table)
            on = (declared.id, declared.table_id or declared.id)
            frame = join_columns(frame, people, on=on, origins=(origin, people_origin))
            gathered.status.append(row_status(people_origin, people[on[1]].astype("str")))
        checked = check_neighbourhoods(
            frame,
            declared,
            origin=origin,
            groups=project.groups,
            indicators=project.indicators,
            extra=_extra(project, frame),
        )
        return gpd.GeoDataFrame(gathered.keep(checked))
    return None


def _extra(project: Project, frame: pd.DataFrame) -> list[str]:
    """Columns that rankings, the priority rule and drivers read beside people and indicators."""
    known = {*project.indicators, "burden_score", "burden_percentile", "population"}
    asked = [r.column for r in project.rankings.values()]
    asked += [project.priority.column] if project.priority else []
    named = [c for c in asked if c not in known]
    numeric = [str(c) for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c])]
    return list(dict.fromkeys([*named, *numeric]))


def _blocks(
    gathered: _Gathered, project: Project, zones: gpd.GeoDataFrame | None, progress: Progress
) -> gpd.GeoDataFrame | None:
    if project.blocks is None or zones is None:
        return None
    progress(project.blocks.file)
    with gathered.step():
        frame, origin = gathered.table(project.blocks.file, project.blocks.layer)
        blocks = gathered.keep(check_blocks(frame, project.blocks, origin=origin, zones=zones.geometry))
        peopled = set(blocks.loc[blocks["people"] > 0, "zone"])
        without = [i for i, people in enumerate(zones["population"]) if people > 0 and i not in peopled]
        gathered.findings += [finding("ES-BLOCK-NONE", origin.file, id=str(zones.index[i])) for i in without]
        return gpd.GeoDataFrame(blocks)
    return None


def _layers(
    gathered: _Gathered,
    project: Project,
    zones: gpd.GeoDataFrame | None,
    blocks: gpd.GeoDataFrame | None,
    progress: Progress,
) -> gpd.GeoDataFrame | None:
    """Add indicators from rasters and polygons, and groups from polygons."""
    for name, indicator in project.indicators.items():
        source = indicator.raster or indicator.polygons
        if source is None:
            continue
        progress(source)
        with gathered.step():
            placed_at = str(gathered.path(source))
            placed = indicator.model_copy(update={"raster": placed_at} if indicator.raster else {"polygons": placed_at})
            zones = zones if zones is None else align(zones, **{name: placed})
            gathered.status.append(_whole_file(source))
    for name, group in project.groups.items():
        if group.layer is None:
            continue
        progress(group.layer)
        with gathered.step():
            path = gathered.path(group.layer)
            points = blocks if project.apportion == "points" else None
            zones = zones if zones is None else add_layer_groups(zones, {name: path}, blocks=points)
            gathered.status.append(_whole_file(group.layer))
    return zones


def _whole_file(name: str) -> pd.DataFrame:
    status = row_status(Origin(Path(name).name), pd.Series([""]))
    return status.assign(row="whole file")


def _actions(
    gathered: _Gathered, project: Project, zones: gpd.GeoDataFrame | None, progress: Progress
) -> gpd.GeoDataFrame | None:
    tables: list[pd.DataFrame] = []
    for declared in project.actions:
        progress(declared.file)
        with gathered.step():
            tables.append(_one_action_file(gathered, declared, zones))
    if len(tables) < len(project.actions):
        return None
    crs = next((t.crs for t in tables if t.crs is not None), None)
    actions = gpd.GeoDataFrame(pd.concat([t if t.crs is not None else t.set_crs(crs) for t in tables]))
    twice = actions.index[actions.index.duplicated()].unique()
    if len(twice):
        gathered.fatal = True
        gathered.findings += [
            finding("ES-ID-TWO-FILES", ", ".join(sorted(set(actions.loc[id_, "source"]))), id=str(id_)) for id_ in twice
        ]
        return None
    return actions.sort_index()


def _one_action_file(gathered: _Gathered, declared: ActionsFile, zones: gpd.GeoDataFrame | None) -> pd.DataFrame:
    frame, origin = gathered.table(declared.file, declared.layer)
    return gathered.keep(check_actions(frame, declared, origin=origin, zones=None if zones is None else zones.geometry))


def _effects(
    gathered: _Gathered, project: Project, actions: gpd.GeoDataFrame | None, progress: Progress
) -> pd.DataFrame | None:
    tables: list[pd.DataFrame] = []
    if project.effects_file is not None:
        progress(project.effects_file)
        with gathered.step():
            frame, origin = gathered.table(project.effects_file)
            known = (
                frame["action"].tolist()
                if actions is None and "action" in frame.columns
                else []
                if actions is None
                else actions.index
            )
            tables.append(gathered.keep(check_effects(frame, origin=origin, actions=known)))
    if project.effects and actions is not None:
        with gathered.step():
            rules = check_effects(
                effects_from_rules(project.effects, actions), origin=Origin("project"), actions=actions.index
            )
            gathered.findings += rules.findings
            tables.append(rules.table)
    if actions is None or not tables:
        return None
    effects = pd.concat(tables, ignore_index=True).sort_values(
        ["action", "ledger", "effect"], kind="stable", ignore_index=True
    )
    twice = effects.duplicated(["action", "ledger", "effect"])
    double = finding("ES-EFFECT-TWICE", column="effect")
    gathered.findings += repeat(
        double, twice, origin=Origin("project"), ids=effects["action"], values=effects["effect"]
    )
    return effects

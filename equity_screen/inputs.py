"""From a project file to checked tables: every fault of every input is found in one pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from equity_screen.actions import Plan, check_actions
from equity_screen.align import add_layer_groups, check_blocks, check_layer, rate_means
from equity_screen.crs import WGS84
from equity_screen.effects import check_effects, effects_from_rules
from equity_screen.errors import Finding, InputError, finding
from equity_screen.files import need_geometry, read_table
from equity_screen.joins import Joined, in_table, join_columns
from equity_screen.layers import check_neighbourhoods
from equity_screen.overlay import require_drivers
from equity_screen.project import Project, ProjectFile
from equity_screen.recipe import COVERAGE, ActionsFile, Indicator
from equity_screen.schema import Checked, Origin, note_by_id, row_status, safe_path
from equity_screen.text import did_you_mean
from equity_screen.zonal import raster_means

Progress = Callable[[str], None]
NO_ZONES = gpd.GeoSeries(crs=WGS84)


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
        self.in_both: set[str] = set()

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
        table, origin = read_table(self.path(name), layer=layer)
        next(file for file in self.files if file["file"] == name)["rows"] = len(table)
        return table, origin

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """Read and check one polygon layer."""
        return gpd.GeoDataFrame(self.keep(check_layer(self.path(name))))

    def keep(self, checked: Checked) -> pd.DataFrame:
        """Keep the findings and fates of one input; a fault that is of no row concerns the whole file."""
        self.fatal |= any(f.status == "refused" and not f.row for f in checked.findings)
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
    if zones is not None:
        with gathered.step():
            _require_named(zones, project, effects)
        if effects is not None:
            with gathered.step():
                _refuse_drivers_of_both(gathered, project, effects)
                require_drivers(zones, effects)
    status = (
        pd.concat(gathered.status, ignore_index=True)
        if gathered.status
        else row_status(Origin(), pd.Series(dtype="str"))
    )
    status = note_by_id(status, gathered.findings)
    return Inputs(zones, blocks, plan, tuple(gathered.findings), status, tuple(gathered.files), gathered.fatal)


def _neighbourhoods(gathered: _Gathered, project: Project, progress: Progress) -> gpd.GeoDataFrame | None:
    declared = project.neighbourhoods
    progress(declared.file)
    with gathered.step():
        frame, origin = gathered.table(declared.file, declared.layer)
        frame = need_geometry(frame, Path(declared.file))
        joined, table_origin = _joined(gathered, project, frame, origin)
        checked = check_neighbourhoods(
            frame if joined is None else joined.frame,
            declared,
            origin=origin,
            question=project,
            extra=[str(c) for c in (frame if joined is None else joined.frame).columns if c != frame.geometry.name],
        )
        if joined is None:
            return _some(gathered.keep(checked), origin)
        moved = in_table(checked.findings, joined, origin=table_origin)
        mine = [f for f in [*joined.findings, *moved] if f.source == table_origin.file]
        gathered.status += [checked.status, row_status(table_origin, joined.ids, findings=mine)]
        gathered.findings += [*joined.findings, *moved]
        return _some(checked.table, origin)
    return None


def _some(table: pd.DataFrame, origin: Origin) -> gpd.GeoDataFrame:
    """Give the neighbourhoods that can be used; without any, nothing else can be placed."""
    if table.empty:
        raise InputError([finding("ES-FILE-UNUSABLE", origin.file)])
    return gpd.GeoDataFrame(table)


def _joined(
    gathered: _Gathered, project: Project, frame: gpd.GeoDataFrame, origin: Origin
) -> tuple[Joined | None, Origin]:
    """Neighbourhoods with the columns of their table, where one is declared."""
    declared = project.neighbourhoods
    if declared.table is None:
        return None, origin
    table, table_origin = gathered.table(declared.table)
    on = (declared.id, declared.table_id or declared.id)
    gathered.in_both = (set(frame.columns) & set(table.columns)) - {*on}
    both = gathered.in_both & _read_columns(project)
    if both:
        raise InputError(finding("ES-JOIN-COLUMN", table_origin.file, column=column) for column in sorted(both))
    return join_columns(frame, table, on=on, origins=(origin, table_origin)), table_origin


def _read_columns(project: Project) -> set[str]:
    """Columns of the neighbourhoods that the project names."""
    declared = project.neighbourhoods
    own = {
        declared.name,
        declared.population,
        declared.population_margin,
        declared.households,
        *declared.unpopulated_where,
    }
    groups = {c for g in project.groups.values() for c in (g.count, g.share, g.universe, g.margin)}
    others = {i.column for i in project.indicators.values()} | {r.column for r in project.rankings.values()}
    rule = {project.priority.column} if project.priority else set()
    return {column for column in own | groups | others | rule if column is not None}


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
        place = Path(project.neighbourhoods.file).name
        gathered.findings += [finding("ES-BLOCK-NONE", place, id=str(zones.index[i])) for i in without]
        return gpd.GeoDataFrame(blocks)
    return None


def _layers(
    gathered: _Gathered,
    project: Project,
    zones: gpd.GeoDataFrame | None,
    blocks: gpd.GeoDataFrame | None,
    progress: Progress,
) -> gpd.GeoDataFrame | None:
    """Add indicators from rasters and polygons, and groups from polygons; look at the files in any case."""
    places = NO_ZONES if zones is None else zones.geometry
    points = blocks if project.apportion == "points" else None
    for name, indicator in project.indicators.items():
        with gathered.step():
            values = _indicator_values(gathered, indicator, places, progress)
            if zones is not None and values is not None:
                zones = zones.assign(**{name: values["mean"], COVERAGE + name: values["coverage"]})
    for name, group in project.groups.items():
        if group.layer is not None:
            progress(group.layer)
            with gathered.step():
                layer = gathered.layer(group.layer)
                zones = zones if zones is None else add_layer_groups(zones, {name: layer}, blocks=points)
    return zones


def _indicator_values(
    gathered: _Gathered, indicator: Indicator, places: gpd.GeoSeries, progress: Progress
) -> pd.DataFrame | None:
    """Mean and coverage of an indicator from its layer; none for one that is a column."""
    if indicator.raster is not None:
        progress(indicator.raster)
        path = gathered.path(indicator.raster)
        values = raster_means(path, places, band=indicator.band, nodata=indicator.nodata)
        gathered.status.append(_whole_file(indicator.raster))
        return values
    if indicator.polygons is not None:
        progress(indicator.polygons)
        layer = gathered.layer(indicator.polygons)
        return rate_means(layer, places, rate=str(indicator.rate), missing=indicator.missing)
    return None


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
    actions = gpd.GeoDataFrame(pd.concat([t.to_crs(crs) if t.crs is not None else t.set_crs(crs) for t in tables]))
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
    """Effects of the file and of the rules, in one order; none where the actions could not be read."""
    tables: list[pd.DataFrame] = []
    source = Origin(Path(project.effects_file or "project").name, "row")
    if project.effects_file is not None:
        progress(project.effects_file)
        with gathered.step():
            frame, source = gathered.table(project.effects_file)
            # Without actions every id is taken for known, so that the other faults are found.
            known = frame.get("action", pd.Series(dtype="str")) if actions is None else actions.index
            tables.append(gathered.keep(check_effects(frame, origin=source, actions=known)))
    if project.effects and actions is not None:
        with gathered.step():
            written = effects_from_rules(project.effects, actions)
            rules = check_effects(written, origin=Origin("project"), actions=actions.index)
            gathered.findings += rules.findings
            tables.append(rules.table)
    if actions is None or not tables:
        return None
    effects = pd.concat(tables, ignore_index=True)
    effects = effects.sort_values(["action", "ledger", "effect"], kind="stable", ignore_index=True)
    late = _effects_together(effects, actions, source)
    gathered.findings += late
    gathered.fatal |= any(f.status == "refused" for f in late)
    return effects


def _refuse_drivers_of_both(gathered: _Gathered, project: Project, effects: pd.DataFrame) -> None:
    both = sorted(set(effects["driver"]) & gathered.in_both)
    if both:
        place = Path(str(project.neighbourhoods.table)).name
        raise InputError(finding("ES-JOIN-COLUMN", place, column=column) for column in both)


def _effects_together(effects: pd.DataFrame, actions: gpd.GeoDataFrame, source: Origin) -> list[Finding]:
    """Find what only shows beside the actions: an effect given twice, a reach that its action cannot have."""
    shapes = actions.geometry.reindex(effects["action"]).array
    where = effects["action"].map(actions["where"]).to_numpy()
    reach = effects["reach"].to_numpy()
    placed = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    rows = [
        ("ES-EFFECT-TWICE", effects.duplicated(["action", "ledger", "effect"]).to_numpy()),
        ("ES-EFFECT-NO-AREA", placed & (shapely.area(shapes) == 0) & (reach == "footprint")),
        ("ES-EFFECT-NO-PLACE", (where == "unlocated") & (reach != "footprint")),
        ("ES-EFFECT-CITYWIDE", (where == "citywide") & (reach == "within")),
    ]
    places = effects[["action", "effect"]].astype("str").to_dict("records")
    return [
        finding(code, source.file, id=places[i]["action"], column="effect", value=places[i]["effect"])
        for code, bad in rows
        for i in np.flatnonzero(bad)
    ]


def _require_named(zones: gpd.GeoDataFrame, project: Project, effects: pd.DataFrame | None) -> None:
    """Refuse columns and indicators that the project or the effects name and nothing has."""
    known = [*zones.columns.drop("geometry"), "burden_score", "burden_percentile"]
    named = [("ES-RANKING-COLUMN", f"rankings.{name}.column", r.column) for name, r in project.rankings.items()]
    named += [("ES-PRIORITY-COLUMN", "priority.column", project.priority.column)] if project.priority else []
    faults = [
        finding(code, "project", column=key, value=column, hint=did_you_mean(column, known))
        for code, key, column in named
        if column not in known
    ]
    named_here = set() if effects is None else set(effects["indicator"]) - {"", *project.indicators}
    faults += [
        finding("ES-EFFECT-INDICATOR", "effects", column="indicator", value=i, hint=did_you_mean(i, project.indicators))
        for i in sorted(named_here)
    ]
    if faults:
        raise InputError(faults)

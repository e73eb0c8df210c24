"""From a project file to checked tables: every fault of every input is found in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import pandas as pd
import shapely

from equity_screen.actions import Plan
from equity_screen.align import add_layer_groups, check_blocks, rate_means
from equity_screen.boundaries import Boundary, boundary_of_column, check_boundary
from equity_screen.crs import WGS84, crs_name, recast
from equity_screen.earlier import bring_over
from equity_screen.errors import Finding, InputError, finding
from equity_screen.files import need_geometry
from equity_screen.gathered import Gathered, Progress
from equity_screen.joins import Joined, in_table, join_columns
from equity_screen.layers import check_neighbourhoods
from equity_screen.near import check_points, points_near, share_covered
from equity_screen.outside import check_outer
from equity_screen.overlay import require_drivers
from equity_screen.plans import gather_plan
from equity_screen.project import Project, ProjectFile
from equity_screen.recipe import COVERAGE, Indicator, is_reserved
from equity_screen.required import require_asked, require_named, require_taken_up
from equity_screen.schema import Origin, clean_ids, read_numbers, require_columns, row_status
from equity_screen.sources import BoundaryFile, EarlierTable
from equity_screen.text import did_you_mean
from equity_screen.zonal import raster_means

NO_ZONES = gpd.GeoDataFrame(columns=["population"], geometry=gpd.GeoSeries(crs=WGS84))


class Inputs(NamedTuple):
    """Checked inputs of a run; tables are None, and ``fatal`` is True, where a fault is not one of rows."""

    neighbourhoods: gpd.GeoDataFrame | None
    blocks: gpd.GeoDataFrame | None
    plan: Plan | None
    findings: tuple[Finding, ...]
    status: pd.DataFrame
    files: tuple[dict[str, object], ...]
    fatal: bool
    boundaries: Mapping[str, Boundary] = MappingProxyType({})
    priority_areas: gpd.GeoDataFrame | None = None
    outer: gpd.GeoDataFrame | None = None

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Findings that stop a run unless bad rows are refused."""
        return tuple(f for f in self.findings if f.status == "refused")


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
    gathered, project = Gathered(file.folder), file.project
    zones = _neighbourhoods(gathered, project, progress)
    boundaries = _boundaries(gathered, project, zones, progress)
    priority_areas = _priority_areas(gathered, project, zones, progress)
    blocks = _blocks(gathered, project, zones, progress)
    outer = _outer(gathered, project, zones, progress)
    zones = _layers(gathered, project, zones, blocks, progress)
    plan = gather_plan(gathered, project, zones=zones, boundaries=boundaries, progress=progress)
    if zones is not None:
        _require_all(gathered, project, zones, None if plan is None else plan.effects)
    notes = tuple(gathered.findings), gathered.fates(), tuple(gathered.files), gathered.fatal
    return Inputs(zones, blocks, plan, *notes, boundaries, priority_areas, outer)


def _require_all(gathered: Gathered, project: Project, zones: gpd.GeoDataFrame, effects: pd.DataFrame | None) -> None:
    with gathered.step():
        require_named(zones, project, effects=effects)
    with gathered.step():
        require_asked(zones, project)
    if effects is not None:
        with gathered.step():
            source = Path(project.effects_file or "project").name
            require_taken_up(zones, effects, question=project, source=source)
        with gathered.step():
            _refuse_drivers_of_both(gathered, project, effects)
            require_drivers(zones, effects)


def _neighbourhoods(gathered: Gathered, project: Project, progress: Progress) -> gpd.GeoDataFrame | None:
    declared = project.neighbourhoods
    progress(declared.file)
    with gathered.step():
        frame, origin = gathered.table(declared.file, declared.layer)
        frame = need_geometry(frame, Path(declared.file))
        joined, table_origin = _joined(gathered, project, frame, origin)
        if joined is not None:
            _note_unmatched(gathered, joined, frame[declared.id], origin)
            frame, origin = joined.matched(origin)
        for earlier in project.earlier:
            progress(f"{earlier.file}, {earlier.crosswalk}")
            frame = _with_earlier(gathered, earlier, project, frame=frame, origin=origin)
        extra = [str(c) for c in frame.columns if c != frame.geometry.name]
        codes = {b.column for b in project.boundaries.values() if b.column is not None}
        checked = check_neighbourhoods(frame, declared, origin=origin, question=project, extra=extra, as_written=codes)
        if joined is None:
            return _some(gathered.keep(checked), origin)
        moved = in_table(checked.findings, joined, origin=table_origin)
        mine = [f for f in [*joined.findings, *moved] if f.source == table_origin.file]
        brought = _people_of_table(joined, project, table_origin)
        gathered.status += [checked.status, row_status(table_origin, joined.ids, findings=mine, amounts=brought)]
        gathered.findings += [*joined.findings, *moved]
        return _some(checked.table, origin)
    return None


def _note_unmatched(gathered: Gathered, joined: Joined, raw: pd.Series, origin: Origin) -> None:
    """Keep the fates of the neighbourhoods that the table lacks; the others are checked and noted later."""
    ids = clean_ids(raw, origin)[0]
    status = row_status(origin, ids, findings=joined.findings_of_frame)
    gathered.status.append(status.drop(index=joined.kept))
    gathered.findings += joined.findings_of_frame


def _people_of_table(joined: Joined, project: Project, origin: Origin) -> dict[str, pd.Series]:
    """Give the people that a table's rows bring, also those that no neighbourhood bears: the ledger adds them up."""
    column = project.neighbourhoods.population
    if column not in joined.added or joined.table is None:
        return {}
    return {"people": read_numbers(joined.table[column], origin, ids=joined.ids)[0]}


def _with_earlier(
    gathered: Gathered, declared: EarlierTable, project: Project, *, frame: gpd.GeoDataFrame, origin: Origin
) -> gpd.GeoDataFrame:
    """Add the columns of a table on other zones, brought over by its crosswalk."""
    (table, first), (crosswalk, second) = (gathered.table(name) for name in (declared.file, declared.crosswalk))
    digits = project.neighbourhoods.id_digits
    require_columns(frame, [project.neighbourhoods.id], origin=origin)
    ids = clean_ids(frame[project.neighbourhoods.id], origin, digits=digits)[0]
    origins = (first, second, origin)
    earlier = bring_over(table, crosswalk, declared=declared, ids=pd.Index(ids), origins=origins, digits=digits)
    gathered.findings += earlier.findings
    gathered.status += earlier.status
    both = sorted(set(frame.columns) & set(earlier.columns.columns))
    if both:
        raise InputError(finding("ES-JOIN-COLUMN", first.file, column=column) for column in both)
    return frame.assign(**{str(c): earlier.columns[c].to_numpy() for c in earlier.columns})


def _some(table: pd.DataFrame, origin: Origin) -> gpd.GeoDataFrame:
    """Give the neighbourhoods that can be used; without any, nothing else can be placed."""
    if table.empty:
        raise InputError([finding("ES-FILE-UNUSABLE", origin.file)])
    return gpd.GeoDataFrame(table)


def _joined(
    gathered: Gathered, project: Project, frame: gpd.GeoDataFrame, origin: Origin
) -> tuple[Joined | None, Origin]:
    """Neighbourhoods with the columns of their table, where one is declared."""
    declared = project.neighbourhoods
    if declared.table is None:
        return None, origin
    table, table_origin = gathered.table(declared.table, declared.table_layer)
    on = (declared.id, declared.table_id or declared.id)
    gathered.in_both = (set(frame.columns) & set(table.columns)) - {*on}
    both = gathered.in_both & _read_columns(project)
    if both:
        raise InputError(finding("ES-JOIN-COLUMN", table_origin.file, column=column) for column in sorted(both))
    joined = join_columns(
        frame,
        table,
        on=on,
        origins=(origin, table_origin),
        digits=declared.id_digits,
        unmatched=declared.unmatched,
    )
    return joined, table_origin


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
    others = {c for i in project.indicators.values() for c in (i.column, i.margin)}
    others |= {r.column for r in project.rankings.values()} | {project.siting.within}
    rule = {project.priority.column} if project.priority else set()
    areas = {b.column for b in project.boundaries.values()}
    return {column for column in own | groups | others | rule | areas if column is not None}


def _boundaries(
    gathered: Gathered, project: Project, zones: gpd.GeoDataFrame | None, progress: Progress
) -> dict[str, Boundary]:
    """Read the layers of named areas; one that cannot be read is left out, its faults kept."""
    found = {}
    for name, declared in project.boundaries.items():
        with gathered.step():
            if declared.file is not None:
                progress(declared.file)
                found[name] = _boundary_file(gathered, declared, declared.file, zones=zones)
            elif zones is not None:
                found[name] = _boundary_column(gathered, project, zones, declared)
    return found


def _boundary_file(
    gathered: Gathered, declared: BoundaryFile, file: str, *, zones: gpd.GeoDataFrame | None
) -> Boundary:
    frame, origin = gathered.table(file, declared.layer)
    checked = check_boundary(need_geometry(frame, Path(file)), declared, origin=origin)
    return Boundary(declared.label, _here(gpd.GeoDataFrame(gathered.keep(checked)), zones, origin.file))


def _boundary_column(gathered: Gathered, project: Project, zones: gpd.GeoDataFrame, declared: BoundaryFile) -> Boundary:
    column, source = str(declared.column), Path(project.neighbourhoods.table or project.neighbourhoods.file).name
    of = project.neighbourhoods
    if is_reserved(column) and column not in {of.name, of.population, of.households}:
        raise InputError([finding("ES-COLUMN-AMBIGUOUS", source, column=column)])
    # The names of the neighbourhoods bear our name by now.
    column = "name" if column == of.name else column
    if column not in zones.columns:
        hint = did_you_mean(column, zones.columns.drop("geometry"))
        raise InputError([finding("ES-COLUMN-MISSING", source, column=column, hint=hint)])
    boundary, findings = boundary_of_column(zones, column, label=declared.label, source=source)
    gathered.findings += findings
    return boundary


def _here(layer: gpd.GeoDataFrame, zones: gpd.GeoDataFrame | None, file: str) -> gpd.GeoDataFrame:
    """Refuse a layer of which nothing meets a neighbourhood: its CRS is another, or it is another city's."""
    if zones is not None and len(zones) and len(layer):
        places = shapely.STRtree(zones.geometry.array.to_numpy())
        if not places.query(recast(layer.geometry, zones.crs).array.to_numpy(), predicate="intersects").size:
            raise InputError([finding("ES-LAYER-ELSEWHERE", file, crs=crs_name(layer.crs))])
    return layer


def _priority_areas(
    gathered: Gathered, project: Project, zones: gpd.GeoDataFrame | None, progress: Progress
) -> gpd.GeoDataFrame | None:
    file = project.priority.layer if project.priority else None
    if file is None:
        return None
    progress(file)
    with gathered.step():
        return _west_to_east(_here(gathered.layer(file), zones, Path(file).name))
    return None


def _west_to_east(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put areas without ids into an order that is not that of the file."""
    shapes = shapely.normalize(layer.geometry.array.to_numpy())
    keys = pd.DataFrame(shapely.bounds(shapes)).assign(wkb=shapely.to_wkb(shapes, hex=True))
    return gpd.GeoDataFrame(layer.iloc[keys.sort_values(list(keys)).index].reset_index(drop=True))


def _blocks(
    gathered: Gathered, project: Project, zones: gpd.GeoDataFrame | None, progress: Progress
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


def _outer(
    gathered: Gathered, project: Project, zones: gpd.GeoDataFrame | None, progress: Progress
) -> gpd.GeoDataFrame | None:
    declared = project.outer
    if declared is None or zones is None:
        return None
    progress(declared.file)
    with gathered.step():
        frame, origin = gathered.table(declared.file, declared.layer)
        checked = check_outer(frame, declared, origin=origin, zones=zones.geometry, groups=project.groups)
        return gpd.GeoDataFrame(gathered.keep(checked))
    return None


def _layers(
    gathered: Gathered,
    project: Project,
    zones: gpd.GeoDataFrame | None,
    blocks: gpd.GeoDataFrame | None,
    progress: Progress,
) -> gpd.GeoDataFrame | None:
    """Add indicators from rasters and polygons, and groups from polygons; look at the files in any case."""
    places = NO_ZONES if zones is None else zones
    points = blocks if project.apportion == "points" else None
    for name, indicator in project.indicators.items():
        with gathered.step():
            values = _indicator_values(gathered, indicator, places, points, progress)
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
    gathered: Gathered,
    indicator: Indicator,
    places: gpd.GeoDataFrame,
    blocks: gpd.GeoDataFrame | None,
    progress: Progress,
) -> pd.DataFrame | None:
    """Mean and coverage of an indicator from its layer; none for one that is a column."""
    if indicator.layer is None:
        return None
    progress(indicator.layer)
    if indicator.raster is not None:
        path = gathered.path(indicator.raster)
        values = raster_means(path, places.geometry, band=indicator.band, nodata=indicator.nodata)
        gathered.status.append(_whole_file(indicator.raster))
        return values
    if indicator.points is not None:
        frame, origin = gathered.table(indicator.points)
        points = gathered.keep(check_points(frame, indicator, origin=origin, zones=places.geometry))
        return points_near(
            gpd.GeoDataFrame(points), places, distance_m=float(indicator.distance_m or 0.0), blocks=blocks
        )
    layer = gathered.layer(indicator.layer, indicator.crs)
    if indicator.covered_by is not None:
        return share_covered(_here(layer, places, Path(indicator.layer).name), places, blocks=blocks)
    return rate_means(layer, places.geometry, rate=str(indicator.rate), missing=indicator.missing)


def _whole_file(name: str) -> pd.DataFrame:
    status = row_status(Origin(Path(name).name), pd.Series([""]))
    return status.assign(row="whole file")


def _refuse_drivers_of_both(gathered: Gathered, project: Project, effects: pd.DataFrame) -> None:
    both = sorted(set(effects["driver"]) & gathered.in_both)
    if both:
        place = Path(str(project.neighbourhoods.table)).name
        raise InputError(finding("ES-JOIN-COLUMN", place, column=column) for column in both)

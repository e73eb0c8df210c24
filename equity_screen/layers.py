"""Vector files and tables in, checked tables out; every input row keeps its fate."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from equity_screen.crs import FARTHEST_EAST, FARTHEST_NORTH, crs_name, require_crs
from equity_screen.errors import EquityScreenWarning, Finding, InputError, finding
from equity_screen.files import need_geometry, read_table
from equity_screen.joins import join_columns
from equity_screen.polygons import area_zero, check_polygons
from equity_screen.recipe import MARGIN, PEOPLE, UNIVERSE, Group, Indicator, Question, is_reserved
from equity_screen.schema import (
    Checked,
    Origin,
    check_counts,
    clean_ids,
    read_numbers,
    refused_rows,
    repeat,
    require_columns,
    row_status,
)
from equity_screen.sources import NeighbourhoodsFile

PERCENT = 100.0


def points_from_columns(table: pd.DataFrame, *, x: str, y: str, origin: Origin) -> tuple[gpd.GeoSeries, list[Finding]]:
    """Make points of two columns; a row without coordinates gets no geometry.

    Parameters
    ----------
    table : DataFrame
        Table as read.
    x, y : str
        Columns with easting and northing, or longitude and latitude.
    origin : Origin
        File of the table.

    Returns
    -------
    points : GeoSeries
        Points without a CRS, on the same index.
    findings : list of Finding
        Words among the numbers.

    Examples
    --------
    >>> table = pd.DataFrame({"x": ["12.5", ""], "y": ["55.7", ""]})
    >>> [str(p) for p in points_from_columns(table, x="x", y="y", origin=Origin())[0]]
    ['POINT (12.5 55.7)', 'None']
    """
    require_columns(table, [x, y], origin=origin)
    ids = pd.Series("", index=table.index)
    (east, first), (north, second) = (read_numbers(table[c], origin, ids=ids) for c in (x, y))
    known = (east.notna() & north.notna()).to_numpy()
    points = np.full(len(table), None, dtype=object)
    points[known] = shapely.points(east[known], north[known])
    return gpd.GeoSeries(points, index=table.index), first + second


@dataclass(frozen=True, slots=True)
class _Rows:
    """A table being checked: columns come out as numbers together with what was found."""

    table: pd.DataFrame
    origin: Origin
    ids: pd.Series

    def numbers(self, column: str, missing: tuple[float, ...] = ()) -> tuple[pd.Series, list[Finding]]:
        return read_numbers(self.table[column], self.origin, ids=self.ids, missing=missing)

    def findings(self, bad: pd.Series | NDArray[np.bool_], template: Finding) -> list[Finding]:
        return repeat(template, bad, origin=self.origin, ids=self.ids)


def check_neighbourhoods(
    frame: gpd.GeoDataFrame,
    declared: NeighbourhoodsFile,
    *,
    origin: Origin,
    question: Question | None = None,
    extra: Iterable[str] = (),
    as_written: Collection[str] = (),
) -> Checked:
    """Check a neighbourhoods layer and give it the package's columns.

    Parameters
    ----------
    frame : GeoDataFrame
        Layer as read, its columns joined.
    declared : NeighbourhoodsFile
        What the columns mean.
    origin : Origin
        File of the layer.
    question : Question, optional
        Groups, indicators, rankings and priority rule, whose columns are taken; groups and indicators of
        other layers are left to :func:`equity_screen.align`.
    extra : iterable of str
        Further columns to keep, numbers where every cell is one.
    as_written : collection of str
        Those of them to keep as they are, such as codes of districts, of which 01 and 1 are two.

    Returns
    -------
    Checked
        Table sorted by id, without the refused rows; findings; fate of each row.

    Examples
    --------
    >>> box = shapely.box(560000, 6200000, 561000, 6201000)
    >>> square = gpd.GeoDataFrame({"id": ["A"], "pop": [100]}, geometry=[box], crs=25832)
    >>> declared = NeighbourhoodsFile(file="a.gpkg", id="id", population="pop")
    >>> checked = check_neighbourhoods(square, declared, origin=Origin("a.gpkg"))
    >>> checked.table[["name", "population"]].values.tolist()
    [['A', 100.0]]
    """
    frame = require_crs(frame, origin.file, declared=declared.crs)
    _refuse_degrees(frame, origin)
    question = question or Question()
    taken = {name: i for name, i in question.indicators.items() if i.column is not None}
    counted = {name: g for name, g in question.groups.items() if g.layer is None}
    require_columns(frame, _columns_of(declared, counted, taken), origin=origin)
    ids, findings = clean_ids(frame[declared.id], origin, digits=declared.id_digits)
    rows = _Rows(frame, origin, ids)
    geometry, about_geometry = check_polygons(frame.geometry, rows.origin, ids=ids)
    columns, about_people = _people_columns(rows, declared, counted)
    read, about_indicators = _number_columns(rows, {str(i.column): i.missing for i in taken.values()})
    measured = {name: read[str(i.column)] for name, i in taken.items()}
    margins, about_margins = _margins_of_indicators(rows, taken)
    measured |= margins
    findings += about_geometry + about_people + about_indicators + about_margins
    collapsed = area_zero(geometry) | _emptied(rows, geometry, about_geometry)
    findings += rows.findings(collapsed & (columns["population"] > 0), _AREA_ZERO)
    names = frame[declared.name].astype("str") if declared.name else ids
    ranked, about_rankings = _number_columns(
        rows, {c: m for c, m in _asked_columns(question).items() if c in frame.columns}
    )
    findings += about_rankings + _ambiguous(frame, declared, question, origin)
    extra = [c for c in extra if c != declared.name]
    rule = question.priority.column if question.priority is not None and question.priority.one_of else None
    taken_names = {*columns, *measured, *ranked}
    kept, about_names = _extras(frame, extra, taken_names, as_written={*as_written, rule}, origin=origin)
    findings += about_names
    table = gpd.GeoDataFrame({"name": names, **columns, **measured, **ranked, **kept}, geometry=geometry, crs=frame.crs)
    return finish(table, ids, findings=findings, origin=origin, index="neighbourhood", amounts=["population"])


def _extras(
    frame: gpd.GeoDataFrame,
    extra: Iterable[str],
    taken: set[str],
    *,
    as_written: Collection[str | None],
    origin: Origin,
) -> tuple[dict[str, pd.Series], list[Finding]]:
    """Keep further columns of the file; those that would be taken for one of ours are left out and named."""
    seen = {name.casefold() for name in taken}
    kept: dict[str, pd.Series] = {}
    findings: list[Finding] = []
    for column in (c for c in extra if c in frame.columns and c not in taken):
        if is_reserved(column) or column.casefold() in seen:
            ours = finding("ES-COLUMN-OURS", origin.file, column=column)
            meant = column.casefold() == "households" and "households" not in taken
            findings.append(replace(ours, mend=f'name it: households = "{column}"') if meant else ours)
        else:
            kept[column] = frame[column] if column in as_written else _plain(frame[column])
            seen.add(column.casefold())
    return kept, findings


def _ambiguous(
    frame: gpd.GeoDataFrame, declared: NeighbourhoodsFile, question: Question, origin: Origin
) -> list[Finding]:
    """Refuse a ranking or rule on a column that is in the file and that this package makes, too."""
    named = [r.column for r in question.rankings.values()]
    named += [question.priority.column] if question.priority is not None and question.priority.layer is None else []
    own = {declared.population, declared.households, declared.name}
    return [
        finding("ES-COLUMN-AMBIGUOUS", origin.file, column=column)
        for column in dict.fromkeys(named)
        if column in frame.columns and is_reserved(column) and column not in own
    ]


def _refuse_degrees(frame: gpd.GeoDataFrame, origin: Origin) -> None:
    """Refuse a projected layer whose coordinates are all within the range of degrees."""
    west, south, east, north = frame.total_bounds
    inside = max(abs(west), abs(east)) <= FARTHEST_EAST and max(abs(south), abs(north)) <= FARTHEST_NORTH
    if frame.crs.is_projected and inside and frame.crs.axis_info[0].unit_name != "kilometre":
        place = f"({west:.10g}, {south:.10g})"
        raise InputError([finding("ES-CRS-DEGREES", origin.file, column="CRS", value=place, crs=crs_name(frame.crs))])


_AREA_ZERO = finding("ES-GEOM-AREA-ZERO")


def _emptied(rows: _Rows, geometry: gpd.GeoSeries, findings: Sequence[Finding]) -> NDArray[np.bool_]:
    """Tell which polygons the repair left without any area."""
    repaired = {f.row for f in findings if f.status == "repaired"}
    mended = np.array([rows.origin.row(i) in repaired for i in range(len(geometry))], dtype=bool)
    return np.asarray(mended & geometry.is_empty.to_numpy(dtype=bool))


def finish(
    table: pd.DataFrame,
    ids: pd.Series,
    *,
    findings: list[Finding],
    origin: Origin,
    index: str,
    amounts: Sequence[str] = (),
) -> Checked:
    """Close a check: fates by row, refused rows out, rows in the order of their ids.

    Parameters
    ----------
    table : DataFrame
        Checked columns in file order.
    ids : pandas.Series of str
        Ids in file order.
    findings : list of Finding
        All that was found.
    origin : Origin
        File of the table.
    index : str
        Name of the index.
    amounts : sequence of str
        Columns that the ledger adds up; population is its people.

    Returns
    -------
    Checked
        Table, findings and fates.

    Examples
    --------
    >>> checked = finish(pd.DataFrame({"x": [1, 2]}), pd.Series(["B", "A"]), findings=[], origin=Origin(), index="id")
    >>> checked.table["x"].tolist()
    [2, 1]
    """
    brought = {"people" if name == "population" else name: table[name] for name in amounts}
    status = row_status(origin, ids, findings=findings, amounts=brought)
    kept = ~refused_rows(status)
    table = table[kept].set_axis(pd.Index(ids[kept].astype("str"), name=index)).sort_index()
    return Checked(table, tuple(findings), status)


def _columns_of(
    declared: NeighbourhoodsFile, groups: Mapping[str, Group], indicators: Mapping[str, Indicator]
) -> list[str | None]:
    own = [declared.id, declared.name, declared.population, declared.population_margin, declared.households]
    of_groups = [c for g in groups.values() for c in (g.count, g.share, g.universe, g.margin)]
    of_indicators = [c for i in indicators.values() for c in (i.column, i.margin)]
    return [*own, *declared.unpopulated_where, *of_groups, *of_indicators]


def _number_columns(
    rows: _Rows, columns: Mapping[str, tuple[float, ...]]
) -> tuple[dict[str, pd.Series], list[Finding]]:
    """Read columns as numbers, each with its missing codes."""
    read = {column: rows.numbers(column, missing) for column, missing in columns.items()}
    return {c: numbers for c, (numbers, _) in read.items()}, [f for _, found in read.values() for f in found]


def _margins_of_indicators(
    rows: _Rows, indicators: Mapping[str, Indicator]
) -> tuple[dict[str, pd.Series], list[Finding]]:
    """Read the margins of error of the indicators that have any."""
    asked = {MARGIN + name: i for name, i in indicators.items() if i.margin is not None}
    read = {name: rows.numbers(str(i.margin), i.missing) for name, i in asked.items()}
    columns = {name: numbers for name, (numbers, _) in read.items()}
    below = [f for numbers in columns.values() for f in check_counts(numbers, rows.origin, ids=rows.ids)]
    return columns, [f for _, found in read.values() for f in found] + below


def _asked_columns(question: Question) -> dict[str, tuple[float, ...]]:
    """Columns that must be numbers because a ranking or the priority rule reads them → missing codes."""
    made = {*question.indicators, "burden_score", "burden_percentile", "population"}
    asked = {r.column: r.missing for r in question.rankings.values()}
    if question.priority is not None and not question.priority.one_of and question.priority.layer is None:
        asked.setdefault(question.priority.column, ())
    return {column: missing for column, missing in asked.items() if column not in made}


def _plain(column: pd.Series) -> pd.Series:
    """Give numbers where every cell of a text column is one or blank, else the column as it is."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    cells = column.astype("object").where(column.notna(), "").astype("str").str.strip()
    numbers = pd.to_numeric(cells.where(cells != "", None), errors="coerce")
    return numbers if numbers.notna().any() and numbers.notna().eq(cells != "").all() else column


def _people_columns(
    rows: _Rows, declared: NeighbourhoodsFile, groups: Mapping[str, Group]
) -> tuple[dict[str, pd.Series], list[Finding]]:
    if declared.population is None:
        return {"population": pd.Series(np.nan, index=rows.table.index)}, []
    raw, findings = rows.numbers(declared.population)
    findings += check_counts(raw, rows.origin, ids=rows.ids)
    refused = {f.row for f in findings if f.status == "refused"}
    faulty = pd.Series([rows.origin.row(i) in refused for i in range(len(raw))], index=raw.index)
    population, found = _missing_people(rows, declared, raw, faulty=faulty)
    columns = {"population": population}
    for name, column in (
        ("households", declared.households),
        (MARGIN + "population", declared.population_margin),
    ):
        if column:
            numbers, more = rows.numbers(column)
            columns[name] = numbers.where(population > 0, numbers.fillna(0.0))
            found = [*found, *more, *check_counts(columns[name], rows.origin, ids=rows.ids)]
    excluded = raw.isna() & (declared.population_missing == "exclude")
    for name, group in groups.items():
        more_columns, more = _group_columns(rows, name, group, population=population.mask(excluded))
        columns |= more_columns
        found = found + more
    return columns, findings + found


def _missing_people(
    rows: _Rows, declared: NeighbourhoodsFile, raw: pd.Series, *, faulty: pd.Series
) -> tuple[pd.Series, list[Finding]]:
    missing = raw.isna() & ~faulty
    unpopulated = missing & _unpopulated(rows, declared)
    excluded = missing & ~unpopulated & (declared.population_missing == "exclude")
    findings = rows.findings(unpopulated, _UNPOPULATED) + rows.findings(excluded, _EXCLUDED)
    absent = finding("ES-POP-MISSING", column=str(declared.population))
    findings += rows.findings(missing & ~unpopulated & ~excluded, absent)
    return raw.mask(unpopulated | excluded, 0.0), findings


_UNPOPULATED = finding("ES-POP-UNPOPULATED")
_EXCLUDED = finding("ES-POP-EXCLUDED", column="population")


def _unpopulated(rows: _Rows, declared: NeighbourhoodsFile) -> pd.Series:
    """Tell where nobody lives by declaration: by the rules where there are some, else wherever it is allowed."""
    rules = [rows.table[c].astype("str").isin(values) for c, values in declared.unpopulated_where.items()]
    if rules:
        return pd.concat(rules, axis=1).any(axis=1)
    return pd.Series(data=declared.population_missing == "unpopulated", index=rows.table.index)


def _group_columns(
    rows: _Rows, name: str, group: Group, *, population: pd.Series
) -> tuple[dict[str, pd.Series], list[Finding]]:
    people, universe, findings = _counted(rows, group, population)
    empty = population == 0
    people, universe = people.mask(empty & people.isna(), 0.0), universe.mask(empty, 0.0)
    # Where the people are not known, a count of some of them has nothing to be a part of.
    missing = people.isna() | universe.isna() | population.isna()
    findings += rows.findings(missing & population.notna(), _group_missing(name, group))
    people, universe = people.mask(missing, 0.0), universe.mask(missing, 0.0)
    findings += check_counts(people.rename(group.count or group.share), rows.origin, ids=rows.ids, total=universe)
    columns = {PEOPLE + name: people}
    if not universe.equals(population.fillna(0.0)):
        columns[UNIVERSE + name] = universe
    if group.margin:
        margin, more = rows.numbers(group.margin)
        columns[MARGIN + name] = margin.where(population > 0, margin.fillna(0.0))
        findings += more + check_counts(columns[MARGIN + name], rows.origin, ids=rows.ids)
    return columns, findings


def _group_missing(name: str, group: Group) -> Finding:
    if group.missing == "exclude":
        return finding("ES-GROUP-EXCLUDED", column=str(group.count or group.share), group=name)
    return finding("ES-GROUP-MISSING", column=str(group.count or group.share), group=name)


def _counted(rows: _Rows, group: Group, population: pd.Series) -> tuple[pd.Series, pd.Series, list[Finding]]:
    """Count and universe of a group from whichever of count, share and universe columns are declared."""
    findings: list[Finding] = []
    read: dict[str, pd.Series] = {}
    for part in ("count", "share", "universe"):
        column = getattr(group, part)
        if column is not None:
            read[part], more = rows.numbers(column)
            findings += more
    if "share" in read:
        read["share"], more = _percentages(rows, group, read["share"])
        findings += more
    universe = read.get("universe", population)
    if "count" not in read:
        return read["share"] / PERCENT * universe, universe, findings
    if "share" in read and "universe" not in read:
        implied = read["count"] / (read["share"] / PERCENT).where(read["share"] > 0)
        universe = implied.where(read["share"] > 0, population.where(read["share"].notna()))
    return read["count"], universe, findings


def _percentages(rows: _Rows, group: Group, raw: pd.Series) -> tuple[pd.Series, list[Finding]]:
    """Read shares as percentages; fractions only where they are declared, and refused where they are likely."""
    share = raw * PERCENT if group.share_is == "fraction" else raw
    findings = rows.findings((share < 0) | (share > PERCENT), finding("ES-SHARE-RANGE", column=str(group.share)))
    if group.share_is is None and 0 < raw.max() <= 1:
        findings.append(finding("ES-SHARE-FRACTION", rows.origin.file, column=str(group.share)))
    return share, findings


def settle(checked: Checked, *, on_bad_row: str = "stop") -> pd.DataFrame:
    """Raise for refused rows, warn once for the repaired and flagged, return the table.

    Parameters
    ----------
    checked : Checked
        Result of a check.
    on_bad_row : {"stop", "refuse"}
        Whether refused rows stop the work or are left out.

    Returns
    -------
    DataFrame
        The checked table.

    Raises
    ------
    InputError
        All refused places, where they stop the work.

    Examples
    --------
    >>> settle(Checked(pd.DataFrame({"x": [1]}), (), pd.DataFrame()))["x"].tolist()
    [1]
    """
    refused = [f for f in checked.findings if f.status == "refused"]
    if refused and on_bad_row == "stop":
        raise InputError(refused)
    counts = Counter((f.source, f.code, f.status) for f in checked.findings)
    if counts:
        parts = [f"{source}: {n} × {code} ({status})" for (source, code, status), n in sorted(counts.items())]
        warnings.warn("; ".join(parts), EquityScreenWarning, stacklevel=3)
    return checked.table


def read_neighbourhoods(
    path: str | Path,
    *,
    id: str,
    population: str | None = None,
    groups: Mapping[str, str | Group] = MappingProxyType({}),
    **declared: object,
) -> gpd.GeoDataFrame:
    """Read neighbourhoods and their people from one file.

    Parameters
    ----------
    path : str or Path
        Polygon file.
    id : str
        Column with the id.
    population : str, optional
        Column with the number of people; without it nothing can be said of people.
    groups : mapping of str to str or Group
        Group name → column with its count, or a full declaration.
    **declared
        Other fields of :class:`equity_screen.NeighbourhoodsFile`, for instance ``name=`` or ``crs=``.

    Returns
    -------
    GeoDataFrame
        Index ``neighbourhood``; columns name, population, people_<group>, the file's other columns, geometry.

    Raises
    ------
    InputError
        Every refused row at once.

    Examples
    --------
    >>> read_neighbourhoods("tracts.gpkg", id="GEOID", population="pop")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      tracts.gpkg: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    path = Path(path)
    file = NeighbourhoodsFile.model_validate({"file": str(path), "id": id, "population": population, **declared})
    full = {n: g if isinstance(g, Group) else Group.model_validate({"label": n, "count": g}) for n, g in groups.items()}
    frame, origin = read_table(path, layer=file.layer)
    frame = need_geometry(frame, path)
    aside: tuple[Finding, ...] = ()
    if file.table is not None:
        table, table_origin = read_table(path.parent / file.table)
        joined = join_columns(
            frame,
            table,
            on=(id, file.table_id or id),
            origins=(origin, table_origin),
            digits=file.id_digits,
            unmatched=file.unmatched,
        )
        frame, origin = joined.matched(origin)
        aside = (*joined.findings, *joined.findings_of_frame)
    others = [str(c) for c in frame.columns if c not in (frame.geometry.name, id, population, file.name)]
    checked = check_neighbourhoods(frame, file, origin=origin, question=Question(groups=full), extra=others)
    return settle(checked._replace(findings=(*aside, *checked.findings)))

"""Where each action is: misplaced rows found, invalid geometry repaired, words like citywide read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from equity_screen.boundaries import Boundary, area_ids
from equity_screen.crs import (
    WGS84,
    crs_name,
    fits,
    impossible,
    likely_crs,
    measure_of,
    middles,
    parse_crs,
    recast,
    require_crs,
    to_space,
)
from equity_screen.errors import Finding, InputError, finding
from equity_screen.layers import points_from_columns
from equity_screen.schema import Case, Origin, column_text, findings_for, repeat
from equity_screen.sources import ActionsFile
from equity_screen.text import did_you_mean

_ZONES = re.compile(r"^zones?:(.*)$", re.IGNORECASE | re.DOTALL)
_LISTED = re.compile(r"^([^:;]+):(.*)$", re.DOTALL)
NO_BOUNDARIES: Mapping[str, Boundary] = MappingProxyType({})


class Places(NamedTuple):
    """Place of each action: its kind (``where``), neighbourhoods or areas (``zones``) and geometry."""

    where: pd.Series
    zones: pd.Series
    geometry: gpd.GeoSeries
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class _File:
    """A file of actions being read, and the neighbourhoods that it is read against."""

    frame: pd.DataFrame
    declared: ActionsFile
    origin: Origin
    ids: pd.Series
    zones: gpd.GeoSeries | None
    boundaries: Mapping[str, Boundary]

    def findings(
        self, code: str, bad: NDArray[np.bool_], *, values: pd.Series | None = None, **words: str
    ) -> list[Finding]:
        template = finding(code, column="geometry", **words)
        return repeat(template, bad, origin=self.origin, ids=self.ids, values=values)


def place_actions(
    frame: pd.DataFrame,
    declared: ActionsFile,
    *,
    origin: Origin,
    ids: pd.Series,
    zones: gpd.GeoSeries | None = None,
    boundaries: Mapping[str, Boundary] = NO_BOUNDARIES,
) -> Places:
    """Find the place of each action.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Actions as read.
    declared : ActionsFile
        What the columns mean.
    origin : Origin
        File of the actions.
    ids : pandas.Series of str
        Ids of the actions, on the frame's index.
    zones : GeoSeries, optional
        Neighbourhoods by id; the geometry comes in their CRS.
    boundaries : mapping of str to Boundary
        Layers of named areas that a place may name.

    Returns
    -------
    Places
        Kind, neighbourhoods and geometry of each action; what was found.

    Raises
    ------
    InputError
        No CRS, or no action near the neighbourhoods.

    Examples
    --------
    >>> table = pd.DataFrame({"where": ["citywide", "zones:B;A", "unknown"]})
    >>> found = place_actions(table, ActionsFile(file="plan.csv", where="where"), origin=Origin("plan.csv", "row"),
    ...                       ids=pd.Series(list("XYZ")))
    >>> found.where.tolist(), found.zones.tolist()
    (['citywide', 'zones', 'unlocated'], ['', 'A;B', ''])
    """
    file = _File(frame, declared, origin, ids, zones, boundaries)
    if not isinstance(frame, gpd.GeoDataFrame) and not (declared.where or (declared.x and declared.y)):
        raise InputError([finding("ES-ACTION-NO-PLACES", origin.file)])
    geometry, findings = _geometry(file)
    where, more = _where(file, ~(geometry.isna() | geometry.is_empty))
    places = _listed_places(file, where, geometry.where(where == "geometry"))
    return places._replace(findings=findings + more + places.findings)


def _geometry(file: _File) -> tuple[gpd.GeoSeries, list[Finding]]:
    """Geometry in the neighbourhoods' CRS, made valid, misplaced rows refused or converted."""
    written, findings = _written(file)
    target = file.zones.crs if file.zones is not None else WGS84 if written is None else written.crs
    if written is None:
        nothing = np.full(len(file.frame), None, dtype=object)
        return gpd.GeoSeries(nothing, index=file.frame.index, crs=target), findings
    # What crosses the antimeridian in one piece is split there before it is looked at.
    written = recast(written, written.crs)
    shapes, repaired = _mended(np.asarray(written.array, dtype=object))
    findings += file.findings("ES-ACTION-GEOM-INVALID", repaired)
    moved, more = _moved(file, gpd.GeoSeries(shapes, index=written.index, crs=written.crs), target)
    return moved, findings + more + _far(file, moved)


def _written(file: _File) -> tuple[gpd.GeoSeries | None, list[Finding]]:
    return written_places(file.frame, file.declared, origin=file.origin)


def written_places(
    frame: pd.DataFrame, declared: ActionsFile, *, origin: Origin
) -> tuple[gpd.GeoSeries | None, list[Finding]]:
    """Take the geometry as the file has it, from its own or from columns of coordinates.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Actions as read.
    declared : ActionsFile
        What the columns mean.
    origin : Origin
        File of the actions.

    Returns
    -------
    geometry : GeoSeries or None
        None where no row has a place.
    findings : list of Finding
        Words among the coordinates.

    Raises
    ------
    InputError
        Places without a CRS.

    Examples
    --------
    >>> declared = ActionsFile(file="plan.csv", x="x", y="y", crs="EPSG:4326")
    >>> frame = pd.DataFrame({"x": ["12.5"], "y": ["55.7"]})
    >>> written_places(frame, declared, origin=Origin("plan.csv", "row"))[0].iloc[0].wkt
    'POINT (12.5 55.7)'
    """
    findings: list[Finding] = []
    places = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else None
    if declared.x and declared.y:
        places, findings = points_from_columns(frame, x=declared.x, y=declared.y, origin=origin)
    if places is None or places.isna().all():
        return None, findings
    layer = require_crs(gpd.GeoDataFrame(geometry=places), origin.file, declared=declared.crs)
    return gpd.GeoSeries(layer.geometry), findings


def _mended(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    shapes = shapely.force_2d(shapes)
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    bad = ~shapely.is_missing(shapes) & ~shapely.is_valid(shapes) & finite
    mended = shapes.copy()
    mended[bad] = shapely.make_valid(shapes[bad])
    return mended, bad


def _moved(file: _File, written: gpd.GeoSeries, target: CRS) -> tuple[gpd.GeoSeries, list[Finding]]:
    """Bring the geometry into the target CRS; rows that cannot be meant in the file's own are found."""
    middle, known = _middles(written)
    others = [parse_crs(name, source=file.origin.file) for name in file.declared.other_crs]
    meant = _meant(file, middle, written.crs, candidates=[*others, target, WGS84])
    elsewhere = known & np.array([crs is not None for crs in meant], dtype=bool)
    lost = known & impossible(middle, written.crs) & ~elsewhere
    values = pd.Series([f"({x:.10g}, {y:.10g})" for x, y in middle])
    own = crs_name(written.crs)
    findings = file.findings("ES-GEOM-COORDINATES", lost, values=values, crs=own)
    shapes = recast(written.where(~(lost | elsewhere)), target)
    for crs in dict.fromkeys(crs for crs in meant if crs is not None):
        rows = elsewhere & np.array([one == crs for one in meant], dtype=bool)
        code = "ES-CRS-CONVERTED" if crs in others else "ES-CRS-MIXED"
        findings += file.findings(code, rows, values=values, own=own, other=crs_name(crs))
        shapes[rows] = recast(written[rows].set_crs(crs, allow_override=True), target)
    return shapes, findings


def _middles(shapes: gpd.GeoSeries) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Middle of each geometry's box, and which rows have a geometry."""
    known = ~(shapes.isna() | shapes.is_empty).to_numpy()
    return np.where(known[:, None], middles(shapes), 0.0), known


def _meant(file: _File, middle: NDArray[np.float64], own: CRS, *, candidates: Sequence[CRS]) -> Sequence[CRS | None]:
    if file.zones is None:
        return [None] * len(middle)
    return likely_crs(middle, own, candidates=candidates, study=measure_of(file.zones))


def _far(file: _File, shapes: gpd.GeoSeries) -> list[Finding]:
    """Flag actions far outside the city; refuse the file where all of them are."""
    middle, known = _middles(shapes)
    if file.zones is None or not known.any():
        return []
    far = known & ~fits(middle, shapes.crs, study=measure_of(file.zones))
    if far[known].all():
        crs = crs_name(shapes.crs)
        raise InputError([finding("ES-CRS-NO-OVERLAP", file.origin.file, column="CRS", crs=crs)])
    return file.findings("ES-ACTION-FAR", far)


def _where(file: _File, has_geometry: pd.Series) -> tuple[pd.Series, list[Finding]]:
    """Kind of place of each action, from its word; that of a list says which list."""
    text = _words(file)
    word = text.str.lower()
    listed = text.map(lambda cell: _kind_of_list(cell, file.boundaries))
    where = pd.Series("unlocated", index=file.frame.index).mask(has_geometry & (word == ""), "geometry")
    where = where.mask(word == "citywide", "citywide").mask(listed != "", "zones")
    strange = (word != "") & ~word.isin(["citywide", "unknown"]) & (listed == "")
    known = ", ".join(f"{name}:ID;ID" for name in file.boundaries) or "the name of a boundary declared in the project"
    column = file.declared.where or "geometry"
    odd = repeat(
        finding("ES-WHERE", column=column, known=known), strange, origin=file.origin, ids=file.ids, values=text
    )
    cases: tuple[Case, ...] = (
        (where == "unlocated", "ES-ACTION-UNLOCATED"),
        (has_geometry & (where != "geometry") & ~strange, "ES-WHERE-AND-GEOMETRY"),
    )
    return where, odd + findings_for(cases, column=column, origin=file.origin, ids=file.ids, values=text)


def _words(file: _File) -> pd.Series:
    blank = pd.Series("", index=file.frame.index, dtype="str")
    return column_text(file.frame, file.declared.where, fallback=blank)


def _kind_of_list(cell: str, boundaries: Mapping[str, Boundary]) -> str:
    """Name the layer that a cell lists areas of: ``zones``, a boundary, or none."""
    if _ZONES.match(cell):
        return "zones"
    listed = _LISTED.match(cell)
    asked = listed[1].strip().casefold() if listed else ""
    return next((name for name in boundaries if name.casefold() == asked), "")


def _names(cell: str) -> list[str]:
    parts = (unicodedata.normalize("NFC", part).strip() for part in cell.partition(":")[2].split(";"))
    return sorted({part for part in parts if part}) or [""]


def _listed_places(file: _File, where: pd.Series, geometry: gpd.GeoSeries) -> Places:
    """Union and list of the neighbourhoods or areas that each action names; unknown ones are refused by name."""
    text, where, findings = _words(file), where.copy(), list[Finding]()
    listed = pd.Series("", index=text.index, dtype="str")
    shapes = geometry.array.to_numpy().copy()
    layers = _Layers(file, gpd.GeoSeries(geometry).crs)
    for i in np.flatnonzero(where == "zones"):
        kind, names = _kind_of_list(text.iloc[i], file.boundaries), _names(text.iloc[i])
        place = layers.listed(kind, names)
        where.iloc[i], listed.iloc[i], shapes[i] = place.where, place.listed, place.union
        row = {"row": file.origin.row(int(i)), "id": str(file.ids.iloc[i]), "column": str(file.declared.where)}
        what = "neighbourhood" if kind == "zones" else kind
        findings += [
            finding(
                "ES-WHERE-ZONE", file.origin.file, **row, value=name, kind=what, hint=did_you_mean(name, place.known)
            )
            for name in place.absent
        ]
    return Places(where, listed, gpd.GeoSeries(shapes, index=geometry.index, crs=geometry.crs), findings)


class _Listed(NamedTuple):
    """What a list of places comes to: its kind, text, union, the names unknown and the names known."""

    where: str
    listed: str
    union: shapely.Geometry | None
    absent: list[str]
    known: Collection[str]


class _Layers:
    """Neighbourhoods and named areas that lists are looked up in, brought into one CRS once."""

    def __init__(self, file: _File, crs: CRS) -> None:
        zones = file.zones
        self.zones = None if zones is None else dict(zip(zones.index, zones.array, strict=True))
        self.boundaries = file.boundaries
        self.areas = {name: to_space(layer.areas.geometry, crs) for name, layer in file.boundaries.items()}

    def listed(self, kind: str, names: list[str]) -> _Listed:
        """Unite the places of a list."""
        if kind == "zones":
            return self._of_zones(names)
        boundary = self.boundaries[kind]
        ids, absent = area_ids(boundary, names)
        known = list(dict.fromkeys([*boundary.areas.index.astype(str), *boundary.areas["name"].astype(str)]))
        if boundary.members is not None and not boundary.members.index.astype("str").str.contains(";").any():
            # The areas are neighbourhoods put together: the list of these is exact, where it can be written.
            members = boundary.members[boundary.members.isin(ids)].index.astype(str)
            return self._of_zones(sorted(members))._replace(absent=absent, known=known)
        union = shapely.union_all(self.areas[kind].loc[ids].array) if ids else None
        return _Listed("boundary", f"{kind}:{';'.join(ids)}", union, absent, known)

    def _of_zones(self, names: list[str]) -> _Listed:
        text = ";".join(name for name in names if name)
        if self.zones is None:
            return _Listed("zones", text, None, [], [])
        absent = [name for name in names if name not in self.zones]
        union = None if absent else shapely.union_all([self.zones[name] for name in names])
        return _Listed("zones", text, union, absent, self.zones)

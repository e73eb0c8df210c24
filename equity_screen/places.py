"""Where each action is: misplaced rows found, invalid geometry repaired, words like citywide read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from equity_screen.crs import (
    WGS84,
    crs_name,
    fits,
    impossible,
    likely_crs,
    measure_of,
    parse_crs,
    require_crs,
)
from equity_screen.errors import Finding, InputError, finding
from equity_screen.layers import points_from_columns
from equity_screen.recipe import ActionsFile
from equity_screen.schema import Case, Origin, column_text, findings_for, repeat
from equity_screen.text import did_you_mean

_ZONES = re.compile(r"^zones?:(.*)$", re.IGNORECASE)


class Places(NamedTuple):
    """Place of each action: its kind (``where``), neighbourhoods (``zones``) and geometry."""

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
    file = _File(frame, declared, origin, ids, zones)
    if not isinstance(frame, gpd.GeoDataFrame) and not (declared.where or (declared.x and declared.y)):
        raise InputError([finding("ES-ACTION-NO-PLACES", origin.file)])
    geometry, findings = _geometry(file)
    where, listed, more = _where(file, ~(geometry.isna() | geometry.is_empty))
    placed = geometry.where(where == "geometry")
    unions, about_zones = _zone_unions(file, listed)
    placed[listed.notna()] = unions
    zone_list = listed.fillna("").map(lambda names: ";".join(_zone_names(names)))
    return Places(where, zone_list, placed, findings + more + about_zones)


def _geometry(file: _File) -> tuple[gpd.GeoSeries, list[Finding]]:
    """Geometry in the neighbourhoods' CRS, made valid, misplaced rows refused or converted."""
    written, findings = _written(file)
    target = file.zones.crs if file.zones is not None else WGS84 if written is None else written.crs
    if written is None:
        nothing = np.full(len(file.frame), None, dtype=object)
        return gpd.GeoSeries(nothing, index=file.frame.index, crs=target), findings
    shapes, repaired = _mended(np.asarray(written.array, dtype=object))
    findings += file.findings("ES-ACTION-GEOM-INVALID", repaired)
    moved, more = _moved(file, gpd.GeoSeries(shapes, index=written.index, crs=written.crs), target)
    return moved, findings + more + _far(file, moved)


def _written(file: _File) -> tuple[gpd.GeoSeries | None, list[Finding]]:
    """Geometry as the file has it, or none at all."""
    findings: list[Finding] = []
    places = file.frame.geometry if isinstance(file.frame, gpd.GeoDataFrame) else None
    if file.declared.x and file.declared.y:
        columns = {"x": file.declared.x, "y": file.declared.y}
        places, findings = points_from_columns(file.frame, origin=file.origin, **columns)
    if places is None or places.isna().all():
        return None, findings
    layer = require_crs(gpd.GeoDataFrame(geometry=places), file.origin.file, declared=file.declared.crs)
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
    shapes = written.where(~(lost | elsewhere)).to_crs(target)
    for crs in dict.fromkeys(crs for crs in meant if crs is not None):
        rows = elsewhere & np.array([one == crs for one in meant], dtype=bool)
        code = "ES-CRS-CONVERTED" if crs in others else "ES-CRS-MIXED"
        findings += file.findings(code, rows, values=values, own=own, other=crs_name(crs))
        shapes[rows] = written[rows].set_crs(crs, allow_override=True).to_crs(target)
    return shapes, findings


def _middles(shapes: gpd.GeoSeries) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Middle of each geometry's box, and which rows have a geometry."""
    known = ~(shapes.isna() | shapes.is_empty).to_numpy()
    bounds = shapely.bounds(np.asarray(shapes.array, dtype=object))
    return np.where(known[:, None], (bounds[:, :2] + bounds[:, 2:]) / 2, 0.0), known


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


def _where(file: _File, has_geometry: pd.Series) -> tuple[pd.Series, pd.Series, list[Finding]]:
    """Kind of place of each action, and the neighbourhoods that its words list."""
    blank = pd.Series("", index=file.frame.index, dtype="str")
    text = column_text(file.frame, file.declared.where, fallback=blank)
    word, listed = text.str.lower(), text.str.extract(_ZONES)[0]
    where = pd.Series("unlocated", index=file.frame.index).mask(has_geometry & (word == ""), "geometry")
    where = where.mask(word == "citywide", "citywide").mask(listed.notna(), "zones")
    strange = (word != "") & ~word.isin(["citywide", "unknown"]) & listed.isna()
    cases: tuple[Case, ...] = (
        (strange, "ES-WHERE"),
        (where == "unlocated", "ES-ACTION-UNLOCATED"),
        (has_geometry & (where != "geometry") & ~strange, "ES-WHERE-AND-GEOMETRY"),
    )
    column = file.declared.where or "geometry"
    return where, listed, findings_for(cases, column=column, origin=file.origin, ids=file.ids, values=text)


def _zone_names(listed: str) -> list[str]:
    parts = (unicodedata.normalize("NFC", part).strip() for part in listed.split(";"))
    return sorted({part for part in parts if part})


def _zone_unions(file: _File, listed: pd.Series) -> tuple[list[shapely.Geometry | None], list[Finding]]:
    """Union of the neighbourhoods that each action lists; unknown ones are refused by name."""
    unions: list[shapely.Geometry | None] = []
    findings: list[Finding] = []
    known = {} if file.zones is None else dict(zip(file.zones.index, file.zones.array, strict=True))
    for i in np.flatnonzero(listed.notna()):
        names = _zone_names(str(listed.iloc[i])) or [""]
        absent = [name for name in names if name not in known] if file.zones is not None else []
        hints = {name: did_you_mean(name, known) for name in absent}
        place = {
            "row": file.origin.row(int(i)),
            "id": str(file.ids.iloc[i]),
            "column": str(file.declared.where),
        }
        findings += [
            finding("ES-WHERE-ZONE", file.origin.file, **place, value=name, hint=hint) for name, hint in hints.items()
        ]
        unions.append(shapely.union_all([known[name] for name in names]) if known and not absent else None)
    return unions, findings

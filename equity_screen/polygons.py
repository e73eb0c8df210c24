"""Polygons checked and repaired before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from equity_screen.crs import crs_name, impossible, measure_of, to_space
from equity_screen.errors import Finding, finding
from equity_screen.schema import Origin, repeat
from equity_screen.seam import crosses, seam_of, split, wraps

# Digitising noise along shared borders stays below this share of the smaller polygon.
OVERLAP_TOLERANCE = 0.005
EMPTY = shapely.from_wkt("POLYGON EMPTY")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows being checked, as the messages name them."""

    origin: Origin
    ids: pd.Series

    def findings(self, bad: NDArray[np.bool_], template: Finding) -> list[Finding]:
        return repeat(template, bad, origin=self.origin, ids=self.ids)


def check_polygons(
    geometry: gpd.GeoSeries, origin: Origin, *, ids: pd.Series, overlaps: bool = True
) -> tuple[gpd.GeoSeries, list[Finding]]:
    """Check polygons and repair them before anything is measured.

    Parameters
    ----------
    geometry : GeoSeries
        Polygons with a CRS.
    origin : Origin
        File of the layer.
    ids : pandas.Series of str
        Ids on the same index.
    overlaps : bool
        Refuse polygons that overlap one another.

    Returns
    -------
    geometry : GeoSeries
        Valid polygons without heights, split at the antimeridian; empty where refused.
    findings : list of Finding
        Repairs with the change of area; refusals.

    Examples
    --------
    >>> bow_tie = gpd.GeoSeries.from_wkt(["POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"], crs=25832)
    >>> mended, findings = check_polygons(bow_tie, Origin("a.gpkg"), ids=pd.Series(["A"]))
    >>> float(mended.area.iloc[0]), [f.code for f in findings]
    (2.0, ['ES-GEOM-INVALID'])
    """
    rows = _Rows(origin, ids)
    shapes, usable, findings = _usable(geometry, rows, kinds=("Polygon", "MultiPolygon"))
    invalid = usable & ~shapely.is_valid(shapes)
    mended = shapes.copy()
    mended[invalid] = [_polygons_of(shape) for shape in shapely.make_valid(shapes[invalid])]
    findings += _repairs(shapes, mended, invalid, rows=rows)
    mended = gpd.GeoSeries(mended, index=geometry.index, crs=geometry.crs)
    return mended, findings + (_overlaps(mended, rows) if overlaps else [])


def _usable(
    geometry: gpd.GeoSeries, rows: _Rows, *, kinds: tuple[str, ...]
) -> tuple[NDArray[np.object_], NDArray[np.bool_], list[Finding]]:
    shapes = shapely.force_2d(np.asarray(geometry.array, dtype=object))
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~missing & ~geometry.geom_type.isin(kinds).to_numpy()
    place = ~missing & ~other & _misplaced(shapes, geometry)
    findings = rows.findings(missing, finding("ES-GEOM-MISSING"))
    for kind in sorted(set(geometry.geom_type[other])):
        wrong = finding("ES-GEOM-KIND", kind=kind)
        findings += rows.findings(other & (geometry.geom_type == kind).to_numpy(), wrong)
    findings += rows.findings(place, finding("ES-GEOM-COORDINATES", crs=crs_name(geometry.crs)))
    here = np.where(missing | other | place, EMPTY, shapes)
    across, around = _across(here, geometry.crs)
    findings += rows.findings(across, finding("ES-GEOM-SPLIT")) + rows.findings(around, finding("ES-GEOM-ANTIMERIDIAN"))
    usable = ~(missing | other | place | around)
    return _split(np.where(usable, here, EMPTY), geometry.crs), usable, findings


def _across(shapes: NDArray[np.object_], crs: CRS) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which polygons cross the antimeridian unsplit, and which others would span half the globe or more."""
    seam = seam_of(crs)
    if seam is None:
        return np.zeros(len(shapes), dtype=bool), np.zeros(len(shapes), dtype=bool)
    across = crosses(shapes, seam)
    return across, wraps(shapes, seam) & ~across


def _split(shapes: NDArray[np.object_], crs: CRS) -> NDArray[np.object_]:
    seam = seam_of(crs)
    return shapes if seam is None else split(shapes, seam)


def _misplaced(shapes: NDArray[np.object_], geometry: gpd.GeoSeries) -> NDArray[np.bool_]:
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    bad = impossible(xy, geometry.crs)
    return np.bincount(owner, weights=bad, minlength=len(shapes)) > 0


def _polygons_of(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])  # noqa: PLR2004 - areas have dimension 2


def _repairs(
    before: NDArray[np.object_], after: NDArray[np.object_], invalid: NDArray[np.bool_], *, rows: _Rows
) -> list[Finding]:
    was, is_now = np.abs(shapely.area(before)), shapely.area(after)
    return [
        finding(
            "ES-GEOM-INVALID",
            rows.origin.file,
            row=rows.origin.row(int(i)),
            id=str(rows.ids.iloc[i]),
            column="geometry",
            why=shapely.is_valid_reason(before[i]).split("[")[0].strip().lower(),
            before=f"{was[i]:.6g}",
            after=f"{is_now[i]:.6g}",
        )
        for i in np.flatnonzero(invalid)
    ]


def area_zero(geometry: gpd.GeoSeries) -> NDArray[np.bool_]:
    """Tell which polygons have an area of 0, by collapse or by repair.

    Parameters
    ----------
    geometry : GeoSeries
        Polygons.

    Returns
    -------
    ndarray of bool
        True where there is a polygon without area.

    Examples
    --------
    >>> area_zero(gpd.GeoSeries.from_wkt(["POLYGON ((0 0, 1 1, 0 0, 0 0))", "POLYGON EMPTY"])).tolist()
    [True, False]
    """
    flat = ~geometry.is_empty & (shapely.area(geometry.array) == 0)
    return np.asarray(flat, dtype=bool)


def _overlaps(geometry: gpd.GeoSeries, rows: _Rows) -> list[Finding]:
    """Refuse pairs that share more than digitising noise: their people would be counted twice."""
    if geometry.is_empty.all():
        return []
    shapes = to_space(geometry, measure_of(geometry).areas).array.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = np.unique(np.column_stack([first, second])[first < second], axis=0)
    first, second = pairs[:, 0], pairs[:, 1]
    inner = ~shapely.touches(shapes[first], shapes[second])
    first, second = first[inner], second[inner]
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    share = shared / np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    return [
        _overlap(rows, int(a), int(b), float(s))
        for a, b, s in zip(first, second, share, strict=True)
        if s > OVERLAP_TOLERANCE
    ]


def _overlap(rows: _Rows, a: int, b: int, share: float) -> Finding:
    return finding(
        "ES-GEOM-OVERLAP",
        rows.origin.file,
        row=rows.origin.row(a),
        id=str(rows.ids.iloc[a]),
        column="geometry",
        other=rows.ids.iloc[b],
        row_of_other=rows.origin.row(b),
        percent=f"{100 * share:.2g}",
    )

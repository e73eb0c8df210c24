"""Rasters to neighbourhoods, by the exact fraction of each cell that a neighbourhood covers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from equity_screen.errors import InputError, finding
from equity_screen.schema import SENTINELS

Floats = NDArray[np.float64]
# A zone beside a layer shares slivers with it once both are in one CRS; they are no observation.
LEAST_COVERAGE = 1e-6
# No measured quantity is below this; the least number of a float32 often stands for a missing value.
LEAST_PLAUSIBLE = -1e30
ROUNDING = 1e-13
# As many rows at once as stay in a processor's cache.
BAND_ROWS = 256


def raster_means(
    path: str | Path, zones: gpd.GeoSeries, *, band: int = 1, nodata: tuple[float, ...] = ()
) -> pd.DataFrame:
    r"""Mean of a raster over each zone, and the share of the zone that had data.

    .. math:: \bar v_i = \sum_c f_{ic} v_c \,/ \sum_c f_{ic}

    over the cells c with data, where f is the fraction of the cell inside the zone. Both sums are integrals along
    the zone's border: by Green's theorem :math:`\iint v\,dx\,dy = \oint V\,dy`, with V the integral of v along its
    row, which is linear within a cell. No cell inside is visited, and no fraction is rounded.

    Parameters
    ----------
    path : str or Path
        GeoTIFF, north up.
    zones : GeoSeries
        Polygons in any CRS; they are brought to the raster's.
    band : int
        Band, from 1.
    nodata : tuple of float
        Values that mean no data, besides the tagged one.

    Returns
    -------
    DataFrame
        Columns mean [the raster's unit] and coverage [share 0–1], on the zones' index. No overlap
        is NaN with a coverage of 0, never 0.

    Raises
    ------
    InputError
        Not readable, no CRS, no such band, rotated, or untagged codes for missing values under the zones.

    Examples
    --------
    >>> raster_means("nowhere.tif", gpd.GeoSeries([], crs=25832))
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.tif: cannot be read as a GeoTIFF. Mend: check the name and the file. [ES-RASTER-UNREADABLE]
    """
    path = Path(path)
    try:
        with rasterio.open(path, driver="GTiff") as raster:
            _refuse(raster, band, name=path.name)
            shapes = zones.to_crs(CRS.from_wkt(raster.crs.to_wkt()))
            pieces = _pieces(_in_cells(shapes, raster.transform), width=raster.width, height=raster.height)
            summed, seen = _integrals(pieces, _Band(raster, band, nodata, path.name), zones=len(zones))
            scale, offset = raster.scales[band - 1], raster.offsets[band - 1]
    except RasterioIOError as error:
        raise InputError([finding("ES-RASTER-UNREADABLE", path.name)]) from error
    area = shapely.area(_in_cells(shapes, raster.transform))
    coverage = np.divide(seen, area, out=np.zeros(len(zones)), where=area > 0).clip(0.0, 1.0)
    known = coverage > LEAST_COVERAGE
    mean = np.divide(summed, seen, out=np.full(len(zones), np.nan), where=known) * scale + offset
    return pd.DataFrame({"mean": mean, "coverage": np.where(known, coverage, 0.0)}, index=zones.index)


def _in_cells(shapes: gpd.GeoSeries, transform: rasterio.Affine) -> NDArray[np.object_]:
    """Bring polygons into the raster's own space: columns and rows, counted in cells."""
    scale, corner = np.array([transform.a, transform.e]), np.array([transform.c, transform.f])
    moved = shapely.transform(shapes.array.to_numpy(), lambda places: (places - corner) / scale)
    return np.asarray(shapely.orient_polygons(moved))


class _Pieces(NamedTuple):
    """Pieces of borders, each within one cell, in the order of their rows.

    ``x`` is the middle of a piece [cells], ``dy`` its height with the sign of its direction.
    """

    zone: NDArray[np.intp]
    row: NDArray[np.intp]
    x: Floats
    dy: Floats


def _pieces(shapes: NDArray[np.object_], *, width: int, height: int) -> _Pieces:
    """Cut the borders of polygons wherever they cross a line between two rows or columns of the raster."""
    start, end, zone = _edges(shapes)
    edge, along = _crossings(start, end, size=(width, height))
    ends = start[edge] + along[:, None] * (end - start)[edge]
    first, last = ends[:-1], ends[1:]
    inner = edge[:-1] == edge[1:]
    middle, dy = (first + last)[inner] / 2, (last - first)[inner, 1]
    row = np.floor(middle[:, 1]).astype(np.intp)
    kept = (dy != 0) & (row >= 0) & (row < height) & (middle[:, 0] > 0)
    order = np.flatnonzero(kept)[np.argsort(row[kept], kind="stable")]
    return _Pieces(zone[edge[:-1][inner]][order], row[order], np.minimum(middle[order, 0], width), dy[order])


def _edges(shapes: NDArray[np.object_]) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Give the ends of all edges, and the zone of each."""
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    places, of_place = shapely.get_coordinates(rings, return_index=True)
    same = of_place[:-1] == of_place[1:]
    return places[:-1][same], places[1:][same], of_part[of_ring[of_place[:-1][same]]]


def _crossings(start: Floats, end: Floats, *, size: tuple[int, int]) -> tuple[NDArray[np.intp], Floats]:
    """Where along each edge [0–1] it begins, crosses a line of the raster, and ends; in order."""
    count = np.arange(len(start))
    edges, shares = [count, count], [np.zeros(len(start)), np.ones(len(start))]
    for axis, last in enumerate(size):
        low, high = np.minimum(start[:, axis], end[:, axis]), np.maximum(start[:, axis], end[:, axis])
        # Lines of the raster strictly between the two ends; beyond its own there is nothing to cross.
        first_line = np.clip(np.floor(low) + 1, 0, last + 1).astype(np.intp)
        lines = np.maximum(np.clip(np.ceil(high), 0, last + 1).astype(np.intp) - first_line, 0)
        edge = np.repeat(count, lines)
        step = np.arange(len(edge)) - np.repeat(np.cumsum(lines) - lines, lines)
        at = first_line[edge] + step
        edges.append(edge)
        shares.append((at - start[edge, axis]) / (end[edge, axis] - start[edge, axis]))
    edge, share = np.concatenate(edges), np.clip(np.concatenate(shares), 0.0, 1.0)
    order = np.lexsort((share, edge))
    return edge[order], share[order]


class _Band(NamedTuple):
    """One band of an open raster, its codes for missing values, and the file's name."""

    raster: rasterio.DatasetReader
    number: int
    nodata: tuple[float, ...]
    name: str


def _integrals(pieces: _Pieces, band: _Band, *, zones: int) -> tuple[Floats, Floats]:
    """Sum of the values, and number of cells with data, inside each zone, by the integral along its border."""
    totals, added = np.zeros((2, zones)), np.zeros((2, zones))
    for top, bounds in _bands(pieces):
        mine = _Pieces(pieces.zone[bounds], pieces.row[bounds], pieces.x[bounds], pieces.dy[bounds])
        values = _values(band, top)
        known = np.isfinite(values)
        for i, cells in enumerate((np.where(known, values, 0.0), known.astype(np.float64))):
            terms = _along_row(cells, mine, top) * mine.dy
            totals[i] += np.bincount(mine.zone, weights=terms, minlength=zones)
            added[i] += np.bincount(mine.zone, weights=np.abs(terms), minlength=zones)
    # What is left of terms that cancel is rounding: a zone of zeros has a mean of exactly 0.
    totals[np.abs(totals) <= ROUNDING * added] = 0.0
    return totals[0], totals[1]


def _bands(pieces: _Pieces) -> Iterator[tuple[int, slice]]:
    """Give the first row of each band of the raster that any border runs through, and the pieces in it."""
    for number in np.unique(pieces.row // BAND_ROWS):
        top = int(number) * BAND_ROWS
        first, last = np.searchsorted(pieces.row, [top, top + BAND_ROWS])
        yield top, slice(int(first), int(last))


def _along_row(cells: Floats, pieces: _Pieces, top: int) -> Floats:
    """Integral of the values along its row, from the raster's edge to the middle of each piece."""
    before = np.zeros((cells.shape[0], cells.shape[1] + 1))
    np.cumsum(cells, axis=1, out=before[:, 1:])
    row, inside = pieces.row - top, np.minimum(pieces.x.astype(np.intp), cells.shape[1] - 1)
    return np.asarray(before[row, inside] + (pieces.x - inside) * cells[row, inside])


def _values(band: _Band, top: int) -> Floats:
    """Values of a band of rows as stored; NaN where there is no data."""
    raster = band.raster
    rows = min(BAND_ROWS, raster.height - top)
    # Masked where the nodata tag, a mask or an alpha band says so.
    cells = raster.read(band.number, window=Window(0, top, raster.width, rows), masked=True)
    # Compared as the file holds them: a declared -9999.9 is another number once it is wider.
    absent = np.isin(cells.data, list(map(cells.dtype.type, _held(band.nodata, cells.dtype))))
    values = np.where(absent, np.nan, cells.astype(np.float64).filled(np.nan))
    _refuse_sentinels(values, band.name)
    return np.asarray(values)


def _held(nodata: tuple[float, ...], kind: np.dtype) -> list[float]:
    """Codes that a band of this kind can hold at all."""
    if kind.kind == "f":
        return list(nodata)
    limits = np.iinfo(kind)
    return [code for code in nodata if float(code).is_integer() and limits.min <= code <= limits.max]


def _refuse_sentinels(values: np.ndarray, name: str) -> None:
    found = sorted(set(SENTINELS) & set(np.unique(values[values < 0]).tolist()))
    found += sorted({float(v) for v in np.unique(values[values < LEAST_PLAUSIBLE]).tolist()})
    if found:
        raise InputError(finding("ES-RASTER-SENTINEL", name, cell=f"{code:.9g}") for code in found[:3])


def _refuse(raster: rasterio.DatasetReader, band: int, *, name: str) -> None:
    if raster.crs is None:
        raise InputError([finding("ES-RASTER-CRS", name)])
    if not 1 <= band <= raster.count:
        raise InputError([finding("ES-RASTER-BAND", name, band=band, count=raster.count)])
    if raster.transform.b or raster.transform.d or raster.transform.e > 0:
        raise InputError([finding("ES-RASTER-ROTATED", name)])

"""Rasters to neighbourhoods, by the exact fraction of each cell that a neighbourhood covers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from equity_screen.errors import UsageError
from equity_screen.rasters import Floats, Integers, RasterBand, Windows, expanded, open_band, windows_of

# A zone beside a layer shares slivers with it once both are in one CRS; they are no observation.
LEAST_COVERAGE = 1e-6
ROUNDING = 1e-13
# As many pieces of borders at once as stay in a processor's cache.
CHUNK = 1 << 16
SUMMARIES = ("min", "max", "median", "majority")
# Cells up to the median hold half of the zone, as far as fractions in single precision tell.
HALF = 0.5 - 1e-6


def raster_means(
    path: str | Path,
    zones: gpd.GeoSeries,
    *,
    band: int | str | None = None,
    nodata: tuple[float, ...] = (),
) -> pd.DataFrame:
    r"""Mean of a raster over each zone, and the share of the zone that had data.

    .. math:: \bar v_i = \sum_c f_{ic} v_c \,/ \sum_c f_{ic}

    over the cells c with data, where f is the fraction of the cell inside the zone. Both sums are integrals along
    the zone's border: by Green's theorem :math:`\iint v\,dx\,dy = \oint V\,dy`, with V the integral of v along its
    row, which is linear within a cell. No cell inside is visited, and no fraction is rounded.

    Parameters
    ----------
    path : str or Path
        GeoTIFF in any CRS; rotated and south up are read as they are.
    zones : GeoSeries
        Polygons in any CRS; they are brought to the raster's.
    band : int or str, optional
        Its number, from 1, or its description; not needed where there is only one.
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
        Not readable, no CRS, no such band, several bands and none named, or untagged codes for missing values
        around the zones.

    Examples
    --------
    >>> raster_means("nowhere.tif", gpd.GeoSeries([], crs=25832))
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.tif: cannot be read as a GeoTIFF. Mend: check the name and the file. [ES-RASTER-UNREADABLE]
    """
    with open_band(path, band=band, nodata=nodata) as opened:
        found = _found(opened, zones)
    mean = np.divide(found.total, found.cells, out=np.full(len(zones), np.nan), where=found.known)
    return pd.DataFrame({"mean": mean, "coverage": found.coverage}, index=zones.index)


def raster_sums(
    path: str | Path,
    zones: gpd.GeoSeries,
    *,
    band: int | str | None = None,
    nodata: tuple[float, ...] = (),
    classes: tuple[float, ...] = (),
) -> pd.DataFrame:
    r"""Sum of a raster over each zone, for amounts such as people per cell; or how much of some classes is in it.

    .. math:: s_i = \sum_c f_{ic} v_c

    over the cells c with data, where f is the fraction of the cell inside the zone. With ``classes`` a cell
    counts 1 where it is of one of them and else 0, so that sum / cells is their share of the zone.

    Parameters
    ----------
    path : str or Path
        GeoTIFF in any CRS; rotated and south up are read as they are.
    zones : GeoSeries
        Polygons in any CRS; they are brought to the raster's.
    band : int or str, optional
        Its number, from 1, or its description; not needed where there is only one.
    nodata : tuple of float
        Values that mean no data, besides the tagged one.
    classes : tuple of float
        Values, as stored, that are counted; without them the values are added.

    Returns
    -------
    DataFrame
        Columns sum [the raster's unit; cells, where classes are counted], coverage [share 0–1 of the zone with data]
        and cells [number of cells with data, fractions added], on the zones' index. What a zone holds beyond its
        coverage is unknown, and in no sum; no overlap is NaN, never 0.

    Raises
    ------
    InputError
        As for :func:`raster_means`.

    Examples
    --------
    >>> raster_sums("nowhere.tif", gpd.GeoSeries([], crs=25832))
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.tif: cannot be read as a GeoTIFF. Mend: check the name and the file. [ES-RASTER-UNREADABLE]
    """
    with open_band(path, band=band, nodata=nodata) as opened:
        found = _found(opened, zones, classes=classes)
    columns = {"sum": found.total, "coverage": found.coverage, "cells": found.cells}
    return pd.DataFrame(columns, index=zones.index)


def raster_summary(
    path: str | Path,
    zones: gpd.GeoSeries,
    *,
    stats: Sequence[str] = SUMMARIES,
    band: int | str | None = None,
    nodata: tuple[float, ...] = (),
) -> pd.DataFrame:
    """Least, greatest, middle or commonest value of a raster in each zone.

    A cell counts by its fraction inside the zone, which exactextract measures to single precision; a cell that
    a zone only touches can be its least or greatest.

    Parameters
    ----------
    path : str or Path
        GeoTIFF in any CRS; rotated and south up are read as they are.
    zones : GeoSeries
        Polygons in any CRS; they are brought to the raster's.
    stats : sequence of {"min", "max", "median", "majority"}
        What is wanted. Of two values equally common the greater is the majority. The median is the least value
        such that the cells with it or less make up at least half of those with data, each counted by its fraction.
    band : int or str, optional
        Its number, from 1, or its description; not needed where there is only one.
    nodata : tuple of float
        Values that mean no data, besides the tagged one.

    Returns
    -------
    DataFrame
        A column for each of ``stats`` [the raster's unit] and coverage [share 0–1], on the zones' index; no
        overlap is NaN.

    Raises
    ------
    InputError
        As for :func:`raster_means`.
    UsageError
        Other statistics.

    Examples
    --------
    >>> raster_summary("nowhere.tif", gpd.GeoSeries([], crs=25832), stats=["mode"])
    Traceback (most recent call last):
    ...
    equity_screen.errors.UsageError: no summary is called 'mode'; there are: min, max, median, majority
    """
    for name in stats:
        if name not in SUMMARIES:
            msg = f"no summary is called {name!r}; there are: {', '.join(SUMMARIES)}"
            raise UsageError(msg)
    with open_band(path, band=band, nodata=nodata) as opened:
        found = _found(opened, zones)
        values = np.full((len(zones), len(stats)), np.nan)
        if found.known.any():
            values[found.known] = _summaries(opened, opened.in_cells(zones)[found.known], list(stats))
    table = pd.DataFrame(values, index=zones.index, columns=list(stats))
    return table.assign(coverage=found.coverage)


def _summaries(band: RasterBand, shapes: NDArray[np.object_], stats: list[str]) -> Floats:
    """Ask exactextract in the raster's own space, where its rows count downward."""
    from exactextract import exact_extract  # type: ignore[import-untyped] # noqa: PLC0415 - few runs need it
    from exactextract.raster import RasterSource  # type: ignore[import-untyped] # noqa: PLC0415

    class Cells(RasterSource):  # type: ignore[misc]
        """The band, its cells one unit a side."""

        def res(self) -> tuple[float, float]:
            return 1.0, 1.0

        def extent(self) -> tuple[float, float, float, float]:
            return 0.0, -float(band.size[1]), float(band.size[0]), 0.0

        def nodata_value(self) -> None:
            return None

        def srs_wkt(self) -> str:
            return str(band.crs.to_wkt())

        def read_window(self, column: int, row: int, width: int, height: int) -> Floats:
            return band.values(Window(column, row, width, height))

    upward = gpd.GeoDataFrame(geometry=shapely.transform(shapes, lambda places: places * (1, -1)), crs=band.crs)
    plain = [name for name in stats if name != "median"]
    asked = plain + (["values", "coverage"] if len(plain) < len(stats) else [])
    table = exact_extract(Cells(), upward, asked, output="pandas")
    if len(plain) < len(stats):
        table["median"] = [_median(*cells) for cells in zip(table["values"], table["coverage"], strict=True)]
    return np.asarray(table[stats], dtype=np.float64)


def _median(values: Floats, fractions: Floats) -> float:
    """Least value up to which half of the cells with data lie, each counted by its fraction."""
    order = np.argsort(values)
    order = order[~np.isnan(values[order])]
    upto = np.cumsum(fractions[order], dtype=np.float64)
    return float(values[order[np.searchsorted(upto, HALF * upto[-1])]]) if len(order) else np.nan


class _Found(NamedTuple):
    """By zone: sum of its values, cells with data, share of it with data, and whether that is enough."""

    total: Floats
    cells: Floats
    coverage: Floats
    known: NDArray[np.bool_]


def _found(band: RasterBand, zones: gpd.GeoSeries, *, classes: tuple[float, ...] = ()) -> _Found:
    shapes = np.asarray(shapely.orient_polygons(band.in_crs(zones)))
    stored, cells = _integrals(shapes, band, classes)
    area = shapely.area(shapes) / abs(band.raster.transform.determinant)
    coverage = np.divide(cells, area, out=np.zeros(len(shapes)), where=area > 0).clip(0.0, 1.0)
    known = coverage > LEAST_COVERAGE
    scale, offset = (1.0, 0.0) if classes else band.scaling
    total = np.where(known, stored * scale + offset * cells, np.nan)
    return _Found(total, np.where(known, cells, 0.0), np.where(known, coverage, 0.0), known)


class _Edges(NamedTuple):
    """Edges of borders: their ends [cells], the zone of each, and that zone's first column."""

    start: Floats
    end: Floats
    zone: Integers
    left: Integers

    def of(self, which: Integers | slice) -> _Edges:
        """Take some of them."""
        return _Edges(self.start[which], self.end[which], self.zone[which], self.left[which])


def _edges(shapes: NDArray[np.object_], band: RasterBand) -> tuple[_Edges, Integers]:
    """Give all edges that are not level, along which there is nothing to add; and each shape's bounds in cells."""
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    places, of_place = shapely.get_coordinates(rings, return_index=True)
    places, zones = band.to_cells(places), of_part[of_ring]
    bounds = _cell_bounds(places, zones[of_place], size=band.size, count=len(shapes))
    used = np.flatnonzero((of_place[:-1] == of_place[1:]) & (places[:-1, 1] != places[1:, 1]))
    zone = zones[of_place[used]]
    return _Edges(places[used], places[used + 1], zone, bounds[zone, 0]), bounds


def _cell_bounds(places: Floats, zone: Integers, *, size: tuple[int, int], count: int) -> Integers:
    """First column and row of each zone within the raster, and the last ones, excluded."""
    first = np.flatnonzero(np.diff(zone, prepend=-1))
    bounds = np.zeros((count, 4))
    if len(first):
        lowest, highest = (how.reduceat(places, first, axis=0) for how in (np.minimum, np.maximum))
        bounds[zone[first]] = np.hstack([np.floor(lowest), np.ceil(highest)])
    return np.asarray(np.clip(bounds, 0, [*size, *size]).astype(np.intp))


def _integrals(shapes: NDArray[np.object_], band: RasterBand, classes: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Sum of the values, and number of cells with data, inside each zone, by the integral along its border."""
    edges, bounds = _edges(shapes, band)
    windows = windows_of(bounds, block=band.block)
    edges, window = _by_window(edges, windows, bounds=bounds, rows=band.block[0])
    totals = np.zeros((3, len(window)))
    ends = np.searchsorted(window, np.arange(len(windows.top) + 1))
    for number, (begin, end) in enumerate(pairwise(ends)):
        if begin == end:  # between two parts of a zone
            continue
        part = _prefixed(band, windows.at(number), classes)
        for chunk in _chunks(edges, begin, end):
            totals[:, chunk] = _along(edges.of(chunk), part)
    sums = [np.bincount(edges.zone, weights=total, minlength=len(shapes)) for total in totals]
    value, size, seen = np.asarray(sums, dtype=np.float64)
    # What is left of terms that cancel is rounding: a zone of zeros has a mean of exactly 0.
    value[np.abs(value) <= ROUNDING * size] = 0.0
    # Seen from the raster's first corner, as from below where that is in the north-west, borders run the other way.
    turned = np.sign(band.raster.transform.determinant)
    return turned * value, turned * seen


def _by_window(edges: _Edges, windows: Windows, *, bounds: Integers, rows: int) -> tuple[_Edges, Integers]:
    """Repeat edges for each window they run through; in the order of the windows, with the number of each."""
    top, bottom = bounds[edges.zone, 1], bounds[edges.zone, 3]
    ends = np.clip([edges.start[:, 1], edges.end[:, 1]], top, bottom)
    low, high = ends.min(axis=0), ends.max(axis=0)
    needed = (low < high) & (bounds[edges.zone, 0] < bounds[edges.zone, 2])
    first, last = (low // rows).astype(np.intp), np.ceil(high / rows).astype(np.intp)
    edge, step = expanded(np.where(needed, last - first, 0))
    zone = edges.zone[edge]
    window = windows.window[windows.first[zone] + first[edge] + step - bounds[zone, 1] // rows]
    # Small numbers are sorted by their digits, in one pass.
    order = np.argsort(window.astype(np.min_scalar_type(len(windows.top))), kind="stable")
    return edges.of(edge[order]), window[order]


def _chunks(edges: _Edges, begin: int, end: int) -> Iterator[slice]:
    """Cut the edges of a window where their pieces fill a chunk."""
    reach = np.abs(edges.end[begin:end] - edges.start[begin:end]).sum(axis=1) + 1
    full = np.cumsum(reach) // CHUNK
    cuts = begin + np.flatnonzero(np.diff(full, prepend=-1.0, append=np.inf))
    yield from (slice(first, last) for first, last in pairwise(cuts))


class _Prefixed(NamedTuple):
    """Cells of a window, and the sums along its rows up to each column: of the values, and of the cells with data."""

    window: Window
    cells: NDArray[Any]
    sums: NDArray[Any]
    known: NDArray[np.bool_] | None
    counts: NDArray[np.int32] | None


def _prefixed(band: RasterBand, window: Window, classes: tuple[float, ...]) -> _Prefixed:
    cells, known = band.read(window)
    if classes:
        chosen = np.isin(cells, classes)
        cells = (chosen if known is None else chosen & known).view(np.uint8)
    sums = _row_sums(cells, _exact(cells.dtype, window.width))
    return _Prefixed(window, cells, sums, known, None if known is None else _row_sums(known, np.dtype(np.int32)))


def _exact(kind: np.dtype[Any], width: int) -> np.dtype[Any]:
    """Narrowest type in which no sum of a row of such values can overflow."""
    if kind.kind == "f":
        return np.dtype(np.float64)
    largest = width * max(-int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    fitting = [one for one in (np.int32, np.int64) if largest <= np.iinfo(one).max]
    return np.dtype(fitting[0] if fitting else np.float64)


def _row_sums(cells: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    """Add along each row up to each column, from 0 to that of the whole row."""
    sums = np.empty((cells.shape[0], cells.shape[1] + 1), dtype=kind)
    sums[:, 0] = 0
    np.cumsum(cells, axis=1, dtype=kind, out=sums[:, 1:])
    return sums


class _Runs(NamedTuple):
    """Pieces of edges, each within one row: row, western and eastern end in the window, height, zone's first column.

    The height has the sign of its direction; ``first`` says where the runs of each edge begin.
    """

    row: Integers
    west: Floats
    east: Floats
    dy: Floats
    left: Integers
    first: Integers


def _runs(edges: _Edges, window: Window) -> _Runs:
    """Cut edges at the lines between the rows of a window, and leave what is above and below it."""
    (x0, y0), (x1, y1) = edges.start.T, edges.end.T
    low = np.maximum(np.minimum(y0, y1), window.row_off)
    high = np.minimum(np.maximum(y0, y1), window.row_off + window.height)
    top = np.floor(low).astype(np.intp)
    count = np.ceil(high).astype(np.intp) - top
    edge, row = expanded(count)
    row += top[edge]
    above, below = np.maximum(low[edge], row), np.minimum(high[edge], row + 1)
    slope = (x1 - x0) / (y1 - y0)
    ends = x0[edge] + (np.stack([above, below]) - y0[edge]) * slope[edge]
    ends.clip(np.minimum(x0, x1)[edge], np.maximum(x0, x1)[edge], out=ends)
    ends -= window.col_off
    dy = (below - above) * np.sign(y1 - y0)[edge]
    left = (edges.left - window.col_off)[edge]
    return _Runs(row - window.row_off, ends.min(axis=0), ends.max(axis=0), dy, left, np.cumsum(count) - count)


class _Pieces(NamedTuple):
    """Pieces of runs, each within one cell: run, column in the window, how far in its middle is, and height.

    ``first`` says where the pieces of each run begin.
    """

    run: Integers
    column: Integers
    into: Floats
    dy: Floats
    first: Integers


def _pieces(runs: _Runs, width: int) -> _Pieces:
    """Cut runs at the lines between columns; beyond the raster, its last column is all there is."""
    begin = np.floor(runs.west).clip(-1, width).astype(np.intp)
    count = np.maximum(np.ceil(runs.east).clip(-1, width + 1).astype(np.intp) - begin, 1)
    first = np.cumsum(count) - count
    run = np.repeat(np.arange(len(count)), count)
    column = np.arange(len(run)) + (begin - first)[run]
    start, end = column.astype(np.float64), column + 1.0
    start[first], end[first + count - 1] = runs.west, runs.east
    across = runs.east - runs.west
    dy = (end - start) * np.divide(runs.dy, across, out=np.zeros(len(count)), where=across > 0)[run]
    whole = count == 1
    dy[first[whole]] = runs.dy[whole]
    inside = column.clip(0, width - 1)
    into = ((start + end) / 2 - inside).clip(0.0, 1.0)
    return _Pieces(run, inside, into, dy, first)


def _along(edges: _Edges, part: _Prefixed) -> Floats:
    """Integrals along each edge of the values, of their sizes, and of the cells with data.

    Counted from the first column of each zone: the less is added, the less is lost when it cancels.
    """
    width = part.window.width
    runs = _runs(edges, part.window)
    pieces = _pieces(runs, width)
    run, column = pieces.run, pieces.column
    base = runs.row * (width + 1)
    here, there, cell = base[run] + column, base + runs.left, (runs.row * width)[run] + column
    inside = part.sums.take(here) - part.sums.take(there)[run]
    terms = (inside + pieces.into * part.cells.take(cell)) * pieces.dy
    if part.known is None or part.counts is None:
        seen = (column - runs.left[run] + pieces.into) * pieces.dy
    else:
        inside = part.counts.take(here) - part.counts.take(there)[run]
        seen = (inside + pieces.into * part.known.take(cell)) * pieces.dy
    begins = pieces.first[runs.first]
    return np.stack([np.add.reduceat(one, begins) for one in (terms, np.abs(terms), seen)])

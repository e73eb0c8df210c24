"""One band of a GeoTIFF: which one, what its cells say, where they lie; read window by window, never whole."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.features import shapes as traced
from rasterio.windows import Window

from equity_screen.errors import InputError, finding
from equity_screen.schema import SENTINELS
from equity_screen.seam import framed, seam_of

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
# No measured quantity is below this; the least number of a float32 often stands for a missing value.
LEAST_PLAUSIBLE = -1e30
# As many rows at once as stay in a processor's cache.
BAND_ROWS = 256
# Blocks of the file are decoded whole: bands of rows follow them as long as they are not tall.
TALLEST_BLOCK = 1024
# At most so many cells of a band are held at once.
MOST_CELLS = 1 << 24
MOST_SIDES = 5_000_000
NAMES_SHOWN = 6
POINT = int(shapely.GeometryType.POINT)


@dataclass(frozen=True, slots=True)
class RasterBand:
    """One band of an open raster.

    Parameters
    ----------
    raster : rasterio.DatasetReader
        The open file.
    number : int
        Band, from 1.
    codes : tuple of float
        Values, as stored, that mean no data.
    masked : bool
        Whether the file has more to say on missing cells than those codes: a mask, an alpha band.
    name : str
        Name of the file.

    Examples
    --------
    >>> from rasterio.io import MemoryFile
    >>> profile = {"driver": "GTiff", "width": 2, "height": 1, "count": 1, "dtype": "uint8"}
    >>> with MemoryFile() as file, file.open(**profile, transform=rasterio.Affine(1, 0, 0, 0, -1, 1)) as raster:
    ...     raster.write(np.array([[7, 255]], dtype="uint8"), 1)
    ...     cells, known = RasterBand(raster, 1, (255.0,), False, "canopy.tif").read(Window(0, 0, 2, 1))
    >>> cells.tolist(), known.tolist()
    ([[7, 0]], [[True, False]])
    """

    raster: rasterio.DatasetReader
    number: int
    codes: tuple[float, ...]
    masked: bool
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the raster."""
        return self.raster.width, self.raster.height

    @property
    def kind(self) -> np.dtype[Any]:
        """Type of the values as stored."""
        kind: np.dtype[Any] = np.dtype(self.raster.dtypes[self.number - 1])
        return kind

    @property
    def scaling(self) -> tuple[float, float]:
        """Scale and offset: the values stand for ``stored × scale + offset``."""
        return self.raster.scales[self.number - 1], self.raster.offsets[self.number - 1]

    @property
    def block(self) -> tuple[int, int]:
        """Rows to read at once, whole blocks of the file where these are not tall; columns of a block."""
        tall, wide = self.raster.block_shapes[self.number - 1]
        rows = tall * max(1, BAND_ROWS // tall) if tall <= TALLEST_BLOCK else BAND_ROWS
        return min(rows, max(1, MOST_CELLS // self.raster.width)), wide

    @property
    def crs(self) -> CRS:
        """CRS of the file, by its parameters where it has no code."""
        return CRS.from_wkt(self.raster.crs.to_wkt())

    def in_cells(self, shapes: gpd.GeoSeries) -> NDArray[np.object_]:
        """Bring geometries into the raster's own space: columns and rows, counted in cells from its first corner.

        Parameters
        ----------
        shapes : GeoSeries
            Geometries in any CRS.

        Returns
        -------
        ndarray of geometries
            In cells; missing and empty ones stay so.
        """
        return np.asarray(shapely.transform(self.in_crs(shapes), self.to_cells))

    def in_crs(self, shapes: gpd.GeoSeries) -> NDArray[np.object_]:
        """Bring geometries into the raster's CRS, on its side of the antimeridian where it runs on over it.

        Parameters
        ----------
        shapes : GeoSeries
            Geometries in any CRS.

        Returns
        -------
        ndarray of geometries
            Cut where a raster around the globe begins and ends.
        """
        there, seam = shapes.to_crs(self.crs).array.to_numpy(), seam_of(self.crs)
        if seam is None:
            return np.asarray(there)
        at = self.raster.transform
        return framed(there, seam, middle=at.c + (at.a * self.raster.width + at.b * self.raster.height) / 2)

    def to_cells(self, places: Floats) -> Floats:
        """Bring positions in the raster's CRS into its own space.

        Parameters
        ----------
        places : ndarray, shape (n, 2)
            Positions in the CRS.

        Returns
        -------
        ndarray, shape (n, 2)
            Columns and rows, counted in cells.
        """
        at = self.raster.transform
        corner, back = np.array([at.c, at.f]), np.array([[at.e, -at.d], [-at.b, at.a]])
        return np.asarray((places - corner) @ back / at.determinant)

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Read the values of a window as stored, and which of its cells have data.

        Parameters
        ----------
        window : rasterio.windows.Window
            Columns and rows to read.

        Returns
        -------
        tuple
            Values, 0 where there is no data; and where there is data, None where that is everywhere.

        Raises
        ------
        InputError
            Codes for missing values that are neither tagged nor declared.
        """
        cells = self.raster.read(self.number, window=window, masked=self.masked)
        known = None
        if self.masked:
            cells, known = cells.data, ~np.ma.getmaskarray(cells)
        if self.codes:
            # Compared as the file holds them: a declared -9999.9 is another number once it is wider.
            known = _both(known, np.isin(cells, [cells.dtype.type(code) for code in self.codes], invert=True))
        if cells.dtype.kind == "f":
            known = _both(known, np.isfinite(cells))
        if known is not None and known.all():
            known = None
        cells = cells if known is None else np.where(known, cells, cells.dtype.type(0))
        _refuse_sentinels(cells, self.name)
        return cells, known

    def values(self, window: Window) -> Floats:
        """Read what the values of a window stand for.

        Parameters
        ----------
        window : rasterio.windows.Window
            Columns and rows to read.

        Returns
        -------
        ndarray of float64
            Values scaled and offset; NaN where there is no data.
        """
        cells, known = self.read(window)
        scale, offset = self.scaling
        values = cells * scale + offset
        return np.asarray(values if known is None else np.where(known, values, np.nan), dtype=np.float64)


@contextmanager
def open_band(
    path: str | Path, *, band: int | str | None = None, nodata: tuple[float, ...] = ()
) -> Iterator[RasterBand]:
    """Open one band of a GeoTIFF; whatever goes wrong while it is read is a fault of the file.

    Parameters
    ----------
    path : str or Path
        GeoTIFF, under any affine transform: rotated and south up are read as they are.
    band : int or str, optional
        Its number, from 1, or its description; not needed where there is only one.
    nodata : tuple of float
        Values, as stored, that mean no data, besides the tagged one.

    Yields
    ------
    RasterBand
        The band, as long as the context lasts.

    Raises
    ------
    InputError
        Not readable, no CRS, no place, no such band, or several and none named.

    Examples
    --------
    >>> with open_band("nowhere.tif") as band:
    ...     band.size
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.tif: cannot be read as a GeoTIFF. Mend: check the name and the file. [ES-RASTER-UNREADABLE]
    """
    path = Path(path)
    try:
        with _opened(path) as raster:
            _require_place(raster, path.name)
            number = _number(raster, band, path.name)
            yield _band(raster, number, nodata, path.name)
    except RasterioIOError as error:
        raise InputError([finding("ES-RASTER-UNREADABLE", path.name)]) from error


def _opened(path: Path) -> rasterio.DatasetReader:
    with warnings.catch_warnings():
        # Refused with its own words below.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path, driver="GTiff")


def _require_place(raster: rasterio.DatasetReader, name: str) -> None:
    if raster.crs is None:
        raise InputError([finding("ES-RASTER-CRS", name)])
    if raster.transform.is_identity or raster.transform.is_degenerate:
        raise InputError([finding("ES-RASTER-PLACE", name)])


def _number(raster: rasterio.DatasetReader, band: int | str | None, name: str) -> int:
    """Find the number of a band; one is needed unless all but one are alpha bands."""
    known = {n: text or "" for n, text in zip(raster.indexes, raster.descriptions, strict=True)}
    plain = [n for n, use in zip(raster.indexes, raster.colorinterp, strict=True) if use != ColorInterp.alpha]
    found = plain if band is None else [n for n, text in known.items() if band == n or (text and band == text)]
    if len(found) == 1:
        return int(found[0])
    shown = [f"{n} ({text})" if text else str(n) for n, text in known.items()]
    bands = ", ".join(shown[:NAMES_SHOWN]) + (", …" * (len(shown) > NAMES_SHOWN))
    code = "ES-RASTER-BANDS" if band is None or found else "ES-RASTER-BAND"
    raise InputError([finding(code, name, band=band, count=len(known), bands=bands)])


def _band(raster: rasterio.DatasetReader, number: int, nodata: tuple[float, ...], name: str) -> RasterBand:
    """Look up how a band says which cells have no data."""
    if raster.dtypes[number - 1].startswith("complex"):
        raise InputError([finding("ES-RASTER-KIND", name)])
    flags, kind = raster.mask_flag_enums[number - 1], np.dtype(raster.dtypes[number - 1])
    # GDAL compares a tag with floats in its own way; with integers there is but one.
    simple = flags == [MaskFlags.all_valid] or (flags == [MaskFlags.nodata] and kind.kind in "iu")
    tag = raster.nodatavals[number - 1]
    tagged = (tag,) if simple and tag is not None else ()
    return RasterBand(raster, number, _held((*nodata, *tagged), kind), not simple, name)


def _held(codes: tuple[float, ...], kind: np.dtype[Any]) -> tuple[float, ...]:
    """Codes that a band of this kind can hold at all."""
    if kind.kind == "f":
        return codes
    limits = np.iinfo(kind)
    return tuple(code for code in codes if float(code).is_integer() and limits.min <= code <= limits.max)


def _both(one: NDArray[np.bool_] | None, other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return other if one is None else one & other


def _refuse_sentinels(cells: NDArray[Any], name: str) -> None:
    """Refuse well-known codes of missing values; one look at all cells, a second only at those far below 0."""
    if cells.dtype.kind == "u" or not cells.size or cells.min() > max(SENTINELS):
        return
    low = np.unique(cells[cells <= max(SENTINELS)]).tolist()
    codes = {float(code) for code in np.array(SENTINELS).astype(cells.dtype if cells.dtype.kind == "f" else float)}
    found = sorted(value for value in low if value in codes or value < LEAST_PLAUSIBLE)
    if found:
        raise InputError(finding("ES-RASTER-SENTINEL", name, cell=f"{code:.9g}") for code in found[:3])


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of a raster that hold all places asked for, and which of them each place needs.

    Parameters
    ----------
    places, window : ndarray of int
        Pairs of a place and a window that it lies in, by place, then downward.
    first : ndarray of int
        Where each place's pairs begin.
    top, bottom, left, right : ndarray of int
        Rows and columns of each window, the last ones excluded.

    Examples
    --------
    >>> windows = windows_of(np.array([[0, 0, 2, 3], [90, 1, 92, 5]]), block=(4, 10))
    >>> [(w.col_off, w.row_off, w.width, w.height) for w in map(windows.at, range(3))]
    [(0, 0, 2, 3), (90, 1, 2, 3), (90, 4, 2, 1)]
    """

    places: Integers
    window: Integers
    first: Integers
    top: Integers
    bottom: Integers
    left: Integers
    right: Integers

    def at(self, number: int) -> Window:
        """Give a window as rasterio reads it.

        Parameters
        ----------
        number : int
            Which window.

        Returns
        -------
        rasterio.windows.Window
            Its columns and rows.
        """
        left, top = int(self.left[number]), int(self.top[number])
        return Window(left, top, int(self.right[number]) - left, int(self.bottom[number]) - top)


def windows_of(bounds: Integers, *, block: tuple[int, int]) -> Windows:
    """Find the windows to read: in bands of rows, places side by side share one, those far apart do not.

    Parameters
    ----------
    bounds : ndarray of int, shape (n, 4)
        First column, first row, last column and last row of each place, the last ones excluded;
        a place with no row or no column needs no window.
    block : tuple of int
        Rows of a band, and the columns that two windows of a band are at least apart.

    Returns
    -------
    Windows
        Windows that do not overlap.

    Examples
    --------
    >>> windows_of(np.array([[0, 0, 2, 3], [3, 1, 5, 4]]), block=(4, 10)).window.tolist()
    [0, 0]
    """
    left, top, right, bottom = bounds.T
    rows, apart = block
    bands = np.where((bottom > top) & (right > left), (bottom - 1) // rows - top // rows + 1, 0)
    places, step = expanded(bands)
    band = top[places] // rows + step
    order = np.lexsort((places, left[places], band))
    # Farther on by more than any column for each band: what was reached in one band never reaches the next.
    stride = int(right.max(initial=0)) + apart + 1
    reached = np.maximum.accumulate((right[places] + band * stride)[order])
    begins = (left[places] + band * stride)[order] >= np.concatenate([[-stride], reached[:-1] + apart])
    window = np.empty(len(places), dtype=np.intp)
    window[order] = np.cumsum(begins) - 1
    start, mine = np.flatnonzero(begins), places[order]
    highest, lowest = np.maximum(top[places], band * rows)[order], np.minimum(bottom[places], (band + 1) * rows)[order]
    return Windows(
        places,
        window,
        np.cumsum(bands) - bands,
        _reduced(np.minimum, highest, start),
        _reduced(np.maximum, lowest, start),
        _reduced(np.minimum, left[mine], start),
        _reduced(np.maximum, right[mine], start),
    )


def _reduced(how: np.ufunc, values: Integers, start: Integers) -> Integers:
    return np.asarray(how.reduceat(values, start)) if len(start) else values


def expanded(counts: Integers) -> tuple[Integers, Integers]:
    """Repeat each position as often as it counts, and number the repeats from 0.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        How often each position comes.

    Returns
    -------
    tuple of ndarray of int
        Positions, and the number of each repeat.

    Examples
    --------
    >>> [part.tolist() for part in expanded(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    whose = np.repeat(np.arange(len(counts)), counts)
    return whose, np.arange(len(whose)) - np.repeat(np.cumsum(counts) - counts, counts)


def raster_values(
    path: str | Path, points: gpd.GeoSeries, *, band: int | str | None = None, nodata: tuple[float, ...] = ()
) -> pd.Series:
    """Value of the cell that each point lies in.

    Parameters
    ----------
    path : str or Path
        GeoTIFF.
    points : GeoSeries
        Points in any CRS; rows may be without.
    band : int or str, optional
        Its number, from 1, or its description; not needed where there is only one.
    nodata : tuple of float
        Values that mean no data, besides the tagged one.

    Returns
    -------
    pandas.Series of float64
        Value [the raster's unit]; NaN outside the raster and where there is no data, never 0. A point
        on the line between two cells is in the one of the higher column and row.

    Raises
    ------
    InputError
        As for :func:`equity_screen.zonal.raster_means`.

    Examples
    --------
    >>> raster_values("nowhere.tif", gpd.GeoSeries([], crs=25832))
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.tif: cannot be read as a GeoTIFF. Mend: check the name and the file. [ES-RASTER-UNREADABLE]
    """
    with open_band(path, band=band, nodata=nodata) as opened:
        at = opened.in_cells(points)
        places = shapely.bounds(at)[:, :2]
        inside = ((places >= 0) & (places < opened.size)).all(axis=1) & (shapely.get_type_id(at) == POINT)
        cells = np.floor(places[inside]).astype(np.intp)
        values = np.full(len(points), np.nan)
        values[inside] = _at(opened, cells)
    return pd.Series(values, index=points.index, name="value")


def _at(band: RasterBand, cells: Integers) -> Floats:
    """Values of cells by their columns and rows, NaN where there is no data."""
    windows = windows_of(np.column_stack([cells, cells + 1]), block=band.block)
    values = np.full(len(cells), np.nan)
    order = np.argsort(windows.window, kind="stable")
    ends = np.searchsorted(windows.window[order], np.arange(len(windows.top) + 1))
    for number, (begin, end) in enumerate(pairwise(ends)):
        mine = order[begin:end]
        column, row = (cells[mine] - (windows.left[number], windows.top[number])).T
        values[mine] = band.values(windows.at(number))[row, column]
    return values


def raster_where(path: str | Path, *, band: int | str | None = None, nodata: tuple[float, ...] = ()) -> gpd.GeoSeries:
    """Outline the cells that have data other than 0: where an effect on a raster is at all.

    Parameters
    ----------
    path : str or Path
        GeoTIFF.
    band : int or str, optional
        Its number, from 1, or its description; not needed where there is only one.
    nodata : tuple of float
        Values that mean no data, besides the tagged one.

    Returns
    -------
    GeoSeries
        Polygons in the raster's CRS, one for each patch of cells that share sides, in the order of
        their first cells; none where all is 0.

    Raises
    ------
    InputError
        As for :func:`equity_screen.zonal.raster_means`, or an outline of more than 5 million sides of cells.

    Examples
    --------
    >>> raster_where("nowhere.tif")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.tif: cannot be read as a GeoTIFF. Mend: check the name and the file. [ES-RASTER-UNREADABLE]
    """
    with open_band(path, band=band, nodata=nodata) as opened:
        there = _there(opened)
        sides = int(np.count_nonzero(np.diff(there, axis=0))) + int(np.count_nonzero(np.diff(there, axis=1)))
        if sides > MOST_SIDES:
            raise InputError([finding("ES-RASTER-SPECKLED", opened.name, sides=sides, most=MOST_SIDES)])
        patches = traced(there.view(np.uint8), mask=there, connectivity=4, transform=opened.raster.transform)
        polygons = [shapely.geometry.shape(patch) for patch, _ in patches]
        return gpd.GeoSeries(polygons, crs=opened.crs)


def _there(band: RasterBand) -> NDArray[np.bool_]:
    """Tell the cells with data other than 0."""
    (width, height), (rows, _) = band.size, band.block
    there = np.empty((height, width), dtype=np.bool_)
    for top in range(0, height, rows):
        values = band.values(Window(0, top, width, min(rows, height - top)))
        there[top : top + rows] = (values != 0) & ~np.isnan(values)
    return there

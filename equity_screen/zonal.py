"""Rasters to neighbourhoods, by the exact fraction of each cell that a neighbourhood covers."""

from __future__ import annotations

import warnings
from pathlib import Path

import exactextract
import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from pyproj import CRS
from rasterio.errors import RasterioIOError

from equity_screen.errors import InputError, finding
from equity_screen.schema import SENTINELS

# A zone beside a layer shares slivers with it once both are in one CRS; they are no observation.
LEAST_COVERAGE = 1e-6
# No measured quantity is below this; the least number of a float32 often stands for a missing value.
LEAST_PLAUSIBLE = -1e30


def raster_means(
    path: str | Path, zones: gpd.GeoSeries, *, band: int = 1, nodata: tuple[float, ...] = ()
) -> pd.DataFrame:
    r"""Mean of a raster over each zone, and the share of the zone that had data.

    .. math:: \bar v_i = \sum_c f_{ic} v_c \,/ \sum_c f_{ic}

    over the cells c with data, where f is the fraction of the cell inside the zone.

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
        Not readable, no CRS, no such band, or rotated.

    References
    ----------
    Cell fractions: the exactextract library, https://github.com/isciences/exactextract

    Examples
    --------
    >>> raster_means("nowhere.tif", gpd.GeoSeries([], crs=25832))
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.tif: cannot be read as a GeoTIFF. Mend: check the name and the file. [ES-RASTER-UNREADABLE]
    """
    path = Path(path)
    crs, values, transform = _read_band(path, band, nodata=nodata)
    missing = ~np.isfinite(values)
    # A polygon without area, where nobody lives, sees nothing.
    shapes = zones[~zones.is_empty].to_crs(crs)
    source = _memory_raster(np.where(missing, np.nan, values), transform, crs)
    frame = gpd.GeoDataFrame(geometry=shapes.reset_index(drop=True))
    with warnings.catch_warnings():
        # exactextract multiplies affine transforms in a way that affine announces to drop.
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        # The CRSs are equal by construction; their WKT spellings need not be.
        warnings.filterwarnings("ignore", message="Spatial reference system", category=RuntimeWarning)
        found = exactextract.exact_extract(source, frame, ["mean", "count"], output="pandas")
    cell_area = abs(transform.a * transform.e)
    coverage = (found["count"].to_numpy() * cell_area / shapes.area.to_numpy()).clip(0.0, 1.0)
    seen = coverage > LEAST_COVERAGE
    mean = found["mean"].to_numpy(dtype=np.float64)
    means = {"mean": np.where(seen, mean, np.nan), "coverage": np.where(seen, coverage, 0.0)}
    return pd.DataFrame(means, index=shapes.index).reindex(zones.index).fillna({"coverage": 0.0})


def _read_band(path: Path, band: int, *, nodata: tuple[float, ...]) -> tuple[CRS, np.ndarray, rasterio.Affine]:
    try:
        with rasterio.open(path, driver="GTiff") as raster:
            _refuse(raster, band, name=path.name)
            # Masked where the nodata tag, a mask or an alpha band says so.
            cells = raster.read(band, masked=True)
            # Compared as the file holds them: a declared -9999.9 is another number once it is wider.
            absent = np.isin(cells.data, list(map(cells.dtype.type, _held(nodata, cells.dtype))))
            values = np.where(absent, np.nan, cells.astype(np.float64).filled(np.nan))
            _refuse_sentinels(values, path.name)
            scaled = values * raster.scales[band - 1] + raster.offsets[band - 1]
            return CRS.from_wkt(raster.crs.to_wkt()), scaled, raster.transform
    except RasterioIOError as error:
        fault = finding("ES-RASTER-UNREADABLE", path.name)
        raise InputError([fault]) from error


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


def _memory_raster(values: np.ndarray, transform: rasterio.Affine, crs: CRS) -> exactextract.raster.NumPyRasterSource:
    height, width = values.shape
    left, top = transform.c, transform.f
    return exactextract.raster.NumPyRasterSource(
        values,
        xmin=left,
        ymin=top + height * transform.e,
        xmax=left + width * transform.a,
        ymax=top,
        nodata=np.nan,
        srs_wkt=crs.to_wkt(),
    )

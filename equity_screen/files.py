"""Files in and out: one reader for each kind of file, and a GeoPackage writer whose bytes repeat."""

from __future__ import annotations

import csv
import gzip
import io
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from equity_screen.errors import InputError, finding
from equity_screen.schema import Origin
from equity_screen.spreadsheets import read_sheet

MOST_BYTES = 1 << 30
"""Largest text that a gzip file may unpack to [bytes]."""
FIRST_BYTES = 1 << 20
"""Enough for any header [bytes]."""


def _read_csv(path: Path, layer: str | None) -> tuple[pd.DataFrame, Origin]:  # noqa: ARG001 - one signature for all readers
    content = _unpacked(path)
    header = next(csv.reader(io.TextIOWrapper(io.BytesIO(content[:FIRST_BYTES]), "utf-8-sig", "replace")), [])
    mark = next((m for m in (";", "\t", "|") if len(header) == 1 and m in header[0]), None)
    if mark is not None:
        raise InputError([finding("ES-FILE-SEPARATOR", path.name, mark="tabs" if mark == "\t" else f"'{mark}'")])
    twice = sorted({name for name in header if header.count(name) > 1 and name})
    if twice:
        raise InputError(finding("ES-COLUMN-DUPLICATE", path.name, column=name) for name in twice)
    with warnings.catch_warnings():
        # A row with a cell too many would shift the others by one: it is a fault, not an index.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        table = pd.read_csv(
            io.BytesIO(content),
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=False,
            skip_blank_lines=False,
        )
    blank = (table == "").all(axis=1).to_numpy(dtype=bool)
    lines = tuple(int(i) + 2 for i in np.flatnonzero(~blank)) if blank.any() else ()
    return table[~blank], Origin(path.name, "row", lines)


def _unpacked(path: Path) -> bytes:
    """Read the bytes of a text file, unpacked where it is a gzip file, and never more than are bearable."""
    if path.suffix.lower() != ".gz":
        return path.read_bytes()
    with gzip.open(path) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InputError([finding("ES-FILE-SIZE", path.name, limit=MOST_BYTES >> 20)])
    return content


def _read_parquet(path: Path, layer: str | None) -> tuple[pd.DataFrame, Origin]:  # noqa: ARG001
    try:
        return gpd.read_parquet(path), Origin(path.name, "feature")
    except ValueError:  # no geometry metadata: a plain table
        return pd.read_parquet(path), Origin(path.name, "feature")


def _read_vector(path: Path, layer: str | None) -> tuple[pd.DataFrame, Origin]:
    names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    if layer not in names and (layer is not None or len(names) > 1):
        raise InputError([finding("ES-FILE-LAYERS", path.name, count=len(names), names=", ".join(names))])
    return gpd.read_file(path, layer=layer or names[0]), Origin(path.name, "feature")


Reader = Callable[[Path, str | None], tuple[pd.DataFrame, Origin]]
READERS: Mapping[str, Reader] = MappingProxyType(
    {
        ".csv": _read_csv,
        ".csv.gz": _read_csv,
        ".xlsx": read_sheet,
        ".parquet": _read_parquet,
        ".geoparquet": _read_parquet,
        ".gpkg": _read_vector,
        ".geojson": _read_vector,
        ".json": _read_vector,
        ".shp": _read_vector,
        ".fgb": _read_vector,
    }
)


def read_table(path: str | Path, *, layer: str | None = None) -> tuple[pd.DataFrame, Origin]:
    """Read a file as it is: text stays text, rows keep their order.

    Parameters
    ----------
    path : str or Path
        CSV (also as .csv.gz), XLSX, Parquet, GeoPackage, GeoJSON, Shapefile or FlatGeobuf.
    layer : str, optional
        Layer of a file that has several; sheet of a workbook, the first one unless given.

    Returns
    -------
    table : DataFrame or GeoDataFrame
        Rows on positions 0 … n−1.
    origin : Origin
        How to name the rows in messages.

    Raises
    ------
    InputError
        No such file, unknown kind of file, several layers, no rows, or not readable.

    Examples
    --------
    >>> read_table("nowhere.gpkg")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.gpkg: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    path = Path(path)
    if not path.is_file():
        raise InputError([finding("ES-FILE-MISSING", path.name)])
    packed = path.name.lower().endswith(".csv.gz")
    reader = READERS.get(".csv.gz" if packed else path.suffix.lower())
    if reader is None:
        raise InputError([finding("ES-FILE-KIND", path.name, kinds=", ".join(READERS))])
    try:
        table, origin = reader(path, layer)
    except UnicodeError as error:
        raise InputError([finding("ES-FILE-ENCODING", path.name)]) from error
    except (
        pyogrio.errors.DataSourceError,
        shapely.errors.ShapelyError,
        pa.ArrowException,
        pd.errors.ParserError,
        pd.errors.ParserWarning,
        pd.errors.EmptyDataError,
        OSError,
        EOFError,
        zlib.error,
        csv.Error,
    ) as error:
        said = str(error).replace(str(path), path.name)
        raise InputError([finding("ES-FILE-UNREADABLE", path.name, error=said)]) from error
    if table.empty:
        raise InputError([finding("ES-FILE-EMPTY", origin.file)])
    table = table.rename(columns=lambda name: str(name).strip())
    twice = table.columns[table.columns.duplicated()].unique()
    if len(twice):
        raise InputError(finding("ES-COLUMN-DUPLICATE", path.name, column=str(name)) for name in twice)
    return table.reset_index(drop=True), origin


def need_geometry(frame: pd.DataFrame, path: Path) -> gpd.GeoDataFrame:
    """Refuse a table without geometry where a layer is needed.

    Parameters
    ----------
    frame : DataFrame
        Table as read.
    path : Path
        Its file.

    Returns
    -------
    GeoDataFrame
        The same table.

    Raises
    ------
    InputError
        A table without geometry.

    Examples
    --------
    >>> need_geometry(gpd.GeoDataFrame(geometry=[]), Path("a.gpkg")).empty
    True
    """
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError([finding("ES-GEOM-NONE", path.name)])
    return frame


@contextmanager
def _dated(moment: str) -> Iterator[None]:
    """Let GDAL write `moment` as the date of change, and restore its own afterwards."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def write_geopackage(layer: gpd.GeoDataFrame, path: Path) -> None:
    """Write a layer as a new GeoPackage; equal layers give equal bytes.

    Parameters
    ----------
    layer : GeoDataFrame
        Layer; it bears the file's stem as its name.
    path : Path
        File to write; an old one is removed first.

    Examples
    --------
    >>> import tempfile, shapely
    >>> layer = gpd.GeoDataFrame({"id": ["007"]}, geometry=[shapely.Point(0, 0)], crs=25832)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_geopackage(layer, Path(folder) / "sites.gpkg")
    ...     gpd.read_file(Path(folder) / "sites.gpkg")["id"].tolist()
    ['007']
    """
    path.unlink(missing_ok=True)  # else GDAL would write into the old file and keep its pages
    with _dated("2030-01-01T00:00:00.000Z"):
        layer.to_file(path, driver="GPKG", layer=path.stem)

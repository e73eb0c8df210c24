"""Population points by the million: sorted once, kept in one file, and opened in place."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.ellipsoid import GEOD, Floats, Places, Positions, in_space, lonlat
from equity_screen.errors import InputError, OutputError, UsageError, finding

Bytes = NDArray[np.uint8]

# Points are kept in bands of latitude of 1.2 km [rad], by longitude in each; 8 is more than a full turn.
BAND = 1_200.0 / GEOD.a
STRIDE = 8.0
_MAGIC, _VERSION = b"ESPOINTS", 1
_PREFIX = struct.Struct("<8sQQ40x")
_LINE = 64


@dataclass(frozen=True, slots=True, eq=False)
class PointStore:
    """Points in the order in which they are searched, with the numbers that are summed.

    Parameters
    ----------
    key : ndarray of float64, shape (n,)
        Band of latitude and longitude in it, as one ascending number.
    xyz : ndarray of float64, shape (n, 3)
        Position in space [m], Earth-centred, WGS 84.
    row : ndarray of int64, shape (n,)
        Position of each point in the table that the store was made of.
    table : ndarray of float32 or float64, shape (n, columns)
        Values of each point.
    columns : tuple of str
        Names of the values.

    Examples
    --------
    >>> store = point_store(np.array([[12.6, 55.7], [12.5, 55.7]]), pd.DataFrame({"people": [5, 30]}))
    >>> len(store), store.columns, store.row.tolist(), store.table.tolist()
    (2, ('people',), [1, 0], [[30.0], [5.0]])
    """

    key: Floats
    xyz: Floats
    row: NDArray[np.int64]
    table: NDArray[np.float32] | Floats
    columns: tuple[str, ...]

    def __repr__(self) -> str:
        """Say how many points there are, and their columns."""
        return f"PointStore({len(self):,} points; {', '.join(self.columns) or 'no columns'})"

    def __len__(self) -> int:
        """Count the points."""
        return len(self.key)


def band_of(lat: Floats) -> NDArray[np.int64]:
    """Give the number of the band that a latitude lies in.

    Parameters
    ----------
    lat : ndarray of float64
        Latitude [rad].

    Returns
    -------
    ndarray of int64
        0 from the equator northwards, −1 southwards.

    Examples
    --------
    >>> band_of(np.array([-1e-9, 0.0, 1.5 * BAND])).tolist()
    [-1, 0, 1]
    """
    return np.floor(lat / BAND).astype(np.int64)


def point_store(places: Places, values: pd.DataFrame) -> PointStore:
    """Sort points, once, so that what is near can be summed at once.

    Parameters
    ----------
    places : GeoSeries or ndarray of float64, shape (n, 2)
        Points with a CRS; or longitude and latitude [°, WGS 84].
    values : DataFrame
        Numbers of each point, none missing; kept as float32 where all columns are that, else as float64.

    Returns
    -------
    PointStore
        The points; the same sums to the last bit, whatever the order of the rows.

    Raises
    ------
    InputError
        A point without a place, or with one that cannot be.
    UsageError
        Points without a CRS, rows that do not belong together, a missing number, or columns that are no numbers.

    Examples
    --------
    >>> homes = gpd.GeoSeries.from_xy([12.5, 12.6], [55.7, 55.7], crs=4326)
    >>> len(point_store(homes, pd.DataFrame({"people": [30, 5]})))
    2
    """
    table = _matrix(places, values)
    lon, lat = lonlat(places, "points").T
    key = band_of(lat) * STRIDE + (lon + np.pi)
    order = _sorted(key, lon, lat, table=table)
    store = (key[order], in_space(lon[order], lat[order]), order.astype(np.int64), table.take(order, axis=0))
    for array in store:
        array.flags.writeable = False
    return PointStore(*store, columns=tuple(values.columns))


def _matrix(places: Places, values: pd.DataFrame) -> NDArray[np.float32] | Floats:
    """Check the numbers of the points and give them as one array."""
    same = values.index.equals(places.index) if isinstance(places, gpd.GeoSeries) else len(values) == len(places)
    if not same:
        msg = f"{len(places)} points and {len(values)} rows of values that are not the same rows; give both one index"
        raise UsageError(msg)
    if not (values.columns.is_unique and all(isinstance(name, str) for name in values.columns)):
        msg = f"columns of the values that are not texts, or not unique: {list(values.columns)}"
        raise UsageError(msg)
    odd = [name for name in values.columns if not pd.api.types.is_numeric_dtype(values[name])]
    if odd:
        msg = f"values that are no numbers in {', '.join(odd)}; convert or drop them"
        raise UsageError(msg)
    single = bool((values.dtypes == np.float32).all()) and values.shape[1] > 0
    table: Floats | NDArray[np.float32] = values.to_numpy(dtype=np.float32 if single else np.float64, na_value=np.nan)
    gaps = ~np.isfinite(table).all(axis=0)
    if gaps.any():
        names = ", ".join(values.columns[gaps])
        msg = f"missing or infinite values in {names}; supply them, or count those without a value in another column"
        raise UsageError(msg)
    return table


def _sorted(key: Floats, lon: Floats, lat: Floats, *, table: NDArray[np.float32] | Floats) -> Positions:
    """Order points by key; where keys are equal, by place, values and row, so that no order of the rows shows."""
    order = np.argsort(key)
    equal = np.diff(key[order]) == 0
    tied = np.append(equal, False) | np.append(False, equal) if len(key) else np.empty(0, dtype=bool)
    rows = order[tied]
    order[tied] = rows[np.lexsort((rows, *table[rows].T[::-1], lon[rows], lat[rows], key[rows]))]
    return order


def write_points(store: PointStore, path: str | Path) -> None:
    """Write a store into one file, whole or not at all; equal stores give equal bytes.

    Parameters
    ----------
    store : PointStore
        Points.
    path : str or Path
        File to write or to replace.

    Raises
    ------
    OutputError
        Where it cannot be written; an old file is as it was.

    Examples
    --------
    >>> import tempfile
    >>> store = point_store(np.array([[12.5, 55.7]]), pd.DataFrame({"people": [30]}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_points(store, Path(folder) / "homes.points")
    ...     open_points(Path(folder) / "homes.points").columns
    ('people',)
    """
    path = Path(path)
    said = {"columns": store.columns, "count": len(store), "kind": store.table.dtype.name, "version": _VERSION}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
    header = np.frombuffer(text + b" " * (-len(text) % _LINE), dtype=np.uint8)
    blocks = [header, *map(_bytes, (store.key, store.xyz, store.row, store.table))]
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as stream:
            stream.write(_PREFIX.pack(_MAGIC, len(header), _checksum(blocks)))
            for block in blocks:
                block.tofile(stream)
                stream.write(bytes(-len(block) % _LINE))
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        msg = f"cannot write {path}: {error}. Mend: check the disk and the folder's rights"
        raise OutputError(msg) from error


def _bytes(array: NDArray[np.generic]) -> Bytes:
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8)


def _checksum(blocks: Sequence[Bytes]) -> int:
    """Sum of all words of eight bytes: no change of one word goes unseen, and a gigabyte takes a fraction of 1 s."""
    total = 0
    for block in blocks:
        whole = len(block) // 8 * 8
        total += int(block[:whole].view("<u8").sum(dtype=np.uint64))
        total += int.from_bytes(block[whole:].tobytes(), "little")
    return total % (1 << 64)


def open_points(path: str | Path) -> PointStore:
    """Open a file of :func:`write_points` in place: nothing is copied, pages are read as they are needed.

    Parameters
    ----------
    path : str or Path
        File.

    Returns
    -------
    PointStore
        The points as they were written.

    Raises
    ------
    InputError
        No such file, another kind of file, another version, or a damaged one (its checksum is verified).

    Examples
    --------
    >>> open_points("nowhere.points")
    Traceback (most recent call last):
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.points: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    path = Path(path)
    if not path.exists():
        raise InputError([finding("ES-FILE-MISSING", path.name)])
    try:
        return _opened(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError([finding("ES-FILE-UNREADABLE", path.name, error=str(error))]) from error


def _opened(path: Path) -> PointStore:
    size = path.stat().st_size
    _hold(size >= _PREFIX.size, "no file of stored points")
    bytes_ = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
    magic, length, checksum = _PREFIX.unpack(bytes_[: _PREFIX.size].tobytes())
    _hold(magic == _MAGIC, "no file of stored points")
    _hold(_checksum([bytes_[_PREFIX.size :]]) == checksum, "cut short or damaged")
    said = json.loads(bytes_[_PREFIX.size : _PREFIX.size + length].tobytes())
    _hold(said["version"] == _VERSION, f"version {said['version']}, where {_VERSION} is known; write it anew")
    count, columns = said["count"], tuple(said["columns"])
    shapes = {"key": (count,), "xyz": (count, 3), "row": (count,), "table": (count, len(columns))}
    kinds = {"row": "<i8", "table": np.dtype(said["kind"]).newbyteorder("<")}
    parts, at = {}, _PREFIX.size + length
    for name, shape in shapes.items():
        kind = np.dtype(kinds.get(name, "<f8"))
        end = at + int(np.prod(shape)) * kind.itemsize
        parts[name] = bytes_[at:end].view(kind).reshape(shape)
        at = end + -end % _LINE
    _hold(at == size, "cut short or damaged")
    return PointStore(**parts, columns=columns)


def _hold(truth: bool, otherwise: str) -> None:  # noqa: FBT001 - what is to hold
    if not truth:
        raise ValueError(otherwise)

"""Outputs published whole or not at all: staged beside the folder, then switched in."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import requires, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj
import rasterio
import shapely

from equity_screen.errors import LockedError, OutputError
from equity_screen.files import write_geopackage
from equity_screen.gathered import Progress
from equity_screen.maps import write_map
from equity_screen.project import Project
from equity_screen.report import write_report
from equity_screen.result import Result
from equity_screen.text import safe_cell

RECORD = "run.json"
Writer = Callable[[Result, Path], None]


def _csv(table: pd.DataFrame, path: Path, *, index: bool) -> None:
    """Write a table whose text cells are text in a spreadsheet, too."""
    flat = table.reset_index() if index else table
    safe = flat.map(safe_cell).rename(columns=lambda name: str(safe_cell(str(name))))
    safe.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _table(name: str, *, index: bool = False) -> Writer:
    return lambda result, path: _csv(getattr(result, name), path, index=index)


def _layer(result: Result) -> gpd.GeoDataFrame:
    return result.neighbourhoods.reset_index()


def _parquet(result: Result, path: Path) -> None:
    _layer(result).to_parquet(path, index=False, write_covering_bbox=True, compression="zstd")


REACH_TABLES = ("times_reached", "only_by", "overlaps", "missed", "distances", "distance_curve", "holds")
FAIRNESS_TABLES = (
    *("dimensions", "measures", "gains", "net", "net_by_group", "references", "policy", "three_questions"),
    *("segregation", "grades", "weighted", "reliability", "chance", "stability", "zonings", "zoning_range"),
)
WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "scores.csv": _table("scores", index=True),
        "by_effect.csv": _table("by_effect", index=True),
        "by_group.csv": _table("by_group"),
        "together.csv": _table("together"),
        **{f"{name}.csv": _table(name) for name in REACH_TABLES},
        "unseen.csv": _table("unseen"),
        "compared.csv": _table("compared", index=True),
        "compared_by_group.csv": _table("compared_by_group"),
        "by_boundary.csv": _table("by_boundary"),
        "by_boundary_effect.csv": _table("by_boundary_effect"),
        "footprints.csv": _table("footprints"),
        "baseline.csv": _table("baseline"),
        "before_after.csv": _table("before_after"),
        **{f"{name}.csv": _table(name) for name in FAIRNESS_TABLES},
        "redress.csv": _table("redress", index=True),
        "timeline.csv": _table("timeline"),
        "ledger.csv": _table("ledger"),
        "coverage.csv": _table("coverage"),
        "status.csv": _table("status"),
        "neighbourhoods.gpkg": lambda result, path: write_geopackage(_layer(result), path),
        "neighbourhoods.parquet": _parquet,
        "areas.gpkg": lambda result, path: write_geopackage(result.areas, path),
        "reach.gpkg": lambda result, path: write_geopackage(result.reach, path),
        "map.html": write_map,
        "report.html": lambda result, path: write_report(result, path, versions=versions()),
    }
)


def versions() -> dict[str, str]:
    """Versions of this package, of every library it needs, and of the C libraries inside them.

    Returns
    -------
    dict of str
        Name → version.

    Examples
    --------
    >>> sorted(versions())[:3]
    ['GDAL (pyogrio)', 'GDAL (rasterio)', 'GEOS']
    """
    needed = [part.split(">")[0] for part in requires("equity-screen") or [] if "extra ==" not in part]
    inside = {
        "GDAL (rasterio)": rasterio.__gdal_version__,
        "GDAL (pyogrio)": ".".join(map(str, pyogrio.__gdal_version__)),
        "GEOS": ".".join(map(str, shapely.geos_version)),
        "PROJ": pyproj.proj_version_str,
        "Python": platform.python_version(),
    }
    return dict(sorted({**{name: version(name) for name in ["equity-screen", *needed]}, **inside}.items()))


def publish(
    result: Result, folder: str | Path, *, project: Project | None = None, progress: Progress = lambda _: None
) -> Path:
    """Write all outputs into one folder, whole or not at all.

    The files are written into a folder beside it; only when all of them are on the disk does it take
    the place of the old one.

    Parameters
    ----------
    result : Result
        What was found.
    folder : str or Path
        Folder to make or to replace; one that this package did not write is left alone.
    project : Project, optional
        The project, kept in ``run.json``.
    progress : callable
        Told the name of each file.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        The folder holds other files, or the disk refuses; the previous outputs are as they were.
    LockedError
        Another run is writing the same folder.

    Examples
    --------
    >>> publish(None, "README.md/results")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ...
    equity_screen.errors.OutputError: cannot write README.md/results
    """
    given, folder = Path(folder), Path(folder).resolve()
    try:
        _refuse_foreign(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder), _staging(folder) as stage:
            _bring_back(folder)
            for name, write in WRITERS.items():
                progress(name)
                if _was_asked(result, name):
                    write(result, stage / name)
            _write_record(result, stage, project)
            _to_disk(stage)
            _switch(stage, folder)
    except (OSError, pyogrio.errors.DataSourceError) as error:
        if isinstance(error, OutputError):
            raise
        kept = "The previous outputs are as they were"
        msg = f"cannot write {given}: {error}. {kept}. Mend: check the disk and the folder's rights"
        raise OutputError(msg) from error
    return given


def _was_asked(result: Result, name: str) -> bool:
    """Tell whether there is anything to write: a table that was not asked for has no columns, and gets no file."""
    table = getattr(result, name.removesuffix(".csv"), None) if name.endswith(".csv") else None
    return not isinstance(table, pd.DataFrame) or len(table.columns) > 0


def _refuse_foreign(folder: Path) -> None:
    """Leave alone what this package did not write."""
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file. Mend: name another folder with --out"
        raise OutputError(msg)
    foreign = sorted({path.name for path in folder.iterdir()} - _ours(folder)) if folder.is_dir() else []
    if foreign:
        msg = f"{folder} holds files that are not ours ({', '.join(foreign[:3])}). Mend: name another folder with --out"
        raise OutputError(msg)


def _ours(folder: Path) -> set[str]:
    """Name the files that an earlier run wrote into a folder, by its own record."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {RECORD, *record["outputs"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this run; a lock left by a run that died is taken over."""
    lock = folder.parent / f".{folder.name}.lock"
    if lock.is_file() and not _alive(lock):
        lock.unlink(missing_ok=True)
    mine = lock.with_name(f"{lock.name}.{os.getpid()}")
    mine.write_text(str(os.getpid()), encoding="ascii")
    try:
        os.link(mine, lock)  # at once with its content, and only where there is none
    except FileExistsError as error:
        msg = f"{folder} is being written by another run. Mend: wait for it, or name another folder with --out"
        raise LockedError(msg) from error
    finally:
        mine.unlink()
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _alive(lock: Path) -> bool:
    """Tell whether the run that wrote a lock still goes on; where in doubt it does."""
    try:
        owner = int(lock.read_text(encoding="ascii") or "0")
    except (OSError, ValueError):
        return True
    if owner == os.getpid():  # a number used again: this run has no lock yet
        return False
    if owner <= 0 or os.name == "nt":  # on Windows a signal 0 would end the process
        return True
    try:
        os.kill(owner, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    stage = folder.parent / f".{folder.name}.equity-screen-partial"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _write_record(result: Result, stage: Path, project: Project | None) -> None:
    asked: Project | Any = project if project is not None else result.question
    record = {
        "note": "Screening is a first look, not a determination.",
        "versions": versions(),
        "parameters": asked.model_dump(mode="json"),
        "seeds": _seeds(result),
        "inputs": list(result.inputs),
        "outputs": {path.name: _sha256(path) for path in sorted(stage.iterdir())},
    }
    text = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    (stage / RECORD).write_text(text + "\n", encoding="utf-8", newline="\n")


def _seeds(result: Result) -> dict[str, int]:
    """Seeds of all that is drawn in a run."""
    asked = {name: getattr(result.question, name) for name in ("uncertainty", "siting", "stability")}
    return {name: one.seed for name, one in asked.items() if one is not None}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _to_disk(stage: Path) -> None:
    """Wait until every byte is on the disk, not in its cache."""
    for path in sorted(stage.iterdir()):
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())


def _bring_back(folder: Path) -> None:
    """Give an old folder its name back where a run was killed between the two renames."""
    old = folder.parent / f".{folder.name}.equity-screen-old"
    if old.is_dir() and not folder.exists():
        old.rename(folder)


def _switch(stage: Path, folder: Path) -> None:
    """Put the staged folder in the place of the old one, or leave the old one there."""
    if not folder.exists():
        stage.rename(folder)
        return
    old = folder.parent / f".{folder.name}.equity-screen-old"
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    try:
        stage.rename(folder)
    except BaseException:  # a signal, too, may end the run between the two renames
        with suppress(OSError):
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def publish_page(result: Result, path: Path, *, write: Writer) -> None:
    """Write one page whole or not at all.

    Parameters
    ----------
    result : Result
        What was found.
    path : Path
        File to write or to replace.
    write : callable
        Writer of the page.

    Raises
    ------
    OutputError
        The disk refuses, or the file to replace is no page; an older file is as it was.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     publish_page(None, Path(folder) / "page.html", write=lambda _, path: path.write_text("whole") and None)
    ...     (Path(folder) / "page.html").read_text()
    'whole'
    """
    if path.exists() and path.suffix.lower() not in (".html", ".htm"):
        msg = f"{path} is there and is no page. Mend: name a file that ends in .html with --out"
        raise OutputError(msg)
    partial = path.with_name(f".{path.name}.partial")
    try:
        write(result, partial)
        partial.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error}. Mend: check the disk and the folder's rights"
        raise OutputError(msg) from error
    finally:
        partial.unlink(missing_ok=True)

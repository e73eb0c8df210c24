"""What has been read of a project so far: findings, fates and files, kept until all has been looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from equity_screen.align import check_layer
from equity_screen.errors import Finding, InputError
from equity_screen.files import read_table
from equity_screen.schema import Checked, Origin, file_notes, note_by_id, row_status, safe_path

Progress = Callable[[str], None]


class Gathered:
    """What has been read so far; faults are kept so that the next input is still looked at.

    Parameters
    ----------
    folder : Path
        Folder that the project's file names start from.

    Examples
    --------
    >>> gathered = Gathered(Path("nowhere"))
    >>> with gathered.step():
    ...     gathered.table("zones.gpkg")
    >>> [f.code for f in gathered.findings], gathered.fatal
    (['ES-FILE-MISSING'], True)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: list[Finding] = []
        self.fatal = False
        self.status: list[pd.DataFrame] = []
        self.files: list[dict[str, Any]] = []
        self.in_both: set[str] = set()
        self.rows: dict[tuple[str, str | None], int] = {}

    @contextmanager
    def step(self) -> Iterator[None]:
        """Keep the faults of one step instead of stopping at them; the step has no result then.

        Yields
        ------
        None
            To the block whose faults are kept.
        """
        try:
            yield
        except InputError as error:
            self.findings += error.findings
            self.fatal = True

    def path(self, name: str) -> Path:
        """Find an input and record its hash.

        Parameters
        ----------
        name : str
            File name as declared.

        Returns
        -------
        Path
            Path to open.
        """
        path = Path(safe_path(self.folder, name))
        if path.is_file() and name not in {f["file"] for f in self.files}:
            self.files.append({"file": name, "sha256": _sha256(path), "bytes": path.stat().st_size})
        return path

    def table(self, name: str, layer: str | None = None) -> tuple[pd.DataFrame, Origin]:
        """Read one file as it is.

        Parameters
        ----------
        name : str
            File name as declared.
        layer : str, optional
            Layer or sheet of the file.

        Returns
        -------
        tuple of (DataFrame, Origin)
            The table, and what names its rows.
        """
        table, origin = read_table(self.path(name), layer=layer)
        # A workbook may be read sheet by sheet, and a sheet more than once.
        self.rows[name, layer] = len(table)
        entry = next(file for file in self.files if file["file"] == name)
        entry["rows"] = sum(rows for (file, _), rows in self.rows.items() if file == name)
        return table, origin

    def layer(self, name: str, crs: str | None = None) -> gpd.GeoDataFrame:
        """Read and check one polygon layer.

        Parameters
        ----------
        name : str
            File name as declared.
        crs : str, optional
            CRS, where the file does not say it.

        Returns
        -------
        GeoDataFrame
            Valid polygons.
        """
        return gpd.GeoDataFrame(self.keep(check_layer(self.path(name), crs=crs)))

    def keep(self, checked: Checked) -> pd.DataFrame:
        """Keep the findings and fates of one input.

        Parameters
        ----------
        checked : Checked
            Result of a check; a fault that is of no row concerns the whole file.

        Returns
        -------
        DataFrame
            The checked table.
        """
        self.fatal |= any(f.status == "refused" and not f.row for f in checked.findings)
        self.findings += checked.findings
        self.status.append(checked.status)
        return checked.table

    def fates(self) -> pd.DataFrame:
        """Gather the fate of every row, and what was found of whole files.

        Returns
        -------
        DataFrame
            As of :func:`equity_screen.schema.row_status`.
        """
        tables = [*self.status, file_notes(self.findings)]
        known = [table for table in tables if len(table)] or [row_status(Origin(), pd.Series(dtype="str"))]
        return note_by_id(pd.concat(known, ignore_index=True), self.findings)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

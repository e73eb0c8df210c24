"""Rows of a plan that the project sets aside, such as those of a national file that lie elsewhere."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from equity_screen.crs import WGS84, impossible, likely_crs, measure_of, middles, recast
from equity_screen.errors import Finding, InputError, finding
from equity_screen.places import written_places
from equity_screen.schema import Origin, column_text, require_columns, row_status
from equity_screen.sources import ActionsFile

ASIDE = "ES-ACTION-ASIDE"


class Chosen(NamedTuple):
    """Rows that are read, what names them, and the fates of those set aside."""

    table: pd.DataFrame
    origin: Origin
    findings: list[Finding]
    status: pd.DataFrame


def choose_rows(
    frame: pd.DataFrame, declared: ActionsFile, *, origin: Origin, zones: gpd.GeoSeries | None = None
) -> Chosen:
    """Set aside the rows that a project does not ask for; each keeps its fate, their number is told.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Actions as read.
    declared : ActionsFile
        ``only_where`` and ``only_inside`` say which rows are asked for.
    origin : Origin
        File of the actions.
    zones : GeoSeries, optional
        Neighbourhoods; without them no row is set aside for its place.

    Returns
    -------
    Chosen
        Rows on positions 0 … n−1, named as in the file.

    Raises
    ------
    InputError
        A column that is not there, no CRS, or a rule that leaves no row.

    Examples
    --------
    >>> frame = pd.DataFrame({"state": ["CA", "NV"]})
    >>> declared = ActionsFile(file="sites.csv", only_where={"state": ("CA",)})
    >>> chosen = choose_rows(frame, declared, origin=Origin("sites.csv", "row"))
    >>> chosen.table["state"].tolist(), chosen.status[["row", "status"]].values.tolist()
    (['CA'], [['row 3', 'flagged']])
    """
    require_columns(frame, declared.only_where, origin=origin)
    why = np.full(len(frame), "", dtype=object)
    for column, values in declared.only_where.items():
        other = ~_cells(frame, column).isin([unicodedata.normalize("NFC", value) for value in values])
        _require_some(~other, "ES-ACTION-NONE", origin, column=column, value=", ".join(values))
        why[(why == "") & other.to_numpy()] = f"{column} is not {' or '.join(values)}"
    # Each rule may leave some rows, and all of them together none.
    _require_some(pd.Series(why == ""), "ES-ACTION-NONE", origin, column=", ".join(declared.only_where))
    if declared.only_inside and zones is not None:
        rest = np.flatnonzero(why == "")
        why[rest] = _elsewhere(frame, declared, origin=origin, zones=zones)[rest]
        _require_some(pd.Series(why == ""), "ES-ACTION-NONE-INSIDE", origin)
    return _split(frame, why, declared, origin=origin)


def _cells(frame: pd.DataFrame, column: str) -> pd.Series:
    """Read a column as composed text; a whole number that a gap has made 4.0 is 4."""
    blank = pd.Series("", index=frame.index, dtype="str")
    text = column_text(frame, column, fallback=blank).str.normalize("NFC")
    return text.str.replace(r"^(-?\d+)\.0$", r"\1", regex=True)


def _require_some(kept: pd.Series, code: str, origin: Origin, **place: str) -> None:
    """Refuse a rule that leaves no row: most likely a typo, or another CRS than the one stated."""
    if not kept.any():
        raise InputError([finding(code, origin.file, **place)])


def _elsewhere(
    frame: pd.DataFrame, declared: ActionsFile, *, origin: Origin, zones: gpd.GeoSeries
) -> NDArray[np.object_]:
    """Say of each row why it is not inside the neighbourhoods; blank where it is, or where its check will tell."""
    places, faults = written_places(frame, declared, origin=origin)
    why = np.full(len(frame), "no place is given", dtype=object)
    if places is not None:
        shapes = recast(recast(places, places.crs), zones.crs).array.to_numpy()
        why[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))] = "outside every neighbourhood"
        why[np.unique(shapely.STRtree(zones.array.to_numpy()).query(shapes, predicate="intersects")[0])] = ""
        why[_doubtful(places, zones)] = ""
    refused = {f.row for f in faults}
    why[[i for i in range(len(frame)) if origin.row(i) in refused]] = ""
    if declared.where is not None:
        why[(_cells(frame, declared.where) != "").to_numpy()] = ""
    return why


def _doubtful(places: gpd.GeoSeries, zones: gpd.GeoSeries) -> NDArray[np.bool_]:
    """Tell which places cannot be, or are near the city in another CRS: their check refuses them."""
    middle = middles(places)
    known = np.asarray(np.isfinite(middle).all(axis=1))
    middle = np.where(known[:, None], middle, 0.0)
    meant = likely_crs(middle, places.crs, candidates=[zones.crs, WGS84], study=measure_of(zones))
    return np.asarray(
        known & (impossible(middle, places.crs) | np.array([crs is not None for crs in meant], dtype=bool))
    )


def _split(frame: pd.DataFrame, why: NDArray[np.object_], declared: ActionsFile, *, origin: Origin) -> Chosen:
    kept, out = np.flatnonzero(why == ""), np.flatnonzero(why != "")
    if not len(out):
        return Chosen(frame, origin, [], row_status(origin, pd.Series(dtype="str")))
    lines = [int(origin.row(int(i)).split()[-1]) for i in range(len(frame))]
    mine, others = (replace(origin, lines=tuple(lines[i] for i in rows)) for rows in (kept, out))
    reasons, counts = np.unique(why[out].astype(str), return_counts=True)
    findings = [
        finding(ASIDE, origin.file, why=reason, count=int(count)) for reason, count in zip(reasons, counts, strict=True)
    ]
    brought = {name: _numbers(frame, getattr(declared, name)).iloc[out] for name in ("cost", "tco2e")}
    status = row_status(others, pd.Series("", index=range(len(out)), dtype="str"), amounts=brought)
    told = {reason: one.reason for reason, one in zip(reasons, findings, strict=True)}
    mend = findings[0].mend
    status = status.assign(status="flagged", codes=ASIDE, reasons=[told[str(w)] for w in why[out]], mends=mend)
    return Chosen(frame.iloc[kept].reset_index(drop=True), mine, findings, status)


def _numbers(frame: pd.DataFrame, column: str | None) -> pd.Series:
    """Give what the rows would bring, for the ledger; what cannot be read is missing there."""
    if column is None or column not in frame.columns:
        return pd.Series(np.nan, index=frame.index)
    return pd.to_numeric(frame[column], errors="coerce").astype("float64")

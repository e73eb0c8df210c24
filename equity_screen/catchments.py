"""Reaches that come in files of their own: service areas, tables of travel times, rasters of the effect itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from rasterio.windows import Window

from equity_screen.align import check_layer
from equity_screen.crs import WGS84, to_space
from equity_screen.earlier import repeated_ids
from equity_screen.effects import completed, effects_named, nodata_of
from equity_screen.errors import Finding, InputError, finding
from equity_screen.files import read_table
from equity_screen.layers import settle
from equity_screen.rasters import open_band, raster_where
from equity_screen.schema import Checked, Origin, clean_ids, read_numbers, repeat, require_columns, row_status

ACTION, PLACE, MINUTES = "action", "neighbourhood", "minutes"


class Reader(NamedTuple):
    """How files are opened: polygons checked, tables as they are, and the path of a raster."""

    polygons: Callable[[str], gpd.GeoDataFrame]
    table: Callable[[str], tuple[pd.DataFrame, Origin]]
    path: Callable[[str], Path]
    keep: Callable[[Checked], pd.DataFrame]


def beside(folder: Path) -> Reader:
    """Open files from a folder; a fault of any of them stops.

    Parameters
    ----------
    folder : Path
        Folder that names start from.

    Returns
    -------
    Reader
        How they are opened.

    Examples
    --------
    >>> beside(Path("city")).path("heat.tif").as_posix()
    'city/heat.tif'
    """
    return Reader(
        lambda name: gpd.GeoDataFrame(settle(check_layer(folder / name))),
        lambda name: read_table(folder / name),
        lambda name: folder / name,
        settle,
    )


def attach_layers(
    effects: pd.DataFrame,
    *,
    crs: CRS | None,
    zones: Iterable[str] | None,
    reader: Reader,
    actions: Iterable[str] = (),
) -> pd.DataFrame:
    """Give the effects of reach area, travel and raster the place that their files say.

    Parameters
    ----------
    effects : DataFrame
        Checked effects.
    crs : CRS or None
        CRS of the actions, which service areas are brought to; WGS 84 where they have none.
    zones : iterable of str or None
        Ids of the neighbourhoods; None where they could not be read: travel times are not matched then.
    reader : Reader
        How files are opened.
    actions : iterable of str
        Ids of the plan's actions; none of them is meant where another's row is missing, nor one that has an effect.

    Returns
    -------
    DataFrame
        With shape (a polygon or None), zones (ids of the neighbourhoods near enough, apart by ``;``) and raster
        (path).

    Raises
    ------
    InputError
        Every fault of the first file that has any: a missing column, an action that the file does not have, a
        neighbourhood that does not exist, a time below 0, an effect below 0 in a raster.

    Examples
    --------
    >>> effects = pd.DataFrame({"action": ["A"], "reach": ["footprint"], "layer": [""]})
    >>> attach_layers(effects, crs=None, zones=[], reader=beside(Path()))[["shape", "zones", "raster"]].values.tolist()
    [[None, '', '']]
    """
    shape = np.full(len(effects), None, dtype=object)
    places, raster = (np.full(len(effects), "", dtype=object) for _ in range(2))
    plan = {*actions, *effects["action"]}
    for (reach, layer), rows in effects.groupby(["reach", "layer"], sort=True).indices.items():
        mine = completed(effects.iloc[rows])
        if reach == "area":
            areas = reader.polygons(layer)
            shape[rows] = _areas(mine, areas, WGS84 if crs is None else crs, name=Path(layer).name, plan=plan)
        elif reach == "travel" and zones is not None:
            places[rows] = _near(mine, layer, pd.Index(list(zones)), reader, plan)
        elif reach == "raster":
            raster[rows] = str(reader.path(layer))
            for asked, its in mine.groupby(["band", "nodata"], sort=True):
                _require_raster(reader.path(layer), its, **raster_keys(*asked))
    return effects.assign(shape=pd.Series(shape, index=effects.index), zones=places, raster=raster)


def _areas(
    effects: pd.DataFrame, layer: gpd.GeoDataFrame, crs: CRS, *, name: str, plan: set[str]
) -> list[shapely.Geometry]:
    """Service area of each effect: the union of its action's polygons, of its minutes where it names them."""
    columns = effects["layer_id"].replace("", ACTION)
    timed = [MINUTES] if effects["minutes"].notna().any() else []
    require_columns(layer, [*dict.fromkeys(columns), *timed], origin=Origin(name))
    owners = {column: clean_ids(layer[column], Origin(name))[0] for column in dict.fromkeys(columns)}
    here = to_space(layer.geometry, crs).array.to_numpy()
    times = pd.to_numeric(layer[MINUTES], errors="coerce") if timed else pd.Series(np.nan, index=layer.index)
    found, faults = [], []
    for i, (action, column, wanted) in enumerate(zip(effects["action"], columns, effects["minutes"], strict=True)):
        its = (owners[column] == action).to_numpy()
        mine = its if np.isnan(wanted) else its & (times == wanted).to_numpy()
        found.append(shapely.union_all(here[mine]))
        if not its.any():
            faults.append(_absent(effects.iloc[[i]], name, column, set(owners[column]) - plan))
        elif not mine.any():
            faults.append(_no_time(effects.iloc[[i]], name, times[its]))
    if faults:
        raise InputError(faults)
    return found


def _absent(effects: pd.DataFrame, name: str, column: str, strange: set[str]) -> Finding:
    """Say that an action has no row, and whether an id that is no action's is like its own."""
    action = str(effects["action"].iloc[0])
    near = get_close_matches(action, sorted(strange), n=1)
    hint = f"did you mean '{near[0]}'?" if near else "add the action to the file, or write another reach"
    named = effects_named(effects)
    return finding("ES-REACH-NO-ROW", name, column=column, value=action, effect=named, hint=hint)


def _no_time(effects: pd.DataFrame, name: str, times: pd.Series) -> Finding:
    action, wanted = str(effects["action"].iloc[0]), f"{effects['minutes'].iloc[0]:g}"
    known = ", ".join(f"{minutes:g}" for minutes in sorted(set(times.dropna())))
    hint = f"it has areas of {known} minutes" if known else "its minutes are no numbers"
    named = effects_named(effects)
    return finding("ES-REACH-NO-ROW", name, id=action, column=MINUTES, value=wanted, effect=named, hint=hint)


def _near(effects: pd.DataFrame, layer: str, zones: pd.Index, reader: Reader, plan: set[str]) -> list[str]:
    """List, for each effect, the neighbourhoods from which its action is near enough."""
    table, origin = reader.table(layer)
    awkward = zones[zones.str.contains(";", regex=False)]
    if len(awkward):
        raise InputError([finding("ES-TIMES-ID", layer, column=PLACE, value=str(awkward[0]))])
    times = reader.keep(check_times(table, origin=origin, zones=zones))
    absent = effects[~effects["action"].isin(times[ACTION])].groupby("action", sort=True)
    if len(absent):
        strange = set(times[ACTION]) - plan
        raise InputError(_absent(mine, origin.file, ACTION, strange) for _, mine in absent)
    near = []
    for action, limit in zip(effects["action"], effects["minutes"], strict=True):
        mine = times[(times[ACTION] == action) & (times[MINUTES] <= limit)]
        near.append(";".join(sorted(mine[PLACE])))
    return near


def check_times(table: pd.DataFrame, *, origin: Origin, zones: pd.Index) -> Checked:
    """Check a table of travel times.

    Parameters
    ----------
    table : DataFrame
        Columns action, neighbourhood and minutes: a row for each pair that has a way; others have none.
    origin : Origin
        File of the table.
    zones : Index of str
        Ids of the neighbourhoods.

    Returns
    -------
    Checked
        The rows that can be used; findings; fates.

    Examples
    --------
    >>> rows = pd.DataFrame({"action": ["S"], "neighbourhood": ["A"], "minutes": ["12.5"]})
    >>> check_times(rows, origin=Origin("times.csv", "row"), zones=pd.Index(["A"])).table.values.tolist()
    [['S', 'A', 12.5]]
    """
    require_columns(table, [ACTION, PLACE, MINUTES], origin=origin)
    action, first = repeated_ids(table[ACTION], origin)
    place, second = repeated_ids(table[PLACE], origin)
    findings = [*first, *second]
    minutes, more = read_numbers(table[MINUTES], origin, ids=action)
    pairs = pd.DataFrame({ACTION: action, PLACE: place})
    cases = (
        ("ES-TIMES-PLACE", PLACE, (place != "") & ~place.isin(zones)),
        ("ES-TIMES-PAIR", PLACE, pairs.duplicated(keep=False) & (action != "") & (place != "")),
        ("ES-TIMES-MINUTES", MINUTES, minutes.isna() | (minutes < 0)),
    )
    findings += more
    for code, column, bad in cases:
        template = finding(code, column=column)
        findings += repeat(template, bad, origin=origin, ids=action, values=table[column])
    status = row_status(origin, action, findings=findings)
    used = (status["status"] != "refused").to_numpy()
    return Checked(pairs.assign(minutes=minutes)[used].reset_index(drop=True), tuple(findings), status)


def raster_keys(band: str, nodata: str) -> dict[str, Any]:
    """Say how an effect's raster is read.

    Parameters
    ----------
    band, nodata : str
        As they stand in a table of effects.

    Returns
    -------
    dict
        Keywords band and nodata of :func:`equity_screen.rasters.raster_values` and its like.

    Examples
    --------
    >>> raster_keys("2", "254;255"), raster_keys("cooling", "")
    ({'band': 2, 'nodata': (254.0, 255.0)}, {'band': 'cooling', 'nodata': ()})
    """
    return {"band": int(band) if band.isdecimal() else band or None, "nodata": nodata_of(nodata)}


def _require_raster(path: Path, effects: pd.DataFrame, **asked: Any) -> None:
    """Refuse a raster with values below 0, or one of which no outline can be had; name the effects that need it."""
    try:
        _check_raster(path, **asked)
    except InputError as error:
        named, action = effects_named(effects), str(effects["action"].iloc[0])
        raise InputError(replace(f, id=action, reason=f"{f.reason} ({named})") for f in error.findings) from error


def _check_raster(path: Path, **asked: Any) -> None:
    least = _least(path, **asked)
    if least < 0:
        fault = finding("ES-EFFECT-NEGATIVE", path.name, value=f"{least:g}")
        raise InputError([replace(fault, mend=f"{fault.mend}, or declare it as nodata")])
    raster_where(path, **asked)


def _least(path: Path, **asked: Any) -> float:
    """Least value of a raster, or 0 where that is less."""
    with open_band(path, **asked) as band:
        (width, height), (rows, _) = band.size, band.block
        tops = range(0, height, rows)
        bands = (band.values(Window(0, top, width, min(rows, height - top))) for top in tops)
        return min(float(np.fmin.reduce(values, axis=None, initial=0.0)) for values in bands)

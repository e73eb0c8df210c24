"""Proposed actions and their effects: where each is, what it costs, what it brings to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from equity_screen.boundaries import Boundary
from equity_screen.catchments import attach_layers, beside
from equity_screen.effects import check_effects, effects_from_rules
from equity_screen.errors import Finding, InputError, finding
from equity_screen.files import read_table
from equity_screen.layers import finish, settle
from equity_screen.places import NO_BOUNDARIES, Places, place_actions
from equity_screen.schema import (
    Case,
    Checked,
    Origin,
    clean_ids,
    column_text,
    findings_for,
    read_numbers,
    require_columns,
)
from equity_screen.sources import ActionsFile, EffectRule
from equity_screen.text import did_you_mean
from equity_screen.years import first_year

TOTALS = frozenset(
    {"total", "totals", "sum", "grand total", "i alt", "summe", "gesamt", "somme", "totale", "totaal", "suma", "totalt"}
)
MONEY_AND_CARBON = ("cost", "cost_low", "cost_high", "tco2e", "tco2e_low", "tco2e_high")


class Plan(NamedTuple):
    """Proposed actions and their effects, two plain tables.

    ``actions``: GeoDataFrame, index ``action``; columns name, sector, where (geometry, zones, boundary,
    citywide, unlocated), zones (ids apart by ``;``), active, start, end [year], cost …, tco2e …,
    tco2e_<year>, source, geometry.
    ``effects``: DataFrame, one row for each benefit or burden.
    """

    actions: gpd.GeoDataFrame
    effects: pd.DataFrame


def check_actions(
    frame: pd.DataFrame,
    declared: ActionsFile,
    *,
    origin: Origin,
    zones: gpd.GeoSeries | None = None,
    boundaries: Mapping[str, Boundary] = NO_BOUNDARIES,
) -> Checked:
    """Check a file of actions and give it the package's columns.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Actions as read.
    declared : ActionsFile
        What the columns mean.
    origin : Origin
        File of the actions.
    zones : GeoSeries, optional
        Neighbourhoods by id: the result is in their CRS, zone ids are looked up in them, and rows
        whose coordinates cannot be meant in the file's CRS are found by their place.
    boundaries : mapping of str to Boundary
        Layers of named areas that a place may name.

    Returns
    -------
    Checked
        Actions sorted by id, without the refused; findings; fate of each row.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["A1"], "where": ["citywide"], "cost": ["1200"]})
    >>> declared = ActionsFile(file="plan.csv", id="id", where="where", cost="cost")
    >>> checked = check_actions(table, declared, origin=Origin("plan.csv", "row"))
    >>> checked.table[["where", "cost"]].values.tolist(), checked.status["status"].tolist()
    ([['citywide', 1200.0]], ['used'])
    """
    require_columns(frame, _declared_columns(declared, frame), origin=origin)
    ids, findings = _ids(frame, declared, origin)
    numbers, more = _numbers(frame, declared, origin=origin, ids=ids)
    active, about_status = _active(frame, declared, origin=origin, ids=ids)
    years, about_years = _years(frame, declared, origin=origin, ids=ids)
    places = place_actions(frame, declared, origin=origin, ids=ids, zones=zones, boundaries=boundaries)
    columns = {
        "name": column_text(frame, declared.name, fallback=ids),
        "sector": _sector(frame, declared),
        "where": places.where,
        "zones": places.zones,
        "active": active,
        **years,
        **numbers,
        "source": origin.file,
    }
    table = gpd.GeoDataFrame(columns, geometry=places.geometry)
    findings += more + about_status + about_years + places.findings + _same_places(places, origin, ids)
    return finish(table, ids, findings=findings, origin=origin, index="action", amounts=["cost", "tco2e"])


def _declared_columns(declared: ActionsFile, frame: pd.DataFrame) -> list[str | None]:
    optional = [declared.id, declared.name, declared.where, declared.status, declared.x, declared.y]
    own_sector = [declared.sector] if declared.sector in frame.columns else []
    years = [*declared.start, *declared.end, *declared.tco2e_in.values()]
    return [*optional, *own_sector, *years, *(getattr(declared, c) for c in MONEY_AND_CARBON)]


def _ids(frame: pd.DataFrame, declared: ActionsFile, origin: Origin) -> tuple[pd.Series, list[Finding]]:
    if declared.id is None:
        # Numbered as in the file, whichever of its rows are read.
        numbers = [origin.number(i) for i in range(len(frame))]
        width = len(str(max(numbers, default=1)))
        numbered = [f"{declared.id_prefix}{number:0{width}d}" for number in numbers]
        return pd.Series(numbered, index=frame.index, dtype="str"), []
    ids, findings = clean_ids(frame[declared.id], origin)
    return ids.where(ids == "", declared.id_prefix + ids), findings


def _sector(frame: pd.DataFrame, declared: ActionsFile) -> pd.Series:
    blank = pd.Series("", index=frame.index, dtype="str")
    if declared.sector is None or declared.sector in frame.columns:
        return column_text(frame, declared.sector, fallback=blank)
    return blank + declared.sector


def _numbers(
    frame: pd.DataFrame, declared: ActionsFile, *, origin: Origin, ids: pd.Series
) -> tuple[dict[str, pd.Series], list[Finding]]:
    numbers: dict[str, pd.Series] = {}
    findings: list[Finding] = []
    for name in MONEY_AND_CARBON:
        column = getattr(declared, name)
        numbers[name] = pd.Series(np.nan, index=frame.index)
        if column is not None:
            numbers[name], more = read_numbers(frame[column], origin, ids=ids)
            findings += more
    for year, column in declared.tco2e_in.items():
        values, more = read_numbers(frame[column], origin, ids=ids)
        case = [(values < 0, "ES-TCO2E-NEGATIVE")]
        findings += more + findings_for(case, column=column, origin=origin, ids=ids, values=values)
        numbers[f"tco2e_{year}"] = values
    findings += _totals(frame, declared, numbers, origin=origin, ids=ids)
    for name in ("cost", "tco2e"):
        if getattr(declared, name) is not None:
            findings += _odd_numbers(name, numbers, declared, origin=origin, ids=ids)
    return numbers, findings


def _totals(
    frame: pd.DataFrame, declared: ActionsFile, numbers: Mapping[str, pd.Series], *, origin: Origin, ids: pd.Series
) -> list[Finding]:
    """Find a row of totals: it says so, and an amount of it is the sum of all the others."""
    named = [declared.id, declared.name]
    said = pd.Series(data=False, index=frame.index)
    for column in (c for c in named if c is not None):
        said |= (
            column_text(frame, column, fallback=pd.Series("", index=frame.index, dtype="str"))
            .str.casefold()
            .str.rstrip(":")
            .isin(TOTALS)
        )
    found: list[Finding] = []
    for name in ("cost", "tco2e"):
        values = numbers[name]
        rest = values.sum() - values
        total = said & (values != 0) & pd.Series(np.isclose(values, rest, rtol=1e-9), index=values.index)
        found += findings_for(
            [(total, "ES-ACTION-TOTAL")], column=str(getattr(declared, name)), origin=origin, ids=ids, values=values
        )
    return found


def _odd_numbers(
    name: str, numbers: Mapping[str, pd.Series], declared: ActionsFile, *, origin: Origin, ids: pd.Series
) -> list[Finding]:
    value, low, high = (numbers[name + suffix] for suffix in ("", "_low", "_high"))
    cases: tuple[Case, ...] = (
        (value.isna(), f"ES-{name.upper()}-MISSING"),
        (value == 0, f"ES-{name.upper()}-ZERO"),
        (value < 0, f"ES-{name.upper()}-NEGATIVE"),
        ((low > value) | (value > high) | (low > high), f"ES-{name.upper()}-ORDER"),
    )
    return findings_for(cases, column=getattr(declared, name), origin=origin, ids=ids, values=value)


def _years(
    frame: pd.DataFrame, declared: ActionsFile, *, origin: Origin, ids: pd.Series
) -> tuple[dict[str, pd.Series], list[Finding]]:
    """First and last year of each action; an action that ends before it starts is refused."""
    start, first = first_year(frame, declared.start, origin=origin, ids=ids)
    end, last = first_year(frame, declared.end, origin=origin, ids=ids, last=True)
    column = (declared.end or ("",))[0]
    wrong = findings_for(
        [(end < start, "ES-YEAR-ORDER")], column=column, origin=origin, ids=ids, values=end.map("{:.0f}".format)
    )
    return {"start": start, "end": end}, first + last + wrong


def _same_places(places: Places, origin: Origin, ids: pd.Series) -> list[Finding]:
    """Tell how many actions stand in the very place of another: added up, their areas and people count often."""
    shapes = places.geometry.array.to_numpy()
    known = (places.where == "geometry").to_numpy() & ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    drawn = pd.Series(shapely.to_wkb(shapely.normalize(shapes[known])), index=ids[known]).sort_index()
    same = drawn.duplicated()
    if not same.any():
        return []
    first = str(same.index[same][0])
    return [finding("ES-ACTION-SAME-PLACE", origin.file, count=int(same.sum()), all=int(known.sum()), first=first)]


def no_actions(crs: CRS | None) -> gpd.GeoDataFrame:
    """Make the table of a plan without any action.

    Parameters
    ----------
    crs : CRS or None
        Of its geometry.

    Returns
    -------
    GeoDataFrame
        No rows, all columns.

    Examples
    --------
    >>> no_actions(None).empty
    True
    """
    columns = ["name", "sector", "where", "zones", "active", "start", "end", *MONEY_AND_CARBON, "source"]
    return gpd.GeoDataFrame(
        pd.DataFrame(columns=columns, index=pd.Index([], name="action", dtype="str")), geometry=[], crs=crs
    )


def _active(
    frame: pd.DataFrame, declared: ActionsFile, *, origin: Origin, ids: pd.Series
) -> tuple[pd.Series, list[Finding]]:
    if declared.status is None:
        return pd.Series(data=True, index=frame.index, dtype="object"), []
    status = column_text(frame, declared.status, fallback=pd.Series("", index=frame.index, dtype="str"))
    active = status.isin(declared.active) if declared.active else status != ""
    if declared.active and not active.any() and (status != "").any():
        statuses, hint = ", ".join(declared.active), did_you_mean(declared.active[0], set(status) - {""})
        raise InputError(
            [finding("ES-STATUS-UNKNOWN", origin.file, column=declared.status, statuses=statuses, hint=hint)]
        )
    cases: tuple[Case, ...] = (
        (~active & (status != ""), "ES-ACTION-INACTIVE"),
        (status == "", "ES-ACTION-STATUS"),
    )
    found = findings_for(cases, column=declared.status, origin=origin, ids=ids, values=status)
    return active.astype("object").mask(status == "", None), found


def read_actions(
    path: str | Path,
    *,
    effects: str | Path | Sequence[EffectRule],
    near: gpd.GeoDataFrame | None = None,
    boundaries: Mapping[str, Boundary] = NO_BOUNDARIES,
    **declared: object,
) -> Plan:
    """Read actions and their effects.

    Parameters
    ----------
    path : str or Path
        Vector file, or a CSV with ``x=``, ``y=`` and ``crs=``.
    effects : str, Path or sequence of EffectRule
        File of effects, or rules.
    near : GeoDataFrame, optional
        Neighbourhoods; misplaced rows are found by them and zone ids looked up in them.
    boundaries : mapping of str to Boundary
        Layers of named areas that a place may name.
    **declared
        Other fields of :class:`equity_screen.ActionsFile`, for instance ``id=`` or ``cost=``.

    Returns
    -------
    Plan
        Actions and effects.

    Raises
    ------
    InputError
        Every refused row at once.

    Examples
    --------
    >>> read_actions("plan.gpkg", effects="effects.csv")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      plan.gpkg: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    file = ActionsFile.model_validate({"file": str(path), **declared})
    frame, origin = read_table(path, layer=file.layer)
    zones = None if near is None else near.geometry
    checked = check_actions(frame, file, origin=origin, zones=zones, boundaries=boundaries)
    actions = gpd.GeoDataFrame(settle(checked))
    if isinstance(effects, str | Path):
        table, effects_origin = read_table(effects)
    else:
        table, effects_origin = effects_from_rules(effects, actions), Origin("effects")
    checked = settle(check_effects(table, origin=effects_origin, actions=actions.index))
    folder = Path(effects).parent if isinstance(effects, str | Path) else Path()
    places = [] if near is None else near.index
    return Plan(
        actions, attach_layers(checked, crs=actions.crs, zones=places, reader=beside(folder), actions=actions.index)
    )

"""A table of columns joined to the neighbourhoods: every id matched, every fault told in its own file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from equity_screen.errors import Finding, InputError, finding
from equity_screen.schema import Origin, clean_ids, require_columns


class Joined(NamedTuple):
    """Neighbourhoods with a table's columns; what was found in its ids; which of its rows bears which id."""

    frame: gpd.GeoDataFrame
    findings: list[Finding]
    ids: pd.Series
    added: tuple[str, ...]


def join_columns(
    frame: gpd.GeoDataFrame, table: pd.DataFrame, *, on: tuple[str, str], origins: tuple[Origin, Origin]
) -> Joined:
    """Join a table of columns to the neighbourhoods, every id matched or the run refused.

    Parameters
    ----------
    frame : GeoDataFrame
        Neighbourhoods as read.
    table : DataFrame
        Columns as read.
    on : tuple of str
        Id column of the frame and of the table.
    origins : tuple of Origin
        Files of the frame and of the table.

    Returns
    -------
    Joined
        The frame with the table's columns.

    Raises
    ------
    InputError
        Double or missing ids in the table; ids that stand on one side only, each named.

    Examples
    --------
    >>> import shapely
    >>> zones = gpd.GeoDataFrame({"id": ["A"]}, geometry=[shapely.box(0, 0, 1, 1)])
    >>> people = pd.DataFrame({"code": ["A"], "pop": ["7"]})
    >>> joined = join_columns(zones, people, on=("id", "code"), origins=(Origin(), Origin()))
    >>> joined.frame["pop"].tolist(), joined.added
    (['7'], ('code', 'pop'))
    """
    for side, column, origin in zip((frame, table), on, origins, strict=True):
        require_columns(side, [column], origin=origin)
    left, _ = clean_ids(frame[on[0]], origins[0])
    right, findings = clean_ids(table[on[1]], origins[1])
    faults = [f for f in findings if f.status == "refused"]
    faults += _unmatched(right, left, origins[1], origins[0].file)
    faults += _unmatched(left, right, origins[0], origins[1].file)
    if faults:
        raise InputError(faults)
    added = tuple(str(c) for c in table.columns if c not in frame.columns)
    joined = table[list(added)].set_axis(right).reindex(left)
    return Joined(frame.assign(**{c: joined[c].to_numpy() for c in added}), findings, right, added)


def in_table(findings: Iterable[Finding], joined: Joined, *, origin: Origin) -> list[Finding]:
    """Name the table and its row in findings about columns that came from it.

    Parameters
    ----------
    findings : iterable of Finding
        Findings about the joined frame.
    joined : Joined
        The join.
    origin : Origin
        File of the table.

    Returns
    -------
    list of Finding
        The same findings where their user will look for them.

    Examples
    --------
    >>> joined = Joined(gpd.GeoDataFrame(), [], pd.Series(["B", "A"]), ("pop",))
    >>> odd = Finding("refused", "ES-X", "zones.gpkg", "odd", "look", row="feature 1", id="A", column="pop")
    >>> [(f.source, f.row) for f in in_table([odd], joined, origin=Origin("people.csv", "row"))]
    [('people.csv', 'row 3')]
    """
    position = {name: i for i, name in enumerate(joined.ids)}
    return [
        replace(f, source=origin.file, row=origin.row(position[f.id]))
        if f.column in joined.added and f.id in position
        else f
        for f in findings
    ]


def _unmatched(ids: pd.Series, known: pd.Series, origin: Origin, other: str) -> list[Finding]:
    lone = ~ids.isin(known) & (ids != "")
    return [
        finding(
            "ES-JOIN-UNMATCHED",
            origin.file,
            row=origin.row(int(i)),
            id=str(ids.iloc[i]),
            value=str(ids.iloc[i]),
            other=other,
            lone=int(lone.sum()),
            all=len(ids),
        )
        for i in np.flatnonzero(lone)
    ]

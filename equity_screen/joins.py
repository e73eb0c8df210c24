"""A table of columns joined to the neighbourhoods: every id matched, every fault told in its own file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.errors import Finding, InputError, finding
from equity_screen.schema import Origin, clean_ids, require_columns

NO_ROWS = np.empty(0, dtype=np.intp)


class Joined(NamedTuple):
    """Neighbourhoods with a table's columns; what was found in its ids; which of its rows bears which id.

    ``kept`` are the positions of the neighbourhoods that are in both, ``findings_of_frame`` what was found about
    the others, ``table`` the table as read.
    """

    frame: gpd.GeoDataFrame
    findings: list[Finding]
    ids: pd.Series
    added: tuple[str, ...]
    kept: NDArray[np.intp] = NO_ROWS
    findings_of_frame: tuple[Finding, ...] = ()
    table: pd.DataFrame | None = None

    def matched(self, origin: Origin) -> tuple[gpd.GeoDataFrame, Origin]:
        """Neighbourhoods that are in both, and the origin that names their rows as the file counts them.

        Parameters
        ----------
        origin : Origin
            File of the neighbourhoods.

        Returns
        -------
        tuple of (GeoDataFrame, Origin)
            On positions 0 … n−1.
        """
        lines = tuple(int(origin.row(int(i)).split()[-1]) for i in self.kept)
        frame = self.frame.iloc[self.kept].reset_index(drop=True)
        return gpd.GeoDataFrame(frame), replace(origin, lines=lines)


def join_columns(
    frame: gpd.GeoDataFrame,
    table: pd.DataFrame,
    *,
    on: tuple[str, str],
    origins: tuple[Origin, Origin],
    digits: int | None = None,
    unmatched: str = "refuse",
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
    digits : int, optional
        Length of ids that are numbers; leading zeros that were lost are put back.
    unmatched : {"refuse", "exclude"}
        Whether ids on one side only stop the run, or are left out and named.

    Returns
    -------
    Joined
        The frame with the table's columns; without the neighbourhoods that the table lacks.

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
    left, _ = clean_ids(frame[on[0]], origins[0], digits=digits)
    right, findings = clean_ids(table[on[1]], origins[1], digits=digits)
    code = "ES-JOIN-UNMATCHED" if unmatched == "refuse" else "ES-JOIN-EXCLUDED"
    of_table = _unmatched(code, right, left, origins[1], origins[0].file)
    of_frame = _unmatched(code, left, right, origins[0], origins[1].file)
    faults = [f for f in [*findings, *of_table, *of_frame] if f.status == "refused"]
    if faults:
        raise InputError(_with_hint(faults, left, right))
    added = tuple(str(c) for c in table.columns if c not in frame.columns)
    joined = table[list(added)].set_axis(right).reindex(left)
    kept = np.flatnonzero(left.isin(right))
    both = frame.assign(**{c: joined[c].to_numpy() for c in added})
    return Joined(both, [*findings, *of_table], right, added, kept, tuple(of_frame), table)


def _with_hint(faults: list[Finding], left: pd.Series, right: pd.Series) -> list[Finding]:
    """Propose id_digits where ids match once zeros are put before them."""
    length = max(left.str.len().max(), right.str.len().max())
    padded = [side.where(~side.str.isdecimal(), side.str.zfill(int(length))) for side in (left, right)]
    lone = (~left.isin(right)).sum() + (~right.isin(left)).sum()
    still = (~padded[0].isin(padded[1])).sum() + (~padded[1].isin(padded[0])).sum()
    if still >= lone:
        return faults
    mend = f"leading zeros look lost: id_digits = {int(length)} puts them back"
    return [replace(f, mend=mend) if f.code == "ES-JOIN-UNMATCHED" else f for f in faults]


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


def _unmatched(code: str, ids: pd.Series, known: pd.Series, origin: Origin, other: str) -> list[Finding]:
    lone = ~ids.isin(known) & (ids != "")
    return [
        finding(
            code,
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

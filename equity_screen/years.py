"""Years of actions, from whatever a plan writes: a year, a date, or a text that holds a year."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from equity_screen.errors import Finding
from equity_screen.schema import Case, Origin, findings_for

# A year that stands alone, before or after a word: 2021, 2021-05-01, 2020_Ordinær, Fund_2021.
_YEAR = r"(?<!\d)((?:1[5-9]|2[01])\d{2})(?!\d)"


def year_of(raw: pd.Series, *, last: bool = False) -> pd.Series:
    """Find the year in each cell of a column.

    Parameters
    ----------
    raw : pandas.Series
        Years, dates or texts.
    last : bool
        Of several years in a text, the last one instead of the first.

    Returns
    -------
    pandas.Series of float64
        Year between 1500 and 2199; NaN where a cell has none. A moment with a time zone has the year of that zone.

    Examples
    --------
    >>> year_of(pd.Series(["1994", "2020_Ordinær", "31.12.1999", "soon", None, 2030.0])).tolist()
    [1994.0, 2020.0, 1999.0, nan, nan, 2030.0]
    """
    if pd.api.types.is_datetime64_any_dtype(raw):
        return raw.dt.year.astype("float64")
    text = raw.astype("object").where(raw.notna(), "").astype("str")
    years = text.str.findall(_YEAR).map(lambda found: float(found[-1 if last else 0]) if found else np.nan)
    return years.astype("float64")


def first_year(
    frame: pd.DataFrame, columns: Sequence[str], *, origin: Origin, ids: pd.Series, last: bool = False
) -> tuple[pd.Series, list[Finding]]:
    """Take the year of the first column that has one; say where another column was needed, or says otherwise.

    Parameters
    ----------
    frame : DataFrame
        Actions as read.
    columns : sequence of str
        Columns in the order in which they are believed; none gives no year.
    origin : Origin
        File of the actions.
    ids : pandas.Series of str
        Ids of the actions.
    last : bool
        The year of the end: the last one in a text, and one that is missing is no matter.

    Returns
    -------
    years : pandas.Series of float64
        NaN where no column has a year.
    findings : list of Finding
        Years from a later column, columns that disagree, no year at all.

    Examples
    --------
    >>> frame = pd.DataFrame({"decided": [None, "2001"], "round": ["1987_East", "2004"]})
    >>> years, findings = first_year(frame, ["decided", "round"], origin=Origin(), ids=pd.Series(["A", "B"]))
    >>> years.tolist(), [(f.id, f.code) for f in findings]
    ([1987.0, 2001.0], [('A', 'ES-YEAR-OTHER'), ('B', 'ES-YEAR-DIFFERS')])
    """
    years = pd.Series(np.nan, index=frame.index, dtype="float64")
    findings: list[Finding] = []
    for place, column in enumerate(columns):
        here = year_of(frame[column], last=last)
        cases: tuple[Case, ...] = (
            (years.isna() & here.notna() & (place > 0), "ES-YEAR-OTHER"),
            (years.notna() & here.notna() & (years != here), "ES-YEAR-DIFFERS"),
        )
        values = frame[column].astype("object")
        findings += findings_for(cases, column=column, origin=origin, ids=ids, values=values)
        years = years.fillna(here)
    if columns and not last:
        findings += findings_for([(years.isna(), "ES-YEAR-NONE")], column=columns[0], origin=origin, ids=ids)
    return years, findings

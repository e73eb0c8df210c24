"""What each input must hold: checks that report every fault at once, row by row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import PurePath
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.errors import Finding, InputError, finding
from equity_screen.text import did_you_mean

NAMED_ROWS = 5
# Codes for a missing value in widely used published tables; read as numbers they change every mean and rank.
SENTINELS = (-777.0, -888.0, -999.0, -9999.0, -99999.0, *(-111111111.0 * n for n in range(1, 10)))
SEVERITY = {"used": 0, "flagged": 1, "repaired": 2, "refused": 3}
AMOUNTS = ("people", "cost", "tco2e")
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(,\d{3}){2,}(\.\d+)?$|^[+-]?\d{1,3}(,\d{3})+\.\d+$")
_POINTED = re.compile(r"^[+-]?[1-9]\d{0,2}\.\d{3}$")
_WHOLE = re.compile(r"^[+-]?\d+$")
_SCIENTIFIC_ID = re.compile(r"^\d(\.\d+)?[eE]\+\d+$")


@dataclass(frozen=True, slots=True)
class Origin:
    """File that a table came from; names its rows as its user sees them.

    Parameters
    ----------
    file : str
        File name.
    kind : {"row", "feature"}
        What a row is called.
    lines : tuple of int
        Line of each row, where they do not follow one another.

    Examples
    --------
    >>> Origin("people.csv", "row").row(0), Origin("zones.gpkg", "feature").row(0)
    ('row 2', 'feature 1')
    """

    file: str = "table"
    kind: Literal["row", "feature"] = "feature"
    lines: tuple[int, ...] = ()

    def row(self, position: int) -> str:
        """Name the row at a position counted from 0; line 1 of a table is its header.

        Parameters
        ----------
        position : int
            Position in the table as read.

        Returns
        -------
        str
            For instance ``row 43`` or ``feature 2``.
        """
        return f"{self.kind} {self._line(position)}"

    def number(self, position: int) -> int:
        """Give the number of the data row at a position; the first one of the file is 1.

        Parameters
        ----------
        position : int
            Position in the table as read.

        Returns
        -------
        int
            Number of the row without the header.
        """
        return self._line(position) - (1 if self.kind == "row" else 0)

    def _line(self, position: int) -> int:
        return self.lines[position] if self.lines else position + (2 if self.kind == "row" else 1)


class Checked(NamedTuple):
    """A checked table, what was found in it, and the fate of each input row."""

    table: pd.DataFrame
    findings: tuple[Finding, ...]
    status: pd.DataFrame


def require_columns(table: pd.DataFrame, columns: Iterable[str | None], *, origin: Origin) -> None:
    """Refuse a table that lacks a declared column, naming the nearest one it has.

    Parameters
    ----------
    table : pandas.DataFrame
        Table as read.
    columns : iterable of str or None
        Declared columns; ``None`` is passed over.
    origin : Origin
        File of the table.

    Raises
    ------
    InputError
        One finding for each missing column.

    Examples
    --------
    >>> require_columns(pd.DataFrame({"pop": [1]}), ["popp"], origin=Origin("people.csv", "row"))
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      people.csv, column popp: no such column. Mend: did you mean 'pop'? [ES-COLUMN-MISSING]
    """
    absent = [c for c in dict.fromkeys(columns) if c is not None and c not in table.columns]
    if absent:
        raise InputError(_missing_column(column, table.columns, origin) for column in absent)


def _missing_column(column: str, available: Iterable[object], origin: Origin) -> Finding:
    return finding("ES-COLUMN-MISSING", origin.file, column=column, hint=did_you_mean(column, available))


def clean_ids(raw: pd.Series, origin: Origin, *, digits: int | None = None) -> tuple[pd.Series, list[Finding]]:
    """Read ids as text: composed Unicode, no blanks around; refuse missing, ruined and double ones.

    Parameters
    ----------
    raw : pandas.Series
        Ids as read, on positions 0 … n−1.
    origin : Origin
        File of the table.
    digits : int, optional
        Length of ids that are numbers; leading zeros that were lost are put back.

    Returns
    -------
    ids : pandas.Series of str
        Ids on the same index; ``""`` where missing.
    findings : list of Finding
        Repairs (blanks, composition) and refusals (missing, scientific, double).

    Examples
    --------
    >>> ids, findings = clean_ids(pd.Series(["A ", None, "B"], name="id"), Origin("t.csv", "row"))
    >>> list(ids), [(f.status, f.row) for f in findings]
    (['A', '', 'B'], [('repaired', 'row 2'), ('refused', 'row 3')])
    """
    column = str(raw.name)
    text = raw.map(_id_text)
    ids = text.map(lambda value: unicodedata.normalize("NFC", value).strip())
    ids = ids if digits is None else ids.map(lambda value: _with_zeros(value, digits))
    findings = [
        finding(
            "ES-ID-TEXT",
            origin.file,
            row=origin.row(int(i)),
            id=ids.iloc[i],
            column=column,
            value=text.iloc[i],
        )
        for i in np.flatnonzero((ids != text).to_numpy())
    ]
    absent = finding("ES-ID-MISSING", column=column)
    findings += repeat(absent, ids == "", origin=origin, ids=ids)
    ruined = ids.str.match(_SCIENTIFIC_ID)
    lost = finding("ES-ID-SCIENTIFIC", column=column)
    findings += repeat(lost, ruined, origin=origin, ids=ids, values=ids)
    double = ids.duplicated(keep=False) & (ids != "") & ~ruined
    return ids, findings + _doubles(ids, double, origin, column)


def _with_zeros(text: str, digits: int) -> str:
    """Put back the leading zeros of a number, also of one that was read with a decimal point."""
    whole = text.removesuffix(".0")
    return whole.zfill(digits) if whole.isdecimal() and whole.isascii() else text


def _id_text(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return ""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole and isinstance(value, float) else str(value)


def _doubles(ids: pd.Series, double: pd.Series, origin: Origin, column: str) -> list[Finding]:
    positions = pd.Series(np.flatnonzero(double), dtype="int64").groupby(ids[double].to_numpy()).agg(list)
    return [
        finding(
            "ES-ID-DUPLICATE",
            origin.file,
            row=origin.row(int(row)),
            id=str(key),
            column=column,
            value=str(key),
            count=len(rows),
            rows=", ".join(
                [*(origin.row(int(r)) for r in rows[:NAMED_ROWS]), *(["…"] if len(rows) > NAMED_ROWS else [])]
            ),
        )
        for key, rows in positions.items()
        for row in rows
    ]


def column_text(frame: pd.DataFrame, column: str | None, *, fallback: pd.Series) -> pd.Series:
    """Read a column as text without blanks around; where it is blank, a fallback.

    Parameters
    ----------
    frame : DataFrame
        Table as read.
    column : str or None
        Column; ``None`` gives the fallback.
    fallback : pandas.Series of str
        Text for blank cells.

    Returns
    -------
    pandas.Series of str
        Text on the same index.

    Examples
    --------
    >>> column_text(pd.DataFrame({"name": [" Oak ", None]}), "name", fallback=pd.Series(["A", "B"])).tolist()
    ['Oak', 'B']
    """
    if column is None:
        return fallback
    text = frame[column].astype("object").where(frame[column].notna(), "").astype("str").str.strip()
    return text.where(text != "", fallback)


def repeat(
    template: Finding,
    bad: pd.Series | NDArray[np.bool_],
    *,
    origin: Origin,
    ids: pd.Series,
    values: pd.Series | None = None,
) -> list[Finding]:
    """Repeat a finding for each bad row, with its place, id and value.

    Parameters
    ----------
    template : Finding
        Status, code, reason, mend and column; its file, row, id and value are filled in.
    bad : Series or ndarray of bool
        Mask of the rows.
    origin : Origin
        File of the rows.
    ids : pandas.Series of str
        Ids of all rows.
    values : pandas.Series, optional
        Values of all rows, for the message.

    Returns
    -------
    list of Finding
        One for each bad row.

    Examples
    --------
    >>> odd = Finding("flagged", "ES-X", "", "odd", "look")
    >>> found = repeat(odd, np.array([False, True]), origin=Origin("t.csv", "row"), ids=pd.Series(["A", "B"]))
    >>> [(f.source, f.row, f.id) for f in found]
    [('t.csv', 'row 3', 'B')]
    """
    return [
        replace(
            template,
            source=origin.file,
            row=origin.row(int(i)),
            id=str(ids.iloc[i]),
            value=template.value if values is None or pd.isna(values.iloc[i]) else str(values.iloc[i]),
        )
        for i in np.flatnonzero(np.asarray(bad, dtype=bool))
    ]


Case = tuple["pd.Series | NDArray[np.bool_]", str]


def findings_for(
    cases: Iterable[Case], *, column: str, origin: Origin, ids: pd.Series, values: pd.Series | None = None
) -> list[Finding]:
    """Collect the findings of several checks of one column.

    Parameters
    ----------
    cases : iterable of (mask, code)
        One check each.
    column : str
        Column checked.
    origin : Origin
        File of the rows.
    ids, values : pandas.Series
        Ids and values of all rows.

    Returns
    -------
    list of Finding
        In the order of the checks, then of the rows.

    Examples
    --------
    >>> cases = [(np.array([True]), "ES-COUNT-NEGATIVE")]
    >>> [f.column for f in findings_for(cases, column="pop", origin=Origin(), ids=pd.Series(["A"]))]
    ['pop']
    """
    return [
        found
        for bad, code in cases
        for found in repeat(finding(code, column=column), bad, origin=origin, ids=ids, values=values)
    ]


def read_numbers(
    raw: pd.Series, origin: Origin, *, ids: pd.Series, missing: Sequence[float] = ()
) -> tuple[pd.Series, list[Finding]]:
    """Read a column as float64: blank is missing, thousands separators are repaired, words refused.

    Parameters
    ----------
    raw : pandas.Series
        Column as read, text or numbers.
    origin : Origin
        File of the table.
    ids : pandas.Series of str
        Ids on the same index, for the messages.
    missing : sequence of float
        Documented codes for a missing value; they become missing.

    Returns
    -------
    numbers : pandas.Series of float64
        Missing is NaN, never 0.
    findings : list of Finding
        Repaired separators; refused words and infinities.

    Examples
    --------
    >>> column = pd.Series(["12", "", "1,234,567", "ten"], name="people")
    >>> numbers, findings = read_numbers(column, Origin("t.csv", "row"), ids=pd.Series(list("ABCD")))
    >>> numbers.tolist(), [(f.status, f.value) for f in findings]
    ([12.0, nan, 1234567.0, nan], [('repaired', '1,234,567'), ('refused', 'ten')])
    """
    numbers, text, cases = _as_given(raw) if _is_number(raw) else _from_text(raw)
    infinite, coded = np.isinf(numbers), numbers.isin(missing)
    sentinel = numbers.isin(SENTINELS) & ~coded
    findings = findings_for(
        [*cases, (infinite, "ES-NUMBER-INFINITE")], column=str(raw.name), origin=origin, ids=ids, values=text
    )
    for value in sorted(set(numbers[sentinel])):
        code = finding("ES-NUMBER-SENTINEL", column=str(raw.name), value=f"{value:.15g}")
        findings += repeat(code, numbers == value, origin=origin, ids=ids)
    return numbers.mask(coded | infinite | sentinel), findings


def _is_number(raw: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(raw) and not pd.api.types.is_bool_dtype(raw))


def _as_given(raw: pd.Series) -> tuple[pd.Series, pd.Series, list[Case]]:
    return raw.astype("float64"), raw, []


def _from_text(raw: pd.Series) -> tuple[pd.Series, pd.Series, list[Case]]:
    text = raw.map(_number_text)
    grouped = text.str.match(_THOUSANDS)
    plain = text.where(~grouped, text.str.replace(",", ""))
    numbers = pd.to_numeric(plain.where(plain != "", None), errors="coerce").astype("float64")
    words = numbers.isna() & (plain != "") & (plain.str.lower() != "nan")
    # Among whole numbers 1.340 is more likely 1340 than a number of three decimals; which, no one can tell.
    pointed, whole = text.str.match(_POINTED), text.str.match(_WHOLE)
    doubtful = pointed & bool((whole & ~pointed).any() and (pointed | whole | (plain == "")).all())
    cases = [(grouped, "ES-NUMBER-THOUSANDS"), (words, "ES-NUMBER-TEXT"), (doubtful, "ES-NUMBER-POINT")]
    return numbers.mask(doubtful), text, cases


def _number_text(value: object) -> str:
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        return repr(float(value))
    return str(value).strip()


def check_counts(counts: pd.Series, origin: Origin, *, ids: pd.Series, total: pd.Series | None = None) -> list[Finding]:
    """Refuse counts below zero and groups larger than the people they are part of.

    Parameters
    ----------
    counts : pandas.Series of float64
        People.
    origin : Origin
        File of the table.
    ids : pandas.Series of str
        Ids on the same index.
    total : pandas.Series of float64, optional
        People that the group is part of.

    Returns
    -------
    list of Finding
        Refusals.

    Examples
    --------
    >>> findings = check_counts(pd.Series([5.0, -1.0], name="n"), Origin("t.csv", "row"), ids=pd.Series(["A", "B"]),
    ...                         total=pd.Series([4.0, 9.0]))
    >>> [(f.code, f.row) for f in findings]
    [('ES-COUNT-NEGATIVE', 'row 3'), ('ES-GROUP-OVER-TOTAL', 'row 2')]
    """
    # Published counts are rounded one by one: half a person is no contradiction.
    over = pd.Series(data=False, index=counts.index) if total is None else counts > total + 0.5
    cases: tuple[Case, ...] = (
        (counts < 0, "ES-COUNT-NEGATIVE"),
        (over, "ES-GROUP-OVER-TOTAL"),
    )
    return findings_for(cases, column=str(counts.name), origin=origin, ids=ids, values=counts)


def row_status(
    origin: Origin,
    ids: pd.Series,
    *,
    findings: Iterable[Finding] = (),
    amounts: Mapping[str, pd.Series] = MappingProxyType({}),
) -> pd.DataFrame:
    """Give each input row its fate: the gravest of its findings, or used.

    Parameters
    ----------
    origin : Origin
        File of the table.
    ids : pandas.Series of str
        Ids of the rows, in file order.
    findings : iterable of Finding
        Findings in this file.
    amounts : mapping of str to Series
        What the rows bring in: people, cost [currency], tco2e [tCO2e/year]; the ledger adds them up.

    Returns
    -------
    pandas.DataFrame
        Columns input, row, id, status, codes, reasons, mends, people, cost, tco2e; one row for each
        input row.

    Examples
    --------
    >>> found = [Finding("flagged", "ES-X", "t.csv", "odd", "look", row="row 3")]
    >>> row_status(Origin("t.csv", "row"), pd.Series(["A", "B"]), findings=found)["status"].tolist()
    ['used', 'flagged']
    """
    by_row: dict[str, list[Finding]] = {}
    for one in findings:
        if one.row:
            by_row.setdefault(one.row, []).append(one)
    rows = [origin.row(int(i)) for i in range(len(ids))]
    own = [by_row.get(row, []) for row in rows]
    return pd.DataFrame(
        {
            "input": origin.file,
            "row": rows,
            "id": ids.to_numpy(dtype=object),
            "status": [max((f.status for f in found), key=SEVERITY.__getitem__, default="used") for found in own],
            "codes": [_joined(found, lambda f: f.code) for found in own],
            "reasons": [_joined(found, _where_and_why) for found in own],
            "mends": [_joined(found, lambda f: f.mend) for found in own],
            **{name: amounts[name].to_numpy(dtype=np.float64) if name in amounts else np.nan for name in AMOUNTS},
        }
    )


def _where_and_why(finding: Finding) -> str:
    place = " ".join(part for part in (finding.column, finding.value) if part)
    return f"{place}: {finding.reason}" if place else finding.reason


def _joined(findings: Sequence[Finding], part: Callable[[Finding], str]) -> str:
    return "; ".join(dict.fromkeys(part(f) for f in findings))


def file_notes(findings: Iterable[Finding]) -> pd.DataFrame:
    """Make a line of each repair or judgement that is about a whole file; it is no row of that file.

    Parameters
    ----------
    findings : iterable of Finding
        Findings.

    Returns
    -------
    DataFrame
        As of :func:`row_status`, with a blank row.

    Examples
    --------
    >>> noted = file_notes([Finding("flagged", "ES-X", "t.csv", "odd", "look"), Finding("refused", "ES-Y", "", "", "")])
    >>> noted[["input", "row", "codes"]].values.tolist()
    [['t.csv', '', 'ES-X']]
    """
    whole = [f for f in findings if not f.row and not f.id and f.status != "refused"]
    tables = [
        row_status(Origin(f.source), pd.Series([""]), findings=[replace(f, row="feature 1")]).assign(row="")
        for f in whole
    ]
    return pd.concat(tables, ignore_index=True) if tables else row_status(Origin(), pd.Series(dtype="str"))


def note_by_id(status: pd.DataFrame, findings: Iterable[Finding]) -> pd.DataFrame:
    """Add findings that name an id but no row to the fates of the rows with that id.

    Parameters
    ----------
    status : DataFrame
        Fates of all rows.
    findings : iterable of Finding
        Findings; those that name their row are in the fates already.

    Returns
    -------
    DataFrame
        Fates; a row's status only ever gets graver.

    Examples
    --------
    >>> status = row_status(Origin("t.csv", "row"), pd.Series(["A", "B"]))
    >>> note_by_id(status, [Finding("flagged", "ES-X", "t.csv", "odd", "look", id="B")])["status"].tolist()
    ['used', 'flagged']
    """
    told: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        if one.id and not one.row:
            told.setdefault((one.source, one.id), []).append(one)
    keys = list(zip(status["input"], status["id"], strict=True)) if told else []
    rows = [(position, told[key]) for position, key in enumerate(keys) if key in told]
    columns: dict[str, Callable[[str, list[Finding]], str]] = {
        "status": lambda old, new: max([old, *(f.status for f in new)], key=SEVERITY.__getitem__),
        "codes": lambda old, new: _added(old, [f.code for f in new]),
        "reasons": lambda old, new: _added(old, [_where_and_why(f) for f in new]),
        "mends": lambda old, new: _added(old, [f.mend for f in new]),
    }
    noted = {column: status[column].tolist() for column in columns}
    for column, joined in columns.items():
        for position, new in rows:
            noted[column][position] = joined(noted[column][position], new)
    return status.assign(**noted)


def _added(old: str, new: list[str]) -> str:
    return "; ".join([*([old] if old else []), *new])


def refused_rows(status: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows are refused.

    Parameters
    ----------
    status : DataFrame
        Fate of each row.

    Returns
    -------
    ndarray of bool
        Mask in file order.

    Examples
    --------
    >>> refused_rows(pd.DataFrame({"status": ["used", "refused"]})).tolist()
    [False, True]
    """
    refused: NDArray[np.bool_] = (status["status"] == "refused").to_numpy(dtype=bool)
    return refused


def safe_path(folder: PurePath, file: str) -> PurePath:
    """Join a declared file name to the project's folder; refuse addresses and virtual file systems.

    Parameters
    ----------
    folder : pathlib.PurePath
        Folder of the project file.
    file : str
        Name as declared.

    Returns
    -------
    pathlib.PurePath
        Path to open.

    Raises
    ------
    InputError
        For ``://`` and ``/vsi…`` in the name.

    Examples
    --------
    >>> safe_path(PurePath("city"), "zones.gpkg").as_posix()
    'city/zones.gpkg'
    """
    if "://" in file or "/vsi" in file.lower() or "\0" in file:
        raise InputError([finding("ES-PATH", file)])
    return folder / file

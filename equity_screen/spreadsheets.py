"""Spreadsheets read as tables: every cell as text, errors and uncomputed formulas refused by their cell."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from equity_screen.errors import Finding, InputError, finding
from equity_screen.schema import Origin
from equity_screen.text import plain_text

LARGEST = 256 * 2**20
"""Most bytes [B] that a workbook may hold once it is unpacked."""
MOST_CELLS = 20_000_000
MOST_ROWS = 2**20  # of any sheet
EXACT = 1e15  # spreadsheets keep 15 digits; a longer whole number has lost the others
OLD_OR_ENCRYPTED = b"\xd0\xcf\x11\xe0"
FORMULA = b"<f"
CHUNK = 2**20
# What the libraries say of a workbook that is torn or made up.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    InvalidFileException,
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    AssertionError,
)
Row = tuple[int, list[str]]


def read_sheet(path: Path, layer: str | None = None) -> tuple[pd.DataFrame, Origin]:
    """Read one sheet of an XLSX workbook; its first row that is not blank names the columns.

    Parameters
    ----------
    path : Path
        Workbook.
    layer : str, optional
        Name of the sheet; the first one that is not hidden unless given.

    Returns
    -------
    table : DataFrame
        Rows that are not wholly blank, every cell as text: 7.0 is ``"7"``, a date ``"2030-01-31"``,
        35 % ``"0.35"``.
    origin : Origin
        How to name the rows: by the numbers that the spreadsheet shows.

    Raises
    ------
    InputError
        Encrypted, too large or no workbook, no such sheet, a value under no heading, an error such as
        ``#N/A``, a formula whose value was never computed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book = openpyxl.Workbook()
    ...     for row in (["id", "cost"], ["007", 7.0], [], ["A", None]):
    ...         book.active.append(row)
    ...     book.save(Path(folder) / "plan.xlsx")
    ...     table, origin = read_sheet(Path(folder) / "plan.xlsx")
    >>> table.to_numpy().tolist(), origin.row(1)
    ([['007', '7'], ['A', '']], 'row 4')
    """
    with _opened(path) as (formulas, open_book):
        book = open_book(data_only=True)
        sheet = _chosen(book, layer, name=path.name)
        several = len(book.worksheets) > 1
        source = f"{path.name}, sheet {plain_text(sheet)}" if several else path.name
        uncomputed = _uncomputed(book, open_book(data_only=False), sheet) if formulas else []
        faults = [finding("ES-XLSX-FORMULA", source, **place) for place in uncomputed]
        rows, errors = _rows(book[sheet], source)
    faults += errors
    if faults:
        raise InputError(faults)
    return _table(rows, source)


def sheet_names(path: Path) -> list[str]:
    """Name the sheets of a workbook that are not hidden.

    Parameters
    ----------
    path : Path
        Workbook.

    Returns
    -------
    list of str
        Names in the order of the workbook.

    Raises
    ------
    InputError
        Encrypted, too large, or no workbook.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     openpyxl.Workbook().save(Path(folder) / "plan.xlsx")
    ...     sheet_names(Path(folder) / "plan.xlsx")
    ['Sheet']
    """
    with _opened(path) as (_, open_book):
        return _visible(open_book(data_only=True))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[bool, Callable[..., openpyxl.Workbook]]]:
    """Look at the archive before it is unpacked; then open it as often as is asked, and close it."""
    try:
        with ExitStack() as stack, warnings.catch_warnings():

            def open_book(*, data_only: bool) -> openpyxl.Workbook:
                # A stream of our own is closed even where the library stops half-way.
                stream = stack.enter_context(path.open("rb"))
                return openpyxl.load_workbook(stream, read_only=True, data_only=data_only, keep_links=False)

            # What openpyxl would not keep when writing (validations, headers) is no matter for reading.
            warnings.simplefilter("ignore")
            yield _formulas(path), open_book
    except InputError:
        raise
    except BROKEN as error:
        said = plain_text(str(error).replace(str(path), path.name)) or type(error).__name__
        raise InputError([finding("ES-FILE-UNREADABLE", path.name, error=said)]) from error


def _formulas(path: Path) -> bool:
    """Refuse what is no workbook or would not fit; tell whether any sheet has a formula."""
    with path.open("rb") as stream:
        if stream.read(len(OLD_OR_ENCRYPTED)) == OLD_OR_ENCRYPTED:
            raise InputError([finding("ES-XLSX-ENCRYPTED", path.name)])
    with zipfile.ZipFile(path) as archive:
        # Nothing more than these sizes is ever unpacked, whatever the archive holds.
        size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST:
            megabytes = [f"{n / 2**20:,.0f}" for n in (size, LARGEST)]
            raise InputError([finding("ES-XLSX-SIZE", path.name, size=megabytes[0], limit=megabytes[1])])
        return any(_holds(archive, name) for name in archive.namelist() if name.startswith("xl/worksheets/"))


def _holds(archive: zipfile.ZipFile, name: str) -> bool:
    tail = b""
    with archive.open(name) as stream:
        while chunk := stream.read(CHUNK):
            if FORMULA in tail + chunk:
                return True
            tail = chunk[-1:]
    return False


def _visible(book: openpyxl.Workbook) -> list[str]:
    return [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]


def _chosen(book: openpyxl.Workbook, layer: str | None, *, name: str) -> str:
    """Sheet that is named, else the first that shows."""
    names = [sheet.title for sheet in book.worksheets]
    if layer is not None and layer not in names:
        raise InputError([finding("ES-FILE-LAYERS", name, count=len(names), names=", ".join(names))])
    first = next(iter(_visible(book) or names), None)
    chosen = layer or first
    if chosen is None:
        raise InputError([finding("ES-FILE-EMPTY", name)])
    return chosen


def _uncomputed(book: openpyxl.Workbook, written: openpyxl.Workbook, sheet: str) -> list[dict[str, str]]:
    """Places of formulas that the workbook holds no value of; read as blank, they would be lost."""
    return [
        {"row": f"row {cell.row}", "column": _letter(cell), "value": plain_text(cell.value, limit=80)}
        for formulas, values in zip(_cells(written[sheet]), _cells(book[sheet]), strict=True)
        for cell, value in zip(formulas, values, strict=False)
        if cell.data_type == "f" and value.value is None
    ]


def _cells(sheet: Any) -> Iterator[Sequence[Any]]:  # noqa: ANN401 - the library publishes no types
    sheet.reset_dimensions()  # the size that a file states of itself may be too small
    return iter(sheet.iter_rows())


def _letter(cell: Any) -> str:  # noqa: ANN401
    return str(get_column_letter(cell.column))


def _rows(sheet: Any, source: str) -> tuple[list[Row], list[Finding]]:  # noqa: ANN401
    """Rows that are not blank, with their numbers; errors such as #N/A by their cell."""
    rows: list[Row] = []
    faults: list[Finding] = []
    width = 1
    for number, cells in enumerate(_cells(sheet), start=1):
        width = max(width, len(cells))
        if number > MOST_ROWS or number * width > MOST_CELLS:
            raise InputError([finding("ES-XLSX-CELLS", source, limit=f"{MOST_CELLS:,}")])
        faults += [
            finding("ES-XLSX-ERROR", source, row=f"row {number}", column=_letter(cell), value=str(cell.value))
            for cell in cells
            if cell.data_type == "e"
        ]
        texts = _trimmed([_cell_text(cell.value) for cell in cells])
        if texts:
            rows.append((number, texts))
    return rows, faults


def _trimmed(texts: list[str]) -> list[str]:
    while texts and not texts[-1].strip():
        texts.pop()
    return texts


def _table(rows: list[Row], source: str) -> tuple[pd.DataFrame, Origin]:
    if not rows:
        raise InputError([finding("ES-FILE-EMPTY", source)])
    header = [name.strip() for name in rows[0][1]]
    named = [i for i, name in enumerate(header) if name]
    faults = [
        finding("ES-XLSX-HEADING", source, row=f"row {number}", column=get_column_letter(i + 1), value=plain_text(text))
        for number, texts in islice(rows, 1, None)
        for i, text in enumerate(texts)
        if text.strip() and (i >= len(header) or not header[i])
    ]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    faults += [finding("ES-COLUMN-DUPLICATE", source, column=name) for name in twice]
    if faults:
        raise InputError(faults)
    body = [[texts[i] if i < len(texts) else "" for i in named] for _, texts in rows[1:]]
    table = pd.DataFrame(body, columns=[header[i] for i in named], dtype="str")
    return table, Origin(source, "row", tuple(number for number, _ in rows[1:]))


def _cell_text(value: object) -> str:
    return next((write(value) for kind, write in CELL_TEXTS.items() if isinstance(value, kind)), str(value))


def _number(value: float) -> str:
    if abs(value) >= EXACT:
        return np.format_float_scientific(value)  # as an id, it is refused: its last digits are lost
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _moment(value: dt.datetime) -> str:
    midnight = value.time() == dt.time(0)
    return value.date().isoformat() if midnight else value.isoformat(sep=" ")


# In this order: a truth value is an int to Python, a moment a date.
CELL_TEXTS: Mapping[type, Callable[..., str]] = MappingProxyType(
    {
        type(None): lambda _: "",
        str: str,
        bool: lambda value: str(value).upper(),
        int: _number,
        float: _number,
        dt.datetime: _moment,
        dt.date: dt.date.isoformat,
        dt.time: dt.time.isoformat,
    }
)

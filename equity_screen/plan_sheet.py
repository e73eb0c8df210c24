"""A spreadsheet to write a plan in: actions, effects, what every column means, and the places by their ids."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import xlsxwriter

from equity_screen.columns import look_at
from equity_screen.conditions import boundary_names, label_of, name_column
from equity_screen.errors import OutputError, UsageError
from equity_screen.survey import CityFiles, Piece, id_column, ids_of, read_city
from equity_screen.text import plain_text, safe_cell

ROWS = 2000  # rows of a sheet that lists and checks are laid over
MADE = dt.datetime(2030, 1, 1)  # noqa: DTZ001 - a fixed moment, so that equal plans are equal bytes
WORDS = ("citywide", "unknown")
SHEETS = ("actions", "effects")
WIDTHS = MappingProxyType({"text": 18, "number": 12, "year": 10})
YEARS = (1900, 2150)
LONGEST_TITLE, LONGEST_HINT = 32, 255  # [characters] of a hint beside a cell
NOTES = (
    ("", "A row for each action on the sheet actions; a row for each benefit or burden on the sheet effects."),
    ("", "The first row of a sheet names its columns: do not change it. Columns that are not needed may be deleted."),
    ("", "Blank rows are passed over. Write plain numbers; formulas are read by the value last computed."),
    (
        "",
        "equity-screen init FILES… THIS_FILE proposes a project file; equity-screen check lists faults by their cells.",
    ),
)


class Place(NamedTuple):
    """A place that an action can be in: what its ``where`` cell says, and whose id and name that is."""

    where: str
    layer: str
    id: str
    name: str


@cache
def plan_columns() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Columns of a plan: sheet → column → kind, note, choices.

    Returns
    -------
    mapping
        Read from ``plan_columns.toml``.

    Examples
    --------
    >>> plan_columns()["effects"]["ledger"]["choices"]
    ['benefit', 'burden']
    """
    text = (resources.files("equity_screen") / "plan_columns.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


def places_of(city: CityFiles) -> tuple[Place, ...]:
    """List the neighbourhoods and the larger areas that actions can be in.

    Parameters
    ----------
    city : CityFiles
        Files of a city.

    Returns
    -------
    tuple of Place
        Layer by layer, each in the order of its ids.

    Examples
    --------
    >>> import pandas as pd
    >>> places_of(CityFiles(zones=Piece("z.gpkg", pd.DataFrame({"id": ["B", "A"], "name": ["Port", "Hill"]}))))[0]
    Place(where='zones:A', layer='neighbourhoods', id='A', name='Hill')
    """
    found: list[Place] = []
    if city.zones is not None:
        id_ = city.link.zone_id if city.link else id_column(city.zones)
        found += _places(city.zones, id_, "zones", digits=city.link.digits if city.link else None)
    for name, piece in boundary_names(city).items():
        found += _places(piece, id_column(piece), name)
    return tuple(found)


def _places(piece: Piece, id_: str | None, word: str, *, digits: int | None = None) -> list[Place]:
    if id_ is None:
        return []
    column = name_column(piece, [id_])
    names = [""] * len(piece.table) if column is None else look_at(piece.table[column]).texts.to_list()
    layer = "neighbourhoods" if word == "zones" else label_of(word)
    named = zip(ids_of(piece, id_, digits=digits), names, strict=True)
    return sorted(Place(f"{word}:{one}", layer, one, plain_text(name)) for one, name in named if one)


def write_plan(path: Path, *, places: Sequence[Place] = ()) -> list[Path]:
    """Write the spreadsheet of a plan to fill in; nothing is written over.

    Parameters
    ----------
    path : Path
        ``plan.xlsx``, or ``plan.csv`` for files of which each holds one sheet.
    places : sequence of Place
        Places that actions can be in.

    Returns
    -------
    list of Path
        Files written.

    Raises
    ------
    UsageError
        Another kind of file.
    OutputError
        A file of that name exists, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_plan(Path(folder) / "plan.csv")]
    ['plan.csv', 'plan_effects.csv']
    """
    kind = path.suffix.lower()
    if kind not in WRITERS:
        message = f"{path.name}: a plan is written as .xlsx or .csv. Mend: name it plan.xlsx"
        raise UsageError(message)
    contents = WRITERS[kind](path, places)
    existing = [one for one in contents if one.exists()]
    if existing:
        message = f"{existing[0]} exists. Mend: give another name"
        raise OutputError(message)
    try:
        for one, content in contents.items():
            with one.open("xb") as stream:
                stream.write(content)
    except OSError as error:
        message = f"cannot write {path}: {error}. Mend: check the disk and the folder's rights"
        raise OutputError(message) from error
    return list(contents)


def propose_plan(path: Path, files: Iterable[str], *, folder: Path | None = None) -> list[Path]:
    """Write the spreadsheet of a plan, with the places of the files of a city.

    Parameters
    ----------
    path : Path
        File to write.
    files : iterable of str
        Neighbourhoods and layers of larger areas; others are passed over.
    folder : Path, optional
        Folder that they are in; the current one unless given.

    Returns
    -------
    list of Path
        Files written.

    Raises
    ------
    InputError
        A file that cannot be read.
    UsageError
        Another kind of file to write.
    OutputError
        A file of that name exists, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(propose_plan(Path(folder) / "plan.xlsx", []))
    1
    """
    return write_plan(path, places=places_of(read_city(files, folder=folder)))


def _csv_files(path: Path, places: Sequence[Place]) -> dict[Path, bytes]:
    tables = {path: [list(plan_columns()["actions"])]}
    tables[path.with_stem(f"{path.stem}_effects")] = [list(plan_columns()["effects"])]
    if places:
        tables[path.with_stem(f"{path.stem}_places")] = [list(Place._fields), *(list(place) for place in places)]
    return {one: _csv(rows) for one, rows in tables.items()}


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows([safe_cell(cell) for cell in row] for row in rows)
    return stream.getvalue().encode("utf-8-sig")


def _workbook(path: Path, places: Sequence[Place]) -> dict[Path, bytes]:
    stream = io.BytesIO()
    # No text ever becomes a formula or a link.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(stream, options) as book:
        book.set_properties({"title": "Plan for equity-screen", "created": MADE})
        listed = [Place(word, "", "", "") for word in WORDS] + list(places)
        for name in SHEETS:
            _sheet(book, name, listed=len(listed) if places else 0)
        if places:
            _texts(book, "places", [Place._fields, *listed], widths=(28, 20, 18, 30))
        _texts(book, "notes", _notes(), widths=(22, 100, 60))
    return {path: stream.getvalue()}


def _sheet(book: Any, name: str, *, listed: int) -> None:  # noqa: ANN401 - the library publishes no types
    """Sheet with named columns, each with its hint, its list to choose from, and text cells where ids stand."""
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1})
    text = book.add_format({"num_format": "@"})
    sheet.freeze_panes(1, 0)
    for i, (column, about) in enumerate(plan_columns()[name].items()):
        sheet.set_column(i, i, WIDTHS[about["kind"]], text if about["kind"] == "text" else None)
        sheet.write_string(0, i, column, head)
        hint = {"input_title": column[:LONGEST_TITLE], "input_message": _cut(about["note"])}
        sheet.data_validation(1, i, ROWS, i, hint | _rule(column, about, listed=listed))


def _rule(column: str, about: Mapping[str, Any], *, listed: int) -> dict[str, Any]:
    """Check of a column: a list that binds or only proposes, numbers of 0 or more, years."""
    if column == "where" and listed:
        return {"validate": "list", "source": f"=places!$A$2:$A${listed + 1}", "show_error": False}
    if "choices" in about:
        return {"validate": "list", "source": about["choices"], "show_error": about.get("only", False)}
    if about["kind"] == "number":
        return {"validate": "decimal", "criteria": ">=", "value": 0, "error_type": "warning"}
    if about["kind"] == "year":
        low, high = YEARS
        between = {"validate": "integer", "criteria": "between", "minimum": low, "maximum": high}
        return between | {"error_type": "information"}
    return {"validate": "any"}


def _cut(note: str) -> str:
    return note if len(note) <= LONGEST_HINT else note[: LONGEST_HINT - 1] + "…"


def _notes() -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [("column", "what it means", "what may stand in it"), *NOTES]
    for sheet in SHEETS:
        rows.append((f"sheet {sheet}", ""))
        for column, about in plan_columns()[sheet].items():
            rows.append((column, about["note"], _legal(about)))
    return rows


def _legal(about: Mapping[str, Any]) -> str:
    if "choices" in about:
        return ", ".join(about["choices"]) + ("" if about.get("only") else ", or other words")
    return {"text": "text", "number": "a number of 0 or more", "year": "a year or a date"}[about["kind"]]


def _texts(book: Any, name: str, rows: Sequence[Sequence[str]], *, widths: Sequence[int]) -> None:  # noqa: ANN401
    sheet = book.add_worksheet(name)
    styles = [book.add_format({"bold": True}), book.add_format({"num_format": "@", "text_wrap": name == "notes"})]
    sheet.freeze_panes(1, 0)
    for i, width in enumerate(widths):
        sheet.set_column(i, i, width, styles[1])
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            sheet.write_string(i, j, cell, styles[i > 0])


WRITERS = MappingProxyType({".xlsx": _workbook, ".csv": _csv_files})

"""A commented project file to begin with, its columns proposed from the files' own."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from equity_screen.errors import InputError, finding
from equity_screen.text import plain_text

SHORTEST_BEGINNING = 3
GUESSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("geoid", "id", "code", "zone_id", "fips", "lsoa", "tract", "action_id"),
        "name": ("name", "title", "label", "navn"),
        "population": ("population", "pop", "people", "e_totpop", "totpop", "pop_total"),
        "cost": ("cost", "capex"),
        "tco2e": ("tco2e", "ghg", "co2"),
        "sector": ("sector",),
        "where": ("where",),
        "status": ("status",),
        "x": ("x", "lon", "longitude", "easting"),
        "y": ("y", "lat", "latitude", "northing"),
    }
)


def _csv_columns(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return next(csv.reader(stream), [])


def _geojson_columns(path: Path) -> list[str]:
    layer = json.loads(path.read_text(encoding="utf-8"))
    features = layer.get("features") if isinstance(layer, dict) else None
    if not isinstance(features, list):
        msg = "no list of features"
        raise ValueError(msg)  # noqa: TRY004 - a fault of the file's content, not of a caller
    rows = [feature.get("properties") for feature in features[:100] if isinstance(feature, dict)]
    return list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))


def _geopackage_columns(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        layers = database.execute("SELECT table_name FROM gpkg_contents WHERE data_type = 'features'").fetchall()
        if not layers:
            return []
        rows = database.execute("SELECT name FROM pragma_table_info(?)", layers[0]).fetchall()
    return [str(name) for (name,) in rows if name not in ("fid", "geom", "geometry")]


COLUMNS_OF: Mapping[str, Callable[[Path], list[str]]] = MappingProxyType(
    {
        ".csv": _csv_columns,
        ".geojson": _geojson_columns,
        ".json": _geojson_columns,
        ".gpkg": _geopackage_columns,
    }
)


def columns_of(path: Path) -> list[str]:
    r"""List the columns of a file without the geographical libraries.

    Parameters
    ----------
    path : Path
        CSV, GeoJSON or GeoPackage; other kinds give none.

    Returns
    -------
    list of str
        Column names in file order.

    Raises
    ------
    InputError
        No such file, or not readable.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder) / "people.csv"
    ...     _ = table.write_text("GEOID,pop\n001,7\n")
    ...     columns_of(table)
    ['GEOID', 'pop']
    """
    if not path.is_file():
        raise InputError([finding("ES-FILE-MISSING", path.name)])
    try:
        reader = COLUMNS_OF.get(path.suffix.lower())
        return reader(path) if reader else []
    except (OSError, ValueError, RecursionError, csv.Error, sqlite3.Error) as error:
        raise InputError([finding("ES-FILE-UNREADABLE", path.name, error=error)]) from error


def guess(meaning: str, columns: Sequence[str]) -> str | None:
    """Propose the column that bears a meaning: an exact name first, then one with the word among its parts.

    Parameters
    ----------
    meaning : str
        Key of ``GUESSES``.
    columns : sequence of str
        Columns of a file.

    Returns
    -------
    str or None
        The column, or None.

    Examples
    --------
    >>> guess("population", ["GEOID", "POP_2020"]), guess("cost", ["GEOID"])
    ('POP_2020', None)
    """
    lower = {column.lower(): column for column in reversed(columns)}
    words = GUESSES[meaning]
    exact = next((lower[word] for word in words if word in lower), None)
    parts = {column: set(re.split(r"[^a-z0-9]+", column.lower())) for column in columns}
    within = (column for word in words for column in columns if any(_is_part(word, part) for part in parts[column]))
    return exact or next(within, None)


def _is_part(word: str, part: str) -> bool:
    """Tell whether a part of a column's name is a word, or begins with one of three letters or more."""
    return part == word if len(word) < SHORTEST_BEGINNING else part.startswith(word)


def project_text(neighbourhoods: str | None = None, actions: str | None = None, *, folder: Path | None = None) -> str:
    """Write the text of a commented project file.

    Parameters
    ----------
    neighbourhoods, actions : str, optional
        File names; placeholders where not given.
    folder : Path, optional
        Folder that they are in; the current one unless given.

    Returns
    -------
    str
        TOML that :func:`equity_screen.read_project` reads.

    Raises
    ------
    InputError
        A file that cannot be read.

    Examples
    --------
    >>> 'file = "neighbourhoods.gpkg"' in project_text()
    True
    """
    where = folder or Path()
    zones = columns_of(where / neighbourhoods) if neighbourhoods else []
    plan = columns_of(where / actions) if actions else []
    optional = [_line(meaning, plan) for meaning in ("name", "sector", "where", "status", "cost", "tco2e")]
    if actions and Path(actions).suffix.lower() == ".csv":
        optional += [
            _line("x", plan),
            _line("y", plan),
            'crs = "EPSG:4326"             # CRS of x and y: check it',
        ]
    values = {
        "neighbourhoods": _quoted(neighbourhoods or "neighbourhoods.gpkg"),
        "id": _quoted(guess("id", zones) or "id"),
        "name": _line("name", zones),
        "population": _quoted(guess("population", zones) or "population"),
        "columns": _listed(zones),
        "actions": _quoted(actions or "actions.geojson"),
        "action_id": _quoted(guess("id", plan) or "id"),
        "action_columns": _listed(plan),
        "optional": "\n".join(optional),
    }
    return _TEMPLATE.format(**values)


def _quoted(text: str) -> str:
    # JSON leaves DEL as it is, TOML does not take it.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(columns: Sequence[str]) -> str:
    """Columns for a comment: one line without control characters, whatever the file calls them."""
    return plain_text(", ".join(columns), limit=2000) or "not read yet"


def _line(meaning: str, columns: Sequence[str]) -> str:
    column = guess(meaning, columns)
    return f"{meaning} = {_quoted(column)}" if column else f'# {meaning} = "column"'


_TEMPLATE = """\
# Project file of equity-screen. Lines that begin with # are off.
# `equity-screen check` lists every fault of the inputs; `equity-screen run` screens the plan;
# `equity-screen schema` prints every key that can stand here.
title = "Who gains, who carries the burden"
place = ""
currency = ""

[neighbourhoods]                 # columns found: {columns}
file = {neighbourhoods}
id = {id}
{name}
population = {population}
# households = "column"
# population_missing = "unpopulated"              # then say by which rule:
# unpopulated_where = {{ type = ["park"] }}

# One table for each group of people, in the city's own words.
# [groups.low_income]
# label = "People with low incomes"
# count = "column"               # people; or share = "column" in percent; or layer = "areas.geojson"
# dimension = "income"

# One table for each burden or condition.
# [indicators.heat]
# label = "Surface temperature in summer"
# unit = "°C"
# higher_is = "worse"
# raster = "heat.tif"            # or column = "…", or polygons = "…" with rate = "…"

# [rankings.income]
# column = "median_income"
# higher_is = "advantaged"

# [priority]
# column = "burden_percentile"
# at_least = 75
# people = "low_income"          # a group above
# [priority.policy]              # there is no default share: name its source
# share = 0.40
# source = "…"
# status = "in force"

[[actions]]                      # columns found: {action_columns}
file = {actions}
id = {action_id}
{optional}

# Benefits and burdens: a table (effects_file = "effects.csv", above the first [table]), or rules:
[[effects]]
ledger = "benefit"
effect = "in reach"
amount = 1
unit = "people in reach"
reach = "within"
distance_m = 500
"""

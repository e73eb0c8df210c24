"""The project file to begin with: its sections, its comments, and how proposals are written into it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from equity_screen.text import plain_text

LONGEST_COMMENT = 2000
WIDTH = 32
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def quoted(text: str) -> str:
    r"""Write a text as TOML does.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        One line, in double quotes.

    Examples
    --------
    >>> print(quoted('say "7"'))
    "say \"7\""
    """
    # JSON leaves DEL as it is, TOML does not take it.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def value_text(value: object) -> str:
    """Write a value as TOML does, on one line.

    Parameters
    ----------
    value : object
        Text, number, list or table.

    Returns
    -------
    str
        TOML.

    Examples
    --------
    >>> print(value_text({"label": "Older people", "count": "65+", "missing": [-1]}))
    { label = "Older people", count = "65+", missing = [-1] }
    """
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key_text(str(k))} = {value_text(v)}' for k, v in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(value_text(v) for v in value)}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def key_text(key: str) -> str:
    """Write a key as TOML does: bare where it can be.

    Parameters
    ----------
    key : str
        Any text.

    Returns
    -------
    str
        TOML.

    Examples
    --------
    >>> print(key_text("heat"), key_text("süd"))
    heat "süd"
    """
    return key if _BARE.fullmatch(key) else quoted(key)


def comment(text: object) -> str:
    """Write a comment of one line, whatever its text.

    Parameters
    ----------
    text : object
        What it says.

    Returns
    -------
    str
        A line that TOML passes over.

    Examples
    --------
    >>> print(comment("7 neighbourhoods"))
    # 7 neighbourhoods
    """
    return f"# {plain_text(text, limit=LONGEST_COMMENT)}"


def line(key: str, value: object, *, why: str = "", on: bool = True) -> str:
    """Write a key with its value, and a comment on why it is proposed.

    Parameters
    ----------
    key : str
        Key.
    value : object
        Value.
    why : str
        Reason; none unless given.
    on : bool
        Whether it holds; a line that is off is a comment as a whole.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> print(line("crs", "EPSG:4326", why="looks like degrees", on=False))
    # crs = "EPSG:4326"              # looks like degrees
    """
    text = f"{'' if on else '# '}{key_text(key)} = {value_text(value)}"
    return f"{text.ljust(WIDTH)} {comment(why)}" if why else text


def project_text(sections: Mapping[str, Sequence[str]] = MappingProxyType({})) -> str:
    """Write the text of a commented project file.

    Parameters
    ----------
    sections : mapping of str to sequence of str
        Lines of those sections that something is known of; the others show what can stand there.

    Returns
    -------
    str
        TOML that :func:`equity_screen.read_project` reads.

    Examples
    --------
    >>> 'file = "neighbourhoods.gpkg"' in project_text()
    True
    """
    parts = ["\n".join(sections.get(name) or [sample.strip("\n")]) for name, sample in SAMPLES.items()]
    return "\n\n".join(part for part in parts if part) + "\n"


HEAD = (
    "# Project file of equity-screen. Lines that begin with # are off.",
    "# `equity-screen check` lists every fault of the inputs; `equity-screen run` screens the plan;",
    "# `equity-screen schema` prints every key that can stand here.",
    'title = "Who gains, who carries the burden"',
    'place = ""',
    'currency = ""',
)
SAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "head": "\n".join(HEAD),
        "neighbourhoods": """
[neighbourhoods]
file = "neighbourhoods.gpkg"
id = "id"
# name = "column"
population = "population"
# table = "people.csv"           # columns in another file, joined by id
# households = "column"
# population_missing = "unpopulated"              # then say by which rule:
# unpopulated_where = { type = ["park"] }
""",
        "blocks": "",
        "boundaries": """
# One line for each layer of larger areas: results are given by it, and actions can be placed in it.
# [boundaries]
# district = { label = "Districts", file = "districts.geojson", id = "nr", name = "name" }
""",
        "groups": """
# One line for each group of people, in the city's own words.
# [groups]
# low_income = { label = "People with low incomes", count = "column" }    # or share = "column" in percent
""",
        "indicators": """
# One line for each burden or condition: column, raster, or polygons with rate.
# [indicators]
# heat = { label = "Surface temperature in summer", unit = "°C", higher_is = "worse", raster = "heat.tif" }
""",
        "rankings": """
# [rankings]
# income = { column = "median_income", higher_is = "advantaged" }
""",
        "priority": """
# [priority]
# column = "burden_percentile"
# at_least = 75
# people = "low_income"          # a group above
# [priority.policy]              # there is no default share: name its source
# share = 0.40
# source = "…"
# status = "in force"
""",
        "actions": """
[[actions]]
file = "actions.geojson"
id = "id"
# name = "column"
# sector = "column"
# where = "column"               # citywide, unknown, zones:ID;ID or district:ID;ID
# status = "column"
# cost = "column"
# tco2e = "column"
""",
        "effects": """
# Benefits and burdens: a table (effects_file = "effects.csv", above the first [table]), or rules:
[[effects]]
ledger = "benefit"
effect = "in reach"
amount = 1
unit = "people in reach"
reach = "within"
distance_m = 500
""",
    }
)

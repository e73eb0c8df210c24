"""What all pages share: templates that escape every text, common words, inlined scripts and styles."""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from xstatic.pkg import jquery, leaflet

from equity_screen.text import MAX_CHARACTERS, number_text, percent_text, safe_text

if TYPE_CHECKING:
    from equity_screen.result import Result

ACTIVE_SCOPE = "active actions"
STATES = {True: "active", False: "not active"}
LEDGER_STATES = {"unlocated": "not counted"}
# Why a ledger counts nobody by place, the most telling reason first; never a zero.
UNCOUNTED = {
    "assessed": "city-wide only",
    "not assessed": "not assessed",
    "unlocated": "not counted",
    "none expected": "none expected",
}
LONGEST_PROSE = 2000
NO_BREAK = "\u00a0"


def count_text(count: float | None) -> str:
    """Write a number of people or things: whole from one up.

    Parameters
    ----------
    count : float or None
        Count.

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> count_text(1234.4), count_text(0.25), count_text(float("nan"))
    ('1,234', '0.2', '–')
    """
    return number_text(count, digits=1)


def data_text(value: object, *, limit: int = MAX_CHARACTERS) -> Markup:
    """Make a text from the data safe for a page; a missing one is empty.

    Parameters
    ----------
    value : object
        Text, number or missing value.
    limit : int
        Longest text kept [characters].

    Returns
    -------
    markupsafe.Markup
        Text that needs no further escaping.

    Examples
    --------
    >>> data_text("a < b"), data_text(float("nan"))
    (Markup('a &lt; b'), Markup(''))
    """
    return Markup("" if pd.isna(value) else safe_text(value, limit=limit))  # noqa: S704 - safe_text escaped it


def prose_text(value: object) -> Markup:
    r"""Make a sentence from the data safe for a page; no line breaks before its percent signs.

    Parameters
    ----------
    value : object
        Sentence or missing value.

    Returns
    -------
    markupsafe.Markup
        Text that needs no further escaping.

    Examples
    --------
    >>> prose_text("40.0 % of the people") == "40.0\u00a0% of the people"
    True
    """
    # The text is safe already, and a no-break space leaves it so.
    return Markup(re.sub(r"(?<=\d) %", f"{NO_BREAK}%", data_text(value, limit=LONGEST_PROSE)))  # noqa: S704


def percent_words(share: float | None, *, places: int = 1) -> str:
    r"""Write a share as a percentage that no line break cuts.

    Parameters
    ----------
    share : float or None
        Share [0–1].
    places : int
        Decimal places.

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> percent_words(0.3219) == "32.2\u00a0%"
    True
    """
    return percent_text(share, places=places).replace(" ", NO_BREAK)


def asset(name: str) -> str:
    """Read a template, style sheet or script of the package.

    Parameters
    ----------
    name : str
        File name in ``templates/``.

    Returns
    -------
    str
        Its text.

    Examples
    --------
    >>> asset("map.css").startswith("html")
    True
    """
    return (files("equity_screen") / "templates" / name).read_text(encoding="utf-8")


@cache
def page_templates() -> Environment:
    """Build the template environment of all pages: escaping always on, unknown names refused.

    Returns
    -------
    jinja2.Environment
        With the filters ``text`` (any text from the data), ``prose`` and ``phrase`` (its sentences, long
        and short), ``count``, ``number``, ``level`` (four digits) and ``percent``, and ``shown``, which takes the name
        of one.

    Examples
    --------
    >>> page_templates().from_string("{{ name|text }}: {{ people|count }}").render(name="<b>", people=1234.0)
    '&lt;b&gt;: 1,234'
    """
    templates = Environment(
        loader=FunctionLoader(asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    forms: dict[str, Callable[..., str]] = {
        "text": data_text,
        "prose": prose_text,
        "phrase": prose_text,
        "figure": data_text,
        "count": count_text,
        "number": number_text,
        "level": partial(number_text, digits=4),
        "percent": percent_words,
    }
    templates.filters |= forms | {"shown": lambda value, form: forms[form](value)}
    return templates


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _embedded(found: re.Match[str]) -> str:
    image = Path(leaflet.BASE_DIR) / found[1]
    return f"url({_data_uri(image.read_bytes(), mimetypes.guess_type(image.name)[0] or 'image/png')})"


@cache
def map_scripts() -> tuple[tuple[str, str], ...]:
    """Inline Leaflet, jQuery and the map's own script.

    Returns
    -------
    tuple of (str, str)
        Name and data URI, in the order in which a page loads them.

    Examples
    --------
    >>> [name for name, _ in map_scripts()]
    ['leaflet', 'jquery', 'equity_screen']
    """
    sources = {
        "leaflet": (Path(leaflet.BASE_DIR) / "leaflet.js").read_bytes(),
        "jquery": (Path(jquery.BASE_DIR) / "jquery.min.js").read_bytes(),
        "equity_screen": asset("map.js").encode(),
    }
    return tuple((name, _data_uri(source, "text/javascript")) for name, source in sources.items())


@cache
def map_styles() -> tuple[tuple[str, str], ...]:
    """Inline the style sheets of Leaflet, its images included, and of the map.

    Returns
    -------
    tuple of (str, str)
        Name and data URI, in the order in which a page loads them.

    Examples
    --------
    >>> all(uri.startswith("data:text/css;base64,") for _, uri in map_styles())
    True
    """
    rules = (Path(leaflet.BASE_DIR) / "leaflet.css").read_text(encoding="utf-8")
    rules = re.sub(r"url\((images/[\w.-]+)\)", _embedded, rules)
    sources = {"leaflet_css": rules, "equity_screen_css": asset("map.css")}
    return tuple((name, _data_uri(source.encode(), "text/css")) for name, source in sources.items())


def state_words(active: object) -> str:
    """Say whether an action is active.

    Parameters
    ----------
    active : bool or None
        ``None`` where it is not known.

    Returns
    -------
    str
        Words.

    Examples
    --------
    >>> state_words(True), state_words(None)
    ('active', 'status unknown')
    """
    return "status unknown" if pd.isna(active) else STATES[bool(active)]


def ledger_words(row: Mapping[str, Any], ledger: str) -> str:
    """Name an action's effect in one ledger, or say that it was not assessed.

    Parameters
    ----------
    row : mapping
        Row of the scores.
    ledger : {"benefit", "burden"}
        Ledger.

    Returns
    -------
    str
        Text from the data, not yet made safe.

    Examples
    --------
    >>> ledger_words({"burden_assessed": "not assessed", "burden_effect": ""}, "burden")
    'not assessed'
    """
    assessed = str(row[f"{ledger}_assessed"])
    return str(row[f"{ledger}_effect"]) if assessed == "assessed" else LEDGER_STATES.get(assessed, assessed)


def distinct_names(table: pd.DataFrame) -> list[str]:
    """Name each row; where a name repeats, its id follows.

    Parameters
    ----------
    table : DataFrame
        Column name; the index holds the ids.

    Returns
    -------
    list of str
        Texts from the data, not yet made safe.

    Examples
    --------
    >>> distinct_names(pd.DataFrame({"name": ["Oak", "Elm", "Oak"]}, index=["a", "b", "c"]))
    ['Oak (a)', 'Elm', 'Oak (c)']
    """
    repeated = table["name"].duplicated(keep=False)
    rows = zip(table["name"], table.index, repeated, strict=True)
    return [f"{name} ({label})" if twice else str(name) for name, label, twice in rows]


def action_names(result: Result, ids: Iterable[object]) -> list[str]:
    """Name actions by their ids; one without a name keeps its id.

    Parameters
    ----------
    result : Result
        Finished screening.
    ids : iterable
        Ids of actions.

    Returns
    -------
    list of str
        Texts from the data, not yet made safe.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> action_names(screen(four_zones(), four_actions()), ["WEST", ""])
    ['Trees', '']
    """
    names = dict(zip(result.actions.index.astype(str), distinct_names(result.actions), strict=True))
    return [names.get(str(one), str(one)) for one in ids]


def counted_reach(result: Result, ledger: str, *, scope: str = ACTIVE_SCOPE) -> gpd.GeoDataFrame:
    """Take the reach of a ledger whose people are counted by place.

    Parameters
    ----------
    result : Result
        Finished screening.
    ledger : {"benefit", "burden"}
        Ledger.
    scope : {"active actions", "all actions"}
        Whose.

    Returns
    -------
    GeoDataFrame
        Rows of the reach; none of an action of which no effect is expected.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> counted_reach(screen(four_zones(), four_actions()), "burden")["action"].tolist()
    ['EAST']
    """
    scores = _in_scope(result.scores, scope)
    assessed = scores.index[scores[f"{ledger}_assessed"] == "assessed"]
    mine = (result.reach["ledger"] == ledger) & result.reach["action"].isin(assessed)
    return result.reach[mine]


def uncounted_words(result: Result, ledger: str, *, scope: str = ACTIVE_SCOPE) -> str:
    """Say why a ledger counts nobody by place; nothing where it counts people.

    Parameters
    ----------
    result : Result
        Finished screening.
    ledger : {"benefit", "burden"}
        Ledger.
    scope : {"active actions", "all actions"}
        Whose.

    Returns
    -------
    str
        Words that stand where a reader would otherwise take a zero for a finding; often empty.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> result = screen(four_zones(), four_actions())
    >>> uncounted_words(result, "burden")
    ''
    """
    if len(counted_reach(result, ledger, scope=scope)):
        return ""
    states = set(_in_scope(result.scores, scope)[f"{ledger}_assessed"])
    return next((words for state, words in UNCOUNTED.items() if state in states), f"no {scope}")


def _in_scope(scores: pd.DataFrame, scope: str) -> pd.DataFrame:
    return scores[scores["active"].eq(other=True)] if scope == ACTIVE_SCOPE else scores


def people_known(result: Result) -> bool:
    """Tell whether a population was given.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    bool
        False where nothing can be said of people.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> people_known(screen(four_zones(), four_actions()))
    True
    """
    return bool(result.neighbourhoods["population"].notna().any())

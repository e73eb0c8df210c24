"""Text for every sink: escaping of what came from the data, and number formats."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

MAX_CHARACTERS = 300
_TEMPLATE_ENTITIES = {ord(mark): f"&#{ord(mark)};" for mark in "{}`$\\"}
# C0/C1 controls and lone surrogates, but also the marks that reorder the text around them.
_REMOVED_CATEGORIES = frozenset({"Cc", "Cs"})
_BIDI_MARKS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
_FORMULA_START = re.compile(r"^[=+\-@\t\r\n\0]")


def plain_text(value: object, *, limit: int = MAX_CHARACTERS) -> str:
    r"""Drop control and reordering characters, fold white space and cut the length.

    Parameters
    ----------
    value : object
        Anything that has a text form; ``None`` gives ``""``.
    limit : int
        Longest text kept [characters].

    Returns
    -------
    str
        One line of text.

    Examples
    --------
    >>> plain_text("Harbour\x1b[31m\n quarter")
    'Harbour[31m quarter'
    """
    raw = "" if value is None else str(value)
    folded = re.sub(r"\s+", " ", raw)
    kept = (c for c in folded if unicodedata.category(c) not in _REMOVED_CATEGORIES and c not in _BIDI_MARKS)
    text = "".join(kept).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def safe_text(value: object, *, limit: int = MAX_CHARACTERS) -> str:
    """Make a text from the data harmless in HTML, JavaScript and template code.

    The map library reads text a second time as a template and puts some of it between
    JavaScript backticks, so HTML escaping alone does not hold: braces, backtick, dollar and
    backslash become numeric entities too.

    Parameters
    ----------
    value : object
        Text from the data.
    limit : int
        Longest text kept [characters], before escaping.

    Returns
    -------
    str
        Text that shows as it was and is never executed.

    Examples
    --------
    >>> safe_text("<b>{{ 7*7 }}</b>")
    '&lt;b&gt;&#123;&#123; 7*7 &#125;&#125;&lt;/b&gt;'
    """
    return html.escape(plain_text(value, limit=limit), quote=True).translate(_TEMPLATE_ENTITIES)


def safe_cell(value: object) -> object:
    """Make a cell of a spreadsheet or CSV file show as text where it would start a formula.

    Parameters
    ----------
    value : object
        Cell; numbers pass unchanged.

    Returns
    -------
    object
        The cell, a text that starts a formula led by an apostrophe.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell(-3.5)
    ("'=1+1", -3.5)
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA_START.match(value) else value


def number_text(value: float | None, *, digits: int = 3) -> str:
    """Write a number for a reader: thousands apart, significant digits, a dash where undefined.

    A count (an int) is written whole.

    Parameters
    ----------
    value : float or None
        Number.
    digits : int
        Significant digits kept; whole numbers keep all of theirs.

    Returns
    -------
    str
        Text.

    Examples
    --------
    >>> number_text(1234567), number_text(0.123456), number_text(float("nan"))
    ('1,234,567', '0.123', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{places}f}".replace("-", "−")


def percent_text(share: float | None, *, places: int = 1) -> str:
    """Write a share as a percentage.

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
    >>> percent_text(0.3219), percent_text(None)
    ('32.2 %', '–')
    """
    if share is None or not math.isfinite(share):
        return "–"
    return f"{100 * share:,.{places}f} %".replace("-", "−")


def did_you_mean(word: str, known: Iterable[object]) -> str:
    """Propose the nearest known word, or list what is known.

    Parameters
    ----------
    word : str
        Word that is not known.
    known : iterable
        Words that are.

    Returns
    -------
    str
        Part of a message.

    Examples
    --------
    >>> did_you_mean("bufer_m", ["buffer_m", "seed"])
    "did you mean 'buffer_m'?"
    """
    names = sorted(str(k) for k in known)
    close = get_close_matches(word, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"one of: {', '.join(names)}" if names else "there are none"

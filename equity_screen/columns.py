"""Columns known by their names, in several languages, and by what stands in them."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from equity_screen.schema import SENTINELS, Origin, column_text, read_numbers

WHOLE_PART, BEGINNING = 2, 5  # letters of a word that must be, or must begin, a part of a name
PLAIN_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "đ": "d", "œ": "oe"})
YEARS = (1900.0, 2150.0)
PERCENT = 100.0
SMALL = 1000.0  # counts up to 100 say little where more people than this live in a neighbourhood
FEW = 5  # so few numbers may follow one another by chance
INCOMES = (1_000.0, 5e7)


@cache
def vocabulary() -> Mapping[str, Any]:
    """Words by which names of columns are known: meaning → its ``words``, and more.

    Returns
    -------
    mapping
        Read from ``words_of_columns.toml``; ``groups`` and ``indicators`` hold a table for each.

    Examples
    --------
    >>> vocabulary()["groups"]["low_income"]["label"]
    'People with low incomes'
    """
    text = (resources.files("equity_screen") / "words_of_columns.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@cache
def plain_name(name: str) -> str:
    """Fold a name: no accents, no capitals, its parts joined by underscores.

    Parameters
    ----------
    name : str
        Name of a column or file.

    Returns
    -------
    str
        ASCII letters, digits and underscores; may be empty.

    Examples
    --------
    >>> plain_name("Población total (2020)"), plain_name("NTAName"), plain_name("Straße")
    ('poblacion_total_2020', 'nta_name', 'strasse')
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.translate(PLAIN_LETTERS))
    ascii_only = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "_", ascii_only.lower()).strip("_")


def likeness(name: str, words: Sequence[str]) -> tuple[int, int]:
    """Tell how well a name fits any of several words, the first being the surest.

    Parameters
    ----------
    name : str
        Name of a column.
    words : sequence of str
        Folded words.

    Returns
    -------
    tuple of (int, int)
        3 for the word itself, 2 for a part of the name, 1 for the beginning of a part or, of a long word,
        anywhere; then the negative place of the word. ``(0, 0)`` where none fits.

    Examples
    --------
    >>> likeness("POP_2020", ["population", "pop"]), likeness("Einwohnerzahl", ["einwohner"]), likeness("xylem", ["x"])
    ((2, -1), (1, 0), (0, 0))
    """
    folded = plain_name(name)
    return max(((_fit(folded, word), -i) for i, word in enumerate(words) if _fit(folded, word)), default=(0, 0))


def _fit(name: str, word: str) -> int:
    if name == word:
        return 3
    if f"_{word}_" in f"_{name}_":
        return 2
    if len(word) <= WHOLE_PART:
        return 0
    return int(word in name if len(word) > BEGINNING else f"_{word}" in f"_{name}")


def guess(meaning: str, columns: Iterable[str], *, taken: Collection[str] = ()) -> str | None:
    """Propose the column that bears a meaning by its name.

    Parameters
    ----------
    meaning : str
        Key of :func:`vocabulary`.
    columns : iterable of str
        Columns of a file.
    taken : collection of str
        Columns that bear another meaning already.

    Returns
    -------
    str or None
        The column of the best fit, the first of several that fit alike; None where none fits.

    Examples
    --------
    >>> guess("population", ["GEOID", "POP_2020"]), guess("population", ["codigo", "População"])
    ('POP_2020', 'População')
    >>> guess("cost", ["GEOID"])
    """
    entry = vocabulary()[meaning]
    unwanted = set(entry.get("not", ()))
    fits = {c: likeness(c, entry["words"]) for c in columns if c not in taken}
    wanted = [c for c, fit in fits.items() if fit[0] and (fit[0] > 2 or not unwanted & set(plain_name(c).split("_")))]  # noqa: PLR2004 - the word itself
    return max(wanted, key=lambda c: fits[c], default=None)


def kin(kind: str, name: str) -> str | None:
    """Name the group or indicator that a column's or file's name fits best.

    Parameters
    ----------
    kind : {"groups", "indicators"}
        Which.
    name : str
        Name of a column or file.

    Returns
    -------
    str or None
        Its key, or None.

    Examples
    --------
    >>> kin("groups", "pop_baixa_renda"), kin("indicators", "PM2.5"), kin("groups", "bairro")
    ('low_income', 'pm25', None)
    """
    fits = {key: likeness(name, entry["words"]) for key, entry in vocabulary()[kind].items()}
    best = max(fits, key=lambda key: fits[key])
    return best if fits[best][0] else None


def says(meaning: str, name: str) -> bool:
    """Tell whether a name has a part that bears a meaning.

    Parameters
    ----------
    meaning : str
        Key of :func:`vocabulary`.
    name : str
        Name of a column.

    Returns
    -------
    bool
        Whether it fits any of its words.

    Examples
    --------
    >>> says("percent", "pct_renters"), says("percent", "renters")
    (True, False)
    """
    return likeness(name, vocabulary()[meaning]["words"])[0] > 0


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What stands in a column: its texts, and its numbers where every cell is one or blank.

    Examples
    --------
    >>> look = look_at(pd.Series(["12", "", "7"]))
    >>> look.blanks, look.whole, look.words()
    (1, True, 'whole numbers from 7 to 12')
    """

    texts: pd.Series
    numbers: pd.Series | None

    @property
    def blanks(self) -> int:
        """Number of blank cells."""
        return int((self.texts == "").sum())

    @property
    def known(self) -> pd.Series:
        """Numbers that are there; codes for a missing value are not."""
        if self.numbers is None:
            return pd.Series(dtype="float64")
        return self.numbers[self.numbers.notna() & ~self.numbers.isin(SENTINELS)]

    @property
    def whole(self) -> bool:
        """Whether all are whole numbers of 0 or more."""
        return self.within(0.0, np.inf) and bool((self.known % 1 == 0).all())

    @property
    def unique(self) -> bool:
        """Whether every cell is filled in and stands once."""
        return not self.blanks and bool(self.texts.is_unique) and len(self.texts) > 0

    @property
    def telling(self) -> bool:
        """Whether its numbers differ, and do more than number the rows."""
        numbers = np.sort(self.known.to_numpy())
        steps = np.diff(numbers)
        numbered = len(numbers) == len(self.texts) and bool((steps == 1).all())
        return bool((steps > 0).any()) and not (numbered and len(numbers) > FEW)

    def within(self, low: float, high: float) -> bool:
        """Tell whether there are numbers, and all of them between two bounds.

        Parameters
        ----------
        low, high : float
            Bounds, both allowed.

        Returns
        -------
        bool
            False for a column of text.
        """
        return len(self.known) > 0 and bool(self.known.between(low, high).all())

    def words(self) -> str:
        """Say in a few words what stands in the column.

        Returns
        -------
        str
            For a comment.
        """
        if not len(self.known):
            return "text" if len(self.texts) > self.blanks else "blank"
        low, high = float(self.known.min()), float(self.known.max())
        kind = "whole numbers" if self.whole else "numbers"
        kind = "years" if self.whole and self.within(*YEARS) else kind
        return f"{kind} from {low:.10g} to {high:.10g}"


def look_at(column: pd.Series) -> Look:
    """Look at a column as read.

    Parameters
    ----------
    column : pandas.Series
        Cells.

    Returns
    -------
    Look
        Its texts and numbers.

    Examples
    --------
    >>> look_at(pd.Series(["Ærø", "7"])).numbers is None
    True
    """
    blank = pd.Series("", index=column.index, dtype="str")
    texts = column_text(pd.DataFrame({"c": column}), "c", fallback=blank)
    numbers, findings = read_numbers(column, Origin(), ids=texts)
    words = any(f.code == "ES-NUMBER-TEXT" for f in findings)
    return Look(texts, None if words else numbers)


def people_kind(name: str, look: Look, *, population: pd.Series | None) -> str | None:
    """Tell how a column can count a group: as people, as percentages or as fractions.

    Parameters
    ----------
    name : str
        Name of the column: it may speak of a share.
    look : Look
        What stands in it.
    population : pandas.Series or None
        People, on the same rows; a group is never above them.

    Returns
    -------
    {"count", "share", "fraction"} or None
        None where it can be none of them, or where it might be two.

    Examples
    --------
    >>> people = pd.Series([4000.0, 5000.0])
    >>> [people_kind(n, look_at(pd.Series(v)), population=people)
    ...  for n, v in {"low": [400, 70], "pct": [40, 7], "n": [40, 7], "f": [0.4, 0.07]}.items()]
    ['count', 'share', None, 'fraction']
    """
    if not look.within(0.0, np.inf):
        return None
    speaks_of_share = says("percent", name)
    if not look.whole or speaks_of_share:
        kind = "fraction" if look.within(0.0, 1.0) else "share"
        return kind if look.within(0.0, PERCENT) else None
    if population is None or look.numbers is None or bool((look.numbers > population + 0.5).any()):
        return None
    doubtful = look.within(0.0, PERCENT) and float(population.median()) > SMALL
    return None if doubtful else "count"

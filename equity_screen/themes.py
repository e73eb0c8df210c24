"""Colours of the map and their legends: neighbourhoods by class, actions by sector and status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.pages import ACTIVE_SCOPE, data_text, percent_words, state_words
from equity_screen.recipe import Indicator
from equity_screen.text import number_text

# Five steps, light to dark, that stay apart for readers with any colour vision.
CIVIDIS = ("#f9e03a", "#bcae6c", "#7d7c78", "#434e6c", "#002859")
VIRIDIS = ("#ece51b", "#5ec962", "#21918c", "#3b528b", "#460b5e")
SECTOR_COLOURS = ("#d55e00", "#56b4e9", "#cc79a7", "#009e73", "#7b3294", "#e69f00", "#000000")
OTHER_SECTORS, OTHER_COLOUR = "other sectors", "#6b6b6b"
MARKERS = ("active", "not active", "status unknown")
SHARE_LIMITS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Theme:
    """One way to colour the neighbourhoods, with all that its legend says.

    Parameters
    ----------
    name, title, explained, absent : str
        Name in the layer control, heading, a sentence, and the words for a missing value.
    classes : tuple of int
        Class of each neighbourhood; -1 where there is no value.
    legend : tuple of (str, str, int)
        Colour, limits and number of neighbourhoods of each class.

    Examples
    --------
    >>> Theme("Burden", "Burden score", "Darker: heavier.", "no score", (0,), (("#f9e03a", "1 to 2", 1),)).legend[0][2]
    1
    """

    name: str
    title: str
    explained: str
    absent: str
    classes: tuple[int, ...]
    legend: tuple[tuple[str, str, int], ...]


def quantile_limits(values: NDArray[np.float64], classes: int = 5) -> NDArray[np.float64]:
    """Find the upper limits of classes that hold about equally many values.

    Parameters
    ----------
    values : ndarray of float
        Values; NaN is left out.
    classes : int
        Number of classes wanted; ties make them fewer.

    Returns
    -------
    ndarray of float
        Upper limits in rising order, each a value that occurs; no class is empty.

    Examples
    --------
    >>> quantile_limits(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), classes=2).tolist()
    [2.0, 4.0]
    """
    known = values[~np.isnan(values)]
    shares = np.arange(1, classes + 1) / classes
    return np.unique(np.quantile(known, shares, method="inverted_cdf")) if known.size else known


def classify(values: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.int64]:
    """Put each value into the first class whose upper limit it does not pass.

    Parameters
    ----------
    values : ndarray of float
        Values.
    limits : ndarray of float
        Upper limits in rising order; what passes the last one belongs to the last class.

    Returns
    -------
    ndarray of int
        Class from 0; -1 for NaN.

    Examples
    --------
    >>> classify(np.array([2.0, 2.1, np.nan]), np.array([2.0, 4.0])).tolist()
    [0, 1, -1]
    """
    classes = np.minimum(np.searchsorted(limits, values), max(len(limits) - 1, 0))
    return np.where(np.isnan(values), -1, classes)


def _range_words(low: float, limits: NDArray[np.float64], text: Callable[[float], str]) -> list[str]:
    first = text(limits[0]) if low >= limits[0] else f"{text(low)} to {text(limits[0])}"
    return [first, *(f"over {text(a)} to {text(b)}" for a, b in pairwise(limits))]


def _ramp(colours: Sequence[str], classes: int) -> list[str]:
    steps = np.linspace(0, len(colours) - 1, classes) if classes > 1 else [len(colours) // 2] * classes
    return [colours[round(step)] for step in steps]


def _legend(
    classes: NDArray[np.int64], words: Sequence[str], colours: Sequence[str]
) -> tuple[tuple[str, str, int], ...]:
    counts = [int((classes == place).sum()) for place in range(len(words))]
    return tuple(zip(_ramp(colours, len(words)), words, counts, strict=True))


def _by_fifths(values: NDArray[np.float64], text: Callable[[float], str], colours: Sequence[str]) -> dict[str, Any]:
    """Put values into five classes of about equally many neighbourhoods, with their legend."""
    limits = quantile_limits(values)
    classes = classify(values, limits)
    words = _range_words(np.nanmin(values), limits, text) if limits.size else []
    return {"classes": tuple(classes.tolist()), "legend": _legend(classes, words, colours)}


def burden_theme(neighbourhoods: pd.DataFrame) -> Theme:
    """Colour by burden score, in five classes of about equally many neighbourhoods.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Column ``burden_score``; without it no neighbourhood has a score.

    Returns
    -------
    Theme
        Yellow is the lowest score, dark blue the highest.

    Examples
    --------
    >>> burden_theme(pd.DataFrame({"burden_score": [1.0, 3.0, np.nan]})).legend
    (('#f9e03a', '1.00', 1), ('#002859', 'over 1.00 to 3.00', 1))
    """
    scores = neighbourhoods.reindex(columns=["burden_score"])["burden_score"].to_numpy(dtype=float)
    return Theme(
        "Burden score",
        "Burden score",
        "Darker: a heavier burden. Each class holds about a fifth of the scored neighbourhoods.",
        "no score",
        **_by_fifths(scores, number_text, CIVIDIS),
    )


def reached_theme(neighbourhoods: pd.DataFrame, ledger: str, *, absent: str = "no population") -> Theme:
    """Colour by the share of a neighbourhood's people in reach of an active benefit or burden.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Column ``<ledger>_reached_share``, share [0–1].
    ledger : {"benefit", "burden"}
        Ledger.
    absent : str
        Words for a neighbourhood without a share.

    Returns
    -------
    Theme
        Yellow is nobody, dark violet is three quarters and more.

    Examples
    --------
    >>> hoods = pd.DataFrame({"benefit_reached_share": [0.0, 0.2, 1.0]})
    >>> reached_theme(hoods, "benefit").classes
    (0, 1, 4)
    """
    shares = neighbourhoods[f"{ledger}_reached_share"].to_numpy(dtype=float)
    limits = np.array(SHARE_LIMITS)
    classes = classify(shares, limits)
    words = _range_words(0.0, limits, lambda share: percent_words(share, places=0))
    return Theme(
        f"People in reach of a {ledger} ({ACTIVE_SCOPE})",
        f"Share of people in reach of a {ledger} of {ACTIVE_SCOPE}",
        f"People in reach of at least one {ledger} of {ACTIVE_SCOPE} in particular places, each counted once.",
        absent,
        tuple(classes.tolist()),
        _legend(classes, words, VIRIDIS),
    )


def indicator_theme(neighbourhoods: pd.DataFrame, name: str, *, indicator: Indicator) -> Theme:
    """Colour by an indicator, in five classes of about equally many neighbourhoods; darker is worse.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Column of the indicator.
    name : str
        The column.
    indicator : Indicator
        Label, unit and direction.

    Returns
    -------
    Theme
        Dark blue is the worst fifth, be it the highest or the lowest.

    Examples
    --------
    >>> trees = Indicator(label="Trees", unit="%", higher_is="better", column="trees")
    >>> theme = indicator_theme(pd.DataFrame({"trees": [10.0, 30.0]}), "trees", indicator=trees)
    >>> theme.legend[0][:2], theme.classes
    (('#002859', '10.0'), (0, 1))
    """
    values = neighbourhoods[name].to_numpy(dtype=float)
    colours = CIVIDIS if indicator.higher_is == "worse" else tuple(reversed(CIVIDIS))
    return Theme(
        data_text(indicator.label),
        data_text(f"{indicator.label} [{indicator.unit}]"),
        f"Darker: worse, which is {'higher' if indicator.higher_is == 'worse' else 'lower'} here. "
        "Each class holds about a fifth of the neighbourhoods with a value.",
        "no value",
        **_by_fifths(values, number_text, colours),
    )


def actions_theme(neighbourhoods: pd.DataFrame, footprints: pd.DataFrame) -> Theme:
    """Colour by the number of actions that mostly lie in a neighbourhood, for runs that know no people.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Their index.
    footprints : DataFrame
        Counts of actions by neighbourhood.

    Returns
    -------
    Theme
        Yellow is the fewest, dark blue the most.

    Examples
    --------
    >>> table = pd.DataFrame({"breakdown": ["neighbourhood"], "class": ["A"], "actions": [3]})
    >>> actions_theme(pd.DataFrame(index=["A", "B"]), table).classes
    (1, 0)
    """
    mine = footprints[footprints["breakdown"] == "neighbourhood"].set_index("class")["actions"]
    counts = mine.reindex(neighbourhoods.index).fillna(0).to_numpy(dtype=float)
    return Theme(
        "Number of actions",
        "Number of actions",
        "An action counts where more than half of it lies.",
        "none",
        **_by_fifths(counts, lambda number: number_text(round(number)), CIVIDIS),
    )


@dataclass(frozen=True)
class Sector:
    """Actions of one sector that are drawn as one layer.

    Parameters
    ----------
    name, colour : str
        Name and colour in map and legend.
    members : tuple of int
        Positions of its actions in the table.

    Examples
    --------
    >>> Sector("transport", "#d55e00", (0, 3)).members
    (0, 3)
    """

    name: str
    colour: str
    members: tuple[int, ...]


def group_sectors(names: pd.Series) -> list[Sector]:
    """Gather actions by sector: the most frequent ones by name, the rest as one.

    Parameters
    ----------
    names : Series of str
        Sector of each action, by its position in the table.

    Returns
    -------
    list of Sector
        Largest first, so that the map draws rare ones above it; "other sectors" last.

    Examples
    --------
    >>> [(s.name, s.members) for s in group_sectors(pd.Series(["Trees", "Heat", "Trees"]))]
    [('Trees', (0, 2)), ('Heat', (1,))]
    """
    known = names.fillna("").astype(str).replace("", "no sector stated")
    counts = known.value_counts()
    common = sorted(counts.index, key=lambda name: (-counts[name], name))[: len(SECTOR_COLOURS)]
    drawn = known.where(known.isin(common), OTHER_SECTORS)
    colours = dict(zip(common, SECTOR_COLOURS, strict=False)) | {OTHER_SECTORS: OTHER_COLOUR}
    members = {name: tuple(drawn.index[drawn == name].tolist()) for name in colours}
    return [Sector(name, colour, members[name]) for name, colour in colours.items() if members[name]]


def marker_of(active: object) -> int:
    """Choose the marker of an action by its status.

    Parameters
    ----------
    active : bool or None
        ``None`` where it is not known.

    Returns
    -------
    int
        Position in `MARKERS`: filled, hollow, hollow with a dotted edge.

    Examples
    --------
    >>> marker_of(True), marker_of(False), marker_of(None)
    (0, 1, 2)
    """
    return MARKERS.index(state_words(active))


def marker_legend(active: pd.Series) -> list[tuple[int, str, int]]:
    """Count actions by marker, for a legend; nothing where all are active.

    Parameters
    ----------
    active : Series of bool or None
        Status of each action on the map.

    Returns
    -------
    list of (int, str, int)
        Marker, words and number of actions.

    Examples
    --------
    >>> marker_legend(pd.Series([True, None, True], dtype=object))
    [(0, 'active', 2), (2, 'status unknown', 1)]
    """
    counts = active.map(marker_of).value_counts().sort_index()
    legend = [(int(marker), MARKERS[marker], int(count)) for marker, count in counts.items()]
    return legend if any(marker for marker, _, _ in legend) else []

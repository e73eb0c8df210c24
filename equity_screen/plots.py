"""Dot plots: values with their bounds on a scale, placed for a template to draw."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from equity_screen.pages import NO_BREAK, percent_words
from equity_screen.text import number_text

LABEL_WIDTH, PLOT_WIDTH, TEXT_WIDTH = 330.0, 320.0, 250.0  # of a chart [px]
ROW_HEIGHT, LINE_HEIGHT = 22.0, 16.0  # [px]
LABEL_CHARACTERS, LABEL_LINES = 46, 3


@dataclass(frozen=True)
class Scale:
    """Horizontal axis of a dot plot.

    Parameters
    ----------
    low, high : float
        Ends of the axis; what lies beyond is drawn hollow at the end.
    place : callable
        Share of the axis [0–1] at which a value between the ends stands.
    text, tick : callable
        How a value is written in the plot and on the axis.
    ticks : tuple of float
        Values named on the axis.
    reference : float or None
        Value with a stronger line.

    Examples
    --------
    >>> Scale(low=0.0, high=1.0, place=float, text=str, tick=str, ticks=(0.0, 1.0), reference=None).ticks
    (0.0, 1.0)
    """

    low: float
    high: float
    place: Callable[[float], float]
    text: Callable[[float], str]
    tick: Callable[[float], str]
    ticks: tuple[float, ...]
    reference: float | None = None

    def x(self, value: float) -> float:
        """Find where a value stands.

        Parameters
        ----------
        value : float
            Value.

        Returns
        -------
        float
            Distance from the left edge of the chart [px].
        """
        held = min(max(value, self.low), self.high)
        return round(LABEL_WIDTH + PLOT_WIDTH * self.place(held), 1)


SHARES = Scale(
    low=0.0,
    high=1.0,
    place=lambda share: share,
    text=percent_words,
    tick=lambda share: f"{100 * share:g}{NO_BREAK}%",
    ticks=(0, 0.25, 0.5, 0.75, 1),
)
PARITIES = Scale(
    low=0.25,
    high=4.0,
    place=lambda parity: (math.log2(parity) + 2) / 4,
    text=number_text,
    tick=lambda parity: f"{parity:g}",
    ticks=(0.25, 0.5, 1, 2, 4),
    reference=1.0,
)


@dataclass(frozen=True)
class Dot:
    """One line of a dot plot: a heading, or a label with a value and its bounds.

    Parameters
    ----------
    label : str
        Text from the data.
    y : float
        Distance from the top [px].
    ledger : str
        Ledger of the value; empty for a heading.
    x, low, high : float or None
        Where the value and its bounds stand; ``None`` where undefined.
    hollow : bool
        The value lies beyond the axis.
    text : str
        Value and bounds in figures.

    Examples
    --------
    >>> Dot("Everyone", 12.0, ledger="benefit", x=40.0, text="46.3 %").hollow
    False
    """

    label: str
    y: float
    ledger: str = ""
    x: float | None = None
    low: float | None = None
    high: float | None = None
    hollow: bool = False
    text: str = ""

    @property
    def lines(self) -> list[str]:
        """Label in lines that fit beside the plot; the table holds it whole."""
        return textwrap.wrap(self.label, LABEL_CHARACTERS, max_lines=LABEL_LINES, placeholder=" …")


def _bounds_text(values: Sequence[float], text: Callable[[float], str]) -> str:
    value, low, high = values
    known = not (math.isnan(low) or math.isnan(high)) and text(low) != text(high)
    bounds = f" ({text(low)} to {text(high)})" if known else ""
    return "not defined" if math.isnan(value) else text(value) + bounds


def dot_row(label: str, y: float, *, ledger: str, values: Sequence[float], scale: Scale) -> Dot:
    """Place a value and its bounds on a scale.

    Parameters
    ----------
    label : str
        Text from the data.
    y : float
        Distance from the top [px].
    ledger : {"benefit", "burden"}
        Ledger.
    values : sequence of float
        Value, lower and upper bound; NaN where undefined.
    scale : Scale
        Axis.

    Returns
    -------
    Dot
        Line of the plot.

    Examples
    --------
    >>> dot = dot_row("Renters", 22, ledger="benefit", values=(0.5, 0.25, 1.0), scale=SHARES)
    >>> dot.x, dot.low, dot.high
    (490.0, 410.0, 650.0)
    """
    value = values[0]
    x, low, high = (None if math.isnan(v) else scale.x(v) for v in values)
    beyond = not math.isnan(value) and not scale.low <= value <= scale.high
    text = _bounds_text(values, scale.text)
    return Dot(label, y, ledger=ledger, x=x, low=low, high=high, hollow=beyond, text=text)


@dataclass(frozen=True)
class DotPlot:
    """Dot plot with what a reader who cannot see it is told.

    Parameters
    ----------
    key : str
        Unique in the page.
    title, description : str
        Texts from the data and about the plot.
    scale : Scale
        Axis.
    dots : tuple of Dot
        Lines from the top.

    Examples
    --------
    >>> axis = Scale(low=0.0, high=1.0, place=float, text=str, tick=str, ticks=(), reference=None)
    >>> DotPlot("p1", "People in reach", "Shares by group", axis, ()).title
    'People in reach'
    """

    key: str
    title: str
    description: str
    scale: Scale
    dots: tuple[Dot, ...]
    label_edge: ClassVar[float] = LABEL_WIDTH - 12
    text_edge: ClassVar[float] = LABEL_WIDTH + PLOT_WIDTH + 14
    width: ClassVar[float] = LABEL_WIDTH + PLOT_WIDTH + TEXT_WIDTH
    line_height: ClassVar[float] = LINE_HEIGHT

    @property
    def bottom(self) -> float:
        """Distance of the axis from the top [px]."""
        return _below(self.dots) - ROW_HEIGHT + 12


def lay_out(rows: pd.DataFrame, *, fields: Sequence[str], scale: Scale) -> tuple[Dot, ...]:
    """Place the rows of a table on a scale, with a heading wherever the heading changes.

    Parameters
    ----------
    rows : DataFrame
        Columns ``heading``, ``label``, ``ledger`` and the fields.
    fields : sequence of str
        Columns with the value and its bounds.
    scale : Scale
        Axis.

    Returns
    -------
    tuple of Dot
        Lines from the top.

    Examples
    --------
    >>> table = pd.DataFrame({"heading": ["Benefit"], "label": ["All"], "ledger": ["benefit"], "v": [0.5]})
    >>> [(dot.label, dot.y) for dot in lay_out(table, fields=["v", "v", "v"], scale=SHARES)]
    [('Benefit', 22.0), ('All', 44.0)]
    """
    dots: list[Dot] = []
    for heading, section in rows.groupby("heading", sort=False):
        dots.append(Dot(str(heading), _below(dots)))
        for row in section.to_dict("records"):
            values = [row[field] for field in fields]
            dots.append(dot_row(row["label"], _below(dots), ledger=row["ledger"], values=values, scale=scale))
    return tuple(dots)


def with_heading(dots: Sequence[Dot], heading: str) -> tuple[Dot, ...]:
    """Add a heading under which nothing stands.

    Parameters
    ----------
    dots : sequence of Dot
        Lines from the top.
    heading : str
        Why nothing stands under it.

    Returns
    -------
    tuple of Dot
        The lines with one more.

    Examples
    --------
    >>> [dot.y for dot in with_heading((Dot("Benefit", 22.0),), "Burden: not assessed")]
    [22.0, 44.0]
    """
    return (*dots, Dot(heading, _below(dots)))


def _below(dots: Sequence[Dot]) -> float:
    """Place the next line of a plot; a wrapped label hangs below its first line."""
    if not dots:
        return ROW_HEIGHT
    hanging = len(dots[-1].lines) - 1 if dots[-1].ledger else 0
    return dots[-1].y + ROW_HEIGHT + LINE_HEIGHT * max(hanging, 0)

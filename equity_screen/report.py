"""The report: one HTML file that says what was asked, what was found, and how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from markupsafe import Markup

from equity_screen.pages import asset, ledger_words, page_templates, state_words
from equity_screen.recipe import LEDGERS, Priority, Question, Ranking
from equity_screen.text import number_text, percent_text

if TYPE_CHECKING:
    from equity_screen.screen import Result

CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
MANY_ACTIONS, SHOWN_OF_MANY = 60, 20
STATUS_ROWS = 200
LABEL_WIDTH, PLOT_WIDTH, ROW_HEIGHT = 285.0, 240.0, 22.0  # of a chart [px]
PLACES = {
    "geometry": "on the map",
    "zones": "named neighbourhoods",
    "citywide": "city-wide",
    "unlocated": "no place given",
}
BOUNDS_WORDS = (
    "The line joins the lowest and the highest value that the counts by neighbourhood allow. "
    "The same figures stand in the table below."
)
APPORTIONED = {
    "points": "by where its people live (population points)",
    "area": "by the share of its area, as if people lived evenly across it",
}


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
    text=percent_text,
    tick=lambda share: f"{100 * share:g} %",
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
    >>> dot.x, dot.low, dot.high, dot.text
    (405.0, 345.0, 525.0, '50.0 % (25.0 % to 100.0 %)')
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
        dots.append(Dot(str(heading), ROW_HEIGHT * (len(dots) + 1)))
        for row in section.to_dict("records"):
            y, values = ROW_HEIGHT * (len(dots) + 1), [row[field] for field in fields]
            dots.append(dot_row(row["label"], y, ledger=row["ledger"], values=values, scale=scale))
    return tuple(dots)


def shown_actions(scores: pd.DataFrame) -> pd.DataFrame:
    """Choose the actions that get a card: all, or of many those that reach most people.

    Parameters
    ----------
    scores : DataFrame
        One row an action.

    Returns
    -------
    DataFrame
        The rows by sector, then name, then id: an order that ranks nobody.

    Examples
    --------
    >>> scores = pd.DataFrame({"name": ["b", "a"], "sector": "Heat"}, index=["x", "y"])
    >>> list(shown_actions(scores).index)
    ['y', 'x']
    """
    ordered = scores.sort_index().sort_values(["sector", "name"], kind="stable")
    if len(scores) <= MANY_ACTIONS:
        return ordered
    reached = ordered[[f"{ledger}_people_reached" for ledger in LEDGERS]].max(axis=1).fillna(-1)
    most = reached.sort_values(ascending=False, kind="stable").index[:SHOWN_OF_MANY]
    return ordered[ordered.index.isin(most)]


def _in_words(scores: pd.DataFrame) -> pd.DataFrame:
    rows = scores.to_dict("records")
    words = {f"{ledger}_words": [ledger_words(row, ledger) for row in rows] for ledger in LEDGERS}
    about = [f"{state_words(row['active'])}, {PLACES.get(row['where'], row['where'])}" for row in rows]
    figures = {
        f"{ledger}_{name}": scores[f"{ledger}_{name}"].where(scores[f"{ledger}_assessed"] == "assessed")
        for ledger in LEDGERS
        for name in ("people_reached", "priority_place_share")
    }
    return scores.assign(about=about, **words, **figures)


def _together_plot(key: str, scope: str, rows: pd.DataFrame) -> DotPlot:
    people = rows["people"].where(rows["people"] > 0)
    shares = rows.assign(
        heading="In reach of a " + rows["ledger"].astype(str),
        low=rows["people_reached_low"] / people,
        high=rows["people_reached_high"] / people,
    )
    return DotPlot(
        key,
        f"People in reach, each counted once: {scope}",
        f"Share of each group that at least one action reaches. {BOUNDS_WORDS}",
        SHARES,
        lay_out(shares, fields=("reached_share", "low", "high"), scale=SHARES),
    )


def _distinct_scopes(together: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows by scope; where all actions are active, the same figures are not told twice."""
    told: dict[str, pd.DataFrame] = {}
    for scope, rows in reversed(list(together.groupby("scope", sort=False))):
        figures = rows.drop(columns="scope").reset_index(drop=True)
        if not any(figures.equals(others) for others in told.values()):
            told[str(scope)] = figures
    return dict(reversed(told.items()))


def _scopes(together: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for number, (scope, rows) in enumerate(_distinct_scopes(together).items()):
        key = f"together-{number}"
        yield {
            "key": key,
            "scope": scope,
            "rows": rows.to_dict("records"),
            "everyone": rows[rows["group"] == "everyone"].to_dict("records"),
            "plot": _together_plot(key, scope, rows),
        }


def _parity_plot(key: str, name: str, rows: pd.DataFrame) -> DotPlot:
    headed = rows.assign(heading=rows["ledger"].str.capitalize() + ": " + rows["effect"].astype(str))
    return DotPlot(
        f"parity-{key}",
        f"Parity by group: {name}",
        f"Share of the effect divided by share of the people; 1 where both are equal. {BOUNDS_WORDS}",
        PARITIES,
        lay_out(headed, fields=("parity", "parity_low", "parity_high"), scale=PARITIES),
    )


def _named_indicators(before_after: pd.DataFrame, result: Result) -> pd.DataFrame:
    labels = {name: indicator.label for name, indicator in result.question.indicators.items()}
    return before_after.assign(
        indicator_label=before_after["indicator"].map(labels).fillna(before_after["indicator"]),
        action_name=before_after["action"].map(result.scores["name"]),
        mean_change=before_after["mean_after"] - before_after["mean_before"],
    )


def _equivalent_words(row: Mapping[str, Any]) -> str:
    before, after, change = (number_text(row[f"ede_{name}"], digits=4) for name in ("before", "after", "change"))
    return f"{before} → {after} ({change})"


def _equivalents(changes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for _, rows in changes.groupby(["action", "indicator", "group"], sort=False):
        records = rows.to_dict("records")
        yield records[0] | {f"ede_{row['epsilon']:g}": _equivalent_words(row) for row in records}


def _assessed(row: Mapping[str, Any]) -> list[str]:
    return [ledger for ledger in LEDGERS if row[f"{ledger}_assessed"] == "assessed"]


def _card(result: Result, number: int, *, action: str, row: Mapping[str, Any]) -> dict[str, Any]:
    mine = result.by_group[result.by_group["action"] == action]
    groups = mine[mine["ledger"].isin(_assessed(row))]
    effects = result.by_effect[result.by_effect.index.get_level_values("action") == action].reset_index()
    return {
        "key": f"action-{number}",
        "row": row,
        "effects": {ledger: effects[effects["ledger"] == ledger].to_dict("records") for ledger in LEDGERS},
        "sentences": result.sentences.get(action, ()),
        "groups": [rows.to_dict("records") for _, rows in groups.groupby(["ledger", "effect"], sort=False)],
        "plot": _parity_plot(str(number), row["name"], groups),
    }


def _cards(result: Result, shown: pd.DataFrame, changes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    means = changes.drop_duplicates(["action", "indicator", "group"])
    for number, (action, row) in enumerate(zip(shown.index, shown.to_dict("records"), strict=True)):
        before_after = means[means["action"] == action].to_dict("records")
        yield _card(result, number, action=action, row=row) | {"means": before_after}


def _concentrations(shown: pd.DataFrame, rankings: Mapping[str, Ranking]) -> Iterator[dict[str, Any]]:
    for row in shown.to_dict("records"):
        for ledger, (name, ranking) in product(_assessed(row), rankings.items()):
            figures = {key: row[f"{ledger}_{key}_{name}"] for key in ("ci", "gci", "direction")}
            yield {"name": row["name"], "ledger": ledger, "ranking": ranking.label or name} | figures


def priority_rule(priority: Priority) -> str:
    """Write the rule that picks the priority neighbourhoods.

    Parameters
    ----------
    priority : Priority
        Rule.

    Returns
    -------
    str
        Words; the column's name as the data have it.

    Examples
    --------
    >>> priority_rule(Priority(column="burden_percentile", at_least=75))
    'burden_percentile at least 75'
    """
    chosen = priority.one_of
    if chosen:
        return f"{priority.column} is {', '.join(str(value) for value in chosen)}"
    bounds = {"at least": priority.at_least, "at most": priority.at_most}
    named = [f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None]
    return f"{priority.column} {' and '.join(named)}"


def _asked(question: Question) -> dict[str, Any]:
    priority = question.priority
    counted = question.groups.get(priority.people or "") if priority else None
    return {
        "question": question,
        "rule": priority_rule(priority) if priority else "",
        "counted": counted.label if counted else "",
        "apportioned": APPORTIONED[question.apportion],
    }


def _quality(result: Result) -> dict[str, Any]:
    noted = result.status[result.status["status"] != "used"]
    return {
        "noted": noted.head(STATUS_ROWS).to_dict("records"),
        "noted_rest": max(len(noted) - STATUS_ROWS, 0),
        "used": int((result.status["status"] == "used").sum()),
        "ledger": result.ledger.to_dict("records"),
        "coverage": result.coverage.to_dict("records"),
    }


def _found(result: Result) -> dict[str, Any]:
    shown = _in_words(shown_actions(result.scores))
    changes = _named_indicators(result.before_after[result.before_after["action"].isin(shown.index)], result)
    return {
        "summary": result.sentences.get("summary", ()),
        "scopes": list(_scopes(result.together)),
        "scores": shown.to_dict("records"),
        "rest": len(result.scores) - len(shown),
        "cards": list(_cards(result, shown, changes)),
        "concentrations": list(_concentrations(shown, result.question.rankings)),
        "equivalents": list(_equivalents(changes)),
        "epsilons": [f"{epsilon:g}" for epsilon in changes["epsilon"].unique()],
    }


def render_report(result: Result, *, versions: Mapping[str, str] | None = None) -> str:
    """Write the report as one HTML page that asks no site for anything and runs no script.

    Parameters
    ----------
    result : Result
        Finished screening.
    versions : mapping of str to str, optional
        Version of each piece of software used.

    Returns
    -------
    str
        HTML. It holds no date, so that equal results give equal bytes.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> page = render_report(screen(four_zones(), four_actions()))
    >>> "Trees" in page, "<script" in page
    (True, False)
    """
    facts = _asked(result.question) | _found(result) | _quality(result)
    return (
        page_templates()
        .get_template("report.html.j2")
        .render(
            facts,
            policy=CONTENT_POLICY,
            css=Markup(asset("report.css")),  # noqa: S704 - a file of this package
            ledgers=LEDGERS,
            methods=result.methods,
            inputs=[{"rows": None} | facts_of for facts_of in result.inputs],
            versions=sorted((versions or {}).items()),
        )
    )


def write_report(result: Result, path: str | Path, *, versions: Mapping[str, str] | None = None) -> None:
    """Write the report as one file.

    Parameters
    ----------
    result : Result
        Finished screening.
    path : str or Path
        File to write, in UTF-8.
    versions : mapping of str to str, optional
        Version of each piece of software used.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(screen(four_zones(), four_actions()), Path(folder) / "report.html")
    ...     (Path(folder) / "report.html").read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    Path(path).write_bytes(render_report(result, versions=versions).encode("utf-8"))

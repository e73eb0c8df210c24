"""The report: one HTML file that says what was asked, what was found, and how far to trust it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from equity_screen.pages import (
    asset,
    count_text,
    distinct_names,
    ledger_words,
    page_templates,
    percent_words,
    state_words,
    uncounted_words,
)
from equity_screen.plots import PARITIES, SHARES, DotPlot, lay_out, with_heading
from equity_screen.priority import GIVEN
from equity_screen.recipe import LEDGERS, Priority, Question, Ranking
from equity_screen.scores import shares_of_people
from equity_screen.sections import place_sections
from equity_screen.sections_fair import fair_sections, lines_by_action
from equity_screen.sections_reach import (
    alone_by_action,
    comparison_section,
    effects_left_out,
    outside_by_action,
    reach_section,
)
from equity_screen.text import number_text
from equity_screen.words import REACH_UNIT, uptake_words

if TYPE_CHECKING:
    from equity_screen.result import Result

CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
MANY_ACTIONS, SHOWN_OF_MANY = 60, 20
FEW_CARDS = 3  # stand open
FIRST_IDS, FIRST_REASONS = 5, 3
ROUNDING = 1e-12
EVERYONE = "everyone"
PLACES = {
    "geometry": "on the map",
    "zones": "named neighbourhoods",
    "boundary": "named areas",
    "citywide": "city-wide",
    "unlocated": "no place given",
}
BOUNDS_WORDS = (
    "The line joins the lowest and the highest value that the counts by neighbourhood allow. "
    "The same figures stand in the table below."
)
AMONG_COUNTED = "those among whom they were counted"
APPORTIONED = {
    "points": "by where its people live (population points)",
    "area": "by the share of its area, as if people lived evenly across it",
}


def shown_actions(scores: pd.DataFrame) -> pd.DataFrame:
    """Choose the actions that get a card: all, or of many those that reach most people, else cover most ground.

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
    reached = ordered[[f"{ledger}_people_reached" for ledger in LEDGERS]].max(axis=1)
    size = ordered["footprint_km2"] if reached.isna().all() and "footprint_km2" in ordered.columns else reached
    most = size.fillna(-1).sort_values(ascending=False, kind="stable").index[:SHOWN_OF_MANY]
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


def _together_plot(key: str, scope: str, rows: pd.DataFrame, *, uncounted: Mapping[str, str]) -> DotPlot:
    people = rows["people"].where(rows["people"] > 0)
    shares = rows.assign(
        heading="In reach of a " + rows["ledger"].astype(str),
        low=rows["people_reached_low"] / people,
        high=rows["people_reached_high"] / people,
    )
    dots = lay_out(shares, fields=("reached_share", "low", "high"), scale=SHARES)
    for ledger, words in uncounted.items():
        dots = with_heading(dots, f"In reach of a {ledger}: {words}")
    return DotPlot(
        key,
        f"People in reach, each counted once: {scope}",
        f"Share of each group that at least one action reaches. {BOUNDS_WORDS}",
        SHARES,
        dots,
    )


@dataclass(frozen=True)
class Scope:
    """People in reach of some actions, each counted once, and the ledgers that count nobody by place.

    Parameters
    ----------
    name : str
        Whose figures they are, such as "active actions".
    rows : DataFrame
        Figures of the ledgers that count people.
    uncounted : dict of str
        Words for each other ledger, such as "not assessed".
    also : dict of tuple of str
        By ledger, the other scopes that would show the same.

    Examples
    --------
    >>> also = {"benefit": ("all actions",), "burden": ("all actions",)}
    >>> Scope("active actions", pd.DataFrame(), {}, also).title
    'active actions (the same for all actions)'
    """

    name: str
    rows: pd.DataFrame
    uncounted: dict[str, str]
    also: dict[str, tuple[str, ...]]

    @property
    def title(self) -> str:
        """Name of the scope, and of the others where all of it is the same; its ledger where it is one only."""
        ledgers = f", {next(iter(self.also))}s" if len(self.also) == 1 else ""
        return f"{self.name}{ledgers}{_same_for(set.intersection(*map(set, self.also.values())))}"

    def named(self, ledger: str) -> str:
        """Name the scope of a ledger, and the others that would show the same.

        Parameters
        ----------
        ledger : {"benefit", "burden"}
            Ledger.

        Returns
        -------
        str
            Words.

        Examples
        --------
        >>> Scope("active actions", pd.DataFrame(), {}, {"benefit": (), "burden": ("all actions",)}).named("burden")
        'active actions (the same for all actions)'
        """
        return f"{self.name}{_same_for(self.also[ledger])}"

    def shown(self, ledger: str) -> str:
        """Write the figures of a ledger as they are shown; what counts people twice is not compared.

        Parameters
        ----------
        ledger : {"benefit", "burden"}
            Ledger.

        Returns
        -------
        str
            Text that is equal where the figures are.

        Examples
        --------
        >>> Scope("active actions", pd.DataFrame(), {"burden": "not assessed"}, {}).shown("burden")
        'not assessed'
        """
        if ledger in self.uncounted:
            return self.uncounted[ledger]
        rows = self.rows[self.rows["ledger"] == ledger]
        counts = rows[["people", "people_reached", "people_reached_low", "people_reached_high"]].map(count_text)
        shares = rows[["reached_share", "priority_place_share"]].map(percent_words)
        return str(pd.concat([rows["group"], counts, shares], axis=1).to_csv(index=False))

    def only(self, ledgers: Collection[str]) -> Scope:
        """Leave out the other ledgers.

        Parameters
        ----------
        ledgers : collection of str
            Those that stay.

        Returns
        -------
        Scope
            Rows and words of these.

        Examples
        --------
        >>> Scope("all actions", pd.DataFrame({"ledger": ["benefit"]}), {}, {"benefit": ()}).only([]).rows.empty
        True
        """
        words = {ledger: text for ledger, text in self.uncounted.items() if ledger in ledgers}
        also = {ledger: others for ledger, others in self.also.items() if ledger in ledgers}
        return Scope(self.name, self.rows[self.rows["ledger"].isin(ledgers)], words, also)


def _same_for(others: Collection[str]) -> str:
    return f" (the same for {' and '.join(sorted(others))})" if others else ""


def distinct_scopes(result: Result) -> list[Scope]:
    """Gather the people counted once by scope; a ledger that would show the same again is told once.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    list of Scope
        As many as have figures of their own.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> [scope.title for scope in distinct_scopes(screen(four_zones(), four_actions()))]
    ['active actions (the same for all actions)']
    """
    told: list[Scope] = []
    for name, rows in result.together.groupby("scope", sort=False):
        one = _scope(result, str(name), rows)
        same = {
            ledger: place
            for ledger, (place, other) in product(LEDGERS, enumerate(told))
            if ledger in other.also and other.shown(ledger) == one.shown(ledger)
        }
        for ledger, place in same.items():
            also = told[place].also
            told[place] = replace(told[place], also=also | {ledger: (*also[ledger], one.name)})
        if len(same) < len(LEDGERS):
            told.append(one.only([ledger for ledger in LEDGERS if ledger not in same]))
    return told


def _scope(result: Result, name: str, rows: pd.DataFrame) -> Scope:
    words = {str(ledger): uncounted_words(result, ledger, scope=name) for ledger in LEDGERS}
    uncounted = {ledger: text for ledger, text in words.items() if text}
    figures = rows[~rows["ledger"].isin(uncounted)].drop(columns="scope").reset_index(drop=True)
    return Scope(name, figures, uncounted, dict.fromkeys(LEDGERS, ()))


def _scope_facts(number: int, scope: Scope) -> dict[str, Any]:
    key, rows = f"together-{number}", scope.rows
    blank = pd.DataFrame({"ledger": list(scope.uncounted), "reached": list(scope.uncounted.values())})
    shown = pd.concat([rows.assign(reached=rows["people_reached"].map(count_text)), blank.assign(label="Each group")])
    return {
        "key": key,
        "title": scope.title,
        "name": scope.name,
        "named": {ledger: scope.named(ledger) for ledger in scope.also},
        "uncounted": scope.uncounted,
        "rows": shown.to_dict("records"),
        "everyone": rows[rows["group"] == EVERYONE].to_dict("records"),
        "plot": _together_plot(key, scope.title, rows, uncounted=scope.uncounted),
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


def _named_indicators(before_after: pd.DataFrame, result: Result, scores: pd.DataFrame) -> pd.DataFrame:
    labels = {name: indicator.label for name, indicator in result.question.indicators.items()}
    return before_after.assign(
        indicator_label=before_after["indicator"].map(labels).fillna(before_after["indicator"]),
        action_name=before_after["action"].map(scores["name"]),
        mean_change=_change(before_after["mean_before"], before_after["mean_after"]),
        ede_change=_change(before_after["ede_before"], before_after["ede_after"]),
    )


def _change(before: pd.Series, after: pd.Series) -> pd.Series:
    """Give the change; what rounding leaves of none is none."""
    change = after - before
    return change.mask(change.abs() <= ROUNDING * before.abs(), 0.0)


def _equivalent_words(row: Mapping[str, Any]) -> str:
    before, after, change = (number_text(row[f"ede_{name}"], digits=4) for name in ("before", "after", "change"))
    return f"{before} → {after} ({change})"


def _equivalents(changes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for _, rows in changes.groupby(["action", "indicator", "group"], sort=False):
        records = rows.to_dict("records")
        yield records[0] | {f"ede_{row['epsilon']:g}": _equivalent_words(row) for row in records}


def _assessed(row: Mapping[str, Any]) -> list[str]:
    return [ledger for ledger in LEDGERS if row[f"{ledger}_assessed"] == "assessed"]


def _card(
    result: Result, number: int, *, action: str, row: Mapping[str, Any], alone: Mapping[tuple[str, str], Any]
) -> dict[str, Any]:
    mine = result.by_group[result.by_group["action"] == action]
    groups = mine[mine["ledger"].isin(_assessed(row))]
    effects = result.by_effect[result.by_effect.index.get_level_values("action") == action].reset_index()
    labels = {name: group.label for name, group in result.question.groups.items()}
    effects["reach"] = [uptake_words(str(reach), labels) for reach in effects["reach"]]
    return {
        "key": f"action-{number}",
        "row": row,
        "effects": {ledger: effects[effects["ledger"] == ledger].to_dict("records") for ledger in LEDGERS},
        "alone": {ledger: alone.get((ledger, action)) for ledger in LEDGERS},
        "sentences": result.sentences.get(action, ()),
        "margins": bool(groups["parity_moe"].notna().any()),
        "own_universe": list(dict.fromkeys(groups.loc[groups["own_universe"].astype(bool), "label"])),
        "groups": [rows.to_dict("records") for _, rows in groups.groupby(["ledger", "effect"], sort=False)],
        "plot": _parity_plot(str(number), row["name"], groups),
    }


def _cards(result: Result, shown: pd.DataFrame, changes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    means, alone = changes.drop_duplicates(["action", "indicator", "group"]), alone_by_action(result.only_by)
    outside, sure = outside_by_action(result.unseen), lines_by_action(result, shown.index)
    for number, (action, row) in enumerate(zip(shown.index, shown.to_dict("records"), strict=True)):
        before_after = means[means["action"] == action].to_dict("records")
        card = _card(result, number, action=action, row=row, alone=alone)
        yield card | {"means": before_after, "outside": outside.get(str(action), ()), "sure": sure[str(action)]}


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
    if priority.layer == GIVEN:
        return GIVEN
    if priority.layer is not None:
        return f"the areas of {priority.layer}"
    chosen = priority.one_of
    if chosen:
        return f"{priority.column} is {', '.join(str(value) for value in chosen)}"
    bounds = {"at least": priority.at_least, "at most": priority.at_most}
    named = [f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None]
    return f"{priority.column} {' and '.join(named)}"


def _asked(question: Question, by_group: pd.DataFrame) -> dict[str, Any]:
    priority = question.priority
    own = by_group.loc[by_group["own_universe"].astype(bool), "group"].unique()
    counted = question.groups.get(priority.people or "") if priority else None
    return {
        "question": question,
        "rule": priority_rule(priority) if priority else "",
        "counted": counted.label if counted else "",
        "counted_among": AMONG_COUNTED if priority and priority.people in own else "the people",
        "apportioned": APPORTIONED[question.apportion],
    }


def grouped_status(status: pd.DataFrame) -> list[dict[str, Any]]:
    """Gather the rows repaired, flagged or refused by input and code.

    Parameters
    ----------
    status : DataFrame
        Fate of each input row.

    Returns
    -------
    list of dict
        One entry for each input, status and code: number of rows, the first ids, the most frequent
        reasons and the mends.

    Examples
    --------
    >>> row = {"input": "a.csv", "row": "row 2", "id": "A", "status": "flagged", "codes": "ES-X", "reasons": "odd",
    ...        "mends": "look"}
    >>> [(one["codes"], one["rows"], one["ids"]) for one in grouped_status(pd.DataFrame([row, row | {"id": "B"}]))]
    [('ES-X', 2, 'A, B')]
    """
    noted = status[(status["status"] != "used") & (status["row"] != "")]
    return [
        {"input": source, "status": fate, "codes": codes, "rows": len(rows)}
        | {"ids": _first_ids(rows), "reasons": _reasons(rows["reasons"]), "mends": _reasons(rows["mends"])}
        for (source, fate, codes), rows in noted.groupby(["input", "status", "codes"], sort=False, dropna=False)
    ]


def _first_ids(rows: pd.DataFrame) -> str:
    named = rows["id"].where(rows["id"].astype(str) != "", rows["row"]).astype(str)
    rest = len(named) - FIRST_IDS
    return ", ".join(named.head(FIRST_IDS)) + (f" and {rest:,} more" if rest > 0 else "")


def _reasons(texts: pd.Series) -> str:
    counts = texts.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    if len(counts) == 1:
        return str(counts.index[0])
    told = [f"{text} ({count:,})" for text, count in counts.head(FIRST_REASONS).items()]
    rest = len(counts) - FIRST_REASONS
    return "; ".join(told) + (f"; and {rest:,} others" if rest > 0 else "")


def _quality(result: Result) -> dict[str, Any]:
    return {
        "noted": grouped_status(result.status),
        "used": int((result.status["status"] == "used").sum()),
        "ledger": result.ledger.to_dict("records"),
        "coverage": result.coverage.to_dict("records"),
    }


def _found(result: Result) -> dict[str, Any]:
    named = result.scores.assign(name=distinct_names(result.scores))
    shown = _in_words(shown_actions(named))
    changes = _named_indicators(result.before_after[result.before_after["action"].isin(shown.index)], result, named)
    scopes = [_scope_facts(number, scope) for number, scope in enumerate(distinct_scopes(result))]
    return {
        "summary": result.sentences.get("summary", ()),
        "scopes": scopes,
        "left_out": effects_left_out(result.together),
        "priority_share": shares_of_people(result.neighbourhoods, result.question)["priority_population_share"],
        "scores": shown.to_dict("records"),
        "rest": len(result.scores) - len(shown),
        "cards": list(_cards(result, shown, changes)),
        "open": len(shown) <= FEW_CARDS,
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
    facts = _asked(result.question, result.by_group) | _found(result) | _quality(result) | place_sections(result)
    facts |= reach_section(result) | {"comparison": comparison_section(result), "fair_sections": fair_sections(result)}
    return (
        page_templates()
        .get_template("report.html.j2")
        .render(
            facts,
            policy=CONTENT_POLICY,
            css=Markup(asset("report.css")),  # noqa: S704 - a file of this package
            ledgers=LEDGERS,
            reach_unit=REACH_UNIT,
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

"""Section of the report with the tables that a project asks for: net, references, measures, grades, weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from equity_screen.listings import (
    EFFECT,
    KEYS,
    OF_GROUP,
    Columns,
    Listing,
    cut_short,
    of_active,
    part_of,
    reasons_counted,
    with_names,
)
from equity_screen.pages import action_names

if TYPE_CHECKING:
    from equity_screen.result import Result

SIDES = {1.0: "larger", 0.0: "equal", -1.0: "smaller"}


def asked_for(result: Result) -> dict[str, Any]:
    """Gather the tables that the project asks for.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    dict
        A part with its tables; empty where nothing was asked for.

    Examples
    --------
    >>> import equity_screen as es
    >>> part = asked_for(es.screen(es.four_zones(), es.four_actions(), question=es.Question(measures=("gini",))))
    >>> [(table.caption, len(table.rows)) for table in part["tables"]]
    [('Measures of distribution', 6)]
    """
    makers = (_net, _reference_counts, _references, _measures, _grades, _weighted)
    return part_of("requested", "Asked for besides", tables=[make(result) for make in makers])


def _net(result: Result) -> Listing | None:
    if result.net.empty:
        return None
    rows = result.net.assign(name=action_names(result, result.net["action"]))
    columns = (
        *(("name", "Action", "text"), ("unit", "Unit", "text"), ("people_gaining", "People gaining", "count")),
        *(
            ("people_losing", "People losing", "count"),
            ("total_gains", "Gains", "count"),
            ("total_losses", "Losses", "count"),
        ),
        *(("total", "Net", "count"), ("mean", "Net for each of everyone", "number")),
    )
    caption = "Benefits less burdens of one unit; by group in net_by_group.csv"
    return cut_short("net-table", rows, caption=caption, columns=columns, file="net.csv")


def _reference_counts(result: Result) -> Listing | None:
    """Count the findings on each side of each reference."""
    if result.references.empty:
        return None
    table = of_active(result, result.references)
    side = pd.Series(np.sign(table["difference"]), index=table.index).map(SIDES).fillna("unknown")
    counts = pd.crosstab(table["reference_label"], side).reindex(columns=[*SIDES.values(), "unknown"], fill_value=0)
    columns = (
        *(
            ("reference_label", "Reference", "text"),
            ("larger", "Group has more", "count"),
            ("equal", "As much", "count"),
        ),
        *(("smaller", "Group has less", "count"), ("unknown", "Not defined", "count")),
    )
    caption = "Findings (an effect and a group each) of active actions by the side of the reference"
    return Listing("reference-counts", caption, columns, counts.reset_index().to_dict("records"), 0, "references.csv")


def _references(result: Result) -> Listing | None:
    table = result.references
    if table.empty:
        return None
    with np.errstate(divide="ignore"):
        far = np.abs(np.log(table["ratio"].where(table["ratio"] >= 0)))
    rows = with_names(
        result, of_active(result, table.assign(far=far)).sort_values("far", ascending=False, kind="stable")
    )
    columns = (
        *(*OF_GROUP, ("reference_label", "Beside", "text"), ("unit", "Unit", "text"), ("mean", "Mean", "number")),
        *(("mean_reference", "Mean of the reference", "number"), ("difference", "Difference", "number")),
        ("ratio", "Ratio", "number"),
    )
    caption = "Groups beside the references asked for; those farthest from their reference by ratio first"
    return cut_short("references-table", rows, caption=caption, columns=columns, file="references.csv")


def _measures(result: Result) -> Listing | None:
    table = result.measures
    if table.empty:
        return None
    table = of_active(result, table)
    rankings = {name: ranking.label or name for name, ranking in result.question.rankings.items()}
    by = pd.Series([rankings.get(name, name) for name in table["ranking"]], index=table.index, dtype="object")
    title = (table["measure"] + (", by " + by).where(by != "", "")).str.replace("_", " ").str.capitalize()
    wide, columns = _side_by_side(result, table.assign(title=title), "value", form="number")
    caption = "Measures of distribution"
    listing = cut_short("measures-table", wide, caption=caption, columns=columns, file="measures.csv")
    return replace(listing, notes=reasons_counted(table))


def _side_by_side(result: Result, table: pd.DataFrame, values: str, *, form: str) -> tuple[pd.DataFrame, Columns]:
    """Give each effect one row, and each title a column."""
    effects = pd.MultiIndex.from_frame(table[KEYS[:3]].drop_duplicates())
    fields = {str(title): f"column_{number}" for number, title in enumerate(table["title"].unique())}
    named = table.assign(field=table["title"].map(fields))
    wide = named.pivot_table(values, KEYS[:3], "field", aggfunc="first", sort=False)
    rows = wide.reindex(index=effects, columns=list(fields.values())).reset_index()
    return with_names(result, rows), (*EFFECT, *((field, title, form) for title, field in fields.items()))


def _grades(result: Result) -> Listing | None:
    table = result.grades
    if table.empty:
        return None
    table = of_active(result, table[table["kind"] == table["kind"].iloc[0]])
    table = table[table["ranking"] == table["ranking"].iloc[0]]
    wide, columns = _side_by_side(result, table.assign(title=table["label"]), "grade", form="text")
    meaning = {str(row["grade"]): str(row["meaning"]) for row in table.to_dict("records") if row["grade"]}
    notes = (*(f"{grade} {words}." for grade, words in sorted(meaning.items())), *reasons_counted(table))
    caption = "Grades of UK Transport Analysis Guidance; by other rankings and by group in grades.csv"
    listing = cut_short("grades-table", wide, caption=caption, columns=columns, file="grades.csv")
    return replace(listing, notes=notes)


def _weighted(result: Result) -> Listing | None:
    if result.weighted.empty:
        return None
    rows = of_active(result, result.weighted)
    rows = rows.assign(name=action_names(result, rows["action"]))
    columns = (
        *(("name", "Action", "text"), ("unit", "Unit", "text"), ("benefits", "Benefits", "count")),
        *(("burdens", "Burdens", "count"), ("net", "Net", "count"), ("net_weighted", "Net, weighted", "count")),
        *(("elasticity", "Elasticity", "number"), ("covered_share", "Share with an income", "percent")),
        ("switching_value", "Elasticity at which the net changes its sign", "number"),
    )
    caption = "Money weighted by income, as the Green Book does"
    return cut_short("weighted-table", rows, caption=caption, columns=columns, file="weighted.csv")

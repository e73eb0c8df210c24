"""Sections of the report on places and years: by boundary, footprints, baseline, timeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from equity_screen.footprints import ALL, NEIGHBOURHOOD
from equity_screen.pages import ACTIVE_SCOPE, people_known
from equity_screen.people import EVERYONE
from equity_screen.recipe import LEDGERS

if TYPE_CHECKING:
    from equity_screen.result import Result

LONGEST_TABLE, LONGEST_LIST = 60, 30
HALF_A_PERSON = 0.5  # less is what rounding leaves between two borders
BREAKDOWNS = {ALL: "All actions", "status": "By status", "sector": "By sector", "decade": "By decade of their start"}
FOOTPRINT_FIGURES = (
    *("actions", "distinct_places", "cost", "tco2e", "area_summed_km2", "area_dissolved_km2", "in_priority"),
    *("mostly_in_priority", "priority_share_summed", "priority_share_dissolved"),
)


def place_sections(result: Result) -> dict[str, Any]:
    """Gather what the report says of places and years.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    dict
        ``boundaries``, ``footprints`` (a table each), ``baseline`` and ``timeline`` (rows), ``people`` (whether any
        are known), ``notes`` on whole files.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> sections = place_sections(screen(four_zones(), four_actions()))
    >>> [table["title"] for table in sections["footprints"]]
    ['All actions', 'By sector', 'By neighbourhood']
    """
    notes = result.status[result.status["row"] == ""] if "row" in result.status.columns else result.status[:0]
    return {
        "people": people_known(result),
        "boundaries": list(_boundaries(result)),
        "footprints": list(_footprints(result)) if len(result.actions) else [],
        "baseline": _baseline(result.baseline),
        "timeline": result.timeline.assign(year=result.timeline["year"].replace("", "not known")).to_dict("records"),
        "timeline_carbon": bool(result.timeline["tco2e"].notna().any()),
        "timeline_cost": bool(result.timeline["cost_starting"].notna().any()),
        "notes": notes.to_dict("records"),
    }


def _labels(result: Result) -> dict[str, str]:
    areas = result.areas[result.areas["boundary"] != "priority"].drop_duplicates("boundary")
    return dict(zip(areas["boundary"], areas["label"], strict=True))


def _boundaries(result: Result) -> Iterator[dict[str, Any]]:
    """Give a table for each boundary layer: everyone there, and who is in reach."""
    table = result.by_boundary
    mine = table[(table["scope"] == ACTIVE_SCOPE) & (table["group"] == EVERYONE)]
    for number, (name, label) in enumerate(_labels(result).items()):
        rows = mine[(mine["boundary"] == name) & ((mine["area"] != "") | (mine["people"] >= HALF_A_PERSON))]
        if len(rows):
            ledgers = [ledger for ledger in LEDGERS if (rows["ledger"] == ledger).any()]
            yield {"key": f"boundary-{number}", "title": label, "ledgers": ledgers} | _cut_short(_side_by_side(rows))


def _side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """Put the two ledgers of each area into one row."""
    wide = rows.drop_duplicates("area")[["area", "name", "people"]].set_index("area")
    for ledger, own in rows.groupby("ledger"):
        mine = own.set_index("area")
        for figure in ("people_reached", "reached_share"):
            wide[f"{ledger}_{figure}"] = mine[figure]
    return wide


def _cut_short(table: pd.DataFrame) -> dict[str, Any]:
    return {
        "rows": table.head(LONGEST_TABLE).to_dict("records"),
        "rest": max(len(table) - LONGEST_TABLE, 0),
    }


def _footprints(result: Result) -> Iterator[dict[str, Any]]:
    """Give a table for each breakdown of the actions, with the columns that say anything."""
    titles = BREAKDOWNS | {NEIGHBOURHOOD: "By neighbourhood"} | {n: f"By {t}" for n, t in _labels(result).items()}
    many = len(result.neighbourhoods) > LONGEST_LIST  # the table would tell nothing that the map does not
    table = result.footprints[(result.footprints["breakdown"] != NEIGHBOURHOOD) | (not many)]
    for number, (breakdown, rows) in enumerate(table.groupby("breakdown", sort=False)):
        # That nothing lies in priority places is an answer; that points have no area is none.
        shown = [c for c in FOOTPRINT_FIGURES if rows[c].notna().any() and ("priority" in c or (rows[c] != 0).any())]
        key, title = f"footprints-{number}", titles.get(str(breakdown), str(breakdown))
        yield {"key": key, "title": title, "columns": shown} | _cut_short(rows)


def _baseline(table: pd.DataFrame) -> list[dict[str, Any]]:
    known = table["people_known"] / table["people"].where(table["people"] > 0)
    by_area = table["area_known_km2"] / table["area_km2"].where(table["area_km2"] > 0)
    rows = table.assign(people_share=known, area_share=by_area)
    rows["indicator_label"] = rows["label"] + " [" + rows["unit"] + "]"
    return [dict(row) for row in rows.to_dict("records")]

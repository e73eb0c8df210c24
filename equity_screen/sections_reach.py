"""Sections of the report on who is reached, how often, from how far, who is missed; and by another count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from equity_screen.compare import HOST, HOST_MISLEADS, METHODS
from equity_screen.pages import ACTIVE_SCOPE, action_names, count_text, data_text, people_known, uncounted_words
from equity_screen.people import EVERYONE
from equity_screen.recipe import LEDGERS
from equity_screen.words import listed, outside_sentence

if TYPE_CHECKING:
    from equity_screen.result import Result

MOST_MISSED, MOST_PAIRS, MOST_COMPARED = 20, 15, 15
PAIRS_NOTE = "pairs of actions"
TIMES = {"0": "none", "1": "one", "2": "two", "3+": "many"}
SHARES = {1.0: "larger", -1.0: "smaller", 0.0: "equal"}
ALL_IN = 1.0 - 1e-9
TURNED = {"more than", "less than"}
OUTSIDE = ("outside_area_share", "residents_outside", "uncovered_area_share", "note")


def reach_section(result: Result) -> dict[str, Any]:
    """Gather what the report says of the people in reach of the active actions: how often, from how far, who is not.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    dict
        ``reached``: for each ledger that counts people by place its tables and curves. ``pairs_note``: which pairs
        of actions were listed.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> benefits, burdens = reach_section(screen(four_zones(), four_actions()))["reached"]
    >>> [(row["label"], row["none_people"], row["one_people"]) for row in burdens["times"]][0]
    ('Everyone', 400.0, 600.0)
    """
    counted = [ledger for ledger in LEDGERS if len(result.actions) and not uncounted_words(result, ledger)]
    parts = (_of_ledger(result, ledger) for ledger in counted)
    return {
        "reached": [part for part in parts if any(part[name] for name in ("times", "distances", "priority"))],
        "pairs_note": result.methods.get(PAIRS_NOTE, ""),
    }


def alone_by_action(only_by: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Find how many people each action alone reaches: of the active ones, or of all where it is not active.

    Parameters
    ----------
    only_by : DataFrame
        Table of the result.

    Returns
    -------
    dict of (ledger, action) to dict
        Row for everyone.

    Examples
    --------
    >>> columns = ["scope", "ledger", "action", "group", "people_only"]
    >>> rows = [("active actions", "benefit", "P", "everyone", 5.0), ("all actions", "benefit", "P", "everyone", 3.0)]
    >>> alone_by_action(pd.DataFrame(rows, columns=columns))["benefit", "P"]["people_only"]
    5.0
    """
    rows = only_by[only_by["group"] == EVERYONE].to_dict("records")
    # Those of the active actions come last, and so take the place of the others.
    ordered = sorted(rows, key=lambda row: row["scope"] == ACTIVE_SCOPE)
    return {(str(row["ledger"]), str(row["action"])): dict(row) for row in ordered}


def missed_by_benefits(result: Result) -> pd.Series:
    """Tell of each priority neighbourhood that no benefit of an active action reaches which action is nearest.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    pandas.Series
        By neighbourhood: name of the action and its distance, safe for a page.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> len(missed_by_benefits(screen(four_zones(), four_actions())))
    0
    """
    table = _mine(result.missed, "benefit")
    if table.empty or uncounted_words(result, "benefit"):
        return pd.Series(dtype="object")
    rows = zip(action_names(result, table["nearest"]), table["distance_m"], strict=True)
    told = [f"{data_text(name)}, {count_text(metres)} m away" if name else count_text(None) for name, metres in rows]
    return pd.Series(told, index=table["neighbourhood"])


def effects_left_out(together: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the effects that have a place and are in no count of people, since who takes them up is not known.

    Parameters
    ----------
    together : DataFrame
        Table of the result.

    Returns
    -------
    list of dict
        ``scope``, ``ledger`` and ``effects``, where there are any; scopes with as many are named together.

    Examples
    --------
    >>> rows = [("active actions", "benefit", 2), ("active actions", "burden", 0)]
    >>> effects_left_out(pd.DataFrame(rows, columns=["scope", "ledger", "effects_left_out"]))
    [{'scope': 'active actions', 'ledger': 'benefit', 'effects': 2}]
    """
    if together.empty:
        return []
    first = together[together["effects_left_out"] > 0].drop_duplicates(["scope", "ledger"])
    alike = first.groupby(["ledger", "effects_left_out"], sort=False)["scope"].agg(list)
    return [
        {"scope": " and of ".join(scopes), "ledger": ledger, "effects": int(count)}
        for (ledger, count), scopes in alike.items()
    ]


def outside_by_action(unseen: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Say of each action what of its reaches lies outside the neighbourhoods.

    Parameters
    ----------
    unseen : DataFrame
        Table of the result.

    Returns
    -------
    dict of str to tuple of str
        Sentences by action, where anything lies outside.

    Examples
    --------
    >>> row = {"action": "P", "ledger": "benefit", "effect": "shade", "outside_area_share": 0.5, "note": ""}
    >>> row |= {"residents_outside": 20.0, "uncovered_area_share": 0.0}
    >>> outside_by_action(pd.DataFrame([row]))["P"][0][:49]
    'Of the reach of the benefit "shade", 50.0 % of th'
    """
    said: dict[str, tuple[str, ...]] = {}
    leaving = unseen[unseen["outside_area_share"] > 0] if len(unseen) else unseen
    # Effects of one reach are said in one sentence.
    for (action, *_), rows in leaving.groupby(["action", *OUTSIDE], sort=False, dropna=False):
        names = [f'the {ledger} "{effect}"' for ledger, effect in zip(rows["ledger"], rows["effect"], strict=True)]
        sentence = outside_sentence(rows.iloc[0].to_dict(), reach=listed(names))
        if sentence:
            said[str(action)] = (*said.get(str(action), ()), sentence)
    return said


def comparison_section(result: Result) -> dict[str, Any] | None:
    """Gather how much hangs on the way of counting, where several ways were asked for.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    dict or None
        ``used`` and ``ways``: the method used and all, each in words; ``rows``: effects, first those by which a group
        has more than its share by one method and less by another; ``rest``: how many more; ``host``: why it misleads.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> comparison_section(screen(four_zones(), four_actions())) is None
    True
    """
    if result.compared.empty:
        return None
    table = result.compared[result.compared["apportioned"].astype(bool)]
    columns = ["verdict_turns", "verdict_changes", "spread_percent"]
    table = table.sort_values(columns, ascending=False, kind="stable").reset_index()
    used, methods = result.compared["used"].iloc[0], result.compared_by_group["method"].unique()
    shown = table.head(MOST_COMPARED)
    return {
        "used": used,
        "ways": {name: METHODS.get(name, "") for name in methods},
        "rows": [
            _compared(row, result.compared_by_group)
            for row in shown.assign(name=action_names(result, shown["action"])).to_dict("records")
        ],
        "rest": len(table) - len(shown),
        "same": len(result.compared) - len(table),
        "turning": int(table["verdict_turns"].sum()),
        "changing": int(table["verdict_changes"].sum()),
        "host": HOST_MISLEADS if HOST in methods else "",
    }


def _compared(row: dict[str, Any], by_group: pd.DataFrame) -> dict[str, Any]:
    """Write out a row of the comparison: who counts least and most, and whose direction changes."""
    mine = (by_group[["action", "ledger", "effect"]] == [row["action"], row["ledger"], row["effect"]]).all(axis=1)
    told = (by_group["method"] != HOST) & (by_group["direction"] != "")
    ways = by_group[mine & told].groupby("label", sort=False)["direction"].agg(set)
    changed = [f"{label}{' (turns round)' if ways >= TURNED else ''}" for label, ways in ways.items() if len(ways) > 1]
    ends = {end: f"{count_text(row[end])} by {row[f'{end}_by']}" for end in ("least", "most") if row[f"{end}_by"]}
    same = {"least": "the same by all", "most": ""} | ends
    about = {"effect": f"{row['ledger']}: {row['effect']}", "spread": row["spread_percent"] / 100}
    return row | same | about | {"groups_changing": "; ".join(changed) if row["verdict_changes"] else ""}


def _of_ledger(result: Result, ledger: str) -> dict[str, Any]:
    left_out = effects_left_out(_mine(result.together, ledger))
    return {
        "key": f"reach-{ledger}",
        "ledger": ledger,
        "left_out": left_out[0]["effects"] if left_out else 0,
        **_times(_mine(result.times_reached, ledger)),
        **_distances(
            _mine(result.distances, ledger), result.question.near_m, holds=_holds(_mine(result.holds, ledger))
        ),
        "curves": list(_curves(_mine(result.distance_curve, ledger), ledger)),
        **_missed(result, ledger),
        **_pairs(result, ledger),
    }


def _mine(table: pd.DataFrame, ledger: str) -> pd.DataFrame:
    """Take the rows of a ledger of the active actions; a table without rows may lack the columns."""
    return table[(table["scope"] == ACTIVE_SCOPE) & (table["ledger"] == ledger)] if len(table) else table


def _times(rows: pd.DataFrame) -> dict[str, Any]:
    """Give a row for each group, with the people and the share of it that are reached so many times."""
    if rows.empty or rows["people"].isna().all():
        return {"times": []}
    about = rows.drop_duplicates("group").set_index("group")[["label", "undefined"]]
    for times, word in TIMES.items():
        mine = rows[rows["times"].astype(str) == times].set_index("group")
        about[f"{word}_people"], about[f"{word}_share"] = mine["people"], mine["share"]
    return {"times": about.to_dict("records")}


def _distances(rows: pd.DataFrame, asked: tuple[float, ...], *, holds: dict[str, str]) -> dict[str, Any]:
    """Give a row for each group, its further columns, and the share of everyone that a lattice stands for."""
    if rows.empty or rows["people"].isna().all() or rows["median_m"].isna().all():
        return {"distances": [], "further": [], "sampled": 0.0}
    further = [(f"within_{d:g}_m", f"Live within {count_text(d)} m", "percent") for d in asked]
    further += [("holds", "Share beside everyone's", "text")] if holds else []
    told = rows.assign(holds=[holds.get(group, "") for group in rows["group"]])
    for name in ("median", "p90"):
        told[name] = [_metres(metres) for metres in rows[f"{name}_m"]]
    sampled = float(rows["sampled"].iloc[0])
    return {"distances": told.to_dict("records"), "further": further, "sampled": max(sampled, 0.0)}


def _metres(metres: float) -> str:
    return f"{count_text(metres)}{' (inside an action’s area)' if metres == 0 else ''}"


@dataclass(frozen=True)
class Curve:
    """Share of a group within each distance of the nearest action, beside that of everyone, ready to be drawn.

    Parameters
    ----------
    key, label, ledger : str
        Unique in the page; the group's name; the ledger.
    group, everyone : str
        Points of the two lines; the group's are blank where it is everyone.
    ticks : tuple of (float, str)
        Place [px] and name of the distances on the axis.

    Examples
    --------
    >>> Curve("c1", "Renters", "benefit", "", "46.0,8.0", ()).y(1.0)
    8.0
    """

    key: str
    label: str
    ledger: str
    group: str
    everyone: str
    ticks: tuple[tuple[float, str], ...]
    width: ClassVar[float] = 250.0
    height: ClassVar[float] = 150.0
    left: ClassVar[float] = 46.0
    right: ClassVar[float] = 226.0
    top: ClassVar[float] = 8.0
    bottom: ClassVar[float] = 126.0
    shares: ClassVar[tuple[float, ...]] = (0.0, 0.5, 1.0)

    @classmethod
    def y(cls, share: float) -> float:
        """Find how far from the top a share stands.

        Parameters
        ----------
        share : float
            Share [0–1].

        Returns
        -------
        float
            Distance from the top [px].
        """
        return round(cls.bottom - (cls.bottom - cls.top) * share, 1)

    @classmethod
    def x(cls, part: float) -> float:
        """Find how far from the left a part of the axis stands.

        Parameters
        ----------
        part : float
            Part of the axis [0–1].

        Returns
        -------
        float
            Distance from the left [px].
        """
        return round(cls.left + (cls.right - cls.left) * part, 1)


def _curves(rows: pd.DataFrame, ledger: str) -> Iterator[Curve]:
    """Draw each group beside everyone, as far as anybody lives; everyone alone where there is no group."""
    if rows.empty or rows["share"].isna().all():
        return
    wide = rows.pivot_table("share", "distance_m", "group", sort=False).sort_index()
    far = (wide.min(axis=1) >= ALL_IN).to_numpy()
    wide = wide.iloc[: int(np.argmax(far)) + 1] if far.any() else wide
    most = float(wide.index[-1])
    ticks = tuple((Curve.x(part), f"{count_text(part * most)}{' m' if part else ''}") for part in (0.0, 0.5, 1.0))
    labels = dict(zip(rows["group"], rows["label"], strict=True))
    for number, name in enumerate(wide.columns.drop(EVERYONE) if len(wide.columns) > 1 else [EVERYONE]):
        group = "" if name == EVERYONE else _points(wide[name], most)
        label = str(labels[name])
        yield Curve(f"curve-{ledger}-{number}", label, ledger, group, _points(wide[EVERYONE], most), ticks)


def _points(shares: pd.Series, most: float) -> str:
    parts = shares.index.to_numpy(dtype=float) / most if most > 0 else np.zeros(len(shares))
    return " ".join(f"{Curve.x(part)},{Curve.y(share)}" for part, share in zip(parts, shares, strict=True))


def _holds(rows: pd.DataFrame) -> dict[str, str]:
    """Say for each group over which distances its share is larger than that of everyone, or smaller."""
    said: dict[str, dict[str, None]] = {}
    for row in rows.sort_values("distance_m", kind="stable").to_dict("records") if len(rows) else ():
        # Where everyone is within, so is everyone of each group: that says nothing.
        if row["sign"] in SHARES and row["share_everyone"] < ALL_IN:
            said.setdefault(row["group"], {})[f"{SHARES[row['sign']]} {row['holds']}"] = None
    # A range is said once, however many of the asked distances lie in it.
    return {group: "; ".join(ranges) for group, ranges in said.items()}


def _missed(result: Result, ledger: str) -> dict[str, Any]:
    """Give the priority neighbourhoods that nothing reaches, with the nearest action by its name."""
    hoods, table = result.neighbourhoods, _mine(result.missed, ledger)
    lived_in = (hoods["population"] > 0) | (not people_known(result))
    shown = table.head(MOST_MISSED)
    return {
        "priority": int((hoods["priority"].astype(bool) & lived_in).sum()),
        "missed": shown.assign(nearest=action_names(result, shown.get("nearest", ()))).to_dict("records"),
        "missed_count": len(table),
        "missed_rest": len(table) - len(shown),
        "missed_people": float(table["people"].sum(min_count=1)) if len(table) else 0.0,
    }


def _pairs(result: Result, ledger: str) -> dict[str, Any]:
    """Give the pairs of actions that reach most of the same people."""
    table = _mine(result.overlaps, ledger)
    table = table[table["group"] == EVERYONE] if len(table) else table
    shown = table.head(MOST_PAIRS)
    names = {column: action_names(result, shown.get(column, ())) for column in ("action", "other")}
    return {"pairs": shown.assign(**names).to_dict("records"), "pairs_rest": len(table) - len(shown)}

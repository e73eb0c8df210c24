"""Effects: the benefits and burdens that actions bring, from a table or from rules."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.errors import Finding, InputError, finding
from equity_screen.kernels import SMALLEST_M
from equity_screen.kinds import Kind, kind_words, load_kinds, reach_of
from equity_screen.reaches import FROM_THE_ACTION, KERNEL_WORDS, REACH_KEYS, REACH_WORDS, missing_keys, unused_keys
from equity_screen.recipe import LEDGERS
from equity_screen.schema import (
    Case,
    Checked,
    Origin,
    column_text,
    findings_for,
    read_numbers,
    refused_rows,
    repeat,
    require_columns,
    row_status,
)
from equity_screen.sources import EffectRule
from equity_screen.text import did_you_mean

EFFECT_TEXTS = (
    "action",
    "ledger",
    "effect",
    "unit",
    "per",
    "reach",
    "kind",
    "kernel",
    "layer",
    "layer_id",
    "band",
    "nodata",
    "uptake",
    "driver",
    "indicator",
    "evidence",
    "page",
    "grade",
)
EFFECT_NUMBERS = ("amount", "amount_low", "amount_high", "distance_m", "inner_m", "scale_m", "floor_m", "minutes")
CHOICES = {
    "ledger": LEDGERS,
    "per": ("person", "household", "km2", "total"),
    "reach": ("", *REACH_WORDS),
    "kernel": KERNEL_WORDS,
    "grade": ("", "measured", "modelled", "assumed"),
}
STATED = "as the project states"
FARTHEST_M = 1_000_000.0
# In an uptake, everyone who is in none of the groups that are named.
OTHERS = "others"


def nothing_expected(effects: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which effects are stated to be none: an amount of 0, and no high amount above it.

    Parameters
    ----------
    effects : DataFrame
        Columns amount and amount_high.

    Returns
    -------
    ndarray of bool
        True where none is expected; a missing amount is not none.

    Examples
    --------
    >>> nothing_expected(pd.DataFrame({"amount": [0.0, 0.0, np.nan], "amount_high": [np.nan, 5.0, np.nan]})).tolist()
    [True, False, False]
    """
    return np.asarray((effects["amount"] == 0) & ~(effects["amount_high"] > 0))


def completed(effects: pd.DataFrame) -> pd.DataFrame:
    """Give a table of effects the columns that a table made by hand may leave out.

    Parameters
    ----------
    effects : DataFrame
        Effects.

    Returns
    -------
    DataFrame
        With every column of :func:`check_effects`, and with shape, zones and raster, which say where an effect of
        reach area, travel or raster lands; a text that is missing is blank.

    Examples
    --------
    >>> completed(pd.DataFrame({"action": ["A"]}))[["reach", "uptake", "shape"]].values.tolist()
    [['footprint', '', None]]
    """
    defaults: dict[str, object] = dict.fromkeys(EFFECT_TEXTS, "") | dict.fromkeys(EFFECT_NUMBERS, np.nan)
    defaults |= {"per": "person", "reach": "footprint", "reach_source": "", "zones": "", "raster": ""}
    absent = {name: value for name, value in defaults.items() if name not in effects.columns}
    if "shape" not in effects.columns:
        absent["shape"] = pd.Series([None] * len(effects), index=effects.index, dtype=object)
    gaps = [name for name, value in defaults.items() if isinstance(value, str) and name in effects.columns]
    blank = {name: effects[name].astype("object").fillna(defaults[name]) for name in gaps if effects[name].hasnans}
    return effects.assign(**absent, **blank)


def effects_named(effects: pd.DataFrame) -> str:
    """Name effects in a message: the first of them with its action, and how many more there are.

    Parameters
    ----------
    effects : DataFrame
        Columns action and effect, one row or more.

    Returns
    -------
    str
        A few words.

    Examples
    --------
    >>> effects_named(pd.DataFrame({"action": ["A", "B"], "effect": ["shade", "shade"]}))
    "effect 'shade' of A, and 1 more"
    """
    more = f", and {len(effects) - 1} more" if len(effects) > 1 else ""
    return f"effect '{effects['effect'].iloc[0]}' of {effects['action'].iloc[0]}{more}"


def uptake_of(text: str) -> dict[str, float]:
    """Read who takes an effect up: groups, each with the share of its people who do.

    Parameters
    ----------
    text : str
        For instance ``renters=0.1; owners=0.4; others=0.05``, or a group alone: all of its people and nobody else.

    Returns
    -------
    dict of str to float
        Share [0–1] by group, and by ``others``; empty for a blank text: everyone in reach.

    Raises
    ------
    ValueError
        A share that is no number from 0 to 1, a group without a name or named twice.

    Examples
    --------
    >>> uptake_of("renters=0.1; owners=0.4"), uptake_of("low_income"), uptake_of("")
    ({'renters': 0.1, 'owners': 0.4}, {'low_income': 1.0}, {})
    """
    rates: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, given, share = (word.strip() for word in part.partition("="))
        rate = float(share) if given else 1.0
        if not name or name in rates or not 0.0 <= rate <= 1.0:
            raise ValueError(part)
        rates[name] = rate
    return rates


def nodata_of(text: str) -> tuple[float, ...]:
    """Read the codes of a raster that mean no data.

    Parameters
    ----------
    text : str
        Numbers, apart by semicolons.

    Returns
    -------
    tuple of float
        The codes.

    Raises
    ------
    ValueError
        Something that is no number.

    Examples
    --------
    >>> nodata_of("254; 255"), nodata_of("")
    ((254.0, 255.0), ())
    """
    return tuple(float(part) for part in text.split(";") if part.strip())


def check_effects(
    table: pd.DataFrame, *, origin: Origin, actions: Iterable[str], kinds: Mapping[str, Kind] | None = None
) -> Checked:
    """Check a table of effects.

    Parameters
    ----------
    table : DataFrame
        Columns action, ledger, effect, unit; optional amount, amount_low, amount_high, per, reach with its keys
        (:data:`equity_screen.reaches.REACHES`), kind, uptake, driver, indicator, evidence (or source), page, grade.
    origin : Origin
        File of the effects.
    actions : iterable of str
        Ids of the actions that are used.
    kinds : mapping of str to Kind, optional
        Catalogue of kinds of action; the shipped one unless given.

    Returns
    -------
    Checked
        Effects in the order of action, ledger, effect, without the refused; findings; fates.

    Examples
    --------
    >>> row = {"action": "A1", "ledger": "benefit", "effect": "shade", "unit": "°C", "amount": "0.5"}
    >>> checked = check_effects(pd.DataFrame([row]), origin=Origin("effects.csv", "row"), actions=["A1"])
    >>> checked.table[["reach", "amount"]].values.tolist()
    [['footprint', 0.5]]
    """
    table = table.rename(columns={"source": "evidence"}) if "evidence" not in table.columns else table
    require_columns(table, ["action", "ledger", "effect", "unit"], origin=origin)
    _refuse_typos(table, origin)
    texts, findings = _effect_texts(table, origin)
    ids = texts["action"]
    numbers, more = _effect_numbers(table, origin, ids=ids)
    known = load_kinds() if kinds is None else kinds
    rows, unknown = _with_kinds(pd.DataFrame({**texts, **numbers}), known, origin)
    findings += more + unknown + _effect_faults(rows, origin, known=pd.Index(list(actions)))
    findings += [*_reach_faults(rows, origin, known=known, told=more), *_text_faults(rows, origin)]
    status = row_status(origin, ids, findings=findings)
    kept = rows[~refused_rows(status)].sort_values(["action", "ledger", "effect"], kind="stable")
    return Checked(kept.reset_index(drop=True), tuple(findings), status)


def _refuse_typos(table: pd.DataFrame, origin: Origin) -> None:
    """Refuse a column that is hardly anything but a misspelt one; what it says would be lost."""
    absent = [c for c in (*EFFECT_TEXTS, *EFFECT_NUMBERS) if c not in table.columns]
    known = {*EFFECT_TEXTS, *EFFECT_NUMBERS}
    like = {str(c): get_close_matches(str(c), absent, n=1, cutoff=0.8) for c in table.columns if c not in known}
    faults = [
        finding("ES-COLUMN-TYPO", origin.file, column=column, hint=f"did you mean '{near[0]}'?")
        for column, near in like.items()
        if near
    ]
    if faults:
        raise InputError(faults)


def _effect_texts(table: pd.DataFrame, origin: Origin) -> tuple[dict[str, pd.Series], list[Finding]]:
    blank = pd.Series("", index=table.index, dtype="str")
    defaults = {"per": blank + "person"}
    texts = {
        c: column_text(table, c if c in table.columns else None, fallback=defaults.get(c, blank)) for c in EFFECT_TEXTS
    }
    texts["action"] = texts["action"].map(lambda name: unicodedata.normalize("NFC", name))
    findings: list[Finding] = []
    for column, known in CHOICES.items():
        texts[column] = texts[column].str.lower()
        for value in sorted(set(texts[column]) - set(known)):
            fault = finding("ES-EFFECT-WORD", column=column, value=value, hint=did_you_mean(value, known))
            findings += repeat(fault, texts[column] == value, origin=origin, ids=texts["action"])
    return texts, findings


def _effect_numbers(
    table: pd.DataFrame, origin: Origin, *, ids: pd.Series
) -> tuple[dict[str, pd.Series], list[Finding]]:
    numbers: dict[str, pd.Series] = {}
    findings: list[Finding] = []
    for column in EFFECT_NUMBERS:
        raw = table[column] if column in table.columns else pd.Series(np.nan, index=table.index, name=column)
        numbers[column], more = read_numbers(raw, origin, ids=ids)
        negative = finding("ES-EFFECT-NEGATIVE", column=column)
        findings += more + repeat(negative, numbers[column] < 0, origin=origin, ids=ids, values=numbers[column])
    return numbers, findings


def _with_kinds(rows: pd.DataFrame, kinds: Mapping[str, Kind], origin: Origin) -> tuple[pd.DataFrame, list[Finding]]:
    """Give the effects that name a kind of action its usual reach, where they do not state their own."""
    rows = rows.assign(reach_source="")
    findings: list[Finding] = []
    for name in sorted(set(rows["kind"]) - {""}):
        mine = rows["kind"] == name
        if name not in kinds:
            fault = finding("ES-EFFECT-KIND", column="kind", value=name, hint=did_you_mean(name, kinds))
            findings += repeat(fault, mine, origin=origin, ids=rows["action"])
            continue
        for row in rows.index[mine]:
            stated = {key: rows.loc[row, key] for key in ("reach", *REACH_KEYS) if not _blank(rows.loc[row, key])}
            reach = reach_of(kinds[name], stated)
            rows.loc[row, list(reach)] = list(reach.values())
            rows.loc[row, "reach_source"] = _reach_source(kinds[name], stated)
    # With a kind that is not known nothing more can be said of the reach.
    nothing = (rows["reach"] == "") & ((rows["kind"] == "") | rows["kind"].isin(list(kinds)))
    return rows.assign(reach=rows["reach"].mask(nothing, "footprint")), findings


def _reach_source(kind: Kind, stated: Mapping[str, object]) -> str:
    """Say whose reach it is: the kind's, the project's own, or the kind's with other lengths."""
    usual = reach_of(kind)
    if "reach" in stated:
        return STATED
    other = any(usual.get(key, value) != value for key, value in stated.items())
    return f"{STATED}; usual is {kind_words(kind)}" if other else kind_words(kind)


def _blank(value: object) -> bool:
    return value == "" or (isinstance(value, float) and np.isnan(value))


def _effect_faults(rows: pd.DataFrame, origin: Origin, *, known: pd.Index) -> list[Finding]:
    amount, low, high = (rows[column] for column in ("amount", "amount_low", "amount_high"))
    twice = rows.duplicated(["action", "ledger", "effect"], keep=False)
    cases: Mapping[str, Sequence[Case]] = {
        "action": [(~rows["action"].isin(known), "ES-EFFECT-ACTION")],
        "effect": [(rows["effect"] == "", "ES-EFFECT-NAME"), (twice, "ES-EFFECT-DUPLICATE")],
        "amount": [
            (amount.isna(), "ES-EFFECT-AMOUNT"),
            ((low > amount) | (amount > high) | (low > high), "ES-EFFECT-ORDER"),
        ],
    }
    return [
        found
        for column, checks in cases.items()
        for found in findings_for(checks, column=column, origin=origin, ids=rows["action"], values=rows[column])
    ]


def _reach_faults(
    rows: pd.DataFrame, origin: Origin, *, known: Mapping[str, Kind], told: Sequence[Finding]
) -> list[Finding]:
    """Find what a reach needs and lacks, what it does not use, and distances that cannot be."""
    found: list[Finding] = []
    kinds = rows[["reach", "kernel", "kind"]].drop_duplicates().itertuples(index=False)
    given = {key: rows[key].notna() & (rows[key] != "") for key in REACH_KEYS}
    written = dict(given)
    given |= {key: rows[key] > 0 for key in ("distance_m", "inner_m", "minutes")}
    given |= {key: rows[key] >= SMALLEST_M for key in ("scale_m", "floor_m")}
    given |= {key: given[key] | _told_of(told, key, origin, len(rows)) for key in EFFECT_NUMBERS if key in given}
    for reach, kernel, kind in kinds:
        mine = (rows["reach"] == reach) & (rows["kernel"] == kernel) & (rows["kind"] == kind)
        for key in missing_keys(reach, kernel, given=()):
            words = {"lack": _lack(key), "hint": _no_usual(known.get(kind), kind, key)}
            fault = finding("ES-EFFECT-DISTANCE", column=key, reach=reach, key=key, **words)
            found += repeat(fault, mine & ~given[key], origin=origin, ids=rows["action"], values=rows[key])
        for key in unused_keys(reach, kernel, given=REACH_KEYS):
            fault = finding("ES-EFFECT-DISTANCE-UNUSED", column=key, reach=reach, key=key)
            found += repeat(fault, mine & written[key], origin=origin, ids=rows["action"], values=rows[key])
    beyond = rows["distance_m"] > FARTHEST_M
    fault = finding("ES-EFFECT-FAR", column="distance_m")
    found += repeat(fault, beyond, origin=origin, ids=rows["action"], values=rows["distance_m"])
    # Of a ring the inner, of a decay the floor lies within the outer distance.
    for key, reach in (("inner_m", "ring"), ("floor_m", "decay")):
        beyond = (rows["reach"] == reach) & (rows[key] >= rows["distance_m"])
        fault = finding("ES-EFFECT-RING", column=key, key=key)
        found += repeat(fault, beyond, origin=origin, ids=rows["action"], values=rows[key])
    return found


def _told_of(told: Sequence[Finding], key: str, origin: Origin, count: int) -> NDArray[np.bool_]:
    """Tell which rows have a fault in a column that is told already."""
    faulty = {f.row for f in told if f.column == key and f.status == "refused"}
    return np.array([bool(faulty) and origin.row(i) in faulty for i in range(count)], dtype=bool)


def _lack(key: str) -> str:
    return "missing or not above zero" if key in EFFECT_NUMBERS else "missing"


def _no_usual(kind: Kind | None, name: str, key: str) -> str:
    """Say that a kind leaves it to the project how far it reaches, where it does."""
    usual = kind is None or getattr(kind, key, None)
    return "" if usual else f"{name} has no usual {'distance' if key == 'distance_m' else key}: "


def require_effects(effects: pd.DataFrame) -> list[Finding]:
    """Find what effects made by hand lack: what a file of them would be refused for, or a place that was not attached.

    Parameters
    ----------
    effects : DataFrame
        Effects with all of their columns (:func:`completed`).

    Returns
    -------
    list of Finding
        Faults.

    Examples
    --------
    >>> row = {"action": "A", "ledger": "benefit", "effect": "shade", "reach": "within"}
    >>> [fault.column for fault in require_effects(completed(pd.DataFrame([row])))]
    ['distance_m']
    """
    origin, rows = Origin("effects"), effects.reset_index(drop=True)
    own = {"area": rows["shape"].isna(), "travel": rows["zones"] == "", "raster": rows["raster"] == ""}
    twice = rows.duplicated(["action", "ledger", "effect"], keep=False)
    cases = [("ES-EFFECT-DUPLICATE", "effect", twice)]
    cases += [("ES-REACH-NOT-READ", "reach", (rows["reach"] == reach) & bare) for reach, bare in own.items()]
    found = [
        fault
        for code, column, bad in cases
        for fault in repeat(finding(code, column=column), bad, origin=origin, ids=rows["action"], values=rows[column])
    ]
    for column in ("reach", "kernel"):
        for value in sorted(set(rows[column].astype("str")) - set(CHOICES[column])):
            fault = finding("ES-EFFECT-WORD", column=column, value=value, hint=did_you_mean(value, CHOICES[column]))
            found += repeat(fault, rows[column] == value, origin=origin, ids=rows["action"])
    measured = rows[rows["reach"].isin(FROM_THE_ACTION)].reset_index(drop=True)
    return [*found, *_reach_faults(measured, origin, known=load_kinds(), told=()), *_text_faults(rows, origin)]


def _text_faults(rows: pd.DataFrame, origin: Origin) -> list[Finding]:
    readers = (("uptake", uptake_of, "ES-EFFECT-UPTAKE"), ("nodata", nodata_of, "ES-EFFECT-NODATA"))
    return [
        found
        for column, read, code in readers
        for found in repeat(
            finding(code, column=column),
            rows[column].map(partial(_unreadable, read)),
            origin=origin,
            ids=rows["action"],
            values=rows[column],
        )
    ]


def _unreadable(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return True
    return False


def effects_from_rules(rules: Sequence[EffectRule], actions: pd.DataFrame) -> pd.DataFrame:
    """Write out rules that hold for many actions as a table of effects.

    Parameters
    ----------
    rules : sequence of EffectRule
        Effects with the ids or sectors of their actions.
    actions : DataFrame
        Actions.

    Returns
    -------
    DataFrame
        One row for each action and rule, as :func:`check_effects` takes it.

    Raises
    ------
    InputError
        A rule names an action or sector that does not exist.

    Examples
    --------
    >>> rule = EffectRule(ledger="benefit", effect="in reach", unit="people", reach="within", distance_m=800)
    >>> effects_from_rules([rule], pd.DataFrame({"sector": ["", ""]}, index=["A", "B"]))["action"].tolist()
    ['A', 'B']
    """
    faults = [f for rule in rules for f in _rule_faults(rule, actions)]
    if faults:
        raise InputError(faults)
    rows = [
        {"action": action, **rule.model_dump(exclude={"actions", "sectors"}), **_written(rule)}
        for rule in rules
        for action in actions.index
        if (not rule.actions or action in rule.actions)
        and (not rule.sectors or actions.loc[action, "sector"] in rule.sectors)
    ]
    return pd.DataFrame(rows, columns=[*EFFECT_TEXTS, *EFFECT_NUMBERS])


def _written(rule: EffectRule) -> dict[str, str]:
    """Write what holds several values as it stands in a table."""
    return {
        "uptake": "; ".join(f"{name}={share!r}" for name, share in rule.uptake.items()),
        "band": "" if rule.band is None else str(rule.band),
        "nodata": ";".join(f"{code!r}" for code in rule.nodata),
    }


def _rule_faults(rule: EffectRule, actions: pd.DataFrame) -> list[Finding]:
    asked = [("actions", a, actions.index) for a in rule.actions] + [
        ("sectors", s, actions["sector"]) for s in rule.sectors
    ]
    return [
        finding(
            "ES-EFFECT-RULE",
            "project",
            column=column,
            value=value,
            effect=rule.effect,
            kind=column[:-1],
            hint=did_you_mean(value, set(known)),
        )
        for column, value, known in asked
        if value not in set(known)
    ]

"""Effects: the benefits and burdens that actions bring, from a table or from rules."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.errors import Finding, InputError, finding
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
    "driver",
    "indicator",
    "evidence",
    "page",
    "grade",
)
EFFECT_NUMBERS = ("amount", "amount_low", "amount_high", "distance_m")
CHOICES = {
    "ledger": LEDGERS,
    "per": ("person", "household", "km2", "total"),
    "reach": ("footprint", "within", "citywide"),
    "grade": ("", "measured", "modelled", "assumed"),
}


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


def check_effects(table: pd.DataFrame, *, origin: Origin, actions: Iterable[str]) -> Checked:
    """Check a table of effects.

    Parameters
    ----------
    table : DataFrame
        Columns action, ledger, effect, unit; optional amount, amount_low, amount_high, per, reach,
        distance_m, driver, indicator, evidence (or source), page, grade.
    origin : Origin
        File of the effects.
    actions : iterable of str
        Ids of the actions that are used.

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
    rows = pd.DataFrame({**texts, **numbers})
    findings += more + _effect_faults(rows, origin, known=pd.Index(list(actions)))
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
    defaults = {"per": blank + "person", "reach": blank + "footprint"}
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


def _effect_faults(rows: pd.DataFrame, origin: Origin, *, known: pd.Index) -> list[Finding]:
    within, distance = rows["reach"] == "within", rows["distance_m"]
    amount, low, high = (rows[column] for column in ("amount", "amount_low", "amount_high"))
    twice = rows.duplicated(["action", "ledger", "effect"], keep=False)
    cases: Mapping[str, Sequence[Case]] = {
        "action": [(~rows["action"].isin(known), "ES-EFFECT-ACTION")],
        "effect": [(rows["effect"] == "", "ES-EFFECT-NAME"), (twice, "ES-EFFECT-DUPLICATE")],
        "distance_m": [
            (within & ~(distance > 0), "ES-EFFECT-DISTANCE"),
            (~within & distance.notna(), "ES-EFFECT-DISTANCE-UNUSED"),
        ],
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
        {"action": action, **rule.model_dump(exclude={"actions", "sectors"})}
        for rule in rules
        for action in actions.index
        if (not rule.actions or action in rule.actions)
        and (not rule.sectors or actions.loc[action, "sector"] in rule.sectors)
    ]
    return pd.DataFrame(rows, columns=[*EFFECT_TEXTS, *EFFECT_NUMBERS])


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

"""Who gains, who loses, who has both and who is untouched, by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from equity_screen.actions import Plan
from equity_screen.atoms import Atoms, atoms_of
from equity_screen.effects import nothing_expected
from equity_screen.equity import NO_PLACE
from equity_screen.overlay import Overlay
from equity_screen.people import NO_PEOPLE, Floats, People, quotient, reasons, with_everyone
from equity_screen.recipe import LEDGERS, Group

ROUNDING = 1e-12
# State of a person: 0, or 1 for a benefit plus 2 for a burden.
STATES = ("untouched", "benefit_only", "burden_only", "both")
ACTION = "action"
SCOPES = ("active actions", "all actions")
PLACED = " without city-wide effects"
TAKEN_UP = "taken up by some: who they are is not known"
Integers = NDArray[np.intp]


class _Rows(NamedTuple):
    """Rows of the table: an action each, then actions together; ``member``: actions × rows."""

    scope: NDArray[np.object_]
    action: NDArray[np.object_]
    placed_only: NDArray[np.bool_]
    member: csr_array


class _Counted(NamedTuple):
    """What of a ledger is counted in each row, and why nothing is where nothing is."""

    assessed: NDArray[np.object_]
    everywhere: Integers
    left_out: Integers
    no_place: Integers
    undefined: NDArray[np.object_]


class _Pairs(NamedTuple):
    """Neighbourhoods touched in a row of the table: share of their people in each state (states × pairs)."""

    zone: Integers
    row: Integers
    shares: Floats


def gains(laid: Overlay, plan: Plan, *, people: People, groups: Mapping[str, Group]) -> pd.DataFrame:
    r"""People with a benefit only, a burden only, both or neither: by action, and of actions together.

    With s the share of a neighbourhood's people in a state, cut along every reach, G of whom P live there:

    .. math:: N_g = \sum_i s_i G_i, \qquad
              \max(0,\, s_i P_i - (P_i - G_i)) \le N_{gi} \le \min(s_i P_i,\, G_i)

    City-wide effects touch everyone; effects that some take up are left out, since who these are is not known. A
    ledger that was not assessed is not a ledger without people: what it would tell is undefined.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    plan : Plan
        Actions and effects, in the overlay's order.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.

    Returns
    -------
    DataFrame
        One row for each scope and group, everyone first: scope (``action``; active or all actions together, with
        and without city-wide effects), action, group, label, benefit_assessed and burden_assessed (in words),
        people, benefit and burden (in reach of any), untouched, benefit_only, burden_only, both [people] with
        their bounds (those of everyone are not known) and shares of the group [0–1]; effects_citywide,
        effects_left_out, effects_without_place [number], the last two counted nowhere and the first not in the
        scopes without them; undefined (reasons).

    References
    ----------
    Bounds: Duncan & Davis (1953), doi:10.2307/2088122

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> table = gains(overlay(city, plan), plan, people=people_of(city), groups={})
    >>> east = table[(table["action"] == "EAST") & (table["group"] == "low_income")]
    >>> east[["untouched", "benefit_only", "burden_only", "both"]].values.tolist()
    [[80.0, 0.0, 0.0, 70.0]]
    """
    rows, whole = _rows(plan.actions), with_everyone(people)
    counted: dict[str, _Counted] = {ledger: _counted(laid, plan, rows, ledger) for ledger in LEDGERS}
    base = sum((k + 1) * (counted[ledger].everywhere > 0).astype(np.intp) for k, ledger in enumerate(LEDGERS))
    base = np.where(rows.placed_only, 0, base)
    found = _in_states(_pairs(laid, plan, rows, base=base), base, whole)
    table = _columns(found, whole, len(rows.scope)).assign(**_about(rows, counted, len(whole.names)))
    labels = ["Everyone", *(groups[n].label if n in groups else n for n in people.names)] * len(rows.scope)
    return _with_reasons(table.assign(label=labels), people, counted)


def _rows(actions: pd.DataFrame) -> _Rows:
    count = len(actions)
    active = actions["active"].eq(other=True).to_numpy(dtype=bool)
    together = np.column_stack([active, np.ones(count, dtype=bool)]).astype(np.float64)
    member = _member(together)
    scope = [ACTION] * count + list(SCOPES) + [f"{scope}{PLACED}" for scope in SCOPES]
    names = [*actions.index, "", "", "", ""]
    return _Rows(
        np.array(scope, dtype=object), np.array(names, dtype=object), np.arange(count + 4) >= count + 2, member
    )


def _member(together: Floats) -> csr_array:
    count = len(together)
    row, column = np.nonzero(np.hstack([together, together]))
    rows, columns = np.concatenate([np.arange(count), row]), np.concatenate([np.arange(count), count + column])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(count, count + 4))


def _owner(laid: Overlay, plan: Plan) -> Integers:
    """Position of the action of each effect."""
    names = laid.shares.columns.get_level_values("action")
    return np.asarray(plan.actions.index.get_indexer(names), dtype=np.intp)


def _everywhere(laid: Overlay, effects: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which effects are city-wide: they have no place, and all of every neighbourhood."""
    shares = laid.shares.matrix
    whole = (np.diff(shares.indptr) == shares.shape[0]) & (shares.shape[0] > 0)
    members = _flags(laid.members, len(whole))
    return np.asarray(whole & ~members & ~taken_up_by_some(laid) & ~laid.unlocated & ~nothing_expected(effects))


def _flags(members: Mapping[tuple[str, str], Integers], size: int) -> NDArray[np.bool_]:
    found = np.zeros(size, dtype=bool)
    for positions in members.values():
        found[positions] = True
    return found


def taken_up_by_some(laid: Overlay) -> NDArray[np.bool_]:
    """Tell which effects only some of those in reach take up: who they are is not known.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.

    Returns
    -------
    ndarray of bool, shape (effects,)
        True where an effect has an uptake.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> bool(taken_up_by_some(overlay(four_zones(), four_actions())).any())
    False
    """
    size = laid.shares.matrix.shape[1]
    return np.zeros(size, dtype=bool) if laid.rates is None else laid.rates.notna().any(axis=1).to_numpy()


def _counted(laid: Overlay, plan: Plan, rows: _Rows, ledger: str) -> _Counted:
    """Count the effects of each fate in each row, and say why nothing is counted where nothing is."""
    effects, owner = plan.effects, _owner(laid, plan)
    mine = (effects["ledger"] == ledger).to_numpy()
    by_row = csr_array((np.ones(len(owner)), (np.arange(len(owner)), owner)), (len(owner), len(plan.actions)))
    by_row = by_row @ rows.member

    def number(mask: NDArray[np.bool_]) -> Integers:
        return np.asarray(by_row.T @ (mask & mine).astype(np.float64)).astype(np.intp)

    none = nothing_expected(effects)
    stated, everywhere, no_place = number(mine), number(_everywhere(laid, effects)), number(laid.unlocated & ~none)
    left_out = number(taken_up_by_some(laid) & ~laid.unlocated & ~none)
    seen = stated - left_out - no_place - np.where(rows.placed_only, everywhere, 0)
    alone = rows.scope == ACTION
    undefined = reasons(
        [
            (stated == 0, f"{ledger}: not assessed, which does not mean that there is none"),
            ((stated > 0) & (no_place > 0) & (alone | (seen == 0)), f"{ledger}: {NO_PLACE}"),
            ((seen == 0) & (left_out > 0) & ~(alone & (no_place > 0)), f"{ledger}: {TAKEN_UP}"),
            ((seen == 0) & (stated > 0) & (left_out + no_place == 0), f"{ledger}: all effects are city-wide"),
        ]
    )
    words = _assessed(rows, has=np.bincount(owner, weights=mine, minlength=len(plan.actions)) > 0)
    words = np.where((number(none) == stated) & (words == "assessed"), "none expected", words)
    return _Counted(words, everywhere, left_out, no_place, undefined)


def _assessed(rows: _Rows, *, has: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Say of how many actions a ledger was assessed."""
    some = np.asarray(rows.member.T @ has.astype(np.float64)).astype(int)
    every = np.asarray(rows.member.T @ np.ones(len(has))).astype(int)
    partly = [f"assessed for {k} of {n} actions" for k, n in zip(some, every, strict=True)]
    words = np.where(some == every, "assessed", np.array(partly, dtype=object))
    return np.where(some == 0, "not assessed", words).astype(object)


def _pairs(laid: Overlay, plan: Plan, rows: _Rows, *, base: Integers) -> _Pairs:
    """Cut the neighbourhoods by the reach of each action and ledger, and add up the parts in one state."""
    atoms = _atoms(laid, plan)
    touched = [_ones(atoms.inside @ _ledger_columns(atoms, k, rows)) for k in range(2)]
    codes = csr_array(touched[0] + 2.0 * touched[1]).tocoo()
    size = len(rows.scope)
    keys, pair = np.unique(atoms.zone[codes.row] * size + codes.col, return_inverse=True)
    shares = np.zeros((4, len(keys)))
    for state in (1, 2, 3):
        shares[state] = np.bincount(pair, atoms.share[codes.row] * (codes.data == state), minlength=len(keys))
    shares[0] = 1.0 - shares.sum(axis=0)
    shares[0, shares[0] < ROUNDING] = 0.0
    row = keys % size
    return _Pairs(keys // size, row, _with_everywhere(shares, base[row]))


def _atoms(laid: Overlay, plan: Plan) -> Atoms:
    placed = np.flatnonzero(_flags(laid.members, laid.shares.matrix.shape[1]))
    second = (plan.effects["ledger"] == LEDGERS[1]).to_numpy().astype(np.intp)
    columns = np.full(laid.shares.matrix.shape[1], -1, dtype=np.intp)
    columns[placed] = 2 * _owner(laid, plan)[placed] + second[placed]
    return atoms_of(laid.ground, laid.shares.matrix, columns=columns)


def _ledger_columns(atoms: Atoms, ledger: int, rows: _Rows) -> csr_array:
    """Columns of the atoms, two an action, × rows of the table."""
    column = np.arange(ledger, atoms.inside.shape[1], 2)
    of_action = csr_array(
        (np.ones(len(column)), (column, column // 2)), shape=(atoms.inside.shape[1], rows.member.shape[0])
    )
    return csr_array(of_action @ rows.member)


def _ones(matrix: csr_array) -> csr_array:
    found = csr_array(matrix)
    found.data = np.ones(found.nnz)
    return found


def _with_everywhere(shares: Floats, base: Integers) -> Floats:
    """Add to the state of everyone what reaches everyone."""
    found = np.zeros_like(shares)
    for state, pair in np.ndindex(4, 4):
        found[state | pair] += np.where(base == pair, shares[state], 0.0)
    return found


class _Found(NamedTuple):
    """People in each state (states × rows × groups), and the fewest and most there can be."""

    people: Floats
    low: Floats
    high: Floats


def _in_states(pairs: _Pairs, base: Integers, people: People) -> _Found:
    found = _Found(*np.zeros((3, 4, len(base), len(people.names))))
    for g in range(len(people.names)):
        mine, universe = people.groups[pairs.zone, g], people.universes[pairs.zone, g]
        count = people.groups[:, g].sum()
        elsewhere = count - np.bincount(pairs.row, mine, minlength=len(base))
        elsewhere = np.where(elsewhere <= ROUNDING * count, 0.0, elsewhere)
        for state, share in enumerate(pairs.shares):
            low = np.where(share > 0, np.maximum(0.0, share * universe - (universe - mine)), 0.0)
            high = np.minimum(share * universe, mine)
            for part, values in zip(found, (share * mine, low, high), strict=True):
                part[state, :, g] = np.bincount(pairs.row, values, minlength=len(base))
                part[state, :, g] += np.where(base == state, elsewhere, 0.0)
    return found


def _columns(found: _Found, people: People, rows: int) -> pd.DataFrame:
    """Put the numbers of all rows and groups below one another."""
    count = np.tile(people.groups.sum(axis=0), rows)
    everyone = np.tile(np.arange(len(people.names)) == 0, rows)
    columns = {"group": np.tile(np.array(people.names, dtype=object), rows), "people": count}
    parts = {name: found.people[state].ravel() for state, name in enumerate(STATES)}
    columns |= {"benefit": parts["benefit_only"] + parts["both"], "burden": parts["burden_only"] + parts["both"]}
    for state, name in enumerate(STATES):
        low, high = (np.where(everyone, np.nan, part[state].ravel()) for part in (found.low, found.high))
        columns |= {name: parts[name], f"{name}_low": low, f"{name}_high": high}
        columns |= {f"{name}_share": quotient(parts[name], count)}
    return pd.DataFrame(columns)


def _about(rows: _Rows, counted: Mapping[str, _Counted], each: int) -> dict[str, NDArray[np.object_]]:
    """Tell of each row what is counted in it, and what is not."""
    whole = {f"{ledger}_assessed": one.assessed for ledger, one in counted.items()}
    numbers = {
        "effects_citywide": sum(one.everywhere for one in counted.values()),
        "effects_left_out": sum(one.left_out for one in counted.values()),
        "effects_without_place": sum(one.no_place for one in counted.values()),
    }
    return {
        name: np.repeat(part, each)
        for name, part in {"scope": rows.scope, "action": rows.action, **whole, **numbers}.items()
    }


def _with_reasons(table: pd.DataFrame, people: People, counted: Mapping[str, _Counted]) -> pd.DataFrame:
    """Blank what is not known, and say why."""
    each = len(people.names) + 1
    said = {ledger: np.repeat(one.undefined, each) for ledger, one in counted.items()}
    unknown = {ledger: (text != "") | (not people.known) for ledger, text in said.items()}
    for ledger, mask in unknown.items():
        table.loc[mask, ledger] = np.nan
    parts = [name for name in table.columns if str(name).startswith(STATES)]
    table.loc[unknown["benefit"] | unknown["burden"], parts] = np.nan
    empty = (table["people"] == 0).to_numpy()
    cases = [(said[k] == text, text) for k in LEDGERS for text in sorted(set(said[k]) - {""})]
    why = reasons([*cases, (empty, "the group has no people here")])
    table["undefined"] = why if people.known else NO_PEOPLE
    table.loc[:, "people"] = table["people"] if people.known else np.nan
    about = ["scope", "action", "group", "label", "benefit_assessed", "burden_assessed", "people", *LEDGERS]
    return table[[*about, *parts, "effects_citywide", "effects_left_out", "effects_without_place", "undefined"]]

"""Groups against a reference of the user's own: the whole city, a named part of it, a group, similar footprints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.equity import NO_PLACE, by_group
from equity_screen.errors import UsageError
from equity_screen.overlay import Overlay
from equity_screen.people import NO_PEOPLE, Floats, People, quotient, reasons
from equity_screen.recipe import Group, Reference
from equity_screen.text import did_you_mean

KEYS = ("action", "ledger", "effect", "group")
REFERENCE = ("reference", "reference_label", "kind", "mean", "mean_reference", "difference", "ratio", "undefined")
COLUMNS = (*KEYS[:3], "unit", "group", "own_universe", "label", "dimension", *REFERENCE)
NOT_PLACED = "the same footprint was tried nowhere else"
NOT_ASKED = "siting was not asked: no other places are known"


class _Asked(NamedTuple):
    """What references are made of; ``table``: the effects by group, ``null``: means of similar footprints."""

    laid: Overlay
    effects: pd.DataFrame
    people: People
    table: pd.DataFrame
    null: pd.DataFrame | None


class _Means(NamedTuple):
    """Means of the reference in the rows of the table, and why there is none where there is none."""

    mean: Floats
    why: NDArray[np.object_]


def by_reference(
    laid: Overlay,
    effects: pd.DataFrame,
    *,
    people: People,
    groups: Mapping[str, Group],
    references: Mapping[str, Reference],
    null: pd.DataFrame | None = None,
) -> pd.DataFrame:
    r"""Every effect by every group against every reference: difference and ratio both.

    .. math:: \text{difference} = m_g - m_r, \qquad \text{ratio} = m_g / m_r \; (m_r > 0)

    The whole city and named neighbourhoods are the people of the group's universe there: everyone, the group among
    them, unless the group was counted among others.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    effects : DataFrame
        The effects, in the overlay's order.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.
    references : mapping of str to Reference
        References by name.
    null : DataFrame, optional
        Means of each group over the places where the same footprint could be: columns action, ledger, effect,
        group, null_mean [unit], and undefined where there are reasons. Where it has the column mean too, of the
        footprint where it is and measured as those elsewhere are, null_mean is scaled by the effect's mean over that
        one, so that both are measured alike.

    Returns
    -------
    DataFrame
        One row for each effect, group and reference: action, ledger, effect, unit, group, own_universe, label,
        dimension, reference, reference_label, kind (whole_city, group, neighbourhoods or similar_footprints), mean,
        mean_reference, difference [unit], ratio, undefined (reasons).

    Raises
    ------
    UsageError
        A reference to a group or neighbourhood that is not there.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> asked = {"people": people_of(city), "groups": {}, "references": {"north": Reference(neighbourhoods=("C", "D"))}}
    >>> shade = by_reference(overlay(city, plan), plan.effects, **asked).iloc[-1]
    >>> [round(float(shade[c]), 4) for c in ("mean", "mean_reference", "difference", "ratio")]
    [0.2667, 0.2143, 0.0524, 1.2444]
    """
    require_references(references, people=people, neighbourhoods=laid.shares.rows)
    table = by_group(laid, effects, people=people, groups=groups)
    asked = _Asked(laid, effects, people, table, null)
    labels = {name: groups[name].label if name in groups else name for name in people.names}
    parts = [_against(asked, name, one, labels=labels) for name, one in references.items()]
    if not parts:
        return table.iloc[:0].reindex(columns=list(COLUMNS))
    # The references of one effect and group stand below one another.
    order = np.arange(len(parts) * len(table)).reshape(len(parts), len(table)).T.ravel()
    return pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)[list(COLUMNS)]


def require_references(references: Mapping[str, Reference], *, people: People, neighbourhoods: pd.Index) -> None:
    """Refuse references to groups or neighbourhoods that are not there.

    Parameters
    ----------
    references : mapping of str to Reference
        References by name.
    people : People
        For the names of the groups.
    neighbourhoods : pandas.Index
        Ids.

    Raises
    ------
    UsageError
        Every name that is not known, with the nearest that is.

    Examples
    --------
    >>> nobody = People(np.ones(1), np.empty((1, 0)), np.empty((1, 0)), ())
    >>> require_references({"all": Reference(whole_city=True)}, people=nobody, neighbourhoods=pd.Index(["A"]))
    """
    faults = []
    for name, one in references.items():
        if one.group is not None and one.group not in people.names:
            faults.append(f"reference {name!r}: no group {one.group!r}: {did_you_mean(one.group, people.names)}")
        faults += [
            f"reference {name!r}: no neighbourhood {zone!r}: {_like(zone, neighbourhoods)}"
            for zone in one.neighbourhoods
            if zone not in neighbourhoods
        ]
    if faults:
        raise UsageError("; ".join(faults))


def _like(zone: str, neighbourhoods: pd.Index) -> str:
    """Name the nearest id; of a city's ids, not all."""
    said = did_you_mean(zone, neighbourhoods)
    return said if said.startswith("did") else f"ids look like {neighbourhoods[0]!r}" if len(neighbourhoods) else said


def _kind(one: Reference) -> str:
    return next(kind for kind in KINDS if getattr(one, kind))


def _against(asked: _Asked, name: str, one: Reference, *, labels: Mapping[str, str]) -> pd.DataFrame:
    kind = _kind(one)
    found = KINDS[kind](asked, one)
    table, mean = asked.table, asked.table["mean"].to_numpy(dtype=np.float64)
    unknown = np.repeat(asked.laid.unlocated, len(asked.people.names)) | (not asked.people.known)
    reference = np.where(unknown, np.nan, found.mean)
    ratio = quotient(mean, reference)
    return table.drop(columns="undefined").assign(
        reference=name,
        reference_label=one.label or _said(one, kind, labels),
        kind=kind,
        mean_reference=reference,
        difference=mean - reference,
        ratio=ratio,
        undefined=_reasons(asked, found, ratio),
    )


def _said(one: Reference, kind: str, labels: Mapping[str, str]) -> str:
    """Name a reference that has no label of its own."""
    return {
        "whole_city": "everyone in the city",
        "group": labels.get(str(one.group), ""),
        "neighbourhoods": f"people who live in {', '.join(one.neighbourhoods)}",
        "similar_footprints": "the same group, on average over the places where the footprint could be",
    }[kind]


def _whole_city(asked: _Asked, _: Reference) -> _Means:
    return _of_universe(asked, asked.people, "nobody of the group's universe lives here")


def _neighbourhoods(asked: _Asked, one: Reference) -> _Means:
    mine = asked.laid.shares.rows.isin(one.neighbourhoods).astype(np.float64)
    everyone, groups, universes, names, known = asked.people
    there = People(everyone * mine, groups * mine[:, None], universes * mine[:, None], names, known)
    return _of_universe(asked, there, "nobody lives in the neighbourhoods of the reference")


def _of_universe(asked: _Asked, people: People, nobody: str) -> _Means:
    """Mean over everyone of the universe of each group: of the group and of the rest, by their people."""
    doses, count = asked.laid.per_person.matrix, people.universes.sum(axis=0)
    mean = quotient(doses.T @ people.universes, count)
    rates = asked.laid.rates_of(people.names)
    own = (people.universes != people.population[:, None]).any(axis=0) & ~np.isnan(rates)
    if own.any():
        # What a group takes up is not what the people around it do: its universe is the two together.
        by_parts = by_group(asked.laid, asked.effects, people=people, groups={})
        share = np.nan_to_num(by_parts["share_of_people"].to_numpy(dtype=np.float64))
        parts = (share * by_parts["mean"].fillna(0.0) + (1.0 - share) * by_parts["mean_rest"].fillna(0.0)).to_numpy()
        mean = np.where(own, parts.reshape(mean.shape), mean)
    why = np.where(np.broadcast_to(count == 0, mean.shape), nobody, "").astype(object)
    return _Means(mean.ravel(), why.ravel())


def _group(asked: _Asked, one: Reference) -> _Means:
    each = len(asked.people.names)
    position = asked.people.names.index(str(one.group))
    mean = asked.table["mean"].to_numpy(dtype=np.float64).reshape(-1, each)[:, position]
    why = "" if asked.people.groups[:, position].sum() > 0 else "the group of the reference has no people here"
    return _Means(np.repeat(mean, each), np.full(len(asked.table), why, dtype=object))


def _similar_footprints(asked: _Asked, _: Reference) -> _Means:
    if asked.null is None or asked.null.columns.empty:
        return _Means(np.full(len(asked.table), np.nan), np.full(len(asked.table), NOT_ASKED, dtype=object))
    given = asked.null.set_index(list(KEYS)).reindex(pd.MultiIndex.from_frame(asked.table[list(KEYS)]))
    mean = given["null_mean"].to_numpy(dtype=np.float64)
    if "mean" in given:
        mean = mean * _scale(asked.table["mean"].to_numpy(dtype=np.float64), given["mean"].to_numpy(dtype=np.float64))
    said = given["undefined"].fillna("").to_numpy(dtype=object) if "undefined" in given else np.full(len(mean), "")
    return _Means(mean, np.where(np.isnan(mean), np.where(said == "", NOT_PLACED, said), "").astype(object))


def _scale(mean: Floats, measured: Floats) -> Floats:
    """Mean of an effect over its mean as measured among the places elsewhere; 1 where either is 0 or missing."""
    both = (np.nan_to_num(mean) != 0) & (np.nan_to_num(measured) != 0)
    scale: Floats = np.divide(mean, measured, out=np.ones(len(mean)), where=both)
    return scale


KINDS: Mapping[str, Callable[[_Asked, Reference], _Means]] = MappingProxyType(
    {
        "whole_city": _whole_city,
        "group": _group,
        "neighbourhoods": _neighbourhoods,
        "similar_footprints": _similar_footprints,
    }
)


def _reasons(asked: _Asked, found: _Means, ratio: Floats) -> NDArray[np.object_]:
    table, each = asked.table, len(asked.people.names)
    if not asked.people.known:
        return np.full(len(table), NO_PEOPLE, dtype=object)
    unplaced = np.repeat(asked.laid.unlocated, each)
    empty = (table["people"] == 0).to_numpy()
    missing = np.isnan(table["total"].to_numpy(dtype=np.float64)) & ~unplaced
    none = ~unplaced & ~missing & np.isnan(found.mean)
    return reasons(
        [
            (unplaced, NO_PLACE),
            (missing, "the amount is missing"),
            (empty & ~unplaced, "the group has no people here"),
            *((none & (found.why == text), f"reference: {text}") for text in sorted(set(found.why) - {""})),
            (
                np.isnan(ratio) & (found.mean == 0) & ~unplaced & ~missing & ~empty,
                "ratio: the mean of the reference is 0",
            ),
        ]
    )

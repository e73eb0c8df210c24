"""Who is reached, how often, how near, and who is missed: the tables of a screening on that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from equity_screen.actions import Plan
from equity_screen.atoms import ActionAtoms
from equity_screen.distances import (
    LATTICE,
    Near,
    distance_curve,
    distances_by_group,
    distances_by_ledger,
    holds_between,
    nearest_by_ledger,
)
from equity_screen.overlay import Overlay
from equity_screen.people import People
from equity_screen.reached import marginal_people, missed, overlap_pairs, times_reached
from equity_screen.recipe import Question

# Pairs of actions of a scope and ledger that are listed; how many more there are is said.
MOST_PAIRS = 1_000
# Declared distances of a ledger for which it is asked how far a finding holds.
MOST_DISTANCES = 20
# Points that stand for the homes of all neighbourhoods together, and the fewest for one.
MOST_LATTICE, LEAST_LATTICE = 100_000, 9
STEP_M, LEAST_CURVE_M, STEPS = 100.0, 2_000.0, 40
HOLDS = (
    *("scope", "ledger", "group", "label", "distance_m", "share", "share_everyone", "difference", "sign"),
    *("from_m", "to_m", "holds", "undefined"),
)
NO_PAIRS = "all pairs that share people are listed"


class WhoIsReached(NamedTuple):
    """Tables on reach; ``pairs_note`` says how many pairs of actions are not listed."""

    times_reached: pd.DataFrame
    only_by: pd.DataFrame
    overlaps: pd.DataFrame
    missed: pd.DataFrame
    distances: pd.DataFrame
    distance_curve: pd.DataFrame
    holds: pd.DataFrame
    pairs_note: str

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: table for name, table in self._asdict().items() if name != "pairs_note"}


def who_is_reached(
    laid: Overlay,
    plan: Plan,
    *,
    atoms: Mapping[tuple[str, str], ActionAtoms],
    people: People,
    hoods: gpd.GeoDataFrame,
    question: Question,
) -> WhoIsReached:
    """Count people by the number of actions that reach them, and measure how far the nearest one is.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    plan : Plan
        Actions and effects, in the overlay's order.
    atoms : mapping of (scope, ledger) to ActionAtoms
        From :func:`equity_screen.atoms.atoms_by_ledger`.
    people : People
        People by neighbourhood.
    hoods : GeoDataFrame
        Table by neighbourhood with name and priority.
    question : Question
        Groups, and the distances that are asked for.

    Returns
    -------
    WhoIsReached
        The tables.

    Examples
    --------
    >>> from equity_screen.atoms import atoms_by_ledger
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones().assign(priority=True), four_actions()
    >>> laid = overlay(city, plan)
    >>> asked = {"people": people_of(city), "hoods": city, "question": Question()}
    >>> found = who_is_reached(laid, plan, atoms=atoms_by_ledger(laid), **asked)
    >>> found.times_reached.query("group == 'everyone' and ledger == 'burden'")["people"].tolist()[:4]
    [400.0, 600.0, 0.0, 0.0]
    """
    groups = question.groups
    lattice = int(np.clip(MOST_LATTICE // max(len(hoods), 1), LEAST_LATTICE, LATTICE))
    near = distances_by_ledger(laid, plan.actions, people=people, lattice=lattice)
    pairs = overlap_pairs(atoms, people, groups=groups, limit=MOST_PAIRS)
    named = hoods if "name" in hoods.columns else hoods.assign(name=hoods.index.astype("str"))
    return WhoIsReached(
        times_reached(atoms, people, groups=groups),
        marginal_people(atoms, people, groups=groups),
        pairs.table,
        missed(atoms, named, people=people, nearest=nearest_by_ledger(laid, plan.actions)),
        distances_by_group(near, people, groups=groups, within=question.near_m),
        distance_curve(near, people, groups=groups, distances=_grid(plan.effects)),
        _holds(near, plan.effects, people, question=question),
        _note(pairs.left_out),
    )


def _grid(effects: pd.DataFrame) -> list[float]:
    """Distances of the curve: to twice the farthest declared, in steps that are a multiple of 100 m."""
    far = max(LEAST_CURVE_M, 2.0 * float(np.nan_to_num(effects["distance_m"].max())))
    step = STEP_M * max(1.0, np.ceil(far / STEP_M / STEPS))
    return [float(d) for d in np.arange(0.0, far + step / 2, step)]


def asked_distances(effects: pd.DataFrame) -> list[tuple[str, float]]:
    """Distances of effects within one, by ledger: those that most effects have, where there are many.

    Parameters
    ----------
    effects : DataFrame
        Columns ledger, reach and distance_m.

    Returns
    -------
    list of (str, float)
        Ledger and distance [m], sorted; at most 20 for a ledger.

    Examples
    --------
    >>> rows = {"ledger": "benefit", "reach": "within", "distance_m": [800.0, 400.0, 400.0]}
    >>> asked_distances(pd.DataFrame(rows))
    [('benefit', 400.0), ('benefit', 800.0)]
    """
    counts = effects[effects["reach"] == "within"].groupby(["ledger", "distance_m"]).size().reset_index(name="effects")
    most = counts.sort_values(["ledger", "effects", "distance_m"], ascending=[True, False, True])
    kept = most.groupby("ledger").head(MOST_DISTANCES).sort_values(["ledger", "distance_m"])
    return [(str(ledger), float(d)) for ledger, d in zip(kept["ledger"], kept["distance_m"], strict=True)]


def _holds(
    near: dict[tuple[str, str], Near], effects: pd.DataFrame, people: People, *, question: Question
) -> pd.DataFrame:
    """Ranges over which a finding at each declared distance holds; a ledger is asked at its own distances."""
    tables = [
        holds_between(
            {key: one for key, one in near.items() if key[1] == ledger},
            people,
            groups=question.groups,
            distance_m=float(distance),
        )
        for ledger, distance in asked_distances(effects)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(HOLDS))


def _note(left_out: dict[tuple[str, str], int]) -> str:
    said = [f"{count} more of {scope}, {ledger}" for (scope, ledger), count in left_out.items() if count]
    return f"the {MOST_PAIRS} pairs that share most people are listed; {'; '.join(said)}" if said else NO_PAIRS

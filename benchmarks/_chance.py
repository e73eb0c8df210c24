"""Free permutation of a thousand actions for twenty groups against a loop; a thousand footprints placed elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csc_array

from benchmarks.harness import Goal, Workload, measure, within
from equity_screen.actions import Plan
from equity_screen.chance import contrast_weights, permutation_p, random_siting
from equity_screen.effects import completed
from equity_screen.overlay import Overlay, overlay
from equity_screen.people import People, people_of
from equity_screen.recipe import Siting

Floats = NDArray[np.float64]

SEED = 2030
ACTIONS, NEIGHBOURHOODS, GROUPS = 1_000, 85_000, 20
FEWEST, MOST = 15, 200  # neighbourhoods in reach of an action
PERMUTATIONS = {True: 999, False: 999}
LOOPED = {True: 9, False: 49}  # permutations that the loop is timed on
LIMIT_S = 10.0
FASTER = 5.0
FOOTPRINTS = {True: 100, False: 1_000}
SIDE, POINTS = 20, 5_000
ORIGIN, CRS = (560_000.0, 6_200_000.0), "EPSG:25832"
SITING_LIMIT_S = 60.0  # for the thousand


@dataclass(frozen=True, slots=True)
class Given:
    """Effects of actions on neighbourhoods, and their people."""

    effects: csc_array
    people: People


def given() -> Given:
    """Give each action a run of neighbourhoods, as in PERFORMANCE: dense where cities are."""
    rng = np.random.default_rng(SEED)
    population = np.rint(1000.0 + 5000.0 * rng.random(NEIGHBOURHOODS))
    groups = np.rint(population[:, None] * (0.05 + 0.6 * rng.random((NEIGHBOURHOODS, GROUPS))))
    count = rng.integers(FEWEST, MOST + 1, ACTIONS)
    first = rng.integers(0, NEIGHBOURHOODS - MOST, ACTIONS)
    bounds = np.concatenate([[0], np.cumsum(count)])
    row = np.repeat(first - bounds[:-1], count) + np.arange(bounds[-1])
    effects = csc_array((0.05 + rng.random(len(row)), row, bounds), shape=(NEIGHBOURHOODS, ACTIONS))
    names = tuple(f"g{g}" for g in range(GROUPS))
    return Given(effects, People(population, groups, np.repeat(population[:, None], GROUPS, axis=1), names))


def one_group(case: Given, *, permutations: int) -> Floats:
    """Deal out one group's weights and go over the actions one by one."""
    weights = contrast_weights(case.people)[:, 0]
    columns = [(case.effects.indices[a:b], case.effects.data[a:b]) for a, b in _slices(case.effects)]
    observed = np.array([abs(weights[rows] @ data) for rows, data in columns])
    rng, count = np.random.default_rng([SEED]), np.zeros(len(columns))
    for _ in range(permutations):
        dealt = weights[rng.permutation(len(weights))]
        count += np.array([abs(dealt[rows] @ data) for rows, data in columns]) >= observed
    return np.asarray((1.0 + count) / (1.0 + permutations), dtype=np.float64)


def _slices(effects: csc_array) -> list[tuple[int, int]]:
    return list(zip(effects.indptr[:-1], effects.indptr[1:], strict=True))


def ours(case: Given, *, permutations: int) -> Floats:
    """Give p of all groups, of which the first is compared."""
    return permutation_p(case.effects, case.people, permutations=permutations, seed=SEED)


def same(mine: Floats, loop: Floats) -> None:
    """Raise AssertionError unless the first group's p are those of the loop."""
    if len(mine) != len(loop) or not np.array_equal(mine[:, 0], loop):
        message = "p of the first group differ"
        raise AssertionError(message)


def permuted(*, quick: bool) -> Iterator[Goal]:
    """All groups at once against a loop that is timed on one group and fewer permutations, and multiplied up."""
    case, few, times = given(), LOOPED[quick], PERMUTATIONS[quick]
    workload: Workload[Floats] = Workload(
        f"permutation p, {few} permutations × {GROUPS} groups × {ACTIONS} actions × {NEIGHBOURHOODS} neighbourhoods",
        f"numpy loop over the actions, one group × {GROUPS}",
        partial(ours, case, permutations=few),
        partial(one_group, case, permutations=few),
        FASTER,
        same,
    )
    yield measure(workload, quick=quick, times=GROUPS)
    limit = LIMIT_S * times / PERMUTATIONS[False]
    yield within(
        f"permutation p, {times} permutations × {GROUPS} groups × {ACTIONS} actions, of the 10 s for 999",
        partial(ours, case, permutations=times),
        limit_s=limit,
    )


@dataclass(frozen=True, slots=True)
class Sited:
    """A city of squares with population points, and footprints of which no two are alike."""

    table: gpd.GeoDataFrame
    plan: Plan
    laid: Overlay


def sited(count: int) -> Sited:
    """Draw footprints of 0.5 to 3 km and 40 corners each, anywhere in a city of 20 km."""
    rng = np.random.default_rng(SEED)
    west, south = (part.ravel() * 1000.0 + start for part, start in zip(_grid(), ORIGIN, strict=True))
    table = gpd.GeoDataFrame(
        {"population": 1000.0, **{f"people_g{g}": rng.integers(0, 1000, SIDE**2).astype(float) for g in range(5)}},
        index=pd.Index([f"N{i:03d}" for i in range(SIDE**2)], name="neighbourhood"),
        geometry=shapely.box(west, south, west + 1000.0, south + 1000.0),
        crs=CRS,
    )
    home = rng.random((POINTS, 2)) * SIDE
    column, row = np.floor(home).astype(np.intp).T
    places = gpd.points_from_xy(*(home * 1000.0 + ORIGIN).T)
    blocks = gpd.GeoDataFrame({"zone": row * SIDE + column, "people": 1.0}, geometry=places, crs=CRS)
    plan = _plan(_polygons(count, rng))
    return Sited(table, plan, overlay(table, plan, blocks=blocks))


def _grid() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    row, column = np.indices((SIDE, SIDE))
    return column, row


def _polygons(count: int, rng: np.random.Generator) -> list[shapely.Polygon]:
    middle = 1000.0 * rng.uniform(3.0, SIDE - 3.0, (count, 1, 2)) + ORIGIN
    angle = np.sort(rng.random((count, 40)), axis=1) * 2.0 * np.pi
    radius = rng.uniform(500.0, 3000.0, (count, 1)) * (1.0 + 0.2 * rng.random((count, 40)))
    corners = middle + radius[:, :, None] * np.stack([np.cos(angle), np.sin(angle)], axis=2)
    return list(shapely.polygons(corners))


def _plan(shapes: list[shapely.Polygon]) -> Plan:
    names = pd.Index([f"A{i:04d}" for i in range(len(shapes))], name="action")
    columns = {"name": names, "sector": "", "where": "geometry", "zones": "", "active": True}
    actions = gpd.GeoDataFrame(columns, index=names, geometry=shapes, crs=CRS)
    rows = {"action": names, "ledger": "benefit", "effect": "shade", "amount": 1.0, "unit": "degC", "per": "person"}
    return Plan(actions, completed(pd.DataFrame({**rows, "reach": "footprint", "driver": "", "indicator": ""})))


def placed_elsewhere(*, quick: bool) -> Iterator[Goal]:
    """Time a hundred or a thousand footprints of which no two are alike at 199 places each."""
    count = FOOTPRINTS[quick]
    case = sited(count)
    people = people_of(case.table)
    yield within(
        f"random siting, {count} footprints × 199 places × {POINTS} points, of the 60 s for 1000",
        lambda: random_siting(case.laid, case.plan, neighbourhoods=case.table, people=people, siting=Siting()),
        limit_s=SITING_LIMIT_S * count / FOOTPRINTS[False],
    )


def goals(*, quick: bool) -> Iterator[Goal]:
    """Permutation and siting; the quick run has a tenth of the footprints, and a limit to match."""
    yield from permuted(quick=quick)
    yield from placed_elsewhere(quick=quick)

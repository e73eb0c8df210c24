"""Distribution metrics of all actions at once against a loop that takes one action after the other.

The loop is what an analyst writes first: numpy on the dense vector of each action. Many rounds of it over
all actions would take minutes, so it runs on a sample of them and its seconds are multiplied up; its row
says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from benchmarks import _chance, _distribution, _margins
from benchmarks.harness import Goal, Workload, measure
from equity_screen.equity import by_effect, by_group
from equity_screen.overlay import Ground, Overlay, Reach
from equity_screen.people import People, people_of
from equity_screen.recipe import Ranking
from equity_screen.relation import Relation

Floats = NDArray[np.float64]
Tables = tuple[pd.DataFrame, pd.DataFrame]

SEED = 2030
ACTIONS, NEIGHBOURHOODS, GROUPS = 5_000, 20_000, 10
REACHED = 15  # neighbourhoods in reach of an action, as in a dense city
SAMPLE = {True: 20, False: 100}
GOAL = 100.0
RANKINGS = {
    "income": Ranking(column="median_income", higher_is="advantaged"),
    "burden": Ranking(column="burden_score", higher_is="disadvantaged"),
}
OF_GROUP = ["people_reached", "people_reached_low", "people_reached_high", "total", "mean", "mean_rest", "gap"]
OF_GROUP += ["ratio", "share_of_effect", "parity", "parity_low", "parity_high"]
OF_ACTION = ["people_reached", "total", "mean", "priority_place_share"]
OF_ACTION += [f"{index}_{name}" for name in RANKINGS for index in ("ci", "gci")]


@dataclass(frozen=True, slots=True)
class City:
    """Neighbourhoods, effects, and the effects laid over the neighbourhoods."""

    table: pd.DataFrame
    people: People
    effects: pd.DataFrame
    overlay: Overlay


def city(
    *, actions: int = ACTIONS, neighbourhoods: int = NEIGHBOURHOODS, groups: int = GROUPS, seed: int = SEED
) -> City:
    """Make a city without a map: people, and for each action the neighbourhoods in its reach."""
    rng = np.random.default_rng(seed)
    table = _neighbourhoods(neighbourhoods, groups, rng)
    effects = _effects(actions, rng)
    return City(table, people_of(table), effects, _overlay(effects, table.index, rng))


def _neighbourhoods(count: int, groups: int, rng: np.random.Generator) -> pd.DataFrame:
    population = np.rint(1000.0 + 5000.0 * rng.random(count))
    counts = {f"people_g{g}": np.rint(population * (0.05 + 0.6 * rng.random(count))) for g in range(groups)}
    ranked = {"median_income": 20e3 + 80e3 * rng.random(count), "burden_score": 100.0 * rng.random(count)}
    index = pd.Index([f"N{i:05d}" for i in range(count)], name="neighbourhood")
    table = pd.DataFrame({"population": population, **counts, **ranked}, index=index)
    return table.assign(priority=table["burden_score"] >= 75.0)  # noqa: PLR2004 - the top quarter


def _effects(count: int, rng: np.random.Generator) -> pd.DataFrame:
    amount = 0.5 + rng.random(count)
    return pd.DataFrame(
        {
            "action": [f"A{j:04d}" for j in range(count)],
            "ledger": "benefit",
            "effect": "warmer homes",
            "amount": amount,
            "amount_low": 0.5 * amount,
            "amount_high": 2.0 * amount,
            "unit": "EUR/year",
            "per": "person",
        }
    )


NO_REACH = Reach(gpd.GeoSeries(), None)


def _overlay(effects: pd.DataFrame, zones: pd.Index, rng: np.random.Generator) -> Overlay:
    """Give each action a run of neighbourhoods with shares in reach, and its amount for people there."""
    count = len(effects)
    first = rng.integers(0, len(zones) - REACHED, count)
    row = (first[:, None] + np.arange(REACHED)).ravel()
    bounds = np.arange(0, count * REACHED + 1, REACHED)
    share = np.clip(1.4 * rng.random(count * REACHED), 0.01, 1.0)
    dose = share * np.repeat(effects["amount"].to_numpy(), REACHED)
    labels = pd.MultiIndex.from_frame(effects[["action", "ledger", "effect"]])
    shares, doses = (
        Relation(csc_array((values, row, bounds), shape=(len(zones), count)), zones, labels) for values in (share, dose)
    )
    nobody = Relation(csc_array((len(zones), 0)), zones, pd.Index([]))
    return Overlay(
        shares=shares,
        per_person=doses,
        per_unit=shares,
        reach=gpd.GeoDataFrame(),
        outside=pd.Series(0.0, index=labels),
        unlocated=np.zeros(count, dtype=bool),
        members={},
        once=nobody,
        ground=Ground(gpd.GeoSeries(), None, NO_REACH, NO_REACH),
    )


def at_once(given: City) -> Tables:
    """Measure all actions with the package: by action, and by action and group."""
    return (
        by_effect(
            given.overlay,
            given.effects,
            people=given.people,
            priority=given.table["priority"],
            rankings=RANKINGS,
            neighbourhoods=given.table,
        ),
        by_group(given.overlay, given.effects, people=given.people, groups={}),
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """Dense vectors of some actions, and what a careful loop computes once before it starts."""

    actions: NDArray[np.intp]
    shares: Floats
    doses: Floats
    ranks: Mapping[str, Floats]


def sampled(given: City, size: int) -> Sample:
    """Take actions spread evenly over all; making their vectors dense is not timed."""
    actions = np.linspace(0, len(given.effects) - 1, size).astype(np.intp)
    shares, doses = (
        np.ascontiguousarray(relation.matrix[:, actions].toarray().T)
        for relation in (given.overlay.shares, given.overlay.per_person)
    )
    return Sample(actions, shares, doses, {name: _rank(given.table, r) for name, r in RANKINGS.items()})


def _rank(table: pd.DataFrame, ranking: Ranking) -> Floats:
    """Rank people by a column without ties: those below, and half of one's own."""
    ordered = table.sort_values(ranking.column, ascending=ranking.higher_is == "advantaged")
    below = ordered["population"].cumsum() - ordered["population"] / 2.0
    rank: Floats = (below / ordered["population"].sum()).reindex(table.index).to_numpy()
    return rank


def one_by_one(given: City, sample: Sample) -> Tables:
    """Measure the sampled actions in a loop over their dense vectors."""
    pairs = list(zip(sample.shares, sample.doses, strict=True))
    by_action = pd.DataFrame([_of_action(given, share, dose, sample.ranks) for share, dose in pairs])
    rows = [_of_group(given, share, dose, name) for share, dose in pairs for name in given.people.names]
    return by_action, pd.DataFrame(rows)


def _of_action(given: City, share: Floats, dose: Floats, ranks: Mapping[str, Floats]) -> dict[str, float]:
    people = given.table["population"].to_numpy()
    received = people * dose
    total, everyone = received.sum(), people.sum()
    row = {"people_reached": (people * share).sum(), "total": total, "mean": total / everyone}
    row["priority_place_share"] = received[given.table["priority"].to_numpy()].sum() / total
    for name, rank in ranks.items():
        row[f"gci_{name}"] = (received * (2.0 * rank - 1.0)).sum() / everyone
        row[f"ci_{name}"] = row[f"gci_{name}"] / row["mean"]
    return row


def _of_group(given: City, share: Floats, dose: Floats, name: str) -> dict[str, float]:
    everyone, group = (given.table[c].to_numpy() for c in ("population", f"people_{name}"))
    rest, reached = everyone - group, everyone * share
    low, high = np.maximum(0.0, reached - rest), np.minimum(reached, group)
    per_reached = np.divide(dose, share, out=np.zeros(len(dose)), where=share > 0.0)
    total, whole = (group * dose).sum(), (everyone * dose).sum()
    mean, mean_rest = total / group.sum(), (rest * dose).sum() / rest.sum()
    in_line = whole * group.sum() / everyone.sum()
    return {
        "people_reached": (group * share).sum(),
        "people_reached_low": low.sum(),
        "people_reached_high": high.sum(),
        "total": total,
        "mean": mean,
        "mean_rest": mean_rest,
        "gap": mean - mean_rest,
        "ratio": mean / mean_rest,
        "share_of_effect": total / whole,
        "parity": total / in_line,
        "parity_low": (low * per_reached).sum() / in_line,
        "parity_high": (high * per_reached).sum() / in_line,
    }


def same_metrics(ours: Tables, loop: Tables, *, actions: NDArray[np.intp]) -> None:
    """Raise AssertionError unless both give the sampled actions the same metrics to 1e-12.

    Gaps and concentration may be differences of nearly equal numbers: theirs is 1e-12 of those.
    """
    groups = len(loop[1]) // len(actions)
    rows = (actions[:, None] * groups + np.arange(groups)).ravel()
    _same_columns(ours[0].iloc[actions], loop[0], OF_ACTION)
    _same_columns(ours[1].iloc[rows], loop[1], OF_GROUP)


def _same_columns(ours: pd.DataFrame, loop: pd.DataFrame, columns: Sequence[str]) -> None:
    level = float(loop["mean"].max())
    terms = {"gap": level} | {f"gci_{name}": level for name in RANKINGS} | {f"ci_{name}": 1.0 for name in RANKINGS}
    for name in columns:
        near = 1e-12 * terms.get(name, 0.0)
        np.testing.assert_allclose(ours[name].to_numpy(), loop[name].to_numpy(), rtol=1e-12, atol=near, err_msg=name)


def goals(*, quick: bool) -> Iterator[Goal]:
    """Every figure of the tables against the loop, multiplied up from its sample; arrays, margins and chance."""
    given = city()
    sample = sampled(given, SAMPLE[quick])
    times = len(given.effects) / len(sample.actions)
    workload: Workload[Tables] = Workload(
        f"all metrics, {ACTIONS} actions × {NEIGHBOURHOODS} neighbourhoods × {GROUPS} groups",
        f"numpy loop, extrapolated from {len(sample.actions)} actions × {times:g}",
        lambda: at_once(given),
        lambda: one_by_one(given, sample),
        GOAL,
        lambda ours, loop: same_metrics(ours, loop, actions=sample.actions),
    )
    yield measure(workload, quick=quick, times=times)
    for more in (_distribution, _margins, _chance):
        yield from more.goals(quick=quick)

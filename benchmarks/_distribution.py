"""The measures of every report for a hundred thousand actions at once, against a loop over dense vectors.

The loop is a careful analyst's: pandas and numpy on the vector of one action over all neighbourhoods, with all that is
the same for every action worked out before. All actions would take hours, so a sample of them is timed and multiplied
up; the row says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from benchmarks.harness import Goal, Workload, measure, within
from equity_screen.distribution import Distribution, distribution
from equity_screen.inequality import mid_rank
from equity_screen.people import People

Floats = NDArray[np.float64]

SEED = 2030
ACTIONS, NEIGHBOURHOODS, REACHED = 100_000, 85_000, 20  # two million pairs
PARTITION, OVERLAPPING = 4, 16  # groups that share out the people, and others
SAMPLE = {True: 5, False: 20}
EPSILON, KAPPA = 0.5, -0.5
FASTER, LIMIT_S = 1_000.0, 3.0


@dataclass(frozen=True, slots=True)
class Given:
    """Effects by neighbourhood, the people there, and two rankings of them."""

    effects: csc_array
    people: People
    ranks: Mapping[str, Floats]


def given() -> Given:
    """Make up people in groups, and for each action twenty neighbourhoods that lie close together."""
    rng = np.random.default_rng(SEED)
    population = np.rint(1000.0 + 5000.0 * rng.random(NEIGHBOURHOODS))
    shared = np.floor(population[:, None] * rng.dirichlet(np.ones(PARTITION), NEIGHBOURHOODS))
    shared[:, -1] += population - shared.sum(axis=1)
    others = np.rint(population[:, None] * (0.05 + 0.6 * rng.random((NEIGHBOURHOODS, OVERLAPPING))))
    groups = np.column_stack([shared, others])
    names = tuple(f"g{g}" for g in range(groups.shape[1]))
    people = People(population, groups, np.repeat(population[:, None], len(names), axis=1), names)
    steps = np.sort(rng.choice(200, REACHED, replace=False))
    row = (rng.integers(0, NEIGHBOURHOODS - 200, ACTIONS)[:, None] + steps).ravel()
    bounds = np.arange(0, len(row) + 1, REACHED)
    effects = csc_array((0.1 + rng.random(len(row)), row, bounds), shape=(NEIGHBOURHOODS, ACTIONS))
    ranks = {name: mid_rank(rng.random(NEIGHBOURHOODS), population) for name in ("income", "burden")}
    return Given(effects, people, ranks)


def at_once(case: Given) -> Distribution:
    """Measure all actions with the package."""
    race = {"race": range(PARTITION)}
    return distribution(
        case.effects, case.people, ranks=case.ranks, partitions=race, atkinson_epsilon=EPSILON, kappa=KAPPA
    )


def one_by_one(case: Given, dense: Floats) -> pd.DataFrame:
    """Measure the sampled actions in a loop over their dense vectors."""
    groups = pd.DataFrame(case.people.groups, columns=list(case.people.names))
    return pd.DataFrame([_of_action(case, x, groups) for x in dense])


def _of_action(case: Given, x: Floats, groups: pd.DataFrame) -> dict[str, float]:
    people = case.people.population
    everyone, received = people.sum(), people * x
    total = received.sum()
    mean = total / everyone
    row = {"gini": _gini(x, people), "theil": _theil(x, people)}
    row["atkinson"] = 1.0 - ((people * x ** (1.0 - EPSILON)).sum() / everyone) ** (1.0 / (1.0 - EPSILON)) / mean
    row["ede"] = _ede(x, people)
    for name, rank in case.ranks.items():
        row[f"gci_{name}"] = (received * (2.0 * rank - 1.0)).sum() / everyone
        row[f"ci_{name}"] = row[f"gci_{name}"] / mean
    count, had = groups.sum(), groups.mul(x, axis=0).sum()
    means, rest = had / count, (total - had) / (everyone - count)
    shares = had / total
    parts = {"mean": means, "gap": means - rest, "ratio": means / rest, "share": shares}
    parts |= {"parity": shares / (count / everyone), "ede": groups.apply(lambda g: _ede(x, g.to_numpy()))}
    row |= {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}
    race = list(groups.columns[:PARTITION])
    weight, relative = (had / total)[race], (means / mean)[race]
    row["theil_between"] = float((weight * np.log(relative)).sum())
    row["theil_within"] = sum(weight[g] * _theil(x, groups[g].to_numpy()) for g in race)
    return row


def _gini(x: Floats, people: Floats) -> float:
    order = np.argsort(x, kind="stable")
    below = np.cumsum(people[order])
    had = np.concatenate([[0.0], np.cumsum((people * x)[order])])
    return float(1.0 - (people[order] * (had[1:] + had[:-1])).sum() / (below[-1] * had[-1]))


def _theil(x: Floats, people: Floats) -> float:
    relative = x / ((people * x).sum() / people.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(relative > 0, relative * np.log(relative), 0.0)
    return float((people * terms).sum() / people.sum())


def _ede(x: Floats, people: Floats) -> float:
    return float(-np.log((people * np.exp(-KAPPA * x)).sum() / people.sum()) / KAPPA)


def same(ours: Distribution, loop: pd.DataFrame, *, actions: NDArray[np.intp], names: tuple[str, ...]) -> None:
    """Raise AssertionError unless both give the sampled actions the same measures, to 1e-12 of what they are made of.

    The loop loses digits where nearly all people have nothing: of a level by Kolm and Pollak the error is that of the
    logarithm of a number close to 1, and of a gap that of the means.
    """
    level = float(ours.mean[actions].max())
    of_action = {"gini": ours.gini, "theil": ours.theil, "atkinson": ours.atkinson}
    of_action |= {"theil_between": ours.theil_between[:, 0], "theil_within": ours.theil_within[:, 0]}
    of_action |= {f"ci_{name}": ours.ci[:, i] for i, name in enumerate(("income", "burden"))}
    for name, values in of_action.items():
        np.testing.assert_allclose(values[actions], loop[name], rtol=1e-11, atol=1e-12, err_msg=name)
    if ours.ede is None:
        message = "no level was measured"
        raise AssertionError(message)
    np.testing.assert_allclose(ours.ede[actions, 0], loop["ede"], rtol=0, atol=1e-12)
    of_group = {"mean": ours.means, "gap": ours.gaps, "ratio": ours.ratios, "share": ours.shares}
    of_group |= {"parity": ours.parity, "ede": ours.ede[:, 1:]}
    for part, table in of_group.items():
        theirs = loop[[f"{part}_{name}" for name in names]].to_numpy()
        near = 1e-12 * (level if part in ("mean", "gap") else 1.0)
        np.testing.assert_allclose(table[actions], theirs, rtol=1e-11, atol=near, err_msg=part)


def goals(*, quick: bool) -> Iterator[Goal]:
    """All measures of all actions: the ratio to the loop, multiplied up, and the seconds that they take."""
    case = given()
    actions = np.linspace(0, ACTIONS - 1, SAMPLE[quick]).astype(np.intp)
    dense = np.ascontiguousarray(case.effects[:, actions].toarray().T)
    workload: Workload[Distribution | pd.DataFrame] = Workload(
        f"measures of {ACTIONS} actions × {NEIGHBOURHOODS} neighbourhoods × {PARTITION + OVERLAPPING} groups",
        f"pandas loop, extrapolated from {len(actions)} actions × {ACTIONS // len(actions)}",
        partial(at_once, case),
        partial(one_by_one, case, dense),
        FASTER,
        partial(same, actions=actions, names=case.people.names),
    )
    yield measure(workload, quick=quick, times=ACTIONS / len(actions))
    yield within("the same measures, in seconds", partial(at_once, case), limit_s=LIMIT_S, turns=3)

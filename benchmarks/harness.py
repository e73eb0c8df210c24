"""Time our code and a peer's turn by turn, once both are seen to give the same answer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import numpy as np

COLUMNS = ("workload", "peer", "ours", "peer", "ratio", "goal", "held")
QUICK_LIMIT_S = 180.0

_TIMINGS = 3
_TURNS = {True: 3, False: 9}
_BUDGET_S = {True: 6.0, False: 120.0}

Answer = TypeVar("Answer")


class AnswersDifferError(RuntimeError):
    """Ours and the peer's answers differ, so their times may not be compared."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Seconds of each turn, ours and the peer's, and the ratio that is wanted."""

    workload: str
    peer: str
    ours_s: tuple[float, ...]
    peer_s: tuple[float, ...]
    goal_ratio: float

    @property
    def ratio(self) -> float:
        """Median over the turns of the peer's seconds by ours: 2 is twice as fast as the peer."""
        return statistics.median(peer / ours for ours, peer in zip(self.ours_s, self.peer_s, strict=True))

    @property
    def held(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio >= self.goal_ratio

    def row(self) -> str:
        """Read as one line of the table."""
        cells = (
            self.workload,
            self.peer,
            f"{statistics.median(self.ours_s):.4g} s",
            f"{statistics.median(self.peer_s):.4g} s",
            f"{self.ratio:.2f}",
            f"{self.goal_ratio:.2f}",
            "yes" if self.held else "NO",
        )
        return " | ".join(cells)


def assert_close(ours: object, peer: object) -> None:
    """Raise AssertionError unless two arrays of numbers agree to 1e-9, missing where missing."""
    np.testing.assert_allclose(np.asarray(ours), np.asarray(peer), rtol=1e-9, atol=0)


@dataclass(frozen=True, slots=True)
class Workload(Generic[Answer]):
    """One job done by us and by a peer; ``same`` raises AssertionError where the answers differ."""

    name: str
    peer: str
    ours: Callable[[], Answer]
    reference: Callable[[], Answer]
    goal_ratio: float = 1.0
    same: Callable[[Answer, Answer], None] = assert_close


def assert_equal(workload: Workload[Answer]) -> None:
    """Run both sides once, which also warms them, and compare what they answer.

    Raises
    ------
    AnswersDifferError
        Where ``workload.same`` finds a difference.
    """
    try:
        workload.same(workload.ours(), workload.reference())
    except AssertionError as difference:
        message = f"{workload.name}: our answer is not that of {workload.peer}: {difference}"
        raise AnswersDifferError(message) from difference


def seconds(job: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Wall time of one call [s]."""
    start = clock()
    job()
    return clock() - start


def measure(
    workload: Workload[Answer], *, quick: bool, times: float = 1.0, clock: Callable[[], float] = time.perf_counter
) -> Goal:
    """Assert equal answers, then time ours, peer, ours, peer … within the budget of time.

    A peer that was timed on a part of the work has its seconds multiplied by ``times``; its name says so.

    A machine that is busy with something else slows one side of a turn and not the other: what misses its goal is
    timed again before it counts as missed.
    """
    assert_equal(workload)
    return patiently(partial(_timed, workload, quick=quick, times=times, clock=clock))


def patiently(timed: Callable[[], Goal]) -> Goal:
    """Give the first of three timings that holds its goal, or the last."""
    for _ in range(_TIMINGS - 1):
        goal = timed()
        if goal.held:
            return goal
    return timed()


def _timed(workload: Workload[Answer], *, quick: bool, times: float, clock: Callable[[], float]) -> Goal:
    turns: list[tuple[float, float]] = []
    start = clock()
    while not turns or (len(turns) < _TURNS[quick] and clock() - start < _BUDGET_S[quick]):
        turns.append((seconds(workload.ours, clock=clock), seconds(workload.reference, clock=clock)))
    ours_s, peer_s = zip(*turns, strict=True)
    whole = tuple(times * one for one in peer_s)
    return Goal(workload.name, workload.peer, ours_s, whole, workload.goal_ratio)


def within(
    name: str,
    job: Callable[[], object],
    *,
    limit_s: float,
    turns: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Goal:
    """Hold a job to a number of seconds: the limit is the peer, and the ratio wanted is 1."""
    ours_s = tuple(seconds(job, clock=clock) for _ in range(turns))
    return Goal(name, "limit", ours_s, (limit_s,) * turns, 1.0)


def report(goals: Iterable[Goal], *, write: Callable[[str], object]) -> bool:
    """Write a line for each goal as soon as it is measured; True where all are held."""
    held = True
    for goal in goals:
        write(goal.row())
        held &= goal.held
    return held

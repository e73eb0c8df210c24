"""What a user waits for, each command in its own process: the demo, ``check``, ``--help``, and all of California."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.harness import AnswersDifferError, Goal, within

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "data" / "northhaven" / "northhaven.toml"
SHARED = Path(os.environ.get("EQUITY_SCREEN_SHARED") or ROOT.parent / "shared") / "data"
CALIFORNIA = (
    ROOT / "docs" / "california" / "california.toml",
    SHARED / "calenviroscreen" / "ca_tracts2010.parquet",
    SHARED / "calenviroscreen" / "ces4_results.csv.gz",
    SHARED / "us_facilities" / "epa_facilities_by_mact.parquet",
)
PAGES = ("map.html", "report.html")
DEMO_LIMIT_S = 30.0
CALIFORNIA_LIMIT_S = 60.0
CHECK_LIMIT_S = 15.0
HELP_LIMIT_S = 1.0


def command(*arguments: str) -> None:
    """Run ``equity-screen`` with some arguments in a process of its own; it has to end with 0."""
    run = [sys.executable, "-m", "equity_screen", *arguments]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own


def demo() -> None:
    """Screen Northhaven into a new folder, its map and its report included.

    Raises
    ------
    AnswersDifferError
        Where a page is missing, so that a run which leaves it out is not timed as a quick one.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        command("demo", "--out", str(results))
        missing = [page for page in PAGES if not (results / page).is_file()]
    if missing:
        message = f"the demo left out {', '.join(missing)}"
        raise AnswersDifferError(message)


def california() -> None:
    """Screen 8,035 tracts against a national file of facilities, from the published files to the report."""
    with tempfile.TemporaryDirectory() as folder:
        for file in CALIFORNIA:
            shutil.copy(file, folder)
        command("run", str(Path(folder) / "california.toml"), "--out", str(Path(folder) / "results"))


def check() -> None:
    """Check the inputs of Northhaven."""
    command("check", str(PROJECT))


def help_text() -> None:
    """Print the help text."""
    command("--help")


JOBS: tuple[tuple[str, Callable[[], None], float], ...] = (
    ("demo to the last page", demo, DEMO_LIMIT_S),
    ("check of Northhaven", check, CHECK_LIMIT_S),
    ("--help", help_text, HELP_LIMIT_S),
)


def goals(*, quick: bool) -> Iterator[Goal]:
    """Hold each command to the seconds that a user may be kept waiting; California only where its files are."""
    jobs = [*JOBS]
    if all(file.is_file() for file in CALIFORNIA):
        jobs.append(("California, from files to report", california, CALIFORNIA_LIMIT_S))
    for name, job, limit_s in jobs:
        turns = 5 if job is help_text else 1 if quick else 3
        yield within(name, job, limit_s=limit_s, turns=turns)

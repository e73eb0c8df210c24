"""``python -m benchmarks NAME [--quick]``: a line for each goal; exit 1 where one is missed."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import benchmarks
from benchmarks.harness import COLUMNS, QUICK_LIMIT_S, AnswersDifferError, Goal, report

Goals = Callable[[bool], Iterator[Goal]]


def _module_goals(quick: bool, *, name: str) -> Iterator[Goal]:  # noqa: FBT001 - the one argument of Goals
    yield from importlib.import_module(f"benchmarks.{name}").goals(quick=quick)


def available() -> dict[str, Goals]:
    """Give the benchmarks of this folder by name; a module is imported when its goals are asked for."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    chosen = sorted(name for name in names if name != "harness" and not name.startswith("_"))
    return {name: partial(_module_goals, name=name) for name in chosen}


def _timed(chosen: Sequence[Goals], *, quick: bool) -> Iterator[Goal]:
    start = time.perf_counter()
    for goals in chosen:
        yield from goals(quick)
    if quick:
        elapsed = time.perf_counter() - start
        yield Goal("all of this quick run", "limit", (elapsed,), (QUICK_LIMIT_S,), 1.0)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="a benchmark, or all")
    parser.add_argument("--quick", action="store_true", help=f"fewer turns; ends within {QUICK_LIMIT_S:.0f} s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None, *, known: Mapping[str, Goals] | None = None) -> int:
    """Run the named benchmark or all; 0 all held, 1 a goal missed or answers differ, 2 unknown name."""
    asked = _arguments(arguments)
    known = available() if known is None else known
    if asked.name != "all" and asked.name not in known:
        names = ", ".join([*known, "all"])
        print(f"no benchmark is called {asked.name!r}; there are: {names}", file=sys.stderr)
        return 2
    chosen = list(known.values()) if asked.name == "all" else [known[asked.name]]
    print(" | ".join(COLUMNS))
    try:
        held = report(_timed(chosen, quick=asked.quick), write=partial(print, flush=True))
    except AnswersDifferError as difference:
        print(difference, file=sys.stderr)
        return 1
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())

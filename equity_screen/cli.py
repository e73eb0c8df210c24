"""The command line: arguments to functions, results to files, faults to exit codes."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

import equity_screen as es
from equity_screen.errors import EquityScreenError, Finding, InputError, OutputError
from equity_screen.project import Project, ProjectFile, read_project
from equity_screen.starter import project_text

SIGNAL_BASE = 128
SCREENING = 2  # steps between the last input and the first output
DEMO = Path("data") / "northhaven" / "northhaven.toml"
app = typer.Typer(
    name="equity-screen",
    help="Who gains and who carries the burden of a city's climate actions, neighbourhood by neighbourhood.",
    epilog="Exit codes: 0 ok, 1 bug, 2 usage, 3 bad input, 4 output or disk, 5 locked, 130/143 signals.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
ProjectPath = Annotated[Path, typer.Argument(help="project file (TOML)", show_default=False)]
Folder = Annotated[Path, typer.Option("--out", "-o", help="folder for the outputs; replaced whole")]
Page = Annotated[Path, typer.Option("--out", "-o", help="file to write")]
AsJson = Annotated[bool, typer.Option("--json", help="print the answer as JSON on stdout")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="show no progress on stderr")]


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the steps on stderr: a bar on a terminal, a line each elsewhere."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with typer.progressbar(length=total, file=sys.stderr) as bar:
            yield lambda _: bar.update(1)
    else:
        yield lambda step: typer.echo(f"equity-screen: {step}", err=True)


def _inputs(project: Project) -> int:
    layers = [i.raster or i.polygons for i in project.indicators.values()]
    layers += [g.layer for g in project.groups.values()]
    blocks = [project.blocks, project.effects_file]
    return 1 + len(project.actions) + sum(part is not None for part in [*layers, *blocks])


def _answer(answer: dict[str, Any], text: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2) if as_json else text)


def _as_dicts(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [asdict(finding) for finding in findings]


@app.command()
def init(
    files: Annotated[
        list[str] | None, typer.Argument(help="files of the city and its plan, in any order", show_default=False)
    ] = None,
    *,
    out: Page = Path("screen.toml"),
    plan: Annotated[
        Path | None, typer.Option("--plan", help="write a spreadsheet for actions instead (.xlsx or .csv)")
    ] = None,
) -> None:
    """Write a commented project file, its columns proposed from the files; or a spreadsheet for a plan."""
    if plan is not None:
        written = es.propose_plan(plan, files or [])
        typer.echo(f"{', '.join(map(str, written))} written. Fill in, then: equity-screen init FILES {plan}")
        return
    if out.exists():
        message = f"{out} exists. Mend: name another file with --out"
        raise OutputError(message)
    text = es.propose_project(_from(out.parent, files), folder=out.parent) if files else project_text()
    try:
        out.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        message = f"cannot write {out}: {error}. Mend: check the disk and the folder's rights"
        raise OutputError(message) from error
    typer.echo(f"{out} written. Look at it, then: equity-screen check {out}")


def _from(folder: Path, files: Sequence[str]) -> list[str]:
    """Name files as the project file in a folder must name them."""
    return [Path(os.path.relpath(file, folder)).as_posix() for file in files]


@app.command()
def check(project: ProjectPath, *, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """List every fault of the inputs; write nothing."""
    file = read_project(project)
    with _progress(_inputs(file.project), quiet=quiet) as progress:
        inputs = es.gather(file, progress=progress)
    counts = inputs.status["status"].value_counts().to_dict()
    if inputs.refused and (inputs.fatal or file.project.on_bad_row == "stop"):
        raise InputError(inputs.refused)
    es.ready(inputs, file.project)
    summary = f"{sum(counts.values())} rows: " + ", ".join(f"{n} {fate}" for fate, n in sorted(counts.items()))
    answer = {"status": "ok", "rows": counts, "findings": _as_dicts(inputs.findings)}
    _answer(answer, "\n".join([summary, *(f"  {f.status}: {f}" for f in inputs.findings)]), as_json=as_json)


@app.command()
def run(project: ProjectPath, *, out: Folder = Path("results"), as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Screen a plan: tables, map and report in one folder, with their provenance."""
    _run(read_project(project), out, as_json=as_json, quiet=quiet)


@app.command()
def demo(*, out: Folder = Path("northhaven-results"), as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Screen Northhaven, the fictional city that ships with the package."""
    inside = Path(__file__).parent
    place = next(path for path in (inside / DEMO, inside.parent / DEMO) if path.is_file())
    _run(read_project(place), out, as_json=as_json, quiet=quiet)


def _run(file: ProjectFile, out: Path, *, as_json: bool, quiet: bool) -> None:
    with _progress(_inputs(file.project) + SCREENING + len(es.WRITERS), quiet=quiet) as progress:
        result = es.screen_project(file, progress=progress)
        folder = es.publish(result, out, project=file.project, progress=progress)
    counts = result.status["status"].value_counts().to_dict()
    answer = {
        "status": "ok",
        "folder": str(folder),
        "rows": counts,
        "summary": list(result.sentences["summary"]),
        "outputs": sorted(path.name for path in folder.iterdir()),
    }
    lines = [*result.sentences["summary"], "", f"Open {folder / 'report.html'} and {folder / 'map.html'}."]
    _answer(answer, "\n".join(lines), as_json=as_json)


@app.command(name="map")
def map_command(project: ProjectPath, *, out: Page = Path("map.html"), quiet: Quiet = False) -> None:
    """Write the interactive map only."""
    _page(project, out, es.write_map, quiet=quiet)


@app.command()
def report(project: ProjectPath, *, out: Page = Path("report.html"), quiet: Quiet = False) -> None:
    """Write the report only."""
    _page(project, out, lambda result, path: es.write_report(result, path, versions=es.versions()), quiet=quiet)


def _page(project: Path, out: Path, write: Callable[[Any, Path], None], *, quiet: bool) -> None:
    file = read_project(project)
    with _progress(_inputs(file.project) + SCREENING + 1, quiet=quiet) as progress:
        result = es.screen_project(file, progress=progress)
        progress(out.name)
        es.publish_page(result, out, write=write)
    typer.echo(f"{out} written.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the project file."""
    typer.echo(json.dumps(Project.model_json_schema(), ensure_ascii=False, indent=2))


def _end(number: int, _: FrameType | None) -> NoReturn:
    """Leave by the way that cleans up, with the shell's code for the signal."""
    sys.exit(SIGNAL_BASE + number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; those of the process unless given.

    Returns
    -------
    int
        Exit code: 0 ok, 1 bug, 2 usage, 3 bad input, 4 output or disk, 5 locked, 130/143 signals.

    Examples
    --------
    >>> main(["check", "nowhere.toml", "--json"])
    {
      "status": "refused",
    ...
    3
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        app(args=words, prog_name="equity-screen")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except EquityScreenError as error:
        return _failed(error, as_json="--json" in words)
    return 0


def _failed(error: EquityScreenError, *, as_json: bool) -> int:
    if as_json:
        findings = _as_dicts(error.findings) if isinstance(error, InputError) else []
        answer = {"status": "refused" if findings else "failed", "message": str(error), "findings": findings}
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"equity-screen: {error}", err=True)
    return error.exit_code

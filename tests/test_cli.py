"""The command line: what goes to which stream, every exit code, and a clean end on a signal."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from equity_screen.cli import main
from tests.plans import write_project

CLEAN_UP = "the run was told to end and left something behind"


@pytest.fixture(autouse=True)
def same_signals_after() -> Iterator[None]:
    """`main` takes over the signals of the process; give them back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The four squares as a project, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return write_project(tmp_path).relative_to(tmp_path)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# ---------------------------------------------------------------- run


def test_run_writes_a_folder_and_says_what_was_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(project), "--out", "r"]) == 0
    out, err = capsys.readouterr()
    assert "Benefits of active actions that land in particular places reach 400 of 1,000 people (40.0 %)" in out
    assert "Open r" in out
    assert {"scores.csv", "map.html", "report.html", "run.json"} <= names_in(Path("r"))
    steps = [line.removeprefix("equity-screen: ") for line in err.splitlines()]
    assert steps[:4] == ["zones.geojson", "actions.csv", "burden index", "overlay and distribution"]
    assert steps[-1] == "report.html"


def test_run_answers_in_json_on_stdout_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(project), "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert (answer["status"], answer["folder"]) == ("ok", "results")
    assert answer["rows"] == {"used": 5, "flagged": 1}
    assert set(answer["outputs"]) == names_in(Path("results"))
    assert answer["summary"][0].startswith("Benefits of active actions")
    assert "zones.geojson" in err


def test_quiet_is_quiet(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(project), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", ["check", "run", "map"])
def test_on_a_terminal_there_is_a_bar_that_ends_at_the_end(
    project: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main([command, str(project)]) == 0
    assert terminal.getvalue().count("100%") == 1


@pytest.mark.parametrize("page", ["map", "report"])
def test_one_page_alone(project: Path, capsys: pytest.CaptureFixture[str], page: str) -> None:
    assert main([page, str(project), "--out", "one.html"]) == 0
    assert capsys.readouterr().out == "one.html written.\n"
    assert Path("one.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    assert names_in(Path()) == {"zones.geojson", "actions.csv", "screen.toml", "one.html"}


# ---------------------------------------------------------------- check


def test_check_counts_rows_and_writes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = names_in(Path())
    assert main(["check", str(project)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "6 rows: 1 flagged, 5 used"
    assert "flagged: actions.csv, row 3, id Y, column cost" in out
    assert names_in(Path()) == before


def test_check_in_json_lists_the_findings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(project), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "ok"
    assert [(f["code"], f["status"], f["id"]) for f in answer["findings"]] == [("ES-COST-MISSING", "flagged", "Y")]


def test_run_and_check_stop_alike_on_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faulty = write_project(tmp_path, people=None, where="zones:A;Q")
    before = names_in(tmp_path)
    out = str(tmp_path / "r")
    for words in (["check", str(faulty)], ["run", str(faulty), "--out", out], ["map", str(faulty), "--out", out]):
        assert main(words) == 3
        streams = capsys.readouterr()
        assert streams.out == ""
        assert "equity-screen: 2 faults in the input:" in streams.err
        assert "zones.geojson, feature 4, id D" in streams.err
        assert "actions.csv, row 2, id X, column where, value Q" in streams.err
        assert streams.err.count("Mend: ") == 2
    assert names_in(tmp_path) == before


@pytest.mark.parametrize("command", ["check", "run"])
def test_faults_are_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    faulty = write_project(tmp_path, where="zones:A;Q")
    assert main([command, str(faulty), "--json", *(["--out", str(tmp_path / "r")] if command == "run" else [])]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "refused"
    (fault,) = answer["findings"]
    assert {name: fault[name] for name in ("status", "code", "source", "row", "id", "column")} == {
        "status": "refused",
        "code": "ES-WHERE-ZONE",
        "source": "actions.csv",
        "row": "row 2",
        "id": "X",
        "column": "where",
    }
    assert fault["mend"]


# ---------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["screeen"], "No such command 'screeen'"),
        (["run"], "Missing argument"),
        (["check", "x.toml", "--jsno"], "No such option: --jsno"),
    ],
)
def test_a_wrong_word_is_a_usage_fault(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    streams = capsys.readouterr()
    assert message in streams.err
    assert streams.out == ""


def test_a_project_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nowhere.toml"]) == 3
    assert "nowhere.toml: no such file" in capsys.readouterr().err


def test_a_folder_of_others_is_an_output_fault(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("r").mkdir()
    Path("r", "thesis.docx").write_text("years", encoding="utf-8")
    assert main(["run", str(project), "--out", "r", "--json"]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["findings"]) == ("failed", [])
    assert "not ours" in answer["message"]
    assert names_in(Path("r")) == {"thesis.docx"}


def test_a_locked_folder_has_its_own_code(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".r.lock").write_text(str(os.getppid()), encoding="ascii")
    assert main(["run", str(project), "--out", "r"]) == 5
    assert "is being written by another run" in capsys.readouterr().err
    assert not Path("r").exists()


@pytest.mark.parametrize("command", ["map", "report"])
def test_a_page_in_no_folder_is_an_output_fault(
    project: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, str(project), "--out", "nowhere/page.html"]) == 4
    assert "cannot write nowhere" in capsys.readouterr().err


# ---------------------------------------------------------------- init, demo, schema, help


def test_init_writes_a_file_that_check_finds_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert "screen.toml written. Look at it, then: equity-screen check screen.toml" in capsys.readouterr().out
    assert main(["check", "screen.toml"]) == 3
    err = capsys.readouterr().err
    assert "no such file" in err
    assert "neighbourhoods" in err


def test_init_proposes_a_project_that_check_accepts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.unlink()
    assert main(["init", "actions.csv", "zones.geojson"]) == 0
    text = Path("screen.toml").read_text(encoding="utf-8")
    assert 'file = "zones.geojson"' in text
    assert 'where = "where"' in text
    capsys.readouterr()
    assert main(["check", "screen.toml", "--quiet"]) == 0
    assert "6 rows" in capsys.readouterr().out


def test_init_names_the_files_from_the_folder_of_the_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("study").mkdir()
    assert main(["init", "zones.geojson", "actions.csv", "--out", "study/city.toml"]) == 0
    assert 'file = "../zones.geojson"' in Path("study/city.toml").read_text(encoding="utf-8")
    assert main(["check", "study/city.toml", "--quiet"]) == 0
    assert project.is_file()
    capsys.readouterr()


def test_init_of_a_file_that_is_not_there_is_bad_input(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "zones.gpkg", "--out", "new.toml"]) == 3
    assert "zones.gpkg: no such file" in capsys.readouterr().err
    assert not Path("new.toml").exists()
    assert project.is_file()


def test_init_plan_writes_a_spreadsheet_with_the_places(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = names_in(Path())
    assert main(["init", "--plan", "plan.xlsx", "zones.geojson"]) == 0
    assert "plan.xlsx written. Fill in, then: equity-screen init FILES plan.xlsx" in capsys.readouterr().out
    assert names_in(Path()) - before == {"plan.xlsx"}
    places = openpyxl.load_workbook("plan.xlsx")["places"]
    assert [row[0].value for row in places.iter_rows(min_row=4)] == ["zones:A", "zones:B", "zones:C", "zones:D"]
    assert main(["init", "--plan", "plan.xlsx"]) == 4
    assert "plan.xlsx exists" in capsys.readouterr().err
    assert main(["init", "--plan", "plan.ods"]) == 2
    assert "a plan is written as .xlsx or .csv" in capsys.readouterr().err
    assert main(["init", "--plan", "plan.csv"]) == 0
    assert "plan.csv, plan_effects.csv written" in capsys.readouterr().out
    assert project.is_file()


def test_init_never_writes_over_a_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = project.read_bytes()
    assert main(["init", "--out", str(project)]) == 4
    assert "exists. Mend: name another file with --out" in capsys.readouterr().err
    assert project.read_bytes() == before


def test_init_in_no_folder_is_an_output_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--out", "nowhere/screen.toml"]) == 4
    assert "cannot write nowhere" in capsys.readouterr().err


def test_demo_runs_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--json", "--quiet"]) == 0
    streams = capsys.readouterr()
    assert streams.err == ""
    answer = json.loads(streams.out)
    assert answer["rows"]["used"] > 1000
    assert "refused" not in answer["rows"]
    assert names_in(tmp_path) == {"northhaven-results"}


def test_schema_is_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["additionalProperties"] is False
    assert {"neighbourhoods", "actions", "groups"} <= set(schema["properties"])


def test_help_names_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for word in ("init", "check", "run", "demo", "map", "report", "schema", "3 bad input", "130/143 signals"):
        assert word in out


# ---------------------------------------------------------------- signals


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(
    ("number", "code", "when"), [(signal.SIGTERM, 143, "map.html"), (signal.SIGINT, 130, "overlay and distribution")]
)
def test_a_signal_ends_the_run_cleanly(tmp_path: Path, number: signal.Signals, code: int, when: str) -> None:
    project = write_project(tmp_path)
    results = tmp_path / "results"
    results.mkdir()
    old = {"run.json": b'{"outputs": {"scores.csv": ""}}', "scores.csv": b"of an older run"}
    for name, data in old.items():
        (results / name).write_bytes(data)
    before = names_in(tmp_path)
    command = [sys.executable, "-m", "equity_screen", "run", str(project), "--out", str(results)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert any(when in line for line in process.stderr), "the run ended before the step"
        process.send_signal(number)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in rest
    assert names_in(tmp_path) == before, CLEAN_UP
    assert {path.name: path.read_bytes() for path in results.iterdir()} == old


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_run_does_not_keep_the_next_one_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project, results = write_project(tmp_path), tmp_path / "results"
    command = [sys.executable, "-m", "equity_screen", "run", str(project), "--out", str(results)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert any("scores.csv" in line for line in process.stderr)
        process.kill()
        process.wait(timeout=60)
    assert not results.exists(), "nothing half-written shows under the folder's name"
    assert (tmp_path / ".results.lock").is_file()
    started = time.monotonic()
    assert main(["run", str(project), "--out", str(results), "--quiet"]) == 0
    assert time.monotonic() - started < 60
    capsys.readouterr()
    assert names_in(tmp_path) == {"zones.geojson", "actions.csv", "screen.toml", "results"}


def test_python_dash_m_is_the_same_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "equity_screen", "check", "nowhere.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("equity-screen: 1 fault in the input:")


def test_check_finds_a_rule_that_picks_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What check lets pass, run can do."""
    project = write_project(tmp_path)
    with project.open("a", encoding="utf-8") as stream:
        stream.write('\n[priority]\ncolumn = "population"\nat_least = 1e9\n')
    assert main(["check", str(project), "--quiet"]) == 3
    assert "picks no neighbourhood where people live" in capsys.readouterr().err

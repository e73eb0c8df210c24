"""Outputs whole or not at all, the same bytes each time, and a record that tells the truth about them."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj
import pytest
import rasterio
import shapely

from equity_screen import publish as publishing
from equity_screen.errors import LockedError, OutputError
from equity_screen.project import read_project
from equity_screen.result import Result
from equity_screen.screen import screen, screen_project
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import plan_of, write_project

publish_module = sys.modules["equity_screen.publish"]
publish, publish_page, WRITERS = publishing, publish_module.publish_page, publish_module.WRITERS
# Tables that a question must ask for: without, they have no file.
ON_REQUEST = {
    f"{name}.csv"
    for name in ("compared", "grades", "measures", "net", "net_by_group", "reliability", "stability", "weighted")
} | {"zonings.csv", "zoning_range.csv"}
NAMES = {*WRITERS, "run.json"} - ON_REQUEST


@pytest.fixture(scope="module")
def result() -> Result:
    return screen(four_zones(), four_actions())


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def replace_writer(monkeypatch: pytest.MonkeyPatch, name: str, writer: Callable[[object, Path], None]) -> None:
    monkeypatch.setattr(publish_module, "WRITERS", MappingProxyType({**WRITERS, name: writer}))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only two small writers: what is tested is the folder, not what is in it."""
    small = {name: WRITERS[name] for name in ("scores.csv", "by_group.csv")}
    monkeypatch.setattr(publish_module, "WRITERS", MappingProxyType(small))


# ---------------------------------------------------------------- the folder


def test_one_folder_holds_every_output_and_nothing_else_is_left(result: Result, tmp_path: Path) -> None:
    steps: list[str] = []
    folder = publish(result, tmp_path / "new" / "results", progress=steps.append)
    assert {path.name for path in folder.iterdir()} == NAMES
    assert steps == list(WRITERS)
    assert [path.name for path in folder.parent.iterdir()] == ["results"]


@pytest.mark.usefixtures("quick")
def test_an_older_folder_is_replaced_whole(result: Result, tmp_path: Path) -> None:
    folder = publish(result, tmp_path / "results")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    record["outputs"]["gone.csv"] = "of an older version"
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "gone.csv").write_text("of an older version", encoding="utf-8")
    publish(screen(four_zones(), plan_of({"X": "zones:A"})), folder)
    assert {path.name for path in folder.iterdir()} == {"scores.csv", "by_group.csv", "run.json"}
    assert pd.read_csv(folder / "scores.csv")["action"].tolist() == ["X"]
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@pytest.mark.usefixtures("quick")
def test_a_file_of_the_users_own_is_never_removed(result: Result, tmp_path: Path) -> None:
    folder = publish(result, tmp_path / "results")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"holds files that are not ours \(notes\.txt\)"):
        publish(result, folder)
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.usefixtures("quick")
def test_a_run_killed_between_the_two_renames_has_lost_nothing(result: Result, tmp_path: Path) -> None:
    folder = publish(result, tmp_path / "results")
    folder.rename(tmp_path / ".results.equity-screen-old")
    publish(result, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), ValueError("a bug"), KeyboardInterrupt()])
def test_a_writer_that_fails_half_way_leaves_the_old_outputs_to_the_byte(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    folder = publish(result, tmp_path / "results")
    before = bytes_in(folder)

    def fail(_: object, path: Path) -> None:
        path.write_bytes(b"half of a page")
        raise fault

    replace_writer(monkeypatch, "map.html", fail)
    expected = OutputError if isinstance(fault, OSError) else type(fault)
    with pytest.raises(expected, match=r"No space left|a bug|^$"):
        publish(screen(four_zones(), plan_of({"X": "zones:A"})), folder)
    assert bytes_in(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["results"], "staging or a lock is left"


def test_a_failed_first_run_leaves_no_folder(result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object, path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    replace_writer(monkeypatch, "scores.csv", fail)
    with pytest.raises(OutputError, match=r"cannot write .*No space left on device.*Mend: check the disk"):
        publish(result, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [OSError("the disk went away"), SystemExit(143)])
def test_the_old_outputs_come_back_when_the_switch_fails(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    folder = publish(result, tmp_path / "results")
    before, rename = bytes_in(folder), Path.rename

    def fail_on_stage(self: Path, target: Path) -> Path:
        if self.name.endswith("-partial"):
            raise fault
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_on_stage)
    with pytest.raises((OutputError, SystemExit), match=r"the disk went away|143"):
        publish(result, folder)
    assert bytes_in(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@pytest.mark.usefixtures("quick")
def test_what_a_killed_run_left_is_cleared_away(result: Result, tmp_path: Path) -> None:
    for name in (".results.equity-screen-partial", ".results.equity-screen-old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scores.csv").write_text("half", encoding="utf-8")
    folder = publish(result, tmp_path / "results")
    publish(result, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


# ---------------------------------------------------------------- foreign folders


def test_a_folder_with_files_of_others_is_left_alone(result: Result, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(OutputError, match=r"holds files that are not ours \(thesis\.docx\). Mend: name another"):
        publish(result, tmp_path)
    assert bytes_in(tmp_path) == {"thesis.docx": b"years of work"}
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}.*"))


def test_a_file_in_the_place_of_the_folder_is_left_alone(result: Result, tmp_path: Path) -> None:
    place = tmp_path / "results"
    place.write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError, match=r"results is a file. Mend: name another folder with --out"):
        publish(result, place)
    assert place.read_text(encoding="utf-8") == "a file"


@pytest.mark.usefixtures("quick")
def test_an_empty_folder_is_used(result: Result, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    assert (publish(result, tmp_path / "results") / "run.json").is_file()


def test_a_folder_below_a_file_cannot_be_made(result: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match=r"cannot write .*Mend: check the disk and the folder's rights"):
        publish(result, tmp_path / "file" / "results")


# ---------------------------------------------------------------- the lock


def test_a_folder_that_another_run_writes_is_locked(result: Result, tmp_path: Path) -> None:
    lock = tmp_path / ".results.lock"
    lock.write_text(str(os.getppid()), encoding="ascii")
    with pytest.raises(LockedError, match=r"results is being written by another run. Mend: wait for it") as caught:
        publish(result, tmp_path / "results")
    assert caught.value.exit_code == 5
    assert lock.read_text(encoding="ascii") == str(os.getppid()), "the other run's lock is its own"


@pytest.mark.parametrize("text", ["", "not a number", "-1"])
def test_a_lock_in_doubt_is_a_lock(result: Result, tmp_path: Path, text: str) -> None:
    (tmp_path / ".results.lock").write_text(text, encoding="ascii")
    with pytest.raises(LockedError, match="being written by another run"):
        publish(result, tmp_path / "results")


@pytest.mark.usefixtures("quick")
@pytest.mark.skipif(os.name == "nt", reason="a process cannot be asked for without ending it")
def test_the_lock_of_a_run_that_died_is_taken_over(result: Result, tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / ".results.lock").write_bytes(dead.stdout.strip())
    publish(result, tmp_path / "results")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@pytest.mark.usefixtures("quick")
def test_two_folders_side_by_side_do_not_lock_each_other(result: Result, tmp_path: Path) -> None:
    (tmp_path / ".one.lock").write_text(str(os.getppid()), encoding="ascii")
    assert publish(result, tmp_path / "two").is_dir()


# ---------------------------------------------------------------- the same bytes


@pytest.fixture(scope="module")
def northhaven(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs of the city that ships, made in this process."""
    file = read_project(root / "data" / "northhaven" / "northhaven.toml")
    folder = tmp_path_factory.mktemp("here") / "results"
    return publish(screen_project(file), folder, project=file.project)


def test_another_process_time_place_and_number_of_threads_give_the_same_bytes(northhaven: Path, tmp_path: Path) -> None:
    other = {
        "PYTHONHASHSEED": "4242",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "GDAL_NUM_THREADS": "1",
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "SOURCE_DATE_EPOCH": "0",
    }
    command = [sys.executable, "-m", "equity_screen", "demo", "--out", "elsewhere", "--quiet"]
    subprocess.run(command, cwd=tmp_path, env=os.environ | other, check=True, capture_output=True)
    here, there = bytes_in(northhaven), bytes_in(tmp_path / "elsewhere")
    assert set(here) == NAMES | ON_REQUEST
    assert [name for name in here if here[name] != there[name]] == []


# ---------------------------------------------------------------- the record


@pytest.fixture(scope="module")
def record(northhaven: Path) -> dict[str, object]:
    return json.loads((northhaven / "run.json").read_text(encoding="utf-8"))


def test_the_record_has_the_true_hash_of_every_output(northhaven: Path, record: dict[str, dict[str, str]]) -> None:
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in bytes_in(northhaven).items()}
    del hashes["run.json"]
    assert record["outputs"] == hashes


def test_the_record_has_the_true_hash_and_size_of_every_input(root: Path, record: dict[str, list[dict]]) -> None:
    folder = root / "data" / "northhaven"
    named = {file["file"]: file for file in record["inputs"]}
    # The last census's zones are there to look at: their crosswalk is all that a run needs of them.
    unread = {"northhaven.toml", "README.md", "census_2021_zones.gpkg"}
    assert set(named) == {path.name for path in folder.iterdir()} - unread
    for name, file in named.items():
        data = (folder / name).read_bytes()
        assert (file["sha256"], file["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data)), name


def test_the_record_has_the_versions_of_libraries_and_of_what_is_inside_them(
    record: dict[str, dict[str, str]],
) -> None:
    versions = record["versions"]
    inside = {
        "GDAL (rasterio)": rasterio.__gdal_version__,
        "GDAL (pyogrio)": ".".join(map(str, pyogrio.__gdal_version__)),
        "GEOS": ".".join(map(str, shapely.geos_version)),
        "PROJ": pyproj.proj_version_str,
        "Python": platform.python_version(),
        "geopandas": gpd.__version__,
        "pandas": pd.__version__,
        "equity-screen": "0.1.0",
    }
    assert {name: versions.get(name) for name in inside} == inside


def test_the_record_has_every_parameter_and_no_place_of_this_machine(
    northhaven: Path, record: dict[str, dict], root: Path
) -> None:
    parameters = record["parameters"]
    assert parameters["priority"]["policy"]["share"] == 0.4
    assert parameters["epsilons"] == [0.5, 1.0, 2.0], "defaults are parameters too"
    assert parameters["neighbourhoods"]["file"] == "neighbourhoods.gpkg"
    assert record["seeds"] == {"siting": 2030, "stability": 2030, "uncertainty": 2030}
    text = (northhaven / "run.json").read_text(encoding="utf-8")
    assert not [place for place in (root, Path.home(), northhaven) if str(place) in text]


@pytest.mark.usefixtures("quick")
def test_without_a_project_the_question_is_recorded(result: Result, tmp_path: Path) -> None:
    record = json.loads((publish(result, tmp_path / "r") / "run.json").read_text(encoding="utf-8"))
    assert record["parameters"]["groups"]["low_income"]["label"] == "low income"


# ---------------------------------------------------------------- what is in the files


def test_tables_come_back_as_they_were(result: Result, tmp_path: Path) -> None:
    folder = publish(result, tmp_path / "r")
    scores = pd.read_csv(folder / "scores.csv", index_col="action")
    assert scores["benefit_people_reached"].tolist() == pytest.approx(
        result.scores["benefit_people_reached"].tolist(), nan_ok=True, rel=0
    )
    assert len(pd.read_csv(folder / "by_group.csv")) == len(result.by_group)
    layer, table = gpd.read_file(folder / "neighbourhoods.gpkg"), gpd.read_parquet(folder / "neighbourhoods.parquet")
    for read in (layer, table):
        assert read["neighbourhood"].tolist() == list("ABCD")
        assert read["population"].tolist() == [100, 200, 300, 400]
        assert read.crs == "EPSG:25832"
    assert gpd.read_file(folder / "reach.gpkg")["action"].tolist() == ["EAST", "EAST", "WEST"]


def test_missing_is_blank_and_never_zero(result: Result, tmp_path: Path) -> None:
    with (publish(result, tmp_path / "r") / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["action"]: row for row in csv.DictReader(stream)}
    assert rows["LOST"]["cost"] == ""
    assert rows["LOST"]["benefit_people_reached"] == ""
    assert rows["WEST"]["burden_total"] == ""
    assert rows["WEST"]["burden_assessed"] == "not assessed"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_starts_a_formula_is_text_in_a_spreadsheet(tmp_path: Path, start: str) -> None:
    formula = f'{start}HYPERLINK("http://example.invalid")'
    plan = plan_of({"X": "zones:A"})
    plan = plan._replace(
        actions=plan.actions.assign(name=formula, sector=formula), effects=plan.effects.assign(effect=formula)
    )
    folder = publish(screen(four_zones().rename(index={"A": f"{start}A"}), plan), tmp_path / "r")
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        live = [cell for cell in cells if cell.startswith(start) and not _is_number(cell)]
        assert not live, path.name
    scores = pd.read_csv(folder / "scores.csv")
    assert scores.loc[0, "name"] == f"'{formula}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


# ---------------------------------------------------------------- one page


def test_a_page_is_whole_or_as_it_was(result: Result, tmp_path: Path) -> None:
    page = tmp_path / "map.html"
    page.write_text("the old page", encoding="utf-8")

    def fail(_: object, path: Path) -> None:
        path.write_text("half a page", encoding="utf-8")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"cannot write .*map.html: .*No space left on device"):
        publish_page(result, page, write=fail)
    assert bytes_in(tmp_path) == {"map.html": b"the old page"}
    publish_page(result, page, write=lambda _, path: path.write_text("new", encoding="utf-8") and None)
    assert bytes_in(tmp_path) == {"map.html": b"new"}


def test_a_project_publishes_from_any_folder(tmp_path: Path) -> None:
    file = read_project(write_project(tmp_path))
    folder = publish(screen_project(file), tmp_path / "out", project=file.project)
    names = {row["file"] for row in json.loads((folder / "run.json").read_text(encoding="utf-8"))["inputs"]}
    assert names == {"zones.geojson", "actions.csv"}

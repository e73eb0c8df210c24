"""The spreadsheet of a plan: what is filled in comes back, nothing in it is a formula, equal plans are equal bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile

import geopandas as gpd
import openpyxl
import pytest

from equity_screen.effects import CHOICES, EFFECT_NUMBERS, EFFECT_TEXTS
from equity_screen.errors import InputError, OutputError, UsageError
from equity_screen.files import read_table
from equity_screen.inputs import gather
from equity_screen.plan_sheet import Place, places_of, plan_columns, propose_plan, write_plan
from equity_screen.project import ProjectFile, parse_project
from equity_screen.proposals import propose_project
from equity_screen.screen import screen_project
from equity_screen.sources import ActionsFile
from equity_screen.survey import CityFiles, Piece, read_city
from tests.cities import PEOPLE, UTM, box, table, write, zones

HALVES = gpd.GeoDataFrame(
    {"nr": ["V", "Ø"], "navn": ["=Vest", "Øst"]}, geometry=[box(0, 0, 1, 3), box(1, 0, 3, 3)], crs=UTM
)
PLACES = (Place("zones:001", "neighbourhoods", "001", "=1+1"), Place("zones:@x", "neighbourhoods", "@x", "-2"))


def sheet_of(path, name):
    book = openpyxl.load_workbook(path)
    return [[cell.value for cell in row] for row in book[name].iter_rows()]


def fill(path, **rows):
    """Fill in rows below the headings, as a person would."""
    book = openpyxl.load_workbook(path)
    for name, filled in rows.items():
        heads = [cell.value for cell in book[name][1]]
        for i, row in enumerate(filled):
            for key, value in row.items():
                book[name].cell(i + 2, heads.index(key) + 1, value)
    book.save(path)


class TestColumns:
    def test_the_effects_are_those_that_are_read(self):
        assert set(plan_columns()["effects"]) == {*EFFECT_TEXTS, *EFFECT_NUMBERS}

    def test_the_actions_are_those_that_can_be_declared(self):
        assert set(plan_columns()["actions"]) <= set(ActionsFile.model_fields)

    @pytest.mark.parametrize("column", CHOICES)
    def test_lists_that_bind_are_the_words_that_are_read(self, column):
        about = plan_columns()["effects"][column]
        assert about["only"]
        assert set(about["choices"]) == set(CHOICES[column]) - {""}

    def test_every_column_is_explained(self):
        for columns in plan_columns().values():
            assert all(
                about["note"].endswith(".") and about["kind"] in {"text", "number", "year"}
                for about in columns.values()
            )


class TestWorkbook:
    @pytest.fixture
    def path(self, tmp_path):
        write_plan(tmp_path / "plan.xlsx", places=PLACES)
        return tmp_path / "plan.xlsx"

    def test_sheets_and_headings(self, path):
        assert openpyxl.load_workbook(path).sheetnames == ["actions", "effects", "places", "notes"]
        assert sheet_of(path, "actions") == [list(plan_columns()["actions"])]
        assert sheet_of(path, "effects") == [list(plan_columns()["effects"])]

    def test_notes_explain_every_column_and_its_legal_words(self, path):
        notes = {row[0]: row for row in sheet_of(path, "notes")}
        assert {*plan_columns()["actions"], *plan_columns()["effects"]} <= set(notes)
        assert notes["ledger"][2] == "benefit, burden"
        assert notes["sector"][2].endswith("or other words")
        assert notes["cost"][2] == "a number of 0 or more"

    def test_places_list_what_where_may_say(self, path):
        rows = sheet_of(path, "places")
        assert [row[0] for row in rows] == ["where", "citywide", "unknown", "zones:001", "zones:@x"]
        assert rows[3][1:] == ["neighbourhoods", "001", "=1+1"]

    def test_no_cell_is_a_formula_or_a_link(self, path):
        with zipfile.ZipFile(path) as archive:
            sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
            assert not any(b"<f>" in sheet or b"hyperlink" in sheet for sheet in sheets)

    def test_lists_to_choose_from(self, path):
        checks = {
            name: {str(v.sqref): v for v in openpyxl.load_workbook(path)[name].data_validations.dataValidation}
            for name in ("actions", "effects")
        }
        where = checks["actions"]["D2:D2001"]
        assert (where.formula1, bool(where.showErrorMessage)) == ("places!$A$2:$A$5", False)
        ledger = checks["effects"]["B2:B2001"]
        assert (ledger.formula1, bool(ledger.showErrorMessage)) == ('"benefit,burden"', True)
        cost = checks["actions"]["H2:H2001"]
        assert (cost.type, cost.operator, cost.formula1) == ("decimal", "greaterThanOrEqual", "0")

    def test_equal_plans_are_equal_bytes(self, tmp_path):
        digests = set()
        for name in ("a.xlsx", "b.xlsx"):
            write_plan(tmp_path / name, places=PLACES)
            digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
        assert len(digests) == 1

    def test_nothing_in_it_tells_when_it_was_made(self, path):
        with zipfile.ZipFile(path) as archive:
            assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        made = openpyxl.load_workbook(path).properties
        assert {made.created.year, made.modified.year} == {2030}

    def test_without_places_there_is_no_such_sheet(self, tmp_path):
        write_plan(tmp_path / "plan.xlsx")
        assert openpyxl.load_workbook(tmp_path / "plan.xlsx").sheetnames == ["actions", "effects", "notes"]

    @pytest.mark.parametrize("layer", [None, "effects"])
    def test_an_empty_plan_has_no_rows(self, path, layer):
        with pytest.raises(InputError, match="no rows"):
            read_table(path, layer=layer)


class TestCsv:
    def test_a_file_for_each_sheet(self, tmp_path):
        written = write_plan(tmp_path / "plan.csv", places=PLACES)
        assert [path.name for path in written] == ["plan.csv", "plan_effects.csv", "plan_places.csv"]
        assert (tmp_path / "plan.csv").read_text(encoding="utf-8-sig") == ",".join(plan_columns()["actions"]) + "\n"

    def test_names_are_text_in_a_spreadsheet_too(self, tmp_path):
        write_plan(tmp_path / "plan.csv", places=PLACES)
        text = (tmp_path / "plan_places.csv").read_text(encoding="utf-8-sig")
        assert [row[3] for row in csv.reader(io.StringIO(text))] == ["name", "'=1+1", "'-2"]


class TestFaults:
    @pytest.mark.parametrize(
        ("name", "old"), [("plan.xlsx", "plan.xlsx"), ("plan.csv", "plan.csv"), ("plan.csv", "plan_effects.csv")]
    )
    def test_nothing_is_written_over(self, tmp_path, name, old):
        (tmp_path / old).write_text("mine", encoding="utf-8")
        with pytest.raises(OutputError, match=rf"{old} exists"):
            write_plan(tmp_path / name)
        assert [(p.name, p.read_text(encoding="utf-8")) for p in tmp_path.iterdir()] == [(old, "mine")]

    @pytest.mark.parametrize("name", ["plan.ods", "plan", "plan.toml"])
    def test_other_kinds(self, tmp_path, name):
        with pytest.raises(UsageError, match=rf"{name}: a plan is written as"):
            write_plan(tmp_path / name)

    def test_no_folder(self, tmp_path):
        with pytest.raises(OutputError, match="cannot write"):
            write_plan(tmp_path / "nowhere" / "plan.xlsx")


class TestPlaces:
    def test_of_neighbourhoods_and_larger_areas(self, tmp_path):
        files = write(tmp_path, z=zones(navn=[f"Kvarter {i}" for i in range(9)]).iloc[::-1], bydele=HALVES)
        places = places_of(read_city(files, folder=tmp_path))
        assert places[0] == Place("zones:001", "neighbourhoods", "001", "Kvarter 0")
        assert places[9:] == (Place("bydele:V", "Bydele", "V", "=Vest"), Place("bydele:Ø", "Bydele", "Ø", "Øst"))

    def test_ids_are_written_as_a_run_reads_them(self, tmp_path):
        people = table({"kode": zones()["kode"], "pop": PEOPLE})
        layer = zones().assign(kode=[int(i) for i in zones()["kode"]])
        city = read_city(write(tmp_path, z=layer, people=people), folder=tmp_path)
        assert places_of(city)[0].where == "zones:001"

    def test_of_nothing(self):
        assert places_of(CityFiles()) == ()
        assert places_of(CityFiles(zones=Piece("z.gpkg", table({"a": ["x", "x"]})))) == ()


def test_a_plan_that_is_filled_in_goes_through(tmp_path):
    """Areas by their ids, a benefit and a burden; every figure can be had in the head."""
    files = write(tmp_path, z=zones(pop=PEOPLE), bydele=HALVES)
    propose_plan(tmp_path / "plan.xlsx", files, folder=tmp_path)
    fill(
        tmp_path / "plan.xlsx",
        actions=[
            {
                "id": "T1",
                "name": "Træer",
                "where": "zones:001;011",
                "status": "proposed",
                "cost": 1200.5,
                "start": 2027,
            },
            {"id": "T2", "name": "Zone", "where": "bydele:V", "status": "dropped", "cost": 300, "tco2e": 40},
            {"id": "T3", "name": "Varme", "where": "citywide", "status": "done", "tco2e": 60, "tco2e_low": 50},
        ],
        effects=[
            {"action": "T1", "ledger": "benefit", "effect": "shade", "amount": 0.5, "unit": "°C", "grade": "assumed"},
            {"action": "T3", "ledger": "burden", "effect": "works", "amount": 2, "unit": "weeks", "reach": "citywide"},
        ],
    )
    text = propose_project([*files, "plan.xlsx"], folder=tmp_path)
    project = parse_project(text)
    assert project.effects_file == "plan.xlsx"
    assert project.actions[0].active == ("proposed", "adopted", "under way", "done")
    file = ProjectFile(tmp_path / "screen.toml", project)
    inputs = gather(file)
    assert [f.code for f in inputs.refused] == []
    assert set(inputs.status["input"]) == {
        "z.gpkg",
        "bydele.gpkg",
        "plan.xlsx, sheet actions",
        "plan.xlsx, sheet effects",
    }
    actions = inputs.plan.actions
    assert (actions["cost"].sum(), actions["tco2e"].sum(), actions["active"].tolist()) == (
        1500.5,
        100,
        [True, False, True],
    )
    result = screen_project(file)
    reached = result.scores.set_index("action") if "action" in result.scores else result.scores
    assert reached.loc["T1", "benefit_people_reached"] == PEOPLE[0] + PEOPLE[1]
    assert reached.loc["T3", "burden_people_reached"] == sum(PEOPLE)
    assert json.dumps(result.sentences["summary"])

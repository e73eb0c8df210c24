"""Spreadsheets as tables: text stays text, nothing is lost in silence, and what is no workbook is refused by name."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from equity_screen import spreadsheets
from equity_screen.errors import InputError
from equity_screen.files import read_table
from equity_screen.spreadsheets import read_sheet, sheet_names


def book(path: Path, *sheets: tuple[str, dict[str, object]], **formats: str) -> Path:
    """Write sheets of cells by their addresses; a format is given by the cell's address."""
    with xlsxwriter.Workbook(path) as made:
        for name, cells in sheets:
            sheet = made.add_worksheet(name)
            for cell, value in cells.items():
                style = made.add_format({"num_format": formats[cell]}) if cell in formats else None
                sheet.write(cell, value, style)
    return path


def faults_of(path: Path, layer: str | None = None):
    with pytest.raises(InputError, match="in the input") as caught:
        read_sheet(path, layer)
    return caught.value.findings


def changed(path: Path, part: str, *swaps: tuple[bytes, bytes]) -> Path:
    """Write the workbook again with some bytes of one part replaced."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    for before, after in swaps:
        assert before in parts[part]
        parts[part] = parts[part].replace(before, after)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return path


SHEET1 = "xl/worksheets/sheet1.xml"


class TestCells:
    @pytest.mark.parametrize(
        ("value", "form", "text"),
        [
            ("007", "General", "007"),
            (7.0, "General", "7"),
            (6001, "00000", "6001"),
            (1234567.5, "#,##0.00", "1234567.5"),
            (0.35, "0 %", "0.35"),
            (-0.1, "General", "-0.1"),
            (0.1 + 0.2, "General", "0.3"),
            (True, "General", "TRUE"),
            (dt.date(2030, 1, 31), "yyyy-mm-dd", "2030-01-31"),
            (dt.datetime(2030, 1, 31, 6, 30), "yyyy-mm-dd hh:mm", "2030-01-31 06:30:00"),  # noqa: DTZ001 - cells know no zone
            (dt.time(6, 30), "hh:mm", "06:30:00"),
            (" Ærø ", "General", " Ærø "),
            (12345678901234567890, "General", "1.2345678901234567e+19"),
        ],
    )
    def test_every_cell_is_text(self, tmp_path, value, form, text):
        table, _ = read_sheet(book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": value}), A2=form))
        assert table.loc[0, "id"] == text or float(table.loc[0, "id"]) == pytest.approx(float(text), rel=1e-15)

    def test_a_long_id_that_lost_its_digits_is_refused_as_one(self, tmp_path):
        table, _ = read_sheet(book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": 12345678901234567890})))
        assert re.match(r"^\d(\.\d+)?e\+\d+$", table.loc[0, "id"])

    def test_the_first_row_that_is_not_blank_names_the_columns(self, tmp_path):
        path = book(tmp_path / "p.xlsx", ("s", {"B3": " id ", "C3": "cost", "B4": "A", "C4": 1, "B7": "B"}))
        table, origin = read_sheet(path)
        assert table.to_dict("list") == {"id": ["A", "B"], "cost": ["1", ""]}
        assert [origin.row(0), origin.row(1), origin.file] == ["row 4", "row 7", "p.xlsx"]

    def test_rows_that_only_look_filled_are_none(self, tmp_path):
        path = book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": "A", "A3": "  ", "D9": None}), D9="0.0")
        assert read_sheet(path)[0]["id"].tolist() == ["A"]

    def test_formulas_count_by_the_value_last_computed(self, tmp_path):
        with xlsxwriter.Workbook(tmp_path / "p.xlsx") as made:
            sheet = made.add_worksheet()
            sheet.write("A1", "cost")
            sheet.write_formula("A2", "=3*4", None, 12)
        assert read_sheet(tmp_path / "p.xlsx")[0]["cost"].tolist() == ["12"]

    def test_a_merged_cell_stands_where_it_begins(self, tmp_path):
        with xlsxwriter.Workbook(tmp_path / "p.xlsx") as made:
            sheet = made.add_worksheet()
            sheet.write_row("A1", ["sector", "id"])
            sheet.merge_range("A2:A3", "energy")
            sheet.write_column("B2", ["A", "B"])
        assert read_sheet(tmp_path / "p.xlsx")[0].to_numpy().tolist() == [["energy", "A"], ["", "B"]]

    def test_the_size_that_a_sheet_states_of_itself_is_not_believed(self, tmp_path):
        path = book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": "A", "B1": "cost", "B2": 7}))
        changed(path, SHEET1, (b'ref="A1:B2"', b'ref="A1"'))
        assert read_sheet(path)[0].to_numpy().tolist() == [["A", "7"]]


class TestSheets:
    TWO = (("actions", {"A1": "id", "A2": "A"}), ("effects", {"A1": "action", "A2": "A"}))

    def test_the_first_unless_one_is_named(self, tmp_path):
        path = book(tmp_path / "p.xlsx", *self.TWO)
        assert (list(read_sheet(path)[0]), list(read_sheet(path, "effects")[0])) == (["id"], ["action"])
        assert read_table(path, layer="effects")[1].file == "p.xlsx, sheet effects"

    def test_rows_of_two_sheets_are_told_apart(self, tmp_path):
        path = book(tmp_path / "p.xlsx", *self.TWO)
        assert read_sheet(path)[1].file != read_sheet(path, "effects")[1].file

    def test_a_hidden_sheet_is_not_the_first_but_can_be_named(self, tmp_path):
        with xlsxwriter.Workbook(tmp_path / "p.xlsx") as made:
            hidden, shown = made.add_worksheet("old"), made.add_worksheet("new")
            hidden.write_column("A1", ["id", "OLD"])
            shown.write_column("A1", ["id", "NEW"])
            shown.activate()
            hidden.hide()
        path = tmp_path / "p.xlsx"
        assert sheet_names(path) == ["new"]
        assert [read_sheet(path, layer)[0]["id"][0] for layer in (None, "old")] == ["NEW", "OLD"]

    def test_no_such_sheet(self, tmp_path):
        (fault,) = faults_of(book(tmp_path / "p.xlsx", *self.TWO), "efects")
        assert (fault.code, fault.reason) == ("ES-FILE-LAYERS", "the file has 2 layers: actions, effects")

    @pytest.mark.parametrize("cells", [{}, {"A1": "id", "B1": "cost"}])
    def test_a_sheet_without_rows(self, tmp_path, cells):
        with pytest.raises(InputError, match=r"p\.xlsx: no rows"):
            read_table(book(tmp_path / "p.xlsx", ("s", cells)))


class TestFaults:
    @pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?"])
    def test_an_error_is_refused_by_its_cell(self, tmp_path, error):
        with xlsxwriter.Workbook(tmp_path / "p.xlsx") as made:
            sheet = made.add_worksheet()
            sheet.write_row("A1", ["id", "cost"])
            sheet.write_row("A2", ["A", 1])
            sheet.write_string("A4", "B")
            sheet.write_formula("B4", "=Z1", None, error)
        (fault,) = faults_of(tmp_path / "p.xlsx")
        assert (fault.code, fault.row, fault.column, fault.value) == ("ES-XLSX-ERROR", "row 4", "B", error)

    def test_a_formula_that_was_never_computed_is_not_taken_for_blank(self, tmp_path):
        with xlsxwriter.Workbook(tmp_path / "p.xlsx") as made:
            sheet = made.add_worksheet()
            sheet.write_row("A1", ["id", "cost"])
            sheet.write_string("A2", "A")
            sheet.write_formula("B2", "=SUM(C1:C9)")
        changed(tmp_path / "p.xlsx", SHEET1, (b"<v>0</v>", b""))
        (fault,) = faults_of(tmp_path / "p.xlsx")
        assert (fault.code, fault.row, fault.column) == ("ES-XLSX-FORMULA", "row 2", "B")
        assert fault.value == "=SUM(C1:C9)"

    @pytest.mark.parametrize("cell", ["C2", "D5"])
    def test_a_value_under_no_heading_is_named(self, tmp_path, cell):
        cells = {"A1": "id", "B1": "cost", "A2": "A", cell: "a note"}
        (fault,) = faults_of(book(tmp_path / "p.xlsx", ("s", cells)))
        place = ("ES-XLSX-HEADING", f"row {cell[1]}", cell[0], "a note")
        assert (fault.code, fault.row, fault.column, fault.value) == place

    def test_a_value_between_the_headings_is_named(self, tmp_path):
        cells = {"A1": "id", "C1": "cost", "A2": "A", "B3": "7", "C2": 1}
        (fault,) = faults_of(book(tmp_path / "p.xlsx", ("s", cells)))
        assert (fault.code, fault.row, fault.column) == ("ES-XLSX-HEADING", "row 3", "B")

    def test_a_blank_column_between_the_others_is_none(self, tmp_path):
        table, _ = read_sheet(book(tmp_path / "p.xlsx", ("s", {"A1": "id", "C1": "cost", "A2": "A", "C2": 1})))
        assert table.to_dict("list") == {"id": ["A"], "cost": ["1"]}

    def test_a_column_named_twice(self, tmp_path):
        (fault,) = faults_of(book(tmp_path / "p.xlsx", ("s", {"A1": "id", "B1": " id", "A2": "A"})))
        assert (fault.code, fault.column) == ("ES-COLUMN-DUPLICATE", "id")

    def test_an_encrypted_or_old_workbook(self, tmp_path):
        (tmp_path / "p.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))
        (fault,) = faults_of(tmp_path / "p.xlsx")
        assert (fault.code, fault.source) == ("ES-XLSX-ENCRYPTED", "p.xlsx")

    def test_a_bomb_is_not_unpacked(self, tmp_path, monkeypatch):
        path = book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": "A"}))
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet9.xml", bytes(3 * 2**20))
        monkeypatch.setattr(spreadsheets, "LARGEST", 2 * 2**20)
        (fault,) = faults_of(path)
        assert (fault.code, fault.reason[:20]) == ("ES-XLSX-SIZE", "3 MB once unpacked, ")

    def test_cells_far_away_do_not_fill_the_memory(self, tmp_path):
        path = book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": "A", "B3": "x"}))
        changed(path, SHEET1, (b'r="B3"', b'r="XFD1048576"'), (b'<row r="3"', b'<row r="1048576"'))
        (fault,) = faults_of(path)
        assert fault.code == "ES-XLSX-CELLS"

    def test_a_row_number_beyond_all_sheets_ends(self, tmp_path):
        path = book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": "A"}))
        changed(path, SHEET1, (b'r="A2"', b'r="A99999999999"'), (b'<row r="2"', b'<row r="99999999999"'))
        (fault,) = faults_of(path)
        assert fault.code == "ES-XLSX-CELLS"

    @pytest.mark.parametrize("content", [b"", b"id,cost\nA,1\n", b"PK\x03\x04torn", b"\x00\xff\xfe"])
    def test_what_is_no_workbook(self, tmp_path, content):
        (tmp_path / "p.xlsx").write_bytes(content)
        (fault,) = faults_of(tmp_path / "p.xlsx")
        assert fault.code == "ES-FILE-UNREADABLE"
        assert str(tmp_path) not in str(fault)

    def test_another_archive(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "p.xlsx", "w") as archive:
            archive.writestr("mimetype", "application/epub+zip")
        assert faults_of(tmp_path / "p.xlsx")[0].code == "ES-FILE-UNREADABLE"

    def test_a_torn_workbook_is_refused_wherever_it_is_torn(self, tmp_path):
        whole = book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": "A", "B1": "cost", "B2": 7.5})).read_bytes()
        for cut in range(0, len(whole), 97):
            (tmp_path / "torn.xlsx").write_bytes(whole[:cut])
            assert faults_of(tmp_path / "torn.xlsx")[0].code == "ES-FILE-UNREADABLE"

    @pytest.mark.parametrize("part", ["xl/workbook.xml", SHEET1, "xl/sharedStrings.xml", "xl/styles.xml"])
    def test_a_part_that_is_garbage(self, tmp_path, part):
        path = book(tmp_path / "p.xlsx", ("s", {"A1": "id", "A2": "A"}))
        with zipfile.ZipFile(path) as old:
            parts = {name: old.read(name) for name in old.namelist()} | {part: b"<torn"}
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as new:
            for name, content in parts.items():
                new.writestr(name, content)
        path.write_bytes(stream.getvalue())
        assert faults_of(path)[0].code == "ES-FILE-UNREADABLE"

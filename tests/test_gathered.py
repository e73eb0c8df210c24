"""What has been read of a project so far: every fault is kept, every file recorded once."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest

from equity_screen.errors import Finding, InputError, finding
from equity_screen.gathered import Gathered
from equity_screen.schema import Checked, Origin, row_status


def found(code="ES-X", *, status="flagged", **place):
    return Finding(status, code, "a.csv", "odd", "look", **place)


def checked(*findings):
    ids = pd.Series(["A", "B"])
    status = row_status(Origin("a.csv", "row"), ids, findings=findings)
    return Checked(pd.DataFrame({"x": [1, 2]}, index=list("AB")), findings, status)


class TestSteps:
    def test_a_fault_ends_its_step_and_no_other(self, tmp_path):
        gathered = Gathered(tmp_path)
        done = []
        for name in ("first.csv", "second.csv"):
            with gathered.step():
                gathered.table(name)
                done.append(name)
        assert [(f.code, f.source) for f in gathered.findings] == [
            ("ES-FILE-MISSING", "first.csv"),
            ("ES-FILE-MISSING", "second.csv"),
        ]
        assert gathered.fatal
        assert done == []

    def test_what_is_no_fault_of_the_input_is_raised(self, tmp_path):
        gathered = Gathered(tmp_path)
        with pytest.raises(ZeroDivisionError, match="division"), gathered.step():
            _ = 1 / 0
        assert not gathered.fatal

    def test_all_faults_of_a_step_are_kept(self, tmp_path):
        gathered = Gathered(tmp_path)
        with gathered.step():
            raise InputError([finding("ES-ID-MISSING", "a.csv"), finding("ES-CRS-MISSING", "a.csv")])
        assert [f.code for f in gathered.findings] == ["ES-ID-MISSING", "ES-CRS-MISSING"]


class TestFiles:
    def test_are_recorded_once_with_hash_bytes_and_rows(self, tmp_path):
        (tmp_path / "a.csv").write_bytes(b"id,x\nA,1\nB,2\n")
        gathered = Gathered(tmp_path)
        for _ in range(2):
            table, origin = gathered.table("a.csv")
        assert (table["id"].tolist(), origin.file) == (["A", "B"], "a.csv")
        expected = hashlib.sha256(b"id,x\nA,1\nB,2\n").hexdigest()
        assert gathered.files == [{"file": "a.csv", "sha256": expected, "bytes": 13, "rows": 2}]

    def test_rows_of_several_sheets_are_added(self, tmp_path):
        with pd.ExcelWriter(tmp_path / "plan.xlsx") as book:
            pd.DataFrame({"id": ["A", "B"]}).to_excel(book, sheet_name="actions", index=False)
            pd.DataFrame({"action": ["A", "A", "B"]}).to_excel(book, sheet_name="effects", index=False)
        gathered = Gathered(tmp_path)
        for sheet in ("actions", "effects", "actions"):
            gathered.table("plan.xlsx", sheet)
        assert [file["rows"] for file in gathered.files] == [5]

    def test_one_that_is_not_there_is_not_recorded(self, tmp_path):
        gathered = Gathered(tmp_path)
        gathered.path("a.csv")
        assert gathered.files == []

    @pytest.mark.parametrize("name", ["https://example.org/a.csv", "/vsizip/a.zip/a.csv"])
    def test_addresses_are_refused(self, tmp_path, name):
        with pytest.raises(InputError, match="ES-PATH"):
            Gathered(tmp_path).table(name)


class TestKept:
    def test_a_refused_row_does_not_end_the_run_a_refused_file_does(self, tmp_path):
        gathered = Gathered(tmp_path)
        gathered.keep(checked(found(status="refused", row="row 2")))
        assert not gathered.fatal
        gathered.keep(checked(found(status="flagged")))
        assert not gathered.fatal
        gathered.keep(checked(found(status="refused")))
        assert gathered.fatal

    def test_fates_of_rows_then_notes_of_files(self, tmp_path):
        gathered = Gathered(tmp_path)
        table = gathered.keep(checked(found("ES-ROW", row="row 3"), found("ES-FILE")))
        assert table["x"].tolist() == [1, 2]
        assert gathered.fates()[["row", "id", "status", "codes"]].to_numpy().tolist() == [
            ["row 2", "A", "used", ""],
            ["row 3", "B", "flagged", "ES-ROW"],
            ["", "", "flagged", "ES-FILE"],
        ]

    def test_a_finding_of_an_id_is_added_to_its_row(self, tmp_path):
        gathered = Gathered(tmp_path)
        gathered.keep(checked())
        gathered.findings.append(found("ES-ID", id="B", status="repaired"))
        assert gathered.fates()[["status", "codes"]].to_numpy().tolist() == [["used", ""], ["repaired", "ES-ID"]]

    def test_nothing_read_has_no_fates_but_their_columns(self, tmp_path):
        fates = Gathered(tmp_path).fates()
        assert len(fates) == 0
        assert {"input", "row", "status", "people"} <= {*fates}

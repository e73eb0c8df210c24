"""Checks of columns and rows: ids, numbers, counts, fates, paths."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from equity_screen.errors import Finding, InputError, finding
from equity_screen.schema import (
    SENTINELS,
    Origin,
    check_counts,
    clean_ids,
    column_text,
    file_notes,
    note_by_id,
    read_numbers,
    refused_rows,
    repeat,
    require_columns,
    row_status,
    safe_path,
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value not in SENTINELS)
CSV = Origin("people.csv", "row")
LAYER = Origin("zones.gpkg", "feature")


def ids_of(values, *, origin=CSV, **series):
    ids, findings = clean_ids(pd.Series(values, name="GEOID", **series), origin)
    return ids.tolist(), [(f.status, f.code, f.row, f.value) for f in findings]


def numbers_of(values, *, missing=(), **series):
    raw = pd.Series(values, name="pop", **series)
    ids = pd.Series([f"Z{i}" for i in range(len(raw))])
    numbers, findings = read_numbers(raw, CSV, ids=ids, missing=missing)
    assert numbers.dtype == np.float64
    return numbers.tolist(), findings


def codes(findings):
    return [(f.code, f.row, f.value) for f in findings]


class TestPlaces:
    def test_the_header_is_line_1_of_a_table(self):
        assert [CSV.row(0), CSV.row(41)] == ["row 2", "row 43"]

    def test_features_count_from_1(self):
        assert LAYER.row(0) == "feature 1"

    def test_data_rows_are_numbered_from_1_whatever_they_are_called(self):
        assert [CSV.number(0), LAYER.number(0), CSV.number(41)] == [1, 1, 42]

    def test_lines_that_do_not_follow_one_another(self):
        some = Origin("people.csv", "row", lines=(5, 9))
        assert (some.row(1), some.number(1)) == ("row 9", 8)
        features = Origin("zones.gpkg", "feature", lines=(5, 9))
        assert (features.row(1), features.number(1)) == ("feature 9", 9)


class TestNotes:
    FLAG = Finding("flagged", "ES-X", "a.csv", "odd", "look", column="c", value="7")

    def test_what_is_of_a_whole_file_stands_in_no_row(self):
        noted = file_notes([self.FLAG])
        assert noted[["input", "row", "id", "status", "codes", "reasons", "mends"]].to_numpy().tolist() == [
            ["a.csv", "", "", "flagged", "ES-X", "c 7: odd", "look"]
        ]
        assert noted[["people", "cost", "tco2e"]].isna().all(axis=None)

    @pytest.mark.parametrize("change", [{"row": "row 2"}, {"id": "A"}, {"status": "refused"}], ids=str)
    def test_what_is_of_a_row_or_stops_the_run_is_no_note(self, change):
        assert file_notes([replace(self.FLAG, **change)]).empty

    def test_none_have_the_columns_of_fates(self):
        assert list(file_notes([])) == list(row_status(CSV, pd.Series(["A"])))


class TestColumns:
    def test_every_missing_column_is_named_with_its_nearest(self):
        with pytest.raises(InputError, match="2 faults") as caught:
            require_columns(pd.DataFrame({"GEOID": [1], "pop": [1]}), ["GEOID", "popp", "x", None, "x"], origin=CSV)
        first, second = caught.value.findings
        assert (first.source, first.column, first.mend) == ("people.csv", "popp", "did you mean 'pop'?")
        assert (second.column, second.mend) == ("x", "one of: GEOID, pop")

    def test_declared_columns_that_are_there(self):
        assert require_columns(pd.DataFrame({"a": [1]}), ["a", None], origin=CSV) is None


class TestIds:
    def test_leading_zeros_are_kept(self):
        assert ids_of(["06001", "6001"]) == (["06001", "6001"], [])

    @pytest.mark.parametrize("word", ["NA", "nan", "None", "null", "1e5", "2E3"])
    def test_words_that_look_like_something_else_are_ids(self, word):
        assert ids_of([word]) == ([word], [])

    def test_blanks_and_decomposed_letters_are_repaired(self):
        decomposed = unicodedata.normalize("NFD", "Åby")
        assert ids_of([" A\t", decomposed]) == (
            ["A", "Åby"],
            [("repaired", "ES-ID-TEXT", "row 2", " A\t"), ("repaired", "ES-ID-TEXT", "row 3", decomposed)],
        )

    @pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, "", "   "], ids=repr)
    def test_no_id(self, nothing):
        ids, found = ids_of(["A", nothing], dtype=object)
        assert ids == ["A", ""]
        assert [f[:3] for f in found if f[0] == "refused"] == [("refused", "ES-ID-MISSING", "row 3")]

    @pytest.mark.parametrize("ruined", ["6.075E+09", "1E+10", "6.1e+09"])
    def test_ids_that_a_spreadsheet_ruined_are_refused_once_each(self, ruined):
        _, found = ids_of([ruined, ruined])
        assert found == [("refused", "ES-ID-SCIENTIFIC", row, ruined) for row in ("row 2", "row 3")]

    def test_whole_numbers_lose_their_point_and_no_digit(self):
        assert ids_of([6075000100.0, np.nan])[0] == ["6075000100", ""]
        assert ids_of([12345678901234567890], dtype=object)[0] == ["12345678901234567890"]
        assert ids_of([1.5])[0] == ["1.5"]

    def test_each_row_of_a_double_id_is_refused_and_names_them_all(self):
        _, findings = clean_ids(pd.Series(["A", "B", "A ", "B", "C"], name="id"), LAYER)
        double = [f for f in findings if f.code == "ES-ID-DUPLICATE"]
        assert [(f.id, f.row) for f in double] == [
            ("A", "feature 1"),
            ("A", "feature 3"),
            ("B", "feature 2"),
            ("B", "feature 4"),
        ]
        assert double[0].reason == "the id stands in 2 rows (feature 1, feature 3)"
        assert (double[0].source, double[0].column, double[0].value) == ("zones.gpkg", "id", "A")

    def test_many_rows_of_one_id_are_cut_in_the_message(self):
        _, findings = clean_ids(pd.Series(["A"] * 7, name="id"), CSV)
        assert len(findings) == 7
        assert findings[0].reason.endswith("7 rows (row 2, row 3, row 4, row 5, row 6, …)")

    def test_ids_that_differ_by_case_are_two(self):
        assert ids_of(["a1", "A1"]) == (["a1", "A1"], [])

    @given(st.lists(st.text(max_size=8), min_size=1, max_size=6))
    def test_cleaning_again_changes_nothing(self, raw):
        ids, _ = clean_ids(pd.Series(raw, name="id", dtype=object), CSV)
        again, findings = clean_ids(ids.rename("id"), CSV)
        assert again.tolist() == ids.tolist()
        assert not any(f.code == "ES-ID-TEXT" for f in findings)


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "number"),
        [("12", 12.0), (" 7 ", 7.0), ("-0.5", -0.5), ("+5", 5.0), ("1e3", 1000.0), (".5", 0.5), ("0", 0.0)],
    )
    def test_plain_numbers(self, text, number):
        assert numbers_of([text]) == ([number], [])

    @pytest.mark.parametrize("blank", ["", "  ", None, np.nan, pd.NA, "nan", "NaN"], ids=repr)
    def test_blank_is_missing_and_never_0(self, blank):
        numbers, findings = numbers_of([blank, "1"], dtype=object)
        assert np.isnan(numbers[0])
        assert findings == []

    @pytest.mark.parametrize(
        ("text", "number"),
        [("1,234,567", 1234567.0), ("-1,234,567.5", -1234567.5), ("1,234.5", 1234.5), ("12,345,678", 12345678.0)],
    )
    def test_thousands_separators_that_can_be_nothing_else_are_repaired(self, text, number):
        numbers, findings = numbers_of([text])
        assert numbers == [number]
        assert [(f.status, *codes([f])[0]) for f in findings] == [("repaired", "ES-NUMBER-THOUSANDS", "row 2", text)]

    @pytest.mark.parametrize("text", ["1,234", "1.234,5", "12,34,567", "1,23", "1 234", "1'234"])
    def test_a_separator_that_could_be_a_decimal_point_is_refused(self, text):
        numbers, findings = numbers_of([text])
        assert np.isnan(numbers[0])
        assert codes(findings) == [("ES-NUMBER-TEXT", "row 2", text)]

    @pytest.mark.parametrize(
        "word",
        ["ten", "12%", "$54,000", "<10", "*", "-", "1.2M", "0x10", "1_000", "NA", "N/A", "#REF!", "True", "FALSE"],
    )
    def test_words_are_refused_with_their_place(self, word):
        numbers, (found,) = numbers_of(["1", word])
        assert np.isnan(numbers[1])
        assert (found.source, found.row, found.id, found.column, found.value) == (
            *("people.csv", "row 3", "Z1", "pop"),
            word,
        )
        assert (found.status, found.mend) == ("refused", "write a plain number, or leave it blank")

    @pytest.mark.parametrize(
        "series",
        [
            pd.Series([True, False]),
            pd.Series([True, None], dtype=object),
            pd.Series([True, None], dtype="boolean"),
            pd.Series([np.True_, 1.0], dtype=object),
        ],
        ids=["bool", "object", "boolean", "numpy"],
    )
    def test_true_is_no_number(self, series):
        numbers, findings = numbers_of(series.array, dtype=series.dtype)
        assert np.isnan(numbers[0])
        assert codes(findings)[0] == ("ES-NUMBER-TEXT", "row 2", "True")

    @pytest.mark.parametrize("thing", [pd.Timestamp("2020-01-01"), [1], {"a": 1}, b"1"], ids=repr)
    def test_things_that_are_neither_text_nor_number(self, thing):
        _, findings = numbers_of([thing], dtype=object)
        assert codes(findings) == [("ES-NUMBER-TEXT", "row 2", str(thing))]

    @pytest.mark.parametrize("text", ["inf", "-Infinity", "1e400"])
    def test_infinity_is_refused(self, text):
        numbers, findings = numbers_of([text])
        assert np.isnan(numbers[0])
        assert codes(findings) == [("ES-NUMBER-INFINITE", "row 2", text)]

    def test_infinity_as_a_number(self):
        assert [f.code for f in numbers_of([np.inf, 1.0])[1]] == ["ES-NUMBER-INFINITE"]

    def test_declared_codes_are_missing(self):
        numbers, findings = numbers_of(["-999", "-999.0", "-666666666", "-99"], missing=(-999, -666666666))
        assert numbers[3] == -99
        assert np.isnan(numbers[:3]).all()
        assert findings == []

    @pytest.mark.parametrize(
        "series",
        [pd.Series([3, 4]), pd.Series([3, None], dtype="Int64"), pd.Series([3.0, np.nan], dtype="float32")],
        ids=["int64", "Int64", "float32"],
    )
    def test_number_columns(self, series):
        numbers, findings = numbers_of(series.array, dtype=series.dtype)
        assert numbers[0] == 3.0
        assert findings == []

    @pytest.mark.parametrize("code", ["-999", "-9999", "-666666666"])
    def test_a_code_for_missing_values_is_refused_unless_declared(self, code):
        numbers, findings = numbers_of([code, "5"])
        assert np.isnan(numbers[0])
        assert [(f.code, f.value) for f in findings] == [("ES-NUMBER-SENTINEL", code)]
        column = pd.Series([code], name="x")
        declared, nothing = read_numbers(column, Origin(), ids=pd.Series(["A"]), missing=[float(code)])
        assert declared.isna().all()
        assert nothing == []

    @given(
        st.lists(
            st.floats(allow_nan=False, allow_infinity=False).filter(lambda v: v not in SENTINELS),
            min_size=1,
            max_size=5,
        )
    )
    def test_every_number_comes_through_its_text(self, values):
        assert numbers_of([repr(v) for v in values])[0] == values


class TestCounts:
    IDS = pd.Series(["A", "B"])

    def test_half_a_person_too_many_is_rounding(self):
        counts, total = pd.Series([10.5, 10.6], name="n"), pd.Series([10.0, 10.0])
        found = check_counts(counts, CSV, ids=self.IDS, total=total)
        assert codes(found) == [("ES-GROUP-OVER-TOTAL", "row 3", "10.6")]

    def test_below_zero(self):
        (found,) = check_counts(pd.Series([0.0, -2500.0], name="n"), CSV, ids=self.IDS)
        assert (found.code, found.row, found.id, found.column, found.value) == (
            *("ES-COUNT-NEGATIVE", "row 3", "B"),
            *("n", "-2500.0"),
        )

    def test_missing_is_no_fault_here(self):
        nothing = pd.Series([np.nan, np.nan], name="n")
        assert check_counts(nothing, CSV, ids=self.IDS, total=pd.Series([1.0, np.nan])) == []


class TestText:
    def test_blank_takes_the_fallback(self):
        frame = pd.DataFrame({"t": [" a ", "", None, np.nan, 3]}, dtype=object)
        assert column_text(frame, "t", fallback=pd.Series(list("vwxyz"))).tolist() == ["a", "w", "x", "y", "3"]

    def test_no_column_is_the_fallback(self):
        fallback = pd.Series(["v"])
        assert column_text(pd.DataFrame({"t": ["a"]}), None, fallback=fallback) is fallback


class TestFates:
    IDS = pd.Series(["A", "B", "C", "D"])

    @staticmethod
    def odd(status, row, code="ES-X", **places):
        return Finding(status, code, "people.csv", f"{status} why", f"{status} mend", row=row, **places)

    def test_the_gravest_finding_is_the_fate(self):
        found = [self.odd("repaired", "row 3"), self.odd("flagged", "row 3", "ES-Y"), self.odd("refused", "row 4")]
        status = row_status(CSV, self.IDS, findings=found)
        assert status["status"].tolist() == ["used", "repaired", "refused", "used"]
        assert status["codes"].tolist() == ["", "ES-X; ES-Y", "ES-X", ""]
        assert refused_rows(status).tolist() == [False, False, True, False]

    def test_each_row_stands_in_it_once_with_what_it_brings(self):
        status = row_status(CSV, self.IDS, amounts={"cost": pd.Series([1.0, np.nan, 0.0, -2.0])})
        assert status["row"].tolist() == ["row 2", "row 3", "row 4", "row 5"]
        assert status["cost"].tolist()[2:] == [0.0, -2.0]
        assert status[["people", "tco2e"]].isna().all(axis=None)

    def test_reasons_name_column_and_value(self):
        found = [self.odd("flagged", "row 2", column="cost", value="0")]
        assert row_status(CSV, self.IDS, findings=found)["reasons"][0] == "cost 0: flagged why"

    def test_findings_of_the_whole_file_are_no_fate_of_a_row(self):
        assert set(row_status(CSV, self.IDS, findings=[self.odd("refused", "")])["status"]) == {"used"}

    def test_a_finding_without_a_row_is_noted_by_id(self):
        status = row_status(CSV, self.IDS, findings=[self.odd("refused", "row 3")])
        noted = note_by_id(status, [self.odd("flagged", "", "ES-Z", id=i) for i in "AB"])
        assert noted["status"].tolist() == ["flagged", "refused", "used", "used"]
        assert noted["codes"].tolist() == ["ES-Z", "ES-X; ES-Z", "", ""]
        assert status["codes"].tolist() == ["", "ES-X", "", ""]

    def test_repeat_fills_in_the_place(self):
        template = finding("ES-COST-ZERO", column="cost")
        (found,) = repeat(
            template, [False, True, False, False], origin=LAYER, ids=self.IDS, values=pd.Series([1, 0, 2, 3])
        )
        assert (found.source, found.row, found.id, found.value) == ("zones.gpkg", "feature 2", "B", "0")
        assert (found.column, found.code) == ("cost", "ES-COST-ZERO")


class TestPaths:
    FOLDER = PurePosixPath("city")

    @pytest.mark.parametrize("name", ["zones.gpkg", "data/zones.gpkg", "../zones.gpkg", "a b/ø.csv"])
    def test_plain_paths(self, name):
        assert safe_path(self.FOLDER, name).as_posix() == f"city/{name}"

    @pytest.mark.parametrize(
        "name",
        ["https://example.org/a.gpkg", "/vsicurl/a", "/VSIZIP/a.zip", "x/vsimem/a", "ftp://host/a.csv", "a\0.csv"],
    )
    def test_addresses_and_virtual_files(self, name):
        with pytest.raises(InputError, match="only plain paths") as caught:
            safe_path(self.FOLDER, name)
        assert [(f.code, f.source) for f in caught.value.findings] == [("ES-PATH", name)]


class TestPoints:
    """A point among whole numbers: thousands or a fraction, which no one can tell."""

    def read(self, *cells):
        column = pd.Series(list(cells), name="people")
        numbers, findings = read_numbers(column, Origin("t.csv", "row"), ids=pd.Series(list("ABCDEF")[: len(cells)]))
        return numbers.tolist(), [(f.code, f.row, f.value) for f in findings]

    def test_among_whole_numbers_it_is_refused_by_its_cell(self):
        numbers, findings = self.read("980", "1.340", "")
        assert numbers[0] == 980.0
        assert np.isnan(numbers[1:]).all()
        assert findings == [("ES-NUMBER-POINT", "row 3", "1.340")]

    def test_among_decimals_it_is_a_decimal(self):
        assert self.read("980.5", "1.340", "7") == ([980.5, 1.34, 7.0], [])

    def test_where_all_have_three_decimals_they_are_decimals(self):
        assert self.read("8.953", "1.340") == ([8.953, 1.34], [])

    def test_thousands_never_begin_with_a_nought(self):
        assert self.read("3", "0.125") == ([3.0, 0.125], [])


def test_a_note_on_a_whole_file_is_no_row_of_it():
    noted = file_notes([finding("ES-COLUMN-OURS", "t.csv", column="priority")])
    assert noted[["input", "row", "status"]].to_numpy().tolist() == [["t.csv", "", "flagged"]]

"""A table joined to the neighbourhoods: no id is left over on either side, faults are told in their own file."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from equity_screen.errors import InputError, finding
from equity_screen.joins import in_table, join_columns
from equity_screen.schema import Origin

LAYER, TABLE = Origin("zones.gpkg", "feature"), Origin("people.csv", "row")


def join(left, right, *, digits=None, unmatched="refuse", **columns):
    people = pd.DataFrame({"code": right, "pop": [str(i) for i in range(len(right))], **columns})
    shapes = [shapely.box(i, 0, i + 1, 1) for i in range(len(left))]
    frame = gpd.GeoDataFrame({"id": left, "old": 0}, geometry=shapes, crs=25832)
    return join_columns(frame, people, on=("id", "code"), origins=(LAYER, TABLE), digits=digits, unmatched=unmatched)


def test_rows_find_each_other_by_id():
    assert join(["A", "B", "C"], ["C", "A", "B"]).frame["pop"].tolist() == ["1", "2", "0"]


def test_blanks_and_composition_do_not_part_them():
    assert join(["A", "\u00c5by"], ["A\u030aby", " A "]).frame["pop"].tolist() == ["1", "0"]


def test_every_id_on_one_side_only_is_named_on_its_side():
    with pytest.raises(InputError, match="3 faults") as caught:
        join(["06001", "B", "C"], ["6001", "B", "C", "Total"])
    assert [(f.source, f.row, f.id, f.code) for f in caught.value.findings] == [
        ("people.csv", "row 2", "6001", "ES-JOIN-UNMATCHED"),
        ("people.csv", "row 5", "Total", "ES-JOIN-UNMATCHED"),
        ("zones.gpkg", "feature 1", "06001", "ES-JOIN-UNMATCHED"),
    ]
    assert "no such id in zones.gpkg (2 of 4 ids do not match)" in str(caught.value)


def test_an_id_twice_in_the_table():
    with pytest.raises(InputError, match="the id stands in 2 rows"):
        join(["A", "B"], ["A", "B", "A"])


def test_no_id_in_the_table():
    with pytest.raises(InputError, match=r"people\.csv, row 3, column code: no id"):
        join(["A"], ["A", ""])


def test_no_such_column():
    frame = gpd.GeoDataFrame({"id": ["A"]}, geometry=[shapely.Point(0, 0)])
    with pytest.raises(InputError, match="column cod: no such column"):
        join_columns(frame, pd.DataFrame({"code": ["A"]}), on=("id", "cod"), origins=(LAYER, TABLE))


def test_a_fault_is_told_in_the_file_that_its_column_came_from():
    joined = join(["A", "B"], ["B", "A"])
    faults = [finding("ES-NUMBER-TEXT", "zones.gpkg", row="feature 1", id="A", column=c) for c in ("pop", "old")]
    told = in_table(faults, joined, origin=TABLE)
    assert [(f.source, f.row) for f in told] == [("people.csv", "row 3"), ("zones.gpkg", "feature 1")]


class TestLostZeros:
    def test_are_put_back_where_the_length_is_stated(self):
        joined = join(["06001", "48113"], ["48113", "6001"], digits=5)
        assert joined.frame["pop"].tolist() == ["1", "0"]
        assert [(f.status, f.code, f.source, f.row, f.value, f.id) for f in joined.findings] == [
            ("repaired", "ES-ID-TEXT", "people.csv", "row 3", "6001", "06001")
        ]

    def test_also_in_the_layer_and_behind_a_decimal_point(self):
        assert join([6001.0, 48113.0], ["06001", "48113.0"], digits=5).frame["pop"].tolist() == ["0", "1"]

    @pytest.mark.parametrize("word", ["A1", "6-01", "\u0663"])
    def test_words_get_no_zeros(self, word):
        assert join([word], [word], digits=5).ids.tolist() == [word]

    def test_are_proposed_where_they_would_help(self):
        with pytest.raises(InputError, match="2 faults") as caught:
            join(["06001", "48113"], ["6001", "48113"])
        assert {f.mend for f in caught.value.findings} == {"leading zeros look lost: id_digits = 5 puts them back"}

    def test_are_not_proposed_where_they_would_not(self):
        with pytest.raises(InputError, match="2 faults") as caught:
            join(["06001"], ["48113"])
        assert not any("id_digits" in f.mend for f in caught.value.findings)

    def test_two_ids_that_become_one_are_refused(self):
        with pytest.raises(InputError, match="the id stands in 2 rows"):
            join(["06001"], ["6001", "06001"], digits=5)


class TestExcluded:
    def test_ids_on_one_side_are_left_out_and_named_on_theirs(self):
        joined = join(["A", "B", "C"], ["D", "C", "A"], unmatched="exclude")
        assert [(f.status, f.code, f.source, f.row, f.id) for f in joined.findings] == [
            ("flagged", "ES-JOIN-EXCLUDED", "people.csv", "row 2", "D")
        ]
        assert [(f.status, f.code, f.source, f.row, f.id) for f in joined.findings_of_frame] == [
            ("flagged", "ES-JOIN-EXCLUDED", "zones.gpkg", "feature 2", "B")
        ]
        frame, origin = joined.matched(LAYER)
        assert frame["pop"].tolist() == ["2", "1"]
        assert frame.index.tolist() == [0, 1]
        assert [origin.row(i) for i in (0, 1)] == ["feature 1", "feature 3"]

    def test_double_and_missing_ids_are_refused_all_the_same(self):
        with pytest.raises(InputError, match="3 faults"):
            join(["A"], ["A", "A", ""], unmatched="exclude")

    def test_nothing_in_common_leaves_nothing(self):
        frame, _ = join(["A"], ["B"], unmatched="exclude").matched(LAYER)
        assert frame.empty

    def test_everything_in_common_leaves_everything(self):
        joined = join(["A", "B"], ["B", "A"], unmatched="exclude")
        assert (joined.findings, joined.findings_of_frame, joined.kept.tolist()) == ([], (), [0, 1])

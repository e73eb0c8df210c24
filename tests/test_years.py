"""Years of actions: from a year, a date or a text, and from the first column that has one."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from equity_screen.schema import Origin
from equity_screen.years import first_year, year_of

NAN = float("nan")
CSV = Origin("sites.csv", "row")


def year(cell):
    return year_of(pd.Series([cell], dtype="object")).iloc[0]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (1994, 1994),
        (1994.0, 1994),
        ("1994", 1994),
        (" 2021-05-01 ", 2021),
        ("31.12.1999", 1999),
        ("2020_Ordinær", 2020),
        ("Fund_2021", 2021),
        ("2026/27", 2026),
        ("2020-2030", 2020),
        ("2021-05-01T00:00:00+02:00", 2021),
        (dt.date(2019, 1, 31), 2019),
        (dt.datetime(2019, 1, 31, tzinfo=dt.UTC), 2019),
        (pd.Timestamp("2018-06-01"), 2018),
    ],
)
def test_a_year_is_found(cell, expected):
    assert year(cell) == expected


@pytest.mark.parametrize(
    "cell", ["", "soon", None, NAN, pd.NaT, pd.NA, "99", "1499", "2200", "12021", "20210501", True]
)
def test_what_holds_no_year_has_none(cell):
    assert np.isnan(year(cell))


def test_a_column_of_moments():
    moments = pd.Series(pd.to_datetime(["2020-12-31 23:30", None, "1987-01-01 00:00"])).dt.tz_localize("UTC")
    assert year_of(moments).tolist() == pytest.approx([2020, NAN, 1987], nan_ok=True)
    assert year_of(moments.dt.tz_convert("Europe/Copenhagen")).iloc[0] == 2021


def test_a_column_of_numbers_keeps_its_index():
    column = pd.Series([2030.0, NAN], index=[5, 9])
    assert year_of(column).to_dict() == pytest.approx({5: 2030, 9: NAN}, nan_ok=True)


@given(st.integers(1500, 2199), st.sampled_from(["{}", "{}-01-01", "1.1.{}", "a{}b", "{}_x", "(ca. {})"]))
def test_a_year_is_found_wherever_it_stands(number, text):
    assert year(text.format(number)) == number


class TestFirst:
    def first(self, *columns, **cells):
        frame = pd.DataFrame(cells)
        ids = pd.Series([f"S{i + 1}" for i in range(len(frame))])
        years, findings = first_year(frame, columns, origin=CSV, ids=ids)
        return years.tolist(), [(f.status, f.code, f.row, f.id, f.column, f.value) for f in findings]

    def test_the_first_column_that_has_one(self):
        years, findings = self.first("a", "b", a=["1990", "", "2000"], b=["1990-05-01", "1995", ""])
        assert years == [1990, 1995, 2000]
        assert findings == [("flagged", "ES-YEAR-OTHER", "row 3", "S2", "b", "1995")]

    def test_columns_that_disagree_are_told_and_the_first_holds(self):
        years, findings = self.first("a", "b", a=["1990"], b=["1991"])
        assert years == [1990]
        assert findings == [("flagged", "ES-YEAR-DIFFERS", "row 2", "S1", "b", "1991")]

    def test_none_at_all(self):
        years, findings = self.first("a", "b", a=["soon"], b=[None])
        assert np.isnan(years).all()
        assert findings == [("flagged", "ES-YEAR-NONE", "row 2", "S1", "a", "")]

    def test_of_three_columns(self):
        years, findings = self.first("a", "b", "c", a=["", ""], b=["", "2001"], c=["1999", "2001"])
        assert years == [1999, 2001]
        assert [(code, i) for _, code, _, i, _, _ in findings] == [("ES-YEAR-OTHER", "S2"), ("ES-YEAR-OTHER", "S1")]

    def test_no_column_asked_for_finds_nothing(self):
        years, findings = self.first(a=["1990"])
        assert np.isnan(years).all()
        assert findings == []

"""Percentiles from a table of cut points: five rows, checked by eye."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from equity_screen.errors import UsageError
from equity_screen.lookup import percentile_from_table

TABLE = pd.DataFrame({"PCTILE": ["0", "25", "50", "75", "100", "mean"], "pm": [4, 6, 8, 8, 12, 7.7]})


def looked_up(values, table=TABLE, **options):
    return percentile_from_table(values, table, column="pm", **options).tolist()


@pytest.mark.parametrize(
    ("value", "percentile"),
    [(4, 0), (5.999, 0), (6, 25), (7.9, 25), (8, 50), (8.1, 75), (12, 100), (50, 100), (3, 0), (np.inf, 100)],
)
def test_a_value_gets_the_highest_cut_point_it_reaches_and_the_lowest_of_a_tie(value, percentile):
    assert looked_up([value]) == [percentile]


def test_plain_interval_search_gives_the_highest_of_a_tie():
    assert looked_up([6, 7.9, 8, 8.1], ties="highest") == [25, 25, 75, 75]


def test_missing_stays_missing():
    assert np.isnan(looked_up([np.nan, 6])).tolist() == [True, False]
    assert looked_up([]) == []


def test_ties_at_the_minimum_are_at_0():
    table = pd.DataFrame({"PCTILE": range(5), "pm": [2, 2, 2, 2, 9]})
    assert looked_up([2, 2.5, 9, 1], table) == [0, 3, 4, 0]


def test_below_a_table_that_starts_at_1_is_0():
    assert looked_up([1, 2], pd.DataFrame({"PCTILE": [1, 2], "pm": [2, 3]})) == [0, 1]


def test_the_order_of_the_rows_does_not_matter():
    values = [3, 4, 6, 8, 9, 12]
    assert looked_up(values, TABLE[::-1]) == looked_up(values)


def test_a_table_without_cut_points_says_nothing():
    assert np.isnan(looked_up([1, 2], TABLE.assign(pm=np.nan))).all()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (TABLE.drop(columns="pm"), "no column pm"),
        (TABLE.drop(columns="PCTILE"), "no column PCTILE"),
        (TABLE.replace("mean", "median"), "column PCTILE: 'median' is not a percentile"),
        (TABLE.replace("25", "250"), "column PCTILE: '250' is not a percentile from 0 to 100"),
        (TABLE.replace("25", None), "is not a percentile"),
        (TABLE.iloc[5:], "column PCTILE: no row is not a percentile"),
        (pd.concat([TABLE, TABLE]), "percentile 0 stands twice; pick the rows of one region"),
        (TABLE.assign(pm=[4, np.nan, 8, 8, 12, 7]), "column pm: no cut point at percentile 25"),
        (TABLE.assign(pm=[4, 3, 8, 8, 12, 7]), "column pm: the cut point of percentile 25 is below"),
    ],
)
def test_what_is_no_table_of_cut_points_is_refused(table, said):
    with pytest.raises(UsageError, match=said):
        looked_up([5.0], table)


def test_percentages_for_a_table_of_fractions_are_refused():
    fractions = TABLE.assign(pm=TABLE["pm"] / 12)
    with pytest.raises(UsageError, match="divide percentages by 100"):
        looked_up([np.nan, 40.0, 60.0, 0.5], fractions)
    assert looked_up([0.5, 0.9, 1.2], fractions) == [25, 75, 100]


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=12).map(sorted),
    st.lists(st.integers(-1, 8), max_size=12),
)
def test_both_rules_are_the_definition_read_aloud(cuts, values):
    table = pd.DataFrame({"PCTILE": range(len(cuts)), "pm": cuts})
    reached = [[k for k, cut in enumerate(cuts) if cut <= value] for value in values]
    equal = [[k for k, cut in enumerate(cuts) if cut == value] for value in values]
    highest = [max(k, default=0) for k in reached]
    lowest = [min(tied, default=high) for tied, high in zip(equal, highest, strict=True)]
    if cuts[-1] > 1 or not values or np.median(values) <= 1:
        assert looked_up(values, table) == lowest
        assert looked_up(values, table, ties="highest") == highest

"""Colours and their legends: classes that hold what they say, sectors, markers of a status."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen import themes
from equity_screen.recipe import Indicator
from equity_screen.themes import actions_theme, indicator_theme
from tests.results import small_result


class TestClasses:
    def test_five_values_make_five_classes(self):
        assert themes.quantile_limits(np.array([3.0, 1, 2, 5, 4])).tolist() == [1, 2, 3, 4, 5]

    def test_ties_make_fewer_classes_and_none_is_empty(self):
        values = np.array([0.0, 0, 0, 0, 7])
        limits = themes.quantile_limits(values)
        assert limits.tolist() == [0, 7]
        assert themes.classify(values, limits).tolist() == [0, 0, 0, 0, 1]

    def test_nothing_known_makes_no_class(self):
        limits = themes.quantile_limits(np.array([np.nan]))
        assert limits.size == 0
        assert themes.classify(np.array([np.nan]), limits).tolist() == [-1]

    def test_one_value_is_its_own_class(self):
        legend = themes.burden_theme(pd.DataFrame({"burden_score": [2.0, 2.0]})).legend
        assert [(words, count) for _, words, count in legend] == [("2.00", 2)]

    def test_counts_of_the_legend_are_the_neighbourhoods(self):
        theme = themes.burden_theme(small_result().neighbourhoods)
        assert [count for _, _, count in theme.legend] == [1, 1, 1]
        assert theme.classes == (2, 1, 0, -1)

    def test_reached_share_keeps_nobody_apart(self):
        theme = themes.reached_theme(small_result().neighbourhoods, "benefit")
        assert theme.classes == (4, 2, 0, -1)
        assert [words for _, words, _ in theme.legend][:2] == ["0\u00a0%", "over 0\u00a0% to 25\u00a0%"]


class TestSectors:
    def test_rare_sectors_are_drawn_together(self):
        names = pd.Series([f"s{i}" for i in range(8)] + ["s0"])
        sectors = themes.group_sectors(names)
        assert [sector.name for sector in sectors][-1] == "other sectors"
        assert sectors[0].members == (0, 8)
        assert sorted(m for sector in sectors for m in sector.members) == list(range(9))

    def test_missing_sector_is_said(self):
        assert themes.group_sectors(pd.Series([None], dtype=object))[0].name == "no sector stated"


class TestReached:
    @pytest.mark.parametrize("ledger", ["benefit", "burden"])
    def test_title_says_whose_the_numbers_are(self, ledger):
        theme = themes.reached_theme(small_result().neighbourhoods, ledger)
        assert theme.title == f"Share of people in reach of a {ledger} of active actions"
        assert theme.name == f"People in reach of a {ledger} (active actions)"

    def test_park_has_no_population(self):
        assert themes.reached_theme(small_result().neighbourhoods, "benefit").absent == "no population"


class TestMarkers:
    def test_each_status_has_its_marker(self):
        assert [themes.marker_of(active) for active in (np.True_, np.False_, None, np.nan)] == [0, 1, 2, 2]

    def test_legend_counts_each_status(self):
        active = pd.Series([False, True, None, False], dtype=object)
        assert themes.marker_legend(active) == [(0, "active", 1), (1, "not active", 2), (2, "status unknown", 1)]

    @pytest.mark.parametrize("active", [[True, True], []])
    def test_one_marker_needs_no_legend(self, active):
        assert themes.marker_legend(pd.Series(active, dtype=object)) == []

    def test_a_marker_that_tells_something_is_named_even_alone(self):
        assert themes.marker_legend(pd.Series([False], dtype=object)) == [(1, "not active", 1)]


class TestIndicator:
    TREES = Indicator(label="Trees", unit="%", higher_is="better", column="trees")

    def test_the_worst_fifth_is_darkest_where_less_is_worse(self):
        table = pd.DataFrame({"trees": [1.0, 2.0, 3.0, 4.0, 5.0, np.nan]})
        theme = indicator_theme(table, "trees", indicator=self.TREES)
        assert theme.classes == (0, 1, 2, 3, 4, -1)
        assert [colour for colour, _, _ in theme.legend] == ["#002859", "#434e6c", "#7d7c78", "#bcae6c", "#f9e03a"]
        assert "which is lower here" in theme.explained

    def test_the_highest_is_darkest_where_more_is_worse(self):
        heat = Indicator(label="Heat <b>", unit="°C", higher_is="worse", column="heat")
        theme = indicator_theme(pd.DataFrame({"heat": [30.0, 20.0]}), "heat", indicator=heat)
        assert theme.classes == (1, 0)
        assert theme.legend[-1][0] == "#002859"
        assert theme.title == "Heat &lt;b&gt; [°C]"

    def test_no_value_at_all(self):
        theme = indicator_theme(pd.DataFrame({"trees": [np.nan, np.nan]}), "trees", indicator=self.TREES)
        assert theme.legend == ()
        assert theme.classes == (-1, -1)


def test_actions_are_counted_where_they_mostly_lie():
    table = pd.DataFrame({"breakdown": ["all", "neighbourhood"], "class": ["", "B"], "actions": [9, 4]})
    theme = actions_theme(pd.DataFrame(index=["A", "B"]), table)
    assert theme.classes == (0, 1)
    assert [(words, number) for _, words, number in theme.legend] == [("0", 1), ("over 0 to 4", 1)]

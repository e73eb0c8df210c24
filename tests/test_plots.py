"""Dot plots: where a value stands, what lies beyond the axis, labels that fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen import plots


class TestScales:
    def test_shares_run_from_edge_to_edge(self):
        ends = [plots.SHARES.x(share) for share in (0, 0.5, 1)]
        assert ends == [330, 490, 650]

    def test_parity_of_one_is_in_the_middle(self):
        assert plots.PARITIES.x(1) == 490
        assert plots.PARITIES.x(2) - 490 == 490 - plots.PARITIES.x(0.5)

    @pytest.mark.parametrize(("parity", "x"), [(0.0, 330), (9.0, 650)])
    def test_beyond_the_axis_is_drawn_hollow_at_its_end(self, parity, x):
        dot = plots.dot_row("g", 0, ledger="benefit", values=(parity, np.nan, np.nan), scale=plots.PARITIES)
        assert (dot.x, dot.hollow, dot.low) == (x, True, None)

    def test_undefined_has_no_mark_and_says_so(self):
        dot = plots.dot_row("g", 0, ledger="burden", values=(np.nan,) * 3, scale=plots.SHARES)
        assert (dot.x, dot.text) == (None, "not defined")

    def test_bounds_stand_beside_the_value(self):
        dot = plots.dot_row("g", 0, ledger="benefit", values=(0.5, 0.25, 1.0), scale=plots.SHARES)
        assert (dot.low, dot.x, dot.high) == (410, 490, 650)
        assert dot.text == "50.0\u00a0% (25.0\u00a0% to 100.0\u00a0%)"

    @pytest.mark.parametrize("bounds", [(np.nan, np.nan), (0.5, 0.5)])
    def test_bounds_that_tell_nothing_are_left_out(self, bounds):
        dot = plots.dot_row("g", 0, ledger="benefit", values=(0.5, *bounds), scale=plots.SHARES)
        assert dot.text == "50.0\u00a0%"


class TestLayOut:
    def table(self, *labels):
        return pd.DataFrame({"heading": "Benefit", "label": labels, "ledger": "benefit", "v": 0.5})

    def lines(self, *labels):
        return plots.lay_out(self.table(*labels), fields=["v"] * 3, scale=plots.SHARES)

    def test_long_label_is_wrapped_and_the_next_line_makes_room(self):
        dots = self.lines("Everyone", "People with incomes below the poverty line in a rented flat", "Renters")
        assert dots[2].lines == ["People with incomes below the poverty line in", "a rented flat"]
        assert [dot.y for dot in dots] == [22, 44, 66, 104]

    def test_label_without_end_is_cut(self):
        lines = self.lines("word " * 60)[1].lines
        assert len(lines) == 3
        assert lines[-1].endswith(" …")
        assert max(map(len, lines)) <= 46

    def test_label_without_a_space_is_wrapped_too(self):
        assert [len(line) for line in self.lines("m" * 50)[1].lines] == [46, 4]

    def test_empty_label_takes_one_line(self):
        assert [dot.y for dot in self.lines("", "Renters")] == [22, 44, 66]

    def test_heading_with_nothing_under_it(self):
        dots = plots.with_heading(self.lines("Everyone"), "Burden: not assessed")
        assert [(dot.label, dot.y, dot.x) for dot in dots][1:] == [
            ("Everyone", 44, 490),
            ("Burden: not assessed", 66, None),
        ]

    def test_heading_alone_starts_at_the_top(self):
        assert [dot.y for dot in plots.with_heading((), "Burden: not assessed")] == [22]

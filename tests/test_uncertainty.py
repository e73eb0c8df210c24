"""How sure: margins beside the figures of each group, and what can be told of parity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.equity import by_group
from equity_screen.overlay import overlay
from equity_screen.people import people_of
from equity_screen.recipe import Uncertainty
from equity_screen.synthetic import four_actions, four_zones
from equity_screen.uncertainty import (
    ABOVE,
    BELOW,
    BY_BOUNDS,
    BY_MARGINS,
    FIGURES,
    IN_LINE,
    MARGIN_COLUMNS,
    parity_told,
    priority_share_margin,
    share_probability,
    with_margins,
    without_margins,
)

NAN = float("nan")


def found(**margins):
    city, plan = four_zones().assign(**margins), four_actions()
    laid, people = overlay(city, plan), people_of(city)
    table = by_group(laid, plan.effects, people=people, groups={})
    return with_margins(table, laid, hoods=city, people=people, asked=Uncertainty()).set_index("effect")


# ---------------------------------------------------------------- margins beside the figures


def test_the_margin_of_a_total_is_the_root_of_the_squares_of_what_each_neighbourhood_adds():
    # Shade: 0.5 for each person in A and C, where the margins are 6 and 8.
    shade = found(moe_low_income=[6.0, 3.0, 8.0, 4.0]).loc["shade"]
    assert shade["total_moe"] == pytest.approx(5.0, rel=1e-12)
    assert shade["people_moe"] == pytest.approx(np.sqrt(36 + 9 + 64 + 16), rel=1e-12)


def test_without_margins_nothing_is_said_of_them():
    shade = found().loc["shade"]
    assert shade[[f"{name}_moe" for name in FIGURES]].isna().all()
    assert (shade["reliability"], shade["by_draws"]) == ("", False)


def test_margins_of_nothing_make_every_figure_certain():
    table = found(moe_low_income=0.0, moe_population=0.0)
    known = table["total"].notna()
    assert (table.loc[known, "total_moe"] == 0).all()
    assert (table.loc[known, "people_cv"] == 0).all()


def test_what_is_undefined_has_no_margin():
    table = found(moe_low_income=6.0)
    for name in FIGURES:
        assert table.loc[table[name].isna(), f"{name}_moe"].isna().all(), name


def test_a_noisy_group_is_drawn():
    # 150 people with low incomes, 4 × 60 people of margin: a coefficient of variation of 0.49.
    table = found(moe_low_income=60.0)
    assert table["by_draws"].all()
    assert table.loc["shade", "total_moe"] > 0


def test_every_column_is_named():
    assert set(MARGIN_COLUMNS) <= set(found(moe_low_income=6.0).columns)
    assert set(MARGIN_COLUMNS) <= set(
        without_margins(pd.DataFrame({"parity": [], "parity_low": [], "parity_high": []}))
    )


# ---------------------------------------------------------------- what can be told


@pytest.mark.parametrize(
    ("parity", "low", "high", "margin", "told"),
    [
        (1.2, 1.1, 1.3, 0.1, ABOVE),
        (0.8, 0.7, 0.9, 0.1, BELOW),
        (1.2, 1.1, 1.3, NAN, ABOVE),
        (1.2, 0.9, 1.3, 0.1, BY_BOUNDS),
        (1.2, 1.1, 1.3, 0.2, BY_MARGINS),
        (1.0, 1.0, 1.0, NAN, IN_LINE),
        (1.0, 1.0, 1.0, 0.1, BY_MARGINS),
        (NAN, NAN, NAN, NAN, ""),
    ],
)
def test_parity_is_told_where_neither_bounds_nor_margins_allow_the_other_side(parity, low, high, margin, told):
    row = pd.DataFrame({"parity": [parity], "parity_low": [low], "parity_high": [high], "parity_moe": [margin]})
    assert parity_told(row).tolist() == [told]


# ---------------------------------------------------------------- shares and thresholds


def test_the_probability_is_that_of_the_normal_distribution():
    # 0.04 above with a standard error of 0.04: 84.13 %.
    assert share_probability([0.44], [0.04 * 1.645], threshold=0.4)[0] == pytest.approx(0.8413447, abs=1e-7)


def test_what_is_certain_is_0_or_1_and_what_is_not_known_is_neither():
    found = share_probability([0.4, 0.3, NAN, 0.5], [0.0, 0.0, 0.1, NAN], threshold=0.4)
    assert found[:2].tolist() == [1.0, 0.0]
    assert np.isnan(found[2:]).all()


def test_the_margin_of_a_share_to_priority_counts_both_sides():
    # 10 of 20 go to priority; ± 3 there and ± 4 elsewhere: √(0.25·9 + 0.25·16) / 20 = 0.125.
    margin = priority_share_margin(
        csc_array([[1.0], [1.0]]),
        np.array([3.0, 4.0]),
        share=np.array([0.5]),
        total=np.array([20.0]),
        inside=np.array([1.0, 0.0]),
    )
    assert margin.tolist() == pytest.approx([0.125])


def test_all_or_nothing_to_priority_is_certain():
    doses, both = csc_array([[1.0, 0.0], [0.0, 1.0]]), np.array([20.0, 20.0])
    margin = priority_share_margin(
        doses, np.array([3.0, NAN]), share=np.array([1.0, 0.0]), total=both, inside=np.array([1.0, 0.0])
    )
    assert margin.tolist() == [0.0, 0.0]


def test_a_missing_margin_that_counts_leaves_the_share_without_one():
    margin = priority_share_margin(
        csc_array([[1.0], [1.0]]),
        np.array([3.0, NAN]),
        share=np.array([0.5]),
        total=np.array([20.0]),
        inside=np.array([1.0, 0.0]),
    )
    assert np.isnan(margin).all()

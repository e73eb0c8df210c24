"""Where high values lie together: four zones in the head, then faults, chance and order."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.errors import UsageError
from equity_screen.hot_spots import (
    ALL_ALIKE,
    ALL_NEIGHBOURS,
    NO_NEIGHBOUR,
    NO_VALUE,
    conditional_p,
    contiguity,
    getis_ord_star,
    hot_spots,
    local_moran,
    morans_i,
)
from equity_screen.synthetic import four_zones

CORNERS = np.array([1.0, 0.0, 0.0, 1.0])


@pytest.fixture
def sides():
    return contiguity(four_zones(), rule="rook")


def grid(columns, rows):
    """Unit squares, row by row."""
    cells = [shapely.box(x, y, x + 1, y + 1) for y in range(rows) for x in range(columns)]
    return gpd.GeoDataFrame(geometry=cells, index=pd.Index([f"Z{i:03}" for i in range(len(cells))]), crs="EPSG:25832")


# ---------------------------------------------------------------- who touches whom


def test_squares_touch_at_sides_or_also_at_corners(sides):
    assert (sides.matrix.toarray() > 0).sum(axis=1).tolist() == [2, 2, 2, 2]
    queen = contiguity(four_zones())
    assert (queen.matrix.toarray() > 0).sum(axis=1).tolist() == [3, 3, 3, 3]
    assert queen.matrix.sum(axis=1).tolist() == pytest.approx([1.0] * 4)
    assert list(queen.rows) == list(queen.columns) == ["A", "B", "C", "D"]


def test_a_place_apart_and_one_without_a_polygon_have_no_neighbours():
    city = four_zones()
    city.loc["A", "geometry"] = shapely.box(0, 0, 1, 1)
    city.loc["B", "geometry"] = None
    assert np.diff(contiguity(city).matrix.indptr).tolist() == [0, 0, 1, 1]


def test_zones_that_lie_over_one_another_are_neighbours_by_either_rule():
    city = four_zones().loc[["A", "D"]]
    city.loc["D", "geometry"] = city.loc["A", "geometry"].buffer(-100)
    assert [contiguity(city, rule=rule).matrix.nnz for rule in ("queen", "rook")] == [2, 2]


def test_an_unknown_rule_is_named():
    with pytest.raises(UsageError, match=r"unknown rule of contiguity 'bishop'; one of: queen, rook"):
        contiguity(four_zones(), rule="bishop")


# ---------------------------------------------------------------- in the head


def test_a_chessboard_is_as_unlike_its_neighbours_as_can_be(sides):
    found = morans_i(CORNERS, contiguity=sides)
    assert found.value == pytest.approx(-1.0)
    assert found.expected == pytest.approx(-1 / 3)
    assert found.z < 0
    assert 0 < found.p < 1


def test_local_indexes_add_to_the_city_wide_one_times_n_less_1(sides):
    values = np.array([4.0, 3.0, 1.0, 7.0])
    local = local_moran(values, contiguity=sides)
    assert local.sum() == pytest.approx(3 * morans_i(values, contiguity=sides).value)


def test_getis_ord_of_one_high_value_among_four(sides):
    """Mean 1½, deviation √¾: three zones see (3 + 1 + 1) − 4½ = ½; the far one 3 − 4½; √((12 − 9) / 3) = 1."""
    z = getis_ord_star(np.array([3.0, 1.0, 1.0, 1.0]), contiguity=sides)
    assert z.tolist() == pytest.approx([0.5 / 0.75**0.5] * 3 + [-1.5 / 0.75**0.5])


def test_shift_and_scale_change_nothing(sides):
    values = np.array([4.0, 3.0, 1.0, 7.0])
    for measure in (local_moran, getis_ord_star):
        assert measure(10 + 3 * values, contiguity=sides).tolist() == pytest.approx(
            measure(values, contiguity=sides).tolist()
        )


def test_neighbours_at_the_mean_are_not_high(sides):
    """30, 29, 28, 27: the neighbours of each are as far above the mean as below it."""
    table = hot_spots(four_zones()["heat"] / 3, contiguity=sides, permutations=19, seed=1)
    assert table["quadrant"].tolist() == ["high among low", "high among low", "low among low", "low among low"]


# ---------------------------------------------------------------- undefined


def test_values_that_are_alike_have_no_index(sides):
    assert np.isnan(morans_i(np.full(4, 0.1), contiguity=sides)).all()
    assert np.isnan(local_moran(np.full(4, 0.1), contiguity=sides)).all()
    assert np.isnan(getis_ord_star(np.full(4, 0.1), contiguity=sides)).all()
    assert np.isnan(conditional_p(np.full(4, 0.1), contiguity=sides, seed=1)).all()


def test_one_that_has_no_value_is_left_out_as_if_it_were_not_there(sides):
    without_d = four_zones().loc[["A", "B", "C"]]
    values = np.array([4.0, 3.0, 1.0, np.nan])
    for measure in (local_moran, getis_ord_star):
        found = measure(values, contiguity=sides)
        fewer = measure(values[:3], contiguity=contiguity(without_d, rule="rook"))
        assert np.isnan(found[3])
        assert found[:3].tolist() == pytest.approx(fewer.tolist(), nan_ok=True)


def test_every_reason_is_said():
    city = grid(4, 1)
    values = pd.Series([1.0, np.nan, 2.0, 5.0], index=city.index)
    table = hot_spots(values, contiguity=contiguity(city), permutations=19, seed=1)
    assert table["undefined"].tolist() == [NO_NEIGHBOUR, NO_VALUE, "", ""]
    assert table["quadrant"].tolist() == ["", "", "low among high", "high among low"]
    assert table["unusual"].tolist() == [False] * 4
    alike = hot_spots(values * 0, contiguity=contiguity(city), permutations=19, seed=1)
    assert alike["undefined"].tolist() == [ALL_ALIKE, NO_VALUE, ALL_ALIKE, ALL_ALIKE]
    whole = hot_spots(four_zones()["heat"], contiguity=contiguity(four_zones()), permutations=19, seed=1)
    assert whole["undefined"].tolist() == [ALL_NEIGHBOURS] * 4
    assert whole["getis_ord_star"].isna().all()


def test_faults_of_calls(sides):
    with pytest.raises(UsageError, match=r"values of shape \(2,\) for 4 neighbourhoods; give one number for each"):
        local_moran(np.array([1.0, 2.0]), contiguity=sides)
    with pytest.raises(UsageError, match="9 permutations: give 19 or more"):
        conditional_p(CORNERS, contiguity=sides, permutations=9, seed=1)


# ---------------------------------------------------------------- chance


def test_p_of_every_way_to_deal_out_three_others(sides):
    """A has two of three others around it: the mean of B, C is the greatest of the three that there can be."""
    values = np.array([9.0, 3.0, 2.0, 0.0])
    p = conditional_p(values, contiguity=sides, permutations=9999, seed=5)
    assert p[0] == pytest.approx(2 / 3, abs=0.02)


def test_a_corner_of_high_values_is_found_and_the_rest_is_not():
    city = grid(12, 12)
    rng = np.random.default_rng(4)
    values = pd.Series(rng.normal(size=144), index=city.index)
    corner = [f"Z{12 * y + x:03}" for y in range(4) for x in range(4)]
    values[corner] += 6.0
    table = hot_spots(values, contiguity=contiguity(city), seed=11)
    inside = [f"Z{12 * y + x:03}" for y in range(3) for x in range(3)]
    assert table.loc[inside, "unusual"].all()
    assert (table.loc[inside, "quadrant"] == "high among high").all()
    far = [f"Z{12 * y + x:03}" for y in range(6, 12) for x in range(6, 12)]
    assert not table.loc[far, "unusual"].any()


def test_of_random_values_few_are_called_unusual():
    """p is two-sided: of 900 values dealt out at random about 5 % have p at most 5 %."""
    city = grid(30, 30)
    values = np.random.default_rng(3).normal(size=900)
    p = conditional_p(values, contiguity=contiguity(city), permutations=199, seed=8)
    assert 0.02 < (p <= 0.05).mean() < 0.08
    table = hot_spots(pd.Series(values, index=city.index), contiguity=contiguity(city), permutations=199, seed=8)
    assert table["unusual"].sum() == 0


def test_the_same_seed_gives_the_same_bytes(sides):
    values = np.array([9.0, 3.0, 2.0, 0.0])
    first, again = (conditional_p(values, contiguity=sides, permutations=99, seed=5) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert first.tolist() != conditional_p(values, contiguity=sides, permutations=99, seed=6).tolist()

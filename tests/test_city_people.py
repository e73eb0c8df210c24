"""The people of Northhaven: shares in whole numbers, halves of districts, points, and the last census."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, strategies as st

from equity_screen.city_land import draw_land, most_and_least
from equity_screen.city_people import (
    BLOCK_MARGIN,
    ENERGY_BURDEN,
    TOTALS,
    UNHEATED_NORTH,
    apportion,
    draw_blocks,
    draw_last_census,
    draw_people,
    western_half,
)


@pytest.fixture(scope="module", params=range(3))
def city(request: pytest.FixtureRequest) -> gpd.GeoDataFrame:
    """Neighbourhoods with people, of three seeds."""
    rng = np.random.default_rng(request.param)
    return draw_people(draw_land(rng), rng)


# ---------------------------------------------------------------- shares


def test_the_largest_remainders_are_rounded_up() -> None:
    """17 seats for 5.3, 24.5 and 12.4 of 42.2: 2.14, 9.87 and 5.00."""
    assert apportion(np.array([5.3, 24.5, 12.4]), 17.0).tolist() == [2.0, 10.0, 5.0]


def test_of_equal_remainders_the_first_is_rounded_up() -> None:
    assert apportion(np.ones(4), 6.0).tolist() == [2.0, 2.0, 1.0, 1.0]


def test_what_divides_is_divided() -> None:
    assert apportion(np.array([0.0, 3.0, 1.0]), 400_000_000.0).tolist() == [0.0, 300_000_000.0, 100_000_000.0]


@given(
    weights=st.lists(st.floats(0.0, 1e3), min_size=1, max_size=30).filter(lambda w: math.fsum(w) > 1e-3),
    total=st.integers(0, 10**9),
)
def test_shares_are_whole_within_one_of_exact_and_add_up(weights: list[float], total: int) -> None:
    found = apportion(np.array(weights), total)
    assert math.fsum(found) == total
    np.testing.assert_array_equal(found, np.rint(found))
    exact = np.array(weights) * total / math.fsum(weights)
    assert (np.abs(found - exact) <= 1.0 + 1e-6).all()


# ---------------------------------------------------------------- people


def test_every_total_is_the_planted_one(city: gpd.GeoDataFrame) -> None:
    counted = [name for name in TOTALS if not name.endswith("_2021")]
    assert {name: city[name].sum() for name in counted} == {name: TOTALS[name] for name in counted}


def test_the_western_half_of_every_district_holds_half_of_its_people(city: gpd.GeoDataFrame) -> None:
    for district, people in city.groupby("district_id")["population"].sum().items():
        half = western_half(city, str(district))
        assert city.loc[half, "population"].sum() == people / 2
        mine = (city["district_id"] == district) & (city["type"] == "residential")
        assert half.sum() == mine.sum() // 2
        assert not half[~mine].any()


def test_counts_are_parts_of_what_they_are_counted_among(city: gpd.GeoDataFrame) -> None:
    homes = city[city["type"] == "residential"]
    for group in ("low_income", "indigenous", "communities_of_colour", "immigrants_refugees", "households"):
        assert (homes[group] <= homes["population"]).all(), group
    assert (homes[["owners", "renters", "cars"]] > 0).all(axis=None)
    assert (homes["owners"] + homes["renters"] == homes["households"]).all()


def test_the_most_burdened_has_the_lowest_income_and_the_least_the_highest(city: gpd.GeoDataFrame) -> None:
    most, least = most_and_least(city)
    assert (city["median_income"].idxmin(), city["median_income"].idxmax()) == (most, least)
    assert tuple(city["energy_burden"][[most, least]]) == ENERGY_BURDEN
    others = city["energy_burden"].drop([most, least]).dropna()
    assert ((others < ENERGY_BURDEN[0]) & (others > ENERGY_BURDEN[1])).all()


# ---------------------------------------------------------------- points


def test_points_of_a_square_are_inside_its_margin() -> None:
    square = shapely.box(0.0, 0.0, 1000.0, 1000.0)
    zones = gpd.GeoDataFrame({"id": ["A", "P"], "population": [999.0, np.nan]}, geometry=[square, square])
    blocks = draw_blocks(zones, np.random.default_rng(5))
    assert blocks["block"].tolist() == [f"A-{number:02d}" for number in range(1, len(blocks) + 1)]
    assert 8 <= len(blocks) <= 14
    assert blocks["people"].sum() == 999
    assert blocks[["x", "y"]].ge(BLOCK_MARGIN).all(axis=None)
    assert blocks[["x", "y"]].le(1000.0 - BLOCK_MARGIN).all(axis=None)


# ---------------------------------------------------------------- the last census


def test_old_zones_of_four_points_in_two_squares() -> None:
    """Three points in the square of the origin, one beyond it; a square holds 1500 m from (−400, −1300)."""
    east, north = 560_000.0, 6_200_000.0
    shape = shapely.box(east - 300.0, north - 300.0, east + 2000.0, north + 150.0)
    zones = gpd.GeoDataFrame({"id": ["NH001"], "bank": ["south"]}, geometry=[shape], crs=25832)
    x = east + np.array([0.0, 100.0, 200.0, 1200.0])
    blocks = pd.DataFrame({"block": [f"NH001-0{i}" for i in range(4)], "x": x, "y": north, "people": [1, 2, 3, 4]})
    old = draw_last_census(zones, blocks, rng=np.random.default_rng(0))
    assert old.crosswalk.to_numpy().tolist() == [["C0000S", "NH001", 6, 1.0], ["C0001S", "NH001", 4, 1.0]]
    assert old.zones.geometry.iloc[0].bounds == (east - 300.0, north - 300.0, east + 1100.0, north + 150.0)
    assert old.zones.geometry.iloc[1].bounds == (east + 1100.0, north - 300.0, east + 2000.0, north + 150.0)


def test_counts_and_the_constant_rate_arrive_in_todays_neighbourhoods(city: gpd.GeoDataFrame) -> None:
    """By sums over pairs, in plain numpy."""
    rng = np.random.default_rng(1)
    old = draw_last_census(city, draw_blocks(city, rng), rng=rng)
    pairs = old.crosswalk.merge(old.table, on="zone_2021", validate="many_to_one")
    homes = (pairs["share"] * pairs["homes_2021"]).groupby(pairs["neighbourhood"]).sum()
    warmless = (
        (pairs["share"] * pairs["homes_2021"] * pairs["unheated_homes_pct"]).groupby(pairs["neighbourhood"]).sum()
    )
    rate = warmless / homes
    assert homes.sum() == pytest.approx(TOTALS["homes_2021"], rel=1e-12)
    assert set(homes.index) == set(city.loc[city["population"] > 0, "id"])
    north = city.set_index("id").loc[rate.index, "bank"] == "north"
    np.testing.assert_allclose(rate[north], UNHEATED_NORTH, rtol=1e-12)
    assert (rate[~north] > UNHEATED_NORTH + 0.9).all()
    assert rate[~north].between(5.0, 14.0).all()


def test_every_zone_counted_someone(city: gpd.GeoDataFrame) -> None:
    rng = np.random.default_rng(2)
    old = draw_last_census(city, draw_blocks(city, rng), rng=rng)
    assert (old.table[["residents_2021", "homes_2021"]] > 0).all(axis=None)
    assert (old.table["homes_2021"] < old.table["residents_2021"]).all()
    assert not old.crosswalk.duplicated(["zone_2021", "neighbourhood"]).any()

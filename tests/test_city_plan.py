"""The climate plan of Northhaven: what is written by hand, and what is placed where people live."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.city_land import CRS, by_hand, draw_land, footprint
from equity_screen.city_people import draw_people, western_half
from equity_screen.city_plan import (
    HALF_DISTRICT,
    LOWEST_INCOMES,
    historic_areas,
    place_actions_of,
    planted_single_neighbourhood,
    read_effects,
)


@pytest.fixture(scope="module", params=range(3))
def city(request: pytest.FixtureRequest) -> gpd.GeoDataFrame:
    """Neighbourhoods with people, of three seeds."""
    rng = np.random.default_rng(request.param)
    return draw_people(draw_land(rng), rng)


def test_the_most_populous_of_equals_is_the_first() -> None:
    table = pd.DataFrame({"id": ["A", "B", "C", "P"], "population": [2.0, 7.0, 7.0, np.nan]})
    assert planted_single_neighbourhood(table) == "B"


def test_footprints_stay_where_the_hand_put_them(city: gpd.GeoDataFrame) -> None:
    placed = place_actions_of(city).to_crs(CRS).set_index("id").geometry
    drawn = by_hand("actions").set_index("id")["footprint"].dropna()
    assert len(drawn) == 26
    for name, text in drawn.items():
        assert placed[name].hausdorff_distance(footprint(text)) < 0.05, name
    assert set(placed.dropna().index) - set(drawn.index) == {"ACT-ONE", "ACT-HALF"}


def test_planted_areas_hold_every_point_of_their_neighbourhoods_and_none_of_others(city: gpd.GeoDataFrame) -> None:
    """Points lie 30 m or more inside a neighbourhood; the areas end 15 m inside theirs."""
    placed = place_actions_of(city).to_crs(CRS).set_index("id").geometry
    one = (city["id"] == planted_single_neighbourhood(city)).to_numpy()
    for name, mine in (("ACT-ONE", one), ("ACT-HALF", western_half(city, HALF_DISTRICT))):
        inner = city.geometry.buffer(-29.0)
        assert inner[mine].within(placed[name]).all()
        assert not inner[~mine].intersects(placed[name]).any()


def test_the_grants_name_the_lowest_incomes_in_order(city: gpd.GeoDataFrame) -> None:
    named = place_actions_of(city).set_index("id").loc["ACT-04", "where"].removeprefix("zones:").split(";")
    assert len(named) == LOWEST_INCOMES
    assert named == sorted(named)
    income = city.set_index("id")["median_income"]
    assert income[named].max() < income.drop(named).min()


def test_what_has_no_footprint_has_a_place_in_words(city: gpd.GeoDataFrame) -> None:
    actions = place_actions_of(city)
    assert (actions.geometry.isna() == (actions["where"] != "")).all()
    assert "footprint" not in actions


def test_every_action_has_a_benefit_and_only_known_words() -> None:
    effects = read_effects()
    actions = by_hand("actions")
    assert set(effects.loc[effects["ledger"] == "benefit", "action"]) == set(actions["id"])
    text = effects[["driver", "indicator", "page", "grade"]]
    assert text.map(lambda cell: isinstance(cell, str)).all(axis=None)
    unlocated = set(actions.loc[actions["where"] == "unknown", "id"])
    assert set(effects.loc[effects["action"].isin(unlocated), "reach"]) == {"footprint"}
    citywide = set(actions.loc[actions["where"] == "citywide", "id"])
    assert set(effects.loc[effects["action"].isin(citywide), "reach"]) == {"citywide"}


def test_a_point_or_line_needs_a_distance_to_reach_anybody() -> None:
    actions = by_hand("actions").set_index("id")
    thin = [name for name, text in actions["footprint"].dropna().items() if shapely.from_wkt(text).area == 0]
    reach = read_effects().set_index("action").loc[thin, "reach"]
    assert len(thin) == 17
    assert set(reach) <= {"within", "citywide", "decay", "travel", ""}  # of its kind


def test_historic_areas_say_what_was_done_there() -> None:
    areas = historic_areas()
    assert areas.crs == "EPSG:4326"
    assert areas.geometry.is_valid.all()
    assert areas["history"].str.len().gt(10).all()

"""What the tables of a run are made from."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest

from equity_screen.inputs import Inputs
from equity_screen.recipe import Question
from equity_screen.screen import NO_INPUTS, _lay
from equity_screen.synthetic import four_actions, four_zones


def run_of(priority: pd.Series | None = None, question: Question | None = None):
    inputs = Inputs(None, None, None, (), NO_INPUTS, (), False, {}, None)  # noqa: FBT003
    return _lay(four_zones(), four_actions(), question=question or Question(), inputs=inputs, given=priority)


def test_priority_is_asked_for_where_it_is_given():
    assert not run_of().asked
    assert run_of(four_zones()["population"] < 250).asked


def test_the_squares_have_an_area_of_one_square_kilometre():
    assert run_of().areas_km2.tolist() == pytest.approx([1.0] * 4, rel=1e-3)


def test_rows_are_in_order_whatever_order_they_came_in():
    backwards = gpd.GeoDataFrame(four_zones().iloc[::-1])
    inputs = Inputs(None, None, None, (), NO_INPUTS, (), False, {}, None)  # noqa: FBT003
    run = _lay(backwards, four_actions(), question=Question(), inputs=inputs, given=None)
    assert run.hoods.index.tolist() == ["A", "B", "C", "D"]
    assert run.people.population.tolist() == four_zones()["population"].tolist()

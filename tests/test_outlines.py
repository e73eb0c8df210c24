"""Outlines: light shapes, one line around priority places, borders of named areas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from equity_screen.boundaries import Boundary
from equity_screen.outlines import boundary_outlines, light_shapes, priority_outline, tolerance_of
from equity_screen.screen import screen
from equity_screen.synthetic import four_actions, four_zones


def banks() -> dict[str, Boundary]:
    """South bank A and B, north bank C and D."""
    zones = four_zones().geometry
    unions = [shapely.union_all(zones[ids].array) for ids in (["A", "B"], ["C", "D"])]
    areas = gpd.GeoDataFrame({"name": ["South", "North"]}, index=["s", "n"], geometry=unions, crs=zones.crs)
    return {"bank": Boundary("Banks", areas)}


def in_metres(drawn):
    return gpd.GeoSeries([shape(drawn)], crs=4326).to_crs(25832).iloc[0]


def test_a_border_may_be_off_by_a_four_thousandth_of_the_city():
    assert tolerance_of(four_zones()) == 0.5  # 2 km


def test_neighbours_keep_one_common_border():
    shapes = light_shapes(four_zones())
    assert shapely.coverage_is_valid(shapes)
    assert np.array_equal(shapely.get_coordinates(shapes), shapely.get_coordinates(shapes).round(5))


class TestPriority:
    def outline(self, **asked):
        result = screen(four_zones(), four_actions(), **asked)
        return priority_outline(result, result.neighbourhoods, shapes=light_shapes(result.neighbourhoods))

    def test_none_where_nothing_is_priority(self):
        assert self.outline() is None

    def test_one_line_around_neighbours(self):
        drawn = self.outline(priority=four_zones()["population"] < 250)
        assert drawn["type"] == "Polygon"
        assert len(drawn["coordinates"]) == 1
        assert in_metres(drawn).area == pytest.approx(2e6, rel=2e-3)  # A and B

    def test_areas_of_their_own_are_drawn_where_they_are(self):
        west, south, _, _ = four_zones().total_bounds
        half = gpd.GeoDataFrame(geometry=[shapely.box(west + 500, south, west + 1500, south + 1000)], crs=25832)
        twice = gpd.GeoDataFrame(geometry=[*half.geometry, *half.geometry], crs=25832)
        drawn = in_metres(self.outline(priority=twice))
        assert drawn.symmetric_difference(half.geometry.iloc[0]).area < 5000  # a metre or so along 4 km


class TestBoundaries:
    def test_none_without_a_layer(self):
        assert list(boundary_outlines(screen(four_zones(), four_actions()))) == []

    def test_borders_are_lines_each_once(self):
        ((label, drawn),) = boundary_outlines(screen(four_zones(), four_actions(), boundaries=banks()))
        assert label == "Banks"
        assert in_metres(drawn).length == pytest.approx(10_000, rel=2e-3)  # 8 km around, 2 km between

    def test_priority_areas_are_no_boundary(self):
        areas = gpd.GeoDataFrame(geometry=four_zones().geometry[["A"]])
        assert list(boundary_outlines(screen(four_zones(), four_actions(), priority=areas))) == []

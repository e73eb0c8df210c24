"""Burdens of Northhaven as layers: their kinds, and what is planted in them, for several seeds."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from equity_screen.city_land import CRS, draw_land, most_and_least
from equity_screen.city_layers import (
    AIR_CELL,
    AIR_CRS,
    CANOPY_NODATA,
    CANOPY_PIXEL,
    FACILITY_DISTANCE,
    HEAT_NODATA,
    HEAT_PIXEL,
    PLANTED,
    Raster,
    draw_air,
    draw_canopy,
    draw_heat,
    place_facilities,
)


@pytest.fixture(scope="module", params=range(3))
def land(request: pytest.FixtureRequest) -> gpd.GeoDataFrame:
    """Neighbourhoods of three seeds."""
    return draw_land(np.random.default_rng(request.param))


def mean_inside(raster: Raster, zone: shapely.Geometry, nodata: float) -> float:
    """Mean of the pixels that touch a zone and have data."""
    west, south, east, north = zone.bounds
    rows, columns = raster.cells.shape
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    left, top = raster.transform.c + raster.transform.a * column, raster.transform.f + raster.transform.e * row
    size = raster.transform.a
    box = (left < east) & (left + size > west) & (top > south) & (top - size < north) & (raster.cells != nodata)
    touch = shapely.intersects(zone, shapely.box(left[box], top[box] - size, left[box] + size, top[box]))
    return float(raster.cells[box][touch].mean(dtype=float))


@pytest.mark.parametrize(
    ("name", "draw", "nodata"), [("heat", draw_heat, HEAT_NODATA), ("canopy", draw_canopy, CANOPY_NODATA)]
)
def test_two_zones_are_constant_and_no_other_is_as_extreme(land, name, draw, nodata) -> None:
    raster = draw(land, np.random.default_rng(9))
    means = np.array([mean_inside(raster, zone, nodata) for zone in land.geometry])
    most, least = most_and_least(land)
    assert (means[most], means[least]) == PLANTED[name]
    homes = np.flatnonzero(land["type"] == "residential")
    worse = 1.0 if name == "heat" else -1.0
    ranked = homes[np.argsort(worse * means[homes])]
    assert (ranked[-1], ranked[0]) == (most, least)


def test_pixels_are_of_two_kinds_and_sizes(land: gpd.GeoDataFrame) -> None:
    heat, canopy = (draw(land, np.random.default_rng(9)) for draw in (draw_heat, draw_canopy))
    assert (heat.cells.dtype, canopy.cells.dtype) == (np.float32, np.uint8)
    assert (heat.transform.a, canopy.transform.a) == (HEAT_PIXEL, CANOPY_PIXEL)
    for raster in (heat, canopy):
        assert (raster.transform.b, raster.transform.d) == (0.0, 0.0)
        assert raster.transform.e == -raster.transform.a
        assert raster.transform.c % raster.transform.a == 0.0


def test_parks_are_cool_and_green(land: gpd.GeoDataFrame) -> None:
    heat, canopy = (draw(land, np.random.default_rng(9)) for draw in (draw_heat, draw_canopy))
    for park in land.index[land["type"] == "park"]:
        around = land.index[land.geometry.touches(land.geometry[park]) & (land["type"] == "residential")]
        around = around.difference(most_and_least(land))
        beside = land.geometry[around].union_all()
        assert mean_inside(heat, land.geometry[park], HEAT_NODATA) < mean_inside(heat, beside, HEAT_NODATA)
        assert mean_inside(canopy, land.geometry[park], CANOPY_NODATA) > mean_inside(canopy, beside, CANOPY_NODATA) + 10


def test_cells_of_the_air_that_meet_a_planted_zone_are_planted(land: gpd.GeoDataFrame) -> None:
    air = draw_air(land, np.random.default_rng(9))
    assert air.crs == AIR_CRS
    np.testing.assert_array_equal(air.bounds.to_numpy() % AIR_CELL, 0.0)
    zones = land.geometry.to_crs(AIR_CRS)
    pieces = gpd.overlay(air, gpd.GeoDataFrame({"zone": land.index}, geometry=zones), keep_geom_type=True)
    mean = (pieces["pm25"] * pieces.area).groupby(pieces["zone"]).sum() / pieces.area.groupby(pieces["zone"]).sum()
    most, least = most_and_least(land)
    assert (mean[most], mean[least]) == pytest.approx(PLANTED["pm25"], rel=1e-12)
    assert mean.drop(most).max() < PLANTED["pm25"][0] - 0.1
    assert mean.drop(least).min() > PLANTED["pm25"][1] + 0.1
    covered = pieces.area.groupby(pieces["zone"]).sum() / zones.area
    np.testing.assert_allclose(covered, 1.0, rtol=1e-9)


def test_the_harbour_works_are_near_every_home_of_one_zone(land: gpd.GeoDataFrame) -> None:
    facilities = place_facilities(land)
    places = gpd.GeoSeries.from_xy(facilities["lon"], facilities["lat"], crs=4326).to_crs(CRS)
    works = facilities["kind"] == "harbour works"
    most, least = most_and_least(land)
    zone = land.geometry.iloc[most]
    assert works.sum() == PLANTED["facilities"][0]
    assert places[works].within(zone).all()
    corners = shapely.points(shapely.get_coordinates(zone.buffer(-30.0)))
    assert max(places[works].distance(corner).max() for corner in corners) < FACILITY_DISTANCE
    assert places[~works].distance(zone).min() > FACILITY_DISTANCE
    assert places.distance(land.geometry.iloc[least]).min() > FACILITY_DISTANCE

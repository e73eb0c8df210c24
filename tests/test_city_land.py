"""The land of Northhaven: closeness, shapes by hand, and how zones, banks, districts and wards are drawn."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.city_land import (
    CRS,
    ORIGIN,
    by_hand,
    closeness,
    districts,
    draw_land,
    flood_plain,
    footprint,
    most_and_least,
    near,
    published,
    wards,
)


@pytest.fixture(scope="module", params=range(4))
def land(request: pytest.FixtureRequest) -> gpd.GeoDataFrame:
    """Neighbourhoods of four seeds."""
    return draw_land(np.random.default_rng(request.param))


def test_closeness_is_a_half_at_its_reach_and_a_fifth_at_twice_of_it() -> None:
    x = np.array([0.0, 700.0, 1400.0]) + ORIGIN[0]
    found = closeness((x, np.full(3, ORIGIN[1])), (0.0, 0.0), reach=700.0)
    np.testing.assert_allclose(found, [1.0, 0.5, 0.2], rtol=1e-15)


def test_near_is_closeness_of_the_centroid() -> None:
    square = footprint("POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))")
    assert near(np.array([square]), (1000.0, 4000.0), reach=1000.0).tolist() == [0.1]


def test_footprints_are_kilometres_from_the_origin() -> None:
    line = footprint("LINESTRING (0 0, 3 4)")
    assert line.length == 5_000.0
    assert line.bounds[:2] == ORIGIN


def test_tables_by_hand_keep_text_and_leave_numbers_missing() -> None:
    actions = by_hand("actions", words=("notes", "start"))
    lost = actions.set_index("id").loc["ACT-16"]
    assert (lost["start"], lost["notes"]) == ("", "place not chosen")
    assert np.isnan(lost["tco2e_2030"])
    assert actions["start"].iloc[0] == "2027"


def test_a_table_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv"):
        by_hand("nowhere")


def test_published_layers_are_in_degrees_with_rings_counter_clockwise() -> None:
    clockwise = shapely.Polygon([(0, 0), (0, 1), (1, 1), (1, 0)])
    square = shapely.transform(clockwise, lambda xy: 1000.0 * xy + ORIGIN)
    layer = published(pd.DataFrame({"id": ["A", "B"]}), [square, None])
    assert layer.crs == "EPSG:4326"
    assert layer.geometry.iloc[0].exterior.is_ccw
    assert layer.geometry.isna().tolist() == [False, True]
    points = shapely.get_coordinates(layer.geometry.iloc[0])
    np.testing.assert_array_equal(points, np.round(points, 7))
    back = layer.to_crs(CRS).geometry.iloc[0]
    assert back.hausdorff_distance(square) < 0.02


def test_zones_are_a_valid_coverage_numbered_from_the_south_west(land: gpd.GeoDataFrame) -> None:
    assert shapely.coverage_is_valid(land.geometry.to_numpy())
    assert land["id"].tolist() == [f"NH{number:03d}" for number in range(1, len(land) + 1)]
    assert land["name"].is_unique
    assert (land["type"] == "park").sum() == 5


def test_the_banks_never_touch_and_no_zone_is_on_both(land: gpd.GeoDataFrame) -> None:
    bank = land.dissolve("bank").geometry
    assert bank.index.tolist() == ["north", "south"]
    assert bank["north"].distance(bank["south"]) > 50.0
    assert (bank.geom_type == "Polygon").all()


def test_each_zone_is_in_the_district_of_the_nearest_centre(land: gpd.GeoDataFrame) -> None:
    table = by_hand("districts").set_index("id")
    centres = gpd.GeoSeries.from_xy(1000 * table["east"], 1000 * table["north"], index=table.index).translate(*ORIGIN)
    middle = land.geometry.centroid
    nearest = pd.DataFrame({name: middle.distance(centre) for name, centre in centres.items()}).idxmin(axis=1)
    assert land["district_id"].tolist() == nearest.tolist()


def test_most_and_least_are_homes_by_the_harbour_and_on_the_hills(land: gpd.GeoDataFrame) -> None:
    most, least = most_and_least(land)
    assert land["type"].iloc[[most, least]].tolist() == ["residential"] * 2
    assert land.geometry.iloc[most].distance(footprint("POINT (11.2 5.0)")) < 500.0
    assert land.geometry.iloc[least].distance(footprint("POINT (1.2 6.5)")) < 300.0


def test_a_park_is_never_the_most_burdened() -> None:
    places = [footprint("POINT (11.2 5)"), footprint("POINT (9 5)"), footprint("POINT (1 6)")]
    assert most_and_least(gpd.GeoDataFrame({"type": ["park", *["residential"] * 2]}, geometry=places)) == (1, 2)


def test_districts_hold_their_neighbourhoods_to_the_centimetre(land: gpd.GeoDataFrame) -> None:
    areas = districts(land).to_crs(CRS).set_index("id").geometry
    inner = land.geometry.buffer(-0.05)
    assert inner.within(areas[land["district_id"]].set_axis(land.index)).all()


def test_each_ward_holds_its_own_centre_and_no_other(land: gpd.GeoDataFrame) -> None:
    table = by_hand("wards")
    centres = gpd.GeoSeries([footprint(f"POINT ({e} {n})") for e, n in zip(table["east"], table["north"], strict=True)])
    areas = wards(land)
    assert areas["id"].tolist() == table["id"].tolist()
    held = areas.to_crs(CRS).geometry.apply(centres.within)
    np.testing.assert_array_equal(held, np.eye(len(table), dtype=bool))


def test_wards_cover_the_whole_city(land: gpd.GeoDataFrame) -> None:
    assert wards(land).to_crs(CRS).union_all().buffer(0.05).contains(land.union_all())


def test_wards_end_a_little_way_out_on_the_water(land: gpd.GeoDataFrame) -> None:
    around, ground = wards(land).to_crs(CRS).union_all(), land.union_all()
    assert around.difference(ground.buffer(300)).area > 1e6
    assert around.difference(ground.buffer(2_050)).is_empty  # corners are mitred, five widths at most


def test_the_lowland_holds_one_neighbourhood_and_a_rim(land: gpd.GeoDataFrame) -> None:
    river, lowland = flood_plain(land).to_crs(CRS).geometry
    zone = land.geometry.iloc[most_and_least(land)[0]]
    assert lowland.contains(zone)
    assert not lowland.intersects(land.drop(index=most_and_least(land)[0]).geometry.buffer(-21.0).union_all())
    assert river.is_valid
    assert not land.geometry.within(river).any()

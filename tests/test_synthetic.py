"""The cities whose answers are known: laid out as promised, planted as promised, made again exactly."""

from __future__ import annotations

import json
import platform
import sys
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from geopandas.testing import assert_geodataframe_equal
from pandas.testing import assert_frame_equal

from equity_screen.city_land import by_hand
from equity_screen.synthetic import (
    CANOPY_NODATA,
    CRS,
    ENERGY_BURDEN,
    FACILITY_DISTANCE,
    GAS_PRICE,
    GAS_SAVED,
    GAS_UPTAKE,
    HEAT_NODATA,
    INCOME_LOWEST,
    INCOME_RISE,
    PLANTED,
    TOTALS,
    UNHEATED_NORTH,
    City,
    four_zones,
    planted_concentration_index,
    planted_gas_saving,
    planted_most_and_least_burdened,
    planted_single_neighbourhood,
    synthetic_city,
    write_city,
)

SHIPPED = Path(__file__).resolve().parents[1] / "data" / "northhaven"
IN_DEGREES = ("actions.geojson", "districts.geojson", "flood.geojson", "historic_areas.geojson", "wards.geojson")
LAYERS = ("air_quality.gpkg", "census_2021_zones.gpkg", "neighbourhoods.gpkg", *IN_DEGREES)
TABLES = ("blocks.csv", "census_2021.csv", "crosswalk_2021_2026.csv", "effects.csv", "facilities.csv")
RASTERS = ("canopy.tif", "heat.tif")
MADE = tuple(sorted(LAYERS + TABLES + RASTERS))
# What made the shipped bytes; other versions must give the same values, not the same bytes.
MADE_WITH = ("Linux", "x86_64", (3, 11), "0.13.0", "1.4.4")
GROUPS = ["low_income", "indigenous", "communities_of_colour", "immigrants_refugees"]


@pytest.fixture(scope="module", params=[2030, 7])
def city(request: pytest.FixtureRequest) -> City:
    """Northhaven as it ships, and as another seed draws it."""
    return synthetic_city(request.param)


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the shipped city made again."""
    folder = tmp_path_factory.mktemp("remade")
    write_city(folder)
    return folder


def populated(city: City) -> gpd.GeoDataFrame:
    return city.neighbourhoods[city.neighbourhoods["type"] == "residential"]


def block_points(city: City) -> gpd.GeoSeries:
    return gpd.GeoSeries.from_xy(city.blocks["x"], city.blocks["y"], crs=CRS)


def by_neighbourhood(city: City, people: pd.Series) -> pd.Series:
    """Sum a column of the blocks."""
    return people.groupby(city.blocks["block"].str[:5]).sum()


def block_zones(city: City) -> gpd.GeoDataFrame:
    """Blocks joined to the neighbourhoods they lie in."""
    points = gpd.GeoDataFrame(city.blocks, geometry=gpd.points_from_xy(city.blocks["x"], city.blocks["y"]), crs=CRS)
    return points.sjoin(city.neighbourhoods[["id", "geometry"]], predicate="within")


# ---------------------------------------------------------------- four zones


def test_four_zones_are_a_square_of_squares() -> None:
    zones = four_zones()
    assert zones.index.tolist() == ["A", "B", "C", "D"]
    assert zones.index.name == "neighbourhood"
    assert zones.crs == CRS
    assert zones.total_bounds.tolist() == [560_000.0, 6_200_000.0, 562_000.0, 6_202_000.0]
    assert zones.loc["B", "geometry"].bounds == (561_000.0, 6_200_000.0, 562_000.0, 6_201_000.0)
    assert zones.loc["C", "geometry"].bounds == (560_000.0, 6_201_000.0, 561_000.0, 6_202_000.0)
    assert shapely.coverage_is_valid(zones.geometry.to_numpy())


def test_four_zones_hold_a_thousand_people() -> None:
    zones = four_zones()
    assert zones["population"].sum() == 1000.0
    assert zones["people_low_income"].sum() == 150.0
    assert zones["median_income"].tolist() == [20_000.0, 30_000.0, 40_000.0, 50_000.0]
    assert zones["heat"].tolist() == [30.0, 29.0, 28.0, 27.0]


def test_four_zones_are_new_each_time() -> None:
    zones = four_zones()
    zones.loc["A", "population"] = 0.0
    assert four_zones().loc["A", "population"] == 100.0


# ---------------------------------------------------------------- neighbourhoods


def test_neighbourhoods_are_a_valid_coverage_of_irregular_zones(city: City) -> None:
    zones = city.neighbourhoods.geometry
    assert 250 <= len(zones) <= 300
    assert zones.is_valid.all()
    assert set(zones.geom_type) == {"Polygon"}
    assert shapely.coverage_is_valid(zones.to_numpy())
    assert zones.area.sum() == pytest.approx(zones.union_all().area, rel=1e-12)
    assert zones.area.max() > 1.8 * zones.area.min()


def test_the_river_parts_the_city_and_widens_to_the_harbour(city: City) -> None:
    south, north = sorted(city.neighbourhoods.union_all().geoms, key=lambda bank: bank.centroid.y)
    assert south.distance(north) > 50.0

    def width(easting: float) -> float:
        line = shapely.LineString([(easting, 6_190_000.0), (easting, 6_220_000.0)])
        return float(north.intersection(line).bounds[1] - south.intersection(line).bounds[3])

    assert width(572_000.0) > 1.5 * width(562_000.0)


def test_coordinates_are_whole_centimetres(city: City) -> None:
    points = shapely.get_coordinates(city.neighbourhoods.geometry.to_numpy())
    np.testing.assert_array_equal(points, np.round(points, 2))


def test_ids_and_names_are_unique_text_and_some_names_need_unicode(city: City) -> None:
    table = city.neighbourhoods
    assert table["id"].is_unique
    assert table["name"].is_unique
    assert table["id"].iloc[0] == "NH001"
    assert table["name"].map(str.isascii).any()
    assert not table["name"].map(str.isascii).all()


def test_parks_have_no_people_and_no_income(city: City) -> None:
    parks = city.neighbourhoods[city.neighbourhoods["type"] == "park"]
    assert len(parks) == 5
    known = parks.columns[parks.notna().all()]
    assert known.tolist() == ["id", "name", "type", "bank", "district_id", "geometry"]
    assert parks.drop(columns=known).isna().all(axis=None)


def test_counts_are_whole_and_groups_are_within_the_population(city: City) -> None:
    people = populated(city)
    counts = people[["population", "households", *GROUPS]]
    assert (counts >= 1.0).all(axis=None)
    np.testing.assert_array_equal(counts, np.rint(counts))
    for group in ["households", *GROUPS]:
        assert (people[group] <= people["population"]).all(), group


def test_every_estimate_has_a_positive_margin_of_error(city: City) -> None:
    people = populated(city)
    for column in ["population", "median_income", *GROUPS]:
        assert (people[f"{column}_moe"] > 0.0).all(), column
    assert people["population_moe"].iloc[0] == np.rint(1.645 * np.sqrt(12.0 * (people["population"].iloc[0] + 1.0)))


def test_incomes_fall_and_burdens_rise_from_the_hills_to_the_harbour(city: City) -> None:
    people = populated(city)
    east = people.geometry.centroid.x
    shares = people[GROUPS].div(people["population"], axis=0)
    assert east.corr(people["median_income"]) < -0.6
    renting = people["renters"] / people["households"]
    for burden in (people["energy_burden"], shares["low_income"], renting):
        assert 0.5 < east.corr(burden) < 0.99
    assert east.corr(people["cars"] / people["households"]) < -0.5
    for group in GROUPS[1:]:
        assert 0.2 < east.corr(shares[group]) < 0.95, group


# ---------------------------------------------------------------- blocks, areas, heat


def test_blocks_add_up_to_the_population_of_each_neighbourhood(city: City) -> None:
    joined = block_zones(city)
    assert len(joined) == len(city.blocks)
    assert city.blocks["block"].is_unique
    assert (joined["block"].str[:5] == joined["id"]).all()
    assert (city.blocks["people"] > 0).all()
    pd.testing.assert_series_equal(
        joined.groupby("id")["people"].sum().astype(float),
        populated(city).set_index("id")["population"],
        check_names=False,
        check_exact=True,
    )


def test_blocks_lie_eight_to_fourteen_a_neighbourhood_and_30_m_inside_it(city: City) -> None:
    joined = block_zones(city)
    assert joined.groupby("id").size().between(8, 14).all()
    edges = city.neighbourhoods.set_index("id").boundary.loc[joined["id"]]
    assert joined.distance(edges.set_axis(joined.index)).min() >= 30.0


def test_historic_areas_are_a_few_areas_where_people_live(city: City) -> None:
    areas = city.historic_areas.to_crs(CRS)
    assert 3 <= len(areas) <= 5
    assert areas["id"].is_unique
    blocks = gpd.points_from_xy(city.blocks["x"], city.blocks["y"])
    for area in areas.geometry:
        assert area.is_valid
        assert area.centroid.x > 568_000.0
        assert blocks.within(area).any()


def rasters(city: City) -> list[tuple[np.ndarray, rasterio.Affine, float]]:
    return [
        (city.heat, city.heat_transform, HEAT_NODATA),
        (city.canopy, city.canopy_transform, CANOPY_NODATA),
    ]


def middles(shape: tuple[int, int], transform: rasterio.Affine) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.mgrid[: shape[0], : shape[1]]
    return transform.c + transform.a * (column + 0.5), transform.f - transform.a * (row + 0.5)


def test_rasters_are_known_on_land_and_only_there(city: City) -> None:
    land = city.neighbourhoods.union_all()
    shapely.prepare(land)
    for values, transform, nodata in rasters(city):
        x, y = middles(values.shape, transform)
        np.testing.assert_array_equal(values != nodata, shapely.contains_xy(land, x, y))
    assert np.all((city.heat == HEAT_NODATA) | ((city.heat >= 20.0) & (city.heat <= 40.0)))
    assert np.all((city.canopy == CANOPY_NODATA) | (city.canopy <= 80))


def test_rasters_cover_the_whole_city_in_pixels_of_two_sizes(city: City) -> None:
    for values, transform, _ in rasters(city):
        rows, columns = values.shape
        right, bottom = transform @ (columns, rows)
        raster = shapely.box(transform.c, bottom, right, transform.f)
        assert raster.covers(shapely.box(*city.neighbourhoods.total_bounds))
    assert (city.heat_transform.a, city.canopy_transform.a) == (60.0, 40.0)


def test_the_harbour_is_hotter_and_barer_than_the_hills(city: City) -> None:
    heat = np.ma.masked_equal(city.heat, HEAT_NODATA)
    tenth = heat.shape[1] // 10
    assert heat[:, -2 * tenth :].mean() > heat[:, : 2 * tenth].mean() + 3.0
    canopy = np.ma.masked_equal(city.canopy, CANOPY_NODATA)
    tenth = canopy.shape[1] // 10
    assert canopy[:, -2 * tenth :].mean() < canopy[:, : 2 * tenth].mean() - 10.0


def test_the_air_is_known_everywhere_on_a_grid_of_another_crs(city: City) -> None:
    air = city.air_quality
    assert air.crs == "EPSG:3035"
    assert air["cell"].is_unique
    np.testing.assert_array_equal(air.area, 500.0**2)
    assert air.union_all().covers(city.neighbourhoods.to_crs(3035).union_all())
    first = air.iloc[0]
    west, south, *_ = first.geometry.bounds
    assert first["cell"] == f"E{west / 100:.0f}N{south / 100:.0f}"


def test_the_flood_plain_is_two_overlapping_areas_by_the_water(city: City) -> None:
    river, lowland = city.flood.to_crs(CRS).geometry
    assert river.overlaps(lowland)
    water = city.neighbourhoods.union_all().convex_hull.difference(city.neighbourhoods.union_all())
    assert river.intersection(water).area > 0.2 * river.area
    reached = by_neighbourhood(city, city.blocks["people"].where(block_points(city).within(river), 0))
    assert 10 <= (reached > 0).sum() <= 60


def test_facilities_are_named_places_in_degrees(city: City) -> None:
    facilities = city.facilities
    assert len(facilities) == 24
    assert facilities["id"].is_unique
    assert facilities["name"].is_unique
    places = gpd.GeoSeries.from_xy(facilities["lon"], facilities["lat"], crs=4326).to_crs(CRS)
    assert places.distance(city.neighbourhoods.union_all()).max() < 1_000.0


# ---------------------------------------------------------------- districts, wards, the last census


def test_districts_are_whole_neighbourhoods_and_part_the_city(city: City) -> None:
    districts = city.districts.to_crs(CRS).set_index("id")
    assert districts.index.tolist() == ["D1", "D2", "D3", "D4", "D5", "D6", "D7"]
    assert shapely.coverage_is_valid(city.districts.geometry.to_numpy())
    union = city.neighbourhoods.dissolve("district_id").geometry
    assert (districts.geometry.symmetric_difference(union, align=True).area < 1_000.0).all()
    assert set(districts.geometry["D3":"D3"].geom_type) == {"MultiPolygon"}, "on both banks"


def test_each_district_has_its_round_number_of_people(city: City) -> None:
    declared = by_hand("districts").set_index("id")["people"]
    assert declared.sum() == 300_000
    found = city.neighbourhoods.groupby("district_id")["population"].sum()
    assert found.to_dict() == declared.to_dict()


def test_wards_part_every_point_and_cut_across_neighbourhoods(city: City) -> None:
    wards = city.wards.to_crs(CRS)
    assert 15 <= len(wards) <= 25
    assert shapely.coverage_is_valid(city.wards.geometry.to_numpy())
    pairs = gpd.GeoDataFrame(geometry=block_points(city)).sjoin(wards, predicate="within")
    assert pairs.index.is_unique
    assert len(pairs) == len(city.blocks)
    met = city.neighbourhoods.sjoin(wards[["geometry"]], predicate="intersects").groupby("id").size()
    assert (met > 1).sum() > 50
    parts = pairs["id"].groupby(city.blocks["block"].str[:5]).nunique()
    assert (parts > 1).sum() > 30


def test_the_last_census_has_other_zones_that_part_the_same_land(city: City) -> None:
    zones = city.census_zones.set_index("zone_2021").geometry
    assert zones.index.tolist() == city.census["zone_2021"].tolist()
    assert 50 <= len(zones) <= 90
    assert shapely.coverage_is_valid(zones.to_numpy())
    met = city.neighbourhoods.sjoin(city.census_zones, predicate="overlaps").groupby("id").size()
    assert (met > 1).sum() > 100


def test_the_crosswalk_says_where_the_points_of_each_old_zone_are(city: City) -> None:
    """Recounted from the shapes, point by point."""
    points = gpd.GeoDataFrame(city.blocks, geometry=block_points(city)).sjoin_nearest(city.census_zones)
    assert len(points) == len(city.blocks)
    counted = points.groupby(["zone_2021", points["block"].str[:5].rename("neighbourhood")])["people"].sum()
    crosswalk = city.crosswalk.set_index(["zone_2021", "neighbourhood"])
    assert_frame_equal(crosswalk[["today"]], counted.to_frame("today"), check_exact=True)
    share = counted / counted.groupby("zone_2021").transform("sum")
    np.testing.assert_array_equal(crosswalk["share"], share)
    np.testing.assert_allclose(crosswalk.groupby("zone_2021")["share"].sum(), 1.0, rtol=1e-15)


def test_the_last_census_counted_fewer_people_and_a_constant_rate_in_the_north(city: City) -> None:
    census = city.census.set_index("zone_2021")
    assert census[["residents_2021", "homes_2021"]].sum().tolist() == [280_000, 130_000]
    north = census.index.str.endswith("N")
    assert set(census.loc[north, "unheated_homes_pct"]) == {UNHEATED_NORTH}
    assert census.loc[~north, "unheated_homes_pct"].nunique() > 10
    assert census.loc[~north, "unheated_homes_pct"].min() >= 5.0


# ---------------------------------------------------------------- actions and effects


def test_actions_come_in_every_kind(city: City) -> None:
    actions = city.actions.set_index("id")
    assert len(actions) == 44
    assert actions.index.is_unique
    assert actions["name"].is_unique
    assert actions["status"].value_counts().to_dict() == {"proposed": 28, "adopted": 14, "rejected": 1, "paused": 1}
    sectors = {"stationary energy", "transport", "waste", "buildings", "land use", "industry"}
    assert set(actions["sector"]) == sectors
    kinds = {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"}
    assert set(actions.geometry.dropna().geom_type) == kinds
    given = Counter(actions["where"].str.split(":").str[0])
    assert given == {"": 28, "citywide": 8, "zones": 1, "district": 4, "ward": 1, "unknown": 2}
    assert (actions.geometry.notna() == (actions["where"] == "")).all()


def test_every_located_action_is_in_the_city(city: City) -> None:
    drawn = city.actions.geometry.dropna().to_crs(CRS)
    assert drawn.is_valid.all()
    assert drawn.intersects(city.neighbourhoods.union_all()).all()


def test_two_actions_have_no_cost_and_the_others_lie_between_low_and_high(city: City) -> None:
    actions = city.actions
    assert actions.loc[actions["cost_eur"].isna(), "id"].tolist() == ["ACT-17", "ACT-20"]
    for low, middle, high in (
        ("cost_low_eur", "cost_eur", "cost_high_eur"),
        ("tco2e_low", "tco2e_per_year", "tco2e_high"),
    ):
        ranged = actions.dropna(subset=[low, middle, high])
        assert len(ranged) >= 10
        assert ((ranged[low] <= ranged[middle]) & (ranged[middle] <= ranged[high])).all()


def test_costs_and_emissions_of_the_active_actions_are_round_sums(city: City) -> None:
    active = city.actions[city.actions["status"].isin(["proposed", "adopted"])]
    assert active["cost_eur"].sum() == 500_000_000.0
    assert active["tco2e_per_year"].sum() == 270_000.0


def test_emissions_by_year_follow_from_the_years_of_the_action(city: City) -> None:
    """Half in 2030 once begun, all in 2040, four fifths in 2050, while it runs."""
    actions = city.actions[city.actions["start"] != ""]
    assert set(city.actions["id"]) - set(actions["id"]) == {"ACT-16"}
    start, end = actions["start"].astype(int), actions["end"].astype(int)
    assert (start < end).all()
    for year, part in ((2030, 0.5), (2040, 1.0), (2050, 0.8)):
        runs = (start <= year) & (end >= year)
        np.testing.assert_allclose(actions[f"tco2e_{year}"], part * actions["tco2e_per_year"] * runs, rtol=1e-15)
    assert (
        city.actions.loc[city.actions["start"] == "", ["tco2e_2030", "tco2e_2040", "tco2e_2050"]].isna().all(axis=None)
    )


def test_the_named_actions_are_there(city: City) -> None:
    actions = city.actions.set_index("name")
    for name, where in (
        ("Wastewater heat network", ""),
        ("Gas-saving programme", "citywide"),
        ("Local climate officers: harbour", "district:D4;D5"),
        ("Local climate officers: Gammelby", "district:D3"),
        ("Local climate officers: Skovlund", "district:D6"),
        ("Embodied-carbon procurement policy", "unknown"),
        ("Harbour bus corridor", ""),
        ("Low-emission zone", ""),
        ("Street-tree planting", ""),
        ("Electric-vehicle chargers", ""),
    ):
        assert actions.loc[name, "where"] == where
    assert actions.loc["Home retrofit grants", "where"].startswith("zones:NH")


def test_places_in_words_name_areas_that_are_there(city: City) -> None:
    for word, areas in (("district", city.districts), ("ward", city.wards)):
        named = city.actions["where"].str.extract(rf"^{word}:(.*)$")[0].dropna().str.split(";").explode()
        assert len(named) >= 3
        assert set(named) <= set(areas["id"])


def test_the_zones_of_the_grants_have_the_twelve_lowest_incomes(city: City) -> None:
    where = city.actions.set_index("id").loc["ACT-04", "where"]
    named = where.removeprefix("zones:").split(";")
    income = populated(city).set_index("id")["median_income"]
    assert len(named) == 12
    assert income[named].max() < income.drop(named).min()


def test_effects_speak_the_vocabulary_of_the_overlay(city: City) -> None:
    effects = city.effects
    assert set(effects["action"]) == set(city.actions["id"])
    assert set(effects["ledger"]) == {"benefit", "burden"}
    assert set(effects["per"]) == {"person", "household", "km2", "total"}
    assert set(effects["reach"]) == {"footprint", "within", "citywide", "decay", "travel", ""}
    assert effects.loc[effects["reach"] == "", "kind"].tolist() == ["bus_stop"]
    assert set(effects["indicator"]) == {"", "heat", "pm25", "canopy", "energy_burden"}
    drivers = {"median_income", "households", "owners", "renters", "cars", "gas_owners", "gas_renters"}
    assert set(effects["driver"]) - {""} == drivers <= set(city.neighbourhoods.columns)
    assert not effects.duplicated(["action", "ledger", "effect"]).any()


def test_effects_reach_as_far_as_their_action_can(city: City) -> None:
    effects = city.effects
    assert (effects["distance_m"].notna() == effects["reach"].isin(["within", "decay"])).all()
    drawn = set(city.actions.loc[city.actions["where"] == "", "id"])
    assert set(effects.loc[effects["reach"].isin(["within", "decay", ""]), "action"]) <= drawn


def test_amounts_lie_between_low_and_high_and_are_marked_as_illustrative(city: City) -> None:
    effects = city.effects
    assert (effects["amount"] >= 0.0).all()
    ranged = effects.dropna(subset=["amount_low", "amount_high"])
    assert ranged["amount"].between(ranged["amount_low"], ranged["amount_high"]).all()
    assert set(effects["grade"]) == {"assumed", "modelled", "measured", ""}
    assert effects.loc[effects["grade"] == "", "action"].tolist() == ["ACT-23"]
    assert set(effects["source"]) == {"illustrative"}


def test_burdens_are_assessed_none_or_not_assessed(city: City) -> None:
    burdens = city.effects[city.effects["ledger"] == "burden"]
    not_assessed = [name for name in city.actions["id"] if name not in set(burdens["action"])]
    assert not_assessed == [f"ACT-{number:02d}" for number in (6, 10, 12, 14, 16, 23, 30, 35)]
    assert burdens.loc[burdens["amount"] == 0.0, "action"].tolist() == ["ACT-05"]
    plant = city.effects[city.effects["action"] == "ACT-07"]
    assert set(plant["ledger"]) == {"benefit", "burden"}


# ---------------------------------------------------------------- planted answers


def test_totals_are_the_planted_ones(city: City) -> None:
    table = pd.concat([city.neighbourhoods, city.census])
    assert {name: table[name].sum() for name in TOTALS} == dict(TOTALS)
    homes = populated(city)
    np.testing.assert_array_equal(homes["owners"] + homes["renters"], homes["households"])
    assert TOTALS["gas_owners"] + TOTALS["gas_renters"] == 1_000_000_000, "1 TWh"


def test_two_neighbourhoods_carry_the_most_and_the_least_of_every_burden(city: City) -> None:
    """From the layers as they are: pixels, cells, points and distances, one by one."""
    people = populated(city).set_index("id")
    most, least = planted_most_and_least_burdened(city.neighbourhoods)
    assert [most, least] == [people["median_income"].idxmin(), people["median_income"].idxmax()]
    for values, transform, nodata in rasters(city):
        x, y = middles(values.shape, transform)
        planted = PLANTED["heat" if nodata == HEAT_NODATA else "canopy"]
        for zone, value in zip(people.geometry[[most, least]], planted, strict=True):
            touched = shapely.intersects(zone, shapely.box(x - 60.0, y - 60.0, x + 60.0, y + 60.0))
            inner = touched & (shapely.distance(zone, shapely.points(x, y)) <= transform.a / 2.0)
            assert inner.sum() > 50
            assert set(values[inner]) <= {value, nodata}
    air = city.air_quality.to_crs(CRS)
    for zone, value in zip(people.geometry[[most, least]], PLANTED["pm25"], strict=True):
        assert set(air.loc[air.intersects(zone), "pm25"]) == {value}
    assert tuple(people["energy_burden"][[most, least]]) == ENERGY_BURDEN


def test_no_other_neighbourhood_carries_as_much(city: City) -> None:
    people = populated(city).set_index("id")
    most, least = planted_most_and_least_burdened(city.neighbourhoods)
    points, size = block_points(city), city.blocks["people"]
    flood = city.flood.to_crs(CRS).union_all()
    flooded = 100.0 * by_neighbourhood(city, size.where(points.within(flood), 0)) / people["population"]
    plants = gpd.points_from_xy(city.facilities["lon"], city.facilities["lat"], crs=4326).to_crs(CRS)
    distance = shapely.distance(points.to_numpy()[:, np.newaxis], np.asarray(plants)[np.newaxis, :])
    near = by_neighbourhood(city, size * (distance <= FACILITY_DISTANCE).sum(axis=1)) / people["population"]
    for name, values in (("flooded", flooded), ("facilities", near)):
        assert (values[most], values[least]) == PLANTED[name]
        assert (values.drop(most) < values[most]).all(), name
    assert (people["energy_burden"].drop(most) < ENERGY_BURDEN[0]).all()
    assert (people["energy_burden"].drop(least) > ENERGY_BURDEN[1]).all()


def test_half_of_a_district_is_half_of_its_people(city: City) -> None:
    footprint = city.actions.set_index("id").to_crs(CRS).geometry["ACT-HALF"]
    reached = city.blocks.loc[block_points(city).within(footprint)]
    zones = city.neighbourhoods.set_index("id")
    whole = zones.loc[reached["block"].str[:5].unique()]
    assert set(whole["district_id"]) == {"D4"}
    assert reached["people"].sum() == whole["population"].sum() == 22_500
    rest = zones[(zones["district_id"] == "D4") & (zones["type"] == "residential")].drop(whole.index)
    assert rest["population"].sum() == 22_500
    assert whole.geometry.centroid.x.max() < rest.geometry.centroid.x.min()


def test_gas_is_saved_by_tenure_as_the_formula_says(city: City) -> None:
    effects = city.effects.query("action == 'ACT-08' and ledger == 'benefit'").set_index("driver")
    people = populated(city)
    for tenure in ("owners", "renters"):
        saved = people[f"gas_{tenure}"].sum() * GAS_UPTAKE[tenure] * GAS_SAVED * GAS_PRICE
        row = effects.loc[f"gas_{tenure}"]
        assert row["amount"] == planted_gas_saving()[tenure] == pytest.approx(saved, rel=1e-12)
        assert (row["per"], row["reach"], row["unit"]) == ("total", "citywide", "EUR/year")
    assert effects["amount"].tolist() == [2_100_000.0, 450_000.0]


def test_half_a_degree_is_taken_off_everywhere(city: City) -> None:
    cool = city.effects.query("action == 'ACT-COOL' and ledger == 'benefit'").squeeze()
    assert (cool["amount"], cool["per"], cool["reach"], cool["indicator"]) == (0.5, "person", "citywide", "heat")


def test_income_is_a_line_of_the_rank_of_people(city: City) -> None:
    people = populated(city)
    size, income = people["population"].to_numpy(), people["median_income"].to_numpy()
    poorer = (income[:, np.newaxis] > income) @ size
    rank = (poorer + size / 2.0) / size.sum()
    np.testing.assert_allclose(income, INCOME_LOWEST + INCOME_RISE * rank, atol=0.005_001)


def test_concentration_index_of_income_is_the_planted_one(city: City) -> None:
    """Ranked by itself, a quantity's concentration index is its Gini: mean difference / (2 mean)."""
    people = populated(city)
    share = (people["population"] / people["population"].sum()).to_numpy()
    income = people["median_income"].to_numpy()
    differences = np.abs(income[:, np.newaxis] - income)
    gini = (share @ differences @ share) / (2.0 * (share @ income))
    assert planted_concentration_index(city.neighbourhoods) == pytest.approx(gini, rel=1e-6)


def test_concentration_index_of_one_neighbourhood_is_zero() -> None:
    assert planted_concentration_index(pd.DataFrame({"population": [12.0, np.nan]})) == 0.0


def test_tax_credit_is_proportional_to_income(city: City) -> None:
    credit = city.effects.query("action == 'ACT-INCOME' and ledger == 'benefit'").squeeze()
    assert (credit["per"], credit["reach"], credit["driver"]) == ("person", "citywide", "median_income")
    assert credit["amount"] == 0.001


def test_dividend_is_one_for_every_person(city: City) -> None:
    uniform = city.effects.query("action == 'ACT-UNIFORM'")
    assert uniform["amount"].tolist() == [1.0, 1.0]
    assert set(uniform["per"]) == {"person"}
    assert set(uniform["reach"]) == {"citywide"}
    assert set(uniform["driver"]) == {""}


def test_one_action_reaches_exactly_one_neighbourhood_and_all_of_its_blocks(city: City) -> None:
    footprint = city.actions.set_index("id").to_crs(CRS).geometry["ACT-ONE"]
    zones = city.neighbourhoods.set_index("id").geometry
    blocks = gpd.points_from_xy(city.blocks["x"], city.blocks["y"])
    reached = planted_single_neighbourhood(city.neighbourhoods)
    assert footprint.geom_type == "Polygon"
    assert zones.index[zones.intersects(footprint)].tolist() == [reached]
    assert zones[reached].contains(footprint)
    assert (blocks.within(footprint) == (city.blocks["block"].str[:5] == reached)).all()


# ---------------------------------------------------------------- made again


def test_equal_seeds_give_equal_cities_and_others_do_not() -> None:
    first, again, other = synthetic_city(1), synthetic_city(1), synthetic_city(2)
    for name, left, right in zip(City._fields, first, again, strict=True):
        if isinstance(left, pd.DataFrame):
            assert_frame_equal(left, right, check_exact=True, obj=name)
        else:
            np.testing.assert_array_equal(left, right, err_msg=name)
    assert not first.neighbourhoods.geometry.iloc[0].equals(other.neighbourhoods.geometry.iloc[0])


def test_shipped_files_are_complete_and_small() -> None:
    assert {path.name for path in SHIPPED.iterdir()} >= set(MADE)
    assert sum((SHIPPED / name).stat().st_size for name in MADE) <= 2_500_000


@pytest.mark.parametrize("name", LAYERS)
def test_shipped_layers_hold_the_values_of_the_remade_city(remade: Path, name: str) -> None:
    shipped, again = gpd.read_file(SHIPPED / name), gpd.read_file(remade / name)
    assert_geodataframe_equal(shipped, again)
    assert_frame_equal(shipped.drop(columns="geometry"), again.drop(columns="geometry"), check_exact=True)


@pytest.mark.parametrize("name", TABLES)
def test_shipped_tables_hold_the_values_of_the_remade_city(remade: Path, name: str) -> None:
    assert_frame_equal(pd.read_csv(SHIPPED / name), pd.read_csv(remade / name), check_exact=True)


@pytest.mark.parametrize("name", RASTERS)
def test_shipped_rasters_hold_the_values_of_the_remade_city(remade: Path, name: str) -> None:
    with rasterio.open(SHIPPED / name) as shipped, rasterio.open(remade / name) as again:
        np.testing.assert_array_equal(shipped.read(1), again.read(1))
        assert shipped.transform == again.transform
        assert shipped.crs == CRS
        kind = {"heat.tif": (HEAT_NODATA, ("float32",)), "canopy.tif": (None, ("uint8",))}
        assert (shipped.nodata, shipped.dtypes) == kind[name]


@pytest.mark.parametrize("name", MADE)
def test_shipped_bytes_are_the_remade_ones_with_what_made_them(remade: Path, name: str) -> None:
    here = (platform.system(), platform.machine(), sys.version_info[:2])
    here += (pyogrio.__version__, rasterio.__version__)
    if here != MADE_WITH:
        pytest.skip(f"bytes are promised with {MADE_WITH}, this is {here}")
    assert (SHIPPED / name).read_bytes() == (remade / name).read_bytes()


def test_files_read_back_as_the_tables(remade: Path) -> None:
    city = synthetic_city()
    assert_geodataframe_equal(gpd.read_file(remade / "neighbourhoods.gpkg"), city.neighbourhoods, check_dtype=False)
    actions = gpd.read_file(remade / "actions.geojson")
    assert actions.geometry.geom_equals(city.actions.geometry).eq(city.actions.geometry.notna()).all()
    for name, table in (
        ("blocks", city.blocks),
        ("facilities", city.facilities),
        ("census_2021", city.census),
        ("crosswalk_2021_2026", city.crosswalk),
    ):
        assert_frame_equal(pd.read_csv(remade / f"{name}.csv"), table, check_exact=True)
    for name, values in (("heat", city.heat), ("canopy", city.canopy)):
        with rasterio.open(remade / f"{name}.tif") as source:
            np.testing.assert_array_equal(source.read(1), values)


def test_layers_in_degrees_follow_rfc_7946(remade: Path) -> None:
    for name in IN_DEGREES:
        text = (remade / name).read_text(encoding="utf-8")
        assert "crs" not in json.loads(text)
        shapes = gpd.read_file(remade / name).geometry.dropna()
        points = shapely.get_coordinates(shapes.to_numpy())
        np.testing.assert_array_equal(points, np.round(points, 7))
        rings = [part.exterior for part in shapes.explode() if part.geom_type == "Polygon"]
        assert all(ring.is_ccw for ring in rings)


def test_writing_over_a_city_gives_the_same_bytes(tmp_path: Path) -> None:
    write_city(tmp_path, seed=3)
    first = {name: (tmp_path / name).read_bytes() for name in MADE}
    write_city(str(tmp_path), seed=3)
    assert {name: (tmp_path / name).read_bytes() for name in MADE} == first


@pytest.mark.parametrize("before", [None, "1999-01-01T00:00:00.000Z"])
def test_writing_leaves_the_settings_of_gdal_alone(tmp_path: Path, before: str | None) -> None:
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
    write_city(tmp_path / "new" / "folder")
    after = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    assert after == before


def test_the_readme_of_the_data_states_its_numbers() -> None:
    city = synthetic_city()
    people = f"{city.blocks['people'].sum():,}".replace(",", " ")
    text = (SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    for number in (
        f"{len(city.neighbourhoods)} neighbourhoods ({(city.neighbourhoods['type'] == 'park').sum()} of them",
        f"{people} people",
        f"{len(city.blocks):,} population points".replace(",", " "),
        f"{len(city.actions)} actions",
        f"`{planted_most_and_least_burdened(city.neighbourhoods)[0]}`",
        f"`{planted_most_and_least_burdened(city.neighbourhoods)[1]}`",
        f"{len(city.census)} zones",
        f"{len(city.air_quality)} cells",
        f"`{planted_single_neighbourhood(city.neighbourhoods)}`",
        f"{planted_concentration_index(city.neighbourhoods):.6f}",
    ):
        assert number in text.replace("\n", " "), number


# ---------------------------------------------------------------- faults


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        synthetic_city(-1)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(FileExistsError, match="taken"):
        write_city(tmp_path / "taken")

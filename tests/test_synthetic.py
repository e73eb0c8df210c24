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

from equity_screen.synthetic import (
    CRS,
    HEAT_NODATA,
    INCOME_LOWEST,
    INCOME_RISE,
    City,
    four_zones,
    planted_concentration_index,
    planted_single_neighbourhood,
    synthetic_city,
    write_city,
)

SHIPPED = Path(__file__).resolve().parents[1] / "data" / "northhaven"
MADE = ("actions.geojson", "blocks.csv", "effects.csv", "heat.tif", "historic_areas.geojson")
MADE += ("neighbourhoods.gpkg",)
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
    assert len(zones) >= 120
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
    counted = ["population", "households", "median_income", "energy_burden", *GROUPS]
    assert len(parks) >= 3
    assert parks[counted].isna().all(axis=None)
    assert parks["pm25"].notna().all()


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
    for burden in (people["pm25"], people["energy_burden"], shares["low_income"]):
        assert 0.5 < east.corr(burden) < 0.99
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


def test_blocks_lie_ten_to_fourteen_a_neighbourhood_and_30_m_inside_it(city: City) -> None:
    joined = block_zones(city)
    assert joined.groupby("id").size().between(10, 14).all()
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


def test_heat_is_known_on_land_and_only_there(city: City) -> None:
    rows, columns = city.heat.shape
    row, column = np.mgrid[:rows, :columns]
    x, y = city.heat_transform.c + 60.0 * (column + 0.5), city.heat_transform.f - 60.0 * (row + 0.5)
    land = city.neighbourhoods.union_all()
    shapely.prepare(land)
    np.testing.assert_array_equal(city.heat != HEAT_NODATA, shapely.contains_xy(land, x, y))
    assert np.all((city.heat == HEAT_NODATA) | ((city.heat > 15.0) & (city.heat < 45.0)))


def test_heat_covers_the_whole_city(city: City) -> None:
    rows, columns = city.heat.shape
    left, top = city.heat_transform.c, city.heat_transform.f
    raster = shapely.box(left, top - 60.0 * rows, left + 60.0 * columns, top)
    assert raster.covers(shapely.box(*city.neighbourhoods.total_bounds))


def test_the_harbour_is_hotter_than_the_hills(city: City) -> None:
    heat = np.ma.masked_equal(city.heat, HEAT_NODATA)
    tenth = heat.shape[1] // 10
    assert heat[:, -2 * tenth :].mean() > heat[:, : 2 * tenth].mean() + 3.0


# ---------------------------------------------------------------- actions and effects


def test_actions_come_in_every_kind(city: City) -> None:
    actions = city.actions.set_index("id")
    assert len(actions) >= 16
    assert actions.index.is_unique
    assert actions["name"].is_unique
    assert set(actions["status"]) == {"proposed", "adopted"}
    sectors = {"stationary energy", "transport", "waste", "buildings", "land use", "industry"}
    assert set(actions["sector"]) == sectors
    kinds = {"Point", "MultiPoint", "LineString", "Polygon", "MultiPolygon"}
    assert set(actions.geometry.dropna().geom_type) == kinds
    given = Counter(actions["where"].str.split(":").str[0])
    assert given == {"": 14, "citywide": 4, "zones": 1, "unknown": 1}
    assert (actions.geometry.notna() == (actions["where"] == "")).all()


def test_every_located_action_is_in_the_city(city: City) -> None:
    drawn = city.actions.geometry.dropna().to_crs(CRS)
    assert drawn.is_valid.all()
    assert drawn.intersects(city.neighbourhoods.union_all()).all()


def test_one_action_has_no_cost_and_the_others_lie_between_low_and_high(city: City) -> None:
    actions = city.actions
    assert actions.loc[actions["cost_eur"].isna(), "id"].tolist() == ["ACT-17"]
    for low, middle, high in (
        ("cost_low_eur", "cost_eur", "cost_high_eur"),
        ("tco2e_low", "tco2e_per_year", "tco2e_high"),
    ):
        ranged = actions.dropna(subset=[low, middle, high])
        assert len(ranged) >= 10
        assert ((ranged[low] <= ranged[middle]) & (ranged[middle] <= ranged[high])).all()


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
    assert set(effects["reach"]) == {"footprint", "within", "citywide"}
    assert set(effects["indicator"]) == {"", "heat", "pm25"}
    assert set(effects["driver"]) - {""} <= set(city.neighbourhoods.columns)
    assert not effects.duplicated(["action", "ledger", "effect"]).any()


def test_effects_reach_as_far_as_their_action_can(city: City) -> None:
    effects = city.effects
    assert (effects["distance_m"].notna() == (effects["reach"] == "within")).all()
    drawn = set(city.actions.loc[city.actions["where"] == "", "id"])
    assert set(effects.loc[effects["reach"] == "within", "action"]) <= drawn


def test_amounts_lie_between_low_and_high_and_are_marked_as_assumed(city: City) -> None:
    effects = city.effects
    assert (effects["amount"] >= 0.0).all()
    ranged = effects.dropna(subset=["amount_low", "amount_high"])
    assert ranged["amount"].between(ranged["amount_low"], ranged["amount_high"]).all()
    assert set(effects["grade"]) == {"assumed"}
    assert set(effects["source"]) == {"illustrative"}


def test_burdens_are_assessed_none_or_not_assessed(city: City) -> None:
    burdens = city.effects[city.effects["ledger"] == "burden"]
    not_assessed = set(city.actions["id"]) - set(burdens["action"])
    assert not_assessed >= {"ACT-06", "ACT-10"}
    assert burdens.loc[burdens["amount"] == 0.0, "action"].tolist() == ["ACT-05"]
    plant = city.effects[city.effects["action"] == "ACT-07"]
    assert set(plant["ledger"]) == {"benefit", "burden"}


# ---------------------------------------------------------------- planted answers


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
    for left, right in zip(first[:5], again[:5], strict=True):
        assert_frame_equal(left, right, check_exact=True)
    np.testing.assert_array_equal(first.heat, again.heat)
    assert first.heat_transform == again.heat_transform
    assert not first.neighbourhoods.geometry.iloc[0].equals(other.neighbourhoods.geometry.iloc[0])


def test_shipped_files_are_complete_and_small() -> None:
    assert {path.name for path in SHIPPED.iterdir()} >= set(MADE)
    assert sum((SHIPPED / name).stat().st_size for name in MADE) <= 3_000_000


@pytest.mark.parametrize("name", ["neighbourhoods.gpkg", "actions.geojson", "historic_areas.geojson"])
def test_shipped_layers_hold_the_values_of_the_remade_city(remade: Path, name: str) -> None:
    shipped, again = gpd.read_file(SHIPPED / name), gpd.read_file(remade / name)
    assert_geodataframe_equal(shipped, again)
    assert_frame_equal(shipped.drop(columns="geometry"), again.drop(columns="geometry"), check_exact=True)


@pytest.mark.parametrize("name", ["blocks.csv", "effects.csv"])
def test_shipped_tables_hold_the_values_of_the_remade_city(remade: Path, name: str) -> None:
    assert_frame_equal(pd.read_csv(SHIPPED / name), pd.read_csv(remade / name), check_exact=True)


def test_shipped_heat_holds_the_values_of_the_remade_city(remade: Path) -> None:
    with rasterio.open(SHIPPED / "heat.tif") as shipped, rasterio.open(remade / "heat.tif") as again:
        np.testing.assert_array_equal(shipped.read(1), again.read(1))
        assert shipped.transform == again.transform
        assert (shipped.crs, shipped.nodata, shipped.dtypes) == (CRS, HEAT_NODATA, ("float32",))


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
    assert_frame_equal(pd.read_csv(remade / "blocks.csv"), city.blocks, check_exact=True)
    with rasterio.open(remade / "heat.tif") as source:
        np.testing.assert_array_equal(source.read(1), city.heat)


def test_layers_in_degrees_follow_rfc_7946(remade: Path) -> None:
    for name in ("actions.geojson", "historic_areas.geojson"):
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
        f"{len(city.actions)} proposed actions",
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

"""One city moved to places where coordinates are odd: the same shares everywhere, in whatever CRS it is given."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from pyproj import CRS, Geod
from rasterio import Affine

from equity_screen.actions import Plan, check_actions
from equity_screen.align import check_blocks
from equity_screen.aside import choose_rows
from equity_screen.crs import clusters, measure_of, recast, to_space
from equity_screen.layers import check_neighbourhoods
from equity_screen.maps import map_screen
from equity_screen.outside import unseen
from equity_screen.overlay import overlay
from equity_screen.people import people_of
from equity_screen.reach import discs, points_and_distances
from equity_screen.schema import Origin
from equity_screen.screen import screen
from equity_screen.sources import ActionsFile, BlocksFile, NeighbourhoodsFile
from equity_screen.synthetic import ORIGIN, four_actions, four_zones
from equity_screen.zonal import raster_means
from tests.plans import effect, km, plan_of

GEOD = Geod(ellps="WGS84")
# The middle of the city stands here. At 180° the zones A and C are on one side, B and D on the other.
PLACES = {
    "Taveuni": (180.0, -16.85),
    "Chukotka": (-179.995, 68.0),
    "Longyearbyen": (15.6, 78.2),
    "station": (40.0, 89.9),
    "two zones": (6.0, 52.0),
}
HOME = (9.98, 55.95)
SYSTEMS = [4326, 3857, 3832, 32601, 32660, 3413]


def moved(layer, place):
    """A layer of the four squares' plane, its middle set on a place; a line every 20 m, so that it stays one."""
    plane = CRS.from_dict({"proj": "laea", "lon_0": place[0], "lat_0": place[1], "datum": "WGS84"})
    fine = shapely.segmentize(layer.geometry.array.to_numpy(), 20.0)
    there = shapely.transform(fine, lambda xy: xy - np.array(ORIGIN) - 1000.0)
    return gpd.GeoDataFrame(layer.drop(columns="geometry"), geometry=gpd.GeoSeries(there, index=layer.index, crs=plane))


def in_crs(layer, crs, *, unsplit=False):
    """The layer in another CRS, split at its seam, or as most programs write it."""
    there = layer.geometry.to_crs(crs) if unsplit else recast(layer.geometry, CRS.from_user_input(crs))
    return layer.set_geometry(there)


def plan_at(place):
    """Trees within 300 m of a point off the middle, a tram on a line over the city, and squares."""
    plan, lines = four_actions(), plan_of({"TRAM": km(shapely.LineString([(0.2, 0.7), (1.9, 1.3)]))})
    rows = [
        effect("TRAM", effect="noise", ledger="burden", reach="within", distance_m=150.0),
        effect("TRAM", effect="rides", reach="ring", inner_m=100.0, distance_m=400.0),
        effect("WEST", effect="calm", reach="within", distance_m=250.0),
    ]
    effects = pd.concat([plan.effects, pd.DataFrame(rows)], ignore_index=True)
    actions = pd.concat([plan.actions, lines.actions])
    return Plan(moved(gpd.GeoDataFrame(actions, crs=ORIGIN_CRS), place), effects)


ORIGIN_CRS = four_zones().crs


def shares_at(place, crs=None, *, unsplit=False):
    city, plan = moved(four_zones(), place), plan_at(place)
    if crs is not None:
        city = in_crs(city, crs, unsplit=unsplit)
        plan = plan._replace(actions=in_crs(plan.actions, crs, unsplit=unsplit))
    laid = overlay(city, plan)
    return pd.Series(laid.shares.matrix.T @ city["population"], index=laid.shares.columns)


@pytest.fixture(scope="module")
def at_home():
    return shares_at(HOME)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("crs", [None, *SYSTEMS, 3031])
def test_the_same_people_are_reached_everywhere(place, crs, at_home):
    pd.testing.assert_series_equal(shares_at(PLACES[place], crs), at_home, rtol=1e-4)


@pytest.mark.parametrize("place", PLACES)
def test_a_whole_screening_is_the_same_everywhere(place):
    tables = []
    for where in (HOME, PLACES[place]):
        found = screen(in_crs(moved(four_zones(), where), 4326), plan_at(where))
        assert found.together.loc[found.together["group"] == "everyone", "people"].eq(1000.0).all()
        tables.append(found.together[["people_reached", "reached_share"]])
    pd.testing.assert_frame_equal(*tables, rtol=1e-4)


@pytest.mark.parametrize("place", ["Taveuni", "Chukotka"])
@pytest.mark.parametrize("crs", [4326, 3857, 4269])
def test_also_where_no_program_has_split_it(place, crs, at_home):
    pd.testing.assert_series_equal(shares_at(PLACES[place], crs, unsplit=True), at_home, rtol=1e-4)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("crs", [4326, 3857, 3832, 32660])
def test_files_are_checked_and_points_found_in_their_zones(place, crs):
    city = in_crs(moved(four_zones(), PLACES[place]), crs, unsplit=True).reset_index(names="id")
    declared = NeighbourhoodsFile(file="z.gpkg", id="id", population="population")
    checked = check_neighbourhoods(city[["id", "population", "geometry"]], declared, origin=Origin("z.gpkg"))
    assert {f.code for f in checked.findings} <= {"ES-GEOM-SPLIT"}
    homes = [km(shapely.Point(x, y)) for x, y in ((0.01, 0.5), (0.99, 0.5), (1.01, 0.5), (1.99, 1.99), (2.01, 1.0))]
    points = moved(gpd.GeoDataFrame({"people": [1, 2, 3, 4, 5]}, geometry=homes), PLACES[place]).to_crs(4326)
    zones = checked.table.geometry
    found = check_blocks(points, BlocksFile(file="b.gpkg", people="people"), origin=Origin("b.gpkg"), zones=zones).table
    assert found.groupby("zone")["people"].sum().to_dict() == {0: 3.0, 1: 3.0, 3: 4.0}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_unseen_is_the_same_everywhere(place):
    north = gpd.GeoDataFrame({"population": [900.0]}, geometry=[km(shapely.box(0, 2, 2, 3))])
    plan = plan_of({"X": km(shapely.Point(1, 2))}, effect("X", reach="within", distance_m=500.0))
    rows = []
    for where in (HOME, PLACES[place]):
        city, there = moved(four_zones(), where), plan._replace(actions=moved(plan.actions, where))
        outer = in_crs(moved(north, where), 4326, unsplit=True)
        table = unseen(overlay(city, there), people_of(city), outer=outer)
        rows.append(table[["inside_area_share", "residents_inside", "residents_outside", "unseen_share"]])
    pd.testing.assert_frame_equal(*rows, rtol=1e-4)
    assert rows[0]["residents_outside"].iloc[0] == pytest.approx(900 / 2 * np.pi / 8, rel=1e-3)


@pytest.mark.parametrize("place", ["Taveuni", "Chukotka", "Longyearbyen"])
@pytest.mark.parametrize("crs", [4326, 3832])
def test_the_map_shows_the_city_in_one_piece(place, crs):
    city, plan = in_crs(moved(four_zones(), PLACES[place]), crs), plan_at(PLACES[place])
    wards = in_crs(moved(four_zones().dissolve(["w", "w", "w", "e"])[["geometry"]], PLACES[place]), crs)
    found = screen(city, plan, priority=city["population"] < 350, boundaries={"ward": wards})
    page = map_screen(found).get_root().render()
    lon = np.array([float(x) for x, _ in re.findall(r"\[(-?\d+\.?\d*),(-?\d+\.\d+)\]", page)])
    assert len(lon) > 100
    assert np.ptp(lon) < 3_000 / (111_000 * np.cos(np.radians(PLACES[place][1])))


# ---------------------------------------------------------------- distances and areas against the ellipsoid

LAYERS = {
    "a city": (12.4, 55.6, 0.3, 0.3),
    "California": (-124.4, 32.5, 10.3, 9.5),
    "three UTM zones": (5.0, 50.0, 14.0, 2.0),
    "Fiji": (177.0, -19.5, 5.0, 3.5),
    "Chukotka": (170.0, 64.0, 20.0, 5.0),
    "Svalbard": (10.5, 76.5, 17.0, 4.0),
    "89.9° N": (0.0, 89.88, 360.0, 0.1),
    "Quito": (-79.0, -0.5, 1.0, 1.0),
}


def places_in(layer, count=5):
    west, south, wide, high = LAYERS[layer]
    lon, lat = (
        axis.ravel()
        for axis in np.meshgrid(np.linspace(west, west + wide, count), np.linspace(south, south + high, count))
    )
    return gpd.GeoSeries.from_xy((lon + 180) % 360 - 180, lat, crs=4326)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("reach_m", [100.0, 1_000.0, 5_000.0, 20_000.0])
def test_distances_are_geodesics_within_a_thousandth(layer, reach_m):
    places = places_in(layer)
    study = measure_of(places)
    turns = np.arange(0.0, 360.0, 45.0)
    start = np.repeat(shapely.get_coordinates(places.array), len(turns), axis=0)
    lon, lat, _ = GEOD.fwd(*start.T, np.tile(turns, len(places)), np.full(len(start), reach_m))
    rim = gpd.GeoSeries.from_xy(lon, lat, crs=4326)
    (point, shape), apart = points_and_distances(
        rim, places, distances=np.full(len(places), 1.01 * reach_m), study=study
    )
    own = shape == point // len(turns)
    assert own.sum() == len(rim)
    assert np.abs(apart[own] / reach_m - 1.0).max() < 1e-3


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("reach_m", [100.0, 20_000.0])
def test_discs_have_the_area_of_geodesic_ones(layer, reach_m):
    places = places_in(layer, count=3)
    study = measure_of(places)
    turns = np.linspace(0.0, 360.0, 256, endpoint=False)
    drawn = discs(places, np.full(len(places), reach_m), study=study).area
    for place, area in zip(places, drawn, strict=True):
        lon, lat, _ = GEOD.fwd(np.full(256, place.x), np.full(256, place.y), turns, np.full(256, reach_m))
        # The geodesic area of a ring around a pole is that of its rest.
        expected = abs(GEOD.polygon_area_perimeter(lon, lat)[0])
        assert area == pytest.approx(min(expected, 510065621724088.0 - expected), rel=2e-3 if reach_m > 1e4 else 1e-3)


@pytest.mark.parametrize("layer", LAYERS)
def test_areas_are_those_on_the_ellipsoid(layer):
    places = places_in(layer, count=3)
    study = measure_of(places)
    turns = np.linspace(0.0, 360.0, 60, endpoint=False)
    for place in places:
        lon, lat, _ = GEOD.fwd(
            np.full(60, place.x), np.full(60, place.y), turns, 2000.0 + 500.0 * np.cos(np.radians(7 * turns))
        )
        local = next(clusters(gpd.GeoSeries([place], crs=4326), study)[0:1].__iter__())[0]
        ring = shapely.Polygon(shapely.get_coordinates(gpd.GeoSeries.from_xy(lon, lat, crs=4326).to_crs(local).array))
        fine = shapely.get_coordinates(gpd.GeoSeries([shapely.segmentize(ring, 5.0)], crs=local).to_crs(4326).array)
        expected = abs(GEOD.polygon_area_perimeter(*fine.T)[0])
        expected = min(expected, 510065621724088.0 - expected)
        for crs in (local, 3413 if place.y > 0 else 3031):
            given = gpd.GeoSeries([shapely.segmentize(ring, 5.0)], crs=local).to_crs(crs)
            assert to_space(given, study.areas).area[0] == pytest.approx(expected, rel=1e-4)


# ---------------------------------------------------------------- files of actions, and rasters


@pytest.mark.parametrize("place", ["Taveuni", "Chukotka", "Longyearbyen"])
@pytest.mark.parametrize(("crs", "zones_crs"), [(4326, 4326), (4326, 32660), (32601, 4326)])
@pytest.mark.parametrize("unsplit", [False, True])
def test_actions_of_a_file_are_in_their_places(place, crs, zones_crs, unsplit):
    shapes = {"LINE": shapely.LineString([(0.2, 0.7), (1.9, 1.3)]), "PARK": shapely.box(0.5, 0.5, 1.5, 1.5)}
    frame = gpd.GeoDataFrame({"id": list(shapes)}, geometry=[km(shape) for shape in shapes.values()])
    zones = in_crs(moved(four_zones(), PLACES[place]), zones_crs)
    written = in_crs(moved(frame, PLACES[place]), crs, unsplit=unsplit)
    declared = ActionsFile(file="a.gpkg", id="id")
    checked = check_actions(written, declared, origin=Origin("a.gpkg"), zones=zones.geometry)
    assert checked.findings == ()
    there = to_space(checked.table.geometry, measure_of(zones).areas)
    assert there["PARK"].area == pytest.approx(1e6, rel=1e-4)
    assert there["LINE"].length == pytest.approx(1000 * np.hypot(1.7, 0.6), rel=1e-4)
    chosen = choose_rows(
        written, declared.model_copy(update={"only_inside": True}), origin=Origin(), zones=zones.geometry
    )
    assert len(chosen.table) == 2


@pytest.mark.parametrize("crs", [4326, 32660])
def test_reach_polygons_are_split_at_the_antimeridian(crs):
    reach = screen(in_crs(moved(four_zones(), PLACES["Taveuni"]), crs), plan_at(PLACES["Taveuni"])).reach
    assert reach.is_valid.all()
    assert reach.total_bounds[[0, 2]].tolist() == [-180.0, 180.0]
    assert reach.to_crs(measure_of(reach).areas).area.sum() < 2e7


@pytest.mark.parametrize(
    ("place", "begins"), [("Taveuni", -180.0), ("Taveuni", 0.0), ("Taveuni", 179.9), ("two zones", 0.0), ("home", 0.0)]
)
def test_a_raster_in_degrees_wherever_its_world_begins(tmp_path, place, begins):
    """Cells hold their longitude: a zone's mean is that of its middle, wherever the raster ends."""
    where = {"home": (0.0, 51.5)}.get(place) or PLACES[place]
    step = 0.002
    columns = 100 if begins == 179.9 else 180_000
    east = (begins + step * (np.arange(columns) + 0.5) - where[0] + 180.0) % 360.0 - 180.0
    profile = {"driver": "GTiff", "height": 30, "width": columns, "count": 1, "dtype": "float64", "crs": "EPSG:4326"}
    placed = Affine(step, 0.0, begins, 0.0, -step, where[1] + 15 * step)
    with rasterio.open(tmp_path / "east.tif", "w", transform=placed, **profile) as raster:
        raster.write(np.tile(east, (30, 1)), 1)
    for crs in (4326, 32660):
        zones = in_crs(moved(four_zones(), where), crs).geometry
        found = raster_means(tmp_path / "east.tif", zones)
        wide = np.degrees(1000.0 / (6_378_137.0 * np.cos(np.radians(where[1]))))
        np.testing.assert_allclose(found["mean"], np.array([-0.5, 0.5, -0.5, 0.5]) * wide, rtol=0.01)
        np.testing.assert_allclose(found["coverage"], 1.0, rtol=1e-9)

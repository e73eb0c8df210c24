"""Positions in space and distances along the ground: known radii, the geodesics of pyproj, places that are none."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer

from equity_screen.ellipsoid import along_ground, chord, earth_radius, in_space, lonlat, meridian, on_ground
from equity_screen.errors import InputError, UsageError

GEOD = Geod(ellps="WGS84")
LATITUDES = [-90.0, -52.0, -16.85, 0.0, 10.0, 55.7, 78.2, 89.9, 90.0]


def test_the_equator_and_a_pole():
    axial, height = meridian(np.radians([0.0, 90.0]))
    assert axial.tolist() == pytest.approx([6_378_137.0, 0.0], abs=1e-6)
    assert height.tolist() == pytest.approx([0.0, 6_356_752.314], abs=1e-3)


def test_positions_are_those_of_proj():
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(-180, 180, 500), rng.uniform(-90, 90, 500)
    theirs = np.column_stack(Transformer.from_crs(4979, 4978, always_xy=True).transform(lon, lat, np.zeros(500)))
    ours = in_space(np.radians(lon), np.radians(lat))
    assert np.abs(ours - theirs).max() < 1e-8
    back = np.degrees(on_ground(ours))
    assert np.abs(back - [lon, lat]).max() < 1e-12


def test_a_line_and_its_distance_are_inverse():
    distances, radius = np.array([0.0, 1.0, 4_828.032, 100_000.0]), np.full(4, 6_371_000.0)
    assert along_ground(chord(distances, radius), radius).tolist() == pytest.approx(distances.tolist(), rel=1e-12)
    assert along_ground(np.array([2.1]), np.array([1.0])).tolist() == pytest.approx([np.pi])


@pytest.mark.parametrize("latitude", LATITUDES)
@pytest.mark.parametrize("distance", [1.0, 5_000.0, 100_000.0])
def test_distances_are_geodesics_in_every_direction(latitude, distance):
    start = np.full(36, -179.9), np.full(36, latitude)
    lon, lat, _ = GEOD.fwd(*start, np.arange(0.0, 360.0, 10.0), np.full(36, distance))
    line = np.linalg.norm(in_space(*np.radians(start)) - in_space(*np.radians([lon, lat])), axis=1)
    found = along_ground(line, earth_radius(np.radians(start[1])))
    assert np.abs(found / distance - 1).max() < 1e-7


def test_an_array_and_points_in_any_crs_are_read_alike():
    points = gpd.GeoSeries.from_xy([12.5, -70.0], [55.7, -33.0], crs=4326)
    for crs in (4326, 3857, 3395):
        assert lonlat(points.to_crs(crs), "sites") == pytest.approx(np.radians([[12.5, 55.7], [-70.0, -33.0]]))
    assert lonlat(np.array([[12.5, 55.7]]), "sites").tolist() == np.radians([[12.5, 55.7]]).tolist()
    assert lonlat(points[:0], "sites").shape == (0, 2)


def test_many_such_places_are_one_line_each_kind():
    places = np.array([[0, 0], [np.nan, 0], [0, 91], [np.nan, 91], [0, -91]])
    with pytest.raises(InputError, match="2 faults") as caught:
        lonlat(places, "sites")
    assert [fault.row for fault in caught.value.findings] == ["position 1 and 1 more", "position 2 and 1 more"]


@pytest.mark.parametrize("shape", [None, shapely.Point(), shapely.box(0, 0, 1, 1)], ids=["none", "empty", "box"])
def test_a_geometry_that_is_no_point(shape):
    places = gpd.GeoSeries([shapely.Point(12.5, 55.7), shape], crs=4326)
    with pytest.raises(InputError, match=r"position 1, .*ES-POINT-PLACE"):
        lonlat(places, "sites")


def test_a_geometry_beyond_its_projection():
    places = gpd.GeoSeries.from_xy([1e12], [1e12], crs=25832)
    with pytest.raises(InputError, match=r"cannot exist in EPSG:25832"):
        lonlat(places, "sites")


def test_no_crs():
    with pytest.raises(UsageError, match="points without a CRS"):
        lonlat(gpd.GeoSeries.from_xy([12.5], [55.7]), "points")


def test_an_array_that_is_not_longitude_and_latitude():
    with pytest.raises(UsageError, match=r"points of shape \(2, 3\)"):
        lonlat(np.zeros((2, 3)), "points")

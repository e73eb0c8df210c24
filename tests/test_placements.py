from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from equity_screen import placements
from equity_screen.effects import completed
from equity_screen.kernels import Kernel
from equity_screen.overlay import overlay
from equity_screen.placements import (
    city_mask,
    drawn_footprint,
    eligible,
    homes_at,
    placeable_footprints,
    placed,
    round_footprint,
    share_inside,
    spread_sites,
)
from equity_screen.synthetic import four_zones
from tests.plans import effect, km, km_box, plan_of

L_SHAPE = shapely.Polygon([(0, 0), (60, 0), (60, 20), (20, 20), (20, 60), (0, 60)])
HOLED = shapely.Point(30, 30).buffer(40).difference(shapely.box(20, 20, 45, 40))
PAIR = shapely.MultiPolygon([shapely.box(0, 0, 15, 15), shapely.box(50, 30, 70, 60)])


@pytest.fixture(scope="module")
def places() -> gpd.GeoDataFrame:
    """300 homes of 20 zones, some of them at one place."""
    rng = np.random.default_rng(1)
    xy = np.round(rng.uniform(0, 300, (300, 2)))
    xy[-30:] = xy[:30]
    zone = rng.integers(0, 20, 300)
    share = rng.random(300)
    share /= np.bincount(zone, weights=share, minlength=20)[zone]
    return gpd.GeoDataFrame({"zone": zone, "share": share}, geometry=gpd.points_from_xy(*xy.T), crs=3035)


SITES = np.vstack([np.random.default_rng(2).uniform(-50, 350, (40, 2)), [[1e6, 1e6], [-1e6, 150.0]]])


def one_by_one(places, sites, strength) -> np.ndarray:
    """Add up home by home what a strength gives to the point as seen from each site."""
    found = np.zeros((len(sites), 20))
    for s, site in enumerate(sites):
        for home, zone, share in zip(places.geometry, places["zone"], places["share"], strict=True):
            found[s, zone] += share * strength(shapely.Point(home.x - site[0], home.y - site[1]))
    return found


@pytest.mark.parametrize("shape", [L_SHAPE, HOLED, PAIR])
def test_a_shape_is_placed_as_shapely_would(places, shape):
    footprint, anchor = drawn_footprint(shape)
    assert anchor.tolist() == pytest.approx([shape.centroid.x, shape.centroid.y])
    here = shapely.transform(shape, lambda xy: xy - anchor)
    by_hand = one_by_one(places, SITES, here.intersects)
    np.testing.assert_allclose(placed(footprint, SITES, homes=homes_at(places, 20)).toarray(), by_hand, atol=1e-12)
    assert by_hand.any()
    assert not by_hand[-2:].any()


@pytest.mark.parametrize(("outer", "inner"), [(40.0, 0.0), (90.0, 55.0)])
def test_a_disc_and_a_ring_are_exact(places, outer, inner):
    by_hand = one_by_one(places, SITES, lambda home: (inner < np.hypot(home.x, home.y) <= outer) * 1.0)
    found = placed(round_footprint(outer, inner), SITES, homes=homes_at(places, 20)).toarray()
    np.testing.assert_allclose(found, by_hand, atol=1e-12)


def test_a_decay_around_a_point_and_along_a_line_fades_by_the_distance(places):
    kernel = Kernel(kind="exponential", scale_m=30, cut_off_m=80)
    homes = homes_at(places, 20)
    around = one_by_one(places, SITES, lambda home: float(kernel.weights(np.hypot(home.x, home.y))))
    found = placed(round_footprint(80.0, kernel=kernel), SITES, homes=homes).toarray()
    np.testing.assert_allclose(found, around, atol=1e-12)
    line = shapely.LineString([(0, 0), (100, 40), (100, 120)])
    footprint, anchor = drawn_footprint(line.buffer(80, quad_segs=64), source=line, kernel=kernel)
    moved = shapely.transform(line, lambda xy: xy - anchor)
    along = one_by_one(places, SITES, lambda home: float(kernel.weights(home.distance(moved))))
    # The polygon that bounds the search holds the reach but for a thousandth of a metre of its arcs.
    np.testing.assert_allclose(placed(footprint, SITES, homes=homes).toarray(), along, atol=1e-3)


def test_parts_of_the_sites_and_the_order_of_the_homes_change_no_bit(places, monkeypatch):
    footprint, _ = drawn_footprint(HOLED)
    whole = placed(footprint, SITES, homes=homes_at(places, 20)).toarray()
    shuffled = places.sample(frac=1.0, random_state=3)
    assert (placed(footprint, SITES, homes=homes_at(shuffled, 20)).toarray() == whole).all()
    monkeypatch.setattr(placements, "MOST_PAIRS", 7)
    assert (placed(footprint, SITES, homes=homes_at(places, 20)).toarray() == whole).all()


def test_no_site_is_no_row_and_a_lone_home_is_found(places):
    assert placed(round_footprint(10.0), np.empty((0, 2)), homes=homes_at(places, 20)).shape == (0, 20)
    lone = gpd.GeoDataFrame({"zone": [0], "share": [1.0]}, geometry=[shapely.Point(5, 5)], crs=3035)
    sites = np.array([[5.0, 5.0], [5.0, 15.0], [15.1, 5.0]])
    assert placed(round_footprint(10.0), sites, homes=homes_at(lone, 1)).toarray().ravel().tolist() == [1.0, 1.0, 0.0]


def test_footprints_that_differ_by_their_place_only_have_one_key():
    first, _ = drawn_footprint(L_SHAPE)
    moved, anchor = drawn_footprint(shapely.transform(L_SHAPE, lambda xy: xy - np.array([-1234.0, 77.0])))
    assert first.key == moved.key
    assert anchor.tolist() == pytest.approx([1234 + L_SHAPE.centroid.x, -77 + L_SHAPE.centroid.y])
    assert first.key != drawn_footprint(HOLED)[0].key
    kernel = Kernel(kind="linear", cut_off_m=100)
    keys = {round_footprint(100.0).key, round_footprint(100.0, 50.0).key, round_footprint(100.0, kernel=kernel).key}
    assert len(keys) == 3


def test_share_inside_is_about_the_share_of_the_area():
    mask = city_mask(np.array([shapely.box(0, 0, 100, 50), shapely.box(0, 50, 50, 100)]))
    cells = (np.indices((20, 20)).reshape(2, -1).T + 0.5) / 20.0 * 20.0 - 10.0
    sites = np.array([[25.0, 25.0], [50.0, 50.0], [100.0, 25.0], [50.0, 75.0], [-500.0, 9999.0]])
    assert share_inside(cells, sites, mask=mask).tolist() == pytest.approx([1.0, 0.75, 0.5, 0.5, 0.0], abs=0.01)


def test_sites_lie_in_the_zones_and_every_beginning_is_spread_evenly():
    zones = np.array([shapely.box(0, 0, 10, 10), shapely.box(30, 0, 40, 10)])
    sites = spread_sites(zones, number=100, seed=7)
    assert len(sites) == pytest.approx(1600, abs=40)
    assert shapely.intersects_xy(shapely.union_all(zones), *sites.T).all()
    for beginning in (50, 200, 1000):
        assert (sites[:beginning, 0] < 20).mean() == pytest.approx(0.5, abs=0.05)
        assert (sites[:beginning, 1] < 5).mean() == pytest.approx(0.5, abs=0.05)
    assert (sites == spread_sites(zones, number=100, seed=7)).all()
    assert not (sites[:5] == spread_sites(zones, number=100, seed=8)[:5]).any()
    assert spread_sites(np.array([shapely.LineString([(0, 0), (1, 1)])]), number=9, seed=1).shape == (0, 2)


def test_thinly_scattered_zones_stop_the_search_somewhere(monkeypatch):
    monkeypatch.setattr(placements, "MOST_TRIES", 500)
    corners = np.array([shapely.box(0, 0, 1, 1), shapely.box(99, 99, 100, 100)])
    assert len(spread_sites(corners, number=100, seed=1)) <= 5


def test_a_place_is_eligible_where_the_footprint_leaves_the_city_by_no_more_than_a_twentieth():
    shares = np.array([0.54, 0.55, 1.0, 0.2])
    assert eligible(shares, 0.6, number=9).tolist() == [1, 2]
    assert eligible(shares, 1.0, number=9).tolist() == [2]
    assert eligible(shares, 0.0, number=3).tolist() == [0, 1, 2]


def test_footprints_of_a_plan_are_discs_around_points_and_shapes_elsewhere():
    places = {"BOX": km_box(0, 0, 1, 1), "LIST": "zones:A;D", "POINT": km(shapely.Point(1.0, 1.0))}
    rows = [
        effect("BOX"),
        effect("BOX", effect="walk", reach="within", distance_m=100.0),
        effect("LIST"),
        effect("POINT", reach="within", distance_m=300.0),
        effect("POINT", effect="ring", reach="ring", inner_m=100.0, distance_m=300.0),
        effect("POINT", effect="smell", reach="decay", kernel="gaussian", scale_m=100.0, distance_m=300.0),
    ]
    plan = plan_of(places, *rows)
    effects = completed(plan.effects)
    found = placeable_footprints(overlay(four_zones(), plan), plan, effects=effects)
    areas = [footprint.shape.area / 1e6 for footprint in found.footprints]
    disc = np.pi * 0.09
    expected = [1.0, 1.0 + 0.4 + np.pi * 0.01, 2.0, disc, disc - np.pi * 0.01, disc]
    assert areas == pytest.approx(expected, rel=1e-3)
    assert [footprint.key[0] for footprint in found.footprints] == ["drawn"] * 3 + ["round"] * 3
    # All but those of the first action lie around the middle of the city, within the rounding of its space.
    assert np.hypot(*found.anchors[2:].T).max() < 10.0
    assert np.hypot(*found.anchors[0]) == pytest.approx(500 * np.sqrt(2), rel=1e-3)
    middle = np.zeros((1, 2))
    assert [footprint.strength(middle)[0] for footprint in found.footprints[3:]] == [1.0, 0.0, 1.0]
    later = placeable_footprints(overlay(four_zones(), plan), plan, effects=effects.loc[[3, 5]])
    assert later.rows.tolist() == [3, 5]
    assert later.footprints[1].strength(np.array([[100.0, 0.0]]))[0] == pytest.approx(np.exp(-0.5))

"""What is near: two homes and two sites first, then the ellipsoid's hard places, faults, and laws.

Distances are checked against the geodesics of pyproj, pair by pair; sums against loops over those pairs.
"""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from pyproj import Geod

from equity_screen import proximity
from equity_screen.errors import InputError, UsageError
from equity_screen.proximity import nearest, pairs_within, sums_within
from equity_screen.stored_points import point_store

GEOD = Geod(ellps="WGS84")
# Plain, on the antimeridian, near and on a pole, on the equator, on a border of UTM zones, and across three.
HARD = {
    "Copenhagen": (12.5, 55.7),
    "Taveuni": (180.0, -16.85),
    "Fiji's other side": (-179.99, -16.85),
    "Longyearbyen": (15.6, 78.2),
    "89.9 north": (40.0, 89.9),
    "the north pole": (0.0, 90.0),
    "the south pole": (-120.0, -90.0),
    "Quito": (-78.5, 0.0),
    "a zone's border": (-84.0, 10.0),
    "three zones": (-45.0, 80.0),
}


def around(centre, count, *, rng, spread_m):
    """Draw longitudes and latitudes up to a distance from a place, evenly by distance."""
    lon, lat = (np.full(count, part) for part in centre)
    lon, lat, _ = GEOD.fwd(lon, lat, rng.uniform(0, 360, count), spread_m * rng.random(count))
    return np.column_stack([lon, lat])


def geodesics(sites, points):
    """Give all geodesic distances [m], sites × points."""
    site, point = (part.ravel() for part in np.indices((len(sites), len(points))))
    apart = GEOD.inv(*sites[site].T, *points[point].T)[2]
    return np.asarray(apart).reshape(len(sites), len(points))


def people(*counts):
    return pd.DataFrame({"people": np.array(counts, dtype=float)})


def at_metres_east(*metres):
    """Places so many metres of geodesic to the east of one place."""
    lon, lat, _ = GEOD.fwd(*([[start] * len(metres) for start in (12.5, 55.7)]), [90.0] * len(metres), metres)
    return np.column_stack([lon, lat])


SITE = np.array([[12.5, 55.7]])


class TestSums:
    def test_two_sites_share_a_home(self):
        homes = point_store(at_metres_east(0, 1000, 2000), people(30, 5, 7))
        found = sums_within(homes, at_metres_east(500, 1500), distances_m=600)
        assert found.sums["people"].tolist() == [35.0, 12.0]
        assert found.points.tolist() == [2, 2]
        assert found.once["people"].tolist() == [42.0]
        assert found.sums.index.tolist() == [(600.0, 0), (600.0, 1)]
        assert found.sums.index.names == ["distance_m", "site"]

    def test_several_distances_in_one_pass_and_rings_between_them(self):
        homes = point_store(at_metres_east(0, 1000, 2000), people(30, 5, 7))
        found = sums_within(homes, at_metres_east(0, 2000), distances_m=[100, 1500, 2500])
        by_distance = found.sums["people"].to_numpy().reshape(3, 2)
        assert by_distance.tolist() == [[30.0, 7.0], [35.0, 12.0], [42.0, 42.0]]
        assert np.diff(by_distance, axis=0).tolist() == [[5.0, 5.0], [7.0, 30.0]]
        assert found.once["people"].tolist() == [37.0, 42.0, 42.0]
        assert found.once.index.tolist() == [100.0, 1500.0, 2500.0]
        assert found.points.tolist() == [1, 1, 2, 2, 3, 3]

    def test_a_kernel_weighs_each_point_by_its_own_distance(self):
        homes = point_store(at_metres_east(0, 500, 1000), people(30, 8, 4))
        found = sums_within(homes, SITE, distances_m=2000, kernel=lambda metres: 1 - metres / 2000)
        assert found.sums["people"].tolist() == pytest.approx([30 + 6 + 2], rel=1e-9)
        assert found.once["people"].tolist() == [42.0]

    def test_a_kernel_over_several_distances(self):
        homes = point_store(at_metres_east(-1000, 0, 500), people(4, 30, 8))
        found = sums_within(homes, SITE, distances_m=[600, 2000], kernel=lambda metres: 1 - metres / 2000)
        assert found.sums["people"].tolist() == pytest.approx([36, 38], rel=1e-9)

    def test_a_weight_of_nothing_is_still_a_point_within(self):
        found = sums_within(point_store(SITE, people(3)), SITE, distances_m=1, kernel=np.zeros_like)
        assert (found.sums["people"].tolist(), found.points.tolist()) == ([0.0], [1])

    def test_labels_of_the_sites_stay(self):
        sites = gpd.GeoSeries.from_xy([12.5, 12.5], [55.7, 55.7], index=pd.Index(["B", "A"], name="plant"), crs=4326)
        found = sums_within(point_store(SITE, people(30)), sites, distances_m=10)
        assert found.sums.index.tolist() == [(10.0, "B"), (10.0, "A")]
        assert found.sums.index.names == ["distance_m", "plant"]

    def test_sites_and_points_may_be_in_any_crs(self):
        homes = gpd.GeoSeries.from_xy([12.5, 12.6], [55.7, 55.7], crs=4326)
        here = point_store(homes.to_crs(25832), people(30, 5))
        found = sums_within(here, homes.to_crs(3857), distances_m=0)
        assert found.sums["people"].tolist() == [30.0, 5.0]

    def test_two_facilities_at_one_place_count_people_once_together(self):
        homes = point_store(at_metres_east(0, 10), people(30, 5))
        found = sums_within(homes, np.repeat(SITE, 2, axis=0), distances_m=100)
        assert found.sums["people"].tolist() == [35.0, 35.0]
        assert found.once["people"].tolist() == [35.0]

    def test_homes_at_one_place_all_count(self):
        homes = point_store(np.repeat(SITE, 3, axis=0), people(1, 2, 4))
        assert sums_within(homes, SITE, distances_m=0).sums["people"].tolist() == [7.0]

    def test_points_without_people_are_points(self):
        found = sums_within(point_store(SITE, people(0)), SITE, distances_m=0)
        assert (found.sums["people"].tolist(), found.points.tolist()) == ([0.0], [1])

    def test_nothing_near_is_zero_and_no_points(self):
        found = sums_within(point_store(SITE, people(30)), np.array([[-12.5, -55.7]]), distances_m=[5, 100_000])
        assert found.sums["people"].tolist() == [0.0, 0.0]
        assert found.points.tolist() == [0, 0]
        assert found.once["people"].tolist() == [0.0, 0.0]

    def test_no_points_no_sites_no_columns(self):
        empty = point_store(np.empty((0, 2)), people())
        assert sums_within(empty, SITE, distances_m=100).sums["people"].tolist() == [0.0]
        assert sums_within(empty, SITE, distances_m=100).once["people"].tolist() == [0.0]
        none = sums_within(point_store(SITE, people(30)), np.empty((0, 2)), distances_m=[1, 2])
        assert (len(none.sums), none.once["people"].tolist()) == (0, [0.0, 0.0])
        bare = sums_within(point_store(SITE, pd.DataFrame(index=[0])), SITE, distances_m=1)
        assert (bare.sums.shape, bare.points.tolist(), bare.once.shape) == ((1, 0), [1], (1, 0))

    @pytest.mark.parametrize("centre", HARD.values(), ids=HARD)
    @pytest.mark.parametrize("distance", [1.0, 800.0, 4_828.032, 60_000.0, 100_000.0])
    def test_as_a_loop_over_geodesics(self, centre, distance):
        rng = np.random.default_rng(7)
        points, sites = (around(centre, n, rng=rng, spread_m=1.3 * distance) for n in (300, 7))
        table = pd.DataFrame({"people": rng.integers(0, 90, 300), "rate": rng.normal(0, 9, 300)}).astype(np.float32)
        near = geodesics(sites, points) <= distance
        found = sums_within(point_store(points, table), sites, distances_m=distance)
        exact = table.to_numpy(dtype=np.float64)
        assert found.points.tolist() == near.sum(axis=1).tolist()
        assert found.sums["people"].tolist() == (near @ exact[:, 0]).tolist()
        assert found.sums["rate"].tolist() == pytest.approx((near @ exact[:, 1]).tolist(), rel=1e-9, abs=1e-9)
        assert found.once["people"].tolist() == [exact[near.any(axis=0), 0].sum()]

    def test_single_precision_attributes_add_up_in_double(self):
        values = np.full(40_000, 0.1, dtype=np.float32)
        homes = point_store(
            np.repeat(SITE, 40_000, axis=0), pd.DataFrame({"a": values, "people": np.float32(16_777_215)})
        )
        assert homes.table.dtype == np.float32
        found = sums_within(homes, SITE, distances_m=0)
        assert found.sums["a"].tolist() == pytest.approx([math.fsum(values.tolist())], rel=1e-12)
        assert found.sums["people"].tolist() == found.once["people"].tolist() == [40_000 * 16_777_215.0]

    def test_anything_but_single_precision_is_kept_in_double(self):
        table = pd.DataFrame({"a": np.float32([0.5]), "people": pd.array([16_777_217], dtype="Int64")})
        homes = point_store(SITE, table)
        assert homes.table.dtype == np.float64
        assert sums_within(homes, SITE, distances_m=0).sums["people"].tolist() == [16_777_217.0]


class TestExactlyAtTheDistance:
    @pytest.mark.parametrize("centre", HARD.values(), ids=HARD)
    @pytest.mark.parametrize("distance", [0.5, 1_000.0, 4_828.032, 100_000.0])
    def test_counts_and_a_millionth_farther_does_not(self, centre, distance):
        bearings = np.linspace(0, 360, 72, endpoint=False)
        lon, lat = (np.full(72, part) for part in centre)
        for metres, expected in ((distance, 72), (distance * (1 + 1.2e-6) + 2e-6, 0)):
            ends = np.column_stack(GEOD.fwd(lon, lat, bearings, np.full(72, metres))[:2])
            homes = point_store(ends, people(*np.ones(72)))
            assert sums_within(homes, np.array([centre]), distances_m=distance).points.tolist() == [expected]


class TestPairs:
    def test_name_both_by_their_own_positions(self):
        homes = point_store(at_metres_east(1000, 0, 300), people(1, 2, 3))
        found = pairs_within(homes, at_metres_east(1000, 0), distance_m=400)
        assert list(zip(found.site.tolist(), found.point.tolist(), strict=True)) == [(0, 0), (1, 1), (1, 2)]
        assert found.distance_m.tolist() == pytest.approx([0, 0, 300], abs=1e-6)

    def test_each_site_may_have_its_distance(self):
        homes = point_store(at_metres_east(0, 300, 900), people(1, 2, 3))
        found = pairs_within(homes, np.repeat(SITE, 3, axis=0), distance_m=[10, 1000, 400])
        assert np.bincount(found.site).tolist() == [1, 3, 2]

    def test_none(self):
        found = pairs_within(point_store(SITE, people(1)), np.array([[0.0, 0.0]]), distance_m=10)
        assert [part.tolist() for part in found] == [[], [], []]
        assert found.site.dtype == np.intp

    @pytest.mark.parametrize("centre", HARD.values(), ids=HARD)
    def test_distances_are_geodesics_up_to_100_km(self, centre):
        rng = np.random.default_rng(11)
        points, sites = around(centre, 900, rng=rng, spread_m=100_000), np.array([centre])
        found = pairs_within(point_store(points, pd.DataFrame(index=range(900))), sites, distance_m=100_000)
        assert found.point.tolist() == list(range(900))
        assert np.abs(found.distance_m / geodesics(sites, points)[0] - 1).max() < 1e-7


class TestNearest:
    def test_of_two_stops(self):
        stops = point_store(at_metres_east(1000, 0), people(0, 0))
        found = nearest(stops, at_metres_east(0, 400, 600, 1500))
        assert found.place.tolist() == [1, 1, 0, 0]
        assert found.distance_m.tolist() == pytest.approx([0, 400, 400, 500], abs=1e-6)

    def test_of_several_at_one_spot_the_first(self):
        values = people(9, 3, 1, 5)
        stops = point_store(at_metres_east(50, 0, 0, 0), values)
        assert nearest(stops, SITE).place.tolist() == [1]

    def test_no_place_and_no_point(self):
        empty = point_store(np.empty((0, 2)), people())
        found = nearest(empty, SITE)
        assert (found.place.tolist(), np.isnan(found.distance_m).tolist()) == ([-1], [True])
        assert nearest(point_store(SITE, people(1)), np.empty((0, 2))).place.tolist() == []

    @pytest.mark.parametrize("centre", HARD.values(), ids=HARD)
    def test_as_a_loop_over_geodesics(self, centre):
        rng = np.random.default_rng(5)
        places, points = (around(centre, n, rng=rng, spread_m=60_000) for n in (40, 200))
        found = nearest(point_store(places, pd.DataFrame(index=range(40))), points)
        apart = geodesics(points, places)
        assert found.place.tolist() == apart.argmin(axis=1).tolist()
        assert found.distance_m == pytest.approx(apart.min(axis=1), rel=1e-7)

    def test_far_away_distances_are_geodesics_too(self):
        found = nearest(point_store(np.array([[179.9, -16.8]]), people(1)), np.array([[-170.0, 20.0], [12.5, 55.7]]))
        assert found.distance_m == pytest.approx(
            GEOD.inv([179.9] * 2, [-16.8] * 2, [-170.0, 12.5], [20.0, 55.7])[2], rel=1e-12
        )


class TestFaults:
    @pytest.mark.parametrize(
        ("place", "message"),
        [
            ((np.nan, 55.7), r"position 1, .*no place.*ES-POINT-PLACE"),
            ((12.5, np.nan), r"position 1, .*no place.*ES-POINT-PLACE"),
            ((12.5, 90.001), r"position 1, value \(12\.5, 90\.001\).*cannot exist.*ES-GEOM-COORDINATES"),
            ((180.5, 0.0), r"position 1, value \(180\.5, 0\.0\).*ES-GEOM-COORDINATES"),
            ((np.inf, 0.0), r"position 1, value \(inf, 0\.0\).*ES-GEOM-COORDINATES"),
        ],
    )
    def test_a_place_that_is_none(self, place, message):
        places = np.array([SITE[0], place])
        with pytest.raises(InputError, match=f"points, {message}"):
            point_store(places, people(1, 2))
        homes = point_store(SITE, people(1))
        for ask in (
            lambda: sums_within(homes, places, distances_m=1),
            lambda: pairs_within(homes, places, distance_m=1),
        ):
            with pytest.raises(InputError, match=f"sites, {message}"):
                ask()
        with pytest.raises(InputError, match=f"points, {message}"):
            nearest(homes, places)

    @pytest.mark.parametrize("distances", [-1, np.nan, 100_001, [], [5, 5], [5, 4]])
    def test_distances_that_cannot_be_meant(self, distances):
        with pytest.raises(UsageError, match="distances of"):
            sums_within(point_store(SITE, people(1)), SITE, distances_m=distances)

    def test_distances_of_pairs(self):
        homes = point_store(SITE, people(1))
        with pytest.raises(UsageError, match="2 distances for 1 sites"):
            pairs_within(homes, SITE, distance_m=[1, 2])
        with pytest.raises(UsageError, match="give numbers from 0 to 100000"):
            pairs_within(homes, SITE, distance_m=-1)

    @pytest.mark.parametrize("kernel", [np.sum, lambda metres: metres * np.nan])
    def test_a_kernel_that_gives_no_weights(self, kernel):
        with pytest.raises(UsageError, match="finite weight for each distance"):
            sums_within(point_store(SITE, people(1)), SITE, distances_m=1, kernel=kernel)


# Laws


@st.composite
def lands(draw):
    """Points and sites around one hard place; some points stand twice."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    centre, spread = draw(st.sampled_from(sorted(HARD.values()))), draw(st.sampled_from([50.0, 3_000.0, 90_000.0]))
    points = around(centre, draw(st.integers(1, 60)), rng=rng, spread_m=spread)
    points = np.vstack([points, points[: len(points) // 3]])
    table = pd.DataFrame({"people": rng.integers(0, 9, len(points)) * 1.0, "x": rng.lognormal(0, 3, len(points))})
    sites = around(centre, draw(st.integers(1, 9)), rng=rng, spread_m=spread)
    return points, table, np.vstack([sites, sites[:1]]), spread, rng


@given(lands())
def test_no_order_of_points_or_sites_changes_a_bit(land):
    points, table, sites, spread, rng = land
    distances = [spread / 3, spread]
    order, turn = rng.permutation(len(points)), rng.permutation(len(sites))
    found = sums_within(point_store(points, table), sites, distances_m=distances)
    again = sums_within(
        point_store(points[order], table.iloc[order].reset_index(drop=True)), sites[turn], distances_m=distances
    )
    for ours, other in ((found.sums, again.sums), (found.points, again.points)):
        shape = (2, len(sites), -1)
        one, two = (part.to_numpy().reshape(shape) for part in (ours, other))
        assert one[:, turn].tobytes() == two.tobytes()
    assert found.once.to_numpy().tobytes() == again.once.to_numpy().tobytes()


@given(lands(), st.integers(1, 40))
def test_the_size_of_chunks_changes_no_bit_and_pieces_lose_nothing(land, size):
    points, table, sites, spread, _ = land
    store = point_store(points, table)
    found = sums_within(store, sites, distances_m=spread)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proximity, "_STRIPS", size)
        patch.setattr(proximity, "_CHUNK", size)
        again = sums_within(store, sites, distances_m=spread)
        patch.setattr(proximity, "_PIECE", max(size // 3, 1))
        pieces = sums_within(store, sites, distances_m=spread)
        alone = sums_within(store, sites[:1], distances_m=spread)
    assert found.sums.to_numpy().tobytes() == again.sums.to_numpy().tobytes()
    assert pieces.points.tolist() == found.points.tolist()
    assert pieces.sums["people"].tolist() == found.sums["people"].tolist()
    assert pieces.sums.iloc[0].tolist() == alone.sums.iloc[0].tolist()


def test_what_else_is_asked_changes_no_bit_of_a_site_with_many_points(monkeypatch):
    rng = np.random.default_rng(1)
    points, sites = (around(HARD["Copenhagen"], n, rng=rng, spread_m=2_000) for n in (900, 12))
    store = point_store(points, pd.DataFrame({"x": rng.lognormal(0, 9, 900)}))
    monkeypatch.setattr(proximity, "_PIECE", 7)
    together = sums_within(store, sites, distances_m=1_500).sums["x"].tolist()
    assert together == [sums_within(store, site[None], distances_m=1_500).sums["x"].iloc[0] for site in sites]


@given(lands())
def test_sums_grow_with_the_distance_and_the_union_is_at_most_the_sum(land):
    points, table, sites, spread, _ = land
    found = sums_within(
        point_store(points, table), sites, distances_m=np.array([0.1, 0.5, 1.0, 2.0]) * min(spread, 5e4)
    )
    by_site = found.sums.to_numpy().reshape(4, len(sites), 2)
    assert (np.diff(by_site, axis=0) >= 0).all()
    assert (np.diff(found.once.to_numpy(), axis=0) >= 0).all()
    once = found.once["people"].to_numpy()
    assert (once <= by_site[:, :, 0].sum(axis=1)).all()
    assert (once >= by_site[:, :, 0].max(axis=1)).all()
    assert (once <= table["people"].sum()).all()


@given(lands())
def test_pairs_and_sums_agree_with_geodesics(land):
    points, table, sites, spread, _ = land
    store = point_store(points, table)
    apart = geodesics(sites, points)
    pairs = pairs_within(store, sites, distance_m=spread)
    inside, outside = apart <= spread, apart > spread * (1 + 1.2e-6) + 2e-6
    found = np.zeros(apart.shape, dtype=int)
    np.add.at(found, (pairs.site, pairs.point), 1)
    assert (found[inside] == 1).all()
    assert (found[outside] == 0).all()
    assert np.abs(pairs.distance_m - apart[pairs.site, pairs.point]).max(initial=0) <= 1e-7 * spread + 1e-8
    sums = sums_within(store, sites, distances_m=spread).sums["people"].tolist()
    assert sums == (found @ table["people"].to_numpy()).tolist()


# Real places


@pytest.mark.shared
def test_people_near_the_facilities_of_the_united_states(shared_data):
    """Block groups across Alaska's antimeridian to Guam; a sample of facilities against geodesics."""
    facilities = pd.read_parquet(
        shared_data / "us_facilities" / "epa_facilities_by_mact.parquet", columns=["lon", "lat"]
    )
    sites = facilities.dropna().to_numpy()
    centres = pd.read_parquet(shared_data / "us_block_groups" / "block_group_population_centres_2020.parquet")
    places = centres[["lon", "lat"]].to_numpy()
    distance = 3 * 1_609.344
    found = sums_within(point_store(places, centres[["pop2020"]]), sites, distances_m=distance)
    assert (len(sites), len(places)) == (55_411, 242_335)
    sample = np.random.default_rng(3).integers(0, len(sites), 5)
    expected = geodesics(sites[sample], places) <= distance
    assert found.points.to_numpy()[sample].tolist() == expected.sum(axis=1).tolist()
    assert found.sums["pop2020"].to_numpy()[sample].tolist() == (expected @ centres["pop2020"].to_numpy()).tolist()
    assert found.sums["pop2020"].max() <= found.once["pop2020"].iloc[0] <= centres["pop2020"].sum()
    assert np.isclose(found.sums["pop2020"].sum(), pairs_total(places, sites, centres["pop2020"].to_numpy(), distance))


def pairs_total(places, sites, counts, distance):
    """Sum over all pairs from their list, another way through the same search."""
    pairs = pairs_within(point_store(places, pd.DataFrame(index=range(len(places)))), sites, distance_m=distance)
    return counts[pairs.point].sum()

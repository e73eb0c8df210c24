"""Where effects land in the city of four squares of 1 km: rings, decays, areas, rasters and travel times."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio import Affine
from scipy.integrate import quad
from scipy.sparse import csr_array
from shapely.geometry import LineString, Point

from equity_screen.access import floating_catchment
from equity_screen.align import check_blocks
from equity_screen.crs import measure_of, to_space
from equity_screen.effects import completed
from equity_screen.errors import InputError
from equity_screen.kernels import Kernel
from equity_screen.landing import Space, kernels_of, land, ring_edges, seen_of_rasters
from equity_screen.overlay import overlay
from equity_screen.reach import points_and_distances
from equity_screen.relation import Relation
from equity_screen.schema import Origin
from equity_screen.screen import screen
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, ORIGIN, four_zones
from tests.plans import effect, km, km_box, plan_of

CITY = four_zones()
PEOPLE = np.array([100.0, 200, 300, 400])
MIDDLE = km(Point(1, 1))
# EPSG:25832 draws a metre here as 0.99965 m.
SCALE = 1e-3


def points_of(*rows, east=0.0, north=0.0):
    """Population points (km east, km north, people)."""
    table = pd.DataFrame(rows, columns=["x", "y", "people"])
    table["x"], table["y"] = ORIGIN[0] + 1000 * (table["x"] + east), ORIGIN[1] + 1000 * (table["y"] + north)
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
    return check_blocks(table.astype("str"), declared, origin=Origin("b.csv", "row"), zones=CITY.geometry).table


def lay(reach="footprint", place=MIDDLE, *, blocks=None, **given):
    return overlay(CITY, plan_of({"X": place}, effect("X", reach=reach, **given)), blocks=blocks)


def shares(laid):
    return laid.shares.matrix.toarray().ravel()


def doses(laid):
    return laid.per_person.matrix.toarray().ravel()


def landed(reach="footprint", place=MIDDLE, **given):
    plan, study = plan_of({"X": place}, effect("X", reach=reach, **given)), measure_of(CITY)
    space = Space(study, to_space(CITY.geometry, study.areas), None)
    return land(space, plan.actions, effects=completed(plan.effects))


# ---------------------------------------------------------------- rings


class TestRing:
    PLACES = (MIDDLE, km(LineString([(0.5, 0.5), (1.5, 0.5)])), km_box(0.4, 0.4, 0.8, 1.2))

    @pytest.mark.parametrize("place", PLACES, ids=lambda shape: shape.geom_type)
    def test_is_within_the_outer_less_within_the_inner_distance(self, place):
        outer, inner = (shares(lay("within", place, distance_m=far)) for far in (600.0, 250.0))
        ring = shares(lay("ring", place, inner_m=250.0, distance_m=600.0))
        assert ring == pytest.approx(outer - inner, abs=1e-9)

    def test_around_a_point_is_exact(self):
        ring = shares(lay("ring", inner_m=250.0, distance_m=600.0))
        assert ring == pytest.approx([math.pi / 4 * (0.6**2 - 0.25**2)] * 4, rel=SCALE)

    def test_of_an_area_leaves_out_the_area_itself(self):
        assert shares(lay("ring", km_box(0, 0, 1, 1), inner_m=1.0, distance_m=100.0))[0] < 0.005

    def test_that_holds_a_neighbourhood_whole_is_exactly_one(self):
        laid = lay("ring", km(Point(-2, 0.5)), inner_m=1500.0, distance_m=3200.0)
        assert shares(laid)[0] == 1.0

    def test_its_polygon_has_a_hole(self):
        ring = landed("ring", inner_m=250.0, distance_m=600.0).footprints.iloc[0]
        assert len(ring.interiors) == 1
        assert ring.area / 1e6 == pytest.approx(math.pi * (0.6**2 - 0.25**2), rel=SCALE)

    def test_a_point_at_the_inner_edge_is_not_in_it_and_one_at_the_outer_edge_is(self):
        """Distances in the measuring space are what they are: each edge is put exactly where a point is."""
        spots = points_of((0.3, 0.5, 10), (0.4, 0.5, 20), (0.6, 0.5, 30), (0.8, 0.5, 40))
        metres = self.exact_distances(spots, km(Point(0.1, 0.5)))
        laid = lay("ring", km(Point(0.1, 0.5)), inner_m=metres[0], distance_m=metres[2], blocks=spots)
        assert shares(laid)[0] == pytest.approx(0.5)  # 20 and 30 of 100

    @staticmethod
    def exact_distances(spots, place):
        here = gpd.GeoSeries([place], crs=CRS)
        (point, _), apart = points_and_distances(
            spots.geometry, here, distances=np.array([5000.0]), study=measure_of(CITY)
        )
        return apart[np.argsort(point)]

    def test_points_decide_where_there_are_any(self):
        spots = points_of((1, 0.9, 0), (0.9, 0.9, 60), (0.5, 0.5, 40))
        assert shares(lay("ring", inner_m=200.0, distance_m=900.0, blocks=spots))[0] == pytest.approx(0.4)


# ---------------------------------------------------------------- decays


def mean_over(kernel, box, *, place=(0.6, 0.7), cells=1200):
    """Mean of a kernel over a box in km, on a fine grid."""
    west, south, east, north = box
    x, y = (low + (np.arange(cells) + 0.5) / cells * (high - low) for low, high in ((west, east), (south, north)))
    return kernel.weights(1000 * np.hypot(x[:, None] - place[0], y[None, :] - place[1])).mean()


KERNELS = {
    "linear": {},
    "exponential": {"scale_m": 300.0},
    "gaussian": {"scale_m": 250.0},
    "inverse": {"floor_m": 200.0},
}
SQUARES = [(0, 0, 1, 1), (1, 0, 2, 1), (0, 1, 1, 2), (1, 1, 2, 2)]


class TestDecayOverAreas:
    @pytest.mark.parametrize("far", [500.0, 1500.0, 4000.0])
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_agrees_with_a_fine_grid(self, kernel, far):
        """A kernel of 1 at its top to 1e-3; the inverse one, of up to 5 per km, likewise by its top."""
        law = Kernel(kind=kernel, cut_off_m=far, **KERNELS[kernel])
        found = doses(lay("decay", km(Point(0.6, 0.7)), kernel=kernel, distance_m=far, **KERNELS[kernel]))
        expected = [mean_over(law, square) for square in SQUARES]
        assert found == pytest.approx(expected, abs=1e-3 * float(law.weights(0.0)))

    @pytest.mark.parametrize(
        ("kernel", "given", "far"),
        [*((name, given, 480.0) for name, given in KERNELS.items()), ("exponential", {"scale_m": 20.0}, 490.0)],
    )
    def test_over_a_full_disc_is_its_closed_form(self, kernel, given, far):
        """Of the linear kernel the mean over a disc is 1 − 2/3."""
        laid = lay("decay", km(Point(0.5, 0.5)), kernel=kernel, distance_m=far, **given)
        law = Kernel(kind=kernel, cut_off_m=far, **given)
        steps = [given["floor_m"]] if "floor_m" in given else None
        mean = quad(lambda r: 2 * r / far**2 * law.weights(r), 0, far, points=steps)[0]
        assert doses(laid)[0] / shares(laid)[0] == pytest.approx(mean, rel=1e-4)
        assert kernel != "linear" or mean == pytest.approx(1 / 3)

    def test_one_that_hardly_fades_is_within(self):
        within, decay = (
            lay(reach, distance_m=600.0, **given)
            for reach, given in (("within", {}), ("decay", {"kernel": "gaussian", "scale_m": 1e9}))
        )
        assert shares(decay).tolist() == shares(within).tolist()
        assert doses(decay) == pytest.approx(doses(within), rel=1e-9)

    def test_of_an_area_everyone_in_it_has_all_of_it(self):
        laid = lay("decay", km_box(0, 0, 1, 1), kernel="linear", distance_m=500.0)
        assert doses(laid)[0] == pytest.approx(1, abs=1e-4)
        # Next to it the mean of 1 − d/c over half a square is half of a half.
        assert doses(laid)[1] == pytest.approx(0.25, abs=1e-3)

    def test_around_a_line_it_falls_to_both_sides(self):
        laid = lay("decay", km(LineString([(-2, 0.5), (4, 0.5)])), kernel="linear", distance_m=500.0)
        assert doses(laid)[:2] == pytest.approx([0.5, 0.5], abs=1e-3)

    def test_places_of_several_kinds_and_kernels_at_once(self):
        places = {"P": MIDDLE, "L": km(LineString([(0, 0), (1, 1)])), "B": km_box(0.2, 0.2, 0.4, 0.4)}
        rows = [
            effect(name, reach="decay", kernel=kernel, distance_m=700.0, **given)
            for name in places
            for kernel, given in list(KERNELS.items())[:3]
        ]
        rows = [row | {"effect": f"e{i}"} for i, row in enumerate(rows)]
        together = overlay(CITY, plan_of(places, *rows)).per_person.matrix.toarray()
        for column, row in enumerate(rows):
            alone = doses(overlay(CITY, plan_of(places, row)))
            assert together[:, column] == pytest.approx(alone, rel=1e-12)

    def test_rings_are_narrow_where_a_kernel_falls(self):
        edges = ring_edges(Kernel(kind="exponential", scale_m=50, cut_off_m=5000))
        assert edges[0] == 0
        assert edges[-1] == 5000
        assert (np.diff(edges) > 0).all()
        assert np.diff(edges)[0] < 10 < np.diff(edges)[-1]


class TestDecayAtPoints:
    SPOTS = ((0.5, 0.5, 30), (0.5, 0.7, 50), (0.5, 0.9, 20), (1.5, 0.5, 200))

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_is_the_exact_sum_over_the_people(self, kernel):
        spots, place = points_of(*self.SPOTS), km(Point(0.5, 0.5))
        law = Kernel(kind=kernel, cut_off_m=300.0, **KERNELS[kernel])
        laid = lay("decay", place, kernel=kernel, distance_m=300.0, blocks=spots, **KERNELS[kernel])
        apart = TestRing.exact_distances(spots, place)
        expected = (np.array([30, 50, 20]) * law.weights(apart[:3])).sum() / 100
        assert shares(laid) == pytest.approx([0.8, 0, 0, 0])
        assert doses(laid) == pytest.approx([expected, 0, 0, 0])

    def test_a_neighbourhood_without_points_is_measured_by_area(self):
        spots = points_of((0.5, 0.5, 100))
        by_points, by_area = (
            doses(lay("decay", kernel="linear", distance_m=900.0, blocks=blocks)) for blocks in (spots, None)
        )
        assert by_points[1:] == pytest.approx(by_area[1:])
        assert by_points[0] == pytest.approx(1 - math.hypot(500, 500) / 900, abs=SCALE)

    def test_at_the_cut_off_a_person_is_in_reach_of_nothing_of_a_linear_kernel(self):
        spots, place = points_of((0.5, 0.5, 30), (0.5, 0.7, 70)), km(Point(0.5, 0.5))
        far = TestRing.exact_distances(spots, place)[1]
        laid = lay("decay", place, kernel="linear", distance_m=far, blocks=spots)
        assert (shares(laid)[0], doses(laid)[0]) == (1, pytest.approx(0.3))

    def test_a_total_is_shared_out_by_people_and_nearness(self):
        """One service and no other: its capacity by the two-step floating catchment."""
        spots, place = points_of(*self.SPOTS, (0.1, 1.99, 300), (1.9, 1.9, 400)), km(Point(0.5, 0.5))
        given = {"kernel": "exponential", "scale_m": 200.0, "distance_m": 1200.0}
        laid = lay("decay", place, per="total", amount=60.0, blocks=spots, **given)
        pull = np.array([30, 50, 20, 200]) * np.exp(-TestRing.exact_distances(spots, place)[:4] / 200)
        parts = 60 * pull / pull.sum()
        assert 60 * self.catchment(
            spots, place, Kernel(kind="exponential", scale_m=200, cut_off_m=1200)
        ) == pytest.approx(parts)
        assert doses(laid) * PEOPLE == pytest.approx([parts[:3].sum(), parts[3], 0, 0])

    @staticmethod
    def catchment(spots, place, fading):
        """What the people of the first four points have of one unit of a service, as another module has it."""
        people = pd.Series([30.0, 50, 20, 200], index=list("pqrs"))
        apart, four = TestRing.exact_distances(spots, place)[:4], np.arange(4)
        cost = Relation(csr_array((apart, (four, 0 * four)), shape=(4, 1)), people.index, pd.Index(["X"]))
        access = floating_catchment(pd.Series([1.0], index=["X"]), people, cost=cost, fading=fading).access
        return access.to_numpy() * people.to_numpy()

    def test_people_in_reach_do_not_depend_on_the_kernel(self):
        spots = points_of(*self.SPOTS)
        within = shares(lay("within", km(Point(0.5, 0.5)), distance_m=300.0, blocks=spots))
        for kernel, given in KERNELS.items():
            laid = lay("decay", km(Point(0.5, 0.5)), kernel=kernel, distance_m=300.0, blocks=spots, **given)
            assert shares(laid).tolist() == within.tolist()


def test_kernels_of_equal_effects_are_one():
    rows = [("linear", np.nan, 300.0), ("gaussian", 50.0, 300.0), ("linear", np.nan, 300.0), ("linear", np.nan, 500.0)]
    table = pd.DataFrame(rows, columns=["kernel", "scale_m", "distance_m"]).assign(floor_m=np.nan)
    found = [(kernel.kind, kernel.cut_off_m, rows.tolist()) for kernel, rows in kernels_of(table)]
    assert sorted(found) == [("gaussian", 300, [1]), ("linear", 300, [0, 2]), ("linear", 500, [3])]


# ---------------------------------------------------------------- rasters


def raster(path, values, *, cell=500.0, west=0.0, north=2.0, scaling=None, **profile):
    """Cells of 500 m from the north-western corner of the city, unless said."""
    values = np.asarray(values, dtype="float64")
    corner = Affine(cell, 0, ORIGIN[0] + 1000 * west, 0, -cell, ORIGIN[1] + 1000 * north)
    profile = {"driver": "GTiff", "dtype": "float64", "count": 1, "crs": CRS, "transform": corner, **profile}
    with rasterio.open(path, "w", height=values.shape[0], width=values.shape[1], **profile) as target:
        target.write(values, 1)
        if scaling:
            target.scales, target.offsets = [scaling[0]], [scaling[1]]
    return str(path)


NORTH_WEST = [[2.0, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]  # the western half of C


class TestRaster:
    def cool(self, path, values, *, blocks=None, per="person", amount=1.0, **given):
        file = raster(path / "cool.tif", values, **given)
        return lay("raster", "unlocated", raster=file, layer="cool.tif", blocks=blocks, per=per, amount=amount)

    def test_two_degrees_over_half_a_neighbourhood(self, tmp_path):
        laid = self.cool(tmp_path, NORTH_WEST)
        assert shares(laid) == pytest.approx([0, 0, 0.5, 0], abs=1e-5)
        assert doses(laid) == pytest.approx([0, 0, 1, 0], abs=1e-5)
        assert not laid.unlocated.any()

    def test_an_amount_multiplies_it(self, tmp_path):
        assert doses(self.cool(tmp_path, NORTH_WEST, amount=0.5))[2] == pytest.approx(0.5, abs=1e-5)

    def test_of_values_that_differ_the_mean_counts(self, tmp_path):
        laid = self.cool(tmp_path, [[1, 2, 0, 0], [3, 4, 0, 0], [0] * 4, [0] * 4])
        assert (shares(laid)[2], doses(laid)[2]) == pytest.approx((1, 2.5), abs=1e-4)

    def test_where_nothing_is_known_nobody_is_reached(self, tmp_path):
        values = np.where(np.array(NORTH_WEST) == 0, -9, NORTH_WEST)
        laid = self.cool(tmp_path, values, nodata=-9)
        assert shares(laid) == pytest.approx([0, 0, 0.5, 0], abs=1e-5)
        assert doses(laid)[2] == pytest.approx(1, abs=1e-5)

    def test_scale_and_offset_count(self, tmp_path):
        """Stored 0 and 4 stand for −1 + 1 = 0 and 2."""
        values = 2 * np.array(NORTH_WEST)
        laid = self.cool(tmp_path, values + 2, scaling=(0.5, -1.0))
        assert shares(laid) == pytest.approx([0, 0, 0.5, 0], abs=1e-5)
        assert doses(laid)[2] == pytest.approx(1, abs=1e-5)

    def test_points_have_the_value_of_their_cell(self, tmp_path):
        spots = points_of((0.25, 1.25, 30), (0.75, 1.25, 10), (0.25, 1.75, 60), (1.5, 1.5, 400))
        laid = self.cool(tmp_path, [[1, 5, 0, 0], [3, 0, 0, 0], [0] * 4, [0] * 4], blocks=spots)
        assert shares(laid) == pytest.approx([0, 0, 0.9, 0])
        assert doses(laid) == pytest.approx([0, 0, (30 * 3 + 60 * 1) / 100, 0])

    def test_a_total_is_shared_out_by_people_and_values(self, tmp_path):
        laid = self.cool(tmp_path, [[1, 1, 2, 2], [1, 1, 2, 2], [0] * 4, [0] * 4], per="total", amount=110.0)
        assert doses(laid) * PEOPLE == pytest.approx([0, 0, 30, 80], rel=1e-4, abs=1e-3)

    @pytest.mark.parametrize("values", [np.zeros((4, 4)), np.full((4, 4), np.nan)], ids=["zero", "unknown"])
    def test_of_nothing_reaches_nobody(self, tmp_path, values):
        assert self.cool(tmp_path, values).shares.matrix.nnz == 0

    def test_beside_the_city_reaches_nobody(self, tmp_path):
        laid = self.cool(tmp_path, np.ones((2, 2)), west=9.0)
        assert laid.shares.matrix.nnz == 0
        assert laid.outside.tolist() == [1.0]

    def test_that_reaches_beyond_the_city_says_by_how_much(self, tmp_path):
        laid = self.cool(tmp_path, np.ones((4, 4)), west=-1.0)
        assert laid.outside.iloc[0] == pytest.approx(0.5, abs=1e-5)

    def test_in_another_crs(self, tmp_path):
        corner = gpd.GeoSeries([km(Point(0, 2))], crs=CRS).to_crs(4326)[0]
        transform = Affine(0.008, 0, corner.x, 0, -0.0045, corner.y)
        laid = self.cool(tmp_path, [[2.0]], crs="EPSG:4326", transform=transform)
        patch = shapely.box(corner.x, corner.y - 0.0045, corner.x + 0.008, corner.y)
        there = gpd.GeoSeries([patch], crs=4326).segmentize(0.0005).to_crs(CRS)
        expected = there[0].intersection(CITY.geometry["C"]).area / 1e6
        assert shares(laid)[2] == pytest.approx(expected, rel=1e-3)
        assert doses(laid)[2] == pytest.approx(2 * expected, rel=1e-3)

    def test_many_effects_of_one_raster_read_it_once(self, tmp_path, monkeypatch):
        file, read = raster(tmp_path / "cool.tif", NORTH_WEST), []
        for name in ("raster_where", "raster_means"):
            kept = getattr(__import__("equity_screen.landing").landing, name)
            monkeypatch.setattr(
                f"equity_screen.landing.{name}",
                lambda path, *zones, f=kept, **asked: (read.append(path), f(path, *zones, **asked))[1],
            )
        rows = [effect("X", reach="raster", raster=file, effect=f"e{i}", amount=float(i)) for i in range(3)]
        found = overlay(CITY, plan_of({"X": "unlocated"}, *rows)).per_person.matrix.toarray()
        assert found[2] == pytest.approx([0, 1, 2], abs=1e-4)
        assert len(read) == 2

    GAPS = ([np.nan, 1, 1, 1], [1, 1, 1, 1], [1, 1, np.nan, np.nan], [1, 1, np.nan, np.nan])

    def seen(self, path, blocks=None):
        file = raster(path / "cool.tif", self.GAPS)
        plan = plan_of({"X": "unlocated"}, effect("X", reach="raster", raster=file), effect("X", effect="other"))
        return plan, seen_of_rasters(CITY.geometry, completed(plan.effects), blocks=blocks)

    def test_how_much_of_each_neighbourhood_has_data(self, tmp_path):
        ((what, share),) = self.seen(tmp_path)[1]
        assert what == "effect X / shade: raster cool.tif"
        assert share.tolist() == pytest.approx([1, 0, 0.75, 1], abs=1e-4)

    def test_how_many_people_live_where_there_is_data(self, tmp_path):
        spots = points_of((0.25, 1.75, 30), (0.75, 1.75, 10), (1.5, 0.5, 5), (0.5, 0.5, 0))
        ((_, share),) = self.seen(tmp_path, spots)[1]
        assert share.tolist() == pytest.approx([1, 0, 0.25, 1], abs=1e-4)

    def test_the_coverage_of_a_screening_says_what_a_raster_did_not_see(self, tmp_path):
        coverage = screen(CITY, self.seen(tmp_path)[0]).coverage
        assert coverage["what"].tolist() == ["effect X / shade: raster cool.tif"]
        assert coverage["coverage_share"].tolist() == pytest.approx([(100 + 0.75 * 300 + 400) / 1000], abs=1e-4)
        assert "flagged" in coverage.loc[0, "note"]

    def test_that_cannot_be_read(self, tmp_path):
        with pytest.raises(InputError, match=r"gone\.tif: .*ES-RASTER-UNREADABLE"):
            lay("raster", "unlocated", raster=str(tmp_path / "gone.tif"))


# ---------------------------------------------------------------- places of their own


class TestOwnPlaces:
    @pytest.mark.parametrize("place", ["unlocated", "citywide", "zones:D", km_box(1, 1, 2, 2)], ids=str)
    def test_areas_and_travel_times_are_the_place_whatever_the_action_has(self, place):
        area = lay("area", place, shape=km_box(0, 0, 1, 0.5))
        assert shares(area) == pytest.approx([0.5, 0, 0, 0], abs=1e-5)
        travel = lay("travel", place, zones="A;C")
        assert shares(travel).tolist() == [1, 0, 1, 0]
        assert not (area.unlocated | travel.unlocated).any()

    def test_points_in_an_area(self):
        spots = points_of((0.5, 0.25, 80), (0.5, 0.75, 20))
        assert shares(lay("area", "unlocated", shape=km_box(0, 0, 1, 0.5), blocks=spots))[0] == pytest.approx(0.8)

    def test_travel_times_hold_for_whole_neighbourhoods_wherever_their_points_are(self):
        spots = points_of((0.5, 0.25, 80), (0.5, 0.75, 20))
        assert shares(lay("travel", "unlocated", zones="A;C", blocks=spots)).tolist() == [1, 0, 1, 0]

    def test_nobody_near_enough(self):
        laid = lay("travel", "unlocated", zones="")
        assert laid.shares.matrix.nnz == 0
        assert not laid.unlocated.any()

    def test_people_near_enough_are_counted_once(self):
        places = {"X": "unlocated", "Y": km_box(0, 0, 0.5, 2)}
        rows = effect("X", reach="travel", zones="A;B"), effect("Y")
        once = overlay(CITY, plan_of(places, *rows)).once
        found = once.matrix.toarray()[:, list(once.columns).index(("all actions", "benefit"))]
        assert found == pytest.approx([1, 1, 0.5, 0], abs=1e-5)

    def test_drawn_are_areas_and_the_neighbourhoods_in_time(self):
        assert len(lay("area", "unlocated", shape=km_box(0, 0, 1, 0.5)).reach) == 1
        (drawn,) = lay("travel", "unlocated", zones="A").reach.to_crs(CITY.crs).geometry
        assert drawn.area == pytest.approx(1e6, rel=1e-6)

    @pytest.mark.parametrize(
        ("reach", "given"),
        [("within", {}), ("ring", {"inner_m": 100.0}), ("decay", {"kernel": "linear"})],
    )
    def test_around_an_action_of_the_whole_city_is_the_whole_city(self, reach, given):
        laid = lay(reach, "citywide", distance_m=300.0, **given)
        assert shares(laid).tolist() == doses(laid).tolist() == [1, 1, 1, 1]

    @pytest.mark.parametrize("reach", ["within", "ring", "decay", "citywide"])
    def test_around_an_action_without_a_place_is_nowhere(self, reach):
        laid = lay(reach, "unlocated", distance_m=300.0, inner_m=100.0, kernel="linear")
        assert laid.shares.matrix.nnz == 0
        assert laid.unlocated.all()

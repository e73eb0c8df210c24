"""Raster means against a plain computation with a thousand sub-cells and with areas in the head."""

from __future__ import annotations

import exactextract
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings, strategies as st
from pyproj import CRS
from rasterio import Affine

from equity_screen.errors import InputError, UsageError
from equity_screen.zonal import CHUNK, raster_means, raster_summary, raster_sums
from tests.geotiffs import EAST, NORTH, NORTH_UP, VALUES, over, random_shapes, write, zone, zones


def means(path, *shapes, **options):
    return raster_means(path, zones(*shapes), **options).to_numpy().tolist()


@pytest.fixture
def raster(tmp_path):
    return write(tmp_path / "heat.tif")


class TestFractions:
    @pytest.mark.parametrize(
        ("box", "mean"),
        [
            ((0, 0, 300, 200), 3.5),
            ((0, 100, 100, 200), 1.0),
            ((0, 0, 100, 100), 4.0),
            ((50, 100, 150, 200), 1.5),
            ((75, 100, 175, 200), 1.75),
            ((50, 50, 150, 150), 3.0),
            ((140, 140, 141, 141), 2.0),
        ],
    )
    def test_by_the_share_of_each_cell(self, raster, box, mean):
        assert means(raster, zone(*box)) == [[pytest.approx(mean), pytest.approx(1.0)]]

    def test_against_a_thousand_sub_cells(self, tmp_path):
        rng = np.random.default_rng(3)
        values = rng.random((8, 9))
        values[rng.random((8, 9)) < 0.2] = -9999.0
        path = write(tmp_path / "r.tif", values, nodata=-9999.0, transform=Affine(100, 0, EAST, 0, -100, NORTH + 800))
        shape = shapely.Polygon(
            [(EAST + x, NORTH + y) for x, y in [(33, 41), (871, 122), (640, 765), (410, 300), (90, 700)]]
        )
        fine = 40
        row, column = np.divmod(np.arange(8 * fine * 9 * fine), 9 * fine)
        x, y = EAST + (column + 0.5) * 100 / fine, NORTH + 800 - (row + 0.5) * 100 / fine
        inside = shapely.contains_xy(shape, x, y)
        seen = values[row // fine, column // fine][inside]
        data = seen != -9999.0
        [[mean, coverage]] = means(path, shape)
        assert 0.6 < coverage < 0.95
        assert mean == pytest.approx(seen[data].mean(), abs=2e-3)
        assert coverage == pytest.approx(data.mean(), abs=2e-3)

    def test_zones_in_another_crs_are_brought_to_the_raster(self, raster):
        west = zones(zone(50, 100, 150, 200))
        pair = raster_means(raster, west.to_crs(4326)), raster_means(raster, west)
        assert pair[0]["mean"].tolist() == pytest.approx(pair[1]["mean"].tolist(), abs=1e-6)

    def test_zones_keep_their_order_and_index(self, raster):
        found = raster_means(raster, zones(zone(0, 0, 100, 100), zone(0, 100, 100, 200)).iloc[::-1])
        assert found["mean"].to_dict() == {"Z2": 1.0, "Z1": 4.0}
        assert found.index.tolist() == ["Z2", "Z1"]

    def test_a_constant_stays_constant(self, tmp_path):
        path = write(tmp_path / "r.tif", np.full((2, 3), 0.1))
        [[mean, coverage]] = means(path, zone(13, 17, 211, 187))
        assert mean == pytest.approx(0.1, rel=1e-12)
        assert coverage == pytest.approx(1.0)


class TestCoverage:
    def test_partly_outside(self, raster):
        assert means(raster, zone(-100, 100, 100, 200)) == [[1.0, pytest.approx(0.5)]]

    def test_outside_is_missing_and_never_0(self, raster):
        [[mean, coverage]] = means(raster, zone(5000, 0, 5100, 100))
        assert np.isnan(mean)
        assert coverage == 0.0

    def test_a_zone_beside_the_raster_sees_nothing_of_it(self, raster):
        beside = zones(zone(300, 0, 400, 200), zone(0, -100, 300, 0)).to_crs(4326)
        found = raster_means(raster, beside)
        assert found["mean"].isna().all()
        assert found["coverage"].tolist() == [0.0, 0.0]

    def test_a_zone_without_area_sees_nothing(self, raster):
        empty, whole = means(raster, shapely.Polygon(), zone(0, 0, 300, 200))
        assert np.isnan(empty[0])
        assert (empty[1], whole) == (0.0, [3.5, pytest.approx(1.0)])

    def test_all_cells_without_data(self, tmp_path):
        [[mean, coverage]] = means(write(tmp_path / "r.tif", np.full((2, 3), np.nan)), zone(0, 0, 300, 200))
        assert np.isnan(mean)
        assert coverage == 0.0


class TestNoData:
    HOLED = np.array([[1.0, -9.0, 3.0], [4.0, 5.0, 6.0]])
    NORTH_ROW = zone(0, 100, 300, 200)

    @pytest.mark.parametrize(
        ("values", "profile", "options"),
        [
            (HOLED, {"nodata": -9.0}, {}),
            (HOLED, {}, {"nodata": (-9.0,)}),
            (HOLED, {"nodata": 99.0}, {"nodata": (-9.0, -8.0)}),
            (HOLED, {"nodata": -9.0, "dtype": "int16"}, {}),
            (np.where(HOLED < 0, -3.4e38, HOLED), {"nodata": float(np.float32(-3.4e38)), "dtype": "float32"}, {}),
            (np.where(HOLED < 0, np.nan, HOLED), {}, {}),
            (np.where(HOLED < 0, np.nan, HOLED), {"nodata": np.nan}, {}),
            (np.where(HOLED < 0, np.inf, HOLED), {}, {}),
            (HOLED, {"mask": np.where(HOLED < 0, 0, 255).astype("uint8")}, {}),
        ],
        ids=["tagged", "declared", "both", "integer", "float32", "nan", "nan tagged", "infinite", "mask"],
    )
    def test_cells_without_data_are_left_out(self, tmp_path, values, profile, options):
        path = write(tmp_path / "r.tif", values, **profile)
        assert means(path, self.NORTH_ROW, **options) == [[pytest.approx(2.0), pytest.approx(2 / 3)]]

    def test_an_untagged_code_is_a_value(self, tmp_path):
        assert means(write(tmp_path / "r.tif", self.HOLED), self.NORTH_ROW)[0][0] == pytest.approx(-5 / 3)

    def test_0_is_a_value(self, tmp_path):
        path = write(tmp_path / "r.tif", np.where(self.HOLED < 0, 0.0, self.HOLED), nodata=-9.0)
        assert means(path, self.NORTH_ROW) == [[pytest.approx(4 / 3), pytest.approx(1.0)]]


class TestBands:
    def test_scale_and_offset(self, tmp_path):
        path = write(tmp_path / "r.tif", VALUES, dtype="int16", scaling=(0.1, -273.15))
        assert means(path, zone(0, 0, 300, 200))[0][0] == pytest.approx(0.35 - 273.15)

    def test_the_nodata_tag_is_of_the_values_as_stored(self, tmp_path):
        path = write(tmp_path / "r.tif", TestNoData.HOLED, dtype="int16", nodata=-9, scaling=(2.0, 1.0))
        assert means(path, TestNoData.NORTH_ROW) == [[pytest.approx(5.0), pytest.approx(2 / 3)]]

    def test_a_band_by_its_number(self, tmp_path):
        path = write(tmp_path / "r.tif", np.stack([VALUES, 10 * VALUES]))
        assert [means(path, zone(0, 0, 300, 200), band=b)[0][0] for b in (1, 2)] == [3.5, 35.0]


class TestRefusals:
    def test_no_crs(self, tmp_path):
        with pytest.raises(InputError, match=r"r.tif: the raster has no CRS"):
            means(write(tmp_path / "r.tif", crs=None), zone(0, 0, 1, 1))

    def test_a_torn_geotiff(self, tmp_path):
        path = write(tmp_path / "r.tif", np.ones((200, 200)), transform=Affine(1, 0, EAST, 0, -1, NORTH + 200))
        path.write_bytes(path.read_bytes()[:100_000])
        with pytest.raises(InputError, match=r"r.tif: cannot be read as a GeoTIFF"):
            means(path, zone(0, 0, 10, 10))


def cell_by_cell(path, shapes, *, nodata=()):
    """Mean and coverage by the area of each cell's part in each polygon: shapely and numpy, every pair of them."""
    with rasterio.open(path) as source:
        values, transform = source.read(1).astype(float), source.transform
    values[np.isin(values, nodata)] = np.nan
    rows, columns = np.mgrid[: values.shape[0], : values.shape[1]]
    west, north = transform.c + transform.a * columns, transform.f + transform.e * rows
    boxes = shapely.box(west, north + transform.e, west + transform.a, north)
    known = np.isfinite(values)
    for shape in shapes:
        part = shapely.area(shapely.intersection(boxes, shape))
        seen = part[known].sum()
        yield (part[known] * values[known]).sum() / seen if seen else np.nan, seen / shape.area


@pytest.mark.parametrize("size", [(2, 3), (17, 11), (600, 9)])  # the last has several bands of rows
def test_equals_the_sum_over_every_cell(tmp_path, size):
    rng = np.random.default_rng(sum(size))
    cells = rng.normal(1e3, 50, size)
    cells[rng.random(size) < 0.2] = 7.0
    path = write(tmp_path / "random.tif", cells, transform=over(size))
    shapes = [shape for shape in random_shapes(rng, 30) if shape.area > 1]
    found = raster_means(path, zones(*shapes), nodata=(7.0,))
    by_hand = np.array(list(cell_by_cell(path, shapes, nodata=(7.0,))))
    np.testing.assert_allclose(found["mean"], by_hand[:, 0], rtol=1e-11)
    np.testing.assert_allclose(found["coverage"], by_hand[:, 1].clip(0, 1), atol=1e-11)


def oracle(path, shapes, stats):
    """What exactextract makes of the file; it wants a CRS of its own spelling."""
    frame = gpd.GeoDataFrame(geometry=list(shapes), crs=CRS.from_wkt(rasterio.open(path).crs.to_wkt()))
    return exactextract.exact_extract(str(path), frame, stats, output="pandas")


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("nodata", [None, 7])
def test_agrees_with_exactextract_to_its_single_precision(tmp_path, kind, nodata):
    rng = np.random.default_rng(5)
    cells = rng.integers(0, 100, (300, 400)) // 5 + 5.0
    tiles = {"tiled": True, "blockxsize": 64, "blockysize": 64}
    path = write(tmp_path / "r.tif", cells, transform=over((300, 400)), dtype=kind, nodata=nodata, **tiles)
    shapes = [shape for shape in random_shapes(rng, 12) if shape.area > 1]
    truth = oracle(path, shapes, ["mean", "sum", "count"])
    found = raster_sums(path, zones(*shapes))
    np.testing.assert_allclose(raster_means(path, zones(*shapes))["mean"], truth["mean"], rtol=1e-6)
    np.testing.assert_allclose(found[["sum", "cells"]], truth[["sum", "count"]], rtol=1e-6)


def test_which_way_a_ring_runs_changes_nothing(raster):
    box = zone(10, 10, 250, 150).difference(zone(100, 50, 120, 90))
    turned = shapely.Polygon(box.exterior.coords[::-1], [hole.coords[::-1] for hole in box.interiors])
    found = raster_means(raster, zones(box, shapely.reverse(box), turned))
    assert found.nunique().tolist() == [1, 1]


def test_only_the_rows_under_the_zones_are_read(tmp_path):
    cells = np.ones((600, 3))
    cells[300:] = -9999.0  # untagged, far from the zone
    transform = Affine(100, 0, EAST, 0, -1, NORTH + 600)
    path = write(tmp_path / "tall.tif", cells, transform=transform)
    assert means(path, zone(0, 500, 300, 600)) == [[1.0, 1.0]]
    with pytest.raises(InputError, match="-9999"):
        means(path, zone(0, 0, 300, 600))


def test_a_zone_of_zeros_beside_large_values_has_a_mean_of_exactly_nought(tmp_path):
    cells = np.full((50, 400), 97.0)
    cells[10:40, 150:390] = 0.0
    transform = Affine(0.75, 0, EAST, 0, -4, NORTH + 200)
    path = write(tmp_path / "canopy.tif", cells, transform=transform)
    rng = np.random.default_rng(1)
    shapes = [
        shapely.Point(EAST + 200 + x, NORTH + 100 + y).buffer(15 + x, quad_segs=7) for x, y in rng.random((20, 2)) * 20
    ]
    assert raster_means(path, zones(*shapes))["mean"].tolist() == [0.0] * 20


class TestSums:
    def test_in_the_head(self, raster):
        """All six cells, a cell and a half, and half a cell with half the zone beside the raster."""
        found = raster_sums(raster, zones(zone(0, 0, 300, 200), zone(50, 100, 200, 200), zone(-50, 100, 50, 200)))
        assert found["sum"].tolist() == pytest.approx([21.0, 2.5, 0.5])
        assert found["cells"].tolist() == pytest.approx([6.0, 1.5, 0.5])
        assert found["coverage"].tolist() == pytest.approx([1.0, 1.0, 0.5])

    def test_no_overlap_is_missing_and_never_0(self, raster):
        [row] = raster_sums(raster, zones(zone(5000, 0, 5100, 100))).to_dict("records")
        assert row == {"sum": pytest.approx(np.nan, nan_ok=True), "coverage": 0.0, "cells": 0.0}

    def test_each_cell_is_scaled_and_offset(self, tmp_path):
        path = write(tmp_path / "r.tif", VALUES, dtype="int16", scaling=(2.0, 10.0), nodata=6)
        assert raster_sums(path, zones(zone(0, 0, 300, 200)))["sum"].tolist() == [2 * 15 + 5 * 10]

    def test_nothing_there_is_exactly_nought(self, tmp_path):
        path = write(tmp_path / "r.tif", 0 * VALUES)
        assert raster_sums(path, zones(zone(7, 7, 188, 133)))["sum"].tolist() == [0.0]

    def test_classes_are_counted_in_cells(self, tmp_path):
        path = write(tmp_path / "cover.tif", np.array([[21, 22, 41], [11, 21, 255]]), dtype="uint8", nodata=255)
        boxes = zones(zone(0, 0, 300, 200), zone(50, 100, 300, 200), zone(0, 0, 100, 100), zone(210, 10, 290, 90))
        found = raster_sums(path, boxes, classes=(21, 22))
        assert found["sum"].tolist() == pytest.approx([3.0, 1.5, 0.0, np.nan], nan_ok=True)
        assert found["cells"].tolist() == pytest.approx([5.0, 2.5, 1.0, 0.0])
        assert found["sum"].tolist()[2] == 0

    def test_a_cell_without_data_is_of_no_class(self, tmp_path):
        path = write(tmp_path / "cover.tif", np.array([[0, 0, 255], [11, 11, 255]]), dtype="uint8", nodata=255)
        assert raster_sums(path, zones(zone(0, 0, 300, 200)), classes=(0,))["sum"].tolist() == [2.0]

    def test_classes_are_values_as_stored(self, tmp_path):
        path = write(tmp_path / "r.tif", VALUES, dtype="int16", scaling=(10.0, 1.0))
        assert raster_sums(path, zones(zone(0, 0, 300, 200)), classes=(2, 5, 50))["sum"].tolist() == [2.0]

    @pytest.mark.parametrize(
        ("kind", "largest"),
        [("uint8", 255), ("int16", -32768), ("uint16", 65535), ("int32", 2**31 - 1), ("uint32", 2**32 - 1)],
    )
    def test_sums_of_wide_rows_do_not_overflow(self, tmp_path, kind, largest):
        cells = np.full((1, 70_000), float(largest))
        path = write(tmp_path / "r.tif", cells, dtype=kind, transform=Affine(1, 0, EAST, 0, -1, NORTH + 1))
        found = raster_sums(path, zones(shapely.box(EAST, NORTH, EAST + 70_000, NORTH + 1)))
        assert found["sum"].tolist() == [70_000.0 * largest]


class TestAnyTransform:
    """The same cells stored another way round: nothing of the answer changes."""

    SIZE = (30, 40)

    def cells(self):
        rng = np.random.default_rng(11)
        return np.where(rng.random(self.SIZE) < 0.2, 255, rng.integers(0, 90, self.SIZE))

    def both(self, tmp_path, cells, transform, moved=lambda shape: shape):
        rng = np.random.default_rng(12)
        shapes = [shape for shape in random_shapes(rng, 20) if shape.area > 1]
        plain = write(tmp_path / "plain.tif", self.cells(), dtype="uint8", nodata=255, transform=over(self.SIZE))
        other = write(tmp_path / "other.tif", cells, dtype="uint8", nodata=255, transform=transform)
        return raster_sums(plain, zones(*shapes)), raster_sums(other, zones(*map(moved, shapes))), shapes, plain

    @pytest.mark.parametrize("flips", [(0,), (1,), (0, 1)], ids=["south up", "east first", "both"])
    def test_mirrored(self, tmp_path, flips):
        at = over(self.SIZE)
        for axis in flips:
            last = (0, self.SIZE[0]) if axis == 0 else (self.SIZE[1], 0)
            at = at @ Affine.translation(*last) @ Affine.scale(*((1, -1) if axis == 0 else (-1, 1)))
        one, other, _, _ = self.both(tmp_path, np.flip(self.cells(), flips), at)
        pd.testing.assert_frame_equal(one, other, rtol=1e-10, atol=1e-10)

    def test_columns_stored_as_rows(self, tmp_path):
        at = over(self.SIZE) @ Affine(0, 1, 0, 1, 0, 0)
        one, other, _, _ = self.both(tmp_path, self.cells().T, at)
        pd.testing.assert_frame_equal(one, other, rtol=1e-10, atol=1e-10)

    @pytest.mark.parametrize("degrees", [1, 30, 90, -135])
    def test_turned_with_the_zones(self, tmp_path, degrees):
        """Exactextract measures the raster as it stood before it was turned."""
        turn = Affine.rotation(degrees, pivot=(EAST, NORTH))
        moved = lambda shape: shapely.transform(shape, lambda xy: np.column_stack(turn @ tuple(xy.T)))  # noqa: E731
        one, other, shapes, plain = self.both(tmp_path, self.cells(), turn @ over(self.SIZE), moved)
        pd.testing.assert_frame_equal(one, other, rtol=1e-9, atol=1e-9)
        truth = oracle(plain, shapes, ["sum", "count"])
        np.testing.assert_allclose(other[["sum", "cells"]].fillna(0), truth, rtol=1e-6)

    def test_sheared_in_the_head(self, tmp_path):
        """Each row half a cell farther east than the one above."""
        path = write(tmp_path / "r.tif", transform=Affine(100, 50, EAST, 0, -100, NORTH + 200))
        cell = shapely.Polygon([(EAST + x, NORTH + y) for x, y in [(50, 100), (150, 100), (200, 0), (100, 0)]])
        assert raster_means(path, zones(cell)).to_numpy().tolist() == [[4.0, pytest.approx(1.0)]]


class TestSummary:
    def test_in_the_head(self, tmp_path):
        path = write(tmp_path / "r.tif", np.array([[1, 2, 2], [4, 2, 255]]), dtype="uint8", nodata=255)
        found = raster_summary(path, zones(zone(0, 0, 300, 200), zone(0, 0, 100, 200), zone(900, 0, 950, 50)))
        assert found.columns.tolist() == ["min", "max", "median", "majority", "coverage"]
        assert found.iloc[0].tolist() == pytest.approx([1.0, 4.0, 2.0, 2.0, 5 / 6])
        assert found.iloc[1].tolist() == pytest.approx([1.0, 4.0, 1.0, 4.0, 1.0])  # as much of 1 as of 4
        assert found.iloc[2, :4].isna().all()
        assert found.index.tolist() == ["Z1", "Z2", "Z3"]

    def test_none_in_sight(self, raster):
        found = raster_summary(raster, zones(zone(900, 0, 950, 50)), stats=("max",))
        assert found.columns.tolist() == ["max", "coverage"]
        assert np.isnan(found.loc["Z1", "max"])

    @pytest.mark.parametrize("transform", [NORTH_UP, Affine(100, 0, EAST, 0, 100, NORTH)], ids=["north up", "south up"])
    def test_scaled_whichever_way_up(self, tmp_path, transform):
        cells = VALUES if transform == NORTH_UP else VALUES[::-1]
        path = write(tmp_path / "r.tif", cells, dtype="int16", scaling=(10.0, 5.0), transform=transform)
        found = raster_summary(
            path, zones(zone(10, 110, 90, 190), zone(210, 10, 290, 90)).to_crs(4326), stats=("min", "max")
        )
        assert found[["min", "max"]].to_numpy().tolist() == [[15.0, 15.0], [65.0, 65.0]]

    @pytest.mark.parametrize(
        ("counts", "median"), [({1: 20, 2: 180}, 2), ({0: 90, 100: 110}, 100), ({0: 100, 100: 100}, 0), ({7: 200}, 7)]
    )
    def test_half_of_the_cells_are_the_median_or_less(self, tmp_path, counts, median):
        cells = np.repeat(list(counts), list(counts.values())).reshape(20, 10)
        path = write(tmp_path / "r.tif", cells, transform=over(cells.shape))
        whole = rasterio.open(path).bounds
        assert raster_summary(path, zones(shapely.box(*whole)), stats=["median"])["median"].tolist() == [median]

    def test_a_cell_counts_for_the_median_by_its_fraction(self, tmp_path):
        path = write(tmp_path / "r.tif", np.array([[1, 2, 2], [4, 2, 255]]), dtype="uint8", nodata=255)
        shapes = zones(zone(0, 100, 190, 200), zone(0, 100, 210, 200), zone(200, 0, 300, 190), zone(210, 10, 290, 90))
        assert raster_summary(path, shapes, stats=["median"])["median"].tolist()[:3] == [1.0, 2.0, 2.0]
        assert np.isnan(raster_summary(path, shapes, stats=["median"])["median"].iloc[3])

    def test_equals_exactextract_on_the_file_itself(self, tmp_path):
        """Of cells and their fractions as it gives them, the median."""
        rng = np.random.default_rng(13)
        path = write(tmp_path / "r.tif", rng.integers(0, 9, (40, 50)), nodata=3, transform=over((40, 50)))
        shapes = [shape for shape in random_shapes(rng, 12) if shape.area > 1]
        stats = ["min", "max", "median", "majority"]
        truth = oracle(path, shapes, [*stats, "values", "coverage"])
        for row, (values, fractions) in enumerate(zip(truth["values"], truth["coverage"], strict=True)):
            upto = [fractions[values <= value].sum() for value in sorted(set(values))]
            first = next(place for place, part in enumerate(upto) if part >= 0.5 * fractions.sum())
            truth.loc[row, "median"] = sorted(set(values))[first]
        assert raster_summary(path, zones(*shapes))[stats].to_numpy().tolist() == truth[stats].to_numpy().tolist()

    def test_the_same_checks(self, tmp_path):
        with pytest.raises(InputError, match="cells of -9999 stand for a missing value"):
            raster_summary(write(tmp_path / "r.tif", VALUES - 10_000), zones(zone(0, 0, 300, 200)), stats=["max"])

    def test_other_summaries(self, raster):
        with pytest.raises(UsageError, match="no summary is called 'mean'; there are: min, max, median, majority"):
            raster_summary(raster, zones(zone(0, 0, 1, 1)), stats=["max", "mean"])


def voronoi(seeds):
    """Zones that leave no gap around a raster and overlap nowhere: they reach beyond its edges."""
    frame = shapely.box(-40, -30, 340, 230)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=frame))
    return shapely.transform(shapely.intersection(cells, frame), lambda xy: xy + np.array([EAST, NORTH]))


SEEDS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200)), min_size=2, max_size=12, unique=True)


@pytest.fixture(scope="module")
def random_raster(tmp_path_factory):
    rng = np.random.default_rng(17)
    cells = rng.integers(0, 255, (600, 350))
    return write(tmp_path_factory.mktemp("laws") / "r.tif", cells, dtype="uint8", nodata=9, transform=over((600, 350)))


@pytest.fixture(scope="module")
def constant_raster(tmp_path_factory):
    cells = np.full((40, 70), 0.1)
    return write(tmp_path_factory.mktemp("laws") / "c.tif", cells, transform=over((40, 70)))


class TestLaws:
    @given(SEEDS)
    @settings(max_examples=25)
    def test_a_partition_holds_what_the_city_holds(self, random_raster, seeds):
        parts = voronoi(seeds)
        found = raster_sums(random_raster, zones(*parts))
        with rasterio.open(random_raster) as file:
            cells = file.read(1, masked=True)
        assert found["sum"].sum() == pytest.approx(float(cells.sum()), rel=1e-12)
        assert found["cells"].sum() == pytest.approx(float(cells.count()), rel=1e-12)
        assert found["coverage"].between(0, 1).all()

    @given(SEEDS)
    @settings(max_examples=25)
    def test_a_constant_stays_constant_and_areas_are_exact(self, constant_raster, seeds):
        parts = voronoi(seeds)
        means, sums = raster_means(constant_raster, zones(*parts)), raster_sums(constant_raster, zones(*parts))
        assert means["mean"].to_numpy() == pytest.approx(0.1, rel=1e-12)
        frame = zone(0, 0, 300, 200)
        # The zones' coordinates are of seven digits before the point: the inside of them is known to 1e-9 m.
        inside = shapely.area(shapely.intersection(parts, frame)) / (60_000 / 2_800)
        assert sums["cells"].to_numpy() == pytest.approx(inside, rel=1e-12, abs=1e-8)

    @given(SEEDS, st.randoms(use_true_random=False))
    @settings(max_examples=15)
    def test_the_order_of_the_zones_changes_no_bit(self, random_raster, seeds, chance):
        parts = zones(*voronoi(seeds))
        order = chance.sample(range(len(parts)), len(parts))
        one, other = raster_sums(random_raster, parts), raster_sums(random_raster, parts.iloc[order])
        pd.testing.assert_frame_equal(one, other.loc[one.index], check_exact=True)

    def test_areas_to_the_last_digits(self, tmp_path):
        """At the origin, where coordinates lose nothing."""
        rng = np.random.default_rng(19)
        shapes = [shapely.Point(x, y).buffer(r, quad_segs=40) for x, y, r in rng.random((200, 3)) * 60 + 70]
        path = write(tmp_path / "r.tif", np.ones((300, 300)), transform=Affine(1, 0, 0, 0, -1, 300), dtype="uint8")
        inside = shapely.area([shapely.intersection(shape, shapely.box(0, 0, 300, 300)) for shape in shapes])
        assert raster_sums(path, zones(*shapes))["sum"].to_numpy() == pytest.approx(inside, rel=1e-12)


def test_two_parts_far_apart_with_a_band_of_rows_between(tmp_path):
    cells = np.repeat(np.arange(1200.0), 4).reshape(1200, 4)
    cells[300:700] = -9999.0  # untagged, and not looked at
    path = write(tmp_path / "r.tif", cells, transform=Affine(1, 0, EAST, 0, -1, NORTH + 1200))
    pair = shapely.union_all([zone(0, 1190, 2, 1200), zone(1, 0, 3.5, 10)])
    found = raster_sums(path, zones(pair))
    assert found["sum"].tolist() == pytest.approx([2 * sum(range(10)) + 2.5 * sum(range(1190, 1200))])


def test_borders_of_more_pieces_than_a_chunk(tmp_path, monkeypatch):
    rng = np.random.default_rng(23)
    path = write(tmp_path / "r.tif", rng.random((60, 80)), transform=over((60, 80)))
    shapes = zones(*(shape for shape in random_shapes(rng, 20) if shape.area > 1))
    whole = raster_sums(path, shapes)
    monkeypatch.setattr("equity_screen.zonal.CHUNK", 50)
    assert CHUNK > 10_000
    pd.testing.assert_frame_equal(whole, raster_sums(path, shapes), check_exact=True)


def test_a_round_zone_of_zeros_with_values_in_the_corners_around_it(tmp_path):
    x, y = np.meshgrid(np.arange(300) + 0.5, np.arange(200) + 0.5)
    cells = np.where(np.hypot(x - 150, y - 100) < 63, 0.0, 97.3)
    path = write(tmp_path / "r.tif", cells, transform=over((200, 300)))
    rng = np.random.default_rng(29)
    rounds = [shapely.Point(EAST + 150 + x, NORTH + 100 + y).buffer(60, quad_segs=9) for x, y in rng.random((20, 2))]
    assert raster_sums(path, zones(*rounds))["sum"].tolist() == [0.0] * 20

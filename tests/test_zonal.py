"""Raster means against a plain computation with a thousand sub-cells and with areas in the head."""

from __future__ import annotations

import warnings

import exactextract
import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine

from equity_screen.errors import InputError
from equity_screen.zonal import raster_means

EAST, NORTH = 560_000.0, 6_200_000.0  # south-west corner
NORTH_UP = Affine(100.0, 0.0, EAST, 0.0, -100.0, NORTH + 200.0)
# Rows from the north; 100 m cells, so the raster is 300 m wide and 200 m high.
VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def write(path, values=VALUES, *, transform=NORTH_UP, crs="EPSG:25832", mask=None, scaling=None, **profile):
    bands = np.atleast_3d(values.T).T if values.ndim == 2 else values
    profile = {"dtype": "float64", "count": len(bands), "crs": crs, "transform": transform, **profile}
    with rasterio.open(path, "w", driver="GTiff", height=bands.shape[1], width=bands.shape[2], **profile) as target:
        target.write(bands.astype(profile["dtype"]))
        if scaling:
            target.scales, target.offsets = [scaling[0]], [scaling[1]]
        if mask is not None:
            target.write_mask(mask)
    return path


def zone(west, south, east, north):
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def zones(*shapes, crs=25832):
    return gpd.GeoSeries(shapes, index=[f"Z{i + 1}" for i in range(len(shapes))], crs=crs)


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

    @pytest.mark.parametrize("band", [0, 2])
    def test_no_such_band(self, raster, band):
        with pytest.raises(InputError, match=rf"heat.tif: no band {band} among 1. Mend: name one with band"):
            means(raster, zone(0, 0, 1, 1), band=band)


class TestRefusals:
    @pytest.mark.parametrize(
        "transform",
        [
            Affine(100, 10, EAST, 0, -100, NORTH),
            Affine(100, 0, EAST, 10, -100, NORTH),
            Affine(100, 0, EAST, 0, 100, NORTH),
        ],
        ids=["sheared", "rotated", "south up"],
    )
    def test_rotated_or_south_up(self, tmp_path, transform):
        with pytest.raises(InputError, match=r"r.tif: the raster is rotated or south up. Mend: warp it north up"):
            means(write(tmp_path / "r.tif", transform=transform), zone(0, 0, 1, 1))

    def test_no_crs(self, tmp_path):
        with pytest.raises(InputError, match=r"r.tif: the raster has no CRS"):
            means(write(tmp_path / "r.tif", crs=None), zone(0, 0, 1, 1))

    @pytest.mark.parametrize("content", [b"", b"II*\0torn", b"<VRTDataset rasterXSize='1' rasterYSize='1'/>"])
    def test_not_a_geotiff(self, tmp_path, content):
        (tmp_path / "r.tif").write_bytes(content)
        with pytest.raises(InputError, match=r"r.tif: cannot be read as a GeoTIFF"):
            means(tmp_path / "r.tif", zone(0, 0, 1, 1))

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


def random_shapes(rng, count):
    """Triangles, stars with holes and pairs of them, in and around a raster of 300 × 200 m; some on its very lines."""
    for number in range(count):
        angles = np.sort(rng.random(3 + number % 9)) * 2 * np.pi
        reach = 20 + 150 * rng.random((len(angles), 1))
        star = shapely.Polygon(rng.random(2) * (300, 200) + reach * np.column_stack([np.cos(angles), np.sin(angles)]))
        star = shapely.make_valid(star).difference(shapely.Point(150, 100).buffer(15))
        star = shapely.union_all([star, shapely.box(*(20 * np.floor(rng.random(2) * 12)), 280, 240)][: 1 + number % 2])
        yield shapely.transform(star, lambda places: places + np.array([EAST, NORTH]))


@pytest.mark.parametrize("size", [(2, 3), (17, 11), (600, 9)])  # the last has several bands of rows
def test_equals_the_sum_over_every_cell(tmp_path, size):
    rng = np.random.default_rng(sum(size))
    cells = rng.normal(1e3, 50, size)
    cells[rng.random(size) < 0.2] = 7.0
    transform = Affine(300 / size[1], 0, EAST, 0, -200 / size[0], NORTH + 200)
    path = write(tmp_path / "random.tif", cells, transform=transform)
    shapes = [shape for shape in random_shapes(rng, 30) if shape.area > 1]
    found = raster_means(path, zones(*shapes), nodata=(7.0,))
    by_hand = np.array(list(cell_by_cell(path, shapes, nodata=(7.0,))))
    np.testing.assert_allclose(found["mean"], by_hand[:, 0], rtol=1e-11)
    np.testing.assert_allclose(found["coverage"], by_hand[:, 1].clip(0, 1), atol=1e-11)


def test_agrees_with_exactextract_to_its_single_precision(tmp_path):
    rng = np.random.default_rng(5)
    transform = Affine(300 / 40, 0, EAST, 0, -200 / 30, NORTH + 200)
    path = write(tmp_path / "random.tif", rng.random((30, 40)), transform=transform)
    shapes = [shape for shape in random_shapes(rng, 12) if shape.area > 1]
    frame = gpd.GeoDataFrame(geometry=shapes, crs=25832)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = exactextract.exact_extract(str(path), frame, ["mean"], output="pandas")["mean"]
    np.testing.assert_allclose(raster_means(path, zones(*shapes))["mean"], oracle, rtol=1e-6)


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

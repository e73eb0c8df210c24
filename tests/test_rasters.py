"""Which band, which cells, where: rasters read window by window."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings, strategies as st
from rasterio import Affine
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from equity_screen.errors import InputError
from equity_screen.rasters import BAND_ROWS, expanded, open_band, raster_values, raster_where, windows_of
from tests.geotiffs import EAST, NORTH, NORTH_UP, VALUES, over, write, zones

WHOLE = Window(0, 0, 3, 2)


def point(x, y):
    return shapely.Point(EAST + x, NORTH + y)


def at(path, *points, **options):
    return raster_values(path, zones(*points), **options).tolist()


@pytest.fixture
def raster(tmp_path):
    return write(tmp_path / "heat.tif")


@pytest.fixture
def both(tmp_path):
    return write(tmp_path / "two.tif", np.stack([VALUES, 10 * VALUES]), names=("heat", "shade"))


class TestWhichBand:
    @pytest.mark.parametrize(("band", "number"), [(1, 1), (2, 2), ("heat", 1), ("shade", 2)])
    def test_by_its_number_or_its_description(self, both, band, number):
        with open_band(both, band=band) as opened:
            assert opened.number == number

    def test_the_only_one_needs_no_name(self, raster):
        with open_band(raster) as opened:
            assert opened.number == 1

    def test_one_of_several_is_asked_for(self, both):
        question = (
            r"two.tif: the raster has 2 bands, and which is meant is not clear: 1 \(heat\), 2 \(shade\). Mend: name"
        )
        with pytest.raises(InputError, match=question), open_band(both):
            pass

    def test_two_of_one_name(self, tmp_path):
        path = write(tmp_path / "r.tif", np.stack([VALUES, VALUES]), names=("heat", "heat"))
        with pytest.raises(InputError, match=r"which is meant is not clear: 1 \(heat\), 2 \(heat\)"):
            at(path, point(1, 1), band="heat")

    def test_of_many_the_first_are_listed(self, tmp_path):
        path = write(tmp_path / "r.tif", np.stack([VALUES] * 9))
        with pytest.raises(
            InputError, match="the raster has 9 bands, and which is meant is not clear: 1, 2, 3, 4, 5, 6, …"
        ):
            at(path, point(1, 1))

    @pytest.mark.parametrize("band", [0, 2, "cool", ""])
    def test_no_such_band(self, raster, band):
        with pytest.raises(InputError, match=rf"heat.tif: no band {band} among 1. Mend: name one with band"):
            at(raster, point(1, 1), band=band)

    def test_a_band_of_transparency_is_not_asked_about(self, tmp_path):
        opaque = np.array([[255, 255, 0], [255, 255, 255]])
        path = write(tmp_path / "r.tif", np.stack([VALUES, opaque]), dtype="uint8")
        with rasterio.open(path, "r+") as target:
            target.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        assert at(path, point(50, 150), point(250, 150)) == [1.0, pytest.approx(np.nan, nan_ok=True)]


class TestWhere:
    def test_no_crs(self, tmp_path):
        with pytest.raises(InputError, match=r"r.tif: the raster has no CRS. Mend: write the CRS"):
            at(write(tmp_path / "r.tif", crs=None), point(1, 1))

    @pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
    def test_no_transform(self, tmp_path):
        with pytest.raises(
            InputError, match=r"r.tif: the raster does not say where its cells lie. Mend: write its tran"
        ):
            at(write(tmp_path / "r.tif", transform=None), point(1, 1))

    def test_complex_numbers(self, tmp_path):
        with pytest.raises(InputError, match=r"r.tif: the cells hold complex numbers. Mend: write one plain number"):
            at(write(tmp_path / "r.tif", dtype="complex64"), point(1, 1))

    @pytest.mark.parametrize("content", [b"", b"II*\0torn", b"<VRTDataset rasterXSize='1' rasterYSize='1'/>"])
    def test_not_a_geotiff(self, tmp_path, content):
        (tmp_path / "r.tif").write_bytes(content)
        with pytest.raises(InputError, match=r"r.tif: cannot be read as a GeoTIFF"):
            at(tmp_path / "r.tif", point(1, 1))

    @pytest.mark.parametrize(
        "transform",
        [
            NORTH_UP,
            Affine(100, 0, EAST, 0, 100, NORTH),
            Affine(0, 100, EAST, -100, 0, NORTH),
            Affine(90, 9, EAST, 8, -80, 1),
        ],
        ids=["north up", "south up", "rotated", "sheared"],
    )
    def test_cells_are_counted_from_the_corner_that_comes_first(self, tmp_path, transform):
        """The corners of the cell in column 1 and row 0."""
        corners = [transform @ place for place in ((1, 0), (2, 0), (2, 1), (1, 1))]
        with open_band(write(tmp_path / "r.tif", transform=transform)) as opened:
            [cell] = opened.in_cells(gpd.GeoSeries([shapely.Polygon(corners)], crs=25832))
        assert shapely.get_coordinates(cell)[:4] == pytest.approx(np.array([(1, 0), (2, 0), (2, 1), (1, 1)]), abs=1e-9)


class TestMissing:
    HOLED = np.array([[1.0, -9.0, 3.0], [4.0, 5.0, 6.0]])

    @pytest.mark.parametrize(
        ("values", "profile", "nodata"),
        [
            (HOLED, {"nodata": -9.0}, ()),
            (HOLED, {"nodata": -9, "dtype": "int16"}, ()),
            (HOLED, {}, (-9.0,)),
            (np.where(HOLED < 0, 254, HOLED), {"nodata": 255, "dtype": "uint8"}, (254, 999, 0.5)),
            (np.where(HOLED < 0, np.nan, HOLED), {}, ()),
            (HOLED, {"mask": np.where(HOLED < 0, 0, 255).astype("uint8")}, ()),
        ],
        ids=["tagged", "integer", "declared", "both, and codes a byte cannot hold", "nan", "mask"],
    )
    def test_values_and_where_they_are_known(self, tmp_path, values, profile, nodata):
        with open_band(write(tmp_path / "r.tif", values, **profile), nodata=nodata) as band:
            cells, known = band.read(WHOLE)
            assert cells.tolist() == [[1, 0, 3], [4, 5, 6]]
            assert known.tolist() == [[True, False, True], [True, True, True]]
            assert np.isnan(band.values(WHOLE)).tolist() == (~known).tolist()
            assert band.read(Window(0, 1, 3, 1))[1] is None

    @pytest.mark.parametrize("kind", ["int16", "int32", "float32", "float64"])
    def test_untagged_codes_are_refused(self, tmp_path, kind):
        with pytest.raises(InputError, match="cells of -9999 stand for a missing value") as refused:
            at(write(tmp_path / "r.tif", np.where(VALUES > 5, -9999, VALUES), dtype=kind), point(250, 50))
        assert len(refused.value.findings) == 1

    def test_a_code_that_single_precision_cannot_hold(self, tmp_path):
        path = write(tmp_path / "r.tif", np.where(VALUES > 5, -222222222.0, VALUES), dtype="float32")
        with pytest.raises(InputError, match=r"cells of -222222224 stand .* Mend: declare nodata = \[-222222224\]"):
            at(path, point(250, 50))
        assert np.isnan(at(path, point(250, 50), nodata=(-222222224.0,))[0])

    def test_low_values_are_no_codes(self, tmp_path):
        assert at(write(tmp_path / "r.tif", VALUES - 9998), point(250, 50)) == [-9992.0]


class TestValuesAtPoints:
    def test_of_the_cell_around_each(self, raster):
        assert at(raster, point(50, 150), point(250, 50), point(150, 199)) == [1.0, 6.0, 2.0]

    def test_outside_and_without_a_place_there_is_none(self, raster):
        found = at(raster, point(-1, 50), point(50, 201), None, shapely.Point(), point(301, 1), point(9e6, -9e6))
        assert np.isnan(found).all()

    def test_on_a_line_the_higher_column_and_row(self, raster):
        assert at(raster, point(100, 150), point(50, 100), point(0, 200)) == [2.0, 4.0, 1.0]
        assert np.isnan(at(raster, point(300, 150), point(50, 0))).all()

    def test_scaled_with_holes_and_in_another_crs(self, tmp_path):
        path = write(tmp_path / "r.tif", VALUES, dtype="int16", nodata=5, scaling=(0.5, 10.0))
        points = zones(point(50, 150), point(150, 50)).to_crs(4326)
        assert raster_values(path, points).tolist() == [10.5, pytest.approx(np.nan, nan_ok=True)]
        assert raster_values(path, points).index.tolist() == ["Z1", "Z2"]

    def test_no_points(self, raster):
        assert at(raster) == []

    def test_many_over_a_large_raster(self, tmp_path):
        rng = np.random.default_rng(7)
        size = (3 * BAND_ROWS + 5, 400)
        cells = rng.integers(0, 250, size)
        path = write(
            tmp_path / "r.tif", cells, dtype="uint8", transform=over(size), tiled=True, blockxsize=64, blockysize=64
        )
        x, y = 300 * rng.random(500), 200 * rng.random(500)
        by_hand = cells[((200 - y) / 200 * size[0]).astype(int), (x / 300 * size[1]).astype(int)]
        assert at(path, *map(point, x, y)) == by_hand.tolist()


class TestOutline:
    def test_of_the_cells_other_than_0(self, tmp_path):
        path = write(tmp_path / "r.tif", np.array([[0.0, 2.0, 3.0], [4.0, 0.0, -9.0]]), nodata=-9.0)
        found = raster_where(path)
        assert found.crs.to_epsg() == 25832
        boxes = [shapely.box(100, 100, 300, 200), shapely.box(0, 0, 100, 100)]
        moved = [shapely.transform(box, lambda places: places + np.array([EAST, NORTH])) for box in boxes]
        assert all(map(shapely.equals, found, moved))

    def test_corners_that_touch_do_not_join_and_holes_stay(self, tmp_path):
        cells = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]])
        found = raster_where(
            write(tmp_path / "r.tif", cells, dtype="uint8", transform=Affine(1, 0, EAST, 0, -1, NORTH))
        )
        assert found.area.tolist() == [8.0, 1.0]
        assert found.is_valid.all()

    def test_0_is_what_the_values_stand_for(self, tmp_path):
        path = write(tmp_path / "r.tif", VALUES, dtype="int16", scaling=(2.0, -2.0))  # 1 stands for 0
        assert raster_where(path).area.sum() == 50_000.0

    def test_nothing(self, tmp_path):
        found = raster_where(write(tmp_path / "r.tif", 0 * VALUES))
        assert (len(found), found.crs.to_epsg()) == (0, 25832)

    def test_more_rows_than_a_band(self, tmp_path):
        cells = np.ones((2 * BAND_ROWS + 3, 2))
        [whole] = raster_where(write(tmp_path / "r.tif", cells, transform=Affine(1, 0, EAST, 0, -1, NORTH)))
        assert whole.area == cells.size

    def test_speckles_are_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr("equity_screen.rasters.MOST_SIDES", 6)
        cells = np.array([[1, 0, 1], [0, 1, 0]])
        with pytest.raises(InputError, match=r"r.tif: the outline of the cells other than 0 has 7 sides, more than 6"):
            raster_where(write(tmp_path / "r.tif", cells))


BOUNDS = st.lists(
    st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(0, 30)] * 2).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
    ),
    max_size=12,
)


class TestWindows:
    @given(BOUNDS, st.integers(1, 40), st.integers(0, 20))
    @settings(max_examples=100)
    def test_each_place_lies_in_its_windows_band_by_band_and_none_is_read_twice(self, bounds, rows, apart):
        bounds = np.array(bounds, dtype=np.intp).reshape(-1, 4)
        found = windows_of(bounds, block=(rows, apart))
        asked, read = np.zeros((len(bounds), 91, 91), dtype=bool), np.zeros((91, 91), dtype=int)
        for number in range(len(found.top)):
            read[found.at(number).toslices()] += 1
            assert found.top[number] // rows == (found.bottom[number] - 1) // rows
        for place, window in zip(found.places, found.window, strict=True):
            asked[place][found.at(window).toslices()] = True
        for place, (left, top, right, bottom) in enumerate(bounds):
            assert asked[place, top:bottom, left:right].all()
        assert read.max(initial=0) <= 1

    def test_far_apart_places_share_none(self):
        bounds = [[0, 0, 10, 10], [5, 2, 12, 9], [1000, 0, 1010, 5], [111, 1, 120, 4], [220, 1, 230, 4]]
        found = windows_of(np.array(bounds), block=(256, 100))
        assert found.window.tolist() == [0, 0, 2, 0, 1]
        assert [found.at(n).flatten() for n in range(3)] == [(0, 0, 120, 10), (220, 1, 10, 3), (1000, 0, 10, 5)]

    def test_blocks_of_the_file_are_kept_whole(self, tmp_path):
        tiles = {"tiled": True, "blockxsize": 64, "blockysize": 96}
        for profile, block in (
            (tiles, (192, 64)),
            ({**tiles, "blockysize": 512}, (512, 64)),
            ({**tiles, "blockysize": 2048}, (BAND_ROWS, 64)),
        ):
            path = write(tmp_path / "r.tif", np.zeros((3000, 70)), transform=NORTH_UP, dtype="uint8", **profile)
            with open_band(path) as band:
                assert band.block == block

    def test_of_a_wide_raster_few_rows_are_held(self, raster, monkeypatch):
        monkeypatch.setattr("equity_screen.rasters.MOST_CELLS", 7)
        with open_band(raster) as band:
            assert band.block[0] == 2


@given(st.lists(st.integers(0, 5), max_size=20))
@settings(max_examples=30)
def test_expanded_repeats_and_numbers(counts):
    whose, step = expanded(np.array(counts, dtype=np.intp))
    assert list(zip(whose.tolist(), step.tolist(), strict=True)) == [
        (i, j) for i, n in enumerate(counts) for j in range(n)
    ]

"""All layers on one table: rates averaged by area, population points, groups from polygons."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio import Affine

from equity_screen.align import add_layer_groups, align, check_blocks, people_inside, rate_means, read_polygons
from equity_screen.errors import EquityScreenWarning, InputError, UsageError
from equity_screen.recipe import Indicator
from equity_screen.schema import Origin
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import four_zones

EAST, NORTH = 560_000, 6_200_000


def box(west, south, east, north):
    """Box in km from the south-west corner of the city of four squares."""
    return shapely.box(*(1000.0 * x + o for x, o in zip((west, south, east, north), (EAST, NORTH) * 2, strict=True)))


def layer(path, shapes, **columns):
    gpd.GeoDataFrame(columns, geometry=shapes, crs=25832).to_file(path)
    return path


def rates(tmp_path, shapes, values, **options):
    path = layer(tmp_path / "air.gpkg", shapes, pm25=values)
    found = rate_means(path, four_zones().geometry, rate="pm25", **options)
    return found["mean"].tolist(), found["coverage"].tolist()


NAN = pytest.approx(np.nan, nan_ok=True)


class TestRates:
    def test_averages_by_area(self, tmp_path):
        mean, coverage = rates(tmp_path, [box(0, 0, 0.25, 2), box(0.25, 0, 2, 2)], [8.0, 4.0])
        assert mean == pytest.approx([5.0, 4.0, 5.0, 4.0])
        assert coverage == pytest.approx([1.0] * 4)

    def test_a_constant_stays_constant_however_it_is_cut_or_doubled(self, tmp_path):
        shapes = [box(0, 0, 0.3, 2), box(0.3, 0, 1.7, 2), box(1.2, 0, 2, 2)]
        mean, coverage = rates(tmp_path, shapes, [0.1] * 3)
        assert mean == pytest.approx([0.1] * 4, rel=1e-12)
        assert coverage == pytest.approx([1.0] * 4)

    def test_partly_seen_and_unseen(self, tmp_path):
        mean, coverage = rates(tmp_path, [box(0, 0, 0.5, 1)], [7.0])
        assert mean == [pytest.approx(7.0), NAN, NAN, NAN]
        assert coverage == [pytest.approx(0.5, rel=1e-4), 0.0, 0.0, 0.0]

    def test_a_polygon_without_a_rate_is_not_seen(self, tmp_path):
        mean, coverage = rates(tmp_path, [box(0, 0, 1, 1), box(0, 0, 0.5, 1)], [None, 7.0])
        assert mean[0] == pytest.approx(7.0)
        assert coverage[0] == pytest.approx(0.5, rel=1e-4)

    @pytest.mark.parametrize("values", [[None, None], [-999.0, -999.0]], ids=["blank", "coded"])
    def test_no_rate_at_all(self, tmp_path, values):
        mean, coverage = rates(tmp_path, [box(0, 0, 2, 1), box(0, 1, 2, 2)], values, missing=(-999,))
        assert mean == [NAN] * 4
        assert coverage == [0.0] * 4

    def test_beside_the_city(self, tmp_path):
        mean, coverage = rates(tmp_path, [box(9, 9, 10, 10)], [7.0])
        assert (mean, coverage) == ([NAN] * 4, [0.0] * 4)

    def test_thousands_separators_do_not_stop_it(self, tmp_path):
        assert rates(tmp_path, [box(0, 0, 2, 2)], ["1,234.5"])[0] == pytest.approx([1234.5] * 4)

    def test_a_word_stops_it_and_is_named(self, tmp_path):
        with pytest.raises(InputError, match=r"air.gpkg, feature 2, column pm25, value high: not a number"):
            rates(tmp_path, [box(0, 0, 1, 1), box(1, 1, 2, 2)], ["7", "high"])

    def test_no_such_column(self, tmp_path):
        path = layer(tmp_path / "air.gpkg", [box(0, 0, 1, 1)], pm25=[1.0])
        with pytest.raises(InputError, match=r"air.gpkg, column pm: no such column. Mend: did you mean 'pm25'"):
            rate_means(path, four_zones().geometry, rate="pm")


class TestPolygonLayers:
    def test_a_bow_tie_is_mended_with_a_warning(self, tmp_path):
        bow_tie = shapely.Polygon([(EAST, NORTH), (EAST + 2, NORTH + 2), (EAST + 2, NORTH), (EAST, NORTH + 2)])
        path = layer(tmp_path / "a.gpkg", [bow_tie], n=[1])
        with pytest.warns(EquityScreenWarning, match=r"a.gpkg: 1 × ES-GEOM-INVALID \(repaired\)"):
            assert read_polygons(path).area.tolist() == [pytest.approx(2.0)]

    def test_overlaps_are_allowed(self, tmp_path):
        assert len(read_polygons(layer(tmp_path / "a.gpkg", [box(0, 0, 1, 1)] * 2, n=[1, 2]))) == 2

    def test_wrong_kinds_are_refused_by_row(self, tmp_path):
        path = layer(tmp_path / "a.gpkg", [shapely.Point(EAST, NORTH)] * 2, n=[1, 2])
        with pytest.raises(InputError, match="a Point where a polygon is needed") as caught:
            read_polygons(path)
        assert [f.row for f in caught.value.findings] == ["feature 1", "feature 2"]

    def test_a_table(self, tmp_path):
        (tmp_path / "a.csv").write_text("id\n1\n")
        with pytest.raises(InputError, match=r"a.csv: the file has no geometry"):
            read_polygons(tmp_path / "a.csv")


class TestAlign:
    @pytest.fixture
    def heat(self, tmp_path):
        """Temperature of each square; none in the north-east."""
        path, values = tmp_path / "heat.tif", np.array([[28.0, -9999.0], [30.0, 29.0]])
        profile = {"height": 2, "width": 2, "count": 1, "dtype": "float64", "crs": "EPSG:25832", "nodata": -9999.0}
        with rasterio.open(
            path, "w", driver="GTiff", transform=Affine(1000, 0, EAST, 0, -1000, NORTH + 2000), **profile
        ) as target:
            target.write(values, 1)
        return path

    def test_a_raster_by_its_name(self, heat):
        table = align(four_zones().drop(columns="heat"), heat=heat)
        assert table["heat"].tolist() == [30.0, 29.0, 28.0, NAN]
        assert table["coverage_heat"].tolist() == pytest.approx([1.0, 1.0, 1.0, 0.0])

    def test_declarations(self, heat, tmp_path):
        air = layer(tmp_path / "air.gpkg", [box(0, 0, 2, 2)], pm25=[7.0])
        kind = {"label": "i", "unit": "u", "higher_is": "worse"}
        table = align(
            four_zones(),
            warmth=Indicator(raster=str(heat), nodata=(30.0,), **kind),
            air=Indicator(polygons=str(air), rate="pm25", **kind),
        )
        assert table["warmth"].tolist() == [NAN, 29.0, 28.0, NAN]
        assert table["air"].tolist() == pytest.approx([7.0] * 4)
        assert list(table.columns[-4:]) == ["warmth", "coverage_warmth", "air", "coverage_air"]

    def test_a_column_is_on_the_table_already(self):
        heat = Indicator(label="h", unit="°C", higher_is="worse", column="t")
        with pytest.raises(
            UsageError, match="indicator heat: align takes rasters and polygon layers; this one is the column t already"
        ):
            align(four_zones(), heat=heat)

    def test_the_table_given_is_left_alone(self, heat):
        zones = four_zones()
        align(zones, warmth=heat)
        assert "warmth" not in zones.columns


def blocks(rows, *, crs="EPSG:25832", columns=("x", "y", "people")):
    """Checked population points; x and y in km from the south-west corner of the city."""
    table = pd.DataFrame(
        [
            (*(("", "") if x is None else (str(EAST + 1000 * x), str(NORTH + 1000 * y))), people)
            for x, y, people in rows
        ],
        columns=columns,
        dtype=object,
    )
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=crs)
    return check_blocks(table, declared, origin=Origin("b.csv", "row"), zones=four_zones().geometry)


class TestBlocks:
    def test_each_is_in_its_neighbourhood(self):
        checked = blocks([(1.5, 1.5, "4"), (0.5, 0.5, "1"), (1.5, 0.5, "2"), (0.5, 1.5, "3")])
        assert checked.table[["zone", "people"]].to_numpy().tolist() == [[0, 1.0], [1, 2.0], [2, 3.0], [3, 4.0]]
        assert checked.status["people"].tolist() == [4.0, 1.0, 2.0, 3.0]

    def test_the_order_of_rows_changes_nothing(self):
        rows = [(0.5, 0.5, "1"), (0.5, 0.5, "2"), (0.2, 0.9, "3"), (1.5, 0.5, "4")]
        pd.testing.assert_frame_equal(blocks(rows).table, blocks(rows[::-1]).table)

    @pytest.mark.parametrize(("x", "y", "zone"), [(1.0, 0.5, 0), (1.0, 1.0, 0), (1.5, 1.0, 1), (0.0, 2.0, 2)])
    def test_on_a_border_the_first_neighbourhood_takes_it_once(self, x, y, zone):
        checked = blocks([(x, y, "7")])
        assert checked.table["zone"].tolist() == [zone]

    def test_outside_is_flagged_with_its_people_and_not_used(self):
        checked = blocks([(0.5, 0.5, "1"), (2.5, 0.5, "9")])
        assert len(checked.table) == 1
        assert checked.status[["row", "status", "codes", "people"]].iloc[1].tolist() == [
            "row 3",
            "flagged",
            "ES-BLOCK-OUTSIDE",
            9.0,
        ]

    @pytest.mark.parametrize(
        ("row", "code", "value"),
        [
            ((None, None, "5"), "ES-BLOCK-PLACE", ""),
            ((0.5, 0.5, ""), "ES-BLOCK-PEOPLE", ""),
            ((0.5, 0.5, "-5"), "ES-COUNT-NEGATIVE", "-5.0"),
            ((0.5, 0.5, "five"), "ES-NUMBER-TEXT", "five"),
        ],
    )
    def test_faults(self, row, code, value):
        checked = blocks([(0.5, 0.5, "1"), row])
        found = next(f for f in checked.findings if f.code == code)
        assert (found.status, found.source, found.row, found.value) == ("refused", "b.csv", "row 3", value)
        assert checked.table["people"].tolist() == [1.0]

    def test_0_people_are_no_fault(self):
        assert blocks([(0.5, 0.5, "0")]).findings == ()

    def test_no_crs(self):
        with pytest.raises(InputError, match=r"b.csv, column CRS: the file has no CRS"):
            blocks([(0.5, 0.5, "1")], crs=None)

    @pytest.mark.parametrize("shape", [box(0.1, 0.1, 0.2, 0.2), shapely.MultiPoint([(EAST, NORTH), (EAST + 9, NORTH)])])
    def test_only_points_are_points(self, shape):
        frame = gpd.GeoDataFrame(
            {"people": [5, 6]}, geometry=[shape, shapely.Point(EAST + 500, NORTH + 500)], crs=25832
        )
        declared = BlocksFile(file="b.gpkg", people="people")
        checked = check_blocks(frame, declared, origin=Origin("b.gpkg"), zones=four_zones().geometry)
        assert [(f.code, f.row) for f in checked.findings] == [("ES-BLOCK-PLACE", "feature 1")]
        assert checked.table["people"].tolist() == [6.0]

    def test_points_in_another_crs(self):
        points = gpd.GeoDataFrame({"people": [5]}, geometry=[shapely.Point(EAST + 500, NORTH + 1500)], crs=25832)
        declared = BlocksFile(file="b.gpkg", people="people")
        checked = check_blocks(points.to_crs(4326), declared, origin=Origin("b.gpkg"), zones=four_zones().geometry)
        assert checked.table["zone"].tolist() == [2]
        assert checked.table.crs == 25832


class TestPeopleInside:
    AREA = gpd.GeoSeries([box(0, 0, 2, 0.5), box(0, 0, 1, 0.5)], crs=25832)

    def test_by_area_each_once(self):
        assert people_inside(four_zones(), self.AREA).tolist() == pytest.approx([50.0, 100.0, 0.0, 0.0], rel=1e-4)

    def test_by_points_and_by_area_where_there_are_none(self):
        points = blocks([(0.5, 0.2, "1"), (0.5, 0.8, "3"), (0.5, 1.5, "9")]).table
        inside = people_inside(four_zones(), self.AREA, blocks=points)
        assert inside.tolist() == pytest.approx([25.0, 100.0, 0.0, 0.0], rel=1e-4)

    def test_a_point_in_two_polygons_counts_once(self):
        points = blocks([(0.5, 0.2, "1"), (1.5, 0.2, "1")]).table
        assert people_inside(four_zones(), self.AREA, blocks=points).tolist()[:2] == [100.0, 200.0]

    def test_as_a_group(self, tmp_path):
        path = layer(tmp_path / "areas.gpkg", [box(-1, -1, 1, 3)], n=[1])
        table = add_layer_groups(four_zones(), {"west": path})
        assert table["people_west"].tolist() == pytest.approx([100.0, 0.0, 300.0, 0.0])


def test_the_order_of_overlapping_polygons_changes_no_bit_and_covers_once():
    rng = np.random.default_rng(1)
    middles = gpd.points_from_xy(560_000 + 2000 * rng.random(40), 6_200_000 + 2000 * rng.random(40))
    layer = gpd.GeoDataFrame({"r": rng.random(40)}, geometry=middles.buffer(300), crs=25832)
    places = four_zones().geometry
    found = rate_means(layer, places, rate="r")
    for seed in range(3):
        shuffled = layer.sample(frac=1, random_state=seed).reset_index(drop=True)
        assert rate_means(shuffled, places, rate="r").equals(found)
    twice = gpd.GeoDataFrame(
        {"r": [1.0, 3.0]}, geometry=[shapely.box(560_000, 6_200_000, 560_500, 6_201_000)] * 2, crs=25832
    )
    half = rate_means(twice, places, rate="r").loc["A"]
    assert half["mean"] == pytest.approx(2.0)
    assert half["coverage"] == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("source", "instead"),
    [
        ({"column": "heat"}, "this one is the column heat already"),
        ({"covered_by": "flood.gpkg"}, "share_covered measures this one"),
        ({"points": "plants.csv", "distance_m": 500}, "points_near measures this one"),
    ],
)
def test_what_align_does_not_take_is_told_with_what_does(source, instead):
    indicator = Indicator(label="x", unit="y", higher_is="worse", **source)
    with pytest.raises(UsageError, match=f"indicator new: align takes rasters and polygon layers; {instead}"):
        align(four_zones(), new=indicator)

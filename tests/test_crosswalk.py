"""Crosswalks between two geographies: squares worked in the head, then what is refused, then published layers."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio import Affine
from shapely import LineString, Point, Polygon, box

from equity_screen.areas import area_shares
from equity_screen.crosswalk import ByMask, ByPoints, ByRaster, Crosswalk, crosswalk
from equity_screen.crs import measure_of, to_space
from equity_screen.earlier import bring_over
from equity_screen.errors import InputError, UsageError
from equity_screen.files import read_table
from equity_screen.relation import Relation, carried, losses
from equity_screen.schema import Origin
from equity_screen.sources import EarlierTable
from equity_screen.synthetic import four_zones, synthetic_city
from equity_screen.zonal import raster_sums

UTM = "EPSG:25832"
EAST, NORTH = 560_000.0, 6_200_000.0


def km(west: float, south: float, east: float, north: float) -> Polygon:
    """Rectangle in kilometres from the south-west corner of the four squares."""
    return box(EAST + 1000 * west, NORTH + 1000 * south, EAST + 1000 * east, NORTH + 1000 * north)


def layer(**shapes: shapely.Geometry) -> gpd.GeoSeries:
    return gpd.GeoSeries(list(shapes.values()), index=list(shapes), crs=UTM)


def homes(*rows: tuple[float, float, float], crs: str = UTM) -> gpd.GeoDataFrame:
    """Population points: kilometres east and north of the corner, and people."""
    at = [Point(EAST + 1000 * x, NORTH + 1000 * y) for x, y, _ in rows]
    return gpd.GeoDataFrame({"people": [people for *_, people in rows]}, geometry=at, crs=UTM).to_crs(crs)


def dense(relation: Relation) -> list[list[float]]:
    return relation.matrix.toarray().tolist()


@pytest.fixture
def cells(tmp_path):
    """Write cells of 500 m, rows from north to south, that begin at the corner of the four squares."""

    def write(values, *, dtype: str = "float64", nodata: float | None = None, west_km: float = 0.0) -> str:
        values = np.asarray(values, dtype=dtype)
        at = Affine(500, 0, EAST + 1000 * west_km, 0, -500, NORTH + 500 * len(values))
        profile = {"height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": dtype, "nodata": nodata}
        path = tmp_path / f"cells{len(list(tmp_path.iterdir()))}.tif"
        with rasterio.open(path, "w", driver="GTiff", crs=UTM, transform=at, **profile) as file:
            file.write(values, 1)
        return str(path)

    return write


ZONE = layer(A=km(0, 0, 2, 1))
HALVES = layer(west=km(0, 0, 1, 1), east=km(1, 0, 2, 1))


# By area


def test_a_zone_is_shared_out_by_area():
    quarter = layer(x=km(0, 0, 0.5, 1), y=km(0.5, 0, 2, 1))
    found = crosswalk(ZONE, quarter)
    assert dense(found) == [[pytest.approx(0.25, abs=1e-6), pytest.approx(0.75, abs=1e-6)]]
    assert found.matrix.sum() == pytest.approx(1, abs=1e-9)
    assert found.matrix.dtype == np.float64


def test_a_crosswalk_is_a_relation_with_notes():
    found = crosswalk(four_zones(), layer(x=km(0, 0, 1, 1)))
    assert isinstance(found, Relation)
    assert isinstance(found, Crosswalk)
    assert found.rows.tolist() == found.notes.index.tolist() == ["A", "B", "C", "D"]
    assert found.notes.to_numpy().tolist() == [["area", 1.0]] * 4
    assert carried(found, four_zones(), counts=["population"])["population"].tolist() == [100.0]


@pytest.mark.parametrize("crs", [UTM, "EPSG:4326", "EPSG:3857"])
def test_a_layer_on_itself_is_the_identity_exactly(crs):
    zones = synthetic_city().neighbourhoods.to_crs(crs)
    found = crosswalk(zones, zones)
    assert (found.matrix.toarray() == np.eye(len(zones))).all()


def test_a_crosswalk_says_its_size_in_one_line():
    zones = layer(A=km(0, 0, 2, 1), B=km(2, 0, 3, 1))
    assert repr(crosswalk(zones, zones)) == "Crosswalk(2 sources, 2 targets, 2 pairs)"


def test_areas_are_measured_on_the_ground_and_not_in_degrees():
    """A degree at 60° north: its northern half is the smaller one."""
    whole = gpd.GeoSeries([box(10, 59, 11, 60)], index=["A"], crs=4326)
    north = gpd.GeoSeries([box(10, 59.5, 11, 60)], index=["n"], crs=4326)
    assert crosswalk(whole, north).matrix[0, 0] == pytest.approx(0.49625, abs=1e-4)


def test_layers_in_two_crss_meet_on_the_ground():
    found = crosswalk(ZONE, HALVES.to_crs(3857))
    assert dense(found) == [[pytest.approx(0.5, abs=1e-5), pytest.approx(0.5, abs=1e-5)]]


def test_a_zone_across_the_antimeridian_is_one_zone():
    halves = gpd.GeoSeries([box(179, -17, 180, -16), box(-180, -17, -179, -16)], index=["west", "east"], crs=4326)
    both = gpd.GeoSeries([shapely.MultiPolygon(list(halves))], index=["A"], crs=4326)
    assert dense(crosswalk(both, halves)) == [[pytest.approx(0.5, abs=1e-9)] * 2]
    assert dense(crosswalk(halves, both)) == [[pytest.approx(1, abs=1e-9)]] * 2
    points = gpd.GeoDataFrame({"people": [1, 3]}, geometry=gpd.points_from_xy([179.5, -179.5], [-16.5] * 2), crs=4326)
    assert dense(crosswalk(both, halves, by=ByPoints(points))) == [[0.25, 0.75]]


def test_what_no_target_holds_is_lost_and_told():
    found = crosswalk(four_zones(), layer(x=km(0, 0, 1.5, 2)))
    lost = losses(found, four_zones(), counts=["population"])
    assert lost["share"].tolist() == pytest.approx([0, 0.5, 0, 0.5], abs=1e-6)
    assert lost["population"].tolist() == pytest.approx([0, 100, 0, 200], abs=1e-3)


def test_counts_move_and_rates_average_from_one_census_year_to_the_next():
    """2010: two zones side by side; 2020: one above the other, of the same ground."""
    old = layer(W=km(0, 0, 1, 2), E=km(1, 0, 2, 2))
    new = layer(S=km(0, 0, 2, 1), N=km(0, 1, 2, 2))
    table = pd.DataFrame({"people": [100.0, 300.0], "heat": [20.0, 24.0]}, index=["W", "E"])
    found = carried(crosswalk(old, new), table, counts=["people"], rates={"heat": "people"})
    assert found["people"].tolist() == pytest.approx([200, 200], rel=1e-6)
    assert found["heat"].tolist() == pytest.approx([23, 23], rel=1e-6)


# By points


def test_points_say_where_in_a_zone_people_live():
    found = crosswalk(ZONE, HALVES, by=ByPoints(homes((0.5, 0.5, 9), (1.5, 0.5, 1))))
    assert dense(found) == [[0.9, 0.1]]
    assert found.notes["by"].tolist() == ["points"]


def test_a_zone_without_people_at_its_points_is_shared_by_area_and_it_is_told():
    found = crosswalk(four_zones(), layer(x=km(0, 0, 0.5, 2)), by=ByPoints(homes((0.1, 0.5, 7), (0.5, 1.5, 0))))
    assert dense(found) == [[1.0], [0.0], [pytest.approx(0.5, abs=1e-6)], [0.0]]
    assert found.notes["by"].tolist() == ["points", "area", "area", "area"]


def test_a_point_on_a_common_border_is_in_one_target_only():
    found = crosswalk(ZONE, HALVES, by=ByPoints(homes((1.0, 0.5, 4), (1.5, 0.5, 4))))
    assert dense(found) == [[0.5, 0.5]]


def test_a_point_on_a_common_border_of_both_layers_goes_no_astray():
    """B comes before A here: the point on their border is B's, and so it goes to the half that B is."""
    sources = layer(B=km(1, 0, 2, 1), A=km(0, 0, 1, 1))
    found = crosswalk(sources, HALVES, by=ByPoints(homes((1.0, 0.5, 4), (0.5, 0.5, 4))))
    assert dense(found) == [[0.0, 1.0], [1.0, 0.0]]


def test_a_point_on_a_common_border_is_of_one_source_only():
    """4 people at home on the border of A and B are of A; of the 4 who are B's alone nobody is in reach."""
    sources, target = layer(A=km(0, 0, 1, 1), B=km(1, 0, 2, 1)), layer(x=km(0.8, 0, 1.2, 1))
    points = homes((0.1, 0.5, 4), (1.0, 0.5, 4), (1.9, 0.5, 4))
    assert dense(crosswalk(sources, target, by=ByPoints(points))) == [[0.5], [0.0]]


def test_a_point_inside_two_targets_that_overlap_is_in_both():
    both = layer(x=km(0, 0, 1.5, 1), y=km(0.5, 0, 2, 1))
    found = crosswalk(ZONE, both, by=ByPoints(homes((1.0, 0.5, 3), (1.8, 0.5, 1))))
    assert dense(found) == [[0.75, 1.0]]


def test_sources_may_overlap_such_as_the_reaches_of_actions():
    reaches = layer(near=km(0.9, 0, 1.1, 1), far=km(0.5, 0, 1.5, 1))
    points = homes((0.95, 0.5, 1), (1.05, 0.5, 3), (1.4, 0.5, 4))
    assert dense(crosswalk(reaches, HALVES, by=ByPoints(points))) == [[0.25, 0.75], [0.125, 0.875]]


def test_points_in_another_crs_and_order_give_the_same_bits():
    points = homes((0.2, 0.5, 0.1), (0.4, 0.5, 0.2), (0.6, 0.5, 0.3), (1.5, 0.5, 0.7))
    first = crosswalk(ZONE, HALVES, by=ByPoints(points.to_crs(4326)))
    again = crosswalk(ZONE, HALVES, by=ByPoints(points.to_crs(4326).iloc[::-1]))
    assert dense(first) == dense(again) == [[pytest.approx(0.6 / 1.3), pytest.approx(0.7 / 1.3)]]


def test_columns_of_people_are_named():
    points = homes((0.5, 0.5, 9), (1.5, 0.5, 1)).assign(homes=[1, 3])
    assert dense(crosswalk(ZONE, HALVES, by=ByPoints(points, people="homes"))) == [[0.25, 0.75]]


# By a raster


def test_a_raster_of_people_counts_the_parts_of_its_cells(cells):
    """Four cells of the zone's length: 1, 3, 0 and 4 in both rows; a target that cuts the second cell in half."""
    by = ByRaster(cells([[1, 3, 0, 4]] * 2))
    found = crosswalk(ZONE, layer(x=km(0, 0, 0.75, 1), y=km(0.75, 0, 2, 1)), by=by)
    assert dense(found) == [[pytest.approx(2.5 / 8, abs=1e-9), pytest.approx(5.5 / 8, abs=1e-9)]]
    assert found.notes.to_numpy().tolist() == [["raster", pytest.approx(1)]]


def test_where_a_raster_has_no_people_or_no_data_area_takes_its_place(cells):
    by = ByRaster(cells([[0, 0, -1, -1]] * 2, nodata=-1))
    zones = layer(A=km(0, 0, 1, 1), B=km(1, 0, 2, 1), C=km(2, 0, 3, 1))
    found = crosswalk(zones, layer(south=km(0, 0, 3, 0.5)), by=by)
    assert dense(found) == [[pytest.approx(0.5, abs=1e-6)]] * 3
    assert found.notes.to_numpy().tolist() == [["area", pytest.approx(1)], ["area", 0], ["area", 0]]


def test_what_a_raster_sees_stands_for_what_it_does_not_and_the_coverage_is_told(cells):
    by = ByRaster(cells([[1, 3, -1, -1]] * 2, nodata=-1))
    found = crosswalk(ZONE, layer(x=km(0, 0, 0.5, 1)), by=by)
    assert dense(found) == [[pytest.approx(0.25, abs=1e-9)]]
    assert found.notes.loc["A", "coverage"] == pytest.approx(0.5)


def test_points_in_the_middle_of_cells_agree_with_their_raster(cells):
    counts = np.random.default_rng(4).integers(0, 9, (4, 4)).astype(float)
    middles = [(0.25 + 0.5 * c, 1.75 - 0.5 * r, counts[r, c]) for r in range(4) for c in range(4)]
    targets = layer(x=km(0, 0, 0.5, 1.5), y=km(0.5, 0.5, 2, 2))
    by_points = crosswalk(four_zones(), targets, by=ByPoints(homes(*middles))).matrix.toarray()
    by_raster = crosswalk(four_zones(), targets, by=ByRaster(cells(counts))).matrix.toarray()
    assert by_raster == pytest.approx(by_points, abs=1e-9)


# By a mask


def test_nobody_lives_off_the_mask():
    """Land in the western quarter only: the eastern half receives exactly nothing."""
    found = crosswalk(ZONE, HALVES, by=ByMask(layer(land=km(0, 0, 0.5, 1))))
    assert dense(found) == [[1.0, 0.0]]
    assert found.matrix.nnz == 1
    assert found.notes["by"].tolist() == ["mask"]


def test_land_counts_once_where_polygons_of_the_mask_overlap():
    land = layer(a=km(0.5, 0, 1.5, 1), b=km(0.5, 0, 1, 1), c=km(5, 5, 6, 6))
    assert dense(crosswalk(ZONE, HALVES, by=ByMask(land))) == [[pytest.approx(0.5), pytest.approx(0.5)]]


def test_a_source_without_land_is_shared_by_area_also_where_it_touches_some():
    land = layer(inside=km(0, 0, 0.25, 0.5), beside=km(0, 2, 1, 3))
    found = crosswalk(four_zones(), layer(south=km(0, 0, 2, 0.25), north=km(0, 1, 2, 1.25)), by=ByMask(land))
    assert found.notes["by"].tolist() == ["mask", "area", "area", "area"]
    expected = [[0.5, 0], [0.25, 0], [0, 0.25], [0, 0.25]]
    assert found.matrix.toarray() == pytest.approx(np.array(expected), abs=1e-6)


def test_land_next_door_in_another_crs_is_no_land_of_the_source():
    """A hair of it lies in B and D once both layers are in one CRS: nobody of theirs lives in that."""
    land = layer(inside=km(0, 0, 0.25, 0.5), b=km(2, 0.35, 2.3, 0.65), d=km(2, 1.35, 2.3, 1.65)).to_crs(3857)
    found = crosswalk(four_zones(), layer(south=km(0, 1, 2, 1.25)), by=ByMask(land))
    assert found.notes["by"].tolist() == ["mask", "area", "area", "area"]
    assert dense(found)[1:] == [[0], [pytest.approx(0.25, abs=1e-5)], [pytest.approx(0.25, abs=1e-5)]]


def test_classes_of_land_cover_are_a_mask(cells):
    """Open water 11, homes 22 and 23, woods 41: homes fill three quarters of the west and a quarter of the east."""
    path = cells([[22, 22, 41, 23], [11, 23, 41, 11]], dtype="uint8")
    found = crosswalk(ZONE, HALVES, by=ByMask(raster=path, classes=(22, 23)))
    assert dense(found) == [[pytest.approx(0.75, abs=1e-9), pytest.approx(0.25, abs=1e-9)]]
    assert found.notes["by"].tolist() == ["mask"]


def test_a_mask_of_classes_and_one_of_polygons_agree(cells):
    path = cells([[1, 2, 2, 1], [2, 2, 1, 1]], dtype="uint8")
    land = layer(a=km(0.5, 0.5, 1.5, 1), b=km(0, 0, 1, 0.5))
    targets = layer(x=km(0, 0, 0.7, 1), y=km(0.7, 0, 2, 0.3))
    by_classes = crosswalk(ZONE, targets, by=ByMask(raster=path, classes=(2,))).matrix.toarray()
    assert by_classes == pytest.approx(crosswalk(ZONE, targets, by=ByMask(land)).matrix.toarray(), abs=1e-6)


def test_a_source_without_any_cell_of_the_classes_is_shared_by_area(cells):
    found = crosswalk(ZONE, HALVES, by=ByMask(raster=cells([[1, 1, 1, 1]] * 2, dtype="uint8"), classes=(2,)))
    assert found.notes["by"].tolist() == ["area"]
    assert dense(found) == [[pytest.approx(0.5, abs=1e-6)] * 2]


# Points in polygons


def test_points_go_whole_to_what_covers_them():
    sources = homes((0.5, 0.5, 1), (1.0, 0.5, 1), (9, 9, 1)).geometry.set_axis(["p", "border", "away"])
    found = crosswalk(sources, HALVES, by="covering")
    assert dense(found) == [[1, 0], [1, 0], [0, 0]]
    assert found.notes["by"].tolist() == ["covering", "covering", "none"]


def test_facilities_are_counted_in_neighbourhoods():
    sites = homes((0.5, 0.5, 1), (0.6, 0.5, 1), (1.5, 1.5, 1), crs="EPSG:4326").assign(one=1)
    found = carried(crosswalk(sites, four_zones(), by="covering"), sites, counts=["one"])
    assert found["one"].fillna(0).tolist() == [2, 0, 0, 1]


# Labels, and tables of pairs


def test_labels_keep_their_names_unless_both_are_one():
    zones, areas = ZONE.rename_axis("tract"), HALVES.rename_axis("ward")
    assert crosswalk(zones, areas).long("share").columns.tolist() == ["tract", "ward", "share"]
    assert crosswalk(ZONE, areas).long("share").columns.tolist() == ["source", "ward", "share"]
    same = crosswalk(zones, zones)
    assert (same.rows.name, same.columns.name, same.notes.index.name) == ("source", "target", "source")
    assert same.long("share").columns.tolist() == ["source", "target", "share"]


def test_the_table_of_pairs_forgets_no_source():
    zones = layer(far=km(7, 7, 8, 8), A=km(0, 0, 2, 1), away=km(9, 9, 10, 10))
    table = crosswalk(zones, HALVES).table("part")
    assert table[["source", "target"]].to_numpy().tolist() == [
        ["far", "west"],
        ["A", "west"],
        ["A", "east"],
        ["away", "west"],
    ]
    assert table["part"].tolist() == pytest.approx([0, 0.5, 0.5, 0], abs=1e-6)


def test_a_crosswalk_without_a_common_place_is_all_zeros():
    table = crosswalk(layer(A=km(7, 7, 8, 8), B=km(8, 7, 9, 8)), HALVES).table()
    assert table.to_numpy().tolist() == [["A", "west", 0.0], ["B", "west", 0.0]]


@pytest.mark.parametrize("far", [False, True])
def test_what_is_written_is_what_a_project_brings_over(tmp_path, far):
    """Crosswalk → CSV → [[earlier]]: the same numbers as carried over it in memory, losses included."""
    old = layer(**{"001": km(0, 0, 1.5, 2), "002": km(1.5, 0, 2.5, 2)}, **({"003": km(7, 7, 8, 8)} if far else {}))
    made = crosswalk(old.rename_axis("zone_2011"), four_zones(), by=ByPoints(homes((0.5, 0.5, 3), (1.2, 0.5, 4))))
    people = pd.DataFrame({"people": [70.0, 10.0, 5.0][: len(old)], "heat": [20.0, 30.0, 40.0][: len(old)]})
    made.table().to_csv(tmp_path / "crosswalk.csv", index=False)
    people.assign(zone=old.index).to_csv(tmp_path / "census.csv", index=False)
    declared = EarlierTable(
        file="census.csv",
        id="zone",
        crosswalk="crosswalk.csv",
        source_id="zone_2011",
        target_id="neighbourhood",
        share="share",
        counts=("people",),
        rates={"heat": "people"},
    )
    (table, first), (pairs, second) = (read_table(tmp_path / name) for name in ("census.csv", "crosswalk.csv"))
    origins = first, second, Origin("zones.gpkg")
    brought = bring_over(table, pairs, declared=declared, ids=four_zones().index, origins=origins)
    numbers = people.set_axis(old.index)
    expected = carried(made, numbers, counts=["people"], rates={"heat": "people"})
    assert brought.columns.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12, nan_ok=True)
    assert brought.columns["people"].tolist()[:2] == [30, pytest.approx(42.5, rel=1e-6)]
    assert brought.lost["people"] == pytest.approx(losses(made, numbers, counts=["people"])["people"].sum())


# What tobler and others do otherwise


def test_half_a_zone_receives_half_of_its_people():
    found = carried(crosswalk(ZONE, HALVES[:1]), pd.DataFrame({"people": [100.0]}, index=["A"]), counts=["people"])
    assert found["people"].tolist() == pytest.approx([50], rel=1e-5)


def test_a_target_without_a_source_is_missing_and_not_zero():
    targets = layer(west=km(0, 0, 1, 1), away=km(7, 7, 8, 8))
    found = carried(crosswalk(ZONE, targets), pd.DataFrame({"people": [100.0]}, index=["A"]), counts=["people"])
    assert found["people"].isna().tolist() == [False, True]


# Faults


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (ZONE[:0], "source: no rows"),
        (gpd.GeoSeries([ZONE.iloc[0]] * 2, index=["A", "A"], crs=UTM), "source: labels stand twice: A"),
        (layer(A=km(0, 0, 1, 1), B=None), "source: no geometry: B"),
        (layer(A=Polygon()), "source: no geometry: A"),
        (layer(A=Point(EAST, NORTH)), "source: not a Polygon or MultiPolygon: A"),
        (layer(A=LineString([(EAST, NORTH), (EAST, NORTH + 1)])), "source: not a Polygon or MultiPolygon: A"),
        (layer(A=Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])), r"source: an invalid geometry \(repair it.*: A"),
    ],
)
def test_layers_that_cannot_be_measured_are_refused(wrong, words):
    with pytest.raises(UsageError, match=words):
        crosswalk(wrong, HALVES)


def test_the_target_is_named_where_it_is_at_fault():
    with pytest.raises(UsageError, match="target: no rows"):
        crosswalk(ZONE, HALVES[:0])


def test_many_labels_are_named_up_to_five():
    with pytest.raises(UsageError, match=r"stand twice: 0, 1, 2, 3, 4, …$"):
        crosswalk(gpd.GeoSeries([ZONE.iloc[0]] * 14, index=[*range(7)] * 2, crs=UTM), HALVES)


@pytest.mark.parametrize("name", ["source", "target"])
def test_a_layer_without_a_crs_is_refused(name):
    layers = {"source": ZONE, "target": HALVES}
    layers[name] = layers[name].set_crs(None, allow_override=True)
    with pytest.raises(InputError, match=f"{name}, column CRS: the file has no CRS"):
        crosswalk(**layers)


@pytest.mark.parametrize("people", [np.nan, -1.0, np.inf, "many", None])
def test_points_without_a_number_of_people_are_refused(people):
    points = homes((0.5, 0.5, 1)).assign(people=[people]).set_axis(["block 7"])
    with pytest.raises(UsageError, match=r"1 of 1 have no number of people of 0 or more .* label block 7"):
        crosswalk(ZONE, HALVES, by=ByPoints(points))


def test_points_need_their_column_and_their_places():
    points = homes((0.5, 0.5, 1))
    with pytest.raises(UsageError, match="points: no column 'homes'; there are: people, geometry"):
        crosswalk(ZONE, HALVES, by=ByPoints(points, people="homes"))
    with pytest.raises(UsageError, match="points: not a Point"):
        crosswalk(ZONE, HALVES, by=ByPoints(points.set_geometry(points.buffer(1))))
    with pytest.raises(UsageError, match="source: not a Point: A"):
        crosswalk(ZONE, HALVES, by="covering")


def test_a_raster_with_people_below_zero_is_refused(cells):
    with pytest.raises(UsageError, match=r"cells0\.tif: a sum below 0"):
        crosswalk(ZONE, HALVES, by=ByRaster(cells([[1, 1, -5, 1]] * 2)))


def test_a_mask_is_one_thing():
    with pytest.raises(UsageError, match="polygons, or a raster"):
        ByMask()
    with pytest.raises(UsageError, match="polygons, or a raster"):
        ByMask(HALVES, raster="a.tif", classes=(1,))
    with pytest.raises(UsageError, match="both or neither"):
        ByMask(raster="a.tif")
    with pytest.raises(UsageError, match="both or neither"):
        ByMask(HALVES, classes=(1,))


def test_an_unknown_way_is_refused():
    with pytest.raises(UsageError, match="by 'people': there are 'area', 'covering'"):
        crosswalk(ZONE, HALVES, by="people")


@pytest.mark.parametrize("by", [homes((0.5, 0.5, 1)), homes((0.5, 0.5, 1)).geometry, HALVES])
def test_a_layer_is_to_be_wrapped(by):
    with pytest.raises(UsageError, match=r"by is a layer; wrap it: ByPoints\(points, people=…\)"):
        crosswalk(ZONE, HALVES, by=by)


# Published layers


@pytest.mark.shared
def test_philadelphia_by_developed_land(shared_data):
    """Tracts to a grid by the developed classes of NLCD, against counting the middles of fine cells."""
    folder = shared_data / "philadelphia"
    tracts = gpd.read_parquet(folder / "tracts_svi2020.parquet").set_index("GEOID").sort_index()
    path, classes = folder / "NLCD_LandCover_PhiladelphiaRegion_2021.tif", (21, 22, 23, 24)
    west, south, east, north = tracts.to_crs(5070).total_bounds
    at = [(x, y) for x in np.arange(west, east, 4000) for y in np.arange(south, north, 4000)]
    grid = gpd.GeoSeries([box(x, y, x + 4000, y + 4000) for x, y in at], crs=5070).set_axis(
        [f"{i}" for i in range(len(at))]
    )
    found = crosswalk(tracts, grid, by=ByMask(raster=path, classes=classes))
    assert (found.notes["coverage"] > 0.999).all()
    assert set(found.notes["by"]) == {"mask"}
    assert found.matrix.sum(axis=1) == pytest.approx(np.ones(len(tracts)), abs=1e-9)
    assert found.matrix.data.max() <= 1
    with rasterio.open(path) as raster:
        cover, place = np.isin(raster.read(1), classes), raster.transform
    tract = tracts.to_crs(5070).geometry.iloc[::40]
    for label, shape in tract.items():
        x0, y0, x1, y1 = shape.bounds
        x, y = (part.ravel() for part in np.meshgrid(np.arange(x0, x1, 5.0) + 2.5, np.arange(y0, y1, 5.0) + 2.5))
        inside = shapely.contains_xy(shape, x, y)
        column, row = ((part // 1).astype(int) for part in ~place @ (x[inside], y[inside]))
        built = cover[row, column]
        by_cell = (
            pd.Series(built).groupby([((x[inside] - west) // 4000), ((y[inside] - south) // 4000)]).sum() / built.sum()
        )
        shares = found.matrix[[found.rows.get_loc(label)]].toarray().ravel()
        assert np.sort(shares[shares > 0.01]) == pytest.approx(np.sort(by_cell[by_cell > 0.01]), abs=0.01)
    by_area = area_shares(to_space(tracts.geometry, space := measure_of(tracts).areas), to_space(grid, space)).matrix
    assert abs(by_area - found.matrix).max() > 0.05


@pytest.mark.shared
def test_philadelphia_keeps_its_developed_land(shared_data):
    """What lies in halves of a tract is what lies in the tract."""
    folder = shared_data / "philadelphia"
    tracts = gpd.read_parquet(folder / "tracts_svi2020.parquet").set_index("GEOID").geometry
    path = folder / "NLCD_LandCover_PhiladelphiaRegion_2021.tif"
    sums = raster_sums(path, tracts, classes=(21, 22, 23, 24))["sum"]
    found = crosswalk(tracts, tracts.iloc[::2], by=ByMask(raster=path, classes=(21, 22, 23, 24)))
    land = carried(found, pd.DataFrame({"land": sums}), counts=["land"])["land"]
    assert land.to_numpy() == pytest.approx(sums.iloc[::2].to_numpy(), rel=1e-9)

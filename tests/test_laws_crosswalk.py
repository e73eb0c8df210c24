"""Laws of crosswalks, by every method: nobody is lost or made, and what is the same everywhere stays so.

Sources are cells without a right angle among them, targets are rectangles that tile the same ground and more, so
that their corners lie anywhere. Expected numbers come from plain loops over pairs of shapes, or over points.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings, strategies as st
from rasterio import Affine
from shapely import box

from equity_screen.areas import SLIVER
from equity_screen.crosswalk import By, ByMask, ByPoints, ByRaster, crosswalk
from equity_screen.relation import carried, losses

UTM = "EPSG:25832"
EAST, NORTH, SIDE = 560_000.0, 6_200_000.0, 4_000.0
FEW = settings(max_examples=8)
SEEDS = st.integers(0, 10_000)
CUTS = st.lists(st.integers(1, 39).map(lambda tenth: tenth / 10), min_size=1, max_size=3, unique=True).map(sorted)
METHODS = ("area", "points", "raster", "classes", "land")


def cells(seed: int, count: int = 9) -> gpd.GeoSeries:
    """Lay out Voronoi cells of a square of 4 km."""
    frame = box(EAST, NORTH, EAST + SIDE, NORTH + SIDE)
    scattered = np.random.default_rng(seed).random((count, 2)) * SIDE + (EAST, NORTH)
    shapes = shapely.voronoi_polygons(shapely.multipoints(scattered), extend_to=frame, ordered=True)
    shapes = shapely.intersection(shapely.get_parts(shapes), frame)
    return gpd.GeoSeries(shapes, index=[f"Z{i}" for i in range(count)], crs=UTM)


def tiles(wests: list[float], souths: list[float], *, margin: float = 1.0) -> gpd.GeoSeries:
    """Rectangles that tile the square; with a margin also what lies around it."""
    columns, rows = ([-margin, *cuts, 4 + margin] for cuts in (wests, souths))
    spans = itertools.product(itertools.pairwise(columns), itertools.pairwise(rows))
    boxes = [box(*(1000 * np.array([x0, y0, x1, y1]) + (EAST, NORTH) * 2)) for (x0, x1), (y0, y1) in spans]
    return gpd.GeoSeries(boxes, index=[f"T{i}" for i in range(len(boxes))], crs=UTM)


def homes(seed: int, count: int = 60) -> gpd.GeoDataFrame:
    """Scatter population points, some of them without people."""
    rng = np.random.default_rng(seed)
    at = gpd.points_from_xy(*(rng.random((2, count)) * SIDE + np.array([[EAST], [NORTH]])))
    return gpd.GeoDataFrame({"people": rng.integers(0, 40, count).astype(float)}, geometry=at, crs=UTM)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rasters")


def by(method: str, seed: int, folder: Path) -> By:
    """Declare a method on data drawn from a seed; sources without people or land come up as well."""
    rng = np.random.default_rng(seed)
    if method == "area":
        return "area"
    if method == "points":
        return ByPoints(homes(seed))
    if method == "land":
        corners = rng.random((6, 2)) * SIDE + (EAST, NORTH)
        return ByMask(gpd.GeoSeries([box(x, y, x + 900, y + 500) for x, y in corners], crs=UTM))
    values = rng.integers(0, 4, (13, 13)).astype("uint8")
    at = Affine(SIDE / 13, 0, EAST, 0, -SIDE / 13, NORTH + SIDE)
    profile = {"height": 13, "width": 13, "count": 1, "dtype": "uint8", "crs": UTM, "transform": at}
    path = folder / f"{seed}.tif"
    with rasterio.open(path, "w", driver="GTiff", **profile) as file:
        file.write(values, 1)
    return ByRaster(path) if method == "raster" else ByMask(raster=path, classes=(3,))


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS, margin=st.sampled_from([0.0, 1.0]))
def test_a_partition_keeps_everybody_once(folder, method, seed, wests, souths, margin):
    zones, rng = cells(seed), np.random.default_rng(seed)
    found = crosswalk(zones, tiles(wests, souths, margin=margin), by=by(method, seed, folder))
    assert found.matrix.data.min() >= SLIVER
    assert found.matrix.data.max() <= 1
    # Without a margin corners of targets lie on borders of sources, which bend apart by a hair between two CRSs.
    hair = 1e-9 if margin or method != "land" else 1e-8
    assert found.matrix.sum(axis=1) == pytest.approx(np.ones(len(zones)), abs=hair)
    table = pd.DataFrame({"people": rng.integers(0, 5000, len(zones)), "heat": 21.3}, index=zones.index)
    brought = carried(found, table, counts=["people"], rates={"heat": "people"})
    assert brought["people"].sum() == pytest.approx(table["people"].sum(), rel=hair)
    assert set(brought["heat"].dropna()) == {21.3}
    assert losses(found, table, counts=["people"])["people"].abs().max() < 1e-4


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS)
def test_a_rate_stays_between_the_least_and_the_greatest(folder, method, seed, wests, souths):
    zones, rng = cells(seed), np.random.default_rng(seed)
    found = crosswalk(zones, tiles(wests, souths), by=by(method, seed, folder))
    table = pd.DataFrame({"people": rng.integers(1, 90, len(zones)), "heat": rng.normal(30, 5, len(zones))})
    heat = carried(found, table.set_axis(zones.index), rates={"heat": "people"})["heat"].dropna()
    assert table["heat"].min() <= heat.min() <= heat.max() <= table["heat"].max()


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS)
def test_parts_that_do_not_overlap_add_up_and_more_ground_is_no_less(folder, method, seed, wests, souths):
    zones, targets = cells(seed), tiles(wests, souths)
    some, way = targets.iloc[: len(targets) // 2], by(method, seed, folder)
    union = gpd.GeoSeries([shapely.union_all(some.array)], index=["union"], crs=UTM)
    parts, whole = (crosswalk(zones, layer, by=way).matrix for layer in (some, union))
    assert parts.sum(axis=1) == pytest.approx(whole.toarray().ravel(), abs=1e-9)
    assert (parts.max(axis=1).toarray().ravel() <= whole.toarray().ravel() + 1e-9).all()


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS)
def test_neither_the_order_of_rows_nor_a_copy_changes_a_share(folder, method, seed, wests, souths):
    zones, targets, way = cells(seed), tiles(wests, souths), by(method, seed, folder)
    shuffled = np.random.default_rng(seed).permutation
    first = crosswalk(zones, targets, by=way)
    other = crosswalk(zones.iloc[shuffled(len(zones))], targets.iloc[shuffled(len(targets))], by=way)
    again = other.matrix[other.rows.get_indexer(zones.index)][:, other.columns.get_indexer(targets.index)]
    assert again.toarray() == pytest.approx(first.matrix.toarray(), abs=1e-12)
    assert other.notes["by"].reindex(zones.index).tolist() == first.notes["by"].tolist()


@pytest.mark.parametrize("method", METHODS)
@FEW
@given(seed=SEEDS)
def test_on_itself_it_is_the_identity(folder, method, seed):
    zones = cells(seed)
    assert (crosswalk(zones, zones, by=by(method, seed, folder)).matrix.toarray() == np.eye(len(zones))).all()


@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS)
def test_through_a_layer_that_refines_the_sources_is_the_same_as_straight(seed, wests, souths):
    """Tiles → tiles cut by the cells → cells."""
    coarse, last = tiles(wests, souths, margin=0), cells(seed)
    pairs = itertools.product(coarse, last)
    shapes = [part for one, other in pairs if (part := shapely.intersection(one, other)).area > 1]
    fine = gpd.GeoSeries(shapes, index=[f"F{i}" for i in range(len(shapes))], crs=UTM)
    through = crosswalk(coarse, fine).matrix @ crosswalk(fine, last).matrix
    assert through.toarray() == pytest.approx(crosswalk(coarse, last).matrix.toarray(), abs=1e-6)


@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS)
def test_areas_and_land_are_those_of_plain_intersections(folder, seed, wests, souths):
    zones, targets, way = cells(seed), tiles(wests, souths), by("land", seed, folder)
    land = shapely.union_all(way.polygons.array)
    for found, ground in (
        (crosswalk(zones, targets), zones),
        (crosswalk(zones, targets, by=way), zones.intersection(land)),
    ):
        expected = [
            [(one & target).area / one.area if one.area else (zone & target).area / zone.area for target in targets]
            for zone, one in zip(zones, ground, strict=True)
        ]
        assert found.matrix.toarray() == pytest.approx(np.array(expected), abs=1e-5)


@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS)
def test_points_are_those_of_a_plain_loop(seed, wests, souths):
    zones, targets, points = cells(seed), tiles(wests, souths), homes(seed)
    found = crosswalk(zones, targets, by=ByPoints(points)).matrix.toarray()
    for i, j in itertools.product(range(len(zones)), range(len(targets))):
        mine = points[points.within(zones.iloc[i])]
        if mine["people"].sum() > 0:
            there = mine.loc[mine.within(targets.iloc[j]), "people"].sum()
            assert found[i, j] == pytest.approx(there / mine["people"].sum(), abs=1e-12)

"""Shares of neighbourhoods in reach, by area and by population points, against geopandas' own joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.harness import Goal, Workload, measure
from equity_screen.crosswalk import area_shares, covering, point_shares
from equity_screen.reach import QUADRANT_SEGMENTS

Shapes = NDArray[np.object_]

SEED = 2030
CRS = "EPSG:3035"  # equal-area, metres
SIDE_M = 60_000.0
ZONES = {True: 8_000, False: 16_000}  # tracts, block groups
FOOTPRINTS = {True: 400, False: 1_000}
BLOCKS = {True: 100_000, False: 400_000}
SITES = {True: 300, False: 1_000}
WITHIN_M = 1_000.0
AREA_GOAL = 1.3
INSIDE_GOAL = 1.0
# geopandas puts the sites into its tree and not the many more points, which is quicker to build.
WITHIN_GOAL = 0.5


def tessellation(count: int, rng: np.random.Generator) -> gpd.GeoSeries:
    """Make zones that share bent borders and leave no gap, sized like those of one large city."""
    frame = shapely.box(0.0, 0.0, SIDE_M, SIDE_M)
    seeds = shapely.MultiPoint(SIDE_M * rng.random((count, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=frame, ordered=True))
    fine = shapely.segmentize(shapely.intersection(cells, frame), 0.2 * SIDE_M / np.sqrt(count))
    return gpd.GeoSeries(shapely.transform(fine, _bent), index=_ids("Z", count), crs=CRS)


def _bent(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend the plane a little, the same way on both sides of every border."""
    east, north = np.sin(points[:, ::-1] / (150.0, 190.0)).T
    return points + 25.0 * np.column_stack([east, north])


def _ids(letter: str, count: int) -> pd.Index:
    return pd.Index([f"{letter}{i:05d}" for i in range(count)])


def footprints(count: int, rng: np.random.Generator) -> gpd.GeoSeries:
    """Make what plans hold: half discs, three in ten buffered lines, two in ten drawn polygons."""
    discs, lines = count // 2, 3 * count // 10
    shapes = [_discs(discs, rng), _corridors(lines, rng), _stars(count - discs - lines, rng)]
    return gpd.GeoSeries(np.concatenate(shapes), index=_ids("F", count), crs=CRS)


def _discs(count: int, rng: np.random.Generator) -> Shapes:
    radius = np.exp(rng.uniform(np.log(250.0), np.log(3_000.0), count))
    discs: Shapes = shapely.buffer(_points(count, rng), radius, quad_segs=QUADRANT_SEGMENTS)
    return discs


def _points(count: int, rng: np.random.Generator) -> Shapes:
    points: Shapes = shapely.points(SIDE_M * rng.random((count, 2)))
    return points


def _corridors(count: int, rng: np.random.Generator) -> Shapes:
    """Bus lines of nine stops and what lies within 100 m to 1 km of them."""
    start, heading = SIDE_M * rng.random((count, 1, 2)), 2.0 * np.pi * rng.random((count, 1))
    turn = heading + np.cumsum(0.6 * (rng.random((count, 9)) - 0.5), axis=1)
    steps = 900.0 * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    corridors: Shapes = shapely.buffer(
        shapely.linestrings(start + np.cumsum(steps, axis=1)), rng.uniform(100.0, 1_000.0, count)
    )
    return corridors


def _stars(count: int, rng: np.random.Generator) -> Shapes:
    """Draw polygons of 40 corners, none of them crossing itself."""
    angle = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    radius = rng.uniform(400.0, 2_500.0, (count, 1)) * (0.6 + 0.4 * rng.random((count, 40)))
    corners = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    stars: Shapes = shapely.polygons(SIDE_M * rng.random((count, 1, 2)) + corners)
    return stars


def by_area(zones: gpd.GeoSeries, reach: gpd.GeoSeries) -> csr_array:
    """Share each zone's area with the package."""
    return area_shares(zones, reach).matrix


def by_overlay(zones: gpd.GeoSeries, reach: gpd.GeoSeries) -> csr_array:
    """Share each zone's area with geopandas.overlay and a groupby."""
    left = gpd.GeoDataFrame({"zone": np.arange(len(zones))}, geometry=zones.array)
    right = gpd.GeoDataFrame({"footprint": np.arange(len(reach))}, geometry=reach.array)
    pieces = gpd.overlay(left, right, how="intersection", keep_geom_type=True)
    inner = pieces.area.groupby([pieces["zone"], pieces["footprint"]]).sum()
    zone, footprint = (inner.index.get_level_values(level) for level in (0, 1))
    whole = left.area.to_numpy()[zone]
    return csr_array((inner.to_numpy() / whole, (zone, footprint)), shape=(len(left), len(right)))


def populated(zones: gpd.GeoSeries, *, blocks: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Throw population points at the zones; those that miss every zone are left out."""
    points = gpd.GeoSeries(_points(blocks, rng), crs=CRS)
    table = gpd.GeoDataFrame({"people": rng.integers(1, 200, blocks) * 1.0}, geometry=points)
    table = table.assign(zone=covering(points, zones)).dropna(subset="zone").reset_index(drop=True)
    return table.astype({"zone": "int64"})


@dataclass(frozen=True, slots=True)
class Reached:
    """A question to the population points: which of them are in reach of which shapes."""

    zones: pd.Index
    blocks: gpd.GeoDataFrame
    shapes: gpd.GeoSeries
    predicate: Literal["intersects", "dwithin"]

    @property
    def distance_m(self) -> float | None:
        """Distance that counts as in reach [m]; None where the shape itself is the reach."""
        return WITHIN_M if self.predicate == "dwithin" else None


def by_points(asked: Reached) -> csr_array:
    """Share each zone's people at its points, as the overlay of the package does it."""
    tree = shapely.STRtree(asked.blocks.geometry.array.to_numpy())
    shapes = asked.shapes.array.to_numpy()
    shape, block = tree.query(shapes, predicate=asked.predicate, distance=asked.distance_m)
    return point_shares((block, shape), asked.blocks, labels=(asked.zones, asked.shapes.index)).matrix


def by_sjoin(asked: Reached) -> csr_array:
    """Share each zone's people at its points with geopandas.sjoin and a groupby."""
    right = gpd.GeoDataFrame({"shape": np.arange(len(asked.shapes))}, geometry=asked.shapes.array, crs=CRS)
    near = gpd.sjoin(asked.blocks, right, predicate=asked.predicate, distance=asked.distance_m)
    reached = near.groupby(["zone", "shape"])["people"].sum()
    whole = asked.blocks.groupby("zone")["people"].sum()
    pairs = (reached.index.get_level_values("zone"), reached.index.get_level_values("shape"))
    shares = reached.to_numpy() / whole[pairs[0]].to_numpy()
    return csr_array((shares, pairs), shape=(len(asked.zones), len(right)))


def same_shares(ours: csr_array, peer: csr_array) -> None:
    """Raise AssertionError unless no share differs by more than 1e-9 of its zone."""
    difference = abs(ours - peer)
    largest = float(difference.max()) if difference.nnz else 0.0
    message = f"the largest difference of a share is {largest}"
    if not largest <= 1e-9:  # noqa: PLR2004 - NaN is no agreement either
        raise AssertionError(message)


def goals(*, quick: bool) -> Iterator[Goal]:
    """Shares by area against geopandas.overlay; shares by population points against geopandas.sjoin."""
    rng = np.random.default_rng(SEED)
    zones, reach = tessellation(ZONES[quick], rng), footprints(FOOTPRINTS[quick], rng)
    blocks = populated(zones, blocks=BLOCKS[quick], rng=rng)
    sites = gpd.GeoSeries(_points(SITES[quick], rng), index=_ids("S", SITES[quick]), crs=CRS)
    inside = Reached(zones.index, blocks, reach, "intersects")
    within = Reached(zones.index, blocks, sites, "dwithin")
    size = f"{len(blocks)} points"
    for workload in (
        Workload(
            f"area shares, {len(zones)} zones × {len(reach)} footprints",
            "geopandas.overlay + groupby",
            partial(by_area, zones, reach),
            partial(by_overlay, zones, reach),
            AREA_GOAL,
            same_shares,
        ),
        Workload(
            f"point shares, {size} in {len(reach)} footprints",
            "geopandas.sjoin + groupby",
            partial(by_points, inside),
            partial(by_sjoin, inside),
            INSIDE_GOAL,
            same_shares,
        ),
        Workload(
            f"point shares, {size} within {WITHIN_M:.0f} m of {len(sites)} sites",
            "geopandas.sjoin(dwithin) + groupby",
            partial(by_points, within),
            partial(by_sjoin, within),
            WITHIN_GOAL,
            same_shares,
        ),
    ):
        yield measure(workload, quick=quick)

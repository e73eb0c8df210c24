"""Shares of neighbourhoods in reach, by area and by population points, against geopandas' own joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.harness import Goal, Workload, measure
from equity_screen.crosswalk import area_shares, covering, point_shares
from equity_screen.overlay import QUADRANT_SEGMENTS

Shapes = NDArray[np.object_]

SEED = 2030
CRS = "EPSG:3035"  # equal-area, metres
SIDE_M = 60_000.0
ZONES = {True: 4_000, False: 8_000}
FOOTPRINTS = {True: 300, False: 1_000}
BLOCKS = {True: 100_000, False: 400_000}
SITES = {True: 300, False: 1_000}
WITHIN_M = 1_000.0
AREA_GOAL = 1.3
POINTS_GOAL = 1.3


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
    return _discs_of(_points(count, rng), radius)


def _discs_of(points: Shapes, radius: NDArray[np.float64]) -> Shapes:
    discs: Shapes = shapely.buffer(points, radius, quad_segs=QUADRANT_SEGMENTS)
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


@dataclass(frozen=True, slots=True)
class Populated:
    """Population points with the zone of each, the sites, and the labels of the relation."""

    blocks: gpd.GeoDataFrame
    sites: gpd.GeoSeries
    labels: tuple[pd.Index, pd.Index]


def populated(zones: gpd.GeoSeries, *, blocks: int, sites: int, rng: np.random.Generator) -> Populated:
    """Throw population points and sites at the zones; no zone is without people by chance alone."""
    points = gpd.GeoSeries(_points(blocks, rng), crs=CRS)
    zone = covering(points, zones)
    table = gpd.GeoDataFrame({"zone": zone, "people": rng.integers(1, 200, blocks) * 1.0}, geometry=points)
    kept = table[zone.notna()].astype({"zone": "int64"}).reset_index(drop=True)
    return Populated(
        kept, gpd.GeoSeries(_points(sites, rng), crs=CRS), (zones.index, _ids("S", sites))
    )


def by_points(given: Populated) -> csr_array:
    """Share each zone's people within a distance, as the overlay of the package does it."""
    tree = shapely.STRtree(given.blocks.geometry.array.to_numpy())
    site, block = tree.query(given.sites.array.to_numpy(), predicate="dwithin", distance=WITHIN_M)
    return point_shares((block, site), given.blocks, labels=given.labels).matrix


def by_sjoin(given: Populated) -> csr_array:
    """Share each zone's people with geopandas.sjoin and a groupby."""
    sites = gpd.GeoDataFrame({"site": np.arange(len(given.sites))}, geometry=given.sites.array)
    near = gpd.sjoin(given.blocks, sites, predicate="dwithin", distance=WITHIN_M)
    reached = near.groupby(["zone", "site"])["people"].sum()
    whole = given.blocks.groupby("zone")["people"].sum()
    zone, site = (reached.index.get_level_values(level) for level in (0, 1))
    shape = (len(given.labels[0]), len(sites))
    return csr_array((reached.to_numpy() / whole[zone].to_numpy(), (zone, site)), shape=shape)


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
    given = populated(zones, blocks=BLOCKS[quick], sites=SITES[quick], rng=rng)
    yield measure(
        Workload(
            f"area shares, {len(zones)} zones × {len(reach)} footprints",
            "geopandas.overlay + groupby",
            partial(by_area, zones, reach),
            partial(by_overlay, zones, reach),
            AREA_GOAL,
            same_shares,
        ),
        quick=quick,
    )
    yield measure(
        Workload(
            f"point shares, {len(given.blocks)} points, {len(given.sites)} sites within {WITHIN_M:.0f} m",
            "geopandas.sjoin(dwithin) + groupby",
            partial(by_points, given),
            partial(by_sjoin, given),
            POINTS_GOAL,
            same_shares,
        ),
        quick=quick,
    )

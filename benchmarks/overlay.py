"""Shares of neighbourhoods in reach, by area, by population points and in discs, against geopandas and shapely."""

from __future__ import annotations

import importlib
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.harness import Goal, Workload, measure, patiently, seconds
from equity_screen.areas import area_shares, covering, point_shares
from equity_screen.circles import disc_shares
from equity_screen.reach import QUADRANT_SEGMENTS

Shapes = NDArray[np.object_]
Floats = NDArray[np.float64]
Job = Callable[[], object]

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("EQUITY_SCREEN_SHARED") or ROOT.parent / "shared") / "data"
TRACTS = SHARED / "calenviroscreen" / "ca_tracts2010.parquet"
OWN_FILES = ("_proximity", "_zonal")  # part of this benchmark, in files of their own

SEED = 2030
CRS = "EPSG:3035"  # equal-area, metres
SIDE_M = 60_000.0
ZONES = {True: 8_000, False: 16_000}  # tracts, block groups
FOOTPRINTS = {True: 400, False: 1_000}
BLOCKS = {True: 100_000, False: 400_000}
SITES = {True: 300, False: 1_000}
WITHIN_M = 1_000.0
AREA_GOAL = 1.5
NATION_ZONES = 85_000
NATION_ACTIONS = 3_000
NATION_M = 3_000_000.0
BORDER_POINTS = 13
CITIES = 5  # along each side
MARGIN = 0.02  # of a side, where the border of the nation is bent
NATION_GOAL = 3.0
CALIFORNIA_ACTIONS = 1_000
CALIFORNIA_GOAL = 2.0
DISC_GOAL = 2.5
FOUR_GOAL = 0.5
DISC_ERROR = 1e-12
DRAWN_WRONG = 0.02  # what polygons of 64 corners may miss of a zone
SLOPE_TURNS = 9
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


def nation(count: int, rng: np.random.Generator) -> gpd.GeoSeries:
    """Make zones like the tracts of a large country: bent borders of 79 points or so, small in the cities."""
    frame, width = shapely.box(0.0, 0.0, 1.0, 1.0), 0.3 / np.sqrt(count)
    seeds = shapely.MultiPoint(rng.random((count, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=frame, ordered=True))
    bounds = shapely.bounds(cells)
    edge = (bounds[:, :2].min(axis=1) < 0.0) | (bounds[:, 2:].max(axis=1) > 1.0)
    cells[edge] = shapely.intersection(cells[edge], frame)
    points, owner = shapely.get_coordinates(cells, return_index=True)
    begin = np.flatnonzero(np.diff(owner) == 0)
    ahead = np.arange(BORDER_POINTS)[:, None] / BORDER_POINTS
    back = np.arange(BORDER_POINTS, 0, -1)[:, None] / BORDER_POINTS  # both sides of a border get the same bits
    fine = (points[begin, None] * back + points[begin + 1, None] * ahead).reshape(-1, 2)
    bent = fine + 0.4 * width * np.sin(fine[:, ::-1] / width * (1.0, 1.2))
    crowded = NATION_M * (bent + 0.95 * np.sin(2.0 * np.pi * CITIES * bent) / (2.0 * np.pi * CITIES))
    rings = shapely.linearrings(crowded, indices=np.repeat(owner[begin], BORDER_POINTS))
    return gpd.GeoSeries(shapely.polygons(rings), index=_ids("Z", count), crs=CRS)


def california() -> gpd.GeoSeries:
    """Read the census tracts of California of 2010."""
    tracts = gpd.read_parquet(TRACTS).geometry.to_crs(3310)
    return gpd.GeoSeries(shapely.make_valid(tracts.array.to_numpy(), method="structure"), index=tracts.index, crs=3310)


def near(zones: gpd.GeoSeries, count: int, rng: np.random.Generator) -> Floats:
    """Put places where the zones are, and so the people."""
    chosen = zones.array.to_numpy()[rng.integers(0, len(zones), count)]
    middles: Floats = shapely.get_coordinates(shapely.centroid(chosen)) + rng.normal(0.0, 500.0, (count, 2))
    return middles


def footprints(middles: Floats, rng: np.random.Generator, *, largest_m: float, quad_segs: int) -> gpd.GeoSeries:
    """Make what plans hold: half discs, three in ten buffered lines, two in ten drawn polygons."""
    discs, lines, stars = np.split(middles, [len(middles) // 2, len(middles) // 2 + 3 * len(middles) // 10])
    round_ = shapely.buffer(shapely.points(discs), radii(len(discs), rng, largest_m=largest_m), quad_segs=quad_segs)
    shapes = np.concatenate([round_, _corridors(lines, rng), _stars(stars, rng)])
    return gpd.GeoSeries(shapes, index=_ids("F", len(middles)), crs=CRS)


def radii(count: int, rng: np.random.Generator, *, largest_m: float) -> Floats:
    """Draw radii from 250 m on, as many small as large ones [m]."""
    return np.exp(rng.uniform(np.log(250.0), np.log(largest_m), count))


def _points(count: int, rng: np.random.Generator) -> Shapes:
    points: Shapes = shapely.points(SIDE_M * rng.random((count, 2)))
    return points


def _corridors(middles: Floats, rng: np.random.Generator) -> Shapes:
    """Bus lines of nine stops and what lies within 100 m to 1 km of them."""
    heading = 2.0 * np.pi * rng.random((len(middles), 1))
    turn = heading + np.cumsum(0.6 * (rng.random((len(middles), 9)) - 0.5), axis=1)
    steps = 900.0 * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    corridors: Shapes = shapely.buffer(
        shapely.linestrings(middles[:, None] + np.cumsum(steps, axis=1)), rng.uniform(100.0, 1_000.0, len(middles))
    )
    return corridors


def _stars(middles: Floats, rng: np.random.Generator) -> Shapes:
    """Draw polygons of 40 corners, none of them crossing itself."""
    angle = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    radius = rng.uniform(400.0, 2_500.0, (len(middles), 1)) * (0.6 + 0.4 * rng.random((len(middles), 40)))
    corners = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    stars: Shapes = shapely.polygons(middles[:, None] + corners)
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


def by_geos(zones: gpd.GeoSeries, reach: gpd.GeoSeries) -> csr_array:
    """Share each zone's area by the pieces that shapely cuts out: its own tree, in bulk, covered zones uncut."""
    shapes, shape_of = zones.array.to_numpy(), reach.array.to_numpy()
    footprint, zone = zones.sindex.query(shape_of, predicate="intersects")
    shapely.prepare(shape_of)
    shares = shapely.covers(shape_of[footprint], shapes[zone]).astype(np.float64)
    cut = np.flatnonzero(shares == 0.0)
    pieces = shapely.intersection(shapes[zone[cut]], shape_of[footprint[cut]])
    shares[cut] = shapely.area(pieces) / shapely.area(shapes[zone[cut]])
    return csr_array((shares, (zone, footprint)), shape=(len(shapes), len(shape_of)))


@dataclass(frozen=True, slots=True)
class Discs:
    """A question to the zones: which share of each lies within a distance of places."""

    zones: gpd.GeoSeries
    places: gpd.GeoSeries
    radii_m: Floats

    def exact(self) -> csr_array:
        """Share by the circle itself."""
        return disc_shares(self.zones, self.places, radii_m=self.radii_m)[0].matrix

    def four(self) -> csr_array:
        """Share within the distance and three shorter ones; give the first."""
        parts = self.radii_m[:, None] * (1.0, 0.75, 0.5, 0.25)
        return disc_shares(self.zones, self.places, radii_m=parts)[0].matrix

    def drawn(self) -> csr_array:
        """Share by polygons of 64 corners, as shapely draws circles."""
        around = shapely.buffer(self.places.array.to_numpy(), self.radii_m, quad_segs=16)
        return by_geos(self.zones, gpd.GeoSeries(around, crs=self.places.crs))


def same_discs(ours: csr_array, drawn: csr_array, *, asked: Discs) -> None:
    """Raise AssertionError unless shares are those of polygons but for their corners, and discs have their area.

    Zones of a nation tile it: what a disc well inside has in each of them adds up to the disc.
    """
    difference, (x, y), r = abs(ours - drawn).max(), shapely.get_coordinates(asked.places.array).T, asked.radii_m
    if not difference <= DRAWN_WRONG:
        message = f"a share of a disc differs by {difference} from that of a polygon of 64 corners"
        raise AssertionError(message)
    low, high = MARGIN * NATION_M + r, (1.0 - MARGIN) * NATION_M - r
    inner = (np.minimum(x, y) > low) & (np.maximum(x, y) < high) & (asked.zones.crs == CRS)
    errors = np.abs((ours.T @ asked.zones.area.to_numpy()) / (np.pi * r**2) - 1.0)[inner]
    if not errors.max(initial=0.0) < DISC_ERROR:
        message = f"the area of a disc is wrong by {errors.max()} of it"
        raise AssertionError(message)


# Two timings of one and the same job give a slope that differs by about so much.
CLOCK = 0.01


def growth(name: str, jobs: tuple[Job, Job], *, factor: float, slope: float) -> Goal:
    """Hold the time of a job that is larger by a factor to a slope: how it grows for ten times as much.

    The seconds of the line are how many times as long ten times as much takes.
    """
    return patiently(partial(_growth, name, jobs, factor=factor, slope=slope))


def _growth(name: str, jobs: tuple[Job, Job], *, factor: float, slope: float) -> Goal:
    small, large = jobs
    turns = [(seconds(small), seconds(large)) for _ in range(SLOPE_TURNS)]
    ratio = statistics.median(after / before for before, after in turns)
    return Goal(name, f"slope {slope}", (10.0 ** (np.log(ratio) / np.log(factor)),), (10.0 ** (slope + CLOCK),), 1.0)


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
    """Shares in a city by area and by points; of a nation and of California; discs; many points; rasters."""
    yield from _city_goals(quick=quick)
    yield from _nation_goals(quick=quick)
    yield from _california_goals(quick=quick)
    for name in OWN_FILES:
        yield from importlib.import_module(f"benchmarks.{name}").goals(quick=quick)


def _area_workload(name: str, zones: gpd.GeoSeries, reach: gpd.GeoSeries, *, goal: float) -> Workload[csr_array]:
    ours, peer = partial(by_area, zones, reach), partial(by_overlay, zones, reach)
    return Workload(
        f"area shares, {name}{len(zones)} zones × {len(reach)} footprints",
        "geopandas.overlay + groupby",
        ours,
        peer,
        goal,
        same_shares,
    )


def _disc_workload(name: str, asked: Discs) -> Workload[csr_array]:
    return Workload(
        f"discs, {name}{len(asked.zones)} zones × {len(asked.places)} places",
        "shapely, 64 corners",
        asked.exact,
        asked.drawn,
        DISC_GOAL,
        partial(same_discs, asked=asked),
    )


def _nation_goals(*, quick: bool) -> Iterator[Goal]:
    """Polygons and discs on zones as many as the tracts of the United States, and how the time grows."""
    rng = np.random.default_rng(SEED)
    zones = nation(NATION_ZONES, rng)
    places = near(zones, NATION_ACTIONS, rng)
    reach = footprints(places, rng, largest_m=5_000.0, quad_segs=16)
    yield measure(_area_workload("nation, ", zones, reach, goal=NATION_GOAL), quick=quick)
    middles = gpd.GeoSeries(shapely.points(places[: NATION_ACTIONS // 2]), crs=CRS)
    asked = Discs(zones, middles, radii(len(middles), rng, largest_m=5_000.0))
    yield measure(_disc_workload("nation, ", asked), quick=quick)
    yield measure(
        Workload("discs, 4 radii", "one radius", asked.four, asked.exact, FOUR_GOAL, same_shares), quick=quick
    )
    few = partial(by_area, zones, reach.iloc[:: NATION_ACTIONS // 30])
    yield growth("time by actions, 30 to 3000", (few, partial(by_area, zones, reach)), factor=100.0, slope=1.0)
    yield _growth_by_zones(zones, rng)


def _growth_by_zones(zones: gpd.GeoSeries, rng: np.random.Generator) -> Goal:
    """Lay the same footprints over the zones around them, then over all: the pairs are the same."""
    window = shapely.box(*(0.3 * NATION_M,) * 2, *(0.5 * NATION_M,) * 2)
    around = zones[zones.intersects(window)]
    reach = footprints(near(around, NATION_ACTIONS // 3, rng), rng, largest_m=5_000.0, quad_segs=16)
    reach = reach[reach.within(window)]
    jobs = partial(by_area, around, reach), partial(by_area, zones, reach)
    name = f"time by zones, {len(around)} to {len(zones)}, same pairs"
    return growth(name, jobs, factor=len(zones) / len(around), slope=0.1)


def _california_goals(*, quick: bool) -> Iterator[Goal]:
    """Polygons and discs on the tracts of California, where the file is."""
    if not TRACTS.is_file():
        print(f"left out: the tracts of California, for want of {TRACTS.name}", file=sys.stderr)
        return
    rng, zones = np.random.default_rng(SEED), california()
    places = near(zones, CALIFORNIA_ACTIONS, rng)
    reach = footprints(places, rng, largest_m=5_000.0, quad_segs=16).set_crs(3310, allow_override=True)
    yield measure(_area_workload("California, ", zones, reach, goal=CALIFORNIA_GOAL), quick=quick)
    middles = gpd.GeoSeries(shapely.points(places), crs=3310)
    asked = Discs(zones, middles, radii(len(middles), rng, largest_m=5_000.0))
    yield measure(_disc_workload("California, ", asked), quick=quick)


def _city_goals(*, quick: bool) -> Iterator[Goal]:
    rng = np.random.default_rng(SEED)
    zones, middles = tessellation(ZONES[quick], rng), SIDE_M * rng.random((FOOTPRINTS[quick], 2))
    reach = footprints(middles, rng, largest_m=3_000.0, quad_segs=QUADRANT_SEGMENTS)
    blocks = populated(zones, blocks=BLOCKS[quick], rng=rng)
    sites = gpd.GeoSeries(_points(SITES[quick], rng), index=_ids("S", SITES[quick]), crs=CRS)
    inside = Reached(zones.index, blocks, reach, "intersects")
    within = Reached(zones.index, blocks, sites, "dwithin")
    size = f"{len(blocks)} points"
    for workload in (
        _area_workload("city, ", zones, reach, goal=AREA_GOAL),
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

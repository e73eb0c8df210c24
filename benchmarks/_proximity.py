"""Sums over millions of population points near thousands of sites, against scipy's tree and sparse product."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from benchmarks.harness import Goal, Workload, measure, within
from equity_screen.proximity import Within, sums_within
from equity_screen.stored_points import PointStore, open_points, point_store, write_points

Floats = NDArray[np.float64]
Answer = tuple[Floats, NDArray[np.int64], Floats]

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("EQUITY_SCREEN_SHARED") or ROOT.parent / "shared") / "data"
TRACTS = SHARED / "calenviroscreen" / "ca_tracts2010.parquet"
FACILITIES = SHARED / "us_facilities" / "epa_facilities_by_mact.parquet"
CENTRES = SHARED / "us_block_groups" / "block_group_population_centres_2020.parquet"

SEED = 2030
MILES_3 = 3 * 1_609.344
POINTS = {True: 1_000_000, False: 8_000_000}
SITES = 10_000
FEWER = 1_000
COLUMNS = [f"attribute_{i}" for i in range(1, 20)]
SIDE = 7  # copies of the state east to west and north to south: 163,000 points in each, 21 in a tract
FASTER = 1.7
LOADED_LIMIT_S, COLD_LIMIT_S, NATION_LIMIT_S = 2.0, 10.0, 10.0
SLOPE_LIMIT = 1.0


@dataclass(frozen=True, slots=True)
class Country:
    """Population points and sites, and what the peer needs of them, ready before any clock starts."""

    store: PointStore
    tree: cKDTree
    sites: Floats


def clusters(rng: np.random.Generator) -> Floats:
    """Give boxes (west, south, east, north) [°] as dense and as loose as tracts: those of California where present."""
    if TRACTS.is_file():
        shapes = shapely.from_wkb(pd.read_parquet(TRACTS, columns=["geometry"])["geometry"].to_numpy())
        boxes: Floats = shapely.bounds(shapes)
        return boxes[np.isfinite(boxes).all(axis=1)]
    middle = rng.normal([-119.0, 37.0], [2.0, 2.0], (60, 2))[rng.integers(0, 60, 8_000)]
    middle = middle + rng.normal(0.0, 0.25, (8_000, 2))
    half = np.exp(rng.normal(-4.6, 0.8, (8_000, 1)))
    return np.hstack([middle - half, middle + half])


def drawn(count: int, rng: np.random.Generator) -> Floats:
    """Draw longitudes and latitudes [°], as many in every tract of a mosaic of copies of the state."""
    boxes = clusters(rng)
    box = boxes[rng.integers(0, len(boxes), count)]
    copies = max(1, round(count / 163_000))
    copy = rng.integers(0, copies, count)
    places = box[:, :2] + rng.random((count, 2)) * (box[:, 2:] - box[:, :2])
    lon = places[:, 0] + 11.0 * (copy % SIDE)
    lat = places[:, 1] - 10.5 * (copy // SIDE)
    return np.column_stack([lon, lat])


def country(count: int) -> Country:
    """Make population points with 20 attributes and sites near them."""
    rng = np.random.default_rng(SEED)
    places = drawn(count, rng)
    values = rng.random((count, 20), dtype=np.float32) * 100
    values[:, 0] = rng.integers(0, 200, count)
    sites = places[rng.integers(0, count, SITES)] + rng.normal(0.0, 0.008, (SITES, 2))
    store = point_store(places, pd.DataFrame(values, columns=["people", *COLUMNS]))
    return Country(store, cKDTree(store.xyz, balanced_tree=False, compact_nodes=False, leafsize=32), sites)


def ours(land: Country) -> Answer:
    """Sum by site and over the points near any site with the package."""
    return answer(sums_within(land.store, land.sites, distances_m=MILES_3))


def answer(found: Within) -> Answer:
    """Give sums, number of points and sums of each point once as plain arrays."""
    return found.sums.to_numpy(), found.points.to_numpy(), found.once.to_numpy()


def peer(land: Country, middles: Floats, limits: Floats) -> Answer:
    """Do the same with scipy's tree and its sparse product, in the single precision of the attributes."""
    lists = land.tree.query_ball_point(middles, limits, return_sorted=False)
    counts = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    point = np.concatenate(lists).astype(np.int32)
    hits = (np.ones(len(point), dtype=np.float32), point, np.append(0, np.cumsum(counts)))
    sums = csr_array(hits, shape=(len(lists), len(land.store))) @ land.store.table
    reached = np.zeros(len(land.store), dtype=bool)
    reached[point] = True
    once = land.store.table[reached].sum(axis=0, dtype=np.float64)
    return sums, counts, once[None, :]


def circles(sites: Floats, distance_m: float) -> tuple[Floats, Floats]:
    """Give the sites in space [m] and the chord that is as far as the distance, without a line of the package."""
    lon, lat = np.radians(sites).T
    axis, square = 6_378_137.0, 0.0066943799901413165
    inner = 1.0 - square * np.sin(lat) ** 2
    normal, radius = axis / np.sqrt(inner), axis * np.sqrt(1.0 - square) / inner
    flat = normal * np.cos(lat)
    space = np.column_stack([flat * np.cos(lon), flat * np.sin(lon), normal * (1.0 - square) * np.sin(lat)])
    return space, 2.0 * radius * np.sin(distance_m / (2.0 * radius)) * (1.0 + 1e-6) + 1e-6


def same_sums(ours: Answer, peer: Answer) -> None:
    """Raise AssertionError unless points and people are equal and sums agree to the peer's single precision."""
    np.testing.assert_array_equal(ours[1], peer[1])
    np.testing.assert_array_equal(ours[0][:, 0], peer[0][:, 0])
    np.testing.assert_allclose(ours[0], peer[0], rtol=1e-5)
    np.testing.assert_allclose(ours[2], peer[2], rtol=1e-9)


COLD = """
import sys
import numpy as np
from equity_screen.proximity import sums_within
from equity_screen.stored_points import open_points
found = sums_within(open_points(sys.argv[1]), np.load(sys.argv[2]), distances_m=float(sys.argv[3]))
sys.exit(int(found.once["people"].iloc[0] != float(sys.argv[4])))
"""


def forgotten(path: Path) -> None:
    """Take a file out of the system's memory where the system lets us, so that it is read from the disk."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cold(folder: Path, people: float) -> None:
    """Open the stored points in a new process and ask them; it has to find as many people, each once."""
    run = [sys.executable, "-c", COLD, str(folder / "a.points"), str(folder / "sites.npy"), str(MILES_3), str(people)]
    subprocess.run(run, check=True, cwd=ROOT)  # noqa: S603 - our own


def nation() -> float:
    """Read all facilities and block groups of the United States; give people within 3 miles of any, each once."""
    sites = pd.read_parquet(FACILITIES, columns=["lon", "lat"]).dropna().to_numpy()
    centres = pd.read_parquet(CENTRES, columns=["lon", "lat", "pop2020"])
    store = point_store(centres[["lon", "lat"]].to_numpy(), centres[["pop2020"]])
    return float(sums_within(store, sites, distances_m=MILES_3).once["pop2020"].iloc[0])


def slope(land: Country, *, turns: int = 3) -> Goal:
    """Give the log-log slope of our time in the number of sites; what is held to is 1."""
    times = {}
    for count in (FEWER, SITES):
        few = Country(land.store, land.tree, land.sites[:count])
        ours(few)
        times[count] = min(_seconds(few) for _ in range(turns))
    grown = math.log(times[SITES] / times[FEWER]) / math.log(SITES / FEWER)
    name = f"slope of time in sites, {FEWER} to {SITES} (not seconds)"
    return Goal(name, "limit", (max(grown, 0.01),), (SLOPE_LIMIT,), 1.0)


def _seconds(land: Country) -> float:
    start = time.perf_counter()
    ours(land)
    return time.perf_counter() - start


def stored(land: Country, size: str, *, turns: int) -> Iterator[Goal]:
    """Hold the loaded store, and the stored file in a new process, to their seconds."""
    yield within(f"{size}, loaded", partial(ours, land), limit_s=LOADED_LIMIT_S, turns=turns)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_points(land.store, folder / "a.points")
        np.save(folder / "sites.npy", land.sites)
        people = sums_within(open_points(folder / "a.points"), land.sites, distances_m=MILES_3).once["people"].iloc[0]
        forgotten(folder / "a.points")
        yield within(f"{size}, stored file, new process", partial(cold, folder, people), limit_s=COLD_LIMIT_S)


def goals(*, quick: bool) -> Iterator[Goal]:
    """Ours against scipy's tree and product; loaded, cold, by number of sites; all facilities of a country."""
    land = country(POINTS[quick])
    size = f"{len(land.store)} points × {len(land.store.columns)}, {SITES} sites, 3 miles"
    middles, limits = circles(land.sites, MILES_3)
    name, of = f"{size}, each point also once", "cKDTree + CSR product"
    job = Workload(name, of, partial(ours, land), partial(peer, land, middles, limits), FASTER, same_sums)
    yield measure(job, quick=quick)
    turns = 1 if quick else 5
    yield from stored(land, size, turns=turns)
    yield slope(land)
    if FACILITIES.is_file() and CENTRES.is_file():
        yield within(
            "facilities × block groups of the United States, 3 miles, from Parquet", nation, limit_s=NATION_LIMIT_S
        )
    else:
        print("facilities × block groups: left out, the published data are not beside the project")

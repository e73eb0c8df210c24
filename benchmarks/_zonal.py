"""Means and sums of rasters by the integral along borders, against exactextract; both read the file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import exactextract  # type: ignore[import-untyped]
import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from benchmarks.harness import Goal, Workload, measure
from benchmarks.overlay import SIDE_M, tessellation
from equity_screen.zonal import raster_means, raster_sums

SEED = 2030
SIZE = {True: 3_000, False: 10_000}
ZONES = {True: 1_200, False: 8_000}
SITES = {True: 1_000, False: 2_000}
TIMES = 5  # a job of milliseconds is done so often in each turn
BLOCK = 512
CITY = 0.2  # share of the raster's side
RADIUS_M = (25.0, 300.0)
RATIO = 5.0
SINGLE = 1e-6  # exactextract's fractions are of single precision
SHARED = Path(os.environ.get("EQUITY_SCREEN_SHARED") or Path(__file__).resolve().parents[2] / "shared")
PHILADELPHIA = SHARED / "data" / "philadelphia"
CANOPY = PHILADELPHIA / "NLCD_TreeCoverCanopy_PhiladelphiaRegion_2021.tif"

Numbers = NDArray[np.float64]


def write_raster(path: Path, size: int, rng: np.random.Generator) -> Path:
    """Write percentages that vary from place to place and from cell to cell, in tiles."""
    coarse = rng.integers(0, 80, (size // 50 + 1,) * 2, dtype=np.uint8)
    cell = SIDE_M / size
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "width": size, "height": size, "crs": "EPSG:3035"}
    tiles = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "zlevel": 1}
    place = rasterio.Affine(cell, 0.0, 0.0, 0.0, -cell, SIDE_M)
    with rasterio.open(path, "w", transform=place, **profile, **tiles) as target:
        smooth = coarse.repeat(50, axis=0).repeat(50, axis=1)[:size, :size]
        target.write(smooth + rng.integers(0, 20, (size, size), dtype=np.uint8), 1)
    return path


def footprints(count: int, rng: np.random.Generator) -> gpd.GeoSeries:
    """Draw discs of one city in the middle of the raster."""
    places = SIDE_M * (0.5 + CITY * (rng.random((count, 2)) - 0.5))
    return gpd.GeoSeries(shapely.buffer(shapely.points(places), rng.uniform(*RADIUS_M, count)), crs="EPSG:3035")


def tracts() -> gpd.GeoSeries:
    """Read Philadelphia's tracts in the CRS of the canopy."""
    with rasterio.open(CANOPY) as raster:
        crs = CRS.from_wkt(raster.crs.to_wkt())
    return gpd.read_parquet(PHILADELPHIA / "tracts_svi2020.parquet").geometry.to_crs(crs)


def means(path: Path, zones: gpd.GeoSeries) -> Numbers:
    """Means with the package."""
    return np.asarray(raster_means(path, zones)["mean"], dtype=np.float64)


def sums(path: Path, zones: gpd.GeoSeries) -> Numbers:
    """Sums with the package."""
    return np.asarray(raster_sums(path, zones)["sum"], dtype=np.float64)


def extracted(path: Path, zones: gpd.GeoSeries, *, what: str) -> Numbers:
    """Find a statistic with exactextract, by the faster of its two strategies here."""
    table = exactextract.exact_extract(
        str(path), gpd.GeoDataFrame(geometry=zones), [what], strategy="raster-sequential", output="pandas"
    )
    return np.asarray(table[what], dtype=np.float64)


def repeated(job: Callable[[], Numbers]) -> Numbers:
    """Do a short job several times."""
    return np.concatenate([job() for _ in range(TIMES)])


def same_numbers(ours: Numbers, peer: Numbers) -> None:
    """Raise AssertionError unless all agree to single precision."""
    np.testing.assert_allclose(ours, peer, rtol=SINGLE, atol=SINGLE)


def workloads(path: Path, *, quick: bool, rng: np.random.Generator) -> Iterator[Workload[Numbers]]:
    """Many zones over a large raster; footprints of a city on it; tracts of a real city where its data are."""
    size, zones, sites = SIZE[quick], tessellation(ZONES[quick], rng), footprints(SITES[quick], rng)
    ours, peer = partial(sums, path, zones), partial(extracted, path, zones, what="sum")
    yield Workload(f"sums, {size}² cells × {len(zones)} zones", "exactextract", ours, peer, RATIO, same_numbers)
    ours, peer = partial(means, path, sites), partial(extracted, path, sites, what="mean")
    name = f"means, {len(sites)} footprints in a city on {size}² cells"
    yield Workload(name, "exactextract", ours, peer, RATIO, same_numbers)
    if CANOPY.exists():
        real = tracts()
        name = f"means, canopy of Philadelphia × {len(real)} tracts, {TIMES} times"
        ours, peer = partial(means, CANOPY, real), partial(extracted, CANOPY, real, what="mean")
        yield Workload(name, "exactextract", partial(repeated, ours), partial(repeated, peer), RATIO, same_numbers)


def goals(*, quick: bool) -> Iterator[Goal]:
    """Raster means and sums, both sides including the reading."""
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        path = write_raster(Path(folder) / "raster.tif", SIZE[quick], rng)
        for workload in workloads(path, quick=quick, rng=rng):
            yield measure(workload, quick=quick)

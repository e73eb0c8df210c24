"""Means and sums of rasters over zones by the integral along their borders, against exactextract; both read the file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import exactextract
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
SIZE = {True: 4_000, False: 10_000}
ZONES = {True: 2_000, False: 8_000}
SITES = {True: 1_000, False: 2_000}
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


def same_numbers(ours: Numbers, peer: Numbers) -> None:
    """Raise AssertionError unless all agree to single precision."""
    np.testing.assert_allclose(ours, peer, rtol=SINGLE, atol=SINGLE)


def workloads(path: Path, *, quick: bool, rng: np.random.Generator) -> Iterator[Workload[Numbers]]:
    """Tracts of a real city where its data are; many zones over a large raster; footprints of a city on it."""
    jobs = {
        f"sums, {SIZE[quick]}² cells × {ZONES[quick]} zones": (sums, "sum", path, tessellation(ZONES[quick], rng)),
        f"means, {SITES[quick]} footprints in a city on {SIZE[quick]}² cells": (
            means,
            "mean",
            path,
            footprints(SITES[quick], rng),
        ),
    }
    if CANOPY.exists():
        jobs |= {"means, canopy of Philadelphia × 388 tracts": (means, "mean", CANOPY, tracts())}
    for name, (ours, what, file, zones) in jobs.items():
        peer = partial(extracted, file, zones, what=what)
        yield Workload(name, "exactextract", partial(ours, file, zones), peer, RATIO, same_numbers)


def goals(*, quick: bool) -> Iterator[Goal]:
    """Raster means and sums, both sides including the reading."""
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        path = write_raster(Path(folder) / "raster.tif", SIZE[quick], rng)
        for workload in workloads(path, quick=quick, rng=rng):
            yield measure(workload, quick=quick)

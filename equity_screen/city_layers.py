"""Burdens of Northhaven as real layers: heat and canopy rasters, a grid of air quality, facilities.

The most and the least burdened neighbourhood have the values of `PLANTED` in every layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize

from equity_screen.city_land import (
    CENTRE,
    CRS,
    HARBOUR,
    HILLS,
    ORIGIN,
    Floats,
    by_hand,
    closeness,
    most_and_least,
)

HEAT_PIXEL, CANOPY_PIXEL = 60.0, 40.0  # [m]
HEAT_NODATA = -9999.0
CANOPY_NODATA = 255
AIR_CRS = "EPSG:3035"
AIR_CELL = 500.0  # [m]
FACILITY_DISTANCE = 650.0
"""How near a facility is counted [m]: further than any home from the middle of the harbour works."""
PLANTED: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "heat": (40.0, 20.0),
        "canopy": (0.0, 80.0),
        "pm25": (25.0, 4.0),
        "flooded": (100.0, 0.0),
        "facilities": (6.0, 0.0),
    }
)
"""Planted burdens of the most and the least burdened neighbourhood [degC, %, ug/m3, %, number]."""


class Raster(NamedTuple):
    """Cells of a raster, and from its column and row to easting and northing [m, `CRS`]."""

    cells: NDArray[Any]
    transform: Affine


def draw_heat(neighbourhoods: gpd.GeoDataFrame, rng: np.random.Generator) -> Raster:
    """Draw the summer surface temperature [degC] to 0.1, `HEAT_NODATA` on water and outside.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With ``type`` and geometry.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    Raster
        Of float32.

    Examples
    --------
    >>> from equity_screen.city_land import draw_land
    >>> draw_heat(draw_land(np.random.default_rng(0)), np.random.default_rng(0)).cells.max()
    np.float32(40.0)
    """
    shape, transform = _grid(neighbourhoods.total_bounds, HEAT_PIXEL)
    x, y = _centres(shape, transform)
    warmth = 25.0 + 6.0 * closeness((x, y), HARBOUR, reach=3000.0) + 4.0 * closeness((x, y), CENTRE, reach=2500.0)
    warmth += 0.5 * rng.standard_normal(shape)
    base = np.where(neighbourhoods["type"] == "park", -3.0, 0.0)
    heat = np.clip(np.round(warmth + _burnt(neighbourhoods, base, Raster(warmth, transform)), 1), 20.5, 39.0)
    _plant(Raster(heat, transform), neighbourhoods, PLANTED["heat"])
    return Raster(np.where(np.isnan(heat), HEAT_NODATA, heat).astype(np.float32), transform)


def draw_canopy(neighbourhoods: gpd.GeoDataFrame, rng: np.random.Generator) -> Raster:
    """Draw the share of ground under trees [%], `CANOPY_NODATA` on water and outside.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With ``type`` and geometry.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    Raster
        Of uint8.

    Examples
    --------
    >>> from equity_screen.city_land import draw_land
    >>> canopy = draw_canopy(draw_land(np.random.default_rng(0)), np.random.default_rng(0)).cells
    >>> canopy.min(), np.unique(canopy)[-2:].tolist()
    (np.uint8(0), [80, 255])
    """
    shape, transform = _grid(neighbourhoods.total_bounds, CANOPY_PIXEL)
    x, y = _centres(shape, transform)
    green = 14.0 + 40.0 * closeness((x, y), HILLS, reach=3500.0) - 8.0 * closeness((x, y), CENTRE, reach=2000.0)
    green += 5.0 * rng.standard_normal(shape)
    base = np.where(neighbourhoods["type"] == "park", 30.0, 0.0)
    canopy = np.clip(np.rint(green + _burnt(neighbourhoods, base, Raster(green, transform))), 1.0, 75.0)
    _plant(Raster(canopy, transform), neighbourhoods, PLANTED["canopy"])
    return Raster(np.where(np.isnan(canopy), CANOPY_NODATA, canopy).astype(np.uint8), transform)


def _grid(bounds: Floats, pixel: float) -> tuple[tuple[int, int], Affine]:
    """Return rows and columns, and the transform, of the whole pixels that cover the bounds."""
    west, south, east, north = bounds
    left, top = west // pixel * pixel, north // pixel * pixel + pixel
    shape = (int((top - south) // pixel) + 1, int((east - left) // pixel) + 1)
    return shape, Affine(pixel, 0.0, left, 0.0, -pixel, top)


def _centres(shape: tuple[int, int], transform: Affine) -> tuple[Floats, Floats]:
    """Return easting and northing of the middle of each pixel."""
    row, column = np.mgrid[: shape[0], : shape[1]]
    return transform.c + transform.a * (column + 0.5), transform.f + transform.e * (row + 0.5)


def _burnt(neighbourhoods: gpd.GeoDataFrame, base: Floats, like: Raster) -> Floats:
    """Return the base of the neighbourhood that each pixel's middle is in, missing where it is in none."""
    burnt: Floats = rasterize(
        zip(neighbourhoods.geometry, base, strict=True),
        out_shape=like.cells.shape,
        transform=like.transform,
        fill=np.nan,
        dtype="float64",
    )
    return burnt


def _plant(raster: Raster, neighbourhoods: gpd.GeoDataFrame, planted: tuple[float, float]) -> None:
    """Set every pixel on land in the box around the two planted neighbourhoods, in place."""
    for place, value in zip(most_and_least(neighbourhoods), planted, strict=True):
        west, south, east, north = neighbourhoods.geometry.iloc[place].bounds
        left, top = ~raster.transform @ (west, north)
        right, bottom = ~raster.transform @ (east, south)
        box = raster.cells[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
        box[~np.isnan(box)] = value


def draw_air(neighbourhoods: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Draw fine particles in the air on a grid of its own, in its own CRS.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With ``type`` and geometry.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    GeoDataFrame
        ``cell`` and ``pm25`` [ug/m3] of the cells of 500 m that meet the land, in `AIR_CRS`.

    Examples
    --------
    >>> from equity_screen.city_land import draw_land
    >>> draw_air(draw_land(np.random.default_rng(0)), np.random.default_rng(0))["pm25"].max()
    np.float64(25.0)
    """
    land = neighbourhoods.geometry.to_crs(AIR_CRS)
    west, south, east, north = np.floor(land.total_bounds / AIR_CELL).astype(int)
    x, y = (one.ravel() * AIR_CELL for one in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1)))
    cells = shapely.box(x, y, x + AIR_CELL, y + AIR_CELL)
    pm25 = _particles((x + AIR_CELL / 2.0, y + AIR_CELL / 2.0), rng)
    for place, value in zip(most_and_least(neighbourhoods), PLANTED["pm25"], strict=True):
        pm25[shapely.intersects(cells, land.iloc[place])] = value
    names = [f"E{e:.0f}N{n:.0f}" for e, n in zip(x / 100.0, y / 100.0, strict=True)]
    grid = gpd.GeoDataFrame({"cell": names, "pm25": pm25}, geometry=cells, crs=AIR_CRS)
    return grid[shapely.intersects(cells, land.union_all())].reset_index(drop=True)


def _particles(places: tuple[Floats, Floats], rng: np.random.Generator) -> Floats:
    """Return fine particles [ug/m3] at places in `AIR_CRS`, highest by the harbour and the centre."""
    here = pyproj.Transformer.from_crs(AIR_CRS, CRS, always_xy=True).transform(*places)
    pm25 = 6.0 + 8.0 * closeness(here, HARBOUR, reach=2500.0) + 2.0 * closeness(here, CENTRE, reach=2000.0)
    return np.clip(np.round(pm25 + 0.6 * rng.random(len(pm25)), 1), 4.5, 20.0)


def place_facilities(neighbourhoods: gpd.GeoDataFrame) -> pd.DataFrame:
    """Place the industrial plants; those of the harbour works are in the most burdened neighbourhood.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With ``type`` and geometry.

    Returns
    -------
    DataFrame
        ``id``, ``name``, ``kind``, ``lon`` and ``lat`` [degrees, WGS 84].

    Examples
    --------
    >>> from equity_screen.city_land import draw_land
    >>> place_facilities(draw_land(np.random.default_rng(0))).columns.tolist()
    ['id', 'name', 'kind', 'lon', 'lat']
    """
    table = by_hand("facilities")
    middle = shapely.minimum_bounding_circle(neighbourhoods.geometry.iloc[most_and_least(neighbourhoods)[0]]).centroid
    works = table["kind"] == "harbour works"
    # Of the harbour works, the table says how many metres each stands from their middle.
    x = np.where(works, middle.x + table["east"], ORIGIN[0] + 1000.0 * table["east"])
    y = np.where(works, middle.y + table["north"], ORIGIN[1] + 1000.0 * table["north"])
    lon, lat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    return table[["id", "name", "kind"]].assign(lon=np.round(lon, 7), lat=np.round(lat, 7))

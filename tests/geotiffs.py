"""A raster of two rows and three columns, 100 m a cell, and boxes on it measured from its south-west corner."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio import Affine

EAST, NORTH = 560_000.0, 6_200_000.0  # south-west corner
NORTH_UP = Affine(100.0, 0.0, EAST, 0.0, -100.0, NORTH + 200.0)
# Rows from the north; 100 m cells, so the raster is 300 m wide and 200 m high.
VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def write(path, values=VALUES, *, transform=NORTH_UP, mask=None, scaling=None, names=(), **profile):
    bands = np.atleast_3d(values.T).T if values.ndim == 2 else values
    profile = {"dtype": "float64", "count": len(bands), "crs": "EPSG:25832", "transform": transform, **profile}
    with rasterio.open(path, "w", driver="GTiff", height=bands.shape[1], width=bands.shape[2], **profile) as target:
        target.write(bands.astype(profile["dtype"]))
        if scaling:
            target.scales, target.offsets = [scaling[0]], [scaling[1]]
        if names:
            target.descriptions = names
        if mask is not None:
            target.write_mask(mask)
    return path


def over(size):
    """Transform of a raster of this many rows and columns on the same 300 × 200 m."""
    return Affine(300 / size[1], 0, EAST, 0, -200 / size[0], NORTH + 200)


def zone(west, south, east, north):
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def zones(*shapes, crs=25832):
    return gpd.GeoSeries(shapes, index=[f"Z{i + 1}" for i in range(len(shapes))], crs=crs)


def random_shapes(rng, count):
    """Triangles, stars with holes and pairs of them, in and around a raster of 300 × 200 m; some on its very lines."""
    for number in range(count):
        angles = np.sort(rng.random(3 + number % 9)) * 2 * np.pi
        reach = 20 + 150 * rng.random((len(angles), 1))
        star = shapely.Polygon(rng.random(2) * (300, 200) + reach * np.column_stack([np.cos(angles), np.sin(angles)]))
        star = shapely.make_valid(star).difference(shapely.Point(150, 100).buffer(15))
        star = shapely.union_all([star, shapely.box(*(20 * np.floor(rng.random(2) * 12)), 280, 240)][: 1 + number % 2])
        yield shapely.transform(star, lambda places: places + np.array([EAST, NORTH]))

"""A second way to the figures of the real places: shapely, numpy and pyproj, pair by pair.

Nothing here imports the package. Areas are measured in a Lambert equal-area projection centred on the
neighbourhoods, distances in equidistant ones centred on cells of 100 km: the rule stands in ARCHITECTURE.md.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from pyproj import CRS, Geod, Transformer
from shapely import MultiPolygon, Polygon

WGS84 = CRS.from_epsg(4326)
ELLIPSOID = Geod(ellps="WGS84")
# What is drawn has 256 sides, and its pieces are laid together; what is measured alone has 4,096 and so, with the
# circle's own area, is within a part in ten million of it.
SIDES, FINE = 256, 4096
CELL_M = 100_000.0
# A kilometre in degrees of a great circle: longer sides get vertices before they move.
KILOMETRE = math.degrees(1000 / 6_371_009)
KM2 = 1e6

Middle = tuple[float, float]


def features(path: Path) -> list[tuple[dict, shapely.Geometry]]:
    """Properties and flat geometry of each feature of a GeoJSON file, in the file's order."""
    read = json.loads(path.read_text(encoding="utf-8"))["features"]
    return [(one["properties"], shapely.force_2d(shapely.geometry.shape(one["geometry"]))) for one in read]


# Where it is measured


def middle_of(shapes: Sequence[shapely.Geometry]) -> Middle:
    """Middle of the box around all vertices (in degrees) on the unit sphere, to 4 decimals of a degree."""
    lon, lat = np.radians(shapely.get_coordinates(list(shapes))).T
    sphere = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    x, y, z = (sphere.min(axis=1) + sphere.max(axis=1)) / 2
    return round(math.degrees(math.atan2(y, x)), 4), round(math.degrees(math.atan2(z, math.hypot(x, y))), 4)


def projection(kind: str, middle: Middle) -> str:
    return f"+proj={kind} +lon_0={middle[0]} +lat_0={middle[1]} +datum=WGS84 +units=m +no_defs"


def into(target: str | CRS, source: str | CRS = WGS84) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def with_vertices(ring: np.ndarray, longest: float) -> np.ndarray:
    """Cut every side of a ring into equal pieces, none longer than asked."""
    side = np.hypot(*np.diff(ring, axis=0).T)
    pieces = np.maximum(np.ceil(side / longest), 1).astype(int)
    if (pieces == 1).all():
        return ring
    start = np.repeat(np.arange(len(side)), pieces)
    step = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (step / pieces[start])[:, None]
    return np.vstack([ring[start] + share * (ring[start + 1] - ring[start]), ring[-1:]])


def brought(shape: shapely.Geometry, move: Transformer, *, longest: float = math.inf) -> shapely.Geometry:
    """Bring polygons elsewhere, ring by ring."""

    def ring(line: shapely.LinearRing) -> np.ndarray:
        x, y = with_vertices(shapely.get_coordinates(line), longest).T
        return np.column_stack(move.transform(x, y))

    parts = [Polygon(ring(part.exterior), list(map(ring, part.interiors))) for part in shapely.get_parts(shape)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def equal_area(shapes: Sequence[shapely.Geometry], middle: Middle) -> list[shapely.Geometry]:
    """Shapes in degrees, brought to the equal-area projection around a middle [m]."""
    move = into(projection("laea", middle))
    return [brought(shape, move, longest=KILOMETRE) for shape in shapes]


def outside(sides: int) -> float:
    """Distance of the corners of a polygon of equal sides from its middle, for a circle of radius 1 as large."""
    return math.sqrt(math.tau / sides / math.sin(math.tau / sides))


def disc(x: float, y: float, radius: float, *, sides: int) -> np.ndarray:
    """Corners of a polygon of equal sides that has the area of the circle: they lie a little outside it."""
    angle = 2 * np.pi * np.arange(sides) / sides
    out = radius * outside(sides)
    return np.column_stack([x + out * np.cos(angle), y + out * np.sin(angle)])


def discs_around(places: Iterable[tuple[float, float]], radius: float, *, middle: Middle, sides: int) -> list[Polygon]:
    """Discs around places in degrees, drawn in the equidistant projection of each place's cell of 100 km."""
    areas = projection("laea", middle)
    drawn = []
    for lon, lat in places:
        cell = [CELL_M * math.floor(v / CELL_M + 0.5) for v in into(areas).transform(lon, lat)]
        centre = into(WGS84, areas).transform(*cell)
        there = projection("aeqd", (round(centre[0], 4), round(centre[1], 4)))
        corners = disc(*into(there).transform(lon, lat), radius, sides=sides)
        drawn.append(Polygon(np.column_stack(into(areas, there).transform(*corners.T))))
    return drawn


def area_on_the_ellipsoid(shape: shapely.Geometry) -> float:
    """Area of a shape in degrees without any projection [m²]; its long sides are straight in degrees."""
    return abs(ELLIPSOID.geometry_area_perimeter(brought(shape, into(WGS84), longest=KILOMETRE))[0])


# Pairs of shapes


def pairs(first: Sequence[shapely.Geometry], second: Sequence[shapely.Geometry]) -> list[tuple[int, int]]:
    """Positions (of first, of second) whose boxes meet."""
    boxes = shapely.bounds(list(second))
    found = []
    for i, (west, south, east, north) in enumerate(shapely.bounds(list(first))):
        near = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
        found += [(i, int(j)) for j in np.flatnonzero(near)]
    return found


def shared_areas(first: Sequence[shapely.Geometry], second: Sequence[shapely.Geometry]) -> np.ndarray:
    """First × second: area that each pair shares [m²]."""
    shared = np.zeros((len(first), len(second)))
    for i, j in pairs(first, second):
        shared[i, j] = shapely.intersection(first[i], second[j]).area
    return shared


def apart(shapes: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    """What each shape adds to those before it: pieces that cover the same ground, each place once."""
    left = list(shapes)
    for j, i in pairs(shapes, shapes):
        if i < j:
            left[j] = shapely.difference(left[j], shapes[i])
    return left


# Cells of a raster


@dataclass(frozen=True)
class Raster:
    """Values of one band, its CRS, and the left, top, width and height of its cells."""

    values: np.ndarray
    crs: CRS
    left: float
    top: float
    width: float
    height: float

    @classmethod
    def read(cls, path: Path, *, nodata: tuple[int, ...] = ()) -> Raster:
        with rasterio.open(path) as file:
            values = file.read(1).astype(np.float64)
            at = file.transform
            crs = CRS.from_wkt(file.crs.to_wkt())
        return cls(np.where(np.isin(values, nodata), np.nan, values), crs, at.c, at.f, at.a, -at.e)

    def window(self, shape: shapely.Geometry) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the cells that the box of a shape meets, one pair a cell."""
        west, south, east, north = shape.bounds
        columns = np.arange(math.floor((west - self.left) / self.width), math.ceil((east - self.left) / self.width))
        rows = np.arange(math.floor((self.top - north) / self.height), math.ceil((self.top - south) / self.height))
        inside = (rows >= 0) & (rows < self.values.shape[0])
        across = (columns >= 0) & (columns < self.values.shape[1])
        row, column = np.meshgrid(rows[inside], columns[across], indexing="ij")
        return row.ravel(), column.ravel()

    def seen(self, shape: shapely.Geometry) -> tuple[float, float]:
        """Mean of the cells, each by its area inside the shape, and the share of the shape that has data."""
        row, column = self.window(shape)
        west, north = self.left + column * self.width, self.top - row * self.height
        cells = shapely.box(west, north - self.height, west + self.width, north)
        areas = shapely.area(shapely.intersection(cells, shape))
        values = self.values[row, column]
        known = np.isfinite(values)
        covered = math.fsum(areas[known])
        return math.fsum(areas[known] * values[known]) / covered, covered / shape.area

    def sampled(self, shape: shapely.Geometry, *, per_side: int) -> float:
        """Mean of the values at a grid of points within each cell, of those points that are in the shape."""
        row, column = self.window(shape)
        steps = (np.arange(per_side) + 0.5) / per_side
        down, across = (part.ravel() for part in np.meshgrid(steps, steps, indexing="ij"))
        x = self.left + (column[:, None] + across) * self.width
        y = self.top - (row[:, None] + down) * self.height
        inside = shapely.contains_xy(shape, x.ravel(), y.ravel()).reshape(x.shape).sum(axis=1)
        values = self.values[row, column]
        known = np.isfinite(values)
        return float((inside[known] * values[known]).sum() / inside[known].sum())


# People


def fractional_ranks(people: np.ndarray, ranking: np.ndarray, *, sign: int = 1) -> np.ndarray:
    """Share of the people below, and half of those level; NaN where there is no value, and they are not counted."""
    known = ~np.isnan(ranking)
    levels, level = np.unique(sign * ranking[known], return_inverse=True)
    at = np.bincount(level, weights=people[known], minlength=len(levels))
    below = np.cumsum(at) - at
    ranks = np.full(len(people), np.nan)
    ranks[known] = ((below + at / 2) / at.sum())[level]
    return ranks


def concentration(effect: np.ndarray, people: np.ndarray, ranks: np.ndarray) -> float:
    """Σ w x (2F − 1) / Σ w x over those with a rank F; undefined where nobody receives anything."""
    known = ~np.isnan(ranks)
    mass = (people * effect)[known]
    return math.fsum(mass * (2 * ranks[known] - 1)) / math.fsum(mass) if mass.sum() else math.nan


def bounds(group: np.ndarray, universe: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """Fewest and most people of a group in reach that the counts allow, neighbourhood by neighbourhood."""
    low = np.maximum(0.0, share * universe - (universe - group))
    return math.fsum(low), math.fsum(np.minimum(share * universe, group))


def equal(value, expected, *, near_zero: float = 0.0, rel: float = 1e-9) -> bool:
    """Equal to 1e-9 relative, unless asked for less; undefined equals undefined."""
    return np.allclose(np.asarray(value, float), np.asarray(expected, float), rtol=rel, atol=near_zero, equal_nan=True)


# Pages


def numbers_in(text: str) -> set[str]:
    """Numbers of a page, but for those of code, links and names of files."""
    prose = re.sub(r"```.*?```|\]\([^)]*\)|`[^`|]*`", "", text, flags=re.DOTALL)
    return set(re.findall(r"(?<![\w.])−?\d+(?:,\d{3})*(?:\.\d+)?", prose))


# Project files


def side_by_side(place: Path, *files: Path) -> Path:
    """Link files into one folder, as the pages ask; the first is the project file, which is copied."""
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(files[0], place)
    for file in files[1:]:
        (place / file.name).symlink_to(file.resolve())
    return place / files[0].name


def changed(project: Path, place: Path, *changes: tuple[str, str]) -> Path:
    """A copy of a project and its files, with some of its text replaced."""
    text = project.read_text(encoding="utf-8")
    for old, new in changes:
        if old not in text:
            msg = f"{project.name} does not say {old!r}"
            raise ValueError(msg)
        text = text.replace(old, new)
    shutil.copytree(project.parent, place, symlinks=True)
    (place / project.name).write_text(text, encoding="utf-8")
    return place / project.name

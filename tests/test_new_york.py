"""New York City from its published files, every figure found again by hand.

The upper half of this file is a second way to the same numbers: shapely, numpy and pyproj, zone by zone and
pair by pair, without a line of the package. Only the lower half runs the package, and compares.
"""

from __future__ import annotations

import csv
import doctest
import json
import math
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Geod, Transformer
from shapely import MultiPolygon, Polygon

import equity_screen as es

pytestmark = pytest.mark.shared

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "new_york_city"
PROJECT = "new_york_city.toml"
NEIGHBOURHOODS, COOLING, SHOWERS = "neighbourhoods_nta2020.parquet", "cooling_sites.csv", "spray_showers.csv"
HEADING = "## A real city: New York"

FOOT = 1200 / 3937  # US survey foot [m], by definition
DISTANCE = 800.0
SIDES = 256
LONGEST = 1000.0
ELLIPSOID = Geod(ellps="WGS84")
# Count and percentage columns; people of colour have a percentage only.
COUNTED = {"poverty": "poverty", "limited_english": "limited_english", "foreign_born": "foreign_born"}
GROUPS = ("people_of_colour", *COUNTED)


# By hand: what the files say


@dataclass(frozen=True)
class Zone:
    """One neighbourhood as its row says."""

    id: str
    kind: str
    population: float
    groups: dict[str, float]
    universes: dict[str, float]
    priority: bool
    income: float | None
    temperature: float | None
    green: float | None
    outline: shapely.Geometry


@dataclass(frozen=True)
class Site:
    """One cooling site or spray shower, at its longitude and latitude."""

    id: str
    name: str
    active: bool
    in_feet: bool
    longitude: float
    latitude: float


def read_zones(data: Path) -> list[Zone]:
    rows = pq.read_table(data / NEIGHBOURHOODS).to_pylist()
    return [zone_of(row) for row in sorted(rows, key=lambda row: row["NTA2020"])]


def zone_of(row):
    people = row["pop_total"]
    groups, universes = dict.fromkeys(GROUPS, 0.0), dict.fromkeys(GROUPS, 0.0)
    if people is not None:
        groups["people_of_colour"] = row["nonwhite_pct"] / 100 * people
        universes["people_of_colour"] = people
        for name, column in COUNTED.items():
            groups[name] = row[f"{column}_n"]
            universes[name] = 100 * row[f"{column}_n"] / row[f"{column}_pct"]
    return Zone(
        id=row["NTA2020"],
        kind=row["NTAType"],
        population=people or 0.0,
        groups=groups,
        universes=universes,
        priority=row["HVI_RANK"] in {4, 5},
        income=row["MEDIAN_INCOME"],
        temperature=row["SURFACE_TEMP"],
        green=row["GREENSPACE"],
        outline=shapely.from_wkb(row["geometry"]),
    )


def read_sites(data: Path) -> list[Site]:
    degrees = Transformer.from_crs(2263, 4326, always_xy=True)
    sites = []
    for prefix, name in (("cooling", COOLING), ("shower", SHOWERS)):
        with (data / name).open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), start=1):
                x, y = float(row["x"]), float(row["y"])
                in_feet = abs(x) > 180
                longitude, latitude = degrees.transform(x, y) if in_feet else (x, y)
                active = row["Status"] == "Activated"
                id_ = f"{prefix}-{number:03d}"
                sites.append(Site(id_, row["PropertyName"], active, in_feet, longitude, latitude))
    return sites


# By hand: where it is measured


def middle_of(zones: list[Zone]) -> tuple[float, float]:
    """Middle of the box around all vertices on the unit sphere, to 4 decimals of a degree."""
    xy = np.vstack([shapely.get_coordinates(zone.outline) for zone in zones])
    lon, lat = np.radians(Transformer.from_crs(2263, 4326, always_xy=True).transform(xy[:, 0], xy[:, 1]))
    sphere = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    x, y, z = (sphere.min(axis=1) + sphere.max(axis=1)) / 2
    return round(math.degrees(math.atan2(y, x)), 4), round(math.degrees(math.atan2(z, math.hypot(x, y))), 4)


def projection(kind: str, middle: tuple[float, float]) -> str:
    return f"+proj={kind} +lon_0={middle[0]} +lat_0={middle[1]} +datum=WGS84 +units=m +no_defs"


def with_vertices(ring: np.ndarray, longest: float) -> np.ndarray:
    """Cut every side into equal pieces, none longer than asked."""
    points = [ring[:1]]
    for start, end in zip(ring[:-1], ring[1:], strict=True):
        pieces = math.ceil(math.dist(start, end) / longest)
        steps = np.arange(1, max(pieces, 1) + 1)[:, None] / max(pieces, 1)
        points.append(start + steps * (end - start))
    return np.vstack(points)


def brought(outline: shapely.Geometry, transformer: Transformer, *, longest: float) -> shapely.Geometry:
    """Bring an outline in feet elsewhere, ring by ring."""

    def ring(line):
        x, y = with_vertices(shapely.get_coordinates(line), longest).T
        return np.column_stack(transformer.transform(x, y))

    parts = [
        Polygon(ring(part.exterior), [ring(hole) for hole in part.interiors])
        for part in shapely.get_parts(outline)
    ]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def disc(x: float, y: float, radius: float) -> np.ndarray:
    angle = 2 * np.pi * np.arange(SIDES) / SIDES
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])


def taken_away(shape: shapely.Geometry, discs: list[shapely.Geometry]) -> shapely.Geometry:
    """What is left of a shape when one disc after the other is cut out of it."""
    for one in discs:
        shape = shapely.difference(shape, one)
    return shape


# By hand: the answers


@dataclass(frozen=True)
class ByHand:
    """The city, and who is within 800 m of what."""

    zones: list[Zone]
    sites: list[Site]

    @cached_property
    def middle(self) -> tuple[float, float]:
        return middle_of(self.zones)

    @cached_property
    def shapes(self) -> list[shapely.Geometry]:
        move = Transformer.from_crs(2263, projection("laea", self.middle), always_xy=True)
        return [brought(zone.outline, move, longest=LONGEST / FOOT) for zone in self.zones]

    @cached_property
    def discs(self) -> list[shapely.Geometry]:
        there = projection("aeqd", self.middle)
        into = Transformer.from_crs(4326, there, always_xy=True)
        back = Transformer.from_crs(there, projection("laea", self.middle), always_xy=True)
        discs = []
        for site in self.sites:
            corners = disc(*into.transform(site.longitude, site.latitude), DISTANCE)
            discs.append(Polygon(np.column_stack(back.transform(corners[:, 0], corners[:, 1]))))
        return discs

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs (zone, site) whose boxes touch."""
        boxes = np.array([one.bounds for one in self.discs])
        pairs = []
        for i, shape in enumerate(self.shapes):
            west, south, east, north = shape.bounds
            near = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
            pairs += [(i, int(j)) for j in np.flatnonzero(near)]
        return pairs

    @cached_property
    def shares(self) -> np.ndarray:
        """Zones × sites: share of the zone's area within 800 m."""
        shares = np.zeros((len(self.zones), len(self.sites)))
        for i, j in self.pairs:
            shares[i, j] = shapely.intersection(self.shapes[i], self.discs[j]).area / self.shapes[i].area
        return shares

    def once(self, *, active_only: bool) -> np.ndarray:
        """Share of each zone's area within 800 m of at least one site: 1 less what no disc takes away."""
        near = []
        for i, shape in enumerate(self.shapes):
            mine = [
                self.discs[j] for k, j in self.pairs if k == i and (self.sites[j].active or not active_only)
            ]
            near.append(1 - taken_away(shape, mine).area / shape.area)
        return np.array(near)

    @cached_property
    def near(self) -> dict[str, np.ndarray]:
        return {
            "active actions": self.once(active_only=True),
            "all actions": self.once(active_only=False),
        }

    @cached_property
    def active(self) -> np.ndarray:
        return np.array([site.active for site in self.sites])

    @cached_property
    def people(self) -> np.ndarray:
        return np.array([zone.population for zone in self.zones])

    @cached_property
    def priority(self) -> np.ndarray:
        return np.array([zone.priority for zone in self.zones])

    def count(self, group: str) -> np.ndarray:
        return self.people if group == "everyone" else np.array([z.groups[group] for z in self.zones])

    def universe(self, group: str) -> np.ndarray:
        return self.people if group == "everyone" else np.array([z.universes[group] for z in self.zones])

    def bounds(self, group: str, share: np.ndarray) -> tuple[float, float]:
        """Fewest and most people of a group in reach that the counts allow, zone by zone."""
        low = high = 0.0
        for g, u, s in zip(self.count(group), self.universe(group), share, strict=True):
            low += max(0.0, s * u - (u - g))
            high += min(s * u, g)
        return low, high

    def burden(self) -> list[float | None]:
        """Mean of two percent ranks: hotter than, and less green than, what share of the others."""
        known = [zone for zone in self.zones if zone.population > 0]
        return [
            None
            if zone.population == 0
            else 50
            * (
                sum(other.temperature < zone.temperature for other in known)
                + sum(other.green > zone.green for other in known)
            )
            / (len(known) - 1)
            for zone in self.zones
        ]


def concentration(effect, people, ranking, *, sign: int = 1) -> float:
    """Σ w x (2F − 1) / Σ w x with F the share of the people below and half of those level."""
    ranked = [(sign * r, w, x) for r, w, x in zip(ranking, people, effect, strict=True) if r is not None]
    whole = sum(w for _, w, _ in ranked)
    tilted = mass = 0.0
    for level, w, x in ranked:
        below = sum(v for r, v, _ in ranked if r < level)
        tied = sum(v for r, v, _ in ranked if r == level)
        tilted += w * x * (2 * (below + tied / 2) / whole - 1)
        mass += w * x
    return tilted / mass

"""New York City from its published files, every figure found again by hand.

The upper half of this file is a second way to the same numbers: shapely, numpy and pyproj, zone by zone and
pair by pair, without a line of the package. Only the lower half runs the package, and compares.
"""

from __future__ import annotations

import contextlib
import csv
import doctest
import math
import re
import shutil
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


def fractional_ranks(people, ranking, *, sign: int = 1) -> np.ndarray:
    """Share of the people below, and half of those level; who is not ranked is not counted."""
    ranked = [(sign * level, w) for level, w in zip(ranking, people, strict=True) if level is not None]
    whole = sum(w for _, w in ranked)

    def rank(level):
        below = sum(w for other, w in ranked if other < level)
        return (below + sum(w for other, w in ranked if other == level) / 2) / whole

    return np.array([math.nan if level is None else rank(sign * level) for level in ranking])


def concentration(effect, people, ranks) -> float:
    """Σ w x (2F − 1) / Σ w x over those with a rank F; undefined where nobody receives anything."""
    known = ~np.isnan(ranks)
    mass = (people * effect)[known]
    return float((mass * (2 * ranks[known] - 1)).sum() / mass.sum()) if mass.sum() else math.nan


def near_on_the_ellipsoid(city: ByHand) -> np.ndarray:
    """Share of each zone near an active site without any projection: geodesic radii, geodesic areas."""
    degrees = Transformer.from_crs(2263, 4326, always_xy=True)
    azimuths, radii = np.linspace(0, 360, SIDES, endpoint=False), np.full(SIDES, DISTANCE)
    discs = []
    for site in city.sites:
        start = np.full(SIDES, site.longitude), np.full(SIDES, site.latitude)
        discs.append(Polygon(np.column_stack(ELLIPSOID.fwd(*start, azimuths, radii)[:2])))
    near = []
    for i, zone in enumerate(city.zones):
        whole = brought(zone.outline, degrees, longest=LONGEST / FOOT)
        left = taken_away(whole, [discs[j] for k, j in city.pairs if k == i and city.sites[j].active])
        near.append(1 - area_on_the_ellipsoid(left) / area_on_the_ellipsoid(whole))
    return np.array(near)


def area_on_the_ellipsoid(shape: shapely.Geometry) -> float:
    return 0.0 if shape.is_empty else abs(ELLIPSOID.geometry_area_perimeter(shape)[0])


# The two ways side by side


def section_text() -> str:
    """The worked section, in the README or, until it stands there, beside the project file."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if HEADING not in readme:
        return (DOCS / "README-section.md").read_text(encoding="utf-8")
    return HEADING + readme.partition(HEADING)[2].partition("\n## ")[0]


def example_of(section: str) -> str:
    return re.search(r"```pycon\n(.*?)```", section, re.DOTALL)[1]


@pytest.fixture(scope="module")
def data(shared_data):
    return shared_data / "new_york_city"


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    """The project file beside copies of the published files, as the worked section asks."""
    place = tmp_path_factory.mktemp("new_york")
    for path in (DOCS / PROJECT, *(data / name for name in (NEIGHBOURHOODS, COOLING, SHOWERS))):
        shutil.copy(path, place)
    return place


@pytest.fixture(scope="module")
def city(data):
    return ByHand(read_zones(data), read_sites(data))


@pytest.fixture(scope="module")
def found(folder):
    """What the lines of the worked section make, run as they stand there."""
    example = doctest.DocTestParser().get_doctest(example_of(section_text()), {}, "section", None, 0)
    failures: list[str] = []
    with contextlib.chdir(folder):
        doctest.DocTestRunner(verbose=False).run(example, out=failures.append, clear_globs=False)
    assert "".join(failures) == ""
    return SimpleNamespace(**example.globs)


def changed(folder: Path, place: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the project with some of its text replaced."""
    text = (folder / PROJECT).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    shutil.copytree(folder, place, dirs_exist_ok=True)
    (place / PROJECT).write_text(text, encoding="utf-8")
    return place / PROJECT


def equal(value, expected, *, near_zero: float = 0.0) -> bool:
    """Equal to 1e-9 relative; undefined equals undefined."""
    return np.allclose(value, expected, rtol=1e-9, atol=near_zero, equal_nan=True)


class TestWhatCameIn:
    def test_the_fates_of_all_rows_add_up(self, city, found):
        cooling = [site for site in city.sites if site.id.startswith("cooling")]
        showers = [site for site in city.sites if site.id.startswith("shower")]
        wanted = {
            NEIGHBOURHOODS: [262, 197, 0, 65, 0],
            COOLING: [271, sum(s.active and not s.in_feet for s in cooling), 2, 51, 0],
            SHOWERS: [755, sum(s.active for s in showers), 0, 47, 0],
        }
        ledger = found.result.ledger.set_index("account")[["total", "used", "repaired", "flagged", "refused"]]
        assert {name: ledger.loc[f"{name}: rows"].tolist() for name in wanted} == wanted
        assert ledger.loc[f"{NEIGHBOURHOODS}: people", "used"] == city.people.sum()
        assert len(found.result.status) == 262 + 271 + 755

    def test_each_row_without_the_status_activated_is_flagged_and_not_active(self, city, found):
        active = found.result.actions["active"]
        assert [site.id for site in city.sites if site.active] == active.index[active.eq(other=True)].tolist()
        status = found.result.status.set_index("id")["codes"].str.split("; ")
        for site in city.sites:
            said = {"ES-ACTION-INACTIVE", "ES-ACTION-STATUS"} & set(status[site.id])
            assert bool(said) is not site.active
        assert sum("ES-ACTION-STATUS" in codes for codes in status) == 5

    def test_sites_are_at_their_places(self, city, found):
        places = found.result.actions.geometry.to_crs(4326)
        away = ELLIPSOID.inv(
            [site.longitude for site in city.sites],
            [site.latitude for site in city.sites],
            places.x[[site.id for site in city.sites]],
            places.y[[site.id for site in city.sites]],
        )[2]
        assert max(away) < 1e-6  # m

    def test_sites_that_stand_twice_are_two_rows_and_one_reach(self, city, found):
        places = {(site.longitude, site.latitude) for site in city.sites}
        assert len(city.sites) - len(places) == found.result.actions.geometry.duplicated().sum() == 4

    def test_coverage_is_the_share_of_the_people_whose_zone_has_a_value(self, city, found):
        seen = found.result.coverage.set_index("what")["coverage_share"]
        for what, column in {
            "indicator Surface temperature on a summer day": "temperature",
            "indicator Green space": "green",
            "ranking income": "income",
        }.items():
            known = np.array([getattr(zone, column) is not None for zone in city.zones])
            assert equal(seen[what], city.people[known].sum() / city.people.sum())


class TestFigures:
    """Everything the worked section quotes, and the same for each of the 1,026 sites."""

    @pytest.mark.parametrize("group", ["everyone", *GROUPS])
    @pytest.mark.parametrize("scope", ["active actions", "all actions"])
    def test_people_near_a_site_counted_once(self, city, found, scope, group):
        table = found.result.together.set_index(["scope", "ledger", "group"])
        row = table.loc[(scope, "benefit", group)]
        counted = city.active | (scope == "all actions")
        people, near = city.count(group), city.near[scope]
        assert equal(row["people"], people.sum())
        assert equal(row["people_reached"], (near * people).sum())
        assert equal(row["reached_share"], (near * people).sum() / people.sum())
        assert equal(row[["people_reached_low", "people_reached_high"]].tolist(), city.bounds(group, near))
        assert equal(row["people_summed"], (city.shares[:, counted].sum(axis=1) * people).sum())

    def test_each_neighbourhood(self, city, found):
        hoods = found.hoods
        assert hoods.index.tolist() == [zone.id for zone in city.zones]
        populated = city.people > 0
        wanted = np.where(populated, city.near["all actions"], np.nan)
        assert equal(hoods["benefit_reached_share"], wanted, near_zero=1e-12)
        assert equal(found.near, city.near["active actions"], near_zero=1e-12)
        assert hoods["priority"].tolist() == city.priority.tolist()
        burden = [math.nan if score is None else score for score in city.burden()]
        assert equal(hoods["burden_score"], burden, near_zero=1e-12)

    def test_each_site(self, city, found):
        table = found.result.by_effect.droplevel(["ledger", "effect"]).loc[[site.id for site in city.sites]]
        reached = city.shares * city.people[:, None]
        total = reached.sum(axis=0)
        somebody = total > 0
        share = np.where(somebody, reached[city.priority].sum(axis=0) / np.where(somebody, total, 1), np.nan)
        assert equal(table["people_reached"], total)
        assert equal(table["total"], total)
        assert equal(table["mean"], total / city.people.sum())
        assert equal(table["priority_place_share"], share)
        area = np.array([shape.area for shape in city.shapes])
        inside = (city.shares * area[:, None]).sum(axis=0) / [one.area for one in city.discs]
        assert equal(table["outside_share"], 1 - inside, near_zero=1e-9)

    @pytest.mark.parametrize("ranking", ["income", "burden"])
    def test_each_site_by_a_ranking(self, city, found, ranking):
        table = found.result.by_effect.droplevel(["ledger", "effect"])
        ranks = ranks_of(city)[ranking]
        wanted = [concentration(city.shares[:, j], city.people, ranks) for j in range(len(city.sites))]
        assert equal(table.loc[[site.id for site in city.sites], f"ci_{ranking}"], wanted, near_zero=1e-11)

    @pytest.mark.parametrize("group", GROUPS)
    def test_each_site_for_a_group(self, city, found, group):
        table = found.result.by_group.set_index(["group", "action"]).loc[group]
        table = table.loc[[site.id for site in city.sites]]
        people, universe = city.count(group), city.universe(group)
        reached, among = (city.shares * people[:, None]).sum(axis=0), (city.shares * universe[:, None]).sum(axis=0)
        bounds = [city.bounds(group, city.shares[:, j]) for j in range(len(city.sites))]
        assert equal(table["people_reached"], reached)
        assert equal(table[["people_reached_low", "people_reached_high"]], bounds, near_zero=1e-6)
        assert equal(table["share_of_people"], people.sum() / universe.sum())
        share = np.where(among > 0, reached / np.where(among > 0, among, 1), np.nan)
        assert equal(table["share_of_effect"], share)
        assert equal(table["parity"], share / (people.sum() / universe.sum()))

    def test_priority_neighbourhoods_and_rankings_counted_once(self, city, found):
        in_reach = city.near["active actions"] * city.people
        assert equal(found.in_reach.sum(), in_reach.sum())
        assert equal(found.in_reach[found.hoods["priority"]].sum(), in_reach[city.priority].sum())
        for name, ranks in ranks_of(city).items():
            ranking = found.project.project.rankings[name]
            index = es.concentration_index(found.near, found.people, rank=es.rank_of(found.hoods, ranking))
            assert equal(index, concentration(city.near["active actions"], city.people, ranks))

    def test_no_projection_is_needed_to_find_the_same_people(self, city, found):
        """Geodesic radii and geodesic areas agree to one in a million; projections could all be off alike."""
        people = float((near_on_the_ellipsoid(city) * city.people).sum())
        assert people == pytest.approx(found.in_reach.sum(), rel=1e-6)


def ranks_of(city: ByHand) -> dict[str, np.ndarray]:
    income = [zone.income for zone in city.zones]
    return {
        "income": fractional_ranks(city.people, income),
        "burden": fractional_ranks(city.people, city.burden(), sign=-1),
    }

"""New York City from its published files, every figure found again by hand.

The upper half of this file is a second way to the same numbers: shapely, numpy and pyproj, zone by zone and
pair by pair, without a line of the package. Only the lower half runs the package, and compares.
"""

from __future__ import annotations

import contextlib
import csv
import doctest
import itertools
import math
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Geod, Transformer
from shapely import MultiPolygon, Polygon

import equity_screen as es
from tests.browser import visit

pytestmark = pytest.mark.shared

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "new_york_city"
PROJECT = "new_york_city.toml"
NEIGHBOURHOODS, COOLING, SHOWERS = "neighbourhoods_nta2020.parquet", "cooling_sites.csv", "spray_showers.csv"

FOOT = 1200 / 3937  # US survey foot [m], by definition
DISTANCE = 800.0
# What is drawn has 256 sides, and its pieces are laid together; what is measured alone has 4,096 and so, with the
# circle's own area, is within a part in ten million of it.
SIDES, FINE = 256, 4096
# The package measures a disc in an equidistant space near it, the second way in one equal-area space: people near one
# site are up to 7e-6 apart (0.04 people), added up over sites 4e-8. It fits the faces of a union to
# the exact discs, which are as drawn here: a neighbourhood is within 1e-6 of its area, the city within 1e-8.
ALONE, TOGETHER, NOBODY = 1e-5, 1e-7, 1e-3
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
    """Cut every side into equal pieces, none longer than asked; the longest side here is 998 m."""
    points = [ring[:1]]
    for start, end in itertools.pairwise(ring):
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
        Polygon(ring(part.exterior), [ring(hole) for hole in part.interiors]) for part in shapely.get_parts(outline)
    ]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def outside(sides: int) -> float:
    """Distance of the corners of a polygon of equal sides from its middle, for a circle of radius 1 as large."""
    return math.sqrt(math.tau / sides / math.sin(math.tau / sides))


def disc(x: float, y: float, radius: float, *, sides: int) -> np.ndarray:
    """Corners of a polygon of equal sides that has the area of the circle: they lie a little outside it."""
    angle = 2 * np.pi * np.arange(sides) / sides
    out = radius * outside(sides)
    return np.column_stack([x + out * np.cos(angle), y + out * np.sin(angle)])


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

    def discs(self, sides: int) -> list[shapely.Geometry]:
        there = projection("aeqd", self.middle)
        into = Transformer.from_crs(4326, there, always_xy=True)
        back = Transformer.from_crs(there, projection("laea", self.middle), always_xy=True)
        discs = []
        for site in self.sites:
            corners = disc(*into.transform(site.longitude, site.latitude), DISTANCE, sides=sides)
            discs.append(Polygon(np.column_stack(back.transform(corners[:, 0], corners[:, 1]))))
        return discs

    @cached_property
    def drawn(self) -> list[shapely.Geometry]:
        return self.discs(SIDES)

    @cached_property
    def fine(self) -> list[shapely.Geometry]:
        return self.discs(FINE)

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs (zone, site) whose boxes touch."""
        boxes = np.array([one.bounds for one in self.drawn])
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
            shares[i, j] = shapely.intersection(self.shapes[i], self.fine[j]).area / self.shapes[i].area
        return shares

    def taken(self, discs: list[shapely.Geometry], *, active_only: bool) -> np.ndarray:
        """Share of each zone's area in at least one disc: 1 less what no disc takes away."""
        near = []
        for i, shape in enumerate(self.shapes):
            mine = [discs[j] for k, j in self.pairs if k == i and (self.sites[j].active or not active_only)]
            near.append(1 - taken_away(shape, mine).area / shape.area)
        return np.array(near)

    def once(self, *, active_only: bool) -> np.ndarray:
        """Share of each zone's area within 800 m of any site: as drawn, between the widest and all added up."""
        each = self.shares[:, self.active | (not active_only)]
        return np.clip(
            self.taken(self.drawn, active_only=active_only), each.max(axis=1), np.minimum(each.sum(axis=1), 1)
        )

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


def percent_ranks(values: list[float | None]) -> list[float]:
    """Share of the others that are lower [%]; undefined for who has no value."""
    known = [value for value in values if value is not None]
    return [
        math.nan if value is None else 100 * sum(other < value for other in known) / (len(known) - 1)
        for value in values
    ]


def near_on_the_ellipsoid(city: ByHand) -> np.ndarray:
    """Share of each zone near an active site without any projection: geodesic radii, geodesic areas."""
    degrees = Transformer.from_crs(2263, 4326, always_xy=True)
    azimuths, radii = np.linspace(0, 360, SIDES, endpoint=False), np.full(SIDES, DISTANCE * outside(SIDES))
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
    """The worked page."""
    return (DOCS / "README.md").read_text(encoding="utf-8")


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


def equal(value, expected, *, near_zero: float = 0.0, rel: float = 1e-9) -> bool:
    """Equal to 1e-9 relative, unless asked for less; undefined equals undefined."""
    return np.allclose(value, expected, rtol=rel, atol=near_zero, equal_nan=True)


class TestWhatCameIn:
    def test_the_fates_of_all_rows_add_up(self, city, found):
        ledger = found.result.ledger.set_index("account")[["total", "used", "repaired", "flagged", "refused"]]
        wanted = fates(city)
        assert {name: ledger.loc[f"{name}: rows"].tolist() for name in wanted} == wanted
        assert ledger.loc[f"{NEIGHBOURHOODS}: people", "used"] == city.people.sum()
        rows = found.result.status[found.result.status["row"] != ""]
        assert len(rows) == sum(row[0] for row in wanted.values())

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
        assert equal(row["people_reached"], (near * people).sum(), rel=TOGETHER)
        assert equal(row["reached_share"], (near * people).sum() / people.sum(), rel=TOGETHER)
        if group == "everyone":
            assert row[["people_reached_low", "people_reached_high"]].isna().all()
        else:
            limits = row[["people_reached_low", "people_reached_high"]].tolist()
            assert equal(limits, city.bounds(group, near), rel=TOGETHER)
        inside = (near * people)[city.priority].sum() / (near * people).sum()
        assert equal(row["priority_place_share"], inside, rel=TOGETHER)
        assert equal(row["people_summed"], (city.shares[:, counted].sum(axis=1) * people).sum(), rel=TOGETHER)

    def test_each_neighbourhood(self, city, found):
        hoods = found.hoods
        assert hoods.index.tolist() == [zone.id for zone in city.zones]
        populated = city.people > 0
        wanted = np.where(populated, city.near["active actions"], np.nan)
        assert equal(hoods["benefit_reached_share"], wanted, near_zero=1e-6)
        assert equal(found.near, np.where(populated, city.near["active actions"], 0.0), near_zero=1e-6)
        assert hoods["priority"].tolist() == city.priority.tolist()
        burden = [math.nan if score is None else score for score in city.burden()]
        assert equal(hoods["burden_score"], burden)
        assert equal(hoods["burden_percentile"], percent_ranks(city.burden()))

    def test_each_site(self, city, found):
        table = found.result.by_effect.droplevel(["ledger", "effect"]).loc[[site.id for site in city.sites]]
        reached = city.shares * city.people[:, None]
        total = reached.sum(axis=0)
        somebody = total > 0
        share = np.where(somebody, reached[city.priority].sum(axis=0) / np.where(somebody, total, 1), np.nan)
        assert equal(table["people_reached"], total, rel=ALONE, near_zero=NOBODY)
        assert equal(table["total"], total, rel=ALONE, near_zero=NOBODY)
        assert equal(table["mean"], total / city.people.sum(), rel=ALONE, near_zero=NOBODY / city.people.sum())
        assert equal(table["priority_place_share"], share, near_zero=ALONE)
        area = np.array([shape.area for shape in city.shapes])
        inside = (city.shares * area[:, None]).sum(axis=0) / [one.area for one in city.fine]
        assert equal(table["outside_share"], 1 - inside, near_zero=1e-6)

    @pytest.mark.parametrize("ranking", ["income", "burden"])
    def test_each_site_by_a_ranking(self, city, found, ranking):
        table = found.result.by_effect.droplevel(["ledger", "effect"])
        ranks = ranks_of(city)[ranking]
        wanted = [concentration(city.shares[:, j], city.people, ranks) for j in range(len(city.sites))]
        assert equal(table.loc[[site.id for site in city.sites], f"ci_{ranking}"], wanted, near_zero=ALONE)

    @pytest.mark.parametrize("group", GROUPS)
    def test_each_site_for_a_group(self, city, found, group):
        table = found.result.by_group.set_index(["group", "action"]).loc[group]
        table = table.loc[[site.id for site in city.sites]]
        people, universe = city.count(group), city.universe(group)
        reached, among = (city.shares * people[:, None]).sum(axis=0), (city.shares * universe[:, None]).sum(axis=0)
        bounds = [city.bounds(group, city.shares[:, j]) for j in range(len(city.sites))]
        assert equal(table["people_reached"], reached, rel=ALONE, near_zero=NOBODY)
        assert equal(table[["people_reached_low", "people_reached_high"]], bounds, rel=ALONE, near_zero=0.05)
        assert equal(table["share_of_people"], people.sum() / universe.sum())
        share = np.where(among > 0, reached / np.where(among > 0, among, 1), np.nan)
        assert equal(table["share_of_effect"], share, near_zero=ALONE)
        assert equal(table["parity"], share / (people.sum() / universe.sum()), near_zero=ALONE)

    def test_priority_neighbourhoods_and_rankings_counted_once(self, city, found):
        in_reach = city.near["active actions"] * city.people
        found_in_reach = found.near * found.people
        assert equal(found_in_reach.sum(), in_reach.sum(), rel=TOGETHER)
        assert equal(found_in_reach[found.hoods["priority"]].sum(), in_reach[city.priority].sum(), rel=TOGETHER)
        for name, ranks in ranks_of(city).items():
            ranking = found.project.project.rankings[name]
            index = es.concentration_index(found.near, found.people, rank=es.rank_of(found.hoods, ranking))
            assert equal(index, concentration(city.near["active actions"], city.people, ranks), rel=1e-6)

    def test_256_sides_are_enough(self, city):
        """Measured with 4,096: a neighbourhood is off by up to 3e-7 of its area, the city by 6e-9 of its people."""
        near, fine = city.near["active actions"], city.taken(city.fine, active_only=True)
        assert np.abs(near - fine).max() < 1e-6
        assert (near * city.people).sum() == pytest.approx((fine * city.people).sum(), rel=1e-7)

    def test_no_projection_is_needed_to_find_the_same_people(self, city, found):
        """Geodesic radii and geodesic areas agree to one in a million; projections could all be off alike."""
        people = float((near_on_the_ellipsoid(city) * city.people).sum())
        assert people == pytest.approx((found.near * found.people).sum(), rel=1e-6)


@pytest.fixture(scope="module")
def published(found, tmp_path_factory):
    """The folder that a run publishes."""
    return es.publish(found.result, tmp_path_factory.mktemp("published") / "results", project=found.project.project)


class TestOutputs:
    def test_the_table_of_people_counted_once_is_published_in_full(self, city, published):
        with (published / "together.csv").open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["ledger"] == "benefit"]
        assert len(rows) == 2 * (1 + len(GROUPS))
        for row in rows:
            reached = city.near[row["scope"]] * city.count(row["group"])
            assert float(row["people_reached"]) == pytest.approx(reached.sum(), rel=TOGETHER)

    def test_every_input_row_is_published_with_its_fate(self, city, published):
        with (published / "status.csv").open(encoding="utf-8", newline="") as lines:
            rows = Counter((row["input"], row["status"]) for row in csv.DictReader(lines) if row["row"])
        for name, (_, *counts) in fates(city).items():
            assert [rows[name, fate] for fate in ("used", "repaired", "flagged", "refused")] == counts

    @pytest.mark.browser
    @pytest.mark.parametrize("name", ["map.html", "report.html"])
    def test_a_page_of_a_thousand_sites_opens_offline(self, published, page, name):
        assert (published / name).stat().st_size < 3_000_000
        assert visit(page, published / name) == []
        assert "New York City: who is near a place to cool down" in page.inner_text("h1")


def ranks_of(city: ByHand) -> dict[str, np.ndarray]:
    income = [zone.income for zone in city.zones]
    return {
        "income": fractional_ranks(city.people, income),
        "burden": fractional_ranks(city.people, city.burden(), sign=-1),
    }


def refusals(project: Path) -> list[es.Finding]:
    """What keeps a project from running; nothing has been computed or written then."""
    with pytest.raises(es.InputError, match="in the input") as caught:
        es.screen_project(project)
    return list(caught.value.findings)


class TestTraps:
    """Each trap of these files, and what the numbers would be for one who steps into it."""

    def test_radii_are_metres_in_every_direction_and_neither_feet_nor_degrees(self, city, found):
        """800 feet are 243.8 m; a circle drawn in degrees is a quarter too narrow at this latitude.

        The 256 corners lie 0.04 m outside the circle, which gives the polygon the circle's area.
        """
        corners = DISTANCE * outside(SIDES)
        assert corners == pytest.approx(DISTANCE + 0.04, abs=1e-3)
        outlines = found.result.reach.set_index("action").geometry
        for site in city.sites[::10]:
            lon, lat = shapely.get_coordinates(outlines[site.id]).T
            here = np.full(len(lon), site.longitude), np.full(len(lon), site.latitude)
            radii = ELLIPSOID.inv(*here, lon, lat)[2]
            assert radii == pytest.approx(np.full(len(lon), corners), abs=0.01)

    def test_areas_are_those_of_the_ellipsoid(self, city):
        """The city's land is 782.5 km²; in feet taken for metres it would be ten times as much."""
        area = sum(shape.area for shape in city.shapes)
        degrees = Transformer.from_crs(2263, 4326, always_xy=True)
        true = [area_on_the_ellipsoid(brought(z.outline, degrees, longest=LONGEST / FOOT)) for z in city.zones]
        assert area == pytest.approx(sum(true), rel=1e-6)
        assert area / 1e6 == pytest.approx(782.5, abs=0.1)

    def test_a_percentage_is_neither_a_fraction_nor_a_count(self, city, found):
        colour = found.hoods["people_people_of_colour"]
        assert equal(colour, city.count("people_of_colour"))
        assert colour["BK0101"] == pytest.approx(0.273069 * 37_518)  # published: 27.3069 %
        assert 0.68 < colour.sum() / city.people.sum() < 0.69

    def test_groups_keep_their_own_universes(self, city, found):
        """Among everyone, 16.7 % have incomes below the poverty line; among those asked, 16.9 %."""
        shares = found.result.by_group.groupby("group")["share_of_people"].first()
        for group in ("poverty", "limited_english"):
            people, universe = city.count(group).sum(), city.universe(group).sum()
            assert equal(found.hoods[f"universe_{group}"], city.universe(group))
            assert equal(shares[group], people / universe)
            assert people / universe > 1.01 * people / city.people.sum()
            near = city.near["active actions"]
            low = sum(np.maximum(0, near * city.people - (city.people - city.count(group))))
            assert abs(low - city.bounds(group, near)[0]) > 1000
        # Everyone was asked where they were born: what differs is the rounding of the percentage.
        assert city.universe("foreign_born") == pytest.approx(city.people, rel=1e-5)

    def test_a_park_has_no_people_and_no_share_of_a_group(self, city, found):
        empty = [zone.id for zone in city.zones if zone.kind != "0"]
        parks = found.hoods.loc[empty]
        assert len(parks) == 65
        assert (parks["population"] == 0).all()
        missing = ["benefit_reached_share", "burden_score", "burden_percentile", "surface_temperature", "green_space"]
        assert parks[missing].isna().all(axis=None)
        assert not parks["priority"].any()
        status = found.result.status.set_index("id").loc[empty]
        assert set(zip(status["status"], status["codes"], strict=True)) == {("flagged", "ES-POP-UNPOPULATED")}

    def test_empty_neighbourhoods_are_refused_where_their_type_is_not_declared(self, city, folder, tmp_path):
        project = changed(folder, tmp_path / "types", ('["5", "6", "7", "8", "9"]', '["9"]'))
        found = refusals(project)
        others = [zone.id for zone in city.zones if zone.kind not in {"0", "9"}]
        assert sorted(f.id for f in found) == others
        assert {(f.code, f.source, f.column) for f in found} == {("ES-POP-MISSING", NEIGHBOURHOODS, "pop_total")}
        assert {f.mend for f in found} == {"supply it, or declare population_missing or unpopulated_where"}
        assert min(int(f.row.removeprefix("feature ")) for f in found) == 9

    def test_two_files_without_ids_need_a_prefix(self, folder, tmp_path):
        changes = [('id_prefix = "shower-"\n', ""), ('id_prefix = "cooling-"', 'id_prefix = ""')]
        found = refusals(changed(folder, tmp_path / "ids", *changes))
        assert {f.code for f in found} == {"ES-ID-TWO-FILES"}
        assert {f.source for f in found} == {f"{COOLING}, {SHOWERS}"}
        assert sorted(f.id for f in found) == [f"{number:03d}" for number in range(1, 272)]

    def test_the_two_rows_in_feet_are_refused_by_name_and_nothing_is_written(self, folder, tmp_path):
        project = changed(folder, tmp_path / "mixed", ('other_crs = ["EPSG:2263"]', "other_crs = []"))
        command = [sys.executable, "-m", "equity_screen", "run", str(project), "--out", str(tmp_path / "out")]
        ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        assert ran.returncode == 3
        assert not (tmp_path / "out").exists()
        named = re.search(r"```text\n(.*?)```", section_text(), re.DOTALL)[1].splitlines()
        said = [line.strip() for line in ran.stderr.splitlines() if "[ES-" in line]
        assert said == named
        assert len(said) == 2

    def test_refused_rows_stay_in_the_ledger_when_the_run_goes_on_without_them(self, folder, tmp_path):
        changes = [('other_crs = ["EPSG:2263"]', ""), ('apportion = "area"', 'on_bad_row = "refuse"')]
        result = es.screen_project(changed(folder, tmp_path / "without", *changes))
        assert result.ledger.set_index("account").loc[f"{COOLING}: rows", "refused"] == 2
        assert len(result.actions) == 271 - 2 + 755
        assert not {"cooling-270", "cooling-271"} & set(result.actions.index)

    def test_converted_rows_are_listed_as_repaired(self, city, found):
        status = found.result.status.set_index("id")
        repaired = status[status["status"] == "repaired"]
        in_feet = [site.id for site in city.sites if site.in_feet and site.id.startswith("cooling")]
        assert repaired.index.tolist() == in_feet == ["cooling-270", "cooling-271"]
        assert repaired["row"].tolist() == ["row 271", "row 272"]
        assert repaired["reasons"].str.contains("(989406.7231, 201692.205)", regex=False).tolist() == [True, False]
        assert repaired["reasons"].str.contains("EPSG:2263; converted, as declared").all()
        assert repaired["mends"].str.contains("write them in one CRS").all()


# The worked section


def people(number: float) -> str:
    return f"{round(number):,}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def fates(city: ByHand) -> dict[str, list[int]]:
    """Rows of each file: in all, used, repaired, flagged, refused."""
    cooling = [site for site in city.sites if site.id.startswith("cooling")]
    showers = [site for site in city.sites if site.id.startswith("shower")]
    used = [sum(site.active and not site.in_feet for site in cooling), sum(site.active for site in showers)]
    repaired = sum(site.in_feet for site in cooling)
    peopled = sum(zone.population > 0 for zone in city.zones)
    return {
        NEIGHBOURHOODS: [len(city.zones), peopled, 0, len(city.zones) - peopled, 0],
        COOLING: [len(cooling), used[0], repaired, len(cooling) - used[0] - repaired, 0],
        SHOWERS: [len(showers), used[1], 0, len(showers) - used[1], 0],
    }


def sentences(city: ByHand) -> list[str]:
    """The sentences of the section that hold a number, with the numbers found by hand."""
    near = city.near["active actions"]
    in_reach, active = near * city.people, city.shares[:, city.active].sum(axis=1)
    missed, summed, ranks = city.people - in_reach, (active * city.people).sum(), ranks_of(city)
    index = {name: signed(concentration(near, city.people, rank)) for name, rank in ranks.items()}
    rows = fates(city)
    return [
        f"{rows[NEIGHBOURHOODS][3]} of the {rows[NEIGHBOURHOODS][0]} neighbourhoods are parks, cemeteries,",
        f"{rows[COOLING][0] - rows[COOLING][2]} of the cooling sites in degrees, and {rows[COOLING][2]} in feet",
        f"and is not active: {city.active.sum()} of the {len(city.sites):,} sites are.",
        f"the active ones would have {people(summed)} people in reach, {summed / in_reach.sum():.1f} times those who",
        f"The {city.priority.sum()} neighbourhoods of Heat Vulnerability 4–5 hold",
        f"hold {percent(city.people[city.priority].sum() / city.people.sum())} % of the people, and",
        f"{percent(in_reach[city.priority].sum() / in_reach.sum())} % of those in reach of an active site",
        f"{people(missed[city.priority].sum())} people there are not in reach of any, of {people(missed.sum())} in",
        f"being in reach is {index['income']} by income and {index['burden']} by burden",
        f"the index by income is {signed(concentration(active, city.people, ranks['income']))}.",
        f"everyone's {percent(in_reach.sum() / city.people.sum())} % lies between the two",
        f"Poverty was counted among {people(city.universe('poverty').sum())} people and limited English among",
        f"limited English among {people(city.universe('limited_english').sum())}, not among all.",
    ]


def signed(index: float) -> str:
    return f"{index:.3f}".replace("-", "−")


def table_rows(city: ByHand, labels: dict[str, str]) -> list[str]:
    """The rows of the two tables of the section, with the numbers found by hand."""
    rows = [f"| `{name}` | {' | '.join(map(str, counts))} |" for name, counts in fates(city).items()]
    near, anybody = city.near["active actions"], city.near["all actions"]
    for label, name in labels.items():
        count = city.count(name)
        reached = [(share * count).sum() for share in (near, anybody)]
        active, any_site = (f"{people(number)} ({percent(number / count.sum())} %)" for number in reached)
        # For everyone there is nothing to tell apart: the bounds say who may be in reach, not how many are.
        low, high = ("–", "–") if name == "everyone" else map(people, city.bounds(name, near))
        rows.append(f"| {label} | {people(count.sum())} | {active} | {low} | {high} | {any_site} |")
    return rows


@pytest.fixture(scope="module")
def figures(city, found):
    """All that the section says in figures, found by hand; only the groups' labels come from the project."""
    groups = found.project.project.groups
    labels = {"Everyone": "everyone"} | {group.label: name for name, group in groups.items()}
    return [*table_rows(city, labels), *sentences(city)]


class TestSection:
    """The worked section says what was found by hand, and nothing else in figures."""

    # The question's own: the distance, the rule, the licence, the index of most and of none, all of the
    # people; and the five sites without a status, which are counted above.
    ASKED = ("800", "4", "5", "2.0", "0", "100")

    def test_each_table_row_and_sentence_has_the_numbers_found_by_hand(self, figures):
        text = " ".join(section_text().split())
        assert [figure for figure in figures if figure not in text] == []

    def test_there_is_no_other_number(self, figures):
        prose = re.sub(r"```.*?```|\]\([^)]*\)|`[^`|]*`", "", section_text(), flags=re.DOTALL)
        number = re.compile(r"(?<![\w.])−?\d+(?:,\d{3})*(?:\.\d+)?")
        known = {*self.ASKED, *(n for figure in figures for n in number.findall(figure))}
        assert set(number.findall(prose)) - known == set()

    def test_it_cannot_be_told_whether_a_group_is_nearer_than_everyone(self, city):
        near = city.near["active actions"]
        everyone = (near * city.people).sum() / city.people.sum()
        for group in GROUPS:
            low, high = (bound / city.count(group).sum() for bound in city.bounds(group, near))
            assert low < everyone < high

    def test_the_picture_is_light(self):
        assert (DOCS / "map.png").stat().st_size <= 400_000

"""Copenhagen's building renewal from its published files, every figure found again by hand.

The upper half of this file is a second way to the same numbers: shapely and numpy, site by site, without a
line of the package. Only the lower half runs the package, and compares.
"""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from pyproj import CRS

import equity_screen as es
from tests.browser import visit
from tests.independent import (
    KM2,
    Middle,
    apart,
    area_on_the_ellipsoid,
    brought,
    changed,
    equal,
    equal_area,
    features,
    into,
    middle_of,
    numbers_in,
    shared_areas,
    side_by_side,
)

pytestmark = pytest.mark.shared

DOCS = Path(__file__).resolve().parents[1] / "docs" / "copenhagen"
PROJECT = "copenhagen.toml"
DISTRICTS, AREAS, SITES = "bydel.json", "f_udsatte_byomraader.json", "byfornyelse_kk.json"
DECIDED, PROGRAMME = "byfornyelse_vedtaget_i_br", "omraade"

# Four digits that stand alone: "2020_Ordinær", "Støjpulje_2021"; no part of a longer number.
YEAR = re.compile(r"(?<![^\W_])(\d{4})(?![^\W_])")
MOST = 0.5


# By hand: what the files say


@dataclass(frozen=True)
class Site:
    """One building-renewal site as its row says."""

    id: str
    address: str
    decided: str | None
    programme: str
    applied: str | None
    outline: shapely.Geometry

    @property
    def year_decided(self) -> int | None:
        """Year of the decision on the clocks of Copenhagen: the file writes local midnights in UTC."""
        if self.decided is None:
            return None
        return datetime.fromisoformat(self.decided).astimezone(ZoneInfo("Europe/Copenhagen")).year

    @property
    def year_of_programme(self) -> int | None:
        found = YEAR.findall(self.programme)
        return int(found[0]) if found else None

    @property
    def year(self) -> int | None:
        return self.year_of_programme if self.year_decided is None else self.year_decided

    @property
    def decade(self) -> int | None:
        return None if self.year is None else 10 * (self.year // 10)

    @cached_property
    def shape(self) -> bytes:
        """Equal for sites with the same outline, whatever their heights and the order of their vertices."""
        return shapely.to_wkb(shapely.normalize(self.outline))


def read_sites(data: Path) -> list[Site]:
    return [
        Site(row["ogc_fid"], row["adresse"], row[DECIDED], row[PROGRAMME], row["ansoegt"], outline)
        for row, outline in features(data / SITES)
    ]


# By hand: the answers

AMOUNTS = (
    "actions",
    "distinct_places",
    "in_priority",
    "mostly_in_priority",
    "area_summed_km2",
    "area_dissolved_km2",
    "priority_summed_km2",
    "priority_dissolved_km2",
    "priority_share_summed",
    "priority_share_dissolved",
)


@dataclass(frozen=True)
class ByHand:
    """Sites, districts and vulnerable areas, measured in one equal-area projection."""

    districts: dict[str, shapely.Geometry]
    names: dict[str, str]
    areas: list[shapely.Geometry]
    sites: list[Site]

    @classmethod
    def read(cls, data: Path) -> ByHand:
        districts = sorted(features(data / DISTRICTS), key=lambda one: one[0]["bydel_nr"])
        return cls(
            {str(row["bydel_nr"]): outline for row, outline in districts},
            {str(row["bydel_nr"]): row["navn"] for row, _ in districts},
            [outline for _, outline in features(data / AREAS)],
            read_sites(data),
        )

    @cached_property
    def middle(self) -> Middle:
        return middle_of(list(self.districts.values()))

    @cached_property
    def shapes(self) -> list[shapely.Geometry]:
        return equal_area([site.outline for site in self.sites], self.middle)

    @cached_property
    def district_shapes(self) -> dict[str, shapely.Geometry]:
        return dict(zip(self.districts, equal_area(list(self.districts.values()), self.middle), strict=True))

    @cached_property
    def area_shapes(self) -> list[shapely.Geometry]:
        return equal_area(self.areas, self.middle)

    @cached_property
    def vulnerable(self) -> list[shapely.Geometry]:
        """The vulnerable areas, ground that two of them hold counted with the first."""
        return apart(self.area_shapes)

    @cached_property
    def own(self) -> np.ndarray:
        """Area of each site [m²]."""
        return shapely.area(self.shapes)

    @cached_property
    def inside(self) -> np.ndarray:
        """Area of each site in any vulnerable area [m²]."""
        return shared_areas(self.shapes, self.vulnerable).sum(axis=1)

    @cached_property
    def district_of(self) -> np.ndarray:
        """Sites × districts: area of each site in each district [m²]."""
        return shared_areas(self.shapes, list(self.district_shapes.values()))

    def distinct(self, chosen: list[int]) -> list[int]:
        """The first of each set of sites with one outline."""
        first: dict[bytes, int] = {}
        for i in chosen:
            first.setdefault(self.sites[i].shape, i)
        return sorted(first.values())

    def where(self, *, decade: int | None = None, district: str | None = None) -> list[int]:
        """Positions of the sites of a decade, or that lie in a district in part at least."""
        number = list(self.districts).index(district) if district else None
        return [
            i
            for i, site in enumerate(self.sites)
            if (decade is None or site.decade == decade) and (number is None or self.district_of[i, number] > 0)
        ]

    def footprint(self, *, decade: int | None = None, district: str | None = None) -> dict[str, float]:
        """Count and measure the sites of a decade, or what of them lies in a district."""
        chosen = self.where(decade=decade, district=district)
        once = self.distinct(chosen)
        shapes, pieces = [self.shapes[i] for i in chosen], apart([self.shapes[i] for i in once])
        if district:
            border = self.district_shapes[district]
            shapes, pieces = ([shapely.intersection(one, border) for one in part] for part in (shapes, pieces))
        summed, dissolved = shapely.area(shapes), shapely.area(pieces)
        inside, inside_once = (shared_areas(part, self.vulnerable) for part in (shapes, pieces))
        return dict(
            zip(
                AMOUNTS,
                (
                    len(chosen),
                    len(once),
                    int((inside.sum(axis=1) > 0).sum()),
                    int((inside.sum(axis=1) > MOST * summed).sum()),
                    math.fsum(summed) / KM2,
                    math.fsum(dissolved) / KM2,
                    math.fsum(inside.ravel()) / KM2,
                    math.fsum(inside_once.ravel()) / KM2,
                    math.fsum(inside.ravel()) / math.fsum(summed),
                    math.fsum(inside_once.ravel()) / math.fsum(dissolved),
                ),
                strict=True,
            )
        )

    @cached_property
    def decades(self) -> list[int]:
        return sorted({site.decade for site in self.sites if site.decade is not None})

    @cached_property
    def ground(self) -> tuple[np.ndarray, np.ndarray]:
        """Area of each district, and what of it is in vulnerable areas [m²]."""
        districts = list(self.district_shapes.values())
        return shapely.area(districts), shared_areas(districts, self.vulnerable).sum(axis=1)

    @cached_property
    def outside(self) -> np.ndarray:
        """Area of each site in no district [m²]."""
        return self.own - self.district_of.sum(axis=1)


@pytest.fixture(scope="module")
def data(shared_data):
    return shared_data / "copenhagen"


@pytest.fixture(scope="module")
def city(data):
    return ByHand.read(data)


class TestByHand:
    """The second way itself: what the files say, and what a trap would make of it."""

    def test_outlines_that_stand_again_are_counted_and_dissolved(self, city):
        whole = city.footprint()
        assert whole["actions"] - whole["distinct_places"] == 589
        assert round(whole["priority_share_summed"], 3) == 0.310
        assert round(whole["priority_share_dissolved"], 3) == 0.297

    def test_the_union_is_what_each_shape_adds_to_those_before(self, city):
        pieces = apart([city.shapes[i] for i in city.distinct(list(range(len(city.sites))))])
        union = shapely.union_all(city.shapes)
        assert math.fsum(shapely.area(pieces)) == pytest.approx(union.area, rel=1e-12)
        vulnerable = shapely.union_all(city.area_shapes)
        assert math.fsum(shapely.area(city.vulnerable)) == pytest.approx(vulnerable.area, rel=1e-12)
        both = shapely.intersection(union, vulnerable).area
        assert both / KM2 == pytest.approx(city.footprint()["priority_dissolved_km2"], rel=1e-12)

    def test_districts_add_up_to_the_whole(self, city):
        parts = [city.footprint(district=one) for one in city.districts]
        whole = city.footprint()
        assert sum(part["actions"] for part in parts) == whole["actions"]
        for name in ("area_summed_km2", "area_dissolved_km2"):
            assert math.fsum(part[name] for part in parts) == pytest.approx(whole[name], abs=2e-6)
        for name in ("priority_summed_km2", "priority_dissolved_km2"):
            assert math.fsum(part[name] for part in parts) == pytest.approx(whole[name], rel=1e-9)

    def test_areas_are_those_of_the_ellipsoid(self, city):
        true = [area_on_the_ellipsoid(site.outline) for site in city.sites]
        assert city.own == pytest.approx(true, abs=0.01)  # m²
        assert math.fsum(city.own) == pytest.approx(math.fsum(true), rel=1e-8)

    def test_no_date_is_so_near_to_new_year_that_its_time_zone_matters(self, city):
        assert {site.decided[11:] for site in city.sites if site.decided} == {"22:00:00Z", "23:00:00Z"}
        assert all(int(site.decided[:4]) == site.year_decided for site in city.sites if site.decided)

    def test_no_site_is_so_near_to_a_line_that_rounding_decides(self, city):
        share = city.inside / city.own
        assert share[share > 0].min() > 0.005
        assert np.abs(share - MOST).min() > 0.01
        assert city.district_of[city.district_of > 0].min() > 0.5  # m²


# The two ways side by side


@pytest.fixture(scope="module")
def project(data, tmp_path_factory):
    """The project file beside the published files, as the page asks."""
    return side_by_side(
        tmp_path_factory.mktemp("copenhagen") / "run",
        DOCS / PROJECT,
        *(data / one for one in (DISTRICTS, AREAS, SITES)),
    )


@pytest.fixture(scope="module")
def result(project):
    return es.screen_project(project)


@pytest.fixture(scope="module")
def published(result, project, tmp_path_factory):
    """The folder that a run publishes."""
    place = tmp_path_factory.mktemp("published") / "results"
    return es.publish(result, place, project=es.read_project(project).project)


def footprint_rows(result, breakdown: str) -> dict[str, dict[str, float]]:
    table = result.footprints
    rows = table[table["breakdown"] == breakdown].set_index("class")
    return rows[list(AMOUNTS)].to_dict("index")


class TestFigures:
    """Everything the page quotes, and the same for each of the 3,016 sites."""

    def test_all_sites(self, city, result):
        (found,) = footprint_rows(result, "all").values()
        assert equal_rows(found, city.footprint())

    def test_decades(self, city, result):
        found = footprint_rows(result, "decade")
        assert list(found) == [f"{decade}s" for decade in city.decades]
        for decade in city.decades:
            assert equal_rows(found[f"{decade}s"], city.footprint(decade=decade))

    def test_districts_cut_at_their_borders(self, city, result):
        found = footprint_rows(result, "neighbourhood")
        outside = found.pop("(outside)")
        assert set(found) == set(city.districts)
        for one in city.districts:
            assert equal_rows(found[one], city.footprint(district=one))
        assert outside["area_summed_km2"] == pytest.approx(city.outside.sum() / KM2, abs=1e-12)
        names = result.footprints.query("breakdown == 'neighbourhood'").set_index("class")["name"]
        assert names.drop("(outside)").to_dict() == city.names

    def test_each_site(self, city, result):
        table = result.scores.loc[[site.id for site in city.sites]]
        assert equal(table["footprint_km2"], city.own / KM2)
        assert equal(table["footprint_priority_share"], city.inside / city.own, near_zero=1e-9)
        assert table["start"].tolist() == [site.year for site in city.sites]
        assert table["name"].tolist() == [site.address for site in city.sites]
        assert equal(table["outside_share"], city.outside / city.own, near_zero=1e-9)

    def test_each_district(self, city, result):
        area, vulnerable = city.ground
        hoods = result.neighbourhoods.loc[list(city.districts)]
        assert hoods["name"].to_dict() == city.names
        assert equal(hoods["priority_share"], vulnerable / area, near_zero=1e-12)

    def test_years(self, city, result):
        years = Counter(site.year for site in city.sites)
        found = result.timeline.set_index("year")["actions_starting"]
        assert {int(year): count for year, count in found.items()} == years

    def test_the_fates_of_all_rows_add_up(self, city, result):
        ledger = result.ledger.set_index("account")[["total", "used", "repaired", "flagged", "refused"]]
        assert {name: ledger.loc[f"{name}: rows"].tolist() for name in fates(city)} == fates(city)
        assert len(result.status) >= sum(row[0] for row in fates(city).values())

    def test_the_table_is_published_in_full(self, city, published):
        with (published / "footprints.csv").open(encoding="utf-8", newline="") as lines:
            rows = {(row["breakdown"], row["class"]): row for row in csv.DictReader(lines)}
        for one in city.districts:
            row = {name: float(rows["neighbourhood", one][name]) for name in AMOUNTS}
            assert equal_rows(row, city.footprint(district=one))
        assert rows["neighbourhood", "8"]["name"] == "Bispebjerg"

    @pytest.mark.browser
    @pytest.mark.parametrize("name", ["map.html", "report.html"])
    def test_a_page_of_three_thousand_sites_opens_offline(self, published, page, name):
        assert visit(page, published / name) == []
        assert "Copenhagen" in page.inner_text("h1")


def equal_rows(found: dict[str, float], wanted: dict[str, float]) -> bool:
    return equal([found[name] for name in AMOUNTS], [wanted[name] for name in AMOUNTS], near_zero=1e-15)


def fates(city: ByHand) -> dict[str, list[int]]:
    """Rows of each file: in all, used, repaired, flagged, refused; a year from the second column is flagged."""
    flagged = sum(site.year_decided != site.year_of_programme for site in city.sites)
    return {
        DISTRICTS: [len(city.districts), len(city.districts), 0, 0, 0],
        AREAS: [len(city.areas), len(city.areas), 0, 0, 0],
        SITES: [len(city.sites), len(city.sites) - flagged, 0, flagged, 0],
    }


def with_sites(project: Path, place: Path, *sites: dict) -> Path:
    """A copy of the project whose sites are others."""
    shutil.copytree(project.parent, place, symlinks=True)
    (place / SITES).unlink()
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}}
    features = [{"type": "Feature", **site} for site in sites]
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}, ensure_ascii=False)
    (place / SITES).write_text(text, encoding="utf-8")
    return place / PROJECT


def a_site(id_: str, outline: shapely.Geometry, **properties: str | None) -> dict:
    row = {"ogc_fid": id_, "adresse": "Vej 1", PROGRAMME: "1999", DECIDED: None} | properties
    return {"properties": row, "geometry": shapely.geometry.mapping(outline)}


class TestTraps:
    """Each trap of these files, and what the numbers would be for one who steps into it."""

    def test_an_outline_that_stands_again_is_ground_once(self, city, result):
        (found,) = footprint_rows(result, "all").values()
        assert found["actions"] - found["distinct_places"] == 589
        assert found["area_summed_km2"] > 1.28 * found["area_dissolved_km2"]
        distinct = math.fsum(city.own[city.distinct(list(range(len(city.sites))))]) / KM2
        assert 0 < distinct - found["area_dissolved_km2"] < 1e-5  # a few that differ overlap, too

    def test_ground_in_two_vulnerable_areas_counts_once(self, city, project, tmp_path):
        """No site lies where two areas overlap; one put there would be twice as large."""
        overlap = shapely.intersection(city.areas[3], city.areas[4])
        middle = shapely.point_on_surface(overlap)
        inner = shapely.intersection(overlap, shapely.box(*middle.buffer(1e-4).bounds))
        result = es.screen_project(with_sites(project, tmp_path / "overlap", a_site("1", inner)))
        (found,) = footprint_rows(result, "all").values()
        assert found["priority_share_summed"] == pytest.approx(1, abs=1e-9)
        assert found["priority_summed_km2"] == pytest.approx(found["area_summed_km2"], rel=1e-9)
        assert result.scores.loc["1", "footprint_priority_share"] == pytest.approx(1, abs=1e-9)
        assert math.fsum(shapely.area(city.area_shapes)) / math.fsum(shapely.area(city.vulnerable)) > 1.003

    def test_the_year_in_the_programme_stands_in_for_a_missing_date(self, city, result, project, tmp_path):
        """By dates alone a third of the sites would be in no decade."""
        without = es.screen_project(changed(project, tmp_path / "dates", (f', "{PROGRAMME}"]', "]")))
        dated = Counter(10 * (site.year_decided // 10) for site in city.sites if site.decided)
        found = footprint_rows(without, "decade")
        assert {decade: found[f"{decade}s"]["actions"] for decade in dated} == dated
        assert sum(dated.values()) == len(city.sites) - 972
        assert without.actions["start"].isna().sum() == 972
        last = [site.id for site in city.sites if site.decided is None and site.programme.startswith("Støjpulje")]
        assert len(last) == 34
        assert result.actions.loc[last, "start"].isin([2018, 2019, 2020, 2021]).all()

    def test_the_date_is_believed_before_the_programme(self, city, result):
        differ = [site for site in city.sites if site.decided and site.year_decided != site.year_of_programme]
        assert len(differ) == 16
        found = result.actions.loc[[site.id for site in differ], "start"]
        assert found.tolist() == [site.year_decided for site in differ]
        codes = result.status.set_index(["input", "id"])["codes"]
        assert all("ES-YEAR-DIFFERS" in codes[SITES, site.id] for site in differ)

    def test_digits_within_a_longer_number_are_no_year(self, city, project, tmp_path):
        place = city.sites[0].outline
        sites = [a_site("1", place, **{PROGRAMME: "sag 20201_Ordinær"}), a_site("2", place)]
        result = es.screen_project(with_sites(project, tmp_path / "digits", *sites))
        assert math.isnan(result.actions.loc["1", "start"])
        assert result.actions.loc["2", "start"] == 1999

    def test_without_people_nothing_is_said_of_people(self, result):
        assert result.neighbourhoods["population"].isna().all()
        assert result.by_effect["people_reached"].isna().all()
        assert set(result.by_effect["undefined"]) == set(result.together["undefined"]) == {"no people were given"}
        assert result.together["people_reached"].isna().all()
        assert result.by_group.empty
        assert result.sentences["summary"][0].startswith("No population was given")

    def test_a_group_without_people_is_refused(self, project, tmp_path):
        group = '[groups.tenants]\nlabel = "Tenants"\ncount = "areal_m2"\n\n[priority]'
        asked = changed(project, tmp_path / "group", ("[priority]", group))
        with pytest.raises(es.InputError, match=r"groups needs neighbourhoods\.population"):
            es.screen_project(asked)

    def test_areas_are_measured_neither_in_degrees_nor_in_web_mercator(self, city, result):
        true = math.fsum(area_on_the_ellipsoid(site.outline) for site in city.sites) / KM2
        (found,) = footprint_rows(result, "all").values()
        assert found["area_summed_km2"] == pytest.approx(true, rel=1e-8)


# The page


def page_text() -> str:
    return (DOCS / "README.md").read_text(encoding="utf-8")


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def table_row(label: str, found: dict[str, float]) -> str:
    return (
        f"| {label} | {found['actions']:,} | {found['distinct_places']:,} | {found['mostly_in_priority']:,} "
        f"| {found['area_summed_km2']:.3f} | {found['area_dissolved_km2']:.3f} "
        f"| {percent(found['priority_share_summed'])} | {percent(found['priority_share_dissolved'])} |"
    )


def table_rows(city: ByHand) -> list[str]:
    rows = [table_row(f"{decade}s", city.footprint(decade=decade)) for decade in city.decades]
    rows.append(table_row("all", city.footprint()))
    return rows + [table_row(name, city.footprint(district=one)) for one, name in city.names.items()]


def what_came_in(city: ByHand) -> list[str]:
    times: dict[bytes, list[Site]] = {}
    for site in city.sites:
        times.setdefault(site.shape, []).append(site)
    again = [sites for sites in times.values() if len(sites) > 1]
    assert all(len({site.address for site in sites}) == 1 for sites in again)
    later = sum(len({site.year for site in sites}) > 1 for sites in again)
    undated = [site for site in city.sites if site.decided is None]
    first = sum(site.programme[:4] == str(site.year) for site in undated)
    last = sum(site.programme[-4:] == str(site.year) and len(site.programme) > 4 for site in undated)
    both = [(site.year_decided, site.year_of_programme) for site in city.sites if site.decided]
    years = [site.year for site in city.sites]
    overlap = math.fsum(shapely.area(city.area_shapes)) - math.fsum(shapely.area(city.vulnerable))
    assert first + last == len(undated)
    move = into(CRS.from_epsg(3857))
    mercator = math.fsum(brought(site.outline, move).area for site in city.sites) / math.fsum(city.own)
    return [
        (
            f"{len(city.sites) - len(times)} of the {len(city.sites):,} sites repeat the outline of another: "
            f"{len(times):,} are distinct. {len(again)} outlines stand more than once"
        ),
        f"always at one address, {later} of them with different years",
        (
            f"The {len(city.areas)} vulnerable areas are {math.fsum(shapely.area(city.vulnerable)) / KM2:.2f} km²; "
            f"two of them share {overlap / 1e4:.1f} ha"
        ),
        f"{len(undated)} sites have no date of decision.",
        (
            f"{first} at its start (`2020_Ordinær`) and {last} at its end (`Støjpulje_2021`), so all have one, "
            f"from {min(years)} to {max(years)}"
        ),
        (
            f"{sum(a != b for a, b in both)} sites the two years differ, "
            f"in {sum(a // 10 != b // 10 for a, b in both)} by a decade"
        ),
        f"{sum(site.applied is not None for site in undated)} of the undated sites had applied in 2023",
        f"each site would be {mercator:.1f} times as large",
    ]


def what_was_found(city: ByHand) -> list[str]:
    whole = city.footprint()
    summed, dissolved = percent(whole["priority_share_summed"]), percent(whole["priority_share_dissolved"])
    area, vulnerable = city.ground
    once = {one: city.footprint(district=one) for one in city.districts}
    largest = sorted(once.values(), key=lambda found: -found["priority_dissolved_km2"])[:3]
    three = math.fsum(found["priority_dissolved_km2"] for found in largest) / whole["priority_dissolved_km2"]
    bispebjerg = list(city.names.values()).index("Bispebjerg")
    decades = {decade: city.footprint(decade=decade)["priority_share_dissolved"] for decade in city.decades}
    highest = max(decades, key=decades.get)
    share = once[list(city.names)[bispebjerg]]["priority_share_dissolved"]
    city_share = percent(math.fsum(vulnerable) / math.fsum(area))
    return [
        f"{whole['in_priority']} sites lie in a vulnerable area in part at least",
        f"{whole['mostly_in_priority']} for more than half of their ground",
        (
            f"Of the sites' ground {summed} lies in vulnerable areas summed, {dissolved} dissolved. "
            f"Vulnerable areas are {city_share} of the ground of the ten districts."
        ),
        (
            f"Of the dissolved ground in vulnerable areas, {percent(three)} is in three districts: Bispebjerg, "
            "Vesterbro-Kongens Enghave and Nørrebro."
        ),
        (
            f"In Bispebjerg {percent(share)} of the sites' ground is in vulnerable areas, "
            f"which are {percent(vulnerable[bispebjerg] / area[bispebjerg])} of the district's ground."
        ),
        f"for decisions of the {highest}s, {percent(decades[highest])} dissolved",
        f"{(city.outside > 1e-3).sum()} of them stick out of the districts, by {city.outside.sum():.1f} m² together",
        f"the {city_share} counts parks, water and roads too",
    ]


@pytest.fixture(scope="module")
def figures(city):
    rows = [f"| `{name}` | {' | '.join(f'{count:,}' for count in counts)} |" for name, counts in fates(city).items()]
    return [*rows, *table_rows(city), *what_came_in(city), *what_was_found(city)]


class TestPage:
    """The page says what was found by hand, and nothing else in figures."""

    # Licence, projection, years of the files and of the map of the areas.
    ASKED = ("4.0", "84", "2023", "1983", "1980", "2020")

    def test_each_table_row_and_sentence_has_the_numbers_found_by_hand(self, figures):
        text = " ".join(page_text().split())
        assert [figure for figure in figures if " ".join(figure.split()) not in text] == []

    def test_there_is_no_other_number(self, figures):
        assert numbers_in(page_text()) - {*self.ASKED, *numbers_in(" ".join(figures))} == set()

    def test_what_is_said_without_a_number(self, city):
        overlap = shapely.intersection(city.area_shapes[3], city.area_shapes[4])
        assert overlap.area > 0
        assert not any(shapely.intersects(overlap, shape) for shape in city.shapes)
        assert ((city.district_of > 0).sum(axis=1) == 1).all()
        indre_by = list(city.names.values()).index("Indre By")
        assert city.ground[1][indre_by] == 0

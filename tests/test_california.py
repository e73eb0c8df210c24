"""California's tracts and air-toxics facilities from their published files, every figure found again by hand.

The upper half of this file is a second way to the same numbers: shapely, numpy and pyproj, tract by tract and
pair by pair, without a line of the package. Only the lower half runs the package, and compares.
"""

from __future__ import annotations

import contextlib
import csv
import doctest
import gzip
import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

import equity_screen as es
from equity_screen.inputs import gather
from tests.browser import visit
from tests.independent import (
    ELLIPSOID,
    FINE,
    KILOMETRE,
    SIDES,
    WGS84,
    Middle,
    area_on_the_ellipsoid,
    bounds,
    brought,
    changed,
    concentration,
    discs_around,
    equal,
    equal_area,
    fractional_ranks,
    into,
    middle_of,
    numbers_in,
    outside,
    pairs,
    projection,
    side_by_side,
)

pytestmark = pytest.mark.shared

DOCS = Path(__file__).resolve().parents[1] / "docs" / "california"
PROJECT = "california.toml"
TRACTS, TABLE = "ca_tracts2010.parquet", "ces4_results.csv.gz"
FACILITIES = "epa_facilities_by_mact.parquet"
MILE = 1609.344
DISTANCE = 3 * MILE
UNMATCHED = "06037930401"
# The package measures a disc and its tracts in an equidistant space near the disc, the second way in one equal-area
# space: a facility beside a tract 140 km wide has 14.3358 people by the one and 14.3367 by the other, 6e-5 less;
# added up over tracts the two are within 4e-7. It fits the faces of a union to the exact discs, here they are
# as drawn: a tract is within 2e-5 of its area.
ALONE, TOGETHER = 1e-4, 1e-6

# Percentages of everyone in the tract.
GROUPS = {
    "hispanic": "HispanicPerc",
    "african_american": "AfAmericanPerc",
    "native_american": "NativeAmericanPerc",
    "asian_american": "AsianAmericanPerc",
    "other_or_multiple": "OtherMultiplePerc",
    "low_income": "Poverty",
}


# By hand: what the files say


@dataclass(frozen=True)
class Facility:
    """One row of the facilities' file: a facility and a standard."""

    program: str
    registry: str
    title: str
    place: tuple[float, float] | None

    @property
    def californian(self) -> bool:
        """Its number names California's air districts, or region 9 with the state's code 06."""
        return self.program.startswith(("CA", "0900000006"))


def read_table(data: Path) -> dict[str, dict[str, str]]:
    """Rows of the CalEnviroScreen table by id, as text: a number would lose the leading zero."""
    with gzip.open(data / "calenviroscreen" / TABLE, "rt", encoding="utf-8", newline="") as lines:
        return {row["FIPS"]: row for row in csv.DictReader(lines)}


def read_outlines(data: Path) -> dict[str, shapely.Geometry]:
    columns = pq.read_table(data / "calenviroscreen" / TRACTS, columns=["FIPS", "geometry"]).to_pydict()
    return dict(zip(columns["FIPS"], shapely.from_wkb(columns["geometry"]), strict=True))


def read_facilities(data: Path) -> list[Facility]:
    columns = pq.read_table(data / "us_facilities" / FACILITIES).to_pydict()
    rows = zip(*(columns[name] for name in ("programid", "REGISTRY_ID", "title", "lon", "lat")), strict=True)
    return [
        Facility(program or "", registry or "", title or "", (x, y) if math.isfinite(x) and math.isfinite(y) else None)
        for program, registry, title, x, y in ((*words, _number(x), _number(y)) for *words, x, y in rows)
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


# By hand: the answers


@dataclass(frozen=True)
class ByHand:
    """The tracts of both files, and who lives within three miles of a facility."""

    table: dict[str, dict[str, str]]
    outlines: dict[str, shapely.Geometry]
    facilities: list[Facility]

    @classmethod
    def read(cls, data: Path) -> ByHand:
        return cls(read_table(data), read_outlines(data), read_facilities(data))

    @cached_property
    def ids(self) -> list[str]:
        return sorted(set(self.table) & set(self.outlines))

    @cached_property
    def numbers(self) -> dict[str, np.ndarray]:
        """Columns of the table by tract; NaN where it is blank."""
        return {
            column: np.array([float(self.table[one][column] or "nan") for one in self.ids])
            for column in ("TotalPop", "CES4.0Score", "CES4.0Percentile", *GROUPS.values())
        }

    def number(self, column: str) -> np.ndarray:
        return self.numbers[column]

    @cached_property
    def people(self) -> np.ndarray:
        return self.number("TotalPop")

    @cached_property
    def priority(self) -> np.ndarray:
        return self.number("CES4.0Percentile") >= 75

    @cached_property
    def county(self) -> np.ndarray:
        return np.array([self.table[one]["CaliforniaCounty"].strip() for one in self.ids])

    def universe(self, group: str) -> np.ndarray:
        """People of the tracts for which the group's percentage is published."""
        if group == "everyone":
            return self.people
        return np.where(np.isnan(self.number(GROUPS[group])), 0.0, self.people)

    def count(self, group: str) -> np.ndarray:
        if group == "everyone":
            return self.people
        return np.nan_to_num(self.number(GROUPS[group])) / 100 * self.universe(group)

    @cached_property
    def degrees(self) -> list[shapely.Geometry]:
        return [self.outlines[one] for one in self.ids]

    @cached_property
    def middle(self) -> Middle:
        return middle_of(self.degrees)

    @cached_property
    def shapes(self) -> list[shapely.Geometry]:
        return equal_area(self.degrees, self.middle)

    @cached_property
    def areas(self) -> np.ndarray:
        return shapely.area(self.shapes)

    @cached_property
    def rows(self) -> list[int]:
        """Rows of the facilities' file (from 0) that lie in one of the tracts."""
        located = [i for i, one in enumerate(self.facilities) if one.place]
        points = shapely.points([self.facilities[i].place for i in located])
        west, south, east, north = shapely.total_bounds(self.degrees)
        x, y = shapely.get_coordinates(points).T
        near = np.flatnonzero((west <= x) & (x <= east) & (south <= y) & (y <= north))
        inside = np.zeros(len(located), dtype=bool)
        for shape in self.degrees:
            left, bottom, right, top = shape.bounds
            boxed = near[(left <= x[near]) & (x[near] <= right) & (bottom <= y[near]) & (y[near] <= top)]
            inside[boxed] |= shapely.intersects(shape, points[boxed])
        return [located[i] for i in np.flatnonzero(inside)]

    @cached_property
    def places(self) -> list[tuple[float, float]]:
        return sorted({self.facilities[i].place for i in self.rows})

    @cached_property
    def place_of(self) -> list[int]:
        """Position among the places of each row inside."""
        return [self.places.index(self.facilities[i].place) for i in self.rows]

    def discs(self, sides: int) -> list[shapely.Polygon]:
        return discs_around(self.places, DISTANCE, middle=self.middle, sides=sides)

    @cached_property
    def drawn(self) -> list[shapely.Polygon]:
        return self.discs(SIDES)

    @cached_property
    def fine(self) -> list[shapely.Polygon]:
        return self.discs(FINE)

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        return pairs(self.shapes, self.drawn)

    @cached_property
    def shares(self) -> np.ndarray:
        """Tracts × places: share of the tract's area within three miles."""
        shares = np.zeros((len(self.ids), len(self.places)))
        for i, j in self.pairs:
            shares[i, j] = shapely.intersection(self.shapes[i], self.fine[j]).area / self.areas[i]
        return shares

    def taken(self, discs: list[shapely.Polygon]) -> np.ndarray:
        """Share of each tract's area in any of some discs: 1 less what no disc takes away."""
        left = {i: self.shapes[i] for i, _ in self.pairs}
        for i, j in self.pairs:
            left[i] = shapely.difference(left[i], discs[j])
        taken = np.zeros(len(self.ids))
        for i, rest in left.items():
            taken[i] = 1 - rest.area / self.areas[i]
        return taken

    @cached_property
    def once(self) -> np.ndarray:
        """Share of each tract's area within three miles of any place: as drawn, between the widest and all added up."""
        return np.clip(self.taken(self.drawn), self.by_row.max(axis=1), np.minimum(self.by_row.sum(axis=1), 1.0))

    @cached_property
    def summed(self) -> float:
        """People in reach added up row by row: a place with two rows counts twice."""
        rows = Counter(self.place_of)
        times = np.array([rows[j] for j in range(len(self.places))])
        return math.fsum((self.shares * times).sum(axis=1) * self.people)

    @cached_property
    def by_row(self) -> np.ndarray:
        """Tracts × rows inside: share of the tract's area within three miles."""
        return self.shares[:, self.place_of]

    def in_county(self, county: str, group: str = "everyone") -> tuple[float, float]:
        """People of a group in a county, and those within three miles."""
        mine = self.county == county
        return math.fsum(self.count(group)[mine]), math.fsum((self.once * self.count(group))[mine])

    def ranks(self, column: str) -> np.ndarray:
        """Fractional rank from the most to the least burdened tract, by people."""
        return fractional_ranks(self.people, self.number(column), sign=-1)


@pytest.fixture(scope="module")
def data(shared_data):
    return shared_data


@pytest.fixture(scope="module")
def state(data):
    return ByHand.read(data)


@pytest.fixture(scope="module")
def project(data, tmp_path_factory):
    """The project file beside the published files of two folders, as the page asks."""
    files = [data / "calenviroscreen" / TRACTS, data / "calenviroscreen" / TABLE, data / "us_facilities" / FACILITIES]
    return side_by_side(tmp_path_factory.mktemp("california") / "run", DOCS / PROJECT, *files)


@pytest.fixture(scope="module")
def result(project):
    """What the lines of the page make, run as they stand there."""
    example = doctest.DocTestParser().get_doctest(page_text().partition("```pycon")[2], {}, "page", None, 0)
    failures: list[str] = []
    with contextlib.chdir(project.parent):
        doctest.DocTestRunner(verbose=False).run(example, out=failures.append, clear_globs=False)
    assert "".join(failures) == ""
    return example.globs["result"]


@pytest.fixture(scope="module")
def published(result, project, tmp_path_factory):
    """The folder that a run publishes."""
    place = tmp_path_factory.mktemp("published") / "results"
    return es.publish(result, place, project=es.read_project(project).project)


class TestByHand:
    """The second way itself, against the ellipsoid."""

    def test_edges_of_the_reach_are_three_miles_away(self, state):
        """Where the edge of a disc crosses a tract's, 4,468 times: within 0.1 % of the geodesic distance."""
        back, worst, crossings = into(WGS84, projection("laea", state.middle)), 0.0, 0
        for i, j in state.pairs:
            crossing = shapely.intersection(state.shapes[i].boundary, state.drawn[j].exterior)
            if crossing.is_empty:
                continue
            lon, lat = back.transform(*shapely.get_coordinates(crossing).T)
            here = (np.full(len(lon), one) for one in state.places[j])
            off = np.abs(ELLIPSOID.inv(*here, lon, lat)[2] / DISTANCE - 1)
            worst, crossings = max(worst, off.max()), crossings + len(lon)
        assert crossings > 4000
        assert worst < 1e-4

    def test_areas_are_those_of_the_ellipsoid(self, state):
        true = np.array([area_on_the_ellipsoid(shape) for shape in state.degrees])
        assert np.abs(state.areas / true - 1).max() < 1e-6

    def test_people_in_reach_are_the_same_without_any_projection(self, state):
        """Geodesic radii and geodesic areas, in degrees."""
        azimuths, radii = np.linspace(0, 360, SIDES, endpoint=False), np.full(SIDES, DISTANCE * outside(SIDES))
        discs = []
        for lon, lat in state.places:
            start = np.full(SIDES, lon), np.full(SIDES, lat)
            discs.append(shapely.Polygon(np.column_stack(ELLIPSOID.fwd(*start, azimuths, radii)[:2])))
        left = {i: brought(state.degrees[i], into(WGS84), longest=KILOMETRE) for i, _ in state.pairs}
        for i, j in state.pairs:
            left[i] = shapely.difference(left[i], discs[j])
        whole = {i: area_on_the_ellipsoid(state.degrees[i]) for i in left}
        people = math.fsum(state.people[i] * (1 - area_on_the_ellipsoid(rest) / whole[i]) for i, rest in left.items())
        assert people == pytest.approx(math.fsum(state.once * state.people), rel=1e-5)

    def test_discs_taken_away_one_by_one_leave_what_their_union_leaves(self, state):
        union, taken = shapely.union_all(state.drawn), state.taken(state.drawn)
        near = sorted({i for i, _ in state.pairs})[::20]
        by_union = [shapely.intersection(state.shapes[i], union).area / state.areas[i] for i in near]
        assert taken[near] == pytest.approx(by_union, abs=1e-12)

    def test_256_sides_are_enough(self, state):
        """Measured with 4,096: a tract is off by up to 3.5e-5 of its area, the state by 4e-7 of its people."""
        fine = state.taken(state.fine)
        assert np.abs(state.once - fine).max() < 4e-5
        assert math.fsum(state.once * state.people) == pytest.approx(math.fsum(fine * state.people), rel=1e-6)


def together(result) -> dict:
    return result.together.set_index(["scope", "ledger", "group"]).to_dict("index")


class TestFigures:
    """Everything the page quotes, and the same for each county and each facility."""

    @pytest.mark.parametrize("group", ["everyone", *GROUPS])
    def test_people_near_a_facility_counted_once(self, state, result, group):
        row = together(result)["active actions", "burden", group]
        people, near = state.count(group), state.once
        assert equal(row["people"], math.fsum(people))
        assert equal(row["people_reached"], math.fsum(near * people), rel=TOGETHER)
        assert equal(row["reached_share"], math.fsum(near * people) / math.fsum(people), rel=TOGETHER)
        assert equal(row["people_summed"], math.fsum((state.by_row * people[:, None]).ravel()), rel=TOGETHER)
        assert equal(
            row["priority_place_share"],
            math.fsum((near * people)[state.priority]) / math.fsum(near * people),
            rel=TOGETHER,
        )
        if group != "everyone":
            found = [row["people_reached_low"], row["people_reached_high"]]
            assert equal(found, bounds(people, state.universe(group), near), rel=TOGETHER)

    def test_each_tract(self, state, result):
        hoods = result.neighbourhoods
        assert hoods.index.tolist() == state.ids
        wanted = np.where(state.people > 0, state.once, np.nan)
        assert equal(hoods["burden_reached_share"], wanted, near_zero=2e-5)
        assert hoods["priority"].tolist() == state.priority.tolist()
        assert equal(hoods["population"], state.people)

    def test_each_facility(self, state, result):
        table = result.by_effect.droplevel(["ledger", "effect"])
        assert table.index.tolist() == ids_of(state)
        reached = state.by_row * state.people[:, None]
        total = reached.sum(axis=0)
        assert equal(table["people_reached"], total, rel=ALONE)
        assert equal(table["priority_place_share"], reached[state.priority].sum(axis=0) / total, near_zero=1e-6)
        inside = (state.by_row * state.areas[:, None]).sum(axis=0) / [state.fine[j].area for j in state.place_of]
        assert equal(table["outside_share"], 1 - inside, near_zero=ALONE)

    @pytest.mark.parametrize(("ranking", "column"), [("score", "CES4.0Score"), ("income", "Poverty")])
    def test_each_facility_by_a_ranking(self, state, result, ranking, column):
        table = result.by_effect.droplevel(["ledger", "effect"]).loc[ids_of(state)]
        wanted = [concentration(share, state.people, state.ranks(column)) for share in state.by_row.T]
        assert equal(table[f"ci_{ranking}"], wanted, rel=0.0, near_zero=ALONE)

    @pytest.mark.parametrize(("ranking", "column"), [("score", "CES4.0Score"), ("income", "Poverty")])
    def test_being_in_reach_by_a_ranking(self, state, result, project, ranking, column):
        hoods = result.neighbourhoods
        near = hoods["burden_reached_share"].fillna(0).to_numpy()
        declared = es.read_project(project).project.rankings[ranking]
        found = es.concentration_index(near, hoods["population"].to_numpy(), rank=es.rank_of(hoods, declared))
        assert equal(found, concentration(state.once, state.people, state.ranks(column)), rel=TOGETHER)

    @pytest.mark.parametrize("group", ["everyone", *GROUPS])
    def test_counties_each_and_added_up(self, state, result, group):
        table = result.by_boundary.query("boundary == 'county' and scope == 'active actions' and ledger == 'burden'")
        table = table[table["group"] == group].set_index("area")
        counties = sorted(set(state.county))
        assert table.index.tolist() == counties
        wanted = np.array([state.in_county(county, group) for county in counties])
        assert equal(table[["people", "people_reached"]], wanted, near_zero=0.1, rel=TOGETHER)
        whole = together(result)["active actions", "burden", group]
        assert equal(table["people"].sum(), whole["people"])
        assert equal(table["people_reached"].sum(), whole["people_reached"])

    def test_counts_of_facilities(self, state, result):
        (row,) = result.footprints.query("breakdown == 'all'").to_dict("records")
        assert (row["actions"], row["distinct_places"]) == (len(state.rows), len(state.places)) == (138, 113)

    def test_the_fates_of_all_rows_add_up(self, state, result):
        ledger = result.ledger.set_index("account")[["total", "used", "repaired", "flagged", "refused"]]
        assert {name: ledger.loc[f"{name}: rows"].tolist() for name in fates(state)} == fates(state)
        people = ledger.loc[f"{TABLE}: people"]
        assert people["total"] == sum(float(row["TotalPop"]) for row in state.table.values())
        assert people["total"] - math.fsum(state.people) == float(state.table[UNMATCHED]["TotalPop"])

    def test_the_table_of_people_counted_once_is_published_in_full(self, state, published):
        with (published / "together.csv").open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["ledger"] == "burden"]
        assert len(rows) == 2 * (1 + len(GROUPS))
        for row in rows:
            assert equal(float(row["people_reached"]), math.fsum(state.once * state.count(row["group"])), rel=TOGETHER)

    @pytest.mark.browser
    @pytest.mark.parametrize("name", ["map.html", "report.html"])
    def test_a_page_of_eight_thousand_tracts_opens_offline(self, published, page, name):
        assert (published / name).stat().st_size < 8_000_000
        assert visit(page, published / name) == []
        assert "California" in page.inner_text("h1")


def ids_of(state: ByHand) -> list[str]:
    """Ids of the rows inside: their numbers in the whole file, from 1, all as long as the last one's."""
    return [f"facility-{i + 1:0{len(str(state.rows[-1] + 1))}d}" for i in state.rows]


def fates(state: ByHand) -> dict[str, list[int]]:
    """Rows of each file: in all, used, repaired, flagged, refused; a gap in a group is flagged."""
    gaps = sum(bool(one) for one in (np.isnan(state.number("Poverty")) & (state.people > 0)))
    known = len(state.ids) - gaps
    rows = {TRACTS: (len(state.outlines), known), TABLE: (len(state.table), known)}
    rows[FACILITIES] = (len(state.facilities), len(state.rows))
    return {name: [total, used, 0, total - used, 0] for name, (total, used) in rows.items()}


def refusals(project: Path) -> list[es.Finding]:
    with pytest.raises(es.InputError, match="in the input") as caught:
        es.screen_project(project)
    return list(caught.value.findings)


class TestTraps:
    """Each trap of these files, and what the numbers would be for one who steps into it."""

    def test_a_lost_leading_zero_is_put_back(self, state, project, result, tmp_path):
        """The table's other id is a number with a decimal point; read so, no tract would be found."""
        other = changed(project, tmp_path / "number", ('table_id = "FIPS"', 'table_id = "CensusTract"'))
        found = gather(es.read_project(other)).neighbourhoods
        assert found.index.tolist() == state.ids
        assert found["population"].tolist() == result.neighbourhoods["population"].tolist()
        short = {row["CensusTract"].removesuffix(".0") for row in state.table.values()}
        assert not short & set(state.outlines)

    def test_tracts_on_one_side_only_are_named_and_stop_the_run(self, state, project, tmp_path):
        found = refusals(changed(project, tmp_path / "unmatched", ('unmatched = "exclude"\n', "")))
        alone = {UNMATCHED} | (set(state.outlines) - set(state.table))
        assert {one.id for one in found} == alone
        assert {one.code for one in found} == {"ES-JOIN-UNMATCHED"}
        assert len(alone) == 10

    def test_tracts_left_out_keep_their_fate_and_their_people(self, state, result):
        status = result.status[result.status["codes"].str.contains("ES-JOIN-EXCLUDED")]
        assert set(status["id"]) == {UNMATCHED} | (set(state.outlines) - set(state.table))
        assert set(status["status"]) == {"flagged"}
        row = status.set_index("input").loc[TABLE]
        assert row["people"] == float(state.table[UNMATCHED]["TotalPop"]) == 5067

    def test_a_tract_without_people_has_no_share_of_a_group(self, state, result):
        empty = result.neighbourhoods[state.people == 0]
        assert len(empty) == 23
        assert empty["burden_reached_share"].isna().all()
        assert (state.once[state.people == 0] > 0).any()

    def test_a_percentage_that_is_not_published_is_not_0(self, state, result):
        """Taken for 0 %, the share of people with low incomes would be lower everywhere."""
        missing = np.isnan(state.number("Poverty"))
        assert missing.sum() == 75
        assert equal(state.people[missing].sum(), 125_069)
        column = result.neighbourhoods["universe_low_income"]
        assert equal(column.fillna(0), state.universe("low_income"))
        shares = result.by_group.groupby("group")["share_of_people"].first()
        wanted = math.fsum(state.count("low_income")) / math.fsum(state.universe("low_income"))
        assert equal(shares["low_income"], wanted)
        assert wanted > 1.003 * math.fsum(state.count("low_income")) / math.fsum(state.people)

    def test_a_blank_behind_a_name_makes_no_second_county(self, state, project, tmp_path):
        """Alameda is always followed by one: a single row without it would be a county of its own."""
        path = changed(project, tmp_path / "blank")
        packed = path.parent / TABLE
        text = gzip.decompress(packed.read_bytes()).decode("utf-8")
        assert text.count("Alameda ,") == 360
        packed.unlink()  # a link to the published file
        packed.write_bytes(gzip.compress(text.replace("Alameda ,", "Alameda,", 1).encode("utf-8"), mtime=0))
        found = es.screen_project(path).by_boundary["area"].unique().tolist()
        assert found == sorted(set(state.county))
        assert len(found) == 58
        assert len({row["CaliforniaCounty"] for row in state.table.values()} - set(state.county)) > 40

    def test_a_facility_is_a_place_and_its_people_count_once(self, state, result):
        row = together(result)["active actions", "burden", "everyone"]
        assert equal(row["people_summed"], state.summed, rel=TOGETHER)
        assert row["people_summed"] > 1.5 * row["people_reached"]
        by_place = math.fsum((state.shares * state.people[:, None]).ravel())
        assert row["people_summed"] > 1.05 * by_place > 1.4 * row["people_reached"]

    def test_rows_elsewhere_or_without_a_place_are_set_aside_with_their_fate(self, state, result):
        status = result.status[result.status["input"] == FACILITIES]
        aside = status[(status["codes"] == "ES-ACTION-ASIDE") & (status["row"] != "")]
        numbers = {int(row.removeprefix("feature ")) for row in aside["row"]}
        assert numbers == set(range(1, len(state.facilities) + 1)) - {i + 1 for i in state.rows}
        unplaced = aside["reasons"].str.contains("no place is given")
        assert unplaced.sum() == sum(one.place is None for one in state.facilities)
        assert aside["reasons"][~unplaced].str.contains("outside every neighbourhood").all()
        assert result.actions.index.tolist() == ids_of(state)

    def test_no_facility_beyond_the_border_is_near(self, state):
        """Seven at sea have Californian numbers; none of them, nor any in the next states, is within three miles."""
        located = [i for i, one in enumerate(state.facilities) if one.place and i not in set(state.rows)]
        points = shapely.points([state.facilities[i].place for i in located])
        tree = shapely.STRtree([brought(shape, into(WGS84), longest=KILOMETRE) for shape in state.degrees])
        assert len(tree.query(points, predicate="dwithin", distance=0.06)[0]) == 0  # degrees: 5.5 km at least
        assert sum(state.facilities[i].californian for i in located) == 7

    @pytest.mark.parametrize(("name", "off"), [("EPSG:32611", 0.004), ("EPSG:3310", 0.0015), ("EPSG:3857", 0.2)])
    def test_no_single_projection_measures_well(self, state, name, off):
        """UTM zone 11, California Albers and Web Mercator: circles drawn there are not three miles."""
        found = radii_drawn_in(state, name)
        assert np.abs(found / DISTANCE - 1).max() > off

    def test_reach_drawn_is_three_miles_in_every_direction(self, state, result):
        outlines = result.reach.set_index("action").geometry
        for id_, j in zip(ids_of(state), state.place_of, strict=True):
            lon, lat = shapely.get_coordinates(outlines[id_]).T
            here = (np.full(len(lon), one) for one in state.places[j])
            assert ELLIPSOID.inv(*here, lon, lat)[2] == pytest.approx(np.full(len(lon), DISTANCE), rel=1e-4)


def radii_drawn_in(state: ByHand, name: str) -> np.ndarray:
    """Geodesic distances to the corners of circles that are drawn in one projection for the whole state [m]."""
    there, back, radii = into(name), into(WGS84, name), []
    for lon, lat in state.places:
        x, y = there.transform(lon, lat)
        angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        corners = back.transform(x + DISTANCE * np.cos(angle), y + DISTANCE * np.sin(angle))
        radii.append(ELLIPSOID.inv(np.full(64, lon), np.full(64, lat), *corners)[2])
    return np.concatenate(radii)


# The page


LABELS = {
    "everyone": "Everyone",
    "hispanic": "Hispanic people",
    "african_american": "African American people",
    "native_american": "Native American people",
    "asian_american": "Asian American people",
    "other_or_multiple": "People of other or multiple races",
    "low_income": "People with incomes below twice the federal poverty level",
}
UNKNOWN = "–"


def page_text() -> str:
    return (DOCS / "README.md").read_text(encoding="utf-8")


def whole(number: float) -> str:
    return f"{round(number):,}"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def table_rows(state: ByHand) -> list[str]:
    rows = [f"| `{name}` | {' | '.join(f'{count:,}' for count in counts)} |" for name, counts in fates(state).items()]
    for group, label in LABELS.items():
        people = state.count(group)
        reached = math.fsum(state.once * people)
        low, high = (
            (UNKNOWN, UNKNOWN)
            if group == "everyone"
            else (percent(bound / math.fsum(people)) for bound in bounds(people, state.universe(group), state.once))
        )
        share = percent(reached / math.fsum(people))
        rows.append(f"| {label} | {whole(math.fsum(people))} | {whole(reached)} | {share} | {low} | {high} |")
    return rows


def counties(state: ByHand) -> dict[str, tuple[float, float]]:
    """People and those in reach by county, most in reach first."""
    found = {county: state.in_county(county) for county in sorted(set(state.county))}
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def what_came_in(state: ByHand) -> list[str]:
    low, score = np.isnan(state.number("Poverty")), np.isnan(state.number("CES4.0Score"))
    people, empty = state.people, state.people == 0
    unplaced = [one for one in state.facilities if one.place is None]
    blanks = sum(self["CaliforniaCounty"] != self["CaliforniaCounty"].strip() for self in state.table.values())
    elsewhere = len(state.facilities) - len(unplaced) - len(state.rows)
    off = {name: np.abs(radii_drawn_in(state, name) / DISTANCE - 1).max() for name in ("EPSG:32611", "EPSG:3310")}
    zone = into("EPSG:32611")
    areas = [brought(shape, zone, longest=KILOMETRE).area for shape in state.degrees]
    in_zone = np.abs(areas / state.areas - 1).max()
    return [
        (
            f"Of the {len(state.table):,} rows of the table one has no outline, {UNMATCHED} in Los Angeles County, "
            f"with {int(state.table[UNMATCHED]['TotalPop']):,} people; "
            f"of the {len(state.outlines):,} outlines nine have no row."
        ),
        f"{len(state.ids):,} tracts with {whole(math.fsum(people))} people are in the figures.",
        (
            f"{empty.sum()} tracts have no people and no percentage. "
            f"In {low.sum()} the share of people with low incomes is "
            f"not published, {(low & ~empty).sum()} of which have people, "
            f"{whole(people[low].sum())} in all; {score.sum()} have "
            f"no score, with {whole(people[score].sum())} people"
        ),
        (
            f"County names are followed by a blank in {blanks:,} of the {len(state.table):,} rows; without it they are "
            f"{len(set(state.county))}."
        ),
        (
            f"Of {len(state.facilities):,} rows {len(unplaced):,} have no coordinates, and no column says the state; "
            f"{elsewhere:,} lie elsewhere. {len(state.rows)} rows at {len(state.places)} places lie in the tracts."
        ),
        (
            f"drawn in UTM zone 11 is up to {100 * off['EPSG:32611']:.2f} % off, "
            f"and an area up to {100 * in_zone:.2f} %; in "
            f"California Albers, which keeps areas, circles are up to {100 * off['EPSG:3310']:.2f} % off."
        ),
    ]


def what_was_found(state: ByHand) -> list[str]:
    reached, people = state.once * state.people, state.people
    top, ranked = state.priority, list(counties(state).items())
    first = [f"{name} ({whole(near)}, {percent(near / all_)} of its people)" for name, (all_, near) in ranked[:3]]
    three = math.fsum(near for _, (_, near) in ranked[:3]) / math.fsum(reached)
    indices = [
        f"{concentration(state.once, people, state.ranks(column)):.3f}".replace("-", "−")
        for column in ("CES4.0Score", "Poverty")
    ]
    return [
        f"{whole(state.summed)} people, {state.summed / math.fsum(reached):.1f} times those who are",
        (
            f"The {top.sum():,} tracts of the top quarter "
            f"hold {percent(math.fsum(people[top]) / math.fsum(people))} of the people, "
            f"and {percent(math.fsum(reached[top]) / math.fsum(reached))} of those within three miles"
        ),
        (
            f"{percent(math.fsum(reached[top]) / math.fsum(people[top]))} of the people of these tracts are, elsewhere "
            f"{percent(math.fsum(reached[~top]) / math.fsum(people[~top]))}."
        ),
        f"is {indices[0]} by score and {indices[1]} by the share of people with low incomes",
        (
            f"{first[0]}, {first[1]} and {first[2]} hold {percent(three)} of them; in "
            f"{sum(near < 0.5 for _, near in counties(state).values())} counties nobody is."
        ),
    ]


def what_was_not_seen(state: ByHand) -> list[str]:
    named = [one for one in state.facilities if one.californian]
    unplaced = sum(one.place is None for one in named)
    share = percent(unplaced / len(named))
    partly = (state.once > 1e-9) & (state.once < 1 - 1e-9)
    sea = sum(one.place is not None for one in named) - sum(state.facilities[i].californian for i in state.rows)
    return [
        f"Of the {len(named)} rows whose number names California, {unplaced} have no coordinates: {share}.",
        f"{sea} lie at sea",
        f"{whole(state.people[partly].sum())} people live in tracts that are reached in part",
    ]


@pytest.fixture(scope="module")
def figures(state):
    return [*table_rows(state), *what_came_in(state), *what_was_found(state), *what_was_not_seen(state)]


class TestPage:
    """The page says what was found by hand, and nothing else in figures."""

    # The index, the years of the tracts, the id as a number, the tolerance tested above, the rule and a gap.
    ASKED = ("4.0", "2010", "6001400100.0", "100", "0.01", "75", "0")

    def test_each_table_row_and_sentence_has_the_numbers_found_by_hand(self, figures):
        text = " ".join(page_text().split())
        assert [figure for figure in figures if figure not in text] == []

    def test_there_is_no_other_number(self, figures):
        assert numbers_in(page_text()) - {*self.ASKED, *numbers_in(" ".join(figures))} == set()

    def test_whose_share_is_above_everyones_whatever_the_truth_within_tracts(self, state):
        everyone = math.fsum(state.once * state.people) / math.fsum(state.people)
        above = [
            group
            for group in GROUPS
            if bounds(state.count(group), state.universe(group), state.once)[0]
            > everyone * math.fsum(state.count(group))
        ]
        assert above == ["hispanic"]

    def test_all_rows_inside_have_a_californian_number(self, state):
        assert all(state.facilities[i].californian for i in state.rows)

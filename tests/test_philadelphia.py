"""Philadelphia's tree canopy and paving from their published files, every figure found again by hand.

The upper half of this file is a second way to the same numbers: shapely and numpy, tract by tract and cell by
cell, without a line of the package. Only the lower half runs the package, and compares.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import exactextract
import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely

import equity_screen as es
from tests.browser import visit
from tests.independent import (
    KM2,
    Middle,
    Raster,
    area_on_the_ellipsoid,
    brought,
    equal,
    equal_area,
    into,
    middle_of,
    numbers_in,
    side_by_side,
)

pytestmark = pytest.mark.shared

DOCS = Path(__file__).resolve().parents[1] / "docs" / "philadelphia"
PROJECT = "philadelphia.toml"
TRACTS = "tracts_svi2020.parquet"
RASTERS = {
    "tree_canopy": "NLCD_TreeCoverCanopy_PhiladelphiaRegion_2021.tif",
    "impervious": "ImperviousSurface_Philadelphia_2023.tif",
}
NODATA = {"tree_canopy": (254, 255), "impervious": ()}
THRESHOLD = 0.75
WHO = {"everyone": None, "priority": True, "elsewhere": False}


# By hand: the answers


@dataclass(frozen=True)
class ByHand:
    """The tracts in the order of their ids, and the two rasters."""

    ids: list[str]
    themes: np.ndarray
    degrees: list[shapely.Geometry]
    rasters: dict[str, Raster]

    @classmethod
    def read(cls, data: Path) -> ByHand:
        rows = sorted(pq.read_table(data / TRACTS).to_pylist(), key=lambda row: row["GEOID"])
        return cls(
            [row["GEOID"] for row in rows],
            np.array([row["RPL_THEMES"] for row in rows]),
            [shapely.from_wkb(row["geometry"]) for row in rows],
            {name: Raster.read(data / file, nodata=NODATA[name]) for name, file in RASTERS.items()},
        )

    @cached_property
    def middle(self) -> Middle:
        return middle_of(self.degrees)

    @cached_property
    def areas(self) -> np.ndarray:
        """Area of each tract in the equal-area projection [m²]."""
        return shapely.area(equal_area(self.degrees, self.middle))

    @cached_property
    def priority(self) -> np.ndarray:
        return self.themes >= THRESHOLD

    @cached_property
    def shapes(self) -> dict[str, list[shapely.Geometry]]:
        """The tracts in the CRS of each raster."""
        moves = {name: into(raster.crs) for name, raster in self.rasters.items()}
        return {name: [brought(shape, move) for shape in self.degrees] for name, move in moves.items()}

    @cached_property
    def seen(self) -> dict[str, np.ndarray]:
        """Tracts × (mean of the cells [%], share of the tract with data), by exact areas of cells in tracts."""
        return {
            name: np.array([self.rasters[name].seen(shape) for shape in shapes]) for name, shapes in self.shapes.items()
        }

    def chosen(self, who: str) -> np.ndarray:
        """Tracts that are meant: everyone's, the priority tracts or the others."""
        inside = WHO[who]
        return np.ones(len(self.ids), dtype=bool) if inside is None else self.priority == inside

    def mean(self, name: str, chosen: np.ndarray) -> float:
        """Mean of the tracts by their areas [%]."""
        area = np.where(chosen, self.areas, 0.0)
        return math.fsum(self.seen[name][:, 0] * area) / math.fsum(area)

    def ranges(self, name: str) -> tuple[float, float]:
        """Lowest and highest mean of a tract [%]."""
        means = self.seen[name][:, 0]
        return float(means.min()), float(means.max())


@pytest.fixture(scope="module")
def data(shared_data):
    return shared_data / "philadelphia"


@pytest.fixture(scope="module")
def city(data):
    return ByHand.read(data)


@pytest.fixture(scope="module")
def project(data, tmp_path_factory):
    """The project file beside the published files, as the page asks."""
    files = (data / one for one in (TRACTS, *RASTERS.values()))
    return side_by_side(tmp_path_factory.mktemp("philadelphia") / "run", DOCS / PROJECT, *files)


@pytest.fixture(scope="module")
def result(project):
    return es.screen_project(project)


class TestByHand:
    """The second way itself, and a third: points within the cells."""

    @pytest.mark.parametrize("name", RASTERS)
    def test_a_grid_of_points_in_each_cell_comes_near(self, city, name):
        raster = city.rasters[name]
        few, many = (
            np.array([raster.sampled(shape, per_side=side) for shape in city.shapes[name][::10]]) for side in (2, 12)
        )
        exact = city.seen[name][::10, 0]
        assert np.abs(many - exact).max() < 0.03  # of 100 %
        assert np.abs(many - exact).max() < np.abs(few - exact).max()

    def test_cells_are_not_square(self, city):
        sides = {name: (round(raster.width, 1), round(raster.height, 1)) for name, raster in city.rasters.items()}
        assert sides == {"tree_canopy": (40.9, 45.1), "impervious": (47.4, 39.5)}

    def test_tracts_are_as_large_as_on_the_ellipsoid(self, city):
        true = [area_on_the_ellipsoid(shape) for shape in city.degrees]
        assert city.areas == pytest.approx(true, rel=1e-5)

    def test_no_tract_is_at_the_edge_of_the_rule(self, city):
        assert np.abs(city.themes - THRESHOLD).min() > 1e-4


class TestFigures:
    """Everything the page quotes, and the same for each of the 388 tracts."""

    @pytest.mark.parametrize("name", RASTERS)
    def test_each_tract(self, city, result, name):
        hoods = result.neighbourhoods.loc[city.ids]
        means = hoods[name].to_numpy()
        assert means == pytest.approx(city.seen[name][:, 0], rel=1e-9)
        assert hoods[f"coverage_{name}"].to_numpy() == pytest.approx(city.seen[name][:, 1], rel=1e-9)
        assert hoods["priority"].tolist() == city.priority.tolist()

    @pytest.mark.parametrize("who", WHO)
    @pytest.mark.parametrize("name", RASTERS)
    def test_means_by_ground(self, city, result, name, who):
        row = result.baseline.set_index(["indicator", "who"]).loc[(name, who)]
        chosen = city.chosen(who)
        assert equal(row["mean_area"], city.mean(name, chosen))
        assert equal(row["area_km2"], math.fsum(city.areas[chosen]) / KM2)
        assert equal(row["area_known_km2"], row["area_km2"])
        assert math.isnan(row["mean_people"])

    def test_the_fates_of_all_rows_add_up(self, city, result):
        ledger = result.ledger.set_index("account")[["total", "used", "repaired", "flagged", "refused"]]
        assert ledger.loc[f"{TRACTS}: rows"].tolist() == [len(city.ids), len(city.ids), 0, 0, 0]
        assert result.actions.empty

    @pytest.mark.browser
    @pytest.mark.parametrize("name", ["map.html", "report.html"])
    def test_a_page_of_a_baseline_opens_offline(self, result, project, page, name, tmp_path):
        place = es.publish(result, tmp_path / "results", project=es.read_project(project).project)
        assert visit(page, place / name) == []
        assert "Philadelphia" in page.inner_text("h1")


def with_tracts(project: Path, place: Path, outline: shapely.Geometry) -> Path:
    """A copy of the project with one tract of this outline, in the CRS of the canopy."""
    shutil.copytree(project.parent, place, symlinks=True)
    (place / TRACTS).unlink()
    frame = gpd.GeoDataFrame({"GEOID": ["42101999999"], "LOCATION": ["Here"], "RPL_THEMES": [0.9]}, geometry=[outline])
    frame.set_crs(5070).to_crs(4326).to_parquet(place / TRACTS)
    return place / PROJECT


class TestRasters:
    """Canopy and land cover by tract, against sub-cells of the same cells and against exactextract."""

    LAND_COVER = "NLCD_LandCover_PhiladelphiaRegion_2021.tif"
    DEVELOPED = (21, 22, 23, 24)
    SIDE = 20  # sub-cells a side
    SAMPLED = 0.02  # of 100 %: what the middles of the sub-cells may miss of a tract

    def sampled(self, raster, shapes):
        return np.array([raster.sampled(shape, per_side=self.SIDE) for shape in shapes])

    def test_mean_canopy_by_vulnerability(self, city, data):
        """Every fourth tract; quarters of the national ranking from least to most vulnerable."""
        chosen = slice(None, None, 4)
        zones = gpd.GeoSeries(city.degrees[chosen], index=city.ids[chosen], crs=4326)
        means = es.raster_means(data / RASTERS["tree_canopy"], zones, nodata=NODATA["tree_canopy"])["mean"].to_numpy()
        sampled = self.sampled(city.rasters["tree_canopy"], city.shapes["tree_canopy"][chosen])
        assert means == pytest.approx(sampled, abs=self.SAMPLED)
        quarter = np.clip(city.themes[chosen] * 4, 0, 3.9).astype(int)
        ours, theirs = ([values[quarter == q].mean() for q in range(4)] for values in (means, sampled))
        assert ours == pytest.approx(theirs, abs=self.SAMPLED)

    def test_share_of_built_up_land(self, city, data):
        chosen = slice(None, None, 8)
        cover = Raster.read(data / self.LAND_COVER)
        built = Raster(100.0 * np.isin(cover.values, self.DEVELOPED), *list(vars(cover).values())[1:])
        zones = gpd.GeoSeries(city.degrees[chosen], crs=4326)
        found = es.raster_sums(data / self.LAND_COVER, zones, classes=self.DEVELOPED)
        share = 100 * (found["sum"] / found["cells"]).to_numpy()
        exact = [built.seen(shape)[0] for shape in city.shapes["tree_canopy"][chosen]]
        assert share == pytest.approx(np.array(exact), rel=1e-9)
        assert share == pytest.approx(self.sampled(built, city.shapes["tree_canopy"][chosen]), abs=4 * self.SAMPLED)
        assert found["coverage"].to_numpy() == pytest.approx(1)

    def test_classes_share_the_ground(self, city, data):
        zones = gpd.GeoSeries(city.degrees, crs=4326)
        present = np.unique(Raster.read(data / self.LAND_COVER).values)
        each = [es.raster_sums(data / self.LAND_COVER, zones, classes=(one,)) for one in present]
        assert sum(one["sum"] for one in each).to_numpy() == pytest.approx(each[0]["cells"].to_numpy(), rel=1e-12)
        across = city.rasters["tree_canopy"].width * city.rasters["tree_canopy"].height
        areas = shapely.area(city.shapes["tree_canopy"])
        assert each[0]["cells"].to_numpy() * across == pytest.approx(areas, rel=1e-11)

    @pytest.mark.parametrize("name", RASTERS)
    def test_exactextract_agrees_to_its_single_precision(self, city, data, name):
        path = data / RASTERS[name]
        shapes = gpd.GeoDataFrame(geometry=city.shapes[name], crs=city.rasters[name].crs)
        asked = ["mean", "sum", "majority", "values", "coverage"]
        oracle = exactextract.exact_extract(str(path), shapes, asked, output="pandas")
        assert es.raster_means(path, shapes.geometry)["mean"].to_numpy() == pytest.approx(oracle["mean"], rel=1e-6)
        assert es.raster_sums(path, shapes.geometry)["sum"].to_numpy() == pytest.approx(oracle["sum"], rel=1e-6)
        found = es.raster_summary(path, shapes.geometry, stats=("median", "majority"))
        assert found["majority"].tolist() == oracle["majority"].tolist()
        for median, values, fractions in zip(found["median"], oracle["values"], oracle["coverage"], strict=True):
            below, upto = (fractions[which].sum() / fractions.sum() for which in (values < median, values <= median))
            assert below < 0.5 <= upto + 1e-6

    def test_values_at_points(self, city, data):
        raster = city.rasters["tree_canopy"]
        points = np.array([shape.representative_point() for shape in city.shapes["tree_canopy"]])
        row = np.floor((raster.top - shapely.get_y(points)) / raster.height).astype(int)
        column = np.floor((shapely.get_x(points) - raster.left) / raster.width).astype(int)
        places = gpd.GeoSeries(points, crs=raster.crs)
        assert es.raster_values(data / RASTERS["tree_canopy"], places).tolist() == raster.values[row, column].tolist()

    def test_the_outline_of_the_canopy_holds_its_cells(self, city, data):
        raster = city.rasters["tree_canopy"]
        outline = es.raster_where(data / RASTERS["tree_canopy"], nodata=NODATA["tree_canopy"])
        cells = np.count_nonzero(np.nan_to_num(raster.values))
        assert outline.area.sum() == pytest.approx(cells * raster.width * raster.height, rel=1e-9)


class TestTraps:
    """Each trap of these files, and what the numbers would be for one who steps into it."""

    def test_no_data_is_no_percentage(self, city, data, project, tmp_path):
        """254 would be the most trees of all. No tract has such a cell: one drawn around them does."""
        raw = Raster.read(data / RASTERS["tree_canopy"])
        row, column = np.argwhere(raw.values == 254).T
        assert len(row) == 294
        assert (raw.values <= 100).sum() + 294 == raw.values.size
        points = shapely.points(
            raw.left + (column + 0.5) * raw.width,
            raw.top - (row + 0.5) * raw.height,
        )
        here = shapely.box(*shapely.buffer(points[0], 200).bounds)
        path = with_tracts(project, tmp_path / "absent", here)
        found = es.screen_project(path).neighbourhoods.iloc[0]
        known, share = Raster.read(data / RASTERS["tree_canopy"], nodata=(254, 255)).seen(here)
        assert found["tree_canopy"] == pytest.approx(known, rel=1e-4)
        assert found["coverage_tree_canopy"] == pytest.approx(share, rel=1e-4)
        assert share < 1
        assert raw.seen(here)[0] > known + 1
        assert city.seen["tree_canopy"][:, 1] == pytest.approx(1, abs=1e-9)

    @pytest.mark.parametrize("name", RASTERS)
    def test_cells_taken_for_squares_lie_elsewhere(self, city, name):
        raster, shapes = city.rasters[name], city.shapes[name]
        square = Raster(raster.values, raster.crs, raster.left, raster.top, raster.width, raster.width)
        off = np.array([square.seen(shape)[0] for shape in shapes[::10]]) - city.seen[name][::10, 0]
        assert np.abs(off).max() > 5

    def test_a_crs_without_a_code_is_read_by_its_parameters(self, city, project):
        with rasterio.open(project.parent / RASTERS["impervious"]) as raster:
            assert raster.crs.to_epsg() is None
        assert city.rasters["impervious"].crs.coordinate_operation.method_name == "Albers Equal Area"
        assert city.seen["impervious"][:, 1] == pytest.approx(1, abs=1e-9)

    def test_tracts_count_by_their_ground(self, city, result):
        """A plain mean of the tracts would say less canopy: large tracts have more of it."""
        plain = city.seen["tree_canopy"][:, 0].mean()
        found = result.baseline.set_index(["indicator", "who"]).loc[("tree_canopy", "everyone"), "mean_area"]
        assert found > plain + 1

    def test_without_people_nothing_is_said_of_people(self, result):
        assert result.neighbourhoods["population"].isna().all()
        assert result.baseline["mean_people"].isna().all()
        assert result.sentences["summary"][0].startswith("No population was given")


# The page


def page_text() -> str:
    return (DOCS / "README.md").read_text(encoding="utf-8")


def percent(number: float) -> str:
    return f"{number:.1f} %"


def table_rows(city: ByHand) -> list[str]:
    labels = {"tree_canopy": "Tree canopy", "impervious": "Impervious surface"}
    return [
        f"| {label} | {' | '.join(percent(city.mean(name, city.chosen(who))) for who in WHO)} "
        f"| {' to '.join(percent(one) for one in city.ranges(name))} |"
        for name, label in labels.items()
    ]


def sentences(city: ByHand) -> list[str]:
    means, top = city.seen["tree_canopy"][:, 0], city.priority
    canopy = {who: city.mean("tree_canopy", city.chosen(who)) for who in WHO}
    paved = {who: city.mean("impervious", city.chosen(who)) for who in WHO}
    median = {who: float(np.median(means[city.chosen(who)])) for who in WHO}
    bare, wooded, trees = means < 5, means > 50, means * city.areas
    sides = [f"{raster.width:.1f} × {raster.height:.1f} m" for raster in city.rasters.values()]
    share = percent(100 * math.fsum(trees[wooded]) / math.fsum(trees))
    return [
        f"{len(city.ids)} census tracts, {math.fsum(city.areas) / KM2:.1f} km²",
        f"cells of the canopy are {sides[0]}, those of the impervious surface {sides[1]}",
        f"{top.sum()} of the tracts, {percent(100 * math.fsum(city.areas[top]) / math.fsum(city.areas))} of the ground",
        (
            f"{percent(canopy['priority'])} of the ground there is under trees, "
            f"elsewhere {percent(canopy['elsewhere'])}: "
            f"{canopy['elsewhere'] / canopy['priority']:.1f} times as much"
        ),
        f"{percent(paved['priority'])} is impervious there, elsewhere {percent(paved['elsewhere'])}.",
        (
            f"the middle one has {percent(median['priority'])} of canopy in the top quarter and "
            f"{percent(median['elsewhere'])} elsewhere"
        ),
        (
            f"{wooded.sum()} tracts that are more than half under trees hold {share} of all canopy; "
            f"{(wooded & top).sum()} of them are in the top quarter."
        ),
        f"{bare.sum()} tracts have less than 5 % of canopy, {(top & bare).sum()} of them in the top quarter.",
        f"A plain mean of the tracts would say {percent(means.mean())} of canopy, not {percent(canopy['everyone'])}",
    ]


class TestPage:
    """The page says what was found by hand, and nothing else in figures."""

    # Years, codes of missing cells and the rule.
    ASKED = ("2020", "2021", "2023", "254", "255", "100", "0.75", "84", "294")

    def test_each_table_row_and_sentence_has_the_numbers_found_by_hand(self, city):
        text = " ".join(page_text().split())
        assert [figure for figure in [*table_rows(city), *sentences(city)] if figure not in text] == []

    def test_there_is_no_other_number(self, city):
        known = numbers_in(" ".join([*table_rows(city), *sentences(city)]))
        assert numbers_in(page_text()) - {*self.ASKED, *known} == set()

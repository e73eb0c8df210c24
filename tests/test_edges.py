"""Edges between modules: what is refused, left undefined or kept at the last step before a number is used."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio import Affine
from scipy.sparse import csc_array, csr_array

from equity_screen import footprints
from equity_screen.actions import check_actions
from equity_screen.areas import area_shares, union_shares
from equity_screen.aside import choose_rows
from equity_screen.equity import by_effect
from equity_screen.errors import EquityScreenError, EquityScreenWarning, InputError, OutputError, UsageError
from equity_screen.inputs import Inputs, gather
from equity_screen.layers import read_neighbourhoods
from equity_screen.overlay import Reach, overlay
from equity_screen.parts import cut_by, reach_in
from equity_screen.people import people_of
from equity_screen.polygons import check_polygons
from equity_screen.project import read_project
from equity_screen.publish import publish_page
from equity_screen.recipe import Ranking
from equity_screen.report import render_report
from equity_screen.schema import Origin
from equity_screen.screen import screen
from equity_screen.sources import ActionsFile
from equity_screen.synthetic import four_actions, four_zones
from equity_screen.words import direction
from equity_screen.zonal import raster_means
from tests.plans import effect, plan_of
from tests.results import small_result

INCOME = Ranking(column="median_income", higher_is="advantaged", label="income")
BURDEN = Ranking(column="heat", higher_is="disadvantaged", label="burden")


# ---------------------------------------------------------------- rasters


def heat(folder: Path, code: float) -> Path:
    """Write two by two cells over A, B, C, D; the one over A holds a code."""
    path, place = folder / "heat.tif", Affine(1000, 0, 560_000, 0, -1000, 6_202_000)
    profile = {"driver": "GTiff", "height": 2, "width": 2, "count": 1, "dtype": "float32", "crs": "EPSG:25832"}
    with rasterio.open(path, "w", transform=place, **profile) as raster:
        raster.write(np.array([[28, 27], [code, 29]], dtype="float32"), 1)
    return path


@pytest.mark.parametrize("code", [-9999.0, -3.4028234663852886e38])
def test_cells_that_stand_for_a_missing_value_are_never_averaged(tmp_path: Path, code: float) -> None:
    with pytest.raises(InputError, match=r"heat\.tif: cells of -.* stand for a missing value"):
        raster_means(heat(tmp_path, code), four_zones().geometry)


@pytest.mark.parametrize("code", [-9999.0, -9999.9])
def test_a_declared_code_is_found_as_the_band_holds_it(tmp_path: Path, code: float) -> None:
    found = raster_means(heat(tmp_path, code), four_zones().geometry, nodata=(code,))
    assert np.isnan(found.loc["A", "mean"])
    assert found.loc[["B", "C", "D"], "mean"].tolist() == pytest.approx([29, 28, 27])


# ---------------------------------------------------------------- words, rounding, slivers


@pytest.mark.parametrize(
    ("index", "ranking", "said"),
    [
        (0.0, INCOME, "no gradient by income"),
        (0.009, INCOME, "hardly any gradient by income"),
        (-0.011, INCOME, "goes more to neighbourhoods less advantaged by income"),
        (-0.011, BURDEN, "goes more to neighbourhoods with more burden"),
        (0.011, BURDEN, "goes more to neighbourhoods with less burden"),
    ],
)
def test_a_direction_is_named_from_a_hundredth_on(index: float, ranking: Ranking, said: str) -> None:
    assert direction(index, ledger="benefit", ranking=ranking, name="r") == said


def test_rounding_is_no_gradient() -> None:
    """Three people in ten parts each: the sums cancel to some 1e-17 only."""
    city = four_zones().assign(population=[0.1, 0.2, 0.3, 0.7])
    plan = plan_of({"X": "citywide"}, effect("X", amount=0.1))
    table = by_effect(
        overlay(city, plan), plan.effects, people=people_of(city), neighbourhoods=city, rankings={"income": INCOME}
    )
    assert table["gci_income"].tolist() == [0.0]


def test_a_hair_across_a_border_is_nothing() -> None:
    zones = gpd.GeoSeries([shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)], crs=3035)
    footprint = gpd.GeoSeries([shapely.box(0, 0, 1000 + 1e-9, 1000)], crs=3035)
    assert area_shares(zones, footprint).matrix.toarray().ravel().tolist() == [1.0, 0.0]


def test_a_footprint_of_exactly_the_city_lies_outside_by_nothing() -> None:
    city = four_zones()
    plan = plan_of({"X": shapely.union_all(city.geometry.array)})
    assert overlay(city, plan).outside.tolist() == [0.0]


# ---------------------------------------------------------------- effects


def test_a_total_is_not_shared_out_to_where_nobody_lives() -> None:
    city = four_zones().assign(population=[100.0, 200.0, 300.0, 0.0], jobs=[1.0, 1.0, 1.0, 97.0])
    plan = plan_of({"X": "citywide"}, effect("X", amount=30.0, per="total", driver="jobs"))
    found = by_effect(overlay(city, plan), plan.effects, people=people_of(city), neighbourhoods=city)
    assert found["total"].tolist() == pytest.approx([30.0])


def test_an_effect_stated_to_be_none_does_not_widen_the_reach_of_another() -> None:
    near = effect("X", ledger="burden", effect="dust", reach="footprint", amount=2.0)
    none = effect("X", ledger="burden", effect="noise", reach="within", distance_m=5000.0, amount=0.0)
    plan = plan_of({"X": shapely.box(560_000, 6_200_000, 561_000, 6_201_000)}, near, none)
    assert screen(four_zones(), plan).scores["burden_people_reached"].tolist() == pytest.approx([100.0], rel=1e-5)


def test_a_priority_that_is_no_yes_or_no_is_refused() -> None:
    city = four_zones()
    with pytest.raises(UsageError, match="priority must be a Series of True and False"):
        screen(city, four_actions(), priority=city["heat"])


# ---------------------------------------------------------------- places and files


def test_a_polygon_split_at_the_antimeridian_is_taken_as_it_is() -> None:
    halves = [shapely.box(179.9, -17.1, 180, -17.0), shapely.box(-180, -17.1, -179.9, -17.0)]
    layer = gpd.GeoSeries([shapely.MultiPolygon(halves)], crs=4326)
    assert check_polygons(layer, Origin("fiji.geojson"), ids=pd.Series(["A"]))[1] == []


def test_a_table_of_actions_without_a_place_is_refused_whole() -> None:
    with pytest.raises(InputError, match=r"plan\.csv: a table without a column for the place"):
        check_actions(
            pd.DataFrame({"id": ["A"]}), ActionsFile(file="plan.csv", id="id"), origin=Origin("plan.csv", "row")
        )


def test_active_statuses_that_stand_in_no_row_are_refused() -> None:
    table = pd.DataFrame({"id": ["A"], "where": ["citywide"], "status": ["approved"]})
    declared = ActionsFile(file="plan.csv", id="id", where="where", status="status", active=("aproved",))
    with pytest.raises(InputError, match=r"column status: none of the active statuses .* did you mean 'approved'"):
        check_actions(table, declared, origin=Origin("plan.csv", "row"))


def test_neighbourhoods_take_their_columns_from_a_table(tmp_path: Path) -> None:
    four_zones()[["geometry"]].reset_index().to_file(tmp_path / "z.gpkg")
    (tmp_path / "p.csv").write_text("code,pop\nD,4\nA,1\nB,2\nC,3\n", encoding="utf-8")
    found = read_neighbourhoods(
        tmp_path / "z.gpkg", id="neighbourhood", population="pop", table="p.csv", table_id="code"
    )
    assert found["population"].tolist() == [1, 2, 3, 4]


def test_a_page_does_not_replace_a_file_that_is_no_page(tmp_path: Path) -> None:
    project = tmp_path / "screen.toml"
    project.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="is there and is no page"):
        publish_page(screen(four_zones(), four_actions()), project, write=lambda _, path: path.write_text("x") and None)
    assert project.read_text(encoding="utf-8") == "mine"


# ---------------------------------------------------------------- a project whose effects do not fit its actions

PROJECT = """\
effects_file = "effects.csv"
[neighbourhoods]
file = "z.gpkg"
id = "neighbourhood"
population = "population"
[[actions]]
file = "plan.csv"
id = "id"
where = "where"
"""
HEAD = "action,ledger,effect,unit,amount,reach,distance_m,indicator\n"


def read(folder: Path, effects: str, rules: str = "") -> Inputs:
    four_zones()[["population", "geometry"]].reset_index().to_file(folder / "z.gpkg")
    (folder / "plan.csv").write_text("id,where\nCITY,citywide\nLOST,unknown\n", encoding="utf-8")
    (folder / "effects.csv").write_text(HEAD + effects, encoding="utf-8")
    # A project file may begin with a byte order mark: editors write one.
    (folder / "city.toml").write_text(PROJECT + rules, encoding="utf-8-sig")
    return gather(read_project(folder / "city.toml"))


def codes(inputs: Inputs) -> set[tuple[str, str]]:
    return {(f.code, f.id) for f in inputs.findings if f.source == "effects.csv" or f.code == "ES-EFFECT-INDICATOR"}


def test_a_reach_that_the_action_cannot_have_is_flagged(tmp_path: Path) -> None:
    rows = "CITY,benefit,a,x,1,within,300,\nLOST,benefit,b,x,1,citywide,,\n"
    found = read(tmp_path, rows)
    assert codes(found) == {("ES-EFFECT-CITYWIDE", "CITY"), ("ES-EFFECT-NO-PLACE", "LOST")}
    assert found.status.loc[found.status["input"] == "effects.csv", "status"].tolist() == ["flagged", "flagged"]


def test_an_indicator_that_the_project_has_not_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, "CITY,benefit,a,x,1,citywide,,haet\n")
    assert codes(found) == {("ES-EFFECT-INDICATOR", "")}
    assert found.fatal


def test_an_effect_of_the_table_and_of_a_rule_stops_every_run(tmp_path: Path) -> None:
    rule = '[[effects]]\nactions = ["CITY"]\nledger = "benefit"\neffect = "a"\nunit = "x"\nreach = "citywide"\n'
    found = read(tmp_path, "CITY,benefit,a,x,1,citywide,,\n", rule)
    assert ("ES-EFFECT-TWICE", "CITY") in codes(found)
    assert found.fatal


# ---------------------------------------------------------------- plans from spreadsheets


def plan_rows(*rows: tuple[object, ...]):
    table = pd.DataFrame(rows, columns=["id", "cost", "tco2e", "in_2030"]).assign(where="citywide")
    declared = ActionsFile(
        file="p.csv", id="id", where="where", cost="cost", tco2e="tco2e", tco2e_in={"2030": "in_2030"}
    )
    return check_actions(table, declared, origin=Origin("p.csv", "row"))


@pytest.mark.parametrize("word", ["Total", "I alt", "summe:"])
def test_a_row_of_totals_is_not_one_more_action(word: str) -> None:
    found = plan_rows(("A", 2, 1, 0), ("B", 3, 9, 0), (word, 5, 7, 0)).findings
    assert [(f.code, f.row, f.column, f.value) for f in found] == [("ES-ACTION-TOTAL", "row 4", "cost", "5.0")]


def test_a_row_that_says_total_but_adds_nothing_up_is_an_action() -> None:
    assert plan_rows(("A", 2, 1, 0), ("Total", 5, 7, 0)).findings == ()
    assert plan_rows(("A", 2, 1, 0), ("B", 2, 1, 0)).findings == ()


def test_emissions_of_a_year_below_zero_are_for_people_to_judge() -> None:
    (found,) = plan_rows(("A", 2, 1, -4)).findings
    assert (found.code, found.column, found.value) == ("ES-TCO2E-NEGATIVE", "in_2030", "-4.0")


# ---------------------------------------------------------------- a larger file of which some rows are meant


def sites(*places: tuple[float, float]):
    table = pd.DataFrame(places, columns=["x", "y"])
    declared = ActionsFile(file="s.csv", x="x", y="y", crs="EPSG:25832", only_inside=True)
    return choose_rows(table, declared, origin=Origin("s.csv", "row"), zones=four_zones().geometry)


def test_rows_that_may_be_meant_otherwise_are_left_to_their_check() -> None:
    degrees = gpd.GeoSeries.from_xy([560_500], [6_200_500], crs=25832).to_crs(4326).iloc[0]
    inside, elsewhere = (560_500, 6_200_500), (900_000, 6_900_000)
    chosen = sites(inside, elsewhere, (degrees.x, degrees.y), (1e12, 0.0))
    assert chosen.origin.lines == (2, 4, 5)
    assert chosen.status["row"].tolist() == ["row 3"]


# ---------------------------------------------------------------- areas given by hand


def test_areas_by_hand_are_a_boundary() -> None:
    areas = gpd.GeoDataFrame(geometry=four_zones().geometry[["B", "A"]].set_axis([2, 1]))
    table = screen(four_zones(), four_actions(), boundaries={"ward": areas}).by_boundary
    assert table.loc[
        table["group"] == "everyone", ["area", "name", "people"]
    ].drop_duplicates().to_numpy().tolist() == [
        ["1", "1", 100.0],
        ["2", "2", 200.0],
        ["", "(in none of them)", 700.0],
    ]


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(UsageError, match=r"boundaries\['ward'\] is a str: give a Boundary, or a GeoDataFrame"):
        screen(four_zones(), four_actions(), boundaries={"ward": "wards.gpkg"})


def test_areas_without_a_crs_are_refused() -> None:
    bare = gpd.GeoDataFrame(geometry=four_zones().geometry.to_numpy())
    for given in ({"boundaries": {"ward": bare}}, {"priority": bare}):
        with pytest.raises(InputError, match="CRS"):
            screen(four_zones(), four_actions(), **given)


def test_a_city_without_anybody_says_so() -> None:
    city = four_zones().assign(population=0.0, people_low_income=0.0)
    (said,) = screen(city, four_actions()).sentences["summary"]
    assert said == "Nobody lives here by these data: the population is 0 in every neighbourhood."


# ---------------------------------------------------------------- unions and parts, to rounding


def test_a_union_laid_part_by_part_is_the_union() -> None:
    rng = np.random.default_rng(3)
    corners = rng.random((40, 2)) * 2000 + (560_000, 6_200_000)
    union = shapely.union_all(shapely.box(*corners.T, *(corners + rng.random((40, 2)) * 300).T))
    zones, unions = four_zones().geometry.to_crs(3035), gpd.GeoSeries([union], index=["u"], crs=25832).to_crs(3035)
    found, whole = (lay(zones, unions).matrix.toarray() for lay in (union_shares, area_shares))
    np.testing.assert_allclose(found, whole, rtol=1e-12)
    assert union_shares(zones, gpd.GeoSeries([shapely.MultiPolygon()], crs=3035)).matrix.nnz == 0


@pytest.mark.parametrize("decimals", [6, 8, 10, 11, 12])
def test_areas_rounded_in_degrees_still_add_up(decimals: int) -> None:
    city = four_zones().assign(population=[90_000.0, 20_000.0, 70_000.0, 50_000.0]).drop(columns="people_low_income")
    halves = gpd.GeoSeries([shapely.union_all(city.geometry[ids].array) for ids in (["A", "B"], ["C", "D"])], crs=25832)
    rounded = shapely.transform(halves.to_crs(4326).array.to_numpy(), lambda places: np.round(places, decimals))
    areas = gpd.GeoDataFrame(geometry=rounded, index=["s", "n"], crs=4326)
    plan = plan_of({"X": shapely.Point(561_000, 6_201_000).buffer(5)}, effect("X", unit="people"))
    found = screen(city, plan, boundaries={"bank": areas})
    reached = found.by_boundary_effect["people_reached"].sum()
    assert reached == pytest.approx(found.by_effect["people_reached"].iloc[0], rel=1e-9)


def test_what_rounding_leaves_between_parts_is_taken_off() -> None:
    city = four_zones()
    ground = overlay(city, four_actions()).ground
    half = gpd.GeoSeries([shapely.box(560_300, 6_200_000, 561_000, 6_202_000)], crs=25832)
    parts = cut_by(ground, half)
    hair = parts._replace(share=parts.share * np.where(parts.cut, 1 + 1e-8, 1.0))
    whole = csc_array(np.full((4, 1), 0.25))
    west = Reach(gpd.GeoSeries([half.to_crs(ground.zones.crs).iloc[0].buffer(10)], crs=ground.zones.crs), None)
    laid = area_shares(ground.zones, west.footprints).matrix.tocsc()
    reached = reach_in(hair, west, whole=laid, ground=ground)
    back = csr_array((hair.share, (hair.zone, np.arange(len(hair.zone)))), shape=(4, len(hair.zone))) @ reached
    np.testing.assert_allclose(back.toarray(), laid.toarray(), rtol=1e-14)
    with pytest.raises(EquityScreenError, match="parts of a neighbourhood do not add up"):
        reach_in(parts, west, whole=whole, ground=ground)


def test_actions_that_a_breakdown_loses_are_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprints, "_home", lambda shapes, places: np.full(len(shapes), 99))  # noqa: ARG005
    with pytest.raises(EquityScreenError, match="the actions by neighbourhood do not add up to all actions"):
        screen(four_zones(), four_actions())


def test_the_report_shows_no_rounding_as_a_change() -> None:
    result = small_result()
    result.before_after = result.before_after.assign(mean_after=result.before_after["mean_before"] + 4e-15)
    page = render_report(result)
    assert "e-15" not in page
    assert "0.0000000000000" not in page


def test_neighbourhoods_that_a_table_lacks_are_told_by_hand_too(tmp_path: Path) -> None:
    zones = four_zones().reset_index(names="id")[["id", "geometry"]]
    zones.to_file(tmp_path / "zones.gpkg")
    (tmp_path / "people.csv").write_text("id,pop\nA,1\nB,2\nC,3\nX,9\n", encoding="utf-8")
    with pytest.warns(
        EquityScreenWarning, match=r"people\.csv: 1 × ES-JOIN-EXCLUDED .*zones\.gpkg: 1 × ES-JOIN-EXCLUDED"
    ):
        found = read_neighbourhoods(
            tmp_path / "zones.gpkg", id="id", population="pop", table="people.csv", unmatched="exclude"
        )
    assert found["population"].to_dict() == {"A": 1, "B": 2, "C": 3}

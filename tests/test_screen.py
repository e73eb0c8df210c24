"""The whole pipeline: from tables or a project to every result table, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from shapely.geometry import Point

import equity_screen as es
from equity_screen.align import check_blocks
from equity_screen.boundaries import Boundary
from equity_screen.errors import InputError, UsageError
from equity_screen.recipe import Group, Indicator, Priority, Question, Ranking
from equity_screen.schema import Origin
from equity_screen.screen import screen, screen_project, usable
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, four_actions, four_zones
from tests.plans import effect, km, km_box, plan_of, write_project

NAN = float("nan")


# ---------------------------------------------------------------- from tables


def test_every_table_of_the_worked_plan() -> None:
    city = four_zones()
    result = screen(city, four_actions(), priority=city["population"] < 250)
    assert result.scores.loc["WEST", "benefit_people_reached"] == 400
    assert result.by_effect.loc[("EAST", "benefit", "trips"), "total"] == pytest.approx(1200)
    assert len(result.by_group) == 6
    assert result.neighbourhoods["priority"].tolist() == [True, True, False, False]
    assert result.reach["action"].tolist() == ["EAST", "EAST", "WEST"]
    assert set(result.sentences) == {"summary", "CITY", "EAST", "LOST", "WEST"}
    assert result.status.empty
    assert result.inputs == ()


def test_the_share_of_each_neighbourhood_in_reach_by_ledger() -> None:
    city = four_zones().assign(population=[100.0, 200.0, 300.0, 0.0], people_low_income=[9.0, 9.0, 9.0, 0.0])
    hoods = screen(city, four_actions()).neighbourhoods
    assert hoods["benefit_reached_share"].tolist()[:3] == [1, 1, 1]
    assert hoods["burden_reached_share"].tolist()[:3] == [0, 1, 0]
    assert hoods[["benefit_reached_share", "burden_reached_share"]].loc["D"].isna().all(), "nobody lives there"


def test_groups_are_all_people_columns_unless_they_are_named() -> None:
    city = four_zones().assign(people_renters=1.0)
    assert screen(city, four_actions()).by_group["group"].unique().tolist() == ["low_income", "renters"]
    named = Question(groups={"renters": Group(label="Renters", count="x")})
    assert screen(city, four_actions(), question=named).by_group["label"].unique().tolist() == ["Renters"]


def test_a_given_priority_holds_instead_of_the_rule() -> None:
    city = four_zones()
    asked = Question(priority=Priority(column="heat", at_least=29))
    assert screen(city, four_actions(), question=asked).neighbourhoods["priority"].tolist() == [1, 1, 0, 0]
    given = pd.Series([False, False, True, True], index=list("DCBA"))
    by_hand = screen(city, four_actions(), question=asked, priority=given)
    assert by_hand.neighbourhoods["priority"].tolist() == [True, True, False, False]


def test_what_is_given_is_not_changed() -> None:
    city, plan = four_zones().iloc[::-1], four_actions()
    before = city.copy(), plan.actions.copy(), plan.effects.copy()
    screen(city, plan, priority=city["population"] < 250)
    for table, copy in zip((city, plan.actions, plan.effects), before, strict=True):
        assert_frame_equal(pd.DataFrame(table), pd.DataFrame(copy))


def test_population_points_keep_their_neighbourhood_when_rows_are_in_another_order() -> None:
    shuffled = four_zones().iloc[[3, 1, 0, 2]]
    table = pd.DataFrame({"x": ["560100", "560900"], "y": ["6200500"] * 2, "people": ["90", "10"]})
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
    blocks = check_blocks(table, declared, origin=Origin("b.csv", "row"), zones=shuffled.geometry).table
    assert blocks["zone"].unique().tolist() == [2]
    result = screen(shuffled, plan_of({"X": km_box(0, 0, 0.5, 1)}), blocks=blocks)
    assert result.by_effect["people_reached"].tolist() == pytest.approx([90.0], abs=1e-4)


def test_unknown_populations_are_in_no_number() -> None:
    city = four_zones()
    city.loc["D", "population"] = NAN
    ranked = Question(rankings={"income": Ranking(column="median_income", higher_is="advantaged")})
    result = screen(city, plan_of({"X": "citywide"}), question=ranked)
    row = result.by_effect.iloc[0]
    assert row[["people_reached", "total", "mean", "gci_income"]].tolist() == pytest.approx([600, 600, 1, 0])
    assert result.coverage["coverage_share"].tolist() == [1.0]
    assert np.isnan(result.neighbourhoods.loc["D", "benefit_reached_share"])


def test_effects_on_an_indicator_have_a_before_and_after() -> None:
    heat = Indicator(label="Heat", unit="degC", higher_is="worse", column="heat")
    table = screen(four_zones(), four_actions(), question=Question(indicators={"heat": heat})).before_after
    assert table["action"].unique().tolist() == ["WEST", "active actions"]
    assert len(table) == 12  # everyone and one group at three aversions, of the action and of all of them
    assert screen(four_zones(), four_actions()).before_after.empty


# ---------------------------------------------------------------- refused tables


def test_a_priority_that_forgets_a_neighbourhood_is_refused() -> None:
    with pytest.raises(UsageError, match=r"priority says nothing of 4 of 4 neighbourhoods \('A' …\)"):
        screen(four_zones(), four_actions(), priority=pd.Series([True] * 4))


def test_priority_people_who_are_no_group_are_refused() -> None:
    asked = Question(priority=Priority(column="heat", at_least=29, people="low_incme"))
    with pytest.raises(UsageError, match=r"priority.people = 'low_incme' is no group; did you mean 'low_income'\?"):
        screen(four_zones(), four_actions(), question=asked)


def test_a_ranking_by_no_column_names_the_nearest() -> None:
    asked = Question(rankings={"income": Ranking(column="median_incme", higher_is="advantaged")})
    with pytest.raises(InputError, match=r"rankings.income.column, value median_incme.*did you mean 'median_income'"):
        screen(four_zones(), four_actions(), question=asked)


# ---------------------------------------------------------------- from a project


def test_a_project_is_the_same_as_its_tables(tmp_path: Path) -> None:
    result = screen_project(write_project(tmp_path))
    city = four_zones()[["population", "people_low_income", "geometry"]]
    plan = plan_of({"X": "zones:A;C", "Y": "citywide"})
    by_hand = screen(city, plan)
    numbers = ["people_reached", "total", "mean"]
    assert_frame_equal(result.by_effect[numbers], by_hand.by_effect[numbers])
    columns = ["people_reached", "parity", "ratio"]
    assert_frame_equal(result.by_group[columns], by_hand.by_group[columns])


def test_a_project_accounts_for_every_input(tmp_path: Path) -> None:
    result = screen_project(write_project(tmp_path))
    assert result.status["input"].value_counts().to_dict() == {"zones.geojson": 4, "actions.csv": 2}
    assert {file["file"] for file in result.inputs} == {"zones.geojson", "actions.csv"}
    ledger = result.ledger.set_index("account")
    assert ledger.loc["zones.geojson: people", "total"] == 1000
    assert ledger.loc["actions.csv: cost", "note"] == "missing in 1 of 2 rows, which is in no sum"


def test_an_excluded_population_goes_through_the_whole_run(tmp_path: Path) -> None:
    project = write_project(tmp_path, people=None, declared='population_missing = "exclude"')
    result = screen_project(project)
    assert result.by_effect.loc[("Y", "benefit", "shade"), "people_reached"] == 600
    assert result.ledger.set_index("account").loc["zones.geojson: people", "total"] == 600
    assert result.sentences["Y"][0].startswith('The benefit "shade" reaches 600 people (100.0 % of everyone)')


def test_refused_rows_stop_the_run_and_are_all_listed(tmp_path: Path) -> None:
    project = write_project(tmp_path, people=None, where="zones:A;Q")
    with pytest.raises(InputError, match="2 faults in the input") as caught:
        screen_project(project)
    found = {(fault.source, fault.code) for fault in caught.value.findings}
    assert found == {("zones.geojson", "ES-POP-MISSING"), ("actions.csv", "ES-WHERE-ZONE")}


def test_refused_rows_are_left_out_where_the_project_says_so(tmp_path: Path) -> None:
    project = write_project(tmp_path, people=None)
    text = project.read_text(encoding="utf-8").replace("title", 'on_bad_row = "refuse"\ntitle', 1)
    project.write_text(text, encoding="utf-8")
    result = screen_project(project)
    assert result.neighbourhoods.index.tolist() == ["A", "B", "C"]
    refused = result.status[result.status["status"] == "refused"]
    assert refused[["input", "id"]].to_numpy().tolist() == [["zones.geojson", "D"]]


def test_progress_names_each_step(tmp_path: Path) -> None:
    steps: list[str] = []
    screen_project(es.read_project(write_project(tmp_path)), progress=steps.append)
    assert steps == ["zones.geojson", "actions.csv", "burden index", "overlay and distribution"]


def test_inputs_without_a_neighbourhood_are_refused() -> None:
    empty = four_zones().iloc[:0]
    inputs = es.Inputs(empty, None, four_actions(), (), pd.DataFrame(), (), fatal=False)
    with pytest.raises(InputError, match="ES-FILE-UNUSABLE"):
        usable(inputs, on_bad_row="refuse")


def test_points_outside_the_city_are_shown_and_reach_nobody() -> None:
    plan = plan_of({"X": km(Point(50, 50))}, effect("X", reach="within", distance_m=100.0))
    result = screen(four_zones(), plan)
    assert result.by_effect.iloc[0][["people_reached", "outside_share"]].tolist() == [0, 1]
    assert isinstance(result.reach, gpd.GeoDataFrame)
    assert len(result.reach) == 1


# ---------------------------------------------------------------- what a run may lack


NOBODY = four_zones()[["name", "geometry"]].assign(population=NAN)
NORTH = pd.Series([False, False, True, True], index=list("ABCD"))


def test_without_people_every_figure_of_people_is_undefined_and_says_why() -> None:
    plan = plan_of({"P": km_box(0, 0, 1.5, 1), "Q": "citywide"}, effect("P"), effect("Q", ledger="burden"))
    result = screen(NOBODY, plan, priority=NORTH)
    people = ["people_reached", "total", "mean", "priority_place_share"]
    assert result.by_effect[people].isna().all(axis=None)
    assert set(result.by_effect["undefined"]) == {"no people were given"}
    assert result.scores[["benefit_people_reached", "burden_people_reached"]].isna().all(axis=None)
    assert result.together[["people_reached", "people_summed", "reached_share"]].isna().all(axis=None)
    assert set(result.together["undefined"]) == {"no people were given"}
    assert result.neighbourhoods[["benefit_reached_share", "burden_reached_share"]].isna().all(axis=None)
    assert (len(result.by_boundary), len(result.before_after)) == (0, 0)


def test_without_people_footprints_are_right_and_told() -> None:
    plan = plan_of({"P": km_box(0, 0, 1.5, 1), "Q": km_box(0, 0, 1.5, 1)})
    result = screen(NOBODY, plan, priority=pd.Series([True, False, False, False], index=list("ABCD")))
    row = result.footprints.iloc[0]
    assert row[["actions", "distinct_places", "in_priority", "mostly_in_priority"]].tolist() == [2, 1, 2, 2]
    assert row[["area_summed_km2", "area_dissolved_km2"]].tolist() == pytest.approx([3, 1.5], rel=1e-3)
    assert row["priority_share_dissolved"] == pytest.approx(2 / 3, rel=1e-4)
    summary = " ".join(result.sentences["summary"])
    assert "No population was given" in summary
    assert "2 actions stand at 1 distinct place" in summary
    assert "people" not in " ".join(result.sentences["P"])


def test_without_people_map_and_report_are_written(tmp_path: Path) -> None:
    plan = plan_of({"P": km_box(0, 0, 1.5, 1)}, effect("P", ledger="burden"))
    folder = es.publish(screen(NOBODY, plan, priority=NORTH), tmp_path / "out")
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "No population was given" in report
    assert not re.search(r"\bnan\b", report, re.IGNORECASE)
    assert (folder / "map.html").stat().st_size > 0
    assert pd.read_csv(folder / "scores.csv")["burden_people_reached"].isna().all()


def test_without_any_action_there_is_a_baseline() -> None:
    heat = {"heat": Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")}
    plan = plan_of({})
    result = screen(four_zones(), plan._replace(effects=plan.effects.iloc[:0]), question=Question(indicators=heat))
    assert (len(result.scores), len(result.by_effect), len(result.by_group)) == (0, 0, 0)
    assert result.baseline["who"].tolist() == ["everyone", "low_income"]
    assert result.baseline["mean_people"].iloc[0] == 28
    assert set(result.together["undefined"]) == {"no benefit was assessed", "no burden was assessed"}
    assert result.sentences == {"summary": ("Heat: 28.0 °C on average over the people.",)}


def test_without_any_action_all_is_published(tmp_path: Path) -> None:
    plan = plan_of({})
    result = screen(four_zones(), plan._replace(effects=plan.effects.iloc[:0]))
    folder = es.publish(result, tmp_path / "out")
    assert pd.read_csv(folder / "scores.csv").empty
    assert (folder / "report.html").stat().st_size > 0


def test_one_neighbourhood_is_a_city() -> None:
    result = screen(four_zones().loc[["A"]], plan_of({"P": km_box(0, 0, 0.5, 1)}))
    assert result.by_effect["people_reached"].tolist() == pytest.approx([50], rel=1e-4)
    assert result.footprints.iloc[0]["actions"] == 1


# ---------------------------------------------------------------- by place and by year


def wards() -> dict[str, Boundary]:
    shapes = [km_box(0, 0, 2, 0.5), km_box(0, 0.5, 2, 2)]
    areas = gpd.GeoDataFrame({"name": ["Quay", "Hill"]}, index=["1", "2"], geometry=shapes, crs=CRS)
    return {"ward": Boundary("Wards", areas)}


def test_results_by_ward_add_up_and_are_published(tmp_path: Path) -> None:
    plan = plan_of({"P": km_box(0, 0, 1, 1)})
    plan.actions["start"] = 2031.0
    result = screen(four_zones(), plan, boundaries=wards())
    once = result.by_boundary[(result.by_boundary["scope"] == "all actions") & (result.by_boundary["area"] != "")]
    mine = once[once["group"] == "everyone"].set_index("name")
    assert mine["people"].round(2).to_dict() == {"Quay": 150, "Hill": 850}
    assert mine["people_reached"].round(2).to_dict() == {"Quay": 50, "Hill": 50}
    assert result.areas["name"].tolist() == ["Quay", "Hill"]
    assert result.timeline["year"].tolist() == ["2031"]
    folder = es.publish(result, tmp_path / "out")
    names = ("by_boundary", "by_boundary_effect", "footprints", "baseline", "timeline")
    assert {name: len(pd.read_csv(folder / f"{name}.csv")) for name in names} == {
        name: len(getattr(result, name)) for name in names
    }
    assert gpd.read_file(folder / "areas.gpkg")["area"].tolist() == ["1", "2"]


def test_zones_and_areas_may_bear_the_same_id() -> None:
    """Ward A is not neighbourhood A."""
    shapes = [km_box(0, 1, 2, 2), km_box(0, 0, 2, 1)]
    areas = gpd.GeoDataFrame({"name": ["A", "B"]}, index=["A", "B"], geometry=shapes, crs=CRS)
    result = screen(four_zones(), plan_of({"P": km_box(0, 1, 2, 2)}), boundaries={"ward": Boundary("Wards", areas)})
    mine = result.by_boundary[(result.by_boundary["group"] == "everyone")].set_index(["scope", "area"])
    assert mine.loc[("active actions", "A"), "people_reached"] == pytest.approx(700, rel=1e-5)

"""What of a reach leaves the city of four squares, and who lives there by an outer ring."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, strategies as st

from equity_screen.errors import InputError
from equity_screen.inputs import gather
from equity_screen.outside import BARELY, check_outer, unseen
from equity_screen.overlay import overlay
from equity_screen.people import NO_PEOPLE, people_of
from equity_screen.project import parse_project, read_project
from equity_screen.recipe import Group
from equity_screen.schema import Origin
from equity_screen.sources import OuterFile
from equity_screen.synthetic import CRS, four_actions, four_zones
from tests.plans import effect, km, km_box, plan_of, write_project

LOW = Group(label="People with low incomes", count="low")


def ring(*boxes, people=900.0, crs=CRS, **columns):
    """Rectangles around the city, in km from its corner."""
    shapes = gpd.GeoSeries([km_box(*box) for box in boxes], crs=CRS).to_crs(crs)
    return gpd.GeoDataFrame(geometry=shapes).assign(population=people, **columns)


# Four rectangles, all around, 4 + 4 + 2 + 2 = 12 km2: with the city they fill the square from -1 to 3.
AROUND = ((-1, -1, 3, 0), (-1, 2, 3, 3), (-1, 0, 0, 2), (2, 0, 3, 2))


def table_of(place, *, outer=None, blocks=None, city=None, **options):
    city = four_zones() if city is None else city
    plan = plan_of({"X": place}, effect("X", **options))
    return unseen(overlay(city, plan, blocks=blocks), people_of(city), outer=outer)


def row_of(place, **options):
    (row,) = table_of(place, **options).to_dict("records")
    return row


class TestInTheHead:
    def test_half_of_a_footprint_leaves_the_city(self):
        # 1 km2 in A and B, where 100 + 200 live on 2 km2; and 1 km2 of the 4 km2 south of it, where 400 live.
        row = row_of(km_box(0, -0.5, 2, 0.5), outer=ring((-1, -1, 3, 0), people=400.0))
        assert row["inside_area_share"] == pytest.approx(0.5, rel=1e-5)
        assert row["outside_area_share"] == pytest.approx(0.5, rel=1e-5)
        assert row["residents_inside"] == pytest.approx(150.0, rel=1e-5)
        assert row["residents_outside"] == pytest.approx(100.0, rel=1e-5)
        assert row["unseen_share"] == pytest.approx(0.4, rel=1e-5)
        assert row["uncovered_area_share"] == pytest.approx(0.0, abs=1e-6)
        assert (row["note"], row["undefined"]) == ("", "")

    def test_without_outer_data_the_people_outside_are_not_known(self):
        row = row_of(km_box(0, -0.5, 2, 0.5))
        assert np.isnan([row["residents_outside"], row["unseen_share"]]).all()
        assert row["uncovered_area_share"] == row["outside_area_share"] == pytest.approx(0.5, rel=1e-5)
        assert row["undefined"] == "people outside are not known: no outer data were given"

    def test_a_reach_inside_has_nobody_outside_whatever_is_known_there(self):
        row = row_of(km_box(0, 0, 1, 1))
        assert (row["residents_outside"], row["unseen_share"], row["uncovered_area_share"]) == (0.0, 0.0, 0.0)
        assert row["undefined"] == ""

    def test_what_no_data_cover(self):
        # Of 4 km2 a quarter lies in the city, a quarter in the ring, a half in neither.
        row = row_of(km_box(1, -3, 2, 1), outer=ring((1, -1, 2, 0), people=10.0))
        assert row["inside_area_share"] == pytest.approx(0.25, rel=1e-5)
        assert row["uncovered_area_share"] == pytest.approx(0.5, rel=1e-5)
        assert row["residents_outside"] == pytest.approx(10.0, rel=1e-5)

    @pytest.mark.parametrize(
        ("place", "note"),
        [
            (km_box(0, -0.96, 1, 0.04), "barely enters"),
            (km_box(0, -0.94, 1, 0.06), ""),
            (km_box(0, -2, 1, -1), "lies outside"),
            (km_box(0, -1, 1, 0), "lies outside"),
            (km_box(0, 0, 2, 2), ""),
        ],
        ids=["4 % inside", "6 % inside", "away", "touching", "the city"],
    )
    def test_a_note_on_those_that_hardly_belong(self, place, note):
        assert row_of(place)["note"] == note
        assert pytest.approx(0.05) == BARELY

    def test_groups_that_the_outer_data_count(self):
        low = ring((-1, -1, 3, 0), people=400.0, people_low_income=100.0, people_others=7.0)
        row = row_of(km_box(0, -0.5, 2, 0.5), outer=low)
        # 25 + 25 of those inside, a quarter of 100 outside.
        assert row["residents_outside_low_income"] == pytest.approx(25.0, rel=1e-5)
        assert row["unseen_share_low_income"] == pytest.approx(1 / 3, rel=1e-5)
        assert "residents_outside_others" not in row

    def test_a_row_for_each_reach_that_is_drawn(self):
        city, plan = four_zones(), four_actions()
        table = unseen(overlay(city, plan), people_of(city))
        assert table[["action", "effect"]].to_numpy().tolist() == [
            ["EAST", "trips"],
            ["EAST", "noise"],
            ["WEST", "shade"],
        ]
        assert table["residents_inside"].tolist() == [600.0, 600.0, 400.0]

    def test_within_a_distance(self):
        # Half of the disc around the middle of the southern border lies outside.
        row = row_of(km(shapely.Point(1, 0)), reach="within", distance_m=500.0, outer=ring(*AROUND, people=1200.0))
        assert row["outside_area_share"] == pytest.approx(0.5, abs=2e-4)
        assert row["residents_outside"] == pytest.approx(1200 / 4 * np.pi / 8, rel=1e-3)

    def test_a_place_without_area_has_no_share_of_it(self):
        row = row_of(km(shapely.Point(0.5, 0.5)), outer=ring(*AROUND))
        assert np.isnan([row["inside_area_share"], row["uncovered_area_share"]]).all()
        assert row["undefined"].startswith("its reach has no area")

    def test_without_people_only_areas(self):
        city = four_zones().assign(population=np.nan).drop(columns="people_low_income")
        row = row_of(km_box(0, -0.5, 2, 0.5), city=city)
        assert np.isnan([row["residents_inside"], row["unseen_share"]]).all()
        assert row["outside_area_share"] == pytest.approx(0.5, rel=1e-5)
        assert NO_PEOPLE in row["undefined"]

    def test_nobody_anywhere(self):
        row = row_of(km_box(0, -2, 1, -1), outer=ring((-1, -1, 3, 0)))
        assert (row["residents_inside"], row["residents_outside"]) == (0.0, 0.0)
        assert np.isnan(row["unseen_share"])
        assert row["undefined"] == "nobody is known to be in reach"

    def test_residents_are_counted_whether_or_not_they_take_it_up(self):
        city = four_zones().assign(people_low_income=[0.0, 50, 30, 20])
        half = km_box(0, -0.5, 2, 0.5)
        asked = {"city": city, "outer": ring((-1, -1, 3, 0), people=400.0)}
        row, plain = row_of(half, uptake="low_income=0.5", **asked), row_of(half, **asked)
        # Nobody of A takes it up, and half of its 100 people are in reach like half of B's 200.
        assert row["residents_inside"] == pytest.approx(150.0, rel=1e-5)
        assert row["unseen_share"] == pytest.approx(plain["unseen_share"], rel=1e-9)

    def test_residents_at_points_where_nobody_takes_it_up(self):
        city = four_zones().assign(people_low_income=[0.0, 50, 30, 20])
        homes = gpd.GeoDataFrame(
            {"people": [60.0, 40.0, 200.0], "zone": [0, 0, 1]},
            geometry=gpd.GeoSeries([km(shapely.Point(x, y)) for x, y in [(0.2, 0.2), (0.2, 0.8), (1.5, 0.2)]], crs=CRS),
        )
        row = row_of(km_box(0, -0.5, 2, 0.5), uptake="low_income=0.5", city=city, blocks=homes)
        assert row["residents_inside"] == pytest.approx(260.0)

    @pytest.mark.parametrize(("beyond", "share"), [(5e-7, 0.0), (2e-6, 2e-6)])
    def test_a_border_drawn_a_hair_apart_leaves_nothing_outside(self, beyond, share):
        plan = plan_of({"X": "zones:A"})
        laid = overlay(four_zones(), plan_of({"X": km_box(0, 0, 1, 1)}, *plan.effects.to_dict("records")))
        laid = laid._replace(outside=laid.outside * 0 + beyond)
        (row,) = unseen(laid, people_of(four_zones())).to_dict("records")
        assert row["outside_area_share"] == share
        assert bool(row["undefined"]) == bool(share)


class TestOuterLayers:
    @pytest.mark.parametrize("crs", [4326, 3857, 32632, 3035])
    def test_any_crs(self, crs):
        row = row_of(km_box(0, -0.5, 2, 0.5), outer=ring((-1, -1, 3, 0), people=400.0, crs=crs))
        # A border that is straight in degrees bends by half a metre on its four kilometres.
        assert row["unseen_share"] == pytest.approx(0.4, rel=1e-3)

    def test_points_are_counted_where_they_stand(self):
        places = [km(shapely.Point(p)) for p in ((0.5, -0.2), (0.5, -0.9), (0.5, 0.2))]
        points = gpd.GeoDataFrame({"population": [30.0, 50.0, 999.0]}, geometry=places, crs=CRS)
        row = row_of(km_box(0, -0.5, 2, 0.5), outer=points)
        # The second one is out of reach; the third is the city's, whose people are counted there.
        assert row["residents_outside"] == 30.0
        assert np.isnan(row["uncovered_area_share"])
        assert row["undefined"] == "points do not say what area they cover"

    def test_the_city_itself_in_the_outer_data_counts_once(self):
        both = pd.concat([four_zones()[["population", "geometry"]], ring((-1, -1, 3, 0), people=400.0)])
        row = row_of(km_box(0, -0.5, 2, 0.5), outer=gpd.GeoDataFrame(both, crs=CRS))
        assert row["unseen_share"] == pytest.approx(0.4, rel=1e-5)

    def test_an_outer_area_that_reaches_into_the_city_brings_the_people_of_its_rest(self):
        # Half of the 8 km2 lie in the city: 400 people are left on the half south of it, and half of these in reach.
        row = row_of(km_box(0, -1, 2, 0), outer=ring((0, -2, 2, 2), people=800.0))
        assert row["residents_outside"] == pytest.approx(200.0, rel=1e-5)
        assert row["uncovered_area_share"] == pytest.approx(0.0, abs=1e-9)

    def test_people_inside_by_points_outside_by_area(self):
        home = gpd.GeoDataFrame(
            {"zone": [0, 1], "people": [100.0, 200.0]},
            geometry=[km(shapely.Point(0.5, 0.25)), km(shapely.Point(1.5, 0.75))],
            crs=CRS,
        )
        row = row_of(km_box(0, -0.5, 2, 0.5), blocks=home, outer=ring((-1, -1, 3, 0), people=400.0))
        assert (row["residents_inside"], row["unseen_share"]) == (pytest.approx(100.0), pytest.approx(0.5, rel=1e-5))

    def test_without_a_population_or_crs_it_is_refused(self):
        with pytest.raises(InputError, match="column population: no such column"):
            row_of(km_box(0, 0, 1, 1), outer=ring((-1, -1, 3, 0)).drop(columns="population"))
        with pytest.raises(InputError, match="the file has no CRS"):
            row_of(km_box(0, 0, 1, 1), outer=ring((-1, -1, 3, 0)).set_crs(None, allow_override=True))


@given(
    west=st.floats(-0.9, 2),
    south=st.floats(-0.9, 2),
    wide=st.floats(0.05, 0.9),
    people=st.lists(st.floats(0, 1e6), min_size=4, max_size=4),
)
def test_shares_hang_together(west, south, wide, people):
    """In a square that city and ring fill: nothing is uncovered, and everybody is inside or outside."""
    outer = ring(*AROUND, people=people)
    row = row_of(km_box(west, south, west + wide, south + wide), outer=outer)
    assert row["inside_area_share"] + row["outside_area_share"] == pytest.approx(1.0)
    assert row["uncovered_area_share"] == pytest.approx(0.0, abs=1e-4)
    assert 0.0 <= row["residents_outside"] <= sum(people) * (1 + 1e-9)
    total = row["residents_inside"] + row["residents_outside"]
    if total > 0:
        assert 0.0 <= row["unseen_share"] <= 1.0
        assert row["unseen_share"] * total == pytest.approx(row["residents_outside"])


def test_people_outside_of_the_whole_square_are_those_of_the_ring():
    row = row_of(km_box(-1, -1, 3, 3), outer=ring(*AROUND, people=[1.0, 2.0, 3.0, 4.0]))
    assert (row["residents_inside"], row["residents_outside"]) == (pytest.approx(1000.0), pytest.approx(10.0, rel=1e-5))
    assert row["unseen_share"] == pytest.approx(10 / 1010, rel=1e-5)


# ---------------------------------------------------------------- the file

DECLARED = OuterFile(file="county.gpkg", population="pop")


def county(*boxes, **columns):
    return ring(*boxes).drop(columns="population").assign(**columns)


def checked(frame, declared=DECLARED, **options):
    return check_outer(frame, declared, origin=Origin("county.gpkg"), zones=four_zones().geometry, **options)


class TestCheck:
    def test_polygons_with_groups_of_the_same_columns(self):
        found = checked(county(*AROUND[:2], pop=["1,000.0", "20"], low=[5, 6]), groups={"low_income": LOW})
        assert found.table[["population", "people_low_income"]].to_numpy().tolist() == [[1000.0, 5.0], [20.0, 6.0]]
        assert found.status["people"].isna().all()

    def test_groups_that_it_has_not_are_left_out(self):
        found = checked(
            county(*AROUND[:2], pop=1), groups={"low_income": LOW, "drawn": Group(label="d", layer="d.gpkg")}
        )
        assert list(found.table.columns) == ["population", "geometry"]

    def test_the_order_of_rows_is_nothing(self):
        frame = county(*AROUND, pop=[1, 2, 3, 4])
        tables = [checked(f).table.to_wkt() for f in (frame, frame.iloc[[2, 0, 3, 1]])]
        pd.testing.assert_frame_equal(*tables)

    @pytest.mark.parametrize(
        ("pop", "code"), [([-1, 2], "ES-COUNT-NEGATIVE"), ([None, 2], "ES-POP-MISSING"), (["x", "2"], "ES-NUMBER-TEXT")]
    )
    def test_people_who_cannot_be(self, pop, code):
        found = checked(county(*AROUND[:2], pop=pop))
        assert [(f.code, f.row, f.id) for f in found.findings if f.status == "refused"] == [(code, "feature 1", "")]
        assert found.status["status"].tolist() == ["refused", "used"]
        assert found.table["population"].tolist() == [2.0]

    def test_polygons_that_overlap_one_another_are_refused(self):
        found = checked(county((-1, -1, 3, 0), (0, -1, 1, 0), pop=1))
        assert {f.code for f in found.findings} == {"ES-GEOM-OVERLAP"}

    def test_a_bow_tie_is_mended(self):
        tie = gpd.GeoDataFrame(
            {"pop": [1]}, geometry=[km(shapely.from_wkt("POLYGON ((0 -2, 2 0, 2 -2, 0 0, 0 -2))"))], crs=CRS
        )
        assert [f.code for f in checked(tie).findings] == ["ES-GEOM-INVALID"]

    @pytest.mark.parametrize(("north", "found"), [(0.5, ["33.3 % of it"]), (0.001, []), (0.0, [])])
    def test_what_lies_in_the_city_is_flagged(self, north, found):
        result = checked(county((0, -1, 2, north), pop=1))
        assert [f.reason.partition(" lies")[0] for f in result.findings] == found
        assert [f.code for f in result.findings] == ["ES-OUTER-OVERLAP"] * len(found)
        assert result.status["status"].tolist() == (["flagged"] if found else ["used"])

    def test_another_city_is_refused(self):
        with pytest.raises(InputError, match="nothing of the outer data lies near the neighbourhoods"):
            checked(county((100, 100, 101, 101), pop=1))

    def test_points_from_a_table(self):
        table = pd.DataFrame({"x": ["560500", "", "560500"], "y": ["6199500", "1", "6199400"], "pop": ["7", "1", ""]})
        declared = OuterFile(file="r.csv", population="pop", x="x", y="y", crs=CRS)
        found = checked(table, declared)
        assert [(f.code, f.row) for f in found.findings] == [
            ("ES-BLOCK-PLACE", "feature 2"),
            ("ES-BLOCK-PEOPLE", "feature 3"),
        ]
        assert found.table["population"].tolist() == [7.0]

    def test_points_without_a_column_of_people(self):
        with pytest.raises(InputError, match="column pop: no such column"):
            checked(gpd.GeoDataFrame({"n": [1]}, geometry=[km(shapely.Point(0, -1))], crs=CRS))


class TestProject:
    def test_it_is_read_with_the_other_files(self, tmp_path: Path):
        project = write_project(tmp_path, declared='[outer]\nfile = "ring.gpkg"\npopulation = "people"\n')
        county(*AROUND, people=[1, 2, 3, 4], low_income=[1, 0, 0, 0]).to_file(tmp_path / "ring.gpkg")
        inputs = gather(read_project(project))
        assert inputs.outer is not None
        assert inputs.outer[["population", "people_low_income"]].sum().tolist() == [10.0, 1.0]
        assert "ring.gpkg" in {file["file"] for file in inputs.files}
        assert not inputs.refused

    def test_a_missing_file_is_told_with_all_other_faults(self, tmp_path: Path):
        project = write_project(
            tmp_path, declared='[outer]\nfile = "ring.gpkg"\npopulation = "people"\n', where="zones:Z"
        )
        inputs = gather(read_project(project))
        assert {f.code for f in inputs.refused} == {"ES-FILE-MISSING", "ES-WHERE-ZONE"}
        assert inputs.outer is None

    def test_without_people_there_is_nothing_to_ask_of_it(self):
        text = 'title = "x"\n[neighbourhoods]\nfile = "z.gpkg"\nid = "id"\n[outer]\nfile = "r.gpkg"\npopulation = "p"\n'
        with pytest.raises(InputError, match=r"outer needs neighbourhoods\.population"):
            parse_project(text)

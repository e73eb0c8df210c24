"""From a project file to checked tables: every fault of every input in one pass, and nothing written."""

from __future__ import annotations

import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from geopandas.testing import assert_geodataframe_equal
from rasterio import Affine

from equity_screen.errors import InputError
from equity_screen.inputs import gather
from equity_screen.project import read_project
from equity_screen.screen import screen_project
from equity_screen.synthetic import four_zones
from tests.plans import km_box

EAST, NORTH = 560_000, 6_200_000
ACTIONS = "id,where,x,y\nCITY,citywide,,\nSPOT,,560500,6200500\n"
EFFECTS = (
    "action,ledger,effect,unit,amount,reach,distance_m\n"
    "CITY,benefit,money,EUR,1,citywide,\n"
    "SPOT,burden,noise,dB,2,within,100\n"
)
TABLES = {
    "neighbourhoods": 'file = "zones.gpkg"\nid = "neighbourhood"\npopulation = "population"\n',
    "actions": 'file = "plan.csv"\nid = "id"\nwhere = "where"\nx = "x"\ny = "y"\ncrs = "EPSG:25832"\n',
}
LOW_INCOME = '[groups.low_income]\nlabel = "People with low incomes"\ncount = "people_low_income"\n'
HEAT = '[indicators.heat]\nlabel = "Heat"\nunit = "°C"\nhigher_is = "worse"\nraster = "heat.tif"\n'


def write_heat(path):
    profile = {"height": 2, "width": 2, "count": 1, "dtype": "float64", "crs": "EPSG:25832"}
    with rasterio.open(
        path, "w", driver="GTiff", transform=Affine(1000, 0, EAST, 0, -1000, NORTH + 2000), **profile
    ) as target:
        target.write(np.array([[28.0, 27.0], [30.0, 29.0]]), 1)


@pytest.fixture
def project(tmp_path):
    """Make the project of the city of four squares; texts and tables may be changed by their names."""

    def make(*, zones=None, plan=ACTIONS, effects=EFFECTS, top="", more="", **tables):
        zones = (four_zones() if zones is None else zones).reset_index()
        zones.to_file(tmp_path / "zones.gpkg")
        (tmp_path / "plan.csv").write_text(plan, encoding="utf-8")
        (tmp_path / "effects.csv").write_text(effects, encoding="utf-8")
        write_heat(tmp_path / "heat.tif")
        own = {name: text + tables.get(name, "") for name, text in TABLES.items()}
        head = f'effects_file = "effects.csv"\n{top}\n'
        text = f"{head}[neighbourhoods]\n{own['neighbourhoods']}\n[[actions]]\n{own['actions']}\n{more}"
        (tmp_path / "city.toml").write_text(text, encoding="utf-8")
        return tmp_path / "city.toml"

    return make


def gathered(path):
    return gather(read_project(path))


def refused(path):
    return [(f.source, f.row, f.code, f.value) for f in gathered(path).refused]


class TestGood:
    def test_tables_fates_and_files(self, project):
        inputs = gathered(project(more=LOW_INCOME + HEAT.replace("heat]", "warmth]")))
        assert inputs.refused == ()
        assert not inputs.fatal
        assert inputs.neighbourhoods["warmth"].tolist() == pytest.approx([30.0, 29.0, 28.0, 27.0])
        assert inputs.plan.actions.index.tolist() == ["CITY", "SPOT"]
        assert inputs.plan.effects["action"].tolist() == ["CITY", "SPOT"]
        rows = inputs.status[inputs.status["row"] != ""]
        assert rows.groupby("input").size().to_dict() == {
            "effects.csv": 2,
            "heat.tif": 1,
            "plan.csv": 2,
            "zones.gpkg": 4,
        }
        assert set(rows["status"]) == {"used"}
        notes = inputs.status[inputs.status["row"] == ""]
        # Two columns of the file bear names that this package makes: of the whole file, so of no row.
        assert notes[["input", "status", "codes"]].to_numpy().tolist() == [
            ["zones.gpkg", "flagged", "ES-COLUMN-OURS"]
        ] * len(notes)

    def test_each_file_is_recorded_once_with_its_hash(self, project):
        path = project(more=HEAT.replace("heat]", "a]") + HEAT.replace("heat]", "b]"))
        files = {f["file"]: f for f in gathered(path).files}
        assert list(files) == ["zones.gpkg", "heat.tif", "plan.csv", "effects.csv"]
        for name, record in files.items():
            content = (path.parent / name).read_bytes()
            assert (record["sha256"], record["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))

    def test_each_input_is_announced(self, project):
        told = []
        gather(read_project(project(more=HEAT.replace("heat]", "warmth]"))), progress=told.append)
        assert told == ["zones.gpkg", "heat.tif", "plan.csv", "effects.csv"]

    def test_the_order_of_rows_in_the_files_changes_nothing(self, project):
        one = gathered(project())
        lines = [text.splitlines() for text in (ACTIONS, EFFECTS)]
        plan, effects = ("\n".join([head, *rows[::-1]]) + "\n" for head, *rows in lines)
        two = gathered(project(zones=four_zones().iloc[::-1], plan=plan, effects=effects))
        pd.testing.assert_frame_equal(one.neighbourhoods, two.neighbourhoods)
        pd.testing.assert_frame_equal(one.plan.actions, two.plan.actions)
        pd.testing.assert_frame_equal(one.plan.effects, two.plan.effects)

    def test_rules_beside_a_table(self, project):
        rule = '[[effects]]\nledger = "benefit"\neffect = "shade"\nunit = "°C"\nactions = ["SPOT"]\n'
        rule += 'reach = "within"\ndistance_m = 50\n'
        effects = gathered(project(more=rule)).plan.effects
        assert effects[["action", "effect"]].to_numpy().tolist() == [
            ["CITY", "money"],
            ["SPOT", "shade"],
            ["SPOT", "noise"],
        ]


class TestJoinedTable:
    def people(self, folder, rows):
        (folder / "people.csv").write_text("code,people,income,doses\n" + rows, encoding="utf-8")

    def test_gives_people_rankings_and_drivers(self, project):
        more = '[rankings.income]\ncolumn = "income"\nhigher_is = "advantaged"\n'
        effects = "action,ledger,effect,unit,amount,reach,driver\nCITY,benefit,doses,doses,1,citywide,doses\n"
        path = project(zones=four_zones()[["geometry"]], effects=effects, more=more)
        text = path.read_text(encoding="utf-8").replace(
            '"population"', '"people"\ntable = "people.csv"\ntable_id = "code"'
        )
        path.write_text(text, encoding="utf-8")
        self.people(path.parent, "D,400,100000,1\nA,100,20000,2\nC,300,30000,3\nB,200,40000,4\n")
        table = gathered(path).neighbourhoods
        assert table["population"].tolist() == [100.0, 200.0, 300.0, 400.0]
        assert table["income"].tolist() == [20000.0, 40000.0, 30000.0, 100000.0]
        assert table["doses"].tolist() == [2, 4, 3, 1]
        # Doses for each person of A, B, C, D are 2, 4, 3, 1.
        assert screen_project(path).by_effect["total"].tolist() == pytest.approx([200 + 800 + 900 + 400])

    def test_a_column_of_both_files_that_the_project_reads_is_refused(self, project):
        """Which of two populations is meant is not ours to guess."""
        path = project(zones=four_zones()[["geometry", "population"]])
        text = path.read_text(encoding="utf-8").replace(
            '"population"', '"population"\ntable = "people.csv"\ntable_id = "code"'
        )
        path.write_text(text, encoding="utf-8")
        (path.parent / "people.csv").write_text("code,population\nA,1\nB,1\nC,1\nD,1\n", encoding="utf-8")
        with pytest.raises(InputError, match=r"people\.csv, column population: the column stands in both files"):
            screen_project(path)

    def test_a_driver_that_stands_in_both_files_is_refused(self, project):
        effects = "action,ledger,effect,unit,amount,reach,driver\nCITY,benefit,doses,doses,1,citywide,doses\n"
        path = project(zones=four_zones()[["geometry"]].assign(doses=1), effects=effects)
        joined = '"people"\ntable = "people.csv"\ntable_id = "code"'
        path.write_text(path.read_text(encoding="utf-8").replace('"population"', joined), encoding="utf-8")
        self.people(path.parent, "D,400,1,1\nA,100,2,2\nC,300,3,3\nB,200,4,4\n")
        with pytest.raises(InputError, match=r"people\.csv, column doses: the column stands in both files"):
            screen_project(path)

    def test_faults_are_told_where_they_stand(self, project):
        path = project(zones=four_zones()[["geometry"]])
        text = path.read_text(encoding="utf-8").replace(
            '"population"', '"people"\ntable = "people.csv"\ntable_id = "code"'
        )
        path.write_text(text, encoding="utf-8")
        self.people(path.parent, "D,400,,\nA,100,,\nC,many,,\nB,-2,,\n")
        found = refused(path)
        assert ("people.csv", "row 4", "ES-NUMBER-TEXT", "many") in found
        assert ("people.csv", "row 5", "ES-COUNT-NEGATIVE", "-2.0") in found


class TestBoundaries:
    WARDS = '[boundaries.ward]\nlabel = "Wards"\nfile = "wards.gpkg"\nid = "nr"\nname = "title"\n'
    BANKS = '[boundaries.bank]\nlabel = "Banks"\ncolumn = "bank"\n'

    def write_wards(self, path, *, top=1):
        shapes = [km_box(0, 0, 2, top), km_box(0, 1, 2, 2)]
        frame = gpd.GeoDataFrame({"nr": ["1", "2"], "title": ["South", "North"]}, geometry=shapes)
        frame.set_crs(25832).to_file(path.parent / "wards.gpkg")
        return path

    def test_of_a_file_and_of_a_column(self, project):
        zones = four_zones().assign(bank=["S", "S ", None, "N"])
        path = self.write_wards(project(zones=zones, more=self.WARDS + self.BANKS))
        inputs = gathered(path)
        assert inputs.refused == ()
        assert list(inputs.boundaries) == ["ward", "bank"]
        assert inputs.boundaries["ward"].areas["name"].to_dict() == {"1": "South", "2": "North"}
        assert inputs.boundaries["bank"].members.tolist() == ["S", "S", "", "N"]
        assert "wards.gpkg" in {file["file"] for file in inputs.files}
        rows = inputs.status[inputs.status["input"] == "wards.gpkg"]
        assert rows[["row", "id", "status"]].to_numpy().tolist() == [
            ["feature 1", "1", "used"],
            ["feature 2", "2", "used"],
        ]
        notes = inputs.status[(inputs.status["row"] == "") & inputs.status["codes"].str.contains("BOUNDARY")]
        assert notes[["input", "codes"]].to_numpy().tolist() == [
            ["zones.gpkg", "ES-BOUNDARY-BLANKS"],
            ["zones.gpkg", "ES-BOUNDARY-NONE"],
        ]

    def test_codes_that_differ_in_zeros_are_different_areas(self, project):
        inputs = gathered(project(zones=four_zones().assign(bank=["01", "1", "1.1", "1.10"]), more=self.BANKS))
        assert inputs.boundaries["bank"].members.tolist() == ["01", "1", "1.1", "1.10"]

    @pytest.mark.parametrize("column", ["priority", "people_low_income", "geometry"])
    def test_a_column_of_a_name_of_ours_is_refused(self, project, column):
        zones = four_zones().assign(priority=["x", "x", "y", "y"])
        path = project(zones=zones, more=self.BANKS.replace('"bank"', f'"{column}"'))
        assert [(f.source, f.column) for f in gathered(path).refused if f.code == "ES-COLUMN-AMBIGUOUS"] == [
            ("zones.gpkg", column)
        ]

    @pytest.mark.parametrize(("own", "fault"), [("bank", []), ("title", ["ES-COLUMN-AMBIGUOUS"])])
    def test_the_names_of_the_neighbourhoods_only_where_they_are_meant(self, project, own, fault):
        zones = four_zones().rename(columns={"name": "title"}).assign(bank=["N1", "N1", "N2", "N2"], name=list("PQRS"))
        column = "bank" if own == "bank" else "name"
        path = project(
            zones=zones, neighbourhoods=f'name = "{own}"\n', more=self.BANKS.replace('"bank"', f'"{column}"')
        )
        inputs = gathered(path)
        assert [f.code for f in inputs.refused] == fault
        assert fault or inputs.boundaries["bank"].members.tolist() == ["N1", "N1", "N2", "N2"]

    def test_a_column_of_both_files_is_refused(self, project):
        path = project(zones=four_zones()[["geometry"]].assign(bank="S"), more=self.BANKS)
        joined = '"people"\ntable = "people.csv"\ntable_id = "code"'
        path.write_text(path.read_text(encoding="utf-8").replace('"population"', joined), encoding="utf-8")
        (path.parent / "people.csv").write_text("code,people,bank\nA,1,N\nB,2,N\nC,3,N\nD,4,N\n", encoding="utf-8")
        assert [(f.code, f.column) for f in gathered(path).refused][:1] == [("ES-JOIN-COLUMN", "bank")]

    def test_of_a_column_of_the_joined_table(self, project):
        path = project(zones=four_zones()[["geometry"]], more=self.BANKS)
        joined = '"people"\ntable = "people.csv"\ntable_id = "code"'
        path.write_text(path.read_text(encoding="utf-8").replace('"population"', joined), encoding="utf-8")
        (path.parent / "people.csv").write_text("code,people,bank\nA,1,1\nB,2,1\nC,3,\nD,4,2\n", encoding="utf-8")
        inputs = gathered(path)
        assert inputs.boundaries["bank"].members.tolist() == ["1", "1", "", "2"]
        assert [(f.source, f.code) for f in inputs.findings if "BOUNDARY" in f.code] == [
            ("people.csv", "ES-BOUNDARY-NONE")
        ]

    def test_actions_stand_in_them_and_results_are_by_them(self, project):
        effects = "action,ledger,effect,unit,amount,reach\nPARK,benefit,shade,K,1,footprint\n"
        plan = "id,where,x,y\nPARK,ward:south,,\n"
        result = screen_project(self.write_wards(project(plan=plan, effects=effects, more=self.WARDS)))
        assert result.actions.loc["PARK", ["where", "zones"]].tolist() == ["boundary", "ward:1"]
        assert result.by_effect["people_reached"].tolist() == pytest.approx([300], rel=1e-6)
        rows = result.by_boundary[result.by_boundary["scope"] == "active actions"]
        found = rows[rows["group"] == "everyone"].set_index("area")["people_reached"]
        assert found[["1", "2"]].tolist() == pytest.approx([300, 0], abs=1e-3)

    def test_that_lie_elsewhere_are_those_of_another_city(self, project):
        path = project(more=self.WARDS)
        frame = gpd.GeoDataFrame({"nr": ["1"], "title": ["S"]}, geometry=[km_box(10, 10, 11, 11)], crs=25832)
        frame.to_file(path.parent / "wards.gpkg")
        assert [(f.source, f.code) for f in gathered(path).refused] == [("wards.gpkg", "ES-LAYER-ELSEWHERE")]

    def test_that_overlap_are_refused(self, project):
        path = self.write_wards(project(more=self.WARDS), top=1.5)
        with pytest.raises(InputError, match=r"wards\.gpkg, feature 1, id 1, column geometry: .*ES-GEOM-OVERLAP"):
            screen_project(path)

    @pytest.mark.parametrize(
        ("more", "place"), [(WARDS, ("wards.gpkg", "ES-FILE-MISSING")), (BANKS, ("zones.gpkg", "ES-COLUMN-MISSING"))]
    )
    def test_that_cannot_be_read_are_told_and_the_rest_is_read(self, project, more, place):
        inputs = gathered(project(more=more))
        assert [(f.source, f.code) for f in inputs.refused] == [place]
        assert inputs.fatal
        assert len(inputs.plan.actions) == 2


class TestPriorityAreas:
    RULE = '[priority]\nlayer = "old.gpkg"\nlabel = "old towns"\n'
    EFFECTS = "action,ledger,effect,unit,amount,reach\nZONE,benefit,shade,K,1,footprint\n"

    def screened(self, project, *shapes):
        path = project(plan="id,where,x,y\nZONE,zones:A;B,,\n", effects=self.EFFECTS, more=self.RULE)
        gpd.GeoDataFrame(geometry=list(shapes), crs=25832).to_file(path.parent / "old.gpkg")
        return screen_project(path)

    def test_all_of_a_and_half_of_b(self, project):
        result = self.screened(project, km_box(0, 0, 1, 1), km_box(1, 0, 2, 0.5))
        assert result.neighbourhoods["priority_share"].tolist() == pytest.approx([1, 0.5, 0, 0], abs=1e-5)
        # 100 of A's and 100 of B's 200 people are among the 300 in reach.
        row = result.scores.loc["ZONE"]
        assert row["benefit_priority_place_share"] == pytest.approx(2 / 3, rel=1e-5)
        assert row["priority_population_share"] == pytest.approx(0.2, rel=1e-5)
        assert row["footprint_priority_share"] == pytest.approx(0.75, rel=1e-5)
        assert result.together["priority_place_share"].iloc[0] == pytest.approx(2 / 3, rel=1e-5)
        assert result.areas["boundary"].tolist() == ["priority", "priority"]

    def test_that_lie_elsewhere_are_those_of_another_city(self, project):
        with pytest.raises(InputError, match=r"old\.gpkg: nothing of this layer meets any neighbourhood"):
            self.screened(project, km_box(10, 10, 11, 11))

    def test_beside_the_city_hold_nobody_and_that_is_no_error(self, project):
        result = self.screened(project, km_box(2, 0, 3, 1))
        assert result.scores.loc["ZONE", "benefit_priority_place_share"] == 0
        assert result.footprints["in_priority"].iloc[0] == 0
        assert not result.neighbourhoods["priority"].any()

    def test_that_overlap_count_once(self, project):
        result = self.screened(project, km_box(0, 0, 0.6, 1), km_box(0.4, 0, 1, 1))
        assert result.scores.loc["ZONE", "benefit_priority_place_share"] == pytest.approx(1 / 3, rel=1e-5)

    def test_their_order_in_the_file_changes_nothing(self, project):
        shapes = [km_box(0.9, 0, 1.4, 0.7), km_box(0, 0, 1, 1), km_box(0, 0, 1, 0.5), km_box(0.1, 0.2, 1.2, 1.6)]
        one, other = self.screened(project, *shapes), self.screened(project, *reversed(shapes))
        assert_geodataframe_equal(one.areas, other.areas)
        assert one.scores.to_csv() == other.scores.to_csv()
        west = one.areas.geometry.bounds["minx"]
        assert west.is_monotonic_increasing

    def test_that_cannot_be_read_are_told(self, project):
        assert [(f.source, f.code) for f in gathered(project(more=self.RULE)).refused] == [
            ("old.gpkg", "ES-FILE-MISSING")
        ]


def test_a_table_on_other_zones_beside_a_misspelled_id(project):
    names = {"id": "old", "source_id": "old", "target_id": "new", "share": "share"}
    keys = "".join(f'{key} = "{value}"\n' for key, value in names.items())
    path = project(more=f'[[earlier]]\nfile = "old.csv"\ncrosswalk = "pairs.csv"\ncounts = ["homes"]\n{keys}')
    path.write_text(path.read_text(encoding="utf-8").replace('"neighbourhood"', '"nr"'), encoding="utf-8")
    (path.parent / "old.csv").write_text("old,homes\n1,4\n", encoding="utf-8")
    (path.parent / "pairs.csv").write_text("old,new,share\n1,A,1\n", encoding="utf-8")
    assert [(f.source, f.column) for f in gathered(path).refused if f.code == "ES-COLUMN-MISSING"] == [
        ("zones.gpkg", "nr")
    ]


class TestLostZeros:
    def joined(self, project, declared, rows):
        zones = four_zones()[["geometry"]].rename(dict(zip("ABCD", ["01", "02", "03", "10"], strict=True)))
        path = project(zones=zones)
        joined = f'"people"\ntable = "people.csv"\ntable_id = "code"\n{declared}'
        path.write_text(path.read_text(encoding="utf-8").replace('"population"', joined), encoding="utf-8")
        (path.parent / "people.csv").write_text("code,people\n" + rows, encoding="utf-8")
        return path

    def test_are_put_back(self, project):
        inputs = gathered(self.joined(project, "id_digits = 2", "1,100\n2,200\n3,300\n10,400\n"))
        assert inputs.refused == ()
        assert inputs.neighbourhoods["population"].to_dict() == {"01": 100, "02": 200, "03": 300, "10": 400}

    def test_are_proposed_where_they_are_not(self, project):
        refused = gathered(self.joined(project, "", "1,100\n2,200\n3,300\n10,400\n")).refused
        assert {f.mend for f in refused} == {"leading zeros look lost: id_digits = 2 puts them back"}
        assert len(refused) == 6

    def test_what_stands_on_one_side_only_may_be_left_out(self, project):
        path = self.joined(project, 'unmatched = "exclude"', "01,100\n02,200\n10,400\n77,9999\n")
        result = screen_project(path)
        assert result.neighbourhoods.index.tolist() == ["01", "02", "10"]
        assert result.neighbourhoods["population"].sum() == 700
        left = result.status[result.status["codes"].str.contains("ES-JOIN-EXCLUDED")]
        assert left[["input", "row", "id", "status"]].to_numpy().tolist() == [
            ["zones.gpkg", "feature 3", "03", "flagged"],
            ["people.csv", "row 5", "77", "flagged"],
        ]
        people = result.ledger.set_index("account").loc["people.csv: people"]
        # The 9,999 people of no neighbourhood are in the ledger, and in no result.
        assert people[["total", "used", "flagged"]].tolist() == [10699, 700, 9999]

    def test_both(self, project):
        declared = 'unmatched = "exclude"\nid_digits = 2'
        result = screen_project(self.joined(project, declared, "1,100\n2,200\n10,400\n7,9999\n"))
        assert result.neighbourhoods["population"].sum() == 700
        (row,) = result.status[result.status["id"] == "07"].to_dict("records")
        assert (row["row"], row["codes"]) == ("row 5", "ES-ID-TEXT; ES-JOIN-EXCLUDED")


class TestWithoutPeople:
    def text(self, path):
        return path.read_text(encoding="utf-8").replace('population = "population"\n', "")

    def test_actions_are_counted_and_measured(self, project):
        path = project(zones=four_zones()[["geometry", "median_income"]], plan=ACTIONS + "AREA,zones:A;B,,\n")
        path.write_text(self.text(path), encoding="utf-8")
        result = screen_project(path)
        assert result.neighbourhoods["population"].isna().all()
        assert result.by_effect[["people_reached", "total", "mean"]].isna().all(axis=None)
        assert set(result.by_effect["undefined"]) == {"no people were given"}
        assert result.footprints.iloc[0][["actions", "distinct_places"]].tolist() == [3, 2]
        assert result.footprints["area_summed_km2"].iloc[0] == pytest.approx(2, rel=1e-3)

    def test_an_effect_by_a_driver_needs_none(self, project):
        effects = "action,ledger,effect,unit,amount,reach,driver\nCITY,benefit,e,u,1,citywide,median_income\n"
        path = project(zones=four_zones()[["geometry", "median_income"]], effects=effects)
        path.write_text(self.text(path), encoding="utf-8")
        assert gathered(path).refused == ()


class TestWithoutActions:
    def test_the_baseline_alone(self, project):
        path = project(more=LOW_INCOME + HEAT.replace("heat]", "warmth]"))
        head, _, rest = path.read_text(encoding="utf-8").partition("[[actions]]")
        text = head.replace('effects_file = "effects.csv"\n', "") + "[groups" + rest.partition("[groups")[2]
        path.write_text(text, encoding="utf-8")
        inputs = gathered(path)
        assert inputs.refused == ()
        assert (len(inputs.plan.actions), len(inputs.plan.effects)) == (0, 0)
        result = screen_project(path)
        # (100 × 30 + 200 × 29 + 300 × 28 + 400 × 27) / 1000.
        assert result.baseline.set_index("who").loc["everyone", "mean_people"] == pytest.approx(28)
        assert len(result.scores) == 0
        assert {file["file"] for file in result.inputs} == {"zones.gpkg", "heat.tif"}


class TestEveryFaultAtOnce:
    ZONES = four_zones().assign(people_low_income=[50.0, 999.0, np.nan, 20.0], population=[100.0, 200.0, 300.0, -400.0])
    PLAN = (
        "id,where,x,y,cost,low\n"
        "CITY,citywide,,,1.2M,\n"  # a word for a cost
        "SPOT,,9.97,55.94,5,\n"  # degrees among metres
        "ZONE,zones:A;Q,,,5,\n"  # no such zone
        "ODD,somewhere,,,5,\n"  # not a place
        "TWICE,citywide,,,5,\n"
        "TWICE,citywide,,,5,\n"  # an id twice
        "RANGE,citywide,,,5,6\n"  # low above central
        ",citywide,,,5,\n"  # no id
        "GOOD,,560500,6200500,5,4\n"
    )
    EFFECTS = (
        "action,ledger,effect,unit,amount,reach,distance_m\n"
        "GOOD,benefits,a,u,1,citywide,\n"  # not a ledger
        "GOOD,benefit,b,u,-1,citywide,\n"  # below zero
        "GOOD,benefit,c,u,1,within,\n"  # no distance
        "NONE,benefit,d,u,1,citywide,\n"  # no such action
        "GOOD,benefit,e,u,1,citywide,\n"
    )
    PLANTED = frozenset(
        {
            ("zones.gpkg", "feature 2", "ES-GROUP-OVER-TOTAL", "999.0"),
            ("zones.gpkg", "feature 3", "ES-GROUP-MISSING", ""),
            ("zones.gpkg", "feature 4", "ES-COUNT-NEGATIVE", "-400.0"),
            ("none.tif", "", "ES-RASTER-UNREADABLE", ""),
            ("plan.csv", "row 2", "ES-NUMBER-TEXT", "1.2M"),
            ("plan.csv", "row 3", "ES-CRS-MIXED", "(9.97, 55.94)"),
            ("plan.csv", "row 4", "ES-WHERE-ZONE", "Q"),
            ("plan.csv", "row 5", "ES-WHERE", "somewhere"),
            ("plan.csv", "row 6", "ES-ID-DUPLICATE", "TWICE"),
            ("plan.csv", "row 7", "ES-ID-DUPLICATE", "TWICE"),
            ("plan.csv", "row 8", "ES-COST-ORDER", "5.0"),
            ("plan.csv", "row 9", "ES-ID-MISSING", ""),
            ("effects.csv", "row 2", "ES-EFFECT-WORD", "benefits"),
            ("effects.csv", "row 3", "ES-EFFECT-NEGATIVE", "-1.0"),
            ("effects.csv", "row 4", "ES-EFFECT-DISTANCE", ""),
            ("effects.csv", "row 5", "ES-EFFECT-ACTION", "NONE"),
            ("https://example.org/areas.gpkg", "", "ES-PATH", ""),
        }
    )

    @pytest.fixture
    def bad(self, project):
        areas = '[groups.far]\nlabel = "g"\nlayer = "https://example.org/areas.gpkg"\n'
        more = LOW_INCOME + areas + HEAT.replace("heat]", "warmth]").replace("heat.tif", "none.tif")
        cost = 'cost = "cost"\ncost_low = "low"\n'
        return project(zones=self.ZONES, plan=self.PLAN, effects=self.EFFECTS, more=more, actions=cost)

    def test_are_found_in_one_error(self, bad):
        with pytest.raises(InputError, match="faults in the input") as caught:
            screen_project(bad)
        found = {(f.source, f.row, f.code, f.value.replace("nan", "")) for f in caught.value.findings}
        assert self.PLANTED - found == set()
        assert all(f.mend and f.reason for f in caught.value.findings)

    def test_and_nothing_else_but_what_follows_from_them(self, bad):
        more = {item[2] for item in refused(bad)} - {item[2] for item in self.PLANTED}
        assert more == set()

    def test_and_nothing_is_written(self, bad):
        before = {p.name: p.stat().st_mtime_ns for p in bad.parent.iterdir()}
        with pytest.raises(InputError, match="faults in the input"):
            screen_project(bad)
        assert {p.name: p.stat().st_mtime_ns for p in bad.parent.iterdir()} == before

    def test_each_row_keeps_its_fate(self, bad):
        status = gathered(bad).status
        status = status[status["row"] != ""].set_index(["input", "row"])["status"]
        assert status["zones.gpkg"].tolist() == ["used", "refused", "refused", "refused"]
        assert status["plan.csv"].tolist() == ["refused"] * 8 + ["used"]

    def test_rows_may_be_refused_and_the_rest_used(self, project):
        path = project(
            zones=self.ZONES, plan=self.PLAN, effects=self.EFFECTS, top='on_bad_row = "refuse"', more=LOW_INCOME
        )
        result = screen_project(path)
        assert result.neighbourhoods.index.tolist() == ["A"]
        assert result.actions.index.tolist() == ["CITY", "GOOD", "RANGE"]
        assert result.by_effect.index.tolist() == [("GOOD", "benefit", "e")]


class TestUptake:
    """What a run refuses a check finds: it stops before the overlay."""

    HEAD = "action,ledger,effect,unit,amount,reach,uptake\n"

    @pytest.mark.parametrize(
        ("uptake", "code"),
        [("low_incme=0.5", "ES-UPTAKE-GROUP"), ("low_income=0.5; old=0.2", "ES-UPTAKE-OVERLAP")],
    )
    def test_of_groups_that_cannot_be_used(self, project, uptake, code):
        effects = self.HEAD + f"CITY,benefit,money,EUR,1,citywide,{uptake}\nSPOT,burden,noise,dB,2,,\n"
        old = '[groups.old]\nlabel = "Older people"\ncount = "old"\n'
        path = project(zones=four_zones().assign(old=[99.0, 0, 0, 0]), effects=effects, more=LOW_INCOME + old)
        inputs = gathered(path)
        (found,) = inputs.refused
        assert (found.code, found.source, found.id) == (code, "effects.csv", "CITY")
        assert found.reason.endswith("(effect 'money' of CITY)")
        assert inputs.fatal
        fates = inputs.status[inputs.status["input"] == "effects.csv"]
        assert fates["status"].tolist()[0] == "refused"


class TestWholeFiles:
    def test_without_neighbourhoods_the_other_files_are_still_read(self, project):
        path = project(plan=ACTIONS.replace("citywide", "nowhere"))
        (path.parent / "zones.gpkg").unlink()
        codes = [f.code for f in gathered(path).refused]
        assert codes[0] == "ES-FILE-MISSING"
        assert "ES-WHERE" in codes

    @pytest.mark.parametrize("lost", ["every polygon", "every count"])
    def test_without_one_good_neighbourhood(self, project, lost):
        zones = four_zones()
        zones = zones.set_geometry(zones.centroid) if lost == "every polygon" else zones.assign(population=np.nan)
        found = refused(project(zones=zones, top='on_bad_row = "refuse"'))
        assert [f[1] for f in found] == ["feature 1", "feature 2", "feature 3", "feature 4", ""]
        assert found[-1][::2] == ("zones.gpkg", "ES-FILE-UNUSABLE")

    @pytest.mark.parametrize("keep_zones", [True, False])
    def test_action_files_of_two_crs(self, project, keep_zones):
        path = project(more='[[actions]]\nfile = "more.geojson"\nid = "id"\n')
        spot = gpd.GeoDataFrame({"id": ["MORE"]}, geometry=[shapely.Point(561_500, 6_201_500)], crs=25832)
        spot.to_crs(4326).to_file(path.parent / "more.geojson")
        if not keep_zones:
            (path.parent / "zones.gpkg").unlink()
        inputs = gathered(path)
        assert inputs.plan.actions.index.tolist() == ["CITY", "MORE", "SPOT"]
        assert inputs.plan.actions.geometry["MORE"].distance(spot.geometry[0]) < 1e-3
        assert [f.code for f in inputs.refused] == ([] if keep_zones else ["ES-FILE-MISSING"])

    def test_an_id_in_two_files(self, project):
        path = project(more='[[actions]]\nfile = "more.csv"\nid = "id"\nwhere = "where"\n')
        (path.parent / "more.csv").write_text("id,where\nCITY,citywide\n", encoding="utf-8")
        with pytest.raises(InputError, match=r"more.csv, plan.csv, id CITY: the id stands in two files of actions"):
            screen_project(path)

    def test_a_prefix_keeps_them_apart(self, project):
        path = project(more='[[actions]]\nfile = "more.csv"\nid = "id"\nwhere = "where"\nid_prefix = "m-"\n')
        (path.parent / "more.csv").write_text("id,where\nCITY,citywide\n", encoding="utf-8")
        assert gathered(path).plan.actions.index.tolist() == ["CITY", "SPOT", "m-CITY"]

    def test_an_effect_in_the_table_and_in_a_rule(self, project):
        rule = (
            '[[effects]]\nledger = "benefit"\neffect = "money"\nunit = "EUR"\nactions = ["CITY"]\nreach = "citywide"\n'
        )
        found = [f for f in gathered(project(more=rule)).refused if f.code == "ES-EFFECT-TWICE"]
        assert [(f.id, f.value) for f in found] == [("CITY", "money")]

    def test_a_people_table_with_other_ids(self, project):
        path = project(neighbourhoods='table = "people.csv"\n')
        (path.parent / "people.csv").write_text("neighbourhood,n\nA,1\nB,2\nC,3\nE,4\n", encoding="utf-8")
        found = refused(path)
        assert found == [
            ("people.csv", "row 5", "ES-JOIN-UNMATCHED", "E"),
            ("zones.gpkg", "feature 4", "ES-JOIN-UNMATCHED", "D"),
        ]


class TestBlocks:
    BLOCKS = '[blocks]\nfile = "blocks.csv"\npeople = "n"\nx = "x"\ny = "y"\ncrs = "EPSG:25832"\n'

    def test_neighbourhoods_without_points_are_flagged(self, project):
        path = project(top='apportion = "points"', more=self.BLOCKS)
        (path.parent / "blocks.csv").write_text(
            "x,y,n\n560500,6200500,9\n561500,6200500,0\n560500,6201500,3\n", encoding="utf-8"
        )
        inputs = gathered(path)
        assert inputs.blocks["people"].tolist() == [9.0, 0.0, 3.0]
        assert [(f.code, f.id, f.status) for f in inputs.findings if f.code == "ES-BLOCK-NONE"] == [
            ("ES-BLOCK-NONE", "B", "flagged"),
            ("ES-BLOCK-NONE", "D", "flagged"),
        ]
        rows = inputs.status[(inputs.status["input"] == "zones.gpkg") & (inputs.status["row"] != "")]
        fates = rows.set_index("id")["status"]
        assert fates.to_dict() == {"A": "used", "B": "flagged", "C": "used", "D": "flagged"}


@pytest.mark.parametrize("crs", [4326, 3857, 3034, "+proj=utm +zone=32 +datum=WGS84 +units=us-ft"], ids=str)
def test_reach_is_the_same_in_degrees_mercator_and_feet(project, crs):
    # A disc of 300 m in the middle of A: its area of 1 km², with 100 people.
    effects = "action,ledger,effect,unit,amount,reach,distance_m\nSPOT,burden,noise,dB,2,within,300\n"
    result = screen_project(project(zones=four_zones().to_crs(crs), effects=effects))
    assert result.by_effect["people_reached"].tolist() == pytest.approx([100 * np.pi * 0.09], rel=2e-3)

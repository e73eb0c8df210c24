"""Actions and effects of a project: every file of them, and what only shows between them."""

from __future__ import annotations

import pytest

from equity_screen.boundaries import boundary_of_column
from equity_screen.gathered import Gathered
from equity_screen.plans import gather_plan
from equity_screen.project import parse_project
from equity_screen.synthetic import four_zones

HEAD = '[neighbourhoods]\nfile = "z.gpkg"\nid = "id"\npopulation = "n"\n'
FILE = '[[actions]]\nfile = "{name}"\nid = "id"\nwhere = "where"\n'
RULE = '[[effects]]\nledger = "benefit"\neffect = "shade"\nunit = "K"\n'
ZONES = four_zones().assign(bank=["S", "S", "N", "N"])
BANKS = boundary_of_column(ZONES, "bank", label="Banks", source="z.gpkg")[0]


class Folder:
    """A folder of plan files and what was gathered from it."""

    def __init__(self, path):
        self.path, self.told = path, []

    def write(self, **texts):
        for name, text in texts.items():
            (self.path / f"{name}.csv").write_text(text, encoding="utf-8")

    def gather(self, text, *, zones=ZONES):
        project = parse_project(text)
        self.gathered = Gathered(self.path)
        self.told.clear()
        return gather_plan(self.gathered, project, zones=zones, boundaries={"bank": BANKS}, progress=self.told.append)

    @property
    def refused(self):
        return [(f.source, f.code, f.id or f.value) for f in self.gathered.findings if f.status == "refused"]


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    made.write(
        one="id,where\nB,citywide\nA,zones:A\n",
        two="id,where\nC,bank:S\n",
        effects="action,ledger,effect,unit,amount\nA,burden,noise,dB,3\n",
    )
    return made


def files(*names, top="", more=""):
    return f"{top}\n{HEAD}" + "".join(FILE.format(name=f"{name}.csv") for name in names) + more


class TestActions:
    def test_of_several_files_in_the_order_of_their_ids(self, folder):
        plan = folder.gather(files("two", "one", more=RULE))
        assert plan.actions[["where", "zones", "source"]].reset_index().to_numpy().tolist() == [
            ["A", "zones", "A", "one.csv"],
            ["B", "citywide", "", "one.csv"],
            ["C", "zones", "A;B", "two.csv"],
        ]
        assert plan.effects["action"].tolist() == ["A", "B", "C"]
        assert folder.told == ["two.csv", "one.csv"]

    def test_a_project_without_any_has_an_empty_plan(self, folder):
        indicator = '[indicators.heat]\nlabel = "Heat"\nunit = "K"\nhigher_is = "worse"\ncolumn = "heat"\n'
        plan = folder.gather(HEAD + indicator)
        assert (len(plan.actions), len(plan.effects), folder.gathered.findings) == (0, 0, [])
        assert plan.actions.crs == ZONES.crs

    def test_of_one_that_cannot_be_read_there_is_no_plan_but_the_others_are_looked_at(self, folder):
        folder.write(two="id,where\nC,nowhere\n")
        assert folder.gather(files("gone", "two", top='effects_file = "effects.csv"')) is None
        assert folder.refused == [("gone.csv", "ES-FILE-MISSING", ""), ("two.csv", "ES-WHERE", "C")]

    def test_an_id_in_two_files_is_refused(self, folder):
        folder.write(two="id,where\nB,citywide\n")
        assert folder.gather(files("one", "two", more=RULE)) is None
        assert folder.refused == [("one.csv, two.csv", "ES-ID-TWO-FILES", "B")]
        assert folder.gathered.fatal

    def test_rows_set_aside_have_a_fate_and_are_no_action(self, folder):
        folder.write(one="id,where,kind\nB,citywide,x\nA,citywide,y\n")
        project = files("one").replace('where = "where"\n', 'where = "where"\nonly_where = { kind = ["y"] }\n')
        plan = folder.gather(project + RULE)
        assert plan.actions.index.tolist() == ["A"]
        fates = folder.gathered.fates()
        assert fates[["row", "codes"]].to_numpy().tolist() == [
            ["row 2", "ES-ACTION-ASIDE"],
            ["row 3", ""],
            ["", "ES-ACTION-ASIDE"],
        ]

    def test_without_neighbourhoods_places_are_only_listed(self, folder):
        plan = folder.gather(files("one", more=RULE), zones=None)
        assert plan.actions["zones"].tolist() == ["A", ""]
        assert folder.refused == []


class TestEffects:
    def test_of_the_table_and_of_rules(self, folder):
        plan = folder.gather(files("one", top='effects_file = "effects.csv"', more=RULE))
        assert plan.effects[["action", "ledger", "effect"]].to_numpy().tolist() == [
            ["A", "benefit", "shade"],
            ["A", "burden", "noise"],
            ["B", "benefit", "shade"],
        ]

    def test_one_twice(self, folder):
        folder.write(effects="action,ledger,effect,unit,amount\nA,benefit,shade,K,3\n")
        folder.gather(files("one", top='effects_file = "effects.csv"', more=RULE))
        assert folder.refused == [("effects.csv", "ES-EFFECT-TWICE", "A")]
        assert folder.gathered.fatal

    def test_of_an_action_that_is_not_there(self, folder):
        folder.write(effects="action,ledger,effect,unit,amount\nZ,benefit,shade,K,3\n")
        folder.gather(files("one", top='effects_file = "effects.csv"'))
        assert [code for _, code, _ in folder.refused] == ["ES-EFFECT-ACTION"]

    def test_without_actions_every_id_is_taken_for_known(self, folder):
        folder.write(effects="action,ledger,effect,unit,amount\nZ,benefit,shade,K,-3\n")
        assert folder.gather(files("gone", top='effects_file = "effects.csv"')) is None
        assert [code for _, code, _ in folder.refused] == ["ES-FILE-MISSING", "ES-EFFECT-NEGATIVE"]

    @pytest.mark.parametrize(
        ("place", "reach", "code"),
        [
            ("unknown", "citywide", "ES-EFFECT-NO-PLACE"),
            ("citywide", "within", "ES-EFFECT-CITYWIDE"),
            ("unknown", "footprint", None),
            ("zones:A", "within", None),
        ],
    )
    def test_a_reach_that_its_action_cannot_have_is_told(self, folder, place, reach, code):
        folder.write(
            one=f"id,where\nA,{place}\n",
            effects=f"action,ledger,effect,unit,amount,reach,distance_m\nA,benefit,e,K,3,{reach},"
            f"{50 if reach == 'within' else ''}\n",
        )
        folder.gather(files("one", top='effects_file = "effects.csv"'))
        codes = [f.code for f in folder.gathered.findings if f.code.startswith("ES-EFFECT")]
        assert codes == ([code] if code else [])

    def test_a_footprint_without_an_area_is_told(self, folder):
        folder.write(one="id,x,y\nA,560500,6200500\n", effects="action,ledger,effect,unit,amount\nA,benefit,e,K,3\n")
        place = 'x = "x"\ny = "y"\ncrs = "EPSG:25832"\n'
        folder.gather(files("one", top='effects_file = "effects.csv"').replace('where = "where"\n', place))
        found = [(f.status, f.code, f.id) for f in folder.gathered.findings]
        assert found == [("flagged", "ES-EFFECT-NO-AREA", "A")]


class TestReaches:
    """Reaches with files of their own, read with the plan: their hashes, findings and fates are kept."""

    RULE = RULE.rstrip("\n") + "\n{reach}\n"
    TIMES = "action,neighbourhood,minutes\nA,A,5\nA,B,12\nB,C,3\n"

    def effects(self, folder, reach, *, head="", one="id,where\nA,unknown\n", zones=ZONES):
        folder.write(one=one)
        plan = folder.gather(files("one", more=head + self.RULE.format(reach=reach)), zones=zones)
        return None if plan is None else plan.effects

    def codes(self, folder):
        return [f.code for f in folder.gathered.findings if f.code != "ES-ACTION-UNLOCATED"]

    def test_travel_times(self, folder):
        folder.write(times=self.TIMES)
        table = self.effects(folder, 'reach = "travel"\nlayer = "times.csv"\nminutes = 12')
        assert table["zones"].tolist() == ["A;B"]
        assert self.codes(folder) == []
        assert {f["file"]: f["rows"] for f in folder.gathered.files} == {"one.csv": 1, "times.csv": 3}

    def test_faults_of_their_rows_are_gathered(self, folder):
        folder.write(times=self.TIMES + "A,Z,4\nA,C,-4\n")
        self.effects(folder, 'reach = "travel"\nlayer = "times.csv"\nminutes = 12')
        assert self.codes(folder) == ["ES-TIMES-PLACE", "ES-TIMES-MINUTES"]
        fates = folder.gathered.fates()
        assert fates[fates["input"] == "times.csv"]["status"].tolist() == ["used"] * 3 + ["refused"] * 2

    def test_an_action_without_a_row(self, folder):
        folder.write(times=self.TIMES)
        one = "id,where\nA,unknown\nAB,unknown\n"
        assert self.effects(folder, 'reach = "travel"\nlayer = "times.csv"\nminutes = 12', one=one) is None
        (found,) = [f for f in folder.gathered.findings if f.status == "refused"]
        assert (found.code, found.source, found.value) == ("ES-REACH-NO-ROW", "times.csv", "AB")
        assert found.mend == "did you mean 'B'?"
        assert folder.gathered.fatal

    def test_an_action_of_the_plan_is_not_what_was_meant(self, folder):
        folder.write(times=self.TIMES)
        head = '[[effects]]\nledger = "burden"\neffect = "noise"\nunit = "dB"\nactions = ["A"]\n'
        self.effects(
            folder,
            'actions = ["B1"]\nreach = "travel"\nlayer = "times.csv"\nminutes = 12',
            head=head,
            one="id,where\nA,unknown\nB,unknown\nB1,unknown\n",
        )
        (found,) = [f for f in folder.gathered.findings if f.code == "ES-REACH-NO-ROW"]
        assert found.reason == "the file of this reach has no such row for effect 'shade' of B1"
        assert found.mend == "add the action to the file, or write another reach"

    def test_a_file_that_is_not_there(self, folder):
        assert self.effects(folder, 'reach = "travel"\nlayer = "gone.csv"\nminutes = 12') is None
        assert folder.refused == [("gone.csv", "ES-FILE-MISSING", "")]

    def test_without_neighbourhoods_times_are_not_matched(self, folder):
        folder.write(times=self.TIMES)
        table = self.effects(folder, 'reach = "travel"\nlayer = "times.csv"\nminutes = 12', zones=None)
        assert table["zones"].tolist() == [""]

    @pytest.mark.parametrize(
        ("reach", "code"),
        [
            ('reach = "within"\ndistance_m = 50', "ES-EFFECT-NO-PLACE"),
            ('reach = "ring"\ninner_m = 10\ndistance_m = 50', "ES-EFFECT-NO-PLACE"),
            ('reach = "decay"\nkernel = "linear"\ndistance_m = 50', "ES-EFFECT-NO-PLACE"),
            ('reach = "travel"\nlayer = "times.csv"\nminutes = 12', None),
        ],
    )
    def test_a_reach_without_a_place_is_told_unless_it_brings_one(self, folder, reach, code):
        folder.write(times=self.TIMES)
        self.effects(folder, reach)
        assert self.codes(folder) == ([code] if code else [])

    @pytest.mark.parametrize(
        ("reach", "code"),
        [
            ('reach = "ring"\ninner_m = 10\ndistance_m = 50', "ES-EFFECT-CITYWIDE"),
            ('reach = "decay"\nkernel = "linear"\ndistance_m = 50', "ES-EFFECT-CITYWIDE"),
            ('reach = "travel"\nlayer = "times.csv"\nminutes = 12', None),
        ],
    )
    def test_a_distance_around_the_whole_city_is_told(self, folder, reach, code):
        folder.write(times=self.TIMES)
        self.effects(folder, reach, one="id,where\nA,citywide\n")
        assert self.codes(folder) == ([code] if code else [])

    def test_kinds_of_the_project_stand_over_the_catalogue(self, folder):
        own = '[kinds.bus_stop]\ndistance_m = 500\nsource = "Transport plan 2024, p. 12"\n'
        table = self.effects(folder, 'kind = "bus_stop"', head=own, one="id,where\nA,zones:A\n")
        assert table[["reach", "distance_m"]].to_numpy().tolist() == [["within", 500.0]]
        assert table["reach_source"].tolist() == [
            "Bus stop: within 500 m (the project states: Transport plan 2024, p. 12)"
        ]

    def test_a_kind_that_is_not_known(self, folder):
        self.effects(folder, 'kind = "bus_stp"', one="id,where\nA,zones:A\n")
        (found,) = folder.gathered.findings
        assert (found.code, found.mend) == ("ES-EFFECT-KIND", "did you mean 'bus_stop'?")

    def test_uptake_of_a_rule(self, folder):
        table = self.effects(folder, "uptake = { low_income = 0.5, others = 0.1 }", one="id,where\nA,zones:A\n")
        assert table["uptake"].tolist() == ["low_income=0.5; others=0.1"]

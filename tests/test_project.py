"""The project file: every fault with its line, every typo with its nearest key."""

from __future__ import annotations

import pytest

from equity_screen.errors import InputError
from equity_screen.project import parse_project, read_project

BASE = """\
effects_file = "effects.csv"
[neighbourhoods]
file = "zones.gpkg"
id = "id"
population = "pop"
"""
ACTIONS = """\
[[actions]]
file = "a.csv"
[[actions]]
file = "b.csv"
"""
WHOLE = BASE + ACTIONS
INDICATOR = '[indicators.heat]\nlabel = "Heat"\nunit = "K"\nhigher_is = "worse"\ncolumn = "heat"\n'


def faults(text):
    with pytest.raises(InputError, match="in the input") as caught:
        parse_project(text, name="city.toml")
    return caught.value.findings


def places(text):
    return [(f.code, f.row, f.column) for f in faults(text)]


def line(text, part, *, skip=0):
    """Name the line of `text` that holds `part`, after `skip` others that do."""
    return "line " + str([i for i, row in enumerate(text.splitlines(), 1) if part in row][skip])


class TestGood:
    def test_the_smallest(self):
        project = parse_project(WHOLE)
        assert project.neighbourhoods.file == "zones.gpkg"
        assert [a.file for a in project.actions] == ["a.csv", "b.csv"]
        assert (project.on_bad_row, project.apportion, project.index.recipe) == ("stop", "area", "neutral")

    def test_the_question_is_what_is_no_file(self):
        project = parse_project('title = "T"\n' + WHOLE + '[groups.g]\nlabel = "G"\ncount = "n"\n')
        assert (project.question.title, list(project.question.groups)) == ("T", ["g"])
        assert not hasattr(project.question, "neighbourhoods")

    def test_a_baseline_run_has_no_actions(self):
        project = parse_project(BASE.replace('effects_file = "effects.csv"\n', "") + INDICATOR)
        assert (project.actions, project.effects, list(project.indicators)) == ((), (), ["heat"])

    def test_without_people(self):
        project = parse_project(BASE.replace('population = "pop"\n', "") + ACTIONS)
        assert project.neighbourhoods.population is None

    def test_boundaries_and_tables_on_other_zones(self):
        wards = '[boundaries.ward]\nlabel = "Wards"\nfile = "w.gpkg"\nid = "nr"\n'
        earlier = '[[earlier]]\nfile = "c.csv"\nid = "z"\ncrosswalk = "x.csv"\n'
        earlier += 'source_id = "a"\ntarget_id = "b"\nshare = "s"\ncounts = ["people"]\n'
        project = parse_project(WHOLE + wards + earlier)
        assert project.boundaries["ward"].id == "nr"
        assert project.earlier[0].counts == ("people",)

    def test_names_are_read_from_its_folder(self, tmp_path):
        (tmp_path / "city.toml").write_text(WHOLE, encoding="utf-8")
        assert read_project(tmp_path / "city.toml").folder == tmp_path


class TestTypos:
    @pytest.mark.parametrize(
        ("extra", "part", "place", "nearest"),
        [
            ('titel = "x"\n', "titel", "titel", "title"),
            ('[groups.g]\nlabel = "G"\ncuont = "n"\ncount = "n"\n', "cuont", "groups.g.cuont", "count"),
            (
                '[groups."low income"]\nlabel = "G"\ncount = "n"\nmargn = "m"\n',
                "margn",
                "groups.low income.margn",
                "margin",
            ),
            ("[priority]\nat_least = 1\natmost = 2\n", "atmost", "priority.atmost", "at_most"),
            (
                '[priority]\nat_least = 1\n[priority.policy]\nshare = 0.4\nsource = "s"\nstatus = "s"\nbasi = "b"\n',
                "basi",
                "priority.policy.basi",
                "basis",
            ),
            ('groups.g = { label = "G", count = "n", unverse = "u" }\n', "unverse", "groups.g.unverse", "universe"),
            (
                'groups.g.label = "G"\ngroups.g.count = "n"\ngroups.g.mising = "n"\n',
                "mising",
                "groups.g.mising",
                "missing",
            ),
            ('[indez]\nrecipe = "neutral"\n', "indez", "indez", "index"),
        ],
        ids=["top", "table", "quoted table", "rule", "nested table", "inline table", "dotted keys", "a table's name"],
    )
    def test_names_the_nearest_key_and_the_line(self, extra, part, place, nearest):
        text = WHOLE + extra if extra.startswith("[") else extra + WHOLE
        (fault,) = faults(text)
        assert (fault.code, fault.source, fault.column) == ("ES-PROJECT-KEY", "city.toml", place)
        assert fault.row == line(text, part)
        assert fault.mend == f"did you mean '{nearest}'?"

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_in_the_right_table_of_an_array(self, number):
        tables = [f'[[actions]]\nfile = "{i}.csv"\n' for i in range(3)]
        tables[number] += 'cosst = "c"\n'
        text = BASE + "".join(tables)
        (fault,) = faults(text)
        assert (fault.row, fault.column, fault.mend) == (
            line(text, "cosst"),
            f"actions.{number}.cosst",
            "did you mean 'cost'?",
        )

    def test_the_same_typo_in_every_table_of_an_array(self):
        text = BASE + ACTIONS.replace(".csv", '.csv"\nnmae = "n')
        assert [f.row for f in faults(text)] == [line(text, "nmae"), line(text, "nmae", skip=1)]

    def test_a_key_of_the_same_name_elsewhere_is_not_meant(self):
        text = WHOLE + '[rankings.r]\ncolumn = "c"\nhigher_is = "advantaged"\nlayer = "x"\n'
        text = text.replace('file = "zones.gpkg"\n', 'file = "zones.gpkg"\nlayer = "z"\n')
        assert places(text) == [("ES-PROJECT-KEY", line(text, 'layer = "x"'), "rankings.r.layer")]


class TestMissing:
    def test_names_the_table(self):
        text = WHOLE.replace('id = "id"\n', "")
        (fault,) = faults(text)
        assert (fault.code, fault.row, fault.column) == ("ES-PROJECT-MISSING", "line 2", "neighbourhoods.id")
        assert fault.mend == "add id = …"

    def test_in_the_first_of_two_tables(self):
        text = WHOLE.replace('file = "a.csv"\n', 'id = "id"\n')
        assert places(text) == [("ES-PROJECT-MISSING", line(text, "[[actions]]"), "actions.0.file")]

    def test_in_the_last_of_two_tables(self):
        text = WHOLE.replace('file = "b.csv"\n', 'id = "id"\n')
        assert places(text) == [("ES-PROJECT-MISSING", line(text, "[[actions]]", skip=1), "actions.1.file")]

    def test_whole_tables(self):
        assert places('title = "x"\n') == [("ES-PROJECT-MISSING", "", "neighbourhoods")]


class TestValues:
    @pytest.mark.parametrize(
        ("extra", "place", "value", "reason"),
        [
            ('apportion = "people"\n', "apportion", "'people'", "input should be 'points' or 'area'"),
            ("title = 3\n", "title", "3", "input should be a valid string"),
            ("illustrative = 7\n", "illustrative", "7", "valid boolean"),
            ("epsilons = []\n", "epsilons", "", "at least 1 item"),
        ],
    )
    def test_name_line_value_and_what_is_expected(self, extra, place, value, reason):
        text = "\n" + extra + WHOLE
        (fault,) = faults(text)
        assert (fault.code, fault.row, fault.column, fault.value) == ("ES-PROJECT-VALUE", "line 2", place, value)
        assert reason in fault.reason

    def test_two_sources_of_a_group(self):
        text = WHOLE + '[groups.g]\nlabel = "G"\ncount = "n"\nlayer = "l.gpkg"\n'
        (fault,) = faults(text)
        assert (fault.row, fault.column) == (line(text, "[groups.g]"), "groups.g")
        assert fault.reason.startswith("give one of count, share or layer")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (WHOLE.replace('effects_file = "effects.csv"\n', ""), "no effects: give effects_file, or"),
            ('apportion = "points"\n' + WHOLE, 'apportion = "points" needs [blocks]'),
            (WHOLE + '[priority]\nat_least = 1\npeople = "g"\n', "priority.people = 'g' is none of the groups []"),
            (BASE, "effects without [[actions]]: say where the actions are"),
            ("actions = []\n" + BASE + INDICATOR, "effects without [[actions]]: say where the actions are"),
            (BASE.replace('effects_file = "effects.csv"\n', ""), "neither [[actions]] nor [indicators]"),
            (WHOLE + '[boundaries.zone]\nlabel = "Z"\ncolumn = "z"\n', "boundary 'zone' has a name that means"),
            (WHOLE + '[boundaries.CityWide]\nlabel = "Z"\ncolumn = "z"\n', "boundary 'CityWide' has a name"),
        ],
    )
    def test_what_does_not_hang_together(self, text, reason):
        (fault,) = faults(text)
        assert reason in fault.reason

    @pytest.mark.parametrize(
        ("extra", "asked"),
        [
            ('[groups.g]\nlabel = "G"\ncount = "n"\n', "groups"),
            ('[blocks]\nfile = "b.csv"\npeople = "n"\n', "blocks"),
            ('households = "h"\n', "neighbourhoods.households"),
            ('population_margin = "m"\n', "neighbourhoods.population_margin"),
            ('unpopulated_where = { kind = ["park"] }\n', "neighbourhoods.unpopulated_where"),
        ],
    )
    def test_what_cannot_be_had_without_people(self, extra, asked):
        head = BASE.replace('population = "pop"\n', "")
        text = head + ACTIONS + extra if extra.startswith("[") else head + extra + ACTIONS
        (fault,) = faults(text)
        assert fault.reason == f"{asked} needs neighbourhoods.population"

    @pytest.mark.parametrize(
        "name", ["zones", "unknown", "neighbourhood", "Priority", "all", "status", "sector", "decade"]
    )
    def test_boundaries_are_no_word_of_ours(self, name):
        (fault,) = faults(WHOLE + f'[boundaries.{name}]\nlabel = "Z"\ncolumn = "z"\n')
        assert f"boundary '{name}' has a name that means something else" in fault.reason

    @pytest.mark.parametrize("name", ["a:b", "a;b", ""])
    def test_a_boundary_that_no_place_could_name(self, name):
        (fault,) = faults(WHOLE + f'[boundaries."{name}"]\nlabel = "Z"\ncolumn = "z"\n')
        assert f"boundary '{name}' has a name that cannot stand before a colon" in fault.reason

    def test_boundaries_that_differ_in_case_only(self):
        tables = [f'[boundaries.{name}]\nlabel = "Z"\ncolumn = "z"\n' for name in ("ward", "Ward")]
        (fault,) = faults(WHOLE + "".join(tables))
        assert fault.reason.count("stands twice but for case") == 2

    def test_every_fault_at_once(self):
        text = 'titel = "x"\n' + WHOLE.replace('id = "id"\n', "idd = 3\n") + '[groups.g]\nlabel = 7\nmissing = "no"\n'
        found = places(text)
        assert ("ES-PROJECT-KEY", "line 1", "titel") in found
        assert ("ES-PROJECT-KEY", line(text, "idd"), "neighbourhoods.idd") in found
        assert ("ES-PROJECT-VALUE", line(text, "missing"), "groups.g.missing") in found
        assert len(found) == 5


class TestText:
    @pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n"])
    def test_empty(self, text):
        assert places(text) == [("ES-PROJECT-EMPTY", "", "")]

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("id = 06001\n", "line 1"),
            ("a = 1\na = 2\n", "line 2"),
            ("x = [1,\n", "line 2"),
            ("[neighbourhoods\n", "line 1"),
            ("a = \n", "line 1"),
        ],
    )
    def test_not_toml_names_the_line(self, text, part):
        (fault,) = faults(text)
        assert fault.code == "ES-PROJECT-TOML"
        assert part in fault.reason or "end of document" in fault.reason
        assert 'stand in quotes: "06001"' in fault.mend

    def test_nested_too_deeply(self):
        assert places("a = " + "[" * 100_000) == [("ES-PROJECT-TOML", "", "")]

    def test_another_encoding(self, tmp_path):
        (tmp_path / "city.toml").write_bytes('title = "Ærø"'.encode("latin-1"))
        with pytest.raises(InputError, match=r"city.toml: not UTF-8 text. Mend: save it as UTF-8"):
            read_project(tmp_path / "city.toml")

    def test_values_from_the_file_are_cut_and_plain(self):
        (fault,) = faults('apportion = "' + "x" * 500 + '\\u001b"\n' + WHOLE)
        assert len(fault.value) <= 80
        assert fault.value.isprintable()

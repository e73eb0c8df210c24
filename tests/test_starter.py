"""A project file to begin with: it can be read, proposes the right columns, and no name breaks it."""

from __future__ import annotations

import json
import tomllib

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, strategies as st

from equity_screen.errors import InputError
from equity_screen.project import parse_project
from equity_screen.starter import GUESSES, columns_of, guess, project_text
from equity_screen.synthetic import write_city

HOSTILE = [
    'a "quoted" name',
    "back\\slash",
    "two\nlines",
    "x\n[evil]\nkey = 1",
    "x\r\n[[actions]]\r\nfile = 'y'",
    "]]",
    "# no comment",
    "{braces} {0} {{x}}",
    "%s %d",
    "'''",
    '"""',
    "tab\there",
    "del\x7fete",
    "bell\x07",
    "line\u2028separator",
    "øæå 🌳",
]


def write_csv(path, columns):
    cells = ('"' + column.replace('"', '""') + '"' for column in columns)
    path.write_text(",".join(cells) + "\n" + ",".join("1" for _ in columns) + "\n", encoding="utf-8", newline="")


def write_geojson(path, columns):
    feature = {"type": "Feature", "properties": dict.fromkeys(columns, 1), "geometry": None}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")


def write_gpkg(path, columns):
    frame = gpd.GeoDataFrame({column: [1] for column in columns}, geometry=[shapely.Point(0, 0)], crs=4326)
    frame.to_file(path, layer="zones")


WRITERS = {"csv": write_csv, "geojson": write_geojson, "json": write_geojson, "gpkg": write_gpkg}


@pytest.mark.parametrize("kind", WRITERS)
class TestColumns:
    def test_in_file_order(self, tmp_path, kind):
        WRITERS[kind](tmp_path / f"z.{kind}", ["GEOID", "pop_2020", "NAME"])
        assert columns_of(tmp_path / f"z.{kind}") == ["GEOID", "pop_2020", "NAME"]

    def test_are_proposed(self, tmp_path, kind):
        WRITERS[kind](tmp_path / f"z.{kind}", ["objectid", "GEOID", "POP_2020", "NAMELSAD"])
        zones = parse_project(project_text(f"z.{kind}", folder=tmp_path)).neighbourhoods
        assert (zones.file, zones.id, zones.population, zones.name) == (f"z.{kind}", "GEOID", "POP_2020", "NAMELSAD")

    def test_of_actions_are_proposed(self, tmp_path, kind):
        WRITERS[kind](tmp_path / f"a.{kind}", ["action_id", "title", "sector", "capex", "GHG", "status", "lon", "lat"])
        (actions,) = parse_project(project_text(None, f"a.{kind}", folder=tmp_path)).actions
        assert (actions.id, actions.name, actions.sector) == ("action_id", "title", "sector")
        assert (actions.cost, actions.tco2e, actions.status) == ("capex", "GHG", "status")
        expected = ("lon", "lat", "EPSG:4326") if kind == "csv" else (None, None, None)
        assert (actions.x, actions.y, actions.crs) == expected

    def test_what_is_not_found_is_left_off(self, tmp_path, kind):
        WRITERS[kind](tmp_path / f"z.{kind}", ["foo", "bar"])
        text = project_text(f"z.{kind}", f"z.{kind}", folder=tmp_path)
        project = parse_project(text)
        assert (project.neighbourhoods.name, project.actions[0].cost) == (None, None)
        assert text.count("# columns found: foo, bar\n") == 2

    @pytest.mark.parametrize("name", HOSTILE, ids=repr)
    def test_no_column_name_breaks_the_file(self, tmp_path, kind, name):
        WRITERS[kind](tmp_path / f"z.{kind}", [name, f"{name} id", f"{name} pop", f"{name} cost"])
        first, *_ = read = columns_of(tmp_path / f"z.{kind}")
        project = parse_project(project_text(f"z.{kind}", f"z.{kind}", folder=tmp_path))
        assert first == name
        assert project.neighbourhoods.id in read
        assert project.neighbourhoods.population in read
        assert project.actions[0].cost in read
        assert project.actions[0].file == f"z.{kind}"


class TestText:
    def test_without_files(self):
        project = parse_project(project_text())
        assert (project.neighbourhoods.file, project.actions[0].file) == ("neighbourhoods.gpkg", "actions.geojson")

    def test_of_northhaven(self, tmp_path):
        write_city(tmp_path)
        project = parse_project(project_text("neighbourhoods.gpkg", "actions.geojson", folder=tmp_path))
        assert (project.neighbourhoods.id, project.neighbourhoods.population) == ("id", "population")
        (actions,) = project.actions
        assert (actions.id, actions.name, actions.sector, actions.where) == ("id", "name", "sector", "where")

    @pytest.mark.parametrize("name", [n for n in HOSTILE if "\\" not in n], ids=repr)
    def test_no_file_name_breaks_it(self, tmp_path, name):
        write_csv(tmp_path / f"{name}.csv", ["id", "pop"])
        project = parse_project(project_text(f"{name}.csv", f"{name}.csv", folder=tmp_path))
        assert (project.neighbourhoods.file, project.actions[0].file) == (f"{name}.csv".strip(), f"{name}.csv".strip())

    @given(
        names=st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1, unique=True
        )
    )
    def test_any_columns_give_toml(self, tmp_path_factory, names):
        folder = tmp_path_factory.mktemp("any")
        write_geojson(folder / "z.geojson", names)
        raw = tomllib.loads(project_text("z.geojson", "z.geojson", folder=folder))
        assert set(raw) == {"title", "place", "currency", "neighbourhoods", "actions", "effects"}
        assert raw["neighbourhoods"]["id"] in {*names, "id"}

    def test_what_is_off_can_be_put_on(self):
        """Every commented line but the alternatives is TOML that the project model takes."""
        text = project_text()
        for table in ("groups.low_income", "indicators.heat", "rankings.income", "priority", "priority.policy"):
            assert f"# [{table}]" in text
        optional = {f'# {word} = "column"' for word in (*GUESSES, "households")}
        rows = [row for row in text.splitlines() if row not in optional]
        is_off = [row.startswith("# [") or (row.startswith("# ") and " = " in row[:25]) for row in rows]
        project = parse_project("\n".join(row[2:] if off else row for row, off in zip(rows, is_off, strict=True)))
        assert list(project.groups) == ["low_income"]
        assert project.priority.policy.share == 0.4


class TestGuess:
    @pytest.mark.parametrize(
        ("meaning", "columns", "found"),
        [
            ("id", ["OBJECTID", "GEOID10"], "GEOID10"),
            ("id", ["name", "ID"], "ID"),
            ("population", ["pop_density", "population"], "population"),
            ("population", ["E_TOTPOP"], "E_TOTPOP"),
            ("x", ["xylem", "max"], None),
            ("y", ["city", "Lat"], "Lat"),
            ("cost", [], None),
        ],
    )
    def test_exact_names_before_parts(self, meaning, columns, found):
        assert guess(meaning, columns) == found

    def test_the_first_of_two_that_differ_by_case(self):
        assert guess("id", ["ID", "id"]) == "ID"

    def test_each_meaning_finds_each_of_its_words(self):
        assert all(guess(meaning, [word]) == word for meaning, words in GUESSES.items() for word in words)


class TestFaults:
    def test_no_such_file(self, tmp_path):
        with pytest.raises(InputError, match=r"z.gpkg: no such file"):
            project_text("z.gpkg", folder=tmp_path)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("z.csv", "id,Ærø\n".encode("latin-1")),
            ("z.csv", b'"' + b"x" * 200_000 + b'"\n'),
            ("z.geojson", b"{"),
            ("z.geojson", b"[]"),
            ("z.geojson", b"7"),
            ("z.geojson", b'{"features": null}'),
            ("z.geojson", b'{"features": {"a": 1}}'),
            ("z.geojson", b"[" * 100_000),
            ("z.geojson", b"\xff\xfe"),
            ("z.gpkg", b"no database at all, but longer than a header of SQLite would be"),
        ],
        ids=str,
    )
    def test_not_readable(self, tmp_path, name, content):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: cannot be read") as caught:
            columns_of(tmp_path / name)
        assert [f.code for f in caught.value.findings] == ["ES-FILE-UNREADABLE"]

    @pytest.mark.parametrize(
        "content", [b'{"features": []}', b'{"features": [3, null, {"properties": null}, {"properties": [1]}, {}]}']
    )
    def test_features_without_properties_have_no_columns(self, tmp_path, content):
        (tmp_path / "z.geojson").write_bytes(content)
        assert columns_of(tmp_path / "z.geojson") == []

    def test_kinds_it_cannot_read_have_no_columns(self, tmp_path):
        (tmp_path / "z.parquet").write_bytes(b"PAR1")
        assert columns_of(tmp_path / "z.parquet") == []

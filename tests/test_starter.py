"""The project file to begin with: it can be read, what is off can be put on, and no text breaks it."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, strategies as st

from equity_screen.project import parse_project
from equity_screen.starter import SAMPLES, comment, key_text, line, project_text, quoted, value_text

ANY = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))


class TestToml:
    @given(ANY)
    def test_any_text_comes_back(self, text):
        assert tomllib.loads(f"a = {quoted(text)}")["a"] == text
        assert tomllib.loads(f"{key_text(text)} = 1") == {text: 1}

    @given(ANY, ANY)
    def test_a_comment_never_becomes_a_line(self, text, why):
        raw = tomllib.loads("\n".join([comment(text), line("on", text, why=why), line("off", text, why=why, on=False)]))
        assert raw == {"on": text}

    @pytest.mark.parametrize(
        "value", ["x", 7, 2.5, True, ["a", "b"], {"a": 1, "süd": ["x", {"b": False}]}, {}, [], "\x7f\x07\n", 255.0]
    )
    def test_values_come_back(self, value):
        assert tomllib.loads(f"a = {value_text(value)}")["a"] == value

    def test_a_line_is_one_line(self):
        assert line("a", "two\nlines", why="three\nlines", on=False).count("\n") == 0


class TestText:
    def test_without_files(self):
        project = parse_project(project_text())
        assert (project.neighbourhoods.file, project.actions[0].file) == ("neighbourhoods.gpkg", "actions.geojson")

    def test_a_section_that_is_known_takes_the_place_of_its_sample(self):
        text = project_text({"neighbourhoods": ["[neighbourhoods]", 'file = "z.gpkg"', 'id = "kode"']})
        project = parse_project(text)
        assert (project.neighbourhoods.id, project.neighbourhoods.population) == ("kode", None)
        assert SAMPLES["actions"].strip() in text

    def test_what_is_off_can_be_put_on(self):
        """Every commented line but the alternatives is TOML that the project model takes."""
        rows = [row for row in project_text().splitlines() if '"column"' not in row or "{" in row]
        off = [row.startswith("# [") or (row.startswith("# ") and " = " in row[:25]) for row in rows]
        rows = [row[2:] if is_off else row for row, is_off in zip(rows, off, strict=True)]
        project = parse_project("\n".join(row for row in rows if not row.startswith("table")))
        assert list(project.groups) == ["low_income"]
        assert list(project.boundaries) == ["district"]
        assert project.indicators["heat"].raster == "heat.tif"
        assert project.priority.policy.share == 0.4

"""A project file from the files of a city: what suffices passes the check, what is doubtful is off with its reason."""

from __future__ import annotations

import json
import tomllib

import geopandas as gpd
import pytest
from hypothesis import given, settings, strategies as st

from equity_screen.errors import InputError
from equity_screen.inputs import gather
from equity_screen.project import ProjectFile, parse_project
from equity_screen.proposals import propose_project
from equity_screen.screen import ready
from tests.cities import IDS, PEOPLE, UTM, box, table, write, zones

POOR = [300, 410, 77, 900, 12, 250, 81, 555, 20]
PLAN = table({"id": ["A", "B"], "where": ["citywide", "zones:001;081"], "cost": [5, 7]})
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


def proposed(folder, **tables):
    return propose_project(write(folder, **tables), folder=folder)


def checked(folder, text):
    """Check a project as the command does; give what was found."""
    file = ProjectFile(folder / "screen.toml", parse_project(text))
    inputs = gather(file)
    ready(inputs, file.project)
    return inputs


class TestWhatSuffices:
    def test_one_layer_with_people_and_a_plan(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=PEOPLE, poverty=POOR), plan=PLAN)
        project = parse_project(text)
        assert (project.neighbourhoods.id, project.neighbourhoods.population) == ("kode", "pop")
        assert project.groups["low_income"].count == "poverty"
        inputs = checked(tmp_path, text)
        assert inputs.neighbourhoods["people_low_income"].sum() == sum(POOR)
        assert inputs.plan.actions["cost"].sum() == 12

    def test_people_in_a_table_with_ids_of_lost_zeros(self, tmp_path):
        people = table({"nr": [int(i) for i in IDS], "einwohner": PEOPLE, "Anteil Armut": [0.11] * 9})
        text = proposed(tmp_path, people=people, z=zones(name=[f"Ort {i}" for i in IDS]), plan=PLAN)
        declared = parse_project(text).neighbourhoods
        assert (declared.table, declared.table_id, declared.id_digits) == ("people.csv", "nr", 3)
        assert checked(tmp_path, text).neighbourhoods["population"].tolist() == PEOPLE

    def test_shares_as_percent_and_as_fraction(self, tmp_path):
        shares = {"poverty_pct": [9.5, 12, 30, 1, 2, 3, 4, 5, 6], "foreign_born": [0.1, 0.2] * 4 + [0.3]}
        project = parse_project(proposed(tmp_path, z=zones(pop=PEOPLE, **shares)))
        assert (project.groups["low_income"].share, project.groups["low_income"].share_is) == ("poverty_pct", None)
        assert project.groups["immigrants"].share_is == "fraction"

    def test_a_margin_goes_with_its_group(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=PEOPLE, poverty=POOR, poverty_moe=[30.0, 31] * 4 + [9]))
        assert parse_project(text).groups["low_income"].margin == "poverty_moe"

    def test_without_people_it_is_still_a_project(self, tmp_path):
        text = proposed(tmp_path, z=zones(), plan=PLAN)
        assert parse_project(text).neighbourhoods.population is None
        assert "without one, areas and actions are counted only" in text
        checked(tmp_path, text)

    def test_effects_in_a_file(self, tmp_path):
        effects = table(
            {"action": ["A"], "ledger": ["benefit"], "effect": ["shade"], "unit": ["°C"], "reach": ["citywide"]}
        )
        text = proposed(tmp_path, z=zones(pop=PEOPLE), plan=PLAN, effects=effects)
        assert (parse_project(text).effects_file, parse_project(text).effects) == ("effects.csv", ())
        checked(tmp_path, text)

    def test_the_order_of_files_and_rows_changes_nothing(self, tmp_path):
        tables = {
            "z": zones(pop=PEOPLE, district=["V", "Ø", "Ø"] * 3),
            "plan": PLAN,
            "people": table({"kode": [*IDS[2:], "X2", "X1"], "poverty": POOR}),
        }
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        first = propose_project(write(tmp_path / "a", **tables), folder=tmp_path / "a")
        turned = {name: t.iloc[::-1] for name, t in tables.items()}
        assert propose_project(write(tmp_path / "b", **turned)[::-1], folder=tmp_path / "b") == first


class TestWhatIsDoubtful:
    def test_ids_of_one_side(self, tmp_path):
        text = proposed(tmp_path, z=zones(), people=table({"kode": [*IDS[1:], "X"], "pop": PEOPLE}), plan=PLAN)
        assert "# neighbourhoods that the table lacks: 1 (001)" in text
        assert "# its rows without a polygon: 1 (X)" in text
        with pytest.raises(InputError, match="ES-JOIN-UNMATCHED"):
            checked(tmp_path, text)
        on = text.replace("# unmatched", "unmatched").replace("zones:001;081", "zones:081")
        write(tmp_path, plan=PLAN.assign(where=["citywide", "zones:081"]))
        assert len(checked(tmp_path, on).neighbourhoods) == 8

    def test_a_column_of_both_files_is_not_named(self, tmp_path):
        text = proposed(
            tmp_path, z=zones(pop=[1] * 8 + [2]), people=table({"kode": IDS, "pop": PEOPLE, "indbyggere": PEOPLE})
        )
        assert parse_project(text).neighbourhoods.population == "indbyggere"
        assert "# in both files, so not to be named here: pop" in text

    def test_nobody_lives_in_parks(self, tmp_path):
        kinds = ["park" if i in {2, 5} else "homes" for i in range(9)]
        people = [None if kind == "park" else n for kind, n in zip(kinds, PEOPLE, strict=True)]
        text = proposed(tmp_path, z=zones(pop=people, kind=kinds), plan=PLAN)
        assert '# unpopulated_where = { kind = ["park"] }' in text
        on = text.replace("# unpopulated_where", "unpopulated_where").replace(
            "# population_missing", "population_missing"
        )
        assert checked(tmp_path, on).neighbourhoods["population"].eq(0).sum() == 2

    def test_a_population_that_is_missing_without_a_reason(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=[None, *PEOPLE[1:]]))
        assert '# population_missing = "exclude"' in text

    def test_counts_that_may_be_percentages(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=PEOPLE, poverty=[9, 12, 30, 1, 2, 3, 4, 5, 6]))
        assert parse_project(text).groups == {}
        assert '# low_income = { label = "People with low incomes", count = "poverty" }' in text

    def test_renters_may_be_households(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=PEOPLE, renters=POOR))
        assert parse_project(text).groups == {}
        assert "of households, or of all people?" in text

    def test_blanks_where_people_live(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=PEOPLE, poverty=[None, *POOR[1:]]))
        assert '1 blank: missing = "exclude" leaves those out' in text

    def test_blanks_where_nobody_is_counted_are_no_matter(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=[None, *PEOPLE[1:]], poverty=[None, *POOR[1:]]))
        assert "leaves those out" not in text

    def test_an_unknown_name_with_counts(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=PEOPLE, fahrrad=POOR))
        assert '# fahrrad = { label = "Fahrrad", count = "fahrrad" }' in text
        assert "looks like people" in text

    def test_a_low_income_group_is_not_the_income(self, tmp_path):
        income = [21_000, 52_000, 33_000, 64_000, 45_500, 26_000, 37_000, 58_000, 29_000]
        project = parse_project(proposed(tmp_path, z=zones(pop=PEOPLE, low_income=POOR, median_income=income)))
        assert (project.rankings["income"].column, project.groups["low_income"].count) == (
            "median_income",
            "low_income",
        )

    def test_an_income_in_thousands_is_asked_about(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=PEOPLE, income=[21.5, 52, 33, 64, 45.5, 26, 37, 58, 29]))
        assert parse_project(text).rankings == {}
        assert "an income?" in text

    def test_a_missing_crs_is_a_line_to_fill_in(self, tmp_path):
        (tmp_path / "z.gpkg").unlink(missing_ok=True)
        zones(pop=PEOPLE).set_crs(None, allow_override=True).to_parquet(tmp_path / "z.parquet")
        text = propose_project(["z.parquet"], folder=tmp_path)
        assert '# crs = "EPSG:…"' in text
        assert "the file does not say its CRS; its coordinates are no degrees" in text
        zones(pop=PEOPLE).to_crs(4326).set_crs(None, allow_override=True).to_parquet(tmp_path / "z.parquet")
        assert '# crs = "EPSG:4326"' in propose_project(["z.parquet"], folder=tmp_path)

    def test_population_points(self, tmp_path):
        blocks = gpd.GeoDataFrame({"people": [7] * 18}, geometry=[z.centroid for z in zones().geometry] * 2, crs=UTM)
        text = proposed(tmp_path, z=zones(pop=PEOPLE), blocks=blocks)
        assert parse_project(text).blocks is None
        on = (
            text.replace("# [blocks]", "[blocks]")
            .replace('# file = "bl', 'file = "bl')
            .replace('# people = "people', 'people = "people')
        )
        assert parse_project(on).blocks.people == "people"

    def test_areas_may_be_groups_or_the_priority(self, tmp_path):
        flood = gpd.GeoDataFrame({"n": [1]}, geometry=[box(0, 0, 0.5, 3)], crs=UTM)
        text = proposed(tmp_path, z=zones(pop=PEOPLE), flood=flood)
        raw = parse_project(text)
        assert (raw.groups, raw.priority, raw.indicators) == ({}, None, {})
        assert '# layer = "flood.gpkg"' in text.partition("# [priority]")[2].partition("[priority.policy]")[0]

    def test_what_was_not_used_is_said(self, tmp_path):
        text = proposed(tmp_path, z=zones(pop=PEOPLE), odd=table({"a": ["x", "y"], "b": ["u", "v"]}))
        assert "# not recognised, and not used: odd.csv (columns a, b)" in text


class TestAnyNames:
    @pytest.mark.parametrize("name", HOSTILE, ids=repr)
    def test_no_name_of_a_column_breaks_the_file(self, tmp_path, name):
        columns = {
            name: IDS,
            f"{name} id": IDS,
            f"{name} pop": PEOPLE,
            f"{name} poverty": POOR,
            f"{name} pm25": [7.5] * 8 + [8],
        }
        layer = gpd.GeoDataFrame(columns, geometry=zones().geometry, crs=UTM)
        (tmp_path / "z.geojson").write_text(layer.to_crs(4326).to_json(drop_id=True), encoding="utf-8")
        plan = table({f"{name} id": ["A", "B"], f"{name} where": ["citywide", "unknown"], f"{name} cost": [1, 2]})
        project = parse_project(propose_project([*write(tmp_path, plan=plan), "z.geojson"], folder=tmp_path))
        (actions,) = project.actions
        assert project.neighbourhoods.id.startswith(name.strip())
        assert project.neighbourhoods.population == f"{name} pop".strip()
        assert (actions.where, actions.cost) == (f"{name} where".strip(), f"{name} cost".strip())

    @pytest.mark.parametrize("name", [n for n in HOSTILE if "/" not in n], ids=repr)
    def test_no_name_of_a_file_breaks_it(self, tmp_path, name):
        PLAN.to_csv(tmp_path / f"{name}.csv", index=False)
        project = parse_project(propose_project([f"{name}.csv"], folder=tmp_path))
        assert project.actions[0].file == f"{name}.csv".strip()

    @settings(max_examples=30, deadline=None)
    @given(
        names=st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(str.strip),
            min_size=1,
            max_size=6,
            unique_by=lambda text: text.strip().casefold(),
        )
    )
    def test_any_columns_give_toml(self, tmp_path_factory, names):
        folder = tmp_path_factory.mktemp("any")
        features = [
            {"type": "Feature", "properties": dict.fromkeys(names, i), "geometry": shape}
            for i, shape in enumerate(json.loads(zones().to_crs(4326).geometry.to_json())["features"])
        ]
        features = [{**f, "geometry": f["geometry"]["geometry"]} for f in features]
        layer = {"type": "FeatureCollection", "features": features}
        (folder / "z.geojson").write_text(json.dumps(layer), encoding="utf-8")
        raw = tomllib.loads(propose_project(["z.geojson"], folder=folder))
        assert raw["neighbourhoods"]["file"] == "z.geojson"

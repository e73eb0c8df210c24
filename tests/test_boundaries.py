"""Named areas: from a file of their own or from a column of the neighbourhoods, found by id or name."""

from __future__ import annotations

import unicodedata

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.boundaries import Boundary, area_ids, boundary_of_column, check_boundary, named_areas
from equity_screen.errors import InputError
from equity_screen.schema import Origin
from equity_screen.sources import BoundaryFile
from equity_screen.synthetic import CRS, four_zones
from tests.plans import km_box

WARDS = Origin("wards.gpkg", "feature")
SOUTH, NORTH = km_box(0, 0, 2, 1), km_box(0, 1, 2, 2)


def layer(shapes, *, ids=None, crs=CRS, **columns):
    ids = [str(number) for number in range(1, len(shapes) + 1)] if ids is None else ids
    return gpd.GeoDataFrame({"nr": ids, **columns}, geometry=list(shapes), crs=crs)


def check(frame, **declared):
    file = BoundaryFile.model_validate({"label": "Wards", "file": "wards.gpkg", "id": "nr"} | declared)
    return check_boundary(frame, file, origin=WARDS)


def found(checked):
    return [(f.status, f.code, f.row, f.id) for f in checked.findings]


def column(*cells):
    city = four_zones().assign(ward=pd.Series(list(cells), index=list("ABCD")))
    return boundary_of_column(city, "ward", label="Wards", source="zones.gpkg")


class TestFile:
    def test_areas_come_by_id_with_their_names(self):
        checked = check(layer([NORTH, SOUTH], ids=["N", " S"], title=["Nordby", ""]), name="title")
        assert checked.table["name"].to_dict() == {"N": "Nordby", "S": "S"}
        assert checked.table.index.name == "area"
        assert found(checked) == [("repaired", "ES-ID-TEXT", "feature 2", "S")]
        assert checked.status["status"].tolist() == ["used", "repaired"]

    def test_leading_zeros_stay(self):
        assert check(layer([SOUTH, NORTH], ids=["02", "2"])).table.index.tolist() == ["02", "2"]

    def test_gaps_between_areas_are_no_fault(self):
        assert found(check(layer([km_box(0, 0, 0.5, 0.5), km_box(1.5, 1.5, 2, 2)]))) == []

    def test_areas_that_overlap_are_refused(self):
        checked = check(layer([km_box(0, 0, 1.2, 1), km_box(1, 0, 2, 1)]))
        assert found(checked) == [("refused", "ES-GEOM-OVERLAP", "feature 1", "1")]
        # 0.2 of the smaller one, which is 1 km wide.
        assert "20 %" in checked.findings[0].reason

    def test_the_noise_of_digitising_is_no_overlap(self):
        assert found(check(layer([km_box(0, 0, 1.004, 1), km_box(1, 0, 2, 1)]))) == []

    def test_a_bow_tie_is_mended_and_said(self):
        tie = shapely.Polygon([*SOUTH.exterior.coords[:2], *SOUTH.exterior.coords[3:1:-1]])
        checked = check(layer([tie]))
        assert found(checked) == [("repaired", "ES-GEOM-INVALID", "feature 1", "1")]
        assert checked.table.geometry["1"].is_valid

    @pytest.mark.parametrize(
        ("shape", "code"), [(shapely.Point(1, 2), "ES-GEOM-KIND"), (None, "ES-GEOM-MISSING")], ids=["point", "none"]
    )
    def test_what_is_no_polygon_is_refused(self, shape, code):
        checked = check(layer([SOUTH, shape]))
        assert found(checked) == [("refused", code, "feature 2", "2")]
        assert checked.table.index.tolist() == ["1"]

    def test_double_and_missing_ids(self):
        checked = check(layer([SOUTH, NORTH, km_box(3, 3, 4, 4)], ids=["1", "1", None]))
        assert [code for _, code, _, _ in found(checked)] == ["ES-ID-MISSING", "ES-ID-DUPLICATE", "ES-ID-DUPLICATE"]
        assert checked.table.empty

    @pytest.mark.parametrize(("key", "value"), [("id", "number"), ("name", "titel")])
    def test_a_column_that_is_not_there(self, key, value):
        with pytest.raises(InputError, match=rf"wards\.gpkg, column {value}: no such column. Mend: did you mean"):
            check(layer([SOUTH], title=["S"], numbers=[1]), **{key: value})

    def test_a_layer_needs_a_crs(self):
        with pytest.raises(InputError, match=r"wards\.gpkg, column CRS: the file has no CRS"):
            check(layer([SOUTH], crs=None))
        assert check(layer([SOUTH], crs=None), crs=CRS).table.crs == CRS


class TestColumn:
    def test_areas_are_the_union_of_their_neighbourhoods(self):
        boundary, findings = column("south", "south", "north", "north")
        assert findings == []
        assert boundary.label == "Wards"
        assert boundary.areas["name"].to_dict() == {"north": "north", "south": "south"}
        assert boundary.areas.geometry["south"].normalize().equals(SOUTH.normalize())

    def test_blanks_around_a_word_are_taken_off_and_said(self):
        boundary, findings = column("south", " south", "north ", "north")
        assert boundary.members.to_dict() == {"A": "south", "B": "south", "C": "north", "D": "north"}
        assert [(f.status, f.code, f.source, f.column, f.row) for f in findings] == [
            ("repaired", "ES-BOUNDARY-BLANKS", "zones.gpkg", "ward", "")
        ]
        assert "in 2 rows" in findings[0].reason

    @pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, "", "  "], ids=["None", "nan", "NA", "blank", "blanks"])
    def test_an_empty_cell_is_in_no_area(self, nothing):
        boundary, findings = column("south", "south", "north", nothing)
        assert boundary.members["D"] == ""
        assert boundary.areas.index.tolist() == ["north", "south"]
        assert boundary.areas.geometry["north"].area == pytest.approx(1e6)
        assert [(f.status, f.code) for f in findings if f.code != "ES-BOUNDARY-BLANKS"] == [
            ("flagged", "ES-BOUNDARY-NONE")
        ]
        assert "in 1 rows" in findings[-1].reason

    def test_no_cell_names_an_area(self):
        boundary, findings = column(None, None, None, None)
        assert boundary.areas.empty
        assert [f.code for f in findings] == ["ES-BOUNDARY-NONE"]

    def test_whole_numbers_lose_their_decimal_point(self):
        """A missing cell makes floats of a column of integers: ward 1 is not ward 1.0."""
        boundary, _ = column(1.0, 2.0, np.nan, 1.0)
        assert boundary.members.tolist() == ["1", "2", "", "1"]

    def test_numbers_and_texts_of_one_ward_are_one(self):
        assert column(7, 7, 8, 8)[0].areas.index.tolist() == column("7", "7", "8", "8")[0].areas.index.tolist()

    def test_letters_composed_or_not_are_one_name(self):
        boundary, findings = column("Ålborg", unicodedata.normalize("NFD", "Ålborg"), "N", "N")
        assert boundary.areas.index.tolist() == ["N", "Ålborg"]
        assert [f.code for f in findings] == ["ES-BOUNDARY-BLANKS"]


class TestIds:
    AREAS = gpd.GeoDataFrame({"name": ["Old Quay", "Hill", "hill"]}, index=["7", "8", "Old"], geometry=[None] * 3)

    @pytest.mark.parametrize(
        ("words", "ids", "absent"),
        [
            (["8", "7"], ["7", "8"], []),
            (["OLD QUAY", "7"], ["7"], []),
            (["Hill"], [], ["Hill"]),  # two areas bear it
            (["old"], [], ["old"]),  # an id is known in its own letters only
            (["Old"], ["Old"], []),
            (["9", "7", ""], ["7"], ["9", ""]),
            ([], [], []),
        ],
    )
    def test_by_id_or_by_a_name_of_one(self, words, ids, absent):
        assert area_ids(Boundary("Districts", self.AREAS), words) == (ids, absent)

    @pytest.mark.parametrize(("written", "asked"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
    def test_letters_composed_or_not_are_one_name(self, written, asked):
        areas = gpd.GeoDataFrame({"name": [unicodedata.normalize(written, "Åby")]}, index=["1"], geometry=[None])
        assert area_ids(Boundary("Districts", areas), [unicodedata.normalize(asked, "åby")]) == (["1"], [])

    def test_an_id_goes_before_a_name(self):
        areas = gpd.GeoDataFrame({"name": ["B", "A"]}, index=["A", "B"], geometry=[None] * 2)
        assert area_ids(Boundary("Districts", areas), ["A"]) == (["A"], [])


class TestNamedAreas:
    def test_layers_one_after_the_other_in_degrees(self):
        wards = Boundary("Wards", check(layer([SOUTH, NORTH], title=["South", "North"]), name="title").table)
        old = gpd.GeoDataFrame(geometry=[km_box(0, 0, 1, 1), km_box(1, 1, 2, 2)], crs=CRS)
        areas = named_areas({"ward": wards, "again": wards._replace(label="Once more")}, old)
        assert areas[["boundary", "label", "area", "name"]].to_numpy().tolist() == [
            ["ward", "Wards", "1", "South"],
            ["ward", "Wards", "2", "North"],
            ["again", "Once more", "1", "South"],
            ["again", "Once more", "2", "North"],
            ["priority", "Priority areas", "1", "1"],
            ["priority", "Priority areas", "2", "2"],
        ]
        assert areas.crs == 4326
        assert areas.to_crs(CRS).area.round(3).tolist() == [2e6] * 4 + [1e6] * 2

    def test_without_any_the_layer_is_empty(self):
        areas = named_areas({})
        assert (len(areas), areas.crs, list(areas)) == (0, 4326, ["boundary", "label", "area", "name", "geometry"])

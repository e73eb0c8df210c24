"""Lines proposed for burdens, conditions and larger areas: on where name and values agree."""

from __future__ import annotations

import tomllib

import geopandas as gpd
import numpy as np
import pytest
import rasterio

from equity_screen.conditions import (
    MOST_OFF,
    boundary_lines,
    boundary_names,
    condition_lines,
    key_of,
    label_of,
    name_column,
    stem_of,
)
from equity_screen.errors import InputError
from equity_screen.survey import CityFiles, Piece, read_city
from tests.cities import UTM, box, table, write, zones

NOTHING = Piece("", table({}))


def on(lines):
    return tomllib.loads("\n".join(lines))


def off(lines):
    return tomllib.loads("\n".join(text.removeprefix("# ") for text in lines if text.startswith("# ")))


def columns(**values):
    piece = Piece("z.csv", table(values))
    return piece, list(values)


def conditions(folder, **values):
    piece, names = columns(**values)
    return condition_lines(CityFiles(), piece, free=names, folder=folder)


def write_raster(path, values, *, crs=UTM, bands=1):
    height, width = values.shape
    profile = {"driver": "GTiff", "width": width, "height": height, "count": bands, "dtype": values.dtype, "crs": crs}
    with rasterio.open(path, "w", transform=rasterio.Affine(1, 0, 0, 0, -1, height), **profile) as out:
        for band in range(bands):
            out.write(values, band + 1)


class TestColumns:
    def test_known_by_name_and_possible_by_value(self, tmp_path):
        found = on(conditions(tmp_path, PM25=[9.5, 12.0], lden=[55, 61.5]))
        assert found["pm25"] == {
            "label": "Fine particles (PM2.5)",
            "unit": "µg/m³",
            "higher_is": "worse",
            "column": "PM25",
        }
        assert found["noise"]["unit"] == "dB"

    def test_degrees_fahrenheit_are_not_taken_for_celsius(self, tmp_path):
        lines = conditions(tmp_path, temperature=[80.1, 91.5])
        assert (on(lines), off(lines)["heat"]["column"]) == ({}, "temperature")

    @pytest.mark.parametrize("name", ["pm25_pctl", "PM25 rank", "pm25_tertile"])
    def test_a_rank_is_no_measure(self, tmp_path, name):
        assert on(conditions(tmp_path, **{name: [1, 2, 3]})) == {}

    def test_the_second_of_a_kind_is_off(self, tmp_path):
        lines = conditions(tmp_path, pm25_2019=[9, 8.5], pm25_2024=[8, 7.5])
        assert (on(lines)["pm25"]["column"], off(lines)["pm25_2"]["column"]) == ("pm25_2019", "pm25_2024")

    def test_one_value_apart_may_be_a_code(self, tmp_path):
        (text,) = conditions(tmp_path, pm25=[9.5, 12.0, 9998.0])
        assert off([text])["pm25"]["missing"] == [9998.0]
        assert "does 9998 mean no data?" in text

    def test_others_are_off_and_ask_for_unit_and_direction(self, tmp_path):
        (text,) = conditions(tmp_path, Zufriedenheit=[3.5, 4])
        assert off([text])["zufriedenheit"]["unit"] == "…"
        assert "say its unit" in text

    def test_there_is_an_end_to_it(self, tmp_path):
        lines = conditions(tmp_path, **{f"c{i}": [i, i + 1] for i in range(MOST_OFF + 2)})
        assert len(lines) == MOST_OFF + 1
        assert lines[-1] == f"# further columns: c{MOST_OFF}, c{MOST_OFF + 1}"


class TestRasters:
    def lines(self, folder, name, values, **options):
        write_raster(folder / name, np.asarray(values), **options)
        return condition_lines(read_city([name], folder=folder), NOTHING, free=[], folder=folder)

    def test_known_by_the_name_of_the_file(self, tmp_path):
        lines = self.lines(tmp_path, "heat_2024.tif", np.array([[24.5, 31.0]], dtype="float32"))
        assert on(lines)["heat"]["raster"] == "heat_2024.tif"

    def test_a_code_that_is_not_tagged(self, tmp_path):
        lines = self.lines(tmp_path, "canopy.tif", np.array([[0, 60, 255]], dtype="uint8"))
        assert (on(lines), off(lines)["canopy"]["nodata"]) == ({}, [255.0])

    @pytest.mark.parametrize("options", [{"crs": None}, {"bands": 2}])
    @pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
    def test_without_a_crs_or_with_several_bands_nothing_is_sure(self, tmp_path, options):
        lines = self.lines(tmp_path, "heat.tif", np.array([[24.5, 31.0]], dtype="float32"), **options)
        assert on(lines) == {}

    def test_no_raster_at_all(self, tmp_path):
        (tmp_path / "heat.tif").write_bytes(b"no raster")
        city = read_city(["heat.tif"], folder=tmp_path)
        with pytest.raises(InputError, match=r"heat\.tif: cannot be read as a GeoTIFF"):
            condition_lines(city, NOTHING, free=[], folder=tmp_path)


class TestLayers:
    def lines(self, folder, **layers):
        city = read_city(
            write(folder, z=zones(), plan=table({"where": ["citywide"], "cost": [1]}), **layers), folder=folder
        )
        return condition_lines(city, NOTHING, free=[], folder=folder)

    def test_a_grid_with_a_known_rate(self, tmp_path):
        cells = [box(i - 0.5, -1, i + 0.5, 4) for i in range(5)]
        grid = gpd.GeoDataFrame({"no2": [11, 12.5, 14, 13, 9]}, geometry=cells, crs=UTM)
        assert on(self.lines(tmp_path, grid=grid))["no2"] == {
            "label": "Nitrogen dioxide (NO2)",
            "unit": "µg/m³",
            "higher_is": "worse",
            "polygons": "grid.gpkg",
            "rate": "no2",
        }

    def test_other_areas_are_off(self, tmp_path):
        flood = gpd.GeoDataFrame({"n": [1]}, geometry=[box(0, 0, 0.5, 3)], crs=UTM)
        lines = self.lines(tmp_path, flood_zone=flood)
        assert (on(lines), off(lines)["flood_zone"]["covered_by"]) == ({}, "flood_zone.gpkg")

    def test_places_are_off_with_their_crs(self, tmp_path):
        shops = table(
            {"name": ["a", "b"], "east": [700_100, 701_000], "x": [700_100, 701_000], "y": [6_170_500, 6_171_000]}
        )
        found = off(self.lines(tmp_path, shops=shops))["shops"]
        assert (found["points"], found["x"], found["y"], found["crs"]) == ("shops.csv", "x", "y", UTM)


class TestBoundaries:
    HALVES = gpd.GeoDataFrame(
        {"nr": ["V", "Ø"], "navn": ["Vest", "Øst"]}, geometry=[box(0, 0, 1, 3), box(1, 0, 3, 3)], crs=UTM
    )

    def test_a_layer(self, tmp_path):
        city = read_city(write(tmp_path, z=zones(), bydele=self.HALVES), folder=tmp_path)
        found = on(boundary_lines(city, NOTHING, taken=[]))
        assert found == {"bydele": {"label": "Bydele", "file": "bydele.gpkg", "id": "nr", "name": "navn"}}

    @pytest.mark.parametrize(
        ("word", "key"), [("district", "district"), ("Ward", "districts"), ("sector", "districts")]
    )
    def test_the_word_of_the_plan_where_it_is_like_the_file(self, tmp_path, word, key):
        plan = table({"where": [f"{word}:V", "citywide"], "cost": [1, 2]})
        city = read_city(write(tmp_path, z=zones(), districts=self.HALVES, plan=plan), folder=tmp_path)
        assert list(boundary_names(city)) == [key]

    def test_a_column_unless_its_layer_is_there(self, tmp_path):
        district = ["V", "Ø", "Ø"] * 3
        files = write(tmp_path, z=zones(district=district))
        city = read_city(files, folder=tmp_path)
        assert on(boundary_lines(city, city.zones, taken=["kode"]))["district"] == {
            "label": "District",
            "column": "district",
        }
        city = read_city([*files, *write(tmp_path, bydele=self.HALVES)], folder=tmp_path)
        assert list(on(boundary_lines(city, city.zones, taken=["kode"]))) == ["bydele"]

    @pytest.mark.parametrize("values", [["V"] * 9, list("VWXYZABCD"), ["V", "", "Ø"] * 3, [1.5, 2.5, 1.5] * 3])
    def test_a_column_that_is_none(self, values):
        piece = Piece("z.gpkg", zones(district=values))
        assert boundary_lines(CityFiles(), piece, taken=["kode"]) == []


class TestNames:
    def test_keys(self):
        assert [key_of(n) for n in ("Ærø Nord", "sector", "")] == ["aero_nord", "sector_area", "area"]
        assert key_of("population", other="condition") == "population_condition"
        assert key_of("everyone", ["everyone_group"], other="group") == "everyone_group_2"
        assert key_of("people_of_colour", other="group") == "people_of_colour"

    def test_labels_and_stems(self):
        assert label_of("årlig_støj") == "Årlig støj"
        assert (stem_of(Piece("a/b.gpkg", table({}))), stem_of(Piece("a/b.gpkg", table({}), "wards"))) == ("b", "wards")

    def test_a_name_is_text_and_mostly_different(self):
        piece = Piece("z.csv", table({"name": ["A", "A", "A"], "navn": ["1", "2", "3"], "titel": ["x", "y", "z"]}))
        assert name_column(piece, []) == "titel"
        assert name_column(piece, ["titel"]) is None

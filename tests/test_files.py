"""Files in and out: text stays text, what cannot be read is a fault, bytes repeat."""

from __future__ import annotations

import hashlib
import sqlite3
import struct
import unicodedata
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from equity_screen.errors import InputError
from equity_screen.files import READERS, need_geometry, read_table, write_geopackage

SITES = gpd.GeoDataFrame(
    {"id": ["007", "Ærø"], "cost": [1.5, None]}, geometry=[shapely.Point(1, 2), shapely.Point(3, 4)], crs=25832
)


def fault_of(path, **options):
    with pytest.raises(InputError, match="1 fault") as caught:
        read_table(path, **options)
    return caught.value.findings[0]


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


class TestTables:
    def test_every_cell_of_a_csv_is_text(self, tmp_path):
        path = write(tmp_path / "p.csv", 'id,pop,name\n06001,1.0,NA\n1e5,,"a, ""b"""\n')
        table, origin = read_table(path)
        assert table.to_numpy().tolist() == [["06001", "1.0", "NA"], ["1e5", "", 'a, "b"']]
        assert (origin.file, origin.row(0)) == ("p.csv", "row 2")

    def test_a_byte_order_mark_is_no_part_of_the_first_name(self, tmp_path):
        table, _ = read_table(write(tmp_path / "p.csv", "id\nA\n", "utf-8-sig"))
        assert list(table.columns) == ["id"]

    @pytest.mark.parametrize("text", ["id,pop\nA,1\nB,2,3\n", "id,pop\nA,1,\nB,2,\n", "id,pop\n7,A,1\n7,B,2\n"])
    def test_a_cell_too_many_moves_no_other(self, tmp_path, text):
        fault = fault_of(write(tmp_path / "p.csv", text))
        assert (fault.source, fault.code) == ("p.csv", "ES-FILE-UNREADABLE")

    @pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
    def test_other_encodings_are_refused(self, tmp_path, encoding):
        assert fault_of(write(tmp_path / "p.csv", "id\nÆrø\n", encoding)).code == "ES-FILE-ENCODING"

    def test_an_unclosed_quote_swallows_nothing(self, tmp_path):
        assert fault_of(write(tmp_path / "p.csv", 'id,pop\nA,"1\nB,2\n')).code == "ES-FILE-UNREADABLE"

    def test_a_column_named_twice_is_refused(self, tmp_path):
        fault = fault_of(write(tmp_path / "p.csv", "id,pop,pop\nA,1,2\n"))
        assert (fault.code, fault.column) == ("ES-COLUMN-DUPLICATE", "pop")

    def test_blanks_around_a_column_name_are_no_part_of_it(self, tmp_path):
        table, _ = read_table(write(tmp_path / "p.csv", "id , pop\nA,1\n"))
        assert list(table.columns) == ["id", "pop"]

    def test_blank_lines_are_no_rows_and_do_not_move_the_names_of_rows(self, tmp_path):
        table, origin = read_table(write(tmp_path / "p.csv", "id,pop\nA,1\n\n,\nB,2\n"))
        assert table["id"].tolist() == ["A", "B"]
        assert [origin.row(0), origin.row(1)] == ["row 2", "row 5"]

    def test_a_message_names_the_file_and_not_the_machine(self, tmp_path):
        fault = fault_of(write(tmp_path / "p.gpkg", "no database"))
        assert str(tmp_path) not in str(fault)

    def test_a_plain_parquet_file_is_a_table(self, tmp_path):
        pd.DataFrame({"id": ["007"]}).to_parquet(tmp_path / "p.parquet")
        table, _ = read_table(tmp_path / "p.parquet")
        assert table["id"].tolist() == ["007"]
        assert not isinstance(table, gpd.GeoDataFrame)


class TestLayers:
    @pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".json", ".shp", ".fgb"])
    def test_vector_files(self, tmp_path, suffix):
        driver = {".json": "GeoJSON"}.get(suffix)
        SITES.to_file(tmp_path / f"s{suffix}", driver=driver)
        table, origin = read_table(tmp_path / f"s{suffix}")
        by_id = table.set_index("id")
        assert sorted(table["id"]) == ["007", "Ærø"]
        assert (by_id.geometry["007"].x, table.crs.to_epsg(), origin.row(0)) == (1.0, 25832, "feature 1")

    @pytest.mark.parametrize("suffix", [".parquet", ".geoparquet"])
    def test_geoparquet(self, tmp_path, suffix):
        SITES.to_parquet(tmp_path / f"s{suffix}")
        table, _ = read_table(tmp_path / f"s{suffix}")
        assert (table.crs.to_epsg(), table.geometry[1].y) == (25832, 4.0)

    def test_a_suffix_in_capitals(self, tmp_path):
        SITES.to_file(tmp_path / "S.GPKG", driver="GPKG")
        assert len(read_table(tmp_path / "S.GPKG")[0]) == 2

    @pytest.fixture
    def two_layers(self, tmp_path):
        for name in ("old", "new"):
            SITES.assign(name=name).to_file(tmp_path / "s.gpkg", layer=name)
        return tmp_path / "s.gpkg"

    def test_one_of_several_layers(self, two_layers):
        assert set(read_table(two_layers, layer="new")[0]["name"]) == {"new"}

    @pytest.mark.parametrize("layer", [None, "nwe"])
    def test_the_first_layer_is_never_just_taken(self, two_layers, layer):
        fault = fault_of(two_layers, layer=layer)
        assert (fault.code, fault.reason) == ("ES-FILE-LAYERS", "the file has 2 layers: old, new")

    def test_a_wrong_layer_of_a_file_with_one(self, tmp_path):
        SITES.to_file(tmp_path / "s.gpkg", layer="only")
        assert "1 layers: only" in fault_of(tmp_path / "s.gpkg", layer="other").reason

    def test_text_in_geometry_files_is_as_written(self, tmp_path):
        decomposed = unicodedata.normalize("NFD", "Åby")
        SITES.assign(id=["007", decomposed]).to_file(tmp_path / "s.geojson")
        assert read_table(tmp_path / "s.geojson")[0]["id"].tolist() == ["007", decomposed]


class TestFaults:
    def test_no_such_file(self, tmp_path):
        assert fault_of(tmp_path / "nowhere.gpkg").code == "ES-FILE-MISSING"

    def test_a_folder_is_no_file(self, tmp_path):
        (tmp_path / "zones.gpkg").mkdir()
        assert fault_of(tmp_path / "zones.gpkg").code == "ES-FILE-MISSING"

    @pytest.mark.parametrize("name", ["people.xls", "people", "zones.vrt", "zones.zip", "zones.kml"])
    def test_unknown_kinds_list_the_known(self, tmp_path, name):
        fault = fault_of(write(tmp_path / name, "id\n1\n"))
        assert (fault.code, fault.source) == ("ES-FILE-KIND", name)
        assert all(suffix in fault.mend for suffix in READERS)

    @pytest.mark.parametrize("suffix", sorted(READERS))
    def test_a_file_that_is_something_else(self, tmp_path, suffix):
        content = b"\x00\xff\xfe torn" if suffix != ".csv" else b"\xff\xfe torn"
        (tmp_path / f"f{suffix}").write_bytes(content)
        fault = fault_of(tmp_path / f"f{suffix}")
        code = "ES-FILE-ENCODING" if suffix == ".csv" else "ES-FILE-UNREADABLE"
        assert (fault.code, fault.source) == (code, f"f{suffix}")

    @pytest.mark.parametrize(("mark", "name"), [(";", "';'"), ("\t", "tabs"), ("|", "'|'")])
    def test_columns_that_commas_do_not_set_apart(self, tmp_path, mark, name):
        fault = fault_of(write(tmp_path / "p.csv", f"id{mark}pop\nA{mark}1,5\n"))
        assert fault.code == "ES-FILE-SEPARATOR"
        assert f"set apart by {name}" in fault.reason

    def test_a_torn_geopackage(self, tmp_path):
        write_geopackage(SITES, tmp_path / "s.gpkg")
        whole = (tmp_path / "s.gpkg").read_bytes()
        (tmp_path / "s.gpkg").write_bytes(whole[: len(whole) // 3])
        assert fault_of(tmp_path / "s.gpkg").code == "ES-FILE-UNREADABLE"

    @pytest.mark.parametrize(
        ("name", "text"), [("p.csv", "id,pop\n"), ("a.geojson", '{"type":"FeatureCollection","features":[]}')]
    )
    def test_no_rows(self, tmp_path, name, text):
        assert fault_of(write(tmp_path / name, text)).code == "ES-FILE-EMPTY"

    def test_an_empty_file(self, tmp_path):
        assert fault_of(write(tmp_path / "p.csv", "")).code == "ES-FILE-UNREADABLE"

    def test_an_open_ring(self, tmp_path):
        zones = SITES.set_geometry([shapely.box(0, 0, 1, 1)] * 2, crs=25832)
        zones.to_file(tmp_path / "z.gpkg", SPATIAL_INDEX="NO")
        with closing(sqlite3.connect(tmp_path / "z.gpkg")) as database, database:
            (blob,) = database.execute("SELECT geom FROM z WHERE fid = 2").fetchone()
            moved_end = blob[:-16] + struct.pack("<dd", 0.5, 0.5)
            database.execute("UPDATE z SET geom = ? WHERE fid = 2", (moved_end,))
        fault = fault_of(tmp_path / "z.gpkg")
        assert fault.code == "ES-FILE-UNREADABLE"
        assert "closed linestring" in fault.reason

    def test_a_table_where_a_layer_is_needed(self):
        with pytest.raises(InputError, match=r"zones.csv: the file has no geometry. Mend: give a polygon file"):
            need_geometry(pd.DataFrame({"id": [1]}), Path("zones.csv"))


class TestGeopackage:
    def test_equal_layers_give_equal_bytes(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            write_geopackage(SITES, tmp_path / name / "s.gpkg")
        digests = {hashlib.sha256((tmp_path / n / "s.gpkg").read_bytes()).hexdigest() for n in "ab"}
        assert len(digests) == 1

    def test_an_old_file_is_replaced(self, tmp_path):
        SITES.to_file(tmp_path / "s.gpkg", layer="old")
        write_geopackage(SITES.iloc[:1], tmp_path / "s.gpkg")
        assert pyogrio.list_layers(tmp_path / "s.gpkg")[:, 0].tolist() == ["s"]
        assert len(gpd.read_file(tmp_path / "s.gpkg")) == 1

    def test_the_date_is_set_for_this_file_only(self, tmp_path):
        before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
        write_geopackage(SITES, tmp_path / "s.gpkg")
        assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == before

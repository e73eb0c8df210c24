"""Files told apart by what is in them, in whatever order they are named."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import xlsxwriter

from equity_screen.errors import InputError
from equity_screen.survey import (
    CityFiles,
    Piece,
    id_column,
    ids_of,
    lost_zeros,
    named_places,
    nested,
    place_column,
    plan_likeness,
    read_city,
)
from tests.cities import IDS, NINE, PEOPLE, UTM, box, table, write, zones

PLAN = table({"id": ["A", "B"], "where": ["citywide", "zones:001"], "cost": [5, 7]})
EFFECTS = table({"action": ["A"], "ledger": ["benefit"], "effect": ["shade"], "unit": ["°C"]})
HALVES = gpd.GeoDataFrame({"nr": ["V", "Ø"]}, geometry=[box(0, 0, 1, 3), box(1, 0, 3, 3)], crs=UTM)


def parts(city: CityFiles) -> dict[str, list[str]]:
    several = ("boundaries", "areas", "blocks", "plans", "effects", "rasters", "others")
    found = {name: [p.file for p in getattr(city, name)] for name in several}
    found |= {name: [p.file] for name in ("zones", "people") if (p := getattr(city, name)) is not None}
    return {name: files for name, files in found.items() if files}


class TestParts:
    def test_in_any_order(self, tmp_path):
        people = table({"id": IDS, "pop": PEOPLE})
        flood = gpd.GeoDataFrame({"n": [1]}, geometry=[box(0.5, 0, 1.2, 1)], crs=UTM)
        files = write(tmp_path, z=zones(), people=people, plan=PLAN, effects=EFFECTS, halves=HALVES, flood=flood)
        expected = {
            "zones": ["z.gpkg"],
            "people": ["people.csv"],
            "boundaries": ["halves.gpkg"],
            "areas": ["flood.gpkg"],
            "plans": ["plan.csv"],
            "effects": ["effects.csv"],
        }
        for turn in range(len(files)):
            turned = files[turn:] + files[:turn]
            assert parts(read_city(turned, folder=tmp_path)) == expected
            assert parts(read_city(turned[::-1], folder=tmp_path)) == expected

    def test_many_sites_are_not_taken_for_neighbourhoods(self, tmp_path):
        """Buildings that are renewed outnumber the districts, but cover little of the city."""
        corners = [(i % 10, i // 10) for i in range(90)]
        sites = [box(0.3 * x, 0.3 * y, 0.3 * x + 0.02, 0.3 * y + 0.02) for x, y in corners]
        many = gpd.GeoDataFrame({"id": range(90)}, geometry=sites, crs=UTM)
        files = write(tmp_path, sites=many, z=zones())
        assert parts(read_city(files, folder=tmp_path)) == {"zones": ["z.gpkg"], "plans": ["sites.gpkg"]}

    def test_the_layer_that_the_plan_names_is_that_of_the_neighbourhoods(self, tmp_path):
        quarters = [shapely.box(*part) for square in NINE for part in _quarters(square)]
        fine = gpd.GeoDataFrame({"nr": [f"Q{i}" for i in range(36)], "pop": 9}, geometry=quarters, crs=UTM)
        files = write(tmp_path, fine=fine, z=zones())
        assert parts(read_city(files, folder=tmp_path))["zones"] == ["fine.gpkg"]
        city = read_city([*files, *write(tmp_path, plan=PLAN)], folder=tmp_path)
        assert parts(city)["zones"] == ["z.gpkg"]

    def test_wards_may_cross_neighbourhoods_but_other_areas_are_no_boundaries(self, tmp_path):
        crossing = gpd.GeoDataFrame({"nr": ["a", "b"]}, geometry=[box(0, 0, 1.5, 3), box(1.5, 0, 3, 3)], crs=UTM)
        files = write(tmp_path, z=zones(), wards=crossing, grid=crossing)
        found = parts(read_city(files, folder=tmp_path))
        assert (found["boundaries"], found["areas"]) == (["wards.gpkg"], ["grid.gpkg"])

    def test_points_with_people_are_blocks_and_others_are_sites(self, tmp_path):
        middles = [(s.centroid.x, s.centroid.y) for s in NINE for _ in range(2)]
        blocks = table({"x": [x for x, _ in middles], "y": [y for _, y in middles], "people": [7] * 18})
        shops = table({"name": ["a", "b"], "lon": [12.1, 12.2], "lat": [55.6, 55.6]})
        files = write(tmp_path, z=zones(pop=PEOPLE), blocks=blocks, shops=shops, plan=PLAN)
        found = parts(read_city(files, folder=tmp_path))
        assert (found["blocks"], found["areas"]) == (["blocks.csv"], ["shops.csv"])
        assert parts(read_city([f for f in files if f != "plan.csv"], folder=tmp_path))["plans"] == ["shops.csv"]

    def test_a_table_of_people_with_coordinates_is_still_one(self, tmp_path):
        people = table({"kode": IDS, "pop": PEOPLE, "lon": [12.0] * 9, "lat": [55.6] * 9})
        assert parts(read_city(write(tmp_path, z=zones(), p=people), folder=tmp_path))["people"] == ["p.csv"]

    def test_what_plays_no_part_is_named(self, tmp_path):
        files = write(tmp_path, z=zones(), odd=table({"a": ["x", "y"], "b": ["u", "v"]}))
        assert parts(read_city(files, folder=tmp_path))["others"] == ["odd.csv"]

    def test_layers_of_one_file_and_sheets_of_one_workbook(self, tmp_path):
        write(tmp_path, city__zones=zones(pop=PEOPLE), city__districts=HALVES)
        with xlsxwriter.Workbook(tmp_path / "plan.xlsx") as book:
            for name, rows in (("actions", PLAN), ("effects", EFFECTS), ("places", PLAN), ("memo", None)):
                sheet = book.add_worksheet(name)
                for i, row in enumerate([] if rows is None else [list(rows), *rows.astype(str).to_numpy().tolist()]):
                    sheet.write_row(i, 0, row)
        city = read_city(["city.gpkg", "plan.xlsx"], folder=tmp_path)
        assert (city.zones.layer, [b.layer for b in city.boundaries]) == ("zones", ["districts"])
        assert ([p.layer for p in city.plans], [e.layer for e in city.effects]) == (["actions"], ["effects"])
        assert city.unread == ("plan.xlsx, memo",)

    def test_a_raster(self, tmp_path):
        profile = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "uint8", "crs": UTM}
        with rasterio.open(tmp_path / "heat.tif", "w", transform=rasterio.Affine(1, 0, 0, 0, -1, 2), **profile) as out:
            out.write(np.ones((1, 2, 2), dtype="uint8"))
        assert parts(read_city(["heat.tif"], folder=tmp_path)) == {"rasters": ["heat.tif"]}

    @pytest.mark.parametrize(
        ("name", "message"), [("z.gpkg", "z.gpkg: no such file"), ("z.docx", "z.docx: unknown kind of file")]
    )
    def test_files_that_cannot_be(self, tmp_path, name, message):
        if name.endswith("docx"):
            (tmp_path / name).write_bytes(b"PK")
        with pytest.raises(InputError, match=message):
            read_city([name], folder=tmp_path)

    def test_a_torn_file(self, tmp_path):
        (tmp_path / "z.gpkg").write_bytes(b"no database at all, but longer than a header of SQLite would be")
        with pytest.raises(InputError, match=r"z\.gpkg: cannot be read"):
            read_city(["z.gpkg"], folder=tmp_path)


def _quarters(square):
    west, south, east, north = square.bounds
    x, y = (west + east) / 2, (south + north) / 2
    halves = itertools.product(((west, x), (x, east)), ((south, y), (y, north)))
    return [(a, c, b, d) for (a, b), (c, d) in halves]


class TestIds:
    def link(self, tmp_path, people):
        return read_city(write(tmp_path, z=zones(fid_2=range(1, 10)), people=people), folder=tmp_path).link

    def test_ids_of_both(self, tmp_path):
        link = self.link(tmp_path, table({"code": IDS[::-1], "pop": PEOPLE}))
        assert (link.zone_id, link.table_id, link.digits, link.matched) == ("kode", "code", None, 9)

    def test_leading_zeros_that_a_spreadsheet_ate(self, tmp_path):
        link = self.link(tmp_path, table({"code": [int(i) for i in IDS], "pop": PEOPLE}))
        assert (link.digits, link.matched, link.zones_alone) == (3, 9, ())

    def test_who_is_left_over(self, tmp_path):
        link = self.link(tmp_path, table({"code": [*IDS[1:], "Q"], "pop": PEOPLE}))
        assert (link.matched, link.zones_alone, link.rows_alone) == (8, ("001",), ("Q",))

    def test_true_codes_before_row_numbers(self, tmp_path):
        people = table({"nr": range(1, 10), "code": IDS, "pop": PEOPLE})
        assert self.link(tmp_path, people).table_id == "code"

    def test_ids_that_stand_often_join_nothing(self, tmp_path):
        assert self.link(tmp_path, table({"code": ["001"] * 9, "pop": PEOPLE})) is None

    @pytest.mark.parametrize(
        ("mine", "theirs", "digits"),
        [
            (["0601", "1001"], ["601", "1001"], 4),
            (["601"], ["0601"], 4),
            (["A", "07"], ["A", "7"], 2),
            (["7"], ["8"], None),
            (["1", "01"], ["1", "01"], None),
            (["1", "01"], ["001", "x"], None),
        ],
    )
    def test_lost_zeros(self, mine, theirs, digits):
        assert lost_zeros(mine, theirs) == digits

    def test_the_id_column_is_filled_in_and_has_each_once(self):
        piece = Piece(
            "z.csv", table({"id": ["1", "1"], "name": ["Oak", "Elmwood"], "k": ["AA", "BB"], "v": [1.5, 2.5]})
        )
        assert id_column(piece) == "k"
        assert id_column(Piece("z.csv", table({"id": ["1", "1"]}))) is None
        assert ids_of(piece, "k") == ["AA", "BB"]


class TestPlan:
    @pytest.mark.parametrize(
        ("cells", "found"),
        [
            (["citywide", ""], True),
            (["zones:A;B", "unknown"], True),
            (["district:Ø1"], True),
            (["https://x.org/a", "https://x.org/b"], False),
            (["12:30"], False),
            (["", ""], False),
            (["Main street"], False),
        ],
    )
    def test_places_in_words(self, cells, found):
        assert (place_column(Piece("p.csv", table({"a": cells}))) == "a") is found

    def test_a_sector_of_a_census_makes_no_plan(self):
        assert plan_likeness(Piece("z.csv", table({"cd_setor": ["1", "2"], "populacao": [5, 6]}))) < 2

    def test_costs_must_be_numbers(self):
        assert plan_likeness(Piece("z.csv", table({"cost": ["high", "low"]}))) == 0

    def test_areas_that_a_plan_names(self):
        plan = Piece("p.csv", table({"where": ["zone: B; A", "district:D1", "citywide", "zones:C"]}))
        assert named_places([plan]) == {"zones": {"A", "B", "C"}, "district": {"D1"}}


def test_nested_asks_for_one_area():
    halves = gpd.GeoDataFrame(geometry=[box(0, 0, 1.5, 3), box(1.5, 0, 3, 3)], crs=UTM)
    found = nested(Piece("h", halves), Piece("z", zones()))
    assert found.tolist() == [True, False, True] * 3
    assert nested(Piece("h", halves), Piece("z", zones()), share=0.0).all()


def test_a_layer_without_a_crs_can_be_looked_at():
    bare = zones().set_crs(None, allow_override=True)
    assert nested(Piece("h", pd.concat([HALVES.set_crs(None, allow_override=True)])), Piece("z", bare)).all()

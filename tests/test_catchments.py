"""Reaches in files of their own: service areas, travel times, rasters; over the city of four squares."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.actions import read_actions
from equity_screen.catchments import attach_layers, beside, check_times
from equity_screen.errors import EquityScreenWarning, InputError
from equity_screen.overlay import overlay
from equity_screen.schema import Origin
from equity_screen.synthetic import CRS, four_zones
from tests import geotiffs
from tests.plans import km_box

CITY = four_zones()
NAN = float("nan")
TIMES = [("S", "A", 0), ("S", "B", 10), ("S", "C", 10.5), ("T", "D", 5)]


@pytest.fixture
def folder(tmp_path):
    """Areas of S and T, times from them, and a raster."""
    rows = [("S", 10, km_box(0, 0, 1, 1)), ("S", 20, km_box(0, 0, 2, 1)), ("T", 10, km_box(1, 1, 2, 2))]
    table = pd.DataFrame(rows, columns=["action", "minutes", "geometry"])
    write_areas(tmp_path, table.assign(site=["x", "y", "S"]))
    pd.DataFrame(TIMES, columns=["action", "neighbourhood", "minutes"]).to_csv(tmp_path / "times.csv", index=False)
    geotiffs.write(tmp_path / "heat.tif")
    return tmp_path


def write_areas(folder, table, *, name="areas.gpkg", crs=CRS):
    gpd.GeoDataFrame(table, geometry="geometry", crs=CRS).to_crs(crs).to_file(folder / name)


def effect(reach, layer, action="S", **given):
    row = {"action": action, "reach": reach, "layer": layer, "layer_id": "", "minutes": NAN}
    return row | given


def attach(folder, *effects, crs=CITY.crs, zones=CITY.index, actions=()):
    return attach_layers(pd.DataFrame(effects), crs=crs, zones=zones, reader=beside(folder), actions=actions)


def area_km2(shape):
    return round(shape.area / 1e6, 4)


def refused(match):
    return pytest.raises(InputError, match=match)


class TestAreas:
    def test_several_polygons_of_one_action_are_one(self, folder):
        found = attach(folder, effect("area", "areas.gpkg"), effect("area", "areas.gpkg", "T"))
        assert found["shape"].map(area_km2).tolist() == [2, 1]
        assert found[["zones", "raster"]].to_numpy().tolist() == [["", ""], ["", ""]]

    def test_minutes_pick(self, folder):
        found = attach(folder, *(effect("area", "areas.gpkg", minutes=m) for m in (10.0, 20.0, NAN)))
        assert found["shape"].map(area_km2).tolist() == [1, 2, 2]

    def test_each_effect_has_its_own_column_of_ids(self, folder):
        found = attach(folder, effect("area", "areas.gpkg"), effect("area", "areas.gpkg", layer_id="site"))
        assert found["shape"].map(area_km2).tolist() == [2, 1]  # as an action S has two areas, as a site one

    def test_are_brought_to_the_crs_of_the_actions(self, folder):
        write_areas(
            folder, pd.DataFrame({"action": ["S"], "geometry": [km_box(0, 0, 1, 1)]}), name="w.geojson", crs=4326
        )
        assert area_km2(attach(folder, effect("area", "w.geojson"))["shape"][0]) == pytest.approx(1, rel=1e-4)

    def test_without_a_crs_of_the_actions_they_are_in_degrees(self, folder):
        shape = attach(folder, effect("area", "areas.gpkg", "T"), crs=None)["shape"][0]
        assert shape.centroid.y == pytest.approx(55.95, abs=0.05)

    def test_ids_that_are_numbers_are_text(self, folder):
        write_areas(folder, pd.DataFrame({"nr": [7, 8], "geometry": [km_box(0, 0, 1, 1), km_box(0, 0, 2, 2)]}))
        found = attach(folder, effect("area", "areas.gpkg", "8", layer_id="nr"))
        assert area_km2(found["shape"][0]) == 4

    def test_an_action_that_the_layer_does_not_have(self, folder):
        with refused(r"2 faults.*\n.*column action, value Ss: .*did you mean 'S'\?.*ES-REACH-NO-ROW"):
            attach(folder, effect("area", "areas.gpkg", "Ss"), effect("area", "areas.gpkg", "Q"))

    def test_the_id_of_another_action_is_not_what_was_meant(self, folder):
        with refused(r"value S1: .*no such row for effect 'heat' of S1. Mend: add the action to the file"):
            attach(folder, effect("area", "areas.gpkg", "S1", effect="heat"), effect("footprint", ""))

    def test_the_id_of_an_action_without_effects_is_not_meant_either(self, folder):
        with refused(r"did you mean 'S'\?"):
            attach(folder, effect("area", "areas.gpkg", "S1"))
        with refused("Mend: add the action to the file, or write another reach"):
            attach(folder, effect("area", "areas.gpkg", "S1"), actions=["S", "S1"])

    def test_minutes_that_the_layer_does_not_have(self, folder):
        with refused(r"id S, column minutes, value 15: .*it has areas of 10, 20 minutes.*ES-REACH-NO-ROW"):
            attach(folder, effect("area", "areas.gpkg", minutes=15.0))

    @pytest.mark.parametrize(("given", "column"), [({"minutes": 10.0}, "minutes"), ({"layer_id": "nr"}, "nr")])
    def test_a_column_that_the_layer_does_not_have(self, folder, given, column):
        write_areas(folder, pd.DataFrame({"action": ["S"], "geometry": [km_box(0, 0, 1, 1)]}))
        with refused(f"areas.gpkg, column {column}: no such column"):
            attach(folder, effect("area", "areas.gpkg", **given))

    def test_a_layer_of_points(self, folder):
        write_areas(folder, pd.DataFrame({"action": ["S"], "geometry": [shapely.Point(560000, 6200000)]}))
        with refused("areas.gpkg, .*polygon"):
            attach(folder, effect("area", "areas.gpkg"))

    def test_a_file_that_is_not_there(self, folder):
        with refused(r"gone.gpkg: no such file.*ES-FILE-MISSING"):
            attach(folder, effect("area", "gone.gpkg"))


class TestTimes:
    def zones_of(self, folder, minutes, action="S", **given):
        return attach(folder, effect("travel", "times.csv", action, minutes=minutes), **given)["zones"][0]

    @pytest.mark.parametrize(
        ("minutes", "near"), [(0.5, "A"), (9.99, "A"), (10.0, "A;B"), (10.5, "A;B;C"), (99.0, "A;B;C")]
    )
    def test_at_most_so_far(self, folder, minutes, near):
        assert self.zones_of(folder, minutes) == near

    def test_nobody_near_enough(self, folder):
        assert self.zones_of(folder, 1.0, "T") == ""

    def test_without_neighbourhoods_nothing_is_matched(self, folder):
        assert self.zones_of(folder, 10.0, zones=None) == ""

    def test_an_action_without_a_time(self, folder):
        with refused(r"times.csv, column action, value St: .*ES-REACH-NO-ROW"):
            self.zones_of(folder, 10.0, "St")

    def check(self, *rows):
        table = pd.DataFrame(rows, columns=["action", "neighbourhood", "minutes"]).astype("str")
        return check_times(table, origin=Origin("times.csv", "row"), zones=CITY.index)

    @pytest.mark.parametrize(
        ("row", "code", "column"),
        [
            (("S", "Z", 5), "ES-TIMES-PLACE", "neighbourhood"),
            (("S", "", 5), "ES-ID-MISSING", "neighbourhood"),
            (("", "A", 5), "ES-ID-MISSING", "action"),
            (("S", "A", -1), "ES-TIMES-MINUTES", "minutes"),
            (("S", "A", ""), "ES-TIMES-MINUTES", "minutes"),
            (("S", "A", "far"), "ES-NUMBER-TEXT", "minutes"),
            (("S", "A", "inf"), "ES-NUMBER-INFINITE", "minutes"),
        ],
        ids=str,
    )
    def test_is_refused_with_its_place(self, row, code, column):
        checked = self.check(("S", "B", 3), row)
        found = next(f for f in checked.findings if f.code == code)
        assert (found.status, found.source, found.row, found.column) == ("refused", "times.csv", "row 3", column)
        assert checked.table["neighbourhood"].tolist() == ["B"]

    def test_a_pair_twice(self):
        checked = self.check(("S", "A", 3), ("S", "B", 3), ("S", "A", 4))
        assert [(f.code, f.row) for f in checked.findings] == [("ES-TIMES-PAIR", "row 2"), ("ES-TIMES-PAIR", "row 4")]
        assert checked.table["neighbourhood"].tolist() == ["B"]

    def test_an_action_or_a_neighbourhood_in_many_rows_is_no_double(self):
        assert self.check(*TIMES).findings == ()

    def test_an_id_with_a_fault_is_told_in_each_of_its_rows(self):
        checked = self.check(("S ", "A", 3), ("S", "B", 3), ("S ", "C", 4), ("", "D", 1), ("", "A", 1))
        assert [(f.code, f.row) for f in checked.findings] == [
            ("ES-ID-TEXT", "row 2"),
            ("ES-ID-TEXT", "row 4"),
            ("ES-ID-MISSING", "row 5"),
            ("ES-ID-MISSING", "row 6"),
        ]
        assert checked.table["action"].tolist() == ["S", "S", "S"]

    def test_a_time_of_0_is_a_time(self):
        assert self.check(("S", "A", 0)).table["minutes"].tolist() == [0]

    def test_needed_columns(self):
        with refused(r"column minutes: no such column"):
            check_times(pd.DataFrame({"action": [], "neighbourhood": []}), origin=Origin("t.csv"), zones=CITY.index)

    def test_any_refused_row_stops_the_reach(self, folder):
        (folder / "times.csv").write_text("action,neighbourhood,minutes\nS,A,3\nS,Z,3\n", encoding="utf-8")
        with refused("ES-TIMES-PLACE"):
            self.zones_of(folder, 10.0)


class TestRasters:
    def test_the_path_is_kept(self, folder):
        found = attach(folder, effect("raster", "heat.tif"), effect("footprint", ""))
        assert found["raster"].tolist() == [str(folder / "heat.tif"), ""]

    def test_below_zero_is_refused(self, folder):
        geotiffs.write(folder / "heat.tif", -geotiffs.VALUES)
        mend = "put it into the other ledger, without its sign, or declare it as nodata"
        with refused(rf"heat.tif, id S, value -6: below zero \(effect 'cool' of S\). Mend: {mend}"):
            attach(folder, effect("raster", "heat.tif", effect="cool"))

    @pytest.mark.parametrize("offset", [0.0, -2.0])
    def test_what_the_cells_stand_for_counts(self, folder, offset):
        """Stored as −1 … −6 with a scale of −0.5 they are 0.5 … 3, less 2 some are below zero."""
        geotiffs.write(folder / "heat.tif", -geotiffs.VALUES, scaling=(-0.5, offset))
        if offset:
            with refused(r"value -1.5: below zero"):
                attach(folder, effect("raster", "heat.tif"))
        else:
            assert attach(folder, effect("raster", "heat.tif"))["raster"][0]

    def test_no_data_is_not_below_zero(self, folder):
        geotiffs.write(folder / "heat.tif", np.array([[1.0, -9999, 3], [4, 5, np.nan]]), nodata=-9999)
        assert attach(folder, effect("raster", "heat.tif"))["raster"][0]

    def test_a_raster_of_nothing_known(self, folder):
        geotiffs.write(folder / "heat.tif", np.full((2, 3), np.nan))
        assert attach(folder, effect("raster", "heat.tif"))["raster"][0]

    def test_a_fault_names_the_first_of_its_effects(self, folder):
        geotiffs.write(folder / "heat.tif")
        asked = [effect("raster", "heat.tif", effect=name, band="9") for name in ("cool", "warm")]
        with refused(r"heat.tif, id S.*\(effect 'cool' of S, and 1 more\).*ES-RASTER-BAND"):
            attach(folder, *asked, effect("raster", "heat.tif"))

    def test_one_that_cannot_be_read(self, folder):
        (folder / "heat.tif").write_text("no raster", encoding="utf-8")
        with refused("heat.tif, id S: .*ES-RASTER-UNREADABLE"):
            attach(folder, effect("raster", "heat.tif"))


class TestActions:
    """Read as a session in Python reads them."""

    def read(self, folder, reach, *, near=CITY):
        (folder / "plan.csv").write_text("id,where\nS,unknown\n", encoding="utf-8")
        (folder / "effects.csv").write_text(
            f"action,ledger,effect,unit,amount,reach,layer,minutes\nS,benefit,e,K,1,{reach}\n", encoding="utf-8"
        )
        with pytest.warns(EquityScreenWarning, match="ES-ACTION-UNLOCATED"):
            return read_actions(folder / "plan.csv", effects=folder / "effects.csv", near=near, id="id", where="where")

    @pytest.mark.parametrize(
        ("reach", "shares"), [("area,areas.gpkg,10", [1, 0, 0, 0]), ("travel,times.csv,10", [1, 1, 0, 0])]
    )
    def test_an_unlocated_action_has_the_place_of_its_reach(self, folder, reach, shares):
        laid = overlay(CITY, self.read(folder, reach))
        assert laid.shares.matrix.toarray().ravel() == pytest.approx(shares, abs=1e-8)
        assert not laid.unlocated.any()

    def test_of_actions_without_any_crs(self, folder):
        plan = self.read(folder, "area,areas.gpkg,10", near=None)
        assert plan.actions.crs == "EPSG:4326"
        shares = overlay(CITY, plan).shares.matrix.toarray().ravel()
        assert shares == pytest.approx([1, 0, 0, 0], abs=1e-4)

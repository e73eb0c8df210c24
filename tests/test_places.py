"""Where each action is: coordinates that cannot be meant, words for places, zones by name."""

from __future__ import annotations

import unicodedata

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.boundaries import Boundary, boundary_of_column
from equity_screen.errors import InputError
from equity_screen.places import place_actions
from equity_screen.schema import Origin
from equity_screen.sources import ActionsFile
from equity_screen.synthetic import four_zones
from tests.plans import km_box

ZONES = four_zones().geometry
CSV, LAYER = Origin("plan.csv", "row"), Origin("plan.gpkg", "feature")
# One place, the middle of the north-eastern square, as four files might write it.
METRES = shapely.Point(561_500, 6_201_500)
DEGREES = gpd.GeoSeries([METRES], crs=25832).to_crs(4326)[0]
MERCATOR = gpd.GeoSeries([METRES], crs=25832).to_crs(3857)[0]


def place(frame, *, origin=CSV, zones=ZONES, **declared):
    ids = pd.Series([f"A{i + 1}" for i in range(len(frame))])
    return place_actions(frame, ActionsFile(file=origin.file, **declared), origin=origin, ids=ids, zones=zones)


def points(*shapes, crs=25832, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)


def words(*texts, zones=ZONES):
    return place(pd.DataFrame({"where": list(texts)}), where="where", zones=zones)


def codes(places):
    return [(f.status, f.code, f.row, f.id) for f in places.findings]


class TestCoordinates:
    @pytest.mark.parametrize(("shape", "crs"), [(METRES, 25832), (DEGREES, 4326), (MERCATOR, 3857)])
    def test_come_in_the_crs_of_the_neighbourhoods(self, shape, crs):
        found = place(points(shape, crs=crs), origin=LAYER)
        assert found.geometry.crs == ZONES.crs
        assert found.geometry[0].distance(METRES) < 1e-6
        assert codes(found) == []

    def test_of_a_table(self):
        table = pd.DataFrame({"e": [str(DEGREES.x)], "n": [str(DEGREES.y)]})
        assert place(table, x="e", y="n", crs="EPSG:4326").geometry[0].distance(METRES) < 1e-3

    def test_of_a_table_need_a_crs(self):
        with pytest.raises(InputError, match=r"plan.csv, column CRS: the file has no CRS"):
            place(pd.DataFrame({"e": ["1"], "n": ["2"]}), x="e", y="n")

    def test_words_among_them(self):
        table = pd.DataFrame({"e": ["561500", "east"], "n": ["6201500", "6201500"]})
        found = place(table, x="e", y="n", crs="EPSG:25832")
        assert ("refused", "ES-NUMBER-TEXT", "row 3", "") in codes(found)
        assert found.where.tolist() == ["geometry", "unlocated"]

    def test_heights_are_dropped(self):
        found = place(points(shapely.Point(561_500, 6_201_500, 12.0)), origin=LAYER)
        assert not found.geometry.has_z.any()


class TestMisplaced:
    def test_a_row_in_another_crs_is_refused_by_name(self):
        found = place(points(METRES, DEGREES), origin=LAYER)
        (fault,) = found.findings
        assert codes(found) == [("refused", "ES-CRS-MIXED", "feature 2", "A2")]
        assert fault.reason == "these coordinates are not near the city in EPSG:25832, but they are in EPSG:4326"
        assert fault.mend == 'declare other_crs = ["EPSG:4326"], or correct the row'
        assert fault.value == f"({DEGREES.x:.10g}, {DEGREES.y:.10g})"

    def test_is_converted_where_that_is_declared(self):
        found = place(points(METRES, DEGREES), origin=LAYER, other_crs=("EPSG:4326",))
        assert codes(found) == [("repaired", "ES-CRS-CONVERTED", "feature 2", "A2")]
        assert found.geometry[1].distance(METRES) < 1e-6

    def test_several_other_crs(self):
        frame = points(DEGREES, METRES, MERCATOR, crs=4326)
        found = place(frame, origin=LAYER, other_crs=("EPSG:3857", "EPSG:25832"))
        assert codes(found) == [("repaired", "ES-CRS-CONVERTED", f"feature {n}", f"A{n}") for n in (2, 3)]
        assert ["EPSG:25832" in f.reason for f in found.findings] == [True, False]
        assert max(shape.distance(METRES) for shape in found.geometry) < 1e-6

    def test_converted_or_not_by_row(self):
        found = place(points(METRES, DEGREES, MERCATOR), origin=LAYER, other_crs=("EPSG:3857",))
        assert codes(found) == [
            ("refused", "ES-CRS-MIXED", "feature 2", "A2"),
            ("repaired", "ES-CRS-CONVERTED", "feature 3", "A3"),
        ]

    def test_an_unknown_other_crs(self):
        with pytest.raises(InputError, match=r"plan.gpkg, value EPSG:99: not a CRS that PROJ knows"):
            place(points(METRES), origin=LAYER, other_crs=("EPSG:99",))

    @pytest.mark.parametrize("shape", [shapely.Point(200, 95), shapely.Point(np.inf, 10), shapely.Point(1e20, 1e20)])
    def test_no_such_place(self, shape):
        found = place(points(DEGREES, shape, crs=4326), origin=LAYER)
        assert codes(found)[0] == ("refused", "ES-GEOM-COORDINATES", "feature 2", "A2")
        assert f"({shape.x:.10g}, {shape.y:.10g})" in [f.value for f in found.findings]

    def test_far_away_is_flagged_and_stays(self):
        found = place(points(METRES, shapely.Point(631_500, 6_201_500)), origin=LAYER)
        assert codes(found) == [("flagged", "ES-ACTION-FAR", "feature 2", "A2")]
        assert found.where.tolist() == ["geometry", "geometry"]

    def test_all_far_away_is_a_wrong_crs(self):
        with pytest.raises(InputError, match=r"plan.gpkg, column CRS: no action lies near the neighbourhoods"):
            place(points(shapely.Point(20, 20), shapely.Point(21, 20), crs=4326), origin=LAYER)

    def test_without_neighbourhoods_nothing_is_near_or_far(self):
        found = place(points(METRES, shapely.Point(0, 0)), origin=LAYER, zones=None)
        assert codes(found) == []
        assert found.geometry.crs == 25832


class TestShapes:
    def test_a_bow_tie_is_mended(self):
        tie = shapely.Polygon([(561_000, 6_201_000), (561_200, 6_201_200), (561_200, 6_201_000), (561_000, 6_201_200)])
        found = place(points(METRES, tie), origin=LAYER)
        assert codes(found) == [("repaired", "ES-ACTION-GEOM-INVALID", "feature 2", "A2")]
        assert found.geometry[1].area == pytest.approx(20_000)

    def test_a_line_without_length_becomes_its_point(self):
        found = place(points(shapely.LineString([METRES, METRES])), origin=LAYER)
        assert codes(found) == [("repaired", "ES-ACTION-GEOM-INVALID", "feature 1", "A1")]
        assert found.geometry[0].equals(METRES)

    @pytest.mark.parametrize("nothing", [None, shapely.Point(), shapely.Polygon()])
    def test_no_geometry_is_no_place(self, nothing):
        found = place(points(METRES, nothing), origin=LAYER)
        assert found.where.tolist() == ["geometry", "unlocated"]
        assert codes(found) == [("flagged", "ES-ACTION-UNLOCATED", "feature 2", "A2")]
        assert "in the money, carbon and action ledgers" in found.findings[0].reason


class TestWords:
    def test_in_any_case_with_blanks(self):
        found = words("citywide", " CityWide ", "Unknown", "ZONES:A", "zone: B ; A;;")
        assert found.where.tolist() == ["citywide", "citywide", "unlocated", "zones", "zones"]
        assert found.zones.tolist() == ["", "", "", "A", "A;B"]

    def test_zones_are_their_union(self):
        found = words("zones:D;A;D")
        assert found.geometry[0].equals(ZONES["A"].union(ZONES["D"]))
        assert found.zones.tolist() == ["A;D"]

    def test_a_place_has_geometry_and_no_other(self):
        assert words("citywide", "unknown").geometry.isna().all()

    @pytest.mark.parametrize("text", ["everywhere", "city wide", "zones A", "A;B"])
    def test_not_a_place(self, text):
        found = words("citywide", text)
        assert codes(found)[0] == ("refused", "ES-WHERE", "row 3", "A2")
        assert (found.findings[0].column, found.findings[0].value) == ("where", text)

    def test_unknown_zones_each_with_its_hint(self):
        zones = ZONES.rename({"A": "North", "B": "South"})
        found = words("citywide", "zones:Nrth;D;Xyz", zones=zones)
        assert [(f.code, f.row, f.value, f.mend) for f in found.findings] == [
            ("ES-WHERE-ZONE", "row 3", "Nrth", "did you mean 'North'?"),
            ("ES-WHERE-ZONE", "row 3", "Xyz", "one of: C, D, North, South"),
        ]
        assert found.geometry.isna().all()

    def test_no_zone_named(self):
        assert [(f.code, f.value) for f in words("zones:").findings] == [("ES-WHERE-ZONE", "")]

    def test_zone_names_as_decomposed_letters(self):
        zones = ZONES.rename({"A": "Ålborg"})
        found = words("zones:" + unicodedata.normalize("NFD", "Ålborg"), zones=zones)
        assert found.findings == []
        assert found.zones.tolist() == ["Ålborg"]

    def test_without_neighbourhoods_zones_are_only_listed(self):
        found = words("zones:Q", zones=None)
        assert (found.zones.tolist(), found.findings) == (["Q"], [])

    @pytest.mark.parametrize("word", ["citywide", "unknown", "zones:A"])
    def test_holds_beside_a_geometry(self, word):
        found = place(points(METRES, METRES, where=["", word]), origin=LAYER, where="where")
        assert ("flagged", "ES-WHERE-AND-GEOMETRY", "feature 2", "A2") in codes(found)
        assert not METRES.equals(found.geometry[1])


class TestBoundaries:
    """Wards 1 and 2: the south of the city, and its north with a park beyond the city's edge."""

    SOUTH, NORTH = km_box(0, 0, 2, 1), km_box(0, 1, 2, 3)
    WARDS = Boundary(
        "Wards",
        gpd.GeoDataFrame({"name": ["South", "North"]}, index=["1", "2"], geometry=[SOUTH, NORTH], crs=25832),
    )
    BANKS = boundary_of_column(four_zones().assign(bank=["S", "S", "N", "N"]), "bank", label="Banks", source="z.gpkg")[
        0
    ]

    def words(self, *texts, zones=ZONES, **layers):
        ids = pd.Series([f"A{i + 1}" for i in range(len(texts))])
        frame = pd.DataFrame({"where": list(texts)})
        declared = ActionsFile(file="plan.csv", where="where")
        boundaries = layers or {"ward": self.WARDS, "bank": self.BANKS}
        return place_actions(frame, declared, origin=CSV, ids=ids, zones=zones, boundaries=boundaries)

    def test_areas_of_a_layer_are_their_union(self):
        found = self.words("ward:1", "ward: 2 ; 1;;", "ward:2;2")
        assert found.where.tolist() == ["boundary"] * 3
        assert found.zones.tolist() == ["ward:1", "ward:1;2", "ward:2"]
        assert [shape.area for shape in found.geometry] == [2e6, 6e6, 4e6]
        assert found.findings == []

    def test_areas_of_a_column_are_their_neighbourhoods(self):
        found = self.words("bank:S", "bank:N;S")
        assert found.where.tolist() == ["zones", "zones"]
        assert found.zones.tolist() == ["A;B", "A;B;C;D"]
        assert found.geometry[0].area == 2e6

    def test_areas_of_a_column_whose_neighbourhoods_cannot_be_listed(self):
        city = four_zones().assign(bank=["S", "S", "N", "N"]).rename(index={"A": "B;C"})
        banks = boundary_of_column(city, "bank", label="Banks", source="z.gpkg")[0]
        found = self.words("bank:S", zones=city.geometry, bank=banks)
        assert (found.where[0], found.zones[0], found.geometry[0].area) == ("boundary", "bank:S", 2e6)

    def test_in_any_case_and_by_name(self):
        found = self.words("WARD:south", "Bank:s", " ward : North")
        assert found.zones.tolist() == ["ward:1", "A;B", "ward:2"]

    def test_names_of_layers_keep_their_case(self):
        assert self.words("bydel:1", Bydel=self.WARDS).zones.tolist() == ["Bydel:1"]

    def test_unknown_areas_each_with_its_hint(self):
        found = self.words("ward:1;Sout", "bank:X")
        assert [(f.status, f.code, f.row, f.value, f.mend) for f in found.findings] == [
            ("refused", "ES-WHERE-ZONE", "row 2", "Sout", "did you mean 'South'?"),
            ("refused", "ES-WHERE-ZONE", "row 3", "X", "one of: N, S"),
        ]

    def test_no_area_named(self):
        assert [(f.code, f.value) for f in self.words("ward:").findings] == [("ES-WHERE-ZONE", "")]

    def test_a_layer_that_is_not_declared(self):
        (fault, _) = self.words("district:1").findings
        assert (fault.status, fault.code, fault.value) == ("refused", "ES-WHERE", "district:1")
        assert "ward:ID;ID, bank:ID;ID" in fault.mend

    def test_without_any_layer_the_mend_says_to_declare_one(self):
        fault = words("citywide", "ward:1").findings[0]
        assert fault.code == "ES-WHERE"
        assert "the name of a boundary declared in the project" in fault.mend

    def test_comes_in_the_crs_of_the_neighbourhoods(self):
        moved = self.WARDS._replace(areas=self.WARDS.areas.to_crs(4326))
        found = self.words("ward:1", ward=moved)
        assert found.geometry.crs == ZONES.crs
        assert found.geometry[0].area == pytest.approx(2e6, rel=1e-6)

    def test_holds_beside_a_geometry(self):
        frame = points(METRES, where=["ward:1"])
        found = place_actions(
            frame,
            ActionsFile(file="p.gpkg", where="where"),
            origin=LAYER,
            ids=pd.Series(["A1"]),
            zones=ZONES,
            boundaries={"ward": self.WARDS},
        )
        assert codes(found) == [("flagged", "ES-WHERE-AND-GEOMETRY", "feature 1", "A1")]
        assert found.geometry[0].area == 2e6

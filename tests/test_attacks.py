"""What an attack on reaches found: each of these once gave a number, or an error that named nothing."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Point

from equity_screen.catchments import attach_layers, beside
from equity_screen.effects import check_effects, completed
from equity_screen.errors import InputError
from equity_screen.overlay import overlay
from equity_screen.plans import _citywide
from equity_screen.schema import Origin
from equity_screen.screen import screen
from equity_screen.synthetic import CRS, four_zones
from tests.plans import effect, km, plan_of

CITY = four_zones()
MIDDLE = km(Point(0.5, 0.5))


def screened(**given: object) -> pd.DataFrame:
    return screen(CITY, plan_of({"P": MIDDLE}, effect("P", **given))).by_effect


class TestPlansByHand:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"reach": "within"}, "column distance_m.*ES-EFFECT-DISTANCE"),
            ({"reach": "within", "distance_m": -5.0}, "ES-EFFECT-DISTANCE"),
            ({"reach": "within", "distance_m": np.inf}, "ES-EFFECT-FAR"),
            ({"reach": "within", "distance_m": 2e6}, "farther than 1,000 km.*ES-EFFECT-FAR"),
            ({"reach": "ring", "inner_m": 500.0, "distance_m": 300.0}, "ES-EFFECT-RING"),
            ({"reach": "decay", "distance_m": 300.0}, "column kernel.*ES-EFFECT-DISTANCE"),
            ({"reach": "wihtin", "distance_m": 300.0}, "did you mean 'within'.*ES-EFFECT-WORD"),
            ({"reach": "area", "layer": "x.gpkg"}, "was not read.*ES-REACH-NOT-READ"),
            ({"reach": "travel", "layer": "x.csv", "minutes": 5.0}, "ES-REACH-NOT-READ"),
            ({"reach": "raster", "layer": "x.tif"}, "ES-REACH-NOT-READ"),
            ({"uptake": "low_income=2"}, "ES-EFFECT-UPTAKE"),
        ],
        ids=str,
    )
    def test_are_held_to_the_same_rules_as_files(self, given, said):
        with pytest.raises(InputError, match=said):
            screened(**given)

    def test_an_effect_twice(self):
        with pytest.raises(InputError, match="ES-EFFECT-DUPLICATE"):
            screen(CITY, plan_of({"P": MIDDLE}, effect("P"), effect("P")))


def test_the_same_rules_hold_in_a_file():
    row = {"action": "A", "ledger": "benefit", "effect": "x", "unit": "u", "reach": "within", "distance_m": "5e6"}
    checked = check_effects(pd.DataFrame([row]), origin=Origin("e.csv", "row"), actions=["A"])
    assert [fault.code for fault in checked.findings if fault.status == "refused"] == ["ES-EFFECT-FAR"]


def test_an_action_on_the_other_side_of_the_earth_reaches_nobody():
    here = CITY.geometry.union_all().centroid
    (place,) = gpd.GeoSeries([here], crs=CRS).to_crs(4326)
    there = gpd.GeoSeries([Point(place.x - 180.0, -place.y)], crs=4326)
    plan = plan_of({"P": MIDDLE}, effect("P", reach="within", distance_m=300.0))
    plan = plan._replace(actions=plan.actions.to_crs(4326).set_geometry(there.set_axis(["P"])))
    assert overlay(CITY, plan).shares.matrix.nnz == 0


def test_an_effect_of_a_citywide_action_that_names_a_distance_reaches_the_city_and_says_so():
    effects = completed(pd.DataFrame({"action": ["A"], "reach": ["ring"], "inner_m": [100.0], "distance_m": [300.0]}))
    actions = gpd.GeoDataFrame({"where": ["citywide"]}, index=["A"], geometry=[None])
    (row,) = _citywide(effects, actions).to_dict("records")
    assert (row["reach"], np.isnan(row["distance_m"]), np.isnan(row["inner_m"])) == ("citywide", True, True)


def test_a_semicolon_in_an_id_would_part_it(tmp_path: Path):
    pd.DataFrame({"action": ["A"], "neighbourhood": ["N;1"], "minutes": [5]}).to_csv(tmp_path / "t.csv", index=False)
    effects = completed(pd.DataFrame({"action": ["A"], "reach": ["travel"], "layer": ["t.csv"], "minutes": [9.0]}))
    with pytest.raises(InputError, match=r"value N;1: an id of a neighbourhood holds a semicolon.*ES-TIMES-ID"):
        attach_layers(effects, crs=None, zones=["N;1"], reader=beside(tmp_path))


@pytest.mark.parametrize(("radius", "depth", "angle"), [(400.0, 0.0012, 118.9), (5000.0, 0.05, 30.0)])
def test_a_neighbourhood_that_a_disc_enters_by_a_millimetre(radius, depth, angle):
    """The exact disc enters it, the drawn one does not."""
    rim = shapely.box(radius - depth, -500, radius - depth + 1000, 500)
    shapes = [rim, shapely.box(-3 * radius, -500, -radius / 2, 500)]
    turned = [shapely.affinity.rotate(shape, angle, origin=(0, 0)) for shape in shapes]
    space = "+proj=laea +lat_0=55.9 +lon_0=10 +datum=WGS84"
    index = pd.Index(["A", "B"], name="neighbourhood")
    city = gpd.GeoDataFrame({"name": ["a", "b"], "population": 1000.0}, index=index, geometry=turned, crs=space)
    places = {"S1": Point(0, 0), "S2": shapely.affinity.rotate(Point(0, 2), angle, origin=(0, 0))}
    plan = plan_of(places, *(effect(i, reach="within", distance_m=radius) for i in places), crs=space)
    together = screen(city, plan).together.set_index(["scope", "ledger", "group"])
    once = together.loc[("all actions", "benefit", "everyone"), "people_reached"]
    assert 0 < once <= 1001


def test_neighbourhoods_smaller_than_the_error_of_a_drawn_disc():
    """Of a disc of 50 km the corners lie 2.5 m outside: a good part of a square of 20 m."""
    space = "+proj=laea +lat_0=55.9 +lon_0=10 +datum=WGS84"
    squares = [shapely.box(50_000 - 12 + 3 * i, 20 * i, 50_000 + 8 + 3 * i, 20 * i + 20) for i in range(6)]
    index = pd.Index([f"N{i}" for i in range(6)], name="neighbourhood")
    city = gpd.GeoDataFrame({"name": list(index), "population": 10.0}, index=index, geometry=squares, crs=space)
    places = {"S1": Point(0, 0), "S2": Point(0.4, 0)}
    plan = plan_of(places, *(effect(i, reach="within", distance_m=50_000.0) for i in places), crs=space)
    result = screen(city, plan)
    times = result.times_reached.query("scope == 'all actions' and ledger == 'benefit' and group == 'everyone'")
    assert times["people"].sum() == pytest.approx(60.0, rel=1e-9)

"""Effects over the city of four squares: who is in reach, what each person receives, what falls outside."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod
from shapely.geometry import LineString, MultiPoint, Point

from equity_screen.actions import Plan
from equity_screen.align import check_blocks
from equity_screen.errors import InputError
from equity_screen.overlay import Overlay, overlay
from equity_screen.schema import Origin
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, four_actions, four_zones
from tests.plans import effect, km, km_box, plan_of

NAN = float("nan")
WEST_HALF = km_box(0, 0, 0.5, 2)
MIDDLE = km(Point(1, 1))
# A line that is straight on the map is not quite straight in the equal-area space: 1e-6 of an area.
STRAIGHT = 1e-5


def shares(laid: Overlay) -> np.ndarray:
    return laid.shares.matrix.toarray()


def doses(laid: Overlay) -> np.ndarray:
    return laid.per_person.matrix.toarray()


def geodesic_km2(zone: str) -> float:
    """Area on the ellipsoid by another way than a projection."""
    outline = four_zones().geometry.segmentize(50.0).to_crs(4326)[zone]
    return abs(Geod(ellps="WGS84").geometry_area_perimeter(outline)[0]) / 1e6


def blocks_of(*rows: tuple[float, float, float]) -> gpd.GeoDataFrame:
    """Population points (km east, km north, people), checked as from a file."""
    places = [km(Point(east, north)) for east, north, _ in rows]
    table = pd.DataFrame(
        {
            "x": [str(place.x) for place in places],
            "y": [str(place.y) for place in places],
            "people": [str(people) for *_, people in rows],
        }
    )
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
    return check_blocks(table, declared, origin=Origin("b.csv", "row"), zones=four_zones().geometry).table


# ---------------------------------------------------------------- shares


def test_the_western_half_reaches_half_of_a_and_c() -> None:
    laid = overlay(four_zones(), plan_of({"X": WEST_HALF}))
    assert shares(laid).ravel() == pytest.approx([0.5, 0, 0.5, 0], rel=STRAIGHT)
    assert laid.shares.rows.tolist() == ["A", "B", "C", "D"]
    assert laid.shares.columns.tolist() == [("X", "benefit", "shade")]


def test_the_four_actions_of_the_worked_plan() -> None:
    laid = overlay(four_zones(), four_actions())
    by_name = dict(zip(laid.shares.columns, shares(laid).T.tolist(), strict=True))
    assert by_name["CITY", "benefit", "dividend"] == [1, 1, 1, 1]
    assert by_name["EAST", "burden", "noise"] == [0, 1, 0, 1]
    assert by_name["LOST", "benefit", "biogas"] == [0, 0, 0, 0]
    assert by_name["WEST", "benefit", "shade"] == [1, 0, 1, 0]


def test_a_footprint_over_the_whole_city_is_exactly_one() -> None:
    laid = overlay(four_zones(), plan_of({"X": km_box(-1, -1, 3, 3)}))
    assert shares(laid).ravel().tolist() == [1.0] * 4


@pytest.mark.parametrize(("where", "expected"), [("citywide", [1, 1, 1, 1]), ("zones:D;A", [1, 0, 0, 1])])
def test_declared_places_are_exactly_one(where: str, expected: list[float]) -> None:
    assert shares(overlay(four_zones(), plan_of({"X": where}))).ravel().tolist() == expected


def test_a_citywide_effect_of_a_placed_action_reaches_everyone() -> None:
    laid = overlay(four_zones(), plan_of({"X": WEST_HALF}, effect("X", reach="citywide")))
    assert shares(laid).ravel().tolist() == [1.0] * 4
    assert laid.reach.empty


def test_an_unlocated_action_reaches_nobody_and_is_spread_over_nobody() -> None:
    laid = overlay(four_zones(), plan_of({"X": "unlocated"}, effect("X", per="total", amount=1200.0)))
    assert laid.shares.matrix.nnz == 0
    assert laid.per_person.matrix.nnz == 0
    assert laid.reach.empty
    assert laid.outside.isna().all()


@pytest.mark.parametrize("way", ["travel", "zones"])
def test_the_reach_of_a_list_of_neighbourhoods_is_their_union(way: str) -> None:
    travel = effect("T", effect="near", reach="travel", zones="C;A")
    plan = {
        "travel": plan_of({"T": "unlocated", "X": km_box(1, 0, 2, 2)}, effect("X"), travel),
        "zones": plan_of({"T": "zones:C;A", "X": km_box(1, 0, 2, 2)}, effect("X"), effect("T", effect="near")),
    }[way]
    if way == "zones":
        plan.actions.loc["T", "geometry"] = None
    laid = overlay(four_zones(), plan)
    assert laid.reach[["action", "effect"]].to_numpy().tolist() == [["X", "shade"], ["T", "near"]]
    drawn = laid.reach.to_crs(CRS).geometry[1]
    assert drawn.symmetric_difference(km_box(0, 0, 1, 2)).area == pytest.approx(0, abs=10)
    assert drawn.geom_type == "Polygon"
    assert laid.ground.effects.footprints.is_empty.tolist() == [False, True]
    assert np.isnan(laid.outside.iloc[1])


def test_lists_of_nobody_have_no_reach() -> None:
    plan = plan_of({"T": "unlocated"}, effect("T", reach="travel", zones=""))
    assert overlay(four_zones(), plan).reach.empty


def test_a_disc_in_the_middle_reaches_a_quarter_disc_of_each() -> None:
    laid = overlay(four_zones(), plan_of({"X": MIDDLE}, effect("X", reach="within", distance_m=500.0)))
    quarter_km2 = math.pi * 0.5**2 / 4
    expected = [quarter_km2 / geodesic_km2(zone) for zone in "ABCD"]
    assert shares(laid).ravel() == pytest.approx(expected, rel=3e-4)


def test_a_corridor_is_its_sides_and_its_round_ends() -> None:
    line = km(LineString([(0.5, 0.5), (1.5, 0.5)]))
    laid = overlay(four_zones(), plan_of({"X": line}, effect("X", reach="within", distance_m=100.0)))
    length = Geod(ellps="WGS84").geometry_length(gpd.GeoSeries([line], crs=CRS).to_crs(4326)[0]) / 1000
    reached = shares(laid).ravel()[:2] @ [geodesic_km2("A"), geodesic_km2("B")]
    assert reached == pytest.approx(0.2 * length + math.pi * 0.1**2, rel=1e-4)
    assert shares(laid).ravel()[2:].tolist() == [0, 0]


def test_within_of_an_area_counts_the_area_itself() -> None:
    around = plan_of({"X": km_box(0, 0, 1, 1)}, effect("X", reach="within", distance_m=100.0))
    reached = shares(overlay(four_zones(), around)).ravel()
    assert reached[0] == 1.0
    assert reached[1] == pytest.approx(0.1, rel=1e-3)
    assert reached[3] == pytest.approx(math.pi * 0.1**2 / 4, rel=2e-3)


def test_places_of_several_points_are_one_reach() -> None:
    two = km(MultiPoint([(0.5, 0.5), (0.55, 0.5)]))
    laid = overlay(four_zones(), plan_of({"X": two}, effect("X", reach="within", distance_m=100.0)))
    alone = overlay(four_zones(), plan_of({"X": two.geoms[0]}, effect("X", reach="within", distance_m=100.0)))
    assert shares(alone)[0, 0] < shares(laid)[0, 0] < 2 * shares(alone)[0, 0]
    assert len(laid.reach) == 1


def test_a_point_has_no_area_to_reach_anyone_with() -> None:
    assert overlay(four_zones(), plan_of({"X": MIDDLE})).shares.matrix.nnz == 0


# ---------------------------------------------------------------- population points


def test_people_are_counted_where_their_points_are() -> None:
    blocks = blocks_of(
        (0.2, 0.5, 75), (0.8, 0.5, 25), (0.2, 1.5, 30), (0.8, 1.5, 270), (1.5, 0.5, 200), (1.5, 1.5, 400)
    )
    laid = overlay(four_zones(), plan_of({"X": WEST_HALF}), blocks=blocks)
    assert shares(laid).ravel().tolist() == [0.75, 0, 0.1, 0]


def test_a_neighbourhood_without_points_is_counted_by_area() -> None:
    blocks = blocks_of((0.2, 0.5, 75), (0.8, 0.5, 25))
    laid = overlay(four_zones(), plan_of({"X": WEST_HALF}), blocks=blocks)
    assert shares(laid).ravel() == pytest.approx([0.75, 0, 0.5, 0], rel=STRAIGHT)


def test_distance_to_a_point_is_measured_on_the_earth_to_the_metre() -> None:
    middle = gpd.GeoSeries([MIDDLE], crs=CRS).to_crs(4326)[0]
    east = [Geod(ellps="WGS84").fwd(middle.x, middle.y, 45.0, metres)[:2] for metres in (499.9, 500.1)]
    places = gpd.GeoSeries([Point(*place) for place in east], crs=4326).to_crs(CRS)
    offsets = [((place.x - 560_000) / 1000, (place.y - 6_200_000) / 1000) for place in places]
    blocks = blocks_of((*offsets[0], 100), (*offsets[1], 300))
    disc = plan_of({"X": MIDDLE}, effect("X", reach="within", distance_m=500.0))
    assert shares(overlay(four_zones(), disc, blocks=blocks))[3, 0] == 0.25


def test_points_leave_what_is_declared_whole_at_exactly_one() -> None:
    plan = plan_of({"X": "citywide", "Y": "zones:B"})
    laid = overlay(four_zones(), plan, blocks=blocks_of((0.5, 0.5, 10), (1.5, 0.5, 10)))
    assert shares(laid).tolist() == [[1, 0], [1, 1], [1, 0], [1, 0]]


# ---------------------------------------------------------------- effect per person


@pytest.fixture
def city() -> gpd.GeoDataFrame:
    """Four squares with 50, 100, 100 and 100 households and a driver."""
    return four_zones().assign(households=[50.0, 100.0, 100.0, 100.0], bill=[4.0, 3.0, 2.0, 1.0])


def test_an_amount_per_person_is_what_each_person_in_reach_receives(city: gpd.GeoDataFrame) -> None:
    laid = overlay(city, plan_of({"X": "zones:A;D"}, effect("X", amount=3.0)))
    assert doses(laid).ravel().tolist() == [3, 0, 0, 3]


def test_a_partly_reached_neighbourhood_receives_its_share_on_average(city: gpd.GeoDataFrame) -> None:
    assert doses(overlay(city, plan_of({"X": WEST_HALF}, effect("X", amount=3.0)))).ravel() == pytest.approx(
        [1.5, 0, 1.5, 0], rel=STRAIGHT
    )


@pytest.mark.parametrize(
    ("per", "amount", "expected"),
    [
        ("household", 12.0, [3, 0, 2, 0]),  # 12 for half of the 50 homes of A, among its 100 people
        ("total", 800.0, [2, 0, 2, 0]),  # 50 and 150 people in reach: 4 for each of them
    ],
)
def test_a_partly_reached_neighbourhood_brings_its_share_of_homes_and_people(
    city: gpd.GeoDataFrame, per: str, amount: float, expected: list[float]
) -> None:
    laid = overlay(city, plan_of({"X": WEST_HALF}, effect("X", per=per, amount=amount)))
    assert doses(laid).ravel() == pytest.approx(expected, rel=STRAIGHT)


def test_an_amount_per_household_is_shared_by_the_people_of_the_neighbourhood(city: gpd.GeoDataFrame) -> None:
    laid = overlay(city, plan_of({"X": "citywide"}, effect("X", per="household", amount=12.0)))
    assert doses(laid).ravel().tolist() == [6, 6, 4, 3]  # 12 * 50/100, 100/200, 100/300, 100/400


@pytest.mark.parametrize("place", ["zones:A", km_box(0, 0, 1, 1)])
def test_an_amount_per_km2_follows_the_area_on_the_ellipsoid(
    city: gpd.GeoDataFrame, place: str | shapely.Geometry
) -> None:
    laid = overlay(city, plan_of({"X": place}, effect("X", per="km2", amount=100.0)))
    assert doses(laid)[0, 0] == pytest.approx(geodesic_km2("A"), rel=1e-6)


def test_a_total_is_shared_out_over_the_people_in_reach_and_nothing_is_lost(city: gpd.GeoDataFrame) -> None:
    laid = overlay(city, plan_of({"X": "zones:B;D"}, effect("X", per="total", amount=1200.0)))
    assert doses(laid).ravel() == pytest.approx([0, 2, 0, 2], rel=1e-15)
    assert doses(laid).ravel() @ city["population"] == pytest.approx(1200.0, rel=1e-15)


def test_a_total_may_be_shared_out_by_a_driver(city: gpd.GeoDataFrame) -> None:
    laid = overlay(city, plan_of({"X": "citywide"}, effect("X", per="total", amount=700.0, driver="households")))
    assert doses(laid).ravel() == pytest.approx([1, 1, 2 / 3, 0.5])  # 700 * h/350 / people
    assert doses(laid).ravel() @ city["population"] == pytest.approx(700.0)


def test_a_driver_multiplies_an_amount_per_person(city: gpd.GeoDataFrame) -> None:
    laid = overlay(city, plan_of({"X": "citywide"}, effect("X", amount=0.5, driver="bill")))
    assert doses(laid).ravel().tolist() == [2, 1.5, 1, 0.5]


@pytest.mark.parametrize("per", ["person", "household", "km2", "total"])
def test_a_missing_amount_stays_missing_and_its_reach_is_known(city: gpd.GeoDataFrame, per: str) -> None:
    laid = overlay(city, plan_of({"X": "zones:A;B"}, effect("X", per=per, amount=NAN)))
    assert shares(laid).ravel().tolist() == [1, 1, 0, 0]
    assert np.isnan(doses(laid)[:2]).all()


@pytest.mark.parametrize("per", ["household", "km2", "total"])
def test_where_nobody_lives_nobody_receives(city: gpd.GeoDataFrame, per: str) -> None:
    city = city.assign(population=[0.0, 200.0, 300.0, 400.0])
    laid = overlay(city, plan_of({"X": km_box(0, 0, 1, 1)}, effect("X", per=per)))
    assert doses(laid).ravel().tolist() == [0, 0, 0, 0]


# ---------------------------------------------------------------- outside, reach, people once


@pytest.mark.parametrize(
    ("shape", "outside"),
    [(km_box(0, 0, 1, 1), 0.0), (km_box(1, 1, 3, 2), 0.5), (km_box(5, 5, 6, 6), 1.0)],
)
def test_the_share_of_the_reach_that_lies_in_no_neighbourhood(shape: shapely.Geometry, outside: float) -> None:
    laid = overlay(four_zones(), plan_of({"X": shape}))
    assert laid.outside.tolist() == pytest.approx([outside], abs=1e-6)


def test_reach_is_a_layer_in_degrees_with_a_row_for_each_located_effect() -> None:
    places = {"A": km_box(0, 0, 1, 1), "B": "citywide", "C": "unlocated"}
    laid = overlay(four_zones(), plan_of(places, *[effect(name) for name in "ABC"], effect("A", ledger="burden")))
    assert laid.reach.crs == "EPSG:4326"
    assert laid.reach[["action", "ledger"]].to_numpy().tolist() == [["A", "benefit"], ["A", "burden"]]
    back = laid.reach.to_crs(CRS).geometry[0]
    assert back.hausdorff_distance(km_box(0, 0, 1, 1)) < 1.0


def test_people_in_two_reaches_are_there_once() -> None:
    plan = plan_of({"X": km_box(0, 0, 1, 2), "Y": km_box(0, 0, 2, 1)})
    once = overlay(four_zones(), plan).once
    assert once.columns.tolist() == [
        ("active actions", "benefit"),
        ("active actions", "burden"),
        ("all actions", "benefit"),
        ("all actions", "burden"),
    ]
    assert once.matrix.toarray().tolist() == [[1, 0, 1, 0], [1, 0, 1, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_halves_that_overlap_in_a_quarter_reach_three_quarters() -> None:
    plan = plan_of({"X": WEST_HALF, "Y": km_box(0, 0, 1, 0.5)})
    assert overlay(four_zones(), plan).once.matrix.toarray()[0, 0] == pytest.approx(0.75, rel=STRAIGHT)


def test_points_in_two_reaches_are_there_once() -> None:
    blocks = blocks_of((0.2, 0.2, 10), (0.2, 0.8, 20), (0.8, 0.2, 30), (0.8, 0.8, 40))
    plan = plan_of({"X": WEST_HALF, "Y": km_box(0, 0, 1, 0.5)})
    assert overlay(four_zones(), plan, blocks=blocks).once.matrix.toarray()[0, 0] == 0.6


def test_the_ledgers_and_the_inactive_are_kept_apart() -> None:
    plan = plan_of(
        {"X": km_box(0, 0, 1, 1), "Y": km_box(1, 0, 2, 1), "Z": km_box(0, 1, 1, 2)},
        effect("X"),
        effect("Y", ledger="burden"),
        effect("Z"),
        inactive=["Z"],
    )
    laid = overlay(four_zones(), plan)
    assert laid.once.matrix.toarray().T.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0]]
    assert {key: members.tolist() for key, members in laid.members.items()} == {
        ("active actions", "benefit"): [0],
        ("active actions", "burden"): [1],
        ("all actions", "benefit"): [0, 2],
        ("all actions", "burden"): [1],
    }


def test_an_unknown_status_is_not_active() -> None:
    plan = plan_of({"X": km_box(0, 0, 1, 1)})
    unknown = Plan(plan.actions.assign(active=pd.Series([None], index=["X"], dtype="object")), plan.effects)
    assert overlay(four_zones(), unknown).members["active actions", "benefit"].tolist() == []


def test_citywide_effects_are_left_out_of_the_count_of_places() -> None:
    plan = plan_of({"X": "citywide", "Y": "zones:B"}, effect("X"), effect("Y"))
    laid = overlay(four_zones(), plan)
    assert 0 not in laid.members["all actions", "benefit"]


# ---------------------------------------------------------------- faults


def test_columns_that_effects_need_are_all_named_at_once() -> None:
    plan = plan_of({"X": "citywide"}, effect("X", driver="median_incom"), effect("X", effect="e", per="household"))
    with pytest.raises(InputError, match="2 faults") as caught:
        overlay(four_zones(), plan)
    faults = [(fault.code, fault.column, fault.value) for fault in caught.value.findings]
    expected = [
        ("ES-EFFECT-COLUMN", "driver", "median_incom"),
        ("ES-EFFECT-COLUMN", "per", "households"),
    ]
    assert faults == expected
    assert "did you mean 'median_income'?" in caught.value.findings[0].mend
    assert caught.value.findings[1].mend == "name it: households = …"


def test_a_driver_that_is_missing_where_people_live_names_each_place() -> None:
    city = four_zones().assign(bill=[1.0, NAN, NAN, 4.0])
    with pytest.raises(InputError, match="2 faults") as caught:
        overlay(city, plan_of({"X": "citywide"}, effect("X", driver="bill")))
    places = [(fault.code, fault.id, fault.column) for fault in caught.value.findings]
    assert places == [("ES-EFFECT-COLUMN-MISSING", zone, "bill") for zone in "BC"]


def test_a_driver_may_be_missing_where_nobody_lives() -> None:
    city = four_zones().assign(population=[0.0, 200.0, 300.0, 400.0], bill=[NAN, 1.0, 2.0, 3.0])
    laid = overlay(city, plan_of({"X": "citywide"}, effect("X", driver="bill")))
    assert doses(laid).ravel().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("value", [-999.0, -1.0, np.inf, "many"])
def test_a_driver_is_a_number_of_zero_or_more(value: object) -> None:
    city = four_zones().assign(jobs=pd.Series([1.0, 1.0, 1.0, value], index=list("ABCD"), dtype="object"))
    plan = plan_of({"X": "citywide"}, effect("X", driver="jobs"))
    with pytest.raises(
        InputError, match=r"neighbourhoods, id D, column jobs, value .*: the driver of an effect is no number"
    ):
        overlay(city, plan)


def test_a_range_around_an_expected_zero_is_kept() -> None:
    plan = plan_of({"X": "citywide"}, effect("X", amount=0.0, amount_low=0.0, amount_high=5.0))
    laid = overlay(four_zones(), plan)
    assert laid.per_unit.matrix.sum() == 4
    assert laid.per_person.matrix.sum() == 0


def test_an_action_without_a_place_is_spread_over_nobody_whatever_its_reach() -> None:
    plan = plan_of({"X": "unlocated"}, effect("X", reach="citywide"))
    assert overlay(four_zones(), plan).shares.matrix.nnz == 0


# ---------------------------------------------------------------- many reaches at once


REACHES = (
    {"reach": "footprint"},
    {"reach": "within", "distance_m": 300.0},
    {"reach": "ring", "inner_m": 200.0, "distance_m": 700.0},
    {"reach": "decay", "kernel": "exponential", "scale_m": 200.0, "distance_m": 800.0},
    {"reach": "decay", "kernel": "linear", "distance_m": 500.0, "uptake": "low_income=0.5; others=0.1"},
    {"reach": "area", "shape": km_box(0.5, 0.5, 1.5, 0.7)},
    {"reach": "travel", "zones": "B;D", "per": "total", "amount": 50.0},
    {"reach": "citywide", "uptake": "low_income"},
)


@pytest.mark.parametrize("points", [[], [(0.5, 0.5, 60), (0.9, 0.6, 40), (1.2, 1.2, 400)]], ids=["areas", "points"])
def test_effects_of_all_reaches_side_by_side_are_what_each_is_alone(points: list[tuple[float, float, float]]) -> None:
    places = {"B": km_box(0.2, 0.2, 0.8, 1.3), "L": km(LineString([(0.1, 0.1), (1.9, 1.8)])), "P": MIDDLE}
    rows = [effect(name, effect=f"e{i}", **given) for name in places for i, given in enumerate(REACHES)]
    blocks = blocks_of(*points) if points else None
    together = overlay(four_zones(), plan_of(places, *rows), blocks=blocks)
    for column, row in enumerate(rows):
        alone = overlay(four_zones(), plan_of(places, row), blocks=blocks)
        assert shares(together)[:, column] == pytest.approx(shares(alone)[:, 0], rel=1e-12)
        assert doses(together)[:, column] == pytest.approx(doses(alone)[:, 0], rel=1e-12)


def test_what_one_effect_lacks_and_another_has_is_blank() -> None:
    plan = plan_of({"X": "citywide"}, effect("X"), effect("X", effect="heat", uptake="low_income"))
    bare = plan._replace(effects=plan.effects.assign(uptake=[None, "low_income"], driver=np.nan))
    assert shares(overlay(four_zones(), bare)).tolist() == shares(overlay(four_zones(), plan)).tolist()

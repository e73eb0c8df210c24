"""The four squares in other zones: 100, 200, 300 and 400 people in A and B, under C and D.

Of them 50, 50, 30 and 20 have low incomes: 15 % of everyone.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import Point

from equity_screen.boundaries import Boundary, as_boundary
from equity_screen.errors import UsageError
from equity_screen.recipe import Group
from equity_screen.synthetic import CRS, four_actions, four_zones
from equity_screen.zonings import BY_TRAVEL, COLUMNS, ONE_ZONE, _hexagons, _squares, compare_zonings, zoning_range
from tests.plans import effect, km, km_box, plan_of

LOW = {"low_income": Group(label="People with low incomes", count="low_income")}
WEST = {"X": km_box(0, 0, 1, 2)}


def boundary(**areas) -> Boundary:
    return as_boundary(gpd.GeoDataFrame(geometry=list(areas.values()), index=list(areas), crs=CRS), "rows")


ROWS = boundary(south=km_box(0, 0, 2, 1), north=km_box(0, 1, 2, 2))
HOMES = gpd.GeoDataFrame(
    {"zone": range(4), "people": [10.0, 20.0, 30.0, 40.0]},
    geometry=[km(Point(x, y)) for y in (0.5, 1.5) for x in (0.5, 1.5)],
    crs=CRS,
)


def compare(plan, *, zones=None, rows=ROWS, **more) -> pd.DataFrame:
    zones = four_zones() if zones is None else zones
    return compare_zonings(zones, plan, boundaries={"rows": rows}, groups=LOW, **more)


def at(table: pd.DataFrame, zoning: str = "rows") -> pd.Series:
    found = table[table["zoning"] == zoning]
    assert len(found) == 1
    return found.iloc[0]


# In the head


def test_by_area_two_rows_know_nothing_of_west_and_east():
    """A and C are half of either row: everyone has 0.5 there, and the parity of 4/3 is gone."""
    table = compare(plan_of(WEST))
    own, rows = at(table, "neighbourhoods"), at(table)
    assert (own["mean"], own["parity"]) == pytest.approx((80 / 150, 4 / 3), rel=1e-6)
    assert (rows["mean"], rows["gap"], rows["ratio"], rows["parity"]) == pytest.approx((0.5, 0.0, 1.0, 1.0), abs=1e-6)
    assert (rows["zones"], rows["people_seen_share"]) == (2, pytest.approx(1.0))


def test_by_points_the_rows_have_their_people():
    """A third of the people in the south are in A, three sevenths of those in the north in C: parity is below 1."""
    rows = at(compare(plan_of(WEST), blocks=HOMES))
    mean = (100 / 3 + 50 * 3 / 7) / 150
    assert rows["mean"] == pytest.approx(mean, rel=1e-9)
    assert rows["parity"] == pytest.approx(mean / 0.4, rel=1e-9)


def test_points_stand_for_the_people_of_their_neighbourhood():
    """Points of B hold a tenth of its people only because the list is short: each neighbourhood counts as it is."""
    few = HOMES.assign(people=[10.0, 2.0, 30.0, 40.0])
    first, second = (at(compare(plan_of(WEST), blocks=homes)) for homes in (HOMES, few))
    assert second["parity"] == pytest.approx(first["parity"], rel=1e-12)


def test_columns_leave_west_and_east_as_they_are():
    columns = boundary(west=km_box(0, 0, 1, 2), east=km_box(1, 0, 2, 2))
    rows = at(compare(plan_of(WEST), rows=columns))
    assert rows["mean"] == pytest.approx(80 / 150, rel=1e-6)
    assert rows["parity"] == pytest.approx(4 / 3, rel=1e-6)


def test_the_same_for_everyone_is_parity_on_every_zoning():
    table = compare(plan_of({"X": "citywide"}))
    assert table["zoning"].tolist() == ["neighbourhoods", "rows", "square grid", "hexagon grid"]
    assert table["parity"].tolist() == pytest.approx([1.0] * 4, rel=1e-12)
    assert table["gap"].tolist() == pytest.approx([0.0] * 4, abs=1e-12)
    assert table["people_seen_share"].tolist() == pytest.approx([1.0] * 4)
    assert list(table.columns) == COLUMNS
    assert table["label"].unique().tolist() == ["People with low incomes"]


def test_neighbourhoods_that_an_action_lists_are_their_area():
    listed, drawn = (at(compare(plan_of(places))) for places in ({"X": "zones:A;C"}, WEST))
    assert listed["parity"] == pytest.approx(drawn["parity"], rel=1e-6)
    two = compare(plan_of({"X": "zones:A;C", "Y": WEST["X"]}))
    assert two.loc[two["zoning"] == "rows", "parity"].tolist() == pytest.approx([1.0, 1.0], abs=1e-6)


def test_own_universes_go_along():
    """Of 80, 90, 250 and 100 renters: 170 in the south, 350 in the north; all of the south is reached."""
    zones = four_zones().assign(universe_low_income=[80.0, 90.0, 250.0, 100.0])
    rows = at(compare(plan_of({"X": km_box(0, 0, 2, 1)}), zones=zones))
    assert rows["parity"] == pytest.approx((100 / 170) / (150 / 520), rel=1e-6)


# Drivers and households


def test_drivers_of_people_are_averaged_and_those_of_totals_added():
    zones = four_zones()
    person = at(compare(plan_of({"X": "citywide"}, effect("X", driver="heat"))))
    south, north = (100 * 30 + 200 * 29) / 300, (300 * 28 + 400 * 27) / 700
    assert person["mean"] == pytest.approx((100 * south + 50 * north) / 150, rel=1e-6)
    plan = plan_of({"X": "citywide"}, effect("X", per="total", amount=100.0, driver="people_low_income"))
    total = at(compare(plan, zones=zones))
    assert total["mean"] == pytest.approx((100 * (200 / 3) / 300 + 50 * (100 / 3) / 700) / 150, rel=1e-6)


def test_households_are_added_and_weigh_their_driver():
    zones = four_zones().assign(households=[100.0, 100.0, 50.0, 150.0], gas=[4.0, 8.0, 4.0, 8.0])
    rows = at(compare(plan_of({"X": "citywide"}, effect("X", per="household", driver="gas")), zones=zones))
    south, north = 1200 / 300, 1400 / 700
    assert rows["mean"] == pytest.approx((100 * south + 50 * north) / 150, rel=1e-6)


def test_one_column_may_drive_effects_of_two_kinds():
    plan = plan_of(
        {"X": "citywide"},
        effect("X", driver="people_low_income"),
        effect("X", effect="grant", per="total", driver="people_low_income"),
        effect("X", effect="lawn", per="km2", driver="people_low_income"),
    )
    table = compare(plan)
    rows = table[table["zoning"] == "rows"].set_index("effect")
    # Rates: 50 in the south, (300 × 30 + 400 × 20) / 700 in the north; a grant of 1, two thirds of it in the south.
    # A square is 0.07 % larger on the ground than in UTM.
    assert rows.loc["shade", "mean"] == pytest.approx((100 * 50 + 50 * 17000 / 700) / 150, rel=1e-6)
    assert rows.loc["grant", "mean"] == pytest.approx((100 * (2 / 3) / 300 + 50 * (1 / 3) / 700) / 150, rel=1e-6)
    assert rows.loc["lawn", "mean"] == pytest.approx((100 * 2 * 50 / 300 + 50 * 2 * 25 / 700) / 150, rel=2e-3)


def test_uptake_by_a_group_is_that_of_its_people_in_the_zone():
    rows = at(compare(plan_of({"X": "citywide"}, effect("X", uptake="low_income=0.5"))))
    assert (rows["mean"], rows["parity"]) == pytest.approx((0.5, 1 / 0.15), rel=1e-6)


# What is not carried, and what is no zoning


def test_travel_times_are_not_carried():
    plan = plan_of({"X": km(Point(0.5, 0.5))}, effect("X", reach="travel", zones="A", minutes=10.0, layer="walk"))
    table = compare(plan)
    assert at(table, "neighbourhoods")["undefined"] == ""
    others = table[table["zoning"] != "neighbourhoods"]
    assert others["undefined"].tolist() == [BY_TRAVEL] * 3
    assert others[["mean", "gap", "ratio", "parity"]].isna().all(axis=None)


def test_a_layer_that_misses_people_is_named_and_not_counted():
    rows = at(compare(plan_of(WEST), rows=boundary(a=km_box(0, 0, 1, 1), b=km_box(1, 0, 2, 1))))
    assert np.isnan(rows["parity"])
    assert rows["people_seen_share"] == pytest.approx(0.3)
    assert rows["undefined"] == "the layer holds 30.0 % of the people"


def test_the_few_whom_a_layer_misses_are_in_no_zone():
    """One of 21 points of A, for 4.8 people, is in a hole of the layer; they are counted in no row."""
    more = HOMES.iloc[[0]].assign(people=0.5).set_geometry([km(Point(0.1, 0.1))], crs=CRS)
    homes = pd.concat([more, HOMES], ignore_index=True)
    hole = boundary(south=km_box(0, 0, 2, 1) - km_box(0.05, 0.05, 0.15, 0.15), north=km_box(0, 1, 2, 2))
    rows = at(compare(plan_of(WEST), rows=hole, blocks=homes))
    left = 100 * 10 / 10.5
    assert rows["people_seen_share"] == pytest.approx((900 + left) / 1000, rel=1e-9)
    group = 50 * 10 / 10.5
    mean = ((group + 50) * left / (left + 200) + 50 * 3 / 7) / (group + 100)
    assert rows["mean"] == pytest.approx(mean, rel=1e-9)


def test_one_zone_is_no_zoning():
    rows = at(compare(plan_of(WEST), rows=boundary(all=km_box(-1, -1, 3, 3))))
    assert rows["undefined"] == ONE_ZONE
    assert np.isnan(rows["gap"])


def test_a_layer_beyond_the_city_counts_within_it():
    """Areas reach 1 km out of the city on every side; nobody lives there."""
    wide = boundary(south=km_box(-1, -1, 3, 1), north=km_box(-1, 1, 3, 3))
    first, second = (at(compare(plan_of(WEST), rows=rows)) for rows in (ROWS, wide))
    assert second["mean"] == pytest.approx(first["mean"], rel=1e-6)


def test_an_action_without_a_place_has_its_reason_on_every_zoning():
    table = compare(plan_of({"X": "unlocated"}))
    assert table["undefined"].str.startswith("its place is not known").all()


def test_nobody_lives_in_some_and_nobody_knows_in_others():
    zones = four_zones()
    zones.loc["C", ["population", "people_low_income"]] = 0.0
    zones.loc["D", ["population", "people_low_income"]] = np.nan
    table = compare(plan_of(WEST), zones=zones)
    assert at(table, "neighbourhoods")["mean"] == pytest.approx(0.5, rel=1e-6)
    assert at(table)["undefined"] == ONE_ZONE


def test_a_layer_may_bear_the_name_of_another_zoning():
    layers = {"neighbourhoods": ROWS, "square grid": ROWS}
    table = compare_zonings(four_zones(), plan_of(WEST), boundaries=layers)
    names = ["neighbourhoods", "neighbourhoods (layer)", "square grid (layer)", "square grid", "hexagon grid"]
    assert table["zoning"].tolist() == names


def test_without_population_nobody_is_counted():
    with pytest.raises(UsageError, match="nobody to be counted in other zones"):
        compare(plan_of(WEST), zones=four_zones().assign(population=np.nan))


def test_the_same_twice():
    plan = four_actions()
    pd.testing.assert_frame_equal(compare(plan, blocks=HOMES), compare(plan, blocks=HOMES))


# Grids


@pytest.mark.parametrize("make", [_squares, _hexagons])
@pytest.mark.parametrize("box", [(0.0, 0.0, 10.0, 10.0), (-3.2, 5.1, 14.9, 9.7), (0.0, 0.0, 0.5, 0.5)])
def test_cells_cover_the_box_once_and_have_the_mean_area(make, box):
    cells = make(np.array(box), 2.0)
    assert shapely.area(cells) == pytest.approx(2.0)
    here = shapely.area(shapely.intersection(cells, shapely.box(*box)))
    assert here.sum() == pytest.approx(shapely.box(*box).area)
    assert shapely.union_all(cells).area == pytest.approx(2.0 * len(cells))


def test_the_first_square_is_at_the_corner():
    assert shapely.bounds(_squares(np.array([3.0, 4.0, 9.0, 9.0]), 4.0)[0]).tolist() == [3.0, 4.0, 5.0, 6.0]


# The range


def ranged(*parity: float) -> pd.Series:
    rows = {"action": "X", "ledger": "benefit", "effect": "shade", "group": "renters", "label": "Renters"}
    zonings = ["neighbourhoods", *"abcdef"][: len(parity)]
    table = pd.DataFrame({"zoning": zonings, "parity": parity, "gap": np.array(parity) - 1})
    return zoning_range(table.assign(**rows)).iloc[0]


def test_range_and_words():
    found = ranged(1.2, 0.9, 1.5)
    assert found[["parity", "parity_low", "parity_high"]].tolist() == [1.2, 0.9, 1.5]
    assert found[["gap", "gap_low", "gap_high"]].tolist() == pytest.approx([0.2, -0.1, 0.5])
    assert found["straddles_parity"]
    assert found["words"] == "the side depends on the zones: 0.900 to 1.50 on 3 zonings"


@pytest.mark.parametrize(
    ("parity", "said"),
    [
        ((1.2, 1.1), "the same side of parity on all 2 zonings: more than its share of the people"),
        ((0.2, 0.9), "the same side of parity on all 2 zonings: less than its share of the people"),
        ((1.0, 1.0 + 1e-9), "the same side of parity on all 2 zonings: as much as its share of the people"),
    ],
)
def test_the_same_side(parity, said):
    found = ranged(*parity)
    assert found["words"] == said
    assert not found["straddles_parity"]


def test_undefined_zonings_are_no_part_of_the_range():
    found = ranged(1.2, float("nan"), 1.3)
    assert (found["zonings"], found["parity_high"]) == (2, 1.3)
    assert ranged(1.2)["words"] == ""
    nothing = ranged(float("nan"), float("nan"))
    assert (nothing["words"], nothing["zonings"]) == ("", 0)
    assert not nothing["straddles_parity"]


def test_the_range_of_a_plan_has_a_row_for_each_effect_and_group():
    plan = four_actions()
    found = zoning_range(compare(plan, blocks=HOMES))
    assert found["effect"].tolist() == plan.effects["effect"].tolist()
    shade = found[found["effect"] == "shade"].iloc[0]
    assert shade["straddles_parity"]
    assert shade["parity"] == pytest.approx(4 / 3, rel=1e-9)
    dividend = found[found["effect"] == "dividend"].iloc[0]
    assert dividend["words"].startswith("the same side of parity on all 4 zonings: as much as")

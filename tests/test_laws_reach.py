"""Laws of people counted once and of distances, tried on plans of boxes drawn at random over the four squares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings, strategies as st

from equity_screen.align import check_blocks
from equity_screen.atoms import atoms_by_ledger, unreached
from equity_screen.distances import distance_curve, distances_by_group, distances_by_ledger, homes_of
from equity_screen.equity import counted_once
from equity_screen.overlay import Overlay, overlay
from equity_screen.people import people_of
from equity_screen.reached import marginal_people, overlap_pairs, times_reached, union_bounds
from equity_screen.schema import Origin
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, ORIGIN, four_zones
from tests.plans import km_box, plan_of

CITY = four_zones()
PEOPLE = people_of(CITY)
KEY = ("all actions", "benefit")
FEW = settings(max_examples=15, deadline=None)
# Two projections draw one border a hair apart: so much of 1000 people.
HAIR = 1e-3

Edges = tuple[int, int, int, int]


def points_of(per_side: int) -> pd.DataFrame:
    """People of the four squares at the points of a lattice, evenly."""
    at = (np.arange(2 * per_side) + 0.5) / per_side
    x, y = (1000.0 * part.ravel() for part in np.meshgrid(at, at))
    zone = (x >= 1000).astype(int) + 2 * (y >= 1000)
    people = CITY["population"].to_numpy()[zone] / per_side**2
    table = pd.DataFrame({"x": x + ORIGIN[0], "y": y + ORIGIN[1], "people": people}).astype("str")
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
    return check_blocks(table, declared, origin=Origin("b.csv", "row"), zones=CITY.geometry).table


POINTS = points_of(5)
MANY_POINTS = points_of(40)


@st.composite
def boxes(draw: st.DrawFn) -> Edges:
    """Box in eighths of a km, somewhere over the squares or beside them."""
    west, south = draw(st.integers(-4, 18)), draw(st.integers(-4, 18))
    return west, south, west + draw(st.integers(1, 12)), south + draw(st.integers(1, 12))


@st.composite
def plans(draw: st.DrawFn, *, least: int = 1) -> dict[str, Edges]:
    return {f"P{i}": box for i, box in enumerate(draw(st.lists(boxes(), min_size=least, max_size=5)))}


def laid_of(places: Mapping[str, Edges], **given_too: object) -> Overlay:
    shapes = {name: km_box(*(edge / 8 for edge in edges)) for name, edges in places.items()}
    return overlay(CITY, plan_of(shapes), **given_too)


def numbers(laid: Overlay) -> dict[str, pd.DataFrame]:
    """Tables of all benefits, everyone and the group."""
    found = {KEY: atoms_by_ledger(laid)[KEY]}
    return {
        "times": times_reached(found, PEOPLE, groups={}).set_index(["group", "times"])["people"],
        "alone": marginal_people(found, PEOPLE, groups={}).set_index(["group", "action"]),
        "pairs": overlap_pairs(found, PEOPLE, groups={}).table,
    }


def once_of(laid: Overlay) -> pd.Series:
    table = counted_once(laid, PEOPLE, groups={})
    return table[(table["scope"] == KEY[0]) & (table["ledger"] == KEY[1])].set_index("group")["people_reached"]


with_or_without_points = pytest.mark.parametrize("blocks", [None, POINTS], ids=["area", "points"])


@with_or_without_points
@given(places=plans())
@FEW
def test_people_add_up(blocks, places):
    laid = laid_of(places, blocks=blocks)
    tables = numbers(laid)
    for group, count in (("everyone", 1000), ("low_income", 150)):
        times = tables["times"][group]
        assert times.sum() == pytest.approx(count, rel=1e-9)
        assert (times >= 0).all()
        assert count - times["0"] == pytest.approx(once_of(laid)[group], abs=1e-6)
        alone = tables["alone"].loc[group]["people_only"].sum()
        assert alone == pytest.approx(times["1"], abs=1e-6)


@with_or_without_points
@given(places=plans())
@FEW
def test_what_an_action_reaches_is_what_the_overlay_says(blocks, places):
    laid = laid_of(places, blocks=blocks)
    reached = numbers(laid)["alone"].loc["everyone"]["people_reached"]
    said = laid.shares.matrix.T @ PEOPLE.population
    assert reached.to_numpy() == pytest.approx(said, abs=1e-6)


@with_or_without_points
@given(places=plans())
@FEW
def test_a_union_lies_between_its_bounds(blocks, places):
    laid = laid_of(places, blocks=blocks)
    union = 1 - unreached(atoms_by_ledger(laid)[KEY].atoms, 4)
    low, high, independent = union_bounds(laid.shares.matrix)
    assert (low - 1e-9 <= union).all()
    assert (union <= high + 1e-9).all()
    assert ((low <= independent) & (independent <= high)).all()


@given(places=plans(), by=st.integers(1, 6))
@FEW
def test_a_larger_footprint_misses_nobody_more(places, by):
    west, south, east, north = places["P0"]
    larger = places | {"P0": (west - by, south, east, north + by)}
    before, after = numbers(laid_of(places)), numbers(laid_of(larger))
    assert after["times"]["everyone", "0"] <= before["times"]["everyone", "0"] + HAIR
    mine = ("everyone", "P0")
    assert after["alone"].loc[mine, "people_reached"] >= before["alone"].loc[mine, "people_reached"] - HAIR
    others = after["alone"].loc["everyone"]["people_only"] - before["alone"].loc["everyone"]["people_only"]
    assert (others.drop("P0") <= HAIR).all()


@with_or_without_points
@given(places=plans())
@FEW
def test_an_action_done_twice_reaches_nobody_new(blocks, places):
    laid, twice = laid_of(places, blocks=blocks), laid_of(places | {"Twin": places["P0"]}, blocks=blocks)
    before, after = numbers(laid), numbers(twice)
    assert after["times"]["everyone", "0"] == pytest.approx(before["times"]["everyone", "0"], abs=1e-6)
    assert once_of(twice).to_numpy() == pytest.approx(once_of(laid).to_numpy(), abs=1e-6)
    alone = after["alone"].loc["everyone"]
    assert alone.loc[["P0", "Twin"], "people_only"].tolist() == pytest.approx([0, 0], abs=1e-6)
    times = [0, 1, 2, 3]
    before, after = (frame["times"]["everyone"].to_numpy() @ times for frame in (before, after))
    assert after >= before - 1e-6


@given(places=plans(least=2), turned=st.randoms(use_true_random=False))
@FEW
def test_the_order_of_rows_changes_nothing(places, turned):
    names = list(places)
    turned.shuffle(names)
    one, other = numbers(laid_of(places)), numbers(laid_of({name: places[name] for name in names}))
    for name, table in one.items():
        if isinstance(table, pd.DataFrame):
            pd.testing.assert_frame_equal(table, other[name], rtol=1e-9, atol=1e-6)
        else:
            pd.testing.assert_series_equal(table, other[name], rtol=1e-9, atol=1e-6)


@given(places=plans())
@settings(max_examples=10, deadline=None)
def test_points_everywhere_are_as_good_as_area(places):
    by_area, by_points = numbers(laid_of(places)), numbers(laid_of(places, blocks=MANY_POINTS))
    # A border may take a row of the 40 with it, on either side of each of at most five boxes.
    assert by_area["times"].to_numpy() == pytest.approx(by_points["times"].to_numpy(), abs=60)


@given(places=plans(least=2))
@FEW
def test_pairs_hold_no_more_than_either(places):
    laid = laid_of(places)
    tables = numbers(laid)
    reached = tables["alone"]["people_reached"]
    for row in tables["pairs"].itertuples():
        smaller = min(reached[row.group, row.action], reached[row.group, row.other])
        assert 0 <= row.people_both <= smaller + 1e-6
        assert row.action < row.other


# ---------------------------------------------------------------- distances


def distances(laid: Overlay, places: Mapping[str, Edges]) -> dict:
    shapes = plan_of({name: km_box(*(edge / 8 for edge in edges)) for name, edges in places.items()}).actions
    return {KEY: distances_by_ledger(laid, shapes, people=PEOPLE, lattice=16)[KEY]}


@given(places=plans(), another=boxes())
@FEW
def test_another_action_is_never_farther(places, another):
    more = places | {"Z": another}
    before, after = (distances(laid_of(plan), plan)[KEY].table["distance_m"] for plan in (places, more))
    assert (after <= before + 1e-9).all()
    alone = distances(laid_of({"Z": another}), {"Z": another})[KEY].table["distance_m"]
    assert after.to_numpy() == pytest.approx(np.minimum(before, alone).to_numpy(), abs=1e-9)


@given(places=plans())
@FEW
def test_quantiles_and_shares_are_in_order(places):
    near = distances(laid_of(places), places)
    table = distances_by_group(near, PEOPLE, groups={}, within=[0.0, 250.0, 1000.0])
    quantiles = table[["p10_m", "p25_m", "median_m", "p75_m", "p90_m"]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    curve = distance_curve(near, PEOPLE, groups={}, distances=np.linspace(0, 5000, 101))
    for _, mine in curve.groupby("group"):
        assert mine["share"].is_monotonic_increasing
        assert mine["share"].iloc[-1] == 1
    for row in table.itertuples():
        mine = distance_curve(near, PEOPLE, groups={}, distances=[row.median_m]).set_index("group")["share"]
        assert mine[row.group] >= 0.5 - 1e-12


@given(places=plans())
@FEW
def test_distances_are_those_of_the_plane(places):
    """Four squares are small: UTM is within 0.05 % of the equidistant space."""
    laid = laid_of(places)
    homes = homes_of(laid.ground, lattice=16).to_crs(CRS)
    shapes = shapely.union_all([km_box(*(edge / 8 for edge in edges)) for edges in places.values()])
    found = distances(laid, places)[KEY].table["distance_m"].to_numpy()
    assert found == pytest.approx(homes.distance(shapes).to_numpy(), rel=1e-3, abs=1e-2)

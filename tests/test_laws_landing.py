"""Laws of where effects land and who takes them up, tried on places and distances drawn at random."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from shapely.geometry.base import BaseGeometry

from equity_screen.align import check_blocks
from equity_screen.equity import by_group
from equity_screen.overlay import Overlay, overlay
from equity_screen.people import people_of
from equity_screen.schema import Origin
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, ORIGIN, four_zones
from tests.plans import effect, km, plan_of

CITY = four_zones().assign(households=[40.0, 100, 120, 200])
PEOPLE = CITY["population"].to_numpy()
LOW = CITY["people_low_income"].to_numpy()
# The two groups are everyone, each once.
SPLIT = CITY.assign(people_rest=PEOPLE - LOW)
FEW = settings(max_examples=12, deadline=None)
ROUNDING = 1e-9
# Bents of drawn discs around lines and areas, as a share of a neighbourhood.
DRAWN = 1e-4
NO_RESIDENTS = None
FADING = (
    {"kernel": "linear"},
    {"kernel": "exponential", "scale_m": 150.0},
    {"kernel": "gaussian", "scale_m": 200.0},
)


def points() -> pd.DataFrame:
    """Population points on a lattice that is not even, with people that differ."""
    rng = np.random.default_rng(7)
    x, y = 2000.0 * rng.random((2, 300))
    table = pd.DataFrame({"x": ORIGIN[0] + x, "y": ORIGIN[1] + y, "people": 1.0 + np.arange(300) % 5}).astype("str")
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
    return check_blocks(table, declared, origin=Origin("b.csv", "row"), zones=CITY.geometry).table


BLOCKS = points()
GROUNDS = st.sampled_from([None, BLOCKS])


@st.composite
def places(draw: st.DrawFn) -> BaseGeometry:
    """Point, line or box, in eighths of a km over the city and beside it."""
    (west, south), (east, north) = ((draw(st.integers(-4, 18)) / 8, draw(st.integers(-4, 18)) / 8) for _ in range(2))
    shapes = [
        shapely.Point(west, south),
        shapely.LineString([(west, south), (east + 3, north)]),
        shapely.box(min(west, east), min(south, north), max(west, east) + 0.125, max(south, north) + 0.125),
    ]
    return km(draw(st.sampled_from(shapes)))


distances = st.integers(5, 150).map(lambda tens: 10.0 * tens)
rates = st.integers(0, 20).map(lambda twentieth: twentieth / 20)


def lay(place: BaseGeometry | str, *rows: dict[str, object], blocks: pd.DataFrame | None = None) -> Overlay:
    named = [effect("X", effect=f"e{i}", **row) for i, row in enumerate(rows)]
    return overlay(SPLIT, plan_of({"X": place}, *named), blocks=blocks)


def shares(laid: Overlay) -> np.ndarray:
    return laid.shares.matrix.toarray()


def doses(laid: Overlay) -> np.ndarray:
    return laid.per_person.matrix.toarray()


@FEW
@given(places(), distances, distances, GROUNDS)
def test_farther_never_reaches_fewer(place, one, other, blocks):
    rows = [{"reach": "within", "distance_m": far} for far in sorted([one, other])]
    near, far = shares(lay(place, *rows, blocks=blocks)).T
    assert (near <= far + ROUNDING).all()
    assert near.min() >= 0
    assert far.max() <= 1


@FEW
@given(places(), distances, distances, GROUNDS)
def test_a_ring_and_what_is_within_it_are_what_is_within_its_outer_edge(place, one, more, blocks):
    far = one + more
    rows = (
        {"reach": "within", "distance_m": one},
        {"reach": "ring", "inner_m": one, "distance_m": far},
        {"reach": "within", "distance_m": far},
    )
    inner, ring, outer = shares(lay(place, *rows, blocks=blocks)).T
    assert inner + ring == pytest.approx(outer, abs=ROUNDING)


@FEW
@given(places(), distances, st.sampled_from(FADING), GROUNDS)
def test_nobody_has_more_of_what_fades_than_of_what_does_not(place, far, fading, blocks):
    rows = ({"reach": "within", "distance_m": far}, {"reach": "decay", "distance_m": far, **fading})
    laid = lay(place, *rows, blocks=blocks)
    within, decay = shares(laid).T
    assert decay.tolist() == within.tolist()
    assert (doses(laid)[:, 1] <= decay + ROUNDING).all()
    assert doses(laid).min() >= 0


@FEW
@given(places(), distances, distances, GROUNDS)
def test_a_kernel_is_the_same_up_to_any_cut_off(place, one, more, blocks):
    """What is cut off farther out only adds."""
    rows = [
        {"reach": "decay", "kernel": "exponential", "scale_m": 300.0, "distance_m": far} for far in (one, one + more)
    ]
    near, far = doses(lay(place, *rows, blocks=blocks)).T
    assert (near <= far + (ROUNDING if blocks is not None else 2e-3)).all()


@st.composite
def reaches(draw: st.DrawFn) -> dict[str, object]:
    far = draw(distances)
    kinds = [
        {"reach": "footprint"},
        {"reach": "within", "distance_m": far},
        {"reach": "ring", "inner_m": far, "distance_m": far + 200},
        {"reach": "decay", "distance_m": far, **draw(st.sampled_from(FADING))},
        {"reach": "decay", "distance_m": far, "kernel": "inverse", "floor_m": 20.0},
        {"reach": "travel", "zones": "A;C"},
        {"reach": "citywide"},
    ]
    return draw(st.sampled_from(kinds))


@FEW
@given(places(), reaches(), rates, rates, GROUNDS)
def test_a_total_is_shared_out_whole_or_not_at_all(place, reach, low, rest, blocks):
    row = {"per": "total", "amount": 1200.0, "uptake": f"low_income={low}; rest={rest}", **reach}
    laid = lay(place, row, blocks=blocks)
    shared = (doses(laid).T @ PEOPLE)[0]
    gone = (shares(laid).T @ PEOPLE)[0] == 0
    assert shared == pytest.approx(0.0 if gone or not doses(laid).any() else 1200.0, rel=ROUNDING)


@FEW
@given(places(), reaches(), rates, rates, GROUNDS)
def test_the_groups_of_a_partition_add_up_to_everyone(place, reach, low, rest, blocks):
    row = {"amount": 3.0, "uptake": f"low_income={low}; rest={rest}", **reach}
    plan = plan_of({"X": place}, effect("X", **row))
    laid = overlay(SPLIT, plan, blocks=blocks)
    table = by_group(laid, plan.effects, people=people_of(SPLIT), groups={})
    assert table["people_reached"].sum() == pytest.approx((shares(laid).T @ PEOPLE)[0], abs=1e-7)
    assert table["total"].sum() == pytest.approx((doses(laid).T @ PEOPLE)[0], abs=1e-6)
    assert (table["people_reached_low"] <= table["people_reached"] + 1e-7).all()
    assert (table["people_reached"] <= table["people_reached_high"] + 1e-7).all()
    assert (table["people_reached_high"] <= table["people"] + 1e-7).all()


@FEW
@given(places(), reaches(), rates, rates, st.sampled_from(["person", "household", "km2"]))
def test_uptake_is_linear_in_the_rates(place, reach, low, rest, per):
    """As much as the two groups one by one, and half of it at half the rates; a total is but one."""
    texts = (
        f"low_income={low}; rest={rest}",
        f"low_income={low}",
        f"rest={rest}",
        f"low_income={low / 2}; rest={rest / 2}",
    )
    both, one, other, half = doses(lay(place, *({"uptake": text, "per": per, **reach} for text in texts))).T
    assert one + other == pytest.approx(both, abs=ROUNDING)
    assert 2 * half == pytest.approx(both, abs=ROUNDING)


@FEW
@given(places(), reaches(), GROUNDS)
def test_all_who_take_it_up_are_all_who_are_in_reach(place, reach, blocks):
    laid = lay(
        place, reach, {"uptake": "low_income=1; rest=1", **reach}, {"uptake": "others=1", **reach}, blocks=blocks
    )
    for column in (1, 2):
        assert shares(laid)[:, column] == pytest.approx(shares(laid)[:, 0], rel=1e-12)
        assert doses(laid)[:, column] == pytest.approx(doses(laid)[:, 0], rel=1e-12)


@FEW
@given(rates, rates)
def test_an_effect_on_the_whole_city_reaches_exactly_its_people(low, rest):
    laid = lay("citywide", {"reach": "citywide"}, {"reach": "citywide", "uptake": f"low_income={low}; rest={rest}"})
    everyone, takers = shares(laid).T @ PEOPLE
    assert everyone == 1000
    assert takers == pytest.approx(150 * low + 850 * rest)


# ---------------------------------------------------------------- by another way


def weight_of(row: dict[str, object], apart: float) -> float:
    """Weight at a distance [m], by the words of the kernel alone."""
    if apart > row["distance_m"] or apart <= row.get("inner_m", -1.0):
        return 0.0
    return {
        "linear": lambda: 1 - apart / row["distance_m"],
        "exponential": lambda: math.exp(-apart / row["scale_m"]),
        "gaussian": lambda: math.exp(-((apart / row["scale_m"]) ** 2) / 2),
        "inverse": lambda: 1000 / max(apart, row["floor_m"]),
        None: lambda: 1.0,
    }[row.get("kernel")]()


@FEW
@given(places(), reaches().filter(lambda row: "distance_m" in row), rates, rates)
def test_a_loop_over_people_finds_the_same(place, row, low, rest):
    """Point by point, with the distances of the map; a point nearer to an edge than the map is true decides nothing."""
    laid = lay(place, {"amount": 2.0, "uptake": f"low_income={low}; rest={rest}", **row}, blocks=BLOCKS)
    homes = BLOCKS.geometry.to_crs(CRS)
    edges = [row["distance_m"], *([row["inner_m"]] if "inner_m" in row else [])]
    apart = [shapely.distance(home, place) for home in homes]
    weights = [weight_of(row, metres) for metres in apart]
    for position, zone in enumerate(CITY.index):
        mine = (BLOCKS["zone"] == position).to_numpy()
        people = BLOCKS["people"].to_numpy()[mine]
        doubtful = sum(
            count
            for count, metres in zip(people, np.array(apart)[mine], strict=True)
            if min(abs(metres - edge) for edge in edges) < 1e-3 * metres
        )
        taken = (low * LOW[position] + rest * (PEOPLE - LOW)[position]) / PEOPLE[position]
        expected = 2 * taken * (people * np.array(weights)[mine]).sum() / people.sum()
        top = weight_of({**row, "inner_m": -1.0}, 0.0)
        assert doses(laid)[position, 0] == pytest.approx(expected, abs=2 * top * (doubtful / people.sum() + 2e-3)), zone

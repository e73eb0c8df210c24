"""Laws that hold for every city and every plan, tried on cities and plans drawn at random.

The first half draws tables of numbers and compares the sparse products with a person-by-person count; the
second half draws cities on the ground and compares whole screenings, byte by byte where bytes must not change.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings, strategies as st
from scipy.sparse import csc_array

from equity_screen.actions import Plan
from equity_screen.align import check_blocks
from equity_screen.areas import area_shares
from equity_screen.equity import by_effect, by_group
from equity_screen.gradient import concentration_index, generalised_concentration_index
from equity_screen.index import CONVENTIONS, percentile
from equity_screen.inequality import mid_rank
from equity_screen.overlay import Ground as Land, Overlay, Reach, overlay
from equity_screen.people import People
from equity_screen.recipe import Indicator, Question, Ranking, Siting
from equity_screen.relation import Relation
from equity_screen.result import Result
from equity_screen.schema import Origin
from equity_screen.screen import screen
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, ORIGIN, four_zones
from equity_screen.welfare import kolm_pollak_after, kolm_pollak_ede
from tests.plans import effect, km, km_box, plan_of

Floats = np.ndarray
RANKED = {"income": Ranking(column="income", higher_is="advantaged")}
ALIKE = {"rel": 1e-9, "abs": 1e-9, "nan_ok": True}


# ================================================================ cities of numbers


class Town(NamedTuple):
    """People, people of two groups, income, and effects per person (neighbourhoods × effects)."""

    population: Floats
    groups: Floats
    income: Floats
    doses: Floats

    @property
    def people(self) -> People:
        universes = np.repeat(self.population[:, None], self.groups.shape[1], axis=1)
        return People(self.population, self.groups, universes, ("one", "other"))


@st.composite
def towns(draw: st.DrawFn, *, least: int = 1) -> Town:
    """Whole people, a group and the rest of the people, incomes with ties, effects with zeros."""
    size, effects = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    population = draw(st.lists(st.integers(0, 40), min_size=size, max_size=size).filter(lambda p: sum(p) >= least))
    group = [draw(st.integers(0, count)) for count in population]
    income = draw(st.lists(st.integers(1, 5), min_size=size, max_size=size))
    amounts = st.one_of(st.just(0.0), st.integers(1, 400).map(lambda quarter: quarter / 4))
    doses = draw(st.lists(st.lists(amounts, min_size=effects, max_size=effects), min_size=size, max_size=size))
    people = np.array(population, dtype=np.float64)
    one = np.array(group, dtype=np.float64)
    return Town(people, np.column_stack([one, people - one]), np.array(income, dtype=np.float64), np.array(doses))


def effects_of(town: Town) -> pd.DataFrame:
    return pd.DataFrame([effect(f"A{column}") for column in range(town.doses.shape[1])])


def laid_of(town: Town) -> Overlay:
    """An overlay that reaches a neighbourhood whole wherever its people receive anything."""
    rows = pd.RangeIndex(len(town.population))
    columns = pd.MultiIndex.from_frame(effects_of(town)[["action", "ledger", "effect"]])
    shares, doses = (
        Relation(csc_array(values), rows, columns) for values in ((town.doses != 0).astype(float), town.doses)
    )
    outside = pd.Series(0.0, index=columns)
    once = Relation(csc_array((len(rows), 0)), rows, pd.Index([]))
    nowhere, placed = gpd.GeoSeries(), np.zeros(len(columns), dtype=bool)
    ground = Land(nowhere, None, Reach(nowhere, None), Reach(nowhere, None))
    return Overlay(shares, doses, shares, gpd.GeoDataFrame(), outside, placed, {}, once, ground)


def groups_of(town: Town) -> pd.DataFrame:
    table = by_group(laid_of(town), effects_of(town), people=town.people, groups={})
    return table.set_index(["action", "group"])


def whole_of(town: Town, priority: Floats | None = None) -> pd.DataFrame:
    hoods = pd.DataFrame({"population": town.population, "income": town.income})
    picked = None if priority is None else pd.Series(priority)
    return by_effect(
        laid_of(town), effects_of(town), people=town.people, neighbourhoods=hoods, rankings=RANKED, priority=picked
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    return table.select_dtypes("number")


def assert_alike(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Equal numbers to 1e-9, undefined in the same places."""
    assert list(one.columns) == list(other.columns)
    left, right = (numbers(table).to_numpy().ravel() for table in (one, other))
    assert left.tolist() == pytest.approx(right.tolist(), **ALIKE)


# ---------------------------------------------------------------- the person-by-person count


class Person(NamedTuple):
    home: int
    in_one: bool


def persons_of(town: Town) -> list[Person]:
    return [
        Person(home, number < town.groups[home, 0])
        for home, count in enumerate(town.population)
        for number in range(int(count))
    ]


def plain_mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def plain_quotient(over: float, under: float) -> float:
    return over / under if under else math.nan


@given(towns())
def test_sparse_products_are_the_count_of_every_person(town: Town) -> None:
    persons, found = persons_of(town), groups_of(town)
    for column in range(town.doses.shape[1]):
        received = [town.doses[person.home, column] for person in persons]
        mine = [x for x, person in zip(received, persons, strict=True) if person.in_one]
        others = [x for x, person in zip(received, persons, strict=True) if not person.in_one]
        share, of_people = plain_quotient(sum(mine), sum(received)), len(mine) / len(persons)
        expected = {
            "people": len(mine),
            "people_reached": sum(x > 0 for x in mine),
            "total": sum(mine),
            "mean": plain_mean(mine),
            "mean_rest": plain_mean(others),
            "gap": plain_mean(mine) - plain_mean(others),
            "ratio": plain_quotient(plain_mean(mine), plain_mean(others)),
            "share_of_effect": share,
            "share_of_people": of_people,
            "parity": plain_quotient(share, of_people),
        }
        row = found.loc[(f"A{column}", "one")]
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)


@given(towns(), st.data())
def test_the_effect_on_the_whole_is_the_count_of_every_person(town: Town, data: st.DataObject) -> None:
    size = len(town.population)
    priority = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    persons, found = persons_of(town), whole_of(town, priority)
    incomes = [town.income[person.home] for person in persons]
    ranks = [(sum(i < own for i in incomes) + sum(i == own for i in incomes) / 2) / len(incomes) for own in incomes]
    for column in range(town.doses.shape[1]):
        received = [town.doses[person.home, column] for person in persons]
        mean = plain_mean(received)
        tilt = plain_mean([x * (2 * rank - 1) for x, rank in zip(received, ranks, strict=True)])
        there = sum(x for x, person in zip(received, persons, strict=True) if priority[person.home])
        expected = {
            "people_reached": sum(x > 0 for x in received),
            "total": sum(received),
            "mean": mean,
            "priority_place_share": plain_quotient(there, sum(received)),
            "gci_income": tilt,
            "ci_income": plain_quotient(tilt, mean),
        }
        row = found.iloc[column]
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-11, abs=1e-11, nan_ok=True)


# ---------------------------------------------------------------- identities


@given(towns())
def test_the_groups_of_a_partition_add_up_to_everyone(town: Town) -> None:
    found, whole = groups_of(town), whole_of(town)
    for column, (_, everyone) in enumerate(whole.iterrows()):
        rows = found.loc[f"A{column}"]
        assert rows["total"].sum() == pytest.approx(everyone["total"], rel=1e-12, abs=1e-12)
        assert rows["people_reached"].sum() == pytest.approx(everyone["people_reached"])
        weighted = (rows["share_of_people"] * rows["parity"].fillna(0.0)).sum()
        assert weighted == pytest.approx(1.0 if everyone["total"] > 0 else 0.0, abs=1e-12)


@given(towns(), st.integers(1, 400))
def test_a_uniform_effect_is_at_parity_and_without_a_gradient(town: Town, amount: int) -> None:
    uniform = town._replace(doses=np.full((len(town.population), 1), amount / 4))
    rows = groups_of(uniform)
    rows = rows[rows["people"] > 0]
    assert rows[["parity", "parity_low", "parity_high"]].to_numpy() == pytest.approx(1.0, rel=1e-12)
    assert rows["gap"].fillna(0.0).to_numpy() == pytest.approx(0.0, abs=1e-10)
    whole = whole_of(uniform).iloc[0]
    assert whole["ci_income"] == pytest.approx(0.0, abs=1e-12)
    assert whole["gci_income"] == pytest.approx(0.0, abs=1e-10)


@given(towns(), st.sampled_from([0.125, 2.0, 1024.0]))
def test_shares_do_not_know_the_unit_and_amounts_follow_it(town: Town, factor: float) -> None:
    """Powers of two are exact: not one bit of a relative measure may change."""
    one, other = groups_of(town), groups_of(town._replace(doses=town.doses * factor))
    relative = ["people_reached", "reached_share", "ratio", "share_of_effect", "parity", "parity_low", "parity_high"]
    pd.testing.assert_frame_equal(one[relative], other[relative], check_exact=True)
    absolute = ["total", "mean", "mean_rest", "gap"]
    pd.testing.assert_frame_equal(factor * one[absolute], other[absolute], check_exact=True)
    whole, scaled = whole_of(town), whole_of(town._replace(doses=town.doses * factor))
    pd.testing.assert_series_equal(whole["ci_income"], scaled["ci_income"], check_exact=True)
    pd.testing.assert_series_equal(factor * whole["gci_income"], scaled["gci_income"], check_exact=True)


@given(towns(), st.integers(1, 40))
def test_the_same_gift_to_everyone_moves_the_means_and_no_difference(town: Town, gift: int) -> None:
    one, other = groups_of(town), groups_of(town._replace(doses=town.doses + gift))
    assert (other["mean"] - one["mean"]).dropna().to_numpy() == pytest.approx(float(gift), rel=1e-9)
    assert other["gap"].tolist() == pytest.approx(one["gap"].tolist(), **ALIKE)
    before, after = whole_of(town)["gci_income"], whole_of(town._replace(doses=town.doses + gift))["gci_income"]
    assert after.tolist() == pytest.approx(before.tolist(), **ALIKE)


@given(towns())
def test_totals_and_the_generalised_index_of_two_effects_are_the_sum(town: Town) -> None:
    assume(town.doses.shape[1] >= 2)
    both = town._replace(doses=town.doses[:, :2].sum(axis=1)[:, None])
    parts, whole = whole_of(town).iloc[:2], whole_of(both).iloc[0]
    assert parts["total"].sum() == pytest.approx(whole["total"])
    assert parts["gci_income"].sum() == pytest.approx(whole["gci_income"], abs=1e-10)


# ---------------------------------------------------------------- what must not matter


@given(towns(), st.data())
def test_neighbourhoods_without_people_change_nothing(town: Town, data: st.DataObject) -> None:
    amount, income = data.draw(st.integers(0, 9)), data.draw(st.integers(1, 5))
    empty = Town(
        np.append(town.population, 0.0),
        np.vstack([town.groups, np.zeros(2)]),
        np.append(town.income, float(income)),
        np.vstack([town.doses, np.full(town.doses.shape[1], float(amount))]),
    )
    assert_alike(groups_of(town), groups_of(empty))
    assert_alike(whole_of(town), whole_of(empty))


@given(towns(), st.data())
def test_splitting_a_neighbourhood_of_equals_changes_nothing(town: Town, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(town.population) - 1))
    first = town.groups[at] * data.draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    groups = np.vstack([town.groups, town.groups[at] - first])
    groups[at] = first
    split = Town(
        groups.sum(axis=1), groups, np.append(town.income, town.income[at]), np.vstack([town.doses, town.doses[at]])
    )
    unbounded = ["people_reached_low", "people_reached_high", "parity_low", "parity_high"]
    assert_alike(groups_of(town).drop(columns=unbounded), groups_of(split).drop(columns=unbounded))
    assert_alike(whole_of(town), whole_of(split))


@given(towns(), st.integers(2, 5))
def test_counting_everyone_several_times_over_changes_no_mean_and_no_share(town: Town, times: int) -> None:
    copied = town._replace(population=town.population * times, groups=town.groups * times)
    relative = ["reached_share", "mean", "mean_rest", "gap", "ratio", "share_of_effect", "share_of_people", "parity"]
    assert_alike(groups_of(town)[relative], groups_of(copied)[relative])
    assert_alike(
        whole_of(town)[["mean", "ci_income", "gci_income"]], whole_of(copied)[["mean", "ci_income", "gci_income"]]
    )


@given(towns())
def test_reversing_the_ranking_turns_the_sign_of_both_indexes(town: Town) -> None:
    one, other = whole_of(town), whole_of(town._replace(income=-town.income))
    for column in ("ci_income", "gci_income"):
        assert other[column].tolist() == pytest.approx((-one[column]).tolist(), rel=1e-9, abs=1e-12, nan_ok=True)


@given(towns(), st.randoms(use_true_random=False))
def test_ranks_and_indexes_do_not_know_the_order_of_ties(town: Town, random: object) -> None:
    order = list(range(len(town.population)))
    random.shuffle(order)
    ranks = mid_rank(town.income, town.population)
    again = mid_rank(town.income[order], town.population[order])
    assert again.tolist() == ranks[order].tolist()
    for index in (concentration_index, generalised_concentration_index):
        one = index(town.doses[:, 0], town.population, rank=ranks)
        other = index(town.doses[order, 0], town.population[order], rank=again)
        assert one == pytest.approx(other, rel=1e-12, abs=1e-12, nan_ok=True)


@given(towns())
def test_the_concentration_index_lies_between_minus_one_and_one(town: Town) -> None:
    assert whole_of(town)["ci_income"].dropna().between(-1, 1).all()


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.none(), st.integers(-3, 9)), min_size=1, max_size=12),
    st.sampled_from(sorted(CONVENTIONS)),
    st.randoms(use_true_random=False),
)
def test_percentiles_are_in_order_between_0_and_1_and_know_no_row_order(
    values: list[int | None], method: str, random: object
) -> None:
    column = pd.Series(values, dtype="float64")
    ranked = percentile(column, method=method)
    assert (ranked.isna() == column.isna()).all() or len(column.dropna()) == 1
    assert ranked.dropna().between(0, 1).all()
    assert ranked[column.sort_values().index].dropna().is_monotonic_increasing
    assert column.dropna().groupby(column).nunique().index.size == ranked.dropna().groupby(column).first().size or (
        ranked.isna().all()
    )
    order = list(column.index)
    random.shuffle(order)
    pd.testing.assert_series_equal(percentile(column[order], method=method).sort_index(), ranked)


# ---------------------------------------------------------------- ecological bounds


@st.composite
def small_zones(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """One to three zones of (people, of the group, reached), few enough to try every arrangement."""
    zones = []
    for _ in range(draw(st.integers(1, 3))):
        people = draw(st.integers(1, 5))
        zones.append((people, draw(st.integers(0, people)), draw(st.integers(0, people))))
    return zones


@given(small_zones(), st.integers(1, 8))
def test_bounds_hold_every_arrangement_of_the_people_and_are_reached(
    zones: list[tuple[int, int, int]], amount: int
) -> None:
    possible = [
        {sum(person < group for person in reached) for reached in itertools.combinations(range(people), count)}
        for people, group, count in zones
    ]
    people = np.array([zone[0] for zone in zones], dtype=np.float64)
    group = np.array([[zone[1]] for zone in zones], dtype=np.float64)
    shares = np.array([[zone[2] / zone[0]] for zone in zones])
    town = Town(people, group, people, amount * shares)
    laid = laid_of(town)
    laid = laid._replace(shares=Relation(csc_array(shares), laid.shares.rows, laid.shares.columns))
    counted = People(people, group, people[:, None], ("one",))
    row = by_group(laid, effects_of(town), people=counted, groups={}).iloc[0]
    least, most = sum(min(options) for options in possible), sum(max(options) for options in possible)
    bounds = row[["people_reached_low", "people_reached_high"]].tolist()
    assert bounds == pytest.approx([least, most], abs=1e-9)
    assert least - 1e-9 <= row["people_reached"] <= most + 1e-9
    if row["parity"] > 0:
        in_all = amount * sum(zone[2] for zone in zones)
        parities = [amount * count / in_all / row["share_of_people"] for count in (least, most)]
        assert row[["parity_low", "parity_high"]].tolist() == pytest.approx(parities)


# ---------------------------------------------------------------- Kolm-Pollak

LEVELS = st.floats(-20, 20, allow_subnormal=False)
KAPPAS = st.sampled_from([-1.5, -0.5, -0.1, 0.1, 0.5, 1.5])


@st.composite
def levels_and_people(draw: st.DrawFn, *, least: int = 1) -> tuple[Floats, Floats]:
    values = draw(st.lists(LEVELS, min_size=least, max_size=8))
    people = draw(st.lists(st.integers(1, 50), min_size=len(values), max_size=len(values)))
    return np.array(values), np.array(people, dtype=np.float64)


@given(levels_and_people(), KAPPAS, st.floats(-50, 50))
def test_ede_moves_with_everyone(city: tuple[Floats, Floats], kappa: float, gift: float) -> None:
    values, people = city
    moved = kolm_pollak_ede(values + gift, people, kappa=kappa)
    assert moved == pytest.approx(kolm_pollak_ede(values, people, kappa=kappa) + gift, abs=1e-9)


@given(levels_and_people(), KAPPAS)
def test_a_bad_is_the_complement_of_a_good(city: tuple[Floats, Floats], kappa: float) -> None:
    values, people = city
    bad = kolm_pollak_ede(values, people, kappa=-kappa)
    assert bad == pytest.approx(100 - kolm_pollak_ede(100 - values, people, kappa=kappa), abs=1e-9)


@given(levels_and_people(least=2), KAPPAS, st.data())
def test_ede_of_everyone_is_the_ede_of_the_groups_levels(
    city: tuple[Floats, Floats], kappa: float, data: st.DataObject
) -> None:
    values, people = city
    cut = data.draw(st.integers(1, len(values) - 1))
    parts = [(values[:cut], people[:cut]), (values[cut:], people[cut:])]
    edes = np.array([kolm_pollak_ede(*part, kappa=kappa) for part in parts])
    sizes = np.array([count.sum() for _, count in parts])
    assert kolm_pollak_ede(edes, sizes, kappa=kappa) == pytest.approx(
        kolm_pollak_ede(values, people, kappa=kappa), abs=1e-9
    )


@given(levels_and_people(), st.sampled_from([-1.0, 1.0]))
def test_ede_goes_to_the_mean_less_half_kappa_times_the_variance(city: tuple[Floats, Floats], sign: float) -> None:
    values, people = city
    mean = np.average(values, weights=people)
    variance = np.average((values - mean) ** 2, weights=people)
    kappa = sign * 1e-5
    assert kolm_pollak_ede(values, people, kappa=kappa) == pytest.approx(mean - kappa * variance / 2, abs=1e-6)


@given(levels_and_people(), KAPPAS)
def test_ede_of_goods_is_at_most_the_mean_and_of_bads_at_least(city: tuple[Floats, Floats], kappa: float) -> None:
    values, people = city
    mean = np.average(values, weights=people)
    shortfall = (mean - kolm_pollak_ede(values, people, kappa=kappa)) * np.sign(kappa)
    assert shortfall >= -1e-9
    assert values.min() - 1e-9 <= mean - shortfall * np.sign(kappa) <= values.max() + 1e-9


@given(levels_and_people(least=2), KAPPAS, st.floats(0.01, 0.49))
def test_a_transfer_from_more_to_less_is_better(city: tuple[Floats, Floats], kappa: float, part: float) -> None:
    values, people = city
    low, high = int(values.argmin()), int(values.argmax())
    assume(values[high] - values[low] > 0.1)
    amount = part * (values[high] - values[low]) * min(people[low], people[high])
    moved = values.copy()
    moved[low] += amount / people[low]
    moved[high] -= amount / people[high]
    change = kolm_pollak_ede(moved, people, kappa=kappa) - kolm_pollak_ede(values, people, kappa=kappa)
    assert change * np.sign(kappa) > 0


@given(towns(), st.sampled_from([-0.3, -0.05, 0.05, 0.3]), st.data())
def test_the_sparse_ede_after_is_the_ede_of_the_new_levels(town: Town, kappa: float, data: st.DataObject) -> None:
    size = len(town.population)
    baseline = np.array(data.draw(st.lists(st.integers(0, 20), min_size=size, max_size=size)), dtype=np.float64)
    changes = town.doses / 20
    columns = np.column_stack([town.population, town.groups])
    after = kolm_pollak_after(baseline, csc_array(changes), weights=columns, kappa=kappa)
    expected = [
        [kolm_pollak_ede(baseline + changes[:, a], columns[:, g], kappa=kappa) for g in range(3)]
        for a in range(changes.shape[1])
    ]
    np.testing.assert_allclose(after, expected, rtol=1e-9, atol=1e-9)


# ================================================================ cities on the ground


SOME, FEW = settings(max_examples=25), settings(max_examples=10)
SEEDS = st.integers(0, 10_000)


class Ground(NamedTuple):
    """A random city of about a dozen zones, its population points and a plan of every kind of action."""

    hoods: gpd.GeoDataFrame
    blocks: gpd.GeoDataFrame
    plan: Plan


def random_city(seed: int, zones: int = 9) -> gpd.GeoDataFrame:
    """Irregular zones that tile 4 km x 4 km, one of them without people."""
    rng = np.random.default_rng(seed)
    frame = shapely.box(0, 0, 4, 4)
    cells = shapely.voronoi_polygons(shapely.multipoints(4 * rng.random((zones, 2))), extend_to=frame).geoms
    population = rng.integers(1, 900, zones).astype(np.float64)
    population[0] = 0.0
    columns = {
        "population": population,
        "people_one": np.floor(population * rng.random(zones)),
        "income": rng.integers(20, 30, zones).astype(np.float64),
        "heat": 20 + 10 * rng.random(zones),
    }
    index = pd.Index([f"Z{number:02d}" for number in range(zones)], name="neighbourhood")
    return gpd.GeoDataFrame(columns, index=index, geometry=[km(cell.intersection(frame)) for cell in cells], crs=CRS)


def random_blocks(hoods: gpd.GeoDataFrame, order: np.ndarray, seed: int) -> gpd.GeoDataFrame:
    """Forty points with fractions of people, some at one place, given in an order."""
    rng = np.random.default_rng(seed)
    places = np.round(4000 * rng.random((40, 2)) + ORIGIN, 1)
    places[5:10] = places[0:5]
    table = pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "people": rng.random(40) * 9}).iloc[order]
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
    frame = table.astype("str").reset_index(drop=True)
    return check_blocks(frame, declared, origin=Origin("b.csv", "row"), zones=hoods.geometry).table


def random_plan(seed: int) -> Plan:
    rng = np.random.default_rng(seed + 1)
    east, north = 3 * rng.random(2) + 0.2
    places = {
        "AREA": km_box(east, north, east + 1.5 * rng.random() + 0.1, north + 1.0),
        "DOT": km(shapely.Point(4 * rng.random(2))),
        "LINE": km(shapely.LineString(4 * rng.random((3, 2)))),
        "ALL": "citywide",
        "LOST": "unlocated",
    }
    effects = [
        effect("AREA", amount=rng.random(), indicator="heat"),
        effect("AREA", ledger="burden", effect="works", amount=5 * rng.random(), per="total", unit="days"),
        effect("DOT", reach="within", distance_m=200 + 900 * rng.random(), amount_low=0.5, amount_high=3.0),
        effect("LINE", reach="within", distance_m=100 + 300 * rng.random(), amount=rng.random(), indicator="heat"),
        effect("LINE", ledger="burden", effect="noise", reach="within", distance_m=60.0, unit="dB"),
        effect("ALL", effect="dividend", unit="EUR", amount=rng.random()),
        effect("LOST", effect="biogas", per="total"),
    ]
    return plan_of(places, *effects)


def ask() -> Question:
    heat = Indicator(label="Heat", unit="degC", higher_is="worse", column="heat")
    # Few places: what is asked of them here is only that they are the same.
    return Question(indicators={"heat": heat}, rankings=RANKED, siting=Siting(placements=19))


def screened(hoods: gpd.GeoDataFrame, plan: Plan, blocks: gpd.GeoDataFrame | None) -> Result:
    hot = pd.Series(hoods["heat"] > 25, index=hoods.index)
    return screen(hoods, plan, question=ask(), blocks=blocks, priority=hot)


TABLES = (
    *("scores", "by_effect", "by_group", "together", "before_after", "coverage", "neighbourhoods", "reach"),
    *("by_boundary", "by_boundary_effect", "footprints", "baseline", "timeline", "areas"),
)


def bytes_of(result: Result) -> dict[str, bytes]:
    return {name: getattr(result, name).to_csv(lineterminator="\n").encode() for name in TABLES}


@FEW
@given(seed=SEEDS, by_points=st.booleans())
def test_the_order_of_rows_changes_no_byte(seed: int, *, by_points: bool) -> None:
    hoods, plan, rng = random_city(seed), random_plan(seed), np.random.default_rng(seed + 2)
    shuffled = hoods.iloc[rng.permutation(len(hoods))]
    turned = Plan(
        plan.actions.iloc[rng.permutation(len(plan.actions))],
        plan.effects.iloc[rng.permutation(len(plan.effects))].reset_index(drop=True),
    )
    blocks = random_blocks(hoods, np.arange(40), seed) if by_points else None
    mixed = random_blocks(shuffled, rng.permutation(40), seed) if by_points else None
    one, other = screened(hoods, plan, blocks), screened(shuffled, turned, mixed)
    assert bytes_of(one) == bytes_of(other)
    assert one.sentences == other.sentences


# Adjusted for the number of questions asked: one more action asks more of them.
OF_ALL_QUESTIONS = ["q_siting"]


@FEW
@given(seed=SEEDS, by_points=st.booleans())
def test_one_more_action_changes_no_bit_of_the_others(seed: int, *, by_points: bool) -> None:
    hoods, plan = random_city(seed), random_plan(seed)
    more = plan_of({"MORE": km_box(1, 1, 3, 3)}, effect("MORE", indicator="heat"))
    grown = Plan(pd.concat([plan.actions, more.actions]), pd.concat([plan.effects, more.effects], ignore_index=True))
    blocks = random_blocks(hoods, np.arange(40), seed) if by_points else None
    one, other = screened(hoods, plan, blocks), screened(hoods, grown, blocks)
    for name in ("scores", "by_effect", "by_group", "before_after", "reach"):
        before, after = getattr(one, name), getattr(other, name)
        labels = after["action"] if "action" in after.columns else after.index.get_level_values("action")
        kept = after[~labels.isin(["MORE", "active actions"])]
        if "action" in after.columns:
            kept = kept.reset_index(drop=True)
            before = before[before["action"] != "active actions"].reset_index(drop=True)
        pair = (table.drop(columns=OF_ALL_QUESTIONS, errors="ignore") for table in (kept, before))
        pd.testing.assert_frame_equal(*map(pd.DataFrame, pair), check_exact=True)
    for action in plan.actions.index:
        assert one.sentences[action] == other.sentences[action]


@FEW
@given(SEEDS)
def test_a_burden_changes_no_bit_of_the_benefits(seed: int) -> None:
    hoods, plan = random_city(seed), random_plan(seed)
    heavier = plan.effects["amount"].where(plan.effects["ledger"] == "benefit", 7.5)
    one, other = (
        screened(hoods, plan, None),
        screened(hoods, plan._replace(effects=plan.effects.assign(amount=heavier)), None),
    )
    for name in ("by_effect", "by_group", "together"):
        tables = [getattr(result, name).reset_index() for result in (one, other)]
        benefits = [table[table["ledger"] == "benefit"] for table in tables]
        benefits = [table.drop(columns=OF_ALL_QUESTIONS, errors="ignore") for table in benefits]
        pd.testing.assert_frame_equal(*benefits, check_exact=True)
    columns = [name for name in one.scores.columns if name.startswith("benefit_")]
    pd.testing.assert_frame_equal(one.scores[columns], other.scores[columns], check_exact=True)
    burdens = [table.xs("burden", level="ledger")["total"].to_numpy() for table in (one.by_effect, other.by_effect)]
    assert (burdens[0] != burdens[1]).all()


@SOME
@given(SEEDS, st.lists(st.floats(0.1, 3.9), min_size=1, max_size=3), st.lists(st.floats(0.1, 3.9), max_size=2))
def test_people_add_up_over_a_partition(seed: int, wests: list[float], souths: list[float]) -> None:
    hoods = random_city(seed)
    edges = [sorted({-1.0, 5.0, *(round(cut, 2) for cut in cuts)}) for cuts in (wests, souths)]
    pieces = [
        km_box(west, south, east, north)
        for west, east in itertools.pairwise(edges[0])
        for south, north in itertools.pairwise(edges[1])
    ]
    plan = plan_of({f"P{number:02d}": piece for number, piece in enumerate(pieces)})
    result = screen(hoods, plan)
    reached, whole = result.by_effect["people_reached"].sum(), hoods["population"].sum()
    assert reached == pytest.approx(whole, rel=1e-9)
    assert result.by_group["people_reached"].sum() == pytest.approx(hoods["people_one"].sum(), rel=1e-9, abs=1e-9)
    together = result.together[result.together["group"] == "everyone"].iloc[0]
    assert together["people_reached"] == pytest.approx(together["people_summed"], rel=1e-9)


@SOME
@given(seed=SEEDS, by_points=st.booleans())
def test_a_reach_over_the_whole_city_is_exactly_everyone(seed: int, *, by_points: bool) -> None:
    hoods = random_city(seed)
    blocks = random_blocks(hoods, np.arange(40), seed) if by_points else None
    plan = plan_of(
        {"X": km_box(-1, -1, 5, 5), "Y": km(shapely.Point(2, 2))},
        effect("X"),
        effect("Y", reach="within", distance_m=9e3),
    )
    result = screen(hoods, plan, blocks=blocks)
    assert result.by_effect["people_reached"].tolist() == [hoods["population"].sum()] * 2
    assert result.by_group["people_reached"].tolist() == [hoods["people_one"].sum()] * 2
    peopled = hoods["population"] > 0
    assert (result.neighbourhoods.loc[peopled, "benefit_reached_share"] == 1.0).all()
    assert result.neighbourhoods.loc[~peopled, "benefit_reached_share"].isna().all()
    everyone = result.together[result.together["ledger"] == "benefit"].iloc[0]
    assert everyone["people_reached"] == hoods["population"].sum()


@FEW
@given(seed=SEEDS, by_points=st.booleans())
def test_a_longer_distance_reaches_no_fewer(seed: int, *, by_points: bool) -> None:
    hoods = random_city(seed)
    blocks = random_blocks(hoods, np.arange(40), seed) if by_points else None
    place = km(shapely.LineString(4 * np.random.default_rng(seed).random((2, 2))))
    distances = [10.0, 60.0, 300.0, 301.0, 1200.0, 4000.0]
    effects = [effect("X", effect=f"e{i}", reach="within", distance_m=d) for i, d in enumerate(distances)]
    shares = overlay(hoods, plan_of({"X": place}, *effects), blocks=blocks).shares.matrix.toarray()
    assert (np.diff(shares, axis=1) >= -1e-12).all()


@FEW
@given(seed=SEEDS, by_points=st.booleans())
def test_people_once_are_at_least_the_widest_and_at_most_the_sum(seed: int, *, by_points: bool) -> None:
    hoods = random_city(seed)
    blocks = random_blocks(hoods, np.arange(40), seed) if by_points else None
    laid = overlay(hoods, random_plan(seed), blocks=blocks)
    once = laid.once.matrix.toarray()
    for position, members in enumerate(laid.members.values()):
        shares = laid.shares.matrix.toarray()[:, members]
        assert (once[:, position] >= shares.max(axis=1, initial=0.0)).all()
        assert (once[:, position] <= np.minimum(shares.sum(axis=1), 1.0) * (1 + 1e-9) + 1e-12).all()


@SOME
@given(SEEDS)
def test_area_shares_are_the_intersection_zone_by_zone(seed: int) -> None:
    zones = random_city(seed).geometry
    discs = gpd.GeoSeries(
        [km(shapely.Point(*(4 * np.random.default_rng(seed + i).random(2))).buffer(0.8)) for i in range(3)], crs=CRS
    )
    found = area_shares(zones, discs).matrix.toarray()
    plain = [[zone.intersection(disc).area / zone.area for disc in discs] for zone in zones]
    np.testing.assert_allclose(found, plain, rtol=1e-9, atol=1e-12)


FEET = "+proj=utm +zone=32 +datum=WGS84 +units=us-ft +no_defs"


@FEW
@given(SEEDS, st.sampled_from(["EPSG:4326", "EPSG:3857", FEET, "EPSG:3035"]), st.sampled_from(["city", "plan", "both"]))
def test_reach_does_not_know_the_coordinate_system_of_the_inputs(seed: int, crs: str, which: str) -> None:
    """Sides get a vertex every 20 m first: a side that is straight in one system is an arc in another."""
    hoods, plan = random_city(seed), random_plan(seed)
    hoods = hoods.set_geometry(hoods.geometry.segmentize(20.0))
    plan = plan._replace(actions=plan.actions.set_geometry(plan.actions.geometry.segmentize(20.0)))
    city = hoods.to_crs(crs) if which != "plan" else hoods
    moved = plan._replace(actions=plan.actions.to_crs(crs)) if which != "city" else plan
    one, other = (overlay(*pair).shares.matrix.toarray() for pair in ((hoods, plan), (city, moved)))
    assert one.any()
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-6)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", FEET])
def test_five_hundred_metres_are_five_hundred_metres_in_every_system(crs: str) -> None:
    disc = plan_of({"X": km(shapely.Point(1, 1))}, effect("X", reach="within", distance_m=500.0))
    moved = disc._replace(actions=disc.actions.to_crs(crs))
    reach = overlay(four_zones().to_crs(crs), moved).reach.to_crs("+proj=laea +lat_0=55.94 +lon_0=9.98 +datum=WGS84")
    assert reach.area.iloc[0] == pytest.approx(math.pi * 500**2, rel=2e-4)

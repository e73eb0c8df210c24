"""Laws of the measures, tried on cities of numbers drawn at random; their numbers are those of the methods.

A city has a few neighbourhoods, some of them empty, whose people are of one of three groups and ranked by income, with
ties and gaps. Three effects: one with a place, which many do not have; one that everybody has; one of gains and losses.
Margins, draws, chance and ranks are in test_laws_uncertainty, percentiles (17) in test_laws, overlays and catchments
(14, 15) in the other files of laws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy.sparse import coo_array, csc_array

from equity_screen import inequality
from equity_screen.dimensions import between_group_table, dimensions_of, index_of_disparity, partition_of
from equity_screen.distribution import Distribution, distribution
from equity_screen.entropy import (
    atkinson,
    atkinson_ede,
    generalised_entropy,
    mean_log_deviation,
    mld_between,
    theil,
    theil_between,
    variance_between,
)
from equity_screen.equity import by_effect, by_group
from equity_screen.gradient import (
    concentration_curve,
    concentration_index,
    dominates,
    erreygers_index,
    extended_concentration_index,
    generalised_concentration_curve,
    generalised_concentration_index,
    generalised_extended_concentration_index,
    incidence,
    kakwani_index,
    rank_weights,
    relative_index,
    slope_index,
    suits_index,
    wagstaff_index,
)
from equity_screen.inequality import (
    absolute_gini,
    as_columns,
    bottom_share,
    generalised_lorenz_curve,
    gini,
    hoover,
    is_share_out,
    level_of,
    lorenz_curve,
    mid_rank,
    palma_ratio,
    signed_gini,
    spread_of,
    top_share,
    undefined_because,
    variance,
    weighted_mean,
)
from equity_screen.people import People
from equity_screen.recipe import Group
from equity_screen.welfare import (
    distributional_weights,
    kolm_pollak_after,
    kolm_pollak_ede,
    kolm_pollak_ede_by_group,
    kolm_pollak_index,
    kolm_pollak_kappa,
    weighted_median,
    weighted_total,
)
from tests.test_laws import RANKED, Town, effects_of, laid_of, towns

Floats = np.ndarray
LAW = settings(max_examples=200)
AT = np.array([0.0, 0.1, 0.25, 0.5, 0.8, 1.0])
GROUPS = ("blue", "green", "red")
DECLARED = {name: Group(label=name, count=name, dimension="colour") for name in GROUPS}
PLACE, EVERYONE, SIGNED = range(3)
MOST = 100.0


class City(NamedTuple):
    """People by group, income, effects per person, a level before them, and what some measures ask for besides."""

    groups: Floats
    income: Floats
    doses: Floats
    baseline: Floats
    kappa: float = 0.1
    bounds: tuple[float, float] = (0.0, MOST)

    @property
    def people(self) -> Floats:
        return self.groups.sum(axis=1)

    @property
    def rank(self) -> Floats:
        return mid_rank(self.income, self.people)

    @property
    def ranked(self) -> Floats:
        return np.where(np.isnan(self.income), 0.0, self.people)

    @property
    def counted(self) -> People:
        universes = np.repeat(self.people[:, None], self.groups.shape[1], axis=1)
        return People(self.people, self.groups, universes, GROUPS)

    def units(self, rows: Any) -> City:
        """Give the city of other rows: some of them, often, or in another order."""
        return self._replace(
            groups=self.groups[rows],
            income=self.income[rows],
            doses=self.doses[rows],
            baseline=self.baseline[rows],
        )

    def told_in(self, factor: float) -> City:
        """Give the same city in another unit."""
        low, high = self.bounds
        return self._replace(
            doses=self.doses * factor,
            baseline=self.baseline * factor,
            kappa=self.kappa / factor,
            bounds=(low * factor, high * factor),
        )

    def given(self, gift: float) -> City:
        """Give the city where everyone has as much more."""
        low, high = self.bounds
        return self._replace(doses=self.doses + gift, bounds=(low + gift, high + gift))


QUARTERS = st.integers(1, 400).map(lambda number: number / 4)
INCOMES = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 4.0, 5.0, np.nan])
KAPPAS = (0.02, -0.02, 0.3, -0.3)


@st.composite
def cities(draw: st.DrawFn, *, least: int = 1) -> City:
    """Whole people, so that they can be counted one by one; quarters of a unit, so that ties are ties.

    All of a city is one draw of bytes, eight a neighbourhood and one for all: that is quick, and shrinks to few people.
    """
    size = draw(st.integers(least, 5))
    drawn = np.frombuffer(draw(st.binary(min_size=8 * size + 1, max_size=8 * size + 1)), dtype=np.uint8).astype(int)
    byte = drawn[1:].reshape(8, size)
    groups = (byte[:3] % 7).T.astype(np.float64)
    assume(np.count_nonzero(groups.sum(axis=1)) >= least)
    steps = byte[3:6] // 4
    place, everyone = 2.0 * np.maximum(steps[0] - 20, 0), 1.25 * (steps[1] + 1)
    signed = 2.5 * ((steps[2] + 1) // 2) * np.where(steps[2] % 2, 1, -1)
    doses = np.column_stack([place, everyone, signed])
    return City(groups, INCOMES[byte[6] % 8], doses, (byte[7] % 21).astype(np.float64), KAPPAS[drawn[0] % 4])


# ================================================================ every measure, by name


class Asked(NamedTuple):
    """What measures ask of a city, worked out once."""

    doses: Floats | csc_array
    people: Floats
    groups: Floats
    income: Floats
    rank: Floats
    baseline: Floats
    kappa: float
    bounds: tuple[float, float]

    @property
    def everyone_and_groups(self) -> Floats:
        return np.column_stack([self.people, self.groups])


class Measure(NamedTuple):
    """What it gives for a city, effects last; the power of the unit in it; what a gift of 1 adds; what it needs.

    ``moves`` is None where a gift to everyone has no law. ``some``: besides what it needs, more can be in its way.
    """

    of: Callable[[Asked], Floats]
    power: int
    moves: float | Floats | None
    needs: str
    some: bool = False


def over(measure: Callable[..., Floats], **options: Any) -> Callable[[Asked], Floats]:
    return lambda asked: measure(asked.doses, asked.people, **options)


def ranked(measure: Callable[..., Floats], **options: Any) -> Callable[[Asked], Floats]:
    return lambda asked: measure(asked.doses, asked.people, rank=asked.rank, **options)


def split(measure: Callable[..., Any]) -> Callable[[Asked], Floats]:
    return lambda asked: np.array(measure(asked.doses, asked.groups))


SHARES_OUT, ANY = "non-negative", "any"
MEASURES: Mapping[str, Measure] = {
    "mean": Measure(over(weighted_mean), 1, 1.0, ANY),
    "variance": Measure(over(variance), 2, 0.0, ANY),
    "absolute gini": Measure(over(absolute_gini), 1, 0.0, ANY),
    "gini": Measure(over(gini), 0, None, SHARES_OUT),
    "signed gini": Measure(over(signed_gini), 0, None, "something"),
    "hoover": Measure(over(hoover), 0, None, SHARES_OUT),
    "lorenz": Measure(over(lorenz_curve, at=AT), 0, None, SHARES_OUT),
    "generalised lorenz": Measure(over(generalised_lorenz_curve, at=AT), 1, AT[:, None], ANY),
    "top": Measure(over(top_share, share=0.3), 0, None, SHARES_OUT),
    "bottom": Measure(over(bottom_share, share=0.3), 0, None, SHARES_OUT),
    "palma": Measure(over(palma_ratio), 0, None, SHARES_OUT, some=True),
    "entropy 2": Measure(over(generalised_entropy, alpha=2), 0, None, SHARES_OUT),
    "entropy 0.5": Measure(over(generalised_entropy, alpha=0.5), 0, None, SHARES_OUT),
    "entropy -1": Measure(over(generalised_entropy, alpha=-1), 0, None, "positive"),
    "theil": Measure(over(theil), 0, None, SHARES_OUT),
    "mld": Measure(over(mean_log_deviation), 0, None, "positive"),
    "theil between": Measure(split(theil_between), 0, None, SHARES_OUT),
    "variance between": Measure(split(variance_between), 2, 0.0, ANY),
    "mld between": Measure(split(mld_between), 0, None, SHARES_OUT, some=True),
    "atkinson 0.5": Measure(over(atkinson, epsilon=0.5), 0, None, SHARES_OUT),
    "atkinson 1": Measure(over(atkinson, epsilon=1), 0, None, SHARES_OUT),
    "atkinson 2": Measure(over(atkinson, epsilon=2), 0, None, SHARES_OUT),
    "atkinson level": Measure(over(atkinson_ede, epsilon=0.5), 1, None, SHARES_OUT),
    "ci": Measure(ranked(concentration_index), 0, None, SHARES_OUT),
    "gci": Measure(ranked(generalised_concentration_index), 1, 0.0, ANY),
    "erreygers": Measure(lambda c: ranked(erreygers_index, bounds=c.bounds)(c), 0, 0.0, ANY, some=True),
    "wagstaff": Measure(lambda c: ranked(wagstaff_index, bounds=c.bounds)(c), 0, 0.0, ANY, some=True),
    "extended 1.5": Measure(ranked(extended_concentration_index, nu=1.5), 0, None, SHARES_OUT),
    "extended 3": Measure(ranked(extended_concentration_index, nu=3), 0, None, SHARES_OUT),
    "generalised extended": Measure(ranked(generalised_extended_concentration_index, nu=3), 1, 0.0, ANY),
    "slope": Measure(ranked(slope_index), 1, 0.0, ANY, some=True),
    "relative slope": Measure(ranked(relative_index), 0, None, SHARES_OUT, some=True),
    "suits": Measure(lambda c: suits_index(c.doses, c.people, income=c.income), 0, None, SHARES_OUT),
    "kakwani": Measure(lambda c: kakwani_index(c.doses, c.people, income=c.income), 0, None, SHARES_OUT),
    "concentration": Measure(ranked(concentration_curve, at=AT), 0, None, SHARES_OUT),
    "generalised concentration": Measure(ranked(generalised_concentration_curve, at=AT), 1, AT[:, None], ANY),
    "level": Measure(
        lambda c: kolm_pollak_ede_by_group(c.doses, c.everyone_and_groups, kappa=c.kappa).T, 1, 1.0, ANY, some=True
    ),
    "level after": Measure(
        lambda c: kolm_pollak_after(c.baseline, c.doses, weights=c.everyone_and_groups, kappa=c.kappa).T,
        *(1, 1.0, ANY),
        some=True,
    ),
    "level's index": Measure(lambda c: kolm_pollak_index(c.doses, c.people, kappa=c.kappa), 1, 0.0, ANY),
    "weighted total": Measure(
        lambda c: (
            weighted_total(c.doses, c.people, income=c.income, elasticity=1.3)
            / max(c.people[~np.isnan(c.rank)].sum(), 1)
        ),
        *(1, None, ANY),
    ),
}
BY_RANK = frozenset(list(MEASURES)[list(MEASURES).index("ci") : list(MEASURES).index("level")]) | {"weighted total"}


def asked_of(city: City, values: Floats | csc_array | None = None) -> Asked:
    values = as_columns(city.doses) if values is None else values
    people, rank = city.people, city.rank
    return Asked(values, people, city.groups, city.income, rank, city.baseline, city.kappa, city.bounds)


def measured(city: City, values: Floats | csc_array | None = None) -> dict[str, Floats]:
    """Every measure of a city, or of values stored otherwise than as sparse columns."""
    asked = asked_of(city, values)
    return {name: np.asarray(measure.of(asked)) for name, measure in MEASURES.items()}


def as_distribution(city: City, **options: Any) -> Distribution:
    given = {"ranks": {"income": city.rank}, "partitions": {"colour": range(3)}, "kappa": city.kappa} | options
    return distribution(csc_array(city.doses), city.counted, **given)


def table_of(city: City) -> pd.DataFrame:
    effects = city.doses.shape[1]
    labels = pd.MultiIndex.from_tuples(
        [(f"A{number}", ("benefit", "burden")[number % 2], "e") for number in range(effects)],
        names=["action", "ledger", "effect"],
    )
    return between_group_table(csc_array(city.doses), city.counted, groups=DECLARED, labels=labels)


def tabled(city: City) -> dict[str, Floats]:
    """Figures of the two tables, effects last; totals per person."""
    found, table = as_distribution(city), table_of(city)
    people = city.people.sum()
    figures = found._replace(totals=found.totals / people, total=found.total / people)._asdict()
    shares = figures.pop("people_shares")
    columns = {name: column.to_numpy() for name, column in table.drop(columns=["action", "ledger"]).items()}
    tables = {**{name: numbers.T for name, numbers in figures.items()}, "shares of people": shares, **columns}
    return {f"table: {name}": numbers for name, numbers in tables.items()}


def assert_alike(one: Mapping[str, Floats], other: Mapping[str, Floats], *, rounding: float = 1e-11) -> None:
    """Equal but for rounding, undefined in the same places, words the same."""
    assert list(one) == list(other)
    assert [one[name].shape for name in one] == [other[name].shape for name in one]
    words = [name for name, numbers in one.items() if numbers.dtype.kind not in "fib"]
    assert [list(one[name]) for name in words] == [list(other[name]) for name in words]
    names = [name for name in one if name not in words]
    least = np.concatenate([np.full(one[name].size, rounding * MOST ** power_of(name)) for name in names])
    left, right = (np.concatenate([table[name].ravel() for name in names]) for table in (one, other))
    apart = ~((np.abs(left - right) <= least + rounding * np.abs(left)) | (np.isnan(left) & np.isnan(right)))
    of = np.repeat(names, [one[name].size for name in names])
    assert not apart.any(), list(zip(of[apart], left[apart], right[apart], strict=True))


def power_of(name: str) -> int:
    return MEASURES[name].power if name in MEASURES else 2


def assert_same_bytes(one: Mapping[str, Floats], other: Mapping[str, Floats]) -> None:
    for name, numbers in one.items():
        assert numbers.shape == other[name].shape, name
        if numbers.dtype == object:
            assert numbers.tolist() == other[name].tolist(), name
        else:
            assert numbers.tobytes() == other[name].tobytes(), name


# ================================================================ 1, 2, 3: how people are cut up


@LAW
@given(cities(), st.integers(2, 4))
def test_law_01_the_same_city_several_times_over_is_as_unequal(city: City, times: int) -> None:
    again = city.units(np.tile(np.arange(len(city.people)), times))
    again = again._replace(groups=3 * again.groups)
    assert_alike(measured(city) | tabled(city), measured(again) | tabled(again))


@LAW
@given(cities(), st.data())
def test_law_02_neighbourhoods_of_equals_can_be_split_and_merged(city: City, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(city.people) - 1))
    first = city.groups[at] * data.draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    whole = city.units(np.append(np.arange(len(city.people)), at))
    whole.groups[-1] = city.groups[at] - first
    whole.groups[at] = first
    whole.doses[whole.people == 0] += 9.75
    assert_alike(measured(city) | tabled(city), measured(whole) | tabled(whole))


@LAW
@given(cities(), st.randoms(use_true_random=False))
def test_law_03_the_order_of_neighbourhoods_changes_nothing(city: City, random: Any) -> None:
    order = list(range(len(city.people)))
    random.shuffle(order)
    assert city.units(order).rank.tolist() == pytest.approx(city.rank[order].tolist(), rel=1e-15, nan_ok=True)
    assert_alike(measured(city), measured(city.units(order)))


# ================================================================ 4: units and gifts


@LAW
@given(cities(), st.integers(-40, 40))
def test_law_04_another_unit_scales_each_measure_by_its_power_to_the_last_bit(city: City, power: int) -> None:
    """Powers of two are exact: what is relative may not change by one bit, whatever the unit."""
    factor = 2.0**power
    one, other = measured(city), measured(city.told_in(factor))
    expected = {name: numbers * factor ** MEASURES[name].power for name, numbers in one.items()}
    for name, numbers in expected.items():
        np.testing.assert_array_equal(other[name], numbers, err_msg=name)


@LAW
@given(cities(), st.floats(1e-9, 1e9))
def test_law_04_any_other_unit_does_so_but_for_rounding(city: City, factor: float) -> None:
    other = measured(city.told_in(factor))
    assert_alike(measured(city), {name: n / factor ** MEASURES[name].power for name, n in other.items()})


@LAW
@given(cities(), st.integers(1, 200).map(lambda number: number / 4))
def test_law_04_a_gift_to_everyone_moves_levels_and_no_difference(city: City, gift: float) -> None:
    one, other = measured(city), measured(city.given(gift))
    told = {name: measure for name, measure in MEASURES.items() if measure.moves is not None}
    assert_alike({name: one[name] + m.moves * gift for name, m in told.items()}, {name: other[name] for name in told})


@LAW
@given(cities(), st.integers(1, 200).map(lambda number: number / 4))
def test_law_04_a_gift_to_everyone_lowers_relative_inequality(city: City, gift: float) -> None:
    shared = city._replace(doses=city.doses[:, :SIGNED])
    one, other = measured(shared), measured(shared.given(gift))
    for name in ("gini", "hoover", "theil", "mld", "entropy 2", "entropy 0.5", "atkinson 0.5", "top"):
        assert (other[name] <= one[name] + 1e-12)[~np.isnan(one[name])].all(), name
    assert (np.abs(other["ci"]) <= np.abs(one["ci"]) + 1e-12)[~np.isnan(one["ci"])].all()


@LAW
@given(cities(), st.sampled_from([0.25, 0.5, 1.0, 2.0]), st.floats(0.01, 1e6))
def test_law_04_kappa_frozen_on_a_baseline_follows_its_unit(city: City, epsilon: float, factor: float) -> None:
    one, other = (
        kolm_pollak_kappa(level, city.people, epsilon=epsilon, bad=True)
        for level in (city.baseline, city.baseline * factor)
    )
    assert other * factor == pytest.approx(one, rel=1e-12, nan_ok=True)
    assert np.isnan(one) == (city.people @ city.baseline == 0)
    good = kolm_pollak_kappa(city.baseline, city.people, epsilon=2 * epsilon, bad=False)
    assert good == pytest.approx(-2 * one, rel=1e-15, nan_ok=True)


@LAW
@given(cities(), st.floats(0.01, 100.0), st.sampled_from([0.0, 0.5, 1.3]))
def test_law_04_weights_of_people_know_no_currency(city: City, factor: float, elasticity: float) -> None:
    one = distributional_weights(city.income, reference=2.0, elasticity=elasticity)
    other = distributional_weights(city.income * factor, reference=2.0 * factor, elasticity=elasticity)
    np.testing.assert_allclose(other, one, rtol=1e-12)
    assert (np.isnan(one) == np.isnan(city.income)).all()
    assert weighted_median(city.income * 4, city.people) == pytest.approx(
        4 * weighted_median(city.income, city.people), nan_ok=True
    )
    if elasticity == 0:
        assert (one[~np.isnan(one)] == 1).all()


# ================================================================ 5: from those who have more to those who have less

STRICTLY_LOWER = ("variance", "absolute gini", "gini", "entropy 2", "entropy 0.5", "theil", "atkinson 0.5")
LOWER = ("hoover", "top", "palma", "mld", "entropy -1", "atkinson 1", "atkinson 2", "level's index")
HIGHER = ("bottom", "lorenz", "generalised lorenz", "atkinson level")


def moved(city: City, poorer: int, richer: int, *, column: int, amounts: tuple[float, float]) -> City:
    """Take from one neighbourhood and give to another, so much a person."""
    values = city.doses.copy()
    values[poorer, column] += amounts[0]
    values[richer, column] -= amounts[1]
    return city._replace(doses=values)


@LAW
@given(cities(least=2), st.sampled_from([PLACE, EVERYONE, SIGNED]), st.sampled_from([0.25, 0.5, 1.0]))
def test_law_05_a_transfer_to_those_who_have_less_lowers_inequality(city: City, column: int, part: float) -> None:
    city = city._replace(kappa=float(np.sign(city.kappa)) * 0.02, doses=city.doses[:, [column]])
    lived = np.flatnonzero(city.people)
    poorer, richer = (int(lived[pick(city.doses[lived, 0])]) for pick in (np.argmin, np.argmax))
    few, many = city.people[[poorer, richer]]
    gap = part * (city.doses[richer, 0] - city.doses[poorer, 0])
    assume(gap > 0)
    amounts = gap * many / (few + many), gap * few / (few + many)
    one, other = measured(city), measured(moved(city, poorer, richer, column=0, amounts=amounts))
    change = {name: other[name] - one[name] for name in one}
    for name in STRICTLY_LOWER:
        assert (change[name] < 0)[~np.isnan(one[name])].all(), name
    for name in LOWER:
        assert (change[name] <= 1e-9)[~np.isnan(one[name])].all(), name
    for name in HIGHER:
        assert (change[name] >= -1e-9)[~np.isnan(one[name])].all(), name
    assert (change["level"][0] * np.sign(city.kappa) > 0).all()
    assert change["mean"] == pytest.approx(0.0, abs=1e-12)
    if column != SIGNED:
        assert (change["signed gini"] < 0).all()


@LAW
@given(cities(least=2), st.sampled_from([PLACE, EVERYONE, SIGNED]), st.sampled_from([0.25, 0.5, 1.0]), st.data())
def test_law_05_a_transfer_to_those_ranked_lower_turns_every_gradient_to_them(
    city: City, column: int, part: float, data: st.DataObject
) -> None:
    city = city._replace(doses=city.doses[:, [column]])
    lived = np.flatnonzero(city.ranked)
    assume(len(lived) >= 2)
    lower, higher = sorted(data.draw(st.permutations(lived.tolist()))[:2], key=lambda row: city.income[row])
    assume(city.income[lower] < city.income[higher])
    assume(city.doses[higher, 0] > 0)
    taken = part * city.doses[higher, 0]
    amounts = taken * city.people[higher] / city.people[lower], taken
    one, other = measured(city), measured(moved(city, lower, higher, column=0, amounts=amounts))
    for name in ("gci", "slope", "generalised extended", "ci", "extended 3", "extended 1.5", "suits", "kakwani"):
        assert (other[name] < one[name])[~np.isnan(one[name])].all(), name
    for name in ("concentration", "generalised concentration"):
        assert (other[name] >= one[name] - 1e-9)[~np.isnan(one[name])].all(), name
    assert not dominates(one["generalised concentration"], other["generalised concentration"]).any()


# ================================================================ 6: nobody and nothing


@LAW
@given(
    cities(), st.integers(0, 6), st.sampled_from([0.0, 7.25, -3.0, np.nan, np.inf]), st.sampled_from(INCOMES.tolist())
)
def test_law_06_a_neighbourhood_where_nobody_lives_changes_nothing(
    city: City, at: int, amount: float, income: float
) -> None:
    at = min(at, len(city.people))
    empty = City(
        np.insert(city.groups, at, 0.0, axis=0),
        np.insert(city.income, at, income),
        np.insert(city.doses, at, amount, axis=0),
        np.insert(city.baseline, at, 3.0),
        city.kappa,
    )
    assert_alike(measured(city), measured(empty), rounding=1e-13)


@LAW
@given(cities())
def test_law_06_an_effect_on_nobody_changes_no_other_and_has_no_relative_figure(city: City) -> None:
    wider = city._replace(doses=np.column_stack([city.doses[:, :1], np.zeros(len(city.people)), city.doses[:, 1:]]))
    kept = [0, 2, 3]
    one, other = measured(city), measured(wider)
    assert_same_bytes(one, {name: numbers[..., kept] for name, numbers in other.items()})
    for name, measure in MEASURES.items():
        nothing = other[name][..., 1]
        if measure.needs != ANY:
            assert np.isnan(nothing).all(), name
        elif measure.some is False and (name not in BY_RANK or city.ranked.any()):
            assert (nothing == 0).all(), name
    found = as_distribution(wider)
    for name in ("ratios", "shares", "parity", "ci", "gini", "theil", "theil_between", "theil_within", "atkinson"):
        assert np.isnan(getattr(found, name)[1]).all(), name
    assert (found.totals[1] == 0).all()
    assert found.total[1] == found.mean[1] == found.absolute_gini[1] == 0
    said = undefined_because(wider.doses, wider.people, needs=SHARES_OUT)
    assert said[1] == inequality.TOTAL_0


@LAW
@given(cities())
def test_law_06_a_measure_is_undefined_where_its_needs_say_so_and_nowhere_else(city: City) -> None:
    wider = city._replace(doses=np.column_stack([city.doses, np.zeros(len(city.people)), -city.doses[:, 0]]))
    found = measured(wider)
    refused_of = {
        (needs, by_rank): undefined_because(wider.doses, wider.ranked if by_rank else wider.people, needs=needs) != ""
        for needs in ("any", "something", "non-negative", "positive")
        for by_rank in (False, True)
    }
    for name, measure in MEASURES.items():
        refused, nan = refused_of[measure.needs, name in BY_RANK], np.isnan(found[name])
        assert nan[..., refused].all(), name
        if not measure.some:
            assert not nan[..., ~refused].any(), name
        assert not np.isinf(found[name]).any(), name
    spread = spread_of(wider.doses, wider.people)
    assert (
        is_share_out(spread).tolist() == (undefined_because(wider.doses, wider.people, needs=SHARES_OUT) == "").tolist()
    )


@LAW
@given(cities(), st.data())
def test_law_06_a_missing_value_makes_its_column_missing_and_no_other(city: City, data: st.DataObject) -> None:
    at, column = data.draw(st.sampled_from(np.flatnonzero(city.people).tolist())), data.draw(st.integers(0, 2))
    gone = city._replace(doses=city.doses.copy())
    gone.doses[at, column] = np.nan
    others = [number for number in range(3) if number != column]
    one, other = measured(city), measured(gone)
    for name in one:
        counted = name not in BY_RANK or city.ranked[at] > 0
        assert other[name][..., others].tobytes() == one[name][..., others].tobytes(), name
        assert np.isnan(other[name][..., column]).all() == counted or np.isnan(one[name][..., column]).all(), name
    assert undefined_because(gone.doses, gone.people, needs=ANY)[column] == inequality.MISSING


# ================================================================ 7: the same for everyone

NO_INEQUALITY = (
    *("variance", "absolute gini", "gini", "signed gini", "hoover", "entropy 2", "entropy 0.5", "entropy -1"),
    *("theil", "mld", "theil between", "variance between", "mld between", "atkinson 0.5", "atkinson 1", "atkinson 2"),
    "level's index",
)
NO_GRADIENT = ("ci", "gci", "erreygers", "extended 1.5", "extended 3", "generalised extended")


@LAW
@given(cities(), QUARTERS, st.sampled_from([1.0, 0.1, 1 / 3]))
def test_law_07_the_same_for_everyone_is_at_parity_and_without_a_gradient(
    city: City, amount: float, unit: float
) -> None:
    """Amounts that no number holds exactly too: what is left of them is nothing."""
    amount = amount * unit
    uniform = city._replace(doses=np.full((len(city.people), 1), amount))
    found = measured(uniform)
    for name in NO_INEQUALITY:
        assert found[name] == pytest.approx(0.0, abs=1e-14 * amount ** MEASURES[name].power), name
    if city.ranked.any():
        for name in NO_GRADIENT:
            assert (found[name] == 0).all(), name
        own = gini(np.where(city.ranked > 0, city.income, 0.0), city.ranked)
        assert found["suits"] == pytest.approx(-own, abs=1e-12)
        assert found["kakwani"] == pytest.approx(-own, abs=1e-12)
        assert found["concentration"][:, 0] == pytest.approx(AT, abs=1e-12)
        assert found["slope"][0] == 0 or np.isnan(found["slope"][0])
        assert found["relative slope"][0] == pytest.approx(1.0) or np.isnan(found["slope"][0])
    assert found["lorenz"][:, 0] == pytest.approx(AT, abs=1e-12)
    assert [found["top"][0], found["bottom"][0]] == pytest.approx([0.3, 0.3])
    assert found["palma"][0] == pytest.approx(0.25)
    levels = np.append(found["level"][:, 0], [found["atkinson level"][0], found["mean"][0]])
    assert levels[~np.isnan(levels)] == pytest.approx(amount, rel=1e-12)


@LAW
@given(cities(), QUARTERS, st.sampled_from([1.0, 0.1, 1 / 3]))
def test_law_07_every_group_has_its_share_of_what_everyone_has(city: City, amount: float, unit: float) -> None:
    amount = amount * unit
    found = as_distribution(city._replace(doses=np.full((len(city.people), 1), amount)))
    counts = city.groups.sum(axis=0)
    some, all_of_them = counts > 0, counts == city.people.sum()
    assert found.parity[0, some] == pytest.approx(1.0, rel=1e-12)
    assert found.ratios[0, some & ~all_of_them] == pytest.approx(1.0, rel=1e-12)
    assert found.gaps[0, some & ~all_of_them] == pytest.approx(0.0, abs=1e-12 * amount)
    assert found.shares[0] == pytest.approx(found.people_shares, rel=1e-12)
    assert np.isnan(found.parity[0, ~some]).all()
    assert np.isnan(found.means[0, ~some]).all()
    idisp = index_of_disparity(found.means, found.people_shares, weighted=True)
    assert idisp == pytest.approx(0.0, abs=1e-10)


# ================================================================ 8: what is linear


@LAW
@given(cities(), st.integers(-8, 8), st.integers(-8, 8))
def test_law_08_totals_means_gaps_and_generalised_indexes_are_linear(city: City, first: int, second: int) -> None:
    x, y = city.doses[:, PLACE], city.doses[:, SIGNED]
    three = city._replace(doses=np.column_stack([x, y, first * x + second * y]))
    found = measured(three)
    linear = ("mean", "gci", "generalised extended", "slope", "generalised concentration", "weighted total")
    for name in linear:
        numbers = found[name]
        expected = first * numbers[..., 0] + second * numbers[..., 1]
        np.testing.assert_allclose(numbers[..., 2], expected, rtol=1e-11, atol=1e-9, err_msg=name)
    figures = as_distribution(three)
    for name in ("totals", "means", "means_rest", "gaps", "total", "mean", "gci"):
        numbers = getattr(figures, name)
        expected = first * numbers[0] + second * numbers[1]
        np.testing.assert_allclose(numbers[2], expected, rtol=1e-11, atol=1e-8, err_msg=name)


@LAW
@given(cities())
def test_law_08_the_generalised_index_is_a_product_with_fixed_weights(city: City) -> None:
    tilted, total = rank_weights(city.rank, city.people)
    assert total == city.ranked.sum()
    if total > 0:
        found = generalised_concentration_index(city.doses, city.people, rank=city.rank)
        np.testing.assert_allclose(city.doses.T @ tilted, found, rtol=1e-11, atol=1e-11)
    assert tilted.sum() == pytest.approx(0.0, abs=1e-15 * max(total, 1))


# ================================================================ 9: parts and wholes


@LAW
@given(cities())
def test_law_09_groups_that_share_out_the_people_share_out_totals_and_parity(city: City) -> None:
    found = as_distribution(city)
    np.testing.assert_allclose(found.totals.sum(axis=1), found.total, rtol=1e-12, atol=1e-10)
    assert found.people_shares.sum() == pytest.approx(1.0)
    shared = found.total[:SIGNED] > 0
    weighted = (found.people_shares * np.nan_to_num(found.parity[:SIGNED])).sum(axis=1)
    assert weighted[shared] == pytest.approx(1.0, rel=1e-12)
    assert np.nansum(found.shares[:SIGNED], axis=1)[shared] == pytest.approx(1.0, rel=1e-12)
    weighted = np.nansum(found.people_shares * found.means, axis=1)
    np.testing.assert_allclose(weighted, found.mean, rtol=1e-12, atol=1e-10)


@LAW
@given(cities())
def test_law_09_inequality_is_that_between_groups_and_that_within_them(city: City) -> None:
    share, found = city.groups.sum(axis=0) / city.people.sum(), as_distribution(city)
    some = share > 0
    alone = [
        [measure(city.doses, group) for group in city.groups.T[some]] for measure in (theil, variance, weighted_mean)
    ]
    theils, variances, means = (np.array(numbers) for numbers in alone)
    mean, share = weighted_mean(city.doses, city.people), share[some, None]
    entropy = theil_between(city.doses, city.groups)
    np.testing.assert_allclose(entropy.total, theil(city.doses, city.people), atol=1e-12)
    np.testing.assert_allclose(entropy.total, entropy.between + entropy.within, rtol=1e-15)
    legal = ~np.isnan(entropy.total)
    within = (share * means * np.nan_to_num(theils)).sum(axis=0)[legal] / mean[legal]
    np.testing.assert_allclose(entropy.within[legal], within, atol=1e-12)
    np.testing.assert_allclose(found.theil_between[:, 0] + found.theil_within[:, 0], found.theil, atol=1e-12)
    parts = variance_between(city.doses, city.groups)
    np.testing.assert_allclose(parts.total, variance(city.doses, city.people), rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(parts.between, (share * (means - mean) ** 2).sum(axis=0), rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(parts.within, (share * variances).sum(axis=0), rtol=1e-11, atol=1e-10)


@LAW
@given(cities())
def test_law_09_mean_log_deviation_too(city: City) -> None:
    some = city.groups.sum(axis=0) > 0
    x, share = city.doses[:, [EVERYONE]], city.groups.sum(axis=0)[some] / city.people.sum()
    within = [float(mean_log_deviation(x, group)[0]) for group in city.groups.T[some]]
    whole = mld_between(x, city.groups)[0] + share @ within
    assert whole == pytest.approx(mean_log_deviation(x, city.people)[0], abs=1e-12)


@LAW
@given(cities())
def test_law_09_the_level_of_everyone_is_the_level_of_the_groups_levels(city: City) -> None:
    found = kolm_pollak_ede_by_group(city.doses, asked_of(city).everyone_and_groups, kappa=city.kappa)
    share = city.groups.sum(axis=0) / city.people.sum()
    some = share > 0
    again = [kolm_pollak_ede(levels[some], share[some], kappa=city.kappa) for levels in found[:, 1:]]
    np.testing.assert_allclose(again, found[:, 0], rtol=1e-11, atol=1e-10)
    after = kolm_pollak_after(city.baseline, city.doses, weights=asked_of(city).everyone_and_groups, kappa=city.kappa)
    again = [kolm_pollak_ede(levels[some], share[some], kappa=city.kappa) for levels in after[:, 1:]]
    np.testing.assert_allclose(again, after[:, 0], rtol=1e-11, atol=1e-10)


@LAW
@given(cities())
def test_law_09_groups_put_together_are_no_further_apart(city: City) -> None:
    merged = np.column_stack([city.groups[:, 0] + city.groups[:, 1], city.groups[:, 2]])
    for measure in (theil_between, variance_between):
        fewer, more = measure(city.doses, merged), measure(city.doses, city.groups)
        legal = ~np.isnan(more.total)
        assert (fewer.between <= more.between + 1e-10)[legal].all()
        np.testing.assert_allclose(fewer.total, more.total, rtol=1e-11, atol=1e-10)
    alone = variance_between(city.doses, city.people[:, None])
    assert alone.between == pytest.approx(0.0, abs=1e-20)


@LAW
@given(cities(), st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_law_09_who_is_in_no_group_is_in_others(city: City, outside: list[int]) -> None:
    rest = np.array(outside[: len(city.people)], dtype=np.float64)
    people = city.counted._replace(population=city.people + rest, universes=city.counted.universes + rest[:, None])
    part = partition_of(people, DECLARED, dimension=dimensions_of(DECLARED)[0])
    assert part.undefined == ""
    assert part.names == (*GROUPS, "others")[: 3 + rest.any()]
    assert part.columns.sum(axis=1).tolist() == people.population.tolist()


# ================================================================ 10: sparse, dense, person by person


class Persons(NamedTuple):
    """Everyone one by one: what they have of one effect, income, group, level before."""

    has: Floats
    income: Floats
    group: Floats
    before: Floats


def persons_of(city: City, column: int) -> Persons:
    home = np.repeat(np.tile(np.arange(len(city.people)), 3), city.groups.T.ravel().astype(int))
    group = np.repeat(np.repeat(np.arange(3), len(city.people)), city.groups.T.ravel().astype(int))
    return Persons(city.doses[home, column], city.income[home], group, city.baseline[home])


def plain_gini(has: Floats) -> float:
    return float(np.abs(has[:, None] - has).mean() / 2)


def plain_ranks(income: Floats) -> Floats:
    below = (income[:, None] > income).mean(axis=1)
    return below + (income[:, None] == income).mean(axis=1) / 2


def plain_entropy(has: Floats, alpha: float) -> float:
    part = has / has.mean()
    if alpha == 1:
        return float(np.mean([share * np.log(share) if share > 0 else 0.0 for share in part]))
    if alpha == 0:
        return float(-np.log(part).mean())
    return float(((part**alpha).mean() - 1) / (alpha * (alpha - 1)))


def plain_level(has: Floats, kappa: float) -> float:
    return float(-np.log(np.exp(-kappa * has).mean()) / kappa) if len(has) else np.nan


def plain_held(has: Floats, at: Floats) -> Floats:
    steps = np.concatenate([[0.0], np.cumsum(np.sort(has))]) / len(has)
    return np.interp(at, np.linspace(0, 1, len(has) + 1), steps)


def signs_allowed(everyone: Persons, city: City) -> dict[str, Any]:
    has, groups = everyone.has, [everyone.has[everyone.group == number] for number in range(3)]
    means = np.array([part.mean() if len(part) else 0.0 for part in groups])
    size = np.array([len(part) for part in groups]) / len(has)
    between = float(size @ (means - has.mean()) ** 2)
    after = [plain_level(everyone.before + has, city.kappa)]
    after += [plain_level((everyone.before + has)[everyone.group == number], city.kappa) for number in range(3)]
    return {
        "mean": has.mean(),
        "variance": has.var(),
        "absolute gini": plain_gini(has),
        "signed gini": plain_gini(has) / np.abs(has).mean() if has.any() else np.nan,
        "generalised lorenz": plain_held(has, AT),
        "variance between": [has.var(), between, has.var() - between],
        "level": [plain_level(part, city.kappa) for part in (has, *groups)],
        "level after": after,
        "level's index": abs(has.mean() - plain_level(has, city.kappa)),
    }


def shares_out(everyone: Persons) -> dict[str, Any]:
    has, mean = everyone.has, everyone.has.mean()
    held = plain_held(has, np.array([0.3, 0.4, 0.7, 0.9])) / mean
    groups = [has[everyone.group == number] for number in range(3) if (everyone.group == number).any()]
    between = plain_entropy(np.concatenate([np.full(len(part), part.mean()) for part in groups]), 1)
    return {
        "gini": plain_gini(has) / mean,
        "hoover": np.abs(has - mean).mean() / mean / 2,
        "lorenz": plain_held(has, AT) / mean,
        "top": 1 - held[2],
        "bottom": held[0],
        "palma": (1 - held[3]) / held[1] if held[1] > 1e-12 else np.nan,
        "entropy 2": plain_entropy(has, 2),
        "entropy 0.5": plain_entropy(has, 0.5),
        "theil": plain_entropy(has, 1),
        "theil between": [plain_entropy(has, 1), between, plain_entropy(has, 1) - between],
        "atkinson 0.5": 1 - np.sqrt(has).mean() ** 2 / mean,
        "atkinson level": np.sqrt(has).mean() ** 2,
    }


def all_have_some(everyone: Persons) -> dict[str, Any]:
    has, mean = everyone.has, everyone.has.mean()
    groups = [has[everyone.group == number] for number in range(3) if (everyone.group == number).any()]
    return {
        "entropy -1": plain_entropy(has, -1),
        "mld": plain_entropy(has, 0),
        "mld between": sum(len(part) * np.log(mean / part.mean()) for part in groups) / len(has),
        "atkinson 1": 1 - np.exp(np.log(has).mean()) / mean,
        "atkinson 2": 1 - 1 / (1 / has).mean() / mean,
    }


def plain_extended(has: Floats, rank: Floats, nu: float) -> float:
    """Each tied block by the people below it and up to its end."""
    found = 0.0
    for level in np.unique(rank):
        block, first = rank == level, (rank < level).mean()
        last = first + block.mean()
        found += has[block].mean() * (last - first + (1 - last) ** nu - (1 - first) ** nu)
    return found


def plain_curve(has: Floats, income: Floats, at: Floats) -> Floats:
    levels = np.unique(income)
    ends = [0.0, *((income <= level).mean() for level in levels)]
    heights = [0.0, *((has * (income <= level)).mean() for level in levels)]
    return np.interp(at, ends, heights)


def plain_suits(has: Floats, income: Floats) -> float:
    levels = np.unique(income)
    along = np.array([0.0, *((income * (income <= level)).sum() for level in levels)]) / income.sum()
    up = np.array([0.0, *((has * (income <= level)).sum() for level in levels)]) / has.sum()
    return float(1 - (np.diff(along) * (up[1:] + up[:-1])).sum())


def over_income(everyone: Persons, city: City) -> dict[str, Any]:
    """What the ranked have; empty where nobody is ranked."""
    known = ~np.isnan(everyone.income)
    has, income = everyone.has[known], everyone.income[known]
    if not len(has):
        return {}
    rank, (low, high) = plain_ranks(income), city.bounds
    lean = float((has * (2 * rank - 1)).mean())
    slope = float(((has - has.mean()) * (rank - 0.5)).sum() / ((rank - 0.5) ** 2).sum()) if rank.std() else np.nan
    found = {
        "gci": lean,
        "generalised extended": plain_extended(has, rank, 3),
        "slope": slope,
        "generalised concentration": plain_curve(has, income, AT),
        "weighted total": (has * (income / np.median(income)) ** -1.3).mean(),
    }
    if (has >= low).all() and (has <= high).all():
        found["erreygers"] = 4 * lean / (high - low)
        room = (high - has.mean()) * (has.mean() - low)
        found["wagstaff"] = lean * (high - low) / room if room > 0 else np.nan
    if (has >= 0).all() and has.any():
        mean, own = has.mean(), (income * (2 * rank - 1)).mean() / income.mean()
        ends = mean + slope / 2, mean - slope / 2
        found |= {
            "ci": lean / mean,
            "extended 1.5": plain_extended(has, rank, 1.5) / mean,
            "extended 3": plain_extended(has, rank, 3) / mean,
            "relative slope": ends[0] / ends[1] if min(ends) > 1e-12 * mean else np.nan,
            "suits": plain_suits(has, income),
            "kakwani": lean / mean - own,
            "concentration": plain_curve(has, income, AT) / mean,
        }
    return found


def plainly(city: City, column: int) -> dict[str, Any]:
    """Every measure from its definition over persons; what is not legal is left out."""
    everyone = persons_of(city, column)
    found = signs_allowed(everyone, city) | over_income(everyone, city)
    if (everyone.has >= 0).all() and everyone.has.any():
        found |= shares_out(everyone)
        if everyone.has.all():
            found |= all_have_some(everyone)
        else:
            found |= {"atkinson 1": 1.0, "atkinson 2": 1.0}
    return found


@LAW
@given(cities())
def test_law_10_each_measure_is_its_definition_over_persons(city: City) -> None:
    found = measured(city)
    for column in range(3):
        expected = plainly(city, column)
        for name, numbers in found.items():
            wanted = np.asarray(expected.get(name, np.nan))
            if name == "mld between" and name not in expected:
                continue  # legal for more: no group may have nothing, but a person may
            ours = numbers[..., column]
            least = 1e-11 * MOST ** MEASURES[name].power
            np.testing.assert_allclose(ours, np.broadcast_to(wanted, ours.shape), rtol=1e-10, atol=least, err_msg=name)


@LAW
@given(cities())
def test_law_10_sparse_is_dense_and_is_everyone_one_by_one(city: City) -> None:
    stored, at = measured(city), int(city.people.sum()) % 3
    assert_same_bytes(stored, measured(city, city.doses))
    home = np.repeat(np.arange(len(city.people)), city.people.astype(int))
    persons = city.units(home)._replace(
        groups=np.vstack([np.repeat(np.eye(3), row.astype(int), axis=0) for row in city.groups])
    )
    # The same numbers in two halves each, zeros among them, in no order.
    twice = np.tile(np.arange(persons.doses.size)[::-1], 2)
    places = np.unravel_index(twice, persons.doses.shape)
    halves = csc_array(coo_array((persons.doses.ravel()[twice] / 2, places), shape=persons.doses.shape))
    assert_alike(stored, measured(persons, halves), rounding=1e-12)
    vector = measured(city, city.doses[:, at])
    for name, numbers in stored.items():
        assert vector[name].shape == numbers.shape[:-1] or name in {"level", "level after"}, name
        assert vector[name].tobytes() == numbers[..., at].tobytes(), name


@LAW
@given(cities())
def test_law_10_the_table_of_all_effects_is_the_measures_one_by_one(city: City) -> None:
    found, one = as_distribution(city), measured(city)
    assert found.gini.tobytes() == one["gini"].tobytes()
    assert found.absolute_gini.tobytes() == one["absolute gini"].tobytes()
    assert found.theil.tobytes() == one["theil"].tobytes()
    assert found.atkinson.tobytes() == one["atkinson 0.5"].tobytes()
    pairs = [
        (found.mean, one["mean"]),
        (found.ci[:, 0], one["ci"]),
        (found.gci[:, 0], one["gci"]),
        (found.ede.T, one["level"]),
        (np.array([found.theil_between[:, 0], found.theil_within[:, 0]]), one["theil between"][1:]),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)


@LAW
@given(cities())
def test_law_10_the_table_between_groups_is_that_of_persons(city: City) -> None:
    table = table_of(city)
    for column in range(3):
        row, everyone = table.iloc[column], persons_of(city, column)
        means = {name: everyone.has[everyone.group == g] for g, name in enumerate(GROUPS)}
        means = {name: part.mean() for name, part in means.items() if len(part)}
        least, most = min(means.values()), max(means.values())
        worst, best = (most, least) if row["ledger"] == "burden" else (least, most)
        assert row[["worst_mean", "best_mean", "gap"]].tolist() == pytest.approx([worst, best, most - least], abs=1e-10)
        assert row["groups"] == len(means)
        assert set(row["worst_off"].split(", ")) >= {name for name, mean in means.items() if mean == worst}
        mean = everyone.has.mean()
        if row["undefined"] == "":
            apart = [abs(part - mean) for part in means.values()]
            assert row["idisp"] == pytest.approx(100 * np.mean(apart) / mean, abs=1e-9)
            count = [(everyone.group == GROUPS.index(name)).sum() for name in means]
            assert row["idisp_weighted"] == pytest.approx(100 * np.dot(count, apart) / sum(count) / mean, abs=1e-9)
        else:
            assert np.isnan(row["idisp"])


@LAW
@given(cities(), st.sampled_from(["everyone", "highest", "lowest"]), st.booleans())
def test_law_10_the_index_of_disparity_is_its_definition(city: City, against: str, weighted: bool) -> None:  # noqa: FBT001
    counts = city.groups.sum(axis=0)
    shares = counts / counts.sum()
    means = np.column_stack([weighted_mean(city.doses, group) for group in city.groups.T])
    found = index_of_disparity(means, shares, weighted=weighted, against=against)
    some = shares > 0
    for mean, ours in zip(means[:, some], found, strict=True):
        reference = {"everyone": mean @ shares[some], "highest": mean.max(), "lowest": mean.min()}[against]
        keep = np.ones(len(mean), dtype=bool)
        if against != "everyone":
            keep[mean.tolist().index(reference)] = False
        part = shares[some][keep] if weighted else np.ones(keep.sum())
        apart = (part * np.abs(mean[keep] - reference)).sum() / part.sum() if keep.any() else 0.0
        expected = 100 * apart / reference if reference > 0 else np.nan
        assert ours == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


# ================================================================ 11: gains and losses


@LAW
@given(cities())
def test_law_11_gains_less_losses_are_the_net(city: City) -> None:
    net = city.doses[:, [SIGNED]]
    three = city._replace(doses=np.column_stack([np.maximum(net, 0), np.maximum(-net, 0), net]))
    assert (three.doses[:, 0] - three.doses[:, 1] == net[:, 0]).all()
    found, figures = measured(three), as_distribution(three)
    for name in ("mean", "gci", "slope", "generalised extended", "generalised concentration", "weighted total"):
        gains, losses, both = np.moveaxis(found[name], -1, 0)
        np.testing.assert_allclose(gains - losses, both, rtol=1e-11, atol=1e-9, err_msg=name)
    for name in ("totals", "means", "gaps", "total", "mean", "gci"):
        gains, losses, both = getattr(figures, name)
        np.testing.assert_allclose(gains - losses, both, rtol=1e-11, atol=1e-8, err_msg=name)
    _, size = level_of(spread_of(three.doses, three.people))
    assert size[0] + size[1] == pytest.approx(size[2])
    signed = found["signed gini"][2]
    assert np.isnan(signed) == (size[2] == 0)
    assert np.isnan(signed) or 0 <= signed <= 1 + 1e-12


@LAW
@given(cities())
def test_law_11_losses_have_no_relative_figure(city: City) -> None:
    lost = city._replace(doses=-city.doses[:, [EVERYONE]])
    found = measured(lost)
    for name, measure in MEASURES.items():
        if measure.needs in {SHARES_OUT, "positive"}:
            assert np.isnan(found[name]).all(), name
    figures = as_distribution(lost)
    for name in ("ratios", "shares", "parity"):
        assert np.isnan(getattr(figures, name)).all(), name


# ================================================================ 12: the other way round


@LAW
@given(cities())
def test_law_12_reversing_the_ranking_turns_every_gradient(city: City) -> None:
    one, other = measured(city), measured(city._replace(income=-city.income))
    for name in ("ci", "gci", "slope", "erreygers", "wagstaff"):
        np.testing.assert_allclose(other[name], -one[name], rtol=1e-10, atol=1e-10, err_msg=name)
    np.testing.assert_allclose(other["relative slope"], 1 / one["relative slope"], rtol=1e-8)
    up, down = (
        concentration_curve(city.doses, city.people, rank=rank, at=at)
        for rank, at in ((city.rank, AT), (1 - city.rank, 1 - AT))
    )
    np.testing.assert_allclose(up + down, 1 + 0 * up, atol=1e-11)
    straight, turned = (
        kakwani_index(city.doses, city.people, income=city.income, rank=r) for r in (city.rank, 1 - city.rank)
    )
    np.testing.assert_allclose(turned - straight, -2 * one["ci"], atol=1e-11)


@LAW
@given(cities())
def test_law_12_what_is_lacking_leans_the_other_way(city: City) -> None:
    low, high = city.bounds
    lacking = city._replace(doses=low + high - city.doses)
    one, other = measured(city), measured(lacking)
    for name in ("gci", "slope", "erreygers", "wagstaff", "generalised extended"):
        np.testing.assert_allclose(other[name], -one[name], rtol=1e-9, atol=1e-9, err_msg=name)
    assert_alike({"variance": one["variance"]}, {"variance": other["variance"]})
    mirrored = kolm_pollak_ede_by_group(lacking.doses, asked_of(city).everyone_and_groups, kappa=-city.kappa).T
    np.testing.assert_allclose(low + high - mirrored, one["level"], rtol=1e-10, atol=1e-9)


@LAW
@given(st.floats(-1, 1), st.floats(0.001, 1))
def test_law_12_words_on_incidence_turn_with_the_ledger(ci: float, own: float) -> None:
    words = {"absolutely progressive": 0, "relatively progressive": 1, "in proportion to income": 2, "regressive": 3}
    turned = {"absolutely regressive": 0, "relatively regressive": 1, "in proportion to income": 2, "progressive": 3}
    benefit, burden = (incidence(ci, gini=own, ledger=ledger).item() for ledger in ("benefit", "burden"))
    assert words[benefit] == turned[burden]
    assert words[benefit] == (0 if ci < -1e-12 else 2 if abs(ci - own) <= 1e-12 else 1 if ci < own else 3)


# ================================================================ 13: ties


@LAW
@given(cities(), st.randoms(use_true_random=False))
def test_law_13_people_who_are_tied_share_what_they_have_without_a_trace(city: City, random: Any) -> None:
    """Within a tie it does not matter who has it, nor in which order they stand."""
    values = city.doses.copy()
    for level in np.unique(city.income[~np.isnan(city.income)]):
        tied = (city.income == level) & (city.people > 0)
        if tied.any():
            values[tied] = np.average(values[tied], axis=0, weights=city.people[tied])
    order = list(range(len(city.people)))
    random.shuffle(order)
    one, other = measured(city), measured(city._replace(doses=values).units(order))
    names = BY_RANK - {"erreygers", "wagstaff"}
    same = [name for name in one if name in names]
    legal = undefined_because(city.doses, city.ranked, needs=SHARES_OUT) == ""
    assert_alike({n: one[n][..., legal] for n in same}, {n: other[n][..., legal] for n in same}, rounding=1e-10)


@LAW
@given(cities())
def test_law_13_only_the_order_of_incomes_ranks(city: City) -> None:
    steep = mid_rank(10.0**city.income, city.people)
    assert steep.tobytes() == city.rank.tobytes()
    if city.ranked.any():
        assert np.nansum(city.rank * city.ranked) / city.ranked.sum() == pytest.approx(0.5)
    for level in np.unique(city.income[~np.isnan(city.income)]):
        assert len(set(city.rank[city.income == level].tolist())) == 1


# ================================================================ 20: the same bytes


@LAW
@given(cities(), st.integers(1, 2), st.permutations(range(3)))
def test_law_20_a_column_has_the_same_bytes_in_any_chunk_and_order(city: City, cut: int, order: list[int]) -> None:
    one, whole = measured(city), as_distribution(city)
    chunks = [city._replace(doses=city.doses[:, chunk]) for chunk in (order[:cut], order[cut:])]
    parts = [measured(chunk) for chunk in chunks]
    together = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in one}
    assert_same_bytes({name: numbers[..., order] for name, numbers in one.items()}, together)
    tables = [as_distribution(chunk) for chunk in chunks]
    for name in set(Distribution._fields) - {"people_shares"}:
        joined = np.concatenate([getattr(table, name) for table in tables])
        assert joined.tobytes() == getattr(whole, name)[order].tobytes(), name


@LAW
@given(cities(), st.sampled_from([1, 2, 7]))
def test_law_20_how_many_numbers_are_sorted_together_changes_no_byte(city: City, block: int) -> None:
    one = measured(city)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inequality, "_BLOCK", block)
        assert_same_bytes(one, measured(city))


@LAW
@given(cities())
def test_law_20_what_is_measured_is_not_touched(city: City) -> None:
    before = [part.tobytes() for part in (city.groups, city.income, city.doses, city.baseline)]
    columns = as_columns(city.doses)
    stored = columns.data.tobytes(), columns.indices.tobytes(), columns.indptr.tobytes()
    measured(city, columns)
    distribution(columns, city.counted, ranks={"income": city.rank}, partitions={"colour": range(3)}, kappa=city.kappa)
    assert (columns.data.tobytes(), columns.indices.tobytes(), columns.indptr.tobytes()) == stored
    assert [part.tobytes() for part in (city.groups, city.income, city.doses, city.baseline)] == before


# ================================================================ the tables of a run

# Bounds depend on how people are cut up; the words say too whether anything is reached at all.
CUT_UP = ("people_reached_low", "people_reached_high", "parity_low", "parity_high", "undefined")
BY_UNIT = ("total", "mean", "mean_rest", "gap", "gci_income")
RELATIVE = ("ratio", "share_of_effect", "parity", "ci_income", "people_reached", "reached_share")


def town_tables(town: Town) -> dict[str, Floats]:
    """Figures of the tables by group and by effect, by their columns: (effects, groups) and (effects, 1)."""
    laid, effects = laid_of(town), effects_of(town)
    hoods = pd.DataFrame({"population": town.population, "income": town.income})
    by_groups = by_group(laid, effects, people=town.people, groups={}).select_dtypes("number")
    whole = by_effect(laid, effects, people=town.people, neighbourhoods=hoods, rankings=RANKED).select_dtypes("number")
    found = {f"group: {name}": column.to_numpy().reshape(-1, 2) for name, column in by_groups.items()}
    return found | {f"effect: {name}": column.to_numpy()[:, None] for name, column in whole.items()}


@LAW
@given(towns(), st.data())
def test_laws_02_03_06_tables_do_not_know_how_people_are_cut_up(town: Town, data: st.DataObject) -> None:
    """Split a neighbourhood, add an empty one, and put all in another order."""
    size = len(town.population)
    at, part = data.draw(st.integers(0, size - 1)), data.draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    groups = np.vstack([town.groups, town.groups[at] * (1 - part), [0.0, 0.0]])
    groups[at] *= part
    income = np.append(town.income, [town.income[at], data.draw(st.integers(1, 5))])
    doses = np.vstack([town.doses, town.doses[at], np.full(town.doses.shape[1], 3.5)])
    order = np.array(data.draw(st.permutations(range(size + 2))))
    other = town_tables(Town(groups.sum(axis=1)[order], groups[order], income[order], doses[order]))
    kept = {name: numbers for name, numbers in town_tables(town).items() if not name.endswith(CUT_UP)}
    assert_alike(kept, {name: other[name] for name in kept}, rounding=1e-13)


@LAW
@given(towns(), st.integers(-30, 30), st.data())
def test_laws_04_08_20_tables_of_many_effects_are_those_of_each(town: Town, power: int, data: st.DataObject) -> None:
    """Effects in another unit, added up, and in another order: nothing else is touched."""
    first, last = town.doses[:, :1], town.doses[:, -1:]
    wide = town._replace(doses=np.hstack([town.doses, first * 2.0**power, first + last]))
    order = data.draw(st.permutations(range(wide.doses.shape[1])))
    cut = data.draw(st.integers(1, len(order)))
    found = town_tables(wide)
    some = town_tables(wide._replace(doses=wide.doses[:, order[:cut]]))
    for name, table in found.items():
        assert some[name].tobytes() == table[order[:cut]].tobytes(), name
        column = name.split(": ")[1]
        if column in BY_UNIT:
            np.testing.assert_array_equal(table[-2], table[0] * 2.0**power, err_msg=name)
            assert table[-1].tolist() == pytest.approx((table[0] + table[-3]).tolist(), nan_ok=True), name
        elif column in RELATIVE:
            np.testing.assert_array_equal(table[-2], table[0], err_msg=name)


@LAW
@given(towns())
def test_law_10_tables_of_a_run_are_the_measures(town: Town) -> None:
    rows = by_group(laid_of(town), effects_of(town), people=town.people, groups={})
    ranks = {"income": mid_rank(town.income, town.population)}
    found = distribution(csc_array(town.doses), town.people, ranks=ranks, partitions={"": [0, 1]})
    names = {"total": "totals", "mean": "means", "mean_rest": "means_rest", "gap": "gaps", "ratio": "ratios"}
    names |= {"share_of_effect": "shares", "parity": "parity"}
    for column, field in names.items():
        numbers = rows[column].to_numpy().reshape(-1, 2)
        np.testing.assert_allclose(numbers, getattr(found, field), rtol=1e-12, atol=1e-12, err_msg=column)

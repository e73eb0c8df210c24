"""Margins of error, against the handbook of the American Community Survey, and against numerical derivatives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.equity import by_group
from equity_screen.errors import UsageError
from equity_screen.margins import (
    GroupMargins,
    Margins,
    coefficient_of_variation,
    doses_of,
    group_margins,
    margin_of_change,
    margin_of_product,
    margin_of_proportion,
    margin_of_ratio,
    margin_of_sum,
    margins_of,
    margins_of_totals,
    reliability,
    replicate_margin,
    standard_error,
)
from equity_screen.overlay import overlay
from equity_screen.people import People, people_of
from equity_screen.synthetic import four_actions, four_zones

NAN = float("nan")
RACES = ("white", "black", "hisp", "other", "lowinc")
ACTIONS = ("trees", "ev", "freeway", "net", "uniform", "zero")


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def column(*values: float) -> np.ndarray:
    return array(*values)[:, None]


def group_of(population: np.ndarray, group: np.ndarray) -> People:
    return People(population, group[:, None], population[:, None], ("group",))


# ---------------------------------------------------------------- in the head


def test_a_margin_is_1645_thousandths_of_a_standard_error() -> None:
    assert standard_error(array(1.645, 3.29)).tolist() == [1.0, 2.0]


def test_margins_of_a_sum_add_as_the_sides_of_a_right_angle() -> None:
    assert float(margin_of_sum(array(10, 20), array(3, 4))) == 5.0


def test_of_several_zero_estimates_the_largest_margin_counts_once() -> None:
    assert float(margin_of_sum(array(9, 0, 0, 0), array(3, 4, 4, 2))) == 5.0
    assert float(margin_of_sum(array(0, 0), array(4, 3))) == 4.0


def test_sums_go_along_the_axis_that_is_asked_for() -> None:
    estimates, margins = np.array([[1.0, 2.0], [0.0, 4.0]]), np.array([[3.0, 4.0], [0.0, 4.0]])
    assert margin_of_sum(estimates, margins, axis=1).tolist() == [5.0, 4.0]
    assert margin_of_sum(estimates, margins).tolist() == [3.0, pytest.approx(32**0.5)]


def test_a_sum_without_one_of_its_margins_or_estimates_has_none() -> None:
    assert np.isnan(margin_of_sum(array(9, 1), array(3, NAN)))
    assert np.isnan(margin_of_sum(array(9, 0), array(3, NAN)))
    assert np.isnan(margin_of_sum(array(9, NAN), array(3, 4)))
    assert float(margin_of_sum(array(), array())) == 0.0


def test_a_proportion_has_less_margin_than_a_ratio() -> None:
    assert float(margin_of_proportion(50.0, 100.0, margins=(5.0, 6.0))) == 0.04  # 25 − 0.25 × 36 = 16
    assert float(margin_of_ratio(50.0, 100.0, margins=(5.0, 6.0))) == pytest.approx(34**0.5 / 100)


def test_a_radicand_below_zero_takes_the_plus() -> None:
    # METHODS I §3: 95 ± 10 of 100 ± 12.
    assert float(margin_of_proportion(95.0, 100.0, margins=(10.0, 12.0))) == pytest.approx(0.1516, abs=5e-5)


def test_a_share_of_nothing_has_no_margin() -> None:
    assert np.isnan(margin_of_proportion(array(0.0), array(0.0), margins=(array(1.0), array(1.0)))).all()
    assert np.isnan(margin_of_ratio(1.0, 0.0, margins=(1.0, 1.0)))
    assert np.isnan(margin_of_change(0.0, 1.0, margins=(1.0, 1.0)))


def test_products_and_changes() -> None:
    assert float(margin_of_product(2.0, 10.0, margins=(0.3, 2.0))) == 5.0
    assert float(margin_of_change(200.0, 200.0, margins=(8.0, 6.0))) == pytest.approx(5.0)
    assert float(margin_of_change(100.0, 200.0, margins=(0.0, 6.0))) == 6.0  # the margin of after, and none of before
    assert float(margin_of_change(100.0, 200.0, margins=(3.0, 0.0))) == 6.0  # twice that of before


def test_replicates_give_four_times_their_mean_square() -> None:
    assert float(replicate_margin(10.0, array(11, 9, 11, 9))) == 3.29
    tables = np.array([[11.0, 9.0], [12.0, 8.0]])
    assert replicate_margin(array(10, 10), tables).tolist() == [3.29, 6.58]
    assert replicate_margin(array(10, 10), tables.T, axis=0).tolist() == [3.29, 6.58]


def test_coefficients_of_variation() -> None:
    found = coefficient_of_variation(array(100, 0, 0, NAN, -100, 5), array(16.45, 11, NAN, 1, 16.45, 0))
    np.testing.assert_allclose(found, [0.1, 1.0, NAN, NAN, 0.1, 0.0])


def test_reliability_in_words() -> None:
    assert reliability(array(0.0, 0.12, 0.13, 0.40, 0.41, NAN)).tolist() == [*["high"] * 2, *["medium"] * 2, "low", ""]
    assert reliability(0.2, below=0.15, above=0.30).tolist() == "medium"
    assert reliability(array(0.2), below=0.2, above=0.3).tolist() == ["high"]


def test_thresholds_must_be_in_order() -> None:
    with pytest.raises(UsageError, match=r"below = 0.4 is not less than above = 0.12: swap them"):
        reliability(0.2, below=0.4, above=0.12)


# ---------------------------------------------------------------- from the table


def test_margins_come_in_the_order_of_the_groups() -> None:
    city = four_zones().assign(people_renters=[1.0, 2.0, 3.0, 4.0], moe_population=5.0)
    city = city.assign(moe_renters=[1.0, 1.0, 2.0, 2.0], moe_low_income=[10.0, 12.0, 8.0, NAN])
    found = margins_of(city, people_of(city, ["renters", "low_income"]))
    assert found.groups[:, 0].tolist() == [1.0, 1.0, 2.0, 2.0]
    np.testing.assert_array_equal(found.groups[:, 1], [10.0, 12.0, 8.0, NAN])
    assert found.universes.tolist() == [[5.0, 5.0]] * 4


def test_a_universe_of_its_own_has_no_margin() -> None:
    city = four_zones().assign(universe_low_income=90.0, moe_low_income=1.0, moe_population=5.0)
    assert np.isnan(margins_of(city, people_of(city)).universes).all()


def test_where_nobody_lives_a_missing_margin_is_none_and_a_given_one_is_kept() -> None:
    city = four_zones().assign(moe_low_income=[1.0, 1.0, NAN, 11.0])
    city.loc[["C", "D"], ["population", "people_low_income"]] = 0.0
    found = margins_of(city, people_of(city))
    assert found.groups[:, 0].tolist() == [1.0, 1.0, 0.0, 11.0]
    np.testing.assert_array_equal(found.population, [NAN, NAN, 0.0, 0.0])


def test_people_whose_number_is_not_known_are_in_no_sum() -> None:
    city = four_zones().assign(moe_low_income=7.0)
    city.loc["A", "population"] = NAN
    assert margins_of(city, people_of(city)).groups[:, 0].tolist() == [0.0, 7.0, 7.0, 7.0]


# ---------------------------------------------------------------- every figure


def test_totals() -> None:
    assert margins_of_totals(csc_array([[1.0], [-2.0]]), column(3.0, 2.0)).tolist() == [[5.0]]


def test_a_margin_that_is_missing_matters_where_there_is_an_effect() -> None:
    effects = csc_array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(margins_of_totals(effects, column(3.0, NAN)), [[3.0], [NAN]])
    stored = csc_array((array(1.0, 0.0), ([0, 1], [0, 0])), shape=(2, 1))
    assert margins_of_totals(stored, column(3.0, NAN)).tolist() == [[3.0]]


def test_a_missing_margin_is_in_every_mean_and_in_no_total_elsewhere() -> None:
    people = group_of(array(10, 10), array(2, 2))
    found = group_margins(csc_array([[1.0], [0.0]]), people, margins=Margins(array(0, 0), column(1, NAN), column(0, 0)))
    assert found.total.tolist() == [[1.0]]
    assert np.isnan(found.mean).all()
    assert np.isnan(found.parity).all()
    assert found.share_of_effect.tolist() == [[pytest.approx(0.1)]]  # one of the ten who have it, more or fewer


def test_means_of_two_places() -> None:
    # Two and two people, ± 1 each; an effect of 4 for the first two: the mean is 2 ± 4/4 × √2 / 2.
    people = group_of(array(10, 10), array(2, 2))
    known = Margins(array(0, 0), column(1, 1), column(0, 0))
    found = group_margins(csc_array([[4.0], [0.0]]), people, margins=known)
    assert float(found.mean[0, 0]) == pytest.approx(2**0.5 / 2)
    # The rest are 8 and 8, and lose whom the group wins: ± 2 × √2 / 16.
    assert float(found.mean_rest[0, 0]) == pytest.approx(2**0.5 / 8)
    # Both move apart at once.
    assert float(found.gap[0, 0]) == pytest.approx(2**0.5 / 2 + 2**0.5 / 8)


def test_what_is_equal_for_all_has_no_margin_but_its_total() -> None:
    people = group_of(array(100, 50, 70), array(30, 10, 0))
    margins = Margins(array(9, 9, 9), column(8, 12, 3), column(9, 9, 9))
    found = group_margins(csc_array(column(0.3, 0.3, 0.3)), people, margins=margins)
    assert float(found.total[0, 0]) > 0
    for name in ("mean", "mean_rest", "gap", "ratio", "parity"):
        assert getattr(found, name).tolist() == [[0.0]], name


def test_an_effect_on_nobody_has_figures_without_a_margin_and_none_where_undefined() -> None:
    people = group_of(array(100, 50), array(30, 10))
    found = group_margins(csc_array((2, 1)), people, margins=Margins(array(9, 9), column(8, 8), column(9, 9)))
    assert [float(getattr(found, n)[0, 0]) for n in ("total", "mean", "mean_rest", "gap")] == [0.0] * 4
    assert all(np.isnan(getattr(found, n)[0, 0]) for n in ("ratio", "share_of_effect", "parity"))


def test_what_is_negative_for_some_has_no_relative_figures() -> None:
    people = group_of(array(100, 50), array(30, 10))
    margins = Margins(array(9, 9), column(8, 8), column(9, 9))
    found = group_margins(csc_array([[1.0, 1.0], [-0.5, 0.5]]), people, margins=margins)
    for name in ("ratio", "share_of_effect", "parity"):
        assert np.isnan(getattr(found, name)).ravel().tolist() == [True, False], name
    for name in ("total", "mean", "mean_rest", "gap"):
        assert np.isfinite(getattr(found, name)).all(), name


def test_a_group_without_people_has_no_mean() -> None:
    people = group_of(array(100, 50), array(0, 0))
    found = group_margins(csc_array([[1.0], [0.0]]), people, margins=Margins(array(9, 9), column(2, 2), column(9, 9)))
    assert float(found.total[0, 0]) == 2.0
    assert np.isnan(found.mean).all()
    assert np.isnan(found.gap).all()
    assert np.isnan(found.parity).all()


def test_everyone_has_no_rest() -> None:
    people = group_of(array(100, 50), array(100, 50))
    found = group_margins(csc_array([[1.0], [0.0]]), people, margins=Margins(array(9, 9), column(9, 9), column(9, 9)))
    assert np.isnan(found.mean_rest).all()
    assert found.share_of_effect.tolist() == [[0.0]]
    assert found.parity.tolist() == [[0.0]]


def test_an_amount_that_is_missing_has_no_margin() -> None:
    people = group_of(array(100, 50), array(30, 10))
    found = group_margins(csc_array([[NAN], [1.0]]), people, margins=Margins(array(9, 9), column(8, 8), column(9, 9)))
    assert all(np.isnan(table).all() for table in found)


# ---------------------------------------------------------------- by another way: derivatives by difference


def figures_of(group: np.ndarray, rest: np.ndarray, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    has, had = (x * group).sum(), (y * rest).sum()
    mean, mean_rest, share = has / group.sum(), had / rest.sum(), has / (has + had)
    parity = share / (group.sum() / (group.sum() + rest.sum()))
    figures = {"total": has, "mean": mean, "mean_rest": mean_rest, "gap": mean - mean_rest, "ratio": mean / mean_rest}
    return figures | {"share_of_effect": share, "parity": parity}


def by_difference(group: np.ndarray, universe: np.ndarray, *, doses: tuple[np.ndarray, ...], margins: Any) -> Any:
    """Margin of each figure: people added and taken away one neighbourhood at a time."""
    squares = dict.fromkeys(GroupMargins._fields, 0.0)
    for i in range(len(group)):
        step = np.zeros(len(group))
        step[i] = 1e-3
        more, fewer, rest, less = (
            figures_of(group + a * step, universe - group + b * step, *doses)
            for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))
        )
        of_group, of_universe = margins[0][i], np.nan_to_num(margins[1][i])
        for name in squares:
            p, r = ((up[name] - down[name]) / 2e-3 for up, down in ((more, fewer), (rest, less)))
            if of_universe < of_group:  # the group beside its universe: who joins it leaves the rest
                squares[name] += ((p - r) * of_group) ** 2 + (r * of_universe) ** 2
            else:
                squares[name] += (p * of_group) ** 2 + r**2 * (of_universe**2 - of_group**2)
    return {name: square**0.5 for name, square in squares.items()}


@pytest.mark.parametrize("of_universe", [array(30, 25, 20, 40), array(5, 5, 5, 5), array(30, 5, NAN, 40)])
def test_closed_forms_are_the_derivatives(of_universe: np.ndarray) -> None:
    group, universe = array(20, 50, 10, 40), array(100, 80, 90, 60)
    of_group, x = array(9, 14, 8, 12), array(0.5, 0.0, 2.0, 0.3)
    margins = Margins(of_universe, of_group[:, None], of_universe[:, None])
    found = group_margins(csc_array(x[:, None]), group_of(universe, group), margins=margins)
    expected = by_difference(group, universe, doses=(x, x), margins=(of_group, of_universe))
    for name, margin in expected.items():
        assert float(getattr(found, name)[0, 0]) == pytest.approx(margin, rel=1e-6), name


def test_closed_forms_with_uptake() -> None:
    # A quarter of the group takes 4 up, an eighth of the rest: doses of 1 and 0.5.
    group, universe, of_group = array(20, 50, 10), array(100, 80, 90), array(9, 14, 8)
    reached = array(1.0, 0.0, 1.0)
    mean = reached * (group * 1.0 + (universe - group) * 0.5) / universe
    people = group_of(universe, group)
    pairs = csc_array(reached[:, None])
    own, effects = (csc_array((v[[0, 2]], pairs.indices, pairs.indptr), shape=(3, 1)) for v in (4.0 * reached, mean))
    margins = Margins(array(3, 3, 3), of_group[:, None], column(3, 3, 3))
    found = group_margins(effects, people, margins=margins, own=own, rates=np.array([[0.25]]))
    doses = (1.0 * reached, 0.5 * reached)
    expected = by_difference(group, universe, doses=doses, margins=(of_group, array(3, 3, 3)))
    for name, margin in expected.items():
        assert float(getattr(found, name)[0, 0]) == pytest.approx(margin, rel=1e-6), name


def test_uptake_leaves_groups_that_it_does_not_name_as_they_were() -> None:
    population, counts = array(100, 80), np.array([[20.0, 30.0], [50.0, 40.0]])
    people = People(population, counts, np.repeat(population[:, None], 2, axis=1), ("renters", "elders"))
    margins = Margins(array(9, 9), np.full((2, 2), 5.0), np.full((2, 2), 9.0))
    effects, own = csc_array([[0.5, 0.2], [0.25, 0.1]]), csc_array([[4.0, 0.2], [4.0, 0.1]])
    rates = np.array([[0.25, NAN], [NAN, NAN]])
    plain = group_margins(effects, people, margins=margins)
    found = group_margins(effects, people, margins=margins, own=own, rates=rates)
    for name in GroupMargins._fields:
        ours, theirs = getattr(found, name), getattr(plain, name)
        np.testing.assert_allclose(ours[[0, 1, 1], [1, 0, 1]], theirs[[0, 1, 1], [1, 0, 1]], rtol=1e-12)
    assert found.total[0, 0] == pytest.approx((2 * 5.0**2) ** 0.5)  # own doses of 1


def test_doses_of_group_and_rest_make_the_mean() -> None:
    people = group_of(array(10, 20), array(5, 5))
    mine, theirs = doses_of(csc_array([[0.8], [0.5]]), people, own=csc_array([[2.0], [2.0]]), rate=array(0.5))
    assert mine.toarray().ravel().tolist() == [1.0, 1.0]
    np.testing.assert_allclose(theirs.toarray().ravel(), [0.6, 1 / 3])  # (8 − 5) / 5 and (10 − 5) / 15


def test_figures_are_those_of_the_tables() -> None:
    """The margin of a figure moves with its figure: doubled effects double the absolute ones, and no relative one."""
    city, plan = four_zones().assign(moe_low_income=[10.0, 12.0, 8.0, 9.0], moe_population=20.0), four_actions()
    people = people_of(city)
    doses = overlay(city, plan).per_person.matrix
    margins = margins_of(city, people)
    once, twice = (group_margins(effects, people, margins=margins) for effects in (doses, csc_array(2.0 * doses)))
    for name in ("total", "mean", "mean_rest", "gap"):
        np.testing.assert_allclose(getattr(twice, name), 2.0 * getattr(once, name), rtol=1e-12)
    for name in ("ratio", "share_of_effect", "parity"):
        np.testing.assert_allclose(getattr(twice, name), getattr(once, name), rtol=1e-12)
    table = by_group(overlay(city, plan), plan.effects, people=people, groups={})
    located = (plan.effects["action"] != "LOST").to_numpy()
    for name in ("ratio", "share_of_effect", "parity"):
        defined = table[name].notna().to_numpy()[located]
        assert np.isfinite(getattr(once, name)[located, 0]).tolist() == defined.tolist(), name


def test_neither_the_other_columns_nor_their_order_change_a_byte() -> None:
    rng = np.random.default_rng(3)
    dense = np.where(rng.random((40, 9)) < 0.3, rng.random((40, 9)), 0.0)
    population = np.rint(100 * rng.random(40))
    people = group_of(population, np.floor(population / 3))
    margins = Margins(population / 9, np.sqrt(population)[:, None], (population / 9)[:, None])
    whole = group_margins(csc_array(dense), people, margins=margins)
    turned = group_margins(csc_array(dense[:, ::-1]), people, margins=margins)
    alone = group_margins(csc_array(dense[:, [4]]), people, margins=margins)
    for all_of_them, reverse, one in zip(whole, turned, alone, strict=True):
        assert all_of_them[::-1].tobytes() == np.ascontiguousarray(reverse).tobytes()
        assert all_of_them[4].tobytes() == one[0].tobytes()


def test_a_place_without_people_changes_nothing() -> None:
    people = group_of(array(10, 10, 0), array(2, 2, 0))
    effects = csc_array([[4.0], [0.0], [9.0]])
    city = pd.DataFrame({"population": people.population, "people_group": people.groups[:, 0]})
    found = group_margins(
        effects, people, margins=margins_of(city.assign(moe_population=2.0, moe_group=[1.0, 1.0, NAN]), people)
    )
    fewer = group_margins(
        effects[:2],
        group_of(array(10, 10), array(2, 2)),
        margins=Margins(array(2, 2), column(1, 1), column(2, 2)),
    )
    # Its universe has a margin all the same, as published: only what is missing there is nothing.
    assert found.total.tolist() == fewer.total.tolist()
    assert found.mean.tolist() == fewer.mean.tolist()


# ---------------------------------------------------------------- published


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> dict[str, Any]:
    return json.loads((shared_data.parent / "golden" / "golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def table(shared_data: Path) -> pd.DataFrame:
    return pd.read_csv(shared_data.parent / "golden" / "golden.csv", dtype={"id": "str"}).set_index("id")


@pytest.mark.shared
def test_the_handbook_of_the_american_community_survey(golden: dict[str, Any]) -> None:
    """General Handbook 2018, chapter 8, to the digits that are printed."""
    published = golden["published"]
    estimates, margins = np.array(published["acs_handbook_sum"]["in"], dtype=np.float64).T
    assert [estimates.sum(), round(float(margin_of_sum(estimates, margins)), 5)] == published["acs_handbook_sum"]["out"]
    cases = {
        "acs_prop": (margin_of_proportion, lambda a, b: a / b),
        "acs_ratio": (margin_of_ratio, lambda a, b: a / b),
        "acs_product": (margin_of_product, lambda a, b: a * b),
        "acs_pct_change": (margin_of_change, lambda a, b: 100 * (b / a - 1)),
    }
    for name, (margin, figure) in cases.items():
        (a, of_a), (b, of_b) = published[name]["in"]
        value, expected = published[name]["out"]
        assert figure(a, b) == pytest.approx(value, rel=1e-9), name
        digits = 5 if name == "acs_product" else 10
        assert round(float(margin(a, b, margins=(of_a, of_b))), digits) == expected, name


@pytest.mark.shared
def test_margins_of_the_golden_totals(golden: dict[str, Any], table: pd.DataFrame) -> None:
    """No zero rule is in them: N12, where nobody lives, has its published margin of 11."""
    effects = csc_array(table[[f"x_{a}" for a in ACTIONS]].to_numpy(dtype=np.float64))
    found = margins_of_totals(effects, table[[f"moe_{g}" for g in RACES]].to_numpy(dtype=np.float64))
    for row, action in zip(found, ACTIONS, strict=True):
        expected = golden["moe90_group_totals"][action]
        assert row.tolist() == pytest.approx([expected[g] for g in RACES], rel=1e-10, abs=1e-10)

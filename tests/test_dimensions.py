"""Groups that share out the people, against numbers that can be had in the head and the people one by one."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.dimensions import (
    Partition,
    between_group_table,
    dimensions_of,
    index_of_disparity,
    partition_of,
)
from equity_screen.entropy import theil
from equity_screen.errors import UsageError
from equity_screen.inequality import variance
from equity_screen.people import People
from equity_screen.recipe import Group

NAN = float("nan")


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def group(dimension: str) -> Group:
    return Group(label="Some", count="n", dimension=dimension)


def people_with(population: list[float], universe: list[float] | None = None, **groups: list[float]) -> People:
    """People of which each group is a part, counted among everyone unless a universe is given."""
    everyone = np.array(population, dtype=np.float64)
    counts = np.array(list(groups.values()), dtype=np.float64).reshape(len(groups), -1).T
    among = everyone if universe is None else np.array(universe, dtype=np.float64)
    return People(everyone, counts, np.repeat(among[:, None], len(groups), axis=1), tuple(groups))


def labels_of(count: int, ledger: str = "benefit") -> pd.MultiIndex:
    names = [(f"A{at}", ledger, "shade") for at in range(count)]
    return pd.MultiIndex.from_tuples(names, names=["action", "ledger", "effect"])


TENURE = {"renters": group("tenure"), "owners": group("tenure")}
TOWN = people_with([10, 30], renters=[10, 10], owners=[0, 20])


# ---------------------------------------------------------------- partitions


def test_dimensions_are_named_once_in_the_order_of_the_groups() -> None:
    groups = {"a": group("tenure"), "b": group(""), "c": group("age"), "d": group("tenure")}
    assert dimensions_of(groups) == ("tenure", "age")


def test_groups_that_hold_everyone_are_the_partition() -> None:
    found = partition_of(TOWN, TENURE, dimension="tenure")
    assert found.names == ("renters", "owners")
    assert found.columns.tolist() == [[10, 0], [10, 20]]
    assert found.undefined == ""


def test_who_is_in_none_of_the_groups_is_in_others() -> None:
    found = partition_of(people_with([10, 30], young=[4, 30]), {"young": group("age")}, dimension="age")
    assert found.names == ("young", "others")
    assert found.columns.tolist() == [[4, 6], [30, 0]]


def test_what_rounding_leaves_is_no_group() -> None:
    found = partition_of(people_with([10.4, 30], young=[10, 30.4]), {"young": group("age")}, dimension="age")
    assert found.names == ("young",)


def test_a_group_that_is_called_others_is_not_taken_for_the_rest() -> None:
    found = partition_of(people_with([10], others=[4]), {"others": group("origin")}, dimension="origin")
    assert found.names == ("others", "all others")


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        (people_with([10], renters=[8], owners=[4]), "more people than live there, in 1 neighbourhoods"),
        (people_with([10], universe=[9], renters=[8], owners=[1]), "renters, owners: counted among others"),
        (people_with([10], renters=[NAN], owners=[1]), "renters: the count is missing"),
        (people_with([0], renters=[0], owners=[0]), "nobody lives here"),
        (people_with([10], young=[4]), "none of its groups is counted"),
    ],
)
def test_groups_that_share_nobody_out_say_why(people: People, reason: str) -> None:
    found = partition_of(people, TENURE, dimension="tenure")
    assert reason in found.undefined
    assert found.names == ()
    assert found.columns.shape == (1, 0)


def test_a_dimension_that_no_group_is_of_is_refused() -> None:
    with pytest.raises(UsageError, match="dimension = 'tenor': no group is of it; did you mean 'tenure'"):
        partition_of(TOWN, TENURE, dimension="tenor")


# ---------------------------------------------------------------- index of disparity


def test_index_of_disparity_in_the_head() -> None:
    # Means 1 and 5, of whom 3 in 4 have 1: mean 2. Apart 1 and 3.
    means, shares = array(1, 5), array(0.75, 0.25)
    assert index_of_disparity(means, shares, weighted=False) == 100.0  # (1 + 3) / 2 of 2
    assert index_of_disparity(means, shares, weighted=True) == 75.0  # (3/4 + 3/4) of 2
    assert index_of_disparity(means, shares, weighted=False, against="highest") == 80.0  # 4 of 5
    assert index_of_disparity(means, shares, weighted=False, against="lowest") == 400.0  # 4 of 1


def test_index_of_disparity_of_rows_and_without_a_group_that_has_nobody() -> None:
    means, shares = np.array([[1.0, NAN, 3.0], [2.0, NAN, 2.0]]), array(0.5, 0, 0.5)
    assert index_of_disparity(means, shares, weighted=False).tolist() == [50.0, 0.0]
    assert index_of_disparity(means, shares, weighted=True).tolist() == [50.0, 0.0]
    assert index_of_disparity(means, shares, weighted=False, against="highest") == pytest.approx([200 / 3, 0.0])


@pytest.mark.parametrize("means", [(0, 0), (-1, 1), (-3, 1), (NAN, 1)])
def test_index_of_disparity_is_undefined_without_a_mean_above_zero(means: tuple[float, float]) -> None:
    assert math.isnan(index_of_disparity(array(*means), array(0.5, 0.5), weighted=True))


def test_a_reference_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="against = 'mean': one of: everyone, highest, lowest"):
        index_of_disparity(array(1, 2), array(0.5, 0.5), weighted=True, against="mean")


# ---------------------------------------------------------------- table


def test_worst_off_is_the_least_mean_of_a_benefit_and_the_greatest_of_a_burden() -> None:
    # Only the first place, all of renters, has 4: renters have 2 on average, owners 0.
    effects = csc_array([[4.0], [0.0]])
    good = between_group_table(effects, TOWN, groups=TENURE, labels=labels_of(1)).iloc[0]
    bad = between_group_table(effects, TOWN, groups=TENURE, labels=labels_of(1, "burden")).iloc[0]
    shown = ["groups", "worst_off", "worst_mean", "best_off", "best_mean", "gap"]
    assert good[shown].tolist() == [2, "owners", 0.0, "renters", 2.0, 2.0]
    assert bad[shown].tolist() == [2, "renters", 2.0, "owners", 0.0, 2.0]


def test_between_and_within_in_the_head() -> None:
    # Means 2 and 0 of two halves: mean 1, variance between 1; a quarter have 4: variance 4 - 1 = 3.
    row = between_group_table(csc_array([[4.0], [0.0]]), TOWN, groups=TENURE, labels=labels_of(1)).iloc[0]
    assert (row["bgv"], row["variance_total"]) == (1.0, pytest.approx(3.0))
    assert row["variance_between_share"] == pytest.approx(1 / 3)
    # All to a quarter: ln 4; to a half: ln 2.
    assert row["theil_total"] == pytest.approx(math.log(4))
    assert row["theil_between"] == pytest.approx(math.log(2))
    assert row["theil_within"] == pytest.approx(math.log(2))
    assert row["theil_between_share"] == pytest.approx(0.5)
    assert (row["idisp"], row["idisp_weighted"]) == (100.0, 100.0)
    assert row["undefined"] == ""


def test_groups_that_tie_are_named_together_and_equal_ones_share_nothing() -> None:
    people = people_with([10, 10, 10], a=[10, 0, 0], b=[0, 10, 0], c=[0, 0, 10])
    groups = dict.fromkeys("abc", group("letter"))
    effects = csc_array(np.array([[1.0, 0.1], [1.0, 0.1], [3.0, 0.1]]))
    first, second = between_group_table(effects, people, groups=groups, labels=labels_of(2)).iloc
    assert (first["worst_off"], first["best_off"]) == ("a, b", "c")
    assert (second["worst_off"], second["best_off"]) == ("a, b, c", "a, b, c")
    assert (second["variance_between_share"], second["theil_between_share"], second["gap"]) == (0.0, 0.0, 0.0)


def test_a_row_for_each_effect_and_dimension_effects_first() -> None:
    people = people_with([10, 30], renters=[10, 10], owners=[0, 20], young=[5, 5])
    table = between_group_table(
        csc_array(np.ones((2, 2))), people, groups={**TENURE, "young": group("age")}, labels=labels_of(2)
    )
    assert table["action"].tolist() == ["A0", "A0", "A1", "A1"]
    assert table["dimension"].tolist() == ["tenure", "age", "tenure", "age"]
    assert table.index.tolist() == [0, 1, 2, 3]


def test_losses_have_variance_and_no_theil() -> None:
    row = between_group_table(csc_array([[4.0], [-4.0]]), TOWN, groups=TENURE, labels=labels_of(1)).iloc[0]
    assert (row["worst_off"], row["worst_mean"], row["best_mean"]) == ("owners", -4.0, 0.0)
    assert row["bgv"] == 4.0
    assert row[["theil_total", "theil_between", "theil_between_share", "idisp"]].isna().all()
    assert row["undefined"] == "Theil and index of disparity: some values are below 0"


def test_losses_beside_a_greater_gain_have_no_relative_figure() -> None:
    row = between_group_table(csc_array([[9.0], [-1.0]]), TOWN, groups=TENURE, labels=labels_of(1)).iloc[0]
    assert row[["theil_total", "idisp", "idisp_weighted"]].isna().all()


def test_nothing_at_all_says_that_the_total_is_zero() -> None:
    row = between_group_table(csc_array((2, 1)), TOWN, groups=TENURE, labels=labels_of(1)).iloc[0]
    assert (row["gap"], row["bgv"]) == (0.0, 0.0)
    assert np.isnan(row["theil_total"])
    assert row["undefined"] == "Theil and index of disparity: the total is 0"


def test_a_missing_amount_leaves_the_whole_row_undefined() -> None:
    effects = csc_array(np.array([[NAN, 1.0], [0.0, 0.0]]))
    first, second = between_group_table(effects, TOWN, groups=TENURE, labels=labels_of(2)).iloc
    assert first["undefined"] == "a value is missing"
    assert first[["worst_mean", "gap", "bgv", "theil_total", "idisp"]].isna().all()
    assert (first["worst_off"], first["best_off"]) == ("", "")
    assert second["worst_off"] == "owners"


def test_an_undefined_dimension_says_why_in_each_row() -> None:
    people = people_with([10], renters=[8], owners=[4])
    table = between_group_table(csc_array(np.ones((1, 2))), people, groups=TENURE, labels=labels_of(2))
    assert table["undefined"].str.contains("more people than live there").tolist() == [True, True]
    assert table["groups"].tolist() == [0, 0]
    assert table[["gap", "theil_total"]].isna().all(axis=None)


def test_an_effect_that_is_told_to_have_no_figures_has_none() -> None:
    why = np.array(["", "its place is not known"], dtype=object)
    table = between_group_table(csc_array(np.ones((2, 2))), TOWN, groups=TENURE, labels=labels_of(2), without=why)
    assert table["undefined"].tolist() == ["", "its place is not known"]
    assert table["gap"].isna().tolist() == [False, True]
    assert table["worst_off"].tolist() == ["renters, owners", ""]


def test_without_groups_or_effects_the_table_is_empty_with_its_columns() -> None:
    nobody = between_group_table(csc_array(np.ones((2, 1))), TOWN, groups={}, labels=labels_of(1))
    assert len(nobody) == 0
    nothing = between_group_table(csc_array((2, 0)), TOWN, groups=TENURE, labels=labels_of(1)[:0])
    assert len(nothing) == 0
    assert list(nobody.columns) == list(nothing.columns)


def test_a_group_without_people_is_neither_worst_nor_best_off() -> None:
    people = people_with([10, 30], renters=[10, 10], owners=[0, 20], boats=[0, 0])
    groups = {**TENURE, "boats": group("tenure")}
    row = between_group_table(csc_array([[4.0], [0.0]]), people, groups=groups, labels=labels_of(1)).iloc[0]
    assert (row["groups"], row["worst_off"], row["best_off"]) == (2, "owners", "renters")
    assert row["idisp"] == 100.0


# ---------------------------------------------------------------- uptake


def by_the_group(*rates: float) -> tuple[csc_array, tuple[csc_array, np.ndarray]]:
    """What 8 per person who takes it up is on average, where renters and owners do so at these rates."""
    own = csc_array(np.full((2, 1), 8.0))
    taken = sum(np.nan_to_num(rate) * TOWN.groups[:, at] for at, rate in enumerate(rates)) / TOWN.population
    return csc_array(8.0 * taken[:, None]), (own, np.array([rates]))


def test_each_group_has_what_it_takes_up() -> None:
    mean, uptake = by_the_group(0.5, 0.25)
    row = between_group_table(mean, TOWN, groups=TENURE, labels=labels_of(1), uptake=uptake).iloc[0]
    assert (row["worst_off"], row["worst_mean"], row["best_mean"]) == ("owners", 2.0, 4.0)
    assert (row["bgv"], row["variance_total"]) == (1.0, 1.0)
    assert row["theil_within"] == pytest.approx(0.0, abs=1e-15)
    assert row["variance_between_share"] == 1.0


def test_who_is_not_named_has_what_those_who_are_leave() -> None:
    mean, uptake = by_the_group(0.5, NAN)
    row = between_group_table(mean, TOWN, groups=TENURE, labels=labels_of(1), uptake=uptake).iloc[0]
    assert (row["worst_off"], row["worst_mean"], row["best_mean"]) == ("owners", 0.0, 4.0)


def test_what_rounding_leaves_to_those_who_are_not_named_is_nothing() -> None:
    for rate in np.linspace(0.01, 0.99, 50):
        mean, uptake = by_the_group(rate, NAN)
        row = between_group_table(
            mean * 1.1, TOWN, groups=TENURE, labels=labels_of(1), uptake=(uptake[0] * 1.1, uptake[1])
        )
        assert row["worst_mean"].tolist() == [0.0]


def test_an_effect_that_everyone_takes_up_is_not_touched_by_the_uptake_of_another() -> None:
    mean, (_, rates) = by_the_group(0.5, 0.25)
    both = csc_array(np.hstack([np.array([[4.0], [0.0]]), mean.toarray()]))
    both_own = csc_array((np.where(both.data == 0, 0, 8.0), both.indices, both.indptr), shape=both.shape)
    uptake = (both_own, np.vstack([[NAN, NAN], rates]))
    first, second = between_group_table(both, TOWN, groups=TENURE, labels=labels_of(2), uptake=uptake).iloc
    alone = between_group_table(csc_array([[4.0], [0.0]]), TOWN, groups=TENURE, labels=labels_of(1)).iloc[0]
    assert first.drop("action").tolist() == alone.drop("action").tolist()
    assert second["best_mean"] == 4.0


def test_parts_are_those_of_the_people_one_by_one() -> None:
    rng = np.random.default_rng(6)
    counts = rng.integers(0, 6, (7, 3)).astype(float)
    people = People(counts.sum(axis=1), counts, np.repeat(counts.sum(axis=1)[:, None], 3, axis=1), ("a", "b", "c"))
    own = rng.gamma(1.0, size=(7, 4)) * (rng.random((7, 4)) < 0.6)
    rates = rng.random((4, 3))
    taken = np.divide(counts @ rates.T, people.population[:, None], where=people.population[:, None] > 0, out=own * 0)
    pattern = csc_array(own)
    column = np.repeat(np.arange(4), np.diff(pattern.indptr))
    mean = csc_array((pattern.data * taken[pattern.indices, column], pattern.indices, pattern.indptr), shape=(7, 4))
    table = between_group_table(
        mean, people, groups=dict.fromkeys("abc", group("x")), labels=labels_of(4), uptake=(pattern, rates)
    )
    for a in range(4):
        values = np.concatenate([np.repeat(own[:, a] * rates[a, g], counts[:, g].astype(int)) for g in range(3)])
        sizes = counts.sum(axis=0)
        means = [(own[:, a] * rates[a, g]) @ counts[:, g] / sizes[g] for g in range(3)]
        assert table["worst_mean"][a] == pytest.approx(min(means))
        assert table["variance_total"][a] == pytest.approx(float(variance(values, np.ones(len(values)))))
        assert table["theil_total"][a] == pytest.approx(float(theil(values, np.ones(len(values)))))
        assert table["bgv"][a] == pytest.approx(sizes @ (means - values.mean()) ** 2 / sizes.sum())


def test_a_partition_has_a_reason_or_names() -> None:
    assert Partition(("a",), np.ones((1, 1))).undefined == ""

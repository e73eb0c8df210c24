"""How groups live apart: two neighbourhoods in the head, then what is undefined, then the table."""

from __future__ import annotations

import numpy as np
import pytest

from equity_screen.people import People, people_of
from equity_screen.recipe import Group
from equity_screen.segregation import (
    MEASURES,
    dissimilarity,
    interaction,
    isolation,
    multigroup_dissimilarity,
    multigroup_information,
    segregation_entropy,
    segregation_gini,
    segregation_table,
)
from equity_screen.synthetic import four_zones

HUNDRED = np.array([100.0, 100.0])
APART, MIXED = np.array([100.0, 0.0]), np.array([30.0, 30.0])
THREE_TO_ONE = np.array([75.0, 25.0])


def people_with(groups, universes=None, names=("a", "b")):
    groups = np.array(groups, dtype=np.float64)
    population = np.array([100.0, 100.0])
    universes = np.repeat(population[:, None], groups.shape[1], axis=1) if universes is None else np.array(universes)
    return People(population, groups, universes, tuple(names[: groups.shape[1]]))


def declared(**dimensions):
    return {name: Group(label=name.upper(), count=name, dimension=d) for name, d in dimensions.items()}


# ---------------------------------------------------------------- in the head


def test_a_group_in_a_place_of_its_own_is_entirely_apart():
    assert [float(measure(APART, HUNDRED)) for measure in MEASURES] == [1.0, 1.0, 0.0, 1.0, 1.0]


def test_a_group_of_the_same_share_everywhere_is_mixed():
    assert float(dissimilarity(MIXED, HUNDRED)) == 0.0
    assert float(isolation(MIXED, HUNDRED)) == pytest.approx(0.3)
    assert float(interaction(MIXED, HUNDRED)) == pytest.approx(0.7)
    assert float(segregation_gini(MIXED, HUNDRED)) == pytest.approx(0.0, abs=1e-15)
    assert float(segregation_entropy(MIXED, HUNDRED)) == pytest.approx(0.0, abs=1e-15)


def test_three_of_four_in_one_of_two_places():
    """75 % of the group and 25 % of the rest live in the first: half of the group would have to move."""
    assert float(dissimilarity(THREE_TO_ONE, HUNDRED)) == 0.5
    assert float(isolation(THREE_TO_ONE, HUNDRED)) == 0.75 * 0.75 + 0.25 * 0.25
    # 2 pairs of 100 x 100 people differ by 0.5; the most is 2 x 200 x 200 x 0.5 x 0.5.
    assert float(segregation_gini(THREE_TO_ONE, HUNDRED)) == 0.5
    here = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert float(segregation_entropy(THREE_TO_ONE, HUNDRED)) == pytest.approx(1 - here / np.log(2))


def test_three_groups_of_which_two_are_mixed():
    """One group lives apart from two that are mixed: P = (½, ¼, ¼), p = (1, 0, 0) and (0, ½, ½)."""
    groups = np.array([[100.0, 0.0, 0.0], [0.0, 50.0, 50.0]])
    assert float(multigroup_dissimilarity(groups)) == pytest.approx(200 / (2 * 200 * (1 / 4 + 3 / 16 + 3 / 16)))
    assert float(multigroup_information(groups)) == pytest.approx(1 - 0.5 * np.log(2) / (1.5 * np.log(2)))


def test_two_groups_are_the_same_by_either_way():
    both = np.column_stack([THREE_TO_ONE, HUNDRED - THREE_TO_ONE])
    assert float(multigroup_dissimilarity(both)) == float(dissimilarity(THREE_TO_ONE, HUNDRED))
    information = float(segregation_entropy(THREE_TO_ONE, HUNDRED))
    assert float(multigroup_information(both)) == pytest.approx(information)


def test_groups_go_in_as_columns_and_out_as_numbers():
    columns = np.column_stack([APART, THREE_TO_ONE])
    assert dissimilarity(columns, HUNDRED).tolist() == [1.0, 0.5]
    assert segregation_gini(columns, np.column_stack([HUNDRED, HUNDRED])).tolist() == [1.0, 0.5]


# ---------------------------------------------------------------- what changes nothing, what is undefined


@pytest.mark.parametrize("measure", MEASURES)
def test_a_place_without_people_changes_nothing(measure):
    more = measure(np.append(THREE_TO_ONE, 0.0), np.append(HUNDRED, 0.0))
    assert float(more) == float(measure(THREE_TO_ONE, HUNDRED))


@pytest.mark.parametrize("measure", [multigroup_dissimilarity, multigroup_information])
def test_a_place_without_people_changes_nothing_for_several_groups(measure):
    groups = np.array([[75.0, 25.0], [25.0, 75.0]])
    assert float(measure(np.vstack([groups, [0.0, 0.0]]))) == float(measure(groups))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("group", [[0.0, 0.0], [100.0, 100.0], [np.nan, 50.0]])
def test_nobody_everybody_and_unknown_people_do_not_live_apart(measure, group):
    assert np.isnan(measure(np.array(group), HUNDRED))


@pytest.mark.parametrize("measure", [multigroup_dissimilarity, multigroup_information])
def test_one_group_alone_is_not_several(measure):
    assert np.isnan(measure(np.array([[10.0, 0.0], [20.0, 0.0]])))


def test_half_a_person_by_rounding_is_no_more_than_everyone():
    assert float(dissimilarity(np.array([100.4, 0.0]), HUNDRED)) == 1.0


# ---------------------------------------------------------------- the table


def test_the_table_has_a_row_a_group():
    table = segregation_table(people_of(four_zones()), {"low_income": Group(label="Low incomes", count="n")})
    row = table.iloc[0]
    assert (len(table), row["label"], row["share_of_people"], row["undefined"]) == (1, "Low incomes", 0.15, "")
    assert row["isolation"] + row["interaction"] == pytest.approx(1.0)


def test_groups_of_one_dimension_are_taken_together_and_all_others_are_one_more():
    people = people_with([[60.0, 20.0], [20.0, 60.0]])
    table = segregation_table(people, declared(a="origin", b="origin"))
    row = table.iloc[2]
    assert (len(table), row["group"], row["dimension"], row["people"]) == (3, "", "origin", 200.0)
    with_others = np.array([[60.0, 20.0, 20.0], [20.0, 60.0, 20.0]])
    assert row["dissimilarity"] == float(multigroup_dissimilarity(with_others))
    assert row["segregation_entropy"] == float(multigroup_information(with_others))
    assert row["undefined"] == "isolation, interaction and Gini are of one group"


@pytest.mark.parametrize(
    ("groups", "universes", "reason"),
    [
        ([[80.0, 80.0], [10.0, 10.0]], None, "its groups overlap"),
        (
            [[10.0, 20.0], [20.0, 10.0]],
            [[100.0, 90.0], [100.0, 90.0]],
            "its groups were counted among different people",
        ),
    ],
)
def test_a_dimension_whose_groups_share_nothing_out_is_undefined(groups, universes, reason):
    row = segregation_table(people_with(groups, universes), declared(a="origin", b="origin")).iloc[2]
    assert np.isnan(row["dissimilarity"])
    assert row["undefined"] == reason


def test_groups_without_a_dimension_are_not_taken_together():
    assert len(segregation_table(people_with([[10.0, 20.0], [20.0, 10.0]]), declared(a="", b=""))) == 2


@pytest.mark.parametrize(("group", "reason"), [(0.0, "the group is empty"), (100.0, "the group is everyone: nobody")])
def test_reasons_of_a_group(group, reason):
    row = segregation_table(people_with([[group], [group]]), {}).iloc[0]
    assert np.isnan(row["dissimilarity"])
    assert row["undefined"].startswith(reason)

"""People of the city of four squares as arrays; quotients and reasons."""

from __future__ import annotations

import numpy as np
import pytest

from equity_screen.people import people_of, quotient, reasons
from equity_screen.synthetic import four_zones

NAN = float("nan")


def test_people_and_groups_are_taken_from_their_columns() -> None:
    people = people_of(four_zones().assign(people_renters=[1.0, 2.0, 3.0, 4.0]))
    assert people.names == ("low_income", "renters")
    assert people.population.tolist() == [100, 200, 300, 400]
    assert people.groups.T.tolist() == [[50, 50, 30, 20], [1, 2, 3, 4]]
    assert (people.universes == people.population[:, None]).all()


def test_a_group_is_counted_among_its_own_universe_where_there_is_one() -> None:
    adults = four_zones().assign(universe_low_income=[80.0, 100.0, 200.0, 300.0])
    assert people_of(adults, ["low_income"]).universes.ravel().tolist() == [80, 100, 200, 300]


def test_people_whose_number_is_not_known_are_in_no_sum() -> None:
    city = four_zones()
    city.loc["D", ["population", "people_low_income"]] = NAN
    people = people_of(city)
    assert people.population.tolist() == [100, 200, 300, 0]
    assert people.groups.ravel().tolist() == [50, 50, 30, 0]
    assert people.universes.ravel().tolist() == [100, 200, 300, 0]


def test_a_missing_count_where_people_live_is_not_taken_for_zero() -> None:
    city = four_zones()
    city.loc["D", "people_low_income"] = NAN
    assert np.isnan(people_of(city).groups[3, 0])


def test_a_quotient_by_nothing_is_undefined() -> None:
    assert quotient(np.array([6.0, 6.0, 0.0]), np.array([3.0, 0.0, 0.0])).tolist() == pytest.approx(
        [2, NAN, NAN], nan_ok=True
    )


def test_every_case_that_holds_gives_its_reason() -> None:
    assert reasons([(np.array([True, True]), "nobody"), (np.array([False, True]), "nothing")]).tolist() == [
        "nobody",
        "nobody; nothing",
    ]

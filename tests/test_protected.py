"""Small numbers of confidential groups: in no table, no sentence, no page."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import equity_screen as es
from equity_screen.protected import CELLS, FOLLOWS, HIDDEN, confidential, protected, protected_neighbourhoods
from equity_screen.recipe import Group, Question
from equity_screen.result import Result

OPEN = Group(label="People with low incomes", count="n", dimension="income")
CLOSED = OPEN.model_copy(update={"confidential": True})


def found(group=CLOSED, profile="statcan", **asked):
    question = Question(groups={"low_income": group}, small_numbers=profile, **asked)
    return es.screen(es.four_zones(), es.four_actions(), question=question)


def test_public_groups_are_never_touched():
    with_profile, without = found(OPEN), found(OPEN, None)
    for field in fields(Result):
        table = getattr(with_profile, field.name)
        if isinstance(table, pd.DataFrame) and field.name != "reach":
            pd.testing.assert_frame_equal(table, getattr(without, field.name))


def test_confidential_groups_need_a_profile():
    with pytest.raises(ValidationError, match="group 'low_income' is confidential: name the profile of small_numbers"):
        found(CLOSED, None)


def test_a_small_count_is_hidden_with_all_that_is_made_of_it():
    # 80 of the 150 people are in reach of the shade in the west, 70 of the trips in the east: fewer than 100.
    table = found(profile="statcan_blocks").by_group
    hidden = table["undefined"].str.contains(HIDDEN)
    assert table.loc[hidden, "effect"].tolist() == ["trips", "noise", "shade"]
    assert table[hidden].select_dtypes("number").isna().all(axis=None)
    assert (table.loc[hidden, "parity_told"] == "").all()
    assert (table.loc[~hidden & table["total"].notna(), "people_reached"] == 150).all()


def test_tables_without_counts_follow():
    result = found(profile="statcan_blocks")
    hidden = result.by_group[result.by_group["undefined"].str.contains(HIDDEN)]
    keys = ["action", "ledger", "effect", "group"]
    mine = result.chance.merge(hidden[keys], on=keys)
    assert len(mine) == len(hidden)
    assert mine[["contrast", "mean", "p"]].isna().all(axis=None)


def test_no_sentence_tells_a_hidden_number():
    told = found(profile="statcan_blocks").sentences
    assert "(suppressed: fewer than 100 people (profile statcan_blocks))" in " ".join(told["WEST"])
    assert not any("80 people" in said or "70 people" in said for texts in told.values() for said in texts)


def test_the_pages_are_written_without_hidden_numbers(tmp_path):
    result = found(profile="statcan_blocks")
    es.publish(result, tmp_path / "out")
    hidden = result.by_group[result.by_group["undefined"].str.contains(HIDDEN)]
    assert len(hidden) == 3
    assert "suppressed: fewer than 100 people" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_counts_by_neighbourhood_are_hidden_with_one_more():
    table = found().neighbourhoods
    # 10 people in C; without 40 in D they would follow from the city's 150.
    assert table["people_low_income"].isna().tolist() == [False, False, True, True]


def test_every_table_that_is_named_is_a_table_of_the_result():
    names = {field.name for field in fields(Result)}
    assert {*CELLS, *FOLLOWS} <= names


def test_nothing_to_protect_gives_the_same_tables():
    table = pd.DataFrame({"group": ["x"], "people": [1.0]})
    assert protected({"together": table}, Question())["together"] is table
    assert confidential(Question(groups={"a": OPEN, "b": CLOSED}, small_numbers="nchs")) == ("b",)
    zones = es.four_zones()
    pd.testing.assert_frame_equal(protected_neighbourhoods(zones, Question()), zones)


@pytest.mark.parametrize("name", sorted(CELLS))
def test_empty_tables_stay_empty(name):
    asked = Question(groups={"low_income": CLOSED}, small_numbers="nchs")
    assert protected({name: pd.DataFrame()}, asked)[name].empty


def test_the_people_of_the_city_are_not_hidden():
    result = found()
    everyone = result.together[result.together["group"] == "everyone"]
    assert everyone["people"].notna().all()
    assert not np.isnan(result.neighbourhoods["population"]).any()


def test_the_columns_of_the_file_are_hidden_with_those_made_of_them():
    hoods = es.four_zones().assign(n=es.four_zones()["people_low_income"], n_moe=3.0)
    group = CLOSED.model_copy(update={"margin": "n_moe"})
    asked = Question(groups={"low_income": group}, small_numbers="statcan")
    table = es.screen(hoods, es.four_actions(), question=asked).neighbourhoods
    for column in ("n", "n_moe", "people_low_income"):
        assert table[column].isna().tolist() == [False, False, True, True], column


def test_the_list_of_places_that_are_missed_hides_the_same_counts():
    result = es.screen(
        es.four_zones(),
        es.four_actions(),
        priority=pd.Series([True] * 4, index=es.four_zones().index),
        question=Question(groups={"low_income": CLOSED}, small_numbers="statcan"),
    )
    by_place = result.missed.drop_duplicates("neighbourhood").set_index("neighbourhood")["people_low_income"]
    assert by_place.isna().to_dict() == {"C": True, "A": False}

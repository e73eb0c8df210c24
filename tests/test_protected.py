"""Small numbers of confidential groups: in no table, no sentence, no page."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import equity_screen as es
from equity_screen.protected import (
    HIDDEN,
    OTHERS,
    confidential,
    protected,
    protected_missed,
    protected_neighbourhoods,
)
from equity_screen.recipe import Group, Indicator, Priority, Question, Reference
from equity_screen.result import Result

OPEN = Group(label="People with low incomes", count="n", dimension="income")
CLOSED = OPEN.model_copy(update={"confidential": True})
HEAT = Indicator(label="Heat", unit="degC", higher_is="worse", column="heat")


def found(group=CLOSED, profile="statcan_blocks", **asked):
    """Screen the city of four squares: 80 of 150 people in reach of the shade, 70 of the trips."""
    question = Question(groups={"low_income": group}, small_numbers=profile, **asked)
    return es.screen(es.four_zones(), es.four_actions(), question=question)


def asked_everything(group=CLOSED):
    return found(
        group,
        indicators={"heat": HEAT},
        priority=Priority(column="heat", at_least=29, people="low_income"),
        references={"them": Reference(group="low_income"), "all": Reference(whole_city=True)},
        net=True,
        compare_zonings=True,
        compare_overlays=True,
        appraisal=("tag",),
    )


def tables_of(result: Result) -> dict[str, pd.DataFrame]:
    named = {field.name: getattr(result, field.name) for field in fields(Result)}
    return {name: table for name, table in named.items() if isinstance(table, pd.DataFrame)}


def rows_that_name(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of a table in which the group stands."""
    text = table.astype("str")
    named = (text == "low_income") | (text == "income") | (text == "them")
    return table[named.any(axis=1)]


# ---------------------------------------------------------------- who is protected


def test_public_groups_are_never_touched():
    with_profile, without = found(OPEN), found(OPEN, None)
    for name, table in tables_of(with_profile).items():
        pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(getattr(without, name)))


def test_confidential_groups_need_a_profile():
    with pytest.raises(ValidationError, match="group 'low_income' is confidential: name the profile of small_numbers"):
        found(CLOSED, None)


def test_nothing_to_protect_gives_the_same_tables():
    table = pd.DataFrame({"group": ["x"], "people": [1.0]})
    assert protected({"together": table}, Question())["together"] is table
    assert confidential(Question(groups={"a": OPEN, "b": CLOSED}, small_numbers="nchs")) == ("b",)
    zones = es.four_zones()
    assert protected_neighbourhoods(zones, Question()) is zones
    assert protected_missed(table, Question()).equals(table)


# ---------------------------------------------------------------- what is hidden


def test_an_effect_that_reaches_few_is_hidden_with_all_that_is_made_of_it():
    table = found().by_group
    hidden = table["undefined"].str.contains(HIDDEN)
    assert table.loc[hidden, "effect"].tolist() == ["trips", "noise", "shade"]
    assert table[hidden].select_dtypes("number").isna().all(axis=None)
    assert (table.loc[hidden, "parity_told"] == "").all()
    assert (table.loc[~hidden & table["total"].notna(), "people_reached"] == 150).all()


def test_an_effect_that_reaches_enough_is_printed():
    assert not found(profile="statcan").by_group["undefined"].str.contains(HIDDEN).any()


def test_no_other_table_has_a_number_in_a_row_that_names_the_group():
    for name, table in tables_of(asked_everything()).items():
        if name in ("by_group", "neighbourhoods", "status", "coverage", "ledger", "baseline"):
            continue
        rows = rows_that_name(table)
        keys = {"times", "epsilon", "distance_m", "policy_share"}
        numbers = rows.select_dtypes("number").drop(columns=keys, errors="ignore")
        assert numbers.isna().all(axis=None), (name, numbers.dropna(how="all").head(1).to_dict())


def test_the_same_tables_have_numbers_where_the_group_is_public():
    named = {name: rows_that_name(table) for name, table in tables_of(asked_everything(OPEN)).items()}
    full = {name for name, rows in named.items() if rows.select_dtypes("number").notna().any(axis=None)}
    assert {"dimensions", "references", "before_after", "together", "gains", "chance", "zonings"} <= full


def test_priority_people_are_in_no_row_of_the_policy():
    table = asked_everything().policy
    persons = table[table["view"] == "person"]
    assert len(persons)
    assert persons[["to_priority", "share", "shortfall"]].isna().all(axis=None)
    assert (persons["words"] == "").all()
    assert table.loc[table["view"] == "place", "share"].notna().any()


def test_counts_by_neighbourhood_are_hidden_with_the_columns_of_the_file():
    hoods = es.four_zones().assign(n=es.four_zones()["people_low_income"], n_moe=3.0)
    group = CLOSED.model_copy(update={"margin": "n_moe"})
    asked = Question(groups={"low_income": group}, small_numbers="statcan")
    table = es.screen(hoods, es.four_actions(), question=asked).neighbourhoods
    assert table[["n", "n_moe", "people_low_income"]].isna().all(axis=None)
    assert table["population"].notna().all()


def test_the_list_of_places_that_are_missed_hides_the_same_counts():
    everywhere = pd.Series([True] * 4, index=es.four_zones().index)
    asked = Question(groups={"low_income": CLOSED}, small_numbers="statcan")
    missed = es.screen(es.four_zones(), es.four_actions(), priority=everywhere, question=asked).missed
    assert len(missed)
    assert missed["people_low_income"].isna().all()
    assert missed["people"].notna().all()


def test_a_group_that_is_small_in_the_whole_city_has_no_baseline():
    few = es.four_zones().assign(people_low_income=[1.0, 2.0, 3.0, 4.0])
    asked = Question(groups={"low_income": CLOSED}, small_numbers="statcan", indicators={"heat": HEAT})
    table = es.screen(few, es.four_actions(), question=asked).baseline
    assert table.loc[table["who"] == "low_income", ["people", "mean_people"]].isna().all(axis=None)
    assert table.loc[table["who"] == "everyone", "mean_people"].notna().all()


def test_the_people_of_the_city_are_not_hidden():
    result = found()
    assert result.together.loc[result.together["group"] == "everyone", "people"].notna().all()
    assert not np.isnan(result.neighbourhoods["population"]).any()


# ---------------------------------------------------------------- words and pages


def test_no_sentence_tells_a_hidden_number():
    told = found().sentences
    assert "(suppressed: fewer than 100 people (profile statcan_blocks))" in " ".join(told["WEST"])
    assert not any("80 people" in said or "70 people" in said for texts in told.values() for said in texts)


def test_the_pages_are_written_with_everything_asked_for(tmp_path: Path):
    folder = es.publish(asked_everything(), tmp_path / "out")
    assert "suppressed: fewer than 100 people" in (folder / "report.html").read_text(encoding="utf-8")
    layer = gpd.read_file(folder / "neighbourhoods.gpkg")
    assert layer["people_low_income"].isna().all()


@pytest.mark.parametrize("name", ["by_group", "net", "together", *sorted(OTHERS)])
def test_empty_tables_stay_empty(name):
    asked = Question(groups={"low_income": CLOSED}, small_numbers="nchs")
    assert protected({name: pd.DataFrame()}, asked)[name].empty

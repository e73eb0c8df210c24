"""Sentences say what their numbers say: each wording once, then random rows that none may contradict."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given, strategies as st

from equity_screen.index import load_recipe
from equity_screen.landing import RINGS
from equity_screen.recipe import Indicator, Policy, Priority, Question, Ranking
from equity_screen.words import (
    UNLOCATED,
    action_sentences,
    compared,
    direction,
    method_notes,
    missed_sentence,
    often_sentence,
    once_sentence,
    outside_sentence,
    parity_sentence,
    priority_sentence,
    reach_sentence,
    together_sentences,
    uptake_words,
)

NAN = float("nan")
INCOME = Ranking(column="median_income", higher_is="advantaged", label="income")
PLAN = Policy(share=0.4, source="City plan, page 12", status="own target")
SHARES = st.floats(0.0, 1.0, allow_subnormal=False)
VERDICTS = re.compile(r"\b(un)?fair|\bunbiased|\bproves?\b|the poor\b|minorit", re.IGNORECASE)


def asked(**rule: object) -> Question:
    return Question(priority=Priority.model_validate({"at_least": 75} | rule))


def percents(sentence: str) -> list[float]:
    """Numbers before the per-cent signs, as they are printed."""
    return [float(text) for text in re.findall(r"([\d.]+) %", sentence)]


def group_row(share: float, people: float, low: float, high: float) -> dict[str, object]:
    parities = {"parity": share / people, "parity_low": low / people, "parity_high": high / people}
    named = {"label": "People with low incomes", "share_of_effect": share, "share_of_people": people}
    return named | parities | {"undefined": ""}


# ---------------------------------------------------------------- comparing shares


@pytest.mark.parametrize(
    ("share", "reference", "word"),
    [(0.301, 0.25, "more than"), (0.2, 0.25, "less than"), (0.25, 0.25, "in line with")],
)
def test_shares_are_compared(share: float, reference: float, word: str) -> None:
    assert compared(share, reference) == word


def test_shares_that_print_alike_are_in_line() -> None:
    assert compared(0.25004, 0.24996) == "in line with"
    assert compared(0.2506, 0.2504) == "more than"  # 25.1 % and 25.0 %


# ---------------------------------------------------------------- direction


@pytest.mark.parametrize(
    ("index", "ledger", "words"),
    [
        (-0.2, "benefit", "goes more to neighbourhoods less advantaged by income"),
        (0.2, "benefit", "goes more to neighbourhoods more advantaged by income"),
        (-0.2, "burden", "falls more on neighbourhoods less advantaged by income"),
        (0.2, "burden", "falls more on neighbourhoods more advantaged by income"),
        (0.0, "benefit", "no gradient by income"),
        (-1e-17, "burden", "no gradient by income"),
        (NAN, "benefit", "undefined"),
    ],
)
def test_direction_follows_the_sign_and_the_ledger(index: float, ledger: str, words: str) -> None:
    assert direction(index, ledger=ledger, ranking=INCOME, name="income") == words


def test_a_ranking_without_a_label_is_called_by_its_name() -> None:
    bare = Ranking(column="x", higher_is="advantaged")
    assert direction(0.5, ledger="benefit", ranking=bare, name="rent").endswith("more advantaged by rent")


# ---------------------------------------------------------------- a group's share


@pytest.mark.parametrize(
    ("row", "ledger", "end"),
    [
        (group_row(0.4, 0.25, 0.3, 0.5), "benefit", "receive 40.0 % of the benefit"),
        (group_row(0.4, 0.25, 0.3, 0.5), "burden", "carry 40.0 % of the burden"),
        (group_row(0.4, 0.25, 0.3, 0.5), "benefit", "people: more than their share."),
        (group_row(0.1, 0.25, 0.0, 0.2), "benefit", "people: less than their share."),
        (group_row(0.25, 0.25, 0.25, 0.25), "benefit", "people: in line with their share."),
    ],
)
def test_a_share_beside_the_share_of_the_people(row: dict[str, object], ledger: str, end: str) -> None:
    sentence = parity_sentence(row, ledger=ledger)
    assert end in sentence
    assert sentence.startswith("People with low incomes ")


def test_bounds_on_both_sides_of_parity_cannot_be_told() -> None:
    sentence = parity_sentence(group_row(0.4, 0.25, 0.1, 0.5), ledger="benefit")
    assert sentence == (
        "People with low incomes receive 40.0 % of the benefit and are 25.0 % of the people; the true share lies "
        "between 10.0 % and 50.0 %, so it cannot be told whether it is above or below their share of the people."
    )


def test_a_difference_within_the_margin_of_error_cannot_be_told() -> None:
    # Parity is 0.4 / 0.25 = 1.6; its margin of 0.7 reaches below 1, one of 0.5 does not.
    wide, narrow = (group_row(0.4, 0.25, 0.3, 0.5) | {"parity_moe": margin} for margin in (0.7, 0.5))
    assert parity_sentence(wide, ledger="burden") == (
        "People with low incomes carry 40.0 % of the burden and are 25.0 % of the people; the difference lies within "
        "the margin of error (90 %), so it cannot be told whether it is above or below their share of the people."
    )
    assert parity_sentence(narrow, ledger="burden").endswith("more than their share.")


def test_an_undefined_share_gives_its_reason_and_no_number() -> None:
    row = group_row(NAN, 0.25, NAN, NAN) | {"undefined": "the amount is missing"}
    expected = "People with low incomes: no share of the burden can be given (the amount is missing)."
    assert parity_sentence(row, ledger="burden") == expected


@given(
    share=SHARES, people=st.floats(0.01, 1.0), below=SHARES, above=SHARES, ledger=st.sampled_from(["benefit", "burden"])
)
def test_no_sentence_on_a_group_contradicts_its_numbers(
    share: float, people: float, below: float, above: float, ledger: str
) -> None:
    low, high = share * below, share + (1 - share) * above
    sentence = parity_sentence(group_row(share, people, low, high), ledger=ledger)
    of_effect, of_people, *bounds = percents(sentence)
    assert of_effect == pytest.approx(100 * share, abs=0.0501)
    assert of_people == pytest.approx(100 * people, abs=0.0501)
    if "cannot be told" in sentence:
        assert low <= people <= high
        assert bounds == pytest.approx([100 * low, 100 * high], abs=0.0501)
    else:
        assert not bounds
        said = {"more than": of_effect > of_people, "less than": of_effect < of_people}
        assert all(holds for words, holds in said.items() if words in sentence)
        assert "in line with" not in sentence or of_effect == of_people
        assert not low + 0.002 < people < high - 0.002, "the bounds straddle parity and the sentence is silent"


# ---------------------------------------------------------------- reach


def test_reach_says_people_share_and_mean() -> None:
    row = {"people_reached": 400.4, "mean": 0.25, "unit": "°C", "undefined": ""}
    sentence = reach_sentence(row, ledger="burden", effect="noise", population=1000.0)
    assert (
        sentence == 'The burden "noise" falls on 400 people (40.0 % of everyone); its mean over everyone is 0.250 °C.'
    )


def test_reach_of_an_unknown_amount_says_so_instead_of_a_mean() -> None:
    row = {"people_reached": 400.0, "mean": NAN, "unit": "°C", "undefined": "the amount is missing"}
    sentence = reach_sentence(row, ledger="benefit", effect="shade", population=1000.0)
    assert sentence.endswith("; the amount is missing.")
    assert "mean" not in sentence


def test_reach_in_a_city_without_people_has_no_share() -> None:
    row = {"people_reached": 0.0, "mean": NAN, "unit": "", "undefined": "nobody lives in reach"}
    assert "(– of everyone)" in reach_sentence(row, ledger="benefit", effect="shade", population=0.0)


@given(reached=SHARES, population=st.floats(1.0, 1e7))
def test_reach_prints_the_people_and_their_share(reached: float, population: float) -> None:
    row = {"people_reached": reached * population, "mean": 1.0, "unit": "EUR", "undefined": ""}
    sentence = reach_sentence(row, ledger="benefit", effect="x", population=population)
    people = int(re.search(r"reaches ([\d,]+) people", sentence)[1].replace(",", ""))
    assert people == pytest.approx(reached * population, abs=0.5)
    assert percents(sentence) == pytest.approx([100 * reached], abs=0.0501)


# ---------------------------------------------------------------- priority and policy


def test_priority_against_people_and_policy() -> None:
    sentence = priority_sentence(
        {"priority_place_share": 0.35}, ledger="benefit", question=asked(policy=PLAN), population_share=0.3
    )
    assert sentence == (
        "35.0 % of the benefit goes to priority neighbourhoods, where 30.0 % of the people live: more than their "
        "share; City plan, page 12 (own target) asks for 40.0 %, and this is less than that."
    )


def test_a_policy_on_benefits_says_nothing_of_a_burden() -> None:
    sentence = priority_sentence(
        {"priority_place_share": 0.5}, ledger="burden", question=asked(policy=PLAN), population_share=0.3
    )
    assert sentence == (
        "50.0 % of the burden falls on priority neighbourhoods, where 30.0 % of the people live: more than their share."
    )


def test_a_policy_on_spending_is_not_compared_with_benefits() -> None:
    spending = PLAN.model_copy(update={"basis": "spending"})
    sentence = priority_sentence(
        {"priority_place_share": 0.5}, ledger="benefit", question=asked(policy=spending), population_share=0.3
    )
    assert "City plan" not in sentence


@pytest.mark.parametrize(("share", "question"), [(NAN, asked()), (0.5, Question())])
def test_undefined_or_unasked_priority_has_no_sentence(share: float, question: Question) -> None:
    row = {"priority_place_share": share}
    assert priority_sentence(row, ledger="benefit", question=question, population_share=0.3) == ""


@given(share=SHARES, people=SHARES)
def test_no_sentence_on_priority_contradicts_its_numbers(share: float, people: float) -> None:
    sentence = priority_sentence(
        {"priority_place_share": share}, ledger="benefit", question=asked(policy=PLAN), population_share=people
    )
    given_share, given_people, given_policy = percents(sentence)
    word = r"(more than|less than|in line with)"
    against_people, against_policy = re.search(rf"live: {word} their share.* this is {word} that", sentence).groups()
    for said, reference in ((against_people, given_people), (against_policy, given_policy)):
        holds = {
            "more than": given_share > reference,
            "less than": given_share < reference,
            "in line with": given_share == reference,
        }
        assert holds[said], sentence


# ---------------------------------------------------------------- people counted once


def together(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    """Rows of (scope, ledger, group, people reached, people summed) in a city of 1000."""
    table = pd.DataFrame(rows, columns=["scope", "ledger", "group", "people_reached", "people_summed"])
    reached = table["people_reached"]
    bounds = {"people_reached_low": reached - 10, "people_reached_high": reached + 10}
    return table.assign(label=table["group"], people=1000.0, reached_share=reached / 1000, **bounds)


def test_once_names_the_group_everyone_and_the_bounds() -> None:
    everyone, group = together(("all", "benefit", "everyone", 500, 700), ("all", "benefit", "Renters", 60, 90)).to_dict(
        "records"
    )
    assert once_sentence(group, everyone=everyone) == (
        "Renters: 60 people (6.0 %; everyone 50.0 %), at least 50 and at most 70."
    )


def test_together_gives_once_and_summed_for_each_ledger() -> None:
    sentences = together_sentences(
        together(
            ("active actions", "benefit", "everyone", 500, 700),
            ("active actions", "benefit", "Renters", 60, 90),
            ("active actions", "burden", "everyone", 40, 40),
        )
    )
    assert sentences[0] == (
        "Benefits of active actions that land in particular places reach 500 of 1,000 people (50.0 %), "
        "each counted once; "
        "added up effect by effect it would be 700."
    )
    assert sentences[1].startswith("Renters: 60 people")
    assert sentences[2].startswith("Burdens of active actions that land in particular places reach 40 of 1,000 people")


def test_all_actions_are_not_repeated_where_all_are_active() -> None:
    row = ("benefit", "everyone", 500, 700)
    assert len(together_sentences(together(("active actions", *row), ("all actions", *row)))) == 1
    wider = ("all actions", "benefit", "everyone", 600, 900)
    assert len(together_sentences(together(("active actions", *row), wider))) == 2


def test_a_ledger_that_reaches_nobody_has_no_sentence() -> None:
    assert together_sentences(together(("active actions", "burden", "everyone", 0, 0))) == ()


# ---------------------------------------------------------------- an action


def effects(*rows: dict[str, object]) -> list[dict[str, object]]:
    return [{"action": "A", "ledger": "benefit", "effect": f"e{i}"} | row for i, row in enumerate(rows)]


FOUND = {"people_reached": 400.0, "mean": 0.5, "unit": "°C", "priority_place_share": NAN}


def test_an_action_has_a_sentence_for_each_effect_and_group_and_for_what_was_not_assessed() -> None:
    groups = [group_row(0.4, 0.25, 0.3, 0.5) | {"ledger": "benefit", "effect": "e0"}]
    sentences = action_sentences(
        effects(FOUND | {"undefined": ""}),
        groups,
        where="geometry",
        question=asked(),
        population=1e3,
        priority_share=0.3,
    )
    assert [sentence.split(" ")[0] for sentence in sentences] == ["The", "People", "Its"]
    assert sentences[-1] == "Its burdens were not assessed."


def test_an_undefined_effect_says_nothing_of_groups() -> None:
    groups = [group_row(NAN, 0.25, NAN, NAN) | {"ledger": "benefit", "effect": "e0"}]
    sentences = action_sentences(
        effects(FOUND | {"mean": NAN, "undefined": "the amount is missing"}),
        *(groups,),
        where="geometry",
        question=Question(),
        population=1e3,
        priority_share=NAN,
    )
    assert len(sentences) == 2
    assert sentences[0].endswith("the amount is missing.")


def test_an_unlocated_action_is_never_said_to_reach_anyone() -> None:
    sentences = action_sentences(
        effects(FOUND | {"undefined": ""}),
        [],
        where="unlocated",
        question=asked(),
        population=1e3,
        priority_share=0.3,
    )
    assert sentences == (UNLOCATED,)


# ---------------------------------------------------------------- how often, and who is missed


def missed_rows(distances: list[float], people: float = 100.0) -> pd.DataFrame:
    return pd.DataFrame({"scope": "active actions", "people": people, "distance_m": distances})


@pytest.mark.parametrize("people", [0.0, NAN])
def test_nobody_reached_often_is_no_sentence(people: float) -> None:
    assert often_sentence({"people": people, "share": people, "scope": "active actions"}, people=10.0) == ""


def test_one_missed_neighbourhood_of_one() -> None:
    assert missed_sentence(missed_rows([320.4]), priority=1) == (
        "No benefit of active actions reaches 1 of 1 priority neighbourhood (100 people); "
        "the nearest action is 320 m from their borders."
    )


def test_missed_neighbourhoods_without_people_or_any_action_near() -> None:
    found = missed_sentence(missed_rows([NAN, NAN], people=NAN), priority=1200)
    assert found == "No benefit of active actions reaches 2 of 1,200 priority neighbourhoods."


def test_no_missed_neighbourhood_is_no_sentence() -> None:
    assert missed_sentence(missed_rows([]), priority=3) == ""


# ---------------------------------------------------------------- methods


def test_methods_name_the_way_people_were_counted() -> None:
    neutral = load_recipe("neutral")
    by_area = method_notes(Question(), by_points=False, sides=256, recipe=neutral)
    by_points = method_notes(Question(), by_points=True, sides=256, recipe=neutral)
    assert by_area["people in reach"].startswith("by area")
    assert by_points["people in reach"].startswith("by population points")
    assert "256 sides" in by_area["measuring space"]
    assert "exact" in by_area["measuring space"]
    assert "burden index" not in by_area


def test_methods_name_the_recipe_where_there_is_a_burden() -> None:
    heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    notes = method_notes(Question(indicators={"heat": heat}), by_points=False, sides=256, recipe=load_recipe("neutral"))
    assert "percent_rank" in notes["burden index"]
    assert "50 %" in notes["burden index"]
    once_more = method_notes(Question(), by_points=False, sides=256, recipe=load_recipe("neutral"))
    assert once_more["measuring space"].count("sides") == 1, "the notes of one run leak into the next"


def test_no_method_note_holds_a_verdict() -> None:
    notes = method_notes(Question(), by_points=True, sides=256, recipe=load_recipe("neutral"))
    assert not [note for note in notes.values() if VERDICTS.search(note)]


def test_methods_of_reach_are_named_where_people_are_known() -> None:
    neutral = load_recipe("neutral")
    of_reach = {"people by number of actions", "distances", "effects that fade", "uptake"}
    assert of_reach <= set(method_notes(Question(), by_points=True, sides=256, recipe=neutral))
    assert not of_reach & set(method_notes(Question(), by_points=False, sides=256, recipe=neutral, people=False))


def test_the_rings_of_a_decay_are_those_it_is_summed_over() -> None:
    notes = method_notes(Question(), by_points=True, sides=256, recipe=load_recipe("neutral"))
    assert f"over {RINGS} rings" in notes["effects that fade"]


def test_an_effect_of_nothing_is_not_said_to_reach_anybody() -> None:
    row = {"people_reached": 400.0, "mean": 0.0, "unit": "dB", "undefined": "the total is 0"}
    assert reach_sentence(row, ledger="burden", effect="noise", population=1000.0) == 'No burden "noise" is expected.'


@pytest.mark.parametrize(
    ("uptake", "said"),
    [
        ("renters", "all renters"),
        ("renters=0.025", "2.5 % of renters"),
        ("others=1", "all others"),
        ("first=0.5; renters=0.1; others=0.2", "50 % of Indigenous Peoples, 10 % of renters and 20 % of all others"),
        ("owners=0", "0 % of owners"),
    ],
)
def test_uptake_by_labels(uptake: str, said: str) -> None:
    labels = {"renters": "Renters", "first": "Indigenous Peoples"}
    assert uptake_words(f"within 50 m, taken up by {uptake}", labels) == f"within 50 m, taken up by {said}"


@pytest.mark.parametrize("reach", ["within 50 m", "the areas of a, taken up by b=c=d", ""])
def test_a_reach_without_uptake_stays(reach: str) -> None:
    assert uptake_words(reach, {}) == reach


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"residents_outside": NAN}, "how many people live there is not known: no outer data were given."),
        ({"residents_outside": 1.0}, "about 1 person lives there by the outer data."),
        ({"uncovered_area_share": 0.1}, "by the outer data, which do not cover 10.0 % of the area of the reach."),
        ({"note": "barely enters"}, "who is counted hangs on how their border is drawn."),
        ({"note": "lies outside"}, "None of it lies in the neighbourhoods."),
    ],
)
def test_what_lies_outside(changes: dict[str, object], said: str) -> None:
    row = {"outside_area_share": 0.4, "residents_outside": 50.0, "uncovered_area_share": 0.0, "note": ""}
    assert outside_sentence(row | changes, reach="it").replace("\u00a0", " ").endswith(said)


@pytest.mark.parametrize("share", [0.0, 0.0004, NAN])
def test_hardly_anything_outside_is_not_told(share: float) -> None:
    assert outside_sentence({"outside_area_share": share}, reach="it") == ""


def test_all_actions_that_reach_the_same_people_are_not_told_again() -> None:
    row = {"ledger": "benefit", "group": "everyone", "people": 10.0, "people_reached": 5.0, "reached_share": 0.5}
    scopes = [("active actions", 5.0), ("all actions", 9.0)]
    table = pd.DataFrame([row | {"scope": scope, "people_summed": summed} for scope, summed in scopes])
    (said,) = together_sentences(table)
    assert said.startswith("Benefits of active actions")

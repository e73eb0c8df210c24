"""Sentences on chance, redress, priority and what can be told: measure, direction, uncertainty, and no verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen import words_fair
from equity_screen.recipe import Policy, Siting
from equity_screen.uncertainty import BY_BOUNDS, BY_MARGINS
from equity_screen.words_fair import (
    chance_text,
    null_sentence,
    policy_sentence,
    priority_words,
    probability_sentence,
    redress_sentence,
    reliability_sentence,
    siting_sentence,
    told_sentence,
    unusual_sentence,
    zoning_sentence,
)

NAN = float("nan")


def sited(**changes):
    row = {"ledger": "benefit", "effect": "shade", "label": "People with low incomes", "placements": 199.0}
    row |= {"parity": 1.4, "p_siting": 0.23, "q_siting": 0.61}
    return siting_sentence(row | changes, unusual=0.05)


def along(**changes):
    row = {"ledger": "benefit", "effect": "shade", "unit": "°C", "ci_burden": -0.2, "mean_most": 2.0, "mean_least": 1.0}
    words = "goes more to neighbourhoods with more burden: the benefit follows the burden"
    return redress_sentence(row | {"words": words, "undefined": ""} | changes)


def shared(**changes):
    row = {"share": 0.3, "share_low": NAN, "share_high": NAN, "population_share": 0.25, "policy_share": NAN}
    return priority_words(row | {"undefined": ""} | changes)


class TestChanceText:
    @pytest.mark.parametrize(("p", "text"), [(1.0, "1.000"), (0.001, "0.001"), (0.0009, "less than 0.001"), (NAN, "–")])
    def test_never_a_false_nought(self, p, text):
        assert chance_text(p) == text


class TestSiting:
    def test_the_count_is_that_behind_p(self):
        # Of 200 places, its own among them, 46 are as far.
        assert "45 (23 %) leave people with low incomes as far above or below their share" in sited()
        assert "1 (1 %) leaves" in sited(p_siting=0.01)
        assert "none leaves" in sited(p_siting=0.005)

    def test_meaning_goes_by_q_and_then_by_p(self):
        assert sited(p_siting=0.005, q_siting=0.05).endswith("q = 0.050): unusual for this footprint in this city.")
        assert "rare by itself, but of so many findings" in sited(p_siting=0.005, q_siting=0.06)
        assert sited().endswith("so it could be chance.")

    def test_where_nothing_could_be_asked_nothing_is_said(self):
        assert sited(p_siting=NAN) == sited(placements=NAN) == ""


class TestNull:
    def test_names_the_null_the_class_and_what_is_not_used(self):
        said = null_sentence(Siting(placements=99, within="zoning"))
        assert "up to 99 other places of this city where it could lie, of the same zoning." in said
        assert "(free permutation) are not used" in said
        assert "of the same" not in null_sentence(Siting())


class TestUnusual:
    def found(self, p, q, placements=199.0):
        return pd.DataFrame({"p_siting": p, "q_siting": q, "placements": placements})

    def test_some(self):
        said = unusual_sentence(self.found([0.005, 0.005, 0.5], [0.01, 0.01, 0.5]), Siting())
        assert said.startswith(
            "Of 3 findings (an effect and a group each) that could be asked, 2 are unusual where 5 %"
        )

    def test_none_and_more_places_would_not_help(self):
        said = unusual_sentence(self.found([0.5], [0.5]), Siting())
        assert said.endswith(
            "none is unusual where 5 % of those called unusual may be so by chance; the smallest q is 0.500."
        )

    def test_none_though_farther_than_at_each_other_place(self):
        said = unusual_sentence(self.found([0.01, 0.005], [0.06, 0.06], [99.0, 199.0]), Siting())
        assert (
            "2 are farther from parity than at each of the other places: p cannot be less than 0.005 with 199" in said
        )

    def test_nothing_asked(self):
        assert unusual_sentence(self.found([NAN], [NAN]), Siting()) == "Of no finding could it be asked."


class TestTold:
    def test_all_kinds(self):
        said = told_sentence(["above", "below", "below", "in line", BY_BOUNDS, BY_MARGINS, "", ""])
        assert said == (
            "Of 8 findings (an effect and a group each) 1 lies above parity, 2 below it and 1 in line with it; of 1 it "
            "cannot be told, since the counts by neighbourhood allow both sides; of 1 it cannot be told, since parity "
            "lies within the margin of error (90 %); 2 are not defined."
        )

    def test_without_any_above_the_sides_still_name_parity(self):
        assert told_sentence(["below"]).endswith("1 lies below parity.")
        assert told_sentence(["in line", "in line"]).endswith("2 lie in line with parity.")


class TestRedress:
    def test_both_say_the_same(self):
        assert ". The most burdened fifth of the people has 2.00 °C on average, and the least" in along()

    @pytest.mark.parametrize(("index", "most", "least"), [(-0.2, 0.0, 1.0), (0.2, 1.0, 0.0)])
    def test_where_the_ends_differ_from_the_whole_both_are_heard(self, index, most, least):
        assert ". Yet the most burdened fifth" in along(ci_burden=index, mean_most=most, mean_least=least)

    def test_what_rounding_leaves_is_no_difference(self):
        assert "Yet" not in along(mean_most=1.0, mean_least=1.0 + 1e-12)

    def test_no_gradient_is_had(self):
        said = along(ci_burden=0.0, words="no gradient by burden")
        assert said.startswith('The benefit "shade" has no gradient by burden (')

    def test_undefined_says_why(self):
        said = along(ci_burden=NAN, words="undefined", undefined="the amount is missing")
        assert (
            said == 'The benefit "shade": whether it goes where the burden is cannot be told (the amount is missing).'
        )


class TestPriority:
    def test_beside_the_people_and_the_policy(self):
        assert shared() == "more than their share of the people"
        assert shared(policy_share=0.4) == "more than their share of the people; less than the 40.0 % asked for"
        assert shared(share=0.25) == "in line with their share of the people"

    def test_bounds_that_allow_both(self):
        said = shared(share_low=0.2, share_high=0.45, policy_share=0.4)
        assert said == "cannot be told against their share of the people nor against the 40.0 % asked for"

    def test_bounds_on_one_side(self):
        assert shared(share_low=0.26, share_high=0.35) == "more than their share of the people"
        said = shared(share_low=0.26, share_high=0.45, policy_share=0.4)
        assert said == "more than their share of the people; cannot be told against the 40.0 % asked for"

    def test_undefined_says_why(self):
        assert shared(share=NAN, undefined="the total is 0") == "undefined: the total is 0"

    def test_policy_has_its_source_status_and_basis(self):
        policy = Policy(share=0.4, source="Act, s. 2", status="in force", basis="spending")
        assert policy_sentence(policy) == "Act, s. 2 (in force) asks for 40.0 % of spending."


class TestReliability:
    def level(self, name, cv, *, enough, areas=3):
        return {"level": name, "median_cv": cv, "areas": areas, "enough": enough}

    def test_the_finest_that_is_enough(self):
        rows = [self.level("neighbourhood", 0.5, enough=False), self.level("ward", 0.4, enough=False)]
        rows.append(self.level("city", 0.1, enough=True))
        said = reliability_sentence(rows, label="X")
        assert said.endswith(
            "by city (median coefficient of variation 10 %), not by neighbourhood (50 %) and by ward (40 %)."
        )

    def test_none_is_enough(self):
        said = reliability_sentence([self.level("city", 0.5, enough=False)], label="X")
        assert said == "X: not reliable enough at any level (median coefficient of variation by city 50 %)."

    def test_unknown(self):
        assert "no margin of error is known" in reliability_sentence(
            [self.level("city", NAN, enough=False, areas=0)], label="X"
        )


class TestZonings:
    def test_one_alone_and_none_changing(self):
        found = pd.DataFrame({"zonings": [2, 2], "straddles_parity": False})
        said = zoning_sentence(found, zonings=["a", "b"])
        assert (
            said
            == "On 2 zonings of the same people (a and b), 0 of 2 findings change their side of parity, and 2 do not."
        )


class TestProbability:
    def test_without_margins_nothing_is_said(self):
        assert probability_sentence(pd.DataFrame({"priority": [True]}), label="x") == ""

    def test_neighbourhoods_without_one_do_not_count(self):
        hoods = pd.DataFrame({"priority": [True, True], "priority_probability": [0.5, np.nan]})
        assert probability_sentence(hoods, label="x").startswith("Of 1 neighbourhood picked as x, 1 has a probability")


def test_no_sentence_is_a_verdict():
    with open(words_fair.__file__, encoding="utf-8") as file:  # noqa: PTH123
        source = file.read().lower()
    assert [word for word in ("unfair", " fair ", "unbiased", "proves", "unjust") if word in source] == []

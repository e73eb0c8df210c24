"""Section of the report on how the plan is shared out: gains, three questions, priority, redress, lines of cards."""

from __future__ import annotations

import numpy as np
import pandas as pd

from equity_screen.sections_fair import NO_CHANGE, fair_sections, lines_by_action
from tests.results import LABELS, NAN, small_result


def part(key, result=None):
    sections = fair_sections(result or small_result())
    return next((one for section in sections for one in section["parts"] if one["key"] == key), None)


def tables(key, result=None):
    return {table.key: table for table in part(key, result)["tables"]}


def cells(table, *fields):
    return [tuple(row[field] for field in fields) for row in table.rows]


class TestSections:
    def test_parts_in_order(self):
        shared, sure = fair_sections(small_result())
        assert [one["key"] for one in shared["parts"]] == ["gains", "questions", "priority", "redress", "requested"]
        assert [one["key"] for one in sure["parts"]] == ["told", "reliability", "chance", "stability", "zonings"]

    def test_without_people_or_effects_there_is_none(self):
        result = small_result()
        result.neighbourhoods = result.neighbourhoods.assign(population=np.nan)
        assert fair_sections(result) == []
        result = small_result()
        result.by_effect = result.by_effect.iloc[:0]
        assert fair_sections(result) == []

    def test_every_key_is_unique(self):
        keys = [t.key for section in fair_sections(small_result()) for one in section["parts"] for t in one["tables"]]
        assert len(set(keys)) == len(keys)


class TestGains:
    def test_without_what_is_city_wide_first(self):
        placed, all_of_it = tables("gains").values()
        assert placed.caption.endswith("active actions without city-wide effects")
        assert (placed.folded, all_of_it.folded) == (False, True)

    def test_counts_shares_and_bounds(self):
        everyone, low_income = cells(tables("gains")["gains-0"], "people", "benefit_only", "both")
        assert everyone == (6000.0, "2,000 (33.3\u00a0%)", "400 (6.7\u00a0%)")
        assert low_income == (1200.0, "700 (58.3\u00a0%), 690 to 720", "80 (6.7\u00a0%), 70 to 100")

    def test_what_was_not_seen(self):
        said = part("gains")["told"][1]
        assert said == (
            "Not seen: 1 city-wide effect, in reach of everyone, left out of the first table; 2 effects left out, "
            "since only some of those in reach take them up and who they are is not known; 1 effect without a place "
            "counted nowhere; burdens assessed for 2 of 3 actions."
        )

    def test_without_city_wide_effects_one_table_says_it(self):
        result = small_result()
        result.gains = result.gains.assign(effects_citywide=0)
        (only,) = tables("gains", result).values()
        assert only.caption == "People by what reaches them: active actions"

    def test_undefined_is_a_dash_with_its_reason(self):
        result = small_result()
        result.gains = result.gains.assign(both=NAN, undefined="burden: not assessed")
        first = tables("gains", result)["gains-0"]
        assert cells(first, "both") == [("–",), ("–",)]
        assert first.notes == ("Not defined, in all or in part, in 2 of 2 rows: burden: not assessed (2).",)


class TestQuestions:
    def test_baseline_result_and_change_by_group(self):
        (heat,) = tables("questions").values()
        assert heat.caption == "Summer heat [°C], higher is worse: baseline, with all active actions, change"
        fields = ("label", "mean_before", "gap_before", "mean_after", "gap_after", "gap_words")
        assert cells(heat, *fields)[1] == (
            LABELS["low_income"],
            31.2,
            1.0,
            30.5,
            0.75,
            "narrows the gap by 25.0 % of it",
        )

    def test_groups_in_the_order_of_the_question(self):
        result = small_result()
        result.before_after = result.before_after.iloc[::-1]
        (heat,) = tables("questions", result).values()
        assert cells(heat, "group") == [("everyone",), ("low_income",)]

    def test_people_without_a_baseline_notes_and_reasons(self):
        result = small_result()
        result.before_after = result.before_after.assign(people_without_baseline=300.0, note="without 1 effect")
        assert tables("questions", result)["questions-0"].notes == (
            "Up to 300 people of a group have no baseline and are left out.",
            "Note: without 1 effect.",
        )

    def test_a_reason_for_what_is_not_shown_is_not_told(self):
        result = small_result()
        result.before_after = result.before_after.assign(undefined="ratio: a level is below 0")
        assert tables("questions", result)["questions-0"].notes == ()

    def test_no_active_action_changes_anything(self):
        result = small_result()
        result.before_after = result.before_after[result.before_after["action"] == "hub"]
        assert part("questions", result)["told"] == [NO_CHANGE]


class TestPriority:
    def test_by_place_with_what_would_close_a_shortfall(self):
        place = tables("priority")["priority-benefit-place"]
        assert place.caption == "Benefits of active actions that go to most burdened quarter"
        fields = ("unit", "share", "said", "shortfall", "added_to_close")
        assert cells(place, *fields) == [
            ("°C", 0.5, "more than their share of the people; more than the 40.0 % asked for", 0.0, 0.0),
            ("min", 0.3, "more than their share of the people; less than the 40.0 % asked for", 400.0, 2000 / 3),
        ]

    def test_by_person_with_bounds(self):
        person = tables("priority")["priority-benefit-person"]
        assert person.caption == "Benefits of active actions that go to people with low incomes, wherever they live"
        assert [title for _, title, _ in person.columns][3:5] == ["At least", "At most"]
        assert cells(person, "said") == [
            ("cannot be told against their share of the people nor against the 40.0 % asked for",)
        ]
        assert person.notes == ("Not counted: 1 effect without an amount or a place.",)

    def test_burdens_are_asked_of_no_policy(self):
        burden = tables("priority")["priority-burden-place"]
        assert burden.caption.startswith("Burdens of active actions that fall on")
        assert [field for field, *_ in burden.columns] == ["unit", "total", "share", "population_share", "said"]
        undefined = tables("priority")["priority-burden-person"]
        assert cells(undefined, "said") == [("undefined: none of them has an amount and a place",)]

    def test_spending(self):
        spending = tables("priority")["priority-spending"]
        assert cells(spending, "split", "title", "said") == [
            ("By the ground of its footprint", "EUR", "less than their share of the people")
        ]
        assert spending.notes == ("Not counted: up to 2 actions without a cost or a place (500,000 EUR).",)

    def test_policy_and_margins_in_words(self):
        policy, _, margins = part("priority")["told"]
        assert policy == "City climate plan, page 12 (own target) asks for 40.0 % of benefits."
        assert margins.startswith(
            "By the margins of error of the people alone, 1 of 2 benefits has a probability between"
        )

    def test_how_sure_the_places_are(self):
        result = small_result()
        result.neighbourhoods["priority_probability"] = [0.8, 0.3, 0.0, NAN]
        said = part("priority", result)["told"][-1]
        assert said.startswith("Of 1 neighbourhood picked as most burdened quarter, 1 has a probability below 90 %")

    def test_without_a_rule_there_is_none(self):
        result = small_result()
        result.question = result.question.model_copy(update={"priority": None})
        assert part("priority", result) is None


class TestRedress:
    def test_counts_and_reason(self):
        counts = tables("redress")["redress-counts"]
        assert [row[1:] for row in cells(counts, "words", "benefit", "burden")] == [(1, 0), (1, 0), (0, 1)]
        assert counts.rows[-1]["words"] == "undefined"
        assert counts.notes == ("Not defined, in all or in part, in 1 of 3 rows: the amount is missing (1).",)

    def test_benefits_that_turn_away_first_and_burdens_that_add_first(self):
        result = small_result()
        assert cells(tables("redress", result)["redress-benefit"], "name", "unit") == [
            ("Tram line", "min"),
            ("Cooling hub", "°C"),
        ]
        second = result.redress.iloc[[2]].rename(index={"noise": "dust"}, level="effect").assign(ci_burden=-0.5)
        first = result.redress.assign(ci_burden=[-0.3, 0.1, 0.2])
        result.redress = pd.concat([first, second])
        assert cells(tables("redress", result)["redress-burden"], "effect") == [("dust",), ("noise",)]

    def test_only_of_active_actions(self):
        result = small_result()
        result.actions["active"] = np.array([True, False, False, None, True], dtype=object)
        assert cells(tables("redress", result)["redress-benefit"], "name") == [("Cooling hub",)]

    def test_without_a_burden_index_there_is_none(self):
        result = small_result()
        result.redress = result.redress.assign(people_ranked=0.0)
        assert part("redress", result) is None
        assert [text for text in lines_by_action(result, ["hub"])["hub"] if "burden index" in text] == []


class TestLines:
    def test_the_group_with_the_smallest_q_and_each_effect_along_the_burden(self):
        chance, redress = lines_by_action(small_result(), ["hub", "park"])["hub"]
        assert chance.startswith(
            'Of 99 other places for the footprint of the benefit "cooling", none leaves people with'
        )
        assert "(parity 1.75; p = 0.010, q = 0.030): unusual for this footprint in this city." in chance
        assert redress.startswith('The benefit "cooling" goes more to neighbourhoods with more burden')

    def test_where_the_most_burdened_fifth_says_otherwise_it_is_heard(self):
        lines = lines_by_action(small_result(), ["tram"])["tram"]
        assert "Yet the most burdened fifth of the people has 3.00 min on average" in lines[1]
        assert lines[2].endswith("cannot be told (the amount is missing).")

    def test_an_action_of_which_nothing_is_known_has_none(self):
        assert lines_by_action(small_result(), ["park"]) == {"park": ()}

    def test_without_chance_only_redress_is_told(self):
        result = small_result()
        result.chance = pd.DataFrame()
        assert len(lines_by_action(result, ["hub"])["hub"]) == 1

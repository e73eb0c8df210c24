"""Section of the report on reach: how often, from how far, whom nothing reaches; what is cut short or left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen.recipe import Priority, Question
from equity_screen.screen import screen
from equity_screen.sections_reach import (
    MOST_MISSED,
    MOST_PAIRS,
    PAIRS_NOTE,
    Curve,
    alone_by_action,
    comparison_section,
    effects_left_out,
    missed_by_benefits,
    outside_by_action,
    reach_section,
)
from equity_screen.synthetic import four_zones
from tests.plans import km_box, plan_of
from tests.results import LABELS, NAN, small_result, without_burdens

SHARE_NAMES = ("none_share", "one_share", "two_share", "many_share")


def section(result=None):
    return reach_section(result or small_result())


def benefits(result=None):
    return section(result)["reached"][0]


def repeated(table, count, **changes):
    """Copies of the first row of a table."""
    return pd.concat([table.head(1).assign(**changes)] * count, ignore_index=True)


def screened(**question):
    """P holds the west half of A; people live evenly over each of four squares."""
    plan = plan_of({"P": km_box(0, 0, 0.5, 1)})
    return screen(four_zones(), plan, question=Question(**question))


class TestLedgers:
    def test_both(self):
        assert [part["ledger"] for part in section()["reached"]] == ["benefit", "burden"]

    def test_one_that_counts_nobody_by_place_is_left_out(self):
        assert [part["ledger"] for part in section(without_burdens())["reached"]] == ["benefit"]

    def test_without_actions_there_is_nothing(self):
        result = small_result()
        result.actions = result.actions.iloc[:0]
        assert section(result)["reached"] == []

    def test_rows_of_all_actions_are_not_mixed_in(self):
        result = small_result()
        more = result.times_reached.assign(scope="all actions", people=1.0)
        result.times_reached = pd.concat([more, result.times_reached], ignore_index=True)
        assert [row["none_people"] for row in benefits(result)["times"]][:2] == [3600, 420]


class TestLeftOut:
    def test_each_scope_and_ledger_counts_once(self):
        together = small_result().together.assign(effects_left_out=[2, 2, 2, 1, 1])
        told = [(one["ledger"], one["effects"], one["scope"]) for one in effects_left_out(together)]
        assert told == [("benefit", 2, "active actions"), ("burden", 1, "active actions")]

    def test_as_many_of_all_actions_are_told_together(self):
        together = small_result().together.assign(effects_left_out=2)
        (one, _) = effects_left_out(pd.concat([together, together.assign(scope="all actions")]))
        assert one["scope"] == "active actions and of all actions"

    def test_without_any_there_is_nothing(self):
        assert effects_left_out(small_result().together) == effects_left_out(pd.DataFrame()) == []
        assert [part["left_out"] for part in section()["reached"]] == [0, 0]


class TestOutside:
    def test_effects_of_one_reach_are_one_sentence(self):
        unseen = small_result().unseen.assign(action="P", outside_area_share=0.25, residents_outside=NAN)
        ((action, (said,)),) = outside_by_action(unseen).items()
        assert action == "P"
        assert said.startswith('Of the reach of the benefit "cooling", the benefit "access" and the burden "noise", 25')

    def test_of_a_screening(self):
        plan = plan_of({"P": km_box(0, 0, 1, 1), "OUT": km_box(-1, 0, 1, 1)})
        told = outside_by_action(screen(four_zones(), plan).unseen)
        assert list(told) == ["OUT"]
        assert "50.0 % of the area lies outside" in told["OUT"][0]
        assert "how many people live there is not known: no outer data were given" in told["OUT"][0]


class TestComparison:
    def test_of_a_screening(self):
        found = comparison_section(screened(compare_overlays=True))
        (row,) = found["rows"]
        # The west half of A: 50 of its 100 people by area; all where A counts whole.
        assert (row["people_reached"], row["least"], row["most"]) == (pytest.approx(50), "50 by area", "100 by centre")
        assert list(found["ways"]) == ["area", "centre", "touch", "host"]
        assert (found["used"], found["rest"], found["same"]) == ("area", 0, 0)

    def test_a_way_by_which_it_is_not_known_is_no_change(self):
        result = small_result()
        by_group = result.compared_by_group
        result.compared_by_group = by_group.assign(direction=by_group["direction"].replace("in line with", ""))
        assert comparison_section(result)["rows"][0]["groups_changing"] == "People with low incomes (turns round)"

    def test_not_asked(self):
        assert comparison_section(screened()) is None


class TestTimes:
    def test_people_and_shares_of_each_group(self):
        everyone, low_income, colour = benefits()["times"]
        assert [everyone[f"{word}_people"] for word in ("none", "one", "two", "many")] == [3600, 1300, 1100, 0]
        assert sum(low_income[name] for name in SHARE_NAMES) == pytest.approx(1)
        assert (low_income["label"], low_income["two_share"]) == (LABELS["low_income"], pytest.approx(160 / 1200))
        assert np.isnan(colour["none_people"])
        assert colour["undefined"] == "the group has no people here"

    def test_of_a_screening(self):
        (part,) = reach_section(screened())["reached"]
        # 50 of the 100 people of A.
        assert part["times"][0]["one_people"] == pytest.approx(50)
        assert part["times"][0]["none_people"] == pytest.approx(950)

    def test_where_nobody_was_counted_there_is_no_table(self):
        result = small_result()
        result.times_reached = result.times_reached.assign(people=NAN, share=NAN, undefined="no people were given")
        assert benefits(result)["times"] == []


class TestDistances:
    def test_a_column_for_each_asked_distance(self):
        names = [(name, title) for name, title, _ in benefits()["further"]]
        assert names[:3] == [(f"within_{d}_m", f"Live within {d:,} m") for d in (400, 800, 1600)]

    def test_a_lattice_is_said_with_its_share(self):
        first, second = section()["reached"]
        assert (first["sampled"], second["sampled"]) == (0.5, 0.0)

    def test_where_no_action_has_a_place_there_is_no_table(self):
        result = small_result()
        result.distances = result.distances.assign(median_m=NAN, sampled=NAN)
        assert (benefits(result)["distances"], benefits(result)["further"]) == ([], [])


class TestHolds:
    def told(self, **changes):
        result = small_result()
        result.holds = result.holds.assign(**changes)
        return [row["holds"] for row in benefits(result)["distances"]]

    def test_a_range_in_which_two_distances_lie_is_said_once(self):
        assert self.told() == ["", "larger from 100 to 1,600 m", ""]

    def test_ranges_follow_one_another(self):
        told = self.told(sign=[0.0, -1.0], holds=["from 0 to 350 m", "from 350 m on"])
        assert told[1] == "equal from 0 to 350 m; smaller from 350 m on"

    def test_in_the_order_of_the_distances(self):
        told = self.told(distance_m=[400.0, 300.0], holds=["from 350 m on", "from 0 to 350 m"])
        assert told[1] == "larger from 0 to 350 m; larger from 350 m on"

    def test_where_everyone_is_within_nothing_is_said(self):
        assert self.told(share=1.0, share_everyone=1.0, sign=0.0)[1] == ""

    def test_undefined_is_not_said(self):
        assert self.told(sign=NAN, holds="")[1] == ""

    def test_without_any_there_is_no_column(self):
        burdens = section()["reached"][1]
        assert [name for name, *_ in burdens["further"]] == ["within_400_m", "within_800_m", "within_1600_m"]


class TestCurves:
    def test_a_group_stands_beside_everyone(self):
        (curve,) = benefits()["curves"]
        assert curve.label == LABELS["low_income"]
        # To 1,600 m, where all live: 46 px to 226 px; 100 % is 8 px from the top, 0 % 126 px.
        assert curve.everyone == "46.0,126.0 91.0,78.8 136.0,31.6 226.0,8.0"
        assert curve.group.split()[1] == "91.0,43.4"
        assert curve.ticks == ((46.0, "0"), (136.0, "800 m"), (226.0, "1,600 m"))

    def test_it_ends_where_everyone_of_all_groups_is_in(self):
        result = small_result()
        table = result.distance_curve[result.distance_curve["group"] != "colour"]
        result.distance_curve = table.assign(share=table["share"].where(table["distance_m"] < 800, 1.0))
        assert benefits(result)["curves"][0].ticks[-1][1] == "800 m"

    def test_without_groups_everyone_is_drawn_alone(self):
        result = small_result()
        result.distance_curve = result.distance_curve.query("group == 'everyone'")
        (curve,) = benefits(result)["curves"]
        assert (curve.label, curve.group) == ("Everyone", "")
        assert curve.everyone.endswith("226.0,8.0")

    def test_unknown_distances_draw_nothing(self):
        result = small_result()
        result.distance_curve["share"] = NAN
        assert benefits(result)["curves"] == []

    def test_places_in_the_drawing(self):
        assert (Curve.x(0.5), Curve.y(0.5)) == (136.0, 67.0)


class TestMissed:
    def of_benefits(self, count):
        result = small_result()
        result.missed = repeated(result.missed, count, ledger="benefit")
        return result

    def test_the_nearest_action_bears_its_name(self):
        part = benefits(self.of_benefits(1))
        assert (part["priority"], part["missed_count"], part["missed_rest"]) == (1, 1, 0)
        (row,) = part["missed"]
        assert (row["name"], row["nearest"], row["distance_m"]) == ("Ashfield", "Tram line", 320.0)

    def test_of_many_the_first_are_shown_and_all_counted(self):
        part = benefits(self.of_benefits(MOST_MISSED + 2))
        assert (len(part["missed"]), part["missed_rest"], part["missed_count"]) == (MOST_MISSED, 2, MOST_MISSED + 2)
        assert part["missed_people"] == 1000.0 * (MOST_MISSED + 2)

    def test_priority_neighbourhoods_without_people_are_not_counted(self):
        result = small_result()
        result.neighbourhoods["priority"] = [True, True, False, True]  # nobody lives in D
        assert benefits(result)["priority"] == 2

    def test_all_are_counted_where_no_population_is_known(self):
        result = small_result()
        result.neighbourhoods = result.neighbourhoods.assign(population=NAN, priority=[True, True, False, True])
        assert benefits(result)["priority"] == 3

    def test_of_a_screening(self):
        # Priority: C and D, that P in the west of A does not reach.
        result = screened(priority=Priority(column="heat", at_most=28))
        part = benefits(result)
        assert sorted(row["neighbourhood"] for row in part["missed"]) == ["C", "D"]
        assert {row["nearest"] for row in part["missed"]} == {"P"}

    def test_words_for_the_map(self):
        words = missed_by_benefits(self.of_benefits(1))
        assert words.to_dict() == {"A": "Tram line, 320 m away"}

    def test_words_for_the_map_are_safe(self):
        result = self.of_benefits(1)
        result.actions.loc["tram", "name"] = "<b>"
        assert missed_by_benefits(result)["A"] == "&lt;b&gt;, 320 m away"

    def test_no_nearest_action_is_a_dash(self):
        result = self.of_benefits(1)
        result.missed = result.missed.assign(nearest="", distance_m=NAN)
        assert missed_by_benefits(result)["A"] == "–"

    def test_those_that_no_burden_reaches_are_not_on_the_map(self):
        assert missed_by_benefits(small_result()).empty


class TestPairs:
    def test_actions_bear_their_names(self):
        (row,) = benefits()["pairs"]
        assert (row["action"], row["other"], row["people_both"]) == ("Cooling hub", "Tram line", 1100.0)

    def test_of_many_the_first_are_shown(self):
        result = small_result()
        result.overlaps = repeated(result.overlaps, MOST_PAIRS + 3)
        part = benefits(result)
        assert (len(part["pairs"]), part["pairs_rest"]) == (MOST_PAIRS, 3)

    def test_groups_are_no_pairs_of_their_own(self):
        result = small_result()
        result.overlaps = pd.concat([result.overlaps, result.overlaps.assign(group="low_income")])
        assert len(benefits(result)["pairs"]) == 1

    def test_the_note_comes_from_the_methods(self):
        result = small_result()
        assert section(result)["pairs_note"] == ""
        result.methods[PAIRS_NOTE] = "all are listed"
        assert section(result)["pairs_note"] == "all are listed"


class TestAlone:
    def test_active_actions_come_before_all(self):
        alone = alone_by_action(small_result().only_by)
        assert (alone["benefit", "hub"]["people_only"], alone["benefit", "hub"]["scope"]) == (900.0, "active actions")

    def test_whatever_the_order_of_the_rows(self):
        table = small_result().only_by
        assert alone_by_action(table.iloc[::-1]) == alone_by_action(table)

    def test_an_inactive_action_is_compared_with_all(self):
        table = small_result().only_by
        alone = alone_by_action(table[(table["scope"] == "all actions") | (table["action"] != "hub")])
        assert (alone["benefit", "hub"]["people_only"], alone["benefit", "hub"]["scope"]) == (850.0, "all actions")

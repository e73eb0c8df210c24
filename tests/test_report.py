"""The report: the tables' figures, both ledgers, nothing that runs, one accessible file."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from equity_screen import report
from equity_screen.recipe import Priority
from equity_screen.text import safe_text
from tests.browser import broken_rules, visit
from tests.results import hostile_result, small_result, without_burdens
from tests.test_maps import HOSTILE, without


class Tables(HTMLParser):
    """Rows of each table by its caption."""

    def __init__(self, page):
        super().__init__()
        self.tables, self.row, self.inside = {}, [], ""
        self.feed(page)

    def handle_starttag(self, tag, _attrs):
        if tag in {"caption", "th", "td"}:
            self.inside, self.text = tag, ""
        if tag == "tr":
            self.row = []

    def handle_data(self, data):
        if self.inside:
            self.text += data.replace("\u00a0", " ")

    def handle_endtag(self, tag):
        if tag == "caption":
            self.rows = self.tables.setdefault(self.text, [])
        if tag in {"th", "td"}:
            self.row.append(self.text)
        if tag == "tr":
            self.rows.append(self.row)
        if tag == self.inside:
            self.inside = ""


def rendered(result=None):
    return report.render_report(result or small_result(), versions={"GEOS": "3.14.1"})


def table(caption, result=None):
    return Tables(rendered(result)).tables[caption]


def noted_rows(count, **changes):
    """Flagged rows of one file: the fate of each, its id A000, A001 and so on."""
    row = {"input": "sites.csv", "status": "flagged", "codes": "ES-X", "reasons": "odd", "mends": "look"}
    return [row | {"row": f"row {n + 2}", "id": f"A{n:03d}"} | changes for n in range(count)]


def many_actions(count):
    """Copies of the hub; the action with number n reaches n people."""
    result = without(small_result(), ["hub"])
    ids = pd.Index([f"a{n:03d}" for n in range(count)], name="action")
    result.actions = pd.concat([result.actions] * count).set_index(ids)
    result.scores = pd.concat([result.scores] * count).set_index(ids)
    result.scores["name"] = [f"Hub {n:03d}" for n in range(count)]
    result.scores["benefit_people_reached"] = np.arange(count, dtype=float)
    return result


class TestPriorityRule:
    def test_both_bounds(self):
        assert report.priority_rule(Priority(column="rank", at_least=2, at_most=3)) == "rank at least 2 and at most 3"

    def test_values(self):
        assert report.priority_rule(Priority(column="type", one_of=("a", 4))) == "type is a, 4"


class TestFigures:
    def test_people_counted_once(self):
        rows = table("People in reach of at least one action: active actions")
        assert rows[2] == [
            "People with low incomes",
            *("benefit", "1,200", "780", "500", "1,100", "65.0 %", "940", "50.0 %"),
        ]

    def test_bounds_of_everyone_are_a_dash(self):
        everyone = table("People in reach of at least one action: active actions")[1]
        assert everyone[:6] == ["Everyone", "benefit", "6,000", "2,400", "–", "–"]

    def test_people_reached_stand_beside_those_who_live_in_priority_places(self):
        page = rendered().replace("\u00a0", " ")
        assert "25.0 % of them live in most burdened quarter, where 16.7 % of the people live" in page

    def test_scores_by_sector_then_name(self):
        rows = table("Actions, benefits and burdens side by side")
        assert [row[0] for row in rows[1:]] == [
            "Cooling hub",
            "Retrofit grant",
            "Food plan",
            "Pocket park",
            "Tram line",
        ]
        assert rows[5] == [
            *("Tram line", "Transport", "active, on the map"),
            *("access", "1,500", "25.0 %", "noise", "500", "0.0 %", "30,000,000", "900"),
        ]

    def test_by_group(self):
        rows = table("By group: Cooling hub, benefit: cooling")
        assert rows[1] == [
            *("People with low incomes", "1,200", "700", "500", "900", "58.3 %"),
            *("35.0 %", "20.0 %", "1.75", "0.310"),
        ]

    def test_undefined_is_a_dash_with_its_reason(self):
        assert table("By group: Tram line, burden: noise")[2][2] == "–"
        assert "Not defined for Communities of colour: no count in Brook." in rendered()

    def test_before_and_after_with_the_annex(self):
        means = table("Before and after: Cooling hub")
        assert means[1] == ["Everyone", "Summer heat", "°C", "31.20", "30.50", "−0.700", "0"]
        annex = table("Equally distributed equivalent before and after")
        assert annex[0][4] == "ε = 1: before → after (change)"
        assert annex[1] == ["Cooling hub", "Everyone", "Summer heat", "°C", "31.90 → 31.10 (−0.8000)"]

    def test_concentration_has_its_direction_in_words(self):
        rows = table("Concentration along a ranking of neighbourhoods")
        assert rows[1] == [
            *("Cooling hub", "benefit", "income", "−0.300", "−0.200"),
            "reaches less advantaged neighbourhoods more",
        ]

    def test_policy_has_its_source_and_gap(self):
        page = rendered()
        assert "City climate plan, page 12" in page
        assert "own target" in page
        assert "+10.0 points" in page
        assert "−15.0 points" in page

    def test_blank_ledger_is_said(self):
        page = rendered()
        assert page.count("Nobody has assessed this.") == 3
        assert page.count("The plan says that none is expected.") == 2
        assert page.count("The action has no place") == 2

    def test_every_mark_of_the_parity_plot_stands_in_the_table(self):
        page = rendered()
        plot = re.search(r'id="parity-0-title".*?</svg>', page, re.DOTALL)[0]
        assert plot.count("<circle") == 2
        assert {row[8] for row in table("By group: Cooling hub, benefit: cooling")[1:]} == {"1.75", "1.50"}
        assert "1.75 (1.25 to 2.25)" in plot

    def test_nothing_expected_reaches_nobody(self):
        result = small_result()
        result.scores.loc["park", "burden_people_reached"] = 500.0
        assert table("Actions, benefits and burdens side by side", result)[4][6:8] == ["none expected", "–"]

    def test_several_effects_of_a_ledger_stand_apart(self):
        result = small_result()
        second = result.by_effect.rename(index={"cooling": "shade"}, level="effect").iloc[:1]
        result.by_effect = pd.concat([result.by_effect, second])
        page = rendered(result)
        assert "<h5>cooling</h5>" in page
        assert "<h5>shade</h5>" in page

    def test_quality_and_provenance(self):
        assert table("What came in and what became of it")[2][:4] == [
            "money",
            "EUR",
            "42,500,000",
            "42,500,000",
        ]
        assert table("Rows repaired, flagged or refused, by input and code")[1:] == [
            [
                *("actions.csv", "flagged", "ES-PLACE-NONE", "1", "food"),
                *("no place is given", "give a place or zone ids"),
            ]
        ]
        assert table("Coverage")[1][:2] == ["heat", "98.0 %"]
        assert table("Input files")[1] == ["actions.csv", "5", "812", "ab" * 32]
        assert "GEOS 3.14.1" in rendered()

    def test_leads_with_counts_and_leaves_indices_to_the_annex(self):
        body, annex = rendered().split('id="annex"')
        assert "Kolm" not in body
        assert "oncentration index" not in body
        assert "Kolm–Pollak" in annex

    def test_screening_and_illustrative_notes(self):
        result = small_result()
        assert "not a determination" in rendered(result)
        assert "Illustrative numbers" in rendered(result)
        result.question = result.question.model_copy(update={"illustrative": False})
        assert "Illustrative numbers" not in rendered(result)


class TestNotAssessed:
    def test_card_says_so_and_no_zero_stands_for_it(self):
        page = rendered(without_burdens())
        cards = page.split('<ul class="figures">')[1].split("</ul>")[0]
        assert cards.count("<strong") == 2
        assert (
            '<strong class="words">not assessed</strong> <span class="burden">burdens</span> of active actions' in cards
        )
        assert "0</strong>" not in cards.replace("2,400</strong>", "")

    def test_table_and_chart_say_so_once(self):
        caption = "People in reach of at least one action: active actions"
        rows = table(caption, without_burdens())
        assert [row[1] for row in rows[1:]] == ["benefit", "benefit", "benefit", "burden"]
        assert rows[4] == ["Each group", "burden", "–", "not assessed", "–", "–", "–", "–", "–"]
        assert rendered(without_burdens()).count("In reach of a burden: not assessed</text>") == 1

    def test_only_inactive_burdens_are_no_zero_of_the_active_ones(self):
        result = small_result()
        result.scores.loc["tram", "active"] = False
        burdens = (result.together["ledger"] == "burden") & (result.together["group"] == "everyone")
        both = result.together.assign(scope="all actions")
        result.together.loc[burdens, "people_reached"] = 0.0
        result.together = pd.concat([result.together, both], ignore_index=True)
        assert table("People in reach of at least one action: active actions", result)[-1][3] == "not assessed"
        assert table("People in reach of at least one action: all actions, burdens", result)[1][3] == "500"

    def test_nothing_assessed_at_all_draws_no_chart(self):
        result = without_burdens()
        result.scores["benefit_assessed"] = "not assessed"
        result.reach, result.by_group = result.reach.iloc[:0], result.by_group.iloc[:0]
        page = rendered(result)
        assert "<svg" not in page
        assert page.count('<strong class="words">not assessed</strong>') == 2


class TestOwnUniverse:
    def test_share_is_of_those_among_whom_they_were_counted(self):
        result = small_result()
        result.by_group["own_universe"] = result.by_group["group"] == "low_income"
        page = rendered(result).replace("\u00a0", " ")
        note = "those among whom they were counted, not of everyone, for People with low incomes."
        assert page.count(note) == 2
        assert page.count("who are 41.7 % of those among whom they were counted") == 3

    def test_share_of_everyone_needs_no_note(self):
        page = rendered().replace("\u00a0", " ")
        assert "among whom they were counted" not in page
        assert page.count("who are 41.7 % of the people<") == 3


class TestStatus:
    def grouped(self, rows):
        return report.grouped_status(pd.DataFrame(rows))

    def test_a_thousand_rows_are_one_line_with_five_ids(self):
        (one,) = self.grouped(noted_rows(1000))
        assert (one["rows"], one["ids"]) == (1000, "A000, A001, A002, A003, A004 and 995 more")
        assert (one["reasons"], one["mends"]) == ("odd", "look")

    def test_five_ids_are_all_there_are_and_a_sixth_is_counted(self):
        ids = [self.grouped(noted_rows(count))[0]["ids"] for count in (5, 6)]
        assert ids == ["A000, A001, A002, A003, A004", "A000, A001, A002, A003, A004 and 1 more"]

    def test_inputs_codes_and_fates_stand_apart(self):
        rows = [
            *noted_rows(2),
            *noted_rows(1, codes="ES-Y"),
            *noted_rows(1, status="refused"),
            *noted_rows(1, input="b"),
        ]
        found = [(one["input"], one["status"], one["codes"], one["rows"]) for one in self.grouped(rows)]
        assert found == [
            *(("sites.csv", "flagged", "ES-X", 2), ("sites.csv", "flagged", "ES-Y", 1)),
            *(("sites.csv", "refused", "ES-X", 1), ("b", "flagged", "ES-X", 1)),
        ]

    def test_reasons_are_counted_most_frequent_first(self):
        rows = [*noted_rows(1, reasons="old"), *noted_rows(2, reasons="broken")]
        assert self.grouped(rows)[0]["reasons"] == "broken (2); old (1)"

    def test_beyond_three_reasons_the_others_are_counted(self):
        rows = [row for n in range(5) for row in noted_rows(1, reasons=f"{n}: not a number")]
        reasons = "0: not a number (1); 1: not a number (1); 2: not a number (1); and 2 others"
        assert self.grouped(rows)[0]["reasons"] == reasons

    def test_row_without_an_id_is_named_by_its_row(self):
        assert self.grouped(noted_rows(1, id=""))[0]["ids"] == "row 2"

    def test_rows_used_as_they_came_are_counted_only(self):
        result = small_result()
        result.status = pd.DataFrame([*noted_rows(3, status="used", codes=""), *noted_rows(250)])
        rows = table("Rows repaired, flagged or refused, by input and code", result)
        assert [row[3] for row in rows[1:]] == ["250"]
        assert "Rows used as they came: 3. Every row stands in status.csv" in rendered(result)


class TestCards:
    def test_many_cards_are_folded(self):
        page = rendered()
        assert page[page.index("<article") :].count("<details>") == 5
        assert "<details open>" not in page

    def test_few_cards_are_open(self):
        assert rendered(without(small_result(), ["hub", "tram"])).count("<details open>") == 2

    def test_folded_card_shows_both_ledgers(self):
        card = rendered().split("<article")[1].split("<details>")[0]
        text = " ".join(re.sub("<[^>]+>", "", card).split())
        assert text.endswith("Benefit: cooling, 2,000 people in reach. Burden: not assessed.")

    def test_repeated_names_bear_their_id(self):
        result = small_result()
        result.scores["name"] = ["Hub", "Tram line", "Hub", "Hub 2", "Food plan"]
        rows = table("Actions, benefits and burdens side by side", result)
        assert [row[0] for row in rows[1:]] == ["Hub (hub)", "Hub 2", "Food plan", "Hub (park)", "Tram line"]

    def test_being_in_reach_needs_no_mean(self):
        result = small_result()
        result.by_effect["unit"] = "people in reach"
        assert "Mean over everyone" not in rendered(result)
        assert "Mean over everyone" in rendered()


class TestPercent:
    def test_no_line_breaks_before_a_percent_sign(self):
        body = rendered().split("</style>")[1]
        assert "65.0\u00a0%" in body
        assert re.findall(r"\d %", body) == []


class TestScopes:
    def test_active_and_all_actions_are_told_apart(self):
        result = small_result()
        everyone = result.together.assign(scope="all actions", people_reached=3000.0)
        result.together = pd.concat([result.together, everyone], ignore_index=True)
        page = rendered(result)
        assert table("People in reach of at least one action: all actions", result)[1][3] == "3,000"
        assert page.count("<h3>People in reach") == 2

    def test_same_figures_are_not_told_twice(self):
        result = small_result()
        result.together = pd.concat([result.together, result.together.assign(scope="all actions")])
        page = rendered(result)
        assert page.count("<h3>People in reach") == 1
        assert "counted once: active actions (the same for all actions)" in page

    def both(self, **changes):
        """All actions: as the active ones, but for these columns of the benefits."""
        result = small_result()
        more = result.together.assign(scope="all actions")
        more.loc[more["ledger"] == "benefit", list(changes)] = list(changes.values())
        result.together = pd.concat([result.together, more], ignore_index=True)
        return result

    def test_people_counted_twice_are_another_matter(self):
        rows = table(
            "People in reach of at least one action: active actions (the same for all actions)",
            self.both(people_summed=9e9, effects_left_out=4),
        )
        assert rows[0][7] == "Reached, with double counting: active actions"

    def test_the_ledger_with_the_same_figures_is_told_once(self):
        page = " ".join(rendered(self.both(people_reached=3000.0)).split())
        assert page.count("in reach of a <span") == 3
        assert '<span class="burden">burden</span> of active actions (the same for all actions) that lands' in page
        assert "Burdens: active actions (the same for all actions)." in page
        assert "counted once: all actions, benefits</h3>" in page


class TestPlaces:
    def test_both_ledgers_by_ward(self):
        rows = table("People in reach of active actions, each counted once: Council wards")
        assert rows == [
            ["Area", "People", "In reach of a benefit", "Share", "In reach of a burden", "Share"],
            ["South ward", "3,000", "2,400", "80.0 %", "500", "16.7 %"],
            ["North ward", "3,000", "0", "0.0 %", "0", "0.0 %"],
        ]

    def test_a_ledger_that_was_not_assessed_has_no_column(self):
        head, *_ = table("People in reach of active actions, each counted once: Council wards", without_burdens())
        assert "In reach of a burden" not in head

    def test_footprints_summed_and_dissolved_stand_side_by_side(self):
        head, row = table("Actions and their own places: All actions")
        found = dict(zip(head, row, strict=True))
        assert found["Area added up [km²]"] == found["Area, each place once [km²]"] == "0.160"
        assert found["Actions"] == "5"
        assert found["Share of the area in priority places, each place once"] == "0.0 %"

    def test_an_unknown_cost_is_a_dash(self):
        rows = {row[0]: row for row in table("Actions and their own places: By sector")}
        cost = rows["Class"].index("Cost [EUR]")
        assert [rows[name][cost] for name in ("Food", "Transport")] == ["–", "30,000,000"]

    def test_a_long_table_says_where_the_rest_is(self):
        result = small_result()
        first = result.by_boundary[result.by_boundary["area"] == "1"]
        result.by_boundary = pd.concat([first.assign(area=f"{n:02d}") for n in range(62)], ignore_index=True)
        assert "The other 2 areas are in by_boundary.csv." in rendered(result).replace("\u00a0", " ")


class TestReach:
    def test_how_often(self):
        head, everyone, low_income, colour = table("People by the number of actions whose benefits reach them")
        assert head[:5] == ["Group", "None", "Share: none", "One", "Share: one"]
        assert everyone == ["Everyone", "3,600", "60.0 %", "1,300", "21.7 %", "1,100", "18.3 %", "0", "0.0 %"]
        assert low_income[1:3] == ["420", "35.0 %"]
        assert set(colour[1:]) == {"–"}
        assert "Not defined for Communities of colour: the group has no people here." in rendered()

    def test_how_far(self):
        head, everyone, low_income, _ = table("Distance from home to the nearest action with a benefit")
        assert head[3:] == ["Live within 400 m", "Live within 800 m", "Live within 1,600 m", "Share beside everyone's"]
        assert everyone == ["Everyone", "450", "1,200", "40.0 %", "80.0 %", "100.0 %", ""]
        assert low_income[-1] == "larger from 100 to 1,600 m"

    def test_a_lattice_is_said_where_there_is_one(self):
        words = "Where 50.0 % of the people live in their neighbourhood is not known"
        assert rendered().replace("\u00a0", " ").count(words) == 1

    def test_priority_neighbourhoods_that_no_benefit_reaches(self):
        result = small_result()
        result.missed = result.missed.assign(ledger="benefit")
        head, row = table("Priority neighbourhoods that no benefit reaches: 1 of 1", result)
        assert row == ["Ashfield", "1,000", "Tram line", "320"]
        assert head[1] == "People"

    def test_those_that_no_burden_reaches_are_counted_only(self):
        page = rendered()
        words = "No burden reaches 1 of the 1 priority neighbourhood where people live (1,000 people)."
        assert words in page
        assert "Priority neighbourhoods that no burden reaches" not in page

    def test_where_all_are_reached_that_is_said(self):
        words = "Every priority neighbourhood where people live is reached at least in part by a benefit: 1 of 1."
        assert words in rendered()

    def test_no_distance_is_inside(self):
        result = small_result()
        result.distances = result.distances.assign(median_m=0.0)
        _, everyone, *_ = table("Distance from home to the nearest action with a benefit", result)
        assert everyone[1:3] == ["0 (inside an action’s area)", "1,200"]

    def test_effects_that_some_take_up_are_said_to_be_left_out(self):
        assert "Left out" not in rendered()
        result = small_result()
        result.together = result.together.assign(effects_left_out=[2, 2, 2, 0, 0])
        page = " ".join(rendered(result).split())
        assert "who takes them up is not known: 2 benefits of active actions." in page
        assert page.count("2 benefits that only some of those in reach take up.") == 1

    def test_uptake_is_said_with_the_groups_labels(self):
        result = small_result()
        result.by_effect["reach"] = "within 400 m, taken up by low_income=0.6; others=0.2"
        text = rendered(result).replace("\u00a0", " ")
        assert "within 400 m, taken up by 60 % of people with low incomes and 20 % of all others" in text

    def test_what_lies_outside_is_on_the_card(self):
        text = rendered().replace("\u00a0", " ")
        said = (
            "10.0 % of the area lies outside the neighbourhoods, where nobody is counted; about 150 people live there"
        )
        assert text.count(said) == text.count("lies outside") == 1


class TestComparison:
    CAPTION = "People reached by the way of counting; effects whose finding hangs on it come first"

    def test_what_hangs_on_the_way_comes_first(self):
        head, hub, tram = table(self.CAPTION)
        assert head[2:6] == ["By points", "Least", "Most", "Most less least, of those by points"]
        assert hub[:6] == ["Cooling hub", "benefit: cooling", "2,000", "1,800 by area", "3,000 by touch", "60.0 %"]
        assert hub[6:] == ["People with low incomes (turns round); Communities of colour", "1,000"]
        assert tram[2:7] == ["1,500", "the same by all", "", "0.0 %", ""]

    def test_ways_are_explained(self):
        text = " ".join(re.sub("<[^>]+>", " ", rendered()).split())
        assert "Points (used) share of a neighbourhood" in text
        assert "Centre a neighbourhood counts whole where its centre is in reach" in text
        assert "Touch a neighbourhood counts whole where any of its area is in reach" in text
        assert "It is shown for comparison, in no range." in text
        assert "For 1 effect the way of counting changes whether some group receives more than" in text
        assert "1 effect is the same by all, since no neighbourhood is apportioned." in text

    def test_the_longest_table_says_how_many_more(self):
        result = small_result()
        result.compared = pd.concat([result.compared] * 9)
        assert len(table(self.CAPTION, result)) == 16
        assert "And 3 more in compared.csv." in rendered(result)

    def test_not_asked_it_is_not_there(self):
        result = small_result()
        result.compared = result.compared.iloc[:0]
        assert 'id="compared"' not in rendered(result)
        assert "#compared" not in rendered(result)

    def test_pairs_and_how_many_more(self):
        result = small_result()
        result.overlaps = pd.concat([result.overlaps] * 17, ignore_index=True)
        result.methods["pairs of actions"] = "all pairs are listed"
        rows = table("Pairs of actions whose benefits reach the same people", result)
        assert rows[1] == ["Cooling hub", "Tram line", "1,100", "73.3 %"]
        assert "And 2 more in overlaps.csv (all pairs are listed)." in rendered(result)

    def test_curves_are_named_and_described(self):
        page = rendered()
        assert page.count('<polyline class="benefit"') == page.count('<polyline class="everyone"') == 1
        assert 'aria-labelledby="curve-benefit-0 curve-benefit-0-desc"' in page
        assert '<p id="curve-benefit-0">People with low incomes</p>' in page

    def test_a_ledger_that_was_not_assessed_is_left_out(self):
        page = rendered(without_burdens())
        assert "Benefits of active actions</h3>" in page
        assert "Burdens of active actions</h3>" not in page

    def test_cards_say_how_an_effect_reaches_and_by_what_source(self):
        text = " ".join(re.sub("<[^>]+>", " ", rendered()).split())
        assert "Reach within 400 m Cooling centre: within 400 m (City heat plan 2024) People reached 2,000" in text
        assert "Reach within 50.0 m People reached 500" in text

    def test_cards_say_whom_an_action_alone_reaches(self):
        text = " ".join(re.sub("<[^>]+>", " ", rendered()).replace("\u00a0", " ").split())
        assert "Reached by no other active action 900 45.0 % of the 2,000 whom it reaches by place" in text
        assert text.count("Reached by no other") == 3

    def test_an_inactive_action_alone_among_all(self):
        result = small_result()
        table_ = result.only_by
        result.only_by = table_[(table_["scope"] == "all actions") | (table_["action"] != "hub")]
        assert "<dt>Reached by no other action</dt><dd>850" in rendered(result)

    def test_of_several_effects_it_is_said_of_them_together(self):
        result = small_result()
        assert "<h5>Together</h5>" not in rendered(result)
        second = result.by_effect.rename(index={"cooling": "shade"}, level="effect").iloc[:1]
        result.by_effect = pd.concat([result.by_effect, second])
        assert rendered(result).count("<h5>Together</h5>") == 1


class TestFair:
    def test_sections_follow_the_reach_and_are_in_the_contents(self):
        page = rendered()
        order = [
            page.index(f'<section id="{key}"') for key in ("reach", "compared", "shared", "sure", "places", "actions")
        ]
        assert order == sorted(order)
        contents = page[page.index('aria-label="Contents"') : page.index("</nav>")]
        assert '<a href="#shared">How the plan is shared out</a>' in contents
        assert '<a href="#sure">How sure that is</a>' in contents

    def test_figures_stand_in_tables_with_captions(self):
        head, *_, low_income = table("Summer heat [°C], higher is worse: baseline, with all active actions, change")
        assert head[1:3] == ["Baseline: mean", "Gap to the rest"]
        assert low_income == [
            *("People with low incomes", "31.20", "1.00", "30.50", "0.750", "−0.700"),
            "narrows the gap by 25.0 % of it",
        ]
        chance = table("Findings that are unusual among the same footprints elsewhere")
        assert chance[1] == [
            *("Cooling hub", "benefit: cooling", "People with low incomes", "1.75", "0.010", "0.030", "99"),
        ]

    def test_a_long_table_says_how_many_more_and_where(self):
        result = small_result()
        result.references = pd.concat([result.references] * 4, ignore_index=True)
        assert "And 9 more in references.csv." in rendered(result)

    def test_cards_say_whether_it_could_be_chance_and_whether_the_benefit_follows_the_burden(self):
        card = rendered().split("<article")[1]
        assert "Of 99 other places for the footprint of the benefit" in card
        assert "the benefit follows the burden" in card

    def test_margins_stand_beside_parity_and_the_priority_share_where_they_are_known(self):
        caption = "By group: Cooling hub, benefit: cooling"
        assert "Margin of the parity, ±" not in table(caption)[0]
        result = small_result()
        result.by_group["parity_moe"] = 0.25
        result.by_effect["priority_place_share_moe"] = 0.034
        assert (table(caption, result)[0][9], table(caption, result)[1][9]) == ("Margin of the parity, ±", "0.250")
        assert "± 3.4 points (90\u00a0% margin of error of the people)" in rendered(result)

    def test_without_people_there_are_no_sections(self):
        result = small_result()
        result.neighbourhoods["population"] = np.nan
        page = rendered(result)
        assert 'id="shared"' not in page
        assert "#sure" not in page

    def test_no_sentence_is_a_verdict(self):
        text = re.sub("<[^>]+>", " ", rendered().split("</style>")[1]).lower()
        assert re.findall(r"\b(?:un)?fair(?:ly|ness)?\b|\bunjust\b|\bproves?\b", text) == []


class TestBaseline:
    def test_means_by_group_and_place(self):
        rows = {row[0]: row[1:] for row in table("Mean of each indicator")}
        assert rows["Everyone"][:2] == ["Summer heat [°C]", "worse"]
        assert rows["In priority places"][2:] == ["34.00", "100.0 %", "34.00", "100.0 %"]
        assert rows["People with low incomes"][-2:] == ["–", "–"], "a group has no area of its own"

    def test_years(self):
        rows = {row[0]: row[1:] for row in table("What starts, what runs, what it saves")}
        assert rows["2028"] == ["1", "30,000,000", "2", "1,000", "0"]
        assert rows["not known"][1] == "–"


class TestWithoutPeople:
    @pytest.fixture
    def page(self):
        result = small_result()
        hoods, together = result.neighbourhoods, result.together
        result.neighbourhoods = hoods.assign(population=np.nan, benefit_reached_share=np.nan)
        result.together = together.assign(people_reached=np.nan, undefined="no people were given")
        result.by_boundary = result.by_boundary.iloc[:0]
        result.times_reached = result.times_reached.assign(people=np.nan, share=np.nan)
        result.distances = result.distances.assign(median_m=np.nan)
        result.missed = result.missed.assign(ledger="benefit", people=np.nan)
        result.sentences = {"summary": ("No population was given: this run counts actions.",)}
        return rendered(result)

    def test_says_for_whom_it_speaks_and_draws_no_chart_of_people(self, page):
        assert "Nobody: no population was given" in page
        assert "No population was given: this run counts actions." in page
        assert "People in reach" not in page
        assert "Partly reached neighbourhoods" not in page
        assert "People by the number of actions" not in page

    def test_whom_nothing_reaches_is_told_without_people(self, page):
        _, row = Tables(page).tables["Priority neighbourhoods that no benefit reaches: 1 of 1"]
        assert row == ["Ashfield", "Tram line", "320"]
        assert "Distance from home" not in page

    def test_areas_speak(self, page):
        head, *_ = Tables(page).tables["Mean of each indicator"]
        assert head == ["Of", "Indicator", "Higher is", "Mean over the area", "Share of the area with a value"]
        assert "Actions and their own places: All actions" in Tables(page).tables


class TestNotes:
    def test_what_is_of_a_whole_file_stands_apart_from_its_rows(self):
        _, row = table("Noted of whole files")
        assert row[:3] == ["actions.csv", "flagged", "ES-ACTION-SAME-PLACE"]
        rows = table("Rows repaired, flagged or refused, by input and code")
        assert [row[2] for row in rows] == ["Code", "ES-PLACE-NONE"]

    def test_without_any_there_is_no_table(self):
        result = small_result()
        result.status = result.status[result.status["row"] != ""]
        assert "Noted of whole files" not in Tables(rendered(result)).tables


class TestManyActions:
    def test_sixty_are_all_shown(self):
        assert len(report.shown_actions(many_actions(60).scores)) == 60

    def test_of_more_the_twenty_that_reach_most_are_shown_by_name(self):
        result = many_actions(61)
        assert list(report.shown_actions(result.scores)["name"]) == [f"Hub {n:03d}" for n in range(41, 61)]
        page = rendered(result)
        assert page.count("<article") == 20
        assert "The other 41 are in scores.csv" in page


class TestOddResults:
    def test_no_action(self):
        result = without(small_result(), [])
        result.together = result.together.iloc[:0]
        page = rendered(result)
        assert "No action was given." in page
        assert "No action has a located effect." in page

    def test_no_group_priority_or_ranking(self):
        result = small_result()
        result.question = result.question.model_copy(update={"groups": {}, "priority": None, "rankings": {}})
        page = rendered(result)
        assert "no group was named" in page
        assert "No rule was given." in page
        assert "No ranking was named" in page

    def test_nothing_noted_and_no_sentence(self):
        result = small_result()
        result.status, result.sentences = result.status.iloc[:1], {}
        assert "No row was repaired, flagged or refused." in rendered(result)


class TestFile:
    def test_same_result_gives_same_bytes(self, tmp_path):
        paths = [tmp_path / "a.html", tmp_path / "b.html"]
        for path in paths:
            report.write_report(small_result(), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert b"\r" not in paths[0].read_bytes()

    def test_order_of_rows_changes_nothing(self):
        result = small_result()
        expected = rendered(result)
        result.scores, result.actions = result.scores.iloc[::-1], result.actions.iloc[::-1]
        assert rendered(result) == expected

    def test_no_script_and_no_address_outside_the_file(self):
        page = rendered()
        assert page.startswith("<!DOCTYPE html>")
        assert "<script" not in page
        assert re.findall(r"""(?:src|href)=["'](?!#)""", page) == []
        assert "default-src 'none'" in html.unescape(page)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_never_evaluated(text):
    page = rendered(hostile_result(text))
    assert "1337" not in page
    assert text not in page
    assert page.count(safe_text(text)) > 30


def settled(page, expression, wanted):
    """Wait until an expression has a value: the browser lays a page out in its own time."""
    for _ in range(50):
        if page.evaluate(expression) == wanted:
            return True
        page.wait_for_timeout(100)
    return False


@pytest.mark.browser
class TestInBrowser:
    @pytest.mark.parametrize("width", [1280, 360])
    def test_accessible_quiet_and_offline(self, page, tmp_path, width):
        report.write_report(small_result(), tmp_path / "report.html")
        page.set_viewport_size({"width": width, "height": 900})
        faults = visit(page, tmp_path / "report.html")
        assert broken_rules(page) == []
        assert faults == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    def test_folded_cards_open_on_paper_and_when_linked_to(self, page, tmp_path):
        report.write_report(small_result(), tmp_path / "report.html")
        visit(page, tmp_path / "report.html")
        shown = "[...document.querySelectorAll('.ledgers')].map(e => e.checkVisibility({contentVisibilityAuto: true}))"
        assert settled(page, shown, [False] * 5)
        page.emulate_media(media="print")
        assert settled(page, shown, [True] * 5)
        page.emulate_media(media="screen")
        page.get_by_role("navigation", name="Actions in detail").get_by_role("link", name="Pocket park").click()
        assert settled(page, shown, [False, False, False, True, False])

    def test_open_cards_without_burdens_are_accessible(self, page, tmp_path):
        report.write_report(without_burdens(), tmp_path / "report.html")
        faults = visit(page, tmp_path / "report.html")
        page.evaluate("document.querySelectorAll('details').forEach(card => card.open = true)")
        assert broken_rules(page) == []
        assert faults == []

    def test_no_label_of_a_chart_is_clipped(self, page, tmp_path):
        result = small_result()
        result.together["label"] = "People with incomes below the poverty line"
        report.write_report(result, tmp_path / "report.html")
        visit(page, tmp_path / "report.html")
        edges = "[...document.querySelectorAll('#found svg text')].map(text => text.getBBox().x)"
        assert min(page.evaluate(edges)) >= 0

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_shows_as_it_is(self, page, tmp_path, text):
        report.write_report(hostile_result(text), tmp_path / "report.html")
        faults = visit(page, tmp_path / "report.html")
        assert page.inner_text("h1") == text
        assert page.evaluate("window.ran") is None
        assert faults == []


def test_of_many_actions_without_people_those_with_the_largest_places_are_shown():
    scores = many_actions(61).scores
    scores[["benefit_people_reached", "burden_people_reached"]] = np.nan
    scores["footprint_km2"] = np.arange(len(scores), 0, -1.0)
    shown = report.shown_actions(scores)
    assert len(shown) == 20
    assert shown["footprint_km2"].min() == len(scores) - 19

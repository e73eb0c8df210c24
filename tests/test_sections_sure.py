"""Section of the report on how sure the findings are: what can be told, reliability, chance, ranks, zones."""

from __future__ import annotations

import pandas as pd
import pytest

from equity_screen.recipe import Siting, Stability
from equity_screen.sections_sure import MOST_UNUSUAL, sure_parts
from tests.results import LABELS, NAN, small_result


def part(key, result=None):
    return next((one for one in sure_parts(result or small_result()) if one["key"] == key), None)


def rows(key, *fields, result=None):
    (listing,) = part(key, result)["tables"]
    return [tuple(row[field] for field in fields) for row in listing.rows]


class TestTold:
    def test_by_ledger_and_in_all(self):
        assert rows("told", "told", "benefit", "burden", "all") == [
            ("Above parity", 1, 0, 1),
            ("In line with parity", 0, 1, 1),
            ("Cannot be told: the counts by neighbourhood allow both", 2, 0, 2),
            ("Not defined", 0, 1, 1),
        ]

    def test_adds_up_to_the_findings(self):
        assert part("told")["told"][0].startswith("Of 5 findings (an effect and a group each) 1 lies above parity")
        assert sum(row[0] for row in rows("told", "all")) == 5

    def test_without_groups_nothing_is_told(self):
        result = small_result()
        result.by_group = result.by_group.iloc[:0]
        assert part("told", result) is None


class TestReliability:
    def test_a_sentence_a_group(self):
        low_income, colour = part("reliability")["told"]
        assert (
            low_income
            == f"{LABELS['low_income']}: reliable enough by neighbourhood (median coefficient of variation 20 %)."
        )
        assert colour.endswith(
            "reliable enough by city (median coefficient of variation 25 %), not by neighbourhood (50 %)."
        )

    def test_the_table_is_folded_and_leaves_out_what_has_no_margin(self):
        result = small_result()
        result.reliability.loc[:1, "areas"] = 0
        assert rows("reliability", "level", "fine", result=result) == [("neighbourhood", "no"), ("city", "yes")]
        assert part("reliability", result)["tables"][0].folded

    def test_without_margins_there_is_none(self):
        result = small_result()
        result.reliability = pd.DataFrame()
        assert part("reliability", result) is None


class TestChance:
    def test_those_with_small_q_are_listed(self):
        found = rows("chance", "name", "about", "label", "parity", "p", "q", "placements")
        assert found == [("Cooling hub", "benefit: cooling", LABELS["low_income"], 1.75, "0.010", "0.030", 99.0)]

    def test_the_null_and_what_could_not_be_asked_are_said(self):
        null, unusual, unasked = part("chance")["told"]
        assert "free permutation" in null
        assert unusual.startswith("Of 4 findings (an effect and a group each) that could be asked, 1 is unusual")
        assert unasked == "It could not be asked in 1 of 6 rows: the group has no people here (1)."

    def test_the_share_of_false_discoveries_is_the_projects_own(self):
        result = small_result()
        result.question = result.question.model_copy(update={"siting": Siting(false_discoveries=0.02)})
        assert part("chance", result)["tables"] == []
        assert "none is unusual where 2 %" in part("chance", result)["told"][1]

    def test_a_long_list_says_how_many_more(self):
        result = small_result()
        hub = result.by_group.head(1)
        many = [hub.assign(group=f"g{n}") for n in range(MOST_UNUSUAL + 3)]
        result.by_group = pd.concat(many, ignore_index=True)
        (listing,) = part("chance", result)["tables"]
        assert (len(listing.rows), listing.rest) == (MOST_UNUSUAL, 3)

    def test_not_asked_says_so_with_its_reason(self):
        result = small_result()
        result.chance, result.methods = pd.DataFrame(), {"could it be chance": "not asked: siting.placements is 0"}
        assert part("chance", result)["told"] == [
            "It was not asked whether findings could be chance. Not asked: siting.placements is 0."
        ]


class TestStability:
    def test_ranks_with_all_varied(self):
        found = rows("stability", "name", "place", "median", "band", "first_share")
        assert found == [("Cooling hub", "1", "1", "1 to 2", 0.75), ("Tram line", "2", "2", "1 to 2", 0.25)]

    def test_who_could_be_first_is_named(self):
        who, varied = part("stability")["told"]
        assert (
            who == "With thresholds varied, Cooling hub is first in 75 % of 200 draws; Tram line (25 %) could be first."
        )
        assert varied == "Varied: threshold ± 10."

    @pytest.mark.parametrize(
        ("rank_by", "words"),
        [
            ("priority_place_share", "Ranks by the share of a benefit that goes to priority places, with all varied"),
            ("parity:low_income", "Ranks by parity of people with low incomes, with all varied"),
            ("people_reached", "Ranks by people reached, with all varied"),
        ],
    )
    def test_says_by_what(self, rank_by, words):
        result = small_result()
        result.question = result.question.model_copy(update={"stability": Stability(rank_by=rank_by)})
        assert part("stability", result)["tables"][0].caption.startswith(words)

    def test_halves_and_unranked(self):
        result = small_result()
        result.stability = result.stability.assign(rank=1.5, median_rank=NAN)
        assert rows("stability", "place", "median", result=result) == [("1.5", "–"), ("1.5", "–")]

    def test_not_asked(self):
        result = small_result()
        result.question = result.question.model_copy(update={"stability": None})
        assert part("stability", result) is None


class TestZonings:
    def test_those_that_hang_on_the_zones_widest_range_first(self):
        found = rows("zonings", "name", "label", "parity_low", "parity_high")
        assert found == [("Tram line", LABELS["colour"], 0.75, 1.5), ("Cooling hub", LABELS["colour"], 0.9, 1.5)]

    def test_counts(self):
        (said,) = part("zonings")["told"]
        assert "2 of 5 findings change their side of parity, and 3 do not; 1 cannot be compared" in said

    def test_where_none_does_the_sentence_stands_alone(self):
        result = small_result()
        result.zoning_range["straddles_parity"] = False
        assert part("zonings", result)["tables"] == []

    def test_not_asked(self):
        result = small_result()
        result.zoning_range = pd.DataFrame()
        assert part("zonings", result) is None

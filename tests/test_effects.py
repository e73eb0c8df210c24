"""Benefits and burdens: the table of effects, and rules that hold for many actions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen.effects import check_effects, completed, effects_from_rules, uptake_of
from equity_screen.errors import InputError
from equity_screen.kinds import kinds_with
from equity_screen.schema import Origin
from equity_screen.sources import EffectRule

CSV = Origin("effects.csv", "row")
ROW = {"action": "A1", "ledger": "benefit", "effect": "shade", "unit": "°C", "amount": "0.5"}


def check(*changes, actions=("A1", "A2")):
    table = pd.DataFrame([{**ROW, **change} for change in changes or [{}]]).fillna("")
    return check_effects(table, origin=CSV, actions=actions)


def fault(**change):
    (found,) = check({"effect": "other"}, change).findings
    return found


class TestTable:
    def test_what_is_not_said(self):
        row = check().table.iloc[0]
        assert row[["per", "reach", "driver", "indicator", "grade"]].tolist() == ["person", "footprint", "", "", ""]
        assert row[["amount_low", "amount_high", "distance_m"]].isna().all()

    def test_rows_in_the_order_of_action_ledger_effect(self):
        rows = [("A2", "benefit", "b"), ("A1", "burden", "a"), ("A1", "benefit", "z"), ("A1", "benefit", "b")]
        table = check(*({"action": a, "ledger": s, "effect": e} for a, s, e in rows)).table
        found = table[["action", "ledger", "effect"]].apply(tuple, axis=1).tolist()
        assert found == sorted(rows)

    def test_words_in_any_case_and_blanks_around(self):
        row = check({"ledger": " Burden ", "reach": "CITYWIDE", "action": "A1 ", "per": "Total"}).table.iloc[0]
        assert row[["action", "ledger", "reach", "per"]].tolist() == ["A1", "burden", "citywide", "total"]

    def test_source_is_another_name_for_evidence(self):
        assert check({"source": "Plan 2030"}).table["evidence"].tolist() == ["Plan 2030"]
        assert check({"source": "x", "evidence": "Plan 2030"}).table["evidence"].tolist() == ["Plan 2030"]

    def test_needed_columns(self):
        with pytest.raises(InputError, match="2 faults") as caught:
            check_effects(pd.DataFrame({"action": ["A1"], "efect": ["x"], "unit": ["m"]}), origin=CSV, actions=["A1"])
        assert [(f.column, f.source) for f in caught.value.findings] == [
            ("ledger", "effects.csv"),
            ("effect", "effects.csv"),
        ]
        assert "did you mean 'efect'?" in str(caught.value)

    def test_the_table_given_is_left_alone(self):
        table = pd.DataFrame([{**ROW, "source": "x"}])
        check_effects(table, origin=CSV, actions=["A1"])
        assert list(table.columns) == [*ROW, "source"]


class TestFaults:
    @pytest.mark.parametrize(
        ("change", "code", "column", "value"),
        [
            ({"action": "A3"}, "ES-EFFECT-ACTION", "action", "A3"),
            ({"action": ""}, "ES-EFFECT-ACTION", "action", ""),
            ({"effect": " "}, "ES-EFFECT-NAME", "effect", ""),
            ({"ledger": "benefits"}, "ES-EFFECT-WORD", "ledger", "benefits"),
            ({"per": "capita"}, "ES-EFFECT-WORD", "per", "capita"),
            ({"reach": "near"}, "ES-EFFECT-WORD", "reach", "near"),
            ({"grade": "guessed"}, "ES-EFFECT-WORD", "grade", "guessed"),
            ({"amount": "much"}, "ES-NUMBER-TEXT", "amount", "much"),
            ({"amount": "-0.5"}, "ES-EFFECT-NEGATIVE", "amount", "-0.5"),
            ({"reach": "within"}, "ES-EFFECT-DISTANCE", "distance_m", ""),
            ({"reach": "within", "distance_m": "0"}, "ES-EFFECT-DISTANCE", "distance_m", "0.0"),
            ({"distance_m": "100"}, "ES-EFFECT-DISTANCE-UNUSED", "distance_m", "100.0"),
            ({"amount_low": "0.6"}, "ES-EFFECT-ORDER", "amount", "0.5"),
            ({"amount_high": "0.4"}, "ES-EFFECT-ORDER", "amount", "0.5"),
        ],
        ids=str,
    )
    def test_is_refused_with_its_place(self, change, code, column, value):
        checked = check({"effect": "other"}, change)
        found = next(f for f in checked.findings if f.code == code)
        action = change.get("action", "A1")
        assert (found.status, found.source, found.row, found.id) == ("refused", "effects.csv", "row 3", action)
        assert (found.column, found.value) == (column, value)
        assert checked.table["effect"].tolist() == ["other"]

    def test_the_mend_names_the_nearest_word(self):
        assert fault(ledger="benefits").mend == "did you mean 'benefit'?"

    @pytest.mark.parametrize("low", ["", "0.5", "0"])
    def test_low_central_high_may_be_equal_or_unknown(self, low):
        assert check({"amount_low": low, "amount_high": "0.5"}).findings == ()

    def test_low_above_high_without_a_central_amount(self):
        codes = {f.code for f in check({"amount": "", "amount_low": "5", "amount_high": "1"}).findings}
        assert codes == {"ES-EFFECT-AMOUNT", "ES-EFFECT-ORDER"}

    def test_no_amount_is_flagged_and_kept(self):
        checked = check({"amount": ""})
        assert checked.status["status"].tolist() == ["flagged"]
        assert np.isnan(checked.table["amount"][0])

    def test_an_amount_of_0_is_an_amount(self):
        assert check({"amount": "0"}).findings == ()

    def test_the_same_effect_twice_in_one_ledger(self):
        checked = check({}, {"amount": "1"}, {"ledger": "burden"}, {"action": "A2"})
        assert [(f.code, f.row) for f in checked.findings] == [
            ("ES-EFFECT-DUPLICATE", "row 2"),
            ("ES-EFFECT-DUPLICATE", "row 3"),
        ]

    def test_all_faults_of_a_row_at_once(self):
        checked = check({"action": "A3", "ledger": "x", "amount": "-1", "distance_m": "far"})
        assert len(checked.findings) == 4
        assert checked.status["status"].tolist() == ["refused"]


def rule(**changes):
    return EffectRule.model_validate({"ledger": "benefit", "effect": "e", "unit": "u", **changes})


class TestRules:
    ACTIONS = pd.DataFrame({"sector": ["tram", "park", "tram"]}, index=["A1", "A2", "A3"])

    @pytest.mark.parametrize(
        ("choice", "found"),
        [
            ({}, ["A1", "A2", "A3"]),
            ({"sectors": ("tram",)}, ["A1", "A3"]),
            ({"actions": ("A3", "A2")}, ["A2", "A3"]),
            ({"actions": ("A1", "A2"), "sectors": ("tram",)}, ["A1"]),
        ],
        ids=str,
    )
    def test_who_a_rule_holds_for(self, choice, found):
        assert effects_from_rules([rule(**choice)], self.ACTIONS)["action"].tolist() == found

    def test_are_effects_like_those_of_a_table(self):
        rules = [rule(reach="within", distance_m=800, amount=2, amount_low=1), rule(ledger="burden", amount=None)]
        checked = check_effects(effects_from_rules(rules, self.ACTIONS), origin=CSV, actions=self.ACTIONS.index)
        assert len(checked.table) == 6
        assert checked.table[["amount", "amount_low", "distance_m"]].iloc[0].tolist() == [2.0, 1.0, 800.0]
        assert {f.code for f in checked.findings} == {"ES-EFFECT-AMOUNT"}

    def test_the_range_of_a_rule_is_checked(self):
        checked = check_effects(
            effects_from_rules([rule(amount_low=2)], self.ACTIONS), origin=CSV, actions=self.ACTIONS.index
        )
        assert {f.code for f in checked.findings} == {"ES-EFFECT-ORDER"}

    def test_every_unknown_name_with_its_hint(self):
        with pytest.raises(InputError, match="2 faults") as caught:
            effects_from_rules([rule(actions=("A11",)), rule(effect="f", sectors=("trm",))], self.ACTIONS)
        first, second = caught.value.findings
        assert (first.column, first.value, first.reason) == ("actions", "A11", "effect e: no such action")
        assert (second.column, second.value, second.mend) == ("sectors", "trm", "did you mean 'tram'?")

    def test_none(self):
        assert effects_from_rules([], self.ACTIONS).empty


def test_a_decomposed_letter_in_an_id_is_the_same_letter():
    row = {"action": "A\u030aby", "ledger": "benefit", "effect": "shade", "unit": "K"}
    checked = check_effects(pd.DataFrame([row]), origin=Origin("effects.csv", "row"), actions=["\u00c5by"])
    assert checked.table["action"].tolist() == ["\u00c5by"]


def test_a_misspelt_column_is_refused_and_a_column_of_its_own_is_not():
    row = {"action": "A", "ledger": "benefit", "effect": "shade", "unit": "K", "amount_hi": 1, "notes": "x"}
    with pytest.raises(InputError, match=r"column amount_hi: .*did you mean 'amount_high'"):
        check_effects(pd.DataFrame([row]), origin=Origin("effects.csv", "row"), actions=["A"])


class TestReaches:
    """Keys that each reach needs, and does not use."""

    @pytest.mark.parametrize(
        "given",
        [
            {"reach": "ring", "inner_m": "100", "distance_m": "300"},
            {"reach": "decay", "kernel": "Linear", "distance_m": "300"},
            {"reach": "decay", "kernel": "gaussian", "scale_m": "80", "distance_m": "300"},
            {"reach": "decay", "kernel": "inverse", "floor_m": "50", "distance_m": "300"},
            {"reach": "area", "layer": "a.gpkg"},
            {"reach": "area", "layer": "a.gpkg", "layer_id": "site", "minutes": "15"},
            {"reach": "raster", "layer": "a.tif"},
            {"reach": "travel", "layer": "a.csv", "minutes": "15"},
        ],
        ids=lambda given: "-".join(given.values()),
    )
    def test_that_hold_together(self, given):
        checked = check(given)
        assert checked.findings == ()
        assert checked.table["reach"].tolist() == [given["reach"]]
        assert checked.table["reach_source"].tolist() == [""]

    @pytest.mark.parametrize(
        ("given", "code", "column"),
        [
            ({"reach": "ring", "distance_m": "300"}, "ES-EFFECT-DISTANCE", "inner_m"),
            ({"reach": "ring", "inner_m": "300"}, "ES-EFFECT-DISTANCE", "distance_m"),
            ({"reach": "ring", "inner_m": "300", "distance_m": "300"}, "ES-EFFECT-RING", "inner_m"),
            ({"reach": "ring", "inner_m": "0", "distance_m": "300"}, "ES-EFFECT-DISTANCE", "inner_m"),
            ({"reach": "decay", "distance_m": "300"}, "ES-EFFECT-DISTANCE", "kernel"),
            ({"reach": "decay", "kernel": "linear"}, "ES-EFFECT-DISTANCE", "distance_m"),
            ({"reach": "decay", "kernel": "cubic", "distance_m": "300"}, "ES-EFFECT-WORD", "kernel"),
            ({"reach": "decay", "kernel": "gaussian", "distance_m": "300"}, "ES-EFFECT-DISTANCE", "scale_m"),
            (
                {"reach": "decay", "kernel": "gaussian", "scale_m": "0.0001", "distance_m": "300"},
                "ES-EFFECT-DISTANCE",
                "scale_m",
            ),
            (
                {"reach": "decay", "kernel": "inverse", "floor_m": "300", "distance_m": "300"},
                "ES-EFFECT-RING",
                "floor_m",
            ),
            (
                {"reach": "decay", "kernel": "linear", "scale_m": "80", "distance_m": "300"},
                "ES-EFFECT-DISTANCE-UNUSED",
                "scale_m",
            ),
            ({"reach": "within", "distance_m": "300", "kernel": "linear"}, "ES-EFFECT-DISTANCE-UNUSED", "kernel"),
            ({"reach": "area"}, "ES-EFFECT-DISTANCE", "layer"),
            ({"reach": "travel", "layer": "a.csv"}, "ES-EFFECT-DISTANCE", "minutes"),
            ({"reach": "travel", "layer": "a.csv", "minutes": "-5"}, "ES-EFFECT-NEGATIVE", "minutes"),
            ({"layer": "a.csv"}, "ES-EFFECT-DISTANCE-UNUSED", "layer"),
        ],
        ids=str,
    )
    def test_that_do_not(self, given, code, column):
        checked = check({"effect": "other"}, given)
        assert (code, column) in {(f.code, f.column) for f in checked.findings}
        assert checked.table["effect"].tolist() == ["other"]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"reach": "decay", "distance_m": "300"}, "reach decay needs kernel, which is missing"),
            ({"reach": "area"}, "reach area needs layer, which is missing"),
            ({"reach": "within"}, "reach within needs distance_m, which is missing or not above zero"),
        ],
        ids=str,
    )
    def test_only_a_length_can_be_too_small(self, given, said):
        assert fault(**given).reason == said

    @pytest.mark.parametrize(
        ("text", "code"), [("400 m", "ES-NUMBER-TEXT"), ("-400", "ES-EFFECT-NEGATIVE"), ("inf", "ES-NUMBER-INFINITE")]
    )
    def test_a_distance_that_cannot_be_is_one_fault(self, text, code):
        assert [f.code for f in check({"reach": "within", "distance_m": text}).findings] == [code]


class TestKinds:
    def row(self, **given):
        return check(given).table.iloc[0]

    def test_a_kind_fills_the_reach_and_its_source_is_told(self):
        row = self.row(kind="bus_stop")
        assert row[["reach", "distance_m"]].tolist() == ["within", 400.0]
        assert row["reach_source"].startswith("Bus stop: within 400 m, ")

    def test_a_stated_reach_wins_whole(self):
        row = self.row(kind="bus_stop", reach="citywide")
        assert row[["reach", "reach_source"]].tolist() == ["citywide", "as the project states"]
        assert np.isnan(row["distance_m"])

    def test_a_stated_distance_wins_and_is_not_told_as_that_of_the_source(self):
        row = self.row(kind="bus_stop", distance_m="250")
        assert row[["reach", "distance_m"]].tolist() == ["within", 250.0]
        assert row["reach_source"].startswith("as the project states; usual is Bus stop: within 400 m")

    def test_a_distance_that_a_kind_leaves_to_the_project(self):
        found = fault(kind="drinking_fountain")
        assert (found.code, found.column) == ("ES-EFFECT-DISTANCE", "distance_m")
        assert found.mend == "drinking_fountain has no usual distance: give distance_m, or another reach"
        assert fault(kind="bus_stop", distance_m="0").mend == "give distance_m, or another reach"
        assert fault(reach="within").mend == "give distance_m, or another reach"
        row = self.row(kind="drinking_fountain", distance_m="150")
        assert "within a distance that the project states" in row["reach_source"]

    def test_one_that_is_not_known_is_one_fault_with_its_hint(self):
        found = fault(kind="bus_stp", distance_m="250")
        assert (found.code, found.column, found.value) == ("ES-EFFECT-KIND", "kind", "bus_stp")
        assert found.mend == "did you mean 'bus_stop'?"

    def test_kinds_of_the_project_are_known(self):
        kinds = kinds_with({"bench": {"label": "Bench", "reach": "within", "distance_m": 150, "source": "Plan, p. 3"}})
        table = pd.DataFrame([{**ROW, "kind": "bench"}])
        row = check_effects(table, origin=CSV, actions=["A1"], kinds=kinds).table.iloc[0]
        assert row["distance_m"] == 150
        assert row["reach_source"] == "Bench: within 150 m (the project states: Plan, p. 3)"

    def test_rules_have_kinds_too(self):
        written = effects_from_rules(
            [rule(kind="bus_stop"), rule(ledger="burden", kind="bus_stop", distance_m=90)], TestRules.ACTIONS
        )
        checked = check_effects(written, origin=CSV, actions=TestRules.ACTIONS.index)
        assert checked.findings == ()
        assert set(checked.table["distance_m"]) == {400.0, 90.0}


class TestUptake:
    @pytest.mark.parametrize(
        ("text", "rates"),
        [
            ("renters=0.1; owners=0.4", {"renters": 0.1, "owners": 0.4}),
            (" renters = 0.1 ;", {"renters": 0.1}),
            ("renters", {"renters": 1.0}),
            ("others=0; renters=1", {"others": 0.0, "renters": 1.0}),
            (" ; ", {}),
        ],
    )
    def test_is_read(self, text, rates):
        assert uptake_of(text) == rates

    @pytest.mark.parametrize(
        "text", ["renters=1.1", "renters=-0.1", "renters=10%", "renters=nan", "=0.1", "a=1; a=1", "a="]
    )
    def test_is_refused(self, text):
        found = fault(uptake=text)
        assert (found.code, found.column, found.value) == ("ES-EFFECT-UPTAKE", "uptake", text)

    def test_of_a_rule_comes_through_unchanged(self):
        written = effects_from_rules([rule(uptake={"renters": 0.1, "others": 1 / 3})], TestRules.ACTIONS)
        table = check_effects(written, origin=CSV, actions=TestRules.ACTIONS.index).table
        assert uptake_of(table["uptake"][0]) == {"renters": 0.1, "others": 1 / 3}


def test_a_table_made_by_hand_may_leave_columns_out():
    table = completed(pd.DataFrame({"action": ["A"], "distance_m": [5.0]}))
    assert table[["per", "reach", "kernel", "zones", "raster", "reach_source"]].to_numpy().tolist() == [
        ["person", "footprint", "", "", "", ""]
    ]
    assert table["distance_m"].tolist() == [5.0]
    assert table["shape"].tolist() == [None]


def test_in_a_table_made_by_hand_a_missing_text_is_blank():
    given = pd.DataFrame({"uptake": ["a=0.5", np.nan], "driver": np.nan, "per": ["total", None], "amount": np.nan})
    table = completed(given)
    assert table[["uptake", "driver", "per"]].to_numpy().tolist() == [["a=0.5", "", "total"], ["", "", "person"]]
    assert table["amount"].isna().all()

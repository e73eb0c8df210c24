"""What all pages share: filters that escape, words for states, assets without an address."""

from __future__ import annotations

import base64
import re

import numpy as np
import pandas as pd
import pytest
from jinja2 import UndefinedError

from equity_screen import pages
from tests.results import small_result, without_burdens


def written(template, **values):
    return pages.page_templates().from_string(template).render(values)


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA])
def test_missing_text_is_empty(missing):
    assert not pages.data_text(missing)


def test_long_text_is_cut():
    assert pages.data_text("abcdef", limit=4) == "abc…"


@pytest.mark.parametrize(
    ("form", "shown"),
    [("text", "0.12345"), ("count", "0.1"), ("number", "0.123"), ("level", "0.1235"), ("percent", "12.3\u00a0%")],
)
def test_forms_of_a_cell(form, shown):
    assert written("{{ value|shown(form) }}", value=0.12345, form=form) == shown


def test_prose_keeps_percent_signs_and_is_escaped():
    assert pages.prose_text("a < 40.0 % of 5 %") == "a &lt; 40.0\u00a0% of 5\u00a0%"


def test_prose_leaves_other_spaces():
    assert pages.prose_text("{% for x in y %}") == pages.data_text("{% for x in y %}")


def test_text_without_a_filter_is_escaped():
    assert written("{{ name }}", name="<b>") == "&lt;b&gt;"


def test_unknown_name_is_refused():
    with pytest.raises(UndefinedError, match="'nmae' is undefined"):
        written("{{ nmae }}", name="a")


@pytest.mark.parametrize(("active", "words"), [(True, "active"), (np.False_, "not active"), (None, "status unknown")])
def test_state_in_words(active, words):
    assert pages.state_words(active) == words


@pytest.mark.parametrize(
    ("assessed", "words"),
    [("assessed", "shade"), ("unlocated", "not counted"), ("none expected", "none expected")],
)
def test_ledger_in_words(assessed, words):
    assert pages.ledger_words({"benefit_assessed": assessed, "benefit_effect": "shade"}, "benefit") == words


class TestDistinctNames:
    def named(self, *names):
        return pages.distinct_names(pd.DataFrame({"name": names}, index=[f"A{n}" for n in range(len(names))]))

    def test_name_that_stands_once_is_left_alone(self):
        assert self.named("Oak", "Elm") == ["Oak", "Elm"]

    def test_every_one_of_a_repeated_name_bears_its_id(self):
        assert self.named("Oak", "Oak", "oak") == ["Oak (A0)", "Oak (A1)", "oak"]


class TestUncounted:
    def test_counted_ledger_needs_no_words(self):
        assert pages.uncounted_words(small_result(), "burden") == ""

    def test_not_assessed(self):
        assert pages.uncounted_words(without_burdens(), "burden") == "not assessed"
        assert pages.uncounted_words(without_burdens(), "benefit") == ""

    def test_scope_without_an_action(self):
        result = without_burdens()
        result.scores["active"] = False
        assert pages.uncounted_words(result, "benefit") == "no active actions"
        assert pages.uncounted_words(result, "benefit", scope="all actions") == ""

    def test_reach_of_active_actions_leaves_out_the_others(self):
        result = small_result()
        result.scores.loc["hub", "active"] = None
        assert pages.counted_reach(result, "benefit")["action"].tolist() == ["tram"]
        assert pages.counted_reach(result, "benefit", scope="all actions")["action"].tolist() == ["hub", "tram"]

    def test_nobody_is_in_reach_of_what_is_not_expected(self):
        result = small_result()
        result.scores["burden_assessed"] = "none expected"
        assert pages.counted_reach(result, "burden").empty
        assert pages.uncounted_words(result, "burden") == "none expected"


def test_style_sheets_hold_their_images():
    rules = [base64.b64decode(uri.split(",")[1]).decode() for _, uri in pages.map_styles()]
    targets = re.findall(r"url\(([^)]*)\)", "".join(rules))
    assert sum(target.startswith("data:image/png;base64,") for target in targets) == 3
    assert [target for target in targets if not target.startswith(("data:", "#"))] == []


def test_scripts_close_no_tag():
    sources = [base64.b64decode(uri.split(",")[1]) for _, uri in pages.map_scripts()]
    assert not any(b"</script" in source for source in sources)

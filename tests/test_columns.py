"""Columns by name and by meaning: the words of many languages, and what the values allow."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, strategies as st

from equity_screen.columns import guess, kin, likeness, look_at, people_kind, plain_name, says, vocabulary
from equity_screen.project import parse_project

PEOPLE = pd.Series([4000.0, 5000.0, 3000.0])
PLAIN = {name: entry for name, entry in vocabulary().items() if "words" in entry}
KINDS = {(kind, key): entry for kind in ("groups", "indicators") for key, entry in vocabulary()[kind].items()}


class TestVocabulary:
    @pytest.mark.parametrize("meaning", PLAIN)
    def test_each_word_is_found_as_it_is(self, meaning):
        assert all(guess(meaning, [word]) == word for word in PLAIN[meaning]["words"])

    @pytest.mark.parametrize("words", [*(e["words"] for e in PLAIN.values()), *(e["words"] for e in KINDS.values())])
    def test_words_are_folded_and_stand_once(self, words):
        assert [plain_name(word) for word in words] == words
        assert len(set(words)) == len(words)

    @pytest.mark.parametrize(("kind", "key"), KINDS)
    def test_each_group_and_indicator_is_known_by_each_of_its_words(self, kind, key):
        assert {word: kin(kind, word) for word in KINDS[kind, key]["words"]} == dict.fromkeys(
            KINDS[kind, key]["words"], key
        )

    def test_groups_and_indicators_can_stand_in_a_project(self):
        groups = "".join(
            f"{k} = {{ label = '{e['label']}', count = 'x' }}\n" for (t, k), e in KINDS.items() if t == "groups"
        )
        others = "".join(
            f"{k} = {{ label = '{e['label']}', unit = '{e['unit']}', higher_is = '{e['higher_is']}', column = 'x' }}\n"
            for (t, k), e in KINDS.items()
            if t == "indicators"
        )
        head = '[neighbourhoods]\nfile = "z"\nid = "i"\npopulation = "p"\n'
        project = parse_project(f"{head}[groups]\n{groups}[indicators]\n{others}")
        assert len(project.groups) + len(project.indicators) == len(KINDS)

    @pytest.mark.parametrize(
        ("meaning", "name"),
        [
            ("population", "Einwohnerzahl"),
            ("population", "Folkmängd"),
            ("population", "População residente"),
            ("population", "nb_habitants"),
            ("id", "Código"),
            ("id", "Kode"),
            ("where", "Onde?"),
            ("cost", "Kosten (EUR)"),
            ("cost", "coût_total"),
            ("income", "Ingreso medio"),
            ("income", "gennemsnitlig indkomst"),
            ("name", "NTAName"),
            ("tco2e", "tCO2e 2030"),
            ("sector", "Sektor"),
        ],
    )
    def test_names_in_many_languages(self, meaning, name):
        assert guess(meaning, ["zzz", name]) == name

    @pytest.mark.parametrize(
        ("name", "group"),
        [
            ("pct_bajos_ingresos", "low_income"),
            ("Personen mit niedriges Einkommen", "low_income"),
            ("foreign_born_n", "immigrants"),
            ("personnes âgées", "older_people"),
            ("Ældre", "older_people"),
            ("children_under_10", "children"),
            ("renda_mediana", None),
            ("bairro", None),
            ("villages", None),
        ],
    )
    def test_groups_in_many_languages(self, name, group):
        assert kin("groups", name) == group


class TestGuess:
    @pytest.mark.parametrize(
        ("meaning", "columns", "found"),
        [
            ("id", ["OBJECTID", "GEOID10"], "GEOID10"),
            ("id", ["name", "ID"], "ID"),
            ("population", ["pop_density", "population"], "population"),
            ("population", ["pop_density"], None),
            ("population", ["E_TOTPOP"], "E_TOTPOP"),
            ("x", ["xylem", "max"], None),
            ("y", ["city", "Lat"], "Lat"),
            ("cost", [], None),
            ("id", ["ID", "id"], "ID"),
        ],
    )
    def test_exact_names_before_parts(self, meaning, columns, found):
        assert guess(meaning, columns) == found

    def test_what_is_taken_is_not_proposed_again(self):
        assert guess("cost", ["cost", "cost_2"], taken=["cost"]) == "cost_2"

    @given(st.text(), st.lists(st.text()))
    def test_any_name_can_be_asked(self, name, others):
        assert guess("population", [name, *others]) in {None, name, *others}
        assert likeness(name, []) == (0, 0)

    def test_says(self):
        assert [says("percent", c) for c in ("Anteil_Mieter", "pct", "Mieter")] == [True, True, False]


class TestLook:
    @pytest.mark.parametrize(
        ("values", "words"),
        [
            (["1", "", "3"], "whole numbers from 1 to 3"),
            ([1.5, None, 3.0], "numbers from 1.5 to 3"),
            (["2026", "2031"], "years from 2026 to 2031"),
            (["a", "3"], "text"),
            (["", None], "blank"),
            (["1,250,000", "7"], "whole numbers from 7 to 1250000"),
            ([-999, 5], "whole numbers from 5 to 5"),
        ],
    )
    def test_in_words(self, values, words):
        assert look_at(pd.Series(values)).words() == words

    @pytest.mark.parametrize(
        ("values", "unique"), [(["A", "B"], True), (["A", "A"], False), (["A", ""], False), ([], False)]
    )
    def test_unique(self, values, unique):
        assert look_at(pd.Series(values, dtype="object")).unique is unique

    @pytest.mark.parametrize(
        ("values", "telling"),
        [(range(1, 11), False), ([7] * 10, False), ([3, 1, 2], True), ([5.5, 2, 9, 4, 1, 8], True), (["a"], False)],
    )
    def test_row_numbers_and_constants_tell_nothing(self, values, telling):
        assert look_at(pd.Series(list(values))).telling is telling


class TestPeopleKind:
    @pytest.mark.parametrize(
        ("name", "values", "kind"),
        [
            ("n", [900, 1200, 800], "count"),
            ("n", [900, 5200, 800], None),  # more than the 5,000 who live there
            ("n", [90, 12, 8], None),  # people, or percentages?
            ("pct", [90, 12, 8], "share"),
            ("n", [9.5, 12, 8], "share"),
            ("n", [0.5, 0.25, 1], "fraction"),
            ("n", [9.5, 112, 8], None),
            ("n", [-1, 2, 3], None),
            ("n", ["a", "b", "c"], None),
            ("n", [900, None, 800], "count"),
        ],
    )
    def test_by_values(self, name, values, kind):
        assert people_kind(name, look_at(pd.Series(values)), population=PEOPLE) == kind

    def test_counts_need_a_population(self):
        assert people_kind("n", look_at(pd.Series([900, 1200])), population=None) is None

    def test_small_places_may_have_small_counts(self):
        assert people_kind("n", look_at(pd.Series([9, 12])), population=pd.Series([100.0, 90.0])) == "count"

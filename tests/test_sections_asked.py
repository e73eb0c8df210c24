"""Section of the report with what a project asks for besides; nothing of it where it does not ask."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen.sections_asked import asked_for
from tests.results import LABELS, small_result

TABLES = ("net", "references", "measures", "grades", "weighted")


def listing(key, result=None):
    return next(table for table in asked_for(result or small_result())["tables"] if table.key == key)


def cells(found, *fields):
    return [tuple(row[field] for field in fields) for row in found.rows]


def test_nothing_asked_for_is_no_part():
    result = small_result()
    for name in TABLES:
        setattr(result, name, pd.DataFrame())
    assert asked_for(result) == {}


@pytest.mark.parametrize("name", TABLES)
def test_each_is_there_only_when_asked_for(name):
    result = small_result()
    assert any(table.file == f"{name}.csv" for table in asked_for(result)["tables"])
    setattr(result, name, pd.DataFrame())
    assert not any(table.file == f"{name}.csv" for table in asked_for(result)["tables"])


def test_net():
    assert cells(listing("net-table"), "name", "people_gaining", "total") == [("Tram line", 1500.0, 6000.0)]


class TestReferences:
    def test_sides_are_counted(self):
        counts = cells(listing("reference-counts"), "reference_label", "larger", "equal", "smaller", "unknown")
        assert counts == [("everyone", 1, 1, 3, 1)]

    def test_the_farthest_by_ratio_first_and_undefined_last(self):
        ratios = [row[0] for row in cells(listing("references-table"), "ratio")]
        assert ratios[:5] == [0.0, 0.25, 2.0, 0.5, 1.0]
        assert np.isnan(ratios[5])

    def test_reasons(self):
        assert listing("references-table").notes[0].endswith("in 1 of 6 rows: the amount is missing (1).")


class TestMeasures:
    def test_one_row_an_effect_and_one_column_a_measure(self):
        found = listing("measures-table")
        assert [title for _, title, _ in found.columns] == [
            "Action",
            "Effect",
            "Absolute gini",
            "Slope index, by income",
        ]
        values = cells(found, "name", "about", *(field for field, *_ in found.columns[2:]))
        assert values[:2] == [
            ("Cooling hub", "benefit: cooling", 0.5, -2.0),
            ("Tram line", "benefit: access", 0.25, 1.0),
        ]

    def test_what_is_undefined_stays_with_its_reason(self):
        found = listing("measures-table")
        assert np.isnan(found.rows[2][found.columns[2][0]])
        assert found.notes == ("Not defined, in all or in part, in 2 of 6 rows: the total is 0 (2).",)


def test_grades_by_fifth_with_their_meaning():
    found = listing("grades-table")
    assert [title for _, title, _ in found.columns[2:]] == ["income: fifth 1", "income: fifth 2"]
    assert cells(found, *(field for field, *_ in found.columns[2:])) == [("✓✓✓", "✓")]
    assert found.notes == ("✓ a benefit; more than 5 points below.", "✓✓✓ a benefit; more than 5 points above.")


def test_weighted_money_has_its_elasticity():
    assert cells(listing("weighted-table"), "net", "net_weighted", "elasticity") == [(6000.0, 7500.0, 1.3)]


def test_groups_are_named_by_their_labels():
    assert {row[0] for row in cells(listing("references-table"), "label")} == set(LABELS.values())

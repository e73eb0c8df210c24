"""Tables of the report as data: cut short with the count of the rest, reasons counted, names and placements added."""

from __future__ import annotations

import pandas as pd

from equity_screen.listings import (
    MOST,
    Listing,
    cut_short,
    of_active,
    part_of,
    reasons_counted,
    with_names,
    with_placements,
)
from tests.results import small_result

COLUMNS = (("a", "A", "text"),)


def listed(count, **columns):
    return cut_short(
        "k", pd.DataFrame({"a": range(count)}).assign(**columns), caption="c", columns=COLUMNS, file="a.csv"
    )


def test_a_table_that_fits_has_no_rest():
    assert (len(listed(MOST).rows), listed(MOST).rest) == (MOST, 0)


def test_a_longer_one_says_how_many_more():
    assert (len(listed(MOST + 2).rows), listed(MOST + 2).rest) == (MOST, 2)


def test_reasons_of_rows_that_are_not_shown_are_counted_too():
    (note,) = listed(MOST + 1, undefined=[""] * MOST + ["no people"]).notes
    assert note == f"Not defined, in all or in part, in 1 of {MOST + 1} rows: no people (1)."


def test_beyond_three_reasons_the_others_are_counted():
    table = pd.DataFrame({"undefined": ["a", "b", "c", "d", "e", "e"]})
    said = ("Not asked of 6 of 6 rows: e (2); a (1); b (1); other reasons (2).",)
    assert reasons_counted(table, start="Not asked of") == said


def test_where_all_is_defined_nothing_is_said():
    assert reasons_counted(pd.DataFrame({"undefined": [""]})) == reasons_counted(pd.DataFrame({"a": [1]})) == ()


def test_a_part_leaves_out_tables_without_rows():
    empty = Listing("e", "E", COLUMNS, [])
    assert part_of("p", "P", tables=[empty, None]) == {}
    assert part_of("p", "P", told=["x"], tables=[empty])["tables"] == []


def test_names_and_what_has_none():
    table = pd.DataFrame({"action": ["hub", "gone"], "ledger": "burden", "effect": "noise"})
    named = with_names(small_result(), table)
    assert named["name"].tolist() == ["Cooling hub", "gone"]
    assert named["about"].tolist() == ["burden: noise"] * 2


def test_active_rows_or_all_where_there_are_none():
    table = pd.DataFrame({"action": ["hub", "park"]})
    assert of_active(small_result(), table)["action"].tolist() == ["hub"]
    assert len(of_active(small_result(), table.iloc[1:])) == 1


def test_placements_go_by_all_four_keys():
    keys = pd.DataFrame({"action": ["a", "a"], "ledger": "benefit", "effect": "e", "group": ["x", "y"]})
    found = with_placements(keys, keys.iloc[1:].assign(placements=99))
    assert found["placements"].fillna(-1).tolist() == [-1, 99]

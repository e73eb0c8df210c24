"""Sparse numbers over pairs: two rows and two columns; what is carried over them, and what is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from scipy.sparse import csr_array

from equity_screen import relation as module
from equity_screen.errors import EquityScreenError, UsageError
from equity_screen.relation import Relation, carried, losses, relation_of


def test_a_relation_refuses_labels_of_another_shape() -> None:
    with pytest.raises(UsageError, match=r"shape \(1, 2\) for 2 rows and 2 columns"):
        Relation(csr_array([[1.0, 2.0]]), pd.Index(["A", "B"]), pd.Index(["x", "y"]))


def test_long_names_each_stored_pair_by_row_then_column() -> None:
    matrix = csr_array([[0.0, 0.5], [0.25, 1.0]])
    relation = Relation(matrix, pd.Index(["A", "B"], name="zone"), pd.Index(["x", "y"], name="effect"))
    expected = {"zone": ["A", "B", "B"], "effect": ["y", "x", "y"], "share": [0.5, 0.25, 1.0]}
    assert relation.long("share").to_dict("list") == expected
    assert Relation(matrix.tocsc(), relation.rows, relation.columns).long("share").to_dict("list") == expected


def test_pairs_of_zero_are_not_stored() -> None:
    labels = pd.Index(["A", "B"]), pd.Index(["x"])
    relation = relation_of((np.array([0, 1]), np.array([0, 0])), np.array([0.0, 0.5]), labels=labels)
    assert relation.matrix.nnz == 1
    assert relation.matrix.toarray().ravel().tolist() == [0.0, 0.5]


def test_a_distance_of_zero_is_a_pair_where_zeros_are_asked_for() -> None:
    labels = pd.Index(["A", "B"]), pd.Index(["x"])
    relation = relation_of((np.array([1, 0]), np.array([0, 0])), np.array([0.0, 9.0]), labels=labels, zeros=True)
    assert relation.long("metres")["metres"].tolist() == [9.0, 0.0]
    assert relation.T.long("metres")["metres"].tolist() == [9.0, 0.0]


def test_transposed_twice_is_the_same() -> None:
    relation = Relation(csr_array([[0.0, 0.5], [0.25, 1.0]]), pd.Index(["A", "B"]), pd.Index(["x", "y"]))
    assert relation.T.matrix.toarray().tolist() == [[0.0, 0.25], [0.5, 1.0]]
    assert relation.T.rows.tolist() == ["x", "y"]
    assert relation.T.T.long().equals(relation.long())


# Carried: three zones of 100, 50 and 0 people; x holds half of A, y the other half and all of B, z nothing

ZONES, TARGETS = pd.Index(["A", "B", "C"], name="zone"), pd.Index(["x", "y", "z"], name="target")
SHARES = Relation(csr_array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]), ZONES, TARGETS)
TABLE = pd.DataFrame({"people": [100.0, 50.0, 0.0], "heat": [30.0, 36.0, np.nan], "renters": [20.0, 30.0, 0.0]}, ZONES)


def same(found: pd.DataFrame, **columns: list[float]) -> bool:
    return found.equals(pd.DataFrame(columns, index=TARGETS))


def test_counts_move_rates_average_and_ratios_are_ratios_of_sums() -> None:
    found = carried(SHARES, TABLE, counts=["people"], rates={"heat": "people"}, ratios={"rent": ("renters", "people")})
    assert same(found, people=[50, 100, np.nan], heat=[30, 33, np.nan], rent=[0.2, 0.4, np.nan])


def test_the_order_of_the_table_is_not_that_of_the_relation() -> None:
    assert carried(SHARES, TABLE[::-1], counts=["people"]).equals(carried(SHARES, TABLE, counts=["people"]))


def test_targets_may_overlap() -> None:
    both = Relation(csr_array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]), ZONES, TARGETS)
    assert same(carried(both, TABLE, counts=["people"]), people=[150, 150, np.nan])


def test_missing_stays_missing() -> None:
    table = TABLE.assign(people=[100.0, np.nan, 0.0])
    found = carried(SHARES, table, counts=["people"], ratios={"rent": ("renters", "people")})
    assert same(found, people=[50, np.nan, np.nan], rent=[0.2, np.nan, np.nan])


def test_a_rate_is_averaged_over_the_known() -> None:
    unknown = TABLE.assign(heat=[np.nan, 36.0, 99.0])
    assert same(carried(SHARES, unknown, rates={"heat": "people"}), heat=[np.nan, 36, np.nan])
    uncounted = TABLE.assign(people=[np.nan, 50.0, 0.0])
    assert same(carried(SHARES, uncounted, rates={"heat": "people"}), heat=[np.nan, 36, np.nan])


def test_a_ratio_without_its_numerator_is_missing_but_where_nobody_is_counted() -> None:
    nobody, somebody = TABLE.assign(renters=[20, 30, np.nan]), TABLE.assign(renters=[20, np.nan, 0])
    rent = {"rent": ("renters", "people")}
    assert same(carried(SHARES, nobody, ratios=rent), rent=[0.2, 0.4, np.nan])
    assert same(carried(SHARES, somebody, ratios=rent), rent=[0.2, np.nan, np.nan])


def test_a_mean_of_equal_rates_is_that_rate_to_the_bit() -> None:
    third = Relation(csr_array(np.full((3, 1), 1 / 3)), ZONES, pd.Index(["all"]))
    table = pd.DataFrame({"rate": [0.1] * 3, "people": [3.0, 7.0, 11.0]}, ZONES)
    assert carried(third, table, rates={"rate": "people"}).loc["all", "rate"] == 0.1


def test_whole_numbers_and_nullable_columns_are_numbers() -> None:
    table = pd.DataFrame({"people": pd.array([100, None, 0], dtype="Int64")}, index=ZONES)
    assert same(carried(SHARES, table, counts=["people"]), people=[50, np.nan, np.nan])


def test_a_ratio_is_not_the_mean_of_the_ratios_weighed_by_people() -> None:
    """Ten of ten households here, none of ninety there: 10 %, although half the people live in each."""
    one = Relation(csr_array(np.ones((2, 1))), pd.Index(["A", "B"]), pd.Index(["all"]))
    columns = {"people": [50, 50], "households": [10, 90], "limited": [10, 0], "rate": [1.0, 0.0]}
    table = pd.DataFrame(columns, one.rows)
    found = carried(one, table, rates={"rate": "people"}, ratios={"share": ("limited", "households")})
    assert found.loc["all"].tolist() == [0.5, 0.1]


@pytest.mark.parametrize(
    ("relation", "table", "said"),
    [
        (SHARES, TABLE.iloc[:2], "1 of 3 sources of the relation are not in the table: C"),
        (SHARES, pd.concat([TABLE, TABLE.set_axis(["D", "E", "F"])]), "3 of 6 sources of the table .*: D, E, F"),
        (SHARES, pd.concat([TABLE, TABLE]), "the table has some sources twice: A, B, C"),
        (SHARES, TABLE.assign(people=[-1.0, 50, 0]), "column people: a count below 0 or an infinite value in A"),
        (SHARES, TABLE.assign(people=[1.0, np.inf, 0]), "column people: a count below 0 or an infinite value in B"),
        (SHARES, TABLE.assign(heat=[np.inf, -50, 0]), "column heat: an infinite value in A"),
        (SHARES, TABLE.drop(columns="heat"), "the table has no column heat"),
        (Relation(SHARES.matrix * 3, ZONES, TARGETS), TABLE, "A → x: 1.5 is not a share from 0 to 1"),
        (Relation(-SHARES.matrix, ZONES, TARGETS), TABLE, "A → x: -0.5 is not a share"),
        (Relation(SHARES.matrix * np.nan, ZONES, TARGETS), TABLE, "A → x: nan is not a share"),
        (Relation(SHARES.matrix, pd.Index(["A", "A", "C"]), TARGETS), TABLE, "the relation has some sources twice: A"),
    ],
)
def test_what_does_not_match_is_refused(relation: Relation, table: pd.DataFrame, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        carried(relation, table, counts=["people"], rates={"heat": "people"})


def test_rates_may_be_below_zero() -> None:
    assert carried(SHARES, TABLE.assign(heat=[-5.0, -8.0, 0.0]), rates={"heat": "people"})["heat"].tolist()[0] == -5


def test_a_column_is_declared_as_one_thing() -> None:
    with pytest.raises(UsageError, match="heat: each column of the result is declared once"):
        carried(SHARES, TABLE, counts=["heat"], rates={"heat": "people"})


# Losses


def test_losses_name_what_reaches_no_target() -> None:
    partly = Relation(csr_array([[0.5, 0.25, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), ZONES, TARGETS)
    lost = losses(partly, TABLE.assign(people=[100, 50, 8]), counts=["people", "renters"])
    assert lost.to_dict("list") == {"share": [0.25, 0.0, 1.0], "people": [25.0, 0.0, 8.0], "renters": [5.0, 0.0, 0.0]}
    assert lost.index.equals(ZONES)


def test_rounding_is_no_loss() -> None:
    tenths = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3 + 1e-9]])
    assert 0.7 + 0.2 + 0.1 < 1
    lost = losses(Relation(csr_array(tenths), ZONES, TARGETS), TABLE, counts=["people"])
    assert lost["share"].tolist() == [0.0, 0.0, pytest.approx(-1e-9, rel=1e-6)]
    assert lost["people"].tolist()[:2] == [0.0, 0.0]


def test_what_is_lost_of_an_unknown_count_is_unknown() -> None:
    lost = losses(SHARES, TABLE.assign(people=[np.nan, 50, 0]), counts=["people"])
    assert lost["people"].isna().tolist() == [True, False, False]


def test_targets_that_overlap_have_no_losses() -> None:
    both = Relation(csr_array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), ZONES, TARGETS)
    with pytest.raises(UsageError, match="shares add to more than 1 in A: targets that overlap"):
        losses(both, TABLE, counts=["people"])


def test_a_column_called_share_is_not_overwritten() -> None:
    with pytest.raises(UsageError, match="share: each column"):
        losses(SHARES, TABLE.assign(share=1.0), counts=["share"])


def test_an_account_that_does_not_add_up_stops_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BALANCE", -1.0)
    with pytest.raises(EquityScreenError, match="people: 150 carried and 0 lost are not the 150 of the table"):
        losses(SHARES, TABLE, counts=["people"])


# Laws

CELLS = st.lists(st.lists(st.sampled_from([0.0, 0.125, 0.3, 0.7]), min_size=3, max_size=3), min_size=1, max_size=6)
COUNTS = st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 1e6)), min_size=6, max_size=6)


def partial(cells: list[list[float]]) -> Relation:
    """Relation whose rows add to at most 1."""
    shares = np.array(cells)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    return Relation(csr_array(shares), pd.RangeIndex(len(cells)), TARGETS)


@given(CELLS, COUNTS)
def test_what_is_carried_and_what_is_lost_add_to_the_table(cells, counts) -> None:
    relation = partial(cells)
    table = pd.DataFrame({"people": counts[: len(cells)]})
    brought = carried(relation, table, counts=["people"])["people"].sum()
    lost = losses(relation, table, counts=["people"])["people"].sum()
    assert brought + lost == pytest.approx(table["people"].sum(), rel=1e-9, abs=1e-9)


@given(CELLS, COUNTS, st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=6))
def test_a_rate_lies_among_those_of_its_parts_and_equals_the_dense_mean(cells, counts, rates) -> None:
    relation, n = partial(cells), len(cells)
    table = pd.DataFrame({"people": counts[:n], "rate": rates[:n]})
    found = carried(relation, table, rates={"rate": "people"})["rate"].to_numpy()
    mass = relation.matrix.toarray() * table["people"].to_numpy()[:, None]
    for j in range(3):
        says = mass[:, j] > 0
        if says.any():
            heard = table["rate"].to_numpy()[says]
            assert heard.min() <= found[j] <= heard.max()
            assert found[j] == pytest.approx(np.average(heard, weights=mass[says, j]), rel=1e-9, abs=1e-9)
        else:
            assert np.isnan(found[j])

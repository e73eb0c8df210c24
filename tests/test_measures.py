"""Every measure by its name: the figures are those of the functions, and none stands where it is not legal."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_array

from equity_screen.errors import UsageError
from equity_screen.gradient import suits_index
from equity_screen.inequality import mid_rank
from equity_screen.measures import GOODS_ONLY, MEASURES, measure_table, measures_named
from equity_screen.people import People

NAN = float("nan")
NONE = People(np.zeros(2), np.zeros((2, 0)), np.zeros((2, 0)), ())
TWO = NONE._replace(population=np.array([5.0, 5.0]))
RANKS = {"income": np.array([0.25, 0.75])}
INCOMES = {"median_income": np.array([1.0, 3.0])}


def labels_of(*ledgers: str) -> pd.MultiIndex:
    names = [(f"A{at}", ledger, "shade") for at, ledger in enumerate(ledgers)]
    return pd.MultiIndex.from_tuples(names, names=["action", "ledger", "effect"])


def table_of(
    *values: float, names: list[str] | None = None, ledger: str = "benefit", people: People = TWO
) -> pd.DataFrame:
    """Figures of one effect by all measures, or by those named."""
    column = csc_array(np.array(values)[:, None])
    found = measure_table(
        column, labels_of(ledger), people=people, names=list(names or MEASURES), ranks=RANKS, incomes=INCOMES
    )
    return found.set_index("measure")


# Half of the people have 4, those ranked low; incomes are 1 and 3.
IN_THE_HEAD = {
    "weighted_mean": 2.0,
    "variance": 4.0,
    "gini": 0.5,
    "absolute_gini": 1.0,
    "signed_gini": 0.5,
    "hoover": 0.5,
    "palma_ratio": NAN,
    "top_10_share": 0.2,
    "bottom_40_share": 0.0,
    "theil": np.log(2),
    "mean_log_deviation": NAN,
    "ge2": 0.5,
    "atkinson_0.25": 1 - 0.5 ** (1 / 3),
    "atkinson_0.5": 0.5,
    "atkinson_0.75": 1 - 0.5**3,
    "concentration_index": -0.5,
    "generalised_concentration_index": -1.0,
    "extended_concentration_index_3": -0.75,
    "extended_concentration_index_4": -0.875,
    "slope_index": -8.0,
    "relative_index": NAN,
    "suits": -0.75,
    "kakwani": -0.75,
    "weighted_total_1.3": 20 * 2**1.3,
    "weighted_total_1.4": 20 * 2**1.4,
}


@pytest.mark.parametrize("name", MEASURES)
def test_each_measure_has_the_figure_that_it_has_in_the_head(name: str) -> None:
    found = table_of(4, 0).loc[name]
    assert found["value"] == pytest.approx(IN_THE_HEAD[name], nan_ok=True)
    assert found["legal"] == (found["undefined"] == "") == (not np.isnan(IN_THE_HEAD[name]))


def test_each_measure_is_declared_under_its_name_with_its_words() -> None:
    for name, measure in MEASURES.items():
        assert measure.name == name
        assert all((measure.label, measure.formula, measure.higher_means, measure.if_nan))
        assert not (measure.wants_ranking and measure.wants_income)
    assert len({measure.label for measure in MEASURES.values()}) == len(MEASURES)


def test_the_default_ones_are_few() -> None:
    default = [name for name, measure in MEASURES.items() if measure.default]
    assert default == ["weighted_mean", "concentration_index", "generalised_concentration_index"]


def test_measures_and_their_table_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'label'"):
        MEASURES["gini"].label = "G"
    with pytest.raises(TypeError, match="does not support item assignment"):
        MEASURES["gini"] = MEASURES["theil"]


@pytest.mark.parametrize("name", MEASURES)
def test_losses_have_figures_only_where_signs_are_allowed(name: str) -> None:
    found = table_of(4, -1).loc[name]
    allowed = MEASURES[name].needs in ("any", "something", "total")
    assert found["legal"] == allowed
    assert np.isnan(found["value"]) == (not allowed)
    assert found["undefined"] == ("" if allowed else "some values are below 0")


@pytest.mark.parametrize("name", MEASURES)
def test_of_nothing_at_all_relative_measures_say_so(name: str) -> None:
    found = table_of(0, 0).loc[name]
    if MEASURES[name].needs == "any":
        assert (found["value"], found["undefined"]) == (0.0, "")
    else:
        assert np.isnan(found["value"])
        assert found["undefined"] in ("the total is 0", "every value is 0")


@pytest.mark.parametrize("name", MEASURES)
def test_a_missing_value_and_a_place_without_people_are_said(name: str) -> None:
    assert table_of(NAN, 1).loc[name, "undefined"] == "a value is missing"
    empty = table_of(1, 1, people=NONE).loc[name]
    assert (empty["undefined"], empty["legal"]) == ("nobody lives here", False)
    assert np.isnan(empty["value"])


def test_atkinson_is_not_for_burdens() -> None:
    found = table_of(4, 0, ledger="burden")
    refused = found.index[found["undefined"] == GOODS_ONLY].tolist()
    assert refused == ["atkinson_0.25", "atkinson_0.5", "atkinson_0.75"]
    assert found.loc[refused, "value"].isna().all()


def test_what_is_legal_but_has_no_figure_says_why() -> None:
    found = table_of(4, 0)["undefined"]
    assert found["palma_ratio"] == "the two fifths who have least receive nothing"
    assert found["relative_index"] == "the slope predicts nothing, or less, at one end of the ranking"
    assert found["mean_log_deviation"] == "some people receive nothing"


def test_each_ranking_and_income_has_a_row_and_effects_come_first() -> None:
    effects = csc_array(np.array([[1.0, 0.0], [0.0, 1.0]]))
    ranks = {"income": np.array([0.25, 0.75]), "burden": np.array([0.75, 0.25])}
    found = measure_table(
        effects, labels_of("benefit", "burden"), people=TWO, names=["gini", "slope_index"], ranks=ranks, incomes={}
    )
    assert found["action"].tolist() == ["A0"] * 3 + ["A1"] * 3
    assert found["ledger"].tolist() == ["benefit"] * 3 + ["burden"] * 3
    assert found["measure"].tolist() == ["gini", "slope_index", "slope_index"] * 2
    assert found["ranking"].tolist() == ["", "income", "burden"] * 2
    assert found["value"].tolist() == [0.5, -2.0, 2.0, 0.5, 2.0, -2.0]
    assert found["unit"].tolist() == ["none", "same", "same"] * 2


def test_without_a_ranking_or_income_the_row_says_so() -> None:
    effects = csc_array(np.ones((2, 1)))
    found = measure_table(
        effects, labels_of("benefit"), people=TWO, names=["slope_index", "suits"], ranks={}, incomes={}
    )
    assert found["undefined"].tolist() == ["no ranking is declared", "no income is declared"]
    assert found["ranking"].tolist() == ["", ""]
    assert not found["legal"].any()


def test_where_nobody_is_ranked_or_earns_the_row_says_so() -> None:
    effects, unknown = csc_array(np.ones((2, 1))), np.array([NAN, NAN])
    for incomes, reason in [(unknown, "nobody's income is known"), (np.zeros(2), "there is no income, or some")]:
        found = measure_table(
            effects,
            labels_of("benefit"),
            people=TWO,
            names=["concentration_index", "suits"],
            ranks={"income": unknown},
            incomes={"income": incomes},
        )
        assert found["undefined"][0] == "nobody is ranked"
        assert found["undefined"][1].startswith(reason)


def test_what_only_the_unranked_lack_is_nothing_to_the_measure() -> None:
    # The loss is where there is no rank: among the ranked there is none.
    people = NONE._replace(population=np.array([5.0, 5.0, 9.0]))
    found = measure_table(
        csc_array([[1.0], [0.0], [-1.0]]),
        labels_of("benefit"),
        people=people,
        names=["concentration_index", "gini"],
        ranks={"income": np.array([0.25, 0.75, NAN])},
        incomes={},
    )
    assert found["value"][0] == -0.5
    assert found["undefined"].tolist() == ["", "some values are below 0"]


def test_names_are_looked_up_once_each_in_their_order() -> None:
    assert [measure.name for measure in measures_named(["theil", "gini", "theil"])] == ["theil", "gini"]
    assert measures_named([]) == ()


def test_an_unknown_measure_is_refused_with_the_nearest_and_all_there_are() -> None:
    with pytest.raises(UsageError, match=r"measure 'ginni' is not known: did you mean 'gini'\? .*theil, .*kakwani"):
        measures_named(["theil", "ginni"])


def test_without_measures_or_effects_the_table_is_empty_with_its_columns() -> None:
    none = measure_table(
        csc_array(np.ones((2, 1))), labels_of("benefit"), people=TWO, names=[], ranks=RANKS, incomes=INCOMES
    )
    nothing = measure_table(
        csc_array((2, 0)), labels_of("benefit")[:0], people=TWO, names=list(MEASURES), ranks=RANKS, incomes=INCOMES
    )
    assert len(none) == len(nothing) == 0
    assert list(none.columns) == list(nothing.columns)


def test_many_columns_have_the_figures_of_each_on_its_own() -> None:
    rng = np.random.default_rng(7)
    values = rng.gamma(1.0, size=(30, 12)) * (rng.random((30, 12)) < 0.4)
    values[:, 3] = -values[:, 3]
    people = NONE._replace(population=rng.integers(0, 9, 30).astype(float))
    income = rng.integers(1, 20, 30).astype(float)
    given = {"ranks": {"income": mid_rank(income, people.population)}, "incomes": {"income": income}}
    ledgers = ["benefit", "burden"] * 6
    whole = measure_table(csc_array(values), labels_of(*ledgers), people=people, names=list(MEASURES), **given)
    for a in range(12):
        one = measure_table(
            csc_array(values[:, [a]]), labels_of(*ledgers)[[a]], people=people, names=list(MEASURES), **given
        )
        pd.testing.assert_frame_equal(one, whole[whole["action"] == f"A{a}"].reset_index(drop=True))
    suits = whole[whole["measure"] == "suits"]["value"]
    np.testing.assert_array_equal(suits, suits_index(values, people.population, income=income))

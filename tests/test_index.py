"""Percentile conventions, the burden score and the rule that picks priority neighbourhoods."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from equity_screen.errors import InputError, UsageError
from equity_screen.index import (
    BurdenIndex,
    load_recipe,
    min_max,
    percentile,
    pick_priority,
    score_burden,
    z_score,
)
from equity_screen.recipe import IndexRecipe, Indicator, Priority, Question
from equity_screen.synthetic import four_zones

NAN = float("nan")
FIVE = pd.Series([0.0, 2.0, 2.0, 4.0, NAN], index=list("abcde"))


def indicator(**declared: object) -> Indicator:
    return Indicator.model_validate({"label": "x", "unit": "-", "higher_is": "worse", "column": "x"} | declared)


def recipe(**declared: object) -> IndexRecipe:
    return IndexRecipe.model_validate({"name": "own", "title": "Own", "source": "here"} | declared)


def table(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=list("ABCD")[: len(next(iter(columns.values())))])


# ---------------------------------------------------------------- percentile conventions


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("percent_rank", [0, 1 / 3, 1 / 3, 1]),  # (rank_min - 1)/(n - 1): 0/3, 1/3, 1/3, 3/3
        ("rank_pct_average", [0.25, 0.625, 0.625, 1]),  # ranks 1, 2.5, 2.5, 4 over 4
        ("nonzero_rank_max", [0, 2 / 3, 2 / 3, 1]),  # zeros are 0; 2 and 3 of the 3 positive
        ("floor_strictly_less", [0, 0.25, 0.25, 0.75]),  # 0, 1, 1, 3 of 4 below
        ("cume_dist", [0.25, 0.75, 0.75, 1]),  # 1, 3, 3, 4 of 4 up to
        ("mid_rank", [0.125, 0.5, 0.5, 0.875]),  # half of the tied: 0.5, 2, 2, 3.5 of 4
    ],
)
def test_each_convention_on_four_values_with_a_tie_and_a_zero(method: str, expected: list[float]) -> None:
    ranked = percentile(FIVE, method=method)
    assert ranked.tolist()[:4] == pytest.approx(expected, rel=1e-15)
    assert np.isnan(ranked["e"]), "missing is never ranked"
    assert ranked.index.tolist() == list("abcde")


def test_floor_is_to_whole_percent() -> None:
    # 1 of 3 below is 33.3 %, 2 of 3 is 66.7 %: floored to 33 and 66.
    assert percentile(pd.Series([1.0, 2.0, 3.0]), method="floor_strictly_less").tolist() == [0.0, 0.33, 0.66]


def test_zeros_and_negatives_are_left_out_of_the_nonzero_ranking() -> None:
    ranked = percentile(pd.Series([-1.0, 0.0, 5.0, 7.0]), method="nonzero_rank_max")
    assert ranked.tolist() == [0.0, 0.0, 0.5, 1.0]


def test_values_are_ranked_against_the_reference_and_not_against_themselves() -> None:
    reference = pd.Series([10.0, 20.0, 30.0, 40.0])
    ranked = percentile(pd.Series([5.0, 20.0, 99.0]), method="cume_dist", reference=reference)
    assert ranked.tolist() == [0.0, 0.5, 1.0]


def test_one_value_has_no_percent_rank_and_no_value_has_no_rank_at_all() -> None:
    assert percentile(pd.Series([3.0]), method="percent_rank").isna().all()
    for method in ("percent_rank", "cume_dist", "mid_rank"):
        assert percentile(pd.Series([NAN, NAN]), method=method).isna().all()


def test_an_unknown_convention_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown percentile convention 'cumedist'; did you mean 'cume_dist'\?"):
        percentile(FIVE, method="cumedist")


# ---------------------------------------------------------------- recipes


def test_the_neutral_recipe_ships() -> None:
    neutral = load_recipe("neutral")
    assert (neutral.percentile, neutral.minimum_share, neutral.digits) == ("percent_rank", 0.5, None)


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no recipe 'neutrl'; did you mean 'neutral'\?"):
        load_recipe("neutrl")


# ---------------------------------------------------------------- the burden score


def test_the_hottest_square_has_the_highest_burden() -> None:
    scored = BurdenIndex(indicators={"heat": indicator()}).fit_transform(four_zones())
    assert scored["heat_percentile"].tolist() == pytest.approx([100, 200 / 3, 100 / 3, 0])
    assert scored["burden_score"].tolist() == pytest.approx([100, 200 / 3, 100 / 3, 0])
    assert scored["burden_percentile"].tolist() == pytest.approx([100, 200 / 3, 100 / 3, 0])
    assert scored.index.tolist() == list("ABCD")


def test_a_low_value_is_a_burden_where_higher_is_better() -> None:
    scored = BurdenIndex(indicators={"green": indicator(higher_is="better")}).fit_transform(table(green=[1, 2, 3]))
    assert scored["green_percentile"].tolist() == [100.0, 50.0, 0.0]


def test_indicators_are_averaged_by_weight_in_a_domain_and_domains_count_alike() -> None:
    # Place A: heat 1 and noise 0 with weights 3 and 1 make 0.75; air alone makes 0: mean 0.375.
    declared = {
        "heat": indicator(weight=3.0, domain="climate"),
        "noise": indicator(domain="climate"),
        "air": indicator(domain="air"),
    }
    scored = BurdenIndex(indicators=declared).fit_transform(table(heat=[2, 1], noise=[1, 2], air=[1, 2]))
    assert scored["burden_score"].tolist() == [37.5, 62.5]


def test_a_missing_indicator_is_left_out_of_the_mean_and_never_counted_as_zero() -> None:
    declared = {"heat": indicator(weight=3.0), "noise": indicator()}
    scored = BurdenIndex(indicators=declared).fit_transform(table(heat=[NAN, 1, 2], noise=[3, 1, 2]))
    assert scored["burden_score"].tolist() == [100.0, 0.0, 87.5]  # noise alone; both 0; (3 * 1 + 0.5)/4
    assert np.isnan(scored.loc["A", "heat_percentile"])


def test_no_score_with_less_than_the_recipes_share_of_the_indicators() -> None:
    declared = {name: indicator() for name in ("one", "two", "three")}
    city = table(one=[1, 2, 3, 4], two=[NAN, 2, 3, 4], three=[NAN, NAN, 3, 4])
    scored = BurdenIndex(recipe(minimum_share=0.5), indicators=declared).fit_transform(city)
    assert np.isnan(scored.loc["A", "burden_score"])
    assert np.isnan(scored.loc["A", "burden_percentile"])
    assert scored.loc[["B", "C", "D"], "burden_score"].notna().all()
    strict = BurdenIndex(recipe(minimum_share=1.0), indicators=declared).fit_transform(city)
    assert strict["burden_score"].notna().tolist() == [False, False, True, True]


def test_where_nobody_lives_there_is_no_score_and_no_reference() -> None:
    city = table(population=[5, 5, 0, 5], heat=[1, 2, 99, 3])
    scored = BurdenIndex(indicators={"heat": indicator()}).fit_transform(city)
    assert scored.loc[["A", "B", "D"], "burden_score"].tolist() == [0.0, 50.0, 100.0]
    assert np.isnan(scored.loc["C", "burden_score"])
    assert np.isnan(scored.loc["C", "burden_percentile"])


def test_percentiles_are_rounded_half_up_where_the_recipe_says_so() -> None:
    # 1/8 = 0.125 is 0.13 by hand and 0.12 by the banker's rule.
    heat = pd.DataFrame({"heat": np.arange(9.0)})
    scored = BurdenIndex(recipe(digits=2), indicators={"heat": indicator()}).fit_transform(heat)
    assert scored["heat_percentile"].iloc[1] == 13.0


def test_another_city_is_scored_against_the_fitted_one() -> None:
    index = BurdenIndex(recipe(percentile="cume_dist"), indicators={"heat": indicator()})
    index.fit(table(heat=[10, 20, 30, 40]))
    assert index.transform(table(heat=[5, 20, 99]))["burden_score"].tolist() == [0.0, 50.0, 100.0]


def test_an_indicator_that_is_no_burden_changes_no_score() -> None:
    declared = {"heat": indicator(), "income": indicator(burden=False)}
    scored = BurdenIndex(indicators=declared).fit_transform(table(heat=[1, 2], income=[9, 1]))
    assert scored.columns.tolist() == ["heat_percentile", "burden_score", "burden_percentile"]


def test_it_is_an_estimator_like_any_other() -> None:
    index = BurdenIndex("neutral", indicators={"heat": indicator()})
    assert clone(index).get_params()["recipe"] == "neutral"
    with pytest.raises(NotFittedError, match="BurdenIndex instance is not fitted"):
        index.transform(four_zones())
    index.fit(four_zones())
    assert index.n_features_in_ == 1
    assert index.get_feature_names_out().tolist() == index.transform(four_zones()).columns.tolist()


@pytest.mark.parametrize(
    ("indicators", "message"),
    [
        ({}, "an index needs at least one indicator"),
        ({"heat": indicator(burden=False)}, "an index needs at least one indicator"),
        ({"smoke": indicator()}, "no such indicator columns: smoke"),
    ],
)
def test_an_index_of_nothing_is_refused(indicators: dict[str, Indicator], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        BurdenIndex(indicators=indicators).fit(four_zones())


def test_score_burden_adds_columns_and_stays_undefined_without_burdens() -> None:
    asked = Question(indicators={"heat": indicator()})
    assert score_burden(four_zones(), asked)["burden_score"].tolist() == pytest.approx([100, 200 / 3, 100 / 3, 0])
    without = score_burden(four_zones(), Question())
    assert without[["burden_score", "burden_percentile"]].isna().all(axis=None)


# ---------------------------------------------------------------- priority


@pytest.mark.parametrize(
    ("rule", "picked"),
    [
        (Priority(column="heat", at_least=29), [True, True, False, False]),
        (Priority(column="heat", at_most=28), [False, False, True, True]),
        (Priority(column="heat", at_least=28, at_most=29), [False, True, True, False]),
        (Priority(column="name", one_of=("South-east", "North-east")), [False, True, False, True]),
    ],
)
def test_bounds_belong_to_the_picked_and_values_are_matched(rule: Priority, picked: list[bool]) -> None:
    assert pick_priority(four_zones(), rule).tolist() == picked


def test_a_missing_value_is_never_picked() -> None:
    city = pd.DataFrame({"rank": [5.0, NAN, 4.0]})
    assert pick_priority(city, Priority(column="rank", at_least=4)).tolist() == [True, False, True]
    assert pick_priority(city, Priority(column="rank", at_most=9)).tolist() == [True, False, True]


def test_numbers_written_as_text_are_compared_as_numbers() -> None:
    city = pd.DataFrame({"rank": ["5", "10", "n/a"]})
    assert pick_priority(city, Priority(column="rank", at_least=9)).tolist() == [False, True, False]


def test_a_rule_on_a_column_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"column priority.column, value haet.*did you mean 'heat'\?") as caught:
        pick_priority(four_zones(), Priority(column="haet", at_least=1))
    assert caught.value.findings[0].code == "ES-PRIORITY-COLUMN"


@pytest.mark.parametrize("whole", [(4, 5), (4.0, 5.0)])
def test_whole_numbers_match_however_the_column_stores_them(whole: tuple[float, float]) -> None:
    """A column of whole numbers with a gap is read as 4.0 and 5.0."""
    city = pd.DataFrame({"rank": [5.0, NAN, 4.0, 3.0]})
    assert pick_priority(city, Priority(column="rank", one_of=whole)).tolist() == [True, False, True, False]


def test_a_rule_that_picks_nobody_is_refused():
    with pytest.raises(
        InputError, match=r"column priority\.column, value heat: the priority rule picks no neighbourhood"
    ):
        pick_priority(four_zones(), Priority(column="heat", at_least=99))


@pytest.mark.parametrize("standardised", [z_score, min_max])
def test_standardised_values_of_places_that_are_all_alike_are_undefined(standardised):
    assert standardised(pd.Series([2.0, 2.0])).isna().all()
    assert standardised(pd.Series([], dtype="float64")).empty


def test_a_missing_value_stays_missing_and_counts_for_nothing():
    assert z_score(pd.Series([1.0, np.nan, 3.0])).tolist()[::2] == [-1.0, 1.0]
    assert min_max(pd.Series([1.0, np.nan, 3.0])).isna().tolist() == [False, True, False]

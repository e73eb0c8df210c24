"""Declarations: frozen, strict about their keys, and of one meaning."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from equity_screen import recipe
from equity_screen.recipe import (
    Declaration,
    Group,
    IndexChoice,
    IndexRecipe,
    Indicator,
    Policy,
    Priority,
    Question,
    Ranking,
    Reference,
    Siting,
    Stability,
    Uncertainty,
)

SMALLEST = {
    Group: {"label": "g", "count": "n"},
    Indicator: {"label": "i", "unit": "m", "higher_is": "worse", "column": "c"},
    Ranking: {"column": "c", "higher_is": "advantaged"},
    Policy: {"share": 0.4, "source": "law", "status": "in force"},
    Priority: {"at_least": 75},
    Reference: {"whole_city": True},
    Uncertainty: {},
    Siting: {},
    Stability: {},
    IndexRecipe: {"name": "n", "title": "t", "source": "s"},
    IndexChoice: {},
    Question: {},
}


def made(kind, **changes):
    return kind.model_validate({**SMALLEST[kind], **changes})


def test_every_declaration_is_listed_here():
    kinds = {k for k in vars(recipe).values() if isinstance(k, type) and issubclass(k, BaseModel)}
    assert kinds - {BaseModel, Declaration} == set(SMALLEST)


@pytest.mark.parametrize("kind", SMALLEST)
class TestEvery:
    def test_refuses_a_key_it_does_not_know(self, kind):
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            made(kind, no_such_key=1)

    def test_is_frozen(self, kind):
        declared = made(kind)
        with pytest.raises(ValidationError, match="Instance is frozen"):
            setattr(declared, next(iter(kind.model_fields)), "other")

    def test_each_key_says_what_it_is(self, kind):
        assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_blanks_around_a_text_are_dropped():
    assert made(Group, count=" n_poverty ").count == "n_poverty"


class TestGroup:
    @pytest.mark.parametrize(
        "sources",
        [
            {"count": "n"},
            {"share": "s"},
            {"layer": "l.gpkg"},
            {"count": "n", "share": "s"},
            {"count": "n", "universe": "u"},
            {"share": "s", "universe": "u"},
            {"count": "n", "share": "s", "universe": "u", "margin": "m"},
        ],
        ids="+".join,
    )
    def test_sources_that_belong_together(self, sources):
        assert Group(label="g", **sources).missing == "refuse"

    @pytest.mark.parametrize("sources", [{}, {"count": "n", "layer": "l.gpkg"}, {"universe": "u"}], ids=str)
    def test_no_source_or_two(self, sources):
        with pytest.raises(ValidationError, match="give one of count, share or layer"):
            Group(label="g", **sources)


class TestIndicator:
    SOURCES = (
        {"raster": "h.tif"},
        {"polygons": "p.gpkg", "rate": "r"},
        {"covered_by": "f.gpkg"},
        {"points": "p.gpkg", "distance_m": 500},
        {"points": "p.csv", "distance_m": 500, "x": "lon", "y": "lat", "crs": "EPSG:4326"},
    )

    @pytest.mark.parametrize("sources", SOURCES, ids="+".join)
    def test_other_sources(self, sources):
        one = made(Indicator, column=None, **sources)
        assert (one.weight, one.layer) == (1.0, next(iter(sources.values())))

    def test_a_column_is_no_file(self):
        assert made(Indicator).layer is None

    @pytest.mark.parametrize("sources", [{"column": None}, *SOURCES], ids="+".join)
    def test_no_source_or_two(self, sources):
        several = "give exactly one of column, raster, polygons, covered_by or points"
        with pytest.raises(ValidationError, match=several):
            made(Indicator, **sources)

    @pytest.mark.parametrize(
        ("lone", "pair"),
        [
            ({"rate": "r"}, "polygons and rate"),
            ({"column": None, "polygons": "p.gpkg"}, "polygons and rate"),
            ({"column": None, "points": "p.gpkg"}, "points and distance_m"),
            ({"distance_m": 500}, "points and distance_m"),
            ({"column": None, "points": "p.csv", "distance_m": 500, "x": "lon"}, "x and y"),
        ],
        ids=str,
    )
    def test_keys_that_belong_together(self, lone, pair):
        with pytest.raises(ValidationError, match=f"{pair} belong together"):
            made(Indicator, **lone)

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("weight", 0, "greater than 0"),
            ("weight", float("inf"), "finite number"),
            ("band", 0, "greater than or equal to 1"),
            ("distance_m", 0, "greater than 0"),
            ("higher_is", "bad", "'worse' or 'better'"),
        ],
    )
    def test_impossible_values(self, key, value, message):
        with pytest.raises(ValidationError, match=message):
            made(Indicator, **{key: value})


class TestPriority:
    def test_both_bounds_may_be_given(self):
        rule = Priority(at_least=2, at_most=3)
        assert (rule.at_least, rule.at_most, rule.column) == (2, 3, "burden_percentile")

    def test_areas_of_a_layer(self):
        assert Priority(layer="old_towns.gpkg").at_least is None

    @pytest.mark.parametrize(
        "rules",
        [
            {},
            {"layer": "old_towns.gpkg", "at_least": 2},
            {"layer": "old_towns.gpkg", "one_of": ("A",)},
            {"at_most": 2, "one_of": ("A",)},
        ],
        ids="+".join,
    )
    def test_no_rule_or_two(self, rules):
        with pytest.raises(ValidationError, match="give one of layer, one_of, or at_least and/or at_most"):
            Priority(**rules)

    @pytest.mark.parametrize("share", [0, 1.01, -0.4])
    def test_a_policy_asks_for_a_share(self, share):
        with pytest.raises(ValidationError, match="Input should be"):
            made(Policy, share=share)

    @pytest.mark.parametrize("key", ["share", "source", "status"])
    def test_a_policy_has_no_default(self, key):
        with pytest.raises(ValidationError, match=rf"(?s){key}.*Field required"):
            Policy.model_validate({k: v for k, v in SMALLEST[Policy].items() if k != key})

    @pytest.mark.parametrize("key", ["source", "status"])
    def test_a_policy_names_its_source_in_words(self, key):
        with pytest.raises(ValidationError, match="at least 1 character"):
            made(Policy, **{key: "  "})


def test_a_question_needs_an_aversion_to_inequality():
    with pytest.raises(ValidationError, match="at least 1 item"):
        Question(epsilons=())


def test_prefixes_tell_the_columns_apart():
    prefixes = (recipe.PEOPLE, recipe.UNIVERSE, recipe.MARGIN, recipe.COVERAGE)
    assert len(set(prefixes)) == 4
    assert not any(a != b and a.startswith(b) for a in prefixes for b in prefixes)


HEAT = {"label": "Heat", "unit": "K", "higher_is": "worse", "column": "heat"}


@pytest.mark.parametrize("name", ["population", "Households", "people_low", "universe_low", "burden_score", "geometry"])
def test_an_indicator_cannot_take_the_name_of_a_column_that_we_make(name):
    with pytest.raises(ValidationError, match="has a name that this package makes"):
        Question.model_validate({"indicators": {name: HEAT}})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"groups": {"everyone": {"label": "x", "count": "n"}}}, "may not be called 'everyone'"),
        ({"groups": {"low": {"label": "x", "count": "n"}, "Low": {"label": "y", "count": "m"}}}, "twice but for case"),
        ({"epsilons": [0.0]}, "above 0"),
        ({"epsilons": [1.0, 1.0]}, "each once"),
    ],
)
def test_names_and_aversions_that_cannot_be_kept_apart(given, told):
    with pytest.raises(ValidationError, match=told):
        Question.model_validate(given)


class TestCertainty:
    @pytest.mark.parametrize("kinds", [{}, {"whole_city": True, "group": "renters"}])
    def test_a_reference_is_of_one_kind(self, kinds):
        with pytest.raises(
            ValidationError, match="give one of whole_city, group, neighbourhoods or similar_footprints"
        ):
            Reference(**kinds)

    def test_what_is_reliable_varies_less_than_what_is_not(self):
        with pytest.raises(ValidationError, match="reliable_below must be less than unreliable_above"):
            Uncertainty(reliable_below=0.5)

    def test_a_layer_has_no_column_of_margins(self):
        with pytest.raises(ValidationError, match="margin is that of a column"):
            Indicator(label="Heat", unit="°C", higher_is="worse", raster="heat.tif", margin="heat_moe")

"""Declarations of files: frozen, strict about their keys, and of one meaning."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from equity_screen import sources
from equity_screen.recipe import Declaration
from equity_screen.sources import (
    ActionsFile,
    BlocksFile,
    BoundaryFile,
    EarlierTable,
    EffectRule,
    NeighbourhoodsFile,
    OuterFile,
)

SMALLEST = {
    NeighbourhoodsFile: {"file": "z.gpkg", "id": "id"},
    BlocksFile: {"file": "b.csv", "people": "n"},
    ActionsFile: {"file": "a.csv"},
    BoundaryFile: {"label": "Wards", "file": "w.gpkg", "id": "ward"},
    OuterFile: {"file": "county.gpkg", "population": "n"},
    EarlierTable: {
        "file": "census.csv",
        "id": "zone",
        "crosswalk": "pairs.csv",
        "source_id": "old",
        "target_id": "new",
        "share": "share",
        "counts": ("people",),
    },
    EffectRule: {"ledger": "benefit", "effect": "e", "unit": "u"},
}


def made(kind, **changes):
    return kind.model_validate({**SMALLEST[kind], **changes})


def test_every_declaration_is_listed_here():
    kinds = {k for k in vars(sources).values() if isinstance(k, type) and issubclass(k, BaseModel)}
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


class TestNeighbourhoodsFile:
    def test_people_may_be_absent(self):
        declared = made(NeighbourhoodsFile)
        assert (declared.population, declared.id_digits, declared.unmatched) == (None, None, "refuse")

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("id_digits", 0, "greater than or equal to 1"),
            ("id_digits", 33, "less than or equal to 32"),
            ("unmatched", "keep", "'refuse' or 'exclude'"),
            ("population_missing", "zero", "'refuse', 'unpopulated' or 'exclude'"),
        ],
    )
    def test_impossible_values(self, key, value, message):
        with pytest.raises(ValidationError, match=message):
            made(NeighbourhoodsFile, **{key: value})


class TestActionsFile:
    def test_nothing_is_set_aside_unless_asked_for(self):
        declared = made(ActionsFile)
        assert (declared.only_where, declared.only_inside, declared.start, declared.end) == ({}, False, (), ())

    def test_years_of_emissions(self):
        assert made(ActionsFile, tco2e_in={"2030": "t30", "2040": "t40"}).tco2e_in["2040"] == "t40"

    @pytest.mark.parametrize("year", ["30", "20300", "y2030", "-203", ""])
    def test_a_year_has_four_digits(self, year):
        with pytest.raises(ValidationError, match=f"tco2e_in: '{year}' is no year, such as 2030"):
            made(ActionsFile, tco2e_in={year: "t"})


class TestBoundaryFile:
    @pytest.mark.parametrize("source", [{"file": "w.gpkg", "id": "ward"}, {"column": "ward"}], ids="+".join)
    def test_a_file_or_a_column(self, source):
        assert BoundaryFile(label="Wards", **source).label == "Wards"

    @pytest.mark.parametrize(
        "source",
        [{}, {"file": "w.gpkg"}, {"id": "w"}, {"file": "w.gpkg", "id": "w", "column": "c"}, {"column": "c", "id": "w"}],
        ids="+".join,
    )
    def test_neither_or_both_or_a_file_without_ids(self, source):
        with pytest.raises(ValidationError, match="give file and id, or column"):
            BoundaryFile(label="Wards", **source)


class TestEarlierTable:
    def test_a_count_stands_once(self):
        with pytest.raises(ValidationError, match="counts: a column stands twice"):
            made(EarlierTable, counts=("people", "people"))


class TestEffectRule:
    def test_within_has_a_distance(self):
        assert made(EffectRule, reach="within", distance_m=800).distance_m == 800

    @pytest.mark.parametrize(
        "wrong", [{"reach": "within"}, {"distance_m": 800}, {"reach": "citywide", "distance_m": 1}]
    )
    def test_a_distance_goes_with_within_only(self, wrong):
        with pytest.raises(
            ValidationError,
            match=r"(reach within needs distance_m|distance_m does not go with reach (footprint|citywide))",
        ):
            made(EffectRule, **wrong)

    @pytest.mark.parametrize(
        "wrong",
        [{"amount": -1}, {"amount_low": -1}, {"reach": "within", "distance_m": 0}, {"amount": float("nan")}],
        ids=str,
    )
    def test_amounts_have_no_sign(self, wrong):
        with pytest.raises(ValidationError, match=r"greater than|finite number"):
            made(EffectRule, **wrong)

    def test_an_amount_may_be_unknown(self):
        assert made(EffectRule, amount=None).amount is None

    @pytest.mark.parametrize(
        ("given", "match"),
        [
            ({"reach": "ring", "distance_m": 300}, "reach ring needs inner_m"),
            ({"reach": "decay", "distance_m": 300}, "reach decay needs kernel"),
            ({"reach": "decay", "kernel": "gaussian", "distance_m": 300}, "reach decay needs scale_m"),
            ({"reach": "within", "distance_m": 300, "kernel": "linear"}, "kernel does not go with reach within"),
            ({"reach": "travel", "layer": "t.csv"}, "reach travel needs minutes"),
            ({"reach": "raster"}, "reach raster needs layer"),
            ({"uptake": {"renters": 1.1}}, r"uptake of renters: 1.1 is not from 0 to 1"),
            ({"uptake": {"renters": float("nan")}}, "finite number"),
        ],
        ids=str,
    )
    def test_keys_go_with_the_reach(self, given, match):
        with pytest.raises(ValidationError, match=match):
            made(EffectRule, **given)

    def test_with_a_kind_the_keys_are_those_of_its_reach(self):
        given = {"ledger": "benefit", "effect": "shade", "unit": "K", "kind": "bus_stop", "distance_m": 250}
        assert EffectRule.model_validate(given).reach is None

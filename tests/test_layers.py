"""Neighbourhoods in: people, groups and indicators checked row by row, tables joined, fates told."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.errors import EquityScreenWarning, InputError
from equity_screen.index import pick_priority
from equity_screen.layers import (
    check_neighbourhoods,
    points_from_columns,
    read_neighbourhoods,
    settle,
)
from equity_screen.recipe import Group, Indicator, Priority, Question, Ranking
from equity_screen.schema import Origin
from equity_screen.sources import NeighbourhoodsFile
from equity_screen.synthetic import four_zones

LAYER = Origin("zones.gpkg", "feature")
COLLAPSED = "POLYGON ((560000 6200000, 560001 6200001, 560000 6200000, 560000 6200000))"


def squares(**columns):
    """Squares of 1 km side by side, named A, B …, with these columns."""
    size = len(next(iter(columns.values())))
    shapes = [shapely.box(560_000 + 1000 * i, 6_200_000, 561_000 + 1000 * i, 6_201_000) for i in range(size)]
    return gpd.GeoDataFrame({"id": list("ABCDEFG")[:size], **columns}, geometry=shapes, crs=25832)


def check(frame, *, groups=None, indicators=None, rankings=None, extra=(), **declared):
    file = NeighbourhoodsFile.model_validate({"file": "zones.gpkg", "id": "id", "population": "pop", **declared})
    question = Question(groups=groups or {}, indicators=indicators or {}, rankings=rankings or {})
    return check_neighbourhoods(frame, file, origin=LAYER, question=question, extra=extra)


def group_of(frame, **sources):
    """Columns and codes of one group; the population is the column pop."""
    missing = sources.pop("missing", "refuse")
    checked = check(frame, groups={"g": Group(label="the group", missing=missing, **sources)})
    return checked.table, [(f.code, f.row, f.column) for f in checked.findings]


class TestTable:
    def test_the_package_columns_in_the_order_of_ids(self):
        frame = squares(pop=[10, 20], n=[" East ", "West"]).iloc[::-1].reset_index(drop=True)
        table = check(frame, name="n").table
        assert table.index.tolist() == ["A", "B"]
        assert table.index.name == "neighbourhood"
        assert table["population"].tolist() == [10.0, 20.0]
        assert table["population"].dtype == np.float64
        assert table.crs == frame.crs

    def test_people_of_each_row_go_into_the_ledger_refused_or_not(self):
        checked = check(squares(pop=[10, 20, -5]))
        assert checked.table.index.tolist() == ["A", "B"]
        assert checked.status["status"].tolist() == ["used", "used", "refused"]
        assert checked.status["people"].tolist() == [10.0, 20.0, -5.0]

    def test_the_order_of_rows_changes_nothing(self):
        frame = squares(pop=[10, 20, 30], n=[1, 2, 3])
        turned = check(frame.iloc[[2, 0, 1]].reset_index(drop=True), groups={"g": Group(label="g", count="n")})
        pd.testing.assert_frame_equal(check(frame, groups={"g": Group(label="g", count="n")}).table, turned.table)

    def test_a_column_that_is_not_there(self):
        with pytest.raises(InputError, match=r"column popp: no such column. Mend: did you mean 'pop'") as caught:
            check(squares(pop=[1]), population="popp", groups={"g": Group(label="g", count="n", margin="m")})
        assert [f.column for f in caught.value.findings] == ["popp", "n", "m"]

    def test_no_crs(self):
        with pytest.raises(InputError, match=r"zones.gpkg, column CRS: the file has no CRS"):
            check(squares(pop=[1]).set_crs(None, allow_override=True))

    def test_degrees_under_the_name_of_metres_are_refused(self):
        frame = squares(pop=[1]).to_crs(4326).set_crs(25832, allow_override=True)
        with pytest.raises(
            InputError, match=r"zones.gpkg, column CRS, value \(9.9.*look like degrees, but the CRS is EPSG:25832"
        ):
            check(frame)

    def test_a_bow_tie_is_used_with_both_lobes(self):
        frame = squares(pop=[10])
        frame.loc[0, "geometry"] = shapely.from_wkt(
            "POLYGON ((560000 6200000, 561000 6201000, 561000 6200000, 560000 6201000, 560000 6200000))"
        )
        checked = check(frame)
        assert checked.status["status"].tolist() == ["repaired"]
        assert checked.table.area["A"] == pytest.approx(500_000)

    def test_people_on_a_polygon_without_area(self):
        frame = squares(pop=[10, 20])
        frame.loc[0, "geometry"] = shapely.from_wkt(COLLAPSED)
        checked = check(frame)
        assert checked.table.index.tolist() == ["B"]
        assert checked.status["codes"].tolist() == ["ES-GEOM-INVALID; ES-GEOM-AREA-ZERO", ""]

    def test_nobody_on_a_polygon_without_area(self):
        frame = squares(pop=[0, 20])
        frame.loc[0, "geometry"] = shapely.from_wkt(COLLAPSED)
        assert check(frame).status["status"].tolist() == ["repaired", "used"]

    def test_further_columns_are_numbers_where_every_cell_is_one(self):
        frame = squares(pop=[1, 2], km=["1.5", ""], code=["06", "x"])
        table = check(frame, extra=["km", "code", "nowhere", "pop"]).table
        assert table["km"].tolist()[0] == 1.5
        assert table["code"].tolist() == ["06", "x"]
        assert "nowhere" not in table.columns


class TestPopulation:
    FRAME = squares(pop=[10.0, np.nan, np.nan], type=["homes", "park", "homes"])

    def test_refuse_is_the_default(self):
        checked = check(self.FRAME)
        assert checked.status["codes"].tolist() == ["", "ES-POP-MISSING", "ES-POP-MISSING"]
        assert checked.table.index.tolist() == ["A"]

    def test_unpopulated_everywhere(self):
        checked = check(self.FRAME, population_missing="unpopulated")
        assert checked.table["population"].tolist() == [10.0, 0.0, 0.0]
        assert checked.status["status"].tolist() == ["used", "flagged", "flagged"]

    def test_unpopulated_by_a_rule(self):
        checked = check(self.FRAME, population_missing="unpopulated", unpopulated_where={"type": ("park",)})
        assert checked.table["population"].to_dict() == {"A": 10.0, "B": 0.0}
        assert checked.status["codes"].tolist() == ["", "ES-POP-UNPOPULATED", "ES-POP-MISSING"]

    @pytest.mark.parametrize("policy", ["refuse", "exclude"])
    def test_a_rule_holds_under_every_policy(self, policy):
        frame = squares(pop=[None, 5], kind=["park", "home"])
        checked = check(frame, population_missing=policy, unpopulated_where={"kind": ["park"]})
        assert checked.table["population"].tolist() == [0.0, 5.0]
        assert [f.code for f in checked.findings] == ["ES-POP-UNPOPULATED"]

    def test_any_of_several_rules(self):
        frame = self.FRAME.assign(use=["x", "x", "water"])
        rules = {"type": ("park",), "use": ("water", "rail")}
        checked = check(frame, population_missing="unpopulated", unpopulated_where=rules)
        assert set(checked.status["status"]) == {"used", "flagged"}

    def test_a_rule_leaves_a_known_population_alone(self):
        frame = squares(pop=[10.0], type=["park"])
        rule = {"population_missing": "unpopulated", "unpopulated_where": {"type": ("park",)}}
        assert check(frame, **rule).table["population"].tolist() == [10.0]

    def test_exclude(self):
        checked = check(self.FRAME, population_missing="exclude")
        assert checked.status["codes"].tolist() == ["", "ES-POP-EXCLUDED", "ES-POP-EXCLUDED"]
        assert checked.table["population"].tolist() == [10.0, 0.0, 0.0]

    @pytest.mark.parametrize("policy", ["refuse", "unpopulated", "exclude"])
    def test_a_word_is_refused_under_every_policy(self, policy):
        checked = check(squares(pop=["10", "ten"]), population_missing=policy)
        assert checked.table.index.tolist() == ["A"]
        found = next(f for f in checked.findings if f.code == "ES-NUMBER-TEXT")
        assert (found.source, found.row, found.id, found.column, found.value) == (
            *("zones.gpkg", "feature 2", "B"),
            *("pop", "ten"),
        )

    def test_households_and_margin(self):
        frame = squares(pop=[10, 0], hh=[4, None], m=[2, None])
        table = check(frame, households="hh", population_margin="m").table
        assert table["households"].tolist() == [4.0, 0.0]
        assert table["moe_population"].tolist() == [2.0, 0.0]

    @pytest.mark.parametrize("column", ["households", "population_margin"])
    def test_households_and_margin_below_zero(self, column):
        checked = check(squares(pop=[10], x=[-1]), **{column: "x"})
        assert [(f.code, f.column, f.value) for f in checked.findings] == [("ES-COUNT-NEGATIVE", "x", "-1.0")]


class TestGroups:
    def test_a_count(self):
        table, codes = group_of(squares(pop=[10, 20], n=[5, 0]), count="n")
        assert table["people_g"].tolist() == [5.0, 0.0]
        assert "universe_g" not in table.columns
        assert codes == []

    def test_a_share_of_everyone(self):
        table, _ = group_of(squares(pop=[10, 20], s=[50, 12.5]), share="s")
        assert table["people_g"].tolist() == [5.0, 2.5]
        assert "universe_g" not in table.columns

    def test_a_share_of_a_universe(self):
        table, _ = group_of(squares(pop=[10, 20], s=[50, 25], u=[8, 20]), share="s", universe="u")
        assert table["people_g"].tolist() == [4.0, 5.0]
        assert table["universe_g"].tolist() == [8.0, 20.0]

    def test_a_count_among_a_universe(self):
        table, _ = group_of(squares(pop=[10, 20], n=[4, 5], u=[8, 20]), count="n", universe="u")
        assert table["universe_g"].tolist() == [8.0, 20.0]

    def test_count_and_share_give_the_universe(self):
        table, codes = group_of(squares(pop=[10, 20], n=[4, 5], s=[50, 25]), count="n", share="s")
        assert table["universe_g"].tolist() == [8.0, 20.0]
        assert codes == []

    def test_a_share_of_0_says_nothing_of_the_universe(self):
        table, codes = group_of(squares(pop=[10, 20], n=[0, 5], s=[0, 50]), count="n", share="s")
        assert table["people_g"].tolist() == [0.0, 5.0]
        assert table["universe_g"].tolist() == [10.0, 10.0]
        assert codes == []

    def test_a_universe_that_is_everyone_is_no_column(self):
        table, _ = group_of(squares(pop=[10], n=[4], u=[10]), count="n", universe="u")
        assert "universe_g" not in table.columns

    def test_a_margin(self):
        table, _ = group_of(squares(pop=[10, 0], n=[4, None], m=[1.5, None]), count="n", margin="m")
        assert table["moe_g"].tolist() == [1.5, 0.0]

    def test_a_margin_below_zero_is_no_margin(self):
        _, codes = group_of(squares(pop=[10], n=[4], m=[-1]), count="n", margin="m")
        assert codes == [("ES-COUNT-NEGATIVE", "feature 1", "m")]

    def test_nobody_lives_there_and_nobody_was_counted(self):
        table, codes = group_of(squares(pop=[0, 10], n=[None, 5]), count="n")
        assert table["people_g"].tolist() == [0.0, 5.0]
        assert codes == []

    def test_a_missing_count_is_refused(self):
        table, codes = group_of(squares(pop=[10, 20], n=[None, 5]), count="n")
        assert table.index.tolist() == ["B"]
        assert codes == [("ES-GROUP-MISSING", "feature 1", "n")]

    def test_a_missing_count_may_be_left_out_of_group_and_universe(self):
        table, codes = group_of(squares(pop=[10, 20], n=[None, 5]), count="n", missing="exclude")
        assert table["people_g"].tolist() == [0.0, 5.0]
        assert table["universe_g"].tolist() == [0.0, 20.0]
        assert table["population"].tolist() == [10.0, 20.0]
        assert codes == [("ES-GROUP-EXCLUDED", "feature 1", "n")]

    @pytest.mark.parametrize("missing", [{"s": [None]}, {"u": [None]}], ids=str)
    def test_a_missing_share_or_universe(self, missing):
        frame = squares(**{"pop": [10.0], "s": [50.0], "u": [8.0], **missing})
        assert group_of(frame, share="s", universe="u")[1] == [("ES-GROUP-MISSING", "feature 1", "s")]

    @pytest.mark.parametrize(
        ("columns", "sources"),
        [
            ({"n": [11]}, {"count": "n"}),
            ({"n": [9], "u": [8]}, {"count": "n", "universe": "u"}),
        ],
        ids=["population", "universe"],
    )
    def test_larger_than_what_it_is_part_of(self, columns, sources):
        checked_codes = group_of(squares(pop=[10], **columns), **sources)[1]
        assert checked_codes == [("ES-GROUP-OVER-TOTAL", "feature 1", "n")]

    def test_people_where_nobody_lives(self):
        assert group_of(squares(pop=[0], n=[40]), count="n")[1] == [("ES-GROUP-OVER-TOTAL", "feature 1", "n")]

    @pytest.mark.parametrize("share", [100.5, -1, 150])
    def test_no_percentage(self, share):
        codes = group_of(squares(pop=[10], s=[share]), share="s")[1]
        assert codes[0] == ("ES-SHARE-RANGE", "feature 1", "s")

    def test_overlapping_groups_may_add_up_to_more_than_everyone(self):
        groups = {"a": Group(label="a", count="x"), "b": Group(label="b", count="y")}
        checked = check(squares(pop=[10], x=[9], y=[8]), groups=groups)
        assert checked.table[["people_a", "people_b"]].to_numpy().tolist() == [[9.0, 8.0]]
        assert checked.findings == ()

    def test_a_group_of_a_polygon_layer_is_left_to_align(self):
        checked = check(squares(pop=[10]), groups={"g": Group(label="g", layer="areas.gpkg")})
        assert "people_g" not in checked.table.columns


class TestNames:
    """A column of the file is never taken for one of ours."""

    def test_a_stray_column_of_our_name_is_left_out_and_named(self):
        frame = squares(pop=[10], n=[4], universe_g=[5], Priority=[1], NAME=["x"], income=[7])
        checked = check(
            frame, groups={"g": Group(label="g", count="n")}, extra=["universe_g", "Priority", "NAME", "income"]
        )
        assert set(checked.table.columns) == {"name", "population", "people_g", "income", "geometry"}
        assert {(f.code, f.column, f.status) for f in checked.findings} == {
            ("ES-COLUMN-OURS", column, "flagged") for column in ("universe_g", "Priority", "NAME")
        }

    @pytest.mark.parametrize(
        ("declared", "mend"),
        [({}, 'name it: households = "Households"'), ({"households": "hh"}, "rename it in the file if it is wanted")],
    )
    def test_households_that_are_not_declared_are_to_be_named(self, declared, mend):
        checked = check(squares(pop=[10], hh=[4], Households=[5]), extra=["Households"], **declared)
        assert [(f.code, f.column, f.mend) for f in checked.findings] == [("ES-COLUMN-OURS", "Households", mend)]

    def test_a_ranking_on_a_name_of_ours_is_refused(self):
        ranking = Ranking(column="burden_score", higher_is="disadvantaged")
        checked = check(squares(pop=[10], burden_score=[3]), rankings={"r": ranking})
        assert [(f.code, f.column) for f in checked.findings] == [("ES-COLUMN-AMBIGUOUS", "burden_score")]

    def test_the_declared_population_may_rank(self):
        ranking = Ranking(column="pop", higher_is="advantaged")
        assert check(squares(pop=[10]), rankings={"r": ranking}).findings == ()

    def test_codes_of_a_rule_stay_text(self):
        file = NeighbourhoodsFile(file="z.gpkg", id="id", population="pop")
        question = Question(priority=Priority(column="code", one_of=("001",)))
        frame = squares(pop=[1, 1], code=["001", "1"])
        table = check_neighbourhoods(frame, file, origin=LAYER, question=question, extra=["code"]).table
        assert pick_priority(table, question.priority).tolist() == [True, False]


class TestFractions:
    def test_are_refused_where_percentages_are_read(self):
        _, codes = group_of(squares(pop=[10, 10], s=[0.5, 1.0]), share="s")
        assert codes == [("ES-SHARE-FRACTION", "", "s")]

    @pytest.mark.parametrize(("share_is", "people"), [("fraction", [5, 10]), ("percent", [0.05, 0.1])])
    def test_are_what_they_are_declared_to_be(self, share_is, people):
        table, codes = group_of(squares(pop=[10, 10], s=[0.5, 1.0]), share="s", share_is=share_is)
        assert table["people_g"].tolist() == pytest.approx(people)
        assert codes == []


class TestIndicators:
    @staticmethod
    def indicator(**changes):
        return Indicator(label="i", unit="µg/m³", higher_is="worse", **{"column": "pm", **changes})

    def test_a_column_by_its_own_name_missing_stays_missing(self):
        checked = check(
            squares(pop=[1, 2, 3], pm=["7.5", "", "-999"]), indicators={"pm25": self.indicator(missing=(-999,))}
        )
        assert checked.table["pm25"].tolist() == [
            7.5,
            pytest.approx(np.nan, nan_ok=True),
            pytest.approx(np.nan, nan_ok=True),
        ]
        assert checked.findings == ()

    def test_a_word(self):
        checked = check(squares(pop=[1], pm=["high"]), indicators={"pm25": self.indicator()})
        assert [(f.code, f.column, f.value) for f in checked.findings] == [("ES-NUMBER-TEXT", "pm", "high")]

    def test_a_ranking_column_is_read_as_numbers(self):
        frame = squares(pop=[1, 2], income=["100000", "20000"])
        rankings = {"income": Ranking(column="income", higher_is="advantaged")}
        assert check(frame, rankings=rankings).table["income"].tolist() == [100000.0, 20000.0]


class TestPoints:
    def test_a_row_without_both_coordinates_has_no_point(self):
        table = pd.DataFrame({"x": ["1", "2", ""], "y": ["5", "", "6"]})
        points, findings = points_from_columns(table, x="x", y="y", origin=Origin("people.csv", "row"))
        assert [None if p is None else (p.x, p.y) for p in points] == [(1.0, 5.0), None, None]
        assert findings == []

    def test_words(self):
        table = pd.DataFrame({"x": ["12,5"], "y": ["north"]})
        _, findings = points_from_columns(table, x="x", y="y", origin=Origin("people.csv", "row"))
        assert [(f.row, f.column, f.value) for f in findings] == [("row 2", "x", "12,5"), ("row 2", "y", "north")]


class TestSettle:
    def test_repairs_and_flags_are_one_warning_with_counts(self):
        checked = check(squares(pop=[10, np.nan, np.nan]), population_missing="exclude")
        with pytest.warns(EquityScreenWarning, match=r"^zones.gpkg: 2 × ES-POP-EXCLUDED \(flagged\)$"):
            assert len(settle(checked)) == 3

    def test_every_refused_row_at_once(self):
        with pytest.raises(InputError, match="2 faults"):
            settle(check(squares(pop=[-1, -2, 3])))

    def test_refused_rows_may_be_left_out(self):
        with pytest.warns(EquityScreenWarning, match="ES-COUNT-NEGATIVE"):
            assert settle(check(squares(pop=[-1, -2, 3])), on_bad_row="refuse").index.tolist() == ["C"]


class TestRead:
    def test_one_call(self, tmp_path):
        four_zones().reset_index().to_file(tmp_path / "zones.gpkg")
        groups = {"low_income": "people_low_income"}
        city = read_neighbourhoods(
            tmp_path / "zones.gpkg", id="neighbourhood", population="population", name="name", groups=groups
        )
        assert city["people_low_income"].to_dict() == {"A": 50.0, "B": 50.0, "C": 30.0, "D": 20.0}
        assert city["median_income"].tolist() == [20_000.0, 30_000.0, 40_000.0, 50_000.0]

    def test_a_table_is_no_layer(self, tmp_path):
        (tmp_path / "zones.csv").write_text("id,pop\nA,1\n")
        with pytest.raises(InputError, match=r"zones.csv: the file has no geometry"):
            read_neighbourhoods(tmp_path / "zones.csv", id="id", population="pop")


def test_the_margin_of_an_indicator_is_read_beside_it_with_its_missing_codes() -> None:
    frame = gpd.GeoDataFrame(
        {"id": ["A", "B"], "pop": [100, 50], "cost": [8.0, 9.0], "cost_moe": [2.0, -999.0]},
        geometry=[shapely.box(560000 + 1000 * i, 6200000, 561000 + 1000 * i, 6201000) for i in (0, 1)],
        crs=25832,
    )
    energy = Indicator(label="Energy", unit="%", higher_is="worse", column="cost", margin="cost_moe", missing=(-999.0,))
    declared = NeighbourhoodsFile(file="a.gpkg", id="id", population="pop")
    checked = check_neighbourhoods(
        frame, declared, origin=Origin("a.gpkg"), question=Question(indicators={"energy": energy})
    )
    margins = checked.table["moe_energy"]
    assert margins["A"] == 2.0
    assert np.isnan(margins["B"])

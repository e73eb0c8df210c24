"""Rows of a plan that the project sets aside: each keeps its fate and what it would have brought."""

from __future__ import annotations

from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.aside import choose_rows
from equity_screen.errors import InputError
from equity_screen.schema import Origin
from equity_screen.sources import ActionsFile
from equity_screen.synthetic import CRS, four_zones
from tests.plans import km, km_box

CSV, LAYER = Origin("sites.csv", "row"), Origin("sites.gpkg", "feature")
ZONES = four_zones().geometry


def choose(columns, *, origin=CSV, zones=ZONES, **declared):
    file = ActionsFile.model_validate({"file": origin.file, **declared})
    frame = columns if isinstance(columns, pd.DataFrame) else pd.DataFrame(dict(columns))
    return choose_rows(frame, file, origin=origin, zones=zones)


def placed(*shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS)


def told(chosen):
    return [(f.status, f.code, f.row, f.reason) for f in chosen.findings]


STATES = MappingProxyType({"state": ["CA", "NV", " CA ", None, "NV"], "cost": ["1", "20", "3", "400", "x"]})


class TestWhere:
    def test_rows_of_other_values_are_set_aside(self):
        chosen = choose(STATES, only_where={"state": ("CA",)})
        assert chosen.table["cost"].tolist() == ["1", "3"]
        assert chosen.table.index.tolist() == [0, 1]
        assert [chosen.origin.row(i) for i in (0, 1)] == ["row 2", "row 4"]
        assert chosen.status["row"].tolist() == ["row 3", "row 5", "row 6"]
        assert set(chosen.status["status"]) == {"flagged"}
        assert set(chosen.status["codes"]) == {"ES-ACTION-ASIDE"}

    def test_their_number_is_told_once_of_the_whole_file(self):
        assert told(choose(STATES, only_where={"state": ("CA",)})) == [
            ("flagged", "ES-ACTION-ASIDE", "", "set aside by the project: state is not CA (3 such rows)")
        ]

    def test_what_they_would_have_brought_stays_in_the_ledger(self):
        status = choose(STATES, only_where={"state": ("CA",)}, cost="cost").status
        assert status["cost"].tolist() == pytest.approx([20, 400, np.nan], nan_ok=True)
        assert status["tco2e"].isna().all()

    def test_several_values_and_several_columns(self):
        columns = {"state": ["CA", "NV", "UT", "CA"], "open": ["yes", "yes", "yes", "no"]}
        chosen = choose(columns, only_where={"state": ("CA", "NV"), "open": ("yes",)})
        assert chosen.table["state"].tolist() == ["CA", "NV"]
        assert [reason for _, _, _, reason in told(chosen)] == [
            "set aside by the project: open is not yes (1 such rows)",
            "set aside by the project: state is not CA or NV (1 such rows)",
        ]
        assert len(chosen.status) == 2

    def test_a_number_that_a_gap_has_given_a_point_is_that_number(self):
        chosen = choose({"fund": [4.0, np.nan, -4.0, 40.0]}, only_where={"fund": ("4", "-4")})
        assert chosen.table["fund"].tolist() == [4, -4]

    def test_nothing_set_aside_changes_nothing(self):
        chosen = choose({"state": ["CA"]}, only_where={"state": ("CA",)})
        assert (chosen.findings, len(chosen.status), chosen.origin) == ([], 0, CSV)

    def test_a_column_that_is_not_there(self):
        with pytest.raises(InputError, match=r"sites\.csv, column stat: no such column. Mend: did you mean 'state'"):
            choose({"state": ["CA"]}, only_where={"stat": ("CA",)})

    def test_a_rule_that_leaves_no_row_is_most_likely_a_typo(self):
        with pytest.raises(InputError, match=r"sites\.csv, column state, value Ca: .*ES-ACTION-NONE\]"):
            choose({"state": ["CA"]}, only_where={"state": ("Ca",)})

    def test_rules_that_leave_no_row_together(self):
        columns = {"state": ["CA", "NV"], "open": ["no", "yes"]}
        with pytest.raises(InputError, match=r"sites\.csv, column state, open: .*ES-ACTION-NONE\]"):
            choose(columns, only_where={"state": ("CA",), "open": ("yes",)})

    @pytest.mark.parametrize("asked", ["\u00c5s", "A\u030as"])
    def test_letters_composed_or_not_are_the_same(self, asked):
        assert len(choose({"town": ["A\u030as", "\u00c5s", "As"]}, only_where={"town": (asked,)}).table) == 2

    def test_rows_of_rows_set_aside_before_keep_their_lines(self):
        origin = Origin("sites.csv", "row", lines=(7, 9, 11))
        chosen = choose({"state": ["NV", "CA", "NV"]}, origin=origin, only_where={"state": ("CA",)})
        assert (chosen.origin.row(0), chosen.status["row"].tolist()) == ("row 9", ["row 7", "row 11"])


class TestInside:
    def test_rows_elsewhere_or_nowhere_are_set_aside(self):
        frame = placed(km(shapely.Point(0.5, 0.5)), km(shapely.Point(9, 9)), None, km_box(-5, 0, 0.1, 1))
        chosen = choose(frame, origin=LAYER, only_inside=True)
        assert [chosen.origin.row(i) for i in range(len(chosen.table))] == ["feature 1", "feature 4"]
        assert [reason for _, _, _, reason in told(chosen)] == [
            "set aside by the project: no place is given (1 such rows)",
            "set aside by the project: outside every neighbourhood (1 such rows)",
        ]

    def test_in_another_crs(self):
        frame = placed(km(shapely.Point(0.5, 0.5)), km(shapely.Point(9, 9))).to_crs(4326)
        assert len(choose(frame, origin=LAYER, only_inside=True).table) == 1

    def test_of_columns_of_coordinates(self):
        columns = {"x": ["560500", "0", ""], "y": ["6200500", "0", ""]}
        chosen = choose(columns, only_inside=True, x="x", y="y", crs=CRS)
        assert chosen.table["x"].tolist() == ["560500"]

    def test_a_word_for_a_place_or_among_coordinates_is_left_to_the_check(self):
        columns = {"x": ["", "east", "0"], "y": ["", "1", "0"], "where": ["citywide", "", ""]}
        chosen = choose(columns, only_inside=True, x="x", y="y", crs=CRS, where="where")
        assert chosen.status["row"].tolist() == ["row 4"]
        assert len(chosen.table) == 2

    def test_nothing_inside_is_most_likely_another_crs(self):
        with pytest.raises(InputError, match=r"sites\.gpkg: .*ES-ACTION-NONE-INSIDE\]"):
            choose(placed(km(shapely.Point(9, 9))), origin=LAYER, only_inside=True)

    def test_without_neighbourhoods_no_row_is_outside(self):
        frame = placed(km(shapely.Point(9, 9)))
        assert len(choose(frame, origin=LAYER, zones=None, only_inside=True).table) == 1

    def test_is_asked_for_or_not_done(self):
        assert len(choose(placed(km(shapely.Point(9, 9))), origin=LAYER).table) == 1

    def test_comes_after_only_where(self):
        frame = placed(km(shapely.Point(0.5, 0.5)), km(shapely.Point(9, 9)), km(shapely.Point(9, 9)), kind=list("aab"))
        chosen = choose(frame, origin=LAYER, only_inside=True, only_where={"kind": ("a",)})
        assert len(chosen.table) == 1
        assert chosen.status["reasons"].tolist() == [
            "set aside by the project: outside every neighbourhood (1 such rows)",
            "set aside by the project: kind is not a (1 such rows)",
        ]

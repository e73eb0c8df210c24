"""Actions in: ids, money, carbon, status, and a plan of them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.actions import check_actions, no_actions, read_actions
from equity_screen.boundaries import boundary_of_column
from equity_screen.errors import EquityScreenWarning, InputError
from equity_screen.schema import Origin
from equity_screen.sources import ActionsFile, EffectRule
from equity_screen.synthetic import four_zones

CSV = Origin("plan.csv", "row")
ZONES = four_zones().geometry


def check(columns, **declared):
    columns = {"where": ["citywide"] * len(next(iter(columns.values()))), **columns}
    file = ActionsFile.model_validate({"file": "plan.csv", "where": "where", **declared})
    return check_actions(pd.DataFrame(columns), file, origin=CSV, zones=four_zones().geometry)


def found(checked):
    return [(f.status, f.code, f.row, f.column, f.value) for f in checked.findings]


class TestIds:
    def test_sorted_with_their_prefix_and_zeros(self):
        table = check({"id": ["10", "02"]}, id="id", id_prefix="site-").table
        assert table.index.tolist() == ["site-02", "site-10"]
        assert table.index.name == "action"

    def test_rows_without_ids_are_numbered_in_their_order(self):
        table = check({"n": [f"action {i}" for i in range(1, 12)]}, name="n", id_prefix="x").table
        assert table.index[[0, 1, 10]].tolist() == ["x01", "x02", "x11"]
        assert table["name"].iloc[[0, 10]].tolist() == ["action 1", "action 11"]

    def test_a_missing_id_gets_no_prefix(self):
        checked = check({"id": ["1", ""]}, id="id", id_prefix="x")
        assert found(checked) == [("refused", "ES-ID-MISSING", "row 3", "id", "")]
        assert checked.table.index.tolist() == ["x1"]

    def test_double_ids(self):
        checked = check({"id": ["1", "2", "1"]}, id="id")
        assert [(f.code, f.row) for f in checked.findings] == [
            ("ES-ID-DUPLICATE", "row 2"),
            ("ES-ID-DUPLICATE", "row 4"),
        ]
        assert checked.table.index.tolist() == ["2"]


class TestNames:
    def test_a_blank_name_is_the_id(self):
        assert check({"id": ["1", "2"], "n": ["Tram", " "]}, id="id", name="n").table["name"].tolist() == ["Tram", "2"]

    def test_sector_is_a_column_or_a_word_for_all(self):
        columns = {"id": ["1", "2"], "s": ["tram", ""]}
        assert check(columns, id="id", sector="s").table["sector"].tolist() == ["tram", ""]
        assert check(columns, id="id", sector="transport").table["sector"].tolist() == ["transport"] * 2
        assert check(columns, id="id").table["sector"].tolist() == ["", ""]

    def test_declared_columns_that_are_not_there(self):
        with pytest.raises(InputError, match="3 faults") as caught:
            check({"id": ["1"]}, id="ID", cost="cost", status="state")
        assert {f.column for f in caught.value.findings} == {"ID", "cost", "state"}

    def test_the_file_is_the_source(self):
        assert check({"id": ["1"]}, id="id").table["source"].tolist() == ["plan.csv"]


@pytest.mark.parametrize("kind", ["cost", "tco2e"])
class TestMoneyAndCarbon:
    def test_as_given(self, kind):
        columns = {"id": ["1"], "c": ["2,500.5"], "l": ["1"], "h": ["3000"]}
        table = check(columns, id="id", **{kind: "c", f"{kind}_low": "l", f"{kind}_high": "h"}).table
        assert table[[kind, f"{kind}_low", f"{kind}_high"]].to_numpy().tolist() == [[2500.5, 1.0, 3000.0]]

    def test_what_is_not_declared_is_missing(self, kind):
        checked = check({"id": ["1"]}, id="id")
        assert checked.table[[kind, f"{kind}_low", f"{kind}_high"]].isna().all(axis=None)
        assert checked.findings == ()

    @pytest.mark.parametrize(
        ("text", "code", "value"), [("", "MISSING", ""), ("0", "ZERO", "0.0"), ("-5", "NEGATIVE", "-5.0")]
    )
    def test_odd_ones_are_flagged_and_kept(self, kind, text, code, value):
        checked = check({"id": ["1", "2"], "c": ["7", text]}, id="id", **{kind: "c"})
        ((status, found_code, row, column, found_value),) = found(checked)
        assert (status, found_code, row, column) == ("flagged", f"ES-{kind.upper()}-{code}", "row 3", "c")
        assert found_value == value
        assert checked.table[kind].iloc[1] == pytest.approx(float(text or "nan"), nan_ok=True)
        assert checked.status[kind].iloc[1] == pytest.approx(float(text or "nan"), nan_ok=True)

    @pytest.mark.parametrize(
        ("low", "central", "high"), [("8", "7", "9"), ("5", "7", "6"), ("9", "7", ""), ("", "7", "6"), ("9", "", "8")]
    )
    def test_low_central_high_out_of_order(self, kind, low, central, high):
        columns = {"id": ["1"], "c": [central], "l": [low], "h": [high]}
        checked = check(columns, id="id", **{kind: "c", f"{kind}_low": "l", f"{kind}_high": "h"})
        assert ("refused", f"ES-{kind.upper()}-ORDER", "row 2", "c") in [f[:4] for f in found(checked)]
        assert checked.table.empty

    @pytest.mark.parametrize("word", ["1.2M", "$5", "tbd"])
    def test_words(self, kind, word):
        checked = check({"id": ["1"], "c": [word]}, id="id", **{kind: "c"})
        assert ("refused", "ES-NUMBER-TEXT", "row 2", "c", word) in found(checked)


class TestStatus:
    def test_without_a_column_all_are_active(self):
        assert check({"id": ["1"]}, id="id").table["active"].tolist() == [True]

    def test_by_the_words_declared(self):
        columns = {"id": list("1234"), "s": ["Funded", "Idea", " ", "Built"]}
        checked = check(columns, id="id", status="s", active=("Funded", "Built"))
        assert checked.table["active"].tolist() == [True, False, None, True]
        assert found(checked) == [
            ("flagged", "ES-ACTION-INACTIVE", "row 3", "s", "Idea"),
            ("flagged", "ES-ACTION-STATUS", "row 4", "s", ""),
        ]

    def test_without_words_any_status_is_active(self):
        checked = check({"id": ["1", "2"], "s": ["Idea", ""]}, id="id", status="s")
        assert checked.table["active"].tolist() == [True, None]


class TestYears:
    def test_start_and_end(self):
        columns = {"id": ["1", "2", "3"], "from": ["2026", "01.05.2027", ""], "to": ["2030", "", "2031"]}
        table = check(columns, id="id", start=("from",), end=("to",)).table
        assert table["start"].tolist() == pytest.approx([2026, 2027, np.nan], nan_ok=True)
        assert table["end"].tolist() == pytest.approx([2030, np.nan, 2031], nan_ok=True)

    def test_another_column_where_the_first_has_none(self):
        checked = check({"id": ["1", "2"], "a": ["", "2026"], "b": ["2025", "2026"]}, id="id", start=("a", "b"))
        assert checked.table["start"].tolist() == [2025, 2026]
        assert found(checked) == [("flagged", "ES-YEAR-OTHER", "row 2", "b", "2025")]

    def test_what_is_not_asked_for_is_not_known(self):
        checked = check({"id": ["1"]}, id="id")
        assert checked.table[["start", "end"]].isna().all(axis=None)
        assert checked.findings == ()

    def test_an_end_before_its_start_is_refused(self):
        checked = check(
            {"id": ["1", "2"], "a": ["2026", "2026"], "b": ["2025", "2026"]}, id="id", start=("a",), end=("b",)
        )
        assert found(checked) == [("refused", "ES-YEAR-ORDER", "row 2", "b", "2025")]
        assert checked.table.index.tolist() == ["2"]

    def test_emissions_in_a_year(self):
        columns = {"id": ["1", "2"], "t30": ["1,200.5", ""], "t40": ["7", "x"]}
        checked = check(columns, id="id", tco2e_in={"2030": "t30", "2040": "t40"})
        assert checked.table["tco2e_2030"].tolist() == [1200.5]
        assert checked.table["tco2e"].isna().all()
        assert [(status, code, row) for status, code, row, _, _ in found(checked)] == [
            ("repaired", "ES-NUMBER-THOUSANDS", "row 2"),
            ("refused", "ES-NUMBER-TEXT", "row 3"),
        ]

    @pytest.mark.parametrize("declared", [{"start": ("when",)}, {"end": ("when",)}, {"tco2e_in": {"2030": "when"}}])
    def test_a_column_that_is_not_there(self, declared):
        with pytest.raises(InputError, match="column when: no such column"):
            check({"id": ["1"]}, id="id", **declared)


class TestSamePlaces:
    def placed(self, *shapes):
        ids = [f"A{i + 1}" for i in range(len(shapes))]
        frame = gpd.GeoDataFrame({"id": ids}, geometry=list(shapes), crs=25832)
        return check_actions(frame, ActionsFile(file="s.gpkg", id="id"), origin=Origin("s.gpkg"), zones=None)

    def test_are_told_once_of_the_whole_file(self):
        square = shapely.box(560_000, 6_200_000, 560_100, 6_200_100)
        checked = self.placed(square, shapely.Point(560_000, 6_200_000), square.reverse(), square)
        ((status, code, row, _, _),) = found(checked)
        assert (status, code, row) == ("flagged", "ES-ACTION-SAME-PLACE", "")
        assert "2 of 4 places are those of an action before (A3 is the first)" in checked.findings[0].reason
        assert checked.status["status"].tolist() == ["used"] * 4

    def test_places_that_only_overlap_and_no_places_are_not_the_same(self):
        one, other = shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 11)
        assert [code for _, code, _, _, _ in found(self.placed(one, other, None, None))] == ["ES-ACTION-UNLOCATED"] * 2


def test_numbers_follow_the_rows_of_the_file_whichever_are_read():
    lines = Origin("plan.csv", "row", lines=(3, 12))
    frame = pd.DataFrame({"where": ["citywide"] * 2})
    checked = check_actions(frame, ActionsFile(file="plan.csv", where="where"), origin=lines)
    assert checked.table.index.tolist() == ["02", "11"]
    assert checked.status["row"].tolist() == ["row 3", "row 12"]


def test_no_actions_have_the_columns_of_actions():
    columns = list(check({"id": ["1"]}, id="id").table.columns)
    assert list(no_actions(None).columns) == columns
    assert no_actions(ZONES.crs).crs == ZONES.crs


class TestRead:
    RULE = EffectRule(ledger="benefit", effect="in reach", unit="people", reach="within", distance_m=800)

    @pytest.fixture
    def sites(self, tmp_path):
        frame = gpd.GeoDataFrame(
            {"id": ["A1", "A2"], "cost": [5.0, 7.0]},
            geometry=gpd.points_from_xy([560_500, 560_600], [6_200_500] * 2),
            crs=25832,
        )
        frame.to_file(tmp_path / "sites.gpkg")
        return tmp_path / "sites.gpkg"

    def test_with_rules(self, sites):
        plan = read_actions(sites, effects=[self.RULE], id="id", cost="cost", near=four_zones())
        assert plan.actions["cost"].tolist() == [5.0, 7.0]
        assert plan.effects[["action", "distance_m"]].to_numpy().tolist() == [["A1", 800.0], ["A2", 800.0]]

    def test_with_a_table_of_effects(self, sites, tmp_path):
        (tmp_path / "effects.csv").write_text("action,ledger,effect,unit,amount\nA2,burden,noise,dB,3\n")
        plan = read_actions(sites, effects=tmp_path / "effects.csv", id="id")
        assert plan.effects[["action", "ledger", "amount"]].to_numpy().tolist() == [["A2", "burden", 3.0]]

    def test_flags_are_a_warning(self, tmp_path):
        (tmp_path / "plan.csv").write_text("id,where,cost\nA1,unknown,0\n")
        rule = EffectRule(ledger="benefit", effect="e", unit="u")
        with pytest.warns(EquityScreenWarning, match=r"1 × ES-ACTION-UNLOCATED \(flagged\); .*1 × ES-COST-ZERO"):
            plan = read_actions(tmp_path / "plan.csv", effects=[rule], id="id", where="where", cost="cost")
        assert plan.actions["where"].tolist() == ["unlocated"]

    def test_faults_of_the_actions(self, tmp_path):
        (tmp_path / "plan.csv").write_text("id,where\nA1,citywide\n,citywide\n")
        with pytest.raises(InputError, match=r"plan.csv, row 3, column id: no id. Mend: fill in the id"):
            read_actions(tmp_path / "plan.csv", effects=[self.RULE], id="id", where="where")


def test_status_has_what_each_row_brings():
    checked = check({"id": ["1", "1"], "c": ["5", "x"], "t": ["2", ""]}, id="id", cost="c", tco2e="t")
    assert checked.table.empty
    assert checked.status["status"].tolist() == ["refused", "refused"]
    assert checked.status["cost"].tolist() == [5.0, pytest.approx(np.nan, nan_ok=True)]


def test_a_plan_read_by_hand_may_name_areas(tmp_path):
    city = four_zones().assign(bank=["s", "s", "n", "n"])
    banks, _ = boundary_of_column(city, "bank", label="Banks", source="city")
    pd.DataFrame({"id": ["T"], "where": ["bank:s"]}).to_csv(tmp_path / "plan.csv", index=False)
    rule = EffectRule(ledger="benefit", effect="shade", unit="°C")
    plan = read_actions(
        tmp_path / "plan.csv", effects=[rule], id="id", where="where", near=city, boundaries={"bank": banks}
    )
    assert plan.actions[["where", "zones"]].to_numpy().tolist() == [["zones", "A;B"]]

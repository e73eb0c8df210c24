"""What came in was used, repaired, flagged or refused, and stands in the results: nothing is lost."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from equity_screen.accounts import FATES, accounts, coverage_of
from equity_screen.errors import EquityScreenError
from equity_screen.recipe import Indicator, Question, Ranking
from equity_screen.synthetic import four_zones

NAN = float("nan")


def fates(*rows: tuple[str, str, float, float, float]) -> pd.DataFrame:
    """Rows of (input, status, people, cost, tco2e)."""
    return pd.DataFrame(rows, columns=["input", "status", "people", "cost", "tco2e"])


PEOPLE = [("z.gpkg", "used", 100.0, NAN, NAN), ("z.gpkg", "flagged", 50.0, NAN, NAN)]
MONEY = [("a.csv", "used", NAN, 10.0, 5.0), ("a.csv", "repaired", NAN, NAN, 7.0)]
HOODS = pd.DataFrame({"population": [100.0, 50.0]})
ACTIONS = pd.DataFrame({"cost": [10.0, NAN], "tco2e": [5.0, 7.0]})


# ---------------------------------------------------------------- the ledger


def test_every_row_person_euro_and_tonne_has_an_account() -> None:
    ledger = accounts(fates(*PEOPLE, *MONEY), hoods=HOODS, actions=ACTIONS, currency="EUR").set_index("account")
    columns = ["unit", "total", *FATES]
    assert ledger[columns].T.to_dict("list") == {
        "z.gpkg: rows": ["rows", 2, 1, 0, 1, 0],
        "z.gpkg: people": ["people", 150, 100, 0, 50, 0],
        "a.csv: rows": ["rows", 2, 1, 1, 0, 0],
        "a.csv: cost": ["EUR", 10, 10, 0, 0, 0],
        "a.csv: tco2e": ["tCO2e/year", 12, 5, 7, 0, 0],
    }


def test_a_missing_amount_is_in_no_sum_and_is_noted() -> None:
    ledger = accounts(fates(*PEOPLE, *MONEY), hoods=HOODS, actions=ACTIONS).set_index("account")
    assert ledger.loc["a.csv: cost", "note"] == "missing in 1 of 2 rows, which is in no sum"
    assert ledger.loc["a.csv: tco2e", "note"] == ""


def test_refused_rows_stay_in_the_ledger_and_out_of_the_results() -> None:
    status = fates(*PEOPLE, ("z.gpkg", "refused", 7.0, NAN, NAN))
    ledger = accounts(status, hoods=HOODS, actions=pd.DataFrame()).set_index("account")
    assert ledger.loc["z.gpkg: people", ["total", "refused"]].tolist() == [157, 7]


def test_population_points_are_an_account_of_their_own_and_no_second_people() -> None:
    status = fates(*PEOPLE, ("b.csv", "used", 149.0, NAN, NAN))
    ledger = accounts(status, hoods=HOODS, actions=pd.DataFrame()).set_index("account")
    assert ledger.loc["b.csv: people", "total"] == 149


def test_without_inputs_there_is_no_account() -> None:
    assert accounts(fates(), hoods=HOODS, actions=ACTIONS).empty


@pytest.mark.parametrize(
    ("hoods", "actions", "message"),
    [
        (HOODS * 2, ACTIONS, r"the people ledger does not add up: 150.0 came in, 300.0 is in the results"),
        (HOODS, ACTIONS.assign(cost=[10.0, 90.0]), r"the cost ledger does not add up: 10.0 came in, 100.0 is"),
        (HOODS, ACTIONS.iloc[:1], r"the tco2e ledger does not add up: 12.0 came in, 5.0 is in the results"),
    ],
)
def test_people_money_or_carbon_that_went_astray_stop_the_run(
    hoods: pd.DataFrame, actions: pd.DataFrame, message: str
) -> None:
    with pytest.raises(EquityScreenError, match=message):
        accounts(fates(*PEOPLE, *MONEY), hoods=hoods, actions=actions)


def test_a_fate_that_is_none_of_the_four_stops_the_run() -> None:
    with pytest.raises(EquityScreenError, match="a ledger of rows does not add up; please report this as a bug"):
        accounts(fates(("z.gpkg", "lost", 9.0, NAN, NAN)), hoods=HOODS, actions=pd.DataFrame())


# ---------------------------------------------------------------- coverage


HEAT = Indicator(label="Heat", unit="degC", higher_is="worse", column="heat")
INCOME = Ranking(column="median_income", higher_is="advantaged", label="income")


def seen(city: pd.DataFrame, asked: Question, blocks: gpd.GeoDataFrame | None = None) -> dict[str, float]:
    return coverage_of(city, asked, blocks=blocks).set_index("what")["coverage_share"].to_dict()


def test_coverage_is_the_share_of_the_people_not_of_the_places() -> None:
    city = four_zones()
    city.loc["D", ["heat", "median_income"]] = [NAN, NAN]
    asked = Question(indicators={"heat": HEAT}, rankings={"income": INCOME})
    assert seen(city, asked) == pytest.approx({"indicator Heat": 0.6, "ranking income": 0.6})


def test_coverage_of_a_layer_counts_what_it_could_see_of_each_place() -> None:
    city = four_zones().assign(coverage_heat=[1.0, 1.0, 0.5, NAN])  # 100 + 200 + 150 of 1000
    assert seen(city, Question(indicators={"heat": HEAT})) == pytest.approx({"indicator Heat": 0.45})


def test_coverage_of_population_points() -> None:
    blocks = pd.DataFrame({"zone": [0, 0, 3], "people": [5.0, 5.0, 0.0]})
    assert seen(four_zones(), Question(), blocks) == pytest.approx({"population points": 0.1})


@pytest.mark.parametrize(
    ("share", "flagged"),
    [([1.0, 1.0, 1.0, 1.0], False), ([1.0, 1.0, 0.5, 0.0], True), ([1.0, 1.0, 1.0, 1 - 1e-9], False)],
)
def test_a_raster_of_an_effect_that_does_not_see_everyone_is_flagged(share: list[float], *, flagged: bool) -> None:
    city = four_zones()
    rasters = [("effect X / cooling: raster cool.tif", pd.Series(share, index=city.index))]
    (row,) = coverage_of(city, Question(), rasters=rasters).to_dict("records")
    assert row["what"] == "effect X / cooling: raster cool.tif"
    assert row["coverage_share"] == pytest.approx(0.45 if flagged else 1)  # 100 + 200 + 150 of 1000
    assert row["note"].startswith("people-weighted share of the neighbourhoods on cells with data")
    assert row["note"].endswith("; flagged: the rest is counted as not in reach") == flagged
    by_area = coverage_of(city, Question(), rasters=rasters, areas_km2=np.ones(4)).loc[0]
    assert by_area["note"].startswith("share of the neighbourhoods on cells with data")
    assert by_area["coverage_share"] == pytest.approx(2.5 / 4 if flagged else 1)


def test_what_a_raster_does_not_see_where_nobody_lives_is_no_gap() -> None:
    city = four_zones().assign(population=[100, 200, 700, 0.0])
    rasters = [("effect", pd.Series([1.0, 1.0, 1.0, 0.0], index=city.index))]
    assert "flagged" not in coverage_of(city, Question(), rasters=rasters).loc[0, "note"]


def test_people_whose_number_is_not_known_have_no_weight() -> None:
    city = four_zones()
    city.loc["D", "population"] = NAN
    assert seen(city, Question(indicators={"heat": HEAT})) == pytest.approx({"indicator Heat": 1.0})


def test_the_coverage_of_a_city_without_people_is_undefined() -> None:
    empty = four_zones().assign(population=0.0)
    assert np.isnan(seen(empty, Question(indicators={"heat": HEAT}))["indicator Heat"])


def test_what_is_noted_of_a_whole_file_is_no_row_of_it() -> None:
    status = fates(*PEOPLE, ("z.gpkg", "flagged", NAN, NAN, NAN)).assign(row=["feature 1", "feature 2", ""])
    ledger = accounts(status, hoods=HOODS, actions=pd.DataFrame()).set_index("account")
    assert ledger.loc["z.gpkg: rows", ["total", "flagged"]].tolist() == [2, 1]
    assert ledger.loc["z.gpkg: people", "note"] == ""


@pytest.mark.parametrize("code", ["ES-ACTION-ASIDE", "ES-JOIN-EXCLUDED"])
def test_rows_left_out_on_purpose_are_in_the_ledger_and_in_no_table(code: str) -> None:
    status = fates(*MONEY, ("a.csv", "flagged", NAN, 99.0, 1.0)).assign(row="row 2", codes=["", "", code])
    ledger = accounts(status, hoods=pd.DataFrame(), actions=ACTIONS, currency="EUR").set_index("account")
    assert ledger.loc["a.csv: cost", ["total", "used", "flagged"]].tolist() == [109, 10, 99]

"""Ledger of rows, people, money and carbon, and what share of the people the data could see."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from equity_screen.errors import EquityScreenError
from equity_screen.people import Floats
from equity_screen.recipe import COVERAGE, Question
from equity_screen.schema import AMOUNTS

# Rows that stand in the ledger and in no table of the run.
LEFT_OUT = ("ES-ACTION-ASIDE", "ES-JOIN-EXCLUDED")
FATES = ("used", "repaired", "flagged", "refused")
# Less of a place on cells with data is a gap, and no rounding along its border.
ALL_SEEN = 1 - 1e-6
UNITS = {"rows": "rows", "people": "people", "tco2e": "tCO2e/year"}


def accounts(status: pd.DataFrame, *, hoods: pd.DataFrame, actions: pd.DataFrame, currency: str = "") -> pd.DataFrame:
    """Account for rows, people, money and carbon: what came in was used, repaired, flagged or refused.

    Parameters
    ----------
    status : DataFrame
        Fate of each input row.
    hoods, actions : DataFrame
        Tables that the results stand on.
    currency : str
        Currency of the costs.

    Returns
    -------
    DataFrame
        One row for each input and quantity: total, used, repaired, flagged, refused, note.

    Raises
    ------
    EquityScreenError
        Where an account does not add up, or the tables hold other people, money or carbon than came in.

    Examples
    --------
    >>> status = pd.DataFrame({"input": ["z.gpkg"] * 2, "status": ["used", "refused"], "people": [9.0, 1.0],
    ...                        "cost": np.nan, "tco2e": np.nan})
    >>> hoods = pd.DataFrame({"population": [9.0]})
    >>> ledger = accounts(status, hoods=hoods, actions=pd.DataFrame())
    >>> ledger[["account", "total", "used", "refused"]].values.tolist()
    [['z.gpkg: rows', 2.0, 1.0, 1.0], ['z.gpkg: people', 10.0, 9.0, 1.0]]
    """
    status = status[status["row"] != ""] if "row" in status.columns else status  # what is about a file is no row
    rows = [
        _account(f"{file}: {quantity}", values, mine["status"], unit=UNITS.get(quantity, currency))
        for file, mine in status.groupby("input", sort=False)
        for quantity, values in _quantities(mine).items()
    ]
    ledger = pd.DataFrame(rows, columns=["account", "unit", "total", *FATES, "note"])
    _must_add_up(ledger, status, hoods, actions)
    return ledger


def _quantities(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Give the rows themselves, and what they bring in."""
    brought = {name: rows[name].astype("float64") for name in AMOUNTS}
    known = {name: values for name, values in brought.items() if values.notna().any()}
    return {"rows": pd.Series(1.0, index=rows.index), **known}


def _account(name: str, values: pd.Series, fates: pd.Series, *, unit: str) -> dict[str, object]:
    sums = {fate: float(values[fates == fate].sum()) for fate in FATES}
    missing = int(values.isna().sum())
    note = f"missing in {missing} of {len(values)} rows, which is in no sum" if missing else ""
    return {"account": name, "unit": unit, "total": float(values.sum()), **sums, "note": note}


def _must_add_up(ledger: pd.DataFrame, status: pd.DataFrame, hoods: pd.DataFrame, actions: pd.DataFrame) -> None:
    parts = ledger[list(FATES)].astype("float64").sum(axis=1)
    if not np.allclose(parts, ledger["total"].astype("float64"), rtol=1e-9, atol=1e-9):
        msg = "a ledger of rows does not add up; please report this as a bug"
        raise EquityScreenError(msg)
    kept = status[status["status"] != "refused"]
    if "codes" in kept.columns:
        kept = kept[~kept["codes"].isin(LEFT_OUT)]
    files = kept["input"].drop_duplicates()
    # Population points bring people in again: the neighbourhoods come first and are the account.
    peopled = kept.loc[kept["people"].notna(), "input"].iloc[:1]
    _must_equal("people", kept[kept["input"].isin(peopled)], hoods, column="population")
    for quantity in ("cost", "tco2e"):
        _must_equal(quantity, kept[kept["input"].isin(files)], actions, column=quantity)


def _must_equal(quantity: str, rows: pd.DataFrame, table: pd.DataFrame, *, column: str) -> None:
    if rows.empty or column not in table.columns:
        return
    came_in, stands = float(rows[quantity].sum()), float(table[column].sum())
    if not np.isclose(came_in, stands, rtol=1e-9, atol=1e-9):
        msg = (
            f"the {quantity} ledger does not add up: {came_in!r} came in, {stands!r} is in the results; "
            "please report this as a bug"
        )
        raise EquityScreenError(msg)


def coverage_of(
    hoods: pd.DataFrame,
    question: Question,
    *,
    blocks: gpd.GeoDataFrame | None = None,
    areas_km2: Floats | None = None,
    rasters: Sequence[tuple[str, pd.Series]] = (),
) -> pd.DataFrame:
    """Tell what share of the people each indicator, ranking, layer and raster could see; without people, of the area.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood.
    question : Question
        Indicators and rankings.
    blocks : GeoDataFrame, optional
        Population points.
    areas_km2 : ndarray, optional
        Area of each neighbourhood [km²], where no population is known.
    rasters : sequence of tuple of (str, Series)
        Effects on rasters in words, and the share of each neighbourhood with data, from
        :func:`equity_screen.landing.seen_of_rasters`.

    Returns
    -------
    DataFrame
        Columns what, coverage_share [0–1], note.

    Examples
    --------
    >>> from equity_screen.recipe import Ranking
    >>> from equity_screen.synthetic import four_zones
    >>> ranked = Question(rankings={"income": Ranking(column="median_income", higher_is="advantaged")})
    >>> coverage_of(four_zones(), ranked)["coverage_share"].tolist()
    [1.0]
    """
    seen = [_indicator_seen(hoods, name, i.label) for name, i in question.indicators.items()]
    for name, ranking in question.rankings.items():
        note = "share of the people whose neighbourhood is ranked"
        seen.append((f"ranking {ranking.label or name}", _known(hoods[ranking.column]), note))
    if blocks is not None:
        counts = np.bincount(blocks["zone"], weights=blocks["people"], minlength=len(hoods))
        peopled = pd.Series((counts > 0).astype(float), index=hoods.index)
        seen.append(("population points", peopled, "share of the people in neighbourhoods with points"))
    people = hoods["population"].fillna(0.0) if areas_km2 is None else pd.Series(areas_km2, index=hoods.index)
    weights = people / people.sum() if people.sum() > 0 else people * np.nan
    seen += [(what, share, _raster_note(share, weights)) for what, share in rasters]
    if areas_km2 is not None:
        seen = [
            (what, share, note.replace("people-weighted share", "share").replace("people whose", "area whose"))
            for what, share, note in seen
        ]
    return pd.DataFrame(
        [(what, float((share.fillna(0.0) * weights).sum(skipna=False)), note) for what, share, note in seen],
        columns=["what", "coverage_share", "note"],
    )


def _known(values: pd.Series) -> pd.Series:
    return values.notna().astype("float64")


def _raster_note(share: pd.Series, weights: pd.Series) -> str:
    note = "people-weighted share of the neighbourhoods on cells with data"
    return f"{note}; flagged: the rest is counted as not in reach" if (share * weights).sum() < ALL_SEEN else note


def _indicator_seen(hoods: pd.DataFrame, name: str, label: str) -> tuple[str, pd.Series, str]:
    if COVERAGE + name in hoods.columns:
        note = "people-weighted share of the neighbourhoods' area with data"
        return f"indicator {label}", hoods[COVERAGE + name], note
    return f"indicator {label}", _known(hoods[name]), "share of the people whose neighbourhood has a value"

"""The indicators before any action, by group and by priority place; and the plan by year."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from equity_screen.people import EVERYONE, Floats, People, quotient
from equity_screen.recipe import COVERAGE, Group, Indicator

PRIORITY, ELSEWHERE = "priority", "elsewhere"
BASELINE = (
    *("indicator", "label", "unit", "higher_is", "who", "name", "people", "people_known", "mean_people"),
    *("area_km2", "area_known_km2", "mean_area"),
)
TIMELINE = ("year", "actions_starting", "cost_starting", "actions_running", "tco2e", "tco2e_missing")


def baseline_means(
    hoods: pd.DataFrame,
    people: People,
    *,
    indicators: Mapping[str, Indicator],
    groups: Mapping[str, Group],
    areas_km2: Floats,
    priority: Floats | None = None,
) -> pd.DataFrame:
    """Mean of each indicator as it is: for everyone, each group, priority places and elsewhere.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood with the indicators.
    people : People
        People by neighbourhood.
    indicators, groups : mapping
        Declarations, for labels and units.
    areas_km2 : ndarray
        Area of each neighbourhood [km²].
    priority : ndarray, optional
        Share of each neighbourhood that is priority [0–1].

    Returns
    -------
    DataFrame
        One row for each indicator and set of people or places: people, those of them whose neighbourhood has a
        value, the mean over these; the same by area, of which a layer may cover a part only. A group has no area
        of its own.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_zones
    >>> city = four_zones()
    >>> heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    >>> table = baseline_means(city, people_of(city), indicators={"heat": heat}, groups={}, areas_km2=np.ones(4))
    >>> table[["who", "mean_people", "mean_area"]].round(4).values.tolist()
    [['everyone', 28.0, 28.5], ['low_income', 28.8667, nan]]
    """
    sets = _sets(people, groups, priority)
    rows = [
        {"indicator": name, "label": one.label, "unit": one.unit, "higher_is": one.higher_is, "who": who}
        | {"name": words}
        | _means(hoods, name, weights, areas_km2 if whole is None else areas_km2 * whole)
        for name, one in indicators.items()
        for who, words, weights, whole in sets
    ]
    return pd.DataFrame(rows, columns=list(BASELINE))


def _sets(
    people: People, groups: Mapping[str, Group], priority: Floats | None
) -> list[tuple[str, str, Floats, Floats | None]]:
    """People of each set by neighbourhood, and its share of their areas; a group has none."""
    everyone, nowhere = people.population, np.full(len(people.population), np.nan)
    everyone = everyone if people.known else nowhere
    sets: list[tuple[str, str, Floats, Floats | None]] = [
        (EVERYONE, "Everyone" if people.known else "Everywhere", everyone, None)
    ]
    labels = [groups[name].label if name in groups else name for name in people.names]
    sets += [
        (name, label, people.groups[:, i], nowhere)
        for i, (name, label) in enumerate(zip(people.names, labels, strict=True))
    ]
    if priority is not None:
        sets += [
            (PRIORITY, "In priority places", everyone * priority, priority),
            (ELSEWHERE, "Elsewhere", everyone * (1.0 - priority), 1.0 - priority),
        ]
    return sets


def _means(hoods: pd.DataFrame, name: str, people: Floats, area: Floats) -> dict[str, float]:
    """Means over what has a value; undefined where nobody or nothing weighs."""
    values = hoods[name].to_numpy(dtype=np.float64)
    known = ~np.isnan(values)
    level = np.where(known, values, 0.0)
    # Of a raster or a polygon layer, the ground that it covers is what the mean speaks of.
    covered = hoods[COVERAGE + name].to_numpy(dtype=np.float64) if COVERAGE + name in hoods.columns else 1.0
    means: dict[str, float] = {}
    for by, total, weights in (("people", people, people), ("area", area, area * covered)):
        key = {"people": ("people", "people_known"), "area": ("area_km2", "area_known_km2")}[by]
        seen = float(weights[known].sum())
        mean = quotient(np.asarray([(weights * level)[known].sum()]), np.asarray([seen]))
        means |= {key[0]: float(total.sum()), key[1]: seen, f"mean_{by}": float(mean[0])}
    return means


def timeline(actions: pd.DataFrame) -> pd.DataFrame:
    """Tell the plan by year: what starts, what it costs, what runs and what it saves.

    Parameters
    ----------
    actions : DataFrame
        Actions with start and end [year], cost [currency], tco2e and tco2e_<year> [tCO2e/year].

    Returns
    -------
    DataFrame
        Of the active actions, one row for each year in which one starts or emissions are given: actions
        starting and their cost, actions running (started, and not ended before), their tco2e [tCO2e/year] and the
        number of them that have none. Where the plan gives tco2e for some years, only these have any, and it is
        that of all active actions. Actions whose start is not known run in no year; they stand in a last row with
        a blank year.

    Examples
    --------
    >>> actions = pd.DataFrame({"active": True, "start": [2026.0, 2030.0, np.nan], "end": [2029.0, np.nan, np.nan],
    ...                         "cost": [10.0, np.nan, 5.0], "tco2e": [7.0, 3.0, 1.0]}, index=["A", "B", "C"])
    >>> timeline(actions)[["year", "actions_starting", "cost_starting", "actions_running", "tco2e"]].values.tolist()
    [['2026', 1, 10.0, 1, 7.0], ['2030', 1, nan, 1, 3.0], ['', 1, 5.0, 1, 1.0]]
    """
    actions = actions[actions["active"].eq(other=True)]
    given = {str(c).removeprefix("tco2e_"): str(c) for c in actions.columns if _is_year(str(c))}
    # Plans made by hand may lack the years.
    actions = actions.assign(**{name: np.nan for name in ("start", "end") if name not in actions.columns})
    start = actions["start"].astype("float64")
    if not given and not start.notna().any():
        return pd.DataFrame(columns=list(TIMELINE))
    years = sorted({f"{year:.0f}" for year in start.dropna()} | set(given))
    rows = [_year(actions, year, given) for year in years]
    unknown = actions[start.isna()]
    if len(unknown):
        rows.append(_line("", unknown, unknown, None if given else unknown["tco2e"]))
    return pd.DataFrame(rows, columns=list(TIMELINE))


def _is_year(column: str) -> bool:
    return column.startswith("tco2e_") and column.removeprefix("tco2e_").isdecimal()


def _year(actions: pd.DataFrame, year: str, given: Mapping[str, str]) -> dict[str, object]:
    first, last = actions["start"].astype("float64"), actions["end"].astype("float64")
    running = actions[(first <= float(year)) & ~(last < float(year))]
    # Where the plan gives emissions for some years, a yearly figure would be another quantity in the same column;
    # those of a year are of all actions that give one, also of one whose start is not known.
    emissions = (actions[given[year]] if year in given else None) if given else running["tco2e"]
    return _line(year, actions[first == float(year)], running, emissions)


def _line(year: str, starting: pd.DataFrame, running: pd.DataFrame, tco2e: pd.Series | None) -> dict[str, object]:
    return {
        "year": year,
        "actions_starting": len(starting),
        "cost_starting": _sum(starting["cost"]),
        "actions_running": len(running),
        "tco2e": np.nan if tco2e is None else _sum(tco2e),
        "tco2e_missing": np.nan if tco2e is None else int(tco2e.isna().sum()),
    }


def _sum(values: pd.Series) -> float:
    """Add what is known; nothing known is no zero."""
    return float(values.sum(min_count=1)) if len(values) else 0.0

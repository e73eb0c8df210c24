"""A finished screening of the four-zone city, small enough to check in the head."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point, box

from equity_screen.recipe import Group, Indicator, Policy, Priority, Question, Ranking, Stability
from tests.results_fair import hostile_fair, small_fair, with_certainty, with_gaps

UTM = "EPSG:32618"
EAST, NORTH, SIDE = 580_000.0, 4_500_000.0, 1000.0
NAN = float("nan")
NOBODY = "the group has no people here"
LABELS = {"low_income": "People with low incomes", "colour": "Communities of colour"}


def at(east: float, north: float) -> tuple[float, float]:
    """Place in the city's own kilometres."""
    return EAST + SIDE * east, NORTH + SIDE * north


def small_question() -> Question:
    """Ask what the four-zone city asks."""
    policy = Policy(share=0.4, source="City climate plan, page 12", status="own target")
    return Question(
        title="Four-zone city",
        place="Fourton",
        groups={name: Group(label=label, count=f"n_{name}") for name, label in LABELS.items()},
        indicators={"heat": Indicator(label="Summer heat", unit="°C", higher_is="worse", column="heat")},
        rankings={"income": Ranking(column="income", higher_is="advantaged", label="income")},
        priority=Priority(at_least=75, people="low_income", policy=policy, label="most burdened quarter"),
        currency="EUR",
        illustrative=True,
        stability=Stability(),
    )


def small_neighbourhoods() -> gpd.GeoDataFrame:
    """Four squares of 1 km: A and B in the south, C and the unpopulated park D in the north."""
    table = {
        "name": ["Ashfield", "Brook", "Castle", "Dale park"],
        "population": [1000.0, 2000.0, 3000.0, 0.0],
        "people_low_income": [500.0, 400.0, 300.0, 0.0],
        "people_colour": [600.0, 1000.0, 600.0, 0.0],
        "heat": [34.0, 32.0, 30.0, 29.0],
        "priority": [True, False, False, False],
        "priority_share": [1.0, 0.0, 0.0, 0.0],
        "burden_score": [8.0, 4.0, 2.0, NAN],
        "burden_percentile": [100.0, 50.0, 0.0, NAN],
        "benefit_reached_share": [1.0, 0.5, 0.0, NAN],
        "burden_reached_share": [0.0, 0.25, 0.0, NAN],
    }
    squares = [box(*at(e, n), *at(e + 1, n + 1)) for e, n in ((0, 0), (1, 0), (0, 1), (1, 1))]
    index = pd.Index(list("ABCD"), name="neighbourhood")
    return gpd.GeoDataFrame(table, index=index, geometry=squares, crs=UTM)


def small_actions() -> gpd.GeoDataFrame:
    """Five actions: a point, a line, a polygon, one city-wide and one unlocated."""
    table = {
        "name": ["Cooling hub", "Tram line", "Pocket park", "Retrofit grant", "Food plan"],
        "sector": ["Buildings", "Transport", "Nature", "Buildings", "Food"],
        "where": ["geometry", "geometry", "geometry", "citywide", "unlocated"],
        "zones": "",
        "start": [2026.0, 2028.0, 2026.0, 2027.0, NAN],
        "end": [NAN, NAN, NAN, 2029.0, NAN],
        "active": np.array([True, True, False, None, True], dtype=object),
        "cost": [2e6, 3e7, 5e5, 1e7, NAN],
        "tco2e": [100.0, 900.0, NAN, 1500.0, 20.0],
        "source": "actions.csv",
    }
    shapes = [
        Point(at(0.9, 0.5)),
        LineString([at(0.2, 1.5), at(1.8, 0.5)]),
        box(*at(1.2, 1.2), *at(1.6, 1.6)),
        None,
        None,
    ]
    index = pd.Index(["hub", "tram", "park", "grant", "food"], name="action")
    return gpd.GeoDataFrame(table, index=index, geometry=shapes, crs=UTM)


def small_reach(actions: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Reach of the three located effects."""
    rows = pd.DataFrame(
        {
            "action": ["hub", "tram", "tram"],
            "ledger": ["benefit", "benefit", "burden"],
            "effect": ["cooling", "access", "noise"],
        }
    )
    shapes = [actions.geometry["hub"].buffer(400), *[actions.geometry["tram"].buffer(d) for d in (300, 50)]]
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=UTM).to_crs(4326)


LEDGER_ROWS: dict[str, dict[str, dict[str, Any]]] = {
    "hub": {
        "benefit": {
            "effect": "cooling",
            "unit": "°C",
            "people_reached": 2000.0,
            "total": 4000.0,
            "mean": 4 / 6,
            "priority_place_share": 0.5,
            "priority_person_share": 0.35,
            "policy_gap": 0.1,
            "ci_income": -0.3,
            "gci_income": -0.2,
            "direction_income": "reaches less advantaged neighbourhoods more",
        }
    },
    "tram": {
        "benefit": {
            "effect": "access",
            "unit": "min",
            "people_reached": 1500.0,
            "total": 6000.0,
            "mean": 1.0,
            "priority_place_share": 0.25,
            "priority_person_share": 0.2,
            "policy_gap": -0.15,
            "ci_income": 0.05,
            "gci_income": 0.05,
            "direction_income": "reaches more advantaged neighbourhoods more",
        },
        "burden": {
            "effect": "noise",
            "unit": "dB",
            "people_reached": 500.0,
            "total": 1000.0,
            "mean": 1 / 6,
            "priority_place_share": 0.0,
            "priority_person_share": 0.2,
            "policy_gap": NAN,
            "ci_income": 0.1,
            "gci_income": 0.02,
            "direction_income": "reaches more advantaged neighbourhoods more",
        },
    },
}
ABSENT = {"park": "none expected", "food": "unlocated"}
BLANK = {
    "effect": "",
    "unit": "",
    "people_reached": NAN,
    "total": NAN,
    "mean": NAN,
    "priority_place_share": NAN,
    "priority_person_share": NAN,
    "policy_gap": NAN,
    "ci_income": NAN,
    "gci_income": NAN,
    "direction_income": "",
}


def small_scores(actions: gpd.GeoDataFrame) -> pd.DataFrame:
    """One row an action, both ledgers side by side."""
    rows = []
    for action in actions.index:
        row: dict[str, Any] = {"outside_share": 0.0}
        for ledger in ("benefit", "burden"):
            known = LEDGER_ROWS.get(action, {}).get(ledger)
            row[f"{ledger}_assessed"] = "assessed" if known else ABSENT.get(action, "not assessed")
            row |= {f"{ledger}_{key}": value for key, value in (known or BLANK).items()}
        row |= {
            "priority_population_share": 1 / 6,
            "priority_people_share": 5 / 12,
            "policy_share": 0.4,
            "undefined": "",
        }
        rows.append(row)
    scores = pd.DataFrame(rows, index=actions.index)
    scores.loc["food", "undefined"] = "people reached: the action is not located"
    return actions[["name", "sector", "where", "active", "cost", "tco2e"]].join(scores)


def group_row(action: str, ledger: str, effect: str, group: str, **numbers: Any) -> dict[str, Any]:
    """One row of the by-group table."""
    blank = dict.fromkeys(("total", "mean", "mean_rest", "gap", "ratio", "parity_low", "parity_high"), NAN)
    fixed = {"unit": "°C", "label": LABELS[group], "dimension": "", "own_universe": False, "undefined": ""}
    return {"action": action, "ledger": ledger, "effect": effect, "group": group} | fixed | blank | numbers


def small_by_group() -> pd.DataFrame:
    """Two groups in each of three effects; the hub reaches all of Ashfield and half of Brook."""
    rows = [
        group_row(
            "hub",
            "benefit",
            "cooling",
            "low_income",
            people=1200.0,
            people_reached=700.0,
            people_reached_low=500.0,
            people_reached_high=900.0,
            reached_share=700 / 1200,
            mean=7 / 12,
            mean_rest=0.27,
            gap=0.31,
            ratio=2.15,
            share_of_effect=0.35,
            share_of_people=0.2,
            parity=1.75,
            parity_low=1.25,
            parity_high=2.25,
        ),
        group_row(
            "hub",
            "benefit",
            "cooling",
            "colour",
            people=2200.0,
            people_reached=1100.0,
            people_reached_low=600.0,
            people_reached_high=1600.0,
            reached_share=0.5,
            mean=0.5,
            mean_rest=0.24,
            gap=0.26,
            ratio=2.1,
            share_of_effect=0.55,
            share_of_people=2200 / 6000,
            parity=1.5,
            parity_low=0.82,
            parity_high=2.18,
        ),
        group_row(
            "tram",
            "benefit",
            "access",
            "low_income",
            people=1200.0,
            people_reached=240.0,
            people_reached_low=0.0,
            people_reached_high=900.0,
            reached_share=0.2,
            share_of_effect=0.16,
            share_of_people=0.2,
            parity=0.8,
            parity_low=0.0,
            parity_high=3.0,
        ),
        group_row(
            "tram",
            "burden",
            "noise",
            "low_income",
            people=1200.0,
            people_reached=100.0,
            people_reached_low=0.0,
            people_reached_high=400.0,
            reached_share=1 / 12,
            share_of_effect=0.2,
            share_of_people=0.2,
            parity=1.0,
        ),
        group_row(
            "tram",
            "burden",
            "noise",
            "colour",
            people=2200.0,
            people_reached=NAN,
            people_reached_low=NAN,
            people_reached_high=NAN,
            reached_share=NAN,
            share_of_effect=NAN,
            share_of_people=2200 / 6000,
            parity=NAN,
            undefined="no count in Brook",
        ),
    ]
    return pd.DataFrame(rows)


def small_together() -> pd.DataFrame:
    """People in reach of at least one active action, each counted once."""
    columns = [
        "ledger",
        "group",
        "label",
        "people",
        "people_reached",
        "people_reached_low",
        "people_reached_high",
        "reached_share",
        "people_summed",
        "priority_place_share",
        "undefined",
    ]
    rows = [
        ("benefit", "everyone", "Everyone", 6000.0, 2400.0, NAN, NAN, 0.4, 3500.0, 0.25, ""),
        ("benefit", "low_income", LABELS["low_income"], 1200.0, 780.0, 500.0, 1100.0, 0.65, 940.0, 0.5, ""),
        ("benefit", "colour", LABELS["colour"], 2200.0, 1200.0, 700.0, 1700.0, 1200 / 2200, 1500.0, 0.5, ""),
        ("burden", "everyone", "Everyone", 6000.0, 500.0, NAN, NAN, 1 / 12, 500.0, 0.0, ""),
        ("burden", "low_income", LABELS["low_income"], 1200.0, 100.0, 0.0, 400.0, 1 / 12, 100.0, 0.0, ""),
    ]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "scope", "active actions")
    table.insert(len(columns), "effects_left_out", 0)
    return table


def small_unseen() -> pd.DataFrame:
    """A tenth of the hub's reach lies outside, where 150 people live."""
    rows = [
        ("hub", "benefit", "cooling", 0.1, 150.0, 0.0, ""),
        ("tram", "benefit", "access", 0.0, 0.0, 0.0, ""),
        ("tram", "burden", "noise", 0.0, 0.0, 0.0, ""),
    ]
    names = ["action", "ledger", "effect", "outside_area_share", "residents_outside", "uncovered_area_share", "note"]
    return pd.DataFrame(rows, columns=names).assign(undefined="")


def small_compared() -> pd.DataFrame:
    """By area the hub reaches more than by points; by touch people with low incomes have less than their share."""
    rows = [
        ("tram", "benefit", "access", True, 1500.0, 1500.0, "", 1500.0, "", 0.0, 900.0, False, False, ""),
        ("tram", "burden", "noise", False, 500.0, 500.0, "", 500.0, "", 0.0, 0.0, False, False, ""),
        (
            "hub",
            "benefit",
            "cooling",
            True,
            2000.0,
            1800.0,
            "area",
            3000.0,
            "touch",
            60.0,
            1000.0,
            True,
            True,
            "People",
        ),
    ]
    names = ["action", "ledger", "effect", "apportioned", "people_reached", "least", "least_by", "most", "most_by"]
    names += ["spread_percent", "host", "verdict_changes", "verdict_turns", "groups_changing"]
    keys = ["action", "ledger", "effect"]
    return pd.DataFrame(rows, columns=names).assign(used="points", undefined="").set_index(keys)


def small_compared_by_group() -> pd.DataFrame:
    """Directions of the hub by five ways; host is for comparison only."""
    ways = [
        ("points", "more than", "more than"),
        ("area", "more than", "in line with"),
        ("centre", "more than", "more than"),
        ("touch", "less than", "more than"),
        ("host", "less than", "less than"),
    ]
    rows = [
        ("hub", "benefit", "cooling", group, label, way, direction)
        for way, *directions in ways
        for (group, label), direction in zip(LABELS.items(), directions, strict=True)
    ]
    return pd.DataFrame(rows, columns=["action", "ledger", "effect", "group", "label", "method", "direction"])


def small_times_reached() -> pd.DataFrame:
    """People by the number of active actions that reach them; the communities of colour were not counted."""
    rows = [
        ("benefit", "everyone", "Everyone", (3600.0, 1300.0, 1100.0, 0.0), 6000.0),
        ("benefit", "low_income", LABELS["low_income"], (420.0, 620.0, 160.0, 0.0), 1200.0),
        ("benefit", "colour", LABELS["colour"], (NAN, NAN, NAN, NAN), NAN),
        ("burden", "everyone", "Everyone", (5500.0, 500.0, 0.0, 0.0), 6000.0),
        ("burden", "low_income", LABELS["low_income"], (1100.0, 100.0, 0.0, 0.0), 1200.0),
    ]
    said = [
        ("active actions", ledger, group, label, times, n, n / people, "" if people > 0 else NOBODY)
        for ledger, group, label, counts, people in rows
        for times, n in zip(("0", "1", "2", "3+"), counts, strict=True)
    ]
    return pd.DataFrame(said, columns=["scope", "ledger", "group", "label", "times", "people", "share", "undefined"])


def small_only_by() -> pd.DataFrame:
    """People whom each action alone reaches: the park is not active."""
    rows = [
        ("active actions", "benefit", "hub", 2000.0, 900.0),
        ("active actions", "benefit", "tram", 1500.0, 400.0),
        ("active actions", "burden", "tram", 500.0, 500.0),
        ("all actions", "benefit", "hub", 2000.0, 850.0),
        ("all actions", "benefit", "tram", 1500.0, 400.0),
        ("all actions", "burden", "tram", 500.0, 500.0),
    ]
    table = pd.DataFrame(rows, columns=["scope", "ledger", "action", "people_reached", "people_only"])
    about = {"group": "everyone", "label": "Everyone", "undefined": ""}
    return table.assign(only_share=table["people_only"] / table["people_reached"], **about)


def small_overlaps() -> pd.DataFrame:
    """The hub and the tram reach 1,100 of the same people."""
    row = ("active actions", "benefit", "hub", "tram", "everyone", "Everyone", 1100.0, 1100 / 1500)
    columns = ["scope", "ledger", "action", "other", "group", "label", "people_both", "share_of_smaller"]
    return pd.DataFrame([row], columns=columns)


def small_missed() -> pd.DataFrame:
    """No burden reaches Ashfield, the only priority neighbourhood."""
    about = {"scope": "active actions", "ledger": "burden", "neighbourhood": "A", "name": "Ashfield"}
    counts = {"people": 1000.0, "people_low_income": 500.0, "people_colour": 600.0, "people_unreached": 1000.0}
    return pd.DataFrame([about | counts | {"unreached_share": 1.0, "nearest": "tram", "distance_m": 320.0}])


def small_distances() -> pd.DataFrame:
    """Distance to the nearest active action; half of the people live on a lattice."""
    names = ["ledger", "group", "label", "people", "mean_m", "median_m", "p90_m"]
    names += ["within_400_m", "within_800_m", "within_1600_m", "sampled", "undefined"]
    rows = [
        ("benefit", "everyone", "Everyone", 6000.0, 500.0, 450.0, 1200.0, 0.4, 0.8, 1.0, 0.5, ""),
        ("benefit", "low_income", LABELS["low_income"], 1200.0, 300.0, 250.0, 700.0, 0.7, 0.95, 1.0, 0.5, ""),
        ("benefit", "colour", LABELS["colour"], 0.0, *[NAN] * 7, NOBODY),
        ("burden", "everyone", "Everyone", 6000.0, 900.0, 700.0, 1500.0, 0.1, 0.6, 1.0, 0.0, ""),
    ]
    return pd.DataFrame(rows, columns=names).assign(scope="active actions")


def small_distance_curve() -> pd.DataFrame:
    """Shares within 0, 400, 800 and 1,600 m; within 1,600 m live all."""
    rows = [
        ("benefit", "everyone", "Everyone", (0.0, 0.4, 0.8, 1.0)),
        ("benefit", "low_income", LABELS["low_income"], (0.0, 0.7, 0.95, 1.0)),
        ("benefit", "colour", LABELS["colour"], (NAN, NAN, NAN, NAN)),
    ]
    said = [
        ("active actions", ledger, group, label, distance, share, "")
        for ledger, group, label, shares in rows
        for distance, share in zip((0.0, 400.0, 800.0, 1600.0), shares, strict=True)
    ]
    return pd.DataFrame(said, columns=["scope", "ledger", "group", "label", "distance_m", "share", "undefined"])


def small_holds() -> pd.DataFrame:
    """More of the people with low incomes than of everyone within 300 and 400 m."""
    about = {"scope": "active actions", "ledger": "benefit", "group": "low_income", "label": LABELS["low_income"]}
    found = {"sign": 1.0, "from_m": 100.0, "to_m": 1600.0, "holds": "from 100 to 1,600 m", "undefined": ""}
    shares = [(300.0, 0.6, 0.3), (400.0, 0.7, 0.4)]
    return pd.DataFrame(
        [
            about | found | {"distance_m": d, "share": own, "share_everyone": every, "difference": own - every}
            for d, own, every in shares
        ]
    )


def small_areas() -> gpd.GeoDataFrame:
    """Two council wards: the south, and the north with the park."""
    rows = {"boundary": "ward", "label": "Council wards", "area": ["1", "2"], "name": ["South ward", "North ward"]}
    shapes = [box(*at(0, n), *at(2, n + 1)) for n in (0, 1)]
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry=shapes, crs=UTM).to_crs(4326)


def small_by_boundary() -> pd.DataFrame:
    """Everyone and people with low incomes in reach by ward; what is in no ward is nobody."""
    rows = [
        ("1", "South ward", "benefit", "everyone", "Everyone", 3000.0, 2400.0),
        ("1", "South ward", "benefit", "low_income", LABELS["low_income"], 900.0, 780.0),
        ("1", "South ward", "burden", "everyone", "Everyone", 3000.0, 500.0),
        ("2", "North ward", "benefit", "everyone", "Everyone", 3000.0, 0.0),
        ("2", "North ward", "benefit", "low_income", LABELS["low_income"], 300.0, 0.0),
        ("2", "North ward", "burden", "everyone", "Everyone", 3000.0, 0.0),
    ]
    table = pd.DataFrame(rows, columns=["area", "name", "ledger", "group", "label", "people", "people_reached"])
    table.insert(2, "scope", "active actions")
    table.insert(0, "boundary", "ward")
    return table.assign(reached_share=table["people_reached"] / table["people"])


def small_by_boundary_effect() -> pd.DataFrame:
    """The hub by ward."""
    columns = ["boundary", "area", "name", "action", "ledger", "effect", "unit", "group", "label"]
    row = ("ward", "1", "South ward", "hub", "benefit", "cooling", "°C", "everyone", "Everyone", 2000.0, 4000.0)
    return pd.DataFrame([row], columns=[*columns, "people_reached", "total"])


def small_footprints() -> pd.DataFrame:
    """The five actions: the park's 0.16 km² is all the area that they have, none of it in Ashfield."""
    rows = [
        ("all", "", "All actions", 5, 3, 1.0, 1.0, 42.5e6, 1, 2520.0, 1, 0.16),
        ("sector", "Buildings", "Buildings", 2, 1, 1.0, 1.0, 12e6, 0, 1600.0, 0, 0.0),
        ("sector", "Food", "Food", 1, 0, 0.0, 0.0, NAN, 1, 20.0, 0, 0.0),
        ("sector", "Nature", "Nature", 1, 1, 0.0, 0.0, 5e5, 0, NAN, 1, 0.16),
        ("sector", "Transport", "Transport", 1, 1, 0.0, 0.0, 3e7, 0, 900.0, 0, 0.0),
        ("neighbourhood", "A", "Ashfield", 1, 1, 1.0, 1.0, 2e6, 0, 100.0, 0, 0.0),
        ("neighbourhood", "D", "Dale park", 1, 1, 0.0, 0.0, 5e5, 0, NAN, 1, 0.16),
        ("neighbourhood", "(city-wide)", "(city-wide)", 1, 0, 0.0, 0.0, 1e7, 0, 1500.0, 0, 0.0),
    ]
    columns = ["breakdown", "class", "name", "actions", "distinct_places", "in_priority", "mostly_in_priority"]
    columns += ["cost", "cost_missing", "tco2e", "tco2e_missing", "area_summed_km2"]
    table = pd.DataFrame(rows, columns=columns)
    area = table["area_summed_km2"]
    share = pd.Series(0.0, index=table.index).where(area > 0)
    return table.assign(
        area_dissolved_km2=area,
        priority_summed_km2=0.0,
        priority_dissolved_km2=0.0,
        priority_share_summed=share,
        priority_share_dissolved=share,
    )


def small_baseline() -> pd.DataFrame:
    """Summer heat as it is: (1000 × 34 + 2000 × 32 + 3000 × 30) / 6000 for everyone."""
    about = {"indicator": "heat", "label": "Summer heat", "unit": "°C", "higher_is": "worse"}
    rows = [
        ("everyone", "Everyone", 6000.0, 6000.0, 188 / 6, 4.0, 4.0, 31.25),
        ("low_income", LABELS["low_income"], 1200.0, 1200.0, 32.333333, NAN, NAN, NAN),
        ("priority", "In priority places", 1000.0, 1000.0, 34.0, 1.0, 1.0, 34.0),
        ("elsewhere", "Elsewhere", 5000.0, 5000.0, 30.8, 3.0, 3.0, 91 / 3),
    ]
    columns = ["who", "name", "people", "people_known", "mean_people", "area_km2", "area_known_km2", "mean_area"]
    table = pd.DataFrame(rows, columns=columns)
    return pd.DataFrame([about] * len(table)).join(table)


def small_timeline() -> pd.DataFrame:
    """The active actions: the hub from 2026, the tram from 2028; the food plan does not say."""
    columns = ["year", "actions_starting", "cost_starting", "actions_running", "tco2e", "tco2e_missing"]
    rows = [("2026", 1, 2e6, 1, 100.0, 0), ("2028", 1, 3e7, 2, 1000.0, 0), ("", 1, NAN, 1, 20.0, 0)]
    return pd.DataFrame(rows, columns=columns)


def small_result() -> SimpleNamespace:
    """All tables of the four-zone city's screening."""
    actions = small_actions()
    scores = small_scores(actions)
    effects = [("hub", "benefit", "cooling"), ("tram", "benefit", "access"), ("tram", "burden", "noise")]
    names = ["action", "ledger", "effect"]
    by_effect = pd.DataFrame(
        [{"assessed": "assessed"} | LEDGER_ROWS[a][ledger] for a, ledger, _ in effects],
        index=pd.MultiIndex.from_tuples(effects, names=names),
    ).drop(columns="effect")
    by_effect = by_effect.assign(reach=["within 400 m", "within 300 m", "within 50.0 m"], reach_source="")
    by_effect = by_effect.assign(priority_place_share_moe=NAN, policy_probability=[0.95, 0.5, NAN])
    by_effect.loc[("hub", "benefit"), "reach_source"] = "Cooling centre: within 400 m (City heat plan 2024)"
    before_after = pd.DataFrame(
        [
            ("hub", "heat", "°C", g, label, 1.0, -0.02, 31.2, 30.5, 31.9, 31.1, -0.8, 0.0, "")
            for g, label in (("everyone", "Everyone"), ("low_income", LABELS["low_income"]))
        ],
        columns=[
            "action",
            "indicator",
            "unit",
            "group",
            "label",
            "epsilon",
            "kappa",
            "mean_before",
            "mean_after",
            "ede_before",
            "ede_after",
            "ede_change",
            "people_without_baseline",
            "undefined",
        ],
    )
    status = pd.DataFrame(
        [
            ("actions.csv", "row 2", "hub", "used", "", "", ""),
            (
                "actions.csv",
                "row 6",
                "food",
                "flagged",
                "ES-PLACE-NONE",
                "no place is given",
                "give a place or zone ids",
            ),
            (
                "actions.csv",
                "",
                "",
                "flagged",
                "ES-ACTION-SAME-PLACE",
                "1 of 3 places are those of an action before",
                "none needed",
            ),
        ],
        columns=["input", "row", "id", "status", "codes", "reasons", "mends"],
    )
    ledger = pd.DataFrame(
        [
            ("actions", "rows", 5.0, 5.0, 0.0, 1.0, 0.0, ""),
            ("money", "EUR", 42.5e6, 42.5e6, 0.0, 0.0, 0.0, "1 without a cost"),
        ],
        columns=["account", "unit", "total", "used", "repaired", "flagged", "refused", "note"],
    )
    coverage = pd.DataFrame(
        [("heat", 0.98, "the raster ends at the river")], columns=["what", "coverage_share", "note"]
    )
    return SimpleNamespace(
        question=small_question(),
        neighbourhoods=small_neighbourhoods(),
        actions=actions,
        reach=small_reach(actions),
        areas=small_areas(),
        scores=scores,
        by_effect=by_effect,
        by_group=with_certainty(small_by_group()),
        **small_fair(),
        together=small_together(),
        times_reached=small_times_reached(),
        only_by=small_only_by(),
        overlaps=small_overlaps(),
        missed=small_missed(),
        distances=small_distances(),
        distance_curve=small_distance_curve(),
        holds=small_holds(),
        unseen=small_unseen(),
        compared=small_compared(),
        compared_by_group=small_compared_by_group(),
        by_boundary=small_by_boundary(),
        by_boundary_effect=small_by_boundary_effect(),
        footprints=small_footprints(),
        baseline=small_baseline(),
        before_after=with_gaps(before_after),
        timeline=small_timeline(),
        ledger=ledger,
        status=status,
        coverage=coverage,
        inputs=({"file": "actions.csv", "sha256": "ab" * 32, "bytes": 812, "rows": 5},),
        methods={
            "reach": "A neighbourhood counts by the share of its area within the stated distance.",
            "parity": "Share of the effect divided by share of the people.",
        },
        sentences={
            "summary": ("Active actions together reach 2,400 of 6,000 people with a benefit (40.0 %).",),
            "hub": ("The cooling hub reaches 2,000 people.",),
            "tram": ("The tram line reaches 1,500 people.",),
        },
    )


def without_burdens() -> SimpleNamespace:
    """The small result had nobody assessed a burden: no number stands where none is known."""
    result = small_result()
    result.scores["burden_assessed"] = "not assessed"
    result.neighbourhoods["burden_reached_share"] = NAN
    of_reach = ("times_reached", "only_by", "missed", "distances")
    for name in ("reach", "by_group", "by_boundary", "by_boundary_effect", *of_reach):
        table = getattr(result, name)
        setattr(result, name, table[table["ledger"] == "benefit"])
    result.by_effect = result.by_effect.drop(index="burden", level="ledger")
    numbers = result.together.columns[result.together.columns.get_loc("people_reached") : -1]
    burdens = result.together["ledger"] == "burden"
    result.together.loc[burdens, list(numbers)] = NAN
    result.together.loc[burdens, "undefined"] = "no burden was assessed"
    return result


def hostile_result(text: str) -> SimpleNamespace:
    """Put one text into every place of the small result that the data fill."""
    result = small_result()
    ids = {action: f"{text}{action}" for action in result.actions.index}
    question = result.question
    priority = question.priority.model_copy(update={"label": text})
    changed: dict[str, Any] = {"title": text, "place": text, "currency": text, "priority": priority}
    changed["groups"] = {n: g.model_copy(update={"label": text}) for n, g in question.groups.items()}
    result.question = question.model_copy(update=changed)
    result.neighbourhoods["name"] = text
    for table in (result.actions, result.scores):
        table[["name", "sector"]] = text
        table.index = table.index.map(ids).rename("action")
    words = [
        f"{ledger}_{column}" for ledger in ("benefit", "burden") for column in ("effect", "unit", "direction_income")
    ]
    result.scores[[*words, "undefined"]] = text
    result.by_group = result.by_group.assign(
        action=result.by_group["action"].map(ids), effect=text, unit=text, label=text, undefined=text
    )
    result.before_after = result.before_after.assign(
        action=result.before_after["action"].map(ids), indicator=text, unit=text, label=text, undefined=text
    )
    result.together = result.together.assign(label=text)
    for name, table in hostile_fair({name: getattr(result, name) for name in small_fair()}, text, ids).items():
        setattr(result, name, table)
    of_reach = ("times_reached", "only_by", "overlaps", "missed", "distances", "distance_curve", "holds", "by_effect")
    result.unseen = result.unseen.assign(action=result.unseen["action"].map(ids), effect=text)
    result.compared, result.compared_by_group = (
        table.reset_index().assign(action=lambda rows: rows["action"].map(ids), effect=text)
        for table in (result.compared, result.compared_by_group)
    )
    result.compared_by_group["label"] = text
    result.compared = result.compared.assign(least_by=text).set_index(["action", "ledger", "effect"])
    for name in ("areas", "by_boundary", "by_boundary_effect", "footprints", "baseline", *of_reach):
        table = getattr(result, name)
        texts = ("name", "label", "unit", "class", "effect", "holds", "undefined", "reach", "reach_source", "nearest")
        words = [c for c in texts if c in table.columns]
        setattr(result, name, table.assign(**dict.fromkeys(words, text)))
    result.status = result.status.assign(status="flagged", id=text, input=text, reasons=text, mends=text)
    result.ledger, result.coverage = (
        result.ledger.assign(note=text),
        result.coverage.assign(what=text, note=text),
    )
    result.inputs, result.methods = ({**result.inputs[0], "file": text},), {text: text}
    result.sentences = {"summary": (text,)} | dict.fromkeys(ids.values(), (text,))
    return result

"""Tables of the four-zone city's screening on how the plan is shared out and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

NAN = float("nan")
LABELS = {"everyone": "Everyone", "low_income": "People with low incomes", "colour": "Communities of colour"}
EFFECTS = [("hub", "benefit", "cooling"), ("tram", "benefit", "access"), ("tram", "burden", "noise")]
BOUNDS = "cannot be told: the counts by neighbourhood allow both"


def with_certainty(by_group: pd.DataFrame) -> pd.DataFrame:
    """Five findings: one above, two that the bounds leave open, one in line, one not defined."""
    told = ["above", BOUNDS, BOUNDS, "in line", ""]
    return by_group.assign(
        parity_moe=NAN,
        parity_told=told,
        p_siting=[0.01, 0.4, 0.4, 1.0, NAN],
        q_siting=[0.03, 0.5, 0.5, 1.0, NAN],
    )


def with_gaps(before_after: pd.DataFrame) -> pd.DataFrame:
    """Add the gaps of the hub, and rows of all active actions that say the same."""
    group = before_after["group"] != "everyone"
    found = before_after.assign(
        change_mean=before_after["mean_after"] - before_after["mean_before"],
        gap_before=np.where(group, 1.0, NAN),
        gap_after=np.where(group, 0.75, NAN),
        gap_words=np.where(group, "narrows the gap by 25.0 % of it", ""),
        note="",
    )
    return pd.concat([found, found.assign(action="active actions")], ignore_index=True)


def _states(scope: str, group: str, people: float, counts: tuple[float, ...], citywide: int) -> dict[str, Any]:
    names = ("benefit_only", "burden_only", "both", "untouched")
    figures = dict(zip(names, counts, strict=True))
    ends = {
        f"{n}_{end}": NAN if group == "everyone" else v + by for n, v in figures.items() for end, by in ENDS.items()
    }
    shares = {f"{n}_share": v / people for n, v in figures.items()}
    about = {"scope": scope, "action": "", "group": group, "label": LABELS[group], "people": people}
    about |= {"benefit_assessed": "assessed", "burden_assessed": "assessed for 2 of 3 actions"}
    left = {"effects_citywide": citywide, "effects_left_out": 2, "effects_without_place": 1, "undefined": ""}
    return about | figures | ends | shares | left


ENDS = {"low": -10.0, "high": 20.0}


def small_gains() -> pd.DataFrame:
    """2,000 with a benefit only, 100 with a burden only, 400 with both; a city-wide effect reaches all the others."""
    placed = "active actions without city-wide effects"
    rows = [
        _states("active actions", "everyone", 6000.0, (5500.0, 0.0, 500.0, 0.0), 1),
        _states("active actions", "low_income", 1200.0, (1100.0, 0.0, 100.0, 0.0), 1),
        _states(placed, "everyone", 6000.0, (2000.0, 100.0, 400.0, 3500.0), 1),
        _states(placed, "low_income", 1200.0, (700.0, 20.0, 80.0, 400.0), 1),
    ]
    return pd.DataFrame(rows)


def _account(ledger: str, view: str, share: float, **figures: Any) -> dict[str, Any]:
    row = {"ledger": ledger, "scope": "active actions", "action": "active actions", "effect": "", "unit": "°C"}
    row |= {"view": view, "total": 4000.0, "share": share, "share_low": NAN, "share_high": NAN}
    row |= {"population_share": 1 / 6 if view != "person" else 0.2, "policy_share": NAN, "shortfall": NAN}
    row |= {"added_to_close": NAN, "not_counted": 0, "not_counted_cost": NAN, "words": "", "undefined": ""}
    return row | figures


def small_policy() -> pd.DataFrame:
    """Half of the benefit goes to the priority place; by person it cannot be told; spending and burdens beside them."""
    asked = {"policy_share": 0.4}
    rows = [
        _account("benefit", "place", 0.5, **asked, shortfall=0.0, added_to_close=0.0),
        _account("benefit", "place", 0.3, unit="min", **asked, shortfall=400.0, added_to_close=2000 / 3),
        _account("benefit", "person", 0.35, share_low=0.1, share_high=0.45, **asked, shortfall=200.0, not_counted=1),
        _account("burden", "place", 0.0, unit="dB"),
        _account("burden", "person", NAN, unit="jobs", undefined="none of them has an amount and a place"),
        _account("spending", "ground", 0.1, unit="EUR", not_counted=2, not_counted_cost=5e5),
    ]
    return pd.DataFrame(rows)


def small_redress() -> pd.DataFrame:
    """The hub cools the burdened, the tram the others and yet the most burdened fifth; its noise is not known."""
    keys = pd.MultiIndex.from_tuples(EFFECTS, names=["action", "ledger", "effect"])
    follows = "goes more to neighbourhoods with {} burden: the benefit {} the burden"
    table = {
        "people_ranked": 6000.0,
        "ci_burden": [-0.3, 0.1, NAN],
        "mean_most": [2.0, 3.0, NAN],
        "mean_least": [0.0, 1.0, NAN],
        "words": [follows.format("more", "follows"), follows.format("less", "does not follow"), "undefined"],
        "undefined": ["", "", "the amount is missing"],
    }
    return pd.DataFrame(table, index=keys)


def small_reliability() -> pd.DataFrame:
    """Counts of people with low incomes are fine enough by neighbourhood, those of communities of colour by city."""
    rows = [
        ("low_income", "neighbourhood", 3, 0.2, 0.0, 1.0, 0.0, True),
        ("low_income", "city", 1, 0.05, 1.0, 0.0, 0.0, True),
        ("colour", "neighbourhood", 3, 0.5, 0.0, 0.0, 1.0, False),
        ("colour", "city", 1, 0.25, 0.0, 1.0, 0.0, True),
    ]
    columns = ["group", "level", "areas", "median_cv", "share_high", "share_medium", "share_low", "enough"]
    return pd.DataFrame(rows, columns=columns)


def _findings(**columns: Any) -> pd.DataFrame:
    """A row for each effect and group."""
    rows = [(*effect, group, LABELS[group]) for effect in EFFECTS for group in ("low_income", "colour")]
    return pd.DataFrame(rows, columns=["action", "ledger", "effect", "group", "label"]).assign(**columns)


def small_chance() -> pd.DataFrame:
    """Each footprint at 99 other places, but the noise for communities of colour."""
    why = ["", "", "", "", "", "the group has no people here"]
    return _findings(placements=99.0, undefined=why).drop(columns="label")


def small_stability() -> pd.DataFrame:
    """The hub is first in three of four draws."""
    rows = [("hub", "cooling", 1.0, 1.0, 1.0, 2.0, 0.75), ("tram", "access", 2.0, 2.0, 1.0, 2.0, 0.25)]
    columns = ["action", "effect", "rank", "median_rank", "rank_low", "rank_high", "first_share"]
    table = pd.DataFrame(rows, columns=columns).assign(ledger="benefit", draws=200, note="threshold ± 10")
    return pd.concat([table.assign(varied=varied) for varied in ("thresholds", "all")], ignore_index=True)


def small_zonings() -> pd.DataFrame:
    """Two zonings."""
    return pd.concat([_findings(zoning=name) for name in ("neighbourhoods", "ward")], ignore_index=True)


def small_zoning_range() -> pd.DataFrame:
    """For communities of colour the side of the hub and of the tram hangs on the zones."""
    return _findings(
        zonings=[2, 2, 2, 2, 2, 0],
        parity=[1.75, 1.5, 1.1, 0.8, 1.0, NAN],
        parity_low=[1.7, 0.9, 1.05, 0.75, 1.0, NAN],
        parity_high=[1.8, 1.5, 1.1, 1.5, 1.0, NAN],
        straddles_parity=[False, True, False, True, False, False],
    )


def small_net() -> pd.DataFrame:
    """What the tram gives less what it takes."""
    row = {"action": "tram", "unit": "EUR/year", "people_gaining": 1500.0, "people_losing": 300.0}
    row |= {"total_gains": 9000.0, "total_losses": 3000.0, "total": 6000.0, "mean": 1.0}
    return pd.DataFrame([row | {"undefined": ""}])


def small_references() -> pd.DataFrame:
    """Each group beside everyone: more, less, less, as much, none, not known."""
    mean = np.array([4.0, 1.0, 0.5, 2.0, 0.0, NAN])
    why = ["", "", "", "", "", "the amount is missing"]
    return _findings(
        reference_label="everyone", unit="°C", mean=mean, mean_reference=2.0, difference=mean - 2.0, ratio=mean / 2.0
    ).assign(undefined=why)


def small_measures() -> pd.DataFrame:
    """Two measures of each effect; of the noise neither is defined."""
    keys = pd.DataFrame(EFFECTS, columns=["action", "ledger", "effect"])
    gini = keys.assign(
        measure="absolute_gini", ranking="", value=[0.5, 0.25, NAN], undefined=["", "", "the total is 0"]
    )
    slope = keys.assign(measure="slope_index", ranking="income", value=[-2.0, 1.0, NAN], undefined=gini["undefined"])
    return pd.concat([gini, slope], ignore_index=True)


def small_grades() -> pd.DataFrame:
    """Grades of the hub by two fifths of income."""
    meaning = {"✓✓✓": "a benefit; more than 5 points above", "✓": "a benefit; more than 5 points below"}
    rows = [("income: fifth 1", "✓✓✓"), ("income: fifth 2", "✓")]
    about = {"action": "hub", "ledger": "benefit", "effect": "cooling", "kind": "quintile", "ranking": "income"}
    return pd.DataFrame([about | {"label": f, "grade": g, "meaning": meaning[g], "undefined": ""} for f, g in rows])


def small_weighted() -> pd.DataFrame:
    """Money of the tram weighted by income."""
    row = {"action": "tram", "unit": "EUR/year", "benefits": 9000.0, "burdens": 3000.0, "net": 6000.0}
    row |= {
        "net_weighted": 7500.0,
        "elasticity": 1.3,
        "covered_share": 1.0,
        "switching_value": NAN,
        "undefined": "none",
    }
    return pd.DataFrame([row])


def small_fair() -> dict[str, pd.DataFrame]:
    """All of them by name."""
    return {
        "gains": small_gains(),
        "policy": small_policy(),
        "redress": small_redress(),
        "reliability": small_reliability(),
        "chance": small_chance(),
        "stability": small_stability(),
        "zonings": small_zonings(),
        "zoning_range": small_zoning_range(),
        "net": small_net(),
        "references": small_references(),
        "measures": small_measures(),
        "grades": small_grades(),
        "weighted": small_weighted(),
    }


def hostile_fair(tables: dict[str, pd.DataFrame], text: str, ids: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Put one text into every place of the tables that the data fill."""
    texts = ("effect", "label", "unit", "words", "undefined", "note", "reference_label", "meaning", "zoning", "grade")
    found = {}
    for name, table in tables.items():
        keys = list(table.index.names) if name == "redress" else []
        flat = table.reset_index() if keys else table
        flat = flat.assign(**dict.fromkeys((c for c in texts if c in flat.columns), text))
        if "action" in flat.columns:
            flat["action"] = flat["action"].map(lambda action: ids.get(action, action))
        found[name] = flat.set_index(keys) if keys else flat
    return found

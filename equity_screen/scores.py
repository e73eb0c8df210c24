"""One row for each action: benefits and burdens side by side, against people and policy."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from equity_screen.actions import Plan
from equity_screen.effects import completed, nothing_expected
from equity_screen.people import EVERYONE, people_of
from equity_screen.recipe import LEDGERS, Question
from equity_screen.words import direction

ABOUT = ("name", "sector", "where", "active", "start", "end", "cost", "tco2e")
SEVERAL = "several effects, which are not added up: see by_effect"
AT_LEAST = "the people in reach are at least so many: some of its effects are taken up by some"
ROUNDING = 1e-9
ALL_ACTIONS = "all actions"


class Found(NamedTuple):
    """Tables by effect, by effect and group, and whom each action reaches, from ``marginal_people``."""

    by_effect: pd.DataFrame
    by_group: pd.DataFrame
    only_by: pd.DataFrame | None = None


def score_actions(plan: Plan, found: Found, *, question: Question, hoods: gpd.GeoDataFrame) -> pd.DataFrame:
    """Put the effects of each action side by side: one row for each action.

    Where a ledger of an action holds several effects, their people in reach are those whom at least one of them
    reaches, each once; at least so many where some of the effects are taken up by some, since who these are is not
    known. Their amounts are not added up.

    Parameters
    ----------
    plan : Plan
        Actions and effects.
    found : Found
        Tables by effect and group, and by action; without the last, several effects count as the widest of them.
    question : Question
        Rankings, priority rule and policy.
    hoods : GeoDataFrame
        Table by neighbourhood with the column priority.

    Returns
    -------
    DataFrame
        Index action; name, sector, where, active, cost [currency], tco2e [tCO2e/year], outside_share,
        the columns of each ledger (``benefit_…``, ``burden_…``), shares of the people, undefined.

    Examples
    --------
    >>> import equity_screen as es
    >>> city, plan = es.four_zones(), es.four_actions()
    >>> scores = es.screen(city, plan, priority=city["population"] < 250).scores
    >>> scores["benefit_people_reached"].tolist(), scores["burden_assessed"].tolist()
    ([1000.0, 600.0, nan, 400.0], ['assessed', 'assessed', 'not assessed', 'not assessed'])
    """
    actions = plan.actions
    outside = found.by_effect["outside_share"].groupby(level="action").max()
    about = pd.DataFrame(actions[[c for c in ABOUT if c in actions.columns]])
    scores = about.assign(outside_share=outside.reindex(actions.index))
    whole = float(hoods["population"].sum())
    parts = {ledger: _ledger_columns(ledger, plan, found, question=question, whole=whole) for ledger in LEDGERS}
    for ledger, part in parts.items():
        scores = scores.join(part.drop(columns="undefined").add_prefix(f"{ledger}_"))
    said = pd.DataFrame({ledger: part["undefined"].fillna("") for ledger, part in parts.items()})
    texts = [[f"{ledger}: {text}" for ledger, text in row.items() if text] for row in said.to_dict("records")]
    return scores.assign(**shares_of_people(hoods, question), undefined=["; ".join(text) for text in texts])


def _ledger_columns(ledger: str, plan: Plan, found: Found, *, question: Question, whole: float) -> pd.DataFrame:
    actions = plan.actions
    mine = found.by_effect[found.by_effect.index.get_level_values("ledger") == ledger]
    mine = mine.reset_index(["ledger", "effect"]).assign(priority_person_share=_person_share(found, ledger, question))
    nothing = plan.effects[nothing_expected(plan.effects) & (plan.effects["ledger"] == ledger)]
    mine["people_reached"] = mine["people_reached"].mask(_stated(mine, nothing))
    grouped, assessed = mine.groupby(level="action"), _assessed(ledger, plan)
    several = grouped.size().reindex(actions.index, fill_value=0) > 1
    table = mine[~mine.index.duplicated()].reindex(actions.index)
    indexes = [f"{kind}_{name}" for name in question.rankings for kind in ("ci", "gci")]
    people = _people(mine["people_reached"], _once(ledger, found)).reindex(actions.index)
    measured = ["total", "mean", "priority_place_share", "priority_person_share", *indexes]
    columns = {
        "assessed": assessed,
        "effect": grouped["effect"].agg("; ".join).reindex(actions.index),
        "unit": grouped["unit"].agg(lambda units: "; ".join(dict.fromkeys(units))).reindex(actions.index),
        "people_reached": people.mask(assessed == "none expected"),
        **{column: table[column].mask(several) for column in measured},
    }
    return pd.DataFrame(columns, index=actions.index).assign(
        policy_gap=_policy_gap(ledger, columns["priority_place_share"], question),
        **_directions(ledger, columns, question),
        undefined=table["undefined"]
        .mask(several, SEVERAL)
        .mask(several & _taken_up(ledger, plan) & (people < whole * (1 - ROUNDING)), f"{SEVERAL}; {AT_LEAST}"),
    )


def _people(mine: pd.Series, once: pd.Series) -> pd.Series:
    """People in reach by action: of its one effect, or of several of them, each once."""
    effects = mine.groupby(level="action")
    widest = effects.max()
    # What unites drawn and exact reaches is never less than the widest of them.
    return widest.mask(effects.count() > 1, np.fmax(widest, once.reindex(widest.index)))


def _once(ledger: str, found: Found) -> pd.Series:
    """People whom at least one effect of an action reaches that has a place, and is not taken up by some."""
    if found.only_by is None:
        return pd.Series(dtype="float64")
    table = found.only_by
    mine = (table["scope"] == ALL_ACTIONS) & (table["ledger"] == ledger) & (table["group"] == EVERYONE)
    return table[mine].set_index("action")["people_reached"].astype("float64")


def _taken_up(ledger: str, plan: Plan) -> pd.Series:
    """Tell the actions of which some effects of a ledger are taken up by some."""
    effects = completed(plan.effects)
    some = effects.loc[(effects["ledger"] == ledger) & (effects["uptake"] != ""), "action"]
    return pd.Series(plan.actions.index.isin(some), index=plan.actions.index)


def _stated(mine: pd.DataFrame, effects: pd.DataFrame) -> pd.Series:
    """Tell which rows by action are among some effects."""
    among = pd.MultiIndex.from_frame(effects[["action", "effect"]])
    return pd.Series(pd.MultiIndex.from_arrays([mine.index, mine["effect"]]).isin(among), index=mine.index)


def _person_share(found: Found, ledger: str, question: Question) -> np.ndarray | float:
    """Share of each effect that goes to the priority people themselves, wherever they live."""
    people = question.priority.people if question.priority else None
    groups = found.by_group
    mine = groups[(groups["group"] == people) & (groups["ledger"] == ledger)]
    return np.nan if people is None else mine["share_of_effect"].to_numpy()


def _policy_gap(ledger: str, share: pd.Series, question: Question) -> pd.Series:
    """Share to priority neighbourhoods less the share that a policy asks of benefits."""
    policy = question.priority.policy if question.priority else None
    if policy is None or policy.basis != "benefit" or ledger != "benefit":
        return share * np.nan
    return share - policy.share


def _directions(ledger: str, columns: dict[str, pd.Series], question: Question) -> dict[str, list[str]]:
    return {
        f"direction_{name}": [
            direction(value, ledger=ledger, ranking=ranking, name=name) for value in columns[f"ci_{name}"]
        ]
        for name, ranking in question.rankings.items()
    }


def _assessed(ledger: str, plan: Plan) -> pd.Series:
    """Tell what is known of a ledger: a blank burden is not assessed, never none."""
    actions, mine = plan.actions, plan.effects[plan.effects["ledger"] == ledger]
    stated = actions.index.isin(mine["action"])
    something = actions.index.isin(mine.loc[~nothing_expected(mine), "action"])
    words = pd.Series("not assessed", index=actions.index).mask(stated, "assessed")
    words = words.mask(stated & ~something, "none expected")
    return words.mask(stated & (actions["where"] == "unlocated"), "unlocated")


def shares_of_people(hoods: pd.DataFrame, question: Question) -> dict[str, float]:
    """Share of the people in priority neighbourhoods, of the priority people, and of the policy.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood with priority, or priority_share [0–1] where places are priority in part.
    question : Question
        Priority rule and policy.

    Returns
    -------
    dict of float
        priority_population_share, priority_people_share, policy_share [0–1]; NaN where not asked.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> city = four_zones().assign(priority=[True, False, False, False])
    >>> shares_of_people(city, Question())["priority_population_share"]
    0.1
    """
    whole = float(hoods["population"].sum())
    share = hoods["priority_share"] if "priority_share" in hoods.columns else hoods["priority"].astype("float64")
    inside = float((hoods["population"] * share).sum())
    rule, person = question.priority, float("nan")
    if rule is not None and rule.people is not None:
        people = people_of(hoods, [rule.people])
        universe = float(people.universes.sum())
        person = float(people.groups.sum()) / universe if universe else float("nan")
    return {
        "priority_population_share": inside / whole if whole else float("nan"),
        "priority_people_share": person,
        "policy_share": rule.policy.share if rule and rule.policy else float("nan"),
    }

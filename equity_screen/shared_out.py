"""How a plan is shared out: the tables of a screening on who gains, by what measure, beside whom."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from equity_screen.appraisal import green_book_table, tag_grid
from equity_screen.change import ACTIVE, three_questions
from equity_screen.dimensions import between_group_table
from equity_screen.equity import rank_of
from equity_screen.gains import gains
from equity_screen.measures import measure_table
from equity_screen.nets import net_by_group, net_effects, net_table
from equity_screen.people import Floats
from equity_screen.policy import priority_account, redress_table, shares_of_reach
from equity_screen.references import by_reference
from equity_screen.run import Run
from equity_screen.scores import Found
from equity_screen.segregation import segregation_table

MILLION = 1e6


class SharedOut(NamedTuple):
    """Tables on how the plan is shared out; those that were not asked for have no rows."""

    dimensions: pd.DataFrame
    measures: pd.DataFrame
    gains: pd.DataFrame
    net: pd.DataFrame
    net_by_group: pd.DataFrame
    references: pd.DataFrame
    policy: pd.DataFrame
    redress: pd.DataFrame
    three_questions: pd.DataFrame
    segregation: pd.DataFrame
    grades: pd.DataFrame
    weighted: pd.DataFrame


def shared_out(
    run: Run, found: Found, *, before_after: pd.DataFrame, chance: pd.DataFrame, ground: pd.Series
) -> SharedOut:
    """Measure how benefits and burdens are shared out.

    Parameters
    ----------
    run : Run
        What the tables are made from.
    found : Found
        Tables by effect and by group.
    before_after : DataFrame
        Indicators before and after each action.
    chance : DataFrame
        The same footprints elsewhere, from :func:`equity_screen.chance.random_siting`.
    ground : Series
        Index action: share of the footprint in priority places [0–1], NaN where none were asked for.

    Returns
    -------
    SharedOut
        The tables.

    Examples
    --------
    >>> import equity_screen as es
    >>> found = es.screen(es.four_zones(), es.four_actions())
    >>> found.gains.query("action == 'EAST' and group == 'low_income'")["both"].tolist()
    [70.0]
    """
    question, people, laid = run.question, run.people, run.laid
    if not people.known or run.plan.effects.empty:
        return SharedOut(*(pd.DataFrame() for _ in SharedOut._fields))
    ranks = {name: rank_of(run.hoods, ranking) for name, ranking in question.rankings.items()}
    net = net_effects(laid, run.plan.effects) if question.net else None
    groups = question.groups
    return SharedOut(
        dimensions=_dimensions(run, found),
        measures=_measures(run, found, ranks),
        gains=gains(laid, run.plan, people=people, groups=groups),
        net=pd.DataFrame() if net is None else net_table(net, people, groups=groups, ranks=ranks),
        net_by_group=pd.DataFrame() if net is None else net_by_group(net, found.by_group, people=people),
        references=by_reference(
            laid,
            run.plan.effects,
            people=people,
            groups=groups,
            references=question.references,
            null=None if chance.columns.empty else chance,
        ),
        policy=_policy(run, found, ground),
        redress=redress_table(laid, people, burden_score=_burden(run.hoods)),
        three_questions=three_questions(before_after),
        segregation=segregation_table(people, groups),
        grades=_grades(run, ranks),
        weighted=_weighted(run),
    )


def with_costs(before_after: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Put beside each change of an indicator what it costs, and whether it makes a group worse off.

    Parameters
    ----------
    before_after : DataFrame
        Indicators before and after each action, by group.
    run : Run
        What the tables are made from.

    Returns
    -------
    DataFrame
        The table with ede_gain_per_million, the change of the EDE for the better for a million of the currency [unit];
        and worse_off, whether the group's mean changes for the worse.

    Examples
    --------
    >>> import equity_screen as es
    >>> heat = es.Indicator(label="Heat", unit="degC", higher_is="worse", column="heat")
    >>> plan = es.four_actions()
    >>> dear = plan._replace(actions=plan.actions.assign(cost=2e6))
    >>> table = es.screen(es.four_zones(), dear, question=es.Question(indicators={"heat": heat})).before_after
    >>> bool((table["ede_gain_per_million"] == -table["ede_change"] / 2).iloc[0]), table["worse_off"].any()
    (True, np.False_)
    """
    worse = before_after["indicator"].map({name: i.higher_is == "worse" for name, i in run.question.indicators.items()})
    better = np.where(worse.eq(other=True), -1.0, 1.0)
    actions = run.plan.actions
    active = actions[actions["active"].eq(other=True)]
    cost = before_after["action"].map(actions["cost"].astype("float64"))
    # Of all together only where each of them says what it costs.
    cost = cost.mask(before_after["action"] == ACTIVE, float(active["cost"].astype("float64").sum(skipna=False)))
    gain = better * before_after["ede_change"].astype("float64")
    change = better * before_after["change_mean"].astype("float64")
    return before_after.assign(ede_gain_per_million=gain / (cost / MILLION).where(cost > 0), worse_off=change < 0)


def groups_worse_off(before_after: pd.DataFrame) -> pd.Series:
    """Name for each action the groups that it makes worse off, and by which indicator.

    Parameters
    ----------
    before_after : DataFrame
        As of :func:`with_costs`.

    Returns
    -------
    Series
        By action; ``""`` where it makes no group worse off by what was measured.

    Examples
    --------
    >>> rows = {"action": "A", "indicator": "noise", "label": ["Everyone", "Renters"], "worse_off": [False, True]}
    >>> groups_worse_off(pd.DataFrame(rows)).to_dict()
    {'A': 'Renters (noise)'}
    """
    said = before_after["label"].astype(str) + " (" + before_after["indicator"].astype(str) + ")"
    named = said.where(before_after["worse_off"].astype(bool), "")
    joined = named.groupby(before_after["action"]).agg(lambda texts: "; ".join(dict.fromkeys(t for t in texts if t)))
    return joined.astype("str")


def _dimensions(run: Run, found: Found) -> pd.DataFrame:
    laid, rates = run.laid, run.laid.rates_of(run.people.names)
    return between_group_table(
        laid.per_person.matrix,
        run.people,
        groups=run.question.groups,
        labels=laid.per_person.columns,
        uptake=None if np.isnan(rates).all() else (laid.landed_doses, rates),
        without=_without(found),
    )


def _without(found: Found) -> np.ndarray:
    """Say why an effect has no figures at all; one that is 0 for all has some."""
    nothing = found.by_effect["total"].isna()
    return np.asarray(found.by_effect["undefined"].where(nothing, "").to_numpy(dtype=object))


def _measures(run: Run, found: Found, ranks: dict[str, Floats]) -> pd.DataFrame:
    if not run.question.measures:
        return pd.DataFrame()
    table = measure_table(
        run.laid.per_person.matrix,
        run.laid.per_person.columns,
        people=run.people,
        names=run.question.measures,
        ranks=ranks,
        incomes=_incomes(run),
    )
    said = pd.Series(_without(found), index=found.by_effect.index)
    why = said.reindex(pd.MultiIndex.from_frame(table[["action", "ledger", "effect"]])).to_numpy()
    return table.assign(
        value=table["value"].mask(why != ""),
        legal=table["legal"].mask(why != "", other=False),
        undefined=np.where(why != "", why, table["undefined"]),
    )


def _incomes(run: Run) -> dict[str, Floats]:
    """Incomes by neighbourhood, of the rankings that are one."""
    rankings = run.question.rankings.items()
    return {name: run.hoods[r.column].to_numpy(dtype=np.float64) for name, r in rankings if r.income}


def _policy(run: Run, found: Found, ground: pd.Series) -> pd.DataFrame:
    question, group = run.question, run.question.priority.people if run.question.priority else None
    reach = None
    if run.asked:
        reach = shares_of_reach(run.laid, run.people, priority=run.inside.effects, group=group)
        reach = reach.reindex(run.plan.actions.index).join(ground.rename("ground"))
    return priority_account(
        found.by_effect,
        found.by_group,
        actions=run.plan.actions,
        hoods=run.hoods,
        question=question,
        reach=reach,
    )


def _burden(hoods: pd.DataFrame) -> Floats | None:
    score = hoods["burden_score"].to_numpy(dtype=np.float64) if "burden_score" in hoods.columns else None
    return None if score is None or np.isnan(score).all() else score


def _grades(run: Run, ranks: dict[str, Floats]) -> pd.DataFrame:
    if "tag" not in run.question.appraisal:
        return pd.DataFrame()
    groups = run.question.groups
    return tag_grid(run.laid, run.plan.effects, people=run.people, groups=groups, ranks=ranks)


def _weighted(run: Run) -> pd.DataFrame:
    """Money weighted by income, in every unit of it that the effects have, by every ranking that is an income."""
    if "green_book" not in run.question.appraisal:
        return pd.DataFrame()
    units = [u for u in dict.fromkeys(run.plan.effects["unit"]) if _is_money(str(u), run.question.currency)]
    tables = [
        green_book_table(run.laid, run.plan.effects, people=run.people, income=income, unit=unit).assign(income=name)
        for name, income in _incomes(run).items()
        for unit in units
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _is_money(unit: str, currency: str) -> bool:
    return bool(currency) and (unit == currency or unit.startswith((f"{currency}/", f"{currency} ")))

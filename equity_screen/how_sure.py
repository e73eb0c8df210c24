"""How sure a screening is: chance, other data and choices, other zones; margins beside every figure of a group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from equity_screen.chance import random_siting
from equity_screen.disclosure import reliability_by_level
from equity_screen.drawn_index import probability_of_priority
from equity_screen.margins import margins_of
from equity_screen.parts import parts_of
from equity_screen.people import Floats
from equity_screen.protected import confidential
from equity_screen.recipe import Policy
from equity_screen.relation import Relation, relation_of
from equity_screen.robustness import stability
from equity_screen.run import Run
from equity_screen.scores import Found
from equity_screen.uncertainty import priority_share_margin, share_probability, with_margins
from equity_screen.zonings import compare_zonings, zoning_range

# So many effects are placed elsewhere without being asked for; each footprint takes about 0.01 s.
MOST_PLACED = 2_000
MARGINS = (
    "90 %; neighbourhoods are taken as independent of one another; of the counts of people, not of the amounts; drawn "
    "where a group's counts vary too much for a closed form"
)
NO_MARGINS = "none were given: nothing can be said of the error of the counts"
RANDOM_SITING = (
    "the same footprint at {count} other places of the city; p is the share of them, this one among them, where a "
    "group is as far from its share or farther; q is p adjusted for the number of questions (Benjamini & Hochberg 1995)"
)
NOT_ASKED = "not asked: siting.placements is 0"
TOO_MANY = "not asked: more than {most} effects; give siting.placements to ask for it"
STABILITY = "actions are ranked again in {draws} draws of each source of doubt, and of all of them together"
NOTHING_VARIES = "nothing that was to be varied can change a rank"
ZONINGS = "people and groups carried to other zones by population points, each like its neighbourhood, or else by area"
NET = "benefits less burdens of one action in one unit on one basis, in measures that allow signs only"
SMALL_NUMBERS = (
    "small numbers of confidential groups are hidden by the profile {profile}; those of other groups are not"
)
KEYS = ["action", "ledger", "effect", "group"]


class HowSure(NamedTuple):
    """Tables on how sure the findings are; those that were not asked for have no rows."""

    reliability: pd.DataFrame
    chance: pd.DataFrame
    stability: pd.DataFrame
    zonings: pd.DataFrame
    zoning_range: pd.DataFrame


def how_sure(run: Run) -> HowSure:
    """Ask whether findings could be chance, and whether they hold for other data, choices and zones.

    Parameters
    ----------
    run : Run
        What the tables are made from.

    Returns
    -------
    HowSure
        The tables.

    Examples
    --------
    >>> import equity_screen as es
    >>> found = es.screen(es.four_zones(), es.four_actions())
    >>> found.chance.loc[found.chance["action"] == "CITY", "undefined"].unique().tolist()
    ['it is everywhere: it cannot be elsewhere']
    """
    if not run.people.known or run.plan.effects.empty:
        return HowSure(*(pd.DataFrame() for _ in HowSure._fields))
    zonings = _zonings(run)
    return HowSure(
        reliability=_reliability(run),
        chance=_chance(run),
        stability=_stability(run),
        zonings=zonings,
        zoning_range=zoning_range(zonings) if len(zonings) else pd.DataFrame(),
    )


def with_probability(run: Run) -> gpd.GeoDataFrame:
    """Add the probability that each neighbourhood is picked by the priority rule, where margins of error are known.

    Parameters
    ----------
    run : Run
        What the tables are made from.

    Returns
    -------
    GeoDataFrame
        Table by neighbourhood, with priority_probability [0–1] where anything that the rule reads has a margin.

    Examples
    --------
    >>> import equity_screen as es
    >>> rule = es.Priority(column="heat", at_least=29)
    >>> found = es.screen(es.four_zones().assign(moe_heat=0.01), es.four_actions(), question=es.Question(priority=rule))
    >>> found.neighbourhoods["priority_probability"].round(1).tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    question, asked = run.question, run.question.uncertainty
    if question.priority is None or question.priority.layer is not None:
        return run.hoods
    found = probability_of_priority(run.hoods, question, draws=asked.draws, seed=asked.seed)
    return run.hoods if found.isna().all() else run.hoods.assign(priority_probability=found)


def certainty_notes(run: Run, sure: HowSure) -> dict[str, str]:
    """Say by what means the tables on certainty were made, or why they were not.

    Parameters
    ----------
    run : Run
        What the tables are made from.
    sure : HowSure
        The tables.

    Returns
    -------
    dict of str
        Name → sentence.

    Examples
    --------
    >>> import equity_screen as es
    >>> es.screen(es.four_zones(), es.four_actions()).methods["margins of error"]
    'none were given: nothing can be said of the error of the counts'
    """
    if not run.people.known or run.plan.effects.empty:
        return {}
    question, siting = run.question, run.question.siting
    notes = {"margins of error": NO_MARGINS if np.isnan(margins_of(run.hoods, run.people).groups).all() else MARGINS}
    notes["could it be chance"] = RANDOM_SITING.format(count=siting.placements)
    if sure.chance.columns.empty:
        notes["could it be chance"] = NOT_ASKED if siting.placements == 0 else TOO_MANY.format(most=MOST_PLACED)
    if question.stability is not None:
        ranked = STABILITY.format(draws=question.stability.draws)
        notes["rank stability"] = ranked if len(sure.stability) else NOTHING_VARIES
    if len(sure.zonings):
        notes["zonings"] = ZONINGS
    if question.net:
        notes["net"] = NET
    if confidential(question):
        notes["small numbers"] = SMALL_NUMBERS.format(profile=question.small_numbers)
    return notes


def _chance(run: Run) -> pd.DataFrame:
    siting = run.question.siting
    by_itself = "placements" not in siting.model_fields_set
    if siting.placements == 0 or (by_itself and len(run.plan.effects) > MOST_PLACED):
        return pd.DataFrame()
    return random_siting(run.laid, run.plan, neighbourhoods=run.hoods, people=run.people, siting=run.question.siting)


def _stability(run: Run) -> pd.DataFrame:
    if run.question.stability is None or run.question.stability.draws == 0:
        return pd.DataFrame()
    areas, rule = run.inputs.priority_areas, run.question.priority
    given = run.hoods["priority"] if run.asked and (rule is None or rule.layer is not None) else None
    return stability(
        run.hoods,
        run.plan,
        laid=run.laid,
        people=run.people,
        question=run.question,
        priority=given if areas is None else areas,
    )


def _zonings(run: Run) -> pd.DataFrame:
    if not run.question.compare_zonings:
        return pd.DataFrame()
    return compare_zonings(
        run.hoods,
        run.plan,
        blocks=run.inputs.blocks,
        boundaries=run.inputs.boundaries,
        groups=run.question.groups,
    )


def _reliability(run: Run) -> pd.DataFrame:
    """Tell by what areas the counts of each group are reliable, where they have margins of error."""
    margins = margins_of(run.hoods, run.people)
    if np.isnan(margins.groups).all():
        return pd.DataFrame()
    asked = run.question.uncertainty
    return reliability_by_level(
        run.people,
        margins,
        layers=_layers(run),
        thresholds=(asked.reliable_below, asked.unreliable_above),
        at_most=asked.draw_above,
    )


def _layers(run: Run) -> Mapping[str, Relation]:
    """Share of each neighbourhood's people in the areas of each boundary layer, from fine to coarse."""
    found = {}
    for name, boundary in sorted(run.inputs.boundaries.items(), key=lambda item: -len(item[1].areas)):
        parts = parts_of(run.laid.ground, boundary)
        inside = parts.area < parts.areas
        pairs = parts.zone[inside], parts.area[inside]
        found[name] = relation_of(pairs, parts.share[inside], labels=(run.hoods.index, boundary.areas.index))
    return found


def found_with_margins(run: Run, found: Found, *, chance: pd.DataFrame) -> Found:
    """Put beside the figures of each effect and group how sure they are.

    Parameters
    ----------
    run : Run
        What the tables are made from.
    found : Found
        Tables by effect and by group.
    chance : DataFrame
        The same footprints elsewhere.

    Returns
    -------
    Found
        By group with margins of error, and p and q of random siting; by effect with the margin of its share to
        priority places, and the probability that this is as large as a policy asks.

    Examples
    --------
    >>> import equity_screen as es
    >>> found = es.screen(es.four_zones().assign(moe_low_income=6.0), es.four_actions())
    >>> found.by_group["people_moe"].unique().tolist()
    [12.0]
    """
    groups = with_margins(found.by_group, run.laid, hoods=run.hoods, people=run.people, asked=run.question.uncertainty)
    columns = [c for c in ("p", "q") if c in chance.columns]
    siting = chance.set_index(KEYS)[columns] if columns else pd.DataFrame(columns=["p", "q"], dtype=np.float64)
    rows = pd.MultiIndex.from_frame(groups[KEYS])
    groups = groups.assign(
        **{f"{name}_siting": siting[name].reindex(rows).to_numpy() if columns else np.nan for name in ("p", "q")}
    )
    return found._replace(by_group=groups, by_effect=_with_policy(run, found.by_effect))


def _with_policy(run: Run, by_effect: pd.DataFrame) -> pd.DataFrame:
    """Give the share to priority places its margin, and the probability that a policy's share is met."""
    rule = run.question.priority
    margin = _priority_margin(run, by_effect)
    policy = rule.policy if rule is not None else None
    columns = {"priority_place_share_moe": margin, "policy_probability": np.full(len(by_effect), np.nan)}
    if isinstance(policy, Policy) and policy.basis == "benefit":
        share = by_effect["priority_place_share"].to_numpy(dtype=np.float64)
        benefit = by_effect.index.get_level_values("ledger") == "benefit"
        columns["policy_probability"] = np.where(
            benefit, share_probability(share, margin, threshold=policy.share), np.nan
        )
    place = by_effect.columns.get_loc("priority_place_share") + 1
    front, back = by_effect.iloc[:, :place], by_effect.iloc[:, place:]
    return pd.concat([front.assign(**columns), back], axis=1)


def _priority_margin(run: Run, by_effect: pd.DataFrame) -> Floats:
    margins = margins_of(run.hoods, run.people).population
    if not run.people.known or run.inside.effects is None or np.isnan(margins).all():
        return np.full(len(by_effect), np.nan)
    doses = run.laid.per_person.matrix
    share, total = (by_effect[c].to_numpy(dtype=np.float64) for c in ("priority_place_share", "total"))
    return priority_share_margin(doses, margins, share=share, total=total, inside=_inside_pairs(run, doses))


def _inside_pairs(run: Run, doses: csc_array) -> Floats:
    inside = run.inside.effects
    by_zone = inside.to_numpy(dtype=np.float64) if isinstance(inside, pd.Series) else None
    return np.asarray(getattr(inside, "data", None) if by_zone is None else by_zone[doses.indices], dtype=np.float64)

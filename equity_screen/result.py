"""What a screening finds: plain tables, and the sentences made from them."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from equity_screen.recipe import Question


@dataclass(frozen=True, repr=False)
class Result:
    """All results of a screening, as plain tables.

    Attributes
    ----------
    question : Question
        What was asked.
    neighbourhoods : GeoDataFrame
        Table by neighbourhood with priority, priority_share, burden_score, burden_percentile,
        benefit_reached_share and burden_reached_share.
    actions, reach : GeoDataFrame
        Actions; reach polygons of the located effects (WGS 84).
    scores : DataFrame
        One row for each action, both ledgers side by side.
    areas : GeoDataFrame
        Areas of the boundary layers, and priority areas that are a layer of their own (WGS 84).
    by_effect, by_group, together, before_after : DataFrame
        One row for each effect; for each effect and group; for people counted once; for each action
        that changes a baseline indicator.
    times_reached, only_by, overlaps : DataFrame
        People by the number of actions that reach them; by each action, and by it alone; pairs of actions that
        reach the same people.
    missed : DataFrame
        Priority neighbourhoods that nothing reaches, with the nearest action.
    distances, distance_curve, holds : DataFrame
        Distance to the nearest action by group: its quantiles; shares within each distance; and the range of
        distances over which a finding holds.
    unseen : DataFrame
        By effect, what of its reach lies outside the neighbourhoods, and who lives there.
    compared, compared_by_group : DataFrame
        The plan by several apportionments, where the question asks for it: where they disagree, and each by group.
    by_boundary, by_boundary_effect : DataFrame
        People counted once, and each effect, by the areas of every boundary layer; both add up to the city.
    footprints : DataFrame
        Counts, money, carbon and areas of the actions by sector, decade, neighbourhood and boundary.
    baseline : DataFrame
        Mean of each indicator as it is, by group and by priority place.
    dimensions, measures : DataFrame
        How far groups of one dimension are apart, and how much of an effect's inequality lies between them; the
        measures that the question asks for.
    gains : DataFrame
        People with a benefit only, a burden only, both or neither, by action and group.
    net, net_by_group : DataFrame
        Benefits less burdens of one unit, in measures that allow signs, where the question asks for it.
    references : DataFrame
        Each effect and group beside the references that the question names.
    policy, redress : DataFrame
        What goes to priority places and people, in benefit and in money, beside a policy's share and that of the
        people; whether effects go where the burden is.
    three_questions : DataFrame
        Each indicator and group: baseline, under each option, and change.
    segregation : DataFrame
        How a city's groups live apart: context, of no action.
    grades, weighted : DataFrame
        Grades and money weighted by income, as public appraisal in the United Kingdom has them, where asked for.
    reliability : DataFrame
        By what areas the counts of each group are reliable.
    chance : DataFrame
        Each effect and group beside the same footprint at other places.
    stability : DataFrame
        Ranks of actions under other data, weights, thresholds, distances and recipes, where asked for.
    zonings, zoning_range : DataFrame
        The figures of each effect and group on other zones of the same people, and their range, where asked for.
    timeline : DataFrame
        The plan by year.
    ledger, status, coverage : DataFrame
        Accounts of rows, people, money and carbon; fate of each input row; what the data could see.
    inputs : tuple of dict
        Input files with their hashes.
    methods : dict of str
        Methods and conventions used, each a sentence.
    sentences : dict of tuple of str
        Plain sentences: ``"summary"`` and each action's id.

    Examples
    --------
    >>> "by_boundary" in Result.__dataclass_fields__
    True
    """

    question: Question
    neighbourhoods: gpd.GeoDataFrame
    actions: gpd.GeoDataFrame
    reach: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    scores: pd.DataFrame
    by_effect: pd.DataFrame
    by_group: pd.DataFrame
    together: pd.DataFrame
    times_reached: pd.DataFrame
    only_by: pd.DataFrame
    overlaps: pd.DataFrame
    missed: pd.DataFrame
    distances: pd.DataFrame
    distance_curve: pd.DataFrame
    holds: pd.DataFrame
    unseen: pd.DataFrame
    compared: pd.DataFrame
    compared_by_group: pd.DataFrame
    by_boundary: pd.DataFrame
    by_boundary_effect: pd.DataFrame
    footprints: pd.DataFrame
    baseline: pd.DataFrame
    before_after: pd.DataFrame
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
    reliability: pd.DataFrame
    chance: pd.DataFrame
    stability: pd.DataFrame
    zonings: pd.DataFrame
    zoning_range: pd.DataFrame
    timeline: pd.DataFrame
    ledger: pd.DataFrame
    status: pd.DataFrame
    coverage: pd.DataFrame
    inputs: tuple[dict[str, object], ...]
    methods: dict[str, str]
    sentences: dict[str, tuple[str, ...]]

    def __repr__(self) -> str:
        """Read as one line: what was screened, not the tables themselves."""
        return (
            f"Result({self.question.title!r}: {len(self.actions)} actions, {len(self.by_effect)} effects, "
            f"{len(self.neighbourhoods)} neighbourhoods, {len(self.question.groups)} groups)"
        )

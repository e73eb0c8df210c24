"""Priority places: neighbourhoods that a rule picks, or areas of a layer of their own."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import pandas as pd
from scipy.sparse import csc_array

from equity_screen.errors import UsageError
from equity_screen.footprints import MOST, priority_places
from equity_screen.index import pick_priority
from equity_screen.overlay import Overlay
from equity_screen.parts import cut_by, inside_shares, reach_in, share_inside
from equity_screen.recipe import Question

# In place of the layer of a rule whose places were given as a table.
GIVEN = "given with the call"


class Inside(NamedTuple):
    """What of each effect, and of what is counted once, belongs to priority places; None where none were asked for."""

    effects: pd.Series | csc_array | None
    once: pd.Series | csc_array | None


def mark_priority(
    hoods: gpd.GeoDataFrame,
    laid: Overlay,
    *,
    given: pd.Series | None,
    question: Question,
    areas: gpd.GeoDataFrame | None,
) -> tuple[gpd.GeoDataFrame, Inside]:
    """Mark the priority neighbourhoods, or measure what of each lies in the priority areas.

    Parameters
    ----------
    hoods : GeoDataFrame
        Table by neighbourhood.
    laid : Overlay
        Effects over neighbourhoods.
    given : pandas.Series of bool or None
        Priority neighbourhoods, instead of the question's rule.
    question : Question
        The rule.
    areas : GeoDataFrame or None
        Priority areas, where they are a layer of their own.

    Returns
    -------
    hoods : GeoDataFrame
        With priority (for areas: more than half of it) and priority_share [0–1], of its people or else its area.
    inside : Inside
        What of each effect belongs to priority places.

    Raises
    ------
    UsageError
        A priority that does not speak of every neighbourhood.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones()
    >>> laid, areas = overlay(city, four_actions()), gpd.GeoDataFrame(geometry=city.geometry[["A"]])
    >>> mark_priority(city, laid, given=None, question=Question(), areas=areas)[0]["priority_share"].tolist()
    [1.0, 0.0, 0.0, 0.0]
    """
    if given is not None or areas is None:
        chosen = _chosen(hoods, given, question)
        asked = chosen if given is not None or question.priority else None
        return hoods.assign(priority=chosen, priority_share=chosen.astype("float64")), Inside(asked, asked)
    union = gpd.GeoSeries(
        [priority_places(laid.ground.zones, pd.Series(dtype=bool), areas=areas)], crs=laid.ground.zones.crs
    )
    parts = cut_by(laid.ground, union)
    share = share_inside(parts, len(hoods))
    pairs = [(laid.ground.effects, laid.landed), (laid.ground.once, laid.once.matrix)]
    inside = [
        inside_shares(parts, reach_in(parts, reach, whole=whole, ground=laid.ground), whole=whole)
        for reach, whole in pairs
    ]
    return hoods.assign(priority=share > MOST, priority_share=share), Inside(*inside)


def _chosen(hoods: pd.DataFrame, given: pd.Series | None, question: Question) -> pd.Series:
    if given is not None:
        _require_every_id(given, hoods.index)
        return given.reindex(hoods.index).fillna(value=False).astype(bool)
    if question.priority is None:
        return pd.Series(data=False, index=hoods.index)
    return pick_priority(hoods, question.priority)


def _require_every_id(given: pd.Series, ids: pd.Index) -> None:
    if not isinstance(given, pd.Series) or not pd.api.types.is_bool_dtype(given):
        msg = (
            "priority must be a Series of True and False on the neighbourhoods' index, for instance hoods['heat'] >= 32"
        )
        raise UsageError(msg)
    lone = ids.difference(given.index)
    if len(lone):
        msg = f"priority says nothing of {len(lone)} of {len(ids)} neighbourhoods ({lone[0]!r} …): give it their index"
        raise UsageError(msg)

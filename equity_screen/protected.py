"""Small numbers of confidential groups kept out of every table of a run, before a word is made of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from equity_screen.disclosure import suppress
from equity_screen.recipe import MARGIN, PEOPLE, UNIVERSE, Question

OF_EFFECT = ("action", "ledger", "effect", "group")
HIDDEN = "suppressed:"
# Columns of a row that say which one it is, or what was asked; all other text of a hidden row may tell its numbers.
TELLS_NOTHING = frozenset(
    {"action", "ledger", "effect", "unit", "group", "label", "dimension", "scope", "other", "boundary", "area", "name"}
    | {"indicator", "question", "option", "reference", "reference_label", "kind", "zoning", "per", "undefined"}
    | {"benefit_assessed", "burden_assessed", "eligible_class", "ranking", "times"}
)


class Cells(NamedTuple):
    """Where a table has counts of people, which columns tell its rows apart, and over which of these it adds up."""

    counts: tuple[str, ...]
    keys: tuple[str, ...]
    adds_over: tuple[str, ...] = ()


_STATES = ("benefit_only", "burden_only", "both", "untouched")
CELLS: Mapping[str, Cells] = MappingProxyType(
    {
        "by_group": Cells(("people", "people_reached"), (*OF_EFFECT, "dimension"), ("group",)),
        "together": Cells(("people", "people_reached"), ("scope", "ledger", "group")),
        "times_reached": Cells(("people",), ("scope", "ledger", "group", "times"), ("times",)),
        "only_by": Cells(("people_reached", "people_only"), ("scope", "ledger", "action", "group")),
        "overlaps": Cells(("people_both",), ("scope", "ledger", "action", "other", "group")),
        "distances": Cells(("people",), ("scope", "ledger", "group")),
        "by_boundary": Cells(("people", "people_reached"), ("boundary", "area", "scope", "ledger", "group"), ("area",)),
        "by_boundary_effect": Cells(("people_reached",), ("boundary", "area", *OF_EFFECT), ("area",)),
        "gains": Cells(("people", *_STATES), ("scope", "action", "group")),
        "net_by_group": Cells(("people", "people_gaining", "people_losing"), ("action", "unit", "per", "group")),
        "before_after": Cells(("people",), ("action", "indicator", "epsilon", "group")),
    }
)
# Rows of these are hidden with those of the same effect and group.
FOLLOWS = ("references", "chance", "zonings", "zoning_range", "compared_by_group", "grades")


def protected(
    tables: Mapping[str, pd.DataFrame], question: Question, *, by_group: pd.DataFrame | None = None
) -> dict[str, pd.DataFrame]:
    """Keep small numbers of confidential groups out of tables; other groups and tables stay as they are.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables of a result by name.
    question : Question
        Which groups are confidential, and the profile.
    by_group : DataFrame, optional
        The protected table of effects and groups, whose hidden rows hide those of tables without counts.

    Returns
    -------
    dict of str to DataFrame
        The tables; hidden rows have no numbers and say why.

    Examples
    --------
    >>> from equity_screen.recipe import Group
    >>> asked = Question(groups={"x": Group(label="X", count="x", confidential=True)}, small_numbers="washington")
    >>> row = {"scope": "all actions", "ledger": "benefit", "group": "x", "people": 90.0, "people_reached": 4.0}
    >>> hidden = protected({"together": pd.DataFrame([row])}, asked)["together"]
    >>> hidden["people_reached"].isna().all(), hidden["undefined"].iloc[0]
    (np.True_, 'suppressed: fewer than 10 people (profile washington)')
    """
    groups = confidential(question)
    if not groups or question.small_numbers is None:
        return dict(tables)
    found = {name: _own(name, table, groups, question.small_numbers) for name, table in tables.items()}
    if by_group is not None:
        found = {name: _following(name, table, by_group) for name, table in found.items()}
    return found


def confidential(question: Question) -> tuple[str, ...]:
    """Name the groups whose counts are no public ones.

    Parameters
    ----------
    question : Question
        Groups.

    Returns
    -------
    tuple of str
        Names.

    Examples
    --------
    >>> confidential(Question())
    ()
    """
    return tuple(name for name, group in question.groups.items() if group.confidential)


def _own(name: str, table: pd.DataFrame, groups: Collection[str], profile: str) -> pd.DataFrame:
    cells = CELLS.get(name)
    if cells is None or table.empty or "group" not in table.columns:
        return table
    hidden = suppress(
        table,
        counts=[c for c in cells.counts if c in table.columns],
        keys=cells.keys,
        groups=groups,
        profile=profile,
        adds_over=cells.adds_over,
    )
    return _without_words(hidden)


def _without_words(table: pd.DataFrame) -> pd.DataFrame:
    """Take away what hidden rows say in words or in yes and no."""
    rows = table["undefined"].astype(str).str.contains(HIDDEN, regex=False).to_numpy()
    told = [c for c in table.columns if c not in TELLS_NOTHING and not pd.api.types.is_numeric_dtype(table[c])]
    told += [c for c in table.columns if pd.api.types.is_bool_dtype(table[c]) and c not in told]
    return table.assign(**{c: table[c].astype(object).mask(rows, "") for c in told}) if rows.any() else table


def _following(name: str, table: pd.DataFrame, by_group: pd.DataFrame) -> pd.DataFrame:
    hidden = by_group["undefined"].astype(str).str.contains(HIDDEN, regex=False)
    if name not in FOLLOWS or table.empty or not hidden.any():
        return table
    why = by_group.loc[hidden, "undefined"].set_axis(_rows(by_group[hidden])).reindex(_rows(table))
    rows = why.notna().to_numpy()
    numbers = [c for c in table.select_dtypes("number").columns if c not in TELLS_NOTHING]
    blank = table.assign(**{c: table[c].astype(np.float64).mask(rows) for c in numbers})
    said = table["undefined"] if "undefined" in table.columns else ""
    return _without_words(blank.assign(undefined=np.where(rows, why.to_numpy(), said)))


def _rows(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[list(OF_EFFECT)])


def protected_neighbourhoods(hoods: gpd.GeoDataFrame, question: Question) -> gpd.GeoDataFrame:
    """Keep small counts of confidential groups out of the table by neighbourhood.

    Parameters
    ----------
    hoods : GeoDataFrame
        Table by neighbourhood.
    question : Question
        Which groups are confidential, and the profile.

    Returns
    -------
    GeoDataFrame
        The table; hidden counts, their universe and margin are NaN. Counts of a group add to that of the city, so where
        one is hidden another is, too.

    Examples
    --------
    >>> from equity_screen.recipe import Group
    >>> from equity_screen.synthetic import four_zones
    >>> low = Group(label="People with low incomes", count="n", confidential=True)
    >>> asked = Question(groups={"low_income": low}, small_numbers="statcan")
    >>> protected_neighbourhoods(four_zones(), asked)["people_low_income"].tolist()
    [50.0, 50.0, nan, nan]
    """
    hidden = hidden_places(hoods, question)
    return hoods.assign(
        **{
            column: hoods[column].mask(places)
            for name, places in hidden.items()
            for column in _columns_of(name, question)
            if column in hoods.columns
        }
    )


def hidden_places(hoods: pd.DataFrame, question: Question) -> dict[str, pd.Series]:
    """Tell for each confidential group in which neighbourhoods its count is hidden.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood.
    question : Question
        Which groups are confidential, and the profile.

    Returns
    -------
    dict of str to Series of bool
        By group, on the index of the table.

    Examples
    --------
    >>> hidden_places(pd.DataFrame(), Question())
    {}
    """
    profile, found = question.small_numbers, {}
    for name in confidential(question) if profile is not None else ():
        counts = pd.DataFrame({"area": hoods.index, "group": name, "people": hoods[PEOPLE + name].to_numpy()})
        cells = {"counts": ["people"], "keys": ["area", "group"], "adds_over": ["area"]}
        shown = suppress(counts, groups=[name], profile=str(profile), **cells)["people"]
        found[name] = pd.Series(shown.isna().to_numpy(), index=hoods.index)
    return found


def _columns_of(group: str, question: Question) -> list[str]:
    """Name the columns of a group: those of this package, and those of the file that it was read from."""
    declared = question.groups[group]
    read = (declared.count, declared.share, declared.universe, declared.margin)
    return [*(prefix + group for prefix in (PEOPLE, UNIVERSE, MARGIN)), *(c for c in read if c is not None)]


def protected_missed(table: pd.DataFrame, hoods: pd.DataFrame, *, question: Question) -> pd.DataFrame:
    """Keep small counts of confidential groups out of the list of neighbourhoods that are missed.

    Parameters
    ----------
    table : DataFrame
        Columns neighbourhood and people_<group>.
    hoods : DataFrame
        Table by neighbourhood.
    question : Question
        Which groups are confidential, and the profile.

    Returns
    -------
    DataFrame
        The table; what is hidden in the table by neighbourhood is hidden here.

    Examples
    --------
    >>> table = pd.DataFrame({"neighbourhood": ["A"]})
    >>> protected_missed(table, pd.DataFrame(), question=Question())["neighbourhood"].tolist()
    ['A']
    """
    hidden = hidden_places(hoods, question) if len(table) else {}
    places = {name: table["neighbourhood"].map(where).astype(bool) for name, where in hidden.items()}
    return table.assign(**{PEOPLE + name: table[PEOPLE + name].mask(where) for name, where in places.items()})

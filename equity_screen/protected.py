"""Small numbers of confidential groups kept out of every table of a run, before a word is made of them.

Tables of one run can be subtracted from one another: people in reach of two effects from those in reach of one, areas
from districts. So of a confidential group only two kinds of figures are printed: those of single effects, where enough
of its people are in reach, and those of the whole city. All other rows that name it are hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd

from equity_screen.disclosure import profile_of, suppress
from equity_screen.recipe import MARGIN, PEOPLE, UNIVERSE, Question

OF_EFFECT = ("action", "ledger", "effect", "group", "dimension")
HIDDEN = "suppressed:"
BY_EFFECT_ONLY = "suppressed: of a confidential group only single effects are printed (profile {profile})"
# Columns of a row that say which one it is, or what was asked; all other text of a hidden row may tell its numbers.
TELLS_NOTHING = frozenset(
    {"action", "ledger", "effect", "unit", "group", "label", "dimension", "scope", "other", "boundary", "area", "name"}
    | {"indicator", "question", "option", "reference", "reference_label", "kind", "zoning", "per", "undefined", "who"}
    | {"benefit_assessed", "burden_assessed", "eligible_class", "ranking", "times", "epsilon", "distance_m", "level"}
    | {"view", "policy_share", "policy_basis", "policy_source", "policy_status", "income", "higher_is"}
)
Rows = Callable[[pd.DataFrame, Question], pd.Series]


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


def _of_group(table: pd.DataFrame, question: Question) -> pd.Series:
    if "group" not in table.columns:
        return pd.Series(data=False, index=table.index)
    return table["group"].isin(confidential(question))


def _of_dimension(table: pd.DataFrame, question: Question) -> pd.Series:
    dimensions = {question.groups[name].dimension for name in confidential(question)} - {""}
    return _of_group(table, question) | table["dimension"].isin(dimensions)


def _of_reference(table: pd.DataFrame, question: Question) -> pd.Series:
    closed = [name for name, one in question.references.items() if one.group in confidential(question)]
    return _of_group(table, question) | table["reference"].isin(closed)


def _of_person(table: pd.DataFrame, question: Question) -> pd.Series:
    people = question.priority.people if question.priority else None
    return (table["view"] == "person") & (people in confidential(question))


def _few_of_all(table: pd.DataFrame, question: Question) -> pd.Series:
    least = profile_of(str(question.small_numbers)).minimum_people
    return table["who"].isin(confidential(question)) & (table["people"] < least)


OTHERS: Mapping[str, Rows] = MappingProxyType(
    {
        "dimensions": _of_dimension,
        "segregation": _of_dimension,
        "references": _of_reference,
        "policy": _of_person,
        "baseline": _few_of_all,
    }
)


def protected(tables: Mapping[str, pd.DataFrame], question: Question) -> dict[str, pd.DataFrame]:
    """Keep small numbers of confidential groups out of tables; other groups stay as they are.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables of a result by name.
    question : Question
        Which groups are confidential, and the profile.

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
    >>> hidden["people_reached"].isna().all(), hidden["undefined"].iloc[0].split(":")[0]
    (np.True_, 'suppressed')
    """
    if not confidential(question):
        return dict(tables)
    return {name: _protected(name, table, question) for name, table in tables.items()}


def _protected(name: str, table: pd.DataFrame, question: Question) -> pd.DataFrame:
    if table.empty:
        return table
    if name == "by_group":
        return _by_group(table, question)
    if name == "net":
        return _without_dimensions(table, question)
    rows = OTHERS.get(name, _of_group)(table, question).to_numpy(dtype=bool)
    return _hidden(table, rows, why=BY_EFFECT_ONLY.format(profile=question.small_numbers)) if rows.any() else table


def _by_group(table: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Hide effects that reach few of a group, and figures that would follow from others of its dimension."""
    hidden = suppress(
        table,
        counts=("people", "people_reached"),
        keys=OF_EFFECT,
        groups=confidential(question),
        profile=str(question.small_numbers),
        adds_over=("group",),
    )
    rows = hidden["undefined"].astype(str).str.contains(HIDDEN, regex=False).to_numpy()
    return _hidden(hidden, rows) if rows.any() else hidden


def _without_dimensions(table: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Hide what lies between the groups of a dimension of which one is confidential."""
    closed = [f"bgv_{question.groups[name].dimension}" for name in confidential(question)]
    return table.assign(**{column: np.nan for column in closed if column in table.columns})


def _hidden(table: pd.DataFrame, rows: np.ndarray, *, why: str | None = None) -> pd.DataFrame:
    """Take the numbers and words out of rows."""
    columns = [str(c) for c in table.columns if c not in TELLS_NOTHING]
    blank: dict[str, pd.Series] = {}
    for column in columns:
        values = table[column]
        if pd.api.types.is_bool_dtype(values):
            blank[column] = values.mask(rows, other=False).astype(bool)
        elif pd.api.types.is_numeric_dtype(values):
            blank[column] = values.astype(np.float64).mask(rows)
        else:
            blank[column] = values.astype(object).mask(rows, "")
    if why is not None:
        said = table["undefined"] if "undefined" in table.columns else pd.Series("", index=table.index)
        blank["undefined"] = said.astype(object).mask(rows, why)
    return table.assign(**blank)


def protected_neighbourhoods(hoods: gpd.GeoDataFrame, question: Question) -> gpd.GeoDataFrame:
    """Take the counts of confidential groups out of the table by neighbourhood.

    Parameters
    ----------
    hoods : GeoDataFrame
        Table by neighbourhood.
    question : Question
        Which groups are confidential.

    Returns
    -------
    GeoDataFrame
        The table; their counts, universes and margins are NaN, and so are the columns of the file that these were read
        from.

    Examples
    --------
    >>> from equity_screen.recipe import Group
    >>> from equity_screen.synthetic import four_zones
    >>> low = Group(label="People with low incomes", count="n", confidential=True)
    >>> asked = Question(groups={"low_income": low}, small_numbers="statcan")
    >>> protected_neighbourhoods(four_zones(), asked)["people_low_income"].isna().all()
    np.True_
    """
    columns = [c for name in confidential(question) for c in _columns_of(name, question) if c in hoods.columns]
    return hoods.assign(**dict.fromkeys(columns, np.nan)) if columns else hoods


def _columns_of(group: str, question: Question) -> list[str]:
    """Name the columns of a group: those of this package, and those of the file that it was read from."""
    declared = question.groups[group]
    read = (declared.count, declared.share, declared.universe, declared.margin)
    return [*(prefix + group for prefix in (PEOPLE, UNIVERSE, MARGIN)), *(c for c in read if c is not None)]


def protected_missed(table: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Take the counts of confidential groups out of the list of neighbourhoods that are missed.

    Parameters
    ----------
    table : DataFrame
        Columns neighbourhood and people_<group>.
    question : Question
        Which groups are confidential.

    Returns
    -------
    DataFrame
        The table.

    Examples
    --------
    >>> protected_missed(pd.DataFrame({"neighbourhood": ["A"]}), Question())["neighbourhood"].tolist()
    ['A']
    """
    columns = [PEOPLE + name for name in confidential(question)]
    return table.assign(**{column: np.nan for column in columns if column in table.columns})

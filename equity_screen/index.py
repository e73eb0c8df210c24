"""Indicators become one burden score: percentile ranks, domains, score."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Self

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from equity_screen.errors import InputError, UsageError, finding
from equity_screen.recipe import IndexRecipe, Indicator, Priority, Question
from equity_screen.text import did_you_mean

Floats = NDArray[np.float64]
Convention = Callable[[Floats, Floats], Floats]
SCORE_DECIMALS = 10


def _below(values: Floats, reference: Floats) -> Floats:
    return np.searchsorted(reference, values, side="left").astype(np.float64)


def _up_to(values: Floats, reference: Floats) -> Floats:
    return np.searchsorted(reference, values, side="right").astype(np.float64)


def _percent_rank(values: Floats, reference: Floats) -> Floats:
    steps = len(reference) - 1
    return _below(values, reference) / steps if steps > 0 else np.full(len(values), np.nan)


def _nonzero_rank_max(values: Floats, reference: Floats) -> Floats:
    positive = reference[reference > 0]
    return np.where(values > 0, _up_to(values, positive) / max(len(positive), 1), 0.0)


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "percent_rank": _percent_rank,
        "rank_pct_average": lambda v, r: (_below(v, r) + _up_to(v, r) + 1) / 2 / len(r),
        "nonzero_rank_max": _nonzero_rank_max,
        "floor_strictly_less": lambda v, r: np.floor(100 * _below(v, r) / len(r)) / 100,
        "cume_dist": lambda v, r: _up_to(v, r) / len(r),
        "mid_rank": lambda v, r: (_below(v, r) + _up_to(v, r)) / 2 / len(r),
    }
)


def z_score(values: pd.Series, *, ddof: int = 0) -> pd.Series:
    r"""Standardise values: how many standard deviations each lies from the mean.

    .. math:: z_i = (x_i - \bar x) / s

    Parameters
    ----------
    values : pandas.Series
        Values; NaN is no value.
    ddof : int
        0 for the standard deviation of the places themselves, 1 for that of a sample of them.

    Returns
    -------
    pandas.Series
        On the same index; NaN where all are alike.

    Examples
    --------
    >>> z_score(pd.Series([1.0, 3.0])).tolist()
    [-1.0, 1.0]
    """
    spread = float(values.std(ddof=ddof))
    return (values - values.mean()) / (spread if spread > 0 else np.nan)


def min_max(values: pd.Series) -> pd.Series:
    r"""Put values between the smallest and the largest: 0 to 1.

    .. math:: y_i = (x_i - \min x) / (\max x - \min x)

    Parameters
    ----------
    values : pandas.Series
        Values; NaN is no value.

    Returns
    -------
    pandas.Series
        On the same index; NaN where all are alike.

    Examples
    --------
    >>> min_max(pd.Series([2.0, 4.0, 3.0])).tolist()
    [0.0, 1.0, 0.5]
    """
    width = float(values.max() - values.min())
    return (values - values.min()) / (width if width > 0 else np.nan)


def percentile(values: pd.Series, *, method: str, reference: pd.Series | None = None) -> pd.Series:
    """Rank values by a named percentile convention; conventions differ, ties most of all.

    Parameters
    ----------
    values : pandas.Series of float64
        Values; missing is never ranked.
    method : str
        ``percent_rank`` (rank_min−1)/(n−1), used by the CDC/ATSDR SVI; ``rank_pct_average``
        rank_average/n, CEJST; ``nonzero_rank_max`` zeros 0, else rank_max over the positive,
        CalEnviroScreen; ``floor_strictly_less`` ⌊100·#{<x}/n⌋/100, EJScreen; ``cume_dist``
        #{≤x}/n; ``mid_rank`` (rank_average−½)/n.
    reference : pandas.Series, optional
        Values to rank against; the values themselves unless given.

    Returns
    -------
    pandas.Series of float64
        Percentile [0–1] on the same index.

    Raises
    ------
    UsageError
        Unknown convention.

    Examples
    --------
    >>> tied = pd.Series([1.0, 2.0, 2.0, 4.0, None])
    >>> percentile(tied, method="cume_dist").tolist()
    [0.25, 0.75, 0.75, 1.0, nan]
    >>> percentile(tied, method="floor_strictly_less").tolist()
    [0.0, 0.25, 0.25, 0.75, nan]
    """
    convention = CONVENTIONS.get(method)
    if convention is None:
        msg = f"unknown percentile convention {method!r}; {did_you_mean(method, CONVENTIONS)}"
        raise UsageError(msg)
    against = np.sort((values if reference is None else reference).dropna().to_numpy(dtype=np.float64))
    ranked = pd.Series(np.nan, index=values.index)
    known = values.notna().to_numpy()
    if len(against):
        ranked[known] = convention(values[known].to_numpy(dtype=np.float64), against)
    return ranked


def recipe_names() -> list[str]:
    """Name the recipes that ship with the package.

    Returns
    -------
    list of str
        Names, sorted.

    Examples
    --------
    >>> "neutral" in recipe_names()
    True
    """
    folder = resources.files("equity_screen") / "recipes"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name: str) -> IndexRecipe:
    """Read a recipe that ships with the package.

    Parameters
    ----------
    name : str
        Its name, for instance ``"neutral"``.

    Returns
    -------
    IndexRecipe
        The declaration.

    Raises
    ------
    UsageError
        No such recipe.

    Examples
    --------
    >>> load_recipe("neutral").percentile
    'percent_rank'
    """
    known = recipe_names()
    if name not in known:
        msg = f"no recipe {name!r}; {did_you_mean(name, known)}"
        raise UsageError(msg)
    folder = resources.files("equity_screen") / "recipes"
    return IndexRecipe.model_validate(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))


class BurdenIndex(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Burden score of each neighbourhood by a recipe.

    Percentiles p of the indicators (turned so that more is worse) are averaged by weight within a
    domain, domains are averaged, and the score's own percentile follows the same convention:

    .. math:: s_i = 100 \cdot \tfrac1D \sum_d \frac{\sum_{q \in d} w_q p_{iq}}{\sum_{q \in d} w_q}

    Parameters
    ----------
    recipe : str or IndexRecipe
        A shipped recipe's name or a declaration.
    indicators : mapping of str to Indicator
        Column → declaration; those with ``burden = false`` are left out.

    Attributes
    ----------
    reference_ : dict of str to pandas.Series
        Values of the reference table, by indicator, turned so that more is worse.
    scores_ : pandas.Series
        Scores of the reference table.
    n_features_in_ : int
        Number of indicators.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    >>> index = BurdenIndex(indicators={"heat": heat})
    >>> index.fit_transform(four_zones())["burden_percentile"].round(1).tolist()
    [100.0, 66.7, 33.3, 0.0]
    """

    def __init__(
        self,
        recipe: str | IndexRecipe = "neutral",
        *,
        indicators: Mapping[str, Indicator] = MappingProxyType({}),
    ) -> None:
        self.recipe = recipe
        self.indicators = indicators

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the reference distributions from a table.

        Parameters
        ----------
        X : DataFrame
            Table with the indicators; rows where ``population`` is 0 are no reference.
        y : object
            Ignored.

        Returns
        -------
        BurdenIndex
            The fitted estimator.
        """
        self.recipe_ = load_recipe(self.recipe) if isinstance(self.recipe, str) else self.recipe
        self.indicators_ = {name: i for name, i in self.indicators.items() if i.burden}
        absent = [name for name in self.indicators_ if name not in X.columns]
        if absent or not self.indicators_:
            msg = (
                f"no such indicator columns: {', '.join(absent)}" if absent else "an index needs at least one indicator"
            )
            raise UsageError(msg)
        populated = X[_peopled(X)]
        self.n_features_in_ = len(self.indicators_)
        self.reference_ = {name: self._turned(populated, name) for name in self.indicators_}
        self.scores_ = self._score(self._percentiles(populated))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Score a table against the fitted reference.

        Parameters
        ----------
        X : DataFrame
            Table with the indicators.

        Returns
        -------
        DataFrame
            ``<indicator>_percentile``, ``burden_score`` and ``burden_percentile`` [0–100]; NaN where
            nobody lives or too few indicators are known.
        """
        check_is_fitted(self, "scores_")
        ranks = self._percentiles(X)
        score = self._score(ranks).where(_peopled(X))
        rank = percentile(score, method=self.recipe_.percentile, reference=self.scores_)
        named = (100 * ranks).add_suffix("_percentile")
        return named.assign(burden_score=score, burden_percentile=100 * rank)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Name the output columns, in order.

        Parameters
        ----------
        input_features : object
            Ignored.

        Returns
        -------
        ndarray of str
            Names.
        """
        check_is_fitted(self, "scores_")
        names = [f"{name}_percentile" for name in self.indicators_]
        return np.asarray([*names, "burden_score", "burden_percentile"], dtype=object)

    def _turned(self, table: pd.DataFrame, name: str) -> pd.Series:
        sign = 1.0 if self.indicators_[name].higher_is == "worse" else -1.0
        return sign * table[name]

    def _percentiles(self, table: pd.DataFrame) -> pd.DataFrame:
        columns = {
            name: percentile(self._turned(table, name), method=self.recipe_.percentile, reference=reference)
            for name, reference in self.reference_.items()
        }
        return _half_up(pd.DataFrame(columns, index=table.index), self.recipe_.digits)

    def _score(self, ranks: pd.DataFrame) -> pd.Series:
        weights = pd.Series({name: i.weight for name, i in self.indicators_.items()})
        domain_of = {name: i.domain for name, i in self.indicators_.items()}
        known = ranks.notna()
        domains = {
            domain: _weighted_row_means(ranks[names], weights[names])
            for domain, names in pd.Series(domain_of).groupby(pd.Series(domain_of)).groups.items()
        }
        # Sums of the same ranks in another order differ in the last bits: equal scores must rank as equal.
        score = (100 * pd.DataFrame(domains).mean(axis=1)).round(SCORE_DECIMALS)
        return score.where(known.mean(axis=1) >= self.recipe_.minimum_share)


def _weighted_row_means(ranks: pd.DataFrame, weights: pd.Series) -> pd.Series:
    known = ranks.notna()
    return (ranks * weights).sum(axis=1).where(known.any(axis=1)) / (known * weights).sum(axis=1)


def _half_up(ranks: pd.DataFrame, digits: int | None) -> pd.DataFrame:
    return ranks if digits is None else np.floor(ranks * 10**digits + 0.5) / 10**digits


def score_burden(neighbourhoods: gpd.GeoDataFrame, question: Question) -> gpd.GeoDataFrame:
    """Add the burden score and its percentile, NaN where there is no burden indicator.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood with the question's indicators.
    question : Question
        Indicators with their directions, and the index recipe.

    Returns
    -------
    GeoDataFrame
        The table with <indicator>_percentile, burden_score and burden_percentile [0–100].

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> score_burden(four_zones(), Question())["burden_score"].isna().all()
    np.True_
    """
    if not any(i.burden for i in question.indicators.values()):
        return neighbourhoods.assign(burden_score=np.nan, burden_percentile=np.nan)
    scored = BurdenIndex(question.index.recipe, indicators=question.indicators).fit_transform(neighbourhoods)
    return neighbourhoods.assign(**{str(name): scored[name] for name in scored.columns})


def pick_priority(neighbourhoods: pd.DataFrame, rule: Priority) -> pd.Series:
    """Pick the priority neighbourhoods by a rule; a missing value is never picked.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Table with the rule's column.
    rule : Priority
        Column and bounds or values.

    Returns
    -------
    pandas.Series of bool
        True where picked.

    Raises
    ------
    InputError
        No such column, or a rule that picks no neighbourhood where people live.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> pick_priority(four_zones(), Priority(column="heat", at_least=29)).tolist()
    [True, True, False, False]
    """
    if rule.column not in neighbourhoods.columns:
        known = neighbourhoods.columns.drop("geometry", errors="ignore")
        raise InputError(
            [
                finding(
                    "ES-PRIORITY-COLUMN",
                    "project",
                    column="priority.column",
                    value=rule.column,
                    hint=did_you_mean(rule.column, known),
                )
            ]
        )
    picked = _picked(neighbourhoods[rule.column], rule)
    peopled = _peopled(neighbourhoods)
    if peopled.any() and not (picked & peopled).any():
        raise InputError([finding("ES-PRIORITY-NOBODY", "project", column="priority.column", value=rule.column)])
    return picked


def _peopled(table: pd.DataFrame) -> pd.Series:
    """Tell where people live; where no population is known at all, everywhere."""
    if "population" not in table.columns or table["population"].isna().all():
        return pd.Series(data=True, index=table.index)
    return table["population"] > 0


def _picked(values: pd.Series, rule: Priority) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    if rule.one_of:
        # A column of whole numbers with a gap holds 4.0: 4 is the same number, not the same text.
        same_number = numbers.isin([v for v in rule.one_of if not isinstance(v, str)])
        same_text = values.astype("str").str.strip().isin([str(v).strip() for v in rule.one_of])
        return same_text | same_number
    low = -np.inf if rule.at_least is None else rule.at_least
    high = np.inf if rule.at_most is None else rule.at_most
    return numbers.between(low, high)

"""The priority rule under draws: indicators within their margins, other weights, other recipes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.errors import UsageError
from equity_screen.index import CONVENTIONS, SCORE_DECIMALS, load_recipe
from equity_screen.margins import standard_error
from equity_screen.people import Floats, quotient
from equity_screen.recipe import MARGIN, IndexRecipe, Indicator, Priority, Question

SCORED = ("burden_score", "burden_percentile")
EXACT: Floats = np.zeros(1)


class RuleReads(NamedTuple):
    """What a priority rule reads.

    ``rule``: the rule; ``indicators``: those of the index that makes its column, none where it is a plain column;
    ``margins``: names of the columns behind it that have margins of error.
    """

    rule: Priority
    indicators: Mapping[str, Indicator]
    margins: tuple[str, ...]


class IndexDraws(NamedTuple):
    """What is drawn of the index, ``draws`` times.

    ``seed``: of the indicators within their margins; None where these are held. ``weights``: shape (draws, indicators
    by name), what each indicator's weight is multiplied by; None where held. ``recipes``: a name for each draw; empty
    for the project's own.
    """

    draws: int
    seed: int | None = None
    weights: Floats | None = None
    recipes: tuple[str, ...] = ()


def rule_reads(hoods: pd.DataFrame, question: Question) -> RuleReads:
    """Find what the question's priority rule reads, and which of it has margins of error.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood; ``moe_<name>`` are 90 % margins of error.
    question : Question
        Indicators and priority rule.

    Returns
    -------
    RuleReads
        A rule on values to be met exactly (``one_of``) has no margins: nothing is drawn for it.

    Raises
    ------
    UsageError
        No priority rule on a column of the table.

    Examples
    --------
    >>> table = pd.DataFrame({"heat": [30.0, 27.0], "moe_heat": [1.0, 1.0]})
    >>> rule_reads(table, Question(priority=Priority(column="heat", at_least=29))).margins
    ('heat',)
    """
    rule = question.priority
    if rule is None or rule.layer is not None:
        msg = "the priority places do not come from a rule on a column: give the question such a rule"
        raise UsageError(msg)
    if rule.one_of:
        return RuleReads(rule, {}, ())
    burden = {name: i for name, i in sorted(question.indicators.items()) if i.burden}
    made = {*SCORED, *(f"{name}_percentile" for name in burden)}
    indicators = burden if rule.column in made else {}
    read = list(indicators) or [rule.column]
    absent = [name for name in read if name not in hoods.columns]
    if absent:
        msg = f"the priority rule reads {', '.join(absent)}, which the neighbourhoods do not have: add the column"
        raise UsageError(msg)
    return RuleReads(rule, indicators, tuple(name for name in read if MARGIN + name in hoods.columns))


def drawn_values(hoods: pd.DataFrame, question: Question, *, draws: IndexDraws) -> Floats:
    """Give the values of the priority rule's column in every draw; an index is scored anew in each.

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood with population and what the rule reads.
    question : Question
        Indicators, index recipe and a priority rule on a column.
    draws : IndexDraws
        What is drawn.

    Returns
    -------
    ndarray, shape (neighbourhoods, draws) or (neighbourhoods, 1)
        Values; one column where nothing that is drawn moves them.

    Raises
    ------
    UsageError
        No priority rule on a column of the table, or a recipe that is not known.

    Notes
    -----
    An indicator is drawn from the normal distribution of its margin, cut off at 0 (a percentage at 100, too) where no
    value is beyond it; one without a margin is held. Each indicator has a stream of its own. The scores are those of
    :class:`equity_screen.index.BurdenIndex`.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> heat = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
    >>> asked = Question(indicators={"heat": heat}, priority=Priority(at_least=50))
    >>> drawn_values(four_zones(), asked, draws=IndexDraws(2)).round(1).T.tolist()
    [[100.0, 66.7, 33.3, 0.0]]
    """
    reads = rule_reads(hoods, question)
    columns = _columns(hoods, question, reads, draws=draws)
    if not reads.indicators:
        return next(iter(columns.values()))
    moved = draws.weights is not None or bool(draws.recipes) or max(c.shape[1] for c in columns.values()) > 1
    count = draws.draws if moved else 1
    weights = np.ones((count, len(columns))) if draws.weights is None else draws.weights
    recipes = draws.recipes or (question.index.recipe,) * count
    known = {name: load_recipe(name) for name in sorted(set(recipes))}
    population = hoods["population"].to_numpy(dtype=np.float64)
    peopled = (population > 0) | bool(np.isnan(population).all())
    values = np.empty((len(hoods), count))
    for r in range(count):
        table = np.column_stack([column[:, min(r, column.shape[1] - 1)] for column in columns.values()])
        made = _burden(table, reads.indicators, weights=weights[r], recipe=known[recipes[r]], peopled=peopled)
        values[:, r] = made[reads.rule.column]
    return values


def within_rule(values: Floats, rule: Priority, *, shifts: Floats = EXACT) -> NDArray[np.bool_]:
    """Tell where values are within the bounds of a rule; a missing value never is.

    Parameters
    ----------
    values : ndarray, shape (neighbourhoods, draws) or (neighbourhoods, 1)
        Values of the rule's column.
    rule : Priority
        A rule with bounds.
    shifts : ndarray, shape (draws,)
        By how much both bounds are moved in each draw [unit of the column].

    Returns
    -------
    ndarray of bool
        True where picked.

    Examples
    --------
    >>> rule = Priority(column="heat", at_least=29)
    >>> within_rule(np.array([[30.0], [28.0]]), rule, shifts=np.array([0.0, -1.0])).tolist()
    [[True, True], [False, True]]
    """
    low = -np.inf if rule.at_least is None else rule.at_least
    high = np.inf if rule.at_most is None else rule.at_most
    return np.asarray((values >= low + shifts) & (values <= high + shifts))


def probability_of_priority(
    hoods: pd.DataFrame, question: Question, *, draws: int = 1000, seed: int = 2030
) -> pd.Series:
    r"""Give the probability that each neighbourhood is picked by the priority rule, within margins of error.

    .. math:: p_i = \tfrac1R \sum_r [\, v^{(r)}_i \text{ is within the bounds of the rule} \,]

    Parameters
    ----------
    hoods : DataFrame
        Table by neighbourhood with population, the rule's column or the indicators of the index, and ``moe_<name>``
        where these have 90 % margins of error.
    question : Question
        Indicators, index recipe and priority rule.
    draws : int
        How many times indicators are drawn, 1 or more.
    seed : int
        Seed of the draws.

    Returns
    -------
    pandas.Series
        Shares of the draws [0–1], on the table's index. NaN where nothing that the rule reads has a margin there, or
        its value is not known.

    Raises
    ------
    UsageError
        No priority rule on a column of the table, or no draw.

    Notes
    -----
    A neighbourhood's percentile depends on all others: indicators are drawn everywhere at once, and every draw is
    ranked anew. A rule on words or numbers to be met exactly (``one_of``) is not drawn: all is NaN.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> city = four_zones().assign(moe_heat=[0.1645, 1.645, 0.1645, None])
    >>> asked = Question(priority=Priority(column="heat", at_least=29))
    >>> probability_of_priority(city, asked, draws=2000).round(1).tolist()
    [1.0, 0.5, 0.0, nan]
    """
    if draws < 1:
        msg = f"{draws} draws give no probability: draw once or more"
        raise UsageError(msg)
    reads = rule_reads(hoods, question)
    margins = hoods[[MARGIN + name for name in reads.margins]]
    if margins.empty:
        return pd.Series(np.nan, index=hoods.index)
    values = drawn_values(hoods, question, draws=IndexDraws(draws, seed))
    told = margins.notna().any(axis=1) & ~np.isnan(values).all(axis=1)
    return pd.Series(within_rule(values, reads.rule).mean(axis=1), index=hoods.index).where(told)


def _columns(hoods: pd.DataFrame, question: Question, reads: RuleReads, *, draws: IndexDraws) -> dict[str, Floats]:
    """Columns that the rule reads; those that are drawn have a column for each draw."""
    names = list(reads.indicators) or [reads.rule.column]
    found = {name: pd.to_numeric(hoods[name], errors="coerce").to_numpy(dtype=np.float64)[:, None] for name in names}
    for position, name in enumerate(reads.margins if draws.seed is not None else (), start=1):
        percent = name in question.indicators and question.indicators[name].unit == "%"
        error = standard_error(hoods[MARGIN + name].to_numpy(dtype=np.float64))[:, None]
        # The people's stream is (seed, 0): beside it, each indicator has one of its own.
        away = np.random.default_rng([int(draws.seed or 0), 0, position]).standard_normal((len(hoods), draws.draws))
        found[name] = _moved(found[name], np.nan_to_num(error) * away, most=100.0 if percent else np.inf)
    return found


def _moved(values: Floats, change: Floats, *, most: float) -> Floats:
    """Move values, but not past 0 or the most where none of them is."""
    low = 0.0 if np.fmin.reduce(values, axis=None, initial=0.0) >= 0 else -np.inf
    high = most if np.fmax.reduce(values, axis=None, initial=0.0) <= most else np.inf
    return np.asarray(np.clip(values + change, low, high))


def _burden(
    values: Floats,
    indicators: Mapping[str, Indicator],
    *,
    weights: Floats,
    recipe: IndexRecipe,
    peopled: NDArray[np.bool_],
) -> dict[str, Floats]:
    """Score as :class:`equity_screen.index.BurdenIndex` does, from plain arrays: many draws are scored."""
    declared = list(indicators.values())
    turned = values * np.array([1.0 if i.higher_is == "worse" else -1.0 for i in declared])
    ranks = np.column_stack([_percentile(column, recipe, peopled) for column in turned.T])
    if recipe.digits is not None:
        ranks = np.floor(ranks * 10**recipe.digits + 0.5) / 10**recipe.digits
    known = ~np.isnan(ranks)
    score = np.round(100 * _mean_of_domains(ranks, weights * [i.weight for i in declared], declared), SCORE_DECIMALS)
    score = np.where((known.mean(axis=1) >= recipe.minimum_share) & peopled, score, np.nan)
    made = {f"{name}_percentile": 100 * rank for name, rank in zip(indicators, ranks.T, strict=True)}
    return made | {"burden_score": score, "burden_percentile": 100 * _percentile(score, recipe, peopled)}


def _mean_of_domains(ranks: Floats, weights: Floats, declared: list[Indicator]) -> Floats:
    """Average ranks by weight within a domain, and then the domains, over what is known."""
    domain = np.array([i.domain for i in declared])
    parts = (np.nan_to_num(ranks) * weights, ~np.isnan(ranks) * weights)
    mine = [domain == name for name in sorted(set(domain))]
    means = np.stack([quotient(*(part[:, which].sum(axis=1) for part in parts)) for which in mine])
    known = ~np.isnan(means)
    return quotient(np.where(known, means, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))


def _percentile(values: Floats, recipe: IndexRecipe, peopled: NDArray[np.bool_]) -> Floats:
    ranks, known = np.full(len(values), np.nan), ~np.isnan(values)
    against = np.sort(values[known & peopled])
    if len(against):
        ranks[known] = CONVENTIONS[recipe.percentile](values[known], against)
    return ranks

"""Every measure by its name: what it asks of an effect, where it is legal, what a higher figure means.

A measure that is not legal for an effect has no figure but a reason. None of them is a verdict. Kolm–Pollak levels are
not among these: their parameter is frozen on a baseline, which an effect on its own does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.entropy import atkinson, generalised_entropy, mean_log_deviation, theil
from equity_screen.errors import UsageError
from equity_screen.gradient import (
    concentration_index,
    extended_concentration_index,
    generalised_concentration_index,
    kakwani_index,
    relative_index,
    slope_index,
    suits_index,
)
from equity_screen.inequality import (
    NOBODY,
    Floats,
    absolute_gini,
    as_columns,
    bottom_share,
    gini,
    hoover,
    palma_ratio,
    signed_gini,
    top_share,
    undefined_because,
    variance,
    weighted_mean,
)
from equity_screen.people import People
from equity_screen.text import did_you_mean
from equity_screen.welfare import weighted_total

Needs = Literal["any", "something", "total", "non-negative", "positive"]
Unit = Literal["none", "same", "squared", "times people"]
Compute = Callable[[csc_array, Floats, Floats], Floats]

GOODS_ONLY = "a measure of benefits: of a burden it would give another answer than of its absence"
UNEQUAL = "more unequal"
HIGH = "more of it goes to those ranked high"


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of the distribution of an effect.

    Parameters
    ----------
    name : str
        Name by which a project asks for it.
    label : str
        Name in tables and reports.
    formula : str
        What is computed, in a line; x the effect per person, μ its mean, w people, W all of them, F the rank.
    compute : callable
        Figures of columns of effects, by people and, where it wants one, a ranking or an income.
    needs : {"any", "something", "total", "non-negative", "positive"}
        Which effects it is legal for, as of :func:`equity_screen.inequality.undefined_because`.
    unit : {"none", "same", "squared", "times people"}
        Unit of the figure: none, that of the effect, its square, or that of the effect times people.
    wants_ranking, wants_income : bool
        Whether it is over a ranking of the neighbourhoods, or over income per person.
    goods_only : bool
        Not legal for burdens.
    default : bool
        Part of every report.
    source : str
        Who proposed it.
    higher_means : str
        What a higher figure says.
    if_nan : str
        Why there may be none though the effect is legal.

    Examples
    --------
    >>> MEASURES["gini"].needs, MEASURES["absolute_gini"].needs
    ('non-negative', 'any')
    """

    name: str
    label: str
    formula: str
    compute: Compute = field(repr=False, compare=False)
    needs: Needs = "non-negative"
    unit: Unit = "none"
    wants_ranking: bool = False
    wants_income: bool = False
    goods_only: bool = False
    default: bool = False
    source: str = ""
    higher_means: str = UNEQUAL
    if_nan: str = "not defined for these numbers"


def _of_all(measure: Callable[..., Floats], **options: float) -> Compute:
    return lambda effects, people, _: measure(effects, people, **options)


def _over_rank(measure: Callable[..., Floats], **options: float) -> Compute:
    return lambda effects, people, rank: measure(effects, people, rank=rank, **options)


def _over_income(measure: Callable[..., Floats], **options: float) -> Compute:
    return lambda effects, people, income: measure(effects, people, income=income, **options)


def _atkinson(epsilon: float) -> Measure:
    return Measure(
        f"atkinson_{epsilon:g}",
        f"Atkinson index, ε = {epsilon:g}",
        "1 − (Σ w x^(1−ε) / W)^(1/(1−ε)) / μ",
        _of_all(atkinson, epsilon=epsilon),
        goods_only=True,
        source="Atkinson (1970), doi:10.1016/0022-0531(70)90039-6",
    )


def _extended(nu: int) -> Measure:
    return Measure(
        f"extended_concentration_index_{nu}",
        f"Extended concentration index, ν = {nu}",
        "Σ x̄ [F₁ − F₀ + (1 − F₁)^ν − (1 − F₀)^ν] / μ over tied blocks",
        _over_rank(extended_concentration_index, nu=nu),
        wants_ranking=True,
        source="Wagstaff (2002), doi:10.1016/S0167-6296(02)00006-1",
        higher_means=HIGH,
    )


def _weighted_total(elasticity: float, source: str) -> Measure:
    return Measure(
        f"weighted_total_{elasticity:g}",
        f"Total weighted by income, ε = {elasticity:g}",
        "Σ w x (y / median y)^(−ε), of people whose income y is known",
        _over_income(weighted_total, elasticity=elasticity),
        needs="any",
        unit="times people",
        wants_income=True,
        source=source,
        higher_means="a larger effect, that on people with low incomes counted more",
        if_nan="nobody's income is above 0",
    )


def _all_measures() -> Iterator[Measure]:
    yield from _of_everyone()
    yield from _of_entropy()
    yield from _of_rankings()
    yield from _of_incomes()


def _of_everyone() -> Iterator[Measure]:
    yield Measure(
        "weighted_mean",
        "Mean",
        "μ = Σ w x / W",
        _of_all(weighted_mean),
        needs="any",
        unit="same",
        default=True,
        higher_means="more of it for each person",
    )
    yield Measure("variance", "Variance", "Σ w (x − μ)² / W", _of_all(variance), needs="any", unit="squared")
    yield Measure("gini", "Gini index", "Σ w x (2F − 1) / (W μ), F the rank by x", _of_all(gini))
    yield Measure("absolute_gini", "Absolute Gini index", "μ × Gini", _of_all(absolute_gini), needs="any", unit="same")
    yield Measure(
        "signed_gini",
        "Gini index with signs",
        "absolute Gini / mean |x|",
        _of_all(signed_gini),
        needs="something",
        source="Raffinetti, Siletti & Vernizzi (2015), in the form for large populations",
    )
    yield Measure("hoover", "Hoover index", "½ Σ |w x / (W μ) − w / W|", _of_all(hoover))
    yield Measure(
        "palma_ratio",
        "Palma ratio",
        "share of the tenth with the most / share of the two fifths with the least",
        _of_all(palma_ratio),
        source="Palma (2011), doi:10.1111/j.1467-7660.2011.01694.x",
        if_nan="the two fifths who have least receive nothing",
    )
    yield Measure(
        "top_10_share",
        "Share of the tenth with the most",
        "1 − L(0.9), L the Lorenz curve",
        _of_all(top_share, share=0.1),
    )
    yield Measure(
        "bottom_40_share",
        "Share of the two fifths with the least",
        "L(0.4), L the Lorenz curve",
        _of_all(bottom_share, share=0.4),
        higher_means="less unequal",
    )


def _of_entropy() -> Iterator[Measure]:
    source = "Shorrocks (1980), doi:10.2307/1913126"
    yield Measure("theil", "Theil index T", "Σ w (x/μ) ln(x/μ) / W", _of_all(theil), source=source)
    yield Measure(
        "mean_log_deviation",
        "Mean logarithmic deviation",
        "−Σ w ln(x/μ) / W",
        _of_all(mean_log_deviation),
        needs="positive",
        source=source,
    )
    yield Measure(
        "ge2",
        "Generalised entropy, α = 2",
        "½ (Σ w (x/μ)² / W − 1)",
        _of_all(generalised_entropy, alpha=2),
        source=source,
    )
    yield from map(_atkinson, (0.25, 0.5, 0.75))


def _of_rankings() -> Iterator[Measure]:
    yield Measure(
        "concentration_index",
        "Concentration index",
        "Σ w x (2F − 1) / (W μ)",
        _over_rank(concentration_index),
        wants_ranking=True,
        default=True,
        source="Wagstaff, Paci & van Doorslaer (1991), doi:10.1016/0277-9536(91)90212-U",
        higher_means=HIGH,
    )
    yield Measure(
        "generalised_concentration_index",
        "Generalised concentration index",
        "Σ w x (2F − 1) / W",
        _over_rank(generalised_concentration_index),
        needs="any",
        unit="same",
        wants_ranking=True,
        default=True,
        higher_means=HIGH,
    )
    yield from map(_extended, (3, 4))
    yield Measure(
        "slope_index",
        "Slope index of inequality",
        "cov(x, F) / var(F)",
        _over_rank(slope_index),
        needs="any",
        unit="same",
        wants_ranking=True,
        source="Mackenbach & Kunst (1997), doi:10.1016/S0277-9536(96)00073-1",
        higher_means=HIGH,
        if_nan="all are ranked the same",
    )
    yield Measure(
        "relative_index",
        "Relative index of inequality",
        "(μ + SII/2) / (μ − SII/2)",
        _over_rank(relative_index),
        wants_ranking=True,
        source="Mackenbach & Kunst (1997), doi:10.1016/S0277-9536(96)00073-1",
        higher_means=HIGH,
        if_nan="the slope predicts nothing, or less, at one end of the ranking",
    )


def _of_incomes() -> Iterator[Measure]:
    no_income = "there is no income, or some is below 0"
    yield Measure(
        "suits",
        "Suits index",
        "Σ w x (2y − 1) / Σ w x, y the cumulative share of income",
        _over_income(suits_index),
        wants_income=True,
        source="Suits (1977), American Economic Review 67(4)",
        higher_means="more of it, beside their income, goes to people with high incomes",
        if_nan=no_income,
    )
    yield Measure(
        "kakwani",
        "Kakwani index",
        "concentration index over income − Gini of income",
        _over_income(kakwani_index),
        wants_income=True,
        source="Kakwani (1977), doi:10.2307/2231833",
        higher_means="more of it, beside their income, goes to people with high incomes",
        if_nan=no_income,
    )
    yield _weighted_total(1.3, "HM Treasury, The Green Book, annex A3")
    yield _weighted_total(1.4, "Office of Management and Budget (2023), Circular A-4, since rescinded")


MEASURES: Mapping[str, Measure] = MappingProxyType({measure.name: measure for measure in _all_measures()})


def measures_named(names: Sequence[str]) -> tuple[Measure, ...]:
    """Look measures up by their names, each once.

    Parameters
    ----------
    names : sequence of str
        Names.

    Returns
    -------
    tuple of Measure
        In the order asked for.

    Raises
    ------
    UsageError
        Where there is no such measure: the nearest, and all that there are.

    Examples
    --------
    >>> [measure.label for measure in measures_named(["gini", "theil"])]
    ['Gini index', 'Theil index T']
    """
    unknown = next((name for name in names if name not in MEASURES), None)
    if unknown is not None:
        msg = f"measure {unknown!r} is not known: {did_you_mean(unknown, MEASURES)} Measures: {', '.join(MEASURES)}"
        raise UsageError(msg)
    return tuple(MEASURES[name] for name in dict.fromkeys(names))


def measure_table(
    effects: csc_array,
    labels: pd.MultiIndex,
    *,
    people: People,
    names: Sequence[str],
    ranks: Mapping[str, Floats],
    incomes: Mapping[str, Floats],
) -> pd.DataFrame:
    """Figures of every effect by the measures asked for; net effects too, where a measure allows signs.

    Parameters
    ----------
    effects : csc_array, shape (neighbourhoods, effects)
        Effect per person.
    labels : MultiIndex
        Action, ledger and effect of each column.
    people : People
        People by neighbourhood.
    names : sequence of str
        Measures, by their names in :data:`MEASURES`.
    ranks : mapping of str to ndarray
        Fractional ranks of the neighbourhoods, 1 = most advantaged, by ranking.
    incomes : mapping of str to ndarray
        Income per person of the neighbourhoods, by name.

    Returns
    -------
    DataFrame
        One row for each effect, measure and, where it wants one, ranking or income: action, ledger, effect, measure,
        ranking, value, unit (of :class:`Measure`), legal, undefined (the reason where there is no value).

    Raises
    ------
    UsageError
        Where there is no such measure.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_zones
    >>> one = pd.MultiIndex.from_tuples([("EAST", "benefit", "shade")], names=["action", "ledger", "effect"])
    >>> shade = csc_array([[0.0], [2.0], [0.0], [2.0]])
    >>> found = measure_table(shade, one, people=people_of(four_zones()), names=["gini"], ranks={}, incomes={})
    >>> found[["measure", "value", "legal"]].values.tolist()
    [['gini', 0.4, True]]
    """
    columns, ledger = as_columns(effects), labels.get_level_values("ledger").to_numpy()
    runs = list(_runs(measures_named(names), ranks, incomes))
    found = [_figures(measure, columns, people=people, by=by, ledger=ledger) for measure, _, by in runs]
    shape = (len(runs), len(labels))
    values = np.array([figures for figures, _ in found], dtype=np.float64).reshape(shape)
    said = np.array([text for _, text in found], dtype=object).reshape(shape)
    table = labels.repeat(len(runs)).to_frame(index=False)
    return table.assign(
        measure=[measure.name for measure, _, _ in runs] * len(labels),
        ranking=[ranking for _, ranking, _ in runs] * len(labels),
        value=values.T.ravel(),
        unit=[measure.unit for measure, _, _ in runs] * len(labels),
        legal=said.T.ravel() == "",
        undefined=said.T.ravel(),
    )


def _runs(
    measures: Sequence[Measure], ranks: Mapping[str, Floats], incomes: Mapping[str, Floats]
) -> Iterator[tuple[Measure, str, Floats | None]]:
    """Give each measure with each ranking or income that it is over; None where it wants one and there is none."""
    for measure in measures:
        if not (measure.wants_ranking or measure.wants_income):
            yield measure, "", np.zeros(0)
            continue
        given = ranks if measure.wants_ranking else incomes
        if not given:
            yield measure, "", None
        yield from ((measure, name, by) for name, by in given.items())


def _figures(
    measure: Measure, effects: csc_array, *, people: People, by: Floats | None, ledger: NDArray[np.object_]
) -> tuple[Floats, NDArray[np.object_]]:
    """Figures of all effects by one measure, and why there are none."""
    missing = "no ranking is declared" if measure.wants_ranking else "no income is declared"
    if by is None:
        return np.full(len(ledger), np.nan), np.full(len(ledger), missing, dtype=object)
    population = people.population if not len(by) else np.where(np.isnan(by), 0.0, people.population)
    said = undefined_because(effects, population, needs=measure.needs)
    if len(by) and people.population.any():
        said[said == NOBODY] = "nobody is ranked" if measure.wants_ranking else "nobody's income is known"
    said[(said == "") & (ledger == "burden") & measure.goods_only] = GOODS_ONLY
    figures = np.where(said == "", measure.compute(effects, people.population, by), np.nan)
    said[(said == "") & np.isnan(figures)] = measure.if_nan
    return figures, said

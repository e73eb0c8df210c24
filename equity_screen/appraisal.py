"""Grades and weights of public appraisal: the United Kingdom's TAG unit A4.2 and Green Book annex A3."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.equity import NO_PLACE, by_group
from equity_screen.errors import UsageError
from equity_screen.overlay import Overlay
from equity_screen.people import NO_PEOPLE, Floats, People, quotient, reasons
from equity_screen.recipe import LEDGERS, Group
from equity_screen.welfare import distributional_weights, weighted_median

# What is left of a difference of two shares is rounding.
ROUNDING = 1e-12
MARKS: Mapping[str, str] = MappingProxyType({"benefit": "✓", "burden": "✗"})
NONE = "–"
POINTS = 0.05
QUINTILES = 5
GREEN_BOOK = 1.3
# Elasticities above this are in no guidance: where a sign changes only there, it is said not to change.
MOST_ELASTICITY, STEPS, HALVINGS = 4.0, 81, 50
GRID = ("action", "ledger", "effect", "unit", "kind", "ranking", "group", "label", "people")


def tag_grade(share_of_effect: float, share_of_people: float, *, ledger: str, tolerance: float = POINTS) -> str:
    """Grade a group's share of an effect against its share of the people, as in TAG unit A4.2.

    Three marks: the share of the effect is above the share of the people by more than the tolerance; two: in line
    with it; one: below it by more than that; a dash: the group has none of the effect. The guidance has words only
    for "in line": the number of points is a recalled convention, and the user's to set.

    Parameters
    ----------
    share_of_effect, share_of_people : float
        Shares [0–1]; NaN where undefined.
    ledger : {"benefit", "burden"}
        Ticks for a benefit, crosses for a burden.
    tolerance : float
        Difference of shares up to which the two are in line [0–1].

    Returns
    -------
    str
        ``✓✓✓``, ``✓✓``, ``✓``, ``✗✗✗``, ``✗✗``, ``✗`` or ``–``; blank where a share is undefined.

    Raises
    ------
    UsageError
        A ledger or tolerance that does not exist.

    References
    ----------
    Department for Transport (United Kingdom), TAG unit A4.2, Distributional Impact Appraisal.

    Examples
    --------
    >>> tag_grade(0.30, 0.20, ledger="benefit"), tag_grade(0.18, 0.20, ledger="burden")
    ('✓✓✓', '✗✗')
    """
    _require_tolerance(tolerance)
    if ledger not in MARKS:
        msg = f"no ledger {ledger!r}: one of {', '.join(MARKS)}"
        raise UsageError(msg)
    effect, people = np.array([share_of_effect]), np.array([share_of_people])
    return str(_grades(effect, people, marks=np.array([MARKS[ledger]], dtype=object), tolerance=tolerance)[0])


def _require_tolerance(tolerance: float) -> None:
    if not 0 <= tolerance < 1:
        msg = f"a tolerance of {tolerance}: give a difference of shares from 0 to 1, such as 0.05 for 5 points"
        raise UsageError(msg)


def _grades(effect: Floats, people: Floats, *, marks: NDArray[np.object_], tolerance: float) -> NDArray[np.object_]:
    apart = effect - people
    within = np.abs(apart) <= tolerance + ROUNDING
    times = np.where(within, 2, np.where(apart > 0, 3, 1))
    grades = np.where(effect == 0, NONE, marks * times)
    return np.where(np.isnan(apart), "", grades).astype(object)


def grade_meaning(grade: str, *, tolerance: float = POINTS) -> str:
    """Say in words what a grade means.

    Parameters
    ----------
    grade : str
        From :func:`tag_grade`.
    tolerance : float
        As there.

    Returns
    -------
    str
        A phrase; blank for a blank grade.

    Examples
    --------
    >>> grade_meaning("✗✗✗")
    "a burden; the group's share of it is more than 5 points above its share of the people"
    """
    if not grade:
        return ""
    if grade == NONE:
        return "the group has none of it"
    ledger = next(name for name, mark in MARKS.items() if grade[0] == mark)
    points = f"{100 * tolerance:g} points"
    place = (f"more than {points} below", f"within {points} of", f"more than {points} above")[len(grade) - 1]
    return f"a {ledger}; the group's share of it is {place} its share of the people"


def tag_grid(
    laid: Overlay,
    effects: pd.DataFrame,
    *,
    people: People,
    groups: Mapping[str, Group],
    ranks: Mapping[str, Floats],
    tolerance: float = POINTS,
) -> pd.DataFrame:
    """Every effect by fifth of each ranking and by group, graded as in TAG unit A4.2.

    A fifth holds whole neighbourhoods, by the mid-rank of their people: the first are ranked lowest. Shares of the
    effect and of the people are of those who are ranked, or of the group's universe.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    effects : DataFrame
        The effects, in the overlay's order.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.
    ranks : mapping of str to ndarray, shape (neighbourhoods,)
        Fractional ranks by ranking, 1 = most advantaged; NaN: in no fifth. For income deprivation, rank by income.
    tolerance : float
        Difference of shares up to which the two are in line [0–1].

    Returns
    -------
    DataFrame
        One row for each effect and fifth, then group: action, ledger, effect, unit, kind (quintile or group),
        ranking, group, label, people, share_of_effect, share_of_people, difference [−1–1], grade, meaning,
        undefined (reasons).

    Raises
    ------
    UsageError
        A tolerance that does not exist.

    References
    ----------
    Department for Transport (United Kingdom), TAG unit A4.2, Distributional Impact Appraisal.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> grid = tag_grid(overlay(city, plan), plan.effects, people=people_of(city), groups={}, ranks={})
    >>> grid.loc[grid["effect"] == "shade", ["share_of_effect", "share_of_people", "grade"]].values.tolist()
    [[0.2, 0.15, '✓✓']]
    """
    _require_tolerance(tolerance)
    tables = [_graded(laid, effects, fifths_of(rank, people), name=name) for name, rank in ranks.items()]
    tables.append(by_group(laid, effects, people=people, groups=groups).assign(kind="group", ranking=""))
    tables = [t.assign(unplaced=np.repeat(laid.unlocated, len(t) // max(len(effects), 1))) for t in tables]
    # Rows of one effect stand together, the fifths before the groups.
    order = np.concatenate([np.repeat(np.arange(len(effects)), len(t) // max(len(effects), 1)) for t in tables])
    table = pd.concat(tables, ignore_index=True).iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
    some = table["people"] > 0
    shares = [table[f"share_of_{of}"].where(some).to_numpy(dtype=np.float64) for of in ("effect", "people")]
    nothing = ((table["total"] == 0) & some).to_numpy()
    marks = table["ledger"].map(MARKS).to_numpy(dtype=object)
    grades = np.where(nothing, NONE, _grades(*shares, marks=marks, tolerance=tolerance))
    words = {grade: grade_meaning(grade, tolerance=tolerance) for grade in sorted(set(grades))}
    meaning = [words[grade] for grade in grades]
    table = table.assign(share_of_effect=shares[0], difference=shares[0] - shares[1], grade=grades, meaning=meaning)
    table["undefined"] = _ungraded(table, people)
    return table[[*GRID, "share_of_effect", "share_of_people", "difference", "grade", "meaning", "undefined"]]


def fifths_of(rank: Floats, people: People) -> People:
    """Share the ranked people out over five classes of whole neighbourhoods, lowest ranks first.

    Parameters
    ----------
    rank : ndarray, shape (neighbourhoods,)
        Fractional mid-rank of the people [0–1]; NaN: in no class.
    people : People
        People by neighbourhood.

    Returns
    -------
    People
        Groups ``"1"`` to ``"5"``, among all who are ranked.

    Examples
    --------
    >>> people = People(np.array([6.0, 2.0, 2.0]), np.empty((3, 0)), np.empty((3, 0)), ())
    >>> fifths_of(np.array([0.3, 0.7, 0.9]), people).groups.sum(axis=0).tolist()
    [0.0, 6.0, 0.0, 2.0, 2.0]
    """
    ranked = ~np.isnan(rank)
    # A mid-rank on the border of two fifths is there but for rounding.
    number = np.floor(QUINTILES * np.where(ranked, rank, 0.0) + ROUNDING)
    fifth = np.minimum(number, QUINTILES - 1)
    columns = (fifth[:, None] == np.arange(QUINTILES)) & ranked[:, None]
    universe = np.repeat(np.where(ranked, people.population, 0.0)[:, None], QUINTILES, axis=1)
    names = tuple(str(k + 1) for k in range(QUINTILES))
    return People(people.population, columns * people.population[:, None], universe, names, people.known)


def _graded(laid: Overlay, effects: pd.DataFrame, fifths: People, *, name: str) -> pd.DataFrame:
    # No uptake names a fifth, even where a group is called by its number.
    named = fifths._replace(names=tuple(f"\0{k}" for k in fifths.names))
    table = by_group(laid, effects, people=named, groups={})
    numbers = table["group"].str.removeprefix("\0")
    return table.assign(group=numbers, label=[f"{name}: fifth {k}" for k in numbers], kind="quintile", ranking=name)


def _ungraded(table: pd.DataFrame, people: People) -> NDArray[np.object_] | str:
    if not people.known:
        return NO_PEOPLE
    blank, empty, unplaced = (table["grade"] == "").to_numpy(), (table["people"] == 0).to_numpy(), table["unplaced"]
    missing = (table["total"].isna() & ~unplaced).to_numpy()
    return reasons(
        [
            (unplaced.to_numpy(), NO_PLACE),
            (missing, "the amount is missing"),
            (blank & empty & ~unplaced.to_numpy(), "nobody lives here who belongs to it"),
        ]
    )


def green_book_table(
    laid: Overlay,
    effects: pd.DataFrame,
    *,
    people: People,
    income: Floats,
    unit: str,
    elasticity: float = GREEN_BOOK,
) -> pd.DataFrame:
    r"""Benefits and burdens in money by action: as they are, and weighted by income.

    .. math:: \omega_i = (\tilde y / y_i)^{\eta}, \qquad
              B_\omega = \sum_i w_i\,\omega_i\,x_i, \qquad
              \text{switching value: } \eta^* \text{ with } \sum_i w_i \omega_i(\eta^*) (b_i - h_i) = 0

    The median income of the people is the reference. Neighbourhoods whose income is not known, or not above 0, are in
    neither sum; ``covered_share`` tells what of the money lies in the others. Where that is nothing, or a weight is too
    large for a number, the figures are undefined and the reason is given.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    effects : DataFrame
        The effects, in the overlay's order.
    people : People
        People by neighbourhood.
    income : ndarray, shape (neighbourhoods,)
        Income per person or household [currency]; equivalised, as the guidance asks, where there is such a number.
    unit : str
        Unit of the effects in money; amounts in others, or per another time, are left out.
    elasticity : float
        Elasticity η of the marginal utility of income; 1.3 in the guidance.

    Returns
    -------
    DataFrame
        One row for each action with effects in money: action, unit, elasticity, median_income [currency], benefits,
        burdens, net, benefits_weighted, burdens_weighted, net_weighted [unit], covered_share [0–1], switching_value,
        the least elasticity from 0 to 4 at which the net changes its sign, undefined (reasons).

    Raises
    ------
    UsageError
        An income for another number of neighbourhoods, or an elasticity below 0.

    References
    ----------
    HM Treasury (United Kingdom), The Green Book, annex A3, Distributional Appraisal.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> asked = {"people": people_of(city), "income": city["median_income"].to_numpy(), "unit": "EUR"}
    >>> table = green_book_table(overlay(city, plan), plan.effects, **asked)
    >>> table[["action", "benefits", "burdens", "net", "net_weighted"]].values.tolist()
    [['CITY', 1000.0, 1000.0, 0.0, 0.0]]
    """
    _require_money(laid, income, elasticity)
    known = np.isfinite(income) & (income > 0) & (people.population > 0)
    weights = np.where(known, people.population, 0.0)
    median = weighted_median(np.where(known, income, np.nan), weights)
    actions, benefit, burden, unplaced = _money(laid, effects, unit)
    welfare = weights.copy()
    welfare[known] *= distributional_weights(income[known], reference=median, elasticity=elasticity)
    ledgers = {"benefits": benefit, "burdens": burden}
    sums = {name: (matrix.T @ weights, matrix.T @ welfare) for name, matrix in ledgers.items()}
    columns: dict[str, object] = {"unit": unit, "elasticity": elasticity, "median_income": median}
    for kind, suffix in enumerate(("", "_weighted")):
        of_kind = {f"{name}{suffix}": both[kind] for name, both in sums.items()}
        columns |= of_kind | {f"net{suffix}": _difference(*of_kind.values())}
    whole = (benefit + burden).T @ people.population
    columns["covered_share"] = quotient((benefit + burden).T @ weights, whole)
    relative = np.where(known, np.log(median) - np.log(np.where(known, income, 1.0)), 0.0)
    columns["switching_value"] = _switching_value(benefit, burden, weights, relative)
    table = pd.DataFrame({"action": actions, **columns})
    return _money_reasons(table, unplaced, people)


def _require_money(laid: Overlay, income: Floats, elasticity: float) -> None:
    if len(income) != len(laid.shares.rows):
        msg = f"{len(income)} incomes for {len(laid.shares.rows)} neighbourhoods: give one for each, NaN where unknown"
        raise UsageError(msg)
    if not elasticity >= 0:
        msg = f"an elasticity of {elasticity}: give 0, which weighs all alike, or more"
        raise UsageError(msg)


def _money(
    laid: Overlay, effects: pd.DataFrame, unit: str
) -> tuple[NDArray[np.object_], csc_array, csc_array, NDArray[np.bool_]]:
    """Benefits and burdens per person of each action with any in money, and which of them have no known place."""
    mine = np.flatnonzero((effects["unit"] == unit).to_numpy())
    actions, of_action = np.unique(effects["action"].to_numpy(dtype=object)[mine].astype(str), return_inverse=True)
    doses, ledger = laid.per_person.matrix[:, mine], effects["ledger"].to_numpy()[mine]
    parts = []
    for name in LEDGERS:
        kept = np.flatnonzero(ledger == name)
        gather = csc_array((np.ones(len(kept)), (kept, of_action[kept])), shape=(len(mine), len(actions)))
        parts.append(csc_array(doses @ gather))
    unplaced = np.bincount(of_action, laid.unlocated[mine], minlength=len(actions)) > 0
    return actions.astype(object), parts[0], parts[1], unplaced


def _difference(benefits: Floats, burdens: Floats) -> Floats:
    """Take burdens from benefits; what is left of a difference that cancels is rounding."""
    both = np.abs(benefits) + np.abs(burdens)
    net: Floats = np.subtract(benefits, burdens, out=np.full(both.shape, np.nan), where=np.isfinite(both))
    return np.where(np.abs(net) <= ROUNDING * both, 0.0, net)


def _switching_value(benefit: csc_array, burden: csc_array, weights: Floats, relative: Floats) -> Floats:
    """Find the least elasticity at which the weighted net of each action changes its sign; NaN where there is none.

    ``relative``: log of the reference over the income.
    """
    parts = _above_most([_entries(matrix, weights, relative) for matrix in (benefit, burden)], benefit.shape[1])
    steps = np.linspace(0.0, MOST_ELASTICITY, STEPS)
    signs = np.column_stack([np.sign(_at(parts, np.full(benefit.shape[1], step))) for step in steps])
    turned = (signs[:, 1:] * signs[:, :-1] < 0) | ((signs[:, 1:] == 0) ^ (signs[:, :-1] == 0))
    some, first = turned.any(axis=1), turned.argmax(axis=1)
    low, high, start = steps[first], steps[first + 1], signs[np.arange(len(first)), first]
    exactly = np.where(start == 0, low, np.nan)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        same = np.sign(_at(parts, middle)) == start
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return np.where(some, np.where(np.isnan(exactly), (low + high) / 2, exactly), np.nan)


class _Entries(NamedTuple):
    """Money where people of a known income have any: action, amount, and log of the reference over the income."""

    action: NDArray[np.intp]
    money: Floats
    relative: Floats


def _entries(matrix: csc_array, weights: Floats, relative: Floats) -> _Entries:
    counted = weights[matrix.indices] > 0
    unit, action = matrix.indices[counted], np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))[counted]
    return _Entries(action, weights[unit] * matrix.data[counted], relative[unit])


def _above_most(parts: list[_Entries], actions: int) -> list[_Entries]:
    """Take from the logs the largest of their action: no sign changes, and no power of them overflows."""
    most = np.full(actions, -np.inf)
    for part in parts:
        np.maximum.at(most, part.action, part.relative)
    return [part._replace(relative=part.relative - most[part.action]) for part in parts]


def _at(parts: list[_Entries], elasticity: Floats) -> Floats:
    """Weighted net of each action at an elasticity of its own, in a unit of its own."""
    sums = [
        np.bincount(
            part.action, part.money * np.exp(part.relative * elasticity[part.action]), minlength=len(elasticity)
        )
        for part in parts
    ]
    return _difference(sums[0].astype(np.float64), sums[1].astype(np.float64))


def _money_reasons(table: pd.DataFrame, unplaced: NDArray[np.bool_], people: People) -> pd.DataFrame:
    numbers = [c for c in table.columns if c not in ("action", "unit", "elasticity", "median_income")]
    table.loc[unplaced | (not people.known), numbers] = np.nan
    missing = table["net"].isna().to_numpy() & ~unplaced
    unknown = np.full(len(table), table["median_income"].isna().all())
    elsewhere = (table["covered_share"] == 0).to_numpy() & ~unplaced & ~missing & ~unknown
    table.loc[unknown | elsewhere, [c for c in numbers if c != "covered_share"]] = np.nan
    table.loc[missing, numbers] = np.nan
    placed = ~(unplaced | missing | unknown | elsewhere)
    weighted = ["benefits_weighted", "burdens_weighted", "net_weighted"]
    endless = placed & ~np.isfinite(table[weighted].to_numpy(dtype=np.float64)).all(axis=1)
    table.loc[endless, weighted] = np.nan
    level = placed & table["switching_value"].isna().to_numpy()
    nothing = level & ((table["net"] == 0) & (endless | (table["net_weighted"] == 0))).to_numpy()
    why = reasons(
        [
            (unplaced, NO_PLACE),
            (unknown & ~unplaced, "no income is known where people live"),
            (missing & ~unplaced & ~unknown, "an amount is missing"),
            (elsewhere, "no income is known of those who have it"),
            (endless, "weighted: the weight of an income so far below the median is too large for a number"),
            (nothing, "switching value: nothing is left of benefits less burdens"),
            (level & table["covered_share"].isna().to_numpy(), "covered share: nobody receives or pays anything"),
            (level & ~nothing, f"switching value: the net keeps its sign up to an elasticity of {MOST_ELASTICITY:g}"),
        ]
    )
    return table.assign(undefined=why if people.known else NO_PEOPLE)

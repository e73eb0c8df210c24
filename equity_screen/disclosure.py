"""Small numbers: two flags that are never mixed.

*Confidential* counts, which no public table holds, are suppressed by a named profile, and with them what would let
a reader work them out. *Public but noisy* counts are marked and summed over larger areas, and never taken away:
that would erase the smallest groups, Indigenous Peoples first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import lsqr

from equity_screen.errors import UsageError
from equity_screen.margins import Margins, coefficient_of_variation, reliability
from equity_screen.people import Floats, People
from equity_screen.relation import Relation
from equity_screen.text import did_you_mean

Flags = NDArray[np.bool_]
# A direction drawn at random leaves no cell that is free as near to 0 as this.
DETERMINED = 1e-7
HASHES = 2.0**64
NO_LAYERS: Mapping[str, Relation] = MappingProxyType({})
MARKS = {"high": "", "medium": "*", "low": "**", "": ""}


@dataclass(frozen=True, slots=True)
class Profile:
    """A practice for small numbers of confidential groups.

    Parameters
    ----------
    name : str
        Short name, as a project file gives it.
    minimum_people : int
        Counts below are hidden, with all figures of their row [people].
    minimum_for_rates : int
        Means and shares of fewer are hidden [people].
    shows_zero : bool
        Whether a count of 0 is printed.
    source : str
        Whose practice it is.
    starred_below : int
        Counts that are printed but fewer than this have a star; 0 for none [people].
    rounding_base : int
        Counts are rounded at random to multiples of this at the door; 0 for none [people].

    Examples
    --------
    >>> profile_of("washington").minimum_people
    10
    """

    name: str
    minimum_people: int
    minimum_for_rates: int
    shows_zero: bool
    source: str
    starred_below: int = 0
    rounding_base: int = 0


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("statcan", 40, 40, shows_zero=False, rounding_base=5, source="Statistics Canada, area suppression"),
            Profile(
                "statcan_blocks",
                100,
                100,
                shows_zero=False,
                rounding_base=5,
                source="Statistics Canada, area suppression of areas made of blocks",
            ),
            Profile("washington", 10, 10, shows_zero=True, source="Washington State, small numbers (1–9)"),
            Profile("nchs", 30, 30, shows_zero=False, starred_below=60, source="NCHS, n below 30 and below 60"),
        )
    }
)


def profile_of(name: str) -> Profile:
    """Find a profile by its name.

    Parameters
    ----------
    name : str
        ``"statcan"``, ``"statcan_blocks"`` (areas that a project has put together from blocks), ``"washington"`` or
        ``"nchs"``.

    Returns
    -------
    Profile
        The profile.

    Raises
    ------
    UsageError
        No profile has the name.

    Examples
    --------
    >>> profile_of("statcan").rounding_base
    5
    """
    if name not in PROFILES:
        msg = f"no profile of small numbers is called {name!r}; {did_you_mean(name, PROFILES)}"
        raise UsageError(msg)
    return PROFILES[name]


def suppress(
    table: pd.DataFrame,
    *,
    counts: Sequence[str],
    keys: Sequence[str],
    groups: Collection[str],
    profile: str | Profile,
    adds_over: Sequence[str] = (),
) -> pd.DataFrame:
    """Hide small numbers of confidential groups, and what would give them away by subtraction.

    All numbers of a hidden row but its keys become NaN, with the reason in ``undefined``. Rows that agree in all keys
    but one of ``adds_over`` are taken to add to a total that is printed: where a hidden count follows from the rest
    of such sets, the next smallest counts of the confidential groups in them are hidden as well, until none follows.
    Rows of other groups are public and never touched; where a hidden count still follows from them, its reason says
    so. That a count is no less than 0, which bounds hidden ones, is not accounted for.

    Parameters
    ----------
    table : DataFrame
        One row for each combination of the keys, with the column ``group``.
    counts : sequence of str
        Columns of people behind the row's figures [people]; the smallest of a row decides.
    keys : sequence of str
        Columns that say which row it is; never hidden.
    groups : collection of str
        Names of the confidential groups.
    profile : str or Profile
        Practice to follow.
    adds_over : sequence of str
        Those of the keys over which counts add to a printed total: ``"area"``, or ``"group"`` (with ``"dimension"``
        among the keys: groups of one dimension).

    Returns
    -------
    DataFrame
        A copy on the same index.

    Raises
    ------
    UsageError
        Columns that the table has not, or an unknown profile.

    Examples
    --------
    >>> table = pd.DataFrame({"area": ["N", "S", "W"], "group": "x", "people": [4.0, 30.0, 20.0]})
    >>> hidden = suppress(table, counts=["people"], keys=["area", "group"], groups=["x"], profile="washington",
    ...                   adds_over=["area"])
    >>> hidden["people"].tolist()
    [nan, 30.0, nan]
    >>> hidden["undefined"].tolist()[0]
    'suppressed: fewer than 10 people (profile washington)'
    """
    rule = profile if isinstance(profile, Profile) else profile_of(profile)
    _need(table, ["group", *counts, *keys])
    _need(pd.DataFrame(columns=list(keys)), adds_over)
    smallest = table[list(counts)].to_numpy(dtype=np.float64).min(axis=1, initial=np.inf)
    confidential = table["group"].isin(list(groups)).to_numpy()
    lines = _lines(table, keys, adds_over)
    few = confidential & _fewer(smallest, rule.minimum_people, rule)
    hidden, follows = _with_complements(few, smallest, confidential, lines)
    rates = confidential & ~hidden & _fewer(smallest, rule.minimum_for_rates, rule)
    numbers = [c for c in table.select_dtypes("number").columns if c not in keys]
    blanked = _blanked(table, numbers, hidden)
    blanked = _blanked(blanked, [c for c in numbers if c not in counts], rates)
    cases = {
        f"suppressed: fewer than {rule.minimum_people} people (profile {rule.name})": few,
        f"suppressed: a smaller number would follow from it (profile {rule.name})": hidden & ~few,
        f"suppressed: fewer than {rule.minimum_for_rates} people for a rate (profile {rule.name})": rates,
        "it may still follow from figures of public groups": follows,
    }
    return blanked.assign(undefined=_told(table, cases))


def _need(table: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [c for c in columns if c not in table.columns]
    if missing:
        msg = f"no column {missing[0]!r} to suppress small numbers by; {did_you_mean(missing[0], table.columns)}"
        raise UsageError(msg)


def _fewer(count: Floats, minimum: int, rule: Profile) -> Flags:
    return (count < minimum) & ((count > 0) | (not rule.shows_zero))


def _blanked(table: pd.DataFrame, numbers: Sequence[str], rows: Flags) -> pd.DataFrame:
    return table.assign(**{name: table[name].astype(np.float64).mask(rows) for name in numbers} if rows.any() else {})


def _told(table: pd.DataFrame, cases: Mapping[str, Flags]) -> NDArray[np.object_]:
    """Put the reasons of each row after those that it has."""
    said = table["undefined"].to_numpy(dtype=object) if "undefined" in table else np.full(len(table), "", dtype=object)
    for reason, rows in cases.items():
        said = np.where(rows, np.where(said == "", "", said + "; ") + reason, said)
    return said


def _lines(table: pd.DataFrame, keys: Sequence[str], adds_over: Sequence[str]) -> csr_array:
    """Find the sets of two rows or more that add to a printed total: one line of 0 and 1 each."""
    pairs = [np.empty((2, 0), dtype=np.intp)]
    for free in adds_over:
        fixed = [key for key in keys if key != free]
        number = table.groupby(fixed, sort=False, dropna=False).ngroup() if fixed else pd.Series(0, index=table.index)
        # Groups of no dimension do not share out the people: they add to nothing.
        apart = free == "group" and "dimension" in fixed
        several = number.duplicated(keep=False).to_numpy() & ~(apart and (table["dimension"] == "").to_numpy())
        cells = np.flatnonzero(several)
        before = int(max((part[0].max(initial=-1) for part in pairs), default=-1)) + 1
        pairs.append(np.vstack([before + number.to_numpy()[cells], cells]))
    row, column = np.concatenate(pairs, axis=1)
    return csr_array((np.ones(len(row)), (row, column)), shape=(int(row.max(initial=-1)) + 1, len(table)))


def _with_complements(few: Flags, count: Floats, confidential: Flags, lines: csr_array) -> tuple[Flags, Flags]:
    """Hide more until nothing hidden follows, or nothing is left to hide; say what follows nevertheless."""
    hidden, lost = few.copy(), np.zeros(len(few), dtype=bool)
    pairs = lines.tocoo()
    # The next smallest: a count of 0 last, as it protects least; then by the order of the rows.
    rank = np.empty(len(count), dtype=np.intp)
    rank[np.lexsort((count, count == 0))] = np.arange(len(count))
    while True:
        follows = _follows(hidden & ~lost, lines)
        candidates = confidential & ~hidden & ~np.isnan(count)
        given_up = _given_up(hidden & ~lost, candidates, lines)
        if given_up.any():
            lost |= given_up
            continue
        choices = (_giving_away(hidden & ~lost, follows, lines), _in(lines, follows))
        free = next((f for f in (c[pairs.row] & candidates[pairs.col] for c in choices) if f.any()), None)
        if free is None:
            return hidden, lost | follows
        line, cell = pairs.row[free], pairs.col[free]
        order = np.lexsort((rank[cell], line))
        hidden[cell[order][np.unique(line[order], return_index=True)[1]]] = True


def _in(lines: csr_array, cells: Flags) -> Flags:
    """Find the lines that hold any of the cells."""
    return np.asarray(lines @ cells.astype(np.float64) > 0)


def _given_up(hidden: Flags, candidates: Flags, lines: csr_array) -> Flags:
    """Find hidden cells that stand alone in a line whose other cells are public: to hide more helps none of them."""
    alone = lines @ hidden.astype(np.float64) == 1
    return np.asarray(hidden & _in(lines.T, alone & ~_in(lines, candidates)))


def _giving_away(hidden: Flags, follows: Flags, lines: csr_array) -> Flags:
    """Find the lines in which more is to be hidden: those all of whose hidden cells follow, else any of such a cell."""
    whole = _in(lines, follows) & ~_in(lines, hidden & ~follows)
    return np.asarray(whole | _in(lines, follows & ~_in(lines.T, whole)))


def _follows(hidden: Flags, lines: csr_array) -> Flags:
    """Which hidden cells the printed ones and the totals determine.

    A cell is determined where every change of the hidden ones that keeps all totals leaves it as it is: where a random
    direction, less what of it the totals see, has nothing there.
    """
    found = np.zeros(len(hidden), dtype=bool)
    unknown = lines[:, np.flatnonzero(hidden)]
    seen = np.diff(unknown.indptr) > 0
    if not seen.any():
        return found
    system = unknown[seen]
    direction = np.random.default_rng([0]).uniform(1.0, 2.0, system.shape[1])
    limit = 10 * max(system.shape) + 100
    kept = lsqr(system, system @ direction, atol=1e-14, btol=1e-14, iter_lim=limit)[0]
    found[hidden] = np.abs(direction - kept) < DETERMINED
    return found


def randomly_rounded(counts: pd.Series, *, base: int, seed: int) -> pd.Series:
    r"""Round counts at random to multiples of a base, so that they are right on average; a place always alike.

    .. math:: \tilde c = b \lfloor c / b \rfloor + b \, [\,u < c / b - \lfloor c / b \rfloor\,]

    with u between 0 and 1 from a hash of the seed, the name and the label, whatever the order of the rows. Apply it
    to the counts that go in, so that every figure is made from the rounded ones.

    Parameters
    ----------
    counts : Series
        Counts [people]; their name and index labels are hashed.
    base : int
        Multiples to round to [people].
    seed : int
        Seed; not to be published.

    Returns
    -------
    Series
        Rounded counts; NaN stays.

    Raises
    ------
    UsageError
        A base of less than 1.

    Examples
    --------
    >>> randomly_rounded(pd.Series([10.0, 0.0], name="people"), base=5, seed=1).tolist()
    [10.0, 0.0]
    """
    if base < 1:
        msg = f"base = {base}: give 1 or more people"
        raise UsageError(msg)
    labels = np.array([f"{counts.name}|{label}" for label in counts.index], dtype=object)
    chance = pd.util.hash_array(labels, hash_key=f"{seed % 10**16:016d}", categorize=False) / HASHES
    times = counts.to_numpy(dtype=np.float64) / base
    down = np.floor(times)
    return pd.Series(base * (down + (chance < times - down)), index=counts.index, name=counts.name)


def starred(counts: Floats, *, profile: str | Profile) -> NDArray[np.object_]:
    """Mark counts that are printed but few, by the profile's own threshold.

    Parameters
    ----------
    counts : ndarray
        People behind a figure [people].
    profile : str or Profile
        Practice to follow.

    Returns
    -------
    ndarray of str
        ``"*"`` from the profile's minimum to where its stars end, else ``""``.

    Examples
    --------
    >>> starred(np.array([29.0, 30.0, 59.0, 60.0]), profile="nchs").tolist()
    ['', '*', '*', '']
    """
    rule = profile if isinstance(profile, Profile) else profile_of(profile)
    few = (counts >= rule.minimum_people) & (counts < rule.starred_below)
    return np.where(few, "*", "").astype(object)


def mark_noisy(
    table: pd.DataFrame, *, cv: str = "cv", mark: str = "noisy", below: float = 0.12, above: float = 0.40
) -> pd.DataFrame:
    """Mark public but noisy figures; nothing is taken away.

    Parameters
    ----------
    table : DataFrame
        Figures with their coefficients of variation.
    cv : str
        Column of the coefficients [share].
    mark : str
        Column to add.
    below, above : float
        Coefficients up to which there is no mark, and above which there are two stars.

    Returns
    -------
    DataFrame
        A copy with the column of marks: ``""``, ``"*"`` or ``"**"``.

    Raises
    ------
    UsageError
        The table has no such column, or ``below`` is not less than ``above``.

    Examples
    --------
    >>> mark_noisy(pd.DataFrame({"people": [900.0, 50.0, 4.0], "cv": [0.05, 0.2, 0.9]}))["noisy"].tolist()
    ['', '*', '**']
    """
    _need(table, [cv])
    grades = reliability(table[cv].to_numpy(dtype=np.float64), below=below, above=above)
    return table.assign(**{mark: [MARKS[grade] for grade in grades]})


def reliability_by_level(
    people: People,
    margins: Margins,
    *,
    layers: Mapping[str, Relation] = NO_LAYERS,
    thresholds: tuple[float, float] = (0.12, 0.40),
    at_most: float = 0.30,
) -> pd.DataFrame:
    """How reliable the counts of each group are by neighbourhood, by each larger layer, and in the city.

    Parameters
    ----------
    people : People
        People by neighbourhood.
    margins : Margins
        Their 90 % margins of error, in the same order.
    layers : mapping of str to Relation
        Shares of each neighbourhood's people in the areas of each boundary layer, from fine to coarse.
    thresholds : (float, float)
        Coefficients of variation up to which a count is highly reliable, and above which it is little so.
    at_most : float
        Median coefficient of variation up to which a level is fine enough to be printed by; the default is the
        Census Bureau's standard for key estimates.

    Returns
    -------
    DataFrame
        One row for each group and level: group, level, areas (with people and a known margin), median_cv, share_high,
        share_medium, share_low [0–1], enough.

    Examples
    --------
    >>> people = People(np.array([50.0, 50.0]), np.array([[20.0], [20.0]]), np.array([[50.0], [50.0]]), ("x",))
    >>> margins = Margins(np.zeros(2), np.full((2, 1), 13.16), np.zeros((2, 1)))
    >>> reliability_by_level(people, margins)[["level", "median_cv", "enough"]].round(4).values.tolist()
    [['neighbourhood', 0.4, False], ['city', 0.2828, True]]
    """
    parts = []
    for level, shares in _levels(len(people.population), layers).items():
        figures = _summed(shares, people, margins)
        lived_in = (shares.T @ people.population > 0)[:, None]
        cv = pd.DataFrame(np.where(lived_in, figures["cv"], np.nan), columns=list(people.names))
        grades = reliability(cv.to_numpy(), below=thresholds[0], above=thresholds[1])
        areas = cv.notna().sum()
        graded = {f"share_{g}": (grades == g).sum(axis=0) / areas.where(areas > 0) for g in ("high", "medium", "low")}
        median = cv.median()
        row = {"level": level, "areas": areas, "median_cv": median, **graded, "enough": median <= at_most}
        parts.append(pd.DataFrame(row, index=pd.Index(people.names, name="group")).reset_index())
    table = pd.concat(parts, ignore_index=True)
    order = np.argsort(pd.Categorical(table["group"], categories=list(people.names)).codes, kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _levels(neighbourhoods: int, layers: Mapping[str, Relation]) -> dict[str, csr_array]:
    """Shares of the neighbourhoods in the areas of each level, from the finest to the city."""
    own = csr_array(eye_array(neighbourhoods))
    city = csr_array(np.ones((neighbourhoods, 1)))
    return {"neighbourhood": own, **{name: csr_array(r.matrix) for name, r in layers.items()}, "city": city}


def _summed(shares: csr_array, people: People, margins: Margins) -> dict[str, Floats]:
    """Sum groups by area with their margins: of several counts of 0 the largest margin is kept once."""
    lived_in = (people.population > 0)[:, None]
    nothing, error = people.groups == 0, np.where(lived_in, margins.groups, 0.0)
    squares = shares.copy()
    squares.data = squares.data**2
    variance = squares.T @ np.where(nothing, 0.0, error**2)
    pairs = squares.tocoo()
    largest = np.zeros_like(variance)
    zeros = np.where(nothing, error**2, 0.0)[pairs.row] * pairs.data[:, None]
    np.maximum.at(largest, pairs.col, zeros)
    count, margin = shares.T @ people.groups, np.sqrt(variance + largest)
    return {"people": count, "margin": margin, "cv": coefficient_of_variation(count, margin)}


def aggregate_upward(
    people: People,
    margins: Margins,
    *,
    neighbourhoods: pd.Index,
    layers: Mapping[str, Relation] = NO_LAYERS,
    at_most: float = 0.30,
) -> pd.DataFrame:
    """Give the counts of each group at the finest level at which they are reliable; the city's where none is.

    Nothing is taken away from the finer tables: this one stands beside them.

    Parameters
    ----------
    people : People
        People by neighbourhood.
    margins : Margins
        Their 90 % margins of error, in the same order.
    neighbourhoods : pandas.Index
        Ids of the neighbourhoods.
    layers : mapping of str to Relation
        Shares of each neighbourhood's people in the areas of each boundary layer, from fine to coarse.
    at_most : float
        Median coefficient of variation up to which a level is fine enough.

    Returns
    -------
    DataFrame
        group, level, area, people, margin [people], cv, enough (whether the level's median is at most ``at_most``).

    Examples
    --------
    >>> people = People(np.array([50.0, 50.0]), np.array([[20.0], [20.0]]), np.array([[50.0], [50.0]]), ("x",))
    >>> margins = Margins(np.zeros(2), np.full((2, 1), 13.16), np.zeros((2, 1)))
    >>> table = aggregate_upward(people, margins, neighbourhoods=pd.Index(["A", "B"]))
    >>> table[["group", "level", "people", "enough"]].values.tolist()
    [['x', 'city', 40.0, True]]
    """
    ranked = reliability_by_level(people, margins, layers=layers, at_most=at_most)
    fine = ranked[ranked["enough"] | (ranked["level"] == "city")].drop_duplicates("group").set_index("group")
    levels = _levels(len(people.population), layers)
    names = {"neighbourhood": neighbourhoods, **{name: r.columns for name, r in layers.items()}, "city": [""]}
    figures = {level: _summed(levels[level], people, margins) for level in set(fine["level"])}
    parts = []
    for position, group in enumerate(people.names):
        level = fine.loc[group, "level"]
        columns = {name: values[:, position] for name, values in figures[level].items()}
        labels = {"group": group, "level": level, "area": list(names[level])}
        parts.append(pd.DataFrame({**labels, **columns, "enough": fine.loc[group, "enough"]}))
    return pd.concat(parts, ignore_index=True)

"""Could it be chance? What each group receives, beside what it would from the same footprint elsewhere.

Two questions that are not one. *Random siting* asks how often the same footprint, at another place of the city,
would be as far from parity: it is the one to answer by. *Free permutation* asks the same of neighbourhoods dealt
out like cards. People who are alike live side by side and footprints are contiguous, so that it calls about half of
all sitings at random unusual: a fast screen, and no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array, csr_array
from scipy.special import ndtr

from equity_screen.actions import Plan
from equity_screen.distances import homes_of
from equity_screen.effects import completed
from equity_screen.equity import NO_PLACE
from equity_screen.errors import UsageError
from equity_screen.inequality import as_columns
from equity_screen.overlay import SQUARE_METRES_PER_KM2, Overlay
from equity_screen.people import NO_PEOPLE, Floats, People, quotient, reasons
from equity_screen.placements import (
    Homes,
    Mask,
    Placeable,
    city_mask,
    eligible,
    homes_at,
    placeable_footprints,
    placed,
    share_inside,
    spread_sites,
)
from equity_screen.reaches import OWN_PLACE
from equity_screen.recipe import Siting
from equity_screen.text import did_you_mean
from equity_screen.uptake import taken_up

ROUNDING = 1e-12
ALIKE = 1e-9
# With fewer no p could be as small as 5 %.
FEWEST = 19
SAMPLES = 64
# About how many places stand for a neighbourhood without population points.
LATTICE = 36
PER_PLACE = frozenset({"household", "km2"})
Basis = tuple[str, str, str]
_Given = tuple[pd.DataFrame, People, Siting]
EVERYWHERE = "it is everywhere: it cannot be elsewhere"
ON_A_RASTER = "it lies on a raster: it cannot be elsewhere"
NO_AMOUNT = "the amount is missing"
NOTHING = "the amount is 0"
NOBODY = "nobody lives in its reach"
NO_GROUP = "the group has no people here"
NO_CLASS = "its neighbourhood has no class"
TOO_FEW = f"fewer than {FEWEST} places in the city where it could be"


def contrast_weights(people: People) -> Floats:
    r"""Weights whose sum over neighbourhoods, times the effect per person, is what a group has beyond parity.

    .. math:: d_{ig} = P_{ig} - s_g U_{ig}, \quad s_g = P_g / U_g

    Parameters
    ----------
    people : People
        People by neighbourhood; the universe of a group is everyone unless it has its own.

    Returns
    -------
    ndarray, shape (neighbourhoods, groups)
        Weights [people], which add up to 0; NaN for a group whose universe has nobody.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_zones
    >>> contrast_weights(people_of(four_zones())).ravel().tolist()
    [35.0, 20.0, -15.0, -40.0]
    """
    share = quotient(people.groups.sum(axis=0), people.universes.sum(axis=0))
    return np.asarray(people.groups - share * people.universes, dtype=np.float64)


def parity_contrast(effects: ArrayLike | csc_array, people: People) -> Floats:
    r"""Say what each group receives beyond its share of the people.

    .. math:: D_{ga} = \sum_i (P_{ig} - s_g U_{ig})\, x_{ia}

    Parameters
    ----------
    effects : csc_array or ndarray, shape (neighbourhoods, actions)
        Effect per person, of any sign [unit].
    people : People
        People by neighbourhood.

    Returns
    -------
    ndarray, shape (actions, groups)
        Contrasts [unit × people]: 0 at parity; of groups that share out the people they add up to 0.

    Examples
    --------
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_zones
    >>> parity_contrast(np.array([[1.0], [0.0], [1.0], [0.0]]), people_of(four_zones())).tolist()
    [[20.0]]
    """
    return np.asarray(as_columns(effects).T @ contrast_weights(people), dtype=np.float64)


def permutation_z(effects: ArrayLike | csc_array, people: People) -> Floats:
    r"""Contrast over its standard deviation if effects were dealt out to neighbourhoods at random: a screen only.

    .. math:: z = \frac{D}{\sqrt{V}}, \quad
              V = \Bigl[\sum_i x_i^2 - \tfrac1N \bigl(\sum_i x_i\bigr)^2\Bigr] \frac{\sum_i d_i^2}{N - 1}

    exactly, over all N neighbourhoods, those where nobody lives among them.

    Parameters
    ----------
    effects : csc_array or ndarray, shape (neighbourhoods, actions)
        Effect per person, of any sign.
    people : People
        People by neighbourhood.

    Returns
    -------
    ndarray, shape (actions, groups)
        z; NaN where every neighbourhood has the same, or the same share of the group.

    Notes
    -----
    Neighbours are alike and footprints contiguous: of sitings at random, z is beyond 1.96 for about half and not
    for 5 %. :func:`random_siting` is the test.

    Examples
    --------
    Of two neighbourhoods one is reached; d = (5, -5), V = (1 - 1/2) · 50 / 1 = 25.

    >>> half = People(np.array([10.0, 10.0]), np.array([[10.0], [0.0]]), np.full((2, 1), 10.0), ("g",))
    >>> permutation_z(np.array([1.0, 0.0]), half).tolist()
    [[1.0]]
    """
    columns, weights = as_columns(effects), contrast_weights(people)
    spread = _spread(columns)[:, None] * (weights**2).sum(axis=0) / max(len(weights) - 1, 1)
    contrast = np.asarray(columns.T @ weights, dtype=np.float64)
    return quotient(contrast, np.sqrt(np.where(_alike(weights, people), 0.0, spread)))


def _spread(columns: csc_array) -> Floats:
    """Sum of the squares of each column about its mean; 0 where only rounding is left of it."""
    each = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
    square, plain = (np.bincount(each, data, columns.shape[1]) for data in (columns.data**2, columns.data))
    spread = square - plain**2 / columns.shape[0]
    return np.where(spread <= ROUNDING * square, 0.0, spread)


def _alike(weights: Floats, people: People) -> NDArray[np.bool_]:
    """Tell the groups that have the same share in every neighbourhood."""
    return np.asarray(np.abs(weights).sum(axis=0) <= ROUNDING * people.groups.sum(axis=0), dtype=bool)


def permutation_p(effects: ArrayLike | csc_array, people: People, *, permutations: int = 999, seed: int) -> Floats:
    r"""How often effects dealt out to neighbourhoods at random are as far from parity: a screen only.

    .. math:: p = \frac{1 + \#\{|D^\pi| \ge |D|\}}{1 + R}

    Parameters
    ----------
    effects : csc_array or ndarray, shape (neighbourhoods, actions)
        Effect per person, of any sign.
    people : People
        People by neighbourhood.
    permutations : int
        How often they are dealt out, R; at least 1.
    seed : int
        Seed.

    Returns
    -------
    ndarray, shape (actions, groups)
        p from both sides [0–1]; NaN where :func:`permutation_z` is.

    Raises
    ------
    UsageError
        Fewer than one permutation.

    References
    ----------
    Phipson & Smyth (2010), doi:10.2202/1544-6115.1585

    Examples
    --------
    Dealing out to two neighbourhoods changes the sign at most.

    >>> half = People(np.array([10.0, 10.0]), np.array([[10.0], [0.0]]), np.full((2, 1), 10.0), ("g",))
    >>> permutation_p(np.array([1.0, 0.0]), half, permutations=9, seed=1).tolist()
    [[1.0]]
    """
    if permutations < 1:
        msg = f"permutations is {permutations}: give 1 or more"
        raise UsageError(msg)
    columns, weights = as_columns(effects), contrast_weights(people)
    rows = csr_array(columns.T)
    least = np.abs(rows @ weights) - ROUNDING * (abs(rows) @ np.abs(weights))
    rng, count = np.random.default_rng([seed]), np.zeros(least.shape, dtype=np.int64)
    for _ in range(permutations):
        # Other neighbourhoods for the same numbers: nothing is copied but positions.
        places = rng.permutation(len(weights))[rows.indices]
        count += np.abs(csr_array((rows.data, places, rows.indptr), shape=rows.shape) @ weights) >= least
    defined = ~np.isnan(permutation_z(columns, people))
    return np.where(defined, (1.0 + count) / (1.0 + permutations), np.nan)


def false_discovery(p: ArrayLike) -> Floats:
    r"""Adjust p for having asked many times: the least share of false ones among all called unusual with this one.

    .. math:: q_{(k)} = \min_{j \ge k} \frac{m\, p_{(j)}}{j}

    Parameters
    ----------
    p : array-like of float
        All that was asked, in any shape [0–1]; NaN where nothing could be.

    Returns
    -------
    ndarray
        q in the same shape [0–1]; NaN where p is, which counts for nothing.

    References
    ----------
    Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> false_discovery([0.01, 0.5, np.nan, 0.04]).tolist()
    [0.03, 0.5, nan, 0.06]
    """
    asked = np.asarray(p, dtype=np.float64)
    known = ~np.isnan(asked)
    values, adjusted = asked[known], np.full(asked.shape, np.nan)
    order = np.argsort(-values, kind="stable")
    raised = values[order] * len(values) / np.arange(len(values), 0, -1)
    lowest = np.empty(len(values))
    lowest[order] = np.minimum.accumulate(np.minimum(raised, 1.0))
    adjusted[known] = lowest
    return adjusted


def siting_p(observed: Floats, null: Floats, *, scale: Floats | float = 1.0) -> Floats:
    r"""How often placements elsewhere are as far from parity as those observed.

    .. math:: p = \frac{1 + \#\{|D_s| \ge |D|\}}{1 + S}

    Parameters
    ----------
    observed : ndarray, shape (effects, groups)
        Contrasts where footprints of one kind are.
    null : ndarray, shape (placements, groups)
        Contrasts where they could be.
    scale : ndarray or float
        Size of the sums that the contrasts are differences of: what differs by a thousand-millionth of it is equal.

    Returns
    -------
    ndarray, shape (effects, groups)
        p from both sides [0–1].

    References
    ----------
    Phipson & Smyth (2010), doi:10.2202/1544-6115.1585

    Examples
    --------
    >>> siting_p(np.array([[2.0], [-3.0]]), np.array([[1.0], [-2.0], [0.5]])).tolist()
    [[0.5], [0.25]]
    """
    least = np.abs(observed) - ALIKE * np.asarray(scale)
    sizes = np.sort(np.abs(null), axis=0)
    nearer = [np.searchsorted(size, asked, side="left") for size, asked in zip(sizes.T, least.T, strict=True)]
    as_far = len(null) - np.column_stack(nearer) if nearer else np.zeros(observed.shape)
    return np.asarray((1.0 + as_far) / (1.0 + len(null)), dtype=np.float64)


def random_siting(
    laid: Overlay, plan: Plan, *, neighbourhoods: pd.DataFrame, people: People, siting: Siting
) -> pd.DataFrame:
    r"""Each effect by each group beside the same footprint at other places of the city.

    A footprint is moved, with how it fades, to sites spread evenly over the city, or over the neighbourhoods of the
    same class (``siting.within``) as the one that its anchor lies in; a place is eligible where no more than 0.05 of
    the footprint's area more lies outside the city. What it would bring the people there is measured at the same
    homes, and in the same way, as what it brings where it is.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    plan : Plan
        Actions and effects of that overlay.
    neighbourhoods : DataFrame
        Table by neighbourhood with the class; population, households and drivers where an effect needs them.
    people : People
        People by neighbourhood.
    siting : Siting
        How many placements, within which class, and the seed.

    Returns
    -------
    DataFrame
        One row for each effect and group: action, ledger, effect, unit, group, contrast [unit × people], placements
        (number tried), eligible_class, mean, null_mean (mean of the group over the placements), null_low, null_high
        (its 5–95 % range) [unit], p [0–1], q (p adjusted for all rows), screen_z, screen_p (free permutation, a
        screen and not the answer), undefined (reasons).

    Raises
    ------
    UsageError
        A class that is no column of the neighbourhoods.

    Notes
    -----
    The contrast is :math:`D_g = \sum_i (P_{ig} - s_g U_{ig}) x_i`, and p compares :math:`|D_g|` with that of the
    placements. An amount per household, per km² or by a driver is spread at each place by the households, area
    and driver there, and taken up there by those who would. Of a total, p asks who is in reach, alike for each of
    them; its means share the total out over those in reach at each place. The screen takes
    what a person of each neighbourhood has on average. What was not seen: whether the land could be had, any other
    orientation, and people beyond the neighbourhoods.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> table = random_siting(overlay(city, plan), plan, neighbourhoods=city, people=people_of(city),
    ...                       siting=Siting(placements=99))
    >>> table.loc[table["action"] == "CITY", "undefined"].unique().tolist()
    ['it is everywhere: it cannot be elsewhere']
    >>> shade = table[table["effect"] == "shade"].iloc[0]
    >>> round(float(shade["contrast"]), 6), float(shade["placements"]), shade["undefined"]
    (10.0, 77.0, '')
    """
    if siting.within is not None and siting.within not in neighbourhoods.columns:
        hint = did_you_mean(siting.within, neighbourhoods.columns)
        msg = f"siting within {siting.within!r}: the neighbourhoods have no such column; {hint}"
        raise UsageError(msg)
    effects = completed(plan.effects).reset_index(drop=True)
    said = _unmovable(laid, plan, effects)
    found = _blank(len(effects), len(people.names))
    rows = np.flatnonzero(said == "") if people.known and people.names else np.empty(0, dtype=np.intp)
    if len(rows):
        them = placeable_footprints(laid, plan, effects=effects.iloc[rows])
        jobs = _jobs(them, effects)
        city = _city(laid, effects, them, jobs=jobs, given=(neighbourhoods, people, siting))
        _place(found, city, them, jobs=jobs, effects=effects)
    return _table(found, laid, people, effects=effects, said=said)


class _Found(NamedTuple):
    """What is found of each effect (rows) and group (columns); placements, class and reason of each effect."""

    contrast: Floats
    mean: Floats
    null_mean: Floats
    null_low: Floats
    null_high: Floats
    p: Floats
    placements: NDArray[np.int64]
    eligible_class: NDArray[np.object_]
    why: NDArray[np.object_]


def _blank(effects: int, groups: int) -> _Found:
    contrast, mean, null_mean, null_low, null_high, p = np.full((6, effects, groups), np.nan)
    eligible_class, why = np.full((2, effects), "", dtype=object)
    placements = np.zeros(effects, dtype=np.int64)
    return _Found(contrast, mean, null_mean, null_low, null_high, p, placements, eligible_class, why)


def _unmovable(laid: Overlay, plan: Plan, effects: pd.DataFrame) -> NDArray[np.object_]:
    """Why an effect cannot be placed elsewhere; empty where it can."""
    reach, where = effects["reach"], effects["action"].map(plan.actions["where"])
    amount = effects["amount"].to_numpy(dtype=np.float64)
    citywide = ((reach == "citywide") | ((where == "citywide") & ~reach.isin(OWN_PLACE))).to_numpy()
    placed_ = ~laid.unlocated & ~citywide
    cases = (
        (laid.unlocated, NO_PLACE),
        (citywide, EVERYWHERE),
        ((reach == "raster").to_numpy() & placed_, ON_A_RASTER),
        (np.isnan(amount) & placed_, NO_AMOUNT),
        (amount == 0, NOTHING),
        (np.diff(laid.landed.indptr) == 0, NOBODY),
    )
    return _first_reason(cases)


def _first_reason(cases: Sequence[tuple[NDArray[np.bool_], str]]) -> NDArray[np.object_]:
    said = np.full(len(cases[0][0]), "", dtype=object)
    for holds, text in reversed(cases):
        said[holds] = text
    return said


class _City(NamedTuple):
    """Where footprints are placed, and what those in reach there receive.

    ``sums``: by basis, columns whose sums over those in reach are what each group receives, what its universe does,
    and the people in reach, for an amount of 1; ``homes``: by whether an effect is spread over area.
    """

    people: People
    siting: Siting
    zones: NDArray[np.object_]
    classes: NDArray[np.object_]
    mask: Mask
    homes: Mapping[bool, Homes]
    sums: Mapping[Basis, Floats]
    offsets: Sequence[Floats]


def _jobs(them: Placeable, effects: pd.DataFrame) -> pd.DataFrame:
    """One row for each effect to place: its position, place among those, footprint by number, and basis."""
    numbers: dict[tuple[object, ...], int] = {}
    some = effects.iloc[them.rows]
    return pd.DataFrame(
        {
            "row": them.rows,
            "footprint": [numbers.setdefault(one.key, len(numbers)) for one in them.footprints],
            "basis": list(zip(some["per"], some["driver"], some["uptake"], strict=True)),
            "by_area": (some["per"] == "km2").to_numpy(),
        }
    )


def _city(laid: Overlay, effects: pd.DataFrame, them: Placeable, *, jobs: pd.DataFrame, given: _Given) -> _City:
    neighbourhoods, people, siting = given
    zones = laid.ground.zones.array.to_numpy()
    classes = np.full(len(zones), "", dtype=object)
    if siting.within is not None:
        column = neighbourhoods[siting.within]
        classes = np.where(column.isna(), "", column.astype(str)).astype(object)
    first = jobs.drop_duplicates("basis")
    sums = {
        basis: _sums(laid, effects, given, row=row) for basis, row in zip(first["basis"], first["row"], strict=True)
    }
    grounds = {True: laid.ground._replace(blocks=None), False: laid.ground}
    homes = {
        area: homes_at(homes_of(grounds[area], lattice=LATTICE), len(zones)) for area in sorted(set(jobs["by_area"]))
    }
    return _City(people, siting, zones, classes, city_mask(zones), homes, sums, _offsets(laid, them, jobs))


def _offsets(laid: Overlay, them: Placeable, jobs: pd.DataFrame) -> list[Floats]:
    """Places spread evenly over each footprint, from its anchor."""
    first = jobs.drop_duplicates("footprint").index
    shapes = gpd.GeoSeries([them.footprints[i].shape for i in first], crs=laid.ground.zones.crs)
    places = homes_of(laid.ground._replace(zones=shapes, blocks=None), lattice=SAMPLES)
    xy, last = shapely.get_coordinates(places.geometry.array), np.searchsorted(places["zone"], np.arange(1, len(first)))
    return list(np.split(xy, last))


def _sums(laid: Overlay, effects: pd.DataFrame, given: _Given, *, row: int) -> Floats:
    """Columns of the people of each group, of its universe, and of everyone, each by what an amount of 1 brings."""
    neighbourhoods, people, _ = given
    taken, rates = np.ones(len(neighbourhoods)), laid.rates_of(people.names)[row]
    if laid.rates is not None:
        every = np.arange(len(neighbourhoods), dtype=np.intp)
        taken = taken_up(neighbourhoods, laid.rates, rows=every, columns=np.full(len(every), row, dtype=np.intp))
    takers = (people.population * taken)[:, None]
    own = people.groups * np.where(np.isnan(rates), taken[:, None], rates)
    # Those around a group that an uptake names have what it leaves of the takers.
    others = quotient(np.maximum(takers - own, 0.0), people.population[:, None] - people.groups)
    around = own + np.nan_to_num(others) * (people.universes - people.groups)
    universes = np.where(np.isnan(rates), people.universes * taken[:, None], around)
    each = _each(laid, effects.iloc[row], neighbourhoods, people)[:, None]
    return np.hstack([own * each, universes * each, takers])


def _each(laid: Overlay, effect: pd.Series, neighbourhoods: pd.DataFrame, people: People) -> Floats:
    """Give what an amount of 1 is to a person in reach in each neighbourhood; of a total the same everywhere."""
    driver = np.ones(len(neighbourhoods))
    if effect["driver"] and effect["per"] != "total":
        driver = neighbourhoods[effect["driver"]].fillna(0.0).to_numpy(dtype=np.float64)
    if effect["per"] == "household":
        driver = driver * neighbourhoods["households"].fillna(0.0).to_numpy(dtype=np.float64)
    if effect["per"] == "km2":
        driver = driver * shapely.area(laid.ground.zones.array) / SQUARE_METRES_PER_KM2
    return np.nan_to_num(quotient(driver, people.population)) if effect["per"] in PER_PLACE else driver


def _place(found: _Found, city: _City, them: Placeable, *, jobs: pd.DataFrame, effects: pd.DataFrame) -> None:
    """Place what can be placed: effects of one footprint, class and share inside the city together."""
    nearest = shapely.STRtree(city.zones).nearest(shapely.points(them.anchors))
    inside = [
        share_inside(city.offsets[number], anchor[None, :], mask=city.mask)[0]
        for number, anchor in zip(jobs["footprint"], them.anchors, strict=True)
    ]
    jobs = jobs.assign(klass=city.classes[nearest], inside=inside)
    found.eligible_class[jobs["row"]] = jobs["klass"]
    unclassed = (jobs["klass"] == "").to_numpy() & (city.siting.within is not None)
    found.why[jobs["row"][unclassed]] = NO_CLASS
    for klass, same in jobs[~unclassed].groupby("klass", sort=True):
        zones = city.zones[city.classes == klass]
        sites = spread_sites(zones, number=city.siting.placements, seed=city.siting.seed)
        for _, alike in same.groupby(["footprint", "inside", "by_area"], sort=True):
            _try(found, city, them, jobs=alike, sites=sites, effects=effects)


def _try(
    found: _Found, city: _City, them: Placeable, *, jobs: pd.DataFrame, sites: Floats, effects: pd.DataFrame
) -> None:
    """Place one footprint where it is and elsewhere, and compare what effects that have it bring to whom."""
    footprint, number, inside = them.footprints[jobs.index[0]], jobs["footprint"].iloc[0], jobs["inside"].iloc[0]
    shares = share_inside(city.offsets[number], sites, mask=city.mask)
    chosen = sites[eligible(shares, inside, number=city.siting.placements)]
    homes = city.homes[bool(jobs["by_area"].iloc[0])]
    here, there = (placed(footprint, where, homes=homes) for where in (them.anchors[jobs.index], chosen))
    found.placements[jobs["row"]] = len(chosen)
    position = pd.Series(np.arange(len(jobs)), index=jobs.index)
    for basis, mine in jobs.groupby("basis", sort=True):
        rows, sums = mine["row"].to_numpy(), city.sums[basis]
        total = basis[0] == "total"
        ours = _received(csr_array(here[position[mine.index]]) @ sums, city.people, total=total)
        theirs = _received(there @ sums, city.people, total=total)
        _compare(found, rows, effects["amount"].to_numpy(dtype=np.float64)[rows], ours=ours, theirs=theirs)


class _Received(NamedTuple):
    """What groups receive at each place (rows): contrast, compared and told; its scale; means; people in reach."""

    compared: Floats
    contrast: Floats
    scale: Floats
    mean: Floats
    reached: Floats


def _received(sums: Floats, people: People, *, total: bool) -> _Received:
    groups = len(people.names)
    mine, universe, reached = sums[:, :groups], sums[:, groups:-1], sums[:, -1]
    count = people.groups.sum(axis=0)
    count = np.where(count > 0, count, np.nan)
    in_line = quotient(count, people.universes.sum(axis=0)) * universe
    # A total is shared out over those in reach; where there is nobody, nobody has anything of it.
    each = np.nan_to_num(quotient(np.ones(len(sums)), reached))[:, None] if total else 1.0
    return _Received(mine - in_line, (mine - in_line) * each, mine + in_line, quotient(mine * each, count), reached)


def _compare(found: _Found, rows: NDArray[np.intp], amount: Floats, *, ours: _Received, theirs: _Received) -> None:
    """Fill in what is found of effects that are alike but for their place and amount."""
    each = amount[:, None]
    found.contrast[rows], found.mean[rows] = each * ours.contrast, each * ours.mean
    found.why[rows] = np.where(ours.reached > 0, "", NOBODY)
    if len(theirs.mean) < FEWEST:
        found.why[rows] = np.where(ours.reached > 0, TOO_FEW, NOBODY)
        return
    low, high = np.quantile(theirs.mean, [0.05, 0.95], axis=0)
    found.null_mean[rows], found.null_low[rows] = each * theirs.mean.mean(axis=0), each * low
    found.null_high[rows] = each * high
    asked = (ours.reached > 0)[:, None] & ~np.isnan(ours.compared)
    found.p[rows] = np.where(asked, siting_p(ours.compared, theirs.compared, scale=ours.scale), np.nan)


def _table(
    found: _Found, laid: Overlay, people: People, *, effects: pd.DataFrame, said: NDArray[np.object_]
) -> pd.DataFrame:
    """One row for each effect and group."""
    each = len(people.names)
    labels = effects.loc[effects.index.repeat(each), ["action", "ledger", "effect", "unit"]].reset_index(drop=True)
    screen = permutation_z(laid.per_person.matrix, people)
    placed_ = np.where(said == "", found.placements, np.nan)
    why = np.repeat(np.where(said == "", found.why, said), each)
    nobody = np.tile(people.groups.sum(axis=0) == 0, len(effects))
    return labels.assign(
        group=list(people.names) * len(effects),
        contrast=found.contrast.ravel(),
        placements=np.repeat(placed_, each),
        eligible_class=np.repeat(found.eligible_class, each),
        mean=found.mean.ravel(),
        null_mean=found.null_mean.ravel(),
        null_low=found.null_low.ravel(),
        null_high=found.null_high.ravel(),
        p=found.p.ravel(),
        q=false_discovery(found.p).ravel(),
        screen_z=screen.ravel(),
        screen_p=2.0 * ndtr(-np.abs(screen.ravel())),
        undefined=_undefined(why, nobody, known=people.known),
    )


def _undefined(why: NDArray[np.object_], nobody: NDArray[np.bool_], *, known: bool) -> NDArray[np.object_]:
    if not known:
        return np.full(len(why), NO_PEOPLE, dtype=object)
    texts = sorted(set(why) - {""})
    return reasons([*((why == text, text) for text in texts), (nobody, NO_GROUP)])

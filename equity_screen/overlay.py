"""Effects laid over neighbourhoods: who is in reach, and what each person there receives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.actions import Plan
from equity_screen.align import with_area_fallback
from equity_screen.areas import SLIVER, point_shares, union_shares
from equity_screen.crs import WGS84, measure_of, recast, to_space
from equity_screen.effects import OTHERS, completed, nothing_expected
from equity_screen.errors import Finding, InputError, finding
from equity_screen.landing import Landing, Space, land
from equity_screen.reach import Hits
from equity_screen.recipe import LEDGERS
from equity_screen.relation import Relation
from equity_screen.text import did_you_mean
from equity_screen.uptake import require_uptake, taken_up, uptake_rates

SQUARE_METRES_PER_KM2 = 1e6
DRAWN = 1e-4
Floats = NDArray[np.float64]


class Reach(NamedTuple):
    """Where columns land: a polygon each, and the pairs (population point, column) in reach, where points are used."""

    footprints: gpd.GeoSeries
    hits: Hits | None


class Ground(NamedTuple):
    """What was laid over what, in the equal-area space: for results by other areas than neighbourhoods."""

    zones: gpd.GeoSeries
    blocks: gpd.GeoDataFrame | None
    effects: Reach
    once: Reach


class Overlay(NamedTuple):
    """Effects over neighbourhoods.

    ``shares``: neighbourhoods × effects, share of the people in reach [0–1]. ``per_person``: the same
    pairs, effect per person of the neighbourhood [unit]; ``per_unit``: for an amount of 1. ``reach``:
    polygons of the located effects (WGS 84); of neighbourhoods that are listed, as by travel times, their union.
    ``outside``: by effect, share of the reach's area in no neighbourhood, unknown of such a list.
    ``unlocated``: which effects have no known place. ``members``: positions of the located effects by (scope,
    ledger). ``once``: neighbourhoods × (scope, ledger), share of the people in reach
    of at least one of them. ``ground``: the geometry that all of it stands on. ``taken``: on the pairs of the
    shares, the share of those in reach who take the effect up; ``rates``: effects × groups, who does; both None
    where no effect asks. ``left_out``: positions of the located effects by (scope, ledger) that only some take up:
    who they are is not known, and they are no members.
    """

    shares: Relation
    per_person: Relation
    per_unit: Relation
    reach: gpd.GeoDataFrame
    outside: pd.Series
    unlocated: NDArray[np.bool_]
    members: Mapping[tuple[str, str], NDArray[np.intp]]
    once: Relation
    ground: Ground
    taken: Floats | None = None
    rates: pd.DataFrame | None = None
    left_out: Mapping[tuple[str, str], NDArray[np.intp]] = MappingProxyType({})

    @property
    def landed(self) -> csc_array:
        """Shares of the people in reach, whether or not they take an effect up, on the pairs of ``shares``."""
        matrix = self.shares.matrix
        # Divided, not multiplied by the reciprocal: what is reached whole is exactly 1 again.
        return matrix if self.taken is None else _on(matrix, matrix.data / self.taken)

    def rates_of(self, names: Sequence[str]) -> Floats:
        """Share of the people of each group who take each effect up; NaN where an effect does not name the group.

        Parameters
        ----------
        names : sequence of str
            Groups.

        Returns
        -------
        ndarray, shape (effects, groups)
            Shares [0–1].
        """
        if self.rates is None:
            return np.full((self.shares.matrix.shape[1], len(names)), np.nan)
        # A group that happens to be called others is not everyone else.
        return np.asarray(self.rates.drop(columns=OTHERS).reindex(columns=list(names)), dtype=np.float64)

    @property
    def landed_doses(self) -> csc_array:
        """Effect per person who takes it up, on the same pairs."""
        matrix = self.per_person.matrix
        return matrix if self.taken is None else _on(matrix, matrix.data / self.taken)


def overlay(neighbourhoods: gpd.GeoDataFrame, plan: Plan, *, blocks: gpd.GeoDataFrame | None = None) -> Overlay:
    """Lay every effect over the neighbourhoods.

    A neighbourhood's share in reach is the share of its population points (where ``blocks`` are given
    and it has any) or of its area. Areas are measured in an equal-area space centred on the
    neighbourhoods, distances in equidistant spaces centred on groups of actions.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood with population; households and drivers where an effect needs them.
    plan : Plan
        Actions and effects.
    blocks : GeoDataFrame, optional
        Population points from :func:`equity_screen.align.check_blocks`.

    Returns
    -------
    Overlay
        Shares, effect per person, reach polygons, coverage, and people counted once.

    Raises
    ------
    InputError
        A driver that is no column or is missing where people live; an effect per household
        without households.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> laid = overlay(four_zones(), four_actions())
    >>> laid.per_person.columns[-1], laid.per_person.matrix.toarray()[:, -1].tolist()
    (('WEST', 'benefit', 'shade'), [0.5, 0.0, 0.5, 0.0])
    """
    actions, effects = plan.actions, completed(plan.effects)
    require_drivers(neighbourhoods, effects)
    require_uptake(neighbourhoods, effects)
    study = measure_of(neighbourhoods)
    space = Space(study, to_space(neighbourhoods.geometry, study.areas), blocks)
    labels = pd.MultiIndex.from_frame(effects[["action", "ledger", "effect"]])
    rates = uptake_rates(effects)
    landing, taken = _taken(neighbourhoods, land(space, actions, effects=effects), rates)
    shares = Relation(_times(landing.shares.matrix, taken), landing.shares.rows, labels)
    per_unit = _per_unit(neighbourhoods, effects, landing, taken=taken, areas=shapely.area(space.zones.array))
    amounts = np.repeat(effects["amount"].to_numpy(dtype=np.float64), np.diff(per_unit.indptr))
    per_person = csc_array((per_unit.data * amounts, per_unit.indices, per_unit.indptr), shape=per_unit.shape)
    drawn = ~landing.footprints.is_empty.to_numpy()
    # A list of neighbourhoods is a place, too, where nobody drew their union.
    listed = landing.kinds.isin(["footprint", "travel"]).to_numpy() & (np.diff(shares.matrix.indptr) > 0)
    # Who takes an effect up is not known person by person.
    everyone = rates.isna().all(axis=1).to_numpy()
    members, left_out = (_scopes(actions, effects, (drawn | listed) & mine) for mine in (everyone, ~everyone))
    reach = gpd.GeoDataFrame(
        effects.loc[drawn | listed, ["action", "ledger", "effect"]],
        geometry=_with_listed(landing, space.zones, listed & ~drawn)[drawn | listed],
        crs=study.areas,
    )
    together = _together(members, landing.footprints, landing.hits)
    asked = bool(rates.notna().any(axis=None))
    return Overlay(
        shares,
        Relation(per_person, shares.rows, labels),
        Relation(per_unit, shares.rows, labels),
        reach.set_geometry(recast(reach.geometry, WGS84)).reset_index(drop=True),
        _outside(landing.footprints, landing.by_area, space.zones).where(drawn).set_axis(labels),
        (landing.kinds == "nowhere").to_numpy(),
        members,
        _once(space, members, together, shares=shares),
        Ground(space.zones, blocks, Reach(landing.footprints.set_axis(labels), landing.hits), together),
        taken if asked else None,
        rates if asked else None,
        left_out,
    )


def _taken(neighbourhoods: pd.DataFrame, landing: Landing, rates: pd.DataFrame) -> tuple[Landing, Floats]:
    """Share of those in reach who take an effect up, and the landing without the pairs in which nobody does."""
    matrix = landing.shares.matrix.tocsc()
    column = np.repeat(np.arange(matrix.shape[1], dtype=np.intp), np.diff(matrix.indptr))
    taken = taken_up(neighbourhoods, rates, rows=matrix.indices.astype(np.intp), columns=column)
    kept = taken > 0
    if kept.all():
        return landing, taken
    start = np.concatenate([[0], np.cumsum(np.bincount(column[kept], minlength=matrix.shape[1]))])
    some = csc_array((matrix.data[kept], matrix.indices[kept], start), shape=matrix.shape)
    shares = Relation(some, landing.shares.rows, landing.shares.columns)
    return landing._replace(shares=shares, strength=landing.strength[kept]), taken[kept]


def _with_listed(landing: Landing, zones: gpd.GeoSeries, listed: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Footprints as they are published: of a list of neighbourhoods, their union."""
    shapes, columns = landing.footprints.array.to_numpy().copy(), np.flatnonzero(listed)
    if len(columns):
        column, row = landing.by_area.matrix.tocsc()[:, columns].T.nonzero()
        lists = shapely.geometrycollections(zones.array.to_numpy()[row], indices=column)
        shapes[columns] = shapely.union_all(lists[:, None], axis=1)
    return np.asarray(shapes)


def _times(matrix: csc_array, factor: Floats) -> csc_array:
    return _on(matrix, matrix.data * factor)


def require_drivers(neighbourhoods: pd.DataFrame, effects: pd.DataFrame) -> None:
    """Refuse effects whose driver, or households, are missing or no number of 0 or more where people live.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Table by neighbourhood with population.
    effects : DataFrame
        Effects with driver and per.

    Raises
    ------
    InputError
        Every fault at once.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> require_drivers(four_zones(), four_actions().effects)
    """
    wanted = [("driver", d) for d in sorted(set(effects["driver"]) - {""})]
    wanted += [("per", "households")] if (effects["per"] == "household").any() else []
    known = neighbourhoods.columns.drop("geometry")
    faults = [
        finding("ES-EFFECT-COLUMN", "effects", column=column, value=name, hint=_columns_like(name, known))
        for column, name in wanted
        if name not in known
    ]
    faults += [f for _, name in wanted if name in known for f in _no_drivers(neighbourhoods, name)]
    if faults:
        raise InputError(faults)


def _columns_like(name: str, known: pd.Index) -> str:
    return "name it: households = …" if name == "households" else did_you_mean(name, known)


def _no_drivers(neighbourhoods: pd.DataFrame, name: str) -> list[Finding]:
    raw = neighbourhoods[name]
    numbers = pd.to_numeric(raw, errors="coerce")
    bad = raw.notna() & (numbers.isna() | (numbers < 0) | np.isinf(numbers))
    gaps = raw.isna() & (neighbourhoods["population"] > 0)
    codes = (("ES-DRIVER-NUMBER", bad), ("ES-EFFECT-COLUMN-MISSING", gaps))
    return [
        finding(
            code,
            "neighbourhoods",
            id=str(one),
            column=name,
            value="" if pd.isna(raw[one]) else str(raw[one]),
            name=name,
        )
        for code, rows in codes
        for one in neighbourhoods.index[rows]
    ]


class _Pairs(NamedTuple):
    """The stored pairs of the shares, and what an amount is spread by."""

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    share: Floats
    population: Floats
    households: Floats
    km2: Floats


def _of_person(pairs: _Pairs, driver: Floats) -> Floats:
    return pairs.share * driver


def _of_household(pairs: _Pairs, driver: Floats) -> Floats:
    return _per_head(pairs.share * pairs.households * driver, pairs)


def _of_km2(pairs: _Pairs, driver: Floats) -> Floats:
    return _per_head(pairs.km2 * driver, pairs)


def _of_total(pairs: _Pairs, driver: Floats) -> Floats:
    """Share a total out over the people in reach by the driver, which is people themselves unless named."""
    mass = np.where(pairs.population > 0, pairs.share * driver, 0.0)
    whole = np.bincount(pairs.column, weights=mass, minlength=int(pairs.column.max(initial=-1)) + 1)[pairs.column]
    return _per_head(np.divide(mass, whole, out=np.zeros(len(whole)), where=whole > 0), pairs)


def _per_head(amount: Floats, pairs: _Pairs) -> Floats:
    return np.divide(amount, pairs.population, out=np.zeros(len(amount)), where=pairs.population > 0)


SPREAD: Mapping[str, Callable[[_Pairs, Floats], Floats]] = MappingProxyType(
    {"person": _of_person, "household": _of_household, "km2": _of_km2, "total": _of_total}
)


def _per_unit(
    neighbourhoods: pd.DataFrame, effects: pd.DataFrame, landing: Landing, *, taken: Floats, areas: Floats
) -> csc_array:
    """Effect per person, for an amount of 1, on the pairs of the shares: what its basis spreads it by.

    A driver multiplies an amount per person, household or km²; it is what a total is shared out by. What fades
    with distance, and what not everybody takes up, is that much less.
    """
    pairs = _pairs(neighbourhoods, landing, landing.strength * taken, areas=areas)
    basis = effects["per"].to_numpy()[pairs.column]
    driver = np.where(basis == "total", pairs.population, 1.0)
    for name in sorted(set(effects["driver"]) - {""}):
        mine = (effects["driver"] == name).to_numpy()[pairs.column]
        driver[mine] = neighbourhoods[name].fillna(0.0).to_numpy(dtype=np.float64)[pairs.row[mine]]
    data = np.zeros(len(pairs.row))
    for per, spread in SPREAD.items():
        mine = basis == per
        data[mine] = spread(_Pairs(*(part[mine] for part in pairs)), driver[mine])
    return _on(landing.shares.matrix, data)


def _on(matrix: csc_array, data: Floats) -> csc_array:
    return csc_array((data, matrix.indices.copy(), matrix.indptr.copy()), shape=matrix.shape)


def _pairs(neighbourhoods: pd.DataFrame, landing: Landing, factor: Floats, *, areas: Floats) -> _Pairs:
    matrix = landing.shares.matrix
    row = matrix.indices.astype(np.intp)
    column = np.repeat(np.arange(matrix.shape[1], dtype=np.intp), np.diff(matrix.indptr))
    homes = neighbourhoods.get("households", neighbourhoods["population"] * np.nan)
    covered = np.asarray(landing.by_area.matrix[row, column]).ravel() if len(row) else np.empty(0)
    return _Pairs(
        row,
        column,
        matrix.data * factor,
        neighbourhoods["population"].to_numpy(dtype=np.float64)[row],
        homes.fillna(0.0).to_numpy(dtype=np.float64)[row],
        covered * factor * areas[row] / SQUARE_METRES_PER_KM2,
    )


def _outside(footprints: gpd.GeoSeries, by_area: Relation, zones: gpd.GeoSeries) -> pd.Series:
    inside = by_area.matrix.T @ shapely.area(zones.array)
    whole = shapely.area(footprints.array)
    share = np.divide(inside, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    outside = 1.0 - np.minimum(share, 1.0)
    return pd.Series(np.where(outside < SLIVER, 0.0, outside), index=footprints.index)


def _scopes(
    actions: pd.DataFrame, effects: pd.DataFrame, located: NDArray[np.bool_]
) -> dict[tuple[str, str], NDArray[np.intp]]:
    """Positions of the located effects by (scope, ledger); one stated to be none reaches nobody."""
    located = located & ~nothing_expected(effects)
    active = effects["action"].map(actions["active"]).eq(other=True).to_numpy(dtype=bool)
    scopes = {"active actions": located & active, "all actions": located}
    return {
        (scope, ledger): np.flatnonzero(mask & (effects["ledger"] == ledger).to_numpy())
        for scope, mask in scopes.items()
        for ledger in LEDGERS
    }


def _together(
    scopes: Mapping[tuple[str, str], NDArray[np.intp]], footprints: gpd.GeoSeries, hits: Hits | None
) -> Reach:
    """Union of the footprints, and of the points in reach, of each (scope, ledger)."""
    labels = pd.MultiIndex.from_tuples(list(scopes), names=["scope", "ledger"])
    unions = [shapely.union_all(footprints.array.to_numpy()[members]) for members in scopes.values()]
    reach = gpd.GeoSeries(unions, index=labels, crs=footprints.crs)
    if hits is None:
        return Reach(reach, None)
    pairs = [_any_hit(hits, members, i) for i, members in enumerate(scopes.values())]
    block, column = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return Reach(reach, (block, column))


def _once(
    space: Space, scopes: Mapping[tuple[str, str], NDArray[np.intp]], together: Reach, *, shares: Relation
) -> Relation:
    """Share of each neighbourhood's people in reach of at least one located effect, each once."""
    labels = together.footprints.index
    once = union_shares(space.zones, together.footprints)
    if together.hits is not None:
        by_points = point_shares(together.hits, space.blocks, labels=(shares.rows, labels))
        once = with_area_fallback(by_points, once, blocks=space.blocks)
    # Discs are drawn as polygons there, and exact in the shares: it is never less than the widest, or more than all.
    widest, all_of_them = union_range(shares.matrix, scopes.values())
    return Relation(csc_array(np.clip(once.matrix.toarray(), widest, all_of_them)), shares.rows, labels)


def drawing_error(ground: Ground, reach: gpd.GeoSeries) -> Floats:
    """Most of each neighbourhood that a disc drawn as a polygon may hold too much or too little.

    Between two corners a 256-gon leaves the circle by a ten-thousandth of its radius, at the most all along the border
    of the neighbourhood.

    Parameters
    ----------
    ground : Ground
        Neighbourhoods in the equal-area space.
    reach : GeoSeries
        Polygons there.

    Returns
    -------
    ndarray
        Shares of the neighbourhoods.

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, 0, 100, 100)], crs=3035)
    >>> nothing = Reach(zones, None)
    >>> drawing_error(Ground(zones, None, nothing, nothing), gpd.GeoSeries([shapely.box(0, 0, 2000, 1)])).tolist()
    [0.004]
    """
    bounds = shapely.bounds(reach.array.to_numpy())
    radius = float(np.nan_to_num((bounds[:, 2:] - bounds[:, :2]) / 2).max(initial=0.0))
    shapes = ground.zones.array.to_numpy()
    return np.asarray(DRAWN * radius * shapely.length(shapes) / shapely.area(shapes), dtype=np.float64)


def union_range(shares: csc_array, columns: Iterable[NDArray[np.intp]]) -> tuple[Floats, Floats]:
    """Least and most that unions of some columns can be: the widest of them, and all of them added up.

    Parameters
    ----------
    shares : csc_array, shape (neighbourhoods, effects)
        Shares [0–1].
    columns : iterable of ndarray of int
        Effects of each union.

    Returns
    -------
    tuple of ndarray, shape (neighbourhoods, unions)
        Shares [0–1].

    Examples
    --------
    >>> least, most = union_range(csc_array([[0.25, 0.5]]), [np.array([0, 1])])
    >>> least.tolist(), most.tolist()
    ([[0.5]], [[0.75]])
    """
    members = list(columns)
    bounds = np.zeros((2, shares.shape[0], len(members)))
    for i, mine in enumerate(members):
        if len(mine):
            bounds[0, :, i] = shares[:, mine].max(axis=1).toarray().ravel()
            bounds[1, :, i] = np.minimum(np.asarray(shares[:, mine].sum(axis=1)).ravel(), 1.0)
    return bounds[0], bounds[1]


def _any_hit(hits: Hits, members: NDArray[np.intp], position: int) -> Hits:
    blocks = np.unique(hits[0][np.isin(hits[1], members)])
    return blocks, np.full(len(blocks), position, dtype=np.intp)

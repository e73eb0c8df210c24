"""Neighbourhoods cut by other areas: results by any boundary layer, of the same people and adding up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from equity_screen.areas import SLIVER, area_shares, covering, point_shares, union_shares
from equity_screen.boundaries import Boundary
from equity_screen.crs import to_space
from equity_screen.errors import EquityScreenError
from equity_screen.overlay import Ground, Overlay, Reach, drawing_error
from equity_screen.people import Floats, People, quotient, with_everyone
from equity_screen.recipe import Group
from equity_screen.uptake import of_group, summed_by_group

NOWHERE = "(in none of them)"
ADDS_UP = 1e-9
# Share of a neighbourhood that rounding, and discs drawn as polygons, may leave between its parts and the whole.
HAIR = 5e-3


class Parts(NamedTuple):
    """Parts of neighbourhoods, each in one area or in none of them.

    ``zone`` and ``area`` are positions; an ``area`` past the last is none. ``share`` [0–1] is that of the
    neighbourhood's people (of its area where it has no population points). ``cut`` tells which parts are
    not a whole neighbourhood; ``shapes`` are the polygons of these, None for the others.
    """

    zone: NDArray[np.intp]
    area: NDArray[np.intp]
    share: Floats
    cut: NDArray[np.bool_]
    shapes: NDArray[np.object_]
    block: NDArray[np.intp]
    areas: int


def cut_by(ground: Ground, areas: gpd.GeoSeries) -> Parts:
    """Cut the neighbourhoods by areas.

    Parameters
    ----------
    ground : Ground
        Neighbourhoods and population points.
    areas : GeoSeries
        Polygons in any CRS, which overlap by no more than digitising noise.

    Returns
    -------
    Parts
        Their shares add to 1 in every neighbourhood.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones()
    >>> parts = cut_by(overlay(city, four_actions()).ground, city.geometry[["A", "B"]].to_crs(4326))
    >>> [(int(z), int(a)) for z, a, share in zip(parts.zone, parts.area, parts.share) if share > 0.01]
    [(0, 0), (1, 1), (2, 2), (3, 2)]
    """
    places = _apart(to_space(areas, ground.zones.crs).reset_index(drop=True))
    table = _by_area(ground, places)
    block = np.empty(0, dtype=np.intp)
    if ground.blocks is not None:
        inside = covering(ground.blocks.geometry.to_crs(ground.zones.crs), places).fillna(len(places))
        table, block = _by_points(table, ground.blocks, inside.to_numpy(dtype=np.intp))
    cut = table.duplicated("zone", keep=False).to_numpy()
    return Parts(
        table["zone"].to_numpy(dtype=np.intp),
        table["area"].to_numpy(dtype=np.intp),
        table["share"].to_numpy(dtype=np.float64),
        cut,
        _shapes(ground.zones, places, table, cut),
        block,
        len(places),
    )


def _apart(places: gpd.GeoSeries) -> gpd.GeoSeries:
    """Give ground that two areas claim to the one that comes first, as a point on a shared border is."""
    shapes = places.array.to_numpy().copy()
    later, first = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = (first < later) & ~shapely.touches(shapes[later], shapes[first])
    claims = pd.Series(shapes[first[pairs]]).groupby(later[pairs])
    for area, others in claims:
        shapes[area] = shapely.difference(places.iloc[area], shapely.union_all(others.to_numpy()))
    return gpd.GeoSeries(shapes, index=places.index, crs=places.crs)


def _by_area(ground: Ground, places: gpd.GeoSeries) -> pd.DataFrame:
    """Share of each neighbourhood's area in each area, and what is left of it in none."""
    pairs = area_shares(ground.zones.reset_index(drop=True), places).matrix.tocoo()
    whole = np.bincount(pairs.row, weights=pairs.data, minlength=len(ground.zones))
    over = np.maximum(whole, 1.0)
    rest = np.where(1.0 - whole > SLIVER, 1.0 - whole, 0.0)
    lone = np.flatnonzero((rest > 0) | (whole == 0))
    found = pd.DataFrame({"zone": pairs.row, "area": pairs.col, "share": pairs.data / over[pairs.row]})
    left = pd.DataFrame({"zone": lone, "area": len(places), "share": rest[lone]})
    return pd.concat([found, left], ignore_index=True).sort_values(["zone", "area"], ignore_index=True)


def _by_points(
    table: pd.DataFrame, blocks: gpd.GeoDataFrame, area: NDArray[np.intp]
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Share of the people at points, for neighbourhoods that have any; and the part that each point is in."""
    points = pd.DataFrame({"zone": blocks["zone"], "area": area, "people": blocks["people"]})
    people = points.groupby(["zone", "area"])["people"].sum()
    seen = points.groupby("zone")["people"].sum()
    both = table.set_index(["zone", "area"])["share"]
    both = both.reindex(both.index.union(people.index))
    zones = both.index.get_level_values("zone")
    counted = zones.isin(seen.index[seen > 0])
    by_points = people.reindex(both.index).fillna(0.0) / seen.reindex(zones).to_numpy()
    share = both.fillna(0.0).where(~counted, by_points)
    keys = pd.MultiIndex.from_frame(points[["zone", "area"]])
    return share.rename("share").reset_index(), both.index.get_indexer(keys).astype(np.intp)


def _shapes(
    zones: gpd.GeoSeries, places: gpd.GeoSeries, table: pd.DataFrame, cut: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Polygon of each part that is not a whole neighbourhood."""
    shapes = np.full(len(table), None, dtype=object)
    rows = np.flatnonzero(cut)
    zone, area = table["zone"].to_numpy()[rows], table["area"].to_numpy()[rows]
    named = area < len(places)
    whole, named_rows = zones.array.to_numpy(), rows[named]
    shapes[named_rows] = shapely.intersection(whole[zone[named]], places.array.to_numpy()[area[named]])
    union = shapely.union_all(places.array.to_numpy()) if (~named).any() else None
    shapes[rows[~named]] = shapely.difference(whole[zone[~named]], union) if union is not None else None
    return shapes


def reach_in(parts: Parts, reach: Reach, *, whole: csc_array, ground: Ground) -> csr_array:
    """Share of each part's people in reach of each column.

    Parameters
    ----------
    parts : Parts
        Parts of neighbourhoods.
    reach : Reach
        Where the columns land.
    whole : csc_array, shape (neighbourhoods, columns)
        Share of each neighbourhood's people in reach: 0 and 1 hold for all of its parts.
    ground : Ground
        Neighbourhoods and population points.

    Returns
    -------
    csr_array, shape (parts, columns)
        Shares [0–1].

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones()
    >>> laid = overlay(city, four_actions())
    >>> parts = cut_by(laid.ground, city.geometry[["A", "C"]])
    >>> reach_in(parts, laid.ground.effects, whole=laid.shares.matrix, ground=laid.ground).toarray()[:, -1].tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    base = csr_array(whole)[parts.zone]
    partly = base.copy()
    owner = np.repeat(np.arange(len(parts.zone)), np.diff(base.indptr))
    partly.data = ((base.data < 1.0) & parts.cut[owner]).astype(np.float64)
    if not partly.data.any():
        return base
    kept = base.copy()
    kept.data = np.where(partly.data > 0, 0.0, base.data)
    partly.eliminate_zeros()
    reached = csr_array(kept + partly.multiply(_measured(parts, reach, ground)))
    return _settled(parts, reached, whole, hair=drawing_error(ground, reach.footprints))


def _settled(parts: Parts, reached: csr_array, whole: csc_array, *, hair: Floats) -> csr_array:
    """Take off what rounding and drawing left between the parts of a neighbourhood and the whole of it: a hair."""
    zones = whole.shape[0]
    gather = csr_array((parts.share, (parts.zone, np.arange(len(parts.zone)))), shape=(zones, len(parts.zone)))
    pairs = whole.tocoo()
    held = _picked(csr_array(gather @ reached), pairs.row, pairs.col)
    if (np.abs(held - pairs.data) > HAIR + hair[pairs.row]).any():
        msg = "the parts of a neighbourhood do not add up to it; please report this as a bug"
        raise EquityScreenError(msg)
    lost = held == 0
    largest = np.full(zones, -1, dtype=np.intp)
    order = np.argsort(parts.share, kind="stable")
    largest[parts.zone[order]] = order
    home = largest[pairs.row[lost]]
    back = csr_array((pairs.data[lost] / parts.share[home], (home, pairs.col[lost])), shape=reached.shape)
    return csr_array(_evened(parts, reached, whole) + back)


def _evened(parts: Parts, reached: csr_array, whole: csc_array) -> csr_array:
    """Give the parts of a neighbourhood exactly its share.

    Those that lie partly in reach give or take, so that no part is reached more than whole; of others all do.
    """
    pairs = reached.tocoo()
    zone, share, data = parts.zone[pairs.row], parts.share[pairs.row], pairs.data
    some = (data > 0) & (data < 1)
    full, held, room = (
        _picked(csr_array((share * mass, (zone, pairs.col)), shape=whole.shape), zone, pairs.col)
        for mass in (np.where(some, 0.0, data), np.where(some, data, 0.0), some)
    )
    goal = _picked(csr_array(whole), zone, pairs.col)
    left = goal - full
    fewer, more = quotient(left, held) * data, 1.0 - (1.0 - data) * quotient(room - left, room - held)
    fits = (held > 0) & (left >= 0) & (left <= room)
    evened = np.where(some, np.where(left <= held, fewer, more), data)
    every = data * np.nan_to_num(quotient(goal, full + held))
    return csr_array((np.where(fits, evened, every), (pairs.row, pairs.col)), shape=reached.shape)


def _measured(parts: Parts, reach: Reach, ground: Ground) -> csr_array:
    """Share of each cut part in reach: of its population points, or of its area where its neighbourhood has none."""
    rows = pd.RangeIndex(len(parts.zone))
    shapes = np.where(parts.cut, parts.shapes, shapely.from_wkt("POLYGON EMPTY"))
    areal = gpd.GeoSeries(shapes, index=rows, crs=ground.zones.crs)
    by_area = union_shares(areal, reach.footprints).matrix
    if reach.hits is None or ground.blocks is None:
        return csr_array(by_area)
    blocks = ground.blocks.assign(zone=parts.block)
    by_points = point_shares(reach.hits, blocks, labels=(rows, reach.footprints.index)).matrix
    peopled = np.bincount(ground.blocks["zone"], weights=ground.blocks["people"], minlength=len(ground.zones)) > 0
    seen = peopled[parts.zone]
    return csr_array(by_points.multiply(seen[:, None]) + by_area.multiply(~seen[:, None]))


def inside_shares(parts: Parts, reached: csr_array, *, whole: csc_array) -> csc_array:
    """Of the people of a neighbourhood in reach of a column, the share who live in any of the areas.

    Parameters
    ----------
    parts : Parts
        Parts of neighbourhoods.
    reached : csr_array, shape (parts, columns)
        Share of each part's people in reach.
    whole : csc_array, shape (neighbourhoods, columns)
        Share of each neighbourhood's people in reach.

    Returns
    -------
    csc_array, shape (neighbourhoods, columns)
        Shares [0–1] on the pairs of ``whole``.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones()
    >>> laid = overlay(city, four_actions())
    >>> parts, whole = cut_by(laid.ground, city.geometry[["A"]]), laid.shares.matrix
    >>> reached = reach_in(parts, laid.ground.effects, whole=whole, ground=laid.ground)
    >>> inside_shares(parts, reached, whole=whole).toarray()[:, -1].tolist()
    [1.0, 0.0, 0.0, 0.0]
    """
    weights = np.where(parts.area < parts.areas, parts.share, 0.0)
    gather = csr_array((weights, (parts.zone, np.arange(len(parts.zone)))), shape=(whole.shape[0], len(parts.zone)))
    inside = csr_array(gather @ reached)
    column = np.repeat(np.arange(whole.shape[1]), np.diff(whole.indptr))
    held = _picked(inside, whole.indices, column)
    share = np.clip(quotient(held, whole.data), 0.0, 1.0)
    return csc_array((share, whole.indices.copy(), whole.indptr.copy()), shape=whole.shape)


def _picked(matrix: csr_array, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """Take single values out of a sparse matrix; of no pairs scipy gives a sparse array."""
    return np.asarray(matrix[rows, columns], dtype=np.float64).ravel() if len(rows) else np.empty(0)


def share_inside(parts: Parts, neighbourhoods: int) -> Floats:
    """Share of each neighbourhood's people who live in any of the areas.

    Parameters
    ----------
    parts : Parts
        Parts of neighbourhoods.
    neighbourhoods : int
        Number of neighbourhoods.

    Returns
    -------
    ndarray
        Shares [0–1].

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones()
    >>> share_inside(cut_by(overlay(city, four_actions()).ground, city.geometry[["A"]]), 4).tolist()
    [1.0, 0.0, 0.0, 0.0]
    """
    weights = np.where(parts.area < parts.areas, parts.share, 0.0)
    return np.minimum(np.bincount(parts.zone, weights=weights, minlength=neighbourhoods), 1.0)


class ByBoundary(NamedTuple):
    """Results by the areas of boundary layers: people counted once, and each effect."""

    once: pd.DataFrame
    effects: pd.DataFrame


ONCE = (
    *("boundary", "area", "name", "scope", "ledger", "group", "label", "people", "people_reached", "reached_share"),
)
EFFECTS = (
    *("boundary", "area", "name", "action", "ledger", "effect", "unit", "group", "label"),
    *("people_reached", "total"),
)


def by_boundary(
    laid: Overlay,
    effects: pd.DataFrame,
    *,
    people: People,
    groups: Mapping[str, Group],
    boundaries: Mapping[str, Boundary],
) -> ByBoundary:
    r"""Give the results by the areas of each boundary layer, and by what lies in none of them.

    A neighbourhood cut by a border is counted part by part: its population points, or its area, in the area
    *and* in reach, over those in the area. Its groups are taken to be spread over it as everyone is.

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
    boundaries : mapping of str to Boundary
        Layers of named areas.

    Returns
    -------
    ByBoundary
        ``once``: a row for each boundary, area, scope, ledger and group, people in reach counted once, but for
        ledgers in which nothing that has a place was assessed;
        ``effects``: a row for each boundary, area, effect and group that anybody there is reached by. Both add
        up to the city.

    Raises
    ------
    EquityScreenError
        Where they do not add up to the city to 1e-9.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> south = Boundary("Banks", gpd.GeoDataFrame({"name": ["South"]}, index=["S"],
    ...                  geometry=[shapely.union_all(city.geometry[["A", "B"]].array)], crs=city.crs))
    >>> found = by_boundary(overlay(city, plan), plan.effects, people=people_of(city), groups={},
    ...                     boundaries={"bank": south})
    >>> everyone = found.once[(found.once["group"] == "everyone") & (found.once["scope"] == "active actions")]
    >>> everyone[["name", "ledger", "people"]].values.tolist()[::2]
    [['South', 'benefit', 300.0], ['(in none of them)', 'benefit', 700.0]]
    """
    whole = with_everyone(people)
    labels = ["Everyone", *(groups[n].label if n in groups else n for n in people.names)]
    tables = [
        _one_boundary(laid, effects, whole, boundary=boundary).labelled(name, boundary, labels)
        for name, boundary in boundaries.items()
    ]
    once, each = (
        pd.concat([t[i] for t in tables], ignore_index=True) if tables else pd.DataFrame(columns=list(columns))
        for i, columns in enumerate((ONCE, EFFECTS))
    )
    return ByBoundary(once[list(ONCE)], each[list(EFFECTS)])


class _Found(NamedTuple):
    """Figures of one layer by area (the last for what is in none), column and group; by effect they are sparse."""

    people: Floats
    reached_once: Floats
    reached: tuple[csr_array, ...]
    total: tuple[csr_array, ...]
    laid: Overlay
    effects: pd.DataFrame
    names: tuple[str, ...]
    known: bool

    def labelled(self, boundary: str, layer: Boundary, labels: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Make the two tables, by people counted once and by effect."""
        ids = [*layer.areas.index.astype(str), ""]
        names = [*layer.areas["name"].astype(str), NOWHERE]
        keys = pd.DataFrame({"boundary": boundary, "area": ids, "name": names})
        return self._once(keys, labels), self._effects(keys, labels)

    def _grid(self, keys: pd.DataFrame, columns: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
        groups = pd.DataFrame({"group": list(self.names), "label": labels})
        return keys.merge(columns, how="cross").merge(groups, how="cross")

    def _once(self, keys: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
        table = self._grid(keys, self.laid.once.columns.to_frame(index=False), labels)
        people = np.broadcast_to(self.people[:, None, :], self.reached_once.shape).ravel()
        table = table.assign(people=people, people_reached=self.reached_once.ravel())
        counted = np.repeat([len(m) > 0 for m in self.laid.members.values()], len(labels))
        kept = np.tile(counted, len(keys)) & ((table["area"] != "") | (people > 0)) & self.known
        return table.assign(reached_share=quotient(table["people_reached"].to_numpy(), people))[kept]

    def _effects(self, keys: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
        area, column = self.reached[0].nonzero()
        order = np.lexsort((column, area))
        area, column = area[order], column[order]
        about = self.effects[["action", "ledger", "effect", "unit"]].iloc[column].reset_index(drop=True)
        pairs = pd.concat([keys.iloc[area].reset_index(drop=True), about], axis=1)
        table = pairs.merge(pd.DataFrame({"group": list(self.names), "label": labels}), how="cross")
        values = {"people_reached": self.reached, "total": self.total}
        return table.assign(
            **{
                name: np.column_stack([_picked(m, area, column) for m in groups]).ravel()
                for name, groups in values.items()
            }
        )


def _one_boundary(laid: Overlay, effects: pd.DataFrame, people: People, *, boundary: Boundary) -> _Found:
    parts = parts_of(laid.ground, boundary)
    gather = csr_array(
        (np.ones(len(parts.zone)), (parts.area, np.arange(len(parts.zone)))), shape=(parts.areas + 1, len(parts.zone))
    )
    homes = people.groups[parts.zone] * parts.share[:, None]
    once = reach_in(parts, laid.ground.once, whole=laid.once.matrix, ground=laid.ground)
    landed = reach_in(parts, laid.ground.effects, whole=laid.landed, ground=laid.ground)
    reached, doses = zip(*_of_groups(laid, parts, landed, names=people.names), strict=True)
    found = _Found(
        gather @ homes,
        np.stack([m.toarray() for m in _by_area_and_group(gather, [once] * len(people.names), homes)], axis=-1),
        _by_area_and_group(gather, reached, homes),
        _by_area_and_group(gather, doses, homes),
        laid,
        effects,
        people.names,
        people.known,
    )
    _must_add_up(found, laid, people)
    return found


def parts_of(ground: Ground, boundary: Boundary) -> Parts:
    """Cut the neighbourhoods by a boundary layer, or put them together by a column that is one.

    Parameters
    ----------
    ground : Ground
        Neighbourhoods and population points.
    boundary : Boundary
        Named areas.

    Returns
    -------
    Parts
        Their shares add to 1 in every neighbourhood.

    Examples
    --------
    >>> from equity_screen.boundaries import as_boundary
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city = four_zones()
    >>> parts_of(overlay(city, four_actions()).ground, as_boundary(city, "zone")).area.tolist()
    [0, 1, 2, 3]
    """
    if boundary.members is None:
        return cut_by(ground, boundary.areas.geometry)
    area = boundary.areas.index.get_indexer(boundary.members.reindex(ground.zones.index))
    count, zones = len(boundary.areas), len(ground.zones)
    whole = np.zeros(zones, dtype=bool)
    nothing = np.full(zones, None, dtype=object)
    area = np.where(area < 0, count, area).astype(np.intp)
    return Parts(np.arange(zones), area, np.ones(zones), whole, nothing, np.empty(0, dtype=np.intp), count)


def _of_groups(
    laid: Overlay, parts: Parts, landed: csr_array, *, names: tuple[str, ...]
) -> list[tuple[csr_array, ...]]:
    """Give each group's share of each part who take an effect up, and what a person of it receives there.

    What a neighbourhood receives goes to those of it who are in reach.
    """
    rates = laid.rates_of(names)
    if np.isnan(rates).all():
        return [_on_parts(parts, landed, laid.landed, laid.shares.matrix, laid.per_person.matrix)] * len(names)
    return [
        _on_parts(
            parts,
            landed,
            laid.landed,
            of_group(laid.shares.matrix, laid.landed, rate=rate),
            of_group(laid.per_person.matrix, laid.landed_doses, rate=rate),
        )
        for rate in rates.T
    ]


def _on_parts(parts: Parts, landed: csr_array, whole: csc_array, *of_zones: csc_array) -> tuple[csr_array, ...]:
    """Give parts what their neighbourhoods have, by how much of each is in reach."""
    found = []
    for matrix in of_zones:
        per_reached = matrix.copy()
        per_reached.data = quotient(matrix.data, whole.data)
        found.append(csr_array(landed.multiply(csr_array(per_reached)[parts.zone])))
    return tuple(found)


def _by_area_and_group(gather: csr_array, of_groups: Sequence[csr_array], homes: Floats) -> tuple[csr_array, ...]:
    """Sum over the parts of each area: people of each group times their share or dose."""
    return tuple(csr_array(gather @ part.multiply(homes[:, [g]]).tocsr()) for g, part in enumerate(of_groups))


def _must_add_up(found: _Found, laid: Overlay, people: People) -> None:
    """Refuse results by areas that are not those of the city."""
    reached, total = (np.column_stack([m.sum(axis=0) for m in groups]) for groups in (found.reached, found.total))
    summed = partial(summed_by_group, rates=laid.rates_of(people.names), people=people.groups)
    cases = [
        ("people", found.people.sum(axis=0), people.groups.sum(axis=0)),
        ("people reached once", found.reached_once.sum(axis=0), laid.once.matrix.T @ people.groups),
        ("people reached", reached, summed(laid.shares.matrix, laid.landed)),
        ("totals", total, summed(laid.per_person.matrix, laid.landed_doses)),
    ]
    for what, parts, city in cases:
        if not np.allclose(parts, city, rtol=ADDS_UP, atol=ADDS_UP, equal_nan=True):
            msg = f"the {what} by areas do not add up to the city; please report this as a bug"
            raise EquityScreenError(msg)

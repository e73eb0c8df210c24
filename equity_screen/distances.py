"""Distance from where people live to the nearest action: by group, at every distance, and where a finding holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from equity_screen.atoms import nothing_placed
from equity_screen.crs import clusters, measure_of, to_space
from equity_screen.overlay import Ground, Overlay
from equity_screen.people import EVERYONE, NO_PEOPLE, Floats, People, quotient, with_everyone
from equity_screen.proximity import nearest
from equity_screen.recipe import Group
from equity_screen.stored_points import point_store
from equity_screen.text import number_text

LATTICE = 64
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
EXACT = 1e-12
# Shares are told to a tenth of a per cent: groups that differ by less are told alike.
ALIKE = 1e-3
# So few live nearest, and farthest, that shares alike among them do not end a finding in words.
FEW = 0.01
NO_GROUP = "the group has no people here"
NO_ACTION = "no action has a place"
Integers = NDArray[np.intp]


class Near(NamedTuple):
    """Nearest action by place where people live, from :func:`nearest_distances`; or why there is none."""

    table: pd.DataFrame
    undefined: str


def homes_of(ground: Ground, *, lattice: int = LATTICE) -> gpd.GeoDataFrame:
    """Places where the people of each neighbourhood live: its population points, or a lattice over its area.

    Parameters
    ----------
    ground : Ground
        Neighbourhoods and population points.
    lattice : int
        About how many points stand for a neighbourhood without population points: the middles of equal cells of
        its box, nearly square, that lie in it.

    Returns
    -------
    GeoDataFrame
        In the equal-area space: zone (position), share of the neighbourhood's people [0–1], sampled (number of the
        lattice's points in the neighbourhood; 0 for population points).

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, 0, 2, 2), shapely.box(2, 0, 3, 1)], crs=3035)
    >>> from equity_screen.overlay import Reach
    >>> homes = homes_of(Ground(zones, None, Reach(zones, None), Reach(zones, None)), lattice=4)
    >>> homes.geometry.x.tolist(), homes["share"].unique().tolist()
    ([0.5, 1.5, 0.5, 1.5, 2.25, 2.75, 2.25, 2.75], [0.25])
    """
    peopled = np.zeros(len(ground.zones), dtype=bool)
    parts = []
    if ground.blocks is not None:
        blocks = ground.blocks[ground.blocks["people"] > 0]
        zone = blocks["zone"].to_numpy(dtype=np.intp)
        peopled[zone] = True
        share = blocks["people"] / np.bincount(zone, weights=blocks["people"])[zone]
        points = blocks.geometry.to_crs(ground.zones.crs).array
        parts.append(gpd.GeoDataFrame({"zone": zone, "share": share.to_numpy(), "sampled": 0}, geometry=points))
    bare = np.flatnonzero(~peopled)
    zone, places = _lattice(ground.zones.array.to_numpy()[bare], lattice)
    number = np.bincount(zone, minlength=len(bare))[zone]
    table = {"zone": bare[zone], "share": 1.0 / number, "sampled": number}
    parts.append(gpd.GeoDataFrame(table, geometry=places, crs=ground.zones.crs))
    return pd.concat([part for part in parts if len(part)] or parts[-1:], ignore_index=True)


def _lattice(shapes: NDArray[np.object_], number: int) -> tuple[Integers, NDArray[np.object_]]:
    """Points of a lattice that lie in each shape; one on its surface where none does."""
    side = np.sqrt(shapely.area(shapes) / number)
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    across, up = (np.maximum(np.rint(length / side), 1).astype(np.intp) for length in (east - west, north - south))
    which = np.repeat(np.arange(len(shapes)), across * up)
    place = np.arange(len(which)) - np.repeat(np.cumsum(across * up) - across * up, across * up)
    x = west[which] + ((east - west) / across)[which] * (place % across[which] + 0.5)
    y = south[which] + ((north - south) / up)[which] * (place // across[which] + 0.5)
    shapely.prepare(shapes)
    kept = shapely.contains_xy(shapes[which], x, y)
    lone = np.flatnonzero(np.bincount(which[kept], minlength=len(shapes)) == 0)
    zone = np.concatenate([which[kept], lone])
    points = np.concatenate([shapely.points(x[kept], y[kept]), shapely.point_on_surface(shapes[lone])])
    order = np.argsort(zone, kind="stable")
    return zone[order], points[order]


def nearest_actions(places: gpd.GeoSeries, shapes: gpd.GeoSeries) -> pd.DataFrame:
    """Nearest action and its distance for each place.

    Points to points are measured along the ellipsoid; others in azimuthal equidistant spaces of cells of 100 km of the
    places, to every shape wherever it lies: within 0.01 % of the distance on the ellipsoid.

    Parameters
    ----------
    places : GeoSeries
        Geometry of any kind with a CRS.
    shapes : GeoSeries
        Actions by id: points, lines or polygons with a CRS; those that are empty or missing are near nothing.

    Returns
    -------
    DataFrame
        On the places' index: distance_m [m], 0 for a place inside or touching, and action, of equally near ones
        the first by its id; NaN and ``""`` where no action has a shape.

    Examples
    --------
    >>> homes = gpd.GeoSeries.from_xy([500_000, 503_000], [6_200_000, 6_200_000], crs=25832)
    >>> shapes = gpd.GeoSeries([shapely.Point(504_000, 6_200_000)], index=["P"], crs=25832)
    >>> nearest_actions(homes, shapes)["distance_m"].round(-1).tolist()
    [4000.0, 1000.0]
    """
    placed = shapes[~(shapes.is_empty | shapes.isna())]
    placed = placed.iloc[np.argsort(placed.index.astype(str), kind="stable")]
    distance, action = np.full(len(places), np.nan), np.full(len(places), "", dtype=object)
    if _all_points(places) and _all_points(placed) and len(placed) and len(places):
        found = nearest(point_store(placed, pd.DataFrame(index=placed.index)), places)
        distance, action = found.distance_m, placed.index.to_numpy()[found.place]
    elif len(placed) and len(places):
        for crs, rows in clusters(places, measure_of(places)):
            tree = shapely.STRtree(to_space(placed, crs).array.to_numpy())
            near, length = _nearest(tree, to_space(places.iloc[rows], crs).array.to_numpy())
            distance[rows], action[rows] = length, placed.index.to_numpy()[near]
    return pd.DataFrame({"distance_m": distance, "action": action}, index=places.index)


def _all_points(shapes: gpd.GeoSeries) -> bool:
    return bool((shapes.geom_type == "Point").all())


def _nearest(tree: shapely.STRtree, places: NDArray[np.object_]) -> tuple[Integers, Floats]:
    """Nearest shape of each place, the first of equally near ones."""
    (place, shape), length = tree.query_nearest(places, return_distance=True)
    order = np.lexsort((shape, place))
    first = order[np.flatnonzero(np.diff(place[order], prepend=-1))]
    return shape[first], length[first]


def nearest_distances(homes: gpd.GeoDataFrame, shapes: gpd.GeoSeries, *, people: People) -> pd.DataFrame:
    """Distance to the nearest action for each place where people live.

    Parameters
    ----------
    homes : GeoDataFrame
        From :func:`homes_of`.
    shapes : GeoSeries
        Actions by id, as in :func:`nearest_actions`.
    people : People
        People by neighbourhood.

    Returns
    -------
    DataFrame
        One row for each place: zone (position), share of its people [0–1], sampled, people, distance_m [m], action.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> homes = homes_of(overlay(city, plan).ground, lattice=1)
    >>> table = nearest_distances(homes, plan.actions.geometry[["WEST"]], people=people_of(city))
    >>> table["people"].tolist(), table["distance_m"].round(-1).tolist()
    ([100.0, 200.0, 300.0, 400.0], [0.0, 500.0, 0.0, 500.0])
    """
    near = nearest_actions(homes.geometry, shapes)
    table = pd.DataFrame(homes[["zone", "share", "sampled"]])
    counted = people.population[table["zone"]] if people.known else np.nan
    return table.assign(people=table["share"] * counted, distance_m=near["distance_m"], action=near["action"])


def distances_by_ledger(
    laid: Overlay, actions: gpd.GeoDataFrame, *, people: People, lattice: int = LATTICE
) -> dict[tuple[str, str], Near]:
    """Distance to the nearest action of each scope and ledger for each place where people live.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    actions : GeoDataFrame
        Actions of the plan.
    people : People
        People by neighbourhood.
    lattice : int
        About how many points stand for a neighbourhood without population points.

    Returns
    -------
    dict of (scope, ledger) to Near
        Distances to the places of the actions themselves, not to what they reach; where there is none, the reason.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> near = distances_by_ledger(overlay(city, plan), plan.actions, people=people_of(city), lattice=1)
    >>> near["active actions", "burden"].table["distance_m"].round(-1).tolist()
    [500.0, 0.0, 500.0, 0.0]
    """
    homes, shapes = homes_of(laid.ground, lattice=lattice), places_of(laid, actions)
    keys, said = _ids(laid), nothing_placed(laid)
    tables = {
        ids: nearest_distances(homes, shapes.loc[list(ids)], people=people) for ids in dict.fromkeys(keys.values())
    }
    return {key: Near(tables[ids], _why(tables[ids], said[key])) for key, ids in keys.items()}


def places_of(laid: Overlay, actions: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Place of each action: its own; else what its effects reach, where nobody drew it the neighbourhoods listed.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    actions : GeoDataFrame
        Actions of the plan.

    Returns
    -------
    GeoSeries
        By action, in the CRS of the actions; missing for those without a place.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> plan = four_actions()
    >>> shapes = plan.actions.geometry.where(plan.actions.index == "WEST")
    >>> undrawn = plan._replace(actions=plan.actions.set_geometry(shapes))
    >>> (places_of(overlay(four_zones(), undrawn), undrawn.actions).area / 1e6).round(3)[["EAST", "WEST"]].tolist()
    [2.0, 2.0]
    """
    own = actions.geometry
    missing = own.index[own.isna() | own.is_empty]
    names, drawn = laid.shares.columns.get_level_values("action"), laid.ground.effects.footprints
    placed = np.isin(np.arange(len(names)), np.concatenate([[], *laid.members.values()]))
    reach = gpd.GeoSeries(drawn.array, index=names)[placed & ~drawn.is_empty.to_numpy()]
    pairs = laid.shares.matrix.tocoo()
    listed = gpd.GeoSeries(laid.ground.zones.array[pairs.row], index=names[pairs.col])
    listed = listed[(pairs.data >= 1.0) & placed[pairs.col] & ~listed.index.isin(reach.index)]
    both = pd.concat([part[part.index.isin(missing)] for part in (reach, listed)])
    if both.empty:
        return own
    found = gpd.GeoDataFrame(geometry=both).dissolve(level=0).geometry.to_crs(own.crs)
    return own.where(~own.index.isin(found.index), found.reindex(own.index))


def _ids(laid: Overlay) -> dict[tuple[str, str], tuple[str, ...]]:
    """Actions of each scope and ledger that have a place."""
    names = laid.shares.columns.get_level_values("action")
    return {key: tuple(sorted(set(names[members]))) for key, members in laid.members.items()}


def _why(table: pd.DataFrame, said: str) -> str:
    if said:
        return said
    return NO_ACTION if table["distance_m"].isna().all() else ""


def nearest_by_ledger(laid: Overlay, actions: gpd.GeoDataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Nearest action of each scope and ledger to each neighbourhood, from border to border.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    actions : GeoDataFrame
        Actions of the plan.

    Returns
    -------
    dict of (scope, ledger) to DataFrame
        By neighbourhood: distance_m [m], 0 where an action lies in it or touches it, and action.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> plan = four_actions()
    >>> near = nearest_by_ledger(overlay(four_zones(), plan), plan.actions)
    >>> near["active actions", "burden"]["action"].tolist()
    ['EAST', 'EAST', 'EAST', 'EAST']
    """
    keys, zones, shapes = _ids(laid), laid.ground.zones, places_of(laid, actions)
    tables = {ids: nearest_actions(zones, shapes.loc[list(ids)]) for ids in dict.fromkeys(keys.values())}
    return {key: tables[ids] for key, ids in keys.items()}


class _Curve(NamedTuple):
    """Share of each group (columns) within each distinct distance, and the mean distance; NaN where unknown."""

    levels: Floats
    within: Floats
    mean: Floats

    def share(self, distances: Floats) -> Floats:
        """Share of each group at most so far away: one exactly as far is within."""
        place = np.searchsorted(self.levels, distances, side="right")
        return np.vstack([self.none, self.within])[place]

    @property
    def none(self) -> Floats:
        """Share of each group within less than the least distance: 0, or NaN where that is unknown."""
        return np.where(np.isnan(self.mean), np.nan, 0.0)[None, :]

    def quantile(self, q: float) -> Floats:
        """Least distance within which a share q of the group lives; a hair of rounding is forgiven."""
        if not len(self.levels):
            return np.full(len(self.mean), np.nan)
        place = (self.within < q - EXACT).sum(axis=0)
        return np.where(np.isnan(self.mean), np.nan, self.levels[np.minimum(place, len(self.levels) - 1)])


def _curve(near: Near, people: People) -> _Curve:
    """Exact distribution of the distance, over the groups' people at each place."""
    groups, table = with_everyone(people).groups, near.table
    if near.undefined or not people.known or not len(table):
        return _Curve(np.empty(0), np.empty((0, groups.shape[1])), np.full(groups.shape[1], np.nan))
    zone, share, distance = (table[name].to_numpy() for name in ("zone", "share", "distance_m"))
    levels, level = np.unique(distance, return_inverse=True)
    shape = (len(levels), len(groups))
    mass = csr_array((share, (level, zone)), shape=shape) @ groups
    total = mass.sum(axis=0)
    within = quotient(np.cumsum(mass, axis=0), total)
    # The last is everybody, whatever rounding left of the sum.
    within[-1] = np.where(total > 0, 1.0, np.nan)
    return _Curve(levels, within, quotient(levels @ mass, total))


def distances_by_group(
    near: Mapping[tuple[str, str], Near],
    people: People,
    *,
    groups: Mapping[str, Group],
    within: Sequence[float] = (400.0, 800.0),
) -> pd.DataFrame:
    """Distance to the nearest action by group: mean, quantiles, and the share within given distances.

    Everyone at a place is taken for a mix of the groups like that of the neighbourhood. A quantile q is the least
    distance within which a share of at least q of the group lives: one that occurs, never one between two.

    Parameters
    ----------
    near : mapping of (scope, ledger) to Near
        From :func:`distances_by_ledger`.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.
    within : sequence of float
        Distances [m]; a place exactly as far is within.

    Returns
    -------
    DataFrame
        One row for each scope, ledger and group, everyone first: people, mean_m, p10_m, p25_m, median_m, p75_m,
        p90_m [m], within_<distance>_m [0–1], sampled (share of the group's people whose places are points of a
        lattice), undefined.

    Examples
    --------
    >>> table = pd.DataFrame({"zone": [0, 0, 1], "share": [0.5, 0.5, 1.0], "sampled": 0,
    ...                       "distance_m": [100.0, 300.0, 500.0]})
    >>> people = People(np.array([20.0, 10.0]), np.array([[2.0], [8.0]]), np.array([[20.0], [10.0]]), ("low",))
    >>> found = distances_by_group({("all actions", "benefit"): Near(table, "")}, people, groups={}, within=[300])
    >>> found[["group", "mean_m", "median_m", "within_300_m"]].round(3).values.tolist()
    [['everyone', 300.0, 300.0, 0.667], ['low', 440.0, 500.0, 0.2]]
    """
    whole = with_everyone(people)
    count = whole.groups.sum(axis=0)
    tables = []
    for key, one in near.items():
        curve = _curve(one, people)
        p10, p25, median, p75, p90 = (curve.quantile(q) for q in QUANTILES)
        numbers = {"mean_m": curve.mean, "p10_m": p10, "p25_m": p25, "median_m": median, "p75_m": p75, "p90_m": p90}
        shares = curve.share(np.asarray(within, dtype=np.float64))
        numbers |= {f"within_{d:g}_m": share for d, share in zip(within, shares, strict=True)}
        rows = _rows(key, one, people, groups=groups).assign(people=count, **numbers)
        tables.append(rows.assign(sampled=quotient(_sampled(one.table, whole.groups), count)))
    return _joined(tables)


def _sampled(table: pd.DataFrame, groups: Floats) -> Floats:
    drawn = np.zeros(len(groups), dtype=bool)
    drawn[table.loc[table["sampled"] > 0, "zone"]] = True
    return np.asarray(groups[drawn].sum(axis=0), dtype=np.float64)


def _rows(key: tuple[str, str], near: Near, people: People, *, groups: Mapping[str, Group]) -> pd.DataFrame:
    """Rows for each group, everyone first, with the reason why there are no numbers."""
    names = (EVERYONE, *people.names)
    labels = ["Everyone", *(groups[n].label if n in groups else n for n in people.names)]
    nobody = with_everyone(people).groups.sum(axis=0) == 0
    said = near.undefined if people.known else NO_PEOPLE
    undefined = np.full(len(names), said, dtype=object) if said else np.where(nobody, NO_GROUP, "")
    return pd.DataFrame(
        {"scope": key[0], "ledger": key[1], "group": names, "label": labels, "undefined": undefined.astype(object)}
    )


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Put tables below one another, the reason last."""
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["undefined"])
    return found[[*found.columns.drop("undefined"), "undefined"]]


def distance_curve(
    near: Mapping[tuple[str, str], Near], people: People, *, groups: Mapping[str, Group], distances: Sequence[float]
) -> pd.DataFrame:
    """Share of each group that lives within each of many distances of an action.

    Parameters
    ----------
    near : mapping of (scope, ledger) to Near
        From :func:`distances_by_ledger`.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.
    distances : sequence of float
        Distances [m].

    Returns
    -------
    DataFrame
        One row for each scope, ledger, group and distance: distance_m, share [0–1], undefined.

    Examples
    --------
    >>> table = pd.DataFrame({"zone": [0, 1], "share": 1.0, "sampled": 0, "distance_m": [100.0, 500.0]})
    >>> people = People(np.array([20.0, 20.0]), np.empty((2, 0)), np.empty((2, 0)), ())
    >>> near = {("all actions", "benefit"): Near(table, "")}
    >>> distance_curve(near, people, groups={}, distances=[0, 100, 500])["share"].tolist()
    [0.0, 0.5, 1.0]
    """
    grid = np.asarray(distances, dtype=np.float64)
    tables = []
    for key, one in near.items():
        rows = _rows(key, one, people, groups=groups).merge(pd.DataFrame({"distance_m": grid}), how="cross")
        tables.append(rows.assign(share=_curve(one, people).share(grid).T.ravel()))
    return _joined(tables)


def holds_between(
    near: Mapping[tuple[str, str], Near], people: People, *, groups: Mapping[str, Group], distance_m: float
) -> pd.DataFrame:
    """Range of distances over which a finding made at one distance holds: which group has more people within.

    The share of a group within a distance is compared with that of everyone, at every distance that occurs: a
    group has a larger share, a smaller one, or the same, where they differ by less than 0.1 percentage points. The
    finding holds from ``from_m``, inclusive, to ``to_m``, exclusive: there the sign first differs. In words it
    holds at every distance, too, where shares are the same only while no more than 1 % live nearer, or farther.

    Parameters
    ----------
    near : mapping of (scope, ledger) to Near
        From :func:`distances_by_ledger`.
    people : People
        People by neighbourhood.
    groups : mapping of str to Group
        Declarations, for the labels.
    distance_m : float
        The declared distance [m].

    Returns
    -------
    DataFrame
        One row for each scope, ledger and group: distance_m, share, share_everyone [0–1], difference, sign (1, 0, −1),
        from_m, to_m [m] (NaN where it holds at every greater distance), holds (in words), undefined.

    Examples
    --------
    >>> table = pd.DataFrame({"zone": [0, 1, 2], "share": 1.0, "sampled": 0, "distance_m": [100.0, 500.0, 900.0]})
    >>> people = People(np.full(3, 10.0), np.array([[4.0], [1.0], [1.0]]), np.full((3, 1), 10.0), ("low",))
    >>> near = {("all actions", "benefit"): Near(table, "")}
    >>> found = holds_between(near, people, groups={}, distance_m=400.0)
    >>> found[["sign", "from_m", "to_m", "holds"]].values.tolist()
    [[1.0, 100.0, 900.0, 'at every distance (farthest home 900 m)']]
    """
    tables = []
    for key, one in near.items():
        curve = _curve(one, people)
        share = curve.share(np.array([distance_m]))[0]
        sign, start, stop, holds = _range(curve, distance_m)
        numbers = {"share": share, "share_everyone": share[0], "difference": share - share[0], "sign": sign}
        rows = _rows(key, one, people, groups=groups)
        rows = rows.assign(distance_m=float(distance_m), **numbers, from_m=start, to_m=stop)
        tables.append(rows.assign(holds=holds).iloc[1:])
    return _joined(tables)


def _range(curve: _Curve, distance: float) -> tuple[Floats, Floats, Floats, list[str]]:
    """Sign of a group's share less everyone's at a distance, the range in which it does not change, and in words."""
    steps = np.vstack([curve.none, curve.within])
    difference = steps - steps[:, :1]
    signs = np.where(np.abs(difference) < ALIKE - EXACT, 0.0, np.sign(difference))
    here = int(np.searchsorted(curve.levels, distance, side="right"))
    other = signs != signs[here]
    bounds = np.concatenate([[0.0], curve.levels, [np.nan]])
    before, after = other[:here], other[here:]
    first = np.where(before.any(axis=0), here - np.argmax(before[::-1], axis=0), 0) if here else np.zeros(len(signs[0]))
    last = np.where(after.any(axis=0), here + np.argmax(after, axis=0), len(bounds) - 1)
    unknown = np.isnan(signs[here])
    start, stop = (np.where(unknown, np.nan, bounds[place.astype(np.intp)]) for place in (first, last))
    alike, few, most = signs == 0.0, steps <= FEW, steps >= 1.0 - FEW
    ends = _Ends(
        few & few[:, :1] & np.logical_and.accumulate(alike),
        most & most[:, :1] & np.logical_and.accumulate(alike[::-1])[::-1],
    )
    return signs[here], start, stop, _words(start, stop, ends.of(first, last), farthest=curve.levels.max(initial=0.0))


class _Ends(NamedTuple):
    """Distances by group at which few are within, and at which few are not, and all of these shares are alike."""

    nobody: NDArray[np.bool_]
    everybody: NDArray[np.bool_]

    def of(self, first: Floats, last: Floats) -> list[tuple[bool, bool]]:
        """Tell of ranges whether they begin at the nearest, and whether they go on to the farthest."""
        starts, stops = first.astype(np.intp), last.astype(np.intp)
        group, end = np.arange(len(starts)), len(self.nobody)
        below = (starts == 0) | self.nobody[np.maximum(starts - 1, 0), group]
        above = (stops == end) | self.everybody[np.minimum(stops, end - 1), group]
        # Where nearly everybody is within anyway, a range goes on with nothing.
        return list(zip(below.tolist(), (above & ~self.everybody[starts, group]).tolist(), strict=True))


def _words(start: Floats, stop: Floats, ends: list[tuple[bool, bool]], *, farthest: float) -> list[str]:
    """Say a range: "from 100 to 900 m"."""
    return [
        ""
        if np.isnan(low)
        else f"at every distance (farthest home {number_text(farthest)} m)"
        if below and above
        else f"from {number_text(low)} m on (farthest home {number_text(farthest)} m)"
        if above
        else f"from {number_text(low)} m on"
        if np.isnan(high)
        else f"from {number_text(low)} to {number_text(high)} m"
        for low, high, (below, above) in zip(start, stop, ends, strict=True)
    ]

"""One plan apportioned in several ways: how many people each says are reached, and whether a verdict hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from equity_screen.actions import Plan
from equity_screen.areas import area_shares
from equity_screen.crosswalk import ByMask, ByPoints, ByRaster, crosswalk
from equity_screen.crs import to_space
from equity_screen.effects import completed
from equity_screen.equity import by_group
from equity_screen.errors import UsageError
from equity_screen.overlay import Overlay, overlay
from equity_screen.people import Floats, people_of, quotient, reasons, with_everyone
from equity_screen.recipe import Group
from equity_screen.relation import Relation
from equity_screen.text import number_text, percent_text
from equity_screen.words import Row, listed

ROUNDING = 1e-9
# Where a reach follows a border, digitising leaves a hair of the neighbourhood next door: less than this share of both
# of them is no touch.
HAIR = 1e-3
HOST = "host"
HOST_MISLEADS = (
    "Counting only the neighbourhoods that hold an action (host) misses those who live close to it across a border and "
    "takes in those who live far from it on the same side: about half of the hazardous-waste sites of the United "
    "States lie within a quarter of a mile of a tract boundary (Mohai & Saha 2006). It is shown for comparison, in no "
    "range."
)
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "points": "share of a neighbourhood's people whose population point is in reach; by area where it has none",
        "area": "share of a neighbourhood's area in reach",
        "centre": "a neighbourhood counts whole where its centre is in reach, and else not at all",
        "touch": "a neighbourhood counts whole where any of its area is in reach, but for a hair along a border",
        HOST: "of the neighbourhoods in reach, those that hold the action itself count whole; for comparison only",
    }
)
OTHER_METHODS: Mapping[type, str] = MappingProxyType(
    {
        ByPoints: "share of a neighbourhood's people at other population points in reach",
        ByRaster: "share of a neighbourhood's people on a raster in reach",
        ByMask: "share of a neighbourhood's land where people can live in reach",
    }
)
DIRECTIONS = {1.0: "more than", 0.0: "in line with", -1.0: "less than"}
LABELS = ["action", "ledger", "effect"]
FOUND = [
    "people",
    "people_reached",
    "reached_share",
    "total",
    "share_of_effect",
    "share_of_people",
    "parity",
    "parity_low",
    "parity_high",
]
Method: TypeAlias = ByPoints | ByRaster | ByMask
Pairs: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]
NO_METHODS: Mapping[str, Method] = MappingProxyType({})
NO_GROUPS: Mapping[str, Group] = MappingProxyType({})


class Comparison(NamedTuple):
    """A plan by several methods.

    ``effects``: a row for each effect, group (everyone first) and method, with the people reached, shares, parity
    with its ecological bounds, ``direction`` of parity itself ("more than", "less than", "in line with" its share of
    the people; "" where undefined, and for everyone) and ``used``: whether it is the project's own method.
    ``summary``: by effect, whether it is apportioned at all, least and most people reached and by which method, their
    spread [% of the method used], whether the direction of any group changes and whether it turns round; counting by
    host is in none of these. ``methods``: what each method is, in words.
    """

    effects: pd.DataFrame
    summary: pd.DataFrame
    methods: Mapping[str, str]

    def __str__(self) -> str:
        """Read as plain text, a line for each effect."""
        return "\n".join(comparison_sentences(self))


class _Laid(NamedTuple):
    """A plan over neighbourhoods by area, and the pairs of its shares; which effects depend on the method."""

    neighbourhoods: gpd.GeoDataFrame
    actions: gpd.GeoDataFrame
    effects: pd.DataFrame
    overlay: Overlay
    varying: NDArray[np.bool_]

    @property
    def pairs(self) -> Pairs:
        """Positions of the neighbourhood and of the effect of each pair."""
        matrix = self.overlay.shares.matrix
        column = np.repeat(np.arange(matrix.shape[1], dtype=np.intp), np.diff(matrix.indptr))
        return matrix.indices.astype(np.intp), column

    @property
    def footprints(self) -> NDArray[np.object_]:
        """Reach of each effect in the equal-area space."""
        return np.asarray(self.overlay.ground.effects.footprints.array.to_numpy())


def not_compared() -> Comparison:
    """Give the tables of a comparison that nobody asked for.

    Returns
    -------
    Comparison
        Without rows.

    Examples
    --------
    >>> len(not_compared().effects), len(not_compared().summary)
    (0, 0)
    """
    keys = pd.MultiIndex.from_arrays([[], [], []], names=["action", "ledger", "effect"])
    return Comparison(pd.DataFrame(columns=["action", "ledger", "effect"]), pd.DataFrame(index=keys), {})


def compare_overlays(
    neighbourhoods: gpd.GeoDataFrame,
    plan: Plan,
    *,
    blocks: gpd.GeoDataFrame | None = None,
    methods: Mapping[str, Method] = NO_METHODS,
    groups: Mapping[str, Group] = NO_GROUPS,
) -> Comparison:
    """Apportion one plan in several ways and show where they disagree.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood with population and groups.
    plan : Plan
        Actions and effects.
    blocks : GeoDataFrame, optional
        Population points from :func:`equity_screen.align.check_blocks`; with them the project counts by points, without
        them by area.
    methods : mapping of str to ByPoints, ByRaster or ByMask
        Further methods by name, besides points, area, centre, touch and host.
    groups : mapping of str to Group
        Groups to compare, with their labels; all ``people_`` columns unless given.

    Returns
    -------
    Comparison
        Effects by group and method, a summary by effect, and the methods in words.

    Raises
    ------
    UsageError
        No population; a method that has the name of one that there is.

    Notes
    -----
    Methods move people in and out of reach. What each person in reach of an effect in a neighbourhood receives is the
    same by all of them, except of a total, which is shared out anew. Effects that are city-wide, by travel time or on
    listed neighbourhoods are the same by all.

    References
    ----------
    Mohai, P. & Saha, R. (2006). Reassessing racial and socioeconomic disparities in environmental justice research.
    Demography 43(2), 383–399. doi:10.1353/dem.2006.0017

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> found = compare_overlays(four_zones(), four_actions())
    >>> found.summary.loc[("WEST", "benefit", "shade"), ["people_reached", "spread_percent"]].tolist()
    [400.0, 0.0]
    """
    people = with_everyone(people_of(neighbourhoods, list(groups) or None))
    if not people.known:
        msg = "neighbourhoods: no population: methods that apportion people have none to apportion"
        raise UsageError(msg)
    known = set(METHODS) & set(methods)
    if known:
        msg = f"methods: {', '.join(sorted(known))} always compared: give a further method another name"
        raise UsageError(msg)
    laid = _laid(neighbourhoods, plan)
    words, ways = dict(METHODS), {"area": laid.overlay}
    if blocks is not None:
        ways = {"points": overlay(neighbourhoods, plan, blocks=blocks), **ways}
    for name, by in methods.items():
        ways[name], words[name] = _by(laid, by)
    whole = {"centre": _centres(laid), "touch": _touched(laid), HOST: _hosts(laid)}
    ways |= {name: _with_landed(laid, landed, whole=True) for name, landed in whole.items()}
    tables = {name: by_group(way, plan.effects, people=people, groups=groups) for name, way in ways.items()}
    effects = _effects(tables, used=next(iter(ways)))
    return Comparison(effects, _summary(tables, laid.varying), MappingProxyType({name: words[name] for name in ways}))


def _laid(neighbourhoods: gpd.GeoDataFrame, plan: Plan) -> _Laid:
    effects, by_area = completed(plan.effects), overlay(neighbourhoods, plan)
    listed = (effects["reach"] == "footprint") & (effects["action"].map(plan.actions["where"]) == "zones")
    drawn = ~by_area.ground.effects.footprints.is_empty.to_numpy()
    return _Laid(neighbourhoods, plan.actions, effects, by_area, drawn & ~listed.to_numpy())


def _centres(laid: _Laid) -> Floats:
    """Tell on the pairs whether the neighbourhood's centre is in reach: its centroid, where it lies in it."""
    zones = laid.overlay.ground.zones.array.to_numpy()
    centres = shapely.centroid(zones)
    centres = np.where(shapely.intersects(zones, centres), centres, shapely.point_on_surface(zones))
    column, row = shapely.STRtree(centres).query(laid.footprints, predicate="intersects")
    return _on_pairs(laid, row, column)


def _touched(laid: _Laid) -> Floats:
    """Tell on the pairs whether more than a hair of the neighbourhood, or of the reach, is in the other."""
    row, column = laid.pairs
    share, zones = laid.overlay.landed.data, laid.overlay.ground.zones
    return _more_than_a_hair(share, shapely.area(zones.array)[row], shapely.area(laid.footprints)[column])


def _more_than_a_hair(share: Floats, zone_m2: Floats, shape_m2: Floats) -> Floats:
    return np.where((share > HAIR) | (share * zone_m2 > HAIR * shape_m2), np.sign(share), 0.0)


def _hosts(laid: _Laid) -> Floats:
    """Tell on the pairs whether the neighbourhood holds the action: some of its area or line, or its point."""
    zones, shapes = laid.overlay.ground.zones, laid.actions.geometry.reindex(laid.effects["action"])
    if shapes.isna().all():
        return np.zeros(laid.overlay.shares.matrix.nnz)
    places = to_space(gpd.GeoSeries(shapes.to_numpy(), crs=shapes.crs), zones.crs)
    column, row = shapely.STRtree(zones.array.to_numpy()).query(places.array.to_numpy(), predicate="intersects")
    order = np.lexsort((row, column))
    row, column = row[order], column[order]
    size = shapely.area(places.array)
    share = _values(area_shares(zones, places.where(size > 0, shapely.Polygon())).matrix, row, column)
    held = _more_than_a_hair(share, shapely.area(zones.array)[row], size[column]) > 0
    # A point on a border is in the first of its neighbourhoods.
    again = (places.geom_type == "Point").to_numpy()[column] & pd.Series(column).duplicated().to_numpy()
    kept = np.where(size[column] > 0, held, ~again)
    return _on_pairs(laid, row[kept], column[kept])


def _on_pairs(laid: _Laid, row: NDArray[np.intp], column: NDArray[np.intp]) -> Floats:
    there = csr_array((np.ones(len(row)), (row, column)), shape=laid.overlay.shares.matrix.shape)
    return _values(there, *laid.pairs)


def _values(matrix: csr_array, row: NDArray[np.intp], column: NDArray[np.intp]) -> Floats:
    return np.asarray(matrix[row, column], dtype=np.float64).ravel() if len(row) else np.empty(0)


def _by(laid: _Laid, by: Method) -> tuple[Overlay, str]:
    """Lay the plan over by a crosswalk from neighbourhoods to reaches; and say so in words."""
    shapes, words = laid.footprints, OTHER_METHODS[type(by)]
    areal = np.isin(shapely.get_type_id(shapes), [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON])
    mine = np.flatnonzero(laid.varying & areal & shapely.is_valid(shapes))
    if not len(mine):
        return laid.overlay, words
    reaches = gpd.GeoSeries(shapes[mine], index=mine, crs=laid.overlay.ground.zones.crs)
    found = crosswalk(laid.neighbourhoods, reaches, by=by)
    put = csr_array((np.ones(len(mine)), (np.arange(len(mine)), mine)), shape=(len(mine), len(shapes)))
    row, column = laid.pairs
    landed = np.where(
        np.isin(column, mine), _values(csr_array(found.matrix @ put), row, column), laid.overlay.landed.data
    )
    without = int((found.notes["by"] == "area").sum())
    if without:
        words += f"; by area in {without} of {len(found.rows)} neighbourhoods, where it has none"
    return _with_landed(laid, landed, whole=False), words


def _with_landed(laid: _Laid, landed: Floats, *, whole: bool) -> Overlay:
    """Lay the plan over with other shares of the people in reach, on the pairs by area or some of them.

    An effect per person in reach stays what it is there. One per km² is of the ground: it changes only where
    neighbourhoods count whole. A total stays whole, and is shared out anew.
    """
    base, (_, column) = laid.overlay, laid.pairs
    old = base.landed.data
    new = np.where(laid.varying[column], landed, old)
    per = laid.effects["per"].to_numpy()[column]
    dose = base.per_unit.matrix.data * np.where((per == "km2") & ~whole, 1.0, new / old)
    kept = new > 0
    taken = None if base.taken is None else base.taken[kept]
    shares = _kept(base.shares, new * (1.0 if base.taken is None else base.taken), kept)
    per_unit = _kept(base.per_unit, dose, kept)
    population = np.nan_to_num(laid.neighbourhoods["population"].to_numpy(dtype=np.float64))
    before, after = (relation.matrix.T @ population for relation in (base.per_unit, per_unit))
    total = (laid.effects["per"] == "total").to_numpy()
    scale = np.where(total & (after > 0), quotient(before, after), 1.0)
    per_unit = _scaled(per_unit, scale)
    per_person = _scaled(per_unit, laid.effects["amount"].to_numpy(dtype=np.float64))
    return base._replace(shares=shares, per_unit=per_unit, per_person=per_person, taken=taken)


def _kept(relation: Relation, values: Floats, kept: NDArray[np.bool_]) -> Relation:
    """Put values on some of the pairs of a relation."""
    matrix = relation.matrix
    start = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    some = csc_array((values[kept], matrix.indices[kept], start), shape=matrix.shape)
    return Relation(some, relation.rows, relation.columns)


def _scaled(relation: Relation, factors: Floats) -> Relation:
    matrix = relation.matrix
    data = matrix.data * np.repeat(factors, np.diff(matrix.indptr))
    return Relation(
        csc_array((data, matrix.indices, matrix.indptr), shape=matrix.shape), relation.rows, relation.columns
    )


def _signs(table: pd.DataFrame) -> Floats:
    """Sign of a group's share of the effect less its share of the people, to the digit that is printed."""
    effect, people = (table[column].to_numpy(dtype=np.float64) for column in ("share_of_effect", "share_of_people"))
    same = np.char.mod("%.1f", 100 * effect) == np.char.mod("%.1f", 100 * people)
    signs = np.where(same, 0.0, np.sign(effect - people))
    return np.where(np.isnan(effect) | (table["group"] == "everyone").to_numpy(), np.nan, signs)


def _effects(tables: Mapping[str, pd.DataFrame], *, used: str) -> pd.DataFrame:
    parts = []
    for name, table in tables.items():
        direction = pd.Series(_signs(table)).map(DIRECTIONS).fillna("")
        columns = table[[*LABELS, "unit", "group", "label", *FOUND]]
        parts.append(columns.assign(method=name, direction=direction.to_numpy(), used=name == used))
    both = pd.concat(parts, ignore_index=True)
    place = np.concatenate([np.arange(len(part)) for part in parts])
    return both.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def _summary(tables: Mapping[str, pd.DataFrame], varying: NDArray[np.bool_]) -> pd.DataFrame:
    """Least, most and spread by effect, and whose verdict changes; the first table is of the method used."""
    names, one = [name for name in tables if name != HOST], next(iter(tables.values()))
    everyone = one["group"] == "everyone"
    groups = int((~everyone).sum() // max(everyone.sum(), 1))
    reached = np.stack([tables[name].loc[everyone, "people_reached"].to_numpy() for name in names])
    signs = np.stack(
        [_signs(tables[name])[~everyone.to_numpy()].reshape(int(everyone.sum()), groups) for name in names]
    )
    least, most = np.fmin.reduce(reached), np.fmax.reduce(reached)
    low, high = (fewest.reduce(signs) for fewest in (np.fmin, np.fmax))
    labels = one.loc[~everyone, "label"].to_numpy()[:groups]
    differ, apart = most - least > ROUNDING * most, low < high
    by = np.array(names, dtype=object)
    return pd.DataFrame(
        {
            "used": names[0],
            "apportioned": varying,
            "people_reached": reached[0],
            "least": least,
            "least_by": np.where(differ, by[(reached == least).argmax(axis=0)], ""),
            "most": most,
            "most_by": np.where(differ, by[(reached == most).argmax(axis=0)], ""),
            "spread_percent": 100 * np.where(most == least, 0.0 * most, quotient(most - least, reached[0])),
            "host": tables[HOST].loc[everyone, "people_reached"].to_numpy(),
            "verdict_changes": apart.any(axis=1),
            "verdict_turns": ((low < 0) & (high > 0)).any(axis=1),
            "groups_changing": reasons([(apart[:, g], str(label)) for g, label in enumerate(labels)]) if groups else "",
            "nobody_by": reasons([(reached[i] == 0, name) for i, name in enumerate(names)]),
            # Of everyone there is no rest to compare with: only what leaves no people to count is a reason here.
            "undefined": one.loc[everyone, "undefined"]
            .where(one.loc[everyone, "people_reached"].isna(), "")
            .to_numpy(),
        },
        index=pd.MultiIndex.from_frame(one.loc[everyone, LABELS]),
    )


def comparison_sentences(comparison: Comparison) -> tuple[str, ...]:
    """Say for each effect how far the methods are apart, and whose verdict hangs on the choice.

    Parameters
    ----------
    comparison : Comparison
        From :func:`compare_overlays`.

    Returns
    -------
    tuple of str
        The method used; a line for each effect; what is wrong with counting by host.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> comparison_sentences(compare_overlays(four_zones(), four_actions()))[-2]
    'WEST, benefit "shade": 400 people by every method; 400 by host alone. No verdict on a group changes.'
    """
    if comparison.summary.empty:
        return ()
    used = comparison.summary["used"].iloc[0]
    among = [name for name in comparison.methods if name != HOST]
    first = f"People in reach are counted by {used} ({comparison.methods[used]}), compared with {listed(among[1:])}. "
    first += "Directions take those in reach to be like the residents of their neighbourhood on average."
    groups = comparison.effects[(comparison.effects["group"] != "everyone") & (comparison.effects["method"] != HOST)]
    of_effect = dict(iter(groups.groupby(LABELS, sort=False)))
    lines = [
        f"{_range(label, row)} {_verdicts(row, of_effect.get(label))}".strip()
        for label, row in zip(comparison.summary.index, comparison.summary.to_dict("records"), strict=True)
    ]
    return (first, *lines, HOST_MISLEADS)


def _range(label: tuple[str, str, str], row: Row) -> str:
    action, ledger, effect = label
    start = f'{action}, {ledger} "{effect}": '
    if np.isnan(row["people_reached"]):
        return f"{start}{row['undefined']}."
    people, least, most, host = (number_text(round(row[key])) for key in ("people_reached", "least", "most", "host"))
    if not row["apportioned"]:
        return f"{start}{people} people by every method: no neighbourhood is apportioned for it."
    if not row["least_by"]:
        return f"{start}{people} people by every method; {host} by host alone."
    spread = f", a spread of {percent_text(row['spread_percent'] / 100)}" if row["people_reached"] else ""
    between = f"from {least} by {row['least_by']} to {most} by {row['most_by']}{spread}"
    return f"{start}{people} people by {row['used']}, {between}; {host} by host alone."


def _verdicts(row: Row, groups: pd.DataFrame | None) -> str:
    """Say by which methods a group receives more than its share, and by which less."""
    if groups is None or not row["apportioned"]:
        return ""
    told = groups[groups["direction"] != ""]
    if not row["verdict_changes"]:
        return "No verdict on a group changes." if len(told) else ""
    said = []
    for label, mine in told.groupby("label", sort=False):
        ways = mine.groupby("direction", sort=False)["method"].agg(list)
        if len(ways) > 1:
            said.append(
                f"{label}: {'; '.join(f'{word} their share by {listed(names)}' for word, names in ways.items())}."
            )
    return " ".join(said)

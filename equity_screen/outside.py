"""What of a reach lies outside the neighbourhoods, and who lives there by an outer ring of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csc_array

from equity_screen.align import with_area_fallback
from equity_screen.areas import SLIVER, area_shares, covering, point_shares
from equity_screen.crs import crs_name, fits, measure_of, middles, require_crs, to_space
from equity_screen.errors import Finding, InputError, finding
from equity_screen.layers import check_neighbourhoods, points_from_columns
from equity_screen.overlay import Overlay
from equity_screen.people import NO_PEOPLE, Floats, People, quotient, reasons
from equity_screen.polygons import OVERLAP_TOLERANCE
from equity_screen.recipe import PEOPLE, Group, Question
from equity_screen.schema import (
    Checked,
    Origin,
    check_counts,
    findings_for,
    read_numbers,
    refused_rows,
    require_columns,
    row_status,
)
from equity_screen.sources import NeighbourhoodsFile, OuterFile

# With so small a part of its reach inside, who is counted hangs on the drawing of a border more than on the action.
BARELY = 0.05
# Of so little of a reach, places drawn a hair apart leave more or less outside.
DUST = 1e-6
BARELY_ENTERS, LIES_OUTSIDE = "barely enters", "lies outside"
AREAL = ("Polygon", "MultiPolygon")
_POSITION = "position in the file"


class _Beyond(NamedTuple):
    """What an outer ring tells of each reach: people by column (population first), and the area that it covers."""

    people: Floats
    columns: list[str]
    covered_m2: Floats


def unseen(laid: Overlay, people: People, *, outer: gpd.GeoDataFrame | None = None) -> pd.DataFrame:
    r"""Tell what of the reach of each effect lies outside the neighbourhoods, and how many people live there.

    Parameters
    ----------
    laid : Overlay
        Effects over neighbourhoods.
    people : People
        People by neighbourhood, from :func:`equity_screen.people.people_of`.
    outer : GeoDataFrame, optional
        Data around the study area, in any CRS: polygons, or points, with population [people] and, where known,
        ``people_<group>``. What of it lies in the neighbourhoods is left out.

    Returns
    -------
    DataFrame
        A row for each effect whose reach is drawn: action, ledger, effect; inside_area_share and
        outside_area_share of its reach [0–1]; residents_inside and residents_outside in reach, whether or not they
        take the effect up [people]; unseen_share, those outside among all in reach [0–1];
        residents_outside_<group> and unseen_share_<group> for groups that the outer data count;
        uncovered_area_share, what no data cover at all [0–1]; note, for an action that barely enters or lies
        outside; undefined, why a number is missing. Where some of the reach is not covered, there may be more people
        outside.

    Notes
    -----
    With :math:`P` the people inside and :math:`Q` those outside by the outer data, spread evenly over its polygons,
    the unseen share is :math:`Q / (P + Q)`. Only people inside are ever counted as the city's.

    Examples
    --------
    >>> from equity_screen.overlay import overlay
    >>> from equity_screen.people import people_of
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> city, plan = four_zones(), four_actions()
    >>> square = [shapely.box(560_000, 6_198_000, 562_000, 6_200_000)]
    >>> south = gpd.GeoDataFrame({"population": [900.0]}, geometry=square, crs=25832)
    >>> table = unseen(overlay(city, plan), people_of(city), outer=south)
    >>> table[["action", "residents_inside", "residents_outside", "unseen_share"]].to_numpy().tolist()[-1]
    ['WEST', 400.0, 0.0, 0.0]
    """
    footprints = laid.ground.effects.footprints
    drawn = np.flatnonzero(~footprints.is_empty.to_numpy())
    reach = footprints.iloc[drawn]
    outside = laid.outside.to_numpy(dtype=np.float64)[drawn]
    outside = np.where(outside < DUST, 0.0, outside)
    seen = (_in_reach(laid).T @ np.column_stack([people.population, people.groups]))[drawn]
    beyond = None if outer is None else _beyond(reach, laid.ground.zones, _in_space(outer, laid.ground.zones))
    table = reach.index.to_frame(index=False).assign(inside_area_share=1.0 - outside, outside_area_share=outside)
    counted = _people_columns(seen, beyond, people, outside=outside)
    uncovered = _uncovered(reach, outside, beyond)
    cases = [(outside == 1.0, LIES_OUTSIDE), ((outside > 1.0 - BARELY) & (outside < 1.0), BARELY_ENTERS)]
    return table.assign(
        **counted,
        uncovered_area_share=uncovered,
        note=reasons(cases),
        undefined=reasons(_missing(outside, counted, uncovered, known=people.known, asked=outer is not None)),
    )


def _in_reach(laid: Overlay) -> csc_array:
    """Share of the people of each neighbourhood in reach, also where nobody takes the effect up."""
    landed, reach, rows = laid.landed, laid.ground.effects, laid.ground.zones.index
    if laid.rates is None:
        return landed
    asked = laid.rates.notna().any(axis=1).to_numpy()
    shares = area_shares(laid.ground.zones, reach.footprints.where(asked, shapely.Polygon()))
    if laid.ground.blocks is not None and reach.hits is not None:
        by_points = point_shares(reach.hits, laid.ground.blocks, labels=(rows, reach.footprints.index))
        shares = with_area_fallback(by_points, shares, blocks=laid.ground.blocks)
    there = csc_array(shares.matrix.multiply(asked[None, :]))
    known = csc_array((np.ones(landed.nnz), landed.indices, landed.indptr), shape=landed.shape)
    return csc_array(landed + there - there.multiply(known))


def _in_space(outer: gpd.GeoDataFrame, zones: gpd.GeoSeries) -> gpd.GeoDataFrame:
    layer = require_crs(outer, "outer")
    require_columns(layer, ["population"], origin=Origin("outer"))
    return gpd.GeoDataFrame(layer.drop(columns=layer.geometry.name), geometry=to_space(layer.geometry, zones.crs))


def _beyond(reach: gpd.GeoSeries, zones: gpd.GeoSeries, outer: gpd.GeoDataFrame) -> _Beyond:
    """Count the people of the outer data in each reach, by area or by points."""
    columns = ["population", *(str(c) for c in outer.columns if str(c).startswith(PEOPLE))]
    areal = bool(outer.geom_type.isin(AREAL).all())
    ring = _cut(outer, zones) if areal else outer[covering(outer.geometry, zones).isna().to_numpy()]
    people = np.nan_to_num(ring[columns].to_numpy(dtype=np.float64))
    if areal:
        shares = area_shares(ring.geometry, reach).matrix.T
        return _Beyond(shares @ people, columns, shares @ shapely.area(ring.geometry.array))
    which, point = shapely.STRtree(ring.geometry.array.to_numpy()).query(reach.array.to_numpy(), predicate="intersects")
    found = [np.bincount(which, weights=column[point], minlength=len(reach)) for column in people.T]
    return _Beyond(np.column_stack(found), columns, np.full(len(reach), np.nan))


def _cut(outer: gpd.GeoDataFrame, zones: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Take the neighbourhoods off the outer polygons, with the people of what is taken off."""
    shares = area_shares(outer.geometry, zones).matrix.tocsr()
    inside = np.minimum(shares.sum(axis=1), 1.0)
    shapes = outer.geometry.array.to_numpy().copy()
    rows = np.flatnonzero(inside > OVERLAP_TOLERANCE)
    for row in rows:
        over = shares.indices[shares.indptr[row] : shares.indptr[row + 1]]
        shapes[row] = shapely.difference(shapes[row], shapely.union_all(zones.array.to_numpy()[over]))
    left = np.ones(len(outer))
    left[rows] = 1.0 - inside[rows]
    counts = {c: outer[c] * left for c in outer.columns if c == "population" or str(c).startswith(PEOPLE)}
    kept = left > SLIVER
    return gpd.GeoDataFrame(counts, geometry=gpd.GeoSeries(shapes, index=outer.index, crs=outer.crs))[kept]


def _people_columns(seen: Floats, beyond: _Beyond | None, people: People, *, outside: Floats) -> dict[str, Floats]:
    """People inside and outside and the share unseen: of everyone, then of the groups that the outer data count."""
    unknown = np.full(len(seen), np.nan)
    columns = {"residents_inside": seen[:, 0] if people.known else unknown}
    groups = [(i, name) for i, name in enumerate(people.names, start=1) if beyond and PEOPLE + name in beyond.columns]
    for position, suffix in [(0, ""), *((i, f"_{name}") for i, name in groups)]:
        column = PEOPLE + suffix.removeprefix("_") if suffix else "population"
        found = unknown if beyond is None else beyond.people[:, beyond.columns.index(column)]
        # A reach that lies inside has nobody outside, whatever is known of the places there.
        there = np.where(outside == 0.0, 0.0, found)
        here = seen[:, position] if people.known else unknown
        columns |= {f"residents_outside{suffix}": there, f"unseen_share{suffix}": quotient(there, here + there)}
    return columns


def _uncovered(reach: gpd.GeoSeries, outside: Floats, beyond: _Beyond | None) -> Floats:
    if beyond is None:
        return outside
    left = np.maximum(outside - quotient(beyond.covered_m2, shapely.area(reach.array)), 0.0)
    return np.where(outside == 0.0, 0.0, np.where(left < SLIVER, 0.0, left))


def _missing(
    outside: Floats, counted: Mapping[str, Floats], uncovered: Floats, *, known: bool, asked: bool
) -> list[tuple[NDArray[np.bool_], str]]:
    here, there = counted["residents_inside"], counted["residents_outside"]
    everywhere = np.ones(len(outside), dtype=bool)
    return [
        (np.isnan(outside), "its reach has no area"),
        (everywhere & (not known), NO_PEOPLE),
        (np.isnan(there) & (not asked), "people outside are not known: no outer data were given"),
        (here + there == 0.0, "nobody is known to be in reach"),
        (np.isnan(uncovered) & ~np.isnan(outside), "points do not say what area they cover"),
    ]


def check_outer(
    frame: pd.DataFrame,
    declared: OuterFile,
    *,
    origin: Origin,
    zones: gpd.GeoSeries,
    groups: Mapping[str, Group] | None = None,
) -> Checked:
    """Check an outer ring of data: polygons or points around the neighbourhoods, with their people.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Ring as read, or a table with x and y.
    declared : OuterFile
        What its columns mean.
    origin : Origin
        File of the ring.
    zones : GeoSeries
        Neighbourhoods.
    groups : mapping of str to Group, optional
        Groups of the question; those are counted whose columns the ring has by the same names.

    Returns
    -------
    Checked
        GeoDataFrame with population and ``people_<group>``, in an order of its own and without the refused rows;
        findings; the fate of each row.

    Raises
    ------
    InputError
        A missing column or CRS; a ring that is nowhere near.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> table = pd.DataFrame({"x": ["560500"] * 2, "y": ["6199500", "6200500"], "people": ["10", "5"]})
    >>> declared = OuterFile(file="r.csv", population="people", x="x", y="y", crs="EPSG:25832")
    >>> checked = check_outer(table, declared, origin=Origin("r.csv", "row"), zones=four_zones().geometry)
    >>> checked.table["population"].tolist(), [f.reason for f in checked.findings]
    ([10.0, 5.0], ['100 % of it lies in the neighbourhoods; only the rest counts as outside'])
    """
    areal = isinstance(frame, gpd.GeoDataFrame) and bool(frame.geom_type.isin(AREAL).any())
    check = _check_areas if areal else _check_points
    table, findings = check(frame.reset_index(drop=True), declared, origin, _counted(frame, groups or {}))
    _require_near(table, zones, origin)
    findings += _overlaps(table, zones, origin)
    status = row_status(origin, pd.Series("", index=range(len(frame))), findings=findings)
    kept = table[~refused_rows(status)[table.index]]
    order = np.lexsort((kept["population"], *kept.bounds.to_numpy().T))
    return Checked(kept.iloc[order].reset_index(drop=True), tuple(findings), status)


def _counted(frame: pd.DataFrame, groups: Mapping[str, Group]) -> dict[str, Group]:
    """Take the groups whose columns the file has."""
    return {
        name: group
        for name, group in groups.items()
        if group.layer is None
        and {c for c in (group.count, group.share, group.universe, group.margin) if c is not None} <= set(frame.columns)
    }


_Ring = tuple[gpd.GeoDataFrame, list[Finding]]


def _check_areas(frame: gpd.GeoDataFrame, declared: OuterFile, origin: Origin, groups: dict[str, Group]) -> _Ring:
    """Check polygons as neighbourhoods are checked; on the positions of their rows."""
    numbered = frame.assign(**{_POSITION: [str(i) for i in range(len(frame))]})
    as_zones = NeighbourhoodsFile(file=declared.file, crs=declared.crs, id=_POSITION, population=declared.population)
    checked = check_neighbourhoods(numbered, as_zones, origin=origin, question=Question(groups=groups))
    columns = ["population", *(PEOPLE + name for name in groups), "geometry"]
    table = gpd.GeoDataFrame(checked.table[columns].set_axis(checked.table.index.astype(int)))
    return table, [replace(f, id="") for f in checked.findings]


def _check_points(frame: pd.DataFrame, declared: OuterFile, origin: Origin, groups: dict[str, Group]) -> _Ring:
    """Check points with a count of people each, and of those groups that are counts, too."""
    blank = pd.Series("", index=frame.index)
    findings: list[Finding] = []
    points = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else gpd.GeoSeries(index=frame.index)
    if declared.x and declared.y:
        points, findings = points_from_columns(frame, x=declared.x, y=declared.y, origin=origin)
    layer = require_crs(gpd.GeoDataFrame(geometry=points), origin.file, declared=declared.crs)
    require_columns(frame, [declared.population], origin=origin)
    counts = {"population": declared.population} | {PEOPLE + n: g.count for n, g in groups.items() if g.count}
    for name, column in counts.items():
        numbers, more = read_numbers(frame[column], origin, ids=blank)
        findings += more + check_counts(numbers, origin, ids=blank)
        layer[name] = numbers
    lost = points.isna() | points.is_empty | (points.geom_type != "Point")
    cases = [(lost, "ES-BLOCK-PLACE"), (layer["population"].isna(), "ES-BLOCK-PEOPLE")]
    return layer, findings + findings_for(cases, column="", origin=origin, ids=blank)


def _require_near(table: gpd.GeoDataFrame, zones: gpd.GeoSeries, origin: Origin) -> None:
    """Refuse a ring of which nothing is near the neighbourhoods: its CRS is another, or it is another city's."""
    places = middles(table.geometry)
    places = places[np.isfinite(places).all(axis=1)]
    if len(places) and len(zones) and not fits(places, table.crs, study=measure_of(zones)).any():
        raise InputError([finding("ES-OUTER-FAR", origin.file, column="CRS", crs=crs_name(table.crs))])


def _overlaps(table: gpd.GeoDataFrame, zones: gpd.GeoSeries, origin: Origin) -> list[Finding]:
    space = measure_of(zones).areas
    places, city = to_space(table.geometry, space), to_space(zones, space)
    if places.geom_type.isin(AREAL).any():
        inside = np.minimum(area_shares(places, city).matrix.sum(axis=1), 1.0)
    else:
        inside = covering(places, city).notna().to_numpy(dtype=np.float64)
    return [
        finding(
            "ES-OUTER-OVERLAP",
            origin.file,
            row=origin.row(int(table.index[i])),
            column="geometry",
            percent=f"{100 * inside[i]:.3g}",
        )
        for i in np.flatnonzero(inside > OVERLAP_TOLERANCE)
    ]

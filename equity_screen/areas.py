"""Shares of zones that lie in footprints, by area and by population points."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from equity_screen.borders import common_shares
from equity_screen.errors import UsageError
from equity_screen.relation import Relation, relation_of

# Where a footprint follows a border, rounding leaves a hair of the zone next door: less than this is nothing.
SLIVER = 1e-10
# A pair with more vertices is left to GEOS, which first clips both to where they meet.
MANY_VERTICES = 1_000


def area_shares(zones: gpd.GeoSeries, footprints: gpd.GeoSeries) -> Relation:
    """Share of each zone's area that lies in each footprint.

    A share is an area over an area of the same zone; a zone covered whole has exactly 1, one touched along
    a border only (a share below 1e-10) exactly 0.

    Parameters
    ----------
    zones : GeoSeries
        Polygons in an equal-area CRS, valid.
    footprints : GeoSeries
        Polygons in the same CRS, valid; empty ones reach nothing.

    Returns
    -------
    Relation
        Zones × footprints, shares [0–1].

    Raises
    ------
    UsageError
        Where the two CRSs differ.

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, 0, 2, 1), shapely.box(2, 0, 4, 1)], index=["A", "B"], crs=3035)
    >>> half = gpd.GeoSeries([shapely.box(0, 0, 3, 1)], index=["x"], crs=3035)
    >>> area_shares(zones, half).matrix.toarray().ravel().tolist()
    [1.0, 0.5]
    """
    if zones.crs != footprints.crs:
        msg = f"zones are in {zones.crs}, footprints in {footprints.crs}: bring both into one equal-area CRS"
        raise UsageError(msg)
    shapes, reach = zones.array.to_numpy(), footprints.array.to_numpy()
    column, row = zones.sindex.query(reach)
    shapely.prepare(reach)
    shares = shapely.covers(reach[column], shapes[row]).astype(np.float64)
    vertices = shapely.get_num_coordinates(shapes[row]) + shapely.get_num_coordinates(reach[column])
    for measured, share in ((vertices <= MANY_VERTICES, common_shares), (vertices > MANY_VERTICES, _cut_shares)):
        part = np.flatnonzero((shares == 0.0) & measured)
        shares[part] = np.minimum(share(shapes, reach, pairs=(row[part], column[part])), 1.0)
    shares[shares < SLIVER] = 0.0
    return relation_of((row, column), shares, labels=(zones.index, footprints.index))


def _cut_shares(
    shapes: NDArray[np.object_], reach: NDArray[np.object_], *, pairs: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Share of a zone in a footprint for each pair, by the piece that GEOS cuts out."""
    shares, (row, column) = np.zeros(len(pairs[0])), pairs
    met = np.flatnonzero(shapely.intersects(reach[column], shapes[row]))
    zone = shapes[row[met]]
    shares[met] = shapely.area(shapely.intersection(zone, reach[column[met]])) / shapely.area(zone)
    return shares


def union_shares(zones: gpd.GeoSeries, unions: gpd.GeoSeries) -> Relation:
    """Share of each zone's area that lies in each union of many parts; the parts are laid over one by one.

    Parameters
    ----------
    zones : GeoSeries
        Polygons in an equal-area CRS, valid.
    unions : GeoSeries
        Multipolygons in the same CRS whose parts do not overlap.

    Returns
    -------
    Relation
        Zones × unions, shares [0–1]; the same as of :func:`area_shares` to rounding, at the cost of the parts that
        a zone meets and not of all.

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, 0, 2, 1)], index=["A"], crs=3035)
    >>> both = shapely.MultiPolygon([shapely.box(0, 0, 0.5, 1), shapely.box(1, 0, 1.5, 1)])
    >>> union_shares(zones, gpd.GeoSeries([both], index=["x"], crs=3035)).matrix.toarray().tolist()
    [[0.5]]
    """
    parts, owner = shapely.get_parts(unions.array.to_numpy(), return_index=True)
    found = area_shares(zones, gpd.GeoSeries(parts, crs=unions.crs)).matrix
    gather = csr_array((np.ones(len(parts)), (np.arange(len(parts)), owner)), shape=(len(parts), len(unions)))
    matrix = csr_array(found @ gather)
    matrix.data = np.minimum(matrix.data, 1.0)
    return Relation(matrix, zones.index, unions.index)


def covering(points: gpd.GeoSeries, zones: gpd.GeoSeries) -> pd.Series:
    """Zone that each point lies in; on a shared border the zone that comes first.

    Parameters
    ----------
    points : GeoSeries
        Points.
    zones : GeoSeries
        Polygons in the same CRS.

    Returns
    -------
    pandas.Series of float64
        Position of the zone for each point, on the points' index; NaN outside all zones.

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=3035)
    >>> covering(gpd.GeoSeries.from_xy([1.0, 1.5, 9.0], [0.5, 0.5, 0.5], crs=3035), zones).tolist()
    [0.0, 1.0, nan]
    """
    point, zone = shapely.STRtree(zones.array.to_numpy()).query(points.array.to_numpy(), predicate="intersects")
    return (
        pd.Series(zone, index=point, dtype="float64")
        .groupby(level=0)
        .min()
        .reindex(range(len(points)))
        .set_axis(points.index)
    )


def point_shares(
    inside: tuple[NDArray[np.intp], NDArray[np.intp]],
    blocks: pd.DataFrame,
    *,
    labels: tuple[pd.Index, pd.Index],
) -> Relation:
    """Share of each zone's people whose population point is reached.

    Parameters
    ----------
    inside : tuple of ndarray of int
        Pairs (position of a block, position of a footprint), each once.
    blocks : DataFrame
        Columns zone (position of its zone) and people [people].
    labels : tuple of pandas.Index
        Labels of zones and footprints.

    Returns
    -------
    Relation
        Zones × footprints, shares [0–1]; a zone reached whole has exactly 1.

    Examples
    --------
    >>> blocks = pd.DataFrame({"zone": [0, 0, 1], "people": [30.0, 10.0, 5.0]})
    >>> reached = np.array([0, 2]), np.array([0, 0])
    >>> labels = pd.Index(["A", "B"]), pd.Index(["x"])
    >>> point_shares(reached, blocks, labels=labels).matrix.toarray().ravel().tolist()
    [0.75, 1.0]
    """
    people, zone = blocks["people"].to_numpy(dtype=np.float64), blocks["zone"].to_numpy(dtype=np.intp)
    homes = csr_array((people, (zone, np.arange(len(zone)))), shape=(len(labels[0]), len(zone)))
    hits = csr_array((np.ones(len(inside[0])), inside), shape=(len(zone), len(labels[1])))
    # Both sums run over the zone's points in one order: people reached whole are the same bits, their share 1.
    reached, totals = (homes @ hits).tocoo(), homes @ np.ones(len(zone))
    shares = np.divide(reached.data, totals[reached.row], out=np.zeros(reached.nnz), where=reached.data > 0)
    return relation_of((reached.row, reached.col), np.minimum(shares, 1.0), labels=labels)

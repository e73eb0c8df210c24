"""Indicators of nearness and cover: how many points are near the people, which share of them polygons cover."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from equity_screen.align import footprint_shares
from equity_screen.areas import area_shares, point_shares
from equity_screen.crs import Measure, crs_name, impossible, measure_of, require_crs, to_space
from equity_screen.errors import Finding, InputError, finding
from equity_screen.layers import PERCENT, points_from_columns
from equity_screen.reach import discs, points_within
from equity_screen.recipe import Indicator
from equity_screen.schema import Checked, Origin, findings_for, refused_rows, repeat, row_status

# What is farther from the city's middle than this many times its radius and the distance belongs to another city.
NEAR = 3.0
# Places beyond this many times the same cannot reach anybody and are not measured.
SLACK = 1.05
# The common border of two layers agrees no better once both are measured: a smaller part of an area is nothing.
HAIR = 1e-6
Floats = NDArray[np.float64]


def check_points(frame: pd.DataFrame, indicator: Indicator, *, origin: Origin, zones: gpd.GeoSeries) -> Checked:
    """Check a file of points, such as facilities: each row has a place that can exist.

    A row without a place would lower the count without a word, so it is refused; one far from the city
    reaches nobody there and is used. Lines and polygons are places, too: the distance to them counts.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Points as read, or a table with x and y.
    indicator : Indicator
        What the columns mean.
    origin : Origin
        File of the points.
    zones : GeoSeries
        Neighbourhoods; none where they could not be read.

    Returns
    -------
    Checked
        GeoDataFrame of the places in their own CRS, in file order without the refused; findings; fates.

    Raises
    ------
    InputError
        No place or no CRS in the whole file; no row near the neighbourhoods.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> table = pd.DataFrame({"x": ["560500", ""], "y": ["6200500", "6200500"]})
    >>> clinics = Indicator(label="Clinics", unit="clinics", higher_is="better", points="c.csv", distance_m=800,
    ...                     x="x", y="y", crs="EPSG:25832")
    >>> checked = check_points(table, clinics, origin=Origin("c.csv", "row"), zones=four_zones().geometry)
    >>> len(checked.table), [str(f) for f in checked.findings]
    (1, ['c.csv, row 3: no place; left out, it lowers the count. Mend: supply its coordinates. [ES-POINT-PLACE]'])
    """
    places, findings = _placed(frame, indicator, origin)
    shapes = shapely.force_2d(places.array.to_numpy())
    lost = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    astray = ~lost & _astray(shapes, places)
    broken = ~lost & ~astray & ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken])
    ids = pd.Series("", index=frame.index)
    unknown = lost & ~_reported(findings, origin, len(frame))
    findings += findings_for([(unknown, "ES-POINT-PLACE")], column="", origin=origin, ids=ids)
    findings += repeat(finding("ES-GEOM-COORDINATES", crs=crs_name(places.crs)), astray, origin=origin, ids=ids)
    findings += findings_for([(broken, "ES-POINT-INVALID")], column="geometry", origin=origin, ids=ids)
    status = row_status(origin, ids, findings=findings)
    table = gpd.GeoDataFrame(geometry=gpd.GeoSeries(shapes, index=frame.index, crs=places.crs))
    table = table[~refused_rows(status)]
    _require_near(table.geometry, zones, indicator, origin=origin)
    return Checked(table, tuple(findings), status)


def _placed(frame: pd.DataFrame, indicator: Indicator, origin: Origin) -> tuple[gpd.GeoSeries, list[Finding]]:
    findings: list[Finding] = []
    if indicator.x and indicator.y:
        places, findings = points_from_columns(frame, x=indicator.x, y=indicator.y, origin=origin)
    elif isinstance(frame, gpd.GeoDataFrame):
        places = frame.geometry
    else:
        raise InputError([finding("ES-POINT-NO-PLACES", origin.file)])
    layer = require_crs(gpd.GeoDataFrame(geometry=places), origin.file, declared=indicator.crs)
    return gpd.GeoSeries(layer.geometry), findings


def _reported(findings: list[Finding], origin: Origin, rows: int) -> NDArray[np.bool_]:
    """Tell which rows are refused already, for words among their coordinates."""
    refused = {f.row for f in findings if f.status == "refused"}
    return np.array([origin.row(i) in refused for i in range(rows)], dtype=bool)


def _astray(shapes: NDArray[np.object_], places: gpd.GeoSeries) -> NDArray[np.bool_]:
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    return np.asarray(np.bincount(owner, weights=impossible(xy, places.crs), minlength=len(shapes)) > 0)


def _require_near(places: gpd.GeoSeries, zones: gpd.GeoSeries, indicator: Indicator, *, origin: Origin) -> None:
    """Refuse a file of which nothing is near the city: its CRS is not the one stated, or it is another city's."""
    if not len(zones) or not len(places):
        return
    study = measure_of(zones)
    near = NEAR * (study.radius_m + float(indicator.distance_m or 0.0))
    if not (_from_centre(places, study) <= near).any():
        raise InputError([finding("ES-POINT-NONE-NEAR", origin.file, crs=crs_name(places.crs))])


def _from_centre(places: gpd.GeoSeries, study: Measure) -> Floats:
    """Distance from the middle of the city [m], never longer than the true one; infinite where there is none."""
    with np.errstate(invalid="ignore"):
        distance = shapely.distance(to_space(places, study.areas).array.to_numpy(), shapely.Point(0.0, 0.0))
    return np.asarray(np.nan_to_num(distance, nan=np.inf), dtype=np.float64)


def points_near(
    points: gpd.GeoDataFrame,
    neighbourhoods: gpd.GeoDataFrame,
    *,
    distance_m: float,
    blocks: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    r"""Count the points within a distance of the residents, on average over them.

    .. math:: \bar n_i = \sum_p s_{ip}

    where :math:`s_{ip}` is the share of neighbourhood i's people within the distance of point p: of its
    population points, or of its area where it has none.

    Parameters
    ----------
    points : GeoDataFrame
        Places with a CRS from :func:`check_points`; two at one address are two.
    neighbourhoods : GeoDataFrame
        Table by neighbourhood.
    distance_m : float
        How near is near [m].
    blocks : GeoDataFrame, optional
        Population points from :func:`equity_screen.align.check_blocks`.

    Returns
    -------
    DataFrame
        Columns mean [points] and coverage on the neighbourhoods' index; coverage is 1, since a file of points
        says nothing of where it was looked for them, and 0 where there is neither area nor a population point.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> stop = gpd.GeoDataFrame(geometry=[shapely.Point(560500, 6200500)], crs=25832)
    >>> points_near(stop, four_zones(), distance_m=800)["mean"].round(2).tolist()
    [1.0, 0.24, 0.24, 0.01]
    """
    mean = np.zeros(len(neighbourhoods))
    if len(neighbourhoods):
        study = measure_of(neighbourhoods)
        shapes = _in_reach(points.geometry, study, distance_m)
        distances = np.full(len(shapes), float(distance_m))
        peopled = _peopled(blocks, len(mean))
        if blocks is not None:
            hits = points_within(blocks.geometry, shapes, distances=distances, study=study)
            by_points = point_shares(hits, blocks, labels=(neighbourhoods.index, shapes.index))
            mean = by_points.matrix @ np.ones(len(shapes))
        bare = to_space(neighbourhoods.geometry[~peopled], study.areas)
        by_area = area_shares(bare, discs(shapes, distances, study=study)).matrix @ np.ones(len(shapes))
        mean[~peopled] = np.where(shapely.area(bare.array) > 0, by_area, np.nan)
    return _seen(mean, neighbourhoods.index)


def _in_reach(places: gpd.GeoSeries, study: Measure, distance_m: float) -> gpd.GeoSeries:
    """Places that can reach the study area, in an order of their own: their rows' order changes no bit of a sum."""
    kept = places[_from_centre(places, study) <= SLACK * (study.radius_m + distance_m)]
    return kept.iloc[np.argsort(_bytes_of(kept), kind="stable")].reset_index(drop=True)


def _bytes_of(shapes: gpd.GeoSeries) -> NDArray[np.object_]:
    return np.asarray(shapely.to_wkb(shapes.array.to_numpy(), hex=True), dtype=object)


def _peopled(blocks: pd.DataFrame | None, count: int) -> NDArray[np.bool_]:
    """Tell which neighbourhoods have people at their points; the others are measured by area."""
    if blocks is None:
        return np.zeros(count, dtype=bool)
    return np.asarray(np.bincount(blocks["zone"], weights=blocks["people"], minlength=count) > 0)


def _seen(mean: Floats, ids: pd.Index) -> pd.DataFrame:
    return pd.DataFrame({"mean": mean, "coverage": np.where(np.isnan(mean), 0.0, 1.0)}, index=ids)


def share_covered(
    layer: gpd.GeoDataFrame, neighbourhoods: gpd.GeoDataFrame, *, blocks: gpd.GeoDataFrame | None = None
) -> pd.DataFrame:
    """Share of each neighbourhood's people who live inside a polygon layer.

    Parameters
    ----------
    layer : GeoDataFrame
        Checked polygons; where they overlap they cover once.
    neighbourhoods : GeoDataFrame
        Table by neighbourhood.
    blocks : GeoDataFrame, optional
        Population points from :func:`equity_screen.align.check_blocks`; a neighbourhood without people at
        its points is shared by area.

    Returns
    -------
    DataFrame
        Columns mean [%] and coverage on the neighbourhoods' index; coverage is 1, since outside its
        polygons the layer says that nothing covers, and 0 where there is neither area nor a population point.
        Less than a millionth of an area is none, and all but a millionth is all: exactly 0 and 100.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> south = shapely.box(560000, 6199000, 561500, 6201000)
    >>> flood = gpd.GeoDataFrame(geometry=[south, south], crs=25832)
    >>> share_covered(flood, four_zones())["mean"].round(2).tolist()
    [100.0, 50.0, 0.0, 0.0]
    """
    share, peopled = np.zeros(len(neighbourhoods)), _peopled(blocks, len(neighbourhoods))
    if len(neighbourhoods):
        areas = measure_of(neighbourhoods).areas
        zones = to_space(neighbourhoods.geometry, areas)
        union = gpd.GeoSeries([_union_on(to_space(layer.geometry, areas), zones)], index=["layer"], crs=areas)
        share = footprint_shares(zones, union, blocks=blocks).matrix.toarray()[:, 0]
        by_area = np.where(share < HAIR, 0.0, np.where(share > 1.0 - HAIR, 1.0, share))
        by_area[shapely.area(zones.array) == 0] = np.nan
        share = np.where(peopled, share, by_area)
    return _seen(PERCENT * share, neighbourhoods.index)


def _union_on(polygons: gpd.GeoSeries, zones: gpd.GeoSeries) -> shapely.Geometry:
    """Dissolve the polygons that touch a zone; GEOS puts them into an order of its own."""
    shapes = polygons.array.to_numpy()
    touching = np.unique(shapely.STRtree(shapes).query(zones.array.to_numpy(), predicate="intersects")[1])
    return shapely.union_all(shapes[touching])

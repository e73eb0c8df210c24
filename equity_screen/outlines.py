"""Outlines on the map: priority places, and the areas of boundary layers, light enough for a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping

from equity_screen.crs import WGS84

if TYPE_CHECKING:
    from equity_screen.result import Result

DECIMALS = 5
DETAIL = 4000  # parts of the layer's longer side that a simplified border may be off by


def tolerance_of(layer: gpd.GeoDataFrame) -> float:
    """Give the distance that a simplified border may be off by.

    Parameters
    ----------
    layer : GeoDataFrame
        Layer.

    Returns
    -------
    float
        In the unit of its CRS.

    Examples
    --------
    >>> tolerance_of(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 8000, 100)]))
    2.0
    """
    west, south, east, north = layer.total_bounds
    return float(max(east - west, north - south) / DETAIL)


def light_shapes(layer: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Make geometries light enough for a page: degrees, fewer vertices, five decimals (about a metre).

    Parameters
    ----------
    layer : GeoDataFrame
        Layer in any declared CRS; every row has a geometry.

    Returns
    -------
    ndarray of Geometry
        Geometries in EPSG:4326. Neighbours keep one common border wherever the layer is a clean coverage.

    Examples
    --------
    >>> light_shapes(gpd.GeoDataFrame(geometry=[shapely.Point(1.1234567, 2)], crs=4326))[0].wkt
    'POINT (1.12346 2)'
    """
    shapes = layer.geometry.to_numpy()
    areal = np.isin(shapely.get_type_id(shapes), (3, 6)).all()
    if areal and shapely.coverage_is_valid(shapes):
        shapes = shapely.coverage_simplify(shapes, tolerance_of(layer))
    else:
        shapes = shapely.simplify(shapes, tolerance_of(layer))
    degrees = gpd.GeoSeries(shapes, crs=layer.crs).to_crs(WGS84).to_numpy()
    return np.asarray(shapely.transform(degrees, lambda places: np.round(places, DECIMALS)))


def priority_outline(result: Result, hoods: gpd.GeoDataFrame, *, shapes: NDArray[np.object_]) -> dict[str, Any] | None:
    """Draw one outline around priority places; none where nothing is priority.

    Parameters
    ----------
    result : Result
        Finished screening; its priority areas are drawn where they are a layer of their own.
    hoods : GeoDataFrame
        Neighbourhoods with the column priority.
    shapes : ndarray of Geometry
        Their light shapes, in degrees.

    Returns
    -------
    dict or None
        GeoJSON.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> result = screen(four_zones(), four_actions())
    >>> priority_outline(result, result.neighbourhoods, shapes=light_shapes(result.neighbourhoods)) is None
    True
    """
    own = result.areas[result.areas["boundary"] == "priority"]
    if len(own):
        return dict(mapping(_merged(own)))
    if not hoods["priority"].any():
        return None
    # One outline around neighbours; what their simplified borders leave between them is no border.
    union = shapely.union_all(shapely.make_valid(shapes[hoods["priority"].to_numpy(dtype=bool)]))
    gap = 2 * tolerance_of(gpd.GeoDataFrame(geometry=shapes, crs=WGS84))
    closed = union.buffer(gap, join_style="mitre").buffer(-gap, join_style="mitre")
    return dict(mapping(shapely.transform(closed, lambda places: np.round(places, DECIMALS))))


def _merged(areas: gpd.GeoDataFrame) -> shapely.Geometry:
    """Unite areas and make them light."""
    union = gpd.GeoDataFrame(geometry=[shapely.union_all(areas.geometry.to_numpy())], crs=WGS84)
    return light_shapes(union)[0]


def boundary_outlines(result: Result) -> Iterator[tuple[str, dict[str, Any]]]:
    """Draw the borders of each boundary layer.

    Parameters
    ----------
    result : Result
        Finished screening.

    Yields
    ------
    label : str
        Name of the layer.
    shape : dict
        GeoJSON of its borders.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> list(boundary_outlines(screen(four_zones(), four_actions())))
    []
    """
    named = result.areas[result.areas["boundary"] != "priority"]
    for _, areas in named.groupby("boundary", sort=False):
        lines = shapely.boundary(light_shapes(gpd.GeoDataFrame(areas)))
        yield str(areas["label"].iloc[0]), dict(mapping(shapely.union_all(lines)))

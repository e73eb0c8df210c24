"""Land of the fictional city of Northhaven: zones, river, parks, districts, wards, flood plain.

Its coordinates are metres in `CRS`; what is written by hand stands in ``northhaven/*.csv``, in km east and
north of `ORIGIN`.
"""

from __future__ import annotations

from importlib.resources import files
from itertools import product

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

CRS = "EPSG:25832"
ORIGIN = (560_000.0, 6_200_000.0)
"""Easting and northing [m] of the south-west corner of both cities."""

ROWS, COLUMNS, RIVER_ROW = 15, 20, 7
CELL = 640.0  # [m], the lattice's spacing before it is bent
SPAN = (CELL * COLUMNS, CELL * ROWS)  # [m], the lattice's width and height
FLOOD_REACH = 220.0  # [m], how far the flood plain goes beyond the river's mean bank
FLOOD_MARGIN = 20.0  # [m], from the lowland's edge; less than the margin of the population points
HARBOUR, CENTRE, HILLS = (11_200.0, 5_000.0), (6_800.0, 5_600.0), (1_200.0, 6_500.0)
PARKS = ((1_800.0, 7_600.0), (5_600.0, 3_400.0), (8_300.0, 7_300.0), (3_900.0, 1_100.0), (10_300.0, 1_900.0))
PREFIXES = (
    *("Ær", "Øster", "Vester", "Sønder", "Nørre", "Skov", "Lille", "Ål", "Kær", "Tegl"),
    *("Mølle", "Birke", "Grøn", "Kirke", "Sten", "Lyng", "Ege", "Hav", "Bøge", "Mose"),
)
SUFFIXES = (
    *("holm", "by", "lund", "vang", "høj", "dal", "mark", "bakke"),
    *("gård", "toft", "næs", "rup", "vig", "bro", "eng", "sund"),
)


def by_hand(name: str, *, words: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a table of the city that is written by hand.

    Parameters
    ----------
    name : str
        File in ``northhaven``, without its ending.
    words : tuple of str
        Columns of text, in which empty is empty; elsewhere it is missing.

    Returns
    -------
    DataFrame
        The table.

    Examples
    --------
    >>> by_hand("districts")["people"].sum()
    np.int64(300000)
    """
    with (files("equity_screen") / "northhaven" / f"{name}.csv").open(encoding="utf-8") as source:
        table = pd.read_csv(source, dtype=dict.fromkeys(words, "str"))
    return table.fillna(dict.fromkeys(words, ""))


def footprint(kilometres: str) -> shapely.Geometry:
    """Return a geometry in `CRS` from well-known text in km east and north of `ORIGIN`.

    Parameters
    ----------
    kilometres : str
        Well-known text.

    Returns
    -------
    Geometry
        In metres.

    Examples
    --------
    >>> footprint("POINT (1.5 2)").wkt
    'POINT (561500 6202000)'
    """
    return shapely.transform(shapely.from_wkt(kilometres), lambda points: 1000.0 * points + ORIGIN)


def published(table: pd.DataFrame, geometry: list[shapely.Geometry | None] | Shapes) -> gpd.GeoDataFrame:
    """Return a layer in degrees as RFC 7946 wants it: 7 decimals, outer rings counter-clockwise.

    Parameters
    ----------
    table : DataFrame
        Columns of the layer.
    geometry : sequence of Geometry
        A shape in `CRS`, or None, for each row.

    Returns
    -------
    GeoDataFrame
        In WGS 84.

    Examples
    --------
    >>> published(pd.DataFrame({"id": ["A"]}), [shapely.Point(ORIGIN)]).geometry.iloc[0].wkt
    'POINT (9.9606042 55.9416308)'
    """
    layer = gpd.GeoDataFrame(table, geometry=list(geometry), crs=CRS).to_crs("EPSG:4326")
    rounded = shapely.transform(layer.geometry.to_numpy(), lambda points: np.round(points, 7))
    return layer.set_geometry(gpd.GeoSeries(shapely.orient_polygons(rounded), layer.index, crs=layer.crs))


def near(shapes: Shapes, spot: tuple[float, float], *, reach: float) -> Floats:
    """Return closeness of the centroids to a spot, 1 there and 1/2 at a distance of `reach`.

    Parameters
    ----------
    shapes : ndarray of Geometry
        Shapes in `CRS`.
    spot : tuple of float
        Metres east and north of `ORIGIN`.
    reach : float
        Distance [m] of half of the closeness.

    Returns
    -------
    ndarray of float64
        Closeness [0–1].

    Examples
    --------
    >>> near(np.array([footprint("POINT (1 0)"), footprint("POINT (3 0)")]), (1000.0, 0.0), reach=2000.0).tolist()
    [1.0, 0.5]
    """
    centroid = shapely.centroid(shapes)
    return closeness((shapely.get_x(centroid), shapely.get_y(centroid)), spot, reach=reach)


def closeness(places: tuple[Floats, Floats], spot: tuple[float, float], *, reach: float) -> Floats:
    """Return 1 / (1 + d² / reach²) for the distance d of places from a spot.

    Parameters
    ----------
    places : tuple of ndarray
        Easting and northing [m].
    spot : tuple of float
        Metres east and north of `ORIGIN`.
    reach : float
        Distance [m] of half of the closeness.

    Returns
    -------
    ndarray of float64
        Closeness [0–1].

    Examples
    --------
    >>> closeness((np.array([ORIGIN[0]]), np.array([ORIGIN[1]])), (0.0, 3000.0), reach=1000.0).tolist()
    [0.1]
    """
    east, north = places[0] - ORIGIN[0] - spot[0], places[1] - ORIGIN[1] - spot[1]
    close: Floats = 1.0 / (1.0 + (east**2 + north**2) / reach**2)
    return close


def draw_land(rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Draw the neighbourhoods: irregular six-sided zones that share their edges to the centimetre.

    Parameters
    ----------
    rng : Generator
        Where chance comes from.

    Returns
    -------
    GeoDataFrame
        ``id``, ``name``, ``type`` (residential or park), ``bank`` (north or south of the river) and
        ``district_id``, numbered from the south-west, in `CRS`; none covers the river.

    Examples
    --------
    >>> draw_land(np.random.default_rng(0)).columns.tolist()
    ['id', 'name', 'type', 'bank', 'district_id', 'geometry']
    """
    nodes = _nodes(rng)
    across = _wiggly(nodes[:, :-1], nodes[:, 1:], rng)
    upward = _wiggly(nodes[:-1], nodes[1:], rng)
    cells = _inside_outline(rng)
    zones = np.array([_zone(row, column, across, upward) for row, column in cells])
    columns = {
        "id": [f"NH{number:03d}" for number in range(1, len(zones) + 1)],
        "name": _names(len(zones), rng),
        "type": np.where(_is_park(zones), "park", "residential"),
        "bank": ["north" if row >= RIVER_ROW else "south" for row, _ in cells],
        "district_id": _nearest_district(zones),
    }
    return gpd.GeoDataFrame(columns, geometry=zones, crs=CRS)


def _nodes(rng: np.random.Generator) -> Floats:
    """Return the corners of a honeycomb, each moved at random, shape (rows + 1, columns, 2) [m]."""
    row, column = np.mgrid[0 : ROWS + 1, 0 : 2 * COLUMNS + 2]
    zigzag = np.where((row + column) % 2 == 0, CELL / 6.0, -CELL / 6.0)
    nodes = np.stack([column * CELL / 2.0, row * CELL + zigzag], axis=-1)
    return nodes + 0.34 * CELL * (rng.random(nodes.shape) - 0.5)


def _wiggly(start: Floats, end: Floats, rng: np.random.Generator) -> Floats:
    """Return a bent path of 5 points from each start to its end, shape (..., 5, 2)."""
    along = np.linspace(0.0, 1.0, 5)[:, np.newaxis]
    start, end = start[..., np.newaxis, :], end[..., np.newaxis, :]
    sideways = (end - start)[..., ::-1] * (-1.0, 1.0)
    # along % 1 is 0 at both ends, so that the sides of a zone still meet at its corners
    bend = 0.2 * (rng.random((*start.shape[:-2], 5, 1)) - 0.5) * (along % 1.0 > 0.0)
    path: Floats = (1.0 - along) * start + along * end + bend * sideways
    return path


def _inside_outline(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return row and column of the cells within a ragged oval."""
    row, column = np.mgrid[0:ROWS, 0:COLUMNS]
    north, east = (2 * row + 1) / ROWS - 1.0, (2 * column + 1) / COLUMNS - 1.0
    inside = north**2 + east**2 < 1.22 + 0.4 * (rng.random(row.shape) - 0.5)
    return [(int(r), int(c)) for r, c in np.argwhere(inside)]


def _zone(row: int, column: int, across: Floats, upward: Floats) -> shapely.Polygon:
    """Return one zone, its six bent sides joined counter-clockwise."""
    left = 2 * column + row % 2
    sides = [
        *(across[row, left, :-1], across[row, left + 1, :-1], upward[row, left + 2, :-1]),
        *(across[row + 1, left + 1, :0:-1], across[row + 1, left, :0:-1], upward[row, left, :0:-1]),
    ]
    bank = 1.0 if row >= RIVER_ROW else -1.0
    return shapely.Polygon(np.round(_on_its_bank(np.concatenate(sides), bank), 2))


def _on_its_bank(points: Floats, bank: float) -> Floats:
    """Return points drawn in to the centre, shaken along the river's course and moved off its water.

    `bank` is 1 north of the river and -1 south of it; the river widens to the harbour in the east.
    """
    turn = 2.0 * np.pi * points / SPAN
    east, north = (points + (350.0, 250.0) * np.sin(turn)).T
    width = 200.0 + 450.0 * (east / SPAN[0]) ** 2
    course = 350.0 * np.sin(1.3 * turn[:, 0])
    moved: Floats = np.stack([east, north + course + bank * width / 2.0], axis=-1) + np.array(ORIGIN)
    return moved


def _is_park(zones: Shapes) -> NDArray[np.bool_]:
    """Return which zones are parks: the nearest to each of the places in `PARKS`."""
    is_park = np.zeros(len(zones), dtype=bool)
    is_park[[int(np.argmax(near(zones, spot, reach=1000.0))) for spot in PARKS]] = True
    return is_park


def _names(count: int, rng: np.random.Generator) -> list[str]:
    """Return invented place names, all different."""
    names = [prefix + suffix for prefix, suffix in product(PREFIXES, SUFFIXES)]
    order = np.argsort(rng.random(len(names)), kind="stable")
    return [names[place] for place in order[:count]]


def _centres(table: pd.DataFrame) -> list[tuple[float, float]]:
    """Return the centres of a table of areas, in metres east and north of `ORIGIN`."""
    return [(1000.0 * east, 1000.0 * north) for east, north in zip(table["east"], table["north"], strict=True)]


def _nearest_district(zones: Shapes) -> list[str]:
    """Return the district of each zone: the one whose centre is nearest to its centroid."""
    table = by_hand("districts")
    close = np.stack([near(zones, centre, reach=1000.0) for centre in _centres(table)])
    return [str(table["id"].iloc[place]) for place in close.argmax(axis=0)]


def most_and_least(neighbourhoods: gpd.GeoDataFrame) -> tuple[int, int]:
    """Return which neighbourhoods are planted as the most and the least burdened.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With ``type`` and geometry, as `draw_land` gives them.

    Returns
    -------
    tuple of int
        Row of the residential neighbourhood nearest to the harbour, and of that nearest to the hills.

    Examples
    --------
    >>> places = [footprint("POINT (1 6)"), footprint("POINT (11 5)")]
    >>> most_and_least(gpd.GeoDataFrame({"type": ["residential"] * 2}, geometry=places))
    (1, 0)
    """
    homes = (neighbourhoods["type"] == "residential").to_numpy()
    shapes = neighbourhoods.geometry.to_numpy()
    most, least = (int(np.argmax(near(shapes, spot, reach=1000.0) * homes)) for spot in (HARBOUR, HILLS))
    return most, least


def districts(neighbourhoods: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the districts, unions of whole neighbourhoods.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With ``district_id`` and geometry in `CRS`.

    Returns
    -------
    GeoDataFrame
        ``id`` and ``name``, in WGS 84.

    Examples
    --------
    >>> districts(draw_land(np.random.default_rng(0)))["id"].tolist()
    ['D1', 'D2', 'D3', 'D4', 'D5', 'D6', 'D7']
    """
    table = by_hand("districts")[["id", "name"]]
    parts = neighbourhoods.geometry.groupby(neighbourhoods["district_id"].to_numpy())
    unions = parts.agg(lambda shapes: shapely.normalize(shapely.union_all(shapes.to_numpy())))
    return published(table, unions[table["id"]].to_numpy())


SHORE = 400.0
"""Width of the water along the shore that belongs to the wards [m]."""


def wards(neighbourhoods: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the council wards: straight borders between their centres, a strip of water along the shore included.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With ``geometry`` in `CRS`.

    Returns
    -------
    GeoDataFrame
        ``id`` and ``name``, in WGS 84; every neighbourhood lies in wards, most of them in one.

    Examples
    --------
    >>> len(wards(gpd.GeoDataFrame(geometry=[shapely.box(560000, 6200000, 572600, 6210000)], crs=CRS)))
    18
    """
    table = by_hand("wards")
    centres = shapely.points(np.array(_centres(table)) + ORIGIN)
    west, south = ORIGIN
    around = shapely.box(west - 1000.0, south - 1500.0, west + SPAN[0] + 1400.0, south + SPAN[1] + 1500.0)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(centres), extend_to=around))
    mine = shapely.STRtree(cells).query(centres, predicate="within")[1]
    shore = shapely.union_all(neighbourhoods.geometry.to_numpy()).buffer(SHORE, join_style="mitre").simplify(SHORE / 10)
    shapes = shapely.intersection(cells[mine], shore, grid_size=0.01)
    return published(table[["id", "name"]], shapely.normalize(shapes))


def flood_plain(neighbourhoods: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the areas that a hundred-year flood covers.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        As `most_and_least` takes them.

    Returns
    -------
    GeoDataFrame
        The river with both banks, and the lowland: the most burdened neighbourhood whole, and no
        population point beyond it. The two overlap. In WGS 84.

    Examples
    --------
    >>> flood_plain(draw_land(np.random.default_rng(0)))["id"].tolist()
    ['FL-1', 'FL-2']
    """
    along = np.stack([np.linspace(0.0, SPAN[0], 129), np.full(129, RIVER_ROW * CELL)], axis=-1)
    beyond = np.array([0.0, FLOOD_REACH])
    south, north = _on_its_bank(along, -1.0) - beyond, _on_its_bank(along, 1.0) + beyond
    river = shapely.Polygon(np.round(np.concatenate([south, north[::-1]]), 2))
    lowland = neighbourhoods.geometry.iloc[most_and_least(neighbourhoods)[0]].buffer(FLOOD_MARGIN, join_style="bevel")
    table = pd.DataFrame({"id": ["FL-1", "FL-2"], "name": ["River and banks", "Harbour lowland"], "return_years": 100})
    return published(table, shapely.normalize(np.array([river, lowland])))

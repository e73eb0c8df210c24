"""Cities whose right answers are known: for the demonstration, the doctests and the laws.

Northhaven is fictional: its places, people, amounts and actions are invented, and it only borrows
the coordinates of a real projection. Its plan (``northhaven/*.csv``, footprints in km east and north of
`ORIGIN`) is written by hand; everything else is drawn from a seed.
"""

from __future__ import annotations

from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio import Affine
from rasterio.features import rasterize

from equity_screen.actions import Plan
from equity_screen.files import write_geopackage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Shapes = NDArray[np.object_]

CRS = "EPSG:25832"
ORIGIN = (560_000.0, 6_200_000.0)
"""Easting and northing [m] of the south-west corner of both cities."""

SEED = 2030
INCOME_LOWEST = 24_000.0
"""Planted income [EUR] at rank 0: the ``a`` of ``income = a + b * rank``."""
INCOME_RISE = 60_000.0
"""Planted income [EUR] gained from rank 0 to rank 1: the ``b`` of ``income = a + b * rank``."""
HEAT_NODATA = -9999.0

ROWS, COLUMNS, RIVER_ROW = 11, 14, 5
CELL = 900.0  # [m], the lattice's spacing before it is bent
PIXEL = 60.0  # [m]
BLOCK_MARGIN = 30.0  # [m], least distance of a block from its neighbourhood's edge
HARBOUR, CENTRE, HILLS = (11_200.0, 5_000.0), (6_800.0, 5_600.0), (1_200.0, 6_500.0)
PARKS = ((1_800.0, 7_600.0), (5_600.0, 3_400.0), (8_300.0, 7_300.0), (3_900.0, 900.0))
PREFIXES = (
    *("Ær", "Øster", "Vester", "Sønder", "Nørre", "Skov", "Lille"),
    *("Ål", "Kær", "Tegl", "Mølle", "Birke", "Grøn", "Kirke"),
)
SUFFIXES = ("holm", "by", "lund", "vang", "høj", "dal", "mark", "bakke", "gård", "toft", "næs")
GROUPS = {  # group: share at the highest income, rise to the lowest, spread around that line
    "low_income": (0.05, 0.42, 0.05),
    "indigenous": (0.01, 0.05, 0.02),
    "communities_of_colour": (0.12, 0.38, 0.10),
    "immigrants_refugees": (0.07, 0.30, 0.08),
}


class City(NamedTuple):
    """The tables of a synthetic city, as its files hold them.

    Attributes
    ----------
    neighbourhoods : GeoDataFrame
        Neighbourhoods with people, groups, income and burdens, in `CRS`.
    blocks : DataFrame
        Population points: ``block``, ``x``, ``y`` [m, `CRS`], ``people``.
    historic_areas : GeoDataFrame
        Historically marginalised areas, in WGS 84.
    actions : GeoDataFrame
        Proposed climate actions, in WGS 84.
    effects : DataFrame
        Benefits and burdens of the actions.
    heat : ndarray of float32, shape (rows, columns)
        Surface temperature [degC], `HEAT_NODATA` on the river and outside the city.
    heat_transform : Affine
        From column and row of `heat` to easting and northing [m, `CRS`].
    """

    neighbourhoods: gpd.GeoDataFrame
    blocks: pd.DataFrame
    historic_areas: gpd.GeoDataFrame
    actions: gpd.GeoDataFrame
    effects: pd.DataFrame
    heat: NDArray[np.float32]
    heat_transform: Affine


def four_zones() -> gpd.GeoDataFrame:
    """Return a city of four squares, small enough to check every answer in the head.

    Returns
    -------
    GeoDataFrame, 4 rows
        Zones of 1 km x 1 km in EPSG:25832, laid out as ``C D`` over ``A B``, with the south-west
        corner of ``A`` at (560000, 6200000). Columns: ``name``, ``population`` [people],
        ``people_low_income`` [people], ``median_income`` [EUR], ``heat`` [degC], ``geometry``.

    Examples
    --------
    >>> zones = four_zones()
    >>> zones["population"].to_dict()
    {'A': 100.0, 'B': 200.0, 'C': 300.0, 'D': 400.0}
    >>> zones["people_low_income"].to_dict()
    {'A': 50.0, 'B': 50.0, 'C': 30.0, 'D': 20.0}
    >>> zones.area.to_dict()
    {'A': 1000000.0, 'B': 1000000.0, 'C': 1000000.0, 'D': 1000000.0}
    """
    east, north = ORIGIN
    corners = [(east + dx, north + dy) for dy in (0.0, 1000.0) for dx in (0.0, 1000.0)]
    columns = {
        "name": ["South-west", "South-east", "North-west", "North-east"],
        "population": [100.0, 200.0, 300.0, 400.0],
        "people_low_income": [50.0, 50.0, 30.0, 20.0],
        "median_income": [20_000.0, 30_000.0, 40_000.0, 50_000.0],
        "heat": [30.0, 29.0, 28.0, 27.0],
    }
    squares = [shapely.box(x, y, x + 1000.0, y + 1000.0) for x, y in corners]
    index = pd.Index(["A", "B", "C", "D"], name="neighbourhood")
    return gpd.GeoDataFrame(columns, index=index, geometry=squares, crs=CRS)


def four_actions() -> Plan:
    """Return a plan for the city of four squares, every answer of it to be had in the head.

    Returns
    -------
    Plan
        Four actions: ``WEST`` shades A and C by 0.5 degC; ``EAST``, given as zones B and D, brings 1200
        trips and 2 dB of noise; ``CITY`` pays and levies 1 EUR for everyone; ``LOST`` has no place.

    Examples
    --------
    >>> four_actions().actions["where"].to_dict()
    {'CITY': 'citywide', 'EAST': 'zones', 'LOST': 'unlocated', 'WEST': 'geometry'}
    >>> four_actions().effects["action"].tolist()
    ['CITY', 'CITY', 'EAST', 'EAST', 'LOST', 'WEST']
    """
    zones = four_zones().geometry
    actions = pd.DataFrame(
        {
            "name": ["Dividend", "Tram", "Contract", "Trees"],
            "sector": ["buildings", "transport", "waste", "land use"],
            "where": ["citywide", "zones", "unlocated", "geometry"],
            "zones": ["", "B;D", "", ""],
            "active": True,
            "cost": [1000.0, 2000.0, np.nan, 400.0],
            "tco2e": [0.0, 50.0, 30.0, 5.0],
        },
        index=pd.Index(["CITY", "EAST", "LOST", "WEST"], name="action"),
    )
    shapes = [
        None,
        shapely.union_all(zones[["B", "D"]].array),
        None,
        shapely.union_all(zones[["A", "C"]].array),
    ]
    effects = pd.DataFrame(
        [
            ("CITY", "benefit", "dividend", 1.0, "EUR", "person", "citywide", ""),
            ("CITY", "burden", "levy", 1.0, "EUR", "person", "citywide", ""),
            ("EAST", "benefit", "trips", 1200.0, "trips", "total", "footprint", ""),
            ("EAST", "burden", "noise", 2.0, "dB", "person", "footprint", ""),
            ("LOST", "benefit", "biogas", 5.0, "GWh", "total", "footprint", ""),
            ("WEST", "benefit", "shade", 0.5, "degC", "person", "footprint", "heat"),
        ],
        columns=["action", "ledger", "effect", "amount", "unit", "per", "reach", "indicator"],
    )
    blank = {"amount_low": np.nan, "amount_high": np.nan, "distance_m": np.nan, "driver": ""}
    return Plan(gpd.GeoDataFrame(actions, geometry=shapes, crs=CRS), effects.assign(**blank))


def synthetic_city(seed: int = SEED) -> City:
    """Return the fictional city of Northhaven.

    Parameters
    ----------
    seed : int
        Seed of the random generator, 0 or more; equal seeds give equal cities.

    Returns
    -------
    City
        Its tables, and its heat raster.

    Raises
    ------
    ValueError
        If `seed` is negative.

    Notes
    -----
    Planted answers: `planted_concentration_index`, `planted_single_neighbourhood`, and the action
    ``ACT-UNIFORM``, whose every parity is 1.

    Examples
    --------
    >>> city = synthetic_city()
    >>> bool(city.blocks["people"].sum() == city.neighbourhoods["population"].sum())
    True
    """
    rng = np.random.default_rng(seed)
    neighbourhoods = _neighbourhoods(rng)
    blocks = _blocks(neighbourhoods, rng)
    heat, transform = _heat(neighbourhoods, rng)
    actions = _actions(neighbourhoods)
    return City(neighbourhoods, blocks, _historic_areas(), actions, _effects(), heat, transform)


def planted_concentration_index(neighbourhoods: pd.DataFrame) -> float:
    r"""Return the concentration index of income that is planted in Northhaven, from its formula.

    Parameters
    ----------
    neighbourhoods : DataFrame or GeoDataFrame
        With ``population`` [people], missing where nobody lives.

    Returns
    -------
    float
        The standard concentration index of income, and of every amount per person proportional to
        it (``ACT-INCOME``), people ranked from the lowest income to the highest.

    Notes
    -----
    Income is planted as :math:`y_i = a + b F_i` (`INCOME_LOWEST`, `INCOME_RISE`), with :math:`F_i` the
    mid-rank of neighbourhood `i` and :math:`s_i` its share of the people. Then
    :math:`\mu = a + b/2`, :math:`\mathrm{var}(F) = (1 - \sum_i s_i^3) / 12`, and

    .. math:: C = \frac{2\,\mathrm{cov}(y, F)}{\mu} = \frac{b\,(1 - \sum_i s_i^3)}{6\,(a + b/2)}

    Incomes are rounded to 0.01 EUR, so it holds to about 1e-7.

    Examples
    --------
    Two neighbourhoods with half of the people each: 60000 * (1 - 1/4) / (6 * 54000).

    >>> import pandas as pd
    >>> round(planted_concentration_index(pd.DataFrame({"population": [7.0, 7.0]})), 6)
    0.138889
    """
    people = neighbourhoods["population"].dropna().to_numpy(dtype=float)
    cubes = float(np.sum((people / people.sum()) ** 3))
    return INCOME_RISE * (1.0 - cubes) / (6.0 * (INCOME_LOWEST + INCOME_RISE / 2.0))


def planted_single_neighbourhood(neighbourhoods: pd.DataFrame) -> str:
    """Return the one neighbourhood that ``ACT-ONE`` reaches: the most populous.

    Parameters
    ----------
    neighbourhoods : DataFrame or GeoDataFrame
        With ``id`` and ``population`` [people].

    Returns
    -------
    str
        Its ``id``; the first one where several are equally populous.

    Examples
    --------
    >>> import pandas as pd
    >>> planted_single_neighbourhood(pd.DataFrame({"id": ["NH001", "NH002"], "population": [5.0, 9.0]}))
    'NH002'
    """
    return str(neighbourhoods.loc[neighbourhoods["population"].idxmax(), "id"])


def write_city(folder: str | Path, *, seed: int = SEED) -> None:
    """Write the files of Northhaven into a folder; files of the same names are replaced.

    Parameters
    ----------
    folder : str or Path
        Where to write; made if it is not there.
    seed : int
        Seed of the random generator, 0 or more.

    Raises
    ------
    OSError
        If the folder cannot be written.
    ValueError
        If `seed` is negative.

    Notes
    -----
    Values are the same wherever they are made; bytes are the same with the same GDAL.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_city(folder)
    ...     sorted(path.name for path in Path(folder).iterdir())  # doctest: +NORMALIZE_WHITESPACE
    ['actions.geojson', 'blocks.csv', 'effects.csv', 'heat.tif', 'historic_areas.geojson',
     'neighbourhoods.gpkg']
    """
    city, folder = synthetic_city(seed), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_geopackage(city.neighbourhoods, folder / "neighbourhoods.gpkg")
    _write_geojson(city.historic_areas, folder / "historic_areas.geojson")
    _write_geojson(city.actions, folder / "actions.geojson")
    _write_csv(city.blocks, folder / "blocks.csv")
    _write_csv(city.effects, folder / "effects.csv")
    _write_heat(city, folder / "heat.tif")


def _neighbourhoods(rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return the neighbourhoods with all their columns, numbered from the south-west."""
    zones = _zones(rng)
    is_park = _is_park(zones)
    frame = pd.DataFrame(
        {
            "id": [f"NH{number:03d}" for number in range(1, len(zones) + 1)],
            "name": _names(len(zones), rng),
            "type": np.where(is_park, "park", "residential"),
        }
    )
    people = _people(zones, is_park, rng)
    frame = frame.join(people.mask(pd.Series(is_park), axis=0))
    frame["pm25"] = np.round(6.0 + 7.0 * _near(zones, HARBOUR, 2500.0) + 0.5 * rng.random(len(zones)), 2)
    bill = 1500.0 + 1000.0 * rng.random(len(zones))  # [EUR/year]
    frame["energy_burden"] = np.round(2.0 + 100.0 * bill / frame["median_income"], 1)
    return gpd.GeoDataFrame(frame, geometry=zones, crs=CRS)


def _zones(rng: np.random.Generator) -> Shapes:
    """Return irregular six-sided zones that share their edges to the centimetre."""
    nodes = _nodes(rng)
    across = _wiggly(nodes[:, :-1], nodes[:, 1:], rng)
    upward = _wiggly(nodes[:-1], nodes[1:], rng)
    return np.array([_zone(row, column, across, upward) for row, column in _inside_outline(rng)])


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
    inside = north**2 + east**2 < 1.15 + 0.4 * (rng.random(row.shape) - 0.5)
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
    turn = 2.0 * np.pi * points / (CELL * np.array([COLUMNS, ROWS]))
    east, north = (points + (350.0, 250.0) * np.sin(turn)).T
    width = 200.0 + 450.0 * (east / (CELL * COLUMNS)) ** 2
    course = 350.0 * np.sin(1.3 * turn[:, 0])
    moved: Floats = np.stack([east, north + course + bank * width / 2.0], axis=-1) + np.array(ORIGIN)
    return moved


def _near(shapes: Shapes, spot: tuple[float, float], reach: float) -> Floats:
    """Return closeness of the centroids to a spot, 1 there and 1/2 at `reach` [m]."""
    centroid = shapely.centroid(shapes)
    return _closeness(shapely.get_x(centroid), shapely.get_y(centroid), spot, reach)


def _closeness(x: Floats, y: Floats, spot: tuple[float, float], reach: float) -> Floats:
    """Return 1 / (1 + d^2 / reach^2) for the distance d [m] of points from a spot."""
    east, north = x - ORIGIN[0] - spot[0], y - ORIGIN[1] - spot[1]
    closeness: Floats = 1.0 / (1.0 + (east**2 + north**2) / reach**2)
    return closeness


def _is_park(zones: Shapes) -> NDArray[np.bool_]:
    """Return which zones are parks: the nearest to each of the places in `PARKS`."""
    is_park = np.zeros(len(zones), dtype=bool)
    is_park[[int(np.argmax(_near(zones, spot, 1000.0))) for spot in PARKS]] = True
    return is_park


def _names(count: int, rng: np.random.Generator) -> list[str]:
    """Return invented place names, all different."""
    names = [prefix + suffix for prefix, suffix in product(PREFIXES, SUFFIXES)]
    order = np.argsort(rng.random(len(names)), kind="stable")
    return [names[place] for place in order[:count]]


def _people(zones: Shapes, is_park: NDArray[np.bool_], rng: np.random.Generator) -> pd.DataFrame:
    """Return people, households, groups and income, each count followed by its margin of error."""
    crowd = 700.0 + 2400.0 * _near(zones, CENTRE, 2500.0) + 1200.0 * rng.random(len(zones))
    population = np.where(is_park, 0.0, np.rint(crowd))
    rank = _mid_rank(_wealth(zones, rng), population)
    people = {"population": population, "population_moe": _moe(population)}
    people["households"] = np.rint(population / (1.9 + 0.6 * rng.random(len(zones))))
    for group, (share, rise, spread) in GROUPS.items():
        shares = share + rise * (1.0 - rank) + spread * rng.standard_normal(len(zones))
        people[group] = np.rint(population * np.clip(shares, 0.005, 0.9))
        people[f"{group}_moe"] = _moe(people[group])
    people["median_income"] = np.round(INCOME_LOWEST + INCOME_RISE * rank, 2)
    people["median_income_moe"] = np.rint(people["median_income"] * (0.05 + 0.1 * rng.random(len(zones))))
    return pd.DataFrame(people)


def _wealth(zones: Shapes, rng: np.random.Generator) -> Floats:
    """Return a score that rises to the western hills and falls to the eastern harbour."""
    noise = 0.15 * rng.standard_normal(len(zones))
    return _near(zones, HILLS, 5000.0) - _near(zones, HARBOUR, 3500.0) + noise


def _mid_rank(values: Floats, population: Floats) -> Floats:
    """Return the share of the people below each value plus half of its own, in 0..1."""
    order = np.argsort(values, kind="stable")
    people = population[order]
    rank = np.empty_like(population)
    rank[order] = (np.cumsum(people) - people / 2.0) / people.sum()
    return rank


def _moe(count: Floats) -> Floats:
    """Return a 90 % margin of error [people], as a sample of one in twelve would have."""
    return np.rint(1.645 * np.sqrt(12.0 * (count + 1.0)))


def _blocks(neighbourhoods: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return 10 to 14 population points in each populated neighbourhood."""
    populated = neighbourhoods.dropna(subset="population")
    rows = [
        (f"{zone.id}-{number:02d}", x, y, people)
        for zone in populated.itertuples()
        for number, (x, y, people) in enumerate(_zone_blocks(zone.geometry, zone.population, rng), start=1)
    ]
    return pd.DataFrame(rows, columns=["block", "x", "y", "people"])


def _zone_blocks(zone: shapely.Polygon, population: float, rng: np.random.Generator) -> list[tuple[float, float, int]]:
    """Return x, y and people of the points of one zone."""
    points = _points_inside(zone, int(rng.integers(10, 15)), rng)
    bounds = np.cumsum(0.3 + rng.random(len(points)))
    people = np.diff(np.rint(bounds / bounds[-1] * population), prepend=0.0)
    return [(float(x), float(y), int(count)) for (x, y), count in zip(points, people, strict=True)]


def _points_inside(zone: shapely.Polygon, count: int, rng: np.random.Generator) -> Floats:
    """Return points at least `BLOCK_MARGIN` inside a zone, the first `count` of 400 thrown at it."""
    west, south, east, north = zone.bounds
    points = np.round(rng.random((400, 2)) * (east - west, north - south) + (west, south), 2)
    margin = shapely.distance(zone.boundary, shapely.points(points))
    inside: Floats = points[shapely.contains_xy(zone, points) & (margin >= BLOCK_MARGIN)]
    return inside[:count]


def _heat(neighbourhoods: gpd.GeoDataFrame, rng: np.random.Generator) -> tuple[NDArray[np.float32], Affine]:
    """Return summer surface temperature [degC] to 0.1, and its transform."""
    shape, transform = _grid(neighbourhoods.total_bounds)
    row, column = np.mgrid[: shape[0], : shape[1]]
    x, y = transform.c + PIXEL * (column + 0.5), transform.f - PIXEL * (row + 0.5)
    warmth = 25.0 + 6.0 * _closeness(x, y, HARBOUR, 3000.0) + 4.0 * _closeness(x, y, CENTRE, 2500.0)
    warmth += 0.5 * rng.standard_normal(shape)
    base = np.where(neighbourhoods["type"] == "park", -3.0, 0.0)
    cover = rasterize(
        zip(neighbourhoods.geometry, base, strict=True),
        out_shape=shape,
        transform=transform,
        fill=np.nan,
        dtype="float64",
    )
    heat = np.where(np.isnan(cover), HEAT_NODATA, np.round(warmth + cover, 1))
    return heat.astype(np.float32), transform


def _grid(bounds: Floats) -> tuple[tuple[int, int], Affine]:
    """Return rows and columns, and the transform, of the whole pixels that cover the bounds."""
    west, south, east, north = bounds
    left, top = west // PIXEL * PIXEL, north // PIXEL * PIXEL + PIXEL
    shape = (int((top - south) // PIXEL) + 1, int((east - left) // PIXEL) + 1)
    return shape, Affine(PIXEL, 0.0, left, 0.0, -PIXEL, top)


def _plan(name: str, *, words: tuple[str, ...]) -> pd.DataFrame:
    """Return a table of the city's plan; empty is missing, except in the columns `words`."""
    with (files("equity_screen") / "northhaven" / f"{name}.csv").open(encoding="utf-8") as source:
        table = pd.read_csv(source, dtype=dict.fromkeys(words, "str"))
    return table.fillna(dict.fromkeys(words, ""))


def _footprint(kilometres: str) -> shapely.Geometry:
    """Return a geometry in `CRS` from well-known text in km east and north of `ORIGIN`."""
    return shapely.transform(shapely.from_wkt(kilometres), lambda points: 1000.0 * points + ORIGIN)


def _published(table: pd.DataFrame, geometry: list[shapely.Geometry | None]) -> gpd.GeoDataFrame:
    """Return a layer in degrees as RFC 7946 wants it: 7 decimals, outer rings counter-clockwise."""
    layer = gpd.GeoDataFrame(table, geometry=geometry, crs=CRS).to_crs("EPSG:4326")
    rounded = shapely.transform(layer.geometry.to_numpy(), lambda points: np.round(points, 7))
    return layer.set_geometry(gpd.GeoSeries(shapely.orient_polygons(rounded), layer.index, crs=layer.crs))


def _historic_areas() -> gpd.GeoDataFrame:
    """Return the historically marginalised areas."""
    areas = _plan("historic_areas", words=("history",))
    return _published(areas.drop(columns="footprint"), [_footprint(text) for text in areas["footprint"]])


def _actions(neighbourhoods: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the actions; those that depend on where people live are placed here."""
    actions = _plan("actions", words=("where", "notes"))
    drawn = actions.pop("footprint").dropna()
    lowest = neighbourhoods.nsmallest(12, "median_income")["id"].sort_values()
    actions["where"] = actions["where"].replace("zones", "zones:" + ";".join(lowest))
    footprints = {row: _footprint(text) for row, text in drawn.items()}
    footprints[actions.index[actions["id"] == "ACT-ONE"][0]] = _inside_one(neighbourhoods)
    return _published(actions, [footprints.get(row) for row in actions.index])


def _inside_one(neighbourhoods: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return an area within the one planted neighbourhood that holds all of its blocks."""
    zone = neighbourhoods.set_index("id").geometry[planted_single_neighbourhood(neighbourhoods)]
    return zone.buffer(-BLOCK_MARGIN / 2.0, join_style="mitre")


def _effects() -> pd.DataFrame:
    """Return the benefits and burdens, every number marked as an illustration."""
    return _plan("effects", words=("driver", "indicator", "page"))


def _write_geojson(layer: gpd.GeoDataFrame, path: Path) -> None:
    """Write a layer in degrees as GeoJSON."""
    layer.to_file(path, driver="GeoJSON", RFC7946="YES", COORDINATE_PRECISION=7)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as UTF-8 text, with the same line ends everywhere."""
    table.to_csv(path, index=False, lineterminator="\n")


def _write_heat(city: City, path: Path) -> None:
    """Write the heat raster as a GeoTIFF."""
    rows, columns = city.heat.shape
    profile: dict[str, Any] = {"driver": "GTiff", "dtype": "float32", "compress": "deflate", "predictor": 3}
    profile |= {"width": columns, "height": rows, "count": 1, "crs": CRS, "nodata": HEAT_NODATA}
    with rasterio.open(path, "w", transform=city.heat_transform, **profile) as target:
        target.write(city.heat, 1)
        target.set_band_description(1, "surface temperature [degC]")

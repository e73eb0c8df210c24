"""Cities whose right answers are known: for the demonstration, the doctests and the laws.

Northhaven is fictional: its places, people, amounts and actions are invented, and it only borrows
the coordinates of a real projection. Its plan (``northhaven/*.csv``) is written by hand; everything else is
drawn from a seed, by the modules ``city_land``, ``city_people``, ``city_layers`` and ``city_plan``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import Affine

from equity_screen.actions import Plan
from equity_screen.city_land import CRS, ORIGIN, districts, draw_land, flood_plain, wards
from equity_screen.city_layers import (
    CANOPY_NODATA,
    FACILITY_DISTANCE,
    HEAT_NODATA,
    PLANTED,
    draw_air,
    draw_canopy,
    draw_heat,
    place_facilities,
)
from equity_screen.city_people import (
    ENERGY_BURDEN,
    INCOME_LOWEST,
    INCOME_RISE,
    TOTALS,
    UNHEATED_NORTH,
    draw_blocks,
    draw_last_census,
    draw_people,
)
from equity_screen.city_plan import (
    HALF_DISTRICT,
    historic_areas,
    place_actions_of,
    planted_single_neighbourhood,
    read_effects,
    walking_times,
)
from equity_screen.files import write_geopackage

__all__ = [
    "CANOPY_NODATA",
    "CRS",
    "ENERGY_BURDEN",
    "FACILITY_DISTANCE",
    "HALF_DISTRICT",
    "HEAT_NODATA",
    "INCOME_LOWEST",
    "INCOME_RISE",
    "ORIGIN",
    "PLANTED",
    "SEED",
    "TOTALS",
    "UNHEATED_NORTH",
    "City",
    "four_actions",
    "four_zones",
    "planted_concentration_index",
    "planted_gas_saving",
    "planted_most_and_least_burdened",
    "planted_single_neighbourhood",
    "synthetic_city",
    "write_city",
]

SEED = 2030
GAS_UPTAKE = {"owners": 0.20, "renters": 0.10}
"""Planted uptake of the gas-saving programme ``ACT-08``, by tenure [share]."""
GAS_SAVED = 0.15
"""Planted share of their gas that those who take it up save."""
GAS_PRICE = 0.10
"""Planted price of gas [EUR/kWh]."""


class City(NamedTuple):
    """The tables of a synthetic city, as its files hold them.

    Attributes
    ----------
    neighbourhoods : GeoDataFrame
        Neighbourhoods with people, tenure, groups and income, in `CRS`.
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
    canopy : ndarray of uint8, shape (rows, columns)
        Tree canopy [%], `CANOPY_NODATA` on the river and outside the city.
    canopy_transform : Affine
        From column and row of `canopy` to easting and northing [m, `CRS`].
    air_quality : GeoDataFrame
        Grid of 500 m with ``pm25`` [ug/m3], in EPSG:3035.
    flood : GeoDataFrame
        Areas under a hundred-year flood, overlapping, in WGS 84.
    facilities : DataFrame
        Industrial plants: ``lon`` and ``lat`` in WGS 84.
    districts, wards : GeoDataFrame
        Named areas, in WGS 84: districts are whole neighbourhoods, wards cut across them.
    census_zones : GeoDataFrame
        Zones of the last census, in `CRS`.
    census : DataFrame
        What the last census counted in them.
    walking_times : DataFrame
        Minutes from the neighbourhoods to the community gardens.
    crosswalk : DataFrame
        Share of each old zone's people in each neighbourhood.
    """

    neighbourhoods: gpd.GeoDataFrame
    blocks: pd.DataFrame
    historic_areas: gpd.GeoDataFrame
    actions: gpd.GeoDataFrame
    effects: pd.DataFrame
    heat: NDArray[np.float32]
    heat_transform: Affine
    canopy: NDArray[np.uint8]
    canopy_transform: Affine
    air_quality: gpd.GeoDataFrame
    flood: gpd.GeoDataFrame
    facilities: pd.DataFrame
    districts: gpd.GeoDataFrame
    wards: gpd.GeoDataFrame
    census_zones: gpd.GeoDataFrame
    census: pd.DataFrame
    walking_times: pd.DataFrame
    crosswalk: pd.DataFrame


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
        Its tables and rasters.

    Raises
    ------
    ValueError
        If `seed` is negative.

    Notes
    -----
    Planted answers: city-wide sums (`TOTALS`); burdens of two neighbourhoods
    (`planted_most_and_least_burdened`, `PLANTED`, `ENERGY_BURDEN`); a constant rate of the last census
    north of the river (`UNHEATED_NORTH`); `planted_concentration_index`; `planted_single_neighbourhood`;
    `planted_gas_saving`; and the actions ``ACT-UNIFORM``, whose every parity is 1, ``ACT-COOL``, which
    leaves every gap as it was, and ``ACT-HALF``, which reaches half of the people of `HALF_DISTRICT`.

    Examples
    --------
    >>> city = synthetic_city()
    >>> bool(city.blocks["people"].sum() == city.neighbourhoods["population"].sum() == 300_000)
    True
    """
    rng = np.random.default_rng(seed)
    neighbourhoods = draw_people(draw_land(rng), rng)
    blocks = draw_blocks(neighbourhoods, rng)
    heat, canopy = draw_heat(neighbourhoods, rng), draw_canopy(neighbourhoods, rng)
    air = draw_air(neighbourhoods, rng)
    actions = place_actions_of(neighbourhoods)
    old = draw_last_census(neighbourhoods, blocks, rng=rng)
    return City(
        neighbourhoods=neighbourhoods,
        blocks=blocks,
        historic_areas=historic_areas(),
        actions=actions,
        effects=read_effects(),
        heat=heat.cells.astype(np.float32),
        heat_transform=heat.transform,
        canopy=canopy.cells.astype(np.uint8),
        canopy_transform=canopy.transform,
        air_quality=air,
        flood=flood_plain(neighbourhoods),
        facilities=place_facilities(neighbourhoods),
        districts=districts(neighbourhoods),
        wards=wards(neighbourhoods),
        census_zones=old.zones,
        census=old.table,
        walking_times=walking_times(neighbourhoods, actions),
        crosswalk=old.crosswalk,
    )


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


def planted_most_and_least_burdened(neighbourhoods: pd.DataFrame) -> tuple[str, str]:
    """Return the neighbourhoods that carry the most and the least of every burden.

    Parameters
    ----------
    neighbourhoods : DataFrame or GeoDataFrame
        With ``id`` and ``median_income``.

    Returns
    -------
    tuple of str
        Their ids: they are planted with the lowest and the highest income as well. Their burdens are
        `PLANTED` and `ENERGY_BURDEN`; their scores are 100 and 0.

    Examples
    --------
    >>> import pandas as pd
    >>> planted_most_and_least_burdened(pd.DataFrame({"id": ["A", "B", "C"], "median_income": [2.0, 1.0, 3.0]}))
    ('B', 'C')
    """
    income = neighbourhoods.set_index("id")["median_income"]
    return str(income.idxmin()), str(income.idxmax())


def planted_gas_saving() -> dict[str, float]:
    """Return what the gas-saving programme ``ACT-08`` saves, by tenure, from its formula.

    Returns
    -------
    dict of str to float
        Saving [EUR/year]: gas [kWh/year] × uptake × share saved × price.

    Examples
    --------
    700 GWh × 20 % × 15 % × 0.10 EUR, and 300 GWh × 10 % × 15 % × 0.10 EUR:

    >>> planted_gas_saving()
    {'owners': 2100000.0, 'renters': 450000.0}
    """
    gas = {tenure: TOTALS[f"gas_{tenure}"] for tenure in GAS_UPTAKE}
    return {tenure: round(gas[tenure] * uptake * GAS_SAVED * GAS_PRICE, 2) for tenure, uptake in GAS_UPTAKE.items()}


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
    ['actions.geojson', 'air_quality.gpkg', 'blocks.csv', 'canopy.tif', 'census_2021.csv',
     'census_2021_zones.gpkg', 'crosswalk_2021_2026.csv', 'districts.geojson', 'effects.csv', 'facilities.csv',
     'flood.geojson', 'heat.tif', 'historic_areas.geojson', 'neighbourhoods.gpkg', 'walking_times.csv',
     'wards.geojson']
    """
    city, folder = synthetic_city(seed), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_geopackage(city.neighbourhoods, folder / "neighbourhoods.gpkg")
    write_geopackage(city.air_quality, folder / "air_quality.gpkg")
    write_geopackage(city.census_zones, folder / "census_2021_zones.gpkg")
    for name in ("historic_areas", "actions", "flood", "districts", "wards"):
        _write_geojson(getattr(city, name), folder / f"{name}.geojson")
    for name in ("blocks", "effects", "facilities", "walking_times"):
        _write_csv(getattr(city, name), folder / f"{name}.csv")
    _write_csv(city.census, folder / "census_2021.csv")
    _write_csv(city.crosswalk, folder / "crosswalk_2021_2026.csv")
    _write_rasters(city, folder)


def _write_geojson(layer: gpd.GeoDataFrame, path: Path) -> None:
    """Write a layer in degrees as GeoJSON."""
    layer.to_file(path, driver="GeoJSON", RFC7946="YES", COORDINATE_PRECISION=7)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as UTF-8 text, with the same line ends everywhere."""
    table.to_csv(path, index=False, lineterminator="\n")


def _write_rasters(city: City, folder: Path) -> None:
    """Write the rasters as GeoTIFFs: nodata is tagged in that of heat, and left to be known in that of canopy."""
    heat: dict[str, Any] = {"transform": city.heat_transform, "predictor": 3, "nodata": HEAT_NODATA}
    _write_raster(city.heat, folder / "heat.tif", about="surface temperature [degC]", **heat)
    _write_raster(city.canopy, folder / "canopy.tif", about="tree canopy [%]", transform=city.canopy_transform)


def _write_raster(values: NDArray[Any], path: Path, *, about: str, **profile: Any) -> None:
    """Write one band as a GeoTIFF."""
    rows, columns = values.shape
    profile |= {"driver": "GTiff", "dtype": values.dtype.name, "compress": "deflate", "crs": CRS}
    with rasterio.open(path, "w", width=columns, height=rows, count=1, **profile) as target:
        target.write(values, 1)
        target.set_band_description(1, about)

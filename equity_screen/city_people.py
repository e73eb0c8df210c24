"""People of Northhaven: who lives where today, and what the census counted five years before.

City-wide totals are round numbers in `TOTALS` and ``northhaven/districts.csv``; they are shared out to whole
numbers, so that sums are known without adding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from equity_screen.city_land import CENTRE, CRS, HARBOUR, HILLS, ORIGIN, Floats, Shapes, by_hand, most_and_least, near

BLOCK_MARGIN = 30.0  # [m], least distance of a block from its neighbourhood's edge
INCOME_LOWEST = 24_000.0
"""Planted income [EUR] at rank 0: the ``a`` of ``income = a + b * rank``."""
INCOME_RISE = 60_000.0
"""Planted income [EUR] gained from rank 0 to rank 1: the ``b`` of ``income = a + b * rank``."""
GROUPS = {  # group: share at the highest income, rise to the lowest, spread around that line
    "low_income": (0.05, 0.42, 0.05),
    "indigenous": (0.01, 0.05, 0.02),
    "communities_of_colour": (0.12, 0.38, 0.10),
    "immigrants_refugees": (0.07, 0.30, 0.08),
}
TOTALS: Mapping[str, int] = MappingProxyType(
    {
        "population": 300_000,
        "low_income": 72_000,
        "indigenous": 9_000,
        "communities_of_colour": 90_000,
        "immigrants_refugees": 60_000,
        "households": 140_000,
        "owners": 70_000,
        "renters": 70_000,
        "cars": 126_000,
        "gas_owners": 700_000_000,
        "gas_renters": 300_000_000,
        "residents_2021": 280_000,
        "homes_2021": 130_000,
    }
)
"""Planted totals of the city [people, households, cars, kWh/year]; of 2021 in the last two."""
ENERGY_BURDEN = (12.5, 3.0)
"""Planted energy burden [%] of the most and the least burdened neighbourhood; others lie between."""
UNHEATED_NORTH = 4.0
"""Planted share [%] of homes without central heating in 2021, everywhere north of the river."""
OLD_CELL = 1500.0  # [m], width of the last census's zones
OLD_CORNER = (ORIGIN[0] - 400.0, ORIGIN[1] - 1300.0)


class LastCensus(NamedTuple):
    """The last census: its zones, their table, and how they pass into the neighbourhoods."""

    zones: gpd.GeoDataFrame
    table: pd.DataFrame
    crosswalk: pd.DataFrame


def apportion(weights: Floats, total: float) -> Floats:
    """Share out a whole number by weights, in whole numbers that add up to it (largest remainders).

    Parameters
    ----------
    weights : ndarray of float64
        0 or more, not all 0.
    total : float
        Whole number.

    Returns
    -------
    ndarray of float64
        Whole numbers that add up to `total`; of equal remainders the first is rounded up.

    Examples
    --------
    >>> apportion(np.array([1.0, 1.0, 2.0, 0.0]), 10).tolist()
    [3.0, 2.0, 5.0, 0.0]
    """
    exact = weights * (total / math.fsum(weights))
    whole = np.floor(exact)
    rest = round(total - math.fsum(whole))
    whole[np.argsort(whole - exact, kind="stable")[:rest]] += 1.0
    return whole


def draw_people(land: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Settle people on the land.

    Parameters
    ----------
    land : GeoDataFrame
        From `equity_screen.city_land.draw_land`.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    GeoDataFrame
        The land with people, households, tenure, cars, gas, groups, income and energy burden; counts
        with margins of error; all missing in parks.

    Examples
    --------
    >>> from equity_screen.city_land import draw_land
    >>> rng = np.random.default_rng(0)
    >>> people = draw_people(draw_land(rng), rng)
    >>> people["population"].sum(), people["gas_owners"].sum() + people["gas_renters"].sum()
    (np.float64(300000.0), np.float64(1000000000.0))
    """
    home = (land["type"] == "residential").to_numpy()
    population = _population(land, home, rng)
    rank = _mid_rank(_wealth(land, rng), population)
    columns: dict[str, Floats] = {"population": population, "population_moe": _moe(population)}
    columns |= _households(population, rank, rng)
    for group, (share, rise, spread) in GROUPS.items():
        shares = share + rise * (1.0 - rank) + spread * rng.standard_normal(len(land))
        columns[group] = apportion(population * np.clip(shares, 0.01, 0.9), TOTALS[group])
        columns[f"{group}_moe"] = _moe(columns[group])
    income = np.round(INCOME_LOWEST + INCOME_RISE * rank, 2)
    columns["median_income"] = income
    columns["median_income_moe"] = np.rint(income * (0.05 + 0.1 * rng.random(len(land))))
    columns["energy_burden"] = _energy_burden(land, income, rng)
    columns["energy_burden_moe"] = _moe_of_mean(columns["energy_burden"], columns["households"])
    people = pd.DataFrame(columns, index=land.index).mask(land["type"] == "park")
    table = pd.concat([land.drop(columns="geometry"), people], axis=1)
    return gpd.GeoDataFrame(table, geometry=land.geometry, crs=land.crs)


def _population(land: gpd.GeoDataFrame, home: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Return people; the western half of each district's neighbourhoods holds half of its people."""
    shapes = land.geometry.to_numpy()
    crowd = 700.0 + 2400.0 * near(shapes, CENTRE, reach=2500.0) + 1200.0 * rng.random(len(land))
    population = np.zeros(len(land))
    table = by_hand("districts")
    for district, people in zip(table["id"], table["people"], strict=True):
        west = western_half(land, str(district))
        east = home & (land["district_id"] == district).to_numpy() & ~west
        for half in (west, east):
            population[half] = apportion(crowd[half], people / 2)
    return population


def western_half(land: gpd.GeoDataFrame, district: str) -> NDArray[np.bool_]:
    """Tell which neighbourhoods are the western half of those where people live in a district.

    Parameters
    ----------
    land : GeoDataFrame
        With ``type``, ``district_id`` and geometry.
    district : str
        Its id.

    Returns
    -------
    ndarray of bool
        True for the western half, by their centroids; the smaller half where their number is odd.

    Examples
    --------
    >>> from equity_screen.city_land import footprint
    >>> places = [footprint(f"POINT ({east} 1)") for east in (3, 1, 2)]
    >>> land = gpd.GeoDataFrame({"type": "residential", "district_id": "D1"}, geometry=places, index=[0, 1, 2])
    >>> western_half(land, "D1").tolist()
    [False, True, False]
    """
    mine = np.flatnonzero((land["type"] == "residential") & (land["district_id"] == district))
    east = shapely.get_x(shapely.centroid(land.geometry.to_numpy()[mine]))
    half = np.zeros(len(land), dtype=bool)
    half[mine[np.argsort(east, kind="stable")[: len(mine) // 2]]] = True
    return half


def _wealth(land: gpd.GeoDataFrame, rng: np.random.Generator) -> Floats:
    """Return a score that rises to the western hills and falls to the eastern harbour."""
    shapes = land.geometry.to_numpy()
    noise = 0.15 * rng.standard_normal(len(land))
    wealth = near(shapes, HILLS, reach=5000.0) - near(shapes, HARBOUR, reach=3500.0) + noise
    most, least = most_and_least(land)
    wealth[[most, least]] = wealth.min() - 1.0, wealth.max() + 1.0
    return wealth


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


def _moe_of_mean(mean: Floats, homes: Floats) -> Floats:
    """Return a 90 % margin of error of a mean over homes that differ by half of it, one in twelve asked."""
    return np.round(1.645 * 0.5 * mean * np.sqrt(12.0 / np.maximum(homes, 12.0)), 2)


def _households(population: Floats, rank: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    """Return households by tenure, their cars and their gas [kWh/year]."""
    homes = apportion(population / (1.9 + 0.6 * rng.random(len(rank))), TOTALS["households"])
    renters = apportion(homes * np.clip(0.75 - 0.5 * rank, 0.1, 0.9), TOTALS["renters"])
    owners = homes - renters
    cold = 0.9 + 0.2 * rng.random(len(rank))
    return {
        "households": homes,
        "owners": owners,
        "renters": renters,
        "cars": apportion(homes * (0.5 + 0.8 * rank), TOTALS["cars"]),
        "gas_owners": apportion(owners * cold * (0.8 + 0.4 * rank), TOTALS["gas_owners"]),
        "gas_renters": apportion(renters * cold, TOTALS["gas_renters"]),
    }


def _energy_burden(land: gpd.GeoDataFrame, income: Floats, rng: np.random.Generator) -> Floats:
    """Return the share of income spent on energy [%], highest and lowest where it is planted."""
    bill = 1500.0 + 1000.0 * rng.random(len(land))  # [EUR/year]
    burden = np.clip(np.round(2.0 + 100.0 * bill / income, 1), ENERGY_BURDEN[1] + 0.1, ENERGY_BURDEN[0] - 0.1)
    burden[list(most_and_least(land))] = ENERGY_BURDEN
    return burden


def draw_blocks(neighbourhoods: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Draw 8 to 14 population points in each neighbourhood where people live.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With ``id``, ``population`` and geometry.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    DataFrame
        ``block``, ``x``, ``y`` [m, `CRS`], ``people``: whole, adding up to each neighbourhood's.

    Examples
    --------
    >>> zone = gpd.GeoDataFrame({"id": ["A"], "population": [50.0]}, geometry=[shapely.box(0, 0, 900, 900)])
    >>> draw_blocks(zone, np.random.default_rng(0))["people"].sum()
    np.int64(50)
    """
    populated = neighbourhoods.dropna(subset="population")
    rows = [
        (f"{zone.id}-{number:02d}", x, y, people)
        for zone in populated.itertuples()
        for number, (x, y, people) in enumerate(_zone_blocks(zone.geometry, zone.population, rng), start=1)
    ]
    return pd.DataFrame(rows, columns=["block", "x", "y", "people"])


def _zone_blocks(zone: shapely.Polygon, population: float, rng: np.random.Generator) -> list[tuple[float, float, int]]:
    """Return x, y and people of the points of one zone."""
    points = _points_inside(zone, int(rng.integers(8, 15)), rng)
    people = apportion(0.3 + rng.random(len(points)), population)
    return [(float(x), float(y), int(count)) for (x, y), count in zip(points, people, strict=True)]


def _points_inside(zone: shapely.Polygon, count: int, rng: np.random.Generator) -> Floats:
    """Return points at least `BLOCK_MARGIN` inside a zone, the first `count` of 400 thrown at it."""
    west, south, east, north = zone.bounds
    points = np.round(rng.random((400, 2)) * (east - west, north - south) + (west, south), 2)
    margin = shapely.distance(zone.boundary, shapely.points(points))
    inside: Floats = points[shapely.contains_xy(zone, points) & (margin >= BLOCK_MARGIN)]
    return inside[:count]


def draw_last_census(neighbourhoods: gpd.GeoDataFrame, blocks: pd.DataFrame, *, rng: np.random.Generator) -> LastCensus:
    """Count the city of five years before, in other zones than today's.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Today's, with ``bank`` and geometry.
    blocks : DataFrame
        Today's population points.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    LastCensus
        Squares of 1.5 km cut at the river; residents, homes and homes without central heating [%] in
        each; and the share of each old zone's people that lives in each neighbourhood.

    Examples
    --------
    >>> from equity_screen.city_land import draw_land
    >>> rng = np.random.default_rng(0)
    >>> city = draw_people(draw_land(rng), rng)
    >>> draw_last_census(city, draw_blocks(city, rng), rng=rng).table["residents_2021"].sum()
    np.int64(280000)
    """
    bank = neighbourhoods.set_index("id")["bank"]
    neighbour = blocks["block"].str.partition("-")[0]
    square = (blocks[["x", "y"]].to_numpy() - OLD_CORNER) // OLD_CELL
    side = neighbour.map(bank).str[0].str.upper()
    old = pd.Series([f"C{r:02.0f}{c:02.0f}" for c, r in square], index=blocks.index) + side
    pairs = blocks["people"].groupby([old.rename("zone_2021"), neighbour.rename("neighbourhood")]).sum()
    people = pairs.groupby("zone_2021").sum()
    crosswalk = pairs.reset_index().rename(columns={"people": "today"})
    crosswalk["share"] = crosswalk["today"] / crosswalk["zone_2021"].map(people)
    table = _old_table(people, rng)
    zones = gpd.GeoDataFrame({"zone_2021": table["zone_2021"]}, geometry=_old_zones(people.index, neighbourhoods))
    return LastCensus(zones.set_crs(CRS), table, crosswalk)


def _old_table(people: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """Return what was counted in each old zone."""
    today = people.to_numpy(dtype=float)
    residents = apportion(today * (0.9 + 0.2 * rng.random(len(today))), TOTALS["residents_2021"])
    homes = apportion(residents * (0.4 + 0.1 * rng.random(len(today))), TOTALS["homes_2021"])
    unheated = np.where(people.index.str.endswith("N"), UNHEATED_NORTH, np.round(5.0 + 9.0 * rng.random(len(today)), 1))
    counts = {"residents_2021": residents.astype(int), "homes_2021": homes.astype(int)}
    return pd.DataFrame({"zone_2021": people.index, **counts, "unheated_homes_pct": unheated})


def _old_zones(ids: pd.Index, neighbourhoods: gpd.GeoDataFrame) -> Shapes:
    """Return the square of each old zone, as far as its bank's land goes."""
    shapes = neighbourhoods.geometry.groupby(neighbourhoods["bank"].to_numpy())
    land = shapes.agg(lambda bank: shapely.union_all(bank.to_numpy()))
    corners = np.array([(int(one[3:5]), int(one[1:3])) for one in ids]) * OLD_CELL + OLD_CORNER
    squares = shapely.box(*corners.T, *(corners + OLD_CELL).T)
    banks = land[["north" if one.endswith("N") else "south" for one in ids]].to_numpy()
    return np.asarray(shapely.normalize(shapely.intersection(squares, banks, grid_size=0.01)))

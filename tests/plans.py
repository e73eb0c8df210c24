"""Plans for the city of four squares, written by hand in a line or two."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from equity_screen.actions import Plan
from equity_screen.synthetic import CRS, ORIGIN, four_zones

BLANK = {
    "ledger": "benefit",
    "effect": "shade",
    "amount": 1.0,
    "amount_low": np.nan,
    "amount_high": np.nan,
    "unit": "degC",
    "per": "person",
    "reach": "footprint",
    "distance_m": np.nan,
    "driver": "",
    "indicator": "",
}

PROJECT = """
title = "Four squares"
[neighbourhoods]
file = "zones.geojson"
id = "id"
population = "people"
{declared}
[groups.low_income]
label = "People with low incomes"
count = "low_income"
[[actions]]
file = "actions.csv"
id = "id"
where = "where"
cost = "cost"
[[effects]]
ledger = "benefit"
effect = "shade"
unit = "degC"
"""


def km(shape: BaseGeometry) -> BaseGeometry:
    """Move a shape in km east and north of the city's corner to its coordinates."""
    return shapely.transform(shape, lambda points: 1000.0 * points + ORIGIN)


def km_box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """Rectangle in km east and north of the city's corner."""
    return km(shapely.box(west, south, east, north))


def effect(action: str, **given: object) -> dict[str, object]:
    """One benefit of 1 degC a person on the footprint, but for what is given."""
    return BLANK | {"action": action} | given


def plan_of(
    places: Mapping[str, BaseGeometry | str],
    *effects: Mapping[str, object],
    inactive: Sequence[str] = (),
    crs: str = CRS,
) -> Plan:
    """Plan with actions by id at a geometry, or ``"citywide"``, ``"unlocated"`` or ``"zones:A;B"``."""
    words = {name: place if isinstance(place, str) else "geometry" for name, place in places.items()}
    table = pd.DataFrame(
        {
            "name": list(places),
            "sector": "transport",
            "where": [word.split(":")[0] for word in words.values()],
            "zones": [word.partition(":")[2] for word in words.values()],
            "active": pd.Series([name not in inactive for name in places], dtype="object").to_numpy(),
            "cost": np.nan,
            "tco2e": np.nan,
        },
        index=pd.Index(list(places), name="action", dtype="str"),
    )
    shapes = [None if isinstance(place, str) else place for place in places.values()]
    wanted = list(effects) or [effect(name) for name in places]
    given = pd.DataFrame(wanted or [effect("")]).head(len(wanted))
    more = given.columns.difference(["action", *BLANK])
    # What one effect has and another does not is blank.
    texts = [name for name in more if given[name].map(type).eq(str).any()]
    rows = given[["action", *BLANK, *more]].fillna(dict.fromkeys(texts, ""))
    return Plan(gpd.GeoDataFrame(table, geometry=shapes, crs=crs), rows)


def write_project(folder: Path, *, people: object = 400, declared: str = "", where: str = "zones:A;C") -> Path:
    """Write the four squares as a project; D has as many people as is said."""
    table = four_zones().reset_index(names="id")[["id", "population", "people_low_income", "geometry"]]
    table.columns = ["id", "people", "low_income", "geometry"]
    shapes = json.loads(table.to_crs(4326).to_json(drop_id=True))
    shapes["features"][3]["properties"]["people"] = people
    (folder / "zones.geojson").write_text(json.dumps(shapes), encoding="utf-8")
    (folder / "actions.csv").write_text(f"id,where,cost\nX,{where},100\nY,citywide,\n", encoding="utf-8")
    (folder / "screen.toml").write_text(PROJECT.format(declared=declared), encoding="utf-8")
    return folder / "screen.toml"

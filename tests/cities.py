"""Files of a city of nine squares, as somebody might have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

UTM = "EPSG:25832"
CORNER = (700_000.0, 6_170_000.0)
CELL = 1000.0


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """Rectangle in cells from the city's corner."""
    x, y = CORNER
    return shapely.box(x + CELL * west, y + CELL * south, x + CELL * east, y + CELL * north)


NINE = [box(i % 3, i // 3, i % 3 + 1, i // 3 + 1) for i in range(9)]
IDS = [f"0{i}1" for i in range(9)]
PEOPLE = [1500, 2200, 900, 4100, 3300, 1250, 800, 2750, 1990]


def zones(**columns: Sequence[object]) -> gpd.GeoDataFrame:
    """Nine squares with a code each, and further columns."""
    return gpd.GeoDataFrame({"kode": IDS, **columns}, geometry=NINE, crs=UTM)


def write(folder: Path, **tables: pd.DataFrame) -> list[str]:
    """Write tables as CSV and layers as GeoPackages; a name of two layers is ``file__layer``."""
    files = []
    for name, table in tables.items():
        file, _, layer = name.partition("__")
        if isinstance(table, gpd.GeoDataFrame):
            table.to_file(folder / f"{file}.gpkg", layer=layer or file)
            files.append(f"{file}.gpkg")
        else:
            table.to_csv(folder / f"{file}.csv", index=False)
            files.append(f"{file}.csv")
    return list(dict.fromkeys(files))


def table(columns: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """Make a table."""
    return pd.DataFrame(dict(columns))

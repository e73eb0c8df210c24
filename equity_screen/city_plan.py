"""Climate plan of Northhaven: actions with their effects, and the historically marginalised areas.

All of it is written by hand in ``northhaven/*.csv``, but for those actions whose place depends on where people
live: they are placed here.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from equity_screen.city_land import by_hand, footprint, published
from equity_screen.city_people import BLOCK_MARGIN, western_half

HALF_DISTRICT = "D4"
"""District of which ``ACT-HALF`` reaches half of the people."""
LOWEST_INCOMES = 12
"""How many neighbourhoods with the lowest incomes ``ACT-04`` is for."""
GARDENS, LONGEST_WALK = "ACT-30", 30.0
"""Action whose reach is a table of walking times, and the longest walk in it [minutes]."""
DETOUR, METRES_A_MINUTE = 1.3, 80.0
"""Length of a walk by the straight line, and how fast it is: made up, as all of the city."""


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


def place_actions_of(neighbourhoods: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the plan's actions, with their places.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        With people, ``median_income`` and ``district_id``.

    Returns
    -------
    GeoDataFrame
        In WGS 84; no geometry where the column ``where`` says the place.

    Examples
    --------
    >>> from equity_screen.city_land import draw_land
    >>> from equity_screen.city_people import draw_people
    >>> import numpy as np
    >>> city = draw_people(draw_land(np.random.default_rng(0)), np.random.default_rng(0))
    >>> place_actions_of(city)["where"].value_counts()["citywide"]
    np.int64(8)
    """
    actions = by_hand("actions", words=("where", "start", "end", "notes"))
    drawn = actions.pop("footprint").dropna()
    lowest = neighbourhoods.nsmallest(LOWEST_INCOMES, "median_income")["id"].sort_values()
    actions["where"] = actions["where"].replace("zones", "zones:" + ";".join(lowest))
    footprints = {row: footprint(text) for row, text in drawn.items()}
    row_of = pd.Series(actions.index, index=actions["id"])
    one = (neighbourhoods["id"] == planted_single_neighbourhood(neighbourhoods)).to_numpy()
    footprints[row_of["ACT-ONE"]] = _inside(neighbourhoods[one])
    footprints[row_of["ACT-HALF"]] = _inside(neighbourhoods[western_half(neighbourhoods, HALF_DISTRICT)])
    return published(actions, [footprints.get(row) for row in actions.index])


def _inside(neighbourhoods: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return an area within neighbourhoods that holds all of their population points."""
    return neighbourhoods.geometry.union_all().buffer(-BLOCK_MARGIN / 2.0, join_style="mitre")


def walking_times(neighbourhoods: gpd.GeoDataFrame, actions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return how long the walk to the nearest community garden is, as a table of travel times.

    Parameters
    ----------
    neighbourhoods, actions : GeoDataFrame
        Of the city.

    Returns
    -------
    DataFrame
        action, neighbourhood and minutes, from the middle of each neighbourhood; a longer walk has no row.

    Examples
    --------
    >>> from equity_screen.city_land import draw_land
    >>> from equity_screen.city_people import draw_people
    >>> import numpy as np
    >>> city = draw_people(draw_land(np.random.default_rng(0)), np.random.default_rng(0))
    >>> float(walking_times(city, place_actions_of(city))["minutes"].max()) <= LONGEST_WALK
    True
    """
    gardens = actions.loc[actions["id"] == GARDENS].to_crs(neighbourhoods.crs).geometry.iloc[0]
    minutes = (DETOUR * neighbourhoods.centroid.distance(gardens) / METRES_A_MINUTE).round(1)
    table = pd.DataFrame({"action": GARDENS, "neighbourhood": neighbourhoods["id"], "minutes": minutes})
    return table[minutes <= LONGEST_WALK].reset_index(drop=True)


def read_effects() -> pd.DataFrame:
    """Return the benefits and burdens of the actions, every number marked as an illustration.

    Returns
    -------
    DataFrame
        A row for each benefit and burden.

    Examples
    --------
    >>> set(read_effects()["source"])
    {'illustrative'}
    """
    words = ("kind", "reach", "kernel", "layer", "uptake", "driver", "indicator", "page", "grade")
    return by_hand("effects", words=words)


def historic_areas() -> gpd.GeoDataFrame:
    """Return the historically marginalised areas.

    Returns
    -------
    GeoDataFrame
        ``id``, ``name`` and ``history``, in WGS 84.

    Examples
    --------
    >>> historic_areas()["name"].tolist()
    ['Old Quayside', 'Tannery Row', 'Brickfield', "Fishers' Ground"]
    """
    areas = by_hand("historic_areas", words=("history",))
    return published(areas.drop(columns="footprint"), [footprint(text) for text in areas["footprint"]])

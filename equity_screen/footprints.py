"""Counts and areas of the actions themselves, summed and dissolved, by class and place: no people are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from equity_screen.areas import SLIVER
from equity_screen.boundaries import Boundary
from equity_screen.crs import to_space
from equity_screen.errors import EquityScreenError
from equity_screen.overlay import SQUARE_METRES_PER_KM2
from equity_screen.people import Floats, quotient

ALL = "all"
NEIGHBOURHOOD = "neighbourhood"
MOST = 0.5
# Less lies outside [km²] only where borders are drawn a hair apart: a thousandth of a square metre.
DUST_KM2 = 1e-9
ADDS_UP = 1e-9
YEARS_OF_A_DECADE = 10
OUTSIDE = "(outside)"
UNKNOWN = "(not known)"
CITYWIDE, NO_PLACE = "(city-wide)", "(no place)"
SEVERAL = "(several)"
IN_NONE, IN_SEVERAL = -1, -2
COLUMNS = (
    *("breakdown", "class", "name", "actions", "distinct_places", "in_priority", "mostly_in_priority"),
    *("cost", "cost_missing", "tco2e", "tco2e_missing", "area_summed_km2", "area_dissolved_km2"),
    *("priority_summed_km2", "priority_dissolved_km2", "priority_share_summed", "priority_share_dissolved"),
)


class Footprints(NamedTuple):
    """Actions in the equal-area space: their shapes, what of them is in priority places, who stands where.

    ``inside`` [0–1]: share of a shape in priority places, by its area, else length, else number of points.
    """

    actions: pd.DataFrame
    shapes: NDArray[np.object_]
    in_priority: NDArray[np.object_]
    inside: Floats


def footprints_of(
    actions: gpd.GeoDataFrame, zones: gpd.GeoSeries, *, priority: shapely.Geometry | None = None
) -> Footprints:
    """Bring the actions' own places into the space of the neighbourhoods and cut them by the priority places.

    Parameters
    ----------
    actions : GeoDataFrame
        Actions.
    zones : GeoSeries
        Neighbourhoods in an equal-area CRS.
    priority : Geometry, optional
        Priority places in that CRS; none were asked for unless given.

    Returns
    -------
    Footprints
        Shapes, in the actions' order.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> zones = four_zones().geometry
    >>> footprints_of(four_actions().actions, zones, priority=zones["A"]).inside.round(6).tolist()
    [nan, 0.0, nan, 0.5]
    """
    shapes = to_space(gpd.GeoSeries(actions.geometry), zones.crs).array.to_numpy().copy()
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    shapes[absent] = shapely.from_wkt("POLYGON EMPTY")
    if priority is None:
        nothing = np.full(len(shapes), shapely.from_wkt("POLYGON EMPTY"), dtype=object)
        return Footprints(actions, shapes, nothing, np.full(len(shapes), np.nan))
    shapely.prepare(priority)
    inner = shapely.intersection(shapes, priority)
    return Footprints(actions, shapes, inner, _size_share(inner, shapes))


def _size_share(inner: NDArray[np.object_], shapes: NDArray[np.object_]) -> Floats:
    """Share of each shape, by the measure that its kind has."""
    by_points = quotient(*(shapely.get_num_coordinates(s).astype(np.float64) for s in (inner, shapes)))
    points = shapely.get_dimensions(shapes) == 0
    share = np.where(points, by_points, np.nan)
    for size in (shapely.length, shapely.area):
        whole = size(shapes)
        share = np.where(whole > 0, quotient(size(inner), whole), share)
    return np.asarray(np.where(shapely.is_empty(shapes), np.nan, np.minimum(share, 1.0)))


def footprint_table(found: Footprints, zones: gpd.GeoDataFrame, *, boundaries: Mapping[str, Boundary]) -> pd.DataFrame:
    """Count the actions and measure their areas: all, by status, sector, decade, neighbourhood and boundary.

    Parameters
    ----------
    found : Footprints
        Actions in the equal-area space.
    zones : GeoDataFrame
        Neighbourhoods in that CRS, with name.
    boundaries : mapping of str to Boundary
        Layers of named areas.

    Returns
    -------
    DataFrame
        One row for each class of each breakdown: actions, distinct_places (equal shapes once), in_priority
        (any part in a priority place), mostly_in_priority (more than half), cost [currency], tco2e
        [tCO2e/year], with the number of actions that have none; area summed action by action and dissolved, in
        all and in priority places [km²], and the two shares. By place, an action counts (and costs) where more
        than half of it is, else under "(several)", so that counts and money add up, and its area is cut at the
        borders. A neighbourhood that no action touches has no row.

    Raises
    ------
    EquityScreenError
        Where a breakdown does not add up to all actions, their money and their carbon.

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> zones = four_zones()
    >>> found = footprints_of(four_actions().actions, zones.geometry)
    >>> table = footprint_table(found, zones, boundaries={}).set_index(["breakdown", "class"])
    >>> table.loc[("all", ""), ["actions", "cost", "area_summed_km2"]].astype(float).round(6).tolist()
    [4.0, 3400.0, 4.0]
    >>> table.loc["neighbourhood", "actions"].to_dict()
    {'A': 0, 'B': 0, 'C': 0, 'D': 0, '(several)': 2, '(city-wide)': 1, '(no place)': 1}
    """
    rows = [*_by_class(found), *_by_place(found, NEIGHBOURHOOD, zones)]
    for name, boundary in boundaries.items():
        shapes = to_space(boundary.areas.geometry, zones.crs)
        areas = gpd.GeoDataFrame(boundary.areas[["name"]], geometry=shapes, crs=zones.crs)
        rows += _by_place(found, name, areas)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    _must_add_up(table)
    return table


def _must_add_up(table: pd.DataFrame) -> None:
    """Refuse a breakdown that does not hold every action, and all of the money and carbon, once."""
    figures = ["actions", "cost", "cost_missing", "tco2e", "tco2e_missing"]
    sums = table.groupby("breakdown")[figures].sum()
    apart = ~np.isclose(sums, sums.loc[[ALL]], rtol=ADDS_UP, atol=ADDS_UP)
    if apart.any():
        which = ", ".join(str(name) for name in sums.index[apart.any(axis=1)])
        msg = f"the actions by {which} do not add up to all actions; please report this as a bug"
        raise EquityScreenError(msg)


def _by_class(found: Footprints) -> Iterator[dict[str, object]]:
    """Give the rows of all actions, and by status, sector and decade where there are several."""
    everything = np.arange(len(found.shapes))
    yield _row(found, (ALL, "", "All actions"), everything)
    states = found.actions["active"].map({True: "active", False: "not active"}).fillna("")
    kinds = {
        "status": states.to_numpy(dtype=object),
        "sector": found.actions["sector"].astype("str").to_numpy(),
        "decade": _decades(found.actions),
    }
    for breakdown, classes in kinds.items():
        named = sorted(set(classes) - {""})
        for one in [*named, ""] if len(set(classes)) > 1 else []:
            rows = np.flatnonzero(classes == one)
            if len(rows):
                yield _row(found, (breakdown, one or UNKNOWN, one or UNKNOWN), rows)


def _decades(actions: pd.DataFrame) -> NDArray[np.object_]:
    years = actions["start"] if "start" in actions.columns else pd.Series(np.nan, index=actions.index)
    first = years.astype("float64") // YEARS_OF_A_DECADE * YEARS_OF_A_DECADE
    return np.array(["" if np.isnan(year) else f"{year:.0f}s" for year in first], dtype=object)


def _row(found: Footprints, labels: tuple[str, str, str], rows: NDArray[np.intp]) -> dict[str, object]:
    """Make the row of a class: its actions whole."""
    areas = _areas(found.shapes[rows], found.in_priority[rows])
    return dict(zip(("breakdown", "class", "name"), labels, strict=True)) | _counts(found, rows) | _shares(areas, found)


def _areas(shapes: NDArray[np.object_], inner: NDArray[np.object_]) -> dict[str, float]:
    sums = {"area_summed_km2": shapes, "priority_summed_km2": inner}
    unions = {"area_dissolved_km2": shapes, "priority_dissolved_km2": inner}
    summed = {name: float(shapely.area(s).sum()) for name, s in sums.items()}
    dissolved = {name: float(shapely.union_all(_polygons(s)).area) for name, s in unions.items()}
    return {name: value / SQUARE_METRES_PER_KM2 for name, value in (summed | dissolved).items()}


def _polygons(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.asarray(shapes[shapely.area(shapes) > 0])


def _counts(found: Footprints, rows: NDArray[np.intp]) -> dict[str, object]:
    shapes, inside = found.shapes[rows], found.inside[rows]
    placed = shapes[~shapely.is_empty(shapes)]
    asked = not np.isnan(found.inside).all()
    counts: dict[str, object] = {
        "actions": len(rows),
        "distinct_places": len(set(shapely.to_wkb(shapely.normalize(placed)))),
        "in_priority": int((inside > SLIVER).sum()) if asked else np.nan,
        "mostly_in_priority": int((inside > MOST).sum()) if asked else np.nan,
    }
    for column in ("cost", "tco2e"):
        values = found.actions[column].to_numpy(dtype=np.float64)[rows]
        known = ~np.isnan(values)
        counts |= {column: float(values[known].sum()) if known.any() else np.nan}
        counts |= {f"{column}_missing": int((~known).sum())}
    return counts


def _shares(areas: dict[str, float], found: Footprints) -> dict[str, float]:
    if np.isnan(found.inside).all():
        areas = areas | {"priority_summed_km2": np.nan, "priority_dissolved_km2": np.nan}
    shares = {
        f"priority_share_{kind}": areas[f"priority_{kind}_km2"] / areas[f"area_{kind}_km2"]
        if areas[f"area_{kind}_km2"] > 0
        else np.nan
        for kind in ("summed", "dissolved")
    }
    return areas | shares


def _by_place(found: Footprints, breakdown: str, areas: gpd.GeoDataFrame) -> Iterator[dict[str, object]]:
    """Give a row for each area: the actions that mostly lie there, and the footprints cut at its border."""
    places = areas.geometry.array.to_numpy()
    home = _home(found.shapes, places)
    where = found.actions["where"].to_numpy()
    touching = _touching(found.shapes, places)
    for i, (key, name) in enumerate(zip(areas.index.astype(str), areas["name"].astype(str), strict=True)):
        if breakdown == NEIGHBOURHOOD and not len(touching[i]):
            continue
        cut, inner = (shapely.intersection(s[touching[i]], places[i]) for s in (found.shapes, found.in_priority))
        yield _placed(found, (breakdown, key, name), np.flatnonzero(home == i), _areas(cut, inner))
    placed = ~shapely.is_empty(found.shapes)
    nothing = _areas(found.shapes[:0], found.shapes[:0])
    across, rest = np.flatnonzero(home == IN_SEVERAL), np.flatnonzero(placed & (home == IN_NONE))
    if len(across):
        yield _placed(found, (breakdown, SEVERAL, SEVERAL), across, nothing)
    union = shapely.union_all(places)
    mine = np.flatnonzero(placed & ~shapely.covered_by(found.shapes, union))
    cut, inner = (shapely.difference(s[mine], union) for s in (found.shapes, found.in_priority))
    areas_outside = _areas(cut, inner)
    if len(rest) or areas_outside["area_summed_km2"] > DUST_KM2:
        yield _placed(found, (breakdown, OUTSIDE, OUTSIDE), rest, areas_outside)
    citywide = where == "citywide"
    for rows, label in (
        (np.flatnonzero(~placed & citywide), CITYWIDE),
        (np.flatnonzero(~placed & ~citywide), NO_PLACE),
    ):
        if len(rows):
            yield _placed(found, (breakdown, label, label), rows, nothing)


def _placed(
    found: Footprints, labels: tuple[str, str, str], rows: NDArray[np.intp], areas: dict[str, float]
) -> dict[str, object]:
    return dict(zip(("breakdown", "class", "name"), labels, strict=True)) | _counts(found, rows) | _shares(areas, found)


def _touching(shapes: NDArray[np.object_], places: NDArray[np.object_]) -> list[NDArray[np.intp]]:
    place, shape = shapely.STRtree(shapes).query(places, predicate="intersects")
    order = np.lexsort((shape, place))
    return np.split(shape[order], np.searchsorted(place[order], np.arange(1, len(places))))


def _home(shapes: NDArray[np.object_], places: NDArray[np.object_]) -> NDArray[np.intp]:
    """Position of the area that holds more than half of each shape; else that it is in several, or in none."""
    shape, place = shapely.STRtree(places).query(shapes, predicate="intersects")
    share = _size_share(shapely.intersection(shapes[shape], places[place]), shapes[shape])
    # Equal to nine digits is equal: which of two halves is larger must not hang on rounding.
    order = np.lexsort((place, -np.round(share, 9), shape))
    first = np.unique(shape[order], return_index=True)[1]
    held = np.bincount(shape, weights=share, minlength=len(shapes))
    home = np.where(held >= MOST, IN_SEVERAL, IN_NONE).astype(np.intp)
    largest = order[first]
    most = np.round(share[largest], 9) > MOST
    home[shape[largest][most]] = place[largest][most]
    return home


def priority_places(
    zones: gpd.GeoSeries, priority: pd.Series, *, areas: gpd.GeoDataFrame | None = None
) -> shapely.Geometry:
    """Unite the priority places: the areas of a layer, or the neighbourhoods that a rule picked.

    Parameters
    ----------
    zones : GeoSeries
        Neighbourhoods in an equal-area CRS.
    priority : pandas.Series of bool
        Neighbourhoods that a rule picked.
    areas : GeoDataFrame or None
        Priority areas, instead of the rule.

    Returns
    -------
    Geometry
        In the neighbourhoods' CRS; overlaps once.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> zones = four_zones().geometry
    >>> priority_places(zones, pd.Series([True, True, False, False], index=zones.index)).area
    2000000.0
    """
    shapes = zones[priority] if areas is None else to_space(areas.geometry, zones.crs)
    return shapely.union_all(shapes.array.to_numpy())


def shares_of_actions(found: Footprints) -> dict[str, Floats]:
    """Own area of each action, and the share of its place that lies in priority places.

    Parameters
    ----------
    found : Footprints
        Actions in the equal-area space.

    Returns
    -------
    dict of ndarray
        footprint_km2 [km²], NaN without a place; footprint_priority_share [0–1].

    Examples
    --------
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> found = footprints_of(four_actions().actions, four_zones().geometry)
    >>> shares_of_actions(found)["footprint_km2"].round(3).tolist()
    [nan, 2.0, nan, 2.0]
    """
    area = shapely.area(found.shapes) / SQUARE_METRES_PER_KM2
    return {
        "footprint_km2": np.where(shapely.is_empty(found.shapes), np.nan, area),
        "footprint_priority_share": found.inside,
    }

"""Lines of a project file proposed for the files of a plan: actions, their places, their effects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from equity_screen.columns import guess, says
from equity_screen.crs import WGS84, crs_name
from equity_screen.starter import comment, line
from equity_screen.survey import CityFiles, Piece, id_column, place_column

# Statuses that the spreadsheet of `init --plan` offers.
STATUSES = ("proposed", "adopted", "under way", "done", "paused", "dropped")
MONEY = ("cost", "tco2e")
NEAR = 0.8
MARGIN = 0.25  # of the neighbourhoods' width, on each side
SHOWN = 12
_YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")


def action_lines(plan: Piece, city: CityFiles) -> list[str]:
    """Propose the table of one file of actions.

    Parameters
    ----------
    plan : Piece
        Actions as read.
    city : CityFiles
        The other files.

    Returns
    -------
    list of str
        Lines of one ``[[actions]]``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"kode": ["A", "B"], "hvor": ["citywide", "unknown"], "sektor": ["", "x"]})
    >>> plan = Piece("plan.csv", table)
    >>> [text.split("  ")[0] for text in action_lines(plan, CityFiles(plans=(plan,)))[1:]]
    ['file = "plan.csv"', 'id = "kode"', 'where = "hvor"', 'sector = "sektor"']
    """
    lines = [
        f"[[actions]]  {comment('columns found: ' + ', '.join(plan.columns))}",
        line("file", plan.file, why=f"{len(plan.table)} actions"),
    ]
    lines += [line("layer", plan.layer)] if plan.layer and not (plan.first and not plan.is_layer) else []
    taken: list[str] = []
    where = place_column(plan)
    id_ = id_column(plan)
    if id_ and id_ != where:
        lines.append(line("id", id_, why="filled in, and each once"))
        taken.append(id_)
    else:
        lines.append(comment("no column has an id in each row, each once: the actions are numbered"))
    if len(city.plans) > 1:
        lines.append(line("id_prefix", f"{Path(plan.file).stem}-", why="so that ids of several files do not collide"))
    taken += [where] if where else []
    lines += _places(plan, city, where)
    for meaning in ("name", "sector"):
        column = guess(meaning, [c for c in plan.columns if plan.look(c).numbers is None], taken=taken)
        if column:
            lines.append(line(meaning, column))
            taken.append(column)
    return lines + _status(plan, taken) + _years(plan, taken) + _money(plan, taken)


def _places(plan: Piece, city: CityFiles, where: str | None) -> list[str]:
    lines = []
    if where:
        words = plan.look(where).texts.str.lower()
        zones, citywide = int(words.str.contains(":").sum()), int((words == "citywide").sum())
        lines.append(line("where", where, why=f"{zones} in named areas, {citywide} citywide"))
    if plan.is_layer:
        crs = plan.shapes.crs
        said = [comment(f"CRS: {crs_name(crs)}, as the file says")] if crs is not None else []
        return said + lines + ([] if said else [line("crs", "EPSG:…", why="the file does not say its CRS", on=False)])
    if plan.xy:
        crs = point_crs(plan, city)
        why = "read so, the points lie among the neighbourhoods"
        lines += [line(key, column, why=plan.look(column).words()) for key, column in zip("xy", plan.xy, strict=True)]
        off = line("crs", "EPSG:4326", why="a guess: the points do not lie among the neighbourhoods", on=False)
        lines.append(line("crs", crs, why=why) if crs else off)
        lines += _other_crs(plan, city, crs)
    elif not where:
        lines.append(line("where", "column", why="no column says where the actions are", on=False))
    return lines


def point_crs(piece: Piece, city: CityFiles) -> str | None:
    """Find the CRS in which the points of a table lie among the neighbourhoods.

    Parameters
    ----------
    piece : Piece
        Table with coordinates.
    city : CityFiles
        Files of a city; degrees are tried, and the CRS of its neighbourhoods.

    Returns
    -------
    str or None
        Name of the CRS; None where they lie there in none of them.

    Examples
    --------
    >>> import pandas as pd
    >>> point_crs(Piece("a.csv", pd.DataFrame({"lon": ["12.5"], "lat": ["55.7"]})), CityFiles()) is None
    True
    """
    if city.zones is None or city.zones.shapes.crs is None or piece.xy is None:
        return None
    zones = city.zones.shapes
    return next((crs_name(crs) for crs in (WGS84, zones.crs) if _among(piece, crs, zones) >= NEAR), None)


def _other_crs(piece: Piece, city: CityFiles, crs: str | None) -> list[str]:
    """Propose, off, the CRS in which points lie among the neighbourhoods that do not in that of most."""
    if crs is None or city.zones is None:
        return []
    others = [c for c in (WGS84, city.zones.shapes.crs) if crs_name(c) != crs and _among(piece, c, city.zones.shapes)]
    why = "some points lie among the neighbourhoods only so"
    return [line("other_crs", [crs_name(c) for c in others], why=why, on=False)] if others else []


def _among(piece: Piece, crs: CRS, zones: gpd.GeoSeries) -> float:
    """Share of the points of a table that lie among the neighbourhoods when read in a CRS."""
    known = pd.DataFrame({c: piece.look(c).numbers for c in piece.xy or ()}).dropna()
    points = gpd.GeoSeries(gpd.points_from_xy(*known.to_numpy().T), crs=crs)
    west, south, east, north = zones.total_bounds
    wide, high = MARGIN * (east - west), MARGIN * (north - south)
    around = shapely.box(west - wide, south - high, east + wide, north + high)
    moved = points.to_crs(zones.crs).array.to_numpy()
    finite = np.isfinite(shapely.bounds(moved)).all(axis=1)
    return float(np.mean(finite & shapely.intersects(moved, around))) if len(moved) else 0.0


def _status(plan: Piece, taken: list[str]) -> list[str]:
    column = guess("status", plan.columns, taken=taken)
    if column is None or plan.look(column).blanks == len(plan.table):
        return []
    taken.append(column)
    texts = plan.look(column).texts
    found = sorted(set(texts) - {""})
    ours = set(found) <= set(STATUSES)
    active = [s for s in (STATUSES if ours else found) if not says("not_active", s)]
    blank = f"; {int((texts == '').sum())} without a status count as not active" if (texts == "").any() else ""
    lines = [line("status", column, why=f"{', '.join(found[:SHOWN])}{blank}")]
    return [*lines, line("active", active, why="without this line every status counts as active", on=ours)]


def _years(plan: Piece, taken: list[str]) -> list[str]:
    lines = []
    for meaning in ("start", "end"):
        column = guess(meaning, plan.columns, taken=taken)
        if column and plan.look(column).blanks < len(plan.table):
            lines.append(line(meaning, [column]))
            taken.append(column)
    return lines


def _money(plan: Piece, taken: Sequence[str]) -> list[str]:
    """Cost and carbon with their bounds: numbers, the names of bounds say low or high."""
    lines = []
    numeric = [c for c in plan.columns if c not in taken and len(plan.look(c).known)]
    yearly = [c for c in numeric if says("tco2e", c) and _YEAR.search(c)]
    bounds = {end: [c for c in numeric if says(end, c)] for end in ("low", "high")}
    for meaning in MONEY:
        central = guess(meaning, numeric, taken=[*bounds["low"], *bounds["high"], *yearly])
        if central is None:
            continue
        lines.append(line(meaning, central, why=plan.look(central).words()))
        both = {end: guess(meaning, columns) for end, columns in bounds.items()}
        lines += [line(f"{meaning}_{end}", column) for end, column in both.items() if column]
    years = {m[0]: c for c in yearly if (m := _YEAR.search(c))}
    return lines + ([line("tco2e_in", dict(sorted(years.items())))] if years else [])


def effect_lines(city: CityFiles) -> list[str]:
    """Say which benefits and burdens are counted: those of the file, else a rule that only counts who is there.

    Parameters
    ----------
    city : CityFiles
        Files of a city.

    Returns
    -------
    list of str
        Lines for the end of the project file; none where there is nothing to say.

    Examples
    --------
    >>> effect_lines(CityFiles())
    []
    """
    if city.effects or not city.plans:
        return [comment("Benefits and burdens stand in the file of effects.")] if city.effects else []
    shapes = any(p.is_layer or p.xy for p in city.plans)
    lines = [
        comment("No file of benefits and burdens was given (equity-screen init --plan writes one to fill in)."),
        comment(
            "Until there is one, this rule only counts who lives where the actions are; it is no benefit measured."
        ),
        "[[effects]]",
        line("ledger", "benefit"),
        line("effect", "in reach"),
        line("unit", "people in reach"),
    ]
    near = [line("reach", "within"), line("distance_m", 500, why="how near is near: check it")]
    return lines + (near if shapes else [line("reach", "footprint", why="the areas that where names")])

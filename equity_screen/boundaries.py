"""Named areas, such as districts or wards: read from a file of their own or from a column of the neighbourhoods."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import pandas as pd

from equity_screen.crs import WGS84, recast, require_crs
from equity_screen.errors import Finding, UsageError, finding
from equity_screen.layers import finish
from equity_screen.polygons import check_polygons
from equity_screen.schema import Checked, Origin, clean_ids, column_text, require_columns
from equity_screen.sources import BoundaryFile


class Boundary(NamedTuple):
    """A layer of named areas.

    ``areas``: GeoDataFrame, index ``area``, columns name and geometry. ``members``: where the layer is a
    column of the neighbourhoods, the area of each neighbourhood (``""`` for none), else None.
    """

    label: str
    areas: gpd.GeoDataFrame
    members: pd.Series | None = None


def check_boundary(frame: gpd.GeoDataFrame, declared: BoundaryFile, *, origin: Origin) -> Checked:
    """Check a layer of named areas; they may leave gaps, and may not overlap.

    Parameters
    ----------
    frame : GeoDataFrame
        Layer as read.
    declared : BoundaryFile
        What its columns mean.
    origin : Origin
        File of the layer.

    Returns
    -------
    Checked
        Areas by id with name and geometry; findings; fate of each row.

    Examples
    --------
    >>> import shapely
    >>> north = gpd.GeoDataFrame({"nr": ["7 "]}, geometry=[shapely.box(0, 0, 1000, 1000)], crs=25832)
    >>> checked = check_boundary(north, BoundaryFile(label="Districts", file="d.gpkg", id="nr"), origin=Origin())
    >>> checked.table["name"].to_dict(), [f.code for f in checked.findings]
    ({'7': '7'}, ['ES-ID-TEXT'])
    """
    frame = require_crs(frame, origin.file, declared=declared.crs)
    require_columns(frame, [declared.id, declared.name], origin=origin)
    ids, findings = clean_ids(frame[str(declared.id)], origin)
    geometry, about_geometry = check_polygons(frame.geometry, origin, ids=ids)
    names = column_text(frame, declared.name, fallback=ids).map(lambda name: unicodedata.normalize("NFC", name))
    table = gpd.GeoDataFrame({"name": names}, geometry=geometry, crs=frame.crs)
    return finish(table, ids, findings=findings + about_geometry, origin=origin, index="area")


def boundary_of_column(
    neighbourhoods: gpd.GeoDataFrame, column: str, *, label: str, source: str
) -> tuple[Boundary, list[Finding]]:
    """Make areas of the neighbourhoods that bear the same word in a column.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood.
    column : str
        Column; blanks around its words are no part of them, and a blank cell is in no area.
    label : str
        Name of the layer.
    source : str
        File of the column, for the findings.

    Returns
    -------
    boundary : Boundary
        Areas by word, their members told by the neighbourhoods.
    findings : list of Finding
        Blanks that were taken off; neighbourhoods in no area.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> city = four_zones().assign(bank=["south ", "south", "north", "north"])
    >>> boundary, findings = boundary_of_column(city, "bank", label="Banks", source="city.gpkg")
    >>> boundary.members.to_dict(), [f.code for f in findings]
    ({'A': 'south', 'B': 'south', 'C': 'north', 'D': 'north'}, ['ES-BOUNDARY-BLANKS'])
    """
    raw = neighbourhoods[column].astype("object").where(neighbourhoods[column].notna(), "").map(_word)
    members = raw.map(lambda text: unicodedata.normalize("NFC", text).strip()).astype("str")
    findings = []
    padded, nowhere = int((raw != members).sum()), int((members == "").sum())
    if padded:
        findings.append(finding("ES-BOUNDARY-BLANKS", source, column=column, count=padded))
    if nowhere:
        findings.append(finding("ES-BOUNDARY-NONE", source, column=column, count=nowhere))
    placed = neighbourhoods[["geometry"]].assign(area=members)[members != ""]
    areas = placed.dissolve("area", sort=True)
    areas.index = pd.Index(areas.index.astype("str"), name="area")
    return Boundary(label, areas.assign(name=areas.index)[["name", "geometry"]], members), findings


def _word(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole and isinstance(value, float) else str(value)


def as_boundary(layer: object, name: str) -> Boundary:
    """Take a layer of named areas as it is given by hand.

    Parameters
    ----------
    layer : Boundary or GeoDataFrame
        A GeoDataFrame has the areas' ids as its index, and their names in a column ``name`` where it has one.
    name : str
        Name of the layer, and its label unless it has one.

    Returns
    -------
    Boundary
        The layer.

    Raises
    ------
    InputError
        A layer without a CRS.
    UsageError
        Anything else.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> as_boundary(four_zones().drop(columns="name"), "zone").areas["name"].tolist()
    ['A', 'B', 'C', 'D']
    """
    if isinstance(layer, Boundary):
        return layer
    if not isinstance(layer, gpd.GeoDataFrame):
        msg = f"boundaries[{name!r}] is a {type(layer).__name__}: give a Boundary, or a GeoDataFrame of areas by id"
        raise UsageError(msg)
    areas = require_crs(layer, f"boundaries[{name!r}]")
    ids = pd.Index(areas.index.astype("str"), name="area")
    names = areas["name"].astype("str") if "name" in areas.columns else ids.to_series()
    table = gpd.GeoDataFrame({"name": names.to_numpy()}, index=ids, geometry=areas.geometry.to_numpy(), crs=areas.crs)
    return Boundary(name, table.sort_index())


def area_ids(boundary: Boundary, words: list[str]) -> tuple[list[str], list[str]]:
    """Find areas by id, or by a name that only one of them bears.

    Parameters
    ----------
    boundary : Boundary
        Layer of named areas.
    words : list of str
        Ids or names.

    Returns
    -------
    found : list of str
        Ids, each once, in order.
    absent : list of str
        Words that name no area.

    Examples
    --------
    >>> areas = gpd.GeoDataFrame({"name": ["Old Quay"]}, index=["7"], geometry=[None])
    >>> area_ids(Boundary("Districts", areas), ["old quay", "8"])
    (['7'], ['8'])
    """
    ids, names = boundary.areas.index, boundary.areas["name"].map(_folded)
    by_name: Mapping[str, str] = {name: str(i) for i, name in names[~names.duplicated(keep=False)].items()}
    known = {str(i): str(i) for i in ids}
    found = {word: known.get(word, by_name.get(_folded(word), "")) for word in words}
    return sorted({i for i in found.values() if i}), [word for word, i in found.items() if not i]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def named_areas(boundaries: Mapping[str, Boundary], priority: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Put the areas of all boundary layers, and priority areas, into one layer in degrees.

    Parameters
    ----------
    boundaries : mapping of str to Boundary
        Layers of named areas.
    priority : GeoDataFrame, optional
        Priority areas, where they are a layer of their own.

    Returns
    -------
    GeoDataFrame
        Columns boundary, label, area, name and geometry (WGS 84).

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> named_areas({"zone": Boundary("Zones", four_zones())})["name"].tolist()
    ['South-west', 'South-east', 'North-west', 'North-east']
    """
    layers = [
        boundary.areas.set_geometry(recast(boundary.areas.geometry, WGS84))
        .assign(boundary=name, label=boundary.label)
        .rename_axis("area")
        .reset_index()
        for name, boundary in boundaries.items()
    ]
    if priority is not None:
        own = gpd.GeoDataFrame(geometry=recast(priority.geometry, WGS84).to_numpy(), crs=WGS84)
        numbers = [str(number) for number in range(1, len(own) + 1)]
        layers.append(own.assign(boundary="priority", label="Priority areas", area=numbers, name=numbers))
    columns = ["boundary", "label", "area", "name"]
    if not layers:
        return gpd.GeoDataFrame(pd.DataFrame(columns=columns, dtype="str"), geometry=[], crs=WGS84)
    return gpd.GeoDataFrame(pd.concat(layers, ignore_index=True)[[*columns, "geometry"]], crs=WGS84)

"""All layers brought to one table by neighbourhood, with a coverage share for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from equity_screen.areas import area_shares, covering, point_shares
from equity_screen.crs import measure_of, require_crs, to_space
from equity_screen.errors import Finding, InputError, UsageError
from equity_screen.files import need_geometry, read_table
from equity_screen.layers import points_from_columns, settle
from equity_screen.polygons import check_polygons
from equity_screen.recipe import COVERAGE, PEOPLE, Indicator
from equity_screen.relation import Relation
from equity_screen.schema import (
    Case,
    Checked,
    Origin,
    check_counts,
    findings_for,
    read_numbers,
    refused_rows,
    require_columns,
    row_status,
)
from equity_screen.sources import BlocksFile
from equity_screen.zonal import LEAST_COVERAGE, raster_means


def align(neighbourhoods: gpd.GeoDataFrame, **layers: str | Path | Indicator) -> gpd.GeoDataFrame:
    """Add indicators from rasters and polygon layers, each with its coverage.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood.
    **layers : str, Path or Indicator
        Name of the new column → GeoTIFF, or a declaration with ``raster`` or ``polygons``.

    Returns
    -------
    GeoDataFrame
        The table with ``<name>`` (mean over the neighbourhood's area, the layer's unit) and
        ``coverage_<name>`` (share of that area with data); no data is NaN, never 0.

    Raises
    ------
    InputError
        A layer that cannot be read.
    UsageError
        An indicator that is a column already.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> align(four_zones()).shape == four_zones().shape
    True
    """
    added: dict[str, pd.Series] = {}
    for name, layer in layers.items():
        indicator = layer if isinstance(layer, Indicator) else _raster_indicator(name, str(layer))
        if indicator.raster is None and indicator.polygons is None:
            msg = f"indicator {name}: align takes rasters and polygon layers; {_instead(indicator)}"
            raise UsageError(msg)
        values = _layer_means(neighbourhoods.geometry, indicator)
        added |= {name: values["mean"], COVERAGE + name: values["coverage"]}
    return neighbourhoods.assign(**added)


def _instead(indicator: Indicator) -> str:
    if indicator.column is not None:
        return f"this one is the column {indicator.column} already"
    name = "share_covered" if indicator.covered_by is not None else "points_near"
    return f"{name} measures this one"


def _raster_indicator(name: str, path: str) -> Indicator:
    return Indicator(label=name, unit="", higher_is="worse", raster=path)


def _layer_means(zones: gpd.GeoSeries, indicator: Indicator) -> pd.DataFrame:
    if indicator.raster is not None:
        return raster_means(indicator.raster, zones, band=indicator.band, nodata=indicator.nodata)
    return rate_means(str(indicator.polygons), zones, rate=str(indicator.rate), missing=indicator.missing)


def check_layer(path: str | Path, *, crs: str | None = None) -> Checked:
    """Read and check a polygon layer, repaired before anything is measured.

    Parameters
    ----------
    path : str or Path
        Polygon file.
    crs : str, optional
        CRS, where the file does not say it.

    Returns
    -------
    Checked
        Valid polygons in the file's CRS, in file order without the refused; findings; fates.

    Raises
    ------
    InputError
        A file that cannot be read, or has no geometry or CRS.

    Examples
    --------
    >>> check_layer("nowhere.gpkg")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.gpkg: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    frame, origin = read_table(path)
    frame = require_crs(need_geometry(frame, Path(path)), origin.file, declared=crs)
    ids = pd.Series("", index=frame.index)
    geometry, findings = check_polygons(frame.geometry, origin, ids=ids, overlaps=False)
    status = row_status(origin, ids, findings=findings)
    return Checked(frame.set_geometry(geometry)[~refused_rows(status)], tuple(findings), status)


def read_polygons(layer: str | Path | gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Read a polygon layer; one that is read already is given back.

    Parameters
    ----------
    layer : str, Path or GeoDataFrame
        Polygon file, or checked polygons.

    Returns
    -------
    GeoDataFrame
        Valid polygons in the file's CRS.

    Raises
    ------
    InputError
        Every refused row at once.

    Examples
    --------
    >>> read_polygons("nowhere.gpkg")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.gpkg: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    return layer if isinstance(layer, gpd.GeoDataFrame) else gpd.GeoDataFrame(settle(check_layer(layer)))


def rate_means(
    layer: str | Path | gpd.GeoDataFrame, zones: gpd.GeoSeries, *, rate: str, missing: tuple[float, ...] = ()
) -> pd.DataFrame:
    r"""Average the rate of a polygon layer over each zone, by area.

    .. math:: \bar r_i = \sum_j a_{ij} r_j \,/ \sum_j a_{ij}

    over the polygons j with a rate. Rates average; they are never added.

    Parameters
    ----------
    layer : str, Path or GeoDataFrame
        Polygon file, or checked polygons; they may overlap.
    zones : GeoSeries
        Polygons with a CRS.
    rate : str
        Column with the rate.
    missing : tuple of float
        Codes for a missing rate.

    Returns
    -------
    DataFrame
        Columns mean [unit of the rate] and coverage [share 0–1], on the zones' index.

    Raises
    ------
    InputError
        Refused rows or words among the rates.

    Examples
    --------
    >>> rate_means("nowhere.gpkg", gpd.GeoSeries([], crs=25832), rate="pm25")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.gpkg: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    origin = Origin("layer" if isinstance(layer, gpd.GeoDataFrame) else Path(layer).name)
    layer = read_polygons(layer)
    require_columns(layer, [rate], origin=origin)
    rates, findings = read_numbers(layer[rate], origin, ids=pd.Series("", index=layer.index), missing=missing)
    refused = [f for f in findings if f.status == "refused"]
    if refused:
        raise InputError(refused)
    known = layer[rates.notna()].assign(rate=rates[rates.notna()])
    areas = measure_of(zones).areas if len(zones) else known.crs
    shapes = to_space(known.geometry, areas)
    # In an order of their own, so that the order of the file's rows changes no bit of a sum.
    order = np.lexsort((known["rate"], *shapely.bounds(shapes.array).T))
    shapes, values = shapes.iloc[order], known["rate"].to_numpy(dtype=np.float64)[order]
    places = to_space(zones, areas)
    shares = area_shares(places, shapes).matrix
    union = gpd.GeoSeries([shapely.union_all(shapes.array)], index=["layer"], crs=areas)
    covered = area_shares(places, union).matrix.toarray()[:, 0]
    weight = shares.sum(axis=1)
    seen = (covered > LEAST_COVERAGE) & (weight > 0)
    mean = np.divide(shares @ values, weight, out=np.full(len(zones), np.nan), where=seen)
    return pd.DataFrame({"mean": mean, "coverage": np.where(seen, covered, 0.0)}, index=zones.index)


def check_blocks(frame: pd.DataFrame, declared: BlocksFile, *, origin: Origin, zones: gpd.GeoSeries) -> Checked:
    """Check population points and find the neighbourhood of each.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Points as read, or a table with x and y.
    declared : BlocksFile
        What the columns mean.
    origin : Origin
        File of the points.
    zones : GeoSeries
        Neighbourhoods.

    Returns
    -------
    Checked
        GeoDataFrame with zone (position of the neighbourhood) and people, in the zones' CRS and in
        a fixed order; points outside all neighbourhoods are flagged and not used.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> table = pd.DataFrame({"x": ["560500", "0"], "y": ["6200500", "0"], "people": ["10", "5"]})
    >>> declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs="EPSG:25832")
    >>> checked = check_blocks(table, declared, origin=Origin("b.csv", "row"), zones=four_zones().geometry)
    >>> checked.table["people"].tolist(), checked.status["status"].tolist()
    ([10.0], ['used', 'flagged'])
    """
    require_columns(frame, [declared.people], origin=origin)
    points, findings = _block_points(frame, declared, origin)
    ids = pd.Series([origin.row(int(i)) for i in range(len(frame))], index=frame.index)
    people, more = read_numbers(frame[declared.people], origin, ids=ids)
    findings += more + check_counts(people, origin, ids=ids)
    zone = covering(points.to_crs(zones.crs), zones)
    findings += _block_faults(points, people, zone, origin=origin)
    status = row_status(origin, pd.Series("", index=frame.index), findings=findings, amounts={"people": people})
    table = gpd.GeoDataFrame({"zone": zone, "people": people}, geometry=points.to_crs(zones.crs))
    kept = table[~refused_rows(status) & zone.notna().to_numpy()]
    xy = shapely.get_coordinates(kept.geometry.array)
    order = np.lexsort((kept["people"], xy[:, 1], xy[:, 0], kept["zone"]))
    return Checked(kept.iloc[order].astype({"zone": "int64"}).reset_index(drop=True), tuple(findings), status)


def _block_points(frame: pd.DataFrame, declared: BlocksFile, origin: Origin) -> tuple[gpd.GeoSeries, list[Finding]]:
    findings: list[Finding] = []
    points = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else gpd.GeoSeries(index=frame.index)
    if declared.x and declared.y:
        points, findings = points_from_columns(frame, x=declared.x, y=declared.y, origin=origin)
    layer = require_crs(gpd.GeoDataFrame(geometry=points), origin.file, declared=declared.crs)
    return gpd.GeoSeries(layer.geometry), findings


def _block_faults(points: gpd.GeoSeries, people: pd.Series, zone: pd.Series, *, origin: Origin) -> list[Finding]:
    lost = points.isna() | points.is_empty | (points.geom_type != "Point")
    cases: tuple[Case, ...] = (
        (lost, "ES-BLOCK-PLACE"),
        (people.isna(), "ES-BLOCK-PEOPLE"),
        (zone.isna() & ~lost, "ES-BLOCK-OUTSIDE"),
    )
    return findings_for(cases, column="", origin=origin, ids=pd.Series("", index=points.index))


def people_inside(
    neighbourhoods: gpd.GeoDataFrame, polygons: gpd.GeoSeries, *, blocks: gpd.GeoDataFrame | None = None
) -> pd.Series:
    """Count the people of each neighbourhood who live inside a polygon layer, each once.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood with population [people].
    polygons : GeoSeries
        Polygons, which may overlap.
    blocks : GeoDataFrame, optional
        Population points from :func:`check_blocks`; without them people are spread evenly by area.

    Returns
    -------
    pandas.Series of float64
        People inside [people].

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> south_west = gpd.GeoSeries([shapely.box(560000, 6200000, 561000, 6200500)], crs=25832)
    >>> people_inside(four_zones(), south_west).round(6).tolist()
    [50.0, 0.0, 0.0, 0.0]
    """
    areas = measure_of(neighbourhoods).areas
    union = gpd.GeoSeries([shapely.union_all(to_space(polygons, areas).array)], index=["layer"], crs=areas)
    shares = footprint_shares(to_space(neighbourhoods.geometry, areas), union, blocks=blocks)
    return neighbourhoods["population"] * shares.matrix.toarray()[:, 0]


def footprint_shares(
    zones: gpd.GeoSeries, footprints: gpd.GeoSeries, *, blocks: gpd.GeoDataFrame | None = None
) -> Relation:
    """Share of each zone's people inside each footprint: by population points, else by area.

    A zone without people at its points is shared by area.

    Parameters
    ----------
    zones, footprints : GeoSeries
        Polygons in one equal-area CRS.
    blocks : GeoDataFrame, optional
        Columns zone and people, with points.

    Returns
    -------
    Relation
        Zones × footprints, shares [0–1].

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, 0, 2, 1)], index=["A"], crs=3035)
    >>> left = gpd.GeoSeries([shapely.box(0, 0, 1, 1)], index=["x"], crs=3035)
    >>> points = gpd.points_from_xy([0.5, 1.5], [0.5, 0.5])
    >>> blocks = gpd.GeoDataFrame({"zone": [0, 0], "people": [9.0, 1.0]}, geometry=points, crs=3035)
    >>> float(footprint_shares(zones, left, blocks=blocks).matrix.toarray()[0, 0])
    0.9
    """
    by_area = area_shares(zones, footprints)
    if blocks is None:
        return by_area
    points = blocks.geometry.to_crs(zones.crs).array.to_numpy()
    footprint, block = shapely.STRtree(points).query(footprints.array.to_numpy(), predicate="intersects")
    by_points = point_shares((block, footprint), blocks, labels=(zones.index, footprints.index))
    return with_area_fallback(by_points, by_area, blocks=blocks)


def with_area_fallback(by_points: Relation, by_area: Relation, *, blocks: pd.DataFrame) -> Relation:
    """Take the shares by points, and those by area for zones without people at their points.

    Parameters
    ----------
    by_points, by_area : Relation
        Shares with the same labels.
    blocks : DataFrame
        Columns zone and people.

    Returns
    -------
    Relation
        Shares [0–1].

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> labels = pd.Index(["A", "B"]), pd.Index(["x"])
    >>> points, area = Relation(csr_array([[0.9], [0.0]]), *labels), Relation(csr_array([[0.5], [0.5]]), *labels)
    >>> blocks = pd.DataFrame({"zone": [0], "people": [10.0]})
    >>> with_area_fallback(points, area, blocks=blocks).matrix.toarray().ravel().tolist()
    [0.9, 0.5]
    """
    seen = np.bincount(blocks["zone"], weights=blocks["people"], minlength=len(by_points.rows)) > 0
    from_points, from_area = (
        by_points.matrix.multiply(seen[:, None]),
        by_area.matrix.multiply(~seen[:, None]),
    )
    return Relation((from_points + from_area).tocsr(), by_points.rows, by_points.columns)


def add_layer_groups(
    neighbourhoods: gpd.GeoDataFrame,
    layers: Mapping[str, str | Path | gpd.GeoDataFrame],
    *,
    blocks: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Add groups that a polygon layer defines: the people who live inside it.

    Parameters
    ----------
    neighbourhoods : GeoDataFrame
        Table by neighbourhood.
    layers : mapping of str to str, Path or GeoDataFrame
        Group name → polygon file, or checked polygons.
    blocks : GeoDataFrame, optional
        Population points.

    Returns
    -------
    GeoDataFrame
        The table with a column ``people_<group>`` for each layer.

    Examples
    --------
    >>> from equity_screen.synthetic import four_zones
    >>> add_layer_groups(four_zones(), {}).shape == four_zones().shape
    True
    """
    counted = {
        PEOPLE + name: people_inside(neighbourhoods, read_polygons(path).geometry, blocks=blocks)
        for name, path in layers.items()
    }
    return neighbourhoods.assign(**counted)

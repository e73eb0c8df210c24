"""The relation between two geographies, made once and used for every column: counts move over it, rates average."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from scipy.sparse import csr_array

from equity_screen.areas import SLIVER, area_shares
from equity_screen.crs import EARTH_RADIUS_M, MOST_PIECES, measure_of, require_crs, to_space
from equity_screen.errors import UsageError
from equity_screen.rasters import open_band
from equity_screen.relation import Relation, relation_of
from equity_screen.zonal import LEAST_COVERAGE, raster_sums

POLYGON_KINDS, POINT_KINDS = ("Polygon", "MultiPolygon"), ("Point",)
NAMED = 5
# Where the corner of a target lies on a straight border of a source, the two lines bend apart in another CRS, by the
# square of the distance of their vertices: at this one, parts of a zone add to its whole within 1e-9.
FINE_M = 50.0
Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Layer: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries


@dataclass(frozen=True, slots=True, eq=False)
class ByPoints:
    """Share zones out by where their people live: population points, such as the centres of blocks.

    Parameters
    ----------
    points : GeoDataFrame
        Points in any CRS.
    people : str
        Column with the number of people at each point.

    Examples
    --------
    >>> ByPoints(gpd.GeoDataFrame({"people": [5.0]}, geometry=[shapely.Point(0, 0)], crs=3035)).people
    'people'
    """

    points: gpd.GeoDataFrame
    people: str = "people"


@dataclass(frozen=True, slots=True)
class ByRaster:
    """Share zones out by a raster of people per cell, each cell by its exact fraction.

    Parameters
    ----------
    path : str or Path
        GeoTIFF of amounts, 0 or more, in any CRS.
    band : int or str, optional
        Its number, from 1, or its description; not needed where there is only one.
    nodata : tuple of float
        Values that mean no data, besides the tagged one.

    Examples
    --------
    >>> ByRaster("people.tif", nodata=(-1.0,)).nodata
    (-1.0,)
    """

    path: str | Path
    band: int | str | None = None
    nodata: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ByMask:
    """Share zones out by the land where people can live (binary dasymetric): polygons, or classes of a raster.

    Parameters
    ----------
    polygons : GeoDataFrame or GeoSeries, optional
        Land that counts, in any CRS; where polygons overlap it counts once.
    raster : str or Path, optional
        GeoTIFF of land cover, instead of polygons.
    classes : tuple of float
        Values of the raster, as stored, that count.
    band : int or str, optional
        Band of the raster; not needed where there is only one.
    nodata : tuple of float
        Values of the raster that mean no data, besides the tagged one.

    Raises
    ------
    UsageError
        Neither polygons nor a raster, or both; a raster without classes, or classes without a raster.

    References
    ----------
    Eicher, C. L. & Brewer, C. A. (2001). Dasymetric mapping and areal interpolation: implementation and evaluation.
    Cartography and Geographic Information Science 28(2), 125–138. doi:10.1559/152304001782173727

    Examples
    --------
    >>> ByMask(raster="land_cover.tif", classes=(21, 22, 23, 24)).classes
    (21, 22, 23, 24)
    """

    polygons: Layer | None = None
    raster: str | Path | None = None
    classes: tuple[float, ...] = ()
    band: int | str | None = None
    nodata: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what declares no mask, or two."""
        if (self.polygons is None) == (self.raster is None):
            msg = "a mask is polygons, or a raster with the classes that count: give one of the two"
            raise UsageError(msg)
        if (self.raster is None) != (not self.classes):
            msg = "classes are values of a raster: a mask has both or neither"
            raise UsageError(msg)


By: TypeAlias = Literal["area", "covering"] | ByPoints | ByRaster | ByMask


@dataclass(frozen=True, slots=True)
class Crosswalk(Relation):
    """Shares of sources by target, with a note on how each source was shared out.

    Parameters
    ----------
    matrix : csr_array of float64, shape (sources, targets)
        Shares of the source [0–1]; those of a source add to 1 where targets cover all of it and do not overlap.
    rows, columns : Index
        Labels of sources and targets.
    notes : DataFrame
        By source: ``by``, the method that was used for it ("area" where its own method had nothing to go by,
        "none" for a point that no target covers); ``coverage``, the share of its area that a raster had data
        for [0–1], 1 without a raster.

    Examples
    --------
    >>> square = gpd.GeoSeries([shapely.box(0, 0, 2, 1)], index=["A"], crs=3035)
    >>> crosswalk(square, square).notes["by"].to_dict()
    {'A': 'area'}
    """

    notes: pd.DataFrame

    def __repr__(self) -> str:
        """Say how many sources, targets and pairs there are."""
        sources, targets = self.matrix.shape
        return f"Crosswalk({sources:,} sources, {targets:,} targets, {self.matrix.nnz:,} pairs)"

    def table(self, share: str = "share") -> pd.DataFrame:
        """Give one row for each pair, as ``crosswalk =`` of an ``[[earlier]]`` table of a project reads them.

        Parameters
        ----------
        share : str
            Name of the column with the shares.

        Returns
        -------
        DataFrame
            Columns of source, target and share. A source in no target stands with a share of 0 of the first one, so
            that whoever reads the file knows that it was not forgotten.

        Examples
        --------
        >>> zones = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(5, 0, 6, 1)], index=["A", "B"], crs=3035)
        >>> crosswalk(zones, zones[:1].set_axis(["x"])).table()
          source target  share
        0      A      x    1.0
        1      B      x    0.0
        """
        found = self.long(share)
        source, target = found.columns[:2]
        lone = self.rows[~self.rows.isin(found[source])]
        if not len(lone):
            return found
        extra = pd.DataFrame({source: lone, target: self.columns.take(np.zeros(len(lone), dtype=np.intp)), share: 0.0})
        both = pd.concat([found, extra]) if len(found) else extra
        order = np.argsort(self.rows.get_indexer(both[source]), kind="stable")
        return both.iloc[order].reset_index(drop=True)


class _Ground(NamedTuple):
    """Sources and targets in their own CRSs, and the share of each source's area in each target."""

    source: gpd.GeoSeries
    target: gpd.GeoSeries
    area: csr_array

    @property
    def pairs(self) -> tuple[Positions, Positions]:
        """Positions of the sources and targets that overlap, in the order of the shares."""
        source = np.repeat(np.arange(self.area.shape[0], dtype=np.intp), np.diff(self.area.indptr))
        return source, self.area.indices.astype(np.intp)


class _Weights(NamedTuple):
    """What a source is shared out by: its name; how much of it is in each pair, and in each source; coverage."""

    by: str
    parts: Floats
    whole: Floats
    coverage: Floats


def crosswalk(source: Layer, target: Layer, *, by: By = "area") -> Crosswalk:
    r"""Share each source out over the targets, by area or by where its people live.

    .. math:: s_{ij} = W(i \cap j) \,/\, W(i)

    where W is the area; the people at points; the sum of a raster; or the area of a mask. A source where W is 0 is
    shared out by area, and the notes say so. Areas are measured in an equal-area space centred on the sources;
    whether a point lies in a polygon is decided in the polygon's own CRS.

    Parameters
    ----------
    source, target : GeoDataFrame or GeoSeries
        Polygons with a CRS and unique labels; either layer may overlap itself. With ``by="covering"`` the sources
        are points.
    by : {"area", "covering"}, ByPoints, ByRaster or ByMask
        What sources are shared out by.

    Returns
    -------
    Crosswalk
        Relation of sources × targets, for :func:`equity_screen.relation.carried` and
        :func:`equity_screen.relation.losses`. Its labels are named as the layers' are, and source and target where they
        have no name or the same.

    Raises
    ------
    InputError
        A layer without a CRS, a raster that cannot be read.
    UsageError
        Layers without rows, labels that stand twice, shapes that are missing, invalid or of another kind, people that
        are missing or below 0.

    Notes
    -----
    A point on the border of several polygons is in the first of them, so that neighbours never share a person; one
    inside several that overlap is in each.

    References
    ----------
    Goodchild, M. F. & Lam, N. S.-N. (1980). Areal interpolation: a variant of the traditional spatial problem.
    Geo-Processing 1, 297–312.

    Examples
    --------
    >>> zones = gpd.GeoSeries([shapely.box(0, 0, 2, 1)], index=["A"], crs=3035)
    >>> halves = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], index=["x", "y"], crs=3035)
    >>> crosswalk(zones, halves).matrix.toarray().round(9).tolist()
    [[0.5, 0.5]]
    >>> homes = gpd.GeoDataFrame({"people": [9, 1]}, geometry=gpd.points_from_xy([0.5, 1.5], [0.5, 0.5]), crs=3035)
    >>> crosswalk(zones, halves, by=ByPoints(homes)).matrix.toarray().tolist()
    [[0.9, 0.1]]
    """
    if isinstance(by, gpd.GeoDataFrame | gpd.GeoSeries):
        msg = "by is a layer; wrap it: ByPoints(points, people=…), or ByMask(polygons) for land where people can live"
        raise UsageError(msg)
    sources = _checked(source, "source", kinds=POINT_KINDS if by == "covering" else POLYGON_KINDS)
    targets = _checked(target, "target", kinds=POLYGON_KINDS)
    labels = _labels(sources.index, targets.index)
    if by == "covering":
        return _covered(sources, targets, labels)
    space = measure_of(sources).areas
    area = area_shares(*_into(space, sources, targets)).matrix
    ground = _Ground(sources, targets, area.tocsr())
    return _shared(ground, _weights(by, ground), labels)


def _checked(layer: Layer, name: str, *, kinds: tuple[str, ...]) -> gpd.GeoSeries:
    """Refuse what cannot be measured; nothing is repaired here, since repairs are told of where files are read."""
    if not len(layer):
        msg = f"{name}: no rows"
        raise UsageError(msg)
    if layer.index.has_duplicates:
        msg = f"{name}: labels stand twice: {_named(layer.index[layer.index.duplicated()].unique())}"
        raise UsageError(msg)
    shapes = require_crs(gpd.GeoDataFrame(geometry=_geometry(layer)), name).geometry
    faults = {
        "no geometry": (shapes.isna() | shapes.is_empty).to_numpy(),
        f"not a {' or '.join(kinds)}": ~shapes.geom_type.isin(kinds).to_numpy(),
        "an invalid geometry (repair it with make_valid)": ~shapes.is_valid.to_numpy(),
    }
    for fault, rows in faults.items():
        if rows.any():
            msg = f"{name}: {fault}: {_named(shapes.index[rows])}"
            raise UsageError(msg)
    return gpd.GeoSeries(shapes)


def _into(crs: CRS, *layers: gpd.GeoSeries) -> list[gpd.GeoSeries]:
    """Bring layers into another space; what is one line in one CRS, or one edge in several, is one line there."""
    own = layers[0].crs
    if all(layer.crs == own for layer in layers):
        longest = FINE_M / own.axis_info[0].unit_conversion_factor / (EARTH_RADIUS_M if own.is_geographic else 1.0)
        boxes = np.concatenate([shapely.bounds(shapely.get_parts(layer.array.to_numpy())) for layer in layers])
        longest = max(longest, float((boxes[:, 2:] - boxes[:, :2]).max()) / MOST_PIECES)
        layers = tuple(gpd.GeoSeries(layer.segmentize(longest)) for layer in layers)
    return [to_space(layer, crs) for layer in layers]


def _geometry(layer: Layer) -> gpd.GeoSeries:
    return layer.geometry


def _named(labels: Iterable[object]) -> str:
    texts = [str(label) for label in labels]
    return ", ".join([*texts[:NAMED], *(["…"] if len(texts) > NAMED else [])])


def _labels(source: pd.Index, target: pd.Index) -> tuple[pd.Index, pd.Index]:
    """Name both indexes, and differently, so that pairs can be written as a table."""
    first, second = source.name or "source", target.name or "target"
    if first == second:
        first, second = "source", "target"
    return source.rename(first), target.rename(second)


def _shared(ground: _Ground, weights: _Weights, labels: tuple[pd.Index, pd.Index]) -> Crosswalk:
    """Divide the parts by the wholes; sources without a whole keep their shares of area."""
    source, target = ground.pairs
    known = weights.whole > 0
    by_weight = np.clip(weights.parts / np.where(known, weights.whole, 1.0)[source], 0.0, 1.0)
    # A source that lies in a target whole brings all it has, whatever rounding says; by area its share is 1 already.
    own = known[source] & (ground.area.data < 1)
    matrix = relation_of((source, target), np.where(own, by_weight, ground.area.data), labels=labels).matrix
    notes = {"by": np.where(known, weights.by, "area"), "coverage": weights.coverage}
    return Crosswalk(matrix, *labels, pd.DataFrame(notes, index=labels[0]))


@singledispatch
def _weights(by: object, ground: _Ground) -> _Weights:
    if by != "area":
        msg = f"by {by!r}: there are 'area', 'covering', ByPoints, ByRaster and ByMask"
        raise UsageError(msg)
    ones = np.ones(len(ground.source))
    return _Weights("area", ground.area.data, ones, ones)


@_weights.register
def _(by: ByPoints, ground: _Ground) -> _Weights:
    points, people = _people_at(by)
    homes = _inside(points, ground.source)
    # The first on a border, also where polygons of the other layer meet there: nobody is counted in two.
    homes = homes[~(homes["border"] & homes.duplicated(["point", "border"]))]
    both = homes.merge(_inside(points, ground.target), on="point", suffixes=("", "_target"))
    pair = _at(ground.area, both["place"], both["place_target"])
    both = both.assign(pair=pair)[pair >= 0]
    both = both[~(both["border_target"] & both.duplicated(["point", "place", "border_target"]))]
    parts = _summed(both["pair"], people[both["point"]], ground.area.nnz)
    whole = _summed(homes["place"], people[homes["point"]], len(ground.source))
    return _Weights("points", parts, whole, np.ones(len(whole)))


def _summed(places: Positions, values: Floats, count: int) -> Floats:
    return np.bincount(places, weights=values, minlength=count).astype(np.float64)


def _people_at(by: ByPoints) -> tuple[gpd.GeoSeries, Floats]:
    """Points and their people, in an order of their own: that of the rows changes no bit of a sum."""
    if by.people not in by.points.columns:
        msg = f"points: no column {by.people!r}; there are: {_named(by.points.columns)}"
        raise UsageError(msg)
    points = _checked(by.points.reset_index(drop=True), "points", kinds=POINT_KINDS)
    people = pd.to_numeric(by.points[by.people], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~(np.isfinite(people) & (people >= 0))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        msg = (
            f"points: {wrong.sum()} of {len(people)} have no number of people of 0 or more in column {by.people!r}, "
            f"the first with label {by.points.index[first]}: {by.points[by.people].iloc[first]}"
        )
        raise UsageError(msg)
    xy = shapely.get_coordinates(points.array)
    order = np.lexsort((people, xy[:, 1], xy[:, 0]))
    return points.iloc[order].reset_index(drop=True), people[order]


def _inside(points: gpd.GeoSeries, polygons: gpd.GeoSeries) -> pd.DataFrame:
    """Pairs of a point and the place it lies in, by point, then place; and whether it is on the place's border."""
    here, shapes = points.to_crs(polygons.crs).array.to_numpy(), polygons.array.to_numpy()
    point, place = shapely.STRtree(shapes).query(here, predicate="intersects")
    order = np.lexsort((place, point))
    point, place = point[order], place[order]
    shapely.prepare(shapes)
    border = ~shapely.contains_properly(shapes[place], here[point])
    return pd.DataFrame({"point": point, "place": place, "border": border})


def _at(matrix: csr_array, row: pd.Series, column: pd.Series) -> Positions:
    """Where pairs stand among those that a matrix stores; −1 for those that it does not."""
    places = csr_array((np.arange(1, matrix.nnz + 1), matrix.indices, matrix.indptr), shape=matrix.shape)
    if not len(row):
        return np.empty(0, dtype=np.intp)
    return np.asarray(places[row.to_numpy(), column.to_numpy()], dtype=np.intp).ravel() - 1


@_weights.register
def _(by: ByRaster, ground: _Ground) -> _Weights:
    weights = _over_cells(ground, by, path=by.path, classes=())._replace(by="raster")
    # Sums that cancel leave rounding behind; people below 0 are far from it.
    if min(weights.whole.min(), weights.parts.min(initial=0.0)) < -SLIVER * max(weights.whole.max(), 1.0):
        msg = f"{Path(by.path).name}: a sum below 0: people per cell are 0 or more; declare codes for no data (nodata)"
        raise UsageError(msg)
    return weights


@_weights.register
def _(by: ByMask, ground: _Ground) -> _Weights:
    if by.polygons is None:
        return _over_cells(ground, by, path=str(by.raster), classes=by.classes)
    space = measure_of(ground.source).areas
    mask = _checked(gpd.GeoSeries(_geometry(by.polygons)).reset_index(drop=True), "mask", kinds=POLYGON_KINDS)
    source, target, land = _into(space, ground.source, ground.target, mask)
    pieces, owner = _clipped(source.array.to_numpy(), land.array.to_numpy())
    areas = shapely.area(pieces)
    whole = _summed(owner, areas, len(source))
    of_source = csr_array((areas, (owner, np.arange(len(pieces)))), shape=(len(source), len(pieces)))
    found = csr_array(of_source @ area_shares(gpd.GeoSeries(pieces, crs=space), target).matrix)
    row, column = ground.pairs
    parts = np.asarray(found[row, column], dtype=np.float64).ravel() if len(row) else np.empty(0)
    # Land that a source only touches along its border is none.
    whole[whole <= LEAST_COVERAGE * shapely.area(source.array)] = 0.0
    return _Weights("mask", parts, whole, np.ones(len(whole)))


def _clipped(zones: NDArray[np.object_], mask: NDArray[np.object_]) -> tuple[NDArray[np.object_], Positions]:
    """Cut out what of each zone lies in a mask: polygons that do not overlap within a zone, and the zone of each."""
    land = shapely.get_parts(shapely.union_all(_valid(mask)))
    zone, piece = shapely.STRtree(land).query(zones, predicate="intersects")
    order = np.lexsort((piece, zone))
    pieces, of_cut = shapely.get_parts(
        shapely.intersection(_valid(zones)[zone[order]], land[piece[order]]), return_index=True
    )
    # Where two shapes touch, their intersection holds points and lines as well.
    areal = shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON.value
    return pieces[areal], zone[order][of_cut[areal]]


def _valid(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Mend what a change of CRS has made cross itself."""
    wrong = ~shapely.is_valid(shapes)
    return np.asarray(np.where(wrong, shapely.make_valid(shapes), shapes)) if wrong.any() else shapes


def _over_cells(ground: _Ground, by: ByRaster | ByMask, *, path: str | Path, classes: tuple[float, ...]) -> _Weights:
    """Sum cells over sources and over what they share with targets, cut in the raster's own CRS."""
    with open_band(path, band=by.band, nodata=by.nodata) as band:
        crs = band.crs
    source, target = (_valid(layer.array.to_numpy()) for layer in _into(crs, ground.source, ground.target))
    row, column = ground.pairs
    cut = np.flatnonzero(ground.area.data < 1)
    pieces = shapely.intersection(source[row[cut]], target[column[cut]])
    seen, parts = (_sums(shapes, crs, by, path=path, classes=classes) for shapes in (source, pieces))
    whole = seen["sum"].fillna(0.0).to_numpy()
    if classes:
        whole = np.where(whole > LEAST_COVERAGE * seen["cells"], whole, 0.0)
    weight = whole[row]
    weight[cut] = parts["sum"].fillna(0.0)
    return _Weights("mask", weight, whole, seen["coverage"].to_numpy())


def _sums(
    shapes: NDArray[np.object_], crs: CRS, by: ByRaster | ByMask, *, path: str | Path, classes: tuple[float, ...]
) -> pd.DataFrame:
    return raster_sums(path, gpd.GeoSeries(shapes, crs=crs), band=by.band, nodata=by.nodata, classes=classes)


def _covered(points: gpd.GeoSeries, polygons: gpd.GeoSeries, labels: tuple[pd.Index, pd.Index]) -> Crosswalk:
    """Give each point whole to what covers it."""
    found = _inside(points, polygons)
    found = found[~(found["border"] & found.duplicated(["point", "border"]))]
    pairs = found["point"].to_numpy(dtype=np.intp), found["place"].to_numpy(dtype=np.intp)
    matrix = relation_of(pairs, np.ones(len(found)), labels=labels).matrix
    by = np.where(np.diff(matrix.indptr) > 0, "covering", "none")
    return Crosswalk(matrix, *labels, pd.DataFrame({"by": by, "coverage": 1.0}, index=labels[0]))

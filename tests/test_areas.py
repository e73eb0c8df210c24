"""The relation between two geographies: squares in the head, then the plain way of geopandas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from equity_screen import areas
from equity_screen.areas import area_shares, covering, point_shares
from equity_screen.errors import UsageError

LAEA = "EPSG:3035"
X, Y = 4_000_000.0, 3_000_000.0


def squares(*corners: tuple[float, float]) -> gpd.GeoSeries:
    """Unit squares by their south-west corners, named A, B, C and so on."""
    shapes = [box(x, y, x + 1, y + 1) for x, y in corners]
    return gpd.GeoSeries(shapes, index=list("ABCDEFGH"[: len(shapes)]), crs=LAEA)


def footprints(*shapes: shapely.Geometry) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapes, index=[f"f{i}" for i in range(len(shapes))], crs=LAEA)


def tessellation() -> gpd.GeoSeries:
    """Zones of a kilometre or so that tile a region without a right angle among them."""
    scattered = np.random.default_rng(11).random((120, 2)) * 10_000 + (X, Y)
    frame = box(X, Y, X + 10_000, Y + 10_000)
    cells = shapely.voronoi_polygons(shapely.multipoints(scattered), extend_to=frame).geoms
    zones = [cell.intersection(frame) for cell in cells]
    return gpd.GeoSeries(zones, index=pd.Index([f"Z{i:03d}" for i in range(len(zones))], name="zone"), crs=LAEA)


def reaches() -> gpd.GeoSeries:
    """Discs, a corridor, rectangles, one of two parts, one with a hole, one beyond the region."""
    rng = np.random.default_rng(12)
    discs = [Point(X + x, Y + y).buffer(r) for x, y, r in rng.random((25, 3)) * (10_000, 10_000, 2_000) + (0, 0, 50)]
    corridor = LineString([(X + 200, Y + 300), (X + 6_000, Y + 5_000), (X + 9_900, Y + 5_100)]).buffer(250)
    parts = MultiPolygon([box(X, Y, X + 900, Y + 900), box(X + 5_000, Y + 5_000, X + 7_000, Y + 5_300)])
    ring = Point(X + 5_000, Y + 5_000).buffer(3_000).difference(Point(X + 5_000, Y + 5_000).buffer(1_200))
    half_out = box(X + 9_000, Y - 2_000, X + 14_000, Y + 2_000)
    whole = box(X - 1, Y - 1, X + 10_001, Y + 10_001)
    return footprints(*discs, corridor, parts, ring, half_out, whole)


# ---------------------------------------------------------------- shares of area


def test_a_footprint_over_one_and_a_half_squares() -> None:
    shares = area_shares(squares((0, 0), (1, 0), (2, 0)), footprints(box(0, 0, 1.5, 1)))
    assert shares.matrix.toarray().ravel().tolist() == [1.0, 0.5, 0.0]
    assert shares.rows.tolist() == ["A", "B", "C"]
    assert shares.columns.tolist() == ["f0"]


def test_a_quarter_square_in_the_corner_of_four() -> None:
    four = squares((0, 0), (1, 0), (0, 1), (1, 1))
    shares = area_shares(four, footprints(box(0.5, 0.5, 1.5, 1.5)))
    assert shares.matrix.toarray().ravel().tolist() == [0.25] * 4


def test_each_footprint_has_its_own_column() -> None:
    shares = area_shares(squares((0, 0), (1, 0)), footprints(box(0, 0, 1, 0.5), box(0, 0, 2, 1)))
    assert shares.matrix.toarray().tolist() == [[0.5, 1.0], [0.0, 1.0]]


def test_a_zone_covered_whole_is_exactly_one() -> None:
    zones = tessellation()
    shares = area_shares(zones, footprints(box(X - 1, Y - 1, X + 10_001, Y + 10_001)))
    assert (shares.matrix.toarray() == 1.0).all()


def test_a_zone_is_covered_by_itself_exactly() -> None:
    zones = tessellation()
    own = area_shares(zones, zones).matrix
    assert (own.diagonal() == 1.0).all()


def test_touching_is_not_reaching() -> None:
    shares = area_shares(squares((0, 0)), footprints(box(1, 0, 2, 1), box(1, 1, 2, 2)))
    assert shares.matrix.nnz == 0


def test_a_hole_is_not_reached() -> None:
    ring = Polygon([(0, 0), (1, 0), (1, 1), (0, 1)], [[(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]])
    assert area_shares(squares((0, 0)), footprints(ring)).matrix.toarray().tolist() == [[0.75]]


def test_an_empty_footprint_reaches_nothing_and_keeps_its_column() -> None:
    shares = area_shares(squares((0, 0)), footprints(Polygon(), box(0, 0, 1, 1)))
    assert shares.matrix.toarray().tolist() == [[0.0, 1.0]]


def test_no_footprints_is_a_relation_without_columns() -> None:
    nothing = gpd.GeoSeries([], index=pd.Index([], dtype="str"), crs=LAEA)
    assert area_shares(squares((0, 0)), nothing).matrix.shape == (1, 0)


def test_two_coordinate_systems_are_refused() -> None:
    reach = footprints(box(0, 0, 1, 1)).set_crs("EPSG:25832", allow_override=True)
    with pytest.raises(UsageError, match="zones are in EPSG:3035, footprints in EPSG:25832"):
        area_shares(squares((0, 0)), reach)


def test_area_shares_equal_the_overlay_of_geopandas() -> None:
    zones, reach = tessellation(), reaches()
    pieces = gpd.overlay(
        gpd.GeoDataFrame({"row": range(len(zones))}, geometry=zones.array, crs=LAEA),
        gpd.GeoDataFrame({"column": range(len(reach))}, geometry=reach.array, crs=LAEA),
        how="intersection",
        keep_geom_type=True,
    )
    inner = pieces.area.groupby([pieces["row"], pieces["column"]]).sum()
    expected = np.zeros((len(zones), len(reach)))
    rows, columns = inner.index.get_level_values("row"), inner.index.get_level_values("column")
    expected[rows, columns] = inner.to_numpy() / zones.area.to_numpy()[rows]
    got = area_shares(zones, reach).matrix.toarray()
    assert (expected > 0).sum() > 400
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


def test_pairs_of_many_vertices_are_shared_alike(monkeypatch) -> None:
    zones, reach = tessellation(), reaches()
    expected = area_shares(zones, reach).matrix.toarray()
    monkeypatch.setattr(areas, "MANY_VERTICES", 0)
    by_geos = area_shares(zones, reach).matrix.toarray()
    np.testing.assert_allclose(by_geos, expected, rtol=0, atol=1e-11)
    assert ((by_geos == 1.0) == (expected == 1.0)).all()


def test_a_footprint_changes_no_bit_of_another_ones_shares() -> None:
    zones, reach = tessellation(), reaches()
    together = area_shares(zones, reach).matrix.toarray()
    for position in range(len(reach)):
        alone = area_shares(zones, reach.iloc[[position]]).matrix.toarray()[:, 0]
        assert alone.tobytes() == np.ascontiguousarray(together[:, position]).tobytes()


def test_the_areas_reached_in_all_zones_are_the_area_of_the_footprint() -> None:
    zones, reach = tessellation(), reaches()
    inside = reach.intersection(box(X, Y, X + 10_000, Y + 10_000)).area
    reached = area_shares(zones, reach).matrix.T @ zones.area.to_numpy()
    np.testing.assert_allclose(reached, inside.to_numpy(), rtol=1e-9)


# ---------------------------------------------------------------- points


def test_each_point_lies_in_one_zone_or_none() -> None:
    points = gpd.GeoSeries.from_xy([0.5, 1.5, 1.0, 9.0], [0.5, 0.5, 0.5, 0.5], index=list("pqrs"), crs=LAEA)
    found = covering(points, squares((0, 0), (1, 0)))
    assert found.index.tolist() == list("pqrs")
    assert found.tolist()[:3] == [0.0, 1.0, 0.0]  # on the shared border: the zone that comes first
    assert np.isnan(found["s"])


def test_a_point_share_is_the_share_of_the_people_at_the_points() -> None:
    blocks = pd.DataFrame({"zone": [0, 0, 1, 1], "people": [30.0, 10.0, 5.0, 15.0]})
    labels = pd.Index(["A", "B"]), pd.Index(["x", "y"])
    hits = np.array([0, 2, 3, 1]), np.array([0, 0, 0, 1])
    shares = point_shares(hits, blocks, labels=labels).matrix.toarray()
    assert shares.tolist() == [[0.75, 0.25], [1.0, 0.0]]


def test_points_without_people_reach_nobody() -> None:
    blocks = pd.DataFrame({"zone": [0, 1], "people": [0.0, 4.0]})
    shares = point_shares((np.array([0, 1]), np.array([0, 0])), blocks, labels=(pd.Index(["A", "B"]), pd.Index(["x"])))
    assert shares.matrix.toarray().ravel().tolist() == [0.0, 1.0]


def test_a_zone_reached_whole_is_exactly_one_also_with_fractions_of_people() -> None:
    blocks = pd.DataFrame({"zone": np.repeat([0, 1, 2], 50), "people": np.random.default_rng(5).random(150)})
    everyone = np.arange(150), np.zeros(150, dtype=np.intp)
    shares = point_shares(everyone, blocks, labels=(pd.Index(list("ABC")), pd.Index(["x"])))
    assert shares.matrix.toarray().ravel().tolist() == [1.0, 1.0, 1.0]


def test_no_point_reached_is_an_empty_relation() -> None:
    nobody = np.array([], dtype=np.intp), np.array([], dtype=np.intp)
    blocks = pd.DataFrame({"zone": [0], "people": [4.0]})
    shares = point_shares(nobody, blocks, labels=(pd.Index(["A"]), pd.Index(["x"])))
    assert shares.matrix.shape == (1, 1)
    assert shares.matrix.nnz == 0


def test_the_order_of_hits_changes_no_bit_of_a_point_share() -> None:
    rng = np.random.default_rng(3)
    blocks = pd.DataFrame({"zone": rng.integers(0, 9, 300), "people": rng.random(300) * 100})
    hits = np.nonzero(rng.random((300, 7)) < 0.4)
    labels = pd.RangeIndex(9), pd.RangeIndex(7)
    once = point_shares(hits, blocks, labels=labels).matrix.toarray()
    shuffle = rng.permutation(len(hits[0]))
    again = point_shares((hits[0][shuffle], hits[1][shuffle]), blocks, labels=labels).matrix.toarray()
    assert once.tobytes() == again.tobytes()

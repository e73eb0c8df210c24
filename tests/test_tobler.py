"""PySAL tobler beside us: equal where it is right, and its known faults as tests that we do right.

Measured with tobler 0.13.0 (Python 3.11) and 0.14.0. Where a test says what tobler gives, it says so that the
difference is seen; the day that tobler mends it, that line is taken out.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from equity_screen.areas import area_shares
from equity_screen.near import share_covered
from equity_screen.relation import carried, losses

SQUARE = 3035
ZONE = gpd.GeoDataFrame({"people": [1000.0], "rate": [5.0]}, geometry=[shapely.box(0, 0, 3, 1)], crs=SQUARE)
PART = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1.8, 1)], crs=SQUARE)


@pytest.fixture(scope="module")
def interpolate():
    """Areal interpolation as tobler does it, in one process."""
    area_weighted = pytest.importorskip(
        "tobler.area_weighted", reason='PySAL tobler is not installed: pip install -e ".[oracles]"'
    )

    def call(source, target, **variables):
        return area_weighted.area_interpolate(source, target, n_jobs=1, **variables)

    return call


def ours(source, target, **declared):
    """Carry over shares of area."""
    table = pd.DataFrame(source.drop(columns="geometry")).assign(area=source.area)
    return carried(area_shares(source.geometry, target.geometry), table, **declared)


def cells(count: int, seed: int) -> gpd.GeoDataFrame:
    """Lay out Voronoi cells of a square of 10 km, with people and a rate."""
    random = np.random.default_rng(seed)
    points = shapely.multipoints(random.uniform(0, 10_000, (count, 2)))
    square = shapely.box(0, 0, 10_000, 10_000)
    shapes = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(points, extend_to=square)), square)
    columns = {"people": random.integers(0, 5000, count).astype(float), "rate": random.uniform(1, 50, count)}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=SQUARE)


# Equal where tobler is right


def test_counts_and_rates_agree_on_cells(interpolate):
    source, target = cells(300, 1), cells(40, 2)[["geometry"]]
    target["geometry"] = target.scale(0.9, 0.9)
    theirs = interpolate(
        source, target, extensive_variables=["people"], intensive_variables=["rate"], allocate_total=False
    )
    found = ours(source, target, counts=["people"], rates={"rate": "area"})
    assert found["people"].to_numpy() == pytest.approx(theirs["people"].to_numpy(), rel=1e-6)
    assert found["rate"].to_numpy() == pytest.approx(theirs["rate"].to_numpy(), rel=1e-6)


# Single precision


def test_six_hundred_people_are_six_hundred():
    assert ours(ZONE, PART, counts=["people"])["people"].tolist() == [600.0]


def test_tobler_keeps_areas_in_single_precision(interpolate):
    theirs = interpolate(ZONE, PART, extensive_variables=["people"], allocate_total=False)["people"].iloc[0]
    assert theirs == pytest.approx(600, rel=1e-6)
    assert theirs != pytest.approx(600, rel=1e-9)


def test_a_partition_keeps_every_person():
    source, target = cells(300, 1), cells(40, 2)
    assert ours(source, target, counts=["people"])["people"].sum() == pytest.approx(source["people"].sum(), rel=1e-12)


# Gaps

GAP = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1.8, 1), shapely.box(10, 0, 11, 1)], crs=SQUARE)


def test_where_no_zone_is_nothing_is_known():
    found = ours(ZONE, GAP, counts=["people"], rates={"rate": "people"})
    assert found.isna().to_numpy().tolist() == [[False, False], [True, True]]


def test_tobler_fills_gaps_with_zeros(interpolate):
    theirs = interpolate(ZONE, GAP, extensive_variables=["people"], intensive_variables=["rate"], allocate_total=False)
    assert theirs.loc[1, ["people", "rate"]].tolist() == [0, 0]


# Half covered


def test_a_part_of_a_zone_holds_a_part_of_its_people_and_the_rest_is_told():
    half = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1.5, 1)], crs=SQUARE)
    relation = area_shares(ZONE.geometry, half.geometry)
    table = pd.DataFrame({"people": ZONE["people"]})
    assert carried(relation, table, counts=["people"])["people"].tolist() == [500]
    assert losses(relation, table, counts=["people"]).to_dict("list") == {"share": [0.5], "people": [500]}


def test_tobler_gives_all_people_of_a_zone_to_whatever_covers_a_part_of_it(interpolate):
    assert interpolate(ZONE, PART, extensive_variables=["people"])["people"].tolist() == [1000]


# Degrees


DEGREE = gpd.GeoDataFrame({"people": [1000.0]}, geometry=[shapely.box(10, 59, 11, 60)], crs=4326)
NORTH = gpd.GeoDataFrame(geometry=[shapely.box(10, 59.5, 11, 60)], crs=4326)


def test_areas_are_never_measured_in_degrees():
    """The upper half of a degree at 60° north is less than half of it; its edges follow the parallels."""
    ring = np.concatenate([[[x, y] for x in np.linspace(10, 11, 201)[::s]] for y, s in ((59.0, 1), (59.5, -1))])
    low = abs(Geod(ellps="WGS84").polygon_area_perimeter(*ring.T)[0])
    ring[:, 1] += 0.5
    high = abs(Geod(ellps="WGS84").polygon_area_perimeter(*ring.T)[0])
    assert share_covered(NORTH, DEGREE)["mean"].iloc[0] == pytest.approx(100 * high / (low + high), rel=1e-4)
    assert high / (low + high) < 0.4965


@pytest.mark.filterwarnings("ignore:Geometry is in a geographic CRS:UserWarning")  # geopandas': tobler goes on
def test_tobler_measures_in_degrees(interpolate):
    theirs = interpolate(DEGREE, NORTH, extensive_variables=["people"], allocate_total=False)
    assert theirs["people"].iloc[0] == pytest.approx(500, rel=1e-6)


# Missing numbers

TWO = gpd.GeoDataFrame(
    {"people": [10.0, np.nan], "rate": [1.0, np.nan]},
    geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)],
    crs=SQUARE,
)
BOTH = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 2, 1)], crs=SQUARE)


def test_what_is_missing_is_not_zero():
    found = ours(TWO, BOTH, counts=["people"], rates={"rate": "area"})
    assert np.isnan(found["people"].iloc[0])
    assert found["rate"].tolist() == [1.0]


@pytest.mark.filterwarnings("ignore:nan values in variable:UserWarning")
def test_tobler_stops_at_what_is_missing_or_takes_it_for_zero(interpolate):
    """0.13 cannot write into a column of pandas 3; 0.14 averages 1 and nothing to a half."""
    try:
        theirs = interpolate(TWO, BOTH, intensive_variables=["rate"])["rate"].tolist()
    except ValueError as error:
        theirs = str(error)
    assert theirs in ("assignment destination is read-only", [0.5])

"""How often each test calls a siting at random unusual: 5 % is right, and free permutation is far from it.

The city is a grid of 40 × 40 squares, each with its people at its middle. Groups live in clusters some squares
wide, as people do; discs of 1.5 to 4 squares are put anywhere, so that whatever is called unusual is so by chance.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.ndimage import gaussian_filter

from equity_screen.chance import random_siting
from equity_screen.overlay import overlay
from equity_screen.people import people_of
from equity_screen.recipe import Siting
from tests.plans import effect, plan_of

SIDE, CELL = 40, 1000.0
ORIGIN = np.array([560_000.0, 6_200_000.0])
CLUSTER = 3.0  # standard deviation of a cluster, in squares
RADII = (1.5, 2.0, 3.0, 4.0)
NOMINAL = 0.05


def grid_city(groups: int, rng: np.random.Generator) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Squares of 100 people each, with the share of a group between 0 and 1, and a population point in each."""
    row, column = (part.ravel() for part in np.indices((SIDE, SIDE)))
    corners = np.column_stack([column, row]) * CELL + ORIGIN
    smooth = [gaussian_filter(rng.normal(size=(SIDE, SIDE)), CLUSTER, mode="reflect").ravel() for _ in range(groups)]
    shares = {f"people_g{g}": 100.0 / (1.0 + np.exp(-2.0 * field / field.std())) for g, field in enumerate(smooth)}
    squares = shapely.box(*corners.T, *(corners + CELL).T)
    index = pd.Index([f"N{i:04d}" for i in range(SIDE**2)], name="neighbourhood")
    city = gpd.GeoDataFrame({"population": 100.0, **shares}, index=index, geometry=squares, crs=25832)
    middles = gpd.points_from_xy(*(corners + CELL / 2).T)
    return city, gpd.GeoDataFrame({"zone": range(SIDE**2), "people": 100.0}, geometry=middles, crs=25832)


def rejected(*, sitings: int, groups: int, seed: int, inside: bool = True) -> pd.DataFrame:
    """Share of the sitings at random that each test rejects at 5 %, by radius in squares."""
    rng = np.random.default_rng([seed])
    city, blocks = grid_city(groups, rng)
    radius = np.resize(RADII, sitings)
    margin = radius if inside else 0.0 * radius
    middle = (margin + (SIDE - 2 * margin) * rng.random((2, sitings))) * CELL
    places = {f"A{i:04d}": shapely.Point(*xy) for i, xy in enumerate(middle.T + ORIGIN)}
    rows = [effect(name, reach="within", distance_m=r * CELL) for name, r in zip(places, radius, strict=True)]
    plan = plan_of(places, *rows)
    laid = overlay(city, plan, blocks=blocks)
    siting = Siting(placements=399, seed=seed)
    table = random_siting(laid, plan, neighbourhoods=city, people=people_of(city), siting=siting)
    assert (table["undefined"] == "").all()
    assert (table["placements"] == 399).all()
    table = table.assign(radius=np.repeat(radius, groups))
    return (table.set_index("radius")[["p", "screen_p"]] <= NOMINAL).groupby("radius").mean()


@pytest.mark.parametrize("inside", [True, False])
def test_random_siting_rejects_about_one_in_twenty_and_free_permutation_about_half(inside):
    by_radius = rejected(sitings=1200, groups=12, seed=2030, inside=inside)
    siting, free = by_radius.mean()
    assert 0.03 <= siting <= 0.08
    assert 0.40 <= free <= 0.75
    # The larger the footprint, the more neighbours it holds that are alike.
    assert by_radius["screen_p"].is_monotonic_increasing


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_random_siting_rejects_about_one_in_twenty_in_other_cities_and_at_every_size(seed):
    by_radius = rejected(sitings=4000, groups=20, seed=seed)
    assert by_radius["p"].between(0.03, 0.08).all()
    assert by_radius["screen_p"].between(0.40, 0.85).all()
    assert 0.40 <= by_radius["screen_p"].mean() <= 0.75

"""Laws of results by place: whatever the areas, they are of the same people and add up to the city.

Cities, plans and population points are those of the other laws; areas are rectangles drawn at random, which cut
neighbourhoods anywhere, leave gaps or reach beyond the city. Expected numbers come from plain loops over pairs of
shapes, or over points.
"""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings, strategies as st

from equity_screen.actions import Plan
from equity_screen.atoms import atoms_by_ledger, once_of
from equity_screen.boundaries import Boundary, boundary_of_column
from equity_screen.crs import measure_of, to_space
from equity_screen.footprints import footprint_table, footprints_of
from equity_screen.inputs import NO_ZONES, Inputs
from equity_screen.overlay import overlay
from equity_screen.parts import cut_by
from equity_screen.recipe import Priority, Question, Siting
from equity_screen.screen import NO_INPUTS, Result, _screened, screen
from equity_screen.synthetic import CRS
from tests.plans import km_box
from tests.test_laws import RANKED, SEEDS, ask, bytes_of, random_blocks, random_city, random_plan

FEW = settings(max_examples=8)
NO_SITING = Siting(placements=0)  # what is asked here is of places, not of chance
QUIET = Question(siting=NO_SITING)
CUTS = st.lists(st.integers(1, 39).map(lambda tenth: tenth / 10), min_size=1, max_size=3, unique=True).map(sorted)


def layer(shapes: dict[str, shapely.Geometry], crs: str = CRS) -> Boundary:
    frame = gpd.GeoDataFrame({"name": list(shapes)}, index=list(shapes), geometry=list(shapes.values()), crs=CRS)
    return Boundary("Rectangles", frame.to_crs(crs))


def grid(wests: list[float], souths: list[float], *, gap: bool) -> dict[str, shapely.Geometry]:
    """Rectangles that tile the city's 4 km x 4 km and a little more; the second left out to make a gap."""
    columns, rows = ([-1.0, *cuts, 5.0] for cuts in (wests, souths))
    boxes = {
        f"{i}-{j}": km_box(west, south, east, north)
        for (i, (west, east)), (j, (south, north)) in itertools.product(
            enumerate(itertools.pairwise(columns)), enumerate(itertools.pairwise(rows))
        )
    }
    return {name: box for name, box in boxes.items() if not (gap and name == "0-1")}


def city_of(seed: int, *, by_points: bool) -> tuple[gpd.GeoDataFrame, Plan, gpd.GeoDataFrame | None]:
    hoods = random_city(seed)
    return hoods, random_plan(seed), random_blocks(hoods, np.arange(40), seed) if by_points else None


def by_points_or_area(result: Result, boundary: str) -> pd.DataFrame:
    table = result.by_boundary
    return table[table["boundary"] == boundary]


# ---------------------------------------------------------------- adding up


@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS, gap=st.booleans(), by_points=st.booleans())
def test_any_areas_add_up_to_the_city(
    seed: int, wests: list[float], souths: list[float], *, gap: bool, by_points: bool
) -> None:
    hoods, plan, blocks = city_of(seed, by_points=by_points)
    wards = layer(grid(wests, souths, gap=gap), crs="EPSG:4326")
    result = screen(hoods, plan, question=ask(), blocks=blocks, boundaries={"ward": wards})
    once = result.by_boundary.groupby(["scope", "ledger", "group"])[["people", "people_reached"]].sum()
    city = result.together.set_index(["scope", "ledger", "group"])[["people", "people_reached"]]
    assert len(once) == len(city) == 8
    assert once.to_numpy() == pytest.approx(city.loc[once.index].to_numpy(), rel=1e-9, abs=1e-9)
    each = result.by_boundary_effect.groupby(["action", "ledger", "effect", "group"])[["people_reached", "total"]].sum()
    groups = result.by_group.set_index(["action", "ledger", "effect", "group"])[["people_reached", "total"]]
    everyone = result.by_effect.assign(group="everyone").set_index("group", append=True)[groups.columns]
    whole = pd.concat([groups, everyone])
    whole = whole[whole["people_reached"] > 0]
    assert each.reindex(whole.index).to_numpy() == pytest.approx(whole.to_numpy(), rel=1e-9, abs=1e-9)
    shares = result.by_boundary["reached_share"].dropna()
    assert shares.between(0, 1 + 1e-12).all()


@FEW
@given(seed=SEEDS, wests=CUTS, souths=CUTS, by_points=st.booleans())
def test_finer_areas_add_up_to_the_coarser_ones(
    seed: int, wests: list[float], souths: list[float], *, by_points: bool
) -> None:
    hoods, plan, blocks = city_of(seed, by_points=by_points)
    fine = grid(wests, souths, gap=False)
    coarse = {
        name: shapely.union_all([box for key, box in fine.items() if key.split("-")[0] == name])
        for name in dict.fromkeys(key.split("-")[0] for key in fine)
    }
    result = screen(
        hoods, plan, question=QUIET, blocks=blocks, boundaries={"fine": layer(fine), "coarse": layer(coarse)}
    )
    keys = ["area", "scope", "ledger", "group"]
    small = by_points_or_area(result, "fine").assign(area=lambda t: t["area"].str.split("-").str[0])
    small, large = (
        t[t["area"] != ""].groupby(keys)[["people", "people_reached"]].sum()
        for t in (small, by_points_or_area(result, "coarse"))
    )
    # A border of the fine areas has corners where that of the coarse has none: a hair of ground between them.
    assert small.loc[large.index].to_numpy() == pytest.approx(large.to_numpy(), rel=1e-4, abs=1e-2)


@FEW
@given(seed=SEEDS, by_points=st.booleans(), random=st.randoms(use_true_random=False))
def test_areas_of_whole_neighbourhoods_are_their_sums(seed: int, *, by_points: bool, random: object) -> None:
    hoods, plan, blocks = city_of(seed, by_points=by_points)
    words = [random.choice(["east", "west", ""]) for _ in range(len(hoods))]
    boundary, _ = boundary_of_column(hoods.assign(side=words), "side", label="Sides", source="z.gpkg")
    once = screen(hoods, plan, question=QUIET, blocks=blocks, boundaries={"side": boundary}).by_boundary
    laid = overlay(hoods, plan, blocks=blocks)
    share = once_of(atoms_by_ledger(laid), laid).matrix.toarray()[:, 0]
    for row in once[(once["scope"] == "active actions") & (once["ledger"] == "benefit")].to_dict("records"):
        people = hoods["population" if row["group"] == "everyone" else "people_one"].to_numpy()
        mine = np.array([word == row["area"] for word in words])
        assert row["people"] == pytest.approx(people[mine].sum())
        assert row["people_reached"] == pytest.approx((people * share)[mine].sum(), rel=1e-9, abs=1e-9)


# ---------------------------------------------------------------- independent paths


@FEW
@given(SEEDS, CUTS, CUTS)
def test_parts_by_area_are_the_intersections_pair_by_pair(seed: int, wests: list[float], souths: list[float]) -> None:
    hoods = random_city(seed)
    boxes = grid(wests, souths, gap=True)
    ground = overlay(hoods, random_plan(seed)).ground
    wards = to_space(layer(boxes).areas.geometry, ground.zones.crs)
    parts = cut_by(ground, layer(boxes).areas.geometry)
    found = np.zeros((len(hoods), len(boxes)))
    named = parts.area < len(boxes)
    found[parts.zone[named], parts.area[named]] = parts.share[named]
    plain = [[zone.intersection(ward).area / zone.area for ward in wards] for zone in ground.zones]
    np.testing.assert_allclose(found, plain, rtol=1e-9, atol=2e-10)


@FEW
@given(SEEDS, CUTS, CUTS)
def test_people_by_points_are_the_count_of_every_point(seed: int, wests: list[float], souths: list[float]) -> None:
    """A loop over the points: which ward, in which reach; a neighbourhood without points is cut by its area."""
    hoods, plan, blocks = city_of(seed, by_points=True)
    boxes = grid(wests, souths, gap=True)
    result = screen(hoods, plan, question=QUIET, blocks=blocks, boundaries={"ward": layer(boxes)})
    ground = overlay(hoods, plan, blocks=blocks).ground
    zones = list(ground.zones)
    homes = list(blocks.geometry.to_crs(ground.zones.crs))
    wards = to_space(layer(boxes).areas.geometry, ground.zones.crs)
    works = to_space(plan.actions.geometry[["AREA"]], ground.zones.crs)["AREA"]
    known = blocks.groupby("zone")["people"].sum()
    expected = dict.fromkeys(boxes, 0.0)
    for name, shape in wards.items():
        for home, zone, people in zip(homes, blocks["zone"], blocks["people"], strict=True):
            if shape.intersects(home) and works.intersects(home):
                expected[name] += hoods["population"].iloc[zone] * people / known[zone]
        for i, zone in enumerate(zones):
            if i not in known.index:
                here = zone.intersection(shape).intersection(works).area / zone.area
                expected[name] += hoods["population"].iloc[i] * here
    table = result.by_boundary_effect
    mine = table[(table["action"] == "AREA") & (table["ledger"] == "benefit") & (table["group"] == "everyone")]
    found = mine.set_index("area")["people_reached"].reindex(list(boxes), fill_value=0.0)
    assert found.to_dict() == pytest.approx(expected, rel=1e-9, abs=1e-7)


@FEW
@given(SEEDS)
def test_footprints_by_place_are_those_of_an_overlay_of_layers(seed: int) -> None:
    hoods, rng = random_city(seed), np.random.default_rng(seed)
    squares = [km_box(w, s, w + 0.9, s + 0.7) for w, s in 4.4 * rng.random((6, 2)) - 0.2]
    zones = hoods.set_geometry(to_space(hoods.geometry, measure_of(hoods).areas))
    columns = {"sector": "", "where": "geometry", "active": True, "cost": 1.0, "tco2e": np.nan}
    actions = gpd.GeoDataFrame(pd.DataFrame(columns, index=list("KLMNOP")), geometry=squares, crs=CRS)
    own = zones.assign(name=zones.index)[["name", "geometry"]]
    table = footprint_table(footprints_of(actions, own.geometry), own, boundaries={})
    places = table[table["breakdown"] == "neighbourhood"].set_index("class")
    pieces = gpd.overlay(
        gpd.GeoDataFrame(geometry=to_space(actions.geometry, zones.crs)).reset_index(),
        own.reset_index()[["neighbourhood", "geometry"]],
        how="intersection",
    )
    summed = pieces.assign(km2=pieces.area / 1e6).groupby("neighbourhood")["km2"].sum()
    dissolved = pieces.dissolve("neighbourhood").area / 1e6
    for zone in summed.index:
        assert places.loc[zone, "area_summed_km2"] == pytest.approx(summed[zone], rel=1e-9, abs=1e-12)
        assert places.loc[zone, "area_dissolved_km2"] == pytest.approx(dissolved[zone], rel=1e-9, abs=1e-12)
    assert places["actions"].sum() == len(actions)
    assert places["cost"].sum() == len(actions)
    city = table.iloc[0]
    assert places["area_summed_km2"].sum() == pytest.approx(city["area_summed_km2"], rel=1e-9)
    assert places["area_dissolved_km2"].sum() == pytest.approx(city["area_dissolved_km2"], rel=1e-9)


# ---------------------------------------------------------------- priority areas


def with_areas(hoods: gpd.GeoDataFrame, plan: Plan, blocks: object, areas: gpd.GeoDataFrame) -> Result:
    question = Question(rankings=RANKED, priority=Priority(layer="areas.gpkg"), siting=NO_SITING)
    inputs = Inputs(NO_ZONES, blocks, plan, (), NO_INPUTS, (), fatal=False, priority_areas=areas)
    return _screened(hoods, plan, question=question, inputs=inputs)


@FEW
@given(seed=SEEDS, by_points=st.booleans())
def test_areas_equal_to_the_neighbourhoods_of_a_rule_give_its_shares(seed: int, *, by_points: bool) -> None:
    hoods, plan, blocks = city_of(seed, by_points=by_points)
    hot = pd.Series(hoods["heat"] > 25, index=hoods.index)
    hot.iloc[1] = True
    by_rule = screen(hoods, plan, question=Question(rankings=RANKED, siting=NO_SITING), blocks=blocks, priority=hot)
    by_layer = with_areas(hoods, plan, blocks, hoods[hot][["geometry"]].reset_index(drop=True))
    assert by_layer.neighbourhoods["priority"].tolist() == by_rule.neighbourhoods["priority"].tolist()
    for name in ("by_effect", "together"):
        one, other = (getattr(r, name)["priority_place_share"].to_numpy() for r in (by_rule, by_layer))
        assert other == pytest.approx(one, rel=1e-6, abs=1e-6, nan_ok=True)
    one, other = (r.scores[["priority_population_share"]].to_numpy() for r in (by_rule, by_layer))
    assert other == pytest.approx(one, rel=1e-6)


@FEW
@given(seed=SEEDS, wests=CUTS, by_points=st.booleans())
def test_what_is_in_priority_areas_is_what_a_boundary_of_them_says(
    seed: int, wests: list[float], *, by_points: bool
) -> None:
    """The share to priority areas is people and doses counted by the areas as a boundary layer."""
    hoods, plan, blocks = city_of(seed, by_points=by_points)
    boxes = {"in": km_box(-1, -1, wests[0], 5)}
    areas = gpd.GeoDataFrame(geometry=list(boxes.values()), crs=CRS)
    result = with_areas(hoods, plan, blocks, areas)
    by_ward = screen(hoods, plan, question=QUIET, blocks=blocks, boundaries={"in": layer(boxes)})
    table = by_ward.by_boundary_effect
    mine = table[(table["area"] == "in") & (table["group"] == "everyone")].set_index(["action", "ledger", "effect"])
    inside = mine["total"].reindex(result.by_effect.index, fill_value=0.0)
    total = result.by_effect["total"]
    expected = (inside / total.where(total > 0)).to_numpy()
    found = result.by_effect["priority_place_share"].to_numpy()
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


# ---------------------------------------------------------------- what must not matter


@FEW
@given(seed=SEEDS, by_points=st.booleans())
def test_the_order_of_rows_changes_no_byte_of_the_results_by_place(seed: int, *, by_points: bool) -> None:
    hoods, plan, blocks = city_of(seed, by_points=by_points)
    rng = np.random.default_rng(seed + 3)
    mixed = hoods.iloc[rng.permutation(len(hoods))]
    turned = Plan(
        plan.actions.iloc[rng.permutation(len(plan.actions))],
        plan.effects.iloc[rng.permutation(len(plan.effects))].reset_index(drop=True),
    )
    boxes = grid([1.3], [2.1], gap=True)
    wards = layer(boxes)
    sides, _ = boundary_of_column(hoods.assign(side=list("ewewewewe")), "side", label="Sides", source="z.gpkg")
    again, _ = boundary_of_column(
        hoods.assign(side=list("ewewewewe")).loc[mixed.index], "side", label="Sides", source="z.gpkg"
    )
    moved = None if blocks is None else random_blocks(mixed, rng.permutation(40), seed)
    one = screen(hoods, plan, question=ask(), blocks=blocks, boundaries={"ward": wards, "side": sides})
    other = screen(mixed, turned, question=ask(), blocks=moved, boundaries={"ward": wards, "side": again})
    assert bytes_of(one) == bytes_of(other)
    assert len(one.by_boundary) > 0

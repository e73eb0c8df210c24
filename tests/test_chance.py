from __future__ import annotations

import itertools
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import csc_array
from scipy.stats import false_discovery_control

from equity_screen import chance, placements
from equity_screen.chance import (
    ALIKE,
    contrast_weights,
    false_discovery,
    parity_contrast,
    permutation_p,
    permutation_z,
    random_siting,
    siting_p,
)
from equity_screen.equity import by_group
from equity_screen.errors import UsageError
from equity_screen.overlay import overlay
from equity_screen.people import People, people_of
from equity_screen.recipe import Siting
from equity_screen.synthetic import four_actions, four_zones
from tests.plans import effect, km, km_box, plan_of

SIDE = 10


def people(population, *groups) -> People:
    each = np.asarray(population, dtype=np.float64)
    names = tuple(f"g{g}" for g in range(len(groups)))
    return People(each, np.column_stack(groups).astype(float), np.repeat(each[:, None], len(groups), axis=1), names)


def many(seed: int, units: int = 12, actions: int = 4) -> tuple[np.ndarray, People]:
    rng = np.random.default_rng(seed)
    population = rng.integers(10, 100, units).astype(float)
    groups = [np.floor(population * rng.random(units)) for _ in range(3)]
    return np.where(rng.random((units, actions)) < 0.5, 0.0, rng.normal(size=(units, actions))), people(
        population, *groups
    )


# ---------------------------------------------------------------- contrast and free permutation


def test_contrast_is_what_a_group_has_beyond_its_share_of_the_people():
    # 40 of 100 people; they have 30 of 50: 10 more than 40 % of 50.
    given = people([50, 50], [30, 10])
    assert parity_contrast(np.array([[1.0], [0.0]]), given).tolist() == [[10.0]]
    assert parity_contrast(csc_array([[1.0], [0.0]]), given).tolist() == [[10.0]]
    assert parity_contrast(np.array([-1.0, 0.0]), given).tolist() == [[-10.0]]


def test_contrast_against_a_universe_of_its_own():
    # Of 20 renters 10 are in the group; where 10 of the renters are reached, 2 of them of the group: 2 − 5.
    given = People(np.full(2, 50.0), np.array([[2.0], [8.0]]), np.array([[10.0], [10.0]]), ("g",))
    assert parity_contrast(np.array([1.0, 0.0]), given).tolist() == [[-3.0]]


def test_contrasts_of_groups_that_share_out_the_people_add_up_to_nothing_and_a_uniform_effect_has_none():
    values, given = many(1)
    rest = given.population - given.groups[:, 0]
    both = people(given.population, given.groups[:, 0], rest)
    assert np.abs(parity_contrast(values, both).sum(axis=1)).max() < 1e-12
    assert np.abs(parity_contrast(np.ones(12), given)).max() < 1e-12
    z = permutation_z(np.column_stack([np.ones(12), np.zeros(12), np.full(12, 0.1), np.full(12, -7.7)]), given)
    assert np.isnan(z).all()


def test_the_variance_is_that_of_all_permutations():
    values, given = many(2, units=6)
    weights = contrast_weights(given)
    dealt = np.array([values.T @ weights[list(order)] for order in itertools.permutations(range(6))])
    expected = parity_contrast(values, given) / dealt.std(axis=0)
    np.testing.assert_allclose(permutation_z(values, given), expected, rtol=1e-10)


def test_p_by_permutation_comes_near_that_of_all_permutations_and_z():
    values, given = many(3, units=6)
    weights = contrast_weights(given)
    dealt = np.array([values.T @ weights[list(order)] for order in itertools.permutations(range(6))])
    exact = (np.abs(dealt) >= np.abs(values.T @ weights) - 1e-9).mean(axis=0)
    found = permutation_p(values, given, permutations=4000, seed=1)
    assert np.abs(found - exact).max() < 0.03


def test_permutations_depend_on_the_seed_and_on_nothing_else():
    values, given = many(4)
    whole = permutation_p(values, given, permutations=99, seed=5)
    assert (permutation_p(values[:, [2]], given, permutations=99, seed=5) == whole[2]).all()
    one = given._replace(groups=given.groups[:, [1]], universes=given.universes[:, [1]], names=("g1",))
    assert (permutation_p(csc_array(values), one, permutations=99, seed=5)[:, 0] == whole[:, 1]).all()
    assert (permutation_p(values, given, permutations=99, seed=6) != whole).any()
    assert ((whole >= 0.01) & (whole <= 1.0)).all()


def test_permutation_is_undefined_where_nothing_varies():
    given = people([10, 20, 30], [5, 10, 15], [1, 0, 9])
    values = np.array([[1.0, 0.0, 2.0], [1.0, 0.0, 0.0], [1.0, 0.0, np.nan]])
    for table in (permutation_z(values, given), permutation_p(values, given, permutations=9, seed=1)):
        assert np.isnan(table).all()
    # The first group has half of the people everywhere.
    z = permutation_z(np.array([1.0, 0.0, 0.0]), given)
    assert np.isnan(z[0, 0])
    assert np.isfinite(z[0, 1])


@pytest.mark.parametrize("permutations", [0, -1])
def test_no_permutation_is_refused(permutations):
    values, given = many(5)
    with pytest.raises(UsageError, match=f"permutations is {permutations}: give 1 or more"):
        permutation_p(values, given, permutations=permutations, seed=1)


@pytest.mark.shared
def test_golden_contrasts_and_exact_z(shared_data):
    golden = json.loads((shared_data.parent / "golden" / "golden.json").read_text(encoding="utf-8"))
    table = pd.read_csv(shared_data.parent / "golden" / "golden.csv")
    names = ["white", "black", "hisp", "other", "lowinc"]
    given = people(table["pop"], *(table[name] for name in names))
    actions = ["trees", "ev", "freeway", "net", "uniform", "zero"]
    values = table[[f"x_{action}" for action in actions]].to_numpy(dtype=np.float64)
    found = {"parity_contrast_D": parity_contrast(values, given), "permutation_z_exact": permutation_z(values, given)}
    for key, ours in found.items():
        answers = pd.DataFrame(golden[key]).T.loc[actions, names].to_numpy(dtype=np.float64)
        np.testing.assert_allclose(ours, answers, rtol=1e-10, atol=1e-10, err_msg=key)


# ---------------------------------------------------------------- many tests at once


@pytest.mark.parametrize("seed", range(5))
def test_false_discovery_is_that_of_scipy_and_blank_where_nothing_was_asked(seed):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random((7, 5)), 1)
    p[rng.random(p.shape) < 0.3] = np.nan
    known = ~np.isnan(p)
    found = false_discovery(p)
    assert (np.isnan(found) == ~known).all()
    np.testing.assert_allclose(found[known], false_discovery_control(p[known]), rtol=1e-12)


def test_false_discovery_of_nothing_is_nothing():
    assert false_discovery([]).tolist() == []
    assert np.isnan(false_discovery([np.nan, np.nan])).all()
    assert false_discovery([0.04]).tolist() == [0.04]


def test_p_of_a_siting_counts_what_is_as_far_on_either_side_and_itself():
    null = np.array([[1.0], [-3.0], [2.0], [0.0]])
    assert siting_p(np.array([[2.0], [0.0], [-9.0]]), null).ravel().tolist() == [0.6, 1.0, 0.2]
    assert siting_p(np.array([[2.0]]), null, scale=0.0).tolist() == [[0.6]]
    # What differs by rounding is as far.
    assert siting_p(np.array([[3.0 + ALIKE / 2]]), null).tolist() == [[0.4]]


# ---------------------------------------------------------------- random siting


def squares(**groups: object) -> gpd.GeoDataFrame:
    """Hundred squares of 1 km with 100 people each; groups are arrays by row from the south and column."""
    row, column = (part.ravel() for part in np.indices((SIDE, SIDE)))
    shapes = [km_box(x, y, x + 1, y + 1) for y, x in zip(row, column, strict=True)]
    columns = {f"people_{name}": np.asarray(part, dtype=np.float64).ravel() for name, part in groups.items()}
    index = pd.Index([f"N{i:03d}" for i in range(SIDE**2)], name="neighbourhood")
    return gpd.GeoDataFrame({"population": 100.0, **columns}, index=index, geometry=shapes, crs="EPSG:25832")


ROW, COLUMN = np.indices((SIDE, SIDE))
WEST = np.where(COLUMN < 5, 80.0, 20.0)
CORNER = np.where((ROW < 2) & (COLUMN < 2), 100.0, 0.0)
EVEN = np.full((SIDE, SIDE), 30.0)


def tried(city, plan, **siting) -> pd.DataFrame:
    laid = overlay(city, plan)
    return random_siting(laid, plan, neighbourhoods=city, people=people_of(city), siting=Siting(**siting))


def one(city, plan, **siting) -> pd.DataFrame:
    return tried(city, plan, **siting).set_index("group")


def test_a_square_in_the_one_corner_where_a_group_lives_is_unusual():
    table = one(squares(corner=CORNER, even=EVEN), plan_of({"A": km_box(0, 0, 2, 2)}), placements=999)
    # All 400 of the group are reached, of 4 % of the people: 400 − 0.04 · 400.
    assert table.loc["corner", "contrast"] == pytest.approx(384.0)
    assert table.loc["corner", "mean"] == pytest.approx(1.0)
    assert table.loc["corner", "p"] < 0.01
    # A group of the same share everywhere has what everyone has, wherever it is put.
    assert table.loc["even", "contrast"] == pytest.approx(0.0, abs=1e-9)
    assert table.loc["even", "p"] == 1.0
    assert table.loc["even", "null_mean"] == pytest.approx(0.04, rel=0.05)
    assert np.isnan(table.loc["even", "screen_z"])
    assert (table["placements"] == 999).all()
    assert (table["undefined"] == "").all()


def test_a_group_in_the_west_is_reached_by_half_of_the_places():
    place = {"A": km(shapely.Point(2.5, 5.0))}
    table = one(squares(west=WEST), plan_of(place, effect("A", reach="within", distance_m=1000.0)))
    row = table.loc["west"]
    # Where it is, 80 % of those around are of the group, which has half of the people: 0.3 · π · 100 people.
    assert row["contrast"] == pytest.approx(0.3 * np.pi * 100, rel=0.05)
    # Elsewhere it is 80 % or 20 %, as far from one half on either side, but where the disc lies across the middle.
    assert row["p"] > 0.5
    half = 0.5 * np.pi / 50
    null = row[["null_low", "null_mean", "null_high"]].tolist()
    assert null == pytest.approx([0.4 * half, half, 1.6 * half], rel=0.1)
    assert abs(row["screen_z"]) > 1


def test_within_a_class_it_is_placed_in_that_class_only():
    city = squares(west=WEST).assign(use=np.where(COLUMN.ravel() < 4, "homes", "works"))
    place = {"A": km(shapely.Point(2.0, 5.0))}
    row = one(city, plan_of(place, effect("A", reach="within", distance_m=900.0)), within="use").loc["west"]
    assert row["eligible_class"] == "homes"
    # Wherever it is in the west by more than its radius, it brings 80 % of it to the group.
    expected = 0.8 * np.pi * 0.81 / 50
    assert row["null_mean"] == pytest.approx(expected, rel=0.05)
    # p compares places that are all alike.
    assert row["p"] > 0.2
    far = plan_of({"A": km(shapely.Point(7.0, 5.0))}, effect("A", reach="within", distance_m=900.0))
    assert one(city, far, within="use").loc["west", "eligible_class"] == "works"


def test_a_neighbourhood_without_a_class_has_nowhere_to_compare_with():
    city = squares(west=WEST).assign(use=np.where(COLUMN.ravel() < 4, "homes", None))
    plan = plan_of({"A": km_box(7, 7, 8, 8)})
    row = one(city, plan, within="use").loc["west"]
    assert row["undefined"] == "its neighbourhood has no class"
    assert np.isnan(row["p"])
    with pytest.raises(UsageError, match=r"siting within 'zoning': the neighbourhoods have no such column; one of"):
        tried(city, plan, within="zoning")


def test_what_cannot_be_elsewhere_says_why():
    city = squares(west=WEST, nobody=0.0 * EVEN)
    places = {"ALL": "citywide", "LOST": "unlocated", "MOST": km_box(0, 0, 10, 9.9)}
    places |= {"OUT": km_box(20, 20, 21, 21), "X": km_box(1, 1, 2, 2)}
    plan = plan_of(
        places,
        effect("ALL"),
        effect("LOST"),
        effect("MOST"),
        effect("OUT"),
        effect("X", effect="blank", amount=np.nan),
        effect("X", effect="none", amount=0.0),
        effect("X", effect="shade"),
    )
    table = tried(city, plan, placements=99)
    table = table.set_index(["group", table["action"] + " " + table["effect"]])
    said = table.loc["west", "undefined"].to_dict()
    assert said == {
        "ALL shade": "it is everywhere: it cannot be elsewhere",
        "LOST shade": "its place is not known: nothing is spread over anybody",
        "MOST shade": "",
        "OUT shade": "nobody lives in its reach",
        "X blank": "the amount is missing",
        "X none": "the amount is 0",
        "X shade": "",
    }
    defined = table["p"].notna()
    assert (defined == (table["undefined"] == "")).all()
    assert (defined == table["q"].notna()).all()
    assert table.loc["nobody", "undefined"].str.contains("the group has no people here").all()


def test_fewer_than_nineteen_places_are_too_few_for_a_p():
    row = one(squares(west=WEST), plan_of({"A": km_box(1, 1, 2, 2)}), placements=18).loc["west"]
    assert (row["placements"], row["undefined"]) == (18, "fewer than 19 places in the city where it could be")
    assert row["contrast"] == pytest.approx(0.3 * 100)
    assert np.isnan(row[["p", "null_mean", "null_low"]].astype(float)).all()


def test_without_people_nothing_is_said_and_without_groups_there_is_no_row():
    plan = plan_of({"A": km_box(1, 1, 2, 2)})
    city = squares(west=WEST)
    laid = overlay(city, plan)
    unknown = people_of(city.assign(population=np.nan))
    table = random_siting(laid, plan, neighbourhoods=city, people=unknown, siting=Siting())
    assert table["undefined"].tolist() == ["no people were given"]
    assert table[["p", "contrast", "screen_z"]].isna().all(axis=None)
    nobody = people_of(city, [])
    assert random_siting(laid, plan, neighbourhoods=city, people=nobody, siting=Siting()).empty


def blocks_of(city: gpd.GeoDataFrame, seed: int) -> gpd.GeoDataFrame:
    """Twenty points in each square."""
    rng = np.random.default_rng(seed)
    zone = np.repeat(np.arange(len(city)), 20)
    corners = shapely.bounds(city.geometry.array)[zone, :2]
    points = gpd.points_from_xy(*(corners + rng.random((len(zone), 2)) * 1000.0).T)
    return gpd.GeoDataFrame({"zone": zone, "people": 5.0}, geometry=points, crs=city.crs)


BASES = [
    effect("A", effect="person", amount=2.0),
    effect("A", effect="household", per="household"),
    effect("A", effect="km2", per="km2", amount=500.0),
    effect("A", effect="total", per="total", amount=1000.0),
    effect("A", effect="driven", driver="loss"),
    effect("A", effect="taken", uptake="west=0.6; others=0.2"),
    effect("A", effect="those", uptake="west=0.6"),
    effect("A", effect="homes", per="household", uptake="others=0.5"),
    effect("A", effect="corner", uptake="corner=0.5; others=0.1"),
    effect("A", effect="losses", per="household", driver="loss"),
    effect("A", effect="near", reach="within", distance_m=700.0),
]


@pytest.mark.parametrize("pointwise", [True, False])
def test_where_it_is_everything_is_measured_as_by_group_measures_it(pointwise):
    """With population points but for the rounding of areas; on a lattice to its fineness."""
    rng = np.random.default_rng(4)
    city = squares(west=WEST, corner=CORNER).assign(
        households=rng.integers(20, 60, SIDE**2).astype(float), loss=rng.random(SIDE**2)
    )
    city["universe_corner"], city["universe_west"] = np.maximum(CORNER.ravel(), 60.0), 90.0
    # On the lines of the lattice's cells, so that its points hold the exact share of each square.
    plan = plan_of({"A": km_box(1.5, 1.0, 4.0, 3.5)}, *BASES)
    laid = overlay(city, plan, blocks=blocks_of(city, 5) if pointwise else None)
    table = random_siting(laid, plan, neighbourhoods=city, people=people_of(city), siting=Siting(placements=19))
    other = by_group(laid, plan.effects, people=people_of(city), groups={})
    near = table["effect"] == "near"
    rel = np.where(near & (not pointwise), 0.06, 2e-6)
    in_line = other["share_of_people"] * other["total"] / other["share_of_effect"]
    for ours, theirs in ((table["mean"], other["mean"]), (table["contrast"], other["total"] - in_line)):
        scale = np.maximum(np.abs(theirs), 1e-6 * other["total"])
        assert (np.abs(ours - theirs) <= rel * scale).all(), pd.DataFrame({"ours": ours, "theirs": theirs})


def test_the_null_is_what_the_same_footprint_brings_at_each_place_by_hand(monkeypatch):
    """A disc placed by hand at the same places: who of the points is in reach, and what each group has then."""
    city = squares(west=WEST, east=10.0 * COLUMN)
    blocks = blocks_of(city, 6)
    where: list[np.ndarray] = []
    spread = placements.spread_sites

    def kept(zones, *, number, seed):
        where.append(spread(zones, number=number, seed=seed))
        return where[-1]

    monkeypatch.setattr(chance, "spread_sites", kept)
    plan = plan_of({"A": km(shapely.Point(2.0, 2.0))}, effect("A", amount=3.0, reach="within", distance_m=1200.0))
    laid = overlay(city, plan, blocks=blocks)
    table = random_siting(laid, plan, neighbourhoods=city, people=people_of(city), siting=Siting(placements=60))
    homes = shapely.get_coordinates(blocks.geometry.to_crs(laid.ground.zones.crs).array)
    outline = shapely.union_all(laid.ground.zones.array)
    discs = shapely.buffer(shapely.points(where[0]), 1200.0, quad_segs=64)
    share = shapely.area(shapely.intersection(discs, outline)) / shapely.area(discs)
    # The share inside is told from 64 places of the disc: near the bound either answer will do.
    sites = where[0][share > 0.95][:60]
    reached = np.hypot(*(homes[:, None, :] - sites).T) <= 1200.0
    each = people_of(city).groups[blocks["zone"]] / 20.0
    means = 3.0 * (reached[:, :, None] * each).sum(axis=1) / each.sum(axis=0)
    assert table["null_mean"].tolist() == pytest.approx(means.mean(axis=0).tolist(), rel=0.1)
    assert table["null_low"].tolist() == pytest.approx(np.quantile(means, 0.05, axis=0).tolist(), rel=0.1)
    assert table["null_high"].tolist() == pytest.approx(np.quantile(means, 0.95, axis=0).tolist(), rel=0.1)


def test_discs_of_one_radius_share_one_null_and_amounts_scale_it():
    city = squares(west=WEST)
    spots = {"A": km(shapely.Point(3.0, 3.0)), "B": km(shapely.Point(6.0, 7.0)), "EDGE": km(shapely.Point(9.8, 5.0))}
    amounts = {"A": 1.0, "B": 4.0, "EDGE": 1.0}
    rows = {name: effect(name, amount=amounts[name], reach="within", distance_m=900.0) for name in spots}
    table = tried(city, plan_of(spots, *rows.values())).set_index("action")
    columns = ["null_mean", "null_low", "null_high"]
    assert (4.0 * table.loc["A", columns]).tolist() == pytest.approx(table.loc["B", columns].tolist())
    # Over the edge it reaches fewer people, there and at some of the places that it is compared with.
    assert table.loc["EDGE", "null_mean"] < table.loc["A", "null_mean"]
    for name, row in rows.items():
        alone = tried(city, plan_of({name: spots[name]}, row)).set_index("action").loc[name]
        pd.testing.assert_series_equal(alone.drop("q"), table.loc[name].drop("q"))


def test_effects_that_fade_differently_from_one_line_have_a_null_each():
    place = {"A": km(shapely.LineString([(1.5, 3), (3.5, 4)]))}
    fades = {"gaussian": {"scale_m": 200.0}, "exponential": {"scale_m": 200.0}, "linear": {}}
    rows = [effect("A", effect=k, reach="decay", kernel=k, distance_m=800.0, **more) for k, more in fades.items()]
    table = tried(squares(west=WEST), plan_of(place, *rows)).set_index("effect")
    assert table["null_mean"].nunique() == 3
    # It lies in the west, where the group has 80 % and not one half.
    assert table.loc["linear", "null_mean"] == pytest.approx(table.loc["linear", "mean"] / 1.6, rel=0.1)


def test_a_total_asks_who_is_in_reach_and_its_means_share_it_out():
    city = squares(west=WEST)
    disc = {"reach": "within", "distance_m": 900.0}
    money = {"per": "total", "amount": 100.0, **disc}
    rows = effect("A", **disc), effect("A", effect="money", **money), effect("A", effect="due", driver="loss", **money)
    plan = plan_of({"A": km(shapely.Point(3.0, 3.0))}, *rows)
    loss = np.random.default_rng(1).random(SIDE**2)
    table = tried(city.assign(loss=loss), plan).set_index("effect")
    assert (table["p"] == table["p"].iloc[0]).all()
    # 80 of 100 go to the group's 5,000 people, wherever in the west.
    assert table.loc["money", "mean"] == pytest.approx(80.0 / 5000.0)
    assert table.loc["money", "null_high"] == pytest.approx(80.0 / 5000.0)
    assert table.loc["money", "null_low"] == pytest.approx(20.0 / 5000.0)
    assert table.loc["money", "contrast"] == pytest.approx(80.0 - 50.0)


def test_the_order_of_effects_changes_no_number_and_the_seed_changes_the_places():
    city, plan = (
        squares(west=WEST, corner=CORNER),
        plan_of(
            {"A": km_box(1, 1, 3, 2), "B": km(shapely.Point(6.0, 7.0)), "C": km(shapely.LineString([(2, 2), (6, 5)]))},
            effect("A"),
            effect("B", reach="ring", inner_m=300.0, distance_m=900.0),
            effect("C", reach="decay", kernel="gaussian", scale_m=300.0, distance_m=900.0),
        ),
    )
    table = tried(city, plan)
    turned = plan._replace(effects=plan.effects.iloc[::-1].reset_index(drop=True))
    again, ours = (each.sort_values(["action", "group"], ignore_index=True) for each in (tried(city, turned), table))
    pd.testing.assert_frame_equal(again, ours, check_exact=True)
    other = tried(city, plan, seed=1)
    assert (other["null_mean"] != table["null_mean"]).all()
    assert (other["contrast"] == table["contrast"]).all()


def test_the_four_squares_as_a_project_would_ask():
    city, plan = four_zones(), four_actions()
    laid = overlay(city, plan)
    table = random_siting(laid, plan, neighbourhoods=city, people=people_of(city), siting=Siting(placements=99))
    assert table["action"].tolist() == plan.effects["action"].tolist()
    by_action = table.drop_duplicates("action").set_index("action")
    # West: 80 of the 150 with low incomes, of 40 % of the people: 0.5 · (80 − 60).
    assert by_action["contrast"][["EAST", "WEST"]].tolist() == pytest.approx([1200 / 600 * (70 - 90), 10.0])
    assert by_action.loc["WEST", "null_low"] <= by_action.loc["WEST", "mean"]


def test_shares_of_uptake_are_those_of_the_place():
    """A group of whom all take it up, and nobody else: elsewhere it is what the group there takes up."""
    city = squares(west=WEST)
    place = {"A": km_box(1, 1, 2, 2)}
    table = one(city, plan_of(place, effect("A", uptake="west=1")))
    row = table.loc["west"]
    assert row["mean"] == pytest.approx(80.0 / 5000.0)
    # All of it goes to the group wherever it is: 80 or 20 people of it, less half of as many.
    assert row["contrast"] == pytest.approx(40.0)
    assert row["null_low"] == pytest.approx(20.0 / 5000.0, rel=0.1)
    assert row["null_high"] == pytest.approx(80.0 / 5000.0, rel=0.1)

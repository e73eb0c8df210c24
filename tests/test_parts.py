"""Neighbourhoods cut by other areas: the same people, part by part, adding up to the city."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from equity_screen.align import check_blocks
from equity_screen.boundaries import Boundary, boundary_of_column
from equity_screen.errors import EquityScreenError
from equity_screen.overlay import overlay
from equity_screen.parts import NOWHERE, by_boundary, cut_by, inside_shares, reach_in, share_inside
from equity_screen.people import people_of
from equity_screen.recipe import Group
from equity_screen.relation import Relation
from equity_screen.schema import Origin
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, four_zones
from tests.plans import effect, km, km_box, plan_of

CITY = four_zones()
SOUTH, NORTH = km_box(0, 0, 2, 1), km_box(0, 1, 2, 2)
FOOT = km_box(-1, -1, 3, 0.5)  # the southern half of A and of B
# 80 of the 100 people of A live in its southern half; the people of C at its eastern edge; nobody's place in B, D.
POINTS = [(0.5, 0.25, 80), (0.5, 0.75, 20), (0.9, 1.5, 300)]


def points(rows=POINTS, city=CITY):
    table = pd.DataFrame(rows, columns=["x", "y", "people"])
    table[["x", "y"]] = [[560_000 + 1000 * x, 6_200_000 + 1000 * y] for x, y in table[["x", "y"]].to_numpy()]
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
    return check_blocks(table.astype("str"), declared, origin=Origin("b.csv", "row"), zones=city.geometry).table


def layer(*shapes, crs=CRS, ids="XYZW"):
    ids = list(ids[: len(shapes)])
    return Boundary("Wards", gpd.GeoDataFrame({"name": ids}, index=ids, geometry=list(shapes), crs=CRS).to_crs(crs))


def laid_of(plan=None, blocks=None, city=CITY):
    return overlay(city, plan_of({"P": FOOT}) if plan is None else plan, blocks=blocks)


def cut(*shapes, blocks=None, tiny=1e-6):
    """Shares by (neighbourhood, area), an area of none being -1; what is less than a hair is left out."""
    found = cut_by(laid_of(blocks=blocks).ground, layer(*shapes).areas.geometry)
    area = np.where(found.area == len(shapes), -1, found.area)
    keys = zip("".join(CITY.index[found.zone]), area.tolist(), strict=True)
    return {key: round(float(s), 6) for key, s in zip(keys, found.share, strict=True) if s > tiny}


def tables(boundary, plan=None, blocks=None, city=CITY, groups=None):
    plan = plan_of({"P": FOOT}) if plan is None else plan
    laid = overlay(city, plan, blocks=blocks)
    return by_boundary(laid, plan.effects, people=people_of(city), groups=groups or {}, boundaries={"ward": boundary})


def everyone(boundary, ledger="benefit", **given):
    """People and people reached by area, of everyone and active actions."""
    once = tables(boundary, **given).once
    mine = once[(once["group"] == "everyone") & (once["scope"] == "active actions") & (once["ledger"] == ledger)]
    return {row.area: [round(row.people, 3), round(row.people_reached, 3)] for row in mine.itertuples()}


class TestCut:
    def test_whole_neighbourhoods_are_not_cut(self):
        assert cut(SOUTH, NORTH) == {("A", 0): 1, ("B", 0): 1, ("C", 1): 1, ("D", 1): 1}

    def test_what_no_area_covers_is_in_none(self):
        assert cut(km_box(0, 0, 1, 1)) == {("A", 0): 1, ("B", -1): 1, ("C", -1): 1, ("D", -1): 1}

    def test_by_area(self):
        found = cut(km_box(0, 0, 2, 0.25), km_box(0, 0.25, 1, 2))
        assert found == {
            ("A", 0): 0.25,
            ("A", 1): 0.75,
            ("B", 0): 0.25,
            ("B", -1): 0.75,
            ("C", 1): 1,
            ("D", -1): 1,
        }

    def test_by_points_where_there_are_any_and_by_area_elsewhere(self):
        assert cut(FOOT, blocks=points()) == {
            ("A", 0): 0.8,
            ("A", -1): 0.2,
            ("B", 0): 0.5,
            ("B", -1): 0.5,
            ("C", -1): 1,
            ("D", -1): 1,
        }

    def test_points_of_nobody_count_for_none(self):
        assert cut(FOOT, blocks=points([(0.5, 0.25, 0), (0.5, 0.75, 0)]))["A", 0] == 0.5

    def test_a_point_on_a_border_is_in_the_area_that_comes_first(self):
        corner, west, east = points([(0.5, 0.5, 10)]), km_box(0, 0, 0.5, 0.5), km_box(0.5, 0.5, 1, 1)
        assert cut(west, east, blocks=corner)["A", 0] == 1
        assert cut(east, west, blocks=corner)["A", 0] == 1

    def test_an_area_far_away_holds_nobody(self):
        assert cut(km_box(50, 50, 51, 51)) == {(zone, -1): 1 for zone in "ABCD"}

    def test_no_area_at_all(self):
        assert cut() == {(zone, -1): 1 for zone in "ABCD"}

    def test_ground_of_two_areas_is_that_of_the_first(self):
        first = cut(km_box(0, 0, 0.502, 1), km_box(0.498, 0, 1, 1))
        assert first["A", 0] == pytest.approx(0.502, abs=1e-6)
        assert first["A", 1] == pytest.approx(0.498, abs=1e-6)

    def test_shares_add_to_one_in_every_neighbourhood(self):
        found = cut_by(laid_of().ground, layer(km_box(0.1, 0.2, 1.3, 1.7), km_box(1.3, 0.2, 1.9, 1.1)).areas.geometry)
        assert np.bincount(found.zone, weights=found.share).tolist() == pytest.approx([1] * 4, rel=1e-9)

    def test_the_crs_of_the_areas_does_not_matter(self):
        one, other = (
            cut_by(laid_of().ground, layer(km_box(0.4, 0.3, 1.5, 1.5), crs=crs).areas.geometry).share
            for crs in (CRS, 3857)
        )
        assert one.tolist() == pytest.approx(other.tolist(), abs=5e-5)  # sides straight in one are arcs in the other


class TestInside:
    def test_share_of_the_people_in_the_areas(self):
        ground = laid_of(blocks=points()).ground
        found = cut_by(ground, layer(FOOT).areas.geometry)
        assert share_inside(found, 4).tolist() == pytest.approx([0.8, 0.5, 0, 0], abs=1e-6)

    def test_of_the_people_in_reach_the_share_in_the_areas(self):
        # Reached: the western half of A. Half of these live in FOOT by area; by points all are where A's points are.
        west = plan_of({"P": km_box(0, 0, 0.5, 1), "Q": "citywide", "R": km_box(5, 5, 6, 6)})
        laid = laid_of(west)
        found = cut_by(laid.ground, layer(FOOT).areas.geometry)
        reached = reach_in(found, laid.ground.effects, whole=laid.shares.matrix, ground=laid.ground)
        shares = inside_shares(found, reached, whole=laid.shares.matrix).toarray()
        assert shares[:, 0].tolist() == pytest.approx([0.5, 0, 0, 0], abs=1e-6)
        assert shares[:, 1].tolist() == pytest.approx([0.5, 0.5, 0, 0], abs=1e-6)
        assert shares[:, 2].tolist() == [0, 0, 0, 0]

    def test_a_plan_without_effects(self):
        plan = plan_of({"P": FOOT})
        laid = laid_of(plan._replace(effects=plan.effects.iloc[:0]))
        found = cut_by(laid.ground, layer(FOOT).areas.geometry)
        reached = reach_in(found, laid.ground.effects, whole=laid.shares.matrix, ground=laid.ground)
        assert inside_shares(found, reached, whole=laid.shares.matrix).shape == (4, 0)


class TestByBoundary:
    def test_of_whole_neighbourhoods(self):
        # In FOOT: half of A and B, 50 + 100 people.
        assert everyone(layer(SOUTH, NORTH)) == {"X": [300, 150], "Y": [700, 0]}

    def test_of_halves_that_are_what_is_reached(self):
        assert everyone(layer(FOOT, km_box(0, 0.5, 2, 1))) == {"X": [150, 150], "Y": [150, 0], "": [700, 0]}

    def test_of_halves_across_what_is_reached(self):
        # West and east halves of A: each has 50 people, 25 of them in reach.
        west, east = km_box(0, 0, 0.5, 1), km_box(0.5, 0, 1, 1)
        assert everyone(layer(west, east)) == {"X": [50, 25], "Y": [50, 25], "": [900, 100]}

    def test_by_points_where_they_are(self):
        # The two points of A are west of its middle.
        west, east = km_box(0, 0, 0.6, 1), km_box(0.6, 0, 1, 1)
        assert everyone(layer(west, east), blocks=points()) == {"X": [100, 80], "Y": [0, 0], "": [900, 100]}

    def test_by_points_within_a_distance(self):
        plan = plan_of({"P": km(shapely.Point(0.5, 0.0))}, effect("P", reach="within", distance_m=300.0))
        low, high = km_box(0, 0, 1, 0.5), km_box(0, 0.5, 1, 1)
        assert everyone(layer(low, high), plan=plan, blocks=points()) == {"X": [80, 80], "Y": [20, 0], "": [900, 0]}

    def test_people_are_counted_once(self):
        twice = plan_of({"P": FOOT, "Q": km_box(0, 0, 0.5, 1)})
        # A: its southern half and its western half are three quarters of it, 75 people; B: 100.
        assert everyone(layer(SOUTH, NORTH), plan=twice) == {"X": [300, 175], "Y": [700, 0]}

    def test_a_column_of_the_neighbourhoods(self):
        city = CITY.assign(ward=["S", None, "N", "N"])
        boundary, _ = boundary_of_column(city, "ward", label="Wards", source="zones.gpkg")
        assert everyone(boundary, city=city) == {"N": [700, 0], "S": [100, 50], "": [200, 100]}

    def test_a_column_gives_what_its_file_would(self):
        city = CITY.assign(ward=list("XXYY"))
        boundary, _ = boundary_of_column(city, "ward", label="Wards", source="zones.gpkg")
        one, other = (tables(b, city=city) for b in (boundary, layer(SOUTH, NORTH)))
        for a, b in zip(one, other, strict=True):
            kept = b[b["area"] != ""].reset_index(drop=True)
            pd.testing.assert_frame_equal(a, kept, check_exact=False, rtol=1e-6, atol=1e-6)

    def test_areas_without_anybody_stay_and_none_is_left_out_where_it_is_nobodys(self):
        city = CITY.assign(ward=list("XXYY"))
        boundary, _ = boundary_of_column(city, "ward", label="Wards", source="zones.gpkg")
        assert set(everyone(boundary, city=city)) == {"X", "Y"}
        far = layer(km_box(50, 50, 51, 51))
        assert everyone(far) == {"X": [0, 0], "": [1000, 150]}
        once = tables(far).once
        assert once.loc[once["area"] == "X", "reached_share"].isna().all()
        assert set(once.loc[once["area"] == "", "name"]) == {NOWHERE}

    def test_a_ledger_in_which_nothing_was_assessed_has_no_rows(self):
        assert set(tables(layer(SOUTH)).once["ledger"]) == {"benefit"}
        only_inactive = plan_of({"P": FOOT}, inactive=["P"])
        assert set(tables(layer(SOUTH), plan=only_inactive).once["scope"]) == {"all actions"}

    def test_groups_are_spread_as_everyone_is(self):
        # Of the 150 people with low incomes 50, 40, 40 and 20 live in A to D; half of A's and B's are in reach.
        groups = {"low_income": Group(label="People with low incomes", count="n")}
        once = tables(layer(SOUTH, NORTH), groups=groups).once
        mine = once[(once["group"] == "low_income") & (once["scope"] == "active actions")]
        counts = CITY["people_low_income"]
        assert mine["label"].unique().tolist() == ["People with low incomes"]
        south = [counts["A"] + counts["B"], (counts["A"] + counts["B"]) / 2, 0.5]
        assert mine[["people", "people_reached", "reached_share"]].iloc[0].tolist() == pytest.approx(south, rel=1e-6)

    def test_totals_of_each_effect_go_where_it_lands(self):
        plan = plan_of(
            {"P": FOOT, "Q": "citywide"},
            effect("P", per="total", amount=300.0, effect="grants"),
            effect("Q", amount=2.0, effect="money"),
        )
        table = tables(layer(SOUTH, NORTH), plan=plan).effects
        mine = table[(table["group"] == "everyone") & (table["people_reached"] > 1e-3)]
        assert mine[["area", "effect", "people_reached", "total"]].round(3).to_numpy().tolist() == [
            ["X", "grants", 150, 300],
            ["X", "money", 300, 600],
            ["Y", "money", 700, 1400],
        ]

    def test_an_amount_that_is_missing_stays_missing_where_it_lands_only(self):
        plan = plan_of({"P": FOOT}, effect("P", amount=np.nan))
        table = tables(layer(SOUTH, NORTH), plan=plan).effects.set_index(["area", "group"])
        assert table.loc[("X", "everyone"), "people_reached"] == pytest.approx(150, rel=1e-6)
        assert np.isnan(table.loc[("X", "everyone"), "total"])

    def test_an_unlocated_action_is_nowhere(self):
        plan = plan_of({"P": "unlocated"})
        found = tables(layer(SOUTH), plan=plan)
        assert (len(found.once), len(found.effects)) == (0, 0)

    def test_no_boundary_gives_empty_tables_with_their_columns(self):
        plan = plan_of({"P": FOOT})
        found = by_boundary(laid_of(plan), plan.effects, people=people_of(CITY), groups={}, boundaries={})
        assert found.once.empty
        assert found.effects.empty
        assert {"boundary", "people_reached"} <= {*found.once} & {*found.effects}

    def test_borders_digitised_apart_still_add_up(self):
        """T-junctions: borders that are one line in degrees are two in metres, with hairs of ground between."""
        wards = layer(km_box(0, 0, 0.5, 2), km_box(0.5, 0, 2, 1.3), km_box(0.5, 1.3, 2, 2), crs=4326)
        assert sum(reached for _, reached in everyone(wards).values()) == pytest.approx(150, rel=1e-5)

    @pytest.mark.parametrize("noise", [1e-9, 1e-6, 0.001, 0.002])
    def test_areas_that_overlap_by_noise_still_add_up(self, noise):
        found = everyone(layer(km_box(0, 0, 0.5 + noise, 1), km_box(0.5 - noise, 0, 1, 1)))
        assert found["X"][0] == pytest.approx(100 * (0.5 + noise), abs=1e-3)
        assert sum(people for people, _ in found.values()) == pytest.approx(1000)
        assert sum(reached for _, reached in found.values()) == pytest.approx(150, abs=2e-3)

    def test_people_who_do_not_add_up_are_refused(self, monkeypatch):
        def short(ground, areas):
            found = cut_by(ground, areas)
            return found._replace(share=0.9 * found.share)

        monkeypatch.setattr("equity_screen.parts.cut_by", short)
        with pytest.raises(EquityScreenError, match="the people by areas do not add up to the city"):
            tables(layer(SOUTH, NORTH))

    def test_parts_that_do_not_add_up_are_refused(self):
        plan = plan_of({"P": FOOT})
        laid = laid_of(plan)
        wrong = laid._replace(shares=Relation(laid.shares.matrix * 0.9, laid.shares.rows, laid.shares.columns))
        with pytest.raises(EquityScreenError, match="the parts of a neighbourhood do not add up to it"):
            by_boundary(
                wrong,
                plan.effects,
                people=people_of(CITY),
                groups={},
                boundaries={"ward": layer(km_box(0, 0, 0.5, 1))},
            )


def test_one_neighbourhood_that_is_the_city():
    city = CITY.loc[["A"]]
    found = everyone(layer(km_box(0, 0, 0.5, 1)), city=city)
    assert found == {"X": [50, 25], "": [50, 25]}


class TestUptakeAndFading:
    """What only some take up, or what fades, adds up over areas as all else does."""

    WARDS = (km_box(0, 0, 2, 0.4), km_box(0, 0.4, 1.3, 2))

    def effects(self, place, blocks=None, **given):
        plan = plan_of({"P": place}, effect("P", amount=2.0, **given))
        return tables(layer(*self.WARDS), plan=plan, blocks=blocks).effects

    @pytest.mark.parametrize("percent", [9, 18, 36, 50, 72, 100])
    @pytest.mark.parametrize("place", ["citywide", "zones:A;C"])
    def test_uptake_of_whole_neighbourhoods(self, place, percent):
        found = self.effects(place, uptake=f"low_income={percent / 100}; others=0.25").set_index(["group", "area"])
        low = {"citywide": 150, "zones:A;C": 80}[place]
        everyone = {"citywide": 1000, "zones:A;C": 400}[place]
        mine, all_of_them = (
            found.loc["low_income", "people_reached"].sum(),
            found.loc["everyone", "people_reached"].sum(),
        )
        assert mine == pytest.approx(low * percent / 100)
        assert all_of_them == pytest.approx(low * percent / 100 + (everyone - low) / 4)
        assert found.loc["low_income", "total"].sum() == pytest.approx(2 * mine)

    def test_uptake_in_the_part_of_a_neighbourhood_that_is_in_reach(self):
        """Of A the southern half is in reach, four fifths of it in X: 20 people with low incomes and 20 others."""
        found = self.effects(km_box(0, 0, 1, 0.5), uptake="low_income=0.5; others=0.1").set_index(["area", "group"])
        reached = found["people_reached"]
        assert reached["X", "low_income"] == pytest.approx(0.5 * 20, rel=1e-4)
        assert reached["X", "everyone"] == pytest.approx(0.5 * 20 + 0.1 * 20, rel=1e-4)
        assert reached["Y", "everyone"] == pytest.approx(0.5 * 5 + 0.1 * 5, rel=1e-4)

    def test_uptake_at_points(self):
        found = self.effects(km_box(0, 0, 1, 0.5), blocks=points(), uptake="low_income=0.5").set_index(
            ["area", "group"]
        )
        assert found["people_reached"]["X", "low_income"] == pytest.approx(0.5 * 0.8 * 50)

    def test_travel_times_with_uptake(self):
        found = self.effects("unlocated", reach="travel", zones="A;D", uptake="others=0.09").set_index("group")
        assert found.loc["everyone", "people_reached"].sum() == pytest.approx(0.09 * 500)

    @pytest.mark.parametrize(
        "given",
        [
            {"reach": "within", "distance_m": 450.0},
            {"reach": "ring", "distance_m": 450.0, "inner_m": 200.0},
            {"reach": "decay", "distance_m": 450.0, "kernel": "linear"},
            {"reach": "decay", "distance_m": 450.0, "kernel": "inverse", "floor_m": 50.0, "uptake": "low_income=0.3"},
        ],
        ids=lambda given: given["reach"],
    )
    @pytest.mark.parametrize("blocks", [None, points()], ids=["areas", "points"])
    def test_discs_cut_by_areas(self, given, blocks):
        """Discs are exact where they are laid over neighbourhoods, and drawn where areas cut these."""
        plan = plan_of({"P": km(shapely.Point(0.5, 0.5))}, effect("P", amount=2.0, **given))
        found = tables(layer(*self.WARDS), plan=plan, blocks=blocks).effects
        laid = laid_of(plan, blocks)
        everyone = found[found["group"] == "everyone"]
        people = CITY["population"].to_numpy()
        assert everyone["people_reached"].sum() == pytest.approx((laid.shares.matrix.T @ people)[0], rel=1e-9)
        assert everyone["total"].sum() == pytest.approx((laid.per_person.matrix.T @ people)[0], rel=1e-9)

    @pytest.mark.parametrize("far", [250.0, 450.0, 480.0])
    def test_an_area_that_a_disc_holds_whole_is_reached_whole_and_no_more(self, far):
        """What the drawn disc lacks is given to the areas that it holds in part."""
        plan = plan_of({"P": km(shapely.Point(0.5, 0.5))}, effect("P", reach="within", distance_m=far))
        found = everyone(layer(km_box(0.4, 0.4, 0.6, 0.6), km_box(0, 0.6, 1, 2)), plan=plan)
        assert found["X"] == [4, 4]
        exact = (laid_of(plan).shares.matrix.T @ CITY["population"].to_numpy())[0]
        assert sum(reached for _, reached in found.values()) == pytest.approx(exact, abs=2e-3)
        shares = tables(layer(km_box(0.4, 0.4, 0.6, 0.6), km_box(0, 0.6, 1, 2)), plan=plan).once["reached_share"]
        assert shares.max() <= 1

    def test_an_area_that_a_ring_leaves_out_has_nobody_in_reach(self):
        plan = plan_of({"P": km(shapely.Point(0.5, 0.5))}, effect("P", reach="ring", distance_m=450.0, inner_m=200.0))
        assert everyone(layer(km_box(0.4, 0.4, 0.6, 0.6), km_box(0, 0.6, 1, 2)), plan=plan)["X"] == [4, 0]

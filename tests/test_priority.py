"""Priority places: a rule's neighbourhoods, a Series given by hand, or the areas of a layer."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from equity_screen.errors import UsageError
from equity_screen.overlay import overlay
from equity_screen.priority import mark_priority
from equity_screen.recipe import Priority, Question
from equity_screen.synthetic import CRS, four_zones
from tests.plans import km_box, plan_of
from tests.test_parts import points

CITY = four_zones()
# All of A and the southern half of B.
AREAS = gpd.GeoDataFrame(geometry=[km_box(0, 0, 1, 1), km_box(1, 0, 2, 0.5)], crs=CRS)
RULE = Question(priority=Priority(column="population", at_most=200))


def mark(given=None, question=None, areas=None, *, plan=None, blocks=None, city=CITY):
    laid = overlay(city, plan_of({"P": km_box(0, 0, 2, 1)}) if plan is None else plan, blocks=blocks)
    return mark_priority(city, laid, given=given, question=question or Question(), areas=areas)


class TestRule:
    def test_picks_whole_neighbourhoods(self):
        hoods, inside = mark(question=RULE)
        assert hoods["priority"].tolist() == [True, True, False, False]
        assert hoods["priority_share"].tolist() == [1, 1, 0, 0]
        assert inside.effects.tolist() == [True, True, False, False]
        assert inside.once is inside.effects

    def test_without_one_nothing_is_asked(self):
        hoods, inside = mark()
        assert not hoods["priority"].any()
        assert inside == (None, None)

    def test_given_by_hand_it_goes_before_the_rule_and_the_layer(self):
        given = pd.Series([False, False, True, False], index=list("ABCD"))
        hoods, inside = mark(given, RULE, AREAS)
        assert hoods["priority"].tolist() == inside.effects.tolist() == [False, False, True, False]

    def test_given_in_another_order(self):
        given = pd.Series([True, False, False, False], index=list("DCBA"))
        assert mark(given)[0]["priority"].tolist() == [False, False, False, True]

    @pytest.mark.parametrize("given", [pd.Series([1, 0, 0, 0], index=list("ABCD")), [True, False, False, False]])
    def test_must_be_a_series_of_true_and_false(self, given):
        with pytest.raises(UsageError, match="priority must be a Series of True and False"):
            mark(given)

    def test_must_speak_of_every_neighbourhood(self):
        with pytest.raises(UsageError, match=r"priority says nothing of 2 of 4 neighbourhoods \('C' …\)"):
            mark(pd.Series([True, False], index=list("AB")))


class TestLayer:
    def test_measures_what_of_each_lies_in_it(self):
        hoods, _ = mark(areas=AREAS)
        assert hoods["priority_share"].tolist() == pytest.approx([1, 0.5, 0, 0], abs=1e-5)
        assert hoods["priority"].iloc[[0, 2, 3]].tolist() == [True, False, False]

    def test_more_than_half_makes_a_neighbourhood_a_priority_one(self):
        for height, picked in ((0.49, False), (0.51, True)):
            areas = gpd.GeoDataFrame(geometry=[km_box(1, 0, 2, height)], crs=CRS)
            assert mark(areas=areas)[0].loc["B", "priority"] == picked

    def test_by_points_where_they_are(self):
        # 80 of A's 100 people live in its southern half.
        areas = gpd.GeoDataFrame(geometry=[km_box(0, 0, 2, 0.5)], crs=CRS)
        hoods, _ = mark(areas=areas, blocks=points())
        assert hoods["priority_share"].tolist() == pytest.approx([0.8, 0.5, 0, 0], abs=1e-5)

    def test_of_the_people_in_reach_the_share_inside(self):
        # In reach: the northern half of A and B; of it all of A's part is priority, none of B's.
        _, inside = mark(areas=AREAS, plan=plan_of({"P": km_box(0, 0.5, 2, 1)}))
        assert inside.effects.toarray()[:, 0].tolist() == pytest.approx([1, 0, 0, 0], abs=1e-4)
        assert inside.once.toarray()[:, 0].tolist() == pytest.approx([1, 0, 0, 0], abs=1e-4)

    def test_areas_that_overlap_count_once(self):
        twice = gpd.GeoDataFrame(geometry=[km_box(0, 0, 0.6, 1), km_box(0.4, 0, 1, 1)], crs=CRS)
        assert mark(areas=twice)[0].loc["A", "priority_share"] == pytest.approx(1, abs=1e-6)

    def test_in_degrees(self):
        one, other = (mark(areas=areas)[0]["priority_share"].tolist() for areas in (AREAS, AREAS.to_crs(4326)))
        assert one == pytest.approx(other, abs=5e-5)

    @pytest.mark.parametrize("shapes", [[], [km_box(50, 50, 51, 51)]], ids=["no area", "far away"])
    def test_areas_that_hold_nobody_are_asked_for_all_the_same(self, shapes):
        hoods, inside = mark(areas=gpd.GeoDataFrame(geometry=shapes, crs=CRS))
        assert not hoods["priority"].any()
        assert hoods["priority_share"].tolist() == [0, 0, 0, 0]
        assert inside.effects.toarray()[:, 0].tolist() == [0, 0, 0, 0]

    def test_without_people_areas_are_measured_all_the_same(self):
        hoods, _ = mark(areas=AREAS, city=CITY.assign(population=np.nan))
        assert hoods["priority_share"].tolist() == pytest.approx([1, 0.5, 0, 0], abs=1e-5)

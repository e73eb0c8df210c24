"""The indicators before any action, and the plan by year: sums and means that a reader can redo."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from equity_screen.baseline import BASELINE, TIMELINE, baseline_means, timeline
from equity_screen.people import people_of
from equity_screen.recipe import Group, Indicator
from equity_screen.synthetic import four_zones

NAN = float("nan")
HEAT = Indicator(label="Heat", unit="°C", higher_is="worse", column="heat")
AREAS = np.array([1.0, 1.0, 1.0, 2.0])


def means(city=None, priority=None, groups=None, indicators=None, areas=AREAS):
    city = four_zones().assign(heat=[30.0, 29.0, 28.0, 27.0]) if city is None else city
    table = baseline_means(
        city,
        people_of(city),
        indicators={"heat": HEAT} if indicators is None else indicators,
        groups=groups or {},
        areas_km2=areas,
        priority=None if priority is None else np.array(priority),
    )
    return table.set_index("who")


class TestMeans:
    def test_of_everyone_and_a_group(self):
        table = means(groups={"low_income": Group(label="Low incomes", count="n")})
        # (100 × 30 + 200 × 29 + 300 × 28 + 400 × 27) / 1000; by area (30 + 29 + 28 + 2 × 27) / 5.
        assert table.loc["everyone", ["people", "people_known", "mean_people"]].tolist() == [1000, 1000, 28]
        assert table.loc["everyone", ["area_km2", "mean_area"]].tolist() == pytest.approx([5, 28.2])
        low = four_zones()["people_low_income"]
        assert table.loc["low_income", "mean_people"] == pytest.approx((low * [30, 29, 28, 27]).sum() / low.sum())
        assert table.loc["low_income", "name"] == "Low incomes"
        assert table.loc["low_income", ["area_km2", "mean_area"]].isna().all(), "a group has no area of its own"

    def test_in_priority_places_and_elsewhere(self):
        table = means(priority=[1.0, 0.5, 0.0, 0.0])
        # 100 people of A and 100 of B.
        assert table.loc["priority", ["people", "mean_people"]].tolist() == [200, 29.5]
        assert table.loc["elsewhere", "people"] == 800
        # 1 km² of A and half of B's.
        assert table.loc["priority", ["area_km2", "mean_area"]].tolist() == pytest.approx([1.5, 44.5 / 1.5])
        both = table.loc[["priority", "elsewhere"]]
        assert (both["people"] * both["mean_people"]).sum() == pytest.approx(28_000)

    def test_no_priority_place_has_no_mean(self):
        table = means(priority=[0.0, 0.0, 0.0, 0.0])
        assert table.loc["priority", ["people", "area_km2"]].tolist() == [0, 0]
        assert table.loc["priority", ["mean_people", "mean_area"]].isna().all()

    def test_a_missing_value_is_in_no_mean_and_said(self):
        table = means(four_zones().assign(heat=[30.0, NAN, 28.0, NAN]))
        assert table.loc["everyone", ["people", "people_known"]].tolist() == [1000, 400]
        assert table.loc["everyone", "mean_people"] == 28.5
        assert table.loc["everyone", ["area_km2", "area_known_km2", "mean_area"]].tolist() == [5, 2, 29]

    def test_what_nobody_knows_is_no_zero(self):
        row = means(four_zones().assign(heat=NAN)).loc["everyone"]
        assert row[["people_known", "area_known_km2"]].tolist() == [0, 0]
        assert row[["mean_people", "mean_area"]].isna().all()

    def test_a_layer_speaks_of_the_ground_that_it_covers(self):
        city = four_zones().assign(heat=[30.0, 29.0, 28.0, 27.0], coverage_heat=[1.0, 0.5, 0.0, 0.0])
        row = means(city).loc["everyone"]
        assert row[["area_known_km2", "mean_area"]].tolist() == pytest.approx([1.5, 44.5 / 1.5])
        assert row["mean_people"] == 28, "people are those of the neighbourhood, however much of it was seen"

    def test_without_people_areas_speak(self):
        row = means(four_zones()[["geometry"]].assign(population=NAN, heat=[30.0, 29.0, 28.0, 27.0])).loc["everyone"]
        assert row[["people", "people_known", "mean_people"]].isna().all()
        assert row["mean_area"] == pytest.approx(28.2)

    def test_without_people_also_in_priority_places(self):
        city = four_zones()[["geometry"]].assign(population=NAN, heat=[30.0, 29.0, 28.0, 27.0])
        table = means(city, priority=[1.0, 0.0, 0.0, 0.0])
        assert table["mean_people"].isna().all()
        assert table.loc["priority", "mean_area"] == 30

    def test_no_indicator_gives_an_empty_table(self):
        table = means(indicators={}).reset_index()
        assert (len(table), set(table)) == (0, set(BASELINE))


def plan(**columns):
    size = len(next(iter(columns.values())))
    blank = {"active": [True] * size, "start": NAN, "end": NAN, "cost": NAN, "tco2e": NAN}
    return pd.DataFrame(blank | columns, index=list("ABCDEF"[:size]))


def years(table, *columns):
    return {row["year"]: [row[c] for c in columns] for row in table.to_dict("records")}


class TestTimeline:
    def test_what_starts_and_what_runs(self):
        table = timeline(plan(start=[2026, 2028, 2028], end=[2027, NAN, NAN], cost=[1.0, 2.0, 4.0], tco2e=[1, 10, 100]))
        assert years(table, "actions_starting", "cost_starting", "actions_running", "tco2e") == {
            "2026": [1, 1, 1, 1],
            "2028": [2, 6, 2, 110],
        }

    def test_the_last_year_still_counts(self):
        table = timeline(plan(start=[2026, 2027], end=[2027, NAN], tco2e=[1, 10]))
        assert years(table, "tco2e") == {"2026": [1], "2027": [11]}

    def test_where_years_have_figures_only_these_have_any(self):
        """A yearly figure is another quantity than that of one year: the two never share a column."""
        table = timeline(plan(start=[2026], tco2e=[1.0], tco2e_2030=[7.0]))
        assert years(table, "actions_starting", "actions_running") == {"2026": [1, 1], "2030": [0, 1]}
        assert table["tco2e"].tolist() == pytest.approx([NAN, 7], nan_ok=True)
        assert table["tco2e_missing"].tolist() == pytest.approx([NAN, 0], nan_ok=True)

    def test_what_is_not_known_is_counted(self):
        table = timeline(plan(start=[2026, 2026], cost=[NAN, 3.0], tco2e=[NAN, NAN]))
        assert years(table, "cost_starting", "tco2e_missing") == {"2026": [3, 2]}
        assert np.isnan(table["tco2e"].iloc[0])

    def test_an_unknown_start_stands_last_under_no_year(self):
        table = timeline(plan(start=[2026, NAN], cost=[1.0, 5.0], tco2e=[1.0, 3.0]))
        assert years(table, "actions_starting", "cost_starting", "tco2e") == {"2026": [1, 1, 1], "": [1, 5, 3]}

    def test_of_active_actions_only(self):
        active = np.array([True, False, None], dtype=object)
        assert years(timeline(plan(start=[2026, 2026, 2027], active=active)), "actions_starting") == {"2026": [1]}

    def test_nothing_runs_in_a_year_before_all(self):
        table = timeline(plan(start=[2028, 2035], end=[2029, NAN], tco2e=[5.0, 6.0]))
        assert years(table, "actions_running", "tco2e") == {"2028": [1, 5], "2035": [1, 6]}

    def test_the_figure_of_a_year_is_of_all_active_actions_that_give_one(self):
        active = np.array([True, True, False], dtype=object)
        table = timeline(plan(start=[2035, NAN, 2026], active=active, tco2e_2030=[7.0, NAN, 100.0]))
        assert years(table, "actions_running", "tco2e", "tco2e_missing")["2030"] == [0, 7, 1]

    @pytest.mark.parametrize("table", [plan(cost=[1.0]), pd.DataFrame({"active": [True], "cost": [1.0]})])
    def test_a_plan_without_years_has_none(self, table):
        assert timeline(table).empty
        assert list(timeline(table)) == list(TIMELINE)

    @pytest.mark.parametrize("lacking", [[], ["start"], ["end"], ["start", "end"]], ids=str)
    def test_years_of_figures_without_a_start(self, lacking):
        table = timeline(plan(tco2e=[3.0], tco2e_2030=[7.0]).drop(columns=lacking))
        assert years(table, "actions_running", "actions_starting") == {"2030": [0, 0], "": [1, 1]}
        assert table["tco2e"].tolist() == pytest.approx([7, NAN], nan_ok=True)

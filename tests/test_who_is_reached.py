"""Who is reached, how often, how near, and who is missed: in the head, and of the shipped city against itself."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from equity_screen.actions import Plan
from equity_screen.align import check_blocks
from equity_screen.atoms import atoms_by_ledger
from equity_screen.distances import ALIKE
from equity_screen.inputs import gather
from equity_screen.overlay import overlay
from equity_screen.people import NO_PEOPLE, people_of
from equity_screen.project import read_project
from equity_screen.recipe import Group, Question
from equity_screen.schema import Origin
from equity_screen.screen import screen, screen_project
from equity_screen.sources import BlocksFile
from equity_screen.synthetic import CRS, four_actions, four_zones
from equity_screen.who_is_reached import NO_PAIRS, asked_distances, who_is_reached
from tests.plans import effect, km, plan_of

CITY = four_zones().assign(priority=[False, True, True, False])
QUESTION = Question(groups={"low_income": Group(label="People with low incomes", count="x")})
# The people of a square live in its middle: 100, 200, 300, 400 in A, B, C, D; 50, 50, 30, 20 with low incomes.
HOMES = [(0.5, 0.5, 100), (1.5, 0.5, 200), (0.5, 1.5, 300), (1.5, 1.5, 400)]
# P in the middle of A, Q 300 m west of that of B; R in the middle of D.
PLACES = {
    name: km(gpd.points_from_xy([x], [y])[0]) for name, x, y in (("P", 0.5, 0.5), ("Q", 1.2, 0.5), ("R", 1.5, 1.5))
}
PLAN = plan_of(
    PLACES,
    effect("P", reach="within", distance_m=400.0),
    effect("Q", reach="within", distance_m=750.0),
    effect("R", reach="within", distance_m=100.0, ledger="burden"),
)


def points(city=CITY):
    table = pd.DataFrame(HOMES, columns=["x", "y", "people"])
    table[["x", "y"]] = [[560_000 + 1000 * x, 6_200_000 + 1000 * y] for x, y in table[["x", "y"]].to_numpy()]
    declared = BlocksFile(file="b.csv", people="people", x="x", y="y", crs=CRS)
    return check_blocks(table.astype("str"), declared, origin=Origin("b.csv", "row"), zones=city.geometry).table


def found_of(plan=PLAN, city=CITY, *, blocks=None, question=QUESTION):
    laid = overlay(city, plan, blocks=blocks)
    return who_is_reached(
        laid, plan, atoms=atoms_by_ledger(laid), people=people_of(city), hoods=city, question=question
    )


def rows(table, ledger="benefit", group="everyone", scope="active actions"):
    kept = (table["ledger"] == ledger) & (table["scope"] == scope)
    return table[kept & (table["group"] == group)] if "group" in table else table[kept]


def on_the_ground(value):
    """Equal to 0.1 %: a metre of the UTM zone is 0.04 % less than one on the ground."""
    return pytest.approx(value, rel=1e-3, abs=1e-3)


class TestInTheHead:
    @pytest.fixture(scope="class")
    @staticmethod
    def found():
        return found_of(blocks=points())

    @pytest.mark.parametrize(
        ("ledger", "group", "people"),
        [
            ("benefit", "everyone", [700, 200, 100, 0]),
            ("benefit", "low_income", [50, 50, 50, 0]),
            ("burden", "everyone", [600, 400, 0, 0]),
            ("burden", "low_income", [130, 20, 0, 0]),
        ],
    )
    def test_times(self, found, ledger, group, people):
        table = rows(found.times_reached, ledger, group)
        assert table["people"].tolist() == pytest.approx(people)
        assert table["share"].tolist() == pytest.approx([count / sum(people) for count in people])

    def test_alone_and_together(self, found):
        alone = rows(found.only_by).set_index("action")
        assert alone["people_reached"].to_dict() == pytest.approx({"P": 100, "Q": 300})
        assert alone["people_only"].to_dict() == pytest.approx({"P": 0, "Q": 200})
        (pair,) = rows(found.overlaps).to_dict("records")
        assert (pair["action"], pair["other"]) == ("P", "Q")
        assert (pair["people_both"], pair["share_of_smaller"]) == pytest.approx((100, 1))
        assert rows(found.overlaps, "burden").empty
        assert found.pairs_note == NO_PAIRS

    def test_missed_are_the_priority_neighbourhoods_that_nothing_reaches(self, found):
        """Of B and C, C in the benefits: 500 m north of P; both in the burdens, each half a kilometre from R."""
        (row,) = rows(found.missed).to_dict("records")
        assert (row["neighbourhood"], row["name"], row["people_unreached"]) == ("C", "North-west", 300)
        assert (row["nearest"], row["distance_m"]) == ("P", on_the_ground(500))
        burden = rows(found.missed, "burden")
        assert burden["neighbourhood"].tolist() == ["C", "B"]
        assert burden["distance_m"].tolist() == on_the_ground([500, 500])

    def test_distances(self, found):
        """0 m from A, 300 m from B, 1000 m from C, and from D the root of 300² + 1000²."""
        far = np.hypot(300, 1000)
        everyone, low = (rows(found.distances, group=group).iloc[0] for group in ("everyone", "low_income"))
        assert everyone["mean_m"] == on_the_ground((200 * 300 + 300 * 1000 + 400 * far) / 1000)
        assert low["mean_m"] == on_the_ground((50 * 300 + 30 * 1000 + 20 * far) / 150)
        # A tenth of the people live in A, three tenths in A and B, six in A to C
        quantiles = [everyone[name] for name in ("p10_m", "p25_m", "median_m", "p75_m", "p90_m")]
        assert quantiles == on_the_ground([0, 300, 1000, far, far])
        assert [low["median_m"], low["p75_m"]] == on_the_ground([300, 1000])
        assert [everyone["within_400_m"], low["within_400_m"]] == pytest.approx([0.3, 2 / 3])
        assert everyone["sampled"] == low["sampled"] == 0

    def test_the_curve_runs_to_twice_the_farthest_distance_in_hundreds(self, found):
        curve = rows(found.distance_curve).set_index("distance_m")["share"]
        assert curve.index.tolist() == [100.0 * step for step in range(21)]
        assert curve[[100, 200, 400, 900, 1100, 2000]].tolist() == pytest.approx([0.1, 0.1, 0.3, 0.3, 1, 1])
        low = rows(found.distance_curve, group="low_income").set_index("distance_m")["share"]
        assert low[[100, 400, 1100]].tolist() == pytest.approx([1 / 3, 2 / 3, 1])

    @pytest.mark.parametrize(
        ("metres", "last", "step"), [(900.0, 2000, 100), (1500.0, 3000, 100), (6000.0, 12_000, 300)]
    )
    def test_a_curve_of_a_far_reach_is_longer_in_no_more_steps(self, metres, last, step):
        found = found_of(plan_of(PLACES, effect("P", reach="within", distance_m=metres)), blocks=points())
        grid = rows(found.distance_curve)["distance_m"].tolist()
        assert grid == [float(d) for d in range(0, last + 1, step)]

    def test_three_times_and_more(self):
        """P and its twin reach A, Q and its twin A and B."""
        places = {"P": PLACES["P"], "S": PLACES["P"], "Q": PLACES["Q"], "T": PLACES["Q"]}
        metres = {"P": 400.0, "S": 400.0, "Q": 750.0, "T": 750.0}
        plan = plan_of(places, *(effect(name, reach="within", distance_m=far) for name, far in metres.items()))
        times = rows(found_of(plan, blocks=points()).times_reached).set_index("times")["people"]
        assert times.to_dict() == pytest.approx({"0": 700, "1": 0, "2": 200, "3+": 100})

    def test_a_ledger_is_asked_at_its_own_distances(self, found):
        """Larger than everyone's share at every distance from A to short of D, where all are within."""
        benefit = rows(found.holds, group="low_income")
        assert benefit["distance_m"].tolist() == [400, 750]
        assert benefit["share"].tolist() == pytest.approx([2 / 3, 2 / 3])
        assert benefit["sign"].tolist() == [1, 1]
        assert benefit["from_m"].tolist() == pytest.approx([0, 0], abs=1e-3)
        assert benefit["to_m"].tolist() == on_the_ground([np.hypot(300, 1000)] * 2)
        (burden,) = rows(found.holds, "burden", "low_income").to_dict("records")
        assert (burden["distance_m"], burden["sign"]) == (100, -1)
        assert burden["to_m"] == on_the_ground(1000 * np.sqrt(2))

    def test_by_area_a_lattice_stands_for_the_people_and_says_so(self):
        found = found_of()
        table = rows(found.distances)
        assert table["sampled"].tolist() == [1]
        # A disc of 100 m in D, a square of a kilometre
        times = rows(found.times_reached, "burden").set_index("times")["people"]
        assert times["1"] == pytest.approx(400 * np.pi * 0.1**2, rel=1e-3)
        assert times.sum() == pytest.approx(1000)

    def test_the_names_of_neighbourhoods_are_their_ids_where_there_are_no_others(self):
        found = found_of(city=CITY.drop(columns="name"), blocks=points())
        assert rows(found.missed)["name"].tolist() == ["C"]


class TestUndefined:
    """Nothing is 0 that is not known: the reason stands beside it."""

    def reasons(self, found):
        tables = (found.times_reached, found.only_by, found.distances, found.distance_curve, found.holds)
        return [sorted(set(table["undefined"])) if len(table) else [] for table in tables]

    def test_a_plan_without_actions(self):
        found = found_of(plan_of({}, effect("P"))._replace(effects=PLAN.effects.iloc[:0]))
        said = sorted(["no benefit was assessed", "no burden was assessed"])
        assert self.reasons(found) == [said, [], said, said, []]
        assert found.times_reached["people"].isna().all()
        assert found.distances["mean_m"].isna().all()
        assert found.missed.empty
        assert found.overlaps.empty

    def test_a_plan_for_the_whole_city_only(self):
        plan = plan_of({"P": "citywide", "Q": "citywide"}, effect("P", reach="citywide"), effect("Q", reach="citywide"))
        found = found_of(plan)
        assert set(rows(found.times_reached)["undefined"]) == {"no benefit of active actions has a place"}
        assert set(rows(found.times_reached, "burden")["undefined"]) == {"no burden was assessed"}
        assert rows(found.distances)["undefined"].tolist() == ["no benefit of active actions has a place"]
        assert rows(found.distance_curve)["share"].isna().all()
        assert found.missed.empty
        assert found.holds.empty

    def test_nobody_is_known(self):
        city = CITY.assign(population=np.nan, people_low_income=np.nan)
        found = found_of(city=city)
        assert self.reasons(found) == [[NO_PEOPLE]] * 5
        assert found.times_reached[["people", "share"]].isna().all(axis=None)
        assert found.only_by[["people_reached", "people_only"]].isna().all(axis=None)
        assert found.distances[["mean_m", "median_m"]].isna().all(axis=None)
        # Where the priority neighbourhoods lie does not hang on who lives there
        table = rows(found.missed, "burden")
        assert table["neighbourhood"].tolist() == ["B", "C"]
        assert table["people_unreached"].isna().all()

    def test_nobody_of_a_group(self):
        found = found_of(city=CITY.assign(people_low_income=0.0), blocks=points())
        table = rows(found.distances, group="low_income")
        assert table["undefined"].tolist() == ["the group has no people here"]
        assert table["mean_m"].isna().all()
        assert rows(found.times_reached, group="low_income")["share"].isna().all()

    def test_a_distance_that_no_effect_declares_has_no_finding(self):
        plan = plan_of(PLACES)
        found = found_of(plan, blocks=points())
        assert found.holds.empty
        assert {"scope", "ledger", "group", "distance_m", "from_m", "to_m", "holds", "undefined"} <= set(found.holds)
        assert rows(found.distance_curve)["distance_m"].max() == 2000

    def test_one_neighbourhood(self):
        found = found_of(city=CITY.loc[["A"]].assign(priority=True), blocks=None)
        assert rows(found.times_reached)["people"].sum() == pytest.approx(100)
        assert rows(found.distances)["undefined"].tolist() == [""]
        # One mix of people everywhere: no group can be nearer than everyone
        assert set(rows(found.holds, group="low_income")["sign"]) == {0}

    def test_inactive_actions_are_in_all_of_them_only(self):
        plan = plan_of(PLACES, *PLAN.effects.to_dict("records"), inactive=["Q"])
        found = found_of(plan, blocks=points())
        assert rows(found.times_reached)["people"].tolist() == pytest.approx([900, 100, 0, 0])
        every = rows(found.times_reached, scope="all actions")
        assert every["people"].tolist() == pytest.approx([700, 200, 100, 0])
        assert rows(found.missed)["neighbourhood"].tolist() == ["C", "B"]
        assert rows(found.missed, scope="all actions")["neighbourhood"].tolist() == ["C"]


def test_rows_of_the_files_in_any_order_give_the_same_tables():
    plan, city = four_actions(), CITY
    turned = plan._replace(effects=plan.effects[::-1].reset_index(drop=True))
    for one, other in zip(found_of(plan, city), found_of(turned, city), strict=True):
        assert one.equals(other) if isinstance(one, pd.DataFrame) else one == other


class TestNorthhaven:
    """Tables of the shipped city agree with one another."""

    KEYS = ("scope", "ledger", "group")

    @pytest.fixture(scope="class")
    @staticmethod
    def result(root):
        return screen_project(root / "data" / "northhaven" / "northhaven.toml")

    @pytest.fixture(scope="class")
    @staticmethod
    def once(result):
        return result.together.set_index(["scope", "ledger", "group"])

    def test_times_add_up_to_the_group_and_none_is_who_is_not_reached_once(self, result, once):
        times = result.times_reached.pivot_table("people", self.KEYS, "times", sort=False)
        assert sorted(times.index) == sorted(once.index)
        np.testing.assert_allclose(times.sum(axis=1), once["people"].reindex(times.index), rtol=1e-12)
        reached = once["people_reached"].reindex(times.index)
        np.testing.assert_allclose(times[["1", "2", "3+"]].sum(axis=1), reached, rtol=1e-9)
        shares = result.times_reached.groupby(list(self.KEYS))["share"].sum()
        np.testing.assert_allclose(shares, 1.0, rtol=1e-12)

    def test_whom_an_action_alone_reaches_are_some_of_whom_it_reaches(self, result):
        table = result.only_by
        assert (table["people_only"] <= table["people_reached"] + 1e-9).all()
        assert (table["people_only"] >= 0).all()
        # Alone by any action: those that are reached once
        alone = table.groupby(list(self.KEYS))["people_only"].sum()
        times = result.times_reached.pivot_table("people", self.KEYS, "times", sort=False)
        np.testing.assert_allclose(alone, times["1"].reindex(alone.index), rtol=1e-9)

    def test_each_action_reaches_at_most_what_its_effects_reach_together(self, result):
        table = result.only_by.query("scope == 'all actions' and group == 'everyone'").set_index(["ledger", "action"])
        one = result.by_effect.reset_index()
        placed = one[one["action"].isin(table.index.get_level_values("action"))]
        most = placed.groupby(["ledger", "action"])["people_reached"].agg(["max", "sum"]).reindex(table.index)
        assert (table["people_reached"] <= most["sum"] + 1e-6).all()

    def test_a_pair_stands_once_and_shares_no_more_than_either_reaches(self, result):
        pairs = result.overlaps
        assert (pairs["action"] < pairs["other"]).all()
        assert not pairs.duplicated([*self.KEYS, "action", "other"]).any()
        reached = result.only_by.set_index([*self.KEYS, "action"])["people_reached"]
        for side in ("action", "other"):
            theirs = reached.reindex(pd.MultiIndex.from_frame(pairs[[*self.KEYS, side]])).to_numpy()
            assert (pairs["people_both"] <= theirs * (1 + 1e-9) + 1e-9).all()
        assert pairs["share_of_smaller"].dropna().between(0, 1 + 1e-9).all()

    def test_the_whole_plan_misses_no_priority_neighbourhood(self, result):
        hoods = result.neighbourhoods
        reached = hoods.loc[hoods["priority"], ["benefit_reached_share", "burden_reached_share"]]
        assert (reached > 0).all(axis=None)
        assert result.missed.empty

    def test_missed_are_priority_neighbourhoods_that_no_active_action_reaches(self, root, result):
        """Of the bus corridor, the cycle path, the night buses and the car-sharing stations alone."""
        inputs = gather(read_project(root / "data" / "northhaven" / "northhaven.toml"))
        ids = ["ACT-02", "ACT-11", "ACT-22", "ACT-23"]
        effects = inputs.plan.effects[inputs.plan.effects["action"].isin(ids)].reset_index(drop=True)
        plan, hoods = Plan(inputs.plan.actions.loc[ids], effects), result.neighbourhoods
        some = screen(hoods, plan, priority=hoods["priority"], question=result.question, blocks=inputs.blocks)
        for ledger in ("benefit", "burden"):
            share = some.neighbourhoods[f"{ledger}_reached_share"]
            wanted = hoods.index[hoods["priority"] & (hoods["population"] > 0) & (share == 0)]
            table = rows(some.missed, ledger)
            assert sorted(table["neighbourhood"]) == sorted(wanted)
            assert table["people_unreached"].tolist() == hoods.loc[table["neighbourhood"], "population"].tolist()
            assert table["people_unreached"].is_monotonic_decreasing
            assert set(table["nearest"]) <= set(ids)
            assert (table["distance_m"] >= 0).all()
        # More is reached by the benefits, whose distances are longer
        assert 10 < len(rows(some.missed)) < len(rows(some.missed, "burden"))

    def test_distances_only_grow(self, result):
        quantiles = result.distances[["p10_m", "p25_m", "median_m", "p75_m", "p90_m"]].to_numpy()
        assert (np.diff(quantiles, axis=1) >= 0).all()
        curve = result.distance_curve.pivot_table("share", self.KEYS, "distance_m").to_numpy()
        assert (np.diff(curve, axis=1) >= 0).all()
        assert curve.min() >= 0
        assert curve.max() <= 1

    def test_the_share_within_400_m_is_that_of_the_curve(self, result):
        curve = result.distance_curve.query("distance_m == 400").set_index(list(self.KEYS))["share"]
        table = result.distances.set_index(list(self.KEYS))
        assert table["within_400_m"].to_dict() == curve.to_dict()

    def test_more_actions_are_never_farther(self, result):
        table = result.distances.pivot_table("mean_m", ["ledger", "group"], "scope")
        assert (table["all actions"] <= table["active actions"] + 1e-9).all()

    def test_a_range_holds_its_distance_and_the_sign_is_that_of_the_difference(self, result):
        table = result.holds[result.holds["undefined"] == ""]
        assert len(table) > 100
        assert (table["from_m"] <= table["distance_m"]).all()
        assert ((table["to_m"] > table["distance_m"]) | table["to_m"].isna()).all()
        off = table["difference"].abs() >= ALIKE
        assert (np.sign(table["difference"])[off] == table["sign"][off]).all()

    def test_the_sign_of_the_curve_is_the_same_all_over_the_range(self, result):
        curve = result.distance_curve.set_index(list(self.KEYS))
        for row in result.holds.query("scope == 'active actions'").to_dict("records"):
            key = (row["scope"], row["ledger"])
            group, everyone = (
                curve.loc[(*key, name)].set_index("distance_m")["share"] for name in (row["group"], "everyone")
            )
            inside = (group.index >= row["from_m"]) & ~(group.index >= row["to_m"])
            difference = (group - everyone)[inside]
            signs = np.where(difference.abs() < ALIKE, 0.0, np.sign(difference))
            assert set(signs) <= {row["sign"]}, row


def test_of_many_declared_distances_those_are_asked_that_most_effects_have():
    often = {"ledger": "benefit", "reach": "within", "distance_m": 900.0}
    rows = [often, often, *({**often, "distance_m": 100.0 + i} for i in range(30))]
    asked = asked_distances(pd.DataFrame([*rows, {**often, "ledger": "burden"}, {**often, "reach": "decay"}]))
    benefits = [metres for ledger, metres in asked if ledger == "benefit"]
    assert benefits == [*(100.0 + i for i in range(19)), 900.0]
    assert ("burden", 900.0) in asked

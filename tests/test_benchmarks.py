"""The benchmark harness, with fakes in the place of clocks and workloads."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import csr_array

from benchmarks import fairness, overlay, screen
from benchmarks.__main__ import available, main
from benchmarks.harness import AnswersDifferError, Goal, Workload, assert_equal, measure, report, within

HEADER = "workload | peer | ours | peer | ratio | goal | held"


class Clock:
    """A clock that only its jobs move on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def job(self, seconds):
        def work():
            self.now += seconds
            return 1.0

        return work


def logged(log, name, answer=1.0):
    def job():
        log.append(name)
        return answer

    return job


def workload(log, *, ours=1.0, peer=1.0, goal_ratio=1.0):
    return Workload("sum", "loop", logged(log, "A", ours), logged(log, "B", peer), goal_ratio)


def test_ratio_is_the_median_of_the_ratios_of_the_turns_not_the_ratio_of_medians():
    goal = Goal("sum", "loop", (1.0, 2.0, 4.0), (4.0, 4.0, 4.0), 2.0)
    assert goal.ratio == 2.0
    assert Goal("sum", "loop", (1.0, 2.0, 9.0), (9.0, 4.0, 9.0), 2.0).ratio == 2.0
    assert Goal("sum", "loop", (1.0, 5.0, 6.0), (5.0, 6.0, 1.0), 1.0).ratio == 6 / 5


@pytest.mark.parametrize(("goal_ratio", "held"), [(2.0, True), (2.01, False)])
def test_a_goal_is_held_from_its_ratio_on(goal_ratio, held):
    assert Goal("sum", "loop", (1.0,), (2.0,), goal_ratio).held is held


def test_a_row_names_the_workload_the_peer_the_times_the_ratio_the_goal_and_the_verdict():
    assert Goal("sum", "loop", (0.5,), (2.0,), 3.0).row() == "sum | loop | 0.5 s | 2 s | 4.00 | 3.00 | yes"
    assert Goal("sum", "loop", (1.0,), (2.0,), 3.0).row() == "sum | loop | 1 s | 2 s | 2.00 | 3.00 | NO"


def test_turns_alternate_after_one_equality_check():
    log = []
    measure(workload(log, goal_ratio=0.0), quick=True)
    assert "".join(log) == "AB" + "AB" * 3


@pytest.mark.parametrize(("slow_turns", "turns", "held"), [(0, 3, True), (3, 6, True), (99, 9, False)])
def test_what_misses_its_goal_is_timed_twice_more(slow_turns, turns, held):
    clock, calls = Clock(), []
    ours = iter([0.0, *[0.9] * slow_turns, *[0.1] * 99])

    def job():
        calls.append(1)
        return clock.job(next(ours))()

    goal = measure(Workload("sum", "loop", job, clock.job(0.2), goal_ratio=1.5), quick=True, clock=clock)
    assert goal.held is held
    assert len(calls) == 1 + turns


def test_seconds_of_each_turn_are_read_off_the_clock():
    clock = Clock()
    goal = measure(Workload("sum", "loop", clock.job(0.25), clock.job(0.75)), quick=True, clock=clock)
    assert goal.ours_s == (0.25, 0.25, 0.25)
    assert goal.peer_s == (0.75, 0.75, 0.75)
    assert goal.ratio == 3.0


@pytest.mark.parametrize(("seconds", "turns"), [(100.0, 1), (2.0, 2), (1.0, 3)])
def test_a_slow_workload_stops_when_six_seconds_are_spent_after_one_turn_at_least(seconds, turns):
    clock = Clock()
    goal = measure(Workload("sum", "loop", clock.job(seconds), clock.job(seconds)), quick=True, clock=clock)
    assert len(goal.ours_s) == len(goal.peer_s) == turns


def test_different_answers_are_never_timed():
    log = []
    with pytest.raises(AnswersDifferError, match="sum: our answer is not that of loop"):
        measure(workload(log, ours=1.0, peer=1.0 + 1e-8), quick=True)
    assert log == ["A", "B"]


def test_answers_may_differ_by_rounding_and_be_missing_together():
    assert_equal(workload([], ours=np.array([1.0, np.nan]), peer=np.array([1.0 + 1e-10, np.nan])))
    with pytest.raises(AnswersDifferError, match="nan"):
        assert_equal(workload([], ours=np.array([np.nan]), peer=np.array([0.0])))


@pytest.mark.parametrize(("limit_s", "held"), [(2.0, True), (1.9, False)])
def test_within_holds_a_job_to_its_limit(limit_s, held):
    clock = Clock()
    goal = within("demo", clock.job(2.0), limit_s=limit_s, turns=2, clock=clock)
    assert (goal.ours_s, goal.peer, goal.held) == ((2.0, 2.0), "limit", held)


def test_report_writes_each_row_before_the_next_goal_is_measured():
    lines = []

    def goals():
        yield Goal("first", "loop", (1.0,), (2.0,), 1.0)
        assert len(lines) == 1
        yield Goal("second", "loop", (1.0,), (2.0,), 3.0)

    assert report(goals(), write=lines.append) is False
    assert [line.split(" | ")[0] for line in lines] == ["first", "second"]


def fake(*ratios):
    return lambda _quick: iter([Goal(f"job {r}", "loop", (1.0,), (r,), 1.0) for r in ratios])


@pytest.mark.parametrize(
    ("name", "code", "rows"),
    [("good", 0, ["job 2.0"]), ("bad", 1, ["job 0.5"]), ("all", 1, ["job 0.5", "job 2.0"])],
)
def test_exit_code_is_1_when_a_goal_is_missed(capsys, name, code, rows):
    assert main([name], known={"bad": fake(0.5), "good": fake(2.0)}) == code
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == HEADER
    assert [line.split(" | ")[0] for line in lines] == rows


def test_a_quick_run_is_held_to_its_own_limit(capsys):
    assert main(["good", "--quick"], known={"good": fake(2.0)}) == 0
    last = capsys.readouterr().out.splitlines()[-1].split(" | ")
    assert (last[0], last[1], last[3], last[-1]) == ("all of this quick run", "limit", "180 s", "yes")


def test_an_unknown_name_exits_2_and_lists_what_exists(capsys):
    assert main(["speed"], known={"overlay": fake(2.0)}) == 2
    assert capsys.readouterr().err == "no benchmark is called 'speed'; there are: overlay, all\n"


def test_no_name_is_a_usage_error(capsys):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "NAME" in capsys.readouterr().err


def test_differing_answers_exit_1_and_are_named(capsys):
    def goals(quick):
        yield measure(workload([], ours=1.0, peer=2.0), quick=quick)

    assert main(["sum"], known={"sum": goals}) == 1
    assert "our answer is not that of loop" in capsys.readouterr().err


def test_the_harness_itself_is_no_benchmark():
    assert not {"harness", "__main__", "all"} & set(available())


# The benchmarks themselves, on workloads small enough to be quick


def test_the_benchmarks_are_found_by_name():
    assert {"fairness", "overlay", "screen"} <= set(available())


@pytest.fixture(scope="module")
def small_city():
    return fairness.city(actions=6, neighbourhoods=40, groups=2)


def test_all_actions_at_once_and_the_loop_measure_the_same(small_city):
    sample = fairness.sampled(small_city, 3)
    assert sample.actions.tolist() == [0, 2, 5]
    tables = fairness.at_once(small_city), fairness.one_by_one(small_city, sample)
    fairness.same_metrics(*tables, actions=sample.actions)


@pytest.mark.parametrize(("table", "column"), [(0, "ci_income"), (1, "parity_low")])
def test_a_metric_that_differs_is_named(small_city, table, column):
    sample = fairness.sampled(small_city, 3)
    loop = fairness.one_by_one(small_city, sample)
    loop[table][column] += 1e-9
    with pytest.raises(AssertionError, match=column):
        fairness.same_metrics(fairness.at_once(small_city), loop, actions=sample.actions)


# Zones A and B are 2 x 1 side by side; three quarters of the people of A live where the box is.
ZONES = gpd.GeoSeries([shapely.box(0, 0, 2, 1), shapely.box(2, 0, 4, 1)], index=["A", "B"], crs=3035)
BOX = gpd.GeoSeries([shapely.box(0, 0, 1, 1)], index=["box"], crs=3035)
BLOCKS = gpd.GeoDataFrame(
    {"zone": [0, 0, 1], "people": [30.0, 10.0, 5.0]},
    geometry=gpd.points_from_xy([0.5, 1.5, 3.0], [0.5, 0.5, 0.5]),
    crs=3035,
)


def test_both_sides_share_areas_alike():
    for share in (overlay.by_area, overlay.by_overlay):
        assert share(ZONES, BOX).toarray().tolist() == [[0.5], [0.0]]


@pytest.mark.parametrize("share", [overlay.by_points, overlay.by_sjoin])
def test_both_sides_share_population_points_alike(share):
    inside = overlay.Reached(ZONES.index, BLOCKS, BOX, "intersects")
    assert share(inside).toarray().tolist() == [[0.75], [0.0]]
    near = overlay.Reached(ZONES.index, BLOCKS, BOX.translate(5000), "dwithin")
    assert (near.distance_m, inside.distance_m) == (1000.0, None)
    assert share(near).nnz == 0


def test_shares_may_differ_by_rounding_only():
    share = csr_array([[0.5, 0.0]])
    overlay.same_shares(share, csr_array([[0.5 + 1e-10, 0.0]]))
    with pytest.raises(AssertionError, match=r"largest difference of a share is 0\.25"):
        overlay.same_shares(share, csr_array([[0.5, 0.25]]))
    with pytest.raises(AssertionError, match="nan"):
        overlay.same_shares(share, csr_array([[np.nan, 0.0]]))


def test_zones_of_the_workload_leave_no_gap_and_do_not_overlap():
    zones = overlay.tessellation(30, np.random.default_rng(1))
    assert zones.is_valid.all()
    assert zones.area.sum() == pytest.approx(shapely.union_all(zones.array).area, rel=1e-9)


def test_a_demo_without_its_pages_is_not_timed(monkeypatch):
    monkeypatch.setattr(screen, "command", lambda *_: None)
    with pytest.raises(AnswersDifferError, match=r"left out map\.html, report\.html"):
        screen.demo()


def test_discs_of_both_sides_differ_by_their_corners_and_no_more():
    zones = gpd.GeoSeries([shapely.box(0, 0, 9000, 9000)], crs=3310)
    asked = overlay.Discs(zones, gpd.GeoSeries([shapely.Point(0, 0)], crs=3310), np.array([1000.0]))
    assert asked.four()[0, 0] == asked.exact()[0, 0] == pytest.approx(np.pi / 4 / 81, rel=1e-14)
    overlay.same_discs(asked.exact(), asked.drawn(), asked=asked)
    with pytest.raises(AssertionError, match=r"a share of a disc differs by 0\.05"):
        overlay.same_discs(asked.exact() + csr_array([[0.05]]), asked.exact(), asked=asked)


def test_a_disc_that_lost_a_part_of_its_area_is_named():
    zones = gpd.GeoSeries([shapely.box(0, 0, overlay.NATION_M, overlay.NATION_M)], crs=overlay.CRS)
    middle = gpd.GeoSeries([shapely.Point(1e6, 1e6)], crs=overlay.CRS)
    asked = overlay.Discs(zones, middle, np.array([2e5]))
    overlay.same_discs(asked.exact(), asked.drawn(), asked=asked)
    with pytest.raises(AssertionError, match="the area of a disc is wrong by"):
        overlay.same_discs(asked.exact() * (1 - 1e-11), asked.drawn(), asked=asked)


def test_zones_of_the_nation_tile_it():
    zones = overlay.nation(200, np.random.default_rng(1))
    assert zones.is_valid.all()
    assert zones.area.sum() == pytest.approx(shapely.union_all(zones.array).area, rel=1e-12)


def test_growth_is_that_of_ten_times_as_much():
    goal = overlay.growth("time", (lambda: sum(range(20_000)), lambda: sum(range(2_000_000))), factor=100.0, slope=1.5)
    assert 5.0 < goal.ours_s[0] < 20.0
    assert goal.held

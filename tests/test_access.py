"""Floating catchments, proximity scores and tables of travel times."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from scipy.sparse import csr_array

from equity_screen import access as module
from equity_screen.access import (
    EJSCREEN_CUT_OFF_M,
    ENHANCED_STEPS,
    block_floor_m,
    floating_catchment,
    mean_over_people,
    proximity_scores,
    read_times,
)
from equity_screen.errors import EquityScreenError, InputError, UsageError
from equity_screen.kernels import Kernel
from equity_screen.relation import Relation, relation_of

HOMES, CLINICS = pd.Index(["A", "B", "C"]), pd.Index(["x", "y", "z"])
PEOPLE = pd.Series([100.0, 300.0, 50.0], index=HOMES)
DOCTORS = pd.Series([4.0, 3.0, 9.0], index=CLINICS)


def costs(pairs: dict[str, float], rows: pd.Index = HOMES, columns: pd.Index = CLINICS) -> Relation:
    """Costs of pairs such as Ax."""
    at = rows.get_indexer([pair[0] for pair in pairs]), columns.get_indexer([pair[1] for pair in pairs])
    return relation_of(at, np.array(list(pairs.values()), dtype=float), labels=(rows, columns), zeros=True)


# A and B reach x (400 people, 4 doctors); B reaches y as well (300 people, 3 doctors); nobody z, and C nothing.
TIMES = costs({"Ax": 5, "Bx": 20, "By": 0, "Bz": 31, "Cz": 40})


def test_two_steps_by_hand():
    found = floating_catchment(DOCTORS, PEOPLE, cost=TIMES, fading={30: 1})
    assert found.ratio.tolist()[:2] == [0.01, 0.01]
    assert np.isnan(found.ratio["z"])
    assert found.access.to_dict() == {"A": 0.01, "B": 0.02, "C": 0.0}


def test_steps_hold_up_to_and_including_their_limits():
    found = floating_catchment(DOCTORS, PEOPLE, cost=TIMES, fading={20: 1, 31: 0.5})
    assert found.access.to_dict() == pytest.approx({"A": 0.01, "B": 0.02 + 9 / 300, "C": 0})


def test_weights_by_zone_of_time_fade():
    """4 doctors for 100 people and 0.68 of 300: 4/304; B adds 3 for 300."""
    found = floating_catchment(DOCTORS, PEOPLE, cost=TIMES, fading=ENHANCED_STEPS)
    assert found.access["A"] == pytest.approx(4 / 304, rel=1e-15)
    assert found.access["B"] == pytest.approx(0.68 * 4 / 304 + 3 / 300, rel=1e-15)


def test_those_who_choose_ask_less_of_each():
    """B goes to x and y by halves, each of weight 1: x serves 100 + 150, y 150."""
    found = floating_catchment(DOCTORS, PEOPLE, cost=TIMES, fading={30: 1}, choice=True)
    assert found.ratio.tolist()[:2] == pytest.approx([4 / 250, 3 / 150])
    assert found.access.to_dict() == pytest.approx({"A": 4 / 250, "B": 2 / 250 + 1.5 / 150, "C": 0})


def test_a_kernel_fades_as_well():
    found = floating_catchment(DOCTORS, PEOPLE, cost=TIMES, fading=Kernel(kind="linear", cut_off_m=40))
    assert found.ratio["y"] == 3 / 300
    assert found.ratio["x"] == pytest.approx(4 / (100 * 0.875 + 300 * 0.5))


def test_the_order_of_supply_and_demand_does_not_matter():
    found = floating_catchment(DOCTORS[::-1], PEOPLE[::-1], cost=TIMES, fading={30: 1})
    assert found.access.to_dict() == {"A": 0.01, "B": 0.02, "C": 0.0}


def test_nobody_anywhere_reaches_nothing():
    found = floating_catchment(DOCTORS, PEOPLE * 0, cost=TIMES, fading={30: 1})
    assert found.access.tolist() == [0, 0, 0]
    assert found.ratio.isna().all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"supply": DOCTORS[:2]}, "1 places of supply and of the costs do not match: z stands in the costs only"),
        ({"demand": pd.concat([PEOPLE, pd.Series({"D": 1.0})])}, "D stands in the demand only"),
        ({"demand": pd.concat([PEOPLE, PEOPLE])}, "a place of demand stands twice"),
        ({"demand": PEOPLE.replace(300, np.nan)}, r"demand of B: missing, below 0 or infinite \(1 of 3 places\)"),
        ({"supply": -DOCTORS}, r"supply of x: missing, below 0 or infinite \(3 of 3"),
        ({"supply": DOCTORS * np.inf}, "supply of x: missing, below 0 or infinite"),
        ({"cost": costs({"Ax": -2})}, "a cost of -2"),
        ({"cost": costs({"Ax": math.nan})}, "a cost is not a number"),
        ({"fading": {}}, "steps are upper limits of cost"),
        ({"fading": {-5: 1}}, "steps are upper limits of cost"),
        ({"fading": {5: -1}}, "steps are upper limits of cost"),
        ({"fading": Kernel(kind="step", cut_off_m=5), "cost": costs({"Ax": -2})}, "a distance of -2 m"),
    ],
)
def test_what_does_not_match_is_refused(changes, said):
    call = {"supply": DOCTORS, "demand": PEOPLE, "cost": TIMES, "fading": {30: 1}} | changes
    with pytest.raises(UsageError, match=said):
        floating_catchment(call.pop("supply"), call.pop("demand"), **call)


def test_supply_that_is_not_conserved_stops_the_call(monkeypatch):
    monkeypatch.setattr(module, "BALANCE", -1.0)
    with pytest.raises(EquityScreenError, match="7 of the supply is used, and 7 is in reach"):
        floating_catchment(DOCTORS, PEOPLE, cost=TIMES, fading={30: 1})


# Laws, and two other ways to the same numbers

FADINGS = [{30: 1}, dict(ENHANCED_STEPS), Kernel(kind="gaussian", scale_m=12), Kernel(kind="exponential", scale_m=12)]
GRID = st.lists(st.lists(st.sampled_from([0.0, 4.0, 10.0, 19.0, 30.0, 45.0, None]), min_size=3, max_size=3), min_size=3)
AMOUNTS = st.lists(st.sampled_from([0.0, 0.5, 3.0, 70.0, 12345.0]), min_size=8, max_size=8)


def case(grid, people, doctors):
    """Costs, demand and supply of a small world; where the grid has none nothing connects."""
    grid = grid[:8]
    homes, clinics = pd.Index([f"h{i}" for i in range(len(grid))]), CLINICS
    pairs = [(i, j, c) for i, row in enumerate(grid) for j, c in enumerate(row) if c is not None]
    at = np.array([p[0] for p in pairs], dtype=int), np.array([p[1] for p in pairs], dtype=int)
    relation = relation_of(at, np.array([p[2] for p in pairs], dtype=float), labels=(homes, clinics), zeros=True)
    return relation, pd.Series(people[: len(grid)], index=homes), pd.Series(doctors[:3], index=clinics)


@given(GRID, AMOUNTS, AMOUNTS, st.sampled_from(FADINGS), st.booleans())
def test_all_supply_in_reach_is_used_once(grid, people, doctors, fading, choice):
    cost, demand, supply = case(grid, people, doctors)
    found = floating_catchment(supply, demand, cost=cost, fading=fading, choice=choice)
    assert (demand * found.access).sum() == pytest.approx(supply[found.ratio.notna()].sum(), rel=1e-9, abs=1e-9)


@given(GRID, AMOUNTS, AMOUNTS, st.sampled_from(FADINGS), st.booleans())
def test_the_formulas_read_aloud_give_the_same(grid, people, doctors, fading, choice):
    cost, demand, supply = case(grid, people, doctors)
    found = floating_catchment(supply, demand, cost=cost, fading=fading, choice=choice)

    def weight(c):
        if c is None:
            return 0.0
        if isinstance(fading, Kernel):
            return math.exp(-(c**2) / 288) if fading.kind == "gaussian" else math.exp(-c / 12)
        return next((w for limit, w in sorted(fading.items()) if c <= limit), 0.0)

    f = [[weight(c) for c in row] for row in grid[:8]]
    g = [[w * (w / sum(row) if choice and w else 1) for w in row] for row in f]
    n = range(len(g))
    wanted = [sum(demand.iloc[k] * g[k][j] for k in n) for j in range(3)]
    ratio = [supply.iloc[j] / wanted[j] if wanted[j] else 0.0 for j in range(3)]
    assert found.access.tolist() == pytest.approx([sum(ratio[j] * g[i][j] for j in range(3)) for i in n], rel=1e-12)


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # theirs, with pandas 3.1
@pytest.mark.parametrize("kind", ["2SFCA", "E2SFCA", "3SFCA"])
def test_catchments_equal_those_of_pysal(kind):
    fca = pytest.importorskip("access.fca", reason='PySAL access is not installed: pip install -e ".[oracles]"')
    random = np.random.default_rng(20260401)
    homes, clinics = pd.Index([f"h{i:02}" for i in range(40)]), pd.Index([f"c{j}" for j in range(9)])
    minutes = random.uniform(0, 60, (40, 9)).round(1)
    demand = pd.Series(random.integers(1, 5000, 40).astype(float), index=homes)
    supply = pd.Series(random.integers(1, 60, 9).astype(float), index=clinics)
    cost = Relation(csr_array(minutes), homes, clinics)
    steps = {30.0: 1.0} if kind == "2SFCA" else dict(ENHANCED_STEPS)
    ours = floating_catchment(supply, demand, cost=cost, fading=steps, choice=kind == "3SFCA").access

    pairs = cost.long("cost").set_axis(["origin", "dest", "cost"], axis=1)
    pairs = pairs[pairs["cost"] <= 30].reset_index(drop=True)
    tables = demand.rename_axis("geoid").to_frame("demand"), supply.rename_axis("geoid").to_frame("supply"), pairs

    def weigh(c):
        return next(w for limit, w in sorted(steps.items()) if c <= limit)

    call = fca.three_stage_fca if kind == "3SFCA" else fca.two_stage_fca
    theirs = call(*tables, max_cost=30, demand_index=True, weight_fn=weigh)
    assert ours.to_numpy() == pytest.approx(theirs.reindex(homes).fillna(0).to_numpy(), rel=1e-12, abs=1e-15)
    assert (demand * ours).sum() == pytest.approx(supply.sum(), rel=1e-12)


# Proximity scores

POINTS, PLANTS = pd.Index(["p", "q", "r"]), pd.Index(["x", "y"])


def near(pairs: dict[str, float]) -> Relation:
    return costs(pairs, POINTS, PLANTS)


def test_scores_add_the_near_and_take_the_nearest_where_none_is_near():
    metres = near({"px": 2000, "py": 500, "qx": 8000, "qy": 20000})
    found = proximity_scores(metres, floor_m=100, cut_off_m=5000)
    assert found.tolist()[:2] == [0.5 + 2, 0.125]
    assert np.isnan(found["r"])


def test_what_is_at_the_cut_off_is_within_it():
    assert proximity_scores(near({"px": 5000, "py": 5000}), floor_m=100, cut_off_m=5000)["p"] == 0.4
    assert proximity_scores(near({"px": 5001, "py": 5000}), floor_m=100, cut_off_m=5000)["p"] == 0.2


def test_versions_differ_in_their_cut_off():
    metres = near({"px": 2000, "py": 8000})
    scores = [proximity_scores(metres, floor_m=1, cut_off_m=EJSCREEN_CUT_OFF_M[v])["p"] for v in ("2.2", "2.3")]
    assert scores == [0.5, 0.625]


def test_nothing_is_nearer_than_the_floor_of_its_block():
    metres = near({"px": 0, "qx": 0, "rx": 7000})
    found = proximity_scores(metres, floor_m=[100, 500, 8000], cut_off_m=5000)
    assert found.tolist() == [10, 2, 0.125]


def test_a_nearest_place_may_be_known_beside_the_pairs():
    found = proximity_scores(near({"px": 1000}), floor_m=100, cut_off_m=5000, nearest_m=[1000, 40000, np.nan])
    assert found.tolist()[:2] == [1, 0.025]
    assert np.isnan(found["r"])


def test_the_floor_of_a_block_is_nine_tenths_of_its_radius():
    assert block_floor_m(1e6) == pytest.approx(507.77, abs=0.005)
    with pytest.raises(UsageError, match="areas of blocks are above 0"):
        block_floor_m([1e6, 0])
    with pytest.raises(UsageError, match="areas of blocks are above 0"):
        block_floor_m([np.nan])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"floor_m": 0}, "floors and the cut-off above 0"),
        ({"floor_m": np.nan}, "floors and the cut-off above 0"),
        ({"cut_off_m": 0}, "floors and the cut-off above 0"),
        ({"cut_off_m": np.nan}, "floors and the cut-off above 0"),
        ({"distances": near({"px": -1})}, "distances are 0 or more"),
        ({"distances": near({"px": np.nan})}, "distances are 0 or more"),
        ({"nearest_m": [-1, 5, 5]}, "distances are 0 or more"),
        ({"floor_m": [1, 2]}, r"floor_m has shape \(2,\) for 3 points"),
        ({"nearest_m": [1, 2]}, r"nearest_m has shape \(2,\) for 3 points"),
    ],
)
def test_distances_that_cannot_be_are_refused(changes, said):
    call = {"distances": near({"px": 1}), "floor_m": 100, "cut_off_m": 5000} | changes
    with pytest.raises(UsageError, match=said):
        proximity_scores(call.pop("distances"), **call)


METRES = st.lists(st.floats(0, 2e4), min_size=1, max_size=6)


@given(METRES, st.floats(0, 2e4), st.floats(0.1, 50))
def test_one_more_place_never_lowers_a_score_and_scale_divides_it(metres, more, times):
    def score(distances, scale=1.0):
        row = csr_array(np.array([distances]) + 0.001) * scale
        relation = Relation(row, pd.Index(["p"]), pd.RangeIndex(len(distances)))
        return proximity_scores(relation, floor_m=100 * scale, cut_off_m=5000 * scale)["p"]

    within = [m for m in metres if abs(m - 5000) > 1]
    if within:
        assert score([*within, more]) >= score(within) * (1 - 1e-12)
        assert score(within, times) == pytest.approx(score(within) / times, rel=1e-9)


def test_scores_are_averaged_over_the_people():
    points = pd.DataFrame({"zone": [1, 0, 1, 2], "people": [10.0, 5.0, 30.0, 0.0]})
    found = mean_over_people(pd.Series([2.0, 7.0, 4.0, 9.0]), points, ids=pd.Index(["A", "B", "C", "D"]))
    assert found.tolist()[:2] == [7.0, 3.5]
    assert found.isna().tolist() == [False, False, True, True]


def test_a_score_that_is_not_known_has_no_say():
    points = pd.DataFrame({"zone": [0, 0], "people": [10.0, 30.0]})
    assert mean_over_people(pd.Series([2.0, np.nan]), points, ids=pd.Index(["A"])).tolist() == [2.0]


# Tables of travel times

PLACES = (pd.Index(["01", "02"]), pd.Index(["x", "y"]))


@pytest.fixture
def written(tmp_path):
    """Write a table of times; gives its path."""

    def write(rows, header="origin,destination,minutes", name="times.csv"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


def test_times_are_read_by_origin_and_destination(written):
    path = written(["02,x,0", "01,y,12.5", "01,x,7"])
    found = read_times(path, places=PLACES)
    assert found.rows.tolist() == ["01", "02"]
    assert found.long("minutes")["minutes"].tolist() == [7, 12.5, 0]
    assert found.matrix.nnz == 3


def test_parquet_with_other_names_and_lost_zeros(tmp_path):
    table = pd.DataFrame({"from_id": [1, 2, 2], "to_id": ["x", "x", "y"], "travel_time": [7, 0, 9]})
    table.to_parquet(tmp_path / "t.parquet")
    names = ("from_id", "to_id", "travel_time")
    found = read_times(tmp_path / "t.parquet", places=PLACES, columns=names, digits=2)
    assert found.matrix.toarray().tolist() == [[7, 0], [0, 9]]
    assert found.matrix.nnz == 3


def test_blank_minutes_are_refused_or_not_connected_as_declared(written):
    path = written(["01,x,7", "01,y,", "02,y,9"])
    with pytest.raises(InputError, match=r"times.csv, row 3, id 01 → y, column minutes: no number of minutes of 0"):
        read_times(path, places=PLACES)
    assert read_times(path, places=PLACES, blank="unconnected").matrix.nnz == 2


def test_every_fault_is_told_at_once(written):
    rows = ["01,x,7", "01,x,8", "01,q,5", ",y,4", "02,y,-3", "02,x,soon", "09,x,1"]
    with pytest.raises(UsageError, match="no such place") as caught:
        read_times(written(rows), places=(pd.Index(["01", "02", "03"]), PLACES[1]))
    lines = str(caught.value).splitlines()
    for said in (
        "row 7, id 02 → x, column minutes, value soon: not a number",
        "row 5, id  → y, column origin: no id",
        "row 2, id 01 → x: the pair stands in 2 rows (row 2, row 3)",
        "row 8, column origin, value 09: no such place",
        "row 4, column destination, value q: no such place",
        "id 03, column origin: the place stands in no row",
        "row 6, id 02 → y, column minutes, value -3: no number of minutes of 0 or more",
    ):
        assert sum(said in line for line in lines) == 1, said
    assert len(lines) == 7


def test_pairs_that_stand_twice_are_refused_even_when_they_agree(written):
    with pytest.raises(InputError, match="ES-CROSSWALK-PAIR"):
        read_times(written(["01,x,7", "02,y,1", "01,x,7"]), places=PLACES)


def test_a_missing_column_is_named(written):
    with pytest.raises(InputError, match="column minutes: no such column"):
        read_times(written(["01,x,7"], header="origin,destination,time"), places=PLACES)


def test_from_a_file_to_access(written):
    cost = read_times(written(["01,x,7", "02,x,31", "02,y,0"]), places=PLACES)
    people, parks = pd.Series([10.0, 20.0], index=PLACES[0]), pd.Series([5.0, 8.0], index=PLACES[1])
    assert floating_catchment(parks, people, cost=cost, fading={30: 1}).access.tolist() == [0.5, 0.4]

"""Small numbers: hidden where counts are confidential, marked where they are public; never the one for the other."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from equity_screen.disclosure import (
    PROFILES,
    Profile,
    aggregate_upward,
    mark_noisy,
    profile_of,
    randomly_rounded,
    reliability_by_level,
    starred,
    suppress,
)
from equity_screen.errors import UsageError
from equity_screen.margins import Margins
from equity_screen.people import People
from equity_screen.relation import Relation

AREAS = ["area", "group"]
FEW = "suppressed: fewer than 10 people (profile washington)"
BESIDE = "suppressed: a smaller number would follow from it (profile washington)"
PUBLIC = "it may still follow from figures of public groups"


def by_area(*people, group="x"):
    names = [f"A{i}" for i in range(len(people))]
    return pd.DataFrame({"area": names, "group": group, "people": np.array(people, dtype=np.float64), "mean": 0.5})


def hidden_of(table, *, groups=("x",), adds_over=("area",), profile="washington", keys=AREAS):
    return suppress(table, counts=["people"], keys=keys, groups=groups, profile=profile, adds_over=adds_over)


# ---------------------------------------------------------------- confidential: in the head


def test_a_small_count_is_hidden_with_every_number_of_its_row():
    table = by_area(9, 10).assign(effects=[3, 4], low=[True, False], undefined=["", "no ratio"])
    found = hidden_of(table, adds_over=())
    assert found["people"].isna().tolist() == [True, False]
    assert found["mean"].isna().tolist() == [True, False]
    assert found["effects"].isna().tolist() == [True, False]
    assert found["undefined"].tolist() == [FEW, "no ratio"]
    assert found["low"].tolist() == [True, False]
    assert table["people"].tolist() == [9.0, 10.0], "the table that was given stays as it is"


def test_the_smallest_of_several_counts_decides_and_reasons_are_put_together():
    table = by_area(90, 80).assign(reached=[5.0, 12.0], undefined=["no ratio", ""])
    found = suppress(table, counts=["people", "reached"], keys=AREAS, groups=["x"], profile="washington")
    assert found["undefined"].tolist() == [f"no ratio; {FEW}", ""]
    assert found["people"].isna().tolist() == [True, False]


def test_keys_that_are_numbers_stay():
    found = hidden_of(by_area(4).assign(year=2030), keys=[*AREAS, "year"])
    assert found["year"].tolist() == [2030]
    assert found["people"].isna().all()


def test_public_groups_are_never_touched():
    table = pd.concat([by_area(4, 90, group="x"), by_area(1, 2, group="y")], ignore_index=True)
    found = hidden_of(table)
    public = found["group"] == "y"
    pd.testing.assert_frame_equal(found.loc[public, table.columns], table[public])
    assert (found.loc[public, "undefined"] == "").all()


def test_nothing_is_hidden_where_nothing_is_small():
    table = by_area(40, 90)
    found = hidden_of(table)
    pd.testing.assert_frame_equal(found[table.columns], table)


@pytest.mark.parametrize(
    ("profile", "shown"),
    [
        ("washington", [0.0, 10.0, 30.0, 40.0, 100.0]),
        ("nchs", [30.0, 40.0, 100.0]),
        ("statcan", [40.0, 100.0]),
        ("statcan_blocks", [100.0]),
    ],
)
def test_profiles_hide_below_their_own_minimum(profile, shown):
    counts = [0, 1, 9, 10, 29, 30, 39, 40, 99, 100]
    found = hidden_of(by_area(*counts), adds_over=(), profile=profile)["people"]
    assert set(shown) <= set(found.dropna())
    least = profile_of(profile).minimum_people
    assert found.dropna().tolist() == [c for c in counts if c >= least or (c == 0 and profile == "washington")]


def test_rates_may_need_more_people_than_counts():
    own = Profile("own", 5, 50, shows_zero=True, source="this city")
    found = hidden_of(by_area(20, 60), adds_over=(), profile=own)
    assert found["people"].tolist() == [20.0, 60.0]
    assert found["mean"].isna().tolist() == [True, False]
    assert found["undefined"].tolist()[0] == "suppressed: fewer than 50 people for a rate (profile own)"


def test_a_count_that_is_not_known_is_not_small():
    found = hidden_of(by_area(np.nan, 90))
    assert found["undefined"].tolist() == ["", ""]


# ---------------------------------------------------------------- confidential: what follows by subtraction


def test_where_one_of_a_sum_is_hidden_so_is_the_next_smallest():
    found = hidden_of(by_area(4, 30, 20))
    assert found["people"].isna().tolist() == [True, False, True]
    assert found["undefined"].tolist() == [FEW, "", BESIDE]


def test_two_hidden_ones_hide_each_other():
    assert hidden_of(by_area(4, 30, 5))["people"].isna().tolist() == [True, False, True]


def test_a_count_of_0_is_hidden_last_for_it_hides_nothing():
    assert hidden_of(by_area(4, 0, 20))["people"].isna().tolist() == [True, False, True]
    assert hidden_of(by_area(4, 0))["people"].isna().tolist() == [True, True]


def test_sets_apart_are_seen_apart():
    table = pd.concat([by_area(4, 30, 20).assign(action=a) for a in ("P", "Q")], ignore_index=True)
    table.loc[3, "people"] = 40.0
    found = hidden_of(table, keys=["action", *AREAS])
    assert found["people"].isna().tolist() == [True, False, True, False, False, False]


def test_groups_of_one_dimension_add_to_everyone():
    table = pd.DataFrame({"dimension": ["origin"] * 3, "group": ["x", "y", "z"], "people": [4.0, 30.0, 20.0]})
    keys = ["dimension", "group"]
    found = hidden_of(table, groups=["x", "y", "z"], adds_over=["group"], keys=keys)
    assert found["people"].isna().tolist() == [True, False, True]
    apart = hidden_of(table.assign(dimension=""), groups=["x", "y", "z"], adds_over=["group"], keys=keys)
    assert apart["people"].isna().tolist() == [True, False, False]


def test_what_public_figures_give_away_is_said():
    """The only confidential group of a dimension is what the public ones leave of everyone: none is taken away."""
    table = pd.DataFrame({"group": ["x", "y", "z"], "people": [4.0, 30.0, 20.0]})
    found = hidden_of(table, adds_over=["group"], keys=["group"])
    assert found["people"].isna().tolist() == [True, False, False]
    assert found["undefined"].tolist() == [f"{FEW}; {PUBLIC}", "", ""]


def test_what_public_figures_give_away_takes_nothing_else_with_it():
    """Where everyone less a public group is the confidential one in each area, to hide more areas would help nobody."""
    table = pd.concat([by_area(4, 30, 20, 50), by_area(90, 80, 70, 60, group="y")], ignore_index=True)
    found = hidden_of(table, adds_over=AREAS)
    assert found["people"].isna().tolist() == [True] + [False] * 7
    assert found["undefined"].tolist()[0] == f"{FEW}; {PUBLIC}"


def test_no_more_is_hidden_than_helps():
    """120 small counts of 8,000, each alone in its area: one more there, and such a pair for each group besides."""
    counts = np.random.default_rng([6]).integers(0, 500, (2000, 4)).astype(np.float64)
    few = (counts > 0) & (counts < 10)
    table = crossed(counts)
    found = hidden_of(table, groups=table["group"].unique(), adds_over=AREAS)
    hidden = found["people"].isna().to_numpy().reshape(counts.shape)
    assert 100 < few.sum() < 200
    assert few.sum() < hidden.sum() <= 2 * (few.sum() + 4)
    assert not solvable_by_peeling(hidden).any()


def test_a_bridge_between_two_rings_of_hidden_cells_is_seen():
    """Each line has no or two hidden cells or more, and yet the middle one follows from the totals."""
    shown, hidden = 50.0, 4.0
    counts = np.full((5, 5), shown)
    rings = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3)]
    for i, j in [*rings, (1, 2)]:
        counts[i, j] = hidden
    table = crossed(counts)
    hides = np.isnan(hidden_of(table, groups=table["group"].unique(), adds_over=AREAS)["people"].to_numpy())
    assert solvable(counts < 10).sum() == 1
    assert not solvable(hides.reshape(5, 5)).any()
    assert hides.sum() > 9


def crossed(counts):
    """Areas down, groups across."""
    rows, columns = counts.shape
    areas, groups = np.divmod(np.arange(rows * columns), columns)
    return pd.DataFrame(
        {
            "area": [f"A{i}" for i in areas],
            "group": [f"g{j}" for j in groups],
            "people": counts.ravel().astype(np.float64),
        }
    )


def solvable(hidden):
    """Hidden cells of a table with printed margins that the linear system of its sums determines, by ranks."""
    rows, columns = hidden.shape
    sums = np.vstack([np.kron(np.eye(rows), np.ones(columns)), np.kron(np.ones(rows), np.eye(columns))])
    cells = np.flatnonzero(hidden.ravel())
    found = np.zeros(hidden.size, dtype=bool)
    system = sums[:, cells]
    rank = np.linalg.matrix_rank(system) if len(cells) else 0
    for at, cell in enumerate(cells):
        unit = np.eye(len(cells))[at]
        found[cell] = np.linalg.matrix_rank(np.vstack([system, unit])) == rank
    return found.reshape(hidden.shape)


@pytest.mark.parametrize("seed", range(25))
def test_nothing_that_is_hidden_can_be_solved_from_what_is_printed(seed):
    """Brute force over small tables of areas by groups, sums printed both ways, all groups confidential."""
    rng = np.random.default_rng([seed])
    counts = rng.integers(0, 60, size=rng.integers(2, 6, size=2)).astype(np.float64)
    table = crossed(counts)
    found = hidden_of(table, groups=table["group"].unique(), adds_over=AREAS)
    hidden = found["people"].isna().to_numpy().reshape(counts.shape)
    assert (hidden | ~((counts > 0) & (counts < 10))).all(), "what is small is hidden"
    follows = found["undefined"].str.contains(PUBLIC).to_numpy().reshape(counts.shape)
    assert (solvable(hidden) == follows).all()
    assert not follows.any(), "with all groups confidential there is always another to hide"


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_rows_changes_nothing(seed):
    rng = np.random.default_rng([seed])
    table = crossed(rng.permutation(20).reshape(4, 5) * 3.0)
    mixed = table.sample(frac=1, random_state=seed)
    options = {"groups": table["group"].unique(), "adds_over": AREAS}
    pd.testing.assert_frame_equal(hidden_of(mixed, **options).sort_index(), hidden_of(table, **options))


def test_a_long_chain_of_hidden_cells_is_seen_through():
    """Cell by cell along a staircase of 60 steps, each follows from the one before."""
    counts = np.full((60, 60), 50.0)
    steps = [(i, i) for i in range(60)] + [(i, i + 1) for i in range(59)]
    counts[tuple(np.array(steps).T)] = 4.0
    table = crossed(counts)
    found = hidden_of(table, groups=table["group"].unique(), adds_over=AREAS)
    hidden = found["people"].isna().to_numpy().reshape(counts.shape)
    assert hidden.sum() > len(steps)
    assert not solvable_by_peeling(hidden).any()


def solvable_by_peeling(hidden):
    """Hidden cells found one after another, where a row or column has a single one that is not known yet."""
    unknown = hidden.copy()
    while True:
        single = unknown & ((unknown.sum(axis=1) == 1)[:, None] | (unknown.sum(axis=0) == 1)[None, :])
        if not single.any():
            return hidden & ~unknown
        unknown &= ~single


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": ["peple"]}, r"no column 'peple' to suppress small numbers by; did you mean 'people'\?"),
        ({"keys": ["region"]}, "no column 'region' to suppress small numbers by"),
        ({"adds_over": ["people"]}, "no column 'people' to suppress small numbers by; one of: area, group"),
        ({"profile": "statscan"}, r"no profile of small numbers is called 'statscan'; did you mean 'statcan'\?"),
    ],
)
def test_faults_of_calls(change, message):
    options = {"counts": ["people"], "keys": AREAS, "groups": ["x"], "profile": "washington", "adds_over": []}
    with pytest.raises(UsageError, match=message):
        suppress(by_area(4), **(options | change))


def test_a_table_without_rows_has_nothing_to_hide():
    assert len(hidden_of(by_area())) == 0


def test_every_profile_names_its_source():
    assert all(profile.source and name == profile.name for name, profile in PROFILES.items())
    assert list(PROFILES) == ["statcan", "statcan_blocks", "washington", "nchs"]


# ---------------------------------------------------------------- random rounding, stars


def test_rounded_counts_are_multiples_next_to_the_count():
    counts = pd.Series(np.arange(200.0), name="people")
    rounded = randomly_rounded(counts, base=5, seed=3)
    assert (rounded % 5 == 0).all()
    assert ((rounded - counts).abs() < 5).all()
    assert rounded[counts % 5 == 0].tolist() == counts[counts % 5 == 0].tolist()


def test_rounded_counts_are_right_on_average():
    """Of 20,000 counts of 3, two in five become 0 and three in five 5: a mean of 3."""
    rounded = randomly_rounded(pd.Series(3.0, index=range(20_000), name="people"), base=5, seed=3)
    assert rounded.mean() == pytest.approx(3.0, abs=4 * 2.5 / 20_000**0.5)


def test_a_place_is_rounded_alike_wherever_it_stands():
    counts = pd.Series([3.0, 7.0, np.nan, 11.0], index=["A", "B", "C", "D"], name="people_x")
    rounded = randomly_rounded(counts, base=5, seed=8)
    again = randomly_rounded(counts[["D", "A"]], base=5, seed=8)
    assert again.tolist() == rounded[["D", "A"]].tolist()
    assert np.isnan(rounded["C"])
    many = pd.Series(3.0, index=range(100), name="people")
    first, other = (randomly_rounded(many, base=5, seed=s).tolist() for s in (1, 2))
    assert first != other
    assert randomly_rounded(many.rename("others"), base=5, seed=1).tolist() != first


def test_a_base_below_1_is_refused():
    with pytest.raises(UsageError, match="base = 0: give 1 or more people"):
        randomly_rounded(pd.Series([1.0]), base=0, seed=1)


def test_stars_end_where_the_profile_says():
    counts = np.array([29.0, 30.0, 59.0, 60.0, np.nan])
    assert starred(counts, profile="nchs").tolist() == ["", "*", "*", "", ""]
    assert starred(counts, profile="washington").tolist() == [""] * 5


# ---------------------------------------------------------------- public but noisy: marked, summed, never taken away


def test_noisy_figures_are_marked_and_stay():
    table = pd.DataFrame({"people": [900.0, 50.0, 4.0, 1.0], "cv": [0.12, 0.40, 0.41, np.nan]})
    found = mark_noisy(table)
    assert found["noisy"].tolist() == ["", "*", "**", ""]
    pd.testing.assert_frame_equal(found[["people", "cv"]], table)
    assert mark_noisy(table, mark="m", below=0.5, above=0.9)["m"].tolist() == ["", "", "", ""]


def test_marks_need_their_column():
    with pytest.raises(UsageError, match="no column 'cv_total'"):
        mark_noisy(pd.DataFrame({"cv": [0.1]}), cv="cv_total")


TWENTY = 20.0 * 0.4 * 1.645  # the margin of 20 people with a coefficient of variation of 40 %


@pytest.fixture
def four():
    """20 of a group in each of four neighbourhoods, ± so much that one has a CV of 40 %; a park without people."""
    groups = np.array([[20.0, 400.0]] * 4 + [[0.0, 0.0]])
    population = np.array([500.0] * 4 + [0.0])
    margins = np.array([[TWENTY, 1.0]] * 4 + [[11.0, 11.0]])
    universes = np.repeat(population[:, None], 2, axis=1)
    return People(population, groups, universes, ("few", "many")), Margins(population * 0, margins, universes * 0)


def halves():
    """Two districts: the third neighbourhood lies in both."""
    shares = csr_array([[1, 0], [1, 0], [0.5, 0.5], [0, 1], [0, 1]], dtype=np.float64)
    return Relation(shares, pd.Index(list("ABCDE")), pd.Index(["W", "E"]))


def test_counts_get_surer_the_larger_the_area(four):
    table = reliability_by_level(*four, layers={"district": halves()}).set_index(["group", "level"])
    assert table.index.tolist() == list(itertools.product(["few", "many"], ["neighbourhood", "district", "city"])), (
        "groups in their order, levels from fine to coarse"
    )
    few = table.loc["few"]
    # W: 50 people ± √(1 + 1 + ¼); E: 30 people ± √(¼ + 1); the city: 80 people ± √4 times the margin of one.
    west, east = 0.4 * 20 * 1.5 / 50, 0.4 * 20 * 1.25**0.5 / 30
    assert few["median_cv"].tolist() == pytest.approx([0.4, (west + east) / 2, 0.2])
    assert few["areas"].tolist() == [4, 2, 1]
    assert few["enough"].tolist() == [False, True, True]
    assert few["share_medium"].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert table.loc["many", "share_high"].tolist() == [1.0, 1.0, 1.0]


def test_figures_are_given_at_the_finest_level_that_is_reliable(four):
    table = aggregate_upward(*four, neighbourhoods=pd.Index(list("ABCDE")), layers={"district": halves()})
    few, many = table[table["group"] == "few"], table[table["group"] == "many"]
    assert few["area"].tolist() == ["W", "E"]
    assert few["people"].tolist() == [50.0, 30.0]
    assert few["margin"].tolist() == pytest.approx([TWENTY * 1.5, TWENTY * 1.25**0.5])
    assert many["area"].tolist() == list("ABCDE")
    assert table["enough"].all()


def test_where_no_level_is_reliable_the_city_is_given_nevertheless(four):
    people, margins = four
    table = aggregate_upward(
        people, margins._replace(groups=margins.groups * 9), neighbourhoods=pd.Index(list("ABCDE")), at_most=0.3
    )
    few = table[table["group"] == "few"]
    assert few[["level", "people", "enough"]].to_numpy().tolist() == [["city", 80.0, False]]


def test_of_several_counts_of_0_the_largest_margin_counts_once():
    population = np.full(3, 100.0)
    groups, margins = np.array([[0.0], [0.0], [30.0]]), np.array([[12.0], [9.0], [5.0]])
    people = People(population, groups, population[:, None], ("x",))
    city = aggregate_upward(
        people, Margins(population * 0, margins, margins * 0), neighbourhoods=pd.Index(list("ABC")), at_most=0.01
    )
    assert city["margin"].tolist() == [13.0]


def test_margins_that_are_not_known_are_not_guessed(four):
    people, margins = four
    unknown = margins._replace(groups=np.where([[True, False]] * 5, np.nan, margins.groups))
    table = reliability_by_level(people, unknown).set_index(["group", "level"])
    assert table.loc["few", "areas"].tolist() == [0, 0]
    assert table.loc["few", "median_cv"].isna().all()
    assert not table.loc["few", "enough"].any()

"""A table on other zones brought over by a crosswalk: worked in the head, then faults, then laws."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from equity_screen import earlier
from equity_screen.earlier import bring_over, repeated_ids
from equity_screen.errors import EquityScreenError, InputError
from equity_screen.schema import Origin, clean_ids
from equity_screen.sources import EarlierTable

ORIGINS = Origin("census_2015.csv", "row"), Origin("crosswalk.csv", "row"), Origin("zones.gpkg")
DECLARED = EarlierTable(
    file="census_2015.csv",
    id="zone",
    crosswalk="crosswalk.csv",
    source_id="old",
    target_id="new",
    share="share",
    counts=("people",),
    rates={"income": "people"},
)
PAIRS = [("S1", "A", "1"), ("S2", "A", "0.25"), ("S2", "B", "0.75")]
ZONES = [("S1", "100", "20"), ("S2", "60", "40")]


def bring(zones=ZONES, pairs=PAIRS, *, ids=("A", "B"), declared=DECLARED, digits=None):
    table = pd.DataFrame(zones, columns=["zone", "people", "income"], dtype=object)
    crosswalk = pd.DataFrame(pairs, columns=["old", "new", "share"], dtype=object)
    index = pd.Index(ids, name="neighbourhood")
    return bring_over(table, crosswalk, declared=declared, ids=index, origins=ORIGINS, digits=digits)


def columns(*arguments, **options):
    found = bring(*arguments, **options).columns
    return found["people"].tolist(), found["income"].tolist()


def told(found):
    return [(f.code, f.source, f.row, f.id) for f in found.findings]


NAN = pytest.approx(np.nan, nan_ok=True)


class TestWorked:
    def test_counts_move_with_the_people_and_rates_are_averaged_by_them(self):
        people, income = columns()
        assert people == [115.0, 45.0]
        assert income == [pytest.approx((100 * 20 + 15 * 40) / 115), 40.0]

    def test_it_is_on_the_neighbourhoods_with_a_fate_for_each_row(self):
        found = bring()
        assert found.columns.index.tolist() == ["A", "B"]
        assert found.columns.index.name == "neighbourhood"
        assert (found.findings, found.lost.to_dict()) == ([], {"people": 0.0})
        assert [s[["input", "row", "id", "status"]].to_numpy().tolist() for s in found.status] == [
            [["census_2015.csv", "row 2", "S1", "used"], ["census_2015.csv", "row 3", "S2", "used"]],
            [
                ["crosswalk.csv", "row 2", "S1 → A", "used"],
                ["crosswalk.csv", "row 3", "S2 → A", "used"],
                ["crosswalk.csv", "row 4", "S2 → B", "used"],
            ],
        ]

    def test_its_people_are_not_added_to_those_of_the_run(self):
        assert all(status["people"].isna().all() for status in bring().status)

    def test_a_count_that_moves_whole_keeps_every_bit(self):
        odd = 0.1 + 0.2
        found = bring([("S1", repr(odd), repr(odd)), ("S2", "7", "1e-3")], [("S1", "B", "1"), ("S2", "A", "1.0")])
        assert found.columns.loc["B"].tolist() == [odd, odd]
        assert found.columns.loc["A"].tolist() == [7.0, 1e-3]

    def test_equal_rates_stay_what_they_are(self):
        zones = [(f"S{i}", str(7 + i / 3), "0.1") for i in range(9)]
        pairs = [(f"S{i}", "A", "0.3") for i in range(9)] + [(f"S{i}", "B", "0.7") for i in range(9)]
        assert columns(zones, pairs)[1] == [0.1, 0.1]

    def test_a_rate_may_be_averaged_by_a_count_that_is_not_brought(self):
        declared = DECLARED.model_copy(update={"counts": ()})
        found = bring(declared=declared)
        assert list(found.columns) == ["income"]
        assert found.columns.loc["B", "income"] == 40.0

    def test_rates_may_be_below_zero(self):
        assert columns([("S1", "100", "-3"), ("S2", "60", "-3")])[1] == [-3.0, -3.0]

    def test_ids_are_read_as_elsewhere(self):
        people, _ = columns([(" S1", "100", "20"), ("S2", "60", "40")], ids=("A", "B"))
        assert people == [115.0, 45.0]
        pairs = [("S1", "6001", "1"), ("S2", "06001", "0.25"), ("S2", "6002", "0.75")]
        assert columns(pairs=pairs, ids=("06001", "06002"), digits=5)[0] == [115.0, 45.0]

    def test_thousands_and_missing_codes(self):
        declared = DECLARED.model_copy(update={"missing": (-9.0,)})
        found = bring([("S1", "1,000,000", "-9"), ("S2", "60", "40")], declared=declared)
        assert found.columns["people"].tolist() == [1_000_015.0, 45.0]
        assert found.columns["income"].tolist() == [40.0, 40.0]
        assert found.status[0]["status"].tolist() == ["repaired", "used"]

    def test_neighbourhoods_with_faults_of_their_own_are_passed_over(self):
        found = bring(ids=("A", "", "B", "A"))
        assert found.columns["people"].tolist() == [115.0, NAN, 45.0, 115.0]
        assert found.columns.index.tolist() == ["A", "", "B", "A"]
        assert found.findings == []


class TestMissing:
    def test_a_part_of_a_sum_is_no_sum(self):
        found = bring([("S1", "", "20"), ("S2", "60", "40")])
        assert found.columns["people"].tolist() == [NAN, 45.0]
        first = found.findings[0]
        assert str(first) == (
            "zones.gpkg, id A, column people: no count in S1 of census_2015.csv, of which it is made; its count is "
            "missing, not a part of it. Mend: supply the count there. [ES-CROSSWALK-COUNT]"
        )
        assert first.status == "flagged"

    def test_a_rate_is_averaged_over_the_known(self):
        found = bring([("S1", "100", ""), ("S2", "60", "40")])
        assert found.columns["people"].tolist() == [115.0, 45.0]
        assert found.columns["income"].tolist() == [40.0, 40.0]
        assert str(found.findings[0]) == (
            "zones.gpkg, id A, column income: no rate or no people in S1 of census_2015.csv, of which it is made; the "
            "mean is over the others. Mend: supply it there. [ES-CROSSWALK-RATE]"
        )

    def test_without_any_known_rate_there_is_none(self):
        found = bring([("S1", "100", "20"), ("S2", "60", "")])
        assert found.columns["income"].tolist() == [20.0, NAN]
        assert told(found) == [
            ("ES-CROSSWALK-RATE", "zones.gpkg", "", "A"),
            ("ES-CROSSWALK-RATE", "zones.gpkg", "", "B"),
        ]

    def test_a_rate_whose_count_is_missing_cannot_be_weighed(self):
        found = bring([("S1", "", "20"), ("S2", "60", "40")])
        assert found.columns["income"].tolist() == [40.0, 40.0]
        assert [f.column for f in found.findings] == ["people", "income"]

    def test_a_zone_where_nobody_lives_has_no_say(self):
        found = bring([("S1", "0", ""), ("S2", "60", "40")])
        assert found.columns["people"].tolist() == [15.0, 45.0]
        assert found.columns["income"].tolist() == [40.0, 40.0]
        assert found.findings == []

    def test_nobody_to_average_over(self):
        found = bring([("S1", "0", "20"), ("S2", "0", "40")])
        assert found.columns["people"].tolist() == [0.0, 0.0]
        assert found.columns["income"].tolist() == [NAN, NAN]
        assert [(f.code, f.id, f.status) for f in found.findings] == [
            ("ES-CROSSWALK-WEIGHT", "A", "flagged"),
            ("ES-CROSSWALK-WEIGHT", "B", "flagged"),
        ]
        assert "its zones in census_2015.csv have 0 people together; there is nothing" in str(found.findings[0])

    def test_a_share_of_0_brings_no_gap(self):
        found = bring([("S1", "", ""), ("S2", "60", "40")], [("S1", "A", "0"), ("S1", "B", "0"), *PAIRS[1:]])
        assert found.columns["people"].tolist() == [15.0, 45.0]

    def test_a_neighbourhood_that_gets_nothing(self):
        found = bring(ids=("A", "B", "C"))
        assert found.columns.loc["C"].tolist() == [NAN, NAN]
        assert str(found.findings[0]) == (
            "zones.gpkg, id C: nothing of census_2015.csv comes to it; its columns are missing. Mend: add its pairs to "
            "crosswalk.csv; none needed where nobody lives. [ES-CROSSWALK-NONE]"
        )

    def test_people_in_no_neighbourhood_are_told_with_their_number(self):
        found = bring(pairs=[("S1", "A", "1"), ("S2", "B", "0.75")])
        assert found.columns["people"].tolist() == [100.0, 45.0]
        assert found.lost.to_dict() == {"people": 15.0}
        assert str(found.findings[0]) == (
            "census_2015.csv, row 3, id S2: 25 % of its people are in no neighbourhood (people 15.0). Mend: none "
            "needed, if they live outside the city. [ES-CROSSWALK-LOST]"
        )
        assert found.status[0]["status"].tolist() == ["used", "flagged"]

    def test_shares_of_a_few_decimals_lose_nobody(self):
        found = bring(pairs=[("S1", "A", "1"), ("S2", "A", "0.3333335"), ("S2", "B", "0.6666664")])
        assert found.findings == []

    def test_a_zone_may_be_stated_to_be_elsewhere(self):
        found = bring(pairs=[("S1", "A", "1"), ("S2", "A", "0")], ids=("A",))
        assert found.columns["people"].tolist() == [100.0]
        assert told(found) == [("ES-CROSSWALK-LOST", "census_2015.csv", "row 3", "S2")]
        assert found.lost["people"] == 60.0


def refused(*arguments, **options):
    with pytest.raises(InputError, match="in the input") as caught:
        bring(*arguments, **options)
    assert {f.status for f in caught.value.findings} == {"refused"}
    return [(f.code, f.source, f.row, f.id, f.column, f.value) for f in caught.value.findings]


class TestFaults:
    @pytest.mark.parametrize("share", ["-0.25", "1.01", "75", "", None])
    def test_shares_are_from_0_to_1(self, share):
        found = refused(pairs=[*PAIRS[:2], ("S2", "B", share)])
        assert found == [("ES-CROSSWALK-SHARE", "crosswalk.csv", "row 4", "S2", "share", share or "")]

    def test_words_among_the_shares_are_told_once(self):
        found = refused(pairs=[*PAIRS[:2], ("S2", "B", "most")])
        assert found == [("ES-NUMBER-TEXT", "crosswalk.csv", "row 4", "S2", "share", "most")]

    def test_people_counted_more_than_once(self):
        with pytest.raises(
            InputError,
            match=r"crosswalk\.csv, row 3, id S2, column share: the shares of this zone add "
            r"to 1\.05 \(row 3, row 4\); its people would be counted more than once\. Mend: correct the "
            r"shares, so that they add to at most 1\.",
        ):
            bring(pairs=[*PAIRS[:1], ("S2", "A", "0.3"), ("S2", "B", "0.75")])

    def test_a_pair_twice(self):
        found = refused(pairs=[*PAIRS, ("S2 ", "B", "0.75")])
        assert found == [
            ("ES-CROSSWALK-PAIR", "crosswalk.csv", "row 4", "S2", "", "S2 → B"),
            ("ES-CROSSWALK-PAIR", "crosswalk.csv", "row 5", "S2", "", "S2 → B"),
        ]
        with pytest.raises(InputError, match=r"the pair stands in 2 rows \(row 4, row 5\)\. Mend: keep one row"):
            bring(pairs=[*PAIRS, ("S2", "B", "0.75")])

    def test_a_zone_of_the_crosswalk_that_the_table_lacks(self):
        found = refused(pairs=[*PAIRS, ("S9", "B", "1"), ("S9", "A", "0")])
        assert [one[:4] for one in found] == [
            ("ES-CROSSWALK-SOURCE", "crosswalk.csv", "row 5", "S9"),
            ("ES-CROSSWALK-SOURCE", "crosswalk.csv", "row 6", "S9"),
        ]
        with pytest.raises(InputError, match=r"no such zone in census_2015\.csv \(1 of 3 ids do not match\)"):
            bring(pairs=[*PAIRS, ("S9", "B", "1")])

    def test_a_zone_of_the_table_without_a_pair(self):
        found = refused([*ZONES, ("S3", "5", "1")])
        assert found == [("ES-CROSSWALK-NO-PAIR", "census_2015.csv", "row 4", "S3", "zone", "S3")]
        with pytest.raises(
            InputError, match=r"no pair in crosswalk\.csv; its people would be lost\. Mend: add its pairs"
        ):
            bring([*ZONES, ("S3", "0", "1")])

    def test_a_neighbourhood_that_does_not_exist(self):
        found = refused(pairs=[*PAIRS[:2], ("S2", "BB", "0.75")])
        assert found == [("ES-CROSSWALK-TARGET", "crosswalk.csv", "row 4", "BB", "new", "BB")]
        with pytest.raises(InputError, match=r"no such neighbourhood in zones\.gpkg \(1 of 2 ids do not match\)"):
            bring(pairs=[*PAIRS[:2], ("S2", "BB", "0.75")])

    @pytest.mark.parametrize(
        ("zone", "code", "column"),
        [
            (("", "5", "1"), "ES-ID-MISSING", "zone"),
            (("S2", "5", "1"), "ES-ID-DUPLICATE", "zone"),
            (("S3", "-5", "1"), "ES-COUNT-NEGATIVE", "people"),
            (("S3", "five", "1"), "ES-NUMBER-TEXT", "people"),
            (("S3", "5", "high"), "ES-NUMBER-TEXT", "income"),
        ],
    )
    def test_faults_of_the_table(self, zone, code, column):
        pairs = [*PAIRS, ("S3", "B", "1")] if zone[0] == "S3" else PAIRS
        found = refused([*ZONES, zone], pairs)
        assert (code, "census_2015.csv", "row 4", column) in [(c, s, r, k) for c, s, r, _, k, _ in found]
        assert {one[0] for one in found} == {code}

    @pytest.mark.parametrize(("pair", "column"), [(("", "B", "0"), "old"), (("S1", None, "0"), "new")])
    def test_a_pair_without_an_id(self, pair, column):
        assert [(f[0], f[2], f[4]) for f in refused(pairs=[*PAIRS, pair])] == [("ES-ID-MISSING", "row 5", column)]

    def test_everything_at_once(self):
        found = refused([*ZONES, ("S1", "x", "1")], [*PAIRS, ("S2", "B", "2"), ("S7", "C", "1")])
        assert {one[0] for one in found} == {
            "ES-ID-DUPLICATE",
            "ES-NUMBER-TEXT",
            "ES-CROSSWALK-SHARE",
            "ES-CROSSWALK-PAIR",
            "ES-CROSSWALK-SOURCE",
            "ES-CROSSWALK-TARGET",
        }

    def test_missing_columns_of_both_files(self):
        declared = DECLARED.model_copy(update={"counts": ("peeple",), "share": "part"})
        with pytest.raises(InputError, match="2 faults") as caught:
            bring(declared=declared)
        assert [(f.source, f.column) for f in caught.value.findings] == [
            ("census_2015.csv", "peeple"),
            ("crosswalk.csv", "part"),
        ]

    def test_what_does_not_add_up_stops_the_run(self, monkeypatch):
        monkeypatch.setattr(earlier, "BALANCE", -1.0)
        with pytest.raises(EquityScreenError, match="people: 160 brought over and 0 lost do not add up to 160"):
            bring()


@st.composite
def censuses(draw):
    """Zones with counts and rates, and their people shared out over three neighbourhoods and elsewhere."""
    number = draw(st.integers(1, 6))
    zones, pairs = [], []
    for i in range(number):
        people, income = draw(st.integers(0, 10_000)) / 8, draw(st.integers(-500, 500)) / 4
        zones.append((f"S{i}", repr(people), repr(income)))
        parts = draw(st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any))
        pairs += [(f"S{i}", "ABC"[j], repr(parts[j] / sum(parts))) for j in range(3)]
    return zones, pairs


class TestLaws:
    @given(censuses(), st.randoms(use_true_random=False))
    def test_the_order_of_rows_changes_no_bit(self, census, random):
        zones, pairs = census
        found = bring(zones, pairs, ids=("A", "B", "C")).columns
        for rows in (zones, pairs):
            random.shuffle(rows)
        assert bring(zones, pairs, ids=("C", "A", "B")).columns.sort_index().equals(found)

    @given(censuses())
    def test_against_exact_fractions_pair_by_pair(self, census):
        zones, pairs = census
        found = bring(zones, pairs, ids=("A", "B", "C"))
        people = {zone: Fraction(float(count)) for zone, count, _ in zones}
        income = {zone: Fraction(float(rate)) for zone, _, rate in zones}
        for place in "ABC":
            shares = {zone: Fraction(float(share)) for zone, new, share in pairs if new == place}
            if not any(shares.values()):
                assert found.columns.loc[place].isna().all()
                continue
            count = sum(share * people[zone] for zone, share in shares.items())
            assert found.columns.loc[place, "people"] == pytest.approx(float(count), rel=1e-12)
            total = sum(share * people[zone] * income[zone] for zone, share in shares.items())
            wanted = float(total / count) if count else np.nan
            assert found.columns.loc[place, "income"] == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)
        whole = float(sum(people.values()))
        assert found.columns["people"].sum() + found.lost["people"] == pytest.approx(whole, rel=1e-9, abs=1e-9)


@given(
    st.lists(st.sampled_from(["A", " A", "a\u030a", "", None, "1E+05", "7", 7, 7.0, float("nan")]), max_size=12),
    st.sampled_from([None, 3]),
)
def test_repeated_ids_are_read_as_ids_are_but_for_doubles(values, digits):
    raw = pd.Series(values, name="id", dtype=object)
    ids, findings = repeated_ids(raw, ORIGINS[1], digits=digits)
    expected, told = clean_ids(raw, ORIGINS[1], digits=digits)
    assert ids.tolist() == expected.tolist()
    assert findings == [f for f in told if f.code != "ES-ID-DUPLICATE"]

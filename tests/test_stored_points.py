"""Stored points: their order, the numbers they keep, and the file, whole or refused."""

from __future__ import annotations

import json
import os

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from equity_screen.errors import InputError, OutputError, UsageError
from equity_screen.stored_points import BAND, PointStore, band_of, open_points, point_store, write_points

FIELDS = ("key", "xyz", "row", "table")
SITE = np.array([[12.5, 55.7]])


def people(*counts):
    return pd.DataFrame({"people": np.array(counts, dtype=float)})


def eastwards(*steps):
    """Places on one parallel, so many thousandths of a degree from the first."""
    return np.column_stack([12.5 + np.array(steps, dtype=float) / 1000, np.full(len(steps), 55.7)])


def test_bands_are_counted_from_the_equator():
    assert band_of(np.array([-1.5, -0.5, 0.5, 1.5]) * BAND).tolist() == [-2, -1, 0, 1]


class TestStore:
    def test_says_its_size_in_one_line(self):
        places = np.array([[12.6, 55.7], [12.5, 55.7]])
        assert repr(point_store(places, people(5, 30))) == "PointStore(2 points; people)"

    def test_is_sorted_and_cannot_be_changed(self):
        homes = point_store(eastwards(2000, 0, 1000), people(1, 2, 3))
        assert (np.diff(homes.key) >= 0).all()
        assert homes.row.tolist() == [1, 2, 0]
        assert len(homes) == 3
        with pytest.raises(ValueError, match="read-only"):
            homes.table[0] = 0

    def test_equal_places_are_ordered_by_their_values(self):
        homes = point_store(np.repeat(SITE, 3, axis=0), people(7, 1, 7))
        assert homes.table[:, 0].tolist() == [1, 7, 7]
        assert homes.row.tolist() == [1, 0, 2]

    def test_one_band_at_one_longitude_is_ordered_by_latitude(self):
        homes = point_store(np.array([[12.5, 55.7], [12.5, 55.6999], [12.5, 55.6998]]), people(1, 2, 3))
        assert homes.row.tolist() == [2, 1, 0]

    def test_single_precision_is_kept_and_all_else_is_double(self):
        single = point_store(SITE, pd.DataFrame({"a": np.float32([0.5]), "b": np.float32([0.1])}))
        assert single.table.dtype == np.float32
        mixed = point_store(SITE, pd.DataFrame({"a": np.float32([0.5]), "b": pd.array([16_777_217], dtype="Int64")}))
        assert (mixed.table.dtype, mixed.table.tolist()) == (np.float64, [[0.5, 16_777_217.0]])

    def test_any_order_of_the_rows_gives_the_same_points(self):
        rng = np.random.default_rng(4)
        places = np.round(rng.uniform(-0.02, 0.02, (300, 2)), 3)
        table = pd.DataFrame(rng.integers(0, 3, (300, 2)) * 1.0, columns=["a", "b"])
        order = rng.permutation(300)
        one, other = point_store(places, table), point_store(places[order], table.iloc[order].reset_index(drop=True))
        assert [getattr(one, f).tobytes() for f in FIELDS if f != "row"] == [
            getattr(other, f).tobytes() for f in FIELDS if f != "row"
        ]
        assert (places[one.row] == places[order][other.row]).all()

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (people(1, 2), "1 points and 2 rows"),
            (people(np.nan), "missing or infinite values in people"),
            (people(np.inf), "missing or infinite values in people"),
            (pd.DataFrame({"people": pd.array([None], dtype="Int64")}), "missing or infinite values in people"),
            (pd.DataFrame({"name": ["x"]}), "no numbers in name"),
            (pd.DataFrame([[1, 2]], columns=["a", "a"]), "not unique"),
            (pd.DataFrame([[1]]), "not texts"),
        ],
    )
    def test_values_that_cannot_be_summed(self, values, message):
        with pytest.raises(UsageError, match=message):
            point_store(SITE, values)

    def test_points_and_values_on_different_rows(self):
        homes = gpd.GeoSeries.from_xy([12.5], [55.7], index=["A"], crs=4326)
        with pytest.raises(UsageError, match="not the same rows"):
            point_store(homes, people(1))


def same_store(one: PointStore, other: PointStore) -> bool:
    return one.columns == other.columns and all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in FIELDS
    )


@pytest.fixture
def stored(tmp_path):
    """Write three homes into a file."""
    homes = point_store(eastwards(0, 10, 20), people(1, 2, 3).assign(å=[4.0, 5.0, 6.0]))
    write_points(homes, tmp_path / "homes.points")
    return homes, tmp_path / "homes.points"


class TestFile:
    def test_opens_as_it_was_written(self, stored):
        homes, path = stored
        again = open_points(str(path))
        assert same_store(homes, again)
        assert again.columns == ("people", "å")
        assert again.table.tolist() == [[1, 4], [2, 5], [3, 6]]
        assert not again.table.flags.writeable

    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    @pytest.mark.parametrize("count", [0, 1, 5])
    def test_any_number_of_points(self, count, kind, tmp_path):
        homes = point_store(eastwards(*range(count)), people(*range(count)).astype(kind))
        write_points(homes, tmp_path / "a")
        assert same_store(homes, open_points(tmp_path / "a"))
        assert open_points(tmp_path / "a").table.dtype == kind

    def test_equal_stores_give_equal_bytes_and_nothing_else_is_left(self, stored):
        homes, path = stored
        before = path.read_bytes()
        write_points(homes, path)
        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == ["homes.points"]

    def test_a_file_may_be_replaced_while_it_is_open(self, stored):
        homes, path = stored
        again = open_points(path)
        write_points(again, path)
        assert same_store(open_points(path), homes)

    @pytest.mark.parametrize("content", [b"", b"lon,lat\n12.5,55.7\n", b"PK" + bytes(400), b"ESPOINTS"])
    def test_another_kind_of_file_is_refused(self, content, tmp_path):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(InputError, match=r"a: cannot be read \(no file of stored points\)\. Mend: .*UNREADABLE"):
            open_points(tmp_path / "a")

    def test_a_folder_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="ES-FILE-UNREADABLE"):
            open_points(tmp_path)

    def test_no_file(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            open_points(tmp_path / "a")

    def test_a_file_cut_short_or_longer_is_refused(self, stored):
        _, path = stored
        whole = path.read_bytes()
        for content in (whole[:-1], whole[:-64], whole[:100], whole + bytes(64), whole + b"x"):
            path.write_bytes(content)
            with pytest.raises(InputError, match="cut short or damaged"):
                open_points(path)

    def test_any_changed_byte_is_seen(self, stored):
        _, path = stored
        whole = path.read_bytes()
        for at in [*range(24), *range(64, len(whole))]:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1 :])
            with pytest.raises(InputError, match="ES-FILE-UNREADABLE"):
                open_points(path)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"version": 2}, "version 2, where 1 is known"),
            ({"count": 2}, "damaged"),
            ({"kind": "datetime"}, "cannot be"),
        ],
    )
    def test_a_whole_file_that_says_something_else(self, changed, message, stored):
        _, path = stored
        whole = path.read_bytes()
        length = int.from_bytes(whole[8:16], "little")
        said = {**json.loads(whole[64 : 64 + length]), **changed}
        body = json.dumps(said).encode().ljust(length) + whole[64 + length :]
        words = np.frombuffer(body, dtype="<u8").sum(dtype=np.uint64)
        path.write_bytes(whole[:16] + int(words).to_bytes(8, "little") + whole[24:64] + body)
        with pytest.raises(InputError, match=message):
            open_points(path)

    def test_a_folder_that_is_not_there(self, stored):
        homes, path = stored
        with pytest.raises(OutputError, match=r"cannot write .*nowhere"):
            write_points(homes, path.parent / "nowhere" / "a")

    def test_a_full_disk_leaves_the_old_file(self, stored, monkeypatch):
        homes, path = stored

        def full(_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        before = path.read_bytes()
        with pytest.raises(OutputError, match="No space left"):
            write_points(homes, path)
        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == ["homes.points"]


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, 9)), max_size=20))
def test_a_file_keeps_every_bit(tmp_path_factory, rows):
    places, values = np.array([row[:2] for row in rows]).reshape(-1, 2), people(*(row[2] for row in rows))
    store, path = point_store(places, values), tmp_path_factory.mktemp("law") / "a"
    write_points(store, path)
    assert same_store(store, open_points(path))

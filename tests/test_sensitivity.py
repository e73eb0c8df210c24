"""Shares of variance; the sums are done in the head, the Ishigami function is published."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pandas as pd
import pytest

from equity_screen.errors import UsageError
from equity_screen.sensitivity import chosen, sobol_shares

SIDES = {"a": (0.0, 1.0), "b": (0.0, 3.0)}


@pytest.fixture
def salib():
    return pytest.importorskip("SALib")


def added(x):
    return x.sum(axis=1)


# In the head


@pytest.mark.usefixtures("salib")
def test_a_sum_of_a_narrow_and_a_wide_factor():
    """Variances of 1/12 and 9/12; nothing together."""
    found = sobol_shares(added, bounds=SIDES, seed=1)
    assert found["total"].to_dict() == pytest.approx({"a": 0.1, "b": 0.9}, abs=0.01)
    assert found["first_order"].to_dict() == pytest.approx({"a": 0.1, "b": 0.9}, abs=0.01)
    assert (found[["first_order_margin", "total_margin"]] < 0.1).all(axis=None)


@pytest.mark.usefixtures("salib")
def test_a_product_around_zero_works_only_together():
    around = {"a": (-1.0, 1.0), "b": (-1.0, 1.0)}
    found = sobol_shares(lambda x: x[:, 0] * x[:, 1], bounds=around, seed=1, base=4096)
    assert found["first_order"].tolist() == pytest.approx([0.0, 0.0], abs=0.02)
    assert found["total"].tolist() == pytest.approx([1.0, 1.0], abs=0.03)


@pytest.mark.usefixtures("salib")
def test_one_of_several_choices():
    """Three choices worth 0, 1 and 2: variance 2/3; a factor beside them of 1/12."""
    found = sobol_shares(lambda x: chosen(x[:, 0], 3) + x[:, 1], bounds={"way": (0, 1), "b": (0, 1)}, seed=1)
    assert found["total"].tolist() == pytest.approx([8 / 9, 1 / 9], abs=0.01)


@pytest.mark.usefixtures("salib")
def test_what_does_not_vary_has_no_shares():
    assert sobol_shares(lambda x: np.ones(len(x)), bounds=SIDES, seed=1).isna().all(axis=None)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.usefixtures("salib")
def test_a_seed_gives_the_same_shares_and_margins(seed):
    first, again = (sobol_shares(added, bounds=SIDES, seed=seed, base=64) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(sobol_shares(added, bounds=SIDES, seed=seed + 1, base=64))


@pytest.mark.usefixtures("salib")
def test_no_global_state_of_random_numbers_is_touched():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    sobol_shares(added, bounds=SIDES, seed=0, base=64)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


# Published


@pytest.mark.shared
@pytest.mark.usefixtures("salib")
def test_ishigami(shared_data):
    """Ishigami & Homma (1990): sin x₁ + 7 sin² x₂ + 0.1 x₃⁴ sin x₁."""
    expected = json.loads((shared_data.parent / "golden" / "golden.json").read_text(encoding="utf-8"))["published"][
        "ishigami"
    ]

    def ishigami(x):
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    found = sobol_shares(ishigami, bounds=dict.fromkeys("abc", (-np.pi, np.pi)), base=8192, seed=2030)
    assert found["first_order"].tolist() == pytest.approx(expected["S1"], abs=0.01)
    assert found["total"].tolist() == pytest.approx(expected["ST"], abs=0.01)


# Choices


def test_choices_are_equally_wide():
    numbers = (np.arange(1000) + 0.5) / 1000
    assert np.bincount(chosen(numbers, 4)).tolist() == [250] * 4
    assert chosen(np.array([1.0, np.nextafter(1.0, 0.0)]), 3).tolist() == [2, 2]


@pytest.mark.parametrize(("numbers", "choices"), [([0.5], 0), ([1.5], 2), ([-0.1], 2), ([np.nan], 2)])
def test_choices_that_are_none(numbers, choices):
    with pytest.raises(UsageError, match="numbers from 0 to 1"):
        chosen(np.array(numbers), choices)


# Faults


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bounds": {}}, "no factor"),
        ({"bounds": {"a": (1.0, 1.0)}}, "bounds of a: give the least value"),
        ({"bounds": {"a": (0.0, np.inf)}}, "bounds of a: give the least value"),
        ({"base": 1000}, "base 1000 is no power of 2"),
        ({"base": 0}, "base 0 is no power of 2"),
        ({"seed": -1}, "seed -1 is negative"),
    ],
)
def test_faults(given, message):
    with pytest.raises(UsageError, match=message):
        sobol_shares(added, **({"bounds": SIDES, "seed": 1} | given))


@pytest.mark.usefixtures("salib")
def test_results_of_another_shape_or_undefined():
    with pytest.raises(UsageError, match="one number for each run"):
        sobol_shares(lambda x: x, bounds=SIDES, seed=1, base=64)
    with pytest.raises(UsageError, match="undefined in 256 of 256 runs"):
        sobol_shares(lambda x: x[:, 0] * np.nan, bounds=SIDES, seed=1, base=64)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(UsageError, match=r"pip install equity-screen\[sensitivity\]"):
        sobol_shares(added, bounds=SIDES, seed=1)

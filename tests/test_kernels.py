"""Weights by distance: doable in the head, then what is refused, then laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from equity_screen.errors import UsageError
from equity_screen.kernels import Kernel

STEP = Kernel(kind="step", cut_off_m=400)
LINEAR = Kernel(kind="linear", cut_off_m=400)
EXPONENTIAL = Kernel(kind="exponential", scale_m=300)
GAUSSIAN = Kernel(kind="gaussian", scale_m=300)
INVERSE = Kernel(kind="inverse", floor_m=50, cut_off_m=5000)
EVERY = [STEP, LINEAR, EXPONENTIAL, GAUSSIAN, INVERSE]


@pytest.mark.parametrize(
    ("kernel", "distances", "weights"),
    [
        (STEP, [0, 399, 400, 400.001], [1, 1, 1, 0]),
        (LINEAR, [0, 100, 400, 500], [1, 0.75, 0, 0]),
        (EXPONENTIAL, [0, 300, 600], [1, math.exp(-1), math.exp(-2)]),
        (GAUSSIAN, [0, 300, 600], [1, math.exp(-0.5), math.exp(-2)]),
        (INVERSE, [0, 50, 100, 1000, 5000, 5001], [20, 20, 10, 1, 0.2, 0]),
        (Kernel(kind="exponential", scale_m=300, cut_off_m=300), [300, 301], [math.exp(-1), 0]),
        (Kernel(kind="gaussian", scale_m=300, cut_off_m=300), [300, 301], [math.exp(-0.5), 0]),
        (Kernel(kind="inverse", floor_m=50), [1e6], [0.001]),
    ],
    ids=["step", "linear", "exponential", "gaussian", "inverse", "cut exponential", "cut gaussian", "endless"],
)
def test_weights_by_hand(kernel, distances, weights):
    assert kernel.weights(distances).tolist() == pytest.approx(weights, rel=1e-15)


@pytest.mark.parametrize("kernel", EVERY, ids=lambda kernel: kernel.kind)
class TestEvery:
    def test_keeps_the_shape_and_what_is_unknown(self, kernel):
        weights = kernel.weights([[0.0, np.nan], [np.inf, 10.0]])
        assert weights.shape == (2, 2)
        assert np.isnan(weights).tolist() == [[False, True], [False, False]]
        assert weights[1, 0] == 0

    def test_of_nothing_is_nothing(self, kernel):
        assert kernel.weights([]).shape == (0,)
        assert kernel.weights(0.0).shape == ()

    def test_distances_below_zero_are_refused(self, kernel):
        with pytest.raises(UsageError, match="a distance of -1 m"):
            kernel.weights([5.0, -1.0])

    def test_leaves_the_distances_as_they_were(self, kernel):
        distances = np.array([0.0, 100.0, 9000.0])
        kernel.weights(distances)
        assert distances.tolist() == [0.0, 100.0, 9000.0]

    def test_says_what_each_key_is(self, kernel):
        assert all(field.description for field in type(kernel).model_fields.values())


@pytest.mark.parametrize("kind", ["exponential", "gaussian"])
def test_nothing_is_left_very_far_away(kind):
    assert Kernel(kind=kind, scale_m=0.001).weights(1e308) == 0


def test_reach_is_the_cut_off():
    assert [kernel.reach_m for kernel in EVERY] == [400, 400, np.inf, np.inf, 5000]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"kind": "step"}, "step needs cut_off_m"),
        ({"kind": "linear", "scale_m": 300}, "linear needs cut_off_m; linear has no scale_m"),
        ({"kind": "exponential", "cut_off_m": 300}, "exponential needs scale_m"),
        ({"kind": "gaussian", "scale_m": 300, "floor_m": 5}, "gaussian has no floor_m"),
        ({"kind": "inverse"}, "inverse needs floor_m"),
        ({"kind": "inverse", "floor_m": 0}, "greater than or equal to 0.001"),
        ({"kind": "inverse", "floor_m": 60, "cut_off_m": 50}, "floor_m 60 lies beyond cut_off_m 50"),
        ({"kind": "exponential", "scale_m": -3}, "greater than or equal to 0.001"),
        ({"kind": "exponential", "scale_m": math.inf}, "finite number"),
        ({"kind": "step", "cut_off_m": 0}, "greater than 0"),
        ({"kind": "power", "scale_m": 2}, "Input should be 'step'"),
        (
            {"kind": "step", "cut_off_m": 5, "radius": 5},
            "a kernel has no radius; it has kind, scale_m, floor_m, cut_off_m",
        ),
        ({"kernel": "linear", "distance_m": 5}, "a kernel has no distance_m, kernel; it has kind, scale_m"),
    ],
)
def test_a_declaration_of_no_or_two_meanings_is_refused(declared, said):
    with pytest.raises(ValidationError, match=said):
        Kernel.model_validate(declared)


def test_is_frozen():
    with pytest.raises(ValidationError, match="Instance is frozen"):
        STEP.cut_off_m = 500


@given(st.lists(st.floats(0, 1e300), max_size=20), st.sampled_from(EVERY))
def test_weights_never_rise_with_distance_and_end_at_the_reach(distances, kernel):
    weights = kernel.weights(np.sort(distances))
    assert (np.diff(weights) <= 0).all()
    assert (weights >= 0).all()
    assert (weights <= kernel.weights(0.0)).all()
    assert (weights[np.sort(distances) > kernel.reach_m] == 0).all()


@given(st.floats(1, 1e5), st.floats(0.01, 100), st.sampled_from(["exponential", "gaussian"]))
def test_only_the_distance_in_scales_matters(distance, times, kind):
    one, other = (Kernel(kind=kind, scale_m=300 * k).weights(distance * k) for k in (1.0, times))
    assert one == pytest.approx(other, rel=1e-9, abs=1e-300)

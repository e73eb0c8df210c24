"""What each reach must be told, and what it does not use."""

from __future__ import annotations

import pytest

from equity_screen.reaches import (
    FROM_THE_ACTION,
    KERNEL_WORDS,
    KERNELS,
    OWN_PLACE,
    REACH_KEYS,
    REACH_WORDS,
    REACHES,
    missing_keys,
    reach_words,
    unused_keys,
)


@pytest.mark.parametrize(
    ("reach", "kernel", "needed"),
    [
        ("footprint", "", []),
        ("citywide", "", []),
        ("within", "", ["distance_m"]),
        ("ring", "", ["distance_m", "inner_m"]),
        ("decay", "", ["distance_m", "kernel"]),
        ("decay", "linear", ["distance_m", "kernel"]),
        ("decay", "exponential", ["distance_m", "kernel", "scale_m"]),
        ("decay", "gaussian", ["distance_m", "kernel", "scale_m"]),
        ("decay", "inverse", ["distance_m", "kernel", "floor_m"]),
        ("area", "", ["layer"]),
        ("raster", "", ["layer"]),
        ("travel", "", ["layer", "minutes"]),
    ],
)
def test_what_a_reach_needs(reach, kernel, needed):
    assert missing_keys(reach, kernel, given=()) == needed
    assert missing_keys(reach, kernel, given=needed) == []


@pytest.mark.parametrize(
    ("reach", "kernel", "unused"),
    [
        ("footprint", "", [*REACH_KEYS[:-2]]),
        ("within", "", ["inner_m", "kernel", "scale_m", "floor_m", "layer", "layer_id", "minutes"]),
        ("ring", "", ["kernel", "scale_m", "floor_m", "layer", "layer_id", "minutes"]),
        ("decay", "linear", ["inner_m", "scale_m", "floor_m", "layer", "layer_id", "minutes"]),
        ("decay", "gaussian", ["inner_m", "floor_m", "layer", "layer_id", "minutes"]),
        ("decay", "inverse", ["inner_m", "scale_m", "layer", "layer_id", "minutes"]),
        ("area", "", ["distance_m", "inner_m", "kernel", "scale_m", "floor_m"]),
        ("raster", "", ["distance_m", "inner_m", "kernel", "scale_m", "floor_m", "layer_id", "minutes"]),
        ("travel", "", ["distance_m", "inner_m", "kernel", "scale_m", "floor_m", "layer_id"]),
    ],
)
def test_what_a_reach_does_not_use(reach, kernel, unused):
    of_rasters = [] if reach == "raster" else ["band", "nodata"]
    assert unused_keys(reach, kernel, given=REACH_KEYS) == [*unused, *of_rasters]
    assert unused_keys(reach, kernel, given=()) == []


def test_of_a_word_that_is_not_known_nothing_is_said():
    assert missing_keys("near", "", given=()) == unused_keys("near", "", given=REACH_KEYS) == []
    assert missing_keys("decay", "cubic", given=()) == ["distance_m", "kernel"]
    assert "scale_m" not in unused_keys("decay", "cubic", given=REACH_KEYS)


@pytest.mark.parametrize("kernel", KERNEL_WORDS)
@pytest.mark.parametrize("reach", REACH_WORDS)
def test_what_is_needed_is_used(reach, kernel):
    assert unused_keys(reach, kernel, given=missing_keys(reach, kernel, given=())) == []


def test_every_word_is_declared_once():
    assert set(REACHES) == set(REACH_WORDS)
    assert set(KERNELS) | {""} == set(KERNEL_WORDS)
    assert FROM_THE_ACTION.isdisjoint(OWN_PLACE)
    assert {"footprint", "citywide", *FROM_THE_ACTION, *OWN_PLACE} == set(REACHES)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reach": "footprint"}, "its own footprint"),
        ({"reach": "within", "distance_m": 1500.0}, "within 1,500 m"),
        ({"reach": "ring", "inner_m": 100.0, "distance_m": 300.0}, "from 100 m to 300 m"),
        ({"reach": "area", "layer": "a.gpkg"}, "the areas of a.gpkg"),
        ({"reach": "area", "layer": "a.gpkg", "minutes": 15.0}, "the areas of a.gpkg within 15 minutes"),
        ({"reach": "raster", "layer": "a.tif"}, "the cells of a.tif"),
        ({"reach": "raster", "layer": "a.tif", "band": "2"}, "the cells of a.tif, band 2"),
        ({"reach": "travel", "layer": "a.csv", "minutes": 15.0}, "within 15 minutes by a.csv"),
        ({"reach": "citywide", "uptake": "a=0.5"}, "the whole city, taken up by a=0.5"),
        (
            {"reach": "decay", "kernel": "linear", "distance_m": 300.0},
            "fading with distance (linear) up to 300 m",
        ),
        (
            {"reach": "decay", "kernel": "gaussian", "scale_m": 90.0, "distance_m": 300.0},
            "fading with distance (gaussian, scale 90 m) up to 300 m",
        ),
        (
            {"reach": "decay", "kernel": "inverse", "floor_m": 50.0, "distance_m": 300.0},
            "fading with distance (inverse, floor 50 m) up to 300 m",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_reach_in_words(given, said):
    blank = dict.fromkeys(REACH_KEYS, float("nan")) | {"kernel": "", "layer": "", "uptake": ""}
    assert reach_words(blank | given) == said

"""The ways in which an effect reaches people, and what each of them must be told."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

ReachWord = Literal["footprint", "within", "ring", "decay", "area", "raster", "travel", "citywide"]
KernelWord = Literal["", "exponential", "gaussian", "inverse", "linear"]
REACH_WORDS: tuple[str, ...] = get_args(ReachWord)
KERNEL_WORDS: tuple[str, ...] = get_args(KernelWord)
# Reaches that are measured from the place of the action, and those that come with a place of their own.
FROM_THE_ACTION = frozenset({"within", "ring", "decay"})
OWN_PLACE = frozenset({"area", "raster", "travel"})
TAKEN_UP = ", taken up by "


class Keys(NamedTuple):
    """Columns of an effect that a reach needs, and those that it may have besides."""

    needed: tuple[str, ...]
    allowed: tuple[str, ...] = ()


REACHES: Mapping[str, Keys] = MappingProxyType(
    {
        "footprint": Keys(()),
        "within": Keys(("distance_m",)),
        "ring": Keys(("inner_m", "distance_m")),
        "decay": Keys(("kernel", "distance_m"), ("scale_m", "floor_m")),
        "area": Keys(("layer",), ("layer_id", "minutes")),
        "raster": Keys(("layer",), ("band", "nodata")),
        "travel": Keys(("layer", "minutes")),
        "citywide": Keys(()),
    }
)
KERNELS: Mapping[str, Keys] = MappingProxyType(
    {
        "exponential": Keys(("scale_m",)),
        "gaussian": Keys(("scale_m",)),
        "inverse": Keys(("floor_m",)),
        "linear": Keys(()),
    }
)
REACH_KEYS = ("distance_m", "inner_m", "kernel", "scale_m", "floor_m", "layer", "layer_id", "minutes", "band", "nodata")


def missing_keys(reach: str, kernel: str, *, given: Collection[str]) -> list[str]:
    """Name what a reach needs and was not given.

    Parameters
    ----------
    reach, kernel : str
        Words of an effect; a word not known needs nothing.
    given : collection of str
        Columns of :data:`REACH_KEYS` that hold something.

    Returns
    -------
    list of str
        Columns, in the order of :data:`REACH_KEYS`.

    Examples
    --------
    >>> missing_keys("decay", "gaussian", given={"kernel", "distance_m"})
    ['scale_m']
    """
    needed = {*_keys(REACHES, reach).needed, *(_keys(KERNELS, kernel).needed if reach == "decay" else ())}
    return [key for key in REACH_KEYS if key in needed and key not in given]


def unused_keys(reach: str, kernel: str, *, given: Collection[str]) -> list[str]:
    """Name what was given and a reach does not use.

    Parameters
    ----------
    reach, kernel : str
        Words of an effect; a word not known leaves nothing unused.
    given : collection of str
        Columns of :data:`REACH_KEYS` that hold something.

    Returns
    -------
    list of str
        Columns, in the order of :data:`REACH_KEYS`.

    Examples
    --------
    >>> unused_keys("within", "", given={"distance_m", "minutes"})
    ['minutes']
    """
    if reach not in REACHES:
        return []
    keys = REACHES[reach]
    used = {*keys.needed, *keys.allowed}
    if reach == "decay" and kernel in KERNELS:
        used -= {"scale_m", "floor_m"} - set(KERNELS[kernel].needed)
    return [key for key in REACH_KEYS if key in given and key not in used]


def _keys(known: Mapping[str, Keys], word: str) -> Keys:
    return known.get(word, Keys(()))


def reach_words(effect: Mapping[str, Any]) -> str:
    """Say how far an effect reaches.

    Parameters
    ----------
    effect : mapping of str to object
        Reach, the columns of :data:`REACH_KEYS` and uptake.

    Returns
    -------
    str
        A few words.

    Examples
    --------
    >>> reach_words({"reach": "within", "distance_m": 800.0, "uptake": ""})
    'within 800 m'
    >>> reach_words({"reach": "citywide", "uptake": "renters=0.1"})
    'the whole city, taken up by renters=0.1'
    """
    reach = _WORDS[str(effect["reach"])](effect)
    return f"{reach}{TAKEN_UP}{effect['uptake']}" if effect.get("uptake") else reach


def _plain(value: float) -> str:
    return f"{value:,.10g}"


def _metres(effect: Mapping[str, Any], key: str) -> str:
    return f"{_plain(float(effect[key]))} m"


def _decay(effect: Mapping[str, Any]) -> str:
    lengths = {"scale_m": "scale", "floor_m": "floor"}
    said = [f"{word} {_metres(effect, key)}" for key, word in lengths.items() if effect[key] == effect[key]]
    return f"fading with distance ({', '.join([str(effect['kernel']), *said])}) up to {_metres(effect, 'distance_m')}"


def _minutes(effect: Mapping[str, Any]) -> str:
    minutes = float(effect.get("minutes", math.nan))
    return "" if math.isnan(minutes) else f" within {_plain(minutes)} minutes"


def _band(effect: Mapping[str, Any]) -> str:
    band = effect.get("band", "")
    return f", band {band}" if band and band == band else ""  # noqa: PLR0124 - a blank may be NaN


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "footprint": lambda _: "its own footprint",
        "within": lambda effect: f"within {_metres(effect, 'distance_m')}",
        "ring": lambda effect: f"from {_metres(effect, 'inner_m')} to {_metres(effect, 'distance_m')}",
        "decay": _decay,
        "area": lambda effect: f"the areas of {effect['layer']}{_minutes(effect)}",
        "raster": lambda effect: f"the cells of {effect['layer']}{_band(effect)}",
        "travel": lambda effect: f"within {_plain(float(effect['minutes']))} minutes by {effect['layer']}",
        "citywide": lambda _: "the whole city",
    }
)

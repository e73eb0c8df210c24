"""Kinds of action that climate plans have, and how far each usually reaches by a published source."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from equity_screen.errors import UsageError
from equity_screen.reaches import REACH_KEYS, KernelWord, ReachWord, unused_keys
from equity_screen.recipe import Declaration
from equity_screen.text import did_you_mean

NO_DISTANCE = "no usual distance found; state your own"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
Declared = TypeVar("Declared", bound=Declaration)


class Lengths(Declaration):
    """How far something reaches; what its reach does not need stays away.

    Examples
    --------
    >>> Lengths(distance_m=400).distance_high_m is None
    True
    """

    distance_m: float | None = Field(
        None, gt=0, description="reach within: how far; ring: its outer edge; decay: the cut-off [m]"
    )
    distance_low_m: float | None = Field(None, gt=0, description="shortest distance in the sources [m]")
    distance_high_m: float | None = Field(None, gt=0, description="longest distance in the sources [m]")
    inner_m: float | None = Field(None, gt=0, description="reach ring: its inner edge [m]")
    kernel: KernelWord = Field("", description="reach decay: how the effect fades with distance")
    scale_m: float | None = Field(None, gt=0, description="exponential and gaussian: length of the fading [m]")
    floor_m: float | None = Field(None, gt=0, description="inverse: nothing counts as nearer than this [m]")
    minutes: float | None = Field(None, gt=0, description="reach travel: people so near are in reach [minutes]")
    measured: Literal["", "straight line", "walking network", "not stated"] = Field(
        "", description="how the source measures the distance; this package measures straight lines"
    )
    note: str = Field("", description="what the distance means, and what it leaves out")

    @model_validator(mode="after")
    def _range_around_distance(self) -> Lengths:
        known = [x for x in (self.distance_low_m, self.distance_m, self.distance_high_m) if x is not None]
        if known and self.distance_m is None:
            msg = "distance_low_m and distance_high_m go with distance_m"
            raise ValueError(msg)
        if known != sorted(known):
            msg = "distances run from distance_low_m over distance_m to distance_high_m"
            raise ValueError(msg)
        return self


class Kind(Lengths):
    """A kind of action, its usual reach and the source of that; never an amount of effect.

    Examples
    --------
    >>> Kind(label="Bench", reach="within", distance_m=150, source="City standard 2024, p. 3").checked
    'project'
    """

    label: str = Field(min_length=1, description="name in reports")
    reach: ReachWord = Field(description="where its effects usually land")
    source: str = Field("", description="publication of the distance, with its year")
    checked: Literal["read", "secondary", "none", "project"] = Field(
        "project",
        description="read in the source, or quoted by another publication; none found; or stated by the project",
    )

    @model_validator(mode="after")
    def _one_meaning(self) -> Kind:
        given = [key for key in REACH_KEYS if getattr(self, key, None)]
        unused = unused_keys(self.reach, self.kernel, given=given)
        faults = [f"{key} does not go with reach {self.reach}" for key in unused]
        if self.reach == "decay" and not self.kernel:
            faults.append("reach decay needs kernel")
        if bool(self.source) == (self.checked == "none"):
            faults.append("source: name the publication or the city's own standard, with its year")
        if given and not self.source:
            faults.append(f"{given[0]} without a source")
        if faults:
            raise ValueError("; ".join(faults))
        return self


class OwnKind(Lengths):
    """What a project says of a kind: its own source, and what differs from the catalogue.

    Label and reach are the catalogue's unless given; distances, their meaning and the source never are.

    Examples
    --------
    >>> OwnKind(distance_m=500, source="Transport plan 2024, p. 12").reach is None
    True
    """

    label: str = Field("", description="name in reports; a kind of the catalogue keeps its own")
    reach: ReachWord | None = Field(None, description="where its effects usually land; likewise")
    source: str = Field(min_length=1, description="publication or standard of the city, with its year and page")


@cache
def load_kinds() -> Mapping[str, Kind]:
    """Read the catalogue that ships.

    Returns
    -------
    mapping of str to Kind
        Kinds by name, sorted; read only.

    Examples
    --------
    >>> load_kinds()["bus_stop"].distance_m
    400.0
    """
    text = (resources.files("equity_screen") / "kinds.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: Kind.model_validate(entry) for name, entry in tomllib.loads(text).items()})


def kinds_with(own: Mapping[str, Kind | OwnKind | Mapping[str, object]]) -> Mapping[str, Kind]:
    """Put a project's own kinds over the catalogue, or add them to it.

    Parameters
    ----------
    own : mapping of str to Kind, OwnKind or mapping
        By name. A name of the catalogue keeps its label and reach where they are not given, and nothing else.

    Returns
    -------
    mapping of str to Kind
        Kinds by name, sorted; read only. Those of the project have ``checked`` "project".

    Raises
    ------
    UsageError
        A name, key or value that cannot be, no source, or an added kind without its label or reach.

    Examples
    --------
    >>> kinds = kinds_with({"bus_stop": {"distance_m": 500, "source": "Transport plan 2024, p. 12"}})
    >>> kinds["bus_stop"].label, kinds["bus_stop"].distance_m, kinds["bus_stop"].distance_high_m
    ('Bus stop', 500.0, None)
    """
    known = load_kinds()
    merged = {**known, **{name: _own_kind(name, value, known) for name, value in own.items()}}
    return MappingProxyType(dict(sorted(merged.items())))


def find_kind(name: str, kinds: Mapping[str, Kind] | None = None) -> Kind:
    """Look up a kind by its name.

    Parameters
    ----------
    name : str
        Name of a kind.
    kinds : mapping of str to Kind, optional
        Where to look: :func:`kinds_with`; the catalogue unless given.

    Returns
    -------
    Kind
        The kind.

    Raises
    ------
    UsageError
        No such kind.

    Examples
    --------
    >>> find_kind("buss_stop")
    Traceback (most recent call last):
    ...
    equity_screen.errors.UsageError: no kind of action 'buss_stop'; did you mean 'bus_stop'?
    """
    known = load_kinds() if kinds is None else kinds
    if name not in known:
        msg = f"no kind of action {name!r}; {did_you_mean(name, known)}"
        raise UsageError(msg)
    return known[name]


def reach_of(kind: Kind, given: Mapping[str, object] | None = None) -> dict[str, object]:
    """Say where an effect lands: as it states itself, and as its kind usually does for the rest.

    Parameters
    ----------
    kind : Kind
        Kind of the action.
    given : mapping of str to object, optional
        What the effect states: ``reach`` and the keys of :data:`equity_screen.reaches.REACH_KEYS`; None and "" state
        nothing. With a reach of its own, the effect takes nothing from its kind.

    Returns
    -------
    dict of str to object
        ``reach`` and the keys that hold something; :func:`equity_screen.reaches.missing_keys` names what is still
        missing, such as the distance of a kind that has no usual one.

    Examples
    --------
    >>> stop = find_kind("bus_stop")
    >>> reach_of(stop)
    {'reach': 'within', 'distance_m': 400.0}
    >>> reach_of(stop, {"distance_m": 250.0}), reach_of(stop, {"reach": "citywide"})
    ({'reach': 'within', 'distance_m': 250.0}, {'reach': 'citywide'})
    """
    keys = ("reach", *REACH_KEYS)
    stated = {key: value for key, value in (given or {}).items() if key in keys and value not in (None, "")}
    usual = {} if "reach" in stated else {key: getattr(kind, key, None) for key in keys}
    both = usual | stated
    return {key: both[key] for key in keys if both.get(key) not in (None, "")}


def kind_words(kind: Kind) -> str:
    """Say a kind's usual reach and its source, for reports.

    Parameters
    ----------
    kind : Kind
        Kind of action.

    Returns
    -------
    str
        A sentence without its full stop.

    Examples
    --------
    >>> kind_words(Kind(label="Bench", reach="within", distance_m=1500, source="City standard 2024, p. 3"))
    'Bench: within 1,500 m (the project states: City standard 2024, p. 3)'
    >>> kind_words(find_kind("drinking_fountain"))
    'Drinking fountain or spray shower: within a distance that the project states (no published distance was found)'
    """
    low, high = (_metres(kind, key) for key in ("distance_low_m", "distance_high_m"))
    bounds = [f"from {low}"] * bool(kind.distance_low_m) + [f"to {high}"] * bool(kind.distance_high_m)
    spread = f", {' '.join(bounds)} in the sources" if bounds else ""
    origin = _ORIGINS[kind.checked].format(source=kind.source)
    return f"{kind.label}: {_REACH_WORDS[kind.reach](kind)}{spread} ({origin})"


def _own_kind(name: str, value: Kind | OwnKind | Mapping[str, object], known: Mapping[str, Kind]) -> Kind:
    if not _NAME.fullmatch(name):
        msg = f"kind {name!r}: a name is of small letters, digits and _, such as bus_stop"
        raise UsageError(msg)
    entry = value.model_dump(exclude_unset=True) if isinstance(value, Kind | OwnKind) else dict(value)
    own = _validated(OwnKind, name, {key: one for key, one in entry.items() if key != "checked"})
    usual = known.get(name)
    label, reach = own.label or (usual and usual.label), own.reach or (usual and usual.reach)
    if not (label and reach):
        near = get_close_matches(name, known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        msg = f"kind {name!r} is not in the catalogue{hint}: a new one needs label and reach"
        raise UsageError(msg)
    return _validated(Kind, name, own.model_dump() | {"label": label, "reach": reach, "checked": "project"})


def _validated(model: type[Declared], name: str, entry: Mapping[str, object]) -> Declared:
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        faults = "; ".join(_fault(dict(one), model) for one in error.errors())
        msg = f"kind {name!r}: {faults}"
        raise UsageError(msg) from error


def _fault(error: dict[str, Any], model: type[Declaration]) -> str:
    key = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"unknown key {key!r}; {did_you_mean(key, model.model_fields)}"
    if key == "source":
        return "source: name the publication or the city's own standard, with its year"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{key}: {message[:1].lower()}{message[1:]}, not {error['input']!r}" if key else message


def _metres(kind: Kind, key: str) -> str:
    value = getattr(kind, key)
    return "a distance that the project states" if value is None else f"{value:,.0f} m"


_REACH_WORDS: Mapping[str, Callable[[Kind], str]] = MappingProxyType(
    {
        "footprint": lambda _: "its own footprint",
        "within": lambda kind: f"within {_metres(kind, 'distance_m')}",
        "ring": lambda kind: f"from {_metres(kind, 'inner_m')} to {_metres(kind, 'distance_m')}",
        "decay": lambda kind: f"fading with distance ({kind.kernel}) up to {_metres(kind, 'distance_m')}",
        "area": lambda _: "the areas of a layer",
        "raster": lambda _: "the cells of a raster",
        "travel": lambda kind: f"within {kind.minutes:g} minutes" if kind.minutes else "within a time of travel",
        "citywide": lambda _: "the whole city",
    }
)
_ORIGINS: Mapping[str, str] = MappingProxyType(
    {
        "read": "{source}",
        "secondary": "{source}, as quoted by others",
        "none": "no published distance was found",
        "project": "the project states: {source}",
    }
)

"""The project file: TOML, checked against a model; a typo names the nearest key and its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, model_validator

from equity_screen.errors import Finding, InputError, UsageError, finding
from equity_screen.kinds import OwnKind, kinds_with
from equity_screen.recipe import Question
from equity_screen.sources import (
    ActionsFile,
    BlocksFile,
    BoundaryFile,
    EarlierTable,
    EffectRule,
    NeighbourhoodsFile,
    OuterFile,
)
from equity_screen.text import did_you_mean, plain_text

# Words that stand for a place in a plan, or for a layer or breakdown of the results; no boundary may bear them.
RESERVED_PLACES = frozenset(
    {"citywide", "unknown", "zone", "zones", "neighbourhood", "priority", "all", "status", "sector", "decade"}
)


class Project(Question):
    """Everything a run needs, as the project file declares it.

    Examples
    --------
    >>> project = parse_project('''
    ... title = "Two streets"
    ... effects_file = "effects.csv"
    ... [neighbourhoods]
    ... file = "zones.gpkg"
    ... id = "id"
    ... population = "pop"
    ... [[actions]]
    ... file = "actions.geojson"
    ... id = "id"
    ... ''')
    >>> project.on_bad_row, project.actions[0].file
    ('stop', 'actions.geojson')
    """

    on_bad_row: Literal["stop", "refuse"] = Field("stop", description="stop for a refused row, or go on without it")
    neighbourhoods: NeighbourhoodsFile = Field(description="the neighbourhoods and their people")
    blocks: BlocksFile | None = Field(None, description="population points within the neighbourhoods")
    outer: OuterFile | None = Field(None, description="data around the neighbourhoods, for reaches that leave them")
    boundaries: dict[str, BoundaryFile] = Field(
        default_factory=dict, description="named layers of areas, such as districts: results by them, actions in them"
    )
    earlier: tuple[EarlierTable, ...] = Field((), description="tables on other zones, brought over by a crosswalk")
    actions: tuple[ActionsFile, ...] = Field((), description="files of proposed actions; none: the baseline only")
    kinds: dict[str, OwnKind] = Field(
        default_factory=dict, description="kinds of action whose usual reach the project states, beside the catalogue's"
    )
    effects_file: str | None = Field(None, description="table of effects, a row for each benefit or burden")
    effects: tuple[EffectRule, ...] = Field((), description="effects that hold for many actions")

    @model_validator(mode="after")
    def _hangs_together(self) -> Project:
        faults = []
        effects = self.effects_file is not None or bool(self.effects)
        if effects and not self.actions:
            faults.append("effects without [[actions]]: say where the actions are")
        if not effects and not self.actions and not self.indicators:
            faults.append("neither [[actions]] nor [indicators]: there is nothing to screen")
        if self.actions and not effects:
            faults.append("no effects: give effects_file, or [[effects]] rules")
        if self.apportion == "points" and self.blocks is None:
            faults.append('apportion = "points" needs [blocks]')
        faults += _odd_names(list(self.boundaries))
        if self.neighbourhoods.population is None:
            faults += _needs_people(self)
        people = self.priority.people if self.priority else None
        if people is not None and people not in self.groups:
            faults.append(f"priority.people = {people!r} is none of the groups {sorted(self.groups)}")
        try:
            kinds_with(self.kinds)
        except UsageError as error:
            faults.append(str(error))
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def question(self) -> Question:
        """What is asked, without the files."""
        return Question.model_validate({name: getattr(self, name) for name in Question.model_fields})


def _odd_names(boundaries: Sequence[str]) -> list[str]:
    """Name the boundaries that no place could name, or that would be taken for another."""
    lower = [name.strip().casefold() for name in boundaries]
    said = {
        "has a name that means something else: call it district, ward or the like": [
            name in RESERVED_PLACES for name in lower
        ],
        "stands twice but for case": [lower.count(name) > 1 for name in lower],
        "has a name that cannot stand before a colon": [not name or ":" in name or ";" in name for name in lower],
    }
    return [
        f"boundary {name!r} {fault}"
        for fault, rows in said.items()
        for name, bad in zip(boundaries, rows, strict=True)
        if bad
    ]


def _needs_people(project: Project) -> list[str]:
    """Name what the project asks for that cannot be had without people."""
    declared = project.neighbourhoods
    asked = {
        "groups": bool(project.groups),
        "blocks": project.blocks is not None,
        "outer": project.outer is not None,
        "neighbourhoods.households": declared.households is not None,
        "neighbourhoods.population_margin": declared.population_margin is not None,
        "neighbourhoods.unpopulated_where": bool(declared.unpopulated_where),
    }
    return [f"{name} needs neighbourhoods.population" for name, given in asked.items() if given]


class ProjectFile(NamedTuple):
    """A project and where it was read: files are named from its folder."""

    path: Path
    project: Project

    @property
    def folder(self) -> Path:
        """Folder that the project's file names start from."""
        return self.path.parent


def read_project(path: str | Path) -> ProjectFile:
    """Read a project file.

    Parameters
    ----------
    path : str or Path
        TOML file.

    Returns
    -------
    ProjectFile
        The project and its place.

    Raises
    ------
    InputError
        No such file, not TOML, or keys and values that do not fit, each with its line.

    Examples
    --------
    >>> read_project("nowhere.toml")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      nowhere.toml: no such file. Mend: check the name and the folder. [ES-FILE-MISSING]
    """
    path = Path(path)
    if not path.is_file():
        raise InputError([finding("ES-FILE-MISSING", path.name)])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError([finding("ES-PROJECT-TEXT", path.name)]) from error
    return ProjectFile(path, parse_project(text, name=path.name))


def parse_project(text: str, *, name: str = "project.toml") -> Project:
    """Check the text of a project file.

    Parameters
    ----------
    text : str
        TOML.
    name : str
        File name, for the messages.

    Returns
    -------
    Project
        The declarations.

    Raises
    ------
    InputError
        Every fault with its line; a key that is not known names the nearest.

    Examples
    --------
    >>> parse_project("# nothing yet")
    Traceback (most recent call last):
    ...
    equity_screen.errors.InputError: 1 fault in the input:
      project.toml: the file is empty. Mend: equity-screen init writes one. [ES-PROJECT-EMPTY]
    """
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError([finding("ES-PROJECT-TOML", name, error=str(error) or "nested too deeply")]) from error
    if not raw:
        raise InputError([finding("ES-PROJECT-EMPTY", name)])
    try:
        return Project.model_validate(raw)
    except ValidationError as error:
        faults: list[dict[str, Any]] = [dict(one) for one in error.errors()]
        # Items that were refused leave their list too short: that is no fault of its own.
        inner = {one["loc"][:1] for one in faults if len(one["loc"]) > 1}
        own = [one for one in faults if one["type"] != "too_short" or one["loc"] not in inner]
        raise InputError([_fault(one, text, name) for one in own]) from error


def _fault(error: dict[str, Any], text: str, name: str) -> Finding:
    place = [part for part in error["loc"] if isinstance(part, str | int)]
    key = str(place[-1]) if place else ""
    line = _line_of(place, text)
    where = ".".join(str(part) for part in place)
    row = f"line {line}" if line else ""
    if error["type"] == "extra_forbidden":
        return finding("ES-PROJECT-KEY", name, row=row, column=where, hint=did_you_mean(key, _fields_at(place[:-1])))
    if error["type"] == "missing":
        return finding("ES-PROJECT-MISSING", name, row=row, column=where, key=key)
    value = "" if isinstance(error["input"], dict | list | BaseModel) else plain_text(repr(error["input"]), limit=80)
    reason = str(error["msg"]).removeprefix("Value error, ")
    return finding(
        "ES-PROJECT-VALUE", name, row=row, column=where, value=value, message=reason[:1].lower() + reason[1:]
    )


def _fields_at(place: Sequence[str | int]) -> set[str]:
    """Keys that the model knows at a place."""
    model: object = Project
    for part in place:
        model = _inner(model, part)
    model = _unwrapped(model)
    return set(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else set()


def _inner(model: object, part: str | int) -> object:
    kind = _unwrapped(model)
    if isinstance(kind, type) and issubclass(kind, BaseModel) and part in kind.model_fields:
        return kind.model_fields[str(part)].annotation
    arguments = get_args(kind)
    return arguments[-1] if get_origin(kind) is dict else arguments[0] if arguments else None


def _unwrapped(model: object) -> object:
    if get_origin(model) in (Union, UnionType, Annotated):
        options = [a for a in get_args(model) if a is not type(None)]
        return options[0] if options else None
    return model


def _line_of(place: Sequence[str | int], text: str) -> int | None:
    """Line of a key, or of the nearest table around it."""
    lines = _lines_of_keys(text)
    around = (lines.get(tuple(place[:depth])) for depth in range(len(place), 0, -1))
    return next((line for line in around if line is not None), None)


def _lines_of_keys(text: str) -> dict[tuple[str | int, ...], int]:
    """First line of each key and table; the tables of an array are counted from 0."""
    lines: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            table = _key_parts(header[2])
            if header[1] == "[[":
                table += (sum(one[:-1] == table and isinstance(one[-1], int) for one in lines),)
        path = table + _key_parts(key[1]) if key and not header else table
        for depth in range(1, len(path) + 1):
            lines.setdefault(path[:depth], number)
    return lines


def _key_parts(dotted: str) -> tuple[str | int, ...]:
    return tuple("".join(part) for part in _KEY_PART.findall(dotted))


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+)\]")
_KEY = re.compile(r"\s*([^=#\[]+?)\s*=")
_KEY_PART = re.compile(r"""\"([^\"]*)\"|'([^']*)'|([^\s.\"']+)""")

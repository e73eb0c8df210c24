"""A project file proposed from the files of a city: what is sure holds, what is not stands as a comment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equity_screen.columns import INCOMES, guess, kin, likeness, people_kind, says, vocabulary
from equity_screen.conditions import (
    MOST_OFF,
    boundary_lines,
    condition_lines,
    key_of,
    label_of,
    name_column,
    stem_of,
)
from equity_screen.crs import FARTHEST_EAST, FARTHEST_NORTH, crs_name
from equity_screen.plan_proposals import action_lines, effect_lines, point_crs
from equity_screen.recipe import is_reserved
from equity_screen.starter import HEAD, SAMPLES, comment, line, project_text
from equity_screen.survey import CityFiles, Link, Piece, id_column, ids_of, read_city

SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Columns of the neighbourhoods and of their table on the same rows; which of them mean what."""

    piece: Piece
    both: tuple[str, ...]
    population: str | None
    households: str | None
    name: str | None
    ids: frozenset[str]

    @property
    def people(self) -> pd.Series | None:
        return None if self.population is None else self.piece.look(self.population).numbers

    @property
    def free(self) -> list[str]:
        """Numeric columns without a meaning yet."""
        taken = {self.population, self.households, self.name, *self.ids}
        names = [c for c in self.piece.columns if c not in taken and not says("x", c) and not says("y", c)]
        numbers = [c for c in names if self.piece.look(c).telling]
        return [c for c in numbers if likeness(c, vocabulary()["id"]["words"])[0] < 2 or not self.piece.look(c).whole]  # noqa: PLR2004 - a part of the name


def propose_project(files: Iterable[str], *, folder: Path | None = None) -> str:
    r"""Write a commented project file for the files of a city.

    Parameters
    ----------
    files : iterable of str
        File names in any order; what each is, is told by its content.
    folder : Path, optional
        Folder that they are in; the current one unless given.

    Returns
    -------
    str
        TOML that :func:`equity_screen.read_project` reads. What is proposed without being sure is off,
        with the reason in a comment.

    Raises
    ------
    InputError
        A file that is missing, of an unknown kind, or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = (Path(place) / "plan.csv").write_text("id,onde,custo\nA,citywide,7\n")
    ...     text = propose_project(["plan.csv"], folder=Path(place))
    >>> 'where = "onde"' in text, 'cost = "custo"' in text
    (True, True)
    """
    city = read_city(files, folder=folder)
    columns = None if city.zones is None else _columns(city)
    piece = Piece("", pd.DataFrame()) if columns is None else columns.piece
    groups, used = _groups(columns)
    rankings, ranked = _rankings(columns, used)
    free = [] if columns is None else [c for c in columns.free if c not in used | ranked and not is_reserved(c)]
    taken = set() if columns is None else {*columns.ids, columns.name}
    sections = {
        "head": _head(city),
        "neighbourhoods": [] if columns is None else _neighbourhoods(city, columns),
        "blocks": [text for blocks in city.blocks for text in _blocks(blocks, city)],
        "boundaries": _titled("boundaries", boundary_lines(city, piece, taken=taken)),
        "groups": _titled("groups", groups + _area_groups(city)),
        "rankings": _titled("rankings", rankings),
        "indicators": _titled("indicators", condition_lines(city, piece, free=free, folder=folder or Path())),
        "priority": _priority(city),
        "actions": [text for plan in city.plans for text in action_lines(plan, city)],
        "effects": effect_lines(city),
    }
    return project_text({name: lines for name, lines in sections.items() if lines})


def _titled(name: str, lines: Sequence[str]) -> list[str]:
    return [f"[{name}]", *lines] if lines else []


def _head(city: CityFiles) -> list[str]:
    lines = list(HEAD)
    if city.effects:
        first, *more = city.effects
        lines.append(line("effects_file", first.file, why=f"{len(first.table)} benefits and burdens"))
        lines += [comment(f"{piece.called} looks like effects, too; a project reads one such file") for piece in more]
    lines += [
        comment(f"not recognised, and not used: {p.called} (columns {', '.join(p.columns)})") for p in city.others
    ]
    lines += [comment(f"no table, and not used: {name}") for name in city.unread]
    return lines


def _columns(city: CityFiles) -> _Columns:
    """Bring both files to the same rows, and name the columns that are people, households and names."""
    zones, table, link = city.zones, city.people, city.link
    if zones is None:
        msg = "no neighbourhoods"
        raise ValueError(msg)
    frame = pd.DataFrame(zones.table[zones.columns])
    ids = {link.zone_id if link else id_column(zones) or ""}
    both: tuple[str, ...] = ()
    if table is not None and link is not None:
        ids |= {link.table_id}
        both = tuple(c for c in table.columns if c in frame.columns and c not in ids)
        added = [c for c in table.columns if c not in frame.columns]
        keyed = table.table[added].set_axis(ids_of(table, link.table_id, digits=link.digits))
        rows = keyed.reindex(ids_of(zones, link.zone_id, digits=link.digits))
        frame = pd.concat([frame.drop(columns=list(both)), rows.set_axis(frame.index)], axis=1)
    piece = Piece(zones.file, frame)
    population = _population(piece, ids)
    households = _counted(piece, "households", {*ids, population or ""})
    return _Columns(piece, both, population, households, name_column(piece, ids), frozenset(ids))


def _population(piece: Piece, ids: set[str]) -> str | None:
    groups = {c for c in piece.columns if kin("groups", c) and likeness(c, vocabulary()["population"]["words"])[0] < 3}  # noqa: PLR2004 - the word itself
    return _counted(piece, "population", ids | groups | {c for c in piece.columns if says("income", c)})


def _counted(piece: Piece, meaning: str, taken: set[str]) -> str | None:
    """Column of a count by its name, where its values are none below zero and not all at most one."""
    able = [c for c in piece.columns if piece.look(c).within(0.0, np.inf) and not piece.look(c).within(0.0, 1.0)]
    return guess(meaning, able, taken={*taken, *(c for c in able if says("margin", c) or says("percent", c))})


def _neighbourhoods(city: CityFiles, columns: _Columns) -> list[str]:
    zones, link, piece = city.zones, city.link, columns.piece
    if zones is None:
        return []
    id_ = link.zone_id if link else id_column(zones)
    lines = [
        f"[neighbourhoods]  {comment('columns found: ' + ', '.join(zones.columns))}",
        line("file", zones.file, why=f"{len(zones.table)} polygons"),
        *([line("layer", zones.layer)] if zones.layer else []),
        *_crs(zones),
        line("id", id_, why="filled in, and each once")
        if id_
        else line("id", "column", why="no column has an id in each row"),
    ]
    lines.append(line("name", columns.name) if columns.name else line("name", "column", on=False))
    lines += _people_lines(columns)
    if city.people is not None and link is not None:
        lines += _table_lines(city.people, link, columns)
    if columns.households:
        lines.append(line("households", columns.households, why=piece.look(columns.households).words()))
    return lines


def _people_lines(columns: _Columns) -> list[str]:
    piece = columns.piece
    if columns.population is None:
        counts = [c for c in columns.free if piece.look(c).whole and not kin("groups", c) and not says("area", c)]
        most = max(counts, key=lambda c: float(piece.look(c).known.sum()), default=None)
        why = "no column is known by its name as people; without one, areas and actions are counted only"
        looks = [line("population", most, why=f"looks like it: {piece.look(most).words()}", on=False)] if most else []
        return [comment(why), *(looks or [line("population", "column", on=False)])]
    look = piece.look(columns.population)
    lines = [line("population", columns.population, why=f"{look.words()}, {look.known.sum():,.0f} in all")]
    blank = len(look.texts) - len(look.known)
    if blank:
        lines += _without_people(columns, ~look.texts.index.isin(look.known.index), blank)
    return lines


def _without_people(columns: _Columns, blank: NDArray[np.bool_], count: int) -> list[str]:
    """Propose, off, what may be meant by a population that is missing."""
    piece = columns.piece
    texts = {c: piece.look(c).texts for c in piece.columns if piece.look(c).numbers is None and c not in columns.ids}
    # A word that stands where nobody is counted, and nowhere else, such as park.
    words = {
        c: sorted(set(t[blank]) - set(t[~blank]) - {""})
        for c, t in texts.items()
        if t[blank].isin(t[~blank]).sum() == 0
    }
    kinds = {c: found for c, found in words.items() if 0 < len(found) < max(count, 2) and c != columns.name}
    if not kinds:
        return [line("population_missing", "exclude", why=f"{count} have no number; or unpopulated", on=False)]
    column, found = next(iter(kinds.items()))
    return [
        line("population_missing", "unpopulated", why=f"{count} have no number: just those of this kind", on=False),
        line("unpopulated_where", {column: found}, on=False),
    ]


def _table_lines(table: Piece, link: Link, columns: _Columns) -> list[str]:
    lines = [line("table", table.file, why=f"{link.matched} of its {len(table.table)} ids are ids of neighbourhoods")]
    lines += [line("table_id", link.table_id)] if link.table_id != link.zone_id else []
    if link.digits is not None:
        lines.append(
            line("id_digits", link.digits, why="leading zeros were lost in one of the files; they are put back")
        )
    sides = ((link.zones_alone, "neighbourhoods that the table lacks"), (link.rows_alone, "its rows without a polygon"))
    for alone, where in sides:
        if alone:
            shown = ", ".join(alone[:SHOWN]) + (", …" if len(alone) > SHOWN else "")
            lines.append(comment(f"{where}: {len(alone)} ({shown})"))
    if link.zones_alone or link.rows_alone:
        lines.append(line("unmatched", "exclude", why="leaves them out, and names them", on=False))
    if columns.both:
        lines.append(comment(f"in both files, so not to be named here: {', '.join(columns.both)}"))
    return lines


def _crs(piece: Piece) -> list[str]:
    """Say in which CRS a layer is; where it does not say so itself, ask for it."""
    crs = piece.shapes.crs
    if crs is not None:
        return [comment(f"CRS: {crs_name(crs)}, as the file says")]
    degrees = _in_degrees(piece.shapes)
    why = "the file does not say its CRS; " + (
        "its coordinates look like degrees" if degrees else "its coordinates are no degrees"
    )
    return [line("crs", "EPSG:4326" if degrees else "EPSG:…", why=why, on=False)]


def _in_degrees(shapes: gpd.GeoSeries) -> bool:
    west, south, east, north = shapes.total_bounds
    return bool(max(abs(west), abs(east)) <= FARTHEST_EAST and max(abs(south), abs(north)) <= FARTHEST_NORTH)


def _blocks(piece: Piece, city: CityFiles) -> list[str]:
    why = f"{len(piece.table)} points with people: within a neighbourhood they say where these live"
    place = dict(zip("xy", piece.xy, strict=True)) | {"crs": point_crs(piece, city) or "EPSG:…"} if piece.xy else {}
    said = {"file": piece.file, "people": guess("population", piece.columns)} | ({} if piece.is_layer else place)
    return [
        comment(f'{piece.called}: {why}. It holds with the line apportion = "points" above the first [table].'),
        comment("[blocks]"),
        *(line(key, value, on=False) for key, value in said.items()),
    ]


def _groups(columns: _Columns | None) -> tuple[list[str], set[str]]:
    """Write a line for each column that counts a group: on where its name and its values agree, else off."""
    if columns is None:
        return [], set()
    margins = [c for c in columns.free if says("margin", c)]
    named = {c: kin("groups", c) for c in columns.free if c not in margins}
    named = {c: group for c, group in named.items() if not says("rank", c)}
    kinds = {c: people_kind(c, columns.piece.look(c), population=columns.people) for c in named}
    keys: dict[str, str] = {}
    lines = []
    for column in sorted((c for c in named if named[c]), key=lambda c: kinds[c] != "count"):
        group = str(named[column])
        among = vocabulary()["groups"][group].get("among", "")
        sure = bool(kinds[column]) and not among and group not in keys and columns.population is not None
        value: dict[str, object] = {"label": vocabulary()["groups"][group]["label"]}
        value |= _counted_by(column, kinds[column])
        margin = [m for m in margins if kin("groups", m) == group] if kinds[column] == "count" else []
        value |= {"margin": margin[0]} if len(margin) == 1 else {}
        keys[key_of(group, keys)] = column
        why = _reason(columns, column, kinds[column]) + (f"; of {among}, or of all people?" if among else "")
        lines.append(line([*keys][-1], value, why=why, on=sure))
    alike = [c for c in named if not named[c] and kinds[c] == "count" and not says("income", c)]
    for column in alike[:MOST_OFF]:
        keys[key_of(column, keys, other="group")] = column
        why = f"looks like people: {_reason(columns, column, 'count')}"
        lines.append(line([*keys][-1], {"label": label_of(column), "count": column}, why=why, on=False))
    return lines, {*keys.values(), *margins}


def _counted_by(column: str, kind: str | None) -> dict[str, object]:
    if kind == "fraction":
        return {"share": column, "share_is": "fraction"}
    return {"share" if kind == "share" else "count": column}


def _reason(columns: _Columns, column: str, kind: str | None) -> str:
    look = columns.piece.look(column)
    words = look.words() + (", never above the population" if kind == "count" else "")
    words += "" if kind else "; not sure to be people, or percentages of them"
    people = columns.people
    blank = int(((look.texts == "") & (True if people is None else people.notna())).sum())
    return words + (f'; {blank} blank: missing = "exclude" leaves those out' if blank else "")


def _area_groups(city: CityFiles) -> list[str]:
    """Propose, off, that the people inside the polygons of a layer are a group."""
    why = "the people inside these polygons, if they are a group"
    areas = {key_of(stem_of(p), other="group"): p for p in city.areas if p.kind == "polygons"}
    values = {key: {"label": f"People in {label_of(stem_of(p))}", "layer": p.file} for key, p in areas.items()}
    return [line(key, value, why=why, on=False) for key, value in values.items()]


def _priority(city: CityFiles) -> list[str]:
    """Show what the priority could be, all of it off: that is for the city to say."""
    head, *rest = SAMPLES["priority"].strip("\n").split("\n")
    why = "instead of column and at_least, if these areas are the priority"
    return [head, *(line("layer", p.file, why=why, on=False) for p in city.areas if p.kind == "polygons"), *rest]


def _rankings(columns: _Columns | None, used: set[str]) -> tuple[list[str], set[str]]:
    column = None if columns is None else guess("income", columns.free, taken=used)
    if columns is None or column is None:
        return [], set()
    look = columns.piece.look(column)
    sure = look.within(*INCOMES)
    why = look.words() if sure else f"{look.words()}: an income?"
    value = {"column": column, "higher_is": "advantaged", "label": "income"}
    return [line("income", value, why=why, on=sure)], {column}

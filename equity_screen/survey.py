"""Files told apart by what is in them: neighbourhoods, people, boundaries, plan, effects, rasters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray

from equity_screen.columns import Look, guess, likeness, look_at, says, vocabulary
from equity_screen.errors import InputError, finding
from equity_screen.files import READERS, read_table
from equity_screen.schema import Origin, clean_ids
from equity_screen.spreadsheets import sheet_names

RASTERS = (".tif", ".tiff")
LAYERED = (".gpkg",)
SHEETS = (".xlsx",)
EFFECTS = "effects"
OUR_SHEETS = ("places", "notes")  # of the spreadsheet that `init --plan` writes: no tables of a plan
EFFECT_COLUMNS = {"action", "ledger", "effect", "unit"}
PLACE_WORDS = r"(?i)^(citywide|unknown|[^\W\d][\w -]*:(?!//).+)$"
CODE = r"[\w./-]+"
PLAN_WORDS = {"where": 1, "sector": 1, "status": 1, "start": 1, "cost": 2, "tco2e": 2}
PLAN_LEAST = {"table": 2, "sites": 2, "polygons": 4}
ZONE_WORDS = ("zone", "zones")
MATCHED = 0.5
COVERED = 0.9
_NOWHERE = Origin()


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A table, a layer or a raster of one of the files.

    Examples
    --------
    >>> piece = Piece("people.csv", pd.DataFrame({"id": ["A", "B"]}))
    >>> piece.kind, piece.columns, piece.look("id").unique
    ('table', ['id'], True)
    """

    file: str
    table: pd.DataFrame
    layer: str | None = None
    first: bool = True
    looks: dict[str, Look] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """One of raster, polygons, sites and table."""
        if Path(self.file).suffix.lower() in RASTERS:
            return "raster"
        if not self.is_layer:
            return "sites" if self.xy else "table"
        shapes = self.shapes
        areas = shapes.geom_type.isin(["Polygon", "MultiPolygon"])
        return "polygons" if areas.sum() * 2 > shapes.notna().sum() else "sites"

    @property
    def columns(self) -> list[str]:
        """Columns without the geometry."""
        geometry = self.shapes.name if self.is_layer else None
        return [str(c) for c in self.table.columns if c != geometry]

    @property
    def called(self) -> str:
        """Name of the file, and of its layer or sheet."""
        return self.file if self.layer is None else f"{self.file}, {self.layer}"

    @property
    def ids(self) -> list[str]:
        """Columns that could be ids: filled in, each once, no decimals."""
        return [c for c in self.columns if self.look(c).unique and (self.look(c).numbers is None or self.look(c).whole)]

    @property
    def xy(self) -> tuple[str, str] | None:
        """Columns of a table with coordinates: known by their names, and numbers."""
        x, y = guess("x", self.columns), guess("y", self.columns)
        both = x is not None and y is not None and len(self.look(x).known) and len(self.look(y).known)
        return (str(x), str(y)) if both else None

    @property
    def is_layer(self) -> bool:
        """Whether it has geometry of its own."""
        return isinstance(self.table, gpd.GeoDataFrame)

    @property
    def shapes(self) -> gpd.GeoSeries:
        """Geometry of a layer."""
        return gpd.GeoDataFrame(self.table).geometry

    def look(self, column: str) -> Look:
        """Look at a column, once.

        Parameters
        ----------
        column : str
            Column.

        Returns
        -------
        Look
            What stands in it.
        """
        if column not in self.looks:
            self.looks[column] = look_at(self.table[column])
        return self.looks[column]


class Link(NamedTuple):
    """How a table is joined to the neighbourhoods: id columns of both, the length of ids, and who is left over."""

    zone_id: str
    table_id: str
    digits: int | None
    matched: int
    zones_alone: tuple[str, ...]
    rows_alone: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CityFiles:
    """The files of a city, each with the part that it can play.

    Examples
    --------
    >>> CityFiles().zones is None
    True
    """

    zones: Piece | None = None
    people: Piece | None = None
    link: Link | None = None
    boundaries: tuple[Piece, ...] = ()
    areas: tuple[Piece, ...] = ()
    blocks: tuple[Piece, ...] = ()
    plans: tuple[Piece, ...] = ()
    effects: tuple[Piece, ...] = ()
    rasters: tuple[Piece, ...] = ()
    others: tuple[Piece, ...] = ()
    unread: tuple[str, ...] = ()


def read_city(files: Iterable[str], *, folder: Path | None = None) -> CityFiles:
    r"""Read files in any order, and tell by their content what each of them is.

    Parameters
    ----------
    files : iterable of str
        File names.
    folder : Path, optional
        Folder that they are in; the current one unless given.

    Returns
    -------
    CityFiles
        Each table, layer and raster in its part.

    Raises
    ------
    InputError
        A file that is missing, of an unknown kind, or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = (Path(place) / "plan.csv").write_text("id,where,cost\nA,citywide,7\n")
    ...     city = read_city(["plan.csv"], folder=Path(place))
    >>> [plan.file for plan in city.plans]
    ['plan.csv']
    """
    pieces: list[Piece] = []
    unread: list[str] = []
    for file in dict.fromkeys(files):
        for piece in _pieces(file, folder or Path()):
            if isinstance(piece, Piece):
                pieces.append(piece)
            else:
                unread.append(piece)
    return _parts(pieces, tuple(unread))


def _pieces(file: str, folder: Path) -> Iterator[Piece | str]:
    path = folder / file
    if not path.is_file():
        raise InputError([finding("ES-FILE-MISSING", path.name)])
    suffix = path.suffix.lower()
    if suffix in RASTERS:
        yield Piece(file, pd.DataFrame())
        return
    if suffix not in READERS:
        raise InputError([finding("ES-FILE-KIND", path.name, kinds=", ".join([*READERS, *RASTERS]))])
    layers = _layers(path)
    for i, layer in enumerate(layers):
        try:
            table, _ = read_table(path, layer=layer)
        except InputError:
            # Notes beside a table need not be a table.
            if i == 0:
                raise
            yield f"{file}, {layer}"
        else:
            yield Piece(file, table, layer, first=i == 0)


def _layers(path: Path) -> Sequence[str | None]:
    suffix = path.suffix.lower()
    if suffix in SHEETS:
        return [name for name in sheet_names(path) if name not in OUR_SHEETS]
    if suffix in LAYERED:
        try:
            names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        except (pyogrio.errors.DataSourceError, OSError):
            names = []
        return names if len(names) > 1 else [None]
    return [None]


def _parts(pieces: Sequence[Piece], unread: tuple[str, ...]) -> CityFiles:
    """Give each piece its part: the surest first, each piece once."""
    rasters = [p for p in pieces if p.kind == "raster"]
    effects = [p for p in pieces if _is_effects(p)]
    rest = [p for p in pieces if p not in rasters and p not in effects]
    plans = [p for p in rest if plan_likeness(p) >= PLAN_LEAST[p.kind]]
    layers = [p for p in rest if p.kind == "polygons" and p not in plans]
    tables = [p for p in rest if not p.is_layer and p.first and p not in plans]
    zones = _zones(layers, tables, plans)
    people, link = _people(zones, tables)
    sites = [p for p in rest if p.kind == "sites" and p not in plans and p is not people]
    blocks = [p for p in sites if zones and len(p.table) > len(zones.table) and guess("population", p.columns)]
    many = [p for p in layers if zones and p is not zones and len(p.table) > len(zones.table)]
    plans += [p for p in [*sites, *many] if p not in blocks and not plans][:1]
    layers = [p for p in layers if p not in plans]
    boundaries = [p for p in layers if zones is not None and p is not zones and _is_boundary(p, zones)]
    used = [*plans, *blocks, *boundaries, zones, people]
    areas = [p for p in [*layers, *sites] if p not in used]
    return CityFiles(
        zones,
        people,
        link,
        boundaries=tuple(boundaries),
        areas=tuple(areas),
        blocks=tuple(blocks),
        plans=tuple(plans),
        effects=tuple(effects),
        rasters=tuple(rasters),
        others=tuple(p for p in rest if p.kind == "table" and p not in used),
        unread=unread,
    )


def _is_effects(piece: Piece) -> bool:
    """Tell whether a table is one of effects, and in a place where a run looks for it."""
    seen = piece.layer == EFFECTS or Path(piece.file).suffix.lower() not in SHEETS
    return piece.kind == "table" and seen and set(piece.columns) >= EFFECT_COLUMNS


def plan_likeness(piece: Piece) -> int:
    """Count how much in a table speaks of actions.

    Parameters
    ----------
    piece : Piece
        Table or layer.

    Returns
    -------
    int
        One for each of a plan's columns, two for cost and carbon in numbers, four for places in words.

    Examples
    --------
    >>> plan_likeness(Piece("a.csv", pd.DataFrame({"sector": ["energy"], "cost": ["7"]})))
    3
    >>> plan_likeness(Piece("b.csv", pd.DataFrame({"onde": ["citywide", "zones:A"]})))
    4
    """
    score = 0
    for meaning, worth in PLAN_WORDS.items():
        column = guess(meaning, piece.columns)
        if column is not None:
            score += worth if worth == 1 or len(piece.look(column).known) else 0
    return score + (3 if place_column(piece) else 0)


def place_column(piece: Piece) -> str | None:
    """Find the column whose cells are places in words: ``citywide``, ``unknown`` or ``zones:ID;ID``.

    Parameters
    ----------
    piece : Piece
        Table of actions.

    Returns
    -------
    str or None
        The column; None where there is none.

    Examples
    --------
    >>> place_column(Piece("a.csv", pd.DataFrame({"name": ["Trees"], "onde": ["zones:A;B"]})))
    'onde'
    """
    named = guess("where", piece.columns)
    for column in dict.fromkeys([*([named] if named else []), *piece.columns]):
        texts = piece.look(column).texts
        filled = texts[texts != ""]
        if len(filled) and bool(filled.str.match(PLACE_WORDS).all()):
            return column
    return None


def id_column(piece: Piece) -> str | None:
    """Find the column with ids: filled in, each once; by its name, else by single words, of one length if it may be.

    Parameters
    ----------
    piece : Piece
        Table or layer.

    Returns
    -------
    str or None
        The column; None where there is none.

    Examples
    --------
    >>> id_column(Piece("z.csv", pd.DataFrame({"id": ["1", "1"], "kode": ["A", "B"], "n": ["9", "8"]})))
    'kode'
    """
    told = [c for c in piece.ids if piece.look(c).numbers is None or piece.look(c).telling]
    by_name = guess("id", told) or guess("id", piece.ids)
    codes = [c for c in piece.ids if bool(piece.look(c).texts.str.fullmatch(CODE).all())]
    even = (c for c in codes if len(set(piece.look(c).texts.str.len())) == 1)
    return by_name or next(even, next(iter(codes), None))


def _zones(layers: Sequence[Piece], tables: Sequence[Piece], plans: Sequence[Piece]) -> Piece | None:
    """Take the layer whose ids the plan names, else one with people, else one of more polygons; the first of equals."""
    able = [p for p in layers if id_column(p)] or list(layers)
    areas = {p.called: _area(p.shapes) for p in able}
    named = named_places(plans).get("zones", set())

    def rank(piece: Piece) -> tuple[int, bool, bool, int]:
        fitting = max((len(named & set(ids_of(piece, c))) for c in piece.ids), default=0)
        own = guess("population", piece.columns) is not None
        peopled = own or any(guess("population", t.columns) and _link(piece, t) for t in tables)
        # Buildings and sites are many, but they do not cover the city.
        covers = areas[piece.called] >= MATCHED * max(areas.values())
        return fitting, peopled, covers, len(piece.table)

    return max(able, key=rank, default=None)


def _area(shapes: gpd.GeoSeries) -> float:
    """Sum of the areas, only to be compared: in degrees where the CRS is known."""
    same = shapes if shapes.crs is None else shapes.to_crs(4326)
    return float(np.nansum(shapely.area(same.array.to_numpy())))


def named_places(plans: Iterable[Piece]) -> dict[str, set[str]]:
    """Collect the areas that the places of a plan name.

    Parameters
    ----------
    plans : iterable of Piece
        Tables of actions.

    Returns
    -------
    dict of str to set of str
        Word before the colon, ``zones`` for ``zone``, too → ids.

    Examples
    --------
    >>> sorted(named_places([Piece("a.csv", pd.DataFrame({"onde": ["zone:B;A", "citywide"]}))])["zones"])
    ['A', 'B']
    """
    found: dict[str, set[str]] = {}
    for plan in plans:
        column = place_column(plan)
        for cell in [] if column is None else plan.look(column).texts:
            word, colon, ids = str(cell).partition(":")
            word = "zones" if word.strip().lower() in ZONE_WORDS else word.strip()
            if colon:
                found.setdefault(word, set()).update(one.strip() for one in ids.split(";") if one.strip())
    return found


def _people(zones: Piece | None, tables: Sequence[Piece]) -> tuple[Piece | None, Link | None]:
    """Table that the most neighbourhoods stand in; one with a population before others."""
    if zones is None:
        return None, None
    links = [(piece, link) for piece in tables if (link := _link(zones, piece))]
    best = max(links, key=lambda one: (guess("population", one[0].columns) is not None, one[1].matched), default=None)
    return best or (None, None)


def _link(zones: Piece, table: Piece) -> Link | None:
    """Pair of id columns in which the most neighbourhoods match, names and true codes before row numbers."""
    best: tuple[tuple[int, bool, int], Link] | None = None
    words = vocabulary()["id"]["words"]
    for mine in zones.ids:
        for column in table.ids:
            link = _match(zones, table, on=(mine, column))
            if link.matched < MATCHED * len(zones.table):
                continue
            names = sum(likeness(c, words)[0] for c in (mine, column))
            rank = (link.matched, zones.look(mine).numbers is None or zones.look(mine).telling, names)
            if best is None or rank > best[0]:
                best = (rank, link)
    return best[1] if best else None


def _match(zones: Piece, table: Piece, *, on: tuple[str, str]) -> Link:
    mine, theirs = ids_of(zones, on[0]), ids_of(table, on[1])
    digits = None
    if not set(mine) & set(theirs) or len(set(mine) & set(theirs)) < len(set(mine)):
        digits = lost_zeros(mine, theirs)
    if digits is not None:
        mine, theirs = ids_of(zones, on[0], digits=digits), ids_of(table, on[1], digits=digits)
    both = set(mine) & set(theirs)
    alone = tuple(sorted(set(mine) - both)), tuple(sorted(set(theirs) - both))
    return Link(*on, digits, len(both), *alone)


def ids_of(piece: Piece, column: str, *, digits: int | None = None) -> list[str]:
    """Read the ids of a piece as a run would.

    Parameters
    ----------
    piece : Piece
        Table or layer.
    column : str
        Its id column.
    digits : int, optional
        Length of ids that are numbers.

    Returns
    -------
    list of str
        Ids in file order.

    Examples
    --------
    >>> ids_of(Piece("z.csv", pd.DataFrame({"id": ["7", "A"]})), "id", digits=3)
    ['007', 'A']
    """
    from_file = clean_ids(piece.table[column], _NOWHERE, digits=digits)[0]
    return [str(i) for i in from_file]


def lost_zeros(mine: Sequence[str], theirs: Sequence[str]) -> int | None:
    """Tell the length of ids where one side lost leading zeros that the other has.

    Parameters
    ----------
    mine, theirs : sequence of str
        Ids of both sides.

    Returns
    -------
    int or None
        Length that makes more of them equal; None where it does not help.

    Examples
    --------
    >>> lost_zeros(["0601", "1001"], ["601", "1001"]), lost_zeros(["A"], ["B"])
    (4, None)
    """
    numbers = [i for i in [*mine, *theirs] if i.isdecimal() and i.isascii()]
    digits = max((len(i) for i in numbers), default=0)
    padded = [{i.zfill(digits) if i.isdecimal() else i for i in side} for side in (mine, theirs)]
    more = len(padded[0] & padded[1]) > len(set(mine) & set(theirs))
    return digits if more and len(padded[0]) == len(set(mine)) else None


def _is_boundary(piece: Piece, zones: Piece) -> bool:
    """Tell whether a layer has fewer areas than the neighbourhoods, and nearly all of these lie in one each."""
    if len(piece.table) >= len(zones.table) or id_column(piece) is None:
        return False
    if not says("boundary", piece.layer or Path(piece.file).stem):
        return float(nested(piece, zones).mean()) >= COVERED
    # Wards need not follow the neighbourhoods, but they cover them.
    return float(nested(piece, zones, share=0.0).mean()) >= COVERED


def nested(piece: Piece, zones: Piece, *, share: float = COVERED) -> NDArray[np.bool_]:
    """Tell which neighbourhoods lie in one area of a layer, but for a strip along its border.

    Parameters
    ----------
    piece, zones : Piece
        Layers; where one does not state its CRS, both are taken to be in one.
    share : float
        Share of the neighbourhood that lies in that area [0–1]; 0 asks whether it touches one at all.

    Returns
    -------
    ndarray of bool
        One for each neighbourhood.

    Examples
    --------
    >>> zones = gpd.GeoDataFrame(geometry=[shapely.box(i, 0, i + 1, 1) for i in range(3)], crs=25832)
    >>> area = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 2, 1)], crs=25832)
    >>> nested(Piece("a", area), Piece("z", zones)).tolist()
    [True, True, False]
    """
    shapes = piece.shapes
    if shapes.crs is not None and zones.shapes.crs is not None:
        shapes = shapes.to_crs(zones.shapes.crs)
    areas, places = (shapely.make_valid(s.array.to_numpy()) for s in (shapes, zones.shapes))
    place, area = shapely.STRtree(areas).query(places, predicate="intersects")
    shared = np.zeros(len(places))
    np.maximum.at(shared, place, shapely.area(shapely.intersection(places[place], areas[area])))
    found: NDArray[np.bool_] = (shared > 0) & (shared >= share * shapely.area(places))
    return found

"""Lines of a project file proposed for burdens and conditions, and for layers of larger areas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import rasterio

from equity_screen.columns import Look, guess, kin, plain_name, says, vocabulary
from equity_screen.errors import InputError, finding
from equity_screen.plan_proposals import point_crs
from equity_screen.project import RESERVED_PLACES
from equity_screen.recipe import is_reserved
from equity_screen.starter import comment, line
from equity_screen.survey import CityFiles, Piece, id_column, ids_of, named_places

MOST_OFF = 30
FEWEST_AREAS = 2
OVERVIEW = 256  # [cells] a side, of a raster that is looked at
NEAR_M = 500
REFUSED: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {"area": lambda name: name in RESERVED_PLACES, "group": lambda name: name == "everyone", "condition": is_reserved}
)
SHORTEST = 4
CLOSE = 0.8


def stem_of(piece: Piece) -> str:
    """Name a piece without its folder and suffix, or by its layer.

    Parameters
    ----------
    piece : Piece
        Layer or raster.

    Returns
    -------
    str
        For keys and labels.

    Examples
    --------
    >>> import pandas as pd
    >>> stem_of(Piece("maps/heat_2024.tif", pd.DataFrame()))
    'heat_2024'
    """
    return piece.layer or Path(piece.file).stem


def label_of(text: str) -> str:
    """Make a label of a name.

    Parameters
    ----------
    text : str
        Name of a column or file.

    Returns
    -------
    str
        The same with spaces, its first letter a capital.

    Examples
    --------
    >>> label_of("baixa_renda")
    'Baixa renda'
    """
    words = text.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def key_of(text: str, taken: Collection[str] = (), *, other: str = "area") -> str:
    """Make a key of a name: plain, not taken, none that means something else.

    Parameters
    ----------
    text : str
        Name of a column or file.
    taken : collection of str
        Keys of the same table.
    other : {"area", "group", "condition"}
        What it is the key of; it says so where the name has no plain letters, or means something else.

    Returns
    -------
    str
        Key.

    Examples
    --------
    >>> key_of("Zones"), key_of("渋谷区"), key_of("Wards", ["wards"])
    ('zones_area', 'area', 'wards_2')
    """
    name = plain_name(text)
    name = f"{name}_{other}" if REFUSED[other](name) else name or other
    free = (key for key in (name, *(f"{name}_{i}" for i in range(2, len(taken) + 3))) if key not in taken)
    return next(free)


def boundary_names(city: CityFiles) -> dict[str, Piece]:
    """Name the layers of larger areas, as ``where`` cells and results name them.

    Parameters
    ----------
    city : CityFiles
        Files of a city.

    Returns
    -------
    dict of str to Piece
        Layers by name.

    Examples
    --------
    >>> import pandas as pd
    >>> list(boundary_names(CityFiles(boundaries=(Piece("Wards.geojson", pd.DataFrame()),))))
    ['wards']
    """
    named: dict[str, Piece] = {}
    words = sorted(set(named_places(city.plans)) - {"zones"})
    for piece in city.boundaries:
        key = key_of(stem_of(piece), named)
        # The plan may say district where the file is called districts.
        said = (word for word in words if word not in {*named, *RESERVED_PLACES} and _alike(word.lower(), key))
        named[next(said, key)] = piece
    return named


def _alike(word: str, key: str) -> bool:
    begins = len(word) >= SHORTEST and key.startswith(word)
    return begins or bool(get_close_matches(word, [key], n=1, cutoff=CLOSE))


def name_column(piece: Piece, taken: Collection[str | None]) -> str | None:
    """Find the column with names: text by its name, most of it different.

    Parameters
    ----------
    piece : Piece
        Table or layer.
    taken : collection of str
        Columns that bear another meaning already.

    Returns
    -------
    str or None
        The column; None where there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> name_column(Piece("z.csv", pd.DataFrame({"name": ["7", "8"], "bairro": ["Centro", "Porto"]})), [])
    'bairro'
    """
    texts = [c for c in piece.columns if piece.look(c).numbers is None and c not in taken]
    return guess("name", [c for c in texts if piece.look(c).texts.nunique() * 2 > len(piece.table)])


def boundary_lines(city: CityFiles, columns: Piece, *, taken: Collection[str | None]) -> list[str]:
    """Propose the layers of larger areas, and the columns that say in which one a neighbourhood lies.

    Parameters
    ----------
    city : CityFiles
        Files of a city.
    columns : Piece
        Neighbourhoods with all their columns.
    taken : collection of str
        Columns that bear another meaning already.

    Returns
    -------
    list of str
        Lines of the table ``[boundaries]``.

    Examples
    --------
    >>> import pandas as pd
    >>> boundary_lines(CityFiles(), Piece("z.gpkg", pd.DataFrame()), taken=[])
    []
    """
    lines, keys = [], set()
    for key, piece in boundary_names(city).items():
        id_ = id_column(piece)
        name = name_column(piece, [id_])
        value: dict[str, object] = {"label": label_of(stem_of(piece)), "file": piece.file}
        value |= ({"layer": piece.layer} if piece.layer else {}) | {"id": id_} | ({"name": name} if name else {})
        lines.append(line(key, value, why=f"{len(piece.table)} areas in which the neighbourhoods lie"))
        keys.add(key)
    listed = [set(ids_of(piece, str(id_column(piece)))) for piece in city.boundaries]
    for column in [c for c in columns.columns if c not in taken and _is_area(columns, c)]:
        if any(set(ids_of(columns, column)) <= ids for ids in listed):
            continue
        key = key_of(column, keys)
        keys.add(key)
        different = columns.look(column).texts.nunique()
        value = {"label": label_of(column), "column": column}
        lines.append(line(key, value, why=f"{different} different values in the neighbourhoods"))
    return lines


def _is_area(columns: Piece, column: str) -> bool:
    look = columns.look(column)
    few = FEWEST_AREAS <= look.texts.nunique() <= len(columns.table) / 2
    return says("boundary", column) and few and not look.blanks and (look.numbers is None or look.whole)


def condition_lines(city: CityFiles, columns: Piece, *, free: Sequence[str], folder: Path) -> list[str]:
    """Propose indicators from rasters, layers and columns: on where the name is known and the values can be it.

    Parameters
    ----------
    city : CityFiles
        Files of a city.
    columns : Piece
        Neighbourhoods with all their columns.
    free : sequence of str
        Those of their columns that mean nothing yet.
    folder : Path
        Folder of the files.

    Returns
    -------
    list of str
        Lines of the table ``[indicators]``.

    Raises
    ------
    InputError
        A raster that cannot be read.

    Examples
    --------
    >>> import pandas as pd
    >>> piece = Piece("z.csv", pd.DataFrame({"pm25": [9.5, 12.0]}))
    >>> condition_lines(CityFiles(), piece, free=["pm25"], folder=Path())[0][:60]
    'pm25 = { label = "Fine particles (PM2.5)", unit = "µg/m³", h'
    """
    lines: list[str] = []
    keys: set[str] = set()
    for piece in city.rasters:
        look = _overview(folder / piece.file)
        source: dict[str, object] = {"raster": piece.file}
        lines.append(_condition(stem_of(piece), source, keys, look=look))
    lines += [text for piece in city.areas for text in _of_layer(piece, city, keys)]
    for column in free[:MOST_OFF]:
        look = columns.look(column)
        lines.append(_condition(column, {"column": column}, keys, look=look))
    return lines + ([comment(f"further columns: {', '.join(free[MOST_OFF:])}")] if len(free) > MOST_OFF else [])


def _condition(name: str, source: dict[str, object], keys: set[str], *, look: Look) -> str:
    """Line of one indicator; its unit and direction are known by its name, or asked for."""
    known = kin("indicators", name)
    entry = vocabulary()["indicators"].get(known, {"label": label_of(name), "unit": "…", "higher_is": "worse"})
    low, high = entry.get("between", (np.inf, -np.inf))
    sure = look.within(low, high) and known not in keys and not says("rank", name)
    key = key_of(known or name, keys, other="condition")
    keys.add(key)
    said = {part: entry[part] for part in ("label", "unit", "higher_is")} | source
    strange = sorted(set(look.known[~look.known.between(low, high)])) if known else []
    if len(strange) == 1:
        # One value apart from all others is a code for a missing value rather than a measurement.
        said |= {"nodata" if "raster" in source else "missing": [strange[0]]}
        return line(key, said, why=f"{look.words()}; does {strange[0]:.10g} mean no data?", on=False)
    why = look.words() + (
        "; check the unit" if sure else "; say its unit, and whether a higher value is worse or better"
    )
    return line(key, said, why=why, on=sure)


def _of_layer(piece: Piece, city: CityFiles, keys: set[str]) -> list[str]:
    """Lines of a layer: its rates by area, how many people live inside it, or how many of its points are near."""
    label = label_of(stem_of(piece))
    if piece.kind == "polygons":
        rates = {c: piece.look(c) for c in piece.columns if kin("indicators", c) and len(piece.look(c).known)}
        lines = [_condition(c, {"polygons": piece.file, "rate": c}, keys, look=look) for c, look in rates.items()]
        inside = {"label": f"Inside {label}", "unit": "% of people", "higher_is": "worse", "covered_by": piece.file}
        why = "the share of the people inside these polygons"
        return lines or [line(_new_key(piece, keys), inside, why=why, on=False)]
    value: dict[str, object] = {"label": f"Near {label}", "unit": "places", "higher_is": "worse", "points": piece.file}
    place = dict(zip("xy", piece.xy, strict=True)) | {"crs": point_crs(piece, city) or "EPSG:…"} if piece.xy else {}
    value |= {"distance_m": NEAR_M}
    value |= {} if piece.is_layer else place
    why = "how many of these places are near; check the distance, and whether more is worse or better"
    return [line(_new_key(piece, keys), value, why=why, on=False)]


def _new_key(piece: Piece, keys: set[str]) -> str:
    key = key_of(stem_of(piece), keys, other="condition")
    keys.add(key)
    return key


def _overview(path: Path) -> Look:
    """Look at a raster's only band, thinned out, without its cells of no data; one without a CRS is not looked at."""
    try:
        with rasterio.open(path) as raster:
            shape = (min(raster.height, OVERVIEW), min(raster.width, OVERVIEW))
            values = np.ma.masked_invalid(raster.read(1, out_shape=shape, masked=True)).compressed()
            usable = raster.crs is not None and raster.count == 1
    except rasterio.errors.RasterioError as error:
        raise InputError([finding("ES-RASTER-UNREADABLE", path.name)]) from error
    numbers = pd.Series(values.astype("float64") if usable else [], dtype="float64")
    return Look(numbers.astype("str"), numbers)

"""The interactive map: one page that opens offline, with its look-up, layers and legend."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from branca.element import Element, Figure, MacroElement
from folium.elements import ElementAddToElement
from folium.map import Layer
from folium.template import Template
from jinja2.utils import htmlsafe_json_dumps
from numpy.typing import NDArray
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from equity_screen.pages import (
    asset,
    count_text,
    data_text,
    ledger_words,
    map_scripts,
    map_styles,
    page_templates,
    state_words,
)
from equity_screen.recipe import LEDGERS, PEOPLE, UNIVERSE
from equity_screen.text import number_text, percent_text

if TYPE_CHECKING:
    from equity_screen.screen import Result

WGS84 = "EPSG:4326"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline' data:; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
# Five steps, light to dark, that stay apart for readers with any colour vision.
CIVIDIS = ("#f9e03a", "#bcae6c", "#7d7c78", "#434e6c", "#002859")
VIRIDIS = ("#ece51b", "#5ec962", "#21918c", "#3b528b", "#460b5e")
SECTOR_COLOURS = ("#d55e00", "#56b4e9", "#cc79a7", "#009e73", "#7b3294", "#e69f00", "#000000")
OTHER_SECTORS, OTHER_COLOUR = "other sectors", "#6b6b6b"
SHARE_LIMITS = (0.0, 0.25, 0.5, 0.75, 1.0)
DECIMALS = 5
DETAIL = 4000  # parts of the city's longer side that a simplified border may be off by
MANY_REACHES, LONGEST_LIST = 20, 50
FEW_ACTIONS, FEW_RADIUS, MANY_RADIUS = 200, 6, 3.5  # dots smaller where they would hide one another [px]
ELSEWHERE = {
    "citywide": ("City-wide actions", "They land on every neighbourhood and have no place of their own."),
    "unlocated": ("Actions without a place", "Their effects are not counted for any neighbourhood."),
}
EFFECT_ROWS = ("Effect", "People reached", "Share of the effect in priority neighbourhoods")


class Page(Figure):
    """Accessible page around a map: language, title, content policy; equal bytes each time.

    Parameters
    ----------
    title : str
        Title of the page.

    Examples
    --------
    >>> "<title>Northhaven</title>" in Page("Northhaven").render()
    True
    """

    _template = Template(asset("map_page.html.j2"))
    policy = CONTENT_POLICY

    def __init__(self, title: str) -> None:
        super().__init__(title=data_text(title))

    def render(self, **kwargs: object) -> str:
        """Write the page, its elements numbered in their order instead of at random.

        Parameters
        ----------
        **kwargs
            Passed to the templates.

        Returns
        -------
        str
            HTML.
        """
        for number, element in enumerate(_descendants(self), start=1):
            element._id = str(number)  # noqa: SLF001 - the library offers no other way
        return str(super().render(**kwargs))


def _descendants(element: Element) -> Iterator[Element]:
    for child in element._children.values():  # noqa: SLF001 - no public walk
        # These are made anew by each rendering and would shift the numbers of a second one.
        if not isinstance(child, ElementAddToElement):
            yield child
            yield from _descendants(child)


class OfflineMap(folium.Map):
    """A folium map whose page asks no site for anything.

    Leaflet and jQuery come from the installed packages and are part of the page. There is no
    background map unless ``tiles`` names one, and the page's content policy blocks a remote one.

    Parameters
    ----------
    title : str
        Title and heading of the page.
    notes : str
        HTML under the heading, its texts already safe.
    panel : str
        HTML beside the map, its texts already safe.
    **options
        As of ``folium.Map``.

    Examples
    --------
    >>> page = OfflineMap(title="Northhaven").get_root().render()
    >>> 'id="map_1"' in page, "http://" in page
    (True, False)
    """

    _template = Template(asset("map_body.html.j2"))

    def __init__(
        self,
        *,
        title: str = "Map",
        notes: str = "",
        panel: str = "",
        **options: Any,
    ) -> None:
        super().__init__(**{"tiles": None, "attribution_control": False} | options)
        self.title, self.notes, self.panel = data_text(title), notes, panel
        # Lists of this map alone: add_js_link and add_css_link of the library append to them.
        self.default_js, self.default_css = list(map_scripts()), list(map_styles())
        Page(title).add_child(self)


class ScreenLayer(Layer):
    """Layer that a function of ``templates/map.js`` draws.

    Parameters
    ----------
    kind : str
        Name of the function.
    payload : object
        What it draws: numbers, coordinates and texts already made safe.
    name : str
        Name in the layer control; without one the reader cannot switch the layer.
    overlay : bool
        Drawn with others, not instead of them.
    show : bool
        Drawn from the start.

    Examples
    --------
    >>> ScreenLayer("outline", [], name="Priority").layer_name
    'Priority'
    """

    _template = Template(
        "{% macro script(this, kwargs) %}{% set map = this._parent.get_name() %}\n"
        "var {{ this.get_name() }} = equityScreen.{{ this.kind }}({{ map }}, {{ this.json }})"
        "{% if this.show %}.addTo({{ map }}){% endif %};\n"
        "{% endmacro %}"
    )

    def __init__(self, kind: str, payload: object, *, name: str = "", overlay: bool = True, show: bool = True) -> None:
        super().__init__(name=name, overlay=overlay, control=bool(name), show=show)
        self._name = "ScreenLayer"
        self.kind = kind
        self.json = htmlsafe_json_dumps(payload, dumps=json.dumps, separators=(",", ":"), allow_nan=False)

    def render(self, **kwargs: object) -> None:  # type: ignore[override] # as the library's own
        """Write the layer's script, adding to the map included.

        Parameters
        ----------
        **kwargs
            Passed to the template.
        """
        # Layer.render would add a new child at each rendering, and so other bytes.
        MacroElement.render(self, **kwargs)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Theme:
    """One way to colour the neighbourhoods, with all that its legend says.

    Parameters
    ----------
    name, title, explained, absent : str
        Name in the layer control, heading, a sentence, and the words for a missing value.
    classes : tuple of int
        Class of each neighbourhood; -1 where there is no value.
    legend : tuple of (str, str, int)
        Colour, limits and number of neighbourhoods of each class.

    Examples
    --------
    >>> Theme("Burden", "Burden score", "Darker: heavier.", "no score", (0,), (("#f9e03a", "1 to 2", 1),)).legend[0][2]
    1
    """

    name: str
    title: str
    explained: str
    absent: str
    classes: tuple[int, ...]
    legend: tuple[tuple[str, str, int], ...]


def quantile_limits(values: NDArray[np.float64], classes: int = 5) -> NDArray[np.float64]:
    """Find the upper limits of classes that hold about equally many values.

    Parameters
    ----------
    values : ndarray of float
        Values; NaN is left out.
    classes : int
        Number of classes wanted; ties make them fewer.

    Returns
    -------
    ndarray of float
        Upper limits in rising order, each a value that occurs; no class is empty.

    Examples
    --------
    >>> quantile_limits(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), classes=2).tolist()
    [2.0, 4.0]
    """
    known = values[~np.isnan(values)]
    shares = np.arange(1, classes + 1) / classes
    return np.unique(np.quantile(known, shares, method="inverted_cdf")) if known.size else known


def classify(values: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.int64]:
    """Put each value into the first class whose upper limit it does not pass.

    Parameters
    ----------
    values : ndarray of float
        Values.
    limits : ndarray of float
        Upper limits in rising order; what passes the last one belongs to the last class.

    Returns
    -------
    ndarray of int
        Class from 0; -1 for NaN.

    Examples
    --------
    >>> classify(np.array([2.0, 2.1, np.nan]), np.array([2.0, 4.0])).tolist()
    [0, 1, -1]
    """
    classes = np.minimum(np.searchsorted(limits, values), max(len(limits) - 1, 0))
    return np.where(np.isnan(values), -1, classes)


def _range_words(low: float, limits: NDArray[np.float64], text: Callable[[float], str]) -> list[str]:
    first = text(limits[0]) if low >= limits[0] else f"{text(low)} to {text(limits[0])}"
    return [first, *(f"over {text(a)} to {text(b)}" for a, b in pairwise(limits))]


def _ramp(colours: Sequence[str], classes: int) -> list[str]:
    steps = np.linspace(0, len(colours) - 1, classes) if classes > 1 else [len(colours) // 2] * classes
    return [colours[round(step)] for step in steps]


def _legend(
    classes: NDArray[np.int64], words: Sequence[str], colours: Sequence[str]
) -> tuple[tuple[str, str, int], ...]:
    counts = [int((classes == place).sum()) for place in range(len(words))]
    return tuple(zip(_ramp(colours, len(words)), words, counts, strict=True))


def burden_theme(neighbourhoods: pd.DataFrame) -> Theme:
    """Colour by burden score, in five classes of about equally many neighbourhoods.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Column ``burden_score``; without it no neighbourhood has a score.

    Returns
    -------
    Theme
        Yellow is the lowest score, dark blue the highest.

    Examples
    --------
    >>> burden_theme(pd.DataFrame({"burden_score": [1.0, 3.0, np.nan]})).legend
    (('#f9e03a', '1.00', 1), ('#002859', 'over 1.00 to 3.00', 1))
    """
    scores = neighbourhoods.reindex(columns=["burden_score"])["burden_score"].to_numpy(dtype=float)
    limits = quantile_limits(scores)
    classes = classify(scores, limits)
    words = _range_words(np.nanmin(scores), limits, number_text) if limits.size else []
    return Theme(
        "Burden score",
        "Burden score",
        "Darker: a heavier burden. Each class holds about a fifth of the scored neighbourhoods.",
        "no score",
        tuple(classes.tolist()),
        _legend(classes, words, CIVIDIS),
    )


def reached_theme(neighbourhoods: pd.DataFrame, ledger: str) -> Theme:
    """Colour by the share of a neighbourhood's people in reach of a benefit or a burden.

    Parameters
    ----------
    neighbourhoods : DataFrame
        Column ``<ledger>_reached_share``, share [0–1].
    ledger : {"benefit", "burden"}
        Ledger.

    Returns
    -------
    Theme
        Yellow is nobody, dark violet is three quarters and more.

    Examples
    --------
    >>> hoods = pd.DataFrame({"benefit_reached_share": [0.0, 0.2, 1.0]})
    >>> reached_theme(hoods, "benefit").classes
    (0, 1, 4)
    """
    shares = neighbourhoods[f"{ledger}_reached_share"].to_numpy(dtype=float)
    limits = np.array(SHARE_LIMITS)
    classes = classify(shares, limits)
    words = _range_words(0.0, limits, lambda share: percent_text(share, places=0))
    return Theme(
        f"People reached by a {ledger}",
        f"Share of people reached by a {ledger}",
        f"People in reach of at least one {ledger}, each counted once.",
        "nobody lives there",
        tuple(classes.tolist()),
        _legend(classes, words, VIRIDIS),
    )


def _has_place(layer: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    return np.asarray(~(layer.geometry.isna() | layer.geometry.is_empty))


def _tolerance(layer: gpd.GeoDataFrame) -> float:
    west, south, east, north = layer.total_bounds
    return float(max(east - west, north - south) / DETAIL)


def light_shapes(layer: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Make geometries light enough for a page: degrees, fewer vertices, five decimals (about a metre).

    Parameters
    ----------
    layer : GeoDataFrame
        Layer in any declared CRS; every row has a geometry.

    Returns
    -------
    ndarray of Geometry
        Geometries in EPSG:4326. Neighbours keep one common border wherever the layer is a clean coverage.

    Examples
    --------
    >>> light_shapes(gpd.GeoDataFrame(geometry=[shapely.Point(1.1234567, 2)], crs=4326))[0].wkt
    'POINT (1.12346 2)'
    """
    shapes = layer.geometry.to_numpy()
    areal = np.isin(shapely.get_type_id(shapes), (3, 6)).all()
    if areal and shapely.coverage_is_valid(shapes):
        shapes = shapely.coverage_simplify(shapes, _tolerance(layer))
    else:
        shapes = shapely.simplify(shapes, _tolerance(layer))
    degrees = gpd.GeoSeries(shapes, crs=layer.crs).to_crs(WGS84).to_numpy()
    return np.asarray(shapely.transform(degrees, lambda places: np.round(places, DECIMALS)))


def _geojson(shapes: Iterable[BaseGeometry]) -> list[dict[str, Any]]:
    return [mapping(shape) for shape in shapes]


@dataclass(frozen=True)
class Sector:
    """Actions of one sector that are drawn as one layer.

    Parameters
    ----------
    name, colour : str
        Name and colour in map and legend.
    members : tuple of int
        Positions of its actions in the table.

    Examples
    --------
    >>> Sector("transport", "#d55e00", (0, 3)).members
    (0, 3)
    """

    name: str
    colour: str
    members: tuple[int, ...]


def group_sectors(names: pd.Series) -> list[Sector]:
    """Gather actions by sector: the most frequent ones by name, the rest as one.

    Parameters
    ----------
    names : Series of str
        Sector of each action, by its position in the table.

    Returns
    -------
    list of Sector
        Largest first, so that the map draws rare ones above it; "other sectors" last.

    Examples
    --------
    >>> [(s.name, s.members) for s in group_sectors(pd.Series(["Trees", "Heat", "Trees"]))]
    [('Trees', (0, 2)), ('Heat', (1,))]
    """
    known = names.fillna("").astype(str).replace("", "no sector stated")
    counts = known.value_counts()
    common = sorted(counts.index, key=lambda name: (-counts[name], name))[: len(SECTOR_COLOURS)]
    drawn = known.where(known.isin(common), OTHER_SECTORS)
    colours = dict(zip(common, SECTOR_COLOURS, strict=False)) | {OTHER_SECTORS: OTHER_COLOUR}
    members = {name: tuple(drawn.index[drawn == name].tolist()) for name in colours}
    return [Sector(name, colour, members[name]) for name, colour in colours.items() if members[name]]


def _shown_groups(result: Result) -> dict[str, str]:
    columns = result.neighbourhoods.columns
    return {name: group.label for name, group in result.question.groups.items() if PEOPLE + name in columns}


def _priority_label(result: Result) -> str:
    priority = result.question.priority
    return priority.label if priority else "priority neighbourhoods"


def _group_words(row: Mapping[str, Any], group: str) -> str:
    people = row[PEOPLE + group]
    universe = row.get(UNIVERSE + group, row["population"])
    return f"{count_text(people)} ({percent_text(people / universe if universe else None)})"


def _neighbourhood_values(row: Mapping[str, Any], groups: Iterable[str]) -> list[str]:
    return [
        count_text(row["population"]),
        *(_group_words(row, group) for group in groups),
        number_text(row.get("burden_score")),
        number_text(row.get("burden_percentile")),
        "yes" if row["priority"] else "no",
        *(percent_text(row[f"{ledger}_reached_share"]) for ledger in LEDGERS),
    ]


def _neighbourhoods_payload(result: Result, hoods: gpd.GeoDataFrame, shapes: NDArray[np.object_]) -> dict[str, Any]:
    groups = _shown_groups(result)
    labels = [
        *("People", *groups.values(), "Burden score", "Burden percentile", f"In {_priority_label(result)}"),
        *(f"People reached by a {ledger}" for ledger in LEDGERS),
    ]
    rows = hoods.drop(columns=hoods.geometry.name).to_dict("records")
    return {
        "labels": [data_text(label) for label in labels],
        "names": [data_text(name) for name in hoods["name"]],
        "values": [_neighbourhood_values(row, groups) for row in rows],
        "shapes": _geojson(shapes),
    }


def _ledger_facts(row: Mapping[str, Any], ledger: str) -> list[str]:
    known = row if row[f"{ledger}_assessed"] == "assessed" else {}
    reached, share = known.get(f"{ledger}_people_reached"), known.get(f"{ledger}_priority_place_share")
    return [data_text(ledger_words(row, ledger)), count_text(reached), percent_text(share)]


def _action_payload(row: Mapping[str, Any]) -> dict[str, Any]:
    about = (data_text(row["sector"]), state_words(row["active"]))
    facts = {ledger: _ledger_facts(row, ledger) for ledger in LEDGERS}
    return {"name": data_text(row["name"]), "about": " · ".join(words for words in about if words)} | facts


def _city_layer(neighbourhoods: dict[str, Any], scores: pd.DataFrame) -> ScreenLayer:
    payload = {
        "neighbourhoods": neighbourhoods,
        "actionLabels": EFFECT_ROWS,
        "actions": [_action_payload(row) for row in scores.to_dict("records")],
    }
    return ScreenLayer("city", payload)


def _themes(hoods: gpd.GeoDataFrame, scores: pd.DataFrame) -> list[Theme]:
    assessed = [ledger for ledger in LEDGERS if scores[f"{ledger}_assessed"].eq("assessed").any()]
    themes = [burden_theme(hoods), *(reached_theme(hoods, ledger) for ledger in assessed)]
    return sorted(themes, key=lambda theme: not theme.legend)


def _theme_layers(themes: Sequence[Theme]) -> Iterator[ScreenLayer]:
    for number, theme in enumerate(themes):
        colours = [colour for colour, _, _ in theme.legend]
        payload = {"number": number, "classes": theme.classes, "colours": colours}
        yield ScreenLayer("theme", payload, name=theme.name, overlay=False, show=number == 0)


def _priority_layers(result: Result, hoods: gpd.GeoDataFrame, shapes: NDArray[np.object_]) -> Iterator[ScreenLayer]:
    if hoods["priority"].any():
        # One outline around neighbours; they share their simplified borders, so it fits them exactly.
        outline = shapely.union_all(shapely.make_valid(shapes[hoods["priority"].to_numpy(dtype=bool)]))
        name = data_text(f"Outline: {_priority_label(result)}")
        yield ScreenLayer("priority", mapping(outline), name=name)


def _reach_layers(reach: gpd.GeoDataFrame) -> Iterator[ScreenLayer]:
    for ledger in LEDGERS:
        shapes = reach.geometry[reach["ledger"] == ledger]
        if len(shapes):
            union = gpd.GeoDataFrame(geometry=[shapely.union_all(shapes.to_numpy())], crs=WGS84)
            payload = {"ledger": ledger, "shape": mapping(light_shapes(union)[0])}
            name, few = f"In reach of a {ledger}", len(reach) <= MANY_REACHES
            yield ScreenLayer("reach", payload, name=name, show=few)


def _action_layers(actions: gpd.GeoDataFrame, sectors: Sequence[Sector]) -> Iterator[ScreenLayer]:
    radius = FEW_RADIUS if sum(len(sector.members) for sector in sectors) <= FEW_ACTIONS else MANY_RADIUS
    for sector in sectors:
        shapes = _geojson(light_shapes(actions.iloc[list(sector.members)]))
        payload = {"colour": sector.colour, "radius": radius, "members": sector.members, "shapes": shapes}
        yield ScreenLayer("actions", payload, name=data_text(f"Actions: {sector.name}"))


def _elsewhere(actions: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    for where, (title, explained) in ELSEWHERE.items():
        rows = actions[actions["where"] == where]
        if len(rows):
            shown = list(zip(rows["name"], rows["sector"], strict=True))[:LONGEST_LIST]
            rest = len(rows) - len(shown)
            yield {"title": title, "explained": explained, "count": len(rows), "shown": shown, "rest": rest}


def _by_name(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return table.sort_index().sort_values("name", kind="stable")


def map_screen(result: Result) -> folium.Map:
    """Draw a screening: burden, priority, people reached, reach and actions.

    Parameters
    ----------
    result : Result
        Finished screening.

    Returns
    -------
    folium.Map
        Self-contained map; further folium layers may be added as long as they need no remote file.

    Notes
    -----
    The map decides nothing: every figure in it stands in a table of the result.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> page = map_screen(screen(four_zones(), four_actions())).get_root().render()
    >>> "South-west" in page, "https://cdn" in page
    (True, False)
    """
    hoods, actions = _by_name(result.neighbourhoods), _by_name(result.actions)
    scores = result.scores.reindex(actions.index)
    themes, shapes = _themes(hoods, scores), light_shapes(hoods)
    placed = pd.Series(actions["sector"].to_numpy(), dtype=object)[_has_place(actions)]
    sectors = group_sectors(placed)
    layers = [
        _city_layer(_neighbourhoods_payload(result, hoods, shapes), scores),
        *_theme_layers(themes),
        *_priority_layers(result, hoods, shapes),
        *_reach_layers(result.reach),
        *_action_layers(actions, sectors),
        folium.LayerControl(collapsed=False),
        ScreenLayer("finish", None),
    ]
    page = _titled_map(result, themes=themes, sectors=sectors, elsewhere=list(_elsewhere(actions)))
    for layer in layers:
        layer.add_to(page)
    west, south, east, north = hoods.to_crs(WGS84).total_bounds.round(DECIMALS).tolist()
    page.fit_bounds([[south, west], [north, east]])
    return page


def _titled_map(result: Result, **parts: object) -> OfflineMap:
    parts |= {
        "question": result.question,
        "priority_label": _priority_label(result),
        "priority": int(result.neighbourhoods["priority"].sum()),
        "ledgers": [ledger for ledger in LEDGERS if result.reach["ledger"].eq(ledger).any()],
    }
    notes, panel = (page_templates().get_template(f"map_{name}.html.j2") for name in ("notes", "panel"))
    return OfflineMap(
        title=result.question.title, notes=notes.render(parts), panel=panel.render(parts), control_scale=True
    )


def write_map(result: Result, path: str | Path) -> None:
    """Write the map as one file.

    Parameters
    ----------
    result : Result
        Finished screening.
    path : str or Path
        File to write, in UTF-8.

    Examples
    --------
    >>> from equity_screen.screen import screen
    >>> from equity_screen.synthetic import four_actions, four_zones
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(screen(four_zones(), four_actions()), Path(folder) / "map.html")
    ...     (Path(folder) / "map.html").stat().st_size > 100_000
    True
    """
    Path(path).write_bytes(map_screen(result).get_root().render().encode("utf-8"))

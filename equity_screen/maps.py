"""The interactive map: one page that opens offline, with its look-up, layers and legend."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
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

from equity_screen.crs import WGS84, lies_across, run_on
from equity_screen.outlines import DECIMALS, boundary_outlines, light_shapes, priority_outline
from equity_screen.pages import (
    ACTIVE_SCOPE,
    asset,
    count_text,
    counted_reach,
    data_text,
    distinct_names,
    ledger_words,
    map_scripts,
    map_styles,
    page_templates,
    people_known,
    percent_words,
    state_words,
    uncounted_words,
)
from equity_screen.recipe import LEDGERS, PEOPLE, UNIVERSE
from equity_screen.sections_reach import missed_by_benefits
from equity_screen.text import number_text
from equity_screen.themes import (
    Sector,
    Theme,
    actions_theme,
    burden_theme,
    group_sectors,
    indicator_theme,
    marker_legend,
    marker_of,
    reached_theme,
)

if TYPE_CHECKING:
    from equity_screen.result import Result

CONTENT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline' data:; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
MANY_REACHES, LONGEST_LIST = 20, 50
MANY_DOTS, MANY_OF_A_SECTOR = 200, 20  # more would hide the colours under them
MARGIN = 12  # around the city [px]
ELSEWHERE = {
    "citywide": ("City-wide actions", "They land on every neighbourhood and have no place of their own."),
    "unlocated": ("Actions without a place", "Their effects are not counted for any neighbourhood."),
}
NO_PEOPLE = "no population"
MISSED = "priority neighbourhoods that no benefit reaches"
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
        # No step between zooms: the city then fits the window, however wide it is.
        super().__init__(**{"tiles": None, "attribution_control": False, "zoom_snap": 0} | options)
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


def _has_place(layer: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    return np.asarray(~(layer.geometry.isna() | layer.geometry.is_empty))


def _geojson(shapes: Iterable[BaseGeometry]) -> list[dict[str, Any]]:
    return [mapping(shape) for shape in shapes]


def _shown_groups(result: Result) -> dict[str, str]:
    columns = result.neighbourhoods.columns
    return {name: group.label for name, group in result.question.groups.items() if PEOPLE + name in columns}


def _priority_label(result: Result) -> str:
    priority = result.question.priority
    return priority.label if priority else "priority neighbourhoods"


def _people_words(result: Result, hoods: pd.DataFrame) -> list[str]:
    told = result.status["codes"].astype(str).str.contains("ES-POP-", regex=False)
    declared = hoods.index.isin(result.status.loc[told, "id"])
    nobody = np.where(declared, f"{NO_PEOPLE} published", NO_PEOPLE)
    people = hoods["population"]
    return [count_text(n) if n > 0 else str(words) for n, words in zip(people, nobody, strict=True)]


def _group_words(row: Mapping[str, Any], group: str) -> str:
    people, universe = row[PEOPLE + group], row.get(UNIVERSE + group, row["population"])
    if not universe > 0:
        return count_text(None)
    among = " of those counted" if UNIVERSE + group in row else ""
    return f"{count_text(people)} ({percent_words(people / universe)}{among})"


def _neighbourhood_facts(result: Result, hoods: gpd.GeoDataFrame) -> dict[str, list[str]]:
    """Give what is told of each neighbourhood: label, and a text for each."""
    rows = hoods.drop(columns=hoods.geometry.name).to_dict("records")
    facts: dict[str, list[str]] = {}
    if people_known(result):
        facts["People"] = [row["people_words"] for row in rows]
        facts |= {label: [_group_words(row, g) for row in rows] for g, label in _shown_groups(result).items()}
    for name, one in result.question.indicators.items():
        facts[f"{one.label} [{one.unit}]"] = [number_text(row[name]) for row in rows]
    for column, label in (("burden_score", "Burden score"), ("burden_percentile", "Burden percentile")):
        facts[label] = [number_text(row.get(column)) for row in rows]
    facts[f"In {_priority_label(result)}"] = [_priority_words(row["priority_share"]) for row in rows]
    for ledger in LEDGERS if people_known(result) else ():
        words = uncounted_words(result, ledger)
        shares = [words or percent_words(row[f"{ledger}_reached_share"]) for row in rows]
        facts[f"In reach of a {ledger} of {ACTIVE_SCOPE}"] = shares
    missed = missed_by_benefits(result)
    if len(missed):
        facts["Nearest action with a benefit"] = [str(missed.get(name, "")) for name in hoods.index]
    return facts


def _priority_words(share: float) -> str:
    """Say yes or no, or how much of a neighbourhood lies in priority areas."""
    return {0.0: "no", 1.0: "yes"}.get(share, percent_words(share))


def _neighbourhoods_payload(result: Result, hoods: gpd.GeoDataFrame, shapes: NDArray[np.object_]) -> dict[str, Any]:
    facts = _neighbourhood_facts(result, hoods)
    return {
        "labels": [data_text(label) for label in facts],
        "names": [data_text(name) for name in distinct_names(hoods)],
        "values": [list(values) for values in zip(*facts.values(), strict=True)],
        "shapes": _geojson(shapes),
    }


def _ledger_facts(row: Mapping[str, Any], ledger: str) -> list[str]:
    known = row if row[f"{ledger}_assessed"] == "assessed" else {}
    reached, share = known.get(f"{ledger}_people_reached"), known.get(f"{ledger}_priority_place_share")
    return [data_text(ledger_words(row, ledger)), count_text(reached), percent_words(share)]


def _action_payload(row: Mapping[str, Any]) -> dict[str, Any]:
    about = (data_text(row["sector"]), state_words(row["active"]))
    facts = {ledger: _ledger_facts(row, ledger) for ledger in LEDGERS}
    return {"name": data_text(row["name"]), "about": " · ".join(words for words in about if words)} | facts


def _city_layer(neighbourhoods: dict[str, Any], scores: pd.DataFrame) -> ScreenLayer:
    named = scores.assign(name=distinct_names(scores))
    payload = {
        "neighbourhoods": neighbourhoods,
        "actionLabels": EFFECT_ROWS,
        "actions": [_action_payload(row) for row in named.to_dict("records")],
    }
    return ScreenLayer("city", payload)


def _themes(result: Result, hoods: gpd.GeoDataFrame) -> list[Theme]:
    counted = [ledger for ledger in LEDGERS if not uncounted_words(result, ledger) and people_known(result)]
    nobody = hoods.loc[~(hoods["population"] > 0), "people_words"].unique()
    absent = nobody[0] if len(nobody) == 1 else NO_PEOPLE
    themes = [burden_theme(hoods), *(reached_theme(hoods, ledger, absent=absent) for ledger in counted)]
    if not people_known(result) and len(result.actions):
        themes.append(actions_theme(hoods, result.footprints))
    themes += [indicator_theme(hoods, name, indicator=one) for name, one in result.question.indicators.items()]
    asked = any(one.burden for one in result.question.indicators.values())
    shown = [theme for theme in themes if theme.legend or (asked and theme is themes[0])]
    return sorted(shown or themes[:1], key=lambda theme: not theme.legend)


def _theme_layers(themes: Sequence[Theme]) -> Iterator[ScreenLayer]:
    for number, theme in enumerate(themes):
        colours = [colour for colour, _, _ in theme.legend]
        payload = {"number": number, "classes": theme.classes, "colours": colours}
        yield ScreenLayer("theme", payload, name=theme.name, overlay=False, show=number == 0)


def _priority_layers(result: Result, hoods: gpd.GeoDataFrame, shapes: NDArray[np.object_]) -> Iterator[ScreenLayer]:
    outline = priority_outline(result, hoods, shapes=shapes)
    if outline is not None:
        yield ScreenLayer("priority", outline, name=data_text(f"Outline: {_priority_label(result)}"))
    missed = hoods.index.isin(missed_by_benefits(result).index)
    if missed.any():
        union = shapely.union_all(shapely.make_valid(shapes[missed]))
        yield ScreenLayer("missed", mapping(union), name=f"Hatched: {MISSED}")
    for label, shape in boundary_outlines(result):
        yield ScreenLayer("boundary", shape, name=data_text(f"Outline: {label}"), show=False)


def _reach_layers(result: Result) -> Iterator[ScreenLayer]:
    for ledger in LEDGERS:
        active, every = (counted_reach(result, ledger, scope=scope) for scope in (ACTIVE_SCOPE, "all actions"))
        told = {ACTIVE_SCOPE: active} | ({"all actions": every} if len(every) > len(active) else {})
        for scope, reach in told.items():
            if len(reach):
                union = gpd.GeoDataFrame(geometry=[shapely.union_all(reach.geometry.to_numpy())], crs=WGS84)
                payload = {"ledger": ledger, "shape": mapping(light_shapes(union)[0])}
                few = len(result.reach) <= MANY_REACHES and scope == ACTIVE_SCOPE
                yield ScreenLayer("reach", payload, name=f"Area in reach of a {ledger} ({scope})", show=few)


def _hidden_sectors(actions: gpd.GeoDataFrame, sectors: Sequence[Sector]) -> list[str]:
    """Name the sectors whose dots would hide the colours of the neighbourhoods."""
    dots = (actions.geometry.geom_type == "Point").to_numpy()
    crowds = {sector.name: int(dots[list(sector.members)].sum()) for sector in sectors}
    crowded = sum(crowds.values()) > MANY_DOTS
    return [name for name, count in crowds.items() if crowded and count > MANY_OF_A_SECTOR]


def _action_layers(
    actions: gpd.GeoDataFrame, sectors: Sequence[Sector], *, hidden: Sequence[str]
) -> Iterator[ScreenLayer]:
    for sector in sectors:
        mine = actions.iloc[list(sector.members)]
        payload = {
            "colour": sector.colour,
            "many": bool(hidden),
            "members": sector.members,
            "markers": [marker_of(active) for active in mine["active"]],
            # Areas put together of whole neighbourhoods are outlined only: filled they would hide what is below.
            "outlined": mine["where"].isin(["zones", "boundary"]).tolist(),
            "shapes": _geojson(light_shapes(mine)),
        }
        name = data_text(f"Actions: {sector.name}")
        yield ScreenLayer("actions", payload, name=name, show=sector.name not in hidden)


def _elsewhere(actions: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    named = actions.assign(name=distinct_names(actions))
    for where, (title, explained) in ELSEWHERE.items():
        rows = named[named["where"] == where]
        if len(rows):
            shown = list(zip(rows["name"], rows["sector"], strict=True))[:LONGEST_LIST]
            rest = len(rows) - len(shown)
            yield {"title": title, "explained": explained, "count": len(rows), "shown": shown, "rest": rest}


def _by_name(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return table.sort_index().sort_values("name", kind="stable")


def _in_one_piece(result: Result) -> Result:
    """Let longitudes run on over 180° where the city lies across: its halves would be drawn a world apart."""
    if not lies_across(result.neighbourhoods.geometry):
        return result
    layers = {name: getattr(result, name) for name in ("neighbourhoods", "actions", "reach", "areas")}
    return replace(result, **{name: layer.set_geometry(run_on(layer.geometry)) for name, layer in layers.items()})


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
    result = _in_one_piece(result)
    hoods, actions = _by_name(result.neighbourhoods), _by_name(result.actions)
    hoods = hoods.assign(people_words=_people_words(result, hoods))
    themes, shapes = _themes(result, hoods), light_shapes(hoods)
    sectors = group_sectors(pd.Series(actions["sector"].to_numpy(), dtype=object)[_has_place(actions)])
    hidden = _hidden_sectors(actions, sectors)
    layers = [
        _city_layer(_neighbourhoods_payload(result, hoods, shapes), result.scores.reindex(actions.index)),
        *_theme_layers(themes),
        *_priority_layers(result, hoods, shapes),
        *_reach_layers(result),
        *_action_layers(actions, sectors, hidden=hidden),
        folium.LayerControl(collapsed=False),
        ScreenLayer("finish", None),
    ]
    page = _titled_map(result, themes=themes, sectors=sectors, hidden=hidden, elsewhere=list(_elsewhere(actions)))
    for layer in layers:
        layer.add_to(page)
    west, south, east, north = hoods.to_crs(WGS84).total_bounds.round(DECIMALS).tolist()
    page.fit_bounds([[south, west], [north, east]], padding=(MARGIN, MARGIN))
    return page


def _titled_map(result: Result, **parts: object) -> OfflineMap:
    uncounted = {ledger: uncounted_words(result, ledger) for ledger in LEDGERS}
    parts |= {
        "question": result.question,
        "priority_label": _priority_label(result),
        "priority": int(result.neighbourhoods["priority"].sum()),
        "missed": len(missed_by_benefits(result)),
        "missed_words": MISSED,
        "priority_areas": int((result.areas["boundary"] == "priority").sum()),
        "ledgers": [ledger for ledger in LEDGERS if len(counted_reach(result, ledger, scope="all actions"))],
        "uncounted": {ledger: words for ledger, words in uncounted.items() if words},
        "markers": marker_legend(result.actions["active"][_has_place(result.actions)]),
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

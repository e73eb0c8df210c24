"""Who gains and who carries the burden of a city's climate actions, neighbourhood by neighbourhood.

Every name below is imported when it is first used (PEP 562), so that the command line answers
without waiting for the geographical libraries.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equity_screen.actions import (
        Plan as Plan,
        read_actions as read_actions,
    )
    from equity_screen.align import (
        align as align,
        people_inside as people_inside,
    )
    from equity_screen.baseline import (
        baseline_means as baseline_means,
        timeline as timeline,
    )
    from equity_screen.boundaries import (
        Boundary as Boundary,
        boundary_of_column as boundary_of_column,
    )
    from equity_screen.change import (
        Baseline as Baseline,
        baselines as baselines,
        before_after as before_after,
    )
    from equity_screen.crosswalk import (
        Relation as Relation,
        area_shares as area_shares,
        point_shares as point_shares,
    )
    from equity_screen.crs import (
        Measure as Measure,
        measure_of as measure_of,
        require_crs as require_crs,
    )
    from equity_screen.effects import (
        effects_from_rules as effects_from_rules,
    )
    from equity_screen.equity import (
        by_effect as by_effect,
        by_group as by_group,
        counted_once as counted_once,
        rank_of as rank_of,
    )
    from equity_screen.errors import (
        EquityScreenError as EquityScreenError,
        EquityScreenWarning as EquityScreenWarning,
        Finding as Finding,
        InputError as InputError,
        LockedError as LockedError,
        OutputError as OutputError,
        UsageError as UsageError,
    )
    from equity_screen.files import (
        read_table as read_table,
    )
    from equity_screen.footprints import (
        footprint_table as footprint_table,
        footprints_of as footprints_of,
    )
    from equity_screen.index import (
        BurdenIndex as BurdenIndex,
        load_recipe as load_recipe,
        percentile as percentile,
        pick_priority as pick_priority,
        score_burden as score_burden,
    )
    from equity_screen.inequality import (
        concentration_index as concentration_index,
        generalised_concentration_index as generalised_concentration_index,
        kolm_pollak_after as kolm_pollak_after,
        kolm_pollak_ede as kolm_pollak_ede,
        kolm_pollak_kappa as kolm_pollak_kappa,
        mid_rank as mid_rank,
        rank_weights as rank_weights,
    )
    from equity_screen.inputs import (
        Inputs as Inputs,
        gather as gather,
    )
    from equity_screen.layers import (
        read_neighbourhoods as read_neighbourhoods,
    )
    from equity_screen.maps import (
        OfflineMap as OfflineMap,
        map_screen as map_screen,
        write_map as write_map,
    )
    from equity_screen.near import (
        points_near as points_near,
        share_covered as share_covered,
    )
    from equity_screen.overlay import (
        Overlay as Overlay,
        overlay as overlay,
        require_drivers as require_drivers,
    )
    from equity_screen.parts import (
        by_boundary as by_boundary,
    )
    from equity_screen.people import (
        People as People,
        people_of as people_of,
    )
    from equity_screen.plan_sheet import (
        propose_plan as propose_plan,
    )
    from equity_screen.project import (
        Project as Project,
        ProjectFile as ProjectFile,
        parse_project as parse_project,
        read_project as read_project,
    )
    from equity_screen.proposals import (
        propose_project as propose_project,
    )
    from equity_screen.publish import (
        WRITERS as WRITERS,
        publish as publish,
        publish_page as publish_page,
        versions as versions,
    )
    from equity_screen.recipe import (
        Group as Group,
        IndexChoice as IndexChoice,
        IndexRecipe as IndexRecipe,
        Indicator as Indicator,
        Policy as Policy,
        Priority as Priority,
        Question as Question,
        Ranking as Ranking,
        is_reserved as is_reserved,
    )
    from equity_screen.report import (
        render_report as render_report,
        write_report as write_report,
    )
    from equity_screen.result import (
        Result as Result,
    )
    from equity_screen.schema import (
        Checked as Checked,
        Origin as Origin,
    )
    from equity_screen.screen import (
        ready as ready,
        screen as screen,
        screen_project as screen_project,
        usable as usable,
    )
    from equity_screen.sources import (
        ActionsFile as ActionsFile,
        BlocksFile as BlocksFile,
        BoundaryFile as BoundaryFile,
        EarlierTable as EarlierTable,
        EffectRule as EffectRule,
        NeighbourhoodsFile as NeighbourhoodsFile,
    )
    from equity_screen.synthetic import (
        City as City,
        four_actions as four_actions,
        four_zones as four_zones,
        synthetic_city as synthetic_city,
        write_city as write_city,
    )
    from equity_screen.text import (
        number_text as number_text,
        percent_text as percent_text,
        plain_text as plain_text,
        safe_cell as safe_cell,
        safe_text as safe_text,
    )
    from equity_screen.zonal import (
        raster_means as raster_means,
    )

__version__ = "0.1.0"

_EXPORTS = {
    "EquityScreenError": "errors",
    "EquityScreenWarning": "errors",
    "Finding": "errors",
    "InputError": "errors",
    "LockedError": "errors",
    "OutputError": "errors",
    "UsageError": "errors",
    "number_text": "text",
    "percent_text": "text",
    "plain_text": "text",
    "safe_cell": "text",
    "safe_text": "text",
    "Group": "recipe",
    "IndexChoice": "recipe",
    "IndexRecipe": "recipe",
    "Indicator": "recipe",
    "Policy": "recipe",
    "Priority": "recipe",
    "Question": "recipe",
    "Ranking": "recipe",
    "is_reserved": "recipe",
    "ActionsFile": "sources",
    "BlocksFile": "sources",
    "BoundaryFile": "sources",
    "EarlierTable": "sources",
    "EffectRule": "sources",
    "NeighbourhoodsFile": "sources",
    "Checked": "schema",
    "Origin": "schema",
    "Measure": "crs",
    "measure_of": "crs",
    "require_crs": "crs",
    "read_table": "files",
    "read_neighbourhoods": "layers",
    "Boundary": "boundaries",
    "boundary_of_column": "boundaries",
    "Relation": "crosswalk",
    "area_shares": "crosswalk",
    "point_shares": "crosswalk",
    "raster_means": "zonal",
    "align": "align",
    "people_inside": "align",
    "points_near": "near",
    "share_covered": "near",
    "BurdenIndex": "index",
    "load_recipe": "index",
    "percentile": "index",
    "pick_priority": "index",
    "score_burden": "index",
    "effects_from_rules": "effects",
    "Plan": "actions",
    "read_actions": "actions",
    "City": "synthetic",
    "four_actions": "synthetic",
    "four_zones": "synthetic",
    "synthetic_city": "synthetic",
    "write_city": "synthetic",
    "Overlay": "overlay",
    "overlay": "overlay",
    "require_drivers": "overlay",
    "concentration_index": "inequality",
    "generalised_concentration_index": "inequality",
    "kolm_pollak_after": "inequality",
    "kolm_pollak_ede": "inequality",
    "kolm_pollak_kappa": "inequality",
    "mid_rank": "inequality",
    "rank_weights": "inequality",
    "People": "people",
    "people_of": "people",
    "by_boundary": "parts",
    "footprint_table": "footprints",
    "footprints_of": "footprints",
    "by_effect": "equity",
    "by_group": "equity",
    "counted_once": "equity",
    "rank_of": "equity",
    "Baseline": "change",
    "baselines": "change",
    "before_after": "change",
    "baseline_means": "baseline",
    "timeline": "baseline",
    "Result": "result",
    "Project": "project",
    "ProjectFile": "project",
    "parse_project": "project",
    "read_project": "project",
    "propose_project": "proposals",
    "propose_plan": "plan_sheet",
    "Inputs": "inputs",
    "gather": "inputs",
    "ready": "screen",
    "screen": "screen",
    "screen_project": "screen",
    "usable": "screen",
    "OfflineMap": "maps",
    "map_screen": "maps",
    "write_map": "maps",
    "render_report": "report",
    "write_report": "report",
    "WRITERS": "publish",
    "publish": "publish",
    "publish_page": "publish",
    "versions": "publish",
}

__all__ = list(_EXPORTS)


class _LazyPackage(ModuleType):
    """Package whose public functions keep their names where a module bears the same one."""

    def __setattr__(self, name: str, value: object) -> None:
        # Importing ``equity_screen.align`` would bind that module over the function ``align``.
        if not (name in _EXPORTS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _EXPORTS:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({"__all__", "__doc__", "__version__", *_EXPORTS})


sys.modules[__name__].__class__ = _LazyPackage

"""Who gains and who carries the burden of a city's climate actions, neighbourhood by neighbourhood.

Every name below is imported when it is first used (PEP 562), so that the command line answers
without waiting for the geographical libraries.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_MODULES = {
    "errors": "EquityScreenError EquityScreenWarning Finding InputError LockedError OutputError UsageError",
    "text": "number_text percent_text plain_text safe_cell safe_text",
    "recipe": (
        "Group IndexChoice IndexRecipe Indicator Policy Priority Question Ranking Reference Siting Stability "
        "Uncertainty is_reserved"
    ),
    "sources": "ActionsFile BlocksFile BoundaryFile EarlierTable EffectRule NeighbourhoodsFile OuterFile",
    "schema": "Checked Origin",
    "crs": "Measure measure_of require_crs",
    "files": "read_table",
    "layers": "read_neighbourhoods",
    "boundaries": "Boundary boundary_of_column",
    "relation": "Relation carried losses",
    "areas": "area_shares point_shares",
    "circles": "disc_areas disc_shares",
    "kernels": "Kernel",
    "rasters": "raster_values raster_where",
    "zonal": "raster_means raster_summary raster_sums",
    "crosswalk": "ByMask ByPoints ByRaster Crosswalk crosswalk",
    "stored_points": "PointStore open_points point_store write_points",
    "proximity": "nearest pairs_within sums_within",
    "access": "floating_catchment mean_over_people proximity_scores read_times",
    "align": "align people_inside",
    "near": "points_near share_covered",
    "lookup": "percentile_from_table",
    "index": "BurdenIndex load_recipe min_max percentile pick_priority recipe_names score_burden z_score",
    "kinds": "Kind OwnKind find_kind kind_words kinds_with load_kinds reach_of",
    "effects": "effects_from_rules",
    "actions": "Plan read_actions",
    "synthetic": "City four_actions four_zones synthetic_city write_city",
    "overlay": "Overlay overlay require_drivers",
    "inequality": (
        "absolute_gini bottom_share generalised_lorenz_curve gini hoover lorenz_curve mid_rank palma_ratio "
        "signed_gini top_share undefined_because variance weighted_mean"
    ),
    "people": "People people_of",
    "gradient": (
        "concentration_curve concentration_index dominates erreygers_index extended_concentration_index "
        "generalised_concentration_curve generalised_concentration_index generalised_extended_concentration_index "
        "incidence kakwani_index rank_weights relative_index slope_index suits_index wagstaff_index"
    ),
    "entropy": (
        "Parts atkinson atkinson_ede generalised_entropy mean_log_deviation mld_between theil theil_between "
        "variance_between"
    ),
    "welfare": (
        "distributional_weights kolm_pollak_after kolm_pollak_ede kolm_pollak_ede_by_group kolm_pollak_index "
        "kolm_pollak_kappa weighted_median weighted_total"
    ),
    "segregation": (
        "dissimilarity interaction isolation multigroup_dissimilarity multigroup_information segregation_entropy "
        "segregation_gini segregation_table"
    ),
    "hot_spots": "Moran conditional_p contiguity getis_ord_star hot_spots local_moran morans_i",
    "dimensions": "between_group_table index_of_disparity",
    "distribution": "Distribution distribution",
    "measures": "MEASURES measure_table",
    "margins": (
        "GroupMargins Margins coefficient_of_variation doses_of group_margins margin_of_change margin_of_product "
        "margin_of_proportion margin_of_ratio margin_of_sum margins_of margins_of_totals reliability "
        "replicate_margin standard_error"
    ),
    "draws": (
        "draw_counts draw_groups drawn_group_figures from_replicates interval percentile_draws "
        "probability_at_least with_draws"
    ),
    "disclosure": "PROFILES aggregate_upward mark_noisy randomly_rounded reliability_by_level suppress",
    "outside": "unseen",
    "atoms": "Atoms atoms_of",
    "reached": "marginal_people missed overlap_pairs times_reached union_bounds",
    "distances": "distance_curve distances_by_group holds_between nearest_distances",
    "parts": "by_boundary",
    "footprints": "footprint_table footprints_of",
    "equity": "by_effect by_group counted_once rank_of",
    "change": "Baseline baselines before_after three_questions",
    "gains": "gains",
    "nets": "net_by_group net_effects net_table",
    "references": "by_reference",
    "policy": "priority_account redress_table shares_of_reach",
    "appraisal": "fifths_of grade_meaning green_book_table tag_grade tag_grid",
    "chance": "false_discovery parity_contrast permutation_p permutation_z random_siting",
    "uncertainty": "parity_told priority_share_margin share_probability with_margins",
    "drawn_index": "probability_of_priority",
    "ranks": "mean_shift rank_stability who_could_be_first",
    "robustness": "stability",
    "zonings": "compare_zonings zoning_range",
    "sensitivity": "chosen sobol_shares",
    "criteria": "benefit_of_the_doubt topsis",
    "baseline": "baseline_means timeline",
    "compare": "Comparison compare_overlays comparison_sentences",
    "result": "Result",
    "project": "Project ProjectFile parse_project read_project",
    "proposals": "propose_project",
    "plan_sheet": "propose_plan",
    "inputs": "Inputs gather",
    "screen": "ready screen screen_project usable",
    "maps": "OfflineMap map_screen write_map",
    "report": "render_report write_report",
    "publish": "WRITERS publish publish_page versions",
}
_EXPORTS = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = list(_EXPORTS)


class _LazyPackage(ModuleType):
    """Package whose public functions keep their names where a module bears the same one."""

    def __setattr__(self, name: str, value: object) -> None:
        # Importing ``equity_screen.align`` would bind that module over the function ``align``.
        if not (name in _EXPORTS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> object:
    if name not in _EXPORTS:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({"__all__", "__doc__", "__version__", *_EXPORTS})


sys.modules[__name__].__class__ = _LazyPackage

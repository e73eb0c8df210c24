# What type checkers see of the names that are loaded when they are used.
from equity_screen.access import (
    floating_catchment as floating_catchment,
    mean_over_people as mean_over_people,
    proximity_scores as proximity_scores,
    read_times as read_times,
)
from equity_screen.actions import Plan as Plan, read_actions as read_actions
from equity_screen.align import align as align, people_inside as people_inside
from equity_screen.appraisal import (
    fifths_of as fifths_of,
    grade_meaning as grade_meaning,
    green_book_table as green_book_table,
    tag_grade as tag_grade,
    tag_grid as tag_grid,
)
from equity_screen.areas import area_shares as area_shares, point_shares as point_shares
from equity_screen.atoms import Atoms as Atoms, atoms_of as atoms_of
from equity_screen.baseline import baseline_means as baseline_means, timeline as timeline
from equity_screen.boundaries import Boundary as Boundary, boundary_of_column as boundary_of_column
from equity_screen.chance import (
    false_discovery as false_discovery,
    parity_contrast as parity_contrast,
    permutation_p as permutation_p,
    permutation_z as permutation_z,
    random_siting as random_siting,
)
from equity_screen.change import (
    Baseline as Baseline,
    baselines as baselines,
    before_after as before_after,
    three_questions as three_questions,
)
from equity_screen.circles import disc_areas as disc_areas, disc_shares as disc_shares
from equity_screen.compare import (
    Comparison as Comparison,
    compare_overlays as compare_overlays,
    comparison_sentences as comparison_sentences,
)
from equity_screen.criteria import benefit_of_the_doubt as benefit_of_the_doubt, topsis as topsis
from equity_screen.crosswalk import (
    ByMask as ByMask,
    ByPoints as ByPoints,
    ByRaster as ByRaster,
    Crosswalk as Crosswalk,
    crosswalk as crosswalk,
)
from equity_screen.crs import Measure as Measure, measure_of as measure_of, require_crs as require_crs
from equity_screen.dimensions import (
    between_group_table as between_group_table,
    index_of_disparity as index_of_disparity,
)
from equity_screen.disclosure import (
    PROFILES as PROFILES,
    aggregate_upward as aggregate_upward,
    mark_noisy as mark_noisy,
    randomly_rounded as randomly_rounded,
    reliability_by_level as reliability_by_level,
    suppress as suppress,
)
from equity_screen.distances import (
    distance_curve as distance_curve,
    distances_by_group as distances_by_group,
    holds_between as holds_between,
    nearest_distances as nearest_distances,
)
from equity_screen.distribution import Distribution as Distribution, distribution as distribution
from equity_screen.drawn_index import probability_of_priority as probability_of_priority
from equity_screen.draws import (
    draw_counts as draw_counts,
    draw_groups as draw_groups,
    drawn_group_figures as drawn_group_figures,
    from_replicates as from_replicates,
    interval as interval,
    percentile_draws as percentile_draws,
    probability_at_least as probability_at_least,
    with_draws as with_draws,
)
from equity_screen.effects import effects_from_rules as effects_from_rules
from equity_screen.entropy import (
    Parts as Parts,
    atkinson as atkinson,
    atkinson_ede as atkinson_ede,
    generalised_entropy as generalised_entropy,
    mean_log_deviation as mean_log_deviation,
    mld_between as mld_between,
    theil as theil,
    theil_between as theil_between,
    variance_between as variance_between,
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
from equity_screen.files import read_table as read_table
from equity_screen.footprints import footprint_table as footprint_table, footprints_of as footprints_of
from equity_screen.gains import gains as gains
from equity_screen.gradient import (
    concentration_curve as concentration_curve,
    concentration_index as concentration_index,
    dominates as dominates,
    erreygers_index as erreygers_index,
    extended_concentration_index as extended_concentration_index,
    generalised_concentration_curve as generalised_concentration_curve,
    generalised_concentration_index as generalised_concentration_index,
    generalised_extended_concentration_index as generalised_extended_concentration_index,
    incidence as incidence,
    kakwani_index as kakwani_index,
    rank_weights as rank_weights,
    relative_index as relative_index,
    slope_index as slope_index,
    suits_index as suits_index,
    wagstaff_index as wagstaff_index,
)
from equity_screen.hot_spots import (
    Moran as Moran,
    conditional_p as conditional_p,
    contiguity as contiguity,
    getis_ord_star as getis_ord_star,
    hot_spots as hot_spots,
    local_moran as local_moran,
    morans_i as morans_i,
)
from equity_screen.index import (
    BurdenIndex as BurdenIndex,
    load_recipe as load_recipe,
    min_max as min_max,
    percentile as percentile,
    pick_priority as pick_priority,
    recipe_names as recipe_names,
    score_burden as score_burden,
    z_score as z_score,
)
from equity_screen.inequality import (
    absolute_gini as absolute_gini,
    bottom_share as bottom_share,
    generalised_lorenz_curve as generalised_lorenz_curve,
    gini as gini,
    hoover as hoover,
    lorenz_curve as lorenz_curve,
    mid_rank as mid_rank,
    palma_ratio as palma_ratio,
    signed_gini as signed_gini,
    top_share as top_share,
    undefined_because as undefined_because,
    variance as variance,
    weighted_mean as weighted_mean,
)
from equity_screen.inputs import Inputs as Inputs, gather as gather
from equity_screen.kernels import Kernel as Kernel
from equity_screen.kinds import (
    Kind as Kind,
    OwnKind as OwnKind,
    find_kind as find_kind,
    kind_words as kind_words,
    kinds_with as kinds_with,
    load_kinds as load_kinds,
    reach_of as reach_of,
)
from equity_screen.layers import read_neighbourhoods as read_neighbourhoods
from equity_screen.lookup import percentile_from_table as percentile_from_table
from equity_screen.maps import OfflineMap as OfflineMap, map_screen as map_screen, write_map as write_map
from equity_screen.margins import (
    GroupMargins as GroupMargins,
    Margins as Margins,
    coefficient_of_variation as coefficient_of_variation,
    doses_of as doses_of,
    group_margins as group_margins,
    margin_of_change as margin_of_change,
    margin_of_product as margin_of_product,
    margin_of_proportion as margin_of_proportion,
    margin_of_ratio as margin_of_ratio,
    margin_of_sum as margin_of_sum,
    margins_of as margins_of,
    margins_of_totals as margins_of_totals,
    reliability as reliability,
    replicate_margin as replicate_margin,
    standard_error as standard_error,
)
from equity_screen.measures import MEASURES as MEASURES, measure_table as measure_table
from equity_screen.near import points_near as points_near, share_covered as share_covered
from equity_screen.nets import net_by_group as net_by_group, net_effects as net_effects, net_table as net_table
from equity_screen.outside import unseen as unseen
from equity_screen.overlay import Overlay as Overlay, overlay as overlay, require_drivers as require_drivers
from equity_screen.parts import by_boundary as by_boundary
from equity_screen.people import People as People, people_of as people_of
from equity_screen.plan_sheet import propose_plan as propose_plan
from equity_screen.policy import (
    priority_account as priority_account,
    redress_table as redress_table,
    shares_of_reach as shares_of_reach,
)
from equity_screen.project import (
    Project as Project,
    ProjectFile as ProjectFile,
    parse_project as parse_project,
    read_project as read_project,
)
from equity_screen.proposals import propose_project as propose_project
from equity_screen.proximity import nearest as nearest, pairs_within as pairs_within, sums_within as sums_within
from equity_screen.publish import (
    WRITERS as WRITERS,
    publish as publish,
    publish_page as publish_page,
    versions as versions,
)
from equity_screen.ranks import (
    mean_shift as mean_shift,
    rank_stability as rank_stability,
    who_could_be_first as who_could_be_first,
)
from equity_screen.rasters import raster_values as raster_values, raster_where as raster_where
from equity_screen.reached import (
    marginal_people as marginal_people,
    missed as missed,
    overlap_pairs as overlap_pairs,
    times_reached as times_reached,
    union_bounds as union_bounds,
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
    Reference as Reference,
    Siting as Siting,
    Stability as Stability,
    Uncertainty as Uncertainty,
    is_reserved as is_reserved,
)
from equity_screen.references import by_reference as by_reference
from equity_screen.relation import Relation as Relation, carried as carried, losses as losses
from equity_screen.report import render_report as render_report, write_report as write_report
from equity_screen.result import Result as Result
from equity_screen.robustness import stability as stability
from equity_screen.schema import Checked as Checked, Origin as Origin
from equity_screen.screen import ready as ready, screen as screen, screen_project as screen_project, usable as usable
from equity_screen.segregation import (
    dissimilarity as dissimilarity,
    interaction as interaction,
    isolation as isolation,
    multigroup_dissimilarity as multigroup_dissimilarity,
    multigroup_information as multigroup_information,
    segregation_entropy as segregation_entropy,
    segregation_gini as segregation_gini,
    segregation_table as segregation_table,
)
from equity_screen.sensitivity import chosen as chosen, sobol_shares as sobol_shares
from equity_screen.sources import (
    ActionsFile as ActionsFile,
    BlocksFile as BlocksFile,
    BoundaryFile as BoundaryFile,
    EarlierTable as EarlierTable,
    EffectRule as EffectRule,
    NeighbourhoodsFile as NeighbourhoodsFile,
    OuterFile as OuterFile,
)
from equity_screen.stored_points import (
    PointStore as PointStore,
    open_points as open_points,
    point_store as point_store,
    write_points as write_points,
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
from equity_screen.uncertainty import (
    parity_told as parity_told,
    priority_share_margin as priority_share_margin,
    share_probability as share_probability,
    with_margins as with_margins,
)
from equity_screen.welfare import (
    distributional_weights as distributional_weights,
    kolm_pollak_after as kolm_pollak_after,
    kolm_pollak_ede as kolm_pollak_ede,
    kolm_pollak_ede_by_group as kolm_pollak_ede_by_group,
    kolm_pollak_index as kolm_pollak_index,
    kolm_pollak_kappa as kolm_pollak_kappa,
    weighted_median as weighted_median,
    weighted_total as weighted_total,
)
from equity_screen.zonal import (
    raster_means as raster_means,
    raster_summary as raster_summary,
    raster_sums as raster_sums,
)
from equity_screen.zonings import compare_zonings as compare_zonings, zoning_range as zoning_range

__version__: str

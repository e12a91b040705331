"""Figures of the studies' datasets, and the tables of numbers that they draw.

`*_table` functions turn a dataset into the plotted numbers; `plot_*` functions draw them at print size.
"""

from lowcomplex.plots._style import DOUBLE, SINGLE, canvas, style
from lowcomplex.plots.anchor import (
    complexity_table,
    offset_table,
    plot_accuracies,
    plot_complexity,
    plot_offsets,
)
from lowcomplex.plots.anchor_task import plot_anchor_task
from lowcomplex.plots.categories import plot_answers_by
from lowcomplex.plots.checkpoint import plot_checkpoint
from lowcomplex.plots.complexity_control import matrix_rank_table, plot_complexity_control
from lowcomplex.plots.condensation import condensation_table, neuron_table, plot_condensation, plot_neurons
from lowcomplex.plots.cosines import cosine_summary_table, cosine_table, plot_cosines
from lowcomplex.plots.curves import plot_answer_curves, plot_curves_and_map
from lowcomplex.plots.data_size import plot_accuracy_by_size, size_table
from lowcomplex.plots.decomposition import decomposition_table, plot_decomposition
from lowcomplex.plots.embeddings import component_table, ordinality_table, plot_components
from lowcomplex.plots.frequency import (
    learning_time_table,
    plot_learning_times,
    plot_spectrum,
    spectrum_table,
)
from lowcomplex.plots.gamma import displacement_table, plot_gamma_law, slope_table
from lowcomplex.plots.gamma_axis import plane_table, plot_gamma_axis
from lowcomplex.plots.hypotheses import effect_table, plot_effects
from lowcomplex.plots.hypothesis_runs import plot_runs, run_table
from lowcomplex.plots.information_flow import flow_table, plot_information_flow
from lowcomplex.plots.maps import plot_answer_maps
from lowcomplex.plots.mechanism import (
    coordinate_table,
    heat_map_table,
    plot_clusters,
    plot_heat_maps,
    plot_results,
    score_table,
)
from lowcomplex.plots.quantity_maps import plot_quantity_maps, quantity_table
from lowcomplex.plots.ranks import plot_ranks, rank_table
from lowcomplex.plots.runs import accuracy_table, at_end, cell_table
from lowcomplex.plots.spectra import (
    covariance_table,
    plot_covariance,
    plot_singular_values,
    singular_value_table,
)
from lowcomplex.plots.times import (
    loss_time_table,
    median_times,
    pair_time_table,
    plot_loss_times,
    plot_pair_times,
)
from lowcomplex.plots.token_map import equivariance_table, plot_token_map, token_spectrum_table
from lowcomplex.plots.trajectory import plot_trajectory, trajectory_table

__all__ = [
    "DOUBLE",
    "SINGLE",
    "accuracy_table",
    "at_end",
    "canvas",
    "cell_table",
    "complexity_table",
    "component_table",
    "condensation_table",
    "coordinate_table",
    "cosine_summary_table",
    "cosine_table",
    "covariance_table",
    "decomposition_table",
    "displacement_table",
    "effect_table",
    "equivariance_table",
    "flow_table",
    "heat_map_table",
    "learning_time_table",
    "loss_time_table",
    "matrix_rank_table",
    "median_times",
    "neuron_table",
    "offset_table",
    "ordinality_table",
    "pair_time_table",
    "plane_table",
    "plot_accuracies",
    "plot_accuracy_by_size",
    "plot_anchor_task",
    "plot_answer_curves",
    "plot_answer_maps",
    "plot_answers_by",
    "plot_checkpoint",
    "plot_clusters",
    "plot_complexity",
    "plot_complexity_control",
    "plot_components",
    "plot_condensation",
    "plot_cosines",
    "plot_covariance",
    "plot_curves_and_map",
    "plot_decomposition",
    "plot_effects",
    "plot_gamma_axis",
    "plot_gamma_law",
    "plot_heat_maps",
    "plot_information_flow",
    "plot_learning_times",
    "plot_loss_times",
    "plot_neurons",
    "plot_offsets",
    "plot_pair_times",
    "plot_quantity_maps",
    "plot_ranks",
    "plot_results",
    "plot_runs",
    "plot_singular_values",
    "plot_spectrum",
    "plot_token_map",
    "plot_trajectory",
    "quantity_table",
    "rank_table",
    "run_table",
    "score_table",
    "singular_value_table",
    "size_table",
    "slope_table",
    "spectrum_table",
    "style",
    "token_spectrum_table",
    "trajectory_table",
]

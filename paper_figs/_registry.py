"""The figures by name, in the order of the report."""

from __future__ import annotations

import importlib

from lowcomplex._names import require_known
from paper_figs._figure import Figure

NAMES = (
    "gamma_law",
    "gamma_axis",
    "neurons_condensing",
    "condensation_in_time",
    "learned_spectrum",
    "learning_times",
    "anchor_accuracies",
    "anchor_offsets",
    "p1_fig5ab_query_cosines",
    "p1_fig5cd_embeddings",
    "stable_rank",
    "effective_rank",
    "token_map",
    "rank_and_composition",
    "rank_and_composition_decay",
    "p1_fig1_8_9_task",
    "p1_fig2ab_depth",
    "p1_fig2c_heads",
    "p1_fig14_rate_decay",
    "p2_fig3ab_both_unseen",
    "p2_fig8ab_convergence",
    "p2_fig8c_pair_times",
    "gamma_rate_map",
    "gamma_decay_map",
    "gamma_steps",
    "parts",
    "non_commuting",
    "finite_data",
    "three_anchors",
    "key_split",
    "p1_fig6_scan",
    "p1_fig7_ontology",
    "p1_fig17a_addition",
    "hypotheses_effects",
    "hypotheses_measures",
    "hypotheses_scatter",
    "p1_fig10_depth_condensation",
    "p1_fig11_depth_embeddings",
    "p1_fig12ab_embedding_covariance",
    "p1_fig13_singular_values",
    "p1_fig15_rate_decay_condensation",
    "p1_fig16_rate_decay_embeddings",
    "p2_fig5abc_condensation",
    "condensation_by_matrix",
    "trajectory",
    "decomposition",
    "p1_fig3ac_information_flow",
    "p1_fig3b_attention_output",
    "p1_fig4ab_last_token_cosines",
    "p1_fig4c_value_cosines",
    "p2_fig4cd_representations",
)


def figure(name: str) -> Figure:
    """The figure of that name.

    Raises:
        ValueError: There is none.
    """
    require_known("figure", name, NAMES)
    found: Figure = importlib.import_module(f"paper_figs.{name}").FIGURE
    return found

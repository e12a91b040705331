"""The studies of the main job."""

from __future__ import annotations

import importlib

from experiments._study import Study
from lowcomplex._names import require_known

# Cheap ones first: a figure within two minutes.
NAMES = (
    "gamma_axis",
    "two_layer_condensation",
    "frequency_principle",
    "anchor_gamma",
    "anchor_depth",
    "anchor_heads",
    "anchor_weight_decay",
    "anchor_learning_rate",
    "anchor_steps",
    "anchor_rate_decay",
    "anchor_both_unseen",
    "anchor_parts",
    "anchor_non_commuting",
    "anchor_data_complexity",
    "anchor_finite_data",
    "anchor_three",
    "anchor_key_split",
    "addition_block",
    "scan_generalization",
    "ontology_reasoning",
    "anchor_mechanism",
)


def study(name: str) -> Study:
    """The study of that name.

    Raises:
        ValueError: There is none.
    """
    require_known("study", name, NAMES)
    found: Study = importlib.import_module(f"experiments.{name}").STUDY
    return found

"""The names in datasets of the tasks whose answers are sequences: arms and groups of questions; no torch."""

from __future__ import annotations

from typing import Literal

Arm = Literal["small", "large"]
ARMS: tuple[Arm, ...] = ("small", "large")

TRAIN = "train"
# The questions that a run is asked beside those that it is trained on, by study.
GROUPS = {
    "addition_block": ("in_distribution", "held_out_block"),
    "scan_generalization": ("in_distribution", "out_of_distribution"),
    "ontology_reasoning": ("in_distribution", "unseen_rules", "longer_chains"),
}

# Share of the training examples wholly right from which on a run counts as converged.
CONVERGED = 0.9

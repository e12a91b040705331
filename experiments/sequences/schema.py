"""The names in datasets of the tasks whose answers are sequences: arms and groups of questions; no torch."""

from __future__ import annotations

from experiments._starts import STARTS, Start

# An arm is named by its start: a small one decays strongly, a large one weakly.
Arm = Start
ARMS: tuple[Arm, ...] = STARTS

TRAIN = "train"
# Share of the training examples wholly right from which on a run counts as converged.
CONVERGED = 0.9

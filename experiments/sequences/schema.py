"""The names in datasets of the tasks whose answers are sequences: arms and groups of questions; no torch."""

from __future__ import annotations

from typing import Literal

Arm = Literal["small", "large"]
ARMS: tuple[Arm, ...] = ("small", "large")

TRAIN = "train"
# Share of the training examples wholly right from which on a run counts as converged.
CONVERGED = 0.9

"""Training: minibatches, checkpoints, exact gradient flow, and how far it moves."""

from lowcomplex.training.checkpoint import Checkpoint, Stateful
from lowcomplex.training.gradient_flow import Flow, gradient_flow
from lowcomplex.training.minibatch import TrainingResult, adamw, train, warmup_cosine
from lowcomplex.training.relative_displacement import (
    Displacement,
    displacement_from,
    relative_displacement,
)

__all__ = [
    "Checkpoint",
    "Displacement",
    "Flow",
    "Stateful",
    "TrainingResult",
    "adamw",
    "displacement_from",
    "gradient_flow",
    "relative_displacement",
    "train",
    "warmup_cosine",
]

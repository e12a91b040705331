"""Training: minibatches, ensembles, checkpoints, exact gradient flow, and how far it moves."""

from lowcomplex.training.checkpoint import Checkpoint, Stateful
from lowcomplex.training.ensemble import Ensemble, EnsembleResult
from lowcomplex.training.gradient_flow import Flow, gradient_flow
from lowcomplex.training.member_batches import MemberBatches, member_cross_entropy
from lowcomplex.training.minibatch import TrainingResult, adamw, train, warmup_cosine
from lowcomplex.training.relative_displacement import (
    Displacement,
    displacement_from,
    relative_displacement,
)

__all__ = [
    "Checkpoint",
    "Displacement",
    "Ensemble",
    "EnsembleResult",
    "Flow",
    "MemberBatches",
    "Stateful",
    "TrainingResult",
    "adamw",
    "displacement_from",
    "gradient_flow",
    "member_cross_entropy",
    "relative_displacement",
    "train",
    "warmup_cosine",
]

"""Training: full-batch descent and flow, minibatches, ensembles, checkpoints, and how far training moves."""

from lowcomplex.training.checkpoint import Checkpoint
from lowcomplex.training.descend import Descent, State, descend
from lowcomplex.training.displacement import Displacement, displacement_at, displacement_from
from lowcomplex.training.ensemble import Ensemble, EnsembleResult
from lowcomplex.training.gradient_flow import Flow, gradient_flow
from lowcomplex.training.member_batches import MemberBatches, member_cross_entropy
from lowcomplex.training.minibatch import TrainingResult, adamw, train, warmup_cosine
from lowcomplex.training.starts import normals, one_draw, stack
from lowcomplex.training.until import Below, LossShare

__all__ = [
    "Below",
    "Checkpoint",
    "Descent",
    "Displacement",
    "Ensemble",
    "EnsembleResult",
    "Flow",
    "LossShare",
    "MemberBatches",
    "State",
    "TrainingResult",
    "adamw",
    "descend",
    "displacement_at",
    "displacement_from",
    "gradient_flow",
    "member_cross_entropy",
    "normals",
    "one_draw",
    "stack",
    "train",
    "warmup_cosine",
]

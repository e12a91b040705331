"""Tasks to train on: data made on the fly by vectorized code."""

from lowcomplex.tasks.anchor import AnchorBatch, AnchorTask
from lowcomplex.tasks.anchor_answers import AnchorAnswers, AnchorProbe, phase
from lowcomplex.tasks.anchor_functions import AnchorFunction
from lowcomplex.tasks.curves import Curve

__all__ = ["AnchorAnswers", "AnchorBatch", "AnchorFunction", "AnchorProbe", "AnchorTask", "Curve", "phase"]

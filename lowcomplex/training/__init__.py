"""Training: minibatches, and exact gradient flow."""

from lowcomplex.training.gradient_flow import Flow, gradient_flow
from lowcomplex.training.minibatch import TrainingResult, adamw, train, warmup_cosine

__all__ = ["Flow", "TrainingResult", "adamw", "gradient_flow", "train", "warmup_cosine"]

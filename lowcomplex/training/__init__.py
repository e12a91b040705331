"""Training: minibatches, and exact gradient flow."""

from lowcomplex.training.minibatch import TrainingResult, adamw, train, warmup_cosine

__all__ = ["TrainingResult", "adamw", "train", "warmup_cosine"]

"""What one training of the study of the frequency principle depends on."""

from __future__ import annotations

from typing import ClassVar

from lowcomplex import sweeps


class FrequencyPrincipleConfig(sweeps.Config):
    """One training; the same optimizer and learning rate at every γ."""

    version: ClassVar[int] = 2  # trained as an ensemble: the same arithmetic, rounded otherwise

    gamma: float
    seed: int
    width: int = 128
    points: int = 32
    dense_points: int = 256
    steps: int = 4000
    learning_rate: float = 3e-4
    input_scale: float = 5.0

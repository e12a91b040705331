"""What one training of the study of the γ law depends on."""

from __future__ import annotations

from lowcomplex import sweeps


class GammaAxisConfig(sweeps.Config):
    """One training; runs of one seed and depth share their draw, scaled by γ."""

    gamma: float
    depth: int
    seed: int
    width: int = 96
    samples: int = 8

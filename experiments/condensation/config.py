"""What one training of the study of condensation depends on."""

from __future__ import annotations

from typing import Literal

from experiments._starts import Start
from lowcomplex import sweeps


class TwoLayerCondensationConfig(sweeps.Config):
    """One training; the two initializations of a seed share their draw and their data."""

    activation: Literal["tanh", "xtanh", "x2tanh"]
    initialization: Start
    seed: int
    width: int = 60
    records: int = 40

"""Measure, predict and check the complexity of what neural networks learn.

A network whose weights start as N(0, d_in^(-2γ)) learns a simpler solution the larger its
initialization rate γ is. This package measures that simplicity, predicts it, and checks one against
the other.

The rooms that need more than torch (`predictions`, `checks`, `plots`, `sweeps`, …) are imported when
first used, so that `import lowcomplex` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lowcomplex.initialization import effective_gamma, initialize
    from lowcomplex.measures import (
        condensed_directions,
        cosine_similarity,
        effective_rank,
        fourier_spectrum,
        neural_tangent_kernel,
        nuclear_rank,
        numerical_rank,
        participation_ratio,
        stable_rank,
        walsh_spectrum,
    )
    from lowcomplex.tracking import Tracker

__version__ = "0.2.0"

_ROOMS = (
    "checkpoints",
    "checks",
    "initialization",
    "integrations",
    "matrices",
    "measures",
    "networks",
    "nulls",
    "plots",
    "predictions",
    "statistics",
    "sweeps",
    "tasks",
    "theorems",
    "tracking",
    "training",
)

_HOME = {
    "effective_gamma": "initialization",
    "initialize": "initialization",
    "condensed_directions": "measures",
    "cosine_similarity": "measures",
    "effective_rank": "measures",
    "fourier_spectrum": "measures",
    "neural_tangent_kernel": "measures",
    "nuclear_rank": "measures",
    "numerical_rank": "measures",
    "participation_ratio": "measures",
    "stable_rank": "measures",
    "walsh_spectrum": "measures",
    "Tracker": "tracking",
}

__all__ = [
    "Tracker",
    "__version__",
    "condensed_directions",
    "cosine_similarity",
    "effective_gamma",
    "effective_rank",
    "fourier_spectrum",
    "initialize",
    "neural_tangent_kernel",
    "nuclear_rank",
    "numerical_rank",
    "participation_ratio",
    "stable_rank",
    "walsh_spectrum",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"lowcomplex.{_HOME[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"lowcomplex.{name}")
    raise AttributeError(f"module 'lowcomplex' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS})

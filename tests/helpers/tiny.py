"""Grids of the studies that compute in seconds: one value of most fields, small networks."""

from __future__ import annotations

from typing import Any

from experiments import Study, study
from experiments.anchor.config import AnchorConfig
from experiments.condensation.config import TwoLayerCondensationConfig
from experiments.frequency.config import FrequencyPrincipleConfig
from experiments.gamma_law.config import GammaAxisConfig
from experiments.sequences.config import SequenceConfig

TRANSFORMER = {"depth": 1, "width": 8, "head_width": 8, "feedforward": 8, "steps": 4, "batch": 4}
# By the config that a study runs: sizes, and fields of which more than the grid's last value is needed.
SIZES: dict[type, dict[str, Any]] = {
    GammaAxisConfig: {
        "gamma": (0.1, 0.2, 0.3, 1.0, 1.25, 1.5),
        "depth": (2,),
        "seed": (0, 1),
        "width": 24,
        "samples": 3,
    },
    TwoLayerCondensationConfig: {
        "activation": ("tanh", "xtanh", "x2tanh"),
        "initialization": ("small", "large"),
        "seed": (0,),
        "width": 12,
        "records": 8,
    },
    FrequencyPrincipleConfig: {"gamma": (0.4, 0.8), "seed": (0, 1), "width": 16, "steps": 30},
    SequenceConfig: {"arm": ("small", "large"), "examples": (20,), "seed": (0, 1), **TRANSFORMER},
    AnchorConfig: {
        "depth": 2,
        "width": 16,
        "heads": 2,
        "head_width": 8,
        "feedforward": 16,
        "steps": 10,
        "batch": 16,
    },
}
# What the findings over γ and over seeds need; and lengths at which several fractions round to one step.
OWN: dict[str, dict[str, Any]] = {
    "anchor_gamma": {"gamma": (0.4, 0.8), "seed": (0, 1)},
    "anchor_seeds": {"gamma": (0.8,), "seed": (0, 1, 2), "sequences": 20},
    "anchor_steps": {"steps": (10, 20)},
}


def grid(name: str) -> dict[str, Any]:
    """A preset of the study of that name."""
    chosen: Study = study(name)
    (sizes,) = (fields for config, fields in SIZES.items() if issubclass(chosen.config, config))
    fields = {
        field: value[-1:] if isinstance(value, tuple) else value
        for field, value in chosen.presets["full"].items()
    }
    found = fields | sizes | OWN.get(name, {})
    return {
        field: value if field not in chosen.dimensions or isinstance(value, tuple) else (value,)
        for field, value in found.items()
    }

"""The study of condensation: two-layer networks of multiplicity 1, 2, 3 at small and at large scale."""

from __future__ import annotations

from experiments._starts import STARTS
from experiments._study import Study, single_precision
from experiments.condensation.config import TwoLayerCondensationConfig
from experiments.condensation.findings import findings
from experiments.condensation.run import measure

STUDIES = (
    Study(
        name="two_layer_condensation",
        title="Do neurons condense onto the predicted orientations at small initialization?",
        config=TwoLayerCondensationConfig,
        measure=measure,
        presets={
            "quick": {
                "activation": ("tanh", "xtanh", "x2tanh"),
                "initialization": STARTS,
                "seed": (0, 1, 2),
            },
            "full": {
                "activation": ("tanh", "xtanh", "x2tanh"),
                "initialization": STARTS,
                "seed": (0, 1, 2, 3, 4),
            },
        },
        dimensions=("activation", "initialization", "seed"),
        findings=findings,
        order=20,
        seconds=2.0,
        reduce=single_precision,
    ),
)

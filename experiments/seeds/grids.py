"""The study of seeds: the solutions that one γ leads to, over many seeds."""

from __future__ import annotations

from experiments._study import Study, single_precision
from experiments.seeds.config import AnchorSeedConfig
from experiments.seeds.findings import findings
from experiments.seeds.run import measure

STUDIES = (
    Study(
        name="anchor_seeds",
        title="Do all seeds at one γ find the same solution?",
        config=AnchorSeedConfig,
        measure=measure,
        presets={
            "quick": {"gamma": (0.8,), "seed": tuple(range(100, 108))},
            "full": {"gamma": (0.7, 0.8, 0.9), "seed": tuple(range(100, 116))},
            # Four ensembles of 64 members per γ.
            "many": {
                "gamma": (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9),
                "seed": tuple(range(100, 356)),
            },
        },
        dimensions=("gamma", "seed"),
        findings=findings,
        order=240,
        seconds=15.0,
        reduce=single_precision,
        together=("seed",),
        resumable=True,
        routine=False,
    ),
)

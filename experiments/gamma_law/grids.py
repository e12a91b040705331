"""The study of the γ law: lazy to rich at γ = 1/2, over γ and depth."""

from __future__ import annotations

from experiments._study import Study
from experiments.gamma_law.config import GammaAxisConfig
from experiments.gamma_law.findings import findings
from experiments.gamma_law.run import measure
from experiments.gamma_law.schema import GAMMAS

STUDIES = (
    Study(
        name="gamma_axis",
        title="Is γ = 1/2 the boundary between lazy and rich training, at any depth?",
        config=GammaAxisConfig,
        measure=measure,
        presets={
            "quick": {"gamma": GAMMAS, "depth": (2, 3), "seed": (0, 1, 2)},
            "full": {"gamma": GAMMAS, "depth": (2, 3, 4), "seed": (0, 1, 2, 3, 4)},
        },
        dimensions=("depth", "gamma", "seed"),
        findings=findings,
        order=10,
        seconds=0.3,
    ),
)

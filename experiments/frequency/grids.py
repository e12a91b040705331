"""The study of the frequency principle: which frequencies are learned first, over γ."""

from __future__ import annotations

from experiments._study import Study, single_precision
from experiments.frequency.config import FrequencyPrincipleConfig
from experiments.frequency.findings import findings
from experiments.frequency.run import measure

STUDIES = (
    Study(
        name="frequency_principle",
        title="Which frequencies does a network learn first, and how does γ change it?",
        config=FrequencyPrincipleConfig,
        measure=measure,
        presets={
            "quick": {"gamma": (0.3, 0.5, 0.7, 0.9), "seed": (0, 1, 2)},
            "full": {"gamma": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "seed": (0, 1, 2, 3, 4)},
        },
        dimensions=("gamma", "seed"),
        findings=findings,
        order=30,
        seconds=4.0,
        reduce=single_precision,
        together=("gamma", "seed"),
        # Six train 2.2 times as fast as one by one, eighteen 3.0 times; but then two workers have less to
        # share.
        batch=6,
    ),
)

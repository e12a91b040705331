"""A check: one observation, made where the hypotheses hold and where they do not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lowcomplex.checks._verdict import Comparison, Control, Expectation, Verdict
from lowcomplex.predictions import Prediction

Observation = Callable[..., tuple[Comparison, ...]]


@dataclass(frozen=True)
class Check:
    """Confronts a prediction with a small training run.

    Attributes:
        prediction: The prediction.
        observe: `observe(seed, **parameters)` trains, measures and compares. The hypotheses hold at its
            default parameters. A check that cannot run raises; it never passes.
        controls: What is violated, in words, and the parameters of `observe` that violate it.
        expected: "refuted" only with the evidence in the commit that says so.
    """

    prediction: Prediction[..., Any]
    observe: Observation
    controls: Mapping[str, Mapping[str, Any]]
    expected: Expectation = field(default="holds")

    def __post_init__(self) -> None:
        if not self.controls:
            raise ValueError(f"check of {self.prediction.name}: a check needs at least one control")

    def run(self, seed: int = 0) -> Verdict:
        """Observe under the hypotheses and under each violation.

        Args:
            seed: Seed of data and weights.

        Returns:
            The verdict.
        """
        start = time.perf_counter()
        comparisons = self.observe(seed)
        controls = tuple(
            Control(violates, self.observe(seed, **parameters))
            for violates, parameters in self.controls.items()
        )
        return Verdict(
            name=self.prediction.name,
            source=self.prediction.source,
            seed=seed,
            comparisons=comparisons,
            controls=controls,
            expected=self.expected,
            seconds=time.perf_counter() - start,
        )

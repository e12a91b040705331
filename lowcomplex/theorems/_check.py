"""A check: one observation, judged by the law, by laws that are wrong, and where the hypotheses fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from lowcomplex.theorems._prediction import Prediction
from lowcomplex.theorems._verdict import Comparison, Control, Expectation, Mutant, Verdict

Observed = TypeVar("Observed")
Law = TypeVar("Law")


@dataclass(frozen=True)
class Check(Generic[Observed, Law]):
    """Confronts a prediction with a small training run.

    Attributes:
        prediction: The prediction.
        observe: `observe(seed, **conditions)` trains and measures. The hypotheses hold at its default
            conditions. A check that cannot run raises; it never passes.
        judge: `judge(observed, law)` compares what was measured with what the law predicts, without training.
        law: The formulas that `judge` evaluates: one function, or several in a NamedTuple.
        mutants: Wrong laws, by a name that states what is wrong. `judge` must refute each on the observation
            that was made for the true law.
        controls: Conditions of `observe` that violate a hypothesis, by a name that states which.
        survivors: Mutants that `judge` cannot refute, by name, with the reason.
        expected: "refuted" only with evidence in the commit that changes it.
    """

    prediction: Prediction[..., Any]
    observe: Callable[..., Observed]
    judge: Callable[[Observed, Law], tuple[Comparison, ...]]
    law: Law
    mutants: Mapping[str, Law]
    controls: Mapping[str, Mapping[str, Any]]
    survivors: Mapping[str, str] = field(default_factory=dict)
    expected: Expectation = "holds"

    def __post_init__(self) -> None:
        if not self.controls:
            raise ValueError(f"check of {self.prediction.name}: a check needs at least one control")
        if not self.mutants:
            raise ValueError(f"check of {self.prediction.name}: a check needs at least one mutant")
        if unknown := set(self.survivors) - set(self.mutants):
            raise ValueError(f"check of {self.prediction.name}: survivors {unknown} are no mutants")

    def run(self, seed: int = 0) -> Verdict:
        """Judge what is observed under the hypotheses, by the law and its mutants, and under each violation.

        Args:
            seed: Seed of data and weights.

        Returns:
            The verdict.
        """
        start = time.perf_counter()
        observed = self.observe(seed)
        comparisons = self.judge(observed, self.law)
        mutants = tuple(Mutant(wrong, self.judge(observed, law)) for wrong, law in self.mutants.items())
        controls = tuple(
            Control(violates, self.judge(self.observe(seed, **conditions), self.law))
            for violates, conditions in self.controls.items()
        )
        return Verdict(
            name=self.prediction.name,
            source=self.prediction.source,
            seed=seed,
            comparisons=comparisons,
            controls=controls,
            mutants=mutants,
            expected=self.expected,
            seconds=time.perf_counter() - start,
        )

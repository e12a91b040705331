"""The results of a check: predicted and measured numbers, and whether they agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from lowcomplex import _html

Expectation = Literal["holds", "refuted"]


@dataclass(frozen=True)
class Comparison:
    """One measured quantity beside its prediction.

    Attributes:
        quantity: What was measured.
        predicted: The prediction's value.
        measured: The observed value.
        tolerance: Largest |measured - predicted| that counts as agreement, in the quantity's units.
        reason: Why the tolerance is what it is.
        interval: Half-width of the measured value's 95 % confidence interval where it comes from a regression
            or a sample; 0 for a single exact measurement.
        draws: Data sets drawn until one satisfied the law's hypothesis on the data, that one included.
    """

    quantity: str
    predicted: float
    measured: float
    tolerance: float
    reason: str
    interval: float = 0.0
    draws: int = 1

    def __post_init__(self) -> None:
        # Measurements come as numpy scalars, whose comparisons are no JSON type.
        for name in ("predicted", "measured", "tolerance", "interval"):
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def error(self) -> float:
        """|measured - predicted|; NaN if either is."""
        return abs(self.measured - self.predicted)

    @property
    def passed(self) -> bool:
        """True if error and interval are numbers within the tolerance.

        A measurement whose interval exceeds the tolerance could agree with anything, so it does not pass.
        """
        return self.severity <= 1

    @property
    def severity(self) -> float:
        """Error or interval, whichever is larger, in units of the tolerance.

        Infinite if one of them is not a number, or the tolerance is not positive.
        """
        if not (math.isfinite(self.error) and math.isfinite(self.interval) and self.tolerance > 0):
            return math.inf
        return max(self.error, self.interval) / self.tolerance


@dataclass(frozen=True)
class Control:
    """The same comparisons where the hypotheses are violated: they must disagree.

    Attributes:
        violates: Which hypothesis was violated, and how.
        comparisons: The results of the same criterion there.
    """

    violates: str
    comparisons: tuple[Comparison, ...]

    @property
    def rejected(self) -> bool:
        """True if at least one comparison fails, as it must."""
        return not all(comparison.passed for comparison in self.comparisons)


@dataclass(frozen=True)
class Mutant:
    """A wrong law, judged on the observation that was made for the true one: it must disagree.

    Attributes:
        wrong: What is wrong with it.
        comparisons: The results of the same criterion.
    """

    wrong: str
    comparisons: tuple[Comparison, ...]

    @property
    def refuted(self) -> bool:
        """True if at least one comparison fails, as it must."""
        return not all(comparison.passed for comparison in self.comparisons)


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    The headline numbers (`quantity`, `predicted`, `measured`, `error`, `tolerance`, `reason`) are those
    of the comparison that came closest to failing, or failed by most.

    Attributes:
        name: The prediction's name.
        source: The prediction's source.
        seed: Seed of data and weights.
        comparisons: Everything compared under the hypotheses.
        controls: The same criterion where a hypothesis is violated.
        expected: "holds", or "refuted" where evidence has shown that the statement is false.
        seconds: Wall-clock time.
        mutants: The same observation judged by wrong laws.
    """

    name: str
    source: str
    seed: int
    comparisons: tuple[Comparison, ...]
    controls: tuple[Control, ...]
    expected: Expectation
    seconds: float
    mutants: tuple[Mutant, ...] = ()

    @property
    def headline(self) -> Comparison:
        """The comparison that came closest to failing, or failed by most."""
        return max(self.comparisons, key=lambda comparison: comparison.severity)

    @property
    def quantity(self) -> str:
        """What the headline compares."""
        return self.headline.quantity

    @property
    def predicted(self) -> float:
        """The headline's prediction."""
        return self.headline.predicted

    @property
    def measured(self) -> float:
        """The headline's measurement."""
        return self.headline.measured

    @property
    def error(self) -> float:
        """The headline's error."""
        return self.headline.error

    @property
    def tolerance(self) -> float:
        """The headline's tolerance."""
        return self.headline.tolerance

    @property
    def reason(self) -> str:
        """Why the headline's tolerance is what it is."""
        return self.headline.reason

    @property
    def draws(self) -> int:
        """Data sets drawn until one satisfied the law's hypothesis on the data."""
        return max(comparison.draws for comparison in self.comparisons)

    @property
    def passed(self) -> bool:
        """True if every comparison agrees."""
        return all(comparison.passed for comparison in self.comparisons)

    @property
    def control(self) -> Literal["rejected", "not rejected"]:
        """Whether every control was rejected by the same criterion."""
        return "rejected" if all(control.rejected for control in self.controls) else "not rejected"

    @property
    def as_expected(self) -> bool:
        """True if the verdict is the expected one and every control was rejected."""
        return self.passed == (self.expected == "holds") and self.control == "rejected"

    @property
    def word(self) -> Expectation:
        """The verdict in one word."""
        return "holds" if self.passed else "refuted"

    def __repr__(self) -> str:
        unexpected = "" if self.as_expected else " (not as expected)"
        refuted = sum(mutant.refuted for mutant in self.mutants)
        return (
            f"<{self.name} {self.word}{unexpected}: {self.quantity}: predicted {self.predicted:.4g}, "
            f"measured {self.measured:.4g}, tolerance {self.tolerance:.2g}; control {self.control}; "
            f"{refuted} of {len(self.mutants)} mutants refuted>"
        )

    def _repr_html_(self) -> str:
        columns = ("quantity", "predicted", "measured", "error", "tolerance", "agrees")
        rows = [
            (c.quantity, c.predicted, c.measured, c.error, c.tolerance, "yes" if c.passed else "no")
            for c in self.comparisons
        ]
        of_controls = (f"{c.violates}: {'' if c.rejected else 'NOT '}rejected" for c in self.controls)
        of_mutants = (f"{m.wrong}: {'' if m.refuted else 'NOT '}refuted" for m in self.mutants)
        return _html.definitions(
            f"{self.name} {self.word}{'' if self.as_expected else ', not as expected'}",
            {
                "controls": "; ".join(of_controls),
                "wrong laws": "; ".join(of_mutants),
                "source": self.source,
                "run": f"seed {self.seed}, {self.seconds:.1f} s",
            },
        ) + _html.table(columns, rows)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain JSON types, with the words of its attributes as keys."""
        return {
            "name": self.name,
            "source": self.source,
            "seed": self.seed,
            "quantity": self.quantity,
            "predicted": self.predicted,
            "measured": self.measured,
            "error": self.error,
            "tolerance": self.tolerance,
            "reason": self.reason,
            "draws": self.draws,
            "passed": self.passed,
            "expected": self.expected,
            "control": self.control,
            "as_expected": self.as_expected,
            "seconds": self.seconds,
            "comparisons": [_comparison_to_dict(c) for c in self.comparisons],
            "controls": [
                {
                    "violates": control.violates,
                    "rejected": control.rejected,
                    "comparisons": [_comparison_to_dict(c) for c in control.comparisons],
                }
                for control in self.controls
            ],
            "mutants": [{"wrong": mutant.wrong, "refuted": mutant.refuted} for mutant in self.mutants],
        }


def _comparison_to_dict(comparison: Comparison) -> dict[str, Any]:
    return {
        "quantity": comparison.quantity,
        "predicted": comparison.predicted,
        "measured": comparison.measured,
        "error": comparison.error,
        "interval": comparison.interval,
        "tolerance": comparison.tolerance,
        "reason": comparison.reason,
        "passed": comparison.passed,
    }

"""What a prediction is: a statement, where it holds, its formula, and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, ParamSpec, TypeVar

import sympy

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")


@dataclass(frozen=True)
class Regime:
    """Whether a prediction applies to given parameters, and why.

    Attributes:
        inside: True if every hypothesis holds.
        reason: The hypothesis that decides, in words and numbers.
    """

    inside: bool
    reason: str

    def __bool__(self) -> bool:
        return self.inside


@dataclass(frozen=True)
class Prediction(Generic[Inputs, Output]):
    """One theorem: what it says, where it holds, its formula and its evaluator.

    Calling a prediction calls its evaluator.

    Attributes:
        name: The stem that the formula, its notebook, its check and its test share.
        statement: The claim, in one or two sentences.
        hypotheses: What must hold for the claim.
        source: Author, year, place, equation; "derived" where it is our own.
        kind: "exact" (a closed form), "rate" (an asymptotic exponent) or "null" (a statistical law).
        expressions: The symbolic form, a name for each formula.
        evaluate: The formula in numpy.
        regime: Says whether parameters are inside the hypotheses, and why.
    """

    name: str
    statement: str
    hypotheses: tuple[str, ...]
    source: str
    kind: Literal["exact", "rate", "null"]
    expressions: Mapping[str, sympy.Expr]
    evaluate: Callable[Inputs, Output]
    regime: Callable[..., Regime]

    def __call__(self, *args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        """Evaluate the prediction in numpy; see `evaluate` for its parameters."""
        return self.evaluate(*args, **kwargs)

"""What a prediction is: a statement, where it holds, its formula, and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Literal, ParamSpec, TypeVar

if TYPE_CHECKING:
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
    """One theorem: its claim, its regime, its formula and its evaluator.

    Calling a prediction calls its evaluator.

    Attributes:
        name: The name that the theorem's folder, notebook and check share.
        statement: The claim, in one or two sentences.
        hypotheses: What must hold for the claim.
        source: Author, year, place, equation; "derived" where it is new here.
        kind: "exact" (a closed form), "rate" (an asymptotic exponent) or "null" (a statistical law).
        symbolic: Builds the symbolic form; `expressions` is its result.
        evaluate: The formula in numpy.
        regime: Says whether parameters are inside the hypotheses, and why.
        summary: The claim in one line, for tables.
        order: Place among the theorems in tables and runs; equal places are sorted by name.
    """

    name: str
    statement: str
    hypotheses: tuple[str, ...]
    source: str
    kind: Literal["exact", "rate", "null"]
    symbolic: Callable[[], Mapping[str, sympy.Expr]]
    evaluate: Callable[Inputs, Output]
    regime: Callable[..., Regime]
    summary: str = ""
    order: int = 1000

    def __call__(self, *args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        """Evaluate the prediction in numpy; see `evaluate` for its parameters."""
        return self.evaluate(*args, **kwargs)

    @cached_property
    def expressions(self) -> Mapping[str, sympy.Expr]:
        """The SymPy expression of each formula by its name, built at its first use."""
        return self.symbolic()

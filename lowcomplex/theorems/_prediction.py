"""What a prediction is: a statement, where it holds, its formula, and its numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from textwrap import fill
from typing import TYPE_CHECKING, Generic, Literal, ParamSpec, TypeVar

from lowcomplex import _html
from lowcomplex._signatures import plain_arguments
from lowcomplex.theorems._arguments import taking_numbers

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

    def _repr_html_(self) -> str:
        return _html.definitions("inside" if self.inside else "outside", {"reason": self.reason})


@dataclass(frozen=True)
class Prediction(Generic[Inputs, Output]):
    """One theorem: its claim, its regime, its formula and its evaluator.

    Calling a prediction calls its evaluator, whose signature and documentation `help` and editors show.

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "regime", taking_numbers(self.regime, nan=False))
        # `inspect.signature`, and with it every editor, would else find `*args, **kwargs`.
        object.__setattr__(self, "__signature__", inspect.signature(self.evaluate))
        object.__setattr__(self, "__doc__", self._documentation())

    def __call__(self, *args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
        """Evaluate the prediction in numpy; see `evaluate` for its parameters."""
        return self._evaluate(*args, **kwargs)

    @cached_property
    def _evaluate(self) -> Callable[Inputs, Output]:
        return taking_numbers(self.evaluate)

    @cached_property
    def expressions(self) -> Mapping[str, sympy.Expr]:
        """The SymPy expression of each formula by its name, built at its first use."""
        return self.symbolic()

    def __repr__(self) -> str:
        call = f"{self.name}({plain_arguments(self.evaluate)})"
        return f"<{self.kind} prediction {call}: {self.summary or self.statement}>"

    def _repr_html_(self) -> str:
        return _html.definitions(
            f"{self.name}({plain_arguments(self.evaluate)})",
            {
                "statement": self.statement,
                "hypotheses": "; ".join(self.hypotheses),
                "regime": f"regime({plain_arguments(self.regime)})",
                "kind": self.kind,
                "source": self.source,
            },
        )

    def _documentation(self) -> str:
        """What `help` shows of this one prediction."""
        hypotheses = "\n".join(f"    - {hypothesis}" for hypothesis in self.hypotheses)
        return "\n\n".join(
            (
                fill(self.statement, 100),
                f"{self.name}({plain_arguments(self.evaluate)})",
                inspect.getdoc(self.evaluate) or "",
                f"Hypotheses:\n{hypotheses}",
                f"Regime: {self.name}.regime({plain_arguments(self.regime)})",
                f"Source: {self.source}",
            )
        )

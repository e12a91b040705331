"""Squared norm of the mean of random vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    vectors, dimension = sp.symbols("m d", positive=True)
    return {"squared norm": dimension / vectors}


def _evaluate(vectors: float, dimension: float) -> float:
    """Mean squared norm of the mean of m independent standard normal vectors, d/m.

    Args:
        vectors: Number m of vectors.
        dimension: Their dimension d.

    Returns:
        The mean squared norm.

    Raises:
        ValueError: A number is not positive.
    """
    if vectors <= 0 or dimension <= 0:
        raise ValueError(f"vectors, dimension: expected positive numbers, got {vectors} and {dimension}")
    return dimension / vectors


def _regime(*, independent: bool) -> Regime:
    """Inside if the vectors are independent."""
    return Regime(independent, "vectors are independent" if independent else "vectors have a common part")


norm_of_means = Prediction(
    name="norm_of_means",
    statement=(
        "The mean of m independent standard normal vectors in d dimensions has squared norm d/m on average."
    ),
    hypotheses=("independent vectors",),
    source="derived",
    kind="null",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary="A null: the mean of m random vectors in d dimensions has squared norm d/m",
)

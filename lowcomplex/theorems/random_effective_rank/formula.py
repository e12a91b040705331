"""The effective rank of a random matrix, the null for that of a trained one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowcomplex import nulls
from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

# Below this the next term of the expansion, of relative order 1/k², exceeds 2 %.
_SMALLEST = 8


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    s, c, k, mean, mean_log = sp.symbols("s c k mu nu", positive=True)
    theta = sp.Symbol("theta", real=True)
    low, high = 1 - sp.sqrt(c), 1 + sp.sqrt(c)
    square = 2 * sp.exp(sp.Rational(4, 3)) / (3 * sp.pi)
    return {
        "density of s": sp.sqrt((high**2 - s**2) * (s**2 - low**2)) / (sp.pi * c * s),
        "s(theta)": sp.sqrt(1 + c + 2 * sp.sqrt(c) * sp.cos(theta)),
        "effective rank, leading order": k * sp.exp(sp.log(mean) - mean_log / mean),
        "effective rank over k, square": square,
        "finite-size shift, square": square
        * (3 * sp.pi / 8 * (sp.log(2) / 2 - sp.Rational(1, 6)) - sp.Rational(1, 2)),
    }


def _regime(*, rows: int, columns: int, gaussian: bool = True) -> Regime:
    """Inside for independent Gaussian entries and sizes at which the expansion in 1/k converges fast.

    Args:
        rows: Number of rows m.
        columns: Number of columns n.
        gaussian: Whether entries are independent and Gaussian.
    """
    k = min(rows, columns)
    if not gaussian:
        return Regime(False, "entries are not Gaussian: shift and spread change with their fourth cumulant")
    if 1 < k < _SMALLEST:
        return Regime(False, f"min(m, n) = {k}: the neglected term, of relative order 1/k², is not small")
    return Regime(True, f"min(m, n) = {k}: neglected terms are of relative order {1 / k**2:.1g}")


random_effective_rank = Prediction(
    name="random_effective_rank",
    statement=(
        "The effective rank of an m x n matrix of independent Gaussian entries is, to leading order, "
        "k exp(log μ - E[s log s]/μ) with k = min(m, n) and s distributed by Marchenko and Pastur's law; "
        "2 e^(4/3) / (3π) n = 0.80504 n for a square matrix, shifted by -0.232. Its spread stays of order "
        "one (0.33 for a square matrix) at any size."
    ),
    hypotheses=(
        "independent Gaussian entries of one variance, which drops out",
        "both sizes large; neglected terms are of relative order 1/min(m, n)²",
    ),
    source=(
        "Roy, Vetterli 2007 (the measure); Marchenko, Pastur 1967 (the law of s); shift and spread derived "
        "from Bai, Silverstein 2004, theorem 1.1 (real case)"
    ),
    kind="null",
    symbolic=_expressions,
    evaluate=nulls.random_effective_rank,
    regime=_regime,
    summary="A null: the effective rank of a Gaussian matrix, 2e^(4/3)/(3π) n - 0.232 ± 0.33 if it is square",
    order=180,
)

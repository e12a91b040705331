"""The stable rank of a random matrix: its norm over its largest singular value, by Tracy and Widom's law."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowcomplex import nulls
from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

_SMALLEST = 8


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    m, n = sp.symbols("m n", positive=True)
    # Mean and variance of the Tracy-Widom law of real matrices, to the digits that its tables give.
    mean, variance = sp.Float("-1.2065335745820", 14), sp.Float("1.607781034581", 13)
    half = sp.Rational(1, 2)
    roots = sp.sqrt(m - half), sp.sqrt(n - half)
    center = (roots[0] + roots[1]) ** 2
    scale = (roots[0] + roots[1]) * (1 / roots[0] + 1 / roots[1]) ** sp.Rational(1, 3)
    top = center + mean * scale
    return {
        "mu": center,
        "varsigma": scale,
        "mean of s_1²": top,
        "stable rank": m * n / top,
        "spread of the stable rank": m * n / top * sp.sqrt(variance * scale**2 / top**2 - 2 / (m * n)),
        "stable rank, edge alone": m * n / (sp.sqrt(m) + sp.sqrt(n)) ** 2,
    }


def _regime(*, rows: int, columns: int, gaussian: bool = True) -> Regime:
    """Inside for independent Gaussian entries and sizes at which Tracy and Widom's law is near.

    Args:
        rows: Number of rows m.
        columns: Number of columns n.
        gaussian: Whether entries are independent and Gaussian.
    """
    k = min(rows, columns)
    if not gaussian:
        return Regime(False, "entries are not Gaussian: heavy tails move the largest singular value")
    if 1 < k < _SMALLEST:
        return Regime(False, f"min(m, n) = {k}: the largest singular value is far from Tracy and Widom's law")
    return Regime(True, f"min(m, n) = {k}: neglected terms are of relative order {k ** (-4 / 3):.1g}")


random_stable_rank = Prediction(
    name="random_stable_rank",
    statement=(
        "The stable rank of an m x n matrix of independent Gaussian entries has mean mn/(μ - 1.2065 ς), "
        "μ = (sqrt(m - 1/2) + sqrt(n - 1/2))², ς = sqrt(μ) (1/sqrt(m - 1/2) + 1/sqrt(n - 1/2))^(1/3). It is "
        "independent of the matrix's norm, so its relative variance is that of s_1² less the norm's share, "
        "1.6078 (ς/(μ - 1.2065 ς))² - 2/(mn). The edge alone, mn/(sqrt m + sqrt n)², is 4 % low at 100 x 100."
    ),
    hypotheses=(
        "independent Gaussian entries of one variance, which drops out",
        "both sizes large: relative errors of order k^(-4/3) (mean) and k^(-2/3) (spread), k = min(m, n)",
    ),
    source=(
        "Johnstone, Annals of Statistics 2001, theorem 1.1 (the law of s_1²); Ma, Bernoulli 2012 (0810.1329) "
        "(the centering); mean and spread of the stable rank derived"
    ),
    kind="null",
    symbolic=_expressions,
    evaluate=nulls.random_stable_rank,
    regime=_regime,
    summary=(
        "A null: the stable rank of a Gaussian matrix, mn over Tracy and Widom's largest squared singular "
        "value; independent of the norm"
    ),
    order=190,
)

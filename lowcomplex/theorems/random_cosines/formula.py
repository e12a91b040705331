"""How many pairs of random directions lie close by chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lowcomplex import nulls
from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

_DEGREES, _POINTS = 200, 400
# A count of this skewness is normal to 0.03 in its distribution function: skewness/6 · φ(0).
_MOST_SKEWED = 0.5


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    m, d, p, t = sp.symbols("m d p t", positive=True)
    z, threshold = sp.symbols("z tau", real=True)
    half = sp.Rational(1, 2)
    pairs = m * (m - 1) / 2
    return {
        "density of the cosine": (1 - z**2) ** ((d - 3) / 2) / sp.beta(half, (d - 1) / 2),
        "p": sp.betainc_regularized((d - 1) / 2, half, 0, 1 - threshold**2),
        "mean": pairs * p,
        "variance": pairs * p * (1 - p),
        "third cumulant": pairs * p * (1 - p) * (1 - 2 * p) + m * (m - 1) * (m - 2) * t,
    }


def pair_count_skewness(rows: int, columns: int, threshold: float, *, signed: bool = False) -> float:
    """Skewness of the number of close pairs, which the dependence among three directions makes.

    Pairs are independent two at a time but not three: if 1 is close to 2 and 2 to 3, then 1 tends to be close
    to 3. The third cumulant is N p (1 - p)(1 - 2p) + m (m - 1)(m - 2) t, with N = m (m - 1)/2 and t the third
    moment of the centered kernel around a triangle. By Funk and Hecke t = Σ_l N(d, l) λ_l³ over the degrees l
    >= 1 of spherical harmonics, of which there are N(d, l), with λ_l = E[1{close} P_l(cos)] and Gegenbauer's
    polynomials, P_l(1) = 1. For binomial counts t would be zero; here the second term does not vanish beside
    variance^(3/2) as m grows.

    Args:
        rows: Number of rows m, at least 2.
        columns: Number of columns d, at least 3.
        threshold: Threshold τ in [0, 1).
        signed: Whether pairs with cos > τ are counted, not |cos| > τ.

    Returns:
        The skewness; NaN if the count does not vary.

    Raises:
        ValueError: A number is out of range.
    """
    from scipy.special import eval_gegenbauer

    if columns < 3:
        raise ValueError(f"columns: expected at least three dimensions, got {columns}")
    spread = nulls.random_cosines(rows, columns, threshold, signed=signed).standard_deviation
    if not spread > 0:
        return math.nan
    p = nulls.pair_probability(columns, threshold, signed=signed)
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    widest = math.acos(threshold)
    angle = widest * (nodes + 1) / 2
    # The weights sum to the cap's probability, which fixes their normalization.
    mass = weights * np.sin(angle) ** (columns - 2)
    mass *= p / mass.sum()
    order = (columns - 2) / 2
    triangle = 0.0
    # Closeness of unsigned directions is even in the cosine: odd degrees drop out.
    for degree in range(1, _DEGREES) if signed else range(2, _DEGREES, 2):
        polynomial = eval_gegenbauer(degree, order, np.cos(angle)) / eval_gegenbauer(degree, order, 1.0)
        triangle += _harmonics(columns, degree) * float(mass @ polynomial) ** 3
    return float(_third_cumulant(rows, p, triangle)) / spread**3


_third_cumulant = closed_form(_expressions, "third cumulant", "m", "p", "t")


def _harmonics(d: int, degree: int) -> int:
    """Number of independent spherical harmonics of a degree on the unit sphere of R^d."""
    lower = math.comb(degree + d - 3, degree - 2) if degree >= 2 else 0
    return math.comb(degree + d - 1, degree) - lower


def _regime(*, rows: int, columns: int, threshold: float, signed: bool = False) -> Regime:
    """Inside where the count is nearly normal too; its mean and variance are exact everywhere.

    Args:
        rows: Number of rows m, the directions.
        columns: Number of columns d, their dimension.
        threshold: Threshold τ.
        signed: Whether pairs with cos > τ are counted, not |cos| > τ.
    """
    if columns < 3:
        return Regime(False, f"d = {columns}: mean and variance are exact, the distribution is not normal")
    skewness = pair_count_skewness(rows, columns, threshold, signed=signed)
    if not abs(skewness) <= _MOST_SKEWED:
        return Regime(
            False, f"mean and variance are exact, but the count is not normal: its skewness is {skewness:.2g}"
        )
    return Regime(True, f"mean and variance are exact; skewness {skewness:.2g}: nearly normal")


random_cosines = Prediction(
    name="random_cosines",
    statement=(
        "Among m random directions in R^d, the number of pairs with |cos| > τ has mean N p and variance "
        "N p (1 - p), N = m (m - 1)/2, p = I_{1-τ²}((d - 1)/2, 1/2), exactly: pairs are independent two at a "
        "time. They are dependent three at a time, so the count is not binomial; it is nearly normal where "
        "both the count and d are large."
    ),
    hypotheses=(
        "independent directions, uniform on the sphere: rows of independent Gaussian entries, of any lengths",
    ),
    source=(
        "Cai, Fan, Jiang, JMLR 2013 (1306.0256) for the density and the pairwise independence; count and its "
        "skewness derived"
    ),
    kind="null",
    symbolic=_expressions,
    evaluate=nulls.random_cosines,
    regime=_regime,
    summary=(
        "A null: close pairs among random directions have a binomial's mean and variance, exactly, but not "
        "its distribution"
    ),
    order=200,
)

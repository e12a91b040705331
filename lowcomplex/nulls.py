"""What random Gaussian weights of the same shape measure, so that a number can be judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

# Mean and standard deviation of the Tracy-Widom law of real matrices (β = 1).
_TRACY_WIDOM_MEAN = -1.2065335745820
_TRACY_WIDOM_SD = math.sqrt(1.607781034581)
_QUADRATURE_POINTS = 4096


@dataclass(frozen=True)
class Null:
    """The distribution of a measure on random weights, to leading order normal.

    Attributes:
        value: Its mean.
        standard_deviation: Its spread from draw to draw.
    """

    value: float
    standard_deviation: float

    def quantile(self, q: float) -> float:
        """The value that random weights stay below with probability q, in the normal approximation."""
        if not 0 < q < 1:
            raise ValueError(f"q: expected a probability in (0, 1), got {q}")
        return self.value + self.standard_deviation * NormalDist().inv_cdf(q)


def random_effective_rank(m: int, n: int) -> Null:
    """Effective rank of an m x n matrix of independent Gaussian entries.

    To leading order exp(log(k) + log μ - E[s log s]/μ) with k = min(m, n), s distributed by
    Marchenko and Pastur's law, s² = 1 + c + 2 sqrt(c) cos θ, c = k / max(m, n), μ = E[s]. The mean's
    correction and the spread follow from the central limit theorem for linear spectral statistics
    (Bai, Silverstein 2004, real case), applied to the linearized entropy.

    Args:
        m: Rows.
        n: Columns.

    Returns:
        Mean and standard deviation; invariant under the scale of the entries.

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> round(random_effective_rank(1000, 1000).value / 1000, 3)
        0.805
    """
    k, larger = _sizes(m, n)
    if k == 1:
        return Null(1.0, 0.0)
    c = k / larger
    theta = (np.arange(_QUADRATURE_POINTS) + 0.5) * math.pi / _QUADRATURE_POINTS
    squared = 1 + c + 2 * math.sqrt(c) * np.cos(theta)
    s = np.sqrt(squared)
    # Marchenko-Pastur in θ: dλ sqrt((b - λ)(λ - a)) / (2π c λ) = 2 sin²θ dθ / (π λ).
    density = 2 * np.sin(theta) ** 2 / (math.pi * squared) * (math.pi / _QUADRATURE_POINTS)
    s_log_s = s * np.log(s)
    mean_s, mean_s_log_s = float(density @ s), float(density @ s_log_s)
    entropy = math.log(k) + math.log(mean_s) - mean_s_log_s / mean_s

    def influence(x: NDArray[np.float64]) -> NDArray[np.float64]:
        """How the entropy changes with one more singular value x, to first order."""
        x_log_x = np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)
        return (x * (mean_s_log_s / mean_s + 1) - x_log_x) / (k * mean_s)

    values = influence(s)
    edges = influence(np.array([1 - math.sqrt(c), 1 + math.sqrt(c)]))
    bias = float(edges.sum()) / 4 - float(values.mean()) / 2
    order = np.arange(1, _QUADRATURE_POINTS // 4)
    coefficients = 2 * (np.cos(order[:, None] * theta) @ values) / _QUADRATURE_POINTS
    variance = 0.5 * float(order @ coefficients**2)
    value = math.exp(entropy + bias)
    return Null(value, value * math.sqrt(variance))


def random_stable_rank(m: int, n: int) -> Null:
    """Stable rank of an m x n matrix of independent Gaussian entries.

    mn / (μ - 1.2065 ς) with μ = (sqrt(m - 1/2) + sqrt(n - 1/2))² and
    ς = sqrt(μ) (1/sqrt(m - 1/2) + 1/sqrt(n - 1/2))^(1/3): the squared norm by its mean, the largest
    squared singular value by the mean of the Tracy-Widom law (Johnstone 2001; centering of Ma 2012).

    Args:
        m: Rows.
        n: Columns.

    Returns:
        Mean and standard deviation. The spread is the asymptotic one; below a size of about 100
        the true one is smaller (by a tenth at 100 x 100, by a quarter at 30 x 20).

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> round(random_stable_rank(100, 100).value, 2)
        26.05
    """
    k, larger = _sizes(m, n)
    if k == 1:
        return Null(1.0, 0.0)
    roots = math.sqrt(larger - 0.5), math.sqrt(k - 0.5)
    center = sum(roots) ** 2
    scale = math.sqrt(center) * (1 / roots[0] + 1 / roots[1]) ** (1 / 3)
    top = center + _TRACY_WIDOM_MEAN * scale
    value = m * n / top
    # The top singular value carries its own share of the squared norm: the two are correlated.
    relative = _TRACY_WIDOM_SD * scale / top * (1 - top / (m * n))
    return Null(value, value * math.sqrt(relative**2 + 2 / (m * n)))


def random_participation_ratio(m: int, n: int) -> Null:
    """Participation ratio (Σ s²)² / Σ s⁴ of an m x n matrix of independent Gaussian entries.

    The ratio of the exact means, E[(tr G)²] / E[tr G²] = (mn + 2) / (m + n + 1) for G = W Wᵀ. Its
    relative spread is 2 / (m + n) to leading order (central limit theorem for linear spectral
    statistics, Jonsson 1982: Var(tr G² / (tr G)²) = 4 / (mn)²).

    Args:
        m: Rows.
        n: Columns.

    Returns:
        Mean and standard deviation.

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> random_participation_ratio(1, 7).value
        1.0
    """
    if _sizes(m, n)[0] == 1:
        return Null(1.0, 0.0)
    value = (m * n + 2) / (m + n + 1)
    return Null(value, value * 2 / (m + n))


def pair_probability(d: int, threshold: float, *, signed: bool = False) -> float:
    """Probability that two independent random directions in R^d have |cos| > threshold.

    I_{1-τ²}((d-1)/2, 1/2), half of it if signed; cos² is Beta(1/2, (d-1)/2)-distributed.

    Args:
        d: Dimension.
        threshold: τ, in [0, 1).
        signed: Count cos > threshold alone.

    Returns:
        The probability.

    Raises:
        ValueError: `d` is not positive or `threshold` outside [0, 1).

    Example:
        >>> round(pair_probability(3, 0.5), 3)
        0.5
    """
    from scipy.special import betainc

    if d < 1:
        raise ValueError(f"d: expected a positive dimension, got {d}")
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold: expected a cosine in [0, 1), got {threshold}")
    probability = 1.0 if d == 1 else float(betainc((d - 1) / 2, 0.5, 1 - threshold**2))
    return probability / 2 if signed else probability


def random_cosines(m: int, d: int, threshold: float, *, signed: bool = False) -> Null:
    """Number of pairs among m random directions in R^d with |cos| > threshold.

    Mean N p and variance N p (1 - p), N = m (m - 1) / 2, p the `pair_probability`: the pairs are
    pairwise independent.

    Args:
        m: Number of directions.
        d: Dimension.
        threshold: τ, in [0, 1).
        signed: Count cos > threshold alone.

    Returns:
        Mean and standard deviation.

    Example:
        >>> random_cosines(2, 1, 0.9)
        Null(value=1.0, standard_deviation=0.0)
    """
    if m < 1:
        raise ValueError(f"m: expected a positive number of directions, got {m}")
    p = pair_probability(d, threshold, signed=signed)
    pairs = m * (m - 1) / 2
    return Null(pairs * p, math.sqrt(pairs * p * (1 - p)))


def largest_random_share(
    m: int,
    d: int,
    threshold: float,
    *,
    signed: bool = False,
    weights: NDArray[np.float64] | None = None,
    level: float = 0.99,
) -> float:
    """Upper quantile of the largest share that a cap holds among m random directions in R^d.

    A cap around one of the directions holds that direction and each other one with probability p
    (`pair_probability`), independently. Equal weights: the smallest share s with
    m · P(1 + Binomial(m - 1, p) > s m) <= 1 - level, a union bound over the caps. Unequal weights:
    the same bound with Bernstein's inequality for the weighted sum,
    max w + p + sqrt(2 v L) + max(w) L / 3 with v = p (1 - p) Σ w², L = log(m / (1 - level)).

    Args:
        m: Number of directions.
        d: Dimension.
        threshold: Cosine of the cap's opening angle.
        signed: Caps of cos > threshold instead of |cos|.
        weights: (m,) nonnegative weights, if unequal; their scale does not matter.
        level: Probability that no cap of random directions exceeds the result.

    Returns:
        A share in (0, 1].

    Example:
        >>> largest_random_share(100, 64, 0.95)
        0.01
    """
    p = pair_probability(d, threshold, signed=signed)
    if m < 1:
        raise ValueError(f"m: expected a positive number of directions, got {m}")
    if weights is None:
        return min(1.0, (1 + _binomial_upper((1 - level) / m, m - 1, p)) / m)
    share = weights / weights.sum()
    largest, log_term = float(share.max()), math.log(m / (1 - level))
    deviation = math.sqrt(2 * p * (1 - p) * float(share @ share) * log_term) + largest * log_term / 3
    return min(1.0, largest + p + (deviation if p > 0 else 0.0))


def random_walk_spectrum(points: int) -> NDArray[np.float64]:
    """Share of each principal component in the variance of a random walk of many parameters.

    p_k ∝ 1 / (2 - 2 cos(πk/T)), k = 1 … T - 1, for T points: the limit of independent steps in a space of
    dimension much larger than T.

    Args:
        points: Number T of points.

    Returns:
        (points - 1,) shares, descending; 6/(π²k²) for many points, so that the participation ratio is 5/2.

    Raises:
        ValueError: Fewer than two points.

    Reference:
        Antognini, Sohl-Dickstein, NeurIPS 2018 (1806.08805).

    Example:
        >>> random_walk_spectrum(3).round(3).tolist()
        [0.75, 0.25]
    """
    if points < 2:
        raise ValueError(f"points: expected at least two, got {points}")
    variances = 1 / (2 - 2 * np.cos(np.pi * np.arange(1, points) / points))
    shares: NDArray[np.float64] = variances / variances.sum()
    return shares


@lru_cache
def _binomial_upper(tail: float, n: int, p: float) -> float:
    from scipy.stats import binom

    return float(binom.isf(tail, n, p))


def _sizes(m: int, n: int) -> tuple[int, int]:
    if m < 1 or n < 1:
        raise ValueError(f"m, n: expected positive sizes, got {m} x {n}")
    return min(m, n), max(m, n)

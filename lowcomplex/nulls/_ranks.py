"""Ranks of random Gaussian matrices, by the laws of Marchenko and Pastur and of Tracy and Widom."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowcomplex.nulls._null import Null, sizes

# Mean and standard deviation of the Tracy-Widom law of real matrices (β = 1).
_TRACY_WIDOM_MEAN = -1.2065335745820
_TRACY_WIDOM_SD = math.sqrt(1.607781034581)
_QUADRATURE_POINTS = 4096
_Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def random_effective_rank(rows: int, columns: int) -> Null:
    """Effective rank of an m x n matrix of independent Gaussian entries.

    To leading order exp(log(k) + log μ - E[s log s]/μ) with k = min(m, n), s distributed by
    Marchenko and Pastur's law, s² = 1 + c + 2 sqrt(c) cos θ, c = k / max(m, n), μ = E[s]. The mean's
    correction and the spread follow from the central limit theorem for linear spectral statistics
    (Bai, Silverstein 2004, real case), applied to the linearized entropy.

    Args:
        rows: Number m of rows.
        columns: Number n of columns.

    Returns:
        Mean and standard deviation; invariant under the scale of the entries.

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> round(random_effective_rank(1000, 1000).value / 1000, 3)
        0.805
    """
    if sizes(rows, columns)[0] == 1:
        return Null(1.0, 0.0)
    entropy = random_spectral_entropy(rows, columns)
    value = math.exp(entropy.value)
    return Null(value, value * entropy.standard_deviation)


def random_spectral_entropy(rows: int, columns: int) -> Null:
    """Spectral entropy of an m x n matrix of independent Gaussian entries, in nats.

    log(k) + log μ - E[s log s]/μ, with the correction of `random_effective_rank`: this is its logarithm.

    Args:
        rows: Number m of rows.
        columns: Number n of columns.

    Returns:
        Mean and standard deviation.

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> round(random_spectral_entropy(1000, 1000).value, 2)
        6.69
    """
    k, larger = sizes(rows, columns)
    if k == 1:
        return Null(0.0, 0.0)
    law = _MarchenkoPastur(k / larger)
    mean_s, mean_s_log_s = law.mean(_identity), law.mean(_x_log_x)

    def influence(x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Change of the entropy by one more singular value x, to first order."""
        return (x * (mean_s_log_s / mean_s + 1) - _x_log_x(x)) / (k * mean_s)

    leading = math.log(k) + math.log(mean_s) - mean_s_log_s / mean_s
    return Null(leading + law.correction(influence), math.sqrt(law.variance(influence)))


def random_nuclear_rank(rows: int, columns: int) -> Null:
    """Nuclear-to-spectral rank Σ s / s_1 of an m x n matrix of independent Gaussian entries.

    Σ s follows from Marchenko and Pastur's law with the correction of its mean: k E[s] + (s(0) + s(π))/4
    minus half the mean of s over θ, times sqrt(max(m, n)). s_1² is the mean of the Tracy-Widom law, as for
    `random_stable_rank`.

    Args:
        rows: Number m of rows.
        columns: Number n of columns.

    Returns:
        Mean and standard deviation. The ratio does not depend on the matrix's norm: the norm's part in the
        spread of numerator and denominator, 1/(mn) in total, is subtracted. Apart from the norm, both are
        taken as independent.

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> round(random_nuclear_rank(1000, 1000).value / 1000, 3)
        0.426
    """
    k, larger = sizes(rows, columns)
    if k == 1:
        return Null(1.0, 0.0)
    law = _MarchenkoPastur(k / larger)
    total = k * law.mean(_identity) + law.correction(_identity)
    top, scale = _largest_squared(rows, columns)
    value = math.sqrt(larger / top) * total
    variance = (
        law.variance(_identity) / total**2 + (_TRACY_WIDOM_SD * scale / (2 * top)) ** 2 - 1 / (rows * columns)
    )
    return Null(value, value * math.sqrt(variance))


def random_stable_rank(rows: int, columns: int) -> Null:
    """Stable rank of an m x n matrix of independent Gaussian entries.

    mn / (μ - 1.2065 ς) with μ = (sqrt(m - 1/2) + sqrt(n - 1/2))² and
    ς = sqrt(μ) (1/sqrt(m - 1/2) + 1/sqrt(n - 1/2))^(1/3). The squared norm is taken at its mean, the largest
    squared singular value at the mean of the Tracy-Widom law (Johnstone 2001; centering of Ma 2012).

    The stable rank of a Gaussian matrix is independent of its norm, since the norm is independent of the
    direction W / ‖W‖. Hence Var log s_1² = Var log ‖W‖² + Var log srank, and the spread of srank is
    (mn/μ_1) sqrt((1.268 ς/μ_1)² - 2/(mn)) with μ_1 = μ - 1.2065 ς.

    Args:
        rows: Number m of rows.
        columns: Number n of columns.

    Returns:
        Mean and standard deviation. The spread is asymptotic; the true spread is smaller by a share of order
        min(m, n)^(-2/3) (3 % at 100 x 100, 9 % at 30 x 20).

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> round(random_stable_rank(100, 100).value, 2)
        26.05
    """
    if sizes(rows, columns)[0] == 1:
        return Null(1.0, 0.0)
    top, scale = _largest_squared(rows, columns)
    value = rows * columns / top
    variance = (_TRACY_WIDOM_SD * scale / top) ** 2 - 2 / (rows * columns)
    return Null(value, value * math.sqrt(variance))


def random_participation_ratio(rows: int, columns: int) -> Null:
    """Participation ratio (Σ s²)² / Σ s⁴ of an m x n matrix of independent Gaussian entries.

    The value is the ratio of the exact means, E[(tr G)²] / E[tr G²] = (mn + 2) / (m + n + 1) for G = W Wᵀ.
    The relative spread is 2 / (m + n) to leading order (central limit theorem for linear spectral
    statistics, Jonsson 1982: Var(tr G² / (tr G)²) = 4 / (mn)²).

    Args:
        rows: Number m of rows.
        columns: Number n of columns.

    Returns:
        Mean and standard deviation.

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> random_participation_ratio(1, 7).value
        1.0
    """
    if sizes(rows, columns)[0] == 1:
        return Null(1.0, 0.0)
    value = (rows * columns + 2) / (rows + columns + 1)
    return Null(value, value * 2 / (rows + columns))


def random_numerical_rank(rows: int, columns: int) -> Null:
    """Numerical rank of an m x n matrix of independent Gaussian entries: min(m, n).

    Random matrices of unequal sides have no small singular value. A square n x n matrix has one below τ s_1
    with a probability of about 2 n τ (Edelman 1988: the density of sqrt(n) s_n at 0 is 1). With the default
    tolerance of `lowcomplex.measures.numerical_rank` and the machine epsilon ε this is 2 n² ε: 1 % at n = 200
    in single precision, and about one lost value at n = 2000. In half precision the tolerance is lower for
    the last singular values, and the probability is about 0.7 sqrt(n) ε: 6 % at n = 128 in bfloat16, 2 %
    at n = 1000 in float16.

    Args:
        rows: Number m of rows.
        columns: Number n of columns.

    Returns:
        The value, with no spread: lost values are neglected.

    Raises:
        ValueError: A size is not positive.

    Example:
        >>> random_numerical_rank(30, 20).value
        20.0
    """
    return Null(float(sizes(rows, columns)[0]), 0.0)


def random_singular_values(rows: int, columns: int) -> NDArray[np.float64]:
    """Singular values of an m x n matrix of independent Gaussian entries, over their root mean square.

    The quantiles (i + 1/2)/k of Marchenko and Pastur's law, k = min(m, n), i = 0 the largest.

    Args:
        rows: Number m of rows.
        columns: Number n of columns.

    Returns:
        (k,) descending. Those of a single draw differ from these by order 1/k, and by order k^(-2/3) at the
        edges.

    Raises:
        ValueError: A size is not positive.

    Reference:
        Marchenko, Pastur 1967.

    Example:
        >>> random_singular_values(4000, 2).round(1)
        array([1., 1.])
    """
    k, larger = sizes(rows, columns)
    return _MarchenkoPastur(k / larger).quantiles((np.arange(k) + 0.5) / k)


@dataclass(frozen=True)
class _MarchenkoPastur:
    """Singular values s of a k x k/c matrix with entries of variance c / k, c at most 1.

    s² = 1 + c + 2 sqrt(c) cos θ, θ in (0, π).
    """

    c: float

    def mean(self, f: _Statistic) -> float:
        """E[f(s)]."""
        theta = self._theta()
        # In θ: dλ sqrt((b - λ)(λ - a)) / (2π c λ) = 2 sin²θ dθ / (π λ).
        density = (
            2 * np.sin(theta) ** 2 / (math.pi * self._values(theta) ** 2) * (math.pi / _QUADRATURE_POINTS)
        )
        return float(density @ f(self._values(theta)))

    def quantiles(self, above: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values above which a share `above` of the law lies."""
        theta = self._theta()
        density = np.sin(theta) ** 2 / self._values(theta) ** 2
        # At the points' upper ends; the largest value is at θ = 0.
        reached = np.concatenate(([0.0], np.cumsum(density) / density.sum()))
        ends = np.arange(len(reached)) * math.pi / _QUADRATURE_POINTS
        return self._values(np.interp(above, reached, ends))

    def correction(self, f: _Statistic) -> float:
        """Mean of Σ f(s) beyond k E[f(s)], to order 1 (Bai, Silverstein 2004, eq. 5.13)."""
        edges = f(self._values(np.array([math.pi, 0.0])))
        return float(edges.sum()) / 4 - float(f(self._values(self._theta())).mean()) / 2

    def variance(self, f: _Statistic) -> float:
        """Variance of Σ f(s), Σ_j j a_j² / 2 with a_j the cosine coefficients of f in θ."""
        from scipy.fft import dct

        coefficients = dct(f(self._values(self._theta())), type=2) / _QUADRATURE_POINTS
        # Beyond a quarter of the points, the quadrature's coefficients are no longer those of f.
        order = np.arange(1, _QUADRATURE_POINTS // 4)
        return 0.5 * float(order @ coefficients[order] ** 2)

    def _theta(self) -> NDArray[np.float64]:
        return (np.arange(_QUADRATURE_POINTS) + 0.5) * math.pi / _QUADRATURE_POINTS

    def _values(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        # Rounding may leave the lower edge of a square matrix, 0, below it.
        values: NDArray[np.float64] = np.sqrt(
            np.maximum(1 + self.c + 2 * math.sqrt(self.c) * np.cos(theta), 0.0)
        )
        return values


def _identity(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x


def _x_log_x(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)
    return result


def _largest_squared(rows: int, columns: int) -> tuple[float, float]:
    """Mean of the largest squared singular value, and the scale of its Tracy-Widom law."""
    roots = math.sqrt(max(rows, columns) - 0.5), math.sqrt(min(rows, columns) - 0.5)
    center = sum(roots) ** 2
    scale = math.sqrt(center) * (1 / roots[0] + 1 / roots[1]) ** (1 / 3)
    return center + _TRACY_WIDOM_MEAN * scale, scale

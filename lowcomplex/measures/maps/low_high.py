"""A map of many inputs split into low and high frequencies, by a filter in the input space."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._validation import finite, matrices

# Distances held at once by the filter: 128 MB.
_DISTANCES = 2**24


class LowHigh(NamedTuple):
    """A map on samples, split by a Gaussian filter; low + high is the map.

    Attributes:
        low: (n, ...) the filtered map.
        high: (n, ...) the map minus its low part.
    """

    low: Float[Tensor, "n *outputs"]
    high: Float[Tensor, "n *outputs"]


class LowHighError(NamedTuple):
    """Relative errors of a learned map below and above the filter's frequency 1/δ.

    Attributes:
        low: ‖low(learned) - low(target)‖ / ‖low(target)‖.
        high: The same of the high parts.
    """

    low: float
    high: float


def low_high_parts(X: Float[Tensor, "n d"], values: Float[Tensor, "n *outputs"], delta: float) -> LowHigh:
    """Split a map on samples into frequencies below and above about 1/δ, by a Gaussian filter.

        low_i = Σ_j values_j G(X_i - X_j) / Σ_j G(X_i - X_j),  G(r) = exp(-|r|² / 2δ²),  high = values - low

    G's Fourier transform is a Gaussian too, of standard deviation 1/δ in radians per unit of length.

    Args:
        X: (n, d) samples.
        values: (n,) or (n, c) values there.
        delta: Standard deviation δ of the filter, in units of length of the input space. As δ → 0 the low
            part is the map itself, as δ → ∞ its mean.

    Returns:
        Low and high parts, shaped like the values, in float64. Memory is bounded: distances are computed in
        blocks.

    Null:
        Independent values move into the high part as δ exceeds the distance between samples.

    Cost:
        Time O(n² d), in bounded memory.

    Misleads:
        Where δ is below the distance between samples the low part is the map itself. In high dimension
        distances are nearly equal, and it turns from the map into the mean within a narrow range of δ.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree; NaN or infinity; δ not positive.

    Reference:
        Xu, Zhang, Luo, Xiao, Ma, CiCP 2020 (1901.06523), the filtering method. Here δ is the filter's
        standard deviation, a length.

    Example:
        >>> X = torch.tensor([[0.0], [1.0]])
        >>> low_high_parts(X, torch.tensor([1.0, -1.0]), 1e3).low.abs() < 1e-5
        tensor([True, True])
    """
    X, values = matrices(X, "X"), finite(values, "values")
    if X.ndim != 2 or values.ndim not in (1, 2) or len(values) != len(X):
        raise ValueError(
            f"X, values: expected (n, d) and (n,) or (n, c), got {tuple(X.shape)} and {tuple(values.shape)}"
        )
    if not delta > 0:
        raise ValueError(f"delta: expected a positive length, got {delta}")
    columns = values.double().reshape(len(X), -1)
    double = X.double()
    parts = []
    for block in torch.split(double, max(1, _DISTANCES // len(X))):
        squared = torch.cdist(block, double, compute_mode="donot_use_mm_for_euclid_dist").square()
        # A point is at distance 0 of itself: no row of weights underflows to nothing.
        weights = torch.exp(squared / (-2 * delta**2))
        parts.append(weights @ columns / weights.sum(-1, keepdim=True))
    low = torch.cat(parts).reshape(values.shape)
    return LowHigh(low, values.double() - low)


def low_high_error(
    X: Float[Tensor, "n d"],
    learned: Float[Tensor, "n *outputs"],
    target: Float[Tensor, "n *outputs"],
    delta: float,
) -> LowHighError:
    """Relative error of a learned map below and above the filter's frequency 1/δ.

    Under the frequency principle the low error falls first, for every δ.

    Args:
        X: (n, d) samples.
        learned: (n,) or (n, c) learned values there.
        target: Target values, of the same shape.
        delta: As for `low_high_parts`.

    Returns:
        Both errors: 1 for a map that is zero, 0 for a learned map; NaN where the target has no such part.
        Invariant under a common scale of the values.

    Null:
        1 in both parts for a map that is zero.

    Cost:
        Time O(n² d), in bounded memory.

    Misleads:
        The high part of a target that hardly has one is small, and its relative error is noise. It misleads
        where `low_high_parts` does, so show several δ.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: As for `low_high_parts`; learned and target differ in shape.

    Reference:
        Xu, Zhang, Luo, Xiao, Ma, CiCP 2020 (1901.06523), e_low and e_high of the filtering method.
    """
    if learned.shape != target.shape:
        raise ValueError(
            f"learned, target: expected one shape, got {tuple(learned.shape)} and {tuple(target.shape)}"
        )
    wanted = low_high_parts(X, target, delta)
    error = low_high_parts(X, learned.double() - target.double(), delta)
    ratios = []
    for part, whole in zip(error, wanted, strict=True):
        largest = whole.abs().max()
        ratio = torch.linalg.vector_norm(part / largest) / torch.linalg.vector_norm(whole / largest)
        ratios.append(float(ratio) if largest > 0 else math.nan)
    return LowHighError(*ratios)

"""How many dimensions a matrix uses: effective, stable and numerical rank, participation ratio."""

from __future__ import annotations

import torch
from torch import Tensor

from lowcomplex.measures._spectra import scaled_singular_values
from lowcomplex.measures._validation import matrices


def singular_values(W: Tensor) -> Tensor:
    """Singular values in float64, relative to the largest entry of each matrix.

    Every rank measure is invariant under scale; dividing by the largest entry first keeps them exact
    for weights of 1e-12 as of 1e12. Accurate enough for an effective rank within 1e-7, relative; values below
    the precision of the input stay as computed.

    Args:
        W: (..., out, in) finite matrices.

    Returns:
        (..., min(out, in)) descending, float64; NaN for a zero matrix, which has no scale.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not at least two-dimensional, is empty, or holds NaN or infinity.
    """
    values, largest = scaled_singular_values(matrices(W))
    return torch.where(largest > 0, values, torch.nan)


def spectral_entropy(W: Tensor) -> Tensor:
    """Entropy of the normalized singular values, -Σ p log p with p = s / Σ s, in nats.

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 0 (rank 1) and log(min(out, in)); NaN for a zero matrix. Invariant under scale
        and rotations.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    References:
        Roy, Vetterli, "The effective rank", EUSIPCO 2007, eq. 3.
    """
    return _entropy(singular_values(W)).to(W.dtype)


def effective_rank(W: Tensor) -> Tensor:
    """Effective rank: exp of the entropy of the normalized singular values.

        exp(-Σ p log p),  p = s / Σ s

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1 and min(out, in); NaN for a zero matrix. Invariant under scale and rotations.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    References:
        Roy, Vetterli, "The effective rank", EUSIPCO 2007, definition 1.

    Example:
        >>> effective_rank(torch.eye(3))
        tensor(3.)
    """
    return _entropy(singular_values(W)).exp().to(W.dtype)


def stable_rank(W: Tensor) -> Tensor:
    """Stable rank: squared Frobenius over squared spectral norm, Σ s² / s_1².

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1 and min(out, in); NaN for a zero matrix. Invariant under scale and rotations.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    References:
        Rudelson, Vershynin, "Sampling from large matrices", J. ACM 2007 (numerical rank there).

    Example:
        >>> stable_rank(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        tensor(1.2500)
    """
    return _stable(singular_values(W)).to(W.dtype)


def participation_ratio(W: Tensor) -> Tensor:
    """Participation ratio of the squared singular values, (Σ s²)² / Σ s⁴.

    The squared singular values are the eigenvalues of the (uncentered) covariance of the rows.

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1 and min(out, in); NaN for a zero matrix. Invariant under scale and rotations.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    References:
        Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy, Ganguli, 2017, eq. 5.

    Example:
        >>> participation_ratio(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        tensor(1.4706)
    """
    return _participation(singular_values(W)).to(W.dtype)


def nuclear_rank(W: Tensor) -> Tensor:
    """Nuclear-to-spectral rank: nuclear over spectral norm, Σ s / s_1.

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1 and min(out, in), never below the stable rank; NaN for a zero matrix.
        Invariant under scale and rotations.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> nuclear_rank(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        tensor(1.5000)
    """
    return _nuclear(singular_values(W)).to(W.dtype)


def numerical_rank(W: Tensor, rtol: float | None = None) -> Tensor:
    """Numerical rank: the number of singular values above `rtol` times the largest.

    Args:
        W: (..., out, in) matrices.
        rtol: Relative threshold; by default max(out, in) times the rounding unit of the dtype of W.

    Returns:
        (...) integers between 0 (a zero matrix) and min(out, in). Invariant under scale and rotations.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity; `rtol` is not in [0, 1).

    Example:
        >>> numerical_rank(torch.ones(3, 4))
        tensor(1)
    """
    return _numerical(singular_values(W), _relative_tolerance(W, rtol))


def rank_measures(W: Tensor, *, rtol: float | None = None) -> dict[str, Tensor]:
    """All rank measures of a matrix from one decomposition.

    Args:
        W: (..., out, in) matrices.
        rtol: As in `numerical_rank`.

    Returns:
        effective_rank, stable_rank, participation_ratio, nuclear_rank, spectral_entropy and
        numerical_rank, each (...).

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity; `rtol` is not in [0, 1).

    Example:
        >>> sorted(rank_measures(torch.eye(2)))[:2]
        ['effective_rank', 'nuclear_rank']
    """
    s = singular_values(W)
    entropy = _entropy(s)
    return {
        "effective_rank": entropy.exp().to(W.dtype),
        "stable_rank": _stable(s).to(W.dtype),
        "participation_ratio": _participation(s).to(W.dtype),
        "nuclear_rank": _nuclear(s).to(W.dtype),
        "spectral_entropy": entropy.to(W.dtype),
        "numerical_rank": _numerical(s, _relative_tolerance(W, rtol)),
    }


def _entropy(s: Tensor) -> Tensor:
    p = s / s.sum(-1, keepdim=True)
    entropy: Tensor = torch.special.entr(p).sum(-1)
    return entropy


def _stable(s: Tensor) -> Tensor:
    return (s / s[..., :1]).square().sum(-1)


def _participation(s: Tensor) -> Tensor:
    squared = (s / s[..., :1]).square()
    return squared.sum(-1).square() / squared.square().sum(-1)


def _nuclear(s: Tensor) -> Tensor:
    return (s / s[..., :1]).sum(-1)


def _numerical(s: Tensor, rtol: float) -> Tensor:
    return (s > rtol * s[..., :1]).sum(-1)


def _relative_tolerance(W: Tensor, rtol: float | None) -> float:
    if rtol is None:
        return max(W.shape[-2:]) * torch.finfo(W.dtype).eps
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol: expected a number in [0, 1), got {rtol}")
    return rtol

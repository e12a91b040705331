"""How many dimensions activations or embeddings fill: spectrum and dimensions of their covariance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures._spectra import scaled_singular_values
from lowcomplex.measures._validation import matrices


def covariance_spectrum(
    X: Float[Tensor, "*batch samples features"], *, center: bool = True
) -> Float[Tensor, "*batch min(samples,features)"]:
    """Share of each principal component in the variance of samples, p = s² / Σ s² of the centered samples.

    Args:
        X: (..., samples, features), such as activations on a data set, or embeddings of tokens.
        center: Subtract the mean over samples first; without it, second moments about zero.

    Returns:
        (..., min(samples, features)) descending shares with sum 1; NaN for samples that do not differ.
        Invariant under scale and rotation of the features and, if centered, under their shift. No matrix
        larger than the smaller side squared is formed.

    Null:
        The same of `torch.randn` samples of the same shape: shares are unequal by chance unless samples far
        outnumber features.

    Cost:
        Time O(samples · features · min(samples, features)).

    Misleads:
        Features of a large unit, outliers, and the few huge coordinates of a transformer's residual stream
        take the first components.

    Raises:
        TypeError: `X` is not a floating-point tensor.
        ValueError: Fewer than two samples to center, no features, or NaN or infinity.

    Example:
        >>> covariance_spectrum(torch.tensor([[0.0, 5.0], [3.0, 9.0]])).round(decimals=6)
        tensor([1., 0.])
    """
    return _shares(X, center).to(result_dtype(X))


def covariance_dimensions(
    X: Float[Tensor, "*batch samples features"], *, center: bool = True
) -> dict[str, Float[Tensor, "*batch"]]:
    """Dimensions that samples fill, from one decomposition: p is the `covariance_spectrum`.

    - effective_rank: exp(-Σ p log p), the effective rank of the covariance matrix.
    - participation_ratio: 1 / Σ p².
    - intrinsic_dimension: 1 / p_1, trace over largest eigenvalue of the covariance.

    Args:
        X: (..., samples, features).
        center: As for `covariance_spectrum`.

    Returns:
        Each (...), between 1 and min(samples - 1, features) if centered; NaN for samples that do not differ.

    Null:
        The same of `torch.randn` samples of the same shape.

    Cost:
        That of `covariance_spectrum`.

    Misleads:
        Few samples look low-dimensional: 20 Gaussian samples of 500 features have a participation ratio of
        18, 5,000 of them 454. Compare equal numbers of samples.

    Raises:
        TypeError: `X` is not a floating-point tensor.
        ValueError: Fewer than two samples to center, no features, or NaN or infinity.

    References:
        Roy, Vetterli, EUSIPCO 2007, definition 1; Gao et al. 2017, eq. 5; Tropp 2015 (1501.01571),
        definition 7.1.1.

    Example:
        >>> covariance_dimensions(torch.cat((torch.eye(3), -torch.eye(3))))["participation_ratio"]
        tensor(3.)
    """
    p = _shares(X, center)
    dimensions = {
        "effective_rank": torch.special.entr(p).sum(-1).exp(),
        "participation_ratio": p.square().sum(-1).reciprocal(),
        "intrinsic_dimension": p[..., 0].reciprocal(),
    }
    return {name: value.to(result_dtype(X)) for name, value in dimensions.items()}


def _shares(X: Tensor, center: bool) -> Tensor:
    X = matrices(X, "X")
    if center:
        if X.shape[-2] < 2:
            raise ValueError(f"X: expected at least two samples (..., samples, features), got {X.shape[-2]}")
        double = X.double()
        X = double - double.mean(-2, keepdim=True)
        # The mean of a constant column is rounded: what remains of the column is no variance.
        noise = 4 * torch.finfo(torch.float64).eps * double.abs().amax(-2, keepdim=True)
        X = torch.where(X.abs().amax(-2, keepdim=True) > noise, X, 0.0)
    values, _ = scaled_singular_values(X)
    # Relative to the largest, no square underflows.
    squared = (values / values[..., :1]).square()
    return squared / squared.sum(-1, keepdim=True)

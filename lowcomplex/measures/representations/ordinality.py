"""Whether the leading components of samples order a value."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures._validation import matrices


def ordinality(
    X: Float[Tensor, "*batch samples features"], values: Float[Tensor, "samples"], components: int = 2
) -> Float[Tensor, "*batch"]:
    """How well the leading principal components of samples order a value, as R² of a linear regression.

    R² = Σ_k (q_k · (v - v̄))² / Σ (v - v̄)², q_k the left singular vectors of the centered X for its largest
    `components` singular values.

    Args:
        X: (..., samples, features), such as token embeddings.
        values: (samples,) numbers, such as the tokens' values.
        components: Number of leading components.

    Returns:
        (...) in [0, 1]; components / (samples - 1) on average, if X does not depend on the values. Invariant
        under scale, rotation and shift of the features, and affine maps of the values. NaN where fewer than
        `components` singular values are nonzero.

    Null:
        components / (samples - 1) on average if X does not depend on the values.

    Cost:
        Time O(samples · features · min(samples, features)).

    Misleads:
        It is linear: values in order along a circle reach 0.6 with two components. Many components order any
        values by chance.

    Raises:
        TypeError: `X` or `values` is not floating point.
        ValueError: NaN or infinity, another number of values than samples, values that do not differ, or
            more components than the smaller side of the centered samples has.

    Reference:
        The ordered token embeddings in Zhang et al., NeurIPS 2024, figure 5c,d, as a number.

    Example:
        >>> v = torch.arange(6.0)
        >>> ordinality(torch.stack((v, v % 2 * 0.1), 1), v, components=1).round(decimals=2)
        tensor(1.)
    """
    X = matrices(X, "X")
    values = matrices(values[None], "values")[0].double()
    samples, features = X.shape[-2:]
    if values.shape != (samples,):
        raise ValueError(
            f"values: expected one number per sample, ({samples},), got shape {tuple(values.shape)}"
        )
    if not 1 <= components <= min(samples - 1, features):
        raise ValueError(
            f"components: expected between 1 and {min(samples - 1, features)} for X of shape "
            f"{tuple(X.shape)}, got {components}"
        )
    direction = values / values.abs().max().clamp_min(torch.finfo(torch.float64).tiny)
    direction = direction - direction.mean()
    if not bool(direction.abs().max() > 4 * torch.finfo(torch.float64).eps):
        raise ValueError("values: expected numbers that differ")
    centered = X.double() - X.double().mean(-2, keepdim=True)
    scale = centered.abs().amax((-2, -1), keepdim=True)
    left, singular, _ = torch.linalg.svd(centered / torch.where(scale > 0, scale, 1.0), full_matrices=False)
    explained = (left[..., :components].mT @ direction).square().sum(-1) / direction.square().sum()
    is_there = singular[..., components - 1] > singular[..., 0] * samples * torch.finfo(torch.float64).eps
    return torch.where(is_there, explained, torch.nan).to(result_dtype(X))

"""What representations stand for: do samples of one class point one way, and do components order values?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lowcomplex.measures._validation import matrices
from lowcomplex.measures.cosine_similarity import cosine_similarity


@dataclass(frozen=True)
class CosineGap:
    """Mean cosine similarity of pairs of samples, by whether they are of one class.

    Attributes:
        within: (...) over pairs of one class.
        between: (...) over pairs of two classes.
        gap: (...) within minus between; 0 on average if the classes say nothing, at most 2.
    """

    within: Tensor
    between: Tensor
    gap: Tensor


def cosine_gap(X: Tensor, classes: Tensor, *, apart: Tensor | None = None) -> CosineGap:
    """How much more samples of one class point the same way than samples of two.

    gap = mean of cos(x_i, x_j) over i < j of one class - the same over i < j of two classes.

    Args:
        X: (..., samples, features), such as hidden states at the last position.
        classes: (samples,) integer labels, such as the answer, or an intermediate result.
        apart: (samples,) labels of something that must differ in the pairs that count, so that it cannot be
            what makes samples of one class alike; all pairs count if None.

    Returns:
        Three numbers a batch entry; invariant under the length of every sample and rotations of the features.
        A sample that is zero has no direction, and makes the result NaN.

    Raises:
        TypeError: `X` is not a floating-point tensor.
        ValueError: `X` holds NaN or infinity, `classes` or `apart` has another length, or no pair of one
            class or of two counts.

    Reference:
        The comparison of same-target and different-target pairs in Zhang et al., NeurIPS 2024, figure 4, as
        a number.

    Example:
        >>> X = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> cosine_gap(X, torch.tensor([0, 0, 1])).gap
        tensor(1.)
    """
    X = matrices(X, "X")
    for name, labels in (("classes", classes), ("apart", classes if apart is None else apart)):
        if labels.shape != X.shape[-2:-1]:
            raise ValueError(
                f"{name}: expected one label a sample, ({X.shape[-2]},), got shape {tuple(labels.shape)}"
            )
    first, second = torch.triu_indices(len(classes), len(classes), 1, device=X.device)
    if apart is not None:
        differ = apart[first] != apart[second]
        first, second = first[differ], second[differ]
    same = classes[first] == classes[second]
    if not 0 < int(same.sum()) < len(same):
        raise ValueError("classes: expected at least one pair of one class and one pair of two classes")
    cosines = cosine_similarity(X)[..., first, second]
    within, between = cosines[..., same].mean(-1), cosines[..., ~same].mean(-1)
    return CosineGap(within, between, within - between)


def ordinality(X: Tensor, values: Tensor, components: int = 2) -> Tensor:
    """How well the leading principal components of samples order a value, as R² of a linear regression.

    R² = Σ_k (q_k · (v - v̄))² / Σ (v - v̄)², q_k the left singular vectors of the centered X for its largest
    `components` singular values.

    Args:
        X: (..., samples, features), such as token embeddings.
        values: (samples,) numbers, such as the tokens' values.
        components: Number of leading components.

    Returns:
        (...) in [0, 1]; for directions without relation to the values, components / (samples - 1) on average.
        Invariant under scale, rotation and shift of the features, and affine maps of the values. NaN where
        fewer components than asked for are not zero.

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
        raise ValueError(f"values: expected one a sample, ({samples},), got shape {tuple(values.shape)}")
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
    return torch.where(is_there, explained, torch.nan).to(X.dtype)

"""Whether samples of one class point the same way."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lowcomplex.measures._validation import matrices
from lowcomplex.measures.weights.cosine_similarity import cosine_similarity


@dataclass(frozen=True)
class CosineGap:
    """Mean cosine similarity of pairs of samples of one class, and of pairs of two classes.

    Attributes:
        within: (...) over pairs of one class.
        between: (...) over pairs of two classes.
        gap: (...) within minus between, at most 2; 0 on average if classes and directions are independent.
    """

    within: Float[Tensor, "*batch"]
    between: Float[Tensor, "*batch"]
    gap: Float[Tensor, "*batch"]


def cosine_gap(
    X: Float[Tensor, "*batch samples features"],
    classes: Shaped[Tensor, "samples"],
    *,
    apart: Shaped[Tensor, "samples"] | None = None,
) -> CosineGap:
    """How much more samples of one class point the same way than samples of two classes.

    gap = (mean of cos(x_i, x_j) over i < j of one class) - (the same mean over i < j of two classes).

    Args:
        X: (..., samples, features), such as hidden states at the last position.
        classes: (samples,) integer labels, such as the answer or an intermediate result.
        apart: (samples,) further labels. Only pairs that differ in them count, which excludes these labels as
            the reason why samples of one class are alike. If None, all pairs count.

    Returns:
        Three numbers per batch entry; invariant under the length of every sample and rotations of the
        features. A sample that is zero has no direction and makes the result NaN.

    Null:
        0 on average if the features do not depend on the classes; permute the classes for its spread.

    Cost:
        Time O(samples² · features), memory O(samples²).

    Misleads:
        A mean that all samples share brings both means near 1 and hides the gap. Classes also differ in
        whatever goes along with them; `apart` excludes one such reason.

    Raises:
        TypeError: `X` is not a floating-point tensor.
        ValueError: `X` holds NaN or infinity; `classes` or `apart` has another length; no pair of one class
            counts, or none of two classes.

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
                f"{name}: expected one label per sample, ({X.shape[-2]},), got shape {tuple(labels.shape)}"
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

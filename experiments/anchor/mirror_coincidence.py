"""Does a representation of two things tell their order?"""

from __future__ import annotations

import torch
from torch import Tensor

from lowcomplex.measures._validation import matrices


def mirror_coincidence(X: Tensor, pairs: Tensor) -> Tensor:
    """How far the clusters of pairs (a, b) and (b, a) coincide.

        1 - mean |c_ab - c_ba|² / mean |c_p - c_q|²,  c_p the mean of the samples of the pair p

    The first mean goes over mirrored pairs, a ≠ b; the second over every two pairs that are neither equal
    nor mirrored.

    Args:
        X: (..., samples, features), such as hidden states at the last position.
        pairs: (samples, 2) integers, the pair that each sample holds.

    Returns:
        (...) at most 1, where order makes no difference; 0 where mirrored pairs are as far apart as any two,
        the expectation for pairs that have directions of their own; below 0 where they are farther, as in
        codes v(a) - v(b). Noise in the means pulls towards 0. NaN if all pairs coincide. Invariant under
        shift, scale and rotation of the features.

    Raises:
        TypeError: `X` is not a floating-point tensor.
        ValueError: NaN or infinity, one row of `pairs` a sample is not given, or there are no mirrored pairs,
            or none that are not.

    Reference:
        The clusters of anchor pairs in Zhang et al., NeurIPS 2024, figure 3b, as a number.

    Example:
        >>> pairs = torch.tensor([[1, 2], [2, 1], [1, 1]])
        >>> mirror_coincidence(torch.tensor([[0.0, 1.0], [0.0, 1.0], [3.0, 0.0]]), pairs)
        tensor(1.)
    """
    X = matrices(X, "X")
    if pairs.shape != (X.shape[-2], 2):
        raise ValueError(f"pairs: expected shape ({X.shape[-2]}, 2), got {tuple(pairs.shape)}")
    kinds, labels, counts = torch.unique(pairs.to(X.device), dim=0, return_inverse=True, return_counts=True)
    first, second = torch.triu_indices(len(kinds), len(kinds), 1, device=X.device)
    mirrored = (kinds[first] == kinds[second].flip(-1)).all(-1)
    if not 0 < int(mirrored.sum()) < len(mirrored):
        raise ValueError("pairs: expected at least one mirrored pair and one that is not")
    centered = X.double() - X.double().mean(-2, keepdim=True)
    scale = centered.abs().amax((-2, -1), keepdim=True)
    centered = centered / torch.where(scale > 0, scale, 1.0)
    means = torch.nn.functional.one_hot(labels).double().mT @ centered / counts[:, None]
    squared = (means[..., first, :] - means[..., second, :]).square().sum(-1)
    mirror, other = squared[..., mirrored].mean(-1), squared[..., ~mirrored].mean(-1)
    # Less than rounding leaves of distances between means that are equal.
    apart = other > torch.finfo(X.dtype).eps ** 2
    score: Tensor = 1 - mirror / torch.where(apart, other, torch.nan)
    return score.to(X.dtype)

"""Cosines between all pairs of neurons, and an order that shows their clusters."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from lowcomplex.measures._neurons import one_matrix, unit_rows
from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures._validation import matrices


def cosine_similarity(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch neurons neurons"]:
    """Cosines between all pairs of neurons, W_i · W_j / (|W_i| |W_j|).

    Args:
        W: (..., out, in); a neuron is a row.

    Returns:
        (..., out, out), NaN in the rows and columns of zero neurons, which have no direction.
        Invariant under a positive scale of each neuron and under rotations of the input space.

    Null:
        Mean 0 and standard deviation 1/sqrt(in) for two random neurons; see also
        `lowcomplex.nulls.random_cosines`.

    Cost:
        Time O(out² · in) and memory O(out²); `condensed_directions` and `cosine_moments` need no matrix of
        pairs.

    Misleads:
        In few dimensions large cosines are due to chance. A mean that all neurons share, such as that of
        weights which follow inputs of one sign, makes all neurons alike.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> cosine_similarity(torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]))[0]
        tensor([1.0000, 0.0000, 0.7071])
    """
    U = unit_rows(matrices(W).double())
    return (U @ U.mT).clamp(-1, 1).to(result_dtype(W))


def display_order(W: Float[Tensor, "neurons inputs"]) -> Int[Tensor, "neurons"]:
    """An order of the neurons that puts similar neurons side by side, for heat maps.

    Average-linkage clustering of 1 - cos with optimal leaf ordering; zero neurons come last.

    Args:
        W: (out, in), one matrix.

    Returns:
        (out,) indices.

    Null:
        Random neurons of the same shape, in an order of their own.

    Cost:
        Memory O(out²); the optimal order of the leaves makes it slow beyond a few thousand neurons.

    Misleads:
        Any set of neurons shows blocks on the diagonal once it is put into this order.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: `W` is not one matrix, is empty, or holds NaN or infinity.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    W = one_matrix(W)
    alive = W.abs().amax(-1) > 0
    kept, zero = torch.nonzero(alive).squeeze(1).cpu(), torch.nonzero(~alive).squeeze(1).cpu()
    if len(kept) > 2:
        distance = (1 - cosine_similarity(W[alive])).double().cpu().numpy()
        np.fill_diagonal(distance, 0.0)
        condensed = squareform((distance + distance.T) / 2, checks=False)
        leaves = leaves_list(linkage(condensed, method="average", optimal_ordering=True))
        kept = kept[torch.from_numpy(leaves.astype(np.int64))]
    return torch.cat((kept, zero))

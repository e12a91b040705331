"""Participation ratio of the entries."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures._validation import matrices
from lowcomplex.measures.weight_measure import WeightMeasure
from lowcomplex.nulls import Null


def entry_participation(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Share of the entries that carry the squared norm, (Σ w²)² / (mn Σ w⁴).

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1/(mn) for a single entry and 1 for entries of one size; NaN for a zero matrix.

    Cost:
        Time O(out · in).

    Misleads:
        It changes under rotations: a matrix of rank one may hold one entry or entries of one size.

    Example:
        >>> entry_participation(torch.eye(2))
        tensor(0.5000)
    """
    entries = matrices(W).double().flatten(-2)
    largest = entries.abs().amax(-1, keepdim=True) if len(entries) else entries[..., :1]
    squares = (entries / largest).square()
    return (squares.sum(-1).square() / squares.square().sum(-1) / entries.shape[-1]).to(result_dtype(W))


def _null(rows: int, columns: int) -> Null:
    """One third, since E[w⁴] = 3 E[w²]²; the spread by the delta method."""
    if rows < 1 or columns < 1:
        raise ValueError(f"rows, columns: expected positive sizes, got {rows} x {columns}")
    return Null(1 / 3, math.sqrt(8 / (3 * rows * columns)) / 3)


MEASURE = WeightMeasure("entry_participation", entry_participation, _null, order=1000)

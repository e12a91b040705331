"""Neurons as rows of one matrix: what the measures of condensation share."""

from __future__ import annotations

import torch
from torch import Tensor

from lowcomplex.measures._validation import matrices


def one_matrix(W: Tensor) -> Tensor:
    """Return `W`, detached, if it is one finite, nonempty matrix; raise otherwise."""
    matrices(W)
    if W.ndim != 2:
        raise ValueError(f"W: expected one matrix (out, in), got shape {tuple(W.shape)}")
    return W.detach()


def unit_rows(W: Tensor) -> Tensor:
    """Rows over their norms; NaN where a row is zero."""
    # Dividing by the largest entry first keeps squares of 1e-30 or 1e30 inside the dtype's range.
    scaled = W / W.abs().amax(-1, keepdim=True)
    unit: Tensor = scaled / torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return unit

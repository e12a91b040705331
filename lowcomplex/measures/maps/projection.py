"""Fourier coefficients of a map of many inputs along chosen directions."""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from lowcomplex.measures._validation import finite, matrices
from lowcomplex.measures.maps._direct_sum import direct_sum


def projected_spectrum(
    X: Float[Tensor, "n d"],
    values: Float[Tensor, "*batch n"],
    directions: Float[Tensor, "p d"],
    frequencies: Float[Tensor, "k"],
) -> Complex[Tensor, "*batch p k"]:
    """Fourier coefficients along chosen directions of the input space.

        F[p, k] = (1/n) Σ_j values_j exp(-2πi k (p · X_j)),  p a unit direction

    Args:
        X: (n, d) samples.
        values: (..., n) real values there, such as one output of a network, or the targets.
        directions: (p, d), such as the data's first principal components; only their directions matter.
        frequencies: (k,) real, in cycles per unit of length of the input space.

    Returns:
        (..., p, k) complex128.

    Null:
        Values independent of the samples have the power (mean square)/n at every frequency.

    Cost:
        Time O(p · k · n).

    Misleads:
        The data's density along a direction is part of the spectrum: clusters show as peaks that are not the
        map's.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree; a zero direction; NaN or infinity.

    Reference:
        Xu, Zhang, Luo, Xiao, Ma, "Frequency principle", CiCP 2020 (1901.06523), the projection method.

    Example:
        >>> X = torch.tensor([[0.0, 7.0], [0.5, -3.0]])
        >>> along = torch.tensor([[2.0, 0.0]])
        >>> projected_spectrum(X, torch.tensor([1.0, -1.0]), along, torch.tensor([1.0])).real.round()
        tensor([[1.]], dtype=torch.float64)
    """
    X, values, directions = matrices(X, "X"), finite(values, "values"), matrices(directions, "directions")
    finite(frequencies, "frequencies")
    if X.ndim != 2 or values.ndim < 1 or values.shape[-1] != len(X):
        raise ValueError(
            f"X, values: expected (n, d) and (..., n), got {tuple(X.shape)} and {tuple(values.shape)}"
        )
    if directions.ndim != 2 or directions.shape[1] != X.shape[1] or frequencies.ndim != 1:
        raise ValueError(
            f"directions, frequencies: expected (p, {X.shape[1]}) and (k,), got "
            f"{tuple(directions.shape)} and {tuple(frequencies.shape)}"
        )
    if bool((directions.abs().amax(-1) == 0).any()):
        raise ValueError("directions: expected nonzero vectors, got a zero vector")
    scaled = directions.double() / directions.double().abs().amax(-1, keepdim=True)
    unit = scaled / torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    along = 2 * math.pi * (X.double() @ unit.mT)
    spectra = [direct_sum(phase[:, None], values, frequencies[:, None]) for phase in along.unbind(-1)]
    return torch.stack(spectra, -2)

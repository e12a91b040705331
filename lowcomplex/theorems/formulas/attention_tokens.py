"""The vector and the matrix by which sequences of tokens and their signs drive one attention layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def token_data(inputs: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    """Sequences and signs as float arrays of agreeing shapes.

    Args:
        inputs: (n, s, d) tokens.
        targets: (n,) of 1 and -1.

    Returns:
        Both.

    Raises:
        ValueError: Shapes do not agree, values are not finite, or a target is neither 1 nor -1.
    """
    x, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    if x.ndim != 3 or y.shape != x.shape[:1] or not x.size:
        raise ValueError(f"inputs, targets: expected (n, s, d) and (n,), got {x.shape} and {y.shape}")
    if not np.isfinite(x).all():
        raise ValueError("inputs: hold NaN or infinite entries")
    if not (np.abs(y) == 1).all():
        raise ValueError("targets: expected 1 and -1, the classes of the exponential loss")
    return x, y


def condensation_vector(inputs: ArrayLike, targets: ArrayLike) -> Array:
    """The direction that the value matrix condenses to, v = (1/n) Σ_i y_i (1/s) Σ_j X_ij.

    Args:
        inputs: (n, s, d) tokens.
        targets: (n,) of 1 and -1.

    Returns:
        (d,).

    Raises:
        ValueError: As `token_data`.
    """
    x, y = token_data(inputs, targets)
    vector: Array = y @ x.mean(1) / len(y)
    return vector


def query_key_matrix(inputs: ArrayLike, residuals: ArrayLike, direction: ArrayLike) -> Array:
    """F, by which a small query and key drive each other: dW_Q/dt = F W_K, dW_K/dt = Fᵀ W_Q.

    F = (1/(n sqrt d)) Σ_i ρ_i x_i,last βᵀ C_i with C_i the covariance of the tokens of sequence i (over s).

    Args:
        inputs: (n, s, d) tokens.
        residuals: (n,) ρ_i, minus the derivative of sample i's loss by the argument of its tanh; y_i at zero
            output, y_i e^(-y_i f_i) (1 - f_i²) at the output f_i.
        direction: (d,) β = W_V W1 w2.

    Returns:
        (d, d).

    Raises:
        ValueError: Shapes do not agree.
    """
    x, rho, beta = (np.asarray(value, dtype=float) for value in (inputs, residuals, direction))
    if x.ndim != 3 or rho.shape != x.shape[:1] or beta.shape != x.shape[2:]:
        raise ValueError(
            "inputs, residuals, direction: expected (n, s, d), (n,) and (d,), "
            f"got {x.shape}, {rho.shape} and {beta.shape}"
        )
    centered = x - x.mean(1, keepdims=True)
    pulled = np.einsum("nsd,ns->nd", centered, centered @ beta) / x.shape[1]
    matrix: Array = (rho[:, None] * x[:, -1]).T @ pulled / (len(x) * np.sqrt(x.shape[2]))
    return matrix

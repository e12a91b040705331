"""Training of linear networks from spectral starts: by steps, and as a flow.

For matrices as small as these `lowcomplex.training` would take three times as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def product(layers: Sequence[Array]) -> Array:
    """W_L ... W_1 of the layers W_1, ..., W_L."""
    result = layers[0]
    for layer in layers[1:]:
        result = layer @ result
    return result


def descend_layers(
    layers: Sequence[Array], target: Array, covariance: Array, step: float, updates: int, *, every: int
) -> Array:
    """Descend on ½ tr (W_L ... W_1 - target) C (W_L ... W_1 - target)ᵀ.

    Returns:
        (T, c, d) the product at the start and after every `every` updates.
    """
    weights = list(layers)
    path = [product(weights)]
    for update in range(1, updates + 1):
        pulls = _pulls(weights, target, covariance)
        weights = [weight + step * pull for weight, pull in zip(weights, pulls, strict=True)]
        if update % every == 0:
            path.append(product(weights))
    return np.array(path)


def flow_layers(layers: Sequence[Array], target: Array, covariance: Array, times: Array) -> Array:
    """The product along gradient flow, to a relative 1e-12 per step.

    Returns:
        (T, c, d) the product at the times, of which the first is the start.

    Raises:
        ArithmeticError: The integration failed.
    """
    from scipy.integrate import solve_ivp

    shapes = [layer.shape for layer in layers]
    ends = np.cumsum([layer.size for layer in layers])

    def unpack(flat: Array) -> list[Array]:
        return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]

    def slope(_: float, flat: Array) -> Array:
        return np.concatenate([pull.ravel() for pull in _pulls(unpack(flat), target, covariance)])

    solver = solve_ivp(
        slope,
        (times[0], times[-1]),
        np.concatenate([layer.ravel() for layer in layers]),
        method="DOP853",
        t_eval=times,
        rtol=1e-12,
        atol=1e-14,
    )
    if solver.status != 0:
        raise ArithmeticError(f"the flow of the layers failed: {solver.message}")
    return np.array([product(unpack(state)) for state in solver.y.T])


def _pulls(weights: Sequence[Array], target: Array, covariance: Array) -> list[Array]:
    """-∂L/∂W_i = (W_L ... W_{i+1})ᵀ (target - W_L ... W_1) C (W_{i-1} ... W_1)ᵀ."""
    before = [np.eye(weights[0].shape[1])]
    for weight in weights:
        before.append(weight @ before[-1])
    residual = (target - before[-1]) @ covariance
    pulls: list[Array] = []
    for weight, early in zip(reversed(weights), reversed(before[:-1]), strict=True):
        pulls.append(residual @ early.T)
        residual = weight.T @ residual
    return pulls[::-1]

"""Gradient flow of many ReLU networks on orthonormal inputs, to zero loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LONGEST = 20_000


def flow_to_fit(y: Array, w: Array, a: Array, least: float) -> tuple[Array, Array]:
    """Gradient flow of many networks to zero loss, by Runge-Kutta steps, in the coordinates of the inputs.

    There x_i is the i-th unit vector. In any other basis the rounding of w·x_i, 1e-16 of the grown |w|, would
    exceed the frozen coordinates of order σ and switch samples on and off. `lowcomplex.training` takes five
    times as long for a thousand steps of these small arrays.

    Args:
        y: (n,) targets.
        w: (S, m, d) initial input weights of S networks.
        a: (S, m) initial output weights.
        least: Residual at which to stop, in units of Σ|a||w| where that exceeds 1.

    Returns:
        Final w and a.

    Raises:
        ArithmeticError: A network did not reach this residual.
    """
    n = len(y)
    fastest = max(float(np.linalg.norm(y[y > 0])), float(np.linalg.norm(y[y < 0])))
    # The kernel's largest eigenvalue is at most 2 Σ a² / n; the scheme is stable up to 2.78 of its inverse.
    step = min(0.1 * n / fastest, n / (fastest + float(np.square(a).sum(-1).max())))
    free = np.zeros((*w.shape[:-1], w.shape[-1] - n))

    def velocity(w: Array, a: Array) -> tuple[Array, Array]:
        hidden = np.maximum(w[..., :n], 0)
        residual = (y - (a[:, None] @ hidden)[:, 0]) / n
        drive = a[..., None] * ((hidden > 0) * residual[:, None])
        return np.concatenate((drive, free), axis=-1), (hidden @ residual[..., None])[..., 0]

    for index in range(_LONGEST):
        w1, a1 = velocity(w, a)
        w2, a2 = velocity(w + step / 2 * w1, a + step / 2 * a1)
        w3, a3 = velocity(w + step / 2 * w2, a + step / 2 * a2)
        w4, a4 = velocity(w + step * w3, a + step * a3)
        w = w + step / 6 * (w1 + 2 * (w2 + w3) + w4)
        a = a + step / 6 * (a1 + 2 * (a2 + a3) + a4)
        if index % 20 == 0:
            hidden = np.maximum(w[..., :n], 0)
            left = np.abs(y - (a[:, None] @ hidden)[:, 0]).max(-1)
            size = (np.abs(a) * np.linalg.norm(w, axis=-1)).sum(-1)
            if (left <= least * np.maximum(size, 1)).all():
                return w, a
    raise ArithmeticError(f"the residual stayed above {least:g} for {_LONGEST} steps")

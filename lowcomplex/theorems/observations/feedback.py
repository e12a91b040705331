"""Bounds on what the first neglected term changes in a linear stage, from the closed form alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems.embedding_dynamics.formula import embedding_dynamics

Array = NDArray[np.float64]


def neglected_feedback(
    inputs_side: Array,
    outputs_side: Array,
    drive: Array,
    inputs: Array,
    *,
    time: float,
    step: float,
    loss: str = "cross-entropy",
    constant: float = 0.0,
) -> float:
    """Bound on the relative error of all weights when outputs feed back on the drive.

    Cross-entropy pulls with e_y - 1/V - (z - mean z)/V + O(z²), the square loss with y - z. So G changes by
    δG(t) = -(1/n) Σ x (z - mean z)ᵀ/V, or -(1/n) Σ x zᵀ, and by Duhamel's formula all weights θ by at most
    ∫ e^(S_1 (T-t)) |δG(t)| |θ(t)| dt.

    Args:
        inputs_side: (p, h) initial weights on the side of the inputs.
        outputs_side: (q, h) initial weights on the side of the outputs.
        drive: (p, q) the matrix G.
        inputs: (n, p); outputs are inputs · inputs_side · outputs_sideᵀ.
        time: End T.
        step: Learning rate.
        loss: "cross-entropy" or "square".
        constant: Bound on all else that is added to G at any time.

    Returns:
        The bound over |θ(T)|.
    """
    times = np.linspace(0, time, 12)
    left, right = (np.broadcast_to(side, (len(times), *side.shape)) for side in (inputs_side, outputs_side))
    path = embedding_dynamics(left, right, drive, time=times, step=step)
    outputs = (inputs @ path.left) @ np.swapaxes(path.right, 1, 2)
    if loss == "cross-entropy":
        outputs = (outputs - outputs.mean(-1, keepdims=True)) / drive.shape[1]
    change = constant + np.linalg.norm(inputs.T @ outputs / len(inputs), 2, axis=(1, 2))
    size = np.sqrt(np.square(path.left).sum((1, 2)) + np.square(path.right).sum((1, 2)))
    growth = np.exp(np.linalg.norm(drive, 2) * (time - times))
    return float(np.trapezoid(growth * change * size, times) / size[-1])


def entropy_spread(relative_error: float, rank: int) -> float:
    """Bound on |Δ log erank| of a matrix of that rank with a relative (Frobenius) error.

    Singular values move by at most sqrt(rank) · error in sum (Mirsky), hence their shares by as much in total
    variation δ, and the entropy by δ log(rank - 1) + H(δ) (Fannes, Audenaert 2007).
    """
    delta = min(math.sqrt(rank) * relative_error, 0.5)
    binary = -delta * math.log(delta) - (1 - delta) * math.log1p(-delta) if delta > 0 else 0.0
    return delta * math.log(max(rank - 1, 1)) + binary

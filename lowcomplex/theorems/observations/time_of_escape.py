"""The time at which a gradient flow from a small start has lost a share of its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Descent direction -∇L and loss of flat parameters.
Descent = Callable[[Array], tuple[Array, float]]


class Escape(NamedTuple):
    """The escape: its time and the parameters there."""

    time: float
    state: Array


def time_of_escape(
    descent: Descent, start: Array, degree: int, share: float, *, rtol: float = 1e-10
) -> Escape:
    """Integrate θ̇ = -∇L until L < (1 - share) L(0).

    The flow is followed in the time s with ds = |θ|^(degree-1) dt, in which a plateau that a homogeneous flow
    of that degree leaves takes only a logarithm of the start's scale.

    Raises:
        ArithmeticError: The solver failed, or the loss never fell that far.
    """
    from scipy.integrate import solve_ivp

    scale = float(np.linalg.norm(start))
    direction, loss = descent(start)
    goal = (1 - share) * loss

    def slope(_: float, state: Array) -> Array:
        speed = np.linalg.norm(state[:-1]) ** (degree - 1)
        return np.append(descent(state[:-1])[0] / speed, 1 / speed)

    def escaped(_: float, state: Array) -> float:
        return descent(state[:-1])[1] - goal

    escaped.terminal = True  # type: ignore[attr-defined]
    strength = float(np.linalg.norm(direction)) / scale**degree
    solver = solve_ivp(
        slope,
        (0.0, 1e4 / strength),
        np.append(start, 0.0),
        method="DOP853",
        rtol=rtol,
        atol=1e-3 * rtol * scale,
        events=escaped,
    )
    if solver.status != 1:
        raise ArithmeticError(f"the loss did not fall by {share:g}: {solver.message}")
    return Escape(float(solver.y[-1, -1]), solver.y[:-1, -1])

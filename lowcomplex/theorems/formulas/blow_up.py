"""Blow-up of homogeneous flows: what a network at small initialization follows until it escapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class BlowUp(NamedTuple):
    """The end of a homogeneous flow.

    Attributes:
        time: The finite time at which its norm becomes infinite.
        state: (k,) the state when its norm has grown by the given factor.
    """

    time: float
    state: Array


def time_of_blow_up(
    field: Callable[[Array], Array], start: Array, degree: int, *, grown: float = 1e6, rtol: float = 1e-10
) -> BlowUp:
    """Blow-up time of θ̇ = F(θ) for an F that is homogeneous of degree q > 1.

    The flow is followed in the time s with ds = |θ|^(q-1) dt, in which the norm grows at most exponentially,
    until it has grown by the factor `grown`. The rest of the time, |θ|^(1-q) / ((q - 1) dlog|θ|/ds), is
    added.

    Args:
        field: F, from (k,) to (k,).
        start: (k,) θ at t = 0.
        degree: q.
        grown: Growth at which the direction counts as settled; its later turning enters at second order.
        rtol: Relative tolerance of the solver.

    Returns:
        The time, and the state at that growth.

    Raises:
        ArithmeticError: The norm does not grow that far: the flow does not blow up.
    """
    from scipy.integrate import solve_ivp

    scale = float(np.linalg.norm(start))

    def slope(_: float, state: Array) -> Array:
        size = np.linalg.norm(state[:-1])
        return np.append(field(state[:-1]) / size ** (degree - 1), size ** (1 - degree))

    def reached(_: float, state: Array) -> float:
        return float(np.log(np.linalg.norm(state[:-1]) / (scale * grown)))

    def died_out(_: float, state: Array) -> float:
        return float(np.log(np.linalg.norm(state[:-1]) * grown / scale))

    reached.terminal = True  # type: ignore[attr-defined]
    died_out.terminal = True  # type: ignore[attr-defined]
    strength = float(np.linalg.norm(field(start))) / scale**degree
    solver = solve_ivp(
        slope,
        (0.0, 1e3 / strength),
        np.append(start, 0.0),
        method="DOP853",
        rtol=rtol,
        atol=1e-3 * rtol * scale,
        events=(reached, died_out),
    )
    if not (solver.t_events and len(solver.t_events[0])):
        raise ArithmeticError(f"the flow did not grow by {grown:g}: it does not blow up")
    end = solver.y[:-1, -1]
    size = float(np.linalg.norm(end))
    rate = float(end @ field(end)) / size ** (degree + 1)
    return BlowUp(float(solver.y[-1, -1]) + size ** (1 - degree) / ((degree - 1) * rate), end)

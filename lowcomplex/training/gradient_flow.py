"""Exact gradient flow: continuous time, double precision, an adaptive solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Loss = Callable[[dict[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Flow:
    """A path of gradient flow.

    Attributes:
        times: (T,) times of the records; fewer than asked for if the flow was stopped.
        parameters: Each parameter at these times, (T, ...).
        losses: (T,) loss at these times.
        stopped_at: The time at which the loss reached the stop, or None.
    """

    times: Tensor
    parameters: dict[str, Tensor]
    losses: Tensor
    stopped_at: float | None


def gradient_flow(
    loss: Loss,
    parameters: Mapping[str, Tensor],
    times: ArrayLike,
    *,
    stop_loss_ratio: float | None = None,
    rtol: float = 1e-10,
    atol: float = 1e-14,
    method: str = "DOP853",
) -> Flow:
    """Integrate θ̇ = -∇L(θ) in float64.

    Args:
        loss: The scalar, differentiable loss of a mapping of parameters.
        parameters: Initial values; cast to float64, not changed.
        times: (T,) increasing times to record, the first of them 0.
        stop_loss_ratio: End the flow when the loss falls to this share of its initial value; the crossing is
            located by root finding and is the last record.
        rtol: Relative tolerance of the solver.
        atol: Absolute tolerance of the solver; keep it far below the scale of the initial weights.
        method: A method of `scipy.integrate.solve_ivp`; "LSODA" or "Radau" for stiff flows.

    Returns:
        The path.

    Raises:
        ValueError: Times do not increase from 0, or a parameter or the initial loss is not finite.
        ArithmeticError: The solver failed, such as on a flow that blows up.

    Example:
        >>> flow = gradient_flow(lambda p: p["x"].square() / 2, {"x": torch.tensor(1.0)}, [0.0, 1.0])
        >>> round(float(flow.parameters["x"][-1]), 6)
        0.367879
    """
    from scipy.integrate import solve_ivp

    asked = np.asarray(times, dtype=float)
    if asked.ndim != 1 or len(asked) < 2 or asked[0] != 0 or not (np.diff(asked) > 0).all():
        raise ValueError("times: expected at least two increasing times, the first of them 0")
    initial = {name: value.detach().double() for name, value in parameters.items()}
    start = _flatten(initial).numpy()
    if not np.isfinite(start).all():
        raise ValueError("parameters: hold NaN or infinite entries")

    def slope(_: float, flat: NDArray[np.float64]) -> NDArray[np.float64]:
        state = torch.from_numpy(flat).requires_grad_()
        (gradient,) = torch.autograd.grad(loss(_unflatten(state, initial)), state)
        result: NDArray[np.float64] = -gradient.numpy()
        return result

    def value(flat: NDArray[np.float64]) -> float:
        with torch.no_grad():
            return float(loss(_unflatten(torch.from_numpy(flat), initial)))

    initial_loss = value(start)
    if not np.isfinite(initial_loss):
        raise ValueError(f"loss: expected a finite initial value, got {initial_loss}")
    events: list[Any] = []
    if stop_loss_ratio is not None:

        def reached(_: float, flat: NDArray[np.float64]) -> float:
            return value(flat) / initial_loss - stop_loss_ratio

        reached.terminal = True  # type: ignore[attr-defined]
        events.append(reached)
    solver: Any = solve_ivp  # Its stubs do not know a method by a variable name.
    solution = solver(
        slope,
        (0.0, float(asked[-1])),
        start,
        method=method,
        t_eval=asked,
        events=events or None,
        rtol=rtol,
        atol=atol,
    )
    if solution.status < 0 or not np.isfinite(solution.y).all():
        reached_time = solution.t[-1] if len(solution.t) else 0.0
        raise ArithmeticError(f"gradient flow failed after t = {reached_time:g}: {solution.message}")
    path, at, stopped_at = solution.y.T, solution.t, None
    if solution.status == 1:
        stopped_at = float(solution.t_events[0][0])
        path, at = np.vstack((path, solution.y_events[0][:1])), np.append(at, stopped_at)
    states = torch.from_numpy(np.ascontiguousarray(path))
    return Flow(
        times=torch.from_numpy(at),
        parameters=_unflatten(states, initial),
        losses=torch.tensor([value(state) for state in path], dtype=torch.float64),
        stopped_at=stopped_at,
    )


def _flatten(parameters: Mapping[str, Tensor]) -> Tensor:
    return torch.cat([value.reshape(-1) for value in parameters.values()])


def _unflatten(flat: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Split the last dimension into the parameters."""
    pieces = torch.split(flat, [value.numel() for value in like.values()], dim=-1)
    return {
        name: piece.reshape(flat.shape[:-1] + value.shape)
        for (name, value), piece in zip(like.items(), pieces, strict=True)
    }

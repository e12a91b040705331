"""Exact gradient flow: continuous time, double precision, an adaptive solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lowcomplex._names import require_known
from lowcomplex.training._rules import over
from lowcomplex.training.descend import require_named, require_runs
from lowcomplex.training.until import Condition, Parameters, PerRun

Array = NDArray[np.float64]
# The methods of `scipy.integrate.solve_ivp`.
METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")


@dataclass(frozen=True)
class Flow:
    """A path of gradient flow.

    Attributes:
        times: (T,) times of the records; fewer than asked for if the flow ended early. Under a `speed`,
            (T, *runs), the time of each run.
        parameters: Each parameter at these times, (T, *runs, ...).
        losses: (T, *runs) losses at these times.
        end: Each parameter when its run met the condition, or at the last record, (*runs, ...).
        end_times: (*runs) time of `end`.
        reached: (*runs) whether the run met the condition; False if there is none.
    """

    times: Tensor
    parameters: Parameters
    losses: Tensor
    end: Parameters
    end_times: Tensor
    reached: Tensor


def gradient_flow(
    loss: PerRun,
    parameters: Mapping[str, Tensor],
    times: ArrayLike,
    *,
    until: Condition | None = None,
    speed: PerRun | None = None,
    gradient: Callable[[Parameters], Parameters] | None = None,
    rtol: float = 1e-10,
    atol: float | Mapping[str, float | Tensor] = 1e-14,
    method: str = "DOP853",
) -> Flow:
    """Integrate θ̇ = -∇L(θ) in float64, a batch of runs as one system.

    The shape of the losses is the shape of the batch, as in `descend`: () for one run, (S,) for S scales of
    one start. Each parameter has these dimensions first. A run's loss must depend on its own parameters
    alone.

    A plateau that is left from a start of scale σ lasts long: as σ^(2-L) for L layers. With `speed`
    = |θ|^(L-2), say, each run is followed in a time s of its own with ds = speed(θ) dt, in which it takes
    log(1/σ).

    Args:
        loss: Returns the (*runs) losses of parameters (*runs, ...), differentiable.
        parameters: The starts, (*runs, ...); cast to float64, not changed.
        times: (T,) increasing times to record, the first of them 0; under a `speed`, times s.
        until: Ends the flow when all runs meet it at once. The time at which each run meets it is located by
            root finding; the last of them is the last record.
        speed: Returns the (*runs) positive speeds ds/dt of parameters.
        gradient: Returns the gradients, (*runs, ...), where a formula is faster than autograd.
        rtol: Relative tolerance of the solver.
        atol: Absolute tolerance of the solver, one for all parameters or one per name, each broadcast over
            the parameter; keep it far below the scale of the initial weights.
        method: A method of `scipy.integrate.solve_ivp`; "LSODA" or "Radau" for stiff flows.

    Returns:
        The path.

    Raises:
        TypeError: The starts have no names.
        ValueError: Times do not increase from 0, the method is unknown, a parameter or an initial loss is not
            finite, or a parameter's first dimensions are not those of the losses.
        ArithmeticError: The solver failed, such as on a flow that blows up.

    Example:
        >>> start = {"x": torch.tensor([1.0, 2.0])}  # two runs of one number
        >>> flow = gradient_flow(lambda p: p["x"].square() / 2, start, [0.0, 1.0])
        >>> flow.parameters["x"][-1].numpy().round(6).tolist()
        [0.367879, 0.735759]
    """
    from scipy.integrate import solve_ivp

    asked = np.asarray(times, dtype=float)
    if asked.ndim != 1 or len(asked) < 2 or asked[0] != 0 or not (np.diff(asked) > 0).all():
        raise ValueError("times: expected at least two increasing times, the first of them 0")
    require_known("method", method, METHODS)
    system = _System(loss, require_named(parameters), speed, gradient)
    start_excess = None if until is None else until.excess(system.start, system.losses, system.initial)
    events = _Events(system, until, start_excess)
    if start_excess is not None and bool((start_excess <= 0).all()):
        path, at, solution = system.flat[None], asked[:1], None
    else:
        solver: Any = solve_ivp  # Its stubs do not know a method by a variable name.
        solution = solver(
            system.slope,
            (0.0, float(asked[-1])),
            system.flat,
            method=method,
            t_eval=asked,
            events=events.functions or None,
            rtol=rtol,
            atol=system.tolerance(atol, rtol),
        )
        if solution.status < 0 or not np.isfinite(solution.y).all():
            reached_time = solution.t[-1] if len(solution.t) else 0.0
            raise ArithmeticError(f"gradient flow failed after t = {reached_time:g}: {solution.message}")
        path, at = solution.y.T, solution.t
        if solution.status == 1:
            path = np.vstack((path, solution.y_events[-1][:1]))
            at = np.append(at, solution.t_events[-1][0])
    states, clocks = system.unpack(path)
    end, end_times, reached = events.ends(solution, path[-1], float(at[-1]))
    return Flow(
        times=torch.from_numpy(at) if clocks is None else clocks,
        parameters=states,
        losses=torch.stack([system.losses(system.unpack(state)[0]) for state in path]),
        end=end,
        end_times=end_times,
        reached=reached,
    )


class _System:
    """The flow as one flat system of equations: all parameters, then the clocks if there is a speed."""

    def __init__(
        self,
        loss: PerRun,
        parameters: Mapping[str, Tensor],
        speed: PerRun | None,
        gradient: Callable[[Parameters], Parameters] | None,
    ) -> None:
        self.loss, self.speed, self.gradient = loss, speed, gradient
        self.start = {name: value.detach().double() for name, value in parameters.items()}
        self.size = sum(value.numel() for value in self.start.values())
        self.flat: Array = _flatten(self.start).numpy()
        if not np.isfinite(self.flat).all():
            raise ValueError("parameters: hold NaN or infinite entries")
        self.initial = self.losses(self.start)
        require_runs(self.start, self.initial)
        if not bool(self.initial.isfinite().all()):
            raise ValueError(f"loss: expected a finite initial value, got {self.initial.tolist()}")
        self.first_speed = None if speed is None else speed(self.start).detach()
        if self.first_speed is not None:
            # Clocks are kept in units of their first second, so that they are of order one.
            self.flat = np.append(self.flat, np.zeros(self.first_speed.numel()))

    def losses(self, parameters: Parameters) -> Tensor:
        with torch.no_grad():
            return self.loss(parameters).double()

    def unpack(self, flat: Array) -> tuple[Parameters, Tensor | None]:
        """The parameters of states (..., numbers), and the (..., *runs) clocks."""
        tensor = torch.from_numpy(np.ascontiguousarray(flat))
        parameters = _unflatten(tensor[..., : self.size], self.start)
        if self.first_speed is None:
            return parameters, None
        clocks = tensor[..., self.size :].reshape(flat.shape[:-1] + self.first_speed.shape)
        return parameters, clocks / self.first_speed

    def slope(self, _: float, flat: Array) -> Array:
        state = torch.from_numpy(flat[: self.size])
        if self.gradient is not None:
            given = self.gradient(_unflatten(state, self.start))
            gradient = _flatten({name: given[name] for name in self.start})
        else:
            state = state.requires_grad_()
            (gradient,) = torch.autograd.grad(self.loss(_unflatten(state, self.start)).sum(), state)
        result: Array = -gradient.numpy()
        if self.speed is None or self.first_speed is None:
            return result
        with torch.no_grad():
            speed = self.speed(_unflatten(state.detach(), self.start))
        own = _flatten({name: over(speed, value).expand_as(value) for name, value in self.start.items()})
        return np.concatenate((result / own.numpy(), (self.first_speed / speed).flatten().numpy()))

    def tolerance(self, atol: float | Mapping[str, float | Tensor], rtol: float) -> float | Array:
        """The absolute tolerance of every equation; clocks are followed to their first second's `rtol`."""
        if isinstance(atol, Mapping):
            each = {
                name: torch.as_tensor(atol[name], dtype=torch.float64).expand_as(value)
                for name, value in self.start.items()
            }
        elif self.first_speed is None:
            return atol
        else:
            each = {name: torch.full_like(value, atol) for name, value in self.start.items()}
        return np.append(_flatten(each).numpy(), np.full(len(self.flat) - self.size, rtol))


class _Events:
    """One event per run, then one for all of them, which ends the flow; the latter alone for a single run."""

    def __init__(self, system: _System, until: Condition | None, start_excess: Tensor | None) -> None:
        self.system, self.until = system, until
        # Runs that meet the condition at the start do not cross it.
        self.at_start = (
            torch.zeros(system.initial.shape, dtype=torch.bool) if start_excess is None else start_excess <= 0
        )
        self.waiting: list[int] = np.flatnonzero(~self.at_start.flatten().numpy()).tolist()
        self._seen: tuple[Array, Array] | None = None
        self.functions: list[Any] = []
        if until is not None:
            each = [self._event(run) for run in self.waiting] if len(self.waiting) > 1 else []
            self.functions = [*each, self._event(None)]

    def _event(self, run: int | None) -> Any:
        def crossing(_: float, flat: Array) -> float:
            excess = self._excess(flat)
            return float(excess[self.waiting].max() if run is None else excess[run])

        crossing.terminal = run is None  # type: ignore[attr-defined]
        crossing.direction = -1.0  # type: ignore[attr-defined]
        return crossing

    def _excess(self, flat: Array) -> Array:
        # All events are asked of the same state in turn.
        if self._seen is None or not np.array_equal(self._seen[0], flat):
            assert self.until is not None
            with torch.no_grad():
                parameters = self.system.unpack(flat)[0]
                excess = self.until.excess(parameters, self.system.losses, self.system.initial)
            self._seen = flat.copy(), excess.flatten().numpy()
        return self._seen[1]

    def ends(self, solution: Any, last: Array, last_time: float) -> tuple[Parameters, Tensor, Tensor]:
        """State and time of each run when it met the condition, or at the last record, and whether it did."""
        runs = self.system.initial.shape
        count = self.system.initial.numel()
        states, times = np.tile(last, (count, 1)), np.full(count, last_time)
        reached = self.at_start.flatten().numpy().copy()
        states[reached], times[reached] = self.system.flat, 0.0
        if self.functions and solution is not None:
            reached[self.waiting] = solution.status == 1
            for event, run in enumerate(self.waiting[: len(self.functions) - 1]):
                if len(solution.t_events[event]):
                    states[run], times[run] = solution.y_events[event][0], solution.t_events[event][0]
                    reached[run] = True
        parameters, clocks = self.system.unpack(states)
        own = torch.arange(count)
        end = {
            name: value.reshape(count, count, *self.system.start[name].shape[len(runs) :])[own, own].reshape(
                self.system.start[name].shape
            )
            for name, value in parameters.items()
        }
        at = torch.from_numpy(times) if clocks is None else clocks.reshape(count, count)[own, own]
        return end, at.reshape(runs), torch.from_numpy(reached).reshape(runs)


def _flatten(parameters: Mapping[str, Tensor]) -> Tensor:
    return torch.cat([value.reshape(-1) for value in parameters.values()])


def _unflatten(flat: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Split the last dimension into the parameters."""
    pieces = torch.split(flat, [value.numel() for value in like.values()], dim=-1)
    return {
        name: piece.reshape(flat.shape[:-1] + value.shape)
        for (name, value), piece in zip(like.items(), pieces, strict=True)
    }

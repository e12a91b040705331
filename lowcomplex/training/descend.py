"""Full-batch training in discrete steps: this loss, from these starts, by this rule, until that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lowcomplex._names import require_known
from lowcomplex.training._rules import RULES, RuleName, Tensors, over, rule_named
from lowcomplex.training.until import Condition, Parameters, PerRun


@dataclass(frozen=True)
class State:
    """All runs between two updates.

    Attributes:
        step: Number of updates done.
        parameters: Each parameter, (*runs, ...).
        losses: (*runs) losses.
        gradients: Gradient of each run's loss in its own parameters, (*runs, ...).
    """

    step: int
    parameters: Parameters
    losses: Tensor
    gradients: Parameters


@dataclass(frozen=True)
class Descent:
    """How the training of a batch of runs went.

    Attributes:
        parameters: Each parameter after the last update, (*runs, ...).
        end: Each parameter when its run first met the condition, or after its number of updates,
            (*runs, ...).
        end_steps: (*runs) number of updates until `end`.
        reached: (*runs) whether the run met the condition; False if there is none.
        losses: (T, *runs) losses at the start and after each update.
        path: Each recorded observable, (R, ...).
        path_steps: (R,) number of updates before each record.
    """

    parameters: Parameters
    end: Parameters
    end_steps: Tensor
    reached: Tensor
    losses: Tensor
    path: dict[str, Tensor]
    path_steps: Tensor


def descend(
    loss: PerRun,
    parameters: Mapping[str, Tensor],
    *,
    rate: float | Tensor,
    steps: int | Tensor,
    until: Condition | None = None,
    rule: RuleName = "gradient",
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float | Tensor = 1e-8,
    record: Mapping[str, Callable[[State], Tensor]] | None = None,
    every: int = 1,
    gradient: Callable[[Parameters], Parameters] | None = None,
) -> Descent:
    """Train a batch of runs at once in float64, each from its own start, as if it were alone.

        θ ← θ - η ∇L(θ)    (`rule="gradient"`)

    The shape of the losses is the shape of the batch: () for one run, (S,) for S scales of one start, (K, S)
    for K starts at S scales. Each parameter has these dimensions first. A run's loss must depend on its own
    parameters alone; the gradient of the sum of all losses is then each run's own gradient.

    All runs make equally many updates, until each of them has ended: has met the condition, or has made its
    number of updates. A run whose loss is no longer finite goes on as it is and never meets a condition.

    Args:
        loss: Returns the (*runs) losses of parameters (*runs, ...).
        parameters: The starts, (*runs, ...); cast to float64, not changed.
        rate: Learning rate η, one for all runs or one per run. The time step of "runge-kutta".
        steps: Number of updates, one for all runs or one per run; the largest number if there is a condition.
        until: Ends the training when all runs have met it.
        rule: "gradient"; "sign", θ ← θ - η sign ∇L; "adam", as `torch.optim.Adam`; "runge-kutta", one step of
            length η of the classical scheme of order four for the flow θ̇ = -∇L.
        betas: Decay rates of Adam's moment estimates.
        eps: Adam's ε, one for all runs or one per run.
        record: Names and observables of the states that are recorded.
        every: Record the start and then every so many updates.
        gradient: Returns the gradients, (*runs, ...), where a formula is faster than autograd.

    Returns:
        Where the runs ended, their losses, and what was recorded.

    Raises:
        TypeError: The starts have no names.
        ValueError: `every` or a number of updates is not positive, the rule is unknown, a start or a rate is
            not finite, or a parameter's first dimensions are not those of the losses.

    Example:
        >>> from lowcomplex.training import LossShare
        >>> start = {"x": torch.tensor([1.0, 2.0], dtype=torch.float64)}  # two runs of one number
        >>> run = descend(lambda p: p["x"].square() / 2, start, rate=0.5, steps=100, until=LossShare(1e-2))
        >>> run.end_steps.tolist(), run.end["x"].tolist()
        ([4, 4], [0.0625, 0.125])
    """
    require_known("rule", rule, RULES)
    for name, count in {"steps": torch.as_tensor(steps), "every": torch.as_tensor(every)}.items():
        if count.is_floating_point() or bool((count < 1).any()):
            raise ValueError(f"{name}: expected positive integers, got {count.tolist()}")
    names = list(require_named(parameters))
    now = [value.detach().to(torch.float64, copy=True) for value in parameters.values()]
    if not all(bool(value.isfinite().all()) for value in now):
        raise ValueError("parameters: hold NaN or infinite entries")
    record = record or {}

    def named(values: Tensors) -> Parameters:
        return dict(zip(names, values, strict=True))

    def examine(values: Tensors) -> tuple[Tensor, Tensors]:
        """Losses and gradients."""
        if gradient is not None:
            given = gradient(named(values))
            return loss(named(values)), [given[name] for name in names]
        leaves = [value.detach().requires_grad_() for value in values]
        losses = loss(named(leaves))
        gradients = torch.autograd.grad(losses.sum(), leaves, materialize_grads=True)
        return losses.detach(), list(gradients)

    def slope(values: Tensors) -> Tensors:
        return examine(values)[1]

    def present(_: Parameters) -> Tensor:
        return losses

    losses, gradients = examine(now)
    require_runs(named(now), losses)
    runs = losses.shape
    update = rule_named(rule, betas, _per_run("eps", eps, runs))
    if not bool(torch.as_tensor(rate).isfinite().all()):
        raise ValueError(f"rate: expected finite numbers, got {torch.as_tensor(rate).tolist()}")
    rates = [over(_per_run("rate", rate, runs), value) for value in now]
    last = _per_run("steps", steps, runs)
    counts = set(last.flatten().tolist())
    initial, series = losses, [losses]
    end, end_steps = now, torch.full(runs, -1)
    reached = torch.zeros(runs, dtype=torch.bool)
    path: dict[str, list[Tensor]] = {name: [] for name in record}
    path_steps: list[int] = []
    step = 0
    while True:
        if record and step % every == 0:
            state = State(step, named(now), losses, named(gradients))
            path_steps.append(step)
            for name, observable in record.items():
                path[name].append(observable(state).detach().clone())
        # Without a condition there is nothing to look at before a run has made its number of updates.
        if until is not None or step in counts:
            met = reached if until is None else until.excess(named(now), present, initial) <= 0
            ends = (met | (last == step)) & (end_steps < 0)
            reached = reached | (met & ends)
            end = [torch.where(over(ends, new), new, old) for new, old in zip(now, end, strict=True)]
            end_steps = torch.where(ends, step, end_steps)
            if bool((end_steps >= 0).all()):
                break
        now = update(now, gradients, rates, slope)
        losses, gradients = examine(now)
        series.append(losses)
        step += 1
    return Descent(
        parameters=named(now),
        end=named(end),
        end_steps=end_steps,
        reached=reached,
        losses=torch.stack(series),
        path={name: torch.stack(values) for name, values in path.items()},
        path_steps=torch.tensor(path_steps),
    )


def require_named(parameters: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The starts, if they are tensors by name.

    Raises:
        TypeError: They are not.
        ValueError: There are none.
    """
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters: expected tensors by name, got {type(parameters).__name__}")
    if not parameters:
        raise ValueError("parameters: expected at least one, got none")
    return parameters


def require_runs(parameters: Parameters, losses: Tensor) -> None:
    """Refuse losses whose shape is not how every parameter's shape begins.

    Raises:
        ValueError: A parameter has other first dimensions.
    """
    for name, value in parameters.items():
        if value.shape[: losses.ndim] != losses.shape:
            raise ValueError(
                f"loss: expected one loss per run, but has shape {tuple(losses.shape)}, which is not how the "
                f"shape {tuple(value.shape)} of {name!r} begins"
            )


def _per_run(name: str, value: float | Tensor, runs: torch.Size) -> Tensor:
    """One number per run."""
    number = torch.as_tensor(value, dtype=torch.float64)
    try:
        return number.expand(runs)
    except RuntimeError:
        message = f"{name}: expected one number or {tuple(runs)} of them, got shape {tuple(number.shape)}"
        raise ValueError(message) from None

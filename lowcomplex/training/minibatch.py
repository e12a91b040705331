"""Minibatch training: one loop, its schedule and its optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from lowcomplex._numbers import whole
from lowcomplex.matrices import matrix_parameters
from lowcomplex.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class TrainingResult:
    """How a training run ended.

    Attributes:
        losses: Minibatch loss before each update that was done.
        diverged_at: The step at which the loss stopped being finite, or None.
    """

    losses: Float[Tensor, " steps"]
    diverged_at: int | None


def warmup_cosine(step: int, total: int, *, warmup: float = 0.5, floor: float = 0.05) -> float:
    """Factor on the learning rate: a linear warm-up under a cosine decay.

        min(1, (step + 1) / (warmup · total))
        · (floor + (1 - floor) · (1 + cos(π step / total)) / 2)

    Both factors act at once, so the largest value is below 1 (0.54 for the defaults).

    Args:
        step: The update's index, from 0.
        total: Number of updates.
        warmup: Fraction of the updates over which the first factor grows to 1.
        floor: Value of the second factor at the end.

    Returns:
        The factor, in (0, 1].

    Raises:
        ValueError: `total` is not positive.

    Example:
        >>> round(max(warmup_cosine(step, 1000) for step in range(1000)), 2)
        0.54
    """
    if total < 1:
        raise ValueError(f"total: expected a positive number of updates, got {total}")
    rise = min(1.0, (step + 1) / (warmup * total)) if warmup > 0 else 1.0
    fall = floor + (1 - floor) * (1 + math.cos(math.pi * step / total)) / 2
    return rise * fall


def adamw(
    module: nn.Module,
    learning_rate: float,
    *,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
) -> torch.optim.AdamW:
    """AdamW with decay on matrices alone: biases and normalization parameters are not decayed.

    Args:
        module: Whose parameters to train.
        learning_rate: The nominal learning rate.
        weight_decay: Decoupled decay of every weight matrix; see `lowcomplex.matrices.of_module`.
        betas: Decay rates of the moment estimates.

    Returns:
        The (fused) optimizer.

    Raises:
        ValueError: No parameter needs a gradient, or one has no shape yet.
    """
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("module: has no parameter that needs a gradient")
    if any(is_lazy(parameter) for parameter in parameters):
        raise ValueError("module: has parameters without a shape yet; give it an input once")
    decayed = matrix_parameters(module)
    groups = [
        {"params": [p for p in parameters if id(p) in decayed], "weight_decay": weight_decay},
        {"params": [p for p in parameters if id(p) not in decayed], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, fused=True)


def train(
    module: nn.Module,
    loss: Callable[[nn.Module], Tensor],
    *,
    steps: int,
    optimizer: torch.optim.Optimizer,
    schedule: Callable[[int, int], float] | None = None,
    clip_norm: float | None = None,
    before_step: Callable[[int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainingResult:
    """Train a module on minibatches that `loss` draws.

    A run whose loss stops being finite ends there; it does not raise.

    Args:
        module: The network; changed in place.
        loss: Draws a minibatch and returns its scalar loss.
        steps: Number of updates.
        optimizer: Holds the module's parameters and nominal learning rates.
        schedule: `schedule(step, steps)` is the factor on the learning rates; constant if None.
        clip_norm: Largest norm of the whole gradient, if any.
        before_step: Called with the number of updates done, before each update and after the last, but not
            at a state that has diverged.
        checkpoint: Saves the run now and then, and continues it from its file. What `loss` and `before_step`
            change beside the module (generators, a tracker) must be named when it is made.

    Returns:
        The minibatch losses and where the run diverged, if it did.

    Raises:
        TypeError: The loss is not a tensor, or `steps` no integer.
        ValueError: `steps` is not positive, the optimizer computes the loss several times per step, or the
            loss is not a scalar or depends on no parameter.
    """
    if isinstance(optimizer, torch.optim.LBFGS):
        raise ValueError(
            "optimizer: expected one that steps once per loss, got LBFGS, whose steps compute the loss "
            "several times; write its loop with `optimizer.step(closure)`"
        )
    if whole(steps, "steps") < 1:
        raise ValueError(f"steps: expected a positive number of updates, got {steps}")
    nominal = [float(group["lr"]) for group in optimizer.param_groups]
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    losses = torch.full((steps,), math.nan)
    first = 0
    if checkpoint is not None:
        settings = {"steps": steps, "clip_norm": clip_norm, "schedule": schedule_values(schedule, steps)}
        first = checkpoint.resume_losses({"module": module, "optimizer": optimizer}, settings, losses)
    for step in range(first, steps):
        if checkpoint is not None and step > first and checkpoint.due:
            checkpoint.save(step=step, losses=losses[:step].clone())
        if schedule is not None:
            factor = schedule(step, steps)
            for group, learning_rate in zip(optimizer.param_groups, nominal, strict=True):
                group["lr"] = learning_rate * factor
        value = require_losses(loss(module), ())
        losses[step] = value.detach()
        if not math.isfinite(float(losses[step])):
            return TrainingResult(losses[: step + 1], diverged_at=step)
        if before_step is not None:
            before_step(step)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
        optimizer.step()
    if not all(bool(torch.isfinite(p).all()) for p in parameters):
        return TrainingResult(losses, diverged_at=steps)
    if before_step is not None:
        before_step(steps)
    return TrainingResult(losses, diverged_at=None)


def require_losses(losses: object, shape: tuple[int, ...]) -> Tensor:
    """The losses, if they are a tensor of this shape with a gradient.

    Raises:
        TypeError: They are not a tensor.
        ValueError: They have another shape, or no gradient.
    """
    expected = f"shape {shape}" if shape else "a scalar"
    if not isinstance(losses, Tensor):
        raise TypeError(f"loss: expected a tensor, {expected}, got {losses!r}")
    if losses.shape != shape:
        raise ValueError(f"loss: expected {expected}, got shape {tuple(losses.shape)}")
    if not losses.requires_grad:
        raise ValueError("loss: expected a function of the trained parameters, got one without a gradient")
    return losses


def schedule_values(schedule: Callable[[int, int], float] | None, steps: int) -> list[float] | None:
    """Enough values to tell one schedule from another."""
    return schedule and [float(schedule(step, steps)) for step in (0, steps // 3, steps - 1)]

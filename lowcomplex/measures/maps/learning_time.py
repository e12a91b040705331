"""When each frequency, or any other part of a target, is learned."""

from __future__ import annotations

import torch
from jaxtyping import Float, Real
from torch import Tensor

from lowcomplex.measures._precision import at_least_single
from lowcomplex.measures._validation import finite


def learning_time(
    errors: Float[Tensor, "steps *shape"], steps: Real[Tensor, "steps"], *, below: float = 0.2
) -> Float[Tensor, "*shape"]:
    """First recorded step from which an error stays below a bound until the end of the record.

    An error that dips and returns, as the error of a random initial map does, does not count as learned.

    Args:
        errors: (steps, ...) nonnegative, such as `relative_error_by_frequency` at each recorded step; NaN
            where there is nothing to learn.
        steps: (steps,) the recorded steps or times, ascending.
        below: Bound.

    Returns:
        (...), in the units of `steps`, float64; NaN for what is not learned within the record.

    Null:
        None: a random map passes the bound by chance, but does not stay below it.

    Cost:
        Time O(steps) per error.

    Misleads:
        A late rise above the bound makes a time NaN. An error below the bound from the beginning has the
        first step, and the order of two times may depend on the bound.

    Raises:
        TypeError: `errors` is not a floating-point tensor.
        ValueError: Shapes do not agree; steps do not ascend; `below` is not positive.

    Reference:
        Xu, Zhang, Luo, Xiao, Ma, CiCP 2020 (1901.06523), who order frequencies by their convergence.

    Example:
        >>> errors = torch.tensor([[1.0, 0.1], [0.1, 0.9], [0.0, 0.1]])
        >>> learning_time(errors, torch.tensor([0, 10, 20]))
        tensor([10., 20.], dtype=torch.float64)
    """
    if not isinstance(errors, Tensor) or not errors.is_floating_point():
        raise TypeError("errors: expected a floating-point tensor (steps, ...)")
    times = finite(steps.double(), "steps")
    if times.ndim != 1 or errors.ndim < 1 or len(errors) != len(times) or len(times) == 0:
        raise ValueError(
            f"errors, steps: expected (steps, ...) and (steps,), got {tuple(errors.shape)} and "
            f"{tuple(times.shape)}"
        )
    if bool((times.diff() <= 0).any()):
        raise ValueError("steps: expected ascending steps")
    if not below > 0:
        raise ValueError(f"below: expected a positive bound, got {below}")
    stays = (at_least_single(errors) < below).flip(0).long().cumprod(0).sum(0)
    index = (len(times) - stays).clamp(max=len(times) - 1)
    return torch.where(stays > 0, times[index], torch.nan)

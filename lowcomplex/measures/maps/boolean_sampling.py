"""Fourier coefficients and influence of Boolean functions too large to list, from samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lowcomplex.measures._networks import evaluated
from lowcomplex.measures.sampled_estimate import SampledEstimate

# Points drawn at once: sampling a large network needs little memory.
_BLOCK = 65_536
_Function = Callable[[Tensor], Tensor]


def sampled_coefficients(
    function: _Function,
    variables: int,
    sets: Sequence[Sequence[int]],
    *,
    samples: int = 100_000,
    generator: torch.Generator | None = None,
) -> SampledEstimate:
    """Some Walsh-Hadamard coefficients of a function of too many variables for the whole spectrum.

    The mean of f(x) χ_S(x) over uniform random x.

    Args:
        function: Maps inputs (k, variables) of entries ±1, (-1)^{x_i}, to values (k,).
        variables: Number n of variables.
        sets: The sets S, as indices of variables.
        samples: Number of random inputs, shared by all sets.
        generator: Source of randomness, on the CPU; PyTorch's own if None.

    Returns:
        Estimates (len(sets),).

    Null:
        0 within the standard error for independent values.

    Cost:
        `samples` evaluations, shared by all sets.

    Misleads:
        Of many sets some exceed two standard errors by chance. A coefficient below the standard error is not
        seen at all.

    Raises:
        ValueError: A set holds an index outside the variables, or an index twice; fewer than two samples; the
            function's values are not finite or not of shape (k,).

    Example:
        >>> found = sampled_coefficients(lambda x: x[:, 0] * x[:, 1], 50, [(0, 1)], samples=100)
        >>> found.value
        tensor([1.], dtype=torch.float64)
    """
    for chosen in sets:
        if len(set(chosen)) < len(chosen) or any(not 0 <= index < variables for index in chosen):
            raise ValueError(f"sets: expected distinct indices below {variables}, got {tuple(chosen)}")

    def terms(evaluate: _Function, x: Tensor) -> Tensor:
        characters = torch.stack([x[:, list(chosen)].prod(-1) for chosen in sets], -1)
        return _values(evaluate, x)[:, None] * characters

    return _mean(function, terms, variables, samples, generator)


def sampled_total_influence(
    function: _Function,
    variables: int,
    *,
    samples: int = 100_000,
    generator: torch.Generator | None = None,
) -> SampledEstimate:
    """Total influence of a function of too many variables for the whole spectrum.

    The mean of n ((f(x) - f(x^i)) / 2)² over uniform random x and i.

    Args:
        function: As for `sampled_coefficients`.
        variables: Number n of variables.
        samples: Number of random pairs (x, i); the function is evaluated twice per pair.
        generator: Source of randomness, on the CPU; PyTorch's own if None.

    Returns:
        The estimate, without dimensions.

    Null:
        n/2 on average for independent values ±1.

    Cost:
        2 · `samples` evaluations.

    Misleads:
        Rare inputs of large sensitivity are missed, and then the standard error is too small as well. It
        scales with the square of the outputs.

    Raises:
        ValueError: Fewer than two samples, or the function's values are not finite or not of shape (k,).

    Example:
        >>> float(sampled_total_influence(lambda x: x[:, 0], 1, samples=10).value)
        1.0
    """

    def terms(evaluate: _Function, x: Tensor) -> Tensor:
        flipped = torch.randint(variables, (len(x), 1), generator=generator, device="cpu")
        neighbors = x.scatter(1, flipped, -x.gather(1, flipped))
        difference = (_values(evaluate, x) - _values(evaluate, neighbors)) / 2
        return variables * difference.square()

    return _mean(function, terms, variables, samples, generator)


def _mean(
    function: _Function,
    terms: Callable[[_Function, Tensor], Tensor],
    variables: int,
    samples: int,
    generator: torch.Generator | None,
) -> SampledEstimate:
    if variables < 1:
        raise ValueError(f"variables: expected a positive number, got {variables}")
    if samples < 2:
        raise ValueError(f"samples: expected at least two, for a standard error, got {samples}")
    blocks = []
    with evaluated(function, torch.ones(8, variables, device="cpu"), "inputs") as evaluate:
        for start in range(0, samples, _BLOCK):
            size = min(_BLOCK, samples - start)
            bits = torch.randint(2, (size, variables), generator=generator, device="cpu")
            blocks.append(terms(evaluate, 1.0 - 2.0 * bits.float()))
    drawn = torch.cat(blocks)
    return SampledEstimate(drawn.mean(0), drawn.std(0) / math.sqrt(samples))


def _values(function: _Function, x: Tensor) -> Tensor:
    with torch.no_grad():
        values = function(x)
    if values.shape != x.shape[:1]:
        raise ValueError(f"function: expected {len(x)} values, got shape {tuple(values.shape)}")
    if not bool(torch.isfinite(values).all()):
        raise ValueError("function: its values hold NaN or infinite entries")
    return values.double().cpu()

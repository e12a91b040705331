"""The spectrum of functions on the Boolean cube: which sets of inputs a learned map depends on jointly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lowcomplex.measures._validation import series

# Points drawn at once, so that sampling a large network needs little memory.
_BLOCK = 65_536


@dataclass(frozen=True)
class SampledEstimate:
    """An unbiased estimate from random inputs.

    Attributes:
        value: The estimate.
        standard_error: Standard deviation of the estimate, estimated from the same samples.
    """

    value: Tensor
    standard_error: Tensor


def walsh_spectrum(values: Tensor) -> Tensor:
    """Walsh-Hadamard coefficients of a function on the Boolean cube, by the fast transform.

    f̂(S) = 2^-n Σ_x f(x) χ_S(x), χ_S(x) = Π_{i in S} (-1)^{x_i}. Position j of `values` is the input whose
    bits are those of j, bit i being x_i; position S of the result is the set of the bits of S.

    Args:
        values: (..., 2^n) the function's values.

    Returns:
        (..., 2^n) coefficients; Σ f̂² = mean of f² (Parseval). Accumulated in float64. Time O(n 2^n).

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: Their number is not a power of two of at least 2, or they hold NaN or infinity.

    Reference:
        O'Donnell, Analysis of Boolean Functions, 2014, section 1.3.

    Example:
        >>> walsh_spectrum(torch.tensor([1.0, -1.0, -1.0, 1.0]))  # the parity of two bits
        tensor([0., 0., 0., 1.])
    """
    variables = _variables(values)
    transformed: Tensor = values.double()
    for bit in range(variables):
        low, high = transformed.reshape(*values.shape[:-1], -1, 2, 2**bit).unbind(-2)
        transformed = torch.stack((low + high, low - high), -2).flatten(-3)
    coefficients: Tensor = transformed / 2**variables
    return coefficients.to(values.dtype)


def degree_weights(values: Tensor) -> Tensor:
    """Spectral weight of each degree, W_k = Σ_{|S| = k} f̂(S)².

    Args:
        values: (..., 2^n) as for `walsh_spectrum`.

    Returns:
        (..., n + 1); their sum is the mean of f².

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: As for `walsh_spectrum`.

    Reference:
        O'Donnell, Analysis of Boolean Functions, 2014, definition 1.19.

    Example:
        >>> degree_weights(torch.tensor([1.0, -1.0, -1.0, 1.0]))
        tensor([0., 0., 1.])
    """
    variables = _variables(values)
    power = walsh_spectrum(values.double()).square()
    weights = power.new_zeros(*values.shape[:-1], variables + 1)
    degrees = _degrees(variables, values.device).expand(power.shape)
    return weights.scatter_add(-1, degrees, power).to(values.dtype)


def total_influence(values: Tensor) -> Tensor:
    """Total influence, I = Σ_i E[((f(x) - f(x^i)) / 2)²] = Σ_k k W_k, x^i being x with bit i flipped.

    For values ±1 this is the average sensitivity: the mean number of bits whose flip changes the value.

    Args:
        values: (..., 2^n) as for `walsh_spectrum`.

    Returns:
        (...), between 0 and n times the variance of f.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: As for `walsh_spectrum`.

    Reference:
        O'Donnell, Analysis of Boolean Functions, 2014, theorem 2.38.

    Example:
        >>> total_influence(torch.tensor([1.0, -1.0, -1.0, 1.0]))
        tensor(2.)
    """
    weights = degree_weights(values)
    degrees = torch.arange(weights.shape[-1], dtype=weights.dtype, device=weights.device)
    return (weights * degrees).sum(-1)


def sampled_coefficients(
    function: Callable[[Tensor], Tensor],
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

    Raises:
        ValueError: A set holds an index outside the variables or one twice; fewer than two samples; or the
            function's values are not finite or not of shape (k,).

    Example:
        >>> found = sampled_coefficients(lambda x: x[:, 0] * x[:, 1], 50, [(0, 1)], samples=100)
        >>> found.value
        tensor([1.], dtype=torch.float64)
    """
    for chosen in sets:
        if len(set(chosen)) < len(chosen) or any(not 0 <= index < variables for index in chosen):
            raise ValueError(f"sets: expected distinct indices below {variables}, got {tuple(chosen)}")

    def terms(x: Tensor) -> Tensor:
        characters = torch.stack([x[:, list(chosen)].prod(-1) for chosen in sets], -1)
        return _values(function, x)[:, None] * characters

    return _mean(terms, variables, samples, generator)


def sampled_total_influence(
    function: Callable[[Tensor], Tensor],
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
        samples: Number of random pairs (x, i); the function is evaluated twice for each.
        generator: Source of randomness, on the CPU; PyTorch's own if None.

    Returns:
        The estimate, without dimensions.

    Raises:
        ValueError: Fewer than two samples, or the function's values are not finite or not of shape (k,).

    Example:
        >>> float(sampled_total_influence(lambda x: x[:, 0], 1, samples=10).value)
        1.0
    """

    def terms(x: Tensor) -> Tensor:
        flipped = torch.randint(variables, (len(x), 1), generator=generator)
        neighbors = x.scatter(1, flipped, -x.gather(1, flipped))
        difference = (_values(function, x) - _values(function, neighbors)) / 2
        return variables * difference.square()

    return _mean(terms, variables, samples, generator)


def _mean(
    terms: Callable[[Tensor], Tensor], variables: int, samples: int, generator: torch.Generator | None
) -> SampledEstimate:
    if variables < 1:
        raise ValueError(f"variables: expected a positive number, got {variables}")
    if samples < 2:
        raise ValueError(f"samples: expected at least two, for an error, got {samples}")
    blocks = []
    for start in range(0, samples, _BLOCK):
        size = min(_BLOCK, samples - start)
        bits = torch.randint(2, (size, variables), generator=generator)
        blocks.append(terms(1.0 - 2.0 * bits.float()))
    drawn = torch.cat(blocks)
    return SampledEstimate(drawn.mean(0), drawn.std(0) / math.sqrt(samples))


def _values(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.no_grad():
        values = function(x)
    if values.shape != x.shape[:1]:
        raise ValueError(f"function: expected {len(x)} values, got shape {tuple(values.shape)}")
    if not bool(torch.isfinite(values).all()):
        raise ValueError("function: its values hold NaN or infinite entries")
    return values.double().cpu()


def _variables(values: Tensor) -> int:
    points = series(values, "values").shape[-1]
    if points & (points - 1):
        raise ValueError(f"values: expected a power of two of them, one for each input, got {points}")
    return points.bit_length() - 1


def _degrees(variables: int, device: torch.device) -> Tensor:
    """Number of ones of each index."""
    degrees = torch.zeros(1, dtype=torch.long, device=device)
    for _ in range(variables):
        degrees = torch.cat((degrees, degrees + 1))
    return degrees

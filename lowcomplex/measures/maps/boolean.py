"""The spectrum of functions on the Boolean cube: which sets of inputs a learned map depends on jointly."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import at_least_single, result_dtype
from lowcomplex.measures._validation import series


def walsh_spectrum(values: Float[Tensor, "*batch values"]) -> Float[Tensor, "*batch values"]:
    """Walsh-Hadamard coefficients of a function on the Boolean cube, by the fast transform.

    f̂(S) = 2^-n Σ_x f(x) χ_S(x), χ_S(x) = Π_{i in S} (-1)^{x_i}. Position j of `values` is the input whose
    bits are those of j, bit i being x_i; position S of the result is the set of the bits of S.

    Args:
        values: (..., 2^n) the function's values.

    Returns:
        (..., 2^n) coefficients; Σ f̂² = mean of f² (Parseval). Accumulated in float64.

    Null:
        For independent values ±1 each coefficient has mean 0 and variance 2^-n.

    Cost:
        Time O(n 2^n), memory O(2^n).

    Misleads:
        Most coefficients rest on inputs that were not trained. Logits and their signs have different spectra;
        say which is meant.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: The number of values is not a power of two of at least 2, or they hold NaN or infinity.

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
    return coefficients.to(result_dtype(values))


def degree_weights(values: Float[Tensor, "*batch values"]) -> Float[Tensor, "*batch degrees"]:
    """Spectral weight of each degree, W_k = Σ_{|S| = k} f̂(S)².

    Args:
        values: (..., 2^n) as for `walsh_spectrum`.

    Returns:
        (..., n + 1); their sum is the mean of f².

    Null:
        For independent values ±1 the weight of degree k is C(n, k)/2^n on average.

    Cost:
        Time O(n 2^n).

    Misleads:
        The weights of unbounded outputs scale with their square: divide by the sum before comparing networks.

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
    return weights.scatter_add(-1, degrees, power).to(result_dtype(values))


def total_influence(values: Float[Tensor, "*batch values"]) -> Float[Tensor, "*batch"]:
    """Total influence, I = Σ_i E[((f(x) - f(x^i)) / 2)²] = Σ_k k W_k, x^i being x with bit i flipped.

    For values ±1 this is the average sensitivity: the mean number of bits whose flip changes the value.

    Args:
        values: (..., 2^n) as for `walsh_spectrum`.

    Returns:
        (...), between 0 and n times the variance of f.

    Null:
        n/2 on average for independent values ±1.

    Cost:
        Time O(n 2^n).

    Misleads:
        It scales with the square of the outputs: divide by the variance, or take signs, before comparing
        networks.

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


def sensitivity(values: Float[Tensor, "*batch values"]) -> Float[Tensor, "*batch values"]:
    """Sensitivity at each input, s(x) = Σ_i ((f(x) - f(x^i)) / 2)², x^i being x with bit i flipped.

    For values ±1 it counts the bits whose flip changes the value. Its mean is the `total_influence`; its
    largest value is the sensitivity of the function.

    Args:
        values: (..., 2^n) as for `walsh_spectrum`.

    Returns:
        (..., 2^n), one number per input, in the same order.

    Null:
        n/2 on average for independent values ±1.

    Cost:
        Time O(n 2^n).

    Misleads:
        It scales with the square of the outputs. Its mean hides that few inputs may hold nearly all of it.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: As for `walsh_spectrum`.

    Reference:
        O'Donnell, Analysis of Boolean Functions, 2014, definition 2.31.

    Example:
        >>> sensitivity(torch.tensor([1.0, 1.0, 1.0, -1.0]))
        tensor([0., 1., 1., 2.])
    """
    variables = _variables(values)
    values = at_least_single(values)
    index = torch.arange(values.shape[-1], device=values.device)
    total = torch.zeros_like(values)
    for bit in range(variables):
        total = total + ((values - values[..., index ^ (1 << bit)]) / 2).square()
    return total


def _variables(values: Tensor) -> int:
    points = series(values, "values").shape[-1]
    if points & (points - 1):
        raise ValueError(f"values: expected 2^n values, one per input, got {points}")
    return points.bit_length() - 1


def _degrees(variables: int, device: torch.device) -> Tensor:
    """Number of ones of each index."""
    degrees = torch.zeros(1, dtype=torch.long, device=device)
    for _ in range(variables):
        degrees = torch.cat((degrees, degrees + 1))
    return degrees

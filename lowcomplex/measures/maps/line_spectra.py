"""Spectra of a map of many inputs along random lines through the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._networks import evaluated
from lowcomplex.measures._precision import at_least_single
from lowcomplex.measures._validation import finite, matrices
from lowcomplex.measures.maps.spectrum_summaries import bandwidth_of, centroid_of


@dataclass(frozen=True)
class LineSpectra:
    """Spectra of a map along lines through the data.

    Attributes:
        frequencies: (points // 2 + 1,) in cycles per unit of length of the input space.
        power: (lines, points // 2 + 1) power of the windowed, centered map, summed over its outputs.
        centroid: (lines,) mean frequency; NaN where the map is constant along the line.
        bandwidth: (lines,) frequency up to which the line holds 95 % of its power.
    """

    frequencies: Float[Tensor, "f"]
    power: Float[Tensor, "lines f"]
    centroid: Float[Tensor, "lines"]
    bandwidth: Float[Tensor, "lines"]


def line_spectra(
    function: Callable[[Tensor], Tensor],
    X: Float[Tensor, "n d"],
    *,
    lines: int = 64,
    points: int = 256,
    length: float | None = None,
    generator: torch.Generator | None = None,
) -> LineSpectra:
    """Spectra of a map along random lines through the data.

    Each line has its middle at a random sample and points to another sample. The map is not periodic along a
    line: its mean is subtracted, and the rest is weighted by Hann's window. Frequencies are resolved to
    2 / length.

    Args:
        function: Maps inputs (k, d), in single or double precision, to outputs (k,) or (k, c), such as a
            network; one in training mode with dropout or batch normalization is refused.
        X: (n, d) samples, at least two of them different.
        lines: Number of lines.
        points: Number of points per line, at least 8.
        length: Length of the lines; twice the mean distance of the pairs drawn if None.
        generator: Source of the pairs, on the CPU; PyTorch's own if None.

    Returns:
        Power by frequency, centroid and bandwidth of each line, in float64.

    Null:
        The same lines through the network at initialization.

    Cost:
        `lines` · `points` evaluations of the map, and a transform per line.

    Misleads:
        Nothing finer than 2 / length is resolved. Long lines leave the data, and then show how the network
        extrapolates.

    Raises:
        TypeError: `X` or what the function returns is not a floating-point tensor.
        ValueError: Shapes do not agree; all samples are equal; a number out of range; the outputs hold NaN or
            infinity.

    Reference:
        Rahaman et al., ICML 2019 (1806.08734), who follow paths through the data.

    Example:
        >>> X = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
        >>> found = line_spectra(lambda x: torch.sin(20 * torch.pi * x[:, 0]), X, lines=3)
        >>> found.centroid.round()
        tensor([10., 10., 10.], dtype=torch.float64)
    """
    X = at_least_single(matrices(X, "X"))
    if X.ndim != 2:
        raise ValueError(f"X: expected samples (n, d), got shape {tuple(X.shape)}")
    if lines < 1 or points < 8:
        raise ValueError(f"lines, points: expected at least 1 and 8, got {lines} and {points}")
    if length is not None and not (length > 0 and math.isfinite(length)):
        raise ValueError(f"length: expected a positive length, got {length}")
    middles, ends = _pairs(X, lines, generator)
    distance = torch.linalg.vector_norm(ends - middles, dim=-1, keepdim=True)
    length = float(2 * distance.mean()) if length is None else length
    # The middles of the intervals into which the line is cut: a grid of one period.
    position = ((torch.arange(points, dtype=X.dtype, device=X.device) + 0.5) / points - 0.5) * length
    inputs = middles[:, None] + position[:, None] * ((ends - middles) / distance)[:, None]
    with torch.no_grad(), evaluated(function, X, "X") as evaluate:
        outputs = finite(evaluate(inputs.flatten(0, 1)), "function(X)")
    rounding = 8 * torch.finfo(outputs.dtype).eps
    if len(outputs) != lines * points:
        raise ValueError(
            f"function: expected one output for each of {lines * points} inputs, got shape "
            f"{tuple(outputs.shape)}"
        )
    outputs = outputs.double().reshape(lines, points, -1)
    largest = outputs.abs().amax()
    window = torch.hann_window(points, dtype=torch.float64, device=X.device)
    centered = outputs / torch.where(largest > 0, largest, 1.0)
    centered = centered - centered.mean(1, keepdim=True)
    # Along a line on which the map is constant, the rounding of its outputs is no spectrum.
    centered = torch.where(centered.abs().amax(1, keepdim=True) > rounding, centered, 0.0)
    windowed = centered * window[:, None]
    power = torch.fft.rfft(windowed, dim=1, norm="forward").abs().square().sum(-1)
    frequencies = torch.fft.rfftfreq(points, length / points, dtype=torch.float64, device=X.device)
    return LineSpectra(
        frequencies=frequencies,
        power=power * largest.square(),
        centroid=centroid_of(frequencies, power),
        bandwidth=bandwidth_of(frequencies, power),
    )


def _pairs(X: Tensor, lines: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Random pairs of samples that are different points."""
    if bool((X[0] == X).all()):
        raise ValueError("X: expected at least two different samples")
    starts, ends = X[:0], X[:0]
    while len(starts) < lines:
        drawn = torch.randint(len(X), (2, 2 * lines), generator=generator, device="cpu").to(X.device)
        first, second = X[drawn[0]], X[drawn[1]]
        differ = (first != second).any(-1)
        starts, ends = torch.cat((starts, first[differ])), torch.cat((ends, second[differ]))
    return starts[:lines], ends[:lines]

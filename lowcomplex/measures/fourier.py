"""The spectrum of a learned map: which frequencies it holds, and which it has learned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lowcomplex.measures._validation import matrices, series


@dataclass(frozen=True)
class FourierSpectrum:
    """One-sided spectrum of real values on a uniform grid.

    Attributes:
        frequencies: (n // 2 + 1,) in cycles per unit of the grid's spacing.
        coefficients: (..., n // 2 + 1) complex, (1/n) Σ_j values_j exp(-2πi jk/n).
        power: (..., n // 2 + 1); Σ power = mean of values² (Parseval).
    """

    frequencies: Tensor
    coefficients: Tensor
    power: Tensor


def fourier_spectrum(values: Tensor, *, spacing: float = 1.0) -> FourierSpectrum:
    """Discrete Fourier transform of a real map on a uniform grid of one period.

    Args:
        values: (..., n) values at equally spaced points; the last point is one spacing short of the
            period's end.
        spacing: Distance between neighboring points.

    Returns:
        Frequencies, coefficients and power, one-sided: the power of k and -k stands at k.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: Fewer than two points, NaN or infinity; `spacing` is not positive.

    Example:
        >>> x = torch.arange(8) / 8
        >>> fourier_spectrum(torch.cos(2 * torch.pi * 2 * x), spacing=1 / 8).power.round(decimals=6)
        tensor([0.0000, 0.0000, 0.5000, 0.0000, 0.0000])
    """
    values = series(values, "values")
    if not spacing > 0:
        raise ValueError(f"spacing: expected a positive distance, got {spacing}")
    n = values.shape[-1]
    coefficients = torch.fft.rfft(values, norm="forward")
    multiplicity = torch.full((n // 2 + 1,), 2.0, dtype=values.dtype, device=values.device)
    multiplicity[0] = 1.0
    if n % 2 == 0:
        multiplicity[-1] = 1.0
    frequencies = torch.fft.rfftfreq(n, d=spacing, dtype=values.dtype, device=values.device)
    return FourierSpectrum(frequencies, coefficients, multiplicity * coefficients.abs().square())


def spectral_centroid(values: Tensor, *, spacing: float = 1.0) -> Tensor:
    """Mean frequency of a map, weighted by power and leaving out its mean: Σ f P(f) / Σ P(f), f > 0.

    Args:
        values: (..., n) values on a uniform grid.
        spacing: Distance between neighboring points.

    Returns:
        (...), in cycles per unit; NaN for a constant. Invariant under scale and shift of the values.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: Fewer than two points, NaN or infinity; `spacing` is not positive.
    """
    spectrum = fourier_spectrum(_rescaled(series(values, "values")), spacing=spacing)
    power = spectrum.power[..., 1:]
    return (power * spectrum.frequencies[1:]).sum(-1) / power.sum(-1)


def bandwidth(values: Tensor, *, spacing: float = 1.0, share: float = 0.95) -> Tensor:
    """The smallest frequency up to which a map holds a share of its power, leaving out its mean.

    Args:
        values: (..., n) values on a uniform grid.
        spacing: Distance between neighboring points.
        share: Share of the power, in (0, 1].

    Returns:
        (...), in cycles per unit; NaN for a constant.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: Fewer than two points, NaN or infinity; `spacing` or `share` out of range.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share: expected a number in (0, 1], got {share}")
    spectrum = fourier_spectrum(_rescaled(series(values, "values")), spacing=spacing)
    cumulative = spectrum.power[..., 1:].cumsum(-1)
    total = cumulative[..., -1:]
    # The first frequency that reaches the share; rounding must not push it past the last one.
    index = (cumulative < share * total * (1 - 1e-12)).sum(-1)
    return torch.where(total.squeeze(-1) > 0, spectrum.frequencies[1:][index], torch.nan)


def relative_error_by_frequency(learned: Tensor, target: Tensor, *, floor: float = 1e-6) -> Tensor:
    """How far each frequency is from being learned: |F[learned] - F[target]| / |F[target]|.

    Args:
        learned: (..., n) learned values on a uniform grid.
        target: (n,) or (..., n) target values on the same grid.
        floor: Frequencies whose target amplitude is below this share of the largest are not asked
            for: NaN.

    Returns:
        (..., n // 2 + 1): 1 for a map that is zero there, 0 for a learned frequency.

    Raises:
        TypeError: An argument is not a floating-point tensor.
        ValueError: Fewer than two points, different grids, NaN or infinity.

    References:
        Xu, Zhang, Luo, Xiao, Ma, "Frequency principle", CiCP 2020 (1901.06523), eq. 3.
    """
    learned, target = series(learned, "learned"), series(target, "target")
    if learned.shape[-1] != target.shape[-1]:
        raise ValueError(
            f"learned, target: expected one grid, got {learned.shape[-1]} and {target.shape[-1]} points"
        )
    wanted = torch.fft.rfft(target, norm="forward")
    error = (torch.fft.rfft(learned, norm="forward") - wanted).abs()
    amplitude = wanted.abs()
    asked = amplitude > floor * amplitude.amax(-1, keepdim=True)
    return torch.where(asked, error / torch.where(asked, amplitude, 1.0), torch.nan)


def shift_equivariant_share(M: Tensor) -> Tensor:
    """Share of a token map's variance that depends on output minus key alone.

    A pure shift, key x to output x + c, makes every diagonal of M[key, output] constant. The share is
    1 - Σ (M - mean of its diagonal)² / Σ (M - grand mean)².

    Args:
        M: (..., keys, outputs), for instance logits.

    Returns:
        (...), in [0, 1]: 1 for a Toeplitz matrix; for independent entries
        (keys + outputs - 2) / (keys · outputs - 1) on average; NaN for a constant. Invariant under
        scale and a common shift of the values.

    Raises:
        TypeError: `M` is not a floating-point tensor.
        ValueError: `M` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> shift_equivariant_share(torch.eye(4))
        tensor(1.)
    """
    M = matrices(M, "M")
    rows, columns = M.shape[-2:]
    centered = M.double() - M.double().mean(dim=(-2, -1), keepdim=True)
    scale = centered.abs().amax(dim=(-2, -1), keepdim=True)
    centered = (centered / torch.where(scale > 0, scale, 1.0)).flatten(-2)
    diagonal = (
        (torch.arange(columns, device=M.device) - torch.arange(rows, device=M.device)[:, None]).flatten()
        + rows
        - 1
    )
    count = torch.bincount(diagonal).double()
    sums = centered.new_zeros(*centered.shape[:-1], rows + columns - 1)
    sums = sums.index_add(-1, diagonal, centered)
    explained, total = (sums.square() / count).sum(-1), centered.square().sum(-1)
    return (explained / torch.where(total > 0, total, math.nan)).to(M.dtype)


def _rescaled(values: Tensor) -> Tensor:
    largest = values.abs().amax(-1, keepdim=True)
    return values / torch.where(largest > 0, largest, 1.0)

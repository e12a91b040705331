"""The spectrum of a map on a uniform grid: which frequencies it holds, and which it has learned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from lowcomplex.measures._precision import at_least_single
from lowcomplex.measures._validation import matrices, series
from lowcomplex.measures.maps.spectrum_summaries import bandwidth_of, centroid_of


@dataclass(frozen=True)
class FourierSpectrum:
    """One-sided spectrum of real values on a uniform grid.

    Attributes:
        frequencies: (n // 2 + 1,) in cycles per unit of the grid's spacing.
        coefficients: (..., n // 2 + 1) complex, (1/n) Σ_j values_j exp(-2πi jk/n).
        power: (..., n // 2 + 1); Σ power = mean of values² (Parseval).
    """

    frequencies: Float[Tensor, "f"]
    coefficients: Complex[Tensor, "*batch f"]
    power: Float[Tensor, "*batch f"]


@dataclass(frozen=True)
class FourierSpectrum2D:
    """Spectrum of real values on a uniform grid in two dimensions.

    Attributes:
        frequencies: (n_1,) and (n_2 // 2 + 1,) in cycles per unit of the grid's spacing.
        radius: (n_1, n_2 // 2 + 1) length of the frequency vector. Flattened, radius and power are arguments
            of `centroid_of`, `bandwidth_of` and `decay_exponent`.
        coefficients: (..., n_1, n_2 // 2 + 1) complex, the mean of values · exp(-2πi k·x) over the points.
        power: (..., n_1, n_2 // 2 + 1); Σ power = mean of values² (Parseval).
    """

    frequencies: tuple[Float[Tensor, "f_1"], Float[Tensor, "f_2"]]
    radius: Float[Tensor, "f_1 f_2"]
    coefficients: Complex[Tensor, "*batch f_1 f_2"]
    power: Float[Tensor, "*batch f_1 f_2"]


def fourier_spectrum(values: Float[Tensor, "*batch n"], *, spacing: float = 1.0) -> FourierSpectrum:
    """Discrete Fourier transform of a real map on a uniform grid of one period.

    Args:
        values: (..., n) values at equally spaced points; the last point is one spacing short of the
            period's end.
        spacing: Distance between neighboring points.

    Returns:
        Frequencies, coefficients and power, one-sided: the power at k is that of k and -k together.

    Null:
        White noise of variance v has the power 2v/n at each frequency, v/n at 0.

    Cost:
        Time O(n log n).

    Misleads:
        A map that is not periodic on the grid jumps at its end, and the jump's power falls as 1/f² across all
        frequencies. Frequencies above the grid's largest are folded back.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: Fewer than two points, NaN or infinity; `spacing` is not positive.

    Example:
        >>> x = torch.arange(8) / 8
        >>> fourier_spectrum(torch.cos(2 * torch.pi * 2 * x), spacing=1 / 8).power.round(decimals=6)
        tensor([0.0000, 0.0000, 0.5000, 0.0000, 0.0000])
    """
    values = at_least_single(series(values, "values"))
    if not spacing > 0:
        raise ValueError(f"spacing: expected a positive distance, got {spacing}")
    n = values.shape[-1]
    coefficients = torch.fft.rfft(values, norm="forward")
    frequencies = torch.fft.rfftfreq(n, d=spacing, dtype=values.dtype, device=values.device)
    return FourierSpectrum(frequencies, coefficients, _multiplicity(n, values) * coefficients.abs().square())


def spectral_centroid(values: Float[Tensor, "*batch n"], *, spacing: float = 1.0) -> Float[Tensor, "*batch"]:
    """Mean frequency of a map, weighted by power and leaving out its mean: Σ f P(f) / Σ P(f), f > 0.

    Args:
        values: (..., n) values on a uniform grid.
        spacing: Distance between neighboring points.

    Returns:
        (...), in cycles per unit; NaN for a constant. Invariant under scale and shift of the values.

    Null:
        White noise has about half the largest frequency, 1/(4 spacing).

    Cost:
        Time O(n log n).

    Misleads:
        A mean over all frequencies: between two peaks there may be no power where it lies. Noise raises it
        the more, the finer the grid is.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: Fewer than two points, NaN or infinity; `spacing` is not positive.
    """
    spectrum = fourier_spectrum(_rescaled(at_least_single(series(values, "values"))), spacing=spacing)
    return centroid_of(spectrum.frequencies, spectrum.power)


def bandwidth(
    values: Float[Tensor, "*batch n"], *, spacing: float = 1.0, share: float = 0.95
) -> Float[Tensor, "*batch"]:
    """The smallest frequency up to which a map holds a share of its power, leaving out its mean.

    Args:
        values: (..., n) values on a uniform grid.
        spacing: Distance between neighboring points.
        share: Share of the power, in (0, 1].

    Returns:
        (...), in cycles per unit; NaN for a constant.

    Null:
        White noise has about `share` times the largest frequency.

    Cost:
        Time O(n log n).

    Misleads:
        It is one of the grid's frequencies, so it moves in steps. With a share near 1 it measures the noise
        or the jump at the end of the period.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: Fewer than two points, NaN or infinity; `spacing` or `share` out of range.
    """
    spectrum = fourier_spectrum(_rescaled(at_least_single(series(values, "values"))), spacing=spacing)
    return bandwidth_of(spectrum.frequencies, spectrum.power, share=share)


def relative_error_by_frequency(
    learned: Float[Tensor, "*batch n"], target: Float[Tensor, "*#batch n"], *, floor: float = 1e-6
) -> Float[Tensor, "*batch n//2+1"]:
    """How far each frequency is from being learned: |F[learned] - F[target]| / |F[target]|.

    Args:
        learned: (..., n) learned values on a uniform grid.
        target: (n,) or (..., n) target values on the same grid.
        floor: The result is NaN at frequencies whose target amplitude is below this share of the largest.

    Returns:
        (..., n // 2 + 1): 1 at a frequency that the learned map does not hold, 0 at a learned frequency.

    Null:
        1 at every frequency for a map that is zero.

    Cost:
        Time O(n log n).

    Misleads:
        Frequencies that the target hardly holds have large errors from whatever leaks there; raise `floor`.
        It exceeds 1 where the learned map holds too much or has another phase.

    Raises:
        TypeError: An argument is not a floating-point tensor.
        ValueError: Fewer than two points, different grids, NaN or infinity.

    References:
        Xu, Zhang, Luo, Xiao, Ma, "Frequency principle", CiCP 2020 (1901.06523), eq. 3.
    """
    learned, target = (
        at_least_single(series(x, name)) for name, x in {"learned": learned, "target": target}.items()
    )
    if learned.shape[-1] != target.shape[-1]:
        raise ValueError(
            f"learned, target: expected one grid, got {learned.shape[-1]} and {target.shape[-1]} points"
        )
    wanted = torch.fft.rfft(target, norm="forward")
    error = (torch.fft.rfft(learned, norm="forward") - wanted).abs()
    amplitude = wanted.abs()
    present = amplitude > floor * amplitude.amax(-1, keepdim=True)
    return torch.where(present, error / torch.where(present, amplitude, 1.0), torch.nan)


def fourier_spectrum_2d(
    values: Float[Tensor, "*batch n_1 n_2"], *, spacing: tuple[float, float] = (1.0, 1.0)
) -> FourierSpectrum2D:
    """Discrete Fourier transform of a real map on a uniform grid of one period in two dimensions.

    Args:
        values: (..., n_1, n_2) values at equally spaced points, each last point one spacing short of the end.
        spacing: Distances between neighboring points along both axes.

    Returns:
        Frequencies, coefficients and power. Only frequencies with k_2 >= 0 are kept: the power at (k_1, k_2)
        is that of (k_1, k_2) and (-k_1, -k_2) together.

    Null:
        White noise of variance v has the power 2v/(n_1 n_2) at each pair of frequencies and its opposite.

    Cost:
        Time O(n log n), n points.

    Misleads:
        It misleads where `fourier_spectrum` does, along each axis.

    Raises:
        TypeError: `values` is not a floating-point tensor.
        ValueError: Not a grid of at least 2 x 2, NaN or infinity; `spacing` is not positive.

    Example:
        >>> x = torch.arange(8, dtype=torch.float64) / 8
        >>> wave = torch.cos(2 * torch.pi * (2 * x[:, None] + x))
        >>> float(fourier_spectrum_2d(wave).power[2, 1].round(decimals=6))
        0.5
    """
    values = at_least_single(matrices(values, "values"))
    n_1, n_2 = values.shape[-2:]
    if min(n_1, n_2) < 2:
        raise ValueError(f"values: expected at least 2 x 2 points, got {n_1} x {n_2}")
    if not all(step > 0 for step in spacing):
        raise ValueError(f"spacing: expected positive distances, got {spacing}")
    coefficients = torch.fft.rfft2(values, norm="forward")
    like = {"dtype": values.dtype, "device": values.device}
    first = torch.fft.fftfreq(n_1, d=spacing[0], **like)
    second = torch.fft.rfftfreq(n_2, d=spacing[1], **like)
    return FourierSpectrum2D(
        frequencies=(first, second),
        radius=torch.hypot(first[:, None], second),
        coefficients=coefficients,
        power=_multiplicity(n_2, values) * coefficients.abs().square(),
    )


def _rescaled(values: Tensor) -> Tensor:
    largest = values.abs().amax(-1, keepdim=True)
    return values / torch.where(largest > 0, largest, 1.0)


def _multiplicity(n: int, values: Tensor) -> Tensor:
    """How many of the frequencies k and -k of n points each kept frequency represents."""
    multiplicity = torch.full((n // 2 + 1,), 2.0, dtype=values.dtype, device=values.device)
    multiplicity[0] = 1.0
    if n % 2 == 0:
        multiplicity[-1] = 1.0
    return multiplicity

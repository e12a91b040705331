"""One number for any spectrum: centroid, bandwidth, exponent of decay."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import at_least_single
from lowcomplex.measures._validation import finite


@dataclass(frozen=True)
class DecayExponent:
    """A power law fitted to a spectrum, P(f) ∝ f^(-exponent).

    Attributes:
        exponent: Estimate by least squares in log f, log P.
        low: Lower end of the confidence interval.
        high: Upper end.
        confidence: Probability that the interval covers the exponent, if the residuals of log P are
            independent and normal with equal variance.
        points: Number of frequencies fitted.
    """

    exponent: float
    low: float
    high: float
    confidence: float
    points: int


def centroid_of(frequencies: Float[Tensor, "f"], power: Float[Tensor, "*batch f"]) -> Float[Tensor, "*batch"]:
    """Mean frequency weighted by power, leaving out f = 0: Σ |f| P(f) / Σ P(f).

    Args:
        frequencies: (f,), in any order.
        power: (..., f) nonnegative.

    Returns:
        (...), in the units of the frequencies; NaN if only f = 0 holds power. Invariant under the scale of
        the power.

    Null:
        A flat spectrum has the mean of its frequencies.

    Cost:
        Time O(f).

    Misleads:
        The sum is over the frequencies that are given: where they lie densely, power counts more. A floor of
        noise raises it the more, the higher the frequencies reach.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree; negative power; NaN or infinity.

    Example:
        >>> centroid_of(torch.tensor([0.0, 1.0, 3.0]), torch.tensor([9.0, 1.0, 1.0]))
        tensor(2.)
    """
    frequencies, power = _without_zero(frequencies, power)
    return (power * frequencies).sum(-1) / power.sum(-1)


def bandwidth_of(
    frequencies: Float[Tensor, "f"], power: Float[Tensor, "*batch f"], *, share: float = 0.95
) -> Float[Tensor, "*batch"]:
    """The smallest |f| up to which a spectrum holds a share of its power, leaving out f = 0.

    Args:
        frequencies: (f,), in any order.
        power: (..., f) nonnegative.
        share: Share of the power, in (0, 1].

    Returns:
        (...), in the units of the frequencies; NaN if only f = 0 holds power. Invariant under the scale of
        the power.

    Null:
        A flat spectrum has about `share` times its largest frequency.

    Cost:
        Time O(f log f).

    Misleads:
        The sum is over the frequencies that are given: where they lie densely, power counts more. With a
        share near 1 it measures noise.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree; negative power; NaN or infinity; `share` out of range.

    Example:
        >>> bandwidth_of(torch.tensor([0.0, 1.0, 3.0]), torch.tensor([9.0, 99.0, 1.0]))
        tensor(1.)
    """
    if not 0 < share <= 1:
        raise ValueError(f"share: expected a number in (0, 1], got {share}")
    frequencies, power = _without_zero(frequencies, power)
    frequencies, order = frequencies.sort()
    cumulative = power[..., order].cumsum(-1)
    total = cumulative[..., -1:]
    # The first frequency that reaches the share; rounding must not push it past the last frequency.
    rounding = 1 - len(order) * torch.finfo(power.dtype).eps
    index = (cumulative < share * total * rounding).sum(-1)
    return torch.where(total.squeeze(-1) > 0, frequencies[index], torch.nan)


def decay_exponent(
    frequencies: Float[Tensor, "f"],
    power: Float[Tensor, "f"],
    *,
    band: tuple[float, float] = (0.0, math.inf),
    confidence: float = 0.95,
) -> DecayExponent:
    """Exponent α of a spectrum's decay, P(f) ∝ f^(-α), with its confidence interval.

    Least squares of log P on log f over the frequencies of a band that hold power, with Student's t interval
    of the slope. A spectrum that follows no power law has a wide interval; if it follows one in a band only,
    give that band.

    Args:
        frequencies: (f,), in any order.
        power: (f,) nonnegative.
        band: Lowest and highest |f| to fit; f = 0 is always left out.
        confidence: Confidence level of the interval, in (0, 1).

    Returns:
        The exponent and its interval; invariant under the scales of frequencies and power.

    Null:
        0 for white noise, within its interval.

    Cost:
        Time O(f).

    Misleads:
        Any spectrum gets an exponent. A jump at the end of the period gives 2 whatever the map is, and a
        floor of noise or rounding flattens the tail; choose the band above it.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree; negative power; NaN or infinity; fewer than three different
            frequencies in the band hold power.

    Reference:
        Rahaman et al., ICML 2019 (1806.08734), theorem 1, for the decay of ReLU networks' spectra.

    Example:
        >>> f = torch.arange(1.0, 50.0, dtype=torch.float64)
        >>> round(decay_exponent(f, 3 * f**-4).exponent, 6)
        4.0
    """
    from scipy.stats import linregress, t

    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a probability in (0, 1), got {confidence}")
    if power.ndim != 1:
        raise ValueError(f"power: expected one spectrum (f,), got shape {tuple(power.shape)}")
    frequencies, power = _without_zero(frequencies, power)
    used = (frequencies >= band[0]) & (frequencies <= band[1]) & (power > 0)
    log_f, log_power = (x[used].detach().cpu().double().log().numpy() for x in (frequencies, power))
    points = int(used.sum())
    if points < 3 or len(set(log_f.tolist())) < 3:
        raise ValueError(
            f"power: expected at least three frequencies with power in the band {band}, got {points}"
        )
    fit = linregress(log_f, log_power)
    half = float(t.ppf((1 + confidence) / 2, points - 2)) * float(fit.stderr)
    exponent = -float(fit.slope)
    return DecayExponent(exponent, exponent - half, exponent + half, confidence, points)


def _without_zero(frequencies: Tensor, power: Tensor) -> tuple[Tensor, Tensor]:
    frequencies, power = (
        at_least_single(finite(frequencies, "frequencies")),
        at_least_single(finite(power, "power")),
    )
    if frequencies.ndim != 1 or power.ndim < 1 or power.shape[-1] != len(frequencies):
        raise ValueError(
            f"frequencies, power: expected (f,) and (..., f), got {tuple(frequencies.shape)} and "
            f"{tuple(power.shape)}"
        )
    if bool((power < 0).any()):
        raise ValueError("power: expected nonnegative numbers")
    kept = frequencies != 0
    if not bool(kept.any()):
        raise ValueError("frequencies: expected at least one nonzero frequency")
    power = power[..., kept]
    largest = power.detach().amax(-1, keepdim=True)
    return frequencies[kept].abs(), power / torch.where(largest > 0, largest, 1.0)

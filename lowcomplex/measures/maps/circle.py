"""Harmonics of a map on the circle, at any angles."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._validation import finite


@dataclass(frozen=True)
class CircleHarmonics:
    """The least-squares fit of f(θ) ≈ Σ_k amplitude_k cos(kθ - phase_k), k = 0 … K.

    Attributes:
        amplitude: (..., K + 1) nonnegative; for k = 0, |mean|.
        phase: (..., K + 1) radians in (-π, π]; for k = 0, 0 or π.
        power: (..., K + 1) mean square of each harmonic over the circle: amplitude²/2; amplitude² for k = 0.
        residual: (...) root mean square of what the harmonics leave at the given angles.
    """

    amplitude: Float[Tensor, "*batch harmonics"]
    phase: Float[Tensor, "*batch harmonics"]
    power: Float[Tensor, "*batch harmonics"]
    residual: Float[Tensor, "*batch"]


def circle_harmonics(
    angles: Float[Tensor, "n"], values: Float[Tensor, "*batch n"], degree: int
) -> CircleHarmonics:
    """Harmonics k = 0 … degree of a map on the circle, by least squares at any distinct angles.

    Exact for a map of that degree. On equally spaced angles it is the discrete Fourier transform. A network
    on the circle has the inputs (cos θ, sin θ).

    Args:
        angles: (n,) radians, at least 2 · degree + 1 of them.
        values: (..., n) values there.
        degree: Highest harmonic K.

    Returns:
        Amplitudes, phases, powers and residual, in float64. A turn of the circle changes only the phases.

    Null:
        White noise of variance v has the power 2v/n in each harmonic, at equally spaced angles.

    Cost:
        Time O(n · degree²).

    Misleads:
        Harmonics above the degree are read as lower ones at unequal angles; a large residual shows it.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree; NaN or infinity; the angles are too few, or too close together, to
            determine the harmonics.

    Reference:
        Basri, Jacobs, Kasten, Kritchman, NeurIPS 2019 (1906.00425), section 3, on learning by harmonics.

    Example:
        >>> theta = torch.linspace(0, 6, 9)
        >>> circle_harmonics(theta, 3 * torch.cos(2 * theta - 1), 3).amplitude.round(decimals=4).abs()
        tensor([0., 0., 3., 0.], dtype=torch.float64)
    """
    finite(angles, "angles"), finite(values, "values")
    if degree < 0:
        raise ValueError(f"degree: expected a highest harmonic of at least 0, got {degree}")
    if angles.ndim != 1 or values.ndim < 1 or values.shape[-1] != len(angles):
        raise ValueError(
            f"angles, values: expected (n,) and (..., n), got {tuple(angles.shape)} and {tuple(values.shape)}"
        )
    k = torch.arange(1, degree + 1, dtype=torch.float64, device=angles.device)
    turned = k * angles.double()[:, None]
    basis = torch.cat((torch.ones_like(angles.double())[:, None], turned.cos(), turned.sin()), 1)
    s = torch.linalg.svdvals(basis)
    if len(s) < 2 * degree + 1 or not bool(s[-1] > 1e-7 * s[0]):
        raise ValueError(
            f"angles: {len(angles)} angles do not determine {2 * degree + 1} coefficients of degree {degree}"
        )
    largest = values.double().abs().amax(-1, keepdim=True)
    scale = torch.where(largest > 0, largest, 1.0)
    scaled = (values.double() / scale).reshape(-1, len(angles))
    fit = torch.linalg.lstsq(basis, scaled.mT).solution
    residual = (scaled.mT - basis @ fit).square().mean(0).sqrt().reshape(values.shape[:-1])
    fit = fit.mT.reshape(*values.shape[:-1], -1)
    constant, cosine, sine = fit[..., :1], fit[..., 1 : degree + 1], fit[..., degree + 1 :]
    amplitude = torch.cat((constant.abs(), torch.hypot(cosine, sine)), -1) * scale
    phase = torch.cat((torch.atan2(torch.zeros_like(constant), constant), torch.atan2(sine, cosine)), -1)
    power = amplitude.square() / 2
    power[..., 0] *= 2
    return CircleHarmonics(amplitude, phase, power, residual * scale.squeeze(-1))

"""Fourier coefficients of a map known at scattered points: by non-uniform FFT, or term by term."""

from __future__ import annotations

import importlib.util
import math
from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from lowcomplex.measures._precision import at_least_single
from lowcomplex.measures._validation import finite
from lowcomplex.measures.maps._direct_sum import direct_sum

# Beyond this many terms a non-uniform FFT is worth its planning.
_DIRECT_TERMS = 2**16
_TOLERANCE = 1e-12


def scattered_spectrum(
    points: Float[Tensor, "n *d"],
    values: Float[Tensor, "*batch n"],
    modes: int,
    *,
    period: float = 1.0,
    method: Literal["auto", "direct", "nufft"] = "auto",
) -> Complex[Tensor, "..."]:
    """Fourier coefficients of values at scattered points, in one to three dimensions.

        F[k] = (1/n) Σ_j values_j exp(-2πi k · points_j / period),  k = -modes … modes in each dimension

    On a uniform grid of one period these are the coefficients of the discrete Fourier transform. At random
    points the sum estimates the integral. Its variance is, at every k, the variance of the values over n; a
    spectrum below that floor is noise.

    Args:
        points: (n,) or (n, d), d at most 3, in the same unit as the period; points beyond one period are
            folded.
        values: (..., n) real values there.
        modes: Largest frequency K, in cycles per period.
        period: Length of the period.
        method: "direct" sums term by term, in time O(n (2K + 1)^d). "nufft" needs the extra `nufft`
            (finufft); its relative error is 1e-12. "auto" takes the faster method that is installed.

    Returns:
        (..., 2K + 1, …) complex128, with one dimension of frequencies per dimension of the points.

    Null:
        Values independent of the points have the power (mean square)/n at every frequency.

    Cost:
        Time O(n (2K + 1)^d) term by term, O(n + (2K + 1)^d log K) by NUFFT.

    Misleads:
        Points that are not uniform show their own density: the coefficients are those of the map times the
        density. Below the null's floor all is noise.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree; more than three dimensions; NaN or infinity; a size out of range; an
            unknown method.
        ModuleNotFoundError: method="nufft" without finufft.

    References:
        Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 2019 (FINUFFT), eq. 1.1.

    Example:
        >>> x = torch.arange(8, dtype=torch.float64) / 8
        >>> scattered_spectrum(x, torch.cos(4 * torch.pi * x), 2).real.round(decimals=6).abs()
        tensor([0.5000, 0.0000, 0.0000, 0.0000, 0.5000], dtype=torch.float64)
    """
    points, values = _checked(points, values)
    if modes < 0:
        raise ValueError(f"modes: expected a largest frequency of at least 0, got {modes}")
    if not (period > 0 and math.isfinite(period)):
        raise ValueError(f"period: expected a positive length, got {period}")
    if method not in ("auto", "direct", "nufft"):
        raise ValueError(f"method: expected auto, direct or nufft, got {method!r}")
    n, d = points.shape
    if d > 3:
        raise ValueError(
            f"points: expected at most three dimensions, got {d}; in high dimension, project on a direction "
            "first (projected_spectrum)"
        )
    if method == "auto":
        large = n * (2 * modes + 1) ** d > _DIRECT_TERMS
        method = "nufft" if large and importlib.util.find_spec("finufft") else "direct"
    batch = values.shape[:-1]
    flat = values.reshape(-1, n)
    # Folding first keeps the phase's precision where points lie many periods away.
    phases = 2 * math.pi * torch.remainder(points / period, 1.0)
    if method == "nufft":
        found = _by_nufft(phases, flat, modes)
    else:
        found = direct_sum(phases, flat, _grid(modes, d, points.device))
    return found.reshape(*batch, *(2 * modes + 1,) * d)


def _by_nufft(phases: Tensor, values: Tensor, modes: int) -> Tensor:
    import finufft

    n, d = phases.shape
    transform = (finufft.nufft1d1, finufft.nufft2d1, finufft.nufft3d1)[d - 1]
    axes = [axis.cpu().double().contiguous().numpy() for axis in phases.unbind(-1)]
    strengths = values.detach().cpu().to(torch.complex128).contiguous().numpy() / n
    found = transform(*axes, strengths, n_modes=(2 * modes + 1,) * d, eps=_TOLERANCE, isign=-1)
    return torch.from_numpy(found).to(values.device)


def _grid(modes: int, d: int, device: torch.device) -> Tensor:
    one = torch.arange(-modes, modes + 1, dtype=torch.float64, device=device)
    return torch.stack([axis.flatten() for axis in torch.meshgrid(*[one] * d, indexing="ij")], -1)


def _checked(points: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    finite(points, "points"), finite(values, "values")
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or points.numel() == 0 or values.ndim < 1 or values.shape[-1] != len(points):
        raise ValueError(
            f"points, values: expected (n,) or (n, d) and (..., n), got {tuple(points.shape)} and "
            f"{tuple(values.shape)}"
        )
    return at_least_single(points.detach()), values.detach()

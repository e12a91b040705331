"""Do two-layer networks move as m^e, with the exponent that belongs to their point of Luo et al.'s plane?"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.phase_diagram.formula import boundary_distance, phase_diagram
from lowcomplex.training import displacement_from

Point = tuple[float, float]

_SAMPLES, _INPUTS = 4, 4
_WIDTHS = (256, 512, 1024, 2048)
# Lazy displacements vary from draw to draw as the kernel does, rich ones hardly.
_DRAWS = {(0.5, -0.5): 6, (1.5, -1.5): 4, (0.5, 0.5): 10, (1.5, 1.5): 10, (2.5, 0.5): 2}
POINTS: tuple[Point, ...] = tuple(_DRAWS)
# A width of 256 is large beside the square of this condition number.
_CONDITION = 10.0
_TOLERANCE = 0.125


def observe(
    seed: int,
    *,
    points: tuple[Point, ...] = POINTS,
    trained_at: tuple[Point, ...] | None = None,
    norm_exponent: float = 0.0,
) -> tuple[Comparison, ...]:
    """Train at growing widths on the same data, and compare exponents of the displacement of w.

    Args:
        seed: Seed of data and weights.
        points: (γ_L, γ') whose exponents are claimed.
        trained_at: Where networks are trained, if not there.
        norm_exponent: Inputs have the norm m^this.

    Returns:
        One comparison a point.
    """
    comparisons = []
    for point, place in zip(points, trained_at or points, strict=True):
        slope, interval, draws = _exponent(seed, place, norm_exponent)
        distance = float(boundary_distance(*point))
        comparisons.append(
            Comparison(
                quantity=f"exponent of ‖w - w_0‖/‖w_0‖ in the width at γ_L = {point[0]:g}, γ' = {point[1]:g} "
                f"({'linear' if distance > 0 else 'condensed'})",
                predicted=float(phase_diagram(*point)),
                measured=slope,
                interval=interval,
                tolerance=_TOLERANCE,
                reason="a quarter of 1/2, the distance to the nearest exponent of another case at these "
                "points; the next order, m^-1/2 at most, bends by (256^-1/2 - 2048^-1/2)/log 8 = 0.02",
                draws=draws,
            )
        )
    return tuple(comparisons)


# The controls ask again for what was trained under the hypotheses.
@lru_cache(maxsize=16)
def _exponent(seed: int, place: Point, norm_exponent: float) -> tuple[float, float, int]:
    gamma_l, gamma_prime = place
    x, y, tries = _data(seed)
    # The same draws at every point, so that a control differs by its violation alone.
    generator = torch.Generator().manual_seed(seed)
    widths, moved = [], []
    for width in _WIDTHS:
        for _ in range(_DRAWS.get(place, 1)):
            w = torch.randn(width, _INPUTS, generator=generator, dtype=torch.float64)
            a = torch.randn(1, width, generator=generator, dtype=torch.float64)
            input_std = width ** ((gamma_prime - gamma_l) / 2)
            output_std = width ** (-(gamma_prime + gamma_l) / 2)
            end = displacement_from(x * width**norm_exponent, y, [input_std * w, output_std * a])
            if not end.converged:
                raise ArithmeticError(f"training did not reach its loss at {place}, m = {width}")
            widths.append(width)
            moved.append(end.relative_displacement_first)
    return (*fit_exponent(widths, moved), tries)


def _data(seed: int) -> tuple[Tensor, Tensor, int]:
    """Unit inputs whose infinitely wide kernel is well conditioned, random targets, and the draws it took."""
    generator = torch.Generator().manual_seed(seed)
    for draw in range(1, 500):
        x = torch.randn(_SAMPLES, _INPUTS, generator=generator, dtype=torch.float64)
        x = x / x.norm(dim=1, keepdim=True)
        y = torch.randn(_SAMPLES, generator=generator, dtype=torch.float64)
        cosine = (x @ x.mT).clamp(-1, 1)
        angle = cosine.acos()
        # E relu(w·x) relu(w·x'), the arc-cosine kernel; that of the input weights is better conditioned.
        kernel = (angle.sin() + (math.pi - angle) * cosine) / (2 * math.pi)
        spectrum = torch.linalg.eigvalsh(kernel)
        if spectrum[-1] < _CONDITION * spectrum[0]:
            return x, y, draw
    raise ArithmeticError("no data with a well conditioned kernel in 500 draws")


CHECK: Check[Any, None] = Check(
    prediction=phase_diagram,
    observe=observe,
    controls={
        "across the boundary: condensed exponent, trained at γ_L = 1/2": {
            "points": ((2.5, 0.5),),
            "trained_at": ((0.5, 0.5),),
        },
        "across the boundary: linear exponent, trained at γ_L = 5/2": {
            "points": ((0.5, 0.5),),
            "trained_at": ((2.5, 0.5),),
        },
        "across γ' = 0: trained at γ' = -1/2": {"points": ((0.5, 0.5),), "trained_at": ((0.5, -0.5),)},
        "inputs of norm sqrt(m)": {"points": ((0.5, -0.5),), "norm_exponent": 0.5},
    },
)

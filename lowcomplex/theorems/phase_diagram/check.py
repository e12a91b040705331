"""Do two-layer networks move as m^e, with the exponent that belongs to their point of Luo et al.'s plane?"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled, shifted
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.phase_diagram.formula import boundary_distance, phase_diagram
from lowcomplex.training import displacement_from

Point = tuple[float, float]
Law = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]

_SAMPLES, _INPUTS = 4, 4
_WIDTHS = (256, 512, 1024, 2048)
# Lazy displacements vary from draw to draw as the kernel does, rich ones hardly.
_DRAWS = {(0.5, -0.5): 6, (1.5, -1.5): 4, (0.5, 0.5): 10, (1.5, 1.5): 10, (2.5, 0.5): 2}
POINTS: tuple[Point, ...] = tuple(_DRAWS)
# A width of 256 is large beside the square of this condition number.
_CONDITION = 10.0
_TOLERANCE = 0.125
# Of all points together, whose draws are independent.
_MEAN_TOLERANCE = 0.055


class Growth(NamedTuple):
    """The exponent of the displacement in the width that was measured at a point.

    Attributes:
        point: (γ_L, γ') whose exponent is claimed.
        slope: The measured exponent.
        interval: Half-width of its 95 % confidence interval.
        draws: Data sets drawn until one had a well conditioned kernel.
    """

    point: Point
    slope: float
    interval: float
    draws: int


def observe(
    seed: int,
    *,
    points: tuple[Point, ...] = POINTS,
    trained_at: tuple[Point, ...] | None = None,
    norm_exponent: float = 0.0,
) -> tuple[Growth, ...]:
    """Train at growing widths on the same data.

    Args:
        seed: Seed of data and weights.
        points: (γ_L, γ') whose exponents are claimed.
        trained_at: Where networks are trained; by default at `points`.
        norm_exponent: s; inputs have the norm m^s.

    Returns:
        One measured exponent per point.
    """
    places = zip(points, trained_at or points, strict=True)
    return tuple(Growth(point, *_exponent(seed, place, norm_exponent)) for point, place in places)


def judge(observed: tuple[Growth, ...], law: Law) -> tuple[Comparison, ...]:
    """Compare exponents of the displacement of w, each alone and all together."""
    return (*_each(observed, law), *_together(observed, law))


def _each(observed: tuple[Growth, ...], law: Law) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(
            quantity=f"exponent of ‖w - w_0‖/‖w_0‖ in the width at γ_L = {point[0]:g}, γ' = {point[1]:g} "
            f"({'linear' if boundary_distance(*point) > 0 else 'condensed'})",
            predicted=float(law(*point)),
            measured=slope,
            interval=interval,
            tolerance=_TOLERANCE,
            reason="a quarter of 1/2, the distance to the nearest exponent of another case at these "
            "points; the next order, m^-1/2 at most, bends by (256^-1/2 - 2048^-1/2)/log 8 = 0.02",
            draws=draws,
        )
        for point, slope, interval, draws in observed
    )


def _together(observed: tuple[Growth, ...], law: Law) -> tuple[Comparison, ...]:
    """All points as one sample, which is sharper than each of them."""
    if len(observed) < len(POINTS):
        return ()
    predicted = np.array([float(law(*found.point)) for found in observed])
    measured = np.array([found.slope for found in observed])
    interval = float(np.linalg.norm([found.interval for found in observed])) / len(observed)
    reason = "three times the spread of {} over draws; exponents bend by 0.02 at most"
    return (
        Comparison(
            quantity=f"mean of measured less predicted exponents over {len(observed)} points",
            predicted=0.0,
            measured=float(np.mean(measured - predicted)),
            interval=interval,
            tolerance=_MEAN_TOLERANCE,
            reason=reason.format("0.018"),
        ),
        Comparison(
            quantity=f"slope of measured against predicted exponents over {len(observed)} points",
            predicted=1.0,
            measured=float(np.polyfit(predicted, measured, 1)[0]),
            interval=interval / float(predicted.std()),
            tolerance=_MEAN_TOLERANCE,
            reason=reason.format("0.016"),
        ),
    )


# Controls judge again what was trained under the hypotheses, at other points.
@lru_cache(maxsize=16)
def _exponent(seed: int, place: Point, norm_exponent: float) -> tuple[float, float, int]:
    gamma_l, gamma_prime = place
    x, y, tries = _data(seed)
    # The same draws at every point: a control differs by its violation alone.
    generator = torch.Generator().manual_seed(seed)
    widths, moved = [], []
    for width in _WIDTHS:
        for _ in range(_DRAWS.get(place, 1)):
            w = torch.randn(width, _INPUTS, generator=generator, dtype=torch.float64)
            a = torch.randn(1, width, generator=generator, dtype=torch.float64)
            # The standard deviations β2 and β1 of this point for α = 1.
            input_std = width ** ((gamma_prime - gamma_l) / 2)
            output_std = width ** (-(gamma_prime + gamma_l) / 2)
            end = displacement_from(x * width**norm_exponent, y, [input_std * w, output_std * a])
            if not end.converged:
                raise ArithmeticError(f"training did not reach its loss at {place}, m = {width}")
            widths.append(width)
            moved.append(end.relative_displacement_first)
    return (*fit_exponent(widths, moved), tries)


def _data(seed: int) -> tuple[Tensor, Tensor, int]:
    """Unit inputs whose kernel at infinite width is well conditioned, random targets, and number of draws."""
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


def _without_halving(gamma_l: ArrayLike, gamma_prime: ArrayLike) -> NDArray[np.float64]:
    exponent = phase_diagram(gamma_l, gamma_prime)
    return np.where(boundary_distance(gamma_l, gamma_prime) < 0, 2 * exponent, exponent)


CHECK = Check(
    prediction=phase_diagram,
    observe=observe,
    judge=judge,
    law=phase_diagram.evaluate,
    mutants={
        "every exponent 10 % too large": scaled(phase_diagram.evaluate, 1.1),
        "every exponent 0.1 too large": shifted(phase_diagram.evaluate, 0.1),
        "every exponent of the other sign": scaled(phase_diagram.evaluate, -1.0),
        "γ_L - 1 in the whole plane": lambda gamma_l, gamma_prime: np.asarray(gamma_l) - 1.0,
        "condensed exponent not halved": _without_halving,
    },
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

"""Does a lazy network on the line interpolate linearly if its biases are trained, else by a cubic spline?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import scaled
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.formulas.line_kernels import line_coefficients, line_interpolant
from lowcomplex.theorems.lazy_splines.formula import (
    BIAS_EXPONENT,
    OUTPUT_EXPONENT,
    lazy_splines,
    staircase,
)
from lowcomplex.theorems.observations.fits import fit_exponent
from lowcomplex.theorems.observations.line_network import (
    grid_network,
    least_norm,
    slotted_samples,
    train_on_line,
    train_small_start,
)

_RANGE, _KNOTS = 2.0, (80, 160, 320)
_ALPHA = 1e5
_PARTS = ("output", "input", "bias")

Array = NDArray[np.float64]
Part = Literal["bias", "output"]


class Law(NamedTuple):
    """The formulas that the check holds against networks.

    Attributes:
        interpolant: Points, samples, targets, trained part and range of the biases → function.
        staircase: Slope and spacing → rms distance of a staircase from the line that it follows.
        bias_exponent: Exponent of that distance in the number of knots.
        output_exponent: The same with output weights trained.
    """

    interpolant: Callable[..., Array]
    staircase: Callable[[float, float], float]
    bias_exponent: float
    output_exponent: float


class Trained(NamedTuple):
    """Functions of networks on grids of more and more knots, with one part trained.

    Attributes:
        samples: (n,).
        targets: (n,).
        points: (p,) where the functions are evaluated.
        by_bias: (grids, p), biases trained.
        by_output: (grids, p), output weights trained.
    """

    samples: Array
    targets: Array
    points: Array
    by_bias: Array
    by_output: Array


def observe(seed: int, *, whole: bool = False, sigma: float | None = None) -> Trained:
    """Train biases alone and output weights alone.

    Args:
        seed: Seed of data and weights.
        whole: Whether all parameters are trained instead, in the lazy limit.
        sigma: Scale of weights from which all parameters are trained instead, not lazily; None for neither.
    """
    rng = np.random.default_rng(seed)
    x, y, at = slotted_samples(rng, _RANGE, _KNOTS[-1])
    functions = []
    for knots in _KNOTS:
        network = grid_network(knots, _RANGE)
        if sigma is not None:
            both = train_small_start(rng, x, y, at, sigma, knots)
            functions.append((both, both))
        elif whole:
            both = least_norm(network, x, y, at, _PARTS)
            functions.append((both, both))
        else:
            biases = train_on_line(network, x, y, at, ("bias",), alpha=_ALPHA)
            functions.append((biases, least_norm(network, x, y, at, ("output",))))
    return Trained(x, y, at, *(np.array(part) for part in zip(*functions, strict=True)))


def judge(observed: Trained, law: Law) -> tuple[Comparison, ...]:
    """Compare the functions with the two splines, and how their distances fall with the number of knots."""
    x, y, at = observed.samples, observed.targets, observed.points
    linear = law.interpolant(at, x, y, trained="bias")
    cubic = law.interpolant(at, x, y, trained="output", bias_range=_RANGE)
    steps = np.sqrt(np.mean((observed.by_bias - linear) ** 2, axis=1))
    splines = np.sqrt(np.mean((observed.by_output - cubic) ** 2, axis=1))
    slopes = np.diff(y) / np.diff(x)
    spacing = 2 * _RANGE / _KNOTS[-1]
    slope = float(np.sqrt(np.sum(slopes**2 * np.diff(x)) / (x[-1] - x[0])))
    distance = law.staircase(slope, spacing)
    by_step, by_spline = fit_exponent(_KNOTS, steps), fit_exponent(_KNOTS, splines)
    size = float(np.sqrt(np.mean(cubic**2)))
    return (
        Comparison(
            quantity=f"rms distance from linear interpolation, biases trained, {4 * _KNOTS[-1]} neurons",
            predicted=distance,
            measured=steps[-1],
            tolerance=0.02 * distance,
            reason="a staircase of the knots, slope · spacing/√12, which sixteen points per step measure to "
            "1/16²; biases move by about 1/α, a thousandth of the spacing",
        ),
        by_step.beside(
            quantity="exponent of that distance in the number of knots",
            predicted=law.bias_exponent,
            tolerance=0.05,
            reason="the same terms, 2 %, over log 2",
        ),
        Comparison(
            quantity=f"rms distance from the cubic spline, outputs trained, {4 * _KNOTS[-1]} neurons",
            predicted=0.0,
            measured=splines[-1] / size,
            tolerance=(spacing * np.pi / np.diff(x).min()) ** 2 / 12,
            reason="h²/12 times the curvature of the shortest wave between samples, for knots h apart",
        ),
        by_spline.beside(
            quantity="exponent of that distance in the number of knots, outputs trained",
            predicted=law.output_exponent,
            tolerance=0.1,
            reason="the next term is of relative order h, 5 %, over log 2",
        ),
    )


def _natural(*args: ArrayLike, trained: Part, bias_range: float = np.inf) -> Array:
    return lazy_splines(*args, trained=trained)


def _exchanged(*args: ArrayLike, trained: Part, bias_range: float = np.inf) -> Array:
    return lazy_splines(*args, trained="bias" if trained == "output" else "output", bias_range=_RANGE)


def _wider(*args: ArrayLike, trained: Part, bias_range: float = np.inf) -> Array:
    return lazy_splines(*args, trained=trained, bias_range=1.1 * bias_range)


def _larger_cubic(
    points: ArrayLike, inputs: ArrayLike, targets: ArrayLike, *, trained: Part, bias_range: float = np.inf
) -> Array:
    right = line_coefficients(1.0, 1.0, bias_range=bias_range, trained=(trained,))
    return line_interpolant(points, inputs, targets, right._replace(cubic=1.1 * right.cubic))


LAW = Law(lazy_splines.evaluate, staircase, BIAS_EXPONENT, OUTPUT_EXPONENT)

CHECK = Check(
    prediction=lazy_splines,
    observe=observe,
    judge=judge,
    law=LAW,
    mutants={
        "functions 0.1 % too large": LAW._replace(interpolant=scaled(LAW.interpolant, 1.001)),
        "functions of the other sign": LAW._replace(interpolant=scaled(LAW.interpolant, -1.0)),
        "the natural spline in place of that of a finite range": LAW._replace(interpolant=_natural),
        "range of the biases 10 % too large": LAW._replace(interpolant=_wider),
        "cubic part of the kernel 10 % too large": LAW._replace(interpolant=_larger_cubic),
        "linear and cubic exchanged": LAW._replace(interpolant=_exchanged),
        "1/√12 of the staircase 10 % too large": LAW._replace(staircase=scaled(staircase, 1.1)),
        "distance of biases as knots^-1.1": LAW._replace(bias_exponent=BIAS_EXPONENT - 0.1),
        "distance of outputs as knots^-1": LAW._replace(output_exponent=BIAS_EXPONENT),
    },
    controls={
        "all parameters trained, in the lazy limit": {"whole": True},
        "all parameters trained, small initialization: σ = 0.1": {"sigma": 0.1},
    },
)

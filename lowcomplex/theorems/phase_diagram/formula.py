"""Luo, Xu, Ma and Zhang's plane: exponents in the width of a two-layer network's relative displacement."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# Nearer to the boundary the next order, m^-distance, is no longer small at widths that can be trained. At
# this distance it is 0.13 for a width of 4096.
TRANSITION = 0.25


class Coordinates(NamedTuple):
    """A point of the plane.

    Attributes:
        gamma_l: γ_L = -log(β1 β2 / α) / log m.
        gamma_prime: γ'_L = -log(β1 / β2) / log m.
    """

    gamma_l: Array
    gamma_prime: Array


def luo_coordinates(
    output_std: ArrayLike, input_std: ArrayLike, width: ArrayLike, *, output_scale: ArrayLike = 1.0
) -> Coordinates:
    """The point of f = (1/α) Σ_k a_k s(w_k·x), a ~ N(0, β1²), w ~ N(0, β2²), in Luo et al.'s plane.

    Inputs of norm r and targets of size Y count as α = Y/r: they only rescale time and weights.

    Args:
        output_std: β1.
        input_std: β2.
        width: Width m, at least 2.
        output_scale: α. All four broadcast.

    Returns:
        γ_L and γ'_L of one width; the source takes their limit as m → ∞.

    Raises:
        ValueError: A scale is not positive and finite, or a width below 2.

    Example:
        >>> point = luo_coordinates(0.01, 0.1, 100)
        >>> round(float(point.gamma_l), 9), round(float(point.gamma_prime), 9)
        (1.5, 0.5)
    """
    scales = {"output_std": output_std, "input_std": input_std, "output_scale": output_scale}
    for name, value in scales.items():
        array = np.asarray(value, dtype=float)
        if not (np.isfinite(array).all() and (array > 0).all()):
            raise ValueError(f"{name}: expected positive and finite scales")
    widths = np.asarray(width, dtype=float)
    if not (widths >= 2).all():
        raise ValueError("width: expected at least two neurons")
    beta1, beta2, alpha = (np.log(np.asarray(value, dtype=float)) for value in scales.values())
    log_m = np.log(widths)
    return Coordinates(-(beta1 + beta2 - alpha) / log_m, -(beta1 - beta2) / log_m + 0 * alpha)


def boundary_distance(gamma_l: ArrayLike, gamma_prime: ArrayLike) -> Array:
    """Exponent in m of the kernel at the start: positive where the network is lazy, negative where rich.

    The tangent kernel m (β1² + β2²)/α grows as m^(1 - γ_L + |γ'|). A kernel far below 1 does not reach its
    targets unless gradients change.

    Args:
        gamma_l: γ_L.
        gamma_prime: γ'_L; broadcasts against `gamma_l`.

    Returns:
        1 - γ_L + |γ'|.
    """
    g, h = _point(gamma_l, gamma_prime)
    return 1 - g + np.abs(h)


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    g, h = sp.symbols("gamma_L gamma_prime", real=True)
    output_side, input_side = 1 - g - h, 1 - g + h
    kernel = sp.Max(output_side, input_side)
    lazy = sp.Max((output_side - input_side) / 2 - kernel, -2 * kernel)
    exponent = sp.Piecewise((lazy, kernel >= 0), (-input_side / 2, True))
    return {
        "exponent of the kernel": 1 - g + sp.Abs(h),
        "exponent of w": exponent,
        "linear, γ' <= 0": g - 1,
        "linear, γ' > 0": sp.Max(g - 2 * h - 1, 2 * (g - h - 1)),
        "condensed": (g - h - 1) / 2,
        "exponent of all weights": sp.Piecewise(
            (g - sp.Abs(h) - 1, kernel >= 0), ((g - sp.Abs(h) - 1) / 2, True)
        ),
    }


def _evaluate(gamma_l: ArrayLike, gamma_prime: ArrayLike, *, all_weights: bool = False) -> Array:
    """Exponent e of the relative displacement in the width, ‖θ - θ_0‖/‖θ_0‖ ~ m^e.

    Of the input weights w:

    - γ' <= 0 and γ_L + γ' <= 1:  e = γ_L - 1;
    - γ' > 0 and γ_L - γ' <= 1:  e = max(γ_L - 2γ' - 1, 2(γ_L - γ' - 1));
    - else:  e = (γ_L - γ' - 1)/2.

    Of all weights: γ_L - |γ'| - 1, halved where it is positive.

    Args:
        gamma_l: γ_L.
        gamma_prime: γ'_L; broadcasts against `gamma_l`.
        all_weights: The displacement of w and a together, instead of w alone.

    Returns:
        The exponents; they are continuous across the lines between the cases.

    Raises:
        ValueError: A coordinate is not finite.
    """
    return (_of_all if all_weights else _of_inputs)(*_point(gamma_l, gamma_prime))


_PLANE = ("gamma_L", "gamma_prime")
_of_inputs = closed_form(_expressions, "exponent of w", *_PLANE)
_of_all = closed_form(_expressions, "exponent of all weights", *_PLANE)


def _point(gamma_l: ArrayLike, gamma_prime: ArrayLike) -> tuple[Array, Array]:
    g, h = np.broadcast_arrays(np.asarray(gamma_l, dtype=float), np.asarray(gamma_prime, dtype=float))
    for name, value in (("gamma_l", g), ("gamma_prime", h)):
        if not np.isfinite(value).all():
            raise ValueError(f"{name}: expected finite coordinates")
    return g, h


def _regime(
    *, gamma_l: float, gamma_prime: float, unit_norm_inputs: bool = True, fixed_inputs: bool = True
) -> Regime:
    """Which case a point lies in; outside near the boundary and for data that change with the width.

    Args:
        gamma_l: γ_L.
        gamma_prime: γ'_L.
        unit_norm_inputs: Whether inputs have norm 1.
        fixed_inputs: Whether the data stay the same as the width grows.
    """
    if not fixed_inputs:
        return Regime(False, "data of a growing dimension: gamma_law's exponents hold instead")
    if not unit_norm_inputs:
        return Regime(False, "inputs of norm r count as α = 1/r: move γ_L by -log r / log m first")
    distance = float(boundary_distance(gamma_l, gamma_prime))
    if abs(distance) < TRANSITION:
        return Regime(
            False,
            f"1 - γ_L + |γ'| = {distance:.3g}: nearer than {TRANSITION} to the boundary, exponents bend",
        )
    if distance < 0:
        return Regime(True, f"condensed: the kernel is m^{distance:.3g} at the start, weights must grow")
    moves = "input weights still leave their start" if gamma_l > 1 and gamma_prime < gamma_l - 1 else "linear"
    carrier = "output weights carry" if gamma_prime > 0 else "input weights carry"
    return Regime(True, f"{moves}: the kernel is m^{distance:.3g}, {carrier} the change")


phase_diagram = Prediction(
    name="phase_diagram",
    statement=(
        "A two-layer network of width m at the point (γ_L, γ') of Luo et al.'s plane moves its input weights "
        "by m^e relative to their start: e = γ_L - 1 (linear, γ' <= 0), max(γ_L - 2γ' - 1, 2(γ_L - γ' - 1)) "
        "(linear, γ' > 0), (γ_L - γ' - 1)/2 (condensed); continuous, and rich where γ_L - |γ'| > 1."
    ),
    hypotheses=(
        "f = (1/α) Σ_k a_k s(w_k·x), ReLU or linear, a ~ N(0, β1²), w ~ N(0, β2²)",
        "m → ∞ on fixed data of fixed dimension, inputs of unit norm",
        "output centered at initialization (f - f_0)",
        "trained to a small loss by gradient flow",
    ),
    source=(
        "Luo, Xu, Ma, Zhang, JMLR 2021 (2007.07497): coordinates and the sign of e (theorems 6-8); "
        "the exponents derived"
    ),
    kind="rate",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Luo et al.'s plane: a two-layer network of width m moves its input weights by m^e, e piecewise "
        "linear in (γ_L, γ'); rich where γ_L - |γ'| > 1"
    ),
    order=90,
)

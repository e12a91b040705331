"""Tangent kernel of a two-layer ReLU network on the line, and the function that it interpolates with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Parametrization = Literal["bias", "location"]
PARTS = ("output", "input", "bias")


class LineKernel(NamedTuple):
    """2B K(x, x') = constant + linear x x' + cubic |x-x'|³/12 - (kink + product x x')|x-x'|/2.

    Attributes:
        constant: The constant; it grows as B³.
        linear: Coefficient of x x'; it grows as B.
        cubic: Coefficient of the cubic kink; this and the two below do not depend on B.
        kink: Coefficient of the linear kink.
        product: Coefficient of the linear kink times x x'.
    """

    constant: float
    linear: float
    cubic: float
    kink: float
    product: float


def line_coefficients(
    input_weight: ArrayLike,
    output_weight: ArrayLike,
    *,
    bias_range: float,
    trained: Collection[str] = PARTS,
    parametrization: Parametrization = "bias",
) -> LineKernel:
    """The kernel of f = m^(-1/2) Σ a relu(w x + b), b uniform on [-B, B], signs of w and a even.

    With parametrization "location" it is f = m^(-1/2) Σ a relu(w (x - l)), l uniform on [-B, B]. Exact for
    |x| <= B / max|w| ("bias") or |x| <= B ("location").

    Args:
        input_weight: (m,) or a number: w of the neurons, over which the kernel is averaged.
        output_weight: (m,) or a number: a of the neurons.
        bias_range: B.
        trained: The parts that are trained, among "output", "input", "bias" (the location in its place).
        parametrization: "bias" if b is a parameter, "location" if l is.

    Returns:
        The coefficients.

    Raises:
        ValueError: A part or the parametrization is unknown, no part is trained, B is not positive, or the
            weights are not finite.
    """
    unknown = set(trained) - set(PARTS)
    if unknown or not trained:
        raise ValueError(f"trained: expected some of {PARTS}, got {tuple(trained)}")
    if parametrization not in ("bias", "location"):
        raise ValueError(f"parametrization: expected 'bias' or 'location', got {parametrization!r}")
    if not bias_range > 0:
        raise ValueError(f"bias_range: expected B > 0, got {bias_range}")
    w, a = np.broadcast_arrays(
        np.abs(np.asarray(input_weight, dtype=float)), np.asarray(output_weight, dtype=float)
    )
    if not (np.isfinite(w).all() and np.isfinite(a).all()):
        raise ValueError("input_weight, output_weight: hold NaN or infinite entries")
    b = bias_range
    constant = linear = cubic = kink = product = 0.0
    located = parametrization == "location"
    if "output" in trained:
        constant += (np.mean(w**2) if located else 1.0) * b**3 / 3
        linear += b * np.mean(w**2)
        cubic += np.mean(w**2 if located else w**3)
    if "bias" in trained:
        constant += b * np.mean(a**2 * w**2 if located else a**2)
        kink += np.mean(a**2 * w**2 if located else a**2 * w)
    if "input" in trained:
        linear += b * np.mean(a**2)
        if located:
            constant += np.mean(a**2) * b**3 / 3
            cubic += np.mean(a**2)
        else:
            product += np.mean(a**2 * w)
    return LineKernel(*(float(value) for value in (constant, linear, cubic, kink, product)))


def line_kernel(x: ArrayLike, other: ArrayLike, coefficients: LineKernel, *, bias_range: float) -> Array:
    """K(x, x') from its coefficients.

    Args:
        x: (p,).
        other: (q,).
        coefficients: From `line_coefficients`.
        bias_range: B.

    Returns:
        (p, q).
    """
    one, two = np.asarray(x, dtype=float)[:, None], np.asarray(other, dtype=float)[None, :]
    trend = coefficients.constant + coefficients.linear * one * two
    return np.asarray((trend + _local(one, two, coefficients)) / (2 * bias_range))


def line_interpolant(
    points: ArrayLike, samples: ArrayLike, targets: ArrayLike, coefficients: LineKernel
) -> Array:
    """The end of a lazy network's training: the function of least norm in its kernel through all samples.

    f = Σ c_i (cubic |x-x_i|³/12 - (kink + product x x_i)|x-x_i|/2) + p_0 + p_1 x with Σ c_i = p_0/constant
    and Σ c_i x_i = p_1/linear. With infinite coefficients (B → ∞) constants and slopes cost nothing.

    Args:
        points: (p,) where to evaluate f.
        samples: (n,) distinct.
        targets: (..., n).
        coefficients: From `line_coefficients`.

    Returns:
        (..., p).

    Raises:
        ValueError: Shapes do not agree, values are not finite, samples coincide, or there are fewer than two.
    """
    at, x, y = (np.asarray(value, dtype=float) for value in (points, samples, targets))
    if at.ndim != 1 or x.ndim != 1 or y.shape[-1:] != x.shape:
        raise ValueError(
            f"points, samples, targets: expected (p,), (n,), (..., n), got {at.shape}, {x.shape}, {y.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(at).all()):
        raise ValueError("points, samples, targets: hold NaN or infinite entries")
    if len(x) < 2 or len(np.unique(x)) < len(x):
        raise ValueError("samples: expected at least two, no two of them equal")
    trends = [coefficients.constant, coefficients.linear]
    powers = [power for power, weight in enumerate(trends) if weight > 0]
    basis = x[:, None] ** powers
    charge = np.diag([-1 / trends[power] for power in powers])
    system = np.block([[_local(x[:, None], x[None, :], coefficients), basis], [basis.T, charge]])
    right = np.concatenate((y, np.zeros((*y.shape[:-1], len(powers)))), axis=-1)
    solution = np.linalg.solve(system, right[..., None])[..., 0]
    shape = np.concatenate((_local(at[:, None], x[None, :], coefficients), at[:, None] ** powers), axis=1)
    return np.asarray(solution @ shape.T)


def _local(one: Array, two: Array, coefficients: LineKernel) -> Array:
    distance = np.abs(one - two)
    kinks = (coefficients.kink + coefficients.product * one * two) * distance / 2
    return np.asarray(coefficients.cubic * distance**3 / 12 - kinks)

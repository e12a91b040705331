"""The directions that neurons of multiplicity p condense to: at most p lines, 2p orientations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.samples import checked_samples

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TensorDirections:
    """Stationary orientations of T on the circle, w ∝ (cos φ, sin φ).

    Attributes:
        angles: (k,) angles φ in [0, 2π), increasing; k <= 2p.
        values: (k,) T there.
        attracts: (k,) +1 where neurons with a > 0 condense (a maximum with T > 0), -1 where those with a < 0
            do (a minimum with T < 0), 0 elsewhere.
    """

    angles: Array
    values: Array
    attracts: NDArray[np.int_]


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    x1, x2, z, angle = sp.symbols("x_1 x_2 z phi", real=True)
    p = sp.Symbol("p", integer=True, positive=True)
    tensor = (x1 * sp.cos(angle) + x2 * sp.sin(angle)) ** p
    return {
        "term of T": tensor,
        "term of dT/dφ": sp.diff(tensor, angle),
        "term of the polynomial in z = tan φ": (x1 + x2 * z) ** (p - 1) * (x2 - x1 * z),
    }


def stationary_polynomial(inputs: ArrayLike, targets: ArrayLike, multiplicity: int) -> Array:
    """Coefficients, highest degree first, of Σ y_i (x_i1 + x_i2 z)^(p-1) (x_i2 - x_i1 z).

    Args:
        inputs: (n, 2) inputs, the second column 1 for a bias.
        targets: (n,) targets y.
        multiplicity: Multiplicity p of the activation.
    """
    x, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    total = np.zeros(multiplicity + 1)
    for power in range(multiplicity):
        # Binomial term z^power of (x1 + x2 z)^(p-1), times x2 and times -x1 z.
        weight = (
            y * math.comb(multiplicity - 1, power) * x[:, 0] ** (multiplicity - 1 - power) * x[:, 1] ** power
        )
        total[multiplicity - power] += weight @ x[:, 1]
        total[multiplicity - power - 1] -= weight @ x[:, 0]
    return total


def tensor_value(inputs: ArrayLike, targets: ArrayLike, multiplicity: int, angle: ArrayLike) -> Array:
    """T(φ) = (1/n) Σ y_i (w·x_i)^p at w = (cos φ, sin φ).

    Args:
        inputs: (n, 2) inputs, the second column 1 for a bias.
        targets: (n,) targets y.
        multiplicity: Multiplicity p of the activation.
        angle: (...) φ in radians.
    """
    x, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    phi = np.asarray(angle, dtype=float)
    projection = np.cos(phi)[..., None] * x[:, 0] + np.sin(phi)[..., None] * x[:, 1]
    value: Array = (projection**multiplicity) @ y / len(y)
    return value


def slowest_turning(
    inputs: ArrayLike, targets: ArrayLike, multiplicity: int, found: TensorDirections
) -> float:
    """The least rate on the circle at which neurons turn while they grow.

    In the leading flow dφ/dlog|w| = T'(φ)/(p T(φ)), for any a. Beside a stationary orientation that is
    κ times the distance ψ to it, κ = |T''/(p T)|. Where two of them have nearly merged, or merged and
    vanished, it is small over a whole arc, and no attainable growth brings neurons through. The result is the
    least |T'/(p T)| / sin ψ on the circle: angles shrink at least as |w| to minus this power.

    Args:
        inputs: (n, 2) inputs, the second column 1 for a bias.
        targets: (n,) targets y.
        multiplicity: Multiplicity p of the activation.
        found: From `tensor_directions`.

    Returns:
        The least rate; 0 if there is no stationary orientation.
    """
    if not len(found.angles):
        return 0.0
    h = 1e-4
    # T(φ + π) = ±T(φ): half the circle is enough, and its stationary orientations themselves.
    grid = np.append(np.linspace(0, np.pi, 2000, endpoint=False), found.angles + 10 * h)
    value, ahead, behind = (tensor_value(inputs, targets, multiplicity, grid + step) for step in (0.0, h, -h))
    distance = np.abs(np.angle(np.exp(2j * (grid[:, None] - found.angles)))).min(1) / 2
    clear = (distance > h) & (value != 0)
    rate = np.abs((ahead - behind)[clear] / (2 * h * multiplicity * value[clear]))
    return float((rate / np.sin(distance[clear])).min())


def _evaluate(
    inputs: ArrayLike, targets: ArrayLike, multiplicity: int, *, tie: float = 1e-6
) -> TensorDirections:
    """Orientations where neurons with s(z) = c z^p + …, c > 0, may condense.

    They are the real roots z = tan φ of Σ y_i (x_i1 + x_i2 z)^(p-1) (x_i2 - x_i1 z), and φ = π/2 if the
    coefficient of z^p vanishes. The maxima of T with T > 0 attract neurons with a > 0, its minima with T < 0
    those with a < 0.

    Args:
        inputs: (n, 2) inputs, the second column 1 for a bias.
        targets: (n,) targets y.
        multiplicity: Multiplicity p of the activation.
        tie: Roots closer than this (in radians) are a tie.

    Returns:
        The stationary orientations.

    Raises:
        ValueError: Shapes do not agree, values are not finite, the polynomial vanishes identically (T is
            constant), or two roots tie, which leaves maxima and minima indistinguishable.
    """
    x, y = checked_samples(inputs, targets, dimension=2)
    if multiplicity < 1:
        raise ValueError(f"multiplicity: expected a positive number, got {multiplicity}")
    coefficients = stationary_polynomial(x, y, multiplicity)
    scale = float(np.abs(y) @ np.linalg.norm(x, axis=1) ** multiplicity)
    if not scale > 0 or np.abs(coefficients).max() <= 1e-12 * scale:
        raise ValueError("targets: T is constant on the circle, no direction is singled out")
    roots = np.roots(coefficients)
    real = roots[np.abs(roots.imag) <= 1e-9 * (1 + np.abs(roots))].real
    lines = np.arctan(real)
    if np.abs(coefficients[0]) <= 1e-12 * scale:
        lines = np.append(lines, np.pi / 2)
    lines = np.sort(np.mod(lines, np.pi))
    if len(lines) > 1 and np.diff(np.append(lines, lines[0] + np.pi)).min() < tie:
        raise ValueError("inputs: two stationary directions tie; the law needs a gap between them")
    angles = np.concatenate((lines, lines + np.pi))
    values = tensor_value(x, y, multiplicity, angles)
    probe = 1e-4
    curvature = (
        tensor_value(x, y, multiplicity, angles + probe)
        + tensor_value(x, y, multiplicity, angles - probe)
        - 2 * values
    )
    attracts = np.where((curvature < 0) & (values > 0), 1, np.where((curvature > 0) & (values < 0), -1, 0))
    return TensorDirections(angles, values, attracts)


def _regime(*, sigma: float, multiplicity: int | None, turning: float = 1.0) -> Regime:
    """Inside for an activation of known multiplicity, small initialization, and data without a bottleneck.

    Args:
        sigma: Scale σ of the initial weights.
        multiplicity: Multiplicity of the activation; None if it has none.
        turning: The `slowest_turning` on the data.
    """
    if multiplicity is None:
        return Regime(False, "the activation has no finite multiplicity at zero")
    if sigma > 1e-2:
        return Regime(False, f"σ = {sigma:g} is not small: higher orders of the activation take part")
    if turning < 0.1:
        return Regime(False, f"neurons turn as slowly as |w|^{turning:g}: stationary directions nearly merge")
    return Regime(True, f"multiplicity {multiplicity}, σ = {sigma:g}")


tensor_directions = Prediction(
    name="tensor_directions",
    statement=(
        "Neurons with an activation of multiplicity p and one input with bias can condense to at most p "
        "lines, 2p orientations: the stationary points of T(w) = (1/n) Σ y_i (w·x_i)^p on the circle, roots "
        "of one polynomial of degree p. Those with a > 0 end at maxima with T > 0, those with a < 0 at "
        "minima with T < 0. Angles shrink as a power of |w|: the least of |T'/(p T)| / sin ψ, with ψ the "
        "distance to the nearest stationary orientation."
    ),
    hypotheses=(
        "activation s(z) = c z^p + …, c > 0, at small initialization",
        "two-dimensional neurons: one input and a bias (or two inputs)",
        "distinct stationary directions, and none that have just merged: neurons turn at a rate |T'/(p T)| "
        "of order sin ψ everywhere; else only growth far beyond the leading flow brings them through",
    ),
    source="Zhou, Zhou, Luo, Zhang, Xu, NeurIPS 2022 (2105.11686), theorem 2 (the count); rest derived",
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "With multiplicity p and one input, at most p lines, 2p orientations: the roots of one polynomial; "
        "neurons turn to them as a power of their size, unless two have nearly merged"
    ),
    order=70,
)

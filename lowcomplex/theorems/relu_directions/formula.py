"""The finite set of directions that ReLU neurons align to at small initialization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.samples import checked_samples

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# Knots closer than this (in radians) are one knot to double precision.
_COINCIDENT = 1e-9
# A sum that vanishes, as on arcs without an active sample, is rounding: this share of its terms at most.
_ROUNDING = 1e-13


@dataclass(frozen=True)
class ReluDirections:
    """Attracting orientations on the circle, w ∝ (cos φ, sin φ), the fastest first.

    Attributes:
        angles: (k,) angles φ in [0, 2π).
        rates: (k,) |G| there: a and w of an aligned neuron grow as exp(|G| t).
        signs: (k,) sign of the output weights a of the neurons that align: the sign of G.
        samples: (k,) the sample whose knot the attractor is, or -1 where it lies inside an arc.
    """

    angles: Array
    rates: Array
    signs: NDArray[np.int_]
    samples: NDArray[np.int_]

    @property
    def top_rate(self) -> float:
        """Gmax, the growth rate that sets the escape from the plateau."""
        return float(self.rates[0])

    @property
    def runner_up(self) -> float:
        """The second rate over the first; 0 if there is one attractor only."""
        return float(self.rates[1] / self.rates[0]) if len(self.rates) > 1 else 0.0


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    size, phi, psi, t, delta, loss, rate, across = sp.symbols("D phi psi t delta L_0 G c", positive=True)
    return {
        "G on an arc": size * sp.cos(phi - psi),
        "growth of an aligned neuron": sp.exp(rate * t),
        "dT/dlog(1/σ)": 1 / rate,
        "shift at the δ-stop": -delta * loss * across / (3 * rate**2),
    }


def _evaluate(inputs: ArrayLike, targets: ArrayLike) -> ReluDirections:
    """Attractors of ReLU neurons in the leading flow ȧ = G(w), ẇ = a ∇G(w).

    G(w) = (1/n) Σ y_i relu(w·x_i) is linear, D·w, on each of the arcs between the 2n knots w·x_i = 0.
    Neurons with a > 0 climb G on the circle. Its local maxima with G > 0 are of two kinds. One is D/|D| where
    it lies inside its own arc, with G = |D|. The other is a knot where G rises before and falls after, which
    needs y_i < 0: such a neuron is pinned to w·x_i = 0, with its own knot at the data point. Neurons with
    a < 0 do the same with -G.

    Args:
        inputs: (n, 2) inputs, the second column 1 for a bias.
        targets: (n,) targets y.

    Returns:
        The attractors, sorted by decreasing rate.

    Raises:
        ValueError: Shapes do not agree; values are not finite; an input is zero or two inputs are parallel,
            which makes their knots coincide; or G vanishes, and nothing attracts.
    """
    x, y = _checked(inputs, targets)
    directions = np.arctan2(x[:, 1], x[:, 0])
    knots = np.mod(np.concatenate((directions - np.pi / 2, directions + np.pi / 2)), 2 * np.pi)
    order = np.argsort(knots)
    knots, samples = knots[order], order % len(x)
    widths = np.diff(np.append(knots, knots[0] + 2 * np.pi))
    if widths.min() < _COINCIDENT:
        raise ValueError(
            "inputs: two are parallel, so their knots coincide; add up such samples' targets first"
        )
    middles = knots + widths / 2
    drive = _drive(x, y, middles)
    least = _ROUNDING * float(np.abs(y) @ np.linalg.norm(x, axis=1)) / len(y)
    angles, values, kinds = [], [], []
    for sign in (1, -1):
        inside = np.arctan2(sign * drive[:, 1], sign * drive[:, 0])
        size = np.hypot(drive[:, 0], drive[:, 1])
        offset = np.abs(np.angle(np.exp(1j * (inside - middles))))
        found = (size > least) & (offset < widths / 2)
        angles.append(inside[found])
        values.append(sign * size[found])
        kinds.append(np.full(found.sum(), -1))
        along = np.stack((np.cos(knots), np.sin(knots)), axis=1)
        across = np.stack((-np.sin(knots), np.cos(knots)), axis=1)
        height = sign * (drive * along).sum(1)
        after = sign * (drive * across).sum(1)
        before = sign * (np.roll(drive, 1, axis=0) * across).sum(1)
        found = (height > least) & (before >= 0) & (after <= 0)
        angles.append(knots[found])
        values.append(sign * height[found])
        kinds.append(samples[found])
    angle, value, kind = np.concatenate(angles), np.concatenate(values), np.concatenate(kinds)
    if not len(angle):
        raise ValueError("targets: G vanishes on the circle, nothing attracts")
    fastest = np.argsort(-np.abs(value), kind="stable")
    return ReluDirections(
        angles=np.mod(angle, 2 * np.pi)[fastest],
        rates=np.abs(value)[fastest],
        signs=np.sign(value).astype(int)[fastest],
        samples=kind[fastest],
    )


def relu_drive(inputs: ArrayLike, targets: ArrayLike, angle: ArrayLike) -> Array:
    """G(φ) = (1/n) Σ y_i relu(w·x_i) at w = (cos φ, sin φ).

    Args:
        inputs: (n, 2) inputs, the second column 1 for a bias.
        targets: (n,) targets y.
        angle: (...) φ in radians.

    Returns:
        (...).

    Raises:
        ValueError: Shapes do not agree, or values are not finite.
    """
    x, y = _checked(inputs, targets)
    phi = np.asarray(angle, dtype=float)
    projection = np.cos(phi)[..., None] * x[:, 0] + np.sin(phi)[..., None] * x[:, 1]
    value: Array = np.maximum(projection, 0.0) @ y / len(y)
    return value


def feedback_shift(inputs: ArrayLike, targets: ArrayLike, *, share: float) -> float:
    """Angle by which the top direction has moved when the loss has fallen by a share δ, to first order in δ.

    The output S relu(ŵ·x) of the aligned neurons turns D into D - S C ŵ, C = (1/n) Σ x_i x_iᵀ over active
    samples. As S grows as exp(2 G t), the neurons lag behind: ψ = -S c / (3 G), c the part of C ŵ across ŵ.
    With δ L_0 = S G, ψ = -δ L_0 c / (3 G²), whatever σ. A top direction at a knot does not move.

    Args:
        inputs: (n, 2) inputs, the second column 1 for a bias.
        targets: (n,) targets y.
        share: Share δ by which the loss has fallen.

    Returns:
        The signed angle in radians.

    Raises:
        ValueError: As for `relu_directions`.
    """
    x, y = _checked(inputs, targets)
    found = relu_directions(x, y)
    if found.samples[0] >= 0:
        return 0.0
    angle = found.angles[0]
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    active = x[x @ along > 0]
    pulled = float((active @ along) @ (active @ across)) / len(y)
    return float(_shift(share, np.square(y).mean() / 2, found.top_rate, pulled))


_shift = closed_form(_expressions, "shift at the δ-stop", "delta", "L_0", "G", "c")


def _drive(x: Array, y: Array, angles: Array) -> Array:
    """D = ∇G inside arcs."""
    active = np.cos(angles)[:, None] * x[:, 0] + np.sin(angles)[:, None] * x[:, 1] > 0
    drive: Array = (active * y) @ x / len(y)
    return drive


def _checked(inputs: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    x, y = checked_samples(inputs, targets, dimension=2)
    if not np.linalg.norm(x, axis=1).all():
        raise ValueError("inputs: one is zero, so it has no knot")
    return x, y


def _regime(*, sigma: float, share: float, runner_up: float = 0.0) -> Regime:
    """Inside for small σ and an early stop; the rate law also needs a gap below the fastest direction.

    Args:
        sigma: Scale σ of the initial weights.
        share: Share δ by which the loss has fallen.
        runner_up: Second rate over the first; matters for the law of the rate alone.
    """
    if sigma > 1e-5:
        return Regime(False, f"σ = {sigma:g} is not small: neurons do not align before the loss falls")
    if share > 1e-2:
        return Regime(False, f"δ = {share:g} is late: directions have moved by an angle of order δ at any σ")
    if runner_up > 0.8:
        return Regime(False, f"the second rate is {runner_up:g} of the first: the escape mixes both")
    return Regime(True, f"σ = {sigma:g}, δ = {share:g}: directions moved by an angle of order δ")


relu_directions = Prediction(
    name="relu_directions",
    statement=(
        "At small initialization ReLU neurons with one input and a bias align to a finite set of directions "
        "that the data fix: local maxima of |G|, G(w) = (1/n) Σ y_i relu(w·x_i), on the circle. They lie "
        "inside an arc or put the neuron's knot exactly at a data point. The fastest one sets the plateau's "
        "length, dT/dlog(1/σ) = 1/Gmax."
    ),
    hypotheses=(
        "two-dimensional neurons: one input and a bias; no two inputs equal",
        "loss (1/2n) Σ (f - y)², gradient flow from a scale σ much smaller than 1, until L = (1-δ) L_0",
        "a neuron starts in the basin of the fastest direction, which explains more than δ of the loss",
        "for the rate, the second direction is slower by a fifth",
    ),
    source=(
        "Maennel, Bousquet, Gelly 2018 (1803.08367) for the finite set; Boursier, Pillaud-Vivien, "
        "Flammarion, NeurIPS 2022 (2206.00939) for the early alignment; rate and shift derived"
    ),
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "At a small start, ReLU neurons with one input and a bias align to a finite set of directions, "
        "inside arcs or with their knots exactly at data points; the fastest sets the plateau's length"
    ),
    order=130,
)

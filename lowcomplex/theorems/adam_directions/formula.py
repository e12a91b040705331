"""Where Adam takes a multiplicity-one network at small initialization: to the signs of v."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


class AdamDirections(NamedTuple):
    """The predicted weights.

    Attributes:
        output_weight: (..., m) a after the steps.
        input_weight: (..., m, d) w after the steps.
        cosine: (..., m) cosine of each neuron with sign(v).
    """

    output_weight: Array
    input_weight: Array
    cosine: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    w0, a0, moved_w, moved_a, sign = sp.symbols("w_0 a_0 A B s", real=True)
    step, neurons, drop, norm, amplitude = sp.symbols("eta m Delta v_1 q", positive=True)
    return {
        "w": w0 + step * moved_w * sign,
        "a": a0 + step * moved_a,
        "loss drop": neurons * (step * amplitude) ** 2 * norm,
        "amplitude at escape": sp.sqrt(drop / (neurons * norm)) / step,
        "updates per step": sp.sqrt(3),
    }


def _moments(betas: tuple[float, float]) -> tuple[float, float]:
    first, second = betas
    if not (0 <= first < 1 and 0 < second < 1):
        raise ValueError(f"betas: expected 0 <= β1 < 1 and 0 < β2 < 1, got {betas}")
    return first, second


def _signs(v: ArrayLike) -> tuple[Array, Array]:
    vector = np.asarray(v, dtype=float)
    if vector.ndim != 1 or not np.isfinite(vector).all() or (vector == 0).any():
        raise ValueError("v: expected a finite vector without a zero, whose signs Adam follows")
    return vector, np.sign(vector)


def _evaluate(
    input_weight: ArrayLike,
    output_weight: ArrayLike,
    v: ArrayLike,
    *,
    step: ArrayLike,
    steps: int,
    betas: tuple[float, float] = (0.9, 0.999),
) -> AdamDirections:
    """Weights after `steps` updates of Adam on (1/2n) Σ (f - y)², with Adam's ε → 0.

    All coordinates of one neuron have the gradient a_k v_j, and Adam divides its size |v_j| out. So
    w_k = w_k(0) + η A_k sign(v), a_k = a_k(0) + η B_k, where (A, B) is a recursion of two numbers per
    neuron: Adam's update for the gradients α + B and μ + A, with α = a(0)/η and μ = w(0)·v / (η |v|_1).

    Args:
        input_weight: (..., m, d) initial input weights w.
        output_weight: (..., m) initial output weights a.
        v: (d,) driving vector v, the `driving_vector`.
        step: Learning rate η, a number or an array that broadcasts against (..., m).
        steps: Number of updates.
        betas: Adam's β1 and β2.

    Returns:
        w, a and the cosines of the neurons with sign(v).

    Raises:
        ValueError: v holds a zero or is not finite, the step is not positive, `steps` is negative, a β is
            outside [0, 1), or a neuron's first gradient vanishes, which has no sign.
    """
    w0, a0 = np.asarray(input_weight, dtype=float), np.asarray(output_weight, dtype=float)
    vector, sign = _signs(v)
    if w0.shape != (*a0.shape, len(vector)):
        raise ValueError(f"input_weight: expected {(*a0.shape, len(vector))} for (..., m, d), got {w0.shape}")
    rate = np.asarray(step, dtype=float)
    if not (rate > 0).all():
        raise ValueError("step: expected positive learning rates")
    if steps < 0:
        raise ValueError(f"steps: expected zero or more, got {steps}")
    start = np.stack(np.broadcast_arrays(a0 / rate, w0 @ vector / (rate * np.abs(vector).sum())))
    if not np.all(start):
        raise ValueError("input_weight, output_weight: a neuron's first gradient is zero")
    moved = _pair_path(start, steps, betas)
    w = w0 + (rate * moved[0])[..., None] * sign
    cosine = w @ sign / (np.linalg.norm(w, axis=-1) * np.sqrt(len(vector)))
    return AdamDirections(a0 + rate * moved[1], w, cosine)


def _pair_path(start: Array, steps: int, betas: tuple[float, float]) -> Array:
    """(A, B) after the steps; `start` holds (α, μ), the first gradients of (w, a)."""
    first, second = _moments(betas)
    moved, mean, square = np.zeros_like(start), np.zeros_like(start), np.zeros_like(start)
    for t in range(1, steps + 1):
        # The gradient of w is a, that of a is w.
        gradient = start + moved[::-1]
        mean = first * mean + (1 - first) * gradient
        square = second * square + (1 - second) * gradient**2
        moved = moved + mean / (1 - first**t) / np.sqrt(square / (1 - second**t))
    return moved


def adam_amplitude(steps: int, *, betas: tuple[float, float] = (0.9, 0.999)) -> Array:
    """q_t, the size that weights reach after t steps from nothing, in units of the learning rate.

    Adam's update where the gradient is the weight itself: q_1 = 1, and q_t / t is between 0.87 and 1.6 with
    the usual β. Between 1/(1-β1) and 1/(1-β2) steps q grows by sqrt(3) per step, since the mean square of a
    gradient that grows linearly is a third of its last square; later it grows by 1.

    Args:
        steps: Number of updates.
        betas: Adam's β1 and β2.

    Returns:
        (steps + 1,), q_0 = 0 first.

    Raises:
        ValueError: `steps` is negative, or a β is outside [0, 1).
    """
    if steps < 0:
        raise ValueError(f"steps: expected zero or more, got {steps}")
    first, second = _moments(betas)
    path = np.zeros(steps + 1)
    mean = square = 0.0
    for t in range(1, steps + 1):
        mean = first * mean + (1 - first) * path[t - 1]
        square = second * square + (1 - second) * path[t - 1] ** 2
        # The first gradient is as small as one likes; Adam's first update is its sign.
        update = mean / (1 - first**t) / np.sqrt(square / (1 - second**t)) if t > 1 else 1.0
        path[t] = path[t - 1] + update
    return path


def adam_escape_steps(
    v: ArrayLike,
    width: int,
    *,
    drop: float,
    step: float,
    betas: tuple[float, float] = (0.9, 0.999),
    max_steps: int = 100_000,
) -> float:
    """Steps until the loss has fallen by `drop`, once they exceed those in which neurons turn; free of σ.

    All neurons have |a| = |w_j| = η q_t, and the loss has fallen by m (η q_t)² |v|_1.

    Args:
        v: (d,) driving vector v, the `driving_vector`.
        width: Width m.
        drop: Fall of the loss, L(0) - L, such as δ L(0) with δ much smaller than 1.
        step: Learning rate η.
        betas: Adam's β1 and β2.
        max_steps: Largest number of steps that is looked at.

    Returns:
        The time t with m (η q_t)² |v|_1 = drop, between two steps by linear interpolation of q.

    Raises:
        ValueError: v holds a zero, an argument is not positive, or `max_steps` steps do not reach the drop.
    """
    vector, _ = _signs(v)
    for name, value in {"width": width, "drop": drop, "step": step}.items():
        if not value > 0:
            raise ValueError(f"{name}: expected a positive number, got {value}")
    target = float(_amplitude_at_escape(drop, width, np.abs(vector).sum(), step))
    path = adam_amplitude(min(max_steps, int(2 * target) + 10), betas=betas)
    if path[-1] < target:
        raise ValueError(f"max_steps: the loss has not fallen by {drop:g} after {len(path) - 1} steps")
    return float(np.interp(target, path, np.arange(len(path))))


_amplitude_at_escape = closed_form(_expressions, "amplitude at escape", "Delta", "m", "v_1", "eta")


def _regime(
    *,
    sigma: float,
    width: int,
    step: float = 0.0,
    steps: int = 0,
    multiplicity: int = 1,
    epsilon: float = 0.0,
) -> Regime:
    """Inside for multiplicity one, weights of σ + 2ηt much smaller than m^(-1/2), and a small Adam's ε.

    Args:
        sigma: Scale σ of the initial weights.
        width: Width m.
        step: Learning rate η.
        steps: Number of updates.
        multiplicity: Multiplicity of the activation.
        epsilon: Adam's ε.
    """
    if multiplicity != 1:
        return Regime(False, f"the activation has multiplicity {multiplicity}; the law needs 1")
    reach = float((sigma + 2 * step * steps) * np.sqrt(width))
    if reach > 0.1:
        return Regime(False, f"(σ + 2ηt) m^(1/2) = {reach:g} is not small: the output feeds back")
    if epsilon > 1e-3 * sigma:
        return Regime(False, f"ε = {epsilon:g} is not small beside gradients of order σ = {sigma:g}")
    return Regime(True, f"multiplicity 1 and (σ + 2ηt) m^(1/2) = {reach:g}")


adam_directions = Prediction(
    name="adam_directions",
    statement=(
        "Under Adam the neurons of a multiplicity-one network at small initialization move along sign(v), "
        "not v: w = w(0) + η A sign(v), a = a(0) + η B with a recursion of two numbers per neuron. From σ "
        "much below η·steps all have |w_j| = |a| = η q_t with one universal sequence q, and the loss leaves "
        "its plateau when m (η q_t)² |v|_1 = δ L(0): a time that does not depend on σ."
    ),
    hypotheses=(
        "activation with s(0) = 0 and s'(0) = 1 (else v is multiplied by s'(0))",
        "loss (1/2n) Σ (f - y)², full batch, Adam with ε below the gradients, all weights",
        "all weights much smaller than m^(-1/2): the start σ, and the size that they reach, at most 2ηt",
        "no entry of v near zero: its sign must outlast the first feedback of the output",
        "for the escape: σ much smaller than η·steps, and many more steps than 1/(1-β1)",
    ),
    source="derived; Adam is Kingma, Ba, ICLR 2015 (1412.6980), algorithm 1",
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Under Adam neurons follow sign(v), not v: two numbers per neuron, one amplitude for all, and a "
        "plateau whose length does not depend on the start's scale"
    ),
    order=30,
)

"""How long a network of multiplicity one stays on its first plateau."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    share, loss, rate, growth, start = sp.symbols("delta L_0 lambda r S_P", positive=True)
    step, bend, dimension = sp.symbols("eta c d", positive=True)
    factor = 1 + step * rate
    # η / (q (q² - 1)) with q = 1 + ηλ, without the cancellation at small η.
    along = 1 / (factor * rate * (factor + 1))
    flow = 3 * bend * loss * share / (4 * rate**2)
    return {
        "T": sp.log(4 * share * loss / (rate * start)) / (2 * growth),
        "r": sp.log(factor) / step,
        "delay": bend * share * loss / rate * (2 * along + 1 / (2 * rate)) / 2,
        "delay of the flow": flow,
        "dT/dgamma": sp.log(dimension) / growth,
    }


def _evaluate(
    input_weight: ArrayLike,
    output_weight: ArrayLike,
    v: ArrayLike,
    loss: ArrayLike,
    *,
    share: ArrayLike,
    step: float = 0.0,
) -> Array:
    """First time at which the loss has lost the share δ of its initial value, to leading order in σ and δ.

    With u = w · v̂, λ = |v| and r = log(1 + ηλ)/η (r = λ for gradient flow):
    T_δ = log(4 δ L_0 / (λ Σ_k (a_k + u_k)²)) / (2r).

    Args:
        input_weight: (..., m, d) initial input weights w.
        output_weight: (..., m) initial output weights a.
        v: (d,) driving vector v, the `driving_vector`.
        loss: Initial loss L_0, a number or an array that broadcasts against (...).
        share: Share δ by which the loss has fallen, a number or an array that broadcasts against (...).
        step: Learning rate η; 0 for gradient flow.

    Returns:
        (...) T = η · steps; negative where the start is already below the share.

    Raises:
        ValueError: v is zero or not finite, the step is negative or too long, the loss or the share is not
            positive, or all a + u vanish.
    """
    w0, a0 = np.asarray(input_weight, dtype=float), np.asarray(output_weight, dtype=float)
    v = np.asarray(v, dtype=float)
    rate, growth = _growth(v, step)
    total, delta = np.asarray(loss, dtype=float), np.asarray(share, dtype=float)
    if not ((total > 0).all() and np.isfinite(total).all()):
        raise ValueError("loss: expected positive initial losses")
    if not ((delta > 0) & (delta < 1)).all():
        raise ValueError("share: expected 0 < δ < 1")
    start = np.square(a0 + w0 @ (v / rate)).sum(-1)
    if not (start > 0).all():
        raise ValueError("output_weight: a + w·v̂ vanishes for every neuron, so nothing grows")
    return _time(delta, total, rate, growth, start)


def escape_delay(
    inputs: ArrayLike, v: ArrayLike, loss: ArrayLike, *, share: ArrayLike, step: float = 0.0
) -> Array:
    """What the network's own output adds to the escape: r (T - T_δ) to first order in δ.

    With c = (1/n) Σ (v̂·x_i)² and q = 1 + ηλ it is (c δ L_0 / λ) (2η/(q(q² - 1)) + 1/(2λ)) / 2, or
    3 c L_0 δ / (4 λ²) for gradient flow. It does not depend on σ.

    Args:
        inputs: (n, d) inputs, with a 1 appended where neurons have a bias.
        v: (d,) driving vector v, the `driving_vector`.
        loss: Initial loss L_0.
        share: Share δ by which the loss has fallen; broadcasts against `loss`.
        step: Learning rate η; 0 for gradient flow.

    Returns:
        The delay in units of 1/r.

    Raises:
        ValueError: As `escape_time`.
    """
    x, v = np.asarray(inputs, dtype=float), np.asarray(v, dtype=float)
    rate, _ = _growth(v, step)
    bend = np.square(x @ v).mean() / rate**2
    return _delay(bend, np.asarray(share, dtype=float), np.asarray(loss, dtype=float), rate, step)


def escape_gamma_slope(v: ArrayLike, dimension: ArrayLike, *, step: float = 0.0) -> Array:
    """Slope of the escape time in the initialization rate: dT/dγ = log(d)/r.

    For w ~ N(0, d^(-2γ)), a ~ N(0, m^(-2γ)) and d < m, in the limit of large γ, where the larger scale d^(-γ)
    alone counts.

    Args:
        v: (d,) driving vector v, the `driving_vector`.
        dimension: Input dimension d, smaller than the width.
        step: Learning rate η; 0 for gradient flow.

    Returns:
        The slope.

    Raises:
        ValueError: v is zero or not finite, or the step is negative or too long.
    """
    _, growth = _growth(np.asarray(v, dtype=float), step)
    return _gamma_slope(dimension, growth)


_time = closed_form(_expressions, "T", "delta", "L_0", "lambda", "r", "S_P")
_delay = closed_form(_expressions, "delay", "c", "delta", "L_0", "lambda", "eta")
_gamma_slope = closed_form(_expressions, "dT/dgamma", "d", "r")


def _growth(v: Array, step: float) -> tuple[float, float]:
    rate = float(np.linalg.norm(v))
    if not (rate > 0 and np.isfinite(rate)):
        raise ValueError("v: is zero or not finite, so there is no linear stage to escape from")
    if not 0 <= step * rate < 1:
        raise ValueError(f"step: expected 0 <= step · |v| < 1, got {step * rate:g}")
    return rate, float(np.log1p(step * rate) / step) if step else rate


def _regime(*, initial_share: float, share: float, multiplicity: int = 1) -> Regime:
    """Inside if there is a plateau to leave.

    Args:
        initial_share: λ Σ (a + u)² / (4 L_0), the formula's own share at the start.
        share: Share δ by which the loss has fallen.
        multiplicity: Multiplicity of the activation.
    """
    if multiplicity != 1:
        return Regime(False, f"the activation has multiplicity {multiplicity}; the law needs 1")
    if share > 0.01:
        return Regime(False, f"δ = {share:g} is not small: the delay is of order δ and then not linear")
    if initial_share > 0.1 * share:
        return Regime(
            False, f"there is no plateau: the start is at a share of {initial_share:g}, δ = {share:g}"
        )
    return Regime(True, f"multiplicity 1, a plateau from a share of {initial_share:g} to δ = {share:g}")


escape_time = Prediction(
    name="escape_time",
    statement=(
        "A multiplicity-one network at small initialization loses the share δ of its loss at the time "
        "T = log(4 δ L_0 / (λ Σ (a + u)²)) / (2r), u = w·v̂, λ = |v|, r = log(1 + ηλ)/η, plus a delay of "
        "order δ that does not depend on σ. So dT/dlog(1/σ) = 1/r, and in the initialization rate "
        "dT/dγ → log(d)/r."
    ),
    hypotheses=(
        "activation with s(0) = 0 and s'(0) = 1 (else v is multiplied by s'(0))",
        "loss (1/2n) Σ (f - y)², full-batch gradient descent with step η, or gradient flow",
        "a plateau: λ Σ (a + u)² / 4 far below δ L_0",
        "for the form in γ: input weights of scale d^(-γ), output weights of scale m^(-γ), d < m",
    ),
    source="derived from the linear stage of Zhou, Zhou, Luo, Zhang, Xu, NeurIPS 2022 (2105.11686)",
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "How long a multiplicity-one network stays on its first plateau: 1/r longer for each factor e in σ, "
        "log(d)/r longer for each unit of γ, and a delay of order δ"
    ),
    order=20,
)

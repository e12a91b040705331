"""A network of multiplicity one at small initialization, neuron by neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.samples import checked_samples

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


class LinearStage(NamedTuple):
    """The predicted weights.

    Attributes:
        output_weight: (..., m) a after the steps.
        input_weight: (..., m, d) w after the steps.
        cosine: (..., m) cosine of each neuron with the direction v.
    """

    output_weight: Array
    input_weight: Array
    cosine: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    a0, u0, step, rate, n, t = sp.symbols("a_0 u_0 eta lambda N t", real=True)
    grown = (a0 + u0) * (1 + step * rate) ** n
    shrunk = (a0 - u0) * (1 - step * rate) ** n
    flow_grown, flow_shrunk = (a0 + u0) * sp.exp(rate * t), (a0 - u0) * sp.exp(-rate * t)
    return {
        "a_N": (grown + shrunk) / 2,
        "u_N": (grown - shrunk) / 2,
        "a(t)": (flow_grown + flow_shrunk) / 2,
        "u(t)": (flow_grown - flow_shrunk) / 2,
    }


def driving_vector(inputs: ArrayLike, targets: ArrayLike, *, slope: float = 1.0) -> Array:
    """V = s'(0) (1/n) Σ y_i x_i, the direction that every neuron is drawn to.

    Args:
        inputs: (n, d) inputs, with a 1 appended where neurons have a bias.
        targets: (n,) targets y.
        slope: s'(0) of the activation.

    Returns:
        (d,).

    Raises:
        ValueError: Shapes do not agree, or values are not finite.
    """
    x, y = checked_samples(inputs, targets)
    vector: Array = slope * (y @ x) / len(y)
    return vector


def _evaluate(
    input_weight: ArrayLike, output_weight: ArrayLike, v: ArrayLike, *, step: float, steps: ArrayLike
) -> LinearStage:
    """Weights after `steps` updates of full-batch gradient descent on (1/2n) Σ (f - y)².

    With u = w · v̂, λ = |v|, P = (a + u)(1 + ηλ)^N, Q = (a - u)(1 - ηλ)^N:
    a_N = (P + Q)/2, u_N = (P - Q)/2, w_N = w_0 + (u_N - u_0) v̂.

    Args:
        input_weight: (..., m, d) initial input weights w.
        output_weight: (..., m) initial output weights a.
        v: (d,) driving vector v, the `driving_vector`.
        step: Learning rate η.
        steps: Number of updates N, a number or an array that broadcasts against (..., 1).

    Returns:
        a_N, w_N and the cosines of the neurons with v.

    Raises:
        ValueError: v is zero (there is no linear stage then), or the step is too long to be stable.
    """
    w0, a0 = np.asarray(input_weight, dtype=float), np.asarray(output_weight, dtype=float)
    v = np.asarray(v, dtype=float)
    rate = float(np.linalg.norm(v))
    if not rate > 0:
        raise ValueError("v: is zero, so there is no linear stage (data uncorrelated with the inputs)")
    if not 0 < step * rate < 1:
        raise ValueError(f"step: expected 0 < step · |v| < 1, got {step * rate:g}")
    direction = v / rate
    n = np.asarray(steps, dtype=float)[..., None]
    u0 = w0 @ direction
    a, u = _output_weight(a0, u0, step, rate, n), _along_v(a0, u0, step, rate, n)
    w = w0 + (u - u0)[..., None] * direction
    orthogonal = np.square(w0).sum(-1) - u0**2
    return LinearStage(a, w, u / np.sqrt(u**2 + orthogonal))


_SYMBOLS = ("a_0", "u_0", "eta", "lambda", "N")
_output_weight = closed_form(_expressions, "a_N", *_SYMBOLS)
_along_v = closed_form(_expressions, "u_N", *_SYMBOLS)


def _regime(*, sigma: float, multiplicity: int = 1) -> Regime:
    """Inside if the activation has multiplicity one and σ is small enough for the linear stage to exist.

    Args:
        sigma: Scale σ of the initial weights.
        multiplicity: Multiplicity of the activation.
    """
    if multiplicity != 1:
        return Regime(False, f"the activation has multiplicity {multiplicity}; the law needs 1")
    if sigma > 1e-3:
        return Regime(False, f"σ = {sigma:g} is not small: the neglected terms are of relative order σ²")
    return Regime(
        True, f"multiplicity 1 and σ = {sigma:g}: neglected terms are of relative order {sigma**2:g}"
    )


linear_stage = Prediction(
    name="linear_stage",
    statement=(
        "At small initialization every neuron of a multiplicity-one network moves along one direction, "
        "v = (1/n) Σ y_i x_i. With λ = |v| the part of (a, w·v̂) along (1, 1) grows as (1+ηλ)^N, the part "
        "along (1, -1) shrinks as (1-ηλ)^N, and all neurons condense onto ±v."
    ),
    hypotheses=(
        "activation with s(0) = 0 and s'(0) = 1 (else v is multiplied by s'(0))",
        "loss (1/2n) Σ (f - y)², full-batch gradient descent with step η",
        "initial weights of scale σ much smaller than 1",
    ),
    source="Zhou, Zhou, Luo, Zhang, Xu, NeurIPS 2022 (2105.11686), theorem 1; discrete form derived",
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "At a small start, all neurons of a multiplicity-one network condense onto one line, ±v, v = (1/n) "
        "Σ y x; each neuron's path in closed form"
    ),
    order=10,
)

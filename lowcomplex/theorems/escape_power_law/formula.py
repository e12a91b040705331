"""How long a network of multiplicity p >= 2 stays on its first plateau: a power of the initial scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.blow_up import time_of_blow_up
from lowcomplex.theorems.formulas.samples import checked_samples

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


class PowerLaw(NamedTuple):
    """The escape time T = T_1 σ^(-(p-1)) - tail.

    Attributes:
        blow_up: T_1, the blow-up time of the leading flow from the weights of scale one.
        direction: (d,) unit input weight of the neuron that blows up first.
        value: |T(direction)|, T(w) = (1/n) Σ y_i (w·x_i)^p.
    """

    blow_up: float
    direction: Array
    value: float


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    p, drop, value, second = sp.symbols("p D tau Q", positive=True)
    start, sigma = sp.symbols("T_1 sigma", positive=True)
    leading = drop ** (-(p - 1) / (p + 1)) / ((p - 1) * value ** (2 / (p + 1)) * p ** (p / (p + 1)))
    feedback = 1 - second * drop / value**2 * (p - 1) * (p + 2) / (2 * (p + 1))
    return {
        "T": start * sigma ** (1 - p),
        "tail": leading * feedback,
        "tail without feedback": leading,
    }


def _evaluate(
    inputs: ArrayLike,
    targets: ArrayLike,
    input_weight: ArrayLike,
    output_weight: ArrayLike,
    multiplicity: int,
) -> PowerLaw:
    """Blow-up of the leading flow ȧ = T(w), ẇ = a ∇T(w) of each neuron, T(w) = (1/n) Σ y_i (w·x_i)^p.

    The flow is homogeneous of degree p: from σ times the weights it takes σ^(-(p-1)) times as long.

    Args:
        inputs: (n, d) inputs, with a 1 appended where neurons have a bias.
        targets: (n,) targets y.
        input_weight: (m, d) initial input weights w, of scale one.
        output_weight: (m,) initial output weights a, of scale one.
        multiplicity: Multiplicity p of the activation, s(z) = z^p + …, at least 2.

    Returns:
        T_1, and the neuron that blows up first.

    Raises:
        ValueError: Shapes do not agree, values are not finite, or p < 2.
        ArithmeticError: No neuron blows up.
    """
    x, y = checked_samples(inputs, targets)
    w0, a0 = np.asarray(input_weight, dtype=float), np.asarray(output_weight, dtype=float)
    if w0.ndim != 2 or w0.shape[1] != x.shape[1] or a0.shape != w0.shape[:1]:
        raise ValueError(
            f"input_weight, output_weight: expected (m, d) and (m,), got {w0.shape} and {a0.shape}"
        )
    if not (np.isfinite(w0).all() and np.isfinite(a0).all()):
        raise ValueError("input_weight, output_weight: hold NaN or infinite entries")
    if multiplicity < 2:
        raise ValueError(f"multiplicity: expected at least 2, got {multiplicity}; see escape_time for 1")
    neurons = len(a0)

    def field(theta: Array) -> Array:
        a, w = theta[:neurons], theta[neurons:].reshape(w0.shape)
        projection = w @ x.T
        lower = projection ** (multiplicity - 1) * y / len(y)
        return np.append((lower * projection).sum(1), multiplicity * a[:, None] * (lower @ x))

    end = time_of_blow_up(field, np.append(a0, w0), multiplicity)
    a, w = end.state[:neurons], end.state[neurons:].reshape(w0.shape)
    first = w[np.abs(a).argmax()]
    direction: Array = first / np.linalg.norm(first)
    return PowerLaw(end.time, direction, float(abs((x @ direction) ** multiplicity @ y) / len(y)))


def escape_tail(
    law: PowerLaw,
    inputs: ArrayLike,
    multiplicity: int,
    loss: ArrayLike,
    *,
    share: ArrayLike,
    feedback: bool = True,
) -> Array:
    """T_1 σ^(-(p-1)) - T_δ: what the leading flow would still need to blow up when the share δ is lost.

    With τ = |T(ŵ)| of the first neuron, D = δL_0 and Q = (1/n) Σ (ŵ·x_i)^2p it is
    D^(-(p-1)/(p+1)) / ((p-1) τ^(2/(p+1)) p^(p/(p+1))) · (1 - (p-1)(p+2)/(2(p+1)) · QD/τ²),
    for every σ. As σ → 0 and for s(z) = z^p this is exact up to the square of QD/τ².

    Args:
        law: From `escape_power_law`.
        inputs: (n, d) inputs.
        multiplicity: Multiplicity p of the activation.
        loss: Initial loss L_0.
        share: Share δ by which the loss has fallen; broadcasts against `loss`.
        feedback: Whether to include the last factor, the output's own feedback.

    Returns:
        The tail, in units of time.
    """
    drop = np.asarray(share, dtype=float) * np.asarray(loss, dtype=float)
    if not feedback:
        return _leading_tail(multiplicity, drop, law.value)
    return _tail(
        multiplicity,
        drop,
        law.value,
        np.mean((np.asarray(inputs, dtype=float) @ law.direction) ** (2 * multiplicity)),
    )


_tail = closed_form(_expressions, "tail", "p", "D", "tau", "Q")
_leading_tail = closed_form(_expressions, "tail without feedback", "p", "D", "tau")


def _regime(*, sigma: float, multiplicity: int | None) -> Regime:
    """Inside for a multiplicity of at least two at small initialization.

    Args:
        sigma: Scale σ of the initial weights.
        multiplicity: Multiplicity of the activation; None if it has none.
    """
    if multiplicity is None or multiplicity < 2:
        return Regime(False, f"the multiplicity is {multiplicity}; the law needs at least 2")
    if sigma > 1e-2:
        return Regime(False, f"σ = {sigma:g} is not small: the tail is of relative order σ^(p-1)")
    return Regime(True, f"multiplicity {multiplicity}, σ = {sigma:g}")


escape_power_law = Prediction(
    name="escape_power_law",
    statement=(
        "A network of multiplicity p >= 2 and initial scale σ escapes its first plateau at "
        "T = T_1 σ^(-(p-1)), with T_1 the time at which the first neuron of the leading flow from σ = 1 "
        "blows up; the correction is a time that does not depend on σ for s(z) = z^p and for p = 2."
    ),
    hypotheses=(
        "activation s(z) = z^p + O(z^(p+2)), p >= 2, at small initialization",
        "loss (1/2n) Σ (f - y)², gradient flow",
        "for p = 3 and a term z^5 the correction grows as log(1/σ)",
    ),
    source="derived; multiplicity as in Zhou, Zhou, Luo, Zhang, Xu, NeurIPS 2022 (2105.11686)",
    kind="rate",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "With multiplicity p >= 2 the plateau lasts T_1 σ^-(p-1), with T_1 a blow-up time; the correction "
        "has a closed form, too"
    ),
    order=40,
)

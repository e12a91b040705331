"""What gradient flow conserves in homogeneous networks, and how far discrete steps break it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    a, z, p, step = sp.symbols("a z p eta", positive=True)
    error = sp.Symbol("e", real=True)
    # One neuron a z^p with w·x = z: w·∇_w L = p a z^p e and a ∂_a L = z^p a e.
    w_gradient, a_gradient = p * a * z**p * error, a * z**p * error
    g_a, g_w = sp.symbols("g_a g_w", real=True)
    return {
        "rate of |w|² - p a² under gradient flow": sp.simplify(-2 * w_gradient + 2 * p * a_gradient),
        "drift of p a² - |w|² in one step": step**2 * (p * g_a**2 - g_w**2),
    }


def _evaluate(
    output_gradients: ArrayLike, input_gradients: ArrayLike, *, step: float, degree: int = 1
) -> NDArray[np.float64]:
    """Drift of p a² - |w|² over gradient-descent steps: Σ_t η² (p g_a² - |g_w|²).

    Args:
        output_gradients: (steps, m) ∂L/∂a at each step.
        input_gradients: (steps, m, d) ∂L/∂w at each step.
        step: Learning rate η.
        degree: Degree p of the activation; 1 for ReLU.

    Returns:
        (m,) the drift of each neuron.

    Raises:
        ValueError: Shapes do not agree, gradients are not finite, or the degree is below one.
    """
    g_a, g_w = np.asarray(output_gradients, dtype=float), np.asarray(input_gradients, dtype=float)
    if g_a.ndim != 2 or g_w.shape[:-1] != g_a.shape:
        raise ValueError(
            f"output_gradients, input_gradients: expected (steps, m) and (steps, m, d), got "
            f"{g_a.shape} and {g_w.shape}"
        )
    if not (np.isfinite(g_a).all() and np.isfinite(g_w).all()):
        raise ValueError("output_gradients, input_gradients: hold NaN or infinite entries: training diverged")
    if degree < 1:
        raise ValueError(f"degree: expected a homogeneous activation of degree at least 1, got {degree}")
    drift: NDArray[np.float64] = step**2 * (degree * g_a**2 - np.square(g_w).sum(-1)).sum(0)
    return drift


def _regime(*, homogeneous: bool, degree: int = 1) -> Regime:
    """Inside for homogeneous activations, s(z) = z^p or relu.

    Args:
        homogeneous: Whether the activation is homogeneous, z s'(z) = p s(z).
        degree: Degree p of the activation.
    """
    if not homogeneous:
        return Regime(
            False,
            "the activation is not homogeneous: z s'(z) = p s(z) fails; where s is z^p to leading order, "
            "|w|² - p a² is conserved only while weights are small",
        )
    return Regime(True, f"homogeneous of degree {degree}: |w|² - {degree} a² is conserved")


balancedness = Prediction(
    name="balancedness",
    statement=(
        "For a homogeneous activation of degree p (ReLU: p = 1), gradient flow conserves |w_k|² - p a_k² of "
        "every neuron. Under gradient descent p a² - |w|² drifts by exactly Σ η² (p g_a² - |g_w|²), which is "
        "of first order in η over a fixed time."
    ),
    hypotheses=("two-layer network without output bias", "activation with z s'(z) = p s(z)"),
    source="Du, Hu, Lee, NeurIPS 2018 (1806.00900), theorem 2.1, for p = 1; other degrees and drift derived",
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary="Gradient flow conserves each neuron's |w|² - p a²; discrete steps break it by an exact amount",
    order=100,
)

"""A network whose output is scaled up follows kernel regression on its initial tangent kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# Exponents in α of the distance between the functions of network and linearization, and of ‖θ - θ_0‖/‖θ_0‖.
ERROR_EXPONENT = DISPLACEMENT_EXPONENT = -1


class LazyLimit(NamedTuple):
    """The linearized network after training.

    Attributes:
        output: (..., q) its centered output at the test inputs.
        displacement: (...) the distance α ‖θ - θ_0‖ that its parameters move, the same for every α.
    """

    output: Array
    displacement: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    eigenvalue, n, t, step, count, y, alpha = sp.symbols("lambda n t eta N y alpha", positive=True)
    flow, steps = 1 - sp.exp(-eigenvalue * t / n), 1 - (1 - step * eigenvalue / n) ** count
    return {
        "learned share of an eigenvector, flow": flow,
        "learned share of an eigenvector, steps": steps,
        "squared displacement of an eigenvector, flow": flow**2 * y**2 / (eigenvalue * alpha**2),
        "exponent of the function error in alpha": sp.Integer(ERROR_EXPONENT),
        "exponent of the relative displacement in alpha": sp.Integer(DISPLACEMENT_EXPONENT),
    }


def _evaluate(
    kernel: ArrayLike, cross: ArrayLike, targets: ArrayLike, *, time: float = np.inf, step: float = 0.0
) -> LazyLimit:
    """Output and displacement of α (h(θ) - h(θ_0)), linearized, trained on (1/2n) Σ (f - y)² at rate η/α².

    With K = ∇h ∇hᵀ on the samples and R = 1 - e^(-K t/n), the output is K(x, X) K^-1 R y, and
    α² ‖θ - θ_0‖² = (R y)ᵀ K^-1 (R y), which is yᵀ K^-1 y after infinite time. With steps η, e^(-λt/n) becomes
    (1 - ηλ/n)^(t/η).

    Args:
        kernel: (n, n) tangent kernel of h among the samples, at the start.
        cross: (q, n) tangent kernel between test inputs and samples.
        targets: (..., n) targets y.
        time: Time t, the sum of the steps η, not of η/α².
        step: Learning rate η of gradient descent; 0 for gradient flow.

    Returns:
        The output at the test inputs and α times the displacement.

    Raises:
        ValueError: Shapes do not agree; values are not finite; the kernel is not symmetric, has a negative
            eigenvalue, or is singular though the time is infinite; or the step is not stable, ηλ/n >= 2.
    """
    k, c, y = (np.asarray(value, dtype=float) for value in (kernel, cross, targets))
    if k.ndim != 2 or k.shape[0] != k.shape[1] or c.shape[-1:] != k.shape[:1] or y.shape[-1:] != k.shape[:1]:
        raise ValueError(
            f"kernel, cross, targets: expected (n, n), (q, n), (..., n), got {k.shape}, {c.shape}, {y.shape}"
        )
    if not all(np.isfinite(value).all() for value in (k, c, y)):
        raise ValueError("kernel, cross, targets: hold NaN or infinite entries")
    if not np.allclose(k, k.T, rtol=1e-9, atol=1e-12 * np.abs(k).max()):
        raise ValueError("kernel: is not symmetric")
    eigenvalues, vectors = np.linalg.eigh(k)
    rounding = len(k) * np.finfo(float).eps * eigenvalues[-1]
    if eigenvalues[0] < -rounding:
        raise ValueError(f"kernel: is not positive semidefinite, eigenvalue {eigenvalues[0]:g}")
    if np.isinf(time) and eigenvalues[0] <= rounding:
        raise ValueError("kernel: is singular, so infinite time does not fit every target")
    rate = np.maximum(eigenvalues, 0) / len(k)
    if not 0 <= step * rate[-1] < 2:
        raise ValueError(f"step: expected 0 <= step < {2 / rate[-1]:g}, got {step:g}")
    left = np.exp(-rate * time) if step == 0 else np.abs(1 - step * rate) ** (time / step)
    if step > 0 and np.isfinite(time):
        left *= np.sign(1 - step * rate) ** np.rint(time / step)
    # A direction of eigenvalue zero is neither learned nor moved along.
    weight = np.where(eigenvalues > rounding, (1 - left) / np.maximum(eigenvalues, rounding), 0.0)
    part = y @ vectors
    displacement = np.sqrt((weight**2 * eigenvalues * part**2).sum(-1))
    return LazyLimit((part * weight) @ (c @ vectors).T, displacement)


def _regime(*, relative_displacement: float) -> Regime:
    """Inside if weights move by little; the function's error is of the order of RD.

    Args:
        relative_displacement: Relative displacement RD of the weights, ‖θ - θ_0‖/‖θ_0‖.
    """
    if relative_displacement > 0.1:
        return Regime(False, f"RD = {relative_displacement:g}: features move, the kernel is not constant")
    return Regime(True, f"RD = {relative_displacement:g}, which is the order of the neglected terms")


lazy_limit = Prediction(
    name="lazy_limit",
    statement=(
        "With its centered output multiplied by α, any smooth network becomes its linearization as α grows: "
        "its function differs from regression on the initial tangent kernel by O(1/α), and its relative "
        "displacement is sqrt(yᵀ K^-1 y)/(α ‖θ_0‖)."
    ),
    hypotheses=(
        "f = α (h(θ) - h(θ_0)), loss (1/2n) Σ (f - y)², gradient flow (or small steps) at the rate 1/α²",
        "a smooth activation; for ReLU the displacement obeys the law, but the function's error jumps when "
        "kinks cross samples",
        "α so large that RD is small",
    ),
    source=(
        "Chizat, Oyallon, Bach, NeurIPS 2019 (1812.07956), section 2; constant of the displacement derived"
    ),
    kind="rate",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "As the output scale α grows a network becomes its linearization: function error and relative "
        "displacement fall as 1/α, the latter with the constant sqrt(yᵀ K⁻¹ y)"
    ),
    order=170,
)

"""The limit of a diagonal linear network: from ℓ1 to ℓ2 as its initialization grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.samples import checked_samples

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# The distance to the least-norm solution falls as this power of α.
EXPONENT = -4.0
_NEWTON_STEPS = 500


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    z, beta, alpha, dual = sp.symbols("z beta alpha nu", real=True)
    penalty = 2 - sp.sqrt(4 + z**2) + z * sp.asinh(z / 2)
    return {
        "q(z)": penalty,
        "q'(z)": sp.simplify(sp.diff(penalty, z)),
        "beta(nu)": 2 * alpha**2 * sp.sinh(dual),
        "stationarity": sp.asinh(beta / (2 * alpha**2)),
        "slope at large alpha": beta / (2 * alpha**2) - beta**3 / (48 * alpha**6),
    }


def _evaluate(inputs: ArrayLike, targets: ArrayLike, *, alpha: float, rtol: float = 1e-13) -> Array:
    """The interpolating β that gradient flow reaches from u = v = α·1, β = u² - v².

    It minimizes Σ α² q(β_i/α²) subject to Xβ = y, with q(z) = 2 - sqrt(4 + z²) + z asinh(z/2). Damped Newton
    steps solve the dual problem in ν, with β = 2α² sinh(Xᵀν).

    Args:
        inputs: (n, d) inputs X, with n <= d and independent rows.
        targets: (n,) targets y.
        alpha: Initialization scale α.
        rtol: Residual |Xβ - y| / |y| at which to stop.

    Returns:
        (d,) β.

    Raises:
        ValueError: Shapes do not agree, values are not finite, rows are dependent, or α is not positive.
        ArithmeticError: Newton's method did not converge.
    """
    x, y = checked_samples(inputs, targets)
    if not alpha > 0:
        raise ValueError(f"alpha: expected a positive scale, got {alpha}")
    if np.linalg.matrix_rank(x) < len(x):
        raise ValueError("inputs: the law needs independent rows (at least as many unknowns as equations)")
    scale = float(np.linalg.norm(y))
    if scale == 0:
        return np.zeros(x.shape[1])

    def beta_of(dual: Array) -> Array:
        return 2 * alpha**2 * np.sinh(x.T @ dual)

    def objective(dual: Array) -> float:
        return float(2 * alpha**2 * np.cosh(x.T @ dual).sum() - y @ dual)

    def misses(dual: Array) -> float:
        return float(np.linalg.norm(x @ beta_of(dual) - y))

    dual = np.zeros(len(y))
    for _ in range(_NEWTON_STEPS):
        residual = x @ beta_of(dual) - y
        if np.linalg.norm(residual) <= rtol * scale:
            return beta_of(dual)
        hessian = (x * (2 * alpha**2 * np.cosh(x.T @ dual))) @ x.T
        direction = -np.linalg.solve(hessian, residual)
        slope, damping, value = float(residual @ direction), 1.0, objective(dual)
        half = np.linalg.norm(residual) / 2
        # Close to the solution, differences of the objective are lost in rounding, and the residual decides.
        with np.errstate(over="ignore", invalid="ignore"):
            while damping > 1e-12 and not (
                objective(step := dual + damping * direction) <= value + 1e-4 * damping * slope
                or misses(step) <= half
            ):
                damping /= 2
        dual = dual + damping * direction
    if (left := misses(dual) / scale) <= 1e-9:
        return beta_of(dual)
    raise ArithmeticError(f"the dual Newton method stopped at a relative residual of {left:.1e}")


def minimum_norm(inputs: ArrayLike, targets: ArrayLike) -> Array:
    """The interpolator of least ℓ2 norm: the limit of large α, reached as α^-4.

    Args:
        inputs: (n, d) inputs X.
        targets: (n,) targets y.
    """
    solution: Array = np.linalg.pinv(np.asarray(inputs, dtype=float)) @ np.asarray(targets, dtype=float)
    return solution


def least_norm_correction(inputs: ArrayLike, targets: ArrayLike) -> Array:
    """The vector b in β = β_ℓ2 + b α^-4 + O(α^-8): the limit's leading distance from the least-norm solution.

    b = (1 - X⁺X) β_ℓ2³ / 24, the cube entry by entry: at large α the penalty's slope is
    asinh(z/2) = z/2 - z³/48 + ..., and β - β_ℓ2 lies in the kernel of X.

    Args:
        inputs: (n, d) inputs X, with independent rows.
        targets: (n,) targets y.

    Returns:
        (d,) b.
    """
    x = np.asarray(inputs, dtype=float)
    cube = minimum_norm(x, targets) ** 3 / 24
    correction: Array = cube - np.linalg.pinv(x) @ (x @ cube)
    return correction


def _regime(*, samples: int, dimension: int) -> Regime:
    """Inside for underdetermined problems.

    Args:
        samples: Number n of samples.
        dimension: Input dimension d.
    """
    if samples > dimension:
        return Regime(False, f"{samples} equations for {dimension} unknowns: nothing to interpolate")
    return Regime(True, f"{samples} equations for {dimension} unknowns")


diagonal_linear = Prediction(
    name="diagonal_linear",
    statement=(
        "Gradient flow on a diagonal linear network β = u² - v² from α·1 converges to the interpolator that "
        "minimizes Σ α² q(β_i/α²), which is nearly the ℓ1 norm for small α and the ℓ2 norm for large α. The "
        "distance to the minimizer of the latter falls as |(1 - X⁺X) β_ℓ2³|/24 α^-4."
    ),
    hypotheses=("underdetermined linear regression with independent rows", "gradient flow from u = v = α·1"),
    source="Woodworth et al., COLT 2020 (2002.09277), theorem 1; rate α^-4 and its factor derived",
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "A diagonal linear network ends at the interpolator that minimizes a penalty between ℓ1 (small "
        "start) and ℓ2 (large start)"
    ),
    order=120,
)

"""Lazy to rich at γ = 1/2, at any depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

BOUNDARY = 0.5
# Between the arms of the broken line the slope bends; nothing is claimed there.
TRANSITION = (0.35, 0.65)
# Ranges of γ over which slopes are measured, well outside of the transition.
ARMS = {"lazy": (0.1, 0.3), "rich": (1.0, 1.5)}


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    gamma, depth, width = sp.symbols("gamma L m", positive=True)
    lazy = depth * gamma - (depth + 1) / sp.Integer(2)
    rich = gamma - 1
    return {
        "lazy exponent in m": lazy,
        "rich exponent in m": rich,
        "lazy slope": sp.diff(lazy, gamma),
        "rich slope": sp.diff(rich, gamma),
        "log RD": sp.log(width) * sp.Piecewise((lazy, gamma < sp.Rational(1, 2)), (rich, True)),
    }


def _evaluate(gamma: ArrayLike, depth: ArrayLike) -> NDArray[np.float64]:
    """Slope of log RD / log m in γ: the depth L for γ < 1/2, and 1 for γ > 1/2.

    RD = ‖θ - θ_0‖ / ‖θ_0‖ is the relative displacement of all weight matrices, or of the first.

    Args:
        gamma: Initialization rate γ.
        depth: Number L of weight matrices; broadcasts against `gamma`.

    Returns:
        The slope; NaN at γ = 1/2, where the line breaks.

    Raises:
        ValueError: A γ is not finite or a depth below 2.
    """
    g, layers = np.broadcast_arrays(np.asarray(gamma, dtype=float), np.asarray(depth, dtype=float))
    if not np.isfinite(g).all():
        raise ValueError("gamma: expected finite initialization rates")
    if (layers < 2).any():
        raise ValueError("depth: expected at least two weight matrices")
    return np.where(g < BOUNDARY, layers, np.where(g > BOUNDARY, 1.0, np.nan))


def width_exponent(gamma: ArrayLike, depth: ArrayLike) -> NDArray[np.float64]:
    """Exponent of the relative displacement in the width: RD ~ m^e.

    e = Lγ - (L + 1)/2 for γ <= 1/2 and γ - 1 for γ >= 1/2; both are -1/2 at the boundary. The input dimension
    is m, and inputs have unit norm.

    Args:
        gamma: Initialization rate.
        depth: Number L of weight matrices; broadcasts against `gamma`.

    Returns:
        The exponent e.
    """
    g, layers = np.broadcast_arrays(np.asarray(gamma, dtype=float), np.asarray(depth, dtype=float))
    return np.where(g <= BOUNDARY, _lazy_exponent(g, layers), _rich_exponent(g))


_lazy_exponent = closed_form(_expressions, "lazy exponent in m", "gamma", "L")
_rich_exponent = closed_form(_expressions, "rich exponent in m", "gamma")


def _regime(*, gamma: float, unit_norm_inputs: bool = True) -> Regime:
    """Which arm a γ lies on; outside near the boundary and for inputs of another norm.

    Args:
        gamma: Initialization rate.
        unit_norm_inputs: Whether inputs have norm 1.
    """
    if not unit_norm_inputs:
        return Regime(False, "inputs of norm sqrt(m) move the boundary to 1/2 + 1/(2L)")
    if TRANSITION[0] < gamma < TRANSITION[1]:
        return Regime(False, f"γ = {gamma:g} lies in the transition {TRANSITION}, where the slope bends")
    return Regime(True, f"γ = {gamma:g}: {'lazy' if gamma < BOUNDARY else 'rich'}")


gamma_law = Prediction(
    name="gamma_law",
    statement=(
        "When every matrix of a network of L matrices and width m starts as N(0, m^(-2γ)), its relative "
        "displacement RD in training obeys d log RD / (dγ log m) = L for γ < 1/2 (lazy) and 1 for γ > 1/2 "
        "(rich): the boundary is the usual 1/sqrt(fan-in), at any depth."
    ),
    hypotheses=(
        "hidden width and input dimension m, inputs of unit norm, ReLU or linear activation",
        "output centered at initialization (f - f_0)",
        "trained to a small loss by (small-step) gradient descent",
    ),
    source="Luo, Xu, Ma, Zhang, JMLR 2021 (2007.07497), theorems 6-8, for L = 2; any depth derived",
    kind="rate",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Relative displacement against γ: slope L below γ = 1/2, slope 1 above, in units of log m, for L "
        "matrices of width m"
    ),
    order=80,
)

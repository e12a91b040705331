"""The interpolant of a lazy network on the line of which only one part is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.line_kernels import line_coefficients, line_interpolant

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# Exponents, in the number of knots, of the distance from the interpolant: biases trained, outputs trained.
BIAS_EXPONENT, OUTPUT_EXPONENT = -1.0, -2.0


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    x, other, b, w, a = sp.symbols("x y B w a", real=True)
    distance = sp.Abs(x - other)
    return {
        "kernel, biases trained": a**2 * (sp.Rational(1, 2) - sp.Abs(w) * distance / (4 * b)),
        "kernel, outputs trained": b**2 / 6 + w**2 * x * other / 2 + sp.Abs(w) ** 3 * distance**3 / (24 * b),
        "error of finitely many knots, biases trained": sp.Symbol("slope") * sp.Symbol("h") / sp.sqrt(12),
    }


def _evaluate(
    points: ArrayLike,
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    trained: Literal["bias", "output"],
    bias_range: float = np.inf,
    input_weight: float = 1.0,
) -> Array:
    """The interpolating function of a lazy ReLU network, b uniform on [-B, B], with one part trained.

    With biases trained it is linear between the samples, at every B. With output weights trained it is a
    cubic spline, twice differentiable, with knots at the samples; it tends to the natural one as 1/B.

    Args:
        points: (p,) points at which the function is evaluated.
        inputs: (n,) inputs of the samples, distinct, |x| <= B/|w|.
        targets: (..., n) targets y.
        trained: The part that is trained, "bias" or "output".
        bias_range: Range B of the biases; infinite for the limit.
        input_weight: |w|, the size of all input weights.

    Returns:
        (..., p).

    Raises:
        ValueError: Shapes do not agree, samples coincide or are not finite, the knots do not cover the
            samples (B < |w| max|x|), or `trained` is neither part.
    """
    if trained not in ("bias", "output"):
        raise ValueError(f"trained: expected 'bias' or 'output', got {trained!r}")
    x = np.asarray(inputs, dtype=float)
    if bias_range < abs(input_weight) * np.abs(x).max(initial=0):
        raise ValueError(f"bias_range: knots within B = {bias_range:g} do not cover the samples")
    coefficients = line_coefficients(input_weight, 1.0, bias_range=bias_range, trained=(trained,))
    return line_interpolant(points, x, targets, coefficients)


_staircase = closed_form(_expressions, "error of finitely many knots, biases trained", "slope", "h")


def staircase(rms_slope: float, spacing: float) -> float:
    """Rms distance slope · h/√12 of a staircase of trained biases from the line that it follows.

    Args:
        rms_slope: Root mean square slope of the line.
        spacing: Distance h of neighboring knots.

    Returns:
        The distance.
    """
    return float(_staircase(rms_slope, spacing))


def _regime(*, bias_range: float, input_weight: float, largest_input: float, width: int) -> Regime:
    """Inside if knots cover the samples and are dense.

    Args:
        bias_range: Range B of the biases.
        input_weight: |w|, the size of all input weights.
        largest_input: Largest |x| among the samples.
        width: Width m.
    """
    if bias_range < input_weight * largest_input:
        return Regime(False, f"knots reach {bias_range / input_weight:g}, samples {largest_input:g}")
    if width < 100:
        return Regime(False, f"{width} neurons: knots are farther apart than a percent of their range")
    return Regime(True, f"knots cover the samples; their spacing is about {8 * bias_range / width:g}")


lazy_splines = Prediction(
    name="lazy_splines",
    statement=(
        "A wide, lazy ReLU network on the line with uniform biases interpolates linearly if only its biases "
        "are trained, and by a cubic spline if only its output weights are: the natural one as the range of "
        "the biases grows, with an error of order 1/B."
    ),
    hypotheses=(
        "one input; f = m^(-1/2) Σ a relu(w x + b), b uniform on [-B, B], signs of w and a even",
        "knots cover the samples: B >= |w| max|x|",
        "lazy, one part trained to zero loss, output centered",
    ),
    source=(
        "extreme cases of Zhang, Xu, Luo, Ma (1905.10264) and Luo, Ma, Xu, Zhang (2010.08153); exact kernels "
        "at finite B derived"
    ),
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "A lazy ReLU network on the line interpolates linearly if only biases are trained, by a nearly "
        "natural cubic spline if only output weights are"
    ),
    order=210,
)

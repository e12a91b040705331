"""How fast a wide, lazy ReLU network on the line learns each frequency: the linear frequency principle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime
from lowcomplex.theorems.formulas.line_kernels import Parametrization, line_coefficients

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]
_ALL = ("output", "input", "bias")


class FrequencyDecay(NamedTuple):
    """Coefficients of ∂_t f̂ = -rate r̂ + (1/4π²) ∂_ξ (drift ∂_ξ r̂), r = ρ (f - y), ρ the samples' density.

    Attributes:
        rate: γ²(ξ), in the shape of the frequencies.
        drift: D(ξ), in the same shape; zero in the parametrization by locations.
    """

    rate: Array
    drift: Array


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    xi, density = sp.symbols("xi p", positive=True)
    moments = sp.symbols("w3 a2w w2 a2 a2w2", positive=True)
    w3, a2w, w2, a2, a2w2 = moments
    quartic, quadratic = 1 / (16 * sp.pi**4 * xi**4), 1 / (4 * sp.pi**2 * xi**2)
    return {
        "rate, bias": density * (w3 * quartic + a2w * quadratic),
        "drift, bias": density * a2w * quadratic,
        "rate, location": density * ((w2 + a2) * quartic + a2w2 * quadratic),
    }


def _evaluate(
    frequency: ArrayLike,
    *,
    input_weight: ArrayLike,
    output_weight: ArrayLike,
    density: float,
    parametrization: Parametrization = "bias",
    trained: tuple[str, ...] = _ALL,
) -> FrequencyDecay:
    """Decay coefficients of frequency ξ (in e^(2πiξx)) for signs of w and a even, p the density of kinks.

    For f = m^(-1/2) Σ a relu(w x + b), with b of density p around 0 and all parameters trained,
    γ² = p (<|w|³>/(16π⁴ξ⁴) + <a²|w|>/(4π²ξ²)) and D = p <a²|w|>/(4π²ξ²). The drift comes from the input
    weights: their gradient a x 1(wx+b > 0) multiplies by x, which is a derivative in frequency. With
    locations, f = m^(-1/2) Σ a relu(w (x - l)) and l of density p, γ² = p (<w²+a²>/(16π⁴ξ⁴) + <a²w²>/(4π²ξ²))
    and D = 0.

    Args:
        frequency: Frequencies ξ, nonzero, any shape.
        input_weight: (m,) or a number: input weights w of the neurons.
        output_weight: (m,) or a number: output weights a of the neurons.
        density: p of b (or l): 1/2B if uniform on [-B, B], 1/(√(2π) σ) if Gaussian and wide.
        parametrization: "bias" or "location".
        trained: The parts that are trained, among "output", "input", "bias" (the location in its place).

    Returns:
        γ²(ξ) and D(ξ).

    Raises:
        ValueError: A frequency is zero (constants and slopes are learned at rates that grow with the range of
            the biases) or not finite, the density is not positive, or the weights are not finite.
    """
    xi = np.asarray(frequency, dtype=float)
    if not np.isfinite(xi).all() or (xi == 0).any():
        raise ValueError("frequency: expected finite frequencies other than 0")
    if not density > 0:
        raise ValueError(f"density: expected p > 0, got {density}")
    c = line_coefficients(
        input_weight, output_weight, bias_range=1.0, trained=trained, parametrization=parametrization
    )
    return FrequencyDecay(_rate(xi, density, c.cubic, c.kink), _drift(xi, density, c.product))


# Those of locations are the same with their own cubic and linear kinks.
_rate = closed_form(_expressions, "rate, bias", "xi", "p", "w3", "a2w")
_drift = closed_form(_expressions, "drift, bias", "xi", "p", "a2w")


def packet_decay(
    points: ArrayLike,
    values: ArrayLike,
    frequency: ArrayLike,
    decay: FrequencyDecay,
) -> float:
    """∫ γ² |û|² + D |∂_ξ û|²/(4π²) dξ = <u, K u>, the rate at which a residual u lowers the loss ½ ∫ u².

    Args:
        points: (n,) equispaced points, outside which u vanishes.
        values: (n,) u, whose spectrum is negligible outside the given frequencies (near 0 in particular).
        frequency: (k,) equispaced positive frequencies ξ.
        decay: Coefficients at these frequencies.

    Returns:
        The integral over both signs of ξ.
    """
    x, u, xi = (np.asarray(value, dtype=float) for value in (points, values, frequency))
    waves = np.exp(-2j * np.pi * np.outer(xi, x)) * (x[1] - x[0])
    spectrum, slope = waves @ u, waves @ (x * u)  # F[x u] = (i/2π) ∂_ξ û
    integrand = decay.rate * np.abs(spectrum) ** 2 + decay.drift * np.abs(slope) ** 2
    return float(2 * integrand.sum() * (xi[1] - xi[0]))


def _regime(
    *, bias_range: float, input_weight: float, largest_input: float, relative_displacement: float
) -> Regime:
    """Inside if kinks cover the samples and the network is lazy.

    Args:
        bias_range: Range B of the biases.
        input_weight: |w|, the size of all input weights.
        largest_input: Largest |x| among the samples.
        relative_displacement: Relative displacement RD of the weights.
    """
    if bias_range < input_weight * largest_input:
        return Regime(False, f"kinks reach {bias_range / input_weight:g}, samples {largest_input:g}")
    if relative_displacement > 0.1:
        return Regime(False, f"RD = {relative_displacement:g}: the moments of the weights change")
    return Regime(True, f"kinks cover the samples, RD = {relative_displacement:g}")


linear_frequency_principle = Prediction(
    name="linear_frequency_principle",
    statement=(
        "A wide, lazy two-layer ReLU network on the line learns frequency ξ at the rate p (<|w|³>/(2πξ)⁴ + "
        "<a²|w|>/(2πξ)²), p the density of biases, with a drift in frequency from the input weights. It ends "
        "at the function through the samples whose spectrum costs least by that rate."
    ),
    hypotheses=(
        "one input; f = m^(-1/2) Σ a relu(w x + b) (or w (x - l)), signs of w and a even",
        "kinks of constant density where the residual is not zero: uniform and wide, or Gaussian and wider",
        "lazy: the moments of the weights do not change",
    ),
    source=(
        "Zhang, Xu, Luo, Ma (1905.10264, locations); Luo, Ma, Xu, Zhang (2010.08153, biases); form in one "
        "dimension and at finite range derived"
    ),
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "A lazy ReLU network on the line learns frequency ξ at p (⟨|w|³⟩/(2πξ)⁴ + ⟨a²|w|⟩/(2πξ)²), with a "
        "drift in frequency from the input weights, and ends at the function that costs least by that rate"
    ),
    order=250,
)

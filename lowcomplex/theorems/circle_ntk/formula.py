"""How fast a wide, lazy network on the circle learns each frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    angle, step = sp.symbols("theta eta", nonnegative=True)
    k, coefficient = sp.symbols("k c_k", positive=True)
    step_part = (sp.pi - angle) / (2 * sp.pi)
    ramp_part = (sp.sin(angle) + (sp.pi - angle) * sp.cos(angle)) / (2 * sp.pi)
    return {
        "kernel": step_part * sp.cos(angle) + ramp_part,
        "bias part of the kernel": step_part,
        "c_k, even k": (k**2 + 3) / (sp.pi**2 * (k**2 - 1) ** 2),
        "bias part of c_k, odd k": 1 / (sp.pi * k) ** 2,
        "rate": -sp.log(1 - step * coefficient) / step,
    }


def circle_kernel(angle: ArrayLike, *, bias: bool = False) -> Array:
    """Θ(θ) = κ0 cos θ + κ1 (+ κ0 with a trained bias), the tangent kernel of two inputs at angle θ.

    κ0 = (π-θ)/2π, κ1 = (sin θ + (π-θ) cos θ)/2π on 0 <= θ <= π, even and 2π-periodic beyond.

    Args:
        angle: Angles in radians, any shape.
        bias: Whether biases are trained too.

    Returns:
        Θ, in the shape of `angle`.
    """
    turned = np.abs(np.remainder(np.asarray(angle, dtype=float) + np.pi, 2 * np.pi) - np.pi)
    step_part = (np.pi - turned) / (2 * np.pi)
    ramp_part = np.sin(turned) / (2 * np.pi) + step_part * np.cos(turned)
    return np.asarray(step_part * np.cos(turned) + ramp_part + (step_part if bias else 0.0))


def _coefficient(k: Array, bias: bool) -> Array:
    even = k % 2 == 0
    square = k**2
    # The pole of the even branch at k = 1 and of the bias at k = 0 lie outside their branches.
    c = np.where(even, (square + 3) / (np.pi * np.where(even, square - 1, 1)) ** 2, np.where(k == 1, 0.25, 0))
    if bias:
        c = c + np.where(k == 0, 0.25, np.where(even, 0, 1 / (np.pi * np.where(even, 1, k)) ** 2))
    return c


def _evaluate(
    frequency: ArrayLike, *, bias: bool = False, samples: int | None = None, step: float = 0.0
) -> Array:
    """Rate at which frequency k of the residual decays: c_k in continuous time, -log(1 - η c_k)/η in steps.

    c_k is the Fourier coefficient (1/2π) ∫ Θ cos(kθ) dθ of `circle_kernel`:
    (k²+3)/(π²(k²-1)²) for even k, 1/4 for k = 1, 0 for odd k >= 3. A trained bias adds 1/4 for k = 0 and
    1/(π²k²) for odd k. On n equispaced samples frequencies k + jn alias: the rate is Σ_j c_|k+jn|, the mean
    of Θ cos(kθ) over the samples.

    Args:
        frequency: Frequencies, integers k >= 0, any shape.
        bias: Whether biases (0 at the start) are trained too.
        samples: Number n of equispaced samples; None for the whole circle.
        step: Learning rate η of gradient descent on (1/2n) Σ (f - y)²; 0 for gradient flow.

    Returns:
        The rates, in the shape of `frequency`.

    Raises:
        ValueError: A frequency is not a nonnegative integer, or n samples cannot tell it from another
            (2k > n), or the step is so long that a frequency does not decay monotonically (η c_k >= 1).
    """
    k = np.asarray(frequency, dtype=float)
    if not (np.isfinite(k).all() and (k >= 0).all() and (k == np.rint(k)).all()):
        raise ValueError("frequency: expected nonnegative integers")
    if samples is None:
        c = _coefficient(k, bias)
    else:
        if samples < 1 or (2 * k > samples).any():
            raise ValueError(f"samples: {samples} equispaced points alias the frequency {k.max():g}")
        angles = 2 * np.pi * np.arange(samples) / samples
        c = np.cos(k[..., None] * angles) @ circle_kernel(angles, bias=bias) / samples
    if not step >= 0 or (step * c >= 1).any():
        raise ValueError(f"step: expected 0 <= step < {1 / c.max():g}, got {step:g}")
    return c if step == 0 else -np.log1p(-step * c) / step


def direction_error(
    frequency: ArrayLike, directions: ArrayLike, *, samples: int | None = None, shift: float = 0.5
) -> Array:
    """First term of c_k(D) - c_k for D equispaced neuron directions: 8 B_2(q)/((k²-1) D²), even k; 0, odd k.

    B_2(q) = q² - q + 1/6, which is -1/12 at q = 1/2. On n samples 1/(k²-1) becomes the sum over the aliases
    1/((k+jn)²-1), which is (π/2n) (cot(π(k-1)/n) - cot(π(k+1)/n)).

    The next term is -(2π/D)² B_4(q)/(3 B_2(q)) of this one, 7π²/(15 D²) at q = 1/2, for all k alike. This is
    Euler and Maclaurin's formula for a product of two cosines, whose third derivative is -4 times its first.

    Args:
        frequency: Frequencies, integers k >= 0, any shape.
        directions: Number D of directions, a multiple of n; broadcasts against `frequency`.
        samples: Number n of equispaced samples, a multiple of 4; None for the whole circle.
        shift: Distance q of the samples from the nearest kink of a neuron, in units of the spacing of the
            directions.

    Returns:
        The error of c_k.

    Raises:
        ValueError: n is not a multiple of 4, or D is not a multiple of n.
    """
    k, count = np.broadcast_arrays(np.asarray(frequency, dtype=float), np.asarray(directions, dtype=float))
    even = k % 2 == 0
    safe = np.where(even, k, 0)
    if samples is None:
        pole = 1 / (safe**2 - 1)
    else:
        if samples % 4 or (count % samples).any():
            raise ValueError(f"samples, directions: expected n a multiple of 4 and D of n, got n = {samples}")
        below, above = np.tan(np.pi * (safe - 1) / samples), np.tan(np.pi * (safe + 1) / samples)
        pole = np.pi / (2 * samples) * (1 / below - 1 / above)
    return np.where(even, 8 * (shift**2 - shift + 1 / 6) * pole / count**2, 0.0)


def _regime(*, output_factor: float, directions: int, frequency: int = 1) -> Regime:
    """Inside if the network is lazy and its directions resolve the frequency.

    Args:
        output_factor: α, by which the network's output is multiplied.
        directions: Number D of equispaced neuron directions.
        frequency: Largest frequency k that is compared.
    """
    if output_factor < 100:
        return Regime(
            False, f"output factor α = {output_factor:g}: the kernel moves while the network learns"
        )
    if directions < 16 * max(frequency, 1):
        return Regime(False, f"{directions} directions do not resolve the frequency {frequency}")
    # c_k is about 1/(πk)², and its error at most 4/(3 (k²-1) D²), at q = 0.
    error = 4 * np.pi**2 / (3 * directions**2)
    return Regime(
        True, f"lazy (α = {output_factor:g}); the directions' error is at most {error:.1g} of a rate"
    )


circle_ntk = Prediction(
    name="circle_ntk",
    statement=(
        "A wide, lazy two-layer ReLU network on the circle learns frequency k at the rate c_k, the Fourier "
        "coefficient of its tangent kernel, with k² c_k → 1/π²: low frequencies first. Without biases odd "
        "frequencies k >= 3 are never learned: the odd part of any such network is linear, as "
        "relu(z) - relu(-z) = z."
    ),
    hypotheses=(
        "f = m^(-1/2) Σ a relu(w·x + b), a and the entries of w of variance 1, b = 0 at the start",
        "inputs equispaced on the unit circle, loss (1/2n) Σ (f - y)²",
        "lazy: large width and a large output scale α, learning rate η/α²",
    ),
    source=(
        "Basri, Jacobs, Kasten, Kritchman, NeurIPS 2019 (1906.00425), section 4; Bietti, Mairal, NeurIPS "
        "2019 (1905.12173); error of equispaced directions derived"
    ),
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "On the circle a lazy ReLU network learns frequency k at its kernel's Fourier coefficient, about "
        "1/(πk)²; without biases it never learns odd k >= 3"
    ),
    order=140,
)

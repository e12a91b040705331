"""The end of a ReLU network on orthonormal inputs from a small start, and its complexity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OrthonormalRelu:
    """The limit of the trained network for σ → 0, and how fast it is reached.

    Attributes:
        singular_values: (n,) of the input weights, decreasing: sqrt‖y₊‖ and sqrt‖y₋‖, the rest 0.
        norm: Σ_k |a_k||w_k| = ‖y₊‖ + ‖y₋‖, the least of all interpolators.
        stable_rank: ‖W‖_F² / ‖W‖_2² = (‖y₊‖ + ‖y₋‖) / max(‖y₊‖, ‖y₋‖).
        rho: Rate of the fastest neurons that miss a sample of their group over that of the full ones.
        runner_up: The second largest such ratio over all groups and sets of samples; 0 if there is none.
        norm_exponent: 2(1 - ρ), the exponent in σ of the norm's excess.
        value_exponent: 1 - ρ, the exponent in σ of the third singular value.
    """

    singular_values: Array
    norm: float
    stable_rank: float
    rho: float
    runner_up: float
    norm_exponent: float
    value_exponent: float


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    plus, minus, sigma, rho = sp.symbols("Y_plus Y_minus sigma rho", positive=True)
    full, partial, group = sp.symbols("e_full e_A Y", positive=True)
    return {
        "norm": plus + minus,
        "stable rank": (plus + minus) / sp.Max(plus, minus),
        "E_A": partial * sigma**2 * (group / (full * sigma**2)) ** rho,
        "norm excess per E_A": 1 - rho,
        "third singular value per sqrt(E_A)": sp.sqrt(1 - rho**2),
        "norm exponent": 2 * (1 - rho),
        "value exponent": 1 - rho,
    }


def _evaluate(targets: ArrayLike) -> OrthonormalRelu:
    """The limit of gradient flow on orthonormal inputs as σ → 0, and how fast it is reached.

    Neurons with a > 0 that are active on all samples with y > 0 align to y₊ = (y_i : y_i > 0) and grow at the
    rate ‖y₊‖/n; likewise for a < 0. Neurons that are active on a part A of their group alone grow at the rate
    ‖y_A‖/n, which is ρ_A = ‖y_A‖/‖y_group‖ times that of full ones. They stop when these have fitted the
    group, and from σ they reach σ^(1 - ρ_A). The slowest remainder to vanish misses the sample of the
    smallest |y|.

    Args:
        targets: (n,) targets y.

    Returns:
        The limit and its exponents.

    Raises:
        ValueError: Targets are not a vector of finite numbers, or one is zero, whose sample belongs to no
            sign group.
    """
    y = _checked(targets)
    norms = np.array([np.linalg.norm(y[y > 0]), np.linalg.norm(y[y < 0])])
    ratios = np.sort(np.concatenate([partial_rates(y, sign) for sign in (1, -1)]))[::-1]
    rho = float(ratios[0]) if len(ratios) else 0.0
    values = np.zeros(len(y))
    values[: min(2, len(y))] = np.sqrt(np.sort(norms)[::-1])[: min(2, len(y))]
    return OrthonormalRelu(
        singular_values=values,
        norm=float(norms.sum()),
        stable_rank=float(norms.sum() / norms.max()),
        rho=rho,
        runner_up=float(ratios[1]) if len(ratios) > 1 else 0.0,
        norm_exponent=2 * (1 - rho),
        value_exponent=1 - rho,
    )


def partial_rates(targets: ArrayLike, sign: int) -> Array:
    """ρ_A = ‖y_A‖/‖y_group‖ of the two fastest kinds of neurons that are active on a part A of a sign group.

    Args:
        targets: (n,) targets y.
        sign: +1 for the samples with y > 0, -1 for those with y < 0.

    Returns:
        (k,) decreasing, k <= 2; empty for a group of fewer than two samples.

    Raises:
        ValueError: As for `orthonormal_relu`.
    """
    y = _checked(targets)
    squares = np.sort(np.square(y[sign * y > 0]))
    if len(squares) < 2:
        return np.empty(0)
    # The least that a part can miss: its smallest sample, next its second smallest (or both, never less).
    missed = squares[:2]
    rates: Array = np.sqrt(1 - missed / squares.sum())
    return rates


def norm_excess(targets: ArrayLike, input_weight: ArrayLike, output_weight: ArrayLike) -> Array:
    """Σ|a||w| - ‖y₊‖ - ‖y₋‖ after training, to leading order in a small start without active wrong samples.

    Neuron k, active on the part A_k of its group, has p_k = ((a_k + w_k·ŷ_A) / 2)² on the growing mode. When
    the full neurons, of e = Σ p_k together, have fitted their group of norm Y, it has reached
    E_k = p_k (Y/e)^ρ_k. The full neurons then need to fit less by E_k ρ_k, so the norm is E_k (1 - ρ_k) too
    large.

    Args:
        targets: (n,) targets y.
        input_weight: (..., m, n) initial input weights in the basis of the samples, w·x_i; not positive where
            y_i has not the sign of a.
        output_weight: (..., m) initial output weights a.

    Returns:
        (...) the excess.

    Raises:
        ValueError: Shapes do not agree, a neuron is active on a sample of the wrong sign, or a group has no
            neuron that is active on all of its samples.
    """
    y = _checked(targets)
    z, a = np.asarray(input_weight, dtype=float), np.asarray(output_weight, dtype=float)
    if z.shape != (*a.shape, len(y)):
        raise ValueError(
            f"input_weight, output_weight: shapes {z.shape}, {a.shape} do not fit {len(y)} targets"
        )
    own = np.sign(a)[..., None] * y > 0
    if ((z > 0) & ~own).any():
        raise ValueError("input_weight: a neuron is active on a sample of the wrong sign")
    active = z > 0
    part = np.sqrt((np.square(y) * active).sum(-1))
    full = (active == own).all(-1)
    along = (z * np.abs(y) * active).sum(-1) / np.where(part > 0, part, 1.0)
    mode = np.where(part > 0, np.square((np.abs(a) + along) / 2), 0.0)
    excess = np.zeros(a.shape[:-1])
    for sign in (1, -1):
        if not (sign * y > 0).any():
            continue
        mine = np.sign(a) == sign
        start = np.where(mine & full, mode, 0.0).sum(-1, keepdims=True)
        if not start.all():
            raise ValueError("input_weight: a sign group has no neuron that is active on all of its samples")
        size = float(np.linalg.norm(y[sign * y > 0]))
        ratio = part / size
        reached = mode * (size / start) ** ratio
        excess = excess + np.where(mine & ~full & (part > 0), reached * (1 - ratio), 0.0).sum(-1)
    return excess


def _checked(targets: ArrayLike) -> Array:
    y = np.asarray(targets, dtype=float)
    if y.ndim != 1 or not len(y):
        raise ValueError(f"targets: expected (n,) with n >= 1, got {y.shape}")
    if not np.isfinite(y).all():
        raise ValueError("targets: hold NaN or infinite entries")
    if not y.all():
        raise ValueError("targets: one is zero, so its sample belongs to no sign group")
    return y


def _regime(*, sigma: float, rho: float = 0.0, active: bool = True) -> Regime:
    """Inside if every sign group has a fully active neuron and σ^(1-ρ) is small.

    Args:
        sigma: Scale σ of the initial weights.
        rho: Rate ρ of the fastest neurons that miss a sample of their group over that of the full ones.
        active: Whether each sign group has a neuron that is active on all of its samples.
    """
    if not active:
        return Regime(False, "a sign group has no neuron that is active on all of its samples")
    remainder = sigma ** (1 - rho)
    if remainder > 0.1:
        return Regime(
            False, f"the remainder σ^(1-ρ) = {remainder:.2g} is not small (σ = {sigma:g}, ρ = {rho:.2g})"
        )
    return Regime(True, f"the remainder is of order σ^(1-ρ) = {remainder:.2g}")


orthonormal_relu = Prediction(
    name="orthonormal_relu",
    statement=(
        "On orthonormal inputs a ReLU network from a small balanced start, trained to zero loss, ends with "
        "two directions, y₊ and y₋: singular values sqrt‖y₊‖ and sqrt‖y₋‖, and the least norm "
        "Σ|a||w| = ‖y₊‖ + ‖y₋‖. "
        "The norm's excess vanishes as σ^(2(1-ρ)), the third singular value as σ^(1-ρ)."
    ),
    hypotheses=(
        "orthonormal inputs, no target zero",
        "balanced start |a| = |w| of scale σ, loss (1/2n) Σ (f - y)², gradient flow to zero loss",
        "each sign group has a neuron with a of its sign that is active on all of its samples",
    ),
    source=(
        "Boursier, Pillaud-Vivien, Flammarion, NeurIPS 2022 (2206.00939), theorem 1, for the limit; "
        "exponents and their coefficients derived"
    ),
    kind="rate",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "On orthonormal inputs a ReLU network from a small start ends with two directions, y₊ and y₋, and "
        "the least norm; the rest vanishes as σ^(1-ρ), with ρ from the targets"
    ),
    order=230,
)

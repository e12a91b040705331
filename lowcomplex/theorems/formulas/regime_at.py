"""Lazy or rich, for one network of given sizes, with the reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex import _html
from lowcomplex.theorems.formulas.gamma_axis import Family, families
from lowcomplex.theorems.phase_diagram.formula import Coordinates, luo_coordinates

Array = NDArray[np.float64]

# Changes of the tangent features at which the displacement's exponent has gone a tenth, and nine tenths, of
# the way from the lazy arm to the rich one. They are those of two linear layers on one sample, where the
# change is sinh(2τ)/2 (solved in the tests). Laziness ends early, and richness is complete late.
LAZY_BELOW, RICH_ABOVE = 0.287, 25.5
_RATES = np.linspace(-1, 4, 2001)


class Layer(NamedTuple):
    """The change of one weight matrix in linearized training.

    Attributes:
        change: ‖ΔW‖ over sqrt(m)·std, the factor by which W scales a signal.
        share: Share of the tangent kernel that is this matrix's own.
    """

    change: float
    share: float


@dataclass(frozen=True)
class GammaRegime:
    """The place of a network on the γ axis; `str` gives the derivation.

    Attributes:
        regime: "lazy", "transition" or "rich".
        tangent_change: Relative change of the tangent features in linearized training: small means lazy.
        crossing: γ at which that change is 1 at these sizes; infinite if there is none up to γ = 4.
        kernel: The tangent kernel of one sample at the start, ‖∂f/∂θ‖².
        first: The first matrix.
        later: Each other matrix.
        displacement: Estimate of ‖θ - θ_0‖/‖θ_0‖ after training; NaN in the transition.
        luo: (γ_L, γ') in Luo et al.'s plane; None unless there are two matrices.
        families: Boundary and exponent at this γ as the width grows, for each way to grow.
        derivation: The steps, with their numbers.
    """

    regime: Literal["lazy", "transition", "rich"]
    tangent_change: float
    crossing: float
    kernel: float
    first: Layer
    later: Layer
    displacement: float
    luo: Coordinates | None
    families: tuple[Family, ...]
    derivation: tuple[str, ...]

    def __repr__(self) -> str:
        change = f"tangent change {self.tangent_change:.3g}, which is 1 at γ = {self.crossing:.3g}"
        return f"<{self.regime}: {change}>"

    def __str__(self) -> str:
        return "\n".join((f"{self.regime}", *(f"  {step}" for step in self.derivation)))

    def _repr_html_(self) -> str:
        steps = {str(number): step for number, step in enumerate(self.derivation, 1)}
        return _html.definitions(self.regime, steps)


def regime_at(
    gamma: float,
    *,
    width: int,
    depth: int,
    dimension: int,
    input_norm: float = 1.0,
    output_scale: float = 1.0,
    target_norm: float = 1.0,
    activation: Literal["relu", "linear"] = "relu",
) -> GammaRegime:
    """Is a network lazy or rich at this γ, and why?

    A network of L matrices, d → m → … → m → 1, all N(0, d_in^(-2γ)), is linearized at its start. The kernel K
    is the sum of the matrices' ‖∂f/∂W_l‖², and fitting y takes ‖ΔW_l‖ = y sqrt(K_l)/K. If this changes the
    tangent features by little, the linearization holds: lazy. The change is the root of Σ_l c_l² k_l. There
    c_l compares ΔW_l with W_l on a signal, and k_l is the share of the kernel that depends on W_l: all but
    K_l itself for weights, all of it if W_l also moves the gates of ReLU units.

    Exact is the expectation of each K_l over Gaussian weights, for one sample, linear or ReLU units and an
    output centered at initialization; for two linear matrices all of the answer is exact. Inputs of norm r,
    an output scale α and targets of norm y count only as y α/r, exactly: they rescale all weights by the L-th
    root.

    The rest is estimated. At greater depth the paths through several changed matrices add up, and the change
    is larger by a factor that depends neither on γ nor on m (1.3 to 1.6 measured for three linear matrices of
    width 48). With ReLU units it is 1 to 3 times the estimate there, since few gates flip but each counts
    whole. The thresholds are those of two matrices. Several samples enter by the norm of their targets alone,
    as if they were orthogonal.

    Args:
        gamma: Initialization rate.
        width: m.
        depth: Number L of weight matrices, at least 2.
        dimension: Input dimension d.
        input_norm: Norm of an input; about sqrt(d) behind a layer normalization.
        output_scale: α in f/α.
        target_norm: Norm of the targets over all samples, sqrt(n) times their root mean square.
        activation: "relu" or "linear".

    Returns:
        The regime with its derivation.

    Raises:
        ValueError: A parameter outside of its range.

    Example:
        >>> answer = regime_at(0.7, width=512, depth=3, dimension=64)
        >>> answer.regime, round(answer.crossing, 2)
        ('transition', 0.55)
        >>> regime_at(1.2, width=512, depth=3, dimension=64).regime
        'rich'
    """
    _validate(gamma, width, depth, dimension, activation)
    positive = {"input_norm": input_norm, "output_scale": output_scale, "target_norm": target_norm}
    for name, value in positive.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}: expected a positive and finite number, got {value}")
    pull = input_norm / output_scale / target_norm
    here = _linearized(gamma, width, depth, dimension, pull, activation)
    along = _linearized(_RATES, width, depth, dimension, pull, activation)
    crossing = _first_crossing(_RATES, along.tangent_change)
    change = _exp(here.tangent_change)
    regime: Literal["lazy", "transition", "rich"] = (
        "lazy" if change < LAZY_BELOW else "rich" if change > RICH_ABOVE else "transition"
    )
    displacement = _exp(here.lazy if regime == "lazy" else here.rich if regime == "rich" else math.nan)
    luo = (
        luo_coordinates(width**-gamma, dimension**-gamma, width, output_scale=1 / pull)
        if depth == 2
        else None
    )
    first, later = (
        Layer(_exp(moved), _exp(share)) for moved, share in zip(here.changes, here.shares, strict=True)
    )
    kernel = _exp(here.kernel + 2 * math.log(target_norm))
    grown = families(gamma, depth)
    sides = {"lazy": "far below", "rich": "far above", "transition": "below" if change < 1 else "above"}
    derivation = [
        f"{depth} matrices {dimension} → {width} → … → 1, entries of standard deviation "
        f"{dimension}^-{gamma:g} = {dimension**-gamma:.3g} in the first, "
        f"{width}^-{gamma:g} = {width**-gamma:.3g} in the others; "
        f"input norm / (output scale · target norm) = {pull:.3g}",
        f"kernel ‖∂f/∂θ‖² = {kernel:.3g}: {first.share:.0%} of it from the first matrix, "
        f"{later.share:.0%} from each other",
        f"linearized training changes the first matrix by {first.change:.3g} of what it does to a signal, "
        f"each other by {later.change:.3g}",
        f"so the tangent features change by {change:.3g}, {sides[regime]} 1 (lazy below {LAZY_BELOW:g}, rich "
        f"above {RICH_ABOVE:g})",
        f"at these sizes the change is 1 at γ = {crossing:.3g}",
    ]
    if luo is not None:
        derivation.append(
            f"in Luo et al.'s plane: γ_L = {float(luo.gamma_l):.3g}, γ' = {float(luo.gamma_prime):.3g}; rich "
            f"as m → ∞ where γ_L - |γ'| > 1, here {float(luo.gamma_l - np.abs(luo.gamma_prime)):.3g}"
        )
    derivation += [
        f"as the width grows, if {way.words}: boundary γ = {way.boundary:.3g}, here "
        f"{'lazy' if gamma < way.boundary else 'rich'}, displacement ~ m^{way.exponent:.3g}"
        for way in grown
    ]
    if regime != "transition":
        derivation.append(f"relative displacement of all weights about {displacement:.2g}")
    return GammaRegime(
        regime=regime,
        tangent_change=change,
        crossing=crossing,
        kernel=kernel,
        first=first,
        later=later,
        displacement=displacement,
        luo=luo,
        families=grown,
        derivation=tuple(derivation),
    )


class _Linearized(NamedTuple):
    """Logarithms, for targets of norm 1; a pair holds the value of the first matrix and of each later one."""

    kernel: Array
    shares: tuple[Array, Array]
    changes: tuple[Array, Array]
    tangent_change: Array
    lazy: Array
    rich: Array


def _linearized(
    gamma: ArrayLike, width: int, depth: int, dimension: int, pull: float, activation: str
) -> _Linearized:
    rate = np.asarray(gamma, dtype=float)
    log_m, log_d, log_pull, hidden = math.log(width), math.log(dimension), math.log(pull), depth - 2
    log_hidden = math.log(hidden) if hidden else -math.inf
    std_first, std = -rate * log_d, -rate * log_m
    # Mean factors by which a matrix and its activation multiply a squared signal, forward or backward.
    passed = log_m + (math.log(0.5) if activation == "relu" else 0.0)
    gain_first, gain = passed + 2 * std_first, passed + 2 * std
    own_first = (depth - 1) * gain + 2 * log_pull
    own = gain_first + hidden * gain + 2 * log_pull
    kernel = np.logaddexp(own_first, math.log(depth - 1) + own)
    change_first = own_first / 2 - kernel - log_m / 2 - std_first
    change = own / 2 - kernel - log_m / 2 - std
    unseen_by_last = np.logaddexp(own_first, log_hidden + own) - kernel
    # A weight enters the gradients of all other matrices, a ReLU's gate also that of its own.
    gates = np.zeros_like(kernel)
    seen_first, seen = (
        (gates, gates) if activation == "relu" else (math.log(depth - 1) + own - kernel, unseen_by_last)
    )
    squared = np.logaddexp(
        2 * change_first + seen_first,
        2 * change + np.logaddexp(log_hidden + seen, unseen_by_last),
    )
    size = np.logaddexp(log_m + log_d + 2 * std_first, math.log(hidden * width**2 + width) + 2 * std)
    alike = -log_pull / depth
    kept = math.log(depth - 1) / 2 - (log_pull + gain_first / 2) / (depth - 1)
    rich = np.where(gain_first / 2 <= alike, math.log(depth) / 2 + alike, kept)
    return _Linearized(
        kernel=kernel,
        shares=(own_first - kernel, own - kernel),
        changes=(change_first, change),
        tangent_change=squared / 2,
        lazy=-kernel / 2 - size / 2,
        rich=rich - size / 2,
    )


def _exp(logarithm: Array | float) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.exp(logarithm))


def _first_crossing(rates: Array, log_changes: Array) -> float:
    above = np.flatnonzero((log_changes[:-1] < 0) & (log_changes[1:] >= 0))
    if not above.size:
        return math.inf
    k = above[0]
    return float(np.interp(0.0, log_changes[k : k + 2], rates[k : k + 2]))


def _validate(gamma: float, width: int, depth: int, dimension: int, activation: str) -> None:
    if not (math.isfinite(gamma) and abs(gamma) <= 10):
        raise ValueError(f"gamma: expected an initialization rate between -10 and 10, got {gamma}")
    for name, value, least in (("width", width, 2), ("depth", depth, 2), ("dimension", dimension, 1)):
        if not (value >= least and value == int(value)):
            raise ValueError(f"{name}: expected a whole number of at least {least}, got {value}")
    if activation not in ("relu", "linear"):
        raise ValueError(f"activation: expected 'relu' or 'linear', got {activation!r}")

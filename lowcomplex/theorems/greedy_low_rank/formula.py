"""Matrix completion by a factorization at small initialization: ranks are added one by one, greedily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowcomplex.theorems._closed_form import closed_form
from lowcomplex.theorems._prediction import Prediction, Regime

if TYPE_CHECKING:
    import sympy as sp

Array = NDArray[np.float64]

# The new column starts at this share of its final size; the stage that it leads to attracts.
_SEED = 1e-6
# A stage has converged when its speed is this share of the first rate times its size.
_CONVERGED = 1e-11
# Longest flow of a stage, in units of the inverse first rate.
_LONGEST = 1e4


@dataclass(frozen=True)
class GreedyLowRank:
    """The stages of greedy low-rank learning.

    Attributes:
        stages: (k + 1, d, d) W_0 = 0, W_1, …, W_k; W_r has rank r.
        rates: (k,) the top eigenvalue of -∇f(W_{r-1}): the new column grows at this rate.
        gaps: (k,) the second eigenvalue of -∇f(W_{r-1}) over the top one; below 1.
        contractions: (k,) the slowest rate at which the flow of r columns converges to W_r.
        losses: (k + 1,) f at the stages.
    """

    stages: Array
    rates: Array
    gaps: Array
    contractions: Array
    losses: Array

    @property
    def distance_exponent(self) -> float:
        """Exponent in σ of how close the path comes to W_1, if a second stage follows; else NaN.

        The second direction enters the plateau with a size σ^(1 - gap) and grows there at the second rate κ,
        while the first stage converges at its contraction μ. After a time s the distance is
        e^(-μs) + σ^(2(1 - gap)) e^(2κs), whose least value is of order σ^(2(1 - gap) μ / (μ + 2κ)).
        """
        if len(self.rates) < 2:
            return float("nan")
        first, growth = self.rates[:2]
        return float(_distance_exponent(first, self.gaps[0] * first, self.contractions[0], growth))


def _expressions() -> dict[str, sp.Expr]:
    import sympy as sp

    rate, second, contraction, growth, sigma, t = sp.symbols("lambda nu mu kappa sigma t", positive=True)
    return {
        "growth of a new column": sigma * sp.exp(rate * t),
        "dT_1/dlog(1/σ)": 1 / rate,
        "exponent of the distance to W_1": 2 * (1 - second / rate) * contraction / (contraction + 2 * growth),
    }


_distance_exponent = closed_form(
    _expressions, "exponent of the distance to W_1", "lambda", "nu", "mu", "kappa"
)


def _evaluate(target: ArrayLike, observed: ArrayLike, *, max_stages: int | None = None) -> GreedyLowRank:
    """The stages W_r that gradient flow on U Uᵀ passes as its scale goes to zero.

    f(W) = ½ Σ_ij O_ij (W_ij - M_ij)², L(U) = ½ f(U Uᵀ), U̇ = -∇f(U Uᵀ) U. At W_{r-1} = U Uᵀ a column ε u is
    added to U, with u the top eigenvector of -∇f(W_{r-1}), and the flow of r columns converges to W_r. The
    procedure ends where -∇f has no positive eigenvalue.

    Args:
        target: (d, d) symmetric target matrix M; entries that are not observed are not used.
        observed: (d, d) symmetric, True where M is observed.
        max_stages: Largest number of stages to compute; d by default.

    Returns:
        The stages.

    Raises:
        ValueError: Shapes do not agree, M or the mask is not symmetric, observed entries are not finite, or
            the top eigenvalue ties at a stage, which singles out no direction.
        ArithmeticError: A stage did not converge.
    """
    m, mask = _checked(target, observed)
    d = len(m)
    columns = np.zeros((d, 0))
    stages, rates, gaps, contractions = [np.zeros((d, d))], [], [], []
    values, vectors = np.linalg.eigh(-_gradient(stages[0], m, mask))
    scale = float(np.abs(values).max())
    for _ in range(d if max_stages is None else max_stages):
        top, second = values[-1], values[-2] if d > 1 else 0.0
        if top <= 1e-8 * scale:
            break
        if top - second <= 1e-6 * scale:
            raise ValueError("target: the top eigenvalue of the gradient ties; the law needs a gap there")
        seed = _SEED * np.sqrt(scale) * vectors[:, -1:]
        columns = _converge(np.hstack((columns, seed)), m, mask, scale)
        stages.append(columns @ columns.T)
        rates.append(top)
        gaps.append(max(second, 0.0) / top)
        contractions.append(_contraction(columns, m, mask))
        values, vectors = np.linalg.eigh(-_gradient(stages[-1], m, mask))
    losses = [float(np.square((stage - m) * mask).sum()) / 2 for stage in stages]
    return GreedyLowRank(
        np.array(stages), np.array(rates), np.array(gaps), np.array(contractions), np.array(losses)
    )


def _gradient(w: Array, m: Array, mask: NDArray[np.bool_]) -> Array:
    return mask * (w - m)


def _converge(start: Array, m: Array, mask: NDArray[np.bool_], scale: float) -> Array:
    """The limit of the flow of all columns so far."""
    from scipy.integrate import solve_ivp

    shape = start.shape

    def slope(_: float, flat: Array) -> Array:
        u = flat.reshape(shape)
        velocity: Array = -(_gradient(u @ u.T, m, mask) @ u).ravel()
        return velocity

    def slow(_: float, flat: Array) -> float:
        grown = float(np.linalg.norm(flat.reshape(shape)[:, -1]))
        speed = float(np.linalg.norm(slope(0.0, flat)))
        # The start, where the new column is small, is slow too.
        return 1.0 if grown < 100 * _SEED * np.sqrt(scale) else speed / scale**1.5 - _CONVERGED

    slow.terminal = True  # type: ignore[attr-defined]
    size = np.sqrt(scale)
    solution = solve_ivp(
        slope, (0, _LONGEST / scale), start.ravel(), "LSODA", events=slow, rtol=1e-10, atol=1e-13 * size
    )
    if solution.status != 1:
        raise ArithmeticError(f"a stage of rank {shape[1]} did not converge: {solution.message}")
    end: Array = solution.y[:, -1].reshape(shape)
    return end


def _contraction(u: Array, m: Array, mask: NDArray[np.bool_]) -> float:
    """Smallest eigenvalue of the Hessian of L at U, without those of rotations of the columns (0)."""
    d, r = u.shape
    basis = np.eye(d * r).reshape(d * r, d, r)
    outer = basis @ u.T
    change = mask * (outer + outer.transpose(0, 2, 1))
    hessian = (_gradient(u @ u.T, m, mask) @ basis + change @ u).reshape(d * r, d * r)
    rotations = r * (r - 1) // 2
    return float(np.sort(np.linalg.eigvalsh((hessian + hessian.T) / 2))[rotations])


def _checked(target: ArrayLike, observed: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    m, mask = np.asarray(target, dtype=float), np.asarray(observed, dtype=bool)
    if m.ndim != 2 or m.shape[0] != m.shape[1] or mask.shape != m.shape:
        raise ValueError(f"target, observed: expected (d, d) twice, got {m.shape} and {mask.shape}")
    if (mask != mask.T).any():
        raise ValueError("observed: not symmetric")
    m = np.where(mask, m, 0.0)
    if not np.isfinite(m).all():
        raise ValueError("target: observed entries are NaN or infinite")
    if not np.allclose(m, m.T, rtol=1e-12, atol=0):
        raise ValueError("target: not symmetric")
    return m, mask


def _regime(*, sigma: float, runner_up: float = 0.0) -> Regime:
    """Inside for a small σ and a second eigenvalue well below the top eigenvalue.

    Args:
        sigma: Scale σ of the initial weights.
        runner_up: Second eigenvalue over the first at the stage that is compared.
    """
    if runner_up >= 1:
        return Regime(False, "the top eigenvalue ties: two directions grow together")
    if sigma ** (1 - runner_up) > 1e-2:
        return Regime(
            False, f"σ^(1 - runner-up) = {sigma ** (1 - runner_up):.2g}: the second direction has grown too"
        )
    return Regime(
        True, f"the second direction is behind by σ^(1 - runner-up) = {sigma ** (1 - runner_up):.2g}"
    )


greedy_low_rank = Prediction(
    name="greedy_low_rank",
    statement=(
        "Gradient flow on a factorized symmetric matrix, W = U Uᵀ, from a start of scale σ → 0 learns ranks "
        "one by one: it passes plateaus at W_1, W_2, …, where W_r is the limit of the flow from W_{r-1} and "
        "a small new column along the top eigenvector of -∇f(W_{r-1})."
    ),
    hypotheses=(
        "depth two, U square (or wide enough), start of scale σ much smaller than 1 and of full rank",
        "the top eigenvalue of -∇f is simple at every stage; each stage attracts among matrices of its rank",
    ),
    source=("Li, Luo, Lyu, ICLR 2021 (2012.09839), algorithm 1, section 5; exponent of the distance derived"),
    kind="exact",
    symbolic=_expressions,
    evaluate=_evaluate,
    regime=_regime,
    summary=(
        "Gradient flow on U Uᵀ from a small start completes a matrix greedily: plateaus of rank 1, 2, …, "
        "each reached from the one before along the top eigenvector of the gradient there"
    ),
    order=260,
)

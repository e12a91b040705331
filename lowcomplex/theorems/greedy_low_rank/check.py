"""Does a factorized matrix pass the stages of greedy low-rank learning, one rank after the other?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lowcomplex.measures import effective_rank
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.greedy_low_rank.formula import GreedyLowRank, greedy_low_rank

_DIMENSION, _RANK, _OBSERVED = 5, 2, 0.8
_SIGMA = 1e-8
# Hypotheses on the data, see _draw.
_LEAST_EXPONENT, _LARGEST_GAP, _LEAST_RATE, _LEAST_SHARE = 0.4, 0.7, 0.1, 0.1
_DRAWS = 500

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def observe(seed: int, *, sigma: float = _SIGMA) -> tuple[Comparison, ...]:
    """Integrate the flow of a square factor, and look where it passes closest to each predicted stage."""
    rng = np.random.default_rng(seed)
    m, mask, law, draws = _draw(rng)
    start = sigma * rng.standard_normal((_DIMENSION, _DIMENSION)) / math.sqrt(_DIMENSION)
    path = _flow(m, mask, start, law, sigma)
    sizes = np.linalg.norm(law.stages[1:], axis=(1, 2))
    distances = np.linalg.norm(path[:, None] - law.stages[1:], axis=(2, 3)) / sizes
    closest = distances.argmin(0)
    # Tolerances are those of the nominal scale, whatever the scale.
    near = 10 * _SIGMA**law.distance_exponent
    comparisons = []
    for rank in range(1, _RANK + 1):
        there = path[closest[rank - 1]]
        values = np.linalg.svd(there, compute_uv=False)
        predicted = float(effective_rank(torch.from_numpy(law.stages[rank])))
        comparisons += [
            Comparison(
                quantity=f"distance of the path to stage {rank}, over the stage's size",
                predicted=0.0,
                measured=float(distances[closest[rank - 1], rank - 1]),
                tolerance=near,
                reason="σ^(2(1 - gap) μ/(μ + 2κ)), of the second direction's growth against the first "
                "stage's convergence, times 10 for the sizes of both; nothing grows at the last stage",
                draws=draws,
            ),
            Comparison(
                quantity=f"effective rank at stage {rank}",
                predicted=predicted,
                measured=float(effective_rank(torch.from_numpy(there))),
                tolerance=3 * near * (1 + math.log(_DIMENSION / near)),
                reason="singular values that are off by a share x change the entropy by x (1 + log(d/x))",
                draws=draws,
            ),
            Comparison(
                quantity=f"rank at stage {rank}",
                predicted=float(rank),
                measured=float((values > 0.5 * _LEAST_SHARE * values[0]).sum()),
                tolerance=0.5,
                reason="a count of singular values above half of the least that the stages may have",
                draws=draws,
            ),
        ]
    return (
        *comparisons,
        Comparison(
            quantity="plateaus in the predicted order",
            predicted=1.0,
            measured=float((np.diff(closest) > 0).all()),
            tolerance=0.5,
            reason="true or false",
            draws=draws,
        ),
    )


def _flow(m: Array, mask: Mask, start: Array, law: GreedyLowRank, sigma: float) -> Array:
    """W = U Uᵀ along the flow U̇ = -∇f(U Uᵀ) U."""
    from scipy.integrate import solve_ivp

    shape = start.shape

    def slope(_: float, flat: Array) -> Array:
        u = flat.reshape(shape)
        velocity: Array = -((mask * (u @ u.T - m)) @ u).ravel()
        return velocity

    growing = max(math.log(1 / sigma), 1.0) * float((1 / law.rates).sum())
    span = 1.5 * growing + 20 * float((1 / law.contractions).sum())
    # The solver's own steps are long on plateaus, where the path is closest to a stage for a moment only.
    times = np.linspace(0, span, 4000)
    solution = solve_ivp(slope, (0, span), start.ravel(), "LSODA", t_eval=times, rtol=1e-8, atol=1e-8 * sigma)
    if solution.status != 0:
        raise ArithmeticError(f"the flow of the factor failed: {solution.message}")
    factors = solution.y.T.reshape(-1, *shape)
    path: Array = factors @ factors.transpose(0, 2, 1)
    return path


def _draw(rng: np.random.Generator) -> tuple[Array, Mask, GreedyLowRank, int]:
    """A completion problem of two stages that satisfies the law's hypotheses.

    At each stage the top eigenvalue leads and the stage attracts at a visible rate; the path comes close
    enough to the first stage at the nominal σ; and the second stage is clearly of rank two.
    """
    for draw in range(1, _DRAWS + 1):
        factor = rng.standard_normal((_DIMENSION, _RANK))
        m = factor @ factor.T
        upper = np.triu(rng.random(m.shape) < _OBSERVED)
        mask: Mask = upper | upper.T
        first = np.linalg.eigvalsh(np.where(mask, m, 0))
        if first[-2] > _LARGEST_GAP * first[-1]:  # The first gap alone is cheap to see.
            continue
        try:
            law = greedy_low_rank(m, mask, most=_RANK + 1)
        except ArithmeticError:  # A stage that does not attract is outside the hypotheses.
            continue
        if len(law.rates) != _RANK or law.losses[-1] > 1e-12 * law.losses[0]:
            continue
        values = np.linalg.svd(law.stages[-1], compute_uv=False)
        if (
            law.distance_exponent >= _LEAST_EXPONENT
            and law.gaps.max() <= _LARGEST_GAP
            and min(law.contractions.min(), law.rates.min()) >= _LEAST_RATE * law.rates[0]
            and values[_RANK - 1] >= _LEAST_SHARE * values[0]
        ):
            return m, mask, law, draw
    raise ArithmeticError(f"no completion problem with two clear stages in {_DRAWS} draws")


CHECK: Check[Any, None] = Check(
    prediction=greedy_low_rank,
    observe=observe,
    controls={"large initialization: σ = 1": {"sigma": 1.0}},
)

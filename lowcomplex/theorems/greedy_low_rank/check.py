"""Does a factorized matrix pass the stages of greedy low-rank learning, one rank after the other?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lowcomplex.measures import effective_rank
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._mutants import changed
from lowcomplex.theorems._verdict import Comparison
from lowcomplex.theorems.greedy_low_rank.formula import GreedyLowRank, greedy_low_rank
from lowcomplex.training import one_draw

_DIMENSION, _RANK, _OBSERVED = 5, 2, 0.8
_SIGMA = 1e-8
# Sizes of W, in units of its final one, between which its first growth is measured.
_GROWN = (1e-6, 1e-4)
# Hypotheses on the data, see _draw.
_LEAST_EXPONENT, _LARGEST_GAP, _LEAST_RATE, _LEAST_SHARE = 0.4, 0.7, 0.1, 0.1
_DRAWS = 500

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Completion(NamedTuple):
    """A completion problem, and the path of the factorized matrix.

    Attributes:
        matrix: (d, d) M.
        observed: (d, d) where M is observed.
        times: (T,) times.
        path: (T, d, d) W = U Uᵀ.
        draws: Problems drawn until one satisfied the hypotheses.
    """

    matrix: Array
    observed: Mask
    times: Array
    path: Array
    draws: int


Law = Callable[[Array, Mask], GreedyLowRank]


def observe(seed: int, *, sigma: float = _SIGMA) -> Completion:
    """Integrate the flow of a square factor from a start of scale σ."""
    rng = np.random.default_rng(seed)
    m, mask, law, draws = _draw(rng)
    growing = max(math.log(1 / sigma), 1.0) * float((1 / law.rates).sum())
    times, path = _flow(m, mask, sigma, seed, 1.5 * growing + 20 * float((1 / law.contractions).sum()))
    return Completion(m, mask, times, path, draws)


def judge(observed: Completion, law: Law) -> tuple[Comparison, ...]:
    """Compare the path with each stage where it passes closest, and its first growth with the first rate."""
    m, mask, times, path, draws = observed
    predicted = law(m, mask)
    sizes = np.linalg.norm(predicted.stages[1:], axis=(1, 2))
    distances = np.linalg.norm(path[:, None] - predicted.stages[1:], axis=(2, 3)) / sizes
    closest = distances.argmin(0)
    # The path passes a stage and leaves it again, so it is compared where it comes closest.
    # Tolerances are those of the nominal scale, at whichever scale networks start.
    near = 10 * _SIGMA**predicted.distance_exponent
    comparisons = []
    for rank in range(1, _RANK + 1):
        there = path[closest[rank - 1]]
        values = np.linalg.svd(there, compute_uv=False)
        comparisons += [
            Comparison(
                quantity=f"distance of the path to stage {rank}, over the stage's size",
                predicted=0.0,
                measured=float(distances[closest[rank - 1], rank - 1]),
                tolerance=near,
                reason="σ^(2(1 - gap) μ/(μ + 2κ)): the second direction grows while the first stage "
                "converges; times 10 for the sizes of both. Nothing grows at the last stage",
                draws=draws,
            ),
            Comparison(
                quantity=f"effective rank at stage {rank}",
                predicted=float(effective_rank(torch.from_numpy(predicted.stages[rank]))),
                measured=float(effective_rank(torch.from_numpy(there))),
                tolerance=3 * near * (1 + math.log(_DIMENSION / near)),
                reason="three times the bound x (1 + log(d/x)) on the change of the entropy when singular "
                "values change by a share x",
                draws=draws,
            ),
            Comparison(
                quantity=f"rank at stage {rank}",
                predicted=float(rank),
                measured=float((values > 0.5 * _LEAST_SHARE * values[0]).sum()),
                tolerance=0.5,
                reason="a count of singular values above half of the least one that stages may have",
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
        Comparison(
            quantity="growth rate of the first column over the predicted one",
            predicted=1.0,
            measured=_growth(times, path) / predicted.rates[0],
            tolerance=0.01,
            reason=f"feedback, at most {_GROWN[1]:g} of the first size; other directions, behind by "
            f"{_GROWN[0] / _SIGMA**2:g}^(gap - 1), below 1e-3; times 10 for the sizes of both",
            draws=draws,
        ),
    )


def _growth(times: Array, path: Array) -> float:
    """Half the rate at which |W| grows while it is small; NaN if it never is."""
    size = np.linalg.norm(path, axis=(1, 2)) / np.linalg.norm(path[-1])
    early = np.flatnonzero(size < _GROWN[1])
    early = early[size[early] > _GROWN[0]]
    return float(np.polyfit(times[early], np.log(size[early]), 1)[0]) / 2 if len(early) > 1 else math.nan


def _flow(m: Array, mask: Mask, sigma: float, seed: int, span: float) -> tuple[Array, Array]:
    """W = U Uᵀ along the flow U̇ = -∇f(U Uᵀ) U, from entries of U of standard deviation σ/√d.

    `lowcomplex.training` takes five times as long for a matrix of 25 numbers at so many times.
    """
    from scipy.integrate import solve_ivp

    (factor,) = one_draw(
        nn.Linear(_DIMENSION, _DIMENSION, bias=False).double(),
        sigma=(sigma / math.sqrt(_DIMENSION),),
        seed=seed,
    )
    start = factor.get_parameter("weight").detach().numpy()
    shape = start.shape

    def slope(_: float, flat: Array) -> Array:
        u = flat.reshape(shape)
        velocity: Array = -((mask * (u @ u.T - m)) @ u).ravel()
        return velocity

    # The solver's own steps are long on plateaus, where the path is closest to a stage for a moment only.
    times = np.linspace(0, span, 4000)
    solution = solve_ivp(slope, (0, span), start.ravel(), "LSODA", t_eval=times, rtol=1e-8, atol=1e-8 * sigma)
    if solution.status != 0:
        raise ArithmeticError(f"the flow of the factor failed: {solution.message}")
    factors = solution.y.T.reshape(-1, *shape)
    return times, factors @ factors.transpose(0, 2, 1)


def _draw(rng: np.random.Generator) -> tuple[Array, Mask, GreedyLowRank, int]:
    """A completion problem of two stages that satisfies the law's hypotheses.

    At each stage the top eigenvalue leads, and the stage attracts at a visible rate. The path comes close
    enough to the first stage at the nominal σ, and the second stage is clearly of rank two.
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
            law = greedy_low_rank(m, mask, max_stages=_RANK + 1)
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


@lru_cache(maxsize=2)
def _solved(matrix: bytes, observed: bytes) -> GreedyLowRank:
    shape = (_DIMENSION, _DIMENSION)
    return greedy_low_rank(
        np.frombuffer(matrix).reshape(shape),
        np.frombuffer(observed, dtype=bool).reshape(shape),
        max_stages=_RANK + 1,
    )


def _law(matrix: Array, observed: Mask) -> GreedyLowRank:
    """The law, solved once for all mutants, since it integrates each of its stages."""
    return _solved(matrix.tobytes(), observed.tobytes())


def _first_stage(change: Callable[[Array, Array], Array]) -> Law:
    """The law with another first stage, from the true one and the whole matrix."""

    def wrong(matrix: Array, observed: Mask) -> GreedyLowRank:
        found = _law(matrix, observed)
        stages = found.stages.copy()
        stages[1] = change(stages[1], matrix)
        return replace(found, stages=stages)

    return wrong


def _truncated(_: Array, matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    part: Array = values[-1] * np.outer(vectors[:, -1], vectors[:, -1])
    return part


CHECK = Check(
    prediction=greedy_low_rank,
    observe=observe,
    judge=judge,
    law=_law,
    mutants={
        "first stage 1 % too large": _first_stage(lambda stage, _: 1.01 * stage),
        "first stage is the spectral truncation of the whole matrix": _first_stage(_truncated),
        "stages 10 % too large": changed(_law, "stages", lambda stages: 1.1 * stages),
        "stages of the other sign": changed(_law, "stages", lambda stages: -stages),
        "stages in the other order": changed(_law, "stages", lambda stages: stages[[0, 2, 1]]),
        "rates 10 % too large": changed(_law, "rates", lambda rates: 1.1 * rates),
        "contractions 10 % too large": changed(_law, "contractions", lambda rates: 1.1 * rates),
        "gaps 10 % too large": changed(_law, "gaps", lambda gaps: 1.1 * gaps),
    },
    survivors={
        "contractions 10 % too large": "changes the exponent of the distance alone; from one σ an exponent "
        "cannot be told from a factor",
        "gaps 10 % too large": "changes the exponent of the distance alone, as the contractions do",
    },
    controls={"large initialization: σ = 1": {"sigma": 1.0}},
)

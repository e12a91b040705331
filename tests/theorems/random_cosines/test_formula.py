from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

import symbolic
from lowcomplex.predictions import random_cosines
from lowcomplex.theorems.random_cosines.formula import pair_count_skewness


@pytest.mark.parametrize(("d", "threshold"), [(3, 0.5), (7, 0.3), (16, 0.8)])
def test_probability_is_the_tail_of_the_density(d: int, threshold: float) -> None:
    density = symbolic.function(random_cosines, "density of the cosine", "z", "d")
    tail = 2 * quad(lambda z: density(z, d), threshold, 1)[0]
    p = random_cosines.expressions["p"]
    by_name = {str(symbol): symbol for symbol in p.free_symbols}
    beta = float(p.subs({by_name["d"]: d, by_name["tau"]: sp.Float(threshold)}).evalf())
    assert beta == pytest.approx(tail, rel=1e-8)
    assert random_cosines(2, d, threshold).value == pytest.approx(tail, rel=1e-8)


def test_expressions_are_the_evaluator() -> None:
    null = random_cosines(50, 6, 0.6)
    p = random_cosines(2, 6, 0.6).value
    mean = symbolic.function(random_cosines, "mean", "m", "p")
    variance = symbolic.function(random_cosines, "variance", "m", "p")
    assert null.value == pytest.approx(mean(50, p))
    assert null.standard_deviation**2 == pytest.approx(variance(50, p))


def _counts(m: int, d: int, threshold: float, signed: bool, draws: int) -> np.ndarray:
    W = np.random.default_rng(0).standard_normal((draws, m, d))
    W /= np.linalg.norm(W, axis=-1, keepdims=True)
    cosines = W @ W.transpose(0, 2, 1)
    return (((cosines if signed else np.abs(cosines)) > threshold).sum((1, 2)) - m) / 2


@pytest.mark.parametrize(
    ("m", "d", "threshold", "signed"), [(12, 3, 0.5, False), (12, 4, 0.3, True), (12, 3, 0.9, False)]
)
def test_skewness_agrees_with_monte_carlo(m: int, d: int, threshold: float, signed: bool) -> None:
    draws = 30_000
    counts = _counts(m, d, threshold, signed, draws)
    standard = (counts - counts.mean()) / counts.std()
    # Standard error of a sample's third moment, from its sixth.
    error = math.sqrt(np.mean(standard**6) / draws)
    assert pair_count_skewness(m, d, threshold, signed=signed) == pytest.approx(
        np.mean(standard**3), abs=4 * error
    )


def test_counts_are_more_skewed_than_binomial_ones() -> None:
    p = random_cosines(2, 3, 0.5).value
    pairs = 200 * 199 / 2
    binomial = (1 - 2 * p) / math.sqrt(pairs * p * (1 - p))
    assert pair_count_skewness(200, 3, 0.5) > 50 * max(binomial, 1e-3)
    # What triangles add does not vanish with more neurons.
    assert pair_count_skewness(2000, 3, 0.5) == pytest.approx(pair_count_skewness(200, 3, 0.5), rel=0.05)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="rows:"):
        random_cosines(0, 3, 0.5)
    with pytest.raises(ValueError, match="three dimensions"):
        pair_count_skewness(10, 2, 0.5)
    assert math.isnan(pair_count_skewness(1, 5, 0.5))


def test_regime() -> None:
    assert random_cosines.regime(rows=100, columns=16, threshold=0.5)
    assert "not normal" in random_cosines.regime(rows=100, columns=3, threshold=0.5).reason
    assert "d = 2" in random_cosines.regime(rows=100, columns=2, threshold=0.5).reason

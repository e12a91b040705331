from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

import symbolic
from lowcomplex.predictions import random_effective_rank


def _moments(c: float) -> tuple[float, float, float]:
    """Mass, E[s] and E[s log s] of the density in the expressions."""
    density = symbolic.function(random_effective_rank, "density of s", "s", "c")
    low, high = 1 - np.sqrt(c), 1 + np.sqrt(c)
    middle = (low + high) / 2

    def mean(f) -> float:
        # s = middle - half cos φ takes the square-root edges away.
        half = (high - low) / 2

        def integrand(angle: float) -> float:
            s = middle - half * np.cos(angle)
            return f(s) * density(s, c) * half * np.sin(angle)

        return quad(integrand, 0, np.pi, limit=200)[0]

    return mean(lambda s: 1.0), mean(lambda s: s), mean(lambda s: s * np.log(s))


@pytest.mark.parametrize("c", [0.1, 0.5, 0.9])
def test_leading_order_is_that_of_the_density(c: float) -> None:
    mass, mu, nu = _moments(c)
    assert mass == pytest.approx(1.0, abs=1e-8)
    formula = symbolic.function(random_effective_rank, "effective rank, leading order", "k", "mu", "nu")
    larger = 40_000
    k = round(c * larger)
    # The shift is of order one, beside k.
    assert random_effective_rank(k, larger).value == pytest.approx(formula(k, mu, nu), abs=1.0)


def test_angle_runs_over_the_support() -> None:
    angle = symbolic.function(random_effective_rank, "s(theta)", "c", "theta")
    np.testing.assert_allclose(angle(0.25, np.array([0.0, np.pi])), [1.5, 0.5])


def test_square_closed_forms() -> None:
    share = float(random_effective_rank.expressions["effective rank over k, square"])
    shift = float(random_effective_rank.expressions["finite-size shift, square"])
    assert share == pytest.approx(0.80504, abs=1e-5)
    for n in (50, 400):
        # Beyond share and shift, the exponential of the shift leaves shift²/(2 share n).
        second = shift**2 / (2 * share * n)
        assert random_effective_rank(n, n).value == pytest.approx(share * n + shift + second, abs=1e-4)


def test_quarter_circle_moments_are_the_closed_forms() -> None:
    _, mu, nu = _moments(1 - 1e-12)
    assert mu == pytest.approx(8 / (3 * np.pi), rel=1e-5)
    assert nu / mu == pytest.approx(2 * np.log(2) - 4 / 3, rel=1e-5)


def test_scale_free_and_symmetric() -> None:
    assert random_effective_rank(30, 70) == random_effective_rank(70, 30)
    assert random_effective_rank(1, 9).standard_deviation == 0
    assert isinstance(random_effective_rank.expressions["density of s"], sp.Expr)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="rows, columns"):
        random_effective_rank(0, 3)


def test_regime() -> None:
    assert random_effective_rank.regime(rows=64, columns=100)
    assert random_effective_rank.regime(rows=1, columns=100)
    assert "not small" in random_effective_rank.regime(rows=4, columns=100).reason
    assert "Gaussian" in random_effective_rank.regime(rows=64, columns=64, gaussian=False).reason

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from lowcomplex.theorems.formulas.line_kernels import (
    LineKernel,
    line_coefficients,
    line_interpolant,
    line_kernel,
)

PARTS: tuple[tuple[str, ...], ...] = (("output",), ("input",), ("bias",), ("output", "input", "bias"))


@pytest.mark.parametrize("trained", PARTS)
@pytest.mark.parametrize("parametrization", ["bias", "location"])
def test_kernel_is_the_mean_over_neurons(trained: tuple[str, ...], parametrization: Any) -> None:
    wide, weights, outputs, x = 2.0, (0.5, 1.0), (0.7, -1.3), (-1.0, 0.3)

    def product(b: float, w: float, a: float) -> float:
        before = [w * at + b if parametrization == "bias" else w * (at - b) for at in x]
        if min(before) <= 0:
            return 0.0
        pairs = list(zip(before, x, strict=True))
        gradients = {
            "output": before,
            "bias": [a * (1 if parametrization == "bias" else w)] * 2,
            "input": [a * z / w if parametrization == "location" else a * at for z, at in pairs],
        }
        return sum(float(np.prod(gradients[name])) for name in trained)

    mean = 0.0
    for w, a in zip(weights, outputs, strict=True):
        for signed in (w, -w):
            kinks = sorted(-signed * at if parametrization == "bias" else at for at in x)
            integral = quad(product, -wide, wide, args=(signed, a), points=kinks)[0]
            mean += integral / (2 * wide) / 4
    coefficients = line_coefficients(
        weights, outputs, bias_range=wide, trained=trained, parametrization=parametrization
    )
    assert line_kernel([x[0]], [x[1]], coefficients, bias_range=wide)[0, 0] == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize("trained", PARTS)
def test_interpolant_is_kernel_regression(trained: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    x, y, at = np.linspace(-1, 1, 6), rng.standard_normal((2, 6)), np.linspace(-1.5, 1.5, 13)
    c = line_coefficients(0.8, 1.2, bias_range=2.0, trained=trained)
    regression = np.linalg.solve(line_kernel(x, x, c, bias_range=2.0), y.T).T @ line_kernel(
        x, at, c, bias_range=2.0
    )
    np.testing.assert_allclose(line_interpolant(at, x, y, c), regression, atol=1e-8)
    np.testing.assert_allclose(line_interpolant(x, x, y, c), y, atol=1e-10)


def test_wide_biases_leave_lines_free() -> None:
    c = line_coefficients(1.0, 1.0, bias_range=np.inf)
    x, at = np.array([-1.0, 0.2, 0.9]), np.linspace(-3, 3, 7)
    np.testing.assert_allclose(line_interpolant(at, x, 2 * x - 1, c), 2 * at - 1, atol=1e-12)


def test_bad_input() -> None:
    c = LineKernel(np.inf, np.inf, 1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="trained"):
        line_coefficients(1.0, 1.0, bias_range=1.0, trained=("weights",))
    with pytest.raises(ValueError, match="trained"):
        line_coefficients(1.0, 1.0, bias_range=1.0, trained=())
    with pytest.raises(ValueError, match="bias_range"):
        line_coefficients(1.0, 1.0, bias_range=0.0)
    with pytest.raises(ValueError, match="weight, output"):
        line_coefficients(np.nan, 1.0, bias_range=1.0)
    with pytest.raises(ValueError, match="parametrization"):
        line_coefficients(1.0, 1.0, bias_range=1.0, parametrization="slope")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no two of them equal"):
        line_interpolant([0.0], [1.0, 1.0], [0.0, 1.0], c)
    with pytest.raises(ValueError, match="expected"):
        line_interpolant([0.0], [1.0, 2.0], [0.0], c)
    with pytest.raises(ValueError, match="NaN"):
        line_interpolant([0.0], [1.0, 2.0], [0.0, np.nan], c)

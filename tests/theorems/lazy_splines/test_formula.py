from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

import symbolic
from lowcomplex.predictions import lazy_splines
from lowcomplex.theorems.formulas.line_kernels import line_coefficients, line_kernel

X = np.array([-0.9, -0.4, 0.1, 0.3, 0.95])
AT = np.linspace(X[0], X[-1], 77)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), wide=st.sampled_from([1.0, 3.0, 1e3, np.inf]))
def test_biases_interpolate_linearly_at_every_range(seed: int, wide: float) -> None:
    y = np.random.default_rng(seed).standard_normal(len(X))
    f = lazy_splines(AT, X, y, trained="bias", bias_range=wide)
    np.testing.assert_allclose(f, np.interp(AT, X, y), atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_output_weights_tend_to_the_natural_spline(seed: int) -> None:
    y = np.random.default_rng(seed).standard_normal(len(X))
    natural = CubicSpline(X, y, bc_type="natural")(AT)
    np.testing.assert_allclose(lazy_splines(AT, X, y, trained="output"), natural, atol=1e-10)
    far, further = (
        np.abs(lazy_splines(AT, X, y, trained="output", bias_range=wide) - natural).max()
        for wide in (1e3, 1e4)
    )
    assert far / further == pytest.approx(10, rel=0.02)


def test_is_smooth_twice_and_only_twice() -> None:
    """A cubic between samples whose first two derivatives are continuous; the third jumps."""
    y = np.array([0.3, -1.0, 0.5, 1.2, -0.2])
    h = 1e-3
    for knot in X[1:-1]:
        sides = [
            lazy_splines(knot + sign * h * np.arange(4), X, y, trained="output", bias_range=2.0)
            for sign in (-1, 1)
        ]
        left, right = (
            np.polyfit(sign * h * np.arange(4), f, 3) for sign, f in zip((-1, 1), sides, strict=True)
        )
        np.testing.assert_allclose(left[1:], right[1:], atol=1e-5)
        assert abs(left[0] - right[0]) > 1e-2


def test_expressions_are_the_kernels() -> None:
    x, y, b, w, a = 0.7, -0.2, 2.5, 1.3, 0.8
    for name, part in (("kernel, biases trained", "bias"), ("kernel, outputs trained", "output")):
        symbols = ("x", "y", "B", "w", "a") if part == "bias" else ("x", "y", "B", "w")
        formula = symbolic.function(lazy_splines, name, *symbols)
        values = (x, y, b, w, a)[: len(symbols)]
        coefficients = line_coefficients(w, a, bias_range=b, trained=(part,))
        assert formula(*values) == pytest.approx(line_kernel([x], [y], coefficients, bias_range=b)[0, 0])


def test_bad_input() -> None:
    y = np.ones(len(X))
    with pytest.raises(ValueError, match="do not cover"):
        lazy_splines(AT, X, y, trained="bias", bias_range=0.5)
    with pytest.raises(ValueError, match="trained"):
        lazy_splines(AT, X, y, trained="input")  # type: ignore[arg-type]


def test_regime() -> None:
    assert lazy_splines.regime(bias_range=2.0, input_weight=1.0, largest_input=1.0, width=1000)
    assert (
        "samples 3" in lazy_splines.regime(bias_range=2, input_weight=1, largest_input=3, width=1000).reason
    )
    assert not lazy_splines.regime(bias_range=2.0, input_weight=1.0, largest_input=1.0, width=10)

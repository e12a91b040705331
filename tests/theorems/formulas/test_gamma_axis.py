from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowcomplex.predictions import critical_gamma, displacement_exponent, families, phase_diagram
from lowcomplex.theorems.gamma_law.formula import width_exponent
from lowcomplex.theorems.phase_diagram.formula import boundary_distance

DEPTHS = np.array([2, 3, 4, 7])


def test_the_three_boundaries() -> None:
    np.testing.assert_allclose(critical_gamma(DEPTHS), 0.5)
    np.testing.assert_allclose(critical_gamma(DEPTHS, norm_exponent=0.5), 0.5 + 0.5 / DEPTHS)
    assert np.isinf(critical_gamma(2, inputs_exponent=0))
    # A first layer that never moves hands inputs of norm sqrt(m) to the others.
    np.testing.assert_allclose(
        critical_gamma([3, 4, 7], inputs_exponent=0), critical_gamma([2, 3, 6], norm_exponent=0.5)
    )


@given(r=st.floats(0.05, 1), s=st.floats(-0.5, 1))
def test_two_matrices_lie_on_the_phase_diagram_s_boundary(r: float, s: float) -> None:
    gamma = float(critical_gamma(2, r, s))
    assert float(boundary_distance(gamma * (1 + r) - s, gamma * (1 - r))) == pytest.approx(0, abs=1e-9)


@given(gamma=st.floats(-1, 3), depth=st.integers(2, 6))
def test_growing_unit_inputs_give_the_gamma_law(gamma: float, depth: int) -> None:
    assert displacement_exponent(gamma, depth) == pytest.approx(float(width_exponent(gamma, depth)))


@given(gamma=st.floats(0, 3))
def test_fixed_inputs_and_two_matrices_give_the_diagonal_of_the_plane(gamma: float) -> None:
    expected = float(phase_diagram(gamma, gamma, all_weights=True))
    assert float(displacement_exponent(gamma, 2, inputs_exponent=0)) == pytest.approx(expected)


@given(gamma=st.floats(-1, 3), depth=st.integers(2, 6), s=st.floats(-0.9, 2))
def test_a_norm_is_a_shift_of_gamma(gamma: float, depth: int, s: float) -> None:
    shifted = displacement_exponent(gamma - s / depth, depth)
    # ‖θ_0‖ of all matrices scales with the L-th root of the norm, and so does ‖θ - θ_0‖.
    assert float(displacement_exponent(gamma, depth, 1.0, s)) == pytest.approx(float(shifted), abs=1e-9)


@given(depth=st.integers(3, 6), r=st.floats(0, 1), s=st.floats(-0.5, 1))
def test_arms_meet_at_the_boundary(depth: int, r: float, s: float) -> None:
    boundary = float(critical_gamma(depth, r, s))
    below, above = displacement_exponent(np.array([boundary - 1e-9, boundary + 1e-9]), depth, r, s)
    assert below == pytest.approx(above, abs=1e-6)


def test_families_name_the_ways_to_grow() -> None:
    fixed, growing, normed = families(0.7, 3)
    assert (fixed.boundary, growing.boundary) == (0.75, 0.5)
    assert normed.boundary == pytest.approx(2 / 3)
    assert growing.exponent == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("arguments", "name"), [((1,), "depth"), ((2, 1.5), "inputs_exponent"), ((2, 1, -1.0), "norm_exponent")]
)
def test_bad_input(arguments: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        critical_gamma(*arguments)
    with pytest.raises(ValueError, match="gamma"):
        displacement_exponent(np.nan, 2)

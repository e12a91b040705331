from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import samples
from lowcomplex import measures
from lowcomplex.measures import relative_displacement, trajectory_dimension, trajectory_spectrum
from lowcomplex.nulls import random_walk_spectrum

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "relative_displacement": lambda c: measures.relative_displacement(
        {"w": c * samples.W}, {"w": c * samples.W.flip(0)}
    ),
    "trajectory_dimension": lambda c: measures.trajectory_dimension(c * samples.PATH.flatten(1)),
    "trajectory_spectrum": lambda c: measures.trajectory_spectrum(c * samples.PATH.flatten(1)),
}

seeds = st.integers(0, 2**31 - 1)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, points=st.integers(2, 12), parameters=st.integers(1, 20))
def test_is_the_variance_along_principal_components(seed: int, points: int, parameters: int) -> None:
    path = samples.random(seed, points, parameters)
    variances = np.linalg.svd(path.numpy() - path.numpy().mean(0), compute_uv=False) ** 2
    expected = np.zeros(points - 1)
    kept = min(points - 1, parameters)
    expected[:kept] = variances[:kept] / variances.sum()
    np.testing.assert_allclose(trajectory_spectrum(path), expected, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, dimensions=st.integers(1, 6), exponent=st.integers(-12, 12))
def test_equal_variance_in_k_directions_is_k(seed: int, dimensions: int, exponent: int) -> None:
    basis = torch.linalg.qr(samples.random(seed, 40, dimensions)).Q
    # Steps there and back along each direction in turn.
    corners = torch.cat((torch.eye(dimensions), -torch.eye(dimensions))).double()
    path = samples.random(seed + 1, 40) + 10.0**exponent * corners @ basis.mT
    # The path is stored beside an offset of order one, whose rounding is 1e-16.
    tolerance = 1e-9 + 1e-14 * 10.0**-exponent
    assert float(trajectory_dimension(path)) == pytest.approx(dimensions, rel=tolerance)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, scale=st.sampled_from([1e-12, 1.0, 1e12]))
def test_invariant_under_scale_shift_and_rotation(seed: int, scale: float) -> None:
    path = samples.random(seed, 8, 10)
    rotation = torch.linalg.qr(samples.random(seed + 1, 10, 10)).Q
    changed = scale * (path @ rotation + samples.random(seed + 2, 10))
    torch.testing.assert_close(trajectory_spectrum(changed), trajectory_spectrum(path))


def test_a_random_walk_looks_low_dimensional() -> None:
    steps = samples.random(0, 40, 20_000)
    found = trajectory_spectrum(steps.cumsum(0))
    expected = torch.from_numpy(random_walk_spectrum(40))
    torch.testing.assert_close(found, expected, rtol=0.1, atol=1e-3)
    assert float(trajectory_dimension(steps.cumsum(0))) == pytest.approx(
        1 / float(expected.square().sum()), rel=0.05
    )
    many = random_walk_spectrum(5_000)
    assert 1 / np.square(many).sum() == pytest.approx(2.5, rel=1e-3)


def test_paths_that_do_not_move_have_no_dimension() -> None:
    assert math.isnan(float(trajectory_dimension(torch.ones(4, 3))))


def test_batches_and_dtype() -> None:
    paths = samples.random(3, 2, 5, 6, 7).float()
    found = trajectory_dimension(paths)
    assert found.shape == (2, 5)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[1, 2], trajectory_dimension(paths[1, 2]))


def test_displacement_of_a_module() -> None:
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    start = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.no_grad():
        module.weight.mul_(2.0)
    moved = float(start["weight"].norm())
    size = math.hypot(moved, float(start["bias"].norm()))
    assert relative_displacement(start, module.state_dict()) == pytest.approx(moved / size)
    assert relative_displacement(start, start) == 0


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="two points"):
        trajectory_spectrum(torch.ones(1, 5))
    with pytest.raises(ValueError, match="path: holds NaN"):
        trajectory_dimension(torch.full((3, 2), math.nan))
    with pytest.raises(TypeError, match="floating"):
        trajectory_dimension(torch.ones(3, 2, dtype=torch.long))
    with pytest.raises(ValueError, match="same names and shapes"):
        relative_displacement({"w": torch.ones(2)}, {"w": torch.ones(3)})
    with pytest.raises(ValueError, match="same names and shapes"):
        relative_displacement({}, {})

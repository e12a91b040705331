"""What holds for every measure: the scale of its input does not matter, and NaN gives no number."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import math
from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lowcomplex import measures as m


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


W, V, X, Y = _random(0, 12, 5), _random(1, 5, 7), _random(2, 9, 3), _random(3, 9)
PATH, BITS, MAP = _random(4, 6, 8, 30), _random(5, 16), _random(6, 6, 6)
STEPS, F = torch.arange(6), torch.arange(9, dtype=torch.float64)
KERNEL = X @ X.mT
POINTS = torch.rand(9, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def _linear(c: float) -> nn.Module:
    layer = nn.Linear(3, 2, bias=False).double()
    layer.weight.data = c * _random(8, 2, 3)
    return layer


def _rectifier(c: float) -> nn.Module:
    return nn.Sequential(_linear(c), nn.ReLU())


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _curved(c: float) -> list[tuple[Tensor, Tensor]]:
    return [(c * X, torch.zeros(9, 2, dtype=torch.float64))]


# Each measure of something multiplied by c, brought back to what does not depend on c.
SCALED: dict[str, Callable[[float], object]] = {
    "bandwidth": lambda c: m.bandwidth(c * Y),
    "bandwidth_of": lambda c: m.bandwidth_of(F, c * Y.square()),
    "centroid_of": lambda c: m.centroid_of(F, c * Y.square()),
    "circle_harmonics": lambda c: m.circle_harmonics(F, c * Y, 2).amplitude / c,
    "condensed_direction_count": lambda c: m.condensed_direction_count(c * W),
    "condensed_directions": lambda c: m.condensed_directions(c * W, threshold=0.8).labels,
    "cosine_gap": lambda c: m.cosine_gap(c * X, torch.arange(9) % 2),
    "cosine_moments": lambda c: m.cosine_moments(c * W),
    "cosine_similarity": lambda c: m.cosine_similarity(c * W),
    "covariance_dimensions": lambda c: m.covariance_dimensions(c * X),
    "covariance_spectrum": lambda c: m.covariance_spectrum(c * X),
    "cyclic_spectrum": lambda c: m.cyclic_spectrum(c * MAP).shift_share,
    "decay_exponent": lambda c: m.decay_exponent(F, c * Y.square()).exponent,
    "degree_weights": lambda c: m.degree_weights(c * BITS) / c**2,
    "display_order": lambda c: m.display_order(c * W),
    "effective_directions": lambda c: m.effective_directions(c * W),
    "effective_rank": lambda c: m.effective_rank(c * W),
    "expected_output": lambda c: m.expected_output(MAP + math.log(c)),
    "followed_directions": lambda c: m.followed_directions(c * PATH, threshold=0.5).labels,
    "fourier_spectrum": lambda c: m.fourier_spectrum(c * Y).power / c**2,
    "fourier_spectrum_2d": lambda c: m.fourier_spectrum_2d(c * W).power / c**2,
    "hessian_density": lambda c: (
        m.hessian_density(_linear(1), nn.MSELoss(), _curved(c), iterations=3, repeats=1, points=5).density
        * c**2
    ),
    "hessian_eigenvalues": lambda c: (
        m.hessian_eigenvalues(_linear(1), nn.MSELoss(), _curved(c), k=2).values / c**2
    ),
    "hessian_trace": lambda c: m.hessian_trace(_linear(1), nn.MSELoss(), _curved(c), samples=3).value / c**2,
    "jacobian_norms": lambda c: m.jacobian_norms(_linear(c), X).frobenius / c,
    "kernel_alignment": lambda c: m.kernel_alignment(c * KERNEL, Y),
    "kernel_drift": lambda c: m.kernel_drift(KERNEL + torch.eye(9), c * KERNEL),
    "kernel_spectrum": lambda c: m.kernel_spectrum(c * KERNEL),
    "learning_time": lambda c: m.learning_time(c * PATH[:, 0].abs(), STEPS, below=c),
    "line_spectra": lambda c: (
        m.line_spectra(lambda x: c * x.sin(), X, lines=2, generator=_generator()).centroid
    ),
    "linear_pieces": lambda c: m.linear_pieces(_rectifier(c), X[0], -X[1]).breakpoints,
    "low_high_error": lambda c: m.low_high_error(X, c * Y, c * Y.flip(0), 1.0).low,
    "low_high_parts": lambda c: m.low_high_parts(X, c * Y, 1.0).low / c,
    "mean_cosine": lambda c: m.mean_cosine(c * W),
    "mean_squared_cosine": lambda c: m.mean_squared_cosine(c * W),
    "neural_tangent_kernel": lambda c: m.neural_tangent_kernel(_linear(1), c * X) / c**2,
    "nuclear_rank": lambda c: m.nuclear_rank(c * W),
    "numerical_rank": lambda c: m.numerical_rank(c * W),
    "ordinality": lambda c: m.ordinality(c * X, c * F),
    "orientation_amplitude": lambda c: m.orientation_amplitude(c * W[:, :2]).orientation,
    "participation_ratio": lambda c: m.participation_ratio(c * W),
    "product_singular_values": lambda c: m.product_singular_values(c * W, c * V),
    "projected_spectrum": lambda c: m.projected_spectrum(X, Y, c * X[:2], F).abs(),
    "rank_measures": lambda c: m.rank_measures(c * W),
    "relative_displacement": lambda c: m.relative_displacement({"w": c * W}, {"w": c * W.flip(0)}),
    "relative_error_by_frequency": lambda c: m.relative_error_by_frequency(c * Y, c * Y.flip(0)),
    "sampled_coefficients": lambda c: (
        m.sampled_coefficients(
            lambda x: c * x[:, 0].double(), 2, [[0], [1]], samples=64, generator=_generator()
        ).value
        / c
    ),
    "sampled_total_influence": lambda c: (
        m.sampled_total_influence(lambda x: c * x[:, 0].double(), 2, samples=64, generator=_generator()).value
        / c**2
    ),
    "scaled_product": lambda c: m.scaled_product(c * W, c * V),
    "scattered_spectrum": lambda c: m.scattered_spectrum(POINTS, c * Y, 3).abs() / c,
    "sensitivity": lambda c: m.sensitivity(c * BITS) / c**2,
    "shift_equivariant_share": lambda c: m.shift_equivariant_share(c * MAP),
    "singular_values": lambda c: m.singular_values(c * W),
    "spectral_centroid": lambda c: m.spectral_centroid(c * Y),
    "spectral_entropy": lambda c: m.spectral_entropy(c * W),
    "stable_rank": lambda c: m.stable_rank(c * W),
    "target_spectrum": lambda c: m.target_spectrum(c * (KERNEL + torch.diag(F)), c * Y),
    "total_influence": lambda c: m.total_influence(c * BITS) / c**2,
    "trajectory_dimension": lambda c: m.trajectory_dimension(c * PATH.flatten(1)),
    "trajectory_spectrum": lambda c: m.trajectory_spectrum(c * PATH.flatten(1)),
    "walsh_spectrum": lambda c: m.walsh_spectrum(c * BITS) / c,
}
_NEEDS_CURVLINOPS = {"hessian_density", "hessian_eigenvalues", "hessian_trace"}


def _numbers(result: object) -> Iterator[Tensor]:
    """All numbers that a measure returned, whatever it wraps them in."""
    if isinstance(result, Tensor):
        yield result.double()
    elif isinstance(result, int | float):
        yield torch.tensor(float(result), dtype=torch.float64)
    elif isinstance(result, dict):
        for value in result.values():
            yield from _numbers(value)
    elif dataclasses.is_dataclass(result):
        yield from _numbers({f.name: getattr(result, f.name) for f in dataclasses.fields(result)})


def _skip_without_curvlinops(name: str) -> None:
    if name in _NEEDS_CURVLINOPS and importlib.util.find_spec("curvlinops") is None:
        pytest.skip("needs curvlinops")


def test_no_measure_is_left_out() -> None:
    assert set(SCALED) == {name for name in m.__all__ if inspect.isfunction(getattr(m, name))}


@pytest.mark.parametrize("name", SCALED)
@settings(max_examples=8, deadline=None)
@given(exponent=st.floats(-12, 12))
def test_scale_does_not_matter(name: str, exponent: float) -> None:
    _skip_without_curvlinops(name)
    expected, found = SCALED[name](1.0), SCALED[name](10.0**exponent)
    for one, other in zip(_numbers(expected), _numbers(found), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-8, equal_nan=True)


@pytest.mark.parametrize("name", SCALED)
def test_nan_gives_no_number(name: str) -> None:
    _skip_without_curvlinops(name)
    try:
        result = SCALED[name](math.nan)
    except ValueError as error:
        said = str(error)
    else:
        said = "NaN" if all(bool(number.isnan().all()) for number in _numbers(result)) else "a number"
    # A bound of NaN is refused for what it is; all others say what they met.
    assert "NaN" in said or "below: expected a positive bound, got nan" in said

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor

from lowcomplex.predictions import critical_gamma, regime_at
from lowcomplex.theorems.formulas.regime_at import LAZY_BELOW, RICH_ABOVE
from lowcomplex.training import LossShare, displacement_from, gradient_flow

STOP = 0.02
# The part of the targets that is fitted when the loss has fallen to 2 %.
LEARNED = 1 - STOP**0.5


def test_thresholds_are_a_tenth_of_the_way_between_the_arms_of_the_exact_solution() -> None:
    # Two linear matrices, one sample: sinh 2τ = 2y/A, ‖Δθ‖² = 2 cosh τ (cosh τ - 1) A; the tangent features
    # change by y/A. Slope of log ‖Δθ‖² + log A in -log A, from 1 (lazy) to 0 (rich); half of it is in RD.
    def slope(change: float) -> float:
        def log_moved(log_kernel: float) -> float:
            tau = np.arcsinh(2 * np.exp(-log_kernel)) / 2
            return float(np.log(2 * np.cosh(tau) * (np.cosh(tau) - 1)))

        at, step = -np.log(change), 1e-4
        return -(log_moved(at + step) - log_moved(at - step)) / (2 * step) / 2

    assert brentq(lambda c: slope(c) - 0.95, 0.01, 1) == pytest.approx(LAZY_BELOW, rel=0.01)
    assert brentq(lambda c: slope(c) - 0.55, 1, 1000) == pytest.approx(RICH_ABOVE, rel=0.01)


def test_change_of_two_linear_matrices_is_the_exact_one() -> None:
    at = regime_at(0.6, width=100, depth=2, dimension=100, activation="linear")
    kernel = 2 * 100 ** (1 - 1.2)
    assert at.kernel == pytest.approx(kernel)
    assert at.tangent_change == pytest.approx(1 / kernel)


@pytest.mark.parametrize("depth", [2, 3, 5])
@pytest.mark.parametrize(("r", "s"), [(1.0, 0.0), (1.0, 0.5), (0.5, 0.0)])
def test_crossing_tends_to_the_boundary(depth: int, r: float, s: float) -> None:
    width = 10**24
    at = regime_at(0.5, width=width, depth=depth, dimension=round(width**r), input_norm=width**s)
    assert at.crossing == pytest.approx(float(critical_gamma(depth, r, s)), abs=0.02)


def test_two_matrices_on_fixed_inputs_are_lazy_at_every_rate() -> None:
    for gamma in (0.3, 0.7, 1.5):
        at = regime_at(gamma, width=4096, depth=2, dimension=1)
        assert (at.regime, at.crossing) == ("lazy", np.inf)
        assert at.luo is not None
        np.testing.assert_allclose(at.luo, gamma)


def test_an_input_norm_is_a_shift_of_gamma() -> None:
    plain = regime_at(0.8 - 0.25, width=64, depth=2, dimension=64)
    large = regime_at(0.8, width=64, depth=2, dimension=64, input_norm=8.0)
    assert large.tangent_change == pytest.approx(plain.tangent_change)
    assert large.displacement == pytest.approx(plain.displacement, nan_ok=True)


def _problem(seed: int, width: int, depth: int, inputs: int) -> tuple[Tensor, Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = draw(1, inputs)
    shapes = [(width, inputs), *[(width, width)] * (depth - 2), (1, width)]
    return x / x.norm(), torch.ones(1, dtype=torch.float64), [draw(*shape) for shape in shapes]


@pytest.mark.parametrize("depth", [2, 3])
def test_training_knows_the_norm_of_inputs_only_as_that_shift(depth: int) -> None:
    # So the boundary 1/2 of unit norm is 1/2 + 1/(2L) for sqrt(m), at every width.
    x, y, normals = _problem(0, 24, depth, 24)
    for gamma in (0.4, 0.7):
        large, plain = (
            displacement_from(inputs, y, [normal * normal.shape[1] ** -rate for normal in normals], rtol=1e-5)
            for inputs, rate in ((x * 24**0.5, gamma), (x, gamma - 1 / (2 * depth)))
        )
        assert large.relative_displacement == pytest.approx(plain.relative_displacement, rel=0.01)


@pytest.mark.parametrize(
    ("gamma", "width", "depth", "inputs", "regime"),
    [
        (0.1, 512, 2, 512, "lazy"),
        (0.1, 128, 3, 128, "lazy"),
        # Wide hidden layers on few inputs: lazy where inputs as wide as the network would make it rich.
        (0.5, 512, 3, 4, "lazy"),
        (1.5, 2048, 2, 4, "lazy"),
        (1.3, 128, 2, 128, "rich"),
        (1.3, 64, 3, 64, "rich"),
    ],
)
def test_displacement_is_what_training_moves(
    gamma: float, width: int, depth: int, inputs: int, regime: str
) -> None:
    at = regime_at(gamma, width=width, depth=depth, dimension=inputs, target_norm=LEARNED)
    x, y, normals = _problem(0, width, depth, inputs)
    found = displacement_from(x, y, [normal * normal.shape[1] ** -gamma for normal in normals], stop=STOP)
    assert found.converged
    assert at.regime == regime
    if regime == "lazy":
        # A squared ReLU gain varies by 5/m; the displacement holds the root of L - 1 of them.
        tolerance = 3 * (5 * (depth - 1) / width) ** 0.5 / 2 + at.tangent_change
    else:
        # A matrix starts with norm 2 m^(1/2-γ), which it need not gain; ‖θ_0‖ varies by 1/√2m.
        tolerance = 2 * width ** (0.5 - gamma) / LEARNED ** (1 / depth) + 3 / (2 * width) ** 0.5 / width**0.5
    assert abs(np.log(found.relative_displacement / at.displacement)) < tolerance


@pytest.mark.parametrize(("width", "depth", "inputs"), [(10, 2, 10), (7, 3, 4), (9, 5, 2)])
def test_kernel_and_sizes_are_those_of_drawn_networks(width: int, depth: int, inputs: int) -> None:
    at = regime_at(0.4, width=width, depth=depth, dimension=inputs, activation="linear")
    squared = np.zeros(depth)
    for seed in range(400):
        x, _, normals = _problem(seed, width, depth, inputs)
        weights = [(normal * normal.shape[1] ** -0.4).requires_grad_() for normal in normals]
        signal = x
        for weight in weights:
            signal = signal @ weight.mT
        gradients = torch.autograd.grad(signal.sum(), weights)
        squared += [float(gradient.square().sum()) / 400 for gradient in gradients]
    assert at.kernel == pytest.approx(squared.sum(), rel=0.15)
    assert at.first.share == pytest.approx(squared[0] / squared.sum(), rel=0.15)
    np.testing.assert_allclose(squared[1:] / squared.sum(), at.later.share, rtol=0.15)


@pytest.mark.parametrize(("depth", "least", "most"), [(2, 0.75, 1.25), (3, 1.0, 2.0)])
def test_tangent_features_change_by_about_so_much(depth: int, least: float, most: float) -> None:
    # At three matrices the paths through two changed layers add up: a factor that depends neither on γ nor on
    # m.
    width, gamma = 24, 0.25
    at = regime_at(gamma, width=width, depth=depth, dimension=width, activation="linear")
    ratios = []
    for seed in range(3):
        x, _, normals = _problem(seed, width, depth, width)
        start = {str(k): normal * normal.shape[1] ** -gamma for k, normal in enumerate(normals)}

        def output(weights: dict[str, Tensor], x: Tensor = x) -> Tensor:
            signal = x
            for name in sorted(weights):
                signal = signal @ weights[name].mT
            return signal.sum()

        def tangent(
            weights: dict[str, Tensor], output: Callable[[dict[str, Tensor]], Tensor] = output
        ) -> Tensor:
            leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
            return torch.cat(
                [g.flatten() for g in torch.autograd.grad(output(leaves), list(leaves.values()))]
            )

        wanted = output(start) + 1
        flow = gradient_flow(
            lambda weights, wanted=wanted, output=output: (output(weights) - wanted).square() / 2,
            start,
            [0.0, 1e9],
            until=LossShare(1e-4),
            rtol=1e-5,
        )
        end = {name: path[-1] for name, path in flow.parameters.items()}
        before, after = tangent(start), tangent(end)
        ratios.append(float((after - before).norm() / before.norm()) / at.tangent_change)
    assert least < np.exp(np.mean(np.log(ratios))) < most


def test_no_size_overflows() -> None:
    for gamma in (-2.0, 3.0):
        at = regime_at(gamma, width=10**6, depth=200, dimension=10**6)
        assert at.regime == ("lazy" if gamma < 0 else "rich")


def test_the_answer_tells_its_reasons() -> None:
    answer = regime_at(0.7, width=512, depth=3, dimension=64)
    text = str(answer)
    assert repr(answer).startswith("<transition: tangent change ")
    assert html.escape(answer.derivation[-1]) in answer._repr_html_()
    assert text.startswith("transition")
    for words in ("64^-0.7 = 0.0544", "boundary γ = 0.5", "boundary γ = 0.75", "at γ = 0.553"):
        assert words in text
    assert np.isnan(answer.displacement)
    assert answer.luo is None
    assert "Luo" in str(regime_at(0.2, width=512, depth=2, dimension=64))
    assert answer.first.share + 2 * answer.later.share == pytest.approx(1)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"gamma": float("nan")}, "gamma"),
        ({"width": 1}, "width"),
        ({"depth": 1}, "depth"),
        ({"dimension": 0}, "dimension"),
        ({"input_norm": 0.0}, "input_norm"),
        ({"output_scale": -1.0}, "output_scale"),
        ({"target_norm": float("inf")}, "target_norm"),
        ({"activation": "tanh"}, "activation"),
    ],
)
def test_bad_input(changed: dict[str, Any], name: str) -> None:
    arguments: dict[str, Any] = {"gamma": 0.5, "width": 64, "depth": 3, "dimension": 8}
    with pytest.raises(ValueError, match=name):
        regime_at(**(arguments | changed))

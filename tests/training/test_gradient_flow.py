from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lowcomplex.training import Below, LossShare, gradient_flow


def _quadratic(parameters: dict[str, Tensor]) -> Tensor:
    return parameters["x"].square() @ torch.tensor([0.5, 1.5], dtype=torch.float64)


def test_decays_as_the_eigenvalues_say() -> None:
    times = np.linspace(0, 2, 7)
    flow = gradient_flow(_quadratic, {"x": torch.tensor([2.0, -1.0])}, times)
    expected = np.stack((2 * np.exp(-times), -np.exp(-3 * times)), axis=1)
    np.testing.assert_allclose(flow.parameters["x"].numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(flow.losses.numpy(), expected**2 @ [0.5, 1.5], rtol=1e-9)
    assert not bool(flow.reached)


def test_stops_at_the_crossing() -> None:
    start = {"x": torch.tensor([1.0, 0.0])}
    flow = gradient_flow(_quadratic, start, [0.0, 10.0], until=LossShare(0.1))
    # The loss falls as e^(-2t).
    assert bool(flow.reached)
    assert float(flow.end_times) == pytest.approx(math.log(10) / 2, rel=1e-8)
    assert float(flow.losses[-1]) == pytest.approx(0.05, rel=1e-8)
    assert flow.times.tolist() == [0.0, float(flow.end_times)]


def test_several_parameters_keep_their_shapes_and_are_not_changed() -> None:
    start = {"W": torch.ones(2, 3), "b": torch.zeros(())}

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return (parameters["W"].sum() + parameters["b"] - 1).square() / 2

    flow = gradient_flow(loss, start, [0.0, 100.0])
    assert flow.parameters["W"].shape == (2, 2, 3)
    assert flow.parameters["b"].shape == (2,)
    assert flow.parameters["W"].dtype == torch.float64
    # The residual, 5 at first, is shared by seven equal gradients.
    torch.testing.assert_close(flow.parameters["b"][-1], torch.tensor(-5 / 7, dtype=torch.float64))
    assert torch.equal(start["W"], torch.ones(2, 3))


@pytest.mark.parametrize("times", [[0.0], [1.0, 2.0], [0.0, 2.0, 1.0]])
def test_bad_times(times: list[float]) -> None:
    with pytest.raises(ValueError, match="times"):
        gradient_flow(_quadratic, {"x": torch.zeros(2)}, times)


def test_bad_start() -> None:
    with pytest.raises(ValueError, match="parameters"):
        gradient_flow(_quadratic, {"x": torch.tensor([math.nan, 0.0])}, [0.0, 1.0])
    with pytest.raises(ValueError, match="loss"):
        gradient_flow(lambda p: p["x"].log().sum(), {"x": torch.tensor([0.0])}, [0.0, 1.0])


@pytest.mark.filterwarnings("ignore")
def test_a_flow_that_blows_up_is_an_error() -> None:
    with pytest.raises(ArithmeticError, match="failed after t"):
        gradient_flow(lambda p: -p["x"].pow(4).sum(), {"x": torch.tensor([1.0])}, [0.0, 1.0])


def test_each_run_ends_at_its_own_crossing() -> None:
    start = {"x": torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 0.0]])}
    shares = torch.tensor([0.1, 0.1, 0.5], dtype=torch.float64)
    flow = gradient_flow(_quadratic, start, [0.0, 0.2, 10.0], until=LossShare(shares))
    expected = [math.log(10) / 2, math.log(10) / 6, math.log(2) / 2]
    np.testing.assert_allclose(flow.end_times.numpy(), expected, rtol=1e-8)
    assert flow.reached.tolist() == [True] * 3
    np.testing.assert_allclose(_quadratic(flow.end) / flow.losses[0], shares, rtol=1e-8)
    assert flow.times.tolist() == pytest.approx([0.0, 0.2, math.log(10) / 2])
    assert flow.losses.shape == (3, 3)


def test_runs_that_meet_the_condition_at_the_start_or_never() -> None:
    start = {"x": torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.1, 0.0]])}
    bound = torch.tensor([0.0, 0.5, 0.5], dtype=torch.float64)
    size = Below(lambda p: p["x"].norm(dim=-1), bound)
    flow = gradient_flow(_quadratic, start, [0.0, 1.0], until=size)
    assert flow.reached.tolist() == [False, True, True]
    np.testing.assert_allclose(flow.end_times.numpy(), [1.0, math.log(2) / 3, 0.0], rtol=1e-8)
    np.testing.assert_allclose(flow.end["x"][0].numpy(), [math.exp(-1), 0.0], rtol=1e-8)
    np.testing.assert_allclose(flow.end["x"][2].numpy(), [0.1, 0.0], rtol=1e-7)
    at_once = gradient_flow(_quadratic, start, [0.0, 1.0], until=Below(_quadratic, 10.0))
    assert at_once.times.tolist() == [0.0]
    assert at_once.end_times.tolist() == [0.0] * 3


def test_a_clock_of_its_own_per_run() -> None:
    """A product of three equal factors at its plateau: ẋ = x² leaves the scale σ after 1/σ - 1."""
    sigmas = torch.tensor([1e-2, 1e-4, 1e-6], dtype=torch.float64)
    flow = gradient_flow(
        lambda p: -p["x"].pow(3) / 3,
        {"x": sigmas},
        [0.0, 1.0, 30.0],
        speed=lambda p: p["x"],
        until=Below(lambda p: -p["x"], -1.0),
        atol={"x": 1e-14 * sigmas},
    )
    np.testing.assert_allclose(flow.end_times.numpy(), 1 / sigmas.numpy() - 1, rtol=1e-8)
    np.testing.assert_allclose(flow.end["x"].numpy(), 1.0, rtol=1e-8)
    # In its own time each run grows as e^s.
    np.testing.assert_allclose(flow.parameters["x"][1].numpy(), sigmas.numpy() * math.e, rtol=1e-8)
    assert flow.times.shape == (3, 3)


def test_a_given_gradient_is_used() -> None:
    start = {"x": torch.tensor([[2.0, -1.0]])}
    given = gradient_flow(
        _quadratic,
        start,
        [0.0, 1.0],
        gradient=lambda p: {"x": p["x"] * torch.tensor([1.0, 3.0], dtype=torch.float64)},
    )
    np.testing.assert_allclose(
        given.parameters["x"][-1, 0].numpy(), [2 * math.exp(-1), -math.exp(-3)], rtol=1e-8
    )


def test_losses_that_are_not_one_per_run() -> None:
    with pytest.raises(ValueError, match="one loss per run"):
        gradient_flow(lambda p: p["x"].square().sum().expand(3), {"x": torch.ones(2)}, [0.0, 1.0])

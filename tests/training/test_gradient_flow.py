from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lowcomplex.training import gradient_flow


def _quadratic(parameters: dict[str, Tensor]) -> Tensor:
    return parameters["x"].square() @ torch.tensor([0.5, 1.5], dtype=torch.float64)


def test_decays_as_the_eigenvalues_say() -> None:
    times = np.linspace(0, 2, 7)
    flow = gradient_flow(_quadratic, {"x": torch.tensor([2.0, -1.0])}, times)
    expected = np.stack((2 * np.exp(-times), -np.exp(-3 * times)), axis=1)
    np.testing.assert_allclose(flow.parameters["x"].numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(flow.losses.numpy(), expected**2 @ [0.5, 1.5], rtol=1e-9)
    assert flow.stopped_at is None


def test_stops_at_the_crossing() -> None:
    start = {"x": torch.tensor([1.0, 0.0])}
    flow = gradient_flow(_quadratic, start, [0.0, 10.0], stop_loss_ratio=0.1)
    # The loss falls as e^(-2t).
    assert flow.stopped_at == pytest.approx(math.log(10) / 2, rel=1e-8)
    assert float(flow.losses[-1]) == pytest.approx(0.05, rel=1e-8)
    assert flow.times.tolist() == [0.0, flow.stopped_at]


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

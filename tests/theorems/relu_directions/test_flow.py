from __future__ import annotations

import numpy as np
import pytest

from lowcomplex.theorems.relu_directions.flow import flow_to_stop


def test_a_neuron_slides_along_its_knot() -> None:
    x, y = np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([5.0, -3.0])
    w, a = 1e-6 * np.array([[[-0.8, 1.0]]]), np.array([[1e-6]])
    rate, loss = 5 / np.sqrt(2) / 2, np.square(y).mean() / 2
    ends = [flow_to_stop(x, y, w, a, delta=delta, step=0.01, longest=50) for delta in (1e-4, 1e-3, 1e-2)]
    for end in ends:
        assert end.w[0, 0] @ x[1] == pytest.approx(0, abs=1e-15)
    # On the knot the network fits the first sample alone: u = a|w|/√2 obeys u̇ = u (5 - u)/√2.
    drop = np.array([1e-4, 1e-3, 1e-2]) * 4 * loss
    u = 5 - np.sqrt(25 - drop)
    exact = np.diff(np.log(u / (5 - u))) / (2 * rate)
    np.testing.assert_allclose(np.diff([end.times[0] for end in ends]), exact, rtol=1e-5)


def test_a_network_that_stays_on_its_plateau_is_an_error() -> None:
    x, y = np.array([[0.0, 1.0]]), np.array([1.0])
    with pytest.raises(ArithmeticError, match="plateau"):
        flow_to_stop(x, y, np.array([[[0.0, -1.0]]]), np.array([[1.0]]), delta=0.1, step=0.1, longest=1.0)

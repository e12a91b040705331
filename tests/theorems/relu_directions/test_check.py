from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lowcomplex.predictions import relu_directions
from lowcomplex.theorems.relu_directions import check as module
from lowcomplex.theorems.relu_directions.flow import flow_to_stop


def test_directions_off_by_a_tenth_of_a_degree_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(*args: Any) -> Any:
        found = relu_directions(*args)
        return replace(found, angles=found.angles + np.radians(0.1))

    monkeypatch.setattr(module, "relu_directions", turned)
    for kind in ("arc", "knot"):
        assert not module.observe(1, kinds=(kind,))[0].passed  # type: ignore[arg-type]


def test_a_missing_direction_and_a_wrong_rate_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_only(*args: Any) -> Any:
        found = relu_directions(*args)
        return replace(found, angles=found.angles[:1], signs=found.signs[:1], samples=found.samples[:1])

    monkeypatch.setattr(module, "relu_directions", first_only)
    assert not module.observe(1, kinds=("knot",))[2].passed

    def faster(*args: Any) -> Any:
        found = relu_directions(*args)
        return replace(found, rates=found.rates * 1.01)

    monkeypatch.setattr(module, "relu_directions", faster)
    assert not module.observe(1, kinds=("arc",))[1].passed


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

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lowcomplex.predictions import tensor_directions
from lowcomplex.theorems.tensor_directions import check as module
from lowcomplex.theorems.tensor_directions.quadratic_neuron import QuadraticNeuron, quadratic_neuron


def test_turned_directions_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(*args: Any) -> Any:
        found = tensor_directions(*args)
        return replace(found, angles=found.angles + 0.01)

    monkeypatch.setattr(module, "tensor_directions", turned)
    # Orientations that are not stationary would already fail the hypothesis on the data.
    monkeypatch.setattr(module, "slowest_turning", lambda *_: 1.0)
    assert not all(comparison.passed for comparison in module.observe(1))


def test_late_blow_ups_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: Any) -> QuadraticNeuron:
        found = quadratic_neuron(*args)
        return found._replace(blow_up=1.0001 * found.blow_up)

    monkeypatch.setattr(module, "quadratic_neuron", late)
    assert not all(comparison.passed for comparison in module.observe(1))

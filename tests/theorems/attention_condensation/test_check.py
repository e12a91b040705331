from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lowcomplex.predictions import attention_condensation
from lowcomplex.theorems.attention_condensation import check as module
from lowcomplex.theorems.observations import softmax_attention as layer
from lowcomplex.training import gradient_flow

_SIGMAS = (3e-4, 1e-4, 3e-5)


def test_a_wrong_vector_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def last_token(inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        vector: np.ndarray = targets @ inputs[:, -1] / len(targets)
        return vector

    monkeypatch.setattr(module, "condensation_vector", last_token)
    monkeypatch.setattr(module, "_MOST_CURVED", np.inf)
    assert not all(comparison.passed for comparison in module.observe(1, sigmas=_SIGMAS))


def test_a_time_without_its_second_term_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def blow_up_only(*args: Any, sigma: Any, drop: float) -> Any:
        predicted = attention_condensation(*args, sigma=sigma, drop=drop)
        return predicted._replace(
            time=predicted.time + 0.1 * (predicted.blow_up_time / np.array(sigma) - predicted.time)
        )

    monkeypatch.setattr(module, "attention_condensation", blow_up_only)
    failed = [comparison for comparison in module.observe(1, sigmas=_SIGMAS) if not comparison.passed]
    assert [comparison.quantity.split(" at")[0] for comparison in failed] == ["T1/σ - T"]


def test_flow_is_that_of_automatic_differentiation() -> None:
    rng = np.random.default_rng(0)
    x, y = layer.draw_tokens(rng, 10, 3, 3)
    start = layer.scaled(layer.draw_weights(rng, 3), np.array([0.6, 0.3]), np.array([0.5, 0.9]))
    tokens, targets = torch.from_numpy(x), torch.from_numpy(y)
    names = ("value", "hidden", "readout", "query", "key")

    def loss(p: dict[str, torch.Tensor]) -> torch.Tensor:
        scores = tokens[:, -1:] @ p["query"] @ p["key"].mT @ tokens.mT / 3**0.5
        attended = (torch.softmax(scores, -1) @ tokens)[:, 0]
        output = torch.tanh(attended @ p["value"] @ p["hidden"] @ p["readout"])
        return torch.exp(-targets * output).mean()

    times = np.array([0.0, 3.0])
    end = layer.train(x, y, start, times)
    np.testing.assert_allclose(
        layer.losses(x, y, start),
        [loss({name: torch.from_numpy(getattr(start, name)[k]) for name in names}).item() for k in range(2)],
    )
    for k in range(2):
        alone = {name: torch.from_numpy(getattr(start, name)[k]) for name in names}
        flow = gradient_flow(loss, alone, times)
        for name in names:
            np.testing.assert_allclose(getattr(end, name)[-1, k], flow.parameters[name][-1], atol=1e-7)


def test_a_drop_that_is_never_reached_is_an_error() -> None:
    rng = np.random.default_rng(0)
    x, y = layer.draw_tokens(rng, 10, 3, 3)
    start = layer.scaled(layer.draw_weights(rng, 3), np.array([1e-3]), np.array([1e-3]))
    with pytest.raises(ArithmeticError, match="did not fall"):
        layer.train_to_drops(x, y, start, (0.1,), 1.0)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lowcomplex.predictions import adam_directions
from lowcomplex.theorems.adam_directions import check as module


def test_a_wrong_momentum_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*args: Any, **options: Any) -> Any:
        return adam_directions(*args, **options, betas=(0.89, 0.999))

    monkeypatch.setattr(module, "adam_directions", other)
    assert not all(comparison.passed for comparison in module.observe(1))


def test_an_amplitude_of_one_per_step_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_per_step(v: Any, neurons: int, *, drop: float, step: float) -> float:
        return float(np.sqrt(drop / (neurons * np.abs(v).sum())) / step)

    monkeypatch.setattr(module, "adam_escape_steps", one_per_step)
    weights, exponent, escape = module.observe(1)
    assert weights.passed
    assert exponent.passed
    assert not escape.passed

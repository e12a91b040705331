from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lowcomplex.predictions import escape_power_law
from lowcomplex.theorems.escape_power_law import check as module
from lowcomplex.theorems.escape_power_law.formula import PowerLaw, escape_tail
from lowcomplex.theorems.observations.time_of_escape import time_of_escape


def test_a_late_blow_up_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: Any) -> PowerLaw:
        law = escape_power_law(*args)
        return law._replace(blow_up=1.001 * law.blow_up)

    monkeypatch.setattr(module, "escape_power_law", late)
    with pytest.raises(ArithmeticError, match="no draw of 50"):
        # The leading flow itself contradicts it at every draw.
        module.observe(1, multiplicities=(3,))


def test_a_wrong_feedback_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def longer(*args: Any, feedback: bool, **how: Any) -> Any:
        return (1.01 if feedback else 1.0) * escape_tail(*args, feedback=feedback, **how)

    monkeypatch.setattr(module, "escape_tail", longer)
    assert not all(comparison.passed for comparison in module.observe(1, multiplicities=(2,)))


def test_time_of_escape_of_a_known_flow() -> None:
    # L = exp(-x), ẋ = exp(-x): exp(x) = exp(x_0) + t, and half of the loss is lost when exp(x) has doubled.
    def descent(x: np.ndarray) -> tuple[np.ndarray, float]:
        return np.exp(-x), float(np.exp(-x[0]))

    escape = time_of_escape(descent, np.array([0.5]), 2, 0.5)
    assert escape.time == pytest.approx(np.exp(0.5), rel=1e-8)
    assert escape.state[0] == pytest.approx(0.5 + np.log(2), rel=1e-8)

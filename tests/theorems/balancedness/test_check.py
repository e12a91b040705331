from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import balancedness
from lowcomplex.theorems.balancedness import check as module


def test_exact_conservation_is_refuted_at_a_finite_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def conserved(*args: Any, step: float, degree: int) -> Any:
        return 0 * balancedness(*args, step=step, degree=degree)

    monkeypatch.setattr(module, "balancedness", conserved)
    assert not all(comparison.passed for comparison in module.observe(1))

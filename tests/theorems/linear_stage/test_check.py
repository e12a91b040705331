from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import linear_stage
from lowcomplex.theorems.linear_stage import check as module


def test_a_wrong_growth_rate_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_fast(*args: Any, step: float, steps: int) -> Any:
        return linear_stage(*args, step=1.001 * step, steps=steps)

    monkeypatch.setattr(module, "linear_stage", too_fast)
    assert not all(comparison.passed for comparison in module.observe(1))

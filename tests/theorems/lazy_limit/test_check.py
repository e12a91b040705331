from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import lazy_limit
from lowcomplex.theorems.lazy_limit import check as module


def test_a_time_one_percent_off_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(*args: Any, time: float, step: float) -> Any:
        return lazy_limit(*args, time=1.01 * time, step=step)

    monkeypatch.setattr(module, "lazy_limit", off)
    assert not all(comparison.passed for comparison in module.observe(1))

from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import linear_frequency_principle
from lowcomplex.theorems.linear_frequency_principle import check as module


def test_a_law_without_its_drift_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*args: Any, **kwargs: Any) -> Any:
        decay = linear_frequency_principle(*args, **kwargs)
        return decay._replace(drift=0 * decay.drift)

    monkeypatch.setattr(module, "linear_frequency_principle", without)
    assert not all(comparison.passed for comparison in module.observe(1))

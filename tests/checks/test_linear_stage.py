from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.checks import _linear_stage as module
from lowcomplex.predictions import linear_stage


def test_verdict() -> None:
    verdict = module.CHECK.run(seed=1)
    assert verdict.as_expected, verdict


def test_a_wrong_growth_rate_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_fast(*args: Any, step: float, steps: int) -> Any:
        return linear_stage(*args, step=1.001 * step, steps=steps)

    monkeypatch.setattr(module, "linear_stage", too_fast)
    assert not all(comparison.passed for comparison in module.observe(1))

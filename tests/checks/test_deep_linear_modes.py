from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.checks import _deep_linear_modes as module
from lowcomplex.predictions import deep_linear_modes


def test_verdict() -> None:
    verdict = module.CHECK.run(seed=1)
    assert verdict.as_expected, verdict


def test_a_clock_that_is_two_percent_fast_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fast(strengths: Any, initial: Any, times: Any) -> Any:
        return deep_linear_modes(strengths, initial, 1.02 * times)

    monkeypatch.setattr(module, "deep_linear_modes", fast)
    assert not all(comparison.passed for comparison in module.observe(1))

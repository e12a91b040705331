from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.checks import _balancedness as module
from lowcomplex.predictions import balancedness


def test_verdict() -> None:
    verdict = module.CHECK.run(seed=1)
    assert verdict.as_expected, verdict


def test_exact_conservation_is_refuted_at_a_finite_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def conserved(*args: Any, step: float, degree: int) -> Any:
        return 0 * balancedness(*args, step=step, degree=degree)

    monkeypatch.setattr(module, "balancedness", conserved)
    assert not all(comparison.passed for comparison in module.observe(1))

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lowcomplex.checks import _tensor_directions as module
from lowcomplex.predictions import tensor_directions


def test_verdict() -> None:
    verdict = module.CHECK.run(seed=1)
    assert verdict.as_expected, verdict


def test_turned_directions_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(*args: Any) -> Any:
        found = tensor_directions(*args)
        return replace(found, angles=found.angles + 0.01)

    monkeypatch.setattr(module, "tensor_directions", turned)
    assert not all(comparison.passed for comparison in module.observe(1))

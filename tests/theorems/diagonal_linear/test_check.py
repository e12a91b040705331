from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import diagonal_linear
from lowcomplex.theorems.diagonal_linear import check as module


def test_a_scale_one_percent_off_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(*args: Any, alpha: float) -> Any:
        return diagonal_linear(*args, alpha=1.01 * alpha)

    monkeypatch.setattr(module, "diagonal_linear", off)
    assert not all(comparison.passed for comparison in module.observe(1))

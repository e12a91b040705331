from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import escape_time
from lowcomplex.theorems.escape_time import check as module
from lowcomplex.theorems.escape_time.formula import escape_delay


def test_a_late_escape_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: Any, **how: Any) -> Any:
        return 1.0001 * escape_time(*args, **how)

    monkeypatch.setattr(module, "escape_time", late)
    assert not all(comparison.passed for comparison in module.observe(1))


def test_a_wrong_delay_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def longer(*args: Any, **how: Any) -> Any:
        return 1.2 * escape_delay(*args, **how)

    monkeypatch.setattr(module, "escape_delay", longer)
    assert not all(comparison.passed for comparison in module.observe(1))

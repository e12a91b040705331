from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import circle_ntk
from lowcomplex.theorems.circle_ntk import check as module


def test_rates_one_permille_off_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(*args: Any, **kwargs: Any) -> Any:
        return 1.001 * circle_ntk(*args, **kwargs)

    monkeypatch.setattr(module, "circle_ntk", off)
    assert not all(comparison.passed for comparison in module.observe(1))

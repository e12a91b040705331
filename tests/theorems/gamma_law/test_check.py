from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import gamma_law
from lowcomplex.theorems.gamma_law import check as module


def test_one_slope_for_all_depths_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_depth(gamma: Any, depth: Any) -> Any:
        return gamma_law(gamma, 2)

    monkeypatch.setattr(module, "gamma_law", without_depth)
    lazy, rich = module.observe(1, depths=(3,))
    assert not lazy.passed
    assert rich.passed

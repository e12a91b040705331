from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import lazy_splines
from lowcomplex.theorems.lazy_splines import check as module


def test_the_natural_spline_is_told_from_that_of_a_finite_range(monkeypatch: pytest.MonkeyPatch) -> None:
    def natural(*args: Any, trained: Any, **kwargs: Any) -> Any:
        return lazy_splines(*args, trained=trained)

    monkeypatch.setattr(module, "lazy_splines", natural)
    assert not all(comparison.passed for comparison in module.observe(1))

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lowcomplex.predictions import random_stable_rank
from lowcomplex.theorems.random_stable_rank import check as module


@pytest.mark.parametrize("change", [{"value": 1.04}, {"standard_deviation": 1.5}])
def test_a_wrong_null_is_refuted(monkeypatch: pytest.MonkeyPatch, change: dict[str, float]) -> None:
    def wrong(*args: Any, **options: Any) -> Any:
        null = random_stable_rank(*args, **options)
        return dataclasses.replace(
            null, **{key: factor * getattr(null, key) for key, factor in change.items()}
        )

    monkeypatch.setattr(module, "random_stable_rank", wrong)
    assert not all(comparison.passed for comparison in module.observe(1))

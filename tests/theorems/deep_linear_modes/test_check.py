from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import deep_linear_modes
from lowcomplex.theorems.deep_linear_modes import check as module
from lowcomplex.theorems.deep_linear_modes.formula import null_start
from lowcomplex.theorems.deep_linear_modes.mode_equations import layered_modes, unbalanced_mode


def test_a_clock_that_is_two_percent_fast_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fast(strengths: Any, initial: Any, times: Any) -> Any:
        return deep_linear_modes(strengths, initial, 1.02 * times)

    monkeypatch.setattr(module, "deep_linear_modes", fast)
    assert not all(comparison.passed for comparison in module.observe(1))


def test_a_wrong_depth_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def shallow(*args: Any, depth: int) -> Any:
        return layered_modes(*args, depth=depth - 1)

    monkeypatch.setattr(module, "layered_modes", shallow)
    assert not any(comparison.passed for comparison in module.observe(1, parts=("layers",)))


def test_a_slightly_wrong_imbalance_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(strengths: Any, initial: Any, imbalance: Any, times: Any) -> Any:
        return unbalanced_mode(strengths, initial, 1.001 * imbalance, times)

    monkeypatch.setattr(module, "unbalanced_mode", off)
    assert not any(comparison.passed for comparison in module.observe(1, parts=("unequal",)))


def test_null_modes_that_shrink_by_a_thousandth_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def shrunk(*args: Any) -> Any:
        return 0.999 * null_start(*args)

    monkeypatch.setattr(module, "null_start", shrunk)
    assert not module.observe(1, parts=("random",))[-1].passed

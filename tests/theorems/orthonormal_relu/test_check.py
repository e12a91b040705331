from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lowcomplex.predictions import orthonormal_relu
from lowcomplex.theorems.orthonormal_relu import check as module
from lowcomplex.theorems.orthonormal_relu.formula import norm_excess


def _failed() -> set[str]:
    return {comparison.quantity.split(" at ")[0] for comparison in module.observe(1) if not comparison.passed}


def test_a_wrong_exponent_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def slower(*args: Any) -> Any:
        law = orthonormal_relu(*args)
        return replace(law, norm_exponent=0.95 * law.norm_exponent)

    monkeypatch.setattr(module, "orthonormal_relu", slower)
    assert _failed() == {"exponent in σ of the norm's excess"}


def test_a_wrong_limit_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def larger(*args: Any) -> Any:
        law = orthonormal_relu(*args)
        return replace(law, singular_values=1.001 * law.singular_values)

    monkeypatch.setattr(module, "orthonormal_relu", larger)
    assert _failed() == {"singular value 1 of W", "singular value 2 of W"}


def test_a_wrong_coefficient_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "norm_excess", lambda *args: 1.01 * norm_excess(*args))
    assert _failed() == {"norm's excess over its predicted size (no wrong sample active)"}


def test_a_network_that_cannot_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST", 50)
    with pytest.raises(ArithmeticError, match="residual stayed"):
        module._flow(np.array([1.0, -1.0]), np.array([[[1.0, 1.0]]]), np.array([[1.0]]), 1e-14)

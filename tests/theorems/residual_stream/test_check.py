from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lowcomplex.predictions import residual_stream
from lowcomplex.theorems.formulas.token_drive import token_drive
from lowcomplex.theorems.residual_stream import check as module
from lowcomplex.theorems.residual_stream.formula import residual_drive


def test_reading_all_positions_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def every_position(tokens: Any, labels: Any, vocabulary: int) -> Any:
        drive = residual_drive(tokens, labels, vocabulary)
        return np.vstack((token_drive(tokens, labels, vocabulary), drive[vocabulary:]))

    monkeypatch.setattr(module, "residual_drive", every_position)
    assert not all(
        comparison.passed for comparison in module.observe(1, final_norm_sigmas=None, inner_norms=False)
    )


def test_a_final_norm_that_keeps_no_means_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def uncentered(*parts: Any, time: float, step: float, final_norm_eps: float | None) -> Any:
        root = 1.0 if final_norm_eps is None else np.sqrt(final_norm_eps)
        return residual_stream(*parts, time=time / root, step=step / root)

    monkeypatch.setattr(module, "residual_stream", uncentered)
    comparisons = module.observe(1, inner_norms=False)
    assert all(comparison.passed for comparison in comparisons[:3])
    assert not all(comparison.passed for comparison in comparisons[3:])

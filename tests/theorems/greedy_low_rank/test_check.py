from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lowcomplex.predictions import greedy_low_rank
from lowcomplex.theorems.greedy_low_rank import check as module


def test_a_first_stage_off_by_a_percent_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def larger(*args: Any, **options: Any) -> Any:
        law = greedy_low_rank(*args, **options)
        return replace(law, stages=law.stages * np.array([1.0, 1.01, 1.0])[: len(law.stages), None, None])

    monkeypatch.setattr(module, "greedy_low_rank", larger)
    failed = [comparison.quantity for comparison in module.observe(1) if not comparison.passed]
    assert failed == ["distance of the path to stage 1, over the stage's size"]


def test_the_spectral_truncation_of_the_truth_is_no_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    def truncated(matrix: Any, observed: Any, **options: Any) -> Any:
        law = greedy_low_rank(matrix, observed, **options)
        values, vectors = np.linalg.eigh(matrix)
        stages = law.stages.copy()
        stages[1] = values[-1] * np.outer(vectors[:, -1], vectors[:, -1])
        return replace(law, stages=stages)

    monkeypatch.setattr(module, "greedy_low_rank", truncated)
    assert not module.observe(1)[0].passed

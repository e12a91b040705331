from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lowcomplex.predictions import adam_embedding_stage
from lowcomplex.theorems.adam_embedding_stage import check as module


def test_a_wrong_memory_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*args: Any, **options: Any) -> Any:
        return adam_embedding_stage(*args, **options, betas=(0.9, 0.998))

    monkeypatch.setattr(module, "adam_embedding_stage", other)
    failed = [comparison.quantity for comparison in module.observe(1) if not comparison.passed]
    assert any("embedding model" in quantity for quantity in failed)
    assert any("transformer" in quantity for quantity in failed)


def test_the_spectral_norm_in_place_of_the_sign_norm_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    attractors = module.sign_attractors

    def spectral(drive: Any) -> Any:
        found = attractors(drive)
        return found._replace(energy=found.energy * np.linalg.norm(drive, 2) / found.energy[0])

    monkeypatch.setattr(module, "sign_attractors", spectral)
    by_norm = module.observe(1, transformer=False)[-2]
    assert "∞→1" in by_norm.quantity
    assert not by_norm.passed


def test_a_layer_norm_breaks_the_stage() -> None:
    comparisons = module.observe(1, layer_norm=True, escape=False)
    assert not all(comparison.passed for comparison in comparisons[2:])

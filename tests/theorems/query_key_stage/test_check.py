from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lowcomplex.predictions import query_key_stage
from lowcomplex.theorems.query_key_stage import check as module
from lowcomplex.theorems.query_key_stage.formula import ValuePlateau, value_plateau


def _failed(seed: int = 1) -> set[str]:
    return {comparison.quantity for comparison in module.observe(seed) if not comparison.passed}


def test_a_wrong_growth_rate_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_fast(query: Any, key: Any, matrix: Any, time: Any) -> Any:
        return query_key_stage(query, key, 1.02 * matrix, time)

    monkeypatch.setattr(module, "query_key_stage", too_fast)
    assert any("closed form" in quantity for quantity in _failed())


def test_a_matrix_at_zero_output_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_residuals(x: np.ndarray, y: np.ndarray) -> ValuePlateau:
        plateau = value_plateau(x, y)
        return plateau._replace(matrix=module.query_key_matrix(x, y, plateau.direction))

    monkeypatch.setattr(module, "value_plateau", without_residuals)
    assert any("s1 dT" in quantity for quantity in _failed())


def test_data_without_a_plateau_are_redrawn_and_then_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(x: np.ndarray, y: np.ndarray) -> ValuePlateau:
        raise ValueError("there is no plateau")

    monkeypatch.setattr(module, "value_plateau", never)
    with pytest.raises(ArithmeticError, match="100 draws"):
        module.observe(1)


def test_distance_from_the_matrix_is_that_of_the_prediction() -> None:
    rng = np.random.default_rng(0)
    x, y = module.draw_tokens(rng, 12, 3, 3)
    directions, matrix = rng.standard_normal((4, 3)), rng.standard_normal((3, 3))
    expected = []
    for beta in directions:
        output = np.tanh(x.mean(1) @ beta)
        moved = module.query_key_matrix(x, y * np.exp(-y * output) * (1 - output**2), beta)
        expected.append(np.linalg.norm(moved - matrix, 2))
    np.testing.assert_allclose(module._distance_from_matrix(x, y, directions, matrix), expected)

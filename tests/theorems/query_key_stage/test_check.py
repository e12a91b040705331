from __future__ import annotations

import numpy as np
import pytest

from lowcomplex.theorems.formulas.attention_tokens import query_key_matrix
from lowcomplex.theorems.observations.softmax_attention import draw_tokens
from lowcomplex.theorems.query_key_stage import check as module
from lowcomplex.theorems.query_key_stage.along_plateau import distance_from_matrix
from lowcomplex.theorems.query_key_stage.formula import ValuePlateau


def test_data_without_a_plateau_are_redrawn_and_then_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(x: np.ndarray, y: np.ndarray) -> ValuePlateau:
        raise ValueError("there is no plateau")

    monkeypatch.setattr(module, "plateau_of", never)
    with pytest.raises(ArithmeticError, match="100 draws"):
        module.observe(1)


def test_distance_from_the_matrix_is_that_of_the_prediction() -> None:
    rng = np.random.default_rng(0)
    x, y = draw_tokens(rng, 12, 3, 3)
    directions, matrix = rng.standard_normal((4, 3)), rng.standard_normal((3, 3))
    expected = []
    for beta in directions:
        output = np.tanh(x.mean(1) @ beta)
        moved = query_key_matrix(x, y * np.exp(-y * output) * (1 - output**2), beta)
        expected.append(np.linalg.norm(moved - matrix, 2))
    np.testing.assert_allclose(distance_from_matrix(x, y, directions, matrix), expected)

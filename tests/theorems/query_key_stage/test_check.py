from __future__ import annotations

import numpy as np
import pytest

from lowcomplex.theorems.formulas.attention_tokens import query_key_matrix
from lowcomplex.theorems.observations.softmax_attention import draw_tokens
from lowcomplex.theorems.query_key_stage import check as module
from lowcomplex.theorems.query_key_stage.along_plateau import matrices_along
from lowcomplex.theorems.query_key_stage.formula import ValuePlateau


def test_data_without_a_plateau_are_redrawn_and_then_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(x: np.ndarray, y: np.ndarray) -> ValuePlateau:
        raise ValueError("there is no plateau")

    monkeypatch.setattr(module, "plateau_of", never)
    with pytest.raises(ArithmeticError, match="100 draws"):
        module.observe(1)


def test_matrices_along_a_path_are_those_of_the_prediction() -> None:
    rng = np.random.default_rng(0)
    x, y = draw_tokens(rng, 12, 3, 3)
    directions = rng.standard_normal((4, 3))
    expected = []
    for beta in directions:
        output = np.tanh(x.mean(1) @ beta)
        expected.append(query_key_matrix(x, y * np.exp(-y * output) * (1 - output**2), beta))
    np.testing.assert_allclose(matrices_along(x, y, directions), expected, atol=1e-14)

from __future__ import annotations

import numpy as np
import pytest

from lowcomplex.theorems.observations.feedback import entropy_spread, neglected_feedback


def test_feedback_bound_grows_as_the_square_of_the_start() -> None:
    rng = np.random.default_rng(0)
    e, u, x = rng.standard_normal((4, 6)), rng.standard_normal((3, 6)), rng.standard_normal((20, 4))
    drive = rng.standard_normal((4, 3))
    bounds = [
        neglected_feedback(s * e, s * u, drive, x, time=1.0, step=0.0, loss=loss)
        for loss in ("cross-entropy", "square")
        for s in (1e-3, 1e-4)
    ]
    assert bounds[0] / bounds[1] == pytest.approx(100)
    assert bounds[2] > bounds[0]


def test_entropy_bound_holds() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((8, 8))
    noise = rng.standard_normal((8, 8))
    noise *= 1e-3 * np.linalg.norm(matrix) / np.linalg.norm(noise)

    def entropy(m: np.ndarray) -> float:
        p = np.linalg.svd(m, compute_uv=False)
        p = p / p.sum()
        return float(-(p * np.log(p)).sum())

    assert abs(entropy(matrix + noise) - entropy(matrix)) < entropy_spread(1e-3, 8)
    assert entropy_spread(0.0, 8) == 0

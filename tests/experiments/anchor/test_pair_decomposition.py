from __future__ import annotations

import numpy as np
import pytest
import torch

from experiments.anchor.pair_decomposition import pair_decomposition

PARTS = ("additive_symmetric", "additive_antisymmetric", "interaction_symmetric", "interaction_antisymmetric")


def _table(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_parts_sum_to_the_variance() -> None:
    M = _table(0, 3, 2, 5, 5)
    found = pair_decomposition(M)
    total = sum(getattr(found, part) for part in PARTS)
    torch.testing.assert_close(total, M.flatten(-2).var(-1, correction=0))
    assert total.shape == (3, 2)


def test_agrees_with_regression_on_designs() -> None:
    """Projections onto spanned spaces, by least squares instead of means."""
    k = 4
    M = _table(1, k, k).numpy()
    eye = np.eye(k)
    first, second = np.repeat(eye, k, 0), np.tile(eye, (k, 1))
    target = M.ravel() - M.mean()

    def explained(design: np.ndarray) -> float:
        design = design - design.mean(0)
        fit = design @ np.linalg.lstsq(design, target, rcond=None)[0]
        return float((fit**2).mean())

    found = pair_decomposition(torch.from_numpy(M))
    assert float(found.additive_symmetric) == pytest.approx(explained(first + second))
    assert float(found.additive_antisymmetric) == pytest.approx(explained(first - second))


@pytest.mark.parametrize("mirrored", [False, True])
def test_exceptions_of_composition(mirrored: bool) -> None:
    u = torch.tensor([5.0, 1.0, -2.0, -8.0])
    M = u[:, None] + u
    assert [float(getattr(pair_decomposition(M), p)) for p in PARTS[1:]] == [0, 0, 0]
    M[2, 3] += 4
    if mirrored:
        M[3, 2] += 4
    found = pair_decomposition(M)
    assert float(found.interaction_symmetric) > 0.1
    assert (float(found.interaction_antisymmetric) == 0) == mirrored


def test_a_constant_has_no_variance() -> None:
    found = pair_decomposition(torch.full((4, 4), 1 / 3))
    assert [float(getattr(found, part)) for part in PARTS] == [0, 0, 0, 0]


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_quadratic_in_the_scale(scale: float) -> None:
    M = _table(3, 6, 6)
    for part in PARTS:
        torch.testing.assert_close(
            getattr(pair_decomposition(scale * M), part) / scale**2, getattr(pair_decomposition(M), part)
        )


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"M: .*\(3, 4\)"):
        pair_decomposition(torch.zeros(3, 4))
    with pytest.raises(ValueError, match="NaN"):
        pair_decomposition(torch.full((3, 3), torch.nan))

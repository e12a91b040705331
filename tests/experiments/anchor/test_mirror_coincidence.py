from __future__ import annotations

import pytest
import torch
from torch import Tensor

from experiments.anchor.mirror_coincidence import mirror_coincidence

PAIRS = torch.cartesian_prod(torch.arange(4), torch.arange(4)).repeat(5, 1)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_by_hand() -> None:
    pairs = torch.tensor([[0, 1], [1, 0], [0, 0], [0, 0]])
    X = torch.tensor([[1.0, 0.0], [0.0, 1.0], [4.0, 0.0], [6.0, 0.0]], dtype=torch.float64)
    assert float(mirror_coincidence(X, pairs)) == pytest.approx(1 - 2 / ((16 + 26) / 2))


def test_codes_with_a_known_answer() -> None:
    a, b = PAIRS.unbind(1)
    v, of_pair = _random(0, 300, 4, 6), _random(1, 300, 16, 6)
    blind = v[:, a] + v[:, b]
    torch.testing.assert_close(mirror_coincidence(blind, PAIRS), torch.ones(300, dtype=torch.float64))
    own = mirror_coincidence(of_pair[:, 4 * a + b], PAIRS)
    assert abs(float(own.mean())) < 4 * float(own.std()) / 300**0.5
    assert float(mirror_coincidence(v[:, a] - v[:, b], PAIRS).max()) < 0


def test_means_of_many_noisy_samples() -> None:
    a, b = PAIRS.repeat(100, 1).unbind(1)
    v = _random(2, 4, 6)
    found = mirror_coincidence(v[a] + v[b] + _random(3, len(a), 6), torch.stack((a, b), 1))
    assert 0.95 < float(found) <= 1


def test_invariances() -> None:
    X = _random(4, 80, 5)
    rotation = torch.linalg.qr(_random(5, 5, 5))[0]
    moved = 1e3 * X @ rotation + _random(6, 5)
    for changed in (moved, 1e-12 * X, 1e12 * X):
        torch.testing.assert_close(mirror_coincidence(changed, PAIRS), mirror_coincidence(X, PAIRS))


def test_without_clusters_there_is_nothing_to_compare() -> None:
    assert mirror_coincidence(torch.full((80, 3), 0.1), PAIRS).isnan()


def test_bad_input() -> None:
    X = _random(7, 80, 3)
    with pytest.raises(ValueError, match=r"pairs: expected shape \(80, 2\), got \(80,\)"):
        mirror_coincidence(X, PAIRS[:, 0])
    with pytest.raises(ValueError, match="at least one mirrored pair"):
        mirror_coincidence(X, PAIRS.sort(1).values)
    with pytest.raises(ValueError, match="NaN"):
        mirror_coincidence(torch.nan * X, PAIRS)

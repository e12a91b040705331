from __future__ import annotations

import math

import pytest
import torch

import samples
from lowcomplex import measures
from lowcomplex.measures import cosine_gap

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "cosine_gap": lambda c: measures.cosine_gap(c * samples.X, torch.arange(9) % 2),
}


def test_gap_by_hand() -> None:
    X = torch.tensor([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0], [0.0, 5.0]], dtype=torch.float64)
    found = cosine_gap(X, torch.tensor([0, 0, 1, 1]))
    half = math.sqrt(0.5)
    assert float(found.within) == pytest.approx((half + 0) / 2)
    assert float(found.between) == pytest.approx((-1 + 0 - half + half) / 4)
    assert float(found.gap) == pytest.approx(float(found.within) - float(found.between))


def test_no_gap_between_random_classes_and_a_full_one_between_planted() -> None:
    classes = torch.arange(60) % 3
    gaps = cosine_gap(samples.random(0, 200, 60, 8), classes).gap
    assert abs(float(gaps.mean())) < 4 * float(gaps.std()) / math.sqrt(200)
    planted = torch.eye(3, dtype=torch.float64)[classes] + 0.01 * samples.random(1, 60, 3)
    assert float(cosine_gap(planted, classes).gap) == pytest.approx(1, abs=0.01)


def test_gap_ignores_lengths_and_rotation() -> None:
    X, classes = samples.random(2, 9, 4), torch.arange(9) % 2
    rotation = torch.linalg.qr(samples.random(3, 4, 4))[0]
    changed = X @ rotation * samples.random(4, 9, 1).exp()
    torch.testing.assert_close(cosine_gap(changed, classes).gap, cosine_gap(X, classes).gap)


def test_pairs_that_share_what_must_differ_do_not_count() -> None:
    anchor = torch.arange(12) % 3
    classes = torch.arange(12) // 3
    X = torch.eye(3, dtype=torch.float64)[anchor] + 0.1 * torch.eye(4, 3, dtype=torch.float64)[classes]
    first, second = torch.triu_indices(12, 12, 1)
    counts = anchor[first] != anchor[second]
    cosines = torch.nn.functional.cosine_similarity(X[first], X[second])
    same = classes[first] == classes[second]
    expected = cosines[counts & same].mean() - cosines[counts & ~same].mean()
    assert float(cosine_gap(X, classes, apart=anchor).gap) == pytest.approx(float(expected))
    assert float(cosine_gap(X, classes, apart=anchor).gap) > 0 > float(cosine_gap(X, classes).gap)
    with pytest.raises(ValueError, match=r"apart: .*\(12,\), got shape \(3,\)"):
        cosine_gap(X, classes, apart=anchor[:3])
    with pytest.raises(ValueError, match="at least one pair"):
        cosine_gap(X, classes, apart=classes)


def test_gap_bad_input() -> None:
    X = samples.random(5, 4, 3)
    with pytest.raises(ValueError, match=r"classes: .*\(4,\), got shape \(3,\)"):
        cosine_gap(X, torch.zeros(3))
    for classes in (torch.zeros(4), torch.arange(4)):
        with pytest.raises(ValueError, match="at least one pair"):
            cosine_gap(X, classes)

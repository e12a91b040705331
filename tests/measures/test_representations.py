from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lowcomplex.measures import cosine_gap, ordinality


def _random(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gap_by_hand() -> None:
    X = torch.tensor([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0], [0.0, 5.0]], dtype=torch.float64)
    found = cosine_gap(X, torch.tensor([0, 0, 1, 1]))
    half = math.sqrt(0.5)
    assert float(found.within) == pytest.approx((half + 0) / 2)
    assert float(found.between) == pytest.approx((-1 + 0 - half + half) / 4)
    assert float(found.gap) == pytest.approx(float(found.within) - float(found.between))


def test_no_gap_between_random_classes_and_a_full_one_between_planted() -> None:
    classes = torch.arange(60) % 3
    gaps = cosine_gap(_random(0, 200, 60, 8), classes).gap
    assert abs(float(gaps.mean())) < 4 * float(gaps.std()) / math.sqrt(200)
    planted = torch.eye(3, dtype=torch.float64)[classes] + 0.01 * _random(1, 60, 3)
    assert float(cosine_gap(planted, classes).gap) == pytest.approx(1, abs=0.01)


def test_gap_ignores_lengths_and_rotation() -> None:
    X, classes = _random(2, 9, 4), torch.arange(9) % 2
    rotation = torch.linalg.qr(_random(3, 4, 4))[0]
    changed = X @ rotation * _random(4, 9, 1).exp()
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
    X = _random(5, 4, 3)
    with pytest.raises(ValueError, match=r"classes: .*\(4,\), got shape \(3,\)"):
        cosine_gap(X, torch.zeros(3))
    for classes in (torch.zeros(4), torch.arange(4)):
        with pytest.raises(ValueError, match="at least one pair"):
            cosine_gap(X, classes)


def test_ordinality_is_regression_on_components() -> None:
    X, values = _random(6, 30, 7), _random(7, 30)
    centered = (X - X.mean(0)).numpy()
    components = np.linalg.eigh(centered.T @ centered)[1][:, ::-1][:, :3]
    design = np.column_stack((np.ones(30), centered @ components))
    fit = design @ np.linalg.lstsq(design, values.numpy(), rcond=None)[0]
    expected = 1 - ((values.numpy() - fit) ** 2).sum() / (30 * values.numpy().var())
    assert float(ordinality(X, values, 3)) == pytest.approx(expected)


def test_ordinality_of_unrelated_samples() -> None:
    found = ordinality(_random(8, 400, 21, 5), torch.arange(21.0), 2)
    assert float(found.mean()) == pytest.approx(2 / 20, abs=4 * float(found.std()) / 20)


def test_ordinality_invariances() -> None:
    X, values = _random(9, 12, 5), torch.arange(12.0, dtype=torch.float64)
    rotation = torch.linalg.qr(_random(10, 5, 5))[0]
    torch.testing.assert_close(ordinality(3 + X @ rotation, 7 - 2 * values), ordinality(X, values))


def test_ordinality_without_a_second_component_is_undefined() -> None:
    line = torch.arange(6.0)[:, None] * torch.tensor([1.0, 2.0])
    assert bool(ordinality(line, torch.arange(6.0), 2).isnan())


@pytest.mark.parametrize(
    ("values", "components", "message"),
    [
        (torch.ones(6), 1, "differ"),
        (torch.arange(5.0), 1, "one a sample"),
        (torch.arange(6.0), 4, "between 1 and 3"),
        (torch.tensor([math.nan] * 6), 1, "NaN"),
    ],
)
def test_ordinality_bad_input(values: torch.Tensor, components: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ordinality(_random(11, 6, 3), values, components)

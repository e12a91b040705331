from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import samples
from lowcomplex import measures
from lowcomplex.measures import ordinality

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "ordinality": lambda c: measures.ordinality(c * samples.X, c * samples.F),
}


def test_ordinality_is_regression_on_components() -> None:
    X, values = samples.random(6, 30, 7), samples.random(7, 30)
    centered = (X - X.mean(0)).numpy()
    components = np.linalg.eigh(centered.T @ centered)[1][:, ::-1][:, :3]
    design = np.column_stack((np.ones(30), centered @ components))
    fit = design @ np.linalg.lstsq(design, values.numpy(), rcond=None)[0]
    expected = 1 - ((values.numpy() - fit) ** 2).sum() / (30 * values.numpy().var())
    assert float(ordinality(X, values, 3)) == pytest.approx(expected)


def test_ordinality_of_unrelated_samples() -> None:
    found = ordinality(samples.random(8, 400, 21, 5), torch.arange(21.0), 2)
    assert float(found.mean()) == pytest.approx(2 / 20, abs=4 * float(found.std()) / 20)


def test_ordinality_invariances() -> None:
    X, values = samples.random(9, 12, 5), torch.arange(12.0, dtype=torch.float64)
    rotation = torch.linalg.qr(samples.random(10, 5, 5))[0]
    torch.testing.assert_close(ordinality(3 + X @ rotation, 7 - 2 * values), ordinality(X, values))


def test_ordinality_without_a_second_component_is_undefined() -> None:
    line = torch.arange(6.0)[:, None] * torch.tensor([1.0, 2.0])
    assert bool(ordinality(line, torch.arange(6.0), 2).isnan())


@pytest.mark.parametrize(
    ("values", "components", "message"),
    [
        (torch.ones(6), 1, "differ"),
        (torch.arange(5.0), 1, "one number per sample"),
        (torch.arange(6.0), 4, "between 1 and 3"),
        (torch.tensor([math.nan] * 6), 1, "NaN"),
    ],
)
def test_ordinality_bad_input(values: torch.Tensor, components: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ordinality(samples.random(11, 6, 3), values, components)

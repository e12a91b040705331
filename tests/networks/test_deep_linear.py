from __future__ import annotations

import pytest
import torch

from lowcomplex.networks import DeepLinear


def test_applies_the_product_of_its_matrices() -> None:
    torch.manual_seed(0)
    network = DeepLinear((3, 7, 5, 2))
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    by_hand = x @ torch.linalg.multi_dot([layer.weight for layer in reversed(network.layers)]).T
    torch.testing.assert_close(network(x), by_hand)
    torch.testing.assert_close(x @ network.product().T, by_hand)
    assert [name for name, _ in network.named_parameters()] == [f"layers.{i}.weight" for i in range(3)]


@pytest.mark.parametrize("widths", [(3,), (3, 0, 1)])
def test_bad_widths(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="widths"):
        DeepLinear(widths)

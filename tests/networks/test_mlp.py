from __future__ import annotations

import pytest
import torch

from lowcomplex.networks import MLP


def test_composes_its_layers() -> None:
    torch.manual_seed(0)
    network = MLP((2, 5, 4, 1), activation="relu")
    x = torch.randn(3, 2)
    h = x
    for layer in network.layers[:-1]:
        h = torch.clamp(h @ layer.weight.T + layer.bias, min=0)
    last = network.layers[-1]
    torch.testing.assert_close(network(x), h @ last.weight.T + last.bias)


def test_without_bias_zero_maps_to_zero() -> None:
    assert MLP((3, 8, 1), bias=False)(torch.zeros(1, 3)).item() == 0
    assert not any("bias" in name for name, _ in MLP((3, 8, 1), bias=False).named_parameters())


@pytest.mark.parametrize("widths", [(3,), (3, 0, 1)])
def test_bad_widths(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="widths"):
        MLP(widths)

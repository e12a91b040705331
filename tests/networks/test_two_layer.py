from __future__ import annotations

import math

import pytest
import torch

from lowcomplex.networks import TwoLayer


def test_is_the_sum_over_neurons() -> None:
    generator = torch.Generator().manual_seed(0)
    network = TwoLayer(2, 6, 3, activation="xtanh", alpha=5.0, generator=generator)
    x = torch.randn(4, 2, generator=generator, dtype=torch.float64)
    expected = torch.zeros(4, 3, dtype=torch.float64)
    for w, a in zip(network.input_weight, network.output_weight.T, strict=True):
        z = x @ w[:2] + w[2]
        expected = expected + (z * z.tanh())[:, None] * a / 5.0
    torch.testing.assert_close(network(x), expected)


def test_scales_are_the_standard_deviations() -> None:
    network = TwoLayer(
        9, 20_000, beta1=1e-3, beta2=10.0, bias=False, generator=torch.Generator().manual_seed(1)
    )
    assert network.input_weight.shape == (20_000, 9)
    # The standard error of a standard deviation over k entries is 1/sqrt(2k) of it; five of them.
    for weight, scale in ((network.output_weight, 1e-3), (network.input_weight, 10.0)):
        deviation = 5 / math.sqrt(2 * weight.numel())
        assert float(weight.detach().std()) == pytest.approx(scale, rel=deviation)


def test_the_default_scales_are_the_fan_ins() -> None:
    draw = torch.Generator().manual_seed(2)
    same = torch.Generator().manual_seed(2)
    default = TwoLayer(3, 16, generator=draw)
    explicit = TwoLayer(3, 16, beta1=0.25, beta2=0.5, generator=same)
    for one, other in zip(default.parameters(), explicit.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"width": 0}, "width"),
        ({"alpha": 0.0}, "alpha"),
        ({"beta1": math.inf}, "beta1"),
        ({"beta2": -1.0}, "beta2"),
        ({"activation": "tahn"}, "did you mean 'tanh'"),
    ],
)
def test_bad_input(options: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        TwoLayer(**({"d_in": 2, "width": 4} | options))  # type: ignore[arg-type]

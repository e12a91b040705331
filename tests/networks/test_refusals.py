"""Wrong calls are refused at once, in words that name the argument."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from lowcomplex.networks import MLP, DeepLinear, DiagonalLinear, Transformer, TwoLayer


def _transformer() -> Transformer:
    return Transformer(9, 4, width=6, heads=1, head_width=6, feedforward=8, depth=1)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("widths: expected integers from input to output, got 5", lambda: MLP(5)),
        (
            r"widths: expected integers from input to output, got \(2, 3.5, 1\)",
            lambda: DeepLinear((2, 3.5, 1)),
        ),
        ("widths: expected at least two positive sizes", lambda: MLP((2, 0, 1))),
        ("activation: expected one of", lambda: MLP((2, 3, 1), activation=torch.relu)),
        ("width: expected an integer, got '5'", lambda: TwoLayer(1, "5")),
        ("power: expected a positive integer, got 0", lambda: DiagonalLinear(3, alpha=0.1, power=0)),
        ("depth: expected a positive integer, got 0", lambda: Transformer(9, 4, 6, 1, 6, 8, 0)),
        ("tokens: expected ids of type int64", lambda: _transformer()(torch.ones(2, 4))),
        (
            "tokens: expected ids from 0 to 8, got 3 to 9",
            lambda: _transformer()(torch.tensor([[3, 9]])),
        ),
    ],
)
def test_wrong_calls(words: str, call: Callable[[], object]) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{words}"):
        call()

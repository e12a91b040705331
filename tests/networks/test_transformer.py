import math

import pytest
import torch
from torch import Tensor

from lowcomplex.networks import Transformer

SIZES = {
    "vocabulary": 30,
    "positions": 7,
    "width": 12,
    "heads": 3,
    "head_width": 5,
    "feedforward": 16,
    "depth": 2,
}


def _model(**kwargs: object) -> Transformer:
    torch.manual_seed(0)
    return Transformer(**(SIZES | kwargs)).double()  # type: ignore[arg-type]


def _tokens(n: int = 4) -> Tensor:
    return torch.randint(0, 30, (n, 7), generator=torch.Generator().manual_seed(1))


def _by_hand(model: Transformer, tokens: Tensor) -> Tensor:
    """The pre-norm network written with explicit attention scores, head by head."""

    def norm(layer: torch.nn.LayerNorm, x: Tensor) -> Tensor:
        centered = x - x.mean(-1, keepdim=True)
        variance = (centered**2).mean(-1, keepdim=True)
        return centered / (variance + layer.eps).sqrt() * layer.weight + layer.bias

    x = model.embedding.weight[tokens] + model.positions.weight[: tokens.shape[1]]
    length = tokens.shape[1]
    future = torch.ones(length, length).triu(1).bool()
    for block in model.blocks:
        h = norm(block.attention_norm, x)
        q, k, v = block.query(h), block.key(h), block.value(h)
        mixed = []
        for head in range(3):
            part = slice(5 * head, 5 * head + 5)
            scores = q[..., part] @ k[..., part].mT / math.sqrt(5)
            mixed.append(scores.masked_fill(future, -math.inf).softmax(-1) @ v[..., part])
        x = x + block.attention_output(torch.cat(mixed, -1))
        x = x + block.feedforward_out(block.feedforward_in(norm(block.feedforward_norm, x)).clamp(min=0))
    return model.output(norm(model.final_norm, x))


def test_agrees_with_attention_written_by_hand() -> None:
    model, tokens = _model(), _tokens()
    torch.testing.assert_close(model(tokens), _by_hand(model, tokens), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_last_is_the_last_position(norm: str, activation: str) -> None:
    model, tokens = _model(norm=norm, activation=activation), _tokens()
    torch.testing.assert_close(model.last(tokens), model(tokens)[:, -1], rtol=1e-10, atol=1e-12)


def test_gradients_of_last_agree() -> None:
    model, tokens = _model(), _tokens()
    parameters = list(model.parameters())
    short = torch.autograd.grad(model.last(tokens).square().sum(), parameters)
    full = torch.autograd.grad(model(tokens)[:, -1].square().sum(), parameters)
    for a, b in zip(short, full, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)


def test_is_causal() -> None:
    model, tokens = _model(), _tokens()
    changed = tokens.clone()
    changed[:, 4:] = 0
    torch.testing.assert_close(model(tokens)[:, :4], model(changed)[:, :4])
    assert not torch.allclose(model(tokens)[:, 5], model(changed)[:, 5])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [({"depth": 0}, "depth"), ({"norm": "batch"}, "norm"), ({"activation": "elu"}, "activation")],
)
def test_bad_arguments(kwargs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _model(**kwargs)


def test_too_long_a_sequence() -> None:
    with pytest.raises(ValueError, match="at most 7 positions"):
        _model()(torch.zeros(2, 8, dtype=torch.long))

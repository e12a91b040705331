import math

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

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
    """The network written with explicit attention scores, head by head, at every position."""
    first = model.blocks[0]
    heads, head_width, kind = first.heads, first.head_width, first.norm

    def norm(layer: torch.nn.LayerNorm, x: Tensor) -> Tensor:
        centered = x - x.mean(-1, keepdim=True)
        variance = (centered**2).mean(-1, keepdim=True)
        return centered / (variance + layer.eps).sqrt() * layer.weight + layer.bias

    x = model.embedding.weight[tokens] + model.positions.weight[: tokens.shape[1]]
    length = tokens.shape[1]
    future = torch.ones(length, length).triu(1).bool()
    for block in model.blocks:
        h = norm(block.attention_norm, x) if kind == "pre" else x
        q, k, v = block.query(h), block.key(h), block.value(h)
        mixed = []
        for head in range(heads):
            part = slice(head_width * head, head_width * (head + 1))
            scores = q[..., part] @ k[..., part].mT / math.sqrt(head_width)
            mixed.append(scores.masked_fill(future, -math.inf).softmax(-1) @ v[..., part])
        x = x + block.attention_output(torch.cat(mixed, -1))
        if kind == "post":
            x = norm(block.attention_norm, x)
        hidden = block.feedforward_in(norm(block.feedforward_norm, x) if kind == "pre" else x)
        if first.activation == "relu":
            hidden = hidden.clamp(min=0)
        else:
            hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
        x = x + block.feedforward_out(hidden)
        if kind == "post":
            x = norm(block.feedforward_norm, x)
    return model.output(norm(model.final_norm, x) if kind == "pre" else x)


# Heads of width 5 in a stream of width 12 are narrow, and those of width 7 are not: two ways to compute.
# With 60 sequences of 30 tokens, the first block's projections are looked up in a table.
# One head as wide as the stream is the anchor study's.
@pytest.mark.parametrize(("heads", "head_width", "n"), [(3, 5, 4), (3, 5, 60), (3, 7, 60), (1, 12, 4)])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_agrees_with_attention_written_by_hand(
    norm: str, activation: str, heads: int, head_width: int, n: int
) -> None:
    model = _model(norm=norm, activation=activation, heads=heads, head_width=head_width)
    tokens = _tokens(n)
    with torch.no_grad():
        for parameter in model.parameters():  # biases and norms too
            parameter.add_(0.3 * torch.randn(parameter.shape, dtype=torch.float64))
    parameters, expected = list(model.parameters()), _by_hand(model, tokens)
    wanted = torch.autograd.grad(expected[:, -1].sin().sum(), parameters, retain_graph=True)
    computed = (
        (model.plain(tokens), expected),
        (model(tokens), expected),
        (model.last(tokens), expected[:, -1]),
    )
    for answers, target in computed:
        torch.testing.assert_close(answers, target, rtol=1e-10, atol=1e-12)
        last = answers[:, -1] if answers.ndim == 3 else answers
        for a, b in zip(torch.autograd.grad(last.sin().sum(), parameters), wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


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


class _Devices(TorchDispatchMode):
    """Records the device of every new tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = op(*args, **(kwargs or {}))
        self.seen |= {leaf.device.type for leaf in tree_leaves(made) if isinstance(leaf, Tensor)}
        return made


@pytest.mark.parametrize("head_width", [5, 7])
def test_makes_no_tensor_on_another_device(head_width: int) -> None:
    model = _model(head_width=head_width).to("meta")  # a device that computes shapes alone
    with _Devices() as devices:
        for n in (4, 60):
            tokens = torch.empty(n, 7, dtype=torch.long, device="meta")
            (model.last(tokens).sum() + model(tokens).sum()).backward()
    assert devices.seen == {"meta"}

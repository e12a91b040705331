"""The trace against the network's own fast paths, and the effect of cut edges."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lowcomplex.networks import Transformer, trace

SIZES = {"vocabulary": 20, "positions": 6, "width": 12, "feedforward": 16, "depth": 3}


def _model(norm: str = "pre", heads: int = 1, head_width: int = 12, **kwargs: object) -> Transformer:
    torch.manual_seed(0)
    sizes = SIZES | {"heads": heads, "head_width": head_width, "norm": norm} | kwargs
    model = Transformer(**sizes).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():  # biases and norms too
            parameter.add_(0.3 * torch.randn(parameter.shape, dtype=torch.float64))
    return model


def _tokens(n: int = 5, length: int = 6) -> Tensor:
    return torch.randint(0, 20, (n, length), generator=torch.Generator().manual_seed(1))


# Heads of width 5 are narrow, those of width 7 or 12 are merged; 45 sequences make the first block a table.
@pytest.mark.parametrize(("heads", "head_width", "n"), [(1, 12, 5), (3, 5, 5), (3, 5, 45), (3, 7, 5)])
@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_says_what_the_model_says(norm: str, heads: int, head_width: int, n: int) -> None:
    model, tokens = _model(norm, heads, head_width, activation="gelu"), _tokens(n)
    parameters = list(model.parameters())
    logits = trace(model, tokens).logits
    torch.testing.assert_close(logits, model(tokens), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(logits[:, -1], model.last(tokens), rtol=1e-10, atol=1e-12)
    found = torch.autograd.grad(logits.sin().sum(), parameters)
    for a, b in zip(found, torch.autograd.grad(model(tokens).sin().sum(), parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_the_record_holds_together() -> None:
    model, tokens = _model(heads=3, head_width=5), _tokens()
    record = trace(model, tokens)
    start = model.embedding(tokens) + model.positions.weight
    for block, part in zip(model.blocks, record.blocks, strict=True):
        assert part.attention.shape == (5, 3, 6, 6)
        assert part.values.shape == (5, 6, 3, 5)
        torch.testing.assert_close(part.attention.sum(-1), torch.ones(5, 3, 6, dtype=torch.float64))
        assert not part.attention.triu(1).any()
        torch.testing.assert_close(part.values.flatten(2), block.value(block.attention_norm(start)))
        after = start + part.attention_output
        expected = after + block.feedforward_out(block.feedforward_in(block.feedforward_norm(after)).relu())
        torch.testing.assert_close(part.residual, expected)
        start = part.residual


def test_a_cut_edge_carries_nothing_and_the_rest_shares_its_mass() -> None:
    model, tokens = _model(), _tokens()
    whole, cut = trace(model, tokens), trace(model, tokens, masked_edges=[(0, 4, 1)])
    weights, left = whole.blocks[0].attention[:, 0, 4], cut.blocks[0].attention[:, 0, 4]
    expected = weights.clone()
    expected[:, 1] = 0
    torch.testing.assert_close(left, expected / expected.sum(-1, keepdim=True))
    assert not torch.allclose(cut.logits[:, 4], whole.logits[:, 4])
    torch.testing.assert_close(cut.logits[:, :4], whole.logits[:, :4])


def test_with_every_edge_from_a_token_cut_the_last_position_does_not_know_it() -> None:
    model, tokens = _model(heads=3, head_width=5), _tokens()
    edges = [(block, query, 1) for block in range(3) for query in range(2, 6)]
    other = tokens.clone()
    other[:, 1] = (tokens[:, 1] + 7) % 20
    a, b = (trace(model, t, masked_edges=edges).logits[:, -1] for t in (tokens, other))
    torch.testing.assert_close(a, b)
    assert not torch.allclose(model.last(tokens), model.last(other))


def test_each_sequence_has_edges_of_its_own() -> None:
    model, tokens = _model(heads=3, head_width=5), _tokens(3)
    edges = [(0, 5, 2), (1, 5, 0), (2, 5, 5)]
    mask = torch.zeros(3, 3, 6, 6, dtype=torch.bool)
    for sequence, edge in enumerate(edges):
        mask[(sequence, *edge)] = True
    together = trace(model, tokens, masked_edges=mask).logits
    for sequence, edge in enumerate(edges):
        alone = trace(model, tokens[sequence : sequence + 1], masked_edges={edge}).logits
        torch.testing.assert_close(together[sequence : sequence + 1], alone)


def test_a_position_with_nothing_left_attends_to_nothing() -> None:
    model, tokens = _model(), _tokens()
    record = trace(model, tokens, masked_edges=[(1, 3, key) for key in range(4)])
    assert not record.blocks[1].attention[:, :, 3].any()
    bias = model.blocks[1].attention_output.bias
    torch.testing.assert_close(record.blocks[1].attention_output[:, 3], bias.expand(5, -1))
    gradients = torch.autograd.grad(record.logits.square().sum(), list(model.parameters()))
    assert all(math.isfinite(float(g.abs().sum())) for g in gradients)


def test_scores_of_any_size_do_not_reopen_an_edge() -> None:
    model = _model(norm="none").float()
    with torch.no_grad():
        model.blocks[0].query.weight.mul_(1e6)
    first = trace(model, _tokens(), masked_edges=[(0, 5, 5)]).blocks[0].attention
    assert not first[:, 0, 5, 5].any()
    torch.testing.assert_close(first.sum(-1), torch.ones(5, 1, 6))


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([(3, 1, 0)], "block < 3"),
        ([(0, 1, 2)], r"key position <= query position < 6, got \(0, 1, 2\)"),
        (torch.zeros(5, 3, 6, 5, dtype=torch.bool), r"= \(5, 3, 6, 6\), got torch.bool of shape"),
        (torch.zeros(3, 6, 6), "got torch.float32"),
    ],
)
def test_an_edge_that_is_not_there(edges: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace(_model(), _tokens(), masked_edges=edges)  # type: ignore[arg-type]


def test_too_long_a_sequence() -> None:
    with pytest.raises(ValueError, match="at most 6 positions"):
        trace(_model(), _tokens(length=7))

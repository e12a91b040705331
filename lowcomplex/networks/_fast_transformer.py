"""Faster ways to compute what a transformer is defined to compute.

Three savings, each where it pays: the last block attends from the last position alone if only that is asked
for; where a head is not narrower than half the stream, the merged matrices KᵀQ and O V are cheaper than
their factors; and the first block's projections, functions of (token, position), are looked up in a table
where that has fewer rows than the batch has tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from lowcomplex.networks.transformer import Block, Transformer


def fast_logits(model: Transformer, tokens: Tensor, *, last_only: bool) -> Tensor:
    """Logits of a transformer, at every position or at the last alone.

    Args:
        model: The network.
        tokens: (n, positions) token ids.
        last_only: Whether the last position alone is asked for.

    Returns:
        (n, positions, vocabulary), or (n, 1, vocabulary) if `last_only`.

    Raises:
        ValueError: `tokens` is not two-dimensional or longer than the positions.
    """
    x = model.embed(tokens)
    final = len(model.blocks) - 1
    for index, module in enumerate(model.blocks):
        block = cast("Block", module)
        if last_only and index == final:
            normed = _normed(block, x)
            x = block.finish(x[:, -1:], _attend_absorbed(block, normed[:, -1:], normed, causal=False))
        elif _merges(block):
            normed = _normed(block, x)
            x = block.finish(x, _attend_absorbed(block, normed, normed, causal=True))
        elif index == 0 < final and len(tokens) >= 2 * model.embedding.num_embeddings:
            x = block.finish(x, block.attend(_look_up_projections(model, tokens)))
        else:
            x = block(x)
    logits: Tensor = model.output(model.final_norm(x))
    return logits


def _merges(block: Block) -> bool:
    """Whether KᵀQ and O V, (width, width) each, are cheaper than their factors."""
    return block.query.in_features <= 2 * block.head_width


def _normed(block: Block, x: Tensor) -> Tensor:
    """What attention sees of the stream."""
    normed: Tensor = block.attention_norm(x) if block.norm == "pre" else x
    return normed


def _look_up_projections(model: Transformer, tokens: Tensor) -> Tensor:
    """What the first block projects, (n, positions, 3 * heads * head_width), from a table."""
    length, vocabulary = tokens.shape[1], model.embedding.num_embeddings
    rows = model.positions.weight[:length, None] + model.embedding.weight
    table = cast("Block", model.blocks[0]).project(rows.flatten(0, 1))
    index = tokens + vocabulary * torch.arange(length, device=tokens.device)
    return functional.embedding(index, table)


def _attend_absorbed(block: Block, asking: Tensor, x: Tensor, *, causal: bool) -> Tensor:
    """Attention without a key or a value: their matrices act on the query and on the mixture instead.

    A query q meets the key K x + k as Kᵀq meets x, up to the constant q·k, which softmax does not see; the
    mean of the values V x + v is V times the mean of x, plus v.

    Args:
        block: Its matrices, named below by n samples, p askers, h heads, d or e the stream, k a head's width.
        asking: (n, p, d) normed stream at the positions that ask.
        x: (n, positions, d) normed stream.
        causal: Whether an asker sees no later position.

    Returns:
        (n, p, d), what attention adds to the stream.
    """
    heads = (block.heads, block.head_width)
    q, k, v = (part.weight.view(*heads, -1) for part in (block.query, block.key, block.value))  # hkd each
    unseen = 0.0 * block.key.bias.sum()  # so that the bias has a gradient: zero
    if _merges(block):
        asked_bias = torch.einsum("hk,hkd->hd", block.query.bias.view(heads), k)
        key_query = torch.einsum("hkd,hke->hde", k, q)
        asked = functional.linear(asking, key_query.flatten(0, 1), asked_bias.flatten() + unseen)
        mixed = _mix(block, asked.view(*asking.shape[:2], block.heads, -1), x, causal)
        o = block.attention_output.weight.view(-1, *heads)
        output_value = torch.einsum("ehk,hkd->ehd", o, v)
        bias = block.attention_output(block.value.bias)
        return functional.linear(mixed.flatten(2), output_value.flatten(1), bias)
    query = block.query(asking).view(*asking.shape[:2], *heads)
    mixed = _mix(block, torch.einsum("nphk,hkd->nphd", query, k) + unseen, x, causal)
    value = torch.einsum("nphd,hkd->nphk", mixed, v).flatten(2) + block.value.bias
    output: Tensor = block.attention_output(value)
    return output


def _mix(block: Block, asked: Tensor, x: Tensor, causal: bool) -> Tensor:
    """Average x (n, positions, d) for each of the askers (n, p, heads, d)."""
    seen = x.unsqueeze(1).expand(-1, block.heads, -1, -1)
    mixed = functional.scaled_dot_product_attention(
        asked.transpose(1, 2), seen, seen, is_causal=causal, scale=block.head_width**-0.5
    )
    return mixed.transpose(1, 2)

"""The forward pass of many transformers at once.

Seen on one core, one update with AdamW, one by one / by `vmap` / as here: 8 of width 16 on 64 sequences
69 / 25 / 21 ms; 32 of width 16 on 16 sequences 232 / 26 / 24 ms; 4 of width 64 and 3 blocks on 256 sequences
209 / 269 / 291 ms. An ensemble of transformers pays while they are small, and not at the anchor study's
size. Unlike by `vmap`, a member's bits do not depend on the others at any width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from lowcomplex.networks import Transformer
from lowcomplex.networks.transformer import Block
from lowcomplex.training._batched_product import product

Stacked = Mapping[str, Tensor]


def transformer_core(model: Transformer, *, last_only: bool) -> Callable[[Stacked, Tensor], Tensor]:
    """Logits of all members, as `Transformer.forward` or `Transformer.last` gives one's.

    Args:
        model: Any member.
        last_only: Whether the last position alone is asked for.

    Returns:
        A function of the stacked parameters and (members, n, positions) tokens, or (1, n, positions) that
        all share; it returns (members, n, positions, vocabulary) or (members, n, vocabulary).
    """
    block, depth = model.blocks[0], len(model.blocks)
    assert isinstance(block, Block)
    norm, heads, activation = block.norm, block.heads, block.activation
    act = functional.relu if activation == "relu" else functional.gelu

    def core(parameters: Stacked, tokens: Tensor) -> Tensor:
        p = _Named(parameters)
        table, length = p["embedding.weight"], tokens.shape[-1]
        members = len(table)
        # One table for all members, in which each has its own rows.
        offsets = torch.arange(members, device=tokens.device)[:, None, None] * table.shape[1]
        x = functional.embedding(tokens + offsets, table.flatten(0, 1))
        x = x + p["positions.weight"][:, None, :length]
        for index in range(depth):
            name = f"blocks.{index}."
            last = last_only and index == depth - 1
            normed = p.norm(x, name + "attention_norm") if norm == "pre" else x
            residual = x[:, :, -1:] if last else x
            query = normed[:, :, -1:] if last else normed
            h = residual + p.linear(_attend(p, query, normed, name, heads), name + "attention_output")
            if norm == "post":
                h = p.norm(h, name + "attention_norm")
            inner = p.norm(h, name + "feedforward_norm") if norm == "pre" else h
            x = h + p.linear(act(p.linear(inner, name + "feedforward_in")), name + "feedforward_out")
            if norm == "post":
                x = p.norm(x, name + "feedforward_norm")
        logits = p.linear(p.norm(x, "final_norm") if norm == "pre" else x, "output")
        return logits.squeeze(2) if last_only else logits

    return core


class _Named:
    """Stacked parameters, and the layers that they make by their name, on (members, n, positions, width)."""

    def __init__(self, parameters: Stacked) -> None:
        self._parameters = parameters

    def __getitem__(self, name: str) -> Tensor:
        return self._parameters[name]

    def linear(self, x: Tensor, name: str) -> Tensor:
        output = product(x.flatten(1, 2), self[name + ".weight"].mT, self[name + ".bias"])
        return output.view(*x.shape[:-1], -1)

    def norm(self, x: Tensor, name: str) -> Tensor:
        normed = functional.layer_norm(x, x.shape[-1:])
        scaled: Tensor = normed * self[name + ".weight"][:, None, None] + self[name + ".bias"][:, None, None]
        return scaled


def _attend(p: _Named, asked: Tensor, x: Tensor, name: str, heads: int) -> Tensor:
    def split(part: Tensor) -> Tensor:
        return part.reshape(-1, part.shape[2], heads, part.shape[3] // heads).transpose(1, 2)

    mixed = functional.scaled_dot_product_attention(
        split(p.linear(asked, name + "query")),
        split(p.linear(x, name + "key")),
        split(p.linear(x, name + "value")),
        is_causal=asked.shape[2] == x.shape[2],
    )
    return mixed.transpose(1, 2).reshape(*asked.shape[:3], -1)

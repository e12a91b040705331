"""What happens inside a transformer: where each position attends, what it gets, and what if it could not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lowcomplex.networks.transformer import Block, Transformer

Edge = tuple[int, int, int]


@dataclass(frozen=True)
class BlockTrace:
    """What one block computed.

    Attributes:
        attention: The weights of each query position (first) on each key position; a row sums to one, or to
            zero where nothing was left to attend to.
        values: The value vectors.
        attention_output: The addition of attention to the stream.
        residual: The stream after the block.
    """

    attention: Float[Tensor, "n heads positions positions"]
    values: Float[Tensor, "n positions heads head_width"]
    attention_output: Float[Tensor, "n positions width"]
    residual: Float[Tensor, "n positions width"]


@dataclass(frozen=True)
class Trace:
    """What a transformer computed.

    Attributes:
        blocks: One record per block.
        logits: The logits at every position.
    """

    blocks: tuple[BlockTrace, ...]
    logits: Float[Tensor, "n positions vocabulary"]


def trace(
    model: Transformer,
    tokens: Int[Tensor, "n positions"],
    *,
    masked_edges: Iterable[Edge] | Bool[Tensor, "..."] | None = None,
) -> Trace:
    """Run a transformer by its definition, keep what it computes, and cut edges of its attention.

    Every score is formed, and every position of every block, so this is slower than calling the model, which
    gives the same logits to rounding. Differentiable, edges cut or not.

    Args:
        model: The network.
        tokens: Token ids.
        masked_edges: Attention that is cut, that is, scored -∞ before the softmax: triples (block, query
            position, key position), counted from 0, cut in every sequence; or booleans that broadcast to
            (n, depth, positions, positions), true where cut, for edges that differ between sequences. Many
            ablations are one call with the sequences repeated, each under its own edges.

    Returns:
        The record of every block, and the logits.

    Raises:
        ValueError: `tokens` is not two-dimensional or longer than the positions, or an edge is not there.

    Reference:
        Zhang et al., NeurIPS 2024, figure 3, draws the flow of information from these weights.

    Example:
        >>> model = Transformer(vocabulary=9, positions=4, width=6, heads=1, head_width=6,
        ...                     feedforward=8, depth=2)
        >>> first = trace(model, torch.tensor([[1, 2, 3, 4]]), masked_edges=[(0, 3, 1)]).blocks[0]
        >>> first.attention[0, 0, 3].gt(0).tolist()
        [True, False, True, True]
    """
    x = model.embed(tokens)
    length, depth = tokens.shape[1], len(model.blocks)
    closed = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
    cut = _cut(masked_edges, len(tokens), depth, length, tokens.device)
    records = []
    for index, module in enumerate(model.blocks):
        block = cast(Block, module)
        mask = closed if cut is None else (closed | cut[:, index]).unsqueeze(1)
        attention, values = _attend(block, x, mask)
        mixed = torch.einsum("nhqk,nkhd->nqhd", attention, values)
        output = block.attention_output(mixed.flatten(2))
        x = block.finish(x, output)
        records.append(BlockTrace(attention, values, output, x))
    return Trace(tuple(records), model.output(model.final_norm(x)))


def _attend(block: Block, x: Tensor, closed: Tensor) -> tuple[Tensor, Tensor]:
    """Attention weights and values of the stream, where `closed` broadcasts to the weights."""
    by_head = (*x.shape[:2], block.heads, block.head_width)
    query, key, value = (part.view(by_head) for part in block.project(x).chunk(3, dim=-1))
    scores = torch.einsum("nqhd,nkhd->nhqk", query, key) * block.head_width**-0.5
    # -∞ would make a row with nothing left, and its gradient, NaN; it is uniform here, and then zero.
    least = torch.finfo(scores.dtype).min
    weights = scores.masked_fill(closed, least).softmax(-1).masked_fill(closed, 0.0)
    return weights, value


def _cut(
    edges: Iterable[Edge] | Tensor | None, n: int, depth: int, length: int, device: torch.device
) -> Tensor | None:
    """The edges as booleans (n or 1, depth, query position, key position)."""
    if edges is None:
        return None
    shape = (n, depth, length, length)
    if isinstance(edges, Tensor):
        sizes = (1,) * (4 - edges.ndim) + tuple(edges.shape)
        fits = len(sizes) == 4 and all(a in (1, b) for a, b in zip(sizes, shape, strict=True))
        if edges.dtype != torch.bool or not fits:
            raise ValueError(
                f"masked_edges: expected triples, or booleans that broadcast to (n, depth, positions, "
                f"positions) = {shape}, got {edges.dtype} of shape {tuple(edges.shape)}"
            )
        return edges.to(device).reshape(sizes).expand(-1, depth, length, length)
    cut = torch.zeros(1, *shape[1:], dtype=torch.bool)
    for edge in edges:
        block, query, key = edge
        if not (0 <= block < depth and 0 <= key <= query < length):
            raise ValueError(
                f"masked_edges: expected (block, query position, key position) with block < {depth} and "
                f"0 <= key position <= query position < {length}, got {tuple(edge)}"
            )
        cut[0, block, query, key] = True
    return cut.to(device)

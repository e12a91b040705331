"""A decoder-only transformer, small enough to read in one sitting."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from lowcomplex._numbers import positive
from lowcomplex.networks._fast_transformer import fast_logits

Norm = Literal["pre", "post", "none"]
FeedforwardActivation = Literal["relu", "gelu"]

_ACTIVATIONS = ("gelu", "relu")


class Block(nn.Module):
    """Causal self-attention and a feed-forward layer, each with a residual connection."""

    def __init__(
        self,
        width: int,
        heads: int,
        head_width: int,
        feedforward: int,
        norm: Norm,
        activation: FeedforwardActivation,
    ) -> None:
        super().__init__()
        self.heads, self.head_width = heads, head_width
        self.norm, self.activation = norm, activation
        self.query = nn.Linear(width, heads * head_width)
        self.key = nn.Linear(width, heads * head_width)
        self.value = nn.Linear(width, heads * head_width)
        self.attention_output = nn.Linear(heads * head_width, width)
        self.feedforward_in = nn.Linear(width, feedforward)
        self.feedforward_out = nn.Linear(feedforward, width)
        if norm != "none":
            self.attention_norm = nn.LayerNorm(width)
            self.feedforward_norm = nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "n positions width"]) -> Float[Tensor, "n positions width"]:
        """Map the stream to the stream after the block."""
        return self.finish(x, self.attend(self.project(x)))

    def project(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch projected"]:
        """Queries, keys and values of the stream, side by side: 3 · heads · head_width numbers."""
        normed = self.attention_norm(x) if self.norm == "pre" else x
        parts = (self.query, self.key, self.value)
        weight, bias = torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts])
        return functional.linear(normed, weight, bias)

    def attend(
        self, projections: Float[Tensor, "n positions projected"]
    ) -> Float[Tensor, "n positions width"]:
        """What causal attention adds to the stream, from what `project` returns."""
        query, key, value = (
            part.view(*part.shape[:2], self.heads, self.head_width).transpose(1, 2)
            for part in projections.chunk(3, dim=-1)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        output: Tensor = self.attention_output(mixed.transpose(1, 2).flatten(2))
        return output

    def finish(
        self, x: Float[Tensor, "n positions width"], attended: Float[Tensor, "n positions width"]
    ) -> Float[Tensor, "n positions width"]:
        """What follows the attention: residual connections, norms and the feed-forward layer."""
        h = x + attended
        if self.norm == "post":
            h = self.attention_norm(h)
        out: Tensor = h + self._feed_forward(self.feedforward_norm(h) if self.norm == "pre" else h)
        if self.norm == "post":
            out = self.feedforward_norm(out)
        return out

    def _feed_forward(self, x: Tensor) -> Tensor:
        # Two-dimensional, so that ReLU may work in place without a copy in the backward pass.
        hidden: Tensor = self.feedforward_in(x.flatten(0, 1))
        hidden = hidden.relu_() if self.activation == "relu" else functional.gelu(hidden)
        output: Tensor = self.feedforward_out(hidden)
        return output.view_as(x)


class Transformer(nn.Module):
    """A decoder-only transformer: learned token and position embeddings, an untied output head.

    The weights are PyTorch's defaults until `lowcomplex.initialize` sets their rate γ.

    Args:
        vocabulary: Number of tokens.
        positions: Longest sequence.
        width: Dimension of the residual stream.
        heads: Attention heads.
        head_width: Dimension of queries, keys and values of one head.
        feedforward: Hidden width of the feed-forward layers.
        depth: Number of blocks.
        norm: Where LayerNorm stands: "pre" (with a final one), "post", or "none".
        activation: "relu" or "gelu", of the feed-forward layers.

    Raises:
        TypeError: A size is not an integer.
        ValueError: A size is not positive, or a name is unknown.

    Example:
        >>> model = Transformer(vocabulary=201, positions=9, width=16, heads=1, head_width=16,
        ...                     feedforward=32, depth=2)
        >>> model(torch.zeros(4, 9, dtype=torch.long)).shape
        torch.Size([4, 9, 201])
        >>> model.last(torch.zeros(4, 9, dtype=torch.long)).shape
        torch.Size([4, 201])
    """

    def __init__(
        self,
        vocabulary: int,
        positions: int,
        width: int,
        heads: int,
        head_width: int,
        feedforward: int,
        depth: int,
        norm: Norm = "pre",
        activation: FeedforwardActivation = "relu",
    ) -> None:
        super().__init__()
        sizes = {
            "vocabulary": vocabulary,
            "positions": positions,
            "width": width,
            "heads": heads,
            "head_width": head_width,
            "feedforward": feedforward,
            "depth": depth,
        }
        for name, size in sizes.items():
            positive(size, name)
        if norm not in ("pre", "post", "none"):
            raise ValueError(f"norm: expected 'pre', 'post' or 'none', got {norm!r}")
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation: expected one of {_ACTIVATIONS}, got {activation!r}")
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.blocks = nn.ModuleList(
            Block(width, heads, head_width, feedforward, norm, activation) for _ in range(depth)
        )
        self.final_norm = nn.LayerNorm(width) if norm == "pre" else nn.Identity()
        self.output = nn.Linear(width, vocabulary)

    def forward(self, tokens: Int[Tensor, "n positions"]) -> Float[Tensor, "n positions vocabulary"]:
        """Logits at every position: `plain` to rounding, by the fastest way known.

        Raises:
            ValueError: `tokens` is not two-dimensional, is longer than the positions, or holds no ids.
        """
        return fast_logits(self, tokens, last_only=False)

    def last(self, tokens: Int[Tensor, "n positions"]) -> Float[Tensor, "n vocabulary"]:
        """Logits at the last position; the last block computes no other."""
        return fast_logits(self, tokens, last_only=True).squeeze(1)

    def plain(self, tokens: Int[Tensor, "n positions"]) -> Float[Tensor, "n positions vocabulary"]:
        """Logits at every position by the network's definition."""
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.output(self.final_norm(x))
        return logits

    def embed(self, tokens: Int[Tensor, "n positions"]) -> Float[Tensor, "n positions width"]:
        """The stream before the first block."""
        if tokens.ndim != 2 or not 1 <= tokens.shape[1] <= self.positions.num_embeddings:
            raise ValueError(
                f"tokens: expected shape (n, positions) with at most "
                f"{self.positions.num_embeddings} positions, got {tuple(tokens.shape)}"
            )
        if tokens.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"tokens: expected ids of type int64 or int32, got {tokens.dtype}")
        try:
            stream: Tensor = self.embedding(tokens) + self.positions.weight[: tokens.shape[1]]
        except IndexError:
            message = f"tokens: expected ids from 0 to {self.embedding.num_embeddings - 1}"
            raise ValueError(f"{message}, got {int(tokens.min())} to {int(tokens.max())}") from None
        return stream

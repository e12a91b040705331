"""The transformer that a run trains, and its schedule: fields that the studies of transformers share."""

from __future__ import annotations

from typing import Literal

from lowcomplex import sweeps
from lowcomplex.networks import Transformer


class NetworkConfig(sweeps.Config):
    """Sizes of a transformer, and the shape of its learning rate's schedule (`warmup_cosine`)."""

    depth: int
    width: int = 64
    heads: int = 1
    head_width: int = 64
    feedforward: int = 128
    norm: Literal["pre", "post", "none"] = "pre"
    activation: Literal["relu", "gelu"] = "relu"
    warmup: float = 0.5
    floor: float = 0.05

    def transformer(self, vocabulary: int, length: int) -> Transformer:
        """The network, before its weights are put at a rate."""
        return Transformer(
            vocabulary,
            length,
            self.width,
            self.heads,
            self.head_width,
            self.feedforward,
            self.depth,
            self.norm,
            self.activation,
        )

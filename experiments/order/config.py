"""What one run of the experiments on order depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from experiments.anchor.config import AnchorConfig
from lowcomplex.networks import Transformer

Control = Literal["none", "order hidden", "no positions"]


class OrderConfig(AnchorConfig):
    """A run of the anchor task whose answers are recorded by the position of the key.

    `control` hides the order of the anchors: "order hidden" never trains the last position, where the second
    anchor is the last token, and "no positions" has no position embeddings.
    """

    control: Control = "none"

    def positions(self) -> Sequence[int]:
        """The positions of the key that are trained."""
        every = self.task().positions
        return every[:-1] if self.control == "order hidden" else every

    def model(self, generator: torch.Generator) -> Transformer:
        """The network at its initialization."""
        model = super().model(generator)
        if self.control == "no positions":
            model.positions.weight.requires_grad_(False).zero_()
        return model

"""What one member of an ensemble on the anchor task depends on."""

from __future__ import annotations

from experiments.anchor.config import AnchorConfig


class AnchorSeedConfig(AnchorConfig):
    """One member: two blocks, trained on a fixed set of sequences that its seed alone draws.

    `sequences` is the number of sequences per trained pair.
    """

    depth: int = 2
    sequences: int = 1000
    batch: int = 64

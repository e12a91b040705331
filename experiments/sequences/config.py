"""What one training on a task whose answers are sequences depends on."""

from __future__ import annotations

import torch

from experiments._recipe import NetworkConfig
from experiments._starts import SMALL
from experiments.sequences.schema import Arm
from lowcomplex import initialize
from lowcomplex.networks import Transformer
from lowcomplex.tasks.scan import Split


class SequenceConfig(NetworkConfig):
    """One training run; a subclass adds the task's choices.

    The arm "small" starts at the rate `small_gamma` and decays by `small_decay`; "large" is the reverse.
    `examples` are drawn once, and minibatches from them with replacement.
    """

    arm: Arm
    examples: int
    seed: int
    small_gamma: float = 0.8
    small_decay: float = 1.0
    large_gamma: float = 0.5
    large_decay: float = 0.01
    depth: int = 2
    steps: int = 2000
    batch: int = 64
    learning_rate: float = 2e-3

    @property
    def gamma(self) -> float:
        """Initialization rate of this arm."""
        return self.small_gamma if self.arm == SMALL else self.large_gamma

    @property
    def weight_decay(self) -> float:
        """Weight decay of this arm."""
        return self.small_decay if self.arm == SMALL else self.large_decay

    def model(self, vocabulary: int, length: int, generator: torch.Generator) -> Transformer:
        """The network at its initialization."""
        model = self.transformer(vocabulary, length)
        initialize(model, self.gamma, generator=generator)
        return model


class AdditionConfig(SequenceConfig):
    """One training run on addition."""

    block: tuple[int, int] = (40, 60)
    units_first: bool = False
    steps: int = 1800


class ScanConfig(SequenceConfig):
    """One training run on SCAN."""

    split: Split = "addprim_turn_left"
    most_actions: int = 8
    steps: int = 1500


class OntologyConfig(SequenceConfig):
    """One training run on ontologies."""

    small_gamma: float = 0.7
    small_decay: float = 0.1
    concepts: int = 8
    rules: int = 4
    hops: int = 2
    longer: int = 1
    heads: int = 4
    head_width: int = 16
    steps: int = 2400
    learning_rate: float = 3e-3
    warmup: float = 0.2

"""What one training on the anchor task depends on."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch

from experiments._recipe import NetworkConfig
from lowcomplex import initialize
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorTask
from lowcomplex.tasks.anchor import Pair, Rule
from lowcomplex.tasks.anchor_functions import FunctionSet

Part = Literal["all", "none", "embedding", "query-key", "value-output", "feedforward"]
_PARTS: dict[Part, tuple[str, ...]] = {
    "none": (),
    "embedding": ("embedding*", "positions*", "output*"),
    "query-key": ("blocks.*.query*", "blocks.*.key*"),
    "value-output": ("blocks.*.value*", "blocks.*.attention_output*"),
    "feedforward": ("blocks.*.feedforward_in*", "blocks.*.feedforward_out*"),
}


class AnchorConfig(NetworkConfig):
    """One training run.

    `part` is the part at γ; the rest is at 1/2. "none" leaves all at 1/2, and "embedding" means all that the
    vocabulary and the positions touch, including the output head. `sequences` is the number of sequences per
    trained pair, drawn once; if it is None, each update draws fresh ones. `residual_scaling` divides what
    blocks add to the residual stream at initialization by sqrt(2 · depth).
    """

    version: ClassVar[int] = 1

    gamma: float
    seed: int
    part: Part = "all"
    residual_scaling: bool = False
    depth: int = 3
    functions: FunctionSet = "translations"
    rule: Rule = "non-inferential"
    unseen: tuple[Pair, ...] = ((4, 3),)
    noise_groups: int = 0
    modulus: int = 9
    anchors: int = 2
    sequences: int | None = None
    steps: int = 2000
    batch: int = 128
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01

    def task(self) -> AnchorTask:
        """The task that is trained."""
        return AnchorTask(
            self.rule, self.unseen, self.modulus, self.functions, self.noise_groups, self.anchors
        )

    def model(self, generator: torch.Generator) -> Transformer:
        """The network at its initialization."""
        task = self.task()
        model = self.transformer(task.vocabulary, task.length)
        if self.part == "all":
            initialize(model, self.gamma, generator=generator)
        else:
            small = dict.fromkeys(_PARTS[self.part], self.gamma)
            initialize(model, 0.5, parts=small, generator=generator)
        if self.residual_scaling:
            with torch.no_grad():
                for name, weight in model.named_parameters():
                    if name.endswith(("attention_output.weight", "feedforward_out.weight")):
                        weight.mul_((2 * self.depth) ** -0.5)
        return model


class MechanismConfig(AnchorConfig):
    """One training run that is looked into at its end."""

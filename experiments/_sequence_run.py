"""One run on a task whose answers are sequences: a small start under strong decay, or the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
import xarray as xr
from torch import Tensor, nn

from experiments._anchor_run import label, stream
from experiments._network_config import NetworkConfig
from lowcomplex import initialize
from lowcomplex.measures import learning_time
from lowcomplex.networks import Transformer
from lowcomplex.tasks import SequenceBatch, answer_loss, exact_answers
from lowcomplex.tracking import Tracker
from lowcomplex.training import Checkpoint, adamw, train, warmup_cosine

Arm = Literal["small", "large"]
ARMS: tuple[Arm, ...] = ("small", "large")
RECORDS = 25
EVALUATED = 400
CONVERGED = 0.9

# The first network of Zhang et al. (NeurIPS 2024), on the anchor task; their decay and rate for these tasks
# are not known here, so that its two arms differ as ours do.
PAPER: dict[str, Any] = {
    "depth": 4,
    "width": 400,
    "heads": 1,
    "head_width": 200,
    "feedforward": 1200,
    "norm": "post",
    "activation": "gelu",
    "batch": 2048,
    "learning_rate": 2.5e-4,
    "warmup": 10 / 210,
    "floor": 0.04,
}


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
        return self.small_gamma if self.arm == "small" else self.large_gamma

    @property
    def weight_decay(self) -> float:
        """Weight decay of this arm."""
        return self.small_decay if self.arm == "small" else self.large_decay

    def model(self, vocabulary: int, length: int, generator: torch.Generator) -> Transformer:
        """The network at its initialization."""
        model = self.transformer(vocabulary, length)
        initialize(model, self.gamma, generator=generator)
        return model


def run(
    config: SequenceConfig,
    model: Transformer,
    examples: SequenceBatch,
    tests: Mapping[str, SequenceBatch],
    checkpoint: Path | None = None,
) -> xr.Dataset:
    """Train one network on fixed examples, and record in time which answers it has wholly right.

    Args:
        config: The run.
        model: At its initialization; changed in place.
        examples: What it is trained on.
        tests: Other questions, by the name of their group.
        checkpoint: Where the run is saved now and then.

    Returns:
        accuracy (step, group), the share of questions whose whole answer greedy decoding has right;
        training_loss (step); effective_rank and stable_rank (step, matrix); `converged`;
        `steps_to_convergence`, from which on nine tenths of the training examples are right, NaN if that was
        not reached; `diverged_at`, -1 if it did not; gamma and weight_decay.
    """
    data = stream(config.seed, 1)
    groups = {"train": examples, **tests}
    evaluated = {name: batch.rows(slice(0, EVALUATED)) for name, batch in groups.items()}

    def accuracy() -> xr.DataArray:
        shares = [_exact_share(model, batch) for batch in evaluated.values()]
        return xr.DataArray(shares, dims="group", coords={"group": list(evaluated)})

    @torch.no_grad()
    def training_loss() -> float:
        batch = evaluated["train"]
        return float(answer_loss(model(batch.tokens), batch.labels))

    def loss(module: nn.Module) -> Tensor:
        chosen = torch.randint(len(examples.tokens), (config.batch,), generator=data)
        batch = examples.rows(chosen)
        return answer_loss(module(batch.tokens), batch.labels)

    steps = sorted({round(part * config.steps / RECORDS) for part in range(RECORDS + 1)})
    tracker = Tracker(
        model,
        ("effective_rank", "stable_rank"),
        steps=steps,
        quantities={"accuracy": accuracy, "training_loss": training_loss},
    )
    result = train(
        model,
        loss,
        steps=config.steps,
        optimizer=adamw(model, config.learning_rate, weight_decay=config.weight_decay),
        schedule=partial(warmup_cosine, warmup=config.warmup, floor=config.floor),
        clip_norm=1.0,
        before_step=lambda step: tracker.step(),
        checkpoint=Checkpoint(checkpoint, tracker=tracker, generators=[data]) if checkpoint else None,
    )
    record = tracker.dataset()
    trained = torch.tensor(record["accuracy"].sel(group="train").values)
    reached = learning_time(1 - trained, torch.tensor(record["step"].values), below=1 - CONVERGED)
    converges = result.diverged_at is None and bool(reached.isfinite())
    # NaN from where a run diverged.
    record = record.reindex(step=steps).assign(
        converged=converges,
        steps_to_convergence=float(reached) if converges else float("nan"),
        diverged_at=-1 if result.diverged_at is None else result.diverged_at,
        gamma=config.gamma,
        weight_decay=config.weight_decay,
    )
    record = record.assign_coords(layer=[label(name) for name in record["layer"].values])
    return record.rename(layer="matrix")


@torch.no_grad()
def _exact_share(model: Transformer, batch: SequenceBatch) -> float:
    return float(exact_answers(model(batch.tokens), batch.labels).double().mean())

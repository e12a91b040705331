"""Many seeds of a transformer on the anchor task, trained as one program, each on data of its own.

A member's numbers do not depend on the others: its weights, its sequences, their order and its questions are
drawn from its seed alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import xarray as xr
from torch import Tensor

from experiments._layers import label
from experiments._recipe import stream
from experiments.anchor.schema import GROUPS, record_steps
from experiments.seeds.config import AnchorSeedConfig
from lowcomplex.tasks import AnchorProbe, phase
from lowcomplex.tracking import Tracker
from lowcomplex.training import Checkpoint, Ensemble, MemberBatches, member_cross_entropy, warmup_cosine

_PROBES = 500


def measure(configs: tuple[AnchorSeedConfig, ...], checkpoint: Path | None = None) -> list[xr.Dataset]:
    """Train the members and record what each answers, and the ranks of its weights, in time."""
    shared = configs[0]
    ensemble = Ensemble(
        [config.model(stream(config.seed, 0)) for config in configs],
        learning_rate=shared.learning_rate,
        optimizer="adamw",
        weight_decay=shared.weight_decay,
        clip_norm=1.0,
    )
    batches = member_batches(configs)
    steps = record_steps(shared.steps)
    tracker = Tracker(
        ensemble,
        ("stable_rank", "effective_rank"),
        steps=steps,
        quantities={"accuracy": _accuracy(ensemble, configs)},
    )
    result = ensemble.train(
        member_loss(configs, batches),
        steps=shared.steps,
        schedule=partial(warmup_cosine, warmup=shared.warmup, floor=shared.floor),
        before_step=lambda step: tracker.step(),
        checkpoint=Checkpoint(checkpoint, tracker=tracker, objects=[batches]) if checkpoint else None,
    )
    record = tracker.dataset(nulls=False).reindex(step=list(steps))
    record = record.assign_coords(
        fraction=("step", list(steps.values())), layer=[label(name) for name in record["layer"].values]
    )
    members = [record.isel(member=index).drop_vars("member") for index in range(len(configs))]
    return [
        member.assign(phase=_phase(member["accuracy"].isel(step=-1)), diverged_at=int(diverged_at))
        for member, diverged_at in zip(members, result.diverged_at, strict=True)
    ]


def member_batches(configs: tuple[AnchorSeedConfig, ...]) -> MemberBatches:
    """Which of its sequences each member sees, in an order of its own."""
    task, shared = configs[0].task(), configs[0]
    orders = [stream(config.seed, 3).initial_seed() for config in configs]
    return MemberBatches(shared.sequences * len(task.seen), shared.batch, orders)


def member_loss(
    configs: tuple[AnchorSeedConfig, ...], batches: MemberBatches
) -> Callable[[Ensemble], Tensor]:
    """The losses of all members, (members,), each on the next minibatch of its own sequences."""
    drawn = []
    for config in configs:
        task = config.task()
        drawn.append(task.sample(config.sequences * len(task.seen), stream(config.seed, 1)))
    tokens = torch.stack([batch.tokens for batch in drawn])
    labels = torch.stack([batch.labels for batch in drawn])
    members = torch.arange(len(configs))[:, None]

    def loss(ensemble: Ensemble) -> Tensor:
        at = batches.draw()
        logits = ensemble(tokens[members, at], shared=False, method="last")
        return member_cross_entropy(logits, labels[members, at])

    return loss


def _accuracy(ensemble: Ensemble, configs: tuple[AnchorSeedConfig, ...]) -> Callable[[], xr.DataArray]:
    """Asks each member the questions of its seed; NaN for those that have diverged."""
    probes = [AnchorProbe(c.task(), stream(c.seed, 2), samples=_PROBES) for c in configs]

    def accuracy() -> xr.DataArray:
        values = torch.full((len(configs), len(GROUPS)), torch.nan, dtype=torch.float64)
        for index in torch.nonzero(ensemble.diverged_at < 0).flatten().tolist():
            network: torch.nn.Module = ensemble.member(index)
            answers = probes[index](network.last)
            values[index] = torch.tensor([getattr(answers, group) for group in GROUPS])
        return xr.DataArray(values.numpy(), dims=("member", "group"), coords={"group": list(GROUPS)})

    return accuracy


def _phase(final: xr.DataArray) -> str:
    return phase(*(float(final.sel(group=name)) for name in ("seen_train_keys", "inferential", "symmetric")))

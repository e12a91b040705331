"""One run on a task whose answers are sequences: a small start under strong decay, or the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import xarray as xr
from torch import Tensor, nn

from experiments._layers import label
from experiments._recipe import fit, stream
from experiments.sequences.config import SequenceConfig
from experiments.sequences.schema import CONVERGED, TRAIN
from lowcomplex.measures import learning_time
from lowcomplex.networks import Transformer
from lowcomplex.tasks import SequenceBatch, answer_loss, exact_answers
from lowcomplex.tracking import Tracker

RECORDS = 25
EVALUATED = 400


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
        examples: The training examples.
        tests: Other questions, by the name of their group.
        checkpoint: File to which the run is saved now and then.

    Returns:
        accuracy (step, group), the share of questions whose whole answer greedy decoding has right;
        training_loss (step); effective_rank and stable_rank (step, layer); `converged`;
        `steps_to_convergence`, from which on nine tenths of the training examples are right, NaN if that was
        not reached; `diverged_at`, -1 if it did not; gamma and weight_decay.
    """
    data = stream(config.seed, 1)
    groups = {TRAIN: examples, **tests}
    evaluated = {name: batch.rows(slice(0, EVALUATED)) for name, batch in groups.items()}

    def accuracy() -> xr.DataArray:
        shares = [_exact_share(model, batch) for batch in evaluated.values()]
        return xr.DataArray(shares, dims="group", coords={"group": list(evaluated)})

    @torch.no_grad()
    def training_loss() -> float:
        batch = evaluated[TRAIN]
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
    result = fit(model, loss, config, trackers=(tracker,), data=data, checkpoint=checkpoint)
    record = tracker.dataset(nulls=False)
    trained = torch.tensor(record["accuracy"].sel(group=TRAIN).values)
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
    return record.assign_coords(layer=[label(name) for name in record["layer"].values])


@torch.no_grad()
def _exact_share(model: Transformer, batch: SequenceBatch) -> float:
    return float(exact_answers(model(batch.tokens), batch.labels).double().mean())

"""One training on the anchor task: answers by position, and ranks of what was learned, in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from experiments._layers import label
from experiments._recipe import fit, recent_mean, stream
from experiments.anchor.schema import NOT_CONVERGED, record_steps
from experiments.order.config import OrderConfig
from experiments.order.quantities import Quantities
from lowcomplex.tasks import PositionProbe
from lowcomplex.tracking import Tracker


def measure(config: OrderConfig, checkpoint: Path | None = None) -> xr.Dataset:
    """Train one network; record its answers by position, and ranks of weights, of changes and of products."""
    weights, data, evaluation = (stream(config.seed, index) for index in range(3))
    task, positions = config.task(), config.positions()
    model = config.model(weights)
    probe = PositionProbe(task, evaluation, positions=positions)
    quantities = Quantities(model, probe)
    steps = record_steps(config.steps)
    tracker = Tracker(model, ("stable_rank", "effective_rank"), steps=steps, quantities=quantities.all())

    def loss(module: nn.Module) -> Tensor:
        batch = task.sample(config.batch, data, positions=positions)
        return functional.cross_entropy(model.last(batch.tokens), batch.labels)

    result = fit(model, loss, config, trackers=(tracker,), data=data, checkpoint=checkpoint)
    converges = result.diverged_at is None
    answers = probe(model.last)
    record = tracker.dataset(nulls=False).reindex(step=list(steps))
    losses = result.losses.numpy()
    return record.assign(
        loss=("step", [recent_mean(losses, step) for step in steps]),
        phase=answers.phase if converges else NOT_CONVERGED,
        order_gap=answers.order_gap if converges else np.nan,
        diverged_at=-1 if result.diverged_at is None else result.diverged_at,
    ).assign_coords(
        fraction=("step", list(steps.values())), layer=[label(name) for name in record["layer"].values]
    )

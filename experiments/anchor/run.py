"""One training of a transformer on the anchor task, as all anchor studies run it: a fixed rule for all cells.

The last checkpoint counts, at a learning rate that the config fixes; nothing is chosen by the answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from experiments._layers import label
from experiments._recipe import LOSS_WINDOW, fit, recent_mean, stream
from experiments.anchor.config import AnchorConfig
from experiments.anchor.quantities import Quantities
from experiments.anchor.schema import NOT_CONVERGED, WEIGHT_MEASURES, record_steps
from lowcomplex import nulls
from lowcomplex.measures import singular_values, trajectory_dimension
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorBatch, AnchorTask
from lowcomplex.tasks.anchor_functions import FIRST_KEY, LAST_KEY
from lowcomplex.tracking import Tracker
from lowcomplex.training import TrainingResult

LEARNED_LOSS = 0.1
LEARNED_ACCURACY = 0.99
_EVALUATIONS = 50


@dataclass(frozen=True)
class Trained:
    """A network after training.

    Attributes:
        model: The network.
        task: The task that it was trained on.
        result: Losses, and whether it diverged.
        quantities: The quantities that were measured.
        record: The tracker's record.
        fine: Accuracies of the pairs and all weights at more steps.
    """

    model: Transformer
    task: AnchorTask
    result: TrainingResult
    quantities: Quantities
    record: xr.Dataset
    fine: xr.Dataset


def trained(config: AnchorConfig, checkpoint: Path | None = None) -> Trained:
    """Train one network and record it in time."""
    weights, data, evaluation = (stream(config.seed, index) for index in range(3))
    task, model = config.task(), config.model(weights)
    quantities = Quantities(model, task, evaluation)
    steps = record_steps(config.steps)
    tracker = Tracker(model, WEIGHT_MEASURES, steps=steps, quantities=quantities.coarse())
    every = max(1, config.steps // _EVALUATIONS)
    fine = Tracker(model, {}, every=every, quantities=quantities.fine())
    draw = _sampler(config, task, data)

    def loss(module: nn.Module) -> Tensor:
        batch = draw()
        return functional.cross_entropy(model.last(batch.tokens), batch.labels)

    result = fit(model, loss, config, trackers=(tracker, fine), data=data, checkpoint=checkpoint)
    return Trained(model, task, result, quantities, tracker.dataset(nulls=False), fine.dataset())


def measure(config: AnchorConfig, checkpoint: Path | None = None) -> xr.Dataset:
    """Train one network and record its answers, weights, token map and representations in time."""
    run = trained(config, checkpoint)
    record, model = run.record, run.model
    shapes = [model.get_parameter(name).shape for name in record["layer"].values]
    answers = run.quantities.answers()
    losses = run.result.losses.numpy()
    converges = run.result.diverged_at is None
    steps = record_steps(config.steps)
    record = record.reindex(step=list(steps))
    record = record.assign(
        loss=("step", [recent_mean(losses, int(step)) for step in record["step"].values]),
        phase=answers.phase if converges else NOT_CONVERGED,
        diverged_at=-1 if run.result.diverged_at is None else run.result.diverged_at,
        deviation_share=("offset", answers.deviation_share.numpy()),
        null_effective_rank=("layer", [nulls.random_effective_rank(*shape).value for shape in shapes]),
        null_stable_rank=("layer", [nulls.random_stable_rank(*shape).value for shape in shapes]),
        singular_values=(("layer", "index"), _spectra(model, list(record["layer"].values))),
        query_weight=(("neuron", "input"), model.get_parameter("blocks.0.query.weight").detach().numpy()),
        token_embedding=(
            ("token", "width"),
            model.embedding.weight[FIRST_KEY : LAST_KEY + 1].detach().numpy(),
        ),
        trajectory_dimension=float(trajectory_dimension(torch.from_numpy(run.fine["weights"].values)))
        if run.fine.sizes["step"] > 1
        else np.nan,
        steps_to_loss=_first_below(losses, LEARNED_LOSS),
        steps_to_accuracy=(("first_anchor", "second_anchor"), _first_accurate(run.fine)),
    )
    return record.assign_coords(
        fraction=("step", list(steps.values())),
        layer=[label(name) for name in record["layer"].values],
        offset=answers.offsets.numpy(),
        token=range(FIRST_KEY, LAST_KEY + 1),
        index=range(config.width),
    )


def _sampler(config: AnchorConfig, task: AnchorTask, data: torch.Generator) -> Callable[[], AnchorBatch]:
    """Draws minibatches: fresh sequences, or some of a fixed set."""
    if config.sequences is None:
        return lambda: task.sample(config.batch, data)
    fixed = task.sample(config.sequences * len(task.seen), data)

    def some() -> AnchorBatch:
        chosen = torch.randint(len(fixed.keys), (config.batch,), generator=data)
        return AnchorBatch(*(part[chosen] for part in fixed))

    return some


def _first_below(losses: np.ndarray, level: float) -> float:
    """After how many updates the mean of so many losses was first below a level; NaN if it never was."""
    if len(losses) < LOSS_WINDOW:
        return np.nan
    below = np.convolve(losses, np.full(LOSS_WINDOW, 1 / LOSS_WINDOW), mode="valid") < level
    return float(below.argmax() + LOSS_WINDOW) if below.any() else np.nan


def _first_accurate(fine: xr.Dataset) -> np.ndarray:
    """The first recorded step after which a pair's accuracy stays above the level; NaN if there is none."""
    accuracy = fine["pair_accuracy_in_time"].transpose("step", "first_anchor", "second_anchor").values
    stays = np.logical_and.accumulate((accuracy > LEARNED_ACCURACY)[::-1])[::-1]
    return np.where(stays.any(0), fine["step"].values[stays.argmax(0)].astype(float), np.nan)


def _spectra(model: Transformer, names: list[str]) -> np.ndarray:
    """Singular values of every matrix, descending, one row per matrix, filled with NaN."""
    found = np.full((len(names), model.embedding.embedding_dim), np.nan)
    for row, name in zip(found, names, strict=True):
        values = singular_values(model.get_parameter(name).detach())
        row[: len(values)] = values[: len(row)]
    return found

"""One training of a transformer on the anchor task, as all anchor studies run it: a fixed rule for all cells.

The last checkpoint counts, at a learning rate that the config fixes; nothing is chosen by the answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from experiments._anchor_quantities import Quantities
from experiments._network_config import NetworkConfig
from lowcomplex import initialize, nulls
from lowcomplex.measures import singular_values, trajectory_dimension
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorBatch, AnchorTask
from lowcomplex.tasks.anchor import Pair, Rule
from lowcomplex.tasks.anchor_functions import FIRST_KEY, LAST_KEY, FunctionSet
from lowcomplex.tracking import Tracker
from lowcomplex.training import Checkpoint, TrainingResult, adamw, train, warmup_cosine

FRACTIONS = (0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 1)
WEIGHT_MEASURES = (
    "effective_rank",
    "stable_rank",
    "participation_ratio",
    "numerical_rank",
    "condensed_directions",
    "effective_directions",
)
LEARNED_LOSS = 0.1
LEARNED_ACCURACY = 0.99
_EVALUATIONS = 50

Part = Literal["all", "none", "embedding", "query-key", "value-output", "feedforward"]
_PARTS: dict[Part, tuple[str, ...]] = {
    "none": (),
    "embedding": ("embedding*", "positions*", "output*"),
    "query-key": ("blocks.*.query*", "blocks.*.key*"),
    "value-output": ("blocks.*.value*", "blocks.*.attention_output*"),
    "feedforward": ("blocks.*.feedforward_in*", "blocks.*.feedforward_out*"),
}
_NAMES = {
    "embedding": "embedding",
    "positions": "positions",
    "output": "output head",
    "attention_output": "attention output",
    "feedforward_in": "feedforward in",
    "feedforward_out": "feedforward out",
}


class AnchorConfig(NetworkConfig):
    """One training run.

    `part` is what is at γ, the rest being at 1/2; "none" leaves all at 1/2, and "embedding" means all that
    the vocabulary and the positions touch, the output head included. `sequences` is the number of sequences
    a trained pair, drawn once; fresh ones at every update if None. `residual_scaling` divides what blocks add
    to the residual stream at initialization by sqrt(2 · depth).
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
        """What is trained."""
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


@dataclass(frozen=True)
class Trained:
    """A network after training.

    Attributes:
        model: The network.
        task: What it was trained on.
        result: Losses, and whether it diverged.
        quantities: What was asked of it.
        record: What the tracker recorded.
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
    steps = [round(fraction * config.steps) for fraction in FRACTIONS]
    tracker = Tracker(model, WEIGHT_MEASURES, steps=steps, quantities=quantities.coarse())
    every = max(1, config.steps // _EVALUATIONS)
    fine = Tracker(model, {}, every=every, quantities=quantities.fine())
    draw = _sampler(config, task, data)

    def loss(module: nn.Module) -> Tensor:
        batch = draw()
        return functional.cross_entropy(model.last(batch.tokens), batch.labels)

    def record(step: int) -> None:
        tracker.step()
        fine.step()

    generators = [data]
    result = train(
        model,
        loss,
        steps=config.steps,
        optimizer=adamw(model, config.learning_rate, weight_decay=config.weight_decay),
        schedule=partial(warmup_cosine, warmup=config.warmup, floor=config.floor),
        clip_norm=1.0,
        before_step=record,
        checkpoint=Checkpoint(checkpoint, tracker=tracker, objects=[fine], generators=generators)
        if checkpoint
        else None,
    )
    return Trained(model, task, result, quantities, tracker.dataset(), fine.dataset())


def measure(config: AnchorConfig, checkpoint: Path | None = None) -> xr.Dataset:
    """Train one network and record its answers, weights, token map and representations in time."""
    run = trained(config, checkpoint)
    record, model = run.record, run.model
    shapes = [model.get_parameter(name).shape for name in record["layer"].values]
    answers = run.quantities.answers()
    losses = run.result.losses.numpy()
    converges = run.result.diverged_at is None
    record = record.reindex(step=[round(fraction * config.steps) for fraction in FRACTIONS])
    record = record.assign(
        loss=("step", [_recent_mean(losses, int(step)) for step in record["step"].values]),
        phase=answers.phase if converges else "not converged",
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
    record = record.assign_coords(
        step=("step", record["step"].values),
        layer=[label(name) for name in record["layer"].values],
        offset=answers.offsets.numpy(),
        token=range(FIRST_KEY, LAST_KEY + 1),
        index=range(config.width),
    )
    record = record.rename(layer="matrix").assign_coords(fraction=("step", list(FRACTIONS)))
    return record.swap_dims(step="fraction")


def stream(seed: int, index: int) -> torch.Generator:
    """Independent streams, so that a run's data do not depend on how its weights were drawn."""
    state = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))


def label(parameter: str) -> str:
    """Turn "blocks.0.query.weight" into "block 1 query"."""
    *path, name, _ = parameter.split(".")
    words = _NAMES.get(name, name)
    return f"block {int(path[1]) + 1} {words}" if path else words


def _sampler(config: AnchorConfig, task: AnchorTask, data: torch.Generator) -> Callable[[], AnchorBatch]:
    """Draws minibatches: fresh sequences, or some of a fixed set."""
    if config.sequences is None:
        return lambda: task.sample(config.batch, data)
    fixed = task.sample(config.sequences * len(task.seen), data)

    def some() -> AnchorBatch:
        chosen = torch.randint(len(fixed.keys), (config.batch,), generator=data)
        return AnchorBatch(*(part[chosen] for part in fixed))

    return some


def _recent_mean(losses: np.ndarray, step: int, window: int = 20) -> float:
    """Mean minibatch loss of the last updates before a step; of the first batch at step 0."""
    recent = losses[max(0, step - window) : max(step, 1)]
    return float(recent.mean()) if len(recent) else np.nan


def _first_below(losses: np.ndarray, level: float, window: int = 20) -> float:
    """After how many updates the mean of so many losses was first below a level; NaN if it never was."""
    if len(losses) < window:
        return np.nan
    below = np.convolve(losses, np.full(window, 1 / window), mode="valid") < level
    return float(below.argmax() + window) if below.any() else np.nan


def _first_accurate(fine: xr.Dataset) -> np.ndarray:
    """The first recorded step after which a pair's accuracy stays above the level; NaN if there is none."""
    accuracy = fine["pair_accuracy_in_time"].transpose("step", "first_anchor", "second_anchor").values
    stays = np.logical_and.accumulate((accuracy > LEARNED_ACCURACY)[::-1])[::-1]
    return np.where(stays.any(0), fine["step"].values[stays.argmax(0)].astype(float), np.nan)


def _spectra(model: Transformer, names: list[str]) -> np.ndarray:
    """Singular values of every matrix, descending, one row a matrix, filled with NaN."""
    found = np.full((len(names), model.embedding.embedding_dim), np.nan)
    for row, name in zip(found, names, strict=True):
        values = singular_values(model.get_parameter(name).detach())
        row[: len(values)] = values[: len(row)]
    return found

"""Composition or memorization: transformers on the anchor task, over the initialization rate.

The paper's central figure (Zhang, Lin, Wang, Zhang, Xu, NeurIPS 2024, figure 2) at reduced scale: a
three-block transformer, every matrix at γ, trained on fresh sequences that never hold the pair (4, 3).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from experiments._study import Study, single_precision
from experiments._token_map import TokenMap
from lowcomplex import effective_rank, initialize, nulls, sweeps
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorProbe, AnchorTask
from lowcomplex.tasks.anchor import FIRST_KEY, LAST_KEY
from lowcomplex.tracking import Tracker, log_linear_steps
from lowcomplex.training import Checkpoint, adamw, train, warmup_cosine

GROUPS = ("seen_train_keys", "seen_test_keys", "inferential", "symmetric")
WEIGHT_MEASURES = (
    "effective_rank",
    "stable_rank",
    "participation_ratio",
    "numerical_rank",
    "condensed_directions",
)
_PARTS = {
    "embedding": "embedding",
    "positions": "positions",
    "output": "output head",
    "attention_output": "attention output",
    "feedforward_in": "feedforward in",
    "feedforward_out": "feedforward out",
}


class AnchorGammaConfig(sweeps.Config):
    """One training run."""

    version: ClassVar[int] = 2  # fewer products in the transformer: the same arithmetic, rounded otherwise

    gamma: float
    seed: int
    depth: int = 3
    width: int = 64
    heads: int = 1
    head_width: int = 64
    feedforward: int = 128
    norm: Literal["pre", "post", "none"] = "pre"
    steps: int = 2500
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.01


def measure(config: AnchorGammaConfig, checkpoint: Path | None = None) -> xr.Dataset:
    """Train one transformer and record its answers, its weights and its token map in time."""
    weights, data, evaluation = (_generator(config.seed, stream) for stream in range(3))
    task = AnchorTask()
    model = Transformer(
        task.vocabulary,
        task.length,
        config.width,
        config.heads,
        config.head_width,
        config.feedforward,
        config.depth,
        config.norm,
    )
    initialize(model, config.gamma, generator=weights)
    probe = AnchorProbe(task, evaluation, samples=500)
    token_map = TokenMap(task, evaluation)

    def accuracy() -> xr.DataArray:
        answers = probe(model.last)
        return xr.DataArray(
            [getattr(answers, group) for group in GROUPS], dims="group", coords={"group": list(GROUPS)}
        )

    def loss(module: nn.Module) -> Tensor:
        batch = task.sample(config.batch, data)
        return functional.cross_entropy(model.last(batch.tokens), batch.labels)

    tracker = Tracker(
        model,
        WEIGHT_MEASURES,
        steps=log_linear_steps(config.steps, early=10, late=15),
        quantities={"accuracy": accuracy, **token_map.quantities(model)},
    )
    result = train(
        model,
        loss,
        steps=config.steps,
        optimizer=adamw(model, config.learning_rate, weight_decay=config.weight_decay),
        schedule=warmup_cosine,
        clip_norm=1.0,
        before_step=lambda step: tracker.step(),
        checkpoint=Checkpoint(checkpoint, tracker=tracker, generators=[data]) if checkpoint else None,
    )
    record = tracker.dataset().rename(layer="matrix")
    shapes = [model.get_parameter(name).shape for name in record["matrix"].values]
    answers = probe(model.last)
    losses = result.losses.numpy()
    record = record.assign(
        loss=("step", [_recent_mean(losses, int(step)) for step in record["step"].values]),
        phase=answers.phase if result.diverged_at is None else "not converged",
        deviation_share=("offset", answers.deviation_share.numpy()),
        null_effective_rank=("matrix", [nulls.random_effective_rank(*shape).value for shape in shapes]),
        null_stable_rank=("matrix", [nulls.random_stable_rank(*shape).value for shape in shapes]),
        query_weight=(("neuron", "input"), model.get_parameter("blocks.0.query.weight").detach().numpy()),
        token_embedding=(
            ("token", "width"),
            model.embedding.weight[FIRST_KEY : LAST_KEY + 1].detach().numpy(),
        ),
    )
    record = record.assign_coords(
        matrix=[_label(name) for name in record["matrix"].values],
        offset=answers.offsets.numpy(),
        token=range(FIRST_KEY, LAST_KEY + 1),
    )
    return record.assign_attrs(diverged_at=-1 if result.diverged_at is None else result.diverged_at)


def _generator(seed: int, stream: int) -> torch.Generator:
    """Independent streams, so that a run's data do not depend on how its weights were drawn."""
    state = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))


def _recent_mean(losses: np.ndarray, step: int, window: int = 20) -> float:
    """Mean minibatch loss of the last updates before a step; of the first batch at step 0."""
    return float(losses[max(0, step - window) : max(step, 1)].mean())


def _label(parameter: str) -> str:
    """Turn "blocks.0.query.weight" into "block 1 query"."""
    *path, name, _ = parameter.split(".")
    words = _PARTS.get(name, name)
    return f"block {int(path[1]) + 1} {words}" if path else words


def findings(dataset: xr.Dataset) -> tuple[str, ...]:
    """What the sweep shows, in sentences computed from it."""
    final = dataset.isel(step=-1)
    accuracy = final["accuracy"]
    gammas = [float(gamma) for gamma in dataset["gamma"].values]
    sentences = [
        f"{dataset.sizes['gamma'] * dataset.sizes['seed']} transformers were trained, "
        f"{dataset.sizes['seed']} seeds at each of γ = {', '.join(f'{g:g}' for g in gammas)}."
    ]
    for gamma in gammas:
        at = accuracy.sel(gamma=gamma)
        means = {group: at.sel(group=group) for group in GROUPS}
        unconverged = int((dataset["phase"].sel(gamma=gamma) == "not converged").sum())
        note = f"; {unconverged} not converged" if unconverged else ""
        sentences.append(
            f"γ = {gamma:g}: on the unseen pair {_spread(means['inferential'])} of the answers compose, "
            f"{_spread(means['symmetric'])} mirror, "
            f"{_spread(1 - means['inferential'] - means['symmetric'])} do neither; "
            f"trained pairs {_spread(means['seen_train_keys'])} on training keys, "
            f"{_spread(means['seen_test_keys'])} on held-out keys{note}."
        )
    inferential = accuracy.sel(group="inferential").mean("seed")
    best = float(inferential["gamma"][int(inferential.argmax("gamma"))])
    sentences.append(
        f"Composition is most frequent at γ = {best:g} ({float(inferential.max()):.2f} on average)"
        + (
            f", and falls to {float(inferential.isel(gamma=-1)):.2f} at γ = {gammas[-1]:g}: it is not "
            "monotone in γ."
            if best < gammas[-1]
            else ", the largest γ trained."
        )
    )
    rank = final["stable_rank"].sel(matrix="block 1 query").mean("seed").values
    falls = bool((np.diff(rank) < 0).all())
    sentences.append(
        "The stable rank of the first block's query matrix "
        + ("falls monotonically with γ: " if falls else "does not fall monotonically with γ: ")
        + ", ".join(f"{value:.1f}" for value in rank)
        + "."
    )
    sentences.append(_embedding_ranks(dataset["token_embedding"]))
    correlation = _rank_correlation(dataset)
    sentences.append(
        f"Across all {correlation[2]} converged runs, Spearman's correlation of that stable rank with the "
        f"share of composed answers is {correlation[0]:+.2f} (p = {correlation[1]:.2g}); runs of one γ are "
        "not independent draws of γ, so this describes and does not test."
        if correlation[2] > 2
        else "Too few runs converged to correlate rank with composition."
    )
    return tuple(sentences)


def _embedding_ranks(embedding: xr.DataArray) -> str:
    """Of the rows that training uses, unlike the whole matrix's; runs that diverged are left out."""
    ranks = []
    for gamma in embedding["gamma"].values:
        weights = torch.from_numpy(embedding.sel(gamma=gamma).transpose("seed", "token", "width").values)
        finite = weights[torch.isfinite(weights).all((1, 2))]
        ranks.append(f"{float(effective_rank(finite).mean()):.1f}" if len(finite) else "none")
    null = nulls.random_effective_rank(embedding.sizes["token"], embedding.sizes["width"]).value
    return (
        "The effective rank of the embeddings of the tokens that are keys is, from the smallest to the "
        f"largest γ, {', '.join(ranks)} (random: {null:.1f})."
    )


def _rank_correlation(dataset: xr.Dataset) -> tuple[float, float, int]:
    from scipy.stats import spearmanr

    final = dataset.isel(step=-1)
    converged = (dataset["phase"] != "not converged").values.ravel()
    rank = final["stable_rank"].sel(matrix="block 1 query").values.ravel()[converged]
    composed = final["accuracy"].sel(group="inferential").values.ravel()[converged]
    if converged.sum() < 3:
        return float("nan"), float("nan"), int(converged.sum())
    result = spearmanr(rank, composed)
    return float(result.statistic), float(result.pvalue), int(converged.sum())


def _spread(values: xr.DataArray) -> str:
    """Mean over seeds, and the range."""
    return f"{float(values.mean()):.2f} ({float(values.min()):.2f}-{float(values.max()):.2f})"


STUDY = Study(
    name="anchor_gamma",
    title="Does a transformer compose anchor functions or memorize pairs, over γ?",
    config=AnchorGammaConfig,
    measure=measure,
    presets={
        "quick": {"gamma": (0.4, 0.6, 0.8, 0.9), "seed": (0, 1, 2)},
        "full": {"gamma": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "seed": (0, 1, 2, 3, 4)},
    },
    dimensions=("gamma", "seed"),
    findings=findings,
    reduce=single_precision,
    resumable=True,
)

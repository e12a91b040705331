"""Composition or memorization: transformers on the anchor task, over the initialization rate.

The paper's central question (Zhang, Lin, Wang, Zhang, Xu, NeurIPS 2024, figure 2) at reduced scale: a
three-block transformer, every matrix at γ, trained on fresh sequences that never hold the pair (4, 3).
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from experiments._anchor_findings import NOT_CONVERGED
from experiments._anchor_quantities import GROUPS
from experiments._anchor_study import PAPER, anchor_study, by_step
from experiments.statistics.neighbors import FEWEST, explained_by_neighbors
from lowcomplex import effective_rank, nulls


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
        unconverged = int((dataset["phase"].sel(gamma=gamma) == NOT_CONVERGED).sum())
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
    sentences.append(_rank_and_composition(dataset))
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


def _rank_and_composition(dataset: xr.Dataset) -> str:
    """What the rank tells of the answer; described, not tested: the runs of one γ share it."""
    from scipy.stats import spearmanr

    final = dataset.isel(step=-1)
    converged = (dataset["phase"] != NOT_CONVERGED).values.ravel()
    rank = final["stable_rank"].sel(matrix="block 1 query").values.ravel()[converged]
    composed = final["accuracy"].sel(group="inferential").values.ravel()[converged]
    gamma = np.repeat(dataset["gamma"].values, dataset.sizes["seed"])[converged]
    if len(rank) < FEWEST:
        return "Too few runs converged to say what that stable rank tells of composition."
    return (
        f"Over the {len(rank)} converged runs, Spearman's correlation of that stable rank with the share of "
        f"composed answers is {spearmanr(rank, composed).statistic:+.2f}, but the runs nearest in stable "
        f"rank explain {explained_by_neighbors(rank, composed):.0%} of its variance, those nearest in γ "
        f"{explained_by_neighbors(gamma, composed):.0%}; composition is most frequent at a stable rank of "
        f"{rank[composed.argmax()]:.1f}, of {rank.min():.1f} to {rank.max():.1f}."
    )


def _spread(values: xr.DataArray) -> str:
    """Mean over seeds, and the range."""
    return f"{float(values.mean()):.2f} ({float(values.min()):.2f}-{float(values.max()):.2f})"


STUDY = anchor_study(
    name="anchor_gamma",
    title="Does a transformer compose anchor functions or memorize pairs, over γ?",
    dimensions=("gamma", "seed"),
    findings=findings,
    quick={"gamma": (0.4, 0.6, 0.8, 0.9), "seed": (100, 101, 102)},
    full={"gamma": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "seed": tuple(range(100, 108))},
    paper=PAPER | {"gamma": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8), "seed": (100, 101, 102)},
    reduce=by_step,
    routine=True,
)

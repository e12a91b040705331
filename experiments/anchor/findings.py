"""What the studies of the anchor task show, in sentences computed from their runs."""

from __future__ import annotations

import itertools

import numpy as np
import torch
import xarray as xr

from experiments._layers import QUERY
from experiments.anchor.schema import ANCHORS, GROUPS, NOT_CONVERGED, UNTRAINED
from experiments.statistics.neighbors import FEWEST, explained_by_neighbors, ordering
from lowcomplex import effective_rank, nulls

_SYMBOLS = {"gamma": "γ"}


def spread(values: xr.DataArray) -> str:
    """Mean over runs, and the range."""
    return f"{float(values.mean()):.2f} ({float(values.min()):.2f}-{float(values.max()):.2f})"


def answers(dataset: xr.Dataset) -> tuple[str, ...]:
    """What is answered on unseen pairs, for every combination of the swept fields but the seed."""
    fields = [str(name) for name in dataset["phase"].dims if name != "seed"]
    final = dataset["accuracy"].isel(step=-1)
    seeds = dataset.sizes["seed"]
    sentences = [f"{dataset['phase'].size} transformers, {seeds} seed{'' if seeds == 1 else 's'} per cell."]
    for values in itertools.product(*(dataset[name].values for name in fields)):
        at = dict(zip(fields, values, strict=True))
        of = final.sel(at)
        said = [
            f"{spread(of.sel(group=group))} {words}"
            for group, words in (("inferential", "of the unseen answers compose"), ("symmetric", "mirror"))
            if bool(of.sel(group=group).notnull().any())
        ]
        said.append(f"trained pairs {spread(of.sel(group='seen_train_keys'))}")
        failed = int((dataset["phase"].sel(at) == NOT_CONVERGED).sum())
        if failed:
            said.append(f"{failed} not converged")
        where = ", ".join(f"{named(name)} {_text(value)}" for name, value in at.items())
        sentences.append(f"{where}: {'; '.join(said)}.")
    return tuple(sentences)


def over_gamma(dataset: xr.Dataset) -> tuple[str, ...]:
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
            f"γ = {gamma:g}: on the unseen pair {spread(means['inferential'])} of the answers compose, "
            f"{spread(means['symmetric'])} mirror, "
            f"{spread(1 - means['inferential'] - means['symmetric'])} do neither; "
            f"trained pairs {spread(means['seen_train_keys'])} on training keys, "
            f"{spread(means['seen_test_keys'])} on held-out keys{note}."
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
    rank = final["stable_rank"].sel(layer=QUERY).mean("seed").values
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
    """How the rank goes with the answer; described and not tested, since runs of one γ share both."""
    from scipy.stats import spearmanr

    final = dataset.isel(step=-1)
    converged = (dataset["phase"] != NOT_CONVERGED).values.ravel()
    rank = final["stable_rank"].sel(layer=QUERY).values.ravel()[converged]
    composed = final["accuracy"].sel(group="inferential").values.ravel()[converged]
    gamma = np.repeat(dataset["gamma"].values, dataset.sizes["seed"])[converged]
    if len(rank) < FEWEST:
        return "Too few runs converged to compare that stable rank with composition."
    return (
        f"Over the {len(rank)} converged runs, Spearman's correlation of that stable rank with the share of "
        f"composed answers is {spearmanr(rank, composed).statistic:+.2f}, but the runs nearest in stable "
        f"rank explain {explained_by_neighbors(rank, composed):.0%} of its variance, those nearest in γ "
        f"{explained_by_neighbors(gamma, composed):.0%}; composition is most frequent at a stable rank of "
        f"{rank[composed.argmax()]:.1f}, of {rank.min():.1f} to {rank.max():.1f}."
    )


def over_learning_rate(dataset: xr.Dataset) -> tuple[str, ...]:
    """What the sweep shows, in sentences computed from it."""
    return (*answers(dataset), *(_ordering(dataset, group) for group in UNTRAINED))


def _ordering(dataset: xr.Dataset, group: str) -> str:
    final = dataset["accuracy"].isel(step=-1).sel(group=group, drop=True)
    runs = xr.Dataset({"answer": final, "phase": dataset["phase"]}).to_dataframe().reset_index()
    runs = runs[runs["phase"] != NOT_CONVERGED]
    if runs["gamma"].nunique() < 2 or runs["learning_rate"].nunique() < 2 or len(runs) < 12:
        return (
            f"Too few runs converged to say which combination of γ and learning rate orders {group} answers."
        )
    found = ordering(runs["gamma"], runs["learning_rate"], runs["answer"])
    return (
        f"Of {len(runs)} converged runs, {group} answers are ordered best by log10(learning rate) + "
        f"{found.slope:.2g} γ ({found.low:.2g} to {found.high:.2g} over subsamples): it explains "
        f"{found.explained:.0%} of their variance, γ alone {found.by_gamma:.0%}, the learning rate alone "
        f"{found.by_learning_rate:.0%}."
    )


def of_mechanism(dataset: xr.Dataset) -> tuple[str, ...]:
    """What the runs show, in sentences computed from them."""
    cells = itertools.product(dataset["depth"].values, dataset["gamma"].values)
    return (
        f"{dataset['phase'].size} transformers were examined, {dataset.sizes['seed']} per cell; ranges "
        "are over these.",
        *(
            f"{depth} blocks, γ = {gamma:g}: {_of_cell(dataset.sel(depth=depth, gamma=gamma))}"
            for depth, gamma in cells
        ),
    )


def _of_cell(runs: xr.Dataset) -> str:
    converged = runs.isel(seed=(runs["phase"] != NOT_CONVERGED).values)
    failed = runs.sizes["seed"] - converged.sizes["seed"]
    note = f"{failed} not converged and left out; " if failed else ""
    if not converged.sizes["seed"]:
        return "no run converged."
    first, second = converged.sel(block=1), converged.sel(block=2)
    anchors = list(ANCHORS)
    mass = first["attention_mass"]
    to_anchors = mass.sel(asking="last", asked=anchors).sum("asked")
    to_key = mass.sel(asking=anchors, asked="key").mean("asking")
    lost = first["edge_importance"].sel(group="seen_train_keys")
    anchors_carry = lost.sel(target="last", source=anchors).max("source")
    key_carries = lost.sel(target=anchors, source="key").max("target")
    gap = second["same_target_cosine"] - second["other_target_cosine"]
    return (
        f"{note}{spread(converged['accuracy'].sel(group='inferential'))} of the unseen answers compose, "
        f"{spread(converged['accuracy'].sel(group='symmetric'))} mirror. In the first block the last token "
        f"looks at the two anchors with {spread(to_anchors)} of its attention, and an anchor at the key with "
        f"{spread(to_key)}; cutting such an edge costs the trained pairs up to {spread(anchors_carry)} and "
        f"{spread(key_carries)} of accuracy. Mirrored pairs coincide to "
        f"{spread(first['mirror_coincidence'])} in the first block's output at the last token (1: wholly, 0: "
        f"as any two pairs do); the cosine gap between equal and other targets in the second's is "
        f"{spread(gap)}, and that between equal and other intermediate results of its value vectors at the "
        f"first anchor {spread(second['intermediate_gap'].sel(site='value'))}."
    )


def named(field: str) -> str:
    """A config's field in words."""
    return _SYMBOLS.get(field, field.replace("_", " "))


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{value:g}"

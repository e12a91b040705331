"""What the studies of the anchor task show, in sentences computed from their runs."""

from __future__ import annotations

import itertools

import numpy as np
import torch
import xarray as xr

from experiments._findings import Finding, Setting
from experiments._layers import QUERY
from experiments._neighbors import FEWEST, explained_by_neighbors, ordering
from experiments.anchor.schema import ANCHORS, GROUPS, NOT_CONVERGED, UNTRAINED
from lowcomplex import effective_rank, nulls

_SYMBOLS = {"gamma": "γ"}


def spread(values: xr.DataArray) -> str:
    """Mean over runs, and the range."""
    return f"{float(values.mean()):.2f} ({float(values.min()):.2f}-{float(values.max()):.2f})"


def answers(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """What is answered on unseen pairs, for every combination of the swept fields but the seed."""
    fields = [str(name) for name in dataset["phase"].dims if name != "seed"]
    final = dataset["accuracy"].isel(step=-1)
    seeds = dataset.sizes["seed"]
    findings: list[Finding] = [
        f"{dataset['phase'].size} transformers, {seeds} seed{'' if seeds == 1 else 's'} per cell."
    ]
    for values in itertools.product(*(dataset[name].values for name in fields)):
        at = dict(zip(fields, values, strict=True))
        of = final.sel(at)
        found = {
            words: spread(of.sel(group=group))
            for group, words in (("inferential", "of the unseen answers compose"), ("symmetric", "mirror"))
            if bool(of.sel(group=group).notnull().any())
        }
        said = [f"{share} {words}" for words, share in found.items()]
        found["trained pairs"] = spread(of.sel(group="seen_train_keys"))
        said.append(f"trained pairs {found['trained pairs']}")
        found |= _failures(dataset["phase"].sel(at))
        said += [f"{number} {words}" for words, number in _failures(dataset["phase"].sel(at)).items()]
        where = {named(name): _text(value) for name, value in at.items()}
        heading = ", ".join(f"{name} {value}" for name, value in where.items())
        findings.append(Setting(where, found, f"{heading}: {'; '.join(said)}."))
    return tuple(findings)


def _failures(phase: xr.DataArray) -> dict[str, str]:
    """The number of runs that did not converge, if there are such."""
    failed = int((phase == NOT_CONVERGED).sum())
    return {"not converged": str(failed)} if failed else {}


def over_gamma(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """What the sweep shows, computed from it."""
    final = dataset.isel(step=-1)
    accuracy = final["accuracy"]
    gammas = [float(gamma) for gamma in dataset["gamma"].values]
    sentences: list[Finding] = [
        f"{dataset.sizes['gamma'] * dataset.sizes['seed']} transformers were trained, "
        f"{dataset.sizes['seed']} seeds at each of γ = {', '.join(f'{g:g}' for g in gammas)}."
    ]
    sentences += [_at_gamma(dataset.sel(gamma=gamma), gamma) for gamma in gammas]
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


def _at_gamma(runs: xr.Dataset, gamma: float) -> Setting:
    accuracy = runs["accuracy"].isel(step=-1)
    means = {group: accuracy.sel(group=group) for group in GROUPS}
    compose, mirror = spread(means["inferential"]), spread(means["symmetric"])
    neither = spread(1 - means["inferential"] - means["symmetric"])
    trained, held_out = spread(means["seen_train_keys"]), spread(means["seen_test_keys"])
    failed = _failures(runs["phase"])
    note = "".join(f"; {number} {words}" for words, number in failed.items())
    return Setting(
        {"γ": f"{gamma:g}"},
        {
            "on the unseen pair: compose": compose,
            "mirror": mirror,
            "do neither": neither,
            "trained pairs: on training keys": trained,
            "on held-out keys": held_out,
            **failed,
        },
        f"γ = {gamma:g}: on the unseen pair {compose} of the answers compose, {mirror} mirror, {neither} do "
        f"neither; trained pairs {trained} on training keys, {held_out} on held-out keys{note}.",
    )


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


def over_learning_rate(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """What the sweep shows, computed from it."""
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


def of_mechanism(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """What the runs show, computed from them."""
    cells = itertools.product(dataset["depth"].values, dataset["gamma"].values)
    return (
        f"{dataset['phase'].size} transformers were examined, {dataset.sizes['seed']} per cell; ranges "
        "are over these.",
        *(
            _of_cell(dataset.sel(depth=depth, gamma=gamma), int(depth), float(gamma))
            for depth, gamma in cells
        ),
    )


def _of_cell(runs: xr.Dataset, depth: int, gamma: float) -> Setting:
    at = {"blocks": str(depth), "γ": f"{gamma:g}"}
    heading = f"{depth} blocks, γ = {gamma:g}"
    converged = runs.isel(seed=(runs["phase"] != NOT_CONVERGED).values)
    failed = runs.sizes["seed"] - converged.sizes["seed"]
    note = f"{failed} not converged and left out; " if failed else ""
    if not converged.sizes["seed"]:
        return Setting(at, {"not converged": str(failed)}, f"{heading}: no run converged.")
    first, second = converged.sel(block=1), converged.sel(block=2)
    anchors = list(ANCHORS)
    mass = first["attention_mass"]
    to_anchors = mass.sel(asking="last", asked=anchors).sum("asked")
    to_key = mass.sel(asking=anchors, asked="key").mean("asking")
    lost = first["edge_importance"].sel(group="seen_train_keys")
    anchors_carry = lost.sel(target="last", source=anchors).max("source")
    key_carries = lost.sel(target=anchors, source="key").max("target")
    gap = second["same_target_cosine"] - second["other_target_cosine"]
    found = {
        "of the unseen answers compose": spread(converged["accuracy"].sel(group="inferential")),
        "mirror": spread(converged["accuracy"].sel(group="symmetric")),
        "attention of the last token to the two anchors, block 1": spread(to_anchors),
        "attention of an anchor to the key, block 1": spread(to_key),
        "accuracy lost without an edge to the anchors, up to": spread(anchors_carry),
        "accuracy lost without an edge to the key, up to": spread(key_carries),
        "mirrored pairs coincide, block 1 (1: wholly, 0: as any two pairs do)": spread(
            first["mirror_coincidence"]
        ),
        "cosine gap between equal and other targets, block 2": spread(gap),
        "cosine gap between equal and other intermediate results, values of block 2": spread(
            second["intermediate_gap"].sel(site="value")
        ),
    }
    compose, mirror, to_both, to_one, by_anchors, by_key, coincide, of_targets, of_results = found.values()
    sentence = (
        f"{note}{compose} of the unseen answers compose, {mirror} mirror. In the first block the last token "
        f"looks at the two anchors with {to_both} of its attention, and an anchor at the key with {to_one}; "
        f"cutting such an edge costs the trained pairs up to {by_anchors} and {by_key} of accuracy. Mirrored "
        f"pairs coincide to {coincide} in the first block's output at the last token (1: wholly, 0: as any "
        f"two pairs do); the cosine gap between equal and other targets in the second's is {of_targets}, and "
        f"that between equal and other intermediate results of its value vectors at the first anchor "
        f"{of_results}."
    )
    return Setting(at, found | _failures(runs["phase"]), f"{heading}: {sentence}")


def named(field: str) -> str:
    """A config's field in words."""
    return _SYMBOLS.get(field, field.replace("_", " "))


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{value:g}"

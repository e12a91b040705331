"""How many seeds at one γ find which solution, with intervals, and whether the rank tells them apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from experiments._layers import QUERY
from experiments.anchor.schema import NOT_CONVERGED, PHASES
from lowcomplex.statistics import rank_correlation, share

KINDS = (*PHASES, NOT_CONVERGED)
LEVEL = 0.95
_WORDS = {
    "inferential": "compose",
    "symmetric": "mirror",
    "neither": "do neither",
    NOT_CONVERGED: "did not converge",
}
# A run whose composed share lies between these belongs to neither extreme.
_BETWEEN = (0.25, 0.75)


def share_of_seeds(dataset: xr.Dataset) -> pd.DataFrame:
    """The share of seeds that find each kind of solution, with Wilson's interval for a binomial share.

    Args:
        dataset: `phase` over gamma and seed.

    Returns:
        Columns gamma, phase, seeds, share, low, high: one row per γ and kind of solution.
    """
    rows = []
    for gamma in dataset["gamma"].values:
        found = dataset["phase"].sel(gamma=gamma).values
        for kind in KINDS:
            count = int((found == kind).sum())
            of_all = share(count, len(found), level=LEVEL)
            rows.append((float(gamma), kind, count, of_all.estimate, of_all.low, of_all.high))
    return pd.DataFrame(rows, columns=["gamma", "phase", "seeds", "share", "low", "high"])


def findings(dataset: xr.Dataset) -> tuple[str, ...]:
    """The kinds of solution at each γ, how far seeds lie apart, and what the rank says within one γ."""
    table = share_of_seeds(dataset)
    composed = dataset["accuracy"].isel(step=-1).sel(group="inferential")
    sentences = [
        f"{dataset['phase'].size} transformers, {dataset.sizes['seed']} seeds at each γ; intervals cover "
        f"{LEVEL:.0%} (Wilson)."
    ]
    for gamma in dataset["gamma"].values:
        rows = table[(table["gamma"] == gamma) & ((table["seeds"] > 0) | (table["phase"] == PHASES[0]))]
        counts = ", ".join(
            f"{row.share:.0%} of seeds {_WORDS[str(row.phase)]} ({row.low:.0%} to {row.high:.0%})"
            for row in rows.itertuples()
        )
        shares = composed.sel(gamma=gamma).values
        shares = shares[np.isfinite(shares)]
        if not len(shares):
            sentences.append(f"γ = {gamma:g}: {counts}.")
            continue
        low, middle, high = np.quantile(shares, (0.25, 0.5, 0.75))
        between = int(((shares > _BETWEEN[0]) & (shares < _BETWEEN[1])).sum())
        sentences.append(
            f"γ = {gamma:g}: {counts}; the composed share of a seed's answers is {middle:.2f} in the median, "
            f"{low:.2f} to {high:.2f} in the middle half of the seeds, and between {_BETWEEN[0]:g} and "
            f"{_BETWEEN[1]:g} in {between} of {len(shares)}."
        )
    sentences.append(_of_rank(dataset))
    return tuple(sentences)


def _of_rank(dataset: xr.Dataset) -> str:
    """Whether the rank tells the seeds of one γ apart, which γ itself cannot."""
    final = dataset.isel(step=-1)
    converged = (dataset["phase"] != NOT_CONVERGED).values.ravel()
    rank = final["stable_rank"].sel(layer=QUERY).transpose("gamma", "seed").values.ravel()[converged]
    composed = final["accuracy"].sel(group="inferential").transpose("gamma", "seed").values.ravel()[converged]
    gamma = np.repeat(dataset["gamma"].values, dataset.sizes["seed"])[converged]
    effect = rank_correlation(rank, composed, gamma, level=LEVEL)
    if not np.isfinite(effect.estimate):
        return "Too few runs converged to say what the rank tells of seeds at one γ."
    return (
        f"Within one γ, Spearman's correlation of the stable rank of the first block's query matrix with the "
        f"composed share is {effect.estimate:+.2f} ({effect.low:+.2f} to {effect.high:+.2f}, p = "
        f"{effect.p:.2g} by permutation, {effect.n} converged runs)."
    )

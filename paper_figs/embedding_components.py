"""Token embeddings on their principal components, at small and at large γ."""

from __future__ import annotations

import xarray as xr

from lowcomplex import plots
from paper_figs._figure import Figure
from paper_figs._words import ends


def caption(dataset: xr.Dataset) -> str:
    """What is drawn."""
    table = plots.component_table(dataset)
    shares = table.groupby("gamma")[["share_1", "share_2"]].first().sum(axis=1)
    return (
        f"Embeddings of the keys on their first two principal components after training at {ends(dataset)}, "
        f"seed {dataset['seed'].values[0]}, colored by the token's value. Both components hold "
        + ", ".join(f"{share:.0%} of the variance at γ = {gamma:g}" for gamma, share in shares.items())
        + "."
    )


FIGURE = Figure("embedding_components", "anchor_gamma", caption, plots.plot_components, plots.component_table)

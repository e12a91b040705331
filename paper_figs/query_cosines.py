"""Cosines between the query matrix's neurons, at small and at large γ."""

from __future__ import annotations

import xarray as xr

from lowcomplex import plots
from paper_figs._figure import Figure
from paper_figs._words import ends


def caption(dataset: xr.Dataset) -> str:
    """What is drawn."""
    table = plots.cosine_table(dataset)
    pairs = table[table["row"] < table["column"]]
    shares = pairs.assign(parallel=pairs["cosine"].abs() > 0.7).groupby("gamma")["parallel"].mean()
    return (
        f"Cosines between the neurons of the first block's query matrix after training at {ends(dataset)}, "
        f"seed {dataset['seed'].values[0]}, neurons in clustered order. Pairs with |cos| > 0.7: "
        + ", ".join(f"{share:.1%} at γ = {gamma:g}" for gamma, share in shares.items())
        + "."
    )


FIGURE = Figure("query_cosines", "anchor_gamma", caption, plots.plot_cosines, plots.cosine_table)

"""P1, figure 12a,b: eigenvalues of the embeddings' covariance, over γ and in training."""

from __future__ import annotations

from functools import partial

import pandas as pd
import xarray as xr

from experiments.anchor.schema import NOT_CONVERGED
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs._judged import trend
from paper_figs._weights import LARGE, final_runs
from paper_figs._words import counted
from paper_figs.panels.runs import at_end
from paper_figs.panels.spectra import covariance_table, plot_covariance


def caption(dataset: xr.Dataset) -> str:
    """Eigenvalues of the embeddings' covariance over γ and over training, random ones dashed."""
    return (
        "Eigenvalues of the covariance of the key tokens' embeddings, as shares of the variance, mean of "
        f"{counted(dataset.sizes['seed'], 'seed')} (of runs that diverged, until they did). (a) After "
        "training, at each γ; dashed: at initialization, random. (b) In training, at large γ. Shares below "
        "1e-5 are drawn there."
    )


def finding(dataset: xr.Dataset) -> Finding:
    """The trend of the embeddings' dimension over γ, and its course in training."""
    last = at_end(dataset)["embedding_dimension"]
    runs = final_runs(dataset, {"embedding_dimension": last})
    words = "the embeddings' dimension (participation ratio)"
    falls = trend(runs, "gamma", words, "γ", expected=-1, value="embedding_dimension")
    return conclude([falls, *_in_training(dataset)])


def _in_training(dataset: xr.Dataset) -> list[Point]:
    """At large γ, does the dimension fall at first, as one eigenvalue grows, and rise as others follow?"""
    gammas = dataset["gamma"].values
    gamma = min(gammas, key=lambda own: abs(own - LARGE["gamma"]))
    time = dataset["embedding_dimension"].sel(gamma=gamma)
    course = time.where(dataset["phase"].sel(gamma=gamma) != NOT_CONVERGED, drop=True)
    if not course.sizes["seed"]:
        return [Point("open", f"no run converged at γ = {gamma:g}")]
    runs = course.transpose("seed", ...).values
    lowest, mean = runs.min(1), runs.mean(0)
    turned, least = int(((lowest < runs[:, 0]) & (lowest < runs[:, -1])).sum()), int(mean.argmin())
    words = (
        f"in training at γ = {gamma:g} it first fell and then rose in {turned} of {len(runs)} runs, on "
        f"average from {mean[0]:.1f} at the start to {mean[-1]:.1f} at the end"
    )
    if least < len(mean) - 1:
        words += f", lowest ({mean[least]:.1f}) after {float(course['fraction'][least]):.0%} of training"
    return [Point("yes" if turned == len(runs) else "no" if turned == 0 else "open", words)]


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """The eigenvalues at every γ and time."""
    return covariance_table(dataset)


FIGURE = Figure(
    "p1_fig12ab_embedding_covariance",
    "anchor_gamma",
    caption,
    partial(plot_covariance, gamma=LARGE["gamma"]),
    numbers,
    claim=Claim(
        "P1, figure 12: as γ grows fewer eigenvalues of the embeddings' covariance are large, and at large "
        "γ training first enlarges the largest, then the others.",
        row="P1 12a,b",
    ),
    finding=finding,
    order=390,
)

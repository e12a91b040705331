"""Answers and complexity over the learning rate and γ."""

import xarray as xr

from experiments._anchor_findings import NOT_CONVERGED, answers
from experiments._anchor_study import PAPER, PAPER_GAMMAS, SEEDS, anchor_study
from experiments.statistics.neighbors import ordering


def findings(dataset: xr.Dataset) -> tuple[str, ...]:
    """What the sweep shows, in sentences computed from it."""
    return (*answers(dataset), *(_ordering(dataset, group) for group in ("inferential", "symmetric")))


def _ordering(dataset: xr.Dataset, group: str) -> str:
    final = dataset["accuracy"].isel(fraction=-1).sel(group=group, drop=True)
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


STUDY = anchor_study(
    name="anchor_learning_rate",
    title="Is the effect that of γ, or of the learning rate?",
    dimensions=(
        "learning_rate",
        "gamma",
        "seed",
    ),
    findings=findings,
    quick={"learning_rate": (1.5e-3, 6e-3), "gamma": (0.8,), "seed": (100,)},
    full={
        "learning_rate": (7.5e-4, 1.5e-3, 3e-3, 6e-3),
        "gamma": (0.5, 0.6, 0.7, 0.8, 0.9),
        "seed": SEEDS,
    },
    paper=PAPER
    | {
        "learning_rate": (1e-4, 2.5e-4, 5e-4),
        "gamma": PAPER_GAMMAS,
        "seed": SEEDS,
    },
)

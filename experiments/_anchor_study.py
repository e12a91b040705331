"""What the studies of the anchor task share: one store of runs, and what is kept of them for figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import xarray as xr

from experiments._anchor_run import AnchorConfig, measure
from experiments._study import Study, single_precision

# Of one run they say enough, and of all runs they would outweigh everything else.
_LARGE = ("singular_values", "query_weight", "token_embedding")

# None was used before the hypotheses were registered.
SEEDS = (100, 101, 102)
PAPER_GAMMAS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

# Zhang et al., NeurIPS 2024: 210 epochs of 15 x 50,625 sequences in batches of 2,048, the rate warmed up
# 25-fold from 1e-5 over 10 epochs and brought back to 1e-5 along a cosine.
PAPER: dict[str, Any] = {
    "width": 400,
    "head_width": 200,
    "feedforward": 1200,
    "norm": "post",
    "activation": "gelu",
    "modulus": 7,
    "sequences": 50_625,
    "steps": 210 * (15 * 50_625 // 2048),
    "batch": 2048,
    "learning_rate": 2.5e-4,
    "weight_decay": 0.01,
    "warmup": 10 / 210,
    "floor": 0.04,
}


def anchor_study(
    name: str,
    title: str,
    dimensions: tuple[str, ...],
    findings: Callable[[xr.Dataset], tuple[str, ...]],
    *,
    quick: Mapping[str, Any],
    full: Mapping[str, Any],
    paper: Mapping[str, Any],
    reduce: Callable[[xr.Dataset], xr.Dataset] | None = None,
    routine: bool = False,
) -> Study:
    """A study whose runs are those of `experiments._anchor_run`, in the store of all such studies."""
    return Study(
        name=name,
        title=title,
        config=AnchorConfig,
        measure=measure,
        presets={"quick": quick, "full": full, "paper": paper},
        dimensions=dimensions,
        findings=findings,
        reduce=small if reduce is None else reduce,
        resumable=True,
        store="anchor",
        routine=routine,
    )


def small(dataset: xr.Dataset) -> xr.Dataset:
    """Single precision, and the large arrays of the first seed alone."""
    kept = {name: dataset[name].isel(seed=0, drop=True) for name in _LARGE if name in dataset}
    return single_precision(dataset.assign(kept))


def by_step(dataset: xr.Dataset) -> xr.Dataset:
    """Single precision and nothing left out, along the steps, which all runs share."""
    return single_precision(dataset).swap_dims(fraction="step")

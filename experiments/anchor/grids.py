"""The studies of the anchor task: what each sweeps, what is kept of its runs, and what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import xarray as xr

from experiments._findings import Finding
from experiments._study import Study, single_precision
from experiments.anchor import mechanism
from experiments.anchor.config import AnchorConfig, MechanismConfig
from experiments.anchor.findings import answers, of_mechanism, over_gamma, over_learning_rate
from experiments.anchor.run import measure
from experiments.anchor.schema import FRACTIONS

# None was used before the hypotheses were registered.
SEEDS = (100, 101, 102)
PAPER_GAMMAS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
PARTS = ("none", "embedding", "query-key", "value-output", "feedforward", "all")

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

# One run of these suffices; those of all runs would outweigh everything else.
_LARGE = ("singular_values", "query_weight", "token_embedding")
_LARGE_OF_MECHANISM = ("coordinate", "component_share", "value_cosine", "result_cosine", "pair_cosine")


def small(dataset: xr.Dataset) -> xr.Dataset:
    """Single precision, and the large arrays of the first seed alone."""
    return _first_seed_alone(dataset, _LARGE)


def by_length(dataset: xr.Dataset) -> xr.Dataset:
    """As `small`, with runs of different lengths aligned by the fraction of their updates."""
    lengths = dataset["steps"].values
    runs = [
        dataset.sel(steps=length, step=[round(fraction * length) for fraction in FRACTIONS]).drop_vars("step")
        for length in lengths
    ]
    joined = xr.concat(runs, dim="steps", data_vars="all", coords="minimal", compat="override")
    return small(joined.assign_coords(fraction=("step", list(FRACTIONS))))


def by_data(dataset: xr.Dataset) -> xr.Dataset:
    """As `small`, with the number of sequences as text, since fresh ones have none."""
    named = ["fresh" if number is None else f"{number:,}" for number in dataset["sequences"].values]
    return small(dataset.assign_coords(sequences=named))


def of_one_run(dataset: xr.Dataset) -> xr.Dataset:
    """Single precision; arrays that figures draw of one run are kept of the first seed alone."""
    return _first_seed_alone(dataset, _LARGE_OF_MECHANISM)


def _first_seed_alone(dataset: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    kept = {name: dataset[name].isel(seed=0, drop=True) for name in names if name in dataset}
    return single_precision(dataset.assign(kept))


def _study(
    order: int,
    name: str,
    title: str,
    dimensions: tuple[str, ...],
    *,
    quick: Mapping[str, Any],
    full: Mapping[str, Any],
    paper: Mapping[str, Any],
    fixed: Mapping[str, Any] | None = None,
    findings: Callable[[xr.Dataset], tuple[Finding, ...]] = answers,
    reduce: Callable[[xr.Dataset], xr.Dataset] = small,
    seconds: float = 70.0,
    routine: bool = False,
) -> Study:
    """A row: its runs are those of `experiments.anchor.run`, in the store of all such studies."""
    fixed = fixed or {}
    grids = {"quick": {**fixed, **quick}, "full": {**fixed, **full}, "paper": {**PAPER, **fixed, **paper}}
    return Study(
        name=name,
        title=title,
        config=AnchorConfig,
        measure=measure,
        presets=grids,
        dimensions=dimensions,
        findings=findings,
        order=order,
        seconds=seconds,
        reduce=reduce,
        resumable=True,
        store="anchor",
        routine=routine,
    )


STUDIES = (
    # The central question of Zhang, Lin, Wang, Zhang, Xu (NeurIPS 2024, figure 2) at reduced scale: three
    # blocks, every matrix at γ, trained on fresh sequences that never hold the pair (4, 3).
    _study(
        100,
        "anchor_gamma",
        "Does a transformer compose anchor functions or memorize pairs, over γ?",
        ("gamma", "seed"),
        quick={"gamma": (0.4, 0.6, 0.8, 0.9), "seed": (100, 101, 102)},
        full={"gamma": (0.4, 0.5, 0.6, 0.7, 0.8, 0.9), "seed": tuple(range(100, 108))},
        paper={"gamma": PAPER_GAMMAS, "seed": SEEDS},
        findings=over_gamma,
        reduce=single_precision,
        routine=True,
    ),
    # Zhang et al., NeurIPS 2024, figures 2a,b, 10, 11.
    _study(
        110,
        "anchor_depth",
        "Does depth change what γ does?",
        ("depth", "gamma", "seed"),
        quick={"depth": (2, 3), "gamma": (0.5, 0.8), "seed": (100,)},
        full={"depth": (2, 3, 4), "gamma": (0.5, 0.7, 0.8, 0.9), "seed": SEEDS},
        paper={"depth": (2, 3, 4, 5, 6, 7), "gamma": PAPER_GAMMAS, "seed": SEEDS},
    ),
    # Four blocks of four heads, GELU, blocks scaled down (Zhang et al., NeurIPS 2024, figure 2c). Scaled-down
    # blocks start smaller at every γ than those of the other studies, hence γ below 1/2.
    _study(
        120,
        "anchor_heads",
        "Does a multi-head model in the style of GPT-2 do the same?",
        ("gamma", "seed"),
        fixed={"depth": 4, "heads": 4, "head_width": 16, "activation": "gelu", "residual_scaling": True},
        quick={"gamma": (0.8,), "seed": (100,)},
        full={"gamma": (0.3, 0.4, 0.5, 0.7, 0.8, 0.9), "seed": SEEDS},
        paper={
            "gamma": PAPER_GAMMAS,
            "seed": SEEDS,
            "depth": 12,
            "heads": 12,
            "head_width": 64,
            "width": 768,
            "feedforward": 3072,
        },
        seconds=100.0,
    ),
    # With the exception (3, 4) trained.
    _study(
        130,
        "anchor_weight_decay",
        "Does weight decay act as γ does?",
        ("weight_decay", "gamma", "seed"),
        quick={"weight_decay": (0.01, 1.0), "gamma": (0.6,), "seed": (100,)},
        full={"weight_decay": (0.0, 0.01, 0.1, 1.0, 3.0), "gamma": (0.5, 0.6, 0.7, 0.8), "seed": SEEDS},
        paper={"weight_decay": (0.0, 0.01, 0.1, 1.0), "gamma": PAPER_GAMMAS, "seed": SEEDS},
    ),
    _study(
        140,
        "anchor_learning_rate",
        "Is the effect that of γ, or of the learning rate?",
        ("learning_rate", "gamma", "seed"),
        quick={"learning_rate": (1.5e-3, 6e-3), "gamma": (0.8,), "seed": (100,)},
        full={
            "learning_rate": (7.5e-4, 1.5e-3, 3e-3, 6e-3),
            "gamma": (0.5, 0.6, 0.7, 0.8, 0.9),
            "seed": SEEDS,
        },
        paper={"learning_rate": (1e-4, 2.5e-4, 5e-4), "gamma": PAPER_GAMMAS, "seed": SEEDS},
        findings=over_learning_rate,
    ),
    _study(
        150,
        "anchor_steps",
        "Is the effect that of γ, or of the number of steps?",
        ("steps", "gamma", "seed"),
        quick={"steps": (1000, 2000), "gamma": (0.8,), "seed": (100,)},
        full={"steps": (1000, 2000, 4000), "gamma": (0.7, 0.8, 0.9), "seed": SEEDS},
        paper={"steps": (19_500, 39_000, 78_000), "gamma": (0.5, 0.8), "seed": SEEDS},
        reduce=by_length,
        seconds=90.0,
    ),
    # Three blocks at γ = 1/2, both (3, 4) and (4, 3) unseen (Zhang et al., NeurIPS 2024, figures 14-16).
    _study(
        160,
        "anchor_rate_decay",
        "What do learning rate and weight decay do at γ = 1/2?",
        ("learning_rate", "weight_decay", "seed"),
        fixed={"gamma": 0.5, "rule": "inferential", "unseen": (((3, 4), (4, 3)),)},
        quick={"learning_rate": (1.5e-3,), "weight_decay": (0.01, 1.0), "seed": (100,)},
        full={"learning_rate": (7.5e-4, 1.5e-3, 3e-3), "weight_decay": (0.01, 0.1, 1.0), "seed": SEEDS},
        paper={
            "learning_rate": (5e-5, 1e-4, 2e-4, 4e-4, 6e-4),
            "weight_decay": (0.003, 0.01, 0.03, 0.1, 0.3),
            "seed": SEEDS,
        },
    ),
    # No exception to mirror (Zhang et al., TPAMI 2025, figures 3A,B and 5A-C).
    _study(
        170,
        "anchor_both_unseen",
        "With both (3, 4) and (4, 3) unseen, what do γ and weight decay do?",
        ("weight_decay", "gamma", "seed"),
        fixed={"rule": "inferential", "unseen": (((3, 4), (4, 3)),)},
        quick={"weight_decay": (0.01,), "gamma": (0.5, 0.8), "seed": (100,)},
        full={"weight_decay": (0.0, 0.01, 0.1, 1.0), "gamma": (0.5, 0.7, 0.8, 0.9), "seed": SEEDS},
        paper={
            "weight_decay": (0.0, 0.01, 0.1, 1.0),
            "gamma": PAPER_GAMMAS,
            "seed": SEEDS,
            "width": 640,
            "feedforward": 1280,
            "heads": 10,
            "head_width": 64,
            "depth": 10,
            "norm": "pre",
            "residual_scaling": True,
            "sequences": 11_250,
            "steps": 1050 * (14 * 11_250 // 2048),
            "warmup": 10 / 1050,
        },
    ),
    # One part of the network at γ, the others at 1/2.
    _study(
        180,
        "anchor_parts",
        "Which part's γ carries the effect?",
        ("part", "gamma", "seed"),
        quick={"part": ("query-key",), "gamma": (0.8,), "seed": (100,)},
        full={"part": PARTS, "gamma": (0.8,), "seed": SEEDS},
        paper={"part": PARTS, "gamma": (0.8,), "seed": SEEDS},
    ),
    # Anchors that shift and reflect the circle of keys, no two of which commute, beside translations.
    _study(
        190,
        "anchor_non_commuting",
        "Does the effect of γ persist where the order of composition matters?",
        ("functions", "gamma", "seed"),
        quick={"functions": ("dihedral",), "gamma": (0.5, 0.8), "seed": (100,)},
        full={
            "functions": ("translations", "dihedral"),
            "gamma": (0.5, 0.6, 0.7, 0.8, 0.9),
            "seed": (100, 101, 102, 103, 104),
        },
        paper={"functions": ("translations", "cyclic", "dihedral"), "gamma": PAPER_GAMMAS, "seed": SEEDS},
    ),
    # Steps to a loss and an accuracy over noise groups and depth (Zhang et al., TPAMI 2025, figure 8).
    _study(
        200,
        "anchor_data_complexity",
        "How long do more complex data take to learn?",
        ("noise_groups", "depth", "gamma", "seed"),
        fixed={"rule": "inferential", "unseen": ((),)},
        quick={"noise_groups": (0, 5), "depth": (2,), "gamma": (0.8,), "seed": (100,)},
        full={"noise_groups": (0, 1, 5), "depth": (2, 3, 4), "gamma": (0.8,), "seed": SEEDS},
        paper={"noise_groups": (0, 1, 5), "depth": (2, 3, 4), "gamma": (0.5, 0.8), "seed": SEEDS},
    ),
    # A fixed number of sequences per pair beside fresh ones.
    _study(
        210,
        "anchor_finite_data",
        "Do fixed training sequences change what γ does?",
        ("sequences", "gamma", "seed"),
        quick={"sequences": (100,), "gamma": (0.8,), "seed": (100,)},
        full={"sequences": (100, 1000, None), "gamma": (0.5, 0.8), "seed": SEEDS},
        paper={"sequences": (5_000, 50_625, None), "gamma": (0.5, 0.8), "seed": SEEDS},
        reduce=by_data,
    ),
    # Words of three anchors; those in which 4 is followed by 3 are never trained. Three translations would
    # leave the vocabulary; around the circle of keys they do not.
    _study(
        220,
        "anchor_three",
        "Do three anchors compose?",
        ("gamma", "seed"),
        fixed={"anchors": 3, "functions": "cyclic"},
        quick={"gamma": (0.8,), "seed": (100,)},
        full={"gamma": (0.5, 0.8), "seed": SEEDS},
        paper={"gamma": PAPER_GAMMAS, "seed": SEEDS},
    ),
    # Test keys modulo 7, as the paper's text has it, beside modulo 9, as its code has it.
    _study(
        230,
        "anchor_key_split",
        "Does the split of the keys change what γ does?",
        ("modulus", "gamma", "seed"),
        quick={"modulus": (7,), "gamma": (0.8,), "seed": (100,)},
        full={"modulus": (7, 9), "gamma": (0.5, 0.8), "seed": SEEDS},
        paper={"modulus": (7, 9), "gamma": (0.5, 0.8), "seed": SEEDS},
    ),
    Study(
        name="anchor_mechanism",
        title="How do transformers compute composed and memorized answers?",
        config=MechanismConfig,
        measure=mechanism.measure,
        presets={
            "quick": {"depth": (2,), "gamma": (0.5, 0.8), "seed": SEEDS[:1]},
            "full": {"depth": (2, 3), "gamma": (0.5, 0.8), "seed": SEEDS},
            "paper": PAPER | {"depth": (2,), "gamma": (0.5, 0.8), "seed": SEEDS},
        },
        dimensions=("depth", "gamma", "seed"),
        findings=of_mechanism,
        order=400,
        seconds=70.0,
        reduce=of_one_run,
        resumable=True,
        routine=False,
    ),
)

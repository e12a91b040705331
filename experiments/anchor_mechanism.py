"""How trained transformers compute their answers on the anchor task, at usual and at small initialization.

Where attention goes and what each edge carries (Zhang et al., NeurIPS 2024, figure 3), what representations
stand for (figures 3b, 4; and figure 4C,D of the same authors' 2501.08537).
"""

from __future__ import annotations

import itertools
from pathlib import Path

import xarray as xr

from experiments._anchor_findings import NOT_CONVERGED, spread
from experiments._anchor_flow import attention_mass, edge_importance, sequences
from experiments._anchor_representations import Representations
from experiments._anchor_run import AnchorConfig, stream, trained
from experiments._anchor_study import PAPER, SEEDS
from experiments._study import Study, single_precision
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorTask

_SAMPLES = 400
_LARGE = ("coordinate", "component_share", "value_cosine", "result_cosine", "pair_cosine")


class MechanismConfig(AnchorConfig):
    """One training run that is looked into at its end."""


def measure(config: MechanismConfig, checkpoint: Path | None = None) -> xr.Dataset:
    """Train one network and look into it."""
    run = trained(config, checkpoint)
    if run.result.diverged_at is None:
        record = mechanism(run.model, run.task, config.seed)
        return record.assign(phase=run.quantities.answers().phase)
    # The shapes of what an untrained network computes, without its numbers.
    record = mechanism(config.model(stream(config.seed, 0)), run.task, config.seed)
    return xr.full_like(record, float("nan")).assign(phase=NOT_CONVERGED)


def mechanism(model: Transformer, task: AnchorTask, seed: int) -> xr.Dataset:
    """Flow, edges and representations of one network, on sequences that its training did not choose.

    Args:
        model: The network.
        task: Its task, with two anchors.
        seed: Of the sequences.

    Returns:
        The variables of the study's dataset for one run, but `phase`.
    """
    generator = stream(seed, 3)
    seen, unseen = sequences(task, generator, _SAMPLES)
    accuracy, importance = edge_importance(model, task, seen, unseen)
    found = Representations(model, task, generator)
    flow = {
        "accuracy": accuracy,
        "attention_mass": attention_mass(model, seen),
        "edge_importance": importance,
    }
    return xr.merge([xr.Dataset(flow), found.scores(), found.heat_maps(), found.components()])


def findings(dataset: xr.Dataset) -> tuple[str, ...]:
    """What the runs show, in sentences computed from them."""
    cells = itertools.product(dataset["depth"].values, dataset["gamma"].values)
    return (
        f"{dataset['phase'].size} transformers were looked into, {dataset.sizes['seed']} a cell, which is "
        "what ranges are over.",
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
    anchors = ["first anchor", "second anchor"]
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


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """Single precision, and what is drawn of one run for the first seed alone."""
    return single_precision(dataset.assign({name: dataset[name].isel(seed=0, drop=True) for name in _LARGE}))


STUDY = Study(
    name="anchor_mechanism",
    title="How do transformers compute composed and memorized answers?",
    config=MechanismConfig,
    measure=measure,
    presets={
        "quick": {"depth": (2,), "gamma": (0.5, 0.8), "seed": SEEDS[:1]},
        "full": {"depth": (2, 3), "gamma": (0.5, 0.8), "seed": SEEDS},
        "paper": PAPER | {"depth": (2,), "gamma": (0.5, 0.8), "seed": SEEDS},
    },
    dimensions=("depth", "gamma", "seed"),
    findings=findings,
    reduce=reduce,
    resumable=True,
    routine=False,
)

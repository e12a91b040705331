"""How a trained transformer computes its answers on the anchor task.

Where attention goes and what each edge carries (Zhang et al., NeurIPS 2024, figure 3), what representations
stand for (figures 3b, 4; and figure 4C,D of the same authors' 2501.08537).
"""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from experiments._recipe import stream
from experiments.anchor.config import MechanismConfig
from experiments.anchor.flow import attention_mass, edge_importance, sequences
from experiments.anchor.representations import Representations
from experiments.anchor.run import trained
from experiments.anchor.schema import NOT_CONVERGED
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorTask

_SAMPLES = 400


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
        seed: Seed of the sequences.

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

"""SCAN: commands with "turn left", from "turn left" alone, by how networks start and decay.

After Zhang, Lin, Wang, Zhang, Xu (NeurIPS 2024), figure 6, which compares a small initialization with large
weight decay to the reverse over the size of the data. Their network reads all of SCAN; at reduced scale the
commands have at most 8 actions (6,181 training examples and 704 test commands are left of 21,890 and 1,208).
"""

from __future__ import annotations

from pathlib import Path

import torch
import xarray as xr

from experiments._anchor_run import stream
from experiments._sequence_findings import findings
from experiments._sequence_run import ARMS, EVALUATED, PAPER, SequenceConfig, run
from experiments._study import Study, single_precision
from lowcomplex.tasks import ScanTask
from lowcomplex.tasks.scan import MOST_ACTIONS, Split


class ScanConfig(SequenceConfig):
    """One training run."""

    split: Split = "addprim_turn_left"
    most_actions: int = 8
    steps: int = 1500


def measure(config: ScanConfig, checkpoint: Path | None = None) -> xr.Dataset:
    """Train one network on some of the training examples, and ask it the others and the test commands."""
    task = ScanTask(config.split, config.most_actions)
    choice = stream(config.seed, 2)
    chosen, rest = task.divide(config.examples, choice)
    model = config.model(task.vocabulary, task.length, stream(config.seed, 0))
    tests = {
        "in_distribution": task.batch(_some(rest, choice)),
        "out_of_distribution": task.batch(_some(task.test, choice)),
    }
    record = run(config, model, task.batch(chosen), tests, checkpoint)
    return record.assign_attrs(most_actions=config.most_actions)


def _some(indices: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return indices[torch.randperm(len(indices), generator=generator)[:EVALUATED]]


STUDY = Study(
    name="scan_generalization",
    title='Does a network that knows "turn left" alone compose it, by its initialization and weight decay?',
    config=ScanConfig,
    measure=measure,
    presets={
        "quick": {"arm": ARMS, "examples": (4000,), "seed": (0,)},
        "full": {"arm": ARMS, "examples": (1000, 2000, 4000), "seed": (0, 1, 2)},
        "paper": PAPER
        | {
            "arm": ARMS,
            "examples": (2_000, 5_000, 10_000, 20_000),
            "seed": (0, 1, 2),
            "most_actions": MOST_ACTIONS,
            "steps": 20_000,
        },
    },
    dimensions=("arm", "examples", "seed"),
    findings=findings,
    reduce=single_precision,
    resumable=True,
    routine=False,
)

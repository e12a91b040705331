"""Two-digit addition with a block of operands held out, by how networks start and decay.

After Zhang, Lin, Wang, Zhang, Xu (NeurIPS 2024), figure 17a. The pairs with both operands in 40..59 are never
trained: no tens of 4 or 5 meet each other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from experiments._anchor_run import stream
from experiments._sequence_findings import findings
from experiments._sequence_run import ARMS, EVALUATED, PAPER, SequenceConfig, run
from experiments._study import Study, single_precision
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AdditionTask, exact_answers


class AdditionConfig(SequenceConfig):
    """One training run."""

    block: tuple[int, int] = (40, 60)
    units_first: bool = False
    steps: int = 1800


def measure(config: AdditionConfig, checkpoint: Path | None = None) -> xr.Dataset:
    """Train one network on some pairs outside the block, and ask it the others and the block."""
    task = AdditionTask(config.block, config.units_first)
    choice = stream(config.seed, 2)
    chosen, rest = task.divide(config.examples, choice)
    some = rest[torch.randperm(len(rest), generator=choice)[:EVALUATED]]
    tests = {"in_distribution": task.batch(some), "held_out_block": task.batch(task.test)}
    model = config.model(task.vocabulary, task.length, stream(config.seed, 0))
    record = run(config, model, task.batch(chosen), tests, checkpoint)
    finite = int(record["diverged_at"]) < 0
    tens = _accuracy_by_tens(model, task) if finite else np.full((10, 10), np.nan)
    first, last = config.block
    record = record.assign(accuracy_by_tens=(("first_tens", "second_tens"), tens))
    return record.assign_coords(first_tens=range(10), second_tens=range(10)).assign_attrs(
        block_first=first, block_last=last
    )


@torch.no_grad()
def _accuracy_by_tens(model: Transformer, task: AdditionTask) -> np.ndarray:
    """(10, 10) share of all sums that are right, trained ones included, by the tens of both operands."""
    pairs = task.batch(torch.arange(100 * 100))
    right = exact_answers(model(pairs.tokens), pairs.labels).double()
    shares: np.ndarray = right.view(10, 10, 10, 10).mean((1, 3)).numpy()
    return shares


STUDY = Study(
    name="addition_block",
    title="Does a network add numbers of a block that it never saw, by its initialization and weight decay?",
    config=AdditionConfig,
    measure=measure,
    presets={
        "quick": {"arm": ARMS, "examples": (4000,), "seed": (0,)},
        "full": {"arm": ARMS, "examples": (1000, 2000, 4000, 8000), "seed": (0, 1, 2, 3)},
        "paper": PAPER
        | {"arm": ARMS, "examples": (1000, 2000, 4000, 8000), "seed": (0, 1, 2), "steps": 20_000},
    },
    dimensions=("arm", "examples", "seed"),
    findings=findings,
    reduce=single_precision,
    resumable=True,
    routine=False,
)

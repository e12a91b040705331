"""The three tasks: what a run is trained on, and which questions it is asked besides.

After Zhang, Lin, Wang, Zhang, Xu (NeurIPS 2024).

Addition, figure 17a: pairs with both operands in 40..59 are never trained: no tens of 4 or 5 meet each other.

SCAN, figure 6, which compares a small initialization with large weight decay to the reverse over the size of
the data. Their network reads all of SCAN; at reduced scale the commands have at most 8 actions (6,181
training examples and 704 test commands are left of 21,890 and 1,208).

Ontologies, figure 7, which shows on PrOntoQA how many steps a small initialization with large weight decay
and the reverse take to converge, and their accuracy, over the size of the data; its small start has γ = 0.7
and decay 0.1, its large one γ = 0.5 and 0.01, as here. The ontologies here are our own and smaller (four
rules a question, chains of one or two trained), and the answer holds the proof. One head learned these slowly
in trials; hence four.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from experiments._recipe import stream
from experiments.sequences.config import AdditionConfig, OntologyConfig, ScanConfig
from experiments.sequences.run import EVALUATED, run
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AdditionTask, OntologyTask, ScanTask, exact_answers


def addition(config: AdditionConfig, checkpoint: Path | None = None) -> xr.Dataset:
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


def scan(config: ScanConfig, checkpoint: Path | None = None) -> xr.Dataset:
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


def ontology(config: OntologyConfig, checkpoint: Path | None = None) -> xr.Dataset:
    """Train one network, and ask it new questions, some with rules that it never saw, or longer chains."""
    task = OntologyTask(config.concepts, config.rules, config.hops, config.longer)
    choice = stream(config.seed, 2)
    examples = task.sample(config.examples, choice)
    tests = {
        "in_distribution": task.sample(EVALUATED, choice),
        "unseen_rules": task.sample(EVALUATED, choice, part="unseen_rules"),
        "longer_chains": task.sample(EVALUATED, choice, part="longer"),
    }
    model = config.model(task.vocabulary, task.length, stream(config.seed, 0))
    return run(config, model, examples, tests, checkpoint)

"""Chains of properties in small invented ontologies, by how networks start and decay.

After Zhang, Lin, Wang, Zhang, Xu (NeurIPS 2024), figure 7, which shows on PrOntoQA how many steps a small
initialization with large weight decay and the reverse take to converge, and their accuracy, over the size of
the data; its small start has γ = 0.7 and decay 0.1, its large one γ = 0.5 and 0.01, as here. The ontologies
here are our own and smaller (four rules a question, chains of one or two trained), and the answer holds the
proof. One head learned these slowly in trials; hence four.
"""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from experiments._anchor_run import stream
from experiments._sequence_findings import findings
from experiments._sequence_run import ARMS, EVALUATED, PAPER, SequenceConfig, run
from experiments._study import Study, single_precision
from lowcomplex.tasks import OntologyTask


class OntologyConfig(SequenceConfig):
    """One training run."""

    small_gamma: float = 0.7
    small_decay: float = 0.1
    concepts: int = 8
    rules: int = 4
    hops: int = 2
    longer: int = 1
    heads: int = 4
    head_width: int = 16
    steps: int = 2400
    learning_rate: float = 3e-3
    warmup: float = 0.2


def measure(config: OntologyConfig, checkpoint: Path | None = None) -> xr.Dataset:
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


STUDY = Study(
    name="ontology_reasoning",
    title="Does a network follow rules that it never saw, by its initialization and weight decay?",
    config=OntologyConfig,
    measure=measure,
    presets={
        "quick": {"arm": ARMS, "examples": (4000,), "seed": (0,)},
        "full": {"arm": ARMS, "examples": (1000, 4000, 16_000), "seed": (0, 1, 2)},
        "paper": PAPER
        | {
            "arm": ARMS,
            "examples": (5_000, 20_000, 80_000),
            "seed": (0, 1, 2),
            "concepts": 12,
            "rules": 8,
            "hops": 4,
            "longer": 2,
            "steps": 20_000,
        },
    },
    dimensions=("arm", "examples", "seed"),
    findings=findings,
    reduce=single_precision,
    resumable=True,
    routine=False,
)

"""The studies of the tasks whose answers are sequences: both arms, over the number of examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from experiments._study import Study, single_precision
from experiments.sequences.config import AdditionConfig, OntologyConfig, ScanConfig, SequenceConfig
from experiments.sequences.findings import findings
from experiments.sequences.schema import ARMS
from experiments.sequences.tasks import addition, ontology, scan
from lowcomplex.tasks.scan import MOST_ACTIONS

# The first network of Zhang et al. (NeurIPS 2024), on the anchor task; their decay and rate for these tasks
# are not known here, so that its two arms differ as ours do.
PAPER: dict[str, Any] = {
    "depth": 4,
    "width": 400,
    "heads": 1,
    "head_width": 200,
    "feedforward": 1200,
    "norm": "post",
    "activation": "gelu",
    "batch": 2048,
    "learning_rate": 2.5e-4,
    "warmup": 10 / 210,
    "floor": 0.04,
}


def _study(
    order: int,
    name: str,
    title: str,
    config: type[SequenceConfig],
    measure: Callable[..., Any],
    *,
    quick: Mapping[str, Any],
    full: Mapping[str, Any],
    paper: Mapping[str, Any],
    seconds: float,
) -> Study:
    """A row: both arms, at each number of examples."""
    arms = {"arm": ARMS}
    return Study(
        name=name,
        title=title,
        config=config,
        measure=measure,
        presets={"quick": {**arms, **quick}, "full": {**arms, **full}, "paper": {**PAPER, **arms, **paper}},
        dimensions=("arm", "examples", "seed"),
        findings=findings,
        order=order,
        seconds=seconds,
        reduce=single_precision,
        resumable=True,
        routine=False,
    )


STUDIES = (
    _study(
        300,
        "addition_block",
        "Does a network add numbers of a block that it never saw, by its initialization and weight decay?",
        AdditionConfig,
        addition,
        quick={"examples": (4000,), "seed": (0,)},
        full={"examples": (1000, 2000, 4000, 8000), "seed": (0, 1, 2, 3)},
        paper={"examples": (1000, 2000, 4000, 8000), "seed": (0, 1, 2), "steps": 20_000},
        seconds=33.0,
    ),
    _study(
        310,
        "scan_generalization",
        'Does a network that knows "turn left" alone compose it, by its initialization and weight decay?',
        ScanConfig,
        scan,
        quick={"examples": (4000,), "seed": (0,)},
        full={"examples": (1000, 2000, 4000), "seed": (0, 1, 2)},
        paper={
            "examples": (2_000, 5_000, 10_000, 20_000),
            "seed": (0, 1, 2),
            "most_actions": MOST_ACTIONS,
            "steps": 20_000,
        },
        seconds=55.0,
    ),
    _study(
        320,
        "ontology_reasoning",
        "Does a network follow rules that it never saw, by its initialization and weight decay?",
        OntologyConfig,
        ontology,
        quick={"examples": (4000,), "seed": (0,)},
        full={"examples": (1000, 4000, 16_000), "seed": (0, 1, 2)},
        paper={
            "examples": (5_000, 20_000, 80_000),
            "seed": (0, 1, 2),
            "concepts": 12,
            "rules": 8,
            "hops": 4,
            "longer": 2,
            "steps": 20_000,
        },
        seconds=70.0,
    ),
)

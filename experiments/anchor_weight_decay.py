"""Answers and complexity over weight decay and γ, with the exception (3, 4) trained."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, PAPER_GAMMAS, SEEDS, anchor_study

STUDY = anchor_study(
    name="anchor_weight_decay",
    title="Does weight decay act as γ does?",
    dimensions=(
        "weight_decay",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"weight_decay": (0.01, 1.0), "gamma": (0.6,), "seed": (100,)},
    full={"weight_decay": (0.0, 0.01, 0.1, 1.0, 3.0), "gamma": (0.5, 0.6, 0.7, 0.8), "seed": SEEDS},
    paper=PAPER
    | {
        "weight_decay": (0.0, 0.01, 0.1, 1.0),
        "gamma": PAPER_GAMMAS,
        "seed": SEEDS,
    },
)

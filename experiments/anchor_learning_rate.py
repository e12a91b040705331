"""Answers and complexity over the learning rate and γ."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, PAPER_GAMMAS, SEEDS, anchor_study

STUDY = anchor_study(
    name="anchor_learning_rate",
    title="Is the effect that of γ, or of the learning rate?",
    dimensions=(
        "learning_rate",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"learning_rate": (1.5e-3, 6e-3), "gamma": (0.8,), "seed": (100,)},
    full={
        "learning_rate": (7.5e-4, 1.5e-3, 3e-3, 6e-3),
        "gamma": (0.5, 0.6, 0.7, 0.8, 0.9),
        "seed": SEEDS,
    },
    paper=PAPER
    | {
        "learning_rate": (1e-4, 2.5e-4, 5e-4),
        "gamma": PAPER_GAMMAS,
        "seed": SEEDS,
    },
)

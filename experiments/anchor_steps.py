"""Answers over the length of training and γ."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, SEEDS, anchor_study

STUDY = anchor_study(
    name="anchor_steps",
    title="Is the effect that of γ, or of the number of steps?",
    dimensions=(
        "steps",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"steps": (1000, 2000), "gamma": (0.8,), "seed": (100,)},
    full={"steps": (1000, 2000, 4000), "gamma": (0.7, 0.8, 0.9), "seed": SEEDS},
    paper=PAPER | {"steps": (19_500, 39_000, 78_000), "gamma": (0.5, 0.8), "seed": SEEDS},
)

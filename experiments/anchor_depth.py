"""Answers over depth and γ (Zhang et al., NeurIPS 2024, figures 2a,b, 10, 11)."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, PAPER_GAMMAS, SEEDS, anchor_study

STUDY = anchor_study(
    name="anchor_depth",
    title="Does depth change what γ does?",
    dimensions=(
        "depth",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"depth": (2, 3), "gamma": (0.5, 0.8), "seed": (100,)},
    full={"depth": (2, 3, 4), "gamma": (0.5, 0.7, 0.8, 0.9), "seed": SEEDS},
    paper=PAPER | {"depth": (2, 3, 4, 5, 6, 7), "gamma": PAPER_GAMMAS, "seed": SEEDS},
)

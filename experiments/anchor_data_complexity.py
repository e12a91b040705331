"""Steps to a loss and an accuracy over noise groups and depth (Zhang et al., TPAMI 2025, figure 8)."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, SEEDS, anchor_study

FIXED = {"rule": "inferential", "unseen": ((),)}
STUDY = anchor_study(
    name="anchor_data_complexity",
    title="How long do more complex data take to learn?",
    dimensions=(
        "noise_groups",
        "depth",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick=FIXED | {"noise_groups": (0, 5), "depth": (2,), "gamma": (0.8,), "seed": (100,)},
    full=FIXED | {"noise_groups": (0, 1, 5), "depth": (2, 3, 4), "gamma": (0.8,), "seed": SEEDS},
    paper=PAPER | FIXED | {"noise_groups": (0, 1, 5), "depth": (2, 3, 4), "gamma": (0.5, 0.8), "seed": SEEDS},
)

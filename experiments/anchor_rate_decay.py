"""Three blocks at γ = 1/2, both (3, 4) and (4, 3) unseen (Zhang et al., NeurIPS 2024, figures 14-16)."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, SEEDS, anchor_study

FIXED = {"gamma": 0.5, "rule": "inferential", "unseen": (((3, 4), (4, 3)),)}
STUDY = anchor_study(
    name="anchor_rate_decay",
    title="What do learning rate and weight decay do at γ = 1/2?",
    dimensions=(
        "learning_rate",
        "weight_decay",
        "seed",
    ),
    findings=answers,
    quick=FIXED | {"learning_rate": (1.5e-3,), "weight_decay": (0.01, 1.0), "seed": (100,)},
    full=FIXED | {"learning_rate": (7.5e-4, 1.5e-3, 3e-3), "weight_decay": (0.01, 0.1, 1.0), "seed": SEEDS},
    paper=PAPER
    | FIXED
    | {
        "learning_rate": (5e-5, 1e-4, 2e-4, 4e-4, 6e-4),
        "weight_decay": (0.003, 0.01, 0.03, 0.1, 0.3),
        "seed": SEEDS,
    },
)

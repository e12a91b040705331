"""Words of three anchors; those in which 4 is followed by 3 are never trained."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, PAPER_GAMMAS, SEEDS, anchor_study

# Three translations would leave the vocabulary; around the circle of keys they do not.
FIXED = {"anchors": 3, "functions": "cyclic"}
STUDY = anchor_study(
    name="anchor_three",
    title="Do three anchors compose?",
    dimensions=(
        "gamma",
        "seed",
    ),
    findings=answers,
    quick=FIXED | {"gamma": (0.8,), "seed": (100,)},
    full=FIXED | {"gamma": (0.5, 0.8), "seed": SEEDS},
    paper=PAPER | FIXED | {"gamma": PAPER_GAMMAS, "seed": SEEDS},
)

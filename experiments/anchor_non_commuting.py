"""Anchors that shift and reflect the circle of keys, no two of which commute, beside translations."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, PAPER_GAMMAS, SEEDS, anchor_study

STUDY = anchor_study(
    name="anchor_non_commuting",
    title="Does the effect of γ persist where the order of composition matters?",
    dimensions=(
        "functions",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"functions": ("dihedral",), "gamma": (0.5, 0.8), "seed": (100,)},
    full={
        "functions": ("translations", "dihedral"),
        "gamma": (0.5, 0.6, 0.7, 0.8, 0.9),
        "seed": (100, 101, 102, 103, 104),
    },
    paper=PAPER
    | {
        "functions": ("translations", "cyclic", "dihedral"),
        "gamma": PAPER_GAMMAS,
        "seed": SEEDS,
    },
)

"""One part of the network at γ, the others at 1/2."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, SEEDS, anchor_study

PARTS = ("none", "embedding", "query-key", "value-output", "feedforward", "all")
STUDY = anchor_study(
    name="anchor_parts",
    title="Which part's γ carries the effect?",
    dimensions=(
        "part",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"part": ("query-key",), "gamma": (0.8,), "seed": (100,)},
    full={
        "part": PARTS,
        "gamma": (0.8,),
        "seed": SEEDS,
    },
    paper=PAPER
    | {
        "part": PARTS,
        "gamma": (0.8,),
        "seed": SEEDS,
    },
)

"""A fixed number of sequences a pair beside fresh ones."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, SEEDS, anchor_study

STUDY = anchor_study(
    name="anchor_finite_data",
    title="Do fixed training sequences change what γ does?",
    dimensions=(
        "sequences",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"sequences": (1000,), "gamma": (0.8,), "seed": (100,)},
    full={"sequences": (100, 1000), "gamma": (0.5, 0.8), "seed": SEEDS},
    paper=PAPER | {"sequences": (5_000, 50_625), "gamma": (0.5, 0.8), "seed": SEEDS},
)

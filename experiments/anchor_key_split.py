"""Test keys modulo 7, as the paper's text has it, beside modulo 9, as its code has it."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, SEEDS, anchor_study

STUDY = anchor_study(
    name="anchor_key_split",
    title="Does the split of the keys change what γ does?",
    dimensions=(
        "modulus",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"modulus": (7,), "gamma": (0.8,), "seed": (100,)},
    full={"modulus": (7, 9), "gamma": (0.5, 0.8), "seed": SEEDS},
    paper=PAPER | {"modulus": (7, 9), "gamma": (0.5, 0.8), "seed": SEEDS},
)

"""Composition with no exception to mirror (Zhang et al., TPAMI 2025, figures 3A,B and 5A-C)."""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, PAPER_GAMMAS, SEEDS, anchor_study

FIXED = {"rule": "inferential", "unseen": (((3, 4), (4, 3)),)}
STUDY = anchor_study(
    name="anchor_both_unseen",
    title="With both (3, 4) and (4, 3) unseen, what do γ and weight decay do?",
    dimensions=(
        "weight_decay",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick=FIXED | {"weight_decay": (0.01,), "gamma": (0.5, 0.8), "seed": (100,)},
    full=FIXED | {"weight_decay": (0.0, 0.01, 0.1, 1.0), "gamma": (0.5, 0.7, 0.8, 0.9), "seed": SEEDS},
    paper=PAPER
    | FIXED
    | {
        "weight_decay": (0.0, 0.01, 0.1, 1.0),
        "gamma": PAPER_GAMMAS,
        "seed": SEEDS,
        "width": 640,
        "feedforward": 1280,
        "heads": 10,
        "head_width": 64,
        "depth": 10,
        "norm": "pre",
        "residual_scaling": True,
        "sequences": 11_250,
        "steps": 1050 * (14 * 11_250 // 2048),
        "warmup": 10 / 1050,
    },
)

"""Four blocks of four heads, GELU, blocks scaled down (Zhang et al., NeurIPS 2024, figure 2c).

Scaled-down blocks start smaller at every γ than those of the other studies, hence γ below 1/2.
"""

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, PAPER_GAMMAS, SEEDS, anchor_study

FIXED = {"depth": 4, "heads": 4, "head_width": 16, "activation": "gelu", "residual_scaling": True}
STUDY = anchor_study(
    name="anchor_heads",
    title="Does a multi-head model in the style of GPT-2 do the same?",
    dimensions=(
        "gamma",
        "seed",
    ),
    findings=answers,
    quick=FIXED | {"gamma": (0.8,), "seed": (100,)},
    full=FIXED | {"gamma": (0.3, 0.4, 0.5, 0.7, 0.8, 0.9), "seed": SEEDS},
    paper=PAPER
    | FIXED
    | {
        "gamma": PAPER_GAMMAS,
        "seed": SEEDS,
        "depth": 12,
        "heads": 12,
        "head_width": 64,
        "width": 768,
        "feedforward": 3072,
    },
)

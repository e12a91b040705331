"""P1, figure 15: condensation of the first block's W_Q over learning rate and weight decay."""

from paper_figs._finding import Claim
from paper_figs._weight_maps import CONDENSATION, weight_maps

FIGURE = weight_maps(
    "p1_fig15_rate_decay_condensation",
    "anchor_rate_decay",
    CONDENSATION,
    ("learning_rate", "weight_decay"),
    ("learning_rate", "weight_decay"),
    opening="Condensation of the first block's W_Q over learning rate and weight decay, at γ = 1/2 with both "
    "(3, 4) and (4, 3) unseen.",
    claim=Claim(
        "P1, figure 15: at a fixed γ, a larger learning rate and a stronger weight decay condense the "
        "neurons of the first block's W_Q.",
        row="P1 5a,b; 10; 15",
    ),
    order=410,
)

"""P1, figure 10: condensation of the first block's W_Q over depth and γ."""

from paper_figs._finding import Claim
from paper_figs._weight_maps import CONDENSATION, weight_maps

FIGURE = weight_maps(
    "p1_fig10_depth_condensation",
    "anchor_depth",
    CONDENSATION,
    ("depth", "gamma"),
    ("gamma",),
    opening="Condensation of the first block's W_Q over depth and γ.",
    claim=Claim(
        "P1, figure 10: at every depth the neurons of the first block's W_Q condense as γ grows.",
        row="P1 5a,b; 10; 15",
    ),
    order=370,
)

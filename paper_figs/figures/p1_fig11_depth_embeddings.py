"""P1, figure 11: order of the embeddings over depth and γ."""

from paper_figs._finding import Claim
from paper_figs._weight_maps import EMBEDDINGS, weight_maps

FIGURE = weight_maps(
    "p1_fig11_depth_embeddings",
    "anchor_depth",
    EMBEDDINGS,
    ("depth", "gamma"),
    ("gamma",),
    opening="Embeddings of the key tokens over depth and γ.",
    claim=Claim(
        "P1, figure 11: at every depth the token embeddings become ordered by value, in few dimensions, as "
        "γ grows.",
        row="P1 5c,d; 11; 16",
    ),
    order=380,
)

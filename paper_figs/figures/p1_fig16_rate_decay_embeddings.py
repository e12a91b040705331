"""P1, figure 16: order of the embeddings over learning rate and weight decay."""

from paper_figs._finding import Claim
from paper_figs._weight_maps import EMBEDDINGS, weight_maps

FIGURE = weight_maps(
    "p1_fig16_rate_decay_embeddings",
    "anchor_rate_decay",
    EMBEDDINGS,
    ("learning_rate", "weight_decay"),
    ("learning_rate", "weight_decay"),
    opening="Embeddings of the key tokens over learning rate and weight decay, at γ = 1/2 with both (3, 4) "
    "and (4, 3) unseen.",
    claim=Claim(
        "P1, figure 16: at a fixed γ, a larger learning rate and a stronger weight decay order the token "
        "embeddings by value, in few dimensions.",
        row="P1 5c,d; 11; 16",
    ),
    order=420,
)

"""The stable rank of every matrix against γ, beside random matrices."""

from paper_figs._ranks import rank_figure

FIGURE = rank_figure("stable_rank", order=110)

"""Ranks of a product

`scaled_product` multiplies matrices without leaving the range of floating point, `product_singular_values`
computes its spectrum through the narrowest dimension. Such products are a deep linear map and an attention
circuit W_Qᵀ W_K.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import DARK, layers_of, say

ORDER = 20
NETWORK = teacher
CAPTION = "Singular values of the product of two layers"


def draw(axis: Axes, run: Run) -> None:
    first, second, _ = layers_of(run)
    values = measures.product_singular_values(second, first)
    axis.bar(range(1, len(values) + 1), values, color=DARK)
    axis.set(xlabel="index", ylabel="singular value of $W_2 W_1$")
    rank = float(measures.effective_rank(measures.scaled_product(second, first)))
    say(axis, f"effective rank {rank:.2f}")

"""Cosines between neurons

`cosine_similarity`, in the order of `display_order`, which puts similar neurons side by side.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import layers_of

ORDER = 50
NETWORK = teacher
CAPTION = "Cosines between the neurons of a hidden layer"


def draw(axis: Axes, run: Run) -> None:
    W = layers_of(run)[1]
    order = measures.display_order(W)
    image = axis.imshow(measures.cosine_similarity(W[order]), cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set(xticks=[], yticks=[], xlabel="neurons of layer 2", ylabel="neurons")
    axis.figure.colorbar(image, ax=axis, label="cosine")

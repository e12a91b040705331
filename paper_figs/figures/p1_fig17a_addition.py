"""P1, figure 17a: addition with a held-out block of operands."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure as Drawing

from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding
from paper_figs._sequences import accuracy
from paper_figs._words import counted, unconverged
from paper_figs.panels.data_size import plot_accuracy_by_size, size_table

LABELS = {"in_distribution": "new pairs outside", "held_out_block": "held-out block"}


def caption(dataset: xr.Dataset) -> str:
    """Right sums over the number of training pairs, outside and inside the held-out block, and by tens."""
    first, last = int(dataset.attrs["block_first"]), int(dataset.attrs["block_last"]) - 1
    return (
        f"Two-digit addition; pairs with both operands in {first}-{last} are never trained. Sums that are "
        "wholly right at the last checkpoint, against the number of training pairs: other pairs outside the "
        "block (a) and pairs in it (b); and by the tens of both operands, from "
        f"{int(dataset['examples'].max())} training pairs (c, d; red: the block). Lines and maps: mean of "
        f"{counted(dataset.sizes['seed'], 'seed')}; small marks: runs.{unconverged(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether the small start adds more numbers of the block."""
    return accuracy(dataset, "held_out_block", "the sums of the held-out block")


def draw(dataset: xr.Dataset) -> Drawing:
    """The picture."""
    return plot_accuracy_by_size(dataset, LABELS, tens=True)


FIGURE = Figure(
    "p1_fig17a_addition",
    "addition_block",
    caption,
    draw,
    size_table,
    Claim(
        "P1, figure 17a: in addition with a held-out block of operands, a small initialization with large "
        "weight decay adds more pairs of the block than the reverse.",
        row="P1 17a",
    ),
    finding,
    order=330,
)

"""P1, figure 6: SCAN over the size of the data, small start with large decay against the reverse."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure as Drawing

from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding
from paper_figs._sequences import accuracy
from paper_figs._words import counted, unconverged
from paper_figs.panels.data_size import plot_accuracy_by_size, size_table

LABELS = {"in_distribution": "new commands", "out_of_distribution": 'commands with "turn left"'}


def caption(dataset: xr.Dataset) -> str:
    """Right commands over the number of training examples, inside and outside of what was trained."""
    most = int(dataset.attrs["most_actions"])
    return (
        'SCAN, trained on commands without "turn left" and on "turn left" alone (a tenth of the examples), '
        f"with answers of at most {most} actions. Commands of which all actions are right, at the last "
        "checkpoint, against the number of training examples: other commands of the training part (a), and "
        'held-out commands with "turn left" (b). Lines: mean of '
        f"{counted(dataset.sizes['seed'], 'seed')}; small marks: runs.{unconverged(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether the small start composes more."""
    return accuracy(dataset, "out_of_distribution", "the held-out commands")


def draw(dataset: xr.Dataset) -> Drawing:
    """The picture."""
    return plot_accuracy_by_size(dataset, LABELS)


FIGURE = Figure(
    "p1_fig6_scan",
    "scan_generalization",
    caption,
    draw,
    size_table,
    Claim(
        "P1, figure 6: on SCAN (turn left), over the size of the data, a small initialization with large "
        "weight decay answers more held-out commands than the reverse.",
        row="P1 6",
    ),
    finding,
    order=310,
)

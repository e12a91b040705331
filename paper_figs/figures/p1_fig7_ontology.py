"""P1, figure 7: chains of properties over the size of the data, in an ontology of our own."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure as Drawing

from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding
from paper_figs._sequences import accuracy_and_time
from paper_figs._words import counted, unconverged
from paper_figs.panels.data_size import plot_accuracy_by_size, size_table

LABELS = {
    "in_distribution": "new questions",
    "unseen_rules": "rules never trained",
    "longer_chains": "longer chains",
}


def caption(dataset: xr.Dataset) -> str:
    """Steps to learn, and right proofs of three kinds, over the number of training examples."""
    return (
        "Chains of rules over invented concepts, each question with an ontology of its own. Steps until nine "
        "tenths of the training examples are wholly right (a; open triangles: not within the run), and "
        "proofs that are wholly right at the last checkpoint (b-d), against the number of training examples: "
        "new questions of the trained kind (b), chains of rules that were never trained (c), and chains "
        f"longer than any trained one (d). Lines: median (a) and mean (b-d) of "
        f"{counted(dataset.sizes['seed'], 'seed')}; small marks: runs.{unconverged(dataset)}"
    )


def finding(dataset: xr.Dataset) -> Finding:
    """Whether the small start answers more, and sooner."""
    return accuracy_and_time(dataset, "in_distribution", "new questions")


def draw(dataset: xr.Dataset) -> Drawing:
    """The picture."""
    return plot_accuracy_by_size(dataset, LABELS, times=True)


FIGURE = Figure(
    "p1_fig7_ontology",
    "ontology_reasoning",
    caption,
    draw,
    size_table,
    Claim(
        "P1, figure 7: on PrOntoQA, over the size of the data, a small initialization with large weight "
        "decay converges in fewer steps, and to a higher accuracy, than the reverse.",
        row="P1 7",
    ),
    finding,
    order=320,
)

"""The runs behind the first test of every hypothesis."""

from __future__ import annotations

import xarray as xr

from experiments.anchor.schema import NOT_CONVERGED
from paper_figs._figure import Figure
from paper_figs._hypotheses import NAME
from paper_figs._words import counted
from paper_figs.panels.hypothesis_runs import plot_runs, run_table


def caption(dataset: xr.Dataset) -> str:
    """The runs behind each hypothesis's first test, in the color of their γ, and what was left out."""
    table = run_table(dataset)
    failed = int((table["phase"] == NOT_CONVERGED).sum())
    other = int(((table["left_out"] != "") & (table["phase"] != NOT_CONVERGED)).sum())
    return (
        "What the hypotheses compare: the first registered test of each, one mark per run, in the color of "
        "its γ. Where a phase is predicted, runs of one phase are spread to be seen. The statistic is within "
        "the test's strata, so that it may differ from what all marks together suggest. "
        f"Left out of the tests: {counted(failed, 'mark')} of runs that did not converge (crosses), "
        f"{counted(other, 'mark')} for other reasons."
    )


FIGURE = Figure("hypotheses_scatter", NAME, caption, plot_runs, run_table, order=360)

"""Figures at print size of a record, of a sweep and of a checkpoint.

They take datasets and tables alone, and import no torch.
"""

from lowcomplex.plots.checkpoint import plot_checkpoint
from lowcomplex.plots.page import DOUBLE, SINGLE, canvas, style
from lowcomplex.plots.record import plot_record
from lowcomplex.plots.sweep import plot_sweep

__all__ = ["DOUBLE", "SINGLE", "canvas", "plot_checkpoint", "plot_record", "plot_sweep", "style"]

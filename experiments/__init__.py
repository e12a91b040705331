"""The studies: one module each, with its config, its grids and what a run measures."""

from experiments._studies import NAMES, study
from experiments._study import RESULTS, Study

__all__ = ["NAMES", "RESULTS", "Study", "study"]

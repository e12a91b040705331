"""The studies: one folder per family, with its config, its run, its grids and its findings."""

from experiments._studies import studies, study
from experiments._study import RESULTS, Study

__all__ = ["RESULTS", "Study", "studies", "study"]
